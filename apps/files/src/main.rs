//! `nearcall-files`: the servers, as processes.
//!
//! `pfs NAME DIRECTORY` serves a directory; `vfs NAME MOUNT=PFS..` names such servers. Both serve until their standard input ends.

#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use nearcall::{Binder, CallError, Exporter};
use nearcall_files::client::FileSystem;
use nearcall_files::pfs::Pfs;
use nearcall_files::vfs::Mounts;
use nearcall_files::{FilesClient, Handle, VfsServer};

/// A file server in processes of its own.
#[derive(Debug, Parser)]
#[command(name = "nearcall-files", version)]
struct Arguments {
    /// Directory of names, if not the usual one
    #[arg(long, global = true)]
    names: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a directory
    Pfs {
        /// Name to be found by
        name: String,
        /// What is served: this and what is below it
        directory: PathBuf,
        /// Size of the page cache
        #[arg(long, default_value_t = 64)]
        cache_mib: usize,
        /// Refuse whatever changes something
        #[arg(long)]
        read_only: bool,
    },
    /// Names mounts
    Vfs {
        /// Name to be found by
        name: String,
        /// MOUNT=PFS: the first name of paths, and the name of the server that has what follows
        mounts: Vec<String>,
    },
    /// Prints a file, or lists a directory, of a vfs
    Show {
        /// Name of the vfs
        vfs: String,
        /// What is shown
        path: String,
    },
    /// Tries a handle that this process was not given, for tests
    #[command(hide = true)]
    Try { pfs: String, slot: u32, generation: u32 },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nearcall-files: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const PAGES_A_MIB: usize = (1 << 20) / nearcall_files::cache::PAGE;

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let names = arguments.names;
    let exporter = |name: &str| match &names {
        Some(dir) => Exporter::new(name).dir(dir),
        None => Exporter::new(name),
    };
    let binder = |name: &str| match &names {
        Some(dir) => Binder::new(name).dir(dir),
        None => Binder::new(name),
    };
    match arguments.command {
        Command::Pfs { name, directory, cache_mib, read_only } => {
            // Each open file takes one; how many there are for all clients is what the system allows this process.
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
            let _ = rustix::process::setrlimit(
                rustix::process::Resource::Nofile,
                rustix::process::Rlimit { current: limit.maximum, ..limit },
            );
            let pfs = Pfs::new(&directory, cache_mib.saturating_mul(PAGES_A_MIB))
                .with_context(|| format!("cannot open {} to serve it", directory.display()))?;
            let pfs = Arc::new(if read_only { pfs.read_only() } else { pfs });
            let export = Arc::clone(&pfs).export(exporter(&name)).with_context(|| format!("cannot export {name}"))?;
            serve()?;
            drop(export);
        }
        Command::Vfs { name, mounts } => {
            let mut vfs = Mounts::new();
            for mount in &mounts {
                let (at, pfs) = mount.split_once('=').with_context(|| format!("{mount:?} is no MOUNT=PFS"))?;
                vfs = vfs.mount(at, binder(pfs)).with_context(|| format!("cannot mount {mount:?}"))?;
            }
            let export = exporter(&name).export(VfsServer::new(vfs));
            let export = export.with_context(|| format!("cannot export {name}"))?;
            serve()?;
            drop(export);
        }
        Command::Show { vfs, path } => {
            let files = FileSystem::bind(binder(&vfs)).with_context(|| format!("cannot bind to {vfs}"))?;
            let mut out = std::io::stdout();
            if files.stat(&path, 0)?.kind == nearcall_files::Kind::Directory {
                for entry in files.list(&path)? {
                    out.write_all(&entry.name)?;
                    out.write_all(b"\n")?;
                }
            } else {
                let file = files.open(&path, nearcall_files::flags::READ)?;
                file.read_parts(|part| out.write_all(part))?;
            }
        }
        Command::Try { pfs, slot, generation } => {
            let pfs: FilesClient = binder(&pfs).bind().with_context(|| format!("cannot bind to {pfs}"))?;
            let handle = Handle { slot, generation };
            let found = |found: nearcall_files::Found| found.size;
            let window = |window: nearcall::SharedGrant| window.size() as u32;
            for tried in [
                pfs.read(handle, &mut 0, &mut [0; 16]),
                pfs.find(handle, 0, 16).map(found),
                pfs.window(handle).map(window),
            ] {
                match tried {
                    Ok(n) => println!("{n} bytes"),
                    Err(CallError::App(error)) => println!("{error}"),
                    Err(error) => println!("{error}"),
                }
            }
        }
    }
    Ok(())
}

/// Until whoever started us closes our standard input.
fn serve() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(b"ready\n").and_then(|()| out.flush()).context("nobody hears that this server is ready")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("cannot wait for the end of standard input")?;
    Ok(())
}
