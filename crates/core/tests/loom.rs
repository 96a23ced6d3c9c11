//! Sleep and wake, explored exhaustively: `RUSTFLAGS="--cfg loom" cargo test -p nearcall-core --test loom --release`.
//!
//! A model of what [`nearcall_core::transfer`] does with shared words, in loom's atomics and the same order, not the
//! code itself: that works on mapped regions. A futex is a lock around a comparison and a queue, as the kernel's hash
//! bucket is. Time-outs are left out, because they hide lost wakes.
//!
//! Each protocol stands beside variants that are wrong in one step and must be found wrong: a model that finds nothing
//! proves nothing.
#![cfg(loom)]

use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// `FUTEX_WAIT` and `FUTEX_WAKE` on one word.
#[derive(Default)]
struct Futex {
    bucket: Mutex<Sleeper>,
    woken: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Sleeper {
    #[default]
    None,
    Asleep,
    Woken,
}

impl Futex {
    /// Says whether the word had the value, so that the caller sleeps from now on.
    fn sleeps(&self, word: &AtomicU32, value: u32) -> bool {
        let mut sleeper = self.bucket.lock().unwrap();
        let same = word.load(Ordering::Relaxed) == value;
        if same {
            *sleeper = Sleeper::Asleep;
        }
        same
    }

    fn wake(&self) {
        let mut sleeper = self.bucket.lock().unwrap();
        if *sleeper == Sleeper::Asleep {
            *sleeper = Sleeper::Woken;
            self.woken.notify_one();
        }
    }

    /// Sleeps until woken.
    fn sleep(&self) {
        let mut sleeper = self.bucket.lock().unwrap();
        while *sleeper == Sleeper::Asleep {
            sleeper = self.woken.wait(sleeper).unwrap();
        }
        *sleeper = Sleeper::None;
    }

    fn was_woken(&self) -> bool {
        *self.bucket.lock().unwrap() == Sleeper::Woken
    }
}

/// How a side's wait ended, in a model that stops there: deadlocks abort loom, an assertion after the end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Seen,
    Asleep,
}

const LOST: &str = "asleep, and nobody will wake it";

const COLD: u32 = 0;
const POLLED: u32 = 1;
const ASLEEP: u32 = 2;

/// What a step may be replaced by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Right,
    /// The server reads the bell after it has scanned the lines.
    BellAfterScan,
    /// Nothing keeps the scan after the reading of the bell, as two relaxed loads do not: the new bell may be seen with
    /// the old line, and slept on.
    BellNotAcquired,
    /// The side that stops looking does not fence between its announcement and its last look.
    NoFenceBeforeSleep,
    /// The side that would wake does not fence between its store and its look.
    NoFenceBeforeWake,
}

/// A request line, the server's status, the client's bell.
#[derive(Default)]
struct Ring {
    line: AtomicU32,
    status: AtomicU32,
    bell: AtomicU32,
    futex: Futex,
}

/// The caller: publish; fence; look at the status; bump the bell and wake.
fn publish(ring: &Ring, order: Order) {
    ring.line.store(1, Ordering::Release);
    if order != Order::NoFenceBeforeWake {
        fence(Ordering::SeqCst);
    }
    if ring.status.load(Ordering::Relaxed) == ASLEEP {
        ring.bell.store(1, Ordering::Release);
        ring.futex.wake();
    }
}

/// The lead: poll; write ASLEEP; fence; read the bell, acquire; scan; sleep on that value; write POLLED; poll again.
fn lead(ring: &Ring, order: Order) -> End {
    loop {
        if ring.line.load(Ordering::Relaxed) == 1 {
            fence(Ordering::Acquire);
            return End::Seen;
        }
        ring.status.store(ASLEEP, Ordering::Release);
        if order != Order::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let mut bell = ring.bell.load(Ordering::Relaxed);
        if order != Order::BellNotAcquired {
            fence(Ordering::Acquire);
        }
        let has_request = ring.line.load(Ordering::Relaxed) == 1;
        if order == Order::BellAfterScan {
            bell = ring.bell.load(Ordering::Relaxed);
        }
        if !has_request && ring.futex.sleeps(&ring.bell, bell) {
            return End::Asleep;
        }
        ring.status.store(POLLED, Ordering::Release);
    }
}

fn request(order: Order) {
    loom::model(move || {
        let ring = Arc::new(Ring { status: AtomicU32::new(POLLED), ..Ring::default() });
        let caller = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || publish(&ring, order))
        };
        let end = lead(&ring, order);
        caller.join().unwrap();
        assert!(end == End::Seen || ring.futex.was_woken(), "{LOST}");
    });
}

