//! Instructions of a call, counted by callgrind on the real generated code.
//!
//! One process exports the interface and binds to itself. The hook of the library's caller runs the server's half
//! between publication and the first look at the reply, so nothing ever waits: what is counted does not depend on how
//! the two sides meet, and valgrind, which runs one kernel thread at a time and has no futex_waitv, is no hindrance. A
//! run with no calls is taken off one with many.

#[cfg(feature = "instructions")]
pub(crate) use own_server::{callgrind, count, run, time};

/// Nothing: says how to get it.
///
/// # Errors
/// None.
#[cfg(not(feature = "instructions"))]
pub(crate) fn count(
    name: &str,
    _: crate::near::calls::Procedure,
    _: &crate::round::Setting,
) -> anyhow::Result<crate::report::Outcome> {
    let reason =
        "needs `cargo run --release -p nearcall-bench --features instructions`, which gives the library a hook";
    Ok(crate::report::Outcome::Skipped { case: name.to_owned(), reason: reason.to_owned() })
}

#[cfg(feature = "instructions")]
mod own_server {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::fs;
    use std::process::Stdio;

    use anyhow::{Context, Result, bail};
    use clap::ValueEnum;
    use nearcall::testing::{Served, set_wait_hook};

    use crate::count::callgrind::Profile;
    use crate::measure::{Job, Plan, Unwatched};
    use crate::near::calls::{self, Procedure};
    use crate::near::interface::{Answers, BenchClient, BenchServer, NAME};
    use crate::peer::{Start, has, under};
    use crate::report::{Count, Outcome};
    use crate::round::Setting;
    use crate::sample::Sample;

    /// Calls that are counted.
    const CALLS: u64 = 10_000;

    /// Calls between two looks at the clock, if they are timed.
    const CALLS_AT_ONCE: u32 = 64;

    /// Calls before those, in both runs: so that what happens once has happened.
    const WARM_UP: u64 = 100;

    /// Counts; skipped without valgrind.
    ///
    /// # Errors
    /// When the process under valgrind fails or leaves no profile.
    pub(crate) fn count(name: &str, procedure: Procedure, _: &Setting) -> Result<Outcome> {
        if !has("valgrind") {
            let reason = "there is no valgrind; with Debian's packages: apt-get install valgrind";
            return Ok(Outcome::Skipped { case: name.to_owned(), reason: reason.to_owned() });
        }
        let none = profile(procedure, 0)?;
        let many = profile(procedure, CALLS)?;
        let per_call = |many: u64, none: u64| many.saturating_sub(none) as f64 / CALLS as f64;
        let called = |is_meant: fn(&str) -> bool| {
            let calls = many.inclusive(is_meant).context("the profile does not have the server's half")?;
            Ok::<_, anyhow::Error>(per_call(calls, none.inclusive(is_meant).unwrap_or(0)))
        };
        // With and without the angle bracket: as the two ways to mangle names spell it.
        let server = called(|name| name.contains("Served::serve") || name.contains("Served>::serve"))?;
        let hook = called(|name| name.contains("own_server::serve_pending"))?;
        // Not all that ran: the library's other kernel threads are there as well. What the hook does around the server's
        // half is neither side's.
        let client = called(|name| name.contains("own_server::make_calls"))? - hook;
        Ok(Outcome::Counted(Count {
            case: name.to_owned(),
            value: client + server,
            unit: "instructions/call",
            facts: BTreeMap::from([("client".to_owned(), client), ("server".to_owned(), server)]),
            calls: Some(CALLS),
            pinned: "none".to_owned(),
            notes: Vec::new(),
        }))
    }

    fn profile(procedure: Procedure, calls: u64) -> Result<Profile> {
        Profile::parse(&callgrind(procedure, calls, &[])?).context("what callgrind wrote is no profile")
    }

    /// What callgrind, with `options`, writes of a process that is its own server and makes so many calls, after a warm-up.
    ///
    /// # Errors
    /// When the process under valgrind fails or leaves no profile.
    pub(crate) fn callgrind(procedure: Procedure, calls: u64, options: &[&str]) -> Result<String> {
        let directory = tempfile::tempdir().context("making a directory for the profile")?;
        let path = directory.path().join("profile");
        let file = format!("--callgrind-out-file={}", path.display());
        // Into a file, because it complains of system calls that it does not know, which the library lives without.
        let log = directory.path().join("log");
        let log_file = format!("--log-file={}", log.display());
        let tool = [&["valgrind", "--tool=callgrind", &file, &log_file], options].concat();
        let procedure = procedure.to_possible_value().context("every procedure has a name")?;
        let calls = calls.to_string();
        let arguments = ["own-server", procedure.get_name(), &calls];
        let mut command = under(&tool, &Start::default(), &arguments)?;
        let status = command.stdin(Stdio::null()).status().context("running valgrind")?;
        if !status.success() {
            bail!("the process under valgrind ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
        }
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    thread_local! {
        static PENDING: RefCell<Option<Served>> = const { RefCell::new(None) };
    }

    /// The hook. Not inlined, so that the profile tells it from the caller.
    #[inline(never)]
    fn serve_pending() {
        PENDING.with_borrow_mut(|pending| pending.as_mut().map(Served::serve));
    }

    /// The caller, and through the hook the server. Not inlined, so that the profile has it by its name.
    #[inline(never)]
    fn make_calls(client: &BenchClient, procedure: Procedure, calls: u64) -> Result<()> {
        calls::run(client, procedure, &Job::Exactly { warm_up: WARM_UP, calls }, &mut Unwatched).map(drop)
    }

    /// The process that valgrind runs.
    ///
    /// # Errors
    /// When it cannot export or bind, and for the first call that fails or returns something else.
    pub(crate) fn run(procedure: Procedure, calls: u64) -> Result<()> {
        with_itself(|client| make_calls(client, procedure, calls))
    }

    /// How long such a process takes for a null call: all of both halves, and no way between them.
    ///
    /// # Errors
    /// As [`run`].
    pub(crate) fn time(plan: &Plan) -> Result<Sample> {
        with_itself(|client| {
            plan.measure(CALLS_AT_ONCE, || {
                for _ in 0..CALLS_AT_ONCE {
                    client.null()?;
                }
                Ok(())
            })
        })
    }

    /// A client of this process's own, whose calls are served by whoever makes them.
    fn with_itself<R>(body: impl FnOnce(&BenchClient) -> Result<R>) -> Result<R> {
        let names = tempfile::tempdir().context("making a directory for the name")?;
        let exporter = nearcall::Exporter::new(NAME).dir(names.path());
        let export = exporter.export(BenchServer::new(Answers::new())).context("exporting the interface")?;
        let binder = nearcall::Binder::new(NAME).dir(names.path());
        let client: BenchClient = binder.bind().context("binding to this process")?;
        PENDING.set(Some(Served::find()));
        set_wait_hook(serve_pending);
        let result = body(&client);
        drop(client);
        drop(export);
        result
    }
}
