//! The physical file system: one directory, its files' pages in a cache of its own.
//!
//! A read copies from the cache into the server's half of the call's memory, which is the reply; no byte is copied in
//! between. A miss reads the file; writes go to the file and to the pages that are cached. [`crate`] says what that means for
//! those who look at the directory by themselves.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use nearcall::SharedGrant;
use rustix::io::Errno;

use crate::cache::Cache;
use crate::inodes::Inodes;
use crate::interface::{FileError, Files, FilesServer, Found, Handle, Stat, Ticket, flags, put_entries};
use crate::listings::Listings;
use crate::root::{Root, stat_of};
use crate::table::{Client, Open, Table, ended_at};

/// The client number of calls that are none: those of this process.
const OURSELVES: Client = Client { id: 0, uid: u32::MAX };

/// What all clients may have open: three of four descriptors that this process can have, so that there are some for those who bind.
fn open_count_max() -> usize {
    let max = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(max).unwrap_or(usize::MAX) / 4 * 3
}

/// A file server's directory, cache and table.
#[derive(Debug)]
pub struct Pfs {
    root: Root,
    cache: Arc<Cache>,
    inodes: Inodes,
    listings: Listings,
    table: Table,
    syncs: AtomicU64,
    read_only: bool,
}

impl Pfs {
    /// Serves what is below `directory`, with a cache of `pages` pages of 4 KiB.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn new(directory: &Path, pages: usize) -> Result<Self, Errno> {
        let (root, cache, syncs) = (Root::new(directory)?, Arc::new(Cache::new(pages)), AtomicU64::new(0));
        Ok(Self {
            root,
            cache,
            inodes: Inodes::default(),
            listings: Listings::default(),
            table: Table::new(open_count_max()),
            syncs,
            read_only: false,
        })
    }

    /// Refuses whatever changes something.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Files and directories that clients have open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.table.count()
    }

    /// How often it was seen to that something is on the disk.
    #[must_use]
    pub fn sync_count(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Exports it. What a client has open is closed when it has gone.
    ///
    /// # Errors
    /// [`nearcall::ExportError`].
    pub fn export(self: Arc<Self>, exporter: nearcall::Exporter) -> Result<nearcall::Export, nearcall::ExportError> {
        let table = Arc::downgrade(&self);
        exporter
            .on_peer_exit(move |peer| {
                if let Some(pfs) = table.upgrade() {
                    pfs.forget(peer.id());
                }
            })
            .export(FilesServer::new(self))
    }

    /// Closes what a client has open.
    pub fn forget(&self, client: u64) {
        drop(self.table.forget(client));
    }

    fn keep(&self, open: Open) -> Result<Handle, FileError> {
        self.table.keep(opener(), Arc::new(open))
    }

    fn get(&self, handle: Handle) -> Result<Arc<Open>, FileError> {
        self.table.get(client(), handle)
    }

    fn may_change(&self) -> Result<(), FileError> {
        if self.read_only { Err(FileError::Denied) } else { Ok(()) }
    }

    fn open_file(&self, path: &str, how: u32, mode: Option<u32>) -> Result<Handle, FileError> {
        let writes = flags::WRITE | flags::APPEND | flags::TRUNCATE;
        if how & writes != 0 || mode.is_some() {
            self.may_change()?;
        }
        if how & !flags::ALL != 0
            || how & (flags::APPEND | flags::TRUNCATE) != 0 && how & flags::WRITE == 0
            || how & (flags::READ | flags::WRITE) == 0
            || how & flags::EXCLUSIVE != 0 && mode.is_none()
        {
            return Err(FileError::BadArgument);
        }
        self.table.expire();
        let (file, stat) = self.root.file(path, how, mode)?;
        let inode = self.inodes.of(&file, &stat)?;
        if how & flags::TRUNCATE != 0 && stat.size > 0 {
            inode.truncate(&file, 0)?;
        }
        self.keep(Open::File { file, inode, how, read_to: AtomicU64::new(0), shown: OnceLock::new() })
    }
}

/// Who calls.
fn client() -> u64 {
    nearcall::caller().unwrap_or(OURSELVES.id)
}

/// The same, with its user, in whose share it opens something.
fn opener() -> Client {
    nearcall::current().map_or(OURSELVES, |current| Client { id: current.peer().id(), uid: current.peer().uid() })
}

fn file_of(open: &Open) -> &File {
    match open {
        Open::File { file, .. } | Open::Directory { file, .. } => file,
    }
}

impl Files for Pfs {
    fn open(&self, path: &str, how: u32) -> Result<Handle, FileError> {
        if how & flags::DIRECTORY == 0 {
            return self.open_file(path, how, None);
        }
        if how & !(flags::DIRECTORY | flags::READ | flags::NO_FOLLOW) != 0 {
            return Err(FileError::BadArgument);
        }
        self.table.expire();
        let (entries, file) = self.root.list(path)?;
        let found = rustix::fs::fstat(&file)?;
        let entries = self.listings.share((found.st_dev, found.st_ino), entries);
        self.keep(Open::Directory { file, entries })
    }

    fn create(&self, path: &str, how: u32, mode: u32) -> Result<Handle, FileError> {
        self.open_file(path, how, Some(mode))
    }

