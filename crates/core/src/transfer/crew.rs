//! The server's processors.
//!
//! One of them is the *lead*: it polls the hot pairs and runs each procedure itself, there and then, on its own stack.
//! The others sleep. When a caller starves because the lead is inside a long procedure, the watcher calls
//! [`Crew::relieve`]: a follower becomes the lead, the old one goes on with its procedure and then joins the sleepers.
//! Procedures are never moved and never run twice; claims are counted in a private word.
//!
//! At most [`HOT_COUNT`] pairs are polled, those that were called last. All others are COLD: their clients ring by a
//! message on the control socket. So the cost of a turn does not grow with the number of bindings.

use core::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{poll, sequence};

use crate::channel::server::{Claimed, Misbehaved, ServerHalf};
use crate::sys::futex::{self, Sleep};
use crate::sys::process;
use crate::transfer::counts::{ServerCounters, ServerCounts};

/// Pairs polled at one time.
pub const HOT_COUNT: usize = 8;

/// Processors of one domain: as many procedures can be inside something slow at once.
pub const PROCESSOR_COUNT_MAX: u32 = 64;

/// Idle turns before the lead sleeps: some 40 us with a `pause` in each, about what a wake-up costs the caller.
const IDLE_TURNS: u32 = 1_200;

/// Set in the lead's word while it is inside a procedure.
const INSIDE: u32 = 1 << 31;

/// Replies after which the lead looks whether their callers sleep, if no idle turn came before.
const ANSWERED_MAX: usize = 64;

/// A pair as the crew sees it.
pub trait Pair: Send + Sync + 'static {
    /// The channel.
    fn half(&self) -> &ServerHalf;

    /// Runs one claimed request to its answer. `scratch` is the processor's private memory for arguments. Must not
    /// panic.
    ///
    /// # Errors
    /// [`Misbehaved`] if the client did what no correct client does; the pair is ended then.
    fn run(&self, claimed: &Claimed, scratch: &mut Vec<u8>) -> Result<(), Misbehaved>;

    /// The pair was ended because its client misbehaved: close it.
    fn misbehaved(&self, how: Misbehaved);
}

/// The processors of a domain and the pairs they serve.
#[derive(Debug)]
pub struct Crew<P> {
    shared: Mutex<Shared<P>>,
    /// The number of the processor that leads, with [`INSIDE`] while it runs a procedure; 0 for none. One word, so that
    /// whether the lead is relieved and whether it comes out of the procedure as the lead is decided once.
    lead: AtomicU32,
    /// Bumped to make the lead look at `shared`; it sleeps on this word, too.
    kicks: AtomicU32,
    /// Followers sleep on this word.
    calls_for_relief: AtomicU32,
    counters: ServerCounters,
}

#[derive(Debug)]
struct Shared<P> {
    hot: Vec<Arc<P>>,
    rung: Vec<Arc<P>>,
    processors: u32,
    /// Numbers given out: a processor that did not start leaves a gap, never a namesake.
    started: u32,
    idle: u32,
}

/// One more processor is wanted; the caller starts a kernel thread that calls [`Crew::work`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Wanted(pub u32);

impl<P: Pair> Crew<P> {
    /// No processors, no pairs.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a crew without processors serves nobody; making one is a decision")]
    pub fn new() -> Self {
        Self {
            shared: Mutex::new(Shared { hot: Vec::new(), rung: Vec::new(), processors: 0, started: 0, idle: 0 }),
            lead: AtomicU32::new(0),
            kicks: AtomicU32::new(0),
            calls_for_relief: AtomicU32::new(0),
            counters: ServerCounters::default(),
        }
    }

    /// A client says that its ring has a request while nobody looks: makes the pair hot. Called by the watcher.
    pub fn rung(&self, pair: Arc<P>) -> Option<Wanted> {
        let mut shared = self.lock();
        if !shared.rung.iter().any(|other| Arc::ptr_eq(other, &pair)) {
            shared.rung.push(pair);
        }
        drop(shared);
        self.kick();
        self.relieve()
    }

