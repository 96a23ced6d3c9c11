//! The client's half of a stub.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_core::shm::copy;
use nearcall_core::shm::segment::PeerSegment;
use nearcall_core::transfer::call::{Answered, Failed, Frame, Half, Held};
use nearcall_core::transfer::deadline::Deadline;
use nearcall_core::transfer::desk;
use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::pair::{reply, status};
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Malformed, Number, Source, Wire};
use zerocopy::IntoBytes;

use super::plain::{Plain, padding};
use super::{Assemble, LINE_BYTES, PASSED_MAX, Results};
use crate::binding::Binding;
use crate::client_pair::ClientPair;
use crate::error::{CallError, Failure, Ran};
use crate::passing::{self, Arrived, NotTaken, Parcel, Pass};
use crate::pending::Pending;

/// A call being assembled: an A-stack is held, nothing is published. Dropped, it leaves no trace. `START`: it is going to be
/// started, and waits for nothing.
#[derive(Debug)]
pub struct Call<'a, const REQ: usize, const REP: usize, const START: bool = false> {
    pub(super) pair: &'a ClientPair,
    pub(super) held: Held<'a>,
    head: Head<REQ>,
    pub(super) used: usize,
}

impl<'a, const REQ: usize, const REP: usize, const START: bool> Call<'a, REQ, REP, START> {
    #[inline(always)]
    pub(crate) fn new(pair: &'a ClientPair, held: Held<'a>) -> Self {
        // A head that does not fit the line lies at the start of the frame.
        let used = if REQ > LINE_BYTES { REQ } else { 0 };
        Self { pair, held, head: Head::ZERO, used }
    }

    /// Puts a fixed part, unless that is known only with the tail.
    #[inline(always)]
    pub fn put<T: Wire>(&mut self, at: usize, value: &T) {
        if !matches!(T::CLASS, Class::Conventional) {
            self.head.put(at, value);
        }
    }

    /// Puts the count of a varying part.
    #[inline(always)]
    pub fn count(&mut self, at: usize, len: usize) {
        self.head.put(at, &count_of(len));
    }

    /// Puts the capacity of an out area, of up to `MAX` bytes.
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    #[inline(always)]
    pub fn capacity<T: Plain, const MAX: usize>(&mut self, at: usize, len: usize) -> Result<(), Failure> {
        // No slice is so long that its bytes do not fit.
        within(len.saturating_mul(size_of::<T>()), MAX)?;
        self.count(at, len);
        Ok(())
    }

    /// Appends up to `MAX` bytes to the tail: LRPC's copy A.
    ///
    /// # Errors
    /// `TooLarge`, `NoMemory`, and what can become of asking for a segment; nothing was sent.
    #[inline(always)]
    pub fn bytes<const MAX: usize>(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let space = self.space(bytes.len(), MAX)?;
        copy::private_to_own(bytes, space);
        Ok(())
    }

    /// Appends items, of up to `MAX` bytes, as they lie in memory.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    #[inline(always)]
    pub fn slice<T: Plain, const MAX: usize>(&mut self, items: &[T]) -> Result<(), Failure> {
        self.bytes::<MAX>(items.as_bytes())
    }

