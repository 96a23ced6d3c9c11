//! What one user's flood takes from another user.
//!
//! A victim calls without pause. Beside it run N processes of another user that flood the victim's server, and, compared with
//! that, processes that do nothing but use processors: N of them as much processor time each as one of the flood's used, and
//! one more as much as the server used for the flood, or two where that was more than one processor, and so on. Nobody is pinned, all have nice 0 and are in one session, so the kernel shares processors among them as
//! equals. The ratio is the victim's calls in the same time, beside the flood over beside those: what is missing to 1 is what
//! the server let the flood take beyond processor time, which is the kernel's to give out.
//!
//! *What the server used for the flood* is its processor time less what the victim's calls cost it when the victim is alone: time
//! alone divided by calls alone, times calls. *The neutral load* is made to use the median of that over all rounds so far; each
//! process keeps its own share by looking at its clock, and burns or sleeps. Where it is owed more than it gets, because there
//! are not as many processors, it never sleeps. That there are processes for the server's part is what makes it the same time: the
//! kernel gives N busy processes beside a victim and its server less than a flood and its server get.
//!
//! On a machine that does other things meanwhile, `ratio_per_processor` varies less: it compares calls divided by all the
//! processors that victim, server and load had.
//!
//! A third load, of twelve processes that call and of those that send frames: the same flood to a server of its own (`elsewhere`). What is
//! missing to 1 there is what the flood has by being the same server's.

mod attack;
mod neutral;
mod time;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

pub(crate) use attack::{Attack, attack};
pub(crate) use neutral::burn;

use nearcall_graph::reception::{Mode, Options, Reception};
use nearcall_graph::{Graph, Handler, Participants, Time};

use crate::case::is_named;
use crate::peer::{Peer, READY};
use crate::report::{Count, Outcome};
use crate::sample::median;

/// The user that floods: a uid that nobody has.
const FLOODER: u32 = 61_001;

/// The name of the server.
const NAME: &str = "flooded";

/// What is called.
#[nearcall::interface]
pub(crate) trait Flooded {
    /// Keeps the processor busy that long; 0 is a null call.
    fn spin(&self, microseconds: u32);
    /// The same, and the caller does not wait for it.
    #[call(timeout = "100us", exhausted = "fail")]
    fn late(&self, microseconds: u32);
    /// Calls taken, those taken by a lead, tenures, sleeps.
    fn counts(&self) -> [u64; 4];
}

struct Answers;

impl Flooded for Answers {
    fn spin(&self, microseconds: u32) {
        if microseconds != 0 {
            nearcall_testkit::busy::spin(Duration::from_micros(microseconds.into()));
        }
    }
    fn late(&self, microseconds: u32) {
        self.spin(microseconds);
    }
    fn counts(&self) -> [u64; 4] {
        let counts = nearcall::server_counts();
        [counts.calls, counts.polled, counts.tenures, counts.sleeps]
    }
}

/// A flood, and what the victim calls beside it.
#[derive(Debug, Clone)]
pub(crate) struct Flood {
    name: String,
    attack: Attack,
    /// Length of the victim's procedure, in microseconds.
    victim: u32,
    processes: usize,
    /// Whether the same flood of another server is measured, too.
    elsewhere: bool,
}

/// All of them.
pub(crate) fn floods() -> Vec<Flood> {
    let calls = |name: &str, victim: u32, theirs: u32, processes: usize| Flood {
        name: format!("flood.calls.{name}.{processes}"),
        attack: Attack::Calls(theirs),
        victim,
        processes,
        elsewhere: processes == 12,
    };
    let other = |name: &str, attack: Attack, processes: usize| Flood {
        name: format!("flood.{name}.{processes}"),
        attack,
        victim: 0,
        processes,
        elsewhere: attack == Attack::Frames,
    };
    let mut all = Vec::new();
    for (name, victim, theirs) in [("null", 0, 0), ("5us", 5, 5), ("100us", 100, 100)] {
        all.extend([1, 2, 4, 12].map(|processes| calls(name, victim, theirs, processes)));
    }
    all.push(calls("5us_beside_100us", 5, 100, 12));
    all.push(calls("null_beside_100us", 0, 100, 12));
    all.push(other("connects.paced", Attack::Connects(10_000), 1));
    all.push(other("connects.full", Attack::Connects(0), 4));
    all.push(other("descriptors", Attack::Descriptors, 4));
    all.push(other("cancels", Attack::Cancels, 4));
    all.push(other("messages", Attack::Messages, 4));
    all.extend([1, 4].map(|processes| other("frames", Attack::Frames, processes)));
    all
}

/// Lengths of the parts of a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    rounds: u32,
    settle: Duration,
    window: Duration,
}

impl Pace {
    /// As usual, or to see that everything runs.
    pub(crate) fn new(rounds: Option<u32>, quick: bool) -> Self {
        let [settle, window] = if quick { [50, 50] } else { [200, 300] }.map(Duration::from_millis);
        Self { rounds: rounds.unwrap_or(if quick { 1 } else { 11 }), settle, window }
    }
}

