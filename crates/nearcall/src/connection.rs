//! One connection of a client to the clerk, from accept to the end of the pair.
//!
//! ```text
//! Greeting --Hello--> Greeted --Pair--> Mapping --Mapped--> Paired --Bind, Unbind, Ring--> Paired
//! ```
//! Anything else closes the connection, but for `Describe` while Greeted. A connection that stays Greeted only lends its token: the client is paired with
//! this domain already, and binds over the pair's own control socket, showing by the token that it could open the
//! socket of this name, too.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use nearcall_core::channel::server::ServerHalf;
use nearcall_core::shm::{OwnRegion, PeerRegion};
use nearcall_core::sys::memory;
use nearcall_core::sys::socket::{self, Credentials};
use nearcall_layout::pair::{FRAMES, LINE_STRIDE, REGION_SIZE, REGION_SIZE_MAX, VERSION};

use crate::clerk::{Exported, ServerPair};
use crate::domain::random;
use crate::info;
use crate::message::{FromClient, FromServer, Instance, Refused, SIZE_MAX};
use crate::peer::Peer;

/// Messages read from one socket before the others have their turn.
pub(crate) const MESSAGES_A_TURN: usize = 16;

/// What the watcher does after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Go,
    Close,
    Rung,
}

/// Where a token leads: the export of the connection it was given on, and who that connection belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Redeemed {
    exported: Arc<Exported>,
    pid: i32,
}

#[derive(Debug)]
enum State {
    Greeting,
    Greeted,
    Mapping { region: OwnedFd, own: OwnRegion, size: usize, first: u32 },
    Paired(Arc<ServerPair>),
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    exported: Arc<Exported>,
    since: Instant,
    token: u64,
    client: Option<Credentials>,
    pidfd: Option<Arc<OwnedFd>>,
    is_watched: bool,
    /// What the client has asked to have described, as it was when it asked.
    report: Vec<u8>,
    state: State,
}

/// The connection cannot go on; the client has broken the protocol, or the kernel has refused us something.
struct Broken;

