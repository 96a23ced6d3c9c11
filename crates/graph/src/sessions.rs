//! A protocol's sessions: found by key, counted by reference, bounded.
//!
//! What somebody opened stays until it is closed as often. What a message from outside made has no reference until somebody
//! duplicates it; when there are as many sessions as may be, one of these that was not used lately gives way. So a
//! stranger who makes up addresses costs bounded memory and takes nothing from those who hold their sessions.

use core::hash::Hash;
use std::collections::VecDeque;

use crate::map::Map;
use crate::protocol::{Node, OpenError, Session};

/// Sessions found by `K`, with what the protocol keeps for each.
#[derive(Debug)]
pub struct Sessions<K, S> {
    node: Node,
    map: Map<K, Session>,
    slots: Vec<Slot<K, S>>,
    /// Sessions that were made without references, with the turn in which each was used when it got here: the next to give way is in
    /// front. Others are skipped.
    strangers: VecDeque<(Session, u64)>,
    free: Vec<u32>,
    bound: usize,
    turn: u64,
}

#[derive(Debug)]
struct Slot<K, S> {
    generation: u32,
    taken: Option<Entry<K, S>>,
}

#[derive(Debug)]
struct Entry<K, S> {
    key: K,
    state: S,
    references: u32,
    used: u64,
    /// It is among the strangers.
    is_queued: bool,
}

impl<K: Copy + Eq + Hash, S> Sessions<K, S> {
    /// Room for `bound` sessions of the protocol `node`.
    #[must_use]
    pub fn new(node: Node, bound: usize) -> Self {
        Self {
            node,
            map: Map::new(bound),
            slots: Vec::new(),
            strangers: VecDeque::new(),
            free: Vec::new(),
            bound,
            turn: 0,
        }
    }

