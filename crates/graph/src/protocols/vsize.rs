//! VSIZE: small messages go one way down, large ones another.
//!
//! It has two protocols below. What goes without being cut by the first goes by it, the rest by the second. So a protocol that
//! fragments is not on the path of messages that need none.
//!
//! Both are opened for whoever opens it, and for whoever keeps a session that was made for a stranger. A stranger's has only the session
//! that it was heard on, and does not refer to that: it gives way like any other. Only what is answered the other way opens that,
//! and of these the last few are referred to.
//!
//! Source: O'Malley and Peterson, A Dynamic Network Architecture (1992), virtual protocols.

use std::collections::{HashMap, VecDeque};

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

/// Ways that are referred to for strangers, at most.
const LENT_COUNT: usize = 16;

/// The protocol.
#[derive(Debug)]
pub struct Vsize {
    /// By a number that does not come again.
    sessions: Sessions<u64, Pair>,
    /// The same by the sessions below.
    by_way: Map<Session, u64>,
    /// The same by participants, and for whom.
    by_peer: HashMap<(Node, Participants), u64>,
    number: u64,
    /// Whose way was opened to answer a stranger, and which.
    lent: VecDeque<(Session, usize)>,
    enabled: Vec<Upper>,
    limit: Option<usize>,
    node: Node,
}

/// The sessions below that one of ours stands for.
#[derive(Debug)]
struct Pair {
    number: u64,
    upper: Upper,
    /// The other side, as the sessions below name it.
    to: Participants,
    small: Way,
    large: Way,
    /// Somebody refers to ours: then we refer to both.
    is_kept: bool,
    /// The largest small message.
    limit: usize,
}

#[derive(Debug, Default, Clone, Copy)]
struct Way {
    session: Option<Session>,
    /// Whether we refer to it.
    is_held: bool,
}

impl Pair {
    fn way(&mut self, at: usize) -> &mut Way {
        if at == SMALL { &mut self.small } else { &mut self.large }
    }
}

impl Vsize {
    /// For `node`. `limit` says which messages are small, in bytes; without it, those that the first below sends in one
    /// packet.
    #[must_use]
    pub fn new(node: Node, session_count: usize, limit: Option<usize>) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            by_way: Map::new(2 * session_count),
            by_peer: HashMap::new(),
            number: 0,
            lent: VecDeque::new(),
            enabled: Vec::new(),
            limit,
            node,
        }
    }

    fn own(&self, upper: Upper) -> Upper {
        Upper { receiver: self.node, kind: upper.kind }
    }

    /// Ours that stands for the session `below`.
    fn find(&self, below: Session) -> Option<Session> {
        self.by_way.resolve(&below).and_then(|number| self.sessions.find(&number))
    }

    fn limit(&self, cx: &mut Cx<'_>, small: Option<Session>) -> usize {
        let size = match (self.limit, small) {
            (Some(limit), _) => return limit,
            (None, Some(small)) => cx.control_session(small, Control::LargestPacket),
            (None, None) => cx.control(SMALL, Control::LargestPacket),
        };
        if let Ok(Answer::Size(size)) = size { size } else { 0 }
    }

    /// A session of ours that has no ways yet.
    fn insert(
        &mut self,
        cx: &mut Cx<'_>,
        upper: Upper,
        to: Participants,
        small: Option<Session>,
        references: u32,
    ) -> Result<Session, OpenError> {
        self.number += 1;
        let (number, limit) = (self.number, self.limit(cx, small));
        let (small, large) = (Way::default(), Way::default());
        let pair = Pair { number, upper, to: to.clone(), small, large, is_kept: references > 0, limit };
        let (session, gone) = self.sessions.insert(number, pair, references)?;
        self.by_peer.insert((upper.kind, to), number);
        if let Some(gone) = gone {
            self.forget(cx, gone);
        }
        Ok(session)
    }

    fn forget(&mut self, cx: &mut Cx<'_>, pair: Pair) {
        let peer = (pair.upper.kind, pair.to);
        if self.by_peer.get(&peer) == Some(&pair.number) {
            self.by_peer.remove(&peer);
        }
        self.leave(cx, pair.number, pair.small);
        self.leave(cx, pair.number, pair.large);
    }

    fn leave(&mut self, cx: &mut Cx<'_>, number: u64, way: Way) {
        let Some(below) = way.session else { return };
        if self.by_way.resolve(&below) == Some(number) {
            self.by_way.unbind(&below);
        }
        if way.is_held {
            cx.close(below);
        }
    }

    /// From here on `below` is the way `at` of `session`. `is_held`: it came with a reference to it.
    fn lead(&mut self, cx: &mut Cx<'_>, session: Session, at: usize, below: Session, is_held: bool) {
        let Some(pair) = self.sessions.get(session) else { return };
        let number = pair.number;
        let old = core::mem::replace(pair.way(at), Way { session: Some(below), is_held });
        // One that is the same has one reference too many now, or as many as before.
        self.leave(cx, number, old);
        self.by_way.unbind(&below);
        let _ = self.by_way.bind(below, number);
    }

    /// Opens both ways for `session`, to which somebody refers now.
    fn keep(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(pair) = self.sessions.get(session) else { return };
        if core::mem::replace(&mut pair.is_kept, true) {
            return;
        }
        let (upper, to) = (pair.upper, pair.to.clone());
        for at in [SMALL, LARGE] {
            match cx.open(at, self.own(upper), to.clone()) {
                Ok(below) => self.lead(cx, session, at, below, true),
                Err(_) => cx.count("no_session"),
            }
        }
    }

    /// The session of whoever was heard from on `below`, which nobody has opened.
    fn meet(&mut self, cx: &mut Cx<'_>, below: Session, upper: Upper) -> Option<Session> {
        let Ok(Answer::Participants(to)) = cx.control_session(below, Control::Participants) else {
            cx.count("no_session");
            return None;
        };
        let at = if cx.below(SMALL) == Some(below.node()) { SMALL } else { LARGE };
        let number = self.by_peer.get(&(upper.kind, to.clone())).copied();
        // Heard from by the other way before, or by a session that has given way since.
        let known = number.and_then(|number| self.sessions.find(&number));
        if let Some(session) = known
            && self.sessions.get(session).is_some_and(|pair| !pair.way(at).is_held)
        {
            self.lead(cx, session, at, below, false);
            return Some(session);
        }
        let Ok(session) = self.insert(cx, upper, to, (at == SMALL).then_some(below), 0) else {
            cx.count("no_session");
            return None;
        };
        self.lead(cx, session, at, below, false);
        cx.open_done(upper, session);
        Some(session)
    }

    /// Opens the other way, to answer a stranger by it.
    fn lend(&mut self, cx: &mut Cx<'_>, session: Session, at: usize) -> Result<Session, PushError> {
        let pair = self.sessions.get(session).ok_or(PushError::Closed)?;
        let (upper, to) = (pair.upper, pair.to.clone());
        let below = cx.open(at, self.own(upper), to).map_err(|_| PushError::Full)?;
        self.lead(cx, session, at, below, true);
        self.lent.push_back((session, at));
        if self.lent.len() > LENT_COUNT
            && let Some((first, at)) = self.lent.pop_front()
            && let Some(pair) = self.sessions.get(first).filter(|pair| !pair.is_kept)
        {
            let (number, way) = (pair.number, core::mem::take(pair.way(at)));
            self.leave(cx, number, way);
        }
        Ok(below)
    }
}

