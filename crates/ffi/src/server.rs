//! The server: exports, and what a procedure can know of its call.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use nearcall::rt::{Incoming, Interface, Refusal, Service};
use nearcall::{Export, Exporter, Peer};

use crate::incoming::{NearcallIncoming, refusal};
use crate::tables::{self, NearcallInterface};
use crate::text::{BAD_INTERFACE, LATER, NOT_UTF8, STILL_RUNNING, failed};
use crate::{OK, Status};

/// `nearcall_serve`.
pub type Serve = unsafe extern "C" fn(server: *mut c_void, procedure: u16, call: *mut NearcallIncoming) -> Status;

/// `nearcall_export_options`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallExportOptions {
    dir: *const c_char,
    mode: u32,
    replace: bool,
}

/// A loop in C, and what it serves.
struct Loop {
    interface: &'static Interface,
    serve: Serve,
    server: *mut c_void,
}

// SAFETY: whoever exports it has said that the loop may be called with this pointer by several kernel threads
// (`nearcall_export_service`, precondition 2).
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

impl Service for Loop {
    fn interface(&self) -> &'static Interface {
        self.interface
    }

    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal> {
        let mut served = NearcallIncoming::new(call);
        // SAFETY: `nearcall_export_service`, precondition 2; `served` is there until it returns.
        let status = unsafe { (self.serve)(self.server, procedure, &raw mut served) };
        if status == LATER {
            return served.parking.take().unwrap_or_default().park();
        }
        match refusal(status) {
            Some(refusal) if status != OK => Err(refusal),
            // What was not answered is one that panicked: so the call began.
            _ => Ok(()),
        }
    }
}

/// Exports.
///
/// # Safety
/// 1. `name` is a text; `interface` an interface (`tables::interface`); `options` null or options whose `dir` is null or a
///    text; `service` can be written.
/// 2. `serve` can be called with `server` by several kernel threads at once, until [`nearcall_withdraw`] returns `OK` or, if it
///    does not, for as long as procedures run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_export_service(
    name: *const c_char,
    interface: *const NearcallInterface,
    serve: Serve,
    server: *mut c_void,
    options: *const NearcallExportOptions,
    service: *mut *mut Export,
) -> Status {
    // SAFETY: precondition 1. Whoever withdraws on the way out of a failure must not free what was there before.
    unsafe { service.write(std::ptr::null_mut()) };
    // SAFETY: precondition 1.
    let Some(interface) = (unsafe { tables::interface(interface) }) else {
        return failed(BAD_INTERFACE, &"the interface is not what the interface compiler makes");
    };
    // SAFETY: precondition 1.
    let Some(name) = (unsafe { tables::text(name) }) else {
        return failed(NOT_UTF8, &"the name is no UTF-8");
    };
    let mut exporter = Exporter::new(name);
    // SAFETY: precondition 1.
    if let Some(options) = unsafe { options.as_ref() } {
        if !options.dir.is_null() {
            // SAFETY: precondition 1.
            let Some(dir) = (unsafe { tables::text(options.dir) }) else {
                return failed(NOT_UTF8, &"the directory is no UTF-8");
            };
            exporter = exporter.dir(dir);
        }
        if options.mode != 0 {
            exporter = exporter.mode(options.mode);
        }
        if options.replace {
            exporter = exporter.replace();
        }
    }
    match exporter.export(Loop { interface, serve, server }) {
        Ok(export) => {
            // SAFETY: precondition 1.
            unsafe { service.write(Box::into_raw(Box::new(export))) };
            OK
        }
        Err(error) => failed(error.number(), &error),
    }
}

/// Withdraws a service.
///
/// # Safety
/// 1. `service` is null, or came from [`nearcall_export_service`] and was not withdrawn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_withdraw(service: *mut Export, timeout_ns: u64) -> Status {
    if service.is_null() {
        return OK;
    }
    // SAFETY: precondition 1.
    let export = unsafe { Box::from_raw(service) };
    match export.drain(Duration::from_nanos(timeout_ns)) {
        Ok(()) => OK,
        Err(running) => failed(STILL_RUNNING, &running),
    }
}

/// `nearcall_caller`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallCaller {
    id: u64,
    pid: i32,
    uid: u32,
    gid: u32,
}

impl NearcallCaller {
    pub(crate) fn of(peer: &Peer) -> Self {
        Self { id: peer.id(), pid: peer.pid().unwrap_or(0), uid: peer.uid(), gid: peer.gid() }
    }
}

/// Who calls.
///
/// # Safety
/// 1. `caller` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_who(caller: *mut NearcallCaller) -> bool {
    let Some(current) = nearcall::current() else { return false };
    // SAFETY: precondition 1.
    unsafe { caller.write(NearcallCaller::of(current.peer())) };
    true
}

/// How long the caller still waits, in nanoseconds.
#[unsafe(no_mangle)]
pub extern "C" fn nearcall_remaining_ns() -> u64 {
    nanoseconds(nearcall::current().and_then(|current| current.remaining()))
}

/// What is left, as C is told: `UINT64_MAX` without a limit.
pub(crate) fn nanoseconds(left: Option<Duration>) -> u64 {
    left.map_or(u64::MAX, |left| u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
}

/// Whether the caller has given the call up.
#[unsafe(no_mangle)]
pub extern "C" fn nearcall_is_cancelled() -> bool {
    nearcall::current().is_some_and(|current| current.is_cancelled())
}

/// Runs something where the processor has gone on to other calls.
///
/// # Safety
/// 1. `run` can be called with `with`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_blocking(run: unsafe extern "C" fn(*mut c_void), with: *mut c_void) {
    nearcall::blocking(|| {
        // SAFETY: precondition 1.
        unsafe { run(with) }
    });
}
