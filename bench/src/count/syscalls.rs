//! System calls of a call, on each side, while the server polls.
//!
//! Client and server run under an strace of their own each. Only system calls are stopped, so a pair that makes none
//! runs at full speed. Both sides mark the beginning and the end of the calls that count with a question that the traces
//! show, so what set-up and warm-up do is not counted, nor what happens to differ between two runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::case::{Spec, Work};
use crate::client::Task;
use crate::measure::{Job, Pace};
use crate::near::calls::Procedure;
use crate::near::interface::MARK;
use crate::near::session::{How, Wait};
use crate::peer::{Peer, Placement, Side, has, under};
use crate::report::{Count, Outcome};
use crate::round::Setting;
use crate::sample::Way;
use crate::threads::Threads;

/// Calls that are counted.
const CALLS: u64 = 100_000;

/// Calls before those, after the server began to poll.
const WARM_UP: u64 = 20_000;

/// The same for calls of 64 KiB, which take longer, and are counted for what their memory costs: nothing after the first.
const LARGE_CALLS: u64 = 10_000;

/// Counts; skipped without strace or a second processor.
///
/// # Errors
/// When a process fails or a trace has no marks.
pub(crate) fn count(name: &str, procedure: Procedure, setting: &Setting) -> Result<Outcome> {
    let skip = |reason: &str| Ok(Outcome::Skipped { case: name.to_owned(), reason: reason.to_owned() });
    let placement = Placement::Apart;
    if let Some(reason) = setting.processors.lacking(placement) {
        return skip(reason);
    }
    if !has("strace") {
        return skip("there is no strace; with Debian's packages: apt-get install strace");
    }
    let directory = tempfile::tempdir().context("making a directory for the traces")?;
    let names = directory.path().join("names");
    fs::create_dir(&names).context("making a directory for the name")?;
    let how = How { procedure, wait: Wait::Auto, until_polled: true };
    let calls = if procedure == Procedure::Null { CALLS } else { LARGE_CALLS };
    let spec = Spec { work: Work::Near(how), placement, pace: Pace::BackToBack };
    let job = Job::Exactly { warm_up: WARM_UP.min(calls), calls };
    let task = Task { spec, job, processors: setting.processors.clone(), server: Some(names.clone()) };
    let traces = [Side::Client, Side::Server].map(|side| directory.path().join(format!("{side:?}")));
    let way = trace(&task, &names, &traces)?;
    let mut counted = Vec::new();
    let mut facts = way.sample.facts;
    let mut notes = way.sample.notes;
    for (side, path) in ["client", "server"].iter().zip(&traces) {
        let (made, which) = between_marks(path).with_context(|| format!("the trace of the {side}"))?;
        facts.insert((*side).to_owned(), made as f64 / calls as f64);
        counted.push(made);
        if made > 0 {
            notes.push(format!("{side} made {which}"));
        }
    }
    Ok(Outcome::Counted(Count {
        case: name.to_owned(),
        value: counted.iter().sum::<usize>() as f64 / calls as f64,
        unit: "system calls/call",
        facts,
        calls: Some(calls),
        pinned: setting.processors.describe(placement),
        notes,
    }))
}

/// Counts what the kernel thread makes on which threads of ours fork, join, yield and so on; others are told beside it: the
/// hidden one of the watchdog looks every 50 ms.
///
/// # Errors
/// When a process fails or a trace has no marks.
pub(crate) fn of_threads(name: &str, what: Threads, setting: &Setting) -> Result<Outcome> {
    if !has("strace") {
        let reason = "there is no strace; with Debian's packages: apt-get install strace".to_owned();
        return Ok(Outcome::Skipped { case: name.to_owned(), reason });
    }
    let placement = Placement::Free;
    let spec = Spec { work: Work::Threads(what), placement, pace: Pace::BackToBack };
    let job = Job::Exactly { warm_up: WARM_UP, calls: CALLS };
    let task = Task { spec, job, processors: setting.processors.clone(), server: None };
    let directory = tempfile::tempdir().context("making a directory for the trace")?;
    let path = directory.path().join("trace");
    let trace = path.to_str().context("a temporary name is not UTF-8")?;
    let json = serde_json::to_string(&task)?;
    let start = task.processors.start(placement, Side::Client);
    let output = under(&tool(trace), &start, &["client", &json])?.stdin(Stdio::null()).output().context("strace")?;
    if !output.status.success() {
        bail!("the client under strace ended with {}", output.status);
    }
    let text = fs::read_to_string(&path).context("reading the trace")?;
    let marker = text.lines().find(|line| line.contains(MARK)).and_then(|line| line.split_whitespace().next());
    let marker = marker.context("the trace has no marks")?;
    let (own, others): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.contains(MARK) || line.split_whitespace().next() == Some(marker));
    let own = own.join("\n");
    let made = marked_calls(&own)?;
    let notes = if made.is_empty() { Vec::new() } else { vec![format!("it made {}", tally(&made))] };
    // From start to end of the process, since they have no marks.
    let others = others.iter().filter(|line| call_name(line).is_some()).count();
    Ok(Outcome::Counted(Count {
        case: name.to_owned(),
        value: made.len() as f64 / CALLS as f64,
        unit: "system calls/call",
        facts: [("other_threads_in_all".to_owned(), others as f64)].into(),
        calls: Some(CALLS),
        pinned: setting.processors.describe(placement),
        notes,
    }))
}

