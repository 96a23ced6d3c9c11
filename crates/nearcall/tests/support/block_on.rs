//! The smallest executors: the calling kernel thread polls, and parks.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by several test programs, each of which uses a part"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Wakes a kernel thread, and counts how often.
pub struct Unpark(std::thread::Thread, AtomicUsize);

impl Unpark {
    pub fn here() -> Arc<Self> {
        Arc::new(Self(std::thread::current(), AtomicUsize::new(0)))
    }

    pub fn times(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.unpark();
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    block_on_with(&Unpark::here(), future)
}

pub fn block_on_with<F: Future>(unpark: &Arc<Unpark>, future: F) -> F::Output {
    let waker = Waker::from(Arc::clone(unpark));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// Polls all of them whenever one is woken.
pub struct All<'a>(pub Vec<Option<Pin<Box<dyn Future<Output = ()> + 'a>>>>);

impl Future for All<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        for future in &mut self.0 {
            if future.as_mut().is_some_and(|future| future.as_mut().poll(context).is_ready()) {
                *future = None;
            }
        }
        if self.0.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}
