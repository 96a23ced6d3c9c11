//! ARP: which interface has the address of a host.
//!
//! It is asked by [`Control::Resolve`], remembers what it learned for a while, asks again a few times, and tells those above
//! what came of it. It remembers only hosts that it was asked for; of those any packet of theirs, asked or not, says where they are
//! now, as RFC 826 has it. So a stranger cannot fill its memory with packets of ARP, though on an Ethernet anybody can speak for
//! anybody. Who has it asked for many hosts that are not there crowds out others that are asked for, and nobody who is known.
//!
//! Source: RFC 826; RFC 5227 for what is not to be learned from.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::event::EventId;
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Hardware, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, Notice, OpenError, Protocol, Session, Upper};

/// A packet about IPv4 on Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Packet {
    /// 1: Ethernet.
    pub hardware_kind: U16,
    /// 0x0800: IPv4.
    pub protocol_kind: U16,
    /// 6.
    pub hardware_size: u8,
    /// 4.
    pub protocol_size: u8,
    /// [`REQUEST`] or [`REPLY`].
    pub operation: U16,
    /// The sender's interface.
    pub sender_hardware: [u8; 6],
    /// The sender.
    pub sender: [u8; 4],
    /// The interface that is looked for.
    pub target_hardware: [u8; 6],
    /// Whose.
    pub target: [u8; 4],
}

/// "Who has this address?"
pub const REQUEST: u16 = 1;
/// "I have it."
pub const REPLY: u16 = 2;

/// Requests without an answer before a host counts as not there.
const TRIES: u32 = 3;
/// Between two of them.
const RETRY: Duration = Duration::from_secs(1);
/// Own addresses, at most.
const OWN_COUNT: usize = 16;

#[derive(Debug)]
enum Entry {
    /// Asked so often; who wants to know.
    Asked { tries: u32, upper: Vec<Node>, event: EventId, turn: u64 },
    /// Known until the event.
    Known { hardware: Hardware, upper: Vec<Node>, event: EventId },
}

/// The protocol.
#[derive(Debug)]
pub struct Arp {
    entries: HashMap<Ipv4Addr, Entry>,
    /// Hosts that are asked for, each with the turn of its entry, the oldest first; others are skipped.
    asked: VecDeque<(Ipv4Addr, u64)>,
    turn: u64,
    bound: usize,
    lifetime: Duration,
    own: Vec<Ipv4Addr>,
    hardware: Hardware,
    broadcast: Option<Session>,
    /// Who asks; the graph says it with nothing else, so it is whoever claimed an address.
    upper: Vec<Node>,
    node: Node,
}

impl Arp {
    /// For `node`, to remember at most `bound` hosts, each for `lifetime`.
    #[must_use]
    pub fn new(node: Node, bound: usize, lifetime: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            asked: VecDeque::new(),
            turn: 0,
            bound,
            lifetime,
            own: Vec::new(),
            hardware: Hardware([0; 6]),
            broadcast: None,
            upper: Vec::new(),
            node,
        }
    }

    fn packet(&self, operation: u16, sender: Ipv4Addr, to: Hardware, target: Ipv4Addr) -> Message {
        let mut message = Message::new();
        message.push_header(&Packet {
            hardware_kind: U16::new(1),
            protocol_kind: U16::new(0x0800),
            hardware_size: 6,
            protocol_size: 4,
            operation: U16::new(operation),
            sender_hardware: self.hardware.0,
            sender: sender.octets(),
            target_hardware: to.0,
            target: target.octets(),
        });
        message
    }

    fn request(&self, cx: &mut Cx<'_>, host: Ipv4Addr) {
        let sender = self.own.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
        if let Some(broadcast) = self.broadcast {
            cx.count("requests");
            cx.push(broadcast, self.packet(REQUEST, sender, Hardware([0; 6]), host));
        }
    }

    fn token(host: Ipv4Addr) -> u64 {
        u64::from(host.to_bits())
    }

    /// Learns that `host` has `hardware`, if it was asked for.
    fn learn(&mut self, cx: &mut Cx<'_>, host: Ipv4Addr, hardware: Hardware) {
        let Some(entry) = self.entries.get_mut(&host) else { return };
        let (upper, event, changed) = match entry {
            Entry::Asked { upper, event, .. } => (core::mem::take(upper), *event, true),
            Entry::Known { upper, event, hardware: old } => (core::mem::take(upper), *event, *old != hardware),
        };
        cx.cancel(event);
        if changed {
            for upper in &upper {
                cx.notify(*upper, Notice::Resolved { host, hardware });
            }
        }
        let event = cx.schedule(self.lifetime, Self::token(host));
        *entry = Entry::Known { hardware, upper, event };
    }

    /// Makes room for one more host. The one that is asked for longest gives way; if all are known, the one that is known longest.
    fn make_room(&mut self, cx: &mut Cx<'_>) {
        if self.entries.len() < self.bound {
            return;
        }
        let known = |(host, entry): (&Ipv4Addr, &Entry)| match entry {
            Entry::Known { event, .. } => Some((event.at(), *host)),
            Entry::Asked { .. } => None,
        };
        let oldest = self.longest_asked().or_else(|| self.entries.iter().filter_map(known).min().map(|(_, host)| host));
        if let Some(host) = oldest {
            cx.count("crowded_out");
            self.forget(cx, host);
        }
    }

    fn is_asked(&self, host: Ipv4Addr, turn: u64) -> bool {
        matches!(self.entries.get(&host), Some(Entry::Asked { turn: other, .. }) if *other == turn)
    }

    fn longest_asked(&mut self) -> Option<Ipv4Addr> {
        while let Some((host, turn)) = self.asked.pop_front() {
            if self.is_asked(host, turn) {
                return Some(host);
            }
        }
        None
    }

    /// A host is to be asked for from here on.
    fn ask(&mut self, cx: &mut Cx<'_>, host: Ipv4Addr) {
        self.make_room(cx);
        self.request(cx, host);
        self.turn += 1;
        let (turn, event) = (self.turn, cx.schedule(RETRY, Self::token(host)));
        self.entries.insert(host, Entry::Asked { tries: 1, upper: self.upper.clone(), event, turn });
        if self.asked.len() > 2 * self.bound {
            let mut asked = core::mem::take(&mut self.asked);
            asked.retain(|(host, turn)| self.is_asked(*host, *turn));
            self.asked = asked;
        }
        self.asked.push_back((host, turn));
    }

    fn forget(&mut self, cx: &mut Cx<'_>, host: Ipv4Addr) {
        if let Some(Entry::Asked { upper, event, .. } | Entry::Known { upper, event, .. }) = self.entries.remove(&host)
        {
            cx.cancel(event);
            for upper in upper {
                cx.notify(upper, Notice::Unreachable(host));
            }
        }
    }
}