impl Protocol for Vsize {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let small = cx.open(SMALL, self.own(upper), to.clone())?;
        let large = cx.open(LARGE, self.own(upper), to.clone()).inspect_err(|_| cx.close(small))?;
        let known = self.find(small).or_else(|| self.find(large));
        let session = match known {
            Some(session) => {
                self.sessions.duplicate(session);
                if let Some(pair) = self.sessions.get(session) {
                    pair.is_kept = true;
                }
                session
            }
            None => {
                let to = match cx.control_session(small, Control::Participants) {
                    Ok(Answer::Participants(to)) => to,
                    _ => to,
                };
                self.insert(cx, upper, to, Some(small), 1).inspect_err(|_| {
                    cx.close(small);
                    cx.close(large);
                })?
            }
        };
        self.lead(cx, session, SMALL, small, true);
        self.lead(cx, session, LARGE, large, true);
        Ok(session)
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
        let upper = self.enabled.iter().find(|upper| upper.kind == kind).copied();
        if let Some(upper) = upper.filter(|_| self.find(below).is_none()) {
            self.meet(cx, below, upper);
        }
    }

    fn duplicate(&mut self, cx: &mut Cx<'_>, session: Session) {
        if self.sessions.duplicate(session) {
            self.keep(cx, session);
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        if let Some(pair) = self.sessions.close(session) {
            self.forget(cx, pair);
        }
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let pair = self.sessions.get(session).ok_or(PushError::Closed)?;
        let (at, name) = if message.size() <= pair.limit { (SMALL, "small") } else { (LARGE, "large") };
        let below = match pair.way(at).session {
            Some(below) => below,
            None => self.lend(cx, session, at)?,
        };
        cx.count(name);
        cx.push(below, message);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let session = match (self.find(from), self.enabled.as_slice()) {
            (Some(session), _) => Some(session),
            // Ours gave way to others while that below did not.
            (None, [upper]) => self.meet(cx, from, *upper),
            (None, _) => {
                cx.count("no_session");
                None
            }
        };
        session.map(|session| (session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(pair) = self.sessions.get(session) {
            cx.deliver(pair.upper.receiver, session, message);
        }
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        // What goes at all goes by the second; what goes uncut, by the first. The rest either of them knows.
        let at = if control == Control::LargestMessage { LARGE } else { SMALL };
        let Some(session) = session else { return cx.control(at, control) };
        let pair = self.sessions.get(session).ok_or(ControlError::Closed)?;
        let (way, other) = (pair.way(at).session, pair.way(SMALL + LARGE - at).session);
        let is_size = matches!(control, Control::LargestMessage | Control::LargestPacket);
        match (way, other.filter(|_| !is_size)) {
            (Some(below), _) | (None, Some(below)) => cx.control_session(below, control),
            (None, None) => cx.control(at, control),
        }
    }
}
