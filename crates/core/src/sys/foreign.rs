//! Descriptors that a peer sent.
//!
//! Closing one can block for as long as the peer likes: a TCP socket that lingers over unsent data, a file of a FUSE file
//! system that never answers. `O_NONBLOCK` changes nothing about that, and the kernel closes what a message brings in vain
//! (no room for it, a socket closed over it) in the kernel thread that received or closed. So what was not checked to be
//! memory is closed by a kernel thread that nobody waits for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use super::process;

/// Kernel threads that close at a time. With all of them stuck further descriptors stay open until one comes back: their
/// number is bounded by the process's limit of descriptors, since each of them counts there.
const CLOSERS: usize = 4;

/// A descriptor that came from a peer and may be of anything. Dropping it never blocks.
#[derive(Debug)]
pub struct Foreign(Option<OwnedFd>);

impl Foreign {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self(Some(fd))
    }

    /// One that this process has made, where one is wanted that came.
    #[must_use]
    pub fn own(fd: OwnedFd) -> Self {
        Self(Some(fd))
    }

    /// The descriptor, closed by the caller from now on: for what was checked to be memory, whose closing cannot block, and
    /// for what comes from oneself.
    #[must_use]
    pub fn checked(mut self) -> Option<OwnedFd> {
        self.0.take()
    }
}

impl AsFd for Foreign {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Some(fd) => fd.as_fd(),
            None => unreachable!("taken by `checked` only, which consumes it"),
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(fd) = self.0.take() {
            close_later(fd);
        }
    }
}

struct Closing {
    waiting: Vec<OwnedFd>,
    threads: usize,
}

static CLOSING: Mutex<Closing> = Mutex::new(Closing { waiting: Vec::new(), threads: 0 });

/// Its lock, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new(CLOSING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// In a forked child: whoever closes things is with the parent, and closes the parent's.
pub(crate) fn forget_threads() {
    CLOSING.lock().unwrap_or_else(PoisonError::into_inner).threads = 0;
}

/// Gives a descriptor to a kernel thread that closes it.
fn close_later(fd: OwnedFd) {
    let mut closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    closing.waiting.push(fd);
    if closing.threads >= CLOSERS {
        return;
    }
    closing.threads += 1;
    drop(closing);
    // Without a thread it stays open; the next one that comes tries again.
    if std::thread::Builder::new().name("nearcall-close".into()).spawn(close_all).is_err() {
        CLOSING.lock().unwrap_or_else(PoisonError::into_inner).threads -= 1;
    }
}

fn close_all() {
    process::block_all_signals();
    loop {
        let mut closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(fd) = closing.waiting.pop() else {
            closing.threads -= 1;
            return;
        };
        drop(closing);
        drop(fd);
    }
}
