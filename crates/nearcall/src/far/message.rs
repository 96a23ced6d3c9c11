//! What a far client and a host say to each other, as bytes (docs/wire.md, "Bindings"). Header fields are in network order; heads,
//! areas and tails are as they are near.
//!
//! Decoders take whatever came. Nothing is allocated for what is only announced.

use std::time::Duration;

use crate::interface;
use crate::rt::{Exhausted, Procedure};

/// SELECT's number for binding.
pub(crate) const BIND: u16 = 1;
/// For calls.
pub(crate) const CALL: u16 = 2;
/// For giving a binding back.
pub(crate) const UNBIND: u16 = 3;

/// For what a host serves.
pub(crate) const LIST: u16 = 4;

/// Of these messages.
pub(crate) const VERSION: u16 = 2;

/// Procedures of an interface that is bound far, at most.
pub(crate) const PROCEDURE_COUNT_MAX: usize = 1024;

/// Statuses of replies that no near call has: what became of the call at the host.
pub(crate) mod status {
    /// The host knows no such binding, or the server's was revoked.
    pub(crate) const NO_BINDING: u16 = 0x8001;
    /// The server's process has ended; how far the call got is in the word.
    pub(crate) const PEER_DIED: u16 = 0x8002;
    /// The time was over; the same.
    pub(crate) const TIMEOUT: u16 = 0x8003;
    /// The server has no A-stack for the call.
    pub(crate) const NO_ASTACK: u16 = 0x8004;
    /// The host or the server has more calls than it takes.
    pub(crate) const OVERLOADED: u16 = 0x8005;
    /// The server answered nonsense.
    pub(crate) const MISBEHAVED: u16 = 0x8006;
    /// The answer is larger than a message can be.
    pub(crate) const RESULT_TOO_LARGE: u16 = 0x8007;
    /// The host or the server has no memory for the arguments.
    pub(crate) const NO_MEMORY: u16 = 0x8008;
}

/// The message is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a message from its beginning.
struct From<'a>(&'a [u8]);

impl<'a> From<'a> {
    fn bytes(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(size).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.number().map(|[byte]: [u8; 1]| byte)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.number().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.number().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.number().map(u64::from_be_bytes)
    }

    fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u32()?).map_err(|_| Malformed)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let size = usize::from(self.u16()?);
        String::from_utf8(self.bytes(size)?.to_vec()).map_err(|_| Malformed)
    }
}

fn put_text(into: &mut Vec<u8>, text: &str) {
    // What is cut off is cut at a character.
    let end = text.floor_char_boundary(usize::from(u16::MAX));
    let text = text.get(..end).unwrap_or_default();
    into.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    into.extend(text.as_bytes());
}

fn put_size(into: &mut Vec<u8>, size: usize) {
    into.extend(u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
}

/// A call, but for its binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) procedure: u16,
    pub(crate) has_places: bool,
    /// Nobody waits for the procedure: the reply says only that the server has the call.
    pub(crate) is_oneway: bool,
    /// Bytes of the reply's head.
    pub(crate) reply_size: usize,
    /// Bytes of the reply's areas.
    pub(crate) areas: usize,
    pub(crate) head: Vec<u8>,
    pub(crate) tail: Vec<u8>,
}

impl Request {
    /// With its binding, and the number that its procedure has there.
    pub(crate) fn to_bytes(&self, binding: u64, procedure: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32 + self.head.len() + self.tail.len());
        bytes.extend(binding.to_be_bytes());
        bytes.extend(procedure.to_be_bytes());
        bytes.extend((u16::from(self.has_places) | u16::from(self.is_oneway) << 1).to_be_bytes());
        put_size(&mut bytes, self.reply_size);
        put_size(&mut bytes, self.areas);
        put_size(&mut bytes, self.head.len());
        bytes.extend(&self.head);
        bytes.extend(&self.tail);
        bytes
    }

    /// The binding, and the call. The time that is left travels below (CHAN).
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(u64, Self), Malformed> {
        let mut from = From(bytes);
        let (binding, procedure, flags) = (from.u64()?, from.u16()?, from.u16()?);
        let (reply_size, areas, head) = (from.size()?, from.size()?, from.size()?);
        let head = from.bytes(head)?.to_vec();
        if flags > 3 {
            return Err(Malformed);
        }
        let (has_places, is_oneway) = (flags & 1 != 0, flags & 2 != 0);
        let tail = from.0.to_vec();
        Ok((binding, Self { procedure, has_places, is_oneway, reply_size, areas, head, tail }))
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// What goes with the status.
    pub(crate) word: u64,
    pub(crate) head: Vec<u8>,
    pub(crate) areas: Vec<u8>,
    pub(crate) tail: Vec<u8>,
}

impl Reply {
    /// One that has nothing but a status.
    pub(crate) fn of(status: u16, word: u64) -> Self {
        Self { status, word, ..Self::default() }
    }

    /// Bytes of one with a head and areas of these sizes, and without a tail.
    pub(crate) fn size(head: usize, areas: usize) -> usize {
        18_usize.saturating_add(head).saturating_add(areas)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::size(self.head.len(), self.areas.len()) + self.tail.len());
        bytes.extend(self.status.to_be_bytes());
        bytes.extend(self.word.to_be_bytes());
        put_size(&mut bytes, self.head.len());
        put_size(&mut bytes, self.areas.len());
        bytes.extend(&self.head);
        bytes.extend(&self.areas);
        bytes.extend(&self.tail);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = From(bytes);
        let (status, word) = (from.u16()?, from.u64()?);
        let (head, areas) = (from.size()?, from.size()?);
        let (head, areas) = (from.bytes(head)?.to_vec(), from.bytes(areas)?.to_vec());
        Ok(Self { status, word, head, areas, tail: from.0.to_vec() })
    }
}

