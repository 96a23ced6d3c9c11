//! The client's half of a stub whose binding is far: the same steps as beside it, over bytes.
//!
//! What a near call has in the line and the frame of an A-stack is here one request: head, then tail. What it would read in the reply
//! half is one reply: head, areas, tail, at the same offsets, so that both sides have one layout and one set of checks.

use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::pair::status;
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Malformed, Tail, Wire};
use zerocopy::IntoBytes;

use super::outgoing::{Area, misbehaved, refused, within};
use super::plain::{Plain, padding};
use super::{Assemble, LINE_BYTES, Results};
use crate::error::{CallError, Failure};
use crate::far::binding::Far;
use crate::far::message::{Reply, Request};

/// A far call being assembled. Dropped, it leaves no trace.
#[derive(Debug)]
pub struct FarCall<'a, const REQ: usize, const REP: usize> {
    far: &'a Far,
    procedure: u16,
    head: Head<REQ>,
    tail: Vec<u8>,
    /// Bytes of the reply's areas, as the client lays them out.
    areas: usize,
}

impl<'a, const REQ: usize, const REP: usize> FarCall<'a, REQ, REP> {
    pub(crate) fn new(far: &'a Far, procedure: u16) -> Self {
        Self { far, procedure, head: Head::ZERO, tail: Vec::new(), areas: head_in_frame(REP) }
    }

    /// As [`Call::put`](super::Call::put).
    pub fn put<T: Wire>(&mut self, at: usize, value: &T) {
        if !matches!(T::CLASS, Class::Conventional) {
            self.head.put(at, value);
        }
    }

    /// As [`Call::count`](super::Call::count).
    pub fn count(&mut self, at: usize, len: usize) {
        self.head.put(at, &count_of(len));
    }

    /// As [`Call::capacity`](super::Call::capacity).
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    pub fn capacity<T: Plain, const MAX: usize>(&mut self, at: usize, len: usize) -> Result<(), Failure> {
        within(len.saturating_mul(size_of::<T>()), MAX)?;
        self.count(at, len);
        Ok(())
    }

    /// As [`Call::bytes`](super::Call::bytes).
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    pub fn bytes<const MAX: usize>(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        within(bytes.len(), MAX)?;
        self.tail.extend_from_slice(bytes);
        Ok(())
    }

    /// As [`Call::slice`](super::Call::slice).
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    pub fn slice<T: Plain, const MAX: usize>(&mut self, items: &[T]) -> Result<(), Failure> {
        self.bytes::<MAX>(items.as_bytes())
    }

    /// As [`Call::tail`](super::Call::tail).
    ///
    /// # Errors
    /// `TooLarge`, `Unsendable`; nothing was sent.
    pub fn tail<T: Wire, const MAX: usize>(&mut self, at: usize, value: &T) -> Result<(), Failure> {
        match T::CLASS {
            Class::Fixed => Ok(()),
            Class::Varying => {
                let size = value.tail_size();
                within(size, MAX)?;
                let from = self.tail.len();
                self.tail.resize(from.saturating_add(size), 0);
                value.put_tail(self.tail.get_mut(from..).unwrap_or_default());
                Ok(())
            }
            Class::Conventional => self.encode::<MAX>(at, |space| conventional::encode(value, space)),
        }
    }

    /// The reply has an area of as many items, beside others.
    pub fn lay_out<T: Plain>(&mut self, count: usize) {
        let padded = self.areas.saturating_add(padding::<T>(self.areas));
        self.areas = padded.saturating_add(count.saturating_mul(size_of::<T>()));
    }

    /// Sends a call that has no results, and leaves it to itself. It is repeated until the other host has it, or its time is over.
    ///
    /// # Errors
    /// Nothing was sent: `TooLarge`; `NoAStack`, as many wait to be sent as may; `Timeout`, if the procedure in which it is made
    /// has no time left; `PeerDied`. Through a gateway also what can become of the call to that.
    pub fn leave(self) -> Result<(), Failure> {
        let Self { far, procedure, head, tail, .. } = self;
        far.leave(&Request {
            procedure,
            has_places: false,
            is_oneway: true,
            reply_size: REP,
            areas: 0,
            head: head.0.to_vec(),
            tail,
        })
    }

    /// Sends the call and waits for its answer. `PLACES`: the reply may have parts beyond its line.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    pub fn transfer<const PLACES: bool>(self) -> Result<FarReply<REP>, Failure> {
        // Either may be what is too large.
        let used = self.tail.len().max(self.areas - head_in_frame(REP));
        let request = Request {
            procedure: self.procedure,
            has_places: PLACES,
            is_oneway: false,
            reply_size: REP,
            areas: self.areas - head_in_frame(REP),
            head: self.head.0.to_vec(),
            tail: self.tail,
        };
        let Reply { status, word, head, areas, tail } = self.far.call(&request)?;
        if status != status::OK && status != status::APP {
            return Err(refused(status, used, word));
        }
        let head = <[u8; REP]>::try_from(head).map_err(|_| misbehaved())?;
        let room = self.areas - head_in_frame(REP);
        // An error of the procedure's own has no areas.
        if areas.len() > room {
            return Err(misbehaved());
        }
        Ok(FarReply { status, head: Head(head), areas, tail, at: head_in_frame(REP) })
    }
}

