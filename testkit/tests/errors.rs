//! Every public error, produced for real: between processes, by the kernel, or by a server that lies.
//!
//! The list is that of `docs/errors.md`, which a test of `nearcall` compares with the types.

mod support;

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use nearcall::far::{DriveError, Driven, Host, HostError};
use nearcall::rt::{Malformed, Reader, Shape, Tail, Writer};
use nearcall::{
    BindError, Binder, CallError, DirError, Export, ExportError, Exporter, Limits, Policy, SharedGrant, Wire,
};
use nearcall_layout::pair::{VERSION, status};
use nearcall_testkit::message;
use nearcall_testkit::packet::Connection;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::server::{Liar, Server};

/// Those of far bindings: `far.rs` beside this file, and of the crate `nearcall`.
const OF_HOSTS: [&str; 3] = ["CallError::PeerRestarted", "HostError::File", "HostError::Io"];

/// Those of threads, which need no other process: `tests/threads.rs` and `threads_limits.rs` of the crate `nearcall` have them,
/// and `threads_fork.rs` of `nearcall-core`.
const OF_THREADS: [&str; 9] = [
    "SpawnError::NoKernelThread",
    "SpawnError::Forked",
    "SpawnError::StackTooLarge",
    "SpawnError::NotHere",
    "JoinError::Panicked",
    "JoinError::NoStack",
    "JoinError::Cancelled",
    "WaitError::TimedOut",
    "WaitError::Cancelled",
];

#[derive(Debug, Clone, PartialEq, Wire)]
struct Chain {
    next: Option<Box<Self>>,
}

/// A graph without protocols.
fn no_graph() -> std::sync::Arc<nearcall_graph::Graph> {
    let graph = nearcall_graph::Graph::new(Vec::new(), Default::default(), None, nearcall_graph::Time(0));
    std::sync::Arc::new(graph.unwrap())
}

fn chain(length: u32) -> Chain {
    (0..length).fold(Chain { next: None }, |next, _| Chain { next: Some(Box::new(next)) })
}

