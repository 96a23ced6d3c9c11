//! A cheap clock for hints, and what is measured with it once at start.
//!
//! Decisions that only cost or save time use ticks (10 ns a reading instead of 30). Deadlines use the system's clock: ticks of
//! different CPUs may disagree on some machines. What a wait took before it slept, yields and turns of others, is measured in
//! ticks and taken off its time once.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crate::sys::futex::{self, Sleep};
use crate::sys::process;

/// The processor's counter.
#[inline(always)]
#[must_use]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction, and Linux allows it unless a process forbids it to itself.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let count: u64;
        // SAFETY: Linux lets every process read the virtual counter; nothing else is touched.
        unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack)) };
        count
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        monotonic_ns()
    }
}

/// What waiting is worth on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Ticks of a microsecond, at least 1.
    pub ticks_per_us: u64,
    /// Ticks from waking a thread that sleeps until it runs: on another CPU, if there is one.
    pub wake: u64,
    /// Turns of a caller's spin that take as long as a wake-up.
    pub wake_turns: u32,
    /// CPUs that the machine can have.
    pub cpus: usize,
}

impl Calibration {
    /// What is assumed until it is measured: 50 us on a machine of 2 GHz.
    const GUESS: Self = Self { ticks_per_us: 2000, wake: 100_000, wake_turns: 1000, cpus: 64 };

    /// `us` microseconds, in ticks.
    #[must_use]
    pub const fn us(&self, us: u64) -> u64 {
        self.ticks_per_us.saturating_mul(us)
    }
}

static TICKS_PER_US: AtomicU64 = AtomicU64::new(Calibration::GUESS.ticks_per_us);
static WAKE: AtomicU64 = AtomicU64::new(Calibration::GUESS.wake);
static WAKE_TURNS: AtomicU32 = AtomicU32::new(Calibration::GUESS.wake_turns);
static CPUS: AtomicU32 = AtomicU32::new(64);
static ONCE: Once = Once::new();

/// What was measured, or assumed.
#[inline]
#[must_use]
pub fn calibration() -> Calibration {
    Calibration {
        ticks_per_us: TICKS_PER_US.load(Ordering::Relaxed),
        wake: WAKE.load(Ordering::Relaxed),
        wake_turns: WAKE_TURNS.load(Ordering::Relaxed),
        cpus: usize::try_from(CPUS.load(Ordering::Relaxed)).unwrap_or(64),
    }
}

/// Turns of a caller's spin that take as long as a wake-up.
#[inline(always)]
#[must_use]
pub fn wake_turns() -> u32 {
    WAKE_TURNS.load(Ordering::Relaxed)
}

/// Rounds of the measurement; the median counts, so that one preemption does not.
const ROUNDS: usize = 7;
/// How long the sleeper sleeps before each round: long enough for its CPU to become idle.
const REST: Duration = Duration::from_micros(100);
/// For one round: on a CPU that a process in real time has taken it never comes.
const PATIENCE: Duration = Duration::from_millis(5);
/// Turns of the spin that are timed.
const TURNS: u32 = 100;
/// Bounds of what a wake-up is taken to cost, whatever a loaded machine says at start.
const WAKE_US: (u64, u64) = (5, 500);

/// Before the measurement: until the export or bind with which the domain begins is over, which it would delay, and which
/// would disturb it.
const LATER: Duration = Duration::from_millis(3);

/// Has a kernel thread measure in a moment; until then, and where none can be had, what is assumed counts. (Measured on the
/// spot, it was four fifths of the time of a process's first bind.)
pub fn calibrate_soon() {
    let later = || {
        process::block_all_signals();
        #[expect(clippy::disallowed_methods, reason = "nobody waits for it")]
        std::thread::sleep(LATER);
        calibrate();
    };
    let _ = std::thread::Builder::new().name("nearcall-cal".into()).spawn(later);
}

