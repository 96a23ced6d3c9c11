//! The clerk: the part of a domain that answers bind requests, and what it has granted.
//!
//! A [`ServerPair`] is one client process: its channel and a private table of bindings. A request names a binding by
//! index, generation and nonce; the table decides, on every call. (LRPC's binding object, verified by the server
//! instead of by the kernel: the pair's memory already says which process it is.)

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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
use crate::parcels::Parcels;
use crate::passing::Given;
use crate::peer::Peer;
use crate::policy::Policy;
use crate::quota::Charge;
use crate::reply::Parked;
use crate::rt::{self, Interface, Service};
use crate::segments::want_sweep;

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
    /// Whether its procedures may be suspended while others of them run on the same kernel thread.
    is_cooperative: bool,
    pub(crate) withdrawn: AtomicBool,
    pub(crate) departures: Departures,
    clients: Mutex<Vec<Weak<ServerPair>>>,
    /// Requests that no correct client makes, over all pairs, living and ended.
    refused: AtomicU64,
    /// Who may bind by its name, or be passed a client of it.
    pub(crate) policy: Arc<Policy>,
    /// How many may come by a card.
    pub(crate) introduced: AtomicUsize,
    /// How often all bindings were taken back.
    pub(crate) epoch: AtomicU64,
    /// It goes when nobody is bound to it.
    pub(crate) is_left: AtomicBool,
}

