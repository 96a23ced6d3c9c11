//! Replies that a procedure leaves to be made later.
//!
//! ```text
//! Running --send--> Answered --the procedure returns--> Over        the processor writes the reply
//!    |                                                    ^
//!    +--the procedure returns--> Waiting --send, drop-----+         whoever has the token writes it
//! ```
//!
//! Invariants: a call has one answer, whoever is first; it is written only after the procedure has returned, because until then
//! the call's memory is the procedure's. One whose procedure panics is answered by that, and its token leads nowhere.
//!
//! What it does not do: wait, or keep a time-out. Who has the token decides when it is used; the caller gives up by its own clock.
//!
//! Source: IDL4 (2000): servers whose reply comes later.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use nearcall_core::channel::memory::Memory;
use nearcall_core::transfer::deferred::Deferred;
use nearcall_core::transfer::handoff;

use crate::clerk::ServerPair;
use crate::current::{Current, current};
use crate::rt::{Incoming, Refusal, discard};

/// Writes a result as the stub of its procedure does.
pub(crate) type Encode<R> = fn(&mut Incoming<'_>, R) -> Result<(), Refusal>;

/// The right to make the reply of one call, after its procedure has returned, on any kernel thread. The last parameter of a
/// procedure that leaves its reply to be made later.
///
/// `R` is what such a procedure has for a result: `T`, or `Result<T, E>`. A token that is dropped answers
/// [`CallError::Aborted`](crate::CallError::Aborted); so does the end of the export, once its
/// [drain](crate::Export::drain) has waited as long as it may, and the end of the client.
///
/// While it is there, the call is under way: its A-stack is busy, and so counts against `concurrency`.
#[must_use = "dropped, it answers that the call was aborted"]
pub struct ReplyToken<R: Send + 'static>(Way<R>);

enum Way<R: Send + 'static> {
    Call {
        shared: Arc<Shared<R>>,
        call: Option<Current>,
    },
    /// Without a boundary.
    Here(Arc<Here<R>>),
}

impl<R: Send + 'static> ReplyToken<R> {
    /// Answers the call. A caller that has given up meanwhile, or has ended, does not hear of it.
    pub fn send(self, result: R) {
        match &self.0 {
            Way::Call { shared, .. } => shared.send(result),
            Way::Here(here) => here.put(Some(result)),
        }
    }

    /// The call, with its client, its time and whether it was given up: as [`current`] told the procedure. `None` where no
    /// boundary was crossed.
    #[must_use]
    pub fn call(&self) -> Option<&Current> {
        match &self.0 {
            Way::Call { call, .. } => call.as_ref(),
            Way::Here(_) => None,
        }
    }

    /// Whether nobody waits for the reply any more: as [`Current::is_cancelled`], and also when the export has been drained.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Way::Call { shared, call } => {
                matches!(*shared.slot(), Slot::Over) || call.as_ref().is_some_and(Current::is_cancelled)
            }
            Way::Here(_) => false,
        }
    }

    /// A token for a call without a boundary, and what is told of its use.
    #[doc(hidden)]
    pub fn here() -> (Self, Answer<R>) {
        let here = Arc::new(Here { result: Mutex::new(None), over: Condvar::new() });
        (Self(Way::Here(Arc::clone(&here))), Answer(here))
    }
}

impl<R: Send + 'static> Drop for ReplyToken<R> {
    fn drop(&mut self) {
        match &self.0 {
            Way::Call { shared, .. } => shared.abort(),
            Way::Here(here) => here.put(None),
        }
    }
}

impl<R: Send + 'static> std::fmt::Debug for ReplyToken<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyToken").field("call", &self.call()).finish_non_exhaustive()
    }
}

/// How far a call is whose reply comes later.
enum Slot<R> {
    Running,
    Answered(R),
    Waiting(Deferred<ServerPair>),
    Over,
}

/// What a token and its call have in common.
struct Shared<R> {
    encode: Encode<R>,
    slot: Mutex<Slot<R>>,
}

