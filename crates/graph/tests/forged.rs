//! One host, and a wire on which anybody can be anybody: what frames with made-up senders cost it, and those who are served by it.

mod common;

use core::net::Ipv4Addr;

use common::{Cable, build, kinds, settle};
use nearcall_graph::checksum::Sum;
use nearcall_graph::{Address, Graph, Message, Participants, Time};

const SECOND: u64 = 1_000_000_000;
const STATION: [u8; 6] = [2, 9, 9, 9, 9, 9];
const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OWN: [u8; 4] = [10, 0, 0, 2];
const FRIEND: [u8; 4] = [10, 0, 0, 9];

const USUAL: &str =
    "name=icmp protocols=ip;\nname=udp protocols=ip;\nname=echo protocols=udp port=7;\nname=anchor protocols=udp;\n";

fn ethernet(kind: u16, payload: Vec<u8>) -> Vec<u8> {
    [&HOST[..], &STATION, &kind.to_be_bytes(), &payload].concat()
}

/// A packet with `number` above it; `place` is the flags and the offset of a fragment.
fn ip(from: [u8; 4], to: [u8; 4], number: u8, place: u16, hops: u8, payload: &[u8]) -> Vec<u8> {
    let size = u16::try_from(payload.len() + 20).unwrap().to_be_bytes();
    let mut packet = [&[0x45, 0][..], &size, &[0, 1], &place.to_be_bytes(), &[hops, number, 0, 0], &from, &to].concat();
    let sum = Sum::default().bytes(&packet).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    ethernet(0x0800, packet)
}