/// Measures, once a process, for about 2 ms.
pub fn calibrate() {
    ONCE.call_once(|| {
        CPUS.store(process::cpu_count(), Ordering::Relaxed);
        let (start, begin) = (now(), ticks());
        let wake = median_wake();
        let word = AtomicU64::new(0);
        // The least of several: one that is interrupted looks as if spinning took for ever.
        let turns = (0..4).map(|_| turns(&word)).min().unwrap_or(0) / u64::from(TURNS);
        let us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let per_us = (ticks().wrapping_sub(begin) / us).max(1);
        // Without a second thread, what was assumed, in this machine's ticks.
        let wake = wake.unwrap_or(50 * per_us).clamp(WAKE_US.0 * per_us, WAKE_US.1 * per_us);
        TICKS_PER_US.store(per_us, Ordering::Relaxed);
        WAKE.store(wake, Ordering::Relaxed);
        WAKE_TURNS.store(u32::try_from(wake / turns.max(1)).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
    });
}

/// What [`TURNS`] turns of the spin take: two words are looked at in each.
fn turns(word: &AtomicU64) -> u64 {
    let begin = ticks();
    for _ in 0..TURNS {
        core::hint::black_box(word.load(Ordering::Relaxed));
        core::hint::black_box(word.load(Ordering::Relaxed));
        core::hint::spin_loop();
    }
    ticks().wrapping_sub(begin)
}

#[expect(clippy::disallowed_methods, reason = "calibration is what relates ticks to the clock")]
fn now() -> Instant {
    Instant::now()
}

/// What the two sides of the measurement share. The sleeper may outlive it, where somebody else has its CPU.
#[derive(Debug, Default)]
struct Bench {
    bell: AtomicU32,
    answer: AtomicU64,
}

impl Bench {
    fn sleeper(&self, there: usize) {
        process::block_all_signals();
        let _ = process::confine(there);
        for round in 0..ROUNDS {
            let round = u32::try_from(round).unwrap_or(0);
            while self.bell.load(Ordering::Acquire) == round {
                futex::sleep(&[Sleep { word: &self.bell, value: round, shared: false }], None);
            }
            self.answer.store(ticks(), Ordering::Release);
        }
    }

    /// One wake-up, in ticks; `None` if it did not come in time.
    fn round(&self) -> Option<u64> {
        #[expect(clippy::disallowed_methods, reason = "the sleeper's CPU has to become idle")]
        std::thread::sleep(REST);
        self.answer.store(0, Ordering::Relaxed);
        let (begin, start) = (ticks(), now());
        self.bell.fetch_add(1, Ordering::Release);
        futex::wake_private(&self.bell);
        let mut turns = 0_u32;
        loop {
            let woken = self.answer.load(Ordering::Acquire);
            if woken != 0 {
                return Some(woken.wrapping_sub(begin));
            }
            turns += 1;
            if turns.is_multiple_of(256) {
                if start.elapsed() > PATIENCE {
                    return None;
                }
                // Should the two share a CPU after all, the sleeper needs it; elsewhere yielding changes nothing.
                std::thread::yield_now();
            }
            core::hint::spin_loop();
        }
    }
}

/// From a futex wake to the first instruction of the woken thread, on another CPU; `None` where there is none to measure
/// with: what is asked for is what a peer elsewhere takes.
fn median_wake() -> Option<u64> {
    let here = usize::from(process::cpu()) % 64;
    // Else a busy machine may wake it here, which takes a tenth of the time and says nothing about an idle CPU.
    let others = process::allowed_cpus() & !(1 << here);
    let there = usize::try_from(others.trailing_zeros()).ok().filter(|&there| there < 64)?;
    let bench = Arc::new(Bench::default());
    let sleepers = Arc::clone(&bench);
    std::thread::Builder::new().name("nearcall-cal".into()).spawn(move || sleepers.sleeper(there)).ok()?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let apart = there != usize::from(process::cpu()) % 64;
        let Some(time) = bench.round() else { break };
        if apart {
            times.push(time);
        }
    }
    // One that was given up on, or is late, finds that all rounds are over.
    bench.bell.store(u32::MAX, Ordering::Release);
    futex::wake_private(&bench.bell);
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_plausible() {
        calibrate();
        let found = calibration();
        assert!((1..20_000).contains(&found.ticks_per_us), "{found:?}");
        assert!((found.us(WAKE_US.0)..=found.us(WAKE_US.1)).contains(&found.wake), "{found:?}");
        assert!(found.wake_turns > 0 && found.cpus > 0, "{found:?}");
    }

    #[test]
    fn ticks_go_forward() {
        let before = ticks();
        assert!(ticks() >= before);
    }
}
