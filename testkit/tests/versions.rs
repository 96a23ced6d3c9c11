//! Two versions of one interface: a client of the old one with a server of the new one, and the reverse. Whatever both
//! sides understand the same works; what they do not is refused when binding, with a difference that says what to change.
//!
//! The differences are compared with `versions/differences.txt`; `BLESS=1` accepts what is said now.

mod support;

use std::fmt::Write as _;
use std::path::Path;

use nearcall::{BindError, Binder, Client, Exporter};
use nearcall_testkit::process::{self, Peer};

/// A version of the interface, its types, and an implementation: results are made of arguments, so that a call that binds
/// and mixes them up is seen.
macro_rules! version {
    (
        $(#[$doc:meta])* $version:ident, $item:ident $fields:tt, $state:ident $variants:tt,
        $(fn $procedure:ident($($param:ident: $type:ty),*) -> $result:ty $body:block)*
    ) => {
        $(#[$doc])*
        mod $version {
            #![allow(dead_code, unused_variables, reason = "only what the client calls is used")]

            #[derive(Debug, Clone, PartialEq, nearcall::Wire)]
            pub(super) struct $item $fields

            #[derive(Debug, Clone, Copy, PartialEq, nearcall::Wire)]
            #[repr(u8)]
            pub(super) enum $state $variants

            #[nearcall::interface]
            pub(super) trait Store {
                $(fn $procedure(&self, $($param: $type),*) -> $result;)*
            }

            pub(super) struct Hand;

            impl Store for Hand {
                $(fn $procedure(&self, $($param: $type),*) -> $result $body)*
            }
        }
    };
}

version! {
    /// The one that is in use.
    old, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// A procedure more, in front of the others.
    added, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn count(of: u64) -> u32 { 7 }
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// One less.
    removed, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
}

version! {
    /// The same, in another order.
    reordered, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn clear(of: u64) -> u64 { of + 1 }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn put(item: Item) -> u64 { item.id }
}

version! {
    /// A parameter of another type.
    parameter, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u32) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// A parameter more.
    parameters, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Item, again: bool) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// A variant of another value, and one more.
    variant, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 3, Closed = 4 },
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// A type of another name.
    renamed, Thing { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Thing) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// A field of another type.
    field, Item { pub id: u64, pub name: Option<String> }, State { Empty = 1, Full = 2 },
    fn put(item: Item) -> u64 { item.id }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64) -> u64 { of + 1 }
}

version! {
    /// The result of one is another type, and one that is not called has changed as well.
    result, Item { pub id: u64, pub name: String }, State { Empty = 1, Full = 2 },
    fn put(item: Item) -> Option<u64> { Some(item.id) }
    fn state(of: u64) -> State { if of == 0 { State::Empty } else { State::Full } }
    fn clear(of: u64, from: u64) -> u64 { of + 1 }
}

/// What a bind to `name` came to: a client, or the difference.
fn bind<C: Client>(dir: &Path, name: &str) -> Result<C, String> {
    match Binder::new(name).dir(dir).bind() {
        Ok(client) => Ok(client),
        Err(BindError::Incompatible { difference }) => Err(difference),
        Err(error) => panic!("{name}: {error}"),
    }
}

macro_rules! each_version {
    ($do:ident!($($argument:tt)*)) => {
        each_version!(@ $do ($($argument)*) added removed reordered parameter parameters variant renamed field result)
    };
    (@ $do:ident $arguments:tt $($version:ident)*) => {
        $($do!($version $arguments);)*
    };
}

macro_rules! compare {
    ($version:ident ($dir:ident, $said:ident, $works:ident)) => {
        let version = stringify!($version);
        let forth = bind::<old::StoreClient>(&$dir, version).map(|client| {
            let item = old::Item { id: 5, name: "five".to_owned() };
            assert_eq!(client.put(item), Ok(5), "{version}");
            assert_eq!(client.state(0), Ok(old::State::Empty), "{version}");
            assert_eq!(client.clear(8), Ok(9), "{version}");
        });
        let back = bind::<$version::StoreClient>(&$dir, "old").map(|client| {
            assert_eq!(client.state(1), Ok($version::State::Full), "{version}");
        });
        for (what, end) in [
            (format!("an old client, a server with {version}"), forth),
            (format!("a client with {version}, an old server"), back),
        ] {
            match end {
                Ok(()) => {
                    $works.push(what.clone());
                    let _ = writeln!($said, "{what}:\n  works\n");
                }
                Err(difference) => {
                    let _ = writeln!($said, "{what}:\n{difference}");
                }
            }
        }
    };
}

#[test]
fn versions_work_together_or_say_how_they_differ() {
    let (_outer, dir) = support::names();
    let _server = Peer::start("serve", &dir);
    let (mut said, mut works) = (String::new(), Vec::new());
    each_version!(compare!(dir, said, works));
    assert_eq!(
        works,
        [
            "an old client, a server with added",
            "a client with removed, an old server",
            "an old client, a server with reordered",
            "a client with reordered, an old server",
        ]
    );
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/versions/differences.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &said).unwrap();
    }
    assert_eq!(
        said,
        std::fs::read_to_string(&golden).unwrap_or_default(),
        "run with BLESS=1, and review the difference"
    );
}

macro_rules! export {
    ($version:ident ($dir:ident, $exports:ident)) => {
        let exporter = Exporter::new(stringify!($version)).dir(&$dir);
        $exports.push(exporter.export($version::StoreServer::new($version::Hand)).unwrap());
    };
}

/// Not a test: the servers.
#[test]
fn play() {
    if let Some((_, dir)) = Peer::part() {
        let mut exports = Vec::new();
        export!(old(dir, exports));
        each_version!(export!(dir, exports));
        process::ready();
        process::until_released();
    }
}
