//! What both processes use when nobody calls.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};

use super::session::{Session, Wait};
use crate::client::Task;
use crate::sample::{Sample, Way, new_histogram};

/// Calls before the silence: enough that the server polls.
const CALLS: u32 = 100_000;

/// From the last call until it is looked at.
const AFTER: Duration = Duration::from_secs(1);

/// How long it is looked at.
const OVER: Duration = Duration::from_secs(4);

/// What a kernel thread has used since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Used {
    /// Nanoseconds on a processor.
    nanoseconds: u64,
    /// Times it got a processor.
    runs: u64,
    /// Nanoseconds it could have run, but others had the processor.
    waited: u64,
    /// Times it went to sleep by itself, which is how often it was woken.
    sleeps: u64,
}

/// Makes calls, stops, and says what was used from one second later on, in milliseconds as the mean of the sample.
///
/// # Errors
/// When a call fails or the kernel does not say.
pub(crate) fn measure(task: &Task) -> Result<Vec<Way>> {
    let session = Session::start(task, Wait::Auto)?;
    for _ in 0..CALLS {
        session.client.null()?;
    }
    Ok(look(session.server_pid()?.unsigned_abs(), AFTER, OVER)?.alone())
}

/// What this process and the process `server` use in a time that begins `after` now, in milliseconds as the mean of the
/// sample.
///
/// # Errors
/// When the kernel does not say.
pub(crate) fn look(server: u32, after: Duration, over: Duration) -> Result<Sample> {
    std::thread::sleep(after);
    let server = server.to_string();
    // This kernel thread is the one that looks, so what it uses is not the library's.
    let own = rustix::thread::gettid().as_raw_nonzero().to_string();
    let look = || Ok::<_, anyhow::Error>((threads("self")?, threads(&server)?));
    let (client_before, server_before) = look()?;
    std::thread::sleep(over);
    let (mut client_after, server_after) = look()?;
    client_after.remove(&own);
    let mut sample = Sample::new(0.0, new_histogram(), 0);
    sample.fact("over_ms", over.as_secs_f64() * 1e3);
    for (side, before, after) in [("client", &client_before, &client_after), ("server", &server_before, &server_after)]
    {
        let used = between(before, after);
        let milliseconds = used.nanoseconds as f64 / 1e6;
        sample.mean += milliseconds;
        sample.fact(format!("{side}_ms"), milliseconds);
        sample.fact(format!("{side}_runs"), used.runs as f64);
        sample.fact(format!("{side}_wakeups"), used.sleeps as f64);
        sample.fact(format!("{side}_threads"), after.len() as f64);
    }
    Ok(sample)
}

/// Nanoseconds on a processor of all kernel threads that a process has; of one that runs, up to its last tick.
///
/// # Errors
/// When the kernel does not say.
#[cfg(feature = "peers")]
pub(crate) fn processor_time(process: u32) -> Result<u64> {
    Ok(threads(&process.to_string())?.values().map(|used| used.nanoseconds).sum())
}

/// What the kernel's scheduler did for all kernel threads that a process has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scheduled {
    /// Times that one got a processor.
    pub(crate) runs: u64,
    /// Nanoseconds that they could have run, but others had the processor.
    pub(crate) waited: u64,
}

/// What it did for `process` so far.
///
/// # Errors
/// When the kernel does not say.
pub(crate) fn scheduled(process: u32) -> Result<Scheduled> {
    let threads = threads(&process.to_string())?;
    let [runs, waited] = [|used: &Used| used.runs, |used: &Used| used.waited].map(|of| threads.values().map(of).sum());
    Ok(Scheduled { runs, waited })
}

