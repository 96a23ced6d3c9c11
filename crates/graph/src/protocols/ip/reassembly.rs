//! Putting fragments together again, without copies, in bounded memory.
//!
//! A datagram is a sorted list of pieces. What came first stays: a later fragment gives only the bytes that are missing,
//! and one that gives none is a duplicate. A fragment that contradicts what is known of the end ends the datagram. When
//! pieces hold more memory than they may, the datagram that was begun first is dropped: so a flood of first fragments
//! costs the bound, and a datagram whose fragments come soon after each other gets through.
//!
//! Pure: it is told the time and says what is complete.
//!
//! Source: RFC 791, section 3.2; RFC 815 (whose holes are the gaps between pieces here); RFC 1858 for overlaps.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use crate::event::Time;
use crate::message::Message;

/// Bytes of the largest datagram, without its header.
const SIZE_MAX: usize = 65_515;

/// What the fragments of one datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// From whom.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// The protocol above.
    pub number: u8,
    /// The sender's count.
    pub identification: u16,
}

/// Where a fragment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes before it.
    pub offset: usize,
    /// Whether more come after it.
    pub more: bool,
}

/// What became of a fragment.
#[derive(Debug)]
pub enum Outcome {
    /// It was the last that was missing.
    Complete(Message),
    /// It was kept, or part of it.
    Kept,
    /// All of it was there already.
    Duplicate,
    /// It cannot be part of a datagram, or not of that one; what there was of that is dropped.
    Malformed,
}

/// What it may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of memory held by fragments.
    pub memory: usize,
    /// Datagrams.
    pub count: usize,
    /// How long a datagram may take from its first fragment on.
    pub time: Duration,
}

/// Datagrams of which not all is there.
#[derive(Debug)]
pub struct Reassembly {
    partial: HashMap<Key, Partial>,
    /// In the order in which they were begun; ended ones are skipped.
    begun: VecDeque<(Key, u64)>,
    number: u64,
    memory: usize,
    bounds: Bounds,
    /// Dropped because there was no memory for them.
    pub crowded_out: u64,
    /// Dropped because they took too long.
    pub timed_out: u64,
}

#[derive(Debug)]
struct Partial {
    number: u64,
    deadline: Time,
    memory: usize,
    /// Known once the last fragment came.
    size: Option<usize>,
    /// Sorted, without overlaps.
    pieces: Vec<(usize, Message)>,
    /// Bytes in pieces.
    present: usize,
}

