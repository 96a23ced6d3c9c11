//! The two regions of a pair of domains, byte by byte. `docs/shared-layout.md` draws what this file asserts.
//!
//! A pair is ordered: client, server. The *client region* is written by the client only, the *server region* by the
//! server only; each is mapped read-only by the other side. All words are 64 bits, little-endian, and are only ever read
//! and written whole. Lines of different calls are [`LINE_STRIDE`] bytes apart, because current processors fetch
//! neighbouring cache lines in pairs.

use crate::head::LINE_BYTES;

/// Of the whole layout and of the handshake. Two sides with different versions do not talk.
pub const VERSION: u32 = 3;

/// The first word of either region.
pub const MAGIC: u64 = u64::from_le_bytes(*b"nearcall");

/// Bytes of a cache line.
pub const LINE_SIZE: usize = 64;

/// Bytes between two lines.
pub const LINE_STRIDE: usize = 128;

/// How deep calls may be nested: a call has the depth of the call in whose procedure it is made, plus one; 1 if it is made in
/// none. A cycle of calls ends here.
pub const DEPTH_MAX: u16 = 16;

/// Request lines in a pair's ring. More than there are A-stacks, so that the ring is full only when lines of abandoned
/// calls have not been read yet.
pub const RING_COUNT: usize = 256;

/// A-stacks in a pair, over all interfaces.
pub const ASTACK_COUNT: usize = 128;

/// The size of each region of a pair whose interfaces fit into it.
pub const REGION_SIZE: usize = 256 * 1024;

/// The largest region a domain makes or accepts.
pub const REGION_SIZE_MAX: usize = 64 * 1024 * 1024;

/// The largest segment: room for a parameter of [`PAYLOAD_SIZE_MAX`] and for what travels beside it.
pub const SEGMENT_SIZE_MAX: usize = PAYLOAD_SIZE_MAX + 1024 * 1024;

/// Segments have a power of two of bytes, at least these, or [`SEGMENT_SIZE_MAX`].
pub const SEGMENT_SIZE_MIN: usize = 64 * 1024;

/// The most bytes that one parameter or result of varying size can have.
pub const PAYLOAD_SIZE_MAX: usize = 64 * 1024 * 1024;

/// The size of a segment that holds `size` bytes, if there can be one.
#[must_use]
pub const fn segment_size(size: usize) -> Option<usize> {
    if size > SEGMENT_SIZE_MAX {
        return None;
    }
    let wanted = if size < SEGMENT_SIZE_MIN { SEGMENT_SIZE_MIN } else { size.next_power_of_two() };
    Some(if wanted > SEGMENT_SIZE_MAX { SEGMENT_SIZE_MAX } else { wanted })
}

/// Words that a processor of the other side can be asleep on; one for each CPU, modulo this count.
pub const BELL_COUNT: usize = 64;

const HEADER_SIZE: usize = 4096;

/// Offsets in the client region.
pub mod client {
    use super::{ASTACK_COUNT, HEADER_SIZE, LINE_STRIDE, RING_COUNT};

    /// [`super::MAGIC`], then [`super::VERSION`] in the next word.
    pub const MAGIC: usize = 0;
    /// The value of [`super::server::SIGNALS`] after which the client has looked at all replies it waits for
    /// [by the signal](super::wake::SIGNAL).
    pub const HEARD: usize = 128;
    /// Bells: one word each, bumped by the client to wake a processor of the server that says it is asleep on it.
    pub const BELLS: usize = 512;
    /// The request ring.
    pub const RING: usize = HEADER_SIZE;
    /// Wait words, one line for each A-stack: the sequence number whose reply the caller waits for, else 0, and how it is
    /// woken ([`super::wake`]); with [`super::GIVEN_UP`], of a call that was given up.
    pub const WAITS: usize = RING + RING_COUNT * LINE_STRIDE;
    /// Where frames begin.
    pub const FRAMES: usize = WAITS + ASTACK_COUNT * LINE_STRIDE;

