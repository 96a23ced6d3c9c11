//! Two hosts on a cable within the test, with a clock of their own.

mod common;

use core::net::Ipv4Addr;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};

use common::{Cable, build, host, kinds, run, settle};
use nearcall_graph::message::copied;
use nearcall_graph::protocol::{CallError, Control, OpenError, PushError};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::{Address, Crossing, Crossings, Graph, Handoff, Message, Participants, Passage, Time, Work};

const UDP: &str = "name=udp protocols=ip;\nname=anchor protocols=udp;\n";
const SECOND: u64 = 1_000_000_000;

fn udp_to(side: u8, port: u16) -> Participants {
    Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, side + 1))).to(Address::Port(port))
}

fn port(port: u16) -> Participants {
    Participants::new().at(Address::Port(port))
}

fn two(relay: &str, more: [&str; 2]) -> (Graph, Graph) {
    let kinds = kinds(&[Cable::default()]);
    (build(&host(0, relay, more[0]), &kinds), build(&host(1, "", more[1]), &kinds))
}

fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    (0..size).map(|_| u8::try_from(draw.below(256)).unwrap()).collect()
}

/// Sends `message` from a to b's echo and says what comes back.
fn echo(a: &Graph, b: &Graph, message: Message, at: Time) -> Option<Message> {
    let anchor = a.anchor("anchor").unwrap();
    let session = anchor.open(udp_to(1, 7), at).unwrap();
    anchor.push(session, message, at).unwrap();
    run(&[a, b], at, Time(at.0 + 40 * SECOND));
    let back = anchor.receive().map(|(_, message)| message);
    anchor.close(session, at);
    back
}

const ECHO: &str = "name=udp protocols=ip;\nname=echo protocols=udp port=7;\n";

#[test]
fn datagrams_of_all_sizes_come_back() {
    let (a, b) = two("", [UDP, ECHO]);
    let sizes = [0, 1, 8, 1471, 1472, 1473, 2952, 2953, 4000, 16_384, 65_507];
    for (n, size) in sizes.into_iter().enumerate() {
        let sent = bytes(size, 1);
        let before = b.count(b.node("cable").unwrap(), "received");
        let back = echo(&a, &b, Message::from(sent.clone()), Time(SECOND * 100 * u64::try_from(n).unwrap()));
        assert_eq!(back.map(|message| message.to_vec()), Some(sent), "{size}");
        // The first is preceded by a question and followed by one of the other side.
        let frames = b.count(b.node("cable").unwrap(), "received") - before;
        let fragments = u64::try_from((size + 8).div_ceil(1480).max(1)).unwrap();
        assert!(frames == fragments || n == 0, "{size}: {frames} frames");
    }
    let session = a.anchor("anchor").unwrap().open(udp_to(1, 7), Time(0)).unwrap();
    let refused = a.push(session, Message::from(vec![0; 65_508]), Time(0));
    assert_eq!(refused, Err(PushError::TooLarge { size: 65_508, max: 65_507 }));
}

/// 16 KB there and back in fragments: the bytes that arrive are those that were sent, not copies; what was copied is headers.
#[test]
fn payload_is_not_copied_inside_the_graph() {
    let (a, b) = two("", [UDP, ECHO]);
    echo(&a, &b, Message::from(vec![1]), Time(0)).unwrap();
    let sent = Message::from(bytes(16_384, 2));
    let at: BTreeSet<usize> = sent.slices().map(|slice| slice.as_ptr().addr()).collect();
    let range = at.first().unwrap()..&(at.first().unwrap() + 16_384);
    let before = copied();
    let back = echo(&a, &b, sent.clone(), Time(SECOND)).unwrap();
    let after = copied();
    assert!(back.slices().all(|slice| range.contains(&&slice.as_ptr().addr())), "the same memory");
    assert_eq!(after.borders, before.borders);
    // 12 fragments each way. Pushed: 34 bytes each, 8 of UDP. Read: twice 20 for IP (once for its options), 14, 8. On a
    // cable within the test UDP's header is still among the headers of the first fragment when that is joined with others.
    let headers = after.headers - before.headers;
    assert_eq!(headers, 2 * (12 * (34 + 54) + 8 + 8 + 8), "only headers");
    assert_eq!(back.to_vec(), sent.to_vec());
}

