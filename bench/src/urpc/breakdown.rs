//! URPC's Table II: what the instructions of a null call are for: send, poll, receive, dispatch, on both sides.
//!
//! callgrind counts every instruction of one process that is its own server (see `count::instructions`), address by address;
//! once all of a call, and once what runs inside the server's half, so the difference is the client's. The debugging
//! information says for each address which functions were inlined there, one in the other. The innermost that has a part in
//! `PARTS` decides; what none decides is dispatch, if it is the library's or the stub's. The loop that calls is of no part,
//! and the hook that runs the server not of the call. Nobody waits: each side polls once. The server's loop over its pairs,
//! which finds the one with a message, is the library's own for such processes, in place of a processor's: what a lead or a standby
//! does around a request (that it is inside a procedure, the list of calls to be woken) is in no cell.
//!
//! The sum has to be what a count by functions finds, and every name in `PARTS` that of something that ran, or there is an error:
//! what a renamed function was would be dispatch.

/// What an instruction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(any(test, feature = "instructions")), expect(dead_code, reason = "the feature counts"))]
enum Part {
    /// Writing the message and publishing it: the request, or the reply.
    Send,
    /// Looking whether there is one.
    Poll,
    /// Taking it: claim, checks, reading.
    Receive,
    /// From the message to the code it is for: A-stack, record of the call, rights, the table of procedures, the stub and the
    /// procedure.
    Dispatch,
    /// The caller's: the loop around the call.
    Caller,
    /// Not the call's: the hook.
    Hook,
}

#[cfg(feature = "instructions")]
pub(crate) use counted::measure;

/// Nothing: says how to get it.
///
/// # Errors
/// None.
#[cfg(not(feature = "instructions"))]
pub(crate) fn measure(
    name: &str,
    _: &crate::round::Setting,
) -> anyhow::Result<(crate::report::Outcome, Option<String>)> {
    let reason =
        "needs `cargo run --release -p nearcall-bench --features instructions`, which gives the library a hook";
    Ok((crate::report::Outcome::Skipped { case: name.to_owned(), reason: reason.to_owned() }, None))
}

#[cfg(any(test, feature = "instructions"))]
mod costs {
    use std::collections::BTreeMap;

    use super::Part;

    /// Functions, by name and the end of their file's path, and what they are part of. Inner ones come first. Each has instructions
    /// of its own in a null call.
    const PARTS: [(&str, &str, Part); 18] = [
        ("run", "transfer/hook.rs", Part::Hook),
        ("poll", "shm/mod.rs", Part::Poll),
        ("request_line", "shm/fixed.rs", Part::Poll),
        ("has_ended", "channel/server.rs", Part::Poll),
        ("claim", "channel/server.rs", Part::Receive),
        ("start", "channel/server.rs", Part::Receive),
        ("started", "channel/serving.rs", Part::Receive),
        ("open", "rt/incoming.rs", Part::Receive),
        ("finished", "channel/serving.rs", Part::Send),
        ("put", "rt/incoming.rs", Part::Send),
        ("reply", "rt/incoming.rs", Part::Send),
        ("answer", "channel/server.rs", Part::Send),
        ("publish", "channel/client.rs", Part::Send),
        ("make_room", "channel/client.rs", Part::Send),
        ("cpu_hint", "sys/process.rs", Part::Send),
        ("reply_line", "channel/client.rs", Part::Poll),
        ("wait", "transfer/caller.rs", Part::Poll),
        ("finish", "channel/client.rs", Part::Receive),
    ];

    /// Files in which all that [`PARTS`] does not know is of one part.
    const FILES: [(&str, Part); 5] = [
        ("testing/own_server.rs", Part::Poll),
        ("transfer/hook.rs", Part::Hook),
        ("count/instructions.rs", Part::Hook),
        ("src/measure.rs", Part::Caller),
        ("near/calls.rs", Part::Caller),
    ];

    /// A function, and the file of the place in it.
    pub(super) type Frame = (String, String);

    /// What of [`PARTS`] and [`FILES`] none of `stacks` has: what these names stood for is counted as something else.
    pub(super) fn missing(stacks: &[Vec<Frame>]) -> Vec<String> {
        let frames = || stacks.iter().flatten();
        let is_there = |name: Option<&str>, of: &str| {
            frames().any(|(known, file)| name.is_none_or(|name| name == base(known)) && file.ends_with(of))
        };
        let parts = PARTS.iter().filter(|(name, of, _)| !is_there(Some(name), of));
        let files = FILES.iter().filter(|(of, _)| !is_there(None, of));
        parts.map(|(name, of, _)| format!("{name} of {of}")).chain(files.map(|(of, _)| (*of).to_owned())).collect()
    }

