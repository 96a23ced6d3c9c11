//! Mappings and sealed memory files.

use core::ptr::NonNull;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FallocateFlags, MemfdFlags, Mode, SealFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use rustix::process::Pid;

/// Seals a region has before its writer maps it: its size is fixed for ever.
pub const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

/// Seals that what a server writes has before its client maps it. Not FUTURE_WRITE: that would also keep the server from
/// freeing pages which a client holds on to after its pair has ended, and so have it pay for any number of ended pairs.
/// (docs/decisions/0007)
pub const SHOWN_SEALS: SealFlags = SIZE_SEALS.union(SealFlags::SEAL);

/// Seals a client's region has before its server maps it: no further mapping can write, nothing can be punched out of it, and no
/// seal can be added or (never possible) taken away.
pub const ALL_SEALS: SealFlags = SIZE_SEALS.union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// Seals of memory that nobody can write: its receivers may look at it as at their own.
pub const GRANTED_SEALS: SealFlags = SIZE_SEALS.union(SealFlags::WRITE).union(SealFlags::SEAL);

/// `TMPFS_MAGIC`: what fstatfs says of a memfd with pages of the ordinary size. hugetlbfs says something else, and
/// faults on first touch when no huge page is free.
const TMPFS_MAGIC: u64 = 0x0102_1994;

/// Why a descriptor is no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotARegion {
    /// It is no regular file on tmpfs, so touching it may fault or hang.
    NotMemory,
    /// Seals are missing: these are the bits it has.
    Unsealed(u32),
    /// It has this many bytes, not what was announced.
    WrongSize(u64),
    /// Only this many bytes are allocated: whoever touches the rest would pay for it.
    Sparse(u64),
    /// The kernel refused to say.
    Unknown(Errno),
}

impl core::fmt::Display for NotARegion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotMemory => f.write_str("the descriptor is not an anonymous memory file"),
            Self::Unsealed(bits) => write!(
                f,
                "the memory file has seals {bits:#x}, which still lets its writer change its size or contents mappings"
            ),
            Self::WrongSize(size) => write!(f, "the memory file has {size} bytes, not the announced size"),
            Self::Sparse(size) => {
                write!(f, "only {size} bytes of the memory file are allocated; reading it would charge the reader")
            }
            Self::Unknown(errno) => write!(f, "the kernel would not describe the descriptor: {errno}"),
        }
    }
}

impl core::error::Error for NotARegion {}

impl From<Errno> for NotARegion {
    fn from(errno: Errno) -> Self {
        Self::Unknown(errno)
    }
}

/// Makes a memory file of `size` bytes whose size can never change. Mode 0400, so that nobody re-opens it for writing
/// through /proc; the descriptor itself still can be mapped for writing until [`seal`].
///
/// # Errors
/// What the kernel says: `MFILE`, `NFILE`, `NOMEM`.
pub fn create(size: usize) -> Result<OwnedFd, Errno> {
    let base = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // NOEXEC_SEAL is of 6.3; without it the file could be executed, which gives the peer nothing it has not got.
    let fd = match rustix::fs::memfd_create("nearcall", base | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => rustix::fs::memfd_create("nearcall", base)?,
        other => other?,
    };
    let size = u64::try_from(size).map_err(|_| Errno::OVERFLOW)?;
    rustix::fs::ftruncate(&fd, size)?;
    rustix::fs::fchmod(&fd, Mode::RUSR)?;
    rustix::fs::fcntl_add_seals(&fd, SIZE_SEALS)?;
    Ok(fd)
}

/// Allocates every byte, so that the caller's memory cgroup is charged and no later touch can fail.
///
/// # Errors
/// `NOSPC` or `NOMEM` when there is not as much memory.
pub fn allocate(fd: BorrowedFd<'_>, size: usize) -> Result<(), Errno> {
    let size = u64::try_from(size).map_err(|_| Errno::OVERFLOW)?;
    rustix::io::retry_on_intr(|| rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, size))
}

