//! Network namespaces that a test makes itself: two hosts on one machine.

use std::io::Write as _;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::LinkNameSpaceType;

/// A network namespace, alive as long as this is.
#[derive(Debug)]
pub struct Namespace {
    keeper: Child,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

impl Namespace {
    /// `None` where that is not permitted.
    #[must_use]
    pub fn new() -> Option<Self> {
        // Of this thread, which may have gone elsewhere.
        let own = std::fs::read_link("/proc/thread-self/ns/net").ok()?;
        let mut unshare = Command::new("unshare");
        let unshare = unshare.args(["--net", "sleep", "600"]).stdin(Stdio::null()).stderr(Stdio::null());
        let mut it = Self { keeper: unshare.spawn().ok()? };
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_link(it.path()).ok()? == own {
            if it.keeper.try_wait().ok()?.is_some() || Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(it)
    }

    /// Where it is to be found, while it lives.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.keeper.id())
    }

    /// A program in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg(program);
        command
    }

    /// The calling thread goes there, and does not come back.
    ///
    /// # Panics
    /// When the kernel refuses.
    pub fn enter(&self) {
        enter(&self.path()).expect("this thread may go there");
    }

    fn ip(&self, arguments: &str) -> Option<()> {
        let mut ip = self.command("ip");
        let status = ip.args(arguments.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        status.success().then_some(())
    }
}

/// The calling thread goes to the network namespace at `path`.
///
/// # Errors
/// When there is none, or the kernel refuses.
pub fn enter(path: &str) -> std::io::Result<()> {
    let namespace = std::fs::File::open(path)?;
    Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

/// Says that something is not tested for want of `what`, where it is seen though the test passes. With `NEARCALL_TEST_ALL` set the
/// test fails instead.
///
/// # Panics
/// With `NEARCALL_TEST_ALL` set.
pub fn skipped(what: &str) {
    assert!(std::env::var_os("NEARCALL_TEST_ALL").is_none(), "not tested: {what}");
    // Not by a macro: the output of tests that pass is kept from people.
    let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: {what}\n");
}

/// Two namespaces with a veth pair between them: interface `near` in the first, `far` in the second, where the kernel has
/// 10.1.0.1/24 if `addressed`. `None`, and says so, where that is not permitted.
#[must_use]
pub fn veth(addressed: bool) -> Option<(Namespace, Namespace)> {
    let made = try_veth(addressed);
    if made.is_none() {
        skipped("no network namespaces here (they need root, unshare, nsenter and ip)");
    }
    made
}

fn try_veth(addressed: bool) -> Option<(Namespace, Namespace)> {
    let (near, far) = (Namespace::new()?, Namespace::new()?);
    let other = far.keeper.id();
    near.ip(&format!("link add near type veth peer name far netns {other}"))?;
    near.ip("link set near up")?;
    far.ip("link set lo up")?;
    far.ip("link set far up")?;
    if addressed {
        far.ip("addr add 10.1.0.1/24 dev far")?;
    }
    Some((near, far))
}
