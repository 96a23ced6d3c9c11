//! Segments: memory out of band, for arguments and results that are larger than a frame (LRPC, section 5.2).
//!
//! A segment is made and sealed like a region, by the same rules: one process writes it and pays for it, the other maps
//! it read-only after it has checked seals, size and blocks. It has no fixed part, so nothing in it is ever a word.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::{PeerBytes, lend};
use crate::sys::memory::{self, Mapping, NotARegion};

/// A segment that only this process writes. Dropped, a server's is freed, whoever has it mapped.
#[derive(Debug)]
pub struct OwnSegment {
    map: Mapping,
}

impl Drop for OwnSegment {
    fn drop(&mut self) {
        self.map.free_pages();
    }
}

impl OwnSegment {
    /// Maps `fd`, made by [`memory::create`], for writing and allocates all of it at this process's expense.
    ///
    /// # Errors
    /// What the kernel says: `NOSPC` or `NOMEM` when memory is short, `PERM` when it is sealed already.
    pub fn map(fd: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        memory::allocate(fd, size)?;
        Ok(Self { map: Mapping::shared(fd, size, true)? })
    }

    /// Bytes.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        self.map.size()
    }

    /// Lends `size` bytes from `offset`; `None` if they are not all inside the segment.
    ///
    /// # Safety
    /// 1. Nobody else in this process holds a borrow of any of the bytes while the result lives: the caller holds the
    ///    A-stack they belong to.
    #[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
    pub(crate) unsafe fn lend(&self, offset: usize, size: usize) -> Option<&mut [u8]> {
        // SAFETY: precondition 1, and the mapping is of memory that this process alone writes.
        unsafe { lend(&self.map, offset, size) }
    }
}

/// A segment that only the peer writes, and may write at any time.
#[derive(Debug)]
pub struct PeerSegment {
    map: Mapping,
}

impl PeerSegment {
    /// Checks that `fd` is a client's segment of `size` bytes as [`memory::check`] has it, and maps it read-only.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map(fd: BorrowedFd<'_>, size: usize) -> Result<Self, NotARegion> {
        memory::check(fd, size)?;
        Ok(Self { map: Mapping::shared(fd, size, false)? })
    }

    /// The same of a server's segment, as [`memory::check_shown`] has it.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map_shown(fd: BorrowedFd<'_>, size: usize) -> Result<Self, NotARegion> {
        memory::check_shown(fd, size)?;
        Ok(Self { map: Mapping::shared(fd, size, false)? })
    }

    /// Bytes.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        self.map.size()
    }

    /// Its bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> PeerBytes<'_> {
        PeerBytes::of(&self.map)
    }
}
