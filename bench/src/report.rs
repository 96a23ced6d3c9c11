//! Results, for people and for programs.

#[cfg(feature = "peers")]
pub(crate) mod table;

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

/// What became of a case.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was measured.
    Measured(Row),
    /// It was counted.
    Counted(Count),
    /// It cannot be had here.
    Skipped {
        /// Its name.
        case: String,
        /// What is missing.
        reason: String,
    },
}

/// The result of a case over all rounds; times in `unit`.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) case: String,
    /// Median over the rounds of each round's mean, or of its calls' median for some cases.
    pub(crate) value: f64,
    /// Unit of `value`, of the limit's, and of the percentiles.
    pub(crate) unit: &'static str,
    /// What it is divided by.
    pub(crate) against: Option<Against>,
    /// Median of the single calls of all rounds.
    pub(crate) p50: f64,
    /// 99th percentile of the single calls of all rounds.
    pub(crate) p99: f64,
    /// Rounds measured.
    pub(crate) rounds: usize,
    /// Processors of client and server, or "none".
    pub(crate) pinned: String,
    /// The value of each way, if there are several.
    pub(crate) ways: Vec<(String, f64)>,
    /// Others of the same rounds.
    pub(crate) beside: Vec<Against>,
    /// For a peer: nearcall at the same, with its p50, and the ratio of the two p50.
    pub(crate) rival: Option<Against>,
    /// What else was seen.
    pub(crate) facts: BTreeMap<String, f64>,
    /// What a reader has to know.
    pub(crate) notes: Vec<String>,
}

/// Another case of the same rounds.
#[derive(Debug, Clone)]
pub(crate) struct Against {
    /// Its name.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: f64,
    /// The case's value divided by this one's; the median of the rounds' ratios.
    pub(crate) ratio: f64,
}

/// What was counted over an exact number of calls, or over a time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Count {
    /// The case.
    pub(crate) case: String,
    /// Both sides together.
    pub(crate) value: f64,
    /// What was counted.
    pub(crate) unit: &'static str,
    /// Its parts, and what else was seen.
    #[serde(flatten)]
    pub(crate) facts: BTreeMap<String, f64>,
    /// Calls made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<u64>,
    /// Processors of client and server, or "none".
    pub(crate) pinned: String,
    /// What a reader has to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// Prints `outcomes`: a table, or one JSON object a line.
///
/// # Errors
/// When one has no JSON, which would be an error of this program.
pub(crate) fn print(outcomes: &[Outcome], as_json: bool) -> Result<()> {
    if as_json {
        for outcome in outcomes {
            println!("{}", json(outcome)?);
        }
        return Ok(());
    }
    if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Measured(_))) {
        println!(
            "{:<26} {:>9} {:>9} {:>9}  {:<6} {:<24} {:>9} {:>6}  beside (ns)",
            "case", "mean ns", "p50", "p99", "pinned", "limit", "limit ns", "ratio"
        );
    }
    for outcome in outcomes {
        println!("{}", table_line(outcome).trim_end());
    }
    Ok(())
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        less if less < 1.0 => format!("{value:.4}"),
        less if less < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn table_line(outcome: &Outcome) -> String {
    let row = match outcome {
        Outcome::Skipped { case, reason } => return format!("{case:<26} SKIPPED: {reason}"),
        Outcome::Counted(count) => return count_line(count),
        Outcome::Measured(row) => row,
    };
    let (limit, limit_value, ratio) = match &row.against {
        Some(limit) => (limit.name.as_str(), number(limit.value), format!("{:.2}", limit.ratio)),
        None => Default::default(),
    };
    let mut more: Vec<String> = row.ways.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
    more.extend(row.beside.iter().map(|other| format!("{} {} ({:.2})", other.name, number(other.value), other.ratio)));
    more.extend(row.rival.iter().map(|near| format!("p50 {:.1} x {} {}", near.ratio, near.name, number(near.value))));
    more.extend(row.facts.iter().map(|(name, value)| format!("{name} {}", number(*value))));
    more.extend(row.notes.iter().map(|note| format!("NOTE {note}")));
    format!(
        "{:<26} {:>9} {:>9} {:>9}  {:<6} {limit:<24} {limit_value:>9} {ratio:>6}  {}",
        row.case,
        number(row.value),
        number(row.p50),
        number(row.p99),
        row.pinned,
        more.join(", ")
    )
}

fn count_line(count: &Count) -> String {
    let Count { case, value, unit, facts, calls, pinned, notes } = count;
    let mut parts: Vec<String> = facts.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
    parts.extend(calls.map(|calls| format!("{calls} calls")));
    parts.push(format!("pinned {pinned}"));
    parts.extend(notes.iter().map(|note| format!("NOTE {note}")));
    format!("{case:<26} {} {unit}  {}", number(*value), parts.join(", "))
}

