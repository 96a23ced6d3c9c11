//! A client that is bound again when its server was replaced.

use std::sync::{Arc, Mutex, PoisonError};

use crate::bind::{Binder, Client};
use crate::error::BindError;

/// A client of a name, whichever process has it: bound when it is first asked for, and again when the binding is of no use
/// any more. It repeats no call: whoever gets an error decides that, by
/// [`is_retry_safe`](crate::CallError::is_retry_safe) or by what the procedure is.
///
/// ```no_run
/// # #[nearcall::interface] pub trait Adder { fn add(&self, a: u32, b: u32) -> u32; }
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = nearcall::Rebinding::<AdderClient>::new(nearcall::Binder::new("adder").wait(Duration::from_secs(5)));
/// let mut adder = name.get()?;
/// let sum = loop {
///     match adder.add(2, 3) {
///         Err(error) if error.needs_rebind() => {
///             adder = name.renew(&adder)?;
///             if !error.is_retry_safe() {
///                 break Err(error);
///             }
///         }
///         other => break other,
///     }
/// }?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Rebinding<C> {
    binder: Binder,
    client: Mutex<Option<Arc<C>>>,
}

impl<C: Client> Rebinding<C> {
    /// Nothing is bound yet. How long a bind waits for a server is the binder's to say.
    pub const fn new(binder: Binder) -> Self {
        Self { binder, client: Mutex::new(None) }
    }

    /// The client, bound anew if its binding is known to have ended. Threads that ask meanwhile wait for the one bind.
    ///
    /// # Errors
    /// [`BindError`], as from [`Binder::bind`]; the next one who asks tries again.
    pub fn get(&self) -> Result<Arc<C>, BindError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        self.living(&mut client)
    }

    /// A client in place of `useless`, a call of which has failed in a way that
    /// [`needs_rebind`](crate::CallError::needs_rebind): the server may have refused it before the message arrived that says
    /// so, and [`get`](Self::get) would hand it out once more. Of several threads that ask, one binds.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn renew(&self, useless: &Arc<C>) -> Result<Arc<C>, BindError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.as_ref().is_some_and(|client| Arc::ptr_eq(client, useless)) {
            *client = None;
        }
        self.living(&mut client)
    }

    fn living(&self, client: &mut Option<Arc<C>>) -> Result<Arc<C>, BindError> {
        if let Some(client) = client.as_ref().filter(|client| client.binding().is_live()) {
            return Ok(Arc::clone(client));
        }
        // The old one first: it keeps the memory of a dead server.
        *client = None;
        let bound = Arc::new(self.binder.clone().bind::<C>()?);
        *client = Some(Arc::clone(&bound));
        Ok(bound)
    }
}
