//! The server's half of a channel.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use std::os::fd::OwnedFd;
use std::sync::Arc;

use nearcall_layout::pair::{self, ASTACK_COUNT, AstackClass, reply, request, status};

use super::Wake;
use super::client::Request;
use super::serving::Serving;
use crate::segments::{Charge, Left, Offered, Payer, Results};
use crate::shm::fixed::modulo;
use crate::shm::segment::PeerSegment;
use crate::shm::{OwnLine, OwnRegion, PeerRegion, PeerWord};
use crate::sys::futex;
use crate::transfer::policy::tenure::EVIDENCE_MIN;

/// What stands for a status where a procedure has returned and its reply comes later ([`Started::defer`]). Never in a line.
pub const DEFERRED: u16 = u16::MAX;

/// Numbers of halves: what a [`Deferral`] is of.
static HALVES: AtomicU64 = AtomicU64::new(0);

/// The client did what no correct client does. Counted; the pair is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaved {
    /// The A-stack does not belong to the procedure's class.
    Astack(u16),
    /// The A-stack's earlier call is still running.
    AstackInUse(u16),
}

/// A request that is ours: what its line says but for the arguments, read once into private memory.
#[derive(Debug, Clone, Copy)]
pub struct Claimed {
    /// The first word of its line.
    pub first: u64,
    /// Its sequence number.
    pub sequence: u32,
    /// The CPU the caller says it was on; a hint.
    pub cpu: u16,
    /// What the caller says about its waiting ([`pair::request`]); hints.
    pub flags: u16,
    /// What the client says it wants; nothing of it is checked yet.
    pub request: Request,
    /// The word that names procedure, binding and A-stack, with the caller's time-out ([`pair::request`]); a hint, too.
    pub what: u64,
}

/// Which A-stacks have a procedure that runs, and to which classes some were added: for whoever looks when the half is not
/// at hand.
#[derive(Debug)]
pub(super) struct Busy {
    flags: [AtomicBool; ASTACK_COUNT],
    /// For an A-stack that was added to a class later: the first of that class, plus one.
    grown: [AtomicU8; ASTACK_COUNT],
}

impl Default for Busy {
    fn default() -> Self {
        let flags = [const { AtomicBool::new(false) }; ASTACK_COUNT];
        Self { flags, grown: [const { AtomicU8::new(0) }; ASTACK_COUNT] }
    }
}

impl Busy {
    /// Whether the A-stack was added to the class: by table, because such ones lie anywhere (LRPC, section 5.2).
    #[cold]
    #[inline(never)]
    fn has_grown(&self, class: &AstackClass, astack: u16) -> bool {
        let of = self.grown.get(usize::from(astack)).map_or(0, |of| of.load(Ordering::Relaxed));
        of != 0 && u16::from(of - 1) == class.first
    }
}

/// On how many A-stacks of `class` a procedure runs.
pub(super) fn running_in(busy: &Busy, class: &AstackClass) -> usize {
    // The flag first: whoever set it has looked at the table before, and what it saw there is seen here then.
    let runs = |&(astack, flag): &(u16, &AtomicBool)| {
        flag.load(Ordering::SeqCst) && (class.has_frame(astack) || busy.has_grown(class, astack))
    };
    (0_u16..).zip(&busy.flags).filter(runs).count()
}

/// The server's half: its own region, the client's, and its private records.
#[derive(Debug)]
pub struct ServerHalf {
    /// No other half of this process ever has it.
    id: u64,
    pub(super) own: OwnRegion,
    pub(super) peer: PeerRegion,
    /// The sequence number of the next request. Claiming is incrementing this private word, so no two processors ever
    /// run one call, whatever the client writes.
    next: AtomicU32,
    busy: Arc<Busy>,
    /// Segments with arguments beyond a frame.
    pub(super) offered: Offered,
    /// Segments for results beyond a frame.
    pub(super) results: Results,
    misbehaved: AtomicU64,
    reply_bells: AtomicU64,
    /// Signals that were given.
    signals: AtomicU64,
    ended: AtomicBool,
    /// Seats whose standby attends this pair, one bit each.
    pub(crate) attended: AtomicU64,
    /// Short gaps that the next tenure over this pair takes.
    pub(crate) evidence_needed: AtomicU32,
    /// Calls that were taken on a CPU that this client gave for them.
    pub(crate) donations: AtomicU64,
    /// The request for which a message came last, and the seats that were sent for it.
    pub(crate) sent: AtomicU64,
    pub(crate) sent_for: AtomicU32,
}

