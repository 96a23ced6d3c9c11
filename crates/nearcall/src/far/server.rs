//! What a host does for clients of others: it binds near to what is exported on its machine, and makes their calls.
//!
//! ```text
//! CHAN -> inbox -> a worker that looks -> near call -> procedure     the reply goes back on the session it came on
//! ```
//!
//! One worker at a time drives the graph and takes the next request; it makes the call itself, on its own stack, and comes back.
//! While it is away the runtime's lead drives the graph, a moment later, and what arrives then wakes another worker: so short
//! procedures cost no change of thread, and long ones delay nobody for longer than that moment.
//!
//! Invariants: a request has one reply or is declined, whatever becomes of the call ([`Owed`]); one whose time is over is not begun; a
//! binding is its client host's alone; what clients make the host remember or do at once is bounded, for each host as well.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall_graph::protocol::{Answer, Control, Session};
use nearcall_graph::{Address, Message, Participants, Peer};

use super::host::{Host, HostError};
use super::message::{BIND, Bind, Bound, CALL, LIST, Reply, Request, UNBIND, names_to_bytes, status};
use crate::bind::Binder;
use crate::binding::Binding;
use crate::domain::random;
use crate::error::{BindError, CallError, Ran};
use crate::rt::relay::{self, Heads};
use crate::rt::{Interface, Procedure};

/// Kernel threads that make calls at once, at most.
const WORKER_COUNT: usize = 64;

/// Calls of one host that are made at once, at most: others have the rest of the workers.
const WORKERS_OF_ONE: usize = 32;

/// Bindings of far clients, at most; the one that was used longest ago gives way.
const BINDING_COUNT: usize = 4096;

/// Bindings of one host, at most: they give way to each other first.
const BINDINGS_OF_ONE: usize = 512;

/// Interfaces for which a server has granted bindings, at most: a description of each is kept for the process's life.
const INTERFACE_COUNT: usize = 256;

/// Bytes of a reply that any session carries.
const SMALLEST_ROOM: usize = 512;

/// Until a worker that drives the graph looks whether it is to end.
const LOOK: Duration = Duration::from_secs(3600);

/// Serves what is exported in the directory `names`, or the default one, to clients of other hosts, until the value that is returned is
/// dropped. `services`: only these; all, if there are none.
///
/// # Errors
/// [`HostError`].
pub fn serve(host: Arc<Host>, names: Option<PathBuf>, services: &[&str]) -> Result<FarServer, HostError> {
    if !host.is_here() {
        return Err(HostError::Forked);
    }
    let services = services.iter().map(|&name| name.to_owned()).collect();
    let shared = Arc::new(Shared {
        host,
        names,
        services,
        over: AtomicBool::new(false),
        crowd: Mutex::default(),
        wanted: Condvar::new(),
        bindings: Mutex::default(),
    });
    let graph = shared.host.graph();
    let now = shared.host.clock().now();
    if let Some(anchor) = graph.anchor("anchor") {
        for procedure in [BIND, CALL, UNBIND, LIST] {
            let at = Participants::new().at(Address::Port(procedure));
            anchor
                .enable(at, now)
                .map_err(|error| HostError::File { problem: format!("this graph serves nobody: {error}") })?;
        }
    }
    let woken = Arc::downgrade(&shared);
    shared.host.driven().on_arrival(move || {
        if let Some(shared) = woken.upgrade() {
            shared.want_worker();
        }
    });
    shared.start_worker().map_err(|source| HostError::Io { what: "start a kernel thread", source })?;
    Ok(FarServer { shared })
}

/// Serving to other hosts, until this is dropped. Calls under way then are answered.
#[derive(Debug)]
#[must_use = "dropping it ends the serving"]
pub struct FarServer {
    shared: Arc<Shared>,
}

impl FarServer {
    /// The host.
    #[must_use]
    pub fn host(&self) -> &Arc<Host> {
        &self.shared.host
    }
}

impl Drop for FarServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        let now = self.shared.host.clock().now();
        if let Some(anchor) = self.shared.host.graph().anchor("anchor") {
            for procedure in [BIND, CALL, UNBIND, LIST] {
                let _ = anchor.disable(Participants::new().at(Address::Port(procedure)), now);
            }
        }
        // What has come and was not taken is nobody's now.
        if let Some(anchor) = self.shared.host.graph().anchor("anchor") {
            while let Some((session, _)) = anchor.receive() {
                let _ = anchor.decline(session, false, now);
            }
        }
        drop(self.shared.crowd());
        self.shared.wanted.notify_all();
        self.shared.host.graph().wake();
    }
}

struct Shared {
    host: Arc<Host>,
    names: Option<PathBuf>,
    services: Vec<String>,
    over: AtomicBool,
    crowd: Mutex<Crowd>,
    wanted: Condvar,
    bindings: Mutex<Table>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("services", &self.services).finish_non_exhaustive()
    }
}

