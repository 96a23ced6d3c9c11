//! Descriptors that are ours.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use nearcall_files::client::File;
use nearcall_files::{Stat, flags};

use crate::c::error;
use crate::position::Position;
use crate::real::real;
use crate::server;

/// Descriptors up to this number can be ours.
pub(crate) const COUNT_MAX: usize = 65_536;

/// Whether a number is ours: what every other descriptor pays.
static IS_OURS: [AtomicBool; COUNT_MAX] = [const { AtomicBool::new(false) }; COUNT_MAX];

static OPEN: RwLock<Table> = RwLock::new(Vec::new());

/// Something open; descriptors that were made of each other by dup share it.
#[derive(Debug)]
pub(crate) struct OpenFile {
    /// Where, for the vfs.
    pub(crate) path: String,
    /// [`flags`].
    pub(crate) how: u32,
    /// What `F_GETFL` says.
    pub(crate) flags: i32,
    pub(crate) position: Arc<Position>,
    /// What opening it again must find, in a child: device and inode, asked for when it was opened. Whoever forks asks nobody: a
    /// server that does not answer would hold it up. `None` for a directory.
    identity: Option<(u64, u64)>,
    /// `None` for a directory. Empty in a child until it first uses the file.
    file: OnceLock<Option<File>>,
}

impl OpenFile {
    /// # Errors
    /// There is no memory for the position; the server does not say what the file is.
    pub(crate) fn new(path: String, how: u32, flags: i32, file: Option<File>) -> io::Result<Self> {
        let position = Arc::new(Position::new()?);
        let identity = match &file {
            Some(file) => Some(file.stat()?).map(|found| (found.device, found.inode)),
            None => None,
        };
        Ok(Self { path, how, flags, position, identity, file: OnceLock::from(file) })
    }

    /// The file, opened again if this process has it from its parent.
    pub(crate) fn file(&self) -> io::Result<&File> {
        if self.file.get().is_none() {
            let file = self.reopened()?;
            // Whoever was faster has it, and this one is closed.
            let _ = self.file.set(Some(file));
        }
        self.file.get().and_then(Option::as_ref).ok_or_else(|| error(libc::EISDIR))
    }

    fn reopened(&self) -> io::Result<File> {
        let stale = |_| error(libc::ESTALE);
        let how = self.how & !(flags::TRUNCATE | flags::EXCLUSIVE);
        let file =
            server::with_files(|files| files.open(&self.path, how)).map_err(|error| match error.raw_os_error() {
                Some(libc::ENOENT) => stale(()),
                _ => error,
            })?;
        let found = file.stat()?;
        if self.identity == Some((found.device, found.inode)) { Ok(file) } else { Err(stale(())) }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.how & flags::DIRECTORY != 0
    }

    pub(crate) fn appends(&self) -> bool {
        self.how & flags::APPEND != 0
    }

    pub(crate) fn stat(&self) -> io::Result<Stat> {
        if self.is_directory() {
            return server::with_files(|files| files.stat(&self.path, 0));
        }
        self.file()?.stat()
    }

    /// In a child: the same, not opened yet.
    fn inherited(&self) -> Self {
        Self {
            path: self.path.clone(),
            how: self.how,
            flags: self.flags,
            position: Arc::clone(&self.position),
            identity: self.identity,
            file: if self.is_directory() { OnceLock::from(None) } else { OnceLock::new() },
        }
    }
}

type Table = Vec<Option<Arc<OpenFile>>>;

/// The lock of the table, for whoever forks.
pub(crate) type Held = RwLockWriteGuard<'static, Table>;

pub(crate) fn hold() -> Held {
    OPEN.write().unwrap_or_else(PoisonError::into_inner)
}

/// In a forked child: what is open is its parent's, and is opened again when it is used. What was of one dup stays so.
pub(crate) fn inherit() {
    let mut known: HashMap<*const OpenFile, Arc<OpenFile>> = HashMap::new();
    for place in OPEN.write().unwrap_or_else(PoisonError::into_inner).iter_mut() {
        if let Some(theirs) = place.take() {
            let own = known.entry(Arc::as_ptr(&theirs)).or_insert_with(|| Arc::new(theirs.inherited()));
            *place = Some(Arc::clone(own));
            // The parent has it open: here it is not to be closed, and its locks may be held for ever.
            std::mem::forget(theirs);
        }
    }
}

/// What a descriptor is of, if it is ours.
pub(crate) fn get(fd: RawFd) -> Option<Arc<OpenFile>> {
    let at = usize::try_from(fd).ok()?;
    // Relaxed: who has got the descriptor from another kernel thread has synchronised with it.
    if !IS_OURS.get(at)?.load(Ordering::Relaxed) {
        return None;
    }
    if !has_nothing_behind_it(fd) {
        // Closed past us (by fclose, say, in the C library), and perhaps another's by now.
        drop(take(fd));
        return None;
    }
    OPEN.read().unwrap_or_else(PoisonError::into_inner).get(at)?.clone()
}

/// Whether a number is still what [`number`] has made. To ask for its inode would cost more, in each read, and tell only one thing
/// more: that it is not another descriptor which can be neither read nor written, and those are seen when they are opened ([`opened`]).
fn has_nothing_behind_it(fd: RawFd) -> bool {
    let (command, argument) = (libc::F_GETFL, 0);
    let flags = real!(fcntl64(fd: i32, command: i32, argument: usize) -> i32);
    flags >= 0 && flags & libc::O_PATH != 0
}

/// The kernel has given out a number for something of its own: if it was ours, it was closed past us.
pub(crate) fn opened(fd: RawFd) -> RawFd {
    drop(take(fd));
    fd
}

/// The kernel has closed these.
pub(crate) fn closed(first: u32, last: u32) {
    let end = OPEN.read().unwrap_or_else(PoisonError::into_inner).len();
    for at in first as usize..end.min((last as usize).saturating_add(1)) {
        // No table has more numbers than that.
        drop(RawFd::try_from(at).ok().and_then(take));
    }
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
