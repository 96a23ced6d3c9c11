//! The server and the client as the parent sees them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, bail};

use super::counts::{self, ServerSide};
use super::events::{Event, GO_ON};
use super::network::Network;
use super::processes::{Kept, Program, User, Workspace};
use super::tree::Rules;

/// How long a process may say nothing before the demo gives up. Above the default timeout of a call, so that a call
/// that hangs is reported by its own error.
const SILENCE: Duration = Duration::from_secs(60);

/// Everything the processes of one run have in common.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) program: Program,
    /// User of the client, if it is another one.
    pub(crate) user: Option<User>,
    pub(crate) tree: PathBuf,
    pub(crate) names: PathBuf,
    pub(crate) copy: PathBuf,
    pub(crate) spool: PathBuf,
    pub(crate) resumed: PathBuf,
    /// Between client and server, if they are on two hosts.
    pub(crate) network: Option<Network>,
    // Last: the directory is removed after everything that lies in it.
    pub(crate) workspace: Workspace,
}

impl Stage {
    /// Makes the directories of a run over `tree`.
    pub(crate) fn new(tree: PathBuf, user: Option<User>, far: bool) -> anyhow::Result<Self> {
        let program = Program::this()?;
        let workspace = Workspace::new(&program, user)?;
        // Others must find the socket, and only we may make one there.
        let names = workspace.directory("names", if user.is_some() { 0o755 } else { 0o700 }, None)?;
        let copy = workspace.directory("copy", 0o700, None)?;
        let spool = workspace.directory("spool", 0o700, user)?;
        let resumed = workspace.directory("resumed", 0o700, user)?.join("file");
        let network = far.then(|| Network::new(&program));
        Ok(Self { program, user, tree, names, copy, spool, resumed, network, workspace })
    }

    /// The workspace as a path of the tree, if it lies in it.
    pub(crate) fn own(&self) -> Option<String> {
        let workspace = self.workspace.path().canonicalize().ok()?;
        Some(workspace.strip_prefix(&self.tree).ok()?.to_str()?.to_owned())
    }

    /// Starts a server and waits until it has exported its service.
    pub(crate) fn server(&self) -> anyhow::Result<Server> {
        let role = "__demo-server";
        let mut command = match &self.network {
            None => self.program.command(role),
            Some(network) => network.server(&self.program, role),
        };
        command.args(["--parent", &std::process::id().to_string()]);
        command.arg("--names").arg(&self.names).arg("--tree").arg(&self.tree).arg("--copy").arg(&self.copy);
        if self.user.is_some() {
            command.arg("--everyone");
        }
        if let Some(network) = &self.network {
            command.args(["--far", &network.address()]);
        }
        let mut child = Kept::spawn(&mut command, "server")?;
        let out = child.stdout.take().context("the server has no pipe")?;
        let lines = lines(out);
        match lines.recv_timeout(SILENCE) {
            Ok(line) if line == "ready" => Ok(Server { lines, child }),
            Ok(line) => bail!("the demo's server says {line:?} instead of being ready"),
            Err(RecvTimeoutError::Timeout) => bail!("the demo's server is not ready after {SILENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the demo's server ended at its start; it says why above"),
        }
    }

    /// Starts the client, which begins at once.
    pub(crate) fn client(&self, rules: &Rules) -> anyhow::Result<Client> {
        use std::os::unix::process::CommandExt;
        let role = "__demo-client";
        let (mut command, becomes_user) = match &self.network {
            None => (self.program.command(role), false),
            Some(network) => network.client(&self.program, role, self.user),
        };
        command.args(["--parent", &std::process::id().to_string()]);
        command.arg("--names").arg(&self.names).arg("--tree").arg(&self.tree);
        command.arg("--spool").arg(&self.spool).arg("--resumed").arg(&self.resumed);
        command.args(["--limit-files", &rules.bounds.limit_files.to_string()]);
        command.args(["--max-bytes", &rules.bounds.max_bytes.to_string()]);
        if let Some(own) = &rules.own {
            command.arg("--own").arg(own);
        }
        // Not in a directory whose files the client shall not reach.
        command.current_dir(self.workspace.path()).stderr(Stdio::inherit());
        if let Some(network) = &self.network {
            command.args(["--far", &network.address()]);
        }
        if let Some(user) = self.user.filter(|_| !becomes_user) {
            // Supplementary groups are dropped by this, too, when it is root who drops.
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = Kept::spawn(&mut command, "client").with_context(|| match self.user {
            Some(user) => format!("root cannot become user {} here; run the demo as an ordinary user", user.uid),
            None => "a process is missing".to_owned(),
        })?;
        let out = child.stdout.take().context("the client has no pipe")?;
        let word = child.stdin.take().context("the client has no pipe")?;
        Ok(Client { events: lines(out), word, child })
    }
}

/// The server process.
#[derive(Debug)]
pub(crate) struct Server {
    lines: mpsc::Receiver<String>,
    child: Kept,
}

impl Server {
    /// How it took the calls so far.
    ///
    /// Its processors add what they counted when they go to sleep, so this is asked for when nobody calls.
    pub(crate) fn counts(&mut self) -> anyhow::Result<ServerSide> {
        let word = self.child.stdin.as_mut().context("the server has no pipe")?;
        writeln!(word, "{}", counts::ASK).context("the demo's server ended early; it says why above")?;
        let line = self.lines.recv_timeout(SILENCE).context("the demo's server does not say how it took the calls")?;
        serde_json::from_str(&line).with_context(|| format!("the demo's server says {line:?}"))
    }

    /// Kills it with SIGKILL, by its id, and waits until it has ended: a process that is dying has its names still.
    pub(crate) fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Asks it to end. Returns whether it did, successfully, within `patience`.
    pub(crate) fn finish(self, patience: Duration) -> bool {
        self.child.finish(patience)
    }
}

/// The client process.
#[derive(Debug)]
pub(crate) struct Client {
    events: mpsc::Receiver<String>,
    word: ChildStdin,
    child: Kept,
}

impl Client {
    /// The next event.
    ///
    /// # Errors
    /// The client ended, or has been silent for too long, or says what is no event.
    pub(crate) fn event(&mut self) -> anyhow::Result<Event> {
        match self.events.recv_timeout(SILENCE) {
            Ok(line) => serde_json::from_str(&line).with_context(|| format!("the demo's client says {line:?}")),
            Err(RecvTimeoutError::Timeout) => bail!("the demo's client made no progress in {SILENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the demo's client ended early; it says why above"),
        }
    }

    /// Lets the client go on after [`Event::Done`].
    pub(crate) fn go_on(&mut self) -> anyhow::Result<()> {
        writeln!(self.word, "{GO_ON}").context("the demo's client ended early; it says why above")
    }

    /// Waits for the end of the client. Returns whether it was a success.
    pub(crate) fn finish(self) -> bool {
        drop(self.word);
        self.child.finish(SILENCE)
    }
}

/// The lines of a pipe, read by a thread, because a pipe's own read knows no timeout.
fn lines(pipe: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::sync_channel(256);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

/// The tree's directory, as the processes name it.
pub(crate) fn resolve(dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.canonicalize().with_context(|| format!("cannot use {}", dir.display()))?;
    if !path.is_dir() {
        bail!("{} is not a directory; name one, or none for the current one", dir.display());
    }
    Ok(path)
}
