//! Kernel threads of a process as the kernel sees them: where they may run, how long they ran, how often they slept.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A kernel thread at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub tid: u32,
    /// Its name, of which the kernel keeps 15 bytes.
    pub name: String,
    /// `R` runs or could, `S` sleeps, `T` is stopped, `Z` has ended; others as in proc(5).
    pub state: char,
    /// Times it gave up its CPU because it had to wait. A yield is none of them.
    pub voluntary: u64,
    /// How long it was on a CPU.
    pub cpu_time: Duration,
}

impl Task {
    fn read(dir: &str, tid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("{dir}/status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let times = fs::read_to_string(format!("{dir}/schedstat")).ok()?;
        Some(Self {
            tid,
            name: field("Name:")?.to_owned(),
            state: field("State:")?.chars().next()?,
            voluntary: field("voluntary_ctxt_switches:")?.parse().ok()?,
            cpu_time: Duration::from_nanos(times.split_whitespace().next()?.parse().ok()?),
        })
    }

    /// The calling kernel thread.
    ///
    /// # Panics
    /// Where `/proc` is not mounted.
    #[must_use]
    pub fn own() -> Self {
        let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        Self::read("/proc/thread-self", tid).expect("/proc")
    }
}

/// The threads of a process; none if it is gone.
#[must_use]
pub fn tasks(pid: u32) -> Vec<Task> {
    let Ok(dir) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let tids = dir.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // One that ends while it is read is left out.
    tids.filter_map(|tid| Task::read(&format!("/proc/{pid}/task/{tid}"), tid)).collect()
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// See [`Task::voluntary`].
    pub voluntary: u64,
    /// See [`Task::cpu_time`].
    pub cpu_time: Duration,
}

impl Used {
    /// By those threads of a process whose name `counts`. Threads that have ended are not in it.
    #[must_use]
    pub fn by(pid: u32, counts: impl Fn(&str) -> bool) -> Self {
        tasks(pid).iter().filter(|task| counts(&task.name)).fold(Self::default(), |sum, task| Self {
            voluntary: sum.voluntary + task.voluntary,
            cpu_time: sum.cpu_time + task.cpu_time,
        })
    }

    /// By all threads of a process.
    #[must_use]
    pub fn by_all(pid: u32) -> Self {
        Self::by(pid, |_| true)
    }

    /// What was used since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            voluntary: self.voluntary.saturating_sub(before.voluntary),
            cpu_time: self.cpu_time.saturating_sub(before.cpu_time),
        }
    }
}

/// How long a CPU has had nothing to do since the machine began, in steps of a hundredth of a second.
///
/// # Panics
/// Where `/proc` is not mounted, or has no such CPU.
#[must_use]
pub fn idle(cpu: usize) -> Duration {
    let stat = fs::read_to_string("/proc/stat").expect("/proc");
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{cpu} "))).expect("a CPU");
    // Without what waits for a disk, as which the kernel counts idle time of a CPU where somebody waits for one.
    let ticks: u64 = line.split_whitespace().nth(3).and_then(|ticks| ticks.parse().ok()).expect("a number");
    Duration::from_millis(10 * ticks)
}

fn set(cpus: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    set
}

/// The CPUs on which the calling thread may run.
///
/// # Panics
/// Never, on Linux.
#[must_use]
pub fn cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("our own mask");
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

/// Does `what` with the calling thread confined to `cpus`: threads and processes started meanwhile stay there.
///
/// # Panics
/// If none of the CPUs is there.
pub fn confined<R>(cpus: &[usize], what: impl FnOnce() -> R) -> R {
    let before = sched_getaffinity(None).expect("our own mask");
    sched_setaffinity(None, &set(cpus)).expect("CPUs that are there");
    let result = what();
    sched_setaffinity(None, &before).expect("where we were");
    result
}

/// Confines every thread that a process has now, whatever it was confined to.
///
/// # Panics
/// If the CPUs are not there, or the process is another user's.
pub fn confine(pid: u32, cpus: &[usize]) {
    let set = set(cpus);
    // Twice: a thread that the first turn did not see was started by one that was not confined yet.
    for task in tasks(pid).into_iter().chain(tasks(pid)) {
        let tid = Pid::from_raw(task.tid.cast_signed());
        match sched_setaffinity(tid, &set) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(errno) => panic!("{} to {cpus:?}: {errno}", task.name),
        }
    }
}
