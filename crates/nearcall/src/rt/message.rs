//! What the conventional back end is written against: a call as one message, built in a buffer and taken apart from one.
//!
//! ```text
//! client   values -> buffer -> frame                   server   frame -> private copy -> values
//! ```
//!
//! It is what an interface compiler does that knows nothing of the transport (Flick, in the paper on IDL4, section 5): the
//! stubs end in a message of bytes, which something else carries. A message begins with its fixed parts, at constant offsets
//! of an array on the stub's stack; what varies follows there, as long as it is small. Items are handed to the
//! procedure where the private copy of the message has them, if they are aligned there.
//!
//! It is there to be compared with, and by the same interfaces: whatever else is good it has as well.

use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::pair::SEGMENT_SIZE_MAX;
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Malformed, Tail, Wire};
use zerocopy::{FromBytes, IntoBytes};

use super::incoming::{Incoming, Refusal};
use super::outgoing::Call;
use super::plain::Plain;
use crate::binding::Binding;
use crate::error::{CallError, Failure};
use crate::shared::SharedBytes;

/// Bytes of what varies that fit an array on the stack; where nothing does, there is no room for it.
pub const ROOM: usize = 128;

/// Why a part is not put into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unput {
    /// It has `size` bytes where `limit` are allowed.
    TooLarge {
        /// Bytes.
        size: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// It has no encoded form.
    Never,
}

impl From<Unput> for Failure {
    fn from(unput: Unput) -> Self {
        Self(match unput {
            Unput::TooLarge { size, limit } => CallError::TooLarge { size, limit },
            Unput::Never => CallError::Unsendable,
        })
    }
}

impl From<Unput> for Refusal {
    fn from(unput: Unput) -> Self {
        match unput {
            Unput::TooLarge { .. } => Self::TooLarge,
            Unput::Never => Self::Unreturnable,
        }
    }
}

/// A message that is being built: a head of `N` bytes and what varies, in an array of `SIZE` bytes, and elsewhere once it does
/// not fit.
#[derive(Debug)]
pub struct Message<const N: usize, const SIZE: usize> {
    bytes: [u8; SIZE],
    /// Bytes of it, with the head.
    used: usize,
    /// All of it, but for the head, once it is longer than the array.
    large: Vec<u8>,
}

impl<const N: usize, const SIZE: usize> Message<N, SIZE> {
    /// An empty one.
    #[inline(always)]
    #[must_use]
    pub const fn begin() -> Self {
        const { assert!(N <= SIZE, "the head has its place in the array") };
        Self { bytes: [0; SIZE], used: N, large: Vec::new() }
    }

