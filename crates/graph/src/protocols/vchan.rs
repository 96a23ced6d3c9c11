//! VCHAN: many calls at once, over channels that do one at a time.
//!
//! A session has a pool of channels, opened when they are needed, five at most unless it is told otherwise. A call takes the
//! channel that was used last; if all are busy it waits, in order, until one is idle or its deadline has come. A channel whose
//! call was given up is closed: the server may be at that call still, and does no other in that channel meanwhile. What
//! arrives for a server goes through to the one protocol above that has enabled calls.
//!
//! Source: the x-kernel's vchan; LRPC (1990), section 3.1: five A-stacks.

use std::collections::{HashMap, VecDeque};

use crate::event::EventId;
use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::{Participants, Peer};
use crate::protocol::{
    Answer, CallError, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Ticket, Upper,
};
use crate::sessions::Sessions;

/// Calls that wait for a channel, at most, of each session.
const WAITING_MAX: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Of a client.
    Pool { upper: Node, kind: Node, peer: Peer },
    /// What a server's channel below is here.
    Through(Session),
}

#[derive(Debug)]
struct State {
    upper: Upper,
    pool: Option<Pool>,
}

#[derive(Debug)]
struct Pool {
    to: Participants,
    idle: Vec<Session>,
    busy: Vec<Session>,
    most: usize,
    waiting: VecDeque<(Ticket, Message, Option<u64>)>,
}

impl Pool {
    fn count(&self) -> usize {
        self.idle.len() + self.busy.len()
    }
}

/// The protocol.
#[derive(Debug)]
pub struct Vchan {
    sessions: Sessions<Key, State>,
    by_channel: Map<Session, Session>,
    /// Whose servers' calls are.
    enabled: Option<Upper>,
    /// Deadlines of calls that wait for a channel.
    timers: HashMap<u64, (Session, EventId)>,
    timer: u64,
    channel_count: usize,
    node: Node,
}

impl Vchan {
    /// For `node`, with at most `session_count` sessions, each with `channel_count` channels to begin with.
    #[must_use]
    pub fn new(node: Node, session_count: usize, channel_count: usize) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            by_channel: Map::new(1 << 20),
            enabled: None,
            timers: HashMap::new(),
            timer: 0,
            channel_count,
            node,
        }
    }

    /// A channel for the next call, opened if need be.
    fn channel(&mut self, cx: &mut Cx<'_>, session: Session) -> Result<Option<Session>, OpenError> {
        let node = self.node;
        let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return Ok(None) };
        let channel = match pool.idle.pop() {
            Some(channel) => channel,
            None if pool.count() < pool.most => {
                let channel = cx.open(0, Upper::own(node), pool.to.clone())?;
                cx.count("channels");
                if self.by_channel.bind(channel, session).is_err() {
                    cx.close(channel);
                    return Err(OpenError::Full);
                }
                channel
            }
            None => return Ok(None),
        };
        if let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) {
            pool.busy.push(channel);
        }
        Ok(Some(channel))
    }

    /// Gives channels to calls that wait, and closes those that are too many.
    fn go_on(&mut self, cx: &mut Cx<'_>, session: Session) {
        loop {
            let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return };
            if pool.count() > pool.most
                && let Some(channel) = pool.idle.pop()
            {
                self.by_channel.unbind(&channel);
                cx.close(channel);
                continue;
            }
            if pool.waiting.is_empty() || pool.count() > pool.most {
                return;
            }
            let channel = match self.channel(cx, session) {
                Ok(Some(channel)) => Ok(channel),
                Ok(None) => return,
                Err(_) => Err(PushError::Closed),
            };
            let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return };
            let Some((ticket, message, timer)) = pool.waiting.pop_front() else { return };
            if let Some((_, event)) = timer.and_then(|timer| self.timers.remove(&timer)) {
                cx.cancel(event);
            }
            match channel {
                Ok(channel) => cx.call(channel, message, ticket),
                Err(error) => cx.finish(ticket, Err(CallError::Refused(error))),
            }
        }
    }
}