    /// Appends the tail of the value whose fixed part is at `at`, of up to `MAX` bytes.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); `Unsendable`.
    #[inline(always)]
    pub fn tail<T: Wire, const MAX: usize>(&mut self, at: usize, value: &T) -> Result<(), Failure> {
        match T::CLASS {
            Class::Fixed => {}
            Class::Varying => value.put_tail(self.space(value.tail_size(), MAX)?),
            Class::Conventional => self.encode::<MAX>(at, |space| conventional::encode(value, space))?,
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn space(&mut self, size: usize, max: usize) -> Result<&mut [u8], Failure> {
        let from = self.used;
        let end = from.saturating_add(size);
        self.room(size, max)?;
        self.used = end;
        Ok(self.held.frame().bytes().get_mut(from..end).unwrap_or_default())
    }

    /// Sees to it that `size` more bytes fit the frame, or the segment that takes its place.
    #[inline(always)]
    pub(super) fn room(&mut self, size: usize, max: usize) -> Result<(), Failure> {
        within(size, max)?;
        let end = self.used.saturating_add(size);
        if end > self.held.frame_size() {
            if START {
                enlarge_at_once(self.held.frame(), end, self.used)?;
                self.held.set_out_of_band();
                return Ok(());
            }
            let until = self.held.begin_wait();
            enlarge(self.pair, self.held.frame(), end, self.used, until)?;
            self.held.set_out_of_band();
        }
        Ok(())
    }

    /// Puts a head that does not fit the line to the start of the frame.
    #[inline(always)]
    fn place_head(&mut self) -> Result<(), Failure> {
        if REQ > LINE_BYTES {
            if self.used == REQ {
                self.room(0, 0)?;
            }
            if let Some(space) = self.held.frame().bytes().first_chunk_mut() {
                *space = self.head.0;
            }
        }
        Ok(())
    }
}

impl<const REQ: usize, const REP: usize, const START: bool> Assemble for Call<'_, REQ, REP, START> {
    #[inline]
    fn encode<const MAX: usize>(
        &mut self,
        at: usize,
        write: impl Fn(&mut [u8]) -> Result<usize, Unfit>,
    ) -> Result<(), Failure> {
        // Into the frame at once, without being measured first: most values fit.
        let written = match write(self.held.frame().bytes().get_mut(self.used..).unwrap_or_default()) {
            Err(Unfit::Size { size }) => {
                self.room(size, MAX)?;
                write(self.held.frame().bytes().get_mut(self.used..).unwrap_or_default())
            }
            other => other,
        };
        match written {
            Ok(size) => {
                within(size, MAX)?;
                self.used = self.used.saturating_add(size);
                self.head.put(at, &count_of(size));
                Ok(())
            }
            // It was written once more, and came out larger.
            Err(Unfit::Size { size }) => Err(Failure(CallError::TooLarge { size, limit: MAX })),
            Err(Unfit::Never) => Err(Failure(CallError::Unsendable)),
        }
    }
}

impl<'a, const REQ: usize, const REP: usize> Call<'a, REQ, REP, true> {
    /// Publishes the call, to be answered by what `read` makes of the reply.
    ///
    /// # Errors
    /// Nothing was sent: `NoAStack`, the ring is full; `TooDeep`; `Timeout`, if the procedure in which it is made has no time left.
    pub fn start<const PLACES: bool, T, E>(
        self,
        binding: &'a Binding,
        read: impl FnOnce(Answer<'_>) -> Result<T, CallError<E>> + Send + 'a,
    ) -> Result<Pending<'a, T, E>, Failure> {
        let until = self.until();
        self.start_by::<PLACES, T, E>(binding, until, read)
    }

    /// The same, to be over at `until`; `None` for never.
    ///
    /// # Errors
    /// As there.
    pub fn start_by<const PLACES: bool, T, E>(
        mut self,
        binding: &'a Binding,
        until: Option<Instant>,
        read: impl FnOnce(Answer<'_>) -> Result<T, CallError<E>> + Send + 'a,
    ) -> Result<Pending<'a, T, E>, Failure> {
        self.place_head()?;
        let Self { pair, held, head, used } = self;
        let head: &[u8] = if REQ > LINE_BYTES { &[] } else { &head.0 };
        let words = head.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        match held.start(words, &pair.control, Instant::now(), until) {
            Ok(call) => Ok(Pending::started(binding, call, used, PLACES, Box::new(read))),
            Err(failed) => Err(failure(failed)),
        }
    }
}

impl<const REQ: usize, const REP: usize> Call<'_, REQ, REP> {
    /// The same call, to be over in `time`.
    #[must_use]
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.held = self.held.with_deadline(Instant::now().checked_add(time));
        self
    }

    /// Publishes a call that has no results, and leaves it to itself: nobody waits for it, and its A-stack is free again once it
    /// is answered. The call has waited for what it needs to be sent, as any other.
    ///
    /// # Errors
    /// Nothing was sent: `NoAStack`, the ring is full; `TooDeep`; `Timeout`, if the procedure in which it is made has no time left.
    pub fn leave(mut self) -> Result<(), Failure> {
        self.place_head()?;
        let Self { pair, held, head, .. } = self;
        let head: &[u8] = if REQ > LINE_BYTES { &[] } else { &head.0 };
        let words = head.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        match held.start(words, &pair.control, Instant::now(), None) {
            Ok(call) => {
                call.leave();
                Ok(())
            }
            Err(failed) => Err(failure(failed)),
        }
    }
}

