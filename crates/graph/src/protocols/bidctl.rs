//! BIDCTL: which life a host is in.
//!
//! A host draws a boot id when it starts. A peer is asked for its own by a question with a tag that cannot be guessed, and only an
//! answer with that tag counts: a message that merely carries another boot id, old, mangled or made up, makes us ask, once, and
//! changes nothing.
//!
//! ```text
//! unknown -- asked --> asking -- answer --> known -- somebody doubts --> asking again, known meanwhile
//!    ^                    | no answer
//!    +--------------------+
//! ```
//!
//! Source: O'Malley and Peterson (1992), section 5; the x-kernel's bid and bidctl.

use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};

use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::event::{EventId, Time};
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Participants, Peer};
use crate::protocol::{Answer, Control, ControlError, Node, Notice, OpenError, Protocol, Session, Upper};

/// The header, which is all of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// [`QUESTION`] or [`ANSWER`].
    pub kind: U32,
    /// Of the question; its answer has the same.
    pub tag: U64,
    /// The boot id of whoever sends this.
    pub life: U64,
}

/// "Which life are you in?"
pub const QUESTION: u32 = 1;
/// "This one."
pub const ANSWER: u32 = 2;

/// Peers that are remembered at most.
pub const PEER_COUNT: usize = 4096;

/// Between the first two questions; then twice as long each time.
const PATIENCE: Duration = Duration::from_millis(10);

/// Questions without an answer.
const TRIES: u32 = 8;

/// Until a peer that is asked once for each message is silent: as long as one that is asked [`TRIES`] times.
const SILENCE: Duration = Duration::from_millis(10 * 255);

/// Peers that are asked because of what came from outside, at once. Each has a session below meanwhile.
const DOUBTED_MAX: usize = 256;

/// A peer is asked again because of doubts no sooner than this after it has answered.
const CALM: Duration = Duration::from_millis(1);

#[derive(Debug)]
struct Known {
    life: Option<u64>,
    asked: Option<Asked>,
    answered: Time,
    used: u64,
}

#[derive(Debug)]
struct Asked {
    tag: u64,
    tries: u32,
    /// Somebody here wants to know.
    insists: bool,
    sent: Time,
    session: Session,
    event: EventId,
}

/// The protocol.
#[derive(Debug)]
pub struct Bidctl {
    life: u64,
    /// Of tags.
    keys: RandomState,
    draw: u64,
    peers: HashMap<Peer, Known>,
    asking: HashMap<u64, Peer>,
    /// Tags of questions on which nobody insisted at first, the oldest first.
    doubted: VecDeque<u64>,
    upper: Vec<Node>,
    turn: u64,
    node: Node,
}

impl Bidctl {
    /// For `node`, in the life `life`, which must not be guessed, nor come again.
    #[must_use]
    pub fn new(node: Node, life: u64) -> Self {
        Self {
            life: life.max(1),
            keys: RandomState::new(),
            draw: 0,
            peers: HashMap::new(),
            asking: HashMap::new(),
            doubted: VecDeque::new(),
            upper: Vec::new(),
            turn: 0,
            node,
        }
    }

    /// Nobody who has seen tags can tell the next one: they are made with keys that do not leave this process.
    fn tag(&mut self) -> u64 {
        self.draw += 1;
        self.keys.hash_one(self.draw)
    }

    fn known(&mut self, cx: &mut Cx<'_>, peer: Peer) -> &mut Known {
        self.turn += 1;
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEER_COUNT {
            // Whoever was of interest longest ago. What is being asked goes with it.
            if let Some(oldest) = self.peers.iter().min_by_key(|(_, known)| known.used).map(|(peer, _)| *peer) {
                self.stop_asking(cx, oldest);
                self.peers.remove(&oldest);
            }
        }
        let turn = self.turn;
        let known = self.peers.entry(peer).or_insert(Known { life: None, asked: None, answered: Time(0), used: 0 });
        known.used = turn;
        known
    }

    /// Asks `peer`. `insists`: until it answers or is silent, because somebody here wants to know; otherwise once for each message
    /// of it, so that whoever makes up its address has it asked no more often than he sends.
    fn ask(&mut self, cx: &mut Cx<'_>, peer: Peer, insists: bool) -> Result<(), OpenError> {
        let now = cx.now();
        if let Some(asked) = &mut self.known(cx, peer).asked {
            let (tag, session) = (asked.tag, asked.session);
            if insists && !asked.insists {
                (asked.insists, asked.tries) = (true, 0);
                cx.cancel(asked.event);
                asked.event = cx.schedule(Duration::ZERO, tag);
            } else if !asked.insists && asked.sent.until(now) >= PATIENCE {
                asked.sent = now;
                self.send(cx, session, QUESTION, tag);
                cx.count("questions");
            }
            return Ok(());
        }
        if !insists {
            self.bound(cx);
        }
        let mut to = Participants::new().to(Address::Host(peer.host));
        if peer.port != 0 {
            to = to.to(Address::Port(peer.port));
        }
        let session = cx.open(0, Upper::own(self.node), to)?;
        let tag = self.tag();
        self.asking.insert(tag, peer);
        if !insists {
            self.doubted.push_back(tag);
        }
        let event = cx.schedule(if insists { PATIENCE } else { SILENCE }, tag);
        self.known(cx, peer).asked = Some(Asked { tag, tries: 1, insists, sent: now, session, event });
        self.send(cx, session, QUESTION, tag);
        cx.count("questions");
        Ok(())
    }

