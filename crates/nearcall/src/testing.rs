//! For measuring: what may be taken away from the waiting policy, and a process that is its own server.

#[cfg(feature = "knobs")]
pub use nearcall_core::transfer::knobs::{forbid_leads, forbid_yields};
#[cfg(feature = "wait-hook")]
pub use own_server::{Served, set_wait_hook};

#[cfg(feature = "wait-hook")]
mod own_server;
