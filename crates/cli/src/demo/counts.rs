//! How the calls travelled, as both processes counted it: the library's own counts, in a form that goes through pipes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the parent writes to the server for its counts; the answer is one line.
pub(crate) const ASK: &str = "counts";

/// Of both sides, until the server was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) client: ClientSide,
    pub(crate) server: ServerSide,
}

/// [`nearcall::ClientCounts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientSide {
    pub(crate) calls: u64,
    pub(crate) spun: u64,
    pub(crate) donated: u64,
    pub(crate) slept: u64,
    pub(crate) sleeps: u64,
    pub(crate) yields_paid: u64,
    pub(crate) yields_wasted: u64,
    pub(crate) bells: u64,
    pub(crate) messages: u64,
}

impl From<nearcall::ClientCounts> for ClientSide {
    fn from(counts: nearcall::ClientCounts) -> Self {
        Self {
            calls: counts.calls,
            spun: counts.spun,
            donated: counts.donated,
            slept: counts.slept,
            sleeps: counts.sleeps,
            yields_paid: counts.yields_paid,
            yields_wasted: counts.yields_wasted,
            bells: counts.bells,
            messages: counts.messages,
        }
    }
}

/// [`nearcall::ServerCounts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerSide {
    pub(crate) calls: u64,
    pub(crate) polled: u64,
    pub(crate) donations: u64,
    pub(crate) sleeps: u64,
    pub(crate) yields_paid: u64,
    pub(crate) yields_wasted: u64,
    pub(crate) empty_bells: u64,
    pub(crate) tenures: u64,
    pub(crate) relieved: u64,
}

impl From<nearcall::ServerCounts> for ServerSide {
    fn from(counts: nearcall::ServerCounts) -> Self {
        Self {
            calls: counts.calls,
            polled: counts.polled,
            donations: counts.donations,
            sleeps: counts.sleeps,
            yields_paid: counts.yields_paid,
            yields_wasted: counts.yields_wasted,
            empty_bells: counts.empty_bells,
            tenures: counts.tenures,
            relieved: counts.relieved,
        }
    }
}

/// The part of the table, for people.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, server } = self;
        let ClientSide { calls, spun, donated, slept, bells, messages, yields_paid, yields_wasted, .. } = client;
        writeln!(f, "client: {calls} calls: {spun} spun, {donated} donated, {slept} slept")?;
        writeln!(f, "        {bells} bells, {messages} messages; yields: {yields_paid} paid, {yields_wasted} wasted")?;
        let ServerSide { calls, polled, donations, empty_bells, tenures, yields_paid, yields_wasted, .. } = server;
        writeln!(f, "server: {calls} calls: {polled} polled in {tenures} tenures, {donations} on their callers' CPU")?;
        writeln!(f, "        {empty_bells} empty bells; yields: {yields_paid} paid, {yields_wasted} wasted")
    }
}
