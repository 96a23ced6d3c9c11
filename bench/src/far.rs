//! Round trips to another host: through the protocol graph, and bare.
//!
//! Two processes, two network namespaces where the wire is AF_PACKET. Both sides spin. *bare* is the least that moves the
//! same frame there and back by the same means: a loop of read and write on the same kind of socket, or of taking and
//! sending on the same rings, with the addresses changed by the side that answers, and no protocol. The frames are of the same
//! bytes, so the kernel does the same with them. A packet socket has two such loops: *bare* reads and writes, as most programs
//! do, and *ring* takes frames from memory shared with the kernel, as `wire_packet` does.

use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nearcall::far::{Driven, Host};
use nearcall_core::shm::packets::PacketRing;
use nearcall_core::sys::packet;
use nearcall_graph::compose::{Kinds, Plan as Composition};
use nearcall_graph::protocol::Session;
use nearcall_graph::protocols::{eth, ip, udp};
use nearcall_graph::wires::Wire as _;
use nearcall_graph::wires::memory::MemoryWire;
use nearcall_graph::{Address, Anchor, Clock, Graph, Hardware, Message, Participants};
use nearcall_testkit::netns;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::measure::Plan;
use crate::peer::{Peer, Placement};
use crate::sample::Sample;
use crate::spin::PATIENCE;

/// What goes there and back.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Far {
    wire: Wire,
    how: How,
    /// Bytes of the datagram.
    size: usize,
}

/// What is measured of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum How {
    /// A round trip through the graph.
    Graph,
    /// A round trip without one.
    Bare,
    /// The same, with frames taken from memory shared with the kernel.
    Ring,
    /// A call by SELECT, VCHAN, CHAN, BID and BLAST, answered by a loop at the other host.
    Chan,
    /// A call through a generated client to an exported object at the other host.
    Far(Procedure),
    /// A null call to a process without a graph.
    Alone,
    /// A null call to a process whose runtime drives a graph, on which nothing comes.
    Near,
    /// The same, with a datagram echoed through that graph after each [`APART`] calls.
    Beside,
}

/// What is called far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Procedure {
    Null,
    Add,
    Write4096,
}

/// Calls between two datagrams. The median is that of calls alone.
const APART: u32 = 16;

#[nearcall::interface]
trait Nothing {
    fn null(&self);
    fn add(&self, a: u32, b: u32) -> u32;
    fn write(&self, bytes: &[u8]) -> u32;
}

struct Idle;
impl Nothing for Idle {
    fn null(&self) {}
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    fn write(&self, bytes: &[u8]) -> u32 {
        u32::try_from(bytes.len()).unwrap_or(u32::MAX)
    }
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Wire {
    /// Packet sockets on the two ends of a veth pair.
    Packet,
    /// The kernel's UDP over loopback.
    Udp,
    /// Rings in shared memory.
    Memory,
}

/// All of them; a graph's case has the bare loop of its wire as its limit.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, wire) in [("af_packet", Wire::Packet), ("udp", Wire::Udp), ("shm", Wire::Memory)] {
        for (suffix, size) in [("", 8), (".1000", 1000)] {
            let case = |kind: &str, how| {
                let work = Work::Far(Far { wire, how, size });
                // A wait for a processor, where others use them, is a thousand times as long as a round trip.
                Case::new(format!("{kind}.{name}{suffix}"), Placement::Apart, work).by_median()
            };
            cases.push(case("bare", How::Bare));
            if wire == Wire::Packet {
                cases.push(case("ring", How::Ring).limit(format!("bare.{name}{suffix}")));
            }
            for (kind, how) in [("udp", How::Graph), ("chan", How::Chan)] {
                let case = case(kind, how).limit(format!("bare.{name}{suffix}"));
                // What receives as the graph does there.
                let is_packet = wire == Wire::Packet;
                cases.push(if is_packet { case.beside(format!("ring.{name}{suffix}")) } else { case });
            }
        }
        for (suffix, size, limit) in [(".1", 1, ""), (".2000", 2000, ".1000")] {
            let work = Work::Far(Far { wire, how: How::Chan, size });
            let case = Case::new(format!("chan.{name}{suffix}"), Placement::Apart, work).by_median();
            cases.push(case.limit(format!("bare.{name}{limit}")));
        }
        let procedures = [("null", Procedure::Null), ("add", Procedure::Add), ("write4096", Procedure::Write4096)];
        for (procedure, what) in procedures {
            let work = Work::Far(Far { wire, how: How::Far(what), size: 8 });
            let case = Case::new(format!("far.{name}.{procedure}"), Placement::Apart, work).by_median();
            cases.push(case.limit(format!("bare.{name}")));
        }
        let case = |kind: &str, how| {
            let work = Work::Far(Far { wire, how, size: 8 });
            Case::new(format!("{kind}.{name}"), Placement::Apart, work).by_median()
        };
        cases.push(case("near_idle", How::Near).limit("near_alone"));
        cases.push(case("near_beside", How::Beside).limit("near_alone"));
    }
    let work = Work::Far(Far { wire: Wire::Memory, how: How::Alone, size: 8 });
    cases.insert(0, Case::new("near_alone", Placement::Apart, work).by_median());
    cases
}

