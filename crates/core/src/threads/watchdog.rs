//! Who keeps others waiting.
//!
//! Threads are cooperative: one that computes, or blocks its kernel thread in foreign code, keeps those waiting that are ready
//! there. The watchdog is a hidden kernel thread that looks every 50 ms at what processors have counted, and names a thread
//! that has run from one look to the next but one while others waited: ready ones, those that have not started and that nobody
//! steals, those that are polled, and those whose timers are due. It costs a thread's switch one load. It sleeps when nothing
//! runs, and when what runs has been seen twice and nobody waits for it, until the next timer is due:
//!
//! ```text
//! processor: says that a thread runs, or is ready; light barrier; ASLEEP? -> AWAKE, wake
//! others:    leave something for a processor; fence; ASLEEP, and it runs? -> AWAKE, wake
//! watchdog:  ASLEEP; heavy barrier; is there anything to look at? -> AWAKE, go on
//! ```

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::names;
use super::post::Post;
use super::processor::{micros, posts};
use super::workers;
use crate::sync::{heavy_barrier, light_barrier};
use crate::sys::futex::{self, Sleep};
use crate::sys::process;

/// Between two looks.
const STEP: Duration = Duration::from_millis(50);

/// Looks without a switch between the first and the last of them, and with somebody who waits at each, after which somebody is
/// named.
const LOOKS: u32 = 3;

/// The watchdog's states are bits, beside one of the names, so that a switch looks at one word for both.
const AWAKE: u32 = 0;
const UNBORN: u32 = 1;
const ASLEEP: u32 = 2;

/// Some thread has had a name: names are shown.
const NAMED: u32 = 4;

static STATE: AtomicU32 = AtomicU32::new(UNBORN);

/// That a ready thread has been kept waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The processor, by number.
    pub processor: usize,
    /// The thread that runs, if it has a name; `None`, too, where the processor's own context is what does not go on.
    pub running: Option<String>,
    /// A thread that is ready meanwhile, if it has a name.
    pub waiting: Option<String>,
    /// How many are ready.
    pub ready: usize,
    /// How many have not started, and nobody has taken them.
    pub unstarted: usize,
    /// How many wait for a reply that the processor has not looked for meanwhile: it may have come.
    pub unlooked: usize,
    /// Whether a deadline has come that the processor has not looked at.
    pub overdue: bool,
    /// For how long at least.
    pub waited: Duration,
}

impl core::fmt::Display for Report {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name =
            |name: &Option<String>| name.as_deref().map_or_else(|| "a thread".into(), |name| format!("`{name}`"));
        let Self { processor, waited, ready, unstarted, unlooked, .. } = self;
        let (running, waited) = (name(&self.running), waited.as_millis());
        write!(f, "{running} has run for {waited} ms on processor {processor} without suspending, while ")?;
        if *ready > 0 {
            write!(f, "{} was ready ({ready} in all)", name(&self.waiting))
        } else if *unstarted > 0 {
            write!(f, "{unstarted} that had not started waited")
        } else if *unlooked > 0 {
            write!(f, "{unlooked} waits of others were not looked at")
        } else {
            f.write_str("the deadline of another had come")
        }
    }
}

type Callback = Arc<dyn Fn(&Report) + Send + Sync>;

static CALLBACK: Mutex<Option<Callback>> = Mutex::new(None);

/// Has reports go to `callback`, on the hidden kernel thread, instead of a line on standard error.
pub fn on_report(callback: impl Fn(&Report) + Send + Sync + 'static) {
    *CALLBACK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(callback));
}

/// Its lock, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new(CALLBACK.lock().unwrap_or_else(PoisonError::into_inner))
}

/// In a forked child: the watchdog is with the parent.
pub(crate) fn forget() {
    STATE.store(STATE.load(Ordering::Relaxed) & NAMED | UNBORN, Ordering::Relaxed);
}

/// A processor runs a thread, or has another one that waits.
#[inline(always)]
pub(super) fn look_after() {
    // Pairs with the heavy barrier in `run`.
    light_barrier();
    if STATE.load(Ordering::Relaxed) & !NAMED != AWAKE {
        wake();
    }
}

/// As [`look_after`], for whoever shows names as well: whether either is to be done, by [`look_after`] and [`has_names`].
#[inline(always)]
pub(super) fn wants_attention() -> bool {
    // Pairs with the heavy barrier in `run`.
    light_barrier();
    STATE.load(Ordering::Relaxed) != AWAKE
}

/// Whether some thread ever had a name: else none is shown.
#[inline(always)]
pub(super) fn has_names() -> bool {
    STATE.load(Ordering::Relaxed) & NAMED != 0
}

/// A thread has a name.
pub(super) fn note_name() {
    if !has_names() {
        STATE.fetch_or(NAMED, Ordering::Relaxed);
    }
}

/// Something was left, before a fence, for a processor which says whether it `runs` a thread: if not, that one looks after it.
#[inline(always)]
pub(super) fn look_after_others(runs: &AtomicBool) {
    // Acquire: pairs with the Release in `run`, so that we see at least what the watchdog saw of `runs`.
    if STATE.load(Ordering::Acquire) & ASLEEP != 0 && runs.load(Ordering::Relaxed) {
        wake();
    }
}

