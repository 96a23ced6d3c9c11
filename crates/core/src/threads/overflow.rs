//! Which thread has overflowed its stack, said before the process ends.
//!
//! A stack ends in a guard page, so an overflow faults, whoever asked for this or not. The handler runs on the kernel thread's
//! alternate stack, looks whether the address is in the guard of the thread that runs, writes its name, and aborts. Any other
//! fault goes to the handler that was there before (std's, for the stacks of kernel threads).

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use std::sync::OnceLock;

use rustix::io::Errno;

use super::processor::here;
use super::stack;

/// Of SIGSEGV, and of SIGBUS.
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Bytes of an alternate stack, for kernel threads that have none: those that std did not start.
const ALTERNATE_SIZE: usize = 64 << 10;

/// Installs the handler, once a process.
///
/// # Errors
/// What the kernel says; there is no reason why it should.
pub fn report_overflows() -> Result<(), Errno> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let before = SIGNALS.map(current_action);
    let before = [before[0]?, before[1]?];
    if BEFORE.set(before).is_err() {
        return Ok(());
    }
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = handle;
    // SAFETY: all zeroes is an action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    for signal in SIGNALS {
        // SAFETY: the handler does only what a handler may, and the action is initialised.
        if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } != 0 {
            return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
        }
    }
    give_alternate();
    Ok(())
}

fn current_action(signal: c_int) -> Result<libc::sigaction, Errno> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is changed; the kernel writes the action.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL));
    }
    // SAFETY: all zeroes is an action, too.
    Ok(unsafe { action.assume_init() })
}

/// Gives the calling kernel thread an alternate stack, unless it has one. It keeps it for ever.
pub(crate) fn give_alternate() {
    // SAFETY: all zeroes is a description of a stack.
    let mut now: libc::stack_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: nothing is changed; the kernel writes the description.
    if unsafe { libc::sigaltstack(ptr::null(), &raw mut now) } != 0 || now.ss_flags & libc::SS_DISABLE == 0 {
        return;
    }
    let memory = Box::leak(vec![0_u8; ALTERNATE_SIZE].into_boxed_slice());
    let own = libc::stack_t { ss_sp: memory.as_mut_ptr().cast(), ss_flags: 0, ss_size: ALTERNATE_SIZE };
    // SAFETY: the memory is nobody else's, for ever.
    unsafe { libc::sigaltstack(&raw const own, ptr::null_mut()) };
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives the information of a signal with SA_SIGINFO.
    let info_ref = unsafe { &*info };
    // SAFETY: both signals have an address.
    let address = unsafe { info_ref.si_addr() }.addr();
    if let Some((name, guard)) = here().and_then(|processor| processor.running())
        && guard.contains(&address)
    {
        say(&[b"\nnearcall: thread '", name.unwrap_or("<unnamed>").as_bytes(), b"' has overflowed its stack\n"]);
        // SAFETY: it ends the process.
        unsafe { libc::abort() };
    }
    if stack::guards_run(address) {
        let mut name = [0_u8; 16];
        // SAFETY: the kernel writes at most 16 bytes there.
        unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        say(&[b"\nnearcall: a procedure on kernel thread '", name, b"' has overflowed its stack\n"]);
        // SAFETY: it ends the process.
        unsafe { libc::abort() };
    }
    pass_on(signal, info, context);
}

/// Allocates nothing, locks nothing.
fn say(parts: &[&[u8]]) {
    for part in parts {
        // SAFETY: the bytes are there. If they cannot be written there is nobody to tell.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len()) };
    }
}

/// To whoever had the signal before.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = usize::from(signal == libc::SIGBUS);
    let Some(before) = BEFORE.get().and_then(|before| before.get(index)) else { return };
    if before.sa_sigaction == libc::SIG_DFL || before.sa_sigaction == libc::SIG_IGN {
        // The instruction faults again, and then the default action is taken.
        // SAFETY: all zeroes is an action, the default one.
        let action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        // SAFETY: the action is initialised.
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
        return;
    }
    if before.sa_flags & libc::SA_SIGINFO != 0 {
        let handler = ptr::with_exposed_provenance::<c_void>(before.sa_sigaction);
        // SAFETY: an action with SA_SIGINFO has such a function.
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = unsafe { core::mem::transmute(handler) };
        handler(signal, info, context);
    } else {
        let handler = ptr::with_exposed_provenance::<c_void>(before.sa_sigaction);
        // SAFETY: an action without SA_SIGINFO has such a function.
        let handler: extern "C" fn(c_int) = unsafe { core::mem::transmute(handler) };
        handler(signal);
    }
}
