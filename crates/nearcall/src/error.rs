//! What can go wrong, and whose fault it is.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// How far a call got before it failed, as the server wrote it down before it died; as honest as the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ran {
    /// The procedure was not entered. A retry repeats nothing.
    No,
    /// The procedure was entered and may have done some of its work, or all.
    Maybe,
    /// The procedure returned; its results are lost.
    Yes,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::No => "the procedure was not started",
            Self::Maybe => "the procedure was started and may have done its work",
            Self::Yes => "the procedure had finished",
        })
    }
}

impl From<nearcall_core::channel::Ran> for Ran {
    fn from(ran: nearcall_core::channel::Ran) -> Self {
        match ran {
            nearcall_core::channel::Ran::No => Self::No,
            nearcall_core::channel::Ran::Maybe => Self::Maybe,
            nearcall_core::channel::Ran::Yes => Self::Yes,
        }
    }
}

/// How a call failed. `E` is the procedure's own error; [`Infallible`] for procedures that have none.
///
/// After any error the caller's `&mut` arguments are what they were before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError<E = Infallible> {
    /// The procedure returned its own error.
    #[error("the procedure failed: {0}")]
    App(E),
    /// The server's process ended during the call. Bind again; repeat the call if `ran` and the procedure allow it.
    #[error("the server died during the call: {ran}; bind again")]
    PeerDied {
        /// How far the call got.
        ran: Ran,
    },
    /// The server of a far binding began another life during the call. Bind again; repeat the call if `ran` and the procedure allow it.
    #[error("the server restarted during the call: {ran}; bind again")]
    PeerRestarted {
        /// How far the call got.
        ran: Ran,
    },
    /// The server did not answer in time: that of the procedure, or what was left to the call in whose procedure this one was
    /// made. It may still do what it was asked; [`Ran::No`] if there was no time left, and nothing was sent. Raise `timeout` in
    /// the interface if the procedure needs longer.
    #[error("no answer within the time-out: {ran}; raise `timeout` if the procedure needs longer")]
    Timeout {
        /// How far the call had got.
        ran: Ran,
    },
    /// The server took the interface back, or ended in good order. Bind again.
    #[error("the server has taken this binding back; bind again")]
    Revoked,
    /// As many calls are in flight, or wait for a late answer, as the interface has A-stacks. Nothing was sent. Make
    /// fewer calls at once, or raise `concurrency` in the interface.
    #[error("all A-stacks of the interface are in use, and none came back in time; nothing was sent")]
    NoAStack,
    /// An argument, or the room for an out parameter, is larger than it may be. The procedure did not run. Raise `max`
    /// in the interface, up to 64 MiB, or send less; if the limit is less than the interface says, it is the server that
    /// has no more memory for arguments. For more, `#[in_place]` costs the server no memory.
    #[error("{size} bytes of arguments where {limit} are allowed; raise `max` in the interface, or send less")]
    TooLarge {
        /// Bytes of the argument; of all arguments, if it was the server that refused.
        size: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// The procedure's result is larger than `max` in the interface says, or the server has no memory for it, or one of the
    /// two processes no memory or descriptor to pass it on: it is lost.
    #[error("the result is larger than `max` in the interface, or than there is memory for, and is lost")]
    ResultTooLarge,
    /// There is no memory for arguments out of band: this process has not got it, or it has as many large calls to this
    /// server under way as a pair may have, or the server's quota for this user is used up. Nothing was sent. Make fewer
    /// large calls at once.
    #[error("no memory out of band for the arguments of this call; nothing was sent: make fewer large calls at once")]
    NoMemory,
    /// The arguments of a call that was started ([`Pending`](crate::Pending)) do not fit the frame of its A-stack, and that has
    /// no memory out of band that is large enough: to ask the server for it is to wait, and `start` never does. Or something is
    /// passed with it, and the server does not read what it was sent before. Nothing was sent. Make the call without starting it, from where waiting is allowed, or give the procedure a larger frame
    /// (`#[call(astack = ..)]`).
    #[error(
        "a started call does not wait, and its arguments do not fit the A-stack's frame, or the server is behind with what it is passed: call it blocking, or raise `astack` in the interface"
    )]
    WouldBlock,
    /// A parameter of several strings has more than 31 of them. Nothing was sent. Send the rest in another call.
    #[error("{count} strings in one parameter, where {limit} are allowed; send the rest in another call")]
    TooManyStrings {
        /// Strings that there are.
        count: usize,
        /// Strings that are allowed.
        limit: usize,
    },
    /// A descriptor, client or grant among the arguments (`ran` is No) or results could not be passed: the client was taken back or
    /// its server has gone, one of the processes has no descriptor or memory left for it, too many are under way, the server
    /// lets none in, or what arrived was not what the interface says.
    #[error(
        "a descriptor, client or grant could not be passed: {ran}; see that it is live, and that both processes may open \
         more files"
    )]
    NotPassed {
        /// How far the call got.
        ran: Ran,
    },
    /// The parameters that are passed and not copied have more than 16 descriptors together, of which a grant takes two. Nothing was
    /// sent. Pass the rest in another call.
    #[error("{count} descriptors or more to be passed in one call, which passes up to {limit}; nothing was sent")]
    TooManyDescriptors {
        /// How many there were when it was noticed.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// An argument has no encoded form: it is nested deeper than 64 levels of `Box` and `Vec`, or serde cannot write it.
    /// Nothing was sent. Send it in parts; a long list is a `Vec`, not a chain of boxes.
    #[error("an argument is nested deeper than 64 levels, or cannot be written at all; nothing was sent")]
    Unsendable,
    /// The procedure's result has no encoded form, for the same reasons.
    #[error("the procedure's result is nested deeper than 64 levels, or cannot be written at all")]
    Unreturnable,
    /// The server found an argument that is no value of its type: its interface or its stubs are not ours.
    #[error("the server refused an argument: it was no value of its type; build both sides from one interface")]
    BadArgument,
    /// The server's answer was no answer: a result that is no value of its type, or a length beyond the frame.
    #[error("the server's answer is malformed; the server is faulty or hostile: bind to another")]
    PeerMisbehaved,
    /// The procedure panicked. The server goes on; what the procedure had done by then is done.
    #[error("the procedure panicked in the server; its log says why")]
    Panicked,
    /// The call was given up by this process: its thread was cancelled ([`JoinHandle::cancel`](crate::thread::JoinHandle)) while it
    /// waited, and the procedure may have run, or may still run. Or the end of a [`Pending`](crate::Pending) was taken before, and
    /// there is no second one. Or by the server: its procedure ran, left the reply to be made later, and nobody made it
    /// ([`ReplyToken`](crate::ReplyToken)).
    #[error(
        "the call was given up: its thread was cancelled, its end was taken before, or the server never made its reply"
    )]
    Aborted,
    /// This process is a forked child of the one that bound. Bind in it ([`let_children_take_part`](crate::let_children_take_part) in
    /// its parent), or exec a program and bind there.
    #[error("this process was forked after it had bound; exec a program in the child, and bind there")]
    Forked,
    /// The server does not take more work from this client now.
    #[error("the server is overloaded; try again later")]
    Overloaded,
    /// The call would be the 17th of a chain: it was made in the procedure of a call that was made in the procedure of
    /// another, and so on, 16 deep. Nothing was sent. Most likely the procedures call each other in a circle, and a retry would
    /// end the same way: break the circle.
    #[error("16 calls lie around this one, each made in the procedure of the one before: break the circle of calls")]
    TooDeep,
    /// The binding cannot do this: its server granted fewer procedures (bind again), or it is a far one, and the call was to be
    /// started (call it and wait), or is of a procedure that only near clients have (`#[call(near)]`).
    #[error(
        "this binding cannot carry the call: bind again; what is `near` does not go far, and far calls are not started, but waited for"
    )]
    Unsupported,
    /// The server's loop does not let this client call the procedure. It did not run. Ask whoever runs the server.
    #[error("the server does not let this process call the procedure; ask whoever runs it")]
    Denied,
}

