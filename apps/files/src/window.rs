//! Windows: the bytes of a file where those who read it again and again have them mapped, too.
//!
//! A read copies each byte twice, from the cache to the reply and from the reply to its reader, and whoever reads again has the
//! reply's lines come over from the server's CPU again. Of a file with a window, the reply says only that the bytes are there, and
//! the reader copies them out of the window, whose lines nobody takes from its CPU as long as nobody writes the file
//! (docs/decisions/0018).
//!
//! ```text
//! byte 0: stamp      byte 4096: the file's first byte, and so on
//! server, to change bytes:   stamp + 1, then the bytes
//! reader, per read:          call: stamp s; copy; if the stamp is still s, it was one piece
//! ```
//! A window belongs to a file's inode, and only clients that have the file open to be read are passed it: what they see of it is what
//! they may read. It is there while one of those that asked for it has the file open. Pages are put there when they are first asked
//! for; a file that does not fit has none.
//!
//! What it does not do: keep pages of its own choice, or for longer than its files are open. Its memory is lent by the
//! [cache](crate::cache), out of the pages that this may have.

use std::ops::Range;
use std::sync::Arc;

use nearcall::SharedGrant;

use crate::cache::{At, Cache, PAGE};

/// Where the file begins in its window.
pub(crate) const HEAD_SIZE: usize = PAGE;

/// Pages of a file that can have a window: 4 MiB.
const PAGE_COUNT_MAX: usize = 1024;

/// Windows, each of which has two descriptors.
const COUNT_MAX: usize = 64;

/// Hits that the cache is told of together.
const HITS_TOLD: u64 = 16;

/// Pages beside those of the file: the stamp's, and the warrant's of the grant.
const OWN_COUNT: usize = 2;

/// A window.
#[derive(Debug)]
pub(crate) struct Window {
    grant: SharedGrant,
    /// Of the contents that it has.
    key: u64,
    /// By number of page.
    is_here: Vec<bool>,
    stamp: u64,
    /// Pages that were found, and of which the cache does not know yet.
    hits: u64,
    /// What the cache has lent.
    lent: usize,
}

impl Window {
    /// For a file of `size` bytes, if the cache can spare the memory.
    pub(crate) fn new(cache: &Arc<Cache>, key: u64, size: u64) -> Option<Self> {
        // Each window keeps a reference to the cache.
        if Arc::strong_count(cache) > COUNT_MAX {
            return None;
        }
        let count = usize::try_from(size.div_ceil(PAGE as u64)).ok().filter(|&count| count <= PAGE_COUNT_MAX)?;
        let lent = count + OWN_COUNT;
        if !cache.lend(lent) {
            return None;
        }
        let Ok(grant) = SharedGrant::for_clients(HEAD_SIZE + count * PAGE) else {
            cache.take_back(lent);
            return None;
        };
        let mut window = Self { grant, key, is_here: vec![false; count], stamp: 0, hits: 0, lent };
        window.changes();
        Some(window)
    }

    /// Pages that go back to the cache when it is dropped.
    pub(crate) fn lent(&self) -> usize {
        self.lent
    }

    /// For a client.
    pub(crate) fn reader(&self) -> Option<SharedGrant> {
        self.grant.reader().ok()
    }

    /// What is copied from now on may be new.
    fn changes(&mut self) {
        self.stamp += 1;
        // It has a first page, and is this process's.
        let _ = self.grant.write_word(0, self.stamp);
    }

    /// By which stamp the bytes of `range` are valid, or the first page of them that is not here. `None`: they do not fit.
    pub(crate) fn find(&mut self, key: u64, range: &Range<u64>) -> Option<Result<u64, At>> {
        if self.key != key {
            self.changes();
            self.is_here.fill(false);
            self.key = key;
        }
        for page in pages(range) {
            if !*self.is_here.get(usize::try_from(page).ok()?)? {
                return Some(Err(At { key, page }));
            }
        }
        Some(Ok(self.stamp))
    }

    /// All pages of `range` were here at once.
    pub(crate) fn hit(&mut self, range: &Range<u64>, cache: &Cache) {
        self.hits += pages(range).count() as u64;
        if self.hits >= HITS_TOLD {
            cache.hit(std::mem::take(&mut self.hits));
        }
    }

