//! The server's side of one channel, as a pure machine.
//!
//! ```text
//!         request n                    reply                      request n+1: EXECUTE
//! IDLE -------------> EXECUTE(n) --------------> WAIT(n, reply) ---------------------->
//!   ^                                              | acknowledged, or nobody says whether
//!   +----------------------------------------------+
//! ```
//!
//! A request is executed when its number is later than all before it, and never otherwise. The next request acknowledges
//! the reply to the last one, so a call takes two messages. The number stays when everything else of a call is forgotten.
//!
//! Source: Birrell and Nelson (1984), section 3; the x-kernel's chan.

use super::header::{Flags, is_later};

/// How often a client that has a reply, perhaps, is asked whether it has.
pub const ASKS_MAX: u8 = 3;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Nothing; the last reply was acknowledged.
    #[default]
    Idle,
    /// The procedure runs.
    Execute,
    /// It has answered, and the answer is kept.
    Wait {
        /// How often the client was asked for it.
        asks: u8,
    },
}

/// The server's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Server {
    last: u32,
    state: State,
}

/// What a message from the client came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A new request: run it. What was kept of the last reply is nobody's any more.
    Execute,
    /// It was heard before, or is of a call that is over.
    Stale,
    /// It is later than the request that is run now, whose client has given up: it has to come again.
    Busy,
    /// It came again and the reply is here: send that again.
    Repeat,
    /// It came again and is being run: say so.
    Acknowledge,
    /// It is asked for and was never here: say so.
    Deny,
    /// The reply has arrived: it need not be kept.
    Release,
}

/// What to do with a reply of which nobody has said that it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Ask.
    Ask(Flags),
    /// Forget it.
    Release,
    /// There is none.
    Nothing,
}

impl Server {
    /// Which call it was last.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// What is under way.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// A message from the client, of call `sequence`.
    pub fn hear(&mut self, flags: Flags, sequence: u32) -> Heard {
        let is_request = flags.has(Flags::USER_MESSAGE);
        let asks = flags.has(Flags::ASKS);
        if sequence == 0 {
            return Heard::Stale;
        }
        if self.last == 0 || is_later(sequence, self.last) {
            return match (self.state, is_request) {
                (State::Execute, _) => Heard::Busy,
                (_, false) if asks => Heard::Deny,
                (_, false) => Heard::Stale,
                (_, true) => {
                    *self = Self { last: sequence, state: State::Execute };
                    Heard::Execute
                }
            };
        }
        if sequence != self.last {
            return Heard::Stale;
        }
        match self.state {
            State::Execute if asks => Heard::Acknowledge,
            State::Wait { .. } if is_request || asks || flags.has(Flags::MISSING) => Heard::Repeat,
            State::Wait { .. } => {
                self.state = State::Idle;
                Heard::Release
            }
            State::Execute | State::Idle => Heard::Stale,
        }
    }

    /// The procedure has answered. `None` if nobody waits for that.
    pub fn answer(&mut self) -> Option<Flags> {
        if self.state != State::Execute {
            return None;
        }
        self.state = State::Wait { asks: 0 };
        Some(Flags::USER_MESSAGE)
    }

    /// The reply has been kept for some time.
    pub fn look(&mut self) -> Kept {
        match &mut self.state {
            State::Wait { asks } if *asks >= ASKS_MAX => {
                self.state = State::Idle;
                Kept::Release
            }
            State::Wait { asks } => {
                *asks += 1;
                Kept::Ask(Flags::ASKS)
            }
            _ => Kept::Nothing,
        }
    }
}
