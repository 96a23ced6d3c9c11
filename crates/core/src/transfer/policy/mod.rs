//! The decisions of both sides while they wait: words, observed gaps and the time in, decisions out. No system call, no
//! clock, no shared memory inside, so that every rule has a test of its own.
//!
//! Times are in ticks of [`super::clock`]; their lengths come from [`super::clock::Calibration`], measured at start.

pub mod ring;
pub mod spin;
pub mod tenure;
pub mod wires;
pub mod work;
pub mod yields;
