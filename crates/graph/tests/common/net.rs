//! What goes over a wire, as others read it.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    ArpPacket, ArpRepr, EthernetFrame, EthernetProtocol, EthernetRepr, Icmpv4Packet, IpAddress, IpProtocol, Ipv4Packet,
    Ipv4Repr, UdpPacket, UdpRepr,
};

/// Takes a frame apart with smoltcp, to the last checksum. Says what it was, or what is wrong.
pub fn dissect(frame: &[u8], checksums: bool) -> Result<&'static str, String> {
    let wrong = |what: &str| format!("{what}: {frame:02x?}");
    let ethernet = EthernetFrame::new_checked(frame).map_err(|_| wrong("short"))?;
    EthernetRepr::parse(&ethernet).map_err(|_| wrong("ethernet"))?;
    match ethernet.ethertype() {
        EthernetProtocol::Arp => {
            let packet = ArpPacket::new_checked(ethernet.payload()).map_err(|_| wrong("arp"))?;
            ArpRepr::parse(&packet).map_err(|_| wrong("arp"))?;
            Ok("arp")
        }
        EthernetProtocol::Ipv4 => {
            let packet = Ipv4Packet::new_checked(ethernet.payload()).map_err(|_| wrong("ip"))?;
            if !packet.verify_checksum() {
                return Err(wrong("checksum of ip"));
            }
            if packet.more_frags() || packet.frag_offset() > 0 {
                return Ok("fragment");
            }
            Ipv4Repr::parse(&packet, &ChecksumCapabilities::default()).map_err(|_| wrong("ip"))?;
            match packet.next_header() {
                IpProtocol::Icmp => {
                    let icmp = Icmpv4Packet::new_checked(packet.payload()).map_err(|_| wrong("icmp"))?;
                    if icmp.verify_checksum() { Ok("icmp") } else { Err(wrong("checksum of icmp")) }
                }
                IpProtocol::Udp => {
                    let udp = UdpPacket::new_checked(packet.payload()).map_err(|_| wrong("udp"))?;
                    let (from, to) = (IpAddress::from(packet.src_addr()), IpAddress::from(packet.dst_addr()));
                    let capabilities =
                        if checksums { ChecksumCapabilities::default() } else { ChecksumCapabilities::ignored() };
                    UdpRepr::parse(&udp, &from, &to, &capabilities).map_err(|_| wrong("udp"))?;
                    Ok("udp")
                }
                _ => Ok("other"),
            }
        }
        _ => Ok("other"),
    }
}

/// The frames of a pcap file with nanoseconds, read by hand.
pub fn pcap(bytes: &[u8]) -> Vec<&[u8]> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_3c4d, 1), "pcap with nanoseconds, of Ethernet");
    let mut frames = Vec::new();
    let mut at = 24;
    while at < bytes.len() {
        assert!(word(at + 4) < 1_000_000_000);
        let (kept, size) = (word(at + 8) as usize, word(at + 12));
        assert_eq!(kept, size as usize);
        frames.push(&bytes[at + 16..at + 16 + kept]);
        at += 16 + kept;
    }
    frames
}
