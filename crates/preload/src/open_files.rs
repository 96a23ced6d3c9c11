//! Descriptors that are ours.

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use nearcall_files::client::File;
use nearcall_files::{Stat, flags};

use crate::c::error;
use crate::real::real;
use crate::server;

/// Descriptors up to this number can be ours.
const COUNT_MAX: usize = 65_536;

/// Whether a number is ours: what every other descriptor pays.
static IS_OURS: [AtomicBool; COUNT_MAX] = [const { AtomicBool::new(false) }; COUNT_MAX];

static OPEN: RwLock<Vec<Option<Arc<OpenFile>>>> = RwLock::new(Vec::new());

/// Something open; descriptors that were made of each other by dup share it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    /// Where, for the vfs.
    pub(crate) path: String,
    /// [`flags`].
    pub(crate) how: u32,
    /// What `F_GETFL` says.
    pub(crate) flags: i32,
    /// `None` for the directory of mounts.
    file: Option<File>,
    /// Which process has opened it.
    process: u32,
    position: Mutex<u64>,
}

impl OpenFile {
    pub(crate) fn new(path: String, how: u32, flags: i32, file: Option<File>) -> Self {
        Self { path, how, flags, file, process: server::process(), position: Mutex::new(0) }
    }

    /// The file.
    pub(crate) fn file(&self) -> io::Result<&File> {
        if self.process != server::process() {
            return Err(error(libc::ENOTSUP));
        }
        self.file.as_ref().ok_or_else(|| error(libc::EISDIR))
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.how & flags::DIRECTORY != 0
    }

    pub(crate) fn appends(&self) -> bool {
        self.how & flags::APPEND != 0
    }

    /// Where the next read or write begins.
    pub(crate) fn position(&self) -> MutexGuard<'_, u64> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stat(&self) -> io::Result<Stat> {
        if self.is_directory() {
            return server::with_files(|files| files.stat(&self.path, 0));
        }
        self.file()?.stat()
    }
}

/// What a descriptor is of, if it is ours.
pub(crate) fn get(fd: RawFd) -> Option<Arc<OpenFile>> {
    let at = usize::try_from(fd).ok()?;
    // Relaxed: who has got the descriptor from another kernel thread has synchronised with it.
    if !IS_OURS.get(at)?.load(Ordering::Relaxed) {
        return None;
    }
    OPEN.read().unwrap_or_else(PoisonError::into_inner).get(at)?.clone()
}

/// A number of the kernel's with nothing behind it.
pub(crate) fn number(cloexec: bool) -> io::Result<RawFd> {
    const NULL: &CStr = c"/dev/null";
    let (path, flags) = (NULL.as_ptr(), libc::O_PATH | if cloexec { libc::O_CLOEXEC } else { 0 });
    let mode: libc::mode_t = 0;
    let fd = real!(open64(path: *const libc::c_char, flags: i32, mode: libc::mode_t) -> i32);
    if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(fd) }
}

/// Makes a descriptor ours, in place of what it was.
pub(crate) fn put(fd: RawFd, open: Arc<OpenFile>) -> io::Result<RawFd> {
    let at = usize::try_from(fd).ok().filter(|&at| at < COUNT_MAX);
    let Some(at) = at else {
        real!(close(fd: i32) -> i32);
        return Err(error(libc::EMFILE));
    };
    let mut table = OPEN.write().unwrap_or_else(PoisonError::into_inner);
    if table.len() <= at {
        table.resize_with(at + 1, || None);
    }
    let before = table.get_mut(at).and_then(|place| place.replace(open));
    if let Some(is_ours) = IS_OURS.get(at) {
        is_ours.store(true, Ordering::Relaxed);
    }
    drop(table);
    drop(before);
    Ok(fd)
}

/// A descriptor is about to be another's. What it was of.
pub(crate) fn take(fd: RawFd) -> Option<Arc<OpenFile>> {
    let at = usize::try_from(fd).ok()?;
    if !IS_OURS.get(at)?.swap(false, Ordering::Relaxed) {
        return None;
    }
    // The table is not locked while a server is told.
    OPEN.write().unwrap_or_else(PoisonError::into_inner).get_mut(at)?.take()
}

/// A new descriptor.
pub(crate) fn new(open: OpenFile, cloexec: bool) -> io::Result<RawFd> {
    put(number(cloexec)?, Arc::new(open))
}
