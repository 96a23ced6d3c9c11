//! What a server knows of its calls and clients, and what becomes of those when it goes: this test binary starts itself as
//! the server, and where a client has to die, as that.

#![allow(missing_docs, reason = "an interface of a test")]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Client, Export, Exporter, Wire};
use support::Server;

/// What a procedure learns of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Seen {
    pub pid: i32,
    pub uid: u32,
    pub gid: u32,
    pub id: u64,
    pub binding: u16,
    pub has_pidfd: bool,
    pub names_are_right: bool,
    /// In microseconds; `u64::MAX` for ever.
    pub remaining: u64,
    pub is_cancelled: bool,
    pub on_another_thread: bool,
}

#[nearcall::interface]
pub trait Asking {
    #[call(timeout = "3s")]
    fn seen(&self) -> Seen;
    #[call(timeout = "none")]
    fn seen_without_end(&self) -> Seen;
    /// Returns once the call is cancelled, or after ten seconds, and notes which it was.
    #[call(timeout = "100ms")]
    fn until_cancelled(&self);
    #[call(timeout = "30s")]
    fn until_cancelled_for_long(&self);
    #[call(timeout = "30s")]
    fn doze(&self, milliseconds: u32) -> u32;
    /// How many calls saw that they were cancelled.
    fn cancelled(&self) -> u32;
    /// What was noted so far, and is forgotten now.
    fn notes(&self) -> String;
    /// Drops, on a thread of the program's own, an export by its name.
    fn withdraw(&self, name: &str);
    /// Drops the export inside its own procedure; milliseconds it took.
    fn withdraw_here(&self, name: &str) -> u64;
    /// Drains an export; how many calls were still running.
    fn drain(&self, name: &str, milliseconds: u32) -> u32;
    fn drop_panics(&self, with: Explosive) -> u32;
    fn result_panics(&self) -> Explosive;
    fn payload_panics(&self);
}

/// Another interface of the same process.
#[nearcall::interface]
pub trait Doubling {
    fn twice(&self, a: u32) -> u32;
}

/// Panics when it is dropped in a server.
#[derive(Debug, Wire)]
pub struct Explosive {
    pub fuse: u32,
}

static IS_SERVER: AtomicBool = AtomicBool::new(false);

impl Drop for Explosive {
    fn drop(&mut self) {
        assert!(!IS_SERVER.load(Ordering::Relaxed) || self.fuse == 0, "dropped");
    }
}

/// A panic's payload that panics in its turn.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        std::panic::panic_any(Payload2);
    }
}

struct Payload2;

