//! ECHO: sends every message back on the session it came on. It makes a host of a graph file alone.

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{Node, OpenError, Protocol, Session, Upper};

/// The protocol.
#[derive(Debug)]
pub struct Echo {
    port: Option<u16>,
    node: Node,
}

impl Echo {
    /// For `node`; at `port`, if what is below has ports.
    #[must_use]
    pub fn new(node: Node, port: Option<u16>) -> Self {
        Self { port, node }
    }
}

impl Protocol for Echo {
    fn start(&mut self, cx: &mut Cx<'_>) -> Result<(), OpenError> {
        let at = match self.port {
            Some(port) => Participants::new().at(Address::Port(port)),
            None => Participants::new(),
        };
        cx.open_enable(0, Upper::own(self.node), at)
    }

    fn demux(&mut self, cx: &mut Cx<'_>, from: Session, message: Message) -> Option<(Session, Message)> {
        if message.attributes().broadcast {
            cx.count("broadcast");
            return None;
        }
        cx.count("echoed");
        cx.push(from, message);
        None
    }
}
