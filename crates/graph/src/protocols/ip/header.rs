//! The IPv4 header.

use core::net::Ipv4Addr;

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::reassembly::Place;
use crate::checksum::Sum;
use crate::message::Message;

/// The header without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// 4 in the upper half; words of the header in the lower.
    pub version_and_words: u8,
    /// Class of service.
    pub service: u8,
    /// Bytes of the packet, header included.
    pub size: U16,
    /// Equal in the fragments of a datagram.
    pub identification: U16,
    /// Three flags; bytes before the fragment, in units of 8.
    pub flags_and_offset: U16,
    /// Hops that are left. They bound a way, and say nothing to the host at its end (RFC 1122, section 3.2.1.7).
    pub hops: u8,
    /// The protocol above.
    pub number: u8,
    /// Over the header.
    pub checksum: U16,
    /// From whom.
    pub source: [u8; 4],
    /// To whom.
    pub destination: [u8; 4],
}

/// Bytes of a header without options.
pub const HEADER_SIZE: usize = size_of::<Header>();

/// More fragments follow.
pub const MORE: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// What a packet says of itself, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// From whom.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// The protocol above.
    pub number: u8,
    /// The sender's count.
    pub identification: u16,
    /// Where in its datagram it belongs; `None` if it is the whole datagram.
    pub fragment: Option<Place>,
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// Fewer bytes than they say.
    Short,
    /// Not version 4, or a header shorter than a header.
    Malformed,
    /// The header's checksum is wrong.
    Checksum,
    /// Nobody can be that sender.
    Source,
}

impl Bad {
    /// As it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Malformed => "malformed",
            Self::Checksum => "bad_checksum",
            Self::Source => "bad_source",
        }
    }
}

impl Header {
    /// With its checksum.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.checksum = U16::new(0);
        self.checksum = U16::new(Sum::default().bytes(self.as_bytes()).finish());
        self
    }
}

/// Takes the header and its options off `message`, and what the link put behind the packet.
///
/// # Errors
/// [`Bad`].
pub fn decode(message: &mut Message) -> Result<Packet, Bad> {
    let header = message.peek_header::<Header>().ok_or(Bad::Short)?;
    let header_size = usize::from(header.version_and_words & 0x0f) * 4;
    let size = usize::from(header.size.get());
    if header.version_and_words >> 4 != 4 || header_size < HEADER_SIZE || size < header_size {
        return Err(Bad::Malformed);
    }
    if message.size() < size {
        return Err(Bad::Short);
    }
    let mut bytes = [0; 60];
    let bytes = bytes.get_mut(..header_size).ok_or(Bad::Malformed)?;
    message.peek(bytes).ok_or(Bad::Short)?;
    if Sum::default().bytes(bytes).finish() != 0 {
        return Err(Bad::Checksum);
    }
    let source = Ipv4Addr::from(header.source);
    // What only a host can tell is looked at there.
    if source.is_multicast() || source.is_broadcast() || source.is_unspecified() {
        return Err(Bad::Source);
    }
    message.truncate(size);
    message.discard(header_size);
    let (offset, more) = (header.flags_and_offset.get() & OFFSET, header.flags_and_offset.get() & MORE != 0);
    Ok(Packet {
        source,
        destination: Ipv4Addr::from(header.destination),
        number: header.number,
        identification: header.identification.get(),
        fragment: (offset != 0 || more).then_some(Place { offset: usize::from(offset) * 8, more }),
    })
}