/// The answer to a call that was started, before anything of it was read.
#[derive(Debug)]
pub struct Answer<'a> {
    pair: &'a ClientPair,
    answered: Answered<'a>,
    /// Bytes of its arguments.
    used: usize,
    /// Where areas and tail are, if that was looked at before.
    places: Option<u64>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(pair: &'a ClientPair, answered: Answered<'a>, used: usize, places: Option<u64>) -> Self {
        Self { pair, answered, used, places }
    }

    /// Begins to read it. `PLACES`: the reply may have parts beyond its line.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    pub fn open<const REP: usize, const PLACES: bool>(self) -> Result<Reply<'a, REP>, Failure> {
        let Self { pair, answered, used, places } = self;
        match answered.status() {
            status::OK | status::APP => {
                let places = places.or_else(|| PLACES.then(|| answered.places()));
                Reply::at(pair, answered, places.unwrap_or(0))
            }
            other => Err(refused(other, used, answered.word(0))),
        }
    }
}

impl<'a, const REQ: usize, const REP: usize, const START: bool> Call<'a, REQ, REP, START> {
    /// Something to put into what is passed with the call. It shares the call's one deadline.
    #[must_use]
    pub fn parcel<'p>(&mut self) -> Parcel<'p> {
        Parcel::new(if START { self.until() } else { self.held.begin_wait() })
    }

    /// Sends it ahead of the call. The result puts the token where the head has a place for it, and is kept until there is an
    /// answer: dropped before that, it has the parcel called back.
    ///
    /// # Errors
    /// `TooManyDescriptors`, `NotPassed`, `PeerDied`; `Timeout`, or if the call is started `WouldBlock`, while the server does not
    /// read what it is sent. Nothing was sent.
    pub fn send(&mut self, parcel: Parcel<'_>) -> Result<Sent<'a>, Failure> {
        let (pair, until) = (self.pair, parcel.until());
        if parcel.is_empty() {
            return Ok(Sent { pair, token: 0, is_taken: true, until });
        }
        parcel.room(0)?;
        let token = pair.send_parcel(parcel, !START)?;
        Ok(Sent { pair, token, is_taken: false, until })
    }

    /// When it has to be over if it begins now.
    fn until(&self) -> Option<Instant> {
        desk::at_most(self.held.timeout()).and_then(|timeout| Instant::now().checked_add(timeout))
    }
}

impl<'a, const REQ: usize, const REP: usize> Call<'a, REQ, REP> {
    /// Publishes the call and waits for its answer. `PLACES`: the reply may have parts beyond its line.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    #[inline(always)]
    pub fn transfer<const PLACES: bool>(mut self) -> Result<Reply<'a, REP>, Failure> {
        self.place_head()?;
        let Self { pair, held, head, used } = self;
        let head: &[u8] = if REQ > LINE_BYTES { &[] } else { &head.0 };
        let words = head.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let answered = match held.call(words, &pair.control) {
            Ok(answered) => answered,
            Err(failed) => return Err(failure(failed)),
        };
        match answered.status() {
            status::OK | status::APP => Reply::new::<PLACES>(pair, answered),
            other => Err(refused(other, used, answered.word(0))),
        }
    }
}

/// A parcel that was sent ahead of its call.
#[derive(Debug)]
pub struct Sent<'a> {
    pair: &'a ClientPair,
    token: u32,
    is_taken: bool,
    until: Option<Instant>,
}

impl Sent<'_> {
    /// When the call has to be over.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// What the call has to carry.
    #[must_use]
    pub fn token(&self) -> u32 {
        self.token
    }

    /// The same for what can be none or several: with how many there are.
    #[must_use]
    pub fn several(&self, count: u32) -> u64 {
        passing::several(self.token, count)
    }

    /// The call was answered.
    pub fn taken(mut self) {
        self.is_taken = true;
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.pair.call_back(self.token);
        }
    }
}

/// Gets a segment of `size` bytes or more, that begins with what the frame does. By value: the call has no address.
#[cold]
#[inline(never)]
pub(super) fn enlarge(
    pair: &ClientPair,
    frame: Frame<'_>,
    size: usize,
    used: usize,
    until: Option<Instant>,
) -> Result<(), Failure> {
    pair.move_out_of_band(frame, size, used, until)
}

