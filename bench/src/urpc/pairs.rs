//! LRPC's figure 2: calls a second by the number of pairs, on one processor and on two; and with one global lock.
//!
//! As there, without domain caching: callers give their processor to the server ([`Wait::Donate`]), so each call changes
//! the address space twice, and pairs share nothing but the machine. *The lock* is one word of memory that all processes
//! share; a client holds it from before each call until after it. SRC RPC holds its lock during a large part of a call's
//! way; ours is held during all of it. It is the benchmark's own: the library has no such lock to build with.

use std::fmt::Write;
use std::fs::File;
use std::time::Duration;

use anyhow::{Context, Result};

use super::callers::Turnout;
use super::plot::{Axis, Line, Mark, Plot, Spacing};
use super::rig::{Pair, together};
use crate::case::{Spec, Work};
use crate::client::Task;
use crate::floor::Floor;
use crate::measure::{Job, Pace};
use crate::mem::REGION_BYTES;
use crate::near::session::Wait;
use crate::peer::{Placement, Processors};
use crate::report::{Against, Outcome, Row};
use crate::round::Setting;
use crate::sample::median;

/// A point of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    /// Pairs that call.
    pub(crate) pairs: usize,
    /// Processors that they have, one after the other.
    pub(crate) cpus: usize,
    /// Whether all calls take one lock.
    pub(crate) locked: bool,
}

impl Point {
    const fn new(pairs: usize, cpus: usize, locked: bool) -> Self {
        Self { pairs, cpus, locked }
    }

    /// As in results.
    pub(crate) fn name(self) -> String {
        let Self { pairs, cpus, locked } = self;
        let (pairs, cpus) = (counted(pairs, "pair", ""), counted(cpus, "cpu", ""));
        format!("figure2.{pairs}_{cpus}{}", if locked { ".global_lock" } else { "" })
    }
}

fn counted(count: usize, what: &str, between: &str) -> String {
    format!("{count}{between}{what}{}", if count == 1 { "" } else { "s" })
}

/// One pair, on a processor.
const ONE: Point = Point::new(1, 1, false);
/// Two, each on a processor of its own.
const TWO: Point = Point::new(2, 2, false);

/// The points. One pair has no use for a second processor without domain caching; it is not a point.
pub(crate) const POINTS: [Point; 6] =
    [ONE, Point::new(2, 1, false), TWO, Point::new(1, 1, true), Point::new(2, 1, true), Point::new(2, 2, true)];

/// What one round found for a point.
#[derive(Debug, Clone)]
struct Seen {
    rate: f64,
    turnouts: Vec<Turnout>,
}

/// All rounds of all points.
#[derive(Debug)]
pub(crate) struct Figure {
    seen: Vec<(Point, Vec<Seen>)>,
    cpus: Vec<usize>,
}

/// Measures `points`, round after round, every other one backwards.
///
/// # Errors
/// When a process cannot be had or a call fails.
pub(crate) fn measure(points: &[Point], rounds: u32, time: Duration, processors: &Processors) -> Result<Figure> {
    measure_beside(points, rounds, time, processors, || Ok(()))
}

/// The same, with something else measured in each round.
fn measure_beside(
    points: &[Point],
    rounds: u32,
    time: Duration,
    processors: &Processors,
    mut beside: impl FnMut() -> Result<()>,
) -> Result<Figure> {
    let cpus = processors.each().to_vec();
    let mut seen: Vec<(Point, Vec<Seen>)> =
        points.iter().filter(|point| point.cpus <= cpus.len()).map(|point| (*point, Vec::new())).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..seen.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let (point, found) = &mut seen[index];
            found.push(at(*point, round as usize, time, &cpus).with_context(|| point.name())?);
        }
        beside()?;
    }
    Ok(Figure { seen, cpus })
}

