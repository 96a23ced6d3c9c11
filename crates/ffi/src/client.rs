//! The client: bindings, and calls on their way.

use std::cell::Cell;
use std::ffi::c_char;
use std::time::Duration;

use nearcall::rt::{Failure, RawCall, RawReply};
use nearcall::{Binder, Binding};

use crate::tables::{self, NearcallInterface};
use crate::text::{BAD_INTERFACE, NOT_UTF8, failed};
use crate::{NearcallEnv, OK, RAISED, Status};

/// `nearcall_bind_options`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallBindOptions {
    dir: *const c_char,
    wait_ns: u64,
    expects_uid: bool,
    uid: u32,
}

/// What is in a `nearcall_call`.
#[derive(Debug)]
enum State {
    /// Nothing was sent. `'static`: the binding is there until [`nearcall_unbind`], which comes after the call.
    Assembled(RawCall<'static>),
    Answered(RawReply<'static>),
    Over,
}

/// `nearcall_call`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallCall {
    opaque: [u64; 48],
}

const _: () = assert!(size_of::<State>() <= size_of::<NearcallCall>() && align_of::<State>() <= align_of::<u64>());

/// Binds.
///
/// # Safety
/// 1. `name` is a text; `interface` an interface (`tables::interface`); `options` null or options whose `dir` is null or a
///    text.
/// 2. `binding` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_bind(
    name: *const c_char,
    interface: *const NearcallInterface,
    options: *const NearcallBindOptions,
    binding: *mut *mut Binding,
) -> Status {
    // SAFETY: precondition 1. Whoever unbinds on the way out of a failure must not free what was there before.
    unsafe { binding.write(std::ptr::null_mut()) };
    // SAFETY: precondition 1.
    let Some(interface) = (unsafe { tables::interface(interface) }) else {
        return failed(BAD_INTERFACE, &"the interface is not what the interface compiler makes");
    };
    // SAFETY: precondition 1.
    let Some(name) = (unsafe { tables::text(name) }) else {
        return failed(NOT_UTF8, &"the name is no UTF-8");
    };
    let mut binder = Binder::new(name);
    // SAFETY: precondition 1.
    if let Some(options) = unsafe { options.as_ref() } {
        if !options.dir.is_null() {
            // SAFETY: precondition 1.
            let Some(dir) = (unsafe { tables::text(options.dir) }) else {
                return failed(NOT_UTF8, &"the directory is no UTF-8");
            };
            binder = binder.dir(dir);
        }
        binder = binder.wait(Duration::from_nanos(options.wait_ns));
        if options.expects_uid {
            binder = binder.expect_uid(options.uid);
        }
    }
    match binder.bind_interface(interface) {
        Ok(bound) => {
            // SAFETY: precondition 2.
            unsafe { binding.write(Box::into_raw(Box::new(bound))) };
            OK
        }
        Err(error) => failed(error.number(), &error),
    }
}

/// Gives a binding up.
///
/// # Safety
/// 1. `binding` is null, or came from [`nearcall_bind`] and was not given up; no call on it is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_unbind(binding: *mut Binding) {
    if !binding.is_null() {
        // SAFETY: precondition 1.
        drop(unsafe { Box::from_raw(binding) });
    }
}

/// Whether calls can succeed.
///
/// # Safety
/// 1. `binding` is null or a binding.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_is_live(binding: *const Binding) -> bool {
    // SAFETY: precondition 1.
    unsafe { binding.as_ref() }.is_some_and(Binding::is_live)
}

/// The call in its place.
///
/// # Safety
/// 1. `call` was written by [`nearcall_begin`], is not moved, and nobody else has it now.
unsafe fn state<'a>(call: *mut NearcallCall) -> &'a mut State {
    let state: *mut State = call.cast();
    // SAFETY: precondition 1; size and alignment are asserted above.
    unsafe { &mut *state }
}

/// The environment, which every function of a call has.
///
/// # Safety
/// 1. `env` can be written, and nobody else has it now.
unsafe fn env<'a>(env: *mut NearcallEnv) -> &'a mut NearcallEnv {
    // SAFETY: precondition 1.
    unsafe { &mut *env }
}