impl ServerHalf {
    /// A channel on which nothing was called yet; `first` as in [`super::client::ClientHalf::new`].
    #[must_use]
    pub fn new(own: OwnRegion, peer: PeerRegion, first: u32) -> Self {
        Self::with_results(own, peer, first, Results::default())
    }

    /// The same, with somebody who answers for what the client has this process pay.
    #[must_use]
    pub fn with_payer(own: OwnRegion, peer: PeerRegion, first: u32, payer: Box<dyn Payer>) -> Self {
        Self::with_results(own, peer, first, Results::new(payer))
    }

    fn with_results(own: OwnRegion, peer: PeerRegion, first: u32, results: Results) -> Self {
        Self {
            // Relaxed: only its being the only one counts.
            id: HALVES.fetch_add(1, Ordering::Relaxed),
            own,
            peer,
            next: AtomicU32::new(first.max(1)),
            busy: Arc::new(Busy::default()),
            offered: Offered::default(),
            results,
            misbehaved: AtomicU64::new(0),
            reply_bells: AtomicU64::new(0),
            signals: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            attended: AtomicU64::new(0),
            evidence_needed: AtomicU32::new(EVIDENCE_MIN),
            donations: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            sent_for: AtomicU32::new(0),
        }
    }

    /// Whether a request is there.
    #[inline(always)]
    #[must_use]
    pub fn has_request(&self) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        pair::sequence(self.peer.request_line(next).poll()) == next
    }

    /// The sequence number of the next request, and the CPU its caller was on, if it is there.
    #[must_use]
    pub fn pending(&self) -> Option<(u32, u16)> {
        let next = self.next.load(Ordering::Relaxed);
        let first = self.peer.request_line(next).load_acquire();
        (pair::sequence(first) == next).then(|| (next, pair::cpu(first)))
    }

    /// Claims the next request, if there is one. A poll is one load and one compare.
    ///
    /// The arguments stay in the line until [`Serving::word`] reads them: once this claim has succeeded, the line is
    /// ours until it is stamped or answered. A client writes a line again only when one of the two says that it was read
    /// (`ClientHalf::make_room`), and only whoever won the exchange below stamps and answers this sequence number.
    /// Whoever loses it reads nothing more than the first word.
    #[inline(always)]
    #[must_use]
    pub fn claim(&self) -> Option<Claimed> {
        let next = self.next.load(Ordering::Relaxed);
        let line = self.peer.request_line(next);
        let first = line.poll();
        if pair::sequence(first) != next {
            return None;
        }
        // Relaxed: it only decides who has the request.
        self.next.compare_exchange(next, after(next), Ordering::Relaxed, Ordering::Relaxed).ok()?;
        line.acquire();
        let what = line.load(request::WHAT);
        let right = line.load(request::RIGHT);
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "fields of a word")]
        let request = Request {
            binding: what as u16,
            procedure: (what >> 16) as u16,
            astack: (what >> 32) as u16,
            generation: right as u32,
            nonce: (right >> 32) as u32,
        };
        Some(Claimed { first, sequence: next, cpu: pair::cpu(first), flags: pair::middle(first), request, what })
    }

    /// Takes the A-stack of a claimed request, whose procedure's class is `class`.
    ///
    /// # Errors
    /// [`Misbehaved`], counted.
    #[inline(always)]
    pub fn start<'a>(&'a self, claimed: &Claimed, class: &'a AstackClass) -> Result<Started<'a>, Misbehaved> {
        let astack = claimed.request.astack;
        if !class.has_frame(astack) && !self.busy.has_grown(class, astack) {
            return Err(self.blame(Misbehaved::Astack(astack)));
        }
        let busy = self.busy(astack);
        // Acquire: pairs with the Release in the drop of `Started`, on whichever processor that was.
        if busy.swap(true, Ordering::SeqCst) {
            return Err(self.blame(Misbehaved::AstackInUse(astack)));
        }
        let Claimed { sequence, flags, .. } = *claimed;
        Ok(Started { half: self, class, busy, reply: self.own.reply_line(astack), astack, flags, sequence })
    }

    /// Adds an A-stack of the pair to a class, for good; it has no frame in the region. One that was added to a class stays
    /// there, so that a call on it is found where it began (`running_in`).
    pub fn grow(&self, class: &AstackClass, astack: u16) {
        let first = class.first.checked_add(1).and_then(|first| u8::try_from(first).ok());
        if let (Some(of), Some(first)) = (self.busy.grown.get(usize::from(astack)), first) {
            let _ = of.compare_exchange(0, first, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// How many A-stacks were added to a class.
    #[must_use]
    pub fn grown_count(&self, class: &AstackClass) -> usize {
        (0..ASTACK_COUNT).filter_map(|i| u16::try_from(i).ok()).filter(|&i| self.busy.has_grown(class, i)).count()
    }

    /// Gives an A-stack a segment with arguments, with what was charged for it. `false`: a call runs on it, and it keeps what
    /// it has.
    #[must_use]
    pub fn set_offered(&self, astack: u16, segment: (PeerSegment, Charge)) -> bool {
        self.offered.set(astack, segment, || self.is_idle(astack))
    }

    /// The client uses an A-stack's segment with arguments no more. `false`: a call runs there, which may read it, so that
    /// [`sweep_offered`](Self::sweep_offered) has to free it.
    #[must_use]
    pub fn give_back_offered(&self, astack: u16) -> bool {
        self.offered.give_back(astack, |astack| self.is_idle(astack))
    }

    /// Frees segments with arguments that were given back during calls which are over; what is left of such.
    #[must_use]
    pub fn sweep_offered(&self) -> Left {
        if self.offered.sweep(|astack| self.is_idle(astack)) { Left::Nothing } else { Left::Stuck }
    }

    /// Whether the A-stack may have a segment of `size` bytes with arguments instead of what it has.
    #[must_use]
    pub fn may_have_offered(&self, astack: u16, size: usize) -> bool {
        self.offered.may_have(astack, size)
    }

    /// Charges bytes to whoever pays for results. `None`: not so many.
    #[must_use]
    pub fn charge(&self, bytes: usize) -> Option<Charge> {
        self.results.charge(bytes)
    }

    /// What a client that asks for the segment with results of this number gets: a descriptor for reading, and the size.
    #[must_use]
    pub fn show_results(&self, serial: u16) -> Option<(OwnedFd, usize)> {
        self.results.show(serial)
    }

    /// The client says that it needs a segment with results no more. One that it was not asked for stays.
    pub fn results_unmapped(&self, serial: u16) {
        self.results.unmapped(serial);
    }

    /// What [`sweep_results`](Self::sweep_results) has left.
    #[must_use]
    pub fn results_left(&self, now: u32) -> Left {
        self.results.left(now)
    }

    /// Segments with results, and their A-stacks, that the client is asked to unmap now.
    #[must_use]
    pub fn sweep_results(&self, now: u32) -> Vec<(u16, u16)> {
        self.results.sweep(now, |astack| self.is_idle(astack))
    }

    /// Whether no procedure runs on an A-stack.
    #[must_use]
    pub fn is_idle(&self, astack: u16) -> bool {
        !self.busy(astack).load(Ordering::SeqCst)
    }

    /// Modulo their count, which is none here: a class has only A-stacks that there are (`Plan`).
    #[inline(always)]
    fn busy(&self, astack: u16) -> &AtomicBool {
        modulo(&self.busy.flags, usize::from(astack))
    }

    /// Answers a request that never got to a procedure. Nothing happens if its A-stack is not one: there is nowhere to
    /// answer to.
    #[cold]
    #[inline(never)]
    pub fn refuse(&self, astack: u16, sequence: u32, why: u16) {
        if self.busy.flags.get(usize::from(astack)).is_some_and(|busy| !busy.load(Ordering::Relaxed)) {
            self.own.reply_line(astack).publish(reply::first(sequence, why));
        }
    }

    /// The request is read, and left to another processor.
    #[cold]
    pub fn note_passed_on(&self, claimed: &Claimed) {
        let (astack, sequence) = (claimed.request.astack, claimed.sequence);
        // Whatever the client wrote; one that runs has a stamp of its own.
        if self.busy.flags.get(usize::from(astack)).is_some_and(|busy| !busy.load(Ordering::Relaxed)) {
            self.own.stamp_line(astack).publish(u64::from(sequence) | pair::stamp::PASSED_ON);
        }
    }

    #[cold]
    fn blame(&self, why: Misbehaved) -> Misbehaved {
        self.misbehaved.fetch_add(1, Ordering::Relaxed);
        why
    }

    /// Requests that no correct client makes, so far.
    #[must_use]
    pub fn misbehaved_count(&self) -> u64 {
        self.misbehaved.load(Ordering::Relaxed)
    }

    /// How the caller of `sequence` on `astack` says that it waits, if it does.
    #[inline(always)]
    #[must_use]
    pub fn waits(&self, astack: u16, sequence: u32) -> Option<Wake> {
        // The A-stack of a refused request is whatever the client wrote.
        if usize::from(astack) >= ASTACK_COUNT {
            return None;
        }
        let word = self.peer.wait_line(astack).poll();
        if pair::sequence(word) == sequence { Wake::from_bits(word ^ u64::from(sequence)) } else { None }
    }

    /// Whether the caller of `sequence` on `astack` says that it has given the call up.
    #[must_use]
    pub fn is_given_up(&self, astack: u16, sequence: u32) -> bool {
        // A stale answer costs a procedure that asks again nothing but the time until it does.
        usize::from(astack) < ASTACK_COUNT && self.peer.wait_line(astack).poll() == u64::from(sequence) | pair::GIVEN_UP
    }

    /// Wakes the caller that sleeps for the reply on `astack`.
    #[cold]
    pub fn wake_caller(&self, astack: u16) {
        if usize::from(astack) >= ASTACK_COUNT {
            return;
        }
        futex::wake_shared(self.own.reply_line(astack).futex());
    }

    /// Calls that were taken on a CPU that this client gave for them: it is known who gives (URPC 1991, section 3.3), because a
    /// bell lies in the memory of one client.
    #[must_use]
    pub fn donations(&self) -> u64 {
        self.donations.load(Ordering::Relaxed)
    }

    /// Wakes those who sleep for several replies.
    #[cold]
    pub fn ring_reply_bell(&self) {
        let bell = self.own.reply_bell();
        // No value comes twice, as with the client's bells.
        bell.store(self.reply_bells.fetch_add(1, Ordering::Relaxed) + 1);
        futex::wake_all_shared(bell.futex());
    }

    /// Counts a signal, which the caller of this gives then. `false`: the client has not heard the last one yet, and will
    /// see this reply when it does; or another processor gives this one.
    ///
    /// Call it after the fence that follows the reply: that pairs with the client's between saying what it has heard and
    /// looking at its replies.
    #[cold]
    #[must_use]
    pub fn count_signal(&self) -> bool {
        let heard = self.peer.heard().load();
        // Relaxed: it decides who gives it.
        let mine = self.signals.compare_exchange(heard, heard.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_ok() {
            self.own.signals().store(heard.wrapping_add(1));
        }
        mine.is_ok()
    }

    /// Writes the status word: who looks at the ring ([`nearcall_layout::pair::poll`]).
    pub fn set_status(&self, status: u64) {
        self.own.status().store(status);
    }

    /// Writes what the standby of CPU `n` does ([`nearcall_layout::pair::armed`]).
    #[inline]
    pub fn set_armed(&self, n: usize, state: u64) {
        self.own.armed(n).store(state);
    }

    /// The bell that this pair's client rings for the standby of CPU `n`.
    #[must_use]
    pub fn bell(&self, n: usize) -> Option<PeerWord<'_>> {
        Some(self.peer.bell(n))
    }

    /// Ends the pair: no request is claimed any more.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Whether [`end`](Self::end) was called.
    #[inline(always)]
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// The flags, for whoever looks at them when the half is not at hand.
    pub(super) fn busy_flags(&self) -> &Arc<Busy> {
        &self.busy
    }
}

/// The sequence number after `sequence`; never 0, which is what untouched lines read.
#[inline(always)]
const fn after(sequence: u32) -> u32 {
    match sequence.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// A call whose procedure may run: proof that the request was claimed once and that its A-stack is held. Dropped without
/// an answer, it answers that the procedure panicked.
#[derive(Debug)]
pub struct Started<'a> {
    half: &'a ServerHalf,
    class: &'a AstackClass,
    busy: &'a AtomicBool,
    reply: OwnLine<'a>,
    astack: u16,
    flags: u16,
    sequence: u32,
}

impl Started<'_> {
    /// Answers without having run anything.
    #[inline(always)]
    pub fn refuse(self, why: u16) {
        let Self { busy, reply, sequence, .. } = self;
        core::mem::forget(self);
        answer_unrun(busy, reply, sequence, why);
    }

    /// The call as its procedure sees it.
    #[inline(always)]
    #[must_use]
    pub fn serve(&mut self) -> Serving<'_> {
        let Self { half, class, sequence, astack, flags, .. } = *self;
        Serving { half, class, places: 0, sequence, reserved: 0, lent: 0, astack, flags }
    }

    /// Answers with a status; its results are in the reply line and the reply half by now.
    #[inline(always)]
    pub fn answer(self, status: u16) {
        let Self { busy, reply, sequence, .. } = self;
        core::mem::forget(self);
        answer(busy, reply, sequence, status);
    }

    /// The procedure has returned, and its answer comes later: the A-stack stays busy until then.
    #[cold]
    pub fn defer(self) -> Deferral {
        let Self { half, class, astack, flags, sequence, .. } = self;
        core::mem::forget(self);
        Deferral { half: half.id, class: *class, astack, flags, sequence }
    }
}

