//! One call from the client's side, as a value: an A-stack held, then published, then answered.
//!
//! The types make the order of LRPC's call sequence the only one that compiles: a frame can be written only while the
//! A-stack is held and nothing is published, results can be read only after the reply's sequence number was checked,
//! and the A-stack goes back when the results are dropped. A call that is given up keeps its A-stack until the answer.

use core::marker::PhantomData;
use core::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nearcall_layout::Number;
use nearcall_layout::pair::{self, AstackClass, request};

use super::caller::{self, Callee, Doorbell, Published, Unanswered};
use super::deadline::Deadline;
use super::desk;
use super::handoff;
use super::mode::{Granted, Mode};
use crate::astack::{Astacks, Calls, NoneFree, Taken};
use crate::channel::client::{ClientHalf, Draft, Hints, Unpublished, Which};
use crate::channel::{LINE_WORDS, Ran};
use crate::shm::PeerLine;
use crate::sys::process;
use crate::threads;

/// Between two looks at a full ring.
const RING_NAP: Duration = Duration::from_micros(50);

/// Why a call got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// The request could not be published: lines of calls that were given up fill the ring. Nothing ran.
    RingFull,
    /// As many calls lie around this one as may. Nothing was published.
    TooDeep,
    /// The time is over. If the request was published, the A-stack is quarantined; not started without doubt: it was not.
    Timeout(Ran),
    /// The pair has ended.
    Ended(Ran),
    /// The thread that called was cancelled; the A-stack is quarantined.
    Cancelled(Ran),
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
    taken: Taken<'a>,
    callee: &'a Callee,
    granted: &'a Granted,
    /// The A-stack's segment stands in for the frame, since something did not fit it. A flag, and not the segment: what has
    /// to be dropped has to be in memory, and that came to 80 instructions of a null call.
    is_out_of_band: bool,
}

impl<'a> Held<'a> {
    /// Takes the A-stack for a call that this kernel thread has leased; if it has none, the one that `otherwise` has taken,
    /// of the same half and class ([`take_within`](Self::take_within)).
    ///
    /// The two ways meet in the A-stack alone, so that the compiler sees what all else of the result is: that no segment
    /// stands in for the frame, above all, which a call without payload then never asks.
    ///
    /// # Errors
    /// What `otherwise` says.
    #[inline(always)]
    pub fn take<E>(
        half: &'a ClientHalf,
        callee: &'a Callee,
        granted: &'a Granted,
        otherwise: impl FnOnce() -> Result<Self, E>,
    ) -> Result<Self, E> {
        let (taken, callee) = match callee.astacks.take_leased() {
            Some(taken) => (taken, callee),
            None => otherwise()?.into_taken(half),
        };
        Ok(Self { half, taken: taken.in_range(), callee, granted, is_out_of_band: false })
    }

    /// Takes any that is free, waiting for up to `patience`.
    ///
    /// # Errors
    /// [`NoneFree`].
    #[cold]
    pub fn take_within(
        half: &'a ClientHalf,
        callee: &'a Callee,
        granted: &'a Granted,
        patience: Option<Duration>,
    ) -> Result<Self, NoneFree> {
        let _open = (patience != Some(Duration::ZERO)).then(handoff::open);
        let taken = callee.astacks.take(patience, half)?;
        Ok(Self { half, taken, callee, granted, is_out_of_band: false })
    }

    /// Takes one that is free now; makes no system call.
    ///
    /// # Errors
    /// [`NoneFree`].
    pub fn take_now(half: &'a ClientHalf, callee: &'a Callee, granted: &'a Granted) -> Result<Self, NoneFree> {
        let taken = callee.astacks.take_now(half).ok_or(NoneFree)?;
        Ok(Self { half, taken, callee, granted, is_out_of_band: false })
    }

    fn into_taken(self, half: &ClientHalf) -> (Taken<'a>, &'a Callee) {
        debug_assert!(core::ptr::eq(self.half, half), "taken for another call");
        let Self { taken, callee, .. } = self;
        core::mem::forget(self);
        (taken, callee)
    }

    /// The call has waited for its A-stack, and has to be over at `until`; `None` for never.
    #[cold]
    #[must_use]
    pub fn with_deadline(mut self, until: Option<Instant>) -> Self {
        self.callee = self.deadline().note(until);
        self
    }

    /// The call begins to wait for something else than its reply, if it has not waited before: from now on there is one
    /// deadline for all of it, which is returned; `None` for never.
    #[inline(always)]
    pub fn begin_wait(&mut self) -> Option<Instant> {
        let (callee, until) = begin_wait(self.deadline());
        self.callee = callee;
        until
    }

