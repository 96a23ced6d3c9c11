//! The clerk: the part of a domain that answers bind requests, and what it has granted.
//!
//! A [`ServerPair`] is one client process: its channel and a private table of bindings. A request names a binding by
//! index, generation and nonce; the table decides, on every call. (LRPC's binding object, verified by the server
//! instead of by the kernel: the pair's memory already says which process it is.)

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use nearcall_core::channel::grants::{self, Grants, Refusals, Served};
use nearcall_core::channel::memory::Memory;
use nearcall_core::channel::server::{Claimed, Misbehaved, ServerHalf};
use nearcall_core::sys::socket;
use nearcall_core::transfer::crew::Pair;
use nearcall_layout::pair::{AstackClass, Plan, request};

use crate::departures::Departures;
use crate::domain::random;
use crate::interface;
use crate::message::{Bound, FromServer, Refused, Wanted};
use crate::peer::Peer;
use crate::quota::Charge;
use crate::rt::{self, Interface, Service};

/// Bytes of all differences in one refusal; it must fit a message.
const DIFFERENCE_SIZE: usize = 64 * 1024;

/// Bytes of one signature in it.
const SIGNATURE_SIZE: usize = 4096;

/// A-stacks of a class with those that were added to it.
const GROWN_COUNT_MAX: usize = 64;

/// A service under a name.
pub(crate) type Exported = Served<Box<dyn Service>, Entry>;

/// What the clerk knows of a service, also when that itself is gone.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    interface: &'static Interface,
    classes: Vec<interface::Class>,
    class_of: Vec<u8>,
    fingerprints: Vec<u64>,
    pub(crate) withdrawn: AtomicBool,
    pub(crate) departures: Departures,
    clients: Mutex<Vec<Weak<ServerPair>>>,
    /// Requests that no correct client makes, over all pairs, living and ended.
    refused: AtomicU64,
}

/// A service that is about to be exported.
pub(crate) fn exported(id: u64, service: Box<dyn Service>) -> Exported {
    let interface = service.interface();
    let (classes, class_of) = interface::classes(interface);
    let fingerprints = interface.procedures.iter().map(interface::fingerprint).collect();
    let entry = Entry {
        id,
        interface,
        classes,
        class_of,
        fingerprints,
        withdrawn: AtomicBool::new(false),
        departures: Departures::default(),
        clients: Mutex::default(),
        refused: AtomicU64::new(0),
    };
    Served::new(service, entry)
}

impl Refusals for Entry {
    #[cold]
    #[inline(never)]
    fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

impl Entry {
    pub(crate) fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn interface(&self) -> &'static Interface {
        self.interface
    }

    /// Its size classes: bytes of a frame and how many A-stacks a client has.
    pub(crate) fn classes(&self) -> &[interface::Class] {
        &self.classes
    }

    /// Clients that had bound to it and are still there.
    pub(crate) fn clients(&self) -> Vec<Arc<ServerPair>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    fn note_client(&self, pair: &Arc<ServerPair>) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if !clients.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(pair))) {
            clients.retain(|known| known.strong_count() > 0);
            clients.push(Arc::downgrade(pair));
        }
    }

    /// Bytes of the frames one pair needs for it.
    pub(crate) fn frame_bytes(&self) -> usize {
        let bytes = |&(size, count): &interface::Class| usize::try_from(size).ok()?.checked_mul(usize::from(count));
        self.classes.iter().filter_map(bytes).fold(0, usize::saturating_add)
    }

    /// The server's index of each procedure the client wants, or what differs.
    fn match_up(&self, wanted: &[Wanted]) -> Result<Vec<u16>, Refused> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut differ = Vec::new();
        let mut room = DIFFERENCE_SIZE;
        for (i, procedure) in wanted.iter().enumerate() {
            let at = self.interface().procedures.iter().position(|own| own.name == procedure.name);
            let same = at.is_some_and(|at| self.fingerprints.get(at) == Some(&procedure.fingerprint));
            match at.and_then(|at| u16::try_from(at).ok()) {
                Some(index) if same => found.push(index),
                _ => {
                    let own = at.and_then(|at| self.interface().procedures.get(at));
                    let mut text = own.map(interface::signature).unwrap_or_default();
                    text.truncate(text.floor_char_boundary(SIGNATURE_SIZE));
                    // The first always fits. What no longer does is left out: nobody reads the hundredth difference.
                    let Some(left) = room.checked_sub(text.len() + 4) else { break };
                    room = left;
                    differ.push((u16::try_from(i).unwrap_or(u16::MAX), text));
                }
            }
        }
        if differ.is_empty() { Ok(found) } else { Err(Refused::Incompatible(differ)) }
    }
}

