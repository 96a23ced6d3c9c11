//! The fixed part of a region: everything below the frames, by name and without bounds checks.
//!
//! [`OwnRegion::map`] and [`PeerRegion::map`] refuse regions that are smaller, and every index is taken modulo its count,
//! a power of two, so each line is one addition away. Whether an A-stack is one is the caller's business: an index out of
//! range names another A-stack's line of the same region, never other memory.
//!
//! It is written with types and not with offsets, so that the compiler sees all bounds, and two casts are the only unsafe
//! operations.

use core::mem::offset_of;
use core::sync::atomic::AtomicU64;

use nearcall_layout::pair::{ASTACK_COUNT, BELL_COUNT, FRAMES, LINE_STRIDE, RING_COUNT, client, server};

use super::{OwnLine, OwnRegion, OwnWord, PeerLine, PeerRegion, PeerWord, WORDS};
use crate::sys::memory::Mapping;

/// A line, and what keeps it away from the next.
#[repr(C)]
struct Line {
    words: [AtomicU64; WORDS],
    _gap: [AtomicU64; LINE_STRIDE / 8 - WORDS],
}

#[repr(C)]
struct ClientPart {
    _begin: [AtomicU64; client::HEARD / 8],
    heard: AtomicU64,
    _gap_2: [AtomicU64; (client::BELLS - client::HEARD) / 8 - 1],
    bells: [AtomicU64; BELL_COUNT],
    _gap: [AtomicU64; (client::RING - client::BELLS) / 8 - BELL_COUNT],
    ring: [Line; RING_COUNT],
    waits: [Line; ASTACK_COUNT],
}

#[repr(C)]
struct ServerPart {
    _begin: [AtomicU64; server::STATUS / 8],
    status: AtomicU64,
    _gap: [AtomicU64; (server::REPLY_BELL - server::STATUS) / 8 - 1],
    reply_bell: AtomicU64,
    _gap_2: [AtomicU64; (server::SIGNALS - server::REPLY_BELL) / 8 - 1],
    signals: AtomicU64,
    _gap_3: [AtomicU64; (server::ARMED - server::SIGNALS) / 8 - 1],
    armed: [AtomicU64; BELL_COUNT],
    _gap_4: [AtomicU64; (server::REPLIES - server::ARMED) / 8 - BELL_COUNT],
    replies: [Line; ASTACK_COUNT],
    stamps: [Line; ASTACK_COUNT],
}

const _: () = {
    assert!(size_of::<Line>() == LINE_STRIDE && offset_of!(Line, words) == 0);
    assert!(offset_of!(ClientPart, bells) == client::BELLS && offset_of!(ClientPart, ring) == client::RING);
    assert!(offset_of!(ClientPart, heard) == client::HEARD);
    assert!(offset_of!(ServerPart, reply_bell) == server::REPLY_BELL);
    assert!(offset_of!(ServerPart, signals) == server::SIGNALS);
    assert!(offset_of!(ClientPart, waits) == client::WAITS && size_of::<ClientPart>() == client::FRAMES);
    assert!(offset_of!(ServerPart, status) == server::STATUS && offset_of!(ServerPart, armed) == server::ARMED);
    assert!(offset_of!(ServerPart, replies) == server::REPLIES && offset_of!(ServerPart, stamps) == server::STAMPS);
    assert!(size_of::<ServerPart>() == server::FRAMES);
    assert!(size_of::<ClientPart>() <= FRAMES && size_of::<ServerPart>() <= FRAMES);
};

#[inline(always)]
fn client_part(map: &Mapping) -> &ClientPart {
    // SAFETY: both `map` functions, which alone make regions, refuse less than FRAMES bytes, and the part is no larger
    // (asserted above). Aligned: mappings start on a page. Mapped while `map` is borrowed, and made of nothing but the
    // words that these pages are accessed as; that another process changes them is what atomics are for. On a read-only
    // mapping the types below have no operation but a relaxed load, which std allows there.
    unsafe { map.start().cast::<ClientPart>().as_ref() }
}

#[inline(always)]
fn server_part(map: &Mapping) -> &ServerPart {
    // SAFETY: as above.
    unsafe { map.start().cast::<ServerPart>().as_ref() }
}

macro_rules! fixed_part {
    ($region:ident, $line:ident, $word:ident) => {
        /// The fixed part; indices are taken modulo their counts.
        impl $region {
            /// The request line of `sequence`, in a client's region.
            #[inline(always)]
            #[must_use]
            pub fn request_line(&self, sequence: u32) -> $line<'_> {
                $line(&modulo(&client_part(&self.map).ring, index(sequence)).words)
            }

            /// The wait word of an A-stack, in a client's region.
            #[inline(always)]
            #[must_use]
            pub fn wait_line(&self, astack: u16) -> $line<'_> {
                $line(&modulo(&client_part(&self.map).waits, usize::from(astack)).words)
            }

            /// Bell `n`, in a client's region.
            #[inline(always)]
            #[must_use]
            pub fn bell(&self, n: usize) -> $word<'_> {
                $word(modulo(&client_part(&self.map).bells, n))
            }

            /// The signals that were heard, in a client's region.
            #[must_use]
            pub fn heard(&self) -> $word<'_> {
                $word(&client_part(&self.map).heard)
            }

            /// The reply bell, in a server's region.
            #[must_use]
            pub fn reply_bell(&self) -> $word<'_> {
                $word(&server_part(&self.map).reply_bell)
            }

            /// The signals that were given, in a server's region.
            #[must_use]
            pub fn signals(&self) -> $word<'_> {
                $word(&server_part(&self.map).signals)
            }

            /// The status word, in a server's region.
            #[inline(always)]
            #[must_use]
            pub fn status(&self) -> $word<'_> {
                $word(&server_part(&self.map).status)
            }

            /// The armed word of bell `n`, in a server's region.
            #[inline(always)]
            #[must_use]
            pub fn armed(&self, n: usize) -> $word<'_> {
                $word(modulo(&server_part(&self.map).armed, n))
            }

            /// The reply line of an A-stack, in a server's region.
            #[inline(always)]
            #[must_use]
            pub fn reply_line(&self, astack: u16) -> $line<'_> {
                $line(&modulo(&server_part(&self.map).replies, usize::from(astack)).words)
            }

            /// The stamp of an A-stack, in a server's region.
            #[inline(always)]
            #[must_use]
            pub fn stamp_line(&self, astack: u16) -> $line<'_> {
                $line(&modulo(&server_part(&self.map).stamps, usize::from(astack)).words)
            }
        }
    };
}

fixed_part!(OwnRegion, OwnLine, OwnWord);
fixed_part!(PeerRegion, PeerLine, PeerWord);

/// The item at `index` modulo their count.
#[inline(always)]
pub(crate) fn modulo<T, const COUNT: usize>(items: &[T; COUNT], index: usize) -> &T {
    // Else it would be a division; and of none there is none.
    const { assert!(COUNT.is_power_of_two()) };
    #[expect(clippy::indexing_slicing, reason = "a remainder is in range, as the compiler sees")]
    &items[index % COUNT]
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "no target has less than 32 bits")]
const fn index(sequence: u32) -> usize {
    sequence as usize
}
