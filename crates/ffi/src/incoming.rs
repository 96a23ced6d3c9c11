//! A call that is served: what C's stub takes out of it, and puts into its reply.

use std::ffi::c_void;

use nearcall::rt::{Incoming, Parking, Refusal};
use nearcall::{ReplyToken, SharedBytes};

use crate::client::bytes_mut;
use crate::later::Later;
use crate::{OK, Status};

/// Bytes of memory that a call asks for at once.
const CHUNK: usize = 4096;

/// `nearcall_incoming`: a call that is served, with the memory that its values own. C has a pointer to it only while it is.
#[derive(Debug)]
pub struct NearcallIncoming {
    /// `'static`: it is there as long as C has the pointer.
    call: *mut Incoming<'static>,
    memory: Vec<Vec<u128>>,
    /// What is left of the last chunk, in units of 16 bytes.
    left: usize,
    /// What is kept of a call whose reply comes later.
    pub(crate) parking: Option<Parking>,
    /// It is a reply that comes later; `call` is null then.
    pub(crate) later: Option<Later>,
}

impl NearcallIncoming {
    pub(crate) fn new(call: &mut Incoming<'_>) -> Self {
        let call: *mut Incoming<'_> = call;
        Self { call: call.cast(), memory: Vec::new(), left: 0, parking: None, later: None }
    }

    /// One for a reply that comes later.
    pub(crate) fn later(later: Later) -> Self {
        let call = std::ptr::null_mut();
        Self { call, memory: Vec::new(), left: 0, parking: None, later: Some(later) }
    }

    /// The right to answer later, by what `encode` writes, and what is kept while the procedure runs.
    pub(crate) fn defer<R: Send + 'static>(
        &mut self,
        encode: fn(&mut Incoming<'_>, R) -> Result<(), Refusal>,
    ) -> (ReplyToken<R>, Parking) {
        // SAFETY: only those of `new` are served, which have it from a unique borrow that lasts as long as the loop.
        unsafe { &mut *self.call }.defer(encode)
    }

    /// `size` zeroed bytes, for as long as this lives. `None` without memory.
    pub(crate) fn alloc(&mut self, size: usize) -> Option<*mut u8> {
        let units = size.div_ceil(16).max(1);
        if units > self.left {
            let count = units.max(CHUNK / 16);
            let mut chunk: Vec<u128> = Vec::new();
            chunk.try_reserve_exact(count).ok()?;
            chunk.resize(count, 0);
            self.memory.try_reserve(1).ok()?;
            self.memory.push(chunk);
            self.left = count;
        }
        let chunk = self.memory.last_mut()?;
        let from = chunk.len() - self.left;
        self.left -= units;
        Some(chunk.get_mut(from..)?.as_mut_ptr().cast())
    }
}

/// The number of a refusal in C.
pub(crate) fn number(refusal: Refusal) -> Status {
    match refusal {
        Refusal::NoSuchProcedure => 20,
        Refusal::BadArgument => 13,
        Refusal::ArgumentTooLarge => 7,
        Refusal::Overloaded => 18,
        Refusal::TooLarge => 8,
        Refusal::Unreturnable => 12,
        Refusal::Denied => 21,
        // Refusals are those that a stub can make; this one has no number in C.
        _ => 15,
    }
}

/// The refusal of a number; `None`: the call ends without an answer of the procedure's.
pub(crate) fn refusal(number: Status) -> Option<Refusal> {
    Some(match number {
        20 => Refusal::NoSuchProcedure,
        13 => Refusal::BadArgument,
        7 => Refusal::ArgumentTooLarge,
        18 | 9 => Refusal::Overloaded,
        8 => Refusal::TooLarge,
        12 | 11 => Refusal::Unreturnable,
        21 => Refusal::Denied,
        _ => return None,
    })
}

fn status(result: Result<(), Refusal>) -> Status {
    result.map_or_else(number, |()| OK)
}

/// The call, while it is served.
///
/// # Safety
/// 1. `call` is what the loop was called with, it has not returned, and nobody else has it now. Or, where that is said, it came
///    from `nearcall_resume` and was not finished.
pub(crate) unsafe fn served<'a>(call: *mut NearcallIncoming) -> &'a mut NearcallIncoming {
    // SAFETY: precondition 1.
    unsafe { &mut *call }
}

/// # Safety
/// As for `served`, but for those from `nearcall_resume`.
unsafe fn incoming<'a>(call: *mut NearcallIncoming) -> &'a mut Incoming<'static> {
    // SAFETY: precondition 1.
    let served = unsafe { served(call) };
    // SAFETY: `NearcallIncoming::new` has it from a unique borrow that lasts as long as the loop.
    unsafe { &mut *served.call }
}

/// Memory for as long as the call's arguments.
///
/// # Safety
/// 1. As for `served`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_alloc(call: *mut NearcallIncoming, size: usize) -> *mut c_void {
    // SAFETY: precondition 1.
    let served = unsafe { served(call) };
    served.alloc(size).map_or(std::ptr::null_mut(), <*mut u8>::cast)
}

