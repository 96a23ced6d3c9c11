//! Regions: the only code that touches memory another process can see.
//!
//! * [`OwnRegion`] is written by this process and by nobody else (the seals see to it). Its words are stored, never
//!   loaded back; its frames are lent as `&mut [u8]` while their A-stack is held, which a single writer makes honest.
//! * [`PeerRegion`] is mapped read-only and changes under us at any time. Words are loaded once; payload is copied into
//!   private memory by [`copy`] and looked at only there. No reference to its bytes exists, only to its atomic words.
//!
//! Ordering: a store with Release in an own region is paired with [`PeerLine::load_acquire`] (a relaxed load, then an
//! acquire fence: on read-only pages Rust guarantees nothing stronger than a relaxed load) by the other process.

pub mod copy;
pub(crate) mod fixed;
pub mod frames;
pub mod grant;
pub mod packets;
pub mod segment;

use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::os::fd::BorrowedFd;

use nearcall_layout::Number;
use nearcall_layout::pair::{self, FRAMES, LINE_SIZE};
use rustix::io::Errno;

use crate::sys::ahead;
use crate::sys::memory::{self, Mapping, NotARegion};

const WORDS: usize = LINE_SIZE / 8;

/// A region that only this process writes. Dropped, a server's is freed, whoever has it mapped.
#[derive(Debug)]
pub struct OwnRegion {
    map: Mapping,
}

impl Drop for OwnRegion {
    fn drop(&mut self) {
        self.map.free_pages();
    }
}

/// A region that only the peer writes, and may write at any time.
#[derive(Debug)]
pub struct PeerRegion {
    map: Mapping,
}

impl OwnRegion {
    /// Maps `fd`, made by [`memory::create`], for writing and allocates all of it at this process's expense.
    ///
    /// # Errors
    /// What the kernel says: `NOSPC` or `NOMEM` when memory is short, `PERM` when it is sealed already. `INVAL` if the
    /// fixed part does not fit: every region has it, so that no look at it needs a check.
    pub fn map(fd: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        if size < FRAMES {
            return Err(Errno::INVAL);
        }
        memory::allocate(fd, size)?;
        let region = Self { map: Mapping::shared(fd, size, true)? };
        if let Some(line) = region.line(0) {
            line.store(1, u64::from(pair::VERSION));
            line.store(0, pair::MAGIC);
        }
        Ok(region)
    }

    /// The line at byte `offset`, a multiple of 64; `None` outside the region.
    #[inline(always)]
    #[must_use]
    pub fn line(&self, offset: usize) -> Option<OwnLine<'_>> {
        line(&self.map, offset).map(OwnLine)
    }

    /// The word at byte `offset`, a multiple of 8; `None` outside the region.
    #[inline(always)]
    #[must_use]
    pub fn word(&self, offset: usize) -> Option<OwnWord<'_>> {
        word(&self.map, offset).map(OwnWord)
    }

    /// Lends `size` bytes from `offset`; `None` if they are not all inside the region.
    ///
    /// # Safety
    /// 1. Nobody else in this process holds a borrow of any of the bytes, or accesses them as words, while the result
    ///    lives: the caller holds the A-stack they belong to.
    #[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
    pub(crate) unsafe fn lend(&self, offset: usize, size: usize) -> Option<&mut [u8]> {
        // SAFETY: precondition 1, and the mapping is of memory that this process alone writes.
        unsafe { lend(&self.map, offset, size) }
    }
}

