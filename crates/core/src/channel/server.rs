//! The server's half of a channel.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use nearcall_layout::pair::{self, ASTACK_COUNT, AstackClass, client, reply, request, server, stamp, status};

use super::LINE_WORDS;
use super::client::Request;
use crate::shm::{OwnRegion, PeerRegion, PeerWord};
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

/// A request, read once from its line into private memory.
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
    /// The arguments that rode in the line.
    pub words: [u64; LINE_WORDS],
}

/// The server's half: its own region, the client's, and its private records.
#[derive(Debug)]
pub struct ServerHalf {
    own: OwnRegion,
    peer: PeerRegion,
    /// The sequence number of the next request. Claiming is incrementing this private word, so no two processors ever
    /// run one call, whatever the client writes.
    next: AtomicU32,
    /// A-stacks whose procedure runs.
    busy: Box<[AtomicBool]>,
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
            busy: (0..ASTACK_COUNT).map(|_| AtomicBool::new(false)).collect(),
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
        self.peer.line(client::line(next)).is_some_and(|line| pair::sequence(line.poll()) == next)
    }

    /// The sequence number of the next request, and the CPU its caller was on, if it is there.
    #[must_use]
    pub fn pending(&self) -> Option<(u32, u16)> {
        let next = self.next.load(Ordering::Relaxed);
        let first = self.peer.line(client::line(next))?.load_acquire();
        (pair::sequence(first) == next).then(|| (next, pair::cpu(first)))
    }

    /// Claims the next request, if there is one, and reads it. A poll is one load and one compare.
    #[inline(always)]
    #[must_use]
    pub fn claim(&self) -> Option<Claimed> {
        let next = self.next.load(Ordering::Relaxed);
        let line = self.peer.line(client::line(next))?;
        let first = line.poll();
        if pair::sequence(first) != next {
            return None;
        }
        line.acquire();
        let what = line.load(request::WHAT);
        let right = line.load(request::RIGHT);
        let words = core::array::from_fn(|i| line.load(request::ARGS + i));
        // Relaxed: what was read is ours alone, and is thrown away if another processor was faster.
        self.next.compare_exchange(next, after(next), Ordering::Relaxed, Ordering::Relaxed).ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "fields of a word")]
        let request = Request {
            binding: what as u16,
            procedure: (what >> 16) as u16,
            astack: (what >> 32) as u16,
            generation: right as u32,
            nonce: (right >> 32) as u32,
        };
        Some(Claimed { sequence: next, cpu: pair::cpu(first), flags: pair::middle(first), request, words })
    }

    /// Takes the A-stack of a claimed request, whose procedure's class is `class`.
    ///
    /// # Errors
    /// [`Misbehaved`], counted.
    #[inline(always)]
    pub fn start(&self, claimed: &Claimed, class: AstackClass) -> Result<Started<'_>, Misbehaved> {
        let astack = claimed.request.astack;
        if astack.wrapping_sub(class.first) >= class.count {
            return Err(self.blame(Misbehaved::Astack(astack)));
        }
        let Some(busy) = self.busy.get(usize::from(astack)) else {
            return Err(self.blame(Misbehaved::Astack(astack)));
        };
        // Acquire: pairs with the Release in the drop of `Started`, on whichever processor that was.
        if busy.swap(true, Ordering::SeqCst) {
            return Err(self.blame(Misbehaved::AstackInUse(astack)));
        }
        let started = Started { half: self, class, astack, sequence: claimed.sequence, answered: false };
        Ok(started)
    }

    #[inline(always)]
    fn stamp(&self, astack: u16, sequence: u32, how_far: u64) {
        if let Some(line) = self.own.line(server::stamp(usize::from(astack))) {
            line.publish(u64::from(sequence) | how_far);
        }
    }

    /// Answers a request that never got to a procedure. Nothing happens if its A-stack is not one: there is nowhere to
    /// answer to.
    #[cold]
    pub fn refuse(&self, claimed: &Claimed, why: u16) {
        let astack = usize::from(claimed.request.astack);
        let idle = self.busy.get(astack).is_some_and(|busy| !busy.load(Ordering::Relaxed));
        if let (true, Some(line)) = (idle, self.own.line(server::reply(astack))) {
            line.publish(reply::first(claimed.sequence, why));
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
        self.peer.line(client::wait(usize::from(astack))).is_some_and(|line| line.poll() == u64::from(sequence))
    }

    /// Wakes the caller that sleeps for the reply on `astack`.
    #[cold]
    pub fn wake_caller(&self, astack: u16) {
        if usize::from(astack) >= ASTACK_COUNT {
            return;
        }
        if let Some(line) = self.own.line(server::reply(usize::from(astack))) {
            futex::wake_shared(line.futex());
        }
    }

    /// Writes the status word: who looks at the ring ([`nearcall_layout::pair::poll`]).
    pub fn set_status(&self, status: u64) {
        if let Some(word) = self.own.word(server::STATUS) {
            word.store(status);
        }
    }

    /// Writes what the standby of CPU `n` does ([`nearcall_layout::pair::armed`]).
    #[inline]
    pub fn set_armed(&self, n: usize, state: u64) {
        if let Some(word) = self.own.word(server::armed(n)) {
            word.store(state);
        }
    }

    /// The bell that this pair's client rings for the standby of CPU `n`.
    #[must_use]
    pub fn bell(&self, n: usize) -> Option<PeerWord<'_>> {
        self.peer.word(client::bell(n))
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

    /// Whether a procedure runs on an A-stack of `class`.
    #[must_use]
    pub fn runs_in(&self, class: &AstackClass) -> bool {
        let first = usize::from(class.first);
        let busy = self.busy.get(first..first + usize::from(class.count)).unwrap_or_default();
        busy.iter().any(|busy| busy.load(Ordering::SeqCst))
    }
}