    /// What it consists of: half, callee, binding, A-stack, and whether a segment stands in for the frame.
    pub(super) fn parts(&self) -> (&'a ClientHalf, &'a Callee, &'a Granted, u16, bool) {
        (self.half, self.callee, self.granted, self.taken.index(), self.is_out_of_band)
    }

    #[inline(always)]
    fn deadline(&self) -> Deadline<'a> {
        Deadline { half: self.half, callee: self.callee, astack: self.taken.index() }
    }

    /// The A-stack.
    #[must_use]
    pub fn astack(&self) -> u16 {
        self.taken.index()
    }

    /// How long the call may take; `None` for ever.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.callee.timeout
    }

    /// The frame, or what stands in for it.
    #[inline(always)]
    #[must_use]
    pub fn frame(&mut self) -> Frame<'_> {
        let Self { half, callee, is_out_of_band, .. } = *self;
        Frame { half, class: callee.astacks.class(), astack: self.taken.index(), is_out_of_band, held: PhantomData }
    }

    /// Bytes of the frame; 0 once a segment stands in for it.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        let class = self.callee.astacks.class();
        let has_frame = class.has_frame(self.taken.index()) && !self.is_out_of_band;
        if has_frame { usize::try_from(class.frame_size).unwrap_or(0) } else { 0 }
    }

    /// A segment stands in for the frame from now on ([`Frame::move_to_segment`]).
    #[inline(always)]
    pub fn set_out_of_band(&mut self) {
        self.is_out_of_band = true;
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
        let Self { half, taken, callee, granted, is_out_of_band } = self;
        let Granted { target, mode } = granted;
        let astack = taken.index();
        let place = if is_out_of_band { request::OUT_OF_BAND } else { 0 };
        let cpu = process::cpu_hint();
        let hints = |draft: Draft<'_>| hints(half, mode, Hints::new(place, cpu), callee, draft);
        let sequence = match half.publish(target, callee.procedure, astack, words.clone(), hints) {
            Ok(sequence) => sequence,
            Err(why) => {
                // Copied here, so that they are in memory only here.
                let mut all = [0; LINE_WORDS];
                all.iter_mut().zip(words).for_each(|(to, word)| *to = word);
                publish_later(half, callee, granted, astack, &all, Hints::new(place, cpu), why)?
            }
        };
        // Published: from here on the A-stack is the call's, whatever becomes of us.
        core::mem::forget(self);
        if is_out_of_band {
            published_out_of_band(half, astack);
        }
        let line = half.reply_line(astack);
        match caller::wait(half, doorbell, Published { astack, sequence, reply: line, cpu, callee, mode }) {
            Ok(status) => Ok(Answered { half, callee, taken, line, status }),
            Err(unanswered) => Err(give_up(half, &callee.astacks, astack, sequence, unanswered)),
        }
    }
}

/// By value, and out of line: the call has no address.
#[cold]
#[inline(never)]
fn begin_wait(call: Deadline<'_>) -> (&Callee, Option<Instant>) {
    let until = call.until();
    (call.note(until), until)
}

/// The frame of a call that is being assembled: our own memory, lent while nothing is published. Whatever is stored there
/// counts as seen by the server. By value, so that the [`Held`] it is of never has an address.
#[derive(Debug)]
pub struct Frame<'h> {
    half: &'h ClientHalf,
    class: &'h AstackClass,
    astack: u16,
    is_out_of_band: bool,
    held: PhantomData<&'h mut ()>,
}

