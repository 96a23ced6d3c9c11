//! The clerk: the part of a domain that answers bind requests, and what it has granted.
//!
//! A [`ServerPair`] is one client process: its channel and a private table of bindings. A request names a binding by
//! index, generation and nonce; the table decides, on every call. (LRPC's binding object, verified by the server
//! instead of by the kernel: the pair's memory already says which process it is.)

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nearcall_core::channel::memory::Memory;
use nearcall_core::channel::server::{Claimed, Misbehaved, ServerHalf};
use nearcall_core::sys::socket;
use nearcall_core::transfer::crew::Pair;
use nearcall_layout::pair::{AstackClass, Plan, request, status};

use crate::domain::random;
use crate::interface;
use crate::message::{Bound, FromServer, Refused, Wanted};
use crate::quota::Charge;
use crate::rt::{self, Interface, Service};

/// Bindings of a pair whose places are there from the beginning; few pairs have more.
const FIRST_COUNT: usize = 64;

/// The others, in blocks: as many as the 16 bits of an index have, over the pair's whole life and all exports.
const BLOCK_COUNT: usize = 256;
const BLOCK_SIZE: usize = 256;

/// Bytes of all differences in one refusal; it must fit a message.
const DIFFERENCE_SIZE: usize = 64 * 1024;

/// Bytes of one signature in it.
const SIGNATURE_SIZE: usize = 4096;

/// A-stacks of a class with those that were added to it.
const GROWN_COUNT_MAX: usize = 64;

/// A service under a name.
pub(crate) struct Exported {
    pub(crate) id: u64,
    service: Box<dyn Service>,
    classes: Vec<interface::Class>,
    class_of: Vec<u8>,
    fingerprints: Vec<u64>,
    pub(crate) withdrawn: AtomicBool,
    /// Requests that no correct client makes, over all pairs, living and ended.
    refused: AtomicU64,
}

impl std::fmt::Debug for Exported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exported")
            .field("id", &self.id)
            .field("interface", &self.interface().name)
            .finish_non_exhaustive()
    }
}

