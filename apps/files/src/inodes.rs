//! Files as the cache knows them: one for each inode, whoever has it open.
//!
//! An inode is *in step* as long as its stamp (size, times) is what it was when the server last looked, or what the server
//! itself made of it. Out of step, it gets a new key ([`crate::cache`]). Times have a resolution: a stamp that was taken within
//! [`RESOLUTION`] of its own time says nothing of a change that came right after it, and is not believed the next time.
//!
//! ```text
//! write:  lock, version odd, pwrite, update pages, stamp, version even
//! miss:   version v, even; pread; insert if the version is still v
//! ```
//! A page that was read before or during a write is inserted only before that write begins to update pages, so it is updated. The
//! same is true of a [window](crate::window), whose lock is that of all its pages.

use std::collections::HashMap;
use std::fs::File;
use std::io::IoSlice;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::io::{Errno, ReadWriteFlags};

use crate::cache::{At, Cache, PAGE};
use crate::interface::{FileError, Stat};
use crate::root::stat_of;
use crate::window::Window;

/// How far apart changes are that file systems tell apart by time: ext4's and tmpfs's ticks, with room.
const RESOLUTION: Duration = Duration::from_millis(50);

/// Inodes that are remembered while nobody has them open.
const IDLE_COUNT_MAX: usize = 4096;

/// Pages that are read at once, for whoever reads in sequence.
const AHEAD: usize = 16;

/// Bytes that one call finds in a window.
const FOUND_SIZE_MAX: u32 = 128 * 1024;

/// How one tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: i64,
    changed: i64,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    /// Whether another stamp would tell of any change since.
    is_sure: bool,
}

/// A file.
#[derive(Debug)]
pub(crate) struct Inode {
    key: AtomicU64,
    size: AtomicU64,
    /// Odd while somebody writes.
    version: AtomicU64,
    /// Held by whoever writes.
    known: Mutex<Known>,
    /// What those have who have it open and have asked for it.
    window: Mutex<Weak<Shown>>,
}

/// A file's window, and the cache that has lent its memory.
#[derive(Debug)]
pub(crate) struct Shown {
    window: Mutex<Window>,
    cache: Arc<Cache>,
}

impl Shown {
    /// Its lock. With that of an inode's `known`, that one first.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // The memory is freed after this, which is soon enough.
        self.cache.take_back(self.lock().lent());
    }
}

fn next_key() -> u64 {
    static KEYS: AtomicU64 = AtomicU64::new(1);
    KEYS.fetch_add(1, Ordering::Relaxed)
}

fn known(stat: &Stat) -> Known {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let newest = u128::try_from(stat.modified.max(stat.changed)).unwrap_or(0);
    let stamp = Stamp { size: stat.size, modified: stat.modified, changed: stat.changed };
    Known { stamp, is_sure: newest + RESOLUTION.as_nanos() < now.as_nanos() }
}

