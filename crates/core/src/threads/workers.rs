//! Worker kernel threads: the processors on which threads run that anybody spawned.
//!
//! A worker runs the threads that its own threads spawn. Threads that have not started lie at its post, and may be stolen.
//! There is no shared queue. Workers are started when somebody spawns, up to the CPUs that the process may use; a worker with
//! nothing to do is asleep.
//!
//! *Leader and followers*: one idle worker at a time looks for work of others, the leader. Having found some, it lets go of the
//! role, and wakes a follower if there is more.
//!
//! *A thread that was spawned alone* is mostly waited for by its spawner next, and then not worth waking somebody; but the
//! spawner may go on for long, and nobody knows without a clock. So somebody is called for the first one, and takes it if its
//! processor has not switched for 64 looks. If that was for nothing, the next call is 64 times as many spawns away
//! (262,144 at most), and if not, the next one is called for again. Between such calls the watchdog's sample
//! notices within 100 ms, which counts as a call that was not for nothing.
//!
//! ```text
//! spawner: leave it; fence; nobody leads? -> wake one      leader: nobody leads; fence; anything left? -> lead again
//! ```

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};
use std::io;
use std::sync::{Mutex, PoisonError};

use super::post::{Post, Watched};
use super::processor::{Processor, Words, Work, here};
use super::record::Record;
use super::stack::Class;
use super::task::{Handle, Task};
use super::watchdog;
use crate::sys::process;
use crate::transfer::clock;

/// Workers at most, whatever the machine has.
pub const WORKER_COUNT_MAX: usize = 64;

/// Threads at one post that are worth waking a thief for.
const WORTH: usize = 2;

/// Looks of an idle worker, which come as fast as it can, before it takes a thread that was spawned alone.
const LONE_LOOKS: u32 = 64;

/// How many times as many spawns pass after a call that was for nothing, and how many at most.
const CALL_FACTOR: u32 = 64;
const CALL_EVERY_MAX: u32 = 1 << 18;

/// Why there is no worker.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoWorker {
    /// No kernel thread can be had.
    KernelThread(io::Error),
    /// This process was forked from one that had workers, which are not here.
    Forked,
}

impl core::fmt::Display for NoWorker {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::KernelThread(error) => write!(f, "no kernel thread can be started: {error}"),
            Self::Forked => f.write_str("this process was forked from one that has workers"),
        }
    }
}

impl core::error::Error for NoWorker {}

#[derive(Debug)]
struct Workers {
    /// In the order in which they were started.
    posts: [AtomicPtr<Post>; WORKER_COUNT_MAX],
    count: AtomicUsize,
    limit: AtomicUsize,
    /// Somebody looks for work of others.
    led: AtomicBool,
    /// Whoever starts one.
    starting: Mutex<()>,
    /// The process whose they are; 0 before the first.
    process: AtomicU32,
}

static WORKERS: Workers = Workers {
    posts: [const { AtomicPtr::new(ptr::null_mut()) }; WORKER_COUNT_MAX],
    count: AtomicUsize::new(0),
    limit: AtomicUsize::new(0),
    led: AtomicBool::new(false),
    starting: Mutex::new(()),
    process: AtomicU32::new(0),
};

/// How many workers there may be; 0 is as many as there are CPUs that the process may use. Workers that are there stay.
pub fn set_worker_count(count: usize) {
    WORKERS.limit.store(count.min(WORKER_COUNT_MAX), Ordering::Relaxed);
}

/// Workers that were started.
#[must_use]
pub fn worker_count() -> usize {
    WORKERS.count.load(Ordering::Relaxed)
}

fn limit() -> usize {
    match WORKERS.limit.load(Ordering::Relaxed) {
        0 => usize::try_from(process::allowed_cpus().count_ones()).unwrap_or(1).clamp(1, WORKER_COUNT_MAX),
        limit => limit,
    }
}