impl<'h> Frame<'h> {
    /// Its bytes.
    #[inline(always)]
    #[must_use]
    pub fn bytes(self) -> &'h mut [u8] {
        let Self { half, class, astack, is_out_of_band, .. } = self;
        if is_out_of_band {
            // SAFETY: the A-stack is held, and `self` is the unique borrow of whoever holds it.
            return unsafe { half.arguments.frame(astack) };
        }
        // SAFETY: as above.
        unsafe { half.frame(class, astack) }
    }

    /// The A-stack.
    #[must_use]
    pub fn astack(&self) -> u16 {
        self.astack
    }

    /// Copies what the frame begins with, to be put at the beginning of what takes its place. A server in bad faith may have
    /// changed it (see `shm`'s `lend`), so it is nothing to decide by: bytes for that server, any of which will do.
    #[must_use]
    pub fn copy(&mut self, used: usize) -> Vec<u8> {
        self.borrow().bytes().get(..used).map(<[u8]>::to_vec).unwrap_or_default()
    }

    fn borrow(&mut self) -> Frame<'_> {
        let Self { half, class, astack, is_out_of_band, .. } = *self;
        Frame { half, class, astack, is_out_of_band, held: PhantomData }
    }

    /// Puts the A-stack's segment, of `size` bytes or more, in the frame's place, and `begin` there. `false` if it has none
    /// such.
    #[must_use]
    pub fn move_to_segment(&mut self, size: usize, begin: &[u8]) -> bool {
        if !self.half.arguments.hold(self.astack, size) {
            return false;
        }
        self.is_out_of_band = true;
        if let Some(to) = self.borrow().bytes().get_mut(..begin.len()) {
            to.copy_from_slice(begin);
        }
        true
    }

    /// Whether a segment stands in for it.
    #[must_use]
    pub fn is_out_of_band(&self) -> bool {
        self.is_out_of_band
    }

    /// Whether `size` bytes fit where the frame is now.
    #[must_use]
    pub fn fits(&mut self, size: usize) -> bool {
        self.borrow().bytes().len() >= size
    }

    /// Lets the segment go, which may be replaced then.
    pub fn leave_segment(&mut self) {
        if core::mem::take(&mut self.is_out_of_band) {
            self.half.arguments.let_go(self.astack);
        }
    }
}

/// What the request says, last of all. Outside of procedures that is one test more.
#[inline(always)]
fn hints(half: &ClientHalf, mode: &Mode, own: Hints, callee: &Callee, draft: Draft<'_>) -> Result<Hints, Unpublished> {
    let hints = own.with(half.soon.load(Ordering::Relaxed) | mode.hints());
    if desk::is_inside() { nested(hints, callee.procedure, draft) } else { Ok(hints) }
}

/// The same inside a procedure: the request says how deep it is, and what is left of that one's time.
#[cold]
#[inline(never)]
pub(super) fn nested(hints: Hints, procedure: Which, draft: Draft<'_>) -> Result<Hints, Unpublished> {
    let Some(around) = desk::around() else { return Ok(hints) };
    if around.depth >= pair::DEPTH_MAX {
        return Err(Unpublished::TooDeep);
    }
    if let Some(left) = around.left_us() {
        if left == 0 {
            return Err(Unpublished::NoTimeLeft);
        }
        draft.restate(procedure.at_most(left));
    }
    Ok(hints.with(Hints::new(request::nested(around.depth), 0).bits()))
}

#[cold]
#[inline(never)]
pub(super) fn published_out_of_band(half: &ClientHalf, astack: u16) {
    half.counters.out_of_band.add(1);
    // Not before: until its call is published, the segment looks like one that no call uses.
    half.arguments.let_go(astack);
}

/// What becomes of a request that was not published at once. Waits for room in the ring: the oldest line was claimed by a
/// processor that has not stamped it yet (it was preempted in between, and another one went on), or the server reads nothing
/// at all. Neither lasts, or the time-out ends it.
#[cold]
#[inline(never)]
fn publish_later(
    half: &ClientHalf,
    callee: &Callee,
    granted: &Granted,
    astack: u16,
    words: &[u64; LINE_WORDS],
    own: Hints,
    why: Unpublished,
) -> Result<u32, Failed> {
    let call = Deadline { half, callee, astack };
    let until = call.until();
    let Granted { target, mode } = granted;
    let mut why = why;
    let _open = (why == Unpublished::RingFull).then(handoff::open);
    loop {
        match why {
            Unpublished::RingFull => {}
            Unpublished::TooDeep => return Err(Failed::TooDeep),
            Unpublished::NoTimeLeft => return Err(Failed::Timeout(Ran::No)),
        }
        if half.has_ended() {
            return Err(Failed::Ended(Ran::No));
        }
        #[expect(clippy::disallowed_methods, reason = "a wait measures its length; nothing is published yet")]
        let now = Instant::now();
        if until.is_some_and(|until| now >= until) {
            return Err(Failed::RingFull);
        }
        // Nobody wakes anybody when a line is read: looking again is all.
        if threads::sleep_until(now + RING_NAP).is_err() {
            return Err(Failed::Cancelled(Ran::No));
        }
        let hints = |draft: Draft<'_>| hints(half, mode, own, callee, draft);
        match half.publish(target, callee.procedure, astack, *words, hints) {
            Ok(sequence) => return Ok(sequence),
            Err(again) => why = again,
        }
    }
}

