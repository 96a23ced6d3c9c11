//! A process that is its own server, on one kernel thread.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use nearcall_core::transfer::desk::Desk;
use nearcall_core::transfer::{crew, hook};

use crate::clerk::ServerPair;
use crate::domain::domain;
use crate::watcher::Command;

/// Runs `hook` in every call of this process, after the request was published and before the caller looks for the reply.
pub fn set_wait_hook(hook: fn()) {
    hook::set(hook);
}

/// The pairs in which this process is the server, to be served by whoever holds this.
#[derive(Debug)]
pub struct Served {
    pairs: Vec<Arc<ServerPair>>,
    desk: Desk<ServerPair>,
}

impl Served {
    /// The pairs that are there now; none if this process exports nothing.
    #[must_use]
    pub fn find() -> Self {
        let (answer, pairs) = mpsc::channel();
        if let Ok(domain) = domain() {
            domain.watcher.command(Command::Pairs { withdraw: None, answer });
        }
        let pairs = pairs.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
        Self { pairs, desk: Desk::new() }
    }

    /// Runs one request of each pair that has one. Not inlined, so that a profile tells it from the caller.
    #[inline(never)]
    pub fn serve(&mut self) {
        for pair in &self.pairs {
            crew::serve_here(pair, &mut self.desk);
        }
    }
}
