//! Exporting: from an object to a name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::clerk::{Exported, ServerPair};
use crate::domain::{Domain, NoDomain, domain};
use crate::error::ExportError;
use crate::names::{self, Dir, Held};
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
}

impl Exporter {
    /// An export as `name` in the default directory, with a socket of mode 0600.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dir: None, mode: 0o600, policy: Policy::open() }
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

    /// Exports.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(self, service: impl Service) -> Result<Export, ExportError> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        names::check(&self.name)?;
        let domain = domain().map_err(|no| match no {
            NoDomain::Forked => ExportError::Forked,
            NoDomain::Io(what, errno) => ExportError::Io { what, source: errno.into() },
        })?;
        domain.drop_retired();
        let dir = Dir::open(self.dir.as_deref(), true)?;
        let name = Held::take(dir, &self.name, self.mode)?;
        let io = |error| ExportError::Io { what: "duplicate the listener", source: error };
        let listener = name.listener.try_clone().map_err(io)?;
        let exported = Arc::new(Exported::new(IDS.fetch_add(1, Ordering::Relaxed), Box::new(service)));
        let policy = Arc::new(self.policy);
        domain.watcher.command(Command::Listen { exported: Arc::clone(&exported), policy, listener });
        Ok(Export { domain, exported, name: Some(name) })
    }
}

/// A service under a name, for as long as this lives. Dropping it gives up the name, takes all bindings back, and
/// waits for procedures that are running, up to [`Export::DRAIN`]; so do not drop it inside one of them. The
/// service itself is dropped when the last client that had bound to it has gone, by the next export or the next drop of an
/// `Export` in this process.
#[derive(Debug)]
#[must_use = "dropping an Export withdraws the service at once"]
pub struct Export {
    domain: &'static Domain,
    exported: Arc<Exported>,
    name: Option<Held>,
}

impl Export {
    /// How long dropping waits for running procedures.
    pub const DRAIN: Duration = Duration::from_secs(5);

    /// Takes all bindings back that were granted so far; new binds go on. Running procedures finish.
    pub fn revoke_all(&self) {
        self.pairs(None).iter().for_each(|pair| pair.revoke(self.exported.id));
    }

    /// What clients of this export did so far that no correct client does: calls on bindings they do not have, to
    /// procedures there are not, on A-stacks that are not theirs, with arguments that are no values. Calls on a binding
    /// that was just taken back count, too.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.exported.refused_count()
    }

    fn pairs(&self, withdraw: Option<u64>) -> Vec<Arc<ServerPair>> {
        let (answer, pairs) = mpsc::channel();
        self.domain.watcher.command(Command::Pairs { withdraw, answer });
        pairs.recv_timeout(Duration::from_secs(1)).unwrap_or_default()
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !self.domain.is_here() {
            // In a forked child: the name and the listener's connections are the parent's.
            std::mem::forget(self.name.take());
            return;
        }
        self.exported.withdrawn.store(true, Ordering::SeqCst);
        drop(self.name.take());
        let pairs = self.pairs(Some(self.exported.id));
        pairs.iter().for_each(|pair| pair.revoke(self.exported.id));
        let start = Instant::now();
        let mut nap = Duration::from_micros(50);
        while pairs.iter().any(|pair| pair.runs(self.exported.id)) && start.elapsed() < Self::DRAIN {
            std::thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(5));
        }
        drop(pairs);
        self.domain.retire(Arc::clone(&self.exported));
    }
}
