//! What other processes do in tests of limits: servers with limits and policies, and clients on errands.
#![allow(unreachable_pub, missing_docs, missing_debug_implementations, reason = "part of a test program")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nearcall::{BindError, Binder, CallError, Export, Exporter, Limits, Policy, Who, Wire};
use nearcall_layout::pair::VERSION;
use nearcall_testkit::client::{Client, Greeted};
use nearcall_testkit::message::{self, Message, Refused};
use nearcall_testkit::packet::{Connection, Heard};
use nearcall_testkit::process::{self, Peer};

/// [`nearcall::Usage`], as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Usage {
    pub connections: u64,
    pub handshakes: u64,
    pub bindings: u64,
    pub bytes: u64,
}

#[nearcall::interface]
pub trait Guarded {
    fn add(&self, a: u32, b: u32) -> u32;
    #[call(concurrency = 16)]
    fn nap(&self, milliseconds: u32);
    #[call(timeout = "1min")]
    fn spin(&self, microseconds: u32);
    fn usage(&self) -> Usage;
    /// Keeps the server's copy of the bytes for so long.
    #[call(concurrency = 16, timeout = "1min")]
    fn keep(&self, milliseconds: u32, bytes: &[u8]) -> u32;
}

struct Guard;

impl Guarded for Guard {
    fn add(&self, a: u32, b: u32) -> u32 {
        drop(nearcall_core::shm::copy::take_log());
        a + b
    }
    fn nap(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn spin(&self, microseconds: u32) {
        drop(nearcall_core::shm::copy::take_log());
        nearcall_testkit::busy::spin(Duration::from_micros(microseconds.into()));
    }
    fn keep(&self, milliseconds: u32, bytes: &[u8]) -> u32 {
        drop(nearcall_core::shm::copy::take_log());
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        u32::try_from(bytes.len()).unwrap()
    }
    fn usage(&self) -> Usage {
        let now = nearcall::usage();
        Usage { connections: now.connections, handshakes: now.handshakes, bindings: now.bindings, bytes: now.bytes }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory of names that all users can reach, and a server in it.
pub struct Place {
    pub server: Peer,
    pub dir: PathBuf,
    _outer: tempfile::TempDir,
}

impl Place {
    pub fn new(part: &str) -> Self {
        Self::by(Command::new(std::env::current_exe().unwrap()), part)
    }

    pub fn by(command: Command, part: &str) -> Self {
        let (outer, dir) = crate::support::names();
        for path in [outer.path(), &dir] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let server = Peer::start_by(command, part, &dir);
        Self { server, dir, _outer: outer }
    }

    pub fn bind(&self) -> GuardedClient {
        bind(&self.dir, "guarded").unwrap()
    }
}

fn bind(dir: &Path, name: &str) -> Result<GuardedClient, BindError> {
    Binder::new(name).dir(dir).bind()
}

fn export(dir: &Path, name: &str, policy: Policy) -> Export {
    Exporter::new(name).dir(dir).mode(0o666).policy(policy).export(GuardedServer::new(Guard)).unwrap()
}

/// Plays a part: a word, and words for it.
pub fn play(part: &str, dir: &Path) -> ! {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    let words: Vec<&str> = part.split(' ').collect();
    let number = |at: usize| words.get(at).map_or(0, |word| word.parse::<u64>().unwrap());
    match words[..] {
        ["serve"] => serve(dir, Limits::default()),
        ["serve", "memory", _] => {
            nearcall_core::budget::set_limit(usize::try_from(number(2)).unwrap());
            serve(dir, Limits::default());
        }
        ["serve", limits] => serve(dir, parse(limits)),
        ["policies", ..] => policies(dir, words.len() > 1),
        ["hold", ..] => hold((0..number(1)).map(|_| Client::new(dir, "guarded")).collect::<Vec<_>>()),
        ["half-open", ..] => hold((0..number(1)).map(|_| Greeted::new(dir, "guarded")).collect::<Vec<_>>()),
        ["bind", ..] => hold(bindings(dir, number(1), words.get(2).map(|_| number(2)))),
        ["rebind", ..] => rebind(dir, number(1)),
        ["call"] => assert_eq!(bind(dir, "guarded").unwrap().add(1, 2), Ok(3)),
        ["quota", what, ..] => quota(dir, what, number(2), words.len() == 3),
        ["refused", what, ..] => refused(dir, what, number(2)),
        ["knock", ..] => (0..number(1)).for_each(|_| drop(Greeted::new(dir, "guarded"))),
        ["work"] => work(dir),
        ["keep"] => keep(dir),
        ["large"] => assert_eq!(bind(dir, "guarded").unwrap().keep(0, &LARGE), Ok(1 << 20)),
        ["too-large-now"] => assert_eq!(bind(dir, "guarded").unwrap().keep(0, &LARGE), Err(CallError::Overloaded)),
        ["overloaded"] => assert_eq!(bind(dir, "guarded").unwrap().add(1, 2), Err(CallError::Overloaded)),
        ["try"] => {
            let done = bind(dir, "guarded").unwrap().add(1, 2);
            process::ready();
            std::process::exit(i32::from(done != Ok(3)));
        }
        ["try-large"] => {
            let done = bind(dir, "guarded").unwrap().keep(0, &LARGE);
            process::ready();
            std::process::exit(i32::from(done != Ok(1 << 20)));
        }
        ["expect", name, ..] => expect(dir, name, &words[2..].join(" ")),
        ["undumpable"] => undumpable(dir),
        ["read", pid] => {
            for what in ["mem", "maps", "environ"] {
                let error = std::fs::File::open(format!("/proc/{pid}/{what}")).unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{what}");
            }
        }
        ["flood", what, ..] => flood(dir, what, number(2)),
        _ => panic!("{part}"),
    }
    process::ready();
    process::until_released();
}

/// Keeps something until released.
fn hold<T>(what: T) {
    process::ready();
    std::mem::forget(what);
    process::until_released();
}

/// `name=per uid,in all`
fn parse(limits: &str) -> Limits {
    let (name, values) = limits.split_once('=').unwrap();
    let mut values = values.split(',').map(|value| value.parse::<u64>().unwrap());
    let (first, second) = (values.next().unwrap(), values.next().unwrap_or(0));
    let small = |value| u32::try_from(value).unwrap();
    let limits = Limits::default();
    match name {
        "connections" => limits.connections(first, second),
        "bindings" => limits.bindings(first, second),
        "bytes" => limits.bytes(first, second),
        "handshakes" => limits.handshakes(first, second),
        "connects" => limits.connects(small(first), small(second)),
        "work" => limits.work(small(first)),
        _ => panic!("{name}"),
    }
}

fn serve(dir: &Path, limits: Limits) {
    nearcall::set_limits(limits);
    std::mem::forget(export(dir, "guarded", Policy::open()));
    process::ready();
    let filled = Mutex::new(Vec::new());
    while let Some(line) = process::told() {
        let mut filled = filled.lock().unwrap();
        match line.as_str() {
            "fill" => {
                use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
                let maximum = getrlimit(Resource::Nofile).maximum;
                setrlimit(Resource::Nofile, Rlimit { current: Some(128), maximum }).unwrap();
                while let Ok(file) = std::fs::File::open("/dev/null") {
                    filled.push(file);
                }
            }
            "empty" => filled.clear(),
            _ => panic!("{line}"),
        }
    }
    std::process::exit(0);
}

fn policies(dir: &Path, overflow: bool) {
    let program = || Who::executable(std::env::current_exe().unwrap()).unwrap();
    let uid = Who::uid(crate::ALICE);
    let gid = Who::gid(crate::BOB);
    // Where there are control groups of the old kind only, everybody is in the root of the new ones, which has id 1.
    let own_cgroup = || {
        let path = std::fs::read_to_string("/proc/self/cgroup").unwrap();
        let path = path.lines().find_map(|line| line.strip_prefix("0::")).map(|path| format!("/sys/fs/cgroup{path}"));
        path.and_then(|path| Who::cgroup(path).ok()).unwrap_or(Who::cgroup_id(1))
    };
    let mut all = vec![
        ("open", Policy::open()),
        ("nobody", Policy::closed()),
        ("only-uid", Policy::closed().allow(uid)),
        ("not-uid", Policy::open().deny(uid)),
        ("only-gid", Policy::closed().allow(gid)),
        ("not-gid", Policy::open().deny(gid)),
    ];
    if overflow {
        all.push(("only-overflow", Policy::closed().allow(Who::uid(65534))));
        all.push(("passing", Policy::open().deny(Who::uid(65534)).unmapped_may_pass()));
    } else {
        all.push(("only-this-program", Policy::closed().allow(program())));
        all.push(("not-this-program", Policy::open().deny(program())));
        all.push(("only-true", Policy::closed().allow(Who::executable("/bin/true").unwrap())));
        all.push(("first-match", Policy::closed().allow(program()).deny(program())));
        all.push(("only-no-cgroup", Policy::closed().allow(Who::cgroup_id(u64::MAX))));
        all.push(("not-own-cgroup", Policy::open().deny(own_cgroup())));
    }
    let exports: Vec<_> = all.into_iter().map(|(name, policy)| export(dir, name, policy)).collect();
    process::ready();
    std::mem::forget(exports);
    process::until_released();
}

/// Binds that often; then one more has to be refused, if `most` says how many there are for all.
fn bindings(dir: &Path, count: u64, most: Option<u64>) -> Vec<GuardedClient> {
    let all: Vec<_> = (0..count).map(|_| bind(dir, "guarded").unwrap()).collect();
    if let Some(most) = most {
        quota(dir, "bindings", most, true);
    }
    all
}

fn rebind(dir: &Path, times: u64) {
    // Keeps the pair.
    let first = bind(dir, "guarded");
    drop(first);
    for _ in 0..times {
        let start = Instant::now();
        while let Err(error) = bind(dir, "guarded") {
            // The place that was given back by the last one.
            assert!(matches!(error, BindError::Quota { .. } | BindError::Closed), "{error}");
            assert!(start.elapsed() < Duration::from_secs(5), "{error}");
        }
    }
}

/// A bind is refused, and says why.
fn quota(dir: &Path, what: &str, most: u64, per_uid: bool) {
    let error = bind(dir, "guarded").unwrap_err();
    let BindError::Quota { limit, per_uid: of_uid, most: of } = error else { panic!("{error}") };
    assert!(limit.to_string().starts_with(what), "{error}");
    assert_eq!((of_uid, of), (per_uid, most), "{error}");
}

/// A connection is refused before it has said anything.
fn refused(dir: &Path, what: &str, most: u64) {
    let limit = match what {
        "handshakes" => 1,
        "connects" => 2,
        _ => panic!("{what}"),
    };
    let connection = Connection::connect(dir, "guarded").unwrap();
    assert_eq!(connection.must_hear().0, Message::Refused(0, Refused::Quota(limit, true, most)));
    assert!(connection.closes(Duration::from_secs(5)));
}

/// Keeps as many processors as it may, and some calls beyond.
fn work(dir: &Path) {
    let client = bind(dir, "guarded").unwrap();
    let client: &'static GuardedClient = Box::leak(Box::new(client));
    for _ in 0..8 {
        std::thread::spawn(|| {
            let _ = client.nap(3000);
        });
        std::thread::sleep(Duration::from_millis(30));
    }
    let start = Instant::now();
    while client.add(1, 2) != Err(CallError::Overloaded) {
        assert!(start.elapsed() < Duration::from_secs(2), "never overloaded");
    }
}

static LARGE: [u8; 1 << 20] = [1; 1 << 20];

/// Keeps as much of the server's memory as it may for a while.
fn keep(dir: &Path) {
    let client = bind(dir, "guarded").unwrap();
    let client: &'static GuardedClient = Box::leak(Box::new(client));
    for _ in 0..12 {
        std::thread::spawn(|| {
            let _ = client.keep(5000, &LARGE);
        });
    }
    let start = Instant::now();
    while client.keep(0, &LARGE) != Err(CallError::Overloaded) {
        assert!(start.elapsed() < Duration::from_secs(4), "never overloaded");
    }
}

/// A bind to a name with a policy: `ok`, or words of the refusal.
fn expect(dir: &Path, name: &str, what: &str) {
    match bind(dir, name) {
        Ok(client) => {
            assert_eq!(what, "ok", "{name}");
            assert_eq!(client.add(1, 2), Ok(3));
        }
        Err(BindError::Denied { why }) => assert!(why.contains(what), "{name}: {why:?} instead of {what:?}"),
        Err(error) => panic!("{name}: {error}"),
    }
}

fn undumpable(dir: &Path) {
    nearcall::undumpable().unwrap();
    let client = bind(dir, "guarded").unwrap();
    assert_eq!(client.add(1, 2), Ok(3));
    // Names are reached through /proc/self/fd, which belongs to root now.
    let own = tempfile::tempdir().unwrap();
    let exported = export(own.path(), "own", Policy::open());
    assert!(own.path().join("own").exists());
    hold((client, exported));
}

/// Begins at once, and is done when it has no more to do.
fn flood(dir: &Path, what: &str, count: u64) {
    process::ready();
    match what {
        "half-open" => {
            let mut open = Vec::new();
            for i in 0..count {
                let connection = Connection::connect(dir, "guarded").unwrap();
                if i % 2 == 0 {
                    let _ = connection.say(&message::hello(VERSION, [1; 16]));
                }
                open.push(connection);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        "connects" => {
            let start = Instant::now();
            let mut named = 0u64;
            for _ in 0..count {
                if start.elapsed() > Duration::from_secs(50) {
                    break;
                }
                let connection = Connection::connect(dir, "guarded").unwrap();
                let _ = connection.say(&message::hello(VERSION, [1; 16]));
                if let Heard::Message(Message::Refused(0, Refused::Quota(..)), _) =
                    connection.hear(Duration::from_secs(5))
                {
                    named += 1;
                }
            }
            eprintln!("{count} connects in {:.1?}, of which {named} were refused by name", start.elapsed());
        }
        "messages" => {
            let clients: Vec<_> = (0..20).map(|_| Client::new(dir, "guarded")).collect();
            let wanted: Vec<_> = (0..2000).map(|i| (format!("procedure-{i}"), 0)).collect();
            for n in 0..count / 20 {
                for client in &clients {
                    let _ = client.connection.try_say(message::RING);
                    if n % 10 == 0 {
                        let _ = client.connection.try_say(&message::bind(1, client.token, &wanted));
                    }
                }
            }
        }
        "calls" => {
            let client = bind(dir, "guarded").unwrap();
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(20) {
                let _ = client.spin(u32::try_from(count).unwrap());
                drop(nearcall_core::shm::copy::take_log());
            }
        }
        _ => panic!("{what}"),
    }
    std::process::exit(0);
}
