//! CHAN: calls, each executed at most once.
//!
//! A channel does one call at a time. The client sends its request until it hears something; the server runs each number once
//! ([`server`]), keeps its reply until the next request says that it arrived, and sends it again for a request that comes
//! again. Success means executed once. A call that ends in time-out or in the other side's restart was executed once or not at
//! all, and nobody can know which.
//!
//! A request that nobody above runs is refused, and one whose reply is not kept any more is answered so: whoever waits is told.
//! A call ends also when nothing was heard of the other side for [`SILENCE`].
//!
//! That holds as long as no message is older than [`LIFETIME`] when it arrives. A server's channel gives way to others when nothing
//! runs in it, and leaves the number of its last call behind ([`past`]) for as long as a message of that may come: its client
//! sends until [`SILENCE`] after it has heard a message that was on its way for [`LIFETIME`], and that takes as long again.
//!
//! Messages between other lives do not come up here; that is what is below. A life begins for a channel with the first message
//! of it or with the notice, whichever a thread brings first: both say by a count (`epoch`) which life it is.
//!
//! Times are of measured round trips, at least a millisecond, doubling to a quarter of a minute; `retry` sets the first one
//! instead (5 s in 1994).
//!
//! Sources: Birrell and Nelson (1984); Welch (1986); O'Malley and Peterson (1992), section 5; the x-kernel's chan.

pub mod client;
pub mod header;
pub mod past;
pub mod server;

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use self::client::{Client, Retry};
use self::header::{Flags, Header, is_later};
use self::past::{PAST_MAX, Past};
use self::server::{Kept, Server, State, forgotten};
use crate::event::{EventId, Time};
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Participants, Peer};
use crate::protocol::{
    Answer, CallError, Control, ControlError, Node, Notice, OpenError, Protocol, PushError, Session, Ticket, Upper,
};
use crate::rtt::Rtt;
use crate::sessions::Sessions;

/// How long a message may be on its way at most.
pub const LIFETIME: Duration = Duration::from_secs(60);

/// Until a call ends of whose other side nothing was heard.
pub const SILENCE: Duration = Duration::from_secs(60);

/// The longest wait before a request is sent again: some are lost, and the other side is not silent.
const RETRY_MAX: Duration = Duration::from_secs(15);

/// Until the number of a channel's last call need not be known any more.
const FORGET: Duration = Duration::from_secs(2 * LIFETIME.as_secs() + SILENCE.as_secs());

/// Channels of which the one gives way that was used longest ago.
const OLDEST_OF: usize = 64;

const SIZE: usize = size_of::<Header>();

/// What a file says.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Channels at most, of both kinds together.
    pub session_count: usize,
    /// Hosts at most that have channels here as clients: less than there may be sessions below, each of which they hold.
    pub peer_count: usize,
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
    /// Which life of the other side its messages are for.
    epoch: u32,
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
    /// When something was heard of the other side, or the call began.
    heard: Time,
    /// When something is to be done about it.
    due: Time,
}

impl Call {
    /// When something is to be done about it, if it is not to be sent again before `retry`.
    fn due(&self, retry: Time) -> Time {
        let end = self.heard.after(SILENCE);
        self.deadline.map_or(end, |deadline| end.min(deadline)).min(retry)
    }
}

/// The other side of a session below.
#[derive(Debug)]
struct Other {
    address: Option<Peer>,
    epoch: u32,
    channels: Vec<Session>,
    /// Those of them whose client it is.
    client_count: usize,
}

/// The protocol.
#[derive(Debug)]
pub struct Chan {
    settings: Settings,
    sessions: Sessions<Ends, Channel>,
    enabled: HashMap<u16, Upper>,
    channel: u32,
    tag: u32,
    /// By the session below.
    others: HashMap<Session, Other>,
    /// Of these, those that are clients here.
    client_count: usize,
    /// Servers' channels with the time of their last use, as far as it was looked at: the oldest first, about.
    ages: VecDeque<(Session, Time)>,
    past: Past,
    node: Node,
}