/// Ends writing through any mapping or descriptor but those mappings that exist.
///
/// # Errors
/// `PERM` if the file was sealed against sealing.
pub fn seal(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fcntl_add_seals(fd, SealFlags::FUTURE_WRITE | SealFlags::SEAL)
}

/// Ends all writing. It fails while a writable mapping exists.
///
/// # Errors
/// `PERM` if the file was sealed against sealing; `BUSY` while somebody can write it.
pub fn seal_granted(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fcntl_add_seals(fd, SealFlags::WRITE | SealFlags::SEAL)
}

/// Another descriptor of a memory file of ours, for reading only: what is shown to a peer, which cannot make a writable
/// mapping of it, nor seal it.
///
/// # Errors
/// What the kernel says; `NOENT` without /proc.
pub fn reader(fd: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    rustix::fs::open(path, rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC, Mode::empty())
}

/// Ends sealing: the size stays what it is for ever, and the writer can give the pages back whoever else has them mapped
/// (`Mapping::free_pages`).
///
/// # Errors
/// `PERM` if it was done before.
pub fn seal_shown(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fcntl_add_seals(fd, SealFlags::SEAL)
}

/// Whether this kernel can make a region at all.
///
/// # Errors
/// What the kernel refuses: `INVAL` for seals it does not know.
pub fn probe() -> Result<(), Errno> {
    let size = 4096;
    let fd = create(size)?;
    allocate(fd.as_fd(), size)?;
    seal(fd.as_fd())?;
    check(fd.as_fd(), size).map_err(|_| Errno::NOSYS)
}

/// Checks that `fd` is a memory file of exactly `size` bytes whose size is sealed: what a server offers its client for
/// writing. Mapping and allocating it cannot hang, and nobody can make a write to it fault later.
///
/// # Errors
/// [`NotARegion`], by what it lacks.
pub fn check_offer(fd: BorrowedFd<'_>, size: usize) -> Result<(), NotARegion> {
    described(fd, size, SIZE_SEALS).map(|_| ())
}

/// Seals first: asking for them concerns no file system but tmpfs and hugetlbfs, while stat of a FUSE file asks the
/// process that made it, which may never answer.
fn described(fd: BorrowedFd<'_>, size: usize, needed: SealFlags) -> Result<rustix::fs::Stat, NotARegion> {
    let stat = memory(fd, needed)?;
    let has = u64::try_from(stat.st_size).unwrap_or(0);
    if usize::try_from(has).ok() != Some(size) {
        return Err(NotARegion::WrongSize(has));
    }
    Ok(stat)
}

/// Whether it is a memory file with these seals, whatever its size.
fn memory(fd: BorrowedFd<'_>, needed: SealFlags) -> Result<rustix::fs::Stat, NotARegion> {
    let seals = match rustix::fs::fcntl_get_seals(fd) {
        Err(Errno::INVAL | Errno::BADF) => return Err(NotARegion::NotMemory),
        other => other?,
    };
    let stat = rustix::fs::fstat(fd)?;
    let regular = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
    let on = rustix::fs::fstatfs(fd)?.f_type;
    if !regular || u64::try_from(on).ok() != Some(TMPFS_MAGIC) {
        return Err(NotARegion::NotMemory);
    }
    if !seals.contains(needed) {
        return Err(NotARegion::Unsealed(seals.bits()));
    }
    Ok(stat)
}

/// Checks that `fd` is a memory file with these seals, among them those on its size, of which all is allocated. Its size.
///
/// # Errors
/// [`NotARegion`], by what it lacks.
pub fn check_granted(fd: BorrowedFd<'_>, seals: SealFlags) -> Result<usize, NotARegion> {
    allocated(&memory(fd, seals | SIZE_SEALS)?)
}

/// Bytes of a file of which all is there.
fn allocated(stat: &rustix::fs::Stat) -> Result<usize, NotARegion> {
    let has = u64::try_from(stat.st_size).unwrap_or(0);
    let allocated = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    if allocated < has {
        return Err(NotARegion::Sparse(allocated));
    }
    usize::try_from(has).ok().filter(|&size| size > 0).ok_or(NotARegion::WrongSize(has))
}

