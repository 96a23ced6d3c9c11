//! A server that offers and answers whatever it is told to.
//!
//! A test gives [`Liar::start`] what to do with each connection; the functions here are the honest steps it may do
//! otherwise.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nearcall_layout::pair::{self, AstackClass, FRAMES, REGION_SIZE, client, poll, reply, request, server, stamp};
use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags};

use crate::message::{self, Grant, Message};
use crate::packet::{Connection, Heard, Listener};
use crate::raw::Raw;

/// A thread that listens on a name and does the same with every client.
#[derive(Debug)]
pub struct Liar {
    listener: Arc<Listener>,
}

impl Liar {
    /// Listens as `name` in `dir`.
    ///
    /// # Panics
    /// If it cannot.
    #[must_use]
    pub fn start(dir: &Path, name: &str, lie: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        let listener = Arc::new(Listener::bind(dir, name).expect("a free name"));
        let accepting = Arc::clone(&listener);
        let lie = Arc::new(lie);
        std::thread::spawn(move || {
            while let Ok(connection) = accepting.accept() {
                let lie = Arc::clone(&lie);
                // A client that goes away in the middle makes an honest step panic; that ends this connection.
                std::thread::spawn(move || lie(connection));
            }
        });
        Self { listener }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.listener.close();
    }
}

/// A memory file as a server should make it, or with less.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Bytes.
    pub size: usize,
    /// Whether every byte is there.
    pub allocated: bool,
    /// Seals.
    pub seals: SealFlags,
}

/// What a reader asks of its writer's region.
pub const READ_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// What a writer asks of the region it is given.
pub const WRITE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW);

impl Memory {
    /// A segment of the server's, as it should be.
    #[must_use]
    pub const fn shown(size: usize) -> Self {
        Self { size, allocated: true, seals: READ_SEALS }
    }

    /// A segment for the client to write, as it should be.
    #[must_use]
    pub const fn offered(size: usize) -> Self {
        Self { size, allocated: false, seals: WRITE_SEALS }
    }

    /// The server's own region, as it should be.
    pub const SERVER: Self = Self { size: REGION_SIZE, allocated: true, seals: READ_SEALS };
    /// The client's, before the client has mapped it.
    pub const CLIENT: Self = Self { size: REGION_SIZE, allocated: false, seals: WRITE_SEALS };

    /// Makes it; maps it for writing before it is sealed. What a reader is to have is open for reading only, as an honest
    /// server's is.
    ///
    /// # Panics
    /// If the kernel has no memory.
    #[must_use]
    pub fn make(self) -> (OwnedFd, Raw) {
        let fd = rustix::fs::memfd_create("hostile", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memfd");
        let bytes = u64::try_from(self.size).expect("a size");
        rustix::fs::ftruncate(&fd, bytes).expect("a size");
        if self.allocated {
            rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, bytes).expect("memory");
        }
        let map = Raw::map(&fd, self.size, true).expect("an unsealed file");
        rustix::fs::fcntl_add_seals(&fd, self.seals).expect("a new file");
        if !self.seals.contains(READ_SEALS) {
            return (fd, map);
        }
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        (rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).expect("our own file"), map)
    }
}

/// Hears hello, says welcome.
///
/// # Panics
/// If the client does not say hello.
pub fn welcome(connection: &Connection) {
    assert!(matches!(connection.must_hear().0, Message::Hello(..)), "no hello");
    // Another server each time: a client that knows an instance of this process would use the pair it has.
    static LIVES: AtomicU64 = AtomicU64::new(1);
    let mut instance = [9; 16];
    instance[..8].copy_from_slice(&LIVES.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    connection.say(&message::welcome(pair::VERSION, instance, 77)).expect("an open socket");
}

/// Hears the wish for a pair; offers these descriptors as regions of [`REGION_SIZE`].
///
/// # Panics
/// If the client does not ask for a pair.
pub fn offer(connection: &Connection, fds: &[OwnedFd]) {
    assert_eq!(connection.must_hear().0, Message::Pair);
    let size = u32::try_from(REGION_SIZE).expect("small");
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    connection.say_with(&message::regions(size, size, 1), &fds).expect("an open socket");
}

/// Bytes of every frame a liar grants.
pub const FRAME_SIZE: u32 = 1536;

/// The pair from the liar's side.
#[derive(Debug)]
pub struct Server {
    /// The control socket.
    pub connection: Connection,
    /// The region this side writes.
    pub own: Raw,
    /// The client's.
    pub peer: Raw,
    /// The sequence number of the next request.
    pub next: u32,
}

/// A request as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Its sequence number.
    pub sequence: u32,
    /// The procedure.
    pub procedure: u16,
    /// The A-stack.
    pub astack: u16,
    /// [`request`]'s flags.
    pub flags: u16,
}

/// What a client wants.
#[derive(Debug)]
pub enum Wish {
    /// A call.
    Request(Request),
    /// Something that it said, and the descriptors with it.
    Question(Message, Vec<OwnedFd>),
}

impl Server {
    /// Does the handshake as it should be done, up to the question for a binding, which is returned.
    ///
    /// # Panics
    /// If the client does not play along.
    #[must_use]
    pub fn pair(connection: Connection) -> (Self, u32, usize) {
        welcome(&connection);
        let (client_fd, _) = Memory::CLIENT.make();
        let (server_fd, own) = Memory::SERVER.make();
        let peer = Raw::map(&client_fd, REGION_SIZE, false).expect("a region");
        offer(&connection, &[client_fd, server_fd]);
        assert_eq!(connection.must_hear().0, Message::Mapped);
        connection.say(message::READY).expect("an open socket");
        let (Message::Bind(id, _, procedures), _) = connection.must_hear() else { panic!("no question") };
        (Self { connection, own, peer, next: 1 }, id, procedures.len())
    }

