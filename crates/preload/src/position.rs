//! Where the next read or write of something open begins: one word, which forked children share, as they share it of the kernel's
//! files.
//!
//! The word lies in a page of its own that children inherit, so the kernel counts who has it. There is no lock beside it: a child may
//! end, or its parent be copied, in the middle of anything. Who reads takes the word forward from where it has read, or reads again;
//! who writes takes its room first, and gives it back if nothing was written and nobody has taken more.

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE_SIZE: usize = 4096;

/// The word.
#[derive(Debug)]
pub(crate) struct Position(NonNull<AtomicU64>);

// SAFETY: the word is atomic, and its page belongs to the process until this is dropped.
unsafe impl Send for Position {}
// SAFETY: as above.
unsafe impl Sync for Position {}

impl Position {
    /// Zero.
    pub(crate) fn new() -> io::Result<Self> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a null address lets the kernel choose pages that nothing uses.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE_SIZE, access, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(page.cast()).map(Self).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    fn word(&self) -> &AtomicU64 {
        // SAFETY: aligned, mapped and zeroed until `self` is dropped, here and in children; only ever accessed as this word.
        unsafe { self.0.as_ref() }
    }

    /// Where it is. Relaxed, here and below: the word carries nothing but itself, and bytes are the server's to order.
    pub(crate) fn get(&self) -> u64 {
        self.word().load(Ordering::Relaxed)
    }

    /// Goes there.
    pub(crate) fn set(&self, at: u64) {
        self.word().store(at, Ordering::Relaxed);
    }

    /// Reads by `read`, which is told where and says how much it has read, so that no two get the same bytes.
    pub(crate) fn read(&self, mut read: impl FnMut(u64) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let at = self.get();
            let n = read(at)?;
            let after = at.saturating_add(n as u64);
            if self.word().compare_exchange(at, after, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Ok(n);
            }
        }
    }

    /// Writes up to `size` bytes by `write`, which is told where and says how many and where they end, in room that nobody else gets.
    pub(crate) fn write(&self, size: usize, write: impl FnOnce(u64) -> io::Result<(usize, u64)>) -> io::Result<usize> {
        let size = size as u64;
        let at = self.word().fetch_add(size, Ordering::Relaxed);
        let (after, taken) = (write(at), at.wrapping_add(size));
        let to = after.as_ref().map_or(at, |(_, end)| *end);
        // Elsewhere: at the end of a file that is written there, or before the end of what was to be written.
        if to != taken {
            let _ = self.word().compare_exchange(taken, to, Ordering::Relaxed, Ordering::Relaxed);
        }
        after.map(|(n, _)| n)
    }
}

impl Drop for Position {
    fn drop(&mut self) {
        // SAFETY: the page is ours, and nobody can reach it once the only handle of this process is gone.
        unsafe { libc::munmap(self.0.as_ptr().cast(), PAGE_SIZE) };
    }
}
