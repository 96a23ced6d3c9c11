//! What the demo found, as a table and as JSON.

use std::fmt::{self, Write};

use serde::Serialize;

use super::compare::{Comparison, Named};
use super::counts::Counts;
use super::events::{LastCall, Resumed};
use super::meter::Row;
use super::tree::Walk;

/// All of it. Field names are those of the JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where client and server were, if on two hosts.
    pub(crate) far: Option<String>,
    pub(crate) dir: String,
    pub(crate) seconds: f64,
    pub(crate) client: ClientRights,
    pub(crate) tree: TreeCounts,
    pub(crate) comparison: Comparison,
    pub(crate) procedures: Vec<Row>,
    pub(crate) reads: Reads,
    pub(crate) null_call: NullCall,
    pub(crate) counts: Counts,
    pub(crate) outage: Outage,
}

/// What the client was allowed.
#[derive(Debug, Serialize)]
pub(crate) struct ClientRights {
    pub(crate) uid: u32,
    /// Whether it gave up the rights of root.
    pub(crate) dropped: bool,
    /// Whether it could have opened the tree by itself.
    pub(crate) direct_access: bool,
}

/// What the tree held.
#[derive(Debug, Serialize)]
pub(crate) struct TreeCounts {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) directories: u64,
    pub(crate) symlinks: u64,
    pub(crate) special: u64,
    pub(crate) skipped: Vec<String>,
    pub(crate) not_utf8: Vec<String>,
    pub(crate) left_out_files: u64,
    pub(crate) left_out_bytes: u64,
    pub(crate) cut: bool,
}

impl TreeCounts {
    /// Of the parent's walk.
    pub(crate) fn of(walk: &Walk) -> Self {
        Self {
            files: walk.files.len() as u64,
            bytes: walk.bytes,
            directories: walk.directories.len() as u64,
            symlinks: walk.symlinks,
            special: walk.special,
            skipped: walk.skipped.clone(),
            not_utf8: walk.not_utf8.clone(),
            left_out_files: walk.too_big.0,
            left_out_bytes: walk.too_big.1,
            cut: walk.cut,
        }
    }
}

/// The same reads in several ways, all with the files in the page cache.
#[derive(Debug, Serialize)]
pub(crate) struct Reads {
    pub(crate) calls: Row,
    pub(crate) read: Row,
    pub(crate) socket: Row,
    pub(crate) socket_one_cpu: Row,
}

/// The null call and its floor, nanoseconds.
#[derive(Debug, Serialize)]
pub(crate) struct NullCall {
    pub(crate) mean_ns: f64,
    pub(crate) ping_pong_ns: Option<f64>,
    pub(crate) ratio: Option<f64>,
}

impl NullCall {
    /// With the ratio, if the floor is known.
    pub(crate) fn new(mean_ns: f64, ping_pong_ns: Option<f64>) -> Self {
        Self { mean_ns, ping_pong_ns, ratio: ping_pong_ns.filter(|&floor| floor > 0.0).map(|floor| mean_ns / floor) }
    }
}

/// The server's death and what came after.
#[derive(Debug, Serialize)]
pub(crate) struct Outage {
    /// Threads that were calling.
    pub(crate) threads: usize,
    /// From the SIGKILL until the last call had ended and the parent knew, milliseconds.
    pub(crate) errors_ms: f64,
    /// How each thread's last call ended.
    pub(crate) calls: Vec<LastCall>,
    pub(crate) resumed: Resumed,
    /// Whether what was read from both servers is the original; unknown if somebody changed that.
    pub(crate) verified: Option<bool>,
    /// Whether client and second server ended by themselves.
    pub(crate) clean_end: bool,
}

impl Outage {
    fn ok(&self) -> bool {
        !self.calls.is_empty()
            && self.calls.iter().all(|call| call.death)
            && self.verified != Some(false)
            && self.clean_end
    }
}

impl Report {
    /// Whether everything came out as it must. Files that others changed, or that nobody can read, do not count.
    pub(crate) fn ok(&self) -> bool {
        self.comparison.differing.is_empty() && self.outage.ok()
    }

    /// One JSON object and a newline.
    pub(crate) fn json(&self) -> String {
        let mut value = serde_json::json!(self);
        value["ok"] = self.ok().into();
        format!("{value}\n")
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, out: &mut String) -> fmt::Result {
        self.write_tree(out)?;
        writeln!(out, "\n{:<12}{:>10}{:>12}{:>12}{:>12}", "procedure", "calls", "bytes", "p50", "p99")?;
        for row in &self.procedures {
            write_row(out, row)?;
        }
        writeln!(out, "\nThe same reads of 4 KiB, from the page cache")?;
        for row in [&self.reads.calls, &self.reads.read, &self.reads.socket, &self.reads.socket_one_cpu] {
            write_row(out, row)?;
        }
        match (self.null_call.ping_pong_ns, self.null_call.ratio) {
            (Some(floor), Some(ratio)) => writeln!(
                out,
                "\nThe null call takes {}, a bare ping-pong of two processes {}: ratio {ratio:.2}",
                Nanoseconds(self.null_call.mean_ns),
                Nanoseconds(floor)
            )?,
            _ => writeln!(
                out,
                "\nThe null call takes {}; the bare ping-pong was not measured",
                Nanoseconds(self.null_call.mean_ns)
            )?,
        }
        write!(out, "\nHow all these calls travelled, as both sides counted\n{}", self.counts)?;
        self.write_outage(out)?;
        let verdict = if self.ok() { "All as it must be" } else { "FAILED: see above" };
        writeln!(out, "\n{verdict} ({:.1} s)", self.seconds)
    }