fn trace(task: &Task, names: &Path, [client_trace, server_trace]: &[PathBuf; 2]) -> Result<Way> {
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a temporary name is not UTF-8");
    let start = |side| task.processors.start(task.spec.placement, side);
    let (names, server_trace) = (text(names)?, text(server_trace)?);
    let mut server = under(&tool(&server_trace), &start(Side::Server), &["serve", &names])?;
    let mut server = Peer::spawn(server.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    server.ready()?;
    let client_trace = text(client_trace)?;
    let json = serde_json::to_string(task)?;
    let output = under(&tool(&client_trace), &start(Side::Client), &["client", &json])?
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running the client under strace")?;
    if !output.status.success() {
        bail!("the client under strace ended with {}", output.status);
    }
    let ways: Vec<Way> = serde_json::from_slice(&output.stdout).context("reading the client's result")?;
    ways.into_iter().next().context("the client measured nothing")
}

/// Has the system calls of a process written to the file `trace`.
pub(crate) fn tool(trace: &str) -> [&str; 5] {
    ["strace", "-f", "-qq", "-o", trace]
}

/// How many system calls a trace has between its two marks, and which.
///
/// # Errors
/// When it cannot be read, or has no two marks.
pub(crate) fn between_marks(trace: &Path) -> Result<(usize, String)> {
    let text = fs::read_to_string(trace).with_context(|| format!("reading {}", trace.display()))?;
    let made = marked_calls(&text)?;
    Ok((made.len(), tally(&made)))
}

/// Names of the system calls that begin between the two marks of a trace of all kernel threads of a process.
fn marked_calls(trace: &str) -> Result<Vec<&str>> {
    let lines: Vec<&str> = trace.lines().collect();
    let marks: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(MARK)).collect();
    let [begin, end] = marks[..] else {
        bail!("has {} marks, not 2", marks.len());
    };
    Ok(lines[begin + 1..end].iter().filter_map(|line| call_name(line)).collect())
}

/// The name of the system call that begins in a line of strace: not that of a line which resumes one, says that a signal
/// came, or that a thread ended.
fn call_name(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start();
    let (name, _) = rest.split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_name.then_some(name)
}

fn tally(names: &[&str]) -> String {
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let groups = sorted.chunk_by(|a, b| a == b).map(|group| format!("{} {}", group.len(), group[0]));
    groups.collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
17 write(1, \"x\", 1) = 1
17 access(\"/nearcall-bench-mark\", F_OK) = -1 ENOENT (No such file or directory)
18 futex(0x7f, FUTEX_WAIT, 0, NULL <unfinished ...>
17 sched_yield() = 0
18 <... futex resumed>) = 0
17 --- SIGCHLD {si_signo=SIGCHLD} ---
18 futex(0x7f, FUTEX_WAKE, 1) = 1
18 +++ exited with 0 +++
17 access(\"/nearcall-bench-mark\", F_OK) = -1 ENOENT (No such file or directory)
17 exit_group(0) = ?
";

    #[test]
    fn only_what_begins_between_the_marks_counts() {
        let calls = marked_calls(TRACE).unwrap();
        assert_eq!(calls, ["futex", "sched_yield", "futex"]);
        assert_eq!(tally(&calls), "2 futex and 1 sched_yield");
    }

    #[test]
    fn a_trace_without_marks_is_no_trace() {
        assert!(marked_calls("17 write(1, \"x\", 1) = 1\n").is_err());
        assert!(marked_calls(&TRACE.replacen("-mark", "", 1)).is_err());
    }
}
