//! Round trips between two hosts, each a process with threads that receive, over memory that both share.
//!
//! Both sides poll their wire, which stands for the interrupt; whoever polls on a CPU that others of its host need lets them run
//! between two looks. *queued* is what Regular mode cannot be faster than ([`queued`]); *bare* is that without any protocol
//! ([`bare`](super::bare)).
//!
//! On a *paced* wire the next frame can be had [`PACE`] after the last one was taken, as out of a network that is slower than the
//! protocols; else those of a message come together.

use std::os::fd::BorrowedFd;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nearcall_graph::compose::{Kind, Kinds, MakeError, Plan as Composition, Realm};
use nearcall_graph::protocol::{Control, Session};
use nearcall_graph::reception::{Counts, Mode, Options, Reception};
use nearcall_graph::wires::memory::MemoryWire;
use nearcall_graph::wires::{Wire, WireProtocol};
use nearcall_graph::{Address, Clock, Graph, Handler, Hardware, Message, Participants, Time};
use serde::{Deserialize, Serialize};

use super::bare::Bare;
use super::{LOOK, PATIENCE, Stall, queued};
use crate::client::Task;
use crate::measure::Plan;
use crate::sample::Sample;

/// Round trips that the clients' threads make by themselves before the one that measures looks again.
const TOGETHER: u32 = 64;

/// Turns of a thread that receives before it sleeps: never, in a measurement.
const TURNS: u32 = u32::MAX;

/// From one frame of a paced wire to the next: more than an input thread takes to be woken and carry one out.
const PACE: Duration = Duration::from_micros(20);

/// SELECT's number, or UDP's port.
const PORT: u16 = 7;

/// By which BLAST knows the one message of a host that it keeps until an answer shows that it has arrived.
const TAG: u32 = 1;

/// What the two hosts are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stack {
    /// Datagrams.
    Udp,
    /// Messages in fragments.
    Blast,
    /// Calls.
    Chan,
    /// Frames, and no graph.
    Bare,
}

/// How a host receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    /// With so many input threads.
    Regular(usize),
    /// By interrupt protocol processing, each message being handed off before the program's handler; with so many threads beside
    /// the lead.
    Handoff(usize),
    /// The same without any handoff.
    Stay(usize),
    /// By a bare queue and a thread that sleeps, without any reception of the graph's.
    Queued,
}

/// A round trip.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(crate) stack: Stack,
    pub(crate) client: How,
    pub(crate) server: How,
    /// Bytes of the message, there and back.
    pub(crate) size: usize,
    /// Whether a host's threads are on another CPU than the one that receives.
    pub(crate) across: bool,
    /// Whether frames come one by one.
    pub(crate) is_paced: bool,
}

/// A wire of which the next frame can be had [`PACE`] after the last one.
struct Paced {
    wire: MemoryWire,
    next: Instant,
}

impl Wire for Paced {
    fn hardware(&self) -> Hardware {
        self.wire.hardware()
    }
    fn largest_frame(&self) -> usize {
        self.wire.largest_frame()
    }
    fn send(&mut self, frame: &Message) -> Result<(), rustix::io::Errno> {
        self.wire.send(frame)
    }
    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        let now = Instant::now();
        if now < self.next {
            return Ok(None);
        }
        let frame = self.wire.receive()?;
        if frame.is_some() {
            self.next = now + PACE;
        }
        Ok(frame)
    }
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.wire.descriptor()
    }
    fn before_sleep(&mut self) -> bool {
        self.wire.before_sleep() && Instant::now() >= self.next
    }
    fn after_sleep(&mut self) {
        self.wire.after_sleep();
    }
    fn is_over(&self) -> bool {
        self.wire.is_over()
    }
}

impl How {
    /// Without what depends on how busy the machine is.
    pub(crate) fn options(self) -> Options {
        let (mode, threads) = match self {
            Self::Regular(threads) => (Mode::Regular, threads),
            Self::Queued => (Mode::Regular, 1),
            Self::Handoff(threads) | Self::Stay(threads) => (Mode::Interrupt, threads),
        };
        Options::new(mode, threads).handoff_at_reassembly(false).budget(None).spin(TURNS)
    }