/// Measures those that are named, or all.
///
/// # Errors
/// When a process cannot be started, or a call of the victim fails.
pub(crate) fn run(names: &[String], pace: Pace, mut print: impl FnMut(&Outcome) -> Result<()>) -> Result<()> {
    for flood in floods() {
        if !names.is_empty() && !names.iter().any(|name| is_named(&flood.name, name)) {
            continue;
        }
        if !rustix::process::geteuid().is_root() {
            let reason = "two users are needed, which only root can be".to_owned();
            print(&Outcome::Skipped { case: flood.name, reason })?;
            continue;
        }
        print(&flood.measure(pace).with_context(|| format!("case {}", flood.name))?)?;
    }
    Ok(())
}

/// What the victim had, and what was used meanwhile, a second.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    calls: f64,
    /// Processors that the others used, and the server.
    others: f64,
    server: f64,
    own: f64,
    tenures: f64,
    polled: f64,
    /// How often the others were interrupted for somebody else.
    interrupted: f64,
}

/// What runs beside the victim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nobody,
    Flood,
    Elsewhere,
    /// Processors to use, in millionths: what the flood's processes used, and what the server used for them.
    Neutral([u64; 2]),
}

impl Flood {
    fn measure(&self, pace: Pace) -> Result<Outcome> {
        let mut used: Vec<[f64; 2]> = Vec::new();
        let alone = self.beside(Beside::Nobody, pace)?;
        let probe = self.beside(Beside::Flood, pace)?;
        used.push(probe.for_flood(&alone));
        let mut all: BTreeMap<&str, Vec<Seen>> = BTreeMap::from([("alone", vec![alone])]);
        for round in 0..pace.rounds {
            let part = |at: usize| median(used.iter().map(|used| used[at]).collect());
            let neutral = Beside::Neutral([part(0), part(1)].map(|processors| (processors * 1e6) as u64));
            let mut order = vec![("alone", Beside::Nobody), ("neutral", neutral), ("flood", Beside::Flood)];
            if self.elsewhere {
                order.push(("elsewhere", Beside::Elsewhere));
            }
            if round % 2 == 1 {
                order.reverse();
            }
            for (name, beside) in order {
                let seen = self.beside(beside, pace)?;
                all.entry(name).or_default().push(seen);
            }
            let last = |name: &str| all[name].last().copied().unwrap_or_default();
            used.push(last("flood").for_flood(&last("alone")));
        }
        let of = |name: &str, value: fn(&Seen) -> f64| median(all.get(name).into_iter().flatten().map(value).collect());
        let ratio = |to: &str, skip: usize| {
            let pairs = all["flood"].iter().zip(all.get(to).into_iter().flatten().skip(skip));
            median(pairs.map(|(flood, other)| flood.calls / other.calls).collect())
        };
        let mut facts = BTreeMap::new();
        for name in all.keys() {
            facts.insert(format!("{name}_calls_per_s"), of(name, |seen| seen.calls));
            facts.insert(format!("{name}_others_cpu"), of(name, |seen| seen.others));
            facts.insert(format!("{name}_server_cpu"), of(name, |seen| seen.server));
            facts.insert(format!("{name}_victim_cpu"), of(name, |seen| seen.own));
            facts.insert(format!("{name}_tenures_per_s"), of(name, |seen| seen.tenures));
            facts.insert(format!("{name}_polled"), of(name, |seen| seen.polled));
            facts.insert(format!("{name}_others_interrupted_per_s"), of(name, |seen| seen.interrupted));
        }
        facts.insert("flood_cpu".to_owned(), median(used.iter().map(|used| used.iter().sum()).collect()));
        let mean = |name: &str| {
            let all = all.get(name).into_iter().flatten();
            median(all.map(|seen| seen.calls / (seen.others + seen.server + seen.own)).collect())
        };
        facts.insert("ratio_per_processor".to_owned(), mean("flood") / mean("neutral"));
        facts.insert("ratio_to_alone".to_owned(), ratio("alone", 1));
        if self.elsewhere {
            facts.insert("ratio_to_elsewhere".to_owned(), ratio("elsewhere", 0));
        }
        let processors = rustix::thread::sched_getaffinity(None).map_or(0, |set| set.count());
        facts.insert("processors".to_owned(), processors.into());
        Ok(Outcome::Counted(Count {
            case: self.name.clone(),
            value: ratio("neutral", 0),
            unit: "of the calls beside the neutral load",
            facts,
            calls: None,
            pinned: "none".to_owned(),
            notes: Vec::new(),
        }))
    }

