//! What others make of our frames, and we of theirs.

mod common;

use core::net::Ipv4Addr;

use common::{Cable, build, host, kinds, rounds, settle};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::protocols::ip::header::{self, Bad};
use nearcall_graph::{Address, Message, Participants, Time};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol,
    Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

const ALL: &str = "name=icmp protocols=ip;\nname=udp protocols=ip;\nname=anchor/ping protocols=icmp;\n\
    name=anchor protocols=udp;\nname=echo protocols=udp port=7;\n";

fn dissect(frame: &[u8]) -> &'static str {
    common::net::dissect(frame, true).unwrap()
}

#[test]
fn others_understand_every_frame() {
    let cables = [Cable::default(), Cable::default()];
    // Two cables, and the test between them, which looks at every frame.
    let a = build(&host(0, "", ALL), &kinds(&cables[..1]));
    let b = build(&host(1, "", ALL), &kinds(&cables[1..]));
    let mut seen = std::collections::BTreeMap::new();
    let mut carry = |now| {
        loop {
            settle(&[&a, &b], now);
            let (to_b, to_a) = (cables[0].take(1), cables[1].take(0));
            if to_b.is_empty() && to_a.is_empty() {
                return;
            }
            for (side, cable, frames) in [(1, &cables[1], to_b), (0, &cables[0], to_a)] {
                for frame in frames {
                    *seen.entry(dissect(&frame.to_vec())).or_insert(0) += 1;
                    cable.put(side, Message::from(frame.to_vec()));
                }
            }
        }
    };
    let other = Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, 2)));
    let (udp, ping) = (a.anchor("anchor").unwrap(), a.anchor("anchor/ping").unwrap());
    let session = udp.open(other.clone().to(Address::Port(7)), Time(0)).unwrap();
    for size in (0..40).chain([1000, 1472, 1473, 8000, 65_507]) {
        udp.push(session, Message::from(vec![7; size]), Time(0)).unwrap();
        carry(Time(0));
        assert_eq!(udp.receive().unwrap().1.to_vec(), vec![7; size]);
    }
    let session = ping.open(other, Time(0)).unwrap();
    for size in [0, 1, 56, 1472] {
        let ticket = ping.call(session, Message::from(vec![9; size]), Time(0)).unwrap();
        carry(Time(0));
        assert_eq!(a.answer(ticket).unwrap().unwrap().to_vec(), vec![9; size]);
    }
    assert!(["arp", "fragment", "icmp", "udp"].iter().all(|kind| seen[kind] > 2), "{seen:?}");
}

