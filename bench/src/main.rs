//! Measures nearcall, and the floors below which nothing can get on the same machine.
//!
//! `limits` are the floors, `near` is nearcall against them. All of it runs between two real processes; `peer` and `serve`
//! are the second one. `unsafe` is in `mem` (shared memory, the tick clock) and `alloc` (the counting allocator) only.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "an allocator is an unsafe trait")]
mod alloc;
mod case;
mod clock;
mod floor;
mod measure;
#[allow(unsafe_code, reason = "memory that another process writes has no safe type")]
mod mem;
mod near;
mod peer;
mod report;
mod spin;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use case::{Case, Setting, Work};
use clock::Clock;
use measure::Plan;
use near::Once;
use peer::Processors;

/// Benchmarks of nearcall and the floors they are compared with.
#[derive(Debug, Parser)]
#[command(name = "nearcall-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures what the hardware and the kernel take: two processes, nothing in between.
    Limits(Measure),
    /// Measures nearcall, each case against its floor in the same rounds.
    Near(Near),
    /// The server's process of a floor; started by `limits`.
    #[command(hide = true)]
    Peer {
        floor: floor::Floor,
        #[arg(long)]
        pause: bool,
    },
    /// The server's process of `unix_socket_postcard`.
    #[command(hide = true)]
    PeerPostcard,
    /// The server's process of nearcall.
    #[command(hide = true)]
    Serve { names: PathBuf },
}

#[derive(Debug, Args)]
struct Near {
    #[command(flatten)]
    measure: Measure,
    /// A case, as if it were named without the option.
    #[arg(long, value_name = "CASE")]
    case: Vec<String>,
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
struct Measure {
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
    /// Rounds; each measures every case once. An odd number makes the median a measured value.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Three short rounds, to see that everything runs.
    #[arg(long)]
    quick: bool,
    /// Cases; all if none is named.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
}

impl Measure {
    fn setting(&self) -> Result<Setting> {
        let clock = Clock::calibrate();
        let plan = if self.quick { Plan::quick(clock) } else { Plan::usual(clock) };
        Ok(Setting { processors: Processors::find()?, plan })
    }

    fn run(&self, table: &[Case]) -> Result<()> {
        let cases = case::select(table, &self.cases)?;
        let setting = self.setting()?;
        let rounds = self.rounds.unwrap_or(if self.quick { 3 } else { 9 });
        report::print(&case::run(&cases, rounds, &setting)?, self.json)
    }
}

impl Near {
    fn run(mut self) -> Result<()> {
        self.measure.cases.append(&mut self.case);
        if !self.once && !self.count_allocations {
            return self.measure.run(near::CASES);
        }
        let of_nearcall: Vec<Case> =
            near::CASES.iter().copied().filter(|case| matches!(case.work, Work::Near(_))).collect();
        let cases = case::select(&of_nearcall, &self.measure.cases)?;
        let once = Once { warm_up: self.warm_up, calls: self.calls, as_json: self.measure.json };
        let count = if self.once { near::exactly } else { near::count_allocations };
        count(&cases, once, &self.measure.setting()?)
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Limits(measure) => measure.run(case::FLOORS),
        Command::Near(near) => near.run(),
        Command::PeerPostcard => {
            peer::die_with_parent()?;
            near::postcard::serve()
        }
        Command::Serve { names } => {
            peer::die_with_parent()?;
            near::interface::serve(&names)
        }
        Command::Peer { floor, pause } => {
            peer::die_with_parent()?;
            floor::serve(floor, pause)
        }
    }
}
