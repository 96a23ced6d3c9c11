//! The messages of the handshake, as bytes. Pure: what a message means for a connection is decided elsewhere.
//!
//! One message is one packet: a kind, then fields in order, integers little-endian, text with a 16-bit size before it.
//! Both directions are read with the same suspicion: sizes are checked, nothing may be left over.
//!
//! ```text
//! client                         server
//!   Hello          ------->
//!                  <-------      Welcome (its instance; a token for this name and connection)
//!   Pair           ------->                          only if the two processes are no pair yet
//!                  <-------      Regions (+ 2 fds)
//!   Mapped         ------->
//!                  <-------      Ready
//!   Bind (token)   ------->                          from here on over the pair's one control socket
//!                  <-------      Bound, or Refused
//!   Ring, Unbind   ------->
//!                  <-------      Revoked
//!   Segment        ------->                          out of band: memory for arguments of one A-stack
//!                  <-------      Segment (+ fd), or NoMemory
//!   SegmentMapped  ------->
//!                  <-------      SegmentReady, or NoMemory
//!   SegmentDropped ------->
//!   Show           ------->                          results lie in a segment that the client has not mapped
//!                  <-------      Shown (+ fd), or NoMemory
//!                  <-------      Unmap                the server would like it back
//!   Unmapped       ------->
//!                  <-------      Signal               replies are there for calls that wait by the signal
//!   Parcel         ------->  (+ fds)                 for a call that follows; CallBack, if it does not
//!                  <-------      Parcel (+ fds)       for the reply that follows
//!   Introduce      ------->                          for somebody to whom a binding is passed
//!                  <-------      Card (+ fd), or NoMemory
//!   Grow           ------->                          one more A-stack of a class
//!                  <-------      Grown, or NoMemory
//!
//!   Describe       ------->                          after Welcome, instead of Pair; until nothing is left
//!                  <-------      Description
//! ```
//! A card is a socket on which one message is sent, Knock (+ fd): with the end of a socket pair on which all of the above
//! follows. Refused with id 0, and the end of the connection, may come instead of any of the server's words before Ready.

use nearcall_layout::pair::AstackClass;

use crate::limits::{Exceeded, Limit};
use crate::policy::Rule;

/// Bytes of the largest message: an interface of a thousand procedures with long names.
pub(crate) const SIZE_MAX: usize = 96 * 1024;

/// Bytes of a message that a server sends before the two are a pair, at most: each of them is short.
pub(crate) const GREETING_SIZE_MAX: usize = 1024;

/// Random, one for each life of a domain.
pub(crate) type Instance = [u8; 16];

/// From a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromClient {
    Hello {
        version: u32,
        instance: Instance,
    },
    Pair,
    Mapped,
    Bind {
        id: u32,
        token: u64,
        procedures: Vec<Wanted>,
    },
    Unbind {
        binding: u16,
        generation: u32,
    },
    Ring,
    /// A segment of `size` bytes for the arguments of calls on an A-stack.
    Segment {
        id: u32,
        astack: u16,
        size: u32,
    },
    SegmentMapped {
        id: u32,
    },
    /// The segment that was asked for under `id` is not used any more. It may have been replaced by the time this arrives: the
    /// watcher says it, and callers ask for others.
    SegmentDropped {
        id: u32,
        astack: u16,
    },
    /// The server's segment of that number.
    Show {
        id: u32,
        serial: u16,
    },
    Unmapped {
        serial: u16,
    },
    /// One more A-stack for the class that begins with A-stack `first`.
    Grow {
        id: u32,
        first: u16,
    },
    /// Descriptors for the call that carries the token.
    Parcel {
        token: u32,
    },
    /// That call will not be made.
    CallBack {
        token: u32,
    },
    /// A card, for whoever this binding is passed to.
    Introduce {
        id: u32,
        binding: u16,
        generation: u32,
    },
    /// On a card: it brings the socket on which the bearer says Hello.
    Knock,
    /// Asks for what the export is, from byte `at` of it on.
    Describe {
        at: u32,
    },
}

/// A procedure the client means to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) fingerprint: u64,
}