    /// With the one that receives.
    pub(crate) fn kernel_threads(self) -> usize {
        match self {
            Self::Regular(threads) | Self::Handoff(threads) | Self::Stay(threads) => threads + 1,
            Self::Queued => 2,
        }
    }

    pub(crate) fn annotation(self) -> &'static str {
        if matches!(self, Self::Handoff(_)) { "{handoff=explicit}" } else { "" }
    }
}

impl Trip {
    /// The graph of the host `side`; 0 is the client.
    fn graph(self, side: usize, place: &str) -> Result<Composition> {
        let note = [self.client, self.server][side].annotation();
        let above = match self.stack {
            Stack::Udp => format!("name=udp protocols=ip;\nname=anchor protocols=udp{note};\n"),
            Stack::Blast | Stack::Bare => {
                format!("name=blast protocols=ip;\nname=anchor protocols=blast{note};\n@;\nblast anchor 9;\n")
            }
            Stack::Chan => format!(
                "name=blast protocols=ip;\nname=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\n\
                 name=chan protocols=bid;\nname=vchan protocols=chan;\nname=select protocols=vchan;\n\
                 name=anchor protocols=select{note};\n"
            ),
        };
        let ways = ["connect", "listen"];
        let wire =
            if self.is_paced { "paced".to_owned() } else { format!("wire_memory path={place} side={}", ways[side]) };
        let name = if self.is_paced { "paced" } else { "wire_memory" };
        let text = format!(
            "name={wire};\n@;\nname=eth protocols={name};\nname=arp protocols=eth lifetime=1000s;\n\
             name=ip protocols=eth,arp address=10.0.0.{}/24;\n{above}",
            side + 1
        );
        let place = Path::new(place).to_owned();
        let paced = Kind::new("paced", Realm::Frames, &[], move |make| {
            let hardware = Hardware([2, 0, 0, 0, 0, u8::from(side == 1)]);
            let wire = MemoryWire::open(&place, side == 1, hardware, 1500, PATIENCE)
                .map_err(|error| MakeError::new("path", error))?;
            Ok(Box::new(WireProtocol::new(make.node, Box::new(Paced { wire, next: Instant::now() }))))
        });
        Ok(Composition::read("bench.graph", &text, &Kinds::standard().with(paced))?)
    }

    fn port(self) -> Participants {
        if self.stack == Stack::Blast { Participants::new() } else { Participants::new().at(Address::Port(PORT)) }
    }

    fn to(self) -> Participants {
        let to = Participants::new().to(Address::Host([10, 0, 0, 2].into()));
        if self.stack == Stack::Blast { to } else { to.to(Address::Port(PORT)) }
    }

    /// The CPUs of the host `side`, that of the thread that receives first; of `all`, which are two for each host, or two.
    fn cpus(self, side: usize, all: &[usize]) -> Result<Vec<usize>> {
        let each = if self.across { 2 } else { 1 };
        let own = all.chunks_exact(each).nth(side).context("there are not enough processors")?;
        Ok(own.to_vec())
    }
}

/// What goes to and fro.
fn ball(size: usize) -> Message {
    let mut message = Message::from(vec![0x55; size]);
    message.attributes_mut().tag = TAG;
    message
}

/// What came on `session` shows that what went there last has arrived: BLAST keeps a copy of what it cut, for a second
/// otherwise, and takes no more than 64 in that time.
fn release(graph: &Graph, session: Session, now: Time) {
    let _ = graph.control(session, Control::Release(TAG), now);
}

/// A host, in whichever way it receives.
enum Host {
    Received(Reception),
    Queued(Arc<Graph>),
}

impl Host {
    /// Of the side `side`, whose threads have `cpus`.
    fn start(trip: Trip, side: usize, place: &str, cpus: &[usize], attach: impl FnOnce(&Graph, Time)) -> Result<Self> {
        let (how, plan) = ([trip.client, trip.server][side], trip.graph(side, place)?);
        Ok(match how {
            How::Queued => Self::Queued(queued::start(&plan, cpus, attach)?),
            how => Self::Received(Reception::start(&plan, how.options().cpus(cpus), attach)?),
        })
    }

