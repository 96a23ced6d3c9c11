//! Far calls between processes: a network that loses, repeats, reorders and delays, and hosts that are killed.
//!
//! The server writes the number of each call into a file of its own; what clients were told is compared with that file afterwards.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall::far::{Host, PORT, serve, serve_gateway};
use nearcall::{BindError, Binder, CallError, Exporter, Ran};
use nearcall_testkit::process::{Peer, ready, told};

const PATIENCE: Duration = Duration::from_secs(60);

#[nearcall::interface]
trait Log {
    /// Notes the number; returns the next one.
    #[call(concurrency = 16, timeout = "20s")]
    fn note(&self, number: u64) -> u64;
    /// The same, with much more to carry.
    #[call(concurrency = 16, timeout = "20s")]
    fn carry(&self, number: u64, bytes: &[u8]) -> Vec<u8>;
    /// Notes the number; nobody waits.
    #[call(oneway)]
    fn tell(&self, number: u64);
    /// The same, soon.
    #[call(timeout = "1s")]
    fn soon(&self, number: u64) -> u64;
    /// Notes the number, then takes its time.
    #[call(timeout = "60s")]
    fn hold(&self, number: u64) -> u64;
}

struct Book(Mutex<File>);

impl Book {
    fn at(path: &Path) -> Self {
        Self(Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap()))
    }

    fn write(&self, number: u64) {
        // One write, at the end: whole, whenever the process is killed.
        self.0.lock().unwrap().write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}

impl Log for Book {
    fn note(&self, number: u64) -> u64 {
        self.write(number);
        number + 1
    }
    fn carry(&self, number: u64, bytes: &[u8]) -> Vec<u8> {
        self.write(number);
        bytes.iter().rev().copied().collect()
    }
    fn tell(&self, number: u64) {
        self.write(number);
    }
    fn soon(&self, number: u64) -> u64 {
        self.note(number)
    }
    fn hold(&self, number: u64) -> u64 {
        self.write(number);
        std::thread::sleep(Duration::from_secs(3600));
        number
    }
}

fn log(dir: &Path) -> PathBuf {
    dir.join("executed")
}

/// How often each number was executed.
fn executed(dir: &Path) -> BTreeMap<u64, usize> {
    let text = std::fs::read_to_string(log(dir)).unwrap_or_default();
    text.lines().fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line.parse().unwrap()).or_default() += 1;
        counts
    })
}

/// An address of this test's own.
fn address(n: u8) -> Ipv4Addr {
    let [.., c, d] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 130 + n, c, d)
}

/// A host with the service, in another process.
fn start(dir: &Path, address: Ipv4Addr) -> Peer {
    std::fs::write(dir.join("address"), address.to_string()).unwrap();
    Peer::start("host", dir)
}

/// A client's host, with these relays over its wire; the last is called `last`.
fn client(relays: &str, last: &str) -> Arc<Host> {
    let text = format!(
        "name=wire_sockets local=127.0.0.1:0;\n@;\n{relays}name=blast protocols={last};\nname=bidctl protocols=blast;\n\
         name=bid protocols=blast,bidctl;\nname=chan protocols=bid;\nname=vchan protocols=chan channels=8;\n\
         name=select protocols=vchan;\nname=anchor protocols=select;\n"
    );
    Arc::new(Host::compose("client.graph", &text).unwrap())
}

fn bind(host: &Arc<Host>, address: Ipv4Addr) -> LogClient {
    let start = Instant::now();
    loop {
        match Binder::new(&format!("chan://{address}:{PORT}/log")).through(Arc::clone(host)).bind() {
            Ok(client) => return client,
            // Its first messages may all be lost, and a new life may still be hearing of the old one.
            Err(BindError::Timeout(_) | BindError::Closed) => assert!(start.elapsed() < PATIENCE),
            Err(error) => panic!("{error}"),
        }
    }
}

fn counted(host: &Host, node: &str, name: &str) -> u64 {
    let graph = host.graph();
    graph.count(graph.node(node).unwrap(), name)
}

