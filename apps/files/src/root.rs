//! Opening files below one directory, and never outside it.
//!
//! Every path goes through openat2(2) with `RESOLVE_BENEATH`, so the kernel refuses `..` beyond the directory, absolute paths, and
//! symbolic links that lead out, during the very walk that opens the file. Checking the text of a path first would leave a
//! window in which a directory is exchanged for a link. What knows no `RESOLVE_BENEATH` (mkdir, unlink, rename) is done to one
//! last name in a directory that was opened so.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::interface::{Entry, FileError, Kind, Stat, flags};

/// How often a walk is repeated that a rename elsewhere has made uncertain; whoever renames may be whoever sent the path.
const WALK_TRIES: u32 = 8;

/// A directory that bounds what can be opened through it.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// The directory `path`, which may itself be reached through links.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// What `path` is.
    ///
    /// # Errors
    /// [`FileError`], by what the kernel says; so in all that follows.
    pub fn stat(&self, path: &str, how: u32) -> Result<Stat, FileError> {
        stat_of(self.beneath(path, OFlags::PATH | link(how), Mode::empty())?.as_fd())
    }

    /// Opens a regular file, and makes it if `mode` says with which permissions.
    ///
    /// # Errors
    /// See [`Self::stat`]; `WrongKind`, if it is something else.
    pub fn file(&self, path: &str, how: u32, mode: Option<u32>) -> Result<(File, Stat), FileError> {
        let access = match (how & flags::READ != 0, how & flags::WRITE != 0) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            _ => OFlags::RDONLY,
        };
        // Opening a device or a pipe can have effects or block, so look first. If it is exchanged in between, NONBLOCK and
        // the second look bound the harm.
        match self.stat(path, how) {
            Ok(stat) => regular(stat)?,
            Err(FileError::NotFound) if mode.is_some() => {}
            Err(error) => return Err(error),
        }
        let mut open = access | OFlags::NONBLOCK | OFlags::NOCTTY | link(how);
        if mode.is_some() {
            open |= OFlags::CREATE;
        }
        if how & flags::EXCLUSIVE != 0 {
            open |= OFlags::EXCL;
        }
        let mode = Mode::from_raw_mode(mode.unwrap_or(0) & 0o777);
        let file = self.beneath(path, open, mode)?;
        let stat = stat_of(file.as_fd())?;
        regular(stat)?;
        Ok((File::from(file), stat))
    }

    /// The names in a directory, sorted by their bytes.
    ///
    /// # Errors
    /// See [`Self::stat`].
    pub fn list(&self, path: &str) -> Result<(Vec<Entry>, File), FileError> {
        let directory = self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
        let mut entries = Vec::new();
        for item in Dir::read_from(&directory)? {
            let item = item?;
            let name = item.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let kind = match Kind::from_type(item.file_type()) {
                Some(kind) => kind,
                None => match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => Kind::from_type(FileType::from_raw_mode(stat.st_mode)).unwrap_or(Kind::Special),
                    // Removed meanwhile.
                    Err(_) => continue,
                },
            };
            entries.push(Entry { kind, inode: item.ino(), name: name.to_bytes().to_vec() });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((entries, File::from(directory)))
    }

    /// Makes a directory; it must not exist.
    ///
    /// # Errors
    /// See [`Self::stat`].
    pub fn mkdir(&self, path: &str, mode: u32) -> Result<(), FileError> {
        if path.trim_end_matches('/') == "." {
            return Err(FileError::Exists);
        }
        let (parent, name) = self.last(path)?;
        Ok(rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(mode & 0o777))?)
    }

    /// Removes a name; that of a directory if `how` says so.
    ///
    /// # Errors
    /// See [`Self::stat`].
    pub fn unlink(&self, path: &str, how: u32) -> Result<(), FileError> {
        let (parent, name) = self.last(path)?;
        // As the kernel has it of a `/` at the end.
        if how & flags::DIRECTORY == 0 && path.ends_with('/') {
            self.stat(path, 0)?;
            return Err(FileError::IsDirectory);
        }
        let what = if how & flags::DIRECTORY != 0 { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(&parent, name, what)?)
    }

    /// Renames.
    ///
    /// # Errors
    /// See [`Self::stat`].
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        // As the kernel has it of a `/` at the end.
        if (from.ends_with('/') || to.ends_with('/')) && self.stat(from, flags::NO_FOLLOW)?.kind != Kind::Directory {
            return Err(FileError::WrongKind);
        }
        let ((from, old), (to, new)) = (self.last(from)?, self.last(to)?);
        match rustix::fs::renameat(&from, old, &to, new) {
            // Of rename it means another file system, not the end of a walk.
            Err(Errno::XDEV) => Err(FileError::CrossMount),
            other => Ok(other?),
        }
    }

    /// The directory of a path's last name, and that name, which is one.
    fn last<'p>(&self, path: &'p str) -> Result<(OwnedFd, &'p str), FileError> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        if parent.is_empty() {
            return Err(FileError::Outside);
        }
        if name.is_empty() || name == "." || name == ".." {
            return Err(FileError::BadPath);
        }
        Ok((self.beneath(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?, name))
    }

    fn beneath(&self, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        // AGAIN: a rename elsewhere raced with a `..` in the path, so the kernel could not be sure.
        for _ in 0..WALK_TRIES {
            match rustix::fs::openat2(&self.0, path, flags | OFlags::CLOEXEC, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }
}

fn link(how: u32) -> OFlags {
    if how & flags::NO_FOLLOW != 0 { OFlags::NOFOLLOW } else { OFlags::empty() }
}

fn regular(stat: Stat) -> Result<(), FileError> {
    match stat.kind {
        Kind::File => Ok(()),
        Kind::Symlink => Err(FileError::Symlink),
        Kind::Directory => Err(FileError::IsDirectory),
        Kind::Special => Err(FileError::WrongKind),
    }
}

/// What an open file is.
pub(crate) fn stat_of(file: BorrowedFd<'_>) -> Result<Stat, FileError> {
    let stat = rustix::fs::fstat(file)?;
    let kind = Kind::from_type(FileType::from_raw_mode(stat.st_mode)).unwrap_or(Kind::Special);
    let nanoseconds = |seconds: i64, rest: u64| seconds.saturating_mul(1_000_000_000).saturating_add_unsigned(rest);
    Ok(Stat {
        kind,
        mode: stat.st_mode,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        inode: stat.st_ino,
        device: stat.st_dev,
        links: stat.st_nlink,
        uid: stat.st_uid,
        gid: stat.st_gid,
        blocks: u64::try_from(stat.st_blocks).unwrap_or(0),
        accessed: nanoseconds(stat.st_atime, stat.st_atime_nsec),
        modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/sub")).unwrap();
        fs::write(dir.path().join("secret"), "s").unwrap();
        fs::write(dir.path().join("root/sub/file"), "contents").unwrap();
        symlink("../secret", dir.path().join("root/link")).unwrap();
        symlink("sub", dir.path().join("root/subway")).unwrap();
        symlink("/", dir.path().join("root/slash")).unwrap();
        let root = Root::new(&dir.path().join("root")).unwrap();
        (dir, root)
    }

    #[test]
    fn hostile_paths_stay_inside() {
        let (dir, root) = tree();
        let absolute = dir.path().join("secret").to_str().unwrap().to_owned();
        for (path, error) in [
            ("../secret", FileError::Outside),
            ("sub/../../secret", FileError::Outside),
            (absolute.as_str(), FileError::Outside),
            ("/etc/passwd", FileError::Outside),
            ("link", FileError::Outside),
            ("slash/etc/passwd", FileError::Outside),
            ("sub", FileError::IsDirectory),
            ("sub/file/", FileError::WrongKind),
            ("", FileError::NotFound),
            ("sub/fi\0le", FileError::BadPath),
        ] {
            assert_eq!(root.file(path, flags::READ, None).unwrap_err(), error, "file {path:?}");
        }
        for path in ["../new", "/tmp/new", "sub/../../new", "..", ".", "", "slash/new"] {
            assert!(root.mkdir(path, 0o777).is_err(), "mkdir {path:?}");
            assert!(root.file(path, flags::WRITE, Some(0o600)).is_err(), "create {path:?}");
            assert!(root.unlink(path, 0).is_err() && root.unlink(path, flags::DIRECTORY).is_err(), "unlink {path:?}");
            assert!(root.rename("sub/file", path).is_err(), "rename to {path:?}");
            assert!(root.rename(path, "stolen").is_err(), "rename from {path:?}");
        }
        assert!(!dir.path().join("new").exists() && fs::read(dir.path().join("secret")).unwrap() == b"s");
        assert_eq!(root.file("subway/file", flags::READ | flags::NO_FOLLOW, None).unwrap().1.size, 8);
        assert_eq!(root.file("link", flags::READ | flags::NO_FOLLOW, None).unwrap_err(), FileError::Symlink);
    }

    #[test]
    fn ordinary_paths_work() {
        let (_dir, root) = tree();
        assert!(root.file("sub/../sub/./file", flags::READ, None).is_ok());
        assert_eq!(root.stat("link", flags::NO_FOLLOW).unwrap().kind, Kind::Symlink);
        assert_eq!(root.stat("subway", 0).unwrap().kind, Kind::Directory);
        let names: Vec<_> = root.list(".").unwrap().0.into_iter().map(|e| (e.kind, e.name)).collect();
        let expected = [(Kind::Symlink, "link"), (Kind::Symlink, "slash"), (Kind::Directory, "sub")];
        assert_eq!(names[..3], expected.map(|(kind, name)| (kind, name.as_bytes().to_vec())));
        root.mkdir("sub/deeper/", 0o755).unwrap();
        let exclusive = flags::WRITE | flags::EXCLUSIVE;
        root.file("sub/deeper/new", exclusive, Some(0o644)).unwrap();
        assert_eq!(root.file("sub/deeper/new", exclusive, Some(0o644)).unwrap_err(), FileError::Exists);
        assert_eq!(root.unlink("sub/deeper", flags::DIRECTORY), Err(FileError::NotEmpty));
        assert_eq!(root.unlink("sub/deeper/new/", 0), Err(FileError::WrongKind));
        assert_eq!(root.unlink("sub/deeper/", 0), Err(FileError::IsDirectory));
        assert_eq!(root.rename("sub/deeper/new", "moved/"), Err(FileError::WrongKind));
        assert_eq!(root.rename("sub/file", "sub/deeper"), Err(FileError::IsDirectory));
        root.rename("sub/deeper/new", "moved").unwrap();
        root.unlink("sub/deeper", flags::DIRECTORY).unwrap();
        root.unlink("moved", 0).unwrap();
        assert_eq!(root.stat("moved", 0), Err(FileError::NotFound));
    }
}
