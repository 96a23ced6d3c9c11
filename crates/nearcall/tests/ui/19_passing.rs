//! What is passed stands alone.

use std::os::fd::{BorrowedFd, OwnedFd};

#[nearcall::interface]
pub trait Passing {
    fn inside(&self, a: Option<OwnedFd>, b: Vec<OwnedFd>, c: (u8, BorrowedFd<'_>), d: &[OwnedFd]);
    fn target(&self, a: &mut OwnedFd, #[out] b: &mut OwnedFd, #[out] c: OwnedFd);
    fn back(&self) -> Option<OwnedFd>;
    fn lent(&self, a: BorrowedFd<'static>) -> BorrowedFd<'static>;
    fn error(&self) -> Result<u32, OwnedFd>;
    fn marks(&self, #[max(10)] a: OwnedFd, #[in_place] b: OwnedFd);
    fn places(&self, #[out(len = return)] a: &mut [&mut [u8]], b: &mut [&mut [u8]]) -> u32;
    fn serve(&self);
}

fn main() {}