/// The client's frame of one call, and the stamp that says how far it got.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    half: &'a ServerHalf,
    frame: usize,
    size: usize,
    astack: u16,
    sequence: u32,
}

impl Arguments<'_> {
    /// Copies bytes of the client's frame, from byte `at` of it, into private memory (LRPC's copy E): each is read once.
    /// `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_in(&self, at: usize, into: &mut [u8]) -> Option<()> {
        if at.checked_add(into.len())? > self.size {
            return None;
        }
        self.half.peer.copy_in(self.frame + at, into)
    }

    /// Writes down that the procedure has returned, before its results are.
    #[inline(always)]
    pub fn finished(&self) {
        self.half.stamp(self.astack, self.sequence, stamp::FINISHED);
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
    class: AstackClass,
    astack: u16,
    sequence: u32,
    answered: bool,
}

impl<'a> Started<'a> {
    /// Bytes of a frame.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        usize::try_from(self.class.frame_size).unwrap_or(0)
    }

    /// Answers without having run anything.
    #[cold]
    pub fn refuse(mut self, why: u16) {
        self.publish(why, 0, &[]);
    }

    /// Stamps the call as started; returns what the client sent, to be copied, and the reply half, lent: our own memory, where the procedure writes its
    /// results directly. Whatever is stored there counts as seen by the client.
    #[inline(always)]
    #[must_use]
    pub fn parts(&mut self) -> (Arguments<'_>, &mut [u8]) {
        self.half.stamp(self.astack, self.sequence, stamp::STARTED);
        // SAFETY: the busy flag makes this the only holder of the A-stack, and `self` is borrowed uniquely.
        let half = unsafe { self.half.own.lend(self.class.frame(self.astack), self.frame_size()) };
        let frame = self.class.frame(self.astack);
        let size = self.frame_size();
        let arguments = Arguments { half: self.half, frame, size, astack: self.astack, sequence: self.sequence };
        (arguments, half.unwrap_or_default())
    }

    /// Answers with a status, the bytes of the tail after the out areas, and up to [`LINE_WORDS`] words of results.
    #[inline(always)]
    pub fn answer(mut self, status: u16, tail_size: u64, words: &[u64]) {
        self.publish(status, tail_size, words);
    }

    #[inline(always)]
    fn publish(&mut self, status: u16, tail_size: u64, words: &[u64]) {
        self.answered = true;
        let Some(line) = self.half.own.line(server::reply(usize::from(self.astack))) else { return };
        line.store(reply::TAIL, tail_size);
        for (i, &word) in words.iter().take(LINE_WORDS).enumerate() {
            line.store(reply::RESULTS + i, word);
        }
        // The A-stack is free before the client can know it: the client may use it again at once. Release: pairs with
        // the Acquire in `start`.
        if let Some(busy) = self.half.busy.get(usize::from(self.astack)) {
            busy.store(false, Ordering::Release);
        }
        line.publish(reply::first(self.sequence, status));
    }
}

impl Drop for Started<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.answered {
            self.publish(status::PANICKED, 0, &[]);
        }
    }
}