/// Where the sides of a case meet, and what has to live as long.
struct Place {
    text: String,
    _namespaces: Option<(netns::Namespace, netns::Namespace)>,
    _directory: Option<tempfile::TempDir>,
    /// Of names, for both sides.
    names: Option<std::path::PathBuf>,
}

/// Where directories of names are, each by the number of the client's process.
const NAMES: &str = "nearcall-bench-far";

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(names) = &self.names {
            let _ = std::fs::remove_dir_all(names);
        }
    }
}

impl Far {
    /// Prepares it, and takes this process there.
    fn meet(self) -> Result<Place> {
        let mut place = Place { text: String::new(), _namespaces: None, _directory: None, names: None };
        if matches!(self.how, How::Alone | How::Near | How::Beside | How::Far(_)) {
            let names = std::env::temp_dir().join(NAMES).join(std::process::id().to_string());
            std::fs::create_dir_all(&names).context("making a directory for names")?;
            place.names = Some(names);
        }
        match self.wire {
            Wire::Packet => {
                let (near, far) = netns::veth(false).context("network namespaces cannot be made here")?;
                near.enter();
                place.text = far.path();
                place._namespaces = Some((near, far));
            }
            Wire::Udp => {
                let [.., c, d] = std::process::id().to_be_bytes();
                place.text = format!("127.9.{c}.{d}");
            }
            Wire::Memory => {
                let directory = tempfile::tempdir().context("making a directory")?;
                place.text = directory.path().join("wire").display().to_string();
                place._directory = Some(directory);
            }
        }
        Ok(place)
    }

    /// The first statement of the graph file of host `side`.
    fn statement(self, side: usize, place: &str) -> String {
        match self.wire {
            Wire::Packet => format!("wire_packet interface={}", ["near", "far"][side]),
            Wire::Udp => format!("wire_udp local={place}:{} peers={place}:{}", 9001 + side, 9002 - side),
            Wire::Memory => format!("wire_memory path={place} side={}", ["connect", "listen"][side]),
        }
    }

    /// Calls, over the kernel's UDP or over Ethernet and IP.
    fn call_graph(self, side: usize, place: &str) -> String {
        let calls = "name=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\nname=chan protocols=bid;\n\
            name=vchan protocols=chan;\nname=select protocols=vchan;\nname=anchor protocols=select;\n";
        if self.wire == Wire::Udp {
            let local = format!("{place}:{}", 9001 + side);
            return format!("name=wire_sockets local={local};\n@;\nname=blast protocols=wire_sockets;\n{calls}");
        }
        let wire = self.statement(side, place);
        let kind = wire.split_whitespace().next().unwrap_or_default();
        // A far name has a port.
        let below = match self.how {
            How::Far(_) => "name=udp protocols=ip;\nname=blast protocols=udp port=9002;\n",
            _ => "name=blast protocols=ip;\n",
        };
        format!(
            "name={wire};\n@;\nname=eth protocols={kind};\nname=arp protocols=eth lifetime=1000s;\n\
             name=ip protocols=eth,arp address=10.0.0.{}/24;\n{below}{calls}",
            side + 1
        )
    }

