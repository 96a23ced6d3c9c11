//! What can be measured, and how cases are run beside each other.

use anyhow::{Context, Result};

use crate::floor::{self, Floor};
use crate::measure::{Job, Plan, Sample, new_histogram, percentile};
use crate::near;
use crate::near::session::{Procedure, Session};
use crate::peer::{Placement, Processors};
use crate::report::{Outcome, Row};

/// Everything a measurement needs to know besides its case.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Where processes can run.
    pub(crate) processors: Processors,
    /// How long each round takes.
    pub(crate) plan: Plan,
}

/// A case by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// As on the command line and in results.
    pub(crate) name: &'static str,
    /// Where its processes run.
    pub(crate) placement: Placement,
    /// What it does.
    pub(crate) work: Work,
    /// The floor it is compared with, by name.
    pub(crate) limit: Option<&'static str>,
}

/// What a round trip is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// A floor.
    Floor(Floor),
    /// A call through nearcall.
    Near(Procedure),
    /// A null call by postcard over a Unix socket.
    Postcard,
}

/// How a side that polls does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poll {
    /// Load after load.
    Plain,
    /// With `pause` in between.
    Pause,
}

impl Poll {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Pause => "pause",
        }
    }
}

impl Work {
    /// The ways to do it, of which the faster counts. It depends on the processor: `pause` makes the line travel less
    /// often, but takes 5 to 60 ns itself.
    fn ways(self) -> &'static [Poll] {
        match self {
            Self::Floor(Floor::Futex | Floor::Socket) | Self::Near(_) | Self::Postcard => &[Poll::Plain],
            Self::Floor(_) => &[Poll::Plain, Poll::Pause],
        }
    }

    fn measure(self, poll: Poll, setting: &Setting, placement: Placement) -> Result<Sample> {
        match self {
            Self::Floor(floor) => floor::measure(floor, poll == Poll::Pause, setting, placement),
            Self::Near(procedure) => Session::start(setting, placement)?.run(procedure, &Job::Plan(setting.plan)),
            Self::Postcard => near::postcard::measure(setting, placement),
        }
    }
}

const fn bare(name: &'static str, placement: Placement, floor: Floor) -> Case {
    Case { name, placement, work: Work::Floor(floor), limit: None }
}

/// The floors. Where the kernel's choice of processors makes sense too, it stands beside as `_free`.
pub(crate) const FLOORS: &[Case] = &[
    bare("pingpong", Placement::Apart, Floor::Line),
    bare("pingpong56", Placement::Apart, Floor::Line56),
    bare("pingpong56_free", Placement::FreeOfTwo, Floor::Line56),
    bare("pingpong1", Placement::Apart, Floor::OneLine),
    bare("copy4096", Placement::Apart, Floor::Copy),
    bare("copy4096_free", Placement::FreeOfTwo, Floor::Copy),
    bare("ring32", Placement::Apart, Floor::Ring),
    bare("ring32_by_8", Placement::Apart, Floor::RingByEights),
    bare("futex_one_cpu", Placement::Together, Floor::Futex),
    bare("futex_free", Placement::Free, Floor::Futex),
    bare("unix_socket", Placement::Apart, Floor::Socket),
    bare("unix_socket_one_cpu", Placement::Together, Floor::Socket),
    bare("unix_socket_free", Placement::Free, Floor::Socket),
];

/// Finds `names` in `table`, or takes all of it if there are none.
///
/// # Errors
/// For a name that is not there.
pub(crate) fn select(table: &[Case], names: &[String]) -> Result<Vec<Case>> {
    if names.is_empty() {
        return Ok(table.to_vec());
    }
    let find = |name: &String| {
        let known = || table.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
        let found = table.iter().find(|case| case.name == name).copied();
        found.with_context(|| format!("there is no case {name}; there are {}", known()))
    };
    names.iter().map(find).collect()
}

