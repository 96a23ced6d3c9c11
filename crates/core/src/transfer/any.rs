//! A sleep for several calls at once, over one pair or several: on the reply bells of their pairs.

use core::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use nearcall_layout::pair;

use super::handoff;
use super::pending::Outstanding;
use crate::channel::Wake;
use crate::channel::client::ClientHalf;
use crate::sys::futex::{self, Sleep, WORD_COUNT_MAX};
use crate::threads::{self, Turn, Waited};

/// Pairs whose bells one sleeper waits on: two words each. With calls over more of them, it looks at the others again after a
/// millisecond.
pub const PAIR_COUNT_MAX: usize = WORD_COUNT_MAX / 2;

const STEP: Duration = Duration::from_millis(1);

/// Sleeps until one of `calls` is answered, a pair of theirs has ended, `left` is over, or for no reason. `false` if it did
/// not sleep: one of them was answered by then, or its bell rung. Their wait words say [`Wake::Bell`] from then on.
pub fn sleep<'c, 'a: 'c>(calls: impl Iterator<Item = &'c Outstanding<'a>> + Clone, left: Duration) -> bool {
    let mut halves: [Option<(&ClientHalf, u32)>; PAIR_COUNT_MAX] = [None; PAIR_COUNT_MAX];
    let mut too_many = false;
    for call in calls.clone() {
        let half = call.half();
        let known = |slot: &&mut Option<(&ClientHalf, u32)>| slot.is_none_or(|(known, _)| core::ptr::eq(known, half));
        match halves.iter_mut().find(known) {
            // Before the announcement: a bell that is rung after it has another value.
            Some(slot @ None) => *slot = Some((half, pair::sequence(half.reply_bell().load()))),
            Some(_) => {}
            None => too_many = true,
        }
    }
    calls.clone().for_each(|call| call.say(Wake::Bell));
    // Pairs with the server's fence between its reply and its look at the wait word: it rings, or we see the reply.
    fence(Ordering::SeqCst);
    if calls.clone().any(|call| call.is_answered() || call.half().has_ended()) {
        return false;
    }
    let mut words = halves.iter().flatten().flat_map(|&(half, rung)| {
        let bell = Sleep { word: half.reply_bell().futex(), value: rung, shared: true };
        [bell, Sleep { word: half.ended_word(), value: 0, shared: false }]
    });
    let Some(first) = words.next() else { return false };
    let mut all = [first; WORD_COUNT_MAX];
    let mut count = 1;
    for (to, word) in all.iter_mut().skip(1).zip(words) {
        *to = word;
        count += 1;
    }
    let words = all.get(..count).unwrap_or_default();
    let left = if too_many { left.min(STEP) } else { left };
    if threads::on_thread().is_some() {
        let changed =
            |(half, rung): &(&ClientHalf, u32)| pair::sequence(half.reply_bell().load()) != *rung || half.has_ended();
        let mut over = |_| halves.iter().flatten().any(changed);
        return suspend(&mut over, words, left);
    }
    // If it is a procedure that sleeps here, others may need its seat.
    let _open = handoff::open();
    futex::sleep(words, Some(left)).is_some()
}

/// As a thread: others of its processor run meanwhile.
#[expect(
    clippy::disallowed_methods,
    reason = "a wait measures its length; one that is cancelled must not keep its CPU busy"
)]
fn suspend(over: &mut dyn FnMut(Turn) -> bool, words: &[Sleep<'_>], left: Duration) -> bool {
    if threads::wait_until(over, Instant::now().checked_add(left), words) == Waited::Cancelled {
        // There is no error for it here: it goes on waiting, in small steps.
        threads::yield_now();
        std::thread::sleep(left.min(STEP));
    }
    true
}
