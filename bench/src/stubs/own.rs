//! The process that valgrind runs, and what is made of its profiles.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use nearcall::rt::Service;
use nearcall::testing::{Served, set_wait_hook};
use nearcall::{Binder, Client, Exporter};

use super::floor::{Floor, FloorClient, MessageClient, MessageFloor, SIZES};
use super::marks::{self, Mark, PARTS, mark};
use super::{pfs, pfs_conventional, pfs_loop, pfs_loop_conventional};
use crate::peer::{Start, has, under};
use crate::report::{self, Count, Outcome};

/// Words that `pfs_write` and `pfs_get_direntries` move.
pub(super) const WORDS: usize = 16;

/// Calls of each procedure of which each part is counted.
const CALLS: u64 = 1_000;

/// Calls before those.
const WARM_UP: u64 = 100;

const NAME: &str = "stubs";

/// Which stubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Those of the optimised back end.
    Optimised,
    /// Those of the conventional one.
    Conventional,
    /// None: calls written by hand.
    Floor,
    /// None: messages carried by calls written by hand.
    MessageFloor,
}

/// A procedure: its name, what the stubs of the paper take (IDL4, and Flick, which bounds the conventional ones).
struct Procedure {
    name: &'static str,
    idl4: f64,
    flick: f64,
}

const PROCEDURES: [Procedure; 3] = [
    Procedure { name: "pfs_open", idl4: 102.0, flick: 221.0 },
    Procedure { name: "pfs_write", idl4: 111.0, flick: 255.0 },
    Procedure { name: "pfs_get_direntries", idl4: 121.0, flick: 285.0 },
];

/// What `pfs_write.client` may take.
const CLIENT: f64 = 40.0;

/// Instructions of a call of one procedure, part after part.
type Parts = [f64; 4];

/// Prints Table 4.
///
/// # Errors
/// When the process under valgrind fails, or leaves no profile.
pub(crate) fn report(as_json: bool) -> Result<()> {
    if !has("valgrind") {
        let reason = "there is no valgrind; with Debian's packages: apt-get install valgrind";
        let skipped = Outcome::Skipped { case: NAME.to_owned(), reason: reason.to_owned() };
        return report::print(&[skipped], as_json);
    }
    let [optimised, floor] = [count(Kind::Optimised)?, count(Kind::Floor)?];
    let [conventional, messages] = [count(Kind::Conventional)?, count(Kind::MessageFloor)?];
    let mut outcomes = Vec::new();
    for (i, procedure) in PROCEDURES.iter().enumerate() {
        let optimised = Stubs::new(optimised[i], floor[i]);
        let conventional = Stubs::new(conventional[i], messages[i]);
        outcomes.push(Outcome::Counted(row(procedure, &optimised, &conventional)));
        if procedure.name == "pfs_write" {
            outcomes.push(Outcome::Counted(Count {
                case: "pfs_write.client".to_owned(),
                value: optimised.client(),
                unit: "instructions/call",
                facts: BTreeMap::from([
                    ("goal".to_owned(), CLIENT),
                    ("conventional".to_owned(), conventional.client()),
                    ("total".to_owned(), optimised.all[0] + optimised.all[3]),
                ]),
                calls: Some(CALLS),
                pinned: "none".to_owned(),
                notes: Vec::new(),
            }));
        }
    }
    report::print(&outcomes, as_json)
}

/// A call by stubs, and the one without that moves the same bytes.
#[derive(Debug)]
struct Stubs {
    all: Parts,
    floor: Parts,
}

impl Stubs {
    const fn new(all: Parts, floor: Parts) -> Self {
        Self { all, floor }
    }

    /// What the stubs take in these parts.
    fn of(&self, parts: &[usize]) -> f64 {
        parts.iter().map(|part| self.all[*part] - self.floor[*part]).sum()
    }

    fn client(&self) -> f64 {
        self.of(&[0, 3])
    }
}

/// One procedure: the value is the optimised stubs', the limit the conventional ones'.
fn row(procedure: &Procedure, optimised: &Stubs, conventional: &Stubs) -> Count {
    let sum = |parts: &Parts| parts.iter().sum::<f64>();
    let (value, limit) = (optimised.of(&[0, 1, 2, 3]), conventional.of(&[0, 1, 2, 3]));
    let mut notes = Vec::new();
    if limit > procedure.flick {
        notes.push(format!("the conventional stubs take more than Flick's {}: no ratio counts", procedure.flick));
    }
    let facts = [
        ("limit", limit),
        ("ratio", value / limit),
        ("idl4", procedure.idl4),
        ("flick", procedure.flick),
        ("request", optimised.of(&[0, 1])),
        ("reply", optimised.of(&[2, 3])),
        ("request_conventional", conventional.of(&[0, 1])),
        ("reply_conventional", conventional.of(&[2, 3])),
        ("total", sum(&optimised.all)),
        ("total_floor", sum(&optimised.floor)),
        ("total_conventional", sum(&conventional.all)),
        ("total_floor_conventional", sum(&conventional.floor)),
    ];
    Count {
        case: procedure.name.to_owned(),
        value,
        unit: "instructions/call",
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        calls: Some(CALLS),
        pinned: "none".to_owned(),
        notes,
    }
}

