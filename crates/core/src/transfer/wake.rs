//! The server wakes a caller, in the way that its wait word asks for.

use super::crew::Pair;
use crate::channel::Wake;

/// Wakes the caller on `astack`. After the fence that follows its reply.
#[cold]
pub(super) fn wake<P: Pair>(pair: &P, astack: u16, how: Wake) {
    let half = pair.half();
    match how {
        Wake::Reply => half.wake_caller(astack),
        Wake::Bell => half.ring_reply_bell(),
        Wake::Signal => {
            if half.count_signal() {
                pair.signal();
            }
        }
    }
}
