//! The client's side of a pair, and bindings over it.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall_core::astack::{Astacks, NoneFree};
use nearcall_core::channel::client::ClientHalf;
use nearcall_core::sys::forked::ForkWord;
use nearcall_core::sys::socket;
use nearcall_core::transfer::call::Held;
use nearcall_core::transfer::caller::{Callee, Doorbell};
use nearcall_core::transfer::counts::ClientCounts;
use nearcall_core::transfer::mode::{Mode, Transfer};
use nearcall_layout::pair::{AstackClass, Plan};
use rustix::io::Errno;

use crate::connection::MESSAGES_A_TURN;
use crate::domain::domain;
use crate::error::{CallError, Failure, Ran};
use crate::message::{FromClient, FromServer, Instance};
use crate::rt::{Call, DEFAULT_TIMEOUT};

/// Values of the word that a stub tests first. 0 is what a forked child reads.
pub(crate) const NEAR: u32 = 1;
const REVOKED: u32 = 2;
const ENDED: u32 = 3;

/// Answers to binds that may be unread at a time.
const ANSWER_COUNT_MAX: usize = 64;

/// The pair's control socket, as callers ring it.
#[derive(Debug)]
pub(crate) struct Control(OwnedFd);

impl Control {
    fn send(&self, message: &FromClient) -> Result<(), Errno> {
        socket::send(self.0.as_fd(), &message.to_bytes(), &[])
    }
}

impl Doorbell for Control {
    fn ring(&self) {
        // AGAIN: rings are pending, one more says nothing new. Gone: the watcher ends the pair.
        let _ = self.send(&FromClient::Ring);
    }
}

/// A server process, as this client knows it.
#[derive(Debug)]
pub(crate) struct ClientPair {
    pub(crate) half: ClientHalf,
    pub(crate) control: Control,
    pub(crate) server: Instance,
    pub(crate) pid: Option<i32>,
    placed: Mutex<Placed>,
    asking: Mutex<()>,
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

/// The A-stacks of an interface, by size class; each is held by the procedures of its class as well.
type Interface = Arc<[Arc<Astacks>]>;

#[derive(Debug)]
struct Placed {
    plan: Plan,
    interfaces: Vec<(Vec<AstackClass>, Interface)>,
}

#[derive(Debug, Default)]
struct Inbox {
    answers: VecDeque<FromServer>,
    /// The words of living bindings, by index and generation.
    words: Vec<(u16, u32, Arc<ForkWord>)>,
    closed: bool,
}

/// What there was to hear from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// All of it was read, for now.
    All,
    /// It has closed the connection, which a dying process does after its last instruction.
    Closed,
    /// Something that is no message, or too many of them.
    Nonsense,
}

/// The server placed A-stacks where its client's own plan does not have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misplaced;

impl ClientPair {
    pub(crate) fn new(half: ClientHalf, control: OwnedFd, server: Instance, pid: Option<i32>, size: usize) -> Self {
        Self {
            half,
            control: Control(control),
            server,
            pid,
            placed: Mutex::new(Placed { plan: Plan::new(size), interfaces: Vec::new() }),
            asking: Mutex::new(()),
            inbox: Mutex::new(Inbox::default()),
            arrived: Condvar::new(),
        }
    }

