//! Frames that nobody sane would send, at every decoder, by a driver that does the same in every run. NEARCALL_TEST_ROUNDS
//! says how many.

mod common;

use common::{Cable, build, kinds, rounds};
use nearcall_graph::checksum::Sum;
use nearcall_graph::compose::{Below, Kind, Kinds, Realm};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::protocols::relay::{Passing, Relay, Treatment, Way};
use nearcall_graph::{Address, Cx, Graph, Message, Participants, Time};

const HOST: &str = "name=cable side=1;\n@;\nname=trace protocols=cable file=/dev/null;\n\
    name=disorder protocols=trace rate=0.1 time=1ms;\nname=to/eth protocols=disorder;\nname=eth protocols=to/eth sessions=64;\n\
    name=to/arp protocols=eth;\nname=arp protocols=to/arp hosts=32;\nname=to/ip protocols=eth;\n\
    name=ip protocols=to/ip,arp address=10.0.0.2/24 sessions=64 reassembly_memory=300000 reassembly_time=2s;\n\
    name=to/icmp protocols=ip;\nname=icmp protocols=to/icmp;\nname=to/udp protocols=ip;\nname=udp protocols=to/udp sessions=64;\n\
    name=echo protocols=udp port=7;\nname=anchor protocols=icmp;\n";

/// Counts what goes up to a decoder.
struct Counter;

impl Treatment for Counter {
    fn pass(&mut self, cx: &mut Cx<'_>, passing: Passing, out: &mut Vec<Passing>) {
        if passing.way == Way::Up {
            cx.count("up");
        }
        out.push(passing);
    }
}

/// The usual kinds, and `to/DECODER`, which counts.
fn counting(cable: &Cable) -> Kinds {
    const ANYTHING: &[Below] = &[Below { name: "anything", realms: &[Realm::Frames, Realm::Messages, Realm::Calls] }];
    let counter = Kind::new("to", Realm::Same, ANYTHING, |make| Ok(Box::new(Relay::new(make.node, 1024, Counter))));
    kinds(std::slice::from_ref(cable)).with(counter)
}

/// Says how many messages each decoder was given, and that each had some.
fn tell(host: &Graph) {
    let counters = host.nodes().filter(|node| host.kind(*node) == "to");
    let counts: Vec<(&str, u64)> = counters.map(|node| (&host.name(node)[3..], host.count(node, "up"))).collect();
    println!("messages given to each decoder: {counts:?}");
    assert!(counts.iter().all(|(_, count)| *count > 0), "{counts:?}");
}

struct Frames {
    draw: Draw,
}

impl Frames {
    fn byte(&mut self) -> u8 {
        u8::try_from(self.draw.below(256)).unwrap()
    }

    fn size(&mut self, bound: u64) -> usize {
        usize::try_from(self.draw.below(bound)).unwrap()
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        (0..size).map(|_| self.byte()).collect()
    }

    /// A frame that is right in most places, then wrong in some.
    fn next(&mut self) -> Vec<u8> {
        let payload = match self.draw.below(4) {
            0 => self.arp(),
            1 => {
                let size = self.size(64);
                self.bytes(size)
            }
            _ => self.ip(),
        };
        let kind = if payload.len() == 28 && payload[..2] == [0, 1] { [8, 6] } else { [8, 0] };
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9];
        // One of few stations, mostly.
        frame[11] = u8::try_from(self.draw.below(100)).unwrap() + 2;
        frame.extend(kind);
        frame.extend(payload);
        if self.draw.below(3) == 0 {
            for _ in 0..=self.draw.below(4) {
                let at = self.size(frame.len() as u64);
                frame[at] = self.byte();
            }
        }
        if self.draw.below(8) == 0 {
            let size = self.size(frame.len() as u64 + 1);
            frame.truncate(size);
        }
        frame
    }

    fn arp(&mut self) -> Vec<u8> {
        let mut packet = vec![0, 1, 8, 0, 6, 4, 0, u8::try_from(self.draw.below(3)).unwrap()];
        packet.extend([2, 0, 0, 0, 0, self.byte(), 10, 0, 0, self.byte()]);
        packet.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
        packet
    }

    fn ip(&mut self) -> Vec<u8> {
        let from = [10, 0, 0, self.byte()];
        let (number, payload) = match self.draw.below(3) {
            0 => (1, self.icmp()),
            1 => (17, self.udp(from)),
            _ => (self.byte(), {
                let size = self.size(200);
                self.bytes(size)
            }),
        };
        let mut header = vec![0x45, 0];
        header.extend(u16::try_from(payload.len() + 20).unwrap().to_be_bytes());
        header.extend([0, u8::try_from(self.draw.below(16)).unwrap()]);
        let place = match self.draw.below(3) {
            0 => [0, 0],
            1 => [0x20, u8::try_from(self.draw.below(16)).unwrap()],
            _ => [u8::try_from(self.draw.below(64)).unwrap(), self.byte()],
        };
        header.extend(place);
        header.extend([64, number, 0, 0]);
        header.extend(from);
        header.extend([10, 0, 0, if self.draw.below(10) == 0 { 255 } else { 2 }]);
        if self.draw.below(8) == 0 {
            header[0] += 1;
            header.extend(self.bytes(4));
            header[3] = header[3].wrapping_add(4);
        }
        let sum = Sum::default().bytes(&header).finish();
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header.extend(payload);
        header
    }

    fn icmp(&mut self) -> Vec<u8> {
        let mut message = vec![[8, 0, 3, 11][self.size(4)], 0, 0, 0];
        let size = self.size(100);
        message.extend(self.bytes(size));
        let sum = Sum::default().bytes(&message).finish();
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        message
    }

    fn udp(&mut self, from: [u8; 4]) -> Vec<u8> {
        let size = self.size(100);
        let mut message = vec![0, self.byte(), 0, 7];
        let whole = u16::try_from(size + 8).unwrap();
        message.extend(whole.to_be_bytes());
        message.extend([0, 0]);
        message.extend(self.bytes(size));
        let sum = Sum::default().bytes(&from).bytes(&[10, 0, 0, 2, 0, 17]).bytes(&whole.to_be_bytes()).bytes(&message);
        let sum = sum.finish();
        message[6..8].copy_from_slice(&sum.to_be_bytes());
        message
    }
}

