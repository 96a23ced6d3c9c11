//! A server's process and a binding to it, and what is looked at around the calls that are made through it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nearcall::{Client, ClientCounts, Transfer};
use serde::{Deserialize, Serialize};

use super::calls::{self, Procedure};
use super::interface::{BenchClient, NAME, SERVER_COUNTS, Usage, mark};
use crate::client::Task;
use crate::measure::{Job, Plan, Watch};
use crate::outstanding;
use crate::peer::{Peer, Placement};
use crate::sample::{Sample, Way};

/// How calls are made.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct How {
    /// What is called.
    pub(crate) procedure: Procedure,
    /// How the caller waits.
    pub(crate) wait: Wait,
    /// Whether calls are made, before anything else, until the server polls for them.
    pub(crate) until_polled: bool,
}

/// [`Transfer`], as it travels to the client's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wait {
    /// Nothing is asked for.
    Auto,
    /// [`Transfer::Spin`].
    Spin,
    /// [`Transfer::Donate`].
    Donate,
    /// [`Transfer::Block`].
    Block,
    /// Nothing is asked for, and neither side yields.
    AutoUnyielding,
    /// [`Transfer::Donate`], and neither side yields.
    DonateUnyielding,
}

impl Wait {
    fn yields(self) -> bool {
        !matches!(self, Self::AutoUnyielding | Self::DonateUnyielding)
    }
}

impl From<Wait> for Transfer {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Auto | Wait::AutoUnyielding => Self::Auto,
            Wait::Spin => Self::Spin,
            Wait::Donate | Wait::DonateUnyielding => Self::Donate,
            Wait::Block => Self::Block,
        }
    }
}

/// How long the server may take to be found.
pub(crate) const WAIT: Duration = Duration::from_secs(5);

/// How long calls are made until the server polls.
pub(crate) const POLLED_WITHIN: Duration = Duration::from_secs(2);

/// Measures calls once, against a server of its own unless the task names one.
///
/// # Errors
/// When the server or the binding cannot be had, and for the first call that fails or returns something else.
pub(crate) fn measure(how: How, task: &Task) -> Result<Vec<Way>> {
    Ok(Session::start(task, how.wait)?.measure(how, task)?.alone())
}

/// A server of the task's own, with its name in a directory of its own. On drop the server goes first.
#[derive(Debug)]
pub(crate) struct Server {
    peer: Peer,
    names: tempfile::TempDir,
}

impl Server {
    /// Starts it and waits until it can be bound to. Without yields, if `wait` has none.
    ///
    /// # Errors
    /// When the process or the directory cannot be had.
    pub(crate) fn start(task: &Task, wait: Wait) -> Result<Self> {
        let names = tempfile::tempdir().context("making a directory for the name")?;
        let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
        let how: &[&str] = if wait.yields() { &[] } else { &["--no-yields"] };
        let mut peer = task.start_server(&[&["serve", path], how].concat(), Stdio::piped())?;
        peer.ready()?;
        Ok(Self { peer, names })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.peer.pid()
    }

    /// The directory with its name.
    pub(crate) fn names(&self) -> &Path {
        self.names.path()
    }
}

/// A server and a binding to it. On drop the binding goes first, then the server.
#[derive(Debug)]
pub(crate) struct Session {
    /// The binding.
    pub(crate) client: BenchClient,
    /// None if the task names a server that runs already.
    _server: Option<Server>,
    names: PathBuf,
}

impl Session {
    /// Starts a server, with the names in a directory of its own, and binds; or binds to the one that the task names.
    ///
    /// # Errors
    /// When the process, the directory or the binding cannot be had.
    pub(crate) fn start(task: &Task, wait: Wait) -> Result<Self> {
        if !wait.yields() {
            nearcall::testing::forbid_yields();
        }
        if let Some(names) = &task.server {
            return Ok(Self { client: bind(names, wait)?, _server: None, names: names.clone() });
        }
        let server = Server::start(task, wait)?;
        let names = server.names().to_owned();
        Ok(Self { client: bind(&names, wait)?, _server: Some(server), names })
    }

    /// The directory with the server's name.
    pub(crate) fn names(&self) -> &Path {
        &self.names
    }

    /// Measures calls over the binding.
    ///
    /// # Errors
    /// The first call that fails or returns something else.
    pub(crate) fn measure(&self, how: How, task: &Task) -> Result<Sample> {
        self.measure_by(how.until_polled, task, |gauge| calls::run(&self.client, how.procedure, &task.job, gauge))
    }

