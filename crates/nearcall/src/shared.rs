//! Bytes that a procedure reads where the client put them.

use nearcall_core::channel::serving::Shared;

/// What an `#[in_place]` parameter is for the server: bytes in the client's memory, not copied for the call.
///
/// **They may change while you look.** The client can write them at any time, so two reads of one byte may differ, and
/// what was checked must not be read again: copy once, check the copy, use the copy. That is also why there is no `&[u8]`
/// of them. Each access copies the bytes it is asked for into memory of this process, reading each once.
///
/// It is for data that the procedure only passes on, or looks at a part of; otherwise `&[u8]` is as fast and simpler.
#[derive(Clone, Copy)]
pub struct SharedBytes<'a>(Place<'a>);

#[derive(Clone, Copy)]
enum Place<'a> {
    Peer(Shared<'a>),
    /// Of a caller in this address space, which lends them unchangeable.
    Own(&'a [u8]),
}

impl<'a> SharedBytes<'a> {
    pub(crate) const fn of_peer(bytes: Shared<'a>) -> Self {
        Self(Place::Peer(bytes))
    }

    /// How many bytes they are: that does not change.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Place::Peer(bytes) => bytes.size(),
            Place::Own(bytes) => bytes.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies bytes from byte `at` on, as many as there are and `into` has room for; returns how many.
    pub fn copy_to(&self, into: &mut [u8], at: usize) -> usize {
        let count = into.len().min(self.len().saturating_sub(at));
        let Some(into) = into.get_mut(..count) else { return 0 };
        let copied = match self.0 {
            Place::Peer(bytes) => bytes.copy_in(at, into),
            Place::Own(bytes) => {
                bytes.get(at..).and_then(|from| from.get(..count)).map(|from| into.copy_from_slice(from))
            }
        };
        copied.map_or(0, |()| count)
    }

    /// The byte at `at` as it is now; `None` if there are not as many.
    #[must_use]
    pub fn read(&self, at: usize) -> Option<u8> {
        let mut byte = [0];
        (self.copy_to(&mut byte, at) == 1).then_some(byte[0])
    }

    /// The word at byte `at`, of eight bytes of this machine, as it was when the last byte was copied out of these bytes, or later:
    /// how one finds out, after a copy, that the bytes have begun to change meanwhile
    /// ([`SharedGrant::write_word`](crate::SharedGrant::write_word)). `None` if there are not as many bytes, or where it does not
    /// begin at a multiple of 8.
    #[must_use]
    pub fn word_after(&self, at: usize) -> Option<u64> {
        match self.0 {
            Place::Peer(bytes) => bytes.word_after(at),
            Place::Own(bytes) if at.is_multiple_of(8) => Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?)),
            Place::Own(_) => None,
        }
    }

    /// Copies all bytes through `buffer`, one after the other, and shows `each` what it holds. Nothing happens if
    /// `buffer` is empty.
    pub fn chunks(&self, buffer: &mut [u8], mut each: impl FnMut(&[u8])) {
        let mut at = 0;
        loop {
            let count = self.copy_to(buffer, at);
            let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else { return };
            each(chunk);
            at = at.saturating_add(count);
        }
    }

    /// A copy of all of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len()];
        let count = self.copy_to(&mut copy, 0);
        copy.truncate(count);
        copy
    }
}

impl<'a> From<&'a [u8]> for SharedBytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(Place::Own(bytes))
    }
}

impl std::fmt::Debug for SharedBytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_all_of_them() {
        let bytes = SharedBytes::from(&b"hello world"[..]);
        assert_eq!((bytes.len(), bytes.is_empty(), SharedBytes::from(&[][..]).is_empty()), (11, false, true));
        let mut into = [b'.'; 6];
        assert_eq!((bytes.copy_to(&mut into, 6), &into), (5, b"world."));
        for beyond in [11, 12, usize::MAX] {
            assert_eq!((bytes.copy_to(&mut into, beyond), bytes.read(beyond)), (0, None));
        }
        assert_eq!(bytes.read(10), Some(b'd'));
        let mut chunks = Vec::new();
        bytes.chunks(&mut [0; 4], |chunk| chunks.push(chunk.to_vec()));
        assert_eq!(chunks, [&b"hell"[..], b"o wo", b"rld"]);
        bytes.chunks(&mut [], |_| unreachable!("there is no room for a chunk"));
        assert_eq!(bytes.to_vec(), b"hello world");
        assert_eq!(format!("{bytes:?}"), "SharedBytes(11 bytes)");
        let word = |at| bytes.word_after(at).map(u64::to_ne_bytes);
        assert_eq!((word(0), word(1), word(8), word(usize::MAX)), (Some(*b"hello wo"), None, None, None));
    }
}
