//! The protocol graph: the x-kernel's model, for calls to other machines.
//!
//! Protocols are composed from a file ([`compose`], docs/graph.md), know each other only by the uniform interface
//! ([`protocol`]), and run on the stack of whoever brought the message ([`graph`]); who that is, [`reception`] says. Three tools do what every protocol
//! needs: [`message`]s whose payload is never copied, [`map`]s from headers to sessions, and [`event`]s. Beneath are
//! [`wires`]; what goes over them is in docs/wire.md.
//!
//! The graph is for one trusted network segment: nothing in it authenticates anybody. Whatever arrives is checked, and
//! what strangers can make it remember is bounded.
//!
//! Sources: Hutchinson and Peterson, The x-kernel: An Architecture for Implementing Network Protocols (1991); the report on
//! interrupt protocol processing in the x-kernel (1994).

#![forbid(unsafe_code)]

pub mod anchor;
pub mod checksum;
pub mod compose;
pub mod crossings;
pub mod drive;
pub mod event;
pub mod graph;
pub mod handler;
pub mod map;
pub mod message;
pub mod participants;
pub mod protocol;
pub mod protocols;
pub mod reception;
pub mod rtt;
pub mod sessions;
pub mod wires;

pub use anchor::Anchor;
pub use crossings::{Crossing, Crossings, Handoff, Passage};
pub use drive::Clock;
pub use event::Time;
pub use graph::{Cx, Graph, Work};
pub use handler::Handler;
pub use message::Message;
pub use participants::{Address, Hardware, Participants, Peer};
pub use protocol::{Node, Session};
