//! The same with std's threads and tokio's tasks.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::{Marks, joined, run};
use crate::measure::{Job, Watch};
use crate::sample::Sample;

pub(crate) fn std_spawn(job: &Job) -> Result<Sample> {
    run(job, || {
        let thread = std::thread::spawn(|| black_box(1_u64));
        assert_eq!(thread.join().ok(), Some(1));
    })
}

/// A flag with a condition, as std's manual has it.
#[derive(Default)]
struct Flag(Mutex<bool>, Condvar);

impl Flag {
    fn set(&self) {
        if let Ok(mut set) = self.0.lock() {
            *set = true;
        }
        self.1.notify_one();
    }

    fn wait(&self) {
        if let Ok(set) = self.0.lock()
            && let Ok(mut set) = self.1.wait_while(set, |set| !*set)
        {
            *set = false;
        }
    }
}

pub(crate) fn std_pingpong(job: &Job) -> Result<Sample> {
    let (there, back, over) = (Flag::default(), Flag::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            loop {
                there.wait();
                if over.load(Ordering::Acquire) {
                    break;
                }
                back.set();
            }
        });
        let sample = run(job, || {
            there.set();
            back.wait();
        });
        over.store(true, Ordering::Release);
        there.set();
        joined(other.join())?;
        sample
    })
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().build().context("starting tokio")
}

/// Does the job with a future for each call, polled where `block_on` or the worker runs: `job.run` cannot wait, so each call
/// is a batch's.
async fn drive<F: Future<Output = ()>>(job: Job, mut call: impl FnMut() -> F) -> Result<Sample> {
    let plan = match job {
        Job::Plan(plan) => plan,
        Job::Exactly { .. } => anyhow::bail!("this case has no number of calls"),
    };
    Marks.begin()?;
    for timed in [plan.warm_up, plan.batches] {
        let start = std::time::Instant::now();
        let mut calls = 0_u64;
        loop {
            for _ in 0..256 {
                call().await;
            }
            calls += 256;
            let elapsed = start.elapsed();
            if elapsed < timed {
                continue;
            }
            if timed == plan.warm_up {
                break;
            }
            let mean = elapsed.as_nanos() as f64 / calls as f64;
            let mut singles = crate::sample::new_histogram();
            crate::sample::record_many(&mut singles, mean, calls);
            return Ok(Sample::new(mean, singles, calls));
        }
    }
    anyhow::bail!("nothing was timed")
}

async fn spawn_one() {
    assert_eq!(tokio::spawn(async { black_box(1_u64) }).await.ok(), Some(1));
}

pub(crate) fn tokio_spawn(job: &Job) -> Result<Sample> {
    runtime()?.block_on(drive(*job, spawn_one))
}

pub(crate) fn tokio_spawn_multi(job: &Job) -> Result<Sample> {
    let runtime = Builder::new_multi_thread().build().context("starting tokio")?;
    let job = *job;
    // On a worker: from `block_on` each would wake one.
    runtime.block_on(async move { tokio::spawn(drive(job, spawn_one)).await.context("the task")? })
}

pub(crate) fn tokio_yield(job: &Job) -> Result<Sample> {
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&over);
    runtime()?.block_on(async {
        let other = tokio::spawn(async move {
            while !seen.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
        });
        // As a task, too: what `block_on` runs is polled between others.
        let job = *job;
        let sample = tokio::spawn(drive(job, tokio::task::yield_now)).await.context("the task")?;
        over.store(true, Ordering::Relaxed);
        other.await.context("the other task")?;
        sample
    })
}

pub(crate) fn tokio_pingpong(job: &Job) -> Result<Sample> {
    let (there, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    runtime()?.block_on(async {
        let (hears, answers) = (Arc::clone(&there), Arc::clone(&back));
        let other = tokio::spawn(async move {
            loop {
                hears.notified().await;
                answers.notify_one();
            }
        });
        let job = *job;
        let call = move || {
            let (there, back) = (Arc::clone(&there), Arc::clone(&back));
            async move {
                there.notify_one();
                back.notified().await;
            }
        };
        let sample = tokio::spawn(drive(job, call)).await.context("the task")?;
        other.abort();
        sample
    })
}
