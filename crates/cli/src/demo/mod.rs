//! `nearcall demo`: calls between processes on real files.
//!
//! ```text
//!             parent ── starts, compares, kills ──┐
//!               │ pipe: events                    │
//!            client ════════ calls ═══════════ server
//!               │ writes                      reads │ writes
//!             spool                            tree   copy
//! ```
//!
//! The server is that of `apps/files`, once over the tree, to read only, and once over the copy. The client calls both directly: what a
//! vfs adds, names of mounts, is shown by `apps/files` itself.
//!
//! The parent keeps its rights and takes no part in a call. It walks the tree itself before the run, and afterwards
//! compares, with the originals, what the client read (spool) and what the client wrote through calls (copy). If the
//! parent is root, the client runs as a user without rights; the server, which opens the files, keeps them.
//!
//! Nothing is left behind, however the demo ends: see [`processes`].

use std::collections::HashMap;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use compare::{Said, Trees};
use counts::Counts;
use events::{Done, Event};
use parties::{Client, Server, Stage};
use report::{NullCall, Outage, Reads, Report, TreeCounts};
use root::Root;
use tree::{Bounds, Rules, Walk};

pub(crate) mod baseline;
pub(crate) mod client;
mod compare;
mod copy;
mod counts;
mod events;
mod files;
mod meter;
pub(crate) mod network;
mod outage;
mod parties;
pub(crate) mod pingpong;
pub(crate) mod processes;
mod report;
mod root;
pub(crate) mod server;
mod tree;

/// Arguments of `nearcall demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Tree to read; it is only read
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,

    /// Client and server on two hosts: in network namespaces where that is permitted, else over loopback
    #[arg(long)]
    far: bool,

    #[command(flatten)]
    bounds: Bounds,
}

/// Runs the demo and prints what it found.
///
/// # Errors
/// A part could not be carried out. A file that differs is no error but a failing exit status.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let begin = Instant::now();
    let stage = Stage::new(parties::resolve(&options.dir)?, processes::unprivileged(), options.far)?;
    let rules = Rules { bounds: options.bounds.clone(), own: stage.own() };
    let mut tree = Root::new(&stage.tree).with_context(|| format!("cannot open {}", stage.tree.display()))?;
    let expected = tree::walk(&mut tree, &rules)?;

    let mut server = stage.server()?;
    let mut client = stage.client(&rules)?;
    let (said, done) = follow(&mut client, &expected)?;

    let spool = Root::new(&stage.spool).context("cannot open the client's spool")?;
    let copy = Root::new(&stage.copy).context("cannot open the copy")?;
    let comparison = compare::compare(&Trees { tree: &tree, spool: &spool, copy: &copy }, &expected, &said);
    let read = baseline::by_read(&tree, &expected.files);
    let [socket, socket_one_cpu] = baseline::by_socket(&stage.program, &stage.tree, &expected.files)?;
    let reads = Reads { calls: done.reads, read, socket, socket_one_cpu };
    let null_call = NullCall::new(done.ping_ns, Some(pingpong::measure(&stage.program)?));
    let counts = Counts { client: done.counts, server: server.counts()? };
    let outage = kill_and_go_on(&stage, &tree, &expected, server, client)?;

    let report = Report {
        far: stage.network.as_ref().map(network::Network::words),
        dir: stage.tree.display().to_string(),
        seconds: begin.elapsed().as_secs_f64(),
        client: report::ClientRights {
            uid: done.uid,
            dropped: stage.user.is_some(),
            direct_access: done.direct_access,
        },
        tree: TreeCounts::of(&expected),
        comparison,
        procedures: done.procedures,
        reads,
        null_call,
        counts,
        outage,
    };
    let text = if options.json { report.json() } else { report.table() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?;
    Ok(if report.ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Shows the client's progress until it has done the tree. Returns what it said of each file.
fn follow(client: &mut Client, expected: &Walk) -> anyhow::Result<(HashMap<String, Said>, Done)> {
    let bar = progress_bar(expected.bytes);
    let mut said = HashMap::with_capacity(expected.files.len());
    loop {
        match client.event()? {
            Event::Copied { path, bytes } => {
                bar.inc(bytes);
                said.insert(path, Said::Copied);
            }
            Event::Refused { path, error } => {
                said.insert(path, Said::Refused(error));
            }
            Event::Done(done) => {
                bar.finish_and_clear();
                return Ok((said, done));
            }
            event => bail!("the demo's client is out of step: {event:?}"),
        }
    }
}

fn progress_bar(bytes: u64) -> ProgressBar {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("copying through calls {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    // The template is a constant; if a version of the library refuses it, its own will do.
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}

/// How long the client's threads call before the server is killed: long enough for thousands of calls.
const UNDER_WAY: Duration = Duration::from_millis(50);

/// Kills the server under the client's calls, starts another, and follows the client through it.
fn kill_and_go_on(
    stage: &Stage,
    tree: &Root,
    expected: &Walk,
    mut server: Server,
    mut client: Client,
) -> anyhow::Result<Outage> {
    client.go_on()?;
    let event = client.event()?;
    let Event::Calling { threads } = event else { bail!("the demo's client is out of step: {event:?}") };
    std::thread::sleep(UNDER_WAY);
    let killed = Instant::now();
    server.kill().context("cannot kill the demo's server")?;
    let restart = || stage.server().context("cannot restart the server");
    // Another host's death is seen when it is back, or when calls are over time.
    let early = stage.network.is_some().then(restart).transpose()?;
    let event = client.event()?;
    let Event::Ended { calls } = event else { bail!("the demo's client is out of step: {event:?}") };
    let errors_ms = killed.elapsed().as_secs_f64() * 1e3;
    drop(server);

    let server = early.map_or_else(restart, Ok)?;
    let event = client.event()?;
    let Event::Resumed(resumed) = event else { bail!("the demo's client is out of step: {event:?}") };
    let verified = match &resumed.path {
        Some(path) => {
            let mut kept = File::open(&stage.resumed).context("cannot open what was read across the outage")?;
            let same = compare::same_range(tree, path, &mut kept, resumed.before + resumed.after).unwrap_or(false);
            let found = expected.files.iter().find(|found| found.path == *path);
            let unchanged = found.is_some_and(|found| tree.stat(path) == Ok(found.stat));
            (same || unchanged).then_some(same)
        }
        None => Some(true),
    };
    let client_ended = client.finish();
    let server_ended = server.finish(Duration::from_secs(10));
    Ok(Outage { threads, errors_ms, calls, resumed, verified, clean_end: client_ended && server_ended })
}
