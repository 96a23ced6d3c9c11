//! What is passed and not copied: descriptors, clients, grants.
//!
//! Each is descriptors and nothing else, so that what a receiver has is what the kernel gave it, and no number that it could
//! have made up. They go beside the call that they belong to ([`crate::parcels`]).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::socket;
use nearcall_core::transfer::handoff;
use nearcall_layout::Shape;
use rustix::io::Errno;

use crate::bind::{Client, bind_by_card};
use crate::binding::Binding;
use crate::clerk::{Exported, ServerPair};
use crate::client_pair::ClientPair;
use crate::error::{CallError, Failure, Ran};
use crate::message::{FromClient, FromServer};
use crate::parcels::{Missing, result_token};
use crate::rt::PASSED_MAX;

/// How long a procedure's arguments may take to arrive once its call has, and a client among them to bind.
const ARRIVAL: Duration = Duration::from_secs(1);

/// Descriptors of results that a client may leave unread: they count against the limit of this process's user.
const UNREAD_COUNT_MAX: usize = 64;

/// Between two looks whether a client has read them. Its watcher does, whatever else it does.
const LOOK_AGAIN: Duration = Duration::from_micros(200);

/// What a parameter or result can be that is passed and not copied: [`OwnedFd`], a client of an interface, a
/// [`Grant`](crate::Grant) or a [`SharedGrant`](crate::SharedGrant). A parameter can be `&T` of these as well, and
/// [`BorrowedFd`].
///
/// So can `Option<T>` and `Vec<T>`, and for parameters `Option<&T>` and `&[T]`, of as many as one call can pass with all that is
/// in it: 16 descriptors, of which a grant takes two. More are [`TooManyDescriptors`](CallError::TooManyDescriptors), and as a
/// result [`NotPassed`](CallError::NotPassed).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be passed to another process",
    note = "what is passed is an `OwnedFd`, a `BorrowedFd`, a client that `#[nearcall::interface]` made, or a grant",
    note = "a type whose name ends in `Client` is taken for a client of an interface: rename yours if it is a value"
)]
pub trait Pass: Sized {
    /// What it is, for fingerprints.
    #[doc(hidden)]
    const SHAPE: &'static Shape;

    /// Descriptors that it takes.
    #[doc(hidden)]
    const COUNT: usize;

    /// Adds it to a parcel.
    ///
    /// # Errors
    /// Why it cannot be passed now.
    #[doc(hidden)]
    fn give<'a>(&'a self, to: &mut Parcel<'a>) -> Result<(), Failure>;

    /// Makes it of what has arrived.
    ///
    /// # Errors
    /// [`NotTaken`].
    #[doc(hidden)]
    fn take(from: &mut Arrived) -> Result<Self, NotTaken>;
}

/// What arrived is not what was to be passed, or it does not lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotTaken {
    /// It is no fault of the sender's: there was no room for it.
    pub(crate) for_want_of_room: bool,
}

impl NotTaken {
    pub(crate) const WRONG: Self = Self { for_want_of_room: false };
    pub(crate) const NO_ROOM: Self = Self { for_want_of_room: true };
}

/// Descriptors on their way to the other side.
#[derive(Debug)]
pub struct Parcel<'a> {
    items: Vec<Item<'a>>,
    until: Option<Instant>,
}

#[derive(Debug)]
enum Item<'a> {
    Lent(BorrowedFd<'a>),
    /// Made for this call, by the server of a client.
    Card(Foreign),
}

impl<'a> Parcel<'a> {
    pub(crate) const fn new(until: Option<Instant>) -> Self {
        Self { items: Vec::new(), until }
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// `NotPassed`.
    pub fn add<T: Pass>(&mut self, what: &'a T) -> Result<(), Failure> {
        what.give(self)
    }

    /// Adds a descriptor that is lent for the call.
    pub fn lend(&mut self, fd: BorrowedFd<'a>) {
        self.items.push(Item::Lent(fd));
    }

    /// Adds a parameter of several, or of none; returns how many.
    ///
    /// # Errors
    /// `NotPassed`; `TooManyDescriptors`, before the first that is too many is looked at.
    pub fn add_all<T: Pass + 'a>(&mut self, all: impl Iterator<Item = &'a T>) -> Result<u32, Failure> {
        let mut count = 0;
        for what in all {
            self.room(T::COUNT)?;
            what.give(self)?;
            count += 1;
        }
        Ok(count)
    }

