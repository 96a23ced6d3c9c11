//! The client's side of a pair: one server process, what it was asked, and what it has granted.
//!
//! The watcher reads what the server says ([`ClientPair::hear`]); callers ask it things, one at a time
//! ([`ClientPair::asking`]), and take the answers out of the inbox themselves, each in the order in which they came, because the
//! server has placed A-stacks in that order.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall_core::astack::Astacks;
use nearcall_core::channel::client::{ClientHalf, Which};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::kept::Kept;
use nearcall_core::sys::socket::{self, Received};
use nearcall_core::transfer::caller::{Callee, Doorbell};
use nearcall_core::transfer::handoff;
use nearcall_layout::pair::{ASTACK_COUNT, AstackClass, Plan};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::binding::patience;
use crate::connection::MESSAGES_A_TURN;
use crate::domain::Domain;
use crate::message::{FromClient, FromServer, Instance};
use crate::parcels::Parcels;
use crate::pending::Wakers;
use crate::quota::Charge;
use crate::rt::{self, Exhausted};
use crate::segments::want_sweep;

/// Values of the word that a stub tests first. 0 is what a forked child reads.
pub(crate) const NEAR: u32 = 1;
pub(crate) const REVOKED: u32 = 2;
pub(crate) const ENDED: u32 = 3;
pub(crate) const FAR: u32 = 4;

/// Between two looks whether the server is still there, of who waits for its answer; the end wakes most of them at once.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Answers that may be unread at a time.
const ANSWER_COUNT_MAX: usize = 64;

/// Segments that a server can want back at a time: two for each A-stack, and as many again that larger ones replaced.
const UNMAP_COUNT_MAX: usize = 4 * ASTACK_COUNT;

/// Proof that nobody else asks the server something: the order of its answers is the order in which A-stacks are placed.
/// Not the guard of a mutex, which would be waited for without a limit.
#[derive(Debug)]
pub(crate) struct Asking<'a>(&'a ClientPair);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        *self.0.asked() = false;
        self.0.asking_over.notify_one();
    }
}

/// The pair's control socket, as callers ring it.
#[derive(Debug)]
pub(crate) struct Control(Kept);

impl Control {
    fn send(&self, message: &FromClient) -> Result<(), Errno> {
        self.send_with(message, &[])
    }

