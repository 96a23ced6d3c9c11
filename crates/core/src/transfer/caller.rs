//! The caller's wait.

use core::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use nearcall_layout::pair::{self, poll};

use crate::channel::Ran;
use crate::channel::client::ClientHalf;
use crate::sys::futex::{self, Sleep};

/// Turns of the spin: some 50 us with a `pause` in each, about what waking a sleeper on another CPU costs.
const SPIN_TURNS: u32 = 1_500;

/// The first sleep is this long at most; each later one twice as long, up to [`STEP_MAX`]. After a step without an
/// answer the caller rings again, whatever the server says it is doing: a lead that is stuck in a procedure is relieved
/// that way.
const STEP_MIN: Duration = Duration::from_millis(1);
const STEP_MAX: Duration = Duration::from_millis(500);

/// How a wait can end without a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The time is over.
    Timeout(Ran),
    /// The pair has ended: the server died, or hung up.
    Ended(Ran),
}

/// Rings by a message, for servers that do not look at this pair.
pub trait Doorbell {
    /// Tells the server's watcher that the ring has a request. Must not block; one that is pending already suffices.
    fn ring(&self);
}

/// What one wait is for.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The call's A-stack.
    pub astack: u16,
    /// The call's sequence number.
    pub sequence: u32,
    /// The CPU the caller is on.
    pub cpu: u16,
    /// How long from the end of the spin; `None` for ever.
    pub timeout: Option<Duration>,
}

/// Waits for the reply to a published call; returns the reply's first word.
///
/// # Errors
/// [`Unanswered`]. A reply that is there is never reported as missing, even if the pair ended just after it.
#[inline(always)]
pub fn wait(half: &ClientHalf, doorbell: &impl Doorbell, wait: Wait) -> Result<u64, Unanswered> {
    let (Some(reply), Some(status)) = (half.reply_line(wait.astack), half.status()) else {
        return Err(Unanswered::Ended(Ran::No));
    };
    #[cfg(feature = "wait-hook")]
    super::hook::run();
    // The first turns touch nothing but the reply: a server that polls has answered before the first is over.
    for _ in 0..4 {
        let first = reply.poll();
        if pair::sequence(first) == wait.sequence {
            reply.acquire();
            return Ok(first);
        }
        core::hint::spin_loop();
    }
    let polled = status.load();
    if poll::state(polled) == poll::POLLED && poll::cpu(polled) != wait.cpu {
        for _ in 0..SPIN_TURNS {
            let first = reply.poll();
            if pair::sequence(first) == wait.sequence {
                reply.acquire();
                return Ok(first);
            }
            if status.load() != polled || half.has_ended() {
                break;
            }
            core::hint::spin_loop();
        }
    }
    wait_long(half, doorbell, wait)
}

#[cold]
#[inline(never)]
fn wait_long(half: &ClientHalf, doorbell: &dyn Doorbell, wait: Wait) -> Result<u64, Unanswered> {
    let (Some(reply), Some(status)) = (half.reply_line(wait.astack), half.status()) else {
        return Err(Unanswered::Ended(Ran::No));
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the spin has ended: the first place of a call that may read a clock"
    )]
    let start = Instant::now();
    let answered = || {
        let first = reply.load_acquire();
        (pair::sequence(first) == wait.sequence).then_some(first)
    };
    // Pairs with the server's fence after it wrote that it no longer looks: it sees our request, or we see that.
    fence(Ordering::SeqCst);
    let seen = status.load();
    // Spinning on the CPU that the server last ran on would only keep it from running there.
    if ring(half, doorbell, seen) && poll::cpu(seen) != wait.cpu {
        for _ in 0..SPIN_TURNS {
            if let Some(first) = answered() {
                return Ok(first);
            }
            core::hint::spin_loop();
        }
    }
    let mut step = STEP_MIN;
    let result = loop {
        half.announce_wait(wait.astack, wait.sequence);
        // Pairs with the server's fence between its reply and its look at the wait word: it sees that we sleep, or we
        // see the reply. Everything is looked at again after it.
        fence(Ordering::SeqCst);
        let seen = reply.load_acquire();
        if pair::sequence(seen) == wait.sequence {
            break Ok(seen);
        }
        if half.has_ended() {
            // The last look: a reply may have come between the one above and the end.
            let ran = || half.ran(wait.astack, wait.sequence);
            let ran = || if half.is_over() { ran() } else { not_final(ran()) };
            break answered().ok_or_else(|| Unanswered::Ended(ran()));
        }
        let left = wait.timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            break answered().ok_or_else(|| Unanswered::Timeout(not_final(half.ran(wait.astack, wait.sequence))));
        }
        ring(half, doorbell, status.load());
        let words = [
            Sleep { word: reply.futex(), value: pair::sequence(seen), shared: true },
            Sleep { word: half.ended_word(), value: 0, shared: false },
        ];
        futex::sleep(&words, Some(left.map_or(step, |left| left.min(step))));
        if let Some(first) = answered() {
            break Ok(first);
        }
        if start.elapsed() >= step && half.ran(wait.astack, wait.sequence) == Ran::No {
            doorbell.ring();
        }
        step = (step * 2).min(STEP_MAX);
    };
    half.announce_wait(wait.astack, 0);
    result
}

/// A call that was given up unread may still be read later: only a dead server makes "not started" final.
fn not_final(ran: Ran) -> Ran {
    match ran {
        Ran::No => Ran::Maybe,
        other => other,
    }
}

/// Rings as the status asks; says whether it did.
fn ring(half: &ClientHalf, doorbell: &dyn Doorbell, status: u64) -> bool {
    match poll::state(status) {
        poll::POLLED => return false,
        poll::ASLEEP => half.ring_bell(),
        _ => doorbell.ring(),
    }
    true
}