    /// The offset of request line `sequence`.
    #[must_use]
    pub const fn line(sequence: u32) -> usize {
        RING + (sequence as usize % RING_COUNT) * LINE_STRIDE
    }

    /// The offset of an A-stack's wait word.
    #[must_use]
    pub const fn wait(astack: usize) -> usize {
        WAITS + astack * LINE_STRIDE
    }

    /// The offset of bell `n`.
    #[must_use]
    pub const fn bell(n: usize) -> usize {
        BELLS + (n % super::BELL_COUNT) * 8
    }
}

/// Offsets in the server region.
pub mod server {
    use super::{ASTACK_COUNT, HEADER_SIZE, LINE_STRIDE};

    /// [`super::MAGIC`], then [`super::VERSION`] in the next word.
    pub const MAGIC: usize = 0;
    /// Whether and by whom the ring is looked at: [`super::poll`].
    pub const STATUS: usize = 128;
    /// One word for each CPU, in the order of the bells: [`super::armed`].
    pub const ARMED: usize = 512;
    /// Bumped after a reply for a caller that [sleeps for several](super::wake::BELL).
    pub const REPLY_BELL: usize = 256;
    /// How often the pair's signal was given: once for all replies until the client says that it has
    /// [heard](super::client::HEARD) it.
    pub const SIGNALS: usize = 384;
    /// Reply lines, one for each A-stack.
    pub const REPLIES: usize = HEADER_SIZE;
    /// Stamps, one line for each A-stack: how far the call with which sequence number got.
    pub const STAMPS: usize = REPLIES + ASTACK_COUNT * LINE_STRIDE;
    /// Where reply halves begin, at the least: the frames have equal offsets in both regions.
    pub const FRAMES: usize = STAMPS + ASTACK_COUNT * LINE_STRIDE;

    /// The offset of an A-stack's reply line.
    #[must_use]
    pub const fn reply(astack: usize) -> usize {
        REPLIES + astack * LINE_STRIDE
    }

    /// The offset of an A-stack's stamp.
    #[must_use]
    pub const fn stamp(astack: usize) -> usize {
        STAMPS + astack * LINE_STRIDE
    }

    /// The offset of the armed word of bell `n`.
    #[must_use]
    pub const fn armed(n: usize) -> usize {
        ARMED + (n % super::BELL_COUNT) * 8
    }
}

/// Where frames begin in both regions: one offset, so that an A-stack needs one number and not two.
pub const FRAMES: usize = if client::FRAMES > server::FRAMES { client::FRAMES } else { server::FRAMES };

const _: () = {
    assert!(client::HEARD + 8 <= client::BELLS && server::SIGNALS + 8 <= server::ARMED);
    assert!(client::BELLS + BELL_COUNT * 8 <= HEADER_SIZE);
    assert!(server::ARMED + BELL_COUNT * 8 <= HEADER_SIZE);
    assert!(FRAMES < REGION_SIZE && FRAMES.is_multiple_of(LINE_STRIDE));
    assert!(RING_COUNT.is_power_of_two() && RING_COUNT > ASTACK_COUNT);
    assert!(request::ARGS * 8 + LINE_BYTES == LINE_SIZE);
    assert!(reply::RESULTS * 8 + LINE_BYTES <= LINE_SIZE);
    assert!(ASTACK_COUNT <= u16::MAX as usize);
};

/// Words of a request line, by index.
pub mod request {
    /// Sequence number, flags, the caller's CPU: written last, so that a poll is one load and one compare.
    pub const FIRST: usize = 0;
    /// Binding index, procedure, A-stack, time-out.
    pub const WHAT: usize = 1;
    /// The binding's generation and nonce.
    pub const RIGHT: usize = 2;
    /// Up to 40 bytes of arguments.
    pub const ARGS: usize = 3;

