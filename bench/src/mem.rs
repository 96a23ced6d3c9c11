//! The memory two processes share, and the clock that times one call: all the `unsafe` of the floors.
//!
//! Words that say "your turn" are reached as references to atomics; payload is reached by volatile loads and stores and
//! never by reference, because the other process may write it at any time. Every access is checked against the length of
//! the mapping; with constant offsets the check disappears.

use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use anyhow::{Context, Result};
use rustix::mm::{MapFlags, ProtFlags};

/// Bytes of the shared region: a page of lines, a page for the ring's requests, one for its replies, payload behind.
pub(crate) const REGION_BYTES: usize = 128 * 1024;

/// A shared mapping of [`REGION_BYTES`], page-aligned, until drop. Holding it says nothing about who else writes.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
}

impl Region {
    /// Maps the first [`REGION_BYTES`] of `memory`, shared, for reading and writing.
    ///
    /// # Errors
    /// When the kernel refuses the mapping, or `memory` is shorter than the region.
    pub(crate) fn map(memory: impl AsFd) -> Result<Self> {
        let length = rustix::fs::fstat(&memory).context("size of the shared memory")?.st_size;
        anyhow::ensure!(length >= REGION_BYTES as i64, "the shared memory has {length} bytes");
        let at = std::ptr::null_mut();
        // SAFETY: a new mapping at an address the kernel chooses replaces no memory that anything else uses.
        let base = unsafe {
            rustix::mm::mmap(at, REGION_BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, memory, 0)
        };
        let base = NonNull::new(base.context("mapping the shared memory")?.cast());
        Ok(Self { base: base.context("the kernel mapped address 0")? })
    }

    /// The word of 8 bytes at byte offset `at`.
    ///
    /// # Panics
    /// If `at` is no multiple of 8, or the word does not lie in the region.
    #[inline(always)]
    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        let place = self.place(at, 8, 8);
        // SAFETY: `place` is aligned to 8, lies in the mapping, which outlives the borrow of `self`, and every process
        // writes the word atomically: no payload offset overlaps it.
        unsafe { AtomicU64::from_ptr(place.cast()) }
    }

    /// The word of 4 bytes at byte offset `at`, as futexes want it.
    ///
    /// # Panics
    /// If `at` is no multiple of 4, or the word does not lie in the region.
    #[inline(always)]
    pub(crate) fn half_word(&self, at: usize) -> &AtomicU32 {
        let place = self.place(at, 4, 4);
        // SAFETY: as in `word`, with 4 for 8.
        unsafe { AtomicU32::from_ptr(place.cast()) }
    }

    /// Stores `payload` at byte offset `at`. The word that publishes it must be stored afterwards, with Release.
    ///
    /// # Panics
    /// As [`Self::word`].
    #[inline(always)]
    pub(crate) fn store<const N: usize>(&self, at: usize, payload: &[u64; N]) {
        let place = self.place(at, 8 * N, 8).cast::<u64>();
        for (index, word) in payload.iter().enumerate() {
            let target = place.wrapping_add(index);
            // SAFETY: `place` checked that N aligned words from `at` lie in the mapping, and index < N.
            unsafe { target.write_volatile(*word) }
        }
    }

    /// Loads the payload at byte offset `at`. The word that published it must have been loaded before, with Acquire.
    ///
    /// # Panics
    /// As [`Self::word`].
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, at: usize) -> [u64; N] {
        let place = self.place(at, 8 * N, 8).cast::<u64>();
        std::array::from_fn(|index| {
            let source = place.wrapping_add(index);
            // SAFETY: `place` checked that N aligned words from `at` lie in the mapping, and index < N.
            unsafe { source.read_volatile() }
        })
    }

    /// Copies `from` into the region at byte offset `at`, with the widest vectors of this processor.
    ///
    /// # Panics
    /// If the bytes do not lie in the region or `at` is no multiple of 64.
    #[inline(always)]
    pub(crate) fn copy_in(&self, at: usize, from: &Block) {
        let place = self.place(at, BLOCK_BYTES, 64);
        // SAFETY: `place` has room for the block and is aligned to 64; `from` is a block, so aligned and as long, and
        // private, so the two do not overlap.
        unsafe { vector::copy(place, from.0.as_ptr().cast()) }
    }

    /// Copies a block out of the region at byte offset `at`, likewise.
    ///
    /// # Panics
    /// As [`Self::copy_in`].
    #[inline(always)]
    pub(crate) fn copy_out(&self, at: usize, into: &mut Block) {
        let place = self.place(at, BLOCK_BYTES, 64);
        // SAFETY: as in `copy_in`, with the directions exchanged; `into` is borrowed for writing.
        unsafe { vector::copy(into.0.as_mut_ptr().cast(), place) }
    }

    #[inline(always)]
    fn place(&self, at: usize, length: usize, align: usize) -> *mut u8 {
        assert!(at.is_multiple_of(align) && at <= REGION_BYTES - length, "{length} bytes at {at}");
        self.base.as_ptr().wrapping_add(at)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length, and every borrow of it ended with `self`. An error
        // would mean that it is not mapped; there is nothing left to do then.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), REGION_BYTES) };
    }
}

