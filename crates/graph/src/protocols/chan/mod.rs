//! CHAN: calls, each executed at most once.
//!
//! A channel does one call at a time. The client sends its request until it hears something; the server runs each number once
//! ([`server`]), keeps its reply until the next request says that it arrived, and sends it again for a request that comes
//! again. Success means executed once. A call that ends in time-out or in the other side's restart was executed once or not at
//! all, and nobody can know which.
//!
//! That holds as long as no message is older than [`LIFETIME`] when it arrives: a channel that was silent for so long may be
//! forgotten by its server. Messages between other lives do not come up here; that is what is below.
//!
//! Times are of measured round trips, at least a millisecond, doubling to a minute; `retry` sets the first one instead (5 s in
//! 1994).
//!
//! Sources: Birrell and Nelson (1984); Welch (1986); O'Malley and Peterson (1992), section 5; the x-kernel's chan.

pub mod client;
pub mod header;
pub mod server;

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use self::client::{Client, Retry};
use self::header::{Flags, Header};
use self::server::{Kept, Server, State};
use crate::event::{EventId, Time};
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{
    Answer, CallError, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Ticket, Upper,
};
use crate::rtt::Rtt;
use crate::sessions::Sessions;

/// How long a message may be on its way at most.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// The longest wait before a request is sent again.
const RETRY_MAX: Duration = Duration::from_secs(60);

const SIZE: usize = size_of::<Header>();

/// What a file says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Channels at most, of both kinds together.
    pub session_count: usize,
    /// Until a request is sent again for the first time; measured if none.
    pub retry: Option<Duration>,
    /// What that is before anything was measured.
    pub first: Duration,
    /// Until a client is asked whether it has its reply.
    pub keep: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    below: Session,
    channel: u32,
    is_client: bool,
}

#[derive(Debug)]
struct Channel {
    upper: Upper,
    number: u16,
    /// Bytes of the largest message, and of the largest in one packet. Asked once: sessions below do not change theirs.
    largest: usize,
    packet: usize,
    side: Side,
}

#[derive(Debug)]
enum Side {
    Client { machine: Client, call: Option<Call>, rtt: Rtt, timer: Option<EventId> },
    Server { machine: Server, kept: Option<Message>, tag: u32, due: Time, timer: Option<EventId>, used: Time },
}

/// A call under way.
#[derive(Debug)]
struct Call {
    ticket: Ticket,
    body: Message,
    tag: u32,
    sent: Time,
    wait: Duration,
    deadline: Option<Time>,
    /// When something is to be done about it.
    due: Time,
}

/// The protocol.
#[derive(Debug)]
pub struct Chan {
    settings: Settings,
    sessions: Sessions<Ends, Channel>,
    enabled: HashMap<u16, Upper>,
    channel: u32,
    tag: u32,
    /// Channels by the session below.
    peers: HashMap<Session, Vec<Session>>,
    /// Servers' channels, those that came first before others.
    ages: VecDeque<Session>,
    node: Node,
}

fn number(cx: &Cx<'_>, upper: Upper) -> Result<u16, OpenError> {
    u16::try_from(cx.number(upper.kind)?).map_err(|_| OpenError::Unsupported)
}

fn size_below(cx: &mut Cx<'_>, below: Session, control: Control) -> usize {
    match cx.control_session(below, control) {
        Ok(Answer::Size(size)) => size.saturating_sub(SIZE),
        _ => usize::MAX,
    }
}

impl Chan {
    /// For `node`.
    #[must_use]
    pub fn new(node: Node, settings: Settings) -> Self {
        Self {
            settings,
            sessions: Sessions::new(node, settings.session_count),
            enabled: HashMap::new(),
            channel: 0,
            tag: 0,
            peers: HashMap::new(),
            ages: VecDeque::new(),
            node,
        }
    }

    /// Sees to it that the channel is looked at when it is `due`. Its one timer stays when a call ends, for the next one, which saves
    /// both of them two looks at the wheel; so it may go off for nothing, and then it is set again.
    fn look_at(cx: &mut Cx<'_>, timer: &mut Option<EventId>, session: Session, due: Time) {
        if timer.is_some_and(|event| event.at() <= due) {
            return;
        }
        if let Some(event) = timer.take() {
            cx.cancel(event);
        }
        let token = u64::from(session.slot) << 32 | u64::from(session.generation);
        *timer = Some(cx.schedule(cx.now().until(due), token));
    }

    /// The channel of a timer.
    fn of_timer(&self, token: u64) -> Session {
        let (slot, generation) = (token >> 32, token & 0xffff_ffff);
        Session {
            node: self.node,
            slot: u32::try_from(slot).unwrap_or(u32::MAX),
            generation: u32::try_from(generation).unwrap_or(u32::MAX),
        }
    }

