//! ICMP: echo, both ways.
//!
//! It answers echo requests itself, and asks by [`call`](Protocol::call): the message comes back, or the time is over. Other
//! messages are counted.
//!
//! Source: RFC 792; RFC 1122, section 3.2.2.6.

use core::time::Duration;
use std::collections::HashMap;

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::Sum;
use crate::event::EventId;
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{
    Answer, CallError, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Ticket, Upper,
};
use crate::sessions::Sessions;

/// The header of an echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// [`REQUEST`] or [`REPLY`].
    pub kind: u8,
    /// 0.
    pub code: u8,
    /// Over the message.
    pub checksum: U16,
    /// Whose requests they are.
    pub identifier: U16,
    /// Which of them.
    pub sequence: U16,
}

/// "Send this back."
pub const REQUEST: u8 = 8;
/// "Here it is."
pub const REPLY: u8 = 0;

/// Requests without an answer, at most.
const WAITING_COUNT: usize = 1024;

/// The protocol.
#[derive(Debug)]
pub struct Icmp {
    sessions: Sessions<Session, Upper>,
    waiting: HashMap<u16, Waiting>,
    sequence: u16,
    identifier: u16,
    timeout: Duration,
    node: Node,
}

#[derive(Debug)]
struct Waiting {
    below: Session,
    ticket: Ticket,
    event: EventId,
}

impl Icmp {
    /// For `node`. Answers are waited for as long as `timeout`.
    #[must_use]
    pub fn new(node: Node, session_count: usize, timeout: Duration) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            waiting: HashMap::new(),
            sequence: 0,
            identifier: 0,
            timeout,
            node,
        }
    }

    fn seal(message: &mut Message, mut header: Header) {
        header.checksum = U16::new(0);
        header.checksum = U16::new(Sum::default().bytes(header.as_bytes()).message(message).finish());
        message.push_header(&header);
    }
}

impl Protocol for Icmp {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        // So that answers to a former life are told apart.
        self.identifier = u16::try_from((cx.now().0 >> 10) & 0xffff).unwrap_or(0);
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let below = cx.open(0, Upper::own(self.node), to)?;
        if let Some(session) = self.sessions.find(&below) {
            cx.close(below);
            self.sessions.duplicate(session);
            return Ok(session);
        }
        match self.sessions.insert(below, upper, 1) {
            Ok((session, _)) => Ok(session),
            Err(error) => {
                cx.close(below);
                Err(error)
            }
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let below = self.sessions.key(session);
        if let (Some(below), Some(_)) = (below, self.sessions.close(session)) {
            cx.close(below);
        }
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn call(
        &mut self,
        cx: &mut Cx<'_>,
        session: Session,
        mut message: Message,
        ticket: Ticket,
    ) -> Result<(), PushError> {
        let below = self.sessions.key(session).ok_or(PushError::Closed)?;
        let max = match cx.control_session(below, Control::LargestMessage) {
            Ok(Answer::Size(size)) => size.saturating_sub(size_of::<Header>()),
            _ => usize::MAX,
        };
        let size = message.size();
        if size > max {
            return Err(PushError::TooLarge { size, max });
        }
        self.sequence = self.sequence.wrapping_add(1);
        if self.waiting.len() >= WAITING_COUNT || self.waiting.contains_key(&self.sequence) {
            return Err(PushError::Full);
        }
        let (kind, code, checksum) = (REQUEST, 0, U16::new(0));
        let (identifier, sequence) = (U16::new(self.identifier), U16::new(self.sequence));
        Self::seal(&mut message, Header { kind, code, checksum, identifier, sequence });
        let event = cx.schedule(self.timeout, u64::from(self.sequence));
        self.waiting.insert(self.sequence, Waiting { below, ticket, event });
        cx.push(below, message);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        if Sum::default().message(&message).finish() != 0 {
            cx.count("bad_checksum");
            return None;
        }
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        match (header.kind, header.code) {
            // Answering what all hosts were sent would let one stranger have them all answer another.
            (REQUEST, 0) if message.attributes().broadcast => cx.count("broadcast_requests"),
            (REQUEST, 0) => {
                cx.count("answered");
                Self::seal(&mut message, Header { kind: REPLY, ..header });
                cx.push(from, message);
            }
            (REPLY, 0) => {
                let sequence = header.sequence.get();
                let is_ours = header.identifier.get() == self.identifier
                    && self.waiting.get(&sequence).is_some_and(|waiting| waiting.below == from);
                match is_ours.then(|| self.waiting.remove(&sequence)).flatten() {
                    Some(waiting) => {
                        cx.cancel(waiting.event);
                        cx.finish(waiting.ticket, Ok(message));
                    }
                    None => cx.count("unasked"),
                }
            }
            _ => cx.count("other_kinds"),
        }
        None
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        let below = self.sessions.key(session.ok_or(ControlError::Unknown)?).ok_or(ControlError::Closed)?;
        cx.control_session(below, control)
    }

    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        if let Some(waiting) = u16::try_from(token).ok().and_then(|sequence| self.waiting.remove(&sequence)) {
            cx.finish(waiting.ticket, Err(CallError::Timeout { sent: true }));
        }
    }
}