impl<E> CallError<E> {
    /// How far the call got, where that is known.
    #[must_use]
    pub fn ran(&self) -> Option<Ran> {
        match self {
            Self::App(_) | Self::Unreturnable => Some(Ran::Yes),
            Self::PeerDied { ran } | Self::PeerRestarted { ran } | Self::Timeout { ran } | Self::NotPassed { ran } => {
                Some(*ran)
            }
            Self::Aborted | Self::Panicked | Self::PeerMisbehaved | Self::ResultTooLarge => Some(Ran::Maybe),
            _ => Some(Ran::No),
        }
    }

    /// Whether the binding is of no use any more: the server has gone or has taken it back. Bind again; whether the call may
    /// be repeated is another question ([`is_retry_safe`](Self::is_retry_safe)).
    #[must_use]
    pub fn needs_rebind(&self) -> bool {
        matches!(self, Self::PeerDied { .. } | Self::PeerRestarted { .. } | Self::Revoked | Self::Unsupported)
    }

    /// Whether the procedure certainly was not entered, so that a retry repeats nothing. Of [`TooDeep`](Self::TooDeep), which
    /// a retry only repeats, it says no.
    #[must_use]
    pub fn is_retry_safe(&self) -> bool {
        self.ran() == Some(Ran::No) && !matches!(self, Self::TooDeep)
    }
}