    /// The caller expects to call again within a few microseconds: its last calls came back to back. A hint.
    pub const SOON: u16 = 1;
    /// The caller never sleeps; a processor that polls on another CPU is what it needs.
    pub const SPINS: u16 = 2;
    /// The caller gives its own CPU on every call; a processor that polls would be of no use to it.
    pub const DONATES: u16 = 4;
    /// The frame of this request is the segment of its A-stack, out of band.
    pub const OUT_OF_BAND: u16 = 8;

    const NESTED_SHIFT: u32 = 11;
    /// The flags of a call that is nested too deep, or of one that claims to be: no client sends it.
    pub const TOO_DEEP: u16 = super::DEPTH_MAX << NESTED_SHIFT;

    /// The flags of a call made inside `nested` others, in the highest 5 bits of them.
    #[must_use]
    pub const fn nested(nested: u16) -> u16 {
        nested << NESTED_SHIFT
    }

    /// The depth of a call with these flags ([`DEPTH_MAX`](super::DEPTH_MAX)), 1 to 32.
    #[must_use]
    pub const fn depth(flags: u16) -> u16 {
        (flags >> NESTED_SHIFT) + 1
    }

    /// The first word.
    #[must_use]
    pub const fn first(sequence: u32, flags: u16, cpu: u16) -> u64 {
        sequence as u64 | (flags as u64) << 32 | (cpu as u64) << 48
    }

    /// The second word.
    #[must_use]
    pub const fn what(binding: u16, procedure: u16, astack: u16) -> u64 {
        binding as u64 | (procedure as u64) << 16 | (astack as u64) << 32
    }

    /// A time-out in the highest 16 bits of the second word that never ends.
    pub const FOREVER: u16 = u16::MAX;

    /// A time-out of `us` microseconds in 16 bits, rounded down: 11 bits times two to the power of the 5 above them. What
    /// is longer than they can say is the longest that they can.
    #[must_use]
    pub const fn timeout(us: u128) -> u16 {
        let exponent = (u128::BITS - us.leading_zeros()).saturating_sub(11);
        if exponent > 31 || us >> exponent << exponent >= 0x7ff << 31 {
            return FOREVER - 1;
        }
        (exponent << 11) as u16 | (us >> exponent) as u16
    }

    /// The microseconds that 16 bits say; `None` for ever.
    #[must_use]
    pub const fn timeout_us(bits: u16) -> Option<u64> {
        if bits == FOREVER { None } else { Some(((bits & 0x7ff) as u64) << (bits >> 11)) }
    }

    /// The time-out in a second word.
    #[must_use]
    pub const fn timeout_of(what: u64) -> u16 {
        (what >> 48) as u16
    }

    /// The third word.
    #[must_use]
    pub const fn right(generation: u32, nonce: u32) -> u64 {
        generation as u64 | (nonce as u64) << 32
    }
}

/// Words of a reply line, by index.
pub mod reply {
    /// Sequence number and status: written last.
    pub const FIRST: usize = 0;
    /// Bytes of the tail of the results, and the segments that areas and tail lie in: [`places`]. For procedures that
    /// have out areas or a tail, or whose head lies in a frame; others leave it as it is.
    pub const TAIL: usize = 1;
    /// Up to 40 bytes of results.
    pub const RESULTS: usize = 2;

    /// The first word.
    #[must_use]
    pub const fn first(sequence: u32, status: u16) -> u64 {
        sequence as u64 | (status as u64) << 32
    }

    /// The word [`TAIL`]: bytes of the tail; the segment that is the reply's frame instead of the A-stack's own; and the
    /// segment that begins with the tail, where that does not follow the areas. 0 is no segment.
    #[must_use]
    pub const fn places(tail: u32, frame: u16, behind: u16) -> u64 {
        tail as u64 | (frame as u64) << 32 | (behind as u64) << 48
    }