/// One line of the output for programs. Its keys and their order are part of what programs rely on; facts follow as
/// further keys.
#[derive(Serialize)]
struct Measured<'a> {
    case: &'a str,
    value: f64,
    unit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
    p50: f64,
    p99: f64,
    rounds: usize,
    pinned: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    beside: BTreeMap<&'a str, Beside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearcall: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearcall_p50: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ratio: Option<f64>,
    #[serde(flatten)]
    facts: BTreeMap<&'a str, f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

#[derive(Serialize)]
struct Skipped<'a> {
    case: &'a str,
    skipped: &'a str,
}

#[derive(Serialize)]
struct Beside {
    value: f64,
    ratio: f64,
}

fn json(outcome: &Outcome) -> Result<String> {
    let row = match outcome {
        Outcome::Skipped { case, reason } => return Ok(serde_json::to_string(&Skipped { case, skipped: reason })?),
        Outcome::Counted(count) => {
            let mut count = count.clone();
            // Fine enough for one system call in all that are made.
            std::iter::once(&mut count.value)
                .chain(count.facts.values_mut())
                .for_each(|value| *value = rounded(*value));
            return Ok(serde_json::to_string(&count)?);
        }
        Outcome::Measured(row) => row,
    };
    let beside = |other: &Against| Beside { value: tenths(other.value), ratio: thousandths(other.ratio) };
    let (limit, near) = (row.against.as_ref(), row.rival.as_ref());
    Ok(serde_json::to_string(&Measured {
        case: &row.case,
        value: tenths(row.value),
        unit: row.unit,
        limit: limit.map(|limit| limit.name.as_str()),
        limit_value: limit.map(|limit| tenths(limit.value)),
        ratio: limit.map(|limit| thousandths(limit.ratio)),
        p50: tenths(row.p50),
        p99: tenths(row.p99),
        rounds: row.rounds,
        pinned: &row.pinned,
        beside: row.beside.iter().map(|other| (other.name.as_str(), beside(other))).collect(),
        nearcall: near.map(|near| near.name.as_str()),
        nearcall_p50: near.map(|near| tenths(near.value)),
        p50_ratio: near.map(|near| thousandths(near.ratio)),
        facts: row.facts.iter().map(|(name, value)| (name.as_str(), thousandths(*value))).collect(),
        notes: &row.notes,
    })?)
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn thousandths(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn row() -> Row {
        Row {
            case: "null.spin".to_owned(),
            value: 131.04,
            unit: "ns",
            against: Some(Against { name: "pingpong56".to_owned(), value: 121.0, ratio: 1.0834 }),
            p50: 100.0,
            p99: 200.0,
            rounds: 9,
            pinned: "0,1".to_owned(),
            ways: Vec::new(),
            beside: Vec::new(),
            rival: None,
            facts: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn keys_of_a_line() {
        let expected = r#"{"case":"null.spin","value":131.0,"unit":"ns","limit":"pingpong56","limit_value":121.0,"ratio":1.083,"p50":100.0,"p99":200.0,"rounds":9,"pinned":"0,1"}"#;
        assert_eq!(json(&Outcome::Measured(row())).unwrap(), expected);
    }

    #[test]
    fn further_keys_of_a_line() {
        let mut row = row();
        row.against = None;
        row.facts.insert("spun".to_owned(), 0.99951);
        row.beside.push(Against { name: "futex".to_owned(), value: 6500.0, ratio: 1.2 });
        row.rival = Some(Against { name: "null.asleep".to_owned(), value: 7000.0, ratio: 12.0 });
        row.notes.push("odd".to_owned());
        let line: serde_json::Value = serde_json::from_str(&json(&Outcome::Measured(row)).unwrap()).unwrap();
        assert!(line.get("limit").is_none() && line.get("ratio").is_none());
        assert_eq!(line["spun"], 1.0);
        assert_eq!(line["beside"]["futex"]["value"], 6500.0);
        assert_eq!((&line["nearcall"], &line["p50_ratio"]), (&"null.asleep".into(), &12.0.into()));
        assert_eq!(line["notes"][0], "odd");
    }

    #[test]
    fn skips_are_loud() {
        let outcome = Outcome::Skipped { case: "syscalls".to_owned(), reason: "no strace".to_owned() };
        assert_eq!(json(&outcome).unwrap(), r#"{"case":"syscalls","skipped":"no strace"}"#);
        assert!(table_line(&outcome).contains("SKIPPED: no strace"));
    }
}
