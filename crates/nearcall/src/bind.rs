//! Binding: from a name to a capability.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nearcall_core::channel::client::{ClientHalf, Target};
use nearcall_core::shm::{OwnRegion, PeerRegion};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::memory;
use nearcall_core::sys::socket::{self, Received};
use nearcall_core::transfer::handoff;
use nearcall_core::transfer::mode::{Granted, Mode, Transfer};
use nearcall_layout::pair::{FRAMES, REGION_SIZE_MAX, VERSION};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::binding::{Binding, Near};
use crate::cards;
use crate::client_pair::ClientPair;
use crate::domain::{Domain, NoDomain, domain};
use crate::error::{BindError, DirError};
use crate::far::gateway::Route;
use crate::far::message::Asked;
use crate::far::{self, Host};
use crate::info::printable;
use crate::interface;
use crate::limits::Exceeded;
use crate::message::{FromClient, FromServer, GREETING_SIZE_MAX, Refused, Wanted};
use crate::names::{self, Dir};
use crate::quota::{Charge, Kind, QUOTA};
use crate::rt::Interface;
use crate::watcher::Command;

/// A client of some interface. Implemented by generated clients.
pub trait Client: Sized {
    /// The interface's name: apart, because an interface may have procedures that return clients of itself.
    #[doc(hidden)]
    const NAME: &'static str;

    /// The interface.
    #[doc(hidden)]
    const INTERFACE: &'static Interface;

    /// The client over a binding to its interface.
    #[doc(hidden)]
    fn from_binding(binding: Binding) -> Self;

    /// The binding.
    fn binding(&self) -> &Binding;
}

/// Binds to an exported name.
///
/// # Errors
/// [`BindError`]; `NotFound` at once if nobody exports the name (see [`Binder::wait`]).
pub fn bind<C: Client>(name: &str) -> Result<C, BindError> {
    Binder::new(name).bind()
}

/// A bind with options.
#[derive(Debug, Clone)]
#[must_use]
pub struct Binder {
    name: String,
    dir: Option<PathBuf>,
    wait: Duration,
    timeout: Duration,
    transfer: Transfer,
    uid: Option<u32>,
    host: Option<Arc<Host>>,
    gateway: Option<String>,
}

/// How long the handshake may take: it is four messages.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// Between the first two looks for a server; later ones are further apart.
const NAP: Duration = Duration::from_millis(1);
const NAP_MAX: Duration = Duration::from_millis(20);

