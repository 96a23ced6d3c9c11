//! Who keeps others waiting.
//!
//! Threads are cooperative: one that computes, or blocks its kernel thread in foreign code, keeps those waiting that are ready
//! there. The watchdog is a hidden kernel thread that looks every 50 ms at what processors have counted, and names a thread
//! that has run for two looks while others were ready. It costs a thread's switch one load; and when nothing runs, it sleeps:
//!
//! ```text
//! processor: says that a thread runs; light barrier; ASLEEP? -> AWAKE, wake
//! watchdog:  ASLEEP; heavy barrier; does anything run? -> AWAKE, go on
//! ```

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::names;
use super::post::Post;
use super::processor::posts;
use super::workers;
use crate::sync::{heavy_barrier, light_barrier};
use crate::sys::futex::{self, Sleep};
use crate::sys::process;

/// Between two looks.
const STEP: Duration = Duration::from_millis(50);

/// Looks without a switch between them after which somebody is named.
const LOOKS: u32 = 2;

const UNBORN: u32 = 0;
const AWAKE: u32 = 1;
const ASLEEP: u32 = 2;

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
    /// How many wait for a reply that the processor has not looked for meanwhile: it may have come.
    pub unlooked: usize,
    /// For how long at least.
    pub waited: Duration,
}

impl core::fmt::Display for Report {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name =
            |name: &Option<String>| name.as_deref().map_or_else(|| "a thread".into(), |name| format!("`{name}`"));
        let Self { processor, waited, ready, unlooked, .. } = self;
        let (running, waited) = (name(&self.running), waited.as_millis());
        write!(f, "{running} has run for {waited} ms on processor {processor} without suspending, while ")?;
        if *ready > 0 {
            write!(f, "{} was ready ({ready} in all)", name(&self.waiting))
        } else {
            write!(f, "{unlooked} waits of others were not looked at")
        }
    }
}

type Callback = Arc<dyn Fn(&Report) + Send + Sync>;

static CALLBACK: Mutex<Option<Callback>> = Mutex::new(None);

/// Has reports go to `callback`, on the hidden kernel thread, instead of a line on standard error.
pub fn on_report(callback: impl Fn(&Report) + Send + Sync + 'static) {
    *CALLBACK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(callback));
}

/// A processor runs a thread.
#[inline(always)]
pub(super) fn look_after() {
    // Pairs with the heavy barrier in `run`.
    light_barrier();
    if STATE.load(Ordering::Relaxed) != AWAKE {
        wake();
    }
}

#[cold]
#[inline(never)]
fn wake() {
    match STATE.swap(AWAKE, Ordering::Relaxed) {
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
    switches: u64,
    looks: u32,
    named: bool,
}

fn run() {
    let mut seen: Vec<Seen> = Vec::new();
    loop {
        #[expect(clippy::disallowed_methods, reason = "it samples, and only while threads run")]
        std::thread::sleep(STEP);
        let posts: Vec<&'static Post> = posts().all.clone();
        seen.resize(posts.len(), Seen::default());
        let mut busy = false;
        for (post, seen) in posts.iter().zip(&mut seen) {
            busy |= look(post, seen);
        }
        if busy {
            continue;
        }
        STATE.store(ASLEEP, Ordering::Relaxed);
        // Pairs with the light barrier in `look_after`.
        heavy_barrier();
        if posts.iter().any(|post| is_busy(post)) {
            STATE.store(AWAKE, Ordering::Relaxed);
            continue;
        }
        while STATE.load(Ordering::Relaxed) == ASLEEP {
            futex::sleep(&[Sleep { word: &STATE, value: ASLEEP, shared: false }], None);
        }
    }
}

fn is_busy(post: &Post) -> bool {
    let watched = post.watched();
    let waits = || post.unstarted() != 0 || watched.ready.load(Ordering::Relaxed) != 0;
    watched.entered.load(Ordering::Relaxed) && (watched.runs.load(Ordering::Relaxed) || waits() && !post.is_asleep())
}

/// Says whether anything happens there.
fn look(post: &Post, seen: &mut Seen) -> bool {
    let watched = post.watched();
    let switches = watched.switches.load(Ordering::Relaxed);
    if switches != seen.switches {
        *seen = Seen { switches, ..Seen::default() };
        return true;
    }
    if !is_busy(post) {
        return false;
    }
    seen.looks += 1;
    workers::relieve(post);
    let mail = usize::from(post.has_mail());
    let ready = watched.ready.load(Ordering::Relaxed) + mail;
    let unlooked = watched.to_look_at.load(Ordering::Relaxed);
    if ready + unlooked > 0 && seen.looks >= LOOKS && !seen.named {
        seen.named = true;
        report(post, ready, unlooked, STEP * seen.looks);
    }
    true
}

fn report(post: &Post, ready: usize, unlooked: usize, waited: Duration) {
    let watched = post.watched();
    let held = names::lock();
    let (running, waiting) = (watched.running.read(&held), watched.waiting.read(&held));
    drop(held);
    let report = Report { processor: post.number(), running, waiting, ready, unlooked, waited };
    let callback = CALLBACK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match callback {
        // What it panics with is its own affair.
        Some(callback) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| callback(&report)))),
        None => eprintln!("nearcall: {report}"),
    }
}
