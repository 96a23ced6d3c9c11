//! Who is to be woken when calls that were started are answered.
//!
//! Each pair keeps a waker for each A-stack whose call a future polls. The watcher looks at them when the pair's signal came,
//! when the pair has ended, and when it is time to: for the nearest deadline, or to ring for a call that the server has not
//! started. While there are no wakers it has no time to keep.
//!
//! *The signal* is given once for all replies until the client writes that it has heard it ([`Wakers::look`]), so that no more
//! than one is ever under way: a server that gives more is no server of ours. One that gives it each time, and never has a
//! reply, is heard only now and then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use nearcall_core::transfer::pending::{Doubts, Outstanding};
use nearcall_layout::pair::ASTACK_COUNT;

use crate::client_pair::ClientPair;
use crate::domain::domain;

/// Signals for nothing, in a row, after which the next is heard only after [`NAP`].
const SPURIOUS_MAX: u32 = 64;

const NAP: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Slot {
    sequence: u32,
    waker: Waker,
    until: Option<Instant>,
    doubts: Option<Doubts>,
    /// The answer is there, and a part of it is being fetched: whoever fetches it wakes.
    is_fetching: bool,
}

impl Slot {
    fn due(&self) -> Option<Instant> {
        let doubts = self.doubts.map(|doubts| doubts.at());
        self.until.into_iter().chain(doubts).min()
    }
}

/// The wakers of one pair.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Mutex<Slots>);

#[derive(Debug)]
struct Slots {
    /// By A-stack; empty until the first.
    slots: Vec<Option<Slot>>,
    /// The last value of the server's word that we said we heard.
    heard: u64,
    /// Signals that may still come.
    expected: u64,
    /// Signals for nothing, in a row.
    spurious: u32,
}

impl Default for Slots {
    fn default() -> Self {
        Self { slots: Vec::new(), heard: 0, expected: 1, spurious: 0 }
    }
}

impl Wakers {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the waker for a call, instead of an earlier one. Returns by when somebody has to look at it.
    pub(super) fn register(&self, call: &Outstanding<'_>, waker: &Waker, is_fetching: bool) -> Option<Instant> {
        let (astack, sequence) = (usize::from(call.astack()), call.sequence());
        let mut before = None;
        let mut slots = self.slots();
        if slots.slots.is_empty() {
            slots.slots.resize_with(ASTACK_COUNT, || None);
        }
        let slot = slots.slots.get_mut(astack)?;
        match slot {
            Some(slot) if slot.sequence == sequence => {
                slot.is_fetching = is_fetching;
                if !slot.waker.will_wake(waker) {
                    before = Some(std::mem::replace(&mut slot.waker, waker.clone()));
                }
            }
            _ => {
                let (until, doubts) = (call.until(), call.doubts().filter(|_| !is_fetching));
                let new = Slot { sequence, waker: waker.clone(), until, doubts, is_fetching };
                before = slot.replace(new).map(|old| old.waker);
            }
        }
        let due = slot.as_ref().and_then(Slot::due);
        drop(slots);
        // Not under the lock: it is somebody else's code.
        drop(before);
        due
    }

    /// Forgets the waker for a call.
    pub(super) fn remove(&self, astack: u16, sequence: u32) {
        let mut slots = self.slots();
        let slot = slots.slots.get_mut(usize::from(astack));
        let gone =
            slot.filter(|slot| slot.as_ref().is_some_and(|slot| slot.sequence == sequence)).and_then(Option::take);
        if gone.is_some() {
            // Its signal may come after it, and was for something.
            slots.spurious = 0;
        }
        drop(slots);
        drop(gone);
    }

    /// Wakes who waits for a call.
    pub(super) fn wake(&self, astack: u16, sequence: u32) {
        let mut slots = self.slots();
        let slot = slots.slots.get_mut(usize::from(astack));
        let gone =
            slot.filter(|slot| slot.as_ref().is_some_and(|slot| slot.sequence == sequence)).and_then(Option::take);
        drop(slots);
        if let Some(slot) = gone {
            let _ = catch_unwind(AssertUnwindSafe(|| slot.waker.wake()));
        }
    }

    /// Something was heard: wakes those whose answer is there, but for a part of it.
    pub(crate) fn wake_fetching(&self) {
        let mut slots = self.slots();
        let fetching = slots.slots.iter_mut().filter_map(|slot| slot.take_if(|slot| slot.is_fetching));
        let woken: Vec<Waker> = fetching.map(|slot| slot.waker).collect();
        drop(slots);
        for waker in woken {
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// A signal has come. `false`: one that the server had no right to give.
    pub(crate) fn may_be_signalled(&self) -> bool {
        let mut slots = self.slots();
        let left = slots.expected.checked_sub(1);
        slots.expected = left.unwrap_or(0);
        slots.spurious = slots.spurious.saturating_add(1);
        left.is_some()
    }

    /// [`look`](Self::look), if the server says that it has given a signal, and it has not given too many for nothing.
    pub(crate) fn look_if_signalled(&self, pair: &ClientPair) {
        let slots = self.slots();
        if pair.half.signals() == slots.heard {
            return;
        }
        let now = Instant::now();
        if slots.spurious > SPURIOUS_MAX {
            drop(slots);
            if let Ok(domain) = domain() {
                domain.watcher.look_by(now + NAP);
            }
            return;
        }
        drop(slots);
        self.look(pair, now);
    }

    /// Wakes those whose calls have ended, and rings for those whose calls the server should have started by now. Returns by
    /// when somebody has to look again, if there is anybody.
    pub(crate) fn look(&self, pair: &ClientPair, now: Instant) -> Option<Instant> {
        let mut slots = self.slots();
        let signals = pair.half.signals();
        if signals != slots.heard {
            slots.heard = signals;
            slots.expected = slots.expected.saturating_add(1);
            // Under the lock, so that the word does not go back.
            pair.half.set_heard(signals);
        }
        // Pairs with the server's fence between a reply and its look at what we heard: it gives another signal, or we see
        // the reply.
        fence(Ordering::SeqCst);
        let has_ended = pair.half.has_ended();
        let mut woken = Vec::new();
        let mut next = None;
        for (slot, astack) in slots.slots.iter_mut().zip(0_u16..) {
            let Some(known) = slot else { continue };
            let is_over = || has_ended || known.until.is_some_and(|until| until <= now);
            if !known.is_fetching && pair.half.answered(astack, known.sequence) || is_over() {
                woken.extend(slot.take().map(|slot| slot.waker));
                continue;
            }
            if let Some(doubts) = &mut known.doubts
                && !doubts.look(&pair.half, astack, known.sequence, now, &pair.control)
            {
                known.doubts = None;
            }
            next = next.into_iter().chain(known.due()).min();
        }
        if !woken.is_empty() {
            slots.spurious = 0;
        }
        drop(slots);
        for waker in woken {
            // Somebody else's code, on a kernel thread that the whole process needs.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
        next
    }
}
