//! Exporting: from an object to a name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nearcall_core::sys::process;
use nearcall_core::transfer::handoff;

use crate::clerk::{self, Exported};
use crate::current::current;
use crate::departures::Callback;
use crate::domain::{Domain, NoDomain, domain};
use crate::error::{ExportError, StillRunning};
use crate::names::{self, Dir, Held};
use crate::peer::Peer;
use crate::policy::Policy;
use crate::rt::Service;
use crate::watcher::Command;

/// Exports a service under a name, for clients of this user.
///
/// # Errors
/// [`ExportError`].
pub fn export(name: &str, service: impl Service) -> Result<Export, ExportError> {
    Exporter::new(name).export(service)
}

/// An export with options.
#[derive(Debug, Clone)]
#[must_use]
pub struct Exporter {
    name: String,
    dir: Option<PathBuf>,
    mode: u32,
    policy: Policy,
    replace: bool,
    cooperative: bool,
    on_exit: Option<Callback>,
}

impl Exporter {
    /// An export as `name` in the default directory, with a socket of mode 0600.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            dir: None,
            mode: 0o600,
            policy: Policy::open(),
            replace: false,
            cooperative: false,
            on_exit: None,
        }
    }

    /// Puts the name into this directory, which is made if only its last part is missing.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// The socket's file mode: who may write the socket may bind. 0600 (default): this user.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Says which of those who may write the socket may bind. [`Policy::open`] unless said otherwise. (What they may take is
    /// the process's affair: [`crate::set_limits`].)
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes the name over if a living process of this user has it, for a restart that refuses nobody: start the new server
    /// with this, and let the old one drop its [`Export`] afterwards. From the export on, binds come here; who has bound to
    /// the old one calls that until it takes the bindings back ([`Rebinding`](crate::Rebinding) is for such clients). A
    /// connection that the old listener has not accepted by its end is closed; [`Binder::wait`](crate::Binder::wait) covers
    /// that.
    pub fn replace(mut self) -> Self {
        self.replace = true;
        self
    }

    /// Lets several of this service's procedures wait on one kernel thread, each on a stack of its own, up to 64: one that
    /// would wait in nearcall (a call it makes, [`thread::sleep`](crate::thread::sleep), a
    /// [`sync::Mutex`](crate::sync::Mutex), a join) is suspended, and the next call is taken by the same kernel thread.
    /// Without it each procedure that waits keeps a kernel thread, which is what most code expects. It may use
    /// [`thread::spawn_local`](crate::thread::spawn_local).
    ///
    /// **Only for code that holds no `std` lock, and no other claim to its kernel thread, while it waits.** Procedures that
    /// do so under a `std::sync::Mutex` wait for themselves: the second one blocks the kernel thread on which the first would
    /// go on. The watchdog names whoever was kept waiting for more than 100 ms
    /// ([`thread::watchdog`](crate::thread::watchdog)); the calls end by their time-outs. Services of the same process that
    /// are not cooperative are never run on a kernel thread where something is suspended. `#[call(handoff)]` and
    /// [`blocking`](crate::blocking) say nothing here.
    ///
    /// A thread of the x-kernel's, whose stack is detached when it blocks, with this difference: it goes on where it began
    /// (a started stack never changes its kernel thread).
    pub fn cooperative(mut self) -> Self {
        self.cooperative = true;
        self
    }

    /// Calls `callback` once for each client that has bound to this export and has gone: its process has died, or has let go
    /// of its last binding to this one. By then its running calls of this export have ended.
    ///
    /// The calls are made one after the other, on a kernel thread that belongs to the export and sleeps in between; so they
    /// may take long, but those that follow wait. A panic ends the call and nothing else. When the export is dropped, those
    /// that are due are still made, and no others.
    pub fn on_peer_exit(mut self, callback: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        self.on_exit = Some(Callback::new(callback));
        self
    }

    /// Exports.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(self, service: impl Service) -> Result<Export, ExportError> {
        names::check(&self.name)?;
        let domain = domain().map_err(|no| match no {
            NoDomain::Forked => ExportError::Forked,
            NoDomain::Io(what, errno) => ExportError::Io { what, source: errno.into() },
        })?;
        let dir = Dir::open(self.dir.as_deref(), true)?;
        let name = Held::take(dir, &self.name, self.mode, self.replace)?;
        let io = |error| ExportError::Io { what: "duplicate the listener", source: error };
        let listener = name.listener.try_clone().map_err(io)?;
        let policy = Arc::new(self.policy);
        let service = Box::new(service);
        let exported = Arc::new(clerk::exported(next_id(), service, self.cooperative, Arc::clone(&policy)));
        if self.cooperative {
            domain.crew.allow_cooperation();
        }
        if let Some(callback) = self.on_exit {
            let io = |error| ExportError::Io { what: "start a thread for callbacks", source: error };
            exported.departures.start(exported.id, callback).map_err(io)?;
        }
        domain.watcher.command(Command::Listen { exported: Arc::clone(&exported), policy, listener });
        Ok(Export { domain, exported, name: Some(name), is_drained: false })
    }
}

/// A number for an export.
pub(crate) fn next_id() -> u64 {
    static IDS: AtomicU64 = AtomicU64::new(1);
    IDS.fetch_add(1, Ordering::Relaxed)
}

