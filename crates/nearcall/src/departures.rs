//! Who tells a program that a client of its export has gone.
//!
//! The watcher sees deaths, and must not run the program's code: a callback that takes long would hold up every bind and
//! every ring. So an export that wants to be told has a kernel thread of its own, asleep on a channel that the watcher
//! writes to. It waits for the client's running calls, so that a callback may throw away what they use.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nearcall_core::sys::process;

use crate::clerk::ServerPair;
use crate::peer::Peer;
use crate::rt::discard;

/// Between two looks whether calls of a client that has gone still run: nobody is told when a call ends.
const NAP: Duration = Duration::from_millis(1);
const NAP_MAX: Duration = Duration::from_millis(50);

/// What a program wants to be called with.
#[derive(Clone)]
pub(crate) struct Callback(Arc<dyn Fn(Peer) + Send + Sync>);

impl Callback {
    pub(crate) fn new(callback: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// An export's way to its thread; nothing unless somebody wants to be told.
#[derive(Debug, Default)]
pub(crate) struct Departures(Mutex<Option<Sender<Arc<ServerPair>>>>);

impl Departures {
    /// Starts the thread of the export with this id. It ends after [`close`](Self::close).
    pub(crate) fn start(&self, export: u64, callback: Callback) -> std::io::Result<()> {
        let (sender, gone) = channel();
        std::thread::Builder::new().name("nearcall-exits".into()).spawn(move || {
            process::block_all_signals();
            tell(export, &callback, &gone);
        })?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(())
    }

    /// A client that had bound has gone, and none of its calls can begin any more.
    pub(crate) fn note(&self, pair: &Arc<ServerPair>) {
        if let Some(sender) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // The thread outlives the sender.
            let _ = sender.send(Arc::clone(pair));
        }
    }

    /// What was noted is still told; nothing else will be.
    pub(crate) fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn tell(export: u64, callback: &Callback, gone: &Receiver<Arc<ServerPair>>) {
    let mut waiting: Vec<Arc<ServerPair>> = Vec::new();
    let mut nap = NAP;
    loop {
        let next = if waiting.is_empty() {
            nap = NAP;
            gone.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            gone.recv_timeout(nap)
        };
        match next {
            Ok(pair) => waiting.push(pair),
            Err(RecvTimeoutError::Timeout) => nap = (nap * 2).min(NAP_MAX),
            Err(RecvTimeoutError::Disconnected) if waiting.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(nap);
                nap = (nap * 2).min(NAP_MAX);
            }
        }
        for pair in waiting.extract_if(.., |pair| pair.running(export) == 0) {
            let peer = pair.peer().clone();
            // Its memory goes before the program's code runs, which may take its time.
            drop(pair);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (callback.0)(peer))) {
                discard(payload);
            }
        }
    }
}