    /// Those who are asked because of what came from outside: the one who was asked first gives way.
    fn bound(&mut self, cx: &mut Cx<'_>) {
        let Self { doubted, asking, .. } = self;
        doubted.retain(|tag| asking.contains_key(tag));
        if doubted.len() >= DOUBTED_MAX
            && let Some(peer) = doubted.pop_front().and_then(|tag| asking.get(&tag).copied())
            && self.peers.get(&peer).and_then(|known| known.asked.as_ref()).is_some_and(|asked| !asked.insists)
        {
            self.stop_asking(cx, peer);
            cx.count("crowded_out");
        }
    }

    fn stop_asking(&mut self, cx: &mut Cx<'_>, peer: Peer) {
        if let Some(asked) = self.peers.get_mut(&peer).and_then(|known| known.asked.take()) {
            self.asking.remove(&asked.tag);
            cx.cancel(asked.event);
            cx.close(asked.session);
        }
    }

    fn send(&self, cx: &mut Cx<'_>, session: Session, kind: u32, tag: u64) {
        let mut message = Message::new();
        message.push_header(&Header { kind: kind.into(), tag: tag.into(), life: self.life.into() });
        cx.push(session, message);
    }

    fn tell(&self, cx: &mut Cx<'_>, notice: Notice) {
        self.upper.iter().for_each(|upper| cx.notify(*upper, notice));
    }
}

impl Protocol for Bidctl {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    /// Whoever enables is told of lives.
    fn open_enable(&mut self, _: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        if !self.upper.contains(&upper.receiver) {
            self.upper.push(upper.receiver);
        }
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let (tag, life) = (header.tag.get(), header.life.get());
        let peer = match cx.control_session(from, Control::Participants) {
            Ok(Answer::Participants(to)) => to.peer(),
            _ => None,
        };
        let Some(peer) = peer else {
            cx.count("nobody");
            return None;
        };
        match header.kind.get() {
            QUESTION => {
                self.send(cx, from, ANSWER, tag);
                // Somebody whom we know otherwise: we ask, too.
                let other = self.peers.get(&peer).is_some_and(|known| known.life.is_some_and(|known| known != life));
                if other && self.ask(cx, peer, false).is_err() {
                    cx.count("no_session");
                }
            }
            ANSWER if self.asking.get(&tag) == Some(&peer) && life != 0 => {
                self.stop_asking(cx, peer);
                let now = cx.now();
                let known = self.known(cx, peer);
                known.answered = now;
                let before = known.life.replace(life);
                if before != Some(life) {
                    cx.count(if before.is_some() { "restarts" } else { "first_contacts" });
                }
                self.tell(cx, Notice::Life { peer, life });
            }
            ANSWER => cx.count("unasked"),
            _ => cx.count("malformed"),
        }
        None
    }

    fn control(&mut self, cx: &mut Cx<'_>, _: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        match control {
            Control::Life => Ok(Answer::Life(self.life)),
            Control::Identify(peer) => {
                if let Some(life) = self.known(cx, peer).life {
                    return Ok(Answer::Life(life));
                }
                self.ask(cx, peer, true).map(|()| Answer::Later).map_err(|_| ControlError::Unknown)
            }
            Control::Doubt(peer) => {
                let now = cx.now();
                let known = self.known(cx, peer);
                let (life, answered) = (known.life, known.answered);
                let is_calm = life.is_some() && answered.until(now) < CALM;
                if !is_calm && self.ask(cx, peer, false).is_err() {
                    cx.count("no_session");
                }
                Ok(life.map_or(Answer::Later, Answer::Life))
            }
            _ => cx.control(0, control),
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, tag: u64) {
        let Some(peer) = self.asking.get(&tag).copied() else { return };
        let Some(asked) = self.peers.get_mut(&peer).and_then(|known| known.asked.as_mut()) else { return };
        asked.tries += 1;
        if !asked.insists || asked.tries > TRIES {
            self.stop_asking(cx, peer);
            cx.count("silent");
            return self.tell(cx, Notice::Silent(peer));
        }
        asked.event = cx.schedule(PATIENCE * (1 << (asked.tries - 1)), tag);
        let session = asked.session;
        self.send(cx, session, QUESTION, tag);
        cx.count("questions");
    }
}