impl Inode {
    fn new(stat: &Stat) -> Self {
        let (key, size) = (AtomicU64::new(next_key()), AtomicU64::new(stat.size));
        Self { key, size, version: AtomicU64::new(0), known: Mutex::new(known(stat)), window: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares it with what it is now: what was cached before somebody else changed it goes.
    pub(crate) fn look(&self, file: &File) -> Result<Stat, FileError> {
        let mut before = self.known();
        // Under the lock: no write of our own comes between.
        let stat = stat_of(file.as_fd())?;
        let now = known(&stat);
        if !before.is_sure || before.stamp != now.stamp {
            self.key.store(next_key(), Ordering::Release);
            self.size.store(stat.size, Ordering::Release);
        }
        *before = now;
        Ok(stat)
    }

    /// Reads at `pos`; fewer bytes than there is room for: the file ends. `in_sequence`: more is going to be read behind it.
    pub(crate) fn read(
        &self,
        cache: &Cache,
        file: &File,
        pos: u64,
        into: &mut [u8],
        in_sequence: bool,
    ) -> Result<usize, FileError> {
        let size = self.size.load(Ordering::Acquire);
        let left = usize::try_from(size.saturating_sub(pos)).unwrap_or(usize::MAX).min(into.len());
        let into = into.get_mut(..left).unwrap_or_default();
        let key = self.key.load(Ordering::Acquire);
        let mut done = 0;
        while done < left {
            let here = pos.saturating_add(done as u64);
            let (page, from) = (here / PAGE as u64, (here % PAGE as u64) as usize);
            let end = left.min(done + PAGE - from);
            let Some(part) = into.get_mut(done..end) else { break };
            if !cache.copy_out(At { key, page }, from, part) {
                let count = if in_sequence || left - done > PAGE { AHEAD } else { 1 };
                let n = self.fill(cache, file, At { key, page }, count, from, part)?;
                if n < part.len() {
                    // Somebody else has made it shorter.
                    return Ok(done + n);
                }
            }
            done = end;
        }
        Ok(done)
    }

    /// Its window, made if there is none, and if there can be one.
    pub(crate) fn shown(&self, cache: &Arc<Cache>) -> Option<Arc<Shown>> {
        let mut place = self.place();
        if let Some(shown) = place.upgrade() {
            return Some(shown);
        }
        let window = Window::new(cache, self.key.load(Ordering::Acquire), self.size.load(Ordering::Acquire))?;
        let shown = Arc::new(Shown { window: Mutex::new(window), cache: Arc::clone(cache) });
        *place = Arc::downgrade(&shown);
        Some(shown)
    }

    fn place(&self) -> MutexGuard<'_, Weak<Shown>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What [`find`](Self::find) does where all bytes are in the window already.
    pub(crate) fn found(&self, shown: &Shown, pos: u64, wanted: u32) -> Option<(u32, u64)> {
        let (key, count, range) = self.span(pos, wanted)?;
        let mut window = shown.lock();
        let stamp = window.find(key, &range)?.ok()?;
        window.hit(&range, &shown.cache);
        Some((count, stamp))
    }

    /// The key, how many bytes there are of those that are wanted, and where they lie.
    fn span(&self, pos: u64, wanted: u32) -> Option<(u64, u32, Range<u64>)> {
        // Before the size: whoever changes both changes the key first.
        let key = self.key.load(Ordering::Acquire);
        let size = self.size.load(Ordering::Acquire);
        let count = u32::try_from(size.saturating_sub(pos)).unwrap_or(u32::MAX).min(wanted);
        (wanted <= FOUND_SIZE_MAX).then(|| (key, count, pos..pos.saturating_add(u64::from(count))))
    }

    /// Sees to it that bytes are in the window: how many the file has there of those that are wanted, and by which stamp they are
    /// what a read would return now. `None`: they have to be read.
    pub(crate) fn find(&self, shown: &Shown, file: &File, pos: u64, wanted: u32) -> Option<(u32, u64)> {
        // Before the key: whoever changes that has made it another one.
        let version = self.version.load(Ordering::Acquire);
        let (key, count, range) = self.span(pos, wanted)?;
        loop {
            let found = shown.lock().find(key, &range)?;
            let at = match found {
                Ok(stamp) => return Some((count, stamp)),
                Err(at) => at,
            };
            let mut bytes = [0; PAGE];
            let wanted = range.end.saturating_sub(at.page.saturating_mul(PAGE as u64)).min(PAGE as u64);
            let n = if shown.cache.copy_out(at, 0, &mut bytes) {
                PAGE
            } else {
                self.fill(&shown.cache, file, at, AHEAD, 0, &mut bytes).ok()?
            };
            let mut window = shown.lock();
            // Whoever writes from now on has this lock after us, and updates the page.
            let is_true = version.is_multiple_of(2) && self.version.load(Ordering::Acquire) == version;
            if !is_true || self.key.load(Ordering::Acquire) != key || (n as u64) < wanted {
                return None;
            }
            window.put(at, &bytes);
        }
    }

    /// Reads pages that are not in the cache, puts them there, and copies out of the first one.
    fn fill(
        &self,
        cache: &Cache,
        file: &File,
        at: At,
        count: usize,
        from: usize,
        into: &mut [u8],
    ) -> Result<usize, FileError> {
        let version = self.version.load(Ordering::Acquire);
        let mut bytes = vec![0; count * PAGE];
        let n = read_all_at(file, &mut bytes, at.page.saturating_mul(PAGE as u64))?;
        let bytes = bytes.get(..n).unwrap_or_default();
        let is_true = || version.is_multiple_of(2) && self.version.load(Ordering::Acquire) == version;
        for (page, bytes) in (at.page..).zip(bytes.chunks(PAGE)) {
            cache.insert(At { key: at.key, page }, bytes, is_true);
        }
        let there = bytes.get(from..n.min(from + into.len())).unwrap_or_default();
        let (front, _) = into.split_at_mut(there.len());
        front.copy_from_slice(there);
        Ok(there.len())
    }

    /// Writes at `pos`, or at the end; how many bytes, and where they end now.
    pub(crate) fn write(
        &self,
        cache: &Cache,
        file: &File,
        pos: Option<u64>,
        bytes: &[u8],
    ) -> Result<(usize, u64), FileError> {
        let mut known_now = self.known();
        let _writing = Writing::of(&self.version);
        let result = match pos {
            Some(pos) => write_at(file, bytes, pos).map(|n| (n, pos.saturating_add(n as u64))),
            None => append(file, bytes),
        };
        let (n, end) = *result.as_ref().unwrap_or(&(0, 0));
        let pos = end.saturating_sub(n as u64);
        // How much was written is not known, or others have appended what the cache has not seen.
        if result.is_err() || pos > self.size.load(Ordering::Acquire) {
            self.key.store(next_key(), Ordering::Release);
        }
        let written = bytes.get(..n).unwrap_or(bytes);
        let (key, size) = (self.key.load(Ordering::Acquire), self.size.load(Ordering::Acquire));
        let mut done = 0;
        while let Some(rest) = written.get(done..).filter(|rest| !rest.is_empty()) {
            let here = pos.saturating_add(done as u64);
            let (page, from) = (here / PAGE as u64, (here % PAGE as u64) as usize);
            let part = rest.get(..rest.len().min(PAGE - from)).unwrap_or(rest);
            // A page that is whole, or behind which the file ends, needs nothing of the disk.
            let is_known = from == 0 && (part.len() == PAGE || end >= size);
            if !cache.update(At { key, page }, from, part) && is_known {
                cache.insert(At { key, page }, part, || true);
            }
            done += part.len();
        }
        let shown = self.place().upgrade();
        if let Some(shown) = shown {
            shown.lock().update(key, pos, written);
        }
        self.size.fetch_max(end, Ordering::AcqRel);
        // What others did just before or after it looks like this write.
        *known_now = Known { is_sure: false, ..known(&stat_of(file.as_fd())?) };
        result
    }

    /// Makes it `size` bytes long.
    pub(crate) fn truncate(&self, file: &File, size: u64) -> Result<(), FileError> {
        let mut known_now = self.known();
        let _writing = Writing::of(&self.version);
        let result = rustix::fs::ftruncate(file, size);
        let stat = stat_of(file.as_fd())?;
        self.key.store(next_key(), Ordering::Release);
        self.size.store(stat.size, Ordering::Release);
        *known_now = Known { is_sure: false, ..known(&stat) };
        Ok(result?)
    }
}

/// While this is there, what is read is not cached.
struct Writing<'a>(&'a AtomicU64);

impl<'a> Writing<'a> {
    fn of(version: &'a AtomicU64) -> Self {
        version.fetch_add(1, Ordering::AcqRel);
        Self(version)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn failed(error: &std::io::Error) -> FileError {
    Errno::from_io_error(error).map_or(FileError::Io, FileError::from)
}

fn read_all_at(file: &File, into: &mut [u8], pos: u64) -> Result<usize, FileError> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, pos.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(done)
}

fn not_written(error: Errno) -> FileError {
    match FileError::from(error) {
        FileError::BadPath => FileError::BadArgument,
        other => other,
    }
}

/// How much could be written; an error if nothing.
fn write_at(file: &File, bytes: &[u8], pos: u64) -> Result<usize, FileError> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pwrite(file, rest, pos.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(_) if done > 0 => break,
            Err(error) => return Err(not_written(error)),
        }
    }
    Ok(done)
}

