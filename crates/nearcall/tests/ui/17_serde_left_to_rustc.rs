//! What `#[serde]` needs is an error at the parameter that needs it.

pub struct Neither;

#[nearcall::interface]
pub trait Serialized {
    fn take(&self, #[serde] x: Neither);
}

fn main() {}
