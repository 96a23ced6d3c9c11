//! ECHO: sends every message back on the session it came on. It makes a host of a graph file alone.
//!
//! What comes from its own port is another's echo, and goes no further: two of them, and one datagram in the name of either, would be
//! busy for ever. Without ports, and between different ones, they cannot be told.

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Address, Participants};
use crate::protocol::{Answer, Control, Node, OpenError, Protocol, Session, Upper};

/// The protocol.
#[derive(Debug)]
pub struct Echo {
    port: Option<u16>,
    /// The session that was heard last, and whether it is with an echo.
    last: Option<(Session, bool)>,
    node: Node,
}

impl Echo {
    /// For `node`; at `port`, if what is below has ports.
    #[must_use]
    pub fn new(node: Node, port: Option<u16>) -> Self {
        Self { port, last: None, node }
    }

    /// Whether the other side of `session` is at our own port.
    fn is_echo(&mut self, cx: &mut Cx<'_>, session: Session) -> bool {
        if let Some((last, is_echo)) = self.last
            && last == session
        {
            return is_echo;
        }
        let is_echo = match cx.control_session(session, Control::Participants) {
            Ok(Answer::Participants(mut parts)) => self.port.is_some() && parts.pop_remote_port() == self.port,
            _ => false,
        };
        self.last = Some((session, is_echo));
        is_echo
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
        if self.is_echo(cx, from) {
            cx.count("from_echo");
            return None;
        }
        cx.count("echoed");
        cx.push(from, message);
        None
    }
}
