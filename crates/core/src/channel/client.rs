//! The client's half of a channel.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use core::time::Duration;

use nearcall_layout::Number;
use nearcall_layout::pair::{self, ASTACK_COUNT, AstackClass, RING_COUNT, reply, request, stamp};

use super::{LINE_WORDS, Ran, Wake};
use crate::segments::{Arguments, Left, Shown};
use crate::shm::fixed::modulo;
use crate::shm::segment::OwnSegment;
use crate::shm::{OwnLine, OwnRegion, PeerLine, PeerRegion, PeerWord};
use crate::sync::ShortLock;
use crate::sys::futex;
use crate::transfer::counts::{ClientCounters, ClientCounts};

/// Why a request was not published. Nothing of it is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublished {
    /// Request lines of calls that were given up fill the ring: the server has not read anything for long.
    RingFull,
    /// As many calls lie around this one as may.
    TooDeep,
    /// The call around this one has no time left.
    NoTimeLeft,
}

/// The server executes nothing any more.
const OVER: u32 = 1;
/// The server may go on; we have left it.
const LEFT: u32 = 2;

/// What a request line says beside its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Index of the binding in the server's table for this pair.
    pub binding: u16,
    /// The server's index of the procedure.
    pub procedure: u16,
    /// The A-stack of the call.
    pub astack: u16,
    /// Generation of the binding.
    pub generation: u32,
    /// What makes a guessed binding wrong.
    pub nonce: u32,
}

/// The private side of the ring. Lines from `next` up to `room` may be written. Beyond it somebody has to look which
/// calls are still to be read: [`ClientHalf::make_room`], once for some 256 calls.
#[derive(Debug)]
struct Ring {
    next: u64,
    room: u64,
}

/// A binding and the right to it, as they lie in the words of a request line. The procedure is not among them, so that
/// bindings share what they know of procedures.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    what: u64,
    right: u64,
}

impl Target {
    /// Binding `binding`.
    #[must_use]
    pub const fn new(binding: u16, generation: u32, nonce: u32) -> Self {
        Self { what: request::what(binding, 0, 0), right: request::right(generation, nonce) }
    }
}

/// A procedure, as it lies in the words of a request line.
#[derive(Debug, Clone, Copy)]
pub struct Which(u64);

impl Which {
    /// The procedure with the server's index `procedure`, for a caller that waits for ever.
    #[must_use]
    pub const fn new(procedure: u16) -> Self {
        Self(request::what(0, procedure, 0) | (request::FOREVER as u64) << 48)
    }

    /// The same, for a caller that waits no longer than `timeout`; `None` for ever. A constant of the procedure, so that
    /// saying it costs a call nothing.
    #[must_use]
    pub fn within(self, timeout: Option<Duration>) -> Self {
        let bits = timeout.map_or(request::FOREVER, |timeout| request::timeout(timeout.as_micros()));
        Self(self.0 & !(0xffff << 48) | u64::from(bits) << 48)
    }

    /// The same, for a caller that has `us` microseconds left.
    #[must_use]
    pub fn at_most(self, us: u64) -> Self {
        match request::timeout_us(request::timeout_of(self.0)) {
            Some(own) if own <= us => self,
            _ => self.within(Some(Duration::from_micros(us))),
        }
    }
}

/// A request that is written and not published: what it says of its procedure can still be changed.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    line: OwnLine<'a>,
    rest: u64,
}

impl Draft<'_> {
    /// Says `procedure`.
    pub fn restate(self, procedure: Which) {
        self.line.store(request::WHAT, self.rest | procedure.0);
    }
}

/// What a request says about its caller's waiting, as it lies in the first word of its line: flags and CPU.
#[derive(Debug, Clone, Copy)]
pub struct Hints(u64);

impl Hints {
    /// Of a caller on `cpu` ([`request`] has the flags).
    #[inline(always)]
    #[must_use]
    pub const fn new(flags: u16, cpu: u16) -> Self {
        Self(request::first(0, flags, cpu))
    }