/// Lends `size` bytes from `offset`; `None` if they are not all inside the mapping.
///
/// # Safety
/// 1. Nobody else in this process holds a borrow of any of the bytes, or accesses them as words, while the result lives.
/// 2. The mapping is writable, and of memory that no other process writes.
#[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
unsafe fn lend(map: &Mapping, offset: usize, size: usize) -> Option<&mut [u8]> {
    if offset.checked_add(size)? > map.size() {
        return None;
    }
    // SAFETY: `offset` is inside the mapping.
    let start = unsafe { map.start().add(offset) };
    // SAFETY: the bytes are mapped for as long as `map` is borrowed, they are initialised (the kernel zeroed them), and
    // precondition 1 makes the borrow unique in this process. No other process can write them, but for one case that
    // Rust cannot see: the server of a pair makes its client's memory and may have kept a mapping. Such a server can
    // only change what it is about to receive: what a client reads back of its frame (`Frame::copy`, when the call moves
    // out of band) are plain bytes, copied once into private memory and from there to the same server, and looked at by
    // nobody on the way.
    Some(unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), size) })
}

impl PeerRegion {
    /// Checks that `fd` is a client's region of `size` bytes as [`memory::check`] has it, and maps it read-only.
    ///
    /// # Errors
    /// [`NotARegion`]. A region is at least as large as its fixed part, so that no look at that needs a check.
    pub fn map(fd: BorrowedFd<'_>, size: usize) -> Result<Self, NotARegion> {
        memory::check(fd, size)?;
        Self::map_checked(fd, size)
    }

    /// The same of a server's region, as [`memory::check_shown`] has it.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map_shown(fd: BorrowedFd<'_>, size: usize) -> Result<Self, NotARegion> {
        memory::check_shown(fd, size)?;
        Self::map_checked(fd, size)
    }

    fn map_checked(fd: BorrowedFd<'_>, size: usize) -> Result<Self, NotARegion> {
        if size < FRAMES {
            return Err(NotARegion::WrongSize(u64::try_from(size).unwrap_or(u64::MAX)));
        }
        Ok(Self { map: Mapping::shared(fd, size, false)? })
    }

    /// The line at byte `offset`, a multiple of 64; `None` outside the region.
    #[inline(always)]
    #[must_use]
    pub fn line(&self, offset: usize) -> Option<PeerLine<'_>> {
        line(&self.map, offset).map(PeerLine)
    }

    /// The word at byte `offset`, a multiple of 8; `None` outside the region.
    #[inline(always)]
    #[must_use]
    pub fn word(&self, offset: usize) -> Option<PeerWord<'_>> {
        word(&self.map, offset).map(PeerWord)
    }

    /// Its bytes.
    #[inline(always)]
    #[must_use]
    pub fn bytes(&self) -> PeerBytes<'_> {
        PeerBytes::of(&self.map)
    }

    /// [`PeerBytes::copy_in`].
    #[inline]
    #[must_use]
    pub fn copy_in(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        self.bytes().copy_in(offset, into)
    }

    /// [`PeerBytes::numbers`].
    #[inline]
    #[must_use]
    pub fn numbers<N: Number>(&self, offset: usize, count: usize) -> Option<Vec<N>> {
        self.bytes().numbers(offset, count)
    }
}

/// Memory that the peer writes, while it is mapped here. There is no reference to its bytes: they change at any time.
#[derive(Debug, Clone, Copy)]
pub struct PeerBytes<'a> {
    start: NonNull<u8>,
    size: usize,
    mapped: PhantomData<&'a Mapping>,
}

impl<'a> PeerBytes<'a> {
    #[inline(always)]
    fn of(map: &'a Mapping) -> Self {
        Self { start: map.start(), size: map.size(), mapped: PhantomData }
    }

    /// The same for longer.
    ///
    /// # Safety
    /// 1. The mapping is not dropped while the result, or a copy of it, is used.
    pub(crate) unsafe fn extend<'b>(self) -> PeerBytes<'b> {
        let Self { start, size, .. } = self;
        PeerBytes { start, size, mapped: PhantomData }
    }
}

