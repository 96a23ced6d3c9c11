//! URPC's figures 3 and 4: latency and throughput of null calls by the number of calling threads T, for some numbers of
//! processors of the client (C) and of the server (S).
//!
//! *S processors of the server* are processors that poll and nothing else; with S = 0 the server is confined to the client's
//! own, has none that polls, and lives on those that callers give it when no thread of theirs can run. *A donation* is counted by the
//! kernel: with S = 0, twice the times that a kernel thread of the server gets a processor, as if each was the client's before, and
//! is afterwards. It is more than there were if the server's watcher runs, or, with C = 2, one that is woken finds the other
//! processor idle. With S > 0 the server is confined to processors of its own, and nobody can give it one: no donations, by how
//! it is made. *A switch* is any kernel thread of either side getting a processor.
//!
//! A point for which the machine has not C + S processors is *oversubscribed*, and says so wherever it shows.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result};

use super::callers::{Callers, ClientThreads, Turnout};
use super::knee::{Knee, knee};
use super::plot::{Axis, Line, Mark, Plot, Spacing};
use super::rig::{Pair, together};
use crate::count::syscalls;
use crate::near::session::Wait;
use crate::peer::{Processors, has};
use crate::report::{Against, Count, Outcome, Row};
use crate::sample::median;

/// Threads of the client.
const THREADS: std::ops::RangeInclusive<usize> = 1..=10;

/// The share of calls that may be taken otherwise than the label of a point says.
const UNTRUE_MAX: f64 = 0.02;

/// The share of the variance that a knee has to explain to be one.
const FIT_MIN: f64 = 0.5;

/// Processors of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    client: usize,
    server: usize,
}

/// The lines of the figures. All fit a machine with two processors.
const SETTINGS: [Setting; 3] =
    [Setting { client: 1, server: 0 }, Setting { client: 2, server: 0 }, Setting { client: 1, server: 1 }];

impl Setting {
    fn label(self) -> String {
        format!("C = {}, S = {}", self.client, self.server)
    }

    fn name(self, threads: usize) -> String {
        format!("figure4.c{}s{}.t{threads}", self.client, self.server)
    }

    /// Processors of the client and of the server; and whether there are not enough.
    fn place(self, all: &[usize]) -> (Vec<usize>, Vec<usize>, bool) {
        let at = |index: usize| all[index % all.len()];
        let client: Vec<usize> = (0..self.client).map(at).collect();
        let server = (self.client..self.client + self.server).map(at).collect();
        (client.clone(), if self.server == 0 { client } else { server }, self.client + self.server > all.len())
    }

    fn donations(self, turnout: &Turnout) -> f64 {
        if self.server == 0 { 2.0 * turnout.per_call(turnout.server_runs) } else { 0.0 }
    }

    /// Why the label is not true of `turnout`, if it is not: nobody may use a processor that the label does not count; with
    /// S = 0 nobody polls, and with S > 0 somebody always does.
    fn untrue(self, turnout: &Turnout) -> Option<String> {
        if turnout.outside > 0 {
            return Some(format!("{} kernel threads were not confined to the label's processors", turnout.outside));
        }
        let polled = turnout.per_call(turnout.polled);
        let (is_untrue, label) = if self.server == 0 {
            (polled > UNTRUE_MAX, "with no processor for that")
        } else {
            (polled < 1.0 - UNTRUE_MAX, "with a processor for that")
        };
        is_untrue.then(|| format!("{:.0} % of the calls were answered by polling, {label}", 100.0 * polled))
    }
}

/// A point of a line: medians over the rounds.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    setting: Setting,
    threads: usize,
    rate: f64,
    /// Microseconds: the mean (threads divided by rate: each is always in a call), and of single calls.
    latency: f64,
    p50: f64,
    p99: f64,
    donations: f64,
    switches: f64,
    spun: f64,
    ring_tries: f64,
    rounds: usize,
    pinned: String,
    is_oversubscribed: bool,
    notes: Vec<String>,
}

/// Measures all points, round after round, every other one backwards.
///
/// # Errors
/// When a process cannot be had or a call fails.
pub(crate) fn measure(rounds: u32, time: Duration, processors: &Processors) -> Result<Vec<Point>> {
    let all: Vec<(Setting, usize)> =
        SETTINGS.iter().flat_map(|setting| THREADS.map(move |threads| (*setting, threads))).collect();
    let mut turnouts: Vec<Vec<Turnout>> = vec![Vec::new(); all.len()];
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..all.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (setting, threads) = all[index];
            let turnout = at(setting, threads, time, processors).with_context(|| setting.name(threads))?;
            turnouts[index].push(turnout);
        }
    }
    let points = all.iter().zip(&turnouts);
    Ok(points.map(|((setting, threads), found)| point(*setting, *threads, found, processors)).collect())
}

