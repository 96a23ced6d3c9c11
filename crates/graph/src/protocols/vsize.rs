//! VSIZE: small messages go one way down, large ones another.
//!
//! It has two protocols below, and opens both for whoever opens it. What goes without being cut by the first goes by it, the
//! rest by the second. So a protocol that fragments is not on the path of messages that need none. When somebody is heard
//! from by one of them, the other is opened to the same participants.
//!
//! Source: O'Malley and Peterson, A Dynamic Network Architecture (1992), virtual protocols.

use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// The place of the way for small messages.
const SMALL: usize = 0;
/// The place of the way for large ones.
const LARGE: usize = 1;

/// The protocol.
#[derive(Debug)]
pub struct Vsize {
    /// By the session for small messages.
    sessions: Sessions<Session, Pair>,
    by_large: Map<Session, Session>,
    enabled: Vec<Upper>,
    limit: Option<usize>,
    node: Node,
}

/// The sessions below that one of ours stands for. We refer to both.
#[derive(Debug, Clone, Copy)]
struct Pair {
    upper: Upper,
    small: Session,
    large: Session,
    /// The largest small message.
    limit: usize,
}

impl Vsize {
    /// For `node`. `limit` says which messages are small, in bytes; without it, those that the first below sends in one
    /// packet.
    #[must_use]
    pub fn new(node: Node, session_count: usize, limit: Option<usize>) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            by_large: Map::new(session_count),
            enabled: Vec::new(),
            limit,
            node,
        }
    }

    fn own(&self, upper: Upper) -> Upper {
        Upper { receiver: self.node, kind: upper.kind }
    }

    fn limit(&self, cx: &mut Cx<'_>, small: Session) -> usize {
        match (self.limit, cx.control_session(small, Control::LargestPacket)) {
            (Some(limit), _) => limit,
            (None, Ok(Answer::Size(size))) => size,
            (None, _) => 0,
        }
    }

    fn open_both(
        &mut self,
        cx: &mut Cx<'_>,
        upper: Upper,
        to: Participants,
        references: u32,
    ) -> Result<Session, OpenError> {
        let small = cx.open(SMALL, self.own(upper), to.clone())?;
        let large = cx.open(LARGE, self.own(upper), to).inspect_err(|_| cx.close(small))?;
        if let Some(session) = self.sessions.find(&small) {
            cx.close(small);
            cx.close(large);
            if references > 0 {
                self.sessions.duplicate(session);
            }
            return Ok(session);
        }
        let pair = Pair { upper, small, large, limit: self.limit(cx, small) };
        match self.sessions.insert(small, pair, references) {
            Ok((session, gone)) => {
                if let Some(gone) = gone {
                    self.forget(cx, gone);
                }
                // The same of the second below stands for the same of the first.
                let _ = self.by_large.bind(large, session);
                Ok(session)
            }
            Err(error) => {
                cx.close(small);
                cx.close(large);
                Err(error)
            }
        }
    }

    fn forget(&mut self, cx: &mut Cx<'_>, pair: Pair) {
        self.by_large.unbind(&pair.large);
        cx.close(pair.small);
        cx.close(pair.large);
    }
}

impl Protocol for Vsize {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        self.open_both(cx, upper, to, 1)
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        cx.open_enable(SMALL, self.own(upper), at.clone())?;
        cx.open_enable(LARGE, self.own(upper), at)?;
        if !self.enabled.contains(&upper) {
            self.enabled.push(upper);
        }
        Ok(())
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        cx.open_disable(SMALL, self.own(upper), at.clone())?;
        cx.open_disable(LARGE, self.own(upper), at)
    }

    fn open_done(&mut self, cx: &mut Cx<'_>, below: Session, kind: Node) {
        let Some(upper) = self.enabled.iter().find(|upper| upper.kind == kind).copied() else { return };
        if self.sessions.find(&below).or_else(|| self.by_large.resolve(&below)).is_some() {
            return;
        }
        let opened = match cx.control_session(below, Control::Participants) {
            Ok(Answer::Participants(to)) => self.open_both(cx, upper, to, 0),
            _ => Err(OpenError::Unsupported),
        };
        match opened {
            Ok(session) => cx.open_done(upper, session),
            Err(_) => cx.count("no_session"),
        }
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        if let Some(pair) = self.sessions.close(session) {
            self.forget(cx, pair);
        }
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let pair = *self.sessions.get(session).ok_or(PushError::Closed)?;
        if message.size() <= pair.limit {
            cx.count("small");
            cx.push(pair.small, message);
        } else {
            cx.count("large");
            cx.push(pair.large, message);
        }
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let mut known = self.sessions.find(&from).or_else(|| self.by_large.resolve(&from));
        // Ours gave way to others while that below did not.
        if known.is_none()
            && let [upper] = *self.enabled.as_slice()
        {
            self.open_done(cx, from, upper.kind);
            known = self.sessions.find(&from).or_else(|| self.by_large.resolve(&from));
        }
        if known.is_none() {
            cx.count("no_session");
        }
        known.map(|session| (session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(pair) = self.sessions.get(session) {
            cx.deliver(pair.upper.receiver, session, message);
        }
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        // What goes at all goes by the second; what goes uncut, by the first.
        let large = control == Control::LargestMessage;
        match session {
            Some(session) => {
                let pair = *self.sessions.get(session).ok_or(ControlError::Closed)?;
                cx.control_session(if large { pair.large } else { pair.small }, control)
            }
            None => cx.control(if large { LARGE } else { SMALL }, control),
        }
    }
}
