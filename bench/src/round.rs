//! Cases beside each other, round after round, and what comes of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::case::{Case, Limit, Pick, order};
use crate::client::Task;
use crate::load::Load;
use crate::measure::{Job, Pace, Plan};
use crate::peer::Processors;
use crate::report::{Against, Outcome, Row};
use crate::sample::{Sample, median, new_histogram, percentile};

/// Everything a measurement needs to know besides its case.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Where processes can run.
    pub(crate) processors: Processors,
    /// How long each round takes.
    pub(crate) plan: Plan,
}

/// Runs `selected`, each with what it is compared with, `rounds` times. Every round measures every case once, in the
/// order of [`order`], and every other round backwards.
///
/// # Errors
/// The first error of a measurement; there is no result then, because a wrong reply makes its times worthless.
pub(crate) fn run(selected: &[Case], universe: &[Case], rounds: u32, setting: &Setting) -> Result<Vec<Outcome>> {
    let ordered = order(selected, universe)?;
    let mut turns: Vec<Turn> = ordered.into_iter().map(|case| Turn::new(case, setting)).collect();
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..turns.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let turn = &mut turns[index];
            turn.round(setting).with_context(|| format!("case {}, round {}", turn.case.name, round + 1))?;
        }
    }
    let results = Results { turns, setting };
    selected.iter().map(|case| results.outcome(case)).collect()
}

/// A case and what its rounds found so far.
struct Turn {
    case: Case,
    skipped: Option<&'static str>,
    /// For each way, its name and a sample for each round.
    ways: Vec<(String, Vec<Sample>)>,
}

impl Turn {
    fn new(case: Case, setting: &Setting) -> Self {
        let skipped = setting.processors.lacking(case.spec.placement);
        Self { case, skipped, ways: Vec::new() }
    }

    fn round(&mut self, setting: &Setting) -> Result<()> {
        if self.skipped.is_some() {
            return Ok(());
        }
        let spec = self.case.spec;
        let mut plan = Plan { pace: spec.pace, ..setting.plan };
        if self.case.loaded {
            plan = plan.patient();
        }
        let task = Task { spec, job: Job::Plan(plan), processors: setting.processors.clone(), server: None };
        let load = if self.case.loaded { Some(Load::start(&setting.processors)?) } else { None };
        let ways = task.run()?;
        drop(load);
        for (index, way) in ways.into_iter().enumerate() {
            if self.ways.len() <= index {
                self.ways.push((way.name, Vec::new()));
            }
            self.ways[index].1.push(way.sample);
        }
        Ok(())
    }

    fn means(&self, way: usize) -> Vec<f64> {
        self.ways.get(way).map(|(_, samples)| samples.iter().map(|sample| sample.mean).collect()).unwrap_or_default()
    }

    /// What counts of each round: its mean, or the median of its calls.
    fn values(&self, by_median: bool) -> Vec<f64> {
        if by_median {
            self.samples().iter().map(|sample| percentile(&sample.singles, 50.0)).collect()
        } else {
            self.means(self.picked())
        }
    }

    /// The way that counts: chosen once for the whole run, since the best or worst of each round would be the lucky or
    /// unlucky one.
    fn picked(&self) -> usize {
        let medians: Vec<f64> = (0..self.ways.len()).map(|way| median(self.means(way))).collect();
        let ways = 0..medians.len();
        let by = |a: &usize, b: &usize| medians[*a].total_cmp(&medians[*b]);
        let picked = if self.case.spec.work.pick() == Pick::Slowest { ways.max_by(by) } else { ways.min_by(by) };
        picked.unwrap_or(0)
    }

    fn samples(&self) -> &[Sample] {
        self.ways.get(self.picked()).map_or(&[], |(_, samples)| samples)
    }

    fn percentile(&self, percent: f64) -> f64 {
        let mut singles = new_histogram();
        for sample in self.samples() {
            singles += &sample.singles;
        }
        percentile(&singles, percent)
    }

    /// Medians over the rounds.
    fn facts(&self) -> BTreeMap<String, f64> {
        let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (name, value) in self.samples().iter().flat_map(|sample| &sample.facts) {
            all.entry(name).or_default().push(*value);
        }
        all.into_iter().map(|(name, values)| (name.to_owned(), median(values))).collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.samples().iter().flat_map(|sample| sample.notes.clone()).collect();
        notes.sort_unstable();
        notes.dedup();
        notes
    }
}

/// All turns, when they are over.
struct Results<'a> {
    turns: Vec<Turn>,
    setting: &'a Setting,
}