impl Protocol for Arp {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        if let Ok(Answer::Hardware(hardware)) = cx.control(0, Control::Hardware) {
            self.hardware = hardware;
        }
        let upper = Upper::own(self.node);
        cx.open_enable(0, upper, Participants::new())?;
        let everybody = Participants::new().to(Address::Hardware(Hardware::BROADCAST));
        self.broadcast = Some(cx.open(0, upper, everybody)?);
        Ok(())
    }

    /// Opened by whoever wants to be told: there is no session.
    fn open_enable(&mut self, _: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        if !self.upper.contains(&upper.receiver) {
            self.upper.push(upper.receiver);
        }
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let Some(packet) = message.peek_header::<Packet>() else {
            cx.count("short");
            return None;
        };
        let usual = packet.hardware_kind.get() == 1
            && packet.protocol_kind.get() == 0x0800
            && (packet.hardware_size, packet.protocol_size) == (6, 4);
        let hardware = Hardware(packet.sender_hardware);
        if !usual || hardware.is_group() || !matches!(packet.operation.get(), REQUEST | REPLY) {
            cx.count("malformed");
            return None;
        }
        let (sender, target) = (Ipv4Addr::from(packet.sender), Ipv4Addr::from(packet.target));
        if self.own.contains(&sender) {
            // Somebody else has our address. It is counted, and we go on: whose it is people must decide.
            cx.count("conflicts");
            return None;
        }
        self.learn(cx, sender, hardware);
        if packet.operation.get() == REQUEST && self.own.contains(&target) {
            cx.count("replies");
            cx.push(from, self.packet(REPLY, target, hardware, sender));
        }
        None
    }

    fn control(&mut self, cx: &mut Cx<'_>, _: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        match control {
            Control::Claim(host) => {
                if !self.own.contains(&host) {
                    if self.own.len() >= OWN_COUNT {
                        return Err(ControlError::Unknown);
                    }
                    self.own.push(host);
                    // So that those who knew somebody else by it forget.
                    if let Some(broadcast) = self.broadcast {
                        cx.push(broadcast, self.packet(REQUEST, host, Hardware([0; 6]), host));
                    }
                }
                Ok(Answer::Done)
            }
            Control::Resolve(host) => match self.entries.get(&host) {
                Some(Entry::Known { hardware, .. }) => Ok(Answer::Hardware(*hardware)),
                Some(Entry::Asked { .. }) => Ok(Answer::Later),
                None => {
                    self.ask(cx, host);
                    Ok(Answer::Later)
                }
            },
            Control::Hardware => Ok(Answer::Hardware(self.hardware)),
            _ => Err(ControlError::Unknown),
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        let host = Ipv4Addr::from_bits(u32::try_from(token).unwrap_or(0));
        match self.entries.get_mut(&host) {
            Some(Entry::Asked { tries, event, .. }) if *tries < TRIES => {
                *tries += 1;
                *event = cx.schedule(RETRY, token);
                self.request(cx, host);
            }
            Some(Entry::Asked { .. }) => {
                cx.count("unanswered");
                self.forget(cx, host);
            }
            // Too old: whoever still sends there asks again.
            Some(Entry::Known { .. }) => self.forget(cx, host),
            None => {}
        }
    }
}
