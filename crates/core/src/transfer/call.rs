//! One call from the client's side, as a value: an A-stack held, then published, then answered.
//!
//! The types make the order of LRPC's call sequence the only one that compiles: a frame can be written only while the
//! A-stack is held and nothing is published, results can be read only after the reply's sequence number was checked,
//! and the A-stack goes back when the results are dropped. A call that is given up keeps its A-stack until the answer.

use core::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nearcall_layout::pair;

use super::caller::{self, Callee, Doorbell, Published, Unanswered};
use super::mode::Mode;
use crate::astack::{Astacks, Calls, NoneFree, Taken};
use crate::channel::client::{ClientHalf, Hints, RingFull};
use crate::channel::{LINE_WORDS, Ran};
use crate::shm::PeerLine;
use crate::sys::process;

/// Between two looks at a full ring.
const RING_NAP: Duration = Duration::from_micros(50);

/// Why a call got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// The request could not be published: lines of calls that were given up fill the ring. Nothing ran.
    RingFull,
    /// The time is over; the A-stack is quarantined.
    Timeout(Ran),
    /// The pair has ended.
    Ended(Ran),
}

impl Calls for ClientHalf {
    fn answered(&self, astack: u16, sequence: u32) -> bool {
        Self::answered(self, astack, sequence)
    }

    fn has_ended(&self) -> bool {
        Self::has_ended(self)
    }
}

/// An A-stack that is ours, and nothing published on it.
#[derive(Debug)]
pub struct Held<'a> {
    half: &'a ClientHalf,
    astacks: &'a Astacks,
    taken: Taken<'a>,
    callee: &'a Callee,
    mode: &'a Mode,
}

impl<'a> Held<'a> {
    /// Takes an A-stack for a call, waiting for it as long as for an answer.
    ///
    /// # Errors
    /// [`NoneFree`].
    #[inline(always)]
    pub fn take(
        half: &'a ClientHalf,
        astacks: &'a Astacks,
        callee: &'a Callee,
        mode: &'a Mode,
    ) -> Result<Self, NoneFree> {
        let taken = astacks.take(&callee.timeout, half)?;
        Ok(Self { half, astacks, taken, callee, mode })
    }

    /// The frame: our own memory, lent while nothing is published. Whatever is stored there counts as seen by the
    /// server.
    #[inline(always)]
    #[must_use]
    pub fn frame(&mut self) -> &mut [u8] {
        // SAFETY: `self` is the proof that the A-stack is held, and it is borrowed uniquely.
        unsafe { self.half.frame(self.astacks.class(), self.taken.index()) }
    }

    /// Publishes the request and waits for its answer.
    ///
    /// # Errors
    /// [`Failed`].
    #[inline(always)]
    pub fn call(
        self,
        words: impl IntoIterator<Item = u64> + Clone,
        doorbell: &impl Doorbell,
    ) -> Result<Answered<'a>, Failed> {
        let Self { half, astacks, taken, callee, mode } = self;
        let astack = taken.index();
        let hints = Hints::new(half.soon.load(Ordering::Relaxed) | mode.flags(), process::cpu_hint());
        let sequence = match half.publish(&callee.target, astack, words.clone(), hints) {
            Ok(sequence) => sequence,
            Err(RingFull) => {
                // Copied here, so that they are in memory only here.
                let mut all = [0; LINE_WORDS];
                all.iter_mut().zip(words).for_each(|(to, word)| *to = word);
                publish_later(half, callee, astack, &all, hints)?
            }
        };
        // Published: from here on the A-stack is the call's, whatever becomes of us.
        core::mem::forget(self);
        let line = half.reply_line(astack);
        match caller::wait(half, doorbell, Published { astack, sequence, reply: line, hints, callee, mode }) {
            Ok(status) => Ok(Answered { half, astacks, taken, line, status }),
            Err(unanswered) => Err(give_up(half, astacks, astack, sequence, unanswered)),
        }
    }
}

/// Waits for room in the ring: the oldest line was claimed by a processor that has not stamped it yet (it was preempted
/// in between, and another one went on), or the server reads nothing at all. Neither lasts, or the time-out ends it.
#[cold]
#[inline(never)]
fn publish_later(
    half: &ClientHalf,
    callee: &Callee,
    astack: u16,
    words: &[u64; LINE_WORDS],
    hints: Hints,
) -> Result<u32, Failed> {
    #[expect(clippy::disallowed_methods, reason = "a wait measures its length; nothing is published yet")]
    let start = Instant::now();
    loop {
        if half.has_ended() {
            return Err(Failed::Ended(Ran::No));
        }
        if callee.timeout.is_some_and(|timeout| start.elapsed() >= timeout) {
            return Err(Failed::RingFull);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "nobody wakes anybody when a line is read: looking again is all"
        )]
        std::thread::sleep(RING_NAP);
        if let Ok(sequence) = half.publish(&callee.target, astack, *words, hints) {
            return Ok(sequence);
        }
    }
}

#[cold]
#[inline(never)]
fn give_up(half: &ClientHalf, astacks: &Astacks, astack: u16, sequence: u32, why: Unanswered) -> Failed {
    // Before the quarantine, which another call may end at once.
    half.announce_given_up(astack, sequence);
    astacks.quarantine(astack, sequence);
    match why {
        Unanswered::Timeout(ran) => Failed::Timeout(ran),
        Unanswered::Ended(ran) => Failed::Ended(ran),
    }
}

/// Drops are out of line and take what they need by value: a value whose address goes anywhere is in memory, and every
/// move of it on the way of a call is a copy (40 instructions of a null call).
impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        give_back(self.astacks, self.taken);
    }
}

#[cold]
#[inline(never)]
fn give_back(astacks: &Astacks, taken: Taken<'_>) {
    astacks.give(taken);
}

/// An answer: proof that the reply line carried the expected sequence number. It says nothing about the results, which
/// the server may still be changing: read each once.
#[derive(Debug)]
pub struct Answered<'a> {
    half: &'a ClientHalf,
    astacks: &'a Astacks,
    taken: Taken<'a>,
    line: PeerLine<'a>,
    status: u16,
}

impl Answered<'_> {
    /// How the call ended ([`nearcall_layout::pair::status`]).
    #[inline(always)]
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Word `index` of the results that rode in the line; 0 beyond them.
    #[inline(always)]
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        self.line.load(pair::reply::RESULTS + index)
    }

    /// The word beside them: bytes of the tail, as the server says.
    #[inline(always)]
    #[must_use]
    pub fn tail_size(&self) -> u64 {
        self.line.load(pair::reply::TAIL)
    }

    /// Bytes of the frame.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        usize::try_from(self.astacks.class().frame_size).unwrap_or(0)
    }

    /// Copies bytes of the reply half from byte `at` of it; each is read once. `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_out(&self, at: usize, into: &mut [u8]) -> Option<()> {
        self.half.copy_out(self.astacks.class(), self.taken.index(), at, into)
    }
}

impl Answered<'_> {
    /// Gives the A-stack back, as dropping does, but inlined: a stub's last line is here.
    #[inline(always)]
    pub fn end(self) {
        self.half.finish(self.taken.index());
        self.astacks.give(self.taken);
        core::mem::forget(self);
    }
}

impl Drop for Answered<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        end(self.half, self.astacks, self.taken);
    }
}

#[cold]
#[inline(never)]
fn end(half: &ClientHalf, astacks: &Astacks, taken: Taken<'_>) {
    half.finish(taken.index());
    astacks.give(taken);
}
