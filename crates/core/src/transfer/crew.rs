//! The server's processors, and who of them looks at which pair.
//!
//! Each CPU from which a client called has a *seat*. Its occupant is the *standby*: a processor confined to that CPU,
//! asleep on the bells of the pairs that seat attends until a caller on that CPU rings, and with the ring gives it the
//! CPU. One seat at a time may be the *lead*, which polls instead of sleeping. Neither is tied to a kernel thread: an
//! occupant that is inside a procedure while callers starve is relieved of its seat by another processor, goes on with
//! its procedure where it is, and is a spare afterwards. Procedures never move and never run twice; claims are counted
//! in a private word.
//!
//! At most [`ATTENDED_MAX`] pairs are attended by one seat, those that called last, and at most [`BELLS_MAX`] of them
//! while it sleeps. A pair that no seat attends is cold: its client rings by a message on the control socket. So the cost
//! of a wake-up does not grow with the number of bindings.
//!
//! This file is what the watcher does; `standby.rs` and `lead.rs` are what occupants do.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{BELL_COUNT, armed, poll};

use crate::channel::memory::Memory;
use crate::channel::server::{Claimed, Misbehaved, ServerHalf};
use crate::sys::futex::{self, Sleep};
use crate::sys::process;
use crate::transfer::clock;
use crate::transfer::counts::{ServerCounters, ServerCounts};
use crate::transfer::desk::Desk;
use crate::transfer::policy::tenure::needed_after;
use crate::transfer::policy::work::Work;

/// Pairs that one seat attends while its occupant is awake.
pub const ATTENDED_MAX: usize = 32;

/// Of these, pairs on whose bells it sleeps: the kernel takes up to 0.6 us for each word a sleeper waits on.
pub const BELLS_MAX: usize = 8;

/// Processors of one domain: one for each seat, and as many again for procedures that are inside something slow.
pub const PROCESSOR_COUNT_MAX: u32 = 128;

/// No owner: not a uid that a process can have.
const NOBODY: u32 = u32::MAX;

/// Set in a seat's occupant while it is inside a procedure.
pub(super) const INSIDE: u32 = 1 << 31;

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

    /// The pair was ended because its client misbehaved: close it.
    fn misbehaved(&self, how: Misbehaved);
}

