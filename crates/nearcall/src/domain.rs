//! What a process has once it takes part: an identity, its hidden kernel thread, its processors.
//!
//! A domain begins with the first export or bind and lives as long as the process. A forked child is not part of it:
//! its regions are not mapped there, and the word that says so reads zero. The child can have a domain of its own if its parent
//! has said so before the fork ([`let_children_take_part`]); what it has of its parent's stays forked.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use nearcall_core::forks::{self, Held};
use nearcall_core::sync;
use nearcall_core::sys::forked::ForkWord;
use nearcall_core::sys::memory;
use nearcall_core::threads;
use nearcall_core::transfer::clock;
use nearcall_core::transfer::counts::ServerCounts;
use nearcall_core::transfer::crew::{Crew, Wanted};
use rustix::io::Errno;

use crate::clerk::{Exported, ServerPair};
use crate::client_pair::ClientPair;
use crate::export::drop_later;
use crate::message::Instance;
use crate::quota::{self, QUOTA};
use crate::watcher::Watcher;

/// The one domain of this process.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) instance: Instance,
    pub(crate) watcher: Watcher,
    pub(crate) crew: Crew<ServerPair>,
    /// Pairs in which this domain is the client. Held while binding, so that two binds do not make two pairs.
    pairs: Mutex<Vec<Weak<ClientPair>>>,
    /// Services without a name that go when nobody is bound to them.
    left: Mutex<Vec<Arc<Exported>>>,
    alive: ForkWord,
    /// That of the forked child that this process is, if this one was its parent's.
    next: OnceLock<&'static Self>,
}

/// Why this process cannot be a domain.
#[derive(Debug)]
pub(crate) enum NoDomain {
    Forked,
    Io(&'static str, Errno),
}

static DOMAIN: OnceLock<&'static Domain> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

/// This process's domain, if it has one; else that of the nearest ancestor that had one when it forked.
fn newest() -> Option<&'static Domain> {
    let mut domain = *DOMAIN.get()?;
    while let Some(next) = domain.next.get() {
        domain = next;
    }
    Some(domain)
}

/// This process's domain, made at the first call.
pub(crate) fn domain() -> Result<&'static Domain, NoDomain> {
    if let Some(domain) = newest().filter(|domain| domain.is_here()) {
        return Ok(domain);
    }
    let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    match newest() {
        Some(domain) if domain.is_here() => Ok(domain),
        // A kernel thread that was forked in the middle of a procedure, or of a user-level thread, is a processor of its parent's.
        Some(_) if !forks::are_locks_held() || threads::here().is_some() => Err(NoDomain::Forked),
        parent => start(parent, &starting),
    }
}

fn start(parent: Option<&'static Domain>, _starting: &MutexGuard<'_, ()>) -> Result<&'static Domain, NoDomain> {
    // What everything rests on; found missing here, with a name, and not in the middle of a handshake.
    memory::probe().map_err(|errno| NoDomain::Io("seal shared memory (Linux 5.1 or later)", errno))?;
    sync::prepare();
    clock::calibrate_soon();
    let instance = random().map_err(|errno| NoDomain::Io("get random bytes", errno))?;
    let alive = ForkWord::new(1).map_err(|errno| NoDomain::Io("map a page", errno))?;
    let watcher = Watcher::new().map_err(|errno| NoDomain::Io("make an epoll", errno))?;
    let pairs = Mutex::new(Vec::new());
    let call = watcher.caller();
    // Lives as long as the process; one whose watcher does not start is leaked, and the next call makes another.
    let domain: &'static Domain = Box::leak(Box::new(Domain {
        instance,
        watcher,
        crew: Crew::new(call),
        pairs,
        left: Mutex::default(),
        alive,
        next: OnceLock::new(),
    }));
    // Those that were set before there was a domain, or the default, within what the kernel allows.
    let limits = QUOTA.limits();
    QUOTA.set(limits);
    domain.crew.limit(limits.work);
    domain.watcher.start(domain).map_err(|errno| NoDomain::Io("start the watcher", errno))?;
    Ok(parent.map_or(&DOMAIN, |parent| &parent.next).get_or_init(|| domain))
}

