//! BID: messages between two lives, and no others.
//!
//! Each message carries the boot id of its sender and that of the life it is meant for. What is meant for a former life of ours, or
//! comes from another life of a peer than the one it says it is in, is dropped, and the peer is asked. Until a peer's life is
//! known, a few messages in either direction wait. When it begins another life, those above are told, once for each session.
//! Several threads may drive a graph, and the notice may come later than a message of the new life, or a message of the old
//! one later than the notice: so a session counts the lives of its peer, each message up says of which it is, and one that was
//! meant for an earlier one does not go down.
//!
//! So above nobody sees a message of the past, whatever the network kept; and a mangled boot id costs one message.
//!
//! Source: O'Malley and Peterson (1992), section 5; the x-kernel's bid.

use std::collections::{HashMap, VecDeque};

use zerocopy::big_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Participants, Peer};
use crate::protocol::{Answer, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Whose message it is above.
    pub number: U16,
    /// 0.
    pub reserved: U16,
    /// The sender's life.
    pub source: U64,
    /// The life it is meant for.
    pub destination: U64,
}

const SIZE: usize = size_of::<Header>();

/// Where messages go.
const WAY: usize = 0;
/// What knows lives.
const LIVES: usize = 1;

/// Messages of a session that wait for the life of the other side, each way.
const WAITING_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    below: Session,
    number: u16,
}

#[derive(Debug)]
struct State {
    upper: Upper,
    below: Session,
    peer: Peer,
    life: Option<u64>,
    /// Which of the peer's lives that is here, from 1.
    epoch: u32,
    down: VecDeque<Message>,
    up: VecDeque<(u64, Message)>,
}

/// The protocol.
#[derive(Debug)]
pub struct Bid {
    life: u64,
    sessions: Sessions<Ends, State>,
    by_peer: HashMap<Peer, Vec<Session>>,
    enabled: HashMap<u16, Upper>,
    node: Node,
}

fn number(cx: &Cx<'_>, upper: Upper) -> Result<u16, OpenError> {
    u16::try_from(cx.number(upper.kind)?).map_err(|_| OpenError::Unsupported)
}

fn peer(cx: &mut Cx<'_>, below: Session) -> Option<Peer> {
    match cx.control_session(below, Control::Participants) {
        Ok(Answer::Participants(to)) => to.peer(),
        _ => None,
    }
}

impl Bid {
    /// For `node`, with at most `session_count` sessions.
    #[must_use]
    pub fn new(node: Node, session_count: usize) -> Self {
        Self {
            life: 0,
            sessions: Sessions::new(node, session_count),
            by_peer: HashMap::new(),
            enabled: HashMap::new(),
            node,
        }
    }

    fn insert(&mut self, cx: &mut Cx<'_>, ends: Ends, state: State, references: u32) -> Result<Session, OpenError> {
        let peer = state.peer;
        let (session, gone) = self.sessions.insert(ends, state, references)?;
        if let Some(gone) = gone {
            self.leave(cx, &gone);
        }
        self.by_peer.entry(peer).or_default().push(session);
        Ok(session)
    }

    /// A session has gone.
    fn leave(&mut self, cx: &mut Cx<'_>, gone: &State) {
        cx.close(gone.below);
        let Self { by_peer, sessions, .. } = self;
        if let Some(of) = by_peer.get_mut(&gone.peer) {
            of.retain(|session| sessions.key(*session).is_some());
            if of.is_empty() {
                by_peer.remove(&gone.peer);
            }
        }
    }

    /// The peer's life, if it is known; it is asked otherwise.
    fn identify(cx: &mut Cx<'_>, peer: Peer) -> Option<u64> {
        match cx.control(LIVES, Control::Identify(peer)) {
            Ok(Answer::Life(life)) => Some(life),
            _ => None,
        }
    }

    /// The same for somebody who has sent something: the peer is asked once for each message.
    fn known(cx: &mut Cx<'_>, peer: Peer) -> Option<u64> {
        match cx.control(LIVES, Control::Doubt(peer)) {
            Ok(Answer::Life(life)) => Some(life),
            _ => None,
        }
    }

    fn send(&self, cx: &mut Cx<'_>, ends: Ends, life: u64, mut message: Message) {
        message.push_header(&Header {
            number: ends.number.into(),
            reserved: 0.into(),
            source: self.life.into(),
            destination: life.into(),
        });
        cx.push(ends.below, message);
    }

    /// A session of a peer whose life is `life`.
    fn learn(&mut self, cx: &mut Cx<'_>, session: Session, life: u64) {
        let Some(ends) = self.sessions.key(session) else { return };
        let Some(state) = self.sessions.get(session) else { return };
        let upper = state.upper;
        let before = state.life.replace(life);
        if before == Some(life) {
            return;
        }
        if before.is_some() {
            state.epoch = state.epoch.wrapping_add(1).max(1);
        }
        let epoch = state.epoch;
        let (down, up) = (core::mem::take(&mut state.down), core::mem::take(&mut state.up));
        if before.is_some() {
            cx.count("restarts");
            cx.notify(upper.receiver, Notice::Restarted { session, epoch });
        }
        down.into_iter().for_each(|message| self.send(cx, ends, life, message));
        for (source, mut message) in up {
            if source == life {
                message.attributes_mut().epoch = epoch;
                cx.deliver(upper.receiver, session, message);
            } else {
                cx.count("other_life");
            }
        }
    }
}

