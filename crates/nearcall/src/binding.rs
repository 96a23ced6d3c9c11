//! Bindings: the capability to call, on the client's side.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nearcall_core::sys::forked::ForkWord;
use nearcall_core::threads;
use nearcall_core::transfer::call::Held;
use nearcall_core::transfer::caller::Doorbell as _;
use nearcall_core::transfer::counts::ClientCounts;
use nearcall_core::transfer::mode::{Granted, Transfer};
use nearcall_core::transfer::{deadline, desk, handoff};
use nearcall_layout::pair::DEPTH_MAX;
use rustix::io::Errno;

use crate::client_pair::{ClientPair, ENDED, FAR, NEAR, Procedure, REVOKED};
use crate::error::{CallError, Failure, Ran};
use crate::far::binding::Far;
use crate::message::FromClient;
use crate::pending;
use crate::rt::{Call, DEFAULT_TIMEOUT, Exhausted, FarCall};

/// What makes a binding near.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) pair: Arc<ClientPair>,
    pub(crate) index: u16,
    pub(crate) generation: u32,
    pub(crate) procedures: Arc<[Procedure]>,
    pub(crate) granted: Granted,
}

/// How long a binding that is dropped waits until the calls that were left to themselves have begun.
const LEAVE_TAKING: Duration = Duration::from_secs(1);

/// Until it looks, the first time; then twice as long, up to [`LOOK_MAX`].
const LOOK_MIN: Duration = Duration::from_micros(50);

/// The longest such step, and from when on the server is rung once more.
const LOOK_MAX: Duration = Duration::from_millis(5);

impl Near {
    /// Waits until the server has begun to run what was left to itself: it looks at the right of a call then, and not
    /// afterwards. A server that does not come to it in [`LEAVE_TAKING`] loses it, as one that dies would.
    fn see_off(&self) {
        let pair = &*self.pair;
        let has_begun = |astack, sequence| {
            pair.half.ran(astack, sequence) != nearcall_core::channel::Ran::No || pair.half.answered(astack, sequence)
        };
        let is_awaited = || self.procedures.iter().any(|procedure| procedure.callee.astacks.has_left(has_begun));
        let (begun, mut step) = (Instant::now(), LOOK_MIN);
        while is_awaited() && !pair.half.has_ended() && begun.elapsed() < LEAVE_TAKING {
            if step == LOOK_MAX {
                // Whoever was rung when it was published may be inside something slow.
                pair.control.ring();
            }
            let _open = handoff::open();
            if threads::sleep_until(Instant::now() + step).is_err() {
                return;
            }
            step = (step * 2).min(LOOK_MAX);
        }
    }
}

/// The capability to call: proof that the server granted this process an interface, until the server takes it back or
/// ends. It holds nothing in a forked child.
#[derive(Debug)]
pub struct Binding {
    word: ForkWord,
    way: Way,
}

/// Where calls go. The word says which it is, to whoever calls; this is for everybody else.
#[derive(Debug)]
enum Way {
    Near(Near),
    Far(Box<Far>),
}

/// How the calls of a binding travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Path {
    /// Through memory shared with a process on this machine.
    Near,
    /// Over the protocol graph of this process, to another host.
    Far,
    /// Through memory to a gateway on this machine, and from there to another host.
    Gateway,
}

impl Binding {
    pub(crate) fn new(near: Near) -> Result<Self, Errno> {
        let word = ForkWord::new(NEAR)?;
        near.pair.note(near.index, near.generation, word.word());
        Ok(Self { word, way: Way::Near(near) })
    }

    pub(crate) fn new_far(far: Far) -> Result<Self, Errno> {
        Ok(Self { word: ForkWord::new(FAR)?, way: Way::Far(Box::new(far)) })
    }

    /// What is near about it. A far binding's word is never [`NEAR`].
    #[inline(always)]
    fn near_way(&self) -> Result<&Near, Failure> {
        match &self.way {
            Way::Near(near) => Ok(near),
            Way::Far(_) => Err(self.not_near()),
        }
    }

