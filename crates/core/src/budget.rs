//! What a process spends on large calls of others: private copies of arguments, and segments with results.
//!
//! Whoever asks for it is a client, so it is bounded for the whole process: a share of what its control groups leave it,
//! because nobody is refused memory there, but killed. Of what there is each user has as much as is left for the others at
//! most (`docs/decisions/0006-shares-by-user.md`): one that is alone has half, the next a quarter, and whoever comes finds
//! something.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::{limit, process};

/// Bytes at most, if the control groups of the process leave it more.
const LIMIT_MAX: usize = 1024 * 1024 * 1024;

/// What of its memory limit a process spends: a quarter.
const SHARE: u64 = 4;

/// What of it one user can have: half.
const OWN_SHARE: usize = 2;

/// 0 until it is set or looked up.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Bytes that this process spends at a time: a quarter of what its control groups leave it, 1 GiB at most, unless it
/// was [set](set_limit). Looked up when it is first needed.
#[must_use]
pub fn limit() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => {
            let quarter = limit::memory_limit().and_then(|bytes| usize::try_from(bytes / SHARE).ok());
            let bytes = quarter.map_or(LIMIT_MAX, |quarter| quarter.clamp(1, LIMIT_MAX));
            let _ = LIMIT.compare_exchange(0, bytes, Ordering::Relaxed, Ordering::Relaxed);
            LIMIT.load(Ordering::Relaxed)
        }
        bytes => bytes,
    }
}

/// Sets [`limit()`].
pub fn set_limit(bytes: usize) {
    LIMIT.store(bytes.max(1), Ordering::Relaxed);
}

/// Why there is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// It is more than this process spends on one user in all: so many bytes.
    Never(usize),
    /// This user has as much as is left for others, or others have it, at the moment.
    Now,
}

/// Who has how much of something.
#[derive(Debug)]
struct Shares {
    all: usize,
    by_owner: BTreeMap<u32, usize>,
}

impl Shares {
    const fn new() -> Self {
        Self { all: 0, by_owner: BTreeMap::new() }
    }

    /// Takes `more` of what there is `limit` of, if that leaves as much for others as this owner has then.
    fn take(&mut self, owner: u32, more: usize, limit: usize) -> bool {
        let own = self.by_owner.get(&owner).copied().unwrap_or(0);
        let sums = own.checked_add(more).zip(self.all.checked_add(more));
        let Some((own, all)) = sums.filter(|&(own, all)| limit.checked_sub(all).is_some_and(|left| own <= left)) else {
            return false;
        };
        self.all = all;
        self.by_owner.insert(owner, own);
        true
    }

    fn give_back(&mut self, owner: u32, amount: usize) {
        self.all = self.all.saturating_sub(amount);
        if let Some(own) = self.by_owner.get_mut(&owner) {
            *own = own.saturating_sub(amount);
            if *own == 0 {
                self.by_owner.remove(&owner);
            }
        }
    }
}

/// Only large calls that find nothing kept take these locks.
static BYTES: Mutex<Shares> = Mutex::new(Shares::new());
static DESCRIPTORS: Mutex<Shares> = Mutex::new(Shares::new());

fn lock(shares: &'static Mutex<Shares>) -> MutexGuard<'static, Shares> {
    shares.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its locks, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new((lock(&BYTES), lock(&DESCRIPTORS)))
}

/// Bytes that count as spent on a user until this is dropped.
#[derive(Debug)]
pub struct Spent {
    owner: u32,
    bytes: usize,
}

impl Spent {
    /// Spends `bytes` on something for this user.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing is spent.
    pub fn new(owner: u32, bytes: usize) -> Result<Self, NoRoom> {
        let limit = limit();
        if bytes > limit / OWN_SHARE {
            return Err(NoRoom::Never(limit / OWN_SHARE));
        }
        let fits = lock(&BYTES).take(owner, bytes, limit);
        if fits { Ok(Self { owner, bytes }) } else { Err(NoRoom::Now) }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        lock(&BYTES).give_back(self.owner, self.bytes);
    }
}

/// A descriptor that counts until this is dropped: segments with results may have a quarter of what the process may open.
#[derive(Debug)]
pub(crate) struct Descriptor {
    owner: u32,
}

impl Descriptor {
    /// # Errors
    /// [`NoRoom::Now`].
    pub(crate) fn take(owner: u32) -> Result<Self, NoRoom> {
        let most = usize::try_from(process::descriptor_limit() / SHARE).unwrap_or(usize::MAX).max(OWN_SHARE);
        let fits = lock(&DESCRIPTORS).take(owner, 1, most);
        if fits { Ok(Self { owner }) } else { Err(NoRoom::Now) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        lock(&DESCRIPTORS).give_back(self.owner, 1);
    }
}

#[cfg(test)]
pub(crate) fn spent(owner: u32) -> usize {
    lock(&BYTES).by_owner.get(&owner).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much as it gets, one by one.
    fn all_of(shares: &mut Shares, owner: u32) -> usize {
        (0..).take_while(|_| shares.take(owner, 1, 1024)).count()
    }

    #[test]
    fn whoever_comes_finds_something() {
        let mut shares = Shares::new();
        assert!(!shares.take(7, 513, 1024) && !shares.take(7, usize::MAX, 1024));
        assert!(shares.by_owner.is_empty());
        for (owner, most) in [(7, 512), (8, 256), (9, 128), (0, 64)] {
            assert_eq!(all_of(&mut shares, owner), most, "{owner}");
            assert_eq!(all_of(&mut shares, 7), 0, "and who has more gets no more");
        }
        shares.give_back(7, 512);
        assert_eq!(all_of(&mut shares, 9), (576 - 128) / 2, "others have what was given back");
        for (owner, amount) in [(8, 256), (9, 352), (0, 64)] {
            shares.give_back(owner, amount);
        }
        assert_eq!((shares.all, shares.by_owner.len()), (0, 0));
    }
}
