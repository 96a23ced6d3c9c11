//! A file system of words in memory, behind the interface of `pfs.idl`.

use std::sync::{Mutex, PoisonError};

use crate::pfs::Pfs;

/// What a procedure returns that went well, and of what it was not asked.
const OK: i32 = 0;
const NO_SUCH_FILE: i32 = -2;
const BAD_ARGUMENT: i32 = -22;

/// Files that consist of words; a handle is the number of one.
#[derive(Debug, Default)]
pub struct Words {
    files: Mutex<Vec<Vec<i32>>>,
}

impl Pfs for Words {
    /// `fobj` files are there from then on, and `handle` is the last of them.
    fn pfs_open(&self, _client: i32, fobj: i32, _flags: i32, _mode: i32, handle: &mut i32) -> i32 {
        let Ok(count) = usize::try_from(fobj) else { return BAD_ARGUMENT };
        if !(1..=1024).contains(&count) {
            return BAD_ARGUMENT;
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.max(files.len());
        files.resize(count, Vec::new());
        *handle = fobj - 1;
        OK
    }

    /// Writes at `pos` and advances it; how many words were written.
    fn pfs_write(&self, handle: i32, pos: &mut i32, len: i32, data: &[i32]) -> i32 {
        let (Ok(handle), Ok(at), Ok(len)) = (usize::try_from(handle), usize::try_from(*pos), usize::try_from(len))
        else {
            return BAD_ARGUMENT;
        };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = files.get_mut(handle) else { return NO_SUCH_FILE };
        let Some(data) = data.get(..len).filter(|_| at <= file.len()) else { return BAD_ARGUMENT };
        file.truncate(at);
        file.extend_from_slice(data);
        *pos += i32::try_from(data.len()).unwrap_or(i32::MAX);
        i32::try_from(data.len()).unwrap_or(i32::MAX)
    }

    /// Up to `count` words from `pos`.
    fn pfs_get_direntries(&self, handle: i32, pos: &mut i32, count: i32, data: &mut Vec<i32>) -> i32 {
        let (Ok(handle), Ok(at), Ok(count)) = (usize::try_from(handle), usize::try_from(*pos), usize::try_from(count))
        else {
            return BAD_ARGUMENT;
        };
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = files.get(handle) else { return NO_SUCH_FILE };
        let from = file.get(at..).unwrap_or_default();
        data.extend_from_slice(from.get(..count).unwrap_or(from));
        *pos += i32::try_from(data.len()).unwrap_or(i32::MAX);
        OK
    }
}
