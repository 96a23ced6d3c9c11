//! The Internet checksum (RFC 1071), over messages in pieces.

use crate::message::Message;

/// A sum that is not yet folded.
///
/// It adds in the machine's order: the sum of swapped words is the swapped sum (RFC 1071, section 2), and so the loop over
/// payload has no swaps in it, and is one that compilers make wide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    sum: u64,
    /// Whether an odd number of bytes went in, so that the next one is the second half of a word.
    odd: bool,
}

impl Sum {
    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, mut bytes: &[u8]) -> Self {
        if self.odd
            && let Some((first, rest)) = bytes.split_first()
        {
            self.sum += u64::from(u16::from_ne_bytes([0, *first]));
            self.odd = false;
            bytes = rest;
        }
        let (quads, rest) = bytes.as_chunks::<4>();
        // No slice of a message has as many as could overflow this.
        let sum: u64 = quads.iter().map(|quad| u64::from(u32::from_ne_bytes(*quad))).sum();
        self.sum = folded(self.sum) + folded(sum);
        for pair in rest.chunks(2) {
            match pair {
                [first, second] => self.sum += u64::from(u16::from_ne_bytes([*first, *second])),
                [first] => {
                    self.sum += u64::from(u16::from_ne_bytes([*first, 0]));
                    self.odd = true;
                }
                _ => {}
            }
        }
        self
    }

    /// Adds all of a message.
    #[must_use]
    pub fn message(self, message: &Message) -> Self {
        message.slices().fold(self, Self::bytes)
    }

    /// What goes into a header whose checksum field was zero when it was added. 0 over bytes that contain a right one.
    #[must_use]
    pub fn finish(self) -> u16 {
        let mut sum = folded(self.sum);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::from_be(!u16::try_from(sum).unwrap_or(0))
    }
}

/// The same sum in little more than 32 bits: carries come back in.
fn folded(sum: u64) -> u64 {
    (sum & 0xffff_ffff) + (sum >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Sum;

    #[test]
    fn rfc_1071() {
        let sum = Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.finish(), !0xddf2);
    }

    proptest! {
        /// Word by word, as the RFC has it.
        #[test]
        fn pieces_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(0_usize..300, 0..5)) {
            let mut expected = 0_u32;
            for pair in bytes.chunks(2) {
                expected += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
                expected = (expected & 0xffff) + (expected >> 16);
            }
            let mut sum = Sum::default();
            let mut rest = &bytes[..];
            for cut in cuts {
                let (piece, next) = rest.split_at(cut.min(rest.len()));
                sum = sum.bytes(piece);
                rest = next;
            }
            prop_assert_eq!(u32::from(sum.bytes(rest).finish()), !expected & 0xffff);
        }
    }
}
