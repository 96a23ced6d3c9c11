//! Shared memory with nothing in the way.
//!
//! Words are accessed whole and atomically, as the layout wants it; bytes by volatile stores. A hostile peer may do
//! worse, but what it stores is what the other side sees, and that is all a test needs.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::io;
use std::os::fd::AsFd;

use rustix::mm::{MapFlags, ProtFlags};
use rustix::thread::futex;

use crate::random::Random;

/// Pages of a file, mapped shared. Unmapped when dropped.
#[derive(Debug)]
pub struct Raw {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it.
unsafe impl Send for Raw {}
// SAFETY: words are atomic; bytes are stored by tests that know who else stores them.
unsafe impl Sync for Raw {}

impl Raw {
    /// Maps all of `fd`.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn map(fd: impl AsFd, size: usize, writable: bool) -> io::Result<Self> {
        let access = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: the kernel chooses pages that nothing uses.
        let start = unsafe { rustix::mm::mmap(core::ptr::null_mut(), size, access, MapFlags::SHARED, fd, 0) }?;
        Ok(Self { start: NonNull::new(start.cast()).expect("page 0 is never mapped"), size })
    }

    /// Bytes.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.size, "word {offset} of {}", self.size);
        // SAFETY: inside the mapping, as just asserted.
        let word = unsafe { self.start.add(offset) };
        // SAFETY: aligned (mappings start on a page), mapped while `self` is borrowed.
        unsafe { word.cast::<AtomicU64>().as_ref() }
    }

    /// Loads the word at a byte offset, with Acquire.
    #[must_use]
    pub fn load(&self, offset: usize) -> u64 {
        self.word(offset).load(Ordering::Acquire)
    }

    /// Stores the word at a byte offset, with Release. Faults on a mapping that is not writable.
    pub fn store(&self, offset: usize, value: u64) {
        self.word(offset).store(value, Ordering::Release);
    }

    /// Adds one to a word that only this side writes.
    pub fn bump(&self, offset: usize) {
        self.store(offset, self.load(offset).wrapping_add(1));
    }

    /// The low half of a word, which is what the kernel knows as a futex.
    fn futex(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: the low half is in bounds and aligned, and mapped while `self` is borrowed; only its address is used.
        unsafe { &*core::ptr::from_ref(self.word(offset)).cast::<AtomicU32>() }
    }

    /// Wakes whoever sleeps on the low half of a word.
    pub fn wake(&self, offset: usize) {
        let _ = futex::wake(self.futex(offset), futex::Flags::empty(), i32::MAX.cast_unsigned());
    }

    /// Takes away whoever sleeps on the low half of a word, and lets them sleep on another one, where nobody wakes them;
    /// says how many. A mapping that can only be read suffices.
    pub fn requeue(&self, from: usize, to: usize) -> usize {
        let (from, to) = (self.futex(from), self.futex(to));
        let all = i32::MAX.cast_unsigned();
        futex::requeue(from, futex::Flags::empty(), 0, all, to).unwrap_or(0)
    }

    /// Stores bytes.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.size, "{} bytes at {offset} of {}", bytes.len(), self.size);
        for (i, &byte) in bytes.iter().enumerate() {
            // SAFETY: inside the mapping, as just asserted.
            let at = unsafe { self.start.add(offset + i) };
            // SAFETY: mapped; a mapping that is not writable faults, which ends the test as it should.
            unsafe { at.write_volatile(byte) };
        }
    }

    /// Loads bytes.
    #[must_use]
    pub fn read(&self, offset: usize, size: usize) -> Vec<u8> {
        assert!(offset + size <= self.size, "{size} bytes at {offset} of {}", self.size);
        (0..size)
            .map(|i| {
                // SAFETY: inside the mapping, as just asserted.
                let at = unsafe { self.start.add(offset + i) };
                // SAFETY: mapped readable.
                unsafe { at.read_volatile() }
            })
            .collect()
    }

    /// Stores random words at `count` random places.
    pub fn scribble(&self, random: &mut Random, count: usize) {
        let words = u64::try_from(self.size / 8).expect("a size fits");
        for _ in 0..count {
            let at = usize::try_from(random.below(words)).expect("below the size");
            self.store(at * 8, random.word());
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the pages are ours; references to them borrow `self`.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.size) };
    }
}