    pub(crate) fn control(&self) -> &OwnedFd {
        &self.control.0
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the server said. Called by the watcher, with a buffer for one message of any size.
    pub(crate) fn hear(&self, buffer: &mut [u8]) -> Heard {
        for _ in 0..MESSAGES_A_TURN {
            let received = match socket::receive(self.control.0.as_fd(), buffer) {
                Ok(None) => return Heard::All,
                Ok(Some(received)) if received.size > 0 && !received.truncated => received,
                Ok(Some(received)) if received.size > 0 => return Heard::Nonsense,
                _ => return Heard::Closed,
            };
            match FromServer::from_bytes(buffer.get(..received.size).unwrap_or_default()) {
                Ok(FromServer::Revoked { binding, generation }) => self.revoked(binding, generation),
                Ok(answer @ (FromServer::Bound(_) | FromServer::Refused { .. })) => {
                    let mut inbox = self.inbox();
                    // One at a time is asked for, and few are given up; a server that answers more is no server.
                    if inbox.answers.len() >= ANSWER_COUNT_MAX {
                        return Heard::Nonsense;
                    }
                    inbox.answers.push_back(answer);
                    self.arrived.notify_all();
                }
                _ => return Heard::Nonsense,
            }
        }
        Heard::All
    }

    fn revoked(&self, binding: u16, generation: u32) {
        let inbox = self.inbox();
        for (_, _, word) in inbox.words.iter().filter(|(b, g, _)| (*b, *g) == (binding, generation)) {
            no_longer_near(word, REVOKED);
        }
    }

    /// The server is gone, or is treated as gone because it spoke nonsense: hung up on, so that it claims no more.
    /// `is_over`: it certainly executes nothing for us any more.
    pub(crate) fn end(&self, is_over: bool) {
        let _ = rustix::net::shutdown(&self.control.0, rustix::net::Shutdown::Both);
        self.half.end(is_over);
        let mut inbox = self.inbox();
        inbox.closed = true;
        // So that a stub has one word to look at before it calls, not two.
        inbox.words.iter().for_each(|(_, _, word)| no_longer_near(word, ENDED));
        drop(inbox);
        self.arrived.notify_all();
    }

    /// Asks for a binding and waits for the answer. `None`: too late, or the server is gone. One at a time: the order in
    /// which A-stacks are placed is part of the answer.
    pub(crate) fn ask(&self, message: &FromClient, id: u32, until: Instant) -> Option<FromServer> {
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.control.send(message).ok()?;
        let mut inbox = self.inbox();
        loop {
            while let Some(answer) = inbox.answers.pop_front() {
                let of = match &answer {
                    FromServer::Bound(bound) => bound.id,
                    FromServer::Refused { id, .. } => *id,
                    _ => continue,
                };
                if of == id {
                    return Some(answer);
                }
                self.give_back(&answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if inbox.closed || left.is_zero() {
                return None;
            }
            inbox = self.arrived.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// An answer to an earlier question, which was given up: the server has placed its A-stacks, so they are placed here
    /// as well, or the two plans would differ from now on.
    fn give_back(&self, late: &FromServer) {
        if let FromServer::Bound(bound) = late {
            let _ = self.astacks(&bound.classes);
            let unbind = FromClient::Unbind { binding: bound.binding, generation: bound.generation };
            let _ = self.control.send(&unbind);
        }
    }

    /// The A-stacks of an interface: those of an earlier binding to it, or new ones, if they lie where this side's own
    /// plan puts them.
    pub(crate) fn astacks(&self, classes: &[AstackClass]) -> Result<Interface, Misplaced> {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, astacks)) = placed.interfaces.iter().find(|(other, _)| other == classes) {
            return Ok(Arc::clone(astacks));
        }
        let mut plan = placed.plan;
        for class in classes {
            if plan.place(class.frame_size, class.count) != Ok(*class) {
                return Err(Misplaced);
            }
        }
        placed.plan = plan;
        let astacks: Interface = classes.iter().map(|class| Arc::new(Astacks::new(*class))).collect();
        placed.interfaces.push((classes.to_vec(), Arc::clone(&astacks)));
        Ok(astacks)
    }
}

/// The first reason stays.
fn no_longer_near(word: &ForkWord, why: u32) {
    let _ = word.compare_exchange(NEAR, why, Ordering::Relaxed, Ordering::Relaxed);
}

impl Drop for ClientPair {
    fn drop(&mut self) {
        // Not in a forked child: the epoll is the parent's as well, and this would take the parent's entry out.
        if let Ok(domain) = domain() {
            domain.watcher.forget(&self.control.0);
        }
    }
}

/// What a binding knows of one procedure.
#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) callee: Callee,
    pub(crate) astacks: Arc<Astacks>,
}

/// What makes a binding near.
#[derive(Debug)]
pub(crate) struct Near {
    pub(crate) pair: Arc<ClientPair>,
    pub(crate) index: u16,
    pub(crate) generation: u32,
    pub(crate) procedures: Box<[Procedure]>,
    pub(crate) transfer: Mode,
}

/// The capability to call: proof that the server granted this process an interface, until the server takes it back or
/// ends. It holds nothing in a forked child.
#[derive(Debug)]
pub struct Binding {
    word: Arc<ForkWord>,
    near: Near,
}

/// How the calls of a binding travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Path {
    /// Through memory shared with a process on this machine.
    Near,
}

impl Binding {
    pub(crate) fn new(near: Near) -> Result<Self, Errno> {
        let word = Arc::new(ForkWord::new(NEAR)?);
        let mut inbox = near.pair.inbox();
        if inbox.closed {
            no_longer_near(&word, ENDED);
        }
        inbox.words.push((near.index, near.generation, Arc::clone(&word)));
        drop(inbox);
        Ok(Self { word, near })
    }

