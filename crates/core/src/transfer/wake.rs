//! The server wakes a caller, in the way that its wait word asks for.

use core::sync::atomic::{Ordering, fence};

use super::crew::Pair;
use crate::channel::Wake;
use crate::channel::server::Claimed;

/// Wakes the caller on `astack`. After the fence that follows its reply.
#[cold]
pub(super) fn wake<P: Pair>(pair: &P, astack: u16, how: Wake) {
    let half = pair.half();
    match how {
        Wake::Reply => half.wake_caller(astack),
        Wake::Bell | Wake::Processor => half.ring_reply_bell(),
        Wake::Signal => {
            if half.count_signal() {
                pair.signal();
            }
        }
    }
}

/// Wakes the caller of a request that has just been answered, if it sleeps.
pub(super) fn wake_after<P: Pair>(pair: &P, claimed: &Claimed) {
    wake_of(pair, claimed.request.astack, claimed.sequence);
}

/// The same, by A-stack and sequence number.
pub(super) fn wake_of<P: Pair>(pair: &P, astack: u16, sequence: u32) {
    // Pairs with the caller's fence between announcing its wait and its look at the reply.
    fence(Ordering::SeqCst);
    if let Some(how) = pair.half().waits(astack, sequence) {
        wake(pair, astack, how);
    }
}
