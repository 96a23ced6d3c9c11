//! How much of this process its clients may have.
//!
//! Limits belong to the process, not to an export: a pair of processes has one control socket, one pair of regions and one
//! set of processors, whatever it binds. Who may bind a name at all is the export's own affair ([`crate::Policy`]).

use std::time::Duration;

use crate::quota::QUOTA;

/// A bound for each user, and one for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Of one uid, over all its processes. Root has no more than others.
    pub per_uid: u64,
    /// Of all uids.
    pub in_all: u64,
}

impl Most {
    /// Both bounds.
    #[must_use]
    pub const fn new(per_uid: u64, in_all: u64) -> Self {
        Self { per_uid, in_all }
    }
}

/// What clients of this process may take from it, all exports together. [`set_limits`] puts them into effect.
///
/// A user is the uid that the kernel states of whoever connected; a second process, a second pair or a second name gets
/// nothing more. Each bound is looked at before anything is accepted or allocated for a client. One that is refused hears which
/// bound it was ([`crate::BindError::Quota`], [`crate::CallError::Overloaded`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections; each client process has one, and another for the time of a bind. 1,024 and 4,096. Each may take three
    /// descriptors, so a process that may open N has at most (N - 64) / 3 in all, and three quarters of that for one uid,
    /// whatever is said here: there is room left for somebody else.
    pub connections: Most,
    /// Handshakes that are under way. 64 and 256. Those of a uid beyond its own are refused, and a client that was refused tries
    /// again for as long as it has time; beyond the others, clients wait in the socket's backlog.
    pub handshakes: Most,
    /// From accept to the end of the handshake. 1 s.
    pub handshake_time: Duration,
    /// Connections that one uid may make in a second, on average: 1,024.
    pub connect_rate: u32,
    /// Connections that one uid may make at once, if it has made none for a while: 4,096.
    pub connect_burst: u32,
    /// Places for bindings: as many as the bindings to each service that a pair has had at one time, until the pair ends; a
    /// service that is over leaves them to the next one with the same procedures. 65,536 and 262,144, of 32 bytes. (A pair has
    /// at most 65,536.)
    pub bindings: Most,
    /// Bytes of shared memory that this process pays for or has mapped: both regions of each pair, and what is added to them.
    /// 1 GiB and 4 GiB.
    pub bytes: Most,
    /// Descriptors that came for calls which have not begun yet, and clients that were passed on and have not bound yet. 256
    /// and 512; of a process that may open N, an eighth of that in all, and three quarters of it for one uid. What a procedure
    /// has been given is the procedure's affair.
    pub descriptors: Most,
    /// Procedures that have kept a processor for longer than a wake-up takes while others waited for it: each holds a kernel
    /// thread. 48 of one uid; its calls beyond them are answered [`crate::CallError::Overloaded`]. There are 512
    /// processors in all, with those that wait for calls.
    pub work: u32,
}

impl Limits {
    pub(crate) const DEFAULT: Self = Self {
        connections: Most::new(1024, 4096),
        handshakes: Most::new(64, 256),
        handshake_time: Duration::from_secs(1),
        connect_rate: 1024,
        connect_burst: 4096,
        bindings: Most::new(65_536, 262_144),
        bytes: Most::new(1 << 30, 4 << 30),
        descriptors: Most::new(256, 512),
        work: 48,
    };

    /// Sets [`connections`](Self::connections).
    #[must_use]
    pub const fn connections(mut self, per_uid: u64, in_all: u64) -> Self {
        self.connections = Most::new(per_uid, in_all);
        self
    }

    /// Sets [`handshakes`](Self::handshakes).
    #[must_use]
    pub const fn handshakes(mut self, per_uid: u64, in_all: u64) -> Self {
        self.handshakes = Most::new(per_uid, in_all);
        self
    }

    /// Sets [`handshake_time`](Self::handshake_time).
    #[must_use]
    pub const fn handshake_time(mut self, time: Duration) -> Self {
        self.handshake_time = time;
        self
    }

    /// Sets [`connect_rate`](Self::connect_rate) and [`connect_burst`](Self::connect_burst). 0 counts as 1.
    #[must_use]
    pub const fn connects(mut self, a_second: u32, at_once: u32) -> Self {
        self.connect_rate = a_second;
        self.connect_burst = at_once;
        self
    }

    /// Sets [`bindings`](Self::bindings).
    #[must_use]
    pub const fn bindings(mut self, per_uid: u64, in_all: u64) -> Self {
        self.bindings = Most::new(per_uid, in_all);
        self
    }

