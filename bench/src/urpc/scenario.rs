//! URPC's figure 1: an editor with two threads, a window manager and a file cache manager; processors 1, 1 and 0.
//!
//! Thread 1 of the editor calls the window manager, which has a processor of its own. Meanwhile thread 2 runs, and calls the
//! file cache manager, which has none: its message is pending. Thread 1 goes on when its reply is there, and calls the file
//! cache manager, too. Now both threads wait, the editor's processor is idle, and goes to the file cache manager, which
//! answers both calls with it before it goes back.
//!
//! Each process logs by the monotonic clock: the editor when a thread calls and when it goes on, servers when a procedure
//! is entered and left, and on which processor. How often the file cache manager had a processor is the kernel's count. The
//! moment at which a processor changes hands is in nobody's log: it lies between the call after which nobody in the editor
//! ran and the procedure's first instruction, and is drawn as that span.

mod timeline;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use nearcall::sync::Semaphore;
use nearcall::{Client, thread};
use serde::{Deserialize, Serialize};

use super::callers::{now, pin};
use crate::near::idle;
use crate::ordered::{self, Ordered};
use crate::peer::{Peer, Processors, say_ready, this_program};
use crate::report::{Count, Outcome};

/// What both servers do.
#[nearcall::interface]
pub(crate) trait Steward {
    /// Works that long. When it was entered and left, in nanoseconds of the monotonic clock, and the processor.
    fn work(&self, microseconds: u32) -> [u64; 3];
}

struct Works;

/// Uses the processor for so long.
pub(crate) fn work(microseconds: u32) {
    let end = now() + 1000 * u64::from(microseconds);
    while now() < end {
        std::hint::spin_loop();
    }
}

impl Steward for Works {
    fn work(&self, microseconds: u32) -> [u64; 3] {
        let entered = now();
        work(microseconds);
        [entered, now(), rustix::thread::sched_getcpu() as u64]
    }
}

/// A server's process, until its standard input ends.
///
/// # Errors
/// When it cannot be exported.
pub(crate) fn serve(names: &Path, name: &str) -> Result<()> {
    let export = nearcall::Exporter::new(name).dir(names).export(StewardServer::new(Works));
    let export = export.context("exporting the interface")?;
    say_ready()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("waiting for the end of the input")?;
    drop(export);
    Ok(())
}

const WINDOW_MANAGER: &str = "window-manager";
const FILE_CACHE: &str = "file-cache";

/// Microseconds of the window manager's procedure, of thread 2 before it calls, and of the file cache manager's procedure.
const WINDOW_WORK: u32 = 120;
const OWN_WORK: u32 = 150;
const FILE_WORK: u32 = 20;

/// Calls of the window manager just before, so that its processor polls.
const WARM_UP: u32 = 300;

/// Between two performances: all that is not meant to run has fallen asleep.
const PAUSE: Duration = Duration::from_millis(3);

/// What the editor is told.
#[derive(Debug, Serialize, Deserialize)]
struct Play {
    names: PathBuf,
    times: u32,
    cpu: usize,
    file_cache: u32,
}

/// A call: when it was made, when its procedure was entered and left and on which processor, and when its caller went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Call {
    called: u64,
    entered: u64,
    left: u64,
    cpu: u64,
    returned: u64,
}

impl Call {
    fn make(server: &StewardClient, microseconds: u32) -> Result<Self> {
        let called = now();
        let [entered, left, cpu] = server.work(microseconds)?;
        Ok(Self { called, entered, left, cpu, returned: now() })
    }
}

/// One performance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Log {
    /// Thread 1's call of the window manager and of the file cache manager, and thread 2's of the latter.
    window: Call,
    first: Call,
    second: Call,
    /// When thread 2 began.
    began: u64,
    /// Times that the file cache manager got a processor.
    donations: u64,
    /// Whether a processor of the window manager's polled: nobody had to be roused for its call.
    polled: bool,
}

/// The editor's process.
///
/// # Errors
/// When it cannot bind, or a call fails.
pub(crate) fn edit() -> Result<()> {
    ordered::obey(|play: Play| perform(&play))
}

/// How often this side had to rouse a processor of the server's.
fn rings(client: &StewardClient) -> u64 {
    let counts = client.binding().counts();
    counts.bells + counts.messages
}

fn perform(play: &Play) -> Result<Vec<Log>> {
    let bind = |name: &str| -> Result<StewardClient> {
        let binder = nearcall::Binder::new(name).dir(&play.names).wait(Duration::from_secs(5));
        binder.bind().with_context(|| format!("binding to {name}"))
    };
    let (warm, window) = (bind(WINDOW_MANAGER)?, bind(WINDOW_MANAGER)?);
    let file = bind(FILE_CACHE)?;
    thread::set_workers(1);
    let cast = Cast { warm, window, file, file_cache: play.file_cache };
    let mut logs = Vec::with_capacity(play.times as usize);
    for _ in 0..=play.times {
        std::thread::sleep(PAUSE);
        logs.push(cast.perform(play.cpu)?);
    }
    // The first performance finds nobody where later ones do.
    logs.remove(0);
    Ok(logs)
}