    /// What an instruction is for, whose functions are `frames`, the innermost first. `None`: nobody knows the place.
    pub(super) fn part(frames: &[Frame]) -> Option<Part> {
        // Of one that sends, the line that is written is a part of sending.
        let publishes =
            frames.iter().any(|(name, file)| base(name) == "publish" && file.ends_with("channel/client.rs"));
        for (name, file) in frames {
            let found = PARTS.iter().find(|(known, of, _)| *known == base(name) && file.ends_with(of));
            if let Some((.., part)) = found {
                return Some(if publishes && *part == Part::Poll { Part::Send } else { *part });
            }
        }
        let (_, file) = frames.iter().find(|(_, file)| is_own(file))?;
        let found = FILES.iter().find(|(of, _)| file.ends_with(of));
        Some(found.map_or(Part::Dispatch, |(_, part)| *part))
    }

    fn is_own(file: &str) -> bool {
        (file.contains("/crates/") || file.contains("/bench/src/")) && !file.contains("/rustc/")
    }

    /// Without type parameters.
    fn base(name: &str) -> &str {
        name.split('<').next().unwrap_or(name)
    }

    /// Instructions by object file and address.
    pub(super) type Costs = BTreeMap<(String, u64), i64>;

    /// What callgrind writes with `--dump-instr=yes`, uncompressed: `0xaddress line cost`, but the line after `calls=` says
    /// what the calls cost that are made there.
    pub(super) fn parse(text: &str) -> Option<Costs> {
        let mut costs = Costs::new();
        let (mut object, mut is_call) = ("", false);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("ob=") {
                object = name;
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some(rest) = line.strip_prefix("0x")
                && !std::mem::take(&mut is_call)
            {
                let mut fields = rest.split_whitespace();
                let address = u64::from_str_radix(fields.next()?, 16).ok()?;
                let cost: i64 = fields.nth(1)?.parse().ok()?;
                *costs.entry((object.to_owned(), address)).or_default() += cost;
            }
        }
        (!costs.is_empty()).then_some(costs)
    }

    /// `costs` less `other`, address by address.
    pub(super) fn less(mut costs: Costs, other: &Costs) -> Costs {
        for (address, cost) in other {
            *costs.entry(address.clone()).or_default() -= cost;
        }
        costs.retain(|_, cost| *cost != 0);
        costs
    }

