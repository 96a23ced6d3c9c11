//! SELECT: which procedure of a host is called.
//!
//! The topmost address of whoever opens is a number; whoever has enabled it at the other side gets the calls. A server's
//! session is one for each channel below and number, and takes the reply to the call that came on it.
//!
//! Source: O'Malley and Peterson (1992), section 5; the x-kernel's select.

use std::collections::HashMap;

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Ticket, Upper};
use crate::sessions::Sessions;

/// The header of a request. A reply has none: it is its channel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Which procedure.
    pub procedure: U16,
    /// 0.
    pub reserved: U16,
    /// Bytes that follow: what is below may have padded them.
    pub size: U32,
}

const SIZE: usize = size_of::<Header>();

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    below: Session,
    procedure: u16,
    is_client: bool,
}

/// The protocol.
#[derive(Debug)]
pub struct Select {
    sessions: Sessions<Ends, Upper>,
    enabled: HashMap<u16, Upper>,
    node: Node,
}

impl Select {
    /// For `node`, with at most `session_count` sessions.
    #[must_use]
    pub fn new(node: Node, session_count: usize) -> Self {
        Self { sessions: Sessions::new(node, session_count), enabled: HashMap::new(), node }
    }
}

impl Protocol for Select {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, mut to: Participants) -> Result<Session, OpenError> {
        let missing = OpenError::Participants { protocol: "SELECT", what: "a procedure's number" };
        let procedure = to.pop_remote_port().ok_or(missing)?;
        let below = cx.open(0, Upper::own(self.node), to)?;
        let ends = Ends { below, procedure, is_client: true };
        if let Some(session) = self.sessions.find(&ends) {
            cx.close(below);
            if self.sessions.get(session).copied() != Some(upper) {
                return Err(OpenError::Taken);
            }
            self.sessions.duplicate(session);
            return Ok(session);
        }
        match self.sessions.insert(ends, upper, 1) {
            Ok((session, _)) => Ok(session),
            Err(error) => {
                cx.close(below);
                Err(error)
            }
        }
    }

    fn open_enable(&mut self, _: &mut Cx<'_>, upper: Upper, mut at: Participants) -> Result<(), OpenError> {
        let missing = OpenError::Participants { protocol: "SELECT", what: "a procedure's number" };
        let procedure = at.pop_local_port().ok_or(missing)?;
        match self.enabled.get(&procedure) {
            Some(other) if *other != upper => Err(OpenError::Taken),
            _ => {
                self.enabled.insert(procedure, upper);
                Ok(())
            }
        }
    }

    fn open_disable(&mut self, _: &mut Cx<'_>, upper: Upper, mut at: Participants) -> Result<(), OpenError> {
        let missing = OpenError::Participants { protocol: "SELECT", what: "a procedure's number" };
        let procedure = at.pop_local_port().ok_or(missing)?;
        if self.enabled.get(&procedure) != Some(&upper) {
            return Err(OpenError::Taken);
        }
        self.enabled.remove(&procedure);
        Ok(())
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let ends = self.sessions.key(session);
        if let (Some(Ends { below, is_client: true, .. }), Some(_)) = (ends, self.sessions.close(session)) {
            cx.close(below);
        }
    }

    fn call(
        &mut self,
        cx: &mut Cx<'_>,
        session: Session,
        mut message: Message,
        ticket: Ticket,
    ) -> Result<(), PushError> {
        let ends = self.sessions.key(session).filter(|ends| ends.is_client).ok_or(PushError::Closed)?;
        let size = u32::try_from(message.size());
        let size = size.map_err(|_| PushError::TooLarge { size: message.size(), max: usize::from(u16::MAX) })?;
        message.push_header(&Header { procedure: ends.procedure.into(), reserved: 0.into(), size: size.into() });
        cx.call(ends.below, message, ticket);
        Ok(())
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        match self.sessions.key(session) {
            Some(Ends { below, is_client: false, .. }) => {
                cx.push(below, message);
                Ok(())
            }
            Some(_) => Err(PushError::Unsupported),
            None => Err(PushError::Closed),
        }
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let header = message.pop_header::<Header>();
        let fits = |header: &Header| usize::try_from(header.size.get()).is_ok_and(|size| size <= message.size());
        let Some(header) = header.filter(fits) else {
            cx.count("malformed");
            return None;
        };
        message.truncate(usize::try_from(header.size.get()).unwrap_or(0));
        let ends = Ends { below: from, procedure: header.procedure.get(), is_client: false };
        if let Some(session) = self.sessions.find(&ends) {
            return Some((session, message));
        }
        let Some(upper) = self.enabled.get(&ends.procedure).copied() else {
            // An empty reply: whoever called need not wait for its deadline to learn that nobody is here.
            cx.count("no_procedure");
            cx.push(from, Message::new());
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
            let receiver = upper.receiver;
            cx.deliver(receiver, session, message);
        }
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        let less = |answer: Answer| match answer {
            Answer::Size(size) => Answer::Size(size.saturating_sub(SIZE)),
            other => other,
        };
        match session {
            Some(session) => {
                let ends = self.sessions.key(session).ok_or(ControlError::Closed)?;
                if control == Control::Number {
                    return Ok(Answer::Number(ends.procedure));
                }
                Ok(match less(cx.control_session(ends.below, control)?) {
                    Answer::Participants(to) if ends.is_client => {
                        Answer::Participants(to.to(Address::Port(ends.procedure)))
                    }
                    other => other,
                })
            }
            None => cx.control(0, control).map(less),
        }
    }
}