fn at(setting: Setting, threads: usize, time: Duration, processors: &Processors) -> Result<Turnout> {
    traced(setting, threads, time, processors, None)
}

/// The same, with the system calls of both sides in these two files.
fn traced(
    setting: Setting,
    threads: usize,
    time: Duration,
    processors: &Processors,
    traces: Option<&[String; 2]>,
) -> Result<Turnout> {
    let (client, server, _) = setting.place(processors.each());
    let mut pair = [Pair::start_traced(&client, &server, Wait::Auto, setting.server > 0, traces)?];
    let turnouts = together(&mut pair, threads, time, None)?;
    turnouts.into_iter().next().context("a pair has one turnout")
}

fn point(setting: Setting, threads: usize, found: &[Turnout], processors: &Processors) -> Point {
    let of = |value: &dyn Fn(&Turnout) -> f64| median(found.iter().map(value).collect());
    let (client, server, is_oversubscribed) = setting.place(processors.each());
    let mut notes: Vec<String> = found.iter().filter_map(|turnout| setting.untrue(turnout)).collect();
    notes.truncate(1);
    if is_oversubscribed {
        notes.push("oversubscribed: C + S processors are more than there are".to_owned());
    }
    notes.push(ClientThreads::ARE.to_owned());
    Point {
        setting,
        threads,
        rate: of(&Turnout::rate),
        latency: of(&|turnout| threads as f64 * 1e6 / turnout.rate()),
        p50: of(&|turnout| turnout.latency_p50_ns / 1e3),
        p99: of(&|turnout| turnout.latency_p99_ns / 1e3),
        donations: of(&|turnout| setting.donations(turnout)),
        switches: of(&|turnout| turnout.per_call(turnout.client_runs + turnout.server_runs)),
        spun: of(&|turnout| turnout.per_call(turnout.spun)),
        ring_tries: of(&|turnout| turnout.per_call(turnout.ring_tries)),
        rounds: found.len(),
        pinned: format!("{client:?} {server:?}"),
        is_oversubscribed,
        notes,
    }
}

/// The knee of each line's throughput.
fn knees(points: &[Point]) -> Vec<(Setting, Option<Knee>)> {
    let line = |setting: Setting| -> Vec<(f64, f64)> {
        let of = points.iter().filter(|point| point.setting == setting);
        of.map(|point| (point.threads as f64, point.rate)).collect()
    };
    SETTINGS.iter().map(|setting| (*setting, knee(&line(*setting)))).collect()
}

/// The points as results, and the knees.
pub(crate) fn outcomes(points: &[Point]) -> Vec<Outcome> {
    let rows = points.iter().map(|point| {
        let facts = [
            ("latency_us", point.latency),
            ("latency_p50_us", point.p50),
            ("latency_p99_us", point.p99),
            ("donations_per_call", point.donations),
            ("switches_per_call", point.switches),
            ("spun", point.spun),
            ("ring_tries", point.ring_tries),
        ];
        Outcome::Measured(Row {
            case: point.setting.name(point.threads),
            value: point.rate,
            unit: "calls/s",
            against: None,
            p50: point.threads as f64 * 1e6 / point.p50,
            p99: point.threads as f64 * 1e6 / point.p99,
            rounds: point.rounds,
            pinned: point.pinned.clone(),
            ways: Vec::new(),
            beside: Vec::new(),
            rival: None,
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            notes: point.notes.clone(),
        })
    });
    let knees = knees(points).into_iter().filter_map(|(setting, knee)| {
        let knee = knee?;
        let processors = (setting.client + setting.server) as f64;
        let mut notes = vec!["least squares of a line that ends at the knee".to_owned(), ClientThreads::ARE.to_owned()];
        if knee.fit < FIT_MIN {
            notes.push("no knee: the line explains too little".to_owned());
        }
        Some(Outcome::Counted(Count {
            case: format!("figure4.c{}s{}.knee", setting.client, setting.server),
            value: knee.at,
            unit: "threads",
            facts: BTreeMap::from([("c_plus_s".to_owned(), processors), ("fit".to_owned(), knee.fit)]),
            calls: None,
            pinned: "as its points".to_owned(),
            notes,
        }))
    });
    rows.chain(knees).collect()
}