/// The same with a segment that the A-stack has already.
#[cold]
#[inline(never)]
fn enlarge_at_once(mut frame: Frame<'_>, size: usize, used: usize) -> Result<(), Failure> {
    if frame.is_out_of_band() && frame.fits(size) {
        return Ok(());
    }
    let begin = frame.copy(used);
    frame.leave_segment();
    if frame.move_to_segment(size, &begin) { Ok(()) } else { Err(Failure(CallError::WouldBlock)) }
}

#[cold]
#[inline(never)]
pub(crate) fn failure(failed: Failed) -> Failure {
    Failure(match failed {
        Failed::RingFull => CallError::NoAStack,
        Failed::TooDeep => CallError::TooDeep,
        Failed::Timeout(ran) => CallError::Timeout { ran: ran.into() },
        Failed::Ended(ran) => CallError::PeerDied { ran: ran.into() },
        Failed::Cancelled(_) => CallError::Aborted,
    })
}

#[cold]
#[inline(never)]
pub(super) fn refused(by: u16, size: usize, word: u64) -> Failure {
    Failure(match by {
        status::REVOKED => CallError::Revoked,
        status::BAD_ARGUMENT => CallError::BadArgument,
        status::TOO_LARGE => CallError::ResultTooLarge,
        status::ARGUMENT_TOO_LARGE => CallError::TooLarge { size, limit: usize::try_from(word).unwrap_or(usize::MAX) },
        status::PANICKED => CallError::Panicked,
        status::UNRETURNABLE => CallError::Unreturnable,
        status::OVERLOADED => CallError::Overloaded,
        status::TOO_DEEP => CallError::TooDeep,
        status::NO_PROCEDURE => CallError::Unsupported,
        status::DENIED => CallError::Denied,
        status::ABORTED => CallError::Aborted,
        status::NOT_TAKEN => CallError::NotPassed { ran: Ran::No },
        status::NOT_GIVEN => CallError::NotPassed { ran: Ran::Yes },
        _ => CallError::PeerMisbehaved,
    })
}

#[inline(always)]
pub(super) fn within(size: usize, max: usize) -> Result<(), Failure> {
    if size > max { Err(too_large(size, max)) } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn too_large(size: usize, limit: usize) -> Failure {
    Failure(CallError::TooLarge { size, limit })
}

#[cold]
#[inline(never)]
pub(super) fn misbehaved() -> Failure {
    Failure(CallError::PeerMisbehaved)
}

/// Part of the reply's tail that one slice of `T` has.
#[derive(Debug)]
pub struct Area<T> {
    at: usize,
    count: usize,
    items: PhantomData<T>,
}

impl<T> Area<T> {
    pub(super) const fn new(at: usize, count: usize) -> Self {
        Self { at, count, items: PhantomData }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }
}

/// Bytes of a tail for which nothing is allocated but what its value owns.
const SMALL: usize = 64;

/// An answer being read.
#[derive(Debug)]
pub struct Reply<'a, const REP: usize> {
    pub(super) pair: &'a ClientPair,
    pub(super) answered: Answered<'a>,
    head: Head<REP>,
    /// Where the next area begins.
    pub(super) at: usize,
    /// Where areas and tail are, as the server says; read once. Segments by number, and not held: what has to be dropped
    /// has to be in memory, and that came to 50 instructions of a null call.
    pub(super) places: u64,
}

impl<'a, const REP: usize> Reply<'a, REP> {
    #[inline(always)]
    fn new<const PLACES: bool>(pair: &'a ClientPair, answered: Answered<'a>) -> Result<Self, Failure> {
        let places = if PLACES { answered.places() } else { 0 };
        Self::at(pair, answered, places)
    }