    fn graph(&self) -> &Arc<Graph> {
        match self {
            Self::Received(reception) => reception.graph(),
            Self::Queued(graph) => graph,
        }
    }

    fn counts(&self) -> Counts {
        match self {
            Self::Received(reception) => reception.counts(),
            Self::Queued(_) => Counts::default(),
        }
    }
}

/// Lets `handler` have what comes to the anchor.
fn attach(graph: &Graph, now: Time, at: Participants, handler: Handler) {
    let Some(anchor) = graph.anchor("anchor") else { return };
    let _ = anchor.serve(handler);
    let _ = anchor.enable(at, now);
}

/// The other host: answers with what it was sent, until it is killed.
///
/// # Errors
/// When it has no graph, or no wire.
pub(crate) fn serve(trip: Trip, place: &str, cpus: &[usize]) -> Result<()> {
    if trip.stack == Stack::Bare {
        let bare = Arc::new(Bare::open(place, true, trip.size, cpus.to_vec())?);
        bare.start(|_| true)?;
    } else {
        let echo = Handler::nonblocking(move |graph, session, mut message, now| {
            if trip.stack == Stack::Blast {
                release(graph, session, now);
                message.attributes_mut().tag = TAG;
            }
            Some(message)
        });
        let host = Host::start(trip, 1, place, cpus, |graph, now| attach(graph, now, trip.port(), echo))?;
        // For as long as the process is there.
        std::mem::forget(host);
    }
    loop {
        std::thread::park();
    }
}

/// Measures one case once.
///
/// # Errors
/// When the other host cannot be started, and for every answer that is wrong or late.
pub(crate) fn measure(trip: Trip, plan: &Plan, task: &Task) -> Result<Sample> {
    let all = task.processors.each();
    let (cpus, theirs) = (trip.cpus(0, all)?, trip.cpus(1, all)?);
    let directory = tempfile::tempdir().context("making a directory")?;
    let place = directory.path().join("wire").display().to_string();
    let what = serde_json::to_string(&super::Ipp::Trip(trip))?;
    let theirs: Vec<String> = theirs.iter().map(usize::to_string).collect();
    let arguments: Vec<&str> =
        ["serve-ipp", &what, &place].into_iter().chain(theirs.iter().map(String::as_str)).collect();
    let mut peer = task.start_server(&arguments, Stdio::null())?;
    let sample = match trip.stack {
        Stack::Bare => measure_bare(trip, &place, cpus, plan),
        Stack::Chan => measure_calls(trip, &place, &cpus, plan),
        Stack::Udp | Stack::Blast => measure_messages(trip, &place, &cpus, plan),
    };
    peer.kill();
    sample
}

/// What the handler of a client goes by.
struct Rally {
    /// Round trips that are to be made yet.
    left: AtomicU64,
    wrong: AtomicBool,
    measuring: Thread,
    size: usize,
}

impl Rally {
    fn new(size: usize) -> Arc<Self> {
        let measuring = std::thread::current();
        Arc::new(Self { left: AtomicU64::new(0), wrong: AtomicBool::new(false), measuring, size })
    }

    /// An answer has come: whether there is to be another.
    fn hit(&self, size: usize) -> bool {
        if size != self.size {
            self.wrong.store(true, Ordering::Relaxed);
        }
        let left = self.left.load(Ordering::Relaxed);
        // Release: pairs with the Acquire of the thread that waits. Only one answer is under way.
        self.left.store(left.saturating_sub(1), Ordering::Release);
        if left == 1 {
            self.measuring.unpark();
        }
        left > 1
    }

    /// Makes `count` round trips, the first of which `begin` begins; while none is over, `is_late` is asked now and then.
    fn play(&self, count: u32, begin: impl FnOnce() -> Result<()>, mut is_late: impl FnMut(u64) -> bool) -> Result<()> {
        self.left.store(u64::from(count), Ordering::Release);
        begin()?;
        loop {
            // Before it is said to be late: whoever looks may be late, too.
            let left = self.left.load(Ordering::Acquire);
            if left == 0 {
                break;
            }
            ensure!(!is_late(left), "{left} of {count} answers do not come");
            std::thread::park_timeout(LOOK);
        }
        ensure!(!self.wrong.load(Ordering::Relaxed), "something else came back");
        Ok(())
    }

