//! UDP: ports.
//!
//! A session is a port of ours and a port of another host. Whoever enables a port gets what comes to it from anybody.
//!
//! Source: RFC 768; RFC 1122, section 4.1.

use core::net::Ipv4Addr;

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::checksum::Sum;
use crate::graph::Cx;
use crate::map::Map;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// From which port.
    pub source: U16,
    /// To which.
    pub destination: U16,
    /// Bytes, header included.
    pub size: U16,
    /// Over the message and who exchanges it; 0: none.
    pub checksum: U16,
}

const HEADER_SIZE: usize = size_of::<Header>();

/// The protocol's number in the sum over who exchanges it.
const NUMBER: u8 = 17;

/// The first port that is given to whoever does not name one.
const EPHEMERAL: u16 = 49_152;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    below: Session,
    remote: u16,
    local: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    upper: Upper,
    hosts: Hosts,
    /// The session below, if we refer to it.
    held: Option<Session>,
    /// Bytes of the largest message.
    max: usize,
}

/// Both ends' hosts, which the checksum covers, too. What is below need not have any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hosts(Option<(Ipv4Addr, Ipv4Addr)>);

impl Hosts {
    /// As they are in a message to `destination`, which may be an address of several hosts.
    fn to(self, destination: Option<Ipv4Addr>) -> Self {
        Self(self.0.map(|(local, remote)| (destination.unwrap_or(local), remote)))
    }

    /// The sum over them, and over the size that the header says.
    fn sum(self, size: u16) -> Sum {
        let Some((a, b)) = self.0 else { return Sum::default() };
        Sum::default().bytes(&a.octets()).bytes(&b.octets()).bytes(&[0, NUMBER]).bytes(&size.to_be_bytes())
    }
}

/// The protocol.
#[derive(Debug)]
pub struct Udp {
    sessions: Sessions<Ends, State>,
    enabled: Map<u16, Upper>,
    next_port: u16,
    checksum: bool,
    node: Node,
}

impl Udp {
    /// For `node`, with at most `session_count` sessions. Without `checksum` none is sent, and one that comes is not
    /// looked at, as in the x-kernel.
    #[must_use]
    pub fn new(node: Node, session_count: usize, checksum: bool) -> Self {
        Self {
            sessions: Sessions::new(node, session_count),
            enabled: Map::new(65_536),
            next_port: EPHEMERAL,
            checksum,
            node,
        }
    }

    fn hosts(cx: &mut Cx<'_>, below: Session) -> Hosts {
        match cx.control_session(below, Control::Hosts) {
            Ok(Answer::Hosts { local, remote }) => Hosts(Some((local, remote))),
            _ => Hosts(None),
        }
    }

    fn largest(cx: &mut Cx<'_>, below: Session) -> usize {
        let whole = usize::from(u16::MAX);
        let max = match cx.control_session(below, Control::LargestMessage) {
            Ok(Answer::Size(size)) => size.min(whole),
            _ => whole,
        };
        max.saturating_sub(HEADER_SIZE)
    }

    /// A port that is not used with that session below.
    fn free_port(&mut self, below: Session, remote: u16) -> Option<u16> {
        for _ in EPHEMERAL..=u16::MAX {
            let local = self.next_port;
            self.next_port = local.checked_add(1).unwrap_or(EPHEMERAL);
            let used = self.sessions.find(&Ends { below, remote, local }).is_some();
            if !used && self.enabled.resolve(&local).is_none() {
                return Some(local);
            }
        }
        None
    }

    fn insert(&mut self, cx: &mut Cx<'_>, ends: Ends, state: State, references: u32) -> Result<Session, OpenError> {
        let (session, gone) = self.sessions.insert(ends, state, references)?;
        if let Some(below) = gone.and_then(|gone| gone.held) {
            cx.close(below);
        }
        Ok(session)
    }

    fn is_right(&self, message: &Message, header: &Header, hosts: Hosts) -> bool {
        let unknown = hosts.0.is_none();
        let skip = !self.checksum || header.checksum.get() == 0 || message.attributes().checksum_not_needed || unknown;
        skip || hosts.sum(header.size.get()).bytes(header.as_bytes()).message(message).finish() == 0
    }
}

