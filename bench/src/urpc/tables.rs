//! LRPC's Tables IV and V.

use std::fmt::Write;

use crate::near::calls::Procedure;
use crate::report::{Outcome, Row};

/// The calls of Table IV: how cases call them, and what the table says.
pub(crate) const BASIC: [(Procedure, &str, &str); 4] = [
    (Procedure::Null, "null", "Null      nothing either way"),
    (Procedure::Add, "add", "Add       two 4-byte arguments, one 4-byte result"),
    (Procedure::BigIn, "big_in", "BigIn     one 200-byte argument"),
    (Procedure::BigInOut, "big_in_out", "BigInOut  200 bytes both ways"),
];

/// The columns of Table IV: circumstances of cases, and what the table says.
const COLUMNS: [(&str, &str); 3] = [("spin", "nearcall/MP"), ("one_cpu", "nearcall"), ("conventional", "Unix socket")];

fn cell_name(procedure: &str, column: &str) -> String {
    if column == "conventional" { format!("{column}.{procedure}") } else { format!("{procedure}.{column}") }
}

/// The cases of Table IV.
pub(crate) fn four() -> Vec<String> {
    BASIC.iter().flat_map(|(_, name, _)| COLUMNS.map(|(column, _)| cell_name(name, column))).collect()
}

/// The cases of Table V.
pub(crate) fn five() -> Vec<String> {
    let mut names = vec!["procedure_call", "system_call", "yield_one_cpu", "null.one_cpu"];
    if cfg!(feature = "instructions") {
        names.push("own_server");
    }
    names.into_iter().map(str::to_owned).collect()
}

fn row<'a>(outcomes: &'a [Outcome], name: &str) -> Option<&'a Row> {
    outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Measured(row) if row.case == name => Some(row),
        _ => None,
    })
}

fn value(outcomes: &[Outcome], name: &str) -> Option<f64> {
    row(outcomes, name).map(|row| row.value)
}

/// Table IV. `None` if nothing of it was measured.
pub(crate) fn text_of_four(outcomes: &[Outcome]) -> Option<String> {
    value(outcomes, "null.one_cpu")?;
    let mut text = String::from(
        "LRPC's Table IV: four calls, microseconds (and divided by Null's)\n\
         nearcall/MP: the server polls on a second processor. nearcall, Unix socket: both processes on one processor.\n\n",
    );
    let _ = write!(text, "{:<52}", "");
    COLUMNS.iter().for_each(|(_, title)| {
        let _ = write!(text, "{title:>20}");
    });
    for (_, name, description) in BASIC {
        let _ = write!(text, "\n{description:<52}");
        for (column, _) in COLUMNS {
            let null = value(outcomes, &cell_name("null", column));
            let cell = value(outcomes, &cell_name(name, column)).zip(null);
            let cell = cell.map_or_else(
                || "skipped".to_owned(),
                |(value, null)| format!("{:.3} ({:.2})", value / 1e3, value / null),
            );
            let _ = write!(text, "{cell:>20}");
        }
    }
    Some(text)
}

/// Table V. `None` if what it needs was not measured.
///
/// The minimum is measured whole, as a turn of two processes that do nothing but yield to each other, and its system calls
/// alone; the changes of address space are what is left. The overhead of the stubs is all of a call in a process that is its own
/// server, where one kernel thread runs both halves and nobody waits; between two processors the same work is hidden behind the way
/// of the lines. The rest is nearcall's way through the kernel: the look before the yield, what yields cost beyond those of the
/// minimum, and the clock.
pub(crate) fn text_of_five(outcomes: &[Outcome]) -> Option<String> {
    let of = |name: &str| value(outcomes, name);
    let (procedure, system_call) = (of("procedure_call")?, of("system_call")?);
    let (turn, total) = (of("yield_one_cpu")?, of("null.one_cpu")?);
    let switches = turn - 2.0 * system_call;
    let minimum = procedure + turn;
    let overhead = total - minimum;
    let stubs = of("own_server");
    let mut text = String::from("LRPC's Table V: the serial Null call, nanoseconds\n\n");
    let mut line = |what: &str, minimum: Option<f64>, overhead: Option<f64>| {
        let cell = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
        let _ = writeln!(text, "{what:<58}{:>10}{:>18}", cell(minimum), cell(overhead));
    };
    line("one procedure call", Some(procedure), None);
    line("two system calls (empty ones)", Some(2.0 * system_call), None);
    line("two changes of the address space (the rest of a turn)", Some(switches), None);
    if let Some(stubs) = stubs {
        line("stubs, checks, lines (own_server)", None, Some(stubs));
        line("way through the kernel (the rest)", None, Some(overhead - stubs));
    }
    line("total", Some(minimum), Some(overhead));
    if stubs.is_none() {
        text.push_str("what of it the stubs take needs the feature `instructions`\n");
    }
    let _ = write!(
        text,
        "{:<58}{:>10}{:>18}\nmeasured: {total:.0} ns, {:.2} of the minimum (LRPC on the C-VAX: 157 us, 1.44)",
        "",
        "minimum",
        "nearcall overhead",
        total / minimum
    );
    Some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn measured(case: &str, value: f64) -> Outcome {
        Outcome::Measured(Row {
            case: case.to_owned(),
            value,
            unit: "ns",
            against: None,
            p50: value,
            p99: value,
            rounds: 1,
            pinned: String::new(),
            ways: Vec::new(),
            beside: Vec::new(),
            rival: None,
            facts: BTreeMap::new(),
            notes: Vec::new(),
        })
    }

    #[test]
    fn table_four_has_ratios() {
        let outcomes = [measured("null.one_cpu", 3500.0), measured("add.one_cpu", 3850.0)];
        let text = text_of_four(&outcomes).unwrap();
        assert!(text.contains("3.850 (1.10)") && text.contains("skipped"), "{text}");
        assert_eq!(text_of_four(&[]), None);
    }

    #[test]
    fn table_five_adds_up() {
        let names = ["procedure_call", "system_call", "yield_one_cpu", "null.one_cpu", "own_server"];
        let values = [2.0, 200.0, 3498.0, 4000.0, 130.0];
        let outcomes: Vec<Outcome> = names.iter().zip(values).map(|(case, value)| measured(case, value)).collect();
        let text = text_of_five(&outcomes).unwrap();
        let of = |row: &str| text.lines().find(|line| line.starts_with(row)).unwrap().split_whitespace();
        assert_eq!(of("total").collect::<Vec<_>>(), ["total", "3500", "500"]);
        assert_eq!((of("stubs").next_back(), of("way").next_back()), (Some("130"), Some("370")));
        assert!(text.contains("1.14 of the minimum"), "{text}");
        assert_eq!(text_of_five(&outcomes[1..]), None);
        let text = text_of_five(&outcomes[..4]).unwrap();
        assert!(text.contains("needs the feature") && !text.contains("way through"), "{text}");
    }
}
