//! Services that are exported again and again, and what is left of them in a server that goes on, and in its clients.
#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nearcall::{CallError, Export, Exporter};
use support::Server;

/// Descriptors, private memory and memory that is shared (in bytes), and places for bindings.
type Held = (u64, u64, u64, u64);

#[nearcall::interface]
pub trait Lasting {
    /// Exports another service for a while: `One`, or `Other` with an even number.
    fn begin(&self, number: u32);
    fn end(&self);
    /// Exports and drops, so many times.
    fn churn(&self, count: u32);
    fn held(&self) -> Held;
}

#[nearcall::interface]
pub trait One {
    fn number(&self) -> u32;
    fn twice(&self, text: &str) -> String;
}

/// Of the same size classes, which are those of other procedures.
#[nearcall::interface]
pub trait Other {
    fn twice(&self, text: &str) -> String;
    fn number(&self) -> u32;
}

struct Numbered(u32);

impl One for Numbered {
    fn number(&self) -> u32 {
        self.0
    }
    fn twice(&self, text: &str) -> String {
        text.repeat(2)
    }
}

impl Other for Numbered {
    fn twice(&self, text: &str) -> String {
        text.repeat(2)
    }
    fn number(&self) -> u32 {
        self.0
    }
}

struct Host {
    dir: PathBuf,
    now: Mutex<Option<Export>>,
}

impl Host {
    fn export(&self, number: u32) -> Export {
        let exporter = Exporter::new("brief").dir(&self.dir);
        if number % 2 == 1 {
            exporter.export(OneServer::new(Numbered(number))).unwrap()
        } else {
            exporter.export(OtherServer::new(Numbered(number))).unwrap()
        }
    }

    fn set(&self, now: Option<Export>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Lasting for Host {
    fn begin(&self, number: u32) {
        self.set(Some(self.export(number)));
    }
    fn end(&self) {
        self.set(None);
    }
    fn churn(&self, count: u32) {
        (0..count).for_each(|number| drop(self.export(number)));
    }
    fn held(&self) -> Held {
        held()
    }
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    (descriptors, of("RssAnon"), of("RssShmem"), nearcall::usage().bindings)
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir: &Path| {
        let host = Host { dir: dir.to_owned(), now: Mutex::new(None) };
        Exporter::new("lasting").dir(dir).export(LastingServer::new(host)).unwrap()
    });
}

/// One test at a time: they look at what this process has.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same descriptors and places as before, and memory within what another kernel thread or two take.
fn assert_same(what: &str, before: Held, after: Held) {
    println!("{what}: {before:?}, then {after:?}");
    assert_eq!((after.0, after.3), (before.0, before.3), "{what}");
    let slack = 1024 * 1024;
    assert!(after.1 <= before.1 + slack && after.2 <= before.2 + slack, "{what}: {before:?}, then {after:?}");
}

#[test]
fn a_name_that_comes_and_goes_leaves_nothing() {
    let _alone = alone();
    let server = Server::start("churn");
    let lasting: LastingClient = server.bind_to("lasting");
    lasting.churn(200).unwrap();
    let before = lasting.held().unwrap();
    for _ in 0..20 {
        lasting.churn(500).unwrap();
    }
    assert_same("10,000 exports", before, lasting.held().unwrap());
    let mut names: Vec<_> = std::fs::read_dir(server.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    println!("{names:?}");
    assert!(names.len() <= 4, "{names:?}");
}

/// One export with a call on each of two bindings, one of which is given back before its end, and one after it.
fn brief(server: &Server, lasting: &LastingClient, number: u32) {
    lasting.begin(number).unwrap();
    if number % 2 == 1 {
        let bound: [OneClient; 2] = [server.bind_to("brief"), server.bind_to("brief")];
        bound.iter().for_each(|one| assert_eq!(one.number(), Ok(number)));
        let [first, second] = bound;
        drop(first);
        assert_eq!(second.twice("ab"), Ok("abab".to_owned()));
        lasting.end().unwrap();
        assert_eq!(second.number(), Err(CallError::Revoked));
    } else {
        let other: OtherClient = server.bind_to("brief");
        assert_eq!((other.number(), other.twice("ab")), (Ok(number), Ok("abab".to_owned())));
        lasting.end().unwrap();
        assert_eq!(other.number(), Err(CallError::Revoked));
    }
}

#[test]
fn bindings_to_what_comes_and_goes_leave_nothing_on_either_side() {
    let _alone = alone();
    let server = Server::start("brief");
    let lasting: LastingClient = server.bind_to("lasting");
    (1..=200).for_each(|number| brief(&server, &lasting, number));
    let before = (lasting.held().unwrap(), held());
    (1..=3000).for_each(|number| brief(&server, &lasting, number));
    let after = (lasting.held().unwrap(), held());
    assert_same("the server after 3,000 exports with bindings", before.0, after.0);
    assert_same("and its client", before.1, after.1);
    assert_eq!(after.0.3, 4, "places: one for what lasts, two for one, one for the other");
}
