//! What a server does with each request of pfs.idl. It is yours: change it; the compiler does not write it again.
//!
//! A processor of the server runs `call` for every request: it has received the request and taken it up, and
//! sends the reply when `call` returns. In between is the place for what concerns all procedures: who may call
//! which of them, how many run at once, what is counted. `nearcall::current()` tells who calls, and how long it
//! waits. Until the procedure's stub runs, nothing of the request has been looked at but the procedure's number.

use nearcall::rt::{Incoming, Interface, Refusal, Service};

use super::pfs_conventional::{Pfs, PfsServer};

/// Serves `Pfs`.
#[derive(Debug)]
pub struct PfsLoop<T> {
    stubs: PfsServer<T>,
}

impl<T: Pfs + Send + Sync + 'static> PfsLoop<T> {
    /// Serves `imp`: for `nearcall::export` and `nearcall::Exporter`.
    pub const fn new(imp: T) -> Self {
        Self { stubs: PfsServer::new(imp) }
    }
}

impl<T: Pfs + Send + Sync + 'static> Service for PfsLoop<T> {
    fn interface(&self) -> &'static Interface {
        self.stubs.interface()
    }

    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
        // The request has been received, and `procedure` is the key that came with it.
        self.stubs.call(procedure, call)
        // The procedure has run, or was refused; the reply is made and leaves now.
    }
}
