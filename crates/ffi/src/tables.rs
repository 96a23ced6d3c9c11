//! The tables of an interface, from C's static data to what `nearcall` knows.
//!
//! What comes of them lives for ever, as Rust's tables do; each interface once, however often it is bound.

use std::collections::HashMap;
use std::ffi::{CStr, c_char};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nearcall::rt::{Carried, Class, Direction, Exhausted, Interface, Param, Procedure, Shape};

/// `nearcall_param`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallParam {
    name: *const c_char,
    ty: *const c_char,
    size: u32,
    max: u32,
    direction: u8,
    carried: u8,
}

/// `nearcall_procedure`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallProcedure {
    name: *const c_char,
    origin: *const c_char,
    params: *const NearcallParam,
    timeout_ns: u64,
    request_size: u32,
    reply_size: u32,
    frame_size: u32,
    param_count: u16,
    concurrency: u16,
    grow: u16,
    fails: bool,
    is_idempotent: bool,
    is_handed_off: bool,
}

/// `nearcall_interface`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallInterface {
    name: *const c_char,
    procedures: *const NearcallProcedure,
    uuid_high: u64,
    uuid_low: u64,
    major: u16,
    minor: u16,
    procedure_count: u16,
}

/// The texts of an interface that was seen before, and what came of it. By content and not by address: a library that is
/// loaded again may have other tables in the same place.
static KNOWN: Mutex<Option<HashMap<String, &'static Interface>>> = Mutex::new(None);

/// What `from` says. `None` if that is not what the interface compiler makes.
///
/// # Safety
/// 1. `from` points to an interface whose pointers lead to as many entries as it says, and to texts with a NUL at their ends,
///    none of which changes during the call.
pub(crate) unsafe fn interface(from: *const NearcallInterface) -> Option<&'static Interface> {
    // SAFETY: precondition 1.
    let from = unsafe { from.as_ref() }?;
    // SAFETY: precondition 1.
    let key = unsafe { key(from) }?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(interface) = known.get(&key) {
        return Some(interface);
    }
    // SAFETY: precondition 1.
    let procedures = unsafe { entries(from.procedures, from.procedure_count) }?;
    let procedures = procedures.iter().map(|one| {
        // SAFETY: precondition 1.
        unsafe { procedure(one) }
    });
    let procedures: Vec<Procedure> = procedures.collect::<Option<_>>()?;
    // SAFETY: precondition 1.
    let name = unsafe { text(from.name) }?;
    let uuid = u128::from(from.uuid_high) << 64 | u128::from(from.uuid_low);
    let version = (from.major, from.minor);
    let interface = Interface { name: leaked(name), uuid, version, procedures: Vec::leak(procedures) };
    let interface: &'static Interface = Box::leak(Box::new(interface));
    known.insert(key, interface);
    Some(interface)
}

/// All that an interface says, as one text: what is known is found by it before anything is made that lives for ever.
///
/// # Safety
/// As for `interface`.
unsafe fn key(from: &NearcallInterface) -> Option<String> {
    // SAFETY: precondition 1.
    let mut key = unsafe { text(from.name) }?.to_owned();
    // Writing to a String cannot fail.
    let _ = write!(key, "{:x} {:x} {} {}", from.uuid_high, from.uuid_low, from.major, from.minor);
    // SAFETY: precondition 1.
    for procedure in unsafe { entries(from.procedures, from.procedure_count) }? {
        let NearcallProcedure { timeout_ns, request_size, reply_size, frame_size, concurrency, grow, .. } = procedure;
        let NearcallProcedure { fails, is_idempotent, is_handed_off, .. } = procedure;
        // SAFETY: precondition 1.
        let name = unsafe { text(procedure.name) }?;
        // SAFETY: precondition 1.
        let origin = unsafe { text(procedure.origin) }?;
        let _ =
            write!(key, "\n{name:?} {origin:?} {timeout_ns} {request_size} {reply_size} {frame_size} {concurrency}");
        let _ = write!(key, " {grow} {fails} {is_idempotent} {is_handed_off}");
        // SAFETY: precondition 1.
        for param in unsafe { entries(procedure.params, procedure.param_count) }? {
            let NearcallParam { size, max, direction, carried, .. } = param;
            // SAFETY: precondition 1.
            let name = unsafe { text(param.name) }?;
            // SAFETY: precondition 1.
            let ty = unsafe { text(param.ty) }?;
            let _ = write!(key, "\n {name:?} {ty:?} {size} {max} {direction} {carried}");
        }
    }
    Some(key)
}