    fn channel(cx: &mut Cx<'_>, below: Session, upper: Upper, number: u16, side: Side) -> Channel {
        let largest = size_below(cx, below, Control::LargestMessage);
        let packet = size_below(cx, below, Control::LargestPacket);
        Channel { upper, number, largest, packet, side }
    }

    fn tag(&mut self) -> u32 {
        self.tag = self.tag.wrapping_add(1).max(1);
        self.tag
    }

    /// Sends `body`, or nothing but a header, on the channel.
    fn send(&mut self, cx: &mut Cx<'_>, session: Session, flags: Flags, sequence: u32, body: Option<(Message, u32)>) {
        let Some(ends) = self.sessions.key(session) else { return };
        let Some(channel) = self.sessions.get(session) else { return };
        let number = channel.number.into();
        let (mut message, tag) = body.unwrap_or_default();
        let (channel, sequence) = (ends.channel.into(), sequence.into());
        message.push_header(&Header { number, flags: flags.0.into(), channel, sequence });
        message.attributes_mut().tag = tag;
        cx.push(ends.below, message);
    }

    fn release(cx: &mut Cx<'_>, below: Session, tag: u32) {
        // It says that nobody knows when nothing below keeps copies.
        let _ = cx.control_session(below, Control::Release(tag));
    }

    /// Ends the client's call that is under way.
    fn end(&mut self, cx: &mut Cx<'_>, session: Session, answer: Result<Message, CallError>) {
        let Some(ends) = self.sessions.key(session) else { return };
        let Some(channel) = self.sessions.get(session) else { return };
        let (upper, packet) = (channel.upper, channel.packet);
        let Side::Client { machine, call, .. } = &mut channel.side else { return };
        machine.give_up();
        let Some(call) = call.take() else { return };
        if call.body.size() > packet {
            Self::release(cx, ends.below, call.tag);
        }
        cx.finish(call.ticket, answer);
        cx.notify(upper.receiver, Notice::Idle(session));
    }

    /// Nothing is kept of a server's last reply.
    fn forget_reply(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(ends) = self.sessions.key(session) else { return };
        let Some(channel) = self.sessions.get(session) else { return };
        let packet = channel.packet;
        let Side::Server { kept, tag, .. } = &mut channel.side else { return };
        let (had, tag) = (kept.take(), *tag);
        if had.is_some_and(|had| had.size() > packet) {
            Self::release(cx, ends.below, tag);
        }
    }

    /// Forgets a channel that nobody needs any more.
    fn drop_channel(&mut self, cx: &mut Cx<'_>, session: Session) {
        self.forget_reply(cx, session);
        let Some(ends) = self.sessions.key(session) else { return };
        if let Some(Side::Client { timer, .. } | Side::Server { timer, .. }) =
            self.sessions.get(session).map(|channel| &mut channel.side)
            && let Some(event) = timer.take()
        {
            cx.cancel(event);
        }
        while self.sessions.key(session).is_some() {
            self.sessions.close(session);
        }
        if let Some(channels) = self.peers.get_mut(&ends.below) {
            channels.retain(|other| *other != session);
            if channels.is_empty() {
                self.peers.remove(&ends.below);
            }
        }
        cx.close(ends.below);
    }

    /// Room for one more of a client that is new. Channels that were silent for longer than any message lives are forgotten.
    fn make_room(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.sessions.count() < self.settings.session_count {
            return true;
        }
        for _ in 0..self.ages.len().min(64) {
            let Some(session) = self.ages.pop_front() else { break };
            let Some(channel) = self.sessions.get(session) else { continue };
            if let Side::Server { machine, used, .. } = &channel.side
                && machine.state() != State::Execute
                && used.until(cx.now()) > LIFETIME
            {
                self.drop_channel(cx, session);
                cx.count("forgotten");
                return true;
            }
            self.ages.push_back(session);
        }
        false
    }

    /// A channel of a client that calls for the first time on it.
    fn accept(&mut self, cx: &mut Cx<'_>, ends: Ends, number: u16) -> Option<Session> {
        let Some(upper) = self.enabled.get(&number).copied() else {
            cx.count("for_nobody");
            return None;
        };
        if !self.make_room(cx) {
            cx.count("no_session");
            return None;
        }
        let machine = Server::default();
        let (due, used) = (cx.now(), cx.now());
        let side = Side::Server { machine, kept: None, tag: 0, due, timer: None, used };
        let channel = Self::channel(cx, ends.below, upper, number, side);
        let Ok((session, _)) = self.sessions.insert(ends, channel, 1) else {
            cx.count("no_session");
            return None;
        };
        cx.duplicate(ends.below);
        self.ages.push_back(session);
        self.peers.entry(ends.below).or_default().push(session);
        cx.open_done(upper, session);
        Some(session)
    }