/// Bytes of a head that lie in the frame.
const fn head_in_frame(head: usize) -> usize {
    if head > LINE_BYTES { head } else { 0 }
}

impl<const REQ: usize, const REP: usize> Assemble for FarCall<'_, REQ, REP> {
    fn encode<const MAX: usize>(
        &mut self,
        at: usize,
        write: impl Fn(&mut [u8]) -> Result<usize, Unfit>,
    ) -> Result<(), Failure> {
        let from = self.tail.len();
        let mut space = 256;
        loop {
            self.tail.resize(from.saturating_add(space), 0);
            match write(self.tail.get_mut(from..).unwrap_or_default()) {
                Ok(size) => {
                    within(size, MAX)?;
                    self.tail.truncate(from.saturating_add(size));
                    self.head.put(at, &count_of(size));
                    return Ok(());
                }
                Err(Unfit::Size { size }) => {
                    within(size, MAX)?;
                    // A value that is larger each time it is written has no size.
                    if size <= space {
                        return Err(Failure(CallError::Unsendable));
                    }
                    space = size;
                }
                Err(Unfit::Never) => return Err(Failure(CallError::Unsendable)),
            }
        }
    }
}

/// An answer being read.
#[derive(Debug)]
pub struct FarReply<const REP: usize> {
    status: u16,
    head: Head<REP>,
    areas: Vec<u8>,
    tail: Vec<u8>,
    at: usize,
}

impl<const REP: usize> FarReply<REP> {
    /// As [`Reply::is_app`](super::Reply::is_app).
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.status == status::APP
    }

    /// As [`Reply::refuse_app`](super::Reply::refuse_app).
    ///
    /// # Errors
    /// `PeerMisbehaved`.
    pub fn refuse_app(&self) -> Result<(), Failure> {
        if self.is_app() { Err(misbehaved()) } else { Ok(()) }
    }

    /// As [`Reply::end`](super::Reply::end).
    pub fn end(self) {}

    /// As [`Reply::area`](super::Reply::area).
    pub fn area<T: Plain>(&mut self, count: usize) -> Area<T> {
        let at = self.at.saturating_add(padding::<T>(self.at));
        self.at = at.saturating_add(count.saturating_mul(size_of::<T>()));
        Area::new(at, count)
    }

    /// As [`Reply::get`](super::Reply::get).
    ///
    /// # Errors
    /// `PeerMisbehaved`.
    pub fn get<T: Wire, const MAX: usize>(&mut self, at: usize) -> Result<T, Failure> {
        match T::CLASS {
            Class::Fixed => self.head.get(at).map_err(|_| misbehaved()),
            Class::Varying => {
                if self.tail.len() > MAX {
                    return Err(misbehaved());
                }
                let mut tail = Tail::new(&self.tail);
                let value = T::get(&self.head.0, at, &mut tail).map_err(|_| misbehaved())?;
                if tail.left() == 0 { Ok(value) } else { Err(misbehaved()) }
            }
            Class::Conventional => self.sized::<T, MAX>(at, |bytes| conventional::decode(bytes, MAX)),
        }
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head.0
    }

    /// The tail, which is read once then.
    pub(super) fn take_tail(&mut self, max: usize) -> Result<Vec<u8>, Failure> {
        if self.tail.len() > max { Err(misbehaved()) } else { Ok(std::mem::take(&mut self.tail)) }
    }

    fn bytes_of<T: Plain>(&self, area: &Area<T>, len: usize) -> Option<&[u8]> {
        let from = area.at().checked_sub(head_in_frame(REP))?;
        let size = len.checked_mul(size_of::<T>())?;
        self.areas.get(from..from.checked_add(size)?).filter(|_| len <= area.count())
    }

    /// As [`Reply::check`](super::Reply::check).
    ///
    /// # Errors
    /// `PeerMisbehaved`.
    pub fn check<T: Plain>(&self, area: &Area<T>, len: usize) -> Result<(), Failure> {
        self.bytes_of(area, len).map(drop).ok_or_else(misbehaved)
    }

    /// As [`Reply::copy_out`](super::Reply::copy_out).
    ///
    /// # Errors
    /// `PeerMisbehaved`; nothing was written then.
    pub fn copy_out<T: Plain>(&self, area: &Area<T>, len: usize, into: &mut [T]) -> Result<(), Failure> {
        let bytes = self.bytes_of(area, len).ok_or_else(misbehaved)?;
        into.get_mut(..len).ok_or_else(misbehaved)?.as_mut_bytes().copy_from_slice(bytes);
        Ok(())
    }
}

impl<const REP: usize> Results for FarReply<REP> {
    fn sized<T, const MAX: usize>(
        &mut self,
        at: usize,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        if self.tail.len() > MAX || get_count(&self.head.0, at) != Ok(self.tail.len()) {
            return Err(misbehaved());
        }
        decode(&self.tail).map_err(|_| misbehaved())
    }
}