    /// Where the other host is called.
    fn callee(self, place: &str) -> (std::net::Ipv4Addr, u16) {
        match self.wire {
            Wire::Udp => (place.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST), 9002),
            _ => ([10, 0, 0, 2].into(), 9002),
        }
    }

    fn graph(self, side: usize, place: &str, clock: &Clock) -> Result<Graph> {
        if self.how == How::Chan {
            let text = self.call_graph(side, place);
            return Ok(Composition::read("bench.graph", &text, &Kinds::standard())?.build(None, clock.now())?);
        }
        let wire = self.statement(side, place);
        let kind = wire.split_whitespace().next().unwrap_or_default();
        let text = format!(
            "name={wire};\n@;\nname=eth protocols={kind};\nname=arp protocols=eth lifetime=1000s;\n\
             name=ip protocols=eth,arp address=10.0.0.{}/24;\nname=udp protocols=ip;\n{}",
            side + 1,
            ["name=anchor protocols=udp;", "name=echo protocols=udp port=7;"][side]
        );
        Ok(Composition::read("bench.graph", &text, &Kinds::standard())?.build(None, clock.now())?)
    }

    /// The frame that carries a datagram of this size, headers and all.
    fn frame(self, to: [u8; 6], from: [u8; 6]) -> Vec<u8> {
        let ends = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let size = |header: usize| u16::try_from(self.size + header).unwrap_or(u16::MAX);
        let mut message = Message::from(vec![0x55; self.size]);
        // No checksum of UDP: nobody computes one in a bare loop.
        message.push_header(&udp::Header {
            source: 4711.into(),
            destination: 7.into(),
            size: size(8).into(),
            checksum: 0.into(),
        });
        let header = ip::header::Header {
            version_and_words: 0x45,
            service: 0,
            size: size(28).into(),
            identification: 1.into(),
            flags_and_offset: 0.into(),
            hops: 64,
            number: 17,
            checksum: 0.into(),
            source: ends.0,
            destination: ends.1,
        };
        message.push_header(&header.sealed());
        message.push_header(&eth::Header { destination: to, source: from, kind: 0x0800.into() });
        message.to_vec()
    }

    /// The bare wire of host `side`.
    fn open(self, side: usize, place: &str) -> Result<Bare> {
        Ok(match self.wire {
            Wire::Packet => {
                let (socket, interface) = packet::open(["near", "far"][side], false)?;
                let means = match self.how {
                    How::Ring => Means::Ring(PacketRing::new(socket, 1514, 256)?),
                    _ => Means::Packet(socket),
                };
                Bare { means, hardware: interface.hardware }
            }
            Wire::Udp => {
                let address = |port: usize| -> Result<SocketAddr> { Ok(format!("{place}:{port}").parse()?) };
                let socket = UdpSocket::bind(address(9001 + side)?)?;
                socket.connect(address(9002 - side)?)?;
                socket.set_nonblocking(true)?;
                Bare { means: Means::Udp(socket), hardware: [2; 6] }
            }
            Wire::Memory => {
                let path = std::path::Path::new(place);
                let wire = MemoryWire::open(path, side == 1, Hardware([2; 6]), 1500, PATIENCE)?;
                Bare { means: Means::Memory(wire), hardware: [2; 6] }
            }
        })
    }
}

/// A wire without a graph.
struct Bare {
    means: Means,
    hardware: [u8; 6],
}

enum Means {
    Packet(packet::PacketSocket),
    Ring(PacketRing),
    Udp(UdpSocket),
    Memory(MemoryWire),
}