    /// The same, and what `others` say, which lie in no CPU's bits ([`Mode::hints`](crate::transfer::mode::Mode)).
    #[inline(always)]
    pub(crate) const fn with(self, others: u64) -> Self {
        Self(self.0 | others)
    }

    /// As it lies in a request.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

/// What the client remembers of the call on one A-stack (LRPC's linkage record): the sequence number whose reply it
/// expects, 0 when there is none. Private; nothing the server writes changes it. On 128 bytes each: with 64, 8 KiB less for
/// a pair, the median of a call that spins was 3 % higher, even with one caller.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Linkage {
    sequence: AtomicU64,
}

/// The client's half: its own region, the server's, and its private records.
#[derive(Debug)]
pub struct ClientHalf {
    own: OwnRegion,
    peer: PeerRegion,
    ring: ShortLock<Ring>,
    first: u64,
    linkages: [Linkage; ASTACK_COUNT],
    bells: AtomicU64,
    /// Hints for the next request's flags, [`Spin`](crate::transfer::policy::spin::Spin) and
    /// [`Yields`](crate::transfer::policy::yields::Yields): each a word that any caller may replace, and the last wins.
    /// `soon` as it lies in the first word of a request.
    pub(crate) soon: AtomicU64,
    pub(crate) spin: AtomicU32,
    pub(crate) yields: AtomicU64,
    pub(crate) counters: ClientCounters,
    /// When late calls have to be over, by A-stack, which only one call has at a time (`transfer::deadline`).
    pub(crate) deadlines: [AtomicU64; ASTACK_COUNT],
    /// Segments for arguments beyond a frame.
    pub(crate) arguments: Arguments,
    /// Segments with results beyond a frame.
    pub shown: Shown,
    /// 0 while the pair lives, then [`OVER`] or [`LEFT`]; private, so that the peer cannot take the sleepers away.
    ended: AtomicU32,
}

impl ClientHalf {
    /// A channel on which nothing was called yet. The first call has sequence number `first`, which both sides must
    /// agree on; never 0 (an untouched line reads 0).
    #[must_use]
    pub fn new(own: OwnRegion, peer: PeerRegion, first: u32) -> Self {
        let next = u64::from(first.max(1));
        Self {
            own,
            peer,
            first: next,
            ring: ShortLock::new(Ring { next, room: next }),
            linkages: core::array::from_fn(|_| Linkage::default()),
            bells: AtomicU64::new(0),
            soon: AtomicU64::new(0),
            spin: AtomicU32::new(0),
            yields: AtomicU64::new(0),
            counters: ClientCounters::default(),
            deadlines: core::array::from_fn(|_| AtomicU64::new(0)),
            arguments: Arguments::default(),
            shown: Shown::default(),
            ended: AtomicU32::new(0),
        }
    }

    /// Lends the frame of an A-stack; nothing, if it was added to its class and has none.
    ///
    /// # Safety
    /// 1. The caller holds the A-stack `astack` of `class`, and has no other borrow of its frame.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
    pub(crate) unsafe fn frame(&self, class: &AstackClass, astack: u16) -> &mut [u8] {
        if !class.has_frame(astack) {
            return &mut [];
        }
        let size = usize::try_from(class.frame_size).unwrap_or(0);
        // SAFETY: frames of different A-stacks do not overlap (`Plan`), words and frames neither, and precondition 1.
        unsafe { self.own.lend(class.frame(astack), size) }.unwrap_or_default()
    }