    #[inline(always)]
    fn at(pair: &'a ClientPair, answered: Answered<'a>, places: u64) -> Result<Self, Failure> {
        let mut head = Head::ZERO;
        let mut at = 0;
        if REP > LINE_BYTES {
            copy_from(pair, &answered, places, 0, &mut head.0)?;
            at = REP;
        } else {
            for (i, to) in head.0.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = answered.word(i).to_le_bytes();
            }
        }
        Ok(Self { pair, answered, head, at, places })
    }

    /// As [`new`](Self::new), where the stub reads the head itself.
    pub(super) fn new_raw(pair: &'a ClientPair, answered: Answered<'a>, places: bool) -> Result<Self, Failure> {
        let places = if places { answered.places() } else { 0 };
        Self::at(pair, answered, places)
    }

    /// Bytes of the reply half.
    #[inline(always)]
    pub(super) fn size(&self) -> Result<usize, Failure> {
        match frame_of(self.places) {
            0 => Ok(self.answered.frame_size()),
            serial => segment_size(self.pair, serial, self.answered.deadline()),
        }
    }

    /// Whether the procedure returned its own error.
    #[inline(always)]
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.answered.status() == status::APP
    }

    /// For procedures that have no error of their own.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the server says that the procedure returned one.
    #[inline(always)]
    pub fn refuse_app(&self) -> Result<(), Failure> {
        if self.is_app() { Err(misbehaved()) } else { Ok(()) }
    }

    /// All has been read: what dropping does, but inlined into the stub.
    #[inline(always)]
    pub fn end(self) {
        self.answered.end();
    }

    /// The next out area, of as many items as the request asked for. It begins where its items are aligned.
    #[inline(always)]
    pub fn area<T: Plain>(&mut self, count: usize) -> Area<T> {
        let at = self.at.saturating_add(padding::<T>(self.at));
        self.at = at.saturating_add(count.saturating_mul(size_of::<T>()));
        Area { at, count, items: PhantomData }
    }

    /// Takes what was passed as the result; the head has its token at `at`.
    ///
    /// # Errors
    /// `NotPassed`, `Timeout`.
    pub fn take<T: Pass>(&mut self, at: usize) -> Result<T, Failure> {
        let token: u32 = self.head.get(at).map_err(|_| misbehaved())?;
        self.take_of(self.parcel(token)?, Arrived::take)
    }

    /// The same, if there is one.
    ///
    /// # Errors
    /// As [`take`](Self::take); `PeerMisbehaved` if there are several.
    pub fn take_optional<T: Pass>(&mut self, at: usize) -> Result<Option<T>, Failure> {
        self.take_of(self.counted::<T>(at, 1)?, Arrived::take_optional)
    }

    /// The same, as many as there are.
    ///
    /// # Errors
    /// As [`take`](Self::take); `PeerMisbehaved` if there are more than a reply can pass.
    pub fn take_several<T: Pass>(&mut self, at: usize) -> Result<Vec<T>, Failure> {
        self.take_of(self.counted::<T>(at, PASSED_MAX)?, Arrived::take_several)
    }

    fn parcel(&self, token: u32) -> Result<Arrived, Failure> {
        self.pair.take_parcel(token, self.answered.deadline().until())
    }

    /// The parcel with as many as the head says at `at`, none or up to `most`.
    fn counted<T: Pass>(&self, at: usize, most: usize) -> Result<Arrived, Failure> {
        let (token, count) = passing::counted(self.head.get(at).map_err(|_| misbehaved())?);
        match usize::try_from(count) {
            Ok(0) => Ok(Arrived::nothing().counted(vec![0])),
            Ok(some) if some <= most && some.saturating_mul(T::COUNT) <= PASSED_MAX => {
                Ok(self.parcel(token)?.counted(vec![count]))
            }
            _ => Err(misbehaved()),
        }
    }

    fn take_of<T>(
        &self,
        mut arrived: Arrived,
        take: impl FnOnce(&mut Arrived) -> Result<T, NotTaken>,
    ) -> Result<T, Failure> {
        let until = self.answered.deadline().until();
        let lost = |_| {
            let is_late = until.is_some_and(|until| Instant::now() >= until);
            let ran = Ran::Yes;
            Failure(if is_late { CallError::Timeout { ran } } else { CallError::NotPassed { ran } })
        };
        let what = take(&mut arrived).map_err(lost)?;
        arrived.end().map_err(lost)?;
        Ok(what)
    }

    /// Reads a value; its tail, if it has one, of up to `MAX` bytes, follows the areas or lies in a segment.
    ///
    /// # Errors
    /// `PeerMisbehaved` if it is no value of `T`.
    #[inline(always)]
    pub fn get<T: Wire, const MAX: usize>(&mut self, at: usize) -> Result<T, Failure> {
        match T::CLASS {
            Class::Fixed => self.head.get(at).map_err(|_| misbehaved()),
            Class::Varying => T::get_from(&self.head.0, at, TailOf { reply: self.beyond(), max: MAX }),
            Class::Conventional => self.sized::<T, MAX>(at, |bytes| conventional::decode(bytes, MAX)),
        }
    }

    /// [`Beyond::small`].
    #[inline(always)]
    pub(super) fn small_tail<'s>(&self, small: &'s mut [u8], max: usize) -> Option<&'s [u8]> {
        self.beyond().small(small, max)
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head.0
    }

    /// What seldom-run code needs of it.
    #[inline(always)]
    fn beyond(&self) -> Beyond<'_> {
        Beyond { pair: self.pair, half: self.answered.half(), places: self.places, at: self.at }
    }

    /// The tail, in private memory.
    pub(super) fn tail(&self, max: usize) -> Result<Vec<u8>, Failure> {
        self.beyond().tail(max)
    }

    /// How many bytes the tail has, and the segment that it is in, if that is not the frame. Checked before anything is
    /// allocated for it.
    pub(super) fn tail_place(&self, max: usize) -> Result<(usize, Option<Arc<PeerSegment>>), Failure> {
        self.beyond().tail_place(max)
    }

    pub(super) fn copy_tail(&self, segment: Option<&PeerSegment>, into: &mut [u8]) -> Result<(), Failure> {
        self.beyond().copy_tail(segment, into)
    }

    /// Whether `len` items can be taken from `area`.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the server claims more than it was given room for.
    #[inline(always)]
    pub fn check<T: Plain>(&self, area: &Area<T>, len: usize) -> Result<(), Failure> {
        let end = area.at.saturating_add(len.saturating_mul(size_of::<T>()));
        if len <= area.count && end <= self.size()? { Ok(()) } else { Err(misbehaved()) }
    }

    /// Copies `len` items of `area` to the caller's own memory: LRPC's copy F.
    ///
    /// # Errors
    /// As [`check`](Self::check); also if `into` is shorter than `len`. Nothing was written then.
    #[inline(always)]
    pub fn copy_out<T: Plain>(&self, area: &Area<T>, len: usize, into: &mut [T]) -> Result<(), Failure> {
        self.check(area, len)?;
        let into = into.get_mut(..len).ok_or_else(misbehaved)?;
        copy_from(self.pair, &self.answered, self.places, area.at, into.as_mut_bytes())
    }

    /// Copies bytes from byte `at` of `area`, which was checked.
    pub(super) fn copy_part(&self, area: &Area<u8>, at: usize, into: &mut [u8]) -> Result<(), Failure> {
        copy_from(self.pair, &self.answered, self.places, area.at.saturating_add(at), into)
    }
}

