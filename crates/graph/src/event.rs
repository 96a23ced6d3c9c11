//! The event tool: something is to happen later, unless it is taken back.
//!
//! It has no clock: whoever drives the graph says what time it is. Cancelling has the three outcomes of the x-kernel, and
//! they are exact: an event is [`Cancelled`](Cancel::Cancelled) only if it will never run, and
//! [`Running`](Cancel::Running) from the moment somebody took it until [`Events::finished`].
//!
//! Source: The x-kernel (1991), section 2.4 (evSchedule, evCancel).

use core::time::Duration;
use std::collections::HashSet;

use nearcall_core::threads::wheel::{Key, Wheel};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    key: Key,
    event: Event,
}

impl EventId {
    /// When it is due.
    #[must_use]
    pub fn at(self) -> Time {
        self.event.at
    }
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

/// Events with values of type `T`, on the timer wheel of the runtime, one nanosecond a tick: what it does for an event does
/// not grow with the number of events, nor with the time between them.
#[derive(Debug)]
pub struct Events<T> {
    waiting: Wheel<(Event, T)>,
    /// Taken off the wheel and not run yet, the last one first: those for one time leave the wheel in any order.
    due: Vec<(Event, T)>,
    running: HashSet<u64>,
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Time,
    number: u64,
}

impl<T: Copy> Default for Events<T> {
    fn default() -> Self {
        Self { waiting: Wheel::new(0), due: Vec::new(), running: HashSet::new(), number: 0 }
    }
}

impl<T: Copy> Events<T> {
    /// Schedules an event for `at`, or as soon as somebody looks after that.
    pub fn schedule(&mut self, at: Time, value: T) -> EventId {
        self.number += 1;
        let event = Event { at, number: self.number };
        EventId { key: self.waiting.insert(at.0, (event, value)), event }
    }

    /// Takes an event back.
    pub fn cancel(&mut self, id: EventId) -> Cancel {
        if self.waiting.remove(id.key).is_some() {
            return Cancel::Cancelled;
        }
        if let Some(at) = self.due.iter().position(|(event, _)| *event == id.event) {
            self.due.remove(at);
            return Cancel::Cancelled;
        }
        if self.running.contains(&id.event.number) { Cancel::Running } else { Cancel::Finished }
    }

    /// The next event that is due at `now`, which runs from here on. Those for one time come in the order in which they were
    /// scheduled; what is scheduled for a time that is past comes after what was due already.
    pub fn take(&mut self, now: Time) -> Option<(Running, T)> {
        if self.due.is_empty() {
            self.waiting.advance(now.0);
            self.due.extend(core::iter::from_fn(|| self.waiting.pop()));
            self.due.sort_unstable_by_key(|(event, _)| core::cmp::Reverse(*event));
        }
        let (event, value) = self.due.pop()?;
        self.running.insert(event.number);
        Some((Running(event.number), value))
    }

    /// It has run.
    pub fn finished(&mut self, running: &Running) {
        self.running.remove(&running.0);
    }

    /// When the next one is due; a time that is past, if one is due already.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        match self.due.last() {
            Some((event, _)) => Some(event.at),
            None => self.waiting.next().map(Time),
        }
    }

    /// Events that wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.waiting.count() + self.due.len()
    }
}

/// An event that runs, until [`Events::finished`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Running(u64);

#[cfg(test)]
mod tests {
    use super::{Cancel, Events, Time};

    #[test]
    fn a_cancel_has_three_outcomes() {
        let mut events = Events::default();
        let (a, b) = (events.schedule(Time(10), 'a'), events.schedule(Time(10), 'b'));
        assert_eq!(events.take(Time(9)), None);
        let (running, name) = events.take(Time(10)).unwrap();
        assert_eq!(name, 'a');
        assert_eq!((events.cancel(a), events.cancel(b)), (Cancel::Running, Cancel::Cancelled));
        events.finished(&running);
        assert_eq!((events.cancel(a), events.cancel(b)), (Cancel::Finished, Cancel::Finished));
        assert_eq!((events.take(Time(99)), events.next(), events.count()), (None, None, 0));
    }

    #[test]
    fn one_that_is_due_can_be_cancelled() {
        let mut events = Events::default();
        let names = ['a', 'b', 'c'].map(|name| (events.schedule(Time(10), name), name));
        let (_a, _) = events.take(Time(20)).unwrap();
        assert_eq!((events.next(), events.count()), (Some(Time(10)), 2));
        assert_eq!(events.cancel(names[1].0), Cancel::Cancelled);
        assert_eq!(events.take(Time(20)).map(|(_, name)| name), Some('c'));
        assert_eq!(events.cancel(names[1].0), Cancel::Finished);
    }

    #[test]
    fn an_id_names_nothing_else() {
        let mut events = Events::default();
        let first = events.schedule(Time(10), 'a');
        assert_eq!(events.cancel(first), Cancel::Cancelled);
        // The wheel uses its place again.
        let second = events.schedule(Time(10), 'b');
        assert_eq!((events.cancel(first), events.cancel(second)), (Cancel::Finished, Cancel::Cancelled));
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
