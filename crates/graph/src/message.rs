//! The message tool: bytes on their way through the graph, without copies of the payload.
//!
//! A message is a stack of headers followed by a rope of slices:
//!
//! ```text
//!   [ room | headers pushed here ] [ slice of block A ] [ slice of block B ] ...
//! ```
//!
//! Blocks are counted references to bytes that nobody changes any more. Pushing a header writes into the message's own
//! room; popping one reads it off the front, be that the room or the first slice. Splitting, joining and cloning move and
//! share slices. So fragmentation, retransmission and reassembly touch headers only, and [`copied`] says how many bytes
//! were copied, so that a test can hold the graph to it.
//!
//! What it does not do: change payload in place, or make it contiguous behind your back.
//!
//! Source: Hutchinson and Peterson, The x-kernel (1991), section 2.2; the report on interrupt protocol processing, section 2.

use core::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Bytes of headers that a message has room for; what is more goes into a slice of its own.
pub const HEADROOM: usize = 96;

/// Bytes copied on this kernel thread since it began. Differences count; the sum means nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Into and out of headers.
    pub headers: u64,
    /// By [`Message::from_slice`], [`Message::copy_to`] and [`Blocks::receive`]: where bytes enter and leave the graph.
    pub borders: u64,
}

thread_local! {
    static COPIED: Cell<Copied> = const { Cell::new(Copied { headers: 0, borders: 0 }) };
}

/// What was copied on this kernel thread. Nothing else copies bytes of a message but wires and traces, which read its slices at the
/// border, into a system call, memory shared with others, or a file. A graph that copied payload would have to do it by headers or
/// across a border.
#[must_use]
pub fn copied() -> Copied {
    COPIED.get()
}

fn log_headers(size: usize) {
    let mut copied = COPIED.get();
    copied.headers = copied.headers.wrapping_add(u64::try_from(size).unwrap_or(u64::MAX));
    COPIED.set(copied);
}

fn log_border(size: usize) {
    let mut copied = COPIED.get();
    copied.borders = copied.borders.wrapping_add(u64::try_from(size).unwrap_or(u64::MAX));
    COPIED.set(copied);
}

/// Part of a block. It proves that the bytes are there and stay what they are.
#[derive(Debug, Clone)]
struct Slice {
    block: Arc<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Slice {
    fn bytes(&self) -> &[u8] {
        self.block.get(self.start..self.end).unwrap_or(&[])
    }

    fn size(&self) -> usize {
        self.end - self.start
    }
}

/// What is known of a message beyond its bytes. It does not travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The wire vouches for the bytes: they never left this machine, and the sender left the transport checksum to hardware
    /// that was not needed.
    pub checksum_not_needed: bool,
    /// It was put together from fragments: a natural place for a handoff.
    pub reassembled: bool,
    /// It was sent to more hosts than this one.
    pub broadcast: bool,
    /// To which host it was sent, where hosts have addresses: this one, or an address of several.
    pub destination: Option<core::net::Ipv4Addr>,
    /// By which whoever sent it names it below ([`Control::Release`](crate::protocol::Control::Release)); 0: never.
    pub tag: u32,
    /// Of a call: when nobody waits for the answer any more.
    pub deadline: Option<crate::event::Time>,
    /// Of a request that has arrived: its number, by which it is told apart from those that came before it on its session
    /// ([`Control::Lose`](crate::protocol::Control::Lose)); 0: nobody waits for an answer.
    pub call: u32,
    /// Which life of the other side it came from, or is for, counted on its session by what knows lives; 0: nobody says.
    pub epoch: u32,
}

/// A message. Cloning shares the payload.
#[derive(Clone)]
pub struct Message {
    // A message is moved at every step: what is moved is a pointer.
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    room: [u8; HEADROOM],
    /// Headers are `room[start..]`.
    start: usize,
    // Most messages have one slice.
    first: Option<Slice>,
    rest: Option<VecDeque<Slice>>,
    size: usize,
    attributes: Attributes,
}

impl core::fmt::Debug for Message {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Message")
            .field("size", &self.inner.size)
            .field("headers", &(HEADROOM - self.inner.start))
            .field("slices", &self.parts().count())
            .field("attributes", &self.inner.attributes)
            .finish_non_exhaustive()
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        let size = bytes.len();
        Self::from_block(Arc::new(bytes), 0, size)
    }
}

impl Message {
    /// Without bytes.
    #[must_use]
    pub fn new() -> Self {
        let inner = Inner {
            room: [0; HEADROOM],
            start: HEADROOM,
            first: None,
            rest: None,
            size: 0,
            attributes: Attributes::default(),
        };
        Self { inner: Box::new(inner) }
    }

