//! Where a kernel thread sleeps.

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Condvar, Mutex};

/// `FUTEX_WAIT`, `futex_waitv` and `FUTEX_WAKE` for one sleeper: a lock around a comparison and a queue of one, as the
/// kernel's hash buckets are. The kernel has one bucket for each word; since each waker takes the lock of its word, one
/// lock for all of them allows the same outcomes.
#[derive(Default)]
pub(crate) struct Futex {
    bucket: Mutex<Sleeper>,
    woken: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Sleeper {
    #[default]
    None,
    Asleep,
    Woken,
}

impl Futex {
    /// Says whether each word had its value, so that the caller sleeps from now on.
    pub(crate) fn sleeps(&self, words: &[(&AtomicU32, u32)]) -> bool {
        let mut sleeper = self.bucket.lock().unwrap();
        let same = words.iter().all(|(word, value)| word.load(Ordering::Relaxed) == *value);
        if same {
            *sleeper = Sleeper::Asleep;
        }
        same
    }

    /// Wakes whoever sleeps here on the word that the caller has in mind.
    pub(crate) fn wake(&self) {
        let mut sleeper = self.bucket.lock().unwrap();
        if *sleeper == Sleeper::Asleep {
            *sleeper = Sleeper::Woken;
            self.woken.notify_one();
        }
    }

    /// After [`sleeps`](Self::sleeps): until woken.
    pub(crate) fn sleep(&self) {
        let mut sleeper = self.bucket.lock().unwrap();
        while *sleeper == Sleeper::Asleep {
            sleeper = self.woken.wait(sleeper).unwrap();
        }
        *sleeper = Sleeper::None;
    }

    /// Whether a sleeper was woken that has not noticed yet.
    pub(crate) fn was_woken(&self) -> bool {
        *self.bucket.lock().unwrap() == Sleeper::Woken
    }
}
