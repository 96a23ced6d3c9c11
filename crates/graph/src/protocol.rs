//! The uniform protocol interface: what every protocol is to its neighbours.
//!
//! A [`Protocol`] is asked for sessions from above ([`open`](Protocol::open), [`open_enable`](Protocol::open_enable)), is
//! given messages from above ([`push`](Protocol::push), [`call`](Protocol::call)) and from below
//! ([`demux`](Protocol::demux), which finds the session, then [`pop`](Protocol::pop)). It knows its neighbours as numbers
//! in the order in which the graph file names them, and nothing of what they are.
//!
//! * Down goes by calls that return at once: opening, closing, asking. A protocol holds its own lock meanwhile, and since
//!   the graph has no cycles, locks are always taken from top to bottom.
//! * Messages and what goes up are *decisions*: [`Cx`] notes them, and they are carried out when the protocol
//!   has returned and its lock is free. So no message is turned around inside a protocol, a protocol is never entered twice
//!   by one message, and between any two protocols there is a place where the work can go to another thread without
//!   either noticing.
//! * No protocol waits, reads a clock or makes a system call; wires and the trace file are the exceptions, at the borders.
//!
//! Source: The x-kernel (1991), sections 2.1 and 3; the report on interrupt protocol processing, section 2.

use core::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::anchor::Inbox;
use crate::event::Time;
use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Hardware, Participants, Peer};

/// A protocol's place in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(crate) u16);

impl Node {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A session: a handle, which names no other session when this one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session {
    pub(crate) node: Node,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl Session {
    /// The protocol that it is a session of.
    #[must_use]
    pub fn node(self) -> Node {
        self.node
    }
}

/// Who opens. Virtual protocols put themselves in the way of messages, while what is told apart below by number is still
/// the protocol above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upper {
    /// Who gets the messages.
    pub receiver: Node,
    /// Whose messages they are.
    pub kind: Node,
}

impl Upper {
    /// A protocol that opens for itself.
    #[must_use]
    pub fn own(node: Node) -> Self {
        Self { receiver: node, kind: node }
    }
}

/// A call that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// What can be asked of a protocol, or of a session of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// The largest message that goes without being cut further down. [`Answer::Size`].
    LargestPacket,
    /// The largest message that goes at all. [`Answer::Size`].
    LargestMessage,
    /// The interface's address. [`Answer::Hardware`].
    Hardware,
    /// The hosts at both ends of a session. [`Answer::Hosts`].
    Hosts,
    /// The participants with which a session with the same other side is opened. [`Answer::Participants`].
    Participants,
    /// Makes `host` an address of ours, to be announced and answered for; another host that has it is counted. [`Answer::Done`].
    Claim(Ipv4Addr),
    /// The interface of a host. [`Answer::Hardware`], or [`Answer::Later`]: then comes [`Notice::Resolved`] or
    /// [`Notice::Unreachable`].
    Resolve(Ipv4Addr),
    /// The boot id of this host. [`Answer::Life`].
    Life,
    /// The boot id of a peer. [`Answer::Life`], or [`Answer::Later`]: then comes [`Notice::Life`] or [`Notice::Silent`].
    Identify(Peer),
    /// A message came from that peer that would be of another life than is known, or of the first: it is asked, and only its answer
    /// counts. [`Answer::Life`] of the one that is known, or [`Answer::Later`].
    Doubt(Peer),
    /// The message that was sent with this [`tag`](crate::message::Attributes::tag) has arrived: nobody needs a copy of it.
    /// [`Answer::Done`].
    Release(u32),
    /// The number of the procedure that a session is for. [`Answer::Number`].
    Number,
    /// Calls that may be under way at once on this session, from here on. [`Answer::Done`].
    Concurrency(usize),
    /// Nobody runs the request that came last on this session, and whoever sent it is told. [`Answer::Done`].
    Decline {
        /// There is too much to do; otherwise nobody is there for it.
        is_busy: bool,
    },
    /// The request of this number ([`Attributes::call`](crate::message::Attributes::call)) was run, and has no answer: whoever sent it
    /// is told, unless it was answered or another one has come since. [`Answer::Done`].
    Lose(u32),
    /// Which life the other side of a session is in. [`Answer::Epoch`].
    Epoch,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It is done.
    Done,
    /// Bytes.
    Size(usize),
    /// An interface.
    Hardware(Hardware),
    /// Hosts.
    Hosts {
        /// This one.
        local: Ipv4Addr,
        /// The other.
        remote: Ipv4Addr,
    },
    /// Who is at either end.
    Participants(Participants),
    /// A procedure's.
    Number(u16),
    /// A boot id.
    Life(u64),
    /// The how-manieth life of the other side it is on that session, from 1.
    Epoch(u32),
    /// A notice will come.
    Later,
}