/// Runs the process under valgrind, and reads what it counted.
fn count(kind: Kind) -> Result<[Parts; 3]> {
    let directory = tempfile::tempdir().context("making a directory for the profiles")?;
    let path = directory.path().join("profile");
    let file = format!("--callgrind-out-file={}", path.display());
    // Into a file, because it complains of system calls that it does not know, which the library lives without.
    let log = directory.path().join("log");
    let log_file = format!("--log-file={}", log.display());
    let tool = ["valgrind", "--tool=callgrind", "--collect-atstart=no", &file, &log_file];
    let kind = kind.to_possible_value().context("every kind has a name")?;
    let calls = CALLS.to_string();
    let mut command = under(&tool, &Start::default(), &["own-stubs", kind.get_name(), &calls])?;
    let status = command.stdin(Stdio::null()).status().context("running valgrind")?;
    if !status.success() {
        bail!("the process under valgrind ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
    }
    let mut counted = [[0.0; 4]; 3];
    for (i, parts) in counted.iter_mut().enumerate() {
        for (j, part) in parts.iter_mut().enumerate() {
            // In the order in which they were written; the numbers begin with 1.
            let number = i * PARTS.len() + j + 1;
            *part = instructions(&path.with_extension(number.to_string()), j)? / CALLS as f64;
        }
    }
    Ok(counted)
}

/// What one profile counted, which is that of `part`.
fn instructions(path: &Path, part: usize) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let why = PARTS[part].to_string_lossy();
    ensure!(text.contains(&format!("Client Request: {why}")), "{} is not the profile of {why}", path.display());
    let total =
        text.lines().filter_map(|line| line.strip_prefix("totals:")).find_map(|total| total.trim().parse().ok());
    total.with_context(|| format!("{} has no total", path.display()))
}

thread_local! {
    static PENDING: RefCell<Option<Served>> = const { RefCell::new(None) };
}

/// The hook: the server's turn.
#[inline(never)]
fn serve_pending() {
    mark(Mark::Hook);
    PENDING.with_borrow_mut(|pending| pending.as_mut().map(Served::serve));
    mark(Mark::Answered);
}

/// The process that valgrind runs: counts each part of each procedure by itself.
///
/// # Errors
/// When it cannot export or bind, and for the first call that fails or returns something else.
pub(crate) fn run(kind: Kind, calls: u64) -> Result<()> {
    match kind {
        Kind::Optimised => {
            serve_and(pfs_loop::PfsLoop::new(Files), |client: &pfs::PfsClient| count_calls(client, calls))
        }
        Kind::Conventional => {
            let service = pfs_loop_conventional::PfsLoop::new(Files);
            serve_and(service, |client: &pfs_conventional::PfsClient| count_calls(client, calls))
        }
        Kind::MessageFloor => serve_and(MessageFloor, |client: &MessageClient| count_calls(client, calls)),
        Kind::Floor => serve_and(Floor, |client: &FloorClient| count_calls(client, calls)),
    }
}

fn serve_and<C: Client>(service: impl Service, call: impl Fn(&C) -> Result<()>) -> Result<()> {
    let names = tempfile::tempdir().context("making a directory for the name")?;
    // Under valgrind, on a machine with other things to do, its part of the handshake may take a client longer than it may.
    nearcall::set_limits(nearcall::Limits::default().handshake_time(Duration::from_secs(30)));
    let export = Exporter::new(NAME).dir(names.path()).export(service).context("exporting the interface")?;
    let client: C = Binder::new(NAME).dir(names.path()).bind().context("binding to this process")?;
    PENDING.set(Some(Served::find()));
    set_wait_hook(serve_pending);
    call(&client)?;
    drop(client);
    drop(export);
    Ok(())
}

/// One call of each procedure, from mark to mark.
trait Calls {
    fn open(&self) -> Result<()>;
    fn write(&self, data: &[i32]) -> Result<()>;
    fn get_direntries(&self) -> Result<()>;
}

fn count_calls(client: &impl Calls, calls: u64) -> Result<()> {
    let data: Vec<i32> = (0..).take(WORDS).collect();
    let all: [&dyn Fn() -> Result<()>; 3] =
        [&|| client.open(), &|| client.write(black_box(&data)), &|| client.get_direntries()];
    for call in all {
        marks::count(PARTS.len());
        (0..WARM_UP).try_for_each(|_| call())?;
        for (part, why) in PARTS.iter().enumerate() {
            marks::count(part);
            (0..calls).try_for_each(|_| call())?;
            marks::dump(why);
        }
    }
    Ok(())
}