    /// The same as often as it takes until the other host is there.
    fn first(&self, mut begin: impl FnMut() -> Result<()>) -> Result<()> {
        let came = (0..500).any(|_| {
            let mut looks = 0..2;
            self.play(1, &mut begin, |_| looks.next().is_none()).is_ok()
        });
        ensure!(came, "the other host never answered");
        // Answers to what went more than once.
        std::thread::sleep(LOOK);
        Ok(())
    }

    /// [`TOGETHER`] round trips.
    fn all(&self, begin: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut stall = Stall::default();
        self.play(TOGETHER, begin, |left| stall.lasts(left))
    }
}

fn measure_messages(trip: Trip, place: &str, cpus: &[usize], plan: &Plan) -> Result<Sample> {
    let clock = Clock::new();
    let rally = Rally::new(trip.size);
    let message = ball(trip.size);
    let handler = {
        let (rally, message) = (Arc::clone(&rally), message.clone());
        Handler::nonblocking(move |graph, session, back, now| {
            if trip.stack == Stack::Blast {
                release(graph, session, now);
            }
            rally.hit(back.size()).then(|| message.clone())
        })
    };
    let attach = |graph: &Graph, now: Time| attach(graph, now, trip.port(), handler);
    let host = Host::start(trip, 0, place, cpus, attach)?;
    let anchor = host.graph().anchor("anchor").context("the graph has an anchor")?;
    let session = anchor.open(trip.to(), clock.now())?;
    let begin = || Ok(anchor.push(session, message.clone(), clock.now())?);
    rally.first(begin)?;
    let before = host.counts();
    let mut trips = 0;
    let mut sample = plan.measure(TOGETHER, || {
        trips += u64::from(TOGETHER);
        rally.all(begin)
    })?;
    if trip.client != How::Queued {
        note(&mut sample, before, host.counts(), trips);
    }
    Ok(sample)
}

/// How often this host's threads were switched between, for each round trip.
fn note(sample: &mut Sample, before: Counts, after: Counts, trips: u64) {
    let per_trip = |count: fn(&Counts) -> u64| (count(&after) - count(&before)) as f64 / trips as f64;
    sample.fact("client_switches", per_trip(|counts| counts.switches));
    sample.fact("client_frames", per_trip(|counts| counts.messages));
}

/// CHAN's client is always handed off to: it waits for its answer.
fn measure_calls(trip: Trip, place: &str, cpus: &[usize], plan: &Plan) -> Result<Sample> {
    let clock = Clock::new();
    let host = Host::start(trip, 0, place, cpus, |_, _| {})?;
    let graph = host.graph();
    let session: Session = graph.anchor("anchor").context("the graph has an anchor")?.open(trip.to(), clock.now())?;
    let message = Message::from(vec![0x55; trip.size]);
    let call = |limit: Duration| -> Result<()> {
        let mut message = message.clone();
        message.attributes_mut().deadline = Some(clock.now().after(limit));
        let ticket = graph.call(session, message, clock.now())?;
        let answer = graph.wait(2 * limit, || graph.answer(ticket)).context("no answer came")?;
        ensure!(answer?.size() == trip.size, "something else came back");
        Ok(())
    };
    ensure!((0..50).any(|_| call(Duration::from_secs(1)).is_ok()), "the other host never answered");
    let before = host.counts();
    let mut trips = 0;
    let mut sample = plan.measure(1, || {
        trips += 1;
        call(PATIENCE)
    })?;
    note(&mut sample, before, host.counts(), trips);
    Ok(sample)
}

fn measure_bare(trip: Trip, place: &str, cpus: Vec<usize>, plan: &Plan) -> Result<Sample> {
    let bare = Arc::new(Bare::open(place, false, trip.size, cpus)?);
    let rally = Rally::new(bare.size());
    let answers = Arc::clone(&rally);
    Arc::clone(&bare).start(move |size| answers.hit(size))?;
    let begin = || bare.send();
    rally.first(begin)?;
    plan.measure(TOGETHER, || rally.all(begin))
}
