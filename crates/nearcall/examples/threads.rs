//! User-level threads without a server: spawn, borrow, wait, cancel, and who keeps others waiting.
//!
//! ```console
//! cargo run --release -p nearcall --example threads
//! ```

use std::error::Error;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nearcall::sync::{Condvar, LockError, Mutex, Semaphore};
use nearcall::thread::{self, Builder, Cancelled, Local, watchdog};

/// Each thread's own.
static STEPS: Local<std::cell::Cell<u32>> = Local::new(|| std::cell::Cell::new(0));

fn main() -> Result<(), Box<dyn Error>> {
    // Threads are cheap where threads spawn them; so the program runs in one.
    let program = Builder::new().name("program").spawn(|| -> Result<(), String> {
        forks();
        borrows();
        queue().map_err(|error| error.to_string())?;
        cancels()
    })?;
    program.join()??;
    hogs()
}

/// A fork and a join take some tens of nanoseconds.
fn forks() {
    const COUNT: u32 = 100_000;
    let start = Instant::now();
    let sum: u64 = (0..COUNT).map(|n| thread::spawn(move || u64::from(n)).join().unwrap_or(0)).sum();
    let each = start.elapsed() / COUNT;
    println!("{COUNT} threads, one after another: {each:?} each, their sum is {sum}");
}

/// Threads of a scope borrow, and spawn others in it.
fn borrows() {
    let words = ["threads", "that", "borrow"];
    let lengths = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for word in &words {
            let lengths = &lengths;
            scope.spawn(move || {
                STEPS.with(|steps| steps.set(steps.get() + 1));
                let inner = scope.spawn(|| word.len());
                let length = inner.join().unwrap_or(0);
                if let Ok(mut lengths) = lengths.lock() {
                    lengths.push(length);
                }
            });
        }
    });
    println!("the lengths of {words:?}: {:?}", lengths.into_inner());
}

/// A bounded queue between two threads; and no more than three at a time of what needs a permit.
fn queue() -> Result<(), LockError> {
    let (items, changed) = (Mutex::new(Vec::new()), Condvar::new());
    let permits = Semaphore::new(3);
    let total = thread::scope(|scope| {
        let takes = scope.spawn(|| -> Result<u64, LockError> {
            let mut total = 0;
            for _ in 0..100 {
                let mut items = changed.wait_while(items.lock()?, |items: &mut Vec<u64>| items.is_empty())?;
                total += items.pop().unwrap_or(0);
                changed.notify_all();
            }
            Ok(total)
        });
        for n in 0..100 {
            let (items, changed, permits) = (&items, &changed, &permits);
            scope.spawn(move || -> Result<(), LockError> {
                let _permit = permits.acquire();
                let mut items = changed.wait_while(items.lock()?, |items| items.len() >= 4)?;
                items.push(n);
                changed.notify_all();
                Ok(())
            });
        }
        takes.join().unwrap_or(Ok(0))
    })?;
    println!("taken from the queue: {total}");
    Ok(())
}

/// Cancelling is an error at the thread's next wait, and at each later one.
fn cancels() -> Result<(), String> {
    let sleeps = thread::spawn(|| -> Result<(), Cancelled> {
        thread::sleep(Duration::from_secs(3600))?;
        Ok(())
    });
    thread::yield_now();
    sleeps.cancel();
    match sleeps.join() {
        Ok(Err(Cancelled)) => println!("an hour's sleep ended early: {Cancelled}"),
        other => return Err(format!("it was to be cancelled: {other:?}")),
    }
    let panics = thread::spawn(|| std::panic::resume_unwind(Box::new("on purpose")));
    println!("and a panic goes to join: {}", panics.join().err().map_or_else(String::new, |error| error.to_string()));
    Ok(())
}

/// Threads are cooperative: the watchdog says who keeps others waiting.
fn hogs() -> Result<(), Box<dyn Error>> {
    let (send, reports) = mpsc::channel();
    watchdog::on_report(move |report| drop(send.send(report.to_string())));
    let hog = Builder::new().name("hog").spawn(move || {
        let patient = Builder::new().name("patient").spawn_local(|| ());
        // What blocks the kernel thread keeps it from `patient`; nearcall's own waits do not.
        let report = reports.recv_timeout(Duration::from_secs(10));
        drop(patient.map(thread::JoinHandle::join));
        report
    })?;
    println!("the watchdog: {}", hog.join()??);
    Ok(())
}
