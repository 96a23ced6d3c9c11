//! The `nearcall` program.
//!
//! `nearcall demo` shows calls between processes on real files and checks them byte for byte; `nearcall ls` and `nearcall
//! info` say who exports what; `nearcall graph` looks at protocol graphs and runs them; `nearcall
//! serve-far` makes exports callable from other machines; `nearcall idl` compiles interfaces. The subcommands that begin with `__` are the other processes of the demo; nobody starts them by hand.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod demo;
mod far;
mod graph;
mod idl;
mod names;

/// Calls between processes, of one machine or of several.
#[derive(Debug, Parser)]
#[command(name = "nearcall", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads a tree through calls to a file server, writes a copy through calls, compares, and kills the server
    Demo(demo::Options),
    /// Lists the names in a directory, and who is behind them
    Ls(names::ListOptions),
    /// Shows what a server says of itself: its interface, its limits, its clients
    Info(names::InfoOptions),
    /// Checks, draws and runs protocol graphs
    Graph(graph::Options),
    /// Makes what is exported on this machine callable from others
    ServeFar(far::Options),
    /// Compiles interfaces that are written in an `.idl` file
    #[command(subcommand)]
    Idl(idl::Command),
    #[command(name = "__demo-server", hide = true)]
    Server(demo::server::Options),
    #[command(name = "__demo-client", hide = true)]
    Client(demo::client::Options),
    #[command(name = "__demo-socket-server", hide = true)]
    SocketServer(demo::baseline::Options),
    #[command(name = "__demo-ping-pong", hide = true)]
    PingPong(demo::pingpong::Options),
    #[command(name = "__demo-keeper", hide = true)]
    Keeper(demo::network::KeeperOptions),
    #[command(name = "__demo-sweeper", hide = true)]
    Sweeper(demo::processes::SweeperOptions),
}

fn main() -> ExitCode {
    let (role, result) = match Arguments::parse().command {
        Command::Demo(options) => ("demo", demo::run(&options)),
        Command::Ls(options) => ("ls", names::list(&options).map(|()| ExitCode::SUCCESS)),
        Command::Info(options) => ("info", names::info(&options).map(|()| ExitCode::SUCCESS)),
        Command::ServeFar(options) => ("serve-far", far::run(&options).map(|()| ExitCode::SUCCESS)),
        Command::Graph(options) => ("graph", graph::run(&options).map(|()| ExitCode::SUCCESS)),
        Command::Idl(command) => ("idl", idl::run(&command)),
        Command::Server(options) => ("demo's server", demo::server::run(&options).map(|()| ExitCode::SUCCESS)),
        Command::Client(options) => ("demo's client", demo::client::run(&options).map(|()| ExitCode::SUCCESS)),
        Command::SocketServer(options) => {
            ("demo's socket server", demo::baseline::serve(&options).map(|()| ExitCode::SUCCESS))
        }
        Command::PingPong(options) => {
            ("demo's ping-pong", demo::pingpong::answer(&options).map(|()| ExitCode::SUCCESS))
        }
        Command::Keeper(options) => ("demo's keeper", demo::network::keep(&options).map(|()| ExitCode::SUCCESS)),
        Command::Sweeper(options) => ("demo's sweeper", demo::processes::sweep(&options).map(|()| ExitCode::SUCCESS)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("nearcall: {role}: {error:#}");
        ExitCode::FAILURE
    })
}
