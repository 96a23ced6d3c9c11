//! Binding: from a name to a capability.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nearcall_core::channel::client::{ClientHalf, Target};
use nearcall_core::shm::{OwnRegion, PeerRegion};
use nearcall_core::sys::memory;
use nearcall_core::sys::socket::{self, Received};
use nearcall_core::transfer::caller::Callee;
use nearcall_core::transfer::mode::{Mode, Transfer};
use nearcall_layout::pair::{FRAMES, REGION_SIZE_MAX, VERSION};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::binding::{Binding, ClientPair, Near, Procedure, patience};
use crate::domain::{Domain, NoDomain, domain};
use crate::error::{BindError, DirError};
use crate::interface;
use crate::message::{FromClient, FromServer, Refused, SIZE_MAX, Wanted};
use crate::names::{self, Dir};
use crate::rt::Interface;
use crate::watcher::Command;

/// A client of some interface. Implemented by generated clients.
pub trait Client: Sized {
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
}

/// How long the handshake may take: it is four messages.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// Between the first two looks for a server; later ones are further apart.
const NAP: Duration = Duration::from_millis(1);

impl Binder {
    /// A bind to `name` in the default directory, without waiting for a server.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), dir: None, wait: Duration::ZERO, timeout: HANDSHAKE, transfer: Transfer::Auto }
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

    /// Binds.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind<C: Client>(self) -> Result<C, BindError> {
        if self.name.contains("://") {
            return Err(BindError::Unsupported(self.name));
        }
        names::check(&self.name)?;
        let domain = domain().map_err(|no| match no {
            NoDomain::Forked => BindError::Forked,
            NoDomain::Io(what, errno) => BindError::Io { what, source: errno.into() },
        })?;
        let start = Instant::now();
        loop {
            match self.bind_once(domain, C::INTERFACE, start) {
                // A server that died in the handshake: the next one is waited for like the first.
                Err(BindError::Closed) if start.elapsed() < self.wait => std::thread::sleep(NAP),
                other => return other.map(C::from_binding),
            }
        }
    }

    fn bind_once(
        &self,
        domain: &'static Domain,
        interface: &'static Interface,
        start: Instant,
    ) -> Result<Binding, BindError> {
        let (greeting, until) = self.connect(start)?;
        greeting.tell(&FromClient::Hello { version: VERSION, instance: domain.instance })?;
        let (welcome, received) = greeting.hear()?;
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
                let new = greeting.pair(instance, pid)?;
                let mut pairs = domain.pairs();
                pairs.retain(|pair| pair.strong_count() > 0);
                match pairs.iter().filter_map(Weak::upgrade).find(is_it) {
                    // Another thread was faster. The token is that of the new pair's connection, which is needed until
                    // it is redeemed, and then goes with the pair.
                    Some(first) => {
                        drop(pairs);
                        let binding = self.ask(&first, token, interface, until);
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
        self.ask(&pair, token, interface, until)
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
                        return Ok((Greeting { socket, until, timeout: self.timeout }, until));
                    }
                    Err(errno) => errno,
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
            nap = (nap * 2).min(Duration::from_millis(20));
        }
    }

    fn ask(
        &self,
        pair: &Arc<ClientPair>,
        token: u64,
        interface: &'static Interface,
        until: Instant,
    ) -> Result<Binding, BindError> {
        static IDS: AtomicU32 = AtomicU32::new(1);
        let id = IDS.fetch_add(1, Ordering::Relaxed);
        let procedures: Vec<Wanted> = interface
            .procedures
            .iter()
            .map(|own| Wanted { name: own.name.to_owned(), fingerprint: interface::fingerprint(own) })
            .collect();
        let answer = pair.ask(&FromClient::Bind { id, token, procedures }, id, until);
        let bound = match answer {
            Some(FromServer::Bound(bound)) => bound,
            Some(FromServer::Refused { why, .. }) => return Err(refused(why, interface)),
            _ if pair.half.has_ended() => return Err(BindError::Closed),
            _ => return Err(BindError::Timeout(self.timeout)),
        };
        let misplaced = BindError::PeerMisbehaved("its A-stacks are not where they belong");
        let Ok(astacks) = pair.astacks(&bound.classes) else { return Err(misplaced) };
        if bound.procedures.len() != interface.procedures.len() {
            return Err(BindError::PeerMisbehaved("it granted other procedures than were asked for"));
        }
        let procedures = bound.procedures.iter().zip(interface.procedures).map(|(&(procedure, class), own)| {
            let timeout = patience(own.timeout);
            let target = Target::new(bound.binding, procedure, bound.generation, bound.nonce).within(timeout);
            let astacks = Arc::clone(astacks.get(usize::from(class))?);
            Some(Procedure { callee: Callee { target, timeout }, astacks })
        });
        let Some(procedures) = procedures.collect() else {
            return Err(BindError::PeerMisbehaved("a procedure it granted has no A-stacks"));
        };
        let near = Near {
            pair: Arc::clone(pair),
            index: bound.binding,
            generation: bound.generation,
            procedures,
            transfer: Mode::new(self.transfer),
        };
        Binding::new(near).map_err(|errno| BindError::Io { what: "map a page", source: errno.into() })
    }
}

