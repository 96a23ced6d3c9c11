//! The server's half of a channel.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use std::sync::Arc;

use nearcall_layout::pair::{self, ASTACK_COUNT, AstackClass, reply, request, stamp, status};

use super::LINE_WORDS;
use super::client::Request;
use crate::shm::fixed::modulo;
use crate::shm::{OwnLine, OwnRegion, PeerRegion, PeerWord};
use crate::sys::futex;
use crate::transfer::policy::tenure::EVIDENCE_MIN;

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

/// A-stacks whose procedure runs.
pub(super) type Busy = [AtomicBool; ASTACK_COUNT];

/// On how many A-stacks of `class` a procedure runs.
pub(super) fn running_in(busy: &Busy, class: &AstackClass) -> usize {
    let first = usize::from(class.first);
    let busy = busy.get(first..first + usize::from(class.count)).unwrap_or_default();
    busy.iter().filter(|busy| busy.load(Ordering::SeqCst)).count()
}

/// The server's half: its own region, the client's, and its private records.
#[derive(Debug)]
pub struct ServerHalf {
    own: OwnRegion,
    peer: PeerRegion,
    /// The sequence number of the next request. Claiming is incrementing this private word, so no two processors ever
    /// run one call, whatever the client writes.
    next: AtomicU32,
    busy: Arc<Busy>,
    misbehaved: AtomicU64,
    ended: AtomicBool,
    /// Seats whose standby attends this pair, one bit each.
    pub(crate) attended: AtomicU64,
    /// Short gaps that the next tenure over this pair takes.
    pub(crate) evidence_needed: AtomicU32,
    /// The request for which a message came last, and the seats that were sent for it.
    pub(crate) sent: AtomicU64,
    pub(crate) sent_for: AtomicU32,
}

impl ServerHalf {
    /// A channel on which nothing was called yet; `first` as in [`super::client::ClientHalf::new`].
    #[must_use]
    pub fn new(own: OwnRegion, peer: PeerRegion, first: u32) -> Self {
        Self {
            own,
            peer,
            next: AtomicU32::new(first.max(1)),
            busy: Arc::new([const { AtomicBool::new(false) }; ASTACK_COUNT]),
            misbehaved: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            attended: AtomicU64::new(0),
            evidence_needed: AtomicU32::new(EVIDENCE_MIN),
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
        Some(Claimed { sequence: next, cpu: pair::cpu(first), flags: pair::middle(first), request, what })
    }

    /// Takes the A-stack of a claimed request, whose procedure's class is `class`.
    ///
    /// # Errors
    /// [`Misbehaved`], counted.
    #[inline(always)]
    pub fn start<'a>(&'a self, claimed: &Claimed, class: &'a AstackClass) -> Result<Started<'a>, Misbehaved> {
        let astack = claimed.request.astack;
        if astack.wrapping_sub(class.first) >= class.count {
            return Err(self.blame(Misbehaved::Astack(astack)));
        }
        let busy = self.busy(astack);
        // Acquire: pairs with the Release in the drop of `Started`, on whichever processor that was.
        if busy.swap(true, Ordering::SeqCst) {
            return Err(self.blame(Misbehaved::AstackInUse(astack)));
        }
        Ok(Started { half: self, class, busy, reply: self.own.reply_line(astack), astack, sequence: claimed.sequence })
    }

    /// Modulo their count, which is none here: a class has only A-stacks that there are (`Plan`).
    #[inline(always)]
    fn busy(&self, astack: u16) -> &AtomicBool {
        modulo(&self.busy, usize::from(astack))
    }

    /// Answers a request that never got to a procedure. Nothing happens if its A-stack is not one: there is nowhere to
    /// answer to.
    #[cold]
    #[inline(never)]
    pub fn refuse(&self, astack: u16, sequence: u32, why: u16) {
        if self.busy.get(usize::from(astack)).is_some_and(|busy| !busy.load(Ordering::Relaxed)) {
            self.own.reply_line(astack).publish(reply::first(sequence, why));
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

    /// Whether the caller of `sequence` on `astack` says it sleeps.
    #[inline(always)]
    #[must_use]
    pub fn is_waiting(&self, astack: u16, sequence: u32) -> bool {
        // The A-stack of a refused request is whatever the client wrote.
        if usize::from(astack) >= ASTACK_COUNT {
            return false;
        }
        self.peer.wait_line(astack).poll() == u64::from(sequence)
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
        let Self { half, class, sequence, astack, .. } = *self;
        Serving { half, class, sequence, astack, reserved: 0, lent: 0 }
    }

    /// Answers with a status; its results are in the reply line and the reply half by now.
    #[inline(always)]
    pub fn answer(self, status: u16) {
        let Self { busy, reply, sequence, .. } = self;
        core::mem::forget(self);
        answer(busy, reply, sequence, status);
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

/// A call that is being served: what the client sent, to be read once, and where its results go. All of that is the
/// call's while its [`Started`] is borrowed.
///
/// It is handed to code that the compiler does not see, so each field costs a store on every call: lines are looked up
/// where they are needed.
#[derive(Debug)]
pub struct Serving<'a> {
    half: &'a ServerHalf,
    class: &'a AstackClass,
    sequence: u32,
    /// Bytes of the reply half that are kept for [`head`](Self::head), and bytes that are that or were lent.
    reserved: u32,
    lent: u32,
    astack: u16,
}

impl<'a> Serving<'a> {
    /// Word `index` of the arguments that ride in the request line. Only before [`started`](Self::started): afterwards
    /// the client may write the line again. Another request's word would be no harm to anybody but that client.
    #[inline(always)]
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        if index < LINE_WORDS { self.half.peer.request_line(self.sequence).load(request::ARGS + index) } else { 0 }
    }

    /// Copies bytes of the client's frame, from byte `at` of it, into private memory (LRPC's copy E): each is read once.
    /// `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_in(&self, at: usize, into: &mut [u8]) -> Option<()> {
        if at.checked_add(into.len())? > self.frame_size() {
            return None;
        }
        self.half.peer.copy_in(self.class.frame(self.astack) + at, into)
    }

    /// `size` bytes of the client's frame, from byte `at` of it, where they are. `None` outside the frame.
    #[must_use]
    pub fn shared(&self, at: usize, size: usize) -> Option<Shared<'a>> {
        if at.checked_add(size)? > self.frame_size() {
            return None;
        }
        Some(Shared { region: &self.half.peer, at: self.class.frame(self.astack) + at, size })
    }

    /// Bytes of a frame.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        usize::try_from(self.class.frame_size).unwrap_or(0)
    }