#[cold]
#[inline(never)]
pub(super) fn give_up(half: &ClientHalf, astacks: &Astacks, astack: u16, sequence: u32, why: Unanswered) -> Failed {
    // Before the quarantine, which another call may end at once.
    half.announce_given_up(astack, sequence);
    astacks.quarantine(astack, sequence);
    match why {
        Unanswered::Timeout(ran) => Failed::Timeout(ran),
        Unanswered::Ended(ran) => Failed::Ended(ran),
        Unanswered::Cancelled(ran) => Failed::Cancelled(ran),
    }
}

/// Drops are out of line and take what they need by value: a value whose address goes anywhere is in memory, and every
/// move of it on the way of a call is a copy (40 instructions of a null call).
impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        give_back(self.half, &self.callee.astacks, self.taken, self.is_out_of_band);
    }
}

#[cold]
#[inline(never)]
fn give_back(half: &ClientHalf, astacks: &Astacks, taken: Taken<'_>, is_out_of_band: bool) {
    if is_out_of_band {
        half.arguments.let_go(taken.index());
    }
    astacks.give(taken);
}

/// An answer: proof that the reply line carried the expected sequence number. It says nothing about the results, which
/// the server may still be changing: read each once.
#[derive(Debug)]
pub struct Answered<'a> {
    half: &'a ClientHalf,
    callee: &'a Callee,
    taken: Taken<'a>,
    line: PeerLine<'a>,
    status: u16,
}

impl<'a> Answered<'a> {
    /// The answer, whose sequence number was seen and acquired, to the call on an A-stack that is held.
    pub(super) fn new(half: &'a ClientHalf, callee: &'a Callee, taken: Taken<'a>, status: u16) -> Self {
        Self { half, callee, taken, line: half.reply_line(taken.index()), status }
    }
}

/// Where the reply half of an answer is, by value: for code that is seldom run, so that the answer need not be in memory for it.
/// It says nothing about the A-stack; whoever uses it has the [`Answered`].
#[derive(Debug, Clone, Copy)]
pub struct Half<'a> {
    half: &'a ClientHalf,
    callee: &'a Callee,
    astack: u16,
}

impl<'a> Half<'a> {
    /// When the call has to be over, should its results have to be waited for.
    #[inline(always)]
    #[must_use]
    pub fn deadline(&self) -> Deadline<'a> {
        Deadline { half: self.half, callee: self.callee, astack: self.astack }
    }

    /// Bytes of the frame.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        let class = self.callee.astacks.class();
        if class.has_frame(self.astack) { usize::try_from(class.frame_size).unwrap_or(0) } else { 0 }
    }

    /// Copies bytes of the reply half from byte `at` of it; each is read once. `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_out(&self, at: usize, into: &mut [u8]) -> Option<()> {
        self.half.copy_out(self.callee.astacks.class(), self.astack, at, into)
    }

    /// Copies `count` numbers of the reply half from byte `at` of it into memory of their own; each byte is read once. `None` outside
    /// the frame.
    #[inline]
    #[must_use]
    pub fn numbers<N: Number>(&self, at: usize, count: usize) -> Option<Vec<N>> {
        self.half.numbers(self.callee.astacks.class(), self.astack, at, count)
    }
}

impl Answered<'_> {
    /// Where its reply half is.
    #[inline(always)]
    #[must_use]
    pub fn half(&self) -> Half<'_> {
        Half { half: self.half, callee: self.callee, astack: self.taken.index() }
    }

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

    /// The word beside them: where areas and tail are, as the server says ([`pair::reply::places`]).
    #[inline(always)]
    #[must_use]
    pub fn places(&self) -> u64 {
        self.line.load(pair::reply::TAIL)
    }

    /// As [`Half::deadline`].
    #[inline(always)]
    #[must_use]
    pub fn deadline(&self) -> Deadline<'_> {
        self.half().deadline()
    }

    /// As [`Half::frame_size`].
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        self.half().frame_size()
    }

    /// As [`Half::copy_out`].
    #[inline]
    #[must_use]
    pub fn copy_out(&self, at: usize, into: &mut [u8]) -> Option<()> {
        self.half().copy_out(at, into)
    }
}

impl Answered<'_> {
    /// Gives the A-stack back, as dropping does, but inlined: a stub's last line is here.
    #[inline(always)]
    pub fn end(self) {
        self.half.finish(self.taken.index());
        self.callee.astacks.give(self.taken);
        core::mem::forget(self);
    }
}

impl Drop for Answered<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        end(self.half, &self.callee.astacks, self.taken);
    }
}

#[cold]
#[inline(never)]
fn end(half: &ClientHalf, astacks: &Astacks, taken: Taken<'_>) {
    half.finish(taken.index());
    astacks.give(taken);
}
