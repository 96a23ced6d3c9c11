//! Measures nearcall, and the floors below which nothing can get on the same machine.

mod case;
mod clock;
mod floor;
mod measure;
mod mem;
mod peer;
mod report;
mod spin;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use case::Setting;
use clock::Clock;
use measure::Plan;
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
    /// The server's process of a floor; started by `limits`.
    #[command(hide = true)]
    Peer {
        floor: floor::Floor,
        #[arg(long)]
        pause: bool,
    },
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
    fn run(&self, table: &[case::Case]) -> Result<()> {
        let cases = case::select(table, &self.cases)?;
        let clock = Clock::calibrate();
        let plan = if self.quick { Plan::quick(clock) } else { Plan::usual(clock) };
        let setting = Setting { processors: Processors::find()?, plan };
        let rounds = self.rounds.unwrap_or(if self.quick { 3 } else { 9 });
        report::print(&case::run(&cases, rounds, &setting)?, self.json);
        Ok(())
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Limits(measure) => measure.run(case::FLOORS),
        Command::Peer { floor, pause } => {
            peer::die_with_parent()?;
            floor::serve(floor, pause)
        }
    }
}
