//! A call that is being served: where its arguments are read and its results written, in the frame or out of band.

use nearcall_layout::pair::{AstackClass, reply, request, stamp};

use super::LINE_WORDS;
use super::server::ServerHalf;
use crate::budget::NoRoom;
use crate::segments::Part;
use crate::shm::{OwnLine, PeerBytes};

/// A call that is being served: what the client sent, to be read once, and where its results go. All of that is the
/// call's while its [`Started`](super::server::Started), or the [`Deferral`](super::server::Deferral) that this became, is
/// borrowed.
///
/// It is handed to code that the compiler does not see, so each field costs a store on every call: lines are looked up
/// where they are needed. (The stamp's, which every call needs twice, saves five instructions in the service and costs five
/// here.)
#[derive(Debug)]
pub struct Serving<'a> {
    pub(super) half: &'a ServerHalf,
    pub(super) class: &'a AstackClass,
    /// Where areas and tail are ([`reply::places`]).
    pub(super) places: u64,
    pub(super) sequence: u32,
    /// Bytes of the reply half that are kept for [`head`](Self::head), and bytes that are that or were lent.
    pub(super) reserved: u32,
    pub(super) lent: u32,
    pub(super) astack: u16,
    /// What the request says ([`request`]).
    pub(super) flags: u16,
}

