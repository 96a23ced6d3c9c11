//! IP: IPv4 between hosts, for one of our own addresses.
//!
//! It has two protocols below: the link that carries packets, and one that knows the interface of a host
//! ([`Control::Resolve`]). Datagrams that are larger than the link's packets are cut, and put together by [`reassembly`].
//! Packets for a host whose interface is not known yet wait, a few each.
//!
//! What it does not do: forward, or answer for the network (no ICMP errors of its own).
//!
//! Source: RFC 791; RFC 1122, section 3.

pub mod header;
pub mod reassembly;

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use zerocopy::big_endian::U16;

use self::header::{HEADER_SIZE, Header, MORE};
use self::reassembly::{Bounds, Key, Outcome, Reassembly};
use crate::event::EventId;
use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::{Address, Hardware, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// The link's place below.
const LINK: usize = 0;
/// The place of who knows interfaces.
const RESOLVER: usize = 1;

/// Bytes of the largest datagram, without its header.
pub const LARGEST_MESSAGE: usize = 65_535 - HEADER_SIZE;

/// Packets that wait for one interface to be known, beyond the datagram that came last: of that all wait, or it were in vain for any.
const WAITING_COUNT: usize = 32;
/// Hosts and routers on the link that are known or looked for.
const NEIGHBOUR_COUNT: usize = 1024;

/// What a host has to be told.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Our own address.
    pub address: Ipv4Addr,
    /// How many of its bits are the network's.
    pub prefix: u32,
    /// Who takes packets for other networks.
    pub gateway: Option<Ipv4Addr>,
    /// Hops that our packets may take.
    pub hops: u8,
    /// Sessions at most.
    pub session_count: usize,
    /// What reassembly may take.
    pub reassembly: Bounds,
}

/// What a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    remote: Ipv4Addr,
    number: u8,
}

#[derive(Debug)]
enum Neighbour {
    /// Not known yet: datagrams that wait, in packets.
    Wanted { since: u64, waiting: VecDeque<Vec<Message>> },
    /// A session of the link with it.
    Known { since: u64, session: Session },
}

impl Neighbour {
    /// Who gives way first: those that are looked for, which strangers can make up, before those that are known; of either the one
    /// that is it longest.
    fn rank(&self) -> (bool, u64) {
        match self {
            Self::Wanted { since, .. } => (false, *since),
            Self::Known { since, .. } => (true, *since),
        }
    }
}

/// The protocol.
#[derive(Debug)]
pub struct Ip {
    settings: Settings,
    sessions: Sessions<Ends, Upper>,
    enabled: Map<u8, Upper>,
    neighbours: HashMap<Ipv4Addr, Neighbour>,
    /// Counts changes of neighbours.
    turn: u64,
    everybody: Option<Session>,
    largest_packet: usize,
    identification: u16,
    reassembly: Reassembly,
    expiry: Option<EventId>,
    node: Node,
}

impl Ip {
    /// For `node`.
    #[must_use]
    pub fn new(node: Node, settings: Settings) -> Self {
        Self {
            settings,
            sessions: Sessions::new(node, settings.session_count),
            enabled: Map::new(256),
            neighbours: HashMap::new(),
            turn: 0,
            everybody: None,
            largest_packet: 0,
            identification: 0,
            reassembly: Reassembly::new(settings.reassembly),
            expiry: None,
            node,
        }
    }

    fn number(cx: &Cx<'_>, upper: Upper) -> Result<u8, OpenError> {
        let not_a_byte = OpenError::Participants { protocol: "IP", what: "a number from 0 to 255 for the protocol" };
        u8::try_from(cx.number(upper.kind)?).map_err(|_| not_a_byte)
    }

    fn mask(&self) -> u32 {
        u32::MAX.checked_shl(32 - self.settings.prefix).unwrap_or(0)
    }

