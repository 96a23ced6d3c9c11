//! Sizes, offsets and encodings that both sides of a binding must agree on.
//!
//! Everything here is a pure function of its arguments: no system call, no allocation on the path of fixed-size values,
//! no dependency. rustc evaluates it while it compiles a stub (through the trait [`Wire`]), the interface compiler calls
//! the same functions, and the run time checks a peer against them. What a byte means is therefore written once.
//!
//! * [`wire`]: how one value travels: a fixed part in the *head*, a variable part in the *tail*.
//! * [`conventional`]: how a value without a fixed shape travels: all of it in the tail, in sequence.
//! * [`shape`]: what the value is, for fingerprints and for readable differences.
//! * [`head`]: the fixed parts of one call, at constant offsets.
//! * [`pair`]: the two regions of a pair of domains, byte by byte.
//!
//! What it does not do: touch shared memory. That is `nearcall-core`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod conventional;
pub mod head;
pub mod pair;
pub mod shape;
pub mod wire;

pub use head::Head;
pub use shape::Shape;
pub use wire::{Class, Malformed, Number, Source, Tail, TailSpace, Wire};
