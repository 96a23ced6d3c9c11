//! BLAST: messages larger than a packet, without a promise.
//!
//! A message is cut into at most 16 fragments, all sent at once. Whoever receives asks, by a mask, for those that are missing, and
//! only they are sent again. The sender keeps its copy, which shares the payload, until whoever pushed the message says that
//! it has arrived ([`Control::Release`]), or for a second. A message that fits one packet passes by all of this: nobody
//! remembers it, and nobody asks for it.
//!
//! It is persistent, not reliable: a message of which nothing arrives is nobody's to ask for, and one that is asked for three
//! times in vain is dropped. Who needs more asks itself, above.
//!
//! Sources: Welch, The Sprite Remote Procedure Call System (1986), fragmentation; O'Malley and Peterson (1992), section 5; the
//! x-kernel's blast.

pub mod header;
pub mod incoming;

use core::hash::BuildHasher;
use core::time::Duration;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};

use self::header::{COUNT_MAX, DATA, Header, MISSING, RESENT, SIZE, all};
use self::incoming::{Incoming, Next, Took};
use crate::event::EventId;
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// Messages of one session that are kept for whoever misses some of it, at most: the one that was sent first gives way.
const KEPT_MAX: usize = 64;

/// Messages that are remembered as whole, of each session.
const WHOLE_MAX: usize = 64;

/// Messages of which not all is there, of all sessions; and of one.
const INCOMING_MAX: usize = 256;
const INCOMING_OF_ONE: usize = 64;

/// What a file says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The port to use below, where there are ports.
    pub port: Option<u16>,
    /// Sessions at most.
    pub session_count: usize,
    /// How long a copy is kept.
    pub keep: Duration,
    /// After how long for each fragment missing ones are asked for; measured if none.
    pub ask: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    below: Session,
    number: u16,
}

#[derive(Debug)]
struct State {
    upper: Upper,
    below: Session,
    /// Bytes of the largest fragment.
    unit: usize,
    sequence: u32,
    kept: VecDeque<Kept>,
    incoming: HashMap<u32, Incoming>,
    whole: VecDeque<u32>,
}

#[derive(Debug)]
struct Kept {
    header: Header,
    message: Message,
    tag: u32,
    event: EventId,
    timer: u64,
}

#[derive(Debug, Clone, Copy)]
enum Timer {
    /// The copy is kept no longer.
    Kept(Session, u32),
    /// Fragments should be there.
    Incoming(Session, u32),
}

/// The protocol.
#[derive(Debug)]
pub struct Blast {
    settings: Settings,
    sessions: Sessions<Ends, State>,
    enabled: HashMap<u16, Upper>,
    timers: HashMap<u64, Timer>,
    timer: u64,
    /// Those of which not all is there, the oldest first.
    order: VecDeque<(Session, u32)>,
    node: Node,
}

fn number(cx: &Cx<'_>, upper: Upper) -> Result<u16, OpenError> {
    u16::try_from(cx.number(upper.kind)?).map_err(|_| OpenError::Unsupported)
}

impl Blast {
    /// For `node`.
    #[must_use]
    pub fn new(node: Node, settings: Settings) -> Self {
        Self {
            settings,
            sessions: Sessions::new(node, settings.session_count),
            enabled: HashMap::new(),
            timers: HashMap::new(),
            timer: 0,
            order: VecDeque::new(),
            node,
        }
    }

    fn state(cx: &mut Cx<'_>, below: Session, upper: Upper) -> State {
        let packet = match cx.control_session(below, Control::LargestPacket) {
            Ok(Answer::Size(size)) => size,
            _ => 512,
        };
        State {
            upper,
            below,
            unit: packet.saturating_sub(SIZE).clamp(1, usize::from(u16::MAX)),
            // Drawn: fragments of a former life are of other messages, and so are those that somebody makes up.
            sequence: u32::try_from(RandomState::new().hash_one(cx.now()) >> 32).unwrap_or(0),
            kept: VecDeque::new(),
            incoming: HashMap::new(),
            whole: VecDeque::new(),
        }
    }

    fn insert(&mut self, cx: &mut Cx<'_>, ends: Ends, state: State, references: u32) -> Result<Session, OpenError> {
        let (session, gone) = self.sessions.insert(ends, state, references)?;
        if let Some(gone) = gone {
            self.leave(cx, &gone);
        }
        Ok(session)
    }

    fn leave(&mut self, cx: &mut Cx<'_>, state: &State) {
        for kept in &state.kept {
            cx.cancel(kept.event);
            self.timers.remove(&kept.timer);
        }
        cx.close(state.below);
    }

    fn schedule(&mut self, cx: &mut Cx<'_>, after: Duration, timer: Timer) -> EventId {
        self.timer += 1;
        self.timers.insert(self.timer, timer);
        cx.schedule(after, self.timer)
    }

