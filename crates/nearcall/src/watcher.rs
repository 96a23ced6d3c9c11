//! The watcher: a domain's one hidden kernel thread, asleep in an epoll.
//!
//! It is the clerk's ear (listeners, control sockets) and sees deaths (pidfds, hang-ups). It is on no call's path: it
//! wakes only for a bind, a ring by message, a death, or a command of this process. Nothing it does can wait for a
//! client: sockets do not block, a handshake has a deadline, and it looks at no descriptor that a client made.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use nearcall_core::sys::process;
use rustix::event::{EventfdFlags, epoll};
use rustix::io::Errno;

use crate::binding::{ClientPair, Heard};
use crate::clerk::{Exported, ServerPair};
use crate::connection::{Connection, Step};
use crate::domain::Domain;

/// From accept to the end of the handshake.
const HANDSHAKE: Duration = Duration::from_secs(1);

/// Handshakes at one time; more connections wait in the listeners' backlogs.
const HANDSHAKE_COUNT_MAX: usize = 64;

/// Until a processor that was seen inside a procedure is looked at again.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

/// After the end of a pair, until its callers are woken once more.
const WAKE_AGAIN: Duration = Duration::from_millis(1);

const WAKE: u64 = 0;

#[derive(Debug)]
pub(crate) enum Command {
    /// Answer binds on a listener.
    Listen { exported: Arc<Exported>, listener: OwnedFd },
    /// Say which clients there are; before that, stop listening for an export, if one is named.
    Pairs { withdraw: Option<u64>, answer: Sender<Vec<Arc<ServerPair>>> },
    /// Watch a pair in which this domain is the client.
    Watch { pair: Weak<ClientPair>, pidfd: Option<OwnedFd> },
}

/// The handle others have on the watcher.
#[derive(Debug)]
pub(crate) struct Watcher {
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
    commands: Mutex<Vec<Command>>,
}

impl Watcher {
    pub(crate) fn new() -> Result<Self, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        Ok(Self { epoll, wake: Arc::new(wake), commands: Mutex::new(Vec::new()) })
    }

    pub(crate) fn start(&'static self, domain: &'static Domain) -> Result<(), Errno> {
        let watch = move || {
            process::block_all_signals();
            Watch {
                watcher: self,
                domain,
                sources: HashMap::new(),
                connections: HashMap::new(),
                next: WAKE,
                ended: Vec::new(),
            }
            .run();
        };
        let started = std::thread::Builder::new().name("nearcall-watch".into()).spawn(watch);
        started.map(|_| ()).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))
    }

    /// Takes a descriptor out of the epoll. Closing it is not enough: a forked child may hold a copy, and the entry, which
    /// then cannot be named any more, would report its events for ever.
    pub(crate) fn forget(&self, fd: impl AsFd) {
        // NOENT: it was never there, or is gone already.
        let _ = epoll::delete(&self.epoll, fd);
    }

    pub(crate) fn command(&self, command: Command) {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        ring(&self.wake);
    }

    /// What wakes the watcher to do what processors ask for.
    pub(crate) fn caller(&self) -> impl Fn() + Send + Sync + 'static {
        let wake = Arc::clone(&self.wake);
        move || ring(&wake)
    }
}

fn ring(wake: &OwnedFd) {
    // The counter cannot overflow: the watcher resets it.
    let _ = rustix::io::write(wake, &1u64.to_ne_bytes());
}

/// What an event of the epoll is about.
#[derive(Debug)]
enum Source {
    Listener {
        exported: Arc<Exported>,
        listener: OwnedFd,
    },
    /// A control socket with a client behind it; details in `connections`, by the same key.
    Connection,
    /// The pidfd of the client behind that connection.
    ClientDeath {
        of: u64,
        pidfd: Arc<OwnedFd>,
    },
    /// A pair in which we are the client: its control socket.
    Server {
        pair: Weak<ClientPair>,
        death: Option<u64>,
    },
    /// The pidfd of the server.
    ServerDeath {
        pair: Weak<ClientPair>,
        of: u64,
        pidfd: OwnedFd,
    },
}

/// The thread's own state.
struct Watch {
    watcher: &'static Watcher,
    domain: &'static Domain,
    sources: HashMap<u64, Source>,
    connections: HashMap<u64, Connection>,
    next: u64,
    /// Pairs that have just ended; their callers are woken once more, for those that were about to sleep.
    ended: Vec<Arc<ClientPair>>,
}