impl Binder {
    /// A bind to `name` in the default directory, without waiting for a server.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            dir: None,
            wait: Duration::ZERO,
            timeout: HANDSHAKE,
            transfer: Transfer::Auto,
            uid: None,
            host: None,
            gateway: None,
        }
    }

    /// Looks for the name in this directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Waits up to `wait` for somebody to export the name.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How calls wait; [`Transfer::Auto`] unless said otherwise. [`Binding::set_transfer`] changes it later.
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self
    }

    /// Binds only to a server that runs as this user: the real uid that the kernel states with the server's first message.
    ///
    /// Unless this is said, any server is good: the directory of names belongs to this user or to root and nobody else can
    /// write it, so whoever is there was put there by one of the two, and may run as somebody else on purpose.
    pub fn expect_uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// Binds a far name through this host, in the place of the process's own ([`Host::of_process`]).
    pub fn through(mut self, host: Arc<Host>) -> Self {
        self.host = Some(host);
        self
    }

    /// Binds a far name by this gateway, a near name in the same directory ([`far::serve_gateway`]): for processes that have no
    /// network.
    pub fn gateway(mut self, name: &str) -> Self {
        self.gateway = Some(name.to_owned());
        self
    }

    /// Binds. A name of the form `chan://HOST:PORT/NAME` is another host's ([`far`](crate::far)).
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind<C: Client>(self) -> Result<C, BindError> {
        if let Some(name) = far::name::parse(&self.name)? {
            let route = match (&self.host, &self.gateway) {
                (Some(host), _) => Route::Own(Arc::clone(host)),
                (None, None) => Route::Own(Host::of_process()?),
                (None, Some(gateway)) => {
                    let near = Self { name: gateway.clone(), gateway: None, ..self };
                    Route::Gateway(near.bind()?)
                }
            };
            return far::binding::bind(&name, route, C::INTERFACE).map(C::from_binding);
        }
        self.bind_near(&Sought::Own(C::INTERFACE)).map(C::from_binding)
    }

    /// Binds to an interface for which there is no client in Rust; what its stubs do is near.
    ///
    /// # Errors
    /// [`BindError`].
    #[doc(hidden)]
    pub fn bind_interface(self, interface: &'static Interface) -> Result<Binding, BindError> {
        if self.name.contains("://") {
            return Err(BindError::Unsupported(format!("{}: this client makes near calls only", self.name)));
        }
        self.bind_near(&Sought::Own(interface))
    }

    /// Binds for clients of other hosts, of whose interface only what they say is known.
    ///
    /// # Errors
    /// [`BindError`].
    pub(crate) fn bind_for_far(self, asked: &[Asked], describe: &Describe<'_>) -> Result<Binding, BindError> {
        self.bind_near(&Sought::Far { asked, describe })
    }

    fn bind_near(self, sought: &Sought<'_>) -> Result<Binding, BindError> {
        names::check(&self.name)?;
        let domain = here()?;
        let _open = handoff::open();
        let start = Instant::now();
        let mut nap = NAP;
        loop {
            match self.bind_once(domain, sought, start) {
                // A server that died in the handshake: the next one is waited for like the first.
                Err(BindError::Closed) if start.elapsed() < self.wait => std::thread::sleep(NAP),
                // Over by itself, when other handshakes of this user have ended.
                Err(BindError::Quota { limit, .. })
                    if limit.is_brief() && start.elapsed() < self.wait.max(self.timeout) =>
                {
                    std::thread::sleep(nap);
                    nap = (nap * 2).min(NAP_MAX);
                }
                other => return other,
            }
        }
    }

    fn bind_once(&self, domain: &'static Domain, sought: &Sought<'_>, start: Instant) -> Result<Binding, BindError> {
        let (greeting, until) = self.connect(start)?;
        self.bind_over(greeting, until, domain, sought, None)
    }

    /// Binds over a connection that is there. `payer`: the uid that has led this process there, if what is made for it goes
    /// on that account.
    fn bind_over(
        &self,
        greeting: Greeting,
        until: Instant,
        domain: &'static Domain,
        sought: &Sought<'_>,
        payer: Option<u32>,
    ) -> Result<Binding, BindError> {
        // A server that refuses before it listens has closed the connection by now, and its word waits to be read.
        let told = greeting.tell(&FromClient::Hello { version: VERSION, instance: domain.instance });
        let (welcome, received) = greeting.hear().map_err(|error| told.err().unwrap_or(error))?;
        self.check_uid(&received)?;
        if let FromServer::Refused { why, .. } = welcome {
            return Err(refused(why, sought));
        }
        let FromServer::Welcome { version, instance, token } = welcome else {
            return Err(BindError::PeerMisbehaved("it did not begin with a welcome"));
        };
        if version != VERSION {
            return Err(BindError::Version { client: VERSION, server: version });
        }
        let pid = received.sender.credentials.map(|ids| ids.pid);
        // The same process under another name: an instance id that somebody else repeats does not help them, the pid
        // the kernel states has to be the same as well.
        let is_it = |pair: &Arc<ClientPair>| pair.server == instance && pair.pid == pid && !pair.half.has_ended();
        let known = domain.pairs().iter().filter_map(Weak::upgrade).find(is_it);
        let (pair, _greeting) = match known {
            Some(pair) => (pair, Some(greeting)),
            None => {
                // No lock is held while the server takes its time.
                let new = greeting.pair(instance, pid, sought, payer, domain)?;
                let mut pairs = domain.pairs();
                pairs.retain(|pair| pair.strong_count() > 0);
                match pairs.iter().filter_map(Weak::upgrade).find(is_it) {
                    // Another thread was faster. The token is that of the new pair's connection, which is needed until
                    // it is redeemed, and then goes with the pair.
                    Some(first) => {
                        drop(pairs);
                        let binding = self.ask(&first, token, sought, until);
                        drop(new);
                        return binding;
                    }
                    None => {
                        pairs.push(Arc::downgrade(&new));
                        let pidfd = received.sender.pidfd;
                        domain.watcher.command(Command::Watch { pair: Arc::downgrade(&new), pidfd });
                        (new, None)
                    }
                }
            }
        };
        self.ask(&pair, token, sought, until)
    }

    fn check_uid(&self, first: &Received) -> Result<(), BindError> {
        let Some(expected) = self.uid else { return Ok(()) };
        match first.sender.credentials {
            Some(ids) if ids.uid == expected => Ok(()),
            Some(ids) => Err(BindError::Uid { uid: ids.uid, expected }),
            None => Err(BindError::PeerMisbehaved("its first message came without the kernel's word on who sent it")),
        }
    }

    /// Connects, waiting as long as allowed for a server to appear.
    fn connect(&self, start: Instant) -> Result<(Greeting, Instant), BindError> {
        let mut nap = NAP;
        loop {
            let dir = match Dir::open(self.dir.as_deref(), false) {
                Err(DirError::Io { source, path }) if source.kind() == std::io::ErrorKind::NotFound => Err(path),
                other => Ok(other?),
            };
            let errno = match &dir {
                Ok(dir) => match dir.connect(&self.name) {
                    Ok(socket) => {
                        let until = Instant::now() + self.timeout;
                        return Ok((Greeting { socket: Ending(Some(socket)), until, timeout: self.timeout }, until));
                    }
                    Err(errno) => {
                        if matches!(errno, Errno::CONNREFUSED | Errno::PROTOTYPE) {
                            dir.check_socket(&self.name, errno)?;
                        }
                        errno
                    }
                },
                Err(_) => Errno::NOENT,
            };
            let patience = match errno {
                Errno::NOENT | Errno::CONNREFUSED => self.wait,
                // The listener's backlog is full: the server is busy with other handshakes.
                Errno::AGAIN => self.wait.max(self.timeout),
                Errno::ACCESS | Errno::PERM => {
                    return Err(BindError::Denied {
                        why: format!("the socket of {:?} is not for this user", self.name),
                    });
                }
                errno => return Err(BindError::Io { what: "connect", source: errno.into() }),
            };
            if start.elapsed() >= patience {
                if errno == Errno::AGAIN {
                    return Err(BindError::Timeout(patience));
                }
                let dir = dir.map_or_else(|path| path, |dir| dir.path);
                return Err(BindError::NotFound { name: self.name.clone(), dir });
            }
            std::thread::sleep(nap.min(patience.saturating_sub(start.elapsed())));
            nap = (nap * 2).min(NAP_MAX);
        }
    }

    fn ask(
        &self,
        pair: &Arc<ClientPair>,
        token: u64,
        sought: &Sought<'_>,
        until: Instant,
    ) -> Result<Binding, BindError> {
        let id = pair.next_id();
        let procedures = sought.wanted();
        let answer = pair.ask(&FromClient::Bind { id, token, procedures }, id, Some(until));
        let bound = match answer {
            Some(FromServer::Bound(bound)) => bound,
            Some(FromServer::Refused { why, .. }) => return Err(refused(why, sought)),
            _ if pair.half.has_ended() => return Err(BindError::Closed),
            _ => return Err(BindError::Timeout(self.timeout)),
        };
        let misplaced = BindError::PeerMisbehaved("its A-stacks are not where they belong");
        let Ok(astacks) = pair.astacks(&bound.classes) else { return Err(misplaced) };
        let interface = sought.interface()?;
        if bound.procedures.len() != interface.procedures.len() {
            return Err(BindError::PeerMisbehaved("it granted other procedures than were asked for"));
        }
        let Some(procedures) = pair.procedures(interface, &bound.procedures, &astacks) else {
            return Err(BindError::PeerMisbehaved("a procedure it granted has no A-stacks"));
        };
        if interface.gives_parcels() {
            pair.take_parcels();
        }
        let near = Near {
            pair: Arc::clone(pair),
            index: bound.binding,
            generation: bound.generation,
            procedures,
            granted: Granted {
                target: Target::new(bound.binding, bound.generation, bound.nonce),
                mode: Mode::new(self.transfer),
            },
        };
        Binding::new(near).map_err(|errno| BindError::Io { what: "map a page", source: errno.into() })
    }
}