impl Bare {
    fn send(&mut self, frame: &[u8]) -> Result<()> {
        match &mut self.means {
            Means::Packet(socket) => drop(rustix::io::write(socket, frame)?),
            Means::Ring(ring) => drop(rustix::io::write(ring, frame)?),
            Means::Udp(socket) => drop(rustix::io::write(socket, frame)?),
            Means::Memory(wire) => wire.send(&Message::from(frame.to_vec()))?,
        }
        Ok(())
    }

    /// Looks once. Other frames than IP's are none: a new interface says much of itself.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let size = match &mut self.means {
            Means::Packet(socket) => rustix::io::read(&*socket, &mut *buffer),
            Means::Ring(ring) => match ring.receive(buffer) {
                Some(received) => Ok(received.size.min(buffer.len())),
                None => Err(rustix::io::Errno::AGAIN),
            },
            Means::Udp(socket) => rustix::io::read(&*socket, &mut *buffer),
            Means::Memory(wire) => match wire.receive()? {
                Some(frame) => Ok(frame.copy_to(buffer)),
                None => Err(rustix::io::Errno::AGAIN),
            },
        };
        match size {
            Ok(size) if size >= 42 && buffer[12..14] == [8, 0] => Ok(Some(size)),
            Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNREFUSED) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The other host: answers until it is killed. Where frames are addressed, to whoever sent them.
///
/// # Errors
/// When its wire cannot be opened, or fails.
pub(crate) fn serve(far: Far, place: &str) -> Result<()> {
    if far.wire == Wire::Packet {
        netns::enter(place).context("going to the other namespace")?;
    }
    let clock = Clock::new();
    if matches!(far.how, How::Alone | How::Near | How::Beside) {
        let graph = (far.how != How::Alone).then(|| far.graph(1, place, &clock)).transpose()?;
        let _driven = graph.map(|graph| Driven::new(Arc::new(graph))).transpose()?;
        let names = std::env::temp_dir().join(NAMES).join(std::os::unix::process::parent_id().to_string());
        let _export = nearcall::Exporter::new("nothing").dir(&names).replace().export(NothingServer::new(Idle))?;
        loop {
            std::thread::park();
        }
    }
    if let How::Far(_) = far.how {
        let names = std::env::temp_dir().join(NAMES).join(std::os::unix::process::parent_id().to_string());
        let _export = nearcall::Exporter::new("nothing").dir(&names).replace().export(NothingServer::new(Idle))?;
        let host = Arc::new(Host::compose("bench.graph", &far.call_graph(1, place))?);
        let _server = nearcall::far::serve(host, Some(names), &[])?;
        loop {
            std::thread::park();
        }
    }
    if far.how == How::Chan {
        let graph = far.graph(1, place, &clock)?;
        let anchor = graph.anchor("anchor").context("the graph has an anchor")?;
        anchor.enable(Participants::new().at(Address::Port(PROCEDURE)), clock.now())?;
        loop {
            graph.poll(clock.now());
            while let Some((session, message)) = anchor.receive() {
                let mut reply = Message::from(vec![0x55; message.size()]);
                // What is answered is what was asked.
                if message.size() < 64 {
                    reply = message;
                }
                let _ = anchor.push(session, reply, clock.now());
            }
        }
    }
    if far.how == How::Graph {
        let graph = far.graph(1, place, &clock)?;
        loop {
            graph.poll(clock.now());
        }
    }
    let mut wire = far.open(1, place)?;
    let mut buffer = [0; 2048];
    loop {
        if let Some(size) = wire.receive(&mut buffer)? {
            buffer.copy_within(6..12, 0);
            buffer[6..12].copy_from_slice(&wire.hardware);
            wire.send(&buffer[..size])?;
        }
    }
}