fn refused(why: Refused, interface: &'static Interface) -> BindError {
    match why {
        Refused::Denied => BindError::Denied { why: "its clerk refused".to_owned() },
        Refused::NoRoom { count, frame_size } => BindError::NoRoom { count, frame_size },
        Refused::Withdrawn => BindError::Closed,
        Refused::Incompatible(which) => {
            let mut difference = String::new();
            for (index, theirs) in which {
                let ours = interface.procedures.get(usize::from(index)).map(interface::signature).unwrap_or_default();
                let theirs = if theirs.is_empty() { "has no such procedure" } else { theirs.as_str() };
                difference.push_str(&format!("  client: {ours}\n  server: {theirs}\n"));
            }
            BindError::Incompatible { difference }
        }
    }
}

/// A connection on which the handshake goes on.
pub(crate) struct Greeting {
    socket: OwnedFd,
    until: Instant,
    timeout: Duration,
}

impl Greeting {
    /// On a connection that was just made.
    pub(crate) fn new(socket: OwnedFd, timeout: Duration) -> Self {
        Self { socket, until: Instant::now() + timeout, timeout }
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
        let mut buffer = vec![0; SIZE_MAX];
        loop {
            if let Some(received) = socket::receive(self.socket.as_fd(), &mut buffer).map_err(|e| self.failed(e))? {
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
    fn pair(self, server: [u8; 16], pid: Option<i32>) -> Result<Arc<ClientPair>, BindError> {
        self.tell(&FromClient::Pair)?;
        let (message, received) = self.hear()?;
        let FromServer::Regions { client_size, server_size, first } = message else {
            return Err(BindError::PeerMisbehaved("it did not offer regions"));
        };
        let Ok([own, peer]) = <[OwnedFd; 2]>::try_from(received.fds) else {
            return Err(BindError::PeerMisbehaved("regions came without their descriptors"));
        };
        // From here on neither side has descriptors to send.
        let _ = socket::refuse_descriptors(self.socket.as_fd());
        let size = usize::try_from(client_size).unwrap_or(usize::MAX);
        if client_size != server_size || !(FRAMES..=REGION_SIZE_MAX).contains(&size) || first == 0 {
            return Err(BindError::PeerMisbehaved("the regions have impossible sizes"));
        }
        let peer = PeerRegion::map(peer.as_fd(), size)
            .map_err(|_| BindError::PeerMisbehaved("its region is not sealed memory"))?;
        memory::check_offer(own.as_fd(), size)
            .map_err(|_| BindError::PeerMisbehaved("the region it offers is not memory of a fixed size"))?;
        let own = OwnRegion::map(own.as_fd(), size)
            .map_err(|errno| BindError::Io { what: "map and pay for the region", source: errno.into() })?;
        self.tell(&FromClient::Mapped)?;
        let (FromServer::Ready, _) = self.hear()? else {
            return Err(BindError::PeerMisbehaved("it did not become ready"));
        };
        let half = ClientHalf::new(own, peer, first);
        Ok(Arc::new(ClientPair::new(half, self.socket, server, pid, size)))
    }
}
