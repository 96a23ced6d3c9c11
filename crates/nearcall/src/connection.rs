//! One connection of a client to the clerk, from accept to the end of the pair.
//!
//! ```text
//! Greeting --Hello--> Greeted --Pair--> Mapping --Mapped--> Paired --Bind, Unbind, Ring--> Paired
//! ```
//! Anything else closes the connection, but for `Describe` while Greeted. What a connection may have is taken from its uid's quota before it is accepted, made or
//! granted; who may go beyond Greeting is the export's policy. A connection that stays Greeted only lends its token: the client is paired with
//! this domain already, and binds over the pair's own control socket, showing by the token that it could open the
//! socket of this name, too.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use nearcall_core::channel::server::ServerHalf;
use nearcall_core::shm::{OwnRegion, PeerRegion};
use nearcall_core::sys::memory;
use nearcall_core::sys::socket::{self, Credentials, Sender};
use nearcall_layout::pair::{FRAMES, LINE_STRIDE, REGION_SIZE, REGION_SIZE_MAX, VERSION};
use rustix::io::Errno;

use crate::cards::Introduction;
use crate::clerk::{Exported, ServerPair};
use crate::domain::random;
use crate::identity;
use crate::info;
use crate::limits::{Exceeded, Limit};
use crate::message::{FromClient, FromServer, Instance, Refused};
use crate::peer::Peer;
use crate::policy::{Policy, Rule};
use crate::quota::{Charge, Kind, QUOTA};
use crate::segments::{self, Offer};

/// Answers with descriptors that a client may leave unread. It waits for each, so one would do but for questions that it
/// gave up; and a message that needs no answer, a signal above all, may be under way to it at any time, so that the kernel's
/// word alone ("something is unread") says nothing. Descriptors that nobody reads count against the limit of this user, and with that
/// used up nobody could be answered any more.
const UNREAD_COUNT_MAX: usize = 16;

/// Messages read from one socket before the others have their turn.
pub(crate) const MESSAGES_A_TURN: usize = 16;

/// What a message costs of a turn. Those of the handshake make memory or compare an interface, so one of them is a turn.
fn cost(message: &FromClient) -> usize {
    match message {
        FromClient::Unbind { .. } | FromClient::Ring | FromClient::CallBack { .. } => 1,
        // Descriptors are made and closed for it.
        FromClient::Parcel { .. } => 4,
        _ => MESSAGES_A_TURN,
    }
}

/// What the watcher does after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Go,
    Close,
    Rung,
}

/// What came of a connection's turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) step: Step,
    /// Of [`MESSAGES_A_TURN`].
    pub(crate) cost: usize,
}

/// What a client has before it has said anything: the kernel's word on who connected, and room in the quota of that uid.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) ids: Credentials,
    pub(crate) connection: Charge,
    pub(crate) handshake: Charge,
}

/// Where a token leads: the export of the connection it was given on, and who that connection belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Redeemed {
    exported: Arc<Exported>,
    client: Credentials,
}

/// By what right a connection's token is good.
#[derive(Debug)]
enum By {
    /// It came by the name, for as long as it is open.
    Name,
    /// It came by a card: once.
    Card(Introduction),
}

impl Redeemed {
    /// Whether it belongs to the process that has these ids. It may have changed its user in between; where processes are
    /// not visible from here, the user is all there is to tell them apart by.
    fn is_of(&self, ids: Credentials) -> bool {
        self.client.pid == ids.pid && (ids.pid != 0 || self.client == ids)
    }
}

#[derive(Debug)]
enum State {
    Greeting,
    Greeted,
    Mapping { region: OwnedFd, own: OwnRegion, size: usize, first: u32, bytes: Charge },
    Paired(Arc<ServerPair>),
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    /// Whether the kernel refuses descriptors.
    refuses: bool,
    /// Whether the client has bound to something that takes descriptors.
    takes: bool,
    by: By,
    exported: Arc<Exported>,
    policy: Arc<Policy>,
    deadline: Instant,
    token: u64,
    ids: Credentials,
    has_spoken: bool,
    pidfd: Option<Arc<OwnedFd>>,
    is_watched: bool,
    /// What the client has asked to have described, as it was when it asked.
    report: Vec<u8>,
    offer: Offer,
    /// Answers with descriptors since the client was last seen to have read everything.
    unread: usize,
    state: State,
    /// Until the pair has it, which may outlive this.
    connection: Option<Charge>,
    handshake: Option<Charge>,
}