/// Whom the editor calls.
struct Cast {
    warm: StewardClient,
    window: StewardClient,
    file: StewardClient,
    file_cache: u32,
}

impl Cast {
    /// Both threads are started on the editor's one processor, thread 1 first; thread 2 begins when thread 1 waits.
    fn perform(&self, cpu: usize) -> Result<Log> {
        let gone = |error| anyhow!("a thread of the editor: {error}");
        let (donations, rung) = (AtomicU64::new(0), AtomicU64::new(0));
        let is_warm = Semaphore::new(0);
        let ((window, first), (began, second)) = thread::scope(|scope| -> Result<_> {
            let one = scope.spawn(|| -> Result<(Call, Call)> {
                pin(cpu)?;
                for _ in 0..WARM_UP {
                    self.warm.work(0)?;
                }
                donations.store(idle::scheduled(self.file_cache)?.runs, Ordering::Relaxed);
                rung.store(rings(&self.window), Ordering::Relaxed);
                // Thread 2 is ready from here on, and runs when thread 1 waits.
                is_warm.release(1);
                let window = Call::make(&self.window, WINDOW_WORK)?;
                Ok((window, Call::make(&self.file, FILE_WORK)?))
            });
            let two = scope.spawn(|| -> Result<(u64, Call)> {
                is_warm.acquire()?.forget();
                let began = now();
                work(OWN_WORK);
                Ok((began, Call::make(&self.file, FILE_WORK)?))
            });
            // What thread 1 fails with leaves thread 2 waiting.
            let first = one.join().map_err(gone)?;
            if first.is_err() {
                is_warm.release(1);
            }
            Ok((first?, two.join().map_err(gone)??))
        })?;
        let donations = idle::scheduled(self.file_cache)?.runs - donations.into_inner();
        let polled = rings(&self.window) == rung.into_inner();
        Ok(Log { window, first, second, began, donations, polled })
    }
}

/// All performances.
#[derive(Debug)]
pub(crate) struct Scenario {
    logs: Vec<Log>,
    pinned: String,
}

/// Has the scenario performed some times.
///
/// # Errors
/// When there are not two processors, a process cannot be had, or a call fails.
pub(crate) fn measure(times: u32, processors: &Processors) -> Result<Scenario> {
    let [own, other, ..] = *processors.each() else { bail!("the scenario needs two processors") };
    let names = tempfile::tempdir().context("making a directory for the names")?;
    let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
    let start = |name: &str, cpu: usize| -> Result<Peer> {
        let mut command = this_program(&Processors::only(cpu), &["steward", path, name])?;
        let mut server = Peer::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        server.ready()?;
        Ok(server)
    };
    let (window_manager, file_cache) = (start(WINDOW_MANAGER, other)?, start(FILE_CACHE, own)?);
    let mut editor = Ordered::start(&Processors::only(own), &["editor"])?;
    editor.tell(&Play { names: names.path().to_owned(), times, cpu: own, file_cache: file_cache.pid() })?;
    let logs: Vec<Log> = editor.hear()?;
    drop((editor, window_manager, file_cache));
    ensure!(!logs.is_empty(), "nothing was performed");
    Ok(Scenario { logs, pinned: format!("editor {own}, window manager {other}, file cache {own}") })
}

impl Log {
    /// Whether one donation answered both calls.
    fn is_as_in_the_paper(&self) -> bool {
        self.donations == 1 && self.polled
    }

    fn start(&self) -> u64 {
        self.window.called.min(self.began)
    }

    fn end(&self) -> u64 {
        self.first.returned.max(self.second.returned)
    }

    /// The editor's processor with the file cache manager: since when it could be on its way there, which is the last that the
    /// editor did before; when it was there; and until when. One visit for both calls, if the editor did nothing in between.
    fn visits(&self) -> Vec<(u64, u64, u64)> {
        let Self { window, first, second, began, .. } = self;
        let own =
            [*began, window.called, window.returned, first.called, first.returned, second.called, second.returned];
        let before = |time: u64| own.into_iter().filter(|at| *at <= time).max().unwrap_or(time);
        let (first, second) = if first.entered < second.entered { (first, second) } else { (second, first) };
        let is_one = !own.iter().any(|at| (first.left..second.entered).contains(at));
        let visit = |from: &Call, to: &Call| (before(from.entered), from.entered, to.left);
        if is_one { vec![visit(first, second)] } else { vec![visit(first, first), visit(second, second)] }
    }

