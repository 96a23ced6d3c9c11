//! Anchors: where a program is attached to its graph.
//!
//! An anchor is the topmost protocol of a graph. What arrives for it waits in a bounded inbox until the program takes it;
//! what finds the inbox full is dropped and counted, so that a program that does not look costs bounded memory. A call that
//! was dropped is declined.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Time;
use crate::graph::{Cx, Graph};
use crate::handler::Handler;
use crate::message::Message;
use crate::participants::Participants;
use crate::protocol::{Control, ControlError, Node, OpenError, Protocol, PushError, Session, Ticket, Upper};

/// What has arrived for an anchor.
#[derive(Debug)]
pub struct Inbox {
    messages: Mutex<VecDeque<(Session, Message)>>,
    bound: usize,
}

impl Inbox {
    fn messages(&self) -> std::sync::MutexGuard<'_, VecDeque<(Session, Message)>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The protocol that an anchor is to the graph.
#[derive(Debug)]
pub(crate) struct AnchorProtocol {
    inbox: Arc<Inbox>,
}

impl AnchorProtocol {
    /// For at most `bound` messages.
    pub(crate) fn new(bound: usize) -> Self {
        Self { inbox: Arc::new(Inbox { messages: Mutex::default(), bound }) }
    }
}

impl Protocol for AnchorProtocol {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        let mut messages = self.inbox.messages();
        if messages.len() < self.inbox.bound {
            messages.push_back((from, message));
        } else {
            drop(messages);
            cx.count("inbox_full");
            // Whoever called is told; who sent something else is not, and what is below says so.
            let _ = cx.control_session(from, Control::Decline { is_busy: true });
        }
        None
    }

    fn inbox(&self) -> Option<Arc<Inbox>> {
        Some(Arc::clone(&self.inbox))
    }
}

/// A program's end of a graph.
#[derive(Debug, Clone, Copy)]
pub struct Anchor<'g> {
    graph: &'g Graph,
    node: Node,
    inbox: &'g Arc<Inbox>,
}

impl<'g> Anchor<'g> {
    pub(crate) fn new(graph: &'g Graph, node: Node, inbox: &'g Arc<Inbox>) -> Self {
        Self { graph, node, inbox }
    }

    /// A session with `to`, of the protocol below. It is the program's until [`close`](Self::close).
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, to: Participants, now: Time) -> Result<Session, OpenError> {
        self.graph.open_for(self.node, to, now)
    }

    /// Lets messages for `at` come. Each brings the session on which it can be answered. Such a session gives way to others
    /// some time, unless the program [`duplicates`](Graph::duplicate) it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn enable(&self, at: Participants, now: Time) -> Result<(), OpenError> {
        let upper = Upper::own(self.node);
        self.graph.with(self.node, now, |_, cx| cx.open_enable(0, upper, at)).unwrap_or(Err(OpenError::Nothing))
    }

    /// Takes that back.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn disable(&self, at: Participants, now: Time) -> Result<(), OpenError> {
        let upper = Upper::own(self.node);
        self.graph.with(self.node, now, |_, cx| cx.open_disable(0, upper, at)).unwrap_or(Err(OpenError::Nothing))
    }

    /// Does not answer the call that came last on `session`, and says so: nobody runs it.
    ///
    /// # Errors
    /// [`ControlError`]: no call is under way there.
    pub fn decline(&self, session: Session, is_busy: bool, now: Time) -> Result<(), ControlError> {
        self.graph.control(session, Control::Decline { is_busy }, now).map(drop)
    }

    /// Sends `message`.
    ///
    /// # Errors
    /// [`PushError`].
    pub fn push(&self, session: Session, message: Message, now: Time) -> Result<(), PushError> {
        self.graph.push(session, message, now)
    }

    /// Calls; [`Graph::answer`] has the answer.
    ///
    /// # Errors
    /// [`PushError`].
    pub fn call(&self, session: Session, message: Message, now: Time) -> Result<Ticket, PushError> {
        self.graph.call(session, message, now)
    }

    /// From here on `handler` has what arrives, and the inbox nothing. It is there for as long as the graph is.
    ///
    /// # Errors
    /// There is one already; this one is given back.
    pub fn serve(&self, handler: Handler) -> Result<(), Handler> {
        self.graph.set_handler(self.node, handler)
    }

    /// What arrived next, and the session on which it did.
    #[must_use]
    pub fn receive(&self) -> Option<(Session, Message)> {
        self.inbox.messages().pop_front()
    }

    /// Gives a session up.
    pub fn close(&self, session: Session, now: Time) {
        self.graph.close(session, now);
    }
}
