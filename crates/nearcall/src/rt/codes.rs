//! Errors as numbers, for languages that have no enums with fields. The numbers are part of `nearcall.h` and never change.

use crate::error::{BindError, CallError, DirError, ExportError, Failure, Ran};

/// What a call, a bind or an export ended in: one number for each name that an error has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// `NEARCALL_..` of the header.
    pub number: i32,
    /// How far a call got: 0 not started, 1 perhaps, 2 finished.
    pub ran: i32,
    /// Bytes that were too many, and how many would not have been; 0 if that is not the reason.
    pub sizes: (u64, u64),
}

/// The procedure returned its own error.
pub const RAISED: i32 = 1;

impl Failure {
    /// As a number.
    #[must_use]
    pub fn code(&self) -> Code {
        let wide = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        let number = match self.0 {
            CallError::App(never) => match never {},
            CallError::PeerDied { .. } => 2,
            CallError::PeerRestarted { .. } => 3,
            CallError::Timeout { .. } => 4,
            CallError::Revoked => 5,
            CallError::NoAStack => 6,
            CallError::TooLarge { .. } => 7,
            CallError::ResultTooLarge => 8,
            CallError::NoMemory => 9,
            CallError::WouldBlock => 10,
            CallError::Unsendable => 11,
            CallError::Unreturnable => 12,
            CallError::BadArgument => 13,
            CallError::PeerMisbehaved => 14,
            CallError::Panicked => 15,
            CallError::Aborted => 16,
            CallError::Forked => 17,
            CallError::Overloaded => 18,
            CallError::TooDeep => 19,
            CallError::Unsupported => 20,
            CallError::Denied => 21,
            CallError::TooManyStrings { .. } => 22,
            CallError::NotPassed { .. } => 23,
            CallError::TooManyDescriptors { .. } => 24,
        };
        let sizes = match self.0 {
            CallError::TooLarge { size, limit } => (wide(size), wide(limit)),
            CallError::TooManyStrings { count, limit } | CallError::TooManyDescriptors { count, limit } => {
                (wide(count), wide(limit))
            }
            _ => (0, 0),
        };
        let ran = match self.0.ran() {
            None | Some(Ran::No) => 0,
            Some(Ran::Maybe) => 1,
            Some(Ran::Yes) => 2,
        };
        Code { number, ran, sizes }
    }

    /// The failure that has a number without further particulars; `None` if none has.
    #[must_use]
    pub fn of_number(number: i32) -> Option<Self> {
        Some(Self(match number {
            2 => CallError::PeerDied { ran: Ran::Maybe },
            3 => CallError::PeerRestarted { ran: Ran::Maybe },
            4 => CallError::Timeout { ran: Ran::Maybe },
            5 => CallError::Revoked,
            6 => CallError::NoAStack,
            7 => CallError::TooLarge { size: 0, limit: 0 },
            8 => CallError::ResultTooLarge,
            9 => CallError::NoMemory,
            10 => CallError::WouldBlock,
            11 => CallError::Unsendable,
            12 => CallError::Unreturnable,
            13 => CallError::BadArgument,
            14 => CallError::PeerMisbehaved,
            15 => CallError::Panicked,
            16 => CallError::Aborted,
            17 => CallError::Forked,
            18 => CallError::Overloaded,
            19 => CallError::TooDeep,
            20 => CallError::Unsupported,
            21 => CallError::Denied,
            22 => CallError::TooManyStrings { count: 0, limit: 0 },
            23 => CallError::NotPassed { ran: Ran::Maybe },
            24 => CallError::TooManyDescriptors { count: 0, limit: 0 },
            _ => return None,
        }))
    }
}

impl DirError {
    const fn number(&self) -> i32 {
        match self {
            Self::Unknown => 120,
            Self::Owner { .. } => 121,
            Self::Mode { .. } => 122,
            Self::Relative { .. } => 123,
            Self::NotAnExport { .. } => 124,
            Self::Io { .. } => 125,
            Self::Name { .. } => 126,
        }
    }
}

impl BindError {
    /// As a number.
    #[must_use]
    pub fn number(&self) -> i32 {
        match self {
            Self::Dir(dir) => dir.number(),
            Self::NotFound { .. } => 100,
            Self::Denied { .. } => 101,
            Self::Quota { .. } => 102,
            Self::Uid { .. } => 103,
            Self::Incompatible { .. } => 104,
            Self::Timeout(_) => 105,
            Self::Closed => 106,
            Self::PeerMisbehaved(_) => 107,
            Self::NoRoom { .. } => 108,
            Self::Version { .. } => 109,
            Self::Unsupported(_) => 110,
            Self::Io { .. } => 111,
            Self::Forked => 112,
        }
    }
}

impl ExportError {
    /// As a number.
    #[must_use]
    pub fn number(&self) -> i32 {
        match self {
            Self::Dir(dir) => dir.number(),
            Self::Taken { .. } => 130,
            Self::Io { .. } => 131,
            Self::Forked => 112,
        }
    }
}