#[nearcall::interface]
trait Faults {
    fn flag(&self, on: bool) -> bool;
    fn fail(&self) -> Result<(), u8>;
    fn panic(&self);
    fn die(&self);
    #[call(timeout = "100ms")]
    fn sleep(&self, milliseconds: u32);
    fn send(&self, chain: Chain) -> u8;
    fn receive(&self, length: u32) -> Chain;
    #[call(concurrency = 64)]
    fn text(&self, text: &str) -> u32;
    fn withdraw(&self);
    fn long(&self, len: u32) -> String;
    #[call(timeout = "10s")]
    fn keep(&self, text: &str, milliseconds: u32);
    fn drain(&self) -> String;
    /// Calls itself until that is not possible; why it is not.
    #[call(timeout = "10s")]
    fn around(&self) -> String;
    fn strings(&self, strings: &[&[u8]]);
    fn granted(&self, shared: &SharedGrant) -> u8;
    fn lend(&self) -> SharedGrant;
    fn tell(&self, counter: &CounterClient);
    fn files(&self, files: &[BorrowedFd<'_>]);
}

#[nearcall::interface]
trait Counter {
    fn add(&self, amount: u32);
}

/// The same, by somebody who means other things by it.
mod other {
    #[nearcall::interface]
    pub(super) trait Faults {
        fn flag(&self, on: super::Bit) -> bool;
        fn tell(&self, counter: &CounterClient);
    }

    #[nearcall::interface]
    pub(super) trait Counter {
        fn add(&self, amount: u64);
    }

    #[nearcall::interface]
    pub(super) trait Different {
        fn flag(&self, on: u8) -> bool;
    }
}

/// Says that it is a `bool`, and is any byte.
#[derive(Debug, Clone, Copy)]
struct Bit(u8);

impl Wire for Bit {
    const FIXED: bool = true;
    const SIZE: usize = 1;
    const SHAPE: &'static Shape = bool::SHAPE;

    fn put(&self, head: &mut [u8], at: usize) {
        self.0.put(head, at);
    }

    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        u8::get(head, at, tail).map(Self)
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.0.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        u8::read(from).map(Self)
    }
}

static EXPORTS: Mutex<Vec<Export>> = Mutex::new(Vec::new());

struct Hand;

impl other::Counter for Hand {
    fn add(&self, _: u64) {}
}

impl Faults for Hand {
    fn strings(&self, _: &[&[u8]]) {}
    fn granted(&self, shared: &SharedGrant) -> u8 {
        shared.bytes().map_or(0, |bytes| bytes.read(0).unwrap_or(1))
    }
    fn lend(&self) -> SharedGrant {
        SharedGrant::new(1).unwrap()
    }
    fn tell(&self, counter: &CounterClient) {
        counter.add(1).unwrap();
    }
    fn flag(&self, on: bool) -> bool {
        !on
    }
    fn fail(&self) -> Result<(), u8> {
        Err(7)
    }
    fn panic(&self) {
        panic!("asked to");
    }
    fn die(&self) {
        std::process::exit(0);
    }
    fn sleep(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn send(&self, _: Chain) -> u8 {
        1
    }
    fn receive(&self, length: u32) -> Chain {
        chain(length)
    }
    fn text(&self, text: &str) -> u32 {
        u32::try_from(text.len()).unwrap()
    }
    fn withdraw(&self) {
        EXPORTS.lock().unwrap().iter().for_each(Export::revoke_all);
    }
    fn long(&self, len: u32) -> String {
        "x".repeat(usize::try_from(len).unwrap())
    }
    fn keep(&self, _: &str, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn drain(&self) -> String {
        // This call is one that still runs.
        let all = std::mem::take(&mut *EXPORTS.lock().unwrap());
        let ends = all.into_iter().map(|export| export.drain(Duration::ZERO));
        let running = ends.filter_map(Result::err).next().unwrap();
        assert_eq!(running.count, 1);
        running.to_string()
    }
    fn files(&self, _: &[BorrowedFd<'_>]) {}
    fn around(&self) -> String {
        static OWN: OnceLock<FaultsClient> = OnceLock::new();
        let own = OWN.get_or_init(|| {
            let (_, dir) = Peer::part().unwrap();
            Binder::new("faults").dir(dir).bind().unwrap()
        });
        own.around().unwrap_or_else(|error| format!("{error:?}"))
    }
}

/// A directory of names, and servers in it.
struct Place {
    _outer: tempfile::TempDir,
    dir: PathBuf,
}

impl Place {
    fn new() -> Self {
        let (outer, dir) = support::names();
        Self { _outer: outer, dir }
    }

    fn bind<C: nearcall::Client>(&self, name: &str) -> Result<C, BindError> {
        Binder::new(name).dir(&self.dir).bind()
    }

    /// How a bind to a server that does this ends.
    fn lied_to(lie: impl Fn(Connection) + Send + Sync + 'static) -> BindError {
        let place = Self::new();
        let _liar = Liar::start(&place.dir, "liar", lie);
        place.bind::<FaultsClient>("liar").expect_err("a lie")
    }

    /// How a call to a server that answers with this status ends.
    fn answered(status: u16) -> CallError {
        let place = Self::new();
        let _liar = Liar::start(&place.dir, "liar", move |connection| {
            Server::honest(connection).serve(|server, request| server.answer(request, status, 0, &[2]));
        });
        place.bind::<FaultsClient>("liar").expect("an honest handshake").flag(true).expect_err("a lie")
    }
}

/// The names of the errors that came, as they came.
#[derive(Default)]
struct Produced(BTreeSet<String>);

impl Produced {
    /// That `error` is the variant `name`, and has words for people.
    fn is(&mut self, name: &str, error: &(impl std::fmt::Debug + std::fmt::Display)) {
        let (debug, words) = (format!("{error:?}"), error.to_string());
        let variant = name.rsplit("::").next().unwrap();
        let is_it = debug.strip_prefix(variant).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        assert!(is_it, "{name} expected: {debug}");
        assert!(words.len() > 10, "{name}: {words:?} says nothing");
        println!("{name}: {words}");
        self.0.insert(name.to_owned());
    }
}

/// Procedures have a type of error each.
fn without_app<T, E: std::fmt::Debug + std::fmt::Display>(result: Result<T, CallError<E>>) -> CallError<E> {
    result.map(drop).expect_err("a fault")
}

/// Grants that are taken back or not one's own; a client of an interface that only has the name.
fn grants(produced: &mut Produced, place: &Place) {
    let client: FaultsClient = place.bind("faults").unwrap();
    let mut grant = SharedGrant::new(1).unwrap();
    grant.write(0, &[42]).unwrap();
    assert_eq!(client.granted(&grant), Ok(42));
    produced.is("GrantError::Outside", &grant.write(0, &[1, 2]).unwrap_err());
    grant.revoke().unwrap();
    produced.is("GrantError::Revoked", &grant.bytes().unwrap_err());
    assert_eq!(client.granted(&grant), Ok(0));
    produced.is("GrantError::NotOurs", &client.lend().unwrap().revoke().unwrap_err());
    let other: other::FaultsClient = place.bind("faults").unwrap();
    let counter = other::CounterClient::serve(Hand).unwrap();
    produced.is("CallError::NotPassed", &without_app(other.tell(&counter)));
}

fn calls(produced: &mut Produced) {
    let place = Place::new();
    let _server = Peer::start("serve", &place.dir);
    let client: FaultsClient = place.bind("faults").unwrap();
    assert_eq!(client.flag(true), Ok(false));
    produced.is("CallError::App", &without_app(client.fail()));
    produced.is("CallError::Panicked", &without_app(client.panic()));
    produced.is("CallError::Unsendable", &without_app(client.send(chain(100))));
    produced.is("CallError::Unreturnable", &without_app(client.receive(100)));
    produced.is("CallError::TooLarge", &without_app(client.text(&"x".repeat(80 << 20))));
    produced.is("CallError::WouldBlock", &without_app(client.start_text(&"x".repeat(8 << 10))));
    let mut taken = client.start_flag(true).unwrap();
    assert_eq!(taken.wait_timeout(Duration::from_secs(60)), Some(Ok(false)));
    produced.is("CallError::Aborted", &without_app(taken.wait()));
    produced.is("CallError::ResultTooLarge", &without_app(client.long((1 << 20) + 1)));
    assert_eq!(client.long(1 << 20).map(|text| text.len()), Ok(1 << 20));
    produced.is("CallError::TooManyStrings", &without_app(client.strings(&[&b"x"[..]; 32])));
    let input = std::io::stdin();
    produced.is("CallError::TooManyDescriptors", &without_app(client.files(&[input.as_fd(); 17])));
    grants(produced, &place);
    produced.is("CallError::Timeout", &without_app(client.sleep(1500)));
    assert_eq!(client.around().as_deref(), Ok("TooDeep"));
    // What the sixteenth procedure was told, in our words.
    produced.is("CallError::TooDeep", &CallError::<std::convert::Infallible>::TooDeep);
    let other: other::FaultsClient = place.bind("faults").unwrap();
    produced.is("CallError::BadArgument", &without_app(other.flag(Bit(2))));
    // More than there are of the class, for longer than a call waits for one.
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..70).map(|_| scope.spawn(|| client.sleep(1000))).collect();
        let ends: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        let none = ends.iter().find(|end| **end == Err(CallError::NoAStack)).expect("too few A-stacks");
        produced.is("CallError::NoAStack", &none.unwrap_err());
    });
    std::thread::sleep(Duration::from_secs(2));
    let (mut asked, mut dropped) = (client.start_flag(true).unwrap(), client.start_flag(true).ok());
    // SAFETY: the child only calls through a stub, which says that it cannot, and takes no lock.
    let forked = unsafe {
        process::in_forked_child(|| {
            drop(dropped.take());
            if asked.try_take() != Some(Err(CallError::Forked)) || client.start_flag(true).is_ok() {
                return 3;
            }
            match (client.flag(true), Binder::new("faults").dir(&place.dir).bind::<FaultsClient>()) {
                (Err(CallError::Forked), Err(BindError::Forked)) => {
                    match Exporter::new("x").dir(&place.dir).export(FaultsServer::new(Hand)) {
                        Err(ExportError::Forked) => {
                            match (Driven::new(no_graph()), Host::bound_to(std::net::Ipv4Addr::LOCALHOST, 0)) {
                                (Err(DriveError::Forked), Err(HostError::Forked)) => 42,
                                _ => 4,
                            }
                        }
                        other => {
                            // Nothing of the parent's may be dropped here.
                            std::mem::forget(other);
                            1
                        }
                    }
                }
                _ => 2,
            }
        })
    };
    assert_eq!(forked, Some(42));
    assert_eq!((asked.wait(), dropped.unwrap().wait()), (Ok(false), Ok(false)), "the parent's go on");
    // What the child has seen, with the parent's words.
    produced.is("CallError::Forked", &CallError::<std::convert::Infallible>::Forked);
    produced.is("BindError::Forked", &BindError::Forked);
    produced.is("ExportError::Forked", &ExportError::Forked);
    produced.is("DriveError::Forked", &DriveError::Forked);
    produced.is("HostError::Forked", &HostError::Forked);
    client.withdraw().unwrap();
    produced.is(
        "CallError::Revoked",
        &loop {
            match client.flag(true) {
                Ok(_) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => break error,
            }
        },
    );
    let client: FaultsClient = place.bind("faults").unwrap();
    produced.is("CallError::PeerDied", &without_app(client.die()));
    produced.is("CallError::PeerMisbehaved", &Place::answered(status::OK));
    let _again = Peer::start("serve", &place.dir);
    let client: FaultsClient = place.bind("faults").unwrap();
    let still_running = client.drain().unwrap();
    assert!(still_running.contains("1 calls"), "{still_running}");
    overloads(produced);
    produced.is("CallError::Unsupported", &Place::answered(status::NO_PROCEDURE));
    produced.is("CallError::Denied", &Place::answered(status::DENIED));
}

/// Once for want of processors, once for want of memory.
fn overloads(produced: &mut Produced) {
    let place = Place::new();
    let _server = Peer::start("serve little", &place.dir);
    let client: FaultsClient = place.bind("faults").unwrap();
    let until_overloaded = |call: &dyn Fn() -> Result<u32, CallError<std::convert::Infallible>>| {
        let start = std::time::Instant::now();
        loop {
            match call() {
                Err(CallError::Overloaded) => return CallError::<std::convert::Infallible>::Overloaded,
                other => assert!(start.elapsed() < Duration::from_secs(5), "never overloaded: {other:?}"),
            }
        }
    };
    let large = "x".repeat(300_000);
    std::thread::scope(|scope| {
        scope.spawn(|| client.keep(&large, 2000).unwrap());
        // Who comes first has the memory.
        std::thread::sleep(Duration::from_millis(500));
        produced.is("CallError::Overloaded", &until_overloaded(&|| client.text(&large)));
    });
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.keep("", 1500));
            std::thread::sleep(Duration::from_millis(30));
        }
        produced.is("CallError::Overloaded", &until_overloaded(&|| client.text("")));
    });
}

