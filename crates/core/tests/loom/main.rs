//! Publish, ring, sleep, wake, explored: `RUSTFLAGS="--cfg loom" cargo test -p nearcall-core --test loom --release`.
//!
//! Models of what [`nearcall_core::transfer`] does with shared words, in loom's atomics and the same order, not the
//! code itself: that works on mapped regions. A change of the one is a change of the other, and of `docs/orderings.md`,
//! which names the model for each of its proofs.
//!
//! * *Time-outs are left out*, because they hide lost wakes. Where the protocol relies on one, a test says so by losing
//!   the request, and another by finding it again after the step.
//! * *Each protocol stands beside variants that are wrong in one step* ([`slip::Slip`]) and must be found wrong: a
//!   model that finds nothing proves nothing.
//! * A side that goes to sleep for good ends its part of the model, and the model asks at its end whether somebody woke
//!   it: a deadlock aborts loom, an assertion after the end does not.
//!
//! What loom cannot show: it has no load buffering, and a `SeqCst` access is to it no more than acquire and release, so
//! that `SeqCst` accesses stand here as fences. Its `SeqCst` fences synchronise with each other, which is a little more
//! than the language says; the proofs do not use that. Models with three parties are explored up to the number of
//! preemptions that [`explore`] is told; `LOOM_MAX_PREEMPTIONS` overrides it.
#![cfg(loom)]

mod alarm;
mod copied;
mod frames;
mod futex;
mod given;
mod handoff;
mod lead;
mod line;
mod pair;
mod private;
mod reply;
mod ring;
mod seat;
mod signal;
mod slip;
mod standby;
mod team;
mod threads;
mod wires;

use slip::Slip;

/// What a model that lost something says.
const LOST: &str = "asleep, and nobody will wake it";

/// All interleavings.
const ALL: Option<usize> = None;

/// For models with three parties, and for whole calls: a second each. With two more it is half a minute each, and
/// nothing else was found.
const BOUNDED: Option<usize> = Some(3);

/// Explores all interleavings of `model` with at most `preemptions` switches away from a thread that could go on; all
/// there are for `None`.
fn explore(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.check(model);
}
