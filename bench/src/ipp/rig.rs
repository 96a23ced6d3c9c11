//! One host and a wire that hands it message after message, on one processor: what a message costs, and how often it changes hands.
//!
//! The wire has the next message when the one before has been carried out, and then all of its frames, as they come out of a
//! network that is faster than the protocols; or, *paced*, one frame when the one before has been carried out, as out of one that is slower.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nearcall_graph::compose::{Kind, Kinds, Plan as Composition, Realm};
use nearcall_graph::reception::{Counts, Options, Reception};
use nearcall_graph::wires::{Wire, WireProtocol};
use nearcall_graph::{Address, Clock, Graph, Handler, Hardware, Message, Participants, Time};
use rustix::event::EventfdFlags;

use super::PATIENCE;
use super::hosts::How;

/// A wire within this process.
#[derive(Debug, Clone)]
struct Ends(Arc<[Mutex<Vec<Message>>; 2]>);

struct End {
    ends: Ends,
    side: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire for End {
    fn hardware(&self) -> Hardware {
        Hardware([2, 0, 0, 0, 0, u8::try_from(self.side).unwrap_or(0)])
    }
    fn largest_frame(&self) -> usize {
        1514
    }
    fn send(&mut self, frame: &Message) -> Result<(), rustix::io::Errno> {
        locked(&self.ends.0[1 - self.side]).push(frame.clone());
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        let mut arrived = locked(&self.ends.0[self.side]);
        Ok((!arrived.is_empty()).then(|| arrived.remove(0)))
    }
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// What the wire, the handler and whoever measures share.
struct Flow {
    frames: Vec<Message>,
    /// Messages that are to come in all, and those that were carried out.
    wanted: AtomicU64,
    done: AtomicU64,
    /// An interrupt, for a host that sleeps.
    bell: OwnedFd,
    measuring: Mutex<Thread>,
}

impl Flow {
    fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }
}

/// The wire.
struct Source {
    flow: Arc<Flow>,
    begun: u64,
    at: usize,
}

impl Source {
    fn has_next(&self) -> bool {
        self.at != 0
            || (self.begun < self.flow.wanted.load(Ordering::Relaxed)
                && self.flow.done.load(Ordering::Relaxed) == self.begun)
    }
}

impl Wire for Source {
    fn hardware(&self) -> Hardware {
        Hardware([2, 0, 0, 0, 0, 1])
    }
    fn largest_frame(&self) -> usize {
        1514
    }
    fn send(&mut self, _: &Message) -> Result<(), rustix::io::Errno> {
        Ok(())
    }
    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        if !self.has_next() {
            return Ok(None);
        }
        if self.at == 0 {
            self.begun += 1;
        }
        let frame = self.flow.frames.get(self.at).cloned();
        self.at = (self.at + 1) % self.flow.frames.len();
        Ok(frame)
    }
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.flow.bell.as_fd())
    }
    fn before_sleep(&mut self) -> bool {
        let _ = rustix::io::read(&self.flow.bell, &mut [0; 8]);
        !self.has_next()
    }
}

fn host(wire: &str, side: usize, above: &str) -> String {
    format!(
        "name={wire};\n@;\nname=eth protocols={wire};\nname=arp protocols=eth lifetime=1000000s;\n\
         name=ip protocols=eth,arp address=10.0.0.{}/24;\nname=udp protocols=ip;\nname=anchor protocols=udp{above};\n",
        side + 1
    )
}

/// The frames of a datagram of `size` bytes to port 7 of 10.0.0.2, whose interface has the address that [`Source`] says.
fn frames(size: usize) -> Result<Vec<Message>> {
    let ends = Ends(Arc::default());
    let kinds = |side: usize| {
        let ends = ends.clone();
        let end = Kind::new("end", Realm::Frames, &[], move |make| {
            Ok(Box::new(WireProtocol::new(make.node, Box::new(End { ends: ends.clone(), side }))))
        });
        Kinds::standard().with(end)
    };
    let build = |side: usize| -> Result<Graph> {
        Ok(Composition::read("bench.graph", &host("end", side, ""), &kinds(side))?.build(None, Time(1))?)
    };
    let (a, b) = (build(0)?, build(1)?);
    let anchor = a.anchor("anchor").context("the graph has an anchor")?;
    let session =
        anchor.open(Participants::new().to(Address::Host([10, 0, 0, 2].into())).to(Address::Port(7)), Time(2))?;
    anchor.push(session, Message::from(vec![0x55; size]), Time(3))?;
    for _ in 0..10 {
        a.poll(Time(4));
        b.poll(Time(4));
    }
    // Each knows the other by now.
    locked(&ends.0[1]).clear();
    anchor.push(session, Message::from(vec![0x55; size]), Time(5))?;
    let frames = std::mem::take(&mut *locked(&ends.0[1]));
    ensure!(!frames.is_empty(), "a datagram has no frame");
    Ok(frames)
}

/// A host and its wire.
pub(super) struct Rig {
    flow: Arc<Flow>,
    driven: Driven,
}

enum Driven {
    Received(Reception),
    /// By the thread that measures: no thread receives.
    Direct(Box<Graph>, Clock),
}