    fn send_with(&self, message: &FromClient, fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        socket::send(self.0.as_fd(), &message.to_bytes(), fds)
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
    asking: Mutex<bool>,
    asking_over: Condvar,
    ids: AtomicU32,
    /// Somebody asks for more A-stacks on behalf of calls that could not be started.
    pub(crate) growing: AtomicBool,
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    /// Of those who wait for the signal.
    pub(crate) wakers: Wakers,
    /// A runtime looks at the control socket.
    #[cfg(feature = "tokio")]
    pub(crate) is_attended: AtomicBool,
    /// What came ahead of replies.
    pub(crate) parcels: Parcels,
    /// Whether such may come at all.
    takes: AtomicBool,
    /// Whose it is: in a forked child another one's than the process's.
    domain: &'static Domain,
    /// On the account of whoever has led this process to the server.
    _held: Vec<Charge>,
}

/// The A-stacks of an interface, by size class; each is held by the procedures of its class as well.
pub(crate) type Interface = Arc<[Arc<Astacks>]>;

#[derive(Debug)]
struct Placed {
    plan: Plan,
    interfaces: Vec<(Vec<AstackClass>, Interface)>,
    shared: Vec<Shared>,
    /// Questions for a binding that were not answered yet.
    binds: usize,
}

/// What bindings to one interface share.
#[derive(Debug)]
struct Shared {
    interface: &'static rt::Interface,
    /// The server's index and the class of each procedure.
    granted: Vec<(u16, u8)>,
    astacks: Interface,
    procedures: Arc<[Procedure]>,
}

#[derive(Debug, Default)]
struct Inbox {
    answers: VecDeque<(FromServer, Vec<Foreign>)>,
    /// Segments, with their A-stacks, that the server would like back when nobody reads them any more.
    unmap: Vec<(u16, u16)>,
    /// The words of living bindings, by index and generation.
    words: Vec<(u16, u32, &'static AtomicU32)>,
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
    pub(crate) fn new(
        half: ClientHalf,
        control: OwnedFd,
        server: Instance,
        pid: Option<i32>,
        size: usize,
        held: Vec<Charge>,
        domain: &'static Domain,
    ) -> Self {
        Self {
            half,
            control: Control(Kept::new(control)),
            server,
            pid,
            placed: Mutex::new(Placed { plan: Plan::new(size), interfaces: Vec::new(), shared: Vec::new(), binds: 0 }),
            asking: Mutex::new(false),
            asking_over: Condvar::new(),
            ids: AtomicU32::new(1),
            growing: AtomicBool::new(false),
            inbox: Mutex::new(Inbox::default()),
            arrived: Condvar::new(),
            wakers: Wakers::default(),
            #[cfg(feature = "tokio")]
            is_attended: AtomicBool::new(false),
            parcels: Parcels::default(),
            takes: AtomicBool::new(false),
            domain,
            _held: held,
        }
    }

    /// Lets the server send descriptors from now on.
    pub(crate) fn take_parcels(&self) {
        if !self.takes.swap(true, Ordering::Relaxed) {
            socket::accept_descriptors(self.control.0.as_fd());
        }
    }

    /// Whether this is not a forked child, in which nothing of the pair may be touched.
    pub(crate) fn is_here(&self) -> bool {
        self.domain.is_here()
    }

    pub(crate) fn control(&self) -> &Kept {
        &self.control.0
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what the server said. Called by the watcher, with a buffer for one message of any size.
    pub(crate) fn hear(&self, buffer: &mut [u8]) -> Heard {
        let heard = self.hear_some(buffer);
        // Whatever it said: a signal may have been lost for want of room in the socket.
        self.wakers.look_if_signalled(self);
        if self.takes.load(Ordering::Relaxed) {
            // Whatever it was: they wait until nothing is unread, or what is theirs is there.
            self.wakers.wake_fetching();
        }
        heard
    }

    fn hear_some(&self, buffer: &mut [u8]) -> Heard {
        for _ in 0..MESSAGES_A_TURN {
            // Relaxed: a server has a parcel to send only after a call that follows the bind, and both go through the kernel.
            let mut hearing = self.takes.load(Ordering::Relaxed).then(|| self.parcels.hearing());
            let received = match socket::receive(self.control.0.as_fd(), buffer) {
                Ok(None) => return Heard::All,
                Ok(Some(received)) if received.size > 0 => received,
                _ => return Heard::Closed,
            };
            let Received { size, mut fds, truncated, .. } = received;
            let message = FromServer::from_bytes(buffer.get(..size).unwrap_or_default());
            if let (Ok(FromServer::Parcel { token }), Some(hearing)) = (&message, &mut hearing) {
                // Cut off: this process has no descriptor left. The call is told by there being too few.
                let fds = if truncated { Vec::new() } else { std::mem::take(&mut fds) };
                let is_call = |astack: u16| usize::from(astack) < ASTACK_COUNT && !self.half.is_idle(astack);
                hearing.put_result(*token, fds, is_call);
                want_sweep();
                continue;
            }
            drop(hearing);
            if truncated {
                return Heard::Nonsense;
            }
            match message {
                // Nobody asked for any; they come only while one is asked for, or where the kernel cannot refuse them.
                Ok(FromServer::Revoked { .. } | FromServer::Unmap { .. } | FromServer::Signal) if !fds.is_empty() => {
                    return Heard::Nonsense;
                }
                Ok(FromServer::Signal) => {
                    if !self.wakers.may_be_signalled() {
                        return Heard::Nonsense;
                    }
                }
                Ok(FromServer::Revoked { binding, generation }) => self.revoked(binding, generation),
                Ok(FromServer::Unmap { serial, astack }) => {
                    let mut inbox = self.inbox();
                    if inbox.unmap.len() >= UNMAP_COUNT_MAX {
                        return Heard::Nonsense;
                    }
                    inbox.unmap.push((serial, astack));
                    drop(inbox);
                    if self.unmap_wished() {
                        want_sweep();
                    }
                }
                Ok(answer) if answer.id().is_some() => {
                    let mut inbox = self.inbox();
                    // One at a time is asked for, and few are given up; a server that answers more is no server.
                    if inbox.answers.len() >= ANSWER_COUNT_MAX {
                        return Heard::Nonsense;
                    }
                    inbox.answers.push_back((answer, fds));
                    self.arrived.notify_all();
                }
                _ => return Heard::Nonsense,
            }
        }
        Heard::All
    }

    /// Unmaps what the server wants back, as far as nobody waits for a reply on its A-stack or reads one there. `true`:
    /// some is left.
    pub(crate) fn unmap_wished(&self) -> bool {
        let mut inbox = self.inbox();
        inbox.unmap.retain(|&(serial, astack)| {
            let gone = self.half.is_idle(astack) && self.half.shown.remove(serial);
            if gone {
                // Should the socket be full, the server pays for it until the pair ends.
                let _ = self.tell(&FromClient::Unmapped { serial });
            }
            !gone
        });
        !inbox.unmap.is_empty()
    }

    pub(crate) fn tell(&self, message: &FromClient) -> Result<(), Errno> {
        self.control.send(message)
    }

    /// A binding lives, whose stub tests this word first.
    pub(crate) fn note(&self, binding: u16, generation: u32, word: &'static AtomicU32) {
        let mut inbox = self.inbox();
        if inbox.closed {
            no_longer_near(word, ENDED);
        }
        inbox.words.push((binding, generation, word));
    }

    /// The binding is no more.
    pub(crate) fn forget(&self, binding: u16, generation: u32) {
        self.inbox().words.retain(|(b, g, _)| (*b, *g) != (binding, generation));
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
        self.parcels.close();
        let mut inbox = self.inbox();
        inbox.closed = true;
        // So that a stub has one word to look at before it calls, not two.
        inbox.words.iter().for_each(|(_, _, word)| no_longer_near(word, ENDED));
        drop(inbox);
        self.arrived.notify_all();
        self.wakers.look(self, Instant::now());
    }

    fn asked(&self) -> MutexGuard<'_, bool> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to ask the server something. `None`: too late, or the server is gone.
    pub(crate) fn asking(&self, until: Option<Instant>) -> Option<Asking<'_>> {
        let mut asked = self.asked();
        let _open = asked.then(handoff::open);
        while *asked {
            let left = left(until);
            // Whoever asks notices the end, and lets go.
            if left.is_zero() || self.half.has_ended() {
                return None;
            }
            asked = self.asking_over.wait_timeout(asked, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *asked = true;
        drop(asked);
        Some(Asking(self))
    }

    /// A number for a question.
    pub(crate) fn next_id(&self) -> u32 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks for a binding and waits for the answer. `None`: too late, or the server is gone.
    pub(crate) fn ask(&self, message: &FromClient, id: u32, until: Option<Instant>) -> Option<FromServer> {
        self.ask_under(&self.asking(until)?, message, id, until)
    }

    /// Asks, and waits for the answer. `None`: too late, or the server is gone.
    pub(crate) fn ask_under(
        &self,
        asking: &Asking<'_>,
        message: &FromClient,
        id: u32,
        until: Option<Instant>,
    ) -> Option<FromServer> {
        self.exchange(asking, message, id, until).map(|(answer, _)| answer)
    }

    /// The same for an answer that comes with descriptors, which are let in meanwhile.
    pub(crate) fn ask_for_descriptors(
        &self,
        asking: &Asking<'_>,
        message: &FromClient,
        id: u32,
        until: Option<Instant>,
    ) -> Option<(FromServer, Vec<Foreign>)> {
        socket::accept_descriptors(self.control.0.as_fd());
        let answer = self.exchange(asking, message, id, until);
        if !self.takes.load(Ordering::Relaxed) {
            let _ = socket::refuse_descriptors(self.control.0.as_fd());
        }
        answer
    }

    fn exchange(
        &self,
        _asking: &Asking<'_>,
        message: &FromClient,
        id: u32,
        until: Option<Instant>,
    ) -> Option<(FromServer, Vec<Foreign>)> {
        let _open = handoff::open();
        if matches!(message, FromClient::Bind { .. }) {
            self.placed().binds += 1;
        }
        self.say(message, &[], until)?.ok()?;
        let mut inbox = self.inbox();
        loop {
            while let Some((answer, fds)) = inbox.answers.pop_front() {
                drop(inbox);
                // The server has placed its A-stacks, so they are placed here as well, in the order of its answers and
                // even if nobody waits for this one any more, or the two plans would differ from now on.
                match &answer {
                    FromServer::Bound(_) | FromServer::Refused { .. } if !self.was_asked_to_bind() => {
                        // Nobody asked: no server of ours.
                        self.end(false);
                        return None;
                    }
                    FromServer::Bound(bound) => {
                        let _ = self.astacks(&bound.classes);
                    }
                    FromServer::Grown { first, astack, .. } => self.add_astack(*first, *astack),
                    _ => {}
                }
                if answer.id() == Some(id) {
                    return Some((answer, fds));
                }
                self.give_back(&answer);
                inbox = self.inbox();
            }
            let left = left(until);
            if inbox.closed || left.is_zero() {
                return None;
            }
            inbox = self.arrived.wait_timeout(inbox, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says something that must arrive; waits while the socket is full, because the server is busy or stands still.
    /// `None`: too late, or the server is gone; an error is one of what was to be said.
    pub(crate) fn say(
        &self,
        message: &FromClient,
        fds: &[BorrowedFd<'_>],
        until: Option<Instant>,
    ) -> Option<Result<(), Errno>> {
        loop {
            match self.control.send_with(message, fds) {
                // A server that has gone ends the pair as soon as the watcher has seen it, too. Not before: what is said of
                // a call then would be that its server did not answer in time.
                Ok(()) | Err(Errno::PIPE | Errno::CONNRESET) => return Some(Ok(())),
                Err(Errno::AGAIN) => {}
                Err(errno) => return Some(Err(errno)),
            }
            let left = left(until);
            if left.is_zero() || self.half.has_ended() {
                return None;
            }
            let _open = handoff::open();
            let mut socket = [PollFd::new(&self.control.0, PollFlags::OUT)];
            match rustix::event::poll(&mut socket, left.try_into().ok().as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// Takes note that one question for a binding was answered, in time or late. `false`: there was none.
    fn was_asked_to_bind(&self) -> bool {
        let mut placed = self.placed();
        let before = placed.binds;
        placed.binds = before.saturating_sub(1);
        before > 0
    }

    fn placed(&self) -> MutexGuard<'_, Placed> {
        self.placed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer to an earlier question, which was given up.
    fn give_back(&self, late: &FromServer) {
        if let FromServer::Bound(bound) = late {
            let unbind = FromClient::Unbind { binding: bound.binding, generation: bound.generation };
            let _ = self.control.send(&unbind);
        }
    }

    /// The server has added an A-stack to a class; if it is not the next one that there is, to no purpose.
    fn add_astack(&self, first: u16, astack: u16) {
        let mut placed = self.placed();
        let mut plan = placed.plan;
        if plan.grow() != Ok(astack) {
            return;
        }
        placed.plan = plan;
        let mut classes = placed.interfaces.iter().flat_map(|(_, astacks)| astacks.iter());
        if let Some(astacks) = classes.find(|astacks| astacks.class().first == first) {
            astacks.add(astack);
        }
    }

    /// Ends the quarantines of A-stacks whose calls were answered late, or never will be.
    pub(crate) fn end_quarantines(&self) {
        let placed = self.placed();
        for astacks in placed.interfaces.iter().flat_map(|(_, astacks)| astacks.iter()) {
            astacks.end_quarantines(&self.half, |astack| {
                self.half.finish(astack);
                self.parcels.hearing().forget(astack);
            });
        }
    }

    /// The A-stacks of an interface: those of an earlier binding to it, or new ones, if they lie where this side's own
    /// plan puts them.
    pub(crate) fn astacks(&self, classes: &[AstackClass]) -> Result<Interface, Misplaced> {
        let mut placed = self.placed();
        if let Some((_, astacks)) = placed.interfaces.iter().find(|(other, _)| other == classes) {
            return Ok(Arc::clone(astacks));
        }
        let mut plan = placed.plan;
        for class in classes {
            // Without A-stacks it would fit however many there are.
            if class.count == 0 || plan.place(class.frame_size, class.count) != Ok(*class) {
                return Err(Misplaced);
            }
        }
        placed.plan = plan;
        let astacks: Interface = classes.iter().map(|class| Arc::new(Astacks::new(*class))).collect();
        placed.interfaces.push((classes.to_vec(), Arc::clone(&astacks)));
        Ok(astacks)
    }

    /// What a binding knows of its procedures: what another binding that was granted the same knows, or made anew.
    /// `None`: the server has granted a procedure without A-stacks.
    pub(crate) fn procedures(
        &self,
        interface: &'static rt::Interface,
        granted: &[(u16, u8)],
        astacks: &Interface,
    ) -> Option<Arc<[Procedure]>> {
        let mut placed = self.placed();
        // A server that grants something else each time must not make this grow.
        placed.shared.retain(|shared| Arc::strong_count(&shared.procedures) > 1);
        let known = placed.shared.iter().find(|shared| {
            ptr::eq(shared.interface, interface) && shared.granted == granted && Arc::ptr_eq(&shared.astacks, astacks)
        });
        if let Some(shared) = known {
            return Some(Arc::clone(&shared.procedures));
        }
        let procedures = procedures(interface, granted, astacks)?;
        placed.shared.push(Shared {
            interface,
            granted: granted.to_vec(),
            astacks: Arc::clone(astacks),
            procedures: Arc::clone(&procedures),
        });
        Some(procedures)
    }
}

/// The procedures of an interface, with their A-stacks. `None`: the server has granted one without.
fn procedures(interface: &rt::Interface, granted: &[(u16, u8)], astacks: &Interface) -> Option<Arc<[Procedure]>> {
    let procedures = granted.iter().zip(interface.procedures).map(|(&(procedure, class), own)| {
        let astacks = Arc::clone(astacks.get(usize::from(class))?);
        let timeout = patience(own.timeout);
        let procedure = Which::new(procedure).within(timeout);
        let late = Callee { procedure, timeout, astacks: Arc::clone(&astacks), late: None };
        let callee = Callee { procedure, timeout, astacks, late: Some(Box::new(late)) };
        Some(Procedure { callee, exhausted: own.exhausted })
    });
    procedures.collect()
}

/// The first reason stays.
fn no_longer_near(word: &AtomicU32, why: u32) {
    let _ = word.compare_exchange(NEAR, why, Ordering::Relaxed, Ordering::Relaxed);
}

impl Drop for ClientPair {
    fn drop(&mut self) {
        // Not in a forked child: epoll and socket are the parent's as well, and this would take the parent's entry out.
        if self.is_here() {
            self.domain.watcher.forget(&self.control.0);
            self.domain.watcher.tidy();
            // Perhaps by the watcher, which must not close what a server may have left in the socket.
            socket::hang_up(self.control.0.as_fd());
        }
    }
}

/// What bindings know of one procedure.
#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) callee: Callee,
    pub(crate) exhausted: Exhausted,
}

/// What is left until then; without an end, long enough for whoever then looks again.
pub(crate) fn left(until: Option<Instant>) -> Duration {
    until.map_or(LOOK_AGAIN, |until| until.saturating_duration_since(Instant::now()).min(LOOK_AGAIN))
}
