//! What a round finds for a case, and how it travels from the client's process to the one that compares.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// What a round found for one case; times in nanoseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Flat", into = "Flat")]
pub(crate) struct Sample {
    /// The mean of a call.
    pub(crate) mean: f64,
    /// Single calls, in tenths of a nanosecond.
    pub(crate) singles: Histogram<u64>,
    /// Calls that were timed.
    pub(crate) calls: u64,
    /// What else was seen, by names that say their unit.
    pub(crate) facts: BTreeMap<String, f64>,
    /// What a reader of the result has to know.
    pub(crate) notes: Vec<String>,
}

/// A sample by one of the ways of a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Way {
    /// The way; empty if there is only one.
    pub(crate) name: String,
    /// What it gave.
    pub(crate) sample: Sample,
}

impl Sample {
    /// A sample without facts and notes.
    pub(crate) fn new(mean: f64, singles: Histogram<u64>, calls: u64) -> Self {
        Self { mean, singles, calls, facts: BTreeMap::new(), notes: Vec::new() }
    }

    /// Adds a fact.
    pub(crate) fn fact(&mut self, name: impl Into<String>, value: f64) {
        self.facts.insert(name.into(), value);
    }

    /// This sample as the only way of its case.
    pub(crate) fn alone(self) -> Vec<Way> {
        vec![Way { name: String::new(), sample: self }]
    }
}

/// A sample without the histogram's own representation.
#[derive(Serialize, Deserialize)]
struct Flat {
    mean: f64,
    singles: Vec<(u64, u64)>,
    calls: u64,
    facts: BTreeMap<String, f64>,
    notes: Vec<String>,
}

impl From<Sample> for Flat {
    fn from(sample: Sample) -> Self {
        let Sample { mean, singles, calls, facts, notes } = sample;
        let singles = singles.iter_recorded().map(|at| (at.value_iterated_to(), at.count_at_value())).collect();
        Self { mean, singles, calls, facts, notes }
    }
}

impl From<Flat> for Sample {
    fn from(flat: Flat) -> Self {
        let Flat { mean, singles: recorded, calls, facts, notes } = flat;
        let mut singles = new_histogram();
        for (value, count) in recorded {
            singles.saturating_record_n(value, count);
        }
        Self { mean, singles, calls, facts, notes }
    }
}

/// An empty histogram of single calls, for [`record`] and [`percentile`].
pub(crate) fn new_histogram() -> Histogram<u64> {
    // Fixed bounds, a tenth of a nanosecond to 100 s: a histogram that grows cannot be recorded into without an error.
    Histogram::new_with_bounds(1, 1_000_000_000_000, 3).expect("the bounds are in order, and 3 digits are few enough")
}

/// Adds a single call.
pub(crate) fn record(singles: &mut Histogram<u64>, nanoseconds: f64) {
    record_many(singles, nanoseconds, 1);
}

/// Adds as many calls that took the same.
pub(crate) fn record_many(singles: &mut Histogram<u64>, nanoseconds: f64, count: u64) {
    singles.saturating_record_n((nanoseconds * 10.0) as u64, count);
}

/// A percentile of single calls, in nanoseconds.
pub(crate) fn percentile(singles: &Histogram<u64>, percent: f64) -> f64 {
    singles.value_at_percentile(percent) as f64 / 10.0
}

/// The median; NaN of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_travels_unchanged() {
        let mut singles = new_histogram();
        for nanoseconds in [97.3, 101.0, 101.0, 5_400.0, 1e9] {
            record(&mut singles, nanoseconds);
        }
        let mut sample = Sample::new(120.5, singles, 9);
        sample.fact("spun", 0.75);
        sample.notes.push("slow".to_owned());
        let text = serde_json::to_string(&sample).unwrap();
        let back: Sample = serde_json::from_str(&text).unwrap();
        assert_eq!((back.mean, back.calls, &back.facts, &back.notes), (120.5, 9, &sample.facts, &sample.notes));
        for percent in [1.0, 50.0, 90.0, 99.0] {
            assert_eq!(percentile(&back.singles, percent), percentile(&sample.singles, percent));
        }
        assert_eq!(back.singles.len(), 5);
    }

    #[test]
    fn medians() {
        assert!(median(Vec::new()).is_nan());
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