impl Protocol for Vchan {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let missing = OpenError::Participants { protocol: "VCHAN", what: "the other host" };
        let peer = to.peer().ok_or(missing)?;
        let key = Key::Pool { upper: upper.receiver, kind: upper.kind, peer };
        if let Some(session) = self.sessions.find(&key) {
            self.sessions.duplicate(session);
            return Ok(session);
        }
        let pool = Pool { to, idle: Vec::new(), busy: Vec::new(), most: self.channel_count, waiting: VecDeque::new() };
        let (session, _) = self.sessions.insert(key, State { upper, pool: Some(pool) }, 1)?;
        // The first one now: what is wrong with the participants is the opener's to know.
        match self.channel(cx, session) {
            Ok(channel) => {
                if let (Some(channel), Some(State { pool: Some(pool), .. })) = (channel, self.sessions.get(session)) {
                    pool.busy.clear();
                    pool.idle.push(channel);
                }
                Ok(session)
            }
            Err(error) => {
                self.sessions.close(session);
                Err(error)
            }
        }
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        if self.enabled.is_some_and(|other| other != upper) {
            return Err(OpenError::Taken);
        }
        cx.open_enable(0, Upper::own(self.node), at)?;
        self.enabled = Some(upper);
        Ok(())
    }

    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        if self.enabled != Some(upper) {
            return Err(OpenError::Taken);
        }
        self.enabled = None;
        cx.open_disable(0, Upper::own(self.node), at)
    }

    fn open_done(&mut self, cx: &mut Cx<'_>, below: Session, _: Node) {
        let Some(upper) = self.enabled else { return };
        match self.sessions.insert(Key::Through(below), State { upper, pool: None }, 0) {
            Ok((session, _)) => cx.open_done(upper, session),
            Err(_) => cx.count("no_session"),
        }
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(State { pool: Some(pool), .. }) = self.sessions.close(session) else { return };
        for channel in pool.idle.into_iter().chain(pool.busy) {
            self.by_channel.unbind(&channel);
            cx.close(channel);
        }
        for (ticket, _, timer) in pool.waiting {
            if let Some((_, event)) = timer.and_then(|timer| self.timers.remove(&timer)) {
                cx.cancel(event);
            }
            cx.finish(ticket, Err(CallError::Refused(PushError::Closed)));
        }
    }

    fn call(&mut self, cx: &mut Cx<'_>, session: Session, message: Message, ticket: Ticket) -> Result<(), PushError> {
        let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return Err(PushError::Closed) };
        // Who came before goes before.
        let is_first = pool.waiting.is_empty();
        let channel = if is_first { self.channel(cx, session).map_err(|_| PushError::Full)? } else { None };
        if let Some(channel) = channel {
            cx.call(channel, message, ticket);
            return Ok(());
        }
        let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return Err(PushError::Closed) };
        if pool.waiting.len() >= WAITING_MAX {
            return Err(PushError::Full);
        }
        cx.count("waits");
        let timer = message.attributes().deadline.map(|deadline| {
            self.timer += 1;
            let event = cx.schedule(cx.now().until(deadline), self.timer);
            self.timers.insert(self.timer, (session, event));
            self.timer
        });
        pool.waiting.push_back((ticket, message, timer));
        Ok(())
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        match self.sessions.key(session) {
            Some(Key::Through(below)) => {
                self.sessions.release(session);
                cx.push(below, message);
                Ok(())
            }
            Some(Key::Pool { .. }) => Err(PushError::Unsupported),
            None => Err(PushError::Closed),
        }
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let key = Key::Through(from);
        let found = self.sessions.find(&key).or_else(|| {
            // Ours gave way to others while that below did not.
            let upper = self.enabled?;
            self.sessions.insert(key, State { upper, pool: None }, 0).ok().map(|(session, _)| session)
        });
        let Some(session) = found else {
            cx.count("no_session");
            let _ = cx.control_session(from, Control::Decline { is_busy: true });
            return None;
        };
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
        let Some(session) = session else { return cx.control(0, control) };
        let key = self.sessions.key(session).ok_or(ControlError::Closed)?;
        let state = self.sessions.get(session).ok_or(ControlError::Closed)?;
        match (&mut state.pool, control, key) {
            (Some(pool), Control::Concurrency(count), _) => {
                pool.most = count.max(1);
                self.go_on(cx, session);
                Ok(Answer::Done)
            }
            (Some(pool), ..) => {
                let any = pool.idle.first().or(pool.busy.first()).copied();
                cx.control_session(any.ok_or(ControlError::Unknown)?, control)
            }
            (None, _, Key::Through(below)) => {
                let answer = cx.control_session(below, control);
                if let (Control::Decline { .. } | Control::Lose(_), Ok(_)) = (control, &answer) {
                    self.sessions.release(session);
                }
                answer
            }
            (None, ..) => Err(ControlError::Unknown),
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        let (channel, is_spent) = match notice {
            Notice::Idle(channel) => (channel, false),
            Notice::Spent(channel) => (channel, true),
            Notice::Gone(channel) => {
                if let Some(session) = self.sessions.find(&Key::Through(channel))
                    && let Some(state) = self.sessions.remove(session)
                {
                    cx.notify(state.upper.receiver, Notice::Gone(session));
                }
                return;
            }
            _ => return,
        };
        let Some(session) = self.by_channel.resolve(&channel) else { return };
        if let Some(State { pool: Some(pool), .. }) = self.sessions.get(session)
            && let Some(at) = pool.busy.iter().position(|busy| *busy == channel)
        {
            pool.busy.swap_remove(at);
            if is_spent {
                cx.count("spent");
                self.by_channel.unbind(&channel);
                cx.close(channel);
            } else {
                pool.idle.push(channel);
            }
            self.go_on(cx, session);
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, timer: u64) {
        let Some((session, _)) = self.timers.remove(&timer) else { return };
        let Some(State { pool: Some(pool), .. }) = self.sessions.get(session) else { return };
        let Some(at) = pool.waiting.iter().position(|(_, _, other)| *other == Some(timer)) else { return };
        if let Some((ticket, ..)) = pool.waiting.remove(at) {
            cx.count("late");
            cx.finish(ticket, Err(CallError::Timeout { sent: false }));
        }
    }
}
