//! The watcher: a domain's one hidden kernel thread, asleep in an epoll.
//!
//! It is the clerk's ear (listeners, control sockets) and sees deaths (pidfds, hang-ups). It is on no call's path: it
//! wakes only for a bind, a ring by message, a death, or a command of this process. Nothing it does can wait for a
//! client: sockets do not block, a handshake has a deadline, and it looks at no descriptor that a client made. An event costs
//! the same beside one connection and beside thousands, and it sleeps nowhere but in the epoll.

mod clients;
mod listeners;

use std::collections::{BTreeSet, HashMap};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use nearcall_core::channel::memory;
use nearcall_core::segments::Left;
use nearcall_core::sys::kept::Kept;
use nearcall_core::sys::milliseconds;
use nearcall_core::sys::process;
use rustix::event::{EventfdFlags, epoll};
use rustix::io::Errno;

use crate::cards::{Card, Knock};
use crate::clerk::{Exported, ServerPair};
use crate::client_pair::{ClientPair, Heard};
use crate::connection::{Admission, Connection, Step, refuse};
use crate::domain::Domain;
use crate::far::driven::Driver;
use crate::message::{Refused, SIZE_MAX};
use crate::policy::Policy;
use crate::quota::QUOTA;
use crate::segments::{self, SWEEP, SWEEP_MAX};
use clients::Clients;
use listeners::{ACCEPTS_A_TURN, Accepted, Listeners};

/// Until a processor that was seen inside a procedure is looked at again.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

/// Until a graph that was driven by threads of the program is looked at again: whether it is to be listened to. A call does not
/// pay for that, then, and what comes for a graph that nobody has driven for less than this waits as long.
const ATTEND_AGAIN: Duration = Duration::from_millis(2);

/// After the end of a pair, until its callers are woken once more.
const WAKE_AGAIN: Duration = Duration::from_millis(1);

const WAKE: u64 = 0;

#[derive(Debug)]
pub(crate) enum Command {
    /// Answer binds on a listener.
    Listen { exported: Arc<Exported>, policy: Arc<Policy>, listener: OwnedFd },
    /// Wait for a knock.
    Introduce(Box<Card>),
    /// Say which clients there are; before that, stop listening for an export, if one is named.
    Pairs { withdraw: Option<u64>, answer: Sender<Vec<Arc<ServerPair>>> },
    /// Watch a pair in which this domain is the client.
    Watch { pair: Weak<ClientPair>, pidfd: Option<OwnedFd> },
    /// Listen to the wires of a graph.
    Drive(Arc<Driver>),
    /// Nobody drives that graph any more, perhaps: look in a moment.
    Left(Arc<Driver>),
    /// Listen to them no more.
    Forget(Arc<Driver>),
}

/// The handle others have on the watcher.
#[derive(Debug)]
pub(crate) struct Watcher {
    epoll: Kept,
    wake: Arc<Kept>,
    commands: Mutex<Vec<Command>>,
    /// Something is held that is to be given back when it was not used for a while.
    sweep: AtomicBool,
    /// When to look at the calls that were started and are waited for by the signal; [`NEVER`] while there are none. In
    /// microseconds since `base`.
    look_by: AtomicU64,
    base: Instant,
}

const NEVER: u64 = u64::MAX;

