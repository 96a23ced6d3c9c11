//! Threads of a client that make null calls without pause, as many as are asked for.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use hdrhistogram::Histogram;
use nearcall::{Client, thread};
use rustix::thread::CpuSet;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::lock::GlobalLock;
use crate::clock::Clock;
use crate::mem::ticks;
use crate::near::idle::{self, Scheduled};
use crate::near::interface::{self, BenchClient};
use crate::sample::{new_histogram, percentile, record};

/// Some time in which calls are counted, and who makes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Threads that call (T).
    pub(crate) threads: usize,
    /// Processors of the client's (C), and those that the server may use.
    pub(crate) cpus: Vec<usize>,
    pub(crate) server_cpus: Vec<usize>,
    /// When calls begin to count, and stop, by the monotonic clock, in nanoseconds: several clients can have the same.
    pub(crate) from: u64,
    pub(crate) until: u64,
    /// The file with a lock that every call takes, of whatever process, if there is one.
    pub(crate) lock: Option<PathBuf>,
    /// Whether both sides mark its ends in traces of theirs.
    pub(crate) is_traced: bool,
}

/// How long calls go on that do not count, so that other clients have company until their window ends.
const TAIL: Duration = Duration::from_millis(15);

/// The word of what the server says it has used: calls taken by a processor that polled.
const POLLED: usize = 3;

/// Calls of which one is timed singly.
const TIMED: u64 = 16;

/// What a window gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Turnout {
    /// Calls that ended in the window.
    pub(crate) calls: u64,
    /// How long it was, in nanoseconds.
    pub(crate) nanoseconds: u64,
    /// Of single calls, one in [`TIMED`].
    pub(crate) latency_p50_ns: f64,
    pub(crate) latency_p99_ns: f64,
    /// Calls by the library's own counts: [`nearcall::ClientCounts`].
    pub(crate) counted: u64,
    pub(crate) spun: u64,
    /// Of these, taken by a processor of the server's that polled, as that counts.
    pub(crate) polled: u64,
    pub(crate) donated: u64,
    pub(crate) sleeps: u64,
    pub(crate) yields: u64,
    pub(crate) bells: u64,
    pub(crate) messages: u64,
    pub(crate) ring_tries: u64,
    /// Times that a kernel thread of the client got a processor, and one of the server, over `counted` calls.
    pub(crate) client_runs: u64,
    pub(crate) server_runs: u64,
    /// Nanoseconds that they could have run but others had the processor, likewise.
    pub(crate) client_waited: u64,
    pub(crate) server_waited: u64,
    /// Kernel threads of either side that could run on, or were last on, a processor that is none of their side's.
    pub(crate) outside: u64,
}

impl Turnout {
    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 * 1e9 / self.nanoseconds.max(1) as f64
    }

    /// `count` for each call that was counted beside it.
    pub(crate) fn per_call(&self, count: u64) -> f64 {
        count as f64 / self.counted.max(1) as f64
    }
}

/// What threads that call are.
pub(crate) trait Callers {
    /// What a reader of the results has to know.
    const ARE: &str;

    /// Has `window.threads` of them run `body` at once, each on its processor, and waits until all have ended.
    ///
    /// # Errors
    /// The first error of `body`.
    fn run<T: Send>(window: &Window, body: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>>;
}

/// What the callers of all windows are.
pub(crate) type ClientThreads = UserThreads;

/// Callers that are user-level threads, on a worker for each processor of the client's.
#[derive(Debug)]
pub(crate) struct UserThreads;

thread_local! {
    /// Whether this kernel thread has been pinned.
    static PINNED: Cell<bool> = const { Cell::new(false) };
}

/// Pins each worker to a processor of its own, when a thread first runs there.
fn pin_worker(cpus: &[usize]) -> Result<()> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    if PINNED.replace(true) {
        return Ok(());
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    pin(*cpus.get(number % cpus.len().max(1)).context("callers without a processor")?)
}

impl Callers for UserThreads {
    const ARE: &str = "callers are user-level threads";

    fn run<T: Send>(window: &Window, body: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
        thread::set_workers(window.cpus.len());
        let caller = |number: usize| pin_worker(&window.cpus).and_then(|()| body(number));
        let caller = &caller;
        thread::scope(|scope| {
            let callers: Vec<_> = (0..window.threads).map(|number| scope.spawn(move || caller(number))).collect();
            let ended = callers
                .into_iter()
                .map(|caller| caller.join().map_err(|error| anyhow!("a thread that calls: {error}"))?);
            // All, before the first error ends it.
            ended.collect::<Vec<_>>().into_iter().collect()
        })
    }
}

/// Confines this kernel thread.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    if cpu < CpuSet::MAX_CPU {
        set.set(cpu);
    }
    rustix::thread::sched_setaffinity(None, &set).context("pinning a caller to its processor")
}

/// The monotonic clock, in nanoseconds: the same in all processes.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

const CALLING: u8 = 0;
const COUNTING: u8 = 1;
const COUNTED: u8 = 2;
const OVER: u8 = 3;

/// A thread's calls, on a line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicU64);

/// What was used and counted up to one moment.
struct Reading {
    at: u64,
    calls: u64,
    client: nearcall::ClientCounts,
    polled: u64,
    /// Of the client and of the server.
    scheduled: [Scheduled; 2],
    outside: u64,
}

