//! Copying payload out of memory that its owner may be writing.
//!
//! Each byte is read exactly once by a volatile load of the widest type the machine has, into private memory that is
//! then the only thing anybody looks at. `memcpy` is ruled out twice: by the language (a plain copy racing with a writer
//! is undefined, and the compiler may read twice), and by speed (glibc's switches to `rep movsb` at 4 KiB, which is 25
//! times slower when source and destination have unlucky offsets within a page; a loop of 32-byte loads has no such
//! case: 57 ns for 4 KiB there).
//!
//! The feature `copy-log` makes every read of peer memory leave a record, so that a test can prove "once".

use core::mem::MaybeUninit;
use core::ptr::NonNull;

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::{__m128i, __m256i};

/// Below this size the vector loop's set-up costs more than it saves.
const VECTOR_SIZE_MIN: usize = 64;

/// Copies `into.len()` bytes, each source byte loaded once. All of `into` is written.
///
/// # Safety
/// 1. `into.len()` bytes from `from` are mapped readable during the call. They need not be stable.
#[inline]
pub(super) unsafe fn peer_to_private(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) {
    log_copy(into.len());
    #[cfg(target_arch = "x86_64")]
    if into.len() >= VECTOR_SIZE_MIN {
        let odd = from.align_offset(32).min(into.len());
        let (head, rest) = into.split_at_mut(odd);
        // SAFETY: precondition 1, and `head` is part of `into`.
        let from = unsafe { narrow(from, head) };
        let (body, tail) = rest.split_at_mut(rest.len() / 32 * 32);
        let from = if std::is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 is there; `from` is 32-byte aligned now, and `body` is a multiple of 32 bytes long.
            unsafe { wide_avx2(from, body) }
        } else {
            // SAFETY: SSE2 is part of x86-64; alignment and size are as above.
            unsafe { wide_sse2(from, body) }
        };
        // SAFETY: precondition 1; `tail` is what is left of `into`.
        let _ = unsafe { narrow(from, tail) };
        return;
    }
    // SAFETY: precondition 1.
    let _ = unsafe { narrow(from, into) };
}

/// `bytes` as what is copied to.
///
/// # Safety
/// 1. Nothing but initialised bytes is written there.
#[inline(always)]
pub(super) const unsafe fn space(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    let size = bytes.len();
    // SAFETY: the same bytes, borrowed as long; precondition 1 keeps them what they are for whoever reads them afterwards.
    unsafe { core::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), size) }
}

/// Words where aligned, bytes elsewhere. Returns the address after the last byte read.
///
/// # Safety
/// 1. `into.len()` bytes from `from` are mapped readable.
#[inline]
unsafe fn narrow(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) -> NonNull<u8> {
    let odd = from.align_offset(8).min(into.len());
    let (head, rest) = into.split_at_mut(odd);
    // SAFETY: precondition 1, and `head` is part of `into`.
    let mut from = unsafe { bytes(from, head) };
    let mut words = rest.chunks_exact_mut(8);
    for word in &mut words {
        // SAFETY: 8-byte aligned since `head`; 8 of the readable bytes are left.
        let value = unsafe { from.cast::<u64>().read_volatile() };
        word.write_copy_of_slice(&value.to_ne_bytes());
        // SAFETY: within the readable bytes, or one past them.
        from = unsafe { from.add(8) };
    }
    // SAFETY: precondition 1; the remainder is what is left of `into`.
    unsafe { bytes(from, words.into_remainder()) }
}

/// # Safety
/// 1. `into.len()` bytes from `from` are mapped readable.
#[inline]
unsafe fn bytes(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) -> NonNull<u8> {
    let mut from = from;
    for byte in into {
        // SAFETY: one of the readable bytes.
        byte.write(unsafe { from.read_volatile() });
        // SAFETY: within the readable bytes, or one past them.
        from = unsafe { from.add(1) };
    }
    from
}