impl Watch {
    fn run(mut self) {
        let mut events = Vec::with_capacity(64);
        loop {
            let timeout = self.time_left().and_then(|left| left.try_into().ok());
            let space = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.watcher.epoll, space, timeout.as_ref()) {
                Ok(0) => self.look_again(),
                Ok(_) | Err(Errno::INTR) => {}
                // Nothing else can happen to an epoll that is open; were it to, a busy loop would be worse than a pause.
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
            for event in events.drain(..) {
                self.event(event.data.u64());
            }
            self.expire();
        }
    }

    fn look_again(&mut self) {
        self.ended.drain(..).for_each(|pair| pair.half.wake_callers());
        let wanted = self.domain.crew.attend();
        self.domain.staff(wanted);
    }

    fn add<F: AsFd>(&mut self, fd: F, source: impl FnOnce(F) -> Source) -> Option<u64> {
        self.next += 1;
        let data = epoll::EventData::new_u64(self.next);
        epoll::add(&self.watcher.epoll, &fd, data, epoll::EventFlags::IN | epoll::EventFlags::RDHUP).ok()?;
        self.sources.insert(self.next, source(fd));
        Some(self.next)
    }

    fn remove(&mut self, key: u64) {
        match self.sources.remove(&key) {
            Some(Source::Listener { listener: fd, .. }) => self.watcher.forget(&fd),
            Some(Source::ClientDeath { pidfd, .. }) => self.watcher.forget(&pidfd),
            Some(Source::ServerDeath { pidfd, .. }) => self.watcher.forget(&pidfd),
            // Their sockets belong to connections and pairs, which take them out themselves.
            Some(Source::Connection | Source::Server { .. }) | None => {}
        }
    }

