//! The client's side of one channel, as a pure machine: what arrives and that time has passed goes in, what to do comes out.
//!
//! ```text
//!           call                         reply
//! FREE ---------------> WAIT (resend...) --------> FREE
//!   ^                     | given up, refused or forgotten, or the server has restarted
//!   +---------------------+
//! ```
//!
//! A call that was given up keeps its number, so its answer, when it comes after all, is nobody's.
//!
//! Source: Birrell and Nelson, Implementing Remote Procedure Calls (1984), section 3; the x-kernel's chan.

use super::header::{Flags, next};

/// The client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Client {
    /// Of the call that is under way, or was last.
    sequence: u32,
    waits: bool,
    /// Requests of this call that were sent.
    sent: u32,
}

/// What a message from the server came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// It is of another call than the one under way, or of none.
    Stale,
    /// It is the answer; the channel is free.
    Answer,
    /// The server has the request.
    Executing,
    /// The server does not have the request: it is to be sent whole.
    Resend,
    /// The server asks whether the answer of the last call has arrived, and it has: say so.
    Acknowledge,
    /// It asks, and the answer has not arrived: say that.
    Deny,
    /// The server has not run the request and will not; the channel is free.
    Refused {
        /// It has as much to do as it may.
        is_busy: bool,
    },
    /// The server has run the request, or has it, and has no answer; the channel is free.
    Forgotten,
}

/// What to send when no answer came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The whole request.
    Whole,
    /// A question whether the request is there: the request is long, and the question is short.
    Question,
}

impl Client {
    /// One whose last call was `sequence`.
    #[must_use]
    pub const fn after(sequence: u32) -> Self {
        Self { sequence, waits: false, sent: 0 }
    }

    /// Which call is under way, or was last.
    #[must_use]
    pub const fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Whether one is under way.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.waits
    }

    /// Whether its request was sent once, so that the answer measures a round trip.
    #[must_use]
    pub const fn sent_once(&self) -> bool {
        self.sent == 1
    }

    /// Begins a call. `None` while one is under way.
    pub fn call(&mut self) -> Option<Flags> {
        if self.waits {
            return None;
        }
        *self = Self { sequence: next(self.sequence), waits: true, sent: 1 };
        Some(Flags::FROM_CLIENT.and(Flags::USER_MESSAGE))
    }

    /// No answer came in time. `is_long`: the request takes more than one packet.
    pub fn retry(&mut self, is_long: bool) -> Option<(Retry, Flags)> {
        if !self.waits {
            return None;
        }
        self.sent = self.sent.saturating_add(1);
        let asks = Flags::FROM_CLIENT.and(Flags::ASKS);
        Some(if is_long { (Retry::Question, asks) } else { (Retry::Whole, asks.and(Flags::USER_MESSAGE)) })
    }

    /// A message from the server, of call `sequence`.
    pub fn hear(&mut self, flags: Flags, sequence: u32) -> Heard {
        if sequence != self.sequence || self.sequence == 0 {
            return Heard::Stale;
        }
        if flags.has(Flags::USER_MESSAGE) {
            if !self.waits {
                // It answers twice because it does not know that we have heard it.
                return if flags.has(Flags::ASKS) { Heard::Acknowledge } else { Heard::Stale };
            }
            self.waits = false;
            return Heard::Answer;
        }
        if flags.has(Flags::REFUSED) || flags.has(Flags::FORGOTTEN) {
            return match (core::mem::replace(&mut self.waits, false), flags.has(Flags::REFUSED)) {
                (false, _) => Heard::Stale,
                (true, true) => Heard::Refused { is_busy: flags.has(Flags::MISSING) },
                (true, false) => Heard::Forgotten,
            };
        }
        match (self.waits, flags.has(Flags::ASKS), flags.has(Flags::MISSING)) {
            (true, true, _) => Heard::Deny,
            (true, false, true) => {
                self.sent = self.sent.saturating_add(1);
                Heard::Resend
            }
            (true, false, false) => Heard::Executing,
            (false, true, _) => Heard::Acknowledge,
            (false, false, _) => Heard::Stale,
        }
    }

    /// Nobody waits for the answer any more. Says whether there was a call.
    pub fn give_up(&mut self) -> bool {
        core::mem::replace(&mut self.waits, false)
    }
}