    /// The next `size` bytes, to be overwritten.
    #[inline(always)]
    fn space(&mut self, size: usize) -> &mut [u8] {
        let (from, end) = (self.used, self.used.saturating_add(size));
        if end > SIZE {
            return self.large_space(end);
        }
        self.used = end;
        self.bytes.get_mut(from..end).unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn large_space(&mut self, end: usize) -> &mut [u8] {
        let from = self.used;
        if from <= SIZE {
            self.large = self.bytes.get(..from).unwrap_or_default().to_vec();
        }
        self.used = end;
        self.large.resize(end, 0);
        self.large.get_mut(from..).unwrap_or_default()
    }

    /// Takes back what is behind the first `size` bytes.
    fn truncate(&mut self, size: usize) {
        if self.used > SIZE && size <= SIZE {
            let (to, from) = (self.bytes.get_mut(N..size), self.large.get(N..size));
            if let (Some(to), Some(from)) = (to, from) {
                to.copy_from_slice(from);
            }
        }
        self.large.truncate(size);
        self.used = size;
    }

    /// All of it.
    #[inline(always)]
    fn all(&mut self) -> &[u8] {
        if self.used > SIZE {
            if let (Some(to), Some(head)) = (self.large.get_mut(..N), self.bytes.get(..N)) {
                to.copy_from_slice(head);
            }
            return &self.large;
        }
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// Puts a fixed part, unless that is known only with the rest.
    #[inline(always)]
    pub fn put<T: Wire>(&mut self, at: usize, value: &T) {
        if !matches!(T::CLASS, Class::Conventional) {
            value.put(&mut self.bytes, at);
        }
    }

    /// Puts the count of a varying part.
    #[inline(always)]
    pub fn count(&mut self, at: usize, len: usize) {
        count_of(len).put(&mut self.bytes, at);
    }

    /// Puts how many items there is room for, of up to `MAX` bytes.
    ///
    /// # Errors
    /// [`Unput`].
    #[inline(always)]
    pub fn capacity<T: Plain, const MAX: usize>(&mut self, at: usize, len: usize) -> Result<(), Unput> {
        within(len.saturating_mul(size_of::<T>()), MAX)?;
        self.count(at, len);
        Ok(())
    }

    /// Appends up to `MAX` bytes.
    ///
    /// # Errors
    /// [`Unput`].
    #[inline(always)]
    pub fn bytes<const MAX: usize>(&mut self, bytes: &[u8]) -> Result<(), Unput> {
        within(bytes.len(), MAX)?;
        self.space(bytes.len()).copy_from_slice(bytes);
        Ok(())
    }

    /// Appends items of up to `MAX` bytes as they lie in memory.
    ///
    /// # Errors
    /// [`Unput`].
    #[inline(always)]
    pub fn slice<T: Plain, const MAX: usize>(&mut self, items: &[T]) -> Result<(), Unput> {
        self.bytes::<MAX>(items.as_bytes())
    }

    /// Appends what varies of a value, of up to `MAX` bytes.
    ///
    /// # Errors
    /// [`Unput`].
    #[inline(always)]
    pub fn tail<T: Wire, const MAX: usize>(&mut self, at: usize, value: &T) -> Result<(), Unput> {
        match T::CLASS {
            Class::Fixed => {}
            Class::Varying => {
                let size = value.tail_size();
                within(size, MAX)?;
                value.put_tail(self.space(size));
            }
            Class::Conventional => {
                let size = self.encode(value)?;
                within(size, MAX)?;
                self.count(at, size);
            }
        }
        Ok(())
    }

    fn encode<T: Wire>(&mut self, value: &T) -> Result<usize, Unput> {
        let from = self.used;
        // Most values fit what is there anyway.
        let room = SIZE.saturating_sub(from);
        let size = match conventional::encode(value, self.space(room)) {
            Ok(size) => size,
            Err(Unfit::Size { size }) => {
                self.truncate(from);
                conventional::encode(value, self.space(size)).map_err(|_| Unput::Never)?
            }
            Err(Unfit::Never) => return Err(Unput::Never),
        };
        self.truncate(from.saturating_add(size));
        Ok(size)
    }

    /// Appends the first `len` items of an area, or all, if there are not as many.
    #[inline(always)]
    pub fn area<T: Plain>(&mut self, items: &[T], len: usize) {
        let items = items.get(..len).unwrap_or(items);
        count_of(items.len()).put(self.space(4), 0);
        let bytes = items.as_bytes();
        self.space(bytes.len()).copy_from_slice(bytes);
    }

    /// Begins the call that carries it.
    #[inline(always)]
    fn sent<'b>(&mut self, binding: &'b Binding, procedure: u16) -> Result<Call<'b, 8, 8>, Failure> {
        let mut call = binding.begin::<8, 8>(procedure)?;
        call.count(0, self.used);
        call.bytes::<SEGMENT_SIZE_MAX>(self.all())?;
        Ok(call)
    }

    /// Sends it and waits for the answer, which has a head of `REP` bytes. Both stay where they are: to move them would take
    /// as long as to build them.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    #[inline(always)]
    pub fn call<const REP: usize, const BACK: usize>(
        &mut self,
        binding: &Binding,
        procedure: u16,
        received: &mut Received<REP, BACK>,
    ) -> Result<(), Failure> {
        let reply = self.sent(binding, procedure)?.transfer::<true>()?;
        received.is_app = reply.is_app();
        received.size = match reply.small_tail(&mut received.bytes, SEGMENT_SIZE_MAX) {
            Some(bytes) => bytes.len(),
            None => {
                received.large = reply.tail(SEGMENT_SIZE_MAX)?;
                received.large.len()
            }
        };
        if get_count(reply.head(), 0) != Ok(received.size) || received.size < REP {
            return Err(misbehaved());
        }
        reply.end();
        Ok(())
    }

    /// Sends it and does not wait.
    ///
    /// # Errors
    /// As for any call that is left to itself.
    pub fn leave(&mut self, binding: &Binding, procedure: u16) -> Result<(), Failure> {
        self.sent(binding, procedure)?.leave()
    }

    /// Answers with it.
    ///
    /// # Errors
    /// `TooLarge` if there is no memory for it.
    #[inline(always)]
    pub fn reply(&mut self, call: &mut Incoming<'_>, is_app: bool) -> Result<(), Refusal> {
        let mut head = Head::<8>::ZERO;
        head.put(0, &count_of(self.used));
        call.tail(self.used, SEGMENT_SIZE_MAX)?.copy_from_slice(self.all());
        if is_app {
            call.reply_app::<8, true>(&head);
        } else {
            call.reply::<8, true>(&head);
        }
        Ok(())
    }
}

/// A reply that was received, with a head of `N` bytes.
#[derive(Debug)]
pub struct Received<const N: usize, const SIZE: usize> {
    bytes: [u8; SIZE],
    size: usize,
    /// All of it, if it is longer than the array.
    large: Vec<u8>,
    /// How much of it was read, with the head.
    at: usize,
    is_app: bool,
}

