//! A parameter has a plain name.

#[nearcall::interface]
pub trait Names {
    fn pattern(&self, [a, b]: [u8; 2], _: u32);
    fn mutable(&self, mut a: u32, ref b: u32);
    fn ours(&self, __call: u32);
}

fn main() {}
