//! Pairs of hosts with a clock of their own, each pair other by its seed: ETH, ARP, IP, ICMP and UDP, with faults anywhere between them,
//! on either side. NEARCALL_TEST_ROUNDS says how many.
//!
//! The only sources of chance are the seed's. What a run shows, it shows in every run.

mod common;

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use common::{Cable, build, kinds, rounds, run};
use nearcall_graph::protocol::{CallError, Session, Ticket};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::{Address, Graph, Message, Participants, Time};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn one_of<T: Copy, const N: usize>(draw: &mut Draw, these: [T; N]) -> T {
    these[usize::try_from(draw.below(N as u64)).unwrap()]
}

/// Up to two faults over `below`, each a statement; and the last one's name.
fn faults(draw: &mut Draw, place: &str, below: &str, is_lossy: bool) -> (String, String) {
    let (mut text, mut last) = (String::new(), below.to_owned());
    for n in 0..draw.below(3) {
        let seed = draw.number();
        let way = one_of(draw, ["both", "up", "down"]);
        let rate = format!("rate=0.{:02}", draw.below(40));
        let late = format!("time={}us", 1 + draw.below(20_000));
        let (kind, how) = match draw.below(if is_lossy { 4 } else { 3 }) {
            0 => ("disorder", format!("{rate} {late}")),
            1 => ("duplicate", rate),
            2 => ("delay", format!("{rate} {late}")),
            _ => ("drop", rate),
        };
        let name = format!("{kind}/{place}{n}");
        text += &format!("name={name} protocols={last} {how} way={way} seed={seed};\n");
        last = name;
    }
    (text, last)
}

/// The file of host `side`: faults under ETH, under IP and under UDP, hosts that are soon forgotten, little memory for fragments.
fn file(draw: &mut Draw, side: usize, is_lossy: bool) -> String {
    let (frames, link) = faults(draw, "frames", "cable", is_lossy);
    let (packets, over) = faults(draw, "packets", "eth", is_lossy);
    let (data, under) = faults(draw, "data", "ip", is_lossy);
    let lifetime = one_of(draw, ["50ms", "3s", "60s"]);
    let memory = one_of(draw, ["20000", "4194304"]);
    format!(
        "name=cable side={side};\n@;\n{frames}name=eth protocols={link};\nname=arp protocols=eth lifetime={lifetime};\n{packets}\
         name=ip protocols={over},arp address=10.0.0.{}/24 reassembly_time=5s reassembly_memory={memory};\n{data}\
         name=icmp protocols=ip timeout=2s;\nname=udp protocols={under};\nname=echo protocols=udp port=7;\n\
         name=anchor/ping protocols=icmp;\nname=anchor protocols=udp inbox=1000;\n",
        side + 1
    )
}

fn bytes(draw: &mut Draw) -> Vec<u8> {
    // Small ones, those about a packet, and fragments.
    let size = match draw.below(3) {
        0 => draw.below(64),
        1 => 1400 + draw.below(200),
        _ => draw.below(9000),
    };
    (0..size).map(|_| draw.number().to_be_bytes()[0]).collect()
}

/// One host, what it asked, and what came of it.
struct Side {
    graph: Graph,
    udp: Session,
    ping: Session,
    sent: Vec<Vec<u8>>,
    back: Vec<usize>,
    pings: Vec<(Ticket, Vec<u8>)>,
}

impl Side {
    fn new(text: &str, side: u8, cable: &Cable) -> Self {
        let graph = build(text, &kinds(std::slice::from_ref(cable)));
        let other = Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, 2 - side)));
        let ping = graph.anchor("anchor/ping").unwrap().open(other.clone(), Time(1)).unwrap();
        let udp = graph.anchor("anchor").unwrap().open(other.to(Address::Port(7)), Time(1)).unwrap();
        Self { graph, udp, ping, sent: Vec::new(), back: Vec::new(), pings: Vec::new() }
    }

    fn ask(&mut self, draw: &mut Draw, now: Time) {
        let mut message = bytes(draw);
        if draw.below(4) == 0 {
            let ticket =
                self.graph.anchor("anchor/ping").unwrap().call(self.ping, message.clone().into(), now).unwrap();
            self.pings.push((ticket, message));
        } else {
            // What comes back says which it was.
            message.extend(u32::try_from(self.sent.len()).unwrap().to_be_bytes());
            self.graph.anchor("anchor").unwrap().push(self.udp, Message::from(message.clone()), now).unwrap();
            self.sent.push(message);
        }
    }

    /// Takes what has come back: each is whole, and was sent.
    fn take(&mut self, seed: u64) {
        while let Some((from, back)) = self.graph.anchor("anchor").unwrap().receive() {
            let back = back.to_vec();
            let number = back.last_chunk().map(|number| usize::try_from(u32::from_be_bytes(*number)).unwrap());
            let sent = number.and_then(|number| self.sent.get(number));
            assert!(from == self.udp && sent == Some(&back), "seed {seed}: {} bytes that were not sent", back.len());
            self.back.extend(number);
        }
    }

    /// What the protocols counted under one of these names.
    fn counted(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        let counts = self.graph.nodes().flat_map(|node| self.graph.counts(node));
        counts.filter(|(name, _)| is_meant(name)).map(|(_, count)| count).sum()
    }
}