/// The file system: what its procedures do is not counted. They are not inlined, as those of a real one would not be.
#[derive(Debug)]
struct Files;

/// The same for both back ends, whose traits are different ones.
macro_rules! files {
    ($module:ident) => {
        impl $module::Pfs for Files {
            #[inline(never)]
            fn pfs_open(&self, client: i32, fobj: i32, flags: i32, mode: i32, handle: &mut i32) -> i32 {
                mark(Mark::Procedure);
                *handle = black_box(client + fobj + flags + mode);
                mark(Mark::Return);
                0
            }

            #[inline(never)]
            fn pfs_write(&self, handle: i32, pos: &mut i32, len: i32, data: &[i32]) -> i32 {
                mark(Mark::Procedure);
                let sum = black_box(data).iter().sum::<i32>();
                *pos = black_box(*pos + len + handle + sum);
                mark(Mark::Return);
                len
            }

            #[inline(never)]
            fn pfs_get_direntries(&self, handle: i32, pos: &mut i32, count: i32, data: &mut Vec<i32>) -> i32 {
                mark(Mark::Procedure);
                *pos = black_box(*pos + count + handle);
                *data = black_box(vec![7; WORDS]);
                mark(Mark::Return);
                0
            }
        }

        impl Calls for $module::PfsClient {
            #[inline(never)]
            fn open(&self) -> Result<()> {
                let (client, fobj, flags, mode) = black_box((1, 2, 3, 4));
                let mut handle = 0;
                mark(Mark::Begin);
                let result = self.pfs_open(client, fobj, flags, mode, &mut handle);
                mark(Mark::End);
                ensure!(result? == 0 && handle == 10, "pfs_open returned {handle}");
                Ok(())
            }

            #[inline(never)]
            fn write(&self, data: &[i32]) -> Result<()> {
                let (handle, mut pos, len) = black_box((1, 2, 16));
                mark(Mark::Begin);
                let result = self.pfs_write(handle, &mut pos, len, data);
                mark(Mark::End);
                ensure!(result? == len && pos == 19 + data.iter().sum::<i32>(), "pfs_write returned {pos}");
                Ok(())
            }

            #[inline(never)]
            fn get_direntries(&self) -> Result<()> {
                let (handle, mut pos, count) = black_box((1, 2, 3));
                let mut data = Vec::new();
                mark(Mark::Begin);
                let result = self.pfs_get_direntries(handle, &mut pos, count, &mut data);
                mark(Mark::End);
                ensure!(result? == 0 && pos == 6 && data == [7; WORDS], "pfs_get_direntries returned {pos}");
                Ok(())
            }
        }
    };
}

files!(pfs);
files!(pfs_conventional);

impl Calls for FloorClient {
    #[inline(never)]
    fn open(&self) -> Result<()> {
        let words = black_box([1, 2]);
        mark(Mark::Begin);
        let result = Self::open(self, words);
        mark(Mark::End);
        ensure!(result == Some(3), "open returned {result:?}");
        Ok(())
    }

    #[inline(never)]
    fn write(&self, data: &[i32]) -> Result<()> {
        use nearcall::rt::zerocopy::IntoBytes;
        let words = black_box([1, 2]);
        mark(Mark::Begin);
        let result = Self::write(self, words, data.as_bytes());
        mark(Mark::End);
        ensure!(result == Some(3), "write returned {result:?}");
        Ok(())
    }

    #[inline(never)]
    fn get_direntries(&self) -> Result<()> {
        let words = black_box([1, 2]);
        let mut into = [0; 4 * WORDS];
        mark(Mark::Begin);
        let result = Self::get_direntries(self, words, black_box(&mut into));
        mark(Mark::End);
        ensure!(result == Some([1, 2]) && into[..4] == [7, 0, 0, 0], "get_direntries returned {result:?}");
        Ok(())
    }
}

impl MessageClient {
    /// From mark to mark.
    #[inline(always)]
    fn one<const THERE: usize, const BACK: usize>(&self, procedure: u16) -> Result<()> {
        let (message, mut into) = (black_box([7; THERE]), black_box([0; BACK]));
        ensure!(SIZES[usize::from(procedure)] == (THERE, BACK), "the messages have other sizes");
        mark(Mark::Begin);
        let result = self.call(procedure, &message, &mut into);
        mark(Mark::End);
        ensure!(result.is_some() && black_box(into) == [7; BACK], "a message came back as {into:?}");
        Ok(())
    }
}

impl Calls for MessageClient {
    #[inline(never)]
    fn open(&self) -> Result<()> {
        self.one::<16, 8>(0)
    }

    #[inline(never)]
    fn write(&self, _: &[i32]) -> Result<()> {
        self.one::<{ 16 + 4 * WORDS }, 8>(1)
    }

    #[inline(never)]
    fn get_direntries(&self) -> Result<()> {
        self.one::<16, { 16 + 4 * WORDS }>(2)
    }
}
