//! Processes seen from outside, by way of `/proc`, and forked.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// What names a process's part; [`Peer::part`] reads it.
const PART: &str = "NEARCALL_TEST_PART";
const DIR: &str = "NEARCALL_TEST_DIR";

/// Another process of this test program, with a part to play. Killed when dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Peer {
    /// Starts this program again, so that its test `play` finds `part` and `dir`; waits until it says that it is
    /// [`ready`].
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn start(part: &str, dir: &Path) -> Self {
        Self::start_by(Command::new(std::env::current_exe().expect("a program")), part, dir)
    }

    /// The same as another user, who is in the group of the same number and no other: for root only.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn start_as(uid: u32, part: &str, dir: &Path) -> Self {
        // By the link, because the directories of the program need not be everybody's.
        let mut command = Command::new("/proc/self/exe");
        command.uid(uid).gid(uid);
        Self::start_by(command, part, dir)
    }

    /// The same by a command that executes this program with the arguments it is given.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn start_by(mut command: Command, part: &str, dir: &Path) -> Self {
        let mut child = command
            .args(["play", "--exact", "--nocapture"])
            .env(PART, part)
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut heard = String::new();
        while !heard.ends_with("ready\n") {
            let more = said.read_line(&mut heard).expect("a pipe");
            assert!(more > 0, "{part} ended: {heard}");
        }
        // The rest is read so that the process never blocks on a full pipe.
        std::thread::spawn(move || io::copy(&mut said, &mut io::stderr()));
        let stdin = child.stdin.take();
        Self { child, stdin }
    }

    /// The part this process was started to play, and its directory.
    #[must_use]
    pub fn part() -> Option<(String, std::path::PathBuf)> {
        Some((std::env::var(PART).ok()?, std::env::var_os(DIR)?.into()))
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a line; it reads them with [`told`].
    ///
    /// # Panics
    /// If it does not listen any more.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("not released yet");
        writeln!(stdin, "{line}").expect("somebody who listens");
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a process of ours");
    }

    /// Sends SIGKILL and does not wait.
    ///
    /// # Panics
    /// If there is no such process.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process of ours");
    }

    /// Waits for its end, at most `patience`; says whether it was a success. `None` if it still runs.
    pub fn ends(&mut self, patience: Duration) -> Option<bool> {
        drop(self.stdin.take());
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.success());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says that this process is ready for its part.
pub fn ready() {
    eprintln!("ready");
}

/// The next line that whoever started this process tells it; `None` once it was let go of. Asleep until then.
#[must_use]
pub fn told() -> Option<String> {
    io::stdin().lines().next()?.ok()
}

/// Waits until whoever started this process lets go of it, then ends it with status 0.
pub fn until_released() -> ! {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    std::process::exit(0);
}

/// Open descriptors of a process: number, what it is, whether it stays open across exec.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn descriptors(pid: u32) -> Vec<(u32, String, bool)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).expect("a process") {
        let entry = entry.expect("an entry");
        let (Ok(what), Ok(number)) = (fs::read_link(entry.path()), entry.file_name().to_string_lossy().parse()) else {
            continue;
        };
        let Ok(info) = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")) else { continue };
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags").trim();
        let flags = u32::from_str_radix(flags, 8).expect("octal");
        let stays = flags & libc::O_CLOEXEC.cast_unsigned() == 0;
        all.push((number, what.to_string_lossy().into_owned(), stays));
    }
    all.sort();
    all
}

/// A region as `/proc/PID/maps` shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mapped {
    /// `rw-s` or `r--s`.
    pub access: String,
    /// Which file.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
}

/// The regions that a process has mapped.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn regions(pid: u32) -> Vec<Mapped> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("a process");
    let mut all: Vec<_> = maps
        .lines()
        .filter(|line| line.contains("/memfd:nearcall"))
        .map(|line| {
            let mut fields = line.split_whitespace();
            let (from, to) = fields.next().and_then(|range| range.split_once('-')).expect("a range");
            let hex = |digits| u64::from_str_radix(digits, 16).expect("hexadecimal");
            let access = fields.next().expect("access").to_owned();
            let inode = fields.nth(2).and_then(|inode| inode.parse().ok()).expect("an inode");
            Mapped { access, inode, size: hex(to) - hex(from) }
        })
        .collect();
    all.sort();
    all
}