/// All that a run has shown.
#[derive(Debug, PartialEq)]
struct Shown {
    counts: Vec<BTreeMap<&'static str, u64>>,
    back: [Vec<usize>; 2],
    pinged: [Vec<bool>; 2],
}

fn pair(seed: u64) -> Shown {
    let mut draw = Draw::new(seed);
    let is_lossy = draw.below(3) > 0;
    let cable = Cable::default();
    let texts = [0, 1].map(|side| file(&mut draw, side, is_lossy));
    let mut sides = [0, 1].map(|side| Side::new(&texts[usize::from(side)], side, &cable));
    let mut now = Time(1);
    let step = |sides: &mut [Side; 2], from: Time, until: Time| {
        run(&[&sides[0].graph, &sides[1].graph], from, until);
        sides.iter_mut().for_each(|side| side.take(seed));
    };
    for _ in 0..4 + draw.below(12) {
        let at = one_of(&mut draw, [0, 1]);
        sides[at].ask(&mut draw, now);
        let pause = one_of(&mut draw, [MS, 30 * MS, 4 * SECOND]);
        let next = Time(now.0 + 1 + draw.below(pause));
        step(&mut sides, now, next);
        now = next;
    }
    // Everything has a time-out, and there is nothing after the last.
    step(&mut sides, now, Time(now.0 + 200_000 * SECOND));
    let ended = sides.iter().all(|side| side.graph.next_event().is_none());
    assert!(ended, "seed {seed}: an event is left");
    let pinged = sides.each_ref().map(|side| {
        let answer = |(ticket, sent): &(Ticket, Vec<u8>)| match side.graph.answer(*ticket) {
            Some(Ok(back)) => {
                assert!(back.to_vec() == *sent, "seed {seed}: another answer");
                true
            }
            Some(Err(CallError::Timeout { .. })) => false,
            other => panic!("seed {seed}: a ping ends in {other:?}"),
        };
        side.pings.iter().map(answer).collect::<Vec<_>>()
    });
    for side in &sides {
        let broken = side.counted(|name| name.contains("bad") || name.contains("malformed") || name.contains("short"));
        assert_eq!(broken, 0, "seed {seed}: nothing breaks a message here");
        assert_eq!(side.counted(|name| name == "no_port" || name == "unknown_protocol"), 0, "seed {seed}");
    }
    // Nothing is lost that nobody has counted. What a fault keeps is late when the session that it goes down on has been closed.
    let lost = |name: &str| {
        let causes = ["dropped", "waited_in_vain", "unreachable", "crowded_out", "timed_out", "no_room", "late"];
        causes.contains(&name) || name.starts_with("push_") || name == "inbox_full"
    };
    let causes: u64 = sides.iter().map(|side| side.counted(lost)).sum();
    for (side, pinged) in sides.iter().zip(&pinged) {
        let missing = (0..side.sent.len()).filter(|number| !side.back.contains(number)).count();
        // A ping that is late has timed out, however it came to be late.
        assert!(missing == 0 || causes > 0, "seed {seed}: {missing} datagrams are missing, and nobody knows why");
        assert!(is_lossy || causes > 0 || pinged.iter().all(|answered| *answered), "seed {seed}: pings");
    }
    let counts = sides.iter().flat_map(|side| side.graph.nodes().map(|node| side.graph.counts(node))).collect();
    Shown { counts, back: sides.map(|side| side.back), pinged }
}

#[test]
fn what_arrives_was_sent_and_what_does_not_was_counted() {
    let (mut back, mut pinged, mut reassembled, mut whole) = (0, 0, 0, 0);
    let rounds = rounds(500);
    for seed in 0..rounds {
        let shown = pair(seed);
        back += shown.back.iter().map(Vec::len).sum::<usize>();
        pinged += shown.pinged.iter().flatten().filter(|answered| **answered).count();
        reassembled += shown.counts.iter().filter_map(|counts| counts.get("reassembled")).sum::<u64>();
        whole += u64::from(shown.counts.iter().all(|counts| !counts.contains_key("dropped")));
        if seed % 16 == 0 {
            assert_eq!(pair(seed), shown, "seed {seed}: the same again is another");
        }
    }
    println!(
        "{rounds} seeds, {whole} without loss: {back} datagrams and {pinged} pings came back, {reassembled} put together"
    );
    assert!(back > 0 && pinged > 0 && reassembled > 0 && whole > 0);
}
