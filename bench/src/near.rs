//! nearcall itself, and what people use without it, each against its floor.

pub(crate) mod blocking;
pub(crate) mod calls;
pub(crate) mod idle;
pub(crate) mod interface;
pub(crate) mod offsets;
pub(crate) mod session;

use std::time::Duration;

use crate::case::{Case, Limit, Work};
use crate::floor;
use crate::measure::Pace;
use crate::peer::Placement;
use calls::Procedure;
use session::{How, Wait};

/// Busy time between calls that leaves every processor the time to fall asleep.
pub(crate) const THINK: Duration = Duration::from_millis(1);

/// Gaps between calls, from one that a polling server should bridge to one that nobody should poll through.
const PACES: [(&str, Duration); 4] = [
    ("20us", Duration::from_micros(20)),
    ("50us", Duration::from_micros(50)),
    ("150us", Duration::from_micros(150)),
    ("10ms", Duration::from_millis(10)),
];

/// A circumstance in which every procedure is called.
struct Mode {
    name: &'static str,
    placement: Placement,
    wait: Wait,
    until_polled: bool,
    pace: Pace,
}

impl Mode {
    const fn new(name: &'static str, placement: Placement, wait: Wait) -> Self {
        Self { name, placement, wait, until_polled: false, pace: Pace::BackToBack }
    }

    fn of(&self, procedure: Procedure, name: impl Into<String>) -> Case {
        let how = How { procedure, wait: self.wait, until_polled: self.until_polled };
        Case::new(name, self.placement, Work::Near(how)).pace(self.pace)
    }
}

/// A floor is named for what it does on one processor, because a caller's own processor can always be had.
const MODES: [Mode; 6] = [
    Mode::new("auto", Placement::Free, Wait::Auto),
    // Not `Transfer::Spin`: what counts is what callers get who ask for nothing.
    Mode { until_polled: true, ..Mode::new("spin", Placement::Apart, Wait::Auto) },
    Mode::new("one_cpu", Placement::Together, Wait::Auto),
    Mode::new("donated", Placement::Free, Wait::Donate),
    Mode { pace: Pace::Busy(THINK), ..Mode::new("asleep", Placement::Free, Wait::Auto) },
    Mode::new("groups", Placement::Sessions, Wait::Donate),
];

/// The cases. bench/README.md says what each is for.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in &MODES {
        for (procedure, name) in Procedure::ALL {
            let case = mode.of(procedure, format!("{name}.{}", mode.name)).limit(limit(procedure, mode.name));
            cases.push(match (mode.name, procedure) {
                ("asleep", _) => case.beside("futex_one_cpu_1ms"),
                ("spin", Procedure::BigInOut) => case.beside("pingpong208"),
                _ => case,
            });
        }
    }
    for (procedure, name) in [(Procedure::Write65536, "write65536"), (Procedure::Read65536, "read65536")] {
        for mode in MODES.iter().filter(|mode| ["auto", "spin"].contains(&mode.name)) {
            cases.push(mode.of(procedure, format!("{name}.{}", mode.name)).limit("copy65536"));
        }
    }
    cases.extend(paced());
    // Reported only: the sleep itself, and an idle processor's way back, are not nearcall's.
    let sleeping = Mode { pace: Pace::Sleep(THINK), ..Mode::new("", Placement::Free, Wait::Auto) };
    cases.push(sleeping.of(Procedure::Null, "null.asleep.sleep").beside("futex_one_cpu").beside("futex_one_cpu_1ms"));
    let loaded = |name: &str, wait: Wait| {
        Mode::new("", Placement::Free, wait).of(Procedure::Null, name).loaded().beside("unix_socket_loaded")
    };
    // Each against itself without yields, which are what a busy processor makes expensive.
    cases.push(loaded("null.loaded.auto_unyielding", Wait::AutoUnyielding));
    cases.push(loaded("null.loaded.auto", Wait::Auto).limit("null.loaded.auto_unyielding"));
    cases.push(loaded("null.loaded.donated_unyielding", Wait::DonateUnyielding));
    cases.push(loaded("null.loaded.donated", Wait::Donate).limit("null.loaded.donated_unyielding"));
    cases.push(Case::new("write4096.offsets", Placement::Apart, Work::Offsets).limit("copy4096"));
    cases.push(Case::new("null.outstanding32", Placement::Apart, Work::Outstanding).limit("ring32"));
    cases.push(Case::new("blocking1pct", Placement::Free, Work::Blocking).limit("futex_free"));
    for depth in [2, 8, 32] {
        cases.push(Case::new(format!("null.pipeline{depth}"), Placement::Apart, Work::Pipeline(depth)).limit("ring32"));
    }
    #[cfg(feature = "peers")]
    cases.extend(crate::peers::cases(THINK));
    cases
}

fn limit(procedure: Procedure, mode: &str) -> &'static str {
    match (mode, procedure) {
        ("one_cpu" | "donated" | "asleep" | "groups", _) => "futex_one_cpu",
        (_, Procedure::Null | Procedure::Echo40) => "pingpong56",
        (_, Procedure::Write4096 | Procedure::Read4096) => "copy4096",
        (_, Procedure::Write65536 | Procedure::Read65536) => "copy65536",
        ("auto", _) => "null.auto",
        _ => "null.spin",
    }
}

/// Gaps of some lengths, each with the two policies that need no judgement beside: to poll always, and never.
fn paced() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, gap) in PACES {
        let name = format!("null.paced.{name}");
        let [spin, donate] = ["always_spin", "always_donate"].map(|policy| format!("{name}.{policy}"));
        let mode = |placement: Placement, wait: Wait, pace: Pace| Mode { pace, ..Mode::new("", placement, wait) };
        let mut case = mode(Placement::Free, Wait::Auto, Pace::Busy(gap)).of(Procedure::Null, &name);
        let of = vec![spin.clone(), donate.clone()];
        case.limit = Limit::Within { of, bound: "futex_two_cpus".to_owned() };
        cases.push(case);
        cases.push(mode(Placement::FreeOfTwo, Wait::Spin, Pace::Filled(gap)).of(Procedure::Null, spin));
        cases.push(mode(Placement::Free, Wait::Donate, Pace::Busy(gap)).of(Procedure::Null, donate));
    }
    cases
}

/// All there is to measure: what cases are compared with is found here.
pub(crate) fn universe() -> Vec<Case> {
    let mut all = floor::cases();
    all.extend(cases());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_goals() {
        let cases = cases();
        let limit = |name: &str| {
            let case = cases.iter().find(|case| case.name == name).unwrap_or_else(|| panic!("{name}"));
            match &case.limit {
                Limit::Of(limit) => limit.as_str(),
                other => panic!("{name}: {other:?}"),
            }
        };
        for (name, expected) in [
            ("null.spin", "pingpong56"),
            ("null.auto", "pingpong56"),
            ("echo40.spin", "pingpong56"),
            ("add.spin", "null.spin"),
            ("big_in_out.spin", "null.spin"),
            ("write4096.spin", "copy4096"),
            ("read4096.spin", "copy4096"),
            ("null.one_cpu", "futex_one_cpu"),
            ("echo40.donated", "futex_one_cpu"),
            ("write4096.groups", "futex_one_cpu"),
            ("add.asleep", "futex_one_cpu"),
            ("null.loaded.auto", "null.loaded.auto_unyielding"),
            ("write65536.spin", "copy65536"),
            ("null.outstanding32", "ring32"),
            ("blocking1pct", "futex_free"),
        ] {
            assert_eq!(limit(name), expected, "{name}");
        }
    }
}