    /// Whether all hosts of our network have this address.
    fn is_broadcast(&self, host: Ipv4Addr) -> bool {
        let all = self.settings.address.to_bits() | !self.mask();
        host.is_broadcast() || (self.settings.prefix < 31 && host.to_bits() == all)
    }

    /// Whether `host` can be the sender of a packet that arrives: one host, and another than this one. An answer to any other would
    /// go to all of a network, or nowhere.
    fn may_send(&self, host: Ipv4Addr) -> bool {
        let [first, ..] = host.octets();
        // This network, the host itself, groups, and what is reserved (RFC 1122, section 3.2.1.3; RFC 1112).
        let is_special = first == 0 || host.is_loopback() || first >= 224;
        let is_network = self.settings.prefix < 31 && host.to_bits() == self.settings.address.to_bits() & self.mask();
        !is_special && !is_network && !self.is_broadcast(host) && host != self.settings.address
    }

    /// Who on the link gets packets for `host`.
    fn next_hop(&self, host: Ipv4Addr) -> Result<Ipv4Addr, OpenError> {
        let unusable = host.is_unspecified() || host.is_multicast() || host == self.settings.address;
        if unusable {
            return Err(OpenError::NoRoute(host));
        }
        let is_near = (host.to_bits() ^ self.settings.address.to_bits()) & self.mask() == 0;
        if is_near || self.is_broadcast(host) {
            return Ok(host);
        }
        self.settings.gateway.ok_or(OpenError::NoRoute(host))
    }

    /// Sends a packet to its next hop, or lets it wait, behind the packet before it if `is_next` of the same datagram.
    fn send(&mut self, cx: &mut Cx<'_>, hop: Ipv4Addr, packet: Message, is_next: bool) {
        if self.is_broadcast(hop) {
            if let Some(everybody) = self.everybody {
                cx.push(everybody, packet);
            }
            return;
        }
        match self.neighbours.get_mut(&hop) {
            Some(Neighbour::Known { session, .. }) => cx.push(*session, packet),
            Some(Neighbour::Wanted { waiting, .. }) => {
                match waiting.back_mut().filter(|_| is_next) {
                    Some(datagram) => datagram.push(packet),
                    None => waiting.push_back(vec![packet]),
                }
                while waiting.len() > 1 && waiting.iter().map(Vec::len).sum::<usize>() > WAITING_COUNT {
                    waiting.pop_front().iter().flatten().for_each(|_| cx.count("waited_in_vain"));
                }
            }
            None => self.look_for(cx, hop, packet),
        }
    }

    fn look_for(&mut self, cx: &mut Cx<'_>, hop: Ipv4Addr, packet: Message) {
        if self.neighbours.len() >= NEIGHBOUR_COUNT {
            let one = self.neighbours.iter().min_by_key(|(_, neighbour)| neighbour.rank()).map(|(host, _)| *host);
            self.forget(cx, one.unwrap_or(hop), "waited_in_vain");
        }
        match cx.control(RESOLVER, Control::Resolve(hop)) {
            Ok(Answer::Hardware(hardware)) => match self.reach(cx, hop, hardware) {
                Some(session) => cx.push(session, packet),
                None => cx.count("unreachable"),
            },
            Ok(Answer::Later) => {
                let since = self.turn();
                self.neighbours.insert(hop, Neighbour::Wanted { since, waiting: VecDeque::from([vec![packet]]) });
            }
            _ => cx.count("unreachable"),
        }
    }

    fn turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    /// A neighbour is none any more. What waits for it is lost, and counted as `what`.
    fn forget(&mut self, cx: &mut Cx<'_>, host: Ipv4Addr, what: &'static str) {
        match self.neighbours.remove(&host) {
            Some(Neighbour::Known { session, .. }) => cx.close(session),
            Some(Neighbour::Wanted { waiting, .. }) => waiting.iter().flatten().for_each(|_| cx.count(what)),
            None => {}
        }
    }

