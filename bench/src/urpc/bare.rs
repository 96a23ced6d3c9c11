//! What a call between processes is made of at least, one piece at a time: a procedure call, an empty system call.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::measure::Plan;
use crate::sample::Sample;

/// Pieces of one measured turn: enough that the reading of the clock weighs nothing.
const PIECES: u32 = 64;

/// A piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Bare {
    /// A call of a procedure that is not inlined.
    Procedure,
    /// An entry to the kernel and the way back: asking for the parent's process id.
    SystemCall,
    /// A null call to this process itself, both halves of which one kernel thread runs: nobody waits.
    #[cfg(feature = "instructions")]
    OwnServer,
}

#[inline(never)]
fn procedure(turn: u32) -> u32 {
    std::hint::black_box(turn)
}

/// Measures a piece.
///
/// # Errors
/// When a process cannot call itself.
pub(crate) fn measure(bare: Bare, plan: &Plan) -> Result<Sample> {
    match bare {
        Bare::Procedure => plan.measure(PIECES, || {
            for turn in 0..PIECES {
                std::hint::black_box(procedure(turn));
            }
            Ok(())
        }),
        Bare::SystemCall => plan.measure(PIECES, || {
            for _ in 0..PIECES {
                std::hint::black_box(rustix::process::getppid());
            }
            Ok(())
        }),
        #[cfg(feature = "instructions")]
        Bare::OwnServer => crate::count::instructions::time(plan),
    }
}
