//! The client's side of the server's death: threads in the middle of calls, then a new binding.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use nearcall::{CallError, Ran};

use super::copy::{TO_READ, read_range};
use super::events::{self, Event, LastCall, Resumed};
use super::files::{CHUNK, Served};
use super::tree::Found;

/// Threads that are calling when the server dies: as many as have an A-stack by default.
const THREADS: usize = 5;

/// How long a thread goes on calling a server that nobody kills.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes that are read across the outage, at most; enough for both servers to give many chunks.
const ACROSS: u64 = 4 << 20;

/// Reads half of `target`, calls until the server is dead, binds again with `bind`, and reads the other half.
///
/// Without a target (no file has contents) the threads make null calls.
///
/// # Errors
/// The first half cannot be read, or the new server cannot be bound or does not give the second half.
pub(crate) fn live_through(
    served: Served,
    target: Option<&Found>,
    resumed: &Path,
    bind: impl Fn() -> anyhow::Result<Served>,
) -> anyhow::Result<()> {
    let kept = File::create_new(resumed).context("cannot make the file for what is read across the outage")?;
    let path = target.map(|target| target.path.as_str());
    let size = target.map_or(0, |target| target.stat.size.min(ACROSS));
    let before = path.map_or(Ok(0), |path| read_range(&served.files.tree, path, 0, size / 2, &kept))?;

    let calls = call_until_dead(&served, path);
    drop(served);
    events::send(&Event::Ended { calls })?;

    let start = Instant::now();
    let served = bind()?;
    let bind_ms = start.elapsed().as_secs_f64() * 1e3;
    served.ping().context("the restarted server does not answer the null call")?;
    let end = path.map_or(Ok(0), |path| read_range(&served.files.tree, path, before, size, &kept))?;
    let path = path.map(str::to_owned);
    events::send(&Event::Resumed(Resumed { bind_ms, path, before, after: end - before }))
}

fn call_until_dead(served: &Served, path: Option<&str>) -> Vec<LastCall> {
    let (calling, all_calling) = mpsc::channel();
    std::thread::scope(|scope| {
        let start = |_| {
            let calling = calling.clone();
            scope.spawn(move || call_on(served, path, &calling))
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        drop(calling);
        // A thread that failed before its first call hangs up, and the parent hears of it from its last call.
        let count = all_calling.iter().take(THREADS).count();
        // If the parent is gone, so is this process.
        let _ = events::send(&Event::Calling { threads: count });
        let panicked = || LastCall {
            calls: 0,
            error: Some("a thread of the client panicked".to_owned()),
            ran: None,
            death: false,
            took_us: 0,
        };
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    })
}

/// Calls in a loop until a call fails.
fn call_on(served: &Served, path: Option<&str>, calling: &mpsc::Sender<()>) -> LastCall {
    let begin = Instant::now();
    let mut buf = [0; CHUNK];
    let mut calls = 0;
    let (mut handle, tree) = (None, &served.files.tree);
    loop {
        let start = Instant::now();
        let result = match (path, handle) {
            (None, _) => served.ping().map(drop).map_err(|error| ended(&error)),
            (Some(path), None) => tree.open(path, TO_READ).map(|h| handle = Some(h)).map_err(|error| ended(&error)),
            (Some(_), Some(h)) => tree.read(h, &mut 0, &mut buf).map(drop).map_err(|error| ended(&error)),
        };
        let took_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Err(last) = result {
            return LastCall { calls, took_us, ..last };
        }
        calls += 1;
        // Two, so that a thread with a file is reading.
        if calls == 2 {
            let _ = calling.send(());
        }
        if begin.elapsed() > PATIENCE {
            return LastCall { calls, error: None, ran: None, death: false, took_us };
        }
    }
}

fn ended<E: std::fmt::Display>(error: &CallError<E>) -> LastCall {
    // A call that was begun when another host's next life was there already finds no binding.
    let death = matches!(error, CallError::PeerDied { .. } | CallError::PeerRestarted { .. } | CallError::Revoked);
    let ran = error.ran().map(|ran| match ran {
        Ran::No => "no",
        Ran::Maybe => "maybe",
        Ran::Yes => "yes",
    });
    LastCall { calls: 0, error: Some(error.to_string()), ran: ran.map(str::to_owned), death, took_us: 0 }
}
