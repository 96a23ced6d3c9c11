//! What stubs are written against that know no types of Rust: sizes are numbers, and heads and tails are bytes.
//!
//! It is the same protocol by the same code: a [`RawCall`] is a [`Call`] whose heads have no size for rustc, and what the
//! constants of a generated stub say is said here by its caller. What that caller gets wrong about its own sizes is refused
//! or sent to a server that refuses it; it breaks nothing here.
//!
//! What it does not do: look into values. Whoever encodes and decodes them is a stub in another language.

use std::time::{Duration, Instant};

use nearcall_core::shm::copy;
use nearcall_layout::pair::status;
use zerocopy::IntoBytes;

use super::outgoing::{copy_from, failure, misbehaved, refused};
use super::{Call, Incoming, LINE_BYTES, Refusal, Reply};
use crate::binding::Binding;
use crate::error::Failure;
use crate::shared::SharedBytes;

/// A call being assembled. Dropped, it leaves no trace.
#[derive(Debug)]
pub struct RawCall<'a> {
    call: Call<'a, 0, 0>,
    request_size: usize,
    reply_size: usize,
}

impl Binding {
    /// Begins a call whose heads have so many bytes, whole words each.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    #[doc(hidden)]
    pub fn begin_raw(&self, procedure: u16, request_size: usize, reply_size: usize) -> Result<RawCall<'_>, Failure> {
        let mut call = self.begin::<0, 0>(procedure)?;
        call.used = if request_size > LINE_BYTES { request_size } else { 0 };
        Ok(RawCall { call, request_size, reply_size })
    }
}

impl<'a> RawCall<'a> {
    /// The same call, to be over in `time`.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.call = self.call.within(time);
        self
    }

    /// The next `size` bytes of the request's tail, of a part that may have `max`; to be overwritten.
    ///
    /// # Errors
    /// `TooLarge`, `NoMemory`, and what can become of asking for a segment; nothing was sent.
    pub fn space(&mut self, size: usize, max: usize) -> Result<&mut [u8], Failure> {
        self.call.space(size, max)
    }

    /// Publishes the call with this head and waits for its answer. `places`: the reply may have parts beyond its line.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    pub fn transfer(mut self, head: &[u8], places: bool) -> Result<RawReply<'a>, Failure> {
        self.place(head)?;
        let Self { call: Call { pair, held, used, .. }, reply_size, .. } = self;
        let answered = held.call(words(head), &pair.control).map_err(failure)?;
        match answered.status() {
            status::OK | status::APP => {
                let mut reply = Reply::new_raw(pair, answered, places)?;
                reply.at = if reply_size > LINE_BYTES { reply_size } else { 0 };
                Ok(RawReply { reply, reply_size })
            }
            other => Err(refused(other, used, answered.word(0))),
        }
    }

    /// Publishes a call that has no results, and leaves it to itself.
    ///
    /// # Errors
    /// As [`Call::leave`].
    pub fn leave(mut self, head: &[u8]) -> Result<(), Failure> {
        self.place(head)?;
        let Self { call: Call { pair, held, .. }, .. } = self;
        held.start(words(head), &pair.control, Instant::now(), None).map_err(failure)?.leave();
        Ok(())
    }

    /// Puts a head that does not fit the line to the start of the frame.
    fn place(&mut self, head: &[u8]) -> Result<(), Failure> {
        if self.request_size <= LINE_BYTES {
            return Ok(());
        }
        if self.call.used == self.request_size {
            self.call.room(0, 0)?;
        }
        match self.call.held.frame().bytes().get_mut(..self.request_size) {
            Some(space) if space.len() == head.len() => copy::private_to_own(head, space),
            _ => return Err(misbehaved()),
        }
        Ok(())
    }
}

/// The words of a head that fits the line.
fn words(head: &[u8]) -> impl Iterator<Item = u64> + Clone {
    let in_line = if head.len() > LINE_BYTES { &[] } else { head };
    in_line.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word))
}

/// An answer being read.
#[derive(Debug)]
pub struct RawReply<'a> {
    reply: Reply<'a, 0>,
    reply_size: usize,
}

impl RawReply<'_> {
    /// Whether the procedure returned its own error.
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.reply.is_app()
    }

    /// Copies the head, of which `into` has the size.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the server says that it is where nothing is.
    pub fn head(&self, into: &mut [u8]) -> Result<(), Failure> {
        let Reply { pair, answered, places, .. } = &self.reply;
        if self.reply_size > LINE_BYTES {
            return copy_from(pair, answered, *places, 0, into);
        }
        for (i, to) in into.chunks_mut(8).enumerate() {
            let word = answered.word(i).to_le_bytes();
            to.copy_from_slice(word.get(..to.len()).unwrap_or_default());
        }
        Ok(())
    }

    /// Where the next area begins, of `size` bytes aligned to `align`, as the request asked for it.
    pub fn area(&mut self, size: usize, align: usize) -> usize {
        let at = self.reply.at.saturating_add(padding(self.reply.at, align));
        self.reply.at = at.saturating_add(size);
        at
    }

    /// Whether the reply half has `size` bytes from byte `at` on.
    ///
    /// # Errors
    /// `PeerMisbehaved` if not.
    pub fn check(&self, at: usize, size: usize) -> Result<(), Failure> {
        if at.saturating_add(size) <= self.reply.size()? { Ok(()) } else { Err(misbehaved()) }
    }

    /// Copies bytes of the reply half, from byte `at` of it; each is read once.
    ///
    /// # Errors
    /// As [`check`](Self::check). Nothing was written then.
    pub fn copy_out(&self, at: usize, into: &mut [u8]) -> Result<(), Failure> {
        self.check(at, into.len())?;
        copy_from(self.reply.pair, &self.reply.answered, self.reply.places, at, into)
    }

    /// How many bytes the tail has, up to `max`.
    ///
    /// # Errors
    /// `PeerMisbehaved` if there are more, or they are not where the server says.
    pub fn tail_size(&self, max: usize) -> Result<usize, Failure> {
        self.reply.tail_place(max).map(|(size, _)| size)
    }

    /// Copies the tail, of which `into` has the size; each byte is read once.
    ///
    /// # Errors
    /// As [`tail_size`](Self::tail_size).
    pub fn tail(&self, into: &mut [u8]) -> Result<(), Failure> {
        let (_, segment) = self.reply.tail_place(into.len())?;
        self.reply.copy_tail(segment.as_deref(), into)
    }

    /// Gives the A-stack back.
    pub fn end(self) {
        self.reply.end();
    }
}