#[test]
fn no_frame_harms() {
    let cable = Cable::default();
    let host = build(HOST, &counting(&cable));
    let mut frames = Frames { draw: Draw::new(1) };
    let (mut now, mut answers) = (Time(0), 0);
    for _ in 0..rounds(100_000) {
        let frame = frames.next();
        // In two pieces, so that headers are across them.
        let at = frames.size(frame.len() as u64 + 1);
        let mut message = Message::from(frame);
        let tail = message.split(at);
        message.join(tail);
        cable.put(1, message);
        now = Time(now.0 + frames.draw.below(2_000_000));
        while host.poll(now) {}
        answers += cable.take(0).len();
    }
    let counts: std::collections::BTreeMap<_, _> =
        host.nodes().flat_map(|node| host.counts(node)).fold(Default::default(), |mut all, (name, count)| {
            *all.entry(name).or_insert(0) += count;
            all
        });
    // It has seen the good and the bad.
    for name in
        ["short", "malformed", "bad_checksum", "for_others", "answered", "echoed", "replies", "fragments", "no_port"]
    {
        assert!(counts.contains_key(name), "{name} of {counts:?}");
    }
    assert!(answers > 100);
    tell(&host);
}

const CALLED: &str = "name=cable side=1;\n@;\nname=eth protocols=cable sessions=64;\nname=arp protocols=eth hosts=32;\n\
    name=ip protocols=eth,arp address=10.0.0.2/24 sessions=64 reassembly_memory=300000 reassembly_time=2s;\n\
    name=udp protocols=ip sessions=64 checksum=no;\nname=to/blast protocols=udp;\n\
    name=blast protocols=to/blast port=7 sessions=64 keep=50ms;\nname=to/bidctl protocols=blast;\n\
    name=bidctl protocols=to/bidctl id=2;\nname=to/bid protocols=blast;\nname=bid protocols=to/bid,bidctl sessions=64;\n\
    name=to/chan protocols=bid;\nname=chan protocols=to/chan sessions=64 keep=20ms;\nname=vchan protocols=chan sessions=256;\n\
    name=to/select protocols=vchan;\nname=select protocols=to/select sessions=256;\nname=anchor protocols=select;\n";

