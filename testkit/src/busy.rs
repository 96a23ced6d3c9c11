//! Work that is in the way: nothing but a used CPU.

use std::io;
use std::time::{Duration, Instant};

/// Keeps the CPU busy.
pub fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Makes the calling kernel thread one of the lowest real-time priority: before all ordinary ones.
///
/// A second of it without a pause ends the process (`RLIMIT_RTTIME`), so that a mistake here does not cost a machine.
///
/// # Errors
/// What the kernel says; `PermissionDenied` without `CAP_SYS_NICE`.
pub fn fifo() -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: 1_000_000, rlim_max: 1_000_000 };
    // SAFETY: `limit` is initialised and only read.
    if unsafe { libc::setrlimit(libc::RLIMIT_RTTIME, &raw const limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    schedule(libc::SCHED_FIFO, 1)
}

fn schedule(policy: i32, priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: `parameters` is initialised and only read; 0 is the calling thread.
    match unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether [`fifo`] would be allowed: tried on a thread of its own, for as long as it takes to go back.
#[must_use]
pub fn can_fifo() -> bool {
    std::thread::spawn(|| schedule(libc::SCHED_FIFO, 1).and_then(|()| schedule(libc::SCHED_OTHER, 0)).is_ok())
        .join()
        .is_ok_and(|could| could)
}

/// Sets a flag when dropped, so that threads end with whoever fails.
#[derive(Debug)]
pub struct StopOnDrop<'a>(pub &'a std::sync::atomic::AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
