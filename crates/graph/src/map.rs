//! The map tool: from what is in a header to what belongs to it.
//!
//! Messages come in runs for one session, so the last hit is remembered: a hit compares one key and hashes nothing. A map
//! that strangers can fill has a bound.
//!
//! Source: The x-kernel (1991), section 2.3 (map library with a cache of one).

use core::cell::Cell;
use core::hash::Hash;
use std::collections::HashMap;

/// A map from keys of fixed size to small values.
pub struct Map<K, V> {
    entries: HashMap<K, V>,
    last: Cell<Option<(K, V)>>,
    bound: usize,
}

impl<K: core::fmt::Debug, V: core::fmt::Debug> core::fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map().entries(&self.entries).finish()
    }
}

/// Why a key was not bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The key is bound to something else.
    #[error("the key is bound already")]
    Bound,
    /// The map has as many keys as it may.
    #[error("the map is full")]
    Full,
}

impl<K: Copy + Eq + Hash, V: Copy> Map<K, V> {
    /// An empty map for at most `bound` keys.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self { entries: HashMap::new(), last: Cell::new(None), bound }
    }

    /// Binds `key` to `value`.
    ///
    /// # Errors
    /// [`BindError`]; the map is unchanged then.
    pub fn bind(&mut self, key: K, value: V) -> Result<(), BindError> {
        if self.entries.contains_key(&key) {
            return Err(BindError::Bound);
        }
        if self.entries.len() >= self.bound {
            return Err(BindError::Full);
        }
        self.entries.insert(key, value);
        Ok(())
    }

    /// What `key` is bound to.
    #[must_use]
    pub fn resolve(&self, key: &K) -> Option<V> {
        if let Some((last, value)) = self.last.get()
            && last == *key
        {
            return Some(value);
        }
        let value = *self.entries.get(key)?;
        self.last.set(Some((*key, value)));
        Some(value)
    }

    /// Takes `key` out.
    pub fn unbind(&mut self, key: &K) -> Option<V> {
        self.last.set(None);
        self.entries.remove(key)
    }

    /// Shows every binding to `keep`, in no order, and takes out those for which it says `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, V) -> bool) {
        self.last.set(None);
        self.entries.retain(|key, value| keep(key, *value));
    }

    /// Keys bound.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{BindError, Map};

    #[test]
    fn the_last_hit_is_forgotten_with_its_key() {
        let mut map = Map::new(2);
        map.bind(1, "a").unwrap();
        map.bind(2, "b").unwrap();
        assert_eq!((map.bind(1, "c"), map.bind(3, "c")), (Err(BindError::Bound), Err(BindError::Full)));
        assert_eq!((map.resolve(&1), map.resolve(&1), map.resolve(&2)), (Some("a"), Some("a"), Some("b")));
        assert_eq!((map.unbind(&2), map.resolve(&2), map.count()), (Some("b"), None, 1));
        map.bind(2, "d").unwrap();
        assert_eq!(map.resolve(&2), Some("d"));
    }

    #[test]
    fn what_is_removed_while_looking_at_all_is_gone() {
        let mut map = Map::new(100);
        (0..100).for_each(|key| map.bind(key, key).unwrap());
        assert_eq!(map.resolve(&7), Some(7));
        let mut seen = 0;
        map.retain(|key, _| {
            seen += 1;
            key % 2 == 0
        });
        assert_eq!((seen, map.count(), map.resolve(&7), map.resolve(&8)), (100, 50, None, Some(8)));
    }
}