type Room = grants::Room<Box<dyn Service>, Entry>;

#[derive(Debug)]
struct State {
    plan: Plan,
    placed: HashMap<u64, Arc<Room>>,
    /// Places that were given back, by export.
    free: HashMap<u64, Vec<u16>>,
    next: usize,
    generation: u32,
    /// One for each place there is.
    bindings: Charge,
}

/// One client process, as the server knows it.
#[derive(Debug)]
pub(crate) struct ServerPair {
    grants: Grants<Box<dyn Service>, Entry>,
    control: OwnedFd,
    state: Mutex<State>,
    peer: Peer,
    uid: u32,
    /// What else the client has of this process, for as long as a procedure of its can run: a connection, and both regions.
    _held: [Charge; 2],
}

impl ServerPair {
    pub(crate) fn new(
        half: ServerHalf,
        control: OwnedFd,
        size: usize,
        home: Arc<Exported>,
        peer: Peer,
        bindings: Charge,
        held: [Charge; 2],
    ) -> Self {
        let uid = bindings.uid();
        let state = State {
            plan: Plan::new(size),
            placed: HashMap::new(),
            free: HashMap::new(),
            next: 0,
            generation: 0,
            bindings,
        };
        Self { grants: Grants::new(half, home), control, state: Mutex::new(state), peer, uid, _held: held }
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What a binding is to, whether it was taken back or not.
    pub(crate) fn interface(&self, binding: u16) -> Option<&'static Interface> {
        Some(self.grants.room(binding)?.served.interface())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants a binding to an export.
    pub(crate) fn bind(self: &Arc<Self>, id: u32, exported: &Arc<Exported>, wanted: &[Wanted]) -> FromServer {
        match self.try_bind(id, exported, wanted) {
            Ok(bound) => FromServer::Bound(bound),
            Err(why) => FromServer::Refused { id, why },
        }
    }

    fn try_bind(self: &Arc<Self>, id: u32, exported: &Arc<Exported>, wanted: &[Wanted]) -> Result<Bound, Refused> {
        let found = exported.match_up(wanted)?;
        let nonce = random().map(u32::from_le_bytes).map_err(|_| Refused::Denied)?;
        let mut state = self.state();
        if exported.withdrawn.load(Ordering::Relaxed) {
            return Err(Refused::Withdrawn);
        }
        // First, because it may be refused: the A-stacks are placed as the client will place them, or not at all, or the two
        // plans would differ from then on.
        let index = match state.free.get_mut(&exported.id).and_then(Vec::pop) {
            Some(index) => index,
            None => state.new_index()?,
        };
        let (plan, is_new) = (state.plan, !state.placed.contains_key(&exported.id));
        let placed = state.place(exported).inspect_err(|_| state.free.entry(exported.id).or_default().push(index))?;
        // Generation 0 is no generation: a right of 0 means that nothing is granted.
        state.generation = state.generation.wrapping_add(1).max(1);
        let generation = state.generation;
        exported.note_client(self);
        if !self.grants.grant(index, &placed, request::right(generation, nonce)) {
            // Withdrawn this moment. The place can be no other export's any more.
            state.plan = plan;
            if is_new {
                state.placed.remove(&exported.id);
            }
            return Err(Refused::Withdrawn);
        }
        let class = |procedure: &u16| exported.class_of.get(usize::from(*procedure)).copied().unwrap_or(0);
        let procedures = found.iter().map(|procedure| (*procedure, class(procedure))).collect();
        Ok(Bound { id, binding: index, generation, nonce, classes: placed.classes().to_vec(), procedures })
    }

    /// The client gives a binding back. A binding that is not the one it names stays as it is.
    pub(crate) fn unbind(&self, index: u16, generation: u32) {
        let mut state = self.state();
        let right = self.grants.right(index);
        if right & 0xffff_ffff != u64::from(generation) || right == 0 {
            return;
        }
        self.grants.take_back(index);
        if let Some(room) = self.grants.room(index) {
            state.free.entry(room.served.id).or_default().push(index);
        }
    }

    /// The client has gone: takes back what it had, so that none of its calls begins any more, and notes that with each
    /// export it had bound.
    pub(crate) fn depart(self: &Arc<Self>) {
        let exports: Vec<_> = self.state().placed.values().map(|room| Arc::clone(&room.served)).collect();
        for exported in exports {
            self.revoke(exported.id);
            exported.departures.note(self);
        }
    }

    /// What a binding is to, if it is one of this client.
    pub(crate) fn export(&self, binding: u16) -> Option<u64> {
        Some(self.grants.room(binding)?.served.id)
    }

    /// Takes back every binding to an export and tells the client.
    pub(crate) fn revoke(&self, export: u64) {
        let mut state = self.state();
        for index in 0..state.next {
            // Indices are given out only as far as they fit.
            let Ok(index) = u16::try_from(index) else { break };
            if self.grants.room(index).is_none_or(|room| room.served.id != export) {
                continue;
            }
            let right = self.grants.take_back(index);
            if right != 0 {
                state.free.entry(export).or_default().push(index);
                let generation = u32::try_from(right & 0xffff_ffff).unwrap_or(0);
                self.tell(&FromServer::Revoked { binding: index, generation });
            }
        }
    }

    pub(crate) fn server_half(&self) -> &ServerHalf {
        self.grants.half()
    }

    /// Adds an A-stack to the class that begins with `first`, if the client has such a class and not too many.
    pub(crate) fn grow(&self, id: u32, first: u16) -> FromServer {
        let half = self.grants.half();
        let mut state = self.state();
        let classes = state.placed.values().flat_map(|room| room.classes());
        let Some(class) = classes.copied().find(|class| class.first == first && class.count > 0) else {
            return FromServer::NoMemory { id };
        };
        if usize::from(class.count) + half.grown_count(&class) >= GROWN_COUNT_MAX {
            return FromServer::NoMemory { id };
        }
        match state.plan.grow() {
            Ok(astack) => {
                half.grow(&class, astack);
                FromServer::Grown { id, first, astack }
            }
            Err(_) => FromServer::NoMemory { id },
        }
    }

    /// How many bindings to an export this client has.
    pub(crate) fn bindings(&self, export: u64) -> usize {
        let next = self.state().next;
        let is_one = |&index: &u16| {
            self.grants.right(index) != 0 && self.grants.room(index).is_some_and(|room| room.served.id == export)
        };
        (0..next).map_while(|index| u16::try_from(index).ok()).filter(is_one).count()
    }

    /// How many procedures of an export run for this client.
    pub(crate) fn running(&self, export: u64) -> usize {
        let state = self.state();
        state.placed.get(&export).map_or(0, |room| self.grants.running(room))
    }

    /// Sends a message. A client that does not read its messages loses them, not the server's time.
    pub(crate) fn tell(&self, message: &FromServer) {
        let _ = socket::send(self.control.as_fd(), &message.to_bytes(), &[]);
    }
}

impl State {
    fn new_index(&mut self) -> Result<u16, Refused> {
        let index = u16::try_from(self.next).map_err(|_| Refused::NoRoom { count: 0, frame_size: 0 })?;
        self.bindings.grow(1).map_err(Refused::Quota)?;
        self.next += 1;
        Ok(index)
    }