    /// Begins a far call, in the place of a near one that did not begin: `why`.
    ///
    /// # Errors
    /// `why`, unless the binding is far; `Unsupported`.
    #[doc(hidden)]
    pub fn begin_far<const REQ: usize, const REP: usize>(
        &self,
        procedure: u16,
        why: Failure,
    ) -> Result<FarCall<'_, REQ, REP>, Failure> {
        match &self.way {
            Way::Far(far) if self.word.load(Ordering::Relaxed) == FAR => Ok(FarCall::new(far, procedure)),
            _ => Err(why),
        }
    }

    /// Takes an A-stack for a procedure of which only bytes are known.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn take(&self, procedure: u16) -> Result<Held<'_>, Failure> {
        if self.word.load(Ordering::Relaxed) != NEAR {
            return Err(self.not_near());
        }
        let Near { pair, procedures, granted, .. } = self.near_way()?;
        let Some(Procedure { callee, .. }) = procedures.get(usize::from(procedure)) else {
            return Err(Failure(CallError::Unsupported));
        };
        Held::take(&pair.half, callee, granted, || self.take_slowly(procedure))
    }

    /// Begins a call: the test for a near binding first, then an A-stack, which may have to be waited for.
    ///
    /// # Errors
    /// `Forked`, `Revoked`, `PeerDied`, `NoAStack`; nothing was sent.
    #[doc(hidden)]
    #[inline(always)]
    pub fn begin<const REQ: usize, const REP: usize>(&self, procedure: u16) -> Result<Call<'_, REQ, REP>, Failure> {
        if self.word.load(Ordering::Relaxed) != NEAR {
            return Err(self.not_near());
        }
        let near = self.near_way()?;
        let Some(Procedure { callee, .. }) = near.procedures.get(usize::from(procedure)) else {
            return Err(Failure(CallError::Unsupported));
        };
        let pair = &*near.pair;
        let held = Held::take(&pair.half, callee, &near.granted, || self.take_slowly(procedure))?;
        Ok(Call::new(pair, held))
    }

    /// This kernel thread has leased no A-stack: takes one from the list, waiting for it as the interface says. When that has
    /// not helped, as many calls are in flight as the class has A-stacks, and it may get more.
    #[cold]
    #[inline(never)]
    fn take_slowly(&self, procedure: u16) -> Result<Held<'_>, Failure> {
        let Near { pair, procedures, granted, .. } = self.near_way()?;
        let Some(Procedure { callee, exhausted }) = procedures.get(usize::from(procedure)) else {
            return Err(Failure(CallError::Unsupported));
        };
        let take = |patience| Held::take_within(&pair.half, callee, granted, patience);
        if let Ok(held) = take(Some(Duration::ZERO)) {
            return Ok(held);
        }
        // It would wait for nothing.
        if desk::depth() >= DEPTH_MAX {
            return Err(Failure(CallError::TooDeep));
        }
        // From here on the call waits: what it spends counts.
        let until = deadline::from_now(callee.timeout);
        let most = match *exhausted {
            Exhausted::Grow(most) => most,
            // It may be the calls around this one that have them all, and would be waited for in vain.
            Exhausted::Wait if desk::depth() > 0 => DEPTH_MAX,
            _ => 0,
        };
        if most > 0 {
            while !pair.half.has_ended() && pair.grow(&callee.astacks, most, until) {
                if let Ok(held) = take(Some(Duration::ZERO)) {
                    return Ok(held.with_deadline(until));
                }
            }
        }
        let left = || until.map(|until| until.saturating_duration_since(Instant::now()));
        if *exhausted != Exhausted::Fail
            && let Ok(held) = take(left())
        {
            return Ok(held.with_deadline(until));
        }
        Err(Failure(if pair.half.has_ended() {
            CallError::PeerDied { ran: Ran::No }
        } else if threads::current().is_cancelled() {
            CallError::Aborted
        } else {
            CallError::NoAStack
        }))
    }

    /// Begins a call that is started and not waited for: as [`begin`](Self::begin), with an A-stack that is free now.
    ///
    /// # Errors
    /// `Forked`, `Revoked`, `PeerDied`, `NoAStack`; nothing was sent.
    #[doc(hidden)]
    pub fn begin_start<const REQ: usize, const REP: usize>(
        &self,
        procedure: u16,
    ) -> Result<Call<'_, REQ, REP, true>, Failure> {
        if self.word.load(Ordering::Relaxed) != NEAR {
            return Err(self.not_near());
        }
        let Near { pair, procedures, granted, .. } = self.near_way()?;
        let Some(Procedure { callee, exhausted }) = procedures.get(usize::from(procedure)) else {
            return Err(Failure(CallError::Unsupported));
        };
        match Held::take_now(&pair.half, callee, granted) {
            Ok(held) => Ok(Call::new(pair, held)),
            Err(_) if pair.half.has_ended() => Err(Failure(CallError::PeerDied { ran: Ran::No })),
            Err(_) => {
                if let Exhausted::Grow(most) = *exhausted {
                    pending::grow_meanwhile(pair, &callee.astacks, most, callee.timeout);
                }
                Err(Failure(CallError::NoAStack))
            }
        }
    }

    /// Whether this is not a forked child, in which nothing of the pair may be touched.
    pub(crate) fn is_here(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    /// What makes it near, while it is.
    pub(crate) fn near(&self) -> Result<&Near, Failure> {
        if self.word.load(Ordering::Relaxed) == NEAR { self.near_way() } else { Err(self.not_near()) }
    }

    /// The pair of a near binding.
    ///
    /// # Panics
    /// For a far one: started and raw calls, which ask for it, are near.
    pub(crate) fn pair(&self) -> &Arc<ClientPair> {
        match &self.way {
            Way::Near(near) => &near.pair,
            Way::Far(_) => unreachable!("only calls that were begun near ask for their pair"),
        }
    }

    #[cold]
    #[inline(never)]
    fn not_near(&self) -> Failure {
        Failure(match self.word.load(Ordering::Relaxed) {
            0 => CallError::Forked,
            REVOKED => CallError::Revoked,
            ENDED => CallError::PeerDied { ran: Ran::No },
            _ => CallError::Unsupported,
        })
    }

    /// How calls travel.
    #[must_use]
    pub fn path(&self) -> Path {
        match &self.way {
            Way::Near(_) => Path::Near,
            Way::Far(far) => far.path(),
        }
    }

    /// Whether calls can succeed: the server lives and has not taken the binding back. It may do either at any time.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match &self.way {
            Way::Near(near) => self.word.load(Ordering::Relaxed) == NEAR && !near.pair.half.has_ended(),
            // What becomes of the other host is seen by calling.
            Way::Far(_) => self.is_here(),
        }
    }

    /// How calls wait for their replies.
    #[must_use]
    pub fn transfer(&self) -> Transfer {
        self.near_way().map_or(Transfer::Auto, |near| near.granted.mode.get())
    }

    /// Makes later calls of this binding wait differently. Far ones wait as they do.
    pub fn set_transfer(&self, transfer: Transfer) {
        if let Ok(near) = self.near_way() {
            near.granted.mode.set(transfer);
        }
    }

    /// How the calls from this process to the binding's server process travelled so far, over all bindings to it; all zero for a
    /// far one.
    #[must_use]
    pub fn counts(&self) -> ClientCounts {
        self.near_way().map_or_else(|_| ClientCounts::default(), |near| near.pair.half.counts())
    }

    /// The server's process id when it was bound, if it is visible from here.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.near_way().ok().and_then(|near| near.pair.pid)
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        if self.word.load(Ordering::Relaxed) == 0 {
            // In a forked child: the socket is the parent's to speak on, and its locks may be held for ever.
            return;
        }
        // A far one gives itself back.
        let Way::Near(near) = &self.way else { return };
        near.see_off();
        let Near { pair, index, generation, .. } = near;
        pair.forget(*index, *generation);
        // Should the socket be full, the server keeps one place of its table until the pair ends.
        let _ = pair.tell(&FromClient::Unbind { binding: *index, generation: *generation });
    }
}

/// The time-out of a procedure that names none.
pub(crate) const fn patience(timeout: Option<Duration>) -> Option<Duration> {
    match timeout {
        None => Some(DEFAULT_TIMEOUT),
        Some(Duration::MAX) => None,
        some => some,
    }
}
