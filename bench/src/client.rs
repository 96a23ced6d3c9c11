//! The client's process of a measurement, and how it is told what to do.
//!
//! Each measurement has a client of its own: what a case taught the runtime (that yields do not pay here, say, or how
//! often to poll) must not be there when the next one begins.

use std::io::Read;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::case::{Spec, Work};
use crate::far;
use crate::files;
use crate::floor;
use crate::ipp;
use crate::mach3;
use crate::many;
use crate::measure::{Job, Plan};
use crate::near;
use crate::near::session::{Session, Wait};
use crate::peer::{Peer, Processors, Side, this_program};
use crate::sample::Way;
use crate::threads;
use crate::urpc;

/// One measurement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    /// What is called, and from where.
    pub(crate) spec: Spec,
    /// How often, and what is looked at.
    pub(crate) job: Job,
    /// Where processes can run.
    pub(crate) processors: Processors,
    /// The directory with the name of a server of nearcall that runs already; if none, one is started.
    pub(crate) server: Option<PathBuf>,
}

impl Task {
    /// Has a process of its own do it.
    ///
    /// # Errors
    /// When the process cannot be started or fails; it has said why on its standard error.
    pub(crate) fn run(&self) -> Result<Vec<Way>> {
        let start = self.processors.start(self.spec.placement, Side::Client);
        let task = serde_json::to_string(self)?;
        let mut child = this_program(&start, &["client", &task])?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the client's process")?;
        let mut output = String::new();
        let read = child.stdout.take().map(|mut from| from.read_to_string(&mut output));
        let status = child.wait().context("waiting for the client's process")?;
        if !status.success() {
            bail!("the client's process ended with {status}");
        }
        read.context("the client has no output")?.context("reading from the client")?;
        serde_json::from_str(&output).context("reading the client's result")
    }

    /// Does it, here.
    ///
    /// # Errors
    /// The first error of a call or of the set-up.
    pub(crate) fn perform(&self) -> Result<Vec<Way>> {
        match self.spec.work {
            Work::Floor(floor) => floor::measure(floor, self.plan()?, self),
            Work::Near(how) => near::session::measure(how, self),
            Work::Outstanding => {
                let session = Session::start(self, Wait::Auto)?;
                Ok(session.measure_outstanding(self.plan()?, self)?.alone())
            }
            Work::Pipeline(depth) => {
                let session = Session::start(self, Wait::Auto)?;
                Ok(session.measure_pipeline(self.plan()?, self, depth)?.alone())
            }
            Work::Offsets => near::offsets::measure(self.plan()?, self),
            Work::Blocking => Ok(near::blocking::measure(self.plan()?, self)?.alone()),
            Work::Conventional(procedure) => Ok(urpc::conventional::measure(procedure, self)?.alone()),
            Work::Receiver(what) => Ok(urpc::receiver::measure(what, self)?.alone()),
            Work::Bare(bare) => Ok(urpc::bare::measure(bare, self.plan()?)?.alone()),
            Work::Pipelining(what) => Ok(urpc::pipelining::measure(what, self.plan()?, self)?.alone()),
            Work::Idle => near::idle::measure(self),
            Work::Many(many, size) => Ok(many::measure(many, size, self.plan()?, self)?.alone()),
            Work::Threads(what) => Ok(threads::measure(what, self)?.alone()),
            Work::Slope(line, by) => Ok(mach3::measure(line, by, self.plan()?, self)?.alone()),
            Work::Copies { size, is_ours } => Ok(mach3::copy(size, is_ours, self.plan()?)?.alone()),
            Work::Files(what) => Ok(files::measure(what, self.plan()?, self)?.alone()),
            Work::Memory(size) => Ok(many::memory::measure(size, self)?.alone()),
            Work::Ipp(what) => Ok(ipp::measure(what, self.plan()?, self)?.alone()),
            Work::Far(far) => Ok(far::measure(far, self.plan()?, self)?.alone()),
            #[cfg(feature = "peers")]
            Work::Peer(peer, what) => Ok(crate::peers::measure(peer, what, self.plan()?, self)?.alone()),
        }
    }

    /// Starts this program as the server of the task's case; see [`Peer::start`].
    ///
    /// # Errors
    /// As there.
    pub(crate) fn start_server(&self, arguments: &[&str], stdin: Stdio) -> Result<Peer> {
        Peer::start(&self.processors, self.spec.placement, arguments, stdin)
    }

    fn plan(&self) -> Result<&Plan> {
        match &self.job {
            Job::Plan(plan) => Ok(plan),
            Job::Exactly { .. } => bail!("this case has no number of calls"),
        }
    }
}