/// Charges a uid with a connection and both regions.
fn pay(uid: u32, size: usize) -> Result<Vec<Charge>, BindError> {
    let bytes = u64::try_from(size).unwrap_or(u64::MAX).saturating_mul(2);
    let charges = QUOTA.take(Kind::Connections, uid, 1).and_then(|one| Ok(vec![one, QUOTA.charge(uid, bytes)?]));
    charges.map_err(|Exceeded { limit, per_uid, most }| BindError::Quota { limit, per_uid, most })
}

/// Binds to where a card leads. `payer`: whose account what is made for it goes on, if that is kept.
///
/// # Errors
/// As [`Binder::bind`].
pub(crate) fn bind_by_card(
    card: Foreign,
    interface: &'static Interface,
    until: Instant,
    payer: Option<u32>,
) -> Result<Binding, BindError> {
    let domain = here()?;
    let _open = handoff::open();
    let socket = match cards::knock(card) {
        Err(Errno::NOTSOCK) => return Err(BindError::PeerMisbehaved("what came for a client is no card")),
        Err(Errno::PIPE | Errno::CONNRESET) => return Err(BindError::Closed),
        other => other.map_err(|errno| BindError::Io { what: "use a card", source: errno.into() })?,
    };
    let timeout = until.saturating_duration_since(Instant::now());
    let greeting = Greeting { socket: Ending(Some(socket)), until, timeout };
    Binder { timeout, ..Binder::new("") }.bind_over(greeting, until, domain, &Sought::Own(interface), payer)
}

