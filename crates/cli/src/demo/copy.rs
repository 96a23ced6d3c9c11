//! The client's work on the tree: everything through calls.
//!
//! What was read goes to a *spool*, a directory of the client's own, so that the parent can compare the bytes that came
//! out of the calls and not only those that went back into others.

use std::fs::File;
use std::os::unix::fs::FileExt;

use anyhow::{Context, anyhow};
use nearcall::CallError;

use super::events::Event;
use super::files::{CHUNK, Entry, FileError, FilesCall, Handle, Pair, Stat, flags, get_page};
use super::meter::{Meter, Row};
use super::root::Root;
use super::tree::{Found, Rules, Source, SourceError, Walk, walk};

/// How the client opens files of the tree.
pub(crate) const TO_READ: u32 = flags::READ | flags::NO_FOLLOW;

/// The servers with a meter at each procedure.
#[derive(Debug)]
pub(crate) struct Remote<'a, C> {
    files: &'a Pair<C>,
    open: Meter,
    stat: Meter,
    list: Meter,
    read: Meter,
    create: Meter,
    mkdir: Meter,
    write: Meter,
    close: Meter,
}

impl From<CallError<FileError>> for SourceError {
    fn from(error: CallError<FileError>) -> Self {
        match error {
            CallError::App(error) => Self::File(error),
            error => Self::Source(anyhow!(error).context("a call to the file server failed")),
        }
    }
}

impl<'a, C: FilesCall> Remote<'a, C> {
    /// Through these calls; no time measured yet.
    pub(crate) fn new(files: &'a Pair<C>) -> Self {
        Self {
            files,
            open: Meter::new("open"),
            stat: Meter::new("stat"),
            list: Meter::new("list"),
            read: Meter::new("read"),
            create: Meter::new("create"),
            mkdir: Meter::new("mkdir"),
            write: Meter::new("write"),
            close: Meter::new("close"),
        }
    }

    /// A line a procedure.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let meters =
            [&self.open, &self.stat, &self.list, &self.read, &self.create, &self.mkdir, &self.write, &self.close];
        meters.map(Meter::row).into()
    }

    /// Copies the tree that `rules` bound and tells `tell` of each file. Returns what it found, without refused files.
    ///
    /// # Errors
    /// The server died or misbehaved, or the spool cannot be written. A refused file is an event.
    pub(crate) fn copy_tree(
        &mut self,
        rules: &Rules,
        spool: &Root,
        tell: &mut dyn FnMut(Event) -> anyhow::Result<()>,
    ) -> anyhow::Result<Walk> {
        let mut found = walk(self, rules)?;
        for directory in &found.directories {
            spool.mkdir(directory).with_context(|| format!("cannot make the spool's directory {directory}"))?;
            if let Err(error) = self.make_directory(directory) {
                tell(refused(directory, error)?)?;
            }
        }
        for file in std::mem::take(&mut found.files) {
            match self.copy_file(&file, spool) {
                Ok(bytes) => {
                    tell(Event::Copied { path: file.path.clone(), bytes })?;
                    found.files.push(file);
                }
                Err(error) => tell(refused(&file.path, error)?)?,
            }
        }
        Ok(found)
    }

    /// Reads all of `files` again, and keeps nothing. Returns the line for these reads alone.
    pub(crate) fn read_again(&mut self, files: &[Found]) -> anyhow::Result<Row> {
        let mut meter = Meter::new("calls");
        std::mem::swap(&mut meter, &mut self.read);
        for file in files {
            match self.read_file(file, |_, _, _| Ok(())) {
                // What cannot be read any more was reported, or will be when the parent compares.
                Ok(_) | Err(SourceError::File(_)) => {}
                Err(SourceError::Source(error)) => return Err(error),
            }
        }
        std::mem::swap(&mut meter, &mut self.read);
        Ok(meter.row())
    }

    fn make_directory(&mut self, path: &str) -> Result<(), SourceError> {
        Ok(self.mkdir.time(|()| 0, || self.files.copy.mkdir(path, 0o700))?)
    }

    fn copy_file(&mut self, file: &Found, spool: &Root) -> Result<u64, SourceError> {
        let kept = spool.create(&file.path).map_err(|error| spool_failed(&file.path, anyhow!(error)))?;
        let how = flags::WRITE | flags::EXCLUSIVE;
        let copy = self.create.time(|_| 0, || self.files.copy.create(&file.path, how, 0o600))?;
        let bytes = self.read_file(file, |remote, pos, bytes| {
            kept.write_all_at(bytes, pos).map_err(|error| spool_failed(&file.path, anyhow!(error)))?;
            remote.write_all(copy, pos, bytes)
        })?;
        self.close(&self.files.copy, copy)?;
        Ok(bytes)
    }

    fn read_file(
        &mut self,
        file: &Found,
        mut each: impl FnMut(&mut Self, u64, &[u8]) -> Result<(), SourceError>,
    ) -> Result<u64, SourceError> {
        let handle = self.open.time(|_| 0, || self.files.tree.open(&file.path, TO_READ))?;
        let mut buf = [0; CHUNK];
        let mut pos = 0;
        // Beyond the size of the walk the file has grown; the parent will see that, and one that grows for ever ends.
        while pos <= file.stat.size {
            let at = pos;
            let n = self.read.time(|n| u64::from(*n), || self.files.tree.read(handle, &mut pos, &mut buf))?;
            let bytes = buf.get(..n as usize).filter(|bytes| pos == at + bytes.len() as u64);
            let bytes =
                bytes.ok_or_else(|| misbehaves(&file.path, "returns a count that does not fit its position"))?;
            each(self, at, bytes)?;
            if bytes.len() < CHUNK {
                break;
            }
        }
        self.close(&self.files.tree, handle)?;
        Ok(pos)
    }

    fn write_all(&mut self, handle: Handle, mut pos: u64, mut bytes: &[u8]) -> Result<(), SourceError> {
        while !bytes.is_empty() {
            let n = self.write.time(|n| u64::from(*n), || self.files.copy.write(handle, &mut pos, bytes))?;
            let rest = bytes.get(n as usize..).filter(|_| n > 0);
            bytes = rest.ok_or_else(|| misbehaves("a copy", "wrote nothing, or more than it was given"))?;
        }
        Ok(())
    }

    fn close(&mut self, at: &C, handle: Handle) -> Result<(), SourceError> {
        Ok(self.close.time(|()| 0, || at.close(handle))?)
    }
}