    /// Puts a page where none is.
    pub(crate) fn put(&mut self, at: At, bytes: &[u8; PAGE]) {
        let Some((n, is_here)) = usize::try_from(at.page).ok().and_then(|n| Some((n, self.is_here.get_mut(n)?))) else {
            return;
        };
        // What is here may be being copied. What is not, nobody was told a stamp of.
        if self.key == at.key && !*is_here {
            *is_here = self.grant.write(HEAD_SIZE + n * PAGE, bytes).is_ok();
        }
    }

    /// Writes bytes to those pages that are here; of the others none.
    pub(crate) fn update(&mut self, key: u64, pos: u64, bytes: &[u8]) {
        if self.key != key {
            return;
        }
        self.changes();
        let mut done = 0;
        while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
            let here = pos.saturating_add(done as u64);
            let from = (here % PAGE as u64) as usize;
            let part = rest.get(..rest.len().min(PAGE - from)).unwrap_or(rest);
            let Ok(at) = usize::try_from(here / PAGE as u64) else { return };
            match self.is_here.get(at) {
                Some(true) => {
                    let _ = self.grant.write(HEAD_SIZE + at * PAGE + from, part);
                }
                Some(false) => {}
                // The file has outgrown it.
                None => return,
            }
            done += part.len();
        }
    }
}

/// By number.
fn pages(range: &Range<u64>) -> Range<u64> {
    range.start / PAGE as u64..range.end.div_ceil(PAGE as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_of_files_that_fit_and_few() {
        let cache = Arc::new(Cache::new(1 << 14));
        let largest = (PAGE_COUNT_MAX * PAGE) as u64;
        assert!(Window::new(&cache, 1, largest + 1).is_none() && Window::new(&cache, 1, u64::MAX).is_none());
        assert_eq!(cache.len(), 0);
        let window = Window::new(&cache, 1, largest).unwrap();
        assert_eq!((window.lent(), cache.len()), (PAGE_COUNT_MAX + OWN_COUNT, PAGE_COUNT_MAX + OWN_COUNT));
        let others: Vec<_> = (1..COUNT_MAX).map(|_| Arc::clone(&cache)).collect();
        assert!(Window::new(&cache, 1, 1).is_some());
        let one_more = Arc::clone(&cache);
        assert!(Window::new(&cache, 1, 1).is_none());
        drop((others, one_more));
    }

    #[test]
    fn what_was_found_is_found_until_it_is_changed() {
        let cache = Arc::new(Cache::new(64));
        let mut window = Window::new(&cache, 1, 3 * PAGE as u64 - 5).unwrap();
        let first = At { key: 1, page: 0 };
        assert_eq!(window.find(1, &(10..5_000)), Some(Err(first)));
        window.put(first, &[1; PAGE]);
        window.put(At { key: 1, page: 1 }, &[2; PAGE]);
        let stamp = window.find(1, &(10..5_000)).unwrap().unwrap();
        let copy = |window: &Window| {
            let mut bytes = [0; 2];
            let shown = window.grant.bytes().unwrap();
            shown.copy_to(&mut bytes, HEAD_SIZE + PAGE - 1);
            (bytes, shown.word_after(0).unwrap())
        };
        assert_eq!(copy(&window), ([1, 2], stamp));
        // What is there may be being copied: it is put only once, and not changed without another stamp.
        window.put(first, &[3; PAGE]);
        assert_eq!(copy(&window), ([1, 2], stamp));
        window.update(2, PAGE as u64 - 1, &[7]);
        assert_eq!(copy(&window), ([1, 2], stamp), "of contents that it does not have");
        window.update(1, PAGE as u64 - 1, &[8, 9]);
        assert_eq!(copy(&window), ([8, 9], stamp + 1));
        // Page 2 is not there, and there is no page 3.
        window.update(1, 3 * PAGE as u64 - 1, &[1, 1]);
        assert_eq!(window.find(1, &(0..3 * PAGE as u64)), Some(Err(At { key: 1, page: 2 })));
        assert_eq!(window.find(1, &(0..3 * PAGE as u64 + 1)), Some(Err(At { key: 1, page: 2 })));
        assert_eq!(window.find(1, &(3 * PAGE as u64..3 * PAGE as u64 + 1)), None);
        // Other contents: nothing of the old ones is found.
        assert_eq!(window.find(3, &(0..1)), Some(Err(At { key: 3, page: 0 })));
        window.put(first, &[4; PAGE]);
        assert_eq!(window.find(3, &(0..1)), Some(Err(At { key: 3, page: 0 })));
        assert!(copy(&window).1 > stamp + 1);
    }
}
