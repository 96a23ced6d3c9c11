//! What pfs and vfs can be asked.

use std::fmt;

use nearcall::SharedGrant;
use rustix::io::Errno;

/// How a file is opened.
pub mod flags {
    /// To be read.
    pub const READ: u32 = 1;
    /// To be written.
    pub const WRITE: u32 = 2;
    /// Each write goes to the end, wherever that is by then.
    pub const APPEND: u32 = 4;
    /// Its contents are dropped first.
    pub const TRUNCATE: u32 = 8;
    /// It must not exist ([`create`](super::Files::create)).
    pub const EXCLUSIVE: u32 = 16;
    /// It must be a directory, whose entries are asked for.
    pub const DIRECTORY: u32 = 32;
    /// It must not be a symbolic link; a `stat` is of the link.
    pub const NO_FOLLOW: u32 = 64;
    /// All there are.
    pub const ALL: u32 = 127;
}

/// One directory, and what is below it.
///
/// Paths are relative, `/` between names, `.` for the directory itself. Nothing outside of it can be named: neither by `..`, nor
/// by an absolute path, nor through a symbolic link; links that lead to somewhere inside are followed.
///
/// A handle is its opener's: another client's is [`BadHandle`](FileError::BadHandle), like one that was closed.
#[nearcall::interface]
pub trait Files {
    /// Opens what there is: [`flags`].
    #[call(astack = 4200)]
    fn open(&self, path: &str, how: u32) -> Result<Handle, FileError>;

    /// Opens a regular file, and makes it if there is none, with the permissions of `mode`.
    #[call(astack = 4200)]
    fn create(&self, path: &str, how: u32, mode: u32) -> Result<Handle, FileError>;

    /// Gives a handle up, in favour of the first client that shows the ticket, within ten seconds. `whom`: a number of the caller's for
    /// whoever it is meant for, by which a share is counted of what waits.
    fn hand_on(&self, handle: Handle, whom: u64) -> Result<Ticket, FileError>;

    /// What was handed on.
    fn claim(&self, ticket: Ticket) -> Result<Handle, FileError>;

    /// Reads at `pos`, which moves on. Fewer bytes than asked for: the file ends there.
    #[call(concurrency = 8, astack = 4200)]
    fn read(&self, handle: Handle, pos: &mut u64, #[out(len = return)] buf: &mut [u8]) -> Result<u32, FileError>;

    /// The window of a file that is open to be read: memory where its server has its bytes, and the caller sees them. `NoSpace` if it
    /// can have none, for it is larger than 4 MiB, or the server's memory is too short.
    #[call(near)]
    fn window(&self, handle: Handle) -> Result<SharedGrant, FileError>;

    /// As [`read`](Self::read), but the bytes are left in the window, for its holder to copy: it has them if the stamp is in its
    /// first word, still, when it has copied them.
    #[call(concurrency = 8, near)]
    fn find(&self, handle: Handle, pos: u64, size: u32) -> Result<Found, FileError>;

    /// Writes at `pos`, or at the end, and `pos` moves on to where the written bytes end. They have reached the kernel. Fewer bytes than
    /// were sent: no more could be written, and the next write is told why.
    #[call(concurrency = 8, astack = 4200)]
    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError>;

    /// The next page of an open directory, from the entry with the number `next`, which moves on. 0 bytes: no more. The names are
    /// those of the first page's time.
    #[call(astack = 4200)]
    fn get_direntries(
        &self,
        handle: Handle,
        next: &mut u64,
        #[out(len = return)] page: &mut [u8],
    ) -> Result<u32, FileError>;

    /// What an open file is.
    fn fstat(&self, handle: Handle) -> Result<Stat, FileError>;

    /// What a path is; `how`: [`flags::NO_FOLLOW`] or 0.
    #[call(astack = 4200)]
    fn stat(&self, path: &str, how: u32) -> Result<Stat, FileError>;

    /// Makes an open file `size` bytes long.
    fn truncate(&self, handle: Handle, size: u64) -> Result<(), FileError>;

    /// Sees to it that what was written is on the disk.
    #[call(timeout = "60s")]
    fn sync(&self, handle: Handle) -> Result<(), FileError>;

    /// Gives a handle back.
    fn close(&self, handle: Handle) -> Result<(), FileError>;

    /// Makes a directory; it must not exist.
    #[call(astack = 4200)]
    fn mkdir(&self, path: &str, mode: u32) -> Result<(), FileError>;

    /// Removes a name; `how`: [`flags::DIRECTORY`] for that of an empty directory, or 0.
    #[call(astack = 4200)]
    fn unlink(&self, path: &str, how: u32) -> Result<(), FileError>;

    /// Renames `from`, in place of what `to` may have been.
    #[call(astack = 8400)]
    fn rename(&self, from: &str, to: &str) -> Result<(), FileError>;
}

/// Names: which pfs has what. The first name of a path is that of a mount; `.` lists them.
#[nearcall::interface]
pub trait Vfs {
    /// Opens what there is, at the pfs that has it.
    #[call(astack = 4200)]
    fn open(&self, path: &str, how: u32) -> Result<Opened, FileError>;