/// Copies the head of the request.
///
/// # Safety
/// 1. As for `served`; `head` points to `request_size` bytes that nobody else has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_open(
    call: *mut NearcallIncoming,
    head: *mut u8,
    request_size: usize,
    reply_size: usize,
) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    // SAFETY: precondition 1.
    let head = unsafe { bytes_mut(head, request_size) };
    status(incoming.open_raw(head, reply_size))
}

/// Copies the next bytes of the request's tail into private memory.
///
/// # Safety
/// 1. As for `served`; `bytes` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_take(
    call: *mut NearcallIncoming,
    size: usize,
    max: usize,
    align: usize,
    bytes: *mut *const c_void,
) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    match incoming.take_raw(size, max, align) {
        Ok(taken) => {
            // SAFETY: precondition 1.
            unsafe { bytes.write(taken.as_ptr().cast()) };
            OK
        }
        Err(refusal) => number(refusal),
    }
}

/// `nearcall_shared`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallShared {
    opaque: [u64; 6],
    size: usize,
}

const _: () =
    assert!(size_of::<SharedBytes<'_>>() <= 48 && align_of::<SharedBytes<'_>>() <= align_of::<NearcallShared>());

/// The next bytes of the request's tail, where the client put them.
///
/// # Safety
/// 1. As for `served`; `shared` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_take_in_place(
    call: *mut NearcallIncoming,
    size: usize,
    max: usize,
    shared: *mut NearcallShared,
) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    match incoming.in_place_raw(size, max) {
        Ok(bytes) => {
            // SAFETY: precondition 1.
            unsafe { shared.write(NearcallShared { opaque: [0; 6], size }) };
            // SAFETY: precondition 1; the array is the first field, and large enough.
            unsafe { shared.cast::<SharedBytes<'_>>().write(bytes) };
            OK
        }
        Err(refusal) => number(refusal),
    }
}

/// Copies bytes that are the client's.
///
/// # Safety
/// 1. `shared` was written by [`nearcall_take_in_place`] for a call that is still served; `into` points to `size` bytes that
///    nobody else has.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_shared_copy(
    shared: *const NearcallShared,
    at: usize,
    into: *mut u8,
    size: usize,
) -> usize {
    // SAFETY: precondition 1; `SharedBytes` is `Copy`, and is the first field.
    let shared = unsafe { shared.cast::<SharedBytes<'_>>().read() };
    // SAFETY: precondition 1.
    shared.copy_to(unsafe { bytes_mut(into, size) }, at)
}

/// Where the next area ends.
///
/// # Safety
/// 1. As for `served`; `end` can be read and written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_area_end(
    call: *mut NearcallIncoming,
    size: usize,
    align: usize,
    max: usize,
    is_in: bool,
    end: *mut usize,
) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    // SAFETY: precondition 1.
    let end = unsafe { &mut *end };
    status(incoming.area_end_raw(*end, size, align, max, is_in).map(|new| *end = new))
}

/// Room for areas.
///
/// # Safety
/// As for `served`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_provide(call: *mut NearcallIncoming, end: usize) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    status(incoming.provide(end))
}

/// The next area.
///
/// # Safety
/// 1. As for `served`; `area` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_area(
    call: *mut NearcallIncoming,
    size: usize,
    align: usize,
    is_in: bool,
    area: *mut *mut c_void,
) -> Status {
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    match incoming.area_raw(size, align, is_in) {
        Ok(bytes) => {
            // SAFETY: precondition 1.
            unsafe { area.write(bytes.as_mut_ptr().cast()) };
            OK
        }
        Err(refusal) => number(refusal),
    }
}

/// Space for the tail of the results.
///
/// # Safety
/// 1. As for `served`, also for replies that come later; `space` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_result(call: *mut NearcallIncoming, size: usize, space: *mut *mut u8) -> Status {
    // SAFETY: precondition 1.
    if let Some(later) = unsafe { &mut served(call).later } {
        let Some(bytes) = later.tail(size) else { return number(Refusal::TooLarge) };
        // SAFETY: precondition 1.
        unsafe { space.write(bytes.as_mut_ptr()) };
        return OK;
    }
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    match incoming.result_raw(size) {
        Ok(bytes) => {
            // SAFETY: precondition 1.
            unsafe { space.write(bytes.as_mut_ptr()) };
            OK
        }
        Err(refusal) => number(refusal),
    }
}

/// The results are complete.
///
/// # Safety
/// 1. As for `served`, also for replies that come later; `head` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_answer(
    call: *mut NearcallIncoming,
    is_raised: bool,
    head: *const u8,
    size: usize,
    places: bool,
) {
    // SAFETY: precondition 1.
    let head = if size == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(head, size) } };
    // SAFETY: precondition 1.
    if let Some(later) = unsafe { &mut served(call).later } {
        later.answer(is_raised, head, places);
        return;
    }
    // SAFETY: precondition 1.
    let incoming = unsafe { incoming(call) };
    incoming.reply_raw(is_raised, head, places);
}

/// Whether the bytes are UTF-8.
///
/// # Safety
/// 1. `bytes` points to `size` bytes that do not change meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_is_utf8(bytes: *const u8, size: usize) -> bool {
    if size == 0 {
        return true;
    }
    // SAFETY: precondition 1.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, size) };
    std::str::from_utf8(bytes).is_ok()
}