/// Workers: who drives, who waits to.
#[derive(Debug, Default)]
struct Crowd {
    count: usize,
    idle: usize,
    drives: bool,
    /// Calls that are made for each host.
    busy: HashMap<Peer, usize>,
}

/// Bindings by number, and what they stand on.
#[derive(Debug, Default)]
struct Table {
    given: HashMap<u64, Given>,
    near: HashMap<Bind, Arc<Local>>,
    interfaces: HashMap<Bind, &'static Interface>,
    turn: u64,
}

/// A far client's binding.
#[derive(Debug)]
struct Given {
    peer: Peer,
    local: Arc<Local>,
    used: u64,
}

/// A near binding for clients with one interface.
#[derive(Debug)]
struct Local {
    key: Bind,
    binding: Binding,
    heads: Vec<Heads>,
}

impl Shared {
    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_worker(self: &Arc<Self>) -> std::io::Result<()> {
        self.crowd().count += 1;
        let shared = Arc::clone(self);
        let started = std::thread::Builder::new().name("nearcall-far".into()).spawn(move || shared.work());
        if let Err(error) = started {
            self.crowd().count -= 1;
            return Err(error);
        }
        Ok(())
    }

    /// Something has arrived while no worker drives the graph.
    fn want_worker(self: &Arc<Self>) {
        let crowd = self.crowd();
        if crowd.drives || self.over.load(Ordering::Acquire) {
            return;
        }
        let more = crowd.idle == 0 && crowd.count < WORKER_COUNT;
        drop(crowd);
        self.wanted.notify_one();
        if more {
            // Without one it waits for those there are.
            let _ = self.start_worker();
        }
    }

    fn work(self: Arc<Self>) {
        let _life = Leaving(&self);
        while !self.over.load(Ordering::Acquire) {
            let mut crowd = self.crowd();
            if crowd.drives {
                crowd.idle += 1;
                let mut crowd = self.wanted.wait(crowd).unwrap_or_else(PoisonError::into_inner);
                crowd.idle -= 1;
                continue;
            }
            crowd.drives = true;
            drop(crowd);
            let taken = self.take();
            self.crowd().drives = false;
            let Some((session, message)) = taken else { continue };
            let owed = Owed(&self, session);
            let deadline = message.attributes().deadline;
            let now = self.host.clock().now();
            let Some((peer, number)) = self.sender(session) else { continue };
            if deadline.is_some_and(|deadline| deadline <= now) {
                // Nobody waits for it any more.
                continue;
            }
            let Some(_busy) = Busy::begin(&self, peer) else { continue };
            let until = deadline.and_then(|deadline| Instant::now().checked_add(now.until(deadline)));
            let reply = self.answer(session, (peer, number), until, &message.to_vec());
            owed.pay(&reply);
        }
        // Whoever waits looks, too.
        self.wanted.notify_all();
    }

    /// Drives the graph until a request is there.
    fn take(&self) -> Option<(Session, Message)> {
        let graph = self.host.graph();
        let anchor = graph.anchor("anchor")?;
        let over = || self.over.load(Ordering::Acquire);
        let found =
            graph.until(self.host.clock(), LOOK, || anchor.receive().map(Some).or_else(|| over().then_some(None)));
        found.flatten()
    }

    /// Bytes of the largest reply on this session.
    fn room(&self, session: Session) -> usize {
        match self.host.graph().control(session, Control::LargestMessage, self.host.clock().now()) {
            Ok(Answer::Size(room)) => room,
            // What is refused then is so before anything has run.
            _ => SMALLEST_ROOM,
        }
    }

    /// Who sent it, and which procedure of the host it is for.
    fn sender(&self, session: Session) -> Option<(Peer, u16)> {
        let graph = self.host.graph();
        let now = self.host.clock().now();
        let Ok(Answer::Participants(to)) = graph.control(session, Control::Participants, now) else { return None };
        let Ok(Answer::Number(number)) = graph.control(session, Control::Number, now) else { return None };
        Some((to.peer()?, number))
    }

    fn answer(&self, session: Session, from: (Peer, u16), until: Option<Instant>, bytes: &[u8]) -> Vec<u8> {
        match from {
            (peer, BIND) => self.bind(peer, bytes).to_bytes(),
            (peer, CALL) => self.call(peer, self.room(session), until, bytes).to_bytes(),
            (peer, UNBIND) => {
                if let Ok(binding) = <[u8; 8]>::try_from(bytes) {
                    self.unbind(peer, u64::from_be_bytes(binding));
                }
                Vec::new()
            }
            (_, LIST) => self.list(session, bytes),
            _ => Vec::new(),
        }
    }

