//! Lies as data: each with the row of the list of attacks that it belongs to (`testkit/README.md`), a name, and a function
//! that tells it once, with variations. Tests and the program `hostile` tell the same ones.
//!
//! A lie is told to a *victim*, which may do what it likes with the liar: refuse it, hang up on it, answer it. What the
//! victim may not do is believe it, or be a worse victim afterwards; [`tell`] asks after every round whether it still
//! serves somebody innocent.

pub mod client;
pub mod server;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::random::Random;

/// One way to lie to a peer; `A` is what a liar in this role has to hand.
#[derive(Debug, Clone, Copy)]
pub struct Lie<A> {
    /// Rows of the list of attacks.
    pub row: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What the liar does.
    pub what: &'static str,
    /// What a correct victim does.
    pub right: &'static str,
    /// Tells it once. An error is what the victim should not have done.
    pub tell: fn(&mut A) -> Result<Seen, String>,
}

/// How a victim took a lie, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Things that it did as if they had been honest.
    pub took: u64,
    /// Refusals with a name.
    pub refused: u64,
    /// Connections that it ended.
    pub ended: u64,
    /// Things that it left without an answer.
    pub ignored: u64,
}

impl Seen {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: Self) {
        self.took += other.took;
        self.refused += other.refused;
        self.ended += other.ended;
        self.ignored += other.ignored;
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { took, refused, ended, ignored } = self;
        write!(f, "{refused} refused, {ended} ended, {ignored} ignored, {took} taken as honest")
    }
}

/// What became of a victim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It refused, or hung up, and serves others.
    Refused,
    /// It noticed nothing that it had to refuse, and serves others.
    Survived,
    /// It believed the lie, or does not serve others any more.
    Failed(String),
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused => f.write_str("refused as expected"),
            Self::Survived => f.write_str("survived"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

/// Tells a lie `rounds` times and asks `is_well` after each whether the victim still serves others. Stops at the first
/// failure: what comes after one says nothing.
pub fn tell<A>(
    lie: &Lie<A>,
    attack: &mut A,
    rounds: u32,
    mut is_well: impl FnMut() -> Result<(), String>,
) -> (Seen, Verdict) {
    let mut seen = Seen::default();
    for round in 0..rounds {
        // An honest step that the victim does not play along with panics: it has not served the liar's honest half.
        let told = catch_unwind(AssertUnwindSafe(|| (lie.tell)(attack))).unwrap_or_else(|panic| Err(words(&*panic)));
        let failed = match told {
            Ok(now) => {
                seen.add(now);
                is_well().err()
            }
            Err(why) => Some(why),
        };
        if let Some(why) = failed {
            return (seen, Verdict::Failed(format!("in round {round}: {why}")));
        }
    }
    let verdict = if seen.refused + seen.ended > 0 { Verdict::Refused } else { Verdict::Survived };
    (seen, verdict)
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

/// A value that code about words and lengths gets wrong: the ends of ranges, around `len`, the value that was there, any.
pub fn hostile_value(random: &mut Random, old: u64, len: u64) -> u64 {
    match random.below(13) {
        0 => 0,
        1 => 1,
        2 => u64::MAX,
        3 => len.wrapping_sub(1),
        4 => len,
        5 => len + 1,
        6 => 1 << 31,
        7 => u64::from(u32::MAX),
        8 => 1 << 63,
        9 => old,
        10 => old.wrapping_add(1),
        11 => random.word() & 0xff,
        _ => random.word(),
    }
}

/// How long a victim may take over what it should do at once, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(2);

/// An error in words, unless it `is` as it should be.
pub(crate) fn expect(is: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if is { Ok(()) } else { Err(what()) }
}