impl Drop for Payload2 {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

static NOTES: Mutex<String> = Mutex::new(String::new());
static EXPORTS: Mutex<Vec<(String, Export)>> = Mutex::new(Vec::new());
static CANCELLED: AtomicU32 = AtomicU32::new(0);

fn note(text: &str) {
    NOTES.lock().unwrap().push_str(&format!("{text}\n"));
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or("?").to_owned()
}

/// Notes on which thread it was dropped.
struct Asked(&'static str);

impl Drop for Asked {
    fn drop(&mut self) {
        note(&format!("dropped {} on {}", self.0, thread_name()));
    }
}

fn take(name: &str) -> Export {
    let mut exports = EXPORTS.lock().unwrap();
    let at = exports.iter().position(|(other, _)| other == name).unwrap();
    exports.swap_remove(at).1
}

fn seen(procedure: &str) -> Seen {
    let call = nearcall::current().unwrap();
    let peer = call.peer();
    Seen {
        pid: peer.pid().unwrap(),
        uid: peer.uid(),
        gid: peer.gid(),
        id: peer.id(),
        binding: call.binding(),
        has_pidfd: peer.pidfd().is_some(),
        names_are_right: (call.interface(), call.procedure()) == ("Asking", procedure),
        remaining: call.remaining().map_or(u64::MAX, |left| u64::try_from(left.as_micros()).unwrap()),
        is_cancelled: call.is_cancelled(),
        on_another_thread: std::thread::spawn(|| nearcall::current().is_some()).join().unwrap(),
    }
}

fn wait_for_cancellation() {
    // The call is watched from another thread, as a procedure that has helpers would do it.
    let call = nearcall::current().unwrap();
    let watch = move || {
        let start = Instant::now();
        while !call.is_cancelled() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
        call.is_cancelled()
    };
    if std::thread::spawn(watch).join().unwrap() {
        CANCELLED.fetch_add(1, Ordering::Relaxed);
    }
}

impl Asking for Asked {
    fn seen(&self) -> Seen {
        seen("seen")
    }
    fn seen_without_end(&self) -> Seen {
        seen("seen_without_end")
    }
    fn until_cancelled(&self) {
        wait_for_cancellation();
    }
    fn until_cancelled_for_long(&self) {
        wait_for_cancellation();
    }
    fn doze(&self, milliseconds: u32) -> u32 {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        note(&format!("dozed {milliseconds} in {}", self.0));
        milliseconds
    }
    fn cancelled(&self) -> u32 {
        CANCELLED.load(Ordering::Relaxed)
    }
    fn notes(&self) -> String {
        std::mem::take(&mut NOTES.lock().unwrap())
    }
    fn withdraw(&self, name: &str) {
        let export = take(name);
        let thread = std::thread::Builder::new().name("user".to_owned());
        thread.spawn(move || drop(export)).unwrap();
    }
    fn withdraw_here(&self, name: &str) -> u64 {
        let start = Instant::now();
        drop(take(name));
        start.elapsed().as_millis().try_into().unwrap()
    }
    fn drain(&self, name: &str, milliseconds: u32) -> u32 {
        match take(name).drain(Duration::from_millis(milliseconds.into())) {
            Ok(()) => 0,
            Err(still) => {
                assert!(still.to_string().starts_with(&format!("{} calls were still running", still.count)));
                still.count.try_into().unwrap()
            }
        }
    }
    fn drop_panics(&self, with: Explosive) -> u32 {
        with.fuse
    }
    fn result_panics(&self) -> Explosive {
        Explosive { fuse: 1 }
    }
    fn payload_panics(&self) {
        std::panic::panic_any(Payload);
    }
}

impl Doubling for Asked {
    fn twice(&self, a: u32) -> u32 {
        a.wrapping_mul(2)
    }
}

fn export(dir: &Path) {
    IS_SERVER.store(true, Ordering::Relaxed);
    assert!(nearcall::current().is_none());
    let exporter = |name: &'static str| {
        let told = move |peer: nearcall::Peer| {
            note(&format!("{name}: {} has gone, told on {}", peer.pid().unwrap(), thread_name()));
            assert!(name != "third", "a callback may panic");
        };
        Exporter::new(name).dir(dir).on_peer_exit(told)
    };
    let exports = [
        ("first", exporter("first").export(AskingServer::new(Asked("first"))).unwrap()),
        ("second", exporter("second").export(AskingServer::new(Asked("second"))).unwrap()),
        ("third", exporter("third").export(DoublingServer::new(Asked("third"))).unwrap()),
    ];
    EXPORTS.lock().unwrap().extend(exports.map(|(name, export)| (name.to_owned(), export)));
}

/// Not a test: the parts of other processes.
#[test]
fn serve() {
    support::serve_if_asked_by(|dir| match std::env::var("NEARCALL_TEST_CLIENT").ok() {
        None => export(dir),
        Some(calls) => be_client(dir, &calls),
    });
}

/// A client that binds, perhaps is in the middle of a call, and then waits to be killed.
fn be_client(dir: &Path, calls: &str) {
    let first: AskingClient = Binder::new("first").dir(dir).bind().unwrap();
    let third: DoublingClient = Binder::new("third").dir(dir).bind().unwrap();
    assert_eq!((first.doze(0), third.twice(2)), (Ok(0), Ok(4)));
    match calls {
        "doze" => drop(std::thread::spawn(move || first.doze(600))),
        "wait" => drop(std::thread::spawn(move || first.until_cancelled_for_long())),
        _ => std::mem::forget(first),
    }
    std::thread::sleep(Duration::from_millis(100));
    std::mem::forget(third);
}

/// Waits for a note, and returns all there were.
fn noted(client: &AskingClient, what: &str, within: Duration) -> String {
    let (start, mut all) = (Instant::now(), String::new());
    while !all.contains(what) {
        assert!(start.elapsed() < within, "{what}: not in {all:?}");
        all += &client.notes().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    all
}

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_procedure_knows_its_client_and_its_time() {
    let server = Server::start("current");
    let client: AskingClient = server.bind_to("first");
    let other: AskingClient = server.bind_to("second");
    let seen = client.seen().unwrap();
    assert_eq!(seen.pid, i32::try_from(std::process::id()).unwrap());
    let ids = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    assert_eq!((seen.uid, seen.gid), ids);
    assert!(seen.names_are_right && !seen.is_cancelled && !seen.on_another_thread, "{seen:?}");
    let theirs = other.seen().unwrap();
    assert_eq!(theirs.id, seen.id, "one client, two bindings");
    assert_ne!(theirs.binding, seen.binding);
    // Never too long; how much too short depends on the machine.
    for pause in [0, 0, 30, 0, 100, 0] {
        std::thread::sleep(Duration::from_millis(pause));
        let left = client.seen().unwrap().remaining;
        assert!((1..=3_000_000).contains(&left), "{left} after {pause}");
    }
    // Back to back, so that nobody looks at a clock for each.
    let left: Vec<u64> = (0..5000).map(|_| client.seen().unwrap().remaining).collect();
    assert!(left.iter().all(|left| (1..=3_000_000).contains(left)), "{:?}", left.iter().min());
    assert_eq!(client.seen_without_end().unwrap().remaining, u64::MAX);
    assert!(nearcall::current().is_none());
}

#[test]
fn a_call_that_was_given_up_says_so() {
    let server = Server::start("cancelled");
    let client: AskingClient = server.bind_to("first");
    assert!(matches!(client.until_cancelled(), Err(CallError::Timeout { .. })));
    let start = Instant::now();
    while client.cancelled() != Ok(1) {
        assert!(start.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(1));
    }
    // The A-stack is used again, and its next call is not cancelled by what the last one left there.
    for _ in 0..20 {
        assert!(!client.seen().unwrap().is_cancelled);
    }
}

#[test]
fn the_death_of_a_client_cancels_its_calls() {
    let server = Server::start("cancelled_by_death");
    let client: AskingClient = server.bind_to("first");
    let mut dying = support::start(server.dir(), &[("NEARCALL_TEST_CLIENT", "wait")]);
    dying.kill().unwrap();
    dying.wait().unwrap();
    let start = Instant::now();
    while client.cancelled() != Ok(1) {
        assert!(start.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn three_exports_of_one_process_go_one_by_one() {
    let server = Server::start("three");
    let first: AskingClient = server.bind_to("first");
    let second: AskingClient = server.bind_to("second");
    let third: DoublingClient = server.bind_to("third");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let going = scope.spawn(|| {
            let mut calls = 0;
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(third.twice(calls), Ok(calls.wrapping_mul(2)));
                assert_eq!(first.doze(0), Ok(0));
                calls += 1;
            }
            calls
        });
        assert_eq!(second.doze(0), Ok(0));
        first.withdraw("second").unwrap();
        let start = Instant::now();
        let error = loop {
            match second.doze(0) {
                Ok(_) => assert!(start.elapsed() < SOON),
                Err(error) => break error,
            }
        };
        assert_eq!(error, CallError::Revoked);
        assert!(error.needs_rebind() && error.is_retry_safe());
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(first.doze(1), Ok(1));
        stop.store(true, Ordering::Relaxed);
        assert!(going.join().unwrap() > 0);
    });
    assert!(!second.binding().is_live() && first.binding().is_live() && third.binding().is_live());
    assert!(matches!(
        Binder::new("second").dir(server.dir()).bind::<AskingClient>(),
        Err(nearcall::BindError::NotFound { .. })
    ));
}

#[test]
fn running_calls_finish_and_the_service_is_dropped_by_the_program() {
    let server = Server::start("drain");
    let first: AskingClient = server.bind_to("first");
    let second: AskingClient = server.bind_to("second");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| second.doze(300));
        std::thread::sleep(Duration::from_millis(100));
        first.withdraw("second").unwrap();
        let start = Instant::now();
        while second.doze(0).is_ok() {
            assert!(start.elapsed() < SOON);
        }
        assert_eq!(second.doze(0), Err(CallError::Revoked), "while the other call still runs");
        assert_eq!(running.join().unwrap(), Ok(300), "the result of a call that was running arrives");
    });
    // Both bindings are still there, so the client has not gone.
    let notes = noted(&first, "dropped second", SOON);
    assert!(notes.contains("dozed 300 in second\n"), "{notes}");
    assert!(notes.ends_with("dropped second on user\n"), "{notes}");
}

