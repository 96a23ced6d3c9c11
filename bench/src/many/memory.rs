//! What a pair takes: memory on both sides, descriptors and kernel threads.
//!
//! Everything is read from outside, in `/proc`, and is the difference of two moments divided by the pairs that were made
//! between them. A server has its standbys and has touched its memory once the first client has called; a client takes
//! part already when it binds, because it has bound to another server before.

use std::fs;

use anyhow::{Context, Result};

use super::{Size, crowd};
use crate::client::Task;
use crate::near::session::{Server, Wait};
use crate::sample::{Sample, new_histogram};

/// What one process takes at one moment; memory in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Taken {
    /// Memory of its own, dirty or clean, but none of the regions.
    private: f64,
    /// Of that, the part in the C library's heap of the first kernel thread.
    heap: f64,
    /// Of that, the part in nameless mappings: heaps of other kernel threads, their stacks, large allocations.
    anonymous: f64,
    /// Regions, in memory and mapped.
    regions: f64,
    /// Its share of memory that others map as well.
    proportional: f64,
    /// The kernel's tables of its memory.
    tables: f64,
    /// Open descriptors.
    descriptors: f64,
    /// Kernel threads.
    threads: f64,
}

impl Taken {
    fn by(pid: u32) -> Result<Self> {
        let read =
            |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).with_context(|| format!("its {name}"));
        let count = |name: &str| fs::read_dir(format!("/proc/{pid}/{name}")).with_context(|| format!("its {name}"));
        let mut taken = Self::of_mappings(&read("smaps")?);
        let tables = read("status")?.lines().find_map(|line| kib(line.strip_prefix("VmPTE:")?));
        taken.tables = tables.unwrap_or(0.0);
        taken.descriptors = count("fd")?.count() as f64;
        taken.threads = count("task")?.count() as f64;
        Ok(taken)
    }

    /// From the kernel's list of mappings: a line with addresses and name, then lines of `Key: number kB`.
    fn of_mappings(smaps: &str) -> Self {
        let (mut taken, mut name) = (Self::default(), "");
        for line in smaps.lines() {
            let Some((key, value)) = line.split_once(':').filter(|(key, _)| !key.contains(' ')) else {
                // Addresses, rights, offset, device, inode, and then the name.
                name = line.splitn(6, ' ').nth(5).unwrap_or("").trim();
                continue;
            };
            let Some(value) = kib(value) else { continue };
            let is_region = name.starts_with("/memfd:nearcall");
            match key {
                "Rss" if is_region => taken.regions += value,
                "Pss" => taken.proportional += value,
                "Private_Dirty" | "Private_Clean" if !is_region => {
                    taken.private += value;
                    match name {
                        "[heap]" => taken.heap += value,
                        "" => taken.anonymous += value,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        taken
    }

    fn words(&self) -> [(&'static str, f64); 8] {
        [
            ("private_kib", self.private),
            ("heap_kib", self.heap),
            ("anonymous_kib", self.anonymous),
            ("regions_kib", self.regions),
            ("pss_kib", self.proportional),
            ("page_tables_kib", self.tables),
            ("descriptors", self.descriptors),
            ("threads", self.threads),
        ]
    }
}

fn kib(value: &str) -> Option<f64> {
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Makes pairs of one binding each, then gives each of them its others. The facts are what a pair takes with all of its
/// bindings; `one_binding` in a name, with one. The mean of the sample is private memory, both sides, KiB.
///
/// # Errors
/// As [`super::measure`], and when the kernel does not say.
pub(crate) fn measure(size: Size, task: &Task) -> Result<Sample> {
    let (elsewhere, server) = (Server::start(task, Wait::Auto)?, Server::start(task, Wait::Auto)?);
    let mut members = crowd::start(task, size.processes + 1)?;
    crowd::bind(&mut members, elsewhere.names(), 1)?;
    let (first, others) = members.split_first_mut().context("a crowd has members")?;
    crowd::bind(std::slice::from_mut(first), server.names(), size.bindings)?;
    let look = |others: &[crowd::Member]| -> Result<(Taken, Vec<Taken>)> {
        Ok((Taken::by(server.pid())?, others.iter().map(|other| Taken::by(other.pid())).collect::<Result<_>>()?))
    };
    let begun = look(others)?;
    crowd::bind(others, server.names(), 1)?;
    let one = look(others)?;
    crowd::bind(others, server.names(), size.bindings - 1)?;
    let all = look(others)?;

    let mut sample = Sample::new(0.0, new_histogram(), 0);
    let pairs = f64::from(size.processes);
    for (when, now) in [("one_binding_", &one), ("", &all)] {
        for (index, (name, value)) in now.0.words().into_iter().enumerate() {
            sample.fact(format!("server_{when}{name}"), (value - begun.0.words()[index].1) / pairs);
            let sum = |of: &[Taken]| of.iter().map(|taken| taken.words()[index].1).sum::<f64>();
            sample.fact(format!("client_{when}{name}"), (sum(&now.1) - sum(&begun.1)) / pairs);
        }
    }
    for (name, value) in all.0.words() {
        sample.fact(format!("server_all_{name}"), value);
    }
    sample.fact("pairs", pairs + 1.0);
    sample.fact("bindings", (pairs + 1.0) * f64::from(size.bindings));
    sample.mean = sample.facts["server_private_kib"] + sample.facts["client_private_kib"];
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words() {
        let smaps = "\
            55d0-55d1 rw-p 00000000 00:00 0                          [heap]\n\
            Size:                132 kB\nRss:                  20 kB\nPss:                  20 kB\n\
            Private_Clean:         0 kB\nPrivate_Dirty:        20 kB\nVmFlags: rd wr mr\n\
            7f00-7f01 rw-s 00000000 00:01 1042                       /memfd:nearcall (deleted)\n\
            Rss:                 256 kB\nPss:                 128 kB\nPrivate_Dirty:         8 kB\n\
            7f02-7f03 rw-p 00000000 00:00 0 \n\
            Rss:                   8 kB\nPss:                   8 kB\nPrivate_Dirty:         8 kB\n\
            7f04-7f05 r--p 00000000 08:01 99                         /usr/lib/libc.so.6\n\
            Private_Clean:         4 kB\n";
        let expected = Taken {
            private: 32.0,
            heap: 20.0,
            anonymous: 8.0,
            regions: 256.0,
            proportional: 156.0,
            ..Taken::default()
        };
        assert_eq!(Taken::of_mappings(smaps), expected);
        assert!(Taken::by(std::process::id()).unwrap().threads >= 1.0);
    }
}