/// Bytes of a [`Block`].
pub(crate) const BLOCK_BYTES: usize = 4096;

/// Private memory for the copies. It starts at a page, as the shared payload does: a copy whose target lies a little
/// *behind* its source modulo 4096 makes the processor suspect that its loads depend on its own stores.
#[repr(C, align(4096))]
#[derive(Debug, Clone)]
pub(crate) struct Block(pub(crate) [u64; BLOCK_BYTES / 8]);

/// Ticks of the clock that times single calls; see [`crate::clock`] for what they are worth.
#[inline(always)]
pub(crate) fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86_64. The fence makes the reading wait for the loads before it; rdtsc alone does not.
    unsafe {
        core::arch::x86_64::_mm_lfence();
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86_64 processor has rdtsc, and the kernel lets user code use it unless a process asks otherwise
    // for itself, which this program does not.
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    return {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    };
}

/// The vector copy. Volatile, so that it is these loads and stores that run: `memcpy` chooses `rep movsb` for 4096
/// bytes on some processors, which is up to 25 times slower at unlucky offsets.
mod vector {
    use super::BLOCK_BYTES;

    /// Copies [`BLOCK_BYTES`] bytes.
    ///
    /// # Safety
    /// Both ends are valid for [`BLOCK_BYTES`] bytes, aligned to 64, and do not overlap.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) unsafe fn copy(to: *mut u8, from: *const u8) {
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2; the rest is the caller's promise.
            unsafe { copy_avx2(to, from) }
        } else {
            // SAFETY: SSE2 is part of x86_64; the rest is the caller's promise.
            unsafe { copy_by::<core::arch::x86_64::__m128i>(to, from) }
        }
    }

    /// As on x86_64, by words of 8 bytes.
    ///
    /// # Safety
    /// As on x86_64.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) unsafe fn copy(to: *mut u8, from: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { copy_by::<u64>(to, from) }
    }

    /// # Safety
    /// As on x86_64; the processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn copy_avx2(to: *mut u8, from: *const u8) {
        // SAFETY: the caller's promise.
        unsafe { copy_by::<core::arch::x86_64::__m256i>(to, from) }
    }

    /// Four vectors a turn, all loads before the stores: the loads of lines the other processor owns overlap.
    ///
    /// # Safety
    /// As on x86_64.
    #[inline(always)]
    unsafe fn copy_by<V: Copy>(to: *mut u8, from: *const u8) {
        let (to, from) = (to.cast::<V>(), from.cast::<V>());
        for turn in (0..BLOCK_BYTES / size_of::<V>()).step_by(4) {
            let four: [V; 4] = std::array::from_fn(|step| {
                let source = from.wrapping_add(turn + step);
                // SAFETY: the index is below BLOCK_BYTES / size_of::<V>(), and V needs no more than 64 for alignment.
                unsafe { source.read_volatile() }
            });
            for (step, vector) in four.into_iter().enumerate() {
                let target = to.wrapping_add(turn + step);
                // SAFETY: as above.
                unsafe { target.write_volatile(vector) }
            }
        }
    }
}
