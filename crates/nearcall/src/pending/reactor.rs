//! A tokio runtime that hears the signal itself.
//!
//! The first pending call of a pair that is polled on a runtime with I/O enabled has it attend the pair: a task of the runtime waits, by the
//! runtime's own reactor, for something to read on the pair's control socket, and wakes whose calls are answered. So no other
//! kernel thread is between the server and the runtime. The task reads nothing: the watcher does, which hears the same, and
//! wakes whoever is left, if it comes first or the runtime stands still. The task ends with the pair; on a runtime that nobody drives
//! it keeps a descriptor, of a socket that was hung up, until the runtime is dropped.

use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use crate::client_pair::ClientPair;

/// Has the runtime that this is called on, if it is called on one, attend the pair, unless one does.
pub(super) fn attend(pair: &Arc<ClientPair>) {
    if pair.is_attended.load(Ordering::Relaxed) {
        return;
    }
    let Ok(handle) = Handle::try_current() else { return };
    if pair.is_attended.swap(true, Ordering::Relaxed) {
        return;
    }
    // Where that fails it is not tried again: the watcher hears everything.
    let Ok(socket) = rustix::io::fcntl_dupfd_cloexec(pair.control(), 0) else { return };
    #[allow(
        deprecated,
        reason = "its successor asks for what an `OwnedFd` vouches for: a descriptor that stays the same"
    )]
    let register = || AsyncFd::with_interest(socket, Interest::READABLE);
    // Tokio has no other way to say that this runtime was made without a reactor.
    let registered = catch_unwind(AssertUnwindSafe(register));
    if let Ok(Ok(socket)) = registered {
        handle.spawn(listen(socket, Leave(Arc::downgrade(pair))));
    }
}

/// Until the pair or the runtime ends.
async fn listen(socket: AsyncFd<OwnedFd>, leave: Leave) {
    loop {
        match socket.readable().await {
            // Before looking: what comes meanwhile is an event of its own.
            Ok(mut guard) => guard.clear_ready(),
            Err(_) => return,
        }
        match leave.0.upgrade() {
            Some(pair) if !pair.half.has_ended() => pair.wakers.look_if_signalled(&pair),
            _ => return,
        }
    }
}

/// With the task, the pair is attended no more.
struct Leave(Weak<ClientPair>);

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(pair) = self.0.upgrade() {
            pair.is_attended.store(false, Ordering::Relaxed);
        }
    }
}
