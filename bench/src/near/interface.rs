//! The interface the calls are made through, and the process that serves it.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use nearcall::ServerCounts;
use rustix::time::{ClockId, clock_gettime};

use crate::alloc;
use crate::peer::READY;

/// The name under which the server exports itself.
pub(crate) const NAME: &str = "bench";

/// Bytes of the argument of `big_in` and `big_in_out`, as in LRPC's table of basic calls (section 4.8).
pub(crate) const BIG: usize = 200;

/// Bytes that `write` and `read` move.
pub(crate) const PAGE: usize = 4096;

/// What is called.
#[nearcall::interface]
pub(crate) trait Bench {
    /// Nothing.
    fn null(&self);
    /// The wrapping sum.
    fn add(&self, a: u32, b: u32) -> u32;
    /// The word at the place that the first four bytes name, so that the copy can be checked; 0 if there is none.
    fn big_in(&self, data: &[u8; 200]) -> u32;
    /// Adds one to the word at the place that the first four bytes name, if it is there.
    fn big_in_out(&self, data: &mut [u8; 200]);
    /// As `big_in`.
    #[call(astack = 4096)]
    fn write(&self, data: &[u8]) -> u32;
    /// What [`page_word`] says, page after page, but `mark` at word `place`.
    #[call(astack = 4096)]
    fn read(&self, place: u32, mark: u32, #[out] data: &mut [u8]);
    /// What it got: as much as fits in a line, both ways.
    fn echo40(&self, a: u64, b: u64, c: u64, d: u64, e: u64) -> [u64; 5];
    /// As `null`, with A-stacks of its own, one for each of 32 callers.
    #[call(concurrency = 32, astack = 128)]
    fn null32(&self);
    /// [`Usage`] of the server's process so far, as words.
    fn usage(&self) -> [u64; 11];
    /// Makes a system call that a trace of the process shows; see [`mark`].
    fn mark(&self);
    /// Sleeps so many microseconds, and tells nobody.
    fn block(&self, microseconds: u32);
    /// Works so many microseconds.
    fn work(&self, microseconds: u32);
}

/// The name under which the server exports [`Crowd`].
pub(crate) const CROWD: &str = "crowd";

/// As many calls under way as a pair has A-stacks, in two classes: no procedure can have all of them.
#[nearcall::interface]
pub(crate) trait Crowd {
    /// Nothing, for up to 64 callers.
    #[call(concurrency = 64, astack = 128)]
    fn null64(&self);
    /// As `null64`, for 64 others.
    #[call(concurrency = 64, astack = 256)]
    fn null64_more(&self);
}

impl Crowd for Answers {
    fn null64(&self) {}

    fn null64_more(&self) {}
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Allocations.
    pub(crate) allocations: u64,
    /// Processor time of all kernel threads, also of those that have ended, in nanoseconds.
    pub(crate) cpu: u64,
}

impl Usage {
    /// That of this process.
    pub(crate) fn own() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec.unsigned_abs() * 1_000_000_000 + cpu.tv_nsec.unsigned_abs();
        Self { allocations: alloc::allocations(), cpu }
    }
}

/// Names of the words that follow [`Usage`], in the order of [`server_words`].
pub(crate) const SERVER_COUNTS: [&str; 9] =
    ["calls", "polled", "donations", "sleeps", "yields_paid", "yields_wasted", "empty_bells", "tenures", "relieved"];

fn server_words(counts: ServerCounts) -> [u64; 9] {
    [
        counts.calls,
        counts.polled,
        counts.donations,
        counts.sleeps,
        counts.yields_paid,
        counts.yields_wasted,
        counts.empty_bells,
        counts.tenures,
        counts.relieved,
    ]
}

/// The name of a file that is not there: asking for it marks a place in a trace of system calls.
pub(crate) const MARK: &str = "/nearcall-bench-mark";

/// Marks this place in a trace of the process.
pub(crate) fn mark() {
    // It fails, and that is fine: the trace has the question.
    let _ = rustix::fs::access(MARK, rustix::fs::Access::EXISTS);
}

/// Word `index` of the page that `read` returns.
pub(crate) fn page_word(index: u32) -> u32 {
    index.wrapping_mul(0x9e37_79b9)
}

/// What the server answers with.
pub(crate) struct Answers {
    page: Box<[u8; PAGE]>,
}

impl Answers {
    /// With its page ready.
    pub(crate) fn new() -> Self {
        let mut page = Box::new([0; PAGE]);
        for (index, word) in (0..).zip(page.chunks_exact_mut(4)) {
            word.copy_from_slice(&page_word(index).to_le_bytes());
        }
        Self { page }
    }
}

/// The place that the first four bytes of `data` name, and the word there.
fn named(data: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?));
    let place = word(0)? as usize;
    Some((place, word(place)?))
}

impl Bench for Answers {
    fn null(&self) {}

    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn big_in(&self, data: &[u8; 200]) -> u32 {
        named(data).map_or(0, |(_, word)| word)
    }

    fn big_in_out(&self, data: &mut [u8; 200]) {
        if let Some((place, word)) = named(data) {
            data[place..][..4].copy_from_slice(&word.wrapping_add(1).to_le_bytes());
        }
    }

    fn write(&self, data: &[u8]) -> u32 {
        named(data).map_or(0, |(_, word)| word)
    }

    fn read(&self, place: u32, mark: u32, data: &mut [u8]) {
        // Pieces, because the memcpy of some C libraries is up to 25 times slower for 4096 bytes at unlucky offsets,
        // and which offsets meet here is chance.
        for (to, from) in data.chunks_mut(512).zip(self.page.chunks(512).cycle()) {
            if to.len() == from.len() {
                to.copy_from_slice(from);
            }
        }
        if let Some(word) = data.chunks_exact_mut(4).nth(place as usize) {
            word.copy_from_slice(&mark.to_le_bytes());
        }
    }

    fn echo40(&self, a: u64, b: u64, c: u64, d: u64, e: u64) -> [u64; 5] {
        [a, b, c, d, e]
    }

    fn usage(&self) -> [u64; 11] {
        let Usage { allocations, cpu } = Usage::own();
        let counts = server_words(nearcall::server_counts());
        std::array::from_fn(|index| match index {
            0 => allocations,
            1 => cpu,
            _ => counts[index - 2],
        })
    }

    fn mark(&self) {
        mark();
    }

    fn null32(&self) {}

    fn block(&self, microseconds: u32) {
        std::thread::sleep(std::time::Duration::from_micros(microseconds.into()));
    }

    fn work(&self, microseconds: u32) {
        crate::urpc::scenario::work(microseconds);
    }
}

/// The server's process: exports the interface in `names` and serves until its standard input ends.
///
/// # Errors
/// When it cannot be exported.
pub(crate) fn serve(names: &Path) -> Result<()> {
    let export = nearcall::Exporter::new(NAME).dir(names).export(BenchServer::new(Answers::new()));
    let export = export.context("exporting the interface")?;
    let crowd = nearcall::Exporter::new(CROWD).dir(names).export(CrowdServer::new(Answers::new()));
    let crowd = crowd.context("exporting the interface for many calls at once")?;
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("telling the client")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting for the end of the input")?;
    drop((export, crowd));
    Ok(())
}