    /// Sees to it that somebody leads who is not inside a procedure. Returns a processor to start, if one is needed.
    pub fn relieve(&self) -> Option<Wanted> {
        let mut shared = self.lock();
        let lead = self.lead.load(Ordering::Acquire);
        let helpless = shared.idle == 0 && shared.processors >= PROCESSOR_COUNT_MAX;
        if helpless || (lead != 0 && lead & INSIDE == 0) {
            return None;
        }
        // Fails if the lead has come out of its procedure meanwhile: then it leads on, and nobody is needed. Acquire and
        // Release: pair with those of the lead's own exchange in `tenure`.
        if lead != 0 && self.lead.compare_exchange(lead, 0, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return None;
        }
        if shared.idle > 0 {
            self.calls_for_relief.fetch_add(1, Ordering::Release);
            futex::wake_private(&self.calls_for_relief);
            return None;
        }
        shared.processors += 1;
        shared.started += 1;
        Some(Wanted(shared.started))
    }

    /// The kernel thread of a wanted processor could not be started; whoever asks next is told to try again.
    pub fn not_started(&self) {
        self.lock().processors -= 1;
    }

    /// Forgets a pair that has ended.
    pub fn forget(&self, pair: &Arc<P>) {
        let mut shared = self.lock();
        shared.hot.retain(|other| !Arc::ptr_eq(other, pair));
        shared.rung.retain(|other| !Arc::ptr_eq(other, pair));
        drop(shared);
        self.kick();
    }

    /// How calls were taken so far.
    #[must_use]
    pub fn counts(&self) -> ServerCounts {
        self.counters.snapshot()
    }

    fn kick(&self) {
        self.kicks.fetch_add(1, Ordering::Release);
        futex::wake_private(&self.kicks);
    }

    fn lock(&self) -> MutexGuard<'_, Shared<P>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of processor `wanted`: lead, run procedures, follow. Does not return.
    pub fn work(&self, wanted: Wanted) -> ! {
        let me = wanted.0;
        let mut scratch = Vec::new();
        loop {
            if self.lead.compare_exchange(0, me, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                self.tenure(me, &mut scratch);
            }
            let calls = {
                let mut shared = self.lock();
                if self.lead.load(Ordering::Acquire) == 0 {
                    continue;
                }
                shared.idle += 1;
                self.calls_for_relief.load(Ordering::Acquire)
            };
            while self.calls_for_relief.load(Ordering::Acquire) == calls {
                futex::sleep(&[Sleep { word: &self.calls_for_relief, value: calls, shared: false }], None);
            }
            self.lock().idle -= 1;
        }
    }

    /// Leads until somebody else does.
    fn tenure(&self, me: u32, scratch: &mut Vec<u8>) {
        let mut answered: Vec<(Arc<P>, u16, u32)> = Vec::with_capacity(ANSWERED_MAX);
        let mut kicks = self.kicks.load(Ordering::Acquire);
        let mut hot = self.take_hot();
        let mut cpu = process::cpu();
        let mut caller_cpu = cpu;
        set_status(&hot, poll::POLLED, cpu);
        let mut idle = 0;
        loop {
            if self.kicks.load(Ordering::Relaxed) != kicks {
                kicks = self.kicks.load(Ordering::Acquire);
                hot = self.take_hot();
                set_status(&hot, poll::POLLED, cpu);
                idle = 0;
            }
            let mut worked = false;
            for pair in &hot {
                let Some(claimed) = (if pair.half().has_ended() { None } else { pair.half().claim() }) else {
                    continue;
                };
                worked = true;
                caller_cpu = claimed.cpu;
                // A plain store: nobody else changes the word while the lead is outside.
                self.lead.store(me | INSIDE, Ordering::Release);
                self.run(pair, &claimed, scratch);
                answered.push((Arc::clone(pair), claimed.request.astack, claimed.sequence));
                let out = self.lead.compare_exchange(me | INSIDE, me, Ordering::AcqRel, Ordering::Relaxed);
                if out.is_err() {
                    // Relieved. The status words are the new lead's to write.
                    wake_callers(&mut answered);
                    return;
                }
            }
            if worked {
                idle = 0;
                if answered.len() + HOT_COUNT > ANSWERED_MAX {
                    wake_callers(&mut answered);
                }
                continue;
            }
            if !answered.is_empty() {
                wake_callers(&mut answered);
            }
            idle += 1;
            if idle == 1 && process::cpu() != cpu {
                cpu = process::cpu();
                set_status(&hot, poll::POLLED, cpu);
            }
            // Polling on the CPU that the caller is on would only keep it from calling.
            if idle < IDLE_TURNS && caller_cpu != cpu {
                core::hint::spin_loop();
                continue;
            }
            self.sleep(&hot, kicks, cpu);
            cpu = process::cpu();
            set_status(&hot, poll::POLLED, cpu);
            idle = 0;
        }
    }