impl Workers {
    fn posts(&self) -> impl Iterator<Item = &'static Post> {
        // Acquire: pairs with the Release in `start`; the pointer comes before the count.
        let count = self.count.load(Ordering::Acquire);
        // SAFETY: posts live for ever.
        self.posts.iter().take(count).filter_map(|post| unsafe { post.load(Ordering::Acquire).as_ref() })
    }

    /// Another worker, unless there are enough; which then is one that is there.
    fn start(&'static self) -> io::Result<&'static Post> {
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.count.load(Ordering::Relaxed);
        let full = || self.posts().find(|post| post.is_asleep()).or_else(|| self.posts().next());
        if count >= limit()
            && let Some(post) = full()
        {
            return Ok(post);
        }
        let Some(place) = self.posts.get(count) else {
            return full().ok_or_else(|| io::ErrorKind::OutOfMemory.into());
        };
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        let body = move || {
            let processor = Processor::enter();
            processor.set_worker();
            let _ = send.send(processor.post());
            processor.run_loop(&mut Worker::default());
        };
        std::thread::Builder::new().name(format!("nearcall-{count}")).spawn(body)?;
        let post = receive.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        place.store(ptr::from_ref(post).cast_mut(), Ordering::Release);
        // Release: pairs with the Acquire in `posts`.
        self.count.store(count + 1, Ordering::Release);
        Ok(post)
    }

    /// The post for a thread that somebody else spawns: of one that sleeps, of a new one, or in turn.
    fn choose(&'static self) -> Result<&'static Post, NoWorker> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let process = std::process::id();
        let theirs = self.process.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed);
        if theirs.is_err_and(|theirs| theirs != process) {
            return Err(NoWorker::Forked);
        }
        if let Some(post) = self.posts().find(|post| post.is_asleep() && post.unstarted() == 0) {
            return Ok(post);
        }
        let count = self.count.load(Ordering::Relaxed);
        if count < limit() {
            // Where no kernel thread can be had, those that are there do it.
            match self.start() {
                Err(_) if count > 0 => {}
                started => return started.map_err(NoWorker::KernelThread),
            }
        }
        let turn = TURN.fetch_add(1, Ordering::Relaxed) % count.max(1);
        self.posts().nth(turn).ok_or_else(|| NoWorker::KernelThread(io::ErrorKind::NotFound.into()))
    }

    /// Wakes somebody to look for work of others, unless somebody does.
    #[cold]
    fn call_thief(&'static self) {
        // Pairs with the fence in `let_go`: we see that nobody leads, or it sees what was left.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the Release in `let_go`, before which whoever led has said that it sleeps.
        if self.led.load(Ordering::Acquire) {
            return;
        }
        let me = here().map_or(ptr::null(), |processor| ptr::from_ref(processor.post()));
        if let Some(post) = self.posts().find(|post| post.is_asleep() && !ptr::eq(*post, me)) {
            post.kick();
        } else if self.count.load(Ordering::Relaxed) < limit() {
            // Where no kernel thread can be had, those that are there do it.
            let _ = self.start();
        }
    }

    /// Whether somebody has more than it will get to.
    fn is_worth_looking(&'static self) -> bool {
        self.posts().any(|post| is_rich(post) || post.unstarted() > 0 && post.calls())
    }
}

fn is_rich(post: &Post) -> bool {
    let unstarted = post.unstarted();
    unstarted >= WORTH || (unstarted > 0 && post.starves())
}

/// A thread lies alone at the caller's own post.
#[inline(always)]
fn left_alone(post: &Post) {
    let left = &post.watched().until_call;
    // Of the processor's own, and a hint: whoever stole may have made it 0 meanwhile.
    match left.load(Ordering::Relaxed) {
        0 => call_for_one(post),
        spawns => left.store(spawns - 1, Ordering::Relaxed),
    }
}

#[cold]
#[inline(never)]
fn call_for_one(post: &Post) {
    let Watched { until_call, call_every, .. } = post.watched();
    let next = call_every.load(Ordering::Relaxed).saturating_mul(CALL_FACTOR).clamp(1, CALL_EVERY_MAX);
    call_every.store(next, Ordering::Relaxed);
    until_call.store(next, Ordering::Relaxed);
    post.set_calls(true);
    WORKERS.call_thief();
}

/// It was worth calling somebody.
fn was_worth_it(post: &Post) {
    let Watched { until_call, call_every, .. } = post.watched();
    call_every.store(0, Ordering::Relaxed);
    until_call.store(0, Ordering::Relaxed);
}

/// Has threads stolen that wait behind one that does not suspend. For the watchdog.
pub(super) fn relieve(post: &Post) {
    if post.unstarted() > 0 {
        post.set_starves(true);
        WORKERS.call_thief();
    }
}

/// Starts `closure` on a thread of its own, on one of the workers.
///
/// # Errors
/// There is no worker, and none can be had.
///
/// # Safety
/// What `F` and `T` borrow lives until the thread is over.
#[inline(always)]
pub(super) unsafe fn spawn_borrowed<F, T>(
    name: Option<String>,
    class: Class,
    scope: *const super::scope::Shared,
    closure: F,
) -> Result<Handle<T>, NoWorker>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    // SAFETY: they can be sent, and live long enough by contract.
    let (task, handle) = unsafe { Task::new(name, class, scope, closure) };
    match here() {
        Some(processor) if processor.is_worker() => {
            let post = processor.post();
            // SAFETY: a new one, in no list; it may start anywhere; and a processor is reached on its kernel thread only.
            let count = unsafe { post.leave_here(task.into_record()) };
            watchdog::look_after();
            if count >= WORTH {
                WORKERS.call_thief();
            } else {
                left_alone(post);
            }
        }
        _ => leave_elsewhere(task)?,
    }
    Ok(handle)
}

