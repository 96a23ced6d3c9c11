//! One lock for all processes, in shared memory: what LRPC does without, for contrast.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};
use rustix::io::Errno;
use rustix::thread::futex::{Flags, Timespec, wait, wake};

use crate::mem::Region;
use crate::spin::PATIENCE;

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may sleep.
const WANTED: u32 = 2;

/// Looks before a sleep: some microseconds, as long as a call under the lock takes on one processor.
const LOOKS: u32 = 200;

/// The lock. A process that dies while it has it leaves it locked: this is a measurement, not a service.
#[derive(Debug)]
pub(crate) struct GlobalLock {
    region: Region,
}

impl GlobalLock {
    /// The lock in this memory; free, if the memory is new.
    ///
    /// # Errors
    /// When the memory cannot be mapped.
    pub(crate) fn new(memory: impl AsFd) -> Result<Self> {
        Ok(Self { region: Region::map(memory)? })
    }

    fn word(&self) -> &AtomicU32 {
        self.region.half_word(0)
    }

    /// Takes it, and gives it back on drop.
    ///
    /// # Errors
    /// When nobody gives it back for a long time.
    pub(crate) fn hold(&self) -> Result<Holding<'_>> {
        let word = self.word();
        for _ in 0..LOOKS {
            // Acquire: pairs with the Release of whoever had it before.
            if word.compare_exchange_weak(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Ok(Holding(word));
            }
            std::hint::spin_loop();
        }
        // Acquire: as above.
        while word.swap(WANTED, Ordering::Acquire) != FREE {
            let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
            match wait(word, Flags::empty(), WANTED, Some(&patience)) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => bail!("waiting for the global lock: {error}"),
            }
        }
        Ok(Holding(word))
    }
}

/// Somebody has the lock.
#[derive(Debug)]
pub(crate) struct Holding<'a>(&'a AtomicU32);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of whoever has it next.
        if self.0.swap(FREE, Ordering::Release) == WANTED {
            // It fails for no reason that the one who sleeps does not see by itself.
            let _ = wake(self.0, Flags::empty(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(crate::mem::REGION_BYTES as u64).unwrap();
        // Not a lock of each thread's own: they map the same file.
        let (inside, most) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let lock = GlobalLock::new(&file).unwrap();
                    for _ in 0..2000 {
                        let held = lock.hold().unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                        inside.fetch_sub(1, Ordering::Relaxed);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
}
