//! The same calls without stubs: written by hand against what stubs are written against, moving the same bytes.
//!
//! Words travel as words, and the server hands them to the procedure as they come; nothing is taken apart, put together or
//! checked beyond what the library does. What a procedure is to write is copied to the same places as by the stubs.

use std::hint::black_box;

use nearcall::rt::zerocopy::IntoBytes;
use nearcall::rt::{Head, Incoming, Interface, Procedure, Refusal, Service};
use nearcall::{Binding, Client};

use super::marks::{Mark, mark};
use super::own::WORDS;
use super::pfs::PfsClient;
use super::pfs_conventional::PfsClient as Messages;

/// Three procedures with the heads and frames of the optimised stubs.
pub(super) struct Floor;

/// Where its interface differs from that of the stubs is in nothing that travels.
const PROCEDURES: &[Procedure] = PfsClient::INTERFACE.procedures;

static INTERFACE: Interface = Interface { name: "Floor", uuid: 0, version: (0, 0), procedures: PROCEDURES };

/// A client over its binding.
#[derive(Debug)]
pub(super) struct FloorClient(Binding);

impl Client for FloorClient {
    const NAME: &'static str = "Floor";
    const INTERFACE: &'static Interface = &INTERFACE;

    fn from_binding(binding: Binding) -> Self {
        Self(binding)
    }

    fn binding(&self) -> &Binding {
        &self.0
    }
}

const MAX: usize = 1024 * 1024;

/// The same for the conventional stubs: what travels is a message, there and back, beside its size.
pub(super) struct MessageFloor;

static MESSAGES: Interface =
    Interface { name: "MessageFloor", uuid: 0, version: (0, 0), procedures: Messages::INTERFACE.procedures };

/// A client over its binding.
#[derive(Debug)]
pub(super) struct MessageClient(Binding);

impl Client for MessageClient {
    const NAME: &'static str = "MessageFloor";
    const INTERFACE: &'static Interface = &MESSAGES;

    fn from_binding(binding: Binding) -> Self {
        Self(binding)
    }

    fn binding(&self) -> &Binding {
        &self.0
    }
}

/// Bytes of the messages of each procedure, there and back, as the stubs make them.
pub(super) const SIZES: [(usize, usize); 3] = [(16, 8), (16 + 4 * WORDS, 8), (16, 16 + 4 * WORDS)];

impl MessageClient {
    /// A message there and one back, into memory that is there.
    #[inline(always)]
    pub(super) fn call(&self, procedure: u16, message: &[u8], into: &mut [u8]) -> Option<()> {
        let mut call = self.0.begin::<8, 8>(procedure).ok()?;
        call.count(0, message.len());
        call.bytes::<MAX>(message).ok()?;
        let mut reply = call.transfer::<true>().ok()?;
        let size = usize::try_from(reply.get::<u32, 0>(0).ok()?).ok()?;
        let area = reply.area::<u8>(into.len());
        reply.copy_out(&area, size, into).ok()?;
        reply.end();
        Some(())
    }
}

impl Service for MessageFloor {
    fn interface(&self) -> &'static Interface {
        &MESSAGES
    }

    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
        let size = usize::try_from(call.open::<8, 8>()?.get::<u32>(0)?).unwrap_or(usize::MAX);
        let message = call.slice::<u8, MAX>(size)?;
        let small;
        let owned;
        let answer: &[u8] = if procedure == 2 {
            // The procedure's own memory, as with the stubs.
            owned = answer_owned(message);
            &owned
        } else {
            small = answer_small(procedure, message);
            small.get(..SIZES[usize::from(procedure % 2)].1).unwrap_or_default()
        };
        let size = answer.len();
        call.result_raw(size)?.copy_from_slice(answer);
        let mut head = Head::<8>::ZERO;
        head.put(0, &u32::try_from(size).unwrap_or(u32::MAX));
        call.reply::<8, true>(&head);
        Ok(())
    }
}

