//! SELECT: which procedure of a host is called.
//!
//! The topmost address of whoever opens is a number; whoever has enabled it at the other side gets the calls. A server's
//! session is one for each channel below, as long as that is there; it has the number of the call that came last on it, and
//! takes the reply to it. A call that nobody gets is declined.
//!
//! Source: O'Malley and Peterson (1992), section 5; the x-kernel's select.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{
    Answer, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Ticket, Upper,
};
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
    /// Of a client's.
    procedure: Option<u16>,
}

#[derive(Debug)]
struct State {
    upper: Upper,
    procedure: u16,
}

/// The protocol.
#[derive(Debug)]
pub struct Select {
    sessions: Sessions<Ends, State>,
    enabled: Map<u16, Upper>,
    node: Node,
}

impl Select {
    /// For `node`, with at most `session_count` sessions.
    #[must_use]
    pub fn new(node: Node, session_count: usize) -> Self {
        Self { sessions: Sessions::new(node, session_count), enabled: Map::new(1 << 16), node }
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
        let ends = Ends { below, procedure: Some(procedure) };
        if let Some(session) = self.sessions.find(&ends) {
            cx.close(below);
            if self.sessions.get(session).is_none_or(|state| state.upper != upper) {
                return Err(OpenError::Taken);
            }
            self.sessions.duplicate(session);
            return Ok(session);
        }
        match self.sessions.insert(ends, State { upper, procedure }, 1) {
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
        match self.enabled.resolve(&procedure) {
            Some(other) if other != upper => Err(OpenError::Taken),
            Some(_) => Ok(()),
            None => self.enabled.bind(procedure, upper).map_err(|_| OpenError::Full),
        }
    }

    fn open_disable(&mut self, _: &mut Cx<'_>, upper: Upper, mut at: Participants) -> Result<(), OpenError> {
        let missing = OpenError::Participants { protocol: "SELECT", what: "a procedure's number" };
        let procedure = at.pop_local_port().ok_or(missing)?;
        if self.enabled.resolve(&procedure) != Some(upper) {
            return Err(OpenError::Taken);
        }
        self.enabled.unbind(&procedure);
        Ok(())
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let ends = self.sessions.key(session);
        if let (Some(Ends { below, procedure: Some(_) }), Some(_)) = (ends, self.sessions.close(session)) {
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
        let Some(Ends { below, procedure: Some(procedure) }) = self.sessions.key(session) else {
            return Err(PushError::Closed);
        };
        let size = u32::try_from(message.size());
        let size = size.map_err(|_| PushError::TooLarge { size: message.size(), max: usize::from(u16::MAX) })?;
        message.push_header(&Header { procedure: procedure.into(), reserved: 0.into(), size: size.into() });
        cx.call(below, message, ticket);
        Ok(())
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        match self.sessions.key(session) {
            Some(Ends { below, procedure: None }) => {
                self.sessions.release(session);
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
            let _ = cx.control_session(from, Control::Decline { is_busy: false });
            return None;
        };
        message.truncate(usize::try_from(header.size.get()).unwrap_or(0));
        let procedure = header.procedure.get();
        let Some(upper) = self.enabled.resolve(&procedure) else {
            cx.count("no_procedure");
            let _ = cx.control_session(from, Control::Decline { is_busy: false });
            return None;
        };
        let ends = Ends { below: from, procedure: None };
        let session = match self.sessions.find(&ends) {
            Some(session) => session,
            None => match self.sessions.insert(ends, State { upper, procedure }, 0) {
                Ok((session, _)) => {
                    cx.open_done(upper, session);
                    session
                }
                Err(_) => {
                    cx.count("no_session");
                    let _ = cx.control_session(from, Control::Decline { is_busy: true });
                    return None;
                }
            },
        };
        if let Some(state) = self.sessions.get(session) {
            *state = State { upper, procedure };
        }
        // Until there is a reply: ours is the way of that.
        self.sessions.duplicate(session);
        Some((session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(state) = self.sessions.get(session) {
            cx.deliver(state.upper.receiver, session, message);
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
                    let state = self.sessions.get(session).ok_or(ControlError::Closed)?;
                    return Ok(Answer::Number(state.procedure));
                }
                let answer = cx.control_session(ends.below, control)?;
                if let (Control::Decline { .. } | Control::Lose(_), None) = (control, ends.procedure) {
                    self.sessions.release(session);
                }
                Ok(match (less(answer), ends.procedure) {
                    (Answer::Participants(to), Some(procedure)) => {
                        Answer::Participants(to.to(Address::Port(procedure)))
                    }
                    (other, _) => other,
                })
            }
            None => cx.control(0, control).map(less),
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        if let Notice::Gone(below) = notice
            && let Some(session) = self.sessions.find(&Ends { below, procedure: None })
            && let Some(state) = self.sessions.remove(session)
        {
            cx.notify(state.upper.receiver, Notice::Gone(session));
        }
    }
}