    fn write_tree(&self, out: &mut String) -> fmt::Result {
        let (tree, comparison) = (&self.tree, &self.comparison);
        if let Some(far) = &self.far {
            writeln!(out, "{far}")?;
        }
        writeln!(out, "{}: {} files, {}, {} directories", self.dir, tree.files, Bytes(tree.bytes), tree.directories)?;
        let access = if self.client.direct_access { "could" } else { "could not" };
        let dropped = if self.client.dropped { ", without the rights of root" } else { "" };
        writeln!(out, "read and copied by user {}{dropped}, who {access} open it directly", self.client.uid)?;
        let (symlinks, special) = (tree.symlinks, tree.special);
        if symlinks + special > 0 {
            writeln!(out, "left out: {symlinks} symbolic links, {special} special files")?;
        }
        if !tree.skipped.is_empty() {
            writeln!(out, "skipped: {}", tree.skipped.join(", "))?;
        }
        if tree.left_out_files > 0 {
            let (files, bytes) = (tree.left_out_files, Bytes(tree.left_out_bytes));
            writeln!(out, "left out because of --max-bytes: {files} files, {bytes}")?;
        }
        if tree.cut {
            writeln!(out, "the walk ended at --limit-files: more files were not looked at")?;
        }
        for path in &tree.not_utf8 {
            writeln!(out, "left out, its name is not UTF-8: {path}")?;
        }
        let same = (comparison.same_files, Bytes(comparison.same_bytes));
        writeln!(out, "equal to the original, as read and as copied: {} files, {}", same.0, same.1)?;
        for (what, list) in [
            ("changed by others", &comparison.changed),
            ("unreadable", &comparison.unreadable),
            ("DIFFERS", &comparison.differing),
        ] {
            for Named { path, why } in list {
                writeln!(out, "{what}: {path}: {why}")?;
            }
        }
        Ok(())
    }

    fn write_outage(&self, out: &mut String) -> fmt::Result {
        let outage = &self.outage;
        writeln!(
            out,
            "\nThe server was killed under the calls of {} threads; all had ended {:.1} ms later:",
            outage.threads, outage.errors_ms
        )?;
        for call in &outage.calls {
            let error = call.error.as_deref().unwrap_or("NO ERROR: the calls went on");
            let verdict = if call.death { "" } else { "FAILED, not by the server's death: " };
            writeln!(out, "  after {} calls: {verdict}{error}", call.calls)?;
        }
        let Resumed { bind_ms, path, before, after } = &outage.resumed;
        writeln!(out, "A new server was bound within {bind_ms:.1} ms of waiting")?;
        if let Some(path) = path {
            let verdict = match outage.verified {
                Some(true) => "equal to the original",
                Some(false) => "DIFFERENT from the original",
                None => "not compared, others changed the file",
            };
            let (before, after) = (Bytes(*before), Bytes(*after));
            writeln!(out, "{path}: {before} from the old server, {after} from the new one: {verdict}")?;
        }
        if !outage.clean_end {
            writeln!(out, "FAILED: the client or the new server did not end as it should")?;
        }
        Ok(())
    }
}

fn write_row(out: &mut String, row: &Row) -> fmt::Result {
    let (p50, p99) = (Nanoseconds(row.p50_ns as f64), Nanoseconds(row.p99_ns as f64));
    let (p50, p99) = (p50.to_string(), p99.to_string());
    writeln!(out, "{:<12}{:>10}{:>12}{p50:>12}{p99:>12}", row.name, row.calls, Bytes(row.bytes).to_string())
}

/// A time, with three digits and a fitting unit.
struct Nanoseconds(f64);

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ns if ns < 1e3 => write!(f, "{ns:.0} ns"),
            ns if ns < 1e6 => write!(f, "{:.2} us", ns / 1e3),
            ns if ns < 1e9 => write!(f, "{:.2} ms", ns / 1e6),
            ns => write!(f, "{:.2} s", ns / 1e9),
        }
    }
}

/// A size, with a fitting binary unit.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n < 10 << 10 => write!(f, "{n} B"),
            n if n < 10 << 20 => write!(f, "{:.1} KiB", n as f64 / 1024.0),
            n => write!(f, "{:.1} MiB", n as f64 / (1024.0 * 1024.0)),
        }
    }
}