/// From a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromServer {
    Welcome {
        version: u32,
        instance: Instance,
        token: u64,
    },
    Regions {
        client_size: u32,
        server_size: u32,
        first: u32,
    },
    Ready,
    Bound(Bound),
    Refused {
        id: u32,
        why: Refused,
    },
    Revoked {
        binding: u16,
        generation: u32,
    },
    Segment {
        id: u32,
    },
    SegmentReady {
        id: u32,
    },
    Shown {
        id: u32,
        size: u32,
    },
    Unmap {
        serial: u16,
        astack: u16,
    },
    /// A-stack `astack` belongs to the class that begins with `first` from now on.
    Grown {
        id: u32,
        first: u16,
        astack: u16,
    },
    /// Descriptors for the reply that carries the token.
    Parcel {
        token: u32,
    },
    /// A card for one bearer; without a descriptor: the client has no such binding.
    Card {
        id: u32,
    },
    /// The pair, or this client's user, has as much as it may have.
    NoMemory {
        id: u32,
    },
    /// A reply is there for a call whose wait word asks for the signal. Once for all of them until the client has written
    /// that it heard it.
    Signal,
    /// Bytes of [`crate::info`]'s report, of `total` in all.
    Description {
        total: u32,
        bytes: Vec<u8>,
    },
}

impl FromServer {
    /// The question that it answers.
    pub(crate) const fn id(&self) -> Option<u32> {
        match self {
            Self::Bound(Bound { id, .. })
            | Self::Refused { id, .. }
            | Self::Segment { id }
            | Self::SegmentReady { id }
            | Self::Shown { id, .. }
            | Self::Grown { id, .. }
            | Self::Card { id }
            | Self::NoMemory { id } => Some(*id),
            Self::Welcome { .. }
            | Self::Regions { .. }
            | Self::Ready
            | Self::Revoked { .. }
            | Self::Unmap { .. }
            | Self::Signal
            | Self::Parcel { .. }
            | Self::Description { .. } => None,
        }
    }
}

/// A binding as the server grants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) id: u32,
    pub(crate) binding: u16,
    pub(crate) generation: u32,
    pub(crate) nonce: u32,
    pub(crate) classes: Vec<AstackClass>,
    /// For each procedure the client named: the server's index, and which of the classes.
    pub(crate) procedures: Vec<(u16, u8)>,
}

/// Why a bind was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The token names no export that this client may bind.
    Denied,
    /// Procedures that differ: the client's index, and the server's signature, empty if it has none of the name.
    Incompatible(Vec<(u16, String)>),
    /// No room for the interface's A-stacks.
    NoRoom { count: u16, frame_size: u32 },
    /// A limit of the server.
    Quota(Exceeded),
    /// The export's policy.
    Policy(Rule),
    /// The export is withdrawn; another may have its name.
    Withdrawn,
}

/// The bytes are no message of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAMessage;

/// Fields in order, as bytes.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    fn kind(kind: u8) -> Self {
        Self(vec![kind])
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn text(self, text: &str) -> Self {
        // Longer text is cut: it is shown to people, or is a name, which never gets near it.
        let mut size = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(size) {
            size -= 1;
        }
        let text = text.get(..size).unwrap_or_default();
        self.u16(u16::try_from(size).unwrap_or(0)).raw(text.as_bytes())
    }

    pub(crate) fn each<T>(self, items: &[T], one: impl Fn(Self, &T) -> Self) -> Self {
        let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
        items.iter().take(usize::from(count)).fold(self.u16(count), one)
    }
}