/// The connection cannot go on.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    /// The client has broken the protocol, or is gone.
    Protocol,
    /// It is told why.
    Refused(Refused),
}

impl From<Exceeded> for Broken {
    fn from(exceeded: Exceeded) -> Self {
        Self::Refused(Refused::Quota(exceeded))
    }
}

impl From<Rule> for Broken {
    fn from(rule: Rule) -> Self {
        Self::Refused(Refused::Policy(rule))
    }
}

/// The kernel has refused us something.
impl From<Errno> for Broken {
    fn from(_: Errno) -> Self {
        NOTHING_LEFT.into()
    }
}

/// No descriptors or memory.
pub(crate) const NOTHING_LEFT: Exceeded = Exceeded { limit: Limit::Kernel, per_uid: false, most: 0 };

/// Tells a client why it is refused, in the last message of its connection.
pub(crate) fn refuse(socket: impl AsFd, why: Refused) {
    // A client that has closed, or does not read, does not want to know.
    let _ = socket::send(socket.as_fd(), &FromServer::Refused { id: 0, why }.to_bytes(), &[]);
}

impl Connection {
    pub(crate) fn new(
        socket: OwnedFd,
        exported: Arc<Exported>,
        policy: Arc<Policy>,
        admission: Admission,
        deadline: Instant,
    ) -> Self {
        // The listener's wish. Asked for again because it says whether it was granted.
        let refuses = socket::refuse_descriptors(socket.as_fd());
        Self {
            socket,
            refuses,
            takes: false,
            by: By::Name,
            exported,
            policy,
            deadline,
            token: 0,
            ids: admission.ids,
            has_spoken: false,
            pidfd: None,
            is_watched: false,
            report: Vec::new(),
            offer: Offer::default(),
            unread: 0,
            state: State::Greeting,
            connection: Some(admission.connection),
            handshake: Some(admission.handshake),
        }
    }

    /// The client came by a card.
    pub(crate) fn introduced(mut self, introduction: Introduction) -> Self {
        self.by = By::Card(introduction);
        self
    }

    pub(crate) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// When the handshake has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whose it is.
    pub(crate) fn uid(&self) -> u32 {
        self.ids.uid
    }

    /// What it gave for binds; 0 before it has greeted.
    pub(crate) fn token(&self) -> u64 {
        self.token
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
        if let By::Card(introduction) = &self.by
            && !introduction.spend()
        {
            return None;
        }
        Some(Redeemed { exported: Arc::clone(&self.exported), client: self.ids })
    }

    /// Reads what is there, for one turn: what is left comes with the watcher's next one, because a client that talks without
    /// end must not be all it hears. A ring that comes alone, as they do, is a turn: looking whether there is more would
    /// be a system call for each of them, and is done only after one that was `not_alone`. `by_token` finds other
    /// connections' tokens.
    pub(crate) fn hear(
        &mut self,
        not_alone: bool,
        instance: Instance,
        by_token: impl Fn(u64) -> Option<Redeemed>,
        buffer: &mut [u8],
    ) -> Turn {
        let mut turn = Turn { step: Step::Go, cost: 0 };
        while turn.cost < MESSAGES_A_TURN {
            match self.hear_one(instance, &by_token, buffer, &mut turn.cost) {
                Ok(None) => break,
                Ok(Some(Step::Rung)) => {
                    turn.step = Step::Rung;
                    if !not_alone {
                        break;
                    }
                }
                Ok(Some(_)) => {}
                Err(broken) => {
                    if let Broken::Refused(why) = broken {
                        refuse(&self.socket, why);
                    }
                    turn.step = Step::Close;
                    break;
                }
            }
        }
        turn
    }

