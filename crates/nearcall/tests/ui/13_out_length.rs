//! A length is an unsigned integer, whatever it is called.

type Count = i16;

#[nearcall::interface]
pub trait Lengths {
    fn read(&self, #[out(len = return)] buf: &mut [u8]) -> Count;
}

fn main() {}
