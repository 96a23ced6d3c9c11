//! What a procedure cannot have whose answer nobody waits for.

#[nearcall::interface]
pub trait Oneway {
    #[call(oneway)]
    fn results(&self) -> u32;
    #[call(oneway)]
    fn comes_back(&self, a: &mut u32);
    #[call(oneway)]
    fn passed(&self, a: std::os::fd::OwnedFd);
}

fn main() {}