impl Results<'_> {
    /// The turn of a case that was measured.
    fn measured(&self, name: &str) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.case.name == name && turn.skipped.is_none())
    }

    fn outcome(&self, case: &Case) -> Result<Outcome> {
        let turn = self.turns.iter().find(|turn| turn.case.name == case.name).context("every case had its turns")?;
        if let Some(reason) = turn.skipped {
            return Ok(Outcome::Skipped { case: case.name.clone(), reason: reason.to_owned() });
        }
        let values = turn.values(case.by_median);
        let divided = |other| divided(&values, other, case.by_median);
        let mut notes = turn.notes();
        let against = self.limit(case, &mut notes).map(divided);
        let rival = case.rival.as_deref().and_then(|rival| self.measured(rival)).map(|rival| Against {
            name: rival.case.name.clone(),
            value: rival.percentile(50.0),
            ratio: turn.percentile(50.0) / rival.percentile(50.0),
        });
        let beside = case.beside.iter().filter_map(|name| self.measured(name));
        let ways = match case.spec.work.pick() {
            Pick::Fastest if turn.ways.len() < 2 => Vec::new(),
            Pick::Fastest => {
                turn.ways.iter().enumerate().map(|(at, (name, _))| (name.clone(), median(turn.means(at)))).collect()
            }
            Pick::Slowest => {
                notes.push(format!("the worst of {} is {}", turn.ways.len(), turn.ways[turn.picked()].0));
                Vec::new()
            }
        };
        Ok(Outcome::Measured(Row {
            case: case.name.clone(),
            value: median(values.clone()),
            unit: "ns",
            against,
            p50: turn.percentile(50.0),
            p99: turn.percentile(99.0),
            rounds: values.len(),
            pinned: self.setting.processors.describe(case.spec.placement),
            ways,
            beside: beside.map(divided).collect(),
            rival,
            facts: turn.facts(),
            notes,
        }))
    }

    /// The case that `case` is divided by.
    fn limit(&self, case: &Case, notes: &mut Vec<String>) -> Option<&Turn> {
        match &case.limit {
            Limit::None => None,
            Limit::Of(limit) => self.measured(limit),
            Limit::Within { of, bound } => {
                let bound = self.measured(bound).map(|bound| median(bound.values(false)));
                let of: Vec<&Turn> = of.iter().filter_map(|name| self.measured(name)).collect();
                let costs: Vec<(f64, f64)> = of.iter().map(|turn| (median(turn.values(false)), cost(turn))).collect();
                let (best, is_within) = best_within(&costs, bound)?;
                if !is_within {
                    notes.push("no limit stays within its processor time; this is the cheapest".to_owned());
                }
                of.get(best).copied()
            }
        }
    }
}

/// Processor time of a call on both sides, in nanoseconds, beyond what the caller does between calls.
fn cost(turn: &Turn) -> f64 {
    let facts = turn.facts();
    let fact = |name: &str| facts.get(name).copied().unwrap_or(0.0);
    let gap = match turn.case.spec.pace {
        Pace::Busy(gap) | Pace::Filled(gap) => gap.as_nanos() as f64,
        Pace::BackToBack | Pace::Sleep(_) => 0.0,
    };
    fact("server_cpu_ns") + (fact("client_cpu_ns") - gap).max(0.0)
}

/// Which of `(mean, cost)` is the fastest with a cost within `bound`, and true; or the cheapest, and false, if none is.
fn best_within(costs: &[(f64, f64)], bound: Option<f64>) -> Option<(usize, bool)> {
    let within = |index: &usize| bound.is_none_or(|bound| costs[*index].1 <= bound);
    let fastest = (0..costs.len()).filter(within).min_by(|a, b| costs[*a].0.total_cmp(&costs[*b].0));
    let cheapest = || (0..costs.len()).min_by(|a, b| costs[*a].1.total_cmp(&costs[*b].1));
    fastest.map(|index| (index, true)).or_else(|| cheapest().map(|index| (index, false)))
}

/// The median of the ratios of each round, for a limit and for a case beside.
fn divided(values: &[f64], limit: &Turn, by_median: bool) -> Against {
    let limits = limit.values(by_median);
    let ratio = median(values.iter().zip(&limits).map(|(value, limit)| value / limit).collect());
    Against { name: limit.case.name.clone(), value: median(limits), ratio }
}

#[cfg(test)]
mod tests {
    use super::best_within;

    #[test]
    fn the_limit_has_to_be_affordable() {
        // Polling is faster, and too dear from some gap on.
        assert_eq!(best_within(&[(130.0, 20_000.0), (5_000.0, 2_500.0)], Some(60_000.0)), Some((0, true)));
        assert_eq!(best_within(&[(130.0, 150_000.0), (5_000.0, 2_500.0)], Some(60_000.0)), Some((1, true)));
        assert_eq!(best_within(&[(130.0, 150_000.0), (5_000.0, 70_000.0)], Some(60_000.0)), Some((1, false)));
        assert_eq!(best_within(&[(130.0, 150_000.0), (5_000.0, 70_000.0)], None), Some((0, true)));
        assert_eq!(best_within(&[], None), None);
    }
}
