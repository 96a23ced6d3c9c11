//! What a caller may ask for instead of the default policy.

use core::sync::atomic::{AtomicU32, Ordering};

use nearcall_layout::pair::request;

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
pub struct Mode(AtomicU32);

impl Mode {
    /// Begins with `transfer`.
    #[must_use]
    pub const fn new(transfer: Transfer) -> Self {
        Self(AtomicU32::new(Choice::new(transfer).0))
    }

    /// Later calls wait like this.
    pub fn set(&self, transfer: Transfer) {
        self.0.store(Choice::new(transfer).0, Ordering::Relaxed);
    }

    /// How a call that begins now waits.
    #[must_use]
    pub fn get(&self) -> Transfer {
        self.choice().transfer()
    }

    /// The same, as calls carry it.
    #[inline(always)]
    #[must_use]
    pub fn choice(&self) -> Choice {
        Choice(self.0.load(Ordering::Relaxed))
    }
}

/// A [`Transfer`] with the flags that its requests have, in one word: a call that is answered at once needs the flags
/// only, and needs them before anything else.
#[derive(Debug, Clone, Copy)]
pub struct Choice(u32);

impl Choice {
    const fn new(transfer: Transfer) -> Self {
        let (number, flags) = match transfer {
            Transfer::Auto => (0, 0),
            Transfer::Spin => (1, request::SPINS),
            Transfer::Donate => (2, request::DONATES),
            Transfer::Block => (3, 0),
        };
        Self(number | (flags as u32) << 16)
    }

    /// What was chosen.
    #[inline]
    #[must_use]
    pub const fn transfer(self) -> Transfer {
        match self.0 & 0xff {
            1 => Transfer::Spin,
            2 => Transfer::Donate,
            3 => Transfer::Block,
            _ => Transfer::Auto,
        }
    }

    /// What its requests say.
    #[inline(always)]
    #[must_use]
    pub const fn flags(self) -> u16 {
        (self.0 >> 16) as u16
    }
}
