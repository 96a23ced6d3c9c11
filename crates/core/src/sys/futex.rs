//! Sleeping on words, shared and private.
//!
//! Words in regions are shared futexes: never `FUTEX_PRIVATE` there, the two sides have different address spaces. A
//! sleeper on a shared word waits on a private word as well, or only for a moment: a peer with no more than a read-only
//! mapping can requeue the sleeper away (`FUTEX_CMP_REQUEUE`), after which no wake on the shared word reaches it.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;

use rustix::io::Errno;
use rustix::thread::ClockId;
use rustix::thread::futex::{self, Flags, Wait, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::Timespec;

/// How long one sleep lasts at most where the kernel cannot wait for two words at once (valgrind, kernels before 5.16, a
/// seccomp filter): the delay with which a death is seen there.
const STEP: Duration = Duration::from_millis(5);

/// Few words: filling what the kernel could take, 3 KiB for 128, shows where there are two.
pub const WORD_COUNT_MAX: usize = 16;

/// We sleep on at most this many words at once.
pub const MANY_WORD_COUNT_MAX: usize = 64;

static NO_WAITV: AtomicBool = AtomicBool::new(false);

/// One word to sleep on, and the value at which to sleep.
#[derive(Debug, Clone, Copy)]
pub struct Sleep<'a> {
    /// The word.
    pub word: &'a AtomicU32,
    /// Sleep only while the word has this value.
    pub value: u32,
    /// Whether another process may wake it.
    pub shared: bool,
}

/// Sleeps until a word has another value, somebody wakes one of them, `timeout` is over, or for no reason at all: the
/// caller looks again at what it waits for. `None` waits for ever. Returns the index of the word
/// by which it was woken, 0 if that is not known; `None` if it did not sleep, because a word had another value by then.
pub fn sleep(words: &[Sleep<'_>], timeout: Option<Duration>) -> Option<usize> {
    if !NO_WAITV.load(Ordering::Relaxed) && words.len() <= MANY_WORD_COUNT_MAX {
        let slept = if words.len() <= WORD_COUNT_MAX {
            sleep_any::<WORD_COUNT_MAX>(words, timeout)
        } else {
            sleep_any::<MANY_WORD_COUNT_MAX>(words, timeout)
        };
        match slept {
            Err(Errno::NOSYS | Errno::PERM) => NO_WAITV.store(true, Ordering::Relaxed),
            Err(Errno::AGAIN) => return None,
            Ok(word) => return Some(word),
            Err(Errno::INTR | Errno::TIMEDOUT) => return Some(0),
            // Anything else is no sleep, and must not become a busy loop: the way without it sleeps.
            Err(_) => {}
        }
    }
    let first = words.first()?;
    // Shared words are only ever loaded whole, by `shm`; the step below bounds what is missed of them here.
    if words.iter().skip(1).any(|other| !other.shared && other.word.load(Ordering::Relaxed) != other.value) {
        return None;
    }
    let step = if words.len() == 1 { timeout } else { Some(timeout.map_or(STEP, |t| t.min(STEP))) };
    let flags = if first.shared { Flags::empty() } else { Flags::PRIVATE };
    let timeout = step.and_then(|t| Timespec::try_from(t).ok());
    (futex::wait(first.word, flags, first.value, timeout.as_ref()) != Err(Errno::AGAIN)).then_some(0)
}

/// Sleeps on one word that two processes share, without a private word beside it: some 0.2 us less a round trip than
/// [`sleep`] with two. A peer can requeue such a sleeper away, so its sleep must be short.
pub fn sleep_shared(word: &AtomicU32, value: u32, timeout: Duration) -> bool {
    let timeout = Timespec::try_from(timeout).ok();
    futex::wait(word, Flags::empty(), value, timeout.as_ref()) != Err(Errno::AGAIN)
}

#[inline(never)]
fn sleep_any<const COUNT: usize>(words: &[Sleep<'_>], timeout: Option<Duration>) -> Result<usize, Errno> {
    let mut waits = [Wait::new(); COUNT];
    let mut count = 0;
    for (wait, sleep) in waits.iter_mut().zip(words) {
        wait.val = u64::from(sleep.value);
        wait.uaddr = WaitPtr::new(core::ptr::from_ref(sleep.word).cast_mut().cast());
        wait.flags = if sleep.shared { WaitFlags::SIZE_U32 } else { WaitFlags::SIZE_U32 | WaitFlags::PRIVATE };
        count += 1;
    }
    // futex_waitv takes an instant of the clock, not a duration.
    let until = timeout.and_then(|t| {
        let now = rustix::time::clock_gettime(ClockId::Monotonic);
        now.checked_add(Timespec::try_from(t).ok()?)
    });
    let waits = waits.get(..count).unwrap_or_default();
    futex::waitv(waits, WaitvFlags::empty(), until.as_ref(), ClockId::Monotonic)
}

/// Wakes one sleeper on a word that two processes share.
pub fn wake_shared(word: &AtomicU32) {
    // A wake cannot fail on a mapped word; were it to, the sleeper's own time-out steps end its sleep.
    let _ = futex::wake(word, Flags::empty(), 1);
}

/// Wakes all sleepers on a word that two processes share.
pub fn wake_all_shared(word: &AtomicU32) {
    let _ = futex::wake(word, Flags::empty(), i32::MAX.cast_unsigned());
}

/// Wakes all sleepers of this process on a private word.
pub fn wake_private(word: &AtomicU32) {
    let _ = futex::wake(word, Flags::PRIVATE, i32::MAX.cast_unsigned());
}