impl<C: FilesCall> Source for Remote<'_, C> {
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, SourceError> {
        let handle = self.open.time(|_| 0, || self.files.tree.open(path, flags::DIRECTORY | flags::READ))?;
        let mut entries = Vec::new();
        let mut next = 0;
        let mut page = [0; CHUNK];
        loop {
            let n =
                self.list.time(|n| u64::from(*n), || self.files.tree.get_direntries(handle, &mut next, &mut page))?;
            if n == 0 {
                break;
            }
            let more = page.get(..n as usize).and_then(get_page);
            entries.extend(more.ok_or_else(|| misbehaves(path, "sends a page that is none"))?);
        }
        self.close(&self.files.tree, handle)?;
        Ok(entries)
    }

    fn stat(&mut self, path: &str) -> Result<Stat, SourceError> {
        Ok(self.stat.time(|_| 0, || self.files.tree.stat(path, flags::NO_FOLLOW))?.into())
    }
}

/// Reads `path` from `pos` to `end` through calls and puts the bytes into `kept`. Returns the position after them.
pub(crate) fn read_range<C: FilesCall>(
    files: &C,
    path: &str,
    mut pos: u64,
    end: u64,
    kept: &File,
) -> anyhow::Result<u64> {
    let handle = files.open(path, TO_READ).with_context(|| format!("cannot open {path}"))?;
    let mut buf = [0; CHUNK];
    while pos < end {
        let at = pos;
        let wanted = usize::try_from(end - pos).map_or(CHUNK, |left| left.min(CHUNK));
        let n = files.read(handle, &mut pos, &mut buf[..wanted]).with_context(|| format!("cannot read {path}"))?;
        if n == 0 {
            break;
        }
        let bytes =
            buf.get(..n as usize).with_context(|| format!("the server misbehaves at {path}: too many bytes"))?;
        kept.write_all_at(bytes, at).context("cannot write the client's spool")?;
    }
    files.close(handle).with_context(|| format!("cannot close {path}"))?;
    Ok(pos)
}

fn refused(path: &str, error: SourceError) -> anyhow::Result<Event> {
    match error {
        SourceError::File(error) => Ok(Event::Refused { path: path.to_owned(), error: error.to_string() }),
        SourceError::Source(error) => Err(error.context(format!("at {path}"))),
    }
}

fn spool_failed(path: &str, error: anyhow::Error) -> SourceError {
    SourceError::Source(error.context(format!("the client cannot keep what it read of {path}; is its disk full?")))
}

fn misbehaves(path: &str, how: &str) -> SourceError {
    SourceError::Source(anyhow!("the file server misbehaves at {path}: it {how}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nearcall_files::FilesLocal;
    use nearcall_files::pfs::Pfs;

    use super::super::tree::Bounds;
    use super::*;

    #[test]
    fn copies_a_tree_twice() {
        let dir = tempfile::tempdir().unwrap();
        let local = |name: &str| {
            fs::create_dir(dir.path().join(name)).unwrap();
            FilesLocal(Pfs::new(&dir.path().join(name), 64).unwrap())
        };
        let files = Pair { tree: local("tree"), copy: local("copy") };
        fs::create_dir(dir.path().join("spool")).unwrap();
        let spool = Root::new(&dir.path().join("spool")).unwrap();
        fs::create_dir_all(dir.path().join("tree/sub/deep")).unwrap();
        let sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK];
        for size in sizes {
            let contents: Vec<_> = (0..size).map(|i| (i % 251) as u8).collect();
            fs::write(dir.path().join(format!("tree/sub/deep/{size}")), contents).unwrap();
        }
        // More names than a page holds.
        for i in 0..300 {
            fs::write(dir.path().join(format!("tree/sub/a-file-with-a-long-name-{i}")), [7; 3]).unwrap();
        }
        let mut remote = Remote::new(&files);
        let rules = Rules { bounds: Bounds { limit_files: 1000, max_bytes: 1 << 30 }, own: None };
        let mut events = Vec::new();
        let mut tell = |event| {
            events.push(event);
            Ok(())
        };
        let walk = remote.copy_tree(&rules, &spool, &mut tell).unwrap();
        assert_eq!((walk.files.len(), walk.directories.len()), (306, 2));
        assert!(events.iter().all(|event| matches!(event, Event::Copied { .. })), "{events:?}");
        for file in &walk.files {
            let read = |name: &str| fs::read(dir.path().join(name).join(&file.path)).unwrap();
            assert_eq!(read("tree"), read("copy"), "{}", file.path);
            assert_eq!(read("tree"), read("spool"), "{}", file.path);
        }
        let again = remote.read_again(&walk.files).unwrap();
        let copied = remote.rows().into_iter().find(|row| row.name == "read").unwrap();
        assert_eq!((again.calls, again.bytes), (copied.calls, copied.bytes));
        assert_eq!(copied.bytes, walk.bytes);
    }
}