/// How many kernel threads of `process` may run on a processor that is none of `cpus`, or were last on one.
///
/// # Errors
/// When the kernel does not say.
pub(crate) fn outside(process: u32, cpus: &[usize]) -> Result<u64> {
    let directory = format!("/proc/{process}/task");
    let mut outside = 0;
    for entry in fs::read_dir(&directory).with_context(|| format!("reading {directory}"))? {
        let path = entry.context("reading a kernel thread's entry")?.path();
        let id = path.file_name().unwrap_or_default().to_string_lossy().parse().ok().and_then(Pid::from_raw);
        // One that has just ended is nowhere.
        let (Ok(allowed), Ok(stat)) = (sched_getaffinity(id), fs::read_to_string(path.join("stat"))) else { continue };
        let may = (0..CpuSet::MAX_CPU).any(|cpu| allowed.is_set(cpu) && !cpus.contains(&cpu));
        let was = last_processor(&stat).context("where a kernel thread was")?;
        outside += u64::from(may || !cpus.contains(&was));
    }
    Ok(outside)
}

/// The processor on which a kernel thread ran last, by its `stat`: the 39th field, and the second may have spaces in it.
fn last_processor(stat: &str) -> Option<usize> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(36)?.parse().ok()
}

/// The kernel threads of a process, by their ids.
fn threads(process: &str) -> Result<BTreeMap<String, Used>> {
    let mut found = BTreeMap::new();
    let directory = format!("/proc/{process}/task");
    for entry in fs::read_dir(&directory).with_context(|| format!("reading {directory}"))? {
        let path = entry.context("reading a kernel thread's entry")?.path();
        let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let read = |name: &str| fs::read_to_string(path.join(name));
        // One that has just ended has nothing to say.
        if let (Ok(schedstat), Ok(status)) = (read("schedstat"), read("status")) {
            found.insert(id, used(&schedstat, &status).context("the kernel's counts of a kernel thread")?);
        }
    }
    Ok(found)
}

fn used(schedstat: &str, status: &str) -> Option<Used> {
    let mut fields = schedstat.split_whitespace();
    let nanoseconds = fields.next()?.parse().ok()?;
    let waited = fields.next()?.parse().ok()?;
    let runs = fields.next()?.parse().ok()?;
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    Some(Used { nanoseconds, runs, waited, sleeps: sleeps.trim().parse().ok()? })
}

/// What those of `after` used since `before`; all they ever used, if they are new.
fn between(before: &BTreeMap<String, Used>, after: &BTreeMap<String, Used>) -> Used {
    let mut sum = Used::default();
    for (id, now) in after {
        let then = before.get(id).copied().unwrap_or_default();
        sum.nanoseconds += now.nanoseconds.saturating_sub(then.nanoseconds);
        sum.runs += now.runs.saturating_sub(then.runs);
        sum.waited += now.waited.saturating_sub(then.waited);
        sum.sleeps += now.sleeps.saturating_sub(then.sleeps);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_outside() {
        let own = std::process::id();
        let allowed = sched_getaffinity(None).unwrap();
        let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
        assert_eq!(outside(own, &cpus).unwrap(), 0);
        assert!(outside(own, &[]).unwrap() > 0);
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 17 36 40";
        assert_eq!(last_processor(stat), Some(17));
    }

    #[test]
    fn the_kernels_words() {
        let status = "Name:\tx\nThreads:\t3\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        let expected = Used { nanoseconds: 93_718, runs: 12, waited: 2401, sleeps: 150 };
        assert_eq!(used("93718 2401 12\n", status), Some(expected));
        assert_eq!(used("93718\n", status), None);
        assert_eq!(used("1 2 3", "Name:\tx\n"), None);
        assert!(!threads("self").unwrap().is_empty());
    }

    #[test]
    fn new_threads_count_from_their_beginning() {
        let one = |nanoseconds| Used { nanoseconds, runs: 1, waited: 2, sleeps: 1 };
        let before = BTreeMap::from([("1".to_owned(), one(5)), ("2".to_owned(), one(50))]);
        let after = BTreeMap::from([("1".to_owned(), one(7)), ("3".to_owned(), one(11))]);
        assert_eq!(between(&before, &after), Used { nanoseconds: 13, runs: 1, waited: 2, sleeps: 1 });
    }
}
