//! The server's processors, and who of them looks at which pair.
//!
//! Each owner has a *seat* on each CPU from which a client of its called. Its occupant is the *standby*: a processor confined to that CPU,
//! asleep on the bells of the pairs that seat attends until a caller on that CPU rings, and with the ring gives it the
//! CPU. One seat of an owner at a time may be the *lead*, which polls instead of sleeping. Neither is tied to a kernel thread: an
//! occupant that is inside a procedure while callers starve is relieved of its seat by another processor, goes on with
//! its procedure where it is, and is a spare afterwards. Procedures never move and never run twice; claims are counted
//! in a private word.
//!
//! At most [`ATTENDED_MAX`] pairs are attended by one seat, those that called last, and at most [`BELLS_MAX`] of them
//! while it sleeps. A pair that no seat attends is cold: its client rings by a message on the control socket. So the cost
//! of a wake-up does not grow with the number of bindings.
//!
//! Owners share no seat, so they share processors by the kernel's own rules, as they would if each had a server for itself:
//! whoever floods competes with others for CPUs, and for nothing else. Spares are everybody's.
//!
//! This file is what the watcher does; `standby.rs` and `lead.rs` are what occupants do; `seats.rs` is what both look at.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{BELL_COUNT, poll};

use crate::channel::memory::Memory;
use crate::channel::server::{Claimed, Misbehaved, ServerHalf};
use crate::sync;
use crate::sys::futex::{self, Sleep};
use crate::sys::process;
use crate::threads::stack::{self, Class};
use crate::threads::{self, Processor};
use crate::transfer::clock;
use crate::transfer::counts::{ServerCounters, ServerCounts};
use crate::transfer::desk::Desk;
use crate::transfer::handoff;
use crate::transfer::policy::tenure::needed_after;
use crate::transfer::policy::work::Work;
use crate::transfer::seats::{DOUBTED, Glimpse, Inside, OPEN, Seat, Seats, end_lead, leave};
use crate::transfer::strays::Strays;
use crate::transfer::wires::Wires;

/// Pairs that one seat attends while its occupant is awake.
pub const ATTENDED_MAX: usize = 32;

/// Of these, pairs on whose bells it sleeps: the kernel takes up to 0.6 us for each word a sleeper waits on.
pub const BELLS_MAX: usize = 8;

/// Processors of one domain: one for each seat that is taken, and those whose procedures are inside something slow. Where
/// there are as many, seats of whoever has most of them are given up for others.
pub const PROCESSOR_COUNT_MAX: u32 = 512;

/// No seat, but one request.
const STRAY: u32 = u32::MAX;

/// A pair as the crew sees it.
pub trait Pair: Send + Sync + 'static {
    /// The channel.
    fn half(&self) -> &ServerHalf;

    /// Whom its time and its processors are charged to: pairs of one owner share. The same for the pair's whole life.
    fn owner(&self) -> u32;

    /// Runs one claimed request to its answer. `memory` is the processor's. Must not panic.
    ///
    /// # Errors
    /// [`Misbehaved`] if the client did what no correct client does; the pair is ended then.
    fn run(&self, claimed: &Claimed, memory: &mut Memory) -> Result<(), Misbehaved>;

    /// Whether the procedure that this request calls may share its kernel thread with others that are suspended. Asked for
    /// only after [`Crew::allow_cooperation`].
    fn is_cooperative(&self, _claimed: &Claimed) -> bool {
        false
    }

    /// Gives the pair's signal: whoever looks at the client's descriptor of the pair is woken. Must not block; lost, if the
    /// client has not read what it was sent before.
    fn signal(&self);

    /// The pair was ended because its client misbehaved: close it.
    fn misbehaved(&self, how: Misbehaved);
}

/// A processor's place to wait for a seat, and what others see of it.
#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) id: u32,
    /// On a line of its own but for what is seldom written: it is, on each call.
    pub(super) inside: Inside,
    /// The seat it was given, plus one; 0 while it has none; [`STRAY`] if it is to run a request that somebody else took. It
    /// sleeps on this word.
    seat: AtomicU32,
    /// Whose seat that is; written before.
    owner: AtomicU32,
    /// Its kernel thread, once it runs.
    tid: AtomicU32,
}

