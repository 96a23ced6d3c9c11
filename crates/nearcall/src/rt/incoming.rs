//! The server's half of a stub.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use nearcall_core::budget::NoRoom;
use nearcall_core::channel::memory::{Arena, Memory};
use nearcall_core::channel::server::{DEFERRED, Deferral};
use nearcall_core::channel::serving::Serving;
use nearcall_core::transfer::crew::Pair;
use nearcall_core::transfer::deferred::Deferred;
use nearcall_core::transfer::desk;
use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::pair::{SEGMENT_SIZE_MAX, status};
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Malformed, Tail, Wire};
use zerocopy::{FromBytes, IntoBytes};

use super::plain::{Plain, padding};
use super::{Arrived, LINE_BYTES, NotTaken, PASSED_MAX, Parcel, Pass, Service};
use crate::clerk::ServerPair;
use crate::current::current;
use crate::passing;
use crate::reply::{Parking, ReplyToken, defer, take_parked};
use crate::shared::SharedBytes;

/// The size of a head that begins a frame.
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "checked, and TryFrom is not const")]
const fn head_size(size: usize) -> u32 {
    assert!(size <= u32::MAX as usize);
    size as u32
}

/// Why a call did not end in the procedure's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The interface has no such procedure.
    NoSuchProcedure,
    /// An argument is no value of its type, or a length goes beyond the frame.
    BadArgument,
    /// An argument is larger than it may be; the first word of the results says how large that is. Nothing ran.
    ArgumentTooLarge,
    /// There is no memory for the call at the moment. Nothing ran.
    Overloaded,
    /// The results are larger than they may be, or there is no memory for them.
    TooLarge,
    /// The results have no encoded form.
    Unreturnable,
    /// This client may not call the procedure. Nothing ran: it is the loop that says so, before the stub.
    Denied,
    /// What was to be passed with the arguments did not arrive, or is something else. Nothing ran.
    NotTaken,
    /// A result cannot be passed.
    NotGiven,
    /// None: the procedure has left its reply to be made later. What stubs return that have parked their call
    /// ([`Parking`](super::Parking)); from anybody else it is the answer that the call was aborted.
    Deferred,
}

impl From<NotTaken> for Refusal {
    fn from(not: NotTaken) -> Self {
        if not.for_want_of_room { Self::Overloaded } else { Self::NotTaken }
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Size { .. } => Self::TooLarge,
            Unfit::Never => Self::Unreturnable,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::BadArgument
    }
}

/// A call being served. Arguments are read once, into private memory; results are built where the client reads them.
///
/// It is handed to code that the compiler does not see, so each field costs a store on every call: what a call without
/// payload does not need is worked out when it is asked for.
#[derive(Debug)]
pub struct Incoming<'a> {
    pub(super) call: Serving<'a>,
    arena: Arena<'a>,
    /// A status of the reply; see `answer`.
    pub(super) status: u32,
    /// Where the next bytes of the request's tail are.
    pub(super) at: u32,
}

/// Runs one call up to its answer, whose status it returns. A panic of the procedure becomes the answer that it panicked;
/// arguments that are none are reported by `refused`, before the client can know it.
#[inline(always)]
pub(crate) fn answer(
    service: &dyn Service,
    procedure: u16,
    call: Serving<'_>,
    memory: &mut Memory,
    refused: impl FnOnce(),
) -> u16 {
    let mut incoming = Incoming { call, arena: memory.arena(), status: u32::from(status::PANICKED), at: 0 };
    // The service is shared between calls and keeps its own invariants across a panic, as with std's mutexes; ours are
    // restored by what follows, whatever happened inside.
    let result = catch_unwind(AssertUnwindSafe(|| service.call(procedure, &mut incoming)));
    match result {
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "only statuses are stored there")]
        Ok(Ok(())) => incoming.status as u16,
        Ok(Err(refusal)) => refusal.reported(refused),
        Err(payload) => discard(payload),
    }
}

/// Drops what a panic carried; that may panic as well, and what that carries is leaked, or there would be no end of it.
#[cold]
#[inline(never)]
pub(crate) fn discard(payload: Box<dyn Any + Send>) -> u16 {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(second);
    }
    status::PANICKED
}

impl Refusal {
    #[cold]
    #[inline(never)]
    fn reported(self, refused: impl FnOnce()) -> u16 {
        if matches!(self, Self::NoSuchProcedure | Self::BadArgument | Self::NotTaken) {
            refused();
        }
        self.status()
    }