    /// Opens a session of the link with a neighbour, and sends what waits for it. Without one it is looked for again with the next packet.
    fn reach(&mut self, cx: &mut Cx<'_>, hop: Ipv4Addr, hardware: Hardware) -> Option<Session> {
        let to = Participants::new().to(Address::Hardware(hardware));
        let Ok(session) = cx.open(LINK, Upper::own(self.node), to) else {
            self.forget(cx, hop, "unreachable");
            return None;
        };
        let since = self.turn();
        match self.neighbours.insert(hop, Neighbour::Known { since, session }) {
            Some(Neighbour::Known { session: old, .. }) => cx.close(old),
            Some(Neighbour::Wanted { waiting, .. }) => {
                waiting.into_iter().flatten().for_each(|packet| cx.push(session, packet));
            }
            None => {}
        }
        Some(session)
    }

    fn cut(&mut self, cx: &mut Cx<'_>, ends: Ends, hop: Ipv4Addr, message: Message) {
        self.identification = self.identification.wrapping_add(1);
        let room = self.largest_packet.saturating_sub(HEADER_SIZE);
        let unit = room / 8 * 8;
        let mut rest = message;
        let mut offset = 0;
        loop {
            let mut piece = rest;
            let is_last = piece.size() <= room || unit == 0;
            rest = if is_last { Message::new() } else { piece.split(unit) };
            let size = piece.size();
            let flags = if is_last { 0 } else { MORE } | u16::try_from(offset / 8).unwrap_or(0);
            piece.push_header(
                &Header {
                    version_and_words: 0x45,
                    service: 0,
                    size: U16::new(u16::try_from(size + HEADER_SIZE).unwrap_or(u16::MAX)),
                    identification: U16::new(self.identification),
                    flags_and_offset: U16::new(flags),
                    hops: self.settings.hops,
                    number: ends.number,
                    checksum: U16::new(0),
                    source: self.settings.address.octets(),
                    destination: ends.remote.octets(),
                }
                .sealed(),
            );
            self.send(cx, hop, piece, offset > 0);
            if is_last {
                return;
            }
            offset += size;
        }
    }

    /// Sees to it that what takes too long is dropped.
    fn set_expiry(&mut self, cx: &mut Cx<'_>) {
        if self.expiry.is_none()
            && let Some(deadline) = self.reassembly.next_deadline()
        {
            self.expiry = Some(cx.schedule(cx.now().until(deadline).max(Duration::from_millis(1)), 0));
        }
    }

    fn put_together(&mut self, cx: &mut Cx<'_>, packet: header::Packet, message: Message) -> Option<Message> {
        let Some(place) = packet.fragment else { return Some(message) };
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            number: packet.number,
            identification: packet.identification,
        };
        cx.count("fragments");
        let before = self.reassembly.crowded_out;
        let outcome = self.reassembly.add(key, place, message, cx.now());
        (before..self.reassembly.crowded_out).for_each(|_| cx.count("crowded_out"));
        match outcome {
            Outcome::Complete(message) => {
                cx.count("reassembled");
                return Some(message);
            }
            Outcome::Kept => self.set_expiry(cx),
            Outcome::Duplicate => cx.count("duplicate_fragments"),
            Outcome::Malformed => cx.count("malformed_fragments"),
        }
        None
    }
}