/// The bytes of the regions that this process has mapped: how it has mapped them, and what is in them now. A segment that is
/// given back meanwhile is none of them.
///
/// # Panics
/// If one cannot be read that is there.
#[must_use]
pub fn region_bytes() -> Vec<(String, Vec<u8>)> {
    use std::os::unix::fs::FileExt;
    let maps = fs::read_to_string("/proc/self/maps").expect("this process");
    let memory = fs::File::open("/proc/self/mem").expect("this process");
    let regions = maps.lines().filter(|line| line.contains("/memfd:nearcall")).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (from, to) = fields.next().and_then(|range| range.split_once('-')).expect("a range");
        let hex = |digits| u64::from_str_radix(digits, 16).expect("hexadecimal");
        let mut bytes = vec![0; usize::try_from(hex(to) - hex(from)).expect("a size")];
        if let Err(error) = memory.read_exact_at(&mut bytes, hex(from)) {
            let now = fs::read_to_string("/proc/self/maps").expect("this process");
            assert!(!now.lines().any(|still| still == line), "{line}: {error}");
            return None;
        }
        Some((fields.next().expect("access").to_owned(), bytes))
    });
    regions.collect()
}

/// The most memory that a process has held so far, in KiB.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn resident_peak_kib(pid: u32) -> u64 {
    kib(pid, "VmHWM:")
}

/// Memory that a process holds, in KiB.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn resident_kib(pid: u32) -> u64 {
    kib(pid, "VmRSS:")
}

/// Memory that a process has touched and may share with others, in KiB.
///
/// # Panics
/// If the process is gone.
#[must_use]
pub fn shared_kib(pid: u32) -> u64 {
    kib(pid, "RssShmem:")
}

fn kib(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("a process with memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Runs `child` in a forked child, which ends with its result as exit status; returns that, or `None` if the child was
/// ended by a signal or did not end within ten seconds.
///
/// # Safety
/// 1. Nothing that `child` uses may need a lock that another kernel thread of this process can hold at this moment
///    (glibc's own allocator is safe).
pub unsafe fn in_forked_child(child: impl FnOnce() -> i32) -> Option<i32> {
    // SAFETY: precondition 1; the child ends below without returning into the caller's frames.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let status = child();
        // SAFETY: ends the child at once, without destructors and exit handlers of the parent.
        unsafe { libc::_exit(status) };
    }
    assert!(pid > 0, "fork: {}", io::Error::last_os_error());
    let start = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: `status` is ours; the child is ours and not yet waited for.
        let ended = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if ended == pid {
            return libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
        }
        if start.elapsed() > Duration::from_secs(10) {
            // SAFETY: the child is ours and not yet waited for, so the id is still its own.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            // SAFETY: as above.
            unsafe { libc::waitpid(pid, &raw mut status, 0) };
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A child that was forked and goes on from here, in the middle of the program. Killed when dropped.
#[derive(Debug)]
pub struct Forked(libc::pid_t);

impl Forked {
    /// Forks; the child runs `child` and ends, with status 0 whatever becomes of it.
    ///
    /// The child has this kernel thread only, and locks that others held stay locked in it: it must not need any but the
    /// allocator's, which is safe.
    ///
    /// # Panics
    /// If there can be no more processes.
    #[must_use]
    pub fn start(child: impl FnOnce()) -> Self {
        // SAFETY: the child ends below without returning into the caller's frames; what it may use is documented.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // It must not outlive a program that is killed, nor say anything.
            let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends the child at once, without destructors and exit handlers of the parent.
            unsafe { libc::_exit(0) };
        }
        assert!(pid > 0, "fork: {}", io::Error::last_os_error());
        Self(pid)
    }

    /// Its process id.
    ///
    /// # Panics
    /// Never: ids are not negative.
    #[must_use]
    pub fn pid(&self) -> u32 {
        u32::try_from(self.0).expect("a process id")
    }

    /// Sends it a signal; nothing happens if it has ended already, as it is not waited for until it is dropped.
    pub fn signal(&self, signal: rustix::process::Signal) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.0) {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: the child is ours and not yet waited for, so the id is still its own.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        // SAFETY: as above; `status` is ours.
        unsafe { libc::waitpid(self.0, &raw mut status, 0) };
    }
}
