//! One suite on three wires and three graph files, between two processes.

use core::net::Ipv4Addr;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::{Address, Clock, Graph, Message, Participants, Time};
use nearcall_testkit::netns::veth;

const GRAPHS: [(&str, &str); 3] = [
    ("host", include_str!("../graphs/host.graph")),
    ("faulty", include_str!("../graphs/faulty.graph")),
    ("late", include_str!("../graphs/late.graph")),
];

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file with another wire, and the address of host `side`.
fn on_wire(text: &str, wire: &str, side: usize) -> String {
    let (_, protocols) = text.split_once("@;").unwrap();
    let kind = wire.split_whitespace().next().unwrap();
    let protocols = protocols.replace("wire_udp", kind).replace("10.0.0.1/24", &format!("10.0.0.{}/24", side + 1));
    format!("name={wire};\n@;{protocols}")
}

fn build(text: &str) -> Graph {
    let plan = Plan::read("test.graph", text, &Kinds::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    plan.build(None, Time(1)).unwrap_or_else(|error| panic!("{error}"))
}

/// The other process. It ends with its input.
#[test]
fn other_process() {
    let Ok(text) = std::env::var("NEARCALL_TEST_GRAPH") else { return };
    let graph = build(&text);
    let clock = Clock::new();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let end = std::sync::Arc::clone(&over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        end.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    println!("\nready");
    std::io::stdout().flush().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    graph.until(&clock, Duration::from_millis(100), || None::<()>);
                }
            });
        }
    });
}

/// Threads that drive a graph beside the test, and sleep when there is nothing, until this is dropped.
struct Beside<'a>(&'a Graph, &'a std::sync::atomic::AtomicBool);

impl<'a> Beside<'a> {
    fn start<'s>(
        scope: &'s std::thread::Scope<'s, 'a>,
        graph: &'a Graph,
        over: &'a std::sync::atomic::AtomicBool,
    ) -> Self {
        for _ in 0..2 {
            scope.spawn(move || {
                let done = || over.load(std::sync::atomic::Ordering::Relaxed).then_some(());
                while graph.until(&Clock::new(), PATIENCE, done).is_none() {}
            });
        }
        Self(graph, over)
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        self.1.store(true, std::sync::atomic::Ordering::Relaxed);
        self.0.wake();
    }
}

struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Other {
    fn start(mut command: Command, text: &str) -> Self {
        command.args(["--exact", "other_process", "--nocapture", "--test-threads=1"]).env("NEARCALL_TEST_GRAPH", text);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Until its wire is open.
    fn ready(&mut self) {
        let mut seen = Vec::new();
        let output = self.0.stdout.as_mut().unwrap();
        while !seen.ends_with(b"\nready") {
            let mut byte = [0];
            assert_eq!(output.read(&mut byte).unwrap(), 1, "it has ended: {}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }
}

fn host(side: u8) -> Participants {
    Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, side + 1)))
}

/// Pings, and datagrams of all sizes, which go again when they do not come back: some graphs lose them.
fn suite(name: &str, graph: &Graph, clock: &Clock) {
    let ping = graph.anchor("anchor/ping").unwrap();
    let session = ping.open(host(1), clock.now()).unwrap();
    for size in [0, 56, 1472, 4000] {
        let answer = (0..50).find_map(|_| {
            let ticket = ping.call(session, Message::from(vec![5; size]), clock.now()).unwrap();
            graph.until(clock, PATIENCE, || graph.answer(ticket)).expect("it is answered or times out").ok()
        });
        assert_eq!(answer.unwrap().to_vec(), vec![5; size], "{name}");
    }
    let udp = graph.anchor("anchor").unwrap();
    let session = udp.open(host(1).to(Address::Port(7)), clock.now()).unwrap();
    for (n, size) in [0, 1, 2, 1000, 1472, 1473, 4000, 16_384, 60_000].into_iter().enumerate() {
        let sent: Vec<u8> = (0..size).map(|at| u8::try_from((at * 7 + n) % 251).unwrap()).collect();
        let came = (0..100).any(|_| {
            udp.push(session, Message::from(sent.clone()), clock.now()).unwrap();
            // What comes twice, or late, is of the same sizes, and skipped.
            graph
                .until(clock, Duration::from_millis(300), || {
                    udp.receive()
                        .filter(|(_, back)| back.size() == size)
                        .map(|(_, back)| assert!(back.to_vec() == sent))
                })
                .is_some()
        });
        assert!(came, "{name}: {size} bytes never came back");
    }
}

fn both(name: &str, command: impl Fn() -> Command, wires: impl Fn(usize) -> String, first: usize) {
    for (graph, text) in GRAPHS {
        let mut other = Other::start(command(), &on_wire(text, &wires(1), 1));
        // Of two that meet, neither is ready before the other is there.
        if first == 1 {
            other.ready();
        }
        let own = build(&on_wire(text, &wires(0), 0));
        if first == 0 {
            other.ready();
        }
        suite(&format!("{graph} on {name}"), &own, &Clock::new());
        // By several threads, of which most sleep; once, the graphs differ in nothing that they would see.
        if graph != "host" {
            continue;
        }
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _beside = Beside::start(scope, &own, &over);
            suite(&format!("{graph} on {name}, driven by three threads"), &own, &Clock::new());
        });
    }
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

