//! One pfs, and clients on every way to it at once: near, in C, by messages, far, and far by a gateway. Whoever is killed between them, the
//! others read and write the same bytes.
//!
//! ```text
//!    near, C ────────────────────────────▶ pfs ── a directory
//!    messages ── a Unix socket ──────────▶  ▲
//!    far ─────── CHAN ──▶ host ── near ─────┤
//!    gateway ─ near ▶ gateway ─ CHAN ▶ host ┘
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nearcall::far::{Host, PORT, serve, serve_gateway};
use nearcall::{Binder, Client as _, Exporter};
use nearcall_files::pfs::Pfs;
use nearcall_files::{Files, FilesClient, Handle, flags};
use nearcall_idl::lang::{self, Side};
use nearcall_testkit::process::{Peer, ready, told};

const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes of a record.
const RECORD: usize = 3000;

/// Records that a client writes in turn, from its bind to the next. Then others: what was under way at the end of a life may be
/// written later, and must not meet what is written in the next.
const RECORDS: u64 = 16;

const BOTH: u32 = flags::READ | flags::WRITE;

/// A way to the pfs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Near,
    C,
    Messages,
    Far,
    Gateway,
}

const WAYS: [Way; 5] = [Way::Near, Way::C, Way::Messages, Way::Far, Way::Gateway];

impl Way {
    /// The file that only it writes.
    fn file(self) -> String {
        format!("{self:?}")
    }

    fn number(self) -> u8 {
        match self {
            Self::Near => 0,
            Self::Messages => 1,
            Self::Far => 2,
            Self::Gateway => 3,
            Self::C => 4,
        }
    }

    fn bind(self, stage: &Stage) -> Result<Bound, String> {
        let said = |error: &dyn std::fmt::Debug| format!("{error:?}");
        if self == Self::Messages {
            return UnixStream::connect(stage.path("messages")).map(Bound::Messages).map_err(|error| said(&error));
        }
        if self == Self::C {
            // It talks to us by messages, and to pfs by the stubs that were made for C.
            let (ours, theirs) = UnixStream::pair().map_err(|error| said(&error))?;
            let output = theirs.try_clone().map_err(|error| said(&error))?;
            let mut command = Command::new(stage.path("c/files"));
            let command = command.arg(stage.path("names")).stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(output));
            let child = command.stderr(Stdio::null()).spawn().map_err(|error| said(&error))?;
            return Ok(Bound::C(ours, Program(child)));
        }
        let name = match self {
            Self::Near => "pfs".to_owned(),
            _ => format!("chan://{}:{PORT}/pfs", stage.address),
        };
        let binder = Binder::new(&name).dir(stage.path("names"));
        let binder = match self {
            Self::Far => binder.through(Arc::clone(&stage.client)),
            Self::Gateway => binder.gateway("gateway"),
            _ => binder,
        };
        let client: FilesClient = binder.bind().map_err(|error| said(&error))?;
        let path = format!("{:?}", client.binding().path());
        assert_eq!(path, self.file(), "calls travel as they should");
        Ok(Bound::Stub(client))
    }
}

