//! Handlers: code of the program's that runs where its messages arrive, instead of being told of them.
//!
//! A handler stands in the place of an anchor. What it returns is sent back on the session that the message came on; if that is
//! nothing, or it panics, whoever called hears that there is no answer. It runs with no lock of the graph held, on the stack that
//! brought the message as far as that is allowed ([`reception`](crate::reception)); so it may be entered by several kernel threads at
//! once.
//!
//! Source: the report on interrupt protocol processing, section 2.1 (servers).

use crate::event::Time;
use crate::graph::Graph;
use crate::message::Message;
use crate::protocol::Session;

type Run = dyn Fn(&Graph, Session, Message, Time) -> Option<Message> + Send + Sync;

/// What a program does with the messages that arrive at one of its anchors.
pub struct Handler {
    run: Box<Run>,
    is_nonblocking: bool,
}

impl core::fmt::Debug for Handler {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Handler").field("is_nonblocking", &self.is_nonblocking).finish_non_exhaustive()
    }
}

impl Handler {
    /// One that may wait and take its time: before it begins, reception is somebody else's.
    pub fn new(run: impl Fn(&Graph, Session, Message, Time) -> Option<Message> + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), is_nonblocking: false }
    }

    /// One that answers at once, and is trusted to: nothing else is received while it runs. If it waits nevertheless, or runs for
    /// long, that is seen, and it is trusted no more.
    pub fn nonblocking(
        run: impl Fn(&Graph, Session, Message, Time) -> Option<Message> + Send + Sync + 'static,
    ) -> Self {
        Self { run: Box::new(run), is_nonblocking: true }
    }

    /// Whether it answers at once, as it says itself.
    #[must_use]
    pub fn is_nonblocking(&self) -> bool {
        self.is_nonblocking
    }

    pub(crate) fn run(&self, graph: &Graph, from: Session, message: Message, now: Time) -> Option<Message> {
        (self.run)(graph, from, message, now)
    }
}