    /// What llvm-symbolizer writes: for each address a group of lines, function and place in turn, and an empty line.
    pub(super) fn frames(text: &str) -> Vec<Vec<Frame>> {
        let groups = text.split("\n\n").map(str::trim).filter(|group| !group.is_empty());
        let frame = |lines: &[&str]| {
            let [name, place, ..] = lines else { return None };
            // What follows the file are line and column.
            Some(((*name).to_owned(), place.rsplitn(3, ':').last().unwrap_or_default().to_owned()))
        };
        groups.map(|group| group.lines().collect::<Vec<_>>().chunks(2).filter_map(frame).collect()).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn costs_are_by_address_and_without_those_of_callees() {
            let text = "positions: instr line\nob=/bin/x\nfn=f\n0x10 5 3\n0x14 6 4\ncfn=g\ncalls=2 0x20 1\n0x14 6 99\n0x10 5 2\n";
            let costs = parse(text).unwrap();
            let at = |address: u64| costs.get(&("/bin/x".to_owned(), address)).copied();
            assert_eq!((at(0x10), at(0x14), costs.len()), (Some(5), Some(4), 2));
            let rest = less(costs.clone(), &costs);
            assert!(rest.is_empty());
            assert_eq!(parse("nothing"), None);
        }

        fn stack(text: &str) -> Vec<Frame> {
            frames(text).remove(0)
        }

        #[test]
        fn the_innermost_known_function_decides() {
            let claim = "/p/crates/core/src/channel/server.rs:164:2\nserve_here<X>\n/p/crates/core/src/transfer/crew.rs:5:1\n\n";
            let polled =
                format!("load\n/rustc/1/atomic.rs:3:4\npoll\n/p/crates/core/src/shm/mod.rs:283:9\nclaim\n{claim}");
            assert_eq!(part(&stack(&polled)), Some(Part::Poll));
            assert_eq!(part(&stack(&format!("claim\n{claim}"))), Some(Part::Receive));
            let line = "request_line\n/p/crates/core/src/shm/fixed.rs:78:9\npublish<a<b>>\n/p/crates/core/src/channel/client.rs:202:1\n\n";
            assert_eq!(part(&stack(line)), Some(Part::Send));
            let rest = "replace\n/rustc/1/mod.rs:1:1\nrun<X>\n/p/crates/core/src/transfer/desk.rs:9:1\n\n";
            assert_eq!(part(&stack(rest)), Some(Part::Dispatch));
            let loops = "next<u64>\n/rustc/1/range.rs:1:1\nrun\n/p/bench/src/measure.rs:2:2\n\n";
            assert_eq!(part(&stack(loops)), Some(Part::Caller));
            assert_eq!(part(&stack("memcpy\n??:0:0\n\n")), None);
        }

        #[test]
        fn names_that_nothing_has_are_found() {
            let frame = |name: &str, file: &str| vec![(name.to_owned(), format!("/p/crates/x/src/{file}"))];
            let mut stacks: Vec<Vec<Frame>> = PARTS.iter().map(|(name, of, _)| frame(name, of)).collect();
            stacks.extend(FILES.iter().map(|(of, _)| frame("f", of)));
            assert_eq!(missing(&stacks), [""; 0]);
            stacks[4][0].0 = "seize<T>".to_owned();
            assert_eq!(missing(&stacks), [format!("{} of {}", PARTS[4].0, PARTS[4].1)]);
        }
    }
}

#[cfg(feature = "instructions")]
mod counted {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use anyhow::{Context, Result, bail, ensure};

    use super::Part;
    use super::costs::{Costs, Frame, frames, less, missing, parse, part};
    use crate::count::instructions::{callgrind, count};
    use crate::near::calls::Procedure;
    use crate::peer::has;
    use crate::report::{Count, Outcome};
    use crate::round::Setting;

    const CALLS: u64 = 10_000;

    /// How far the sum of the cells may be from what a count by functions finds, `instructions.null`.
    const AWAY_MAX: f64 = 0.10;

    /// What is collected: all of a call, and the server's half of it. As valgrind spells functions.
    const ALL: &str = "*own_server*make_calls*";
    const SERVER: &str = "*own_server*Served*serve*";

    const ROWS: [(Part, &str); 4] =
        [(Part::Send, "send"), (Part::Poll, "poll"), (Part::Receive, "receive"), (Part::Dispatch, "dispatch")];