impl Frames {
    /// A datagram for the protocols of calls: right headers from the bottom up to some layer, then anything. `tags` are those of
    /// questions that the host has asked.
    fn call(&mut self, from: u8, tags: &mut Vec<[u8; 8]>) -> Vec<u8> {
        let life = |from: u8| u64::from(from / 2 + 1).to_be_bytes();
        let mut above = match self.draw.below(8) {
            0 => {
                let size = self.size(60);
                self.bytes(size)
            }
            1 | 2 => {
                let tag = tags.pop().unwrap_or([9; 8]);
                let mut control = vec![0, 0, 0, u8::try_from(self.draw.below(4)).unwrap()];
                control.extend(tag);
                control.extend(life(from));
                control
            }
            _ => {
                let mut bid = vec![0, 1, 0, 0];
                bid.extend(life(from));
                bid.extend([0, 0, 0, 0, 0, 0, 0, if self.draw.below(20) == 0 { 3 } else { 2 }]);
                let flags = [3, 7, 5, 1, 9, 2, 0, self.byte()][self.size(8)];
                bid.extend([0, 1, 0, flags, 0, 0, 0, u8::try_from(self.draw.below(20)).unwrap()]);
                bid.extend([0, 0, 0, self.byte()]);
                bid.extend([0, 0, self.byte(), 0]);
                let size = self.size(40);
                bid.extend([0, 7, 0, 0, 0, 0, 0, u8::try_from(size).unwrap()]);
                let payload = self.bytes(size);
                bid.extend(payload);
                bid
            }
        };
        let number = if above.len() == 20 && above[0..3] == [0, 0, 0] { 2 } else { 1 };
        let size = u32::try_from(above.len()).unwrap();
        let (sequence, count, mask, kind, unit) = match self.draw.below(3) {
            0 if size > 8 => {
                // A fragment of a message in two.
                let unit = size.div_ceil(2);
                let second = self.draw.below(2) == 1;
                let at = usize::try_from(unit).unwrap();
                above = if second { above[at..].to_vec() } else { above[..at].to_vec() };
                (self.byte(), 2, 1 + u8::from(second), 1 + u8::try_from(self.draw.below(3)).unwrap(), unit)
            }
            _ => (0, 1, 1, 1, 1400),
        };
        let mut blast = vec![0, number, kind, count, 0, 0, 0, sequence];
        blast.extend(size.to_be_bytes());
        blast.extend([0, mask]);
        blast.extend(u16::try_from(unit).unwrap().to_be_bytes());
        blast.extend(above);
        let mut datagram = vec![0, 7, 0, 7];
        datagram.extend(u16::try_from(blast.len() + 8).unwrap().to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(blast);
        if self.draw.below(6) == 0 {
            let at = 8 + self.size(datagram.len() as u64 - 8);
            datagram[at] = self.byte();
        }
        let mut packet = vec![0x45, 0];
        packet.extend(u16::try_from(datagram.len() + 20).unwrap().to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, 2]);
        let sum = Sum::default().bytes(&packet).finish();
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend(datagram);
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, from, 8, 0];
        frame.extend(packet);
        frame
    }
}

/// The same for what calls are made of. The program answers what reaches it, but for a few.
#[test]
fn no_call_harms() {
    let cable = Cable::default();
    let host = build(CALLED, &counting(&cable));
    let anchor = host.anchor("anchor").unwrap();
    anchor.enable(Participants::new().at(Address::Port(7)), Time(0)).unwrap();
    let mut frames = Frames { draw: Draw::new(2) };
    let (mut now, mut calls, mut tags) = (Time(1), 0, Vec::new());
    for _ in 0..rounds(100_000) {
        let from = 4 + u8::try_from(frames.draw.below(40)).unwrap();
        let mut frame = frames.call(from, &mut tags);
        if frames.draw.below(20) == 0 {
            // It asks who that is, and hears it.
            frame = frames.arp();
        }
        if frames.draw.below(6) == 0 {
            cable.put(1, Message::from(frame.clone()));
        }
        cable.put(1, Message::from(frame));
        now = Time(now.0 + frames.draw.below(2_000_000));
        while host.poll(now) {}
        while let Some((session, message)) = anchor.receive() {
            calls += 1;
            if frames.draw.below(20) > 0 {
                let _ = anchor.push(session, message, now);
            }
        }
        for sent in cable.take(0) {
            let bytes = sent.to_vec();
            match bytes.get(12..14) {
                // Who has this address?
                Some([8, 6]) if bytes[21] == 1 => {
                    let mut answer = bytes[..42].to_vec();
                    answer[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
                    answer[6..12].copy_from_slice(&[2, 0, 0, 0, 0, bytes[41]]);
                    answer[21] = 2;
                    answer[22..28].copy_from_slice(&[2, 0, 0, 0, 0, bytes[41]]);
                    answer[28..32].copy_from_slice(&bytes[38..42]);
                    answer[32..42].copy_from_slice(&bytes[22..32]);
                    cable.put(1, Message::from(answer));
                }
                // A question of BIDCTL.
                Some([8, 0]) if bytes.len() >= 14 + 20 + 8 + 16 + 20 && bytes[42..44] == [0, 2] => {
                    tags.push(bytes[62..70].try_into().unwrap());
                }
                _ => {}
            }
        }
        tags.truncate(8);
    }
    let host = &host;
    let counts: std::collections::BTreeMap<_, _> = host
        .nodes()
        .flat_map(|node| {
            host.counts(node).into_iter().map(move |(name, count)| ((host.name(node).to_owned(), name), count))
        })
        .collect();
    for (node, name) in [
        ("blast", "malformed"),
        ("blast", "fragments"),
        ("bidctl", "first_contacts"),
        ("bidctl", "unasked"),
        ("bid", "for_another_life"),
        ("chan", "requests"),
        ("chan", "stale"),
        ("chan", "acknowledged"),
        ("chan", "refused"),
        ("chan", "forgotten"),
        ("select", "malformed"),
    ] {
        assert!(counts.contains_key(&(node.to_owned(), name)), "{node}: {name} of {counts:?}");
    }
    assert!(calls > 100, "{calls}");
    tell(host);
}