    /// Opens a file, and makes it if there is none.
    #[call(astack = 4200)]
    fn create(&self, path: &str, how: u32, mode: u32) -> Result<Opened, FileError>;

    /// A client of the pfs of a mount.
    fn mount(&self, mount: u32) -> Result<FilesClient, FileError>;

    /// The names of the mounts.
    fn mounts(&self) -> Vec<String>;

    /// What a path is.
    #[call(astack = 4200)]
    fn stat(&self, path: &str, how: u32) -> Result<Stat, FileError>;

    /// Makes a directory.
    #[call(astack = 4200)]
    fn mkdir(&self, path: &str, mode: u32) -> Result<(), FileError>;

    /// Removes a name.
    #[call(astack = 4200)]
    fn unlink(&self, path: &str, how: u32) -> Result<(), FileError>;

    /// Renames within a mount.
    #[call(astack = 8400)]
    fn rename(&self, from: &str, to: &str) -> Result<(), FileError>;
}

/// Something that is open. The generation makes a handle that was given back useless for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Handle {
    /// Place in the server's table.
    pub slot: u32,
    /// Which of the slot's uses it is.
    pub generation: u32,
}

/// The right to an open file that was handed on: 16 bytes from the kernel's random numbers, good once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, nearcall::Wire)]
pub struct Ticket {
    /// They say nothing.
    pub bytes: [u8; 16],
}

/// It does not get into logs.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

/// Bytes that are in a window, a page behind where they are in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Found {
    /// How many there are of those that were asked for: fewer, and the file ends there.
    pub size: u32,
    /// By which stamp they are valid; 0 for none, and they have to be read.
    pub stamp: u64,
}

/// What vfs has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Opened {
    /// The mount ([`Vfs::mount`]) whose pfs has it.
    pub mount: u32,
    /// What that one is shown ([`Files::claim`]).
    pub ticket: Ticket,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum Kind {
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
    #[must_use]
    pub fn from_type(kind: rustix::fs::FileType) -> Option<Self> {
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

/// What a file is. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Type and permissions, as the kernel has them.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// The inode's number.
    pub inode: u64,
    /// The device that has it.
    pub device: u64,
    /// Names that it has.
    pub links: u64,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Units of 512 bytes that it takes on the disk.
    pub blocks: u64,
    /// Last read.
    pub accessed: i64,
    /// Last change of the contents.
    pub modified: i64,
    /// Last change of the inode.
    pub changed: i64,
}

/// Why a file server refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum FileError {
    /// There is no such file, or no such mount.
    NotFound = 1,
    /// The server's rights do not suffice, or it serves to read only.
    Denied = 2,
    /// The path leads out of the directory.
    Outside = 3,
    /// The path leads through too many symbolic links, or through one where none is wanted.
    Symlink = 4,
    /// It is not of the kind that the call needs: no directory, say, or open in another way.
    WrongKind = 5,
    /// It exists already.
    Exists = 6,
    /// The path is no path: a zero byte, a last name that is none.
    BadPath = 7,
    /// Flags that there are not, or that contradict each other; a position beyond the largest file.
    BadArgument = 8,
    /// The handle or ticket was never given to this client, or was given back.
    BadHandle = 9,
    /// The client's share of the server's table, or the system's table, is full.
    TooManyOpen = 10,
    /// No space is left.
    NoSpace = 11,
    /// A directory's next name does not fit the page.
    PageTooSmall = 12,
    /// The device or the file system failed.
    Io = 13,
    /// The directory has entries.
    NotEmpty = 14,
    /// The two paths are on different mounts.
    CrossMount = 15,
    /// The pfs of this mount does not answer.
    Unreachable = 16,
    /// It is a directory, and the call needs something else.
    IsDirectory = 17,
    /// The path, or a name in it, is too long.
    NameTooLong = 18,
    /// It is in use: a program that runs, a place where something is mounted.
    Busy = 19,
}

