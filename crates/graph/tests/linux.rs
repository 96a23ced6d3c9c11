//! Linux on the other side of a veth pair: its ping and its UDP sockets against our protocols, both ways.

mod common;

use core::net::Ipv4Addr;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::net::{dissect, pcap};
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::{Address, Clock, Graph, Message, Participants, Time};
use nearcall_testkit::netns::{Namespace, skipped, veth};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr};

const PATIENCE: Duration = Duration::from_secs(20);

/// A host at 10.1.0.2 on the interface `near`, which traces what is on the wire; or on a link with faults, and without memory shared with
/// the kernel.
fn file(trace: &str, faults: bool) -> String {
    let relays =
        "name=duplicate protocols=eth rate=0.3 seed=1;\nname=disorder protocols=duplicate rate=0.3 seed=2 time=2ms;\n";
    let (relays, link, slots) = if faults { (relays, "disorder", 0) } else { ("", "eth", 64) };
    format!(
        "name=wire_packet interface=near slots={slots};\n@;\nname=trace protocols=wire_packet file={trace};\n\
         name=eth protocols=trace;\nname=arp protocols=eth;\n{relays}\
         name=ip protocols={link},arp address=10.1.0.2/24;\nname=icmp protocols=ip timeout=10s;\nname=udp protocols=ip;\n\
         name=echo protocols=udp port=7;\nname=anchor/ping protocols=icmp;\nname=anchor protocols=udp;\n"
    )
}

fn build(text: &str) -> Graph {
    Plan::read("linux.graph", text, &Kinds::standard()).unwrap().build(None, Time(1)).unwrap()
}

/// What Linux does while our host runs in another thread.
fn beside(graph: &Graph, linux: impl FnOnce()) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let clock = Clock::new();
            while !over.load(Ordering::Relaxed) {
                graph.until(&clock, Duration::from_millis(20), || None::<()>);
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(linux));
        over.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

fn on_linux<T: Send>(far: &Namespace, task: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            far.enter();
            task()
        });
        there.join().unwrap()
    })
}

/// Whether the frames of a trace are right, as others read them. What Linux sends has checksums for the hardware to compute.
fn check_trace(path: &std::path::Path) {
    let bytes = std::fs::read(path).unwrap();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for frame in pcap(&bytes) {
        let ours = frame.get(26..30) == Some(&[10, 1, 0, 2]);
        match dissect(frame, ours) {
            Ok(kind) => *seen.entry(kind).or_default() += 1,
            Err(wrong) => panic!("{wrong}"),
        }
    }
    tcpdump(path);
    assert!(["arp", "icmp", "udp", "fragment"].iter().all(|kind| seen.contains_key(kind)), "{seen:?}");
}

/// What tcpdump makes of it, where it is installed: nothing may be called bad, truncated or malformed.
fn tcpdump(path: &std::path::Path) {
    let Ok(output) = std::process::Command::new("tcpdump").arg("-nvvr").arg(path).output() else {
        return skipped("there is no tcpdump here; smoltcp alone read the trace");
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.lines().count() > 20, "{said}");
    for line in said.lines() {
        // What Linux sends has no transport checksum yet.
        let of_linux =
            line.contains("10.1.0.1.") && line.contains("bad udp cksum") && !line.trim_start().starts_with("10.1.0.2");
        let bad = ["bad", "wrong", "truncated", "malformed", "[|"].iter().any(|word| line.contains(word));
        assert!(!bad || of_linux, "{line}");
    }
}