/// One more processor is wanted; the watcher starts a kernel thread that calls [`Crew::work`].
#[derive(Debug)]
#[must_use]
pub struct Wanted(Arc<Post>);

impl Wanted {
    /// A number of its own, for the thread's name.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id
    }
}

/// What an occupant asks of the watcher.
#[derive(Debug)]
pub(super) enum Request<P> {
    /// The pair's client calls from a CPU whose seat does not attend it.
    Attend { pair: Arc<P>, cpu: u16 },
    /// The pair, called from this CPU, is worth polling.
    Promote { pair: Arc<P>, cpu: u16 },
    /// A caller of the pair slept although a lead polls it.
    Doubt { pair: Arc<P> },
}

impl<P> Request<P> {
    fn pair(&self) -> &Arc<P> {
        let (Self::Attend { pair, .. } | Self::Promote { pair, .. } | Self::Doubt { pair }) = self;
        pair
    }
}

#[derive(Debug)]
struct Roster<P> {
    spares: Vec<Arc<Post>>,
    /// All there are, by their numbers.
    posts: BTreeMap<u32, Arc<Post>>,
    processors: u32,
    /// Numbers given out: a processor that did not start leaves a gap, never a namesake.
    ids: u32,
    requests: Vec<Request<P>>,
    /// Seats whose occupants were seen inside a procedure, to be looked at again.
    looks: Vec<(Arc<Seats<P>>, usize)>,
    /// [`PROCESSOR_COUNT_MAX`].
    most: u32,
}

impl<P> Roster<P> {
    fn new_post(&mut self) -> Arc<Post> {
        self.ids += 1;
        let post = Arc::new(Post { id: self.ids, ..Post::default() });
        self.posts.insert(post.id, Arc::clone(&post));
        post
    }

    /// In which procedure the occupant of a seat is, if it is inside one.
    fn inside(&self, occupant: u32) -> Option<u32> {
        self.posts.get(&(occupant & !(OPEN | DOUBTED)))?.inside.now()
    }
}

/// There are as many processors as there may be, and none is a spare.
#[derive(Debug)]
struct NoneLeft;

/// The processors of a domain and the pairs they serve.
pub struct Crew<P> {
    /// By owner: those whose pairs have seats. Locked for a moment only, and nothing else meanwhile.
    owners: Mutex<BTreeMap<u32, Arc<Seats<P>>>>,
    /// CPUs of which some owner's seat leads, one bit each; a hint.
    pub(super) led: AtomicU64,
    /// Requests that a processor took and may not run.
    pub(super) strays: Mutex<Strays<P>>,
    /// Whether there ever was a procedure that is cooperative.
    pub(super) cooperation: AtomicBool,
    /// How often processors were told to give back memory for arguments.
    pub(super) trims: AtomicU32,
    roster: Mutex<Roster<P>>,
    /// The innermost lock: nothing else is locked while it is held.
    held: Mutex<Work>,
    call_watcher: Box<dyn Fn() + Send + Sync>,
    pub(super) counters: ServerCounters,
    pub(super) wires: Wires,
}

