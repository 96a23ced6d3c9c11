//! What a domain asks of the kernel for its own threads.

use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

/// Blocks every signal in the calling kernel thread, so that a user's handlers never run on a hidden one.
pub fn block_all_signals() {
    // SAFETY: sigset_t is an array of integers; zero is a value of it.
    let mut all: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: `all` is ours and initialised.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: `all` is initialised; the old mask is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, core::ptr::null_mut()) };
}

/// Registers the process for [`barrier`]. `false` where the kernel has no expedited barriers.
#[must_use]
pub fn register_barrier() -> bool {
    membarrier_query().contains_command(MembarrierCommand::PrivateExpedited)
        && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

/// A full fence in every running kernel thread of this process. `false` if it was not registered.
#[must_use]
pub fn barrier() -> bool {
    membarrier(MembarrierCommand::PrivateExpedited).is_ok()
}

/// The CPU this kernel thread runs on now, or just did; a hint.
#[must_use]
pub fn cpu() -> u16 {
    u16::try_from(rustix::thread::sched_getcpu()).unwrap_or(u16::MAX)
}

/// CPUs that the machine can have, at least 1.
#[must_use]
pub fn cpu_count() -> u32 {
    // SAFETY: takes no pointer.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
    u32::try_from(count).unwrap_or(1).max(1)
}

/// The CPUs on which the calling kernel thread may run, modulo 64, one bit each; all if the kernel does not say.
#[must_use]
pub fn allowed_cpus() -> u64 {
    let Ok(set) = rustix::thread::sched_getaffinity(None) else { return u64::MAX };
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).fold(0, |mask, cpu| mask | 1 << (cpu % 64))
}

/// Confines the calling kernel thread to the CPUs that are `n` modulo 64. `false` if it may not run on any of them.
#[must_use]
pub fn confine(n: usize) -> bool {
    let mut set = rustix::thread::CpuSet::new();
    let count = usize::try_from(cpu_count()).unwrap_or(1).min(rustix::thread::CpuSet::MAX_CPU);
    (n..count).step_by(64).for_each(|cpu| set.set(cpu));
    rustix::thread::sched_setaffinity(None, &set).is_ok()
}

/// Whether the calling kernel thread is scheduled in real time, where a yield gives the CPU to equals only.
#[must_use]
pub fn is_real_time() -> bool {
    // SAFETY: takes no pointer; 0 is the calling thread.
    let policy = unsafe { libc::sched_getscheduler(0) } & !libc::SCHED_RESET_ON_FORK;
    matches!(policy, libc::SCHED_FIFO | libc::SCHED_RR)
}

/// Lets others run on this CPU.
pub fn yield_cpu() {
    rustix::thread::sched_yield();
}