/// The points as a table.
pub(crate) fn table(points: &[Point]) -> String {
    let mut text = format!("Figures 3 and 4: null calls by threads T; {}\n", ClientThreads::ARE);
    for (setting, knee) in knees(points) {
        let _ = writeln!(
            text,
            "\n{}\n{:>4} {:>12} {:>12} {:>9} {:>9} {:>15} {:>14} {:>7}",
            setting.label(),
            "T",
            "calls/s",
            "latency us",
            "p50",
            "p99",
            "donations/call",
            "switches/call",
            "spun"
        );
        for point in points.iter().filter(|point| point.setting == setting) {
            let own = point.notes.iter().filter(|note| *note != ClientThreads::ARE);
            let notes: String = own.map(|note| format!("  NOTE {note}")).collect();
            let Point { threads, rate, latency, p50, p99, donations, switches, spun, .. } = point;
            let _ = writeln!(
                text,
                "{threads:>4} {rate:>12.0} {latency:>12.3} {p50:>9.3} {p99:>9.3} {donations:>15.3} {switches:>14.3} {spun:>7.3}{notes}"
            );
        }
        let Some(Knee { at, fit }) = knee else { continue };
        let place = if fit < FIT_MIN { "no knee".to_owned() } else { format!("knee at T = {at:.0}") };
        let (sum, fit) = (setting.client + setting.server, 100.0 * fit);
        let _ = writeln!(
            text,
            "{place} (C + S = {sum}): a line that ends at T = {at:.0} explains {fit:.0} % of the variance"
        );
    }
    text
}

/// The two figures as SVG.
pub(crate) fn plots(points: &[Point]) -> [(&'static str, String); 2] {
    let knees = knees(points);
    let plot = |title: &str, y: &str, value: fn(&Point) -> f64, with_knees: bool| {
        let line = |setting: Setting| {
            let own = points.iter().filter(|point| point.setting == setting);
            let knee = knees.iter().find(|(other, _)| *other == setting).and_then(|(_, knee)| *knee);
            let is_knee = |point: &Point| {
                with_knees && knee.is_some_and(|knee| knee.fit >= FIT_MIN && knee.at == point.threads as f64)
            };
            let mark = |point: &Point| Mark {
                x: point.threads as f64,
                y: value(point),
                is_hollow: point.is_oversubscribed,
                is_ringed: is_knee(point),
            };
            Line { label: setting.label(), marks: own.map(mark).collect() }
        };
        let note = format!(
            "{}; hollow: oversubscribed{}",
            ClientThreads::ARE,
            if with_knees { "; ringed: the knee, by least squares" } else { "" }
        );
        Plot {
            title: title.to_owned(),
            note,
            x: Axis { label: "threads of the client (T)".to_owned(), scale: Spacing::Whole },
            y: Axis { label: y.to_owned(), scale: Spacing::Logarithmic },
            lines: SETTINGS.map(line).to_vec(),
        }
        .svg()
    };
    [
        ("figure3.svg", plot("Call latency", "latency, us (logarithmic)", |point| point.latency, false)),
        ("figure4.svg", plot("Call throughput", "calls a second (logarithmic)", |point| point.rate, true)),
    ]
}

/// The case `pipeline2`: the throughput of two threads of one processor, over that of one, with a processor of the server's
/// that polls; in rounds, each with both, every other one backwards.
///
/// # Errors
/// As [`measure`].
pub(crate) fn pipeline2(rounds: u32, time: Duration, processors: &Processors) -> Result<Outcome> {
    let setting = SETTINGS[2];
    let case = "pipeline2".to_owned();
    let (client, server, is_oversubscribed) = setting.place(processors.each());
    if is_oversubscribed {
        return Ok(Outcome::Skipped { case, reason: "needs two processors, one is allowed".to_owned() });
    }
    let mut found: [Vec<Turnout>; 2] = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for turn in 0..2 {
            let index = if round % 2 == 0 { turn } else { 1 - turn };
            found[index].push(at(setting, index + 1, time, processors)?);
        }
    }
    let rates = |of: usize| -> Vec<f64> { found[of].iter().map(Turnout::rate).collect() };
    let (one, two) = (rates(0), rates(1));
    let ratio = median(two.iter().zip(&one).map(|(two, one)| two / one).collect());
    let told = outcomes(&[point(setting, 2, &found[1], processors)]).into_iter().next();
    let Some(Outcome::Measured(mut row)) = told else { anyhow::bail!("a point has one row") };
    row.case = case;
    row.pinned = format!("{client:?} {server:?}");
    match system_calls(setting, 2, time, processors)? {
        Some(made) => row.facts.extend(made),
        None => row.notes.push("there is no strace: system calls were not counted".to_owned()),
    }
    row.against = Some(Against { name: setting.name(1), value: median(one), ratio });
    Ok(Outcome::Measured(row))
}

/// Windows of which the one with the fewest system calls counts: whoever takes a processor for a while ends the server's polling.
const TRACED: u32 = 3;

