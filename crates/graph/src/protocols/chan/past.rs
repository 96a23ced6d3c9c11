//! What is left of servers' channels that were given up for others: the number of the last call of each.
//!
//! As long as messages of a channel can be under way its number must be known, or a request that comes again would be executed
//! again. The number takes some forty bytes, where a channel holds sessions down to the wire.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use crate::event::Time;
use crate::participants::Peer;

/// Channels that are remembered at most.
pub const PAST_MAX: usize = 1 << 16;

/// Whose channel, and which.
pub type Key = (Peer, u32);

/// The numbers.
#[derive(Debug)]
pub struct Past {
    /// Of the last call, and when something of it was heard.
    last: HashMap<Key, (u32, Time)>,
    /// In the order in which they came here, with the same times. One that has left, or has come once more, is still here.
    order: VecDeque<(Key, Time)>,
    lifetime: Duration,
    bound: usize,
}

impl Past {
    /// For at most `bound` channels, each remembered until `lifetime` after it was heard of.
    #[must_use]
    pub fn new(lifetime: Duration, bound: usize) -> Self {
        Self { last: HashMap::new(), order: VecDeque::new(), lifetime, bound }
    }

    /// Forgets what need not be known any more. `false`: there is no room for another one.
    pub fn has_room(&mut self, now: Time) -> bool {
        while let Some((key, heard)) = self.order.front().copied() {
            let known = self.last.get(&key).is_some_and(|(_, at)| *at == heard);
            if known && heard.until(now) <= self.lifetime {
                break;
            }
            self.order.pop_front();
            if known {
                self.last.remove(&key);
            }
        }
        self.order.len() < self.bound
    }

    /// The last call of `key` was `last`, of which was heard at `heard`.
    pub fn put(&mut self, key: Key, last: u32, heard: Time) {
        self.last.insert(key, (last, heard));
        self.order.push_back((key, heard));
    }

    /// That number, which whoever asks keeps from here on.
    pub fn take(&mut self, key: &Key) -> Option<u32> {
        self.last.remove(key).map(|(last, _)| last)
    }

    /// Numbers that are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.last.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Past, Peer, Time};

    #[test]
    fn numbers_are_known_for_as_long_as_they_must_be() {
        let key = |channel| (Peer { host: [10, 0, 0, 1].into(), port: 1 }, channel);
        let mut past = Past::new(Duration::from_nanos(10), 3);
        assert!(past.has_room(Time(0)));
        for channel in 0..3 {
            past.put(key(channel), 7 + channel, Time(channel.into()));
        }
        assert!(!past.has_room(Time(10)), "none is old enough");
        assert_eq!((past.take(&key(1)), past.take(&key(1)), past.count()), (Some(8), None, 2));
        assert!(past.has_room(Time(11)));
        assert_eq!((past.take(&key(0)), past.take(&key(2))), (None, Some(9)));
        // One that was taken out and has come again is not forgotten for what was known of it before.
        past.put(key(2), 10, Time(12));
        assert!(past.has_room(Time(13)));
        assert_eq!(past.take(&key(2)), Some(10));
    }
}
