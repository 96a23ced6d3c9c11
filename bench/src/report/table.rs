//! Everybody beside each other, in Markdown: what `near peer` found, and nearcall in the same rounds.

use std::fmt::Write;
use std::time::Duration;

use super::{Outcome, Row};

/// Cases of nearcall that stand beside those of peers; [`markdown`] needs them among the outcomes.
pub(crate) const OWN: [&str; 6] =
    ["null.spin", "null.one_cpu", "null.auto", "null.asleep", "null.outstanding32", "idle"];

/// The last parts of peers' cases, in the order of [`OWN`], and what the columns are called.
const COLUMNS: [(&str, &str); 6] = [
    ("two_cpus", "two CPUs"),
    ("one_cpu", "one CPU"),
    ("free", "not pinned"),
    ("asleep", "1 ms between calls"),
    ("outstanding32", "32 outstanding"),
    ("idle", "idle, ms in 2 s"),
];

/// The table. `think` is the busy time between calls in the cases that have some; it is not counted.
pub(crate) fn markdown(outcomes: &[Outcome], think: Duration) -> String {
    let mut text = String::from(
        "Null calls: p50 / p99 / processor time of both sides per call, in us; with 32 outstanding: time / processor time per \
         call.\n\n|",
    );
    for (_, column) in [("", "")].iter().chain(&COLUMNS) {
        let _ = write!(text, " {column} |");
    }
    text.push_str("\n|");
    text.push_str(&"---|".repeat(COLUMNS.len() + 1));
    let mut names: Vec<&str> = Vec::new();
    for name in outcomes.iter().filter_map(|outcome| name(outcome).strip_prefix("peer.")?.split('.').next()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let own = ("nearcall", OWN.map(str::to_owned));
    let peers = names.into_iter().map(|name| (name, COLUMNS.map(|(part, _)| format!("peer.{name}.{part}"))));
    for (who, cases) in std::iter::once(own).chain(peers) {
        let _ = write!(text, "\n| {who} |");
        for (case, (part, _)) in cases.iter().zip(COLUMNS) {
            let think = if part == "asleep" { think } else { Duration::ZERO };
            let cell = outcomes.iter().find(|outcome| name(outcome) == case).map(|outcome| cell(outcome, part, think));
            let _ = write!(text, " {} |", cell.unwrap_or_default());
        }
    }
    text
}

fn name(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Measured(row) => &row.case,
        Outcome::Counted(count) => &count.case,
        Outcome::Skipped { case, .. } => case,
    }
}

fn cell(outcome: &Outcome, part: &str, think: Duration) -> String {
    match outcome {
        Outcome::Measured(row) if part == "outstanding32" => format!("{} / {}", us(row.value), us(used(row, think))),
        Outcome::Measured(row) => format!("{} / {} / {}", us(row.p50), us(row.p99), us(used(row, think))),
        Outcome::Counted(count) => {
            let over = count.facts.get("over_ms").copied().unwrap_or(f64::NAN);
            format!("{:.1}", count.value * 2000.0 / over)
        }
        Outcome::Skipped { .. } => "skipped".to_owned(),
    }
}

/// Processor time of a call on both sides, in nanoseconds.
fn used(row: &Row, think: Duration) -> f64 {
    let fact = |name: &str| row.facts.get(name).copied().unwrap_or(f64::NAN);
    (fact("client_cpu_ns") - think.as_nanos() as f64).max(0.0) + fact("server_cpu_ns")
}

/// Three digits that say something, at most.
fn us(nanoseconds: f64) -> String {
    match nanoseconds / 1000.0 {
        us if us < 10.0 => format!("{us:.2}"),
        us if us < 100.0 => format!("{us:.1}"),
        us => format!("{us:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Count;
    use super::super::tests::row;
    use super::*;

    #[test]
    fn everybody_has_a_line() {
        let measured = |case: &str, facts: [f64; 2]| {
            let facts = ["client_cpu_ns", "server_cpu_ns"].map(str::to_owned).into_iter().zip(facts).collect();
            Outcome::Measured(Row { case: case.to_owned(), p99: 25_000.0, facts, ..row() })
        };
        let outcomes = [
            measured("null.spin", [130.0, 120.0]),
            measured("peer.unix.asleep", [1_003_000.0, 4000.0]),
            measured("peer.unix.outstanding32", [60.0, 70.0]),
            Outcome::Counted(Count {
                case: "peer.unix.idle".to_owned(),
                value: 50.0,
                unit: "ms",
                facts: BTreeMap::from([("over_ms".to_owned(), 200.0)]),
                calls: None,
                pinned: "none".to_owned(),
                notes: Vec::new(),
            }),
        ];
        let text = markdown(&outcomes, Duration::from_millis(1));
        let lines: Vec<&str> = text.lines().skip(4).collect();
        assert_eq!(lines[0], "| nearcall | 0.10 / 25.0 / 0.25 |  |  |  |  |  |");
        assert_eq!(lines[1], "| unix |  |  |  | 0.10 / 25.0 / 7.00 | 0.13 / 0.13 | 500.0 |");
    }
}
