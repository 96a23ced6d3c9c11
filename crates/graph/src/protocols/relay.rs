//! Relays: virtual protocols with one protocol below, which let everything through and do something to messages on the way.
//!
//! A relay opens below in the name of whoever opens it ([`Upper::kind`]), so neither side sees it: numbers, participants,
//! sizes and hosts are those of the protocols around it. Each of its sessions stands for one session below.

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{Answer, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the wire.
    Down,
    /// From the wire.
    Up,
}

/// A message in a relay.
#[derive(Debug)]
pub struct Passing {
    /// Where it goes.
    pub way: Way,
    /// The relay's session that it is for.
    session: Session,
    /// Itself.
    pub message: Message,
}

impl Passing {
    /// Another message on the same way.
    #[must_use]
    pub fn again(&self, message: Message) -> Self {
        Self { message, ..*self }
    }
}

/// What a relay does to messages.
pub trait Treatment: Send {
    /// Treats a message: what is to go on now is put into `out`.
    fn pass(&mut self, cx: &mut Cx<'_>, passing: Passing, out: &mut Vec<Passing>);

    /// A time has come that was scheduled with `token`.
    fn event(&mut self, cx: &mut Cx<'_>, token: u64, out: &mut Vec<Passing>) {
        let _ = (cx, token, out);
    }

    /// What is buffered is written out.
    fn stop(&mut self) {}
}

/// A relay.
#[derive(Debug)]
pub struct Relay<T> {
    treatment: T,
    sessions: Sessions<Session, Stands>,
    enabled: Vec<Upper>,
    out: Vec<Passing>,
    node: Node,
}

/// Whom a session is for, and what it stands for.
#[derive(Debug, Clone, Copy)]
struct Stands {
    upper: Upper,
    /// Whether we refer to the session below.
    holds: bool,
}

impl<T: Treatment> Relay<T> {
    /// For `node`, with at most `session_count` sessions.
    #[must_use]
    pub fn new(node: Node, session_count: usize, treatment: T) -> Self {
        Self { treatment, sessions: Sessions::new(node, session_count), enabled: Vec::new(), out: Vec::new(), node }
    }

    fn upper(&self, kind: Node) -> Option<Upper> {
        self.enabled.iter().find(|upper| upper.kind == kind).copied()
    }

    /// The session that stands for `below`.
    fn stand(
        &mut self,
        cx: &mut Cx<'_>,
        below: Session,
        stands: Stands,
        references: u32,
    ) -> Result<Session, OpenError> {
        if let Some(session) = self.sessions.find(&below) {
            if references > 0 {
                self.sessions.duplicate(session);
                if let Some(known) = self.sessions.get(session)
                    && core::mem::replace(&mut known.holds, true)
                {
                    cx.close(below);
                }
            }
            return Ok(session);
        }
        // What gives way had no references, and so held nothing below.
        Ok(self.sessions.insert(below, stands, references)?.0)
    }

    fn go_on(&mut self, cx: &mut Cx<'_>) {
        for Passing { way, session, message } in self.out.drain(..) {
            let (Some(below), Some(stands)) = (self.sessions.key(session), self.sessions.get(session)) else {
                cx.count("late");
                continue;
            };
            match way {
                Way::Down => cx.push(below, message),
                Way::Up => cx.deliver(stands.upper.receiver, session, message),
            }
        }
    }
}

impl<T: Treatment> Protocol for Relay<T> {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let below = cx.open(0, Upper { receiver: self.node, kind: upper.kind }, to)?;
        self.stand(cx, below, Stands { upper, holds: true }, 1).inspect_err(|_| cx.close(below))
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        cx.open_enable(0, Upper { receiver: self.node, kind: upper.kind }, at)?;
        if !self.enabled.contains(&upper) {
            self.enabled.push(upper);
        }
        Ok(())
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        cx.open_disable(0, Upper { receiver: self.node, kind: upper.kind }, at)
    }

    fn open_done(&mut self, cx: &mut Cx<'_>, below: Session, kind: Node) {
        let Some(upper) = self.upper(kind) else { return };
        match self.stand(cx, below, Stands { upper, holds: false }, 0) {
            Ok(session) => cx.open_done(upper, session),
            Err(_) => cx.count("no_session"),
        }
    }

    fn duplicate(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(below) = self.sessions.key(session) else { return };
        self.sessions.duplicate(session);
        if let Some(stands) = self.sessions.get(session)
            && !core::mem::replace(&mut stands.holds, true)
        {
            cx.duplicate(below);
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let below = self.sessions.key(session);
        if let (Some(below), Some(Stands { holds: true, .. })) = (below, self.sessions.close(session)) {
            cx.close(below);
        }
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        self.sessions.get(session).ok_or(PushError::Closed)?;
        self.treatment.pass(cx, Passing { way: Way::Down, session, message }, &mut self.out);
        self.go_on(cx);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let session = match self.sessions.find(&from) {
            Some(session) => Some(session),
            // The session that stood for it gave way to others, and with one upper protocol it is known for whom it was.
            None => match self.enabled.as_slice() {
                [upper] => self.stand(cx, from, Stands { upper: *upper, holds: false }, 0).ok(),
                _ => None,
            },
        };
        if session.is_none() {
            cx.count("no_session");
        }
        session.map(|session| (session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        self.treatment.pass(cx, Passing { way: Way::Up, session, message }, &mut self.out);
        self.go_on(cx);
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        match session {
            Some(session) => {
                let below = self.sessions.key(session).ok_or(ControlError::Closed)?;
                cx.control_session(below, control)
            }
            None => cx.control(0, control),
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        let of = |known: &mut Self, below: &Session| {
            let session = known.sessions.find(below)?;
            Some((session, known.sessions.get(session)?.upper.receiver))
        };
        match notice.session() {
            // About one session: for whoever has ours in its place.
            Some(below) => {
                if let Some((session, receiver)) = of(self, &below) {
                    cx.notify(receiver, notice.about(session));
                }
            }
            None => self.enabled.iter().for_each(|upper| cx.notify(upper.receiver, notice)),
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        self.treatment.event(cx, token, &mut self.out);
        self.go_on(cx);
    }

    fn stop(&mut self, _: crate::event::Time) {
        self.treatment.stop();
    }
}