/// Measures one case once.
///
/// # Errors
/// When the other host cannot be started, and for every answer that is wrong or late.
pub(crate) fn measure(far: Far, plan: &Plan, task: &Task) -> Result<Sample> {
    let place = far.meet()?;
    let what = serde_json::to_string(&far)?;
    let mut peer = task.start_server(&["serve-far", &what, &place.text], Stdio::null())?;
    let sample = match far.how {
        How::Bare | How::Ring => measure_bare(far, &place, plan, &mut peer),
        How::Graph => measure_graph(far, &place, plan, &mut peer),
        How::Chan => measure_chan(far, &place, plan, &mut peer),
        How::Far(procedure) => measure_far(far, procedure, &place, plan),
        How::Alone | How::Near | How::Beside => measure_near(far, &place, plan, &mut peer),
    };
    peer.kill();
    sample
}

/// Whether the time is over, asked seldom.
fn late(started: std::time::Instant, turns: u32, peer: &mut Peer) -> Result<()> {
    if turns.is_multiple_of(1 << 16) {
        ensure!(peer.runs(), "the other host has ended");
        ensure!(started.elapsed() < PATIENCE, "no answer came for {PATIENCE:?}");
    }
    Ok(())
}

/// Null calls, and now and then a datagram to the same process.
fn measure_near(far: Far, place: &Place, plan: &Plan, peer: &mut Peer) -> Result<Sample> {
    let clock = Clock::new();
    let graph = (far.how != How::Alone).then(|| far.graph(0, &place.text, &clock)).transpose()?;
    let mut asking = graph.as_ref().map(|graph| Asking::start(far, graph, &clock)).transpose()?;
    let names = place.names.as_ref().context("there are names")?;
    let client: NothingClient = nearcall::Binder::new("nothing").dir(names).wait(PATIENCE).bind()?;
    let mut calls = 0;
    plan.measure(1, || {
        calls += 1;
        if far.how == How::Beside
            && calls % APART == 0
            && let Some(asking) = &mut asking
        {
            asking.ask(peer)?;
        }
        Ok(client.null()?)
    })
}

/// Datagrams there and back.
struct Asking<'g> {
    graph: &'g Graph,
    clock: &'g Clock,
    anchor: Anchor<'g>,
    session: Session,
    expected: Vec<u8>,
    sent: Message,
}

impl<'g> Asking<'g> {
    fn start(far: Far, graph: &'g Graph, clock: &'g Clock) -> Result<Self> {
        let anchor = graph.anchor("anchor").context("the graph has an anchor")?;
        let to = Participants::new().to(Address::Host([10, 0, 0, 2].into())).to(Address::Port(7));
        let session: Session = anchor.open(to, clock.now())?;
        let expected = vec![0x55; far.size];
        let sent = Message::from(expected.clone());
        // The other host may not be there yet, nor its link be up: until it answers, what is lost goes again.
        let step = Duration::from_millis(20);
        let first = (0..500).any(|_| {
            let _ = anchor.push(session, sent.clone(), clock.now());
            graph.until(clock, step, || anchor.receive()).is_some()
        });
        ensure!(first, "the other host never answered");
        // Answers to what went more than once.
        while graph.until(clock, 5 * step, || anchor.receive()).is_some() {}
        Ok(Self { graph, clock, anchor, session, expected, sent })
    }

    fn ask(&mut self, peer: &mut Peer) -> Result<()> {
        self.anchor.push(self.session, self.sent.clone(), self.clock.now())?;
        let started = std::time::Instant::now();
        for turns in 1.. {
            self.graph.poll(self.clock.now());
            if let Some((_, back)) = self.anchor.receive() {
                let right = |slice: &[u8]| Some(slice) == self.expected.get(..slice.len());
                if back.size() != self.expected.len() || !back.slices().all(right) {
                    bail!("something else came back");
                }
                break;
            }
            late(started, turns, peer)?;
        }
        Ok(())
    }
}

/// SELECT's number for the calls of `chan`.
const PROCEDURE: u16 = 7;

/// How long a call may take at first, when the other host is not there yet.
const FIRST: Duration = Duration::from_secs(1);

