//! The interface between the demo's client and its file server, and how a page of a directory looks.

use std::fmt;

use rustix::io::Errno;

/// Bytes of one read or write: the unit of the demo and of its baselines.
pub(crate) const CHUNK: usize = 4096;

/// Flag of [`Files::open`]: the path names a directory, to be listed.
pub(crate) const OPEN_DIRECTORY: u32 = 1;

/// A file server over one tree to read and another one to write.
///
/// Paths are relative, `/` between names, `.` for the tree itself. Nothing outside the two trees can be named: neither
/// by `..`, nor by an absolute path, nor through a symbolic link.
#[nearcall::interface]
pub(crate) trait Files {
    /// Does nothing: the null call.
    fn ping(&self) -> u32;

    /// Opens a regular file (`flags` 0) or a directory ([`OPEN_DIRECTORY`]) of the tree to read.
    #[call(astack = 4200)]
    fn open(&self, path: &str, flags: u32) -> Result<Handle, FileError>;

    /// What `path` of the tree to read is; of a symbolic link, the link.
    #[call(astack = 4200)]
    fn stat(&self, path: &str) -> Result<Stat, FileError>;

    /// The next page of an open directory, from the entry with the number `next`, which moves on. 0 bytes: no more.
    #[call(astack = 4200)]
    fn list(&self, handle: Handle, next: &mut u64, #[out(len = return)] page: &mut [u8]) -> Result<u32, FileError>;

    /// Reads at `pos`, which moves on. Fewer bytes than asked for: the file ends there.
    #[call(concurrency = 8, astack = 4200)]
    fn read(&self, handle: Handle, pos: &mut u64, #[out(len = return)] buf: &mut [u8]) -> Result<u32, FileError>;

    /// Creates a file in the tree to write; it must not exist.
    #[call(astack = 4200)]
    fn create(&self, path: &str) -> Result<Handle, FileError>;

    /// Creates a directory in the tree to write; it must not exist.
    #[call(astack = 4200)]
    fn mkdir(&self, path: &str) -> Result<(), FileError>;

    /// Writes at `pos`, which moves on by the bytes written.
    #[call(concurrency = 8, astack = 4200)]
    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError>;

    /// Gives the handle back.
    fn close(&self, handle: Handle) -> Result<(), FileError>;
}

/// Something that is open. The generation makes a handle that was given back useless for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub(crate) struct Handle {
    /// Place in the server's table.
    pub(crate) slot: u32,
    /// Which of the slot's uses it is.
    pub(crate) generation: u32,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A regular file.
    File = 1,
    /// A directory.
    Directory = 2,
    /// A symbolic link.
    Symlink = 3,
    /// A socket, a pipe, a device.
    Special = 4,
}

impl Kind {
    const ALL: [Self; 4] = [Self::File, Self::Directory, Self::Symlink, Self::Special];

    /// The kind that the file system reports; `None` if it does not say.
    pub(crate) fn from_type(kind: rustix::fs::FileType) -> Option<Self> {
        use rustix::fs::FileType;
        match kind {
            FileType::RegularFile => Some(Self::File),
            FileType::Directory => Some(Self::Directory),
            FileType::Symlink => Some(Self::Symlink),
            FileType::Unknown => None,
            _ => Some(Self::Special),
        }
    }
}

/// What [`Files::stat`] tells. Equal values at two times: nobody changed the file between them, as far as times tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub(crate) struct Stat {
    /// What it is.
    pub(crate) kind: Kind,
    /// Bytes.
    pub(crate) size: u64,
    /// The inode's number.
    pub(crate) inode: u64,
    /// Last change of the contents, nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Last change of the inode, nanoseconds since 1970.
    pub(crate) changed: i64,
}