/// Lets children that this process forks from now on take part, each as a domain of its own: they may bind and export.
///
/// What a child has of its parent's stays [`Forked`](crate::CallError::Forked): clients, exports, hosts of far names; dropping it
/// does nothing to the parent. A child that is forked inside a procedure or a user-level thread cannot take part
/// ([`BindError::Forked`](crate::BindError::Forked)), nor can it spawn user-level threads if its parent has. What others have of the
/// parent is on the child's accounts, too ([`usage`](crate::usage)): it may give out less.
///
/// From then on each fork takes the library's locks of the process and gives them back on either side; what only executes a program
/// (posix_spawn) does not. A program that is more than one kernel thread when it forks must see to its own locks, as ever.
///
/// # Errors
/// There is no memory to note it.
pub fn let_children_take_part() -> std::io::Result<()> {
    fn hold() -> Held {
        // Whoever begins a domain takes all the others.
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        Box::new((starting, quota::hold()))
    }
    Ok(forks::hold_locks(hold)?)
}

impl Domain {
    /// Whether this process is the one that made the domain, and not a forked child.
    pub(crate) fn is_here(&self) -> bool {
        self.alive.load(Ordering::Relaxed) == 1
    }

    pub(crate) fn pairs(&self) -> MutexGuard<'_, Vec<Weak<ClientPair>>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a service for as long as somebody is bound to it.
    pub(crate) fn leave(&self, exported: Arc<Exported>) {
        exported.is_left.store(true, Ordering::Relaxed);
        self.left.lock().unwrap_or_else(PoisonError::into_inner).push(exported);
        self.watcher.want_sweep();
    }

    /// Gives up the services that nobody is bound to. On the watcher, so that nobody binds meanwhile; asked for whenever one of
    /// them has lost a client.
    pub(crate) fn sweep_left(&self) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for unused in left.extract_if(.., |exported| exported.is_unused()) {
            unused.withdrawn.store(true, Ordering::SeqCst);
            drop_later(unused);
        }
    }

    /// Starts the processors that are wanted.
    pub(crate) fn staff(&'static self, wanted: Vec<Wanted>) {
        for wanted in wanted {
            let id = wanted.id();
            let builder = std::thread::Builder::new().name(format!("nearcall-{id}"));
            let started = builder.spawn(move || {
                nearcall_core::sys::process::block_all_signals();
                self.crew.work(wanted)
            });
            if started.is_err() {
                // The processors there are serve alone; the next caller that starves asks again.
                self.crew.not_started(id);
            }
        }
    }
}

/// Has the crew keep a limit that was set ([`crate::set_limits`]).
pub(crate) fn limit_work(most: u32) {
    if let Some(domain) = newest().filter(|domain| domain.is_here()) {
        domain.crew.limit(most);
    }
}

/// Makes this process one that other processes of its user cannot read: `PR_SET_DUMPABLE = 0`.
///
/// From then on only root (`CAP_SYS_PTRACE`) may trace it, read its memory, take its descriptors or see in /proc what it
/// executes and has open, and it leaves no core dump. It does not keep processes of the same user from sending it signals, from
/// replacing its program or its files before it starts, or from preloading into it; and it ends with exec: the next program
/// says so itself. Call it first in `main`, before there is anything to hide. A server that has rules about executables cannot
/// tell, unless it is root's, what such a client executes.
///
/// # Errors
/// What the kernel says.
pub fn undumpable() -> std::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// How the calls to this process were taken so far; all zero if it exports nothing.
#[must_use]
pub fn server_counts() -> ServerCounts {
    newest().filter(|domain| domain.is_here()).map_or_else(ServerCounts::default, |domain| domain.crew.counts())
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Errno> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled +=
            rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut *rest, rustix::rand::GetRandomFlags::empty()))?;
    }
    Ok(bytes)
}