    /// A copy of `bytes`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Self {
        log_border(bytes.len());
        Self::from(bytes.to_vec())
    }

    /// The bytes `start..end` of a block, as far as it has them.
    #[must_use]
    pub fn from_block(block: Arc<Vec<u8>>, start: usize, end: usize) -> Self {
        let mut message = Self::new();
        let end = end.min(block.len());
        if start < end {
            message.inner.size = end - start;
            message.inner.first = Some(Slice { block, start, end });
        }
        message
    }

    /// Bytes, headers included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.inner.size
    }

    /// Bytes of memory that the message keeps alive, at least: a fragment of 8 bytes may hold on to a whole frame.
    #[must_use]
    pub fn footprint(&self) -> usize {
        self.parts().map(|part| part.block.capacity()).sum::<usize>().saturating_add(size_of::<Inner>())
    }

    /// What is known of it.
    #[must_use]
    pub fn attributes(&self) -> Attributes {
        self.inner.attributes
    }

    /// The same, to be changed.
    pub fn attributes_mut(&mut self) -> &mut Attributes {
        &mut self.inner.attributes
    }

    fn parts(&self) -> impl Iterator<Item = &Slice> {
        self.inner.first.iter().chain(self.inner.rest.iter().flatten())
    }

    /// Its bytes in order, in pieces none of which is empty.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let headers = self.inner.room.get(self.inner.start..).unwrap_or(&[]);
        core::iter::once(headers).filter(|bytes| !bytes.is_empty()).chain(self.parts().map(Slice::bytes))
    }

    fn push_front(&mut self, slice: Slice) {
        if let Some(first) = self.inner.first.replace(slice) {
            self.inner.rest.get_or_insert_default().push_front(first);
        }
    }

    fn push_back(&mut self, slice: Slice) {
        if self.inner.first.is_none() {
            self.inner.first = Some(slice);
        } else {
            self.inner.rest.get_or_insert_default().push_back(slice);
        }
    }

    fn pop_front(&mut self) -> Option<Slice> {
        let next = self.inner.rest.as_mut().and_then(VecDeque::pop_front);
        core::mem::replace(&mut self.inner.first, next)
    }

    /// Puts `header` in front.
    pub fn push(&mut self, header: &[u8]) {
        log_headers(header.len());
        self.inner.size += header.len();
        if self.inner.start < header.len() {
            self.spill();
        }
        match self.inner.start.checked_sub(header.len()) {
            Some(start) => {
                if let Some(room) = self.inner.room.get_mut(start..self.inner.start) {
                    room.copy_from_slice(header);
                }
                self.inner.start = start;
            }
            // Larger than all the room.
            None => self.push_front(Slice { block: Arc::new(header.to_vec()), start: 0, end: header.len() }),
        }
    }

    /// Puts `header` in front, as it lies in memory.
    pub fn push_header<H: IntoBytes + Immutable>(&mut self, header: &H) {
        self.push(header.as_bytes());
    }

    /// Moves the headers out of the room into a slice.
    fn spill(&mut self) {
        let headers = self.inner.room.get(self.inner.start..).unwrap_or(&[]);
        if headers.is_empty() {
            return;
        }
        log_headers(headers.len());
        let block = Arc::new(headers.to_vec());
        let end = block.len();
        self.inner.start = HEADROOM;
        self.push_front(Slice { block, start: 0, end });
    }

    /// Copies the first bytes to `into`, and leaves them. `None` if there are not as many; `into` is unchanged then.
    pub fn peek(&self, into: &mut [u8]) -> Option<()> {
        if into.len() > self.inner.size {
            return None;
        }
        log_headers(into.len());
        self.copy_front(into);
        Some(())
    }

    fn copy_front(&self, into: &mut [u8]) {
        let mut at = 0;
        for slice in self.slices() {
            let size = slice.len().min(into.len() - at);
            if let (Some(to), Some(from)) = (into.get_mut(at..at + size), slice.get(..size)) {
                to.copy_from_slice(from);
            }
            at += size;
            if at == into.len() {
                return;
            }
        }
    }

    /// The header in front, which stays. `None` if the message is too short for it.
    #[must_use]
    pub fn peek_header<H: FromBytes>(&self) -> Option<H> {
        // One piece holds it, unless a sender cut the message in odd places.
        if let Some((header, _)) = self.slices().next().and_then(|bytes| H::read_from_prefix(bytes).ok()) {
            log_headers(size_of::<H>());
            return Some(header);
        }
        let mut bytes = [0; HEADROOM];
        let bytes = bytes.get_mut(..size_of::<H>())?;
        self.peek(bytes)?;
        H::read_from_bytes(bytes).ok()
    }

    /// Takes the header off the front. `None` if the message is too short for it; it is unchanged then.
    pub fn pop_header<H: FromBytes>(&mut self) -> Option<H> {
        let header = self.peek_header()?;
        self.discard(size_of::<H>());
        Some(header)
    }

    /// Drops bytes at the front, all if there are not as many.
    pub fn discard(&mut self, size: usize) {
        let mut left = size.min(self.inner.size);
        self.inner.size -= left;
        let of_headers = left.min(HEADROOM - self.inner.start);
        self.inner.start += of_headers;
        left -= of_headers;
        while left > 0 {
            let Some(first) = &mut self.inner.first else { return };
            if left < first.size() {
                first.start += left;
                return;
            }
            left -= first.size();
            self.pop_front();
        }
    }

    /// Drops bytes at the end, so that `size` are left at most.
    pub fn truncate(&mut self, size: usize) {
        if size < self.inner.size {
            self.split(size);
        }
    }

    /// Cuts it after `at` bytes and returns what follows, which is nothing if it has no more.
    pub fn split(&mut self, at: usize) -> Self {
        let mut tail = Self::new();
        tail.inner.attributes = self.inner.attributes;
        if at >= self.inner.size {
            return tail;
        }
        tail.inner.size = self.inner.size - at;
        self.inner.size = at;
        let headers = HEADROOM - self.inner.start;
        let mut keep = at;
        if keep < headers {
            // The cut is inside the headers: some of them are the tail's.
            let bytes = self.inner.room.get(self.inner.start + keep..).unwrap_or(&[]);
            log_headers(bytes.len());
            tail.inner.room.get_mut(HEADROOM - bytes.len()..).unwrap_or(&mut []).copy_from_slice(bytes);
            tail.inner.start = HEADROOM - bytes.len();
            let kept = self.inner.start..self.inner.start + keep;
            self.inner.room.copy_within(kept, HEADROOM - keep);
            self.inner.start = HEADROOM - keep;
            tail.inner.first = self.inner.first.take();
            tail.inner.rest = self.inner.rest.take();
            return tail;
        }
        keep -= headers;
        let first = self.inner.first.take();
        for slice in first.into_iter().chain(self.inner.rest.take().into_iter().flatten()) {
            if keep >= slice.size() {
                keep -= slice.size();
                self.push_back(slice);
                continue;
            }
            if keep > 0 {
                self.push_back(Slice { block: Arc::clone(&slice.block), start: slice.start, end: slice.start + keep });
            }
            tail.push_back(Slice { start: slice.start + keep, ..slice });
            keep = 0;
        }
        tail
    }

    /// Appends `tail`. What one of the two lacks in trust the whole lacks.
    pub fn join(&mut self, mut tail: Self) {
        tail.spill();
        if self.inner.size == 0 {
            self.inner.attributes = tail.inner.attributes;
        }
        self.inner.attributes.checksum_not_needed &= tail.inner.attributes.checksum_not_needed;
        self.inner.attributes.broadcast |= tail.inner.attributes.broadcast;
        self.inner.size += tail.inner.size;
        for slice in tail.inner.first.into_iter().chain(tail.inner.rest.into_iter().flatten()) {
            self.push_back(slice);
        }
    }

    /// Copies as much as fits to `into`, and returns how many bytes that is.
    pub fn copy_to(&self, into: &mut [u8]) -> usize {
        let size = self.inner.size.min(into.len());
        log_border(size);
        self.copy_front(into.get_mut(..size).unwrap_or(&mut []));
        size
    }

    /// A copy of its bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.inner.size];
        self.copy_to(&mut bytes);
        bytes
    }
}