/// Every [`CallError`] but the procedure's own, before its type is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure(pub(crate) CallError<Infallible>);

impl<E> From<Failure> for CallError<E> {
    #[inline]
    fn from(failure: Failure) -> Self {
        match failure.0 {
            CallError::App(never) => match never {},
            CallError::PeerDied { ran } => Self::PeerDied { ran },
            CallError::PeerRestarted { ran } => Self::PeerRestarted { ran },
            CallError::Timeout { ran } => Self::Timeout { ran },
            CallError::Revoked => Self::Revoked,
            CallError::NoAStack => Self::NoAStack,
            CallError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            CallError::ResultTooLarge => Self::ResultTooLarge,
            CallError::NoMemory => Self::NoMemory,
            CallError::WouldBlock => Self::WouldBlock,
            CallError::TooManyStrings { count, limit } => Self::TooManyStrings { count, limit },
            CallError::NotPassed { ran } => Self::NotPassed { ran },
            CallError::TooManyDescriptors { count, limit } => Self::TooManyDescriptors { count, limit },
            CallError::Unsendable => Self::Unsendable,
            CallError::Unreturnable => Self::Unreturnable,
            CallError::BadArgument => Self::BadArgument,
            CallError::PeerMisbehaved => Self::PeerMisbehaved,
            CallError::Panicked => Self::Panicked,
            CallError::Aborted => Self::Aborted,
            CallError::Forked => Self::Forked,
            CallError::Overloaded => Self::Overloaded,
            CallError::TooDeep => Self::TooDeep,
            CallError::Unsupported => Self::Unsupported,
            CallError::Denied => Self::Denied,
        }
    }
}

fn quota(limit: crate::Limit, per_uid: bool, most: u64) -> String {
    let whose = if per_uid { "this user's clients have" } else { "its clients have" };
    if limit == crate::Limit::Kernel {
        return format!(
            "the server has no {limit} left; close some clients, or have its RLIMIT_NOFILE or memory raised"
        );
    }
    format!(
        "the server refused: {whose} all {most} {limit} that its limits allow; close some, or have whoever runs the server \
         raise `Limits`"
    )
}

