//! Words that several processes of a test see at once: how far each is, and what it is to do.

use std::fs::OpenOptions;
use std::path::Path;

use crate::raw::Raw;

/// A file of words, mapped by each process. Each word has one writer at a time; the tests say who.
#[derive(Debug)]
pub struct Board(Raw);

impl Board {
    /// Opens the board at `path`, or makes one with `count` words, all 0.
    ///
    /// # Panics
    /// If the file system refuses.
    #[must_use]
    pub fn open(path: &Path, count: usize) -> Self {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).expect("a file");
        file.set_len(u64::try_from(count * 8).expect("small")).expect("a size");
        Self(Raw::map(&file, count * 8, true).expect("a mapping"))
    }

    /// A word.
    #[must_use]
    pub fn get(&self, word: usize) -> u64 {
        self.0.load(word * 8)
    }

    /// Writes a word.
    pub fn set(&self, word: usize, value: u64) {
        self.0.store(word * 8, value);
    }

    /// Adds one to a word.
    pub fn bump(&self, word: usize) {
        self.0.bump(word * 8);
    }
}