    fn hear_one(
        &mut self,
        instance: Instance,
        by_token: &impl Fn(u64) -> Option<Redeemed>,
        buffer: &mut [u8],
        spent: &mut usize,
    ) -> Result<Option<Step>, Broken> {
        let pair = self.pair().filter(|_| self.takes).cloned();
        let mut hearing = pair.as_deref().map(|pair| pair.parcels.hearing());
        let received = match socket::receive(self.socket.as_fd(), buffer) {
            Ok(Some(received)) if received.size > 0 => received,
            Ok(None) => return Ok(None),
            _ => return Err(Broken::Protocol),
        };
        let bytes = buffer.get(..received.size).unwrap_or_default();
        let message = FromClient::from_bytes(bytes).map_err(|_| Broken::Protocol)?;
        *spent += cost(&message);
        if let (FromClient::Parcel { token }, Some(hearing)) = (&message, &mut hearing) {
            // Cut off: this process has no descriptor left, or more came than a call has.
            let (uid, whole) = (self.ids.uid, !received.truncated && !received.fds.is_empty());
            let charge = |count: usize| {
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                QUOTA.take(Kind::Descriptors, uid, count).ok().filter(|_| whole)
            };
            hearing.put(*token, received.fds, charge).map_err(|_| Broken::Protocol)?;
            return Ok(Some(Step::Go));
        }
        if received.truncated || !received.fds.is_empty() {
            return Err(Broken::Protocol);
        }
        if let (FromClient::CallBack { token }, Some(hearing)) = (&message, &mut hearing) {
            hearing.call_back(*token);
            return Ok(Some(Step::Go));
        }
        drop(hearing);
        if !self.has_spoken {
            self.meet(received.sender)?;
        }
        self.answer(message, instance, by_token).map(Some)
    }

    /// The first message: it has to come from the process that connected, and the policy has to let that process in.
    fn meet(&mut self, sender: Sender) -> Result<(), Broken> {
        self.has_spoken = true;
        socket::want_no_identity(self.socket.as_fd());
        self.pidfd = sender.pidfd.map(Arc::new);
        // Where processes are not visible from here all have id 0, and cannot be told apart.
        if sender.credentials.map(|ids| ids.pid) != Some(self.ids.pid) {
            return Err(Rule::HandedOn.into());
        }
        let client = identity::Client { socket: self.socket.as_fd(), ids: self.ids, pidfd: self.pidfd.as_deref() };
        Ok(self.policy.judge(&client)?)
    }

    fn answer(
        &mut self,
        message: FromClient,
        instance: Instance,
        by_token: &impl Fn(u64) -> Option<Redeemed>,
    ) -> Result<Step, Broken> {
        match (&self.state, message) {
            (State::Greeting, FromClient::Hello { version, .. }) => {
                self.token = random().map(u64::from_le_bytes)?.max(1);
                self.send(&FromServer::Welcome { version: VERSION, instance, token: self.token }, &[])?;
                if version != VERSION {
                    return Err(Broken::Protocol);
                }
                self.state = State::Greeted;
            }
            (State::Greeted, FromClient::Pair) => self.offer()?,
            (State::Greeted, FromClient::Describe { at }) => {
                // Once: it looks at every client and every binding.
                if self.report.is_empty() {
                    self.report = info::report(&self.exported);
                }
                let answer = info::page(&self.report, at).ok_or(Broken::Protocol)?;
                self.send(&answer, &[])?;
            }
            (State::Mapping { .. }, FromClient::Mapped) => self.pair_up()?,
            (State::Paired(pair), FromClient::Bind { id, token, procedures }) => {
                let pair = Arc::clone(pair);
                let redeemed = self.redeem(token).or_else(|| by_token(token));
                let answer = match redeemed.filter(|redeemed| redeemed.is_of(self.ids)) {
                    Some(redeemed) => {
                        if redeemed.exported.interface().takes_parcels() && !self.takes {
                            self.takes = true;
                            socket::accept_descriptors(self.socket.as_fd());
                        }
                        pair.bind(id, &redeemed.exported, &procedures)
                    }
                    None => FromServer::Refused { id, why: Refused::Denied },
                };
                self.send(&answer, &[])?;
            }
            (State::Paired(pair), FromClient::Unbind { binding, generation }) => pair.unbind(binding, generation),
            (State::Paired(_), FromClient::Ring) => return Ok(Step::Rung),
            (State::Paired(pair), message) => {
                let answer = match message {
                    FromClient::Introduce { id, binding, generation } => Some(pair.introduce(id, binding, generation)),
                    message => self.offer.answer(pair, &message).map_err(|segments::Broken| Broken::Protocol)?,
                };
                if let Some((answer, file)) = answer {
                    if file.is_some() {
                        self.unread = if socket::is_read(self.socket.as_fd()) { 1 } else { self.unread + 1 };
                        if self.unread > UNREAD_COUNT_MAX {
                            return Err(Broken::Protocol);
                        }
                    }
                    let file = file.as_ref().map(OwnedFd::as_fd);
                    match (socket::send(self.socket.as_fd(), &answer.to_bytes(), file.as_slice()), answer.id()) {
                        (Ok(()), _) => {}
                        // The client has given the question up, and lets no descriptor in any more; or this user has too
                        // many under way.
                        (Err(Errno::PERM | Errno::TOOMANYREFS), Some(id)) if file.is_some() => {
                            self.send(&FromServer::NoMemory { id }, &[])?;
                        }
                        _ => return Err(Broken::Protocol),
                    }
                }
            }
            _ => return Err(Broken::Protocol),
        }
        Ok(Step::Go)
    }