fn over(state: &mut State, env: &mut NearcallEnv, failure: Failure) -> Status {
    *state = State::Over;
    env.set(failure.code())
}

/// A stub that calls these functions in another order than they are meant to be.
fn misused(env: &mut NearcallEnv) -> Status {
    let failure = Failure::of_number(20).map(|failure| failure.code());
    failure.map_or(20, |code| env.set(code))
}

thread_local! {
    /// How many nanoseconds the next call of this kernel thread has; 0: as its interface says.
    static WITHIN: Cell<u64> = const { Cell::new(0) };
}

/// How long the next call may take.
#[unsafe(no_mangle)]
pub extern "C" fn nearcall_within(time_ns: u64) {
    WITHIN.set(time_ns);
}

/// Begins a call.
///
/// # Safety
/// 1. `binding` is a binding, and stays one until the call is over.
/// 2. `call` and `env` can be written, and nobody else has them now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_begin(
    binding: *mut Binding,
    procedure: u16,
    request_size: usize,
    reply_size: usize,
    call: *mut NearcallCall,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 2.
    let env = unsafe { self::env(env) };
    // SAFETY: precondition 1.
    let binding: &'static Binding = unsafe { &*binding };
    let (state, status) = match binding.begin_raw(procedure, request_size, reply_size) {
        Ok(call) => match WITHIN.replace(0) {
            0 => (State::Assembled(call), OK),
            time => (State::Assembled(call.within(Duration::from_nanos(time))), OK),
        },
        Err(failure) => (State::Over, env.set(failure.code())),
    };
    // SAFETY: precondition 2; size and alignment are asserted above.
    unsafe { call.cast::<State>().write(state) };
    status
}

/// Space for the next part of the request's tail.
///
/// # Safety
/// 1. `call` was begun; `space` and `env` can be written; nobody else has them now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_space(
    call: *mut NearcallCall,
    size: usize,
    max: usize,
    space: *mut *mut u8,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    let State::Assembled(assembled) = state else { return misused(env) };
    match assembled.space(size, max) {
        Ok(bytes) => {
            // SAFETY: precondition 1.
            unsafe { space.write(bytes.as_mut_ptr()) };
            OK
        }
        Err(failure) => over(state, env, failure),
    }
}

/// Gives a call up that was not transferred.
///
/// # Safety
/// As for [`nearcall_space`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_drop(call: *mut NearcallCall, why: Status, env: *mut NearcallEnv) {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    *state = State::Over;
    if let Some(failure) = Failure::of_number(why) {
        env.set(failure.code());
    }
}

/// The bytes of a head.
///
/// # Safety
/// 1. `head` points to `size` bytes that do not change while the result lives, or `size` is 0.
unsafe fn bytes<'a>(head: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        return &[];
    }
    // SAFETY: precondition 1.
    unsafe { std::slice::from_raw_parts(head, size) }
}

/// Bytes to be written.
///
/// # Safety
/// 1. `into` points to `size` initialised bytes that nobody else has while the result lives, or `size` is 0.
pub(crate) unsafe fn bytes_mut<'a>(into: *mut u8, size: usize) -> &'a mut [u8] {
    if size == 0 {
        return &mut [];
    }
    // SAFETY: precondition 1. The stub's arrays are zeroed; nearcall.h asks for the same of buffers that are the author's.
    unsafe { std::slice::from_raw_parts_mut(into, size) }
}

/// Sends the request and waits.
///
/// # Safety
/// 1. As for [`nearcall_space`]; `head` points to `head_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_transfer(
    call: *mut NearcallCall,
    head: *const u8,
    head_size: usize,
    places: bool,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    // SAFETY: precondition 1.
    let head = unsafe { bytes(head, head_size) };
    match std::mem::replace(state, State::Over) {
        State::Assembled(assembled) => match assembled.transfer(head, places) {
            Ok(reply) => {
                let status = if reply.is_app() { RAISED } else { OK };
                *state = State::Answered(reply);
                status
            }
            Err(failure) => env.set(failure.code()),
        },
        _ => misused(env),
    }
}

