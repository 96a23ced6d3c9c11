//! Threads: what FastThreads' table has (URPC 1991, Table I), beside std's threads and tokio's tasks.
//!
//! Each case runs in a process of its own. Those of nearcall run on a user-level thread, because that is where threads are
//! forked, joined and yielded to; a kernel thread that does so pays for being woken.

mod floors;
mod ours;
mod theirs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::count::{Counted, Named};
use crate::measure::{Job, Watch};
use crate::near::interface::mark;
use crate::peer::Placement;
use crate::sample::Sample;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Threads {
    /// A coroutine on a stack that is there: made, run, dropped.
    Coroutine,
    /// Two coroutines, each resumed until it suspends.
    Switches,
    /// std's mutex, taken and released.
    StdMutex,
    /// A call of a function that the compiler does not see through.
    Call,
    /// Forked; what becomes of it is not timed.
    Fork,
    /// Forked and joined.
    ForkJoin,
    /// Two threads, each yields once.
    Yield,
    /// Our mutex, taken and released.
    AcquireRelease,
    /// Two threads, each wakes the other and waits.
    PingPong,
    /// std: spawned and joined.
    StdSpawn,
    /// std: each of two threads wakes the other by a condition and waits.
    StdPingPong,
    /// tokio: spawned and awaited, on one kernel thread.
    TokioSpawn,
    /// The same on workers of its own.
    TokioSpawnMulti,
    /// tokio: two tasks, each yields once.
    TokioYield,
    /// tokio: two tasks, each wakes the other and waits.
    TokioPingPong,
}

/// The cases. bench/README.md says what each is for.
pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, what| Case::new(name, Placement::Free, Work::Threads(what));
    vec![
        case("call", Threads::Call),
        case("fork", Threads::Fork),
        case("fork_join", Threads::ForkJoin).limit("coroutine"),
        case("yield", Threads::Yield).limit("switches"),
        case("acquire_release", Threads::AcquireRelease).limit("std_mutex"),
        case("pingpong", Threads::PingPong).limit("switches"),
        case("spawn_std", Threads::StdSpawn).limit("fork_join"),
        case("spawn_tokio", Threads::TokioSpawn).limit("fork_join"),
        case("spawn_tokio_multi", Threads::TokioSpawnMulti).limit("fork_join"),
        case("yield_tokio", Threads::TokioYield).limit("yield"),
        case("pingpong_std", Threads::StdPingPong).limit("pingpong"),
        case("pingpong_tokio", Threads::TokioPingPong).limit("pingpong"),
    ]
}

/// All there is to measure: what cases are compared with is found here.
pub(crate) fn universe() -> Vec<Case> {
    let floor = |name: &str, what| Case::new(name, Placement::Free, Work::Threads(what));
    let mut all = vec![
        floor("coroutine", Threads::Coroutine),
        floor("switches", Threads::Switches),
        floor("std_mutex", Threads::StdMutex),
    ];
    all.extend(cases());
    all
}

/// The counts, by their names.
pub(crate) fn counts() -> Vec<Named> {
    let of = |name: &str, what| (format!("syscalls.{name}"), Counted::ThreadSyscalls(what));
    vec![
        of("fork_join", Threads::ForkJoin),
        of("yield", Threads::Yield),
        of("acquire_release", Threads::AcquireRelease),
        of("pingpong", Threads::PingPong),
    ]
}

/// Measures, or makes a number of calls between two marks.
///
/// # Errors
/// When a thread cannot be had, or has a wrong result.
pub(crate) fn measure(what: Threads, task: &Task) -> Result<Sample> {
    let job = task.job;
    match what {
        Threads::Coroutine => floors::coroutine(&job),
        Threads::Switches => floors::switches(&job),
        Threads::StdMutex => floors::std_mutex(&job),
        Threads::Call => ours::call(&job),
        Threads::Fork => ours::alone(move || ours::fork(&job)),
        Threads::ForkJoin => ours::alone(move || ours::fork_join(&job)),
        Threads::Yield => ours::alone(move || ours::yields(&job)),
        Threads::AcquireRelease => ours::alone(move || ours::acquire_release(&job)),
        Threads::PingPong => ours::alone(move || ours::pingpong(&job)),
        Threads::StdSpawn => theirs::std_spawn(&job),
        Threads::StdPingPong => theirs::std_pingpong(&job),
        Threads::TokioSpawn => theirs::tokio_spawn(&job),
        Threads::TokioSpawnMulti => theirs::tokio_spawn_multi(&job),
        Threads::TokioYield => theirs::tokio_yield(&job),
        Threads::TokioPingPong => theirs::tokio_pingpong(&job),
    }
}

/// Marks what counts, for a trace.
struct Marks;

impl Watch for Marks {
    fn begin(&mut self) -> Result<()> {
        mark();
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        mark();
        Ok(())
    }
}

/// Does the job with `call`.
fn run(job: &Job, mut call: impl FnMut()) -> Result<Sample> {
    job.run(&mut Marks, || {
        call();
        Ok(())
    })
}

/// What a joined thread found.
fn joined<T>(result: std::thread::Result<T>) -> Result<T> {
    result.ok().context("a thread of the measurement panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_finds_its_limits() {
        let ordered = crate::case::order(&cases(), &universe()).unwrap();
        assert_eq!(ordered.len(), universe().len());
    }
}