    /// Bytes of the reply half that were reserved or lent; the frame begins at a multiple of 128 in its region.
    #[inline(always)]
    #[must_use]
    pub fn lent(&self) -> usize {
        usize::try_from(self.lent).unwrap_or(usize::MAX)
    }

    /// Bytes of the reply half that were not lent yet.
    #[inline(always)]
    #[must_use]
    pub fn room(&self) -> usize {
        self.frame_size().saturating_sub(self.lent())
    }

    /// Writes down that the request line has been read and the procedure is about to run.
    #[inline(always)]
    pub fn started(&self) {
        self.stamp(stamp::STARTED);
    }

    /// Writes down that the procedure has returned, before its results are.
    #[inline(always)]
    pub fn finished(&self) {
        self.stamp(stamp::FINISHED);
    }

    #[inline(always)]
    fn stamp(&self, how_far: u64) {
        self.half.own.stamp_line(self.astack).publish(u64::from(self.sequence) | how_far);
    }

    #[inline(always)]
    fn reply(&self) -> OwnLine<'_> {
        self.half.own.reply_line(self.astack)
    }

    /// Keeps the first `size` bytes of the reply half for [`head`](Self::head). `None` if bytes were lent already, or
    /// there are not as many.
    #[inline]
    #[must_use]
    pub fn reserve(&mut self, size: usize) -> Option<()> {
        if self.lent != 0 || size > self.frame_size() {
            return None;
        }
        self.reserved = u32::try_from(size).ok()?;
        self.lent = self.reserved;
        Some(())
    }

    /// The bytes that were kept.
    #[inline]
    #[must_use]
    pub fn head(&mut self) -> &mut [u8] {
        let size = usize::try_from(self.reserved).unwrap_or(0);
        // SAFETY: as in `space`; these bytes are lent here only, while `self` is borrowed uniquely.
        unsafe { self.half.own.lend(self.class.frame(self.astack), size) }.unwrap_or_default()
    }

    /// The next `size` bytes of the reply half, lent: our own memory, where the procedure writes its results directly.
    /// Whatever is stored there counts as seen by the client. `None` if fewer are left.
    #[inline]
    #[must_use]
    pub fn space(&mut self, size: usize) -> Option<&'a mut [u8]> {
        let at = usize::try_from(self.lent).ok()?;
        let end = at.checked_add(size)?;
        if end > self.frame_size() {
            return None;
        }
        self.lent = u32::try_from(end).ok()?;
        // SAFETY: the busy flag makes `Started` the only holder of the A-stack, its unique borrow for 'a makes this the
        // only `Serving`, and `lent` only grows, so no byte is lent twice.
        unsafe { self.half.own.lend(self.class.frame(self.astack) + at, size) }
    }

    /// Writes word `index` of the results that ride in the reply line; the answer makes it visible.
    #[inline(always)]
    pub fn result(&self, index: usize, word: u64) {
        if index < LINE_WORDS {
            self.reply().store(reply::RESULTS + index, word);
        }
    }

    /// Writes how many bytes of tail follow the out areas, for results that have one: for others nobody reads it.
    #[inline(always)]
    pub fn tail_size(&self, size: u64) {
        self.reply().store(reply::TAIL, size);
    }
}

/// Bytes of a client's frame while its call is served, where the client put them. The client can write them all the
/// while: two copies of one byte may differ, and there is no reference to them.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    region: &'a PeerRegion,
    at: usize,
    size: usize,
}

impl Shared<'_> {
    /// How many bytes they are.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Copies bytes, from byte `at` of them, into private memory: each is read once. `None` outside; `into` is unchanged
    /// then.
    #[must_use]
    pub fn copy_in(&self, at: usize, into: &mut [u8]) -> Option<()> {
        if at.checked_add(into.len())? > self.size {
            return None;
        }
        self.region.copy_in(self.at + at, into)
    }
}
