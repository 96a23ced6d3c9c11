//! The processes of the demo: how they start, how they end with it, and who removes its files.
//!
//! The demo may be ended by a signal at any moment, and catching one takes code that this crate does without. So the
//! kernel ends the children (PR_SET_PDEATHSIG), and a *sweeper*, a process of its own group that Ctrl-C does not reach,
//! waits for the end of a pipe that the demo holds and then removes the directory. It works for SIGKILL, too.

use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::Signal;

/// This program, held open: a user whom we become may not be able to reach the path of the executable.
#[derive(Debug)]
pub(crate) struct Program(std::fs::File, std::cell::OnceCell<OwnedFd>);

impl Program {
    /// The running program.
    pub(crate) fn this() -> anyhow::Result<Self> {
        let file = std::fs::File::open("/proc/self/exe");
        let file = file.context("cannot open /proc/self/exe to start the demo's processes; is /proc mounted?")?;
        Ok(Self(file, std::cell::OnceCell::new()))
    }

    /// A command that runs it as `role`, one of the hidden subcommands.
    pub(crate) fn command(&self, role: &str) -> Command {
        // The descriptor is closed by the exec, after the kernel has opened the file behind it.
        let mut command = Command::new(format!("/proc/self/fd/{}", self.0.as_raw_fd()));
        command.arg0("nearcall").arg(role).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// The same by another program, which is given `arguments` and then executes ours.
    pub(crate) fn command_by(&self, role: &str, by: &str, arguments: &[&str]) -> Command {
        // A descriptor that the other program keeps: it has to open what is behind it, perhaps as another user.
        let kept = match self.1.get() {
            Some(kept) => kept.as_raw_fd(),
            None => match rustix::io::dup(&self.0) {
                Ok(kept) => self.1.get_or_init(|| kept).as_raw_fd(),
                Err(_) => self.0.as_raw_fd(),
            },
        };
        let mut command = Command::new(by);
        command.args(arguments).arg(format!("/proc/self/fd/{kept}")).arg(role);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// The same in the network namespace at `path`, as `user` if it is another one.
    pub(crate) fn command_in(&self, role: &str, path: &str, user: Option<User>) -> Command {
        let mut arguments = vec![format!("--net={path}")];
        if let Some(user) = user {
            arguments.extend([format!("--setuid={}", user.uid), format!("--setgid={}", user.gid)]);
        }
        arguments.push("--".to_owned());
        self.command_by(role, "nsenter", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// A child process that does not outlive this value.
#[derive(Debug)]
pub(crate) struct Kept(Child);

impl Kept {
    /// Starts `command`, called `name` in the error.
    pub(crate) fn spawn(command: &mut Command, name: &str) -> anyhow::Result<Self> {
        Ok(Self(command.spawn().with_context(|| format!("cannot start the demo's {name} process"))?))
    }

    /// Asks the child to end by closing its standard input, and waits for at most `patience`; then kills it.
    ///
    /// Returns whether it ended by itself and successfully.
    pub(crate) fn finish(mut self, patience: Duration) -> bool {
        drop(self.0.stdin.take());
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            match self.0.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(_) => return false,
            }
        }
        false
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Both fail only if the child is gone already, which is what they are for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Deref for Kept {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

/// In a child, first of all: end when `parent`, which started us, ends.
pub(crate) fn die_with(parent: u32) -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .context("cannot ask the kernel to end this process with its parent")?;
    // It may have ended before the kernel knew.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    anyhow::ensure!(now == Some(parent), "the demo that started this process is gone (or this was started by hand)");
    Ok(())
}

/// The user the client runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user and group that own nothing, as Linux calls them when it must name them.
const NOBODY: u32 = 65_534;

/// The unprivileged user for the client if we are root: the one who called sudo, else nobody.
pub(crate) fn unprivileged() -> Option<User> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let id = |name| std::env::var(name).ok()?.parse().ok().filter(|&id: &u32| id != 0);
    Some(User { uid: id("SUDO_UID").unwrap_or(NOBODY), gid: id("SUDO_GID").unwrap_or(NOBODY) })
}

/// The demo's directory, removed when this value or the whole process ends.
#[derive(Debug)]
pub(crate) struct Workspace {
    dir: Option<tempfile::TempDir>,
    sweeper: Option<(Kept, ChildStdin)>,
}

impl Workspace {
    /// Makes the directory. If `client` is another user, it can pass through the directory, but not list it.
    pub(crate) fn new(program: &Program, client: Option<User>) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let at = std::env::temp_dir();
        // Closed to others until all is in place.
        let private = std::fs::Permissions::from_mode(0o700);
        let dir = tempfile::Builder::new().prefix("nearcall-demo-").permissions(private).tempdir();
        let dir = dir.with_context(|| format!("cannot make a directory in {}; set TMPDIR to another", at.display()))?;
        let mut sweeper = program.command("__demo-sweeper");
        sweeper.arg(dir.path()).stdout(Stdio::null()).process_group(0);
        let mut sweeper = Kept::spawn(&mut sweeper, "sweeper")?;
        let pipe = sweeper.stdin.take().context("the sweeper has no pipe")?;
        if client.is_some() {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711))?;
        }
        Ok(Self { dir: Some(dir), sweeper: Some((sweeper, pipe)) })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.dir.as_ref().map_or(Path::new(""), tempfile::TempDir::path)
    }

    /// Makes a directory in it with this mode, owned by `owner` if that is given.
    pub(crate) fn directory(&self, name: &str, mode: u32, owner: Option<User>) -> anyhow::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        let made = std::fs::create_dir(&path)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)))
            .and_then(|()| {
                owner.map_or(Ok(()), |user| std::os::unix::fs::chown(&path, Some(user.uid), Some(user.gid)))
            });
        made.with_context(|| format!("cannot make the directory {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        drop(self.dir.take());
        // The sweeper finds nothing left, or tries what we could not.
        if let Some((sweeper, pipe)) = self.sweeper.take() {
            drop(pipe);
            sweeper.finish(Duration::from_secs(5));
        }
    }
}

/// How the parent starts the sweeper.
#[derive(Debug, clap::Args)]
pub(crate) struct SweeperOptions {
    /// Directory to remove
    dir: PathBuf,
}

/// Waits for the end of the demo, then removes its directory.
pub(crate) fn sweep(options: &SweeperOptions) -> anyhow::Result<()> {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    // Children of the demo end with it, but may make a file while they do.
    for _ in 0..50 {
        match std::fs::remove_dir_all(&options.dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(20));
            }
            _ => return Ok(()),
        }
    }
    anyhow::bail!("cannot remove {}; please remove it", options.dir.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_end_with_their_handle() {
        let child = Kept::spawn(Command::new("sleep").arg("60"), "sleep").unwrap();
        let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        assert!(rustix::process::test_kill_process(pid).is_ok());
        drop(child);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn closing_the_input_asks_to_end() {
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null());
        assert!(Kept::spawn(&mut cat, "cat").unwrap().finish(Duration::from_secs(10)));
        assert!(!Kept::spawn(Command::new("sleep").arg("60"), "sleep").unwrap().finish(Duration::from_millis(10)));
    }
}