    fn remove_if(&mut self, which: impl Fn(&Source) -> bool) {
        let keys: Vec<u64> = self.sources.iter().filter(|(_, source)| which(source)).map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| self.remove(key));
    }

    fn event(&mut self, key: u64) {
        if key == WAKE {
            return self.obey();
        }
        match self.sources.get(&key) {
            Some(Source::Listener { .. }) => self.accept(key),
            Some(Source::Connection) => self.hear(key),
            Some(&Source::ClientDeath { of, .. }) => self.close(of),
            Some(Source::Server { pair, .. }) => {
                // Messages first: what the server said before it died still counts.
                match pair.upgrade().map_or(Heard::Closed, |pair| pair.hear()) {
                    Heard::All => {}
                    Heard::Closed => self.lose_server(key, true),
                    Heard::Nonsense => self.lose_server(key, false),
                }
            }
            Some(Source::ServerDeath { pair, of, .. }) => {
                let of = *of;
                if let Some(pair) = pair.upgrade() {
                    pair.hear();
                }
                self.lose_server(of, true);
            }
            None => {}
        }
    }

    fn obey(&mut self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&*self.watcher.wake, &mut count);
        let commands = std::mem::take(&mut *self.watcher.commands.lock().unwrap_or_else(PoisonError::into_inner));
        for command in commands {
            match command {
                Command::Listen { exported, listener } => {
                    self.add(listener, |listener| Source::Listener { exported, listener });
                }
                Command::Pairs { withdraw, answer } => self.say_pairs(withdraw, &answer),
                Command::Watch { pair, pidfd } => self.watch(pair, pidfd),
            }
        }
        let wanted = self.domain.crew.attend();
        self.domain.staff(wanted);
        // Pairs that were dropped took their sockets out of the epoll; forget the rest of them.
        let gone: Vec<u64> = self
            .sources
            .iter()
            .filter(|(_, source)| matches!(source, Source::Server { pair, .. } if pair.strong_count() == 0))
            .map(|(key, _)| *key)
            .collect();
        gone.into_iter().for_each(|key| self.lose_server(key, true));
    }

    fn watch(&mut self, pair: Weak<ClientPair>, pidfd: Option<OwnedFd>) {
        let Some(strong) = pair.upgrade() else { return };
        let Some(key) = self.add(strong.control(), |_| Source::Server { pair: Weak::clone(&pair), death: None }) else {
            return strong.end(false);
        };
        let Some(pidfd) = pidfd else { return };
        let death = self.add(pidfd, |pidfd| Source::ServerDeath { pair, of: key, pidfd });
        if let Some(Source::Server { death: of, .. }) = self.sources.get_mut(&key) {
            *of = death;
        }
    }

    /// `is_over`: the server executes nothing for us any more.
    fn lose_server(&mut self, key: u64, is_over: bool) {
        if let Some(Source::Server { pair, death }) = self.sources.remove(&key) {
            if let Some(pair) = pair.upgrade() {
                self.watcher.forget(pair.control());
                pair.end(is_over);
                self.ended.push(pair);
            }
            if let Some(death) = death {
                self.remove(death);
            }
        }
    }

    fn say_pairs(&mut self, withdraw: Option<u64>, answer: &Sender<Vec<Arc<ServerPair>>>) {
        if withdraw.is_some() {
            self.remove_if(
                |source| matches!(source, Source::Listener { exported, .. } if Some(exported.id) == withdraw),
            );
        }
        // Who asked may have given up waiting.
        let _ = answer.send(self.connections.values().filter_map(Connection::pair).cloned().collect());
    }

    fn accept(&mut self, key: u64) {
        let Some(Source::Listener { exported, listener }) = self.sources.get(&key) else { return };
        if self.connections.values().filter(|connection| connection.pair().is_none()).count() >= HANDSHAKE_COUNT_MAX {
            // Their deadline makes room; until then this is looked at again with every event.
            return std::thread::sleep(Duration::from_millis(1));
        }
        let flags = rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK;
        let socket = match rustix::net::accept_with(listener, flags) {
            Ok(socket) => socket,
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => return,
            // No descriptor or memory left: the client waits in the backlog, and this thread must not spin on it.
            Err(_) => return std::thread::sleep(Duration::from_millis(10)),
        };
        let connection = Connection::new(socket, Arc::clone(exported), Instant::now());
        if let Some(key) = self.add(connection.socket().as_fd(), |_| Source::Connection) {
            self.connections.insert(key, connection);
        }
    }

    fn hear(&mut self, key: u64) {
        let Some(mut connection) = self.connections.remove(&key) else { return };
        let connections = &self.connections;
        let by_token = |token: u64| connections.values().find_map(|other| other.redeem(token));
        let step = connection.hear(self.domain.instance, by_token);
        match step {
            Step::Go => {}
            Step::Close => {
                self.connections.insert(key, connection);
                return self.close(key);
            }
            Step::Rung => {
                if let Some(pair) = connection.pair() {
                    let wanted = self.domain.crew.rung(pair);
                    self.domain.staff(wanted);
                }
            }
        }
        if let Some(pidfd) = connection.take_pidfd() {
            self.add(pidfd, |pidfd| Source::ClientDeath { of: key, pidfd });
        }
        self.connections.insert(key, connection);
    }

    /// Forgets a client: its calls, running or not, go nowhere; its memory goes when the last of them has ended.
    fn close(&mut self, key: u64) {
        self.sources.remove(&key);
        self.remove_if(|source| matches!(source, Source::ClientDeath { of, .. } if *of == key));
        let Some(connection) = self.connections.remove(&key) else { return };
        // The pair has a duplicate of the socket and may outlive this, inside a procedure; the epoll would go on
        // reporting the hang-up until the last of them is closed.
        self.watcher.forget(connection.socket());
        if let Some(pair) = connection.pair() {
            nearcall_core::transfer::crew::Pair::half(&**pair).end();
            self.domain.crew.forget(pair);
            pair.depart();
            // The pair's duplicate would keep the connection open while a procedure runs.
            let _ = rustix::net::shutdown(connection.socket(), rustix::net::Shutdown::Both);
        }
    }

    fn time_left(&self) -> Option<Duration> {
        if !self.ended.is_empty() {
            return Some(WAKE_AGAIN);
        }
        if self.domain.crew.looks_again() {
            return Some(LOOK_AGAIN);
        }
        let since = self.connections.values().filter(|c| c.pair().is_none()).map(Connection::since).min()?;
        Some(HANDSHAKE.saturating_sub(since.elapsed()))
    }

    fn expire(&mut self) {
        let late: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.pair().is_none() && connection.since().elapsed() >= HANDSHAKE)
            .map(|(key, _)| *key)
            .collect();
        late.into_iter().for_each(|key| self.close(key));
    }
}