fn linux_asks(far: &Namespace) {
    on_linux(far, || {
        // Linux's ping, if it is there; its kernel's raw socket else.
        match std::process::Command::new("ping").args(["-c", "3", "-W", "5", "-s", "3000", "10.1.0.2"]).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(output.status.success() && said.contains(" 0% packet loss"), "{said}");
            }
            Err(_) => skipped("there is no ping here; a raw socket asks instead"),
        }
        for size in [0, 56, 3000] {
            assert!(raw_ping(Ipv4Addr::new(10, 1, 0, 2), size) == vec![0xab; size], "{size}");
        }
        let socket = UdpSocket::bind("10.1.0.1:0").unwrap();
        socket.connect("10.1.0.2:7").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        for size in [0, 1, 17, 18, 1472, 1473, 4000, 16_384, 65_507] {
            let sent: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            socket.send(&sent).unwrap();
            let mut back = vec![0; 65_536];
            // Some come twice; a late one of the last size is skipped.
            loop {
                let came = socket.recv(&mut back).unwrap();
                if came == size {
                    assert!(back[..came] == sent, "{size}");
                    break;
                }
            }
        }
    });
}

/// Asks with an ICMP socket of the kernel, and returns what came back behind the header.
fn raw_ping(host: Ipv4Addr, size: usize) -> Vec<u8> {
    let data = vec![0xab; size];
    // Some answers come twice; those to an earlier question are skipped.
    let seq_no = u16::try_from(size).unwrap();
    let repr = Icmpv4Repr::EchoRequest { ident: 77, seq_no, data: &data };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut Icmpv4Packet::new_unchecked(&mut bytes[..]), &smoltcp::phy::ChecksumCapabilities::default());
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::RAW, Some(rustix::net::ipproto::ICMP)).unwrap();
    rustix::net::sockopt::set_socket_timeout(&socket, rustix::net::sockopt::Timeout::Recv, Some(PATIENCE)).unwrap();
    rustix::net::sendto(&socket, &bytes, SendFlags::empty(), &core::net::SocketAddr::from((host, 0))).unwrap();
    loop {
        let mut back = vec![0; 65_536];
        let (_, came) = rustix::net::recv(&socket, &mut back[..], RecvFlags::empty()).unwrap();
        let packet = smoltcp::wire::Ipv4Packet::new_checked(&back[..came]).unwrap();
        let icmp = Icmpv4Packet::new_checked(packet.payload()).unwrap();
        assert!(icmp.verify_checksum());
        let parsed = Icmpv4Repr::parse(&icmp, &smoltcp::phy::ChecksumCapabilities::default());
        match parsed {
            Ok(Icmpv4Repr::EchoReply { ident: 77, seq_no: answered, data }) if answered == seq_no => {
                return data.to_vec();
            }
            _ => {}
        }
    }
}

#[test]
fn linux_asks_us() {
    for faults in [false, true] {
        let Some((near, far)) = veth(true) else { return };
        near.enter();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.pcap");
        let graph = build(&file(path.to_str().unwrap(), faults));
        beside(&graph, || linux_asks(&far));
        graph.stop(Time(0));
        check_trace(&path);
        let count = |node: &str, name: &str| graph.count(graph.node(node).unwrap(), name);
        assert_eq!((count("udp", "bad_checksum"), count("icmp", "bad_checksum")), (0, 0));
        assert_eq!((count("ip", "bad_checksum"), count("ip", "malformed_fragments")), (0, 0));
        assert_faults(&graph, faults);
        assert!(!faults || count("ip", "duplicate_fragments") > 0, "{:?}", graph.counts(graph.node("ip").unwrap()));
    }
}

/// Both kinds have happened, or neither is there.
fn assert_faults(graph: &Graph, faults: bool) {
    for (node, name) in [("duplicate", "duplicated"), ("disorder", "disordered")] {
        let count = graph.node(node).map(|node| graph.count(node, name));
        assert!(count.map_or(!faults, |count| count > 0), "{name}: {count:?}");
    }
}