#[test]
fn kernel_udp() {
    // An address of this machine that no other test has.
    let [.., c, d] = std::process::id().to_be_bytes();
    let [a, b] = [1, 2].map(|port| format!("127.7.{c}.{d}:{}", 9000 + port));
    both(
        "wire_udp",
        this_program,
        |side| {
            let (own, other) = if side == 0 { (&a, &b) } else { (&b, &a) };
            format!("wire_udp local={own} peers={other}")
        },
        1,
    );
}

#[test]
fn shared_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wire");
    both(
        "wire_memory",
        this_program,
        |side| format!("wire_memory path={} side={}", path.display(), ["listen", "connect"][side]),
        0,
    );
}

#[test]
fn packet_sockets() {
    let Some((near, far)) = veth(false) else { return };
    near.enter();
    let program = std::env::current_exe().unwrap();
    // By memory shared with the kernel, of a size that is gone round often, and by system calls.
    for slots in ["", " slots=40", " slots=0"] {
        let wire = |side: usize| format!("wire_packet interface={}{slots}", ["near", "far"][side]);
        both(&format!("wire_packet{slots}"), || far.command(&program), wire, 1);
    }
}

/// An interface that goes down keeps nobody busy; when it is up again, so is the wire.
#[test]
fn an_interface_that_is_down_lets_its_host_sleep() {
    let Some((near, far)) = veth(false) else { return };
    near.enter();
    let program = std::env::current_exe().unwrap();
    let link =
        |state: &str| assert!(near.command("ip").args(["link", "set", "near", state]).status().unwrap().success());
    for slots in ["", " slots=0"] {
        let wire = |side: usize| format!("wire_packet interface={}{slots}", ["near", "far"][side]);
        let mut other = Other::start(far.command(&program), &on_wire(GRAPHS[0].1, &wire(1), 1));
        other.ready();
        let graph = build(&on_wire(GRAPHS[0].1, &wire(0), 0));
        let clock = Clock::new();
        suite("before it is down", &graph, &clock);
        link("down");
        let mut turns = 0;
        graph.until(&clock, Duration::from_millis(200), || {
            turns += 1;
            None::<()>
        });
        assert!(turns < 5000, "{turns} turns in 200 ms{slots}");
        let udp = graph.anchor("anchor").unwrap();
        let session = udp.open(host(1).to(Address::Port(7)), clock.now()).unwrap();
        udp.push(session, Message::new(), clock.now()).unwrap();
        let packet = graph.node("wire_packet").unwrap();
        assert!(graph.count(packet, "push_down") > 0, "{:?}", graph.counts(packet));
        link("up");
        suite("after it was down", &graph, &clock);
    }
}

