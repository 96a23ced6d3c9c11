//! A processor's private memory for the arguments of the call it serves.
//!
//! What fits a frame is copied into one buffer that is kept. Larger arguments get a buffer each, from those that are kept for
//! the user whose call it is, by any processor; afterwards it goes there, and each goes for good when it was not used for
//! [`KEPT_MS`] ([`sweep`]), or when somebody else needs the memory. What they come to is in the process's
//! [budget](crate::budget), on that user's account.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::budget::{NoRoom, Spent};
use crate::segments::{KEPT_MS, Left};
use crate::sys::milliseconds;

/// Large arguments of one call: as many as parameters.
const LARGE_COUNT: usize = 64;

/// The strictest alignment of arguments.
pub const ALIGN_MAX: usize = 16;

/// Bytes beyond a frame: so that each of 64 slices can begin where its items are aligned.
const SLACK: usize = LARGE_COUNT * ALIGN_MAX;

/// Large buffers have multiples of this many bytes.
const STEP: usize = 64 * 1024;

/// A buffer for a large argument, and what it counts for.
#[derive(Debug)]
struct Large {
    bytes: Vec<u8>,
    _spent: Spent,
}

impl Large {
    /// `size`: a multiple of [`STEP`].
    fn new(owner: u32, size: usize) -> Result<Self, NoRoom> {
        let spent = spend(owner, size)?;
        // Reserved first, which touches no page: a process that has no more mappings is not ended by it.
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| NoRoom::Now)?;
        bytes.resize(size, 0);
        Ok(Self { bytes, _spent: spent })
    }
}

/// What is kept is nobody's reason to be refused: it goes first, this user's own before that of others.
fn spend(owner: u32, size: usize) -> Result<Spent, NoRoom> {
    loop {
        match Spent::new(owner, size) {
            Err(NoRoom::Now) => drop(kept().evict(owner).ok_or(NoRoom::Now)?),
            spent => return spent,
        }
    }
}

/// Buffers that no call has, with when they were last used, by owner, each from the least to the most recent.
#[derive(Debug)]
struct Kept(BTreeMap<u32, Vec<(u32, Large)>>);

static KEPT: Mutex<Kept> = Mutex::new(Kept(BTreeMap::new()));

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its lock, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new(kept())
}

impl Kept {
    /// The smallest that has `size` bytes.
    fn take(&mut self, owner: u32, size: usize) -> Option<Large> {
        let own = self.0.get_mut(&owner)?;
        let fit = own.iter().enumerate().filter(|(_, (_, large))| large.bytes.len() >= size);
        let (at, _) = fit.min_by_key(|(_, (_, large))| large.bytes.len())?;
        Some(own.remove(at).1)
    }

    /// The least recent one of this owner's; if it has none, of anybody's.
    fn evict(&mut self, owner: u32) -> Option<Large> {
        let now = milliseconds();
        let has = |own: Option<&Vec<_>>| own.is_some_and(|own| !own.is_empty());
        let whose = if has(self.0.get(&owner)) {
            owner
        } else {
            let age = |own: &Vec<(u32, Large)>| own.first().map(|(used, _)| now.wrapping_sub(*used));
            let (_, whose) = self.0.iter().filter_map(|(whose, own)| Some((age(own)?, *whose))).max()?;
            whose
        };
        Some(self.0.get_mut(&whose)?.remove(0).1)
    }

    /// Those that were not used for long.
    fn old(&mut self, now: u32) -> Vec<(u32, Large)> {
        let is_old = |&mut (used, _): &mut (u32, Large)| now.wrapping_sub(used) >= KEPT_MS;
        let old = self.0.values_mut().flat_map(|own| own.extract_if(.., is_old).collect::<Vec<_>>()).collect();
        self.0.retain(|_, own| !own.is_empty());
        old
    }
}

/// Gives back the buffers that no call has used for long, each by itself: whether there were any, and what is left. `now`: in
/// wrapping milliseconds.
pub fn sweep(now: u32) -> (bool, Left) {
    let mut all = kept();
    let old = all.old(now);
    let left = if all.0.is_empty() { Left::Nothing } else { Left::Young };
    drop(all);
    let any = !old.is_empty();
    // Unmapping takes long; not under the lock.
    drop(old);
    (any, left)
}

/// A processor's private memory, for one call after the other.
#[derive(Debug)]
pub struct Memory {
    small: Vec<u8>,
    large: Box<[Option<Large>; LARGE_COUNT]>,
    lent: Lent,
}

/// The call's user, and how many large buffers it has.
#[derive(Debug, Default)]
struct Lent {
    owner: u32,
    count: usize,
}

impl Default for Memory {
    fn default() -> Self {
        let large = Box::new([const { None }; LARGE_COUNT]);
        Self { small: Vec::new(), large, lent: Lent::default() }
    }
}

