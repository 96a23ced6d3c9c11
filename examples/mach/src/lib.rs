//! Two interfaces that were written for MiG, compiled by its front end: a driver of disks, and a clock.
//!
//! What they have in them is said in docs/defs.md. The tests call them between processes.

/// Message ids from 2800 on; drives are translated.
pub mod disk {
    nearcall::include_idl!("disk");
}

/// Message ids from 3125890 on; client and server have prefixes.
pub mod clock {
    nearcall::include_idl!("clock");
}