impl Reassembly {
    /// Within `bounds`.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            partial: HashMap::new(),
            begun: VecDeque::new(),
            number: 0,
            memory: 0,
            bounds,
            crowded_out: 0,
            timed_out: 0,
        }
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// Datagrams begun.
    #[must_use]
    pub fn count(&self) -> usize {
        self.partial.len()
    }

    /// When the next one has taken too long.
    pub fn next_deadline(&mut self) -> Option<Time> {
        self.forget_ended();
        self.begun.front().and_then(|(key, _)| self.partial.get(key)).map(|partial| partial.deadline)
    }

    /// Drops what has taken too long.
    pub fn expire(&mut self, now: Time) {
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            if let Some((key, _)) = self.begun.pop_front() {
                self.drop_one(&key);
                self.timed_out += 1;
            }
        }
    }

    fn forget_ended(&mut self) {
        while let Some((key, number)) = self.begun.front() {
            if self.partial.get(key).is_some_and(|partial| partial.number == *number) {
                return;
            }
            self.begun.pop_front();
        }
    }

    fn drop_one(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partial.remove(key)?;
        self.memory -= partial.memory;
        // Ended ones in the middle are few, unless almost everything completes while one never does.
        if self.begun.len() > 2 * self.bounds.count.max(16) {
            let partial = &self.partial;
            self.begun.retain(|(key, number)| partial.get(key).is_some_and(|one| one.number == *number));
        }
        Some(partial)
    }

    /// Takes a fragment.
    pub fn add(&mut self, key: Key, place: Place, fragment: Message, now: Time) -> Outcome {
        let (size, end) = (fragment.size(), place.offset.saturating_add(fragment.size()));
        let odd = place.more && (size == 0 || !size.is_multiple_of(8));
        if odd || end > SIZE_MAX {
            self.drop_one(&key);
            return Outcome::Malformed;
        }
        if !self.partial.contains_key(&key) {
            self.number += 1;
            let deadline = now.after(self.bounds.time);
            let number = self.number;
            self.partial
                .insert(key, Partial { number, deadline, memory: 0, size: None, pieces: Vec::new(), present: 0 });
            self.begun.push_back((key, number));
        }
        let Some(partial) = self.partial.get_mut(&key) else { return Outcome::Malformed };
        if !partial.agrees(end, place.more) {
            self.drop_one(&key);
            return Outcome::Malformed;
        }
        let before = (partial.memory, partial.present);
        partial.insert(place.offset, fragment);
        let grown = partial.memory - before.0;
        let is_new = partial.present > before.1;
        let complete = partial.size == Some(partial.present);
        self.memory += grown;
        if complete && let Some(partial) = self.drop_one(&key) {
            return Outcome::Complete(partial.join());
        }
        self.keep_bounds(key);
        if is_new || size == 0 { Outcome::Kept } else { Outcome::Duplicate }
    }

    /// Drops the datagrams begun first until the bounds are kept; `last` only when it alone exceeds them.
    fn keep_bounds(&mut self, last: Key) {
        while self.memory > self.bounds.memory || self.partial.len() > self.bounds.count {
            self.forget_ended();
            let Some((key, number)) = self.begun.pop_front() else { return };
            if key == last && self.partial.len() > 1 {
                // The oldest is the one that gets on: another goes.
                let other = self
                    .begun
                    .iter()
                    .position(|(key, number)| self.partial.get(key).is_some_and(|partial| partial.number == *number));
                let other = other.and_then(|at| self.begun.remove(at));
                self.begun.push_front((key, number));
                let Some((other, _)) = other else { return };
                self.drop_one(&other);
                self.crowded_out += 1;
                continue;
            }
            self.drop_one(&key);
            self.crowded_out += 1;
        }
    }
}

impl Partial {
    /// Whether a fragment that ends at `end` can be one of this datagram. The first that is the last fixes its size.
    fn agrees(&mut self, end: usize, more: bool) -> bool {
        match self.size {
            Some(size) => end <= size && (more || end == size),
            None if more => true,
            None => {
                let reaches = self.pieces.last().map_or(0, |(offset, piece)| offset + piece.size());
                self.size = Some(end);
                reaches <= end
            }
        }
    }

    /// Puts what is missing of `fragment`, which begins at `offset`, between the pieces.
    fn insert(&mut self, mut offset: usize, mut fragment: Message) {
        // Fragments mostly come in order, or in the opposite one.
        let mut at = self.pieces.partition_point(|(start, _)| *start <= offset);
        if let Some((start, piece)) = at.checked_sub(1).and_then(|before| self.pieces.get(before)) {
            let covered = (start + piece.size()).saturating_sub(offset).min(fragment.size());
            fragment.discard(covered);
            offset += covered;
        }
        while fragment.size() > 0 {
            let next = self.pieces.get(at).map(|(start, piece)| (*start, start + piece.size()));
            let (start, end) = next.unwrap_or((usize::MAX, usize::MAX));
            let mut rest = fragment.split(start.saturating_sub(offset));
            let size = fragment.size();
            if size > 0 {
                self.memory += fragment.footprint();
                self.present += size;
                self.pieces.insert(at, (offset, fragment));
                at += 1;
            }
            offset += size;
            let covered = end.saturating_sub(offset).min(rest.size());
            rest.discard(covered);
            offset += covered;
            fragment = rest;
            at += 1;
        }
    }

    fn join(self) -> Message {
        let mut whole = Message::new();
        for (_, piece) in self.pieces {
            whole.join(piece);
        }
        whole.attributes_mut().reassembled = true;
        whole
    }
}

#[cfg(test)]
mod tests;