/// A service under a name, for as long as this lives. Dropping it is [`drain`](Self::drain) with [`Self::DRAIN`]; for
/// another time-out, or to know how it went, drain it.
#[derive(Debug)]
#[must_use = "dropping an Export withdraws the service at once"]
pub struct Export {
    domain: &'static Domain,
    exported: Arc<Exported>,
    name: Option<Held>,
    is_drained: bool,
}

impl Export {
    /// Of a service that has none.
    pub(crate) fn nameless(domain: &'static Domain, exported: Arc<Exported>) -> Self {
        Self { domain, exported, name: None, is_drained: false }
    }

    /// Withdraws it when nobody is bound to it.
    pub(crate) fn leave(mut self) {
        self.is_drained = true;
        self.domain.leave(Arc::clone(&self.exported));
    }

    /// How long dropping waits for running procedures.
    pub const DRAIN: Duration = Duration::from_secs(5);

    /// Withdraws the service: gives up the name, takes all bindings back (later calls get `Revoked`), and waits up to
    /// `timeout` for procedures that are running. These finish, whatever happens here, and their results arrive. Calls whose
    /// replies come later ([`ReplyToken`](crate::ReplyToken)) are running ones; they are answered `Aborted` after that time. Inside a
    /// procedure of the same export it does not wait: that would be for itself.
    ///
    /// # Errors
    /// [`StillRunning`] if some have not ended in time.
    pub fn drain(mut self, timeout: Duration) -> Result<(), StillRunning> {
        let _open = handoff::open();
        self.withdraw(timeout)
    }

    /// Takes all bindings back that were granted so far, also those that were passed on and have not arrived; new binds go on.
    /// Running procedures finish.
    pub fn revoke_all(&self) {
        self.exported.epoch.fetch_add(1, Ordering::Relaxed);
        self.exported.clients().iter().for_each(|pair| pair.revoke(self.exported.id));
    }

    /// Whether the name still leads here: nobody has taken it by [`Exporter::replace`], and nobody has removed its file.
    /// An export that was replaced goes on serving those who have bound to it, until it is dropped.
    #[must_use]
    pub fn has_name(&self) -> bool {
        self.name.as_ref().is_some_and(Held::is_ours)
    }

    /// What clients of this export did so far that no correct client does: calls on bindings they do not have, to
    /// procedures there are not, on A-stacks that are not theirs, with arguments that are no values. Calls on a binding
    /// that was just taken back count, too, and those whose descriptors were called back because the caller's time was over.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.exported.refused_count()
    }

    /// Has the watcher close the listener, and waits for that as long as it may take. If it takes longer, it happens later.
    fn stop_listening(&self, id: u64) {
        let (answer, done) = mpsc::channel();
        self.domain.watcher.command(Command::Pairs { withdraw: Some(id), answer });
        let _ = done.recv_timeout(Duration::from_secs(1));
    }

    fn withdraw(&mut self, timeout: Duration) -> Result<(), StillRunning> {
        self.is_drained = true;
        if !self.domain.is_here() {
            // In a forked child: the name and the listener's connections are the parent's.
            std::mem::forget(self.name.take());
            return Ok(());
        }
        let id = self.exported.id;
        self.exported.withdrawn.store(true, Ordering::SeqCst);
        if self.name.take().is_some() {
            self.stop_listening(id);
        }
        // Whoever binds meanwhile is told that it is withdrawn; whoever has bound is known without the watcher, which may be
        // busy.
        self.exported.clients().iter().for_each(|pair| pair.revoke(id));
        let own = current().is_some_and(|call| call.pair().export(call.binding()) == Some(id));
        let timeout = if own { Duration::ZERO } else { timeout };
        let start = Instant::now();
        let mut nap = NAP;
        let drained = loop {
            match self.exported.take() {
                Ok(service) => break Ok(service),
                Err(count) if start.elapsed() >= timeout => {
                    // Replies that were to come later have had their time; the service may have the tokens itself.
                    self.exported.clients().iter().for_each(|pair| pair.abort_parked(Some(id)));
                    break self.exported.take().map_err(|left| StillRunning { count: count.min(left) });
                }
                Err(_) => {}
            }
            std::thread::sleep(nap.min(timeout.saturating_sub(start.elapsed())));
            nap = (nap * 2).min(NAP_MAX);
        };
        self.exported.departures.close();
        if drained.is_err() {
            drop_later(Arc::clone(&self.exported));
        }
        // The program's own Drop, on this thread of the program's.
        drained.map(drop)
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !self.is_drained {
            // Who wants to know drains.
            let _ = self.withdraw(Self::DRAIN);
        }
    }
}

/// Between two looks whether a procedure still runs.
const NAP: Duration = Duration::from_micros(50);
const NAP_MAX: Duration = Duration::from_millis(5);

/// The same, once nobody waits for it any more.
const LATER: Duration = Duration::from_millis(50);

/// Drops a service when the last of its procedures has ended, on a kernel thread of its own, which ends with that: neither
/// the watcher nor a processor runs the program's Drop.
pub(crate) fn drop_later(exported: Arc<Exported>) {
    let wait = move || {
        process::block_all_signals();
        loop {
            // What a procedure has left to be answered later since then.
            exported.clients().iter().for_each(|pair| pair.abort_parked(Some(exported.id)));
            match exported.take() {
                Ok(service) => return drop(service),
                Err(0) => return,
                Err(_) => std::thread::sleep(LATER),
            }
        }
    };
    // Without a thread for it, the service goes with the last client that had bound to it.
    let _ = std::thread::Builder::new().name("nearcall-drain".into()).spawn(wait);
}