/// A wire whose other end is gone keeps nobody busy, and what is sent on it is refused and counted.
#[test]
fn a_wire_that_is_over_lets_its_host_sleep() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wire");
    let wire = |side: usize| format!("wire_memory path={} side={}", path.display(), ["listen", "connect"][side]);
    let mut other = Other::start(this_program(), &on_wire(GRAPHS[0].1, &wire(1), 1));
    let graph = build(&on_wire(GRAPHS[0].1, &wire(0), 0));
    other.ready();
    let clock = Clock::new();
    suite("before the end", &graph, &clock);
    drop(other);
    let mut turns = 0;
    graph.until(&clock, Duration::from_millis(200), || {
        turns += 1;
        None::<()>
    });
    assert!(turns < 5000, "{turns} turns in 200 ms");
    let udp = graph.anchor("anchor").unwrap();
    let session = udp.open(host(1).to(Address::Port(7)), clock.now()).unwrap();
    // Frames go into the ring until that is full; whoever would take them is not there.
    for _ in 0..200 {
        let _ = udp.push(session, Message::new(), clock.now());
    }
    assert!(graph.count(graph.node("wire_memory").unwrap(), "push_full") > 0);
}

/// What is larger than the wire's frames is dropped as a whole, and what is of another network as well; each is counted.
#[test]
fn what_is_cut_by_the_kernel_is_dropped_and_counted() {
    let await_count = |graph: &Graph, node: &str, name: &str, count: u64| {
        let (clock, node) = (Clock::new(), graph.node(node).unwrap());
        let seen = graph.until(&clock, PATIENCE, || (graph.count(node, name) >= count).then_some(()));
        assert!(seen.is_some(), "{name}: {:?}", graph.counts(node));
    };
    let [peer, stranger] = [(); 2].map(|()| std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let text = format!(
        "name=wire_udp local=127.0.0.1:0 peers={} mtu=100;\n@;\nname=eth protocols=wire_udp;\n",
        peer.local_addr().unwrap()
    );
    // The port is the kernel's choice: the graph's own frames say which.
    let graph = build(&format!("{text}name=arp protocols=eth;\nname=ip protocols=eth,arp address=10.0.0.1/24;\n"));
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let (_, there) = peer.recv_from(&mut [0; 200]).unwrap();
    let bytes = [0; 200];
    peer.send_to(&bytes[..115], there).unwrap();
    peer.send_to(&bytes[..114], there).unwrap();
    stranger.send_to(&bytes[..60], there).unwrap();
    await_count(&graph, "wire_udp", "from_stranger", 1);
    await_count(&graph, "wire_udp", "too_large", 1);
    await_count(&graph, "eth", "for_others", 1);

    let local = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let graph = build(&format!("name=wire_sockets local={local} mtu=100;\n@;\nname=anchor protocols=wire_sockets;\n"));
    graph.anchor("anchor").unwrap().enable(Participants::new(), Time(1)).unwrap();
    for size in [101, 100, 150] {
        peer.send_to(&bytes[..size], local).unwrap();
    }
    await_count(&graph, "wire_sockets", "received", 3);
    assert_eq!(graph.count(graph.node("wire_sockets").unwrap(), "too_large"), 2);
    assert_eq!(graph.anchor("anchor").unwrap().receive().map(|(_, whole)| whole.size()), Some(100));
    assert!(graph.anchor("anchor").unwrap().receive().is_none());

    let Some((near, far)) = veth(false) else { return };
    near.enter();
    for slots in ["slots=64", "slots=0"] {
        let graph = build(&on_wire(GRAPHS[0].1, &format!("wire_packet interface=near {slots}"), 0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                far.enter();
                let (socket, _) = nearcall_core::sys::packet::open("far", false).unwrap();
                // "Who has 10.0.0.1?", in network 5.
                let question = [0, 1, 8, 0, 6, 4, 0, 1, 2, 9, 9, 9, 9, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1];
                let head = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 9, 9, 9, 9, 9, 0x81, 0, 0, 5, 8, 6];
                let frame = [&head[..], &question, &[0; 20]].concat();
                socket.send(&[std::io::IoSlice::new(&frame)]).unwrap();
            });
        });
        await_count(&graph, "wire_packet", "tagged", 1);
        assert_eq!(graph.count(graph.node("arp").unwrap(), "replies"), 0);
    }
}

