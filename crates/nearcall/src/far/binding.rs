//! A far binding, on the client's side: which host, which binding there, and how to ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nearcall_core::transfer::{desk, handoff};
use nearcall_layout::shape::MESSAGES;

use super::gateway::Route;
use super::host::{Host, HostError, Unanswered};
use super::message::{Asked, BIND, Bind, Bound, CALL, LIST, Reply, Request, UNBIND, names_from_bytes, status};
use super::name::FarName;
use crate::binding::{Binding, Path, patience};
use crate::error::{BindError, CallError, Failure, Ran};
use crate::info::printable;
use crate::rt::{Carried, Interface};

/// How long a question for a binding may take. The first message to a host finds out who that is.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// What makes a binding far.
#[derive(Debug)]
pub(crate) struct Far {
    route: Route,
    name: FarName,
    /// Its number at the other host.
    binding: u64,
    interface: &'static Interface,
    /// A call was left to itself, and may be under way.
    has_left: AtomicBool,
}

/// Asks the host that `name` names for a binding.
///
/// # Errors
/// [`BindError`].
pub(crate) fn bind(name: &FarName, route: Route, interface: &'static Interface) -> Result<Binding, BindError> {
    if let Route::Own(host) = &route
        && !host.is_here()
    {
        return Err(BindError::Forked);
    }
    for procedure in interface.procedures.iter().filter(|procedure| !procedure.near) {
        // The stubs of the conventional back end carry their messages themselves.
        if procedure.origin.ends_with(MESSAGES) {
            let why = format!("{name}: `{}` is of the conventional back end, which does not go far", procedure.name);
            return Err(BindError::Unsupported(why));
        }
        for param in procedure.params {
            let what = match param.carried {
                Carried::InPlace => "read in place",
                Carried::Passed => "passed and not copied",
                _ => continue,
            };
            let why = format!("{name}: `{}` of `{}` is {what}, which cannot go far", param.name, procedure.name);
            return Err(BindError::Unsupported(why));
        }
    }
    let procedures = interface.procedures.iter().filter(|own| !own.near).map(Asked::of).collect();
    let ask = Bind { name: name.service.clone(), interface: interface.name.to_owned(), procedures };
    let until = Instant::now() + HANDSHAKE;
    let _open = handoff::open();
    let not_found = || BindError::NotFound { name: name.service.clone(), dir: format!("chan://{}", name.peer).into() };
    let answer = match route.exchange(name.peer, BIND, ask.to_bytes(), Some(until)) {
        // Nobody serves bindings there.
        Err(Unanswered::Declined { is_busy: false }) => return Err(not_found()),
        answer => answer.map_err(unanswered)?,
    };
    let binding = match Bound::from_bytes(&answer) {
        Ok(Bound::Yes(binding)) => binding,
        Ok(Bound::NotFound) => return Err(not_found()),
        Ok(Bound::Incompatible(difference)) => return Err(BindError::Incompatible { difference }),
        Ok(Bound::Denied(why)) => return Err(BindError::Denied { why }),
        Ok(Bound::Failed(why)) => {
            return Err(BindError::Io { what: "bind at the other host", source: std::io::Error::other(why) });
        }
        Err(_) => return Err(BindError::PeerMisbehaved("its answer is none of the protocol")),
    };
    let far = Far { route, name: name.clone(), binding, interface, has_left: AtomicBool::new(false) };
    Binding::new_far(far).map_err(|errno| BindError::Io { what: "map a page", source: errno.into() })
}

fn unanswered(error: Unanswered) -> BindError {
    match error {
        Unanswered::Timeout { .. } => BindError::Timeout(HANDSHAKE),
        Unanswered::Restarted { .. } => BindError::Closed,
        Unanswered::TooLarge { .. } => BindError::Unsupported("an interface that is larger than a message".to_owned()),
        Unanswered::Died { .. } => BindError::Closed,
        busy @ (Unanswered::Declined { .. } | Unanswered::Full | Unanswered::Gateway(_)) => {
            let why = match busy {
                Unanswered::Gateway(error) => error.to_string(),
                Unanswered::Declined { is_busy: false } => "nobody serves there".to_owned(),
                Unanswered::Full => "as many calls as may wait to be sent".to_owned(),
                _ => "the other host has too much to do".to_owned(),
            };
            BindError::Io { what: "ask another host", source: std::io::Error::other(why) }
        }
        Unanswered::Down(error) => BindError::Io { what: "reach another host", source: error },
    }
}

/// What the host `host` (an address or a name of the hosts file, with or without a port) serves: names, and what their interfaces
/// are called.
///
/// # Errors
/// [`BindError`]; `Timeout` if nobody is there.
pub fn list(host: &str) -> Result<Vec<(String, String)>, BindError> {
    let peer = super::name::address(host)?;
    ask(peer, "")
}

/// What a far name's interface is, in words: as `nearcall info` shows it of a near one.
///
/// # Errors
/// [`BindError`].
pub fn describe(name: &str) -> Result<String, BindError> {
    let far = super::name::parse(name)?.ok_or_else(|| BindError::Unsupported(format!("{name}: a near name")))?;
    let found = ask(far.peer, &far.service)?.into_iter().next();
    let missing = || BindError::NotFound { name: far.service.clone(), dir: format!("chan://{}", far.peer).into() };
    found.map(|(_, text)| text).ok_or_else(missing)
}