impl PeerBytes<'_> {
    /// Copies bytes from `offset` into private memory, each read exactly once. `None` if they are not all inside the
    /// mapping; `into` is unchanged then.
    #[inline]
    #[must_use]
    pub fn copy_in(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        // SAFETY: what is mapped is copied there, or nothing.
        self.copy_to(offset, unsafe { copy::space(into) })
    }

    /// Copies `count` numbers from `offset` into memory of their own, each byte read exactly once. `None` if they are not all inside
    /// the mapping.
    #[inline]
    #[must_use]
    pub fn numbers<N: Number>(&self, offset: usize, count: usize) -> Option<Vec<N>> {
        let size = count.checked_mul(size_of::<N>())?;
        // More memory than the peer has mapped here is not asked for.
        if size > self.size {
            return None;
        }
        let mut numbers = Vec::with_capacity(count);
        let space = numbers.spare_capacity_mut().as_mut_ptr();
        // SAFETY: the vector has room for `count` items, so for their bytes, to which nothing else refers meanwhile; none of them has to
        // be initialised.
        let space = unsafe { core::slice::from_raw_parts_mut(space.cast(), size) };
        self.copy_to(offset, space)?;
        // SAFETY: there is room for as many; all their bytes were written, and every pattern of them is a `Number`: integers and floats
        // are, and nothing else can be.
        unsafe { numbers.set_len(count) };
        Some(numbers)
    }

    #[inline]
    fn copy_to(&self, offset: usize, into: &mut [MaybeUninit<u8>]) -> Option<()> {
        if offset.checked_add(into.len())? > self.size {
            return None;
        }
        // SAFETY: `offset` is inside the mapping.
        let from = unsafe { self.start.add(offset) };
        // SAFETY: `into.len()` bytes from `from` are mapped readable while the mapping is borrowed (or kept, `extend`), and they cannot
        // vanish (all seals were checked before mapping).
        unsafe { copy::peer_to_private(from, into) };
        Some(())
    }

    /// The word at byte `offset`, a multiple of 8, as it was when the last byte was copied, or later. `None` outside the mapping.
    #[inline]
    #[must_use]
    pub fn word_after(&self, offset: usize) -> Option<u64> {
        // Acquire: pairs with the fence of `OwnWindow::write_word` (docs/orderings.md, "What is copied where it is"). The copy's
        // volatile loads are no atomic ones to the language; to the compiler and to the machines there are, a fence orders both.
        fence(Ordering::Acquire);
        // SAFETY: the mapping lasts as long as `self`'s borrow of it, or is kept (`extend`).
        let word = unsafe { word_at(self.start, self.size, offset) }?;
        Some(PeerWord(word).load())
    }
}

#[inline(always)]
fn line(map: &Mapping, offset: usize) -> Option<&[AtomicU64; WORDS]> {
    if !offset.is_multiple_of(LINE_SIZE) || offset.checked_add(LINE_SIZE)? > map.size() {
        return None;
    }
    // SAFETY: `offset` is inside the mapping.
    let start = unsafe { map.start().add(offset) };
    // SAFETY: aligned (mappings start on a page, `offset` is a multiple of 64), mapped while `map` is borrowed, and only
    // ever accessed as these words; that another process changes them is what atomics are for. On a read-only mapping
    // the caller's type has no operation but a relaxed load, which std allows there.
    Some(unsafe { start.cast::<[AtomicU64; WORDS]>().as_ref() })
}

#[inline(always)]
fn word(map: &Mapping, offset: usize) -> Option<&AtomicU64> {
    // SAFETY: mapped while `map` is borrowed.
    unsafe { word_at(map.start(), map.size(), offset) }
}

/// # Safety
/// 1. `start` and `size` are those of a mapping that is there for 'a.
#[inline(always)]
unsafe fn word_at<'a>(start: NonNull<u8>, size: usize, offset: usize) -> Option<&'a AtomicU64> {
    if !offset.is_multiple_of(8) || offset.checked_add(8)? > size {
        return None;
    }
    // SAFETY: `offset` is inside the mapping.
    let start = unsafe { start.add(offset) };
    // SAFETY: as for lines, with precondition 1.
    Some(unsafe { start.cast::<AtomicU64>().as_ref() })
}

/// A line that this process writes.
#[derive(Debug, Clone, Copy)]
pub struct OwnLine<'a>(&'a [AtomicU64; WORDS]);