    pub(crate) fn status(self) -> u16 {
        match self {
            Self::NoSuchProcedure => status::NO_PROCEDURE,
            Self::BadArgument => status::BAD_ARGUMENT,
            Self::ArgumentTooLarge => status::ARGUMENT_TOO_LARGE,
            Self::Overloaded => status::OVERLOADED,
            Self::TooLarge => status::TOO_LARGE,
            Self::Unreturnable => status::UNRETURNABLE,
            Self::Denied => status::DENIED,
            Self::NotTaken => status::NOT_TAKEN,
            Self::NotGiven => status::NOT_GIVEN,
            Self::Deferred => DEFERRED,
        }
    }
}

/// Sends what is passed with a reply; returns the token of its parcel, and how many there were. Without any nothing is sent.
fn send<'t, T: Pass + 't>(all: impl Iterator<Item = &'t T>) -> Result<(u32, u32), Refusal> {
    let call = current().ok_or(Refusal::NotGiven)?;
    let until = call.remaining().and_then(|left| Instant::now().checked_add(left));
    let mut parcel = Parcel::new(until);
    let count = parcel.add_all(all).map_err(|_| Refusal::NotGiven)?;
    if parcel.is_empty() {
        return Ok((0, 0));
    }
    let token = call.pair().send_parcel(call.astack(), parcel).map_err(|_| Refusal::NotGiven)?;
    Ok((token, count))
}

/// A procedure of `pair` has returned, and its answer comes later.
#[cold]
pub(crate) fn park(pair: &ServerPair, export: u64, call: Deferral) {
    let Some(running) = desk::current::<ServerPair>().filter(|running| std::ptr::eq(&*running.pair, pair)) else {
        // On no processor nobody could answer later.
        let _ = call.answer(pair.half(), status::ABORTED);
        return;
    };
    let call = Deferred::new(running.pair, call);
    // Without a token it is dropped, which answers.
    if let Some(parked) = take_parked() {
        pair.note_parked(export, &parked);
        parked.park(call);
    }
}

impl<'a> Incoming<'a> {
    /// A call whose procedure has returned, for its results.
    pub(crate) fn resumed(call: Serving<'a>, memory: &'a mut Memory) -> Self {
        Self { call, arena: memory.arena(), status: u32::from(status::ABORTED), at: 0 }
    }

