//! What the demo's client calls: two file servers of `apps/files`, one for the tree and one for the copy, and a null call.

use nearcall::CallError;
pub(crate) use nearcall_files::{FileError, FilesCall, FilesClient, Handle, Kind, flags};

/// Bytes of one read or write: the unit of the demo and of its baselines.
pub(crate) const CHUNK: usize = 4096;

/// The names in the demo's own directory of names: of the file server that only reads the tree, of the one that writes the copy, and of
/// the null call.
pub(crate) const TREE: &str = "tree";
pub(crate) const COPY: &str = "copy";
pub(crate) const NULL: &str = "null";

/// The null call.
#[nearcall::interface]
pub(crate) trait Null {
    /// Does nothing.
    fn ping(&self) -> u32;
}

/// Answers it.
#[derive(Debug)]
pub(crate) struct Nothing;

impl Null for Nothing {
    fn ping(&self) -> u32 {
        0
    }
}

/// The two file servers, called or local.
#[derive(Debug)]
pub(crate) struct Pair<C> {
    pub(crate) tree: C,
    pub(crate) copy: C,
}

/// All that the client is bound to: one server process.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) files: Pair<FilesClient>,
    pub(crate) null: NullClient,
}

impl Served {
    /// The null call.
    pub(crate) fn ping(&self) -> Result<u32, CallError<std::convert::Infallible>> {
        self.null.ping()
    }
}

/// What a name stands for, as far as the demo looks. Equal values at two times: nobody changed the file between them, as far as times
/// tell; when it was read last is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl From<nearcall_files::Stat> for Stat {
    fn from(stat: nearcall_files::Stat) -> Self {
        let nearcall_files::Stat { kind, size, inode, modified, changed, .. } = stat;
        Self { kind, size, inode, modified, changed }
    }
}

/// One name of a directory. The name is bytes: whether it is UTF-8 is the reader's question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) name: Vec<u8>,
}

/// The entries of a page, or `None` if its bytes are no page, which only a server that misbehaves sends.
pub(crate) fn get_page(page: &[u8]) -> Option<Vec<Entry>> {
    let entry = |entry: nearcall_files::Entry| Entry { kind: entry.kind, name: entry.name };
    Some(nearcall_files::entries(page)?.into_iter().map(entry).collect())
}
