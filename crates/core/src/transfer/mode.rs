//! What a caller may ask for instead of the default policy.

use core::sync::atomic::{AtomicU8, Ordering};

/// How a caller waits. The default needs no tuning; the others are for callers who know better (URPC, section 3.2:
/// single-threaded applications, real time, high-latency input and output, priority).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transfer {
    /// Spin if a processor of the server polls on another CPU, and while that pays; else give this CPU to the server;
    /// else sleep.
    #[default]
    Auto,
    /// Spin until the reply or the time-out. For the lowest latency where a CPU can be spared; a CPU is used up even if
    /// the procedure takes long.
    Spin,
    /// Give this CPU to the server at once, whether or not a processor of it polls elsewhere.
    Donate,
    /// Never spin and never yield: wake the server and sleep. For callers whose CPU others need more.
    Block,
}

/// A [`Transfer`] that may be changed while calls are made.
#[derive(Debug, Default)]
pub struct Mode(AtomicU8);

impl Mode {
    /// Begins with `transfer`.
    #[must_use]
    pub const fn new(transfer: Transfer) -> Self {
        Self(AtomicU8::new(number(transfer)))
    }

    /// Later calls wait like this.
    pub fn set(&self, transfer: Transfer) {
        self.0.store(number(transfer), Ordering::Relaxed);
    }

    /// How a call that begins now waits.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> Transfer {
        match self.0.load(Ordering::Relaxed) {
            1 => Transfer::Spin,
            2 => Transfer::Donate,
            3 => Transfer::Block,
            _ => Transfer::Auto,
        }
    }
}

const fn number(transfer: Transfer) -> u8 {
    match transfer {
        Transfer::Auto => 0,
        Transfer::Spin => 1,
        Transfer::Donate => 2,
        Transfer::Block => 3,
    }
}
