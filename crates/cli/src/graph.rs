//! `nearcall graph`: graph files, looked at, drawn and run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::reception::{Mode, Options as Receiving, Reception};
use nearcall_graph::{Clock, Graph};

/// How often a graph that runs is asked whether its time is over.
const STEP: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads a graph file and says what is wrong with it, or what is above what
    Check {
        /// The file
        file: PathBuf,
    },
    /// Draws a graph file as SVG
    Draw {
        /// The file
        file: PathBuf,
        /// Where the drawing goes; the standard output if not given
        #[arg(short, long, value_name = "SVG")]
        output: Option<PathBuf>,
    },
    /// Runs a graph file, then says what its protocols counted
    Run {
        /// The file
        file: PathBuf,
        /// Ends after this many seconds; with the end of the standard input if not given
        #[arg(long, value_name = "N")]
        seconds: Option<u64>,
        /// Receives in threads of its own: on the one that takes a message off the wire, or on an input thread
        #[arg(long, value_enum, value_name = "HOW")]
        receive: Option<Receive>,
        /// Threads that wait beside the one that receives
        #[arg(long, value_name = "N", default_value_t = 3, requires = "receive", value_parser = clap::value_parser!(u8).range(1..=64))]
        threads: u8,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Receive {
    /// Interrupt protocol processing
    Interrupt,
    /// Input threads
    Regular,
}

impl Receive {
    fn mode(self) -> Mode {
        match self {
            Self::Interrupt => Mode::Interrupt,
            Self::Regular => Mode::Regular,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.command {
        Command::Check { file } => {
            for (name, below) in read(file)?.names() {
                match below.as_slice() {
                    [] => say(name)?,
                    below => say(format_args!("{name} over {}", below.join(", ")))?,
                }
            }
            Ok(())
        }
        Command::Draw { file, output } => {
            let svg = read(file)?.draw();
            match output {
                Some(path) => std::fs::write(path, svg).with_context(|| format!("writing {}", path.display())),
                None => say(svg.trim_end()),
            }
        }
        Command::Run { file, seconds, receive, threads } => {
            let time = seconds.map(Duration::from_secs);
            match receive {
                None => serve(file, time),
                Some(receive) => receive_in(file, time, Receiving::new(receive.mode(), usize::from(*threads))),
            }
        }
    }
}

fn read(file: &Path) -> Result<Plan> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {name}"))?;
    match Plan::read(&name, &text, &Kinds::standard()) {
        Ok(plan) => Ok(plan),
        Err(problems) => {
            eprintln!("{problems}\n");
            bail!("{} in {name}", if problems.list.len() == 1 { "one problem" } else { "several problems" })
        }
    }
}

fn serve(file: &Path, time: Option<Duration>) -> Result<()> {
    let clock = Clock::new();
    let graph = read(file)?.build(None, clock.now())?;
    say("running")?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if time.is_none() {
            // Blocks in the kernel until there is no more input, and is waited for by the scope.
            scope.spawn(|| {
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                over.store(true, Ordering::Relaxed);
                graph.wake();
            });
        }
        let limit = time.unwrap_or(STEP);
        while graph.until(&clock, limit, || over.load(Ordering::Relaxed).then_some(())).is_none() && time.is_none() {}
    });
    graph.stop(clock.now());
    report(&graph)
}

/// The same with threads that receive.
fn receive_in(file: &Path, time: Option<Duration>, options: Receiving) -> Result<()> {
    let host = Reception::start(&read(file)?, options, |_, _| {})?;
    say("running")?;
    match time {
        Some(time) => std::thread::sleep(time),
        None => drop(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())),
    }
    report(host.graph())?;
    let counts = host.counts();
    say(format_args!("{counts:#?}"))
}

/// A line on the standard output. Who has closed that has read enough.
fn say(line: impl core::fmt::Display) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        said => Ok(said?),
    }
}

fn report(graph: &Graph) -> Result<()> {
    for node in graph.nodes() {
        let counts: Vec<String> = graph.counts(node).iter().map(|(name, count)| format!("{name} {count}")).collect();
        let counts = if counts.is_empty() { "-".to_owned() } else { counts.join(", ") };
        say(format_args!("{}: {counts}", graph.name(node)))?;
    }
    Ok(())
}