fn at(point: Point, round: usize, time: Duration, cpus: &[usize]) -> Result<Seen> {
    let lock = tempfile::NamedTempFile::new().context("making a file for the lock")?;
    File::options().write(true).open(lock.path())?.set_len(REGION_BYTES as u64)?;
    // What runs on one processor does so on each in turn: they need not be equally fast.
    let cpu = |pair: usize| cpus[if point.cpus == 1 { round } else { pair } % cpus.len()];
    let mut pairs = (0..point.pairs)
        .map(|pair| Pair::start(&[cpu(pair)], &[cpu(pair)], Wait::Donate, true))
        .collect::<Result<Vec<Pair>>>()?;
    let turnouts = together(&mut pairs, 1, time, point.locked.then(|| lock.path()))?;
    Ok(Seen { rate: turnouts.iter().map(Turnout::rate).sum(), turnouts })
}

impl Figure {
    fn found(&self, point: Point) -> Option<&[Seen]> {
        self.seen.iter().find(|(other, _)| *other == point).map(|(_, seen)| seen.as_slice())
    }

    /// Calls a second at each point: the median of the rounds.
    pub(crate) fn rates(&self) -> Vec<(Point, f64)> {
        self.seen.iter().map(|(point, seen)| (*point, median(seen.iter().map(|one| one.rate).collect()))).collect()
    }

    /// The point as a result, divided by one pair on one processor, with or without lock as it is itself.
    pub(crate) fn outcome(&self, point: Point, name: &str) -> Outcome {
        let Some(seen) = self.found(point) else {
            return Outcome::Skipped {
                case: name.to_owned(),
                reason: "needs two processors, one is allowed".to_owned(),
            };
        };
        let one = Point { locked: point.locked, ..ONE };
        let values: Vec<f64> = seen.iter().map(|one| one.rate).collect();
        let against = self.found(one).filter(|_| one != point).map(|ones| {
            // Each processor takes its turn with one pair: the mean of a round and the next is that of both.
            let ones: Vec<f64> = ones.iter().map(|one| one.rate).collect();
            let next = |at: usize| ones.get(at + 1).or(ones.get(at.wrapping_sub(1))).copied().unwrap_or(ones[at]);
            let both: Vec<f64> = (0..ones.len()).map(|at| f64::midpoint(ones[at], next(at))).collect();
            let ratio = median(values.iter().zip(&both).map(|(value, one)| value / one).collect());
            Against { name: one.name(), value: median(both), ratio }
        });
        let latency = |of: fn(&Turnout) -> f64| {
            // Calls of one caller, at this latency, a second.
            1e9 / median(seen.iter().flat_map(|one| &one.turnouts).map(of).collect())
        };
        let of_all = |of: fn(&Turnout) -> f64| median(seen.iter().flat_map(|one| &one.turnouts).map(of).collect());
        let facts = [
            ("donated", of_all(|turnout| turnout.per_call(turnout.donated))),
            ("spun", of_all(|turnout| turnout.per_call(turnout.spun))),
            ("runs_per_call", of_all(|turnout| turnout.per_call(turnout.client_runs + turnout.server_runs))),
        ];
        let cpus: Vec<String> = self.cpus.iter().take(point.cpus).map(ToString::to_string).collect();
        Outcome::Measured(Row {
            case: name.to_owned(),
            value: median(values),
            unit: "calls/s",
            against,
            p50: latency(|turnout| turnout.latency_p50_ns),
            p99: latency(|turnout| turnout.latency_p99_ns),
            rounds: seen.len(),
            pinned: if point.cpus == 1 { "each in turn".to_owned() } else { cpus.join(",") },
            ways: Vec::new(),
            beside: Vec::new(),
            rival: None,
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            notes: Vec::new(),
        })
    }
}

impl Figure {
    /// The figure as a table.
    pub(crate) fn text(&self) -> String {
        let mut text =
            String::from("LRPC's figure 2: null calls a second by pairs and processors, without domain caching\n\n");
        let rates = self.rates();
        for (point, rate) in &rates {
            let one = rates.iter().find(|(other, _)| *other == Point { locked: point.locked, ..ONE });
            let ratio = one.map_or(f64::NAN, |(_, one)| rate / one);
            let how = if point.locked { "one global lock" } else { "no lock is shared" };
            let what = format!("{}, {}", counted(point.pairs, "pair", " "), counted(point.cpus, "processor", " "));
            let _ = writeln!(text, "{what:<24}{how:<18}{rate:>10.0}  ({ratio:.2} of one pair)");
        }
        text
    }

