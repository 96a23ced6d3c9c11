//! Objects without a name: clients of one's own services, to be passed to others.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_core::sys::foreign::Foreign;

use crate::bind::{Client, bind_by_card, here};
use crate::cards::Card;
use crate::clerk;
use crate::error::{BindError, StillRunning};
use crate::export::{Export, next_id};
use crate::policy::Policy;
use crate::rt::Service;
use crate::watcher::Command;

/// How long this process may take to bind to itself.
const OWN: Duration = Duration::from_secs(2);

/// A client of an object of this process, and that object: what `PrinterClient::serve(printer)` makes. It is passed to others as
/// `&PrinterClient`, which it dereferences to; whoever gets it calls the object here, on processors of this process. There is no
/// name for it: nobody has it who was not given it.
///
/// Dropping it takes the object back from everybody, as does [`revoke`](Self::revoke): calls that have not begun get `Revoked`.
/// To leave the object to those who have been given it, [`leave`](Self::leave) it.
///
/// ```no_run
/// # #[nearcall::interface] pub trait Progress { fn done(&self, percent: u32); }
/// # #[nearcall::interface] pub trait Copier { fn copy(&self, from: &str, to: &str, progress: &ProgressClient); }
/// # struct Print; impl Progress for Print { fn done(&self, _: u32) {} }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let copier = CopierClient::bind("copier")?;
/// let progress = ProgressClient::serve(Print)?;
/// copier.copy("a", "b", &progress)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropping a Callback takes the object back"]
pub struct Callback<C> {
    // Dropped in this order: what the object still has to answer is not this process's own binding.
    client: C,
    export: Export,
}

impl<C: Client> Callback<C> {
    /// An object of its own for this service, with whatever policy says: everybody it is passed to.
    ///
    /// # Errors
    /// [`BindError`]: `Forked`, `Io`, and what becomes of binding to oneself.
    #[doc(hidden)]
    pub fn new(service: impl Service) -> Result<Self, BindError> {
        let domain = here()?;
        let exported = Arc::new(clerk::exported(next_id(), Box::new(service), false, Arc::new(Policy::open())));
        let own = rustix::process::geteuid().as_raw();
        let export = Export::nameless(domain, Arc::clone(&exported));
        let Some((card, bearers)) = Card::new(&exported, own, Instant::now()) else {
            return Err(BindError::Quota {
                limit: crate::Limit::Descriptors,
                per_uid: true,
                most: crate::quota::QUOTA.limits().descriptors.per_uid,
            });
        };
        domain.watcher.command(Command::Introduce(Box::new(card)));
        let binding = bind_by_card(Foreign::own(bearers), C::INTERFACE, Instant::now() + OWN, None)?;
        Ok(Self { client: C::from_binding(binding), export })
    }

    /// Takes the object back from everybody who was given it and drops it, once its running procedures have ended; waits for
    /// them up to `timeout`.
    ///
    /// # Errors
    /// [`StillRunning`] if some have not ended in time; then it is dropped later.
    pub fn revoke(self, timeout: Duration) -> Result<(), StillRunning> {
        let Self { client, export } = self;
        drop(client);
        export.drain(timeout)
    }

    /// Takes the object back from everybody who was given it so far, this process included: make another [`Callback`] of it to
    /// pass it on again.
    pub fn revoke_all(&self) {
        self.export.revoke_all();
    }

    /// What those who were given it did that no correct client does; see [`Export::refused_count`].
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.export.refused_count()
    }

    /// Leaves the object to whoever has it: it is dropped when nobody is bound to it any more, within some two seconds, and
    /// nobody is about to be. The way to return an object from a procedure.
    #[must_use = "nobody has the object but the client that is returned"]
    pub fn leave(self) -> C {
        let Self { client, export } = self;
        export.leave();
        client
    }
}

impl<C> Deref for Callback<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}
