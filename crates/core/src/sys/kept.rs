//! Descriptors of the library's own, in a program that closes what it has not opened.
//!
//! Daemons close every number up to a limit. A library whose epoll and sockets are closed like that does not only stand still: the
//! numbers are the program's next files, and a kernel thread goes on to use them. Who can stand between the program and its
//! `close` (a preloaded library) asks here whose a number is; for that those which last are moved out of the way of the
//! program's own ([`keep_from`]) and noted. In every other program nothing is moved, noted or asked.
//!
//! What it does not do: note what is closed again soon, as memory that is mapped.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use rustix::io;

/// Numbers that can be noted. A larger one is left alone: no loop of a program's comes so far.
const COUNT_MAX: usize = 65_536;

/// From which number on there is room; 0: nothing is kept.
static FROM: AtomicI32 = AtomicI32::new(0);

/// One bit for each number.
static NOTED: [AtomicU64; COUNT_MAX / 64] = [const { AtomicU64::new(0) }; COUNT_MAX / 64];

/// From now on, descriptors that last get numbers from this one on.
pub fn keep_from(number: RawFd) {
    FROM.store(number, Ordering::Relaxed);
}

fn bit(number: RawFd) -> Option<(&'static AtomicU64, u64)> {
    let at = usize::try_from(number).ok()?;
    Some((NOTED.get(at / 64)?, 1 << (at % 64)))
}

/// Whether a descriptor is the library's, and not to be closed by the program.
#[must_use]
pub fn is_kept(number: RawFd) -> bool {
    // Relaxed, as all of it: who closes a number that is being given out at the moment may close anything.
    bit(number).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
}

/// The first that is kept from `number` on.
#[must_use]
pub fn next_kept(number: u32) -> Option<u32> {
    let first = usize::try_from(number).ok()?;
    let words = NOTED.iter().enumerate().skip(first / 64);
    for (at, word) in words {
        let mut bits = word.load(Ordering::Relaxed);
        if at == first / 64 {
            bits &= u64::MAX << (first % 64);
        }
        if bits != 0 {
            return u32::try_from(at).ok().map(|at| at * 64 + bits.trailing_zeros());
        }
    }
    None
}

/// A descriptor that lasts.
#[derive(Debug)]
pub struct Kept(OwnedFd);

impl Kept {
    /// The same, or another number of the same, out of the program's way if [`keep_from`] says so.
    #[must_use]
    pub fn new(fd: OwnedFd) -> Self {
        let from = FROM.load(Ordering::Relaxed);
        if from == 0 {
            return Self(fd);
        }
        // Without a number to be had, it stays where it is.
        let fd = io::fcntl_dupfd_cloexec(&fd, from).unwrap_or(fd);
        if let Some((word, bit)) = bit(fd.as_raw_fd()) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Self(fd)
    }
}

impl Kept {
    /// Another descriptor of the same.
    ///
    /// # Errors
    /// What the kernel says: there is none left.
    pub fn try_clone(&self) -> std::io::Result<Self> {
        self.0.try_clone().map(Self::new)
    }
}

impl AsFd for Kept {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Before it is closed: the next one with this number may be the program's.
        if let Some((word, bit)) = bit(self.0.as_raw_fd()) {
            word.fetch_and(!bit, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> OwnedFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    /// One test: it is of the whole process.
    #[test]
    fn what_lasts_is_out_of_the_way_and_known() {
        let as_it_was = null();
        let number = as_it_was.as_raw_fd();
        let kept = Kept::new(as_it_was);
        assert!(kept.as_fd().as_raw_fd() == number && !is_kept(number), "nobody asked for it");
        drop(kept);
        keep_from(300);
        let (one, other) = (Kept::new(null()), Kept::new(null()));
        keep_from(0);
        let numbers = [&one, &other].map(|kept| kept.as_fd().as_raw_fd());
        assert!(numbers.iter().all(|&number| number >= 300 && is_kept(number)));
        let low = u32::try_from(numbers[0].min(numbers[1])).unwrap();
        let high = u32::try_from(numbers[0].max(numbers[1])).unwrap();
        assert_eq!([0, low, low + 1, high + 1].map(next_kept), [Some(low), Some(low), Some(high), None]);
        drop(one);
        assert!(!is_kept(numbers[0]) && is_kept(numbers[1]));
        drop(other);
        assert_eq!((next_kept(0), next_kept(u32::MAX), is_kept(-1), is_kept(i32::MAX)), (None, None, false, false));
    }
}