    fn place(&mut self, exported: &Arc<Exported>) -> Result<Arc<Room>, Refused> {
        if let Some(room) = self.placed.get(&exported.id) {
            return Ok(Arc::clone(room));
        }
        let classes = match self.take_over(exported) {
            Some(classes) => classes,
            None => {
                let mut plan = self.plan;
                let classes = exported
                    .classes
                    .iter()
                    .map(|&(frame_size, count)| plan.place(frame_size, count))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|no| Refused::NoRoom { count: no.count, frame_size: no.frame_size })?;
                self.plan = plan;
                classes
            }
        };
        let room = Arc::new(Room::new(Arc::clone(exported), classes, &exported.class_of));
        self.placed.insert(exported.id, Arc::clone(&room));
        Ok(room)
    }
}

impl State {
    /// The A-stacks of a withdrawn export of the same size classes, if that is over: a service that is exported again and
    /// again needs no more room than once.
    fn take_over(&mut self, exported: &Exported) -> Option<Vec<AstackClass>> {
        let (&id, _) =
            self.placed.iter().find(|(_, room)| room.served.classes == exported.classes && room.served.is_taken())?;
        self.free.remove(&id);
        self.placed.remove(&id).map(|room| room.classes().to_vec())
    }
}

impl Pair for ServerPair {
    #[inline(always)]
    fn half(&self) -> &ServerHalf {
        self.grants.half()
    }

    fn owner(&self) -> u32 {
        self.uid
    }

    #[inline(always)]
    fn run(&self, claimed: &Claimed, memory: &mut Memory) -> Result<(), Misbehaved> {
        self.grants.run(claimed, |service, entry, call| {
            rt::answer(&**service, claimed.request.procedure, call, memory, || entry.count_refused())
        })
    }

    fn signal(&self) {
        self.tell(&FromServer::Signal);
    }

    fn misbehaved(&self, _: Misbehaved) {
        self.grants.home().count_refused();
        // The watcher sees the hang-up and forgets the pair; the client sees it and fails its calls.
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
    }
}