    /// Sets [`bytes`](Self::bytes).
    #[must_use]
    pub const fn bytes(mut self, per_uid: u64, in_all: u64) -> Self {
        self.bytes = Most::new(per_uid, in_all);
        self
    }

    /// Sets [`descriptors`](Self::descriptors).
    #[must_use]
    pub const fn descriptors(mut self, per_uid: u64, in_all: u64) -> Self {
        self.descriptors = Most::new(per_uid, in_all);
        self
    }

    /// Sets [`work`](Self::work).
    #[must_use]
    pub const fn work(mut self, per_uid: u32) -> Self {
        self.work = per_uid;
        self
    }

    /// What of this a process can keep that may open `descriptors` files.
    pub(crate) fn within(mut self, descriptors: u64) -> Self {
        let all = (descriptors.saturating_sub(OWN_DESCRIPTORS) / DESCRIPTORS_EACH).max(1);
        self.connections.in_all = self.connections.in_all.min(all);
        self.connections.per_uid = self.connections.per_uid.min((all * 3 / 4).max(1));
        let all = (descriptors / 8).max(1);
        self.descriptors.in_all = self.descriptors.in_all.min(all);
        self.descriptors.per_uid = self.descriptors.per_uid.min((all * 3 / 4).max(1));
        self
    }
}

/// Descriptors of a connection: the socket, the pair's own copy of it, the handle on the process.
const DESCRIPTORS_EACH: u64 = 3;

/// Descriptors that are left to the rest of the process.
const OWN_DESCRIPTORS: u64 = 64;

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Limits what clients of this process may take from it, from now on. What they have already stays theirs. May be called
/// before the first export, and again at any time.
pub fn set_limits(limits: Limits) {
    QUOTA.set(limits);
    crate::domain::limit_work(limits.work);
}

/// What clients of this process have of it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// See [`Limits::connections`].
    pub connections: u64,
    /// See [`Limits::handshakes`].
    pub handshakes: u64,
    /// See [`Limits::bindings`].
    pub bindings: u64,
    /// See [`Limits::bytes`].
    pub bytes: u64,
    /// See [`Limits::descriptors`].
    pub descriptors: u64,
}

/// What clients of this process have of it now, all users together.
#[must_use]
pub fn usage() -> Usage {
    QUOTA.usage()
}

/// A limit that a client came up against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::connections`].
    Connections,
    /// [`Limits::handshakes`].
    Handshakes,
    /// [`Limits::connect_rate`].
    Connects,
    /// [`Limits::bindings`].
    Bindings,
    /// [`Limits::bytes`].
    Bytes,
    /// What the kernel lets the server have: descriptors (`RLIMIT_NOFILE`) or memory.
    Kernel,
    /// [`Limits::descriptors`].
    Descriptors,
}

impl Limit {
    const ALL: [Self; 7] = [
        Self::Connections,
        Self::Handshakes,
        Self::Connects,
        Self::Bindings,
        Self::Bytes,
        Self::Kernel,
        Self::Descriptors,
    ];

    /// As a byte of a message.
    pub(crate) fn to_byte(self) -> u8 {
        let at = Self::ALL.iter().position(|&limit| limit == self);
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// Whether it is over by itself in a moment.
    pub(crate) fn is_brief(self) -> bool {
        matches!(self, Self::Handshakes | Self::Connects | Self::Kernel)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connections => "connections",
            Self::Handshakes => "handshakes at a time",
            Self::Connects => "connects a second",
            Self::Bindings => "bindings",
            Self::Bytes => "bytes of shared memory",
            Self::Kernel => "descriptors or memory",
            Self::Descriptors => "descriptors under way",
        })
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) limit: Limit,
    /// That of one uid, or that of all.
    pub(crate) per_uid: bool,
    pub(crate) most: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_descriptors_leave_room_for_a_second_user() {
        let limits = Limits::default().within(1024);
        assert_eq!((limits.connections.in_all, limits.connections.per_uid), (320, 240));
        assert_eq!(limits.descriptors, Most::new(96, 128));
        assert_eq!(Limits::default().within(1 << 20), Limits::default());
        assert_eq!(Limits::default().within(0).connections, Most::new(1, 1));
    }

    #[test]
    fn limits_come_back_from_bytes() {
        for limit in Limit::ALL {
            assert_eq!(Limit::from_byte(limit.to_byte()), Some(limit));
        }
        assert_eq!(Limit::from_byte(7), None);
    }
}
