//! Processes and processors: where the sides of a measurement run, and how they are started and ended.
//!
//! Every process of a measurement is this same program, and confines itself to its processors before it does anything
//! else, because what it was told (`--cpus`) holds then under whatever program it is run, too.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use rustix::thread::CpuSet;
use serde::{Deserialize, Serialize};

/// The processors this program may use, as found at the start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Processors {
    allowed: Vec<usize>,
}

/// Where the two processes of a case run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Placement {
    /// Client on the first allowed processor, server on the second.
    Apart,
    /// Both on the first.
    Together,
    /// Nothing pinned, as the kernel likes; but still for cases that make no sense with one processor only.
    FreeOfTwo,
    /// Two of them for each process, which pins its own threads.
    TwoEach,
    /// Nothing pinned.
    Free,
    /// Nothing pinned, and the server in a session of its own, so that the kernel's autogroup schedules the two as
    /// groups.
    Sessions,
}

/// Which side of a case a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The one that calls.
    Client,
    /// The one that answers.
    Server,
}

/// What a process does with itself before anything else.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Start {
    /// Processors to be confined to; none for no confinement.
    #[arg(long, global = true, hide = true, value_delimiter = ',')]
    cpus: Vec<usize>,
    /// Makes a session of its own.
    #[arg(long, global = true, hide = true)]
    own_session: bool,
}

impl Start {
    /// Does it. Called before there is a second kernel thread, which would not be confined with this one.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn perform(&self) -> Result<()> {
        if self.own_session {
            rustix::process::setsid().context("making a session")?;
        }
        if !self.cpus.is_empty() {
            let mut set = CpuSet::new();
            self.cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
            rustix::thread::sched_setaffinity(None, &set).context("pinning to a processor")?;
        }
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if !self.cpus.is_empty() {
            arguments.push(format!("--cpus={}", join(&self.cpus)));
        }
        if self.own_session {
            arguments.push("--own-session".to_owned());
        }
        arguments
    }
}

impl Processors {
    /// Reads the affinity of this process.
    ///
    /// # Errors
    /// When the kernel does not tell, or tells none.
    pub(crate) fn find() -> Result<Self> {
        let set = rustix::thread::sched_getaffinity(None).context("asking for the allowed processors")?;
        let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect();
        if allowed.is_empty() {
            bail!("no processor is allowed");
        }
        Ok(Self { allowed })
    }

    /// These.
    pub(crate) fn of(allowed: Vec<usize>) -> Self {
        Self { allowed }
    }

    /// All of them.
    pub(crate) fn each(&self) -> &[usize] {
        &self.allowed
    }

    /// Why `placement` cannot be had here, if so.
    pub(crate) fn lacking(&self, placement: Placement) -> Option<&'static str> {
        match (placement, self.allowed.len()) {
            (Placement::Apart | Placement::FreeOfTwo | Placement::TwoEach, 0..2) => {
                Some("needs two processors, one is allowed")
            }
            (Placement::TwoEach, 2..4) => {
                Some("needs two processors for each side, of which fewer than four are allowed")
            }
            _ => None,
        }
    }

    /// `placement` as results name it: the client's processor, then the server's, or "none".
    pub(crate) fn describe(&self, placement: Placement) -> String {
        let [client, server] = [Side::Client, Side::Server].map(|side| join(&self.start(placement, side).cpus));
        match placement {
            Placement::Apart => format!("{client},{server}"),
            Placement::Together => client,
            Placement::FreeOfTwo | Placement::TwoEach | Placement::Free | Placement::Sessions => "none".to_owned(),
        }
    }

    /// What a process on `side` does first.
    pub(crate) fn start(&self, placement: Placement, side: Side) -> Start {
        let at = |index: usize| self.allowed.get(index).copied().into_iter().collect();
        let cpus = match (placement, side) {
            (Placement::FreeOfTwo | Placement::TwoEach | Placement::Free | Placement::Sessions, _) => Vec::new(),
            (Placement::Together, _) | (Placement::Apart, Side::Client) => at(0),
            (Placement::Apart, Side::Server) => at(1),
        };
        Start { cpus, own_session: placement == Placement::Sessions && side == Side::Server }
    }

    /// What a process does first that may run anywhere, whatever the one that starts it is confined to.
    pub(crate) fn anywhere(&self) -> Start {
        Start { cpus: self.allowed.clone(), own_session: false }
    }

    /// What a process on one processor does first.
    pub(crate) fn only(cpu: usize) -> Start {
        Self::these(vec![cpu])
    }

    /// What a process on some processors does first.
    pub(crate) fn these(cpus: Vec<usize>) -> Start {
        Start { cpus, own_session: false }
    }
}

fn join(cpus: &[usize]) -> String {
    let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
    cpus.join(",")
}

/// This same program, to be started with `start` and `arguments`.
///
/// # Errors
/// When it cannot be found.
pub(crate) fn this_program(start: &Start, arguments: &[&str]) -> Result<Command> {
    under(&[], start, arguments)
}

/// This same program under `tool`: another program that runs what follows its own arguments.
///
/// # Errors
/// As [`this_program`].
pub(crate) fn under(tool: &[&str], start: &Start, arguments: &[&str]) -> Result<Command> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut command = match tool.split_first() {
        Some((tool, own)) => {
            let mut command = Command::new(tool);
            command.args(own).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(start.arguments()).args(arguments);
    Ok(command)
}

/// Whether a tool can be started at all.
pub(crate) fn has(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| Path::new(&directory).join(tool).is_file())
}

/// A process of this program; killed by its id on drop, if it does not end by itself.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
}

impl Peer {
    /// Starts the server of a case with `arguments`, on its processor, with `stdin` as its standard input: the shared
    /// memory or the socket of the case, or a pipe whose end tells it to end.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub(crate) fn start(
        processors: &Processors,
        placement: Placement,
        arguments: &[&str],
        stdin: Stdio,
    ) -> Result<Self> {
        let start = processors.start(placement, Side::Server);
        Self::spawn(this_program(&start, arguments)?.stdin(stdin).stdout(Stdio::piped()))
    }

    /// Starts `command`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        Ok(Self { child: command.spawn().context("starting a process")? })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it without giving it time to end; drop waits.
    pub(crate) fn kill(&mut self) {
        // It fails only if the process has ended, which is what it is for.
        let _ = self.child.kill();
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
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

/// Prints it.
///
/// # Errors
/// When nobody reads it.
pub(crate) fn say_ready() -> Result<()> {
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("saying that it is ready")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placements() {
        let two = Processors { allowed: vec![2, 5] };
        assert_eq!(two.describe(Placement::Apart), "2,5");
        assert_eq!(two.describe(Placement::Together), "2");
        assert_eq!(two.describe(Placement::Free), "none");
        assert_eq!(two.lacking(Placement::Apart), None);
        assert_eq!(two.start(Placement::Apart, Side::Server).arguments(), ["--cpus=5"]);
        assert_eq!(two.start(Placement::Sessions, Side::Server).arguments(), ["--own-session"]);
        assert!(two.start(Placement::Sessions, Side::Client).arguments().is_empty());
        let one = Processors { allowed: vec![7] };
        assert!(one.lacking(Placement::FreeOfTwo).is_some());
        assert_eq!(one.lacking(Placement::Sessions), None);
    }
}