#[test]
fn calls_that_outlast_the_drain_are_counted_and_finish() {
    let server = Server::start("outlast");
    let first: AskingClient = server.bind_to("first");
    let second: AskingClient = server.bind_to("second");
    std::thread::scope(|scope| {
        let running: Vec<_> = [500, 600]
            .map(|time| {
                scope.spawn({
                    let second = &second;
                    move || second.doze(time)
                })
            })
            .into_iter()
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(first.drain("second", 20), Ok(2));
        assert!(!first.notes().unwrap().contains("dropped second"), "two calls use it");
        let results: Vec<_> = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(results, [Ok(500), Ok(600)]);
    });
    noted(&first, "dropped second on nearcall-drain\n", SOON);
    assert_eq!(first.drain("third", 20), Ok(0), "nothing runs there");
    noted(&first, "dropped third on nearcall-", SOON);
}

#[test]
fn an_export_that_is_dropped_by_its_own_procedure_does_not_wait_for_itself() {
    let server = Server::start("drop_inside");
    let first: AskingClient = server.bind_to("first");
    let second: AskingClient = server.bind_to("second");
    let took = second.withdraw_here("second").unwrap();
    assert!(took < 4000, "{took} ms");
    let notes = noted(&first, "dropped second", SOON);
    assert!(!notes.contains("on nearcall-w") && !notes.contains("on nearcall-1\n"), "{notes}");
    assert_eq!(second.doze(0), Err(CallError::Revoked));
}