    /// What happened, in order: nanoseconds from the start, who, what.
    fn events(&self) -> Vec<(u64, &'static str, String)> {
        let mut events = vec![(self.began, "editor, T2", "runs".to_owned())];
        let mut call = |thread: &'static str, server: &'static str, to: &str, call: &Call| {
            events.push((call.called, thread, format!("calls the {to}")));
            events.push((call.entered, server, format!("begins {thread}'s call on processor {}", call.cpu)));
            events.push((call.left, server, format!("has answered {thread}'s call")));
            events.push((call.returned, thread, "goes on".to_owned()));
        };
        call("editor, T1", "window manager", "window manager", &self.window);
        call("editor, T1", "file cache", "file cache manager", &self.first);
        call("editor, T2", "file cache", "file cache manager", &self.second);
        events.sort_by_key(|(time, ..)| *time);
        let start = self.start();
        events.into_iter().map(|(time, who, what)| (time - start, who, what)).collect()
    }
}

impl Scenario {
    /// The performance that is shown: of those as in the paper the one of median length, or of all, if there is none.
    fn shown(&self) -> &Log {
        let mut logs: Vec<&Log> = self.logs.iter().filter(|log| log.is_as_in_the_paper()).collect();
        if logs.is_empty() {
            logs = self.logs.iter().collect();
        }
        logs.sort_by_key(|log| log.end() - log.start());
        logs[logs.len() / 2]
    }

    /// How many of the performances, and what of.
    fn summary(&self) -> String {
        let count = self.logs.iter().filter(|log| log.is_as_in_the_paper()).count();
        format!(
            "{count} of {} times one donation answered both calls; the editor's threads are user-level threads of one processor",
            self.logs.len()
        )
    }

    /// The picture of one performance.
    pub(crate) fn svg(&self) -> String {
        timeline::svg(self.shown(), &self.summary())
    }

    /// The log of the same one.
    pub(crate) fn text(&self) -> String {
        let log = self.shown();
        let mut text = format!("URPC's figure 1: {}\n{}\n\n", self.pinned, self.summary());
        for (time, who, what) in log.events() {
            let _ = writeln!(text, "{:>9.1} us  {who:<15} {what}", time as f64 / 1e3);
        }
        let _ = write!(
            text,
            "\nthe file cache manager had a processor {} times. Not in the log, because the library tells nobody: the moments \
             at which a processor changes hands.",
            log.donations
        );
        text
    }

    /// Donations for the two calls.
    pub(crate) fn outcome(&self) -> Outcome {
        let mut donations: Vec<f64> = self.logs.iter().map(|log| log.donations as f64).collect();
        let share = |is_meant: &dyn Fn(&Log) -> bool| {
            self.logs.iter().filter(|log| is_meant(log)).count() as f64 / self.logs.len() as f64
        };
        let facts = [
            ("one_donation", share(&|log| log.donations == 1)),
            ("two_donations", share(&|log| log.donations == 2)),
            ("more_donations", share(&|log| log.donations > 2)),
            ("as_in_the_paper", share(&Log::is_as_in_the_paper)),
            ("performances", self.logs.len() as f64),
        ];
        donations.sort_unstable_by(f64::total_cmp);
        Outcome::Counted(Count {
            case: "figure1".to_owned(),
            value: donations[donations.len() / 2],
            unit: "donations for two calls",
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
            calls: None,
            pinned: self.pinned.clone(),
            notes: vec!["the editor's threads are user-level threads of one processor".to_owned()],
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As it should be, in microseconds.
    pub(super) fn ideal() -> Log {
        let call = |called: u64, entered: u64, left: u64, returned: u64, cpu: u64| Call {
            called: 1000 * called,
            entered: 1000 * entered,
            left: 1000 * left,
            returned: 1000 * returned,
            cpu,
        };
        Log {
            window: call(1, 2, 62, 125, 1),
            first: call(126, 150, 170, 174, 0),
            second: call(124, 129, 149, 172, 0),
            began: 4000,
            donations: 1,
            polled: true,
        }
    }

    #[test]
    fn events_are_in_order() {
        let events = ideal().events();
        assert_eq!(events.len(), 13);
        assert!(events.is_sorted_by_key(|(time, ..)| *time));
        assert_eq!(ideal().visits(), [(126_000, 129_000, 170_000)]);
        let mut twice = ideal();
        twice.second.returned = 149_500;
        assert_eq!(twice.visits(), [(126_000, 129_000, 149_000), (149_500, 150_000, 170_000)]);
        assert_eq!(events[0], (0, "editor, T1", "calls the window manager".to_owned()));
    }

    #[test]
    fn a_performance_as_in_the_paper_is_shown_if_there_is_one() {
        let other = Log { donations: 2, ..ideal() };
        let scenario = Scenario { logs: vec![other.clone(), ideal(), other.clone()], pinned: String::new() };
        assert_eq!(scenario.shown().donations, 1);
        assert!(scenario.summary().starts_with("1 of 3"));
        let Outcome::Counted(count) = scenario.outcome() else { panic!() };
        assert_eq!(count.value, 2.0);
        let scenario = Scenario { logs: vec![other], pinned: String::new() };
        assert_eq!(scenario.shown().donations, 2);
        assert!(scenario.text().contains("a processor 2 times"));
    }
}