    /// The binding an honest server would grant: one class of five A-stacks for all.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn grant(id: u32, procedures: usize) -> Grant {
        let offset = u32::try_from(FRAMES).expect("small");
        Grant {
            id,
            binding: 0,
            generation: 1,
            nonce: 5,
            classes: vec![AstackClass { frame_size: FRAME_SIZE, count: 5, first: 0, offset }],
            procedures: (0..u16::try_from(procedures).expect("few")).map(|index| (index, 0)).collect(),
        }
    }

    /// [`pair`](Self::pair), then the grant.
    #[must_use]
    pub fn honest(connection: Connection) -> Self {
        let (server, id, procedures) = Self::pair(connection);
        server.connection.say(&message::bound(&Self::grant(id, procedures))).expect("an open socket");
        server.own.store(server::STATUS, poll::word(poll::POLLED, u16::MAX));
        server
    }

    /// The next request; `None` when the client hung up, or after `patience`. Whoever asks for memory or A-stacks meanwhile
    /// hears that there are none.
    pub fn request(&mut self, patience: Duration) -> Option<Request> {
        let start = Instant::now();
        loop {
            match self.wish(patience.saturating_sub(start.elapsed()))? {
                Wish::Request(request) => return Some(request),
                Wish::Question(question, _) => self.deny(&question),
            }
        }
    }

    /// Says no to a question.
    pub fn deny(&self, question: &Message) {
        if let Message::Segment(id, ..)
        | Message::SegmentMapped(id)
        | Message::Show(id, _)
        | Message::Grow(id, _)
        | Message::Introduce(id, ..) = question
        {
            let _ = self.connection.try_say(&message::no_memory(*id));
        }
    }

    /// Says no to all that has been asked so far; `false` when the client hung up.
    #[must_use]
    pub fn deny_all(&self) -> bool {
        loop {
            match self.connection.hear(Duration::ZERO) {
                Heard::Message(question, _) => self.deny(&question),
                Heard::Nonsense(_) => {}
                Heard::Silence => return true,
                Heard::Closed => return false,
            }
        }
    }

    /// The next request, or the next message; `None` when the client hung up, or after `patience`.
    pub fn wish(&mut self, patience: Duration) -> Option<Wish> {
        let start = Instant::now();
        let at = client::line(self.next);
        while pair::sequence(self.peer.load(at)) != self.next {
            match self.connection.hear(Duration::ZERO) {
                Heard::Message(question, fds) => return Some(Wish::Question(question, fds)),
                Heard::Closed => return None,
                Heard::Silence | Heard::Nonsense(_) => {}
            }
            if start.elapsed() > patience {
                return None;
            }
            std::thread::sleep(Duration::from_micros(20));
        }
        Some(Wish::Request(self.take()))
    }

    /// Takes the request that is there.
    fn take(&mut self) -> Request {
        let at = client::line(self.next);
        let what = self.peer.load(at + request::WHAT * 8);
        let sequence = self.next;
        self.next += 1;
        let field = |shift: u32| u16::try_from((what >> shift) & 0xffff).expect("16 bits");
        let flags = pair::middle(self.peer.load(at));
        Request { sequence, procedure: field(16), astack: field(32), flags }
    }

    /// Writes down how far a call got.
    pub fn stamp(&self, request: &Request, how_far: u64) {
        self.own.store(server::stamp(usize::from(request.astack)), u64::from(request.sequence) | how_far);
    }

    /// The offset of the reply half of a call.
    #[must_use]
    pub fn half(request: &Request) -> usize {
        Self::grant(0, 1).classes[0].frame(request.astack)
    }

    /// Answers under any sequence number. `tail` is the whole word: [`reply::places`].
    pub fn answer_as(&self, request: &Request, sequence: u32, status: u16, tail: u64, head: &[u8]) {
        let at = server::reply(usize::from(request.astack));
        let mut bytes = [0; 40];
        bytes[..head.len()].copy_from_slice(head);
        self.own.store(at + reply::TAIL * 8, tail);
        for (i, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
            self.own.store(at + (reply::RESULTS + i) * 8, u64::from_le_bytes(*word));
        }
        self.own.store(at, reply::first(sequence, status));
        self.own.wake(at);
    }

    /// Answers.
    pub fn answer(&self, request: &Request, status: u16, tail: u64, head: &[u8]) {
        self.stamp(request, stamp::STARTED);
        self.answer_as(request, request.sequence, status, tail, head);
    }

    /// Answers every request in the same way until the client hangs up.
    pub fn serve(mut self, mut answer: impl FnMut(&Self, &Request)) {
        while let Some(request) = self.request(Duration::from_secs(60)) {
            answer(&self, &request);
        }
    }

    /// Waits until the client hangs up, and says no to whatever it asks for.
    pub fn until_closed(&self) {
        loop {
            match self.connection.hear(Duration::from_secs(60)) {
                Heard::Message(question, _) => self.deny(&question),
                Heard::Nonsense(_) => {}
                Heard::Closed | Heard::Silence => return,
            }
        }
    }
}