/// A frame of smoltcp's around `payload`.
fn framed(kind: EthernetProtocol, payload: &[u8]) -> Message {
    let mut bytes = vec![0; 14 + payload.len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    let repr = EthernetRepr {
        src_addr: EthernetAddress([2, 0, 0, 0, 0, 9]),
        dst_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
        ethertype: kind,
    };
    repr.emit(&mut frame);
    frame.payload_mut().copy_from_slice(payload);
    Message::from(bytes)
}

fn packet(protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let repr = Ipv4Repr {
        src_addr: Ipv4Addr::new(10, 0, 0, 9),
        dst_addr: Ipv4Addr::new(10, 0, 0, 2),
        next_header: protocol,
        payload_len: payload.len(),
        hop_limit: 3,
    };
    let mut bytes = vec![0; 20 + payload.len()];
    let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
    repr.emit(&mut packet, &ChecksumCapabilities::default());
    packet.payload_mut().copy_from_slice(payload);
    bytes
}

#[test]
fn we_understand_others() {
    let cable = Cable::default();
    let b = build(&host(1, "", ALL), &kinds(std::slice::from_ref(&cable)));
    settle(&[&b], Time(0));
    let claims: Vec<_> = cable.take(0).iter().map(|frame| dissect(&frame.to_vec())).collect();
    assert_eq!(claims, ["arp"], "it says who it is");
    // Who has 10.0.0.2?
    let question = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Request,
        source_hardware_addr: EthernetAddress([2, 0, 0, 0, 0, 9]),
        source_protocol_addr: Ipv4Addr::new(10, 0, 0, 9),
        target_hardware_addr: EthernetAddress([0; 6]),
        target_protocol_addr: Ipv4Addr::new(10, 0, 0, 2),
    };
    let mut bytes = vec![0; 28];
    question.emit(&mut ArpPacket::new_unchecked(&mut bytes[..]));
    cable.put(1, framed(EthernetProtocol::Arp, &bytes));
    settle(&[&b], Time(0));
    let answer = cable.take(0)[0].to_vec();
    let answer = ArpRepr::parse(&ArpPacket::new_checked(&answer[14..]).unwrap()).unwrap();
    assert_eq!(
        answer,
        ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Reply,
            source_hardware_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
            source_protocol_addr: Ipv4Addr::new(10, 0, 0, 2),
            target_hardware_addr: EthernetAddress([2, 0, 0, 0, 0, 9]),
            target_protocol_addr: Ipv4Addr::new(10, 0, 0, 9),
        }
    );
    // A datagram, and what Ethernet pads it with.
    let repr = UdpRepr { src_port: 4711, dst_port: 7 };
    let (from, to) = (Ipv4Addr::new(10, 0, 0, 9).into(), Ipv4Addr::new(10, 0, 0, 2).into());
    let mut bytes = vec![0; 8 + 5];
    let mut udp = UdpPacket::new_unchecked(&mut bytes[..]);
    repr.emit(&mut udp, &from, &to, 5, |payload| payload.copy_from_slice(b"hello"), &ChecksumCapabilities::default());
    let mut padded = packet(IpProtocol::Udp, &bytes);
    padded.resize(46, 0xee);
    cable.put(1, framed(EthernetProtocol::Ipv4, &padded));
    settle(&[&b], Time(0));
    // It has to ask who we are first.
    assert_eq!(dissect(&cable.take(0)[0].to_vec()), "arp");
    let mut reply = vec![0; 28];
    let ArpRepr::EthernetIpv4 { operation: _, source_hardware_addr, source_protocol_addr, .. } = question else {
        unreachable!("it is made above")
    };
    let told = ArpRepr::EthernetIpv4 {
        operation: ArpOperation::Reply,
        source_hardware_addr,
        source_protocol_addr,
        target_hardware_addr: EthernetAddress([2, 0, 0, 0, 0, 1]),
        target_protocol_addr: Ipv4Addr::new(10, 0, 0, 2),
    };
    told.emit(&mut ArpPacket::new_unchecked(&mut reply[..]));
    cable.put(1, framed(EthernetProtocol::Arp, &reply));
    settle(&[&b], Time(0));
    let back = cable.take(0)[0].to_vec();
    assert_eq!(dissect(&back), "udp");
    assert_eq!(&back[42..], b"hello");
    // The same with a bit wrong anywhere in the transport's part is nothing.
    for bit in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        cable.put(1, framed(EthernetProtocol::Ipv4, &packet(IpProtocol::Udp, &wrong)));
        settle(&[&b], Time(0));
        assert!(cable.take(0).is_empty(), "bit {bit}");
    }
}

/// The decoder of IP against smoltcp's, on headers with something wrong.
#[test]
fn ip_headers_as_others_read_them() {
    let mut draw = Draw::new(1);
    let mut good = 0;
    for _ in 0..rounds(100_000) {
        let size = usize::try_from(draw.below(40)).unwrap();
        let mut bytes = packet(IpProtocol::Udp, &vec![1; size]);
        for _ in 0..draw.below(3) {
            let at = usize::try_from(draw.below(20)).unwrap();
            bytes[at] = u8::try_from(draw.below(256)).unwrap();
        }
        if draw.below(2) == 0 {
            let mut packet = Ipv4Packet::new_unchecked(&mut bytes[..]);
            if packet.header_len() >= 20 && usize::from(packet.header_len()) <= 20 + size {
                packet.fill_checksum();
            }
        }
        let theirs = Ipv4Packet::new_checked(&bytes[..])
            .ok()
            .filter(|packet| packet.version() == 4 && packet.header_len() >= 20 && packet.verify_checksum());
        let mut message = Message::from(bytes.clone());
        match (theirs, header::decode(&mut message)) {
            (Some(theirs), Ok(ours)) => {
                good += 1;
                assert_eq!((ours.source, ours.destination), (theirs.src_addr(), theirs.dst_addr()));
                assert_eq!((ours.number, ours.identification), (u8::from(theirs.next_header()), theirs.ident()));
                assert_eq!(message.to_vec(), theirs.payload());
                let place = ours.fragment.map_or((0, false), |place| (place.offset, place.more));
                assert_eq!(place, (usize::from(theirs.frag_offset()), theirs.more_frags()));
            }
            (Some(theirs), Err(Bad::Source)) => {
                let from = theirs.src_addr();
                assert!(from.is_multicast() || from.is_broadcast() || from.is_unspecified());
            }
            (None, Err(_)) => {}
            (theirs, ours) => panic!("{bytes:x?}: {:?} and {ours:?}", theirs.map(|packet| packet.total_len())),
        }
    }
    assert!(good > 100, "{good}");
}
