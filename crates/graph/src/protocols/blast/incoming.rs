//! A message of which not all is there.

use core::time::Duration;

use super::header::{COUNT_MAX, Header, all};
use crate::event::Time;
use crate::message::Message;
use crate::rtt::FLOOR;

/// How often fragments are asked for without one coming.
pub const ASKS_MAX: u8 = 3;

/// The message, as far as it is there.
#[derive(Debug)]
pub struct Incoming {
    header: Header,
    parts: [Option<Message>; COUNT_MAX],
    mask: u16,
    /// When the first came, and the last.
    first: Time,
    last: Time,
    /// Fragments that had come when it was asked what to do.
    seen: u16,
    doubled: bool,
    asks: u8,
}

/// What a fragment came to.
#[derive(Debug)]
pub enum Took {
    /// It was missing, and others are.
    Kept,
    /// It was there.
    Duplicate,
    /// It cannot be of this message.
    Contradiction,
    /// Nothing is missing any more.
    Whole(Message),
}

/// What to do when some time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// They are coming.
    Wait,
    /// Say which are here.
    Ask(u16),
    /// Nobody sends them.
    GiveUp,
}

impl Incoming {
    /// The message of whose fragments `header` is one's.
    #[must_use]
    pub fn new(header: Header, now: Time) -> Self {
        Self {
            header,
            parts: [const { None }; COUNT_MAX],
            mask: 0,
            first: now,
            last: now,
            seen: 0,
            doubled: false,
            asks: 0,
        }
    }

    /// One of its fragments, without the header.
    pub fn take(&mut self, header: &Header, mut fragment: Message, now: Time) -> Took {
        let same = (self.header.count, self.header.size, self.header.unit) == (header.count, header.size, header.unit);
        let Some(place) = header.place().filter(|place| same && fragment.size() >= place.size) else {
            return Took::Contradiction;
        };
        if self.mask & header.mask.get() != 0 {
            return Took::Duplicate;
        }
        // What is below may have padded it.
        fragment.truncate(place.size);
        if let Some(part) = self.parts.get_mut(place.index) {
            *part = Some(fragment);
        }
        self.mask |= header.mask.get();
        self.last = now;
        if self.mask != all(self.header.count) {
            return Took::Kept;
        }
        let mut parts = self.parts.iter_mut().filter_map(Option::take);
        let mut whole = parts.next().unwrap_or_default();
        parts.for_each(|part| whole.join(part));
        whole.attributes_mut().reassembled = true;
        Took::Whole(whole)
    }

    /// Until somebody should ask: `fixed` for each fragment, or what those that came took, but the floor. Longer each time it was asked
    /// for, because the answer may be on its way.
    #[must_use]
    pub fn patience(&self, fixed: Option<Duration>) -> Duration {
        let here = self.mask.count_ones();
        let missing = u32::from(self.header.count).saturating_sub(here);
        let wait = match fixed {
            Some(time) => time * u32::from(self.header.count),
            None => {
                let gap = self.first.until(self.last) / here.saturating_sub(1).max(1);
                (gap * 4 * missing).max(FLOOR)
            }
        };
        wait * (1 << self.asks.min(4))
    }

    /// That time has passed.
    pub fn look(&mut self) -> Next {
        let came = core::mem::replace(&mut self.seen, self.mask) != self.mask;
        if came && !self.doubled {
            // Too early, once.
            self.doubled = true;
            return Next::Wait;
        }
        self.asks = if came { 1 } else { self.asks + 1 };
        if self.asks > ASKS_MAX { Next::GiveUp } else { Next::Ask(self.mask) }
    }

    /// What is said in asking.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }
}
