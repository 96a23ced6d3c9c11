//! The demo's server process: the file server of `apps/files` over two directories, and a null call.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nearcall::far::{Host, HostError};
use nearcall_files::pfs::Pfs;

use super::counts::{self, ServerSide};
use super::files::{COPY, NULL, Nothing, NullServer, TREE};
use super::processes;

/// Pages of 4 KiB that each of the two caches has.
const PAGES: usize = 4096;

/// How the parent starts the server.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Process that must be alive
    #[arg(long)]
    parent: u32,
    /// Directory of names
    #[arg(long)]
    names: PathBuf,
    /// Tree to read
    #[arg(long)]
    tree: PathBuf,
    /// Tree to write
    #[arg(long)]
    copy: PathBuf,
    /// Whether clients of other users may bind
    #[arg(long)]
    everyone: bool,
    /// Address and port at which other hosts are served
    #[arg(long)]
    far: Option<std::net::SocketAddrV4>,
}

/// Serves until the parent closes our standard input; says how the calls were taken whenever it asks.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    processes::die_with(options.parent)?;
    let context = |path: &PathBuf, what: &str| format!("cannot open {} {what}", path.display());
    let tree = Pfs::new(&options.tree, PAGES).with_context(|| context(&options.tree, "to serve it"))?.read_only();
    let copy = Pfs::new(&options.copy, PAGES).with_context(|| context(&options.copy, "to write to"))?;
    let mode = if options.everyone { 0o666 } else { 0o600 };
    let exporter = |name| nearcall::Exporter::new(name).dir(&options.names).mode(mode);
    let failed = "cannot export the file server";
    let _tree = Arc::new(tree).export(exporter(TREE)).context(failed)?;
    let _copy = Arc::new(copy).export(exporter(COPY)).context(failed)?;
    let _null = exporter(NULL).export(NullServer::new(Nothing)).context("cannot export the null call")?;

    let _far = options.far.map(|at| serve_far(options, at)).transpose()?;

    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).context("the demo that started this server is gone")?;
    for line in std::io::stdin().lines().map_while(Result::ok) {
        ensure!(line == counts::ASK, "the demo that started this server asks {line:?}");
        let mut answer = serde_json::to_vec(&ServerSide::from(nearcall::server_counts()))?;
        answer.push(b'\n');
        out.write_all(&answer).and_then(|()| out.flush()).context("the demo that started this server is gone")?;
    }
    Ok(())
}

/// Makes the services callable from other hosts.
fn serve_far(options: &Options, at: std::net::SocketAddrV4) -> anyhow::Result<nearcall::far::FarServer> {
    let deadline = Instant::now() + REBIND;
    let host = loop {
        match Host::bound_to(*at.ip(), at.port()) {
            Ok(host) => break host,
            // A server that was killed a moment ago has its socket until the kernel has taken it apart.
            Err(HostError::File { .. }) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error).context("cannot listen to other hosts"),
        }
    };
    nearcall::far::serve(Arc::new(host), Some(options.names.clone()), &[TREE, COPY, NULL])
        .context("cannot serve other hosts")
}

/// How long a server that was killed may keep its port.
const REBIND: Duration = Duration::from_secs(5);