/// NEARCALL_TEST_ROUNDS calls, or some; a tenth of all packets is lost, repeated, late and out of order, each way.
#[test]
fn no_call_is_executed_twice_whatever_the_network_does() {
    let rounds: u64 = std::env::var("NEARCALL_TEST_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4000);
    let (dir, address) = (tempfile::tempdir().unwrap(), address(0));
    let _server = start(dir.path(), address);
    let relays = "name=drop protocols=wire_sockets rate=0.1 seed=1;\nname=duplicate protocols=drop rate=0.1 seed=2;\n\
        name=disorder protocols=duplicate rate=0.1 seed=3 time=1ms;\n\
        name=delay protocols=disorder rate=0.1 seed=4 time=500us;\n";
    let host = client(relays, "delay");
    let next = AtomicU64::new(1);
    let ends = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let log = bind(&host, address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > rounds {
                        return;
                    }
                    let end = if number.is_multiple_of(10) {
                        let bytes: Vec<u8> = (0..9000_u64).map(|n| (n + number).to_le_bytes()[0]).collect();
                        let back = log.carry(number, &bytes);
                        back.map(|back| assert!(back.iter().rev().eq(&bytes), "{number}: a stale answer"))
                    } else {
                        log.note(number).map(|answer| assert_eq!(answer, number + 1, "a stale answer"))
                    };
                    ends.lock().unwrap().insert(number, end);
                }
            });
        }
    });
    let (executed, ends) = (executed(dir.path()), ends.into_inner().unwrap());
    assert_eq!(u64::try_from(ends.len()).unwrap(), rounds);
    let answered = ends.values().filter(|end| end.is_ok()).count();
    for (number, end) in &ends {
        let times = executed.get(number).copied().unwrap_or(0);
        match end {
            Ok(()) => assert_eq!(times, 1, "{number} was answered"),
            Err(error @ (CallError::Timeout { .. } | CallError::NoAStack | CallError::Overloaded)) => {
                let most = usize::from(error.ran() != Some(Ran::No));
                assert!(times <= most, "{number} was executed {times} times: {error}");
            }
            Err(error) => panic!("{number}: {error}"),
        }
    }
    let counts = |name: &str| counted(&host, "chan", name);
    println!(
        "{answered} of {rounds} answered; {} retries, {} stale; {} fragments sent again of {} asks",
        counts("retries"),
        counts("stale"),
        counted(&host, "blast", "resent"),
        counted(&host, "blast", "asked")
    );
    assert!(ends.len() - answered < ends.len() / 100, "{answered} of {}", ends.len());
    assert!(counts("retries") > 0 && counted(&host, "blast", "resent") > 0);
    // Nothing is left of it: each copy and each timer of a call has an event, and no call is under way.
    let begun = Instant::now();
    let (graph, clock) = (host.graph(), nearcall_graph::Clock::new());
    while graph.next_event().is_some() {
        assert!(begun.elapsed() < PATIENCE, "an event is left: {:?} at {:?}", graph.next_event(), clock.now());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(counts("calls"), counts("answers") + counts("late") + counts("refused") + counts("lost"));
}