fn ask(peer: nearcall_graph::Peer, name: &str) -> Result<Vec<(String, String)>, BindError> {
    let host = Host::of_process()?;
    let until = Instant::now() + HANDSHAKE;
    let answer = host.exchange(peer, LIST, name.as_bytes().to_vec(), Some(until)).map_err(unanswered)?;
    let names =
        names_from_bytes(&answer).map_err(|_| BindError::PeerMisbehaved("its answer is none of the protocol"))?;
    // Text of another host, for people to read.
    Ok(names.into_iter().map(|(name, text)| (printable(&name), printable_lines(&text))).collect())
}

fn printable_lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(&printable(line));
        out.push('\n');
    }
    // One line has none of its own.
    if text.lines().count() <= 1 {
        out.pop();
    }
    out
}

impl Far {
    pub(crate) fn path(&self) -> Path {
        self.route.path()
    }

    /// The time that a call of `procedure` has.
    fn time(&self, procedure: u16) -> Result<Option<Duration>, Failure> {
        let procedure = self.interface.procedures.get(usize::from(procedure)).filter(|procedure| !procedure.near);
        let Some(procedure) = procedure else { return Err(Failure(CallError::Unsupported)) };
        // Of a call in whose procedure this one is made, what is left.
        let timeout = desk::at_most(patience(procedure.timeout));
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(Failure(CallError::Timeout { ran: Ran::No }));
        }
        Ok(timeout)
    }

    /// The call as it is sent: there, procedures are counted without those that are near only.
    fn to_bytes(&self, request: &Request) -> Vec<u8> {
        let before = self.interface.procedures.iter().take(usize::from(request.procedure));
        let near = before.filter(|procedure| procedure.near).count();
        // Not more than there are before it.
        let number = request.procedure.saturating_sub(u16::try_from(near).unwrap_or(u16::MAX));
        request.to_bytes(self.binding, number)
    }

    /// Sends a call that nobody waits for.
    pub(crate) fn leave(&self, request: &Request) -> Result<(), Failure> {
        let timeout = self.time(request.procedure)?;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let _open = handoff::open();
        // Relaxed: whoever drops the binding has it to itself.
        self.has_left.store(true, Ordering::Relaxed);
        self.route.send(self.name.peer, CALL, self.to_bytes(request), until).map_err(failure)
    }

    /// Makes the call.
    pub(crate) fn call(&self, request: &Request) -> Result<Reply, Failure> {
        let timeout = self.time(request.procedure)?;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let bytes = self.to_bytes(request);
        let _open = handoff::open();
        let answer = self.route.exchange(self.name.peer, CALL, bytes, until);
        let answer = answer.map_err(failure)?;
        let reply = Reply::from_bytes(&answer).map_err(|_| Failure(CallError::PeerMisbehaved))?;
        let ran = match reply.word {
            0 => Ran::No,
            1 => Ran::Maybe,
            _ => Ran::Yes,
        };
        Err(Failure(match reply.status {
            status::NO_BINDING => CallError::Revoked,
            status::PEER_DIED => CallError::PeerDied { ran },
            status::TIMEOUT => CallError::Timeout { ran },
            status::NO_ASTACK => CallError::NoAStack,
            status::OVERLOADED => CallError::Overloaded,
            status::MISBEHAVED => CallError::PeerMisbehaved,
            status::RESULT_TOO_LARGE => CallError::ResultTooLarge,
            status::NO_MEMORY => CallError::NoMemory,
            _ => return Ok(reply),
        }))
    }
}

/// What a call without an answer comes to.
fn failure(error: Unanswered) -> Failure {
    let ran = |sent| if sent { Ran::Maybe } else { Ran::No };
    Failure(match error {
        Unanswered::Timeout { sent } => CallError::Timeout { ran: ran(sent) },
        Unanswered::Restarted { sent } => CallError::PeerRestarted { ran: ran(sent) },
        Unanswered::TooLarge { size, limit } => CallError::TooLarge { size, limit },
        Unanswered::Declined { is_busy: true } => CallError::Overloaded,
        // The host serves nobody any more.
        Unanswered::Declined { is_busy: false } => CallError::Revoked,
        Unanswered::Full => CallError::NoAStack,
        Unanswered::Died { ran } => CallError::PeerDied { ran },
        Unanswered::Gateway(error) => error,
        Unanswered::Down(_) => CallError::PeerDied { ran: Ran::No },
    })
}

impl Drop for Far {
    fn drop(&mut self) {
        // It could overtake a call that nobody has waited for. Should it be lost, or not be sent, the host forgets the binding
        // when it needs the room.
        if self.has_left.load(Ordering::Relaxed) {
            return;
        }
        self.route.tell(self.name.peer, UNBIND, self.binding.to_be_bytes().to_vec());
    }
}

impl From<HostError> for BindError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Forked => Self::Forked,
            HostError::File { problem } => Self::Unsupported(problem),
            HostError::Io { what, source } => Self::Io { what, source },
        }
    }
}
