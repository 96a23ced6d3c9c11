//! `nearcall ls` and `nearcall info`: what the library finds out, as a table or as JSON.
//!
//! Texts of servers are printable when they come from the library; nothing here escapes them again.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use nearcall::{ClientInfo, Listed, NameState, ProcedureInfo, ServerInfo};
use serde_json::{Value, json};

/// Arguments of `nearcall ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct ListOptions {
    /// What another host serves: its name or address, and a port if it is not the usual one
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "dir")]
    far: Option<String>,
    /// The directory of names; otherwise the one that exports and binds use
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON array instead of the table
    #[arg(long)]
    json: bool,
}

/// Arguments of `nearcall info`.
#[derive(Debug, clap::Args)]
pub(crate) struct InfoOptions {
    /// The name; `chan://HOST:PORT/NAME` is another host's
    name: String,
    /// The directory of names; otherwise the one that exports and binds use
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Prints the names of a directory.
///
/// # Errors
/// When the directory cannot be used, or nobody reads the output.
pub(crate) fn list(options: &ListOptions) -> Result<()> {
    if let Some(host) = &options.far {
        return crate::far::list(host, options.json);
    }
    let all = nearcall::list(options.dir.as_deref())?;
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", Value::from_iter(all.iter().map(listed_json)))?;
        return Ok(());
    }
    let heads = ["NAME", "STATE", "INTERFACE", "PID", "UID", "BINDINGS"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heads).chain(all.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    for Listed { name, state, .. } in &all {
        if let NameState::Odd(why) = state {
            writeln!(out, "{name}: {why}")?;
        }
    }
    Ok(())
}

fn state(of: &NameState) -> &'static str {
    match of {
        NameState::Alive(_) => "alive",
        NameState::Dead => "dead",
        NameState::Denied => "denied",
        _ => "odd",
    }
}

fn pid(pid: Option<i32>) -> String {
    pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string())
}

fn row(Listed { name, uid, state: how, .. }: &Listed) -> [String; 6] {
    let nothing = || "-".to_owned();
    let (interface, pid, uid, bindings) = match how {
        NameState::Alive(info) => {
            (info.interface.clone(), pid(info.pid), info.uid.to_string(), info.bindings().to_string())
        }
        _ => (nothing(), nothing(), uid.to_string(), nothing()),
    };
    [name.clone(), state(how).to_owned(), interface, pid, uid, bindings]
}

fn listed_json(Listed { name, uid, state: how, .. }: &Listed) -> Value {
    let mut value = json!({ "name": name, "state": state(how), "uid": uid });
    match how {
        NameState::Alive(info) => {
            value["uid"] = info.uid.into();
            value["pid"] = info.pid.into();
            value["interface"] = info.interface.as_str().into();
            value["bindings"] = info.bindings().into();
        }
        NameState::Odd(why) => value["why"] = why.as_str().into(),
        _ => {}
    }
    value
}

/// Prints what a server says of itself.
///
/// # Errors
/// When nobody exports the name, or the server does not answer.
pub(crate) fn info(options: &InfoOptions) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if options.name.contains("://") {
        let interface = nearcall::far::describe(&options.name)?;
        if options.json {
            writeln!(out, "{}", json!({ "name": options.name, "interface": interface }))?;
        } else {
            write!(out, "{interface}")?;
        }
        return Ok(());
    }
    let info = nearcall::info(&options.name, options.dir.as_deref())?;
    if options.json {
        writeln!(out, "{}", info_json(&info))?;
    } else {
        write!(out, "{}", text(&info))?;
    }
    Ok(())
}

fn text(info: &ServerInfo) -> String {
    let mut text = info.idl();
    let ServerInfo { calls, polled, donations, refused, left_out, .. } = info;
    text += &format!("\nserver: pid {}, uid {}\n", pid(info.pid), info.uid);
    text +=
        &format!("calls of that process: {calls} ({polled} polled, {donations} donated); refused here: {refused}\n");
    text += "\nprocedures:\n";
    for procedure in &info.procedures {
        let ProcedureInfo { name, layout, frame_size, concurrency, exhausted, max, .. } = procedure;
        let ProcedureInfo { timeout, idempotent, handoff, fingerprint, .. } = procedure;
        let timeout = timeout.map_or_else(|| "no time-out".to_owned(), |timeout| format!("time-out {timeout:?}"));
        let idempotent = if *idempotent { ", idempotent" } else { "" };
        let max = if *max == 0 { String::new() } else { format!(", parts up to {max} B") };
        text += &format!("    {name}: {layout}, frame {frame_size} B{max}, {concurrency} at once, then {exhausted}");
        let handoff = if *handoff { ", handoff" } else { "" };
        text += &format!(", {timeout}{idempotent}{handoff}");
        text += &format!(", fingerprint {fingerprint:016x}\n");
    }
    text += "\nA-stacks of each client:\n";
    for frame in &info.frames {
        text += &format!("    {} with frames of {} B\n", frame.count, frame.size);
    }
    text += &format!("\nclients: {}\n", info.clients.len());
    for ClientInfo { pid: id, uid, bindings, running, donations, .. } in &info.clients {
        text += &format!(
            "    pid {}, uid {uid}: {bindings} bindings, {running} calls running, {donations} taken on its CPU\n",
            pid(*id)
        );
    }
    if *left_out != 0 {
        text += &format!("    and {left_out} more\n");
    }
    text
}

fn info_json(info: &ServerInfo) -> Value {
    let us = |timeout: &Duration| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
    let procedures = info.procedures.iter().map(|procedure| {
        json!({
            "name": procedure.name,
            "declaration": procedure.declaration,
            "layout": procedure.layout,
            "frame_size": procedure.frame_size,
            "concurrency": procedure.concurrency,
            "exhausted": procedure.exhausted,
            "max": procedure.max,
            "timeout_us": procedure.timeout.as_ref().map(us),
            "idempotent": procedure.idempotent,
            "handoff": procedure.handoff,
            "fingerprint": format!("{:016x}", procedure.fingerprint),
        })
    });
    let clients = info.clients.iter().map(|client| {
        json!({ "pid": client.pid, "uid": client.uid, "bindings": client.bindings, "running": client.running, "donations": client.donations })
    });
    json!({
        "name": info.name,
        "pid": info.pid,
        "uid": info.uid,
        "interface": info.interface,
        "idl": info.idl(),
        "procedures": Value::from_iter(procedures),
        "frames": Value::from_iter(info.frames.iter().map(|f| json!({ "size": f.size, "count": f.count }))),
        "clients": Value::from_iter(clients),
        "left_out": info.left_out,
        "bindings": info.bindings(),
        "refused": info.refused,
        "calls": info.calls,
        "polled": info.polled,
        "donations": info.donations,
    })
}