#[test]
fn a_host_that_is_killed_and_comes_back_executes_nothing_twice() {
    let (dir, address) = (tempfile::tempdir().unwrap(), address(1));
    let host = client("", "wire_sockets");
    let mut server = start(dir.path(), address);
    for round in 0..3 {
        let log = bind(&host, address);
        let number = 1000 + round;
        assert_eq!(log.note(round), Ok(round + 1));
        let end = std::thread::scope(|scope| {
            let call = scope.spawn(|| log.hold(number));
            let since = Instant::now();
            while !executed(dir.path()).contains_key(&number) {
                assert!(since.elapsed() < PATIENCE, "it does not arrive");
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill();
            // It has its address until it has ended.
            assert_eq!(server.ends(PATIENCE), Some(false));
            drop(std::mem::replace(&mut server, start(dir.path(), address)));
            call.join().unwrap()
        });
        assert_eq!(end, Err(CallError::PeerRestarted { ran: Ran::Maybe }));
        assert!(!end.unwrap_err().is_retry_safe());
        // What was bound in the life before is nothing now.
        assert_eq!(log.note(5000), Err(CallError::Revoked));
    }
    let executed = executed(dir.path());
    assert!(executed.values().all(|times| *times == 1), "{executed:?}");
    assert!(!executed.contains_key(&5000));
}

/// A process in a network namespace that has nothing, not even loopback, calls by a gateway of its machine, while others call near
/// and far.
#[test]
fn a_process_without_a_network_calls_by_a_gateway() {
    let (dir, address) = (tempfile::tempdir().unwrap(), address(2));
    let _server = start(dir.path(), address);
    let gateway = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
    let _gateway = serve_gateway(gateway, Exporter::new("gateway").dir(dir.path())).unwrap();
    let program = std::env::current_exe().unwrap();
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--net".as_ref(), program.as_os_str()]);
        command
    };
    let may = Command::new("unshare").args(["--net", "true"]).stderr(Stdio::null()).status();
    let may = may.is_ok_and(|status| status.success());
    if !may {
        println!("!!! SKIPPED: no network namespace here: the client has a network, and does not use it");
    }
    let near: LogClient = Binder::new("log").dir(dir.path()).bind().unwrap();
    let far = bind(&client("", "wire_sockets"), address);
    let command = if may { unshare() } else { Command::new(&program) };
    let mut netless = Peer::start_by(command, "netless", dir.path());
    for number in 0..300 {
        assert_eq!((near.note(1000 + number), far.note(2000 + number)), (Ok(1001 + number), Ok(2001 + number)));
    }
    assert_eq!(netless.ends(PATIENCE), Some(true));
    let begun = Instant::now();
    // What nobody waited for, not even the process that sent it, arrives all the same.
    while (3000..3020).any(|number| !executed(dir.path()).contains_key(&number)) {
        assert!(begun.elapsed() < PATIENCE, "a oneway call by the gateway was lost");
        std::thread::sleep(Duration::from_millis(5));
    }
    let executed = executed(dir.path());
    assert!(executed.values().all(|times| *times == 1));
    assert_eq!((0..100).filter(|number| executed.contains_key(number)).count(), 100, "by the gateway");
}

/// A gateway that is stopped holds up its clients for no longer than their calls have.
#[test]
fn a_gateway_that_hangs_holds_up_nobody() {
    let (dir, address) = (tempfile::tempdir().unwrap(), address(3));
    let _server = start(dir.path(), address);
    let gateway = Peer::start("gateway", dir.path());
    let name = format!("chan://{address}:{PORT}/log");
    let log: LogClient = Binder::new(&name).dir(dir.path()).gateway("gateway").bind().unwrap();
    assert_eq!(log.soon(1), Ok(2));
    gateway.signal(rustix::process::Signal::STOP);
    assert_eq!(log.soon(2), Err(CallError::Timeout { ran: Ran::Maybe }));
    gateway.signal(rustix::process::Signal::CONT);
    let begun = Instant::now();
    // Its answers to what was given up come first.
    while log.soon(3) != Ok(4) {
        assert!(begun.elapsed() < PATIENCE, "it does not come back");
    }
    assert!(executed(dir.path()).get(&2).copied().unwrap_or(0) <= 1);
}

fn without_a_network(dir: &Path) {
    let address = std::fs::read_to_string(dir.join("address")).unwrap();
    let name = format!("chan://{address}:{PORT}/log");
    let log: LogClient = Binder::new(&name).dir(dir).gateway("gateway").bind().unwrap();
    assert_eq!(nearcall::Client::binding(&log).path(), nearcall::Path::Gateway);
    (0..100).for_each(|number| assert_eq!(log.note(number), Ok(number + 1)));
    assert!(matches!(log.carry(1, &[0; 40_000]), Err(CallError::TooLarge { .. })));
    (3000..3020).for_each(|number| assert_eq!(log.tell(number), Ok(())));
    let nobody = Binder::new("chan://127.0.0.9:9/log").dir(dir).gateway("gateway").bind::<LogClient>();
    assert!(matches!(nobody, Err(BindError::Timeout(_))), "{nobody:?}");
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    if part == "netless" {
        ready();
        return without_a_network(&dir);
    }
    if part == "gateway" {
        let host = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
        let _gateway = serve_gateway(host, Exporter::new("gateway").dir(&dir)).unwrap();
        ready();
        while told().is_some() {}
        return;
    }
    assert_eq!(part, "host");
    let address: Ipv4Addr = std::fs::read_to_string(dir.join("address")).unwrap().parse().unwrap();
    let _export = Exporter::new("log").dir(&dir).replace().export(LogServer::new(Book::at(&log(&dir)))).unwrap();
    let host = Arc::new(Host::bound_to(address, PORT).unwrap());
    let _server = serve(host, Some(dir), &["log"]).unwrap();
    ready();
    while told().is_some() {}
}