impl Protocol for Bid {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        let Ok(Answer::Life(life)) = cx.control(LIVES, Control::Life) else { return Err(OpenError::Unsupported) };
        self.life = life;
        cx.open_enable(LIVES, Upper::own(self.node), Participants::new())?;
        cx.open_enable(WAY, Upper::own(self.node), Participants::new())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let number = number(cx, upper)?;
        let below = cx.open(WAY, Upper::own(self.node), to)?;
        let ends = Ends { below, number };
        if let Some(session) = self.sessions.find(&ends) {
            // One reference below for each of ours.
            cx.close(below);
            if self.sessions.get(session).is_none_or(|state| state.upper != upper) {
                return Err(OpenError::Taken);
            }
            self.sessions.duplicate(session);
            return Ok(session);
        }
        let Some(peer) = peer(cx, below) else {
            cx.close(below);
            return Err(OpenError::Participants { protocol: "BID", what: "the other host" });
        };
        let life = Self::identify(cx, peer);
        let state = State { upper, below, peer, life, epoch: 1, down: VecDeque::new(), up: VecDeque::new() };
        self.insert(cx, ends, state, 1).inspect_err(|_| cx.close(below))
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        let number = number(cx, upper)?;
        match self.enabled.get(&number) {
            Some(other) if *other != upper => Err(OpenError::Taken),
            _ => {
                self.enabled.insert(number, upper);
                Ok(())
            }
        }
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        let number = number(cx, upper)?;
        self.enabled.remove(&number).map(drop).ok_or(OpenError::Taken)
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        if let Some(state) = self.sessions.close(session) {
            self.leave(cx, &state);
        }
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let ends = self.sessions.key(session).ok_or(PushError::Closed)?;
        let state = self.sessions.get(session).ok_or(PushError::Closed)?;
        let epoch = message.attributes().epoch;
        if epoch != 0 && epoch != state.epoch {
            // Whoever sends it is about to be told.
            cx.count("for_another_life");
            return Ok(());
        }
        if let Some(life) = state.life {
            self.send(cx, ends, life, message);
            return Ok(());
        }
        let peer = state.peer;
        if state.down.len() >= WAITING_MAX {
            return Err(PushError::Full);
        }
        state.down.push_back(message);
        if let Some(life) = Self::identify(cx, peer) {
            self.learn(cx, session, life);
        }
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let source = header.source.get();
        if header.destination.get() != self.life || source == 0 {
            // Whoever sent it does not know that we have begun anew. It learns it by our question.
            cx.count("for_another_life");
            if let Some(peer) = peer(cx, from) {
                let _ = cx.control(LIVES, Control::Doubt(peer));
            }
            return None;
        }
        let ends = Ends { below: from, number: header.number.get() };
        let session = match self.sessions.find(&ends) {
            Some(session) => session,
            None => {
                let Some(upper) = self.enabled.get(&ends.number).copied() else {
                    cx.count("for_nobody");
                    return None;
                };
                let Some(peer) = peer(cx, from) else {
                    cx.count("nobody");
                    return None;
                };
                let life = Self::known(cx, peer);
                let (down, up) = (VecDeque::new(), VecDeque::new());
                let state = State { upper, below: from, peer, life, epoch: 1, down, up };
                let Ok(session) = self.insert(cx, ends, state, 0) else {
                    cx.count("no_session");
                    return None;
                };
                // What is remembered of it outlasts whoever else closes that below.
                cx.duplicate(from);
                cx.open_done(upper, session);
                session
            }
        };
        let state = self.sessions.get(session)?;
        let peer = state.peer;
        match state.life {
            Some(life) if life == source => {
                message.attributes_mut().epoch = state.epoch;
                Some((session, message))
            }
            Some(_) => {
                cx.count("other_life");
                let _ = cx.control(LIVES, Control::Doubt(peer));
                None
            }
            None => {
                if state.up.len() < WAITING_MAX {
                    state.up.push_back((source, message));
                }
                if let Some(life) = Self::known(cx, peer) {
                    self.learn(cx, session, life);
                }
                None
            }
        }
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
        match (control, session) {
            (Control::Life | Control::Identify(_) | Control::Doubt(_), _) => cx.control(LIVES, control),
            (_, None) => cx.control(WAY, control).map(less),
            (Control::Epoch, Some(session)) => {
                let state = self.sessions.get(session).ok_or(ControlError::Closed)?;
                Ok(Answer::Epoch(state.epoch))
            }
            (_, Some(session)) => {
                let Ends { below, .. } = self.sessions.key(session).ok_or(ControlError::Closed)?;
                cx.control_session(below, control).map(less)
            }
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        match notice {
            Notice::Life { peer, life } => {
                for session in self.by_peer.get(&peer).cloned().unwrap_or_default() {
                    self.learn(cx, session, life);
                }
            }
            Notice::Silent(peer) => {
                for session in self.by_peer.get(&peer).cloned().unwrap_or_default() {
                    if let Some(state) = self.sessions.get(session).filter(|state| state.life.is_none()) {
                        state.down.clear();
                        state.up.clear();
                    }
                }
            }
            _ => {}
        }
    }
}