/// Runs `cases`, each with its limit, `rounds` times. Every round measures every case once, a limit right before the
/// cases that are compared with it, and every other round runs backwards: what drifts, drifts for both.
///
/// # Errors
/// The first error of a measurement; there is no result then, because a wrong reply makes its times worthless.
pub(crate) fn run(cases: &[Case], rounds: u32, setting: &Setting) -> Result<Vec<Outcome>> {
    let mut turns: Vec<Turn> = Vec::new();
    for case in cases {
        if let Some(limit) = case.limit
            && !turns.iter().any(|turn| turn.case.name == limit)
        {
            let floor = FLOORS.iter().find(|floor| floor.name == limit).context("a limit is a floor")?;
            turns.push(Turn::new(*floor, setting));
        }
        // Next to its limit, or to the last case compared with the same.
        let beside = turns.iter().rposition(|turn| case.limit.is_some() && turn.belongs_to(case.limit));
        turns.insert(beside.map_or(turns.len(), |at| at + 1), Turn::new(*case, setting));
    }
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..turns.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let name = turns[index].case.name;
            turns[index].round(setting).with_context(|| format!("case {name}, round {}", round + 1))?;
        }
    }
    let finish = |case: &Case| {
        let turn = turns.iter().find(|turn| turn.case.name == case.name).context("every case had its turns")?;
        let limit = turns.iter().find(|turn| Some(turn.case.name) == case.limit);
        Ok(turn.outcome(limit, setting))
    };
    cases.iter().map(finish).collect()
}

/// A case and what its rounds found so far.
struct Turn {
    case: Case,
    skipped: Option<&'static str>,
    /// For each way, a sample for each round.
    samples: Vec<Vec<Sample>>,
}

impl Turn {
    fn new(case: Case, setting: &Setting) -> Self {
        let samples = case.work.ways().iter().map(|_| Vec::new()).collect();
        Self { case, skipped: setting.processors.lacking(case.placement), samples }
    }

    fn belongs_to(&self, limit: Option<&'static str>) -> bool {
        self.case.limit == limit || Some(self.case.name) == limit
    }

    fn round(&mut self, setting: &Setting) -> Result<()> {
        if self.skipped.is_none() {
            for (way, samples) in self.case.work.ways().iter().zip(&mut self.samples) {
                samples.push(self.case.work.measure(*way, setting, self.case.placement)?);
            }
        }
        Ok(())
    }

    fn means(&self, way: usize) -> Vec<f64> {
        self.samples[way].iter().map(|sample| sample.mean).collect()
    }

    /// The way with the least median: chosen once for the whole run, since the best of each round would be the lucky
    /// one.
    fn fastest(&self) -> usize {
        let medians: Vec<f64> = (0..self.samples.len()).map(|way| median(self.means(way))).collect();
        (0..medians.len()).min_by(|a, b| medians[*a].total_cmp(&medians[*b])).unwrap_or(0)
    }

    fn outcome(&self, limit: Option<&Self>, setting: &Setting) -> Outcome {
        let case = self.case.name;
        let pinned = setting.processors.describe(self.case.placement);
        if let Some(reason) = self.skipped {
            return Outcome::Skipped { case, reason };
        }
        let means = self.means(self.fastest());
        let mut singles = new_histogram();
        for sample in &self.samples[self.fastest()] {
            singles += &sample.singles;
        }
        let against = limit.filter(|limit| limit.skipped.is_none()).map(|limit| {
            let floors = limit.means(limit.fastest());
            let ratio = median(means.iter().zip(&floors).map(|(mean, floor)| mean / floor).collect());
            (limit.case.name, median(floors), ratio)
        });
        let ways = self.case.work.ways();
        let ways = if ways.len() > 1 { ways } else { &[] };
        let ways = ways.iter().enumerate().map(|(at, way)| (way.name(), median(self.means(at)))).collect();
        Outcome::Measured(Row {
            case,
            value: median(means.clone()),
            unit: "ns",
            against,
            p50: percentile(&singles, 50.0),
            p99: percentile(&singles, 99.0),
            rounds: means.len(),
            pinned,
            ways,
        })
    }
}

/// The median; NaN of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
