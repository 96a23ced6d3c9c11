//! Interfaces that nobody thought of: thirty of them, made up when this is built, with every form of parameter, called
//! with a hundred thousand made-up values on every path; all answer the same.
//!
//! Each case goes three ways: between two processes, as the stubs and the layout decide; with every value taken through
//! its conventional encoding, and back; and to the implementation directly. A procedure answers with values made from a
//! digest of every byte of every argument, so that a bit lost on the way changes everything. What differs is made smaller
//! by proptest.
//!
//! `NEARCALL_TEST_SEED=N` makes up other interfaces, and other values; `NEARCALL_TEST_CALLS=N` says how many values.

#[path = "interfaces/value.rs"]
mod value;

use std::fmt::{Debug, Write as _};
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::time::Instant;

use nearcall::{CallError, Layout, Wire};
use nearcall_core::shm::copy;
use nearcall_layout::conventional::{Unfit, decode, encode};
use nearcall_testkit::process::{self, Peer};
use proptest::prelude::*;
use siphasher::sip::SipHasher13;
use value::Value;

/// How a value gets to where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    AsItIs,
    ThroughItsEncoding,
}

/// `value`, or what its conventional encoding says it is.
fn pass<T: Wire>(way: Way, value: T) -> T {
    if way == Way::AsItIs {
        return value;
    }
    let size = match encode(&value, &mut []) {
        Ok(size) | Err(Unfit::Size { size }) => size,
        Err(Unfit::Never) => panic!("the value is too deep"),
    };
    let mut bytes = vec![0xa5; size];
    assert_eq!(encode(&value, &mut bytes), Ok(size));
    decode(&bytes, 1 << 20).expect("what was just encoded")
}

fn pass_serde<T: serde::Serialize + serde::de::DeserializeOwned>(way: Way, value: T) -> T {
    if way == Way::AsItIs {
        return value;
    }
    let mut bytes = vec![0xa5; 1 << 16];
    let size = nearcall::rt::serde::encode(&value, &mut bytes).expect("room");
    nearcall::rt::serde::decode(&bytes[..size], 1 << 20).expect("what was just encoded")
}

fn in_app<E>(error: CallError<E>, change: impl FnOnce(E) -> E) -> CallError<E> {
    match error {
        CallError::App(error) => CallError::App(change(error)),
        other => other,
    }
}

/// A digest of what a procedure was entered with, and values made from it. The bytes are those of `Debug`, which has
/// nothing to do with how values travel.
struct Seen(SipHasher13, u64);

impl Seen {
    fn new(procedure: &str) -> Self {
        // What was copied is not the question here, and the log would grow for ever.
        drop(copy::take_log());
        let mut hasher = SipHasher13::new();
        hasher.write(procedure.as_bytes());
        Self(hasher, 0)
    }

    fn see(&mut self, argument: &impl Debug) {
        self.0.write(format!("{argument:?};").as_bytes());
    }

    fn digest(&self) -> u64 {
        self.0.finish()
    }

    fn fails(&self) -> bool {
        self.digest().is_multiple_of(4)
    }

    /// Another value each time.
    fn make<T: Value>(&mut self) -> T {
        self.1 += 1;
        T::made(self.digest().wrapping_add(self.1))
    }

    fn fill<T: Value>(&mut self, items: &mut [T]) {
        items.iter_mut().for_each(|item| *item = self.make());
    }

    fn turn<T: Value>(&mut self, items: &mut [T]) {
        items.reverse();
        if let Some(first) = items.first_mut() {
            *first = self.make();
        }
    }

    fn fill_some<T: Value>(&mut self, items: &mut [T]) -> usize {
        let count = (self.digest() >> 8) as usize % (items.len() + 1);
        self.fill(&mut items[..count]);
        count
    }
}

/// What a call came back with, in words.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    text: String,
    is_app: bool,
}

