//! The experiments of URPC (Bershad and others, 1991, section 4) and LRPC (1990, section 4), with nearcall in their place.
//!
//! Cases that compare times are measured as those of `near` are. What needs several clients, many threads or pictures has a
//! rig of its own: servers and clients that are pinned, and windows in which all of them call ([`rig`]).

pub(crate) mod bare;
pub(crate) mod breakdown;
mod callers;
pub(crate) mod conventional;
mod figures;
mod knee;
pub(crate) mod lines;
mod lock;
mod pairs;
pub(crate) mod pipelining;
mod plot;
pub(crate) mod receiver;
pub(crate) mod rig;
pub(crate) mod scenario;
mod svg;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::case::{self, Case, Work, is_named};
use crate::near;
use crate::near::calls::Procedure;
use crate::near::session::{How, Wait};
use crate::peer::Placement;
use crate::report::{self, Outcome};
use crate::round::{self, Setting};
use bare::Bare;
use pipelining::{By, DEPTHS, Pipelining};
use receiver::{Answering, Receiver};

/// Cases that are measured as those of `near` are.
pub(crate) fn cases() -> Vec<Case> {
    let near = |name: &str, placement: Placement, wait: Wait, procedure: Procedure| {
        let until_polled = placement == Placement::Apart;
        Case::new(name, placement, Work::Near(How { procedure, wait, until_polled }))
    };
    let serial = |name: &str, procedure: Procedure| near(name, Placement::Together, Wait::Auto, procedure);
    let s0 = |name: &str, wait: Wait| near(name, Placement::Together, wait, Procedure::Null).limit("futex_one_cpu");
    let mut cases = vec![
        Case::new("procedure_call", Placement::Free, Work::Bare(Bare::Procedure)),
        Case::new("system_call", Placement::Free, Work::Bare(Bare::SystemCall)),
        serial("lrpc_minimum", Procedure::Null).limit("yield_one_cpu"),
        near("mp_serial", Placement::Apart, Wait::Auto, Procedure::Null)
            .limit("null.one_cpu")
            .beside("pingpong56")
            .beside("yield_one_cpu"),
        serial("add_serial", Procedure::Add).limit("null.one_cpu"),
        serial("big_in_serial", Procedure::BigIn).limit("null.one_cpu"),
        serial("big_in_out_serial", Procedure::BigInOut).limit("null.one_cpu"),
        // Calls back to back: both sides yield, and the server is never asleep. Beside it, one that is, before each call.
        s0("s0", Wait::Donate).beside("s0.asleep"),
        s0("s0.asleep", Wait::DonateUnyielding),
    ];
    let pipelining = |name: String, by: By, depth: u32| {
        Case::new(name, Placement::Apart, Work::Pipelining(Pipelining { by, depth })).limit("ring32")
    };
    cases.push(pipelining("pipeline32".to_owned(), By::Threads, 32));
    for depth in DEPTHS {
        cases.push(pipelining(format!("pipelining.threads{depth}"), By::Threads, depth));
        cases.push(pipelining(format!("pipelining.pending{depth}"), By::Pending, depth));
    }
    for (answering, name) in Answering::ALL {
        let case = |receiver: &str, is_busy: bool| {
            let work = Work::Receiver(Receiver { answering, is_busy });
            Case::new(format!("receiver_{receiver}.{name}"), Placement::FreeOfTwo, work)
        };
        cases.push(case("waits", false));
        cases.push(case("busy", true).limit(format!("receiver_waits.{name}")));
    }
    #[cfg(feature = "instructions")]
    cases.push(Case::new("own_server", Placement::Free, Work::Bare(Bare::OwnServer)));
    cases.extend(tables::BASIC.map(|(procedure, name, _)| {
        Case::new(format!("conventional.{name}"), Placement::Together, Work::Conventional(procedure))
    }));
    cases
}

/// What cases are compared with is found here.
fn universe() -> Vec<Case> {
    let mut all = near::universe();
    all.extend(cases());
    all
}

/// What has a way of its own to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Experiment {
    TwoPairs,
    Pipeline2,
    S0Donations,
    Table2,
    Table4,
    Table5,
    Figure1,
    Figure2,
    CommonLines,
    Figures3And4,
}

impl Experiment {
    const ALL: [(&str, Self); 11] = [
        ("two_pairs", Self::TwoPairs),
        ("pipeline2", Self::Pipeline2),
        ("s0_donations", Self::S0Donations),
        ("table2", Self::Table2),
        ("table4", Self::Table4),
        ("table5", Self::Table5),
        ("figure1", Self::Figure1),
        ("figure2", Self::Figure2),
        ("common_lines", Self::CommonLines),
        ("figure3", Self::Figures3And4),
        ("figure4", Self::Figures3And4),
    ];
}

/// How much is measured, and where results go.
#[derive(Debug)]
pub(crate) struct Effort {
    pub(crate) setting: Setting,
    /// Rounds of cases and tables.
    pub(crate) rounds: u32,
    /// To see that everything runs.
    pub(crate) quick: bool,
    /// A line of JSON for each result, and no tables.
    pub(crate) json: bool,
    /// A directory for pictures, if they are wanted.
    pub(crate) pictures: Option<PathBuf>,
}