macro_rules! wide {
    ($name:ident, $feature:literal, $vector:ty) => {
        /// # Safety
        /// 1. `into.len()` bytes from `from` are mapped readable. 2. `from` is 32-byte aligned, `into.len()` a multiple
        ///    of 32. 3. The CPU has the feature.
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        unsafe fn $name(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) -> NonNull<u8> {
            let mut from = from;
            for part in into.chunks_exact_mut(size_of::<$vector>()) {
                // SAFETY: preconditions 1 and 2: aligned for the vector, which lies within the readable bytes.
                let value = unsafe { from.cast::<$vector>().read_volatile() };
                // SAFETY: `part` has exactly the vector's size; unaligned writes are allowed here.
                unsafe { part.as_mut_ptr().cast::<$vector>().write_unaligned(value) };
                // SAFETY: within the readable bytes, or one past them.
                from = unsafe { from.add(size_of::<$vector>()) };
            }
            from
        }
    };
}

wide!(wide_avx2, "avx2", __m256i);
wide!(wide_sse2, "sse2", __m128i);

/// Copies `from` into bytes of our own region, both private as far as the compiler is concerned: only the loop that
/// does not fall over unlucky page offsets is wanted here.
///
/// # Panics
/// Never: a shorter `into` takes as much as it holds.
#[inline]
pub fn private_to_own(from: &[u8], into: &mut [u8]) {
    let size = from.len().min(into.len());
    let (Some(from), Some(into)) = (from.get(..size), into.get_mut(..size)) else { return };
    log_own(size);
    #[cfg(target_arch = "x86_64")]
    if size >= VECTOR_SIZE_MIN {
        let start = NonNull::from(from).cast::<u8>();
        let odd = start.align_offset(32).min(size);
        let (head, rest) = into.split_at_mut(odd);
        head.copy_from_slice(from.get(..odd).unwrap_or_default());
        let (body, tail) = rest.split_at_mut(rest.len() / 32 * 32);
        // SAFETY: what `from` has is copied there.
        let body = unsafe { space(body) };
        // SAFETY: `odd` is at most the length of `from`.
        let middle = unsafe { start.add(odd) };
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: `body.len()` bytes of `from` follow `middle`, which is 32-byte aligned; AVX2 is there.
            let _ = unsafe { wide_avx2(middle, body) };
        } else {
            // SAFETY: as above; SSE2 is part of x86-64.
            let _ = unsafe { wide_sse2(middle, body) };
        }
        tail.copy_from_slice(from.get(size - tail.len()..).unwrap_or_default());
        return;
    }
    into.copy_from_slice(from);
}

#[cfg(feature = "copy-log")]
mod log {
    use std::cell::RefCell;

    /// One copy, in the letters of LRPC's Table III as far as this layer knows them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Copied {
        /// Private memory to our own region: A on a call, the server's write of a result that it did not build in place
        /// on a return. Bytes.
        ToOwn(usize),
        /// A peer's region to private memory: E on a call, F on a return. Bytes.
        FromPeer(usize),
        /// A word of a peer's line, by its index.
        Word(usize),
    }

    thread_local! {
        static LOG: RefCell<Vec<Copied>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn push(copied: Copied) {
        LOG.with_borrow_mut(|log| log.push(copied));
    }

    /// What this kernel thread has copied since the last call.
    #[must_use]
    pub fn take() -> Vec<Copied> {
        LOG.take()
    }
}

#[cfg(feature = "copy-log")]
pub use log::{Copied, take as take_log};

#[inline(always)]
fn log_copy(size: usize) {
    #[cfg(feature = "copy-log")]
    log::push(Copied::FromPeer(size));
    let _ = size;
}

#[inline(always)]
fn log_own(size: usize) {
    #[cfg(feature = "copy-log")]
    log::push(Copied::ToOwn(size));
    let _ = size;
}

#[inline(always)]
pub(super) fn log_word(index: usize) {
    #[cfg(feature = "copy-log")]
    log::push(Copied::Word(index));
    let _ = index;
}