/// Items of an area, by their place in the message.
#[derive(Debug, Clone, Copy)]
pub struct Items {
    at: usize,
    count: usize,
}

impl<const N: usize, const SIZE: usize> Received<N, SIZE> {
    /// None yet.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "there is nothing that it would be the default of")]
    pub const fn new() -> Self {
        Self { bytes: [0; SIZE], size: 0, large: Vec::new(), at: N, is_app: false }
    }

    #[inline(always)]
    fn all(&self) -> &[u8] {
        if self.size > SIZE { &self.large } else { self.bytes.get(..self.size).unwrap_or_default() }
    }

    /// Whether the procedure returned its own error.
    #[inline(always)]
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.is_app
    }

    /// The next area; its items are those that the server sent.
    ///
    /// # Errors
    /// `PeerMisbehaved` if it is longer than the message.
    #[inline(always)]
    pub fn area<T: Plain>(&mut self) -> Result<Items, Failure> {
        let count = get_count(self.all(), self.at).map_err(|_| misbehaved())?;
        let at = self.at.saturating_add(4);
        self.at = at.saturating_add(count.saturating_mul(size_of::<T>()));
        if self.at > self.size { Err(misbehaved()) } else { Ok(Items { at, count }) }
    }

    /// Whether an area has `len` items, and they fit `capacity`.
    ///
    /// # Errors
    /// `PeerMisbehaved` if not.
    #[inline(always)]
    pub fn check(&self, items: Items, len: usize, capacity: usize) -> Result<(), Failure> {
        if items.count == len && len <= capacity { Ok(()) } else { Err(misbehaved()) }
    }

    /// Copies an area that was checked.
    #[inline(always)]
    pub fn copy_out<T: Plain>(&self, items: Items, into: &mut [T]) {
        let size = items.count.saturating_mul(size_of::<T>());
        let from = self.all().get(items.at..items.at.saturating_add(size));
        if let (Some(from), Some(into)) = (from, into.get_mut(..items.count)) {
            into.as_mut_bytes().copy_from_slice(from);
        }
    }

    /// Reads a value, whose rest has up to `MAX` bytes.
    ///
    /// # Errors
    /// `PeerMisbehaved` if it is none.
    #[inline(always)]
    pub fn get<T: Wire, const MAX: usize>(&mut self, at: usize) -> Result<T, Failure> {
        if self.size > SIZE {
            let head = self.large.first_chunk().ok_or_else(misbehaved)?;
            return value::<T, N, MAX>(head, at, &self.large, &mut self.at).map_err(|_| misbehaved());
        }
        let Self { bytes, size, at: read, .. } = self;
        let head = bytes.first_chunk().ok_or_else(misbehaved)?;
        value::<T, N, MAX>(head, at, bytes.get(..*size).unwrap_or_default(), read).map_err(|_| misbehaved())
    }

    /// That all of it was read.
    ///
    /// # Errors
    /// `PeerMisbehaved` if something is left.
    #[inline(always)]
    pub fn end(&self) -> Result<(), Failure> {
        if self.at == self.size { Ok(()) } else { Err(misbehaved()) }
    }
}

/// A request that was received, with a head of `N` bytes: all of it is in private memory.
#[derive(Debug)]
pub struct Request<'a, const N: usize> {
    head: &'a [u8; N],
    bytes: &'a [u8],
    at: usize,
}

impl<'a, const N: usize> Request<'a, N> {
    /// Takes it.
    ///
    /// # Errors
    /// `BadArgument` if it is shorter than its head; `ArgumentTooLarge`; `Overloaded`.
    #[inline(always)]
    pub fn open(call: &mut Incoming<'a>) -> Result<Self, Refusal> {
        let size = get_count(&call.open::<8, 8>()?.0, 0)?;
        let bytes = call.aligned::<SEGMENT_SIZE_MAX>(size)?;
        let head = bytes.first_chunk().ok_or(Refusal::BadArgument)?;
        Ok(Self { head, bytes, at: N })
    }