impl Protocol for Ip {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        let upper = Upper::own(self.node);
        cx.open_enable(LINK, upper, Participants::new())?;
        let everybody = Participants::new().to(Address::Hardware(Hardware::BROADCAST));
        self.everybody = Some(cx.open(LINK, upper, everybody)?);
        // Where one cannot be told of interfaces there may still be a link without any.
        cx.open_enable(RESOLVER, upper, Participants::new())?;
        let _ = cx.control(RESOLVER, Control::Claim(self.settings.address));
        if let Ok(Answer::Size(size)) = cx.control(LINK, Control::LargestPacket) {
            self.largest_packet = size;
        }
        // So that a host that starts again does not continue datagrams of its former life.
        self.identification = u16::try_from(cx.now().0 & 0xffff).unwrap_or(0);
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, mut to: Participants) -> Result<Session, OpenError> {
        let number = Self::number(cx, upper)?;
        let missing = OpenError::Participants { protocol: "IP", what: "the other host" };
        let remote = to.pop_remote_host().ok_or(missing)?;
        self.next_hop(remote)?;
        let ends = Ends { remote, number };
        if let Some(session) = self.sessions.find(&ends) {
            if self.sessions.get(session) != Some(&mut { upper }) {
                return Err(OpenError::Taken);
            }
            self.sessions.duplicate(session);
            return Ok(session);
        }
        Ok(self.sessions.insert(ends, upper, 1)?.0)
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        self.enabled.bind(Self::number(cx, upper)?, upper).map_err(|_| OpenError::Taken)
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        let number = Self::number(cx, upper)?;
        if self.enabled.resolve(&number) != Some(upper) {
            return Err(OpenError::Taken);
        }
        self.enabled.unbind(&number);
        Ok(())
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.close(session);
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let ends = self.sessions.key(session).ok_or(PushError::Closed)?;
        self.sessions.get(session);
        let size = message.size();
        if size > LARGEST_MESSAGE {
            return Err(PushError::TooLarge { size, max: LARGEST_MESSAGE });
        }
        let Ok(hop) = self.next_hop(ends.remote) else { return Err(PushError::Closed) };
        self.cut(cx, ends, hop, message);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, _: Session, mut message: Message) -> Option<(Session, Message)> {
        let packet = match header::decode(&mut message) {
            Ok(packet) => packet,
            Err(bad) => {
                cx.count(bad.name());
                return None;
            }
        };
        if !self.may_send(packet.source) {
            cx.count("bad_source");
            return None;
        }
        let broadcast = self.is_broadcast(packet.destination);
        if packet.destination != self.settings.address && !broadcast {
            cx.count("for_others");
            return None;
        }
        message.attributes_mut().broadcast |= broadcast;
        let mut message = self.put_together(cx, packet, message)?;
        message.attributes_mut().destination = Some(packet.destination);
        let ends = Ends { remote: packet.source, number: packet.number };
        if let Some(session) = self.sessions.find(&ends) {
            return Some((session, message));
        }
        let Some(upper) = self.enabled.resolve(&ends.number) else {
            cx.count("unknown_protocol");
            return None;
        };
        let Ok((session, _)) = self.sessions.insert(ends, upper, 0) else {
            cx.count("no_session");
            return None;
        };
        cx.open_done(upper, session);
        Some((session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(upper) = self.sessions.get(session) {
            cx.deliver(upper.receiver, session, message);
        }
    }

    fn control(&mut self, _: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        if session.is_some_and(|session| self.sessions.key(session).is_none()) {
            return Err(ControlError::Closed);
        }
        match control {
            Control::LargestPacket => Ok(Answer::Size(self.largest_packet.saturating_sub(HEADER_SIZE))),
            Control::LargestMessage => Ok(Answer::Size(LARGEST_MESSAGE)),
            Control::Hosts | Control::Participants => {
                let session = session.ok_or(ControlError::Unknown)?;
                let Ends { remote, .. } = self.sessions.key(session).ok_or(ControlError::Closed)?;
                Ok(match control {
                    Control::Hosts => Answer::Hosts { local: self.settings.address, remote },
                    _ => Answer::Participants(Participants::new().to(Address::Host(remote))),
                })
            }
            _ => Err(ControlError::Unknown),
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        match notice {
            Notice::Resolved { host, hardware } if self.neighbours.contains_key(&host) => {
                self.reach(cx, host, hardware);
            }
            Notice::Unreachable(host) => self.forget(cx, host, "unreachable"),
            _ => {}
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: u64) {
        self.expiry = None;
        let before = self.reassembly.timed_out;
        self.reassembly.expire(cx.now());
        (before..self.reassembly.timed_out).for_each(|_| cx.count("timed_out"));
        self.set_expiry(cx);
    }
}