#[cold]
#[inline(never)]
fn wake() {
    match STATE.fetch_and(NAMED, Ordering::Relaxed) & !NAMED {
        UNBORN => {
            let started = std::thread::Builder::new().name("nearcall-dog".into()).spawn(|| {
                process::block_all_signals();
                run();
            });
            // Without a kernel thread nobody is watched: that harms nobody. The state stays: it is not tried each time.
            drop(started);
        }
        ASLEEP => futex::wake_private(&STATE),
        _ => {}
    }
}

/// What the last look saw of a post.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    turns: u64,
    /// Looks since it had another number of turns, that one included.
    looks: u32,
    /// Looks in a row at which somebody waited, since then.
    kept: u32,
    named: bool,
}

/// Who waits at a post.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    ready: usize,
    unstarted: usize,
    unlooked: usize,
    overdue: bool,
}

impl Waiting {
    fn at(post: &Post, now: u64) -> Self {
        let watched = post.watched();
        Self {
            ready: watched.ready.load(Ordering::Relaxed) + usize::from(post.has_mail()),
            unstarted: post.unstarted(),
            unlooked: watched.to_look_at.load(Ordering::Relaxed),
            overdue: watched.due.load(Ordering::Relaxed) <= now,
        }
    }

    fn is_any(self) -> bool {
        self.ready + self.unstarted + self.unlooked > 0 || self.overdue
    }
}

fn run() {
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        #[expect(clippy::disallowed_methods, reason = "it samples, and only while threads run")]
        std::thread::sleep(STEP);
        let posts = snapshot(&mut seen);
        let mut busy = false;
        for (post, seen) in posts.iter().zip(&mut seen) {
            busy |= look(post, seen);
        }
        if busy {
            continue;
        }
        // Release: pairs with the Acquire in `look_after_others`.
        let asleep = STATE.fetch_or(ASLEEP, Ordering::Release) | ASLEEP;
        // Pairs with the light barrier in `look_after`, and with the fence before `look_after_others`.
        heavy_barrier();
        // Posts may be new, too.
        let posts = snapshot(&mut seen);
        let watched = || posts.iter().zip(&seen);
        if !watched().any(|(post, seen)| is_worth_a_look(post, seen)) {
            let due = watched().filter(|(post, seen)| is_busy(post) && !seen.named);
            let due = due.map(|(post, _)| post.watched().due.load(Ordering::Relaxed)).min();
            let left = due.filter(|&due| due != u64::MAX);
            let left = left.map(|due| Duration::from_micros(due.saturating_sub(micros())));
            futex::sleep(&[Sleep { word: &STATE, value: asleep, shared: false }], left);
        }
        STATE.fetch_and(NAMED, Ordering::Relaxed);
    }
}

fn snapshot(seen: &mut Vec<Seen>) -> Vec<&'static Post> {
    let posts = posts().all.clone();
    seen.resize(posts.len(), Seen::default());
    posts
}

fn is_busy(post: &Post) -> bool {
    let watched = post.watched();
    let waits = || post.unstarted() != 0 || watched.ready.load(Ordering::Relaxed) != 0;
    watched.entered.load(Ordering::Relaxed) && (watched.runs.load(Ordering::Relaxed) || waits() && !post.is_asleep())
}

/// How often something else ran.
fn turns(post: &Post) -> u64 {
    let watched = post.watched();
    watched.switches.load(Ordering::Relaxed).wrapping_add(watched.outs.load(Ordering::Relaxed))
}

/// Whether another look may find somebody to name.
fn is_worth_a_look(post: &Post, seen: &Seen) -> bool {
    let fresh = || seen.looks < LOOKS || Waiting::at(post, micros()).is_any();
    turns(post) != seen.turns || is_busy(post) && !seen.named && fresh()
}

/// Says whether another look is worth while.
fn look(post: &Post, seen: &mut Seen) -> bool {
    let turns = turns(post);
    let switched = turns != seen.turns;
    if switched {
        *seen = Seen { turns, ..Seen::default() };
    } else if !is_busy(post) {
        return false;
    } else {
        workers::relieve(post);
    }
    seen.looks = seen.looks.saturating_add(1);
    let waiting = Waiting::at(post, micros());
    seen.kept = if waiting.is_any() { seen.kept + 1 } else { 0 };
    if seen.kept >= LOOKS && !seen.named {
        seen.named = true;
        report(post, waiting, STEP * (seen.kept - 1));
    }
    switched || is_worth_a_look(post, seen)
}

fn report(post: &Post, waiting: Waiting, waited: Duration) {
    let watched = post.watched();
    let held = names::lock();
    let running = watched.running.read(&held);
    let first = watched.waiting.read(&held);
    drop(held);
    let Waiting { ready, unstarted, unlooked, overdue } = waiting;
    let processor = post.number();
    let report = Report { processor, running, waiting: first, ready, unstarted, unlooked, overdue, waited };
    let callback = CALLBACK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match callback {
        // What it panics with is its own affair.
        Some(callback) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| callback(&report)))),
        None => eprintln!("nearcall: {report}"),
    }
}
