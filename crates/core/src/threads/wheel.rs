//! Timers: a hierarchical wheel, without a clock.
//!
//! Time is in ticks of whoever drives it. Each level has 64 slots, each as long as the whole level below; a timer lies in
//! the level of the highest digit (base 64) in which it differs from now, and falls one or more levels when that digit
//! comes up. Inserting and removing touch one slot; advancing touches slots that have timers, whatever the time between.
//!
//! Source: Varghese and Lauck, Hashed and Hierarchical Timing Wheels (SOSP 1987), scheme 7; the x-kernel's event library
//! has the flat one.

const BITS: u32 = 6;
const SLOT_COUNT: usize = 1 << BITS;
const LEVEL_COUNT: usize = 6;
/// Ticks that the levels span together; a timer further away waits in the last slot and is put again when that comes up.
const SPAN: u64 = 1 << (BITS * 6);
const NONE: u32 = u32::MAX;

/// A timer that was set. It names nothing else after the timer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    index: u32,
    generation: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Free,
    Due,
    Slot(u8, u8),
}

#[derive(Debug, Clone)]
struct Entry<T> {
    deadline: u64,
    value: T,
    generation: u32,
    at: At,
    next: u32,
    prev: u32,
}

#[derive(Debug, Clone)]
struct Level {
    occupied: u64,
    heads: [u32; SLOT_COUNT],
}

/// Timers with values of type `T`.
#[derive(Debug, Clone)]
pub struct Wheel<T> {
    now: u64,
    levels: Vec<Level>,
    entries: Vec<Entry<T>>,
    free: u32,
    /// Those that are due: the last one came first.
    due: u32,
    due_first: u32,
    count: usize,
}

