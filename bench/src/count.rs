//! What is counted, not timed: once, after the rounds.

#[cfg(any(test, feature = "instructions"))]
pub(crate) mod callgrind;
pub(crate) mod instructions;
pub(crate) mod syscalls;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::case::{Case, Spec, Work, is_named};
use crate::client::Task;
use crate::many::Size;
use crate::measure::{Job, Pace};
use crate::near::calls::Procedure;
use crate::peer::Placement;
use crate::report::{Count, Outcome};
use crate::round::Setting;
use crate::sample::{Sample, Way};

/// A count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// What both sides use when nobody calls.
    Idle,
    /// System calls while the server polls.
    Syscalls(Procedure),
    /// Instructions of a call.
    Instructions(Procedure),
    /// Memory of a pair.
    Memory(Size),
    /// Descriptors and kernel threads of a pair.
    Descriptors(Size),
    /// System calls of threads.
    ThreadSyscalls(crate::threads::Threads),
    /// What both sides of something else use when nobody calls.
    #[cfg(feature = "peers")]
    PeerIdle(crate::peers::Kind),
}

/// A count and its name.
pub(crate) type Named = (String, Counted);

/// The counts of `near`.
pub(crate) fn table() -> Vec<Named> {
    let own = [
        ("idle", Counted::Idle),
        ("syscalls", Counted::Syscalls(Procedure::Null)),
        ("syscalls.write65536", Counted::Syscalls(Procedure::Write65536)),
        ("syscalls.read65536", Counted::Syscalls(Procedure::Read65536)),
        ("instructions.null", Counted::Instructions(Procedure::Null)),
        ("instructions.write4096", Counted::Instructions(Procedure::Write4096)),
    ];
    let counts = own.into_iter().map(|(name, counted)| (name.to_owned(), counted));
    #[cfg(feature = "peers")]
    let counts = counts.chain(crate::peers::counts());
    counts.collect()
}

/// The counts of `table` that `names` name, and the names that cases have to answer to: those of cases, and those of
/// nothing. Without names, all counts if `all`.
pub(crate) fn select(table: &[Named], cases: &[Case], names: &[String], all: bool) -> (Vec<Named>, Vec<String>) {
    let is_chosen = |count: &str| if names.is_empty() { all } else { names.iter().any(|name| is_named(count, name)) };
    let counts = table.iter().filter(|(count, _)| is_chosen(count)).cloned().collect();
    let is_of_cases = |name: &str| {
        let is_of_counts = table.iter().any(|(count, _)| is_named(count, name));
        !is_of_counts || cases.iter().any(|case| is_named(&case.name, name))
    };
    (counts, names.iter().filter(|name| is_of_cases(name)).cloned().collect())
}

impl Counted {
    /// Counts.
    ///
    /// # Errors
    /// When something fails that is there; what is not there is a skipped case.
    pub(crate) fn run(self, name: &str, setting: &Setting) -> Result<Outcome> {
        match self {
            Self::Idle => told(name, Work::Idle, "ms", setting),
            #[cfg(feature = "peers")]
            Self::PeerIdle(kind) => told(name, Work::Peer(kind, crate::peers::What::Idle), "ms", setting),
            Self::Memory(size) => told(name, Work::Memory(size), "KiB", setting),
            Self::Descriptors(size) => {
                let outcome = told(name, Work::Memory(size), "descriptors", setting)?;
                let Outcome::Counted(mut count) = outcome else { return Ok(outcome) };
                count
                    .facts
                    .retain(|name, _| ["descriptors", "threads", "pairs"].iter().any(|kept| name.ends_with(kept)));
                count.value = count.facts.get("server_descriptors").copied().unwrap_or(f64::NAN);
                Ok(Outcome::Counted(count))
            }
            Self::Syscalls(procedure) => syscalls::count(name, procedure, setting),
            Self::ThreadSyscalls(what) => syscalls::of_threads(name, what, setting),
            Self::Instructions(procedure) => instructions::count(name, procedure, setting),
        }
    }
}

