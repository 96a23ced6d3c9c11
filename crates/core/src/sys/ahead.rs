//! Lines that are fetched ahead: hints to the processor, which wait for nothing, read nothing that the program sees, and do
//! nothing where there is no such instruction.

use core::sync::atomic::AtomicU64;

/// The line of this word is read soon.
#[inline(always)]
pub(crate) fn fetch(word: &AtomicU64) {
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    // SAFETY: the instruction is part of SSE, which every x86-64 has; it does not fault, and changes nothing.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(core::ptr::from_ref(word).cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(loom))))]
    let _ = word;
}

/// The line of this word is written soon: it is taken away from whoever else has it.
#[inline(always)]
pub(crate) fn fetch_to_write(word: &AtomicU64) {
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    // SAFETY: it does not fault, and changes nothing but which cache has the line; processors of this architecture that do not
    // know it treat it as no instruction.
    unsafe {
        core::arch::asm!(
            "prefetchw byte ptr [{}]",
            in(reg) core::ptr::from_ref(word),
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(loom))))]
    let _ = word;
}
