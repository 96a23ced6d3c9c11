//! Several threads that sleep on one wire, which like `MemoryWire` rings only for whoever has announced it, and then once.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Instant;

use rustix::event::EventfdFlags;

use super::{Clock, Source as _};
use crate::event::Time;
use crate::graph::{Graph, Part};
use crate::message::Message;
use crate::participants::Hardware;
use crate::protocol::Node;
use crate::wires::{Wire, WireProtocol};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Line {
    frames: VecDeque<Message>,
    is_announced: bool,
    /// What sleepers did.
    trail: Vec<&'static str>,
}

#[derive(Clone)]
struct Shy(Arc<Mutex<Line>>, Arc<OwnedFd>);

impl Shy {
    fn arrive(&self) {
        let mut line = self.0.lock().unwrap();
        line.frames.push_back(Message::from(vec![0; 60]));
        if line.is_announced {
            rustix::io::write(&*self.1, &1_u64.to_ne_bytes()).unwrap();
        }
    }

    fn trail(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().trail.clone()
    }

    fn await_sleeper(&self, graph: &Graph, count: usize) {
        let end = Instant::now() + PATIENCE;
        while graph.asleep.lock().count < count {
            assert!(Instant::now() < end, "nobody sleeps");
            std::thread::yield_now();
        }
    }
}

impl Wire for Shy {
    fn hardware(&self) -> Hardware {
        Hardware([2; 6])
    }

    fn largest_frame(&self) -> usize {
        1514
    }

    fn send(&mut self, _: &Message) -> Result<(), rustix::io::Errno> {
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        Ok(self.0.lock().unwrap().frames.pop_front())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.1.as_fd())
    }

    fn before_sleep(&mut self) -> bool {
        let mut line = self.0.lock().unwrap();
        let _ = rustix::io::read(&*self.1, &mut [0; 8]);
        line.is_announced = true;
        line.trail.push("announced");
        line.frames.is_empty()
    }

    fn after_sleep(&mut self) {
        let mut line = self.0.lock().unwrap();
        line.is_announced = false;
        let _ = rustix::io::read(&*self.1, &mut [0; 8]);
        line.trail.push("taken back");
    }
}

fn graph() -> (Shy, Graph) {
    let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).unwrap();
    let wire = Shy(Arc::default(), Arc::new(bell));
    let core = Box::new(WireProtocol::new(Node(0), Box::new(wire.clone())));
    let part = Part { name: "shy".to_owned(), kind: "shy", core, below: Vec::new() };
    let graph = Graph::new(vec![part], HashMap::new(), None, Time(1)).unwrap();
    (wire, graph)
}

#[test]
fn who_leaves_does_not_take_the_bell_from_who_sleeps() {
    let (wire, graph) = graph();
    let clock = Clock::new();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut sleeps = 0;
            while !graph.poll(clock.now()) {
                sleeps += 1;
                graph.park(&clock, clock.now().after(PATIENCE), || false);
            }
            sleeps
        });
        wire.await_sleeper(&graph, 1);
        // Somebody else drives the graph for a while, and sleeps meanwhile.
        graph.park(&clock, clock.now().after(Duration::from_millis(1)), || false);
        // The other one sleeps again, or is about to look.
        wire.await_sleeper(&graph, 1);
        let begun = Instant::now();
        wire.arrive();
        let sleeps = other.join().unwrap();
        assert!(begun.elapsed() < PATIENCE / 2, "it slept on, {sleeps} times in all");
    });
}

#[test]
fn one_thread_that_receives_sleeps_at_a_time() {
    let (wire, graph) = &graph();
    let clock = &Clock::new();
    std::thread::scope(|scope| {
        // Bounded, so that a broken order fails the test instead of keeping it.
        let end = clock.now().after(PATIENCE);
        let old = scope.spawn(move || graph.sleep_on_wires(clock, end, || false));
        wire.await_sleeper(graph, 1);
        // The lead is moved, and whoever had it is woken a little later.
        let new = scope.spawn(move || {
            while !graph.poll(clock.now()) && clock.now() < end {
                graph.sleep_on_wires(clock, end, || false);
            }
        });
        sleep(Duration::from_millis(20));
        assert_eq!(wire.trail(), ["announced"]);
        graph.rouse_receiver();
        old.join().unwrap();
        wire.await_sleeper(graph, 1);
        assert_eq!(wire.trail(), ["announced", "taken back", "announced"]);
        wire.arrive();
        new.join().unwrap();
    });
}

#[test]
fn one_that_receives_no_more_does_not_wait_for_the_one_that_does() {
    let (wire, graph) = &graph();
    let clock = &Clock::new();
    std::thread::scope(|scope| {
        let end = clock.now().after(PATIENCE);
        let new = scope.spawn(move || graph.sleep_on_wires(clock, end, || false));
        wire.await_sleeper(graph, 1);
        // The lead was moved while the old one was on its way to bed.
        graph.sleep_on_wires(clock, end, || false);
        assert!(!new.is_finished() && clock.now() < end, "it waited until the other one got up");
        assert_eq!(wire.trail(), ["announced"]);
        wire.arrive();
        new.join().unwrap();
    });
}

#[test]
fn sleepers_by_the_dozen_miss_nothing() {
    let (wire, graph) = graph();
    let clock = Clock::new();
    let seen = std::sync::atomic::AtomicU64::new(0);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    use std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        for turn in 0..12_u64 {
            let (graph, clock, seen, is_over) = (&graph, &clock, &seen, &is_over);
            scope.spawn(move || {
                // Some of them come and go.
                let limit = if turn % 3 == 0 { Duration::from_micros(50 * (turn + 1)) } else { PATIENCE };
                while !is_over.load(SeqCst) {
                    if graph.poll(clock.now()) {
                        seen.fetch_add(1, SeqCst);
                    } else {
                        graph.park(clock, clock.now().after(limit), || is_over.load(SeqCst));
                    }
                }
            });
        }
        for count in 1..=2000 {
            wire.arrive();
            let end = Instant::now() + PATIENCE / 2;
            while seen.load(SeqCst) < count {
                if Instant::now() > end {
                    is_over.store(true, SeqCst);
                    graph.wake();
                    panic!("frame {count} is there, and all sleep: {:?}", graph.asleep.lock());
                }
                std::thread::yield_now();
            }
        }
        is_over.store(true, SeqCst);
        graph.wake();
    });
}

/// A lead of the runtime begins and ends while a thread sleeps: the thread's announcement stays, and what is on the bell.
#[test]
fn a_lead_that_comes_and_goes_leaves_sleepers_their_bell() {
    let (wire, graph) = graph();
    let clock = Clock::new();
    for is_leaving in [false, true] {
        let begun = Instant::now();
        graph.park(&clock, clock.now().after(PATIENCE), || {
            if is_leaving {
                wire.arrive();
                let _ = graph.before_sleep(clock.now());
            } else {
                graph.after_sleep(clock.now());
                wire.arrive();
            }
            false
        });
        assert!(begun.elapsed() < PATIENCE / 2, "it slept on: {:?}", wire.trail());
        assert!(graph.poll(clock.now()));
    }
    // Without sleepers it announces for itself.
    assert!(graph.before_sleep(clock.now()));
    graph.after_sleep(clock.now());
    assert_eq!(wire.trail()[4..], ["announced", "taken back"]);
}
