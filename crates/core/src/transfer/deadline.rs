//! When a call has to be over that has waited for something before it was published.
//!
//! A call that waits for its reply only needs no deadline: that wait measures itself. One that has waited before, for an
//! A-stack or for memory, has less left. It is the *late* [`Callee`] that says so: a pointer that the call carries anyway,
//! so that a call which did not wait pays nothing. The instant itself is kept here, by kernel thread.

use std::cell::Cell;
use std::time::{Duration, Instant};

use nearcall_layout::pair;

use super::caller::Callee;
use super::desk;
use crate::channel::client::ClientHalf;

/// Late calls that a kernel thread can have under way: those of procedures in each other, whose arguments may make calls while
/// they are encoded. As many as calls can be deep; with more, the oldest gets its whole time-out once more.
const NESTED_COUNT: usize = 16;

const _: () = assert!(NESTED_COUNT >= pair::DEPTH_MAX as usize);

/// Whose deadline: half and A-stack, which only one call has at a time.
type Key = (usize, u16);

thread_local! {
    static NOTED: Cell<[Option<(Key, Instant)>; NESTED_COUNT]> = const { Cell::new([None; NESTED_COUNT]) };
}

/// A call, as its deadline is found by.
#[derive(Debug, Clone, Copy)]
pub struct Deadline<'a> {
    pub(super) half: &'a ClientHalf,
    pub(super) callee: &'a Callee,
    pub(super) astack: u16,
}

impl<'a> Deadline<'a> {
    fn key(self) -> Key {
        (core::ptr::from_ref(self.half).addr(), self.astack)
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
        let key = self.key();
        NOTED.get().iter().flatten().find(|(of, _)| *of == key).map(|(_, until)| *until)
    }

    /// The call has begun to wait, and has to be over at `until`: the callee that it has from now on.
    pub(super) fn note(self, until: Option<Instant>) -> &'a Callee {
        let (Some(late), Some(until)) = (self.callee.late.as_deref(), until) else { return self.callee };
        let mut noted = NOTED.get();
        let key = self.key();
        let at = noted.iter().position(|entry| entry.is_none_or(|(of, _)| of == key)).unwrap_or(NESTED_COUNT - 1);
        if let Some(before) = noted.get_mut(..=at) {
            before.rotate_right(1);
        }
        if let Some(first) = noted.first_mut() {
            *first = Some((key, until));
        }
        NOTED.set(noted);
        late
    }
}

/// When a call has to be over that begins to wait now: after its time-out, or with the call in whose procedure it is made.
/// `None` for never, or further away than instants go.
#[must_use]
pub fn from_now(timeout: Option<Duration>) -> Option<Instant> {
    now().checked_add(desk::at_most(timeout)?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a call waits or is about to: not the path of one that is answered at once"
)]
fn now() -> Instant {
    Instant::now()
}