impl Effort {
    /// Rounds of what has many points.
    fn few_rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds.min(5) }
    }

    /// A window of calls.
    fn window(&self) -> Duration {
        Duration::from_millis(if self.quick { 20 } else { 100 })
    }

    fn print(&self, outcomes: &[Outcome], text: Option<&str>) -> Result<()> {
        match text {
            Some(text) if !self.json => println!("{}\n", text.trim_end()),
            _ => report::print(outcomes, self.json)?,
        }
        Ok(())
    }

    fn picture(&self, name: &str, picture: &str) -> Result<()> {
        let Some(directory) = &self.pictures else { return Ok(()) };
        fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
        let path: &Path = &directory.join(name);
        fs::write(path, picture).with_context(|| format!("writing {}", path.display()))
    }
}

/// Measures what `names` name, or all.
///
/// # Errors
/// For a name that is not there, and the first error of a measurement.
pub(crate) fn run(names: &[String], effort: &Effort) -> Result<()> {
    let own = cases();
    let is_known = |name: &String| {
        own.iter().any(|case| is_named(&case.name, name)) || Experiment::ALL.iter().any(|(known, _)| known == name)
    };
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let cases = own.iter().map(|case| case.name.as_str());
        let known: Vec<&str> = cases.chain(Experiment::ALL.map(|(name, _)| name)).collect();
        bail!("there is no case {unknown}; there are {}", known.join(", "));
    }
    let chosen = |name: &str| names.is_empty() || names.iter().any(|asked| is_named(name, asked));
    let selected: Vec<Case> = own.iter().filter(|case| chosen(&case.name)).cloned().collect();
    if !selected.is_empty() {
        effort.print(&round::run(&selected, &universe(), effort.rounds, &effort.setting)?, None)?;
    }
    let mut done: Vec<Experiment> = Vec::new();
    for (name, experiment) in Experiment::ALL {
        if chosen(name) && !done.contains(&experiment) {
            done.push(experiment);
            experiment.run(effort).with_context(|| name.to_owned())?;
        }
    }
    Ok(())
}

impl Experiment {
    fn run(self, effort: &Effort) -> Result<()> {
        let processors = &effort.setting.processors;
        match self {
            Self::TwoPairs => effort.print(&[pairs::two_pairs(effort.rounds, effort.window(), &effort.setting)?], None),
            Self::Pipeline2 => effort.print(&[figures::pipeline2(effort.rounds, effort.window(), processors)?], None),
            Self::S0Donations => effort.print(&[figures::s0_donations(effort.window(), processors)?], None),
            Self::Table2 => {
                let (outcome, text) = breakdown::measure("table2", &effort.setting)?;
                effort.print(&[outcome], text.as_deref())
            }
            Self::Table4 | Self::Table5 => {
                let names: &[String] = &if self == Self::Table4 { tables::four() } else { tables::five() };
                let selected = case::select(&universe(), names, "")?;
                let outcomes = round::run(&selected, &universe(), effort.rounds, &effort.setting)?;
                let text = if self == Self::Table4 { tables::text_of_four } else { tables::text_of_five };
                effort.print(&outcomes, text(&outcomes).as_deref())
            }
            Self::Figure1 => {
                if let Some(reason) = processors.lacking(Placement::Apart) {
                    let skipped = Outcome::Skipped { case: "figure1".to_owned(), reason: reason.to_owned() };
                    return effort.print(&[skipped], None);
                }
                let scenario = scenario::measure(if effort.quick { 5 } else { 200 }, processors)?;
                effort.picture("figure1.svg", &scenario.svg())?;
                effort.print(&[scenario.outcome()], Some(&scenario.text()))
            }
            Self::Figure2 => {
                let figure = pairs::measure(&pairs::POINTS, effort.rounds, effort.window(), processors)?;
                let outcomes: Vec<Outcome> =
                    pairs::POINTS.iter().map(|point| figure.outcome(*point, &point.name())).collect();
                effort.picture("figure2.svg", &figure.svg())?;
                effort.print(&outcomes, Some(&figure.text()))
            }
            Self::CommonLines => effort.print(&[lines::measure("common_lines", processors)?], None),
            Self::Figures3And4 => {
                let points = figures::measure(effort.few_rounds(), effort.window(), processors)?;
                for (name, picture) in figures::plots(&points) {
                    effort.picture(name, &picture)?;
                }
                effort.print(&figures::outcomes(&points), Some(&figures::table(&points)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_finds_its_limit_and_names_are_unique() {
        let universe = universe();
        case::order(&cases(), &universe).unwrap();
        for names in [tables::four(), tables::five()] {
            case::order(&case::select(&universe, &names, "").unwrap(), &universe).unwrap();
        }
        let mut names: Vec<&str> = universe.iter().map(|case| case.name.as_str()).collect();
        names.extend(Experiment::ALL.map(|(name, _)| name));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