impl Connection {
    pub(crate) fn new(socket: OwnedFd, exported: Arc<Exported>, since: Instant) -> Self {
        // A client never sends descriptors. Where the kernel cannot refuse them they are closed when received.
        let _ = socket::refuse_descriptors(socket.as_fd());
        Self {
            socket,
            exported,
            since,
            token: 0,
            client: None,
            pidfd: None,
            is_watched: false,
            report: Vec::new(),
            state: State::Greeting,
        }
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn pair(&self) -> Option<&Arc<ServerPair>> {
        match &self.state {
            State::Paired(pair) => Some(pair),
            _ => None,
        }
    }

    /// The handle on the client's process, once.
    pub(crate) fn take_pidfd(&mut self) -> Option<Arc<OwnedFd>> {
        let pidfd = self.pidfd.clone().filter(|_| !self.is_watched)?;
        self.is_watched = true;
        Some(pidfd)
    }

    /// What `token` stands for, if this connection gave it.
    pub(crate) fn redeem(&self, token: u64) -> Option<Redeemed> {
        if token == 0 || token != self.token {
            return None;
        }
        Some(Redeemed { exported: Arc::clone(&self.exported), pid: self.client?.pid })
    }

    /// Reads what is there. `by_token` finds other connections' tokens.
    pub(crate) fn hear(&mut self, instance: Instance, by_token: impl Fn(u64) -> Option<Redeemed>) -> Step {
        let mut buffer = vec![0; SIZE_MAX];
        let mut step = Step::Go;
        // What is left comes with the watcher's next turn: one client that talks without end must not be all it hears.
        for _ in 0..MESSAGES_A_TURN {
            let received = match socket::receive(self.socket.as_fd(), &mut buffer) {
                Ok(Some(received)) if received.size > 0 && !received.truncated => received,
                Ok(None) => return step,
                _ => return Step::Close,
            };
            let bytes = buffer.get(..received.size).unwrap_or_default();
            let Ok(message) = FromClient::from_bytes(bytes) else { return Step::Close };
            if self.client.is_none() {
                self.client = received.sender.credentials;
                self.pidfd = received.sender.pidfd.map(Arc::new);
            }
            match self.answer(message, instance, &by_token) {
                Ok(Step::Rung) => step = Step::Rung,
                Ok(_) => {}
                Err(Broken) => return Step::Close,
            }
        }
        step
    }

    fn answer(
        &mut self,
        message: FromClient,
        instance: Instance,
        by_token: &impl Fn(u64) -> Option<Redeemed>,
    ) -> Result<Step, Broken> {
        match (&self.state, message) {
            (State::Greeting, FromClient::Hello { version, .. }) => {
                self.token = random().map(u64::from_le_bytes).map_err(|_| Broken)?.max(1);
                self.send(&FromServer::Welcome { version: VERSION, instance, token: self.token }, &[])?;
                if version != VERSION {
                    return Err(Broken);
                }
                self.state = State::Greeted;
            }
            (State::Greeted, FromClient::Pair) => self.offer()?,
            (State::Greeted, FromClient::Describe { at }) => {
                // Once: it looks at every client and every binding.
                if self.report.is_empty() {
                    self.report = info::report(&self.exported);
                }
                let answer = info::page(&self.report, at).ok_or(Broken)?;
                self.send(&answer, &[])?;
            }
            (State::Mapping { .. }, FromClient::Mapped) => self.pair_up()?,
            (State::Paired(pair), FromClient::Bind { id, token, procedures }) => {
                let redeemed = self.redeem(token).or_else(|| by_token(token));
                let pid = self.client.map(|client| client.pid);
                let answer = match redeemed.filter(|redeemed| Some(redeemed.pid) == pid) {
                    Some(redeemed) => pair.bind(id, &redeemed.exported, &procedures),
                    None => FromServer::Refused { id, why: Refused::Denied },
                };
                self.send(&answer, &[])?;
            }
            (State::Paired(pair), FromClient::Unbind { binding, generation }) => pair.unbind(binding, generation),
            (State::Paired(_), FromClient::Ring) => return Ok(Step::Rung),
            _ => return Err(Broken),
        }
        Ok(Step::Go)
    }

    fn send(&self, message: &FromServer, fds: &[std::os::fd::BorrowedFd<'_>]) -> Result<(), Broken> {
        socket::send(self.socket.as_fd(), &message.to_bytes(), fds).map_err(|_| Broken)
    }

    /// Makes both regions; ours is sealed before the client sees it.
    fn offer(&mut self) -> Result<(), Broken> {
        let size = region_size(&self.exported);
        let own_fd = memory::create(size).map_err(|_| Broken)?;
        let own = OwnRegion::map(own_fd.as_fd(), size).map_err(|_| Broken)?;
        memory::seal(own_fd.as_fd()).map_err(|_| Broken)?;
        let region = memory::create(size).map_err(|_| Broken)?;
        let first = first_sequence();
        let bytes = u32::try_from(size).map_err(|_| Broken)?;
        let regions = FromServer::Regions { client_size: bytes, server_size: bytes, first };
        self.send(&regions, &[region.as_fd(), own_fd.as_fd()])?;
        self.state = State::Mapping { region, own, size, first };
        Ok(())
    }

    /// The client has mapped its region: end writing through anything but that mapping, and check that it paid.
    fn pair_up(&mut self) -> Result<(), Broken> {
        let State::Mapping { region, own, size, first } = std::mem::replace(&mut self.state, State::Greeting) else {
            return Err(Broken);
        };
        memory::seal(region.as_fd()).map_err(|_| Broken)?;
        let peer = PeerRegion::map(region.as_fd(), size).map_err(|_| Broken)?;
        let half = ServerHalf::new(own, peer, first);
        let control = self.socket.try_clone().map_err(|_| Broken)?;
        let peer = Peer::new(self.client.ok_or(Broken)?, self.pidfd.clone());
        self.state = State::Paired(Arc::new(ServerPair::new(half, control, size, Arc::clone(&self.exported), peer)));
        self.send(&FromServer::Ready, &[])
    }
}

/// Room for the interface by whose name the client came.
fn region_size(exported: &Exported) -> usize {
    let frames = exported.frame_bytes().saturating_add(LINE_STRIDE);
    (FRAMES + frames).next_multiple_of(64 * 1024).clamp(REGION_SIZE, REGION_SIZE_MAX)
}

/// Where the sequence numbers of a pair begin. Near the end of their range in a debug build, so that every test of a
/// thousand calls crosses the wrap.
fn first_sequence() -> u32 {
    if cfg!(debug_assertions) { u32::MAX - 500 } else { 1 }
}