    fn hear_as_client(&mut self, cx: &mut Cx<'_>, session: Session, header: &Header, message: Message) {
        let (flags, sequence) = (Flags(header.flags.get()), header.sequence.get());
        let Some(channel) = self.sessions.get(session) else { return };
        let Side::Client { machine, call, rtt, .. } = &mut channel.side else { return };
        let once = machine.sent_once();
        match (machine.hear(flags, sequence), call) {
            (client::Heard::Answer, Some(call)) => {
                if once {
                    rtt.measure(call.sent.until(cx.now()));
                }
                cx.count("answers");
                self.end(cx, session, Ok(message));
            }
            (client::Heard::Executing, _) => cx.count("executing"),
            (client::Heard::Resend, Some(call)) => {
                let body = (call.body.clone(), call.tag);
                cx.count("resent");
                let flags = Flags::FROM_CLIENT.and(Flags::USER_MESSAGE).and(Flags::ASKS);
                self.send(cx, session, flags, sequence, Some(body));
            }
            (client::Heard::Acknowledge, _) => {
                cx.count("acknowledged");
                self.send(cx, session, Flags::FROM_CLIENT, sequence, None);
            }
            (client::Heard::Deny, _) => {
                cx.count("denied");
                self.send(cx, session, Flags::FROM_CLIENT.and(Flags::MISSING), sequence, None);
            }
            _ => cx.count("stale"),
        }
    }

    /// `true`: the request is to be run.
    fn hear_as_server(&mut self, cx: &mut Cx<'_>, session: Session, header: &Header) -> bool {
        let (flags, sequence) = (Flags(header.flags.get()), header.sequence.get());
        let Some(channel) = self.sessions.get(session) else { return false };
        let Side::Server { machine, kept, tag, used, .. } = &mut channel.side else { return false };
        *used = cx.now();
        match machine.hear(flags, sequence) {
            server::Heard::Execute => {
                cx.count("requests");
                self.forget_reply(cx, session);
                return true;
            }
            server::Heard::Repeat => {
                let body = kept.clone().map(|kept| (kept, *tag));
                cx.count("repeated");
                self.send(cx, session, Flags::USER_MESSAGE, sequence, body);
            }
            server::Heard::Acknowledge => {
                cx.count("acknowledged");
                self.send(cx, session, Flags::default(), sequence, None);
            }
            server::Heard::Deny => {
                cx.count("denied");
                self.send(cx, session, Flags::MISSING, sequence, None);
            }
            server::Heard::Release => self.forget_reply(cx, session),
            server::Heard::Busy => cx.count("busy"),
            server::Heard::Stale => cx.count("stale"),
        }
        false
    }
}

