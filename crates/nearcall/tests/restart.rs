//! Servers that are replaced while clients call, and one whose panics end it.

#![allow(missing_docs, reason = "an interface of a test")]

mod support;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, ExportError, Exporter, Ran, Rebinding};

const SOON: Duration = Duration::from_secs(20);

#[nearcall::interface]
pub trait Journal {
    /// Appends `id` to the journal; returns the server's process id.
    fn append(&self, id: u64) -> u32;
}

struct Appending(File);

impl Journal for Appending {
    fn append(&self, id: u64) -> u32 {
        // One write to a file that is open for appending: whole lines, whoever else writes.
        (&self.0).write_all(format!("{id}\n").as_bytes()).unwrap();
        std::process::id()
    }
}

fn journal(dir: &Path) -> PathBuf {
    dir.join("journal.txt")
}

/// Not a test: the server.
#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        let file = OpenOptions::new().create(true).append(true).open(journal(dir)).unwrap();
        let exporter = Exporter::new("journal").dir(dir);
        let export = exporter.clone().replace().export(JournalServer::new(Appending(file))).unwrap();
        assert!(export.has_name());
        // Without being asked to, nobody replaces it.
        let file = File::open(journal(dir)).unwrap();
        assert!(matches!(exporter.export(JournalServer::new(Appending(file))), Err(ExportError::Taken { .. })));
        export
    });
}

#[test]
fn ten_restarts_under_load_lose_no_call_and_run_none_twice() {
    const RESTARTS: usize = 10;
    let dir = tempfile::tempdir().unwrap();
    let mut server = support::start(dir.path(), &[]);
    let name = Rebinding::<JournalClient>::new(Binder::new("journal").dir(dir.path()).wait(SOON));
    let (stop, next, done) = (AtomicBool::new(false), AtomicU64::new(1), AtomicU64::new(0));
    // A test that fails must not leave the threads calling.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let outcomes: Vec<(u64, Result<u32, CallError>)> = std::thread::scope(|scope| {
        let call = || {
            let mut outcomes = Vec::new();
            let mut client = name.get().unwrap();
            while !stop.load(Ordering::Relaxed) && outcomes.len() < 1_000_000 {
                let id = next.fetch_add(1, Ordering::Relaxed);
                let outcome = client.append(id);
                if outcome.is_err_and(|error| error.needs_rebind()) {
                    client = name.renew(&client).unwrap();
                }
                outcomes.push((id, outcome));
                done.fetch_add(1, Ordering::Relaxed);
            }
            outcomes
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        let stopping = Stop(&stop);
        for _ in 0..RESTARTS {
            progress(&done, 200);
            let mut old = std::mem::replace(&mut server, support::start(dir.path(), &[]));
            // Both live: who has bound goes on with the old one.
            progress(&done, 50);
            drop(old.stdin.take());
            let start = Instant::now();
            while old.try_wait().unwrap().is_none() {
                assert!(start.elapsed() < SOON, "the old server does not end");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        progress(&done, 200);
        drop(stopping);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut ran: HashMap<u64, u32> = HashMap::new();
    for line in std::fs::read_to_string(journal(dir.path())).unwrap().lines() {
        *ran.entry(line.parse().unwrap()).or_default() += 1;
    }
    let mut servers: HashMap<u32, usize> = HashMap::new();
    for (id, outcome) in &outcomes {
        let times = ran.remove(id).unwrap_or(0);
        match outcome {
            Ok(pid) => {
                assert_eq!(times, 1, "call {id} succeeded");
                *servers.entry(*pid).or_default() += 1;
            }
            Err(error @ (CallError::Revoked | CallError::PeerDied { .. })) => match error.ran() {
                Some(Ran::No) => assert_eq!(times, 0, "call {id}: {error}"),
                Some(Ran::Yes) => assert_eq!(times, 1, "call {id}: {error}"),
                _ => assert!(times < 2, "call {id}: {error}"),
            },
            Err(error) => panic!("call {id}: {error}"),
        }
    }
    assert!(ran.is_empty(), "calls that nobody made: {ran:?}");
    assert_eq!(servers.len(), RESTARTS + 1, "{servers:?}");
    let _ = server.kill();
    let _ = server.wait();
}

/// Waits until so many more calls have ended.
fn progress(done: &AtomicU64, count: u64) {
    let (start, before) = (Instant::now(), done.load(Ordering::Relaxed));
    while done.load(Ordering::Relaxed) < before + count {
        assert!(start.elapsed() < SOON, "{} of {count} calls", done.load(Ordering::Relaxed) - before);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The interface of `examples/fragile.rs`.
#[nearcall::interface]
pub trait Fragile {
    fn add(&self, a: u32, b: u32) -> u32;
    fn panic(&self);
}

/// Starts the example, built so that a panic aborts; `None`, and says so, where that cannot be done.
fn start_fragile(dir: &Path) -> Option<Child> {
    let Some(cargo) = std::env::var_os("CARGO") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED panic=abort: not run by cargo, so nothing can be built");
        return None;
    };
    // This program is in TARGET/debug/deps; the dependencies that are there are used again.
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let build = Command::new(cargo)
        .args(["rustc", "--offline", "--quiet", "--example", "fragile", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .args(["--", "-Cpanic=abort"])
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let mut child = Command::new(target.join("debug/examples/fragile"))
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready, and a panic aborts\n");
    Some(child)
}

#[test]
fn where_panics_abort_the_caller_learns_that_the_server_died() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let name = Rebinding::<FragileClient>::new(Binder::new("fragile").dir(dir.path()).wait(SOON));
    for _ in 0..2 {
        let Some(mut server) = start_fragile(dir.path()) else { return };
        let client = name.get().unwrap();
        assert_eq!(client.add(1, 2), Ok(3));
        let died = CallError::PeerDied { ran: Ran::Maybe };
        assert_eq!(client.panic(), Err(died));
        assert!(died.needs_rebind() && !died.is_retry_safe());
        assert_eq!(client.add(1, 2), Err(CallError::PeerDied { ran: Ran::No }));
        assert_eq!(server.wait().unwrap().signal(), Some(6), "SIGABRT");
    }
}
