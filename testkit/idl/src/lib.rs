//! Random interfaces, compiled: that what the interface compiler accepts is Rust, and that rustc finds the sizes that it shows.
#![forbid(unsafe_code)]

pub mod generate;

use nearcall::Description;

/// A random interface.
#[derive(Debug)]
pub struct Sample {
    /// The `.idl`.
    pub text: &'static str,
    /// What `nearcall idl layout` shows of it.
    pub layout: &'static str,
    /// What rustc made of it.
    pub compiled: Vec<Description>,
}

include!(concat!(env!("OUT_DIR"), "/samples.rs"));