    /// The three of [`places`].
    #[must_use]
    pub const fn placed(word: u64) -> (u32, u16, u16) {
        ((word & 0xffff_ffff) as u32, ((word >> 32) & 0xffff) as u16, (word >> 48) as u16)
    }
}

/// The low 32 bits of a first word: its sequence number.
#[must_use]
pub const fn sequence(first: u64) -> u32 {
    (first & 0xffff_ffff) as u32
}

/// The 16 bits above the sequence number: flags of a request, status of a reply.
#[must_use]
pub const fn middle(first: u64) -> u16 {
    ((first >> 32) & 0xffff) as u16
}

/// The highest 16 bits of a request's first word: the CPU the caller ran on.
#[must_use]
pub const fn cpu(first: u64) -> u16 {
    (first >> 48) as u16
}

/// Beside a sequence number in a wait word: the caller has given this call up, and nobody waits for its answer.
pub const GIVEN_UP: u64 = 1 << 32;

/// Beside a sequence number in a wait word: how its caller is woken. Two bits.
pub mod wake {
    /// It sleeps on the low half of its reply line's first word.
    pub const REPLY: u64 = 0;
    /// It sleeps for several replies, on the low half of [`REPLY_BELL`](super::server::REPLY_BELL).
    pub const BELL: u64 = 1 << 33;
    /// Nobody sleeps; the pair's signal wakes whoever looks at its descriptor.
    pub const SIGNAL: u64 = 2 << 33;
    /// As [`BELL`], by a processor all of whose threads wait: one that has its CPU may answer its other requests first.
    pub const PROCESSOR: u64 = 3 << 33;
    /// The bits.
    pub const MASK: u64 = 3 << 33;
}

/// How a call ended, in the reply line.
pub mod status {
    /// The procedure returned; its results are there.
    pub const OK: u16 = 0;
    /// The procedure returned its own error; that is there.
    pub const APP: u16 = 1;
    /// The binding was revoked or is not one.
    pub const REVOKED: u16 = 2;
    /// There is no such procedure in the interface.
    pub const NO_PROCEDURE: u16 = 3;
    /// An argument was no value of its type, or a length did not fit.
    pub const BAD_ARGUMENT: u16 = 4;
    /// The results do not fit the frame.
    pub const TOO_LARGE: u16 = 5;
    /// The procedure panicked.
    pub const PANICKED: u16 = 6;
    /// The server does not take more work from this client.
    pub const OVERLOADED: u16 = 7;
    /// The results have no encoded form: they are nested too deep, or serde refuses to write them.
    pub const UNRETURNABLE: u16 = 8;
    /// An argument is larger than the server takes: the first word of results says how many bytes it does. Nothing ran.
    pub const ARGUMENT_TOO_LARGE: u16 = 9;
    /// The request says that it is nested deeper than [`DEPTH_MAX`](super::DEPTH_MAX), which no client does. Nothing ran.
    pub const TOO_DEEP: u16 = 10;
    /// The server's loop lets this client not call that. Nothing ran.
    pub const DENIED: u16 = 11;
    /// A descriptor, a client or a grant among the arguments did not arrive, or does not stand for what it should. Nothing
    /// ran.
    pub const NOT_TAKEN: u16 = 12;
    /// One among the results could not be passed.
    pub const NOT_GIVEN: u16 = 13;
    /// The procedure has left its reply to be made later, and nobody makes it any more.
    pub const ABORTED: u16 = 14;
}

/// How far a call got: the stamp of its A-stack, sequence number in the low half.
pub mod stamp {
    /// The server has read the request and is about to run the procedure.
    pub const STARTED: u64 = 1 << 32;
    /// The procedure has returned; its results may not have been written yet.
    pub const FINISHED: u64 = 2 << 32;
    /// The server has claimed the request; another processor is about to read its line.
    pub const PASSED_ON: u64 = 3 << 32;
}

