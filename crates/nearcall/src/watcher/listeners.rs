//! The listening sockets, and who comes in by them.
//!
//! Whoever connects is refused as fast as possible, so that the backlog, which all users share, is short. Only when nobody at
//! all could be let in do clients wait there: then the sockets are not listened to for a while, because a readable socket
//! that is not accepted from would wake the watcher for ever.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_core::sys::kept::Kept;
use nearcall_core::sys::peer;
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::net::SocketFlags;

use crate::clerk::Exported;
use crate::connection::{Admission, Connection, NOTHING_LEFT, refuse};
use crate::message::Refused;
use crate::policy::Policy;
use crate::quota::QUOTA;

/// Clients accepted from one socket before the other events have their turn.
pub(super) const ACCEPTS_A_TURN: usize = 16;

/// Until it is tried again where the kernel has neither descriptors nor memory left, not even for a refusal.
const KERNEL_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
struct Listener {
    exported: Arc<Exported>,
    policy: Arc<Policy>,
    socket: OwnedFd,
}

/// Why nobody is accepted now.
#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    /// It ends as soon as a handshake does.
    for_handshakes: bool,
}

/// All of them, by key.
#[derive(Debug)]
pub(super) struct Listeners {
    by_key: HashMap<u64, Listener>,
    of_export: HashMap<u64, u64>,
    /// A descriptor to give up when there is no other, so that a client can be told.
    reserve: Option<Kept>,
    pause: Option<Pause>,
}

/// What came of an accept.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A client.
    One(Box<Connection>),
    /// Somebody who was refused, and knows.
    Refused,
    /// Nobody is there, or nobody can be let in now.
    Nobody,
}

fn reserve() -> Option<Kept> {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).ok().map(Kept::new)
}

impl Listeners {
    pub(super) fn new() -> Self {
        Self { by_key: HashMap::new(), of_export: HashMap::new(), reserve: reserve(), pause: None }
    }

    /// Listens to a socket that is in the epoll by this key.
    pub(super) fn insert(
        &mut self,
        epoll: &Kept,
        key: u64,
        exported: Arc<Exported>,
        policy: Arc<Policy>,
        socket: OwnedFd,
    ) {
        self.of_export.insert(exported.id, key);
        self.by_key.insert(key, Listener { exported, policy, socket });
        if self.pause.is_some() {
            self.set_events(epoll, epoll::EventFlags::empty());
        }
    }

    /// Takes out the socket of an export, with its key.
    pub(super) fn remove(&mut self, export: u64) -> Option<(u64, OwnedFd)> {
        let key = self.of_export.remove(&export)?;
        self.by_key.remove(&key).map(|listener| (key, listener.socket))
    }

    fn set_events(&self, epoll: &Kept, events: epoll::EventFlags) {
        for (&key, listener) in &self.by_key {
            // It is in the epoll, and changing that allocates nothing.
            let _ = epoll::modify(epoll, &listener.socket, epoll::EventData::new_u64(key), events);
        }
    }

    fn pause(&mut self, epoll: &Kept, now: Instant, how_long: Duration, for_handshakes: bool) -> Accepted {
        self.pause = Some(Pause { until: now + how_long, for_handshakes });
        self.set_events(epoll, epoll::EventFlags::empty());
        Accepted::Nobody
    }

    /// When the pause ends, if there is one.
    pub(super) fn pauses_until(&self) -> Option<Instant> {
        self.pause.map(|pause| pause.until)
    }

    /// Listens again if there is room, or if it is time to look for some.
    pub(super) fn resume(&mut self, epoll: &Kept, now: Instant) {
        let is_over = |pause: Pause| pause.until <= now || (pause.for_handshakes && !QUOTA.has_no_handshake_left());
        if self.pause.is_some_and(is_over) {
            self.pause = None;
            self.set_events(epoll, epoll::EventFlags::IN);
        }
    }

    /// Accepts a client, if its uid may have a connection.
    pub(super) fn accept(&mut self, epoll: &Kept, key: u64, now: Instant) -> Accepted {
        if self.pause.is_some() {
            return Accepted::Nobody;
        }
        let Some(listener) = self.by_key.get(&key) else { return Accepted::Nobody };
        let time = QUOTA.limits().handshake_time;
        // One of those that are under way ends by then.
        if QUOTA.has_no_handshake_left() {
            return self.pause(epoll, now, time, true);
        }
        let socket = match listener.accept() {
            Ok(socket) => socket,
            Err(Errno::AGAIN) => return Accepted::Nobody,
            Err(Errno::INTR | Errno::CONNABORTED) => return Accepted::Refused,
            Err(Errno::MFILE | Errno::NFILE) => {
                drop(self.reserve.take());
                let told = listener.accept().map(|socket| refuse(&socket, Refused::Quota(NOTHING_LEFT)));
                self.reserve = reserve();
                // Another thread may have been faster to take what was given up.
                return if told.is_ok() { Accepted::Refused } else { self.pause(epoll, now, KERNEL_PAUSE, false) };
            }
            Err(_) => return self.pause(epoll, now, KERNEL_PAUSE, false),
        };
        let Ok(ids) = peer::credentials(socket.as_fd()) else { return Accepted::Refused };
        let admitted = QUOTA.admit(ids.uid, now);
        let (connection, handshake) = match admitted {
            Ok(charges) => charges,
            Err(exceeded) => {
                refuse(&socket, Refused::Quota(exceeded));
                return Accepted::Refused;
            }
        };
        let admission = Admission { ids, connection, handshake };
        let (exported, policy) = (Arc::clone(&listener.exported), Arc::clone(&listener.policy));
        Accepted::One(Box::new(Connection::new(socket, exported, policy, admission, now + time)))
    }
}

impl Listener {
    fn accept(&self) -> Result<OwnedFd, Errno> {
        rustix::net::accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
    }
}