impl<P> core::fmt::Debug for Crew<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Crew").field("led", &self.led).field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl<P: Pair> Crew<P> {
    /// No processors, no pairs. `call_watcher` makes the watcher call [`attend`](Self::attend) soon.
    #[must_use]
    pub fn new(call_watcher: impl Fn() + Send + Sync + 'static) -> Self {
        let roster = Roster {
            spares: Vec::new(),
            posts: BTreeMap::new(),
            processors: 0,
            ids: 0,
            requests: Vec::new(),
            looks: Vec::new(),
            most: PROCESSOR_COUNT_MAX,
        };
        Self {
            owners: Mutex::default(),
            led: AtomicU64::new(0),
            strays: Mutex::default(),
            cooperation: AtomicBool::new(false),
            trims: AtomicU32::new(0),
            roster: Mutex::new(roster),
            held: Mutex::default(),
            call_watcher: Box::new(call_watcher),
            counters: ServerCounters::default(),
            wires: Wires::default(),
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster<P>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owners(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Seats<P>>>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_seats(&self) -> Vec<Arc<Seats<P>>> {
        self.owners().values().map(Arc::clone).collect()
    }

    /// The seats of the pair's owner.
    fn seats_of(&self, pair: &P) -> Arc<Seats<P>> {
        self.seats_of_owner(pair.owner())
    }

    pub(super) fn seats_of_owner(&self, owner: u32) -> Arc<Seats<P>> {
        Arc::clone(self.owners().entry(owner).or_insert_with(|| Arc::new(Seats::new(owner))))
    }

    pub(super) fn request(&self, request: Request<P>) {
        self.roster().requests.push(request);
        (self.call_watcher)();
    }

    /// How calls were taken so far. Processors add what they counted when they have nothing else to do.
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        self.counters.snapshot()
    }

    /// A client says that its ring has a request while nobody looks, or nobody who was rung came. Called by the watcher,
    /// as are all that follow.
    pub fn rung(&self, pair: &Arc<P>) -> Vec<Wanted> {
        let half = pair.half();
        let Some((sequence, cpu)) = half.pending().filter(|_| !half.has_ended()) else {
            // It was taken meanwhile, or there never was one.
            self.counters.empty_bells.add(1);
            return Vec::new();
        };
        let mut wanted = self.doubt_lead(pair);
        // A second message for one request: whoever was sent did not come, so another is sent.
        let again = half.sent_for.swap(sequence, Ordering::Relaxed) == sequence;
        let sent = if again { half.sent.load(Ordering::Relaxed) } else { 0 };
        // Whoever is sent to a CPU where it may not be vacates the seat, and `attend` looks again.
        let allowed = process::allowed_cpus_lately();
        let own = 1 << (usize::from(cpu) % BELL_COUNT);
        let left = [allowed & own & !sent, allowed & !sent, allowed & own, allowed, 1];
        let n = left.into_iter().find(|&mask| mask != 0).map_or(0, u64::trailing_zeros);
        half.sent.store(sent | 1 << n, Ordering::Relaxed);
        wanted.extend(self.attach(pair, usize::try_from(n).unwrap_or(0), false));
        wanted
    }

    /// Lets procedures of one owner keep this many processors from others for long; at least one. Its requests beyond that are
    /// answered [`status::OVERLOADED`](nearcall_layout::pair::status).
    pub fn limit(&self, most: u32) {
        if self.held().limit(most) {
            self.all_seats().iter().flat_map(|seats| seats.taken()).for_each(Seat::kick);
        }
    }

    /// From now on requests are asked whether they are [cooperative](Pair::is_cooperative).
    pub fn allow_cooperation(&self) {
        // Nobody has bound to such a service yet: a request for one comes long after.
        self.cooperation.store(true, Ordering::Relaxed);
    }

    fn held(&self) -> MutexGuard<'_, Work> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the owner is to be answered and not served.
    pub(super) fn is_over(&self, owner: u32) -> bool {
        self.held().is_over(owner)
    }

    /// A processor that was in a seat of the owner's has none now: it holds nothing and is a spare.
    fn is_back(&self, post: &Arc<Post>, owner: u32) {
        // Whoever relieved it counts it before unlocking the roster: taken back without that lock, what is not counted yet
        // would stay with the owner. Before it is a spare, which can be given a seat again, and lose that.
        let mut roster = self.roster();
        let fewer = self.held().end(post.id);
        roster.spares.push(Arc::clone(post));
        drop(roster);
        if self.has_strays() {
            self.call_watcher();
        }
        // Whether their owner is over is looked at with the books. By name: it may have other seats by now.
        if fewer && let Some(seats) = self.owners().get(&owner) {
            seats.taken().for_each(Seat::kick);
        }
    }

    /// Whether [`attend`](Self::attend) should be called again in a moment, whoever asks for something until then.
    #[must_use]
    pub fn looks_again(&self) -> bool {
        !self.roster().looks.is_empty() || self.wires.is_wanted()
    }

    /// Does what occupants asked for.
    pub fn attend(&self) -> Vec<Wanted> {
        let (requests, looks) = {
            let mut roster = self.roster();
            (core::mem::take(&mut roster.requests), core::mem::take(&mut roster.looks))
        };
        let allowed = if requests.is_empty() { 0 } else { process::allowed_cpus() };
        let mut wanted: Vec<Wanted> = looks.into_iter().filter_map(|(seats, n)| self.staff(&seats, n, true)).collect();
        wanted.extend(self.want_wires());
        while let Some(n) = self.call_for_stray() {
            match self.call_spare(n) {
                Ok(processor) => wanted.extend(processor),
                Err(NoneLeft) => {
                    self.nobody_for_stray();
                    break;
                }
            }
        }
        for request in requests {
            if request.pair().half().has_ended() {
                continue;
            }
            match request {
                Request::Doubt { pair } => wanted.extend(self.doubt_lead(&pair)),
                Request::Promote { pair, cpu } => wanted.extend(self.promote(&pair, cpu, allowed)),
                Request::Attend { pair, cpu } => {
                    let own = usize::from(cpu) % BELL_COUNT;
                    if allowed & 1 << own != 0 {
                        wanted.extend(self.attach(&pair, own, false));
                    } else if pair.half().has_request() {
                        wanted.extend(self.rung(&pair));
                    }
                }
            }
        }
        wanted
    }

    /// Has the pair, whose client calls from this CPU, polled by the lead, or makes one.
    fn promote(&self, pair: &Arc<P>, cpu: u16, allowed: u64) -> Option<Wanted> {
        let own = usize::from(cpu) % BELL_COUNT;
        let lead = self.seats_of(pair).leading();
        if let Some(lead) = lead.filter(|&lead| lead != own) {
            return self.attach(pair, lead, false);
        }
        let others = allowed & !(1 << own);
        // Beside another owner's lead only if there is no other CPU.
        let free = others & !self.led.load(Ordering::Relaxed);
        let others = if free == 0 { others } else { free }.rotate_right(cpu.into());
        // Polling on the CPU that the caller is on would only keep it from calling.
        if lead.is_some() || others == 0 {
            more_evidence(pair.half());
            return None;
        }
        // The next CPU after the caller's, so that two busy callers do not both end up with the first.
        let n = (usize::try_from(others.trailing_zeros()).unwrap_or(0) + own) % BELL_COUNT;
        self.attach(pair, n, true)
    }

    /// Sees to it that the seat of CPU `n` attends the pair and has an occupant that is not inside a procedure.
    fn attach(&self, pair: &Arc<P>, n: usize, promoted: bool) -> Option<Wanted> {
        let seats = self.seats_of(pair);
        let seat = seats.get(n)?;
        let mut books = seat.books();
        let known = |pairs: &[Arc<P>]| pairs.iter().any(|other| Arc::ptr_eq(other, pair));
        if !known(&books.attended) && !known(&books.inbox) {
            books.inbox.push(Arc::clone(pair));
        }
        books.promoted |= promoted;
        drop(books);
        seat.kick();
        self.staff(&seats, n, false)
    }

    pub(super) fn call_watcher(&self) {
        (self.call_watcher)();
    }

    /// Has a spare, or a new processor, run a request that somebody else took.
    fn call_spare(&self, n: usize) -> Result<Option<Wanted>, NoneLeft> {
        let mut roster = self.roster();
        let spare = roster.spares.pop();
        if spare.is_none() && roster.processors >= roster.most {
            return Err(NoneLeft);
        }
        let is_new = spare.is_none();
        let post = spare.unwrap_or_else(|| roster.new_post());
        roster.processors += u32::from(is_new);
        drop(roster);
        // Release: pairs with the Acquire in `work`.
        post.seat.store(STRAY, Ordering::Release);
        if is_new {
            return Ok(Some(Wanted(post)));
        }
        process::confine_thread(post.tid.load(Ordering::Relaxed), n);
        futex::wake_private(&post.seat);
        Ok(None)
    }

    /// The processor runs a procedure of the owner's, without a seat, for as long as that takes.
    fn hold(&self, id: u32, owner: u32) {
        if self.held().begin(id, owner)
            && let Some(seats) = self.owners().get(&owner)
        {
            seats.taken().for_each(Seat::kick);
        }
    }

    /// Gives the seat an occupant, if it has none that can look. `again`: this is a second look.
    pub(super) fn staff(&self, seats: &Arc<Seats<P>>, n: usize, again: bool) -> Option<Wanted> {
        let seat = seats.get(n)?;
        // Acquire: pairs with the Release of an occupant that leaves, or opens the seat.
        let occupant = seat.occupant.load(Ordering::Acquire);
        if occupant != 0 && occupant & OPEN == 0 && !self.is_stuck(seats, n, again) {
            return None;
        }
        let mut roster = self.roster();
        let spare = roster.spares.pop();
        if spare.is_none() && roster.processors >= roster.most {
            drop(roster);
            self.spare_one(seats);
            return None;
        }
        let is_new = spare.is_none();
        let post = spare.unwrap_or_else(|| roster.new_post());
        // Fails if the occupant has come out of its procedure meanwhile: then it looks, and nobody is needed; or if it has
        // taken the seat back and goes on with the procedure.
        let taken = match occupant {
            occupant if occupant == 0 || occupant & OPEN != 0 => take(seat, occupant, post.id),
            occupant => relieve(&roster, seat, occupant, post.id),
        };
        if !taken {
            if is_new {
                roster.posts.remove(&post.id);
            } else {
                roster.spares.push(post);
            }
            drop(roster);
            // Whether it comes out of it, if it is still inside, is looked at later.
            let _ = self.is_stuck(seats, n, false);
            return None;
        }
        let mut is_over = false;
        if occupant != 0 {
            self.counters.relieved.add(1);
            // Its procedure goes on beside its successor, and may use any CPU that is idle: work conserving, as the forced
            // reallocation has to be that nobody can do for a server but the kernel (URPC 1991, section 3.3).
            if let Some(relieved) = roster.posts.get(&(occupant & !OPEN)) {
                process::let_roam(relieved.tid.load(Ordering::Relaxed));
            }
            end_lead(seats, n);
            self.wires.give_up(occupant & !OPEN);
            // Before the roster is unlocked, which the relieved one needs to come back.
            is_over = self.held().begin(occupant & !OPEN, seats.owner);
        }
        roster.processors += u32::from(is_new);
        drop(roster);
        if is_over {
            seats.taken().for_each(Seat::kick);
        }
        post.owner.store(seats.owner, Ordering::Relaxed);
        post.seat.store(u32::try_from(n).unwrap_or(0) + 1, Ordering::Release);
        if is_new {
            return Some(Wanted(post));
        }
        // It is still confined to the CPU of its last seat, on which something else may run for ever.
        process::confine_thread(post.tid.load(Ordering::Relaxed), n);
        futex::wake_private(&post.seat);
        None
    }

    /// Whether the occupant, who is inside a procedure, has been inside the same one for as long as a wake-up takes. If
    /// that is not known yet, it is looked at again: a client that rings without end must not have short procedures taken
    /// for long ones.
    fn is_stuck(&self, seats: &Arc<Seats<P>>, n: usize, again: bool) -> bool {
        let Some(seat) = seats.get(n) else { return false };
        let id = seat.occupant.load(Ordering::Relaxed);
        let Some(entry) = self.roster().inside(id) else { return false };
        let now = clock::ticks();
        let mut books = seat.books();
        match books.glimpse.filter(|seen| (seen.id, seen.entry) == (id, entry)) {
            Some(seen) if now.wrapping_sub(seen.since) >= clock::calibration().wake => return true,
            Some(_) => {}
            None if again => {
                // It has come out of that one.
                books.glimpse = None;
                return false;
            }
            None => books.glimpse = Some(Glimpse { id, entry, since: now }),
        }
        drop(books);
        let mut roster = self.roster();
        if !roster.looks.iter().any(|(other, at)| Arc::ptr_eq(other, seats) && *at == n) {
            roster.looks.push((Arc::clone(seats), n));
        }
        false
    }

    /// No processor is left for these seats: one of whoever has most of them is given up, if that is somebody else. Its
    /// pairs become cold; who starves meanwhile rings again.
    fn spare_one(&self, wanting: &Seats<P>) {
        let most = self.all_seats().into_iter().max_by_key(|seats| seats.taken().count());
        let most = most.filter(|seats| seats.taken().count() > wanting.taken().count());
        let idle = |seat: &&Seat<P>| !self.is_inside(seat);
        if let Some(seat) = most.as_ref().and_then(|seats| seats.taken().find(idle)) {
            seat.give_up();
        }
    }

    /// Whether the seat's occupant is inside a procedure.
    pub(super) fn is_inside(&self, seat: &Seat<P>) -> bool {
        self.roster().inside(seat.occupant.load(Ordering::Relaxed)).is_some()
    }

    /// A caller waited in vain for the lead: relieves it if it is inside a procedure; else it does not get its CPU, and
    /// this pair at least does not count on it any more.
    fn doubt_lead(&self, pair: &Arc<P>) -> Vec<Wanted> {
        let seats = self.seats_of(pair);
        let Some(n) = seats.leading() else { return Vec::new() };
        let Some(seat) = seats.get(n) else { return Vec::new() };
        if !seat.books().attended.iter().any(|other| Arc::ptr_eq(other, pair)) {
            return Vec::new();
        }
        pair.half().set_status(poll::word(poll::UNPOLLED, 0));
        // Should it run after all, it says again that it polls.
        seat.kick();
        self.staff(&seats, n, false).into_iter().collect()
    }

    /// The kernel thread of a wanted processor could not be started; whoever rings next is told to try again.
    pub fn not_started(&self, id: u32) {
        let mut roster = self.roster();
        roster.processors -= 1;
        roster.posts.remove(&id);
        drop(roster);
        // Perhaps it was called for one; a call too many finds nothing.
        self.nobody_for_stray();
        for seat in self.all_seats().iter().flat_map(|seats| &seats.each) {
            let _ = seat.occupant.compare_exchange(id, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Has every processor give back the memory that large arguments took, as soon as it is not in a procedure.
    pub fn trim(&self) {
        self.trims.fetch_add(1, Ordering::Release);
        self.all_seats().iter().flat_map(|seats| seats.taken()).for_each(Seat::kick);
    }

    /// Forgets a pair that has ended, and the seats of an owner that has no pair at any.
    pub fn forget(&self, pair: &Arc<P>) {
        let seats = self.seats_of(pair);
        let mut deserted = true;
        for seat in &seats.each {
            let mut books = seat.books();
            let before = books.attended.len();
            books.attended.retain(|other| !Arc::ptr_eq(other, pair));
            books.inbox.retain(|other| !Arc::ptr_eq(other, pair));
            let changed = books.attended.len() != before;
            // Only the watcher, which this is, brings pairs to a seat.
            deserted &= books.attended.is_empty() && books.inbox.is_empty();
            drop(books);
            if changed {
                seat.kick();
            }
        }
        self.roster().requests.retain(|request| !Arc::ptr_eq(request.pair(), pair));
        if deserted {
            self.owners().remove(&seats.owner);
            seats.taken().for_each(Seat::give_up);
        }
    }

    /// The life of a processor: wait for a seat, be the standby there until relieved. Does not return.
    pub fn work(&self, wanted: Wanted) -> ! {
        let post = wanted.0;
        post.tid.store(process::thread_id(), Ordering::Relaxed);
        let mut desk = Desk::new();
        threads::context::on_block(handoff::blocking);
        threads::overflow::give_alternate();
        loop {
            let seat = post.seat.swap(0, Ordering::Acquire);
            if seat == STRAY {
                if let Some(owner) = self.run_stray(&mut desk, |owner| self.hold(post.id, owner)) {
                    desk.trim();
                    self.is_back(&post, owner);
                } else {
                    self.is_spare(&post);
                }
                continue;
            }
            let Some(n) = usize::try_from(seat).ok().and_then(|seat| seat.checked_sub(1)) else {
                futex::sleep(&[Sleep { word: &post.seat, value: 0, shared: false }], None);
                continue;
            };
            let seats = self.owners().get(&post.owner.load(Ordering::Relaxed)).map(Arc::clone);
            // Its owner may be gone, and even be back with other seats.
            let has = |seats: &Arc<Seats<P>>| {
                seats.get(n).is_some_and(|seat| seat.occupant.load(Ordering::Relaxed) == post.id)
            };
            if let Some(seats) = seats.filter(has) {
                self.sit(&seats, n, &post, &mut desk);
                desk.trim();
                self.is_back(&post, seats.owner);
            } else {
                self.is_spare(&post);
            }
        }
    }

    /// A processor whose seat or stray is somebody else's by now.
    fn is_spare(&self, post: &Arc<Post>) {
        self.roster().spares.push(Arc::clone(post));
        if self.has_strays() {
            self.call_watcher();
        }
    }

    /// Occupies the seat on an E-stack, which goes back to the pool with the seat. What was suspended there goes on first,
    /// before this processor is anybody's spare.
    fn sit(&self, seats: &Seats<P>, n: usize, me: &Post, desk: &mut Desk<P>) {
        if let Err((occupy, _)) = stack::run(Class::E_STACK, || self.occupy(seats, n, me, desk)) {
            // No address space for one: the kernel thread's own is as large.
            self.counters.without_estack.add(1);
            occupy();
        }
        if let Some(processor) = threads::here() {
            processor.run_loop(&mut Suspended(processor));
            processor.give_back();
        }
    }

    /// Nobody is at this seat, of CPU `n`, any more: its pairs become cold, and those with a request go elsewhere.
    pub(super) fn vacate(&self, seat: &Seat<P>, n: usize, me: u32) {
        let mut books = seat.books();
        let mut pairs = core::mem::take(&mut books.attended);
        pairs.iter().for_each(|pair| leave(pair.half(), n));
        pairs.append(&mut books.inbox);
        (books.promoted, books.given_up) = (false, false);
        // Release: pairs with the Acquire in `staff`.
        let _ = seat.occupant.compare_exchange(me, 0, Ordering::AcqRel, Ordering::Relaxed);
        drop(books);
        // Pairs with the caller's fence after it has published: it sees AWAY, or we see its request.
        core::sync::atomic::fence(Ordering::SeqCst);
        for pair in pairs {
            if let Some((_, cpu)) = pair.half().pending() {
                self.request(Request::Attend { pair, cpu });
            }
        }
    }
}

/// Gives a seat that nobody has, or whose occupant's procedure sleeps, to another processor.
fn take<P>(seat: &Seat<P>, occupant: u32, to: u32) -> bool {
    // Acquire and Release: pair with those of the occupant's own exchange.
    seat.occupant.compare_exchange(occupant, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Gives a seat to another processor if its occupant is inside a procedure. One that comes out of it has the seat unless it
/// finds that it is doubted, and then waits for what becomes of that.
fn relieve<P>(roster: &Roster<P>, seat: &Seat<P>, occupant: u32, to: u32) -> bool {
    let _books = seat.books();
    if seat.occupant.compare_exchange(occupant, occupant | DOUBTED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
        return false;
    }
    let is_light = sync::is_asymmetric();
    // Pairs with the light barrier in `Standby::exit`. Where the kernel refuses one that it has promised, those that have come
    // out before may have missed the doubt; from now on their barriers are full ones.
    let is_sure = sync::heavy_barrier() || !is_light;
    let taken = is_sure && roster.inside(occupant).is_some();
    // Release: pairs with the Acquire in `staff`.
    seat.occupant.store(if taken { to } else { occupant }, Ordering::Release);
    taken
}

/// The loop of a processor that has lost its seat: until nothing is suspended there.
struct Suspended(&'static Processor);

impl threads::Work for Suspended {
    fn look(&mut self) -> bool {
        false
    }

    fn prepare_sleep<'a>(&'a mut self, _: &mut threads::Words<'a>) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        self.0.live() == 0 && !self.0.has_ready()
    }
}

/// Nobody can poll the pair now: it is not asked for again soon.
fn more_evidence(half: &ServerHalf) {
    half.evidence_needed.store(needed_after(half.evidence_needed.load(Ordering::Relaxed), 0), Ordering::Relaxed);
}

/// Claims and runs, on the calling kernel thread, the next request of `pair`, if there is one. At most one, as the lead
/// does each turn.
#[cfg(feature = "wait-hook")]
#[inline(always)]
pub fn serve_here<P: Pair>(pair: &Arc<P>, desk: &mut Desk<P>) {
    let half = pair.half();
    if half.has_ended() {
        return;
    }
    let here = &**pair;
    if let Some(claimed) = half.claim()
        && let Err(how) = desk.run(pair, &claimed, |memory| here.run(&claimed, memory))
    {
        half.end();
        pair.misbehaved(how);
    }
}

#[cfg(test)]
mod tests;
