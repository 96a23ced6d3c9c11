//! How long calls took: one histogram a procedure.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Times of one kind of call, and the bytes it moved.
#[derive(Debug)]
pub(crate) struct Meter {
    name: &'static str,
    bytes: u64,
    nanoseconds: Histogram<u64>,
}

/// A meter's result: a line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was called.
    pub(crate) name: String,
    /// Calls that were timed, with failed ones.
    pub(crate) calls: u64,
    /// Payload bytes that they moved.
    pub(crate) bytes: u64,
    /// Median, nanoseconds; includes one reading of the clock.
    pub(crate) p50_ns: u64,
    /// 99th percentile, nanoseconds.
    pub(crate) p99_ns: u64,
}

/// Longest time that is told apart from a longer one, nanoseconds.
const LONGEST: u64 = 60_000_000_000;

impl Meter {
    /// Without calls.
    pub(crate) fn new(name: &'static str) -> Self {
        // Three digits between 1 ns and a minute: the bounds are constants that hdrhistogram accepts.
        let nanoseconds = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are constants that it accepts");
        Self { name, bytes: 0, nanoseconds }
    }

    /// Does `call` and times it; `moved` says how many bytes a result stands for.
    #[inline]
    pub(crate) fn time<T, E>(
        &mut self,
        moved: impl FnOnce(&T) -> u64,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let result = call();
        let elapsed = start.elapsed();
        self.nanoseconds.saturating_record(whole_nanoseconds(elapsed).min(LONGEST));
        if let Ok(value) = &result {
            self.bytes += moved(value);
        }
        result
    }

    /// The line of the table.
    pub(crate) fn row(&self) -> Row {
        Row {
            name: self.name.to_owned(),
            calls: self.nanoseconds.len(),
            bytes: self.bytes,
            p50_ns: self.nanoseconds.value_at_quantile(0.5),
            p99_ns: self.nanoseconds.value_at_quantile(0.99),
        }
    }
}

fn whole_nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_calls_and_bytes() {
        let mut meter = Meter::new("read");
        assert_eq!(meter.row(), Row { name: "read".into(), calls: 0, bytes: 0, p50_ns: 0, p99_ns: 0 });
        assert_eq!(meter.time(|n| *n, || Ok::<u64, ()>(7)), Ok(7));
        assert_eq!(meter.time(|()| 100, || Err(())), Err(()));
        let row = meter.row();
        assert_eq!((row.calls, row.bytes), (2, 7));
        assert!(row.p50_ns <= row.p99_ns);
    }
}