    /// The same of descriptors that are lent for the call.
    ///
    /// # Errors
    /// `TooManyDescriptors`.
    pub fn lend_all(&mut self, all: impl Iterator<Item = BorrowedFd<'a>>) -> Result<u32, Failure> {
        let mut count = 0;
        for fd in all {
            self.room(1)?;
            self.lend(fd);
            count += 1;
        }
        Ok(count)
    }

    /// So many more can be added, and all of it sent.
    ///
    /// # Errors
    /// `TooManyDescriptors`.
    pub(crate) fn room(&self, more: usize) -> Result<(), Failure> {
        let count = self.items.len() + more;
        if count > PASSED_MAX { Err(too_many(count)) } else { Ok(()) }
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What was to be passed is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// It is under way: our own copies of cards are closed, which are not the last, so that nothing happens by it.
    fn sent(self) {
        for item in self.items {
            if let Item::Card(card) = item {
                drop(card.checked());
            }
        }
    }

    pub(crate) fn fds(&self) -> Vec<BorrowedFd<'_>> {
        let items = self.items.iter().map(|item| match item {
            Item::Lent(fd) => *fd,
            Item::Card(card) => card.as_fd(),
        });
        items.collect()
    }
}

/// The first that is too many is not counted any further.
#[cold]
fn too_many(count: usize) -> Failure {
    Failure(CallError::TooManyDescriptors { count, limit: PASSED_MAX })
}

/// The word of a head that says how many are passed, of what can be none or several.
pub(crate) fn several(token: u32, count: u32) -> u64 {
    u64::from(count) << 32 | u64::from(token)
}

/// The other way round.
pub(crate) fn counted(word: u64) -> (u32, u32) {
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (half(word), half(word >> 32))
}

/// Descriptors that have arrived, in order.
#[derive(Debug)]
pub struct Arrived {
    fds: std::vec::IntoIter<Foreign>,
    /// Of each parameter that can be none or several, how many there are.
    counts: std::vec::IntoIter<u32>,
    /// Whose account it goes on what is bound or mapped for it, if that is kept.
    payer: Option<u32>,
    until: Instant,
}

impl Arrived {
    fn new(fds: Vec<Foreign>, payer: Option<u32>, until: Instant) -> Self {
        Self { fds: fds.into_iter(), counts: Vec::new().into_iter(), payer, until }
    }

    /// Nothing was passed, though something could have been.
    pub(crate) fn nothing() -> Self {
        Self::new(Vec::new(), None, Instant::now())
    }

    /// The same, with how many there are of each that can be none or several: no more in all than one call passes.
    pub(crate) fn counted(self, counts: Vec<u32>) -> Self {
        Self { counts: counts.into_iter(), ..self }
    }

    pub(crate) fn payer(&self) -> Option<u32> {
        self.payer
    }

    /// The next descriptor, lent to the procedure.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn lent(&mut self) -> Result<Lent, NotTaken> {
        self.next().map(Lent)
    }

    /// The next of what was passed.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take<T: Pass>(&mut self) -> Result<T, NotTaken> {
        T::take(self)
    }

    /// The next of what was passed, if it was.
    ///
    /// # Errors
    /// [`NotTaken`]; also if there are two.
    pub fn take_optional<T: Pass>(&mut self) -> Result<Option<T>, NotTaken> {
        self.optional(T::take)
    }

    /// The next descriptor, lent to the procedure, if it was passed.
    ///
    /// # Errors
    /// [`NotTaken`]; also if there are two.
    pub fn lent_optional(&mut self) -> Result<Option<Lent>, NotTaken> {
        self.optional(Self::lent)
    }

    /// The next of what was passed, as many as there are.
    ///
    /// # Errors
    /// [`NotTaken`]; what was taken before is dropped.
    pub fn take_several<T: Pass>(&mut self) -> Result<Vec<T>, NotTaken> {
        self.several(T::take)
    }

    /// The next descriptors, lent to the procedure, as many as there are.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn lent_several(&mut self) -> Result<Vec<Lent>, NotTaken> {
        self.several(Self::lent)
    }

    fn optional<T>(&mut self, take: fn(&mut Self) -> Result<T, NotTaken>) -> Result<Option<T>, NotTaken> {
        match self.counts.next() {
            Some(0) => Ok(None),
            Some(1) => take(self).map(Some),
            _ => Err(NotTaken::WRONG),
        }
    }

    fn several<T>(&mut self, take: fn(&mut Self) -> Result<T, NotTaken>) -> Result<Vec<T>, NotTaken> {
        (0..self.counts.next().ok_or(NotTaken::WRONG)?).map(|_| take(self)).collect()
    }

    /// The next descriptor, of anything.
    pub(crate) fn next(&mut self) -> Result<Foreign, NotTaken> {
        self.fds.next().ok_or(NotTaken::WRONG)
    }

    /// Nothing is left over.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn end(self) -> Result<(), NotTaken> {
        if self.fds.len() == 0 { Ok(()) } else { Err(NotTaken::WRONG) }
    }
}