#[test]
fn a_client_that_goes_is_told_of_once_for_each_export() {
    let server = Server::start("departures");
    let client: AskingClient = server.bind_to("first");
    let mut dying = support::start(server.dir(), &[("NEARCALL_TEST_CLIENT", "doze")]);
    let pid = dying.id();
    dying.kill().unwrap();
    dying.wait().unwrap();
    let mut notes = noted(&client, &format!("first: {pid} has gone"), SOON);
    // Those of different exports come on threads of their own, in any order.
    if !notes.contains("third: ") {
        notes += &noted(&client, "third: ", SOON);
    }
    std::thread::sleep(Duration::from_millis(100));
    notes += &client.notes().unwrap();
    let count = |what: &str| notes.matches(what).count();
    assert_eq!(count(&format!("first: {pid} has gone, told on nearcall-exits")), 1, "{notes}");
    assert_eq!(count(&format!("third: {pid} has gone, told on nearcall-exits")), 1, "{notes}");
    assert_eq!(count("second: "), 0, "it never bound that: {notes}");
    let (dozed, told) = (notes.find("dozed 600").unwrap(), notes.find("first: ").unwrap());
    assert!(dozed < told, "a call still ran: {notes}");
    // A client that lets go of its last binding has gone as well, though it lives.
    drop(client);
    let client: AskingClient = server.bind_to("first");
    noted(&client, &format!("first: {} has gone", std::process::id()), SOON);
    // A callback that has panicked is called for the next client as well.
    let mut dying = support::start(server.dir(), &[("NEARCALL_TEST_CLIENT", "")]);
    dying.kill().unwrap();
    dying.wait().unwrap();
    noted(&client, &format!("third: {} has gone", dying.id()), SOON);
}

#[test]
fn whatever_panics_is_the_callers_error() {
    let server = Server::start("panics");
    let client: AskingClient = server.bind_to("first");
    for round in 0..50 {
        assert_eq!(client.drop_panics(Explosive { fuse: 1 }), Err(CallError::Panicked));
        assert_eq!(client.drop_panics(Explosive { fuse: 0 }), Ok(0));
        assert!(matches!(client.result_panics(), Err(CallError::Panicked)));
        assert_eq!(client.payload_panics(), Err(CallError::Panicked));
        assert_eq!(client.doze(0), Ok(0), "{round}");
    }
}

/// Bound once more without the caller's doing, and nothing is repeated.
#[test]
fn a_client_that_rebinds_finds_the_next_server() {
    let mut server = Server::start("rebinds");
    let name = nearcall::Rebinding::<DoublingClient>::new(Binder::new("third").dir(server.dir()).wait(SOON));
    let before = name.get().unwrap();
    assert_eq!(before.twice(3), Ok(6));
    assert!(Arc::ptr_eq(&before, &name.get().unwrap()));
    server.kill();
    server.restart();
    let error = loop {
        match before.twice(3) {
            Ok(_) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => break error,
        }
    };
    assert!(error.needs_rebind(), "{error}");
    let after = name.renew(&before).unwrap();
    assert_eq!(after.twice(4), Ok(8));
    assert!(Arc::ptr_eq(&after, &name.renew(&before).unwrap()), "one bind for all who ask");
}
