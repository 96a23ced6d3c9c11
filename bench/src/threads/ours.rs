//! nearcall's threads.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use nearcall::sync::{Mutex, Semaphore};
use nearcall::thread::{self, Builder};

use super::run;
use crate::measure::{Job, Watch};
use crate::sample::{Sample, new_histogram, record};

/// Forks that are timed together.
const FORKS: u32 = 64;

/// Runs `measurement` on a thread.
pub(crate) fn alone(measurement: impl FnOnce() -> Result<Sample> + Send + 'static) -> Result<Sample> {
    let thread = Builder::new().stack_size(2 << 20).spawn(measurement).context("starting a thread")?;
    thread.join().map_err(|error| anyhow!("the measurement: {error}"))?
}

pub(crate) fn call(job: &Job) -> Result<Sample> {
    #[inline(never)]
    fn add(a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    let function: fn(u64, u64) -> u64 = black_box(add);
    let mut sum = 0;
    run(job, || sum = function(black_box(sum), 1))
}

/// Only the forks are timed, and not what is forked.
pub(crate) fn fork(job: &Job) -> Result<Sample> {
    let time = match job {
        Job::Plan(plan) => plan.batches,
        Job::Exactly { .. } => Duration::ZERO,
    };
    let (mut singles, mut sum, mut calls) = (new_histogram(), 0.0, 0_u64);
    let mut marks = super::Marks;
    marks.begin()?;
    let end = Instant::now() + time;
    loop {
        let start = Instant::now();
        for n in 0..FORKS {
            drop(thread::spawn_local(move || black_box(n)));
        }
        let elapsed = start.elapsed().as_nanos() as f64;
        sum += elapsed;
        calls += u64::from(FORKS);
        record(&mut singles, elapsed / f64::from(FORKS));
        thread::yield_now();
        if Instant::now() >= end {
            break;
        }
    }
    marks.end()?;
    Ok(Sample::new(sum / calls as f64, singles, calls))
}

pub(crate) fn fork_join(job: &Job) -> Result<Sample> {
    run(job, || {
        let thread = thread::spawn(|| black_box(1_u64));
        assert_eq!(thread.join().ok(), Some(1));
    })
}

pub(crate) fn yields(job: &Job) -> Result<Sample> {
    let over = Rc::new(Cell::new(false));
    let seen = Rc::clone(&over);
    let other = thread::spawn_local(move || {
        while !seen.get() {
            thread::yield_now();
        }
    });
    let sample = run(job, thread::yield_now);
    over.set(true);
    other.join().map_err(|error| anyhow!("the other thread: {error}"))?;
    sample
}

pub(crate) fn acquire_release(job: &Job) -> Result<Sample> {
    let mutex = Mutex::new(0_u64);
    run(job, || {
        if let Ok(mut value) = black_box(&mutex).lock() {
            *value += 1;
        }
    })
}

pub(crate) fn pingpong(job: &Job) -> Result<Sample> {
    let (there, back) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let over = Rc::new(Cell::new(false));
    let (seen, hears, answers) = (Rc::clone(&over), Arc::clone(&there), Arc::clone(&back));
    let other = thread::spawn_local(move || {
        loop {
            if let Ok(permit) = hears.acquire() {
                permit.forget();
            }
            if seen.get() {
                break;
            }
            answers.release(1);
        }
    });
    let sample = run(job, || {
        there.release(1);
        if let Ok(permit) = back.acquire() {
            permit.forget();
        }
    });
    over.set(true);
    there.release(1);
    other.join().map_err(|error| anyhow!("the other thread: {error}"))?;
    sample
}