fn binds(produced: &mut Produced) {
    let place = Place::new();
    let _server = Peer::start("serve", &place.dir);
    let error = |result: Result<FaultsClient, BindError>| result.map(drop).expect_err("a fault");
    produced.is("BindError::NotFound", &error(place.bind("nobody")));
    produced.is("BindError::Unsupported", &error(place.bind("tcp://host/faults")));
    let incompatible = place.bind::<other::DifferentClient>("faults").map(drop).expect_err("another interface");
    produced.is("BindError::Incompatible", &incompatible);
    // More than 64 A-stacks each; a pair has 128.
    let held: FaultsClient = place.bind("faults").unwrap();
    produced.is("BindError::NoRoom", &error(place.bind("faults 2")));
    drop(held);
    produced.is(
        "BindError::Timeout",
        &Place::lied_to(|connection| {
            let _ = connection.closes(Duration::from_secs(10));
        }),
    );
    produced.is("BindError::Closed", &Place::lied_to(|connection| drop(connection.hear(Duration::from_secs(1)))));
    produced.is(
        "BindError::PeerMisbehaved",
        &Place::lied_to(|connection| {
            let _ = connection.hear(Duration::from_secs(1));
            let _ = connection.say(message::READY);
            let _ = connection.closes(Duration::from_secs(5));
        }),
    );
    produced.is(
        "BindError::Version",
        &Place::lied_to(|connection| {
            let _ = connection.hear(Duration::from_secs(1));
            let _ = connection.say(&message::welcome(VERSION + 1, [0; 16], 1));
        }),
    );
    produced.is("BindError::Denied", &error(place.bind("nobody's")));
    let theirs = rustix::process::geteuid().as_raw() + 1;
    produced.is("BindError::Uid", &error(Binder::new("faults").dir(&place.dir).expect_uid(theirs).bind()));
    let place = Place::new();
    let _server = Peer::start("serve little", &place.dir);
    let _held: FaultsClient = place.bind("faults").unwrap();
    produced.is("BindError::Quota", &error(place.bind("faults")));
}

