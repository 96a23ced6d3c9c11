//! This process as a host of a protocol graph: what its far calls go through, and what answers those of others.
//!
//! The graph comes from a file, or is the built-in one: calls over the kernel's UDP, at a port of the kernel's choice. It is driven by
//! the runtime ([`Driven`]), and by whoever waits for an answer. Its topmost protocol must be one that is called, with SELECT's
//! numbers.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nearcall_graph::compose::{BuildError, Kinds, Plan};
use nearcall_graph::protocol::{CallError, Control, PushError, Session, Ticket};
use nearcall_graph::{Address, Clock, Graph, Message, Participants, Peer};

use super::driven::{DriveError, Driven};
use crate::error::{CallError as NearError, Ran};

/// Why this process is no host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The graph cannot be composed, or has no `anchor` over what is called. Mend the file.
    #[error("{problem}")]
    File {
        /// What is wrong, with its place.
        problem: String,
    },
    /// The kernel refused something.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// This process was forked from one that took part.
    #[error("this process was forked from one that uses nearcall; exec a program")]
    Forked,
}

impl From<DriveError> for HostError {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Io { what, source } => Self::Io { what, source },
            DriveError::Forked => Self::Forked,
        }
    }
}

impl From<BuildError> for HostError {
    fn from(error: BuildError) -> Self {
        Self::File { problem: error.to_string() }
    }
}

/// Why there is no answer from another host.
#[derive(Debug)]
pub(crate) enum Unanswered {
    Timeout {
        sent: bool,
    },
    Restarted {
        sent: bool,
    },
    TooLarge {
        size: usize,
        limit: usize,
    },
    /// The other host has not run it: nobody is there for it, or too much else is to be done.
    Declined {
        is_busy: bool,
    },
    /// As many calls wait to be sent as may.
    Full,
    /// The gateway.
    Died {
        ran: Ran,
    },
    /// What became of the call to the gateway: nothing was sent on.
    Gateway(NearError),
    Down(std::io::Error),
}

/// A message of `size` bytes that the graph does not take.
fn refused(error: PushError, size: usize) -> Unanswered {
    match error {
        PushError::TooLarge { max, .. } => Unanswered::TooLarge { size, limit: max },
        PushError::Full => Unanswered::Full,
        error => Unanswered::Down(std::io::Error::other(error)),
    }
}

/// How long a message that nobody waits for may take.
const TELLING: Duration = Duration::from_secs(1);

/// Sessions with other hosts that are kept.
const SESSION_COUNT: usize = 1024;

/// A host of a protocol graph.
#[derive(Debug)]
pub struct Host {
    driven: Driven,
    clock: Clock,
    sessions: Mutex<Table>,
}

/// Sessions with other hosts, by procedure. What is idle gives way to others.
#[derive(Debug, Default)]
struct Table {
    known: HashMap<(Peer, u16), Known>,
    turn: u64,
}

#[derive(Debug)]
struct Known {
    session: Session,
    /// Calls under way that somebody waits for.
    calls: usize,
    used: u64,
}

/// A call under way, by whose session.
struct UnderWay<'a>(&'a Host, (Peer, u16), Session);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Self(host, key, session) = self;
        if let Some(known) = host.table().known.get_mut(key).filter(|known| known.session == *session) {
            known.calls -= 1;
        }
    }
}

/// The file of this process's graph, by its name in the environment.
const FILE: &str = "NEARCALL_GRAPH";

static DEFAULT: OnceLock<Arc<Host>> = OnceLock::new();