    /// The figure as SVG: with as many processors as pairs, as in the paper, and all pairs on one.
    pub(crate) fn svg(&self) -> String {
        let rates = self.rates();
        let line = |label: &str, locked: bool, is_meant: fn(&Point) -> bool| {
            let own = rates.iter().filter(|(point, _)| point.locked == locked && is_meant(point));
            let mark = |(point, rate): &(Point, f64)| Mark {
                x: point.pairs as f64,
                y: *rate,
                is_hollow: point.pairs > point.cpus,
                is_ringed: false,
            };
            Line { label: label.to_owned(), marks: own.map(mark).collect() }
        };
        Plot {
            title: "Call throughput".to_owned(),
            note: "no domain caching; hollow: all pairs on one processor".to_owned(),
            x: Axis { label: "pairs that call".to_owned(), scale: Spacing::Whole },
            y: Axis { label: "calls a second".to_owned(), scale: Spacing::Even },
            lines: vec![
                line("a processor each", false, |point| point.pairs == point.cpus),
                line("one global lock", true, |point| point.pairs == point.cpus),
                line("one processor", false, |point| point.cpus == 1),
                line("same, global lock", true, |point| point.cpus == 1),
            ],
        }
        .svg()
    }
}

/// The case `two_pairs`: both points it needs, and what the machine allows: two pairs of processes that do nothing but yield to
/// each other, beside one. Processors that share parts are not twice one processor.
///
/// # Errors
/// As [`measure`].
pub(crate) fn two_pairs(rounds: u32, time: Duration, setting: &Setting) -> Result<Outcome> {
    let cpus = setting.processors.each();
    let mut ratios = Vec::with_capacity(rounds as usize);
    let floor = || {
        // `measure` leaves out what needs two.
        if let [one, other, ..] = *cpus {
            let alone = turns(&[one], setting)?[0] + turns(&[other], setting)?[0];
            ratios.push(2.0 * turns(&[one, other], setting)?.iter().sum::<f64>() / alone);
        }
        Ok(())
    };
    let figure = measure_beside(&[ONE, TWO], rounds, time, &setting.processors, floor)?;
    let mut outcome = figure.outcome(TWO, "two_pairs");
    if let Outcome::Measured(row) = &mut outcome {
        let floor = median(ratios);
        row.facts.insert("floor_ratio".to_owned(), floor);
        if let Some(against) = &row.against {
            row.facts.insert("ratio_of_floor_ratio".to_owned(), against.ratio / floor);
        }
    }
    Ok(outcome)
}

/// Turns a second of pairs that yield to each other, one on each of `cpus`, all at once.
fn turns(cpus: &[usize], setting: &Setting) -> Result<Vec<f64>> {
    let task = |cpu: usize| Task {
        spec: Spec { work: Work::Floor(Floor::Yield), placement: Placement::Together, pace: Pace::BackToBack },
        job: Job::Plan(setting.plan),
        processors: Processors::of(vec![cpu]),
        server: None,
    };
    let rate = |cpu: usize| -> Result<f64> {
        let ways = task(cpu).run()?;
        Ok(1e9 / ways.first().context("the floor measured nothing")?.sample.mean)
    };
    let rate = &rate;
    std::thread::scope(|scope| {
        let all: Vec<_> = cpus.iter().map(|cpu| scope.spawn(move || rate(*cpu))).collect();
        let ended = all.into_iter().map(|one| match one.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_points() {
        let names: Vec<String> = POINTS.iter().map(|point| point.name()).collect();
        assert_eq!(names[0], "figure2.1pair_1cpu");
        assert_eq!(names[5], "figure2.2pairs_2cpus.global_lock");
    }
}
