//! One pair's channel: publishing, claiming and answering calls.
//!
//! [`client::ClientHalf`] writes request lines in ring order and reads reply lines; [`server::ServerHalf`] does the
//! reverse. Neither waits, sleeps or reads a clock: that is [`crate::transfer`]. Everything that decides is private: a
//! half never looks at what it wrote itself, and looks at what the peer wrote once.
//!
//! ```text
//! client                                        server
//!   line[s] = what, right, arguments               poll line[next].first == next      (relaxed)
//!   line[s].first = s            --Release-->      acquire fence; claim: next += 1     (private)
//!                                                  stamp[a] = s | STARTED
//!                                                  ... the procedure ...
//!                                                  stamp[a] = s | FINISHED
//!   poll reply[a].first == s     <--Release--      reply[a] = results; first = s | status
//!   acquire fence
//! ```

use nearcall_layout::pair::wake;

pub mod client;
pub mod grants;
pub mod memory;
pub mod server;
pub mod serving;

/// Words of arguments or results that ride in a line.
pub const LINE_WORDS: usize = nearcall_layout::head::LINE_BYTES / 8;

/// How far a call got, as far as the server wrote it down. It is as honest as the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// The server had not read the request: nothing happened, a retry is safe.
    No,
    /// The procedure was entered; it may have done some of its work, or all.
    Maybe,
    /// The procedure returned; only its results are lost.
    Yes,
}

/// How a caller wants to be woken when its reply is there, as its wait word says ([`nearcall_layout::pair::wake`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// It sleeps on its reply line.
    Reply,
    /// It sleeps for several replies, on the pair's reply bell.
    Bell,
    /// It does not sleep: the pair's signal is to be given.
    Signal,
    /// It is a thread of a processor that sleeps for several replies, on the pair's reply bell.
    Processor,
}

impl Wake {
    /// As it lies in a wait word.
    const fn bits(self) -> u64 {
        match self {
            Self::Reply => wake::REPLY,
            Self::Bell => wake::BELL,
            Self::Signal => wake::SIGNAL,
            Self::Processor => wake::PROCESSOR,
        }
    }

    /// What a wait word says beside its sequence number; `None` if nobody waits.
    const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            wake::REPLY => Some(Self::Reply),
            wake::BELL => Some(Self::Bell),
            wake::SIGNAL => Some(Self::Signal),
            wake::PROCESSOR => Some(Self::Processor),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