impl<R: Send + 'static> Shared<R> {
    fn slot(&self) -> MutexGuard<'_, Slot<R>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, result: R) {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Over) {
            Slot::Running => *slot = Slot::Answered(result),
            Slot::Waiting(call) => {
                // Values of the program's are written without the lock.
                drop(slot);
                self.write(call, result);
            }
            // Nobody is told what became of a call that ended otherwise.
            Slot::Answered(_) | Slot::Over => {}
        }
    }

    fn write(&self, call: Deferred<ServerPair>, result: R) {
        call.answer(|serving| {
            let mut memory = Memory::default();
            let mut incoming = Incoming::resumed(serving, &mut memory);
            // As in procedures: the program's own code runs in there, and its panic is the call's.
            let written = catch_unwind(AssertUnwindSafe(|| (self.encode)(&mut incoming, result)));
            match written {
                Ok(Ok(())) => incoming.status(),
                Ok(Err(refusal)) => refusal.status(),
                Err(payload) => discard(payload),
            }
        });
    }
}

/// A call whose reply comes later, whatever it is.
pub(crate) trait Parked: Send + Sync {
    /// Its procedure has returned.
    fn park(&self, call: Deferred<ServerPair>);

    /// Nobody answers it but by [`status::ABORTED`](nearcall_layout::pair::status::ABORTED), unless it was answered.
    fn abort(&self);
}

impl<R: Send + 'static> Parked for Shared<R> {
    fn park(&self, call: Deferred<ServerPair>) {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Over) {
            Slot::Running => *slot = Slot::Waiting(call),
            Slot::Answered(result) => {
                drop(slot);
                self.write(call, result);
            }
            // Its token was dropped; so is the call.
            Slot::Waiting(_) | Slot::Over => {}
        }
    }

    fn abort(&self) {
        let mut slot = self.slot();
        // What was sent while the procedure ran stays an answer.
        if matches!(*slot, Slot::Running | Slot::Waiting(_)) {
            let before = std::mem::replace(&mut *slot, Slot::Over);
            drop(slot);
            drop(before);
        }
    }
}

thread_local! {
    /// What the procedure that has just returned here has left; nothing else of the program's runs until it is taken.
    static PARKED: RefCell<Option<Arc<dyn Parked>>> = const { RefCell::new(None) };
}

/// What a stub keeps while its procedure runs.
#[derive(Default)]
pub struct Parking(Option<Arc<dyn Parked>>);

impl std::fmt::Debug for Parking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Parking").finish_non_exhaustive()
    }
}

impl Parking {
    /// The procedure has returned.
    ///
    /// # Errors
    /// Always: the call has no answer yet.
    pub fn park(mut self) -> Result<(), Refusal> {
        PARKED.with(|parked| *parked.borrow_mut() = self.0.take());
        Err(Refusal::Deferred)
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        // The procedure has panicked, which is the answer.
        if let Some(parked) = self.0.take() {
            parked.abort();
        }
    }
}

/// What the procedure that has just returned on this kernel thread has left.
pub(crate) fn take_parked() -> Option<Arc<dyn Parked>> {
    PARKED.with(|parked| parked.borrow_mut().take())
}

/// A token for the call that runs here, and what the stub keeps.
pub(crate) fn defer<R: Send + 'static>(encode: Encode<R>) -> (ReplyToken<R>, Parking) {
    let shared = Arc::new(Shared { encode, slot: Mutex::new(Slot::Running) });
    let token = ReplyToken(Way::Call { shared: Arc::clone(&shared), call: current() });
    (token, Parking(Some(shared)))
}

/// A reply that crosses no boundary.
struct Here<R> {
    /// `Some(None)`: the token was dropped.
    result: Mutex<Option<Option<R>>>,
    over: Condvar,
}

impl<R> Here<R> {
    /// The first one counts.
    fn put(&self, result: Option<R>) {
        self.result.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(result);
        self.over.notify_all();
    }
}

/// What is told of a token's use without a boundary.
#[doc(hidden)]
pub struct Answer<R>(Arc<Here<R>>);

impl<R> std::fmt::Debug for Answer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Answer").finish_non_exhaustive()
    }
}

impl<R> Answer<R> {
    /// Waits for it; `None` if the token was dropped.
    #[must_use]
    pub fn wait(self) -> Option<R> {
        let _open = handoff::open();
        let mut result = self.0.result.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match result.take() {
                Some(result) => return result,
                None => result = self.0.over.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
