//! Interrupt protocol processing against Regular mode: the tables of the x-kernel's report of 1994.
//!
//! | table | cases |
//! |---|---|
//! | 2 | `through.*`, `handoff.penalty`, `handoff.saving` |
//! | 3 | `chanN.*` |
//! | 4, 6, 7 | `udpN.*`, and `.paced` |
//! | 5 | `switches.*`, and `.paced` |
//! | 8 | `bare.blastN`, `queued.blastN`, `regular.blastN`, `ipp.blastN`, and the same `.across` |

mod bare;
mod hosts;
mod queued;
mod rig;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work, is_named, select};
use crate::client::Task;
use crate::measure::Plan;
use crate::peer::Placement;
use crate::report::{self, Count, Outcome};
use crate::round::{self, Setting};
use crate::sample::Sample;
use hosts::{How, Stack, Trip};
use nearcall_graph::reception::Options;
use rig::{Delivery, Rig};

/// What is measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Ipp {
    /// A round trip between two hosts.
    Trip(Trip),
    /// A message through one host, received so; or polled, if there is no way.
    Through(Option<How>),
}

/// How long a message is waited for: where others have the processors, a thread that lets them run comes back late, and a round trip
/// has many of these.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks of a thread that waits.
const LOOK: Duration = Duration::from_millis(20);

/// Looks at something that is to go on. It counts those that found it where it was, and not the time: whoever looks may come back
/// late, as may what it looks at.
#[derive(Debug, Clone, Copy, Default)]
struct Stall {
    last: u64,
    looks: u32,
}

impl Stall {
    /// It is at `now`: whether it has been there for as many looks as make up [`PATIENCE`].
    fn lasts(&mut self, now: u64) -> bool {
        let looks = if now == self.last { self.looks + 1 } else { 0 };
        *self = Self { last: now, looks };
        u128::from(looks) > PATIENCE.as_nanos() / LOOK.as_nanos()
    }
}

/// Messages that a host carries out before the thread that measures looks again.
const TOGETHER: u32 = 256;

/// The cases that are timed.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let through = [
        ("through.polled", None),
        ("through.ipp", Some(How::Stay(1))),
        ("through.ipp_handoff", Some(How::Handoff(1))),
        ("through.regular", Some(How::Regular(1))),
    ];
    for (name, how) in through {
        cases.push(Case::new(name, Placement::Apart, Work::Ipp(Ipp::Through(how))));
    }
    let of = |trip: Trip, name: String| {
        // On two processors each host's input threads would be where the other host looks at its wire.
        let placement = if trip.across { Placement::TwoEach } else { Placement::Apart };
        Case::new(name, placement, Work::Ipp(Ipp::Trip(trip))).by_median()
    };
    let trip = |stack, client, server, size, across| {
        move |name: String| of(Trip { stack, client, server, size, across, is_paced: false }, name)
    };
    for size in [1, 1000, 2000] {
        let both = |how| trip(Stack::Chan, how, how, size, false);
        cases.push(both(How::Regular(1))(format!("chan{size}.regular")));
        cases.push(both(How::Stay(1))(format!("chan{size}.ipp")).limit(format!("chan{size}.regular")));
    }
    for size in [1, 1000, 2000, 4000] {
        let regular = |threads| {
            let how = How::Regular(threads);
            trip(Stack::Udp, how, how, size, false)(format!("udp{size}.regular{threads}"))
        };
        cases.push(regular(1));
        cases.extend([2, 3, 4, 8].map(|threads| regular(threads).limit(format!("udp{size}.regular1"))));
        let ipp = |name: &str, client, server, threads: usize| {
            let case = trip(Stack::Udp, client, server, size, false)(format!("udp{size}.{name}"));
            case.limit(format!("udp{size}.regular{threads}"))
        };
        cases.push(ipp("client", How::Handoff(1), How::Stay(1), 1));
        cases.push(ipp("server", How::Stay(1), How::Handoff(1), 1));
        cases.push(ipp("both", How::Handoff(1), How::Handoff(1), 1));
        cases.push(ipp("ipp1", How::Stay(1), How::Stay(1), 1));
        cases.push(ipp("ipp3", How::Stay(3), How::Stay(3), 3));
    }
    // A message in one frame has nothing to be paced.
    for size in [2000, 4000] {
        let paced = |how, name: &str| {
            let trip = Trip { stack: Stack::Udp, client: how, server: how, size, across: false, is_paced: true };
            of(trip, format!("udp{size}.{name}.paced"))
        };
        let limit = |name: &str| format!("udp{size}.{name}.paced");
        cases.push(paced(How::Regular(1), "regular1"));
        let others = [2, 3, 4, 8].map(|threads| paced(How::Regular(threads), &format!("regular{threads}")));
        cases.extend(others.map(|case| case.limit(limit("regular1"))));
        cases.push(paced(How::Stay(1), "ipp1").limit(limit("regular1")));
        cases.push(paced(How::Stay(3), "ipp3").limit(limit("regular3")));
    }
    for (suffix, across) in [("", false), (".across", true)] {
        for size in [8, 1024, 2048] {
            let both = |stack, how| trip(stack, how, how, size, across);
            let name = |kind: &str| format!("{kind}.blast{size}{suffix}");
            cases.push(both(Stack::Bare, How::Queued)(name("bare")));
            cases.push(both(Stack::Blast, How::Queued)(name("queued")).limit(name("bare")));
            cases.push(both(Stack::Blast, How::Regular(1))(name("regular")).limit(name("queued")));
            cases.push(both(Stack::Blast, How::Stay(1))(name("ipp")).limit(name("regular")));
        }
    }
    cases
}