    /// What is served, with what the interfaces are called; or one name with its interface.
    fn list(&self, session: Session, bytes: &[u8]) -> Vec<u8> {
        let room = self.room(session);
        let is_served = |name: &str| self.services.is_empty() || self.services.iter().any(|other| other == name);
        let asked = core::str::from_utf8(bytes).unwrap_or_default();
        if !asked.is_empty() {
            let info = is_served(asked).then(|| crate::info(asked, self.names.as_deref()).ok()).flatten();
            return info.map_or_else(Vec::new, |info| names_to_bytes(&[(asked.to_owned(), info.idl())], room));
        }
        let all = crate::list(self.names.as_deref()).unwrap_or_default();
        let alive = all.into_iter().filter_map(|listed| match listed.state {
            crate::NameState::Alive(info) if is_served(&listed.name) => Some((listed.name, info.interface)),
            _ => None,
        });
        names_to_bytes(&alive.collect::<Vec<_>>(), room)
    }

    fn bind(&self, peer: Peer, bytes: &[u8]) -> Bound {
        let Ok(ask) = Bind::from_bytes(bytes) else {
            return Bound::Failed("the question is none that this host understands".to_owned());
        };
        if !self.services.is_empty() && !self.services.contains(&ask.name) {
            return Bound::NotFound;
        }
        let local = match self.local(&ask) {
            Ok(local) => local,
            Err(bound) => return bound,
        };
        let Ok(number) = random().map(u64::from_ne_bytes) else {
            return Bound::Failed("the host has no random numbers".to_owned());
        };
        let mut table = self.table();
        let is_greedy = table.given.values().filter(|given| given.peer == peer).count() >= BINDINGS_OF_ONE;
        if is_greedy || table.given.len() >= BINDING_COUNT {
            let those = table.given.iter().filter(|(_, given)| !is_greedy || given.peer == peer);
            if let Some(oldest) = those.min_by_key(|(_, given)| given.used).map(|(number, _)| *number) {
                table.given.remove(&oldest);
            }
        }
        table.turn += 1;
        let used = table.turn;
        table.given.insert(number, Given { peer, local, used });
        Bound::Yes(number)
    }

    /// The near binding for these procedures, made if there is none.
    fn local(&self, ask: &Bind) -> Result<Arc<Local>, Bound> {
        if let Some(local) = self.table().near.get(ask).filter(|local| local.binding.is_live()) {
            return Ok(Arc::clone(local));
        }
        let mut binder = Binder::new(&ask.name);
        if let Some(names) = &self.names {
            binder = binder.dir(names);
        }
        // No lock is held while the server takes its time.
        let binding = binder.bind_for_far(&ask.procedures, &|| self.describe(ask)).map_err(|error| match error {
            BindError::NotFound { .. } => Bound::NotFound,
            BindError::Incompatible { difference } => Bound::Incompatible(difference),
            error @ (BindError::Denied { .. } | BindError::Dir(_) | BindError::Unsupported(_)) => {
                Bound::Denied(error.to_string())
            }
            error => Bound::Failed(error.to_string()),
        })?;
        let heads = ask.procedures.iter().map(|asked| Heads { request: asked.request_size, reply: asked.reply_size });
        let local = Arc::new(Local { key: ask.clone(), binding, heads: heads.collect() });
        self.table().near.insert(ask.clone(), Arc::clone(&local));
        Ok(local)
    }