/// Sends the request and does not wait.
///
/// # Safety
/// As for [`nearcall_transfer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_leave(
    call: *mut NearcallCall,
    head: *const u8,
    head_size: usize,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    // SAFETY: precondition 1.
    let head = unsafe { bytes(head, head_size) };
    match std::mem::replace(state, State::Over) {
        State::Assembled(assembled) => match assembled.leave(head) {
            Ok(()) => OK,
            Err(failure) => env.set(failure.code()),
        },
        _ => misused(env),
    }
}

/// Takes something out of the reply, which ends the call if that cannot be.
///
/// # Safety
/// 1. As for [`nearcall_space`].
unsafe fn answered(
    call: *mut NearcallCall,
    env: *mut NearcallEnv,
    take: impl FnOnce(&mut RawReply<'static>) -> Result<(), Failure>,
) -> Status {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    let State::Answered(reply) = state else { return misused(env) };
    match take(reply) {
        Ok(()) => OK,
        Err(failure) => over(state, env, failure),
    }
}

/// Copies the head of the reply.
///
/// # Safety
/// 1. As for [`nearcall_space`]; `head` points to `size` bytes that nobody else has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_head(
    call: *mut NearcallCall,
    head: *mut u8,
    size: usize,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let head = unsafe { bytes_mut(head, size) };
    // SAFETY: precondition 1.
    unsafe { answered(call, env, |reply| reply.head(head)) }
}

/// Where the next area begins.
///
/// # Safety
/// 1. `call` was begun, and nobody else has it now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_area(call: *mut NearcallCall, size: usize, align: usize) -> usize {
    // SAFETY: precondition 1.
    match unsafe { state(call) } {
        State::Answered(reply) => reply.area(size, align),
        _ => usize::MAX,
    }
}

/// Whether the reply has these bytes.
///
/// # Safety
/// As for [`nearcall_space`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_check(
    call: *mut NearcallCall,
    at: usize,
    size: usize,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    unsafe { answered(call, env, |reply| reply.check(at, size)) }
}

/// Copies bytes of the reply.
///
/// # Safety
/// As for [`nearcall_reply_head`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_copy(
    call: *mut NearcallCall,
    at: usize,
    into: *mut u8,
    size: usize,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let into = unsafe { bytes_mut(into, size) };
    // SAFETY: precondition 1.
    unsafe { answered(call, env, |reply| reply.copy_out(at, into)) }
}

/// How many bytes the tail has.
///
/// # Safety
/// 1. As for [`nearcall_space`]; `size` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_tail_size(
    call: *mut NearcallCall,
    max: usize,
    size: *mut usize,
    env: *mut NearcallEnv,
) -> Status {
    let write = |bytes| {
        // SAFETY: precondition 1.
        unsafe { size.write(bytes) }
    };
    // SAFETY: precondition 1.
    unsafe { answered(call, env, |reply| reply.tail_size(max).map(write)) }
}

/// Copies the tail, all of it.
///
/// # Safety
/// As for [`nearcall_reply_head`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_tail(
    call: *mut NearcallCall,
    into: *mut u8,
    size: usize,
    env: *mut NearcallEnv,
) -> Status {
    // SAFETY: precondition 1.
    let into = unsafe { bytes_mut(into, size) };
    // SAFETY: precondition 1.
    unsafe { answered(call, env, |reply| reply.tail(into)) }
}

/// Ends a call that was transferred.
///
/// # Safety
/// As for [`nearcall_space`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_end(call: *mut NearcallCall, why: Status, env: *mut NearcallEnv) {
    // SAFETY: precondition 1.
    let state = unsafe { state(call) };
    // SAFETY: precondition 1.
    let env = unsafe { self::env(env) };
    if let State::Answered(reply) = std::mem::replace(state, State::Over) {
        reply.end();
    }
    if let Some(failure) = Failure::of_number(why) {
        env.set(failure.code());
    } else if why == RAISED {
        env.status = RAISED;
        env.ran = 2;
    }
}
