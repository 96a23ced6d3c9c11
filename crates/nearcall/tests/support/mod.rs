//! An interface with every kind of parameter, and its server as another process.
#![allow(
    clippy::ptr_arg,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by several test programs, each of which uses a part; `&Vec` is a form of parameter"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use nearcall::{Export, Wire};

#[derive(Debug, Clone, Copy, PartialEq, Wire)]
pub struct Shape {
    pub id: u32,
    pub on: bool,
    pub at: [f64; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
#[repr(u8)]
pub enum ProbeError {
    Odd = 3,
    Full = 9,
}

#[nearcall::interface]
pub trait Probe {
    fn add(&self, a: u32, b: u32) -> u32;
    #[call(max = 1536)]
    fn text(&self, text: &str, end: char) -> String;
    fn turn(&self, shape: Shape) -> Shape;
    fn all(&self, shapes: &Vec<Shape>) -> Vec<Shape>;
    #[rustfmt::skip]
    fn fill(&self, count: &mut u64, len: u32, #[out(len = return)] #[max(1536)] buffer: &mut [u8]) -> Result<u32, ProbeError>;
    fn reverse(&self, bytes: &mut [u8]);
    fn fail(&self, number: u32) -> Result<u32, ProbeError>;
    fn wide(&self, words: [u64; 8]) -> [u64; 8];
    fn panic(&self);
    #[call(timeout = "100ms")]
    fn sleep(&self, milliseconds: u32);
    fn doze(&self, milliseconds: u32);
    fn withdraw(&self);
}

/// The same name, another interface.
pub mod other {
    #[nearcall::interface]
    pub trait Probe {
        fn add(&self, a: u32, b: u64) -> u32;
        fn subtract(&self, a: u32, b: u32) -> u32;
    }
}

pub struct Tester;

static EXPORT: Mutex<Option<Export>> = Mutex::new(None);

impl Probe for Tester {
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    fn text(&self, text: &str, end: char) -> String {
        format!("{text}{end}")
    }
    fn turn(&self, shape: Shape) -> Shape {
        Shape { id: shape.id + 1, on: !shape.on, at: [shape.at[1], shape.at[0]] }
    }
    fn all(&self, shapes: &Vec<Shape>) -> Vec<Shape> {
        [&shapes[..], &shapes[..]].concat()
    }
    fn fill(&self, count: &mut u64, len: u32, buffer: &mut [u8]) -> Result<u32, ProbeError> {
        let part = buffer.get_mut(..len as usize).ok_or(ProbeError::Full)?;
        part.fill(len as u8);
        *count += u64::from(len);
        Ok(len)
    }
    fn reverse(&self, bytes: &mut [u8]) {
        bytes.reverse();
    }
    fn fail(&self, number: u32) -> Result<u32, ProbeError> {
        if number % 2 == 1 { Err(ProbeError::Odd) } else { Ok(number / 2) }
    }
    fn wide(&self, words: [u64; 8]) -> [u64; 8] {
        words
    }
    fn panic(&self) {
        panic!("asked to");
    }
    fn sleep(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn doze(&self, milliseconds: u32) {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn withdraw(&self) {
        if let Some(export) = EXPORT.lock().unwrap().as_ref() {
            export.revoke_all();
        }
    }
}

const DIR: &str = "NEARCALL_TEST_DIR";

/// Serves the probe until standard input ends, if this process was started to.
pub fn serve_if_asked() {
    serve_if_asked_by(|dir| {
        let exporter = nearcall::Exporter::new("probe").dir(dir);
        *EXPORT.lock().unwrap() = Some(exporter.export(ProbeServer::new(Tester)).unwrap());
    });
}

/// Serves what `export` exports until standard input ends, if this process was started to.
pub fn serve_if_asked_by<T>(export: impl FnOnce(&Path) -> T) {
    let Some(dir) = std::env::var_os(DIR) else { return };
    std::panic::set_hook(Box::new(|_| {}));
    let exports = export(Path::new(&dir));
    eprintln!("ready");
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    drop(exports);
    drop(EXPORT.lock().unwrap().take());
    std::process::exit(0);
}

/// A server process with a directory of names of its own. Killed when dropped.
pub struct Server {
    dir: tempfile::TempDir,
    child: Child,
}

impl Server {
    pub fn start(name: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let child = spawn(dir.path());
        Self { dir, child }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn bind(&self) -> ProbeClient {
        self.bind_to("probe")
    }

    pub fn bind_to<C: nearcall::Client>(&self, name: &str) -> C {
        nearcall::Binder::new(name).dir(self.dir()).wait(Duration::from_secs(10)).bind().unwrap()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.child = spawn(self.dir.path());
    }
}

fn spawn(dir: &Path) -> Child {
    start(dir, &[])
}

/// Starts this test program's `serve` with a directory and more of an environment, and waits until it is ready.
pub fn start(dir: &Path, environment: &[(&str, &str)]) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["serve", "--exact", "--nocapture"])
        .env(DIR, dir)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while line.trim_end() != "ready" {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the server ended");
    }
    // The rest is read so that the server never blocks on a full pipe.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    child
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
