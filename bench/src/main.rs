//! Measures nearcall, and the floors below which nothing can get on the same machine.
//!
//! `limits` are the floors, `near` is nearcall against them; README.md beside this crate's manifest says what each case
//! is. Every case runs between two real processes of this program; the hidden commands are those processes. `unsafe` is
//! in `mem` (shared memory, the tick clock) and `alloc` (the counting allocator) only.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "an allocator is an unsafe trait")]
mod alloc;
mod case;
mod client;
mod clock;
mod count;
mod far;
mod files;
mod floods;
mod floor;
mod ipp;
mod load;
mod mach3;
mod many;
mod measure;
#[allow(unsafe_code, reason = "memory that another process writes has no safe type")]
mod mem;
mod near;
mod ordered;
mod outstanding;
mod peer;
#[cfg(feature = "peers")]
mod peers;
mod report;
mod round;
mod sample;
mod spin;
#[allow(unsafe_code, reason = "requests to callgrind are instructions")]
mod stubs;
mod threads;
mod urpc;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use case::{Case, Work};
use clock::Clock;
use count::Once;
use measure::Plan;
use peer::{Processors, Start};
use report::Outcome;
#[cfg(feature = "peers")]
use report::table;
use round::Setting;

/// Benchmarks of nearcall and the floors they are compared with.
#[derive(Debug, Parser)]
#[command(name = "nearcall-bench", version, about)]
struct Cli {
    #[command(flatten)]
    start: Start,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Counts instructions of stubs, as Table 4 of the paper on IDL4 does: optimised and conventional, both directions.
    Stubs {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Measures what the hardware and the kernel take: two processes, nothing in between.
    Limits(Measure),
    /// Measures nearcall, each case against its floor in the same rounds; also counts what it does.
    ///
    /// Cases are PROCEDURE.CIRCUMSTANCE: null, add, big_in, big_in_out, write4096, read4096 or echo40, and auto, spin,
    /// one_cpu, donated, asleep or groups; null.paced.{20us,50us,150us,10ms}, null.loaded.{auto,donated,…},
    /// null.asleep.sleep, null.outstanding32, null.pipeline{2,8,32}, write4096.offsets; the counts idle, syscalls,
    /// instructions.{null,write4096}; with the feature `peers`, peer.NAME.PLACEMENT, peer.NAME.outstanding32, and the
    /// counts peer.NAME.idle. The beginning of a name up to a dot names all cases that begin so.
    #[command(verbatim_doc_comment)]
    Near(Near),
    /// Measures one server with 64 clients of 64 bindings each.
    ///
    /// Cases are bindings1, bindings4096, cold4096, futex_free_hot, bind.{same_pair,new_pair,first}; the counts
    /// memory_per_pair, descriptors.
    Many(Measure),
    /// Measures user-level threads, beside std's threads and tokio's tasks.
    ///
    /// Cases are call, fork, fork_join, yield, acquire_release, pingpong, spawn_std, spawn_tokio, spawn_tokio_multi,
    /// yield_tokio, pingpong_std, pingpong_tokio; the counts syscalls.{fork_join,yield,acquire_release,pingpong}.
    Threads(Measure),
    /// Measures round trips to another host through the protocol graph, each case against a bare loop on the same wire in the
    /// same rounds. AF_PACKET needs root.
    ///
    /// Cases are udp.{af_packet,udp,shm}[.1000] and bare.{af_packet,udp,shm}[.1000]: datagrams of 8 bytes, or 1000, both
    /// sides spinning. near_alone, near_idle.{…} and near_beside.{…}: null calls to a process without a graph, with one that its
    /// runtime drives, and with a datagram echoed there after each 16 calls. chan.{udp,af_packet,shm}[.1,.1000,.2000]: calls of CHAN;
    /// far.{udp,af_packet,shm}.{null,add,write4096}: calls of a far client.
    Far(Measure),
    /// Repeats the tables of the report on interrupt protocol processing in the x-kernel, each mode beside the other in the same rounds.
    ///
    /// Cases are through.{polled,ipp,ipp_handoff,regular}; chan{1,1000,2000}.{regular,ipp};
    /// udp{1,1000,2000,4000}.{regular1,regular2,regular3,regular4,regular8,client,server,both,ipp1,ipp3};
    /// {bare,queued,regular,ipp}.blast{8,1024,2048}[.across]; the counts handoff.{penalty,saving},
    /// switches.{regular1,regular2,regular3,regular4,regular8,ipp,ipp_handoff,ipp_handoff3}, balance.
    #[command(verbatim_doc_comment)]
    Ipp(Measure),
    /// Repeats the experiments of URPC and LRPC: their tables and figures.
    ///
    /// Cases are two_pairs, mp_serial, lrpc_minimum, s0, s0_donations, {add,big_in,big_in_out}_serial,
    /// conventional.{null,add,big_in,big_in_out}, receiver_{waits,busy}.{nearcall,conventional,conventional2}, procedure_call,
    /// system_call; table2 (with the feature `instructions`),
    /// table4, table5; figure1, figure2, common_lines, figure3 (with figure4).
    Urpc(Urpc),
    /// Measures what one user's flood takes from another user, as root.
    ///
    /// Cases are flood.calls.{null,5us,100us}.{1,2,4,12}, flood.calls.{5us_beside_100us,null_beside_100us}.12,
    /// flood.connects.{paced.1,full.4}, flood.{descriptors,cancels,messages}.4, flood.frames.{1,4}.
    Floods(Measure),
    /// Measures reading a file through the file server, beside read(2) and a socket.
    ///
    /// Cases are reread, reread.{read2,preload,socket}, fio; for reread.preload and fio nearcall-preload has to be built in the
    /// same way, and for the latter there has to be a program fio.
    Files(Measure),
    /// Measures what a byte costs, and a word, over the size of a parameter.
    ///
    /// Cases are slope.{in,inout,out} and slope.{in,inout,out}.two_cpus (ns per KiB), slope.{values,pointers} (ns per word),
    /// xfer4096, xfer65536.
    Mach3(Measure),
    /// The client's process of a measurement.
    #[command(hide = true)]
    Client { task: String },
    /// The server's process of a floor.
    #[command(hide = true)]
    Peer {
        floor: floor::Floor,
        #[arg(long)]
        pause: bool,
    },
    /// The server's process of nearcall.
    #[command(hide = true)]
    Serve {
        names: PathBuf,
        /// Never to yield before sleeping.
        #[arg(long)]
        no_yields: bool,
        /// Never to poll.
        #[arg(long)]
        no_leads: bool,
    },
    /// The other host.
    #[command(hide = true)]
    ServeFar { what: String, place: String },
    /// The other host of a measurement of who receives.
    #[command(hide = true)]
    ServeIpp { what: String, place: String, cpus: Vec<usize> },
    /// The server's process of slopes.
    #[command(hide = true)]
    ServeShapes { names: PathBuf },
    /// A process that reads a file, whatever is behind its path.
    #[command(hide = true)]
    RereadFile { path: PathBuf, plan: String },
    /// The server's process of files.
    #[command(hide = true)]
    ServeFiles { names: PathBuf },
    /// One of many clients.
    #[command(hide = true)]
    Member,
    /// A client with threads that call.
    #[command(hide = true)]
    Caller,
    /// The server's process of a conventional call.
    #[command(hide = true)]
    Conventional {
        #[arg(long)]
        receivers: Option<u8>,
    },
    /// A client that keeps a server busy.
    #[command(hide = true)]
    OtherClient { names: Option<PathBuf> },
    /// A client of two servers whose stores are looked at.
    #[command(hide = true)]
    TwoCallers { names: Vec<PathBuf> },
    /// A server of figure 1's scenario.
    #[command(hide = true)]
    Steward { names: PathBuf, name: String },
    /// The editor of figure 1's scenario.
    #[command(hide = true)]
    Editor,
    /// A busy process.
    #[command(hide = true)]
    Burn,
    /// The server's process of a flood.
    #[command(hide = true)]
    Flooded {
        names: PathBuf,
        #[arg(long)]
        graph: bool,
    },
    /// A process that floods.
    #[command(hide = true)]
    Flood { what: String, names: PathBuf },
    /// A process that uses processor time instead, in millionths of a processor.
    #[command(hide = true)]
    Neutral { share: u64 },
    /// The server's process of something else.
    #[cfg(feature = "peers")]
    #[command(hide = true)]
    ServePeer { kind: peers::Kind, place: Option<PathBuf> },
    /// A process that is its own server, with one kind of stubs, to be run by callgrind.
    #[cfg(feature = "instructions")]
    #[command(hide = true)]
    OwnStubs { kind: stubs::Kind, calls: u64 },
    /// A process that is its own server, to be run by callgrind.
    #[cfg(feature = "instructions")]
    #[command(hide = true)]
    OwnServer { procedure: near::calls::Procedure, calls: u64 },
}

#[derive(Debug, Args)]
struct Near {
    #[command(flatten)]
    measure: Measure,
    /// A case, as if it were named without the option.
    #[arg(long, value_name = "CASE")]
    case: Vec<String>,
    /// Puts peers and nearcall beside each other at the end, in Markdown.
    #[cfg(feature = "peers")]
    #[arg(long, conflicts_with_all = ["once", "count_allocations"])]
    table: bool,
    /// Makes exactly --calls calls after the warm-up, without rounds and limits, for counting from outside.
    #[arg(long, conflicts_with = "count_allocations")]
    once: bool,
    /// Counts allocations per call on both sides instead of time.
    #[arg(long)]
    count_allocations: bool,
    /// Calls of --once and --count-allocations.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    calls: u64,
    /// Calls before those.
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    warm_up: u64,
}

#[derive(Debug, Args)]
struct Urpc {
    #[command(flatten)]
    measure: Measure,
    /// A directory in which figures are drawn, as SVG.
    #[arg(long, value_name = "DIRECTORY")]
    pictures: Option<PathBuf>,
}

impl Urpc {
    fn run(self) -> Result<()> {
        let Self { measure, pictures } = self;
        let setting = measure.setting()?;
        let Measure { json, quick, .. } = measure;
        urpc::run(&measure.cases, &urpc::Effort { setting, rounds: measure.rounds(), quick, json, pictures })
    }
}

#[derive(Debug, Args)]
struct Measure {
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Rounds; each measures every case once; 11 if not given. An odd number makes the median a measured value.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Three short rounds and no counts, to see that everything runs.
    #[arg(long)]
    quick: bool,
    /// Cases; all if none is named.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
}

/// Where cases are that this build does not have.
const ELSEWHERE: &str = if cfg!(feature = "peers") { "" } else { "; peer.… with `--features peers`" };

impl Measure {
    fn setting(&self) -> Result<Setting> {
        let clock = Clock::calibrate();
        let plan = if self.quick { Plan::quick(clock) } else { Plan::usual(clock) };
        Ok(Setting { processors: Processors::find()?, plan })
    }

    fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 11 })
    }

    fn limits(&self) -> Result<()> {
        let floors = floor::cases();
        let selected = case::select(&floors, &self.cases, "")?;
        report::print(&round::run(&selected, &floors, self.rounds(), &self.setting()?)?, self.json)
    }

    fn near(&self) -> Result<Vec<Outcome>> {
        let cases = near::cases();
        let (counts, names) = count::select(&count::table(), &cases, &self.cases, !self.quick);
        self.all(&cases, &near::universe(), &names, ELSEWHERE, counts)
    }

    fn many(&self) -> Result<Vec<Outcome>> {
        let size = many::Size::of(self.quick);
        let cases = many::cases(size);
        let (counts, names) = count::select(&many::counts(size), &cases, &self.cases, true);
        self.all(&cases, &many::universe(size), &names, "", counts)
    }

    fn threads(&self) -> Result<Vec<Outcome>> {
        let cases = threads::cases();
        let (counts, names) = count::select(&threads::counts(), &cases, &self.cases, !self.quick);
        self.all(&cases, &threads::universe(), &names, "", counts)
    }

    fn mach3(&self) -> Result<Vec<Outcome>> {
        self.all(&mach3::cases(), &mach3::universe(), &self.cases, "", Vec::new())
    }

    fn files(&self) -> Result<Vec<Outcome>> {
        self.all(&files::cases(), &files::universe(), &self.cases, "", Vec::new())
    }

    /// Measures what `names` name of `cases`, all if none was named at all, then takes the counts. Prints all of it.
    fn all(
        &self,
        cases: &[Case],
        universe: &[Case],
        names: &[String],
        elsewhere: &str,
        counts: Vec<count::Named>,
    ) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        let setting = self.setting()?;
        if self.cases.is_empty() || !names.is_empty() {
            let selected = case::select(cases, names, elsewhere)?;
            outcomes = round::run(&selected, universe, self.rounds(), &setting)?;
            report::print(&outcomes, self.json)?;
        }
        for (name, counted) in counts {
            let outcome = counted.run(&name, &setting).with_context(|| format!("case {name}"))?;
            report::print(std::slice::from_ref(&outcome), self.json)?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}