fn number(cx: &Cx<'_>, upper: Upper) -> Result<u16, OpenError> {
    u16::try_from(cx.number(upper.kind)?).map_err(|_| OpenError::Unsupported)
}

/// Rounded up, so that it is 0 for nothing.
fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
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
            others: HashMap::new(),
            client_count: 0,
            ages: VecDeque::new(),
            past: Past::new(FORGET, PAST_MAX),
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

    /// What is known of the other side of `below`.
    fn other(&mut self, cx: &mut Cx<'_>, below: Session) -> &mut Other {
        self.others.entry(below).or_insert_with(|| {
            let address = match cx.control_session(below, Control::Participants) {
                Ok(Answer::Participants(to)) => to.peer(),
                _ => None,
            };
            let epoch = match cx.control_session(below, Control::Epoch) {
                Ok(Answer::Epoch(epoch)) => epoch,
                // What is below knows no lives.
                _ => 0,
            };
            Other { address, epoch, channels: Vec::new(), client_count: 0 }
        })
    }

    /// Makes a channel, for which there is a reference to the session below.
    fn channel(&mut self, cx: &mut Cx<'_>, ends: Ends, upper: Upper, number: u16, side: Side) -> Option<Session> {
        let largest = size_below(cx, ends.below, Control::LargestMessage);
        let packet = size_below(cx, ends.below, Control::LargestPacket);
        let epoch = self.other(cx, ends.below).epoch;
        let channel = Channel { upper, number, epoch, largest, packet, side };
        let made = self.sessions.insert(ends, channel, 1).ok().map(|(session, _)| session);
        let Some(other) = self.others.get_mut(&ends.below) else { return made };
        other.channels.extend(made);
        if made.is_some() && !ends.is_client {
            other.client_count += 1;
            self.client_count += usize::from(other.client_count == 1);
        }
        if other.channels.is_empty() {
            self.others.remove(&ends.below);
        }
        made
    }

    fn tag(&mut self) -> u32 {
        self.tag = self.tag.wrapping_add(1).max(1);
        self.tag
    }

    /// Sends `body`, or nothing but a header, on the channel.
    fn send(&mut self, cx: &mut Cx<'_>, session: Session, flags: Flags, sequence: u32, body: Option<(Message, u32)>) {
        let Some(ends) = self.sessions.key(session) else { return };
        let Some(channel) = self.sessions.get(session) else { return };
        let (number, epoch) = (channel.number.into(), channel.epoch);
        let deadline = match &channel.side {
            Side::Client { call: Some(call), .. } => call.deadline,
            _ => None,
        };
        // What is over is said to be so, and not to be without an end.
        let left = deadline.map_or(0, |deadline| milliseconds(cx.now().until(deadline)));
        let (mut message, tag) = body.unwrap_or_default();
        let (channel, sequence, left) = (ends.channel.into(), sequence.into(), left.into());
        message.push_header(&Header { number, flags: flags.0.into(), channel, sequence, left });
        let attributes = message.attributes_mut();
        (attributes.tag, attributes.epoch) = (tag, epoch);
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
        // The other side may still be at it, and does nothing else in this channel meanwhile.
        let is_spent = matches!(answer, Err(CallError::Timeout { .. }));
        cx.finish(call.ticket, answer);
        cx.notify(upper.receiver, if is_spent { Notice::Spent(session) } else { Notice::Idle(session) });
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
        let upper = self.sessions.get(session).map(|channel| channel.upper);
        while self.sessions.key(session).is_some() {
            self.sessions.close(session);
        }
        if let Some(other) = self.others.get_mut(&ends.below) {
            other.channels.retain(|channel| *channel != session);
            if !ends.is_client {
                other.client_count -= 1;
                self.client_count -= usize::from(other.client_count == 0);
            }
            if other.channels.is_empty() {
                self.others.remove(&ends.below);
            }
        }
        if let Some(upper) = upper.filter(|_| !ends.is_client) {
            cx.notify(upper.receiver, Notice::Gone(session));
        }
        cx.close(ends.below);
    }

    /// Whether nothing runs in a server's channel, and its number can be kept, or need not be.
    fn may_go(&mut self, session: Session, now: Time) -> bool {
        let Some(Ends { below, is_client: false, .. }) = self.sessions.key(session) else { return false };
        let has_address = self.others.get(&below).is_some_and(|other| other.address.is_some());
        let Some(Side::Server { machine, used, .. }) = self.sessions.get(session).map(|channel| &channel.side) else {
            return false;
        };
        machine.state() != State::Execute && (has_address || used.until(now) > FORGET)
    }

    /// Gives a server's channel up for others.
    fn leave(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(ends) = self.sessions.key(session) else { return };
        let address = self.others.get(&ends.below).and_then(|other| other.address);
        if let Some(Side::Server { machine, used, .. }) = self.sessions.get(session).map(|channel| &channel.side)
            && let Some(address) = address
            && used.until(cx.now()) <= FORGET
        {
            self.past.put((address, ends.channel), machine.heard(), *used);
        }
        self.drop_channel(cx, session);
        cx.count("forgotten");
    }

    /// The server's channel that was used longest ago, of some. `with_all`: of those of whose client all may go.
    fn oldest(&mut self, now: Time, with_all: bool) -> Option<Session> {
        let mut oldest: Option<(Time, Session)> = None;
        for _ in 0..self.ages.len().min(OLDEST_OF) {
            let (session, noted) = self.ages.pop_front()?;
            let Some(Side::Server { used, .. }) = self.sessions.get(session).map(|channel| &channel.side) else {
                continue;
            };
            let used = *used;
            self.ages.push_back((session, used));
            let siblings = match self.sessions.key(session).and_then(|ends| self.others.get(&ends.below)) {
                Some(other) if with_all => other.channels.clone(),
                _ => vec![session],
            };
            let is_client = |known: &mut Self, of: Session| known.sessions.key(of).is_some_and(|ends| ends.is_client);
            if !siblings.into_iter().all(|of| is_client(self, of) || self.may_go(of, now)) {
                continue;
            }
            if oldest.is_none_or(|(other, _)| used < other) {
                oldest = Some((used, session));
            }
            if used == noted {
                // Those behind it came, or were looked at, later.
                break;
            }
        }
        oldest.map(|(_, session)| session)
    }

    /// Room for a channel; `of`: of the client there. Channels in which nothing runs give way.
    fn make_room(&mut self, cx: &mut Cx<'_>, of: Option<Session>) -> bool {
        loop {
            let is_new = of.is_some_and(|below| self.others.get(&below).is_none_or(|other| other.client_count == 0));
            let with_all = is_new && self.client_count >= self.settings.peer_count;
            if !with_all && self.sessions.count() < self.settings.session_count {
                return true;
            }
            if !self.past.has_room(cx.now()) {
                return false;
            }
            let Some(session) = self.oldest(cx.now(), with_all) else { return false };
            if !with_all {
                self.leave(cx, session);
                continue;
            }
            let below = self.sessions.key(session).map(|ends| ends.below);
            let all = below.and_then(|below| self.others.get(&below)).map(|other| other.channels.clone());
            for session in all.unwrap_or_default() {
                if self.sessions.key(session).is_some_and(|ends| !ends.is_client) {
                    self.leave(cx, session);
                }
            }
        }
    }

    /// The other side of `below` is in its life `epoch`: it knows none of our calls, and none of its own.
    fn restarted(&mut self, cx: &mut Cx<'_>, below: Session, epoch: u32) {
        let Some(other) = self.others.get_mut(&below) else { return };
        // Notices of two lives may be brought by two threads.
        if !is_later(epoch, other.epoch) {
            return;
        }
        other.epoch = epoch;
        for session in other.channels.clone() {
            let is_client = self.sessions.key(session).is_some_and(|ends| ends.is_client);
            if is_client {
                if let Some(channel) = self.sessions.get(session) {
                    channel.epoch = epoch;
                }
                self.end(cx, session, Err(CallError::PeerRestarted { sent: true }));
            } else {
                // A procedure that still runs for it answers a session that is gone.
                self.drop_channel(cx, session);
            }
        }
    }

    /// A channel of a client that calls for the first time on it, or again after it was given up for others.
    fn accept(&mut self, cx: &mut Cx<'_>, ends: Ends, number: u16) -> Option<Session> {
        let Some(upper) = self.enabled.get(&number).copied() else {
            cx.count("for_nobody");
            return None;
        };
        // First: what gives way may hold the last reference.
        cx.duplicate(ends.below);
        if !self.make_room(cx, Some(ends.below)) {
            cx.close(ends.below);
            cx.count("no_session");
            return None;
        }
        let address = self.other(cx, ends.below).address;
        let last = address.and_then(|address| self.past.take(&(address, ends.channel)));
        let machine = Server::after(last.unwrap_or(0));
        let (due, used) = (cx.now(), cx.now());
        let side = Side::Server { machine, kept: None, tag: 0, due, timer: None, used };
        let Some(session) = self.channel(cx, ends, upper, number, side) else {
            if let (Some(address), Some(last)) = (address, last) {
                self.past.put((address, ends.channel), last, used);
            }
            cx.close(ends.below);
            cx.count("no_session");
            return None;
        };
        if self.ages.len() > 2 * self.sessions.count() + OLDEST_OF {
            // Those that ended with their clients' lives.
            let Self { ages, sessions, .. } = self;
            ages.retain(|(session, _)| sessions.key(*session).is_some());
        }
        self.ages.push_back((session, used));
        cx.open_done(upper, session);
        Some(session)
    }

    fn hear_as_client(&mut self, cx: &mut Cx<'_>, session: Session, header: &Header, message: Message) {
        let (flags, sequence) = (Flags(header.flags.get()), header.sequence.get());
        let Some(channel) = self.sessions.get(session) else { return };
        let Side::Client { machine, call, rtt, .. } = &mut channel.side else { return };
        let once = machine.sent_once();
        let heard = machine.hear(flags, sequence);
        if let (Some(call), true) = (call.as_mut(), heard != client::Heard::Stale) {
            call.heard = cx.now();
        }
        match (heard, call) {
            (client::Heard::Answer, Some(call)) => {
                if once {
                    rtt.measure(call.sent.until(cx.now()));
                }
                cx.count("answers");
                self.end(cx, session, Ok(message));
            }
            (client::Heard::Executing, _) => cx.count("executing"),
            (client::Heard::Refused { is_busy }, _) => {
                cx.count("refused");
                self.end(cx, session, Err(CallError::Declined { is_busy }));
            }
            (client::Heard::Forgotten, _) => {
                cx.count("lost");
                self.end(cx, session, Err(CallError::Timeout { sent: true }));
            }
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
            server::Heard::Refuse { is_busy } => {
                cx.count("refused");
                self.send(cx, session, server::refused(is_busy), sequence, None);
            }
            server::Heard::Forgotten => {
                cx.count("lost");
                self.send(cx, session, forgotten(), sequence, None);
            }
            server::Heard::Release => self.forget_reply(cx, session),
            server::Heard::Stale => cx.count("stale"),
        }
        false
    }
}