#[test]
fn a_lead_that_goes_to_sleep_sees_the_request_or_is_woken() {
    request(Order::Right);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_bell_that_is_read_after_the_scan_loses_the_wake() {
    request(Order::BellAfterScan);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_bell_that_is_not_acquired_loses_the_wake() {
    request(Order::BellNotAcquired);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_without_its_fence_loses_the_wake() {
    request(Order::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_caller_without_its_fence_loses_the_wake() {
    request(Order::NoFenceBeforeWake);
}

/// A reply line and the wait word of its A-stack.
#[derive(Default)]
struct Reply {
    reply: AtomicU32,
    wait: AtomicU32,
    futex: Futex,
}

/// The caller: announce the wait; fence; look at the reply; sleep on what was seen.
fn wait(reply: &Reply, order: Order) -> End {
    loop {
        reply.wait.store(1, Ordering::Release);
        if order != Order::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let seen = reply.reply.load(Ordering::Relaxed);
        if seen == 1 {
            fence(Ordering::Acquire);
            return End::Seen;
        }
        if reply.futex.sleeps(&reply.reply, seen) {
            return End::Asleep;
        }
    }
}

/// The lead: reply; look without a fence; later fence, look once more, and forget the call.
fn answer(reply: &Reply, order: Order) {
    reply.reply.store(1, Ordering::Release);
    if reply.wait.load(Ordering::Relaxed) == 1 {
        reply.futex.wake();
    }
    if order != Order::NoFenceBeforeWake {
        fence(Ordering::SeqCst);
    }
    if reply.wait.load(Ordering::Relaxed) == 1 {
        reply.futex.wake();
    }
}

fn reply(order: Order) {
    loom::model(move || {
        let reply = Arc::new(Reply::default());
        let server = {
            let reply = Arc::clone(&reply);
            thread::spawn(move || answer(&reply, order))
        };
        let end = wait(&reply, order);
        server.join().unwrap();
        assert!(end == End::Seen || reply.futex.was_woken(), "{LOST}");
    });
}

#[test]
fn a_caller_that_goes_to_sleep_sees_the_reply_or_is_woken() {
    reply(Order::Right);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_sleeping_caller_without_its_fence_loses_the_wake() {
    reply(Order::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_lead_that_looks_without_a_fence_only_loses_the_wake() {
    reply(Order::NoFenceBeforeWake);
}

/// A pair that is displaced from the hot ones, and the control socket over which its caller rings then.
#[derive(Default)]
struct Displaced {
    line: AtomicU32,
    status: AtomicU32,
    message: AtomicU32,
}

fn displaced(order: Order) {
    loom::model(move || {
        let pair = Arc::new(Displaced { status: AtomicU32::new(POLLED), ..Displaced::default() });
        let caller = {
            let pair = Arc::clone(&pair);
            thread::spawn(move || {
                pair.line.store(1, Ordering::Release);
                if order != Order::NoFenceBeforeWake {
                    fence(Ordering::SeqCst);
                }
                if pair.status.load(Ordering::Relaxed) == COLD {
                    pair.message.store(1, Ordering::Release);
                }
            })
        };
        // The lead: write COLD; fence; scan once. From then on only a message brings the pair back.
        pair.status.store(COLD, Ordering::Release);
        if order != Order::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let seen = pair.line.load(Ordering::Relaxed) == 1;
        caller.join().unwrap();
        assert!(seen || pair.message.load(Ordering::Acquire) == 1, "{LOST}");
    });
}

#[test]
fn a_pair_that_becomes_cold_is_scanned_once_more_or_rung_for() {
    displaced(Order::Right);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_pair_that_becomes_cold_without_a_fence_is_forgotten() {
    displaced(Order::NoFenceBeforeSleep);
}

/// One whole call: both protocols at once, each side asleep for the other and woken by it.
#[test]
fn a_call_between_two_sleepers_ends() {
    loom::model(|| {
        let ring = Arc::new(Ring { status: AtomicU32::new(POLLED), ..Ring::default() });
        let back = Arc::new(Reply::default());
        let caller = {
            let (ring, back) = (Arc::clone(&ring), Arc::clone(&back));
            thread::spawn(move || {
                publish(&ring, Order::Right);
                while wait(&back, Order::Right) == End::Asleep {
                    back.futex.sleep();
                }
            })
        };
        while lead(&ring, Order::Right) == End::Asleep {
            ring.futex.sleep();
        }
        answer(&back, Order::Right);
        caller.join().unwrap();
    });
}