fn datagram(from: [u8; 4], to: [u8; 4], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let size = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
    let [source, destination] = ports.map(u16::to_be_bytes);
    let mut bytes = [&source[..], &destination, &size, &[0, 0], payload].concat();
    let sum = Sum::default().bytes(&from).bytes(&to).bytes(&[0, 17]).bytes(&size).bytes(&bytes).finish();
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn udp(from: [u8; 4], to: [u8; 4], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    ip(from, to, 17, 0, 64, &datagram(from, to, ports, payload))
}

fn ping(from: [u8; 4], hops: u8) -> Vec<u8> {
    let mut message = vec![8, 0, 0, 0, 0, 1, 0, 1, b'?'];
    let sum = Sum::default().bytes(&message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ip(from, OWN, 1, 0, hops, &message)
}

/// "I have the address `host`."
fn here(host: [u8; 4]) -> Vec<u8> {
    ethernet(0x0806, [&[0, 1, 8, 0, 6, 4, 0, 2][..], &STATION, &host, &HOST, &OWN].concat())
}

struct Rig {
    cable: Cable,
    graph: Graph,
    now: Time,
}

impl Rig {
    fn new(text: &str) -> Self {
        let cable = Cable::default();
        let graph = build(text, &kinds(std::slice::from_ref(&cable)));
        let rig = Self { cable, graph, now: Time(SECOND) };
        rig.say(Vec::new());
        rig
    }

    /// The host 10.0.0.2 with a network of `bits`, and `more` above `ip`.
    fn host(bits: u32, more: &str) -> Self {
        Self::new(&format!(
            "name=cable side=1;\n@;\nname=eth protocols=cable;\nname=arp protocols=eth lifetime=100000s;\n\
             name=ip protocols=eth,arp address=10.0.0.2/{bits};\n{more}"
        ))
    }

    /// Lets the host hear `frame`. Returns what it sends.
    fn say(&self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        if !frame.is_empty() {
            self.cable.put(1, Message::from(frame));
        }
        settle(&[&self.graph], self.now);
        self.cable.take(0).iter().map(Message::to_vec).collect()
    }

    /// How many packets `host` gets for `frame`. It says where it is when it is asked.
    fn answers(&self, host: [u8; 4], frame: Vec<u8>) -> usize {
        let to_host = |sent: &Vec<u8>| sent[12..14] == [8, 0] && sent[30..34] == host;
        let asks = |sent: &Vec<u8>| sent[12..14] == [8, 6] && sent[38..42] == host;
        let mut sent = self.say(frame);
        if sent.iter().any(asks) {
            sent.extend(self.say(here(host)));
        }
        sent.iter().filter(|sent| to_host(sent)).count()
    }

    fn count(&self, node: &str, name: &str) -> u64 {
        self.graph.count(self.graph.node(node).unwrap(), name)
    }
}

fn stranger(n: u16) -> [u8; 4] {
    let [high, low] = n.to_be_bytes();
    [10, 1, high, low]
}

#[test]
fn a_datagram_to_all_is_taken_with_its_checksum() {
    let rig = Rig::host(24, USUAL);
    let anchor = rig.graph.anchor("anchor").unwrap();
    anchor.enable(Participants::new().at(Address::Port(9)), rig.now).unwrap();
    for (n, to) in [[10, 0, 0, 255], [255; 4], OWN].into_iter().enumerate() {
        assert_eq!(rig.answers(FRIEND, udp(FRIEND, to, [5000, 9], b"to all")), 0);
        assert_eq!(anchor.receive().map(|(_, message)| message.to_vec()), Some(b"to all".to_vec()), "{to:?}");
        let mut wrong = udp(FRIEND, to, [5000, 9], b"to all");
        *wrong.last_mut().unwrap() ^= 1;
        rig.say(wrong);
        assert_eq!(rig.count("udp", "bad_checksum"), n as u64 + 1, "{to:?}");
        assert_eq!(rig.answers(FRIEND, udp(FRIEND, to, [5000, 7], b"?")), usize::from(to == OWN), "{to:?}");
    }
    // In fragments, too: the whole has the checksum.
    let bytes = datagram(FRIEND, [10, 0, 0, 255], [5000, 9], &[7; 2000]);
    rig.say(ip(FRIEND, [10, 0, 0, 255], 17, 0x2000, 64, &bytes[..1480]));
    rig.say(ip(FRIEND, [10, 0, 0, 255], 17, 1480 / 8, 64, &bytes[1480..]));
    assert_eq!(anchor.receive().map(|(_, message)| message.to_vec()), Some(vec![7; 2000]));
    assert!(anchor.receive().is_none());
}

/// One forged packet would go to all, or round the host itself.
#[test]
fn nothing_is_answered_to_senders_that_cannot_be() {
    let rig = Rig::host(24, USUAL);
    let impossible: [[u8; 4]; 9] = [
        [10, 0, 0, 255],
        [10, 0, 0, 0],
        OWN,
        [127, 0, 0, 1],
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [224, 0, 0, 1],
        [240, 0, 0, 1],
        [255; 4],
    ];
    for from in impossible {
        assert!(rig.say(ping(from, 64)).is_empty(), "{from:?}");
        assert!(rig.say(udp(from, OWN, [5000, 7], b"?")).is_empty(), "{from:?}");
    }
    assert_eq!(rig.count("ip", "bad_source"), 2 * impossible.len() as u64);
    // Where a network has two hosts, both are hosts.
    let rig = Rig::host(31, USUAL);
    assert_eq!(rig.answers([10, 0, 0, 3], ping([10, 0, 0, 3], 64)), 1);
}

/// VSIZE refers to nothing for strangers, but to the ways by which a few of them are answered that came by the other.
#[test]
fn strangers_do_not_lock_hosts_out_by_vsize() {
    for limit in ["", "limit=1"] {
        let more = format!(
            "name=blast protocols=ip;\nname=vsize protocols=ip,blast {limit};\nname=echo/v protocols=vsize;\n\
             name=udp protocols=ip;\nname=echo protocols=udp port=7;\n@;\nip echo/v 200; blast echo/v 9;\n"
        );
        let rig = Rig::host(8, &more);
        for n in 0..3000 {
            rig.say(ip(stranger(n), OWN, 200, 0, 64, b"hi"));
        }
        assert_eq!(rig.count("echo/v", "echoed"), 3000, "{limit}");
        assert_eq!(rig.answers(FRIEND, udp(FRIEND, OWN, [5000, 7], b"?")), 1, "{limit}");
        assert_eq!((rig.count("ip", "no_session"), rig.count("vsize", "no_session")), (0, 0), "{limit}");
    }
}

/// Whoever asks from addresses that are not there keeps nobody from being answered, known before or not.
#[test]
fn strangers_do_not_crowd_neighbours_out() {
    let rig = Rig::host(8, USUAL);
    let other = [10, 0, 0, 8];
    assert_eq!(rig.answers(FRIEND, ping(FRIEND, 64)), 1);
    for n in 0..3000 {
        rig.say(ping(stranger(n), 64));
        if n % 500 == 499 {
            assert_eq!(rig.answers(FRIEND, ping(FRIEND, 64)), 1, "{n}");
        }
    }
    assert_eq!(rig.answers(other, ping(other, 64)), 1);
    assert!(rig.count("arp", "crowded_out") > 1900);
}

/// Two hosts that echo, and one datagram in the name of one of them.
#[test]
fn echoes_do_not_answer_each_other() {
    let rig = Rig::host(24, USUAL);
    assert_eq!(rig.answers(FRIEND, udp(FRIEND, OWN, [7, 7], b"!")), 0);
    assert_eq!(rig.answers(FRIEND, udp(FRIEND, OWN, [8, 7], b"!")), 1);
    assert_eq!(rig.answers(FRIEND, udp(FRIEND, OWN, [7, 7], b"!")), 0);
    assert_eq!((rig.count("echo", "from_echo"), rig.count("echo", "echoed")), (2, 1));
}

/// RFC 1122, section 3.2.1.7: hops that are left concern routers.
#[test]
fn a_packet_without_hops_has_arrived() {
    let rig = Rig::host(24, USUAL);
    for hops in [0, 1] {
        assert_eq!(rig.answers(FRIEND, ping(FRIEND, hops)), 1, "{hops}");
    }
}

/// An answer in 41 fragments to a host that is not known yet: all of it waits, or none.
#[test]
fn a_large_datagram_waits_as_a_whole() {
    let rig = Rig::host(24, USUAL);
    let bytes = datagram(FRIEND, OWN, [5000, 7], &[b'z'; 60_000]);
    let fragments = |rig: &Rig| {
        bytes.chunks(1480).enumerate().for_each(|(n, piece)| {
            let more = if (n + 1) * 1480 < bytes.len() { 0x2000 } else { 0 };
            rig.say(ip(FRIEND, OWN, 17, more | u16::try_from(n * 1480 / 8).unwrap(), 64, piece));
        });
    };
    fragments(&rig);
    fragments(&rig);
    let came = rig.say(here(FRIEND));
    let packets: Vec<_> = came.iter().filter(|sent| sent[12..14] == [8, 0]).collect();
    assert_eq!(packets.len(), 41, "of the second");
    assert!(packets.iter().all(|packet| packet[18..20] == packets[0][18..20]), "of one datagram");
    assert_eq!(rig.count("ip", "waited_in_vain"), 41, "of the first");
}

/// The link has no session for a second neighbour, though its interface is known; once it has, the neighbour is reached.
#[test]
fn a_neighbour_without_a_session_is_looked_for_again() {
    let cables = [Cable::default(), Cable::default()];
    let text = "name=cable/0 side=1 cable=0; name=cable/1 side=1 cable=1;\n@;\nname=eth/0 protocols=cable/0 sessions=2;\n\
        name=eth/1 protocols=cable/1;\nname=arp protocols=eth/1 lifetime=10s;\nname=ip protocols=eth/0,arp address=10.0.0.2/24;\n\
        name=udp protocols=ip;\nname=anchor protocols=udp;\n";
    let graph = build(text, &kinds(&cables));
    let anchor = graph.anchor("anchor").unwrap();
    let sent = |host: [u8; 4], seconds: u64| {
        let now = Time(seconds * SECOND);
        settle(&[&graph], now);
        let to = Participants::new().to(Address::Host(host.into())).to(Address::Port(9));
        let session = anchor.open(to, now).unwrap();
        anchor.push(session, Message::from_slice(b"!"), now).unwrap();
        settle(&[&graph], now);
        if !cables[1].take(0).is_empty() {
            let mut frame = here(host);
            // Each has an interface of its own.
            frame[27] = host[3];
            cables[1].put(1, Message::from(frame));
            settle(&[&graph], now);
        }
        cables[0].take(0).len()
    };
    let other = [10, 0, 0, 8];
    assert_eq!((sent(FRIEND, 1), sent(other, 6)), (1, 0));
    assert_eq!(graph.count(graph.node("ip").unwrap(), "unreachable"), 1);
    // The first is forgotten, and its session free, before the second is.
    assert_eq!(sent(other, 12), 1);
}

/// What was let go before its time leaves no event behind.
#[test]
fn disorder_forgets_the_time_of_what_went() {
    let text = "name=cable side=1;\n@;\nname=disorder protocols=cable every=2 way=up time=3600s;\nname=eth protocols=disorder;\n\
        name=arp protocols=eth lifetime=100000s;\nname=ip protocols=eth,arp address=10.0.0.2/24;\nname=icmp protocols=ip;\n";
    let rig = Rig::new(text);
    for _ in 0..500 {
        rig.say(ping(FRIEND, 64));
        rig.say(here(FRIEND));
    }
    rig.say(here(FRIEND));
    assert!(rig.count("disorder", "disordered") >= 500);
    let next = rig.graph.next_event().unwrap();
    assert!(next.0 > 50_000 * SECOND, "{next:?}");
}

/// What is kept of a stranger by VSIZE is kept of both ways.
#[test]
fn a_stranger_s_session_that_is_kept_has_both_ways() {
    let more = "name=blast protocols=ip;\nname=vsize protocols=ip,blast sessions=8;\nname=anchor/v protocols=vsize;\n\
        @;\nip anchor/v 200; blast anchor/v 9;\n";
    let rig = Rig::host(8, more);
    let anchor = rig.graph.anchor("anchor/v").unwrap();
    anchor.enable(Participants::new(), rig.now).unwrap();
    rig.answers(FRIEND, ip(FRIEND, OWN, 200, 0, 64, b"hi"));
    let (session, _) = anchor.receive().unwrap();
    rig.graph.duplicate(session, rig.now);
    for n in 0..2000 {
        rig.say(ip(stranger(n), OWN, 200, 0, 64, b"hi"));
        while anchor.receive().is_some() {}
    }
    let sent = |size: usize| {
        anchor.push(session, Message::from(vec![1; size]), rig.now).unwrap();
        rig.answers(FRIEND, Vec::new())
    };
    assert_eq!((sent(100), sent(3000)), (1, 3));
    assert_eq!(rig.say(ip(FRIEND, OWN, 200, 0, 64, b"again")).len(), 0);
    assert_eq!(anchor.receive().map(|(from, _)| from), Some(session));
    // Nobody refers to it any more: it is gone, with what it held.
    rig.graph.close(session, rig.now);
    assert!(anchor.push(session, Message::new(), rig.now).is_err());
    let host = Participants::new().to(Address::Host(Ipv4Addr::from(FRIEND)));
    let again = anchor.open(host, rig.now).unwrap();
    assert_ne!(again, session);
}
