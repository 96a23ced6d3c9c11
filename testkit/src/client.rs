//! A client that says and writes whatever it is told to.
//!
//! ```text
//! Greeted::new --Hello, Welcome--> Greeted::pair --Pair, Regions, Mapped, Ready--> Client --publish, answer--> Outcome
//! ```

use std::hash::Hasher;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_layout::pair::{self, AstackClass, armed, client, poll, reply, request, server};
use siphasher::sip::SipHasher13;

use crate::message::{self, Grant, Message, Refused};
use crate::packet::{Connection, Heard};
use crate::random::Random;
use crate::raw::Raw;

/// A connection on which the server said welcome.
#[derive(Debug)]
pub struct Greeted {
    /// The control socket.
    pub connection: Connection,
    /// What the server gave for a bind on this connection.
    pub token: u64,
}

impl Greeted {
    /// Connects and says hello.
    ///
    /// # Panics
    /// Unless the server says welcome.
    #[must_use]
    pub fn new(dir: &Path, name: &str) -> Self {
        let connection = Connection::connect(dir, name).expect("somebody listens");
        connection.say(&message::hello(pair::VERSION, [7; 16])).expect("an open socket");
        let (Message::Welcome(_, _, token), _) = connection.must_hear() else { panic!("no welcome") };
        Self { connection, token }
    }

    /// Names and fingerprints of the export's procedures, as the server describes it; `None` if it does not.
    #[must_use]
    pub fn described(&self) -> Option<Vec<(String, u64)>> {
        let mut report = Vec::new();
        loop {
            self.connection.say(&message::describe(u32::try_from(report.len()).ok()?)).ok()?;
            let Heard::Message(Message::Description(total, page), _) = self.connection.hear(Duration::from_secs(5))
            else {
                return None;
            };
            report.extend(&page);
            match usize::try_from(total).ok()? {
                total if report.len() >= total => return message::described(&report),
                _ if page.is_empty() => return None,
                _ => {}
            }
        }
    }

    /// Asks for regions.
    ///
    /// # Panics
    /// Unless the server offers some.
    #[must_use]
    pub fn offered(&self) -> Offer {
        self.connection.say(message::PAIR).expect("an open socket");
        let (Message::Regions(size, _, first), fds) = self.connection.must_hear() else { panic!("no regions") };
        let [own, peer] = <[OwnedFd; 2]>::try_from(fds).expect("two descriptors");
        Offer { own, peer, size: usize::try_from(size).expect("a size"), first }
    }

    /// Does the rest of the handshake as it should be done.
    ///
    /// # Panics
    /// If the server does not.
    #[must_use]
    pub fn pair(self) -> Client {
        let Offer { own, peer, size, first } = self.offered();
        rustix::fs::fallocate(&own, rustix::fs::FallocateFlags::empty(), 0, u64::try_from(size).expect("a size"))
            .expect("memory");
        let region = Raw::map(&own, size, true).expect("our own region");
        let theirs = Raw::map(&peer, size, false).expect("the server's region");
        assert!(Raw::map(&peer, size, true).is_err(), "the server's region can be mapped for writing");
        self.connection.say(message::MAPPED).expect("an open socket");
        let (Message::Ready, _) = self.connection.must_hear() else { panic!("not ready") };
        Client {
            connection: self.connection,
            token: self.token,
            own: Arc::new(region),
            peer: theirs,
            next: first,
            cpu: None,
        }
    }
}

/// Regions that were offered and not mapped yet.
#[derive(Debug)]
pub struct Offer {
    /// Ours.
    pub own: OwnedFd,
    /// The server's.
    pub peer: OwnedFd,
    /// Bytes of each.
    pub size: usize,
    /// The first sequence number.
    pub first: u32,
}

/// A pair, from a side that keeps no rules.
#[derive(Debug)]
pub struct Client {
    /// The control socket.
    pub connection: Connection,
    /// See [`Greeted::token`].
    pub token: u64,
    /// The region this side writes.
    pub own: Arc<Raw>,
    /// The server's.
    pub peer: Raw,
    /// The sequence number of the next request.
    pub next: u32,
    /// The CPU that requests say they come from; `None`: the one they do come from.
    pub cpu: Option<u16>,
}

/// A request line but for its first word.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line {
    /// Index of the binding.
    pub binding: u16,
    /// The procedure.
    pub procedure: u16,
    /// The A-stack.
    pub astack: u16,
    /// Generation of the binding.
    pub generation: u32,
    /// Nonce of the binding.
    pub nonce: u32,
    /// [`request`]'s flags.
    pub flags: u16,
    /// Arguments.
    pub words: [u64; 5],
}

impl Line {
    /// A call of `procedure` as `grant` allows it, on the first A-stack of its class.
    #[must_use]
    pub fn of(grant: &Grant, procedure: usize) -> Self {
        let (index, class) = grant.procedures[procedure];
        Self::to(grant, index, class.into())
    }