impl Answer {
    fn of<T: Debug, E: Debug>(result: &Result<T, CallError<E>>) -> Self {
        match result {
            Ok(_) | Err(CallError::App(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        Self { text: format!("{result:?}"), is_app: result.is_err() }
    }

    /// And what is in a target; after an error that is the caller's business, and tested elsewhere.
    fn with(mut self, target: &impl Debug) -> Self {
        if !self.is_app {
            let _ = write!(self.text, "; {target:?}");
        }
        self
    }
}

/// Runs the cases of all procedures.
struct Trial {
    dir: PathBuf,
    /// Cases of each procedure.
    cases: u32,
    procedures: u32,
    calls: u64,
    values: u64,
    app_errors: u64,
}

impl Trial {
    #[allow(clippy::too_many_arguments, reason = "one of each kind of client, and a function for each")]
    fn run<S: Strategy, A, B>(
        &mut self,
        name: &str,
        params: u64,
        values: S,
        client: &A,
        local: &B,
        by_client: fn(&A, Way, S::Value) -> Answer,
        by_local: fn(&B, Way, S::Value) -> Answer,
    ) where
        S::Value: Clone,
    {
        self.procedures += 1;
        let counts = std::cell::Cell::new((0_u64, 0_u64));
        let mut runner = value::runner(generated::SEED ^ u64::from(self.procedures) << 32, self.cases);
        let result = runner.run(&values, |values| {
            let called = by_client(client, Way::AsItIs, values.clone());
            let (calls, app_errors) = counts.get();
            counts.set((calls + 1, app_errors + u64::from(called.is_app)));
            prop_assert_eq!(&called, &by_local(local, Way::AsItIs, values.clone()), "between processes");
            prop_assert_eq!(&called, &by_local(local, Way::ThroughItsEncoding, values), "through the encoding");
            drop(copy::take_log());
            Ok(())
        });
        if let Err(error) = result {
            panic!("seed {}, {name}: {error}", generated::SEED);
        }
        let (calls, app_errors) = counts.get();
        self.calls += calls;
        self.values += calls * (params + 1);
        self.app_errors += app_errors;
    }
}

/// The object behind all of them.
struct Hand;

fn bind<C: nearcall::Client>(trial: &Trial, name: &str) -> C {
    nearcall::Binder::new(name).dir(&trial.dir).bind().unwrap()
}

#[allow(
    warnings,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    clippy::allow_attributes_without_reason,
    reason = "nobody reads it"
)]
mod generated {
    use super::value::{plain, value};
    use super::*;

    include!(concat!(env!("OUT_DIR"), "/interfaces.rs"));
}

#[test]
fn made_up_interfaces_answer_the_same_on_every_path() {
    println!("NEARCALL_TEST_SEED={}", generated::SEED);
    let values: u64 = std::env::var("NEARCALL_TEST_CALLS").ok().and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("names");
    {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().mode(0o700).create(&dir).unwrap();
    }
    let _server = Peer::start("serve", &dir);
    let mut trial = Trial { dir, cases: 1, procedures: 0, calls: 0, values: 0, app_errors: 0 };
    generated::try_all(&mut trial);
    // The first round says how many values a case has.
    let start = Instant::now();
    trial.cases = u32::try_from(values.div_ceil(trial.values)).unwrap();
    let procedures = trial.procedures;
    trial = Trial { procedures: 0, calls: 0, values: 0, app_errors: 0, ..trial };
    generated::try_all(&mut trial);
    println!(
        "{} values in {} calls of {procedures} procedures in {:.1?}; {} ended in the procedure's own error",
        trial.values,
        trial.calls,
        start.elapsed(),
        trial.app_errors
    );
    assert!(trial.values >= values, "{}", trial.values);
    assert!(trial.app_errors > 0 && trial.app_errors < trial.calls);
}

#[test]
fn made_up_interfaces_take_every_path() {
    let mut counts = [0; 4];
    for layout in generated::layouts() {
        counts[match layout {
            Layout::Line => 0,
            Layout::Frame => 1,
            Layout::Conventional => 2,
            _ => 3,
        }] += 1;
    }
    println!("NEARCALL_TEST_SEED={}: line, frame, conventional, serde: {counts:?}", generated::SEED);
    if std::env::var_os("NEARCALL_TEST_SEED").is_none() {
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    }
}

/// Not a test: the server.
#[test]
fn play() {
    if let Some((_, dir)) = Peer::part() {
        let exporter = |name: &str| nearcall::Exporter::new(name).dir(Path::new(&dir));
        let _exports = generated::export(exporter);
        process::ready();
        process::until_released();
    }
}