/// What a protocol tells those above it unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A host has this interface, from now on.
    Resolved {
        /// The host.
        host: Ipv4Addr,
        /// Its interface.
        hardware: Hardware,
    },
    /// Nobody answers for this host, or what was known of it is too old.
    Unreachable(Ipv4Addr),
    /// A peer has this boot id, as it says itself: the first that is known, or another one than before.
    Life {
        /// The peer.
        peer: Peer,
        /// Its boot id.
        life: u64,
    },
    /// A peer does not say what its boot id is.
    Silent(Peer),
    /// The other side of a session of the protocol below has begun another life: it knows of nothing that was before.
    Restarted {
        /// The session.
        session: Session,
        /// The how-manieth life it is there ([`Attributes::epoch`](crate::message::Attributes::epoch)). A message of it may be
        /// there before this is.
        epoch: u32,
    },
    /// A session of the protocol below, which does one call at a time, can do the next one.
    Idle(Session),
    /// The same, but the other side may be at the last one still, and does no other meanwhile: better another session.
    Spent(Session),
    /// A session that the protocol below had made for its other side is gone.
    Gone(Session),
}

impl Notice {
    /// The session of the protocol below that it is about, if it is about one.
    #[must_use]
    pub fn session(self) -> Option<Session> {
        match self {
            Self::Restarted { session, .. } | Self::Idle(session) | Self::Spent(session) | Self::Gone(session) => {
                Some(session)
            }
            _ => None,
        }
    }

    /// The same about `session`, which stands for the one that it is about.
    #[must_use]
    pub fn about(self, session: Session) -> Self {
        match self {
            Self::Restarted { epoch, .. } => Self::Restarted { session, epoch },
            Self::Idle(_) => Self::Idle(session),
            Self::Spent(_) => Self::Spent(session),
            Self::Gone(_) => Self::Gone(session),
            other => other,
        }
    }
}

/// Why there is no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The participants lack an address that this protocol needs. The caller's mistake.
    #[error("{protocol} needs {what} among the participants")]
    Participants {
        /// Who needs it.
        protocol: &'static str,
        /// What it needs.
        what: &'static str,
    },
    /// Somebody has opened or enabled the same.
    #[error("somebody else has that already")]
    Taken,
    /// There are as many sessions as may be, and all are in use.
    #[error("the protocol has as many sessions as it may")]
    Full,
    /// There is no way to that host from here.
    #[error("there is no way to {0} from here")]
    NoRoute(Ipv4Addr),
    /// The protocol below tells its users apart by numbers, and there is none for this one. The third section of a graph
    /// file gives numbers.
    #[error("{upper} has no number above {lower}; give it one in the third section of the graph file")]
    NoNumber {
        /// Who opens.
        upper: String,
        /// Below.
        lower: String,
    },
    /// There is no such protocol below.
    #[error("the protocol has nothing below it in this place")]
    Nothing,
    /// The descriptor of a wire was not to be had, so nobody could sleep on it.
    #[error("no descriptor to sleep on: {0}")]
    Descriptor(rustix::io::Errno),
    /// This protocol opens nothing for anybody.
    #[error("the protocol has no sessions of that kind")]
    Unsupported,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The session is closed, or gave way to others.
    #[error("the session is closed")]
    Closed,
    /// The message is larger than the protocol can carry. Bytes of it, and bytes that would go.
    #[error("a message of {size} bytes; {max} would go")]
    TooLarge {
        /// Of the message.
        size: usize,
        /// At most.
        max: usize,
    },
    /// Whatever is below takes no more now. Sent later, it may go.
    #[error("the wire is full")]
    Full,
    /// The wire is gone.
    #[error("the wire is down: {0}")]
    Down(rustix::io::Errno),
    /// This protocol has no such operation: only those of the RPC realm are called.
    #[error("the protocol has no such operation")]
    Unsupported,
}

/// Why a call has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// Nothing came in time, or the other side was silent for a minute, has forgotten the answer, or never had one.
    #[error("no answer came in time{}", if *sent { "" } else { ", and nothing was sent" })]
    Timeout {
        /// Whether the request may have reached the other side.
        sent: bool,
    },
    /// The other side began another life before it answered.
    #[error("the other side has restarted")]
    PeerRestarted {
        /// Whether the request may have reached the life before.
        sent: bool,
    },
    /// The other side has received it and not run it.
    #[error("the other side has not run it: {}", if *is_busy { "it has too much to do" } else { "nobody is there for it" })]
    Declined {
        /// It has too much to do; otherwise nobody is there for it.
        is_busy: bool,
    },
    /// It was not sent.
    #[error("it was not sent: {0}")]
    Refused(PushError),
}