    /// Counts. The table as a text beside it, if there is one.
    ///
    /// # Errors
    /// When a tool fails or says what it should not.
    pub(crate) fn measure(name: &str, setting: &Setting) -> Result<(Outcome, Option<String>)> {
        for (tool, package) in [("valgrind", "valgrind"), ("llvm-symbolizer", "llvm")] {
            if !has(tool) {
                let reason = format!("there is no {tool}; with Debian's packages: apt-get install {package}");
                return Ok((Outcome::Skipped { case: name.to_owned(), reason }, None));
            }
        }
        let all = collected(ALL)?;
        let server = collected(SERVER)?;
        let sides = [("client", less(all, &server)), ("server", server)];
        let mut facts = BTreeMap::new();
        let mut stacks = Vec::new();
        for (side, costs) in &sides {
            for (part, cost) in by_part(costs, &mut stacks)? {
                let name = match part {
                    Some(Part::Hook) => "hook",
                    Some(Part::Caller) => "loop",
                    _ => ROWS.iter().find(|(row, _)| Some(*row) == part).map_or("unknown", |(_, name)| name),
                };
                *facts.entry(format!("{side}_{name}")).or_insert(0.0) += cost;
            }
        }
        let missing = missing(&stacks);
        ensure!(missing.is_empty(), "nothing that ran is {}: what was, is counted as dispatch", missing.join(", "));
        let get = |name: String| facts.get(&name).copied().unwrap_or(0.0);
        let sum = |side: &str| ROWS.iter().map(|(_, name)| get(format!("{side}_{name}"))).sum::<f64>();
        let cells = sum("client") + sum("server");
        // All but the hook: what the case `instructions.null` counts.
        let hooks = get("client_hook".to_owned()) + get("server_hook".to_owned());
        let total = facts.values().sum::<f64>() - hooks;
        let Outcome::Counted(Count { value: end_to_end, .. }) = count(name, Procedure::Null, setting)? else {
            bail!("instructions.null was not counted");
        };
        let share = cells / end_to_end;
        ensure!((share - 1.0).abs() <= AWAY_MAX, "the cells are {cells:.1} of {end_to_end:.1} instructions");
        let mut text = String::from("URPC's Table II: instructions of a null call, each side polling once\n\n");
        let _ = writeln!(text, "{:<12}{:>10}{:>10}", "component", "client", "server");
        for (_, name) in ROWS {
            let [client, server] = ["client", "server"].map(|side| get(format!("{side}_{name}")));
            let _ = writeln!(text, "{name:<12}{client:>10.1}{server:>10.1}");
        }
        let _ = write!(
            text,
            "{:<12}{:>10.1}{:>10.1}\n{cells:.1} of {end_to_end:.1} that a count by functions finds ({:.1} %), and of {total:.1} with \
             the loop that calls.\nNot in it: what a processor of the server's does around a request",
            "total",
            sum("client"),
            sum("server"),
            100.0 * share
        );
        facts.insert("counted".to_owned(), total);
        facts.insert("end_to_end".to_owned(), end_to_end);
        facts.insert("cells_of_end_to_end".to_owned(), share);
        let outcome = Outcome::Counted(Count {
            case: name.to_owned(),
            value: cells,
            unit: "instructions/call",
            facts,
            calls: Some(CALLS),
            pinned: "none".to_owned(),
            notes: Vec::new(),
        });
        Ok((outcome, Some(text)))
    }

    /// What ran inside the functions that `inside` names, in [`CALLS`] calls: without the warm-up before them.
    fn collected(inside: &str) -> Result<Costs> {
        let toggle = format!("--toggle-collect={inside}");
        let options = ["--dump-instr=yes", "--compress-pos=no", "--compress-strings=no", &toggle];
        let costs = |calls: u64| {
            let text = callgrind(Procedure::Null, calls, &options)?;
            parse(&text).with_context(|| format!("callgrind found nothing inside {inside}"))
        };
        Ok(less(costs(CALLS)?, &costs(0)?))
    }

    /// Instructions a call; what functions they are of is added to `stacks`.
    fn by_part(costs: &Costs, stacks: &mut Vec<Vec<Frame>>) -> Result<Vec<(Option<Part>, f64)>> {
        let mut sums: Vec<(Option<Part>, f64)> = Vec::new();
        let mut objects: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        costs.keys().for_each(|(object, address)| objects.entry(object).or_default().push(*address));
        for (object, addresses) in objects {
            let frames = symbolize(object, &addresses)?;
            ensure!(frames.len() == addresses.len(), "llvm-symbolizer knows {} of {}", frames.len(), addresses.len());
            for (address, frames) in addresses.into_iter().zip(frames) {
                let cost = costs.get(&(object.to_owned(), address)).copied().unwrap_or(0) as f64 / CALLS as f64;
                let part = part(&frames);
                match sums.iter_mut().find(|(known, _)| *known == part) {
                    Some((_, sum)) => *sum += cost,
                    None => sums.push((part, cost)),
                }
                stacks.push(frames);
            }
        }
        Ok(sums)
    }

    fn symbolize(object: &str, addresses: &[u64]) -> Result<Vec<Vec<Frame>>> {
        let mut tool = Command::new("llvm-symbolizer")
            .args(["-e", object, "--inlines", "--functions=short", "--demangle"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting llvm-symbolizer")?;
        let mut input = tool.stdin.take().context("llvm-symbolizer has no input")?;
        let asked: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
        // It answers while it is asked: from a kernel thread, so that neither pipe fills up with nobody reading.
        let writer = std::thread::spawn(move || input.write_all(asked.as_bytes()));
        let output = tool.wait_with_output().context("running llvm-symbolizer")?;
        if !matches!(writer.join(), Ok(Ok(()))) || !output.status.success() {
            bail!("llvm-symbolizer failed with {}", output.status);
        }
        Ok(frames(&String::from_utf8_lossy(&output.stdout)))
    }
}
