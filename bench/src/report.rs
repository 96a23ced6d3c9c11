//! Results, for people and for programs.

use anyhow::Result;
use serde::Serialize;

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
///
/// # Errors
/// When one has no JSON, which would be an error of this program.
pub(crate) fn print(outcomes: &[Outcome], as_json: bool) -> Result<()> {
    if as_json {
        for outcome in outcomes {
            println!("{}", serde_json::to_string(&line(outcome))?);
        }
        return Ok(());
    }
    println!(
        "{:<22} {:>9} {:>9} {:>9}  {:<6} {:<15} {:>9} {:>6}  ways (ns)",
        "case", "mean ns", "p50", "p99", "pinned", "limit", "limit ns", "ratio"
    );
    for outcome in outcomes {
        println!("{}", table_line(outcome).trim_end());
    }
    Ok(())
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

/// One line of the output for programs. Its keys and their order are part of what programs rely on.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Measured {
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
    },
    Skipped {
        case: &'a str,
        skipped: &'a str,
    },
}

fn line(outcome: &Outcome) -> Line<'_> {
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    match outcome {
        Outcome::Skipped { case, reason } => Line::Skipped { case, skipped: reason },
        Outcome::Measured(row) => Line::Measured {
            case: row.case,
            value: tenths(row.value),
            unit: row.unit,
            limit: row.against.map(|(name, _, _)| name),
            limit_value: row.against.map(|(_, value, _)| tenths(value)),
            ratio: row.against.map(|(_, _, ratio)| (ratio * 1000.0).round() / 1000.0),
            p50: tenths(row.p50),
            p99: tenths(row.p99),
            rounds: row.rounds,
            pinned: &row.pinned,
        },
    }
}

/// What was counted over an exact number of calls.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
    /// The case.
    pub(crate) case: &'static str,
    /// The mean of a call, both sides together.
    pub(crate) value: f64,
    /// What was counted.
    pub(crate) unit: &'static str,
    /// The client's part of `value`, where the sides are told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<f64>,
    /// The server's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<f64>,
    /// Calls made.
    pub(crate) calls: u64,
}

/// Prints a count, as JSON or for people.
///
/// # Errors
/// When it has no JSON, which would be an error of this program.
pub(crate) fn print_count(count: &Count, as_json: bool) -> Result<()> {
    if as_json {
        println!("{}", serde_json::to_string(count)?);
        return Ok(());
    }
    let Count { case, value, unit, client, server, calls } = count;
    print!("{case:<22} {value:.4} {unit}, {calls} calls");
    if let (Some(client), Some(server)) = (client, server) {
        print!(" (client {client:.4}, server {server:.4})");
    }
    println!();
    Ok(())
}