/// Measures one case once.
///
/// # Errors
/// When the other host cannot be started, and for every answer that is wrong or late.
pub(crate) fn measure(ipp: Ipp, plan: &Plan, task: &Task) -> Result<Sample> {
    match ipp {
        Ipp::Trip(trip) => hosts::measure(trip, plan, task),
        Ipp::Through(how) => {
            let rig = Rig::new(8, how, Delivery::Burst, |options| options)?;
            plan.measure(TOGETHER, || rig.run(u64::from(TOGETHER)))
        }
    }
}

/// The other host.
///
/// # Errors
/// When it has no graph, or no wire.
pub(crate) fn serve(ipp: Ipp, place: &str, cpus: &[usize]) -> Result<()> {
    match ipp {
        Ipp::Trip(trip) => hosts::serve(trip, place, cpus),
        Ipp::Through(_) => bail!("there is no other host"),
    }
}

/// What is counted, and of how many messages.
const SWITCHES: [(&str, How, bool); 8] = [
    ("regular1", How::Regular(1), false),
    ("regular2", How::Regular(2), false),
    ("regular3", How::Regular(3), false),
    ("regular4", How::Regular(4), false),
    ("regular8", How::Regular(8), false),
    ("ipp", How::Stay(1), false),
    ("ipp_handoff", How::Stay(1), true),
    ("ipp_handoff3", How::Stay(3), true),
];

/// Measures and counts what `names` name; everything, without any.
///
/// # Errors
/// The first error of any.
pub(crate) fn run(names: &[String], quick: bool, rounds: u32, setting: &Setting, as_json: bool) -> Result<()> {
    let (all, counts) = (cases(), counted());
    let is_chosen = |case: &str| names.is_empty() || names.iter().any(|name| is_named(case, name));
    let derived = counts.iter().any(|name| name.starts_with("handoff") && is_chosen(name));
    let mut timed: Vec<String> =
        names.iter().filter(|name| !counts.iter().any(|count| is_named(count, name))).cloned().collect();
    if derived && !names.is_empty() {
        timed.push("through".to_owned());
    }
    if names.is_empty() || !timed.is_empty() {
        let outcomes = round::run(&select(&all, &timed, "; or a count")?, &all, rounds, setting)?;
        report::print(&outcomes, as_json)?;
        if derived {
            report::print(&handoffs(&outcomes)?, as_json)?;
        }
    }
    let messages = if quick { 1000 } else { 10_000 };
    for (name, delivery) in deliveries() {
        if is_chosen(&name) {
            report::print(&[switches(&name, delivery, messages, setting)?], as_json)?;
        }
    }
    if is_chosen("balance") {
        report::print(&[balance(if quick { 20_000 } else { 1_000_000 }, setting)?], as_json)?;
    }
    Ok(())
}

/// A row of table 5.
type Row = (How, bool, Delivery);

fn deliveries() -> impl Iterator<Item = (String, Row)> {
    [("", Delivery::Burst), (".paced", Delivery::Paced)].into_iter().flat_map(|(suffix, delivery)| {
        SWITCHES.map(|(name, how, at_reassembly)| (format!("switches.{name}{suffix}"), (how, at_reassembly, delivery)))
    })
}

fn counted() -> Vec<String> {
    let switches = deliveries().map(|(name, _)| name);
    ["handoff.penalty", "handoff.saving", "balance"].into_iter().map(str::to_owned).chain(switches).collect()
}

fn count(case: &str, value: f64, unit: &'static str, facts: BTreeMap<String, f64>, calls: Option<u64>) -> Outcome {
    let (pinned, notes) = ("one".to_owned(), Vec::new());
    Outcome::Counted(Count { case: case.to_owned(), value, unit, facts, calls, pinned, notes })
}

/// Table 2: a handoff of Regular mode is what a message costs there beyond one that is polled; the penalty is what one that IPP hands
/// off costs beyond Regular's, the saving what one that it does not hand off costs less.
fn handoffs(outcomes: &[Outcome]) -> Result<Vec<Outcome>> {
    let value = |name: &str| {
        let rows = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Measured(row) => Some(row),
            _ => None,
        });
        rows.into_iter().find(|row| row.case == name).map(|row| row.value).context("a case was not measured")
    };
    let (polled, ipp) = (value("through.polled")?, value("through.ipp")?);
    let (handoff, regular) = (value("through.ipp_handoff")?, value("through.regular")?);
    let whole = regular - polled;
    let facts = BTreeMap::from([
        ("stack_ns".to_owned(), ipp - polled),
        ("handoff_ipp_ns".to_owned(), handoff - ipp),
        ("handoff_regular_ns".to_owned(), whole),
    ]);
    Ok(vec![
        count("handoff.penalty", (handoff - regular) / whole, "of a handoff", facts.clone(), None),
        count("handoff.saving", (regular - ipp) / whole, "of a handoff", facts, None),
    ])
}