/// What of a reply is read by code that is seldom run: by value, because a [`Reply`] that such code borrows is kept in memory by
/// every call, which came to 15 instructions.
#[derive(Debug, Clone, Copy)]
struct Beyond<'a> {
    pair: &'a ClientPair,
    half: Half<'a>,
    places: u64,
    /// Where the tail begins.
    at: usize,
}

impl Beyond<'_> {
    /// The tail, if it is small and in the frame.
    #[inline(always)]
    fn small<'s>(&self, small: &'s mut [u8], max: usize) -> Option<&'s [u8]> {
        let into = small.get_mut(..self.in_frame().filter(|size| *size <= max)?)?;
        self.half.copy_out(self.at, into)?;
        Some(into)
    }

    /// Bytes of the tail, if it is in the frame.
    #[inline(always)]
    fn in_frame(&self) -> Option<usize> {
        match reply::placed(self.places) {
            (size, 0, 0) => usize::try_from(size).ok(),
            _ => None,
        }
    }

    /// A tail that is large, or not in the frame.
    #[cold]
    #[inline(never)]
    fn large(self, max: usize) -> Result<Vec<u8>, Failure> {
        self.tail(max)
    }

    /// The same as numbers.
    #[cold]
    #[inline(never)]
    fn large_numbers<N: Number>(self, count: usize, max: usize) -> Result<Vec<N>, Failure> {
        let (size, segment) = self.tail_place(max)?;
        if count.checked_mul(size_of::<N>()) != Some(size) {
            return Err(misbehaved());
        }
        let numbers = match (&segment, frame_of(self.places)) {
            (Some(segment), _) => segment.bytes().numbers(0, count),
            (None, 0) => self.half.numbers(self.at, count),
            (None, serial) => self.pair.result_segment(serial, self.half.deadline())?.bytes().numbers(self.at, count),
        };
        numbers.ok_or_else(misbehaved)
    }

    fn tail(&self, max: usize) -> Result<Vec<u8>, Failure> {
        let (size, segment) = self.tail_place(max)?;
        let mut bytes = vec![0; size];
        self.copy_tail(segment.as_deref(), &mut bytes)?;
        Ok(bytes)
    }

    fn tail_place(&self, max: usize) -> Result<(usize, Option<Arc<PeerSegment>>), Failure> {
        let (size, frame, behind) = reply::placed(self.places);
        let size = usize::try_from(size).map_err(|_| misbehaved())?;
        let segment = if behind == 0 { None } else { Some(self.pair.result_segment(behind, self.half.deadline())?) };
        let room = match (&segment, frame) {
            (Some(segment), _) => segment.size(),
            (None, 0) => self.half.frame_size().saturating_sub(self.at),
            (None, serial) => segment_size(self.pair, serial, self.half.deadline())?.saturating_sub(self.at),
        };
        if size > max || size > room { Err(misbehaved()) } else { Ok((size, segment)) }
    }

    fn copy_tail(&self, segment: Option<&PeerSegment>, into: &mut [u8]) -> Result<(), Failure> {
        match (segment, frame_of(self.places)) {
            (Some(segment), _) => segment.bytes().copy_in(0, into).ok_or_else(misbehaved),
            (None, 0) => self.half.copy_out(self.at, into).ok_or_else(misbehaved),
            (None, serial) => copy_from_segment(self.pair, serial, self.half.deadline(), self.at, into),
        }
    }
}

