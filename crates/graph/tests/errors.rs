//! Errors by name that no other test produces.

mod common;

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use common::{Cable, build, host, kinds, settle};
use nearcall_graph::compose::{Below, BuildError, Kind, Kinds, Plan, Realm};
use nearcall_graph::graph::{Part, StartError};
use nearcall_graph::protocol::{Control, ControlError, OpenError, Protocol, PushError, Upper};
use nearcall_graph::wires::memory::{MemoryWire, OpenError as WireError};
use nearcall_graph::{Address, Cx, Graph, Hardware, Message, Participants, Time};

/// Opens what it was made for, when it is started.
struct Opens(fn(&mut Cx<'_>) -> Result<(), OpenError>);

impl Protocol for Opens {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        (self.0)(cx)
    }
}

#[test]
fn a_graph_that_does_not_start_says_who_failed() {
    let core = Box::new(Opens(|cx| cx.open(0, Upper::own(cx.node()), Participants::new()).map(drop)));
    let part = Part { name: "alone".to_owned(), kind: "opens", core, below: Vec::new() };
    let error = Graph::new(vec![part], HashMap::new(), None, Time(0)).unwrap_err();
    assert_eq!(error, StartError { node: "alone".to_owned(), error: OpenError::Nothing });

    // The file is right; the protocol opens in the name of another, which has no number.
    const LINK: &[Below] = &[Below { name: "the link", realms: &[Realm::Messages] }];
    let kind = Kind::new("wrong", Realm::Top, LINK, |_| {
        Ok(Box::new(Opens(|cx| {
            let upper = Upper { receiver: cx.node(), kind: cx.below(0).unwrap() };
            cx.open_enable(0, upper, Participants::new())
        })))
    });
    let text = "name=cable side=0;\n@;\nname=eth protocols=cable;\nname=wrong protocols=eth;\n@;\neth wrong 0x9000;\n";
    let plan = Plan::read("wrong.graph", text, &kinds(&[Cable::default()]).with(kind)).unwrap();
    let error = plan.build(None, Time(0)).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("wrong.graph:4:6") && said.contains("wrong could not start"), "{said}");
    let BuildError::Start { error: StartError { node, error: OpenError::NoNumber { upper, lower } }, .. } = error
    else {
        panic!("{error}")
    };
    assert_eq!((node.as_str(), upper.as_str(), lower.as_str()), ("wrong", "eth", "eth"));
}

#[test]
fn sessions_and_calls_have_bounds() {
    let cable = Cable::default();
    let text = host(
        0,
        "",
        "name=icmp protocols=ip;\nname=udp protocols=ip sessions=2;\nname=anchor protocols=udp;\nname=anchor/ping protocols=icmp;\n",
    );
    let graph = build(&text, &kinds(std::slice::from_ref(&cable)));
    let now = Time(0);
    let other = Participants::new().to(Address::Host([10, 0, 0, 2].into()));
    let udp = graph.anchor("anchor").unwrap();
    let open = |port| udp.open(other.clone().to(Address::Port(port)), now);
    let sessions = [open(1).unwrap(), open(2).unwrap()];
    assert_eq!(open(3), Err(OpenError::Full));
    assert_eq!(graph.control(sessions[0], Control::Resolve([10, 0, 0, 2].into()), now), Err(ControlError::Unknown));
    udp.close(sessions[0], now);
    assert_eq!(graph.control(sessions[0], Control::Hosts, now), Err(ControlError::Closed));
    open(3).unwrap();

    let ping = graph.anchor("anchor/ping").unwrap();
    assert_eq!(ping.enable(Participants::new(), now), Err(OpenError::Unsupported));
    let session = ping.open(other, now).unwrap();
    for _ in 0..1024 {
        ping.call(session, Message::new(), now).unwrap();
    }
    assert_eq!(ping.call(session, Message::new(), now), Err(PushError::Full));
}

#[test]
fn what_a_wire_refuses_is_counted_there() {
    let cable = Cable::default();
    let graph = build(
        &host(0, "", "name=udp protocols=ip;\nname=anchor protocols=udp;\n"),
        &kinds(std::slice::from_ref(&cable)),
    );
    cable.cut();
    let everybody = Participants::new().to(Address::Host([10, 0, 0, 255].into())).to(Address::Port(9));
    let udp = graph.anchor("anchor").unwrap();
    let session = udp.open(everybody, Time(0)).unwrap();
    udp.push(session, Message::from_slice(b"to all"), Time(0)).unwrap();
    settle(&[&graph], Time(0));
    assert_eq!(graph.count(graph.node("cable").unwrap(), "push_down"), 1);
}

#[test]
fn a_fault_that_does_not_say_which_is_refused_at_its_place() {
    let text = host(0, "name=drop", "");
    let said = Plan::read("a.graph", &text, &kinds(&[Cable::default()])).unwrap_err().to_string();
    assert!(said.contains("every and `rate`: one of them") && said.contains("a.graph:3:6"), "{said}");
}

#[test]
fn a_memory_wire_believes_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wire");
    let open = |listens| MemoryWire::open(&path, listens, Hardware([2; 6]), 1500, Duration::from_secs(20));
    // Somebody who shows a file that is no memory, or nothing, or speaks otherwise.
    let greet = |greeting: &'static [u8], file: Option<std::fs::File>| {
        let listener =
            rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::SEQPACKET, None).unwrap();
        let _ = std::fs::remove_file(&path);
        rustix::net::bind(&listener, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&listener, 1).unwrap();
        std::thread::scope(|scope| {
            let wire = scope.spawn(|| open(false).map(drop));
            let bell = rustix::net::accept(&listener).unwrap();
            let fds: Vec<_> = file.iter().map(std::os::fd::AsFd::as_fd).collect();
            nearcall_core::sys::socket::send(std::os::fd::AsFd::as_fd(&bell), greeting, &fds).unwrap();
            wire.join().unwrap()
        })
    };
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[0; 4096]).unwrap();
    for (greeting, file) in [(&b"frames 1"[..], Some(file)), (b"frames 1", None), (b"frames 2", None)] {
        let outcome = greet(greeting, file);
        assert!(matches!(outcome, Err(WireError::NotARegion(_))), "{outcome:?}");
    }
    let long = directory.path().join("x".repeat(200));
    let outcome = MemoryWire::open(&long, true, Hardware([2; 6]), 1500, Duration::from_secs(1));
    assert!(matches!(outcome.map(drop), Err(WireError::Kernel(_))));
}

/// Whoever sleeps would not hear a wire without its descriptor.
#[test]
fn a_wire_without_a_descriptor_is_none() {
    struct Deaf;
    impl Protocol for Deaf {
        fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
            Ok(())
        }

        fn descriptor(&self) -> rustix::io::Result<Option<std::os::fd::OwnedFd>> {
            Err(rustix::io::Errno::MFILE)
        }
    }
    let part = Part { name: "deaf".to_owned(), kind: "deaf", core: Box::new(Deaf), below: Vec::new() };
    let error = Graph::new(vec![part], HashMap::new(), None, Time(0)).unwrap_err();
    assert_eq!(error, StartError { node: "deaf".to_owned(), error: OpenError::Descriptor(rustix::io::Errno::MFILE) });
}

/// Any kind can be replaced by another of the same name.
#[test]
fn kinds_can_be_replaced() {
    let kinds = Kinds::standard().with(Kind::new("echo", Realm::Top, &[], |_| Ok(Box::new(Opens(|_| Ok(()))))));
    assert!(kinds.get("echo").unwrap().is_wire());
    assert!(kinds.iter().count() > 10);
}
