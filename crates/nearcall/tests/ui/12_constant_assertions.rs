//! Bounds that hold for sizes are checked when the constants are evaluated.

#[derive(Default, nearcall::Wire)]
pub struct Name {
    text: String,
}

#[derive(nearcall::Wire)]
pub struct Long([u8; 2000]);

#[derive(nearcall::Wire)]
#[repr(u64)]
pub enum Big {
    Most = u64::MAX,
}

#[derive(nearcall::Wire)]
pub enum Negative {
    One = -1,
}

#[derive(nearcall::Wire)]
#[repr(u64)]
pub enum Sum {
    Most(u8) = u64::MAX,
}

#[nearcall::interface]
pub trait Sizes {
    fn nothing(&self, items: &[[u8; 0]]);
    #[call(astack = 100)]
    fn small(&self, long: &Long);
    fn full(&self, long: &Long, text: &str);
}

fn main() {}