#[test]
fn ping_both_ways() {
    let icmp = "name=icmp protocols=ip timeout=2s;\nname=anchor protocols=icmp;\n";
    let (a, b) = two("", [icmp, icmp]);
    for (from, to, graph) in [(0, 1, &a), (1, 0, &b)] {
        let anchor = graph.anchor("anchor").unwrap();
        let host = |n: u8| Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, n)));
        let session = anchor.open(host(to + 1), Time(0)).unwrap();
        let ticket = anchor.call(session, Message::from_slice(b"are you there?"), Time(0)).unwrap();
        assert!(graph.answer(ticket).is_none());
        run(&[&a, &b], Time(0), Time(SECOND));
        assert_eq!(graph.answer(ticket).unwrap().unwrap().to_vec(), b"are you there?", "from {from}");
        assert!(graph.answer(ticket).is_none(), "an answer is had once");
        let nobody = anchor.open(host(77), Time(0)).unwrap();
        let ticket = anchor.call(nobody, Message::new(), Time(0)).unwrap();
        run(&[&a, &b], Time(0), Time(9 * SECOND));
        assert_eq!(graph.answer(ticket).unwrap().unwrap_err(), CallError::Timeout { sent: true });
        assert_eq!(graph.count(graph.node("arp").unwrap(), "requests"), 1 + 3, "asked three times");
        assert_eq!(graph.push(session, Message::new(), Time(0)), Err(PushError::Unsupported));
    }
}

#[test]
fn opening_says_what_is_missing() {
    let (a, _) = two("", [UDP, ECHO]);
    let anchor = a.anchor("anchor").unwrap();
    let now = Time(0);
    assert!(matches!(anchor.open(Participants::new(), now), Err(OpenError::Participants { protocol: "UDP", .. })));
    let no_host = Participants::new().to(Address::Port(7));
    assert!(matches!(anchor.open(no_host, now), Err(OpenError::Participants { protocol: "IP", .. })));
    let far = Ipv4Addr::new(192, 168, 1, 1);
    let no_way = Participants::new().to(Address::Host(far)).to(Address::Port(7));
    assert_eq!(anchor.open(no_way, now), Err(OpenError::NoRoute(far)));
    anchor.enable(port(9), now).unwrap();
    assert_eq!(anchor.enable(port(9), now), Err(OpenError::Taken));
    anchor.disable(port(9), now).unwrap();
    anchor.enable(port(9), now).unwrap();
    let session = anchor.open(udp_to(1, 7), now).unwrap();
    assert!(a.control(session, Control::Hosts, now).is_ok());
    anchor.close(session, now);
    assert_eq!(anchor.push(session, Message::new(), now), Err(PushError::Closed));
}

/// UDP and the echo are the same; the file puts faults under them.
#[test]
fn faults_are_graph_files() {
    let faults = [
        ("name=drop rate=0.3 seed=7", "drop", "dropped"),
        ("name=disorder rate=0.5 seed=7", "disorder", "disordered"),
        ("name=duplicate every=2", "duplicate", "duplicated"),
        ("name=delay time=5ms", "delay", "delayed"),
    ];
    for (relay, node, count) in faults {
        let (a, b) = two(relay, [UDP, ECHO]);
        let anchor = a.anchor("anchor").unwrap();
        let session = anchor.open(udp_to(1, 7), Time(0)).unwrap();
        let mut back: Vec<u8> = Vec::new();
        for n in 0..100_u8 {
            anchor.push(session, Message::from_slice(&[n]), Time(u64::from(n) * SECOND)).unwrap();
            settle(&[&a, &b], Time(u64::from(n) * SECOND));
        }
        run(&[&a, &b], Time(100 * SECOND), Time(200 * SECOND));
        while let Some((_, message)) = anchor.receive() {
            back.extend(message.to_vec());
        }
        let happened = a.count(a.node(node).unwrap(), count);
        assert!(happened > 20, "{relay}: {happened}");
        let (in_order, different) = (back.is_sorted(), back.iter().collect::<BTreeSet<_>>().len());
        match node {
            "drop" => assert!(different < 90 && different > 20, "{different}"),
            "disorder" => assert!(!in_order && different == 100, "{different}"),
            "duplicate" => assert!(back.len() > 110 && different == 100, "{}", back.len()),
            _ => assert!(different == 100, "{different}"),
        }
    }
}

