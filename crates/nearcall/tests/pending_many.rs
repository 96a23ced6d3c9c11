//! A thousand calls under way at once, under several executors, with cancels and the death of servers.
#![allow(missing_docs, reason = "tests")]

#[path = "support/block_on.rs"]
mod block_on;
mod support;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use block_on::{All, Unpark, block_on_with};
use nearcall::{CallError, Exporter};
use support::{Server, serve_if_asked_by};

/// Two classes of A-stacks, 128 in all, which is what a pair can have.
#[nearcall::interface]
pub trait Bulk {
    #[call(concurrency = 64, timeout = "60s")]
    fn square(&self, number: u64) -> u64;
    #[call(concurrency = 64, timeout = "60s", astack = 1024)]
    fn repeat(&self, number: u64, bytes: &mut [u8]) -> u64;
}

struct Plain;

impl Bulk for Plain {
    fn square(&self, number: u64) -> u64 {
        number * number
    }
    fn repeat(&self, number: u64, bytes: &mut [u8]) -> u64 {
        let byte = u8::try_from(number % 251).unwrap();
        bytes.fill(byte);
        number
    }
}

#[test]
fn serve() {
    serve_if_asked_by(|dir| Exporter::new("bulk").dir(dir).export(BulkServer::new(Plain)).unwrap());
}

const SERVERS: usize = 8;
const CALLS: usize = 1000;

/// What is under way, and what has become of each call.
struct Crowd {
    clients: Vec<BulkClient>,
    started: AtomicUsize,
    ends: Vec<AtomicU32>,
    over: AtomicUsize,
    /// Servers that are killed once half of the calls are over.
    victims: Mutex<Vec<Server>>,
}

impl Crowd {
    fn new(servers: &[Server], victims: Vec<Server>) -> Self {
        let clients = servers.iter().chain(&victims).map(|server| server.bind_to("bulk")).collect();
        let ends = (0..CALLS).map(|_| AtomicU32::new(0)).collect();
        let victims = Mutex::new(victims);
        Self { clients, started: AtomicUsize::new(0), ends, over: AtomicUsize::new(0), victims }
    }

    fn ended(&self, i: usize) {
        self.ends[i].fetch_add(1, Ordering::Relaxed);
        if self.over.fetch_add(1, Ordering::Relaxed) + 1 == CALLS / 2 {
            self.victims.lock().unwrap().drain(..).for_each(|mut victim| victim.kill());
        }
    }

    /// Starts; waits until all are started; then waits for the end, or cancels.
    async fn call(&self, i: usize) {
        let client = &self.clients[i % self.clients.len()];
        let is_mortal = i % self.clients.len() >= SERVERS - 2;
        let number = i as u64;
        let mut bytes = [0; 100];
        let is_first = (i / self.clients.len()).is_multiple_of(2);
        let mut pending = if is_first { client.start_square(number) } else { client.start_repeat(number, &mut bytes) }
            .expect("an A-stack for each");
        self.started.fetch_add(1, Ordering::Relaxed);
        while self.started.load(Ordering::Relaxed) < CALLS {
            turn().await;
        }
        match i % 10 {
            // Given up without a look, and after one.
            3 => drop(pending),
            7 => {
                let _ = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut pending).poll(context))).await;
                drop(pending);
            }
            _ => match pending.await {
                Ok(value) if is_first => assert_eq!(value, number * number),
                Ok(value) => {
                    assert_eq!(value, number);
                    assert_eq!(bytes, [u8::try_from(number % 251).unwrap(); 100]);
                }
                Err(CallError::PeerDied { .. }) if is_mortal => {}
                Err(error) => panic!("call {i}: {error}"),
            },
        }
        self.ended(i);
    }

    /// All have ended, each once, and nothing is held.
    fn check(&self) {
        assert!(self.ends.iter().all(|ends| ends.load(Ordering::Relaxed) == 1));
        for client in &self.clients[..SERVERS - 2] {
            let start = Instant::now();
            loop {
                let all: Vec<_> = (0..64).map(|i| client.start_square(i)).collect();
                let whole = all.iter().all(Result::is_ok);
                all.into_iter().flatten().zip(0..).for_each(|(pending, i)| {
                    let _ = pending.wait().map(|value| assert!(!whole || value == i * i));
                });
                if whole {
                    break;
                }
                assert!(start.elapsed() < Duration::from_secs(20), "A-stacks are lost");
            }
        }
    }
}

/// Lets others run.
fn turn() -> impl Future<Output = ()> {
    let mut was_there = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut was_there, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs the crowd `rounds` times, and looks what is left of it.
fn crowd(name: &str, run: impl Fn(Arc<Crowd>)) {
    // The domain's own descriptors are there from here on.
    let first = Server::start(name);
    drop(first.bind_to::<BulkClient>("bulk"));
    let before = descriptors();
    let servers: Vec<_> = (2..SERVERS).map(|_| Server::start(name)).collect();
    let victims = (0..2).map(|_| Server::start(name)).collect();
    let crowd = Arc::new(Crowd::new(&servers, victims));
    run(Arc::clone(&crowd));
    crowd.check();
    drop((crowd, servers));
    let start = Instant::now();
    while descriptors() > before {
        assert!(start.elapsed() < Duration::from_secs(10), "{} descriptors, before {before}", descriptors());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One at a time: each looks at this process's descriptors.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_thousand_calls_end_once_each_under_a_kernel_thread_that_parks() {
    let _alone = alone();
    let unpark = Unpark::here();
    crowd("parks", |crowd| {
        let crowd = &*crowd;
        let all = (0..CALLS).map(|i| Some(Box::pin(crowd.call(i)) as Pin<Box<dyn Future<Output = ()>>>)).collect();
        block_on_with(&unpark, All(all));
    });
    assert!(unpark.times() > 0);
    assert_eq!(Arc::strong_count(&unpark), 1, "wakers are kept");
}

fn tokio_crowd(name: &str, runtime: impl Fn() -> Arc<tokio::runtime::Runtime>) {
    crowd(name, |crowd| {
        let runtime = runtime();
        let tasks: Vec<_> = (0..CALLS)
            .map(|i| {
                let crowd = Arc::clone(&crowd);
                runtime.spawn(async move { crowd.call(i).await })
            })
            .collect();
        runtime.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn a_thousand_calls_end_once_each_under_tokio_on_one_kernel_thread() {
    let _alone = alone();
    // A runtime that nobody drives any more keeps what its tasks have until it is dropped.
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    tokio_crowd("current", || Arc::new(runtime().unwrap()));
}

#[test]
fn a_thousand_calls_end_once_each_under_tokio_on_several_kernel_threads() {
    let _alone = alone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let runtime = Arc::new(runtime);
    tokio_crowd("several", || Arc::clone(&runtime));
}