    #[inline(always)]
    fn take(&mut self, size: usize, max: usize) -> Result<&'a [u8], Refusal> {
        if size > max {
            return Err(Refusal::ArgumentTooLarge);
        }
        let end = self.at.checked_add(size).ok_or(Refusal::BadArgument)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Refusal::BadArgument)?;
        self.at = end;
        Ok(bytes)
    }

    fn count(&self, at: usize) -> Result<usize, Refusal> {
        Ok(get_count(self.head, at)?)
    }

    /// A value, whose rest has up to `MAX` bytes.
    ///
    /// # Errors
    /// `BadArgument`; `ArgumentTooLarge`.
    #[inline(always)]
    pub fn value<T: Wire, const MAX: usize>(&mut self, at: usize) -> Result<T, Refusal> {
        Ok(value::<T, N, MAX>(self.head, at, self.bytes, &mut self.at)?)
    }

    /// Text of up to `MAX` bytes.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    #[inline(always)]
    pub fn str<const MAX: usize>(&mut self, at: usize) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.take(self.count(at)?, MAX)?).map_err(|_| Refusal::BadArgument)
    }

    /// Items of up to `MAX` bytes, in memory that is aligned for them.
    ///
    /// # Errors
    /// As [`value`](Self::value); `Overloaded` without memory.
    #[inline(always)]
    pub fn slice<T: Plain, const MAX: usize>(&mut self, at: usize) -> Result<Slice<'a, T>, Refusal> {
        let count = self.count(at)?;
        let bytes = self.take(count.saturating_mul(size_of::<T>()), MAX)?;
        match <[T]>::ref_from_bytes(bytes) {
            Ok(items) => Ok(Slice::Where(items)),
            Err(_) => items(bytes, count).map(Slice::Copied),
        }
    }

    /// Items of up to `MAX` bytes that the procedure may change.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    #[inline(always)]
    pub fn in_out<T: Plain, const MAX: usize>(&mut self, at: usize) -> Result<Vec<T>, Refusal> {
        let count = self.count(at)?;
        let bytes = self.take(count.saturating_mul(size_of::<T>()), MAX)?;
        items(bytes, count)
    }

    /// Bytes, up to `MAX`, as those are that are read in place.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    #[inline(always)]
    pub fn in_place<const MAX: usize>(&mut self, at: usize) -> Result<SharedBytes<'a>, Refusal> {
        Ok(SharedBytes::from(self.take(self.count(at)?, MAX)?))
    }

    /// Room for as many items as the client has, of up to `MAX` bytes.
    ///
    /// # Errors
    /// `ArgumentTooLarge`; `Overloaded` without memory.
    #[inline(always)]
    pub fn out<T: Plain, const MAX: usize>(&mut self, at: usize) -> Result<Vec<T>, Refusal> {
        let count = self.count(at)?;
        if count.saturating_mul(size_of::<T>()) > MAX {
            return Err(Refusal::ArgumentTooLarge);
        }
        let mut items = Vec::new();
        items.try_reserve_exact(count).map_err(|_| Refusal::Overloaded)?;
        items.resize_with(count, T::new_zeroed);
        Ok(items)
    }

    /// That all of it was taken.
    ///
    /// # Errors
    /// `BadArgument` if something is left.
    #[inline(always)]
    pub fn end(self) -> Result<(), Refusal> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(Refusal::BadArgument) }
    }
}

/// Items where the message has them, if they are aligned there.
#[derive(Debug)]
pub enum Slice<'a, T> {
    /// They are.
    Where(&'a [T]),
    /// They are not.
    Copied(Vec<T>),
}

impl<T> core::ops::Deref for Slice<'_, T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Self::Where(items) => items,
            Self::Copied(items) => items,
        }
    }
}

#[inline(always)]
fn items<T: Plain>(bytes: &[u8], count: usize) -> Result<Vec<T>, Refusal> {
    let mut items = Vec::new();
    items.try_reserve_exact(count).map_err(|_| Refusal::Overloaded)?;
    // Every pattern of bytes is an item, and the chunks have its size.
    let item = |bytes: &[u8]| T::read_from_bytes(bytes).unwrap_or_else(|_| T::new_zeroed());
    items.extend(bytes.chunks_exact(size_of::<T>()).map(item));
    Ok(items)
}

/// A value whose rest begins at `*rest` of `bytes`.
#[inline(always)]
fn value<T: Wire, const N: usize, const MAX: usize>(
    head: &[u8; N],
    at: usize,
    bytes: &[u8],
    rest: &mut usize,
) -> Result<T, Malformed> {
    let mut take = |size: usize| {
        let end = rest.checked_add(size).filter(|_| size <= MAX).ok_or(Malformed)?;
        let taken = bytes.get(*rest..end).ok_or(Malformed)?;
        *rest = end;
        Ok(taken)
    };
    match T::CLASS {
        Class::Fixed => T::get(head, at, &mut Tail::empty()),
        Class::Varying => {
            let mut tail = Tail::new(take(T::tail_size_at(head, at)?)?);
            let value = T::get(head, at, &mut tail)?;
            if tail.left() == 0 { Ok(value) } else { Err(Malformed) }
        }
        Class::Conventional => conventional::decode(take(get_count(head, at)?)?, MAX),
    }
}

fn within(size: usize, limit: usize) -> Result<(), Unput> {
    if size > limit { Err(Unput::TooLarge { size, limit }) } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn misbehaved() -> Failure {
    Failure(CallError::PeerMisbehaved)
}