impl Memory {
    /// For the arguments of one call.
    #[inline(always)]
    pub fn arena(&mut self) -> Arena<'_> {
        Arena(State::Whole(self))
    }

    /// The next call is one of this user's.
    #[inline(always)]
    pub fn set_owner(&mut self, owner: u32) {
        self.lent.owner = owner;
    }

    /// Whether the last call had large arguments, which are to be [given back](Self::give_back).
    #[inline(always)]
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.lent.count != 0
    }

    /// Gives back the buffers that the last call had, for others of its user's. Afterwards somebody has to [`sweep`] some time.
    #[cold]
    #[inline(never)]
    pub fn give_back(&mut self) {
        let now = milliseconds();
        let given = self.large.iter_mut().take(self.lent.count).filter_map(Option::take);
        kept().0.entry(self.lent.owner).or_default().extend(given.map(|large| (now, large)));
        self.lent.count = 0;
    }

    /// Gives back what the arguments of calls with large frames took. Between calls only.
    pub fn trim(&mut self) {
        if self.small.capacity() > STEP {
            self.small = Vec::new();
        }
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
    Left { small: &'a mut [u8], large: &'a mut [Option<Large>], lent: Option<&'a mut Lent> },
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
        let nothing = State::Left { small: &mut [], large: &mut [], lent: None };
        self.0 = match core::mem::replace(&mut self.0, nothing) {
            State::Whole(Memory { small, large, lent }) => {
                State::Left { small: small.get_mut(..all).unwrap_or_default(), large: &mut large[..], lent: Some(lent) }
            }
            left @ State::Left { .. } => left,
        };
    }

    #[cold]
    #[inline(never)]
    fn take_large(&mut self, size: usize, align: usize) -> Result<&'a mut [u8], NoRoom> {
        let State::Left { large, lent: Some(lent), .. } = &mut self.0 else { return Err(NoRoom::Never(0)) };
        let wanted = size.saturating_add(ALIGN_MAX).checked_next_multiple_of(STEP).ok_or(NoRoom::Never(usize::MAX))?;
        let known = kept().take(lent.owner, wanted);
        let found = known.map_or_else(|| Large::new(lent.owner, wanted), Ok)?;
        let (place, rest) = core::mem::take(large).split_first_mut().ok_or(NoRoom::Never(0))?;
        *large = rest;
        lent.count += 1;
        let buffer = &mut place.insert(found).bytes;
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

    /// A call of this user's with large arguments of these sizes; where they were.
    fn call(memory: &mut Memory, owner: u32, sizes: &[usize]) -> Result<Vec<*const u8>, NoRoom> {
        memory.set_owner(owner);
        let mut arena = memory.arena();
        sizes
            .iter()
            .map(|&size| {
                let bytes = arena.take::<u8>(size, 1500)?;
                bytes.fill(1);
                Ok(bytes.as_ptr())
            })
            .collect()
    }

    /// One test, because the limit is the process's.
    #[test]
    fn small_and_large_pieces_are_aligned_kept_bounded_and_given_back() {
        budget::set_limit(16 * STEP);
        let (mut memory, mut other) = (Memory::default(), Memory::default());
        let mut addresses = Vec::new();
        for memory in [&mut memory, &mut other] {
            memory.set_owner(7);
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
            assert_eq!((byte[0], words[0], large[STEP - 1]), (1, 2, 3));
            addresses.push([large.as_ptr(), more.as_ptr()]);
            assert!(memory.is_large());
            memory.give_back();
            assert!(!memory.is_large());
        }
        addresses.iter_mut().for_each(|both| both.sort_unstable());
        assert_eq!(addresses[0], addresses[1], "another processor's call of the user allocates nothing");
        assert_eq!((budget::spent(7), budget::spent(8)), (4 * STEP, 0));

        // Half is for others; what is kept is in nobody's way, that of calls is.
        assert_eq!(call(&mut memory, 7, &[8 * STEP]), Err(NoRoom::Never(8 * STEP)));
        assert_eq!(call(&mut memory, 7, &[usize::MAX]), Err(NoRoom::Never(usize::MAX)));
        call(&mut memory, 7, &[7 * STEP]).unwrap();
        assert_eq!(budget::spent(7), 8 * STEP, "kept ones of its own have made room");
        assert_eq!(call(&mut other, 7, &[STEP]), Err(NoRoom::Now));
        other.give_back();
        call(&mut other, 8, &[3 * STEP]).unwrap();
        other.give_back();
        memory.give_back();
        kept().0.get_mut(&7).unwrap()[0].0 = milliseconds().wrapping_sub(1);
        let mut third = Memory::default();
        call(&mut third, 9, &[5 * STEP]).unwrap();
        assert_eq!((budget::spent(7), budget::spent(8), budget::spent(9)), (0, 4 * STEP, 6 * STEP), "the oldest went");

        // Each goes by itself.
        third.give_back();
        let later = milliseconds().wrapping_add(KEPT_MS);
        kept().0.get_mut(&8).unwrap()[0].0 = later;
        assert_eq!(sweep(later), (true, Left::Young));
        assert_eq!(sweep(later), (false, Left::Young));
        assert_eq!((budget::spent(8), budget::spent(9)), (4 * STEP, 0));
        assert_eq!(sweep(later.wrapping_add(KEPT_MS)), (true, Left::Nothing));
        assert_eq!(budget::spent(8), 0);
        // What a processor has when it ends goes with it.
        call(&mut third, 9, &[STEP]).unwrap();
        drop(third);
        assert_eq!(budget::spent(9), 0);
    }
}