/// Checks that `fd` is a sealed, fully allocated memory file of exactly `size` bytes: then nothing its writer does can
/// make a reader fault, pay, or see its size change.
///
/// # Errors
/// [`NotARegion`], by what it lacks.
pub fn check(fd: BorrowedFd<'_>, size: usize) -> Result<(), NotARegion> {
    check_for(fd, size, ALL_SEALS)
}

/// The same for what a server writes and its client reads: its size cannot change, and all of it is there now. The server
/// can free pages later; a client that reads such a page pays for it, up to the size that it has agreed to here.
///
/// # Errors
/// [`NotARegion`], by what it lacks.
pub fn check_shown(fd: BorrowedFd<'_>, size: usize) -> Result<(), NotARegion> {
    check_for(fd, size, SHOWN_SEALS)
}

fn check_for(fd: BorrowedFd<'_>, size: usize, seals: SealFlags) -> Result<(), NotARegion> {
    allocated(&described(fd, size, seals)?).map(|_| ())
}

/// Pages of this process. Holding one proves that `size` bytes from `start` are mapped until it is dropped; it says
/// nothing about who else writes them.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    size: usize,
    owner: Pid,
}

// SAFETY: a mapping belongs to the process, not to the thread that made it.
unsafe impl Send for Mapping {}
// SAFETY: the type itself hands out an address and a size only; every access states its own argument.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps all of `fd`, which has `size` bytes. The pages do not exist in forked children: two writers of one region
    /// would break the single-writer rule.
    ///
    /// # Errors
    /// What the kernel says; `PERM` for a writable mapping of a file sealed against writing.
    pub fn shared(fd: BorrowedFd<'_>, size: usize, writable: bool) -> Result<Self, Errno> {
        let mapping = Self::inherited(fd, size, writable)?;
        mapping.advise(Advice::LinuxDontFork)?;
        Ok(mapping)
    }

    /// The same, of which forked children have a copy: for memory without a protocol.
    ///
    /// # Errors
    /// What the kernel says; `PERM` for a writable mapping of a file sealed against writing.
    pub fn inherited(fd: BorrowedFd<'_>, size: usize, writable: bool) -> Result<Self, Errno> {
        let access = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: the null address lets the kernel choose pages that nothing uses; nothing of Rust's lies there.
        let start = unsafe { rustix::mm::mmap(core::ptr::null_mut(), size, access, MapFlags::SHARED, fd.as_fd(), 0) }?;
        Self::at(start.cast(), size)
    }

    /// A private page whose words are zero in a forked child: how a stub learns that it runs in one, by one load.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn wiped_on_fork(size: usize) -> Result<Self, Errno> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: as above.
        let start = unsafe { rustix::mm::mmap_anonymous(core::ptr::null_mut(), size, access, MapFlags::PRIVATE) }?;
        let mapping = Self::at(start.cast(), size)?;
        mapping.advise(Advice::LinuxWipeOnFork)?;
        Ok(mapping)
    }

    fn at(start: *mut u8, size: usize) -> Result<Self, Errno> {
        let start = NonNull::new(start).ok_or(Errno::INVAL)?;
        Ok(Self { start, size, owner: rustix::process::getpid() })
    }

    fn advise(&self, advice: Advice) -> Result<(), Errno> {
        // SAFETY: the pages are ours, and neither advice that is given here changes their contents in this process.
        unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), self.size, advice) }
    }

    /// Gives the pages back to the kernel, for everybody who has them mapped. Nothing happens to a file that is sealed
    /// against writing, nor in a forked child.
    pub(crate) fn free_pages(&self) {
        if rustix::process::getpid() == self.owner {
            // SAFETY: the pages are ours, and whoever calls this is about to drop the mapping, so nobody refers to them here.
            let _ = unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), self.size, Advice::LinuxRemove) };
        }
    }

    /// The first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // A forked child has other things, or nothing, at these addresses.
        if rustix::process::getpid() == self.owner {
            // SAFETY: the pages are ours and nobody can reach them once the only handle is gone.
            let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.size) };
        }
    }
}
