//! When a call has to be over that has waited for something before it was published.
//!
//! A call that waits for its reply only needs no deadline: that wait measures itself. One that has waited before, for an
//! A-stack or for memory, has less left. It is the *late* [`Callee`] that says so: a pointer that the call carries anyway,
//! so that a call which did not wait pays nothing. The instant itself is kept in the half, by A-stack: only one call has that.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::caller::Callee;
use super::desk;
use crate::channel::client::ClientHalf;

/// A call, as its deadline is found by.
#[derive(Debug, Clone, Copy)]
pub struct Deadline<'a> {
    pub(super) half: &'a ClientHalf,
    pub(super) callee: &'a Callee,
    pub(super) astack: u16,
}

impl<'a> Deadline<'a> {
    fn place(self) -> Option<&'a AtomicU64> {
        self.half.deadlines.get(usize::from(self.astack))
    }

    /// When the call has to be over; if it has not waited so far, its time-out from now. `None`: never.
    #[must_use]
    pub fn until(self) -> Option<Instant> {
        self.noted().or_else(|| from_now(self.callee.timeout))
    }

    /// What is left of the time-out, and of the call in whose procedure this one is made.
    pub(super) fn left(self) -> Option<Duration> {
        match self.noted() {
            // Then what was left of that one is in it.
            Some(until) => Some(until.saturating_duration_since(now())),
            None => desk::at_most(self.callee.timeout),
        }
    }

    fn noted(self) -> Option<Instant> {
        if self.callee.late.is_some() {
            return None;
        }
        // Relaxed: whoever has the A-stack has noted it, or has got the call from who did.
        let nanos = self.place()?.load(Ordering::Relaxed);
        epoch().checked_add(Duration::from_nanos(nanos))
    }

    /// The call has begun to wait, and has to be over at `until`: the callee that it has from now on.
    pub(super) fn note(self, until: Option<Instant>) -> &'a Callee {
        let (Some(late), Some(until)) = (self.callee.late.as_deref(), until) else { return self.callee };
        let Some(place) = self.place() else { return self.callee };
        // Beyond five hundred years it is never.
        let nanos = u64::try_from(until.saturating_duration_since(epoch()).as_nanos()).unwrap_or(u64::MAX);
        place.store(nanos, Ordering::Relaxed);
        late
    }
}

/// When a call has to be over that begins to wait now: after its time-out, or with the call in whose procedure it is made.
/// `None` for never, or further away than instants go.
#[must_use]
pub fn from_now(timeout: Option<Duration>) -> Option<Instant> {
    now().checked_add(desk::at_most(timeout)?)
}

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(now)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a call waits or is about to: not the path of one that is answered at once"
)]
fn now() -> Instant {
    Instant::now()
}