impl Near {
    /// Measures, then prints the table; to the standard error if lines of JSON go to the output.
    #[cfg(feature = "peers")]
    fn tabulate(mut self) -> Result<()> {
        if !self.measure.cases.is_empty() {
            self.measure.cases.extend(table::OWN.map(str::to_owned));
        }
        let text = table::markdown(&self.measure.near()?, near::THINK);
        if self.measure.json {
            eprintln!("{text}");
        } else {
            println!("\n{text}");
        }
        Ok(())
    }

    fn run(mut self) -> Result<()> {
        self.measure.cases.append(&mut self.case);
        if !self.once && !self.count_allocations {
            #[cfg(feature = "peers")]
            if self.table {
                return self.tabulate();
            }
            return self.measure.near().map(drop);
        }
        let is_near = |case: &Case| matches!(case.spec.work, Work::Near(_));
        let of_nearcall: Vec<Case> = near::cases().into_iter().filter(is_near).collect();
        let cases = case::select(&of_nearcall, &self.measure.cases, "")?;
        let once = Once { warm_up: self.warm_up, calls: self.calls };
        let count = if self.once { count::exactly } else { count::allocations };
        report::print(&count(&cases, once, &self.measure.setting()?)?, self.measure.json)
    }
}

fn main() -> Result<()> {
    let Cli { start, command } = Cli::parse();
    let is_hidden = |command: &Command| {
        !matches!(
            command,
            Command::Limits(_)
                | Command::Near(_)
                | Command::Many(_)
                | Command::Threads(_)
                | Command::Far(_)
                | Command::Ipp(_)
                | Command::Floods(_)
                | Command::Files(_)
                | Command::Urpc(_)
                | Command::Mach3(_)
                | Command::Stubs { .. }
        )
    };
    if is_hidden(&command) {
        peer::die_with_parent()?;
    }
    start.perform()?;
    match command {
        Command::Limits(measure) => measure.limits(),
        Command::Stubs { json } => stubs::report(json),
        Command::Near(near) => near.run(),
        Command::Many(measure) => measure.many().map(drop),
        Command::Threads(measure) => measure.threads().map(drop),
        Command::Far(measure) => measure.all(&far::cases(), &far::cases(), &measure.cases, "", Vec::new()).map(drop),
        Command::Ipp(measure) => {
            ipp::run(&measure.cases, measure.quick, measure.rounds(), &measure.setting()?, measure.json)
        }
        Command::ServeIpp { what, place, cpus } => {
            ipp::serve(serde_json::from_str(&what).context("reading what to do")?, &place, &cpus)
        }
        Command::ServeFar { what, place } => {
            far::serve(serde_json::from_str(&what).context("reading what to do")?, &place)
        }
        Command::Urpc(urpc) => urpc.run(),
        Command::Floods(Measure { json, rounds, quick, cases }) => {
            let pace = floods::Pace::new(rounds, quick);
            floods::run(&cases, pace, |outcome| report::print(std::slice::from_ref(outcome), json))
        }
        Command::Mach3(measure) => measure.mach3().map(drop),
        Command::Files(measure) => measure.files().map(drop),
        Command::Client { task } => {
            let task: client::Task = serde_json::from_str(&task).context("reading what to do")?;
            println!("{}", serde_json::to_string(&task.perform()?)?);
            Ok(())
        }
        Command::Peer { floor, pause } => floor::serve(floor, pause),
        Command::Serve { names, no_yields, no_leads } => {
            if no_leads {
                nearcall::testing::forbid_leads();
            }
            if no_yields {
                nearcall::testing::forbid_yields();
            }
            near::interface::serve(&names)
        }
        Command::RereadFile { path, plan } => files::reread_file(&path, &plan),
        Command::ServeShapes { names } => mach3::serve(&names),
        Command::ServeFiles { names } => files::serve(&names),
        Command::Member => many::member::obey(),
        Command::Caller => urpc::rig::obey(),
        Command::Conventional { receivers } => urpc::conventional::serve(receivers),
        Command::OtherClient { names } => urpc::receiver::keep_busy(names.as_deref()),
        Command::TwoCallers { names } => urpc::lines::call_two(&names),
        Command::Steward { names, name } => urpc::scenario::serve(&names, &name),
        Command::Editor => urpc::scenario::edit(),
        Command::Burn => {
            load::burn();
            Ok(())
        }
        Command::Flooded { names, graph } => floods::serve(&names, graph),
        Command::Flood { what, names } => {
            floods::attack(serde_json::from_str(&what).context("reading what to do")?, &names)
        }
        Command::Neutral { share } => floods::burn(share),
        #[cfg(feature = "peers")]
        Command::ServePeer { kind, place } => peers::serve(kind, place.as_deref()),
        #[cfg(feature = "instructions")]
        Command::OwnStubs { kind, calls } => stubs::run(kind, calls),
        #[cfg(feature = "instructions")]
        Command::OwnServer { procedure, calls } => count::instructions::run(procedure, calls),
    }
}
