//! Results, for people and for programs.

use serde_json::{Map, Value, json};

/// What became of a case.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was measured.
    Measured(Row),
    /// It cannot be had on this machine.
    Skipped {
        /// Its name.
        case: &'static str,
        /// What is missing.
        reason: &'static str,
    },
}

/// The result of a case over all rounds.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) case: &'static str,
    /// Median over the rounds of each round's mean.
    pub(crate) value: f64,
    /// Unit of `value`, of the limit's, and of the percentiles.
    pub(crate) unit: &'static str,
    /// The limit's name and value, and the median of the ratios of each round.
    pub(crate) against: Option<(&'static str, f64, f64)>,
    /// Median of the single calls of all rounds.
    pub(crate) p50: f64,
    /// 99th percentile of the single calls of all rounds.
    pub(crate) p99: f64,
    /// Rounds measured.
    pub(crate) rounds: usize,
    /// Processors of client and server, or "none".
    pub(crate) pinned: String,
    /// The value of each way, if there are several.
    pub(crate) ways: Vec<(&'static str, f64)>,
}

/// Prints `outcomes`: a table, or one JSON object a line.
pub(crate) fn print(outcomes: &[Outcome], as_json: bool) {
    if as_json {
        for outcome in outcomes {
            println!("{}", json_line(outcome));
        }
        return;
    }
    println!(
        "{:<22} {:>9} {:>9} {:>9}  {:<6} {:<15} {:>9} {:>6}  ways (ns)",
        "case", "mean ns", "p50", "p99", "pinned", "limit", "limit ns", "ratio"
    );
    for outcome in outcomes {
        println!("{}", table_line(outcome).trim_end());
    }
}

fn table_line(outcome: &Outcome) -> String {
    let row = match outcome {
        Outcome::Skipped { case, reason } => return format!("{case:<22} skipped: {reason}"),
        Outcome::Measured(row) => row,
    };
    let number = |value: f64| if value < 1000.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    let (limit, limit_value, ratio) = match row.against {
        Some((name, value, ratio)) => (name, number(value), format!("{ratio:.2}")),
        None => Default::default(),
    };
    let ways: Vec<String> = row.ways.iter().map(|(name, value)| format!("{name} {}", number(*value))).collect();
    format!(
        "{:<22} {:>9} {:>9} {:>9}  {:<6} {limit:<15} {limit_value:>9} {ratio:>6}  {}",
        row.case,
        number(row.value),
        number(row.p50),
        number(row.p99),
        row.pinned,
        ways.join(", ")
    )
}

fn json_line(outcome: &Outcome) -> Value {
    let row = match outcome {
        Outcome::Skipped { case, reason } => return json!({ "case": case, "skipped": reason }),
        Outcome::Measured(row) => row,
    };
    let rounded = |value: f64, digits: f64| json!((value * digits).round() / digits);
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| line.insert(key.to_owned(), value);
    put("case", json!(row.case));
    put("value", rounded(row.value, 10.0));
    put("unit", json!(row.unit));
    if let Some((name, value, ratio)) = row.against {
        put("limit", json!(name));
        put("limit_value", rounded(value, 10.0));
        put("ratio", rounded(ratio, 1000.0));
    }
    put("p50", rounded(row.p50, 10.0));
    put("p99", rounded(row.p99, 10.0));
    put("rounds", json!(row.rounds));
    put("pinned", json!(row.pinned));
    Value::Object(line)
}