pub(crate) fn here() -> Result<&'static Domain, BindError> {
    domain().map_err(|no| match no {
        NoDomain::Forked => BindError::Forked,
        NoDomain::Io(what, errno) => BindError::Io { what, source: errno.into() },
    })
}

/// Makes the description of what a far client has asked for.
pub(crate) type Describe<'a> = dyn Fn() -> Result<&'static Interface, BindError> + 'a;

/// The interface that is bound to.
enum Sought<'a> {
    Own(&'static Interface),
    /// Of a far client's, only what it says: its signatures and fingerprints are not made here. It is described once the server
    /// has granted it: what is described is kept for the process's life.
    Far {
        asked: &'a [Asked],
        describe: &'a Describe<'a>,
    },
}

impl Sought<'_> {
    fn interface(&self) -> Result<&'static Interface, BindError> {
        match self {
            Self::Own(interface) => Ok(interface),
            Self::Far { describe, .. } => describe(),
        }
    }

    fn wanted(&self) -> Vec<Wanted> {
        match self {
            Self::Own(interface) => {
                let own = interface.procedures.iter();
                own.map(|own| Wanted { name: own.name.to_owned(), fingerprint: interface::fingerprint(own) }).collect()
            }
            Self::Far { asked, .. } => {
                asked.iter().map(|one| Wanted { name: one.name.clone(), fingerprint: one.fingerprint }).collect()
            }
        }
    }

    fn signature(&self, index: u16) -> Option<String> {
        match self {
            Self::Own(interface) => interface.procedures.get(usize::from(index)).map(interface::signature),
            Self::Far { asked, .. } => asked.get(usize::from(index)).map(|one| printable(&one.signature)),
        }
    }
}

fn refused(why: Refused, sought: &Sought<'_>) -> BindError {
    match why {
        Refused::Denied => BindError::Denied { why: "its clerk refused".to_owned() },
        Refused::Policy(rule) => BindError::Denied { why: rule.to_string() },
        Refused::Quota(Exceeded { limit, per_uid, most }) => BindError::Quota { limit, per_uid, most },
        Refused::NoRoom { count, frame_size } => BindError::NoRoom { count, frame_size },
        Refused::Withdrawn => BindError::Closed,
        Refused::Incompatible(which) => {
            let mut difference = String::new();
            for (index, theirs) in which {
                let Some(own) = sought.signature(index) else {
                    return BindError::PeerMisbehaved("it found differences in procedures that were not asked for");
                };
                let theirs = if theirs.is_empty() { "has no such procedure".to_owned() } else { printable(&theirs) };
                difference.push_str(&format!("  client: {own}\n  server: {theirs}\n"));
            }
            BindError::Incompatible { difference }
        }
    }
}

/// A socket of which closing cannot block, whatever the server has put into it.
struct Ending(Option<OwnedFd>);

impl Ending {
    fn keep(mut self) -> Option<OwnedFd> {
        self.0.take()
    }
}

impl AsFd for Ending {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Some(socket) => socket.as_fd(),
            None => unreachable!("taken by `keep` only, which consumes it"),
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket::hang_up(socket.as_fd());
        }
    }
}

/// A connection on which the handshake goes on.
pub(crate) struct Greeting {
    socket: Ending,
    until: Instant,
    timeout: Duration,
}

impl Greeting {
    /// On a connection that was just made.
    pub(crate) fn new(socket: OwnedFd, timeout: Duration) -> Self {
        Self { socket: Ending(Some(socket)), until: Instant::now() + timeout, timeout }
    }

