//! Faults: relays that lose, delay, disorder and duplicate messages.
//!
//! They stand anywhere in a graph, so a test of loss is a graph file. What happens to which message is drawn from a
//! generator with a seed, or counted off, and is the same in every run.

use core::time::Duration;
use std::collections::BTreeMap;

use super::relay::{Passing, Treatment, Way};
use crate::event::EventId;
use crate::graph::Cx;

/// Messages that a relay holds back, at most.
const HELD_COUNT: usize = 4096;

/// Which messages are meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Which {
    /// Every so many-th, from the first on counted.
    Every(u64),
    /// Each with this probability.
    Rate(f64),
}

/// Which way they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// Both.
    Both,
    /// One.
    Only(Way),
}

/// What happens to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// They are lost.
    Drop,
    /// They come this much later.
    Delay(Duration),
    /// They come after the next one, or this much later if there is none.
    Disorder(Duration),
    /// They come twice.
    Duplicate,
}

/// Splitmix64: numbers that look drawn, from a seed.
///
/// Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (2014).
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    /// From `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or(0)
    }

    /// `true` with this probability.
    pub fn chance(&mut self, rate: f64) -> bool {
        // 53 bits are what a double holds exactly.
        let part = u32::try_from(self.number() >> 32).unwrap_or(u32::MAX);
        f64::from(part) < rate * (f64::from(u32::MAX) + 1.0)
    }
}

/// A fault.
#[derive(Debug)]
pub struct Fault {
    kind: Kind,
    which: Which,
    ways: Ways,
    draw: Draw,
    seen: u64,
    held: BTreeMap<u64, (EventId, Passing)>,
    token: u64,
}

impl Fault {
    /// `kind` happens to `which` messages that go one of the `ways`; numbers are drawn from `seed`.
    #[must_use]
    pub fn new(kind: Kind, which: Which, ways: Ways, seed: u64) -> Self {
        Self { kind, which, ways, draw: Draw::new(seed), seen: 0, held: BTreeMap::new(), token: 0 }
    }

    fn is_meant(&mut self, way: Way) -> bool {
        if matches!(self.ways, Ways::Only(only) if only != way) {
            return false;
        }
        self.seen += 1;
        match self.which {
            Which::Every(count) => self.seen.is_multiple_of(count),
            Which::Rate(rate) => self.draw.chance(rate),
        }
    }

    /// Keeps it until it is asked for, or `time` has passed. What finds no room is lost.
    fn hold(&mut self, cx: &mut Cx<'_>, passing: Passing, time: Duration) {
        if self.held.len() >= HELD_COUNT {
            cx.count("no_room");
            return;
        }
        self.token += 1;
        let event = cx.schedule(time, self.token);
        self.held.insert(self.token, (event, passing));
    }
}

impl Treatment for Fault {
    fn pass(&mut self, cx: &mut Cx<'_>, passing: Passing, out: &mut Vec<Passing>) {
        let way = passing.way;
        if !self.is_meant(way) {
            out.push(passing);
            if matches!(self.kind, Kind::Disorder(_)) {
                // What waits for a successor has it now.
                for (_, (event, passing)) in self.held.extract_if(.., |_, (_, held)| held.way == way) {
                    cx.cancel(event);
                    out.push(passing);
                }
            }
            return;
        }
        match self.kind {
            Kind::Drop => cx.count("dropped"),
            Kind::Delay(time) => {
                cx.count("delayed");
                self.hold(cx, passing, time);
            }
            Kind::Disorder(time) => {
                cx.count("disordered");
                self.hold(cx, passing, time);
            }
            Kind::Duplicate => {
                cx.count("duplicated");
                out.push(passing.again(passing.message.clone()));
                out.push(passing);
            }
        }
    }

    fn event(&mut self, _: &mut Cx<'_>, token: u64, out: &mut Vec<Passing>) {
        out.extend(self.held.remove(&token).map(|(_, passing)| passing));
    }
}
