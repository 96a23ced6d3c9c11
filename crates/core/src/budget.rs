//! What a process spends on large calls of others: private copies of arguments, and segments with results.
//!
//! Whoever asks for it is a client, so it is bounded for the whole process: a share of what its control groups leave it,
//! because nobody is refused memory there, but killed.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::sys::{limit, process};

/// Bytes at most, if the control groups of the process leave it more.
const LIMIT_MAX: usize = 512 * 1024 * 1024;

/// What of its memory limit a process spends: a quarter.
const SHARE: u64 = 4;

static SPENT: AtomicUsize = AtomicUsize::new(0);
/// 0 until it is set or looked up.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Bytes that this process spends at a time: a quarter of what its control groups leave it, 512 MiB at most, unless it
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
    /// It is more than this process spends in all: so many bytes.
    Never(usize),
    /// Others have it at the moment.
    Now,
}

/// Bytes that count as spent until this is dropped.
#[derive(Debug, Default)]
pub struct Spent(usize);

impl Spent {
    /// Nothing.
    #[must_use]
    pub const fn nothing() -> Self {
        Self(0)
    }

    /// Spends `more` bytes on something that has `whole` bytes then.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing more is spent.
    pub fn add(&mut self, more: usize, whole: usize) -> Result<(), NoRoom> {
        let limit = limit();
        if whole > limit {
            return Err(NoRoom::Never(limit));
        }
        let fits = |now: usize| now.checked_add(more).filter(|sum| *sum <= limit);
        SPENT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| NoRoom::Now)?;
        self.0 += more;
        Ok(())
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        SPENT.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Descriptors that segments with results may have in the process: a quarter of what it may open.
static DESCRIPTORS: AtomicUsize = AtomicUsize::new(0);

/// A descriptor that counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Descriptor(());

impl Descriptor {
    /// # Errors
    /// [`NoRoom::Now`].
    pub(crate) fn take() -> Result<Self, NoRoom> {
        let most = usize::try_from(process::descriptor_limit() / SHARE).unwrap_or(usize::MAX).max(1);
        let fits = |now: usize| now.checked_add(1).filter(|sum| *sum <= most);
        DESCRIPTORS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| NoRoom::Now)?;
        Ok(Self(()))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        DESCRIPTORS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
pub(crate) fn spent() -> usize {
    SPENT.load(Ordering::Relaxed)
}
