//! Statuses in words.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use crate::Status;

/// `NEARCALL_STILL_RUNNING`.
pub(crate) const STILL_RUNNING: Status = 132;
/// `NEARCALL_BAD_INTERFACE`.
pub(crate) const BAD_INTERFACE: Status = 140;
/// `NEARCALL_NOT_UTF8`.
pub(crate) const NOT_UTF8: Status = 141;

/// `NEARCALL_LATER`.
pub(crate) const LATER: Status = 150;

thread_local! {
    static WHY: RefCell<CString> = RefCell::default();
}

/// Keeps the particulars of a failure for [`nearcall_why`].
pub(crate) fn failed(status: Status, why: &dyn std::fmt::Display) -> Status {
    // No text of ours has a NUL; one of a peer's might, and ends there.
    let mut bytes = why.to_string().into_bytes();
    bytes.retain(|byte| *byte != 0);
    let text = CString::new(bytes).unwrap_or_default();
    WHY.with(|why| *why.borrow_mut() = text);
    status
}

/// The particulars of this kernel thread's last failure.
#[unsafe(no_mangle)]
pub extern "C" fn nearcall_why() -> *const c_char {
    WHY.with(|why| why.borrow().as_ptr())
}

/// What a status means, and the way out.
#[unsafe(no_mangle)]
pub extern "C" fn nearcall_text(status: Status) -> *const c_char {
    text(status).as_ptr()
}

/// Beside those of [`CallError`](nearcall::CallError), whose texts have no place for a NUL at their ends.
fn text(status: Status) -> &'static CStr {
    match status {
        0 => c"it succeeded",
        1 => c"the procedure returned its own error",
        2 => c"the server died during the call; bind again",
        3 => c"the server restarted during the call; bind again",
        4 => c"no answer within the time-out; raise `timeout` if the procedure needs longer",
        5 => c"the server has taken this binding back; bind again",
        6 => c"all A-stacks of the interface are in use, and none came back in time; nothing was sent",
        7 => c"more bytes of arguments than are allowed; raise `max` in the interface, or send less",
        8 => c"the result is larger than `max` in the interface, or than there is memory for, and is lost",
        9 => c"no memory for the arguments or the results of this call; make fewer large calls at once",
        10 => c"the arguments do not fit the A-stack's frame, and a started call does not wait for memory",
        11 => c"an argument is nested deeper than 64 levels, beyond its bound, no text, or no value of its enum or union; nothing was sent",
        12 => c"the procedure's result is nested deeper than 64 levels, beyond its bound, no text, or no value of its enum or union",
        13 => c"the server refused an argument: it was no value of its type; build both sides from one interface",
        14 => c"the server's answer is malformed; the server is faulty or hostile: bind to another",
        15 => c"the procedure failed without an answer; the server's log says why",
        16 => c"the call was given up",
        17 => c"this process was forked after it had bound; exec a program in the child, and bind there",
        18 => c"the server is overloaded; try again later",
        19 => c"16 calls lie around this one: break the circle of calls",
        20 => c"this binding cannot carry the call; bind again",
        21 => c"the server does not let this process call the procedure; ask whoever runs it",
        22 => c"more strings in one parameter than are allowed; send the rest in another call",
        23 => c"a descriptor, a client or a grant could not be passed",
        24 => c"more descriptors in one call than are allowed; pass the rest in another call",
        100 => c"nobody exports the name; start the server, or set NEARCALL_DIR as it does",
        101 => c"the server does not allow this process to bind",
        102 => c"the server gives this user no more of something; nearcall_why() says of what",
        103 => c"the server runs as another user than was demanded",
        104 => c"the interfaces differ; rebuild the older side: nearcall_why() shows the difference",
        105 => c"the server did not finish the handshake in time",
        106 => c"the server ended during the handshake; try again",
        107 => c"the server misbehaved in the handshake",
        108 => c"the pair has no room for the interface's A-stacks",
        109 => c"the server speaks another version of the layout; rebuild the older side",
        110 => c"the name is no near name",
        111 => c"the kernel refused something that a bind needs; nearcall_why() says what",
        112 => c"this process was forked from one that uses nearcall; exec a program in the child first",
        120 => c"there is no directory for names: set NEARCALL_DIR",
        121 => c"the directory of names belongs to somebody else",
        122 => c"others may write the directory of names",
        123 => c"the directory of names is a relative path; make it absolute",
        124 => c"the name is there, but is no socket of an export",
        125 => c"the directory of names cannot be used; nearcall_why() says why",
        126 => c"that is no name: 1 to 100 bytes without '/', not beginning with '.'",
        130 => c"a living process has the name; choose another, or replace it",
        131 => c"the kernel refused something that an export needs; nearcall_why() says what",
        STILL_RUNNING => c"procedures were still running when the time to withdraw was over; they go on",
        BAD_INTERFACE => c"the tables of the interface are not what the interface compiler makes",
        NOT_UTF8 => c"a name or a directory is no UTF-8",
        LATER => c"the reply comes later",
        _ => c"there is no such status",
    }
}

#[cfg(test)]
mod tests {
    use nearcall::rt::Failure;

    use super::*;

    #[test]
    fn every_number_has_words_and_every_failure_its_number() {
        let unknown = text(-1);
        for number in (0..=24).chain(100..=112).chain(120..=126).chain(130..=132).chain(140..=141).chain([150]) {
            assert_ne!(text(number), unknown, "{number}");
        }
        // What only C can have: a `kind` or an enum that is none of its values.
        for number in [11, 12] {
            assert!(text(number).to_str().unwrap().contains("no value of its enum or union"));
        }
        for number in 2..=24 {
            assert_eq!(Failure::of_number(number).map(|failure| failure.code().number), Some(number));
        }
        for number in [0, 1, 25, 100] {
            assert_eq!(Failure::of_number(number), None);
        }
    }
}
