//! ETH: Ethernet II frames.
//!
//! A session is one other interface, for one protocol above. Its number above it is the EtherType.
//!
//! Source: IEEE 802.3; RFC 894.

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::{Address, Hardware, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// To whom.
    pub destination: [u8; 6],
    /// From whom.
    pub source: [u8; 6],
    /// What is in it. Below 1536 it is a length, and the frame none of ours.
    pub kind: U16,
}

/// Protocols above, at most.
const UPPER_COUNT: usize = 64;

/// The least EtherType.
const KIND_MIN: u16 = 1536;

/// The protocol.
#[derive(Debug)]
pub struct Eth {
    sessions: Sessions<(u16, Hardware), Upper>,
    enabled: Map<u16, Upper>,
    own: Hardware,
    below: Option<Session>,
    largest_packet: usize,
}

impl Eth {
    /// For `node`, with at most `session_count` sessions.
    #[must_use]
    pub fn new(node: Node, session_count: usize) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            enabled: Map::new(UPPER_COUNT),
            own: Hardware([0; 6]),
            below: None,
            largest_packet: 0,
        }
    }

    fn kind(cx: &Cx<'_>, upper: Upper) -> Result<u16, OpenError> {
        let number = cx.number(upper.kind)?;
        let not_ethertype =
            OpenError::Participants { protocol: "ETH", what: "a number from 1536 to 65535 for the kind" };
        u16::try_from(number).ok().filter(|kind| *kind >= KIND_MIN).ok_or(not_ethertype)
    }
}

impl Protocol for Eth {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        if let Ok(Answer::Hardware(own)) = cx.control(0, Control::Hardware) {
            self.own = own;
        }
        if let Ok(Answer::Size(size)) = cx.control(0, Control::LargestPacket) {
            self.largest_packet = size.saturating_sub(size_of::<Header>());
        }
        let upper = Upper::own(cx.node());
        cx.open_enable(0, upper, Participants::new())?;
        self.below = Some(cx.open(0, upper, Participants::new())?);
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, mut to: Participants) -> Result<Session, OpenError> {
        let kind = Self::kind(cx, upper)?;
        let missing = OpenError::Participants { protocol: "ETH", what: "the interface of the other side" };
        let remote = to.pop_remote_hardware().ok_or(missing)?;
        if let Some(session) = self.sessions.find(&(kind, remote)) {
            if self.sessions.get(session) != Some(&mut { upper }) {
                return Err(OpenError::Taken);
            }
            self.sessions.duplicate(session);
            return Ok(session);
        }
        Ok(self.sessions.insert((kind, remote), upper, 1)?.0)
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        self.enabled.bind(Self::kind(cx, upper)?, upper).map_err(|_| OpenError::Taken)
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        let kind = Self::kind(cx, upper)?;
        match self.enabled.resolve(&kind) {
            Some(other) if other == upper => {
                self.enabled.unbind(&kind);
                Ok(())
            }
            _ => Err(OpenError::Taken),
        }
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.close(session);
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, mut message: Message) -> Result<(), PushError> {
        let (kind, remote) = self.sessions.key(session).ok_or(PushError::Closed)?;
        let size = message.size();
        if size > self.largest_packet {
            return Err(PushError::TooLarge { size, max: self.largest_packet });
        }
        message.push_header(&Header { destination: remote.0, source: self.own.0, kind: U16::new(kind) });
        cx.push(self.below.ok_or(PushError::Closed)?, message);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, _: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let (to, from, kind) = (Hardware(header.destination), Hardware(header.source), header.kind.get());
        if to != self.own && to != Hardware::BROADCAST {
            cx.count("for_others");
            return None;
        }
        // What we sent ourselves, or claims to be from everybody.
        if from == self.own || from.is_group() {
            cx.count("bad_source");
            return None;
        }
        message.attributes_mut().broadcast = to == Hardware::BROADCAST;
        if let Some(session) = self.sessions.find(&(kind, from)) {
            return Some((session, message));
        }
        let Some(upper) = self.enabled.resolve(&kind) else {
            cx.count("unknown_kind");
            return None;
        };
        let Ok((session, _)) = self.sessions.insert((kind, from), upper, 0) else {
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
        match control {
            Control::Participants => {
                let (_, remote) =
                    self.sessions.key(session.ok_or(ControlError::Unknown)?).ok_or(ControlError::Closed)?;
                Ok(Answer::Participants(Participants::new().to(Address::Hardware(remote))))
            }
            Control::LargestPacket | Control::LargestMessage => Ok(Answer::Size(self.largest_packet)),
            Control::Hardware => Ok(Answer::Hardware(self.own)),
            _ => Err(ControlError::Unknown),
        }
    }
}