    /// Sessions there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.map.count()
    }

    /// The session of `key`.
    #[must_use]
    pub fn find(&self, key: &K) -> Option<Session> {
        self.map.resolve(key)
    }

    fn entry(&mut self, session: Session) -> Option<&mut Entry<K, S>> {
        if session.node != self.node {
            return None;
        }
        let slot = self.slots.get_mut(usize::try_from(session.slot).ok()?)?;
        if slot.generation == session.generation { slot.taken.as_mut() } else { None }
    }

    /// What is kept for `session`, which counts as used. `None` if it is gone.
    pub fn get(&mut self, session: Session) -> Option<&mut S> {
        self.turn += 1;
        let turn = self.turn;
        let entry = self.entry(session)?;
        entry.used = turn;
        Some(&mut entry.state)
    }

    /// The key of `session`.
    pub fn key(&mut self, session: Session) -> Option<K> {
        self.entry(session).map(|entry| entry.key)
    }

    /// Makes a session of `key`, with `references` to it. Returns also what was kept for the one that gave way to it, for
    /// the protocol to close what is below.
    ///
    /// # Errors
    /// [`OpenError::Taken`], or [`OpenError::Full`] when all are referred to.
    pub fn insert(&mut self, key: K, state: S, references: u32) -> Result<(Session, Option<S>), OpenError> {
        if self.map.resolve(&key).is_some() {
            return Err(OpenError::Taken);
        }
        let gone = if self.map.count() >= self.bound { Some(self.give_way().ok_or(OpenError::Full)?) } else { None };
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(Slot { generation: 0, taken: None });
                u32::try_from(self.slots.len() - 1).map_err(|_| OpenError::Full)?
            }
        };
        let slot = self.slots.get_mut(usize::try_from(index).unwrap_or(usize::MAX)).ok_or(OpenError::Full)?;
        slot.generation = slot.generation.wrapping_add(1);
        self.turn += 1;
        slot.taken = Some(Entry { key, state, references, used: self.turn, is_queued: false });
        let session = Session { node: self.node, slot: index, generation: slot.generation };
        self.map.bind(key, session).map_err(|_| OpenError::Full)?;
        if references == 0 {
            self.queue(session);
        }
        Ok((session, gone))
    }

    /// A session that may give way from here on.
    fn queue(&mut self, session: Session) {
        if self.strangers.len() > 2 * self.bound.max(16) {
            let mut strangers = core::mem::take(&mut self.strangers);
            strangers.retain(|(session, _)| {
                self.entry(*session).is_some_and(|entry| {
                    entry.is_queued = entry.references == 0;
                    entry.is_queued
                })
            });
            self.strangers = strangers;
        }
        let used = self.turn;
        if let Some(entry) = self.entry(session) {
            entry.is_queued = true;
        }
        self.strangers.push_back((session, used));
    }

    /// Removes the session without references that was used longest ago, or nearly: one that was used since it was queued goes to the end
    /// of the queue. So what this costs was paid by messages, and does not grow with the number of sessions.
    fn give_way(&mut self) -> Option<S> {
        while let Some((session, queued)) = self.strangers.pop_front() {
            let Some(entry) = self.entry(session) else { continue };
            let used = entry.used;
            match (entry.references, used == queued) {
                (0, true) => return self.remove_at(usize::try_from(session.slot).ok()?),
                (0, false) => self.strangers.push_back((session, used)),
                _ => entry.is_queued = false,
            }
        }
        None
    }

    fn remove_at(&mut self, at: usize) -> Option<S> {
        let entry = self.slots.get_mut(at)?.taken.take()?;
        self.map.unbind(&entry.key);
        self.free.extend(u32::try_from(at));
        Some(entry.state)
    }

    /// One more reference. `false` if the session is gone.
    pub fn duplicate(&mut self, session: Session) -> bool {
        self.entry(session).map(|entry| entry.references += 1).is_some()
    }

    /// Removes the session, whoever refers to it. What was kept for it.
    pub fn remove(&mut self, session: Session) -> Option<S> {
        self.entry(session)?;
        self.remove_at(usize::try_from(session.slot).ok()?)
    }

    /// One reference less. Without any it is there still, and gives way to others.
    pub fn release(&mut self, session: Session) {
        let Some(entry) = self.entry(session) else { return };
        entry.references = entry.references.saturating_sub(1);
        if entry.references == 0 && !entry.is_queued {
            self.queue(session);
        }
    }

    /// One reference less. What was kept for the session, if that is its end.
    pub fn close(&mut self, session: Session) -> Option<S> {
        let entry = self.entry(session)?;
        entry.references = entry.references.saturating_sub(1);
        if entry.references > 0 {
            return None;
        }
        self.remove_at(usize::try_from(session.slot).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::Sessions;
    use crate::protocol::{Node, OpenError};

    #[test]
    fn strangers_give_way_and_users_stay() {
        let mut sessions = Sessions::new(Node(1), 3);
        let (kept, _) = sessions.insert(1, 'a', 1).unwrap();
        let (old, _) = sessions.insert(2, 'b', 0).unwrap();
        let (young, _) = sessions.insert(3, 'c', 0).unwrap();
        sessions.get(old);
        let (_, gone) = sessions.insert(4, 'd', 0).unwrap();
        assert_eq!(gone, Some('c'), "the other was used later");
        assert_eq!(sessions.get(young), None);
        assert_eq!(sessions.find(&3), None);
        assert!(sessions.duplicate(old));
        let (_, gone) = sessions.insert(5, 'e', 1).unwrap();
        assert_eq!(gone, Some('d'));
        assert_eq!(sessions.insert(6, 'f', 0), Err(OpenError::Full));
        sessions.release(old);
        assert_eq!(sessions.get(old), Some(&mut 'b'), "it is there until somebody else needs the room");
        assert_eq!(sessions.insert(6, 'f', 1).unwrap().1, Some('b'));
        assert_eq!(sessions.get(kept), Some(&mut 'a'));
    }

    /// Sessions that strangers made and somebody kept and closed leave nothing behind, though nobody ever had to give way.
    #[test]
    fn what_is_closed_is_forgotten() {
        let mut sessions = Sessions::new(Node(1), 4);
        for key in 0..10_000 {
            let (session, gone) = sessions.insert(key, (), 0).unwrap();
            assert_eq!(gone, None);
            assert!(sessions.duplicate(session) && sessions.close(session).is_some());
        }
        assert!(sessions.strangers.len() <= 40, "{}", sessions.strangers.len());
    }

    /// One that is referred to for each message, and not between, is queued once.
    #[test]
    fn what_is_released_gives_way_again() {
        let mut sessions = Sessions::new(Node(1), 2);
        let (session, _) = sessions.insert(1, 'a', 0).unwrap();
        for _ in 0..1000 {
            assert!(sessions.duplicate(session));
            sessions.release(session);
        }
        assert_eq!(sessions.strangers.len(), 1);
        assert!(sessions.duplicate(session));
        sessions.insert(2, 'b', 1).unwrap();
        assert_eq!(sessions.insert(3, 'c', 0), Err(OpenError::Full));
        sessions.release(session);
        assert_eq!(sessions.insert(3, 'c', 0).unwrap().1, Some('a'));
    }

    #[test]
    fn a_closed_session_is_never_another() {
        let mut sessions = Sessions::new(Node(1), 3);
        let (first, _) = sessions.insert(1, 'a', 2).unwrap();
        assert_eq!((sessions.close(first), sessions.close(first), sessions.close(first)), (None, Some('a'), None));
        let (second, _) = sessions.insert(1, 'b', 1).unwrap();
        assert_eq!(sessions.get(first), None);
        assert_eq!(sessions.get(second), Some(&mut 'b'));
        assert!(!sessions.duplicate(first));
    }
}