fn exports_and_directories(produced: &mut Produced) {
    let place = Place::new();
    let export = |name: &str, dir: &Path| Exporter::new(name).dir(dir).export(FaultsServer::new(Hand));
    let held = export("name", &place.dir).unwrap();
    produced.is("ExportError::Taken", &export("name", &place.dir).expect_err("taken"));
    drop(held);
    let missing = place.dir.join("not").join("there");
    let error = export("name", &missing).expect_err("no parent");
    produced.is("ExportError::Dir", &error);
    let ExportError::Dir(error) = error else { panic!("{error:?}") };
    produced.is("DirError::Io", &error);
    let error = Binder::new(".hidden").dir(&place.dir).bind::<FaultsClient>().map(drop).expect_err("no name");
    produced.is("BindError::Dir", &error);
    let BindError::Dir(error) = error else { panic!("{error:?}") };
    produced.is("DirError::Name", &error);
    std::fs::write(place.dir.join("file"), "").unwrap();
    let Err(BindError::Dir(error)) = place.bind::<FaultsClient>("file") else { panic!("a file is no export") };
    produced.is("DirError::NotAnExport", &error);
    std::fs::set_permissions(&place.dir, std::fs::Permissions::from_mode(0o777)).unwrap();
    let Err(BindError::Dir(error)) = place.bind::<FaultsClient>("name") else { panic!("others may write it") };
    produced.is("DirError::Mode", &error);
    std::fs::set_permissions(&place.dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    let _server = Peer::start("serve", &place.dir);
    // What takes a process of its own; each says what it saw by being ready.
    for (part, names) in [
        ("without descriptors", &["BindError::Io", "ExportError::Io", "DriveError::Io"][..]),
        ("without a directory", &["DirError::Unknown"]),
        ("in a stranger's directory", &["DirError::Owner"]),
        ("in a relative directory", &["DirError::Relative"]),
        ("without memory", &["CallError::NoMemory"]),
    ] {
        let needs_root = ["without a directory", "in a stranger's directory"].contains(&part);
        if needs_root && !rustix::process::geteuid().is_root() {
            println!("SKIPPED {names:?}: only root can become another user");
        } else {
            drop(Peer::start(part, &place.dir));
        }
        produced.0.extend(names.iter().map(|&name| name.to_owned()));
    }
}

/// What `nearcall` itself says; graphs have tests of their own.
fn own_page() -> &'static str {
    let page = include_str!("../../docs/errors.md");
    page.split_once("\n## Of protocol graphs").unwrap().0
}