    fn run(&self, pair: &Arc<P>, claimed: &Claimed, scratch: &mut Vec<u8>) {
        self.counters.calls.add(1);
        if let Err(how) = pair.run(claimed, scratch) {
            pair.half().end();
            pair.misbehaved(how);
        } else if pair.half().is_waiting(claimed.request.astack, claimed.sequence) {
            // Seen without a fence: the common case of a caller that slept long before. The fenced look follows.
            pair.half().wake_caller(claimed.request.astack);
        }
    }

    /// Takes rung pairs into the hot ones; the ones that were hot longest become COLD.
    fn take_hot(&self) -> Vec<Arc<P>> {
        let mut shared = self.lock();
        let rung = core::mem::take(&mut shared.rung);
        for pair in rung {
            if !pair.half().has_ended() && !shared.hot.iter().any(|other| Arc::ptr_eq(other, &pair)) {
                shared.hot.push(pair);
            }
        }
        for _ in HOT_COUNT..shared.hot.len() {
            let cold = shared.hot.remove(0);
            cold.half().set_status(poll::word(poll::COLD, process::cpu()));
            // Pairs with the caller's fence after it has published: it sees COLD and rings, or we see its request.
            fence(Ordering::SeqCst);
            if cold.half().has_request() {
                // Its turn comes right after those that displaced it.
                shared.rung.push(cold);
                self.kicks.fetch_add(1, Ordering::Release);
            }
        }
        shared.hot.clone()
    }

    /// Writes that nobody looks, looks once more, and sleeps until a bell or a kick.
    fn sleep(&self, hot: &[Arc<P>], kicks: u32, cpu: u16) {
        set_status(hot, poll::ASLEEP, cpu);
        // Pairs with the caller's fence between its request and its look at the status. The bells are read before the
        // scan: read after it, a bell that was bumped in between would look like an old one, and the wake be lost.
        fence(Ordering::SeqCst);
        let mut words = [Sleep { word: &self.kicks, value: kicks, shared: false }; HOT_COUNT + 1];
        let mut count = 1;
        for (to, bell) in words.iter_mut().skip(1).zip(hot.iter().filter_map(|pair| pair.half().bell())) {
            *to = Sleep { word: bell.futex(), value: sequence(bell.load()), shared: true };
            count += 1;
        }
        // The bells' loads come before the scan's.
        fence(Ordering::Acquire);
        let has_work = hot.iter().any(|pair| pair.half().has_request() && !pair.half().has_ended());
        if !has_work && self.kicks.load(Ordering::Acquire) == kicks {
            futex::sleep(words.get(..count).unwrap_or_default(), None);
        }
    }
}

/// Claims and runs, on the calling kernel thread, every request of `pair` that is there; says how many.
#[cfg(feature = "wait-hook")]
pub fn serve_here<P: Pair>(pair: &P, scratch: &mut Vec<u8>) -> usize {
    let mut count = 0;
    while let Some(claimed) = pair.half().claim() {
        count += 1;
        if let Err(how) = pair.run(&claimed, scratch) {
            pair.half().end();
            pair.misbehaved(how);
        }
    }
    count
}

fn set_status<P: Pair>(hot: &[Arc<P>], state: u16, cpu: u16) {
    hot.iter().for_each(|pair| pair.half().set_status(poll::word(state, cpu)));
}

/// Looks, after a full fence, whether the callers of calls just answered sleep; wakes them; forgets the calls.
fn wake_callers<P: Pair>(answered: &mut Vec<(Arc<P>, u16, u32)>) {
    // Pairs with the caller's fence between announcing its wait and its look at the reply.
    fence(Ordering::SeqCst);
    for (pair, astack, sequence) in answered.drain(..) {
        if pair.half().is_waiting(astack, sequence) {
            pair.half().wake_caller(astack);
        }
    }
}
