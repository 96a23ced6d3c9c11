//! The lock profile of LRPC's figure 2 (1990, section 4): which lines of memory do calls over two pairs have in common, if one
//! process is the client of both?
//!
//! Two kernel threads of one process call a server each, one after the other. valgrind's lackey has every store of that process
//! between two marks, so what the two wrote can be compared: a lock, a count or a list that all calls of a process have in common
//! is a line that both wrote. Pairs of different processes have no memory in common but that of each pair.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::near::interface::BenchClient;
use crate::near::session::{self, Wait};
use crate::peer::{Peer, Processors, has, this_program, under};
use crate::report::{Count, Outcome};

/// Times that it is looked, if there is something in common: a wait that lasts, because others have the processors, comes to places
/// that calls do not come to otherwise.
const LOOKS: u32 = 3;

/// Calls of each thread that are looked at, and calls before those.
const CALLS: u64 = 100;
const WARM_UP: u64 = 200;

/// Until the other thread is asleep, under valgrind.
const SETTLE: Duration = Duration::from_millis(300);

const LINE_SIZE: u64 = 64;
const WORD: u64 = 8;

/// A store to it is a mark.
#[repr(align(128))]
struct Mark(AtomicU64);

static MARK: Mark = Mark(AtomicU64::new(0));

fn mark() {
    MARK.0.fetch_add(1, Ordering::Relaxed);
}

/// The process that is looked at: says where its mark is, waits for a line, and calls.
///
/// # Errors
/// When it cannot bind or a call fails.
pub(crate) fn call_two(names: &[PathBuf]) -> Result<()> {
    println!("{:x}", std::ptr::from_ref(&MARK.0).addr());
    std::io::stdin().read_line(&mut String::new()).context("waiting for the start")?;
    let clients = names.iter().map(|names| session::bind(names, Wait::Auto)).collect::<Result<Vec<BenchClient>>>()?;
    let turn = Barrier::new(clients.len());
    let call = |client: &BenchClient, count: u64| (0..count).try_for_each(|_| client.null());
    std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(number, client)| {
                let turn = &turn;
                scope.spawn(move || -> Result<()> {
                    let warm = call(client, WARM_UP);
                    for current in 0..2 {
                        turn.wait();
                        if current == number {
                            std::thread::sleep(SETTLE);
                            mark();
                            let called = call(client, CALLS);
                            mark();
                            called?;
                        }
                    }
                    Ok(warm?)
                })
            })
            .collect();
        let ended = threads.into_iter().map(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Looks.
///
/// # Errors
/// When a process cannot be had, the trace has no marks, or the two have a line in common.
pub(crate) fn measure(name: &str, processors: &Processors) -> Result<Outcome> {
    let skip = |reason: &str| Ok(Outcome::Skipped { case: name.to_owned(), reason: reason.to_owned() });
    if !cfg!(feature = "instructions") {
        return skip("needs `--features instructions`, without which the program does not run under valgrind");
    }
    if !has("valgrind") {
        return skip("there is no valgrind; with Debian's packages: apt-get install valgrind");
    }
    let directory = tempfile::tempdir().context("making a directory for the names")?;
    let mut names = Vec::new();
    let mut servers = Vec::new();
    for name in ["one", "other"] {
        let path = directory.path().join(name);
        std::fs::create_dir(&path).context("making a directory for a name")?;
        let path = path.to_str().context("a temporary name is not UTF-8")?.to_owned();
        let mut command = this_program(&processors.anywhere(), &["serve", &path])?;
        let mut server = Peer::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        server.ready()?;
        servers.push(server);
        names.push(path);
    }
    let tool = ["valgrind", "--tool=lackey", "--basic-counts=no", "--trace-mem=yes", "--log-fd=2"];
    let arguments = ["two-callers", &names[0], &names[1]];
    let mut looked = 1;
    let (one, other) = loop {
        let windows = stores(under(&tool, &processors.anywhere(), &arguments)?)?;
        let [one, other] = &windows[..] else { bail!("{} windows, not 2", windows.len()) };
        let [one, other] = [one, other].map(lines);
        let common: BTreeSet<u64> = one.intersection(&other).copied().collect();
        if common.is_empty() {
            break (one, other);
        }
        let is_common = |address: &&u64| common.contains(&(**address / LINE_SIZE));
        let places = windows.iter().map(|window| window.iter().filter(is_common).map(|at| format!("{at:#x}")));
        let places: Vec<String> = places.map(|places| places.collect::<Vec<_>>().join(", ")).collect();
        ensure!(looked < LOOKS, "calls over two pairs write to the same lines: {}", places.join("; "));
        looked += 1;
    };
    let facts = [("of_one", one.len()), ("of_the_other", other.len())];
    Ok(Outcome::Counted(Count {
        case: name.to_owned(),
        value: 0.0,
        unit: "lines that both write",
        facts: facts.into_iter().map(|(name, count)| (name.to_owned(), count as f64)).collect(),
        calls: Some(CALLS),
        pinned: "none".to_owned(),
        notes: vec!["one process, a kernel thread and a server for each pair; their stacks are counted".to_owned()],
    }))
}

fn lines(stores: &BTreeSet<u64>) -> BTreeSet<u64> {
    stores.iter().map(|address| address / LINE_SIZE).collect()
}

/// Where a process wrote between each first mark and the next: every eighth byte of it.
fn stores(mut command: Command) -> Result<Vec<BTreeSet<u64>>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting valgrind")?;
    let windows = watch(&mut child);
    if windows.is_err() {
        // It fails only if the process has ended.
        let _ = child.kill();
    }
    let status = child.wait().context("waiting for valgrind")?;
    let windows = windows?;
    ensure!(status.success(), "the process under valgrind ended with {status}");
    Ok(windows)
}

