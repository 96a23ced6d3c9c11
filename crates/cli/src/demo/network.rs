//! The network of `nearcall demo --far`: two namespaces with a veth pair between them, or else the loopback interface.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nearcall::far::PORT;

use super::processes::{Kept, Program, User, die_with};

/// How long a namespace may take to be there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks whether it is.
const LOOK: Duration = Duration::from_millis(5);

/// Where the two sides run.
#[derive(Debug)]
pub(crate) enum Network {
    /// Each in a network namespace, kept by a process: the client's, the server's.
    Namespaces(Kept, Kept),
    /// Both here, over loopback; why.
    Loopback(&'static str),
}

/// How a namespace's process is started.
#[derive(Debug, clap::Args)]
pub(crate) struct KeeperOptions {
    /// Process that must be alive
    #[arg(long)]
    parent: u32,
}

/// Is there, for its namespace to be.
///
/// # Errors
/// When the demo is gone.
pub(crate) fn keep(options: &KeeperOptions) -> anyhow::Result<()> {
    die_with(options.parent)?;
    loop {
        std::thread::park();
    }
}

impl Network {
    /// Namespaces if this user may make them.
    pub(crate) fn new(program: &Program) -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::Loopback("only root may make network namespaces");
        }
        match namespaces(program) {
            Some((client, server)) => Self::Namespaces(client, server),
            None => Self::Loopback("network namespaces cannot be made here"),
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Namespaces(..) => {
                "client and server in network namespaces of their own, with a veth pair between them".to_owned()
            }
            Self::Loopback(why) => format!("client and server over loopback: {why}"),
        }
    }

    /// Where the server's host listens.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Namespaces(..) => format!("10.137.0.2:{PORT}"),
            Self::Loopback(_) => {
                let [.., c, d] = std::process::id().to_be_bytes();
                format!("127.137.{c}.{d}:{PORT}")
            }
        }
    }

    /// A command for the server's process.
    pub(crate) fn server(&self, program: &Program, role: &str) -> Command {
        match self {
            Self::Namespaces(_, keeper) => program.command_in(role, &namespace(keeper), None),
            Self::Loopback(_) => program.command(role),
        }
    }

    /// A command for the client's process; whether it becomes `user` by itself.
    pub(crate) fn client(&self, program: &Program, role: &str, user: Option<User>) -> (Command, bool) {
        match self {
            Self::Namespaces(keeper, _) => (program.command_in(role, &namespace(keeper), user), true),
            Self::Loopback(_) => (program.command(role), false),
        }
    }
}

fn namespace(keeper: &Child) -> String {
    format!("/proc/{}/ns/net", keeper.id())
}

fn namespaces(program: &Program) -> Option<(Kept, Kept)> {
    let own = std::fs::read_link("/proc/self/ns/net").ok()?;
    let start = || {
        let mut command = program.command_by("__demo-keeper", "unshare", &["--net"]);
        command.args(["--parent", &std::process::id().to_string()]).stderr(Stdio::null());
        let mut keeper = Kept::spawn(&mut command, "keeper").ok()?;
        let deadline = Instant::now() + PATIENCE;
        // Until `unshare` has gone there and become the keeper.
        while std::fs::read_link(namespace(&keeper)).ok()? == own {
            if keeper.try_wait().ok()?.is_some() || Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(LOOK);
        }
        Some(keeper)
    };
    let (client, server) = (start()?, start()?);
    let ip = |keeper: &Kept, arguments: &str| {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", namespace(keeper))).arg("ip").args(arguments.split_whitespace());
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        status.success().then_some(())
    };
    ip(&client, &format!("link add near type veth peer name far netns {}", server.id()))?;
    ip(&client, "addr add 10.137.0.1/24 dev near")?;
    ip(&server, "addr add 10.137.0.2/24 dev far")?;
    ip(&client, "link set near up")?;
    ip(&server, "link set far up")?;
    Some((client, server))
}
