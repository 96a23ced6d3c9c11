//! Everything that can be seen from outside of two processes that have stopped to make progress.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use nearcall_layout::pair::{ASTACK_COUNT, BELL_COUNT, FRAMES, RING_COUNT, client, server};

use crate::tasks::tasks;

/// What the threads of a client and of its server do, and the words of each pair that decide who waits for whom.
#[must_use]
pub fn autopsy(client: u32, server: u32) -> String {
    let mut text = String::new();
    for (who, pid) in [("client", client), ("server", server)] {
        let _ = writeln!(text, "{who} {pid}:");
        for task in tasks(pid) {
            let file = |name: &str| fs::read_to_string(format!("/proc/{pid}/task/{}/{name}", task.tid));
            let call = file("syscall").unwrap_or_default();
            // Counted from the end of the name, which may contain spaces: the CPU it last ran on.
            let stat = file("stat").unwrap_or_default();
            let cpu = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(36)).unwrap_or("?");
            let _ = writeln!(text, "  {:15} {} on {cpu}, system call {}", task.name, task.state, call.trim());
        }
    }
    for (writable, start) in regions(client) {
        let _ = words(&mut text, client, writable, start);
    }
    text
}

/// Which regions a process has mapped: whether writable, and where.
fn regions(pid: u32) -> Vec<(bool, u64)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let region = |line: &str| {
        let start = u64::from_str_radix(line.split('-').next()?, 16).ok()?;
        Some((line.contains(" rw-s "), start))
    };
    maps.lines().filter(|line| line.contains("/memfd:nearcall")).filter_map(region).collect()
}

fn words(text: &mut String, pid: u32, is_clients: bool, start: u64) -> std::io::Result<()> {
    let mut bytes = vec![0; FRAMES];
    File::open(format!("/proc/{pid}/mem"))?.read_exact_at(&mut bytes, start)?;
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mut list = |what: &str, count: usize, at: &dyn Fn(usize) -> usize| {
        let set: Vec<_> = (0..count)
            .map(|i| (i, word(at(i))))
            .filter(|(_, word)| *word != 0)
            .map(|(i, w)| format!("{i}: {w:#x}"))
            .collect();
        let _ = writeln!(text, "  {what}: {}", set.join(", "));
    };
    if is_clients {
        list("client's region: bells", BELL_COUNT, &client::bell);
        list("wait words", ASTACK_COUNT, &client::wait);
        list("ring", RING_COUNT, &|i| client::RING + (client::line(1) - client::line(0)) * i);
    } else {
        list("server's region: status", 1, &|_| server::STATUS);
        list("armed", BELL_COUNT, &server::armed);
        list("replies", ASTACK_COUNT, &server::reply);
        list("stamps", ASTACK_COUNT, &server::stamp);
    }
    Ok(())
}
