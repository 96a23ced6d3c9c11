//! What the tests of whole graphs share.
#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nearcall_graph::compose::{Kind, Kinds, Plan, Realm, Setting, Sort};
use nearcall_graph::wires::{Wire, WireProtocol};
use nearcall_graph::{Graph, Hardware, Message, Time};

pub mod calls;
pub mod net;
pub mod tap;

/// A wire within a test: frames wait until the other end takes them. For simulations with a clock of their own, never for
/// measurements.
#[derive(Debug, Clone, Default)]
pub struct Cable {
    ends: Arc<Mutex<[VecDeque<Message>; 2]>>,
    cut: Arc<AtomicBool>,
}

struct End {
    cable: Cable,
    side: usize,
}

impl Wire for End {
    fn hardware(&self) -> Hardware {
        Hardware([2, 0, 0, 0, 0, u8::try_from(self.side).unwrap()])
    }

    fn largest_frame(&self) -> usize {
        1514
    }

    fn send(&mut self, frame: &Message) -> Result<(), rustix::io::Errno> {
        if self.cable.cut.load(Ordering::Relaxed) {
            return Err(rustix::io::Errno::NETDOWN);
        }
        let mut ends = self.cable.ends.lock().unwrap();
        if ends[1 - self.side].len() >= 1000 {
            return Err(rustix::io::Errno::AGAIN);
        }
        ends[1 - self.side].push_back(frame.clone());
        Ok(())
    }

    fn receive(&mut self) -> Result<Option<Message>, rustix::io::Errno> {
        Ok(self.cable.ends.lock().unwrap()[self.side].pop_front())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Cable {
    /// Nothing can be sent from here on.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Puts a frame on the wire for the end `side`.
    pub fn put(&self, side: usize, frame: Message) {
        self.ends.lock().unwrap()[side].push_back(frame);
    }

    /// Takes the frames that wait for the end `side`.
    pub fn take(&self, side: usize) -> Vec<Message> {
        self.ends.lock().unwrap()[side].drain(..).collect()
    }
}

/// The usual kinds, and `cable`, which is one end of a cable of `cables`: `name=cable/N side=0`.
pub fn kinds(cables: &[Cable]) -> Kinds {
    let cables = cables.to_vec();
    let side = Setting { name: "side", sort: Sort::Count(0, 1), default: nearcall_graph::compose::Default::Required };
    let number =
        Setting { name: "cable", sort: Sort::Count(0, 99), default: nearcall_graph::compose::Default::Is("0") };
    let cable = Kind::new("cable", Realm::Frames, &[], move |make| {
        let cable = cables[make.size("cable")].clone();
        Ok(Box::new(WireProtocol::new(make.node, Box::new(End { cable, side: make.size("side") }))))
    });
    Kinds::standard().with(cable.settings([side, number]))
}

/// Builds a graph of `text`.
pub fn build(text: &str, kinds: &Kinds) -> Graph {
    let plan = Plan::read("test.graph", text, kinds).unwrap_or_else(|problems| panic!("{problems}"));
    plan.build(None, Time(1)).unwrap_or_else(|error| panic!("{error}"))
}

/// A host at the end `side` of a cable, 10.0.0.1 or 10.0.0.2, with `more` in its file.
pub fn host(side: usize, relay: &str, more: &str) -> String {
    let link = if relay.is_empty() { String::new() } else { format!("{relay} protocols=cable;\n") };
    let under =
        if relay.is_empty() { "cable" } else { relay.split_whitespace().next().unwrap().trim_start_matches("name=") };
    format!(
        "name=cable side={side};\n@;\n{link}name=eth protocols={under};\nname=arp protocols=eth lifetime=100000s;\n\
         name=ip protocols=eth,arp address=10.0.0.{}/24;\n{more}",
        side + 1
    )
}

/// Lets both run until neither has anything to do at `now`.
pub fn settle(graphs: &[&Graph], now: Time) {
    while graphs.iter().fold(false, |any, graph| graph.poll(now) | any) {}
}

/// Lets both run until `until`, jumping from event to event.
pub fn run(graphs: &[&Graph], from: Time, until: Time) {
    let mut now = from;
    loop {
        settle(graphs, now);
        match graphs.iter().filter_map(|graph| graph.next_event()).min() {
            Some(next) if next <= until => now = next.max(Time(now.0 + 1)),
            _ => return,
        }
    }
}

/// Rounds of a fuzzer or simulation: `NEARCALL_TEST_ROUNDS`, or `usual`.
pub fn rounds(usual: u64) -> u64 {
    std::env::var("NEARCALL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}