/// The other side of a memory wire writes what cannot be: the wire is over, and its host sleeps.
#[test]
fn a_liar_on_a_memory_wire_lets_its_host_sleep() {
    use nearcall_core::shm::frames::{REGION_SIZE, SLOT_COUNT};
    use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wire");
    let [sent, taken, slot] =
        [0, 128, 384].map(|at| REGION_SIZE - 2048 * usize::try_from(SLOT_COUNT).unwrap() - 384 + at);
    for lies in [vec![(sent, 1 << 40)], vec![(sent, 1), (slot, u64::MAX)], vec![(taken, 1)]] {
        let text = on_wire(GRAPHS[0].1, &format!("wire_memory path={} side=connect", path.display()), 0);
        let listener =
            rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::SEQPACKET, None).unwrap();
        let _ = std::fs::remove_file(&path);
        rustix::net::bind(&listener, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        let (graph, _bell) = std::thread::scope(|scope| {
            let graph = scope.spawn(|| build(&text));
            let bell = rustix::net::accept(&listener).unwrap();
            let file = rustix::fs::memfd_create("liar", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, REGION_SIZE as u64).unwrap();
            let file = std::fs::File::from(file);
            for (at, lie) in &lies {
                file.write_all_at(&lie.to_ne_bytes(), *at as u64).unwrap();
            }
            let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
            rustix::fs::fcntl_add_seals(&file, seals).unwrap();
            nearcall_core::sys::socket::send(bell.as_fd(), b"frames 1", &[file.as_fd()]).unwrap();
            (graph.join().unwrap(), bell)
        });
        let (clock, mut turns) = (Clock::new(), 0);
        graph.until(&clock, Duration::from_millis(200), || {
            turns += 1;
            None::<()>
        });
        assert!(turns < 5000, "{turns} turns in 200 ms");
        let node = graph.node("wire_memory").unwrap();
        let udp = graph.anchor("anchor").unwrap();
        let session = udp.open(host(254).to(Address::Port(7)), clock.now()).unwrap();
        udp.push(session, Message::new(), clock.now()).unwrap();
        assert!(graph.count(node, "push_down") > 0, "{:?}", graph.counts(node));
        assert!(graph.count(node, "receive_failed") <= 1, "{:?}", graph.counts(node));
    }
}

/// Nobody on the other side, somebody who says something else, and an interface that is not there.
#[test]
fn wires_that_cannot_be_opened_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wire");
    let error = |wire: &str| {
        let text = on_wire(GRAPHS[0].1, wire, 0);
        let plan = Plan::read("test.graph", &text, &Kinds::standard()).unwrap();
        plan.build(None, Time(0)).unwrap_err().to_string()
    };
    for side in ["listen", "connect"] {
        let said = error(&format!("wire_memory path={} side={side} patience=20ms", path.display()));
        assert!(said.contains("has nobody on the other side"), "{said}");
    }
    assert!(!path.exists(), "the socket's name is gone");
    // An instant that far away does not exist.
    let said = error(&format!("wire_memory path=/{} side=connect patience=10000000000000000000s", "x".repeat(200)));
    assert!(said.contains("cannot be opened"), "{said}");
    let said = error("wire_packet interface=no-such");
    assert!(said.contains("cannot be opened"), "{said}");
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = error(&format!("wire_udp local={} peers=127.0.0.1:9", taken.local_addr().unwrap()));
    assert!(said.contains("cannot be bound"), "{said}");
}
