//! Copying payload out of memory that its owner may be writing.
//!
//! Each byte is loaded exactly once, into private memory that is then the only thing anybody looks at: by volatile loads, and by
//! instructions of our own where there are many bytes. The compiler knows nothing of those but that they may have read and written
//! any memory; what they do is what volatile loads of single bytes would, in an order of their own. `memcpy` is ruled out twice: by
//! the language (a plain copy racing with a writer is undefined, and the compiler may read twice), and by speed (glibc's switches to
//! `rep movsb`, which is 25 times slower where source and destination have unlucky offsets within a page).
//!
//! From 1 KiB on stores are aligned: 4 KiB to an odd place take 60 ns with aligned loads, 31 with aligned stores, 28 with what is before
//! the first line in a load for each bit of its size; `memcpy` 33. (1,500 bytes: 19 with neither, 14; `memcpy` 12.) A load that crosses a
//! line costs a cycle, a store several; to an even place 4 KiB take 20, and `memcpy` 22. Fewer bytes are sooner there than the first line
//! has begun.
//!
//! The feature `copy-log` makes every read of peer memory leave a record, so that a test can prove "once".

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// Copies `into.len()` bytes, each source byte loaded once. All of `into` is written.
///
/// # Safety
/// 1. `into.len()` bytes from `from` are mapped readable during the call. They need not be stable.
#[inline]
pub(super) unsafe fn peer_to_private(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) {
    log_copy(into.len());
    #[cfg(target_arch = "x86_64")]
    if let Some(width) = vectors::for_size(into.len()) {
        // SAFETY: precondition 1; the processor has those vectors.
        return unsafe { vectors::copy(width, from, into) };
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

/// Many bytes at a time.
#[cfg(target_arch = "x86_64")]
mod vectors {
    use core::mem::MaybeUninit;
    use core::ptr::NonNull;

    use super::narrow;

    /// Below this size vectors cost more than they save.
    const VECTOR_SIZE_MIN: usize = 64;

    /// Below this size it is not worth while to align the stores.
    const ALIGNED_SIZE_MIN: usize = 1024;

    /// Bytes of the vectors in which what is left of four larger ones is copied.
    const VECTOR: usize = 32;

    /// Where stores are aligned to: none crosses a line.
    const LINE: usize = 64;

    /// Which vectors.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Width {
        /// Of 32 bytes.
        Avx2,
        /// Of 64 bytes.
        Avx512,
    }

    /// What `size` bytes are copied by, if by vectors.
    #[inline]
    pub(super) fn for_size(size: usize) -> Option<Width> {
        if size < VECTOR_SIZE_MIN || !std::is_x86_feature_detected!("avx2") {
            return None;
        }
        // The first processors with vectors of 64 bytes slow their clock down for them; those with VBMI2 do not.
        let is_wide = std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vbmi2");
        Some(if is_wide { Width::Avx512 } else { Width::Avx2 })
    }

    /// # Safety
    /// 1. `into.len()` bytes from `from` are mapped readable. 2. The processor has these vectors.
    #[inline]
    pub(super) unsafe fn copy(width: Width, from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) {
        let is_large = into.len() >= ALIGNED_SIZE_MIN;
        let odd = if is_large { into.as_ptr().align_offset(LINE).min(into.len()) } else { 0 };
        let (head, rest) = into.split_at_mut(odd);
        // SAFETY: precondition 1, and `head` is part of `into`, shorter than a line; whatever vectors there are, AVX2 is.
        let from = if odd > 0 { unsafe { few(from, head) } } else { from };
        let (body, tail) = rest.split_at_mut(rest.len() / VECTOR * VECTOR);
        let from = match width {
            // SAFETY: precondition 1, and `body` is part of `into`, a multiple of 32 bytes long; precondition 2.
            Width::Avx512 => unsafe { avx512(from, body) },
            // SAFETY: as above.
            Width::Avx2 => unsafe { avx2(from, body) },
        };
        let _ = if is_large {
            // SAFETY: precondition 1; `tail` is what is left of `into`, shorter than a vector; AVX2 is there.
            unsafe { few(from, tail) }
        } else {
            // SAFETY: precondition 1; `tail` is what is left of `into`.
            unsafe { narrow(from, tail) }
        };
    }

    /// What is before the first line and behind the last vector: one load for each bit of how many there are. `memcpy` has vectors overlap
    /// there, and reads bytes twice. Returns the address after the last byte read.
    ///
    /// # Safety
    /// 1. `into.len()` bytes from `from` are mapped readable. 2. `into.len()` is less than 64. 3. The CPU has the feature.
    #[target_feature(enable = "avx2")]
    unsafe fn few(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) -> NonNull<u8> {
        let size = into.len();
        // SAFETY: each step is of as many bytes as its bit says, and by precondition 2 the bits say how many there are in all: of these each
        // is loaded once, which precondition 1 allows, and stored where `into` is; nothing else is written but the registers that are
        // clobbered. The upper halves of the vector registers are left zero. The stack is not used.
        unsafe {
            core::arch::asm!(
                "test dl, 32",
                "jz 2f",
                "vmovdqu xmm0, [rsi]",
                "vmovdqu xmm1, [rsi + 16]",
                "vmovdqu [rdi], xmm0",
                "vmovdqu [rdi + 16], xmm1",
                "add rsi, 32",
                "add rdi, 32",
                "2:",
                "test dl, 16",
                "jz 3f",
                "vmovdqu xmm0, [rsi]",
                "vmovdqu [rdi], xmm0",
                "add rsi, 16",
                "add rdi, 16",
                "3:",
                "test dl, 8",
                "jz 4f",
                "mov rax, [rsi]",
                "mov [rdi], rax",
                "add rsi, 8",
                "add rdi, 8",
                "4:",
                "test dl, 4",
                "jz 5f",
                "mov eax, [rsi]",
                "mov [rdi], eax",
                "add rsi, 4",
                "add rdi, 4",
                "5:",
                "test dl, 2",
                "jz 6f",
                "movzx eax, word ptr [rsi]",
                "mov [rdi], ax",
                "add rsi, 2",
                "add rdi, 2",
                "6:",
                "test dl, 1",
                "jz 7f",
                "movzx eax, byte ptr [rsi]",
                "mov [rdi], al",
                "7:",
                inout("rsi") from.as_ptr() => _,
                inout("rdi") into.as_mut_ptr() => _,
                in("rdx") size,
                out("rax") _,
                out("xmm0") _,
                out("xmm1") _,
                options(nostack),
            );
        }
        // SAFETY: the end of the readable bytes, by precondition 1.
        unsafe { from.add(size) }
    }

    macro_rules! fours {
        ($name:ident, $feature:literal, $load:literal, [$a:literal, $b:literal, $c:literal, $d:literal], $size:literal) => {
            /// Four vectors at a time, then one of 32 bytes. Returns the address after the last byte read.
            ///
            /// # Safety
            /// 1. `into.len()` bytes from `from` are mapped readable. 2. `into.len()` is a multiple of 32. 3. The CPU has the feature.
            #[target_feature(enable = $feature)]
            unsafe fn $name(from: NonNull<u8>, into: &mut [MaybeUninit<u8>]) -> NonNull<u8> {
                let (fours, ones) = (into.len() / (4 * $size), into.len() % (4 * $size) / VECTOR);
                // SAFETY: `fours` times four vectors and `ones` times 32 bytes are what there is, by precondition 2: of it each byte is
                // loaded once, which precondition 1 allows, and stored where `into` is; nothing else is written but the registers that
                // are clobbered. The stack is not used.
                unsafe {
                    core::arch::asm!(
                        "test rcx, rcx",
                        "jz 3f",
                        "2:",
                        concat!($load, " ", $a, ", [rsi]"),
                        concat!($load, " ", $b, ", [rsi + {size}]"),
                        concat!($load, " ", $c, ", [rsi + 2 * {size}]"),
                        concat!($load, " ", $d, ", [rsi + 3 * {size}]"),
                        concat!($load, " [rdi], ", $a),
                        concat!($load, " [rdi + {size}], ", $b),
                        concat!($load, " [rdi + 2 * {size}], ", $c),
                        concat!($load, " [rdi + 3 * {size}], ", $d),
                        "add rsi, 4 * {size}",
                        "add rdi, 4 * {size}",
                        "dec rcx",
                        "jnz 2b",
                        "3:",
                        "test rdx, rdx",
                        "jz 5f",
                        "4:",
                        "vmovdqu ymm0, [rsi]",
                        "vmovdqu [rdi], ymm0",
                        "add rsi, 32",
                        "add rdi, 32",
                        "dec rdx",
                        "jnz 4b",
                        "5:",
                        "vzeroupper",
                        size = const $size,
                        inout("rsi") from.as_ptr() => _,
                        inout("rdi") into.as_mut_ptr() => _,
                        inout("rcx") fours => _,
                        inout("rdx") ones => _,
                        clobber_abi("sysv64"),
                        options(nostack),
                    );
                }
                // SAFETY: the end of the readable bytes, by precondition 1.
                unsafe { from.add(into.len()) }
            }
        };
    }

    fours!(avx512, "avx512f", "vmovdqu64", ["zmm0", "zmm1", "zmm2", "zmm3"], 64);
    fours!(avx2, "avx2", "vmovdqu", ["ymm0", "ymm1", "ymm2", "ymm3"], 32);

    #[cfg(test)]
    pub(super) fn all() -> Vec<Width> {
        let mut all = Vec::new();
        if std::is_x86_feature_detected!("avx2") {
            all.push(Width::Avx2);
        }
        if std::is_x86_feature_detected!("avx512f") {
            all.push(Width::Avx512);
        }
        all
    }
}

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
    if let Some(width) = vectors::for_size(size) {
        // SAFETY: what `from` has is copied there.
        let into = unsafe { space(into) };
        // SAFETY: `from` is as long as `into`; the processor has those vectors.
        return unsafe { vectors::copy(width, NonNull::from(from).cast(), into) };
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

#[cfg(test)]
mod tests {
    use super::*;

    type Way<'a> = &'a dyn Fn(NonNull<u8>, &mut [MaybeUninit<u8>]);

    /// All ways there are on this machine, from and to any place, and nothing beside it.
    #[test]
    fn every_way_copies_exactly() {
        let from: Vec<u8> = (0..5000_usize).map(|i| (i * 31 % 251) as u8).collect();
        let mut into = [0; 5000];
        let mut check = |name: &str, copy: Way<'_>| {
            for size in (0..200).chain([1000, 2047, 2048, 2175, 4099]) {
                for (offset, start) in [(0, 0), (1, 0), (0, 1), (17, 3), (48, 63), (63, 64)] {
                    into.fill(0xee);
                    // SAFETY: bytes are copied there.
                    let space = unsafe { space(&mut into[start..start + size]) };
                    copy(NonNull::from(&from[offset..]).cast(), space);
                    assert_eq!(into[start..start + size], from[offset..offset + size], "{name}: {size} from {offset}");
                    let mut around = into[..start].iter().chain(&into[start + size..]);
                    assert!(around.all(|byte| *byte == 0xee), "{name}: {size} from {offset} to {start}");
                }
            }
        };
        check("words", &|from, into| {
            // SAFETY: `check` has as many bytes there.
            let _ = unsafe { narrow(from, into) };
        });
        #[cfg(target_arch = "x86_64")]
        for width in vectors::all() {
            check(&format!("{width:?}"), &|from, into| {
                // SAFETY: as above; the processor has these.
                unsafe { vectors::copy(width, from, into) };
            });
        }
    }
}
