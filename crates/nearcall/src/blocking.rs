//! Saying beforehand that a procedure may block (the x-kernel's explicit handoff, by the code that blocks).

use nearcall_core::transfer::handoff;

/// Runs `f`, which may block, or take longer than others should wait: a lock, a file, a query, a long computation. It stays on
/// this kernel thread.
///
/// In a procedure, other calls that this processor would take go to another one from now on; if none came meanwhile, nothing
/// has changed. That costs some 100 ns, or as much as a full fence for each client that is attended: less than any wait, more
/// than a null call should take. Outside of procedures `f` is run, and that is all; so it is in procedures of
/// [cooperative](crate::Exporter::cooperative) services, whose kernel thread it blocks. What waits in nearcall itself (nested calls,
/// binds) says so without this, and `#[call(handoff)]` says it of a whole procedure.
///
/// Code that blocks and does not say so is noticed when a caller has waited for 200 us or more.
///
/// # Panics
/// If `f` does.
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    let _open = handoff::open();
    f()
}