impl Protocol for Chan {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    /// A new channel, whoever it is to.
    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let number = number(cx, upper)?;
        if !self.make_room(cx) {
            return Err(OpenError::Full);
        }
        let below = cx.open(0, Upper::own(self.node), to)?;
        self.channel = self.channel.wrapping_add(1);
        let ends = Ends { below, channel: self.channel, is_client: true };
        let side = Side::Client { machine: Client::default(), call: None, rtt: Rtt::default(), timer: None };
        let channel = Self::channel(cx, below, upper, number, side);
        match self.sessions.insert(ends, channel, 1) {
            Ok((session, _)) => {
                self.peers.entry(below).or_default().push(session);
                Ok(session)
            }
            Err(error) => {
                cx.close(below);
                Err(error)
            }
        }
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

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        // A server's channel is the client's to end: by its silence.
        if self.sessions.key(session).is_some_and(|ends| ends.is_client) {
            self.end(cx, session, Err(CallError::Timeout { sent: true }));
            self.drop_channel(cx, session);
        }
    }

    fn call(&mut self, cx: &mut Cx<'_>, session: Session, message: Message, ticket: Ticket) -> Result<(), PushError> {
        let max = self.sessions.get(session).ok_or(PushError::Closed)?.largest;
        if message.size() > max {
            return Err(PushError::TooLarge { size: message.size(), max });
        }
        let (first, deadline, now) = (self.settings.first, message.attributes().deadline, cx.now());
        let retry = self.settings.retry;
        let tag = self.tag();
        let channel = self.sessions.get(session).ok_or(PushError::Closed)?;
        let Side::Client { machine, rtt, .. } = &mut channel.side else { return Err(PushError::Closed) };
        let wait = retry.unwrap_or_else(|| rtt.wait(first));
        let flags = machine.call().ok_or(PushError::Full)?;
        let sequence = machine.sequence();
        let due = now.after(deadline.map_or(wait, |deadline| now.until(deadline).min(wait)));
        if let Side::Client { call, timer, .. } = &mut channel.side {
            *call = Some(Call { ticket, body: message.clone(), tag, sent: now, wait, deadline, due });
            Self::look_at(cx, timer, session, due);
        }
        cx.count("calls");
        self.send(cx, session, flags, sequence, Some((message, tag)));
        Ok(())
    }

    /// Of a server: the reply to the request that came last.
    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let (tag, keep) = (self.tag(), self.settings.keep);
        let channel = self.sessions.get(session).ok_or(PushError::Closed)?;
        let max = channel.largest;
        if message.size() > max {
            return Err(PushError::TooLarge { size: message.size(), max });
        }
        let Side::Server { machine, kept, tag: kept_tag, due, timer, .. } = &mut channel.side else {
            return Err(PushError::Unsupported);
        };
        let flags = machine.answer().ok_or(PushError::Closed)?;
        let sequence = machine.last();
        (*kept, *kept_tag) = (Some(message.clone()), tag);
        *due = cx.now().after(keep);
        Self::look_at(cx, timer, session, *due);
        cx.count("replies");
        self.send(cx, session, flags, sequence, Some((message, tag)));
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.pop_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let flags = Flags(header.flags.get());
        if flags.0 & !Flags::ALL != 0 || header.sequence.get() == 0 {
            cx.count("malformed");
            return None;
        }
        let is_client = !flags.has(Flags::FROM_CLIENT);
        let ends = Ends { below: from, channel: header.channel.get(), is_client };
        let found = self.sessions.find(&ends);
        if is_client {
            match found {
                Some(session) => self.hear_as_client(cx, session, &header, message),
                None => cx.count("stale"),
            }
            return None;
        }
        let session = match found {
            Some(session) => session,
            // Only a request makes a channel.
            None if flags.has(Flags::USER_MESSAGE) => self.accept(cx, ends, header.number.get())?,
            None => {
                if flags.has(Flags::ASKS) {
                    // It was never here.
                    cx.count("denied");
                    let mut denial = Message::new();
                    denial.push_header(&Header { flags: Flags::MISSING.0.into(), ..header });
                    cx.push(from, denial);
                } else {
                    cx.count("stale");
                }
                return None;
            }
        };
        let is_right = self.sessions.get(session).is_some_and(|channel| channel.number == header.number.get());
        if !is_right {
            cx.count("malformed");
            return None;
        }
        self.hear_as_server(cx, session, &header).then_some((session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(channel) = self.sessions.get(session) {
            cx.deliver(channel.upper.receiver, session, message);
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
                cx.control_session(ends.below, control).map(less)
            }
            None => cx.control(0, control).map(less),
        }
    }

    /// The other side has begun another life: it knows none of our calls, and none of its own.
    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        let Notice::Restarted(below) = notice else { return };
        let channels = self.peers.get(&below).cloned().unwrap_or_default();
        for session in channels {
            let is_client = self.sessions.key(session).is_some_and(|ends| ends.is_client);
            if is_client {
                self.end(cx, session, Err(CallError::PeerRestarted { sent: true }));
            } else {
                // A procedure that still runs for it answers a session that is gone.
                self.drop_channel(cx, session);
            }
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        let session = self.of_timer(token);
        let (now, keep) = (cx.now(), self.settings.keep);
        let Some(channel) = self.sessions.get(session) else { return };
        let packet = channel.packet;
        match &mut channel.side {
            Side::Client { machine, call, timer, .. } => {
                *timer = None;
                let Some(call) = call else { return };
                if call.due > now {
                    return Self::look_at(cx, timer, session, call.due);
                }
                if call.deadline.is_some_and(|deadline| deadline <= now) {
                    cx.count("late");
                    return self.end(cx, session, Err(CallError::Timeout { sent: true }));
                }
                let Some((what, flags)) = machine.retry(call.body.size() > packet) else { return };
                let sequence = machine.sequence();
                let body = match what {
                    Retry::Whole => Some((call.body.clone(), call.tag)),
                    Retry::Question => None,
                };
                call.wait = (call.wait * 2).min(RETRY_MAX);
                let wait = call.deadline.map_or(call.wait, |deadline| now.until(deadline).min(call.wait));
                call.due = now.after(wait);
                cx.count("retries");
                Self::look_at(cx, timer, session, call.due);
                self.send(cx, session, flags, sequence, body);
            }
            Side::Server { machine, kept, due, timer, .. } => {
                *timer = None;
                if kept.is_none() {
                    return;
                }
                if *due > now {
                    return Self::look_at(cx, timer, session, *due);
                }
                match machine.look() {
                    Kept::Ask(flags) => {
                        let sequence = machine.last();
                        *due = now.after(keep);
                        Self::look_at(cx, timer, session, *due);
                        self.send(cx, session, flags, sequence, None);
                    }
                    Kept::Release => self.forget_reply(cx, session),
                    Kept::Nothing => {}
                }
            }
        }
    }
}
