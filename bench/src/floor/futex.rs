//! Ping-pong with sleeping: the floor of a small call when both sides give up the processor while they wait.
//!
//! A side that goes to sleep says so in a word beside the flag, and the other side makes the waking system call only
//! then. Both do one store and then one load of the other's word, so all four are SeqCst: with less, both could miss
//! each other, and the sleep would end with its time-out.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::io::Errno;
use rustix::thread::futex::{Flags, Timespec, wait, wake};

use super::{Floor, PATIENCE};
use crate::mem::Region;
use crate::peer::{Peer, Placement, Processors};

/// One direction: the flag, and whether the side that waits for it sleeps.
#[derive(Debug, Clone, Copy)]
struct Bell<'a> {
    flag: &'a AtomicU32,
    asleep: &'a AtomicU32,
}

impl<'a> Bell<'a> {
    fn new(region: &'a Region, at: usize) -> Self {
        Self { flag: region.half_word(at), asleep: region.half_word(at + 4) }
    }

    fn ring(&self, value: u32) -> Result<()> {
        self.flag.store(value, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) != 0 {
            wake(self.flag, Flags::empty(), 1).context("waking the other process")?;
        }
        Ok(())
    }

    fn wait(&self, expected: u32) -> Result<()> {
        let step = Timespec { tv_sec: 1, tv_nsec: 0 };
        let mut deadline = None;
        loop {
            let value = self.flag.load(Ordering::SeqCst);
            if value == expected {
                return Ok(());
            }
            if value != expected.wrapping_sub(1) {
                bail!("the flag is {value}, not {expected}");
            }
            self.asleep.store(1, Ordering::SeqCst);
            let slept = if self.flag.load(Ordering::SeqCst) == value {
                wait(self.flag, Flags::empty(), value, Some(&step))
            } else {
                Ok(())
            };
            // Relaxed: a stale 1 costs the other side one system call and is overwritten in the next turn.
            self.asleep.store(0, Ordering::Relaxed);
            match slept {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::TIMEDOUT) if *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) > Instant::now() => {
                }
                Err(error) => return Err(error).context("sleeping until the other process wakes us"),
            }
        }
    }
}

/// Answers turn after turn.
///
/// # Errors
/// When a flag is not the expected one, none comes for a long time, or the kernel refuses.
pub(crate) fn serve(region: &Region) -> Result<()> {
    let (request, reply) = (Bell::new(region, 0), Bell::new(region, super::APART));
    let mut turn = 0_u32;
    loop {
        turn = turn.wrapping_add(1);
        request.wait(turn)?;
        reply.ring(turn)?;
    }
}

/// A process that answers turns, and this side of it.
#[derive(Debug)]
pub(crate) struct Pair {
    region: Region,
    turns: u32,
    _peer: Peer,
}

impl Pair {
    /// Starts the process, on any of `processors`.
    ///
    /// # Errors
    /// When the process or the memory cannot be had.
    pub(crate) fn start(processors: &Processors) -> Result<Self> {
        let (region, memory) = super::region()?;
        let peer = Peer::start(processors, Placement::Free, &["peer", &Floor::Futex.name()?], memory.into())?;
        Ok(Self { region, turns: 0, _peer: peer })
    }

    /// One turn.
    ///
    /// # Errors
    /// When the other process does not answer.
    pub(crate) fn turn(&mut self) -> Result<()> {
        self.turns = self.turns.wrapping_add(1);
        turn(Bell::new(&self.region, 0), Bell::new(&self.region, super::APART), self.turns)
    }
}

fn turn(request: Bell<'_>, reply: Bell<'_>, number: u32) -> Result<()> {
    request.ring(number)?;
    reply.wait(number)
}

/// The caller's half: each call of the returned function is a turn.
pub(crate) fn client(region: &Region) -> impl FnMut() -> Result<()> {
    let (request, reply) = (Bell::new(region, 0), Bell::new(region, super::APART));
    let mut turns = 0_u32;
    move || {
        turns = turns.wrapping_add(1);
        turn(request, reply, turns)
    }
}
