//! A processor's private memory for the arguments of the call it serves.
//!
//! What fits a frame is copied into one buffer that is kept. Larger arguments get a buffer each, kept as well until the
//! domain gives such memory back ([`Memory::trim`]); what they come to is in the process's [budget](crate::budget).

use crate::budget::{NoRoom, Spent};

/// Large arguments of one call: as many as parameters.
const LARGE_COUNT: usize = 64;

/// The strictest alignment of arguments.
pub const ALIGN_MAX: usize = 16;

/// Bytes beyond a frame: so that each of 64 slices can begin where its items are aligned.
const SLACK: usize = LARGE_COUNT * ALIGN_MAX;

/// Large buffers have multiples of this many bytes.
const STEP: usize = 64 * 1024;

/// A processor's private memory, for one call after the other.
#[derive(Debug)]
pub struct Memory {
    small: Vec<u8>,
    large: Box<[Vec<u8>; LARGE_COUNT]>,
    /// Bytes of `large`.
    spent: Spent,
}

impl Default for Memory {
    fn default() -> Self {
        let large = Box::new(core::array::from_fn(|_| Vec::new()));
        Self { small: Vec::new(), large, spent: Spent::nothing() }
    }
}

impl Memory {
    /// For the arguments of one call.
    #[inline(always)]
    pub fn arena(&mut self) -> Arena<'_> {
        Arena(State::Whole(self))
    }

    /// Gives back what large arguments took. Between calls only.
    pub fn trim(&mut self) {
        let Self { small, large, spent } = self;
        if small.capacity() > STEP {
            *small = Vec::new();
        }
        large.iter_mut().for_each(|buffer| *buffer = Vec::new());
        *spent = Spent::nothing();
    }
}

/// Memory for the arguments of one call, handed out piece by piece.
#[derive(Debug)]
pub struct Arena<'a>(State<'a>);

#[derive(Debug)]
enum State<'a> {
    /// None of it is used; it may have to grow.
    Whole(&'a mut Memory),
    /// What is left.
    Left { small: &'a mut [u8], large: &'a mut [Vec<u8>], spent: Option<&'a mut Spent> },
}

impl<'a> Arena<'a> {
    /// The next `size` bytes that begin where a `T` may. `frame_size`: what small arguments come to at most.
    ///
    /// # Errors
    /// [`NoRoom`].
    #[inline]
    pub fn take<T>(&mut self, size: usize, frame_size: usize) -> Result<&'a mut [u8], NoRoom> {
        if let State::Whole(memory) = &mut self.0 {
            let all = frame_size.saturating_add(SLACK);
            if memory.small.len() < all {
                enlarge(&mut memory.small, all);
            }
            self.open(all);
        }
        let State::Left { small: left, .. } = &mut self.0 else { return Err(NoRoom::Never(0)) };
        let _ = left.split_off_mut(..left.as_ptr().align_offset(align_of::<T>()));
        match left.split_off_mut(..size) {
            Some(taken) => Ok(taken),
            None => self.take_large(size, align_of::<T>()),
        }
    }

    /// Nothing that can be called lies between taking the state and putting the next one there: else both are stored.
    #[inline(always)]
    fn open(&mut self, all: usize) {
        let nothing = State::Left { small: &mut [], large: &mut [], spent: None };
        self.0 = match core::mem::replace(&mut self.0, nothing) {
            State::Whole(Memory { small, large, spent }) => State::Left {
                small: small.get_mut(..all).unwrap_or_default(),
                large: &mut large[..],
                spent: Some(spent),
            },
            left @ State::Left { .. } => left,
        };
    }

    #[cold]
    #[inline(never)]
    fn take_large(&mut self, size: usize, align: usize) -> Result<&'a mut [u8], NoRoom> {
        let State::Left { large, spent: Some(spent), .. } = &mut self.0 else { return Err(NoRoom::Never(0)) };
        let (buffer, rest) = core::mem::take(large).split_first_mut().ok_or(NoRoom::Never(0))?;
        *large = rest;
        let wanted = size.saturating_add(ALIGN_MAX).checked_next_multiple_of(STEP).ok_or(NoRoom::Never(usize::MAX))?;
        if let Some(more) = wanted.checked_sub(buffer.len()).filter(|more| *more > 0) {
            // Not grown: the earlier contents are of no use. Reserved first, which touches no page: a process that has no
            // more mappings is not ended by it.
            let mut fresh = Vec::new();
            fresh.try_reserve_exact(wanted).map_err(|_| NoRoom::Now)?;
            spent.add(more, wanted)?;
            fresh.resize(wanted, 0);
            *buffer = fresh;
        }
        let begin = buffer.as_ptr().align_offset(align);
        buffer.get_mut(begin..).and_then(|rest| rest.get_mut(..size)).ok_or(NoRoom::Never(0))
    }
}

#[cold]
#[inline(never)]
fn enlarge(buffer: &mut Vec<u8>, size: usize) {
    buffer.resize(size, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget;

    /// One test, because the limit is the process's.
    #[test]
    fn small_and_large_pieces_are_aligned_kept_bounded_and_given_back() {
        budget::set_limit(4 * STEP);
        let mut memory = Memory::default();
        let mut addresses = Vec::new();
        for _ in 0..2 {
            let mut arena = memory.arena();
            let byte = arena.take::<u8>(1, 1500).unwrap();
            byte[0] = 1;
            let words = arena.take::<u128>(1488, 1500).unwrap();
            assert_eq!(words.as_ptr().align_offset(16), 0);
            words.fill(2);
            let large = arena.take::<u64>(STEP, 1500).unwrap();
            large.fill(3);
            let more = arena.take::<u8>(STEP, 1500).unwrap();
            more.fill(4);
            addresses.push([words.as_ptr(), large.as_ptr(), more.as_ptr()]);
            assert_eq!((byte[0], words[0], large[STEP - 1]), (1, 2, 3));
        }
        assert_eq!(addresses[0], addresses[1], "the second call allocates nothing");
        assert_eq!(budget::spent(), 4 * STEP);
        let mut other = Memory::default();
        assert_eq!(other.arena().take::<u8>(STEP, 0), Err(NoRoom::Now));
        assert_eq!(other.arena().take::<u8>(4 * STEP, 0), Err(NoRoom::Never(4 * STEP)));
        assert_eq!(other.arena().take::<u8>(usize::MAX, 0), Err(NoRoom::Never(usize::MAX)));
        memory.trim();
        assert_eq!(budget::spent(), 0);
        other.arena().take::<u8>(STEP, 0).unwrap()[0] = 5;
    }
}