fn watch(child: &mut Child) -> Result<Vec<BTreeSet<u64>>> {
    let trace = child.stderr.take().context("valgrind has no output")?;
    let mut said = BufReader::new(child.stdout.take().context("the process has no output")?);
    let mut start = child.stdin.take().context("the process has no input")?;
    // 0: not known yet. The process waits until it is.
    let at = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| Windows::read(trace, &at));
        let mut line = String::new();
        said.read_line(&mut line).context("reading where the mark is")?;
        at.store(u64::from_str_radix(line.trim(), 16).context("where the mark is")?, Ordering::Relaxed);
        start.write_all(b"go\n").context("starting the calls")?;
        match reader.join() {
            Ok(windows) => windows,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[derive(Default)]
struct Windows {
    done: Vec<BTreeSet<u64>>,
    open: Option<BTreeSet<u64>>,
}

impl Windows {
    fn read(trace: impl Read, at: &AtomicU64) -> Result<Vec<BTreeSet<u64>>> {
        let mut trace = BufReader::with_capacity(1 << 20, trace);
        let (mut windows, mut line) = (Self::default(), Vec::new());
        while trace.read_until(b'\n', &mut line).context("reading a trace")? > 0 {
            if let Some((address, size)) = store(&line) {
                windows.saw(address, size, at.load(Ordering::Relaxed));
            }
            line.clear();
        }
        ensure!(windows.open.is_none(), "the trace ends between two marks");
        Ok(windows.done)
    }

    fn saw(&mut self, address: u64, size: u64, mark: u64) {
        if address == mark {
            match self.open.take() {
                Some(window) => self.done.push(window),
                None => self.open = Some(BTreeSet::new()),
            }
        } else if let Some(window) = &mut self.open {
            window.extend((address / WORD..=(address + size.max(1) - 1) / WORD).map(|word| word * WORD));
        }
    }
}

/// What lackey writes of a store, ` S 1ffeff3e8,8`, or of a load and a store to one place, ` M …`.
fn store(line: &[u8]) -> Option<(u64, u64)> {
    let rest = line.strip_prefix(b" S ").or_else(|| line.strip_prefix(b" M "))?;
    let (address, size) = std::str::from_utf8(rest).ok()?.trim().split_once(',')?;
    Some((u64::from_str_radix(address, 16).ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stores_between_marks_count() {
        let trace =
            " S 40,8\nI  0400,3\n M 1000,8\n S 80,8\n L 200,4\n S bc,8\n S 1000,8\n S 300,8\n M 1000,8\n M 1000,8\n";
        let windows = Windows::read(trace.as_bytes(), &AtomicU64::new(0x1000)).unwrap();
        assert_eq!(windows, [BTreeSet::from([0x80, 0xb8, 0xc0]), BTreeSet::new()]);
        assert_eq!(lines(&windows[0]), BTreeSet::from([2, 3]));
        assert!(Windows::read(" S 1000,8\n".as_bytes(), &AtomicU64::new(0x1000)).is_err());
    }
}