/// The status word of a pair: whether the lead polls its ring, and on which CPU.
pub mod poll {
    /// No processor polls.
    pub const UNPOLLED: u16 = 0;
    /// The lead polls the ring.
    pub const POLLED: u16 = 1;

    /// The word.
    #[must_use]
    pub const fn word(state: u16, cpu: u16) -> u64 {
        state as u64 | (cpu as u64) << 16
    }

    /// One of [`UNPOLLED`], [`POLLED`].
    #[must_use]
    pub const fn state(word: u64) -> u16 {
        (word & 0xffff) as u16
    }

    /// The CPU, as far as the server knows it.
    #[must_use]
    pub const fn cpu(word: u64) -> u16 {
        ((word >> 16) & 0xffff) as u16
    }
}

/// An armed word: what the standby of one CPU does, as far as this pair is concerned. All of them AWAY and no lead: the
/// pair is cold, and its caller rings by a message on the control socket.
pub mod armed {
    /// It is inside a procedure, serves other pairs, or does not exist.
    pub const AWAY: u64 = 0;
    /// It is awake and will look at the ring before it sleeps.
    pub const LOOKING: u64 = 1;
    /// It is asleep on this pair's bell of its CPU, or about to be.
    pub const ASLEEP: u64 = 2;
}

/// The A-stacks of one size class of one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AstackClass {
    /// Bytes of one frame, in either region; 0 for calls that ride in lines only.
    pub frame_size: u32,
    /// A-stacks in the class.
    pub count: u16,
    /// Index of the first of them.
    pub first: u16,
    /// Offset of the first frame, in both regions.
    pub offset: u32,
}

impl AstackClass {
    /// Whether A-stack `index` has a frame in the region: it is one that the class began with.
    #[inline(always)]
    #[must_use]
    pub const fn has_frame(&self, index: u16) -> bool {
        index.wrapping_sub(self.first) < self.count
    }

    /// Bytes from one frame to the next.
    #[must_use]
    pub const fn stride(&self) -> usize {
        (self.frame_size as usize).next_multiple_of(LINE_STRIDE)
    }

    /// The offset of the frame of A-stack `index`, counted over the pair; it must [have one](Self::has_frame).
    #[must_use]
    pub const fn frame(&self, index: u16) -> usize {
        self.offset as usize + (index.wrapping_sub(self.first)) as usize * self.stride()
    }
}

/// The first free A-stack and frame byte of a pair. Both sides keep one and advance it alike, so a server cannot make a
/// client lay two frames over each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    astacks: usize,
    offset: usize,
    size: usize,
}

/// The pair has no room for another class of A-stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom {
    /// A-stacks that were asked for.
    pub count: u16,
    /// Bytes of each of their frames.
    pub frame_size: u32,
}

impl Plan {
    /// An empty pair whose regions have `size` bytes.
    #[must_use]
    pub const fn new(size: usize) -> Self {
        Self { astacks: 0, offset: FRAMES, size }
    }

    /// Places `count` A-stacks with frames of `frame_size` bytes.
    ///
    /// # Errors
    /// [`NoRoom`] if the A-stacks or the bytes do not suffice; nothing is placed then.
    pub const fn place(&mut self, frame_size: u32, count: u16) -> Result<AstackClass, NoRoom> {
        let class = AstackClass { frame_size, count, first: self.astacks as u16, offset: self.offset as u32 };
        let bytes = class.stride().saturating_mul(count as usize);
        if self.astacks + count as usize > ASTACK_COUNT || bytes > self.size.saturating_sub(self.offset) {
            return Err(NoRoom { count, frame_size });
        }
        self.astacks += count as usize;
        self.offset += bytes;
        Ok(class)
    }