impl<'a> OwnLine<'a> {
    /// Stores a word that a later [`publish`](Self::publish) on the same line makes visible. Relaxed suffices for that.
    #[inline(always)]
    pub fn store(&self, index: usize, value: u64) {
        if let Some(word) = self.0.get(index) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// It is written soon: has it fetched meanwhile, away from the peer.
    #[inline(always)]
    pub fn expect(&self) {
        ahead::fetch_to_write(&self.0[0]);
    }

    /// Stores the first word with Release: pairs with the other side's [`PeerLine::load_acquire`], so that whoever sees
    /// the value sees everything stored before.
    #[inline(always)]
    pub fn publish(&self, first: u64) {
        self.0[0].store(first, Ordering::Release);
    }

    /// The low half of the first word as the kernel's futex calls see it; only its address is used.
    pub fn futex(&self) -> &'a AtomicU32 {
        low(&self.0[0])
    }
}

/// A word that this process writes.
#[derive(Debug, Clone, Copy)]
pub struct OwnWord<'a>(&'a AtomicU64);

impl<'a> OwnWord<'a> {
    /// Stores with Release: pairs with [`PeerWord::load`] followed by an acquire fence.
    #[inline(always)]
    pub fn store(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    /// The low half as the kernel's futex calls see it; only its address is used.
    #[must_use]
    pub fn futex(&self) -> &'a AtomicU32 {
        low(self.0)
    }
}

/// A line that the peer writes.
#[derive(Debug, Clone, Copy)]
pub struct PeerLine<'a>(&'a [AtomicU64; WORDS]);

impl<'a> PeerLine<'a> {
    /// Its first word, for who looks at it again and again; to be read whole, and never written.
    #[inline(always)]
    #[must_use]
    pub(crate) fn word(&self) -> &'a AtomicU64 {
        &self.0[0]
    }

    /// Loads the first word; relaxed, for polling.
    #[inline(always)]
    #[must_use]
    pub fn poll(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// An acquire fence after a [`poll`](Self::poll) that saw what it waited for: pairs with [`OwnLine::publish`].
    #[inline(always)]
    pub fn acquire(&self) {
        fence(Ordering::Acquire);
    }

    /// Loads word `index` after [`acquire`](Self::acquire). The peer may still write it: read it once.
    #[inline(always)]
    #[must_use]
    pub fn load(&self, index: usize) -> u64 {
        copy::log_word(index);
        self.0.get(index).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// [`poll`](Self::poll), then [`acquire`](Self::acquire).
    #[inline(always)]
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        let first = self.poll();
        self.acquire();
        first
    }

    /// The low half of the first word as the kernel's futex calls see it; only its address is used.
    #[must_use]
    pub fn futex(&self) -> &'a AtomicU32 {
        low(&self.0[0])
    }
}

/// A word that the peer writes.
#[derive(Debug, Clone, Copy)]
pub struct PeerWord<'a>(&'a AtomicU64);

impl<'a> PeerWord<'a> {
    /// The word itself, for who looks at it again and again; to be read whole, and never written.
    #[must_use]
    pub(crate) fn word(&self) -> &'a AtomicU64 {
        self.0
    }

    /// Loads it; relaxed.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The low half as the kernel's futex calls see it; only its address is used.
    #[must_use]
    pub fn futex(&self) -> &'a AtomicU32 {
        low(self.0)
    }
}

/// The low half of a word, for the address that futex calls take. Nothing in this process loads or stores through it:
/// words are accessed whole, because accesses of two sizes to one word do not mix.
fn low(word: &AtomicU64) -> &AtomicU32 {
    #[cfg(target_endian = "big")]
    compile_error!("the sequence number must be the half at the lower address");
    // SAFETY: in bounds, aligned, alive as long as `word`.
    unsafe { &*core::ptr::from_ref(word).cast::<AtomicU32>() }
}

#[cfg(test)]
mod tests;
