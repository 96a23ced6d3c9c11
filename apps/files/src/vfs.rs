//! The virtual file system: which mount is which pfs.
//!
//! The first name of a path is that of a mount, and the rest is the pfs's affair, `..` and links included: they do not lead out
//! of it. vfs opens at the pfs and hands the open file on by a ticket; a client that has no binding to that pfs yet is given one
//! ([`Vfs::mount`]), once. So vfs is in no read and no write, and its end ends none of them.

use nearcall::{Binder, CallError, Rebinding};

use crate::client::ask;
use crate::interface::{FileError, FilesClient, Kind, Opened, Stat, Vfs};

/// Mounts.
#[derive(Debug, Default)]
pub struct Mounts {
    mounts: Vec<Mount>,
}

#[derive(Debug)]
struct Mount {
    name: String,
    binder: Binder,
    pfs: Rebinding<FilesClient>,
}

impl Mounts {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Has what `binder` names under `name`, which is one name of a path. It is bound when it is first asked for, and again
    /// when it was replaced.
    ///
    /// # Errors
    /// `BadPath`, if it is not one name; `Exists`.
    pub fn mount(mut self, name: &str, binder: Binder) -> Result<Self, FileError> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(FileError::BadPath);
        }
        if self.mounts.iter().any(|mount| mount.name == name) {
            return Err(FileError::Exists);
        }
        self.mounts.push(Mount { name: name.to_owned(), binder: binder.clone(), pfs: Rebinding::new(binder) });
        Ok(self)
    }

    /// The mount of a path, its number, and what is left of the path.
    fn find<'p>(&self, path: &'p str) -> Result<(u32, &Mount, &'p str), FileError> {
        let path = path.trim_start_matches(['/']);
        let (name, rest) = path.split_once('/').unwrap_or((path, "."));
        let rest = rest.trim_start_matches('/');
        let found = (0..).zip(&self.mounts).find(|(_, mount)| mount.name == name);
        let (number, mount) = found.ok_or(FileError::NotFound)?;
        Ok((number, mount, if rest.is_empty() { "." } else { rest }))
    }

    /// Opens, and hands on.
    fn opened(
        &self,
        path: &str,
        open: impl Fn(&FilesClient, &str) -> Result<crate::Handle, CallError<FileError>>,
    ) -> Result<Opened, FileError> {
        let (mount, at, rest) = self.find(path)?;
        let whom = nearcall::current().map_or(0, |current| current.peer().id());
        let ticket = at.call(|pfs| {
            let handle = open(pfs, rest)?;
            pfs.hand_on(handle, whom).inspect_err(|_| {
                // Or it would be nobody's, and this server's share of the table would run out.
                let _ = pfs.close(handle);
            })
        })?;
        Ok(Opened { mount, ticket })
    }
}

impl Mount {
    fn call<T>(&self, call: impl Fn(&FilesClient) -> Result<T, CallError<FileError>>) -> Result<T, FileError> {
        ask(&self.pfs, call).map(|(said, _)| said).map_err(said)
    }
}

fn said(error: CallError<FileError>) -> FileError {
    match error {
        CallError::App(error) => error,
        CallError::TooLarge { .. } => FileError::NameTooLong,
        _ => FileError::Unreachable,
    }
}

impl Vfs for Mounts {
    fn open(&self, path: &str, how: u32) -> Result<Opened, FileError> {
        self.opened(path, |pfs, rest| pfs.open(rest, how))
    }

    fn create(&self, path: &str, how: u32, mode: u32) -> Result<Opened, FileError> {
        self.opened(path, |pfs, rest| pfs.create(rest, how, mode))
    }

    fn mount(&self, mount: u32) -> Result<FilesClient, FileError> {
        let mount = self.mounts.get(mount as usize).ok_or(FileError::NotFound)?;
        // One of its own: what is passed on is given away.
        mount.binder.clone().bind().map_err(|_| FileError::Unreachable)
    }

    fn mounts(&self) -> Vec<String> {
        self.mounts.iter().map(|mount| mount.name.clone()).collect()
    }

    fn stat(&self, path: &str, how: u32) -> Result<Stat, FileError> {
        if is_root(path) {
            return Ok(ROOT);
        }
        let (_, mount, rest) = self.find(path)?;
        mount.call(|pfs| pfs.stat(rest, how))
    }

    fn mkdir(&self, path: &str, mode: u32) -> Result<(), FileError> {
        if is_root(path) {
            return Err(FileError::Exists);
        }
        let (_, mount, rest) = self.find(path)?;
        mount.call(|pfs| pfs.mkdir(rest, mode))
    }

    fn unlink(&self, path: &str, how: u32) -> Result<(), FileError> {
        let (_, mount, rest) = self.find(path)?;
        mount.call(|pfs| pfs.unlink(rest, how))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let ((one, mount, from), (other, _, to)) = (self.find(from)?, self.find(to)?);
        if one != other {
            return Err(FileError::CrossMount);
        }
        mount.call(|pfs| pfs.rename(from, to))
    }
}

/// Whether a path is that of the directory of mounts.
fn is_root(path: &str) -> bool {
    path == "." || path.trim_matches('/').is_empty()
}

/// What the directory of mounts is: nobody's, and of no disk.
const ROOT: Stat = Stat {
    kind: Kind::Directory,
    mode: 0o040_555,
    size: 0,
    inode: 1,
    device: 0,
    links: 2,
    uid: 0,
    gid: 0,
    blocks: 0,
    accessed: 0,
    modified: 0,
    changed: 0,
};