#[inline(never)]
fn answer_small(procedure: u16, message: &[u8]) -> [u8; 16] {
    mark(Mark::Procedure);
    let answer =
        black_box([black_box(message).first().copied().unwrap_or(0) ^ black_box(procedure.to_le_bytes()[1]); 16]);
    mark(Mark::Return);
    answer
}

#[inline(never)]
fn answer_owned(message: &[u8]) -> Vec<u8> {
    mark(Mark::Procedure);
    let answer = black_box(vec![black_box(message).first().copied().unwrap_or(0); SIZES[2].1]);
    mark(Mark::Return);
    answer
}

impl FloorClient {
    /// Two words there, one back.
    pub(super) fn open(&self, words: [u64; 2]) -> Option<u64> {
        let mut call = self.0.begin::<16, 8>(0).ok()?;
        call.put(0, &words[0]);
        call.put(8, &words[1]);
        let mut reply = call.transfer::<false>().ok()?;
        let word = reply.get::<u64, 0>(0).ok()?;
        reply.end();
        Some(word)
    }

    /// Two words and bytes there, one word back.
    pub(super) fn write(&self, words: [u64; 2], bytes: &[u8]) -> Option<u64> {
        let mut call = self.0.begin::<16, 8>(1).ok()?;
        call.put(0, &words[0]);
        call.put(8, &words[1]);
        call.bytes::<MAX>(bytes).ok()?;
        let mut reply = call.transfer::<false>().ok()?;
        let word = reply.get::<u64, 0>(0).ok()?;
        reply.end();
        Some(word)
    }

    /// Two words there, two and bytes back, into memory that is there.
    pub(super) fn get_direntries(&self, words: [u64; 2], into: &mut [u8]) -> Option<[u64; 2]> {
        let mut call = self.0.begin::<16, 16>(2).ok()?;
        call.put(0, &words[0]);
        call.put(8, &words[1]);
        let mut reply = call.transfer::<true>().ok()?;
        let words = [reply.get::<u64, 0>(0).ok()?, reply.get::<u64, 0>(8).ok()?];
        let area = reply.area::<u8>(into.len());
        reply.copy_out(&area, into.len(), into).ok()?;
        reply.end();
        Some(words)
    }
}

impl Service for Floor {
    fn interface(&self) -> &'static Interface {
        &INTERFACE
    }

    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
        match procedure {
            0 => {
                let head = call.open::<16, 8>()?;
                let result = open(head.get::<u64>(0)?, head.get::<u64>(8)?);
                let mut head = Head::<8>::ZERO;
                head.put(0, &result);
                call.reply::<8, false>(&head);
            }
            1 => {
                let head = call.open::<16, 8>()?;
                let bytes = call.slice::<i32, MAX>(WORDS)?;
                let result = write(head.get::<u64>(0)?, head.get::<u64>(8)?, bytes);
                let mut head = Head::<8>::ZERO;
                head.put(0, &result);
                call.reply::<8, false>(&head);
            }
            _ => {
                let head = call.open::<16, 16>()?;
                let (results, data) = get_direntries(head.get::<u64>(0)?, head.get::<u64>(8)?);
                let mut head = Head::<16>::ZERO;
                head.put(0, &results);
                call.result_raw(data.as_bytes().len())?.copy_from_slice(data.as_bytes());
                call.reply::<16, true>(&head);
            }
        }
        Ok(())
    }
}

/// The procedures: what is between their marks is not counted. Not inlined, as those that the stubs call.
#[inline(never)]
fn open(a: u64, b: u64) -> u64 {
    mark(Mark::Procedure);
    let result = black_box(a ^ b);
    mark(Mark::Return);
    result
}

#[inline(never)]
fn write(a: u64, b: u64, bytes: &[i32]) -> u64 {
    mark(Mark::Procedure);
    let result = black_box(a ^ b) ^ u64::from(black_box(bytes).is_empty());
    mark(Mark::Return);
    result
}

#[inline(never)]
fn get_direntries(a: u64, b: u64) -> ([u64; 2], Vec<i32>) {
    mark(Mark::Procedure);
    let (results, data) = (black_box([a, b]), black_box(vec![7; WORDS]));
    mark(Mark::Return);
    (results, data)
}