/// The same, under IP: fragments are lost, late and double, and what comes out is whole.
#[test]
fn fragments_through_faults_are_whole_or_nothing() {
    let kinds = kinds(&[Cable::default()]);
    let faulty = "name=cable side=0;\n@;\nname=eth protocols=cable;\nname=arp protocols=eth;\n\
        name=duplicate protocols=eth rate=0.2 seed=3;\nname=disorder protocols=duplicate rate=0.4 seed=4;\n\
        name=drop protocols=disorder rate=0.02 seed=5;\nname=ip protocols=drop,arp address=10.0.0.1/24;\n";
    let a = build(&format!("{faulty}{UDP}"), &kinds);
    let b = build(&host(1, "", ECHO), &kinds);
    let mut came = 0;
    for n in 0..100 {
        let sent = bytes(4000 + usize::try_from(n).unwrap() * 100, n);
        let anchor = a.anchor("anchor").unwrap();
        let session = anchor.open(udp_to(1, 7), Time(0)).unwrap();
        let at = Time(n * 100 * SECOND);
        anchor.push(session, Message::from(sent.clone()), at).unwrap();
        run(&[&a, &b], at, Time(at.0 + 99 * SECOND));
        anchor.close(session, at);
        let mut any = false;
        while let Some((_, back)) = anchor.receive() {
            assert_eq!(back.to_vec(), sent);
            any = true;
        }
        came += u32::from(any);
    }
    assert!((20..100).contains(&came), "{came} of 100");
    for graph in [&a, &b] {
        assert_eq!(graph.count(graph.node("ip").unwrap(), "malformed_fragments"), 0);
    }
    assert!(b.count(b.node("ip").unwrap(), "timed_out") > 0);
}

#[test]
fn a_flood_of_first_fragments_is_bounded() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let b = build(&host(1, "", ECHO).replace("/24", "/24 reassembly_memory=200000 reassembly_time=5s"), &kinds);
    // Not what the graph says it keeps, but what there is.
    let mut blocks: Vec<Weak<Vec<u8>>> = Vec::new();
    let alive = |blocks: &mut Vec<Weak<Vec<u8>>>| -> usize {
        blocks.retain(|block| block.strong_count() > 0);
        blocks.iter().filter_map(Weak::upgrade).map(|block| block.capacity()).sum()
    };
    for n in 0..20_000_u32 {
        let block = Arc::new(vec![0; 1480]);
        blocks.push(Arc::downgrade(&block));
        let mut frame = Message::from_block(block, 0, 1480);
        frame.push_header(
            &nearcall_graph::protocols::ip::header::Header {
                version_and_words: 0x45,
                service: 0,
                size: 1500.into(),
                identification: u16::try_from(n % 65_536).unwrap().into(),
                flags_and_offset: 0x2000.into(),
                hops: 64,
                number: 17,
                checksum: 0.into(),
                source: (0x0a00_0100 + n).to_be_bytes(),
                destination: [10, 0, 0, 2],
            }
            .sealed(),
        );
        frame.push(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 8, 0]);
        cable.put(1, frame);
        settle(&[&b], Time(1000));
        cable.take(0);
        let bytes = alive(&mut blocks);
        assert!(bytes <= 200_000, "{bytes} bytes after {n} fragments");
    }
    // It is the bound that held them, and time that lets the last ones go.
    assert!(alive(&mut blocks) > 100_000);
    settle(&[&b], Time(6 * SECOND));
    assert_eq!(alive(&mut blocks), 0);
    let ip = b.node("ip").unwrap();
    assert_eq!(b.count(ip, "fragments"), 20_000);
    assert!(b.count(ip, "crowded_out") > 19_800, "{:?}", b.counts(ip));
}

