//! What is done with a connection to a peer, whichever it is.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::What;
use crate::measure::{Job, Plan, Watch};
use crate::mem::ticks;
use crate::near::idle;
use crate::near::interface::Usage;
use crate::outstanding::COUNT;
use crate::outstanding::window::{self, Meter};
use crate::peer::Peer;
use crate::sample::Sample;

/// Calls before the idle time, at most, and how long they may take.
const CALLS: u32 = 5000;
const CALLS_TIME: Duration = Duration::from_millis(500);

/// What a measurement of a peer is to find.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe<'a> {
    pub(super) what: What,
    pub(super) plan: &'a Plan,
}

/// A client whose calls are futures.
pub(super) trait Concurrent {
    /// One call, verified. No two have the same `number`.
    async fn call(&self, number: u64) -> Result<()>;
}

impl Probe<'_> {
    /// Measures with `call`, which makes and verifies one call, or with `many`, which keeps [`COUNT`] under way.
    ///
    /// # Errors
    /// The first call that fails.
    pub(super) fn blocking(
        &self,
        server: &Peer,
        mut call: impl FnMut() -> Result<()>,
        many: impl FnMut(&mut Meter) -> Result<()>,
    ) -> Result<Sample> {
        let mut gauge = Gauge { server: server.pid(), begun: [0; 2], ended: [0; 2] };
        let mut sample = match self.what {
            What::Calls => Job::Plan(*self.plan).run(&mut gauge, call)?,
            What::Outstanding => window::measure(self.plan, &mut gauge, many)?,
            What::Idle => {
                let start = Instant::now();
                for _ in 0..CALLS {
                    call()?;
                    if start.elapsed() >= CALLS_TIME {
                        break;
                    }
                }
                return idle::look(server.pid(), self.plan.idle / 2, self.plan.idle);
            }
        };
        for (side, name) in ["client_cpu_ns", "server_cpu_ns"].into_iter().enumerate() {
            let used = gauge.ended[side].saturating_sub(gauge.begun[side]);
            sample.fact(name, used as f64 / sample.calls.max(1) as f64);
        }
        Ok(sample)
    }

    /// The same for a client that is asynchronous.
    ///
    /// # Errors
    /// As [`Self::blocking`].
    pub(super) fn concurrent(&self, server: &Peer, driver: &Driver, client: &impl Concurrent) -> Result<Sample> {
        let number = Cell::new(0);
        let next = || {
            number.set(number.get() + 1);
            client.call(number.get())
        };
        self.blocking(
            server,
            || driver.block_on(next()),
            |meter| {
                let meter = RefCell::new(meter);
                let caller = async || {
                    while !meter.borrow().is_over() {
                        let begun = ticks();
                        next().await?;
                        meter.borrow_mut().ended(begun);
                    }
                    anyhow::Ok(())
                };
                driver.block_on(async {
                    let mut callers: FuturesUnordered<_> = (0..COUNT).map(|_| caller()).collect();
                    while let Some(ended) = callers.next().await {
                        ended?;
                    }
                    Ok(())
                })
            },
        )
    }
}

/// Processor time of client and server.
struct Gauge {
    server: u32,
    begun: [u64; 2],
    ended: [u64; 2],
}

impl Gauge {
    fn look(&self) -> Result<[u64; 2]> {
        Ok([Usage::own().cpu, idle::processor_time(self.server)?])
    }
}

impl Watch for Gauge {
    fn begin(&mut self) -> Result<()> {
        self.begun = self.look()?;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.ended = self.look()?;
        Ok(())
    }
}

/// A single-threaded tokio, which runs whatever a peer has in the background while it waits for a future.
pub(super) struct Driver {
    runtime: Runtime,
    /// For peers whose tasks in the background do not leave their kernel thread.
    local: Option<LocalSet>,
}

impl Driver {
    /// Starts it.
    ///
    /// # Errors
    /// When the kernel refuses an epoll.
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("starting tokio")?;
        Ok(Self { runtime, local: None })
    }

    /// Starts one in which `spawn_local` works.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn local() -> Result<Self> {
        Ok(Self { local: Some(LocalSet::new()), ..Self::new()? })
    }

    /// Waits for `future`.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.local {
            Some(tasks) => tasks.block_on(&self.runtime, future),
            None => self.runtime.block_on(future),
        }
    }
}

/// Ends this process once its standard input has ended: for servers that would wait for further clients.
///
/// # Errors
/// When the kernel thread that waits for it cannot be started.
pub(super) fn end_with_input() -> Result<()> {
    let wait = || {
        // Whether it ends or fails, nobody is there any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    };
    std::thread::Builder::new().spawn(wait).context("starting a kernel thread")?;
    Ok(())
}

/// What the answer to a request is.
pub(super) fn answer(request: u64) -> u64 {
    !request
}

/// Verifies an answer.
///
/// # Errors
/// When it is another.
pub(super) fn expect(got: u64, request: u64) -> Result<()> {
    ensure!(got == answer(request), "the reply to {request} is {got}");
    Ok(())
}
