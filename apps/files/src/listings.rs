//! Listings of directories that are open: each of them once, however often it is.
//!
//! A directory is read with each open, since what others do to it is not heard of, and its clock is too coarse to tell. What was read is
//! then compared with the last listing of the same directory that somebody still has, and given up for that if they are equal. So the
//! memory of a listing is had by as many opens as there are between two changes, and what a client has is still charged to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::interface::Entry;

/// A directory: device and inode.
pub(crate) type Directory = (u64, u64);

#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<HashMap<Directory, Weak<[Entry]>>>);

impl Listings {
    fn known(&self) -> MutexGuard<'_, HashMap<Directory, Weak<[Entry]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `entries`, or what is equal to it and there already.
    pub(crate) fn share(&self, directory: Directory, entries: Vec<Entry>) -> Arc<[Entry]> {
        let known = self.known().get(&directory).and_then(Weak::upgrade);
        // Not under the lock: that is as long as the listing.
        if let Some(known) = known.filter(|known| **known == *entries) {
            return known;
        }
        let new: Arc<[Entry]> = entries.into();
        let mut known = self.known();
        known.retain(|_, listing| listing.strong_count() > 0);
        known.insert(directory, Arc::downgrade(&new));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::Kind;

    #[test]
    fn equal_listings_of_a_directory_are_one_as_long_as_somebody_has_it() {
        let listings = Listings::default();
        let names = |names: &[&str]| -> Vec<Entry> {
            names.iter().map(|name| Entry { kind: Kind::File, inode: 1, name: name.as_bytes().to_vec() }).collect()
        };
        let first = listings.share((1, 1), names(&["a", "b"]));
        let again = listings.share((1, 1), names(&["a", "b"]));
        assert!(Arc::ptr_eq(&first, &again));
        let other = listings.share((1, 2), names(&["a", "b"]));
        assert!(!Arc::ptr_eq(&first, &other), "another directory");
        let changed = listings.share((1, 1), names(&["a", "c"]));
        assert!(*changed != *first && Arc::ptr_eq(&changed, &listings.share((1, 1), names(&["a", "c"]))));
        assert_eq!(listings.known().len(), 2);
        drop((first, again, other, changed));
        drop(listings.share((2, 2), Vec::new()));
        assert_eq!(listings.known().len(), 1, "what nobody has is forgotten");
    }
}