/// Small messages by one wire, large ones by another, to and from the same participants.
#[test]
fn vsize_sends_by_size() {
    let kinds = kinds(&[Cable::default(), Cable::default()]);
    let host = |side: usize, top: &str| {
        let ip = |n: usize| {
            format!(
                "name=eth/{n} protocols=cable/{n}; name=arp/{n} protocols=eth/{n};\n\
                 name=ip/{n} protocols=eth/{n},arp/{n} address=10.0.0.{}/24;\n",
                side + 1
            )
        };
        let text = format!(
            "name=cable/0 side={side} cable=0; name=cable/1 side={side} cable=1;\n@;\n{}{}\
             name=vsize protocols=ip/0,ip/1;\nname=udp protocols=vsize;\n{top}",
            ip(0),
            ip(1)
        );
        build(&text, &kinds)
    };
    let a = host(0, "name=anchor protocols=udp;");
    let b = host(1, "name=echo protocols=udp port=7;");
    for (size, small, large) in [(100, 1, 0), (1472, 2, 0), (1473, 2, 1), (9000, 2, 2)] {
        let sent = bytes(size, 3);
        let back = echo(&a, &b, Message::from(sent.clone()), Time(u64::try_from(size).unwrap() * SECOND));
        assert_eq!(back.map(|message| message.to_vec()), Some(sent), "{size}");
        for graph in [&a, &b] {
            let vsize = graph.node("vsize").unwrap();
            assert_eq!((graph.count(vsize, "small"), graph.count(vsize, "large")), (small, large), "{size}");
        }
    }
}

/// Strangers with made-up addresses take nothing from who holds a session.
#[test]
fn strangers_give_way() {
    let (a, b) = two("", [UDP, ECHO]);
    let anchor = a.anchor("anchor").unwrap();
    let kept = anchor.open(udp_to(1, 7), Time(0)).unwrap();
    for n in 0..3000_u16 {
        let session = anchor.open(udp_to(1, 7).at(Address::Port(1000 + n)), Time(0)).unwrap();
        anchor.push(session, Message::new(), Time(0)).unwrap();
        settle(&[&a, &b], Time(u64::from(n)));
        anchor.close(session, Time(0));
        while anchor.receive().is_some() {}
    }
    let echo = b.node("echo").unwrap();
    assert_eq!(b.count(echo, "echoed"), 3000);
    anchor.push(kept, Message::from_slice(b"still here"), Time(0)).unwrap();
    settle(&[&a, &b], Time(10_000));
    assert_eq!(anchor.receive().unwrap().1.to_vec(), b"still here");
}

/// Work above an annotated edge goes on elsewhere, and no protocol is another for it.
#[test]
fn work_crosses_an_edge_to_another_thread() {
    #[derive(Default)]
    struct Queue(Arc<Mutex<Vec<Work>>>);
    impl Crossings for Queue {
        fn up(&self, crossing: &Crossing<'_>) -> Passage {
            if crossing.handoff != Handoff::Explicit {
                return Passage::GoOn;
            }
            assert!(crossing.message.attributes().reassembled);
            assert_eq!(crossing.annotations.get("handoff").map(String::as_str), Some("explicit"));
            Passage::Keep
        }

        fn keep(&self, work: Work) -> Result<(), Work> {
            self.0.lock().unwrap().push(work);
            Ok(())
        }
    }
    let kinds = kinds(&[Cable::default()]);
    let a = build(&host(0, "", UDP), &kinds);
    let text = host(1, "", &ECHO.replace("protocols=ip", "protocols=ip{handoff=explicit}"));
    let queue = Arc::default();
    let plan = nearcall_graph::compose::Plan::read("b.graph", &text, &kinds).unwrap();
    let b = plan.build(Some(Box::new(Queue(Arc::clone(&queue)))), Time(1)).unwrap();
    let anchor = a.anchor("anchor").unwrap();
    let session = anchor.open(udp_to(1, 7), Time(0)).unwrap();
    anchor.push(session, Message::from(bytes(5000, 1)), Time(0)).unwrap();
    settle(&[&a, &b], Time(0));
    assert!(anchor.receive().is_none());
    let work: Vec<Work> = std::mem::take(&mut queue.lock().unwrap());
    assert_eq!(work.len(), 1, "one for all fragments");
    std::thread::scope(|scope| {
        scope.spawn(|| work.into_iter().for_each(|work| b.carry_out(work, Time(1))));
    });
    settle(&[&a, &b], Time(1));
    assert_eq!(anchor.receive().unwrap().1.to_vec(), bytes(5000, 1));
}
