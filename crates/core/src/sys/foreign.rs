//! Descriptors that a peer sent.
//!
//! Closing one can block for as long as the peer likes: a TCP socket that lingers over unsent data, a file of a FUSE file
//! system that never answers. `O_NONBLOCK` changes nothing about that, and the kernel closes what a message brings in vain
//! (no room for it, a socket closed over it) in the kernel thread that received or closed. So what was not checked to be
//! memory is closed by a kernel thread that nobody waits for.

use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use super::process;

/// Kernel threads that close at a time. With all of them stuck further descriptors stay open until one comes back: their
/// number is bounded by the process's limit of descriptors, since each of them counts there.
const CLOSERS: usize = 4;

/// What lasts as long as a descriptor is open: it may take for ever to close.
type Kept = Option<Arc<dyn Any + Send + Sync>>;

/// A descriptor that came from a peer and may be of anything. Dropping it never blocks.
#[derive(Debug)]
pub struct Foreign {
    fd: Option<OwnedFd>,
    kept: Kept,
}

impl Foreign {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd: Some(fd), kept: None }
    }

    /// One that this process has made, where one is wanted that came.
    #[must_use]
    pub fn own(fd: OwnedFd) -> Self {
        Self::new(fd)
    }

    /// Keeps `what` until the descriptor is closed, or [`checked`](Self::checked).
    #[must_use]
    pub fn keeping(mut self, what: Arc<dyn Any + Send + Sync>) -> Self {
        self.kept = Some(what);
        self
    }

    /// The descriptor, closed by the caller from now on: for what was checked to be memory, whose closing cannot block, and
    /// for what comes from oneself.
    #[must_use]
    pub fn checked(mut self) -> Option<OwnedFd> {
        self.fd.take()
    }
}

impl AsFd for Foreign {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Some(fd) => fd.as_fd(),
            None => unreachable!("taken by `checked` only, which consumes it"),
        }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        if let Some(fd) = self.fd.take() {
            close_later(fd, self.kept.take());
        }
    }
}

struct Closing {
    waiting: Vec<(OwnedFd, Kept)>,
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
fn close_later(fd: OwnedFd, kept: Kept) {
    let mut closing = CLOSING.lock().unwrap_or_else(PoisonError::into_inner);
    closing.waiting.push((fd, kept));
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
        let Some((fd, kept)) = closing.waiting.pop() else {
            closing.threads -= 1;
            return;
        };
        drop(closing);
        drop(fd);
        drop(kept);
    }
}
