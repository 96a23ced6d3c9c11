//! What a domain asks of the kernel for its own threads.

use core::cell::Cell;
use core::sync::atomic::{AtomicIsize, Ordering};

use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

/// Descriptors that this process may have open now.
#[must_use]
pub fn descriptor_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Blocks signals in the calling kernel thread, so that a user's handlers never run on a hidden one: all but those that an
/// instruction causes. Procedures run on such threads, and what they do may rest on a handler of its own faults.
pub fn block_all_signals() {
    // SAFETY: sigset_t is an array of integers; zero is a value of it.
    let mut all: libc::sigset_t = unsafe { core::mem::zeroed() };
    // SAFETY: `all` is ours and initialised.
    unsafe { libc::sigfillset(&raw mut all) };
    for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
        // SAFETY: `all` is ours and initialised.
        unsafe { libc::sigdelset(&raw mut all, fault) };
    }
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

/// Where a kernel thread's rseq area is, from its thread pointer; 0 before [`find_rseq`], and if there is none.
static RSEQ: AtomicIsize = AtomicIsize::new(0);

/// Where in it the kernel keeps the number of the CPU.
const RSEQ_CPU_ID: isize = 4;

/// Looks for the area that glibc since 2.35 registers for each kernel thread it starts (restartable sequences, rseq(2)):
/// in it the kernel writes on which CPU the thread is. So that is one load, where the vdso takes some 20 instructions.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub fn find_rseq() {
    // SAFETY: both names end with a zero byte; a look-up changes nothing.
    let offset = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_offset".as_ptr()) }.cast::<isize>();
    // SAFETY: as above.
    let size = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__rseq_size".as_ptr()) }.cast::<u32>();
    if offset.is_null() || size.is_null() {
        return;
    }
    // SAFETY: in glibc it is a constant `unsigned int`, set before main.
    let size = unsafe { size.read() };
    // SAFETY: in glibc it is a constant `ptrdiff_t`, set before main.
    let offset = unsafe { offset.read() };
    // 0: not registered, because the kernel has none (nor has valgrind) or the user's tunables forbid it.
    if usize::try_from(size).is_ok_and(|size| size >= 8) {
        RSEQ.store(offset, Ordering::Relaxed);
    }
}

/// Nothing: here the kernel is asked.
#[cfg(not(all(target_arch = "x86_64", target_env = "gnu")))]
pub fn find_rseq() {}

/// What the kernel last wrote in this thread's rseq area, which was found. A kernel thread that glibc did not start has
/// one without a registration: then it is no CPU's number, and as good a hint.
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
#[inline(always)]
fn rseq_cpu(offset: isize) -> u32 {
    let cpu: u32;
    // SAFETY: glibc keeps the area at this offset from the thread pointer, which is the base of fs, for as long as the
    // thread lives, and `find_rseq` saw that it has the field. Reads four bytes, which the kernel writes when it moves
    // the thread, never at the same time.
    unsafe {
        core::arch::asm!(
            "mov {cpu:e}, dword ptr fs:[{at}]",
            at = in(reg) offset.wrapping_add(RSEQ_CPU_ID),
            cpu = lateout(reg) cpu,
            options(nostack, preserves_flags, readonly),
        );
    }
    cpu
}

#[cfg(not(all(target_arch = "x86_64", target_env = "gnu")))]
#[inline(always)]
fn rseq_cpu(_: isize) -> u32 {
    u32::MAX
}

/// The CPU this kernel thread runs on now, or just did.
#[must_use]
pub fn cpu() -> u16 {
    u16::try_from(rustix::thread::sched_getcpu()).unwrap_or(u16::MAX)
}

/// The CPU this kernel thread runs on, or did some calls ago: [`cpu`] where that is one load, else kept for
/// a few calls.
#[inline(always)]
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the low half of a word, or of no CPU")]
pub fn cpu_hint() -> u16 {
    let offset = RSEQ.load(Ordering::Relaxed);
    if offset != 0 {
        return rseq_cpu(offset) as u16;
    }
    let known = KNOWN.get();
    if known < 1 << 16 {
        return ask_cpu();
    }
    KNOWN.set(known - (1 << 16));
    known as u16
}

/// Calls for which a number is kept that costs a call of the vdso.
const HINT_CALLS: u32 = 16;

thread_local! {
    /// A CPU, and how many more calls it is believed in the high half.
    static KNOWN: Cell<u32> = const { Cell::new(0) };
}

#[cold]
#[inline(never)]
fn ask_cpu() -> u16 {
    let cpu = cpu();
    KNOWN.set(u32::from(cpu) | (HINT_CALLS - 1) << 16);
    cpu
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

/// How old the answer of [`allowed_cpus_lately`] may be, in milliseconds.
const LATELY_MS: u32 = 100;

/// What [`allowed_cpus`] said to this kernel thread not long ago: for whoever finds out soon when it is no longer so.
#[must_use]
pub fn allowed_cpus_lately() -> u64 {
    thread_local! {
        static KNOWN: Cell<Option<(u32, u64)>> = const { Cell::new(None) };
    }
    let now = super::milliseconds();
    match KNOWN.get() {
        Some((then, cpus)) if now.wrapping_sub(then) < LATELY_MS => cpus,
        _ => {
            let cpus = allowed_cpus();
            KNOWN.set(Some((now, cpus)));
            cpus
        }
    }
}

/// Lets the calling kernel thread run wherever the process's first one may, as well as where it may already: for one that
/// serves the whole process, whichever thread happened to start it.
pub fn roam() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    // A process whose first thread has ended keeps what its own thread has.
    let Ok(first) = sched_getaffinity(Some(rustix::process::getpid())) else { return };
    let Ok(mut cpus) = sched_getaffinity(None) else { return };
    (0..CpuSet::MAX_CPU).filter(|&cpu| first.is_set(cpu)).for_each(|cpu| cpus.set(cpu));
    let _ = sched_setaffinity(None, &cpus);
}

/// Confines the calling kernel thread to the CPUs that are `n` modulo 64. `false` if it may not run on any of them.
#[must_use]
pub fn confine(n: usize) -> bool {
    rustix::thread::sched_setaffinity(None, &seat(n)).is_ok()
}

/// Confines another kernel thread of this process in the same way, as far as that can be.
pub fn confine_thread(tid: u32, n: usize) {
    if let Some(pid) = i32::try_from(tid).ok().and_then(rustix::thread::Pid::from_raw) {
        let _ = rustix::thread::sched_setaffinity(Some(pid), &seat(n));
    }
}

/// Lets another kernel thread of this process run wherever the calling one may.
pub fn let_roam(tid: u32) {
    if let Some(pid) = i32::try_from(tid).ok().and_then(rustix::thread::Pid::from_raw)
        && let Ok(cpus) = rustix::thread::sched_getaffinity(None)
    {
        let _ = rustix::thread::sched_setaffinity(Some(pid), &cpus);
    }
}

/// The CPUs that are `n` modulo 64.
fn seat(n: usize) -> rustix::thread::CpuSet {
    let mut set = rustix::thread::CpuSet::new();
    let count = usize::try_from(cpu_count()).unwrap_or(1).min(rustix::thread::CpuSet::MAX_CPU);
    (n..count).step_by(64).for_each(|cpu| set.set(cpu));
    set
}

/// The kernel's number for the calling thread.
#[must_use]
pub fn thread_id() -> u32 {
    u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap_or(0)
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