/// At the end, which the kernel finds while nobody else writes, whichever process that is: to look for it first and to write there
/// would be to write over what others append meanwhile. The place is the descriptor's own, which nothing else uses.
fn append(file: &File, bytes: &[u8]) -> Result<(usize, u64), FileError> {
    let parts = [IoSlice::new(bytes)];
    let append = || rustix::io::pwritev2(file, &parts, u64::MAX, ReadWriteFlags::APPEND);
    let n = rustix::io::retry_on_intr(append).map_err(not_written)?;
    // After the bytes: the kernel has moved it along with them.
    Ok((n, rustix::fs::tell(file)?))
}

/// All inodes that are open, and some that were.
#[derive(Debug, Default)]
pub(crate) struct Inodes(Mutex<HashMap<(u64, u64), Arc<Inode>>>);

impl Inodes {
    /// That of a file that was just opened.
    pub(crate) fn of(&self, file: &File, stat: &Stat) -> Result<Arc<Inode>, FileError> {
        let mut inodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inode) = inodes.get(&(stat.device, stat.inode)).cloned() {
            drop(inodes);
            inode.look(file)?;
            return Ok(inode);
        }
        if inodes.len() >= IDLE_COUNT_MAX {
            // Their pages are nobody's any more, and are replaced.
            inodes.retain(|_, inode| Arc::strong_count(inode) > 1);
        }
        let inode = Arc::new(Inode::new(stat));
        inodes.insert((stat.device, stat.inode), Arc::clone(&inode));
        Ok(inode)
    }
}
