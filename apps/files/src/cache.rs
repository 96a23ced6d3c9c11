//! The page cache: as many pages as were allowed at the start, and never one more, with those that it has lent to windows.
//!
//! A page belongs to a *key*, which stands for the contents of one file between two changes that the cache was not told of: when
//! such a change is found, the file gets another key, and the pages of the old one are nobody's until they are replaced. So
//! nothing has to be searched for.
//!
//! Each shard has a lock, and its share of the pages; pages are replaced by the clock (a page that was used since the hand last
//! passed stays once more). Bytes are copied under the lock: 4 KiB take less time than handing a reference out and back.
//!
//! What it does not do: read files. Whoever misses reads, without a lock, and offers what was read ([`Cache::insert`]), which is
//! refused if the file was written meanwhile.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a page.
pub const PAGE: usize = 4096;

/// A power of two.
const SHARD_COUNT: usize = 16;

/// Which page of which contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The contents.
    pub key: u64,
    /// The page's number in the file.
    pub page: u64,
}

/// Only this process makes keys, so nobody can aim at collisions but by the numbers of pages, of which those of one shard
/// are spread by the multiplication.
#[derive(Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0.rotate_left(29) ^ word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

impl std::hash::Hash for At {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.key);
        state.write_u64(self.page);
    }
}

#[derive(Debug)]
struct Frame {
    at: At,
    was_used: bool,
    bytes: Box<[u8; PAGE]>,
}

#[derive(Debug, Default)]
struct Shard {
    places: HashMap<At, usize, BuildHasherDefault<Mix>>,
    frames: Vec<Frame>,
    hand: usize,
}

