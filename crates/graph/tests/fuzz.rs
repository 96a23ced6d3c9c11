//! Frames that nobody sane would send, at every decoder, by a driver that does the same in every run. NEARCALL_TEST_ROUNDS
//! says how many.

mod common;

use common::{Cable, build, kinds, rounds};
use nearcall_graph::checksum::Sum;
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::{Message, Time};

const HOST: &str = "name=cable side=1;\n@;\nname=trace protocols=cable file=/dev/null;\n\
    name=disorder protocols=trace rate=0.1 time=1ms;\nname=eth protocols=disorder sessions=64;\n\
    name=arp protocols=eth hosts=32;\nname=ip protocols=eth,arp address=10.0.0.2/24 sessions=64 \
    reassembly_memory=300000 reassembly_time=2s;\nname=icmp protocols=ip;\nname=udp protocols=ip sessions=64;\n\
    name=echo protocols=udp port=7;\nname=anchor protocols=icmp;\n";

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
    let host = build(HOST, &kinds(std::slice::from_ref(&cable)));
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
}