impl Host {
    /// Composes the graph that `text`, the contents of `file`, describes, and has the runtime drive it. Its `anchor` stands on
    /// what is called.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn compose(file: &str, text: &str) -> Result<Self, HostError> {
        let clock = Clock::new();
        let plan = Plan::read(file, text, &Kinds::standard());
        let plan = plan.map_err(|problems| HostError::File { problem: problems.to_string() })?;
        Self::of(plan.build(None, clock.now())?, file)
    }

    fn of(graph: Graph, file: &str) -> Result<Self, HostError> {
        if graph.anchor("anchor").is_none() {
            return Err(HostError::File { problem: format!("{file}: there is no `anchor`, over which programs call") });
        }
        let driven = Driven::new(Arc::new(graph))?;
        Ok(Self { driven, clock: Clock::new(), sessions: Mutex::default() })
    }

    /// The built-in graph, bound to `address` and `port`; port 0 takes any.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn bound_to(address: Ipv4Addr, port: u16) -> Result<Self, HostError> {
        let text = format!(
            "name=wire_sockets local={address}:{port};\n@;\nname=blast protocols=wire_sockets;\n\
             name=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\nname=chan protocols=bid;\n\
             name=vchan protocols=chan;\nname=select protocols=vchan;\nname=anchor protocols=select inbox=1024;\n"
        );
        Self::compose("the built-in graph", &text)
    }

    /// The host that far names are bound through: of the file that `$NEARCALL_GRAPH` names, else the built-in one. Made at the
    /// first call.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn of_process() -> Result<Arc<Self>, HostError> {
        if let Some(host) = DEFAULT.get() {
            return if host.is_here() { Ok(Arc::clone(host)) } else { Err(HostError::Forked) };
        }
        let host = match std::env::var_os(FILE) {
            None => Self::bound_to(Ipv4Addr::UNSPECIFIED, 0)?,
            Some(path) => {
                let file = path.to_string_lossy().into_owned();
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| HostError::Io { what: "read the graph file", source })?;
                Self::compose(&file, &text)?
            }
        };
        // Whoever was faster has the wires; the other one's are closed.
        Ok(Arc::clone(DEFAULT.get_or_init(|| Arc::new(host))))
    }

    /// Its graph, for whoever wants to look at what its protocols count.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        self.driven.graph()
    }

    /// Whether this is not a forked child, in which the wires are its parent's.
    pub(crate) fn is_here(&self) -> bool {
        self.driven.is_here()
    }

    pub(crate) fn driven(&self) -> &Driven {
        &self.driven
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Calls under way at once with another host, from now on; five to begin with.
    ///
    /// # Errors
    /// [`HostError::Io`] if there is no session with it.
    pub fn set_concurrency(&self, host: &str, count: usize) -> Result<(), crate::BindError> {
        let peer = super::name::address(host)?;
        let down = |error: Unanswered| match error {
            Unanswered::Down(source) => crate::BindError::Io { what: "reach another host", source },
            _ => crate::BindError::Closed,
        };
        let under_way = self.session(peer, super::message::CALL).map_err(down)?;
        let _ = self.graph().control(under_way.2, Control::Concurrency(count), self.clock.now());
        Ok(())
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session for one call, which does not give way to others while that is under way.
    fn session(&self, peer: Peer, procedure: u16) -> Result<UnderWay<'_>, Unanswered> {
        let key = (peer, procedure);
        let mut table = self.table();
        table.turn += 1;
        let used = table.turn;
        if let Some(known) = table.known.get_mut(&key) {
            known.calls += 1;
            known.used = used;
            return Ok(UnderWay(self, key, known.session));
        }
        let now = self.clock.now();
        let to =
            Participants::new().to(Address::Host(peer.host)).to(Address::Port(peer.port)).to(Address::Port(procedure));
        let anchor =
            self.graph().anchor("anchor").ok_or_else(|| Unanswered::Down(std::io::ErrorKind::NotFound.into()))?;
        if table.known.len() >= SESSION_COUNT {
            let idle = table.known.iter().filter(|(_, known)| known.calls == 0);
            let oldest = idle.min_by_key(|(_, known)| known.used).map(|(key, _)| *key);
            let Some(gone) = oldest.and_then(|oldest| table.known.remove(&oldest)) else {
                return Err(Unanswered::Full);
            };
            anchor.close(gone.session, now);
        }
        let session = anchor.open(to, now).map_err(|error| Unanswered::Down(std::io::Error::other(error)))?;
        table.known.insert(key, Known { session, calls: 1, used });
        Ok(UnderWay(self, key, session))
    }

    /// Calls procedure `procedure` of another host, and waits for its answer.
    pub(crate) fn exchange(
        &self,
        peer: Peer,
        procedure: u16,
        bytes: Vec<u8>,
        until: Option<Instant>,
    ) -> Result<Vec<u8>, Unanswered> {
        self.exchange_while(peer, procedure, bytes, until, Duration::MAX, || true)
    }

    /// The same for somebody else, of whom `is_wanted` says each `look` whether he still waits.
    pub(crate) fn exchange_while(
        &self,
        peer: Peer,
        procedure: u16,
        bytes: Vec<u8>,
        until: Option<Instant>,
        look: Duration,
        is_wanted: impl Fn() -> bool,
    ) -> Result<Vec<u8>, Unanswered> {
        let graph = self.graph();
        let under_way = self.session(peer, procedure)?;
        let size = bytes.len();
        let ticket = self.begin(&under_way, bytes, until)?;
        // CHAN ends it at its deadline; without one it ends when nothing is heard of the other host, or with its life.
        let end = until.and_then(|until| until.checked_add(TELLING));
        let left = || end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let answer = loop {
            let answer = graph.until(&self.clock, left().min(look), || graph.answer(ticket));
            if answer.is_some() || left().is_zero() || !is_wanted() {
                break answer;
            }
        };
        match answer {
            Some(Ok(message)) => Ok(message.to_vec()),
            Some(Err(CallError::Timeout { sent })) => Err(Unanswered::Timeout { sent }),
            Some(Err(CallError::PeerRestarted { sent })) => Err(Unanswered::Restarted { sent }),
            Some(Err(CallError::Declined { is_busy })) => Err(Unanswered::Declined { is_busy }),
            Some(Err(CallError::Refused(error))) => Err(refused(error, size)),
            Some(Err(_)) | None => {
                graph.forget(ticket);
                Err(Unanswered::Timeout { sent: true })
            }
        }
    }

    /// The same without waiting, for what may be lost.
    pub(crate) fn tell(&self, peer: Peer, procedure: u16, bytes: Vec<u8>) {
        let _ = self.send(peer, procedure, bytes, Instant::now().checked_add(TELLING));
    }

    /// Sends what nobody waits for; it is repeated until the other host has answered, or `until`.
    pub(crate) fn send(
        &self,
        peer: Peer,
        procedure: u16,
        bytes: Vec<u8>,
        until: Option<Instant>,
    ) -> Result<(), Unanswered> {
        let size = bytes.len();
        let ticket = self.begin(&self.session(peer, procedure)?, bytes, until)?;
        let graph = self.graph();
        // What the protocols below do not take they refuse at once.
        match graph.answer(ticket) {
            Some(Err(CallError::Refused(error))) => Err(refused(error, size)),
            Some(_) => Ok(()),
            None => {
                graph.forget(ticket);
                Ok(())
            }
        }
    }

    fn begin(&self, under_way: &UnderWay<'_>, bytes: Vec<u8>, until: Option<Instant>) -> Result<Ticket, Unanswered> {
        let UnderWay(_, key, session) = under_way;
        let (size, now) = (bytes.len(), self.clock.now());
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let mut message = Message::from(bytes);
        message.attributes_mut().deadline = left.map(|left| now.after(left));
        self.graph().call(*session, message, now).map_err(|error| {
            if error == PushError::Closed {
                self.table().known.remove(key);
            }
            refused(error, size)
        })
    }
}