/// System calls for each call, of each side: all that the kernel saw in a window. `None`: there is no strace.
fn system_calls(
    setting: Setting,
    threads: usize,
    time: Duration,
    processors: &Processors,
) -> Result<Option<Vec<(String, f64)>>> {
    if !has("strace") {
        return Ok(None);
    }
    let mut least: Option<Vec<(String, f64)>> = None;
    for _ in 0..TRACED {
        let directory = tempfile::tempdir().context("making a directory for the traces")?;
        let path = |side: &str| directory.path().join(side).to_str().map(str::to_owned);
        let traces = [path("client"), path("server")].map(|path| path.context("a temporary name is not UTF-8"));
        let traces = match traces {
            [Ok(client), Ok(server)] => [client, server],
            [Err(error), _] | [_, Err(error)] => return Err(error),
        };
        let turnout = traced(setting, threads, time, processors, Some(&traces))?;
        let mut made = vec![("system_calls".to_owned(), 0.0)];
        for (side, trace) in ["client", "server"].iter().zip(&traces) {
            let (count, _) =
                syscalls::between_marks(trace.as_ref()).with_context(|| format!("the trace of the {side}"))?;
            made[0].1 += turnout.per_call(count as u64);
            made.push((format!("system_calls_{side}"), turnout.per_call(count as u64)));
        }
        if least.as_ref().is_none_or(|least| made[0].1 < least[0].1) {
            least = Some(made);
        }
    }
    Ok(least)
}

/// The case `s0_donations`: processors that change hands in a call from one thread, both sides on one processor.
///
/// # Errors
/// As [`measure`].
pub(crate) fn s0_donations(time: Duration, processors: &Processors) -> Result<Outcome> {
    let setting = SETTINGS[0];
    let turnout = at(setting, 1, time, processors)?;
    let (client, server, _) = setting.place(processors.each());
    let facts = [
        ("client_runs", turnout.per_call(turnout.client_runs)),
        ("server_runs", turnout.per_call(turnout.server_runs)),
        ("donated", turnout.per_call(turnout.donated)),
        ("spun", turnout.per_call(turnout.spun)),
        ("polled", turnout.per_call(turnout.polled)),
        ("client_waited_ns", turnout.per_call(turnout.client_waited)),
        ("server_waited_ns", turnout.per_call(turnout.server_waited)),
        ("call_ns", turnout.nanoseconds as f64 / turnout.calls.max(1) as f64),
        ("client_sleeps", turnout.per_call(turnout.sleeps)),
        ("client_yields", turnout.per_call(turnout.yields)),
        ("bells", turnout.per_call(turnout.bells)),
        ("messages", turnout.per_call(turnout.messages)),
    ];
    Ok(Outcome::Counted(Count {
        case: "s0_donations".to_owned(),
        value: setting.donations(&turnout),
        unit: "donations/call",
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        calls: Some(turnout.counted),
        pinned: format!("{client:?} {server:?}"),
        notes: setting.untrue(&turnout).into_iter().collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_lacks_is_said() {
        let places = |client, server, all: &[usize]| Setting { client, server }.place(all);
        assert_eq!(places(1, 1, &[0, 1]), (vec![0], vec![1], false));
        assert_eq!(places(2, 0, &[4, 5]), (vec![4, 5], vec![4, 5], false));
        assert_eq!(places(2, 1, &[0, 1]), (vec![0, 1], vec![0], true));
        assert_eq!(places(1, 1, &[3]), (vec![3], vec![3], true));
    }

    fn turnout(spun: u64, server_runs: u64) -> Turnout {
        Turnout {
            calls: 100,
            nanoseconds: 1_000_000,
            latency_p50_ns: 9000.0,
            latency_p99_ns: 9900.0,
            counted: 100,
            spun,
            polled: spun,
            donated: 100 - spun,
            sleeps: 0,
            yields: 100,
            bells: 0,
            messages: 0,
            ring_tries: 0,
            client_runs: 100,
            server_runs,
            client_waited: 0,
            server_waited: 0,
            outside: 0,
        }
    }

    #[test]
    fn labels_are_checked() {
        let [parked, _, polling] = SETTINGS;
        assert_eq!(parked.untrue(&turnout(0, 100)), None);
        assert!(parked.untrue(&turnout(50, 100)).is_some());
        assert_eq!(polling.untrue(&turnout(100, 0)), None);
        assert!(polling.untrue(&turnout(97, 3)).is_some(), "a standby that is woken now and then");
        assert!(parked.untrue(&Turnout { outside: 1, ..turnout(0, 100) }).is_some());
        assert_eq!(parked.donations(&turnout(0, 100)), 2.0);
        assert_eq!(parked.donations(&turnout(0, 10)), 0.2, "one processor for ten calls");
    }

    #[test]
    fn points_and_knees_are_told() {
        let processors = Processors::find().unwrap();
        let points: Vec<Point> =
            THREADS.map(|threads| point(SETTINGS[0], threads, &[turnout(0, 50)], &processors)).collect();
        assert_eq!(outcomes(&points).len(), 11);
        let text = table(&points);
        assert!(text.contains("knee at T = 1 (C + S = 1): a line"), "{text}");
        for (_, picture) in plots(&points) {
            assert!(picture.contains("C = 1, S = 0"));
        }
    }
}