impl Protocol for Udp {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        // So that answers to a former life find nobody.
        let offset = cx.now().0 % u64::from(u16::MAX - EPHEMERAL);
        self.next_port = EPHEMERAL.saturating_add(u16::try_from(offset).unwrap_or(0));
        cx.open_enable(0, Upper::own(self.node), Participants::new())
    }

    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, mut to: Participants) -> Result<Session, OpenError> {
        let missing = OpenError::Participants { protocol: "UDP", what: "the other side's port" };
        let remote = to.pop_remote_port().ok_or(missing)?;
        let local = to.pop_local_port();
        if let Some(other) = local.and_then(|local| self.enabled.resolve(&local))
            && other != upper
        {
            return Err(OpenError::Taken);
        }
        let below = cx.open(0, Upper::own(self.node), to)?;
        let local = match local {
            Some(local) => local,
            None => match self.free_port(below, remote) {
                Some(local) => local,
                None => {
                    cx.close(below);
                    return Err(OpenError::Full);
                }
            },
        };
        let ends = Ends { below, remote, local };
        if let Some(session) = self.sessions.find(&ends) {
            let state = self.sessions.get(session);
            if state.as_ref().is_some_and(|state| state.upper == upper) {
                if let Some(state) = state {
                    // One reference below for each of ours that began with one.
                    if state.held.replace(below).is_some() {
                        cx.close(below);
                    }
                }
                self.sessions.duplicate(session);
                return Ok(session);
            }
            cx.close(below);
            return Err(OpenError::Taken);
        }
        let state = State { upper, hosts: Self::hosts(cx, below), held: Some(below), max: Self::largest(cx, below) };
        self.insert(cx, ends, state, 1).inspect_err(|_| cx.close(below))
    }

    fn open_enable(&mut self, _: &mut Cx<'_>, upper: Upper, mut at: Participants) -> Result<(), OpenError> {
        let missing = OpenError::Participants { protocol: "UDP", what: "a port of our own" };
        let port = at.pop_local_port().ok_or(missing)?;
        self.enabled.bind(port, upper).map_err(|_| OpenError::Taken)
    }

    fn open_disable(&mut self, _: &mut Cx<'_>, upper: Upper, mut at: Participants) -> Result<(), OpenError> {
        let missing = OpenError::Participants { protocol: "UDP", what: "a port of our own" };
        let port = at.pop_local_port().ok_or(missing)?;
        if self.enabled.resolve(&port) != Some(upper) {
            return Err(OpenError::Taken);
        }
        self.enabled.unbind(&port);
        Ok(())
    }

    fn duplicate(&mut self, cx: &mut Cx<'_>, session: Session) {
        let Some(Ends { below, .. }) = self.sessions.key(session) else { return };
        self.sessions.duplicate(session);
        if let Some(state) = self.sessions.get(session)
            && state.held.is_none()
        {
            state.held = Some(below);
            cx.duplicate(below);
        }
    }

    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        if let Some(below) = self.sessions.close(session).and_then(|state| state.held) {
            cx.close(below);
        }
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, mut message: Message) -> Result<(), PushError> {
        let ends = self.sessions.key(session).ok_or(PushError::Closed)?;
        let state = *self.sessions.get(session).ok_or(PushError::Closed)?;
        let size = message.size();
        let max = state.max;
        let whole = u16::try_from(size + HEADER_SIZE).ok().filter(|_| size <= max);
        let whole = whole.ok_or(PushError::TooLarge { size, max })?;
        let mut header = Header {
            source: U16::new(ends.local),
            destination: U16::new(ends.remote),
            size: U16::new(whole),
            checksum: U16::new(0),
        };
        if self.checksum && state.hosts.0.is_some() {
            let sum = state.hosts.sum(whole).bytes(header.as_bytes()).message(&message).finish();
            // 0 would say that there is none.
            header.checksum = U16::new(if sum == 0 { 0xffff } else { sum });
        }
        message.push_header(&header);
        cx.push(ends.below, message);
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, mut message: Message) -> Option<(Session, Message)> {
        let Some(header) = message.peek_header::<Header>() else {
            cx.count("short");
            return None;
        };
        let size = usize::from(header.size.get());
        if size < HEADER_SIZE || size > message.size() {
            cx.count("malformed");
            return None;
        }
        message.truncate(size);
        message.discard(HEADER_SIZE);
        let ends = Ends { below: from, remote: header.source.get(), local: header.destination.get() };
        let found = self.sessions.find(&ends);
        let known = found.and_then(|session| self.sessions.get(session)).copied();
        let enabled = self.enabled.resolve(&ends.local);
        let Some(upper) = known.map(|state| state.upper).or(enabled) else {
            cx.count("no_port");
            return None;
        };
        let hosts = known.map_or_else(|| Self::hosts(cx, from), |state| state.hosts);
        if !self.is_right(&message, &header, hosts.to(message.attributes().destination)) {
            cx.count("bad_checksum");
            return None;
        }
        if let Some(session) = found {
            return Some((session, message));
        }
        let state = State { upper, hosts, held: None, max: Self::largest(cx, from) };
        let Ok(session) = self.insert(cx, ends, state, 0) else {
            cx.count("no_session");
            return None;
        };
        cx.open_done(upper, session);
        Some((session, message))
    }

    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        if let Some(state) = self.sessions.get(session) {
            cx.deliver(state.upper.receiver, session, message);
        }
    }

    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        let less = |answer: Answer| match answer {
            Answer::Size(size) => Answer::Size(size.min(usize::from(u16::MAX)).saturating_sub(HEADER_SIZE)),
            other => other,
        };
        match session {
            Some(session) => {
                let ends = self.sessions.key(session).ok_or(ControlError::Closed)?;
                Ok(match less(cx.control_session(ends.below, control)?) {
                    Answer::Participants(hosts) => {
                        Answer::Participants(hosts.to(Address::Port(ends.remote)).at(Address::Port(ends.local)))
                    }
                    other => other,
                })
            }
            None => cx.control(0, control).map(less),
        }
    }
}
