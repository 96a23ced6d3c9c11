//! Words that become zero in a forked child.

use core::sync::atomic::AtomicU32;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use super::memory::Mapping;

const PAGE_SIZE: usize = 4096;

/// Words of one page.
#[derive(Debug)]
struct Page(Mapping);

impl Page {
    fn word(&self, index: usize) -> Option<&AtomicU32> {
        if index >= PAGE_SIZE / 4 {
            return None;
        }
        // SAFETY: inside the page.
        let word = unsafe { self.0.start().cast::<AtomicU32>().add(index) };
        // SAFETY: aligned, mapped as long as `self`, zeroed by the kernel, and only ever accessed as this word.
        Some(unsafe { word.as_ref() })
    }
}

#[derive(Debug, Default)]
struct Words {
    page: Option<&'static Page>,
    used: usize,
    free: Vec<&'static AtomicU32>,
}

static WORDS: Mutex<Words> = Mutex::new(Words { page: None, used: 0, free: Vec::new() });

/// Their lock, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new(WORDS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A word that reads 0 in every forked child, whatever it was in the parent. Given back when dropped.
#[derive(Debug)]
pub struct ForkWord(&'static AtomicU32);

impl ForkWord {
    /// A word with an initial value.
    ///
    /// # Errors
    /// What the kernel says when a page is needed.
    pub fn new(value: u32) -> Result<Self, Errno> {
        let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = words.free.pop() {
            word.store(value, core::sync::atomic::Ordering::Relaxed);
            return Ok(Self(word));
        }
        if words.page.is_none() || words.used == PAGE_SIZE / 4 {
            // Pages are few and their words are used again, so they are never given back.
            words.page = Some(Box::leak(Box::new(Page(Mapping::wiped_on_fork(PAGE_SIZE)?))));
            words.used = 0;
        }
        let used = words.used;
        let word = words.page.and_then(|page| page.word(used)).ok_or(Errno::NOMEM)?;
        words.used += 1;
        word.store(value, core::sync::atomic::Ordering::Relaxed);
        Ok(Self(word))
    }
}

impl ForkWord {
    /// The word itself, which is never unmapped; who keeps it forgets it before this is dropped.
    #[must_use]
    pub fn word(&self) -> &'static AtomicU32 {
        self.0
    }
}

impl core::ops::Deref for ForkWord {
    type Target = AtomicU32;

    #[inline(always)]
    fn deref(&self) -> &AtomicU32 {
        self.0
    }
}

impl Drop for ForkWord {
    fn drop(&mut self) {
        if self.0.load(core::sync::atomic::Ordering::Relaxed) == 0 {
            // In a forked child, where others that know the word forget nothing.
            return;
        }
        // In a forked child another thread of the parent may have held the lock at the fork, for ever.
        if let Ok(mut words) = WORDS.try_lock() {
            words.free.push(self.0);
        }
    }
}