/// A processor's place to wait for a seat.
#[derive(Debug)]
struct Post {
    id: u32,
    /// The seat it was given, plus one; 0 while it has none. It sleeps on this word.
    seat: AtomicU32,
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

/// One CPU's standby, and what it attends.
#[derive(Debug)]
pub(super) struct Seat<P> {
    /// The processor that has the seat, with [`INSIDE`] while it runs a procedure; 0 for none. One word, so that whether
    /// it is relieved and whether it comes out of the procedure in its seat is decided once.
    pub(super) occupant: AtomicU32,
    /// Bumped to make the occupant look at `books`; it sleeps on this word, too.
    pub(super) kicks: AtomicU32,
    /// Procedures entered, for the watcher to see whether an occupant is still inside the same one.
    pub(super) entries: AtomicU32,
    /// Whose procedure the occupant is inside of, when it is. Written when that changes, which is never where all pairs of the
    /// seat have one owner.
    pub(super) owner: AtomicU32,
    books: Mutex<Books<P>>,
}

#[derive(Debug)]
pub(super) struct Books<P> {
    pub(super) attended: Vec<Arc<P>>,
    pub(super) inbox: Vec<Arc<P>>,
    /// The occupant is to become the lead.
    pub(super) promoted: bool,
    /// The entry inside which the watcher saw the occupant, and when it saw it first.
    glimpse: (u32, u64),
}

impl<P> Seat<P> {
    fn new() -> Self {
        let books = Books { attended: Vec::new(), inbox: Vec::new(), promoted: false, glimpse: (0, 0) };
        Self {
            occupant: AtomicU32::new(0),
            kicks: AtomicU32::new(0),
            entries: AtomicU32::new(0),
            owner: AtomicU32::new(NOBODY),
            books: Mutex::new(books),
        }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books<P>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kick(&self) {
        // Release: pairs with the occupant's Acquire before it looks at the books or sleeps.
        self.kicks.fetch_add(1, Ordering::Release);
        futex::wake_private(&self.kicks);
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
    processors: u32,
    /// Numbers given out: a processor that did not start leaves a gap, never a namesake.
    ids: u32,
    requests: Vec<Request<P>>,
    /// Seats whose occupants were seen inside a procedure, to be looked at again.
    looks: Vec<usize>,
}

/// The processors of a domain and the pairs they serve.
pub struct Crew<P> {
    pub(super) seats: Box<[Seat<P>]>,
    /// The seat that leads, plus one; 0 for none.
    pub(super) lead: AtomicU32,
    /// How often processors were told to give back memory for arguments.
    pub(super) trims: AtomicU32,
    roster: Mutex<Roster<P>>,
    /// The innermost lock: nothing else is locked while it is held.
    held: Mutex<Work>,
    call_watcher: Box<dyn Fn() + Send + Sync>,
    pub(super) counters: ServerCounters,
}

impl<P> core::fmt::Debug for Crew<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Crew").field("lead", &self.lead).field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl<P: Pair> Crew<P> {
    /// No processors, no pairs. `call_watcher` makes the watcher call [`attend`](Self::attend) soon.
    #[must_use]
    pub fn new(call_watcher: impl Fn() + Send + Sync + 'static) -> Self {
        let roster = Roster { spares: Vec::new(), processors: 0, ids: 0, requests: Vec::new(), looks: Vec::new() };
        Self {
            seats: (0..BELL_COUNT).map(|_| Seat::new()).collect(),
            lead: AtomicU32::new(0),
            trims: AtomicU32::new(0),
            roster: Mutex::new(roster),
            held: Mutex::default(),
            call_watcher: Box::new(call_watcher),
            counters: ServerCounters::default(),
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster<P>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
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
            self.kick_all();
        }
    }

    fn held(&self) -> MutexGuard<'_, Work> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the owner is to be answered and not served.
    pub(super) fn is_over(&self, owner: u32) -> bool {
        self.held().is_over(owner)
    }

    /// Who is over has changed: occupants look at it when they open their books.
    fn kick_all(&self) {
        self.seats.iter().filter(|seat| seat.occupant.load(Ordering::Relaxed) != 0).for_each(Seat::kick);
    }

    /// A processor that was relieved is out of its procedure.
    fn is_back(&self, id: u32) {
        let fewer = self.held().end(id);
        if fewer {
            self.kick_all();
        }
    }

    /// Whether [`attend`](Self::attend) should be called again in a moment, whoever asks for something until then.
    #[must_use]
    pub fn looks_again(&self) -> bool {
        !self.roster().looks.is_empty()
    }

    /// Does what occupants asked for.
    pub fn attend(&self) -> Vec<Wanted> {
        let (requests, looks) = {
            let mut roster = self.roster();
            (core::mem::take(&mut roster.requests), core::mem::take(&mut roster.looks))
        };
        let allowed = if requests.is_empty() { 0 } else { process::allowed_cpus() };
        let mut wanted: Vec<Wanted> =
            looks.into_iter().filter_map(|n| self.staff(n, self.seats.get(n)?, true)).collect();
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
        let lead = usize::try_from(self.lead.load(Ordering::Acquire)).unwrap_or(0);
        if let Some(lead) = lead.checked_sub(1).filter(|&lead| lead != own) {
            return self.attach(pair, lead, false);
        }
        let others = (allowed & !(1 << own)).rotate_right(cpu.into());
        // Polling on the CPU that the caller is on would only keep it from calling.
        if lead != 0 || others == 0 {
            more_evidence(pair.half());
            return None;
        }
        // The next CPU after the caller's, so that two busy callers do not both end up with the first.
        let n = (usize::try_from(others.trailing_zeros()).unwrap_or(0) + own) % BELL_COUNT;
        self.attach(pair, n, true)
    }

    /// Sees to it that the seat of CPU `n` attends the pair and has an occupant that is not inside a procedure.
    fn attach(&self, pair: &Arc<P>, n: usize, promoted: bool) -> Option<Wanted> {
        let seat = self.seats.get(n)?;
        let mut books = seat.books();
        let known = |pairs: &[Arc<P>]| pairs.iter().any(|other| Arc::ptr_eq(other, pair));
        if !known(&books.attended) && !known(&books.inbox) {
            books.inbox.push(Arc::clone(pair));
        }
        books.promoted |= promoted;
        drop(books);
        seat.kick();
        self.staff(n, seat, false)
    }

    /// Gives the seat an occupant, if it has none that can look. `again`: this is a second look.
    fn staff(&self, n: usize, seat: &Seat<P>, again: bool) -> Option<Wanted> {
        // Acquire: pairs with the Release of an occupant that leaves.
        let occupant = seat.occupant.load(Ordering::Acquire);
        if occupant != 0 && occupant & INSIDE == 0 {
            return None;
        }
        if occupant != 0 && !self.is_stuck(n, seat, again) {
            return None;
        }
        let mut roster = self.roster();
        let spare = roster.spares.pop();
        if spare.is_none() && roster.processors >= PROCESSOR_COUNT_MAX {
            return None;
        }
        let is_new = spare.is_none();
        let post = spare.unwrap_or_else(|| {
            roster.ids += 1;
            Arc::new(Post { id: roster.ids, seat: AtomicU32::new(0), tid: AtomicU32::new(0) })
        });
        // Fails if the occupant has come out of its procedure meanwhile: then it looks, and nobody is needed. Acquire
        // and Release: pair with those of the occupant's own exchange.
        if seat.occupant.compare_exchange(occupant, post.id, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            if !is_new {
                roster.spares.push(post);
            }
            return None;
        }
        let mut is_over = false;
        if occupant != 0 {
            self.counters.relieved.add(1);
            self.end_lead(n, seat);
            let owner = seat.owner.load(Ordering::Relaxed);
            // Before the roster is unlocked, which the relieved one needs to come back.
            is_over = owner != NOBODY && self.held().begin(occupant & !INSIDE, owner);
        }
        roster.processors += u32::from(is_new);
        drop(roster);
        if is_over {
            self.kick_all();
        }
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
    fn is_stuck(&self, n: usize, seat: &Seat<P>, again: bool) -> bool {
        let (entry, now) = (seat.entries.load(Ordering::Relaxed), clock::ticks());
        let mut books = seat.books();
        let (seen, since) = books.glimpse;
        if seen == entry && since != 0 {
            if now.wrapping_sub(since) >= clock::calibration().wake {
                return true;
            }
        } else if again {
            // It has come out of that one.
            books.glimpse = (0, 0);
            return false;
        } else {
            books.glimpse = (entry, now);
        }
        drop(books);
        let mut roster = self.roster();
        if !roster.looks.contains(&n) {
            roster.looks.push(n);
        }
        false
    }

    /// The lead of seat `n` is inside a procedure and has lost its seat, and with it the lead.
    fn end_lead(&self, n: usize, seat: &Seat<P>) {
        let lead = u32::try_from(n).unwrap_or(0) + 1;
        if self.lead.load(Ordering::Acquire) == lead {
            seat.books().attended.iter().for_each(|pair| pair.half().set_status(poll::word(poll::UNPOLLED, 0)));
            // Last: the next lead may poll the same pairs, and says so.
            let _ = self.lead.compare_exchange(lead, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// A caller waited in vain for the lead: relieves it if it is inside a procedure; else it does not get its CPU, and
    /// this pair at least does not count on it any more.
    fn doubt_lead(&self, pair: &Arc<P>) -> Vec<Wanted> {
        let Some(n) = usize::try_from(self.lead.load(Ordering::Acquire)).unwrap_or(0).checked_sub(1) else {
            return Vec::new();
        };
        let Some(seat) = self.seats.get(n) else { return Vec::new() };
        if !seat.books().attended.iter().any(|other| Arc::ptr_eq(other, pair)) {
            return Vec::new();
        }
        pair.half().set_status(poll::word(poll::UNPOLLED, 0));
        // Should it run after all, it says again that it polls.
        seat.kick();
        self.staff(n, seat, false).into_iter().collect()
    }

    /// The kernel thread of a wanted processor could not be started; whoever rings next is told to try again.
    pub fn not_started(&self, id: u32) {
        self.roster().processors -= 1;
        for seat in &self.seats {
            let _ = seat.occupant.compare_exchange(id, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Has every processor give back the memory that large arguments took, as soon as it is not in a procedure.
    pub fn trim(&self) {
        self.trims.fetch_add(1, Ordering::Release);
        for seat in self.seats.iter().filter(|seat| seat.occupant.load(Ordering::Relaxed) != 0) {
            seat.kick();
        }
    }

    /// Forgets a pair that has ended.
    pub fn forget(&self, pair: &Arc<P>) {
        for seat in &self.seats {
            let mut books = seat.books();
            let before = books.attended.len();
            books.attended.retain(|other| !Arc::ptr_eq(other, pair));
            books.inbox.retain(|other| !Arc::ptr_eq(other, pair));
            let changed = books.attended.len() != before;
            drop(books);
            if changed {
                seat.kick();
            }
        }
        self.roster().requests.retain(|request| !Arc::ptr_eq(request.pair(), pair));
    }

    /// The life of a processor: wait for a seat, be the standby there until relieved. Does not return.
    pub fn work(&self, wanted: Wanted) -> ! {
        let post = wanted.0;
        post.tid.store(process::thread_id(), Ordering::Relaxed);
        let mut desk = Desk::new();
        loop {
            let seat = post.seat.swap(0, Ordering::Acquire);
            let Some(n) = usize::try_from(seat).ok().and_then(|seat| seat.checked_sub(1)) else {
                futex::sleep(&[Sleep { word: &post.seat, value: 0, shared: false }], None);
                continue;
            };
            self.occupy(n, post.id, &mut desk);
            desk.trim();
            // Before it can be given a seat again, and lose that.
            self.is_back(post.id);
            self.roster().spares.push(Arc::clone(&post));
        }
    }

    /// Nobody can be on CPU `n` any more: its pairs become cold, and those with a request go elsewhere.
    pub(super) fn vacate(&self, n: usize, me: u32) {
        let Some(seat) = self.seats.get(n) else { return };
        let mut books = seat.books();
        let mut pairs = core::mem::take(&mut books.attended);
        pairs.iter().for_each(|pair| leave(pair.half(), n));
        pairs.append(&mut books.inbox);
        books.promoted = false;
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

/// The seat of CPU `n` attends the pair no more. Followed by a full fence and one more look at the ring.
pub(super) fn leave(half: &ServerHalf, n: usize) {
    half.set_armed(n, armed::AWAY);
    half.attended.fetch_and(!(1 << n), Ordering::Relaxed);
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
