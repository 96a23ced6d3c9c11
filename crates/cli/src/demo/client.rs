//! The client process of the demo: it owns no file of the tree, and reaches them only through calls.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use nearcall::{BindError, Client};

use super::events::{self, Done, Event, GO_ON};
use super::files::{COPY, NULL, Pair, Served, TREE};
use super::meter::{Meter, Row};
use super::root::{Root, reachable};
use super::tree::{Bounds, Rules};
use super::{copy, outage, processes};

/// How the parent starts the client.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Process that must be alive
    #[arg(long)]
    parent: u32,
    /// Directory of names
    #[arg(long)]
    names: PathBuf,
    /// The tree, only to see whether we could open it ourselves
    #[arg(long)]
    tree: PathBuf,
    /// Where to keep what was read
    #[arg(long)]
    spool: PathBuf,
    /// File for what is read across the server's death
    #[arg(long)]
    resumed: PathBuf,
    /// A directory of the tree to leave alone
    #[arg(long)]
    own: Option<String>,
    /// The server's host, if it is another one
    #[arg(long)]
    far: Option<std::net::SocketAddrV4>,
    #[command(flatten)]
    bounds: Bounds,
}

/// Copies the tree, measures, waits for the parent's word, and lives through the server's death.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    processes::die_with(options.parent)?;
    let served = bind(options)?;
    let spool = Root::new(&options.spool).context("cannot open the client's spool")?;
    let rules = Rules { bounds: options.bounds.clone(), own: options.own.clone() };

    let mut remote = copy::Remote::new(&served.files);
    let found = remote.copy_tree(&rules, &spool, &mut |event| events::send(&event))?;
    let reads = remote.read_again(&found.files)?;
    let (ping, ping_ns) = ping(&served)?;
    let mut procedures = remote.rows();
    procedures.push(ping);
    events::send(&Event::Done(Done {
        uid: rustix::process::geteuid().as_raw(),
        direct_access: reachable(&options.tree),
        procedures,
        reads,
        ping_ns,
        counts: served.files.tree.binding().counts().into(),
    }))?;

    let mut word = String::new();
    std::io::stdin().read_line(&mut word)?;
    anyhow::ensure!(word.trim_end() == GO_ON, "the demo that started this client gave up");
    let largest = found.files.iter().filter(|file| file.stat.size > 0).max_by_key(|file| file.stat.size);
    outage::live_through(served, largest, &options.resumed, || bind(options))
}

/// How long to wait for the server's name.
const BIND_PATIENCE: Duration = Duration::from_secs(10);

fn bind(options: &Options) -> anyhow::Result<Served> {
    let files = Pair { tree: bind_one(options, TREE)?, copy: bind_one(options, COPY)? };
    Ok(Served { files, null: bind_one(options, NULL)? })
}

fn bind_one<C: Client>(options: &Options, name: &str) -> anyhow::Result<C> {
    let names = &options.names;
    let name = options.far.map_or_else(|| name.to_owned(), |at| format!("chan://{at}/{name}"));
    let deadline = Instant::now() + BIND_PATIENCE;
    loop {
        let wait = deadline.saturating_duration_since(Instant::now());
        match nearcall::Binder::new(&name).dir(names).wait(wait).bind::<C>() {
            // A server that was killed a moment ago takes connections until the kernel has taken it apart.
            Err(BindError::Closed) if !wait.is_zero() => std::thread::sleep(Duration::from_millis(1)),
            // A host that is not there yet says nothing, or serves nothing yet.
            Err(BindError::Timeout(_) | BindError::NotFound { .. }) if options.far.is_some() && !wait.is_zero() => {}
            result => {
                let user = rustix::process::geteuid().as_raw();
                let context = || format!("user {user} cannot bind to the file server in {}", names.display());
                return result.with_context(context);
            }
        }
    }
}

/// Null calls of a batch, batches, and null calls that are timed one by one.
const BATCH: u32 = 1_000;
const BATCHES: usize = 21;
const SINGLE: u32 = 10_000;

/// Bound of each of the two parts, for machines on which a call needs the scheduler.
const PING_TIME: Duration = Duration::from_millis(500);

/// Calls nothing, often. Returns the line of single calls, and the mean of a call in nanoseconds.
///
/// A call takes about as long as two readings of the clock, so the mean comes from batches with the clock outside; the
/// median of these, because a batch in which something else ran is no statement about calls.
fn ping(served: &Served) -> anyhow::Result<(Row, f64)> {
    let mut means = Vec::with_capacity(BATCHES);
    let begin = Instant::now();
    while means.is_empty() || (means.len() < BATCHES && begin.elapsed() < PING_TIME) {
        let start = Instant::now();
        for _ in 0..BATCH {
            served.ping().context("the null call failed")?;
        }
        means.push(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
    }
    means.sort_by(f64::total_cmp);

    let mut meter = Meter::new("ping");
    let begin = Instant::now();
    for _ in 0..SINGLE {
        meter.time(|_| 0, || served.ping()).context("the null call failed")?;
        if begin.elapsed() > PING_TIME {
            break;
        }
    }
    Ok((meter.row(), means[means.len() / 2]))
}