    /// One more A-stack for a class, without a frame of its own; its index.
    ///
    /// # Errors
    /// [`NoRoom`] if the pair has all that it can have.
    pub const fn grow(&mut self) -> Result<u16, NoRoom> {
        if self.astacks >= ASTACK_COUNT {
            return Err(NoRoom { count: 1, frame_size: 0 });
        }
        self.astacks += 1;
        Ok((self.astacks - 1) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_do_not_overlap_and_stay_inside() {
        let mut plan = Plan::new(REGION_SIZE);
        let mut end = FRAMES;
        let mut astacks = 0;
        while let Ok(class) = plan.place(4096, 5) {
            assert_eq!(class.first, astacks);
            for index in class.first..class.first + class.count {
                assert!(class.frame(index) >= end);
                end = class.frame(index) + 4096;
                assert!(end <= REGION_SIZE);
            }
            astacks += 5;
        }
        assert_eq!(plan.place(4096, 5), Err(NoRoom { count: 5, frame_size: 4096 }));
        assert!(plan.place(0, 5).is_ok(), "calls that ride in lines need no bytes");
    }

    #[test]
    fn grown_astacks_have_indices_of_their_own() {
        let mut plan = Plan::new(REGION_SIZE);
        let class = plan.place(1500, 5).unwrap();
        assert_eq!(plan.grow(), Ok(5));
        assert!(class.has_frame(4) && !class.has_frame(5));
        assert_eq!(plan.place(0, 2).map(|class| class.first), Ok(6));
        assert_eq!((8..128).map(|_| plan.grow().unwrap()).last(), Some(127));
        assert_eq!(plan.grow(), Err(NoRoom { count: 1, frame_size: 0 }));
    }

    #[test]
    fn segments_hold_what_is_asked_for() {
        assert_eq!([0, 1, 65_536, 65_537].map(segment_size), [65_536, 65_536, 65_536, 131_072].map(Some));
        assert_eq!(segment_size(PAYLOAD_SIZE_MAX), Some(PAYLOAD_SIZE_MAX));
        assert_eq!(segment_size(PAYLOAD_SIZE_MAX + 1), Some(SEGMENT_SIZE_MAX));
        assert_eq!(segment_size(SEGMENT_SIZE_MAX + 1), None);
    }

    #[test]
    fn timeouts_are_rounded_down_and_saturate() {
        let there_and_back = |us| request::timeout_us(request::timeout(us));
        for us in [0, 1, 2047, 2048, 4096, 2_000_000, 10_000_000, 3_600_000_000, 0x7fe << 31] {
            let back = there_and_back(us).unwrap();
            assert!(u128::from(back) <= us && us - u128::from(back) <= us / 1024, "{us} {back}");
        }
        assert_eq!((there_and_back(2047), there_and_back(2049)), (Some(2047), Some(2048)));
        for us in [0x7ff << 31, 1 << 60, u128::MAX] {
            assert_eq!(there_and_back(us), Some(0x7fe << 31), "{us}");
        }
        assert_eq!(request::timeout_us(request::FOREVER), None);
    }

    #[test]
    fn depths_lie_above_the_flags_and_one_bit_says_too_deep() {
        for nested in 0..32 {
            let flags = request::nested(nested) | request::OUT_OF_BAND | request::SOON;
            assert_eq!(request::depth(flags), nested + 1);
            assert_eq!(flags & request::TOO_DEEP != 0, nested + 1 > DEPTH_MAX);
            assert_eq!(request::depth(middle(request::first(u32::MAX, flags, u16::MAX))), nested + 1);
        }
    }

    #[test]
    fn first_words_come_apart_again() {
        let first = request::first(u32::MAX, 0x1234, 0xfffe);
        assert_eq!((sequence(first), middle(first), cpu(first)), (u32::MAX, 0x1234, 0xfffe));
        let first = reply::first(7, status::PANICKED);
        assert_eq!((sequence(first), middle(first)), (7, status::PANICKED));
        assert_eq!(reply::placed(reply::places(u32::MAX, 1, u16::MAX)), (u32::MAX, 1, u16::MAX));
    }
}