/// Calls in `window`, over `client`, from threads that are `C`.
///
/// The first of them looks at the clock and takes the readings, between calls of its own. A thread that did nothing else would
/// compete with the callers for their processors, at the worst moment: a yield that comes back late is not tried again soon.
///
/// # Errors
/// The first call that fails, and whatever the kernel refuses.
pub(crate) fn run<C: Callers>(client: &BenchClient, window: &Window) -> Result<Turnout> {
    let clock = Clock::calibrate();
    let phase = AtomicU8::new(CALLING);
    let counts: Vec<Count> = (0..window.threads).map(|_| Count::default()).collect();
    let server = u32::try_from(client.binding().server_pid().context("the server's process id is not visible")?)?;
    // In the same order at both ends, so that what the reading costs is in neither.
    let read = || -> Result<Reading> {
        let scheduled = [idle::scheduled(std::process::id())?, idle::scheduled(server)?];
        let outside = idle::outside(std::process::id(), &window.cpus)? + idle::outside(server, &window.server_cpus)?;
        let polled = client.usage()?[POLLED];
        let client = client.binding().counts();
        let calls = counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum();
        Ok(Reading { at: now(), calls, client, polled, scheduled, outside })
    };
    let readings = Mutex::new(Vec::with_capacity(2));
    let tail = u64::try_from(TAIL.as_nanos())?;
    let look = || -> Result<()> {
        let (time, current) = (now(), phase.load(Ordering::Relaxed));
        let next = match current {
            CALLING if time >= window.from => COUNTING,
            COUNTING if time >= window.until => COUNTED,
            COUNTED if time >= window.until + tail => OVER,
            _ => return Ok(()),
        };
        // What the readings take is outside of the marks.
        if next == COUNTED && window.is_traced {
            interface::mark();
            client.mark()?;
        }
        if next != OVER {
            readings.lock().unwrap_or_else(PoisonError::into_inner).push(read()?);
        }
        if next == COUNTING && window.is_traced {
            client.mark()?;
            interface::mark();
        }
        phase.store(next, Ordering::Relaxed);
        Ok(())
    };
    let call_until_over = |number: usize| -> Result<Histogram<u64>> {
        let lock = window.lock.as_deref().map(open).transpose()?;
        let call = || -> Result<()> {
            let _held = lock.as_ref().map(GlobalLock::hold).transpose()?;
            Ok(client.null32()?)
        };
        let calls = counts.get(number).map(|count| &count.0).context("more callers than counts")?;
        let mut latencies = new_histogram();
        for made in 1_u64.. {
            // Relaxed: the phase says which calls count, and the counts guard nothing.
            calls.store(made, Ordering::Relaxed);
            if !made.is_multiple_of(TIMED) {
                call()?;
                continue;
            }
            let before = ticks();
            call()?;
            let after = ticks();
            if number == 0 {
                look()?;
            }
            match phase.load(Ordering::Relaxed) {
                COUNTING => record(&mut latencies, clock.nanoseconds(before, after)),
                OVER => break,
                _ => {}
            }
        }
        Ok(latencies)
    };
    let body = |number: usize| call_until_over(number).inspect_err(|_| phase.store(OVER, Ordering::Relaxed));
    let histograms = C::run(window, body)?;
    let readings = readings.into_inner().unwrap_or_else(PoisonError::into_inner);
    let [begun, ended] = &readings[..] else { anyhow::bail!("the window was not looked at twice") };
    let mut latencies = new_histogram();
    histograms.iter().for_each(|one| latencies += one);
    // A kernel thread that has ended took its own along.
    let used =
        |side: usize, of: fn(&Scheduled) -> u64| of(&ended.scheduled[side]).saturating_sub(of(&begun.scheduled[side]));
    let yields = |reading: &Reading| reading.client.yields_paid + reading.client.yields_wasted;
    Ok(Turnout {
        calls: ended.calls - begun.calls,
        nanoseconds: ended.at - begun.at,
        latency_p50_ns: percentile(&latencies, 50.0),
        latency_p99_ns: percentile(&latencies, 99.0),
        counted: ended.client.calls - begun.client.calls,
        spun: ended.client.spun.saturating_sub(begun.client.spun),
        polled: ended.polled.saturating_sub(begun.polled),
        donated: ended.client.donated - begun.client.donated,
        sleeps: ended.client.sleeps - begun.client.sleeps,
        yields: yields(ended) - yields(begun),
        bells: ended.client.bells - begun.client.bells,
        messages: ended.client.messages - begun.client.messages,
        ring_tries: ended.client.ring_tries - begun.client.ring_tries,
        client_runs: used(0, |scheduled| scheduled.runs),
        server_runs: used(1, |scheduled| scheduled.runs),
        client_waited: used(0, |scheduled| scheduled.waited),
        server_waited: used(1, |scheduled| scheduled.waited),
        outside: begun.outside.max(ended.outside),
    })
}

fn open(path: &Path) -> Result<GlobalLock> {
    let file = std::fs::File::options().read(true).write(true).open(path);
    GlobalLock::new(file.context("opening the file of the lock")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_caller_runs_and_the_first_error_ends_it() {
        let here = rustix::thread::sched_getcpu();
        let window = Window {
            threads: 3,
            cpus: vec![here],
            server_cpus: vec![here],
            from: 0,
            until: 0,
            lock: None,
            is_traced: false,
        };
        assert_eq!(UserThreads::run(&window, Ok).unwrap(), [0, 1, 2]);
        let failed = UserThreads::run(&window, |number| if number == 1 { anyhow::bail!("one") } else { Ok(()) });
        assert!(failed.is_err());
    }
}