fn measure_chan(far: Far, place: &Place, plan: &Plan, peer: &mut Peer) -> Result<Sample> {
    let clock = Clock::new();
    let graph = far.graph(0, &place.text, &clock)?;
    let anchor = graph.anchor("anchor").context("the graph has an anchor")?;
    let (host, port) = far.callee(&place.text);
    let mut to = Participants::new().to(Address::Host(host));
    if far.wire == Wire::Udp {
        to = to.to(Address::Port(port));
    }
    let session = anchor.open(to.to(Address::Port(PROCEDURE)), clock.now())?;
    let sent = Message::from(vec![0x55; far.size]);
    let first = (0..20).any(|_| {
        let mut message = sent.clone();
        message.attributes_mut().deadline = Some(clock.now().after(FIRST));
        let Ok(ticket) = anchor.call(session, message, clock.now()) else { return false };
        let answer = graph.until(&clock, 2 * FIRST, || graph.answer(ticket));
        answer.is_some_and(|answer| answer.is_ok())
    });
    ensure!(first, "the other host never answered");
    plan.measure(1, || {
        let ticket = anchor.call(session, sent.clone(), clock.now())?;
        let started = std::time::Instant::now();
        for turns in 1.. {
            graph.poll(clock.now());
            if let Some(answer) = graph.answer(ticket) {
                let back = answer?;
                ensure!(back.size() == far.size, "something else came back");
                ensure!(back.slices().all(|slice| slice.iter().all(|byte| *byte == 0x55)), "other bytes came back");
                break;
            }
            late(started, turns, peer)?;
        }
        Ok(())
    })
}

fn measure_far(far: Far, procedure: Procedure, place: &Place, plan: &Plan) -> Result<Sample> {
    let host = Arc::new(Host::compose("bench.graph", &far.call_graph(0, &place.text))?);
    let (address, port) = far.callee(&place.text);
    let name = format!("chan://{address}:{port}/nothing");
    let bind = || nearcall::Binder::new(&name).through(Arc::clone(&host)).bind::<NothingClient>();
    let mut client = bind();
    for _ in 0..20 {
        if client.is_ok() {
            break;
        }
        std::thread::sleep(FIRST / 10);
        client = bind();
    }
    let client = client?;
    let bytes = vec![0x55; 4096];
    plan.measure(1, || {
        match procedure {
            Procedure::Null => client.null()?,
            Procedure::Add => ensure!(client.add(2, 3)? == 5, "another sum came back"),
            Procedure::Write4096 => ensure!(client.write(&bytes)? == 4096, "another size came back"),
        }
        Ok(())
    })
}

fn measure_graph(far: Far, place: &Place, plan: &Plan, peer: &mut Peer) -> Result<Sample> {
    let clock = Clock::new();
    let graph = far.graph(0, &place.text, &clock)?;
    let mut asking = Asking::start(far, &graph, &clock)?;
    plan.measure(1, || asking.ask(peer))
}

fn measure_bare(far: Far, place: &Place, plan: &Plan, peer: &mut Peer) -> Result<Sample> {
    let mut wire = far.open(0, &place.text)?;
    // The other interface hears what is sent to all, and from its first answer on it is known.
    let mut frame = far.frame([0xff; 6], wire.hardware);
    let mut buffer = [0; 2048];
    let mut first = false;
    let started = std::time::Instant::now();
    while !first && started.elapsed() < 2 * PATIENCE {
        // It fails while nobody is there.
        let _ = wire.send(&frame);
        let sent = std::time::Instant::now();
        while !first && sent.elapsed() < Duration::from_millis(20) {
            first = wire.receive(&mut buffer)?.is_some();
        }
    }
    ensure!(first, "the other host never answered");
    frame[..6].copy_from_slice(&buffer[6..12]);
    let drained = std::time::Instant::now();
    while drained.elapsed() < Duration::from_millis(100) {
        let _ = wire.receive(&mut buffer)?;
    }
    plan.measure(1, || {
        wire.send(&frame)?;
        let started = std::time::Instant::now();
        for turns in 1.. {
            if let Some(size) = wire.receive(&mut buffer)? {
                ensure!(size == frame.len() && buffer[14..size] == frame[14..], "something else came back");
                return Ok(());
            }
            late(started, turns, peer)?;
        }
        Ok(())
    })
}