/// What a client's process found that makes no calls of its own; nothing pinned.
fn told(name: &str, work: Work, unit: &'static str, setting: &Setting) -> Result<Outcome> {
    let placement = Placement::Free;
    let spec = Spec { work, placement, pace: Pace::BackToBack };
    let job = Job::Plan(setting.plan);
    let sample = run_alone(&Task { spec, job, processors: setting.processors.clone(), server: None })?;
    Ok(Outcome::Counted(Count {
        case: name.to_owned(),
        value: sample.mean,
        unit,
        facts: sample.facts,
        calls: None,
        pinned: setting.processors.describe(placement),
        notes: sample.notes,
    }))
}

/// What is done in one go, without rounds and limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Once {
    /// Calls before the counted ones.
    pub(crate) warm_up: u64,
    /// Calls that are counted, exactly.
    pub(crate) calls: u64,
}

/// Makes exactly `once.calls` calls of each case after the warm-up, so that something outside can count what they do:
/// the difference of two runs with different numbers of calls is theirs alone.
///
/// # Errors
/// When a case is not one of nearcall or cannot be had here, or a call fails.
pub(crate) fn exactly(cases: &[Case], once: Once, setting: &Setting) -> Result<Vec<Outcome>> {
    each(cases, once, setting, |sample| (sample.mean, "ns", sample.facts))
}

/// Counts the allocations of `once.calls` calls of each case, after the warm-up, on both sides, per call.
///
/// # Errors
/// As [`exactly`].
pub(crate) fn allocations(cases: &[Case], once: Once, setting: &Setting) -> Result<Vec<Outcome>> {
    each(cases, once, setting, |sample| {
        let per_call = |name: &str| sample.facts.get(name).copied().unwrap_or(f64::NAN) / once.calls.max(1) as f64;
        let (client, server) = (per_call("client_allocations"), per_call("server_allocations"));
        let parts = BTreeMap::from([("client".to_owned(), client), ("server".to_owned(), server)]);
        (client + server, "allocations/call", parts)
    })
}

fn each(
    cases: &[Case],
    once: Once,
    setting: &Setting,
    told: impl Fn(Sample) -> (f64, &'static str, BTreeMap<String, f64>),
) -> Result<Vec<Outcome>> {
    let count = |case: &Case| {
        if let Some(reason) = setting.processors.lacking(case.spec.placement) {
            bail!("{} {reason}", case.name);
        }
        let Once { warm_up, calls } = once;
        let job = Job::Exactly { warm_up, calls };
        let task = Task { spec: case.spec, job, processors: setting.processors.clone(), server: None };
        let sample = run_alone(&task).with_context(|| format!("case {}", case.name))?;
        let (notes, pinned) = (sample.notes.clone(), setting.processors.describe(case.spec.placement));
        let (value, unit, facts) = told(sample);
        Ok(Outcome::Counted(Count { case: case.name.clone(), value, unit, facts, calls: Some(calls), pinned, notes }))
    };
    cases.iter().map(count).collect()
}

/// Runs a task that has one way only.
fn run_alone(task: &Task) -> Result<Sample> {
    let way: Option<Way> = task.run()?.into_iter().next();
    Ok(way.context("the client's process measured nothing")?.sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_named_or_left_out() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let table = table();
        let cases = [Case::new("idle.else", Placement::Free, Work::Offsets)];
        assert_eq!(select(&table, &cases, &[], true).0.len(), table.len());
        assert!(select(&table, &cases, &[], false).0.is_empty());
        let (counts, rest) = select(&table, &cases, &names(&["null.spin", "instructions", "idle"]), false);
        assert_eq!(counts.len(), 3);
        // One word may name both.
        assert_eq!(rest, names(&["null.spin", "idle"]));
    }
}