/// A descriptor that is lent to a procedure. Closing it never holds the server up, whatever it is of.
#[derive(Debug)]
pub struct Lent(pub(crate) Foreign);

impl AsFd for Lent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The descriptor is duplicated by passing it. **It may be of anything, and may be another's to change:** what it is of, and
/// where its position is, is shared with whoever sent it; reading, and even closing it, may take as long as they like (a socket
/// that lingers, a file of a FUSE file system). Look at it where nothing else waits.
impl Pass for OwnedFd {
    const SHAPE: &'static Shape = &Shape::Foreign { codec: "passed", spelling: "descriptor" };
    const COUNT: usize = 1;

    fn give<'a>(&'a self, to: &mut Parcel<'a>) -> Result<(), Failure> {
        to.lend(self.as_fd());
        Ok(())
    }

    fn take(from: &mut Arrived) -> Result<Self, NotTaken> {
        from.next()?.checked().ok_or(NotTaken::WRONG)
    }
}

/// The receiver binds for itself, to the same server: what it has is its own binding, which outlives that of whoever passed it
/// on, and is counted on its own account there. It can be taken back by that server only.
impl<C: Client> Pass for C {
    const SHAPE: &'static Shape = &Shape::Foreign { codec: "client", spelling: C::NAME };
    const COUNT: usize = 1;

    fn give<'a>(&'a self, to: &mut Parcel<'a>) -> Result<(), Failure> {
        let card = self.binding().card(to.until)?;
        to.items.push(Item::Card(card));
        Ok(())
    }

    fn take(from: &mut Arrived) -> Result<Self, NotTaken> {
        let card = from.next()?;
        match bind_by_card(card, C::INTERFACE, from.until, from.payer) {
            Ok(binding) => Ok(C::from_binding(binding)),
            Err(crate::BindError::Quota { .. }) => Err(NotTaken::NO_ROOM),
            Err(_) => Err(NotTaken::WRONG),
        }
    }
}

fn not_passed(ran: Ran) -> Failure {
    Failure(CallError::NotPassed { ran })
}

impl Binding {
    /// A card for whoever this binding is passed to.
    fn card(&self, until: Option<Instant>) -> Result<Foreign, Failure> {
        let near = self.near()?;
        let pair = &near.pair;
        let until = until.or_else(|| Instant::now().checked_add(ARRIVAL));
        let late = || {
            Failure(if pair.half.has_ended() {
                CallError::PeerDied { ran: Ran::No }
            } else {
                CallError::Timeout { ran: Ran::No }
            })
        };
        let asking = pair.asking(until).ok_or_else(late)?;
        let id = pair.next_id();
        let introduce = FromClient::Introduce { id, binding: near.index, generation: near.generation };
        match pair.ask_for_descriptors(&asking, &introduce, id, until).ok_or_else(late)? {
            (FromServer::Card { .. }, fds) => {
                let [card] = <[Foreign; 1]>::try_from(fds).map_err(|_| Failure(CallError::Revoked))?;
                Ok(card)
            }
            _ => Err(not_passed(Ran::No)),
        }
    }
}

/// The client's side.
impl ClientPair {
    /// Sends a parcel ahead of its call; returns the token for the call. Should the socket be full, waits if `may_wait`.
    pub(crate) fn send_parcel(&self, parcel: Parcel<'_>, may_wait: bool) -> Result<u32, Failure> {
        let token = self.next_id();
        let until = if may_wait { parcel.until } else { Some(Instant::now()) };
        let said = self.say(&FromClient::Parcel { token }, &parcel.fds(), until);
        match said {
            Some(Ok(())) => {
                parcel.sent();
                Ok(token)
            }
            // No descriptors left, too many under way, or a server that lets none in.
            Some(Err(_)) => Err(not_passed(Ran::No)),
            None if self.half.has_ended() => Err(Failure(CallError::PeerDied { ran: Ran::No })),
            None if !may_wait => Err(Failure(CallError::WouldBlock)),
            None => Err(Failure(CallError::Timeout { ran: Ran::No })),
        }
    }

