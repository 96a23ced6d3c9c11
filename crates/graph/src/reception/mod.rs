//! Reception: which kernel threads take messages off a graph's wires, and on which stacks these run.
//!
//! There are two ways, chosen for each host at its start, with the same protocols:
//!
//! * **Interrupt protocol processing** ([`Mode::Interrupt`]): the thread that receives, the *lead*, runs each message through the
//!   graph itself, on a detachable stack from the pool. Only where it must is work handed off: then another thread of the host
//!   receives, and the stack goes on where it is (`receiver`).
//! * **Regular** ([`Mode::Regular`]): the thread that receives gives each message to one of a number of input threads (`regular`).
//!
//! | module | what it is |
//! |---|---|
//! | `policy` | when work is handed off: decisions |
//! | `hook` | what asks them, between protocols |
//! | `receiver`, `regular` | the threads of either mode |
//! | `team` | threads that wait, and what waits for one |
//! | `alarm` | who looks whether the lead is stuck |
//! | `counts` | what has happened |
//!
//! It rests on user-level threads: a stack becomes a thread by being suspended, or by its kernel thread having lost the lead, and
//! is never moved, copied or run again. Invariants: a thread that has suspended stacks starts no handler; no lock of the graph is
//! held when the lead moves; when nothing comes, nothing wakes, as long as some thread that waits or receives has no suspended stack.
//! Where all have one, the lead looks every millisecond: what lets them go on does not tell the wires' descriptors.
//!
//! It does not make a handler safe to be run by several threads at once: a handler is `Sync`.
//!
//! Source: the report on interrupt protocol processing in the x-kernel (1994), section 3; docs/decisions/0016.

mod alarm;
mod counts;
mod hook;
mod policy;
mod receiver;
mod regular;
mod shared;
mod team;

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use nearcall_core::sys::process;
use nearcall_core::transfer::clock;

pub use counts::Counts;
pub use hook::{Standing, standing};
pub use policy::Reason;

use crate::compose::{BuildError, Plan};
use crate::crossings::Crossings;
use crate::drive::{Clock, IDLE_TURNS};
use crate::graph::Graph;
use shared::Shared;

/// Who carries out what was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Whoever received it, as far as that is possible.
    Interrupt,
    /// An input thread.
    Regular,
}

/// What was trusted not to take long, and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrun {
    /// The protocol, or the anchor whose handler it was, by its name in the graph file.
    pub node: String,
    /// What it did.
    pub why: Why,
    /// It is a handler, and messages are handed off before it for a while.
    pub is_demoted: bool,
}

/// What a message did that kept the lead from receiving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It ran for long.
    Ran,
    /// It waited, in a handler that is said not to.
    Waited,
}

impl core::fmt::Display for Overrun {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let what = match self.why {
            Why::Ran => "has kept the lead from receiving",
            Why::Waited => "is said not to wait, and has waited",
        };
        let then = if self.is_demoted { "; messages are handed off before it for a while" } else { "" };
        write!(f, "nearcall: `{}` {what}{then}", self.node)
    }
}

type Tell = dyn Fn(&Overrun) + Send + Sync;

/// Who is told of overruns.
#[derive(Clone, Default)]
struct Told(Option<Arc<Tell>>);

impl core::fmt::Debug for Told {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_some() { "a callback" } else { "standard error" })
    }
}

impl Told {
    /// Whatever comes of it is no concern of who receives: neither a panic of the program's, nor that nobody reads what is printed.
    fn report(&self, overrun: &Overrun) {
        let _ = catch_unwind(AssertUnwindSafe(|| match &self.0 {
            Some(told) => told(overrun),
            None => {
                let _ = writeln!(io::stderr(), "{overrun}");
            }
        }));
    }
}

/// How a host receives.
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    mode: Mode,
    threads: usize,
    stacks: usize,
    backlog: usize,
    at_reassembly: bool,
    budget: Option<Duration>,
    alarm: Duration,
    spin: u32,
    cpus: Vec<usize>,
    on_overrun: Told,
}

impl Options {
    /// Of this mode, with `threads` threads, at least one, beside the one that receives: those that wait for the lead, or input
    /// threads. No more handlers are begun at a time than there are threads, that of the lead included: one that waits for what only
    /// another message does needs a thread for that.
    pub fn new(mode: Mode, threads: usize) -> Self {
        let spin = if process::allowed_cpus().count_ones() > 1 { IDLE_TURNS } else { 0 };
        Self {
            mode,
            threads: threads.max(1),
            stacks: usize::MAX,
            backlog: 256,
            at_reassembly: true,
            budget: Some(Duration::from_micros(100)),
            alarm: Duration::from_millis(4),
            spin,
            cpus: Vec::new(),
            on_overrun: Told::default(),
        }
    }

    /// Stacks that may be suspended at a time; any number if not given. There are no more than threads, that of the lead included, but for
    /// what handlers spawn there. Beyond that, and where there is no memory for a stack, messages are queued as in Regular mode, and
    /// what waits keeps its kernel thread.
    pub fn stacks(mut self, count: usize) -> Self {
        self.stacks = count;
        self
    }

    /// Messages that may wait for a thread; 256 if not given. More are dropped; calls are declined.
    pub fn backlog(mut self, count: usize) -> Self {
        self.backlog = count;
        self
    }

    /// Whether a message that was put together is handed off at the next edge. It is, if not given.
    pub fn handoff_at_reassembly(mut self, is_wanted: bool) -> Self {
        self.at_reassembly = is_wanted;
        self
    }

    /// What messages may take of the lead's time on average, and be handed off at the next edge if they take more; 100 us if not
    /// given, `None` for no end of it. It should not be more than a message takes to arrive.
    pub fn budget(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }

    /// How often it is looked whether the lead is stuck in a message; 4 ms if not given: while messages come, each look takes a CPU
    /// from somebody, and a thread that others keep from one waits about as long. After two looks the lead is another's, after
    /// three what the message has reached is named, and a handler demoted for 10,000 messages. A thread that has the lead and shares its
    /// only CPU with the message that it was handed off by waits for the end of that, or for the alarm, if that looks every 4 ms or oftener.
    pub fn alarm(mut self, every: Duration) -> Self {
        self.alarm = every.max(Duration::from_micros(100));
        self
    }

    /// Looks at the wires without anything before the thread that receives sleeps; 0 if not given where there is only one CPU, else
    /// [`IDLE_TURNS`]. Between two looks it lets others run if it is confined to one CPU, which it may share with its host's
    /// other threads.
    pub fn spin(mut self, turns: u32) -> Self {
        self.spin = turns;
        self
    }

    /// The CPUs of its threads, that of the one that receives first, then the others', the last one for all that are left. Without
    /// any the kernel chooses.
    pub fn cpus(mut self, cpus: &[usize]) -> Self {
        self.cpus = cpus.to_vec();
        self
    }

    /// Has overruns reported to `told`, instead of a line on standard error. It is called by threads of the host, and must not
    /// wait.
    pub fn on_overrun(mut self, told: impl Fn(&Overrun) + Send + Sync + 'static) -> Self {
        self.on_overrun = Told(Some(Arc::new(told)));
        self
    }
}

/// Why a host does not receive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceptionError {
    /// There is no graph.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No kernel thread can be had. The limit of the user or the control group is reached.
    #[error("no kernel thread can be started to receive: {0}")]
    NoKernelThread(#[source] io::Error),
}

/// A host that receives, until this is dropped.
///
/// Nobody else needs to drive its graph: whoever waits for something of it uses [`Graph::wait`].
#[derive(Debug)]
#[must_use = "dropping it ends reception"]
pub struct Reception {
    graph: Arc<Graph>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Reception {
    /// Builds the graph of `plan`, and begins to receive. `attach` is called before anything is: to attach handlers, and to enable
    /// what they are for.
    ///
    /// # Errors
    /// [`ReceptionError`].
    pub fn start(
        plan: &Plan,
        options: Options,
        attach: impl FnOnce(&Graph, crate::event::Time),
    ) -> Result<Self, ReceptionError> {
        if options.budget.is_some() {
            // Once a process: the budget is in ticks.
            clock::calibrate();
        }
        let now = Clock::new().now();
        let names: Box<[String]> = plan.names().map(|(name, _)| name.to_owned()).collect();
        let mode = options.mode;
        let count = options.threads + 1;
        let shared = Shared::new(options, names, count);
        let crossings: Option<Box<dyn Crossings>> = match mode {
            Mode::Interrupt => Some(Box::new(hook::Wrappers(Arc::clone(&shared)))),
            Mode::Regular => None,
        };
        let mut graph = plan.build(crossings, now)?;
        graph.set_clock(|| Clock::new().now());
        let graph = Arc::new(graph);
        attach(&graph, now);
        let mut reception = Self { graph, shared, threads: Vec::new() };
        reception.start_threads(mode, count).map_err(ReceptionError::NoKernelThread)?;
        Ok(reception)
    }

    fn start_threads(&mut self, mode: Mode, count: usize) -> io::Result<()> {
        if mode == Mode::Interrupt {
            // Before anybody runs: member 0 begins with the lead.
            self.shared.holder.store(team::number(0), Ordering::Relaxed);
            self.start_thread("nearcall-alarm".to_owned(), None, |shared, graph| alarm::run(&shared, &graph))?;
        }
        for member in 0..count {
            let cpus = &self.shared.options.cpus;
            let cpu = cpus.get(member).or(cpus.last()).copied();
            self.start_thread(format!("nearcall-rx-{member}"), cpu, move |shared, graph| match (mode, member) {
                (Mode::Interrupt, _) => receiver::run(member, shared, graph),
                (Mode::Regular, 0) => regular::receive(&shared, &graph),
                (Mode::Regular, _) => regular::input(member, &shared, &graph),
            })?;
        }
        Ok(())
    }

    fn start_thread(
        &mut self,
        name: String,
        cpu: Option<usize>,
        run: impl FnOnce(Arc<Shared>, Arc<Graph>) + Send + 'static,
    ) -> io::Result<()> {
        let (shared, graph) = (Arc::clone(&self.shared), Arc::clone(&self.graph));
        let body = move || {
            process::block_all_signals();
            if let Some(cpu) = cpu {
                // On a CPU that is not to be had it runs where it may.
                let _ = process::confine(cpu);
            }
            run(shared, graph);
        };
        self.threads.push(std::thread::Builder::new().name(name).spawn(body)?);
        Ok(())
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Names of the anchors before whose handlers messages are handed off because they have kept the lead from receiving.
    #[must_use]
    pub fn demoted(&self) -> Vec<String> {
        self.shared.demoted()
    }

    /// Whether nothing is under way: no stack is suspended, no message waits, and no thread but the one that receives is in one.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let Shared { team, shown, suspended, options, .. } = &*self.shared;
        let is_inside = shown.iter().any(|shown| shown.message.load(Ordering::Relaxed) != 0);
        !is_inside && suspended.load(Ordering::Relaxed) == 0 && team.backlog() == 0 && team.waiting() == options.threads
    }
}

impl Drop for Reception {
    /// Waits for what runs now; what is suspended is leaked.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.shared.team.end();
        self.graph.rouse_receiver();
        self.shared.alarm.get().inspect(|thread| thread.unpark());
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread of ours does not panic; what it runs does on stacks, and is caught there.
            let _ = thread.join();
        }
        self.graph.stop(Clock::new().now());
    }
}
