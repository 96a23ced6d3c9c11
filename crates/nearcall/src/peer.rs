//! Who is on the other side, as the kernel states it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nearcall_core::sys::socket::Credentials;

/// A client process, as a server knows it: what the kernel said of the sender of its first message.
///
/// It describes the process as it was then. One that executes another program loses its bindings first, and its ids can
/// be another's only after it has died, so decide by [`id`](Self::id) or [`pidfd`](Self::pidfd) what belongs to whom.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Known>);

#[derive(Debug)]
struct Known {
    id: u64,
    ids: Credentials,
    pidfd: Option<Arc<OwnedFd>>,
}

impl Peer {
    pub(crate) fn new(ids: Credentials, pidfd: Option<Arc<OwnedFd>>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Known { id: IDS.fetch_add(1, Ordering::Relaxed), ids, pidfd }))
    }

    /// A number for as long as the client has bindings to this process, whatever exports they are to; never given to
    /// another.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// Its process id; `None` if it is not visible in this process's pid namespace.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        Some(self.0.ids.pid).filter(|&pid| pid > 0)
    }

    /// Its real user id (or its effective or saved one, if it chose to state that; root may state any), as this process's
    /// user namespace has it; the overflow id (65534) if it has none there.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.0.ids.uid
    }

    /// Its group id, in the same way.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.0.ids.gid
    }

    /// A handle on the process that never becomes another's. `None` before Linux 6.5.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.0.pidfd.as_ref().map(|fd| fd.as_fd())
    }
}

/// The same client, for as long as it has bindings.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Peer {}
