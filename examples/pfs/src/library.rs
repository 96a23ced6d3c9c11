//! The trait that `library.idl` describes: the same procedures with the same fingerprints, so each side can be either.
#![allow(clippy::ptr_arg, reason = "`&Vec` is a form of parameter")]

use nearcall::Bounded;

/// What a book is about, by its number.
#[derive(Debug, Clone, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum Subject {
    /// Nothing.
    Nothing = 0,
    /// A place.
    Place(String) = 4,
    /// A year.
    Year(i32) = 5,
}

/// A book with what is in it.
#[derive(Debug, Clone, PartialEq, Eq, nearcall::Wire)]
pub struct Book {
    /// At most 200 bytes.
    pub title: Bounded<String, 200>,
    /// All of them.
    pub authors: Vec<String>,
    /// What it is about.
    pub about: Subject,
    /// Where it stands, if it does.
    pub shelf: Option<u16>,
    /// A hash of it.
    pub sum: [u8; 32],
}

/// Chapters, which have chapters.
#[derive(Debug, Clone, Default, PartialEq, Eq, nearcall::Wire)]
pub struct Chapter {
    /// Its title.
    pub title: String,
    /// What is in it.
    pub parts: Vec<Self>,
}

/// There is no such book.
#[derive(Debug, Clone, PartialEq, Eq, nearcall::Wire)]
pub struct UnknownBook {
    /// The number that was asked for.
    pub id: u32,
}

/// Somebody has it.
#[derive(Debug, Clone, PartialEq, Eq, nearcall::Wire)]
pub struct OnLoan {
    /// When it comes back.
    pub until: String,
}

/// Why a book cannot be lent.
#[derive(Debug, Clone, PartialEq, Eq, nearcall::Wire)]
#[repr(u32)]
pub enum LendError {
    /// There is none.
    UnknownBook(UnknownBook) = 1,
    /// Somebody has it.
    OnLoan(OnLoan) = 2,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
#[repr(i32)]
pub enum Turn {
    /// Against the clock.
    Left = -1,
    /// Not at all.
    Straight,
    /// With the clock.
    Right,
}

/// A place on a page.
#[nearcall::plain]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Point {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
}

/// What everybody may ask.
#[nearcall::interface(uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8", version = "1.2")]
pub trait Reading {
    /// How many books there are.
    #[call(idempotent, timeout = "1min")]
    fn count(&self) -> u32;
    /// The book of that number.
    ///
    /// # Errors
    /// There is none.
    #[call(timeout = "1min")]
    fn find(&self, id: u32) -> Result<Book, UnknownBook>;
}

/// What librarians may do.
#[nearcall::interface]
pub trait Library {
    /// Takes up a book; its number.
    #[call(timeout = "1min", concurrency = 8)]
    fn add(&self, what: &Book, seal: &[u8; 32], #[max(64 KiB)] marks: &[Point]) -> u32;
    /// Lends a book.
    ///
    /// # Errors
    /// There is none, or somebody has it.
    #[call(timeout = "1min", concurrency = 8)]
    fn lend(&self, id: u32, to: &str, #[out] until: &mut String) -> Result<(), LendError>;
    /// Reads a page into a buffer of the client's.
    #[call(timeout = "1min", concurrency = 8, astack = 4200)]
    fn page(&self, id: u32, #[out(len = return)] text: &mut [u8]) -> i32;
    /// The same, with the count as a parameter.
    #[call(timeout = "1min", concurrency = 8)]
    fn words(&self, id: u32, #[out] count: &mut u32, #[out(len = count)] lengths: &mut [u16]);
    /// The chapters, corrected.
    #[call(timeout = "1min", concurrency = 8)]
    fn chapters(&self, of: &mut Chapter, depth: i32, notes: &mut Vec<String>, #[out] done: &mut bool);
    /// Turns points round, and tells what they were.
    #[call(timeout = "1min", concurrency = 8)]
    fn rotate(&self, points: &mut [Point], #[in_place] raw: &[u8], weights: &[i64], k: i32) -> Turn;
    /// Nobody waits for what becomes of it.
    #[call(timeout = "1min", concurrency = 8, oneway)]
    fn note(&self, what: &str);
}
