//! Copying within one process, at every offset in a page: the library's own copy beside memcpy.

use std::hint::black_box;

use anyhow::{Context, Result};
use nearcall_core::shm::copy::private_to_own;

use crate::measure::Plan;
use crate::sample::Sample;

const PAGE: usize = 4096;

/// Offsets of the destination in a page, each a cache line further.
const OFFSETS: usize = PAGE / 64;

/// How often each is measured: an interrupt makes no offset a bad one.
const TRIES: usize = 3;

/// Measures copies of `size` bytes: of ours the one at the worst offset, of memcpy the one at the best, which is what it is
/// compared with; at each offset the best of three.
///
/// # Errors
/// None but for a size that there is no room for.
pub(super) fn measure(size: usize, is_ours: bool, plan: &Plan) -> Result<Sample> {
    let from = vec![7; size + PAGE];
    let mut into = vec![0; size + 2 * PAGE];
    let from = aligned(&from, size)?;
    let start = into.as_ptr().addr().next_multiple_of(PAGE) - into.as_ptr().addr();
    let plan = Plan {
        warm_up: plan.warm_up / OFFSETS as u32,
        batches: plan.batches / OFFSETS as u32,
        singles: plan.singles / OFFSETS as u32,
        ..*plan
    };
    let mut picked: Option<Sample> = None;
    for line in 0..OFFSETS {
        // Nothing begins at a whole cache line by itself.
        let at = start + line * 64 + 16;
        let space = into.get_mut(at..at + size).context("there is room")?;
        let mut once = || {
            plan.measure(1, || {
                if is_ours {
                    private_to_own(black_box(from), black_box(&mut *space));
                } else {
                    black_box(&mut *space).copy_from_slice(black_box(from));
                }
                Ok(())
            })
        };
        let mut sample = once()?;
        for _ in 1..TRIES {
            let again = once()?;
            if again.mean < sample.mean {
                sample = again;
            }
        }
        let is_better = |other: &Sample| if is_ours { sample.mean > other.mean } else { sample.mean < other.mean };
        if picked.as_ref().is_none_or(is_better) {
            picked = Some(sample);
            if let Some(picked) = &mut picked {
                picked.fact("offset", (line * 64 + 16) as f64);
            }
        }
    }
    picked.context("there are offsets")
}

fn aligned(bytes: &[u8], size: usize) -> Result<&[u8]> {
    let start = bytes.as_ptr().addr().next_multiple_of(PAGE) - bytes.as_ptr().addr();
    bytes.get(start..start + size).context("there is a page's room")
}
