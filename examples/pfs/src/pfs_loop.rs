//! What a server does with each request of pfs.idl. It is yours: change it; the compiler does not write it again.
//!
//! A processor of the server runs `call` for every request: it has received the request and taken it up, and
//! sends the reply when `call` returns. In between is the place for what concerns all procedures: who may call
//! which of them, how many run at once, what is counted. `nearcall::current()` tells who calls, and how long it
//! waits. Until the procedure's stub runs, nothing of the request has been looked at but the procedure's number.
//!
//! This one was changed in two places: only the users in a list may open files and write; and directories, which take long, have
//! a queue of their own, so that they never hold more than one of the server's processors.

use std::sync::{Condvar, Mutex, PoisonError};

use nearcall::rt::{Incoming, Interface, Refusal, Service};

use super::pfs::{Pfs, PfsServer};

/// Numbers of procedures, in the order of the interface.
const OPEN: u16 = 0;
const WRITE: u16 = 1;
const GET_DIRENTRIES: u16 = 2;

/// Serves `Pfs`.
#[derive(Debug)]
pub struct PfsLoop<T> {
    stubs: PfsServer<T>,
    /// Users who may open and write.
    writers: Vec<u32>,
    directories: Queue,
}

impl<T: Pfs + Send + Sync + 'static> PfsLoop<T> {
    /// Serves `imp`: for `nearcall::export` and `nearcall::Exporter`.
    pub const fn new(imp: T, writers: Vec<u32>) -> Self {
        Self { stubs: PfsServer::new(imp), writers, directories: Queue::new() }
    }

    fn may_call(&self, procedure: u16) -> bool {
        match procedure {
            OPEN | WRITE => nearcall::current().is_some_and(|current| self.writers.contains(&current.peer().uid())),
            _ => true,
        }
    }
}

impl<T: Pfs + Send + Sync + 'static> Service for PfsLoop<T> {
    fn interface(&self) -> &'static Interface {
        self.stubs.interface()
    }

    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
        // The request has been received, and `procedure` is the key that came with it.
        if !self.may_call(procedure) {
            return Err(Refusal::Denied);
        }
        let _turn = (procedure == GET_DIRENTRIES).then(|| self.directories.wait());
        self.stubs.call(procedure, call)
        // The procedure has run, or was refused; the reply is made and leaves now.
    }
}

/// Requests in order of arrival, one at a time.
#[derive(Debug)]
struct Queue {
    /// The next number to be given out, and the one whose turn it is.
    numbers: Mutex<(u64, u64)>,
    changed: Condvar,
}

impl Queue {
    const fn new() -> Self {
        Self { numbers: Mutex::new((0, 0)), changed: Condvar::new() }
    }

    /// Takes a number and waits for its turn, which lasts until the result is dropped.
    fn wait(&self) -> Turn<'_> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let own = numbers.0;
        numbers.0 += 1;
        while numbers.1 != own {
            numbers = self.changed.wait(numbers).unwrap_or_else(PoisonError::into_inner);
        }
        Turn(self)
    }
}

/// Drops also when the procedure panics, so a panic stops nobody.
struct Turn<'a>(&'a Queue);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
        self.0.changed.notify_all();
    }
}
