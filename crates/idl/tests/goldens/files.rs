//! The interface of the manual, with its types.

/// An open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Handle {
    /// Its place in the server's table.
    pub index: u32,
    /// Which of the files that were at this place.
    pub generation: u32,
}

/// Why a file operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum FileError {
    /// No file has this name.
    NotFound = 1,
    /// The handle is of a file that was closed.
    Stale = 2,
}

/// Files that a server keeps.
#[nearcall::interface]
pub trait Files {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// [`FileError::NotFound`].
    fn open(&self, path: &str, flags: u32) -> Result<Handle, FileError>;

    /// Reads from `pos` and advances it; returns how many bytes were read.
    fn read(&self, handle: Handle, pos: &mut u64, #[out(len = return)] buf: &mut [u8]) -> Result<u32, FileError>;

    /// Writes at `pos` and advances it; returns how many bytes were written.
    #[call(concurrency = 8, timeout = "2s", astack = 4200, idempotent)]
    fn write(&self, handle: Handle, pos: &mut u64, data: &[u8]) -> Result<u32, FileError>;

    /// Counts calls.
    fn ping(&self) -> u32;
}
