//! The event tool: something is to happen later, unless it is taken back.
//!
//! It has no clock: whoever drives the graph says what time it is. Cancelling has the three outcomes of the x-kernel, and
//! they are exact: an event is [`Cancelled`](Cancel::Cancelled) only if it will never run, and
//! [`Running`](Cancel::Running) from the moment somebody took it until [`Events::finished`].
//!
//! Source: The x-kernel (1991), section 2.4 (evSchedule, evCancel).

use core::time::Duration;
use std::collections::{BTreeMap, HashSet};

/// Nanoseconds of whatever clock the graph is driven with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// This much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long until `later`; zero if that is past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}

/// An event that was scheduled. It names no other when that one is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    at: Time,
    number: u64,
}

/// What cancelling came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// It will not run.
    Cancelled,
    /// It is running now.
    Running,
    /// It has run, or was cancelled before.
    Finished,
}

/// Events with values of type `T`.
#[derive(Debug)]
pub struct Events<T> {
    waiting: BTreeMap<EventId, T>,
    running: HashSet<EventId>,
    number: u64,
}

impl<T> Default for Events<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), running: HashSet::new(), number: 0 }
    }
}

impl<T> Events<T> {
    /// Schedules an event for `at`, or as soon as somebody looks after that.
    pub fn schedule(&mut self, at: Time, value: T) -> EventId {
        self.number += 1;
        let id = EventId { at, number: self.number };
        self.waiting.insert(id, value);
        id
    }

    /// Takes an event back.
    pub fn cancel(&mut self, id: EventId) -> Cancel {
        if self.waiting.remove(&id).is_some() {
            Cancel::Cancelled
        } else if self.running.contains(&id) {
            Cancel::Running
        } else {
            Cancel::Finished
        }
    }

    /// The next event that is due at `now`, which runs from here on. Those for one time come in the order in which they were scheduled.
    pub fn take(&mut self, now: Time) -> Option<(EventId, T)> {
        let entry = self.waiting.first_entry().filter(|entry| entry.key().at <= now)?;
        let (id, value) = entry.remove_entry();
        self.running.insert(id);
        Some((id, value))
    }

    /// It has run.
    pub fn finished(&mut self, id: EventId) {
        self.running.remove(&id);
    }

    /// When the next one is due.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.waiting.keys().next().map(|id| id.at)
    }

    /// Events that wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Events, Time};

    #[test]
    fn a_cancel_has_three_outcomes() {
        let mut events = Events::default();
        let (a, b) = (events.schedule(Time(10), 'a'), events.schedule(Time(10), 'b'));
        assert_eq!(events.take(Time(9)), None);
        assert_eq!(events.take(Time(10)), Some((a, 'a')));
        assert_eq!((events.cancel(a), events.cancel(b)), (Cancel::Running, Cancel::Cancelled));
        events.finished(a);
        assert_eq!((events.cancel(a), events.cancel(b)), (Cancel::Finished, Cancel::Finished));
        assert_eq!((events.take(Time(99)), events.next(), events.count()), (None, None, 0));
    }

    #[test]
    fn due_events_come_by_time_then_by_age() {
        let mut events = Events::default();
        for (at, name) in [(30, 'd'), (10, 'a'), (20, 'b'), (20, 'c')] {
            events.schedule(Time(at), name);
        }
        let order: String = std::iter::from_fn(|| events.take(Time(30)).map(|(_, name)| name)).collect();
        assert_eq!(order, "abcd");
    }
}
