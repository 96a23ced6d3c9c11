//! Busy processes that compete with a case for its processors.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::peer::{Peer, Processors, this_program};

/// How long a busy process runs if nobody ends it.
const LIFE: Duration = Duration::from_secs(30);

/// What the scheduler gets to notice the new ones.
const SETTLE: Duration = Duration::from_millis(20);

/// One busy process on each allowed processor, until drop. Each also ends by itself, and with its parent.
#[derive(Debug)]
pub(crate) struct Load {
    _busy: Vec<Peer>,
}

impl Load {
    /// Starts them.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub(crate) fn start(processors: &Processors) -> Result<Self> {
        let start = |cpu: &usize| {
            let mut command = this_program(&Processors::only(*cpu), &["burn"])?;
            // Their output is a pipe, so that they are killed at once on drop and not waited for.
            Peer::spawn(command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()))
        };
        let busy: Vec<Peer> = processors.each().iter().map(start).collect::<Result<_>>()?;
        std::thread::sleep(SETTLE);
        Ok(Self { _busy: busy })
    }
}

/// The busy process.
pub(crate) fn burn() {
    let end = Instant::now() + LIFE;
    while Instant::now() < end {
        for _ in 0..1_000_000 {
            std::hint::black_box(0);
        }
    }
}