    /// Publishes a request with up to [`LINE_WORDS`] words of arguments; returns its sequence number.
    ///
    /// After this nothing of the call can fail on our side; it can only be answered, or given up. `hints` are asked for last,
    /// so that nothing has to be kept of them meanwhile.
    ///
    /// # Errors
    /// [`Unpublished::RingFull`], and what `hints` says.
    #[inline(always)]
    pub fn publish(
        &self,
        target: &Target,
        procedure: Which,
        astack: u16,
        words: impl IntoIterator<Item = u64>,
        hints: impl FnOnce(Draft<'_>) -> Result<Hints, Unpublished>,
    ) -> Result<u32, Unpublished> {
        let linkage = self.linkage(astack);
        let mut ring = self.ring.lock_telling(|failed| self.counters.ring_tries.add(failed));
        let mut sequence = ring.next;
        if sequence >= ring.room {
            sequence = self.make_room(&mut ring)?;
        }
        let low = low(sequence);
        let line = self.own.request_line(low);
        let rest = target.what | request::what(0, 0, astack);
        line.store(request::WHAT, rest | procedure.0);
        line.store(request::RIGHT, target.right);
        for (i, word) in words.into_iter().take(LINE_WORDS).enumerate() {
            line.store(request::ARGS + i, word);
        }
        let hints = hints(Draft { line, rest })?;
        linkage.sequence.store(sequence, Ordering::Relaxed);
        ring.next = sequence + 1;
        line.publish(hints.0 | request::first(low, 0, 0));
        Ok(low)
    }

    /// Another request follows `sequence` before that is answered: has its line fetched meanwhile, away from a server that has
    /// read it before. Not for callers that wait for each reply: the server looks at that line next.
    #[inline(always)]
    pub fn expect_request(&self, sequence: u32) {
        self.own.request_line(sequence.wrapping_add(1)).expect();
    }

    /// Modulo their count, as the A-stack's lines are, so that a wrong index can only spoil the calls of its own pair.
    #[inline(always)]
    fn linkage(&self, astack: u16) -> &Linkage {
        modulo(&self.linkages, usize::from(astack))
    }

    /// Finds how far the ring may be written; returns the next sequence number.
    ///
    /// A line may be written again when its call was answered, or the server has stamped it as read. The calls of which
    /// that is not known are among those that some linkage record expects: records are written under the ring's lock, by
    /// publishing, and an A-stack's record moves on only after the answer to its call. So the oldest unread sequence
    /// number in the records bounds the ring. (A note in each line of who wrote it last, looked at before it is written
    /// again, came to eight instructions a call; this comes to three.)
    #[cold]
    #[inline(never)]
    fn make_room(&self, ring: &mut Ring) -> Result<u64, Unpublished> {
        // 0 is no sequence number: untouched lines read 0. `room` never goes beyond one, so it is looked at here only.
        let sequence = if low(ring.next) == 0 { ring.next + 1 } else { ring.next };
        let unread = self.linkages.iter().zip(0_u16..).filter_map(|(linkage, astack)| {
            let expected = linkage.sequence.load(Ordering::Relaxed);
            (expected != 0 && !self.was_read(astack, low(expected))).then_some(expected)
        });
        let oldest = unread.min().unwrap_or(sequence);
        let wrap = (sequence | 0xffff_ffff) + 1;
        ring.room = (oldest + RING_COUNT as u64).min(wrap);
        if sequence < ring.room { Ok(sequence) } else { Err(Unpublished::RingFull) }
    }

    fn was_read(&self, astack: u16, sequence: u32) -> bool {
        self.ran(astack, sequence) != Ran::No || self.answered(astack, sequence)
    }

    /// The reply line of an A-stack.
    #[inline(always)]
    #[must_use]
    pub fn reply_line(&self, astack: u16) -> PeerLine<'_> {
        self.peer.reply_line(astack)
    }

    /// Whether the call `sequence` on `astack` has been answered.
    #[must_use]
    pub fn answered(&self, astack: u16, sequence: u32) -> bool {
        pair::sequence(self.reply_line(astack).load_acquire()) == sequence
    }

    /// The results in the reply line; meaningful after the caller has seen its sequence number there and fenced.
    #[inline(always)]
    #[must_use]
    pub fn results<const WORDS: usize>(&self, line: PeerLine<'_>) -> [u64; WORDS] {
        core::array::from_fn(|i| if i < LINE_WORDS { line.load(reply::RESULTS + i) } else { 0 })
    }