    fn send(&self, message: &FromServer, fds: &[std::os::fd::BorrowedFd<'_>]) -> Result<(), Broken> {
        socket::send(self.socket.as_fd(), &message.to_bytes(), fds).map_err(|_| Broken::Protocol)
    }

    /// Makes both regions; ours is sealed before the client sees it.
    fn offer(&mut self) -> Result<(), Broken> {
        let size = region_size(&self.exported);
        let bytes = u32::try_from(size).map_err(|_| Errno::OVERFLOW)?;
        let charge = QUOTA.charge(self.ids.uid, 2 * u64::from(bytes))?;
        let own_fd = memory::create(size)?;
        let own = OwnRegion::map(own_fd.as_fd(), size)?;
        memory::seal_shown(own_fd.as_fd())?;
        let own_fd = memory::reader(own_fd.as_fd())?;
        let region = memory::create(size)?;
        let first = first_sequence();
        let regions = FromServer::Regions { client_size: bytes, server_size: bytes, first };
        self.send(&regions, &[region.as_fd(), own_fd.as_fd()])?;
        self.state = State::Mapping { region, own, size, first, bytes: charge };
        Ok(())
    }

    /// The client has mapped its region: end writing through anything but that mapping, and check that it paid.
    fn pair_up(&mut self) -> Result<(), Broken> {
        let state = std::mem::replace(&mut self.state, State::Greeting);
        let State::Mapping { region, own, size, first, bytes } = state else { return Err(Broken::Protocol) };
        memory::seal(region.as_fd()).map_err(|_| Broken::Protocol)?;
        let peer = PeerRegion::map(region.as_fd(), size).map_err(|_| Broken::Protocol)?;
        let half = ServerHalf::with_payer(own, peer, first, Box::new(segments::Payer::of(self.ids.uid)));
        let control = rustix::io::fcntl_dupfd_cloexec(&self.socket, 0)?;
        let bindings = QUOTA.take(Kind::Bindings, self.ids.uid, 0)?;
        let connection = self.connection.take().ok_or(Broken::Protocol)?;
        let client = Peer::new(self.ids, self.pidfd.clone());
        let home = Arc::clone(&self.exported);
        self.state =
            State::Paired(Arc::new(ServerPair::new(half, control, size, home, client, bindings, [connection, bytes])));
        self.handshake = None;
        self.send(&FromServer::Ready, &[])
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if matches!(self.state, State::Mapping { .. }) {
            // Before its region is freed: a client that finds it empty has to see why.
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        }
        // One that came by a card has let descriptors in before it was ours.
        if !self.refuses || self.takes || matches!(self.by, By::Card(_)) {
            // Descriptors may be left in it, which would be closed here.
            socket::hang_up(self.socket.as_fd());
        }
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
