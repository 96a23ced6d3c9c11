//! The interface the calls are made through, and the process that serves it.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::alloc;
use crate::peer::READY;

/// The name under which the server exports itself.
pub(crate) const NAME: &str = "bench";

/// What is called.
#[nearcall::interface]
pub(crate) trait Bench {
    /// Nothing.
    fn null(&self);
    /// The wrapping sum.
    fn add(&self, a: u32, b: u32) -> u32;
    /// The word at the place that the first four bytes name, so that the copy can be checked; 0 if there is none.
    #[call(astack = 4096)]
    fn write(&self, data: &[u8]) -> u32;
    /// What it got: as much as fits in a line, both ways.
    fn echo40(&self, a: u64, b: u64, c: u64, d: u64, e: u64) -> [u64; 5];
    /// Allocations of the server's process so far.
    fn allocations(&self) -> u64;
}

struct Answers;

impl Bench for Answers {
    fn null(&self) {}

    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn write(&self, data: &[u8]) -> u32 {
        let word = |at: usize| Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?));
        word(0).and_then(|place| word(place as usize)).unwrap_or(0)
    }

    fn echo40(&self, a: u64, b: u64, c: u64, d: u64, e: u64) -> [u64; 5] {
        [a, b, c, d, e]
    }

    fn allocations(&self) -> u64 {
        alloc::allocations()
    }
}

/// The server's process: exports the interface in `names` and serves until its standard input ends.
///
/// # Errors
/// When it cannot be exported.
pub(crate) fn serve(names: &Path) -> Result<()> {
    let export = nearcall::Exporter::new(NAME).dir(names).export(BenchServer::new(Answers));
    let export = export.context("exporting the interface")?;
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("telling the client")?;
    std::io::stdin().read_to_end(&mut Vec::new()).context("waiting for the end of the input")?;
    drop(export);
    Ok(())
}