    /// Sends the fragments of `missing`.
    fn send(cx: &mut Cx<'_>, below: Session, header: Header, message: &Message, missing: u16) {
        let mut rest = message.clone();
        for index in 0..header.count {
            let next = rest.split(usize::from(header.unit.get()));
            let mut fragment = core::mem::replace(&mut rest, next);
            let mask = 1 << index;
            if missing & mask != 0 {
                if header.kind == RESENT {
                    cx.count("resent");
                }
                fragment.push_header(&Header { mask: mask.into(), ..header });
                cx.push(below, fragment);
            }
        }
    }

    fn take(&mut self, cx: &mut Cx<'_>, session: Session, header: &Header, fragment: Message) -> Option<Message> {
        let sequence = header.sequence.get();
        let now = cx.now();
        let state = self.sessions.get(session)?;
        if state.whole.contains(&sequence) {
            cx.count("duplicates");
            return None;
        }
        let is_new = !state.incoming.contains_key(&sequence);
        let known = state.incoming.entry(sequence).or_insert_with(|| Incoming::new(*header, now));
        let took = known.take(header, fragment, now);
        let patience = known.patience(self.settings.ask);
        match took {
            Took::Kept => cx.count("fragments"),
            Took::Duplicate => cx.count("duplicates"),
            Took::Contradiction => {
                if is_new {
                    state.incoming.remove(&sequence);
                }
                cx.count("malformed");
                return None;
            }
            Took::Whole(message) => {
                state.incoming.remove(&sequence);
                if state.whole.len() >= WHOLE_MAX {
                    state.whole.pop_front();
                }
                state.whole.push_back(sequence);
                self.order.retain(|other| *other != (session, sequence));
                cx.count("whole");
                return Some(message);
            }
        }
        if is_new {
            self.schedule(cx, patience, Timer::Incoming(session, sequence));
            self.order.push_back((session, sequence));
            self.bound(cx, session);
        }
        None
    }

    /// The oldest of too many gives way: to others of `session`, if that has too many.
    fn bound(&mut self, cx: &mut Cx<'_>, session: Session) {
        let is_greedy = self.sessions.get(session).is_some_and(|state| state.incoming.len() > INCOMING_OF_ONE);
        if is_greedy || self.order.len() > INCOMING_MAX {
            let of = |(other, _): &(Session, u32)| !is_greedy || *other == session;
            let oldest = self.order.iter().position(of).and_then(|at| self.order.remove(at));
            let Some((session, sequence)) = oldest else { return };
            let of = self.sessions.get(session);
            if of.is_some_and(|state| state.incoming.remove(&sequence).is_some()) {
                cx.count("crowded_out");
            }
        }
    }

    /// Whoever received says what is here.
    fn answer(&mut self, cx: &mut Cx<'_>, session: Session, asked: &Header) {
        let Some(Ends { below, .. }) = self.sessions.key(session) else { return };
        let Some(state) = self.sessions.get(session) else { return };
        let same = |kept: &&mut Kept| {
            let header = kept.header;
            (header.sequence, header.count, header.size) == (asked.sequence, asked.count, asked.size)
        };
        match state.kept.iter_mut().find(same) {
            Some(kept) => {
                cx.count("asked");
                let header = Header { kind: RESENT, ..kept.header };
                Self::send(cx, below, header, &kept.message, all(header.count) & !asked.mask.get());
            }
            None => cx.count("asked_in_vain"),
        }
    }
}

