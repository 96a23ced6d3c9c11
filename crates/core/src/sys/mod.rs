//! System calls that rustix does not have, or that need `unsafe`: each behind a function with a safe contract.
//!
//! Nothing here knows what a call or a binding is.

pub(crate) mod ahead;
pub mod foreign;
pub mod forked;
pub mod futex;
pub mod kept;
pub mod limit;
pub mod memory;
pub mod packet;
pub mod peer;
pub mod process;
pub mod socket;

/// What the last system call of this thread failed with.
fn last_errno() -> rustix::io::Errno {
    let code = std::io::Error::last_os_error().raw_os_error();
    rustix::io::Errno::from_raw_os_error(code.unwrap_or(libc::EIO))
}

/// Milliseconds of the system's clock, wrapping.
#[must_use]
pub fn milliseconds() -> u32 {
    let now = rustix::time::clock_gettime(rustix::thread::ClockId::MonotonicCoarse);
    let ms = now.tv_sec.wrapping_mul(1000).wrapping_add(now.tv_nsec / 1_000_000);
    u32::try_from(ms & 0xffff_ffff).unwrap_or(0)
}