    /// The status of what was put.
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "only statuses are stored there")]
    pub(crate) fn status(&self) -> u16 {
        self.status as u16
    }

    /// The right to answer later, by what `encode` writes, and what is kept while the procedure runs.
    #[cold]
    pub fn defer<R: Send + 'static>(
        &mut self,
        encode: fn(&mut Incoming<'_>, R) -> Result<(), Refusal>,
    ) -> (ReplyToken<R>, Parking) {
        defer(encode)
    }

    /// Room for the head of a reply that comes later. First of all that is written.
    ///
    /// # Errors
    /// `Overloaded` without memory for it.
    pub fn resume<const REP: usize>(&mut self) -> Result<(), Refusal> {
        self.resume_raw(REP)
    }

    /// The same, where its size is no constant.
    ///
    /// # Errors
    /// As there.
    pub fn resume_raw(&mut self, size: usize) -> Result<(), Refusal> {
        if size > LINE_BYTES {
            self.call.reserve(size).map_err(|no| self.no_room(no))?;
        }
        Ok(())
    }

    /// Copies the head into private memory, fixes where tails begin, and stamps the call as started: from then on its
    /// request line is the client's again. Called once, first.
    ///
    /// # Errors
    /// `BadArgument` if the frame is too small for the head, which the handshake excludes; `Overloaded` without memory
    /// for that of the reply.
    #[inline(always)]
    pub fn open<const REQ: usize, const REP: usize>(&mut self) -> Result<Head<REQ>, Refusal> {
        let mut head = Head::ZERO;
        if REQ <= LINE_BYTES {
            for (i, to) in head.0.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = self.call.word(i).to_le_bytes();
            }
        }
        // Before what can fail below: a refusal from here on is one of a call that was read.
        self.call.started();
        if REQ > LINE_BYTES {
            self.call.copy_in(0, &mut head.0).ok_or(Refusal::BadArgument)?;
            self.at = const { head_size(REQ) };
        }
        if REP > LINE_BYTES {
            self.call.reserve(REP).map_err(|no| self.no_room(no))?;
        }
        Ok(head)
    }

    /// Where an area of `count` items ends that comes next after byte `at` of the reply half, and has up to `MAX` bytes. If it
    /// is an in-out one, its items have to be there.
    ///
    /// # Errors
    /// `ArgumentTooLarge`; `BadArgument`. Before anything is allocated for it.
    #[inline(always)]
    pub fn area_end<T: Plain, const MAX: usize, const IS_IN: bool>(
        &mut self,
        at: usize,
        count: usize,
    ) -> Result<usize, Refusal> {
        let size = count.saturating_mul(size_of::<T>());
        if IS_IN && size > self.call.arguments_size() {
            return Err(Refusal::BadArgument);
        }
        if size > MAX {
            return Err(self.too_large(MAX));
        }
        Ok(at.saturating_add(padding::<T>(at)).saturating_add(size))
    }

    /// Sees to it that areas fit that end at byte `end` of the reply half. Before the first of them.
    ///
    /// # Errors
    /// `ArgumentTooLarge` if that is more than there can be; `Overloaded` if there is no memory for it now.
    #[inline(always)]
    pub fn provide(&mut self, end: usize) -> Result<(), Refusal> {
        if end > SEGMENT_SIZE_MAX {
            return Err(self.too_large(SEGMENT_SIZE_MAX));
        }
        self.call.provide(end).map_err(|no| self.no_room(no))
    }

    /// The next `count` items of the request's tail, up to `MAX` bytes, as they lay in the client's memory: LRPC's
    /// copy E.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many; `ArgumentTooLarge`; `Overloaded`.
    #[inline(always)]
    pub fn slice<T: Plain, const MAX: usize>(&mut self, count: usize) -> Result<&'a [T], Refusal> {
        let size = count.checked_mul(size_of::<T>()).ok_or(Refusal::BadArgument)?;
        let into = self.private::<T>(size, MAX)?;
        self.copy_in(into)?;
        // Its size and its alignment are right.
        FromBytes::ref_from_bytes(into).map_err(|_| Refusal::BadArgument)
    }

    /// The next `size` bytes of the request's tail, up to `MAX`, copied to where anything is aligned.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    #[inline(always)]
    pub(super) fn aligned<const MAX: usize>(&mut self, size: usize) -> Result<&'a [u8], Refusal> {
        let into = self.private::<u128>(size, MAX)?;
        self.copy_in(into)?;
        Ok(into)
    }

    /// Private memory for `size` bytes of the request's tail.
    #[inline(always)]
    pub(super) fn private<T>(&mut self, size: usize, max: usize) -> Result<&'a mut [u8], Refusal> {
        let frame_size = self.call.frame_size();
        if size > frame_size {
            self.announced(size)?;
        }
        if size > max {
            return Err(self.too_large(max));
        }
        self.arena.take::<T>(size, frame_size).map_err(|no| self.no_room(no))
    }

    /// Whether the client has put as many bytes where they do not fit a frame: nothing is allocated for what it only
    /// announces.
    #[cold]
    #[inline(never)]
    fn announced(&self, size: usize) -> Result<(), Refusal> {
        if size > self.call.arguments_size() { Err(Refusal::BadArgument) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn no_room(&mut self, no: NoRoom) -> Refusal {
        match no {
            NoRoom::Never(limit) => self.too_large(limit),
            NoRoom::Now => Refusal::Overloaded,
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn too_large(&mut self, limit: usize) -> Refusal {
        self.call.result(0, u64::try_from(limit).unwrap_or(u64::MAX));
        Refusal::ArgumentTooLarge
    }

    /// The next `len` bytes of the request's tail, up to `MAX`, where the client put them.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many; `ArgumentTooLarge`.
    #[inline]
    pub fn in_place<const MAX: usize>(&mut self, len: usize) -> Result<SharedBytes<'a>, Refusal> {
        self.in_place_raw(len, MAX)
    }

    /// The next bytes of the request's tail, as many as the head says at `at`, up to `MAX`.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many; `ArgumentTooLarge`; `Overloaded`.
    #[inline]
    pub(super) fn sized<const REQ: usize, const MAX: usize>(
        &mut self,
        head: &Head<REQ>,
        at: usize,
    ) -> Result<&'a [u8], Refusal> {
        self.slice::<u8, MAX>(get_count(&head.0, at)?)
    }

    #[inline(always)]
    pub(super) fn copy_in(&mut self, into: &mut [u8]) -> Result<(), Refusal> {
        let at = usize::try_from(self.at).map_err(|_| Refusal::BadArgument)?;
        self.call.copy_in(at, into).ok_or(Refusal::BadArgument)?;
        // Inside the frame, as the copy has seen, and so inside 32 bits.
        self.at = self.at.saturating_add(u32::try_from(into.len()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// The next `len` bytes of the request's tail as text.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many, or they are not UTF-8; `ArgumentTooLarge`; `Overloaded`.
    #[inline(always)]
    pub fn str<const MAX: usize>(&mut self, len: usize) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.slice::<u8, MAX>(len)?).map_err(|_| Refusal::BadArgument)
    }

    /// A value whose fixed part is at `at` of the head.
    ///
    /// # Errors
    /// `BadArgument` if the bytes are no value of `T`; `ArgumentTooLarge` if its tail has more than `MAX`; `Overloaded`.
    #[inline(always)]
    pub fn value<T: Wire, const REQ: usize, const MAX: usize>(
        &mut self,
        head: &Head<REQ>,
        at: usize,
    ) -> Result<T, Refusal> {
        match T::CLASS {
            Class::Fixed => Ok(head.get(at)?),
            Class::Varying => {
                let size = T::tail_size_at(&head.0, at)?;
                let mut tail = Tail::new(self.slice::<u8, MAX>(size)?);
                let value = T::get(&head.0, at, &mut tail)?;
                if tail.left() == 0 { Ok(value) } else { Err(Refusal::BadArgument) }
            }
            Class::Conventional => Ok(conventional::decode(self.sized::<REQ, MAX>(head, at)?, MAX)?),
        }
    }

    /// The next `count` items of the request's tail, copied into our own reply half and lent to the procedure there.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many; as [`out`](Self::out).
    #[inline(always)]
    pub fn in_out<T: Plain>(&mut self, count: usize) -> Result<&'a mut [T], Refusal> {
        let area = self.out::<T>(count)?;
        self.copy_in(area.as_mut_bytes())?;
        Ok(area)
    }

    /// The reply's next area, in our own memory. Its contents are those of an earlier reply to the same client.
    ///
    /// # Errors
    /// `TooLarge` if the reply half has no room, which [`area_end`](Self::area_end) and [`provide`](Self::provide) exclude.
    #[inline(always)]
    pub fn out<T: Plain>(&mut self, capacity: usize) -> Result<&'a mut [T], Refusal> {
        if align_of::<T>() > 1 {
            // Nobody reads it; but no byte of an earlier message stays in this one.
            self.call.space(padding::<T>(self.call.lent())).ok_or(Refusal::TooLarge)?.fill(0);
        }
        let size = capacity.checked_mul(size_of::<T>()).ok_or(Refusal::TooLarge)?;
        let area = self.call.space(size).ok_or(Refusal::TooLarge)?;
        // Its size and its alignment are right.
        FromBytes::mut_from_bytes(area).map_err(|_| Refusal::TooLarge)
    }

    /// What came ahead of the call; the head has its token at each of the places.
    ///
    /// # Errors
    /// `BadArgument`, `NotTaken`, `Overloaded`.
    pub fn parcel<const REQ: usize>(&mut self, head: &Head<REQ>, places: &[usize]) -> Result<Arrived, Refusal> {
        let mut tokens = places.iter().map(|&at| head.get::<u32>(at));
        let token = tokens.next().ok_or(Refusal::BadArgument)??;
        if tokens.any(|other| other != Ok(token)) {
            return Err(Refusal::BadArgument);
        }
        let call = current().ok_or(Refusal::NotTaken)?;
        Ok(call.pair().take_parcel(token, call.remaining())?)
    }

    /// What came ahead of the call, if that can be none or several of it: at each place of `counted` the head says how many,
    /// beside the token.
    ///
    /// # Errors
    /// `BadArgument`, also if there are more than a call can pass; `NotTaken`, `Overloaded`.
    pub fn parcel_of<const REQ: usize>(
        &mut self,
        head: &Head<REQ>,
        places: &[usize],
        counted: &[usize],
    ) -> Result<Arrived, Refusal> {
        let mut tokens: Vec<u32> = places.iter().map(|&at| head.get(at)).collect::<Result<_, _>>()?;
        let mut counts = Vec::new();
        for &at in counted {
            let (token, count) = passing::counted(head.get(at)?);
            tokens.push(token);
            counts.push(count);
        }
        let count = counts.iter().fold(0, |sum: u32, count| sum.saturating_add(*count));
        let token = *tokens.first().ok_or(Refusal::BadArgument)?;
        // What each takes, it says when it is taken; here the count is that of a loop.
        let fits = usize::try_from(count).is_ok_and(|count| count <= PASSED_MAX);
        if !fits || tokens.iter().any(|other| *other != token) {
            return Err(Refusal::BadArgument);
        }
        if places.is_empty() && count == 0 {
            return Ok(Arrived::nothing().counted(counts));
        }
        let call = current().ok_or(Refusal::NotTaken)?;
        Ok(call.pair().take_parcel(token, call.remaining())?.counted(counts))
    }

    /// Sends what is passed as the result, and puts its token at `at` of the head.
    ///
    /// # Errors
    /// `NotGiven`.
    pub fn give<T: Pass, const REP: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        what: &T,
    ) -> Result<(), Refusal> {
        let (token, _) = send([what].into_iter())?;
        head.put(at, &token);
        Ok(())
    }

    /// The same of none or several, with how many there are.
    ///
    /// # Errors
    /// `NotGiven`, also if there are more than a reply can pass.
    pub fn give_all<'t, T: Pass + 't, const REP: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        all: impl Iterator<Item = &'t T>,
    ) -> Result<(), Refusal> {
        let (token, count) = send(all)?;
        head.put(at, &passing::several(token, count));
        Ok(())
    }

    /// The procedure returned: its results, but for tails.
    #[inline(always)]
    pub fn reply<const REP: usize, const PLACES: bool>(&mut self, head: &Head<REP>) {
        self.put::<REP, PLACES>(status::OK, head);
    }

    /// The procedure returned its own error.
    #[inline(always)]
    pub fn reply_app<const REP: usize, const PLACES: bool>(&mut self, head: &Head<REP>) {
        self.put::<REP, PLACES>(status::APP, head);
    }

    #[inline(always)]
    fn put<const REP: usize, const PLACES: bool>(&mut self, how: u16, head: &Head<REP>) {
        self.call.finished();
        self.status = u32::from(how);
        if PLACES {
            self.call.places();
        }
        if REP > LINE_BYTES {
            // `open` has seen to it that it has this size.
            if let Some(space) = self.call.head().first_chunk_mut() {
                *space = head.0;
            }
        } else {
            for (i, word) in head.0.as_chunks::<8>().0.iter().enumerate() {
                self.call.result(i, u64::from_le_bytes(*word));
            }
        }
    }

    /// Puts a result at `at` of the head, and its tail, if it has one, after the areas.
    ///
    /// # Errors
    /// `TooLarge` if the tail has more than `MAX` bytes, or there is no memory for it; `Unreturnable`.
    #[inline(always)]
    pub fn reply_value<T: Wire, const REP: usize, const MAX: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        value: &T,
    ) -> Result<(), Refusal> {
        match T::CLASS {
            Class::Fixed => head.put(at, value),
            Class::Varying => {
                head.put(at, value);
                value.put_tail(self.tail(value.tail_size(), MAX)?);
            }
            Class::Conventional => self.encode::<REP, MAX>(head, at, |space| conventional::encode(value, space))?,
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn tail(&mut self, size: usize, max: usize) -> Result<&'a mut [u8], Refusal> {
        if size > max {
            return Err(Refusal::TooLarge);
        }
        self.call.tail(size).ok_or(Refusal::TooLarge)
    }

    /// Appends what `write` writes, and puts its size at `at` of the head.
    ///
    /// # Errors
    /// `TooLarge` if that is more than `MAX` bytes, or there is no memory for it; `Unreturnable`.
    #[inline]
    pub(super) fn encode<const REP: usize, const MAX: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        write: impl Fn(&mut [u8]) -> Result<usize, Unfit>,
    ) -> Result<(), Refusal> {
        // The tail of a result is the last part of the reply half. It is written there at once, without being measured
        // first: most results fit.
        let size = match write(self.call.rest()) {
            Ok(size) => {
                // Takes what was just written.
                self.tail(size, MAX)?;
                size
            }
            Err(Unfit::Size { size }) => write(self.tail(size, MAX)?)?,
            Err(unfit) => return Err(unfit.into()),
        };
        head.put(at, &count_of(size));
        Ok(())
    }
}
