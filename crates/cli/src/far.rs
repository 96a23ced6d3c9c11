//! `nearcall serve-far`: this machine's exports, callable from others; and what other hosts serve.

use std::io::Write;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nearcall::Exporter;
use nearcall::far::{Host, PORT, serve, serve_gateway};

/// Arguments of `nearcall serve-far`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Names to serve; all that are exported if none is given
    names: Vec<String>,
    /// Address and port to listen at, by the kernel's UDP
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, PORT))]
    bind: SocketAddrV4,
    /// A graph file to use in the place of the built-in graph; its `anchor` stands on SELECT
    #[arg(long, value_name = "FILE", conflicts_with = "bind")]
    graph: Option<PathBuf>,
    /// The directory of names; otherwise the one that exports and binds use
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Also exports this host as a gateway under this name, for processes without a network
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
    /// Ends after this many seconds; with a signal if not given
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
}

/// Serves until it is ended.
///
/// # Errors
/// When the graph cannot be had, or nobody reads the output.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (host, at) = match &options.graph {
        None => (Host::bound_to(*options.bind.ip(), options.bind.port())?, options.bind.to_string()),
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
            (Host::compose(&file, &text)?, file)
        }
    };
    let names: Vec<&str> = options.names.iter().map(String::as_str).collect();
    let host = Arc::new(host);
    let export = |name: &String| {
        let exporter = Exporter::new(name);
        let exporter = options.dir.iter().fold(exporter, |exporter, dir| exporter.dir(dir));
        serve_gateway(Arc::clone(&host), exporter)
    };
    let _gateway = options.gateway.as_ref().map(export).transpose()?;
    let _server = serve(Arc::clone(&host), options.dir.clone(), &names)?;
    let what = if names.is_empty() { "all names".to_owned() } else { names.join(", ") };
    let mut out = std::io::stdout();
    writeln!(out, "serving {what} at {at}")?;
    out.flush()?;
    match options.seconds {
        Some(seconds) => std::thread::sleep(Duration::from_secs(seconds)),
        None => loop {
            std::thread::park();
        },
    }
    Ok(())
}

/// Prints what another host serves.
///
/// # Errors
/// When it does not answer, or nobody reads the output.
pub(crate) fn list(host: &str, json: bool) -> Result<()> {
    let all = nearcall::far::list(host)?;
    let mut out = std::io::stdout().lock();
    if json {
        let all = all.iter().map(|(name, interface)| serde_json::json!({ "name": name, "interface": interface }));
        writeln!(out, "{}", serde_json::Value::from_iter(all))?;
        return Ok(());
    }
    let width = all.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(4);
    writeln!(out, "{:width$}  INTERFACE", "NAME")?;
    for (name, interface) in all {
        writeln!(out, "{name:width$}  {interface}")?;
    }
    Ok(())
}