/// Why something was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The protocol does not know; virtual protocols ask below instead.
    #[error("the protocol knows no answer to that")]
    Unknown,
    /// The session is closed, or gave way to others.
    #[error("the session is closed")]
    Closed,
}

/// A protocol. What has a default is refused or ignored by it.
pub trait Protocol: Send {
    /// Opens below what it needs at once. The graph starts its protocols from the bottom up.
    ///
    /// # Errors
    /// Those of what it opens: then the graph does not start.
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError>;

    /// A session with `to` for `upper`; the same again for the same participants.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&mut self, cx: &mut Cx<'_>, upper: Upper, to: Participants) -> Result<Session, OpenError> {
        let _ = (cx, upper, to);
        Err(OpenError::Unsupported)
    }

    /// Lets `upper` have what arrives for `at`, by sessions that are made then.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        let _ = (cx, upper, at);
        Err(OpenError::Unsupported)
    }

    /// Takes that back. Sessions that were made stay.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open_disable(&mut self, cx: &mut Cx<'_>, upper: Upper, at: Participants) -> Result<(), OpenError> {
        let _ = (cx, upper, at);
        Err(OpenError::Unsupported)
    }

    /// The protocol below has made `session` because of what was enabled for `kind`. It may give way to others unless
    /// [`Cx::duplicate`] keeps it.
    fn open_done(&mut self, cx: &mut Cx<'_>, session: Session, kind: Node) {
        let _ = (cx, session, kind);
    }

    /// One more reference to `session`.
    fn duplicate(&mut self, cx: &mut Cx<'_>, session: Session) {
        let _ = (cx, session);
    }

    /// One reference less to `session`. Without any it is gone.
    fn close(&mut self, cx: &mut Cx<'_>, session: Session) {
        let _ = (cx, session);
    }

    /// Sends `message` on `session`.
    ///
    /// # Errors
    /// [`PushError`].
    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let _ = (cx, session, message);
        Err(PushError::Unsupported)
    }

    /// Sends `message` on `session`, and [`finishes`](Cx::finish) `ticket` with the answer.
    ///
    /// # Errors
    /// [`PushError`]; the ticket is finished with it.
    fn call(&mut self, cx: &mut Cx<'_>, session: Session, message: Message, ticket: Ticket) -> Result<(), PushError> {
        let _ = (cx, session, message, ticket);
        Err(PushError::Unsupported)
    }

    /// Finds out for which session `message`, which arrived on the session `from` below, is, and takes its header off. What
    /// is for nobody is dropped and counted.
    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let _ = (cx, from, message);
        None
    }

    /// Does what is to be done for `session` with a message that [`demux`](Self::demux) found to be for it.
    fn pop(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) {
        let _ = (cx, session, message);
    }

    /// Answers what is asked of the protocol, or of a session of it.
    ///
    /// # Errors
    /// [`ControlError`].
    fn control(&mut self, cx: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        let _ = (cx, session, control);
        Err(ControlError::Unknown)
    }

    /// The protocol below has something to say.
    fn notice(&mut self, cx: &mut Cx<'_>, from: Node, notice: Notice) {
        let _ = (cx, from, notice);
    }

    /// A time has come that was [scheduled](Cx::schedule) with `token`.
    fn event(&mut self, cx: &mut Cx<'_>, token: u64) {
        let _ = (cx, token);
    }

    /// Of a wire: takes at most one message off it. `true` if there was one.
    fn poll(&mut self, cx: &mut Cx<'_>) -> bool {
        let _ = cx;
        false
    }

    /// Of a wire: a descriptor that is readable when there is something. Asked once.
    ///
    /// # Errors
    /// What the kernel says.
    fn descriptor(&self) -> rustix::io::Result<Option<OwnedFd>> {
        Ok(None)
    }

    /// Of a wire: from here on the descriptor must tell. `false` if there is something already.
    fn before_sleep(&mut self) -> bool {
        true
    }

    /// Of a wire: it is polled again.
    fn after_sleep(&mut self) {}

    /// Of a wire: nothing will come any more, and nobody needs to sleep on the descriptor.
    fn is_over(&self) -> bool {
        false
    }

    /// Of an anchor: where it puts what arrives.
    fn inbox(&self) -> Option<Arc<Inbox>> {
        None
    }

    /// The program that drives the graph ends it: what is buffered is written out.
    fn stop(&mut self, now: Time) {
        let _ = now;
    }
}