impl Watcher {
    pub(crate) fn new() -> Result<Self, Errno> {
        let epoll = Kept::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let wake = Kept::new(rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&epoll, &wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        Ok(Self {
            epoll,
            wake: Arc::new(wake),
            commands: Mutex::new(Vec::new()),
            sweep: AtomicBool::new(false),
            look_by: AtomicU64::new(NEVER),
            base: Instant::now(),
        })
    }

    pub(crate) fn start(&'static self, domain: &'static Domain) -> Result<(), Errno> {
        let watch = move || {
            process::block_all_signals();
            process::roam();
            Watch {
                watcher: self,
                domain,
                sources: HashMap::new(),
                listeners: Listeners::new(),
                clients: Clients::default(),
                servers: BTreeSet::new(),
                cards: BTreeSet::new(),
                next: WAKE,
                ended: Vec::new(),
                sweep_at: None,
                sweep_after: SWEEP,
                look_at: None,
                attended: Vec::new(),
                attend_at: None,
                buffer: vec![0; SIZE_MAX],
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

    /// Has the watcher forget the servers whose pairs were dropped, and close its handles on them.
    pub(crate) fn tidy(&self) {
        ring(&self.wake);
    }

    /// Has the watcher look, until there is nothing left, for memory that nobody uses.
    pub(crate) fn want_sweep(&self) {
        if !self.sweep.swap(true, Ordering::Relaxed) {
            ring(&self.wake);
        }
    }

    /// Has the watcher look at the calls that were started, at `at` or before: whether their time is over, or their server
    /// has to be rung once more. Rings only if it would look too late.
    pub(crate) fn look_by(&self, at: Instant) {
        let at = u64::try_from(at.saturating_duration_since(self.base).as_micros()).unwrap_or(NEVER - 1);
        // SeqCst: after the call was noted. The watcher takes the word back before it looks at what is noted, so it sees the
        // call, or we see that the word was taken back.
        if self.look_by.load(Ordering::SeqCst) > at {
            self.look_by.fetch_min(at, Ordering::SeqCst);
            ring(&self.wake);
        }
    }

    fn looks_at(&self) -> Option<Instant> {
        let at = self.look_by.load(Ordering::SeqCst);
        (at != NEVER).then(|| self.base + Duration::from_micros(at))
    }

    /// Has the epoll say once when `fd`, which is known there as `key`, has something.
    pub(crate) fn listen_once(&self, fd: impl AsFd, key: u64) {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ONESHOT;
        // NOENT: it was taken out meanwhile.
        let _ = epoll::modify(&self.epoll, fd, epoll::EventData::new_u64(key), flags);
    }

    /// What wakes the watcher to do what processors ask for.
    pub(crate) fn caller(&self) -> impl Fn() + Send + Sync + 'static {
        let wake = Arc::clone(&self.wake);
        move || ring(&wake)
    }
}

fn ring(wake: &Kept) {
    // The counter cannot overflow: the watcher resets it.
    let _ = rustix::io::write(wake, &1u64.to_ne_bytes());
}

/// What an event of the epoll is about.
#[derive(Debug)]
enum Source {
    /// Details in `listeners`, by the same key.
    Listener,
    /// A control socket with a client behind it; details in `clients`, by the same key.
    Connection,
    /// Somebody may come by it.
    Card(Box<Card>),
    /// The pidfd of the client behind that connection.
    ClientDeath { of: u64, pidfd: Arc<OwnedFd> },
    /// A pair in which we are the client: its control socket.
    Server { pair: Weak<ClientPair>, death: Option<u64> },
    /// The pidfd of the server.
    ServerDeath { pair: Weak<ClientPair>, of: u64, pidfd: Kept },
    /// The wires of a graph.
    Wires(Arc<Driver>),
}

/// The thread's own state.
struct Watch {
    watcher: &'static Watcher,
    domain: &'static Domain,
    sources: HashMap<u64, Source>,
    listeners: Listeners,
    clients: Clients,
    /// The sources that are pairs in which we are the client: as many as this process bound to.
    servers: BTreeSet<u64>,
    /// When cards are over.
    cards: BTreeSet<(Instant, u64)>,
    next: u64,
    /// Pairs that have just ended; their callers are woken once more, for those that were about to sleep.
    ended: Vec<Arc<ClientPair>>,
    /// When to look next for memory that nobody uses.
    sweep_at: Option<Instant>,
    /// How long it was until then.
    sweep_after: Duration,
    /// When `look_again` is due. An instant and not a time-out, which a flood of events would put off for ever.
    look_at: Option<Instant>,
    /// Graphs that threads of the program drive, or did a moment ago.
    attended: Vec<Arc<Driver>>,
    attend_at: Option<Instant>,
    /// For messages, one at a time.
    buffer: Vec<u8>,
}

impl Watch {
    fn run(mut self) {
        let mut events = Vec::with_capacity(64);
        loop {
            let timeout = self.time_left().and_then(|left| left.try_into().ok());
            let space = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.watcher.epoll, space, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                // Nothing else can happen to an epoll that is open; were it to, a busy loop would be worse than a pause.
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
            self.clients.begin_batch();
            for event in events.drain(..) {
                self.event(event.data.u64());
            }
            self.expire();
            self.sweep();
        }
    }

    fn sweep(&mut self) {
        if self.watcher.sweep.load(Ordering::Relaxed) && (self.sweep_at.is_none() || self.sweep_after > SWEEP) {
            (self.sweep_at, self.sweep_after) = (Some(Instant::now() + SWEEP), SWEEP);
        }
        if self.sweep_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        // Before looking: what comes to be held meanwhile is looked for again.
        self.watcher.sweep.store(false, Ordering::Relaxed);
        let now = milliseconds();
        let (any, mut left) = memory::sweep(now);
        // Large calls are over.
        if any && left == Left::Nothing {
            self.domain.crew.trim();
        }
        for pair in self.domain.pairs().iter().filter_map(Weak::upgrade) {
            left = left.max(pair.sweep(now));
        }
        self.domain.sweep_left();
        for pair in self.clients.pairs() {
            left = left.max(segments::sweep_results(pair, now));
        }
        self.sweep_after = match left {
            Left::Stuck => (self.sweep_after * 2).min(SWEEP_MAX),
            Left::Nothing | Left::Young => SWEEP,
        };
        // Whoever has asked meanwhile has rung.
        self.sweep_at = (left != Left::Nothing).then(|| Instant::now() + self.sweep_after);
    }

    fn look_again(&mut self) {
        self.ended.drain(..).for_each(|pair| pair.half.wake_callers());
        let wanted = self.domain.crew.attend();
        self.domain.staff(wanted);
    }

    /// Looks at the calls that were started. While nobody waits for one, this is not asked for again.
    fn look_at_started(&mut self, now: Instant) {
        // Before looking: what is noted meanwhile asks for itself.
        self.watcher.look_by.store(NEVER, Ordering::SeqCst);
        let pairs = self.servers.iter().filter_map(|key| match self.sources.get(key) {
            Some(Source::Server { pair, .. }) => pair.upgrade(),
            _ => None,
        });
        if let Some(next) = pairs.filter_map(|pair| pair.wakers.look(&pair, now)).min() {
            self.watcher.look_by(next);
        }
    }

    fn add<F: AsFd>(&mut self, fd: F, source: impl FnOnce(F) -> Source) -> Option<u64> {
        self.next += 1;
        let data = epoll::EventData::new_u64(self.next);
        epoll::add(&self.watcher.epoll, &fd, data, epoll::EventFlags::IN | epoll::EventFlags::RDHUP).ok()?;
        self.sources.insert(self.next, source(fd));
        Some(self.next)
    }

    /// Forgets the handle on a process.
    fn remove(&mut self, key: u64) {
        match self.sources.remove(&key) {
            Some(Source::ClientDeath { pidfd, .. }) => self.watcher.forget(&pidfd),
            Some(Source::ServerDeath { pidfd, .. }) => self.watcher.forget(&pidfd),
            Some(Source::Card(card)) => {
                self.watcher.forget(card.socket());
                self.cards.remove(&(card.until(), key));
            }
            // Their sockets belong to others, who take them out themselves.
            Some(Source::Listener | Source::Connection | Source::Server { .. } | Source::Wires(_)) | None => {}
        }
    }

    fn event(&mut self, key: u64) {
        if key == WAKE {
            return self.obey();
        }
        match self.sources.get(&key) {
            Some(Source::Listener) => self.accept(key),
            Some(Source::Connection) => self.hear(key),
            Some(Source::Card(_)) => self.knocked(key),
            Some(&Source::ClientDeath { of, .. }) => self.close(of),
            Some(Source::Server { pair, .. }) => {
                // Messages first: what the server said before it died still counts.
                match pair.upgrade().map_or(Heard::Closed, |pair| pair.hear(&mut self.buffer)) {
                    Heard::All => {}
                    Heard::Closed => self.lose_server(key, true),
                    Heard::Nonsense => self.lose_server(key, false),
                }
            }
            Some(Source::ServerDeath { pair, of, .. }) => {
                let of = *of;
                if let Some(pair) = pair.upgrade() {
                    pair.hear(&mut self.buffer);
                }
                self.lose_server(of, true);
            }
            Some(Source::Wires(driver)) => {
                let driver = Arc::clone(driver);
                self.hear_wires(driver);
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
                Command::Listen { exported, policy, listener } => {
                    if let Some(key) = self.add(listener.as_fd(), |_| Source::Listener) {
                        self.listeners.insert(&self.watcher.epoll, key, exported, policy, listener);
                    }
                }
                Command::Introduce(card) => self.introduce(*card),
                Command::Pairs { withdraw, answer } => self.say_pairs(withdraw, &answer),
                Command::Watch { pair, pidfd } => self.watch(pair, pidfd),
                Command::Drive(driver) => self.drive(driver),
                Command::Left(driver) => self.attend_later(driver),
                Command::Forget(driver) => {
                    self.watcher.forget(driver.nest());
                    self.sources.remove(&driver.key());
                    self.attended.retain(|other| !Arc::ptr_eq(other, &driver));
                }
            }
        }
        let wanted = self.domain.crew.attend();
        self.domain.staff(wanted);
        // Pairs that were dropped took their sockets out of the epoll; forget the rest of them.
        let is_gone =
            |key: &u64| matches!(self.sources.get(key), Some(Source::Server { pair, .. }) if pair.strong_count() == 0);
        let gone: Vec<u64> = self.servers.iter().copied().filter(is_gone).collect();
        gone.into_iter().for_each(|key| self.lose_server(key, true));
    }

    fn watch(&mut self, pair: Weak<ClientPair>, pidfd: Option<OwnedFd>) {
        let Some(strong) = pair.upgrade() else { return };
        let Some(key) = self.add(strong.control(), |_| Source::Server { pair: Weak::clone(&pair), death: None }) else {
            return strong.end(false);
        };
        self.servers.insert(key);
        let Some(pidfd) = pidfd else { return };
        let death = self.add(Kept::new(pidfd), |pidfd| Source::ServerDeath { pair, of: key, pidfd });
        if let Some(Source::Server { death: of, .. }) = self.sources.get_mut(&key) {
            *of = death;
        }
    }

    fn drive(&mut self, driver: Arc<Driver>) {
        self.next += 1;
        let data = epoll::EventData::new_u64(self.next);
        // Without memory for one more it is polled while somebody calls, and not otherwise.
        if epoll::add(&self.watcher.epoll, driver.nest(), data, epoll::EventFlags::ONESHOT).is_ok() {
            driver.set_key(self.next);
            self.sources.insert(self.next, Source::Wires(Arc::clone(&driver)));
            self.domain.crew.add_wire(rustix::process::geteuid().as_raw(), driver);
        }
    }

    fn hear_wires(&mut self, driver: Arc<Driver>) {
        if driver.is_attended() {
            return self.attend_later(driver);
        }
        let wanted = self.domain.crew.wires_heard();
        self.domain.staff(wanted);
    }

    fn attend_later(&mut self, driver: Arc<Driver>) {
        if !self.attended.iter().any(|other| Arc::ptr_eq(other, &driver)) && driver.look() {
            self.attended.push(driver);
            self.attend_at.get_or_insert_with(|| Instant::now() + ATTEND_AGAIN);
        }
    }

    /// Has wires listened to again that nobody looks at any more.
    fn look_at_attended(&mut self, now: Instant) {
        self.attended.retain(|driver| driver.look());
        self.attend_at = (!self.attended.is_empty()).then(|| now + ATTEND_AGAIN);
    }

    /// `is_over`: the server executes nothing for us any more.
    fn lose_server(&mut self, key: u64, is_over: bool) {
        self.servers.remove(&key);
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
        if let Some((key, socket)) = withdraw.and_then(|export| self.listeners.remove(export)) {
            self.sources.remove(&key);
            self.watcher.forget(&socket);
        }
        // Who asked may have given up waiting.
        let _ = answer.send(self.clients.pairs().cloned().collect());
    }

    fn introduce(&mut self, card: Card) {
        let until = card.until();
        let socket = card.socket().as_fd();
        let data = epoll::EventData::new_u64(self.next + 1);
        // Without room for it the card is over at once, as whoever has it will see.
        if epoll::add(&self.watcher.epoll, socket, data, epoll::EventFlags::IN | epoll::EventFlags::RDHUP).is_ok() {
            self.next += 1;
            self.sources.insert(self.next, Source::Card(Box::new(card)));
            self.cards.insert((until, self.next));
        }
    }

    /// Whoever knocks is admitted like one who connects.
    fn knocked(&mut self, key: u64) {
        let Some(Source::Card(card)) = self.sources.get(&key) else { return };
        let knock = card.knocked();
        if matches!(knock, Knock::Nobody) {
            return;
        }
        self.watcher.forget(card.socket());
        self.cards.remove(&(card.until(), key));
        let Some(Source::Card(card)) = self.sources.remove(&key) else { return };
        let Knock::Somebody { socket, ids } = knock else { return };
        let now = Instant::now();
        let (connection, handshake) = match QUOTA.admit(ids.uid, now) {
            Ok(charges) => charges,
            Err(exceeded) => return refuse(&socket, Refused::Quota(exceeded)),
        };
        // Closed by the connection from now on, which looks what is left in it.
        let Some(socket) = socket.checked() else { return };
        let exported = Arc::clone(card.exported());
        let policy = Arc::clone(&exported.policy);
        let admission = Admission { ids, connection, handshake };
        let until = now + QUOTA.limits().handshake_time;
        let connection =
            Connection::new(socket, exported, policy, admission, until).introduced(card.into_introduction());
        if let Some(key) = self.add(connection.socket().as_fd(), |_| Source::Connection) {
            self.clients.insert(key, connection);
        }
    }

    fn accept(&mut self, key: u64) {
        for _ in 0..ACCEPTS_A_TURN {
            match self.listeners.accept(&self.watcher.epoll, key, Instant::now()) {
                Accepted::One(connection) => {
                    if let Some(key) = self.add(connection.socket().as_fd(), |_| Source::Connection) {
                        self.clients.insert(key, *connection);
                    }
                }
                Accepted::Refused => {}
                Accepted::Nobody => break,
            }
        }
    }

    fn hear(&mut self, key: u64) {
        let step = self.clients.hear(key, self.domain.instance, &mut self.buffer);
        let Some(connection) = self.clients.get(key) else { return };
        match step {
            Step::Go => {}
            Step::Close => return self.close(key),
            Step::Rung => {
                if let Some(pair) = connection.pair() {
                    let wanted = self.domain.crew.rung(pair);
                    self.domain.staff(wanted);
                }
            }
        }
        if let Some(pidfd) = connection.take_pidfd() {
            let death = self.add(pidfd, |pidfd| Source::ClientDeath { of: key, pidfd });
            self.clients.set_death(key, death);
        }
    }

    /// Forgets a client: its calls, running or not, go nowhere; its memory goes when the last of them has ended.
    fn close(&mut self, key: u64) {
        self.sources.remove(&key);
        let Some((connection, death)) = self.clients.remove(key) else { return };
        if let Some(death) = death {
            self.remove(death);
        }
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
        let next = [
            self.look_at,
            self.attend_at,
            self.sweep_at,
            self.clients.next_deadline(),
            self.listeners.pauses_until(),
            self.watcher.looks_at(),
            self.cards.first().map(|&(at, _)| at),
        ];
        next.into_iter().flatten().min().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Does what is due.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(late) = self.clients.late(now) {
            self.close(late);
        }
        while let Some(&(_, key)) = self.cards.first().filter(|&&(at, _)| at <= now) {
            self.remove(key);
        }
        self.listeners.resume(&self.watcher.epoll, now);
        if self.watcher.looks_at().is_some_and(|at| at <= now) {
            self.look_at_started(now);
        }
        if self.attend_at.is_some_and(|at| at <= now) {
            self.look_at_attended(now);
        }
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.look_again();
        }
        if self.look_at.is_none() {
            let looks = self.domain.crew.looks_again().then_some(LOOK_AGAIN);
            let wakes = (!self.ended.is_empty()).then_some(WAKE_AGAIN);
            self.look_at = wakes.or(looks).map(|after| now + after);
        }
    }
}