/// Why the directory of names cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirError {
    /// No directory is configured and none can be derived.
    #[error("there is no directory for names: set NEARCALL_DIR to a directory that only its owner can write")]
    Unknown,
    /// The directory belongs to somebody else.
    #[error(
        "{path} belongs to uid {owner}, who could replace any server in it; set NEARCALL_DIR to a directory of uid {wanted} or root"
    )]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who should own it.
        wanted: u32,
    },
    /// Others may write the directory.
    #[error("{path} has mode {mode:o}, so others could replace any server in it; chmod it to 0700 or 0755")]
    Mode {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A variable of the environment names a directory by a relative path, which is another one in each process.
    #[error(
        "{variable} is {path:?}, a relative path, which two processes may take for two directories; make it absolute"
    )]
    Relative {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// The name is there, but is no socket of nearcall's kind.
    #[error("{path} is {what}, not the socket of an export; remove it, or choose another name")]
    NotAnExport {
        /// The name's path.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It cannot be made or opened.
    #[error("{path} cannot be used: {source}; make its parent directory, or name another with NEARCALL_DIR")]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// The name is no file name.
    #[error("{name:?} is no name: 1 to 100 bytes without '/' or NUL, not beginning with '.'")]
    Name {
        /// The name.
        name: String,
    },
}

/// Procedures have not ended in time; they go on, and their results arrive. The service itself is dropped after the last of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{count} calls were still running when the time to drain was over; give them longer, or a time-out of their own"
)]
#[non_exhaustive]
pub struct StillRunning {
    /// How many.
    pub count: usize,
}

/// Why a service could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// See [`DirError`].
    #[error(transparent)]
    Dir(#[from] DirError),
    /// A living process has the name.
    #[error(
        "{name:?} is exported by another process that is alive; choose another name, end that process, or replace it (Exporter::replace, same user)"
    )]
    Taken {
        /// The name.
        name: String,
    },
    /// The kernel refused something this domain needs.
    #[error("cannot export: {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// This process is a forked child of a domain that had not called
    /// [`let_children_take_part`](crate::let_children_take_part), or it was forked inside a procedure or a user-level thread.
    #[error("this process was forked from one that uses nearcall; exec a program in the child first")]
    Forked,
}