#[cold]
fn leave_elsewhere(task: Task) -> Result<(), NoWorker> {
    let post = match WORKERS.choose() {
        Ok(post) => post,
        Err(error) => {
            let record: *const Record = task.into_record();
            // SAFETY: alive, in no list, and not started: its closure is dropped here, where it was made.
            unsafe { Record::refuse_now(record, rustix::io::Errno::AGAIN) };
            return Err(error);
        }
    };
    // SAFETY: a new one, in no list; it may start anywhere.
    let count = unsafe { post.leave(task.into_record()) };
    post.kick();
    if count >= WORTH {
        WORKERS.call_thief();
    }
    Ok(())
}

/// Starts `closure` on a thread of its own, on one of the workers.
///
/// # Errors
/// There is no worker, and none can be had.
#[inline(always)]
pub fn spawn<F, T>(name: Option<String>, class: Class, closure: F) -> Result<Handle<T>, NoWorker>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    // SAFETY: they borrow nothing.
    unsafe { spawn_borrowed(name, class, ptr::null(), closure) }
}

/// `false`: somebody has more than it will get to.
#[cold]
fn let_go(processor: &Processor) -> bool {
    processor.set_leads(false);
    // Release: pairs with the Acquire in `call_thief`.
    WORKERS.led.store(false, Ordering::Release);
    // Pairs with the fence in `call_thief`: whoever leaves something sees that nobody leads, or we see what it left.
    fence(Ordering::SeqCst);
    !WORKERS.is_worth_looking()
}

/// The leader has something of its own to do, which may take long.
#[cold]
pub(super) fn stop_leading(processor: &Processor) {
    if !let_go(processor) {
        WORKERS.call_thief();
    }
}

/// What a worker does when no thread of its own is ready.
#[derive(Default)]
struct Worker {
    /// A post with a thread that was spawned alone, how often it had switched, and since how many looks.
    lone: Option<(&'static Post, u64, u32)>,
}

impl Worker {
    /// A post where a thread lies alone behind one that goes on and on.
    fn find_lone(&mut self, own: &Post) -> Option<&'static Post> {
        let post = WORKERS.posts().find(|post| !ptr::eq(*post, own) && post.calls())?;
        let switches = post.watched().switches.load(Ordering::Relaxed);
        let last = self.lone.filter(|(last, ..)| ptr::eq(*last, post));
        let switched = last.is_some_and(|(_, before, _)| before != switches);
        if switched || post.unstarted() == 0 {
            // It gets to it.
            self.lone = None;
            post.set_calls(false);
            return None;
        }
        let looks = last.map_or(0, |(.., looks)| looks + 1);
        self.lone = Some((post, switches, looks));
        (looks >= LONE_LOOKS).then_some(post)
    }
}

impl Work for Worker {
    fn look(&mut self) -> bool {
        let Some(processor) = here() else { return false };
        if processor.has_ready() {
            return false;
        }
        if !processor.leads() {
            // A look before the exchange: all that are idle do this.
            if WORKERS.led.load(Ordering::Relaxed) || WORKERS.led.swap(true, Ordering::Acquire) {
                return false;
            }
            processor.set_leads(true);
        }
        let own = processor.post();
        let victim = WORKERS.posts().find(|post| !ptr::eq(*post, own) && is_rich(post));
        let Some(victim) = victim.or_else(|| self.find_lone(own)) else { return false };
        if victim.starves() || victim.calls() {
            victim.set_starves(false);
            victim.set_calls(false);
            was_worth_it(victim);
        }
        self.lone = None;
        // SAFETY: the post is that of this kernel thread.
        unsafe { victim.steal(own) != 0 }
    }

    fn prepare_sleep<'a>(&'a mut self, _: &mut Words<'a>) -> bool {
        let Some(processor) = here() else { return true };
        if processor.leads() {
            return let_go(processor);
        }
        // Whoever lets go of the lead, with something left, has called one that it saw asleep. We may not have been; now we
        // are, and there was a fence after that. Acquire: as in `call_thief`.
        WORKERS.led.load(Ordering::Acquire) || !WORKERS.is_worth_looking()
    }
}

/// For whoever wants the workers' spin to be what a wake-up costs here, and not a guess: measured once, for 2 ms.
pub fn calibrate() {
    clock::calibrate();
}