/// To all hosts of the network, both ways, whole and in fragments: each side takes it, and answers it to one.
#[test]
fn datagrams_to_all_are_taken_by_both() {
    let Some((near, far)) = veth(true) else { return };
    near.enter();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.pcap");
    let graph = build(&file(path.to_str().unwrap(), false));
    let (clock, udp) = (Clock::new(), graph.anchor("anchor").unwrap());
    udp.enable(Participants::new().at(Address::Port(9)), clock.now()).unwrap();
    let socket = on_linux(&far, || UdpSocket::bind("0.0.0.0:9").unwrap());
    socket.set_broadcast(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let all = Participants::new().to(Address::Host(Ipv4Addr::new(10, 1, 0, 255)));
    let session = udp.open(all.to(Address::Port(9)).at(Address::Port(9)), clock.now()).unwrap();
    let mut buffer = vec![0; 65_536];
    for size in [0, 1, 1472, 5000] {
        let sent: Vec<u8> = (0..size).map(|at| u8::try_from(at % 247).unwrap()).collect();
        socket.send_to(&sent, "10.1.0.255:9").unwrap();
        let came = graph.until(&clock, PATIENCE, || udp.receive());
        assert_eq!(came.map(|(_, message)| message.to_vec()), Some(sent.clone()));
        udp.push(session, Message::from(sent.clone()), clock.now()).unwrap();
        // Linux hears itself, too.
        let mut heard = || socket.recv_from(&mut buffer).unwrap();
        let came = core::iter::repeat_with(&mut heard).find(|(_, from)| from.to_string() == "10.1.0.2:9").unwrap().0;
        assert!(buffer[..came] == sent, "{size}");
    }
    let count = |name: &str| graph.count(graph.node("udp").unwrap(), name);
    assert_eq!((count("bad_checksum"), count("malformed")), (0, 0));
    graph.stop(clock.now());
    let bytes = std::fs::read(&path).unwrap();
    // Ours are right to the last checksum.
    let ours = pcap(&bytes).into_iter().filter(|frame| frame.get(26..30) == Some(&[10, 1, 0, 2]));
    assert_eq!(
        ours.map(|frame| dissect(frame, true).unwrap_or_else(|wrong| panic!("{wrong}")))
            .filter(|kind| *kind == "udp")
            .count(),
        3
    );
}

#[test]
fn we_ask_linux() {
    for faults in [false, true] {
        let Some((near, far)) = veth(true) else { return };
        near.enter();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.pcap");
        let graph = build(&file(path.to_str().unwrap(), faults));
        let (over, clock) = (AtomicBool::new(false), Clock::new());
        let socket = on_linux(&far, || UdpSocket::bind("10.1.0.1:7").unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut buffer = vec![0; 65_536];
                while !over.load(Ordering::Relaxed) {
                    if let Ok((size, from)) = socket.recv_from(&mut buffer) {
                        socket.send_to(&buffer[..size], from).unwrap();
                    }
                }
            });
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ask(&graph, &clock)));
            over.store(true, Ordering::Relaxed);
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        });
        graph.stop(clock.now());
        check_trace(&path);
        assert_faults(&graph, faults);
    }
}

fn ask(graph: &Graph, clock: &Clock) {
    let linux = Participants::new().to(Address::Host(Ipv4Addr::new(10, 1, 0, 1)));
    let ping = graph.anchor("anchor/ping").unwrap();
    let session = ping.open(linux.clone(), clock.now()).unwrap();
    for size in [0, 56, 3000, 16_384] {
        let ticket = ping.call(session, Message::from(vec![7; size]), clock.now()).unwrap();
        let answer = graph.until(clock, PATIENCE, || graph.answer(ticket)).unwrap();
        assert_eq!(answer.unwrap().to_vec(), vec![7; size]);
    }
    let udp = graph.anchor("anchor").unwrap();
    let session = udp.open(linux.to(Address::Port(7)), clock.now()).unwrap();
    for size in [0, 1, 1472, 1473, 4000, 16_384, 65_507] {
        let sent: Vec<u8> = (0..size).map(|at| u8::try_from(at % 249).unwrap()).collect();
        udp.push(session, Message::from(sent.clone()), clock.now()).unwrap();
        let back = graph.until(clock, PATIENCE, || udp.receive().filter(|(_, back)| back.size() == size));
        assert!(back.expect("it comes back").1.to_vec() == sent, "{size}");
    }
}