impl Exported {
    pub(crate) fn new(id: u64, service: Box<dyn Service>) -> Self {
        let interface = service.interface();
        let (classes, class_of) = interface::classes(interface);
        let fingerprints = interface.procedures.iter().map(interface::fingerprint).collect();
        Self {
            id,
            service,
            classes,
            class_of,
            fingerprints,
            withdrawn: AtomicBool::new(false),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    #[cold]
    fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn interface(&self) -> &'static Interface {
        self.service.interface()
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

/// An export as one pair sees it: where its A-stacks are.
#[derive(Debug)]
struct Placed {
    exported: Arc<Exported>,
    classes: Vec<AstackClass>,
    /// The class of each of the server's procedures.
    of: Vec<AstackClass>,
}

/// A place in the table of bindings. `right` is generation and nonce in one word, 0 when nothing is granted; `placed` is
/// set once, so that the call path reads it without a lock. A place is granted again only for the same export.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Place {
    right: AtomicU64,
    placed: OnceLock<Arc<Placed>>,
}

type Block = Box<[Place]>;

#[derive(Debug)]
struct State {
    plan: Plan,
    placed: HashMap<u64, Arc<Placed>>,
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
    half: ServerHalf,
    control: OwnedFd,
    /// Places of low index, where almost all are.
    first: Box<[Place; FIRST_COUNT]>,
    others: OnceLock<Box<[OnceLock<Block>]>>,
    state: Mutex<State>,
    /// The export by whose name the client came; what names no binding is counted there.
    home: Arc<Exported>,
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
        let first = Box::new(core::array::from_fn(|_| Place::default()));
        Self { half, control, first, others: OnceLock::new(), state: Mutex::new(state), home, uid, _held: held }
    }

    #[inline(always)]
    fn place(&self, index: u16) -> Option<&Place> {
        let index = usize::from(index);
        if let Some(place) = self.first.get(index) {
            return Some(place);
        }
        self.far_place(index)
    }

    #[cold]
    #[inline(never)]
    fn far_place(&self, index: usize) -> Option<&Place> {
        let index = index.checked_sub(FIRST_COUNT)?;
        self.others.get()?.get(index / BLOCK_SIZE)?.get()?.get(index % BLOCK_SIZE)
    }

    /// Sees to it that there is a place of this index.
    fn make_place(&self, index: usize) {
        let Some(index) = index.checked_sub(FIRST_COUNT) else { return };
        let blocks = self.others.get_or_init(|| (0..BLOCK_COUNT).map(|_| OnceLock::new()).collect());
        if let Some(block) = blocks.get(index / BLOCK_SIZE) {
            block.get_or_init(|| (0..BLOCK_SIZE).map(|_| Place::default()).collect());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants a binding to an export.
    pub(crate) fn bind(&self, id: u32, exported: &Arc<Exported>, wanted: &[Wanted]) -> FromServer {
        match self.try_bind(id, exported, wanted) {
            Ok(bound) => FromServer::Bound(bound),
            Err(why) => FromServer::Refused { id, why },
        }
    }

    fn try_bind(&self, id: u32, exported: &Arc<Exported>, wanted: &[Wanted]) -> Result<Bound, Refused> {
        let found = exported.match_up(wanted)?;
        let nonce = random().map(u32::from_le_bytes).map_err(|_| Refused::Denied)?;
        let mut state = self.state();
        if exported.withdrawn.load(Ordering::Relaxed) {
            return Err(Refused::Denied);
        }
        let placed = state.place(exported, |class| self.half.runs_in(class))?;
        let index = match state.free.get_mut(&exported.id).and_then(Vec::pop) {
            Some(index) => index,
            None => self.new_place(&mut state, &placed)?,
        };
        // Generation 0 is no generation: a right of 0 means that nothing is granted.
        state.generation = state.generation.wrapping_add(1).max(1);
        let generation = state.generation;
        let place = self.place(index).ok_or(Refused::Denied)?;
        place.right.store(request::right(generation, nonce), Ordering::Release);
        let class = |procedure: &u16| exported.class_of.get(usize::from(*procedure)).copied().unwrap_or(0);
        let procedures = found.iter().map(|procedure| (*procedure, class(procedure))).collect();
        Ok(Bound { id, binding: index, generation, nonce, classes: placed.classes.clone(), procedures })
    }

    fn new_place(&self, state: &mut State, placed: &Arc<Placed>) -> Result<u16, Refused> {
        let index = u16::try_from(state.next).map_err(|_| Refused::NoRoom { count: 0, frame_size: 0 })?;
        state.bindings.grow(1).map_err(Refused::Quota)?;
        self.make_place(state.next);
        if let Some(place) = self.place(index) {
            // Nobody has set it: indices are given out once, under the lock.
            let _ = place.placed.set(Arc::clone(placed));
        }
        state.next += 1;
        Ok(index)
    }

    /// The client gives a binding back. A binding that is not the one it names stays as it is.
    pub(crate) fn unbind(&self, index: u16, generation: u32) {
        let mut state = self.state();
        let Some(place) = self.place(index) else { return };
        let right = place.right.load(Ordering::Relaxed);
        if right & 0xffff_ffff != u64::from(generation) || right == 0 {
            return;
        }
        place.right.store(0, Ordering::Release);
        if let Some(placed) = place.placed.get() {
            state.free.entry(placed.exported.id).or_default().push(index);
        }
    }

    /// Takes back every binding to an export and tells the client.
    pub(crate) fn revoke(&self, export: u64) {
        let mut state = self.state();
        for index in 0..state.next {
            // Indices are given out only as far as they fit.
            let Ok(index) = u16::try_from(index) else { break };
            let Some(place) = self.place(index) else { continue };
            if place.placed.get().is_none_or(|placed| placed.exported.id != export) {
                continue;
            }
            let right = place.right.swap(0, Ordering::SeqCst);
            if right != 0 {
                state.free.entry(export).or_default().push(index);
                let generation = u32::try_from(right & 0xffff_ffff).unwrap_or(0);
                self.tell(&FromServer::Revoked { binding: index, generation });
            }
        }
    }

    pub(crate) fn server_half(&self) -> &ServerHalf {
        &self.half
    }

    /// Adds an A-stack to the class that begins with `first`, if the client has such a class and not too many.
    pub(crate) fn grow(&self, id: u32, first: u16) -> FromServer {
        let mut state = self.state();
        let classes = state.placed.values().flat_map(|placed| placed.classes.iter());
        let Some(class) = classes.copied().find(|class| class.first == first && class.count > 0) else {
            return FromServer::NoMemory { id };
        };
        if usize::from(class.count) + self.half.grown_count(&class) >= GROWN_COUNT_MAX {
            return FromServer::NoMemory { id };
        }
        match state.plan.grow() {
            Ok(astack) => {
                self.half.grow(&class, astack);
                FromServer::Grown { id, first, astack }
            }
            Err(_) => FromServer::NoMemory { id },
        }
    }

    /// Whether a procedure of an export runs for this client.
    pub(crate) fn runs(&self, export: u64) -> bool {
        let state = self.state();
        let Some(placed) = state.placed.get(&export) else { return false };
        placed.classes.iter().any(|class| self.half.runs_in(class))
    }

    /// Sends a message. A client that does not read its messages loses them, not the server's time.
    pub(crate) fn tell(&self, message: &FromServer) {
        let _ = socket::send(self.control.as_fd(), &message.to_bytes(), &[]);
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self, astack: u16, sequence: u32, why: u16) {
        self.home.count_refused();
        self.half.refuse(astack, sequence, why);
    }
}

impl State {
    fn place(
        &mut self,
        exported: &Arc<Exported>,
        runs_in: impl Fn(&AstackClass) -> bool,
    ) -> Result<Arc<Placed>, Refused> {
        if let Some(placed) = self.placed.get(&exported.id) {
            return Ok(Arc::clone(placed));
        }
        let classes = match self.take_over(exported, runs_in) {
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
        let of = exported.class_of.iter().filter_map(|&class| classes.get(usize::from(class)).copied()).collect();
        let placed = Arc::new(Placed { exported: Arc::clone(exported), classes, of });
        self.placed.insert(exported.id, Arc::clone(&placed));
        Ok(placed)
    }
}

impl State {
    /// The A-stacks of a withdrawn export of the same size classes, if none of its procedures runs any more: a service
    /// that is exported again and again needs no more room than once.
    fn take_over(&mut self, exported: &Exported, runs_in: impl Fn(&AstackClass) -> bool) -> Option<Vec<AstackClass>> {
        let (&id, _) = self.placed.iter().find(|(_, placed)| {
            placed.exported.withdrawn.load(Ordering::SeqCst)
                && placed.exported.classes == exported.classes
                && !placed.classes.iter().any(&runs_in)
        })?;
        self.free.remove(&id);
        self.placed.remove(&id).map(|placed| placed.classes.clone())
    }
}

impl Pair for ServerPair {
    #[inline(always)]
    fn half(&self) -> &ServerHalf {
        &self.half
    }

    fn owner(&self) -> u32 {
        self.uid
    }

    /// LRPC's call sequence: the binding and the procedure, the A-stack, both unused, then the procedure.
    #[inline(always)]
    fn run(&self, claimed: &Claimed, memory: &mut Memory) -> Result<(), Misbehaved> {
        let request = &claimed.request;
        let Some((place, placed)) = self.place(request.binding).and_then(|place| Some((place, place.placed.get()?)))
        else {
            self.refuse(request.astack, claimed.sequence, status::REVOKED);
            return Ok(());
        };
        let Some(class) = placed.of.get(usize::from(request.procedure)) else {
            self.refuse(request.astack, claimed.sequence, status::NO_PROCEDURE);
            return Ok(());
        };
        let started = self.half.start(claimed, class)?;
        // Looked at after the A-stack is marked as busy: whoever revokes looks for busy A-stacks afterwards, so the call
        // is either refused or waited for (docs/orderings.md, "Revocation").
        if place.right.load(Ordering::SeqCst) != request::right(request.generation, request.nonce) {
            placed.exported.count_refused();
            started.refuse(status::REVOKED);
            return Ok(());
        }
        let exported = &placed.exported;
        rt::answer(&*exported.service, request.procedure, started, memory, || exported.count_refused());
        Ok(())
    }

    fn misbehaved(&self, _: Misbehaved) {
        self.home.count_refused();
        // The watcher sees the hang-up and forgets the pair; the client sees it and fails its calls.
        let _ = rustix::net::shutdown(&self.control, rustix::net::Shutdown::Both);
    }
}