    /// Measures null calls that one kernel thread starts, `depth` at a time.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub(crate) fn measure_pipeline(&self, plan: &Plan, task: &Task, depth: u32) -> Result<Sample> {
        self.measure_by(true, task, |gauge| {
            outstanding::pipeline::pipeline(plan, gauge, |_| Ok(self.client.start_null32()?), depth)
        })
    }

    /// Measures null calls of many kernel threads at once.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub(crate) fn measure_outstanding(&self, plan: &Plan, task: &Task) -> Result<Sample> {
        self.measure_by(true, task, |gauge| outstanding::threads(plan, gauge, || || Ok(self.client.null32()?)))
    }

    fn measure_by(
        &self,
        until_polled: bool,
        task: &Task,
        run: impl FnOnce(&mut Gauge<'_>) -> Result<Sample>,
    ) -> Result<Sample> {
        let is_polled = !until_polled || self.call_until_polled()?;
        let mut gauge = Gauge { session: self, marked: task.server.is_some(), begun: None, ended: None };
        let mut sample = run(&mut gauge)?;
        gauge.tell(&task.job, &mut sample);
        if !is_polled {
            sample.notes.push(format!("the server did not poll within {POLLED_WITHIN:?} of calls back to back"));
        }
        if task.spec.placement == Placement::Sessions && !self.is_in_another_group() {
            sample.notes.push("both processes are in one scheduler group: autogroup is off".to_owned());
        }
        Ok(sample)
    }

    /// Makes null calls until nearly all are answered while the caller looks. Whether it came to that.
    fn call_until_polled(&self) -> Result<bool> {
        const TURN: u64 = 1000;
        let deadline = Instant::now() + POLLED_WITHIN;
        while Instant::now() < deadline {
            let before = self.counts();
            for _ in 0..TURN {
                self.client.null()?;
            }
            if self.counts().spun - before.spun >= TURN - TURN / 100 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn counts(&self) -> ClientCounts {
        self.client.binding().counts()
    }

    /// Process id of the server.
    ///
    /// # Errors
    /// When it is not visible from here.
    pub(crate) fn server_pid(&self) -> Result<i32> {
        self.client.binding().server_pid().context("the server's process id is not visible")
    }

    fn is_in_another_group(&self) -> bool {
        let group = |process: &str| fs::read_to_string(format!("/proc/{process}/autogroup")).ok();
        let is_on = fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").is_ok_and(|on| on.trim() == "1");
        let theirs = self.server_pid().ok().and_then(|pid| group(&pid.to_string()));
        is_on && theirs.is_some() && theirs != group("self")
    }
}

/// Binds to the server whose name is in `names`.
///
/// # Errors
/// When it cannot be had.
pub(crate) fn bind(names: &Path, wait: Wait) -> Result<BenchClient> {
    let binder = nearcall::Binder::new(NAME).dir(names).wait(WAIT).transfer(wait.into());
    binder.bind().context("binding to the server")
}

/// What both sides have used, at one moment.
#[derive(Debug, Clone, Copy)]
struct Reading {
    own: Usage,
    client: ClientCounts,
    server: [u64; 11],
}

/// Takes readings around the calls that count.
struct Gauge<'a> {
    session: &'a Session,
    /// Whether the places are marked in traces of both processes.
    marked: bool,
    begun: Option<Reading>,
    ended: Option<Reading>,
}

impl Watch for Gauge<'_> {
    fn begin(&mut self) -> Result<()> {
        let server = self.session.client.usage()?;
        if self.marked {
            self.session.client.mark()?;
        }
        self.begun = Some(Reading { server, own: Usage::own(), client: self.session.counts() });
        if self.marked {
            mark();
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.marked {
            mark();
        }
        let (own, client) = (Usage::own(), self.session.counts());
        if self.marked {
            self.session.client.mark()?;
        }
        self.ended = Some(Reading { own, client, server: self.session.client.usage()? });
        Ok(())
    }
}

impl Gauge<'_> {
    /// Adds what the readings say of the calls of `sample`.
    fn tell(&self, job: &Job, sample: &mut Sample) {
        let (Some(begun), Some(ended)) = (&self.begun, &self.ended) else { return };
        let theirs = |index: usize| ended.server[index].saturating_sub(begun.server[index]) as f64;
        let counted = client_words(&ended.client).into_iter().zip(client_words(&begun.client));
        let counted = counted.map(|((name, after), (_, before))| (name, after.saturating_sub(before) as f64));
        match job {
            Job::Plan(_) => {
                let per_call = |value: f64| value / sample.calls.max(1) as f64;
                sample.facts.insert("server_cpu_ns".to_owned(), per_call(theirs(1)));
                let own = ended.own.cpu.saturating_sub(begun.own.cpu) as f64;
                sample.facts.insert("client_cpu_ns".to_owned(), per_call(own));
                // With a filled gap there are more calls than are timed.
                let counted: Vec<(&str, f64)> = counted.collect();
                let all = counted.iter().find(|(name, _)| *name == "calls").map_or(1.0, |(_, calls)| calls.max(1.0));
                for (name, count) in counted.iter().filter(|(name, _)| SHARES.contains(name)) {
                    sample.fact(*name, count / all);
                }
            }
            Job::Exactly { .. } => {
                let own = ended.own.allocations.saturating_sub(begun.own.allocations);
                sample.fact("client_allocations", own as f64);
                sample.fact("server_allocations", theirs(0));
                counted.for_each(|(name, count)| sample.fact(format!("client_{name}"), count));
                for (index, name) in SERVER_COUNTS.iter().enumerate() {
                    sample.fact(format!("server_{name}"), theirs(2 + index));
                }
            }
        }
    }
}

/// Those of the client's counts that sum up to all calls.
const SHARES: [&str; 3] = ["spun", "donated", "slept"];

fn client_words(counts: &ClientCounts) -> [(&'static str, u64); 9] {
    [
        ("calls", counts.calls),
        ("spun", counts.spun),
        ("donated", counts.donated),
        ("slept", counts.slept),
        ("sleeps", counts.sleeps),
        ("yields_paid", counts.yields_paid),
        ("yields_wasted", counts.yields_wasted),
        ("bells", counts.bells),
        ("messages", counts.messages),
    ]
}