    /// The call with that parcel was not made, or not answered: the server closes it, if it still has it.
    pub(crate) fn call_back(&self, token: u32) {
        // A forked child drops calls that were started: they, and the socket, are its parent's.
        if !self.is_here() {
            return;
        }
        // Should the socket be full, the server has it until the pair ends.
        let _ = self.tell(&FromClient::CallBack { token });
    }

    /// The parcel that came with a reply.
    pub(crate) fn take_parcel(&self, token: u32, until: Option<Instant>) -> Result<Arrived, Failure> {
        let taken = self.parcels.take(token, self.control().as_fd(), until, || self.half.has_ended());
        let soon = Instant::now() + ARRIVAL;
        match taken {
            Ok(fds) => Ok(Arrived::new(fds, None, until.map_or(soon, |until| until.min(soon)))),
            Err(Missing::Late) => Err(Failure(CallError::Timeout { ran: Ran::Yes })),
            Err(Missing::Never | Missing::Refused) => Err(not_passed(Ran::Yes)),
        }
    }
}

/// What the server of a pair has under way to its client.
#[derive(Debug, Default)]
pub(crate) struct Given {
    number: u16,
    /// Descriptors sent since the client was last seen to have read everything.
    unread: usize,
}

/// The server's side.
impl ServerPair {
    /// The parcel that came before a call, whose caller waits that much longer.
    pub(crate) fn take_parcel(&self, token: u32, left: Option<Duration>) -> Result<Arrived, NotTaken> {
        let now = Instant::now();
        // Whatever time the caller says that it has: it was sent, so it is about to be read here, or it was not.
        let soon = Some(now + ARRIVAL);
        let taken = self.parcels.take(token, self.control().as_fd(), soon, || self.server_half().has_ended());
        let until = now + left.map_or(ARRIVAL, |left| left.min(ARRIVAL));
        match taken {
            Ok(fds) => Ok(Arrived::new(fds, Some(self.uid()), until)),
            Err(Missing::Never) => Err(NotTaken::WRONG),
            Err(Missing::Refused | Missing::Late) => Err(NotTaken::NO_ROOM),
        }
    }

    /// Sends a parcel ahead of the reply to the call on an A-stack; returns the token for the reply. Waits, up to a second, for a
    /// client that has not read what it was sent before: results of its other calls.
    pub(crate) fn send_parcel(&self, astack: u16, parcel: Parcel<'_>) -> Result<u32, Errno> {
        let fds = parcel.fds();
        let soon = Instant::now() + ARRIVAL;
        let until = parcel.until.map_or(soon, |until| until.min(soon));
        loop {
            match self.try_send(astack, &fds) {
                Err(Errno::TOOMANYREFS | Errno::AGAIN) if Instant::now() < until && !self.server_half().has_ended() => {
                    let _open = handoff::open();
                    std::thread::sleep(LOOK_AGAIN);
                }
                Ok(token) => {
                    parcel.sent();
                    return Ok(token);
                }
                refused => return refused,
            }
        }
    }

    fn try_send(&self, astack: u16, fds: &[BorrowedFd<'_>]) -> Result<u32, Errno> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if socket::is_read(self.control().as_fd()) {
            given.unread = 0;
        }
        if given.unread + fds.len() > UNREAD_COUNT_MAX {
            return Err(Errno::TOOMANYREFS);
        }
        given.number = given.number.wrapping_add(1);
        let token = result_token(astack, given.number);
        socket::send(self.control().as_fd(), &FromServer::Parcel { token }.to_bytes(), fds)?;
        given.unread += fds.len();
        Ok(token)
    }

    /// The export of a binding, if this client has that binding; counted if it has not.
    pub(crate) fn entitled(&self, binding: u16, generation: u32) -> Option<Arc<Exported>> {
        let found = self.granted(binding, generation);
        if found.is_none() {
            self.count_refused();
        }
        found
    }
}
