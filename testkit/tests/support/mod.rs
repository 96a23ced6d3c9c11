//! The interface that peers attack, and a server that checks what it is entered with.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "shared by several test programs, each of which uses a part"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use nearcall::{Export, Wire};
use nearcall_core::shm::copy;
use nearcall_testkit::process::{self, Peer};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
#[repr(u8)]
pub enum Colour {
    Red = 1,
    Green = 2,
    Blue = 7,
}

/// What the server has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Wire)]
pub struct Tally {
    /// Entries of each procedure, by index.
    pub entered: [u64; 16],
    /// Entries with something that is no value of its type.
    pub unchecked: u64,
    /// What the export counted.
    pub refused: u64,
    /// What the process counts as its clients'.
    pub bytes: u64,
}

#[nearcall::interface]
pub trait Target {
    fn add(&self, a: u32, b: u32) -> u32;
    fn flag(&self, on: bool) -> bool;
    fn letter(&self, letter: char) -> char;
    fn paint(&self, colour: Colour) -> Colour;
    fn text(&self, text: &str) -> u32;
    fn bytes(&self, data: &[u8]) -> u64;
    fn array(&self, flags: [bool; 4], words: [u64; 8]) -> u64;
    #[call(timeout = "1s")]
    fn fill(&self, seed: &mut u64, #[out(len = return)] out: &mut [u8]) -> u32;
    fn name(&self, text: &str) -> String;
    fn nap(&self, id: u64, milliseconds: u32);
    fn tally(&self) -> Tally;
    fn fail(&self, code: u32) -> Result<u32, Colour>;
    #[call(timeout = "200ms")]
    fn quick(&self) -> u32;
    fn revoke(&self);
}

/// Every procedure by name, in order.
pub const PROCEDURES: [&str; 14] = [
    "add", "flag", "letter", "paint", "text", "bytes", "array", "fill", "name", "nap", "tally", "fail", "quick",
    "revoke",
];

pub const ADD: usize = 0;
pub const FLAG: usize = 1;
pub const LETTER: usize = 2;
pub const PAINT: usize = 3;
pub const TEXT: usize = 4;
pub const BYTES: usize = 5;
pub const ARRAY: usize = 6;
pub const FILL: usize = 7;
pub const NAME: usize = 8;
pub const NAP: usize = 9;

/// Another interface of the same process.
#[nearcall::interface]
pub trait Second {
    fn twice(&self, a: u32) -> u32;
}

/// Counts what it is entered with, and looks at the bytes of its arguments as a C program would.
pub struct Recorder;

static ENTERED: [AtomicU64; 16] = [const { AtomicU64::new(0) }; 16];
static UNCHECKED: AtomicU64 = AtomicU64::new(0);
static EXPORT: Mutex<Option<Export>> = Mutex::new(None);
static STARTED: OnceLock<File> = OnceLock::new();

fn enter(procedure: usize, is_valid: bool) {
    ENTERED[procedure].fetch_add(1, Ordering::Relaxed);
    if !is_valid {
        UNCHECKED.fetch_add(1, Ordering::Relaxed);
    }
    // What was copied is not the question here, and the log of a processor would grow for ever.
    drop(copy::take_log());
}

/// The bytes of a value, whatever its type says they can be.
fn raw<T, const N: usize>(value: &T) -> [u8; N] {
    assert_eq!(size_of::<T>(), N);
    // SAFETY: N initialised bytes of a value without padding; volatile, so that no range of its type is assumed.
    unsafe { std::ptr::from_ref(value).cast::<[u8; N]>().read_volatile() }
}

impl Target for Recorder {
    fn add(&self, a: u32, b: u32) -> u32 {
        enter(ADD, true);
        a.wrapping_add(b)
    }
    fn flag(&self, on: bool) -> bool {
        enter(FLAG, raw::<_, 1>(&on)[0] < 2);
        !on
    }
    fn letter(&self, letter: char) -> char {
        enter(LETTER, char::from_u32(u32::from_ne_bytes(raw(&letter))).is_some());
        letter
    }
    fn paint(&self, colour: Colour) -> Colour {
        enter(PAINT, [1, 2, 7].contains(&raw::<_, 1>(&colour)[0]));
        colour
    }
    fn text(&self, text: &str) -> u32 {
        enter(TEXT, std::str::from_utf8(std::hint::black_box(text.as_bytes())).is_ok());
        u32::try_from(text.len()).unwrap()
    }
    fn bytes(&self, data: &[u8]) -> u64 {
        enter(BYTES, data.len() <= 1 << 20);
        data.iter().copied().map(u64::from).sum()
    }
    fn array(&self, flags: [bool; 4], words: [u64; 8]) -> u64 {
        enter(ARRAY, raw::<_, 4>(&flags).iter().all(|&flag| flag < 2));
        words.iter().fold(0, |sum: u64, &word| sum.wrapping_add(word))
    }
    fn fill(&self, seed: &mut u64, out: &mut [u8]) -> u32 {
        enter(FILL, out.len() <= 1 << 20);
        out.fill(seed.to_le_bytes()[0]);
        *seed = seed.wrapping_add(1);
        u32::try_from(out.len()).unwrap()
    }
    fn name(&self, text: &str) -> String {
        enter(NAME, std::str::from_utf8(std::hint::black_box(text.as_bytes())).is_ok());
        text.to_owned()
    }
    fn nap(&self, id: u64, milliseconds: u32) {
        if let Some(mut file) = STARTED.get() {
            // One write to a file that is open for appending: what is there after a kill is whole.
            file.write_all(format!("{id}\n").as_bytes()).unwrap();
        }
        enter(NAP, true);
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
    }
    fn tally(&self) -> Tally {
        let entered = std::array::from_fn(|i| ENTERED[i].load(Ordering::Relaxed));
        let refused = EXPORT.lock().unwrap().as_ref().map_or(0, Export::refused_count);
        Tally { entered, unchecked: UNCHECKED.load(Ordering::Relaxed), refused, bytes: nearcall::usage().bytes }
    }
    fn fail(&self, code: u32) -> Result<u32, Colour> {
        if code.is_multiple_of(2) { Ok(code) } else { Err(Colour::Blue) }
    }
    fn quick(&self) -> u32 {
        1
    }
    fn revoke(&self) {
        if let Some(export) = EXPORT.lock().unwrap().as_ref() {
            export.revoke_all();
        }
    }
}

impl Second for Recorder {
    fn twice(&self, a: u32) -> u32 {
        a.wrapping_mul(2)
    }
}

/// The file in which a server writes down which naps it started.
pub fn started(dir: &Path) -> PathBuf {
    dir.with_extension("started")
}

/// Plays the server: exports `target` and `second` until released.
pub fn serve(dir: &Path) -> ! {
    let file = OpenOptions::new().create(true).append(true).open(started(dir)).unwrap();
    STARTED.set(file).unwrap();
    let exporter = |name: &str| nearcall::Exporter::new(name).dir(dir);
    *EXPORT.lock().unwrap() = Some(exporter("target").export(TargetServer::new(Recorder)).unwrap());
    let second = exporter("second").export(SecondServer::new(Recorder)).unwrap();
    process::ready();
    std::mem::forget(second);
    process::until_released();
}

/// A directory of names and a server process in it.
pub struct World {
    _outer: TempDir,
    pub dir: PathBuf,
    pub server: Peer,
}

impl World {
    pub fn new() -> Self {
        Self::playing("serve")
    }

    /// With a server that plays another part.
    pub fn playing(part: &str) -> Self {
        let (outer, dir) = names();
        let server = Peer::start(part, &dir);
        Self { _outer: outer, dir, server }
    }

    pub fn bind(&self) -> TargetClient {
        bind(&self.dir)
    }
}

/// A new directory of names, which nobody else reaches, for as long as the first lives.
pub fn names() -> (TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("names");
    make_dir(&dir);
    (outer, dir)
}

pub fn make_dir(dir: &Path) {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(dir).unwrap();
}

pub fn bind(dir: &Path) -> TargetClient {
    nearcall::Binder::new("target").dir(dir).wait(Duration::from_secs(10)).bind().unwrap()
}

/// A number from the environment, or its default.
pub fn count(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
