//! A file system, as its client sees it.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nearcall::{BindError, Binder, CallError, Client, Rebinding, SharedGrant};

use crate::interface::{Entry, FileError, FilesClient, Handle, Kind, Opened, Stat, VfsClient, entries, flags};
use crate::window::HEAD_SIZE;

/// Bytes of a directory that are asked for at a time.
const PAGE_SIZE: usize = 4096;

/// Names of one directory that are kept: a server may send them for ever.
const ENTRY_COUNT_MAX: usize = 1 << 22;

/// Bytes of one call; more are several. As many as are found in a window at once.
const PART_SIZE: usize = 128 * 1024;

/// Reads of what was read before, after which a file's window is asked for, which takes as long as many of them.
const AGAIN_COUNT: u32 = 16;

/// A vfs, and the file servers that it has led to.
#[derive(Debug)]
pub struct FileSystem {
    vfs: Rebinding<VfsClient>,
    mounts: Mutex<Mounts>,
}

/// What a vfs has led to. Another one, or the same one started again, may have other numbers.
#[derive(Debug, Default)]
struct Mounts {
    of: Option<Arc<VfsClient>>,
    by_number: HashMap<u32, Arc<FilesClient>>,
}

impl FileSystem {
    /// Binds to a vfs, and again when that has ended.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(binder: Binder) -> Result<Self, BindError> {
        let vfs = Rebinding::new(binder);
        vfs.get()?;
        Ok(Self { vfs, mounts: Mutex::default() })
    }

    fn ask<T>(&self, call: impl Fn(&VfsClient) -> Result<T, CallError<FileError>>) -> io::Result<(T, Arc<VfsClient>)> {
        ask(&self.vfs, call).map_err(failed)
    }

    /// Opens what there is: [`flags`].
    ///
    /// # Errors
    /// [`FileError`], as the error of a system call; `EHOSTDOWN` if a server is not there, or not any more; whatever else becomes of a
    /// call is of the kind `Other`. So in all that follows.
    pub fn open(&self, path: &str, how: u32) -> io::Result<File> {
        self.claim(self.ask(|vfs| vfs.open(path, how))?)
    }

    /// Opens a file, and makes it if there is none, with the permissions of `mode`.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn create(&self, path: &str, how: u32, mode: u32) -> io::Result<File> {
        self.claim(self.ask(|vfs| vfs.create(path, how, mode))?)
    }

    fn claim(&self, (opened, vfs): (Opened, Arc<VfsClient>)) -> io::Result<File> {
        let files = self.files(&vfs, opened.mount)?;
        let handle = match files.claim(opened.ticket) {
            // It was replaced, and vfs has opened at the new one.
            Err(error) if error.needs_rebind() && error.is_retry_safe() => {
                self.mounts(&vfs).by_number.remove(&opened.mount);
                let files = self.files(&vfs, opened.mount)?;
                let handle = files.claim(opened.ticket).map_err(failed)?;
                return Ok(File::new(files, handle));
            }
            other => other.map_err(failed)?,
        };
        Ok(File::new(files, handle))
    }

    /// The pfs of a mount, which vfs is asked for once.
    fn files(&self, vfs: &Arc<VfsClient>, mount: u32) -> io::Result<Arc<FilesClient>> {
        if let Some(files) = self.mounts(vfs).by_number.get(&mount) {
            return Ok(Arc::clone(files));
        }
        // Not under the lock: this waits for two servers.
        let files = Arc::new(vfs.mount(mount).map_err(failed)?);
        Ok(Arc::clone(self.mounts(vfs).by_number.entry(mount).or_insert(files)))
    }

    fn mounts(&self, vfs: &Arc<VfsClient>) -> MutexGuard<'_, Mounts> {
        let mut mounts = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        if !mounts.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, vfs)) {
            *mounts = Mounts { of: Some(Arc::clone(vfs)), by_number: HashMap::new() };
        }
        mounts
    }

    /// What a path is; `how`: [`flags::NO_FOLLOW`] or 0.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn stat(&self, path: &str, how: u32) -> io::Result<Stat> {
        Ok(self.ask(|vfs| vfs.stat(path, how))?.0)
    }

    /// The names in a directory; of the root, those of the mounts.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        if path.trim_matches('/').is_empty() || path == "." {
            let vfs = self.vfs.get().map_err(|_| gone())?;
            let mounts =
                vfs.mounts().map_err(|error| if error.needs_rebind() { gone() } else { io::Error::other(error) })?;
            let entry = |name: String| Entry { kind: Kind::Directory, inode: 1, name: name.into_bytes() };
            return Ok(mounts.into_iter().map(entry).collect());
        }
        self.open(path, flags::DIRECTORY | flags::READ)?.entries()
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn mkdir(&self, path: &str, mode: u32) -> io::Result<()> {
        self.ask(|vfs| vfs.mkdir(path, mode)).map(drop)
    }

    /// Removes a name; `how`: [`flags::DIRECTORY`] or 0.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn unlink(&self, path: &str, how: u32) -> io::Result<()> {
        self.ask(|vfs| vfs.unlink(path, how)).map(drop)
    }

    /// Renames.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.ask(|vfs| vfs.rename(from, to)).map(drop)
    }

    /// All bytes of a file, as many as are sent: whatever size the server says.
    ///
    /// # Errors
    /// See [`Self::open`]; `OutOfMemory`.
    pub fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = self.open(path, flags::READ)?;
        let mut bytes = Vec::new();
        file.read_parts(|part| {
            bytes.try_reserve(part.len())?;
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        Ok(bytes)
    }
}