    /// Whether no call is published on an A-stack.
    #[must_use]
    pub fn is_idle(&self, astack: u16) -> bool {
        self.linkage(astack).sequence.load(Ordering::Relaxed) == 0
    }

    /// Copies bytes of the reply half of an A-stack, from byte `at` of it (LRPC's copy F). `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_out(&self, class: &AstackClass, astack: u16, at: usize, into: &mut [u8]) -> Option<()> {
        self.peer.copy_in(reply_bytes(class, astack, at, into.len())?, into)
    }

    /// The same for `count` numbers, into memory of their own.
    #[inline]
    #[must_use]
    pub fn numbers<N: Number>(&self, class: &AstackClass, astack: u16, at: usize, count: usize) -> Option<Vec<N>> {
        self.peer.numbers(reply_bytes(class, astack, at, count.checked_mul(size_of::<N>())?)?, count)
    }

    /// Whether the A-stack may have a segment of `size` bytes for arguments instead of what it has.
    #[must_use]
    pub fn may_have_arguments(&self, astack: u16, size: usize) -> bool {
        self.arguments.may_have(astack, size)
    }

    /// Gives the A-stack the segment for arguments that was asked for by `id`, instead of what it had. `false`: that is in use, and stays.
    #[must_use]
    pub fn set_arguments(&self, astack: u16, id: u32, segment: OwnSegment) -> bool {
        self.arguments.set(astack, id, segment)
    }

    /// Takes away the A-stack's segment for arguments. `false`: it is in use, and stays.
    #[must_use]
    pub fn remove_arguments(&self, astack: u16) -> bool {
        self.arguments.remove(astack)
    }

    /// Removes segments for arguments that were not used for long; A-stacks, and what each was asked for by.
    #[must_use]
    pub fn sweep_arguments(&self, now: u32) -> Vec<(u16, u32)> {
        self.arguments.sweep(now, |astack| self.is_idle(astack))
    }

    /// What [`sweep_arguments`](Self::sweep_arguments) has left.
    #[must_use]
    pub fn arguments_left(&self, now: u32) -> Left {
        self.arguments.left(now)
    }

    /// Forgets a call whose reply has been read.
    #[inline(always)]
    pub fn finish(&self, astack: u16) {
        self.linkage(astack).sequence.store(0, Ordering::Relaxed);
    }

    /// How far the call `sequence` on `astack` got.
    #[must_use]
    pub fn ran(&self, astack: u16, sequence: u32) -> Ran {
        let stamped = self.peer.stamp_line(astack).load_acquire();
        if pair::sequence(stamped) != sequence {
            return Ran::No;
        }
        match stamped & !0xffff_ffff {
            stamp::STARTED => Ran::Maybe,
            stamp::FINISHED => Ran::Yes,
            _ => Ran::No,
        }
    }

    /// Whether a processor of the server's has taken the call `sequence` on `astack`, and has begun, answered, or passed it on.
    #[must_use]
    pub fn is_taken(&self, astack: u16, sequence: u32) -> bool {
        let stamped = self.peer.stamp_line(astack).load_acquire();
        pair::sequence(stamped) == sequence || self.answered(astack, sequence)
    }

    /// The server's status word for this pair.
    #[inline(always)]
    #[must_use]
    pub fn status_word(&self) -> PeerWord<'_> {
        self.peer.status()
    }

    /// [`status_word`](Self::status_word), which is always there.
    #[inline(always)]
    #[must_use]
    pub fn status(&self) -> Option<PeerWord<'_>> {
        Some(self.status_word())
    }

    /// What the standby of CPU `n` does, as the server says ([`nearcall_layout::pair::armed`]).
    #[inline]
    #[must_use]
    pub fn armed(&self, n: usize) -> u64 {
        self.peer.armed(n).load()
    }

    /// Bumps bell `n`, on which a processor of the server says it sleeps, and wakes it.
    pub fn ring_bell(&self, n: usize) {
        let bell = self.own.bell(n);
        // No value comes twice: a standby that has read one of two that were stored at once still sees the other.
        bell.store(self.bells.fetch_add(1, Ordering::Relaxed) + 1);
        futex::wake_shared(bell.futex());
    }

    /// Announces that the caller of `sequence` on `astack` is about to sleep (0: no longer).
    pub fn announce_wait(&self, astack: u16, sequence: u32) {
        self.announce(astack, sequence, Wake::Reply);
    }

    /// Announces that the caller of `sequence` on `astack` waits, and how it is woken.
    pub fn announce(&self, astack: u16, sequence: u32, how: Wake) {
        self.own.wait_line(astack).publish(u64::from(sequence) | how.bits());
    }

    /// The word that the server bumps for those who sleep for several replies.
    #[must_use]
    pub fn reply_bell(&self) -> PeerWord<'_> {
        self.peer.reply_bell()
    }

    /// Signals that the server says it has given. Take note of it with [`set_heard`](Self::set_heard), fence, and only then
    /// look which calls are answered.
    #[must_use]
    pub fn signals(&self) -> u64 {
        let signals = self.peer.signals().load();
        // Pairs with the Release of the server's store.
        fence(Ordering::Acquire);
        signals
    }

    /// Says that the replies are about to be looked at, for all signals up to `signals`: the server gives another one for a
    /// reply that comes later. One thread at a time: the word must not go back.
    pub fn set_heard(&self, signals: u64) {
        self.own.heard().store(signals);
    }

    /// Says that the call `sequence` on `astack` was given up: the server may look, and nobody sleeps for its answer.
    #[cold]
    pub fn announce_given_up(&self, astack: u16, sequence: u32) {
        self.own.wait_line(astack).publish(u64::from(sequence) | pair::GIVEN_UP);
    }

    /// How the calls of this pair travelled so far.
    #[must_use]
    pub fn counts(&self) -> ClientCounts {
        let calls = {
            let ring = self.ring.lock();
            // 0 is no sequence number: one is left out at each wrap.
            ring.next - self.first - (ring.next.saturating_sub(1) >> 32)
        };
        let counts = self.counters.snapshot();
        // Calls in flight are not answered yet, and are counted as spinning until they do something else.
        ClientCounts { calls, spun: calls.saturating_sub(counts.donated + counts.slept + counts.unanswered), ..counts }
    }

    /// Ends the pair: every sleeper and spinner looks up. Nothing is unmapped while somebody holds the half. `is_over`:
    /// the server executes nothing any more, so what it has not started it never will.
    pub fn end(&self, is_over: bool) {
        let how = if is_over { OVER } else { LEFT };
        // Release: pairs with the Acquire in `is_over`.
        let _ = self.ended.compare_exchange(0, how, Ordering::Release, Ordering::Relaxed);
        futex::wake_private(&self.ended);
        self.wake_callers();
    }

    /// Wakes the callers that sleep on their reply words only. One that is about to sleep may miss it: whoever ends a pair
    /// calls this again a moment later, and the caller's own time-out step bounds the rest.
    pub fn wake_callers(&self) {
        for (linkage, astack) in self.linkages.iter().zip(0_u16..) {
            if linkage.sequence.load(Ordering::Relaxed) != 0 {
                futex::wake_shared(self.reply_line(astack).futex());
            }
        }
    }

    /// Whether what the server has not started by now it never will.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire) == OVER
    }

    /// Whether [`end`](Self::end) was called.
    #[inline(always)]
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != 0
    }

    /// The private word that is 0 until the end.
    #[must_use]
    pub fn ended_word(&self) -> &AtomicU32 {
        &self.ended
    }
}

/// Where `size` bytes from byte `at` of an A-stack's reply half are in the region. `None` outside the frame.
#[inline(always)]
fn reply_bytes(class: &AstackClass, astack: u16, at: usize, size: usize) -> Option<usize> {
    let is_inside = at.checked_add(size)? <= usize::try_from(class.frame_size).ok()? && class.has_frame(astack);
    is_inside.then(|| class.frame(astack) + at)
}

#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the low half is meant")]
const fn low(sequence: u64) -> u32 {
    sequence as u32
}
