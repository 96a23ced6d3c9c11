//! Lies of a server, to any client: it binds the client to whatever that asks for, and answers as it likes.
//!
//! A lie is told to one connection. What the client does with it is the client's to say; here is seen whether it hung up,
//! went on, or fell silent.

mod handshake;
mod replies;
mod segments;
mod waiting;

use std::time::{Duration, Instant};

use super::{Lie, Seen};
use crate::message::Message;
use crate::packet::Connection;
use crate::random::Random;
use crate::server::{Request, Server, Wish};

pub use waiting::{WAITING, deceive};

/// Lies in the handshake that a client has to call misbehaviour.
pub const BINDS: &[Lie<Encounter>] = handshake::MISBEHAVIOUR;

/// Lies in the handshake that end a bind with some other name.
pub const REFUSALS: &[Lie<Encounter>] = handshake::REFUSALS;

/// Lies to a client that is bound.
pub const CALLS: &[Lie<Encounter>] = replies::ALL;

/// Lies to a client that makes large calls.
pub const SEGMENTS: &[Lie<Encounter>] = segments::ALL;

/// Lies with the words about waiting.
pub const WAITS: &[Lie<Encounter>] = waiting::ALL;

/// Every lie of a server, in order.
pub fn all() -> impl Iterator<Item = &'static Lie<Encounter>> {
    [BINDS, REFUSALS, CALLS, SEGMENTS, WAITS].into_iter().flatten()
}

/// A client that has connected.
#[derive(Debug)]
pub struct Encounter {
    connection: Option<Connection>,
    /// Where variations come from.
    pub random: Random,
    /// How long a bound client is lied to, unless it hangs up.
    pub patience: Duration,
}

impl Encounter {
    /// With the next connection.
    #[must_use]
    pub const fn new(connection: Connection, random: Random, patience: Duration) -> Self {
        Self { connection: Some(connection), random, patience }
    }

    /// The connection; each lie takes it once.
    fn connection(&mut self) -> Connection {
        self.connection.take().expect("one lie to a connection")
    }

    /// Waits until the client hangs up, as it should at once.
    fn ends(&self, connection: &Connection) -> Result<Seen, String> {
        super::expect(connection.closes(self.patience.max(super::SOON)), || "the client goes on with it".to_owned())?;
        Ok(Seen { ended: 1, ..Seen::default() })
    }

    /// Binds the client to what it asks for and answers each request, until it hangs up or time is over. There is no
    /// memory out of band.
    fn answer(&mut self, answer: impl FnMut(&Server, &Request, &mut Random)) -> Seen {
        self.converse(answer, |server, question, _| server.deny(question))
    }

    /// The same, with something to say to what the client asks for.
    fn converse(
        &mut self,
        mut answer: impl FnMut(&Server, &Request, &mut Random),
        mut reply: impl FnMut(&Server, &Message, &mut Random),
    ) -> Seen {
        let mut server = Server::honest(self.connection());
        let start = Instant::now();
        let mut seen = Seen::default();
        while let Some(left) = self.patience.checked_sub(start.elapsed()) {
            match server.wish(left) {
                Some(Wish::Request(request)) => {
                    answer(&server, &request, &mut self.random);
                    seen.took += 1;
                }
                Some(Wish::Question(question, _)) => reply(&server, &question, &mut self.random),
                None => break,
            }
        }
        seen.ended = u64::from(server.connection.is_closed());
        seen
    }
}

/// Serves a connection honestly, with zeros for results; says how many requests there were.
///
/// # Panics
/// If the client breaks the protocol.
pub fn serve_honestly(connection: Connection, patience: Duration) -> Seen {
    Encounter::new(connection, Random::new(0), patience)
        .answer(|server, request, _| server.answer(request, nearcall_layout::pair::status::OK, 0, &[]))
}
