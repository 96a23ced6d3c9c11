//! A hostile client for any export, a hostile server for any client, and a small victim: see `testkit/README.md`.

mod attack;
mod deceit;
mod innocent;
mod victim;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use nearcall_testkit::lies::{Lie, Seen, Verdict, client, server};

/// Lies to a nearcall server, or to a client, and sees how it takes it.
#[derive(Debug, Parser)]
#[command(name = "hostile")]
struct Cli {
    /// Prints every lie: its row in the list of attacks, its name, what it does, what a correct victim does.
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Lies to the server that exports NAME.
    Client {
        #[command(flatten)]
        options: Options,
        /// Calls this procedure only; again for more. All that there are, unless given.
        #[arg(long)]
        procedure: Vec<String>,
    },
    /// Exports NAME to any client, whatever interface it wants, and lies to it.
    Server {
        #[command(flatten)]
        options: Options,
    },
    /// Binds to NAME and calls, again and again, and checks that each call ends once, in time, by name.
    Victim {
        #[command(flatten)]
        options: Options,
    },
    /// Serves NAME honestly: the interface that the victim calls.
    Serve {
        #[command(flatten)]
        options: Options,
    },
    /// Does what any client may, for each line of standard input.
    #[command(hide = true)]
    Innocent {
        #[command(flatten)]
        options: Options,
    },
}

#[derive(Debug, Args)]
struct Options {
    /// The name.
    name: String,
    /// The directory of names; where both sides look for it unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// One lie by name; all of them unless given.
    #[arg(long, default_value = "all")]
    lie: String,
    /// How often each lie is told, or how often a victim binds.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// Where variations come from; a new one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    fn dir(&self) -> PathBuf {
        let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let user = || {
            let user = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
            user.is_dir().then(|| user.join("nearcall"))
        };
        let given = self.dir.clone().or_else(|| from("NEARCALL_DIR"));
        let derived = || from("XDG_RUNTIME_DIR").map(|dir| dir.join("nearcall")).or_else(user);
        given.or_else(derived).unwrap_or_else(|| "/run/nearcall".into())
    }

    /// The seed, said so that it can be given the next time.
    fn seed(&self) -> u64 {
        let seed = self.seed.unwrap_or_else(|| {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            u64::from(now.subsec_nanos()) ^ now.as_secs() << 20
        });
        println!("--seed {seed}");
        seed
    }

    /// The lies that were asked for.
    fn among<A: 'static>(&self, all: impl Iterator<Item = &'static Lie<A>>) -> Vec<&'static Lie<A>> {
        all.filter(|lie| self.lie == "all" || self.lie == lie.name).collect()
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.list {
        list();
        return ExitCode::SUCCESS;
    }
    // A liar's honest half panics where its victim does not play along; that is said in the verdict.
    std::panic::set_hook(Box::new(|_| {}));
    let fine = match cli.role {
        Some(Role::Client { options, procedure }) => attack::run(&options, &procedure),
        Some(Role::Server { options }) => deceit::run(&options),
        Some(Role::Victim { options }) => victim::run(&options),
        Some(Role::Serve { options }) => victim::serve(&options),
        Some(Role::Innocent { options }) => innocent::run(&options),
        None => Err("say `client NAME`, `server NAME`, `victim NAME`, or --list".to_owned()),
    };
    match fine {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::from(2)
        }
    }
}

fn list() {
    fn all<A: 'static>(role: &str, lies: impl Iterator<Item = &'static Lie<A>>) {
        for Lie { row, name, what, right, .. } in lies {
            println!("{role:6}  {row:14}  {name:13}  {what}\n{:39}-> {right}", "");
        }
    }
    all("client", client::all());
    all("server", server::all());
}

/// One line for a lie.
fn say<A>(lie: &Lie<A>, seen: Seen, verdict: &Verdict) -> bool {
    println!("{:14}  {:13}  {verdict} ({seen})", lie.row, lie.name);
    !matches!(verdict, Verdict::Failed(_))
}
