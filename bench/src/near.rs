//! nearcall itself, and what people use without it, each against its floor.

pub(crate) mod interface;
pub(crate) mod postcard;
pub(crate) mod session;

use anyhow::{Context, Result, bail};

use crate::case::{Case, Setting, Work};
use crate::measure::Job;
use crate::peer::Placement;
use crate::report::{Count, print_count};
use session::{Procedure, Session};

const fn near(name: &'static str, placement: Placement, procedure: Procedure, limit: &'static str) -> Case {
    Case { name, placement, work: Work::Near(procedure), limit: Some(limit) }
}

/// The cases. `.spin` confines each side to a processor of its own, with all its threads; `.spin_free` lets the kernel
/// choose among two, as it does for most programs. With `.one_cpu` they share one. `.free` is `.spin_free` on any
/// machine, against the limit of one processor, because waking a server on the caller's own is what can always be had.
pub(crate) const CASES: &[Case] = &[
    near("null.spin", Placement::Apart, Procedure::Null, "pingpong56"),
    near("null.spin_free", Placement::FreeOfTwo, Procedure::Null, "pingpong56_free"),
    near("add.spin", Placement::Apart, Procedure::Add, "pingpong56"),
    near("echo40.spin", Placement::Apart, Procedure::Echo40, "pingpong56"),
    near("write4096.spin", Placement::Apart, Procedure::Write4096, "copy4096"),
    near("write4096.spin_free", Placement::FreeOfTwo, Procedure::Write4096, "copy4096_free"),
    near("null.one_cpu", Placement::Together, Procedure::Null, "futex_one_cpu"),
    near("null.free", Placement::Free, Procedure::Null, "futex_one_cpu"),
    Case {
        name: "unix_socket_postcard",
        placement: Placement::Apart,
        work: Work::Postcard,
        limit: Some("unix_socket"),
    },
];

/// What is done in one go, without rounds and limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Once {
    /// Calls before the counted ones.
    pub(crate) warm_up: u64,
    /// Calls that are counted, exactly.
    pub(crate) calls: u64,
    /// Whether results are JSON lines.
    pub(crate) as_json: bool,
}

/// Makes exactly `once.calls` calls of each case after the warm-up, so that something outside can count what they do:
/// the difference of two runs with different numbers of calls is theirs alone. Prints the mean.
///
/// # Errors
/// When a case is not one of nearcall or cannot be had here, or a call fails.
pub(crate) fn exactly(cases: &[Case], once: Once, setting: &Setting) -> Result<()> {
    for case in cases {
        let (session, procedure) = start(case, setting)?;
        let sample = session.run(procedure, &Job::Exactly { warm_up: once.warm_up, calls: once.calls })?;
        let Once { calls, as_json, .. } = once;
        let count = Count { case: case.name, value: sample.mean, unit: "ns", client: None, server: None, calls };
        print_count(&count, as_json)?;
    }
    Ok(())
}

/// Counts the allocations of `once.calls` calls of each case, after the warm-up, on both sides. Prints them per call.
///
/// # Errors
/// As [`exactly`].
pub(crate) fn count_allocations(cases: &[Case], once: Once, setting: &Setting) -> Result<()> {
    for case in cases {
        let (session, procedure) = start(case, setting)?;
        let run = |warm_up, calls| session.run(procedure, &Job::Exactly { warm_up, calls });
        run(once.warm_up, 0)?;
        // Asking may allocate, and so does preparing a run: what a run without calls allocates is taken off.
        let first = session.allocations()?;
        run(0, 0)?;
        let second = session.allocations()?;
        run(0, once.calls)?;
        let third = session.allocations()?;
        let per_call = |first: u64, second: u64, third: u64| {
            (third - second).saturating_sub(second - first) as f64 / once.calls.max(1) as f64
        };
        let (client, server) = (per_call(first.0, second.0, third.0), per_call(first.1, second.1, third.1));
        let count = Count {
            case: case.name,
            value: client + server,
            unit: "allocations/call",
            client: Some(client),
            server: Some(server),
            calls: once.calls,
        };
        print_count(&count, once.as_json)?;
    }
    Ok(())
}

fn start(case: &Case, setting: &Setting) -> Result<(Session, Procedure)> {
    let Work::Near(procedure) = case.work else {
        bail!("{} is no case of nearcall", case.name);
    };
    if let Some(reason) = setting.processors.lacking(case.placement) {
        bail!("{} {reason}", case.name);
    }
    let session = Session::start(setting, case.placement).with_context(|| format!("case {}", case.name))?;
    Ok((session, procedure))
}