/// The processor that a host within this process has.
fn own(setting: &Setting) -> usize {
    setting.processors.each().first().copied().unwrap_or(0)
}

/// Switches that a message of `frames` frames is to have: in Regular mode one for each frame that finds a thread that waits, and of those
/// that come together only as many do as there are threads; by interrupt protocol processing none, or one when it was put together.
fn expected((how, at_reassembly, delivery): Row, frames: f64) -> f64 {
    match (how, delivery) {
        (How::Regular(threads), Delivery::Burst) => frames.min(threads as f64),
        (How::Regular(_), Delivery::Paced) => frames,
        _ if at_reassembly && frames > 1.0 => 1.0,
        _ => 0.0,
    }
}

/// Whether two numbers for each message agree within 1 %.
fn agree(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 0.01 * expected.max(1.0)
}

/// Table 5: switches of a message in two fragments, and what they are of others.
///
/// # Errors
/// When there are more or fewer than there should be, or than the kernel has counted.
fn switches(case: &str, row: Row, messages: u64, setting: &Setting) -> Result<Outcome> {
    let (how, at_reassembly, delivery) = row;
    let mut facts = BTreeMap::new();
    let mut value = f64::NAN;
    let per = |count: u64| count as f64 / messages as f64;
    for size in [1, 1000, 2000, 4000] {
        let options = |options: Options| {
            let options = options.handoff_at_reassembly(at_reassembly).spin(0).cpus(&[own(setting)]);
            options.alarm(Duration::from_secs(3600))
        };
        let cost = Rig::new(size, Some(how), delivery, options)?.cost(messages)?;
        let (frames, switches) = (per(cost.frames), per(cost.counts.switches));
        // Beyond those of the thread that receives, which sleeps until each message comes, or each frame.
        let waits = (cost.waits as f64 - cost.rests as f64) / messages as f64;
        if size == 2000 {
            value = switches;
        }
        facts.insert(format!("frames_{size}"), frames);
        facts.insert(format!("switches_{size}"), switches);
        facts.insert(format!("waits_{size}"), waits);
        let expected = expected(row, frames);
        ensure!(agree(switches, expected), "{case}: {switches} switches a message of {size} bytes, not {expected}");
        ensure!(
            agree(waits, switches),
            "{case}: {switches} switches a message of {size} bytes; the kernel counted {waits}"
        );
    }
    Ok(count(case, value, "a message", facts, Some(messages)))
}

/// Stacks that are missing after so many frames, in messages of three that are handed off when they are whole.
///
/// # Errors
/// When there are any.
fn balance(frames: u64, setting: &Setting) -> Result<Outcome> {
    let made = || nearcall_core::threads::stack::counts().made;
    let before = made();
    let options = |options: Options| options.handoff_at_reassembly(true).spin(0).cpus(&[own(setting)]);
    let rig = Rig::new(4000, Some(How::Stay(2)), Delivery::Burst, options)?;
    let cost = rig.cost(frames.div_ceil(3))?;
    let counts = cost.counts;
    let facts = BTreeMap::from([
        ("frames".to_owned(), counts.messages as f64),
        ("stacks_taken".to_owned(), counts.stacks_taken as f64),
        ("stacks_made".to_owned(), (made() - before) as f64),
    ]);
    let missing = counts.stacks_taken as f64 - counts.stacks_returned as f64;
    ensure!(missing == 0.0, "{missing} stacks are missing: {counts:?}");
    Ok(count("balance", missing, "stacks", facts, Some(counts.messages)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_expected_by_threads_and_delivery() {
        let regular = |threads, delivery| expected((How::Regular(threads), false, delivery), 3.0);
        assert_eq!([1, 2, 3, 8].map(|threads| regular(threads, Delivery::Burst)), [1.0, 2.0, 3.0, 3.0]);
        assert_eq!([1, 8].map(|threads| regular(threads, Delivery::Paced)), [3.0, 3.0]);
        for (is_wanted, frames, switches) in [(true, 3.0, 1.0), (true, 1.0, 0.0), (false, 3.0, 0.0)] {
            assert_eq!(expected((How::Stay(1), is_wanted, Delivery::Burst), frames), switches);
        }
        assert!(agree(0.009, 0.0) && agree(2.98, 3.0) && !agree(0.02, 0.0) && !agree(2.96, 3.0));
    }

    #[test]
    fn what_goes_on_is_not_stuck_however_slowly() {
        let mut stall = Stall::default();
        let looks = PATIENCE.as_millis() / LOOK.as_millis();
        for at in 1..=2 {
            for _ in 0..looks {
                assert!(!stall.lasts(at));
            }
        }
        assert!(!stall.lasts(2) && stall.lasts(2));
    }
}