/// Why the file server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub(crate) enum FileError {
    /// There is no such file.
    NotFound = 1,
    /// The server's rights do not suffice.
    Denied = 2,
    /// The path leads out of the tree.
    Outside = 3,
    /// The path leads through a symbolic link.
    Symlink = 4,
    /// It is not of the kind that the call needs.
    WrongKind = 5,
    /// It exists already.
    Exists = 6,
    /// The path is no path: a zero byte, a name that is too long.
    BadPath = 7,
    /// Flags that the server does not know.
    BadFlags = 8,
    /// The handle was never given out, or was given back.
    BadHandle = 9,
    /// The server's table, or the system's, is full.
    TooManyOpen = 10,
    /// No space is left for the copy.
    NoSpace = 11,
    /// A directory's next name does not fit the page.
    PageTooSmall = 12,
    /// The device or the file system failed.
    Io = 13,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Denied => "permission denied",
            Self::Outside => "the path leads out of the tree",
            Self::Symlink => "the path leads through a symbolic link",
            Self::WrongKind => "not of the kind that the call needs",
            Self::Exists => "exists already",
            Self::BadPath => "not a path",
            Self::BadFlags => "unknown flags",
            Self::BadHandle => "not an open handle",
            Self::TooManyOpen => "too many open files",
            Self::NoSpace => "no space left for the copy",
            Self::PageTooSmall => "a name is longer than the page",
            Self::Io => "input or output error",
        })
    }
}

impl std::error::Error for FileError {}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::NotFound,
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::Denied,
            // What openat2 says of a path that RESOLVE_BENEATH stopped.
            Errno::XDEV => Self::Outside,
            Errno::LOOP => Self::Symlink,
            Errno::NOTDIR | Errno::ISDIR | Errno::NXIO | Errno::NODEV => Self::WrongKind,
            Errno::EXIST => Self::Exists,
            Errno::INVAL | Errno::NAMETOOLONG => Self::BadPath,
            Errno::MFILE | Errno::NFILE => Self::TooManyOpen,
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Self::NoSpace,
            _ => Self::Io,
        }
    }
}

/// One name of a directory. The name is bytes: whether it is UTF-8 is the reader's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) name: Vec<u8>,
}

/// Bytes before each name of a page: the kind, and the name's length, little-endian.
const ENTRY_HEAD: usize = 3;

/// Puts as many of `entries` as fit at the front of `page`; returns how many, and the bytes used.
pub(crate) fn put_page(entries: &[Entry], page: &mut [u8]) -> (usize, usize) {
    let (mut count, mut used) = (0, 0);
    for entry in entries {
        // File systems bound a name far below this; a longer one ends the page like one that does not fit.
        let Ok(len) = u16::try_from(entry.name.len()) else { break };
        let end = used + ENTRY_HEAD + entry.name.len();
        let Some(space) = page.get_mut(used..end) else { break };
        space[0] = entry.kind as u8;
        space[1..ENTRY_HEAD].copy_from_slice(&len.to_le_bytes());
        space[ENTRY_HEAD..].copy_from_slice(&entry.name);
        count += 1;
        used = end;
    }
    (count, used)
}

/// The entries of a page, or `None` if its bytes are no page, which only a server that misbehaves sends.
pub(crate) fn get_page(mut page: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !page.is_empty() {
        let (head, rest) = page.split_first_chunk::<ENTRY_HEAD>()?;
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u8 == head[0])?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([head[1], head[2]])))?;
        // A name that is a path could lead the walk, and the client's own files, anywhere.
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
            return None;
        }
        entries.push(Entry { kind, name: name.to_vec() });
        page = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, name: &str) -> Entry {
        Entry { kind, name: name.as_bytes().to_vec() }
    }

    #[test]
    fn pages_hold_what_fits() {
        let all = [entry(Kind::File, "a"), entry(Kind::Directory, "größe"), entry(Kind::Symlink, "c")];
        let mut page = [0; 64];
        let (count, used) = put_page(&all, &mut page);
        assert_eq!((count, get_page(&page[..used]).unwrap()), (3, all.to_vec()));
        let (count, used) = put_page(&all, &mut page[..6]);
        assert_eq!((count, used), (1, 4));
        assert_eq!(put_page(&all, &mut []), (0, 0));
    }

    #[test]
    fn hostile_pages_are_refused() {
        for name in ["", ".", "..", "a/b", "a\0"] {
            let mut page = [0; 64];
            let (_, used) = put_page(&[entry(Kind::File, name)], &mut page);
            assert_eq!(get_page(&page[..used]), None, "{name:?}");
        }
        assert_eq!(get_page(&[1, 5, 0, b'a']), None, "shorter than it says");
        assert_eq!(get_page(&[9, 1, 0, b'a']), None, "no such kind");
        assert_eq!(get_page(&[1, 1]), None, "half a head");
    }
}