    pub(crate) fn tell(&self, message: &FromClient) -> Result<(), BindError> {
        socket::send(self.socket.as_fd(), &message.to_bytes(), &[]).map_err(|errno| self.failed(errno))
    }

    fn failed(&self, errno: Errno) -> BindError {
        match errno {
            Errno::PIPE | Errno::CONNRESET => BindError::Closed,
            Errno::AGAIN => BindError::Timeout(self.timeout),
            errno => BindError::Io { what: "speak to the server", source: errno.into() },
        }
    }

    pub(crate) fn hear(&self) -> Result<(FromServer, Received), BindError> {
        self.hear_into(&mut [0; GREETING_SIZE_MAX])
    }

    /// The same, with a buffer for the largest message that may come.
    pub(crate) fn hear_into(&self, buffer: &mut [u8]) -> Result<(FromServer, Received), BindError> {
        loop {
            let received = match socket::receive(self.socket.as_fd(), buffer) {
                // A server that hung up on what we said last; what it said before that is still there, once.
                Err(Errno::CONNRESET) => socket::receive(self.socket.as_fd(), buffer),
                other => other,
            };
            if let Some(received) = received.map_err(|e| self.failed(e))? {
                if received.size == 0 {
                    return Err(BindError::Closed);
                }
                let bytes = buffer.get(..received.size).unwrap_or_default();
                let message = FromServer::from_bytes(bytes).ok().filter(|_| !received.truncated);
                let message = message.ok_or(BindError::PeerMisbehaved("a message was none of the protocol"))?;
                return Ok((message, received));
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BindError::Timeout(self.timeout));
            }
            let timeout = left.try_into().ok();
            match rustix::event::poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(self.failed(errno)),
            }
        }
    }

    /// Makes the two processes a pair.
    fn pair(
        self,
        server: [u8; 16],
        pid: Option<i32>,
        sought: &Sought<'_>,
        payer: Option<u32>,
        domain: &'static Domain,
    ) -> Result<Arc<ClientPair>, BindError> {
        socket::want_no_identity(self.socket.as_fd());
        socket::accept_descriptors(self.socket.as_fd());
        self.tell(&FromClient::Pair)?;
        let (message, received) = self.hear()?;
        let (client_size, server_size, first) = match message {
            FromServer::Regions { client_size, server_size, first } => (client_size, server_size, first),
            FromServer::Refused { why, .. } => return Err(refused(why, sought)),
            _ => return Err(BindError::PeerMisbehaved("it did not offer regions")),
        };
        let Ok([own, peer]) = <[Foreign; 2]>::try_from(received.fds) else {
            return Err(BindError::PeerMisbehaved("regions came without their descriptors"));
        };
        // From here on neither side has descriptors to send.
        let _ = socket::refuse_descriptors(self.socket.as_fd());
        let size = usize::try_from(client_size).unwrap_or(usize::MAX);
        if client_size != server_size || !(FRAMES..=REGION_SIZE_MAX).contains(&size) || first == 0 {
            return Err(BindError::PeerMisbehaved("the regions have impossible sizes"));
        }
        let held = match payer {
            Some(uid) => pay(uid, size)?,
            None => Vec::new(),
        };
        let peer_fd = peer;
        let peer = PeerRegion::map_shown(peer_fd.as_fd(), size).map_err(|_| {
            // A server that has given the handshake up has freed its region.
            if socket::is_hung_up(self.socket.as_fd()) {
                BindError::Closed
            } else {
                BindError::PeerMisbehaved("its region is not sealed memory")
            }
        })?;
        memory::check_offer(own.as_fd(), size)
            .map_err(|_| BindError::PeerMisbehaved("the region it offers is not memory of a fixed size"))?;
        let (own_fd, peer_fd) = (own.checked(), peer_fd.checked());
        let own = own_fd
            .map_or(Err(Errno::BADF), |fd| OwnRegion::map(fd.as_fd(), size))
            .map_err(|errno| BindError::Io { what: "map and pay for the region", source: errno.into() })?;
        drop(peer_fd);
        self.tell(&FromClient::Mapped)?;
        match self.hear()?.0 {
            FromServer::Ready => {}
            FromServer::Refused { why, .. } => return Err(refused(why, sought)),
            _ => return Err(BindError::PeerMisbehaved("it did not become ready")),
        }
        let half = ClientHalf::new(own, peer, first);
        let control = self.socket.keep().ok_or(BindError::Closed)?;
        Ok(Arc::new(ClientPair::new(half, control, server, pid, size, held, domain)))
    }
}