impl FileError {
    /// What a system call would have said.
    #[must_use]
    pub fn errno(self) -> Errno {
        match self {
            Self::NotFound => Errno::NOENT,
            Self::Denied | Self::Outside => Errno::ACCESS,
            Self::Symlink => Errno::LOOP,
            Self::WrongKind => Errno::NOTDIR,
            Self::Exists => Errno::EXIST,
            Self::BadPath | Self::BadArgument | Self::PageTooSmall => Errno::INVAL,
            Self::BadHandle => Errno::BADF,
            Self::TooManyOpen => Errno::MFILE,
            Self::NoSpace => Errno::NOSPC,
            Self::Io => Errno::IO,
            Self::NotEmpty => Errno::NOTEMPTY,
            Self::CrossMount => Errno::XDEV,
            Self::Unreachable => Errno::HOSTDOWN,
            Self::IsDirectory => Errno::ISDIR,
            Self::NameTooLong => Errno::NAMETOOLONG,
            Self::Busy => Errno::BUSY,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Denied => "permission denied",
            Self::Outside => "the path leads out of the directory",
            Self::Symlink => "the path leads through symbolic links",
            Self::WrongKind => "not of the kind that the call needs",
            Self::Exists => "exists already",
            Self::BadPath => "not a path",
            Self::BadArgument => "flags or a position that there are not",
            Self::BadHandle => "not an open handle of this client",
            Self::TooManyOpen => "too many open files",
            Self::NoSpace => "no space left",
            Self::PageTooSmall => "a name is longer than the page",
            Self::Io => "input or output error",
            Self::NotEmpty => "the directory is not empty",
            Self::CrossMount => "the paths are on different mounts",
            Self::Unreachable => "the file server of this mount does not answer",
            Self::IsDirectory => "is a directory",
            Self::NameTooLong => "the path is too long",
            Self::Busy => "in use",
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
            Errno::NOTDIR | Errno::NXIO | Errno::NODEV => Self::WrongKind,
            Errno::ISDIR => Self::IsDirectory,
            Errno::EXIST => Self::Exists,
            Errno::INVAL => Self::BadPath,
            Errno::NAMETOOLONG => Self::NameTooLong,
            Errno::BUSY | Errno::TXTBSY => Self::Busy,
            Errno::MFILE | Errno::NFILE => Self::TooManyOpen,
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => Self::NoSpace,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::BADF => Self::BadHandle,
            _ => Self::Io,
        }
    }
}

/// One name of a directory. The name is bytes: whether it is UTF-8 is the reader's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Its inode's number.
    pub inode: u64,
    /// How it is called.
    pub name: Vec<u8>,
}

/// Bytes before each name of a page: the kind, the name's length, and the inode, little-endian.
const ENTRY_HEAD: usize = 11;

/// Puts as many of `entries` as fit at the front of `page`; returns how many, and the bytes used.
pub fn put_entries(entries: &[Entry], page: &mut [u8]) -> (usize, usize) {
    let (mut count, mut used) = (0, 0);
    for entry in entries {
        // File systems bound a name far below this; a longer one ends the page like one that does not fit.
        let Ok(len) = u16::try_from(entry.name.len()) else { break };
        let end = used + ENTRY_HEAD + entry.name.len();
        let Some(space) = page.get_mut(used..end) else { break };
        space[0] = entry.kind as u8;
        space[1..3].copy_from_slice(&len.to_le_bytes());
        space[3..ENTRY_HEAD].copy_from_slice(&entry.inode.to_le_bytes());
        space[ENTRY_HEAD..].copy_from_slice(&entry.name);
        count += 1;
        used = end;
    }
    (count, used)
}

/// The entries of a page, or `None` if its bytes are no page, which only a server that misbehaves sends.
#[must_use]
pub fn entries(mut page: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Some((head, rest)) = page.split_first_chunk::<ENTRY_HEAD>() {
        let [kind, low, high, inode @ ..] = *head;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind)?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        // A name that is a path could lead whoever walks, and its own files, anywhere.
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
            return None;
        }
        entries.push(Entry { kind, inode: u64::from_le_bytes(inode), name: name.to_vec() });
        page = rest;
    }
    page.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_documented() {
        let (_, page) = include_str!("../../../docs/errors.md").split_once("\n## Of the file server").unwrap();
        let (page, _) = page.split_once("\n## ").unwrap_or((page, ""));
        let rows = page.lines().filter(|line| line.starts_with("| `")).count();
        // No variant has a greater number.
        let last = FileError::Busy;
        assert_eq!(rows, last as usize);
        let names = format!("{:?}", [FileError::NotFound, FileError::NoSpace, last]);
        assert!(names.trim_matches(['[', ']']).split(", ").all(|name| page.contains(&format!("| `{name}` |"))));
    }

    fn entry(kind: Kind, name: &str) -> Entry {
        Entry { kind, inode: 7, name: name.as_bytes().to_vec() }
    }

    #[test]
    fn pages_hold_what_fits() {
        let all = [entry(Kind::File, "a"), entry(Kind::Directory, "größe"), entry(Kind::Symlink, "c")];
        let mut page = [0; 64];
        let (count, used) = put_entries(&all, &mut page);
        assert_eq!((count, entries(&page[..used]).unwrap()), (3, all.to_vec()));
        assert_eq!(put_entries(&all, &mut page[..14]), (1, 12));
        assert_eq!(put_entries(&all, &mut []), (0, 0));
    }

    #[test]
    fn hostile_pages_are_refused() {
        for name in ["", ".", "..", "a/b", "a\0"] {
            let mut page = [0; 64];
            let (_, used) = put_entries(&[entry(Kind::File, name)], &mut page);
            assert_eq!(entries(&page[..used]), None, "{name:?}");
        }
        assert_eq!(entries(&[1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'a']), None, "shorter than it says");
        assert_eq!(entries(&[9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'a']), None, "no such kind");
        assert_eq!(entries(&[1, 1]), None, "half a head");
    }
}
