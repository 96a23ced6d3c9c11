//! A file server in processes of its own (IDL4's proof application).
//!
//! ```text
//!            open, stat, unlink, rename, ..                    the same, one name shorter
//! client ─────────────────────────────────▶ vfs ────────────────────────────────────────▶ pfs
//!    │                                   (mounts)                                          │ page cache
//!    └──────────────── read, write, get_direntries, truncate, sync, close ────────────────▶│
//!                                                                                     a directory
//! ```
//! * [`pfs`] serves one directory: whatever paths it is sent, nothing outside can be reached ([`root`]). It has a page
//!   cache of its own ([`cache`]), of a size that is fixed at the start. Beside that are the listings of open directories, each once
//!   however often it is open; a client has at most 4,096 names for each of the 1,024 things that it may have open.
//!   A file that is read again and again gets a *window*, where its readers have its bytes mapped, too: they are called for each
//!   read, but copied by its reader only.
//! * [`vfs`] names mounts and opens. What it opens at a pfs it hands on to its client, who goes on with the pfs directly; vfs
//!   sees nothing of that, and its death ends no open file.
//! * [`client`] is both, as one looks at a file system.
//!
//! **Coherence.** A write has reached the kernel when it returns, so whoever looks at the directory without the server sees
//! it at once. What others write there is seen by the server from the next `open` or `fstat` of the file on, as with NFS
//! (close-to-open); what is open meanwhile may show old pages. Two clients of one pfs see each other's writes at once.
//!
//! **Rights** are the server's: whoever may call it can do what it can do, below its directory. Who was passed a file's window sees
//! the file until nobody has it open any more who was, as with a mapping of the file.

#![forbid(unsafe_code)]

pub mod cache;
pub mod client;
mod inodes;
mod interface;
mod listings;
pub mod pfs;
pub mod root;
mod table;
pub mod vfs;
mod window;

pub use interface::{
    Entry, FileError, Files, FilesCall, FilesClient, FilesLocal, FilesServer, Found, Handle, Kind, Opened, Stat,
    Ticket, Vfs, VfsCall, VfsClient, VfsLocal, VfsServer, entries, flags, put_entries,
};
