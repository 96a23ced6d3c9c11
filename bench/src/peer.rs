//! Processes and processors: where both sides of a measurement run.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use rustix::thread::CpuSet;

/// The processors this program may use, as found at the start.
#[derive(Debug, Clone)]
pub(crate) struct Processors {
    allowed: CpuSet,
    first: usize,
    second: Option<usize>,
}

/// Where the two processes of a case run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Client on the first allowed processor, server on the second.
    Apart,
    /// Both on the first.
    Together,
    /// Nothing pinned, as the kernel likes; but still for cases that make no sense with one processor only.
    FreeOfTwo,
    /// Nothing pinned.
    Free,
}

/// Which side of a case a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Side {
    /// The one that calls.
    Client,
    /// The one that answers.
    Server,
}

impl Processors {
    /// Reads the affinity of this process, before anything was pinned.
    ///
    /// # Errors
    /// When the kernel does not tell, or tells none.
    pub(crate) fn find() -> Result<Self> {
        let allowed = rustix::thread::sched_getaffinity(None).context("asking for the allowed processors")?;
        let mut each = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        let first = each.next().context("no processor is allowed")?;
        Ok(Self { allowed, first, second: each.next() })
    }

    /// Why `placement` cannot be had here, if so.
    pub(crate) fn lacking(&self, placement: Placement) -> Option<&'static str> {
        let needs_two = matches!(placement, Placement::Apart | Placement::FreeOfTwo);
        (needs_two && self.second.is_none()).then_some("needs two processors, one is allowed")
    }

    /// `placement` as results name it: the client's processor, then the server's, or "none".
    pub(crate) fn describe(&self, placement: Placement) -> String {
        match placement {
            Placement::Apart => format!("{},{}", self.first, self.second.unwrap_or(self.first)),
            Placement::Together => self.first.to_string(),
            Placement::FreeOfTwo | Placement::Free => "none".to_owned(),
        }
    }

    /// Confines this thread, and all that it starts later, to its side's processor.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn confine(&self, placement: Placement, side: Side) -> Result<()> {
        let mut set = CpuSet::new();
        match (placement, side) {
            (Placement::FreeOfTwo | Placement::Free, _) => set = self.allowed,
            (Placement::Together, _) | (Placement::Apart, Side::Client) => set.set(self.first),
            (Placement::Apart, Side::Server) => set.set(self.second.context("one processor is allowed")?),
        }
        rustix::thread::sched_setaffinity(None, &set).context("pinning to a processor")
    }
}

/// The server's process; killed by its id on drop, if it does not end by itself.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
}

impl Peer {
    /// Starts this same program with `arguments`, on the server's processor, with `stdin` as its standard input: the
    /// shared memory or the socket of the case. Everything else the child needs are its arguments.
    ///
    /// # Errors
    /// When the program cannot be started or a processor is refused.
    pub(crate) fn start(
        processors: &Processors,
        placement: Placement,
        arguments: &[&str],
        stdin: Stdio,
    ) -> Result<Self> {
        // Children inherit the affinity of the thread that starts them.
        processors.confine(placement, Side::Server)?;
        let program = std::env::current_exe().context("finding this program")?;
        let child = Command::new(program).args(arguments).stdin(stdin).stdout(Stdio::piped()).spawn();
        processors.confine(placement, Side::Client)?;
        Ok(Self { child: child.context("starting the server process")? })
    }

    /// Waits for the line with which a server says that it is ready.
    ///
    /// # Errors
    /// When it ends or says something else.
    pub(crate) fn ready(&mut self) -> Result<()> {
        let output = self.child.stdout.take().context("the server was ready before")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("reading from the server")?;
        if line != READY {
            bail!("the server said {line:?} instead of being ready");
        }
        Ok(())
    }
}

/// What a server that needs time to set up prints.
pub(crate) const READY: &str = "ready\n";

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Servers that serve until their input ends get the time to do so; all others wait for calls and are killed.
        let deadline = Instant::now() + Duration::from_millis(if self.child.stdout.is_none() { 500 } else { 0 });
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // It fails only if the process has ended, which is what it is for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For the first line of a child: the kernel kills it when its parent dies.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn die_with_parent() -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).context("asking to die with the parent")
}