impl<'a> Serving<'a> {
    /// Word `index` of the arguments that ride in the request line. Only before [`started`](Self::started): afterwards
    /// the client may write the line again. Another request's word would be no harm to anybody but that client.
    #[inline(always)]
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        if index < LINE_WORDS { self.half.peer.request_line(self.sequence).load(request::ARGS + index) } else { 0 }
    }

    /// Bytes of a frame of the A-stack in either region.
    #[inline(always)]
    #[must_use]
    pub fn frame_size(&self) -> usize {
        if self.class.has_frame(self.astack) { usize::try_from(self.class.frame_size).unwrap_or(0) } else { 0 }
    }

    /// Where the client put its arguments: the bytes that hold them, where in those, and how many.
    #[inline(always)]
    fn arguments(&self) -> (PeerBytes<'a>, usize, usize) {
        if self.flags & request::OUT_OF_BAND != 0 {
            return self.arguments_out_of_band();
        }
        (self.half.peer.bytes(), self.class.frame(self.astack), self.frame_size())
    }

    #[cold]
    #[inline(never)]
    fn arguments_out_of_band(&self) -> (PeerBytes<'a>, usize, usize) {
        // SAFETY: the A-stack's busy flag is set for 'a, as `Started` or the `Deferral` that it became has it.
        match unsafe { self.half.offered.get(self.astack) } {
            Some((bytes, size)) => (bytes, 0, size),
            // The client says that it has a segment, and has none.
            None => (self.half.peer.bytes(), 0, 0),
        }
    }

    /// Bytes that the client's arguments can have.
    #[inline]
    #[must_use]
    pub fn arguments_size(&self) -> usize {
        self.arguments().2
    }

    /// Copies bytes of the client's frame, from byte `at` of it, into private memory (LRPC's copy E): each is read once.
    /// `None` outside the frame.
    #[inline]
    #[must_use]
    pub fn copy_in(&self, at: usize, into: &mut [u8]) -> Option<()> {
        let (bytes, base, size) = self.arguments();
        if at.checked_add(into.len())? > size {
            return None;
        }
        bytes.copy_in(base + at, into)
    }

    /// `size` bytes of the client's frame, from byte `at` of it, where they are. `None` outside the frame.
    #[must_use]
    pub fn shared(&self, at: usize, size: usize) -> Option<Shared<'a>> {
        let (bytes, base, all) = self.arguments();
        if at.checked_add(size)? > all {
            return None;
        }
        Some(Shared { bytes, at: base + at, size })
    }

    /// Bytes of the reply half that were reserved or lent; it begins at a multiple of 128.
    #[inline(always)]
    #[must_use]
    pub fn lent(&self) -> usize {
        usize::try_from(self.lent).unwrap_or(usize::MAX)
    }

    /// Bytes of the reply half.
    #[inline(always)]
    fn reply_size(&self) -> usize {
        match self.frame_segment() {
            0 => self.frame_size(),
            serial => self.half.results.size(serial),
        }
    }

    /// The segment that is the reply half; 0 for none.
    #[inline(always)]
    fn frame_segment(&self) -> u16 {
        reply::placed(self.places).1
    }

    /// Bytes of the reply half that were not lent yet.
    #[inline(always)]
    #[must_use]
    pub fn room(&self) -> usize {
        self.reply_size().saturating_sub(self.lent())
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

    /// Sees to it that the reply half has `size` bytes: a segment stands in for a frame that is smaller. Before anything
    /// of it was lent.
    ///
    /// # Errors
    /// [`NoRoom`].
    #[inline(always)]
    pub fn provide(&mut self, size: usize) -> Result<(), NoRoom> {
        if size <= self.reply_size() { Ok(()) } else { self.provide_segment(size) }
    }

    #[cold]
    #[inline(never)]
    fn provide_segment(&mut self, size: usize) -> Result<(), NoRoom> {
        // Nothing but the head, of which nothing is written yet, so it may lie elsewhere from now on.
        if self.lent != self.reserved {
            return Err(NoRoom::Never(0));
        }
        let (tail, _, behind) = reply::placed(self.places);
        let serial = self.half.results.take(self.astack, Part::Frame, size)?;
        self.places = reply::places(tail, serial, behind);
        Ok(())
    }

    /// Keeps the first `size` bytes of the reply half for [`head`](Self::head). Nothing happens if bytes were lent already.
    ///
    /// # Errors
    /// [`NoRoom`].
    #[inline]
    pub fn reserve(&mut self, size: usize) -> Result<(), NoRoom> {
        if self.lent != 0 {
            return Ok(());
        }
        self.provide(size)?;
        self.reserved = u32::try_from(size).map_err(|_| NoRoom::Never(0))?;
        self.lent = self.reserved;
        Ok(())
    }

    /// The bytes that were kept.
    #[inline]
    #[must_use]
    pub fn head(&mut self) -> &mut [u8] {
        let size = usize::try_from(self.reserved).unwrap_or(0);
        // SAFETY: these bytes are lent here only, while `self` is borrowed uniquely: `space` begins behind them.
        unsafe { self.lend(0, size) }.unwrap_or_default()
    }

    /// The next `size` bytes of the reply half, lent: our own memory, where the procedure writes its results directly.
    /// Whatever is stored there counts as seen by the client. `None` if fewer are left.
    #[inline]
    #[must_use]
    pub fn space(&mut self, size: usize) -> Option<&'a mut [u8]> {
        let at = self.lent();
        let end = at.checked_add(size)?;
        if end > self.reply_size() {
            return None;
        }
        self.lent = u32::try_from(end).ok()?;
        // SAFETY: `lent` only grows while the reply half stays where it is, so no byte is lent twice: `provide`, which
        // moves it, does so only before anything but the head was lent.
        unsafe { self.lend(at, size) }
    }

    /// Lends bytes of the reply half. `None` outside it.
    ///
    /// # Safety
    /// 1. No other borrow of these bytes from this call lives.
    #[inline(always)]
    unsafe fn lend(&self, at: usize, size: usize) -> Option<&'a mut [u8]> {
        let serial = self.frame_segment();
        if serial != 0 {
            // SAFETY: it was taken for this call; precondition 1.
            return unsafe { self.half.results.lend(serial, at, size) };
        }
        if at.checked_add(size)? > self.frame_size() {
            return None;
        }
        // SAFETY: the busy flag makes `Started` the only holder of the A-stack, and after it the `Deferral` that it became; the
        // unique borrow of either for 'a makes this the only `Serving`; precondition 1.
        unsafe { self.half.own.lend(self.class.frame(self.astack) + at, size) }
    }

    /// `size` bytes for the tail of the results, once: behind what was lent, or in a segment of their own. `None` if
    /// there is no memory for them.
    #[inline]
    #[must_use]
    pub fn tail(&mut self, size: usize) -> Option<&'a mut [u8]> {
        let bytes = u32::try_from(size).ok()?;
        let space = if size <= self.room() { self.space(size) } else { self.tail_out_of_band(size) };
        let (_, frame, behind) = reply::placed(self.places);
        self.places = reply::places(bytes, frame, behind);
        space
    }

    #[cold]
    #[inline(never)]
    fn tail_out_of_band(&mut self, size: usize) -> Option<&'a mut [u8]> {
        let (tail, frame, behind) = reply::placed(self.places);
        if behind != 0 {
            return None;
        }
        let serial = self.half.results.take(self.astack, Part::Tail, size).ok()?;
        self.places = reply::places(tail, frame, serial);
        // SAFETY: it was taken for this call, and is lent here only, once.
        unsafe { self.half.results.lend(serial, 0, size) }
    }

    /// The bytes behind what was lent, to write a tail whose size is not known yet; [`tail`](Self::tail) of its size then
    /// takes these very bytes.
    #[inline]
    #[must_use]
    pub fn rest(&mut self) -> &mut [u8] {
        let (at, room) = (self.lent(), self.room());
        // SAFETY: nothing behind `lent` is lent, and this borrow ends before anything of it can be, because it is of
        // `self`.
        unsafe { self.lend(at, room) }.unwrap_or_default()
    }

    /// Writes word `index` of the results that ride in the reply line; the answer makes it visible.
    #[inline(always)]
    pub fn result(&self, index: usize, word: u64) {
        if index < LINE_WORDS {
            self.reply().store(reply::RESULTS + index, word);
        }
    }

    /// Writes where areas and tail are, for results that have such: for others nobody reads it.
    #[inline(always)]
    pub fn places(&self) {
        self.reply().store(reply::TAIL, self.places);
    }
}

/// Bytes of a client's frame while its call is served, where the client put them. The client can write them all the
/// while: two copies of one byte may differ, and there is no reference to them.
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    bytes: PeerBytes<'a>,
    at: usize,
    size: usize,
}

impl<'a> Shared<'a> {
    /// All bytes of a grant.
    #[must_use]
    pub const fn of(bytes: PeerBytes<'a>, size: usize) -> Self {
        Self { bytes, at: 0, size }
    }
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
        self.bytes.copy_in(self.at + at, into)
    }

    /// The word at byte `at` of them, as it was when the last byte was copied, or later ([`PeerBytes::word_after`]). `None` outside,
    /// and where it does not begin at a multiple of 8 in memory.
    #[must_use]
    pub fn word_after(&self, at: usize) -> Option<u64> {
        if at.checked_add(8)? > self.size {
            return None;
        }
        self.bytes.word_after(self.at + at)
    }
}
