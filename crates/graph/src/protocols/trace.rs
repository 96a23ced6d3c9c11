//! TRACE: a relay that writes what passes to a pcap file, for any tool that reads these.
//!
//! It is the one relay that makes system calls. When the file cannot be written any more it says so in a count, and lets
//! messages pass.
//!
//! Source: draft-ietf-opsawg-pcap (the format, with nanoseconds).

use std::io::{self, BufWriter, Write};

use super::relay::{Passing, Treatment};
use crate::event::Time;
use crate::graph::Cx;
use crate::message::Message;

/// What the messages are, as pcap numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Ethernet frames: between a wire and ETH.
    Ethernet,
    /// IP packets: between ETH and IP.
    Raw,
    /// Anything else.
    User,
}

impl Link {
    fn number(self) -> u32 {
        match self {
            Self::Ethernet => 1,
            Self::Raw => 101,
            Self::User => 147,
        }
    }
}

const MAGIC: u32 = 0xa1b2_3c4d;
/// Bytes of a message that are kept, at most.
const SNAP: u32 = 262_144;

/// A trace.
pub struct Trace {
    out: BufWriter<Box<dyn Write + Send>>,
    failed: bool,
    /// Nanoseconds since 1970 when the graph's clock was 0.
    epoch: u64,
}

impl core::fmt::Debug for Trace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Trace").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl Trace {
    /// Writes to `out`. `epoch` is when the graph's clock was 0, in nanoseconds since 1970.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(out: Box<dyn Write + Send>, link: Link, epoch: u64) -> io::Result<Self> {
        let mut out = BufWriter::new(out);
        out.write_all(&MAGIC.to_le_bytes())?;
        out.write_all(&2_u16.to_le_bytes())?;
        out.write_all(&4_u16.to_le_bytes())?;
        out.write_all(&[0; 8])?;
        out.write_all(&SNAP.to_le_bytes())?;
        out.write_all(&link.number().to_le_bytes())?;
        out.flush()?;
        Ok(Self { out, failed: false, epoch })
    }

    fn record(&mut self, now: Time, message: &Message) -> io::Result<()> {
        let time = self.epoch.saturating_add(now.0);
        let (seconds, nanoseconds) = (time / 1_000_000_000, time % 1_000_000_000);
        let size = u32::try_from(message.size()).unwrap_or(u32::MAX);
        let kept = size.min(SNAP);
        for word in [u32::try_from(seconds).unwrap_or(u32::MAX), u32::try_from(nanoseconds).unwrap_or(0), kept, size] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        let mut left = usize::try_from(kept).unwrap_or(0);
        for slice in message.slices() {
            let part = slice.get(..left.min(slice.len())).unwrap_or(&[]);
            self.out.write_all(part)?;
            left -= part.len();
        }
        Ok(())
    }
}

impl Treatment for Trace {
    fn pass(&mut self, cx: &mut Cx<'_>, passing: Passing, out: &mut Vec<Passing>) {
        if !self.failed {
            self.failed = self.record(cx.now(), &passing.message).is_err();
        }
        if self.failed {
            cx.count("unwritten");
        }
        out.push(passing);
    }

    fn stop(&mut self) {
        self.failed |= self.out.flush().is_err();
    }
}
