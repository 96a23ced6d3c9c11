//! The connections of clients: what the watcher looks up for each event, in time that does not grow with their number.
//!
//! Two things make a flood its own problem. A connection's turn is [`MESSAGES_A_TURN`] long; and of one batch of events, the
//! connections of a uid together have [`TURNS_OF_A_UID`] such turns. What is left is still readable, and comes with the next
//! batch, after everybody else's.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::clerk::ServerPair;
use crate::connection::{Connection, MESSAGES_A_TURN, Step};
use crate::message::Instance;

/// Turns that all connections of one uid have in one batch of events.
const TURNS_OF_A_UID: usize = 2;

#[derive(Debug)]
struct Client {
    connection: Connection,
    /// The key of its process's handle.
    death: Option<u64>,
    /// The last batch in which it was heard.
    heard: u64,
}

/// All of them, by key.
#[derive(Debug, Default)]
pub(super) struct Clients {
    by_key: HashMap<u64, Client>,
    /// Whose token this is.
    tokens: HashMap<u64, u64>,
    /// Handshakes that have to be over.
    deadlines: BTreeSet<(Instant, u64)>,
    /// What each uid has had of this batch.
    spent: HashMap<u32, usize>,
    batch: u64,
}

impl Clients {
    pub(super) fn insert(&mut self, key: u64, connection: Connection) {
        self.deadlines.insert((connection.deadline(), key));
        self.by_key.insert(key, Client { connection, death: None, heard: 0 });
    }

    /// Takes a client out, with the key of its process's handle.
    pub(super) fn remove(&mut self, key: u64) -> Option<(Connection, Option<u64>)> {
        let Client { connection, death, .. } = self.by_key.remove(&key)?;
        self.deadlines.remove(&(connection.deadline(), key));
        self.tokens.remove(&connection.token());
        Some((connection, death))
    }

    pub(super) fn get(&mut self, key: u64) -> Option<&mut Connection> {
        Some(&mut self.by_key.get_mut(&key)?.connection)
    }

    pub(super) fn set_death(&mut self, key: u64, death: Option<u64>) {
        if let Some(client) = self.by_key.get_mut(&key) {
            client.death = death;
        }
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = &Arc<ServerPair>> {
        self.by_key.values().filter_map(|client| client.connection.pair())
    }

    /// Everybody has all turns again.
    pub(super) fn begin_batch(&mut self) {
        self.spent.clear();
        self.batch += 1;
    }

    /// Lets a connection have its turn, if its uid has any left of this batch.
    pub(super) fn hear(&mut self, key: u64, instance: Instance, buffer: &mut [u8]) -> Step {
        let Some(mut client) = self.by_key.remove(&key) else { return Step::Go };
        let spent = self.spent.entry(client.connection.uid()).or_default();
        if *spent >= TURNS_OF_A_UID * MESSAGES_A_TURN {
            self.by_key.insert(key, client);
            return Step::Go;
        }
        let by_token = |token: u64| self.by_key.get(self.tokens.get(&token)?)?.connection.redeem(token);
        // Readable again at once: it had more to say, or says it very fast.
        let not_alone = client.heard + 1 == self.batch;
        client.heard = self.batch;
        let turn = client.connection.hear(not_alone, instance, by_token, buffer);
        // An event without a message is one, too.
        *spent += turn.cost.max(1);
        if client.connection.token() != 0 {
            self.tokens.insert(client.connection.token(), key);
        }
        if client.connection.pair().is_some() {
            self.deadlines.remove(&(client.connection.deadline(), key));
        }
        self.by_key.insert(key, client);
        turn.step
    }

    /// When the next handshake has to be over.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// A client whose handshake is late.
    pub(super) fn late(&self, now: Instant) -> Option<u64> {
        self.deadlines.first().filter(|&&(at, _)| at <= now).map(|&(_, key)| key)
    }
}