/// A call whose procedure has returned and which is not answered yet: what its [`Started`] was, without the half. It is
/// the only holder of the A-stack, which is busy until [`answer`](Self::answer); one that is dropped leaves it so.
#[derive(Debug)]
#[must_use = "its A-stack is busy until it is answered"]
pub struct Deferral {
    half: u64,
    class: AstackClass,
    astack: u16,
    flags: u16,
    sequence: u32,
}

impl Deferral {
    /// The A-stack.
    #[must_use]
    pub fn astack(&self) -> u16 {
        self.astack
    }

    /// The call's sequence number.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// The call, for its results to be written. `None`: it is of another half.
    #[must_use]
    pub fn serve<'a>(&'a mut self, half: &'a ServerHalf) -> Option<Serving<'a>> {
        let Self { class, astack, flags, sequence, .. } = self;
        let serving = Serving {
            half,
            class,
            places: 0,
            sequence: *sequence,
            reserved: 0,
            lent: 0,
            astack: *astack,
            flags: *flags,
        };
        (half.id == self.half).then_some(serving)
    }

    /// Answers with a status; its results are in the reply line and the reply half by now.
    ///
    /// # Errors
    /// Itself: it is of another half.
    pub fn answer(self, half: &ServerHalf, status: u16) -> Result<(), Self> {
        if half.id != self.half {
            return Err(self);
        }
        answer(half.busy(self.astack), half.own.reply_line(self.astack), self.sequence, status);
        Ok(())
    }
}

#[inline(always)]
fn answer(busy: &AtomicBool, reply: OwnLine<'_>, sequence: u32, status: u16) {
    // The A-stack is free before the client can know it: the client may use it again at once. Release: pairs with the
    // Acquire in `start`.
    busy.store(false, Ordering::Release);
    reply.publish(reply::first(sequence, status));
}

/// Out of line and by value, so that a [`Started`] whose procedure runs is never in memory.
#[cold]
#[inline(never)]
fn answer_unrun(busy: &AtomicBool, reply: OwnLine<'_>, sequence: u32, status: u16) {
    answer(busy, reply, sequence, status);
}

impl Drop for Started<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        answer_unrun(self.busy, self.reply, self.sequence, status::PANICKED);
    }
}