impl Protocol for Chan {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        if let Ok(Answer::Life(life)) = cx.control(0, Control::Life) {
            // A boot id is drawn at random: so are the numbers of its channels.
            self.channel = u32::try_from(life.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).unwrap_or(0);
        }
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    /// A new channel, whoever it is to.
    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let number = number(cx, upper)?;
        let below = cx.open(0, Upper::own(self.node), to)?;
        if !self.make_room(cx, None) {
            cx.close(below);
            return Err(OpenError::Full);
        }
        self.channel = self.channel.wrapping_add(1);
        let ends = Ends { below, channel: self.channel, is_client: true };
        let side = Side::Client { machine: Client::default(), call: None, rtt: Rtt::default(), timer: None };
        self.channel(cx, ends, upper, number, side).ok_or_else(|| {
            cx.close(below);
            OpenError::Full
        })
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
        if let Side::Client { call, timer, .. } = &mut channel.side {
            let body = message.clone();
            let call = call.insert(Call { ticket, body, tag, sent: now, wait, deadline, heard: now, due: now });
            call.due = call.due(now.after(wait));
            Self::look_at(cx, timer, session, call.due);
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
        let Side::Server { machine, kept, tag: kept_tag, due, timer, used } = &mut channel.side else {
            return Err(PushError::Unsupported);
        };
        *used = cx.now();
        let sequence = machine.last();
        if message.size() > max {
            if let Some(flags) = machine.lose() {
                self.send(cx, session, flags, sequence, None);
            }
            return Err(PushError::TooLarge { size: message.size(), max });
        }
        let flags = machine.answer().ok_or(PushError::Closed)?;
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
        let mut found = self.sessions.find(&ends);
        let epoch = message.attributes().epoch;
        if found.and_then(|session| self.sessions.get(session)).is_none_or(|channel| channel.epoch != epoch) {
            // The first of a life, or one of a life that is over, which another thread had in its hands.
            self.restarted(cx, from, epoch);
            let is_now = match self.others.get(&from) {
                Some(other) => other.epoch == epoch,
                None => match cx.control_session(from, Control::Epoch) {
                    Ok(Answer::Epoch(now)) => now == epoch,
                    // With all that was known of that life.
                    Err(ControlError::Closed) => false,
                    _ => true,
                },
            };
            if !is_now {
                cx.count("other_life");
                return None;
            }
            found = self.sessions.find(&ends);
        }
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
        if !self.hear_as_server(cx, session, &header) {
            return None;
        }
        let left = header.left.get();
        let deadline = (left > 0).then(|| cx.now().after(Duration::from_millis(left.into())));
        let attributes = message.attributes_mut();
        (attributes.deadline, attributes.call) = (deadline, header.sequence.get());
        Some((session, message))
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
                if !matches!(control, Control::Decline { .. } | Control::Lose(_)) {
                    return cx.control_session(ends.below, control).map(less);
                }
                let channel = self.sessions.get(session).ok_or(ControlError::Closed)?;
                let Side::Server { machine, used, .. } = &mut channel.side else { return Err(ControlError::Unknown) };
                let sequence = machine.last();
                let (flags, count) = match control {
                    Control::Lose(call) if call == sequence => (machine.lose(), "unanswered"),
                    Control::Decline { is_busy } => (machine.refuse(is_busy), "refused"),
                    _ => (None, ""),
                };
                let flags = flags.ok_or(ControlError::Closed)?;
                *used = cx.now();
                cx.count(count);
                self.send(cx, session, flags, sequence, None);
                Ok(Answer::Done)
            }
            None => cx.control(0, control).map(less),
        }
    }

    fn notice(&mut self, cx: &mut Cx<'_>, _: Node, notice: Notice) {
        if let Notice::Restarted { session, epoch } = notice {
            self.restarted(cx, session, epoch);
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
                let is_late = call.deadline.is_some_and(|deadline| deadline <= now);
                if is_late || call.heard.until(now) >= SILENCE {
                    cx.count(if is_late { "late" } else { "silent" });
                    return self.end(cx, session, Err(CallError::Timeout { sent: true }));
                }
                let Some((what, flags)) = machine.retry(call.body.size() > packet) else { return };
                let sequence = machine.sequence();
                let body = match what {
                    Retry::Whole => Some((call.body.clone(), call.tag)),
                    Retry::Question => None,
                };
                call.wait = (call.wait * 2).min(RETRY_MAX);
                call.due = call.due(now.after(call.wait));
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
