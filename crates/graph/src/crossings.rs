//! Edges, as whoever runs a graph sees them: the place between two protocols where work may change hands.
//!
//! Messages go up an edge when the protocol below has returned and its lock is free, so the work is the stack that brought it
//! and nothing else. A hook is asked there; protocols never learn of it, and are the same with and without one.
//!
//! Source: the report on interrupt protocol processing, section 3.3.2.

use std::collections::BTreeMap;

use crate::event::Time;
use crate::graph::Work;
use crate::handler::Handler;
use crate::message::Message;
use crate::protocol::Node;

/// What the graph file says of an edge: the annotations in braces.
pub type Annotations = BTreeMap<String, String>;

/// What the file says of work that goes up an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handoff {
    /// Nothing.
    #[default]
    Unsaid,
    /// From here on it is another thread's.
    Explicit,
    /// Time is no reason to hand it off here.
    Never,
}

impl Handoff {
    pub(crate) fn of(annotations: &Annotations) -> Self {
        match annotations.get("handoff").map(String::as_str) {
            Some("explicit") => Self::Explicit,
            Some("none") => Self::Never,
            _ => Self::Unsaid,
        }
    }
}

/// An edge at which work is about to go up.
#[derive(Debug, Clone, Copy)]
pub struct Crossing<'a> {
    /// The protocol that it comes from.
    pub lower: Node,
    /// The protocol that it goes to.
    pub upper: Node,
    /// What the file says of the edge.
    pub annotations: &'a Annotations,
    /// The same, of handing it off.
    pub handoff: Handoff,
    /// The program's, if it has one there.
    pub handler: Option<&'a Handler>,
    /// The message.
    pub message: &'a Message,
    /// What time it is: for whoever brought it, when it arrived.
    pub now: Time,
}

/// Whether work goes up an edge on the stack that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It does.
    GoOn,
    /// It is kept: [`Crossings::keep`] follows.
    Keep,
}

/// What happens to work between two protocols. Neither of them learns of it.
pub trait Crossings: Send + Sync {
    /// Asked on the stack that brought the work, with no lock of the graph held. It may take its time, and what it does to the
    /// kernel thread is its own business.
    fn up(&self, crossing: &Crossing<'_>) -> Passage;

    /// Has the work of which [`up`](Self::up) said so, and hands it to [`Graph::carry_out`](crate::Graph::carry_out) on any thread.
    ///
    /// # Errors
    /// It is given back where nobody will carry it out: then whoever waits for it is told.
    fn keep(&self, work: Work) -> Result<(), Work>;

    /// The calling thread is at `node` now, to which no message has gone up: an event of it runs, or a handler's reply goes down there.
    fn reach(&self, node: Node) {
        let _ = node;
    }
}