/// # Safety
/// As for `interface`.
unsafe fn procedure(from: &NearcallProcedure) -> Option<Procedure> {
    // SAFETY: precondition 1.
    let params = unsafe { entries(from.params, from.param_count) }?;
    let params = params.iter().map(|one| {
        // SAFETY: precondition 1.
        unsafe { param(one) }
    });
    let params: Vec<Param> = params.collect::<Option<_>>()?;
    // SAFETY: precondition 1.
    let name = unsafe { text(from.name) }?;
    // SAFETY: precondition 1.
    let origin = unsafe { text(from.origin) }?;
    let words = |size: u32| usize::try_from(size).ok().filter(|size| size.is_multiple_of(8));
    let heads = (words(from.request_size)?, words(from.reply_size)?);
    Some(Procedure {
        name: leaked(name),
        origin: leaked(origin),
        params: Vec::leak(params),
        request_size: heads.0,
        reply_size: heads.1,
        frame_size: usize::try_from(from.frame_size).ok()?,
        concurrency: (1..=64).contains(&from.concurrency).then_some(from.concurrency)?,
        exhausted: match (from.fails, from.grow) {
            (true, _) => Exhausted::Fail,
            (false, 0) => Exhausted::Wait,
            (false, most) => Exhausted::Grow(most),
        },
        timeout: match from.timeout_ns {
            0 => None,
            u64::MAX => Some(Duration::MAX),
            ns => Some(Duration::from_nanos(ns)),
        },
        idempotent: from.is_idempotent,
        handoff: from.is_handed_off,
        near: false,
    })
}

/// # Safety
/// As for `interface`.
unsafe fn param(from: &NearcallParam) -> Option<Param> {
    // SAFETY: precondition 1.
    let name = unsafe { text(from.name) }?;
    // SAFETY: precondition 1.
    let ty = unsafe { text(from.ty) }?;
    Some(Param {
        name: leaked(name),
        direction: match from.direction {
            0 => Direction::In,
            1 => Direction::InOut,
            2 => Direction::Out,
            3 => Direction::Return,
            4 => Direction::Error,
            _ => return None,
        },
        size: usize::try_from(from.size).ok()?,
        max: usize::try_from(from.max).ok()?,
        carried: match from.carried {
            0 => Carried::Value(Class::Fixed),
            1 => Carried::Value(Class::Varying),
            2 => Carried::Value(Class::Conventional),
            3 => Carried::Items,
            4 => Carried::InPlace,
            _ => return None,
        },
        shape: Box::leak(Box::new(Shape::Spelled { text: leaked(ty) })),
    })
}

/// # Safety
/// 1. `from` points to `count` entries, which do not change while the result lives.
unsafe fn entries<'a, T>(from: *const T, count: u16) -> Option<&'a [T]> {
    if count == 0 {
        return Some(&[]);
    }
    if from.is_null() {
        return None;
    }
    // SAFETY: precondition 1; it is not null.
    Some(unsafe { std::slice::from_raw_parts(from, usize::from(count)) })
}

/// # Safety
/// 1. `from` is null, or points to a text with a NUL at its end, which does not change while the result lives.
pub(crate) unsafe fn text<'a>(from: *const c_char) -> Option<&'a str> {
    if from.is_null() {
        return None;
    }
    // SAFETY: precondition 1; it is not null.
    let text = unsafe { CStr::from_ptr(from) };
    text.to_str().ok()
}

fn leaked(text: &str) -> &'static str {
    String::leak(text.to_owned())
}