/// A service that is about to be exported.
pub(crate) fn exported(id: u64, service: Box<dyn Service>, is_cooperative: bool, policy: Arc<Policy>) -> Exported {
    let interface = service.interface();
    let (classes, class_of) = interface::classes(interface);
    let fingerprints = interface.procedures.iter().map(interface::fingerprint).collect();
    let entry = Entry {
        id,
        interface,
        classes,
        class_of,
        fingerprints,
        is_cooperative,
        withdrawn: AtomicBool::new(false),
        departures: Departures::default(),
        clients: Mutex::default(),
        refused: AtomicU64::new(0),
        policy,
        introduced: AtomicUsize::new(0),
        epoch: AtomicU64::new(0),
        is_left: AtomicBool::new(false),
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

    /// Whether nobody is bound to it, and nobody comes by a card.
    pub(crate) fn is_unused(&self) -> bool {
        self.introduced.load(Ordering::Relaxed) == 0 && self.clients().iter().all(|pair| pair.bindings(self.id) == 0)
    }

    /// One that was bound to it, or might have come by a card, is gone.
    pub(crate) fn lost_one(&self) {
        if self.is_left.load(Ordering::Relaxed) {
            want_sweep();
        }
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
type Table = Grants<Box<dyn Service>, Entry>;

#[derive(Debug)]
struct State {
    plan: Plan,
    /// By export.
    placed: HashMap<u64, Arc<Room>>,
    /// Places that were given back, by export.
    free: HashMap<u64, Vec<u16>>,
    /// Rooms of exports that are over, with their places; some have the same A-stacks.
    vacant: Vec<(Arc<Room>, Vec<u16>)>,
    /// Places that are no room's.
    unused: Vec<u16>,
    next: usize,
    generation: u32,
    /// One for each place there is.
    bindings: Charge,
}

/// One client process, as the server knows it.
#[derive(Debug)]
pub(crate) struct ServerPair {
    grants: Table,
    control: OwnedFd,
    state: Mutex<State>,
    peer: Peer,
    uid: u32,
    /// What came for calls.
    pub(crate) parcels: Parcels,
    /// What went ahead of replies.
    pub(crate) given: Mutex<Given>,
    /// Calls whose replies come later, with their exports.
    parked: Mutex<Vec<(u64, Weak<dyn Parked>)>>,
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
            vacant: Vec::new(),
            unused: Vec::new(),
            next: 0,
            generation: 0,
            bindings,
        };
        Self {
            grants: Grants::new(half, home),
            control,
            state: Mutex::new(state),
            peer,
            uid,
            parcels: Parcels::default(),
            given: Mutex::default(),
            parked: Mutex::default(),
            _held: held,
        }
    }

    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }

    pub(crate) fn control(&self) -> &OwnedFd {
        &self.control
    }

    /// The export of a binding that the client has.
    pub(crate) fn granted(&self, binding: u16, generation: u32) -> Option<Arc<Exported>> {
        let right = self.grants.right(binding);
        let room = self.grants.room(binding).filter(|_| right != 0 && right & 0xffff_ffff == u64::from(generation))?;
        Some(room.served()).filter(|served| !served.withdrawn.load(Ordering::Relaxed))
    }

    /// Counts what no correct client does, with the export by whose name it came.
    pub(crate) fn count_refused(&self) {
        self.grants.home().count_refused();
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What a binding is to, whether it was taken back or not.
    pub(crate) fn interface(&self, binding: u16) -> Option<&'static Interface> {
        Some(self.grants.room(binding)?.served().interface())
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
        // The A-stacks are placed as the client will place them, or not at all, or the two plans would differ from then on.
        let plan = state.plan;
        let placed = state.place(exported, &self.grants)?;
        let index = state.take_place(exported.id).inspect_err(|_| state.undo(plan, exported.id))?;
        // Generation 0 is no generation: a right of 0 means that nothing is granted.
        state.generation = state.generation.wrapping_add(1).max(1);
        let generation = state.generation;
        exported.note_client(self);
        if !self.grants.grant(index, &placed, request::right(generation, nonce)) {
            // Withdrawn this moment.
            state.give_back(index, exported.id);
            state.undo(plan, exported.id);
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
            state.give_back(index, room.served().id);
            room.served().lost_one();
        }
    }

    /// The client has gone: takes back what it had, so that none of its calls begins any more, and notes that with each
    /// export it had bound.
    pub(crate) fn depart(self: &Arc<Self>) {
        self.parcels.close();
        self.abort_parked(None);
        let exports: Vec<_> = self.state().placed.values().map(|room| room.served()).collect();
        for exported in exports {
            self.revoke(exported.id);
            exported.lost_one();
            exported.departures.note(self);
        }
    }

    /// A call of an export whose reply comes later. There are no more of them than A-stacks.
    pub(crate) fn note_parked(&self, export: u64, call: &Arc<dyn Parked>) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        parked.retain(|(_, call)| call.strong_count() > 0);
        parked.push((export, Arc::downgrade(call)));
    }

    /// Answers the calls of an export, or all of them, whose replies were to come later.
    pub(crate) fn abort_parked(&self, export: Option<u64>) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |of: &mut (u64, _)| export.is_none_or(|export| of.0 == export);
        let meant: Vec<_> = parked.extract_if(.., is_meant).collect();
        drop(parked);
        // Without the lock: results of the program's are dropped there.
        meant.into_iter().filter_map(|(_, call)| call.upgrade()).for_each(|call| call.abort());
    }

    /// What a binding is to, if it is one of this client.
    pub(crate) fn export(&self, binding: u16) -> Option<u64> {
        Some(self.grants.room(binding)?.served().id)
    }

    /// Takes back every binding to an export and tells the client.
    pub(crate) fn revoke(&self, export: u64) {
        let mut state = self.state();
        let Some(room) = state.placed.get(&export) else { return };
        for index in state.places(&self.grants, room) {
            let right = self.grants.take_back(index);
            if right != 0 {
                state.give_back(index, export);
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
        let state = self.state();
        let Some(room) = state.placed.get(&export) else { return 0 };
        state.places(&self.grants, room).into_iter().filter(|&index| self.grants.right(index) != 0).count()
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

    /// A place that an export has, or a new one.
    fn take_place(&mut self, export: u64) -> Result<u16, Refused> {
        let own = self.free.get_mut(&export).and_then(Vec::pop).or_else(|| self.unused.pop());
        own.map_or_else(|| self.new_index(), Ok)
    }

    fn give_back(&mut self, index: u16, export: u64) {
        self.free.entry(export).or_default().push(index);
    }

    /// The places of a room.
    fn places(&self, grants: &Table, room: &Arc<Room>) -> Vec<u16> {
        let is_its = |&index: &u16| grants.room(index).is_some_and(|own| Arc::ptr_eq(own, room));
        // Indices are given out only as far as they fit.
        (0..self.next).map_while(|index| u16::try_from(index).ok()).filter(is_its).collect()
    }

    /// The room of an export: what it has, what another had that is over and had the same procedures, or a new one.
    fn place(&mut self, exported: &Arc<Exported>, grants: &Table) -> Result<Arc<Room>, Refused> {
        if let Some(room) = self.placed.get(&exported.id) {
            return Ok(Arc::clone(room));
        }
        self.vacate(grants);
        let is_let = |room: &Room| {
            !room.classes().is_empty() && self.placed.values().any(|other| other.classes() == room.classes())
        };
        let fits = |room: &Room| room.served().classes == exported.classes && !is_let(room);
        let is_same = |(room, _): &(Arc<Room>, _)| fits(room) && room.served().class_of == exported.class_of;
        if let Some(at) = self.vacant.iter().position(is_same) {
            let (room, places) = self.vacant.swap_remove(at);
            // What is in a vacant room was taken out.
            if room.pass_on(exported) {
                self.free.insert(exported.id, places);
                self.placed.insert(exported.id, Arc::clone(&room));
                return Ok(room);
            }
        }
        // Other procedures on the same A-stacks: the room stays, for the next one with its procedures.
        let fits = self.vacant.iter().find(|(room, _)| fits(room)).map(|(room, _)| room.classes().to_vec());
        let classes = match fits {
            Some(classes) => classes,
            None => self.new_astacks(exported)?,
        };
        let room = Arc::new(Room::new(Arc::clone(exported), classes, &exported.class_of));
        self.placed.insert(exported.id, Arc::clone(&room));
        Ok(room)
    }

    fn new_astacks(&mut self, exported: &Exported) -> Result<Vec<AstackClass>, Refused> {
        let mut plan = self.plan;
        let placed = exported.classes.iter().map(|&(frame_size, count)| plan.place(frame_size, count));
        let classes = placed
            .collect::<Result<Vec<_>, _>>()
            .map_err(|no| Refused::NoRoom { count: no.count, frame_size: no.frame_size })?;
        self.plan = plan;
        Ok(classes)
    }

    /// Rooms of exports that are over are vacant: a service that is exported again and again needs no more room, and no
    /// more places, than once.
    fn vacate(&mut self, grants: &Table) {
        let over: Vec<_> = self.placed.extract_if(|_, room| room.served().is_taken()).collect();
        for (export, room) in over {
            let freed = self.free.remove(&export).unwrap_or_default();
            self.unused.extend(freed.into_iter().filter(|&index| grants.room(index).is_none()));
            // All of them: whoever takes a service out takes back its rights.
            let places = self.places(grants, &room);
            self.vacant.push((room, places));
        }
    }

    /// Forgets A-stacks that were placed since then, for this export, and that its client does not hear of.
    fn undo(&mut self, plan: Plan, export: u64) {
        if self.plan != plan {
            self.plan = plan;
            self.placed.remove(&export);
            // Nothing was granted there, so they are no room's.
            self.unused.extend(self.free.remove(&export).unwrap_or_default());
        }
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
        memory.set_owner(self.uid);
        let ran = self.grants.run(
            claimed,
            |service, entry, call| {
                rt::answer(&**service, claimed.request.procedure, call, memory, || entry.count_refused())
            },
            |call| rt::park(self, self.export(claimed.request.binding).unwrap_or_default(), call),
        );
        if memory.is_large() {
            memory.give_back();
            want_sweep();
        }
        ran
    }

    fn is_cooperative(&self, claimed: &Claimed) -> bool {
        // What names no binding is refused there as well as here.
        self.grants.room(claimed.request.binding).is_some_and(|room| room.served().is_cooperative)
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
