//! What a caller may ask for instead of the default policy.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use nearcall_layout::pair::request;

use crate::channel::client::{Hints, Target};

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

/// A [`Transfer`] that may be changed while calls are made, and the flags that its requests have: a call that is answered
/// at once needs nothing else of it. For a call in between, the two may be of different choices; both are hints.
#[derive(Debug, Default)]
pub struct Mode {
    number: AtomicU8,
    /// As they lie in the first word of a request.
    flags: AtomicU64,
}

impl Mode {
    /// Begins with `transfer`.
    #[must_use]
    pub const fn new(transfer: Transfer) -> Self {
        let (number, flags) = parts(transfer);
        Self { number: AtomicU8::new(number), flags: AtomicU64::new(Hints::new(flags, 0).bits()) }
    }

    /// Later calls wait like this.
    pub fn set(&self, transfer: Transfer) {
        let (number, flags) = parts(transfer);
        self.number.store(number, Ordering::Relaxed);
        self.flags.store(Hints::new(flags, 0).bits(), Ordering::Relaxed);
    }

    /// How a call waits now.
    #[must_use]
    pub fn get(&self) -> Transfer {
        match self.number.load(Ordering::Relaxed) {
            1 => Transfer::Spin,
            2 => Transfer::Donate,
            3 => Transfer::Block,
            _ => Transfer::Auto,
        }
    }

    /// What its requests say.
    #[inline(always)]
    pub(crate) fn hints(&self) -> u64 {
        self.flags.load(Ordering::Relaxed)
    }
}

/// A binding, as calls over it need it. By reference everywhere.
#[derive(Debug)]
pub struct Granted {
    /// The binding and the right to it, with procedure 0.
    pub target: Target,
    /// How calls wait.
    pub mode: Mode,
}

const fn parts(transfer: Transfer) -> (u8, u16) {
    match transfer {
        Transfer::Auto => (0, 0),
        Transfer::Spin => (1, request::SPINS),
        Transfer::Donate => (2, request::DONATES),
        Transfer::Block => (3, 0),
    }
}
