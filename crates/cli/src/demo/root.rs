//! Opening files below one directory, and never outside it.
//!
//! Every path goes through openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, so the kernel refuses `..` beyond
//! the root, absolute paths and links during the very walk that opens the file. Checking the text of a path first would
//! leave a window in which a directory is exchanged for a link.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Dir, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::files::{Entry, FileError, Kind, Stat};

/// A directory that bounds what can be opened through it.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

impl Root {
    /// The directory `path`, which may itself be reached through links.
    pub(crate) fn new(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// What `path` is; of a symbolic link at its end, the link.
    pub(crate) fn stat(&self, path: &str) -> Result<Stat, FileError> {
        stat_of(&self.beneath(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())?)
    }

    /// Opens a regular file to read.
    pub(crate) fn file(&self, path: &str) -> Result<File, FileError> {
        // Opening a device or a pipe can have effects or block, so look first. If the file is exchanged in between,
        // NONBLOCK and the second look bound the harm.
        regular(self.stat(path)?)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.beneath(path, flags, Mode::empty())?;
        regular(stat_of(&file)?)?;
        Ok(File::from(file))
    }

    /// The names in a directory, sorted by their bytes.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Entry>, FileError> {
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
                None => {
                    let stat = rustix::fs::statat(&directory, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
                    Kind::from_type(rustix::fs::FileType::from_raw_mode(stat.st_mode)).unwrap_or(Kind::Special)
                }
            };
            entries.push(Entry { kind, name: name.to_bytes().to_vec() });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Creates a file to write; it must not exist.
    pub(crate) fn create(&self, path: &str) -> Result<File, FileError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        Ok(File::from(self.beneath(path, flags, Mode::RUSR | Mode::WUSR)?))
    }

    /// Creates a directory; it must not exist.
    pub(crate) fn mkdir(&self, path: &str) -> Result<(), FileError> {
        // mkdirat knows no RESOLVE_BENEATH, so the walk ends one name early, and the last name is made sure to be one.
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        if parent.is_empty() {
            return Err(FileError::Outside);
        }
        if name.is_empty() || name == "." || name == ".." {
            return Err(FileError::BadPath);
        }
        let parent = self.beneath(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        Ok(rustix::fs::mkdirat(&parent, name, Mode::RWXU)?)
    }

    fn beneath(&self, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        // EAGAIN: a rename elsewhere raced with a `..` in the path, so the kernel could not be sure. Ask again, but
        // not for ever: whoever renames might be the one who sent the path.
        for _ in 0..8 {
            match rustix::fs::openat2(&self.0, path, flags | OFlags::CLOEXEC, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::AGAIN)
    }
}

/// Whether `path` can be opened as a directory by this process, by its plain path.
pub(crate) fn reachable(path: &Path) -> bool {
    rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

fn regular(stat: Stat) -> Result<(), FileError> {
    match stat.kind {
        Kind::File => Ok(()),
        Kind::Symlink => Err(FileError::Symlink),
        Kind::Directory | Kind::Special => Err(FileError::WrongKind),
    }
}

fn stat_of(file: &OwnedFd) -> Result<Stat, FileError> {
    let stat = rustix::fs::fstat(file)?;
    let kind = Kind::from_type(rustix::fs::FileType::from_raw_mode(stat.st_mode)).unwrap_or(Kind::Special);
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Ok(Stat {
        kind,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        inode: stat.st_ino,
        modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec as i64),
        changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec as i64),
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
            ("link", FileError::Symlink),
            ("slash/etc/passwd", FileError::Symlink),
            ("subway/file", FileError::Symlink),
            ("sub", FileError::WrongKind),
            ("", FileError::NotFound),
            ("sub/fi\0le", FileError::BadPath),
        ] {
            assert_eq!(root.file(path).unwrap_err(), error, "file {path:?}");
        }
        for path in ["../new", "/tmp/new", "sub/../../new", "..", ".", "", "sub/", "slash/new", "subway/new"] {
            assert!(root.mkdir(path).is_err(), "mkdir {path:?}");
            assert!(root.create(path).is_err(), "create {path:?}");
        }
        assert!(!dir.path().join("new").exists() && !dir.path().join("root/sub/new").exists());
    }

    #[test]
    fn ordinary_paths_work() {
        let (_dir, root) = tree();
        assert!(root.file("sub/file").is_ok() && root.file("sub/../sub/./file").is_ok());
        assert_eq!(root.stat("link").unwrap().kind, Kind::Symlink);
        assert_eq!(root.stat("sub/file").unwrap().size, 8);
        let names: Vec<_> = root.list(".").unwrap().into_iter().map(|e| (e.kind, e.name)).collect();
        let expected = [(Kind::Symlink, "link"), (Kind::Symlink, "slash"), (Kind::Directory, "sub")];
        assert_eq!(names[..3], expected.map(|(kind, name)| (kind, name.as_bytes().to_vec())));
        root.mkdir("sub/deeper").unwrap();
        root.create("sub/deeper/new").unwrap();
        assert_eq!(root.create("sub/deeper/new").unwrap_err(), FileError::Exists);
    }
}