/// Pages of files.
#[derive(Debug)]
pub struct Cache {
    shards: [Mutex<Shard>; SHARD_COUNT],
    /// Pages that there may be.
    pages: usize,
    /// Those of them that others have.
    lent: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cache {
    /// For up to `pages` pages, of which there is at least one in each of the 16 shards.
    #[must_use]
    pub fn new(pages: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            pages,
            lent: AtomicUsize::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Pages that a shard may have.
    fn share(&self) -> usize {
        (self.pages.saturating_sub(self.lent.load(Ordering::Relaxed)) / SHARD_COUNT).max(1)
    }

    /// Gives up pages for somebody who has as much memory of its own; `false`, and nothing happens: more than half would be lent.
    pub fn lend(&self, pages: usize) -> bool {
        let more = |lent: usize| lent.checked_add(pages).filter(|&lent| lent <= self.pages / 2);
        if self.lent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return false;
        }
        for shard in &self.shards {
            // Whoever comes next to this shard has its lock after us, and sees the smaller share.
            shard.lock().unwrap_or_else(PoisonError::into_inner).shrink(self.share());
        }
        true
    }

    /// Has them back.
    pub fn take_back(&self, pages: usize) {
        self.lent.fetch_sub(pages, Ordering::Relaxed);
    }

    fn shard(&self, at: At) -> MutexGuard<'_, Shard> {
        // Pages of a file take turns: whoever reads it in sequence does not meet whoever does so elsewhere for long.
        let n = (at.page ^ at.key.wrapping_mul(0x9e37_79b9)) as usize % SHARD_COUNT;
        let shard = self.shards.get(n).unwrap_or(&self.shards[0]);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Copies bytes of a page from its byte `from` on; `false`: it is not here.
    pub fn copy_out(&self, at: At, from: usize, into: &mut [u8]) -> bool {
        let mut shard = self.shard(at);
        let found = shard.places.get(&at).copied();
        let frame = found.and_then(|place| shard.frames.get_mut(place));
        let Some((frame, bytes)) = frame.and_then(|frame| {
            let end = from.checked_add(into.len())?;
            frame.was_used = true;
            Some((frame.bytes.get(from..end)?, into))
        }) else {
            drop(shard);
            self.misses.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        copy(frame, bytes);
        drop(shard);
        self.hits.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Changes bytes of a page, if it is here.
    pub fn update(&self, at: At, from: usize, bytes: &[u8]) -> bool {
        let mut shard = self.shard(at);
        let found = shard.places.get(&at).copied();
        let space = found.and_then(|place| shard.frames.get_mut(place)).and_then(|frame| {
            frame.was_used = true;
            frame.bytes.get_mut(from..from.checked_add(bytes.len())?)
        });
        space.map(|space| space.copy_from_slice(bytes)).is_some()
    }

    /// Puts a page, in place of one that was not used for long; what lies behind `bytes` in it is zero. Unless `is_true` says that
    /// it is out of date: that is asked under the lock that an update of the page would need.
    pub fn insert(&self, at: At, bytes: &[u8], is_true: impl FnOnce() -> bool) {
        let mut guard = self.shard(at);
        if !is_true() {
            return;
        }
        let shard = &mut *guard;
        let place = match shard.places.get(&at) {
            Some(&place) => place,
            None if shard.frames.len() < self.share() => {
                shard.frames.push(Frame { at, was_used: false, bytes: Box::new([0; PAGE]) });
                shard.frames.len() - 1
            }
            None => shard.replaced(),
        };
        let Some(frame) = shard.frames.get_mut(place) else { return };
        let (front, rest) = frame.bytes.split_at_mut(bytes.len().min(PAGE));
        front.copy_from_slice(bytes.get(..front.len()).unwrap_or_default());
        rest.fill(0);
        // It stays for a turn of the hand, and longer if it is used.
        (frame.at, frame.was_used) = (at, false);
        shard.places.insert(at, place);
    }

    /// Pages that it has, those that it has lent among them.
    #[must_use]
    pub fn len(&self) -> usize {
        let own = self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).frames.len());
        own.sum::<usize>() + self.lent.load(Ordering::Relaxed)
    }

    /// Pages were asked for that are in a window, which is a part of it.
    pub fn hit(&self, pages: u64) {
        self.hits.fetch_add(pages, Ordering::Relaxed);
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pages that were asked for and there, and those that were not.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}

/// From 4 KiB on glibc copies by `rep movsb`. That takes two thirds of the time of a loop where the destination was last read on
/// another CPU, as a reply was, and some twenty times as long where it lies less than this behind the source, modulo 4 KiB.
const TOO_NEAR: usize = 1024;

fn copy(from: &[u8], into: &mut [u8]) {
    let apart = into.as_ptr().addr().wrapping_sub(from.as_ptr().addr()) % PAGE;
    if apart == 0 || apart >= TOO_NEAR {
        return into.copy_from_slice(from);
    }
    for (from, into) in from.chunks(TOO_NEAR).zip(into.chunks_mut(TOO_NEAR)) {
        into.copy_from_slice(from);
    }
}

impl Shard {
    /// Has no more than `share` pages.
    fn shrink(&mut self, share: usize) {
        for frame in self.frames.drain(self.frames.len().min(share)..) {
            self.places.remove(&frame.at);
        }
        self.frames.shrink_to_fit();
    }

    /// The place of a page that goes.
    fn replaced(&mut self) -> usize {
        loop {
            self.hand = if self.hand + 1 < self.frames.len() { self.hand + 1 } else { 0 };
            let Some(frame) = self.frames.get_mut(self.hand) else { return 0 };
            if !std::mem::take(&mut frame.was_used) {
                self.places.remove(&frame.at);
                return self.hand;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: u64, page: u64) -> At {
        At { key, page }
    }

    #[test]
    fn it_never_has_more_than_it_may() {
        let cache = Cache::new(64);
        for page in 0..10_000 {
            cache.insert(at(1, page), &[page as u8; PAGE], || true);
            assert!(cache.len() <= 64);
        }
        assert_eq!(cache.len(), 64);
        let mut one = [0];
        let kept = (0..10_000).filter(|&page| cache.copy_out(at(1, page), 5, &mut one)).count();
        assert_eq!((kept, cache.counts()), (64, (64, 9936)));
    }

    #[test]
    fn what_it_lends_it_does_without() {
        let cache = Cache::new(64);
        let fill = || (0..1_000).for_each(|page| cache.insert(at(1, page), &[0; PAGE], || true));
        fill();
        assert!(!cache.lend(33) && cache.lend(32) && !cache.lend(1));
        assert_eq!(cache.len(), 64);
        fill();
        let mut one = [0];
        let kept = (0..1_000).filter(|&page| cache.copy_out(at(1, page), 5, &mut one)).count();
        assert_eq!((kept, cache.len()), (32, 64));
        cache.take_back(32);
        assert_eq!(cache.len(), 32);
        fill();
        assert_eq!(cache.len(), 64);
    }

    #[test]
    fn what_is_used_stays() {
        let cache = Cache::new(64);
        cache.insert(at(1, 0), &[7; PAGE], || true);
        for round in 0..1_000 {
            cache.insert(at(2, round), &[0; PAGE], || true);
            let mut one = [0];
            assert!(cache.copy_out(at(1, 0), PAGE - 1, &mut one) && one == [7]);
        }
    }

    #[test]
    fn pages_are_updated_and_out_of_date_ones_refused() {
        let cache = Cache::new(64);
        cache.insert(at(1, 0), b"short", || true);
        assert!(cache.update(at(1, 0), 4, b"k!") && !cache.update(at(1, 1), 0, b"x"));
        let mut bytes = [1; 8];
        assert!(cache.copy_out(at(1, 0), 0, &mut bytes));
        assert_eq!(&bytes, b"shork!\0\0");
        cache.insert(at(1, 0), b"other", || false);
        assert!(cache.copy_out(at(1, 0), 0, &mut bytes) && bytes.starts_with(b"shork"));
        assert!(!cache.copy_out(at(1, 0), PAGE - 1, &mut bytes) && !cache.update(at(1, 0), PAGE - 1, b"ab"));
    }
}
