//! Where counting begins and ends: requests to callgrind, which are instructions that do nothing anywhere else.

use std::arch::asm;
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A place that each call passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The client's stub is called.
    Begin,
    /// The request is published, and the server's turn begins.
    Hook,
    /// The procedure is entered.
    Procedure,
    /// It returns.
    Return,
    /// The reply is published.
    Answered,
    /// The client's stub has returned.
    End,
}

/// The four parts of a call, by their names in a profile.
pub(super) const PARTS: [&CStr; 4] = [c"client request", c"server request", c"server reply", c"client reply"];

const BOUNDS: [(Mark, Mark); 4] = [
    (Mark::Begin, Mark::Hook),
    (Mark::Hook, Mark::Procedure),
    (Mark::Return, Mark::Answered),
    (Mark::Answered, Mark::End),
];

/// The part that is counted; as many as there are for none.
static COUNTED: AtomicUsize = AtomicUsize::new(PARTS.len());

/// Counts `part` from now on; none, if there is no such part.
pub(super) fn count(part: usize) {
    COUNTED.store(part, Ordering::Relaxed);
}

/// Switches counting on or off, if this is where the counted part begins or ends.
#[inline(always)]
pub(super) fn mark(mark: Mark) {
    if let Some((from, to)) = BOUNDS.get(COUNTED.load(Ordering::Relaxed))
        && (*from == mark || *to == mark)
    {
        request(Request::ToggleCollect, 0);
    }
}

/// Writes what was counted so far into a file of its own, which says why, and begins again at nothing.
pub(super) fn dump(why: &'static CStr) {
    request(Request::DumpStatsAt, why.as_ptr().expose_provenance());
}

#[derive(Debug, Clone, Copy)]
#[repr(usize)]
enum Request {
    ToggleCollect = 2,
    DumpStatsAt = 3,
}

/// "Client requests" in valgrind's manual, for amd64: `rax` points to the request and five arguments, `rdx` is what comes back
/// from where nobody answers; four rotations of `rdi` by 128 bits together, and an exchange of `rbx` with itself.
#[inline(always)]
fn request(what: Request, argument: usize) {
    const CALLGRIND: usize = ((b'C' as usize) << 24) | ((b'T' as usize) << 16);
    let arguments: [usize; 6] = [CALLGRIND + what as usize, argument, 0, 0, 0, 0];
    // SAFETY: `rdi` and `rbx` have their old values afterwards, `rax` is only read, `rdx` is declared; the memory that valgrind
    // reads is the array, and the text that a dump is called by.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") 0_usize => _,
        );
    }
}
