//! One host and a wire that hands it message after message, on one processor: what a message costs, and how often it changes hands.
//!
//! The wire has the next message when the one before has been carried out, and then all of its frames, as they come out of a
//! network that is faster than the protocols; or, *paced*, one frame when the one before has been carried out, as out of one that is slower.
//!
//! Switches are counted by the runtime, and compared with what the kernel counts: how often the host's threads have waited, less
//! the waits for the wire. Of these there is one for each message, or frame if they are paced, because none comes before all threads
//! of the host sleep.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

use anyhow::{Context, Result, bail, ensure};
use nearcall_graph::compose::{Kind, Kinds, Plan as Composition, Realm};
use nearcall_graph::reception::{Counts, Options, Reception};
use nearcall_graph::wires::{Wire, WireProtocol};
use nearcall_graph::{Address, Clock, Graph, Handler, Hardware, Message, Participants, Time};
use rustix::event::EventfdFlags;

use super::hosts::How;
use super::{LOOK, Stall};

/// How the frames of a message come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// All at once.
    Burst,
    /// Each when the one before has been carried out.
    Paced,
}

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
    delivery: Delivery,
    /// Messages that are to come in all, and those that were carried out.
    wanted: AtomicU64,
    done: AtomicU64,
    /// Frames that may have come, if they are paced, and those that have.
    released: AtomicU64,
    given: AtomicU64,
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
        if self.flow.delivery == Delivery::Paced {
            return self.flow.given.load(Ordering::Relaxed) < self.flow.released.load(Ordering::Relaxed);
        }
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
        self.flow.given.fetch_add(1, Ordering::Relaxed);
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
    threads: Threads,
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
    /// How often something came when all of them slept.
    pub(super) rests: u64,
}

/// The threads of a host, as the kernel shows them.
struct Threads(Vec<Task>);

struct Task {
    stat: File,
    status: File,
}

impl Threads {
    /// Those that have come and gone by now: `count` of them.
    fn find(count: usize) -> Result<Self> {
        let mut stall = Stall::default();
        loop {
            let tasks = std::fs::read_dir("/proc/self/task").context("looking at threads")?;
            // One may end meanwhile, of a host before this one.
            let receives = |path: &std::path::Path| {
                std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with("nearcall-rx"))
            };
            let open = |path: std::path::PathBuf| -> std::io::Result<Task> {
                Ok(Task { stat: File::open(path.join("stat"))?, status: File::open(path.join("status"))? })
            };
            let all: Vec<Task> = tasks
                .flatten()
                .map(|task| task.path())
                .filter(|path| receives(path))
                .filter_map(|path| open(path).ok())
                .collect();
            if all.len() == count {
                return Ok(Self(all));
            }
            ensure!(!stall.lasts(all.len().try_into()?), "the host has {} threads, not {count}", all.len());
            std::thread::sleep(LOOK);
        }
    }

    /// Whether all of them wait for something.
    fn are_asleep(&self) -> Result<bool> {
        for Task { stat, .. } in &self.0 {
            // The name, in parentheses, comes before; it is all that may contain one.
            let text = read(stat)?;
            let state = text.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            if state != Some('S') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How often they have given up their CPU to wait, as getrusage(2) counts it for each.
    fn waits(&self) -> Result<u64> {
        let mut sum = 0;
        for Task { status, .. } in &self.0 {
            let text = read(status)?;
            let count = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            sum += count.context("the kernel counts no switches")?.trim().parse::<u64>()?;
        }
        Ok(sum)
    }
}

/// What the kernel says now in such a file.
fn read(file: &File) -> Result<String> {
    let mut text = vec![0; 4096];
    let size = file.read_at(&mut text, 0).context("looking at a thread")?;
    text.truncate(size);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl Rig {
    /// Messages of `size` bytes; `how` without one: polled by whoever measures.
    pub(super) fn new(
        size: usize,
        how: Option<How>,
        delivery: Delivery,
        options: impl FnOnce(Options) -> Options,
    ) -> Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        let flow = Arc::new(Flow {
            frames: frames(size)?,
            delivery,
            wanted: AtomicU64::new(0),
            done: AtomicU64::new(0),
            released: AtomicU64::new(0),
            given: AtomicU64::new(0),
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
        let threads = Threads::find(how.map_or(0, How::kernel_threads))?;
        Ok(Self { flow, driven, threads })
    }

    /// Has `count` messages come together, and waits for them.
    pub(super) fn run(&self, count: u64) -> Result<()> {
        let wanted = self.want(count);
        self.flow.ring();
        let mut stall = Stall::default();
        loop {
            // Before it is said to be stuck: whoever looks may come back late.
            let done = self.flow.done.load(Ordering::Acquire);
            if done >= wanted {
                return Ok(());
            }
            match &self.driven {
                Driven::Direct(graph, clock) => drop(graph.poll(clock.now()).then_some(())),
                Driven::Received(_) => {
                    ensure!(!stall.lasts(done), "messages are not carried out: {}", self.state());
                    std::thread::park_timeout(LOOK);
                }
            }
        }
    }

    /// `count` messages more: how many there are to be then.
    fn want(&self, count: u64) -> u64 {
        let wanted = self.flow.wanted.load(Ordering::Relaxed) + count;
        *locked(&self.flow.measuring) = std::thread::current();
        self.flow.wanted.store(wanted, Ordering::Relaxed);
        wanted
    }

    /// Has one message come to a host at rest, as on a network where the next one is sent when this one was answered, and waits
    /// until it is at rest again. Returns how often something came to it.
    fn deliver(&self) -> Result<u64> {
        if self.flow.delivery == Delivery::Burst {
            self.run(1)?;
            self.settle()?;
            return Ok(1);
        }
        let wanted = self.want(1);
        for _ in &self.flow.frames {
            self.flow.released.fetch_add(1, Ordering::Relaxed);
            self.flow.ring();
            self.settle()?;
        }
        let done = self.flow.done.load(Ordering::Acquire);
        ensure!(done == wanted, "of {wanted} messages {done} were carried out: {}", self.state());
        Ok(self.flow.frames.len().try_into()?)
    }

    fn reception(&self) -> Result<&Reception> {
        match &self.driven {
            Driven::Received(reception) => Ok(reception),
            Driven::Direct(..) => bail!("nobody receives"),
        }
    }

    /// Until all that was released has come, nothing is under way, and all threads of the host sleep.
    fn settle(&self) -> Result<()> {
        let reception = self.reception()?;
        let mut stall = Stall::default();
        for look in 0_u32.. {
            let has_come = self.flow.given.load(Ordering::Relaxed) >= self.flow.released.load(Ordering::Relaxed);
            if has_come && reception.is_idle() && self.threads.are_asleep()? {
                break;
            }
            if look < 10_000 {
                std::thread::yield_now();
            } else {
                ensure!(!stall.lasts(0), "the host does not come to rest: {}", self.state());
                std::thread::sleep(LOOK);
            }
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
        (0..100).try_for_each(|_| self.deliver().map(drop))?;
        let (before, waits) = (self.reception()?.counts(), self.threads.waits()?);
        let mut rests = 0;
        for _ in 0..count {
            rests += self.deliver()?;
        }
        let mut counts = self.reception()?.counts();
        counts.switches -= before.switches;
        counts.messages -= before.messages;
        counts.stacks_taken -= before.stacks_taken;
        counts.stacks_returned -= before.stacks_returned;
        Ok(Cost { counts, frames: counts.messages, waits: self.threads.waits()? - waits, rests })
    }
}