/// Blocks to receive into. One that no message refers to any more is used again, so that receiving allocates nothing in the
/// steady state.
#[derive(Debug)]
pub struct Blocks {
    blocks: Vec<Arc<Vec<u8>>>,
    next: usize,
    size: usize,
}

/// Blocks that are looked at for one that is free before another is made.
const LOOKS: usize = 4;

impl Blocks {
    /// Blocks of `size` bytes, of which `count` are kept.
    #[must_use]
    pub fn new(count: usize, size: usize) -> Self {
        Self { blocks: (0..count).map(|_| Arc::new(vec![0; size])).collect(), next: 0, size }
    }

    /// Lets `fill` write into a block and returns the first bytes of it as a message, as many as `fill` says; nothing if it
    /// says `None`.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn receive<E>(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<Option<usize>, E>,
    ) -> Result<Option<Message>, E> {
        for _ in 0..LOOKS.min(self.blocks.len()) {
            let at = self.next;
            self.next = (at + 1) % self.blocks.len();
            let Some(block) = self.blocks.get_mut(at) else { continue };
            if let Some(bytes) = Arc::get_mut(block) {
                let Some(size) = fill(bytes)? else {
                    self.next = at;
                    return Ok(None);
                };
                log_border(size);
                return Ok(Some(Message::from_block(Arc::clone(block), 0, size)));
            }
        }
        let mut block = vec![0; self.size];
        let Some(size) = fill(&mut block)? else { return Ok(None) };
        log_border(size);
        Ok(Some(Message::from_block(Arc::new(block), 0, size)))
    }
}

#[cfg(test)]
mod tests;