    /// The interface that a client has, as far as a near binding needs to know it: once its server has granted it, or made-up
    /// ones would fill the table.
    fn describe(&self, ask: &Bind) -> Result<&'static Interface, BindError> {
        let mut table = self.table();
        if let Some(interface) = table.interfaces.get(ask) {
            return Ok(interface);
        }
        if table.interfaces.len() >= INTERFACE_COUNT {
            let source = std::io::Error::other("the host knows as many interfaces as it may");
            return Err(BindError::Io { what: "describe another interface", source });
        }
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let procedures: Vec<Procedure> = ask
            .procedures
            .iter()
            .map(|asked| Procedure {
                name: leak(&asked.name),
                // It is part of the signature that was asked for.
                origin: "",
                params: &[],
                request_size: asked.request_size,
                reply_size: asked.reply_size,
                frame_size: asked.frame_size,
                concurrency: asked.concurrency,
                exhausted: asked.exhausted,
                timeout: asked.timeout,
                idempotent: false,
                handoff: false,
                near: false,
            })
            .collect();
        let interface = Interface {
            name: leak(&ask.interface),
            uuid: 0,
            version: (0, 0),
            procedures: Box::leak(procedures.into_boxed_slice()),
        };
        let interface: &'static Interface = Box::leak(Box::new(interface));
        table.interfaces.insert(ask.clone(), interface);
        Ok(interface)
    }

    fn unbind(&self, peer: Peer, number: u64) {
        let mut table = self.table();
        if table.given.get(&number).is_some_and(|given| given.peer == peer) {
            table.given.remove(&number);
        }
    }

    /// Makes a call whose reply may have `room` bytes.
    fn call(&self, peer: Peer, room: usize, until: Option<Instant>, bytes: &[u8]) -> Reply {
        let Ok((number, request)) = Request::from_bytes(bytes) else {
            return Reply::of(nearcall_layout::pair::status::BAD_ARGUMENT, 0);
        };
        // A binding is worth nothing to another host.
        let local = {
            let mut table = self.table();
            table.turn += 1;
            let turn = table.turn;
            let given = table.given.get_mut(&number).filter(|given| given.peer == peer);
            given.map(|given| {
                given.used = turn;
                Arc::clone(&given.local)
            })
        };
        let Some(local) = local else { return Reply::of(status::NO_BINDING, 0) };
        let heads = local.heads.get(usize::from(request.procedure)).copied();
        let Some(heads) = heads else { return Reply::of(nearcall_layout::pair::status::NO_PROCEDURE, 0) };
        // The room for out parameters is the client's word, and must not be had before it is known that it can be used.
        if Reply::size(heads.reply, request.areas) > room {
            let limit = room.saturating_sub(Reply::size(heads.reply, 0));
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Reply::of(nearcall_layout::pair::status::ARGUMENT_TOO_LARGE, limit);
        }
        let failure = match relay::call(&local.binding, heads, &request, until) {
            Ok(reply) => return reply,
            Err(failure) => failure,
        };
        if !local.binding.is_live() {
            // Its clients bind again; who does finds a server that is alive, or none.
            let mut table = self.table();
            table.near.remove(&local.key);
            table.given.retain(|_, given| !Arc::ptr_eq(&given.local, &local));
        }
        let ran = |ran: Ran| match ran {
            Ran::No => 0,
            Ran::Maybe => 1,
            Ran::Yes => 2,
        };
        match CallError::<std::convert::Infallible>::from(failure) {
            CallError::PeerDied { ran: how } | CallError::PeerRestarted { ran: how } => {
                Reply::of(status::PEER_DIED, ran(how))
            }
            CallError::Timeout { ran: how } => Reply::of(status::TIMEOUT, ran(how)),
            CallError::Revoked => Reply::of(status::NO_BINDING, 0),
            CallError::NoAStack => Reply::of(status::NO_ASTACK, 0),
            CallError::BadArgument => Reply::of(nearcall_layout::pair::status::BAD_ARGUMENT, 0),
            CallError::ResultTooLarge => Reply::of(status::RESULT_TOO_LARGE, 0),
            CallError::PeerMisbehaved => Reply::of(status::MISBEHAVED, 0),
            CallError::TooLarge { limit, .. } => {
                let limit = u64::try_from(limit).unwrap_or(u64::MAX);
                Reply::of(nearcall_layout::pair::status::ARGUMENT_TOO_LARGE, limit)
            }
            CallError::NoMemory => Reply::of(status::NO_MEMORY, 0),
            _ => Reply::of(status::OVERLOADED, 0),
        }
    }
}

/// A request that was taken: it is answered, or declined if it is not, for whatever reason.
struct Owed<'a>(&'a Shared, Session);

impl Owed<'_> {
    fn pay(self, reply: &[u8]) {
        let Self(shared, session) = &self;
        let is_too_large = reply.len() > shared.room(*session);
        let reply = if is_too_large { Reply::of(status::RESULT_TOO_LARGE, 0).to_bytes() } else { reply.to_vec() };
        // Closed: its client has begun another life, and nobody waits.
        let _ = shared.host.graph().push(*session, Message::from(reply), shared.host.clock().now());
        std::mem::forget(self);
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let Self(shared, session) = self;
        let (graph, now) = (shared.host.graph(), shared.host.clock().now());
        if std::thread::panicking() {
            // Nobody knows how far it got.
            let _ = graph.push(*session, Message::from(Reply::of(status::MISBEHAVED, 0).to_bytes()), now);
        } else if let Some(anchor) = graph.anchor("anchor") {
            let _ = anchor.decline(*session, true, now);
        }
    }
}

/// A call that is made for a host.
struct Busy<'a>(&'a Shared, Peer);

impl<'a> Busy<'a> {
    /// `None` if as many are made for that host as may.
    fn begin(shared: &'a Shared, peer: Peer) -> Option<Self> {
        let mut crowd = shared.crowd();
        let count = crowd.busy.entry(peer).or_default();
        if *count >= WORKERS_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Self(shared, peer))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let Self(shared, peer) = self;
        let mut crowd = shared.crowd();
        if let Some(count) = crowd.busy.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                crowd.busy.remove(peer);
            }
        }
    }
}

/// A worker, until it ends, however it does.
struct Leaving<'a>(&'a Arc<Shared>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.crowd().count -= 1;
    }
}

#[cfg(test)]
mod tests;