impl<'a> Incoming<'a> {
    /// As [`open`](Self::open): copies the head into `head`, which has its size.
    ///
    /// # Errors
    /// As there.
    pub fn open_raw(&mut self, head: &mut [u8], reply_size: usize) -> Result<(), Refusal> {
        let is_in_line = head.len() <= LINE_BYTES;
        if is_in_line {
            for (i, to) in head.chunks_mut(8).enumerate() {
                let word = self.call.word(i).to_le_bytes();
                to.copy_from_slice(word.get(..to.len()).unwrap_or_default());
            }
        }
        self.call.started();
        if !is_in_line {
            self.call.copy_in(0, head).ok_or(Refusal::BadArgument)?;
            self.at = u32::try_from(head.len()).map_err(|_| Refusal::BadArgument)?;
        }
        if reply_size > LINE_BYTES {
            self.call.reserve(reply_size).map_err(|no| self.no_room(no))?;
        }
        Ok(())
    }

    /// The next `size` bytes of the request's tail, of a part that may have `max`, in private memory that is aligned to
    /// `align`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn take_raw(&mut self, size: usize, max: usize, align: usize) -> Result<&'a [u8], Refusal> {
        let into = match align {
            0 | 1 => self.private::<u8>(size, max),
            2 => self.private::<u16>(size, max),
            4 => self.private::<u32>(size, max),
            8 => self.private::<u64>(size, max),
            _ => self.private::<u128>(size, max),
        }?;
        self.copy_in(into)?;
        Ok(into)
    }

    /// The next `size` bytes of the request's tail, of a part that may have `max`, where the client put them.
    ///
    /// # Errors
    /// As [`in_place`](Self::in_place).
    pub fn in_place_raw(&mut self, size: usize, max: usize) -> Result<SharedBytes<'a>, Refusal> {
        let at = usize::try_from(self.at).map_err(|_| Refusal::BadArgument)?;
        let bytes = self.call.shared(at, size).ok_or(Refusal::BadArgument)?;
        if size > max {
            return Err(self.too_large(max));
        }
        // Inside the frame, and so inside 32 bits.
        self.at = self.at.saturating_add(u32::try_from(size).unwrap_or(u32::MAX));
        Ok(SharedBytes::of_peer(bytes))
    }

    /// Where an area of `size` bytes ends that comes next after byte `at` of the reply half. `is_in`: its bytes have to be
    /// there.
    ///
    /// # Errors
    /// As [`area_end`](Self::area_end).
    pub fn area_end_raw(
        &mut self,
        at: usize,
        size: usize,
        align: usize,
        max: usize,
        is_in: bool,
    ) -> Result<usize, Refusal> {
        if is_in && size > self.call.arguments_size() {
            return Err(Refusal::BadArgument);
        }
        if size > max {
            return Err(self.too_large(max));
        }
        Ok(at.saturating_add(padding(at, align)).saturating_add(size))
    }

    /// The reply's next area, of `size` bytes, in our own memory; `is_in`: with the next bytes of the request's tail in it.
    ///
    /// # Errors
    /// As [`in_out`](Self::in_out) and [`out`](Self::out).
    pub fn area_raw(&mut self, size: usize, align: usize, is_in: bool) -> Result<&'a mut [u8], Refusal> {
        let padding = padding(self.call.lent(), align);
        self.call.space(padding).ok_or(Refusal::TooLarge)?.fill(0);
        let area = self.call.space(size).ok_or(Refusal::TooLarge)?;
        if is_in {
            self.copy_in(area)?;
        }
        Ok(area)
    }

    /// Space for the tail of the results, once, after the areas.
    ///
    /// # Errors
    /// `TooLarge` if there is no memory for it.
    pub fn result_raw(&mut self, size: usize) -> Result<&'a mut [u8], Refusal> {
        self.tail(size, usize::MAX)
    }

    /// The procedure returned: its results, or its own error if `is_app`. `places`: the reply may have parts beyond its line.
    pub fn reply_raw(&mut self, is_app: bool, head: &[u8], places: bool) {
        self.call.finished();
        self.status = u32::from(if is_app { status::APP } else { status::OK });
        if places {
            self.call.places();
        }
        if head.len() > LINE_BYTES {
            // `open_raw` has seen to it that it has this size.
            if let Some(space) = self.call.head().get_mut(..head.len()) {
                space.copy_from_slice(head);
            }
        } else {
            for (i, from) in head.chunks(8).enumerate() {
                let mut word = 0_u64;
                if let Some(to) = word.as_mut_bytes().get_mut(..from.len()) {
                    to.copy_from_slice(from);
                }
                self.call.result(i, u64::from_le(word));
            }
        }
    }
}

/// Bytes from byte `at` to where something can begin that is aligned to `align`.
const fn padding(at: usize, align: usize) -> usize {
    match at.wrapping_neg().checked_rem(align) {
        Some(padding) => padding,
        None => 0,
    }
}