    /// A call of the server's procedure `procedure`, on the first A-stack of a class.
    #[must_use]
    pub fn to(grant: &Grant, procedure: u16, class: usize) -> Self {
        Self {
            binding: grant.binding,
            procedure,
            astack: grant.classes.get(class).map_or(0, |class| class.first),
            generation: grant.generation,
            nonce: grant.nonce,
            flags: 0,
            words: [0; 5],
        }
    }

    /// With arguments: bytes as they lie in the head.
    #[must_use]
    pub fn with(mut self, head: &[u8]) -> Self {
        let mut bytes = [0; 40];
        bytes[..head.len()].copy_from_slice(head);
        for (word, bytes) in self.words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        self
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A reply line.
    Answer {
        /// [`pair::status`].
        status: u16,
        /// Where the tail is, and the areas: [`reply::places`].
        tail: u64,
        /// Results.
        words: [u64; 5],
    },
    /// The server closed the pair.
    Closed,
    /// Nothing in time.
    Silence,
}

impl Outcome {
    /// The status of an answer.
    #[must_use]
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(status),
            Self::Closed | Self::Silence => None,
        }
    }
}

impl Client {
    /// Does the whole handshake.
    #[must_use]
    pub fn new(dir: &Path, name: &str) -> Self {
        Greeted::new(dir, name).pair()
    }

    /// Asks for a binding to procedures by name. The fingerprints are learnt from the server's own refusal.
    ///
    /// # Panics
    /// If the server does not grant it.
    #[must_use]
    pub fn bind(&self, procedures: &[&str]) -> Grant {
        let mut wanted: Vec<_> = procedures.iter().map(|&name| (name.to_owned(), 0)).collect();
        self.connection.say(&message::bind(1, self.token, &wanted)).expect("an open socket");
        let (Message::Refused(1, Refused::Incompatible(theirs)), _) = self.connection.must_hear() else {
            panic!("no difference")
        };
        for (index, signature) in theirs {
            wanted[usize::from(index)].1 = fingerprint(&signature);
        }
        self.bind_to(&wanted)
    }

    /// Asks for a binding to procedures by name and fingerprint.
    ///
    /// # Panics
    /// If the server does not grant it.
    #[must_use]
    pub fn bind_to(&self, procedures: &[(String, u64)]) -> Grant {
        self.connection.say(&message::bind(2, self.token, procedures)).expect("an open socket");
        match self.connection.must_hear().0 {
            Message::Bound(grant) => grant,
            other => panic!("no grant: {other:?}"),
        }
    }

    /// Asks for a binding to no procedures. It is one to the whole export nevertheless: what a client wants is compared,
    /// what it has is not limited by it.
    ///
    /// # Panics
    /// If the server does not grant it.
    #[must_use]
    pub fn bind_to_nothing(&self) -> Grant {
        self.connection.say(&message::bind(1, self.token, &[])).expect("an open socket");
        let start = Instant::now();
        loop {
            match self.connection.must_hear().0 {
                Message::Bound(grant) => return grant,
                // Of an earlier binding, or of results that were read.
                Message::Revoked(..) | Message::Unmap(..) | Message::Signal
                    if start.elapsed() < Duration::from_secs(5) => {}
                other => panic!("no grant: {other:?}"),
            }
        }
    }

    /// The answer to a question; what comes unasked meanwhile is thrown away.
    ///
    /// # Errors
    /// What was heard instead.
    pub fn ask(&self, question: &[u8]) -> Result<(Message, Vec<OwnedFd>), Heard> {
        self.connection.say(question).map_err(|_| Heard::Closed)?;
        let start = Instant::now();
        loop {
            match self.connection.hear(Duration::from_secs(5)) {
                Heard::Message(Message::Revoked(..) | Message::Unmap(..) | Message::Signal, _)
                    if start.elapsed() < Duration::from_secs(5) => {}
                Heard::Message(message, fds) => return Ok((message, fds)),
                other => return Err(other),
            }
        }
    }

    /// Has the server offer a segment; `None` if it has no memory.
    ///
    /// # Panics
    /// If the server does neither.
    #[must_use]
    pub fn offered(&self, id: u32, astack: u16, size: u32) -> Option<OwnedFd> {
        let (answer, fds) = self.ask(&message::segment(id, astack, size)).expect("an answer");
        match (answer, <[OwnedFd; 1]>::try_from(fds)) {
            (Message::SegmentOffered(of), Ok([fd])) if of == id => Some(fd),
            (Message::NoMemory(of), Err(fds)) if of == id && fds.is_empty() => None,
            (other, _) => panic!("no offer: {other:?}"),
        }
    }