/// Fields in order, from bytes that anybody may have made.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn raw<const N: usize>(&mut self) -> Result<[u8; N], NotAMessage> {
        let (now, rest) = self.0.split_first_chunk::<N>().ok_or(NotAMessage)?;
        self.0 = rest;
        Ok(*now)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, NotAMessage> {
        self.raw().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, NotAMessage> {
        self.raw().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, NotAMessage> {
        self.raw().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, NotAMessage> {
        self.raw().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, NotAMessage> {
        let size = usize::from(self.u16()?);
        let (now, rest) = self.0.split_at_checked(size).ok_or(NotAMessage)?;
        self.0 = rest;
        std::str::from_utf8(now).map_err(|_| NotAMessage)
    }

    /// Items one by one: nothing is allocated ahead of the bytes that are there.
    pub(crate) fn each<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, NotAMessage>) -> Result<Vec<T>, NotAMessage> {
        let count = self.u16()?;
        (0..count).map(|_| one(self)).collect()
    }

    pub(crate) fn end<T>(self, value: T) -> Result<T, NotAMessage> {
        if self.0.is_empty() { Ok(value) } else { Err(NotAMessage) }
    }
}

impl FromClient {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Hello { version, instance } => Writer::kind(1).u32(*version).raw(instance),
            Self::Pair => Writer::kind(2),
            Self::Mapped => Writer::kind(3),
            Self::Bind { id, token, procedures } => Writer::kind(4)
                .u32(*id)
                .u64(*token)
                .each(procedures, |to, wanted| to.text(&wanted.name).u64(wanted.fingerprint)),
            Self::Unbind { binding, generation } => Writer::kind(5).u16(*binding).u32(*generation),
            Self::Ring => Writer::kind(6),
            Self::Segment { id, astack, size } => Writer::kind(7).u32(*id).u16(*astack).u32(*size),
            Self::SegmentMapped { id } => Writer::kind(8).u32(*id),
            Self::SegmentDropped { id, astack } => Writer::kind(9).u32(*id).u16(*astack),
            Self::Show { id, serial } => Writer::kind(10).u32(*id).u16(*serial),
            Self::Unmapped { serial } => Writer::kind(11).u16(*serial),
            Self::Grow { id, first } => Writer::kind(12).u32(*id).u16(*first),
            Self::Describe { at } => Writer::kind(20).u32(*at),
            Self::Parcel { token } => Writer::kind(21).u32(*token),
            Self::CallBack { token } => Writer::kind(22).u32(*token),
            Self::Introduce { id, binding, generation } => Writer::kind(23).u32(*id).u16(*binding).u32(*generation),
            Self::Knock => Writer::kind(24),
        }
        .0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NotAMessage> {
        let mut from = Reader(bytes);
        let message = match from.u8()? {
            1 => Self::Hello { version: from.u32()?, instance: from.raw()? },
            2 => Self::Pair,
            3 => Self::Mapped,
            4 => Self::Bind {
                id: from.u32()?,
                token: from.u64()?,
                procedures: from.each(|from| Ok(Wanted { name: from.text()?.to_owned(), fingerprint: from.u64()? }))?,
            },
            5 => Self::Unbind { binding: from.u16()?, generation: from.u32()? },
            6 => Self::Ring,
            7 => Self::Segment { id: from.u32()?, astack: from.u16()?, size: from.u32()? },
            8 => Self::SegmentMapped { id: from.u32()? },
            9 => Self::SegmentDropped { id: from.u32()?, astack: from.u16()? },
            10 => Self::Show { id: from.u32()?, serial: from.u16()? },
            11 => Self::Unmapped { serial: from.u16()? },
            12 => Self::Grow { id: from.u32()?, first: from.u16()? },
            20 => Self::Describe { at: from.u32()? },
            21 => Self::Parcel { token: from.u32()? },
            22 => Self::CallBack { token: from.u32()? },
            23 => Self::Introduce { id: from.u32()?, binding: from.u16()?, generation: from.u32()? },
            24 => Self::Knock,
            _ => return Err(NotAMessage),
        };
        from.end(message)
    }
}

impl FromServer {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Welcome { version, instance, token } => Writer::kind(65).u32(*version).raw(instance).u64(*token),
            Self::Regions { client_size, server_size, first } => {
                Writer::kind(66).u32(*client_size).u32(*server_size).u32(*first)
            }
            Self::Ready => Writer::kind(67),
            Self::Bound(bound) => Writer::kind(68)
                .u32(bound.id)
                .u16(bound.binding)
                .u32(bound.generation)
                .u32(bound.nonce)
                .each(&bound.classes, |to, c| to.u32(c.frame_size).u16(c.count).u16(c.first).u32(c.offset))
                .each(&bound.procedures, |to, &(index, class)| to.u16(index).u8(class)),
            Self::Refused { id, why } => {
                let to = Writer::kind(69).u32(*id);
                match why {
                    Refused::Denied => to.u8(0),
                    Refused::Incompatible(which) => {
                        to.u8(1).each(which, |to, (index, signature)| to.u16(*index).text(signature))
                    }
                    Refused::NoRoom { count, frame_size } => to.u8(2).u16(*count).u32(*frame_size),
                    Refused::Quota(Exceeded { limit, per_uid, most }) => {
                        to.u8(3).u8(limit.to_byte()).u8(u8::from(*per_uid)).u64(*most)
                    }
                    Refused::Policy(rule) => to.u8(4).u8(rule.to_byte()),
                    Refused::Withdrawn => to.u8(20),
                }
            }
            Self::Revoked { binding, generation } => Writer::kind(70).u16(*binding).u32(*generation),
            Self::Segment { id } => Writer::kind(71).u32(*id),
            Self::SegmentReady { id } => Writer::kind(72).u32(*id),
            Self::Shown { id, size } => Writer::kind(73).u32(*id).u32(*size),
            Self::Unmap { serial, astack } => Writer::kind(74).u16(*serial).u16(*astack),
            Self::Grown { id, first, astack } => Writer::kind(75).u32(*id).u16(*first).u16(*astack),
            Self::NoMemory { id } => Writer::kind(76).u32(*id),
            Self::Signal => Writer::kind(77),
            Self::Parcel { token } => Writer::kind(85).u32(*token),
            Self::Card { id } => Writer::kind(86).u32(*id),
            Self::Description { total, bytes } => Writer::kind(84).u32(*total).each(bytes, |to, byte| to.u8(*byte)),
        }
        .0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NotAMessage> {
        let mut from = Reader(bytes);
        let message = match from.u8()? {
            65 => Self::Welcome { version: from.u32()?, instance: from.raw()?, token: from.u64()? },
            66 => Self::Regions { client_size: from.u32()?, server_size: from.u32()?, first: from.u32()? },
            67 => Self::Ready,
            68 => Self::Bound(Bound {
                id: from.u32()?,
                binding: from.u16()?,
                generation: from.u32()?,
                nonce: from.u32()?,
                classes: from.each(|from| {
                    let (frame_size, count) = (from.u32()?, from.u16()?);
                    Ok(AstackClass { frame_size, count, first: from.u16()?, offset: from.u32()? })
                })?,
                procedures: from.each(|from| Ok((from.u16()?, from.u8()?)))?,
            }),
            69 => {
                let id = from.u32()?;
                let why = match from.u8()? {
                    0 => Refused::Denied,
                    1 => Refused::Incompatible(from.each(|from| Ok((from.u16()?, from.text()?.to_owned())))?),
                    2 => Refused::NoRoom { count: from.u16()?, frame_size: from.u32()? },
                    3 => {
                        let limit = Limit::from_byte(from.u8()?).ok_or(NotAMessage)?;
                        let per_uid = match from.u8()? {
                            0 => false,
                            1 => true,
                            _ => return Err(NotAMessage),
                        };
                        Refused::Quota(Exceeded { limit, per_uid, most: from.u64()? })
                    }
                    4 => Refused::Policy(Rule::from_byte(from.u8()?).ok_or(NotAMessage)?),
                    20 => Refused::Withdrawn,
                    _ => return Err(NotAMessage),
                };
                Self::Refused { id, why }
            }
            70 => Self::Revoked { binding: from.u16()?, generation: from.u32()? },
            71 => Self::Segment { id: from.u32()? },
            72 => Self::SegmentReady { id: from.u32()? },
            73 => Self::Shown { id: from.u32()?, size: from.u32()? },
            74 => Self::Unmap { serial: from.u16()?, astack: from.u16()? },
            75 => Self::Grown { id: from.u32()?, first: from.u16()?, astack: from.u16()? },
            76 => Self::NoMemory { id: from.u32()? },
            77 => Self::Signal,
            85 => Self::Parcel { token: from.u32()? },
            86 => Self::Card { id: from.u32()? },
            84 => Self::Description { total: from.u32()?, bytes: from.each(Reader::u8)? },
            _ => return Err(NotAMessage),
        };
        from.end(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> (Vec<FromClient>, Vec<FromServer>) {
        let wanted = Wanted { name: "naïve".into(), fingerprint: u64::MAX };
        let exceeded = Exceeded { limit: Limit::Bytes, per_uid: true, most: 1 << 40 };
        let class = AstackClass { frame_size: 4096, count: 5, first: 7, offset: 65536 };
        let bound =
            Bound { id: 1, binding: 2, generation: 3, nonce: 4, classes: vec![class], procedures: vec![(9, 0)] };
        (
            vec![
                FromClient::Hello { version: 1, instance: [7; 16] },
                FromClient::Pair,
                FromClient::Mapped,
                FromClient::Bind { id: 5, token: 6, procedures: vec![wanted.clone(), wanted] },
                FromClient::Unbind { binding: 1, generation: 2 },
                FromClient::Ring,
                FromClient::Segment { id: 1, astack: 2, size: 3 },
                FromClient::SegmentMapped { id: 1 },
                FromClient::SegmentDropped { id: 1, astack: 2 },
                FromClient::Show { id: 1, serial: 2 },
                FromClient::Unmapped { serial: 2 },
                FromClient::Grow { id: 1, first: 2 },
                FromClient::Describe { at: 7 },
                FromClient::Parcel { token: 8 },
                FromClient::CallBack { token: 9 },
                FromClient::Introduce { id: 1, binding: 2, generation: 3 },
                FromClient::Knock,
            ],
            vec![
                FromServer::Welcome { version: 1, instance: [8; 16], token: 9 },
                FromServer::Regions { client_size: 1, server_size: 2, first: 3 },
                FromServer::Ready,
                FromServer::Bound(bound),
                FromServer::Refused { id: 1, why: Refused::Denied },
                FromServer::Refused { id: 1, why: Refused::Incompatible(vec![(3, "f() -> u32".into())]) },
                FromServer::Refused { id: 1, why: Refused::NoRoom { count: 5, frame_size: 6 } },
                FromServer::Refused { id: 1, why: Refused::Quota(exceeded) },
                FromServer::Refused { id: 0, why: Refused::Policy(Rule::Executable) },
                FromServer::Revoked { binding: 1, generation: 2 },
                FromServer::Segment { id: 1 },
                FromServer::SegmentReady { id: 1 },
                FromServer::Shown { id: 1, size: 2 },
                FromServer::Unmap { serial: 1, astack: 2 },
                FromServer::Grown { id: 1, first: 2, astack: 3 },
                FromServer::NoMemory { id: 1 },
                FromServer::Signal,
                FromServer::Refused { id: 1, why: Refused::Withdrawn },
                FromServer::Parcel { token: 4 },
                FromServer::Card { id: 5 },
                FromServer::Description { total: 9, bytes: vec![1, 2, 3] },
            ],
        )
    }

    #[test]
    fn messages_come_back_and_every_truncation_and_addition_is_refused() {
        let (client, server) = all();
        for message in client {
            let bytes = message.to_bytes();
            assert_eq!(FromClient::from_bytes(&bytes), Ok(message));
            (0..bytes.len()).for_each(|cut| assert_eq!(FromClient::from_bytes(&bytes[..cut]), Err(NotAMessage)));
            assert_eq!(FromClient::from_bytes(&[&bytes[..], &[0]].concat()), Err(NotAMessage));
        }
        for message in server {
            let bytes = message.to_bytes();
            assert_eq!(FromServer::from_bytes(&bytes), Ok(message));
            (0..bytes.len()).for_each(|cut| assert_eq!(FromServer::from_bytes(&bytes[..cut]), Err(NotAMessage)));
            assert_eq!(FromServer::from_bytes(&[&bytes[..], &[0]].concat()), Err(NotAMessage));
        }
    }

    #[test]
    fn no_single_byte_can_make_reading_panic() {
        let (client, server) = all();
        let bytes = client.iter().map(FromClient::to_bytes).chain(server.iter().map(FromServer::to_bytes));
        for mut bytes in bytes {
            for at in 0..bytes.len() {
                let was = bytes[at];
                for value in 0..=u8::MAX {
                    bytes[at] = value;
                    let _ = (FromClient::from_bytes(&bytes), FromServer::from_bytes(&bytes));
                }
                bytes[at] = was;
            }
        }
    }
}