/// What a run has cost.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) counts: Counts,
    pub(super) frames: u64,
    /// Waits of the host's threads that the kernel has counted.
    pub(super) waits: u64,
}

impl Rig {
    /// Messages of `size` bytes; `how` without one: polled by whoever measures.
    pub(super) fn new(size: usize, how: Option<How>, options: impl FnOnce(Options) -> Options) -> Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let flow = Arc::new(Flow {
            frames: frames(size)?,
            wanted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            bell,
            measuring: Mutex::new(std::thread::current()),
        });
        let wire = {
            let flow = Arc::clone(&flow);
            Kind::new("source", Realm::Frames, &[], move |make| {
                let source = Source { flow: Arc::clone(&flow), begun: 0, at: 0 };
                Ok(Box::new(WireProtocol::new(make.node, Box::new(source))))
            })
        };
        let text = host("source", 1, how.map_or("", How::annotation));
        let plan = Composition::read("bench.graph", &text, &Kinds::standard().with(wire))?;
        let handler = {
            let flow = Arc::clone(&flow);
            Handler::nonblocking(move |_, _, _, _| {
                let done = flow.done.load(Ordering::Relaxed) + 1;
                // Release: pairs with the Acquire of whoever measures.
                flow.done.store(done, Ordering::Release);
                if done == flow.wanted.load(Ordering::Relaxed) {
                    locked(&flow.measuring).unpark();
                } else {
                    flow.ring();
                }
                None
            })
        };
        let attach = |graph: &Graph, now: Time| {
            if let Some(anchor) = graph.anchor("anchor") {
                let _ = anchor.serve(handler);
                let _ = anchor.enable(Participants::new().at(Address::Port(7)), now);
            }
        };
        let driven = match how {
            Some(how) => Driven::Received(Reception::start(&plan, options(how.options()), attach)?),
            None => {
                let clock = Clock::new();
                let graph = Box::new(plan.build(None, clock.now())?);
                attach(&graph, clock.now());
                Driven::Direct(graph, clock)
            }
        };
        Ok(Self { flow, driven })
    }

    /// Has `count` messages come, and waits for them.
    pub(super) fn run(&self, count: u64) -> Result<()> {
        let wanted = self.flow.wanted.load(Ordering::Relaxed) + count;
        *locked(&self.flow.measuring) = std::thread::current();
        self.flow.wanted.store(wanted, Ordering::Relaxed);
        self.flow.ring();
        let started = Instant::now();
        while self.flow.done.load(Ordering::Acquire) < wanted {
            match &self.driven {
                Driven::Direct(graph, clock) => drop(graph.poll(clock.now()).then_some(())),
                Driven::Received(_) => {
                    std::thread::park_timeout(Duration::from_secs(1));
                    ensure!(started.elapsed() < PATIENCE, "messages are not carried out: {}", self.state());
                }
            }
        }
        Ok(())
    }

    fn reception(&self) -> Result<&Reception> {
        match &self.driven {
            Driven::Received(reception) => Ok(reception),
            Driven::Direct(..) => bail!("nobody receives"),
        }
    }

    /// Until nothing is under way.
    pub(super) fn settle(&self) -> Result<()> {
        let (reception, started) = (self.reception()?, Instant::now());
        while !reception.is_idle() {
            ensure!(started.elapsed() < PATIENCE, "the host does not come to rest: {}", self.state());
            std::thread::yield_now();
        }
        Ok(())
    }

    /// What can be seen of a run that does not end: what has come and gone, what each protocol has counted, what the host's
    /// threads have, and where they are in the kernel.
    fn state(&self) -> String {
        let Flow { wanted, done, .. } = &*self.flow;
        let mut text = format!("{done:?} of {wanted:?}\n");
        if let Driven::Received(reception) = &self.driven {
            let graph = reception.graph();
            let counts = graph.nodes().map(|node| format!("{}: {:?}\n", graph.name(node), graph.counts(node)));
            text.extend(counts);
            text.push_str(&format!("{reception:#?}\n"));
        }
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        text.extend(tasks.map(|task| {
            let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            format!("{} {} {}\n", read("comm").trim(), read("wchan").trim(), read("syscall").trim())
        }));
        text
    }

    /// What `count` messages cost.
    pub(super) fn cost(&self, count: u64) -> Result<Cost> {
        self.run(100)?;
        self.settle()?;
        let (before, waits) = (self.reception()?.counts(), waits()?);
        for _ in 0..count {
            // Each comes to a host at rest, as on a network where the next one is sent when this one was answered.
            self.run(1)?;
            self.settle()?;
        }
        let mut counts = self.reception()?.counts();
        counts.switches -= before.switches;
        counts.messages -= before.messages;
        counts.sleeps -= before.sleeps;
        counts.parks -= before.parks;
        counts.stacks_taken -= before.stacks_taken;
        counts.stacks_returned -= before.stacks_returned;
        Ok(Cost { counts, frames: counts.messages, waits: self::waits()? - waits })
    }
}

/// How often threads that receive in this process have given up their CPU to wait, as getrusage(2) counts it for each.
fn waits() -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").context("looking at threads")? {
        let status = std::fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("Name:").is_some_and(|name| name.starts_with("nearcall-rx")) {
            sum += field("voluntary_ctxt_switches:").and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    Ok(sum)
}