/// What a client does, on any way.
enum Bound {
    Stub(FilesClient),
    Messages(UnixStream),
    /// A program, for as long as this is there.
    C(UnixStream, #[expect(dead_code, reason = "it is ended with this")] Program),
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Bound {
    fn create(&mut self, path: &str) -> Result<Handle, String> {
        match self {
            Self::Stub(files) => files.create(path, BOTH, 0o600).map_err(|error| format!("{error:?}")),
            Self::Messages(socket) | Self::C(socket, _) => {
                let reply = ask(socket, &message(OPEN, Handle { slot: 0, generation: 0 }, 0, path.as_bytes()))?;
                Ok(handle_of(&reply))
            }
        }
    }

    fn write(&mut self, handle: Handle, mut pos: u64, bytes: &[u8]) -> Result<usize, String> {
        match self {
            Self::Stub(files) => {
                files.write(handle, &mut pos, bytes).map(|n| n as usize).map_err(|error| format!("{error:?}"))
            }
            Self::Messages(socket) | Self::C(socket, _) => {
                ask(socket, &message(WRITE, handle, pos, bytes)).map(|_| bytes.len())
            }
        }
    }

    fn read(&mut self, handle: Handle, mut pos: u64, into: &mut [u8]) -> Result<usize, String> {
        match self {
            Self::Stub(files) => {
                files.read(handle, &mut pos, into).map(|n| n as usize).map_err(|error| format!("{error:?}"))
            }
            Self::Messages(socket) | Self::C(socket, _) => {
                let reply = ask(socket, &message(READ, handle, pos, &[]))?;
                into.get_mut(..reply.len()).ok_or("more than asked for")?.copy_from_slice(&reply);
                Ok(reply.len())
            }
        }
    }
}

// Messages: a size, what is asked, a handle, a position, bytes; and back: a size, an error or 0, bytes.
const OPEN: u8 = 1;
const READ: u8 = 2;
const WRITE: u8 = 3;
const HEAD: usize = 17;

fn message(what: u8, handle: Handle, pos: u64, bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![what];
    message.extend(handle.slot.to_le_bytes());
    message.extend(handle.generation.to_le_bytes());
    message.extend(pos.to_le_bytes());
    message.extend(bytes);
    message
}

fn handle_of(bytes: &[u8]) -> Handle {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    Handle { slot: number(0), generation: number(4) }
}

fn send(socket: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut whole = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    whole.extend(bytes);
    socket.write_all(&whole)
}

fn receive(socket: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let mut size = [0; 4];
    socket.read_exact(&mut size)?;
    let mut bytes = vec![0; u32::from_le_bytes(size) as usize];
    socket.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn ask(socket: &mut UnixStream, request: &[u8]) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| format!("{:?}", error.kind());
    send(socket, request).map_err(said)?;
    let mut reply = receive(socket).map_err(said)?;
    if reply.remove(0) != 0 { Err(String::from_utf8_lossy(&reply).into_owned()) } else { Ok(reply) }
}

/// The same pfs, by messages: one client.
fn answer(pfs: &Pfs, mut socket: UnixStream) {
    while let Ok(request) = receive(&mut socket) {
        let handle = handle_of(&request[1..]);
        let mut pos = u64::from_le_bytes(request[9..HEAD].try_into().unwrap());
        let bytes = &request[HEAD..];
        let result = match request[0] {
            OPEN => pfs
                .create(std::str::from_utf8(bytes).unwrap(), BOTH, 0o600)
                .map(|handle| [handle.slot.to_le_bytes(), handle.generation.to_le_bytes()].concat()),
            READ => {
                let mut into = vec![0; RECORD];
                pfs.read(handle, &mut pos, &mut into).map(|n| into[..n as usize].to_vec())
            }
            _ => pfs.write(handle, &mut pos, bytes).map(|_| Vec::new()),
        };
        let mut reply = vec![u8::from(result.is_err())];
        reply.extend(result.unwrap_or_else(|error| format!("FileError: {error}").into_bytes()));
        if send(&mut socket, &reply).is_err() {
            return;
        }
    }
}

/// What there is, and what may be killed.
struct Stage {
    dir: tempfile::TempDir,
    address: Ipv4Addr,
    client: Arc<Host>,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["names", "files"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let [.., c, d] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 140, c, d);
        fs::write(dir.path().join("address"), address.to_string()).unwrap();
        fs::write(dir.path().join("files/common"), bytes(9, 0, 0)).unwrap();
        compile(&dir.path().join("c"));
        let client = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
        Self { dir, address, client }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(&self, part: &str) -> Peer {
        Peer::start(part, self.dir.path())
    }
}

/// Makes the client in C: stubs by the interface compiler, the rest by gcc, with the library that this test was built with.
fn compile(dir: &Path) {
    fs::create_dir(dir).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = lang::compile_file(&own.join("tests/c/files.idl")).unwrap();
    let output = compiled.write_c(dir, Side::Client).unwrap();
    let is_code = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "c");
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let libraries = [deps.clone(), deps.parent().unwrap().to_owned()].map(|dir| dir.join("libnearcall_ffi.a"));
    let library = libraries.iter().find(|path| path.exists()).expect("cargo builds the static library with the tests");
    let gcc = Command::new("gcc")
        .args(["-std=gnu99", "-O1", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(own.join("include"))
        .arg("-I")
        .arg(dir)
        .args(output.written.iter().filter(is_code))
        .arg(own.join("tests/c/files.c"))
        .arg(library)
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s", "-o"])
        .arg(dir.join("files"))
        .output()
        .expect("gcc compiles stubs in C");
    assert!(gcc.status.success(), "{}", String::from_utf8_lossy(&gcc.stderr));
}

/// What `who` writes into record `record`, the `turn`-th time.
fn bytes(who: u8, record: u64, turn: u64) -> Vec<u8> {
    let mut bytes = vec![who; RECORD];
    bytes[..8].copy_from_slice(&record.to_le_bytes());
    bytes[8..16].copy_from_slice(&turn.to_le_bytes());
    let last = RECORD - 8;
    bytes[last..].copy_from_slice(&turn.to_le_bytes());
    bytes
}

/// What became of one client's work.
#[derive(Default)]
struct Log {
    /// Rounds that went well.
    rounds: AtomicU64,
    errors: Mutex<BTreeMap<String, u64>>,
    /// By record: the last turn that was acknowledged, and the last that was tried.
    records: Mutex<BTreeMap<u64, (u64, u64)>>,
}

impl Log {
    /// But for binds that took their two seconds: that is how busy the machine is, and they are tried again.
    fn errors(&self) -> BTreeMap<String, u64> {
        let mut errors = self.errors.lock().unwrap().clone();
        errors.retain(|error, _| !error.starts_with("Timeout("));
        errors
    }
}

/// Writes and reads until it is over; whatever goes wrong is noted, and then all is bound and opened again.
fn work(way: Way, stage: &Stage, log: &Log, over: &AtomicBool) {
    let (mut turn, mut first) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let end = life(way, stage, log, over, &mut turn, &mut first);
        if let Err(error) = end {
            *log.errors.lock().unwrap().entry(error).or_default() += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn life(way: Way, stage: &Stage, log: &Log, over: &AtomicBool, turn: &mut u64, first: &mut u64) -> Result<(), String> {
    let mut files = way.bind(stage)?;
    let (own, common) = (files.create(&way.file())?, files.create("common")?);
    *first += RECORDS;
    let mut into = vec![0; RECORD];
    while !over.load(Ordering::Relaxed) {
        *turn += 1;
        let record = *first + *turn % RECORDS;
        let (at, sent) = (record * RECORD as u64, bytes(way.number(), record, *turn));
        log.records.lock().unwrap().entry(record).or_default().1 = *turn;
        assert_eq!(files.write(own, at, &sent)?, RECORD);
        log.records.lock().unwrap().entry(record).or_default().0 = *turn;
        assert_eq!(files.read(own, at, &mut into)?, RECORD);
        assert!(into == sent, "{way:?}: other bytes than were written");
        assert_eq!(files.read(common, 0, &mut into)?, RECORD);
        assert!(into == bytes(9, 0, 0), "{way:?}: other bytes than everybody's");
        log.rounds.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Waits until each of these clients has got on.
fn get_on(logs: &BTreeMap<Way, Log>, ways: &[Way]) {
    let rounds = |way: &Way| logs[way].rounds.load(Ordering::Relaxed);
    let before: Vec<u64> = ways.iter().map(rounds).collect();
    let since = Instant::now();
    while ways.iter().zip(&before).any(|(way, before)| rounds(way) < before + 10) {
        let errors: Vec<_> = logs.values().map(Log::errors).collect();
        assert!(since.elapsed() < PATIENCE, "{ways:?} do not get on: {errors:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What is in the directory is what was acknowledged last, or tried since; and the same on every way.
fn check(stage: &Stage, logs: &BTreeMap<Way, Log>) {
    let since = Instant::now();
    let bind = |way: Way| loop {
        match way.bind(stage) {
            Ok(bound) => return (way, bound),
            Err(error) => assert!(error.starts_with("Timeout(") && since.elapsed() < PATIENCE, "{error}"),
        }
    };
    let mut clients: Vec<(Way, Bound)> = WAYS.map(bind).into();
    for (writer, log) in logs {
        let file = fs::read(stage.path("files").join(writer.file())).unwrap();
        for (record, (acknowledged, tried)) in &*log.records.lock().unwrap() {
            let at = usize::try_from(*record).unwrap() * RECORD;
            let Some(there) = file.get(at..at + RECORD).filter(|there| there.iter().any(|byte| *byte != 0)) else {
                assert_eq!(*acknowledged, 0, "{writer:?}, {record}: it is not there");
                continue;
            };
            let turn = u64::from_le_bytes(there[8..16].try_into().unwrap());
            assert!(
                (*acknowledged..=*tried).contains(&turn),
                "{writer:?}, {record}: {turn}, not {acknowledged}..={tried}"
            );
            assert!(*there == bytes(writer.number(), *record, turn), "{writer:?}, {record}: mixed");
            for (way, files) in &mut clients {
                let handle = files.create(&writer.file()).unwrap();
                let mut into = vec![0; RECORD];
                assert_eq!(files.read(handle, at as u64, &mut into), Ok(RECORD));
                assert!(into == there, "{way:?} reads other bytes of {writer:?}'s file");
            }
        }
    }
}

#[test]
fn all_ways_at_once_and_whoever_is_killed() {
    let stage = Stage::new();
    let mut pfs = stage.start("pfs");
    let mut host = stage.start("host");
    let mut gateway = stage.start("gateway");
    let over = AtomicBool::new(false);
    let logs: BTreeMap<Way, Log> = WAYS.map(|way| (way, Log::default())).into();
    let errors = |ways: &[Way]| ways.iter().map(|way| logs[way].errors()).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        for way in WAYS {
            let (stage, log, over) = (&stage, &logs[&way], &over);
            scope.spawn(move || work(way, stage, log, over));
        }
        // However this ends, so do they.
        let _end = End(&over);
        get_on(&logs, &WAYS);
        assert!(errors(&WAYS).iter().all(BTreeMap::is_empty), "{:?}", errors(&WAYS));
        // The gateway: its clients hear of it, nobody else does.
        end(&mut gateway);
        get_on(&logs, &[Way::Near, Way::C, Way::Messages, Way::Far]);
        drop(std::mem::replace(&mut gateway, stage.start("gateway")));
        get_on(&logs, &WAYS);
        let untouched = [Way::Near, Way::C, Way::Messages, Way::Far];
        assert!(errors(&untouched).iter().all(BTreeMap::is_empty), "{:?}", errors(&untouched));
        // The other host.
        end(&mut host);
        get_on(&logs, &[Way::Near, Way::C, Way::Messages]);
        drop(std::mem::replace(&mut host, stage.start("host")));
        get_on(&logs, &WAYS);
        let untouched = [Way::Near, Way::C, Way::Messages];
        assert!(errors(&untouched).iter().all(BTreeMap::is_empty), "{:?}", errors(&untouched));
        // The file server itself: everybody waits for the next one.
        end(&mut pfs);
        drop(std::mem::replace(&mut pfs, stage.start("pfs")));
        get_on(&logs, &WAYS);
    });
    check(&stage, &logs);
    for (way, log) in &logs {
        let errors = log.errors();
        println!("{way:?}: {} rounds, {errors:?}", log.rounds.load(Ordering::Relaxed));
        // Each has a name; none is that of an answer which was none.
        let wrong = [
            "PeerMisbehaved",
            "BadArgument",
            "ResultTooLarge",
            "TooLarge",
            "App",
            "FileError",
            "Incompatible",
            "Denied",
        ];
        let found = errors.keys().find(|error| wrong.iter().any(|wrong| error.contains(wrong)));
        assert_eq!(found, None, "{way:?}");
    }
}

/// Kills it, and waits until it has gone: what takes its place takes its address, too.
fn end(process: &mut Peer) {
    process.kill();
    assert_eq!(process.ends(PATIENCE), Some(false));
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    let Some((part, dir)) = Peer::part() else { return };
    let names = dir.join("names");
    match part.as_str() {
        "pfs" => serve_files(&dir),
        "host" => {
            let address: Ipv4Addr = fs::read_to_string(dir.join("address")).unwrap().parse().unwrap();
            let host = Arc::new(Host::bound_to(address, PORT).unwrap());
            let _server = serve(host, Some(names), &["pfs"]).unwrap();
            ready();
            while told().is_some() {}
        }
        "gateway" => {
            let host = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
            let _export = serve_gateway(host, Exporter::new("gateway").dir(&names).replace()).unwrap();
            ready();
            while told().is_some() {}
        }
        other => panic!("{other}"),
    }
}

/// One object, near and by messages.
fn serve_files(dir: &Path) {
    let pfs = Arc::new(Pfs::new(&dir.join("files"), 64).unwrap());
    let _export = Arc::clone(&pfs).export(Exporter::new("pfs").dir(dir.join("names")).replace()).unwrap();
    let path = dir.join("messages");
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let pfs = Arc::clone(&pfs);
            let socket = socket.unwrap();
            std::thread::spawn(move || answer(&pfs, socket));
        }
    });
    ready();
    while told().is_some() {}
}