    fn hand_on(&self, handle: Handle, whom: u64) -> Result<Ticket, FileError> {
        self.table.hand_on(client(), handle, whom)
    }

    fn claim(&self, ticket: Ticket) -> Result<Handle, FileError> {
        self.table.claim(opener(), ticket)
    }

    fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> Result<u32, FileError> {
        let open = self.get(handle)?;
        let Open::File { file, inode, how, read_to, .. } = &*open else { return Err(FileError::IsDirectory) };
        if how & flags::READ == 0 {
            return Err(FileError::BadHandle);
        }
        let in_sequence = ended_at(read_to, *pos, pos.saturating_add(buf.len() as u64));
        let n = inode.read(&self.cache, file, *pos, buf, in_sequence)?;
        *pos += n as u64;
        // No buffer of a call has more bytes than that.
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    fn window(&self, handle: Handle) -> Result<SharedGrant, FileError> {
        let open = self.get(handle)?;
        let Open::File { inode, how, shown, .. } = &*open else { return Err(FileError::IsDirectory) };
        if how & flags::READ == 0 {
            return Err(FileError::BadHandle);
        }
        let made = inode.shown(&self.cache).ok_or(FileError::NoSpace)?;
        // Whoever asks twice at once is shown the same.
        let shown = shown.get_or_init(|| made);
        let reader = shown.lock().reader();
        reader.ok_or(FileError::NoSpace)
    }

    fn find(&self, handle: Handle, pos: u64, size: u32) -> Result<Found, FileError> {
        let client = client();
        // What is there is found without a count on the file: that would be a good part of the time.
        let found = self.table.look(client, handle, |open| match &**open {
            Open::File { inode, shown, .. } => shown.get().and_then(|shown| inode.found(shown, pos, size)),
            Open::Directory { .. } => None,
        })?;
        if let Some((size, stamp)) = found {
            return Ok(Found { size, stamp });
        }
        let open = self.table.get(client, handle)?;
        let Open::File { file, inode, shown, .. } = &*open else { return Err(FileError::IsDirectory) };
        // Only whoever may read was shown it.
        let shown = shown.get().ok_or(FileError::BadHandle)?;
        let (size, stamp) = inode.find(shown, file, pos, size).unwrap_or_default();
        Ok(Found { size, stamp })
    }

    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError> {
        let open = self.get(handle)?;
        let Open::File { file, inode, how, .. } = &*open else { return Err(FileError::IsDirectory) };
        if how & flags::WRITE == 0 {
            return Err(FileError::BadHandle);
        }
        if pos.checked_add(data.len() as u64).is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(FileError::BadArgument);
        }
        let at = (how & flags::APPEND == 0).then_some(*pos);
        let (n, end) = inode.write(&self.cache, file, at, data)?;
        *pos = end;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }

    fn get_direntries(&self, handle: Handle, next: &mut u64, page: &mut [u8]) -> Result<u32, FileError> {
        let open = self.get(handle)?;
        let Open::Directory { entries, .. } = &*open else { return Err(FileError::WrongKind) };
        let rest = usize::try_from(*next).ok().and_then(|next| entries.get(next..)).unwrap_or_default();
        let (count, used) = put_entries(rest, page);
        if count == 0 && !rest.is_empty() {
            return Err(FileError::PageTooSmall);
        }
        *next += count as u64;
        Ok(u32::try_from(used).unwrap_or(u32::MAX))
    }

    fn fstat(&self, handle: Handle) -> Result<Stat, FileError> {
        match &*self.get(handle)? {
            Open::File { file, inode, .. } => inode.look(file),
            Open::Directory { file, .. } => stat_of(std::os::fd::AsFd::as_fd(file)),
        }
    }

    fn stat(&self, path: &str, how: u32) -> Result<Stat, FileError> {
        if how & !flags::NO_FOLLOW != 0 {
            return Err(FileError::BadArgument);
        }
        self.root.stat(path, how)
    }

    fn truncate(&self, handle: Handle, size: u64) -> Result<(), FileError> {
        let open = self.get(handle)?;
        let Open::File { file, inode, how, .. } = &*open else { return Err(FileError::IsDirectory) };
        if how & flags::WRITE == 0 {
            return Err(FileError::BadHandle);
        }
        if i64::try_from(size).is_err() {
            return Err(FileError::BadArgument);
        }
        inode.truncate(file, size)
    }

    fn sync(&self, handle: Handle) -> Result<(), FileError> {
        let open = self.get(handle)?;
        // The disk takes its time; others are not to wait for this processor.
        nearcall::blocking(|| rustix::fs::fsync(file_of(&open)))?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn close(&self, handle: Handle) -> Result<(), FileError> {
        // The last one to let go closes it, and that may be a read that goes on.
        self.table.take(client(), handle).map(drop)
    }

    fn mkdir(&self, path: &str, mode: u32) -> Result<(), FileError> {
        self.may_change()?;
        self.root.mkdir(path, mode)
    }

    fn unlink(&self, path: &str, how: u32) -> Result<(), FileError> {
        self.may_change()?;
        if how & !flags::DIRECTORY != 0 {
            return Err(FileError::BadArgument);
        }
        self.root.unlink(path, how)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        self.may_change()?;
        self.root.rename(from, to)
    }
}

#[cfg(test)]
mod tests;