impl<T: Copy> Wheel<T> {
    /// Without timers, at tick `now`.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { now, levels: Vec::new(), entries: Vec::new(), free: NONE, due: NONE, due_first: NONE, count: 0 }
    }

    /// Timers that are set, due ones included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Sets a timer: [`Self::pop`] gives `value` after [`Self::advance`] to `deadline` or later, never before.
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        if self.levels.is_empty() {
            self.levels = vec![Level { occupied: 0, heads: [NONE; SLOT_COUNT] }; LEVEL_COUNT];
        }
        let entry = Entry { deadline, value, generation: 0, at: At::Free, next: NONE, prev: NONE };
        let index = self.free;
        let index = match self.entry(index) {
            Some(free) => {
                let (next, generation) = (free.next, free.generation);
                *free = Entry { generation, ..entry };
                self.free = next;
                index
            }
            None => {
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
            }
        };
        self.count += 1;
        self.put(index);
        let generation = self.entry(index).map_or(0, |entry| entry.generation);
        Key { index, generation }
    }

    /// Takes a timer back, and gives its deadline. `None`: it is gone already.
    pub fn remove(&mut self, key: Key) -> Option<u64> {
        let entry = self.entry(key.index)?;
        if entry.generation != key.generation || entry.at == At::Free {
            return None;
        }
        let deadline = entry.deadline;
        self.unlink(key.index);
        self.release(key.index);
        Some(deadline)
    }

    /// Goes forward to tick `now`; going back does nothing.
    pub fn advance(&mut self, now: u64) {
        while let Some((level, slot, start)) = self.first() {
            if start > now {
                break;
            }
            self.now = self.now.max(start);
            let mut index = self.take_slot(level, slot);
            while let Some(entry) = self.entry(index) {
                let next = entry.next;
                self.put(index);
                index = next;
            }
        }
        self.now = self.now.max(now);
    }

    /// A timer that is due, which is gone with that: the earlier ones first.
    pub fn pop(&mut self) -> Option<T> {
        let index = self.due_first;
        let value = self.entry(index)?.value;
        self.unlink(index);
        self.release(index);
        Some(value)
    }

    /// The earliest deadline of all.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        if self.due != NONE {
            return Some(self.now);
        }
        let (at, slot, _) = self.first()?;
        let level = self.levels.get(at)?;
        // In the last level a timer that is further away than all levels span may lie before one that is not.
        let slots = if at + 1 == LEVEL_COUNT { level.heads.get(..) } else { level.heads.get(slot..=slot) };
        let mut least = None;
        for &head in slots? {
            let mut index = head;
            while let Some(entry) = self.get(index) {
                least = Some(least.map_or(entry.deadline, |least: u64| least.min(entry.deadline)));
                index = entry.next;
            }
        }
        least
    }

    /// The deadline of some timer that is set, and one of the earliest: at most 32 of them are looked at.
    #[must_use]
    pub fn early(&self) -> Option<u64> {
        if self.due != NONE {
            return Some(self.now);
        }
        let (at, slot, _) = self.first()?;
        let mut index = *self.levels.get(at)?.heads.get(slot)?;
        let mut least = u64::MAX;
        for _ in 0..32 {
            let Some(entry) = self.get(index) else { break };
            least = least.min(entry.deadline);
            index = entry.next;
        }
        Some(least)
    }

    /// The first slot with timers, and the tick at which it comes up. All of a level come before all of the next one.
    fn first(&self) -> Option<(usize, usize, u64)> {
        self.levels.iter().enumerate().find(|(_, level)| level.occupied != 0).map(|(at, level)| {
            let shift = BITS * u32::try_from(at).unwrap_or(0);
            let current = u32::try_from(self.now >> shift & 63).unwrap_or(0);
            // Only in the last level can a slot be behind the current one: it belongs to the next round.
            let ahead = u64::from(level.occupied.rotate_right(current).trailing_zeros());
            let slot = (u64::from(current) + ahead) & 63;
            let start = ((self.now >> shift).saturating_add(ahead)) << shift;
            (at, usize::try_from(slot).unwrap_or(0), start)
        })
    }

    /// Puts an entry, which is in no list, where it belongs now.
    fn put(&mut self, index: u32) {
        let now = self.now;
        let Some(entry) = self.entry(index) else { return };
        let at = if entry.deadline <= now {
            At::Due
        } else {
            let end = now.saturating_add(SPAN - (1 << (BITS * 5)));
            let deadline = entry.deadline.min(end);
            let digit = (63 - (deadline ^ now).leading_zeros()) / BITS;
            let level = digit.min(BITS - 1);
            let slot = deadline >> (BITS * level) & 63;
            At::Slot(u8::try_from(level).unwrap_or(0), u8::try_from(slot).unwrap_or(0))
        };
        entry.at = at;
        entry.prev = NONE;
        if let At::Slot(level, slot) = at
            && let Some(level) = self.levels.get_mut(usize::from(level))
        {
            level.occupied |= 1 << slot;
        }
        let head = self.head(at);
        let next = head.map_or(NONE, |head| core::mem::replace(head, index));
        if let Some(entry) = self.entry(index) {
            entry.next = next;
        }
        if let Some(entry) = self.entry(next) {
            entry.prev = index;
        } else if at == At::Due {
            self.due_first = index;
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(entry) = self.entry(index) else { return };
        let (at, next, prev) = (entry.at, entry.next, entry.prev);
        if let Some(entry) = self.entry(next) {
            entry.prev = prev;
        } else if at == At::Due {
            self.due_first = prev;
        }
        if let Some(entry) = self.entry(prev) {
            entry.next = next;
        } else if let Some(head) = self.head(at) {
            *head = next;
            if let (NONE, At::Slot(level, slot)) = (next, at)
                && let Some(level) = self.levels.get_mut(usize::from(level))
            {
                level.occupied &= !(1 << slot);
            }
        }
    }

    fn release(&mut self, index: u32) {
        let free = self.free;
        let Some(entry) = self.entry(index) else { return };
        entry.at = At::Free;
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = free;
        self.free = index;
        self.count -= 1;
    }

    fn take_slot(&mut self, level: usize, slot: usize) -> u32 {
        let Some(level) = self.levels.get_mut(level) else { return NONE };
        level.occupied &= !(1 << slot);
        level.heads.get_mut(slot).map_or(NONE, |head| core::mem::replace(head, NONE))
    }

    fn head(&mut self, at: At) -> Option<&mut u32> {
        match at {
            At::Free => None,
            At::Due => Some(&mut self.due),
            At::Slot(level, slot) => self.levels.get_mut(usize::from(level))?.heads.get_mut(usize::from(slot)),
        }
    }

    fn get(&self, index: u32) -> Option<&Entry<T>> {
        self.entries.get(usize::try_from(index).ok()?)
    }

    fn entry(&mut self, index: u32) -> Option<&mut Entry<T>> {
        self.entries.get_mut(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u64),
        Remove(usize),
        Advance(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let far = prop_oneof![0u64..200, 0u64..100_000, 0u64..1 << 40, Just(u64::MAX)];
        let near = prop_oneof![0u64..3, 0u64..5_000, 0u64..1 << 38];
        let step = prop_oneof![
            4 => far.prop_map(Step::Insert),
            2 => (0usize..64).prop_map(Step::Remove),
            3 => near.prop_map(Step::Advance),
        ];
        proptest::collection::vec(step, 1..200)
    }

    proptest! {
        #[test]
        fn it_is_a_heap(start in prop_oneof![Just(0u64), 0u64..1 << 45], steps in steps()) {
            let mut wheel = Wheel::new(start);
            let mut heap = BinaryHeap::new();
            let mut keys = Vec::new();
            let (mut now, mut number) = (start, 0usize);
            for step in steps {
                match step {
                    Step::Insert(after) => {
                        let deadline = now.saturating_add(after);
                        keys.push((wheel.insert(deadline, number), number));
                        heap.push(Reverse((deadline, number)));
                        number += 1;
                    }
                    Step::Remove(which) => {
                        if let Some(&(key, number)) = keys.get(which) {
                            let there = heap.iter().any(|Reverse((_, other))| *other == number);
                            prop_assert_eq!(wheel.remove(key).is_some(), there);
                            heap.retain(|Reverse((_, other))| *other != number);
                        }
                    }
                    Step::Advance(by) => {
                        now = now.saturating_add(by);
                        wheel.advance(now);
                        let mut expired: Vec<usize> = core::iter::from_fn(|| wheel.pop()).collect();
                        let mut expected = Vec::new();
                        while heap.peek().is_some_and(|Reverse((deadline, _))| *deadline <= now) {
                            expected.extend(heap.pop().map(|Reverse((_, number))| number));
                        }
                        expired.sort_unstable();
                        expected.sort_unstable();
                        prop_assert_eq!(expired, expected);
                    }
                }
                prop_assert_eq!(wheel.count(), heap.len());
                let next = heap.peek().map(|Reverse((deadline, _))| (*deadline).max(now));
                prop_assert_eq!(wheel.next(), next);
                let early = wheel.early();
                prop_assert_eq!(early.is_some(), next.is_some());
                let is_set = |early| heap.iter().any(|Reverse((deadline, _))| *deadline == early);
                prop_assert_eq!(early.is_none_or(|early| early == now || is_set(early)), true);
                prop_assert!(early >= next);
            }
        }
    }
}