    /// One window, with a server and processes of its own.
    fn beside(&self, what: Beside, pace: Pace) -> Result<Seen> {
        let has_graph = self.attack == Attack::Frames;
        let (place, other) = (Place::new(has_graph)?, Place::new(has_graph)?);
        let victim: FloodedClient = place.bind()?;
        let end = Instant::now() + pace.settle / 4;
        while Instant::now() < end {
            victim.spin(self.victim)?;
        }
        let start = |arguments: &[&str]| (0..self.processes).map(|_| start(arguments)).collect::<Result<Vec<Peer>>>();
        let attack = serde_json::to_string(&self.attack)?;
        let mut others = match what {
            Beside::Nobody => Vec::new(),
            Beside::Flood => start(&["flood", &attack, place.path()?])?,
            Beside::Elsewhere => start(&["flood", &attack, other.path()?])?,
            Beside::Neutral([own, server]) => {
                let share = own / self.processes.max(1) as u64;
                let mut all = start(&["neutral", &share.to_string()])?;
                // No process can use more than one processor.
                let parts = server.div_ceil(1_000_000).max(1);
                for _ in 0..parts {
                    all.push(self::start(&["neutral", &(server / parts).to_string()])?);
                }
                all
            }
        };
        // All at once; those that flood go on meanwhile.
        others.iter_mut().try_for_each(Peer::ready)?;
        let end = Instant::now() + pace.settle;
        while Instant::now() < end {
            victim.spin(self.victim)?;
        }
        let server = place.server.pid();
        let of_others = || others.iter().map(|other| time::used(other.pid())).sum::<Result<Duration>>();
        let interrupted = || others.iter().map(|other| time::interrupted(other.pid())).sum::<Result<u64>>();
        let interrupted_before = interrupted()?;
        let before =
            (of_others()?, time::used(server)?, victim.counts()?, time::used(std::process::id())?, Instant::now());
        let mut calls = 0u64;
        while before.4.elapsed() < pace.window {
            victim.spin(self.victim)?;
            calls += 1;
        }
        let seconds = before.4.elapsed().as_secs_f64();
        let after = (of_others()?, time::used(server)?, victim.counts()?, time::used(std::process::id())?);
        let interrupted = interrupted()? - interrupted_before;
        anyhow::ensure!(others.iter_mut().all(Peer::runs), "a process beside the victim has ended");
        others.iter_mut().for_each(Peer::kill);
        let counted = |at: usize| (after.2[at] - before.2[at]) as f64;
        let processors = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / seconds;
        let [others, server, own] =
            [processors(before.0, after.0), processors(before.1, after.1), processors(before.3, after.3)];
        Ok(Seen {
            calls: calls as f64 / seconds,
            others,
            server,
            own,
            tenures: counted(2) / seconds,
            polled: counted(1) / counted(0).max(1.0),
            interrupted: interrupted as f64 / seconds,
        })
    }
}

impl Seen {
    /// Processors that the flood used, and the server for it.
    fn for_flood(&self, alone: &Self) -> [f64; 2] {
        [self.others, (self.server - alone.server / alone.calls * self.calls).max(0.0)]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.kill();
    }
}

/// A server, and a directory of names that all users can reach.
struct Place {
    server: Peer,
    names: tempfile::TempDir,
}

impl Place {
    fn new(has_graph: bool) -> Result<Self> {
        let names = tempfile::tempdir().context("making a directory for the name")?;
        std::fs::set_permissions(names.path(), std::fs::Permissions::from_mode(0o755)).context("opening it to all")?;
        let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["flooded", path])
            .args(has_graph.then_some("--graph"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut server = Peer::spawn(&mut command)?;
        server.ready()?;
        Ok(Self { server, names })
    }

    fn path(&self) -> Result<&str> {
        self.names.path().to_str().context("the name of the temporary directory is not UTF-8")
    }

    fn bind(&self) -> Result<FloodedClient> {
        nearcall::Binder::new(NAME).dir(self.names.path()).bind().context("binding")
    }
}

/// A process of the other user.
fn start(arguments: &[&str]) -> Result<Peer> {
    // By the link: the directories of the program need not be everybody's.
    let mut command = Command::new("/proc/self/exe");
    command.uid(FLOODER).gid(FLOODER).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    Peer::spawn(&mut command)
}

fn say_ready() -> Result<()> {
    use std::io::Write;
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("saying that it is ready")
}

/// The server's process, until its standard input ends.
///
/// # Errors
/// When it cannot be exported.
pub(crate) fn serve(names: &Path, has_graph: bool) -> Result<()> {
    let _host = has_graph.then(|| receive(names)).transpose()?;
    let exporter = nearcall::Exporter::new(NAME).dir(names).mode(0o666).policy(nearcall::Policy::open());
    let export = exporter.export(FloodedServer::new(Answers)).context("exporting the interface")?;
    say_ready()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("waiting for the end of the input")?;
    drop(export);
    Ok(())
}

/// A graph that receives by interrupt protocol processing, at an address that no other process has.
fn receive(names: &Path) -> Result<Reception> {
    let [.., b, c, d] = std::process::id().to_be_bytes();
    let host = format!("127.{b}.{c}.{d}");
    let plan = attack::graph(&format!("{host}:{}", attack::PORT))?;
    let attach = |graph: &Graph, now: Time| {
        if let Some(anchor) = graph.anchor("anchor") {
            let _ = anchor.serve(Handler::nonblocking(|_, _, _, _| None));
            let _ = anchor.enable(Participants::new(), now);
        }
    };
    let reception = Reception::start(&plan, Options::new(Mode::Interrupt, 1), attach)?;
    std::fs::write(names.join(attack::GRAPH), host).context("saying where the graph is")?;
    Ok(reception)
}