/// Something open. Dropping it closes it.
///
/// A file that is read again and again is soon read in its *window*, if its server gives it one: each read is a call, but the bytes are
/// copied out of the server's cache, which is mapped here. That takes two descriptors.
#[derive(Debug)]
pub struct File {
    files: Arc<FilesClient>,
    handle: Handle,
    /// Where the furthest read has ended.
    reach: AtomicU64,
    /// Reads of what was read before.
    again: AtomicU32,
    /// Empty until it was asked for; `None` if there is none.
    window: OnceLock<Option<SharedGrant>>,
}

impl File {
    fn new(files: Arc<FilesClient>, handle: Handle) -> Self {
        Self { files, handle, reach: AtomicU64::new(0), again: AtomicU32::new(0), window: OnceLock::new() }
    }

    /// Opens at a pfs, without a vfs.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn open(files: &Arc<FilesClient>, path: &str, how: u32) -> io::Result<Self> {
        Ok(Self::new(Arc::clone(files), files.open(path, how).map_err(failed)?))
    }

    /// Its handle.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }

    /// Its server.
    #[must_use]
    pub fn files(&self) -> &Arc<FilesClient> {
        &self.files
    }

    /// Reads at `pos`. Fewer bytes than asked for: the file ends there.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn read_at(&self, into: &mut [u8], mut pos: u64) -> io::Result<usize> {
        let mut done = 0;
        for part in into.chunks_mut(PART_SIZE) {
            let size = part.len();
            let n = match self.read_part(part, &mut pos) {
                Ok(n) => n as usize,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(failed(error)),
            };
            done += n.min(size);
            if n < size {
                break;
            }
        }
        Ok(done)
    }

    /// Gives `each` all of it, from its beginning, in parts of at most 128 KiB.
    ///
    /// # Errors
    /// See [`FileSystem::open`]; those of `each`.
    pub fn read_parts(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let (mut part, mut pos) = (vec![0; PART_SIZE], 0);
        loop {
            let n = self.read_at(&mut part, pos)?;
            if n == 0 {
                return Ok(());
            }
            each(part.get(..n).unwrap_or(&part))?;
            pos += n as u64;
        }
    }

    fn read_part(&self, part: &mut [u8], pos: &mut u64) -> Result<u32, CallError<FileError>> {
        match self.window.get() {
            Some(Some(window)) => {
                if let Some(n) = self.read_in(window, part, *pos)? {
                    *pos += u64::from(n);
                    return Ok(n);
                }
            }
            Some(None) => {}
            None => self.is_read_again(*pos, part.len()),
        }
        self.files.read(self.handle, pos, part)
    }

    /// Has the server say what of it is in the window, and copies that; `None` if it is not, or was changed meanwhile.
    fn read_in(&self, window: &SharedGrant, part: &mut [u8], pos: u64) -> Result<Option<u32>, CallError<FileError>> {
        let at = usize::try_from(pos).ok().and_then(|pos| pos.checked_add(HEAD_SIZE));
        let Some(at) = at.filter(|at| at.saturating_add(part.len()) <= window.size()) else { return Ok(None) };
        let found = self.files.find(self.handle, pos, part.len() as u32)?;
        let (Ok(bytes), Some(part)) = (window.bytes(), part.get_mut(..found.size as usize)) else { return Ok(None) };
        let is_whole = bytes.copy_to(part, at) == part.len() && bytes.word_after(0) == Some(found.stamp);
        Ok((is_whole && found.stamp != 0).then_some(found.size))
    }

    /// Counts reads of what was read before, and asks for the window once there were enough.
    fn is_read_again(&self, pos: u64, size: usize) {
        let end = pos.saturating_add(size as u64);
        // Relaxed, here and below: what they say wrong costs a window too early or too late.
        if pos >= self.reach.load(Ordering::Relaxed) {
            self.reach.store(end, Ordering::Relaxed);
        } else if self.again.fetch_add(1, Ordering::Relaxed) == AGAIN_COUNT {
            let _ = self.window.set(self.files.window(self.handle).ok());
        }
    }

    /// Writes at `pos`, or at the end of a file that was opened so; how many bytes, and where they end. Fewer than were given: the
    /// next write hears why. What is longer than 128 KiB goes in several calls, between which others may write.
    ///
    /// # Errors
    /// See [`FileSystem::open`]; nothing was written then.
    pub fn write_part_at(&self, bytes: &[u8], mut pos: u64) -> io::Result<(usize, u64)> {
        let mut done = 0;
        for part in bytes.chunks(PART_SIZE) {
            let n = match self.files.write(self.handle, &mut pos, part) {
                Ok(n) => n as usize,
                Err(_) if done > 0 => break,
                Err(error) => return Err(failed(error)),
            };
            done += n.min(part.len());
            if n < part.len() {
                break;
            }
        }
        Ok((done, pos))
    }

    /// Writes all of it at `pos`, or at the end of a file that was opened so; where the bytes end.
    ///
    /// # Errors
    /// See [`FileSystem::open`]; some may have been written.
    pub fn write_at(&self, mut bytes: &[u8], mut pos: u64) -> io::Result<u64> {
        while !bytes.is_empty() {
            let (n, end) = self.write_part_at(bytes, pos)?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            (bytes, pos) = (bytes.get(n..).unwrap_or_default(), end);
        }
        Ok(pos)
    }

    /// What it is.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn stat(&self) -> io::Result<Stat> {
        self.files.fstat(self.handle).map_err(failed)
    }

    /// Makes it `size` bytes long.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        self.files.truncate(self.handle, size).map_err(failed)
    }

    /// Sees to it that what was written is on the disk.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn sync(&self) -> io::Result<()> {
        self.files.sync(self.handle).map_err(failed)
    }

    /// The entries of a directory that was opened as one.
    ///
    /// # Errors
    /// See [`FileSystem::open`].
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let (mut all, mut next, mut page) = (Vec::new(), 0, [0; PAGE_SIZE]);
        loop {
            let before = next;
            let n = self.files.get_direntries(self.handle, &mut next, &mut page).map_err(failed)? as usize;
            if n == 0 {
                return Ok(all);
            }
            let nonsense = || io::Error::other("the file server sends a page of a directory that is none");
            let some = page.get(..n).and_then(entries).filter(|_| next > before).ok_or_else(nonsense)?;
            if all.len() + some.len() > ENTRY_COUNT_MAX {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            all.extend(some);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // A server that does not answer closes it when this process ends.
        let _ = self.files.close(self.handle);
    }
}

/// Asks whoever has the name now; once more, if it was replaced and nothing has happened. Also who has answered.
pub(crate) fn ask<C: Client, T>(
    server: &Rebinding<C>,
    call: impl Fn(&C) -> Result<T, CallError<FileError>>,
) -> Result<(T, Arc<C>), CallError<FileError>> {
    let unreachable = |_| CallError::App(FileError::Unreachable);
    let client = server.get().map_err(unreachable)?;
    match call(&client) {
        Err(error) if error.needs_rebind() && error.is_retry_safe() => {
            let client = server.renew(&client).map_err(unreachable)?;
            Ok((call(&client)?, client))
        }
        other => Ok((other?, client)),
    }
}

/// As the error of a system call.
fn failed(error: CallError<FileError>) -> io::Error {
    match error {
        CallError::App(error) => io::Error::from_raw_os_error(error.errno().raw_os_error()),
        error if error.needs_rebind() => gone(),
        error => io::Error::other(error),
    }
}

/// Nobody is there.
fn gone() -> io::Error {
    io::Error::from_raw_os_error(FileError::Unreachable.errno().raw_os_error())
}
