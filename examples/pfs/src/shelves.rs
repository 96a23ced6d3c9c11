//! One implementation of both descriptions of the library: it answers from what it was asked.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use nearcall::{Bounded, SharedBytes};

use crate::{idl, library};

/// Where a note waits that says so, until book 8 is lent.
static GATE: (Mutex<Gate>, Condvar) = (Mutex::new(Gate::Closed), Condvar::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Closed,
    Open,
    Passed,
}

impl Gate {
    fn set(self) {
        *GATE.0.lock().unwrap_or_else(PoisonError::into_inner) = self;
        GATE.1.notify_all();
    }

    /// Waits until the gate is so, for some seconds; whether it is.
    fn wait(self) -> bool {
        let gate = GATE.0.lock().unwrap_or_else(PoisonError::into_inner);
        let other = |gate: &mut Self| *gate != self;
        let waited = GATE.1.wait_timeout_while(gate, Duration::from_secs(4), other);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == self
    }
}

/// Knows the books 0 to 9, of which 9 is on loan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shelves;

impl library::Reading for Shelves {
    fn count(&self) -> u32 {
        10
    }

    fn find(&self, id: u32) -> Result<library::Book, library::UnknownBook> {
        if id >= 10 {
            return Err(library::UnknownBook { id });
        }
        let title = Bounded::new(format!("Volume {id}")).unwrap_or_default();
        let about = if id == 0 { library::Subject::Nothing } else { library::Subject::Place("Prague".to_owned()) };
        Ok(library::Book { title, authors: vec!["A".to_owned(); 3], about, shelf: Some(7), sum: [9; 32] })
    }
}

impl library::Library for Shelves {
    fn add(&self, what: &library::Book, seal: &[u8; 32], marks: &[library::Point]) -> u32 {
        let marks: i32 = marks.iter().map(|mark| mark.x - mark.y).sum();
        u32::from(seal[31])
            + u32::from(what.sum[0])
            + marks.unsigned_abs()
            + u32::try_from(what.title.len()).unwrap_or(0)
    }

    fn lend(&self, id: u32, to: &str, until: &mut String) -> Result<(), library::LendError> {
        match id {
            8 => {
                Gate::Open.set();
                *until = if Gate::Passed.wait() { "a note came through" } else { "no note came" }.to_owned();
                Ok(())
            }
            0..=7 => {
                *until = format!("{to} has it");
                Ok(())
            }
            9 => Err(library::LendError::OnLoan(library::OnLoan { until: "Monday".to_owned() })),
            _ => Err(library::LendError::UnknownBook(library::UnknownBook { id })),
        }
    }

    fn page(&self, id: u32, text: &mut [u8]) -> i32 {
        let Ok(count) = i32::try_from(id) else { return -1 };
        let filled = text.iter_mut().take(usize::try_from(count).unwrap_or(0)).map(|byte| *byte = b'x').count();
        i32::try_from(filled).unwrap_or(i32::MAX)
    }

    fn words(&self, id: u32, count: &mut u32, lengths: &mut [u16]) {
        *count = id;
        lengths.iter_mut().zip(0..).for_each(|(length, i)| *length = i);
    }

    fn chapters(&self, of: &mut library::Chapter, depth: i32, notes: &mut Vec<String>, done: &mut bool) {
        let inner = std::mem::take(of);
        *of = library::Chapter { title: format!("{}+{depth}", inner.title), parts: vec![inner] };
        notes.push("corrected".to_owned());
        *done = true;
    }

    fn rotate(&self, points: &mut [library::Point], raw: SharedBytes<'_>, weights: &[i64], k: i32) -> library::Turn {
        for point in points {
            *point = library::Point { x: -point.y, y: point.x };
        }
        let sum: i64 = weights.iter().sum();
        match sum + i64::from(k) - i64::try_from(raw.len()).unwrap_or(0) {
            0 => library::Turn::Straight,
            more if more > 0 => library::Turn::Right,
            _ => library::Turn::Left,
        }
    }

    fn note(&self, what: &str) {
        if what == "wait" && Gate::Open.wait() {
            Gate::Passed.set();
        }
    }
}

/// The same by the other description, whose types are others to rustc and the same on the way.
impl idl::Library for Shelves {
    fn count(&self) -> u32 {
        library::Reading::count(self)
    }

    fn find(&self, id: u32) -> Result<idl::Book, idl::UnknownBook> {
        library::Reading::find(self, id).map(book).map_err(|error| idl::UnknownBook { id: error.id })
    }

    fn add(&self, what: &idl::Book, seal: &[u8; 32], marks: &[idl::Point]) -> u32 {
        let marks: i32 = marks.iter().map(|mark| mark.x - mark.y).sum();
        u32::from(seal[31])
            + u32::from(what.sum[0])
            + marks.unsigned_abs()
            + u32::try_from(what.title.len()).unwrap_or(0)
    }

    fn lend(&self, id: u32, to: &str, until: &mut String) -> Result<(), idl::LendError> {
        library::Library::lend(self, id, to, until).map_err(|error| match error {
            library::LendError::UnknownBook(library::UnknownBook { id }) => {
                idl::LendError::UnknownBook(idl::UnknownBook { id })
            }
            library::LendError::OnLoan(library::OnLoan { until }) => idl::LendError::OnLoan(idl::OnLoan { until }),
        })
    }

    fn page(&self, id: u32, text: &mut [u8]) -> i32 {
        library::Library::page(self, id, text)
    }

    fn words(&self, id: u32, count: &mut u32, lengths: &mut [u16]) {
        library::Library::words(self, id, count, lengths);
    }

    fn chapters(&self, of: &mut idl::Chapter, depth: i32, notes: &mut Vec<String>, done: &mut bool) {
        let inner = std::mem::take(of);
        *of = idl::Chapter { title: format!("{}+{depth}", inner.title), parts: vec![inner] };
        notes.push("corrected".to_owned());
        *done = true;
    }

    fn rotate(&self, points: &mut [idl::Point], raw: SharedBytes<'_>, weights: &[i64], k: i32) -> idl::Turn {
        let mut same: Vec<library::Point> = points.iter().map(|&idl::Point { x, y }| library::Point { x, y }).collect();
        let turn = library::Library::rotate(self, &mut same, raw, weights, k);
        points.iter_mut().zip(same).for_each(|(to, library::Point { x, y })| *to = idl::Point { x, y });
        match turn {
            library::Turn::Left => idl::Turn::Left,
            library::Turn::Straight => idl::Turn::Straight,
            library::Turn::Right => idl::Turn::Right,
        }
    }

    fn note(&self, what: &str) {
        library::Library::note(self, what);
    }
}

fn book(book: library::Book) -> idl::Book {
    let library::Book { title, authors, about, shelf, sum } = book;
    let about = match about {
        library::Subject::Nothing => idl::Subject::Nothing,
        library::Subject::Place(place) => idl::Subject::Place(place),
        library::Subject::Year(year) => idl::Subject::Year(year),
    };
    idl::Book { title, authors, about, shelf, sum }
}
