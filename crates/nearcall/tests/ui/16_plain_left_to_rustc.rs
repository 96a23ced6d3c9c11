//! What only rustc can know about plain structs and the items of slices.

#[nearcall::plain]
struct Padded {
    small: u8,
    large: u64,
}

#[derive(nearcall::Wire)]
pub enum Kind {
    One,
}

#[nearcall::interface]
pub trait Slices {
    fn kinds(&self, kinds: &[Kind]);
}

fn main() {}