impl Protocol for Blast {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        let at = self.settings.port.map_or(Participants::new(), |port| Participants::new().at(Address::Port(port)));
        cx.open_enable(0, Upper::own(self.node), at)
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let number = number(cx, upper)?;
        let to = self.settings.port.map_or(to.clone(), |port| to.at(Address::Port(port)));
        let below = cx.open(0, Upper::own(self.node), to)?;
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
        let state = Self::state(cx, below, upper);
        self.insert(cx, ends, state, 1).inspect_err(|_| cx.close(below))
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        let number = number(cx, upper)?;
        match self.enabled.insert(number, upper) {
            Some(other) if other != upper => {
                self.enabled.insert(number, other);
                Err(OpenError::Taken)
            }
            _ => Ok(()),
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

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, mut message: Message) -> Result<(), PushError> {
        let Ends { below, number } = self.sessions.key(session).ok_or(PushError::Closed)?;
        let state = self.sessions.get(session).ok_or(PushError::Closed)?;
        let (size, unit) = (message.size(), state.unit);
        let (size32, unit16) = (u32::try_from(size).unwrap_or(u32::MAX), u16::try_from(unit).unwrap_or(u16::MAX));
        let header = Header {
            number: number.into(),
            kind: DATA,
            count: 1,
            sequence: 0.into(),
            size: size32.into(),
            mask: 1.into(),
            unit: unit16.into(),
        };
        if size <= unit {
            message.push_header(&header);
            cx.push(below, message);
            return Ok(());
        }
        let count = size.div_ceil(unit);
        let max = unit * COUNT_MAX;
        let fragments = u8::try_from(count).ok().filter(|_| count <= COUNT_MAX);
        let fragments = fragments.ok_or(PushError::TooLarge { size, max })?;
        if state.kept.len() >= KEPT_MAX
            && let Some(oldest) = state.kept.pop_front()
        {
            // It has gone, and who misses some of it asks for all.
            cx.cancel(oldest.event);
            self.timers.remove(&oldest.timer);
            cx.count("kept_too_short");
        }
        state.sequence = state.sequence.wrapping_add(1).max(1);
        let header = Header { count: fragments, sequence: state.sequence.into(), ..header };
        let (sequence, tag) = (state.sequence, message.attributes().tag);
        Self::send(cx, below, header, &message, all(fragments));
        let event = self.schedule(cx, self.settings.keep, Timer::Kept(session, sequence));
        let timer = self.timer;
        if let Some(state) = self.sessions.get(session) {
            state.kept.push_back(Kept { header, message, tag, event, timer });
        }
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let whole = header.sequence.get() == 0;
        let size = usize::try_from(header.size.get()).unwrap_or(usize::MAX);
        let sound = match header.kind {
            DATA if whole => header.count == 1 && size <= message.size(),
            DATA | RESENT => header.place().is_some(),
            MISSING => header.is_sound(),
            _ => false,
        };
        if !sound {
            cx.count("malformed");
            return None;
        }
        let ends = Ends { below: from, number: header.number.get() };
        let session = match self.sessions.find(&ends) {
            Some(session) => session,
            None => {
                let upper = self.enabled.get(&ends.number).copied();
                let Some(upper) = upper.filter(|_| header.kind != MISSING) else {
                    cx.count("for_nobody");
                    return None;
                };
                let state = Self::state(cx, from, upper);
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
        if whole {
            message.truncate(size);
            return Some((session, message));
        }
        if header.kind == MISSING {
            self.answer(cx, session, &header);
            return None;
        }
        self.take(cx, session, &header, message).map(|message| (session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(state) = self.sessions.get(session) {
            cx.deliver(state.upper.receiver, session, message);
        }
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        let Some(session) = session else {
            return match (control, cx.control(0, Control::LargestPacket)?) {
                (Control::LargestPacket, Answer::Size(size)) => Ok(Answer::Size(size.saturating_sub(SIZE))),
                (Control::LargestMessage, Answer::Size(size)) => {
                    Ok(Answer::Size(size.saturating_sub(SIZE) * COUNT_MAX))
                }
                _ => cx.control(0, control),
            };
        };
        let Ends { below, .. } = self.sessions.key(session).ok_or(ControlError::Closed)?;
        let state = self.sessions.get(session).ok_or(ControlError::Closed)?;
        match control {
            Control::LargestPacket => Ok(Answer::Size(state.unit)),
            Control::LargestMessage => Ok(Answer::Size(state.unit * COUNT_MAX)),
            Control::Release(tag) => {
                // One that was sent again as a whole has a copy for each time.
                let timers = &mut self.timers;
                state.kept.retain(|kept| {
                    let is_it = kept.tag == tag && tag != 0;
                    if is_it {
                        cx.cancel(kept.event);
                        timers.remove(&kept.timer);
                        cx.count("released");
                    }
                    !is_it
                });
                Ok(Answer::Done)
            }
            Control::Participants => match cx.control_session(below, control)? {
                // Our own port is not the opener's to give.
                Answer::Participants(mut to) if self.settings.port.is_some() => {
                    to.pop_local_port();
                    Ok(Answer::Participants(to))
                }
                other => Ok(other),
            },
            _ => cx.control_session(below, control),
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        match self.timers.remove(&token) {
            Some(Timer::Kept(session, sequence)) => {
                if let Some(state) = self.sessions.get(session) {
                    let before = state.kept.len();
                    state.kept.retain(|kept| kept.header.sequence.get() != sequence);
                    if state.kept.len() < before {
                        cx.count("expired");
                    }
                }
            }
            Some(Timer::Incoming(session, sequence)) => {
                let Some(Ends { below, number }) = self.sessions.key(session) else { return };
                let state = self.sessions.get(session);
                let Some(incoming) = state.and_then(|state| state.incoming.get_mut(&sequence)) else {
                    self.order.retain(|other| *other != (session, sequence));
                    return;
                };
                match incoming.look() {
                    Next::Wait => {}
                    Next::Ask(mask) => {
                        cx.count("asks");
                        let mut message = Message::new();
                        let of = incoming.header();
                        message.push_header(&Header { number: number.into(), kind: MISSING, mask: mask.into(), ..of });
                        cx.push(below, message);
                    }
                    Next::GiveUp => {
                        cx.count("given_up");
                        if let Some(state) = self.sessions.get(session) {
                            state.incoming.remove(&sequence);
                        }
                        self.order.retain(|other| *other != (session, sequence));
                        return;
                    }
                }
                let patience = incoming.patience(self.settings.ask);
                self.schedule(cx, patience, Timer::Incoming(session, sequence));
            }
            None => {}
        }
    }
}
