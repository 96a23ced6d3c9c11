//! vfs, pfs and client in processes of their own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError};
use nearcall_files::client::{File, FileSystem};
use nearcall_files::{FileError, Kind, VfsClient, flags};

/// A server, until it is dropped.
struct Server {
    child: Child,
    _input: ChildStdin,
}

impl Server {
    fn start(names: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nearcall-files"));
        command.arg("--names").arg(names).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { _input: child.stdin.take().unwrap(), child }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Stage {
    dir: tempfile::TempDir,
    one: Server,
    vfs: Server,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["names", "one", "two"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let names = dir.path().join("names");
        let one = Self::pfs(&dir, "one");
        let vfs = Server::start(&names, &["vfs", "vfs", "one=one", "two=two"]);
        Self { dir, one, vfs }
    }

    fn pfs(dir: &tempfile::TempDir, name: &str) -> Server {
        let directory = dir.path().join(name);
        Server::start(&dir.path().join("names"), &["pfs", name, directory.to_str().unwrap()])
    }

    fn bind(&self) -> FileSystem {
        FileSystem::bind(self.binder("vfs")).unwrap()
    }

    fn binder(&self, name: &str) -> Binder {
        Binder::new(name).dir(self.dir.path().join("names")).wait(Duration::from_secs(20))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
}

const BOTH: u32 = flags::READ | flags::WRITE;

fn code(error: &std::io::Error) -> Option<i32> {
    error.raw_os_error()
}

fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> Option<i32> {
    code(&result.unwrap_err())
}

#[test]
fn files_are_what_they_are_in_the_directory() {
    let stage = Stage::new();
    let files = stage.bind();
    let contents: Vec<u8> = (0..300_000_u32).map(|i| (i % 253) as u8).collect();
    files.mkdir("one/sub", 0o755).unwrap();
    let file = files.create("/one/sub/f", BOTH | flags::EXCLUSIVE, 0o640).unwrap();
    assert_eq!(file.write_at(&contents, 0).unwrap(), contents.len() as u64);
    assert!(fs::read(stage.path("one/sub/f")).unwrap() == contents);
    assert!(files.read("one/sub/f").unwrap() == contents);
    let mut part = [0; 9000];
    assert_eq!(file.read_at(&mut part, 295_000).unwrap(), 5_000);
    assert!(part[..5_000] == contents[295_000..]);
    file.set_len(10).unwrap();
    file.sync().unwrap();
    assert_eq!((files.stat("one/sub/f", 0).unwrap().size, file.stat().unwrap().mode & 0o777), (10, 0o640));
    for n in 0..500 {
        fs::write(stage.path("one").join(format!("a-file-with-a-long-name-{n:03}")), []).unwrap();
    }
    let listed = files.list("one").unwrap();
    assert_eq!(listed.len(), 501);
    assert!(listed[500].name == b"sub" && listed[500].kind == Kind::Directory);
    files.rename("one/sub/f", "one/g").unwrap();
    files.unlink("one/sub", flags::DIRECTORY).unwrap();
    assert_eq!(fs::read(stage.path("one/g")).unwrap().len(), 10);
    files.unlink("one/g", 0).unwrap();
    assert_eq!(errno(files.open("one/g", flags::READ)), Some(FileError::NotFound.errno().raw_os_error()));
    let names: Vec<_> = files.list("/").unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!((names, files.stat("/", 0).unwrap().kind), (vec![b"one".to_vec(), b"two".to_vec()], Kind::Directory));
}

#[test]
fn open_files_outlive_vfs() {
    let mut stage = Stage::new();
    // Which does not wait for one that is not there.
    let files = FileSystem::bind(Binder::new("vfs").dir(stage.path("names"))).unwrap();
    let file = files.create("one/f", BOTH, 0o600).unwrap();
    stage.vfs.kill();
    for n in 0..1_000_u64 {
        file.write_at(&n.to_le_bytes(), n * 8).unwrap();
        let mut back = [0; 8];
        assert_eq!(file.read_at(&mut back, n * 8).unwrap(), 8);
        assert_eq!(back, n.to_le_bytes());
    }
    assert_eq!(fs::read(stage.path("one/f")).unwrap().len(), 8_000);
    let down = Some(FileError::Unreachable.errno().raw_os_error());
    assert_eq!(errno(files.open("one/f", flags::READ)), down);
    // Another one is there, with other numbers for its mounts.
    stage.vfs = Server::start(&stage.path("names"), &["vfs", "vfs", "two=two", "one=one"]);
    let until = Instant::now() + Duration::from_secs(60);
    let again = loop {
        match files.open("one/f", flags::READ) {
            Ok(file) => break file,
            Err(error) => assert!(code(&error) == down && Instant::now() < until, "{error}"),
        }
    };
    assert_eq!((again.stat().unwrap().size, file.stat().unwrap().size), (8_000, 8_000));
    drop(file);
}

#[test]
fn a_pfs_that_is_replaced_is_bound_again() {
    let mut stage = Stage::new();
    let files = stage.bind();
    fs::write(stage.path("one/f"), "abc").unwrap();
    let file = files.open("one/f", flags::READ).unwrap();
    stage.one.kill();
    let mut part = [0; 3];
    assert!(file.read_at(&mut part, 0).is_err());
    stage.one = Stage::pfs(&stage.dir, "one");
    let until = Instant::now() + Duration::from_secs(20);
    let again = loop {
        match files.open("one/f", flags::READ) {
            Ok(file) => break file,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    };
    assert_eq!((again.read_at(&mut part, 0).unwrap(), &part), (3, b"abc"));
    assert!(file.read_at(&mut part, 0).is_err(), "what was open at the old one stays lost");
}

#[test]
fn a_file_that_is_read_in_a_window_ends_with_its_server() {
    let mut stage = Stage::new();
    let bytes: Vec<u8> = (0..40_000_u32).map(|at| (at % 251) as u8).collect();
    fs::write(stage.path("one/f"), &bytes).unwrap();
    let pfs = std::sync::Arc::new(stage.binder("one").bind().unwrap());
    let file = File::open(&pfs, "f", flags::READ).unwrap();
    let mut back = vec![0; 40_000];
    for _ in 0..40 {
        assert_eq!(file.read_at(&mut back, 0).unwrap(), 40_000);
        assert!(back == bytes);
    }
    let window = pfs.window(file.handle()).unwrap();
    let found = pfs.find(file.handle(), 1, 39_999).unwrap();
    assert_eq!(window.bytes().unwrap().copy_to(&mut back[1..], 4096 + 1), 39_999);
    assert!(back == bytes && window.bytes().unwrap().word_after(0) == Some(found.stamp));
    stage.one.kill();
    assert!(file.read_at(&mut back, 0).is_err(), "what is still mapped is not read");
}

#[test]
fn vfs_has_errors_of_its_own() {
    let stage = Stage::new();
    let vfs: VfsClient = stage.binder("vfs").bind().unwrap();
    fs::write(stage.path("one/f"), "abc").unwrap();
    let is = |result: Result<(), CallError<FileError>>, error| {
        assert!(matches!(&result, Err(CallError::App(e)) if *e == error), "{result:?} is not {error}");
    };
    is(vfs.open("three/f", flags::READ).map(drop), FileError::NotFound);
    is(vfs.mount(2).map(drop), FileError::NotFound);
    is(vfs.rename("one/f", "two/f"), FileError::CrossMount);
    is(vfs.open("one/../../f", flags::READ).map(drop), FileError::Outside);
    is(vfs.open("one//etc/passwd", flags::READ).map(drop), FileError::NotFound);
    // Nobody serves it.
    is(vfs.stat("two/f", 0).map(drop), FileError::Unreachable);
    is(vfs.mount(1).map(drop), FileError::Unreachable);
}

/// Opens at the vfs and claims nothing.
#[test]
fn who_claims_nothing_shuts_nobody_else_out() {
    let stage = Stage::new();
    fs::write(stage.path("one/f"), "abc").unwrap();
    let hoarder: VfsClient = stage.binder("vfs").bind().unwrap();
    let mut refused = 0;
    for _ in 0..1_400 {
        match hoarder.open("one/f", flags::READ) {
            Ok(_) => {}
            Err(CallError::App(FileError::TooManyOpen)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    // On a slow machine some have expired meanwhile.
    assert!(refused > 0);
    // Another process: the share is each one's.
    let show = Command::new(env!("CARGO_BIN_EXE_nearcall-files"))
        .args(["--names", stage.path("names").to_str().unwrap(), "show", "vfs", "one/f"])
        .output()
        .unwrap();
    assert_eq!(show.stdout, b"abc", "{show:?}");
}

/// What a client has open is closed when it dies; its handle is nobody else's meanwhile.
#[test]
fn a_handle_is_its_clients_only() {
    let stage = Stage::new();
    fs::write(stage.path("one/f"), "abc").unwrap();
    let pfs = std::sync::Arc::new(stage.binder("one").bind().unwrap());
    let file = File::open(&pfs, "f", flags::READ).unwrap();
    let _window = pfs.window(file.handle()).unwrap();
    let show = Command::new(env!("CARGO_BIN_EXE_nearcall-files"))
        .args(["--names", stage.path("names").to_str().unwrap(), "try", "one"])
        .args([file.handle().slot.to_string(), file.handle().generation.to_string()])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&show.stdout), "not an open handle of this client\n".repeat(3));
    let mut part = [0; 3];
    assert_eq!(file.read_at(&mut part, 0).unwrap(), 3);
}
