//! The server's side of one channel, as a pure machine.
//!
//! ```text
//!         request n                    reply                      request n+1: EXECUTE
//! IDLE -------------> EXECUTE(n) --------------> WAIT(n, reply) ---------------------->
//!   ^                    | nobody runs it           | acknowledged, or nobody says whether
//!   |                    v                          |
//!   |                 REFUSED(n)                    |
//!   +-----------------------------------------------+
//! ```
//!
//! A request is executed when its number is later than all before it, and never otherwise. The next request acknowledges
//! the reply to the last one, so a call takes two messages. The number stays when everything else of a call is forgotten
//! ([`Server::after`]), and whoever still waits for that reply is told that there is none.
//!
//! Source: Birrell and Nelson (1984), section 3; the x-kernel's chan.

use super::header::{Flags, is_later};

/// How often a client that has a reply, perhaps, is asked whether it has.
pub const ASKS_MAX: u8 = 3;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum State {
    /// Nothing; the last reply was acknowledged, or is forgotten.
    #[default]
    Idle,
    /// The procedure runs.
    Execute,
    /// It has answered, and the answer is kept.
    Wait {
        /// How often the client was asked for it.
        asks: u8,
    },
    /// The last request was not run, and will not be.
    Refused {
        /// There was too much to do.
        is_busy: bool,
    },
}

/// The server's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Server {
    last: u32,
    state: State,
    /// The latest request that came while an earlier one was run: no request up to it is ever run. 0: none.
    barred: u32,
}

/// What a message from the client came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// A new request: run it. What was kept of the last reply is nobody's any more.
    Execute,
    /// It was heard before, or is of a call that is over.
    Stale,
    /// It is not run, and never will be: say so.
    Refuse {
        /// It came while another one was run, whose client has given up; or there was too much else to do.
        is_busy: bool,
    },
    /// It came again and the reply is here: send that again.
    Repeat,
    /// It came again and is being run: say so.
    Acknowledge,
    /// It is asked for and was never here: say so.
    Deny,
    /// It is asked for and was run, and the reply is not kept any more: say so.
    Forgotten,
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
    /// One of which only the number is left.
    #[must_use]
    pub const fn after(last: u32) -> Self {
        Self { last, state: State::Idle, barred: 0 }
    }

    /// Which call it was last.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.last
    }

    /// The latest call that is over or will never be: what is left when everything else is forgotten.
    #[must_use]
    pub const fn heard(&self) -> u32 {
        if self.barred == 0 { self.last } else { self.barred }
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
            if self.barred != 0 && !is_later(sequence, self.barred) {
                return if is_request || asks { Heard::Refuse { is_busy: true } } else { Heard::Stale };
            }
            return match (self.state, is_request) {
                (State::Execute, true) => {
                    self.barred = sequence;
                    Heard::Refuse { is_busy: true }
                }
                (_, false) if asks => Heard::Deny,
                (_, false) => Heard::Stale,
                (_, true) => {
                    *self = Self { last: sequence, state: State::Execute, barred: 0 };
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
            State::Refused { is_busy } if is_request || asks => Heard::Refuse { is_busy },
            // Its client asks only while it waits.
            State::Idle if asks => Heard::Forgotten,
            State::Execute | State::Idle | State::Refused { .. } => Heard::Stale,
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

    /// Nobody will run the request. `None` if none is there to be run.
    pub fn refuse(&mut self, is_busy: bool) -> Option<Flags> {
        if self.state != State::Execute {
            return None;
        }
        self.state = State::Refused { is_busy };
        Some(refused(is_busy))
    }

    /// It was run, and its reply can be sent to nobody. `None` if none was run.
    pub fn lose(&mut self) -> Option<Flags> {
        if self.state != State::Execute {
            return None;
        }
        self.state = State::Idle;
        Some(forgotten())
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

/// "It was not run."
#[must_use]
pub const fn refused(is_busy: bool) -> Flags {
    if is_busy { Flags::REFUSED.and(Flags::MISSING) } else { Flags::REFUSED }
}

/// "There is no answer any more."
#[must_use]
pub const fn forgotten() -> Flags {
    Flags::FORGOTTEN.and(Flags::MISSING)
}