/// A procedure, as its client has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) fingerprint: u64,
    pub(crate) request_size: usize,
    pub(crate) reply_size: usize,
    pub(crate) frame_size: usize,
    pub(crate) concurrency: u16,
    pub(crate) exhausted: Exhausted,
    pub(crate) timeout: Option<Duration>,
}

impl Asked {
    /// What a client asks of a procedure that it knows.
    pub(crate) fn of(own: &Procedure) -> Self {
        Self {
            name: own.name.to_owned(),
            signature: interface::signature(own),
            fingerprint: interface::fingerprint(own),
            request_size: own.request_size,
            reply_size: own.reply_size,
            frame_size: own.frame_size,
            concurrency: own.concurrency,
            exhausted: own.exhausted,
            timeout: own.timeout,
        }
    }
}

/// A question for a binding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bind {
    pub(crate) name: String,
    /// The interface's.
    pub(crate) interface: String,
    pub(crate) procedures: Vec<Asked>,
}

impl Bind {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_be_bytes().to_vec();
        put_text(&mut bytes, &self.name);
        put_text(&mut bytes, &self.interface);
        bytes.extend(u16::try_from(self.procedures.len()).unwrap_or(u16::MAX).to_be_bytes());
        for asked in &self.procedures {
            put_text(&mut bytes, &asked.name);
            put_text(&mut bytes, &asked.signature);
            bytes.extend(asked.fingerprint.to_be_bytes());
            for size in [asked.request_size, asked.reply_size, asked.frame_size] {
                put_size(&mut bytes, size);
            }
            bytes.extend(asked.concurrency.to_be_bytes());
            let (exhausted, most) = match asked.exhausted {
                Exhausted::Wait => (0, 0),
                Exhausted::Fail => (1, 0),
                Exhausted::Grow(most) => (2, most),
            };
            bytes.push(exhausted);
            bytes.extend(most.to_be_bytes());
            let time = asked.timeout.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
            bytes.extend(time.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = From(bytes);
        if from.u16()? != VERSION {
            return Err(Malformed);
        }
        let (name, interface, count) = (from.text()?, from.text()?, from.u16()?);
        let mut procedures = Vec::new();
        for _ in 0..count {
            if procedures.len() >= PROCEDURE_COUNT_MAX {
                return Err(Malformed);
            }
            let (name, signature, fingerprint) = (from.text()?, from.text()?, from.u64()?);
            let (request_size, reply_size, frame_size) = (from.size()?, from.size()?, from.size()?);
            let concurrency = from.u16()?;
            let exhausted = match (from.u8()?, from.u16()?) {
                (0, _) => Exhausted::Wait,
                (1, _) => Exhausted::Fail,
                (2, most) => Exhausted::Grow(most),
                _ => return Err(Malformed),
            };
            let timeout = match from.u64()? {
                0 => None,
                u64::MAX => Some(Duration::MAX),
                time => Some(Duration::from_micros(time)),
            };
            procedures.push(Asked {
                name,
                signature,
                fingerprint,
                request_size,
                reply_size,
                frame_size,
                concurrency,
                exhausted,
                timeout,
            });
        }
        if from.0.is_empty() { Ok(Self { name, interface, procedures }) } else { Err(Malformed) }
    }
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The binding's number.
    Yes(u64),
    /// Nobody exports the name.
    NotFound,
    /// The server has other procedures: how they differ.
    Incompatible(String),
    /// Not for this client, or not from far: why.
    Denied(String),
    /// It cannot be had now: why.
    Failed(String),
}

impl Bound {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (code, text) = match self {
            Self::Yes(binding) => {
                let mut bytes = vec![0];
                bytes.extend(binding.to_be_bytes());
                return bytes;
            }
            Self::NotFound => (1, ""),
            Self::Incompatible(text) => (2, text.as_str()),
            Self::Denied(text) => (3, text.as_str()),
            Self::Failed(text) => (4, text.as_str()),
        };
        let mut bytes = vec![code];
        put_text(&mut bytes, text);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = From(bytes);
        let bound = match from.u8()? {
            0 => Self::Yes(from.u64()?),
            1 => {
                from.text()?;
                Self::NotFound
            }
            2 => Self::Incompatible(from.text()?),
            3 => Self::Denied(from.text()?),
            4 => Self::Failed(from.text()?),
            _ => return Err(Malformed),
        };
        if from.0.is_empty() { Ok(bound) } else { Err(Malformed) }
    }
}

/// What a host serves: names, each with text beside it. As many as fit `room` bytes.
pub(crate) fn names_to_bytes(names: &[(String, String)], room: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, text) in names {
        let before = bytes.len();
        put_text(&mut bytes, name);
        put_text(&mut bytes, text);
        if bytes.len() > room {
            bytes.truncate(before);
            break;
        }
    }
    bytes
}

/// The same, read.
pub(crate) fn names_from_bytes(bytes: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut from = From(bytes);
    let mut names = Vec::new();
    while !from.0.is_empty() {
        names.push((from.text()?, from.text()?));
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