#[test]
fn every_error_is_produced() {
    let mut produced = Produced::default();
    calls(&mut produced);
    binds(&mut produced);
    exports_and_directories(&mut produced);
    let row = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
    let documented: BTreeSet<String> = own_page().lines().filter_map(row).collect();
    produced.0.extend(OF_HOSTS.map(str::to_owned));
    produced.0.extend(OF_THREADS.map(str::to_owned));
    assert_eq!(produced.0, documented);
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    match part.as_str() {
        "serve" => {
            // One procedure panics, and says so.
            std::panic::set_hook(Box::new(|_| {}));
            let export = |name: &str| Exporter::new(name).dir(&dir).export(FaultsServer::new(Hand)).unwrap();
            EXPORTS.lock().unwrap().extend(["faults", "faults 2"].map(export));
            let closed = Exporter::new("nobody's").dir(&dir).policy(Policy::closed());
            EXPORTS.lock().unwrap().push(closed.export(FaultsServer::new(Hand)).unwrap());
        }
        "serve little" => {
            nearcall::set_limits(Limits::default().work(2).bindings(1, 1));
            nearcall_core::budget::set_limit(1024 * 1024);
            let export = Exporter::new("faults").dir(&dir).export(FaultsServer::new(Hand)).unwrap();
            EXPORTS.lock().unwrap().push(export);
        }
        "without memory" => {
            let client: FaultsClient = Binder::new("faults").dir(&dir).bind().unwrap();
            let text = "x".repeat(1 << 20);
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: u64 = statm.split_whitespace().next().unwrap().parse().unwrap();
            let now = libc::rlimit { rlim_cur: pages * 4096 + 256 * 1024, rlim_max: libc::RLIM_INFINITY };
            // SAFETY: `now` is initialised and only read.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const now) }, 0);
            assert_eq!(client.text(&text), Err(CallError::NoMemory));
            assert_eq!(client.flag(true), Ok(false), "it goes on");
        }
        "in a relative directory" => {
            // SAFETY: the other kernel threads of this process wait for its tests, and read no variable.
            unsafe { std::env::set_var("NEARCALL_DIR", "names") };
            let error = Binder::new("x").bind::<FaultsClient>().map(drop).unwrap_err();
            assert!(matches!(error, BindError::Dir(DirError::Relative { .. })), "{error:?}");
        }
        "without descriptors" => {
            let none = libc::rlimit { rlim_cur: 3, rlim_max: 3 };
            // SAFETY: `none` is initialised and only read.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) }, 0);
            let error = Binder::new("x").dir(&dir).bind::<FaultsClient>().map(drop).unwrap_err();
            assert!(matches!(error, BindError::Io { .. }), "{error:?}");
            let error = Exporter::new("x").dir(&dir).export(FaultsServer::new(Hand)).map(drop).unwrap_err();
            assert!(matches!(error, ExportError::Io { .. }), "{error:?}");
            let error = Driven::new(no_graph()).map(drop).unwrap_err();
            assert!(matches!(error, DriveError::Io { .. }), "{error:?}");
        }
        "without a directory" => {
            for name in ["NEARCALL_DIR", "XDG_RUNTIME_DIR"] {
                // SAFETY: the other kernel threads of this process wait for its tests, and read no variable.
                unsafe { std::env::remove_var(name) };
            }
            let stranger = 64_123;
            // SAFETY: numbers only.
            assert_eq!(unsafe { libc::setresuid(stranger, stranger, stranger) }, 0);
            let error = Binder::new("x").bind::<FaultsClient>().map(drop).unwrap_err();
            assert!(matches!(error, BindError::Dir(DirError::Unknown)), "{error:?}");
        }
        "in a stranger's directory" => {
            let theirs = dir.join("theirs");
            support::make_dir(&theirs);
            std::os::unix::fs::chown(&theirs, Some(64_123), None).unwrap();
            let error = Binder::new("x").dir(&theirs).bind::<FaultsClient>().map(drop).unwrap_err();
            assert!(matches!(error, BindError::Dir(DirError::Owner { owner: 64_123, .. })), "{error:?}");
        }
        other => panic!("{other}"),
    }
    process::ready();
    process::until_released();
}