/// The tail of a reply, of up to `max` bytes.
#[derive(Debug, Clone, Copy)]
struct TailOf<'a> {
    reply: Beyond<'a>,
    max: usize,
}

impl Source for TailOf<'_> {
    type Error = Failure;

    #[inline(always)]
    fn read<T>(self, read: impl FnOnce(&[u8]) -> Result<T, Malformed>) -> Result<T, Failure> {
        let mut small = [0; SMALL];
        let large;
        let bytes = match self.reply.small(&mut small, self.max) {
            Some(bytes) => bytes,
            None => {
                large = self.reply.large(self.max)?;
                &large
            }
        };
        Ok(read(bytes)?)
    }

    #[inline(always)]
    fn numbers<N: Number>(self, count: usize) -> Result<Vec<N>, Failure> {
        let size = count.saturating_mul(size_of::<N>());
        if size <= self.max && self.reply.in_frame() == Some(size) {
            self.reply.half.numbers(self.reply.at, count).ok_or_else(misbehaved)
        } else {
            self.reply.large_numbers(count, self.max)
        }
    }
}

impl From<Malformed> for Failure {
    /// What a server has sent that is no value.
    #[inline]
    fn from(_: Malformed) -> Self {
        misbehaved()
    }
}

impl<const REP: usize> Results for Reply<'_, REP> {
    fn sized<T, const MAX: usize>(
        &mut self,
        at: usize,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let bytes = self.tail(MAX)?;
        if get_count(&self.head.0, at) != Ok(bytes.len()) {
            return Err(misbehaved());
        }
        decode(&bytes).map_err(|_| misbehaved())
    }
}

/// The segment that stands in for the frame; 0 for none.
#[inline(always)]
const fn frame_of(places: u64) -> u16 {
    reply::placed(places).1
}

/// Copies bytes from byte `at` of the reply half; each is read once.
#[inline(always)]
pub(super) fn copy_from(
    pair: &ClientPair,
    answered: &Answered<'_>,
    places: u64,
    at: usize,
    into: &mut [u8],
) -> Result<(), Failure> {
    match frame_of(places) {
        0 => answered.copy_out(at, into).ok_or_else(misbehaved),
        serial => copy_from_segment(pair, serial, answered.deadline(), at, into),
    }
}

#[cold]
#[inline(never)]
fn copy_from_segment(
    pair: &ClientPair,
    serial: u16,
    deadline: Deadline<'_>,
    at: usize,
    into: &mut [u8],
) -> Result<(), Failure> {
    pair.result_segment(serial, deadline)?.bytes().copy_in(at, into).ok_or_else(misbehaved)
}

#[cold]
#[inline(never)]
fn segment_size(pair: &ClientPair, serial: u16, deadline: Deadline<'_>) -> Result<usize, Failure> {
    Ok(pair.result_segment(serial, deadline)?.size())
}