    /// Begins a call: the test for a near binding first, then an A-stack, which may have to be waited for.
    ///
    /// # Errors
    /// `Forked`, `Revoked`, `PeerDied`, `NoAStack`; nothing was sent.
    #[doc(hidden)]
    #[inline(always)]
    pub fn begin<const REQ: usize, const REP: usize>(&self, procedure: u16) -> Result<Call<'_, REQ, REP>, Failure> {
        if self.word.load(Ordering::Relaxed) != NEAR {
            return Err(self.not_near());
        }
        let near = &self.near;
        let Some(Procedure { callee, astacks }) = near.procedures.get(usize::from(procedure)) else {
            return Err(Failure(CallError::Unsupported));
        };
        let pair = &*near.pair;
        match Held::take(&pair.half, astacks, callee, &near.transfer) {
            Ok(held) => Ok(Call::new(pair, held)),
            Err(NoneFree) if pair.half.has_ended() => Err(Failure(CallError::PeerDied { ran: Ran::No })),
            Err(NoneFree) => Err(Failure(CallError::NoAStack)),
        }
    }

    #[cold]
    #[inline(never)]
    fn not_near(&self) -> Failure {
        Failure(match self.word.load(Ordering::Relaxed) {
            0 => CallError::Forked,
            REVOKED => CallError::Revoked,
            ENDED => CallError::PeerDied { ran: Ran::No },
            _ => CallError::Unsupported,
        })
    }

    /// How calls travel.
    #[must_use]
    pub fn path(&self) -> Path {
        Path::Near
    }

    /// Whether calls can succeed: the server lives and has not taken the binding back. It may do either at any time.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.word.load(Ordering::Relaxed) == NEAR && !self.near.pair.half.has_ended()
    }

    /// How calls wait for their replies.
    #[must_use]
    pub fn transfer(&self) -> Transfer {
        self.near.transfer.get()
    }

    /// Makes later calls of this binding wait differently.
    pub fn set_transfer(&self, transfer: Transfer) {
        self.near.transfer.set(transfer);
    }

    /// How the calls from this process to the binding's server process travelled so far, over all bindings to it.
    #[must_use]
    pub fn counts(&self) -> ClientCounts {
        self.near.pair.half.counts()
    }

    /// The server's process id when it was bound, if it is visible from here.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.near.pair.pid
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        if self.word.load(Ordering::Relaxed) == 0 {
            // In a forked child: the socket is the parent's to speak on, and its locks may be held for ever.
            return;
        }
        let Near { pair, index, generation, .. } = &self.near;
        pair.inbox().words.retain(|(b, g, _)| (b, g) != (index, generation));
        // Should the socket be full, the server keeps one place of its table until the pair ends.
        let _ = pair.control.send(&FromClient::Unbind { binding: *index, generation: *generation });
    }
}

/// The time-out of a procedure that names none.
pub(crate) const fn patience(timeout: Option<Duration>) -> Option<Duration> {
    match timeout {
        None => Some(DEFAULT_TIMEOUT),
        Some(Duration::MAX) => None,
        some => some,
    }
}