    /// Gives an A-stack a segment, as it should be done.
    ///
    /// # Panics
    /// If the server does not play along.
    #[must_use]
    pub fn segment(&self, id: u32, astack: u16, size: u32) -> Raw {
        let fd = self.offered(id, astack, size).expect("memory");
        rustix::fs::fallocate(&fd, rustix::fs::FallocateFlags::empty(), 0, size.into()).expect("memory");
        let map = Raw::map(&fd, usize::try_from(size).expect("a size"), true).expect("our own segment");
        let ready = self.ask(&message::segment_mapped(id)).map(|(message, _)| message);
        assert!(matches!(ready, Ok(Message::SegmentReady(of)) if of == id), "not ready: {ready:?}");
        map
    }

    /// The server's segment of this number, if it has one, and its size.
    ///
    /// # Panics
    /// If the server says neither.
    #[must_use]
    pub fn shown(&self, id: u32, serial: u16) -> Option<(OwnedFd, u32)> {
        let (answer, fds) = self.ask(&message::show(id, serial)).expect("an answer");
        match (answer, <[OwnedFd; 1]>::try_from(fds)) {
            (Message::Shown(of, size), Ok([fd])) if of == id => Some((fd, size)),
            (Message::NoMemory(of), Err(fds)) if of == id && fds.is_empty() => None,
            (other, _) => panic!("neither shown nor refused: {other:?}"),
        }
    }

    /// Where the frame of an A-stack is.
    #[must_use]
    pub fn frame(grant: &Grant, procedure: usize) -> AstackClass {
        grant.classes[usize::from(grant.procedures[procedure].1)]
    }

    /// Writes a request line under the next sequence number; returns that.
    pub fn publish(&mut self, line: &Line) -> u32 {
        let sequence = self.next;
        self.publish_as(line, sequence);
        self.next = match sequence.wrapping_add(1) {
            0 => 1,
            next => next,
        };
        sequence
    }

    /// Writes a request line under any sequence number.
    pub fn publish_as(&self, line: &Line, sequence: u32) {
        let at = client::line(sequence);
        self.own.store(at + request::WHAT * 8, request::what(line.binding, line.procedure, line.astack));
        self.own.store(at + request::RIGHT * 8, request::right(line.generation, line.nonce));
        for (i, &word) in line.words.iter().enumerate() {
            self.own.store(at + (request::ARGS + i) * 8, word);
        }
        let here = || u16::try_from(rustix::thread::sched_getcpu()).unwrap_or(u16::MAX);
        self.own.store(at, request::first(sequence, line.flags, self.cpu.unwrap_or_else(here)));
    }

    /// Rings as the server's words ask: not at all while it polls, a bell that somebody is asleep on, else by a message.
    pub fn ring(&self) {
        if poll::state(self.peer.load(server::STATUS)) == poll::POLLED {
            return;
        }
        match (0..pair::BELL_COUNT).find(|&n| self.peer.load(server::armed(n)) == armed::ASLEEP) {
            Some(n) => self.ring_bell(n),
            None => {
                let _ = self.connection.try_say(message::RING);
            }
        }
    }

    /// Rings bell `n`, whoever hears it.
    pub fn ring_bell(&self, n: usize) {
        self.own.bump(client::bell(n));
        self.own.wake(client::bell(n));
    }

    /// Waits for the answer to `sequence` on `astack`, and meanwhile stores random words anywhere in the own region, as
    /// many a turn as `scribbles` says.
    pub fn answer(
        &self,
        astack: u16,
        sequence: u32,
        patience: Duration,
        scribbles: Option<(&mut Random, usize)>,
    ) -> Outcome {
        let start = Instant::now();
        let mut scribbles = scribbles;
        let at = server::reply(usize::from(astack) % pair::ASTACK_COUNT);
        let mut turn = 0u32;
        loop {
            let first = self.peer.load(at);
            if pair::sequence(first) == sequence {
                let words = std::array::from_fn(|i| self.peer.load(at + (reply::RESULTS + i) * 8));
                return Outcome::Answer {
                    status: pair::middle(first),
                    tail: self.peer.load(at + reply::TAIL * 8),
                    words,
                };
            }
            if let Some((random, count)) = &mut scribbles {
                self.own.scribble(random, *count);
            }
            turn += 1;
            // Who was rung may not come; the watcher always does.
            if turn == 1 {
                self.ring();
            } else if turn.is_multiple_of(1024) {
                let _ = self.connection.try_say(message::RING);
            }
            if turn.is_multiple_of(256) {
                if self.connection.is_closed() {
                    return Outcome::Closed;
                }
                if start.elapsed() > patience {
                    return Outcome::Silence;
                }
                std::thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }

    /// Publishes a line and waits for its answer.
    pub fn call(&mut self, line: &Line) -> Outcome {
        let sequence = self.publish(line);
        self.answer(line.astack, sequence, Duration::from_secs(5), None)
    }
}

/// The fingerprint of a signature, as the server made it from its own.
fn fingerprint(signature: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(signature.as_bytes());
    hasher.finish()
}