/// Why a bind failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// See [`DirError`].
    #[error(transparent)]
    Dir(#[from] DirError),
    /// No process exports the name.
    #[error("nobody exports {name:?} in {dir}; start the server, or set NEARCALL_DIR as it does")]
    NotFound {
        /// The name.
        name: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// The socket's mode or the server's policy does not allow this process.
    #[error("the server does not allow this process to bind: {why}")]
    Denied {
        /// What did not allow it.
        why: String,
    },
    /// The server gives clients no more of something. Give some back (end clients, drop bindings), or have whoever runs the
    /// server raise the limit: [`crate::set_limits`] there, or `RLIMIT_NOFILE` for descriptors. What is over by itself in a
    /// moment was tried for as long as the bind may take.
    #[error("{}", quota(*limit, *per_uid, *most))]
    Quota {
        /// Of what.
        limit: crate::Limit,
        /// Whether it is the limit of one uid: then this user's processes have all of it. Else all users' together do.
        per_uid: bool,
        /// The limit; 0 where the kernel has it and not the server.
        most: u64,
    },
    /// The server is not of the user that was expected ([`crate::Binder::expect_uid`]). Somebody who may change the directory
    /// has put another server there, or the expectation is wrong.
    #[error(
        "the server runs as uid {uid}, not as uid {expected} as was demanded; nothing but a greeting was sent to it"
    )]
    Uid {
        /// As the kernel states it.
        uid: u32,
        /// What was demanded.
        expected: u32,
    },
    /// The server's interface is not the client's.
    #[error("the interfaces differ; rebuild the older side:\n{difference}")]
    Incompatible {
        /// Procedure by procedure, client's and server's.
        difference: String,
    },
    /// The server did not answer in time.
    #[error("the server did not finish the handshake within {0:?}")]
    Timeout(Duration),
    /// The server hung up or died during the handshake.
    #[error("the server ended during the handshake; try again")]
    Closed,
    /// The server said something that no correct server says.
    #[error("the server misbehaved in the handshake: {0}")]
    PeerMisbehaved(&'static str),
    /// The pair has no room for the interface's A-stacks.
    #[error("the pair has no room for {count} more A-stacks with frames of {frame_size} bytes")]
    NoRoom {
        /// A-stacks of the class that did not fit.
        count: u16,
        /// Bytes of each frame.
        frame_size: u32,
    },
    /// The server speaks another version of the layout.
    #[error("the server speaks version {server} of the layout, this program {client}; rebuild the older side")]
    Version {
        /// Ours.
        client: u32,
        /// Its.
        server: u32,
    },
    /// It is no name that can be bound to: another kind of address, or an interface that cannot go far; which, and why.
    #[error("{0} cannot be bound to")]
    Unsupported(String),
    /// The kernel refused something this domain needs.
    #[error("cannot bind: {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// This process is a forked child of a domain; see [`BindError::Forked`].
    #[error("this process was forked from one that uses nearcall; exec a program in the child first")]
    Forked,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GrantError;
    use crate::far::{DriveError, HostError};
    use crate::thread::{JoinError, SpawnError, WaitError};

    /// The names of all variants, as a list and as a `match` that a new one does not compile with.
    macro_rules! variants {
        ($($enum:ident $function:ident { $($variant:ident $pattern:tt),* $(,)? $(; $others:tt)? })*) => {
            $(
                #[allow(dead_code, reason = "it is the compiler that reads it")]
                fn $function(error: &$enum) {
                    match error {
                        $($enum::$variant $pattern => {})*
                        $($others => {})?
                    }
                }
            )*
            const VARIANTS: &[&str] = &[$($(concat!(stringify!($enum), "::", stringify!($variant))),*),*];
        };
    }

    variants! {
        CallError call {
            App(_), PeerDied { .. }, PeerRestarted { .. }, Timeout { .. }, Revoked {}, NoAStack {}, TooLarge { .. },
            ResultTooLarge {}, NoMemory {}, WouldBlock {}, TooManyStrings { .. }, NotPassed { .. },
            TooManyDescriptors { .. },
            Unsendable {}, Unreturnable {}, BadArgument {}, PeerMisbehaved {}, Panicked {}, Aborted {}, Forked {},
            Overloaded {}, TooDeep {}, Unsupported {}, Denied {},
        }
        BindError bind {
            Dir(_), NotFound { .. }, Denied { .. }, Quota { .. }, Uid { .. }, Incompatible { .. }, Timeout(_), Closed {}, PeerMisbehaved(_),
            NoRoom { .. }, Version { .. }, Unsupported(_), Io { .. }, Forked {},
        }
        ExportError export { Dir(_), Taken { .. }, Io { .. }, Forked {} }
        GrantError grant { Revoked {}, NotOurs {}, Outside { .. } }
        DirError dir { Unknown {}, Owner { .. }, Mode { .. }, Relative { .. }, NotAnExport { .. }, Io { .. }, Name { .. } }
        SpawnError spawn { NoKernelThread(_), Forked {}, StackTooLarge(_), NotHere {} }
        // It is nearcall-core's, whose tests have the match.
        JoinError join { Panicked(_), NoStack(_), Cancelled {}; _ }
        WaitError wait { TimedOut {}, Cancelled {} }
        DriveError drive { Io { .. }, Forked {} }
        HostError host { File { .. }, Io { .. }, Forked {} }
    }

    #[test]
    fn every_error_is_documented_with_cause_and_way_out() {
        // Protocols and applications have errors of their own, after that.
        let (page, _) = include_str!("../../../docs/errors.md").split_once("\n## Of protocol graphs").unwrap();
        let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
        let documented: Vec<String> = page.lines().filter_map(row).collect();
        assert_eq!(documented, VARIANTS, "docs/errors.md, in the order of the types");
    }
}
