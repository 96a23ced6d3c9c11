//! A length is an integer, whatever it is called.

type Count = f32;

#[nearcall::interface]
pub trait Lengths {
    fn read(&self, #[out(len = return)] buf: &mut [u8]) -> Count;
}

fn main() {}
