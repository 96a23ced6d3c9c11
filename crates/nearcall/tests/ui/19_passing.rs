//! What is passed stands alone.

use std::os::fd::{BorrowedFd, OwnedFd};

#[nearcall::interface]
pub trait Passing {
    fn inside(&self, a: Option<Vec<OwnedFd>>, b: Vec<Option<OwnedFd>>, c: (u8, BorrowedFd<'_>), d: [OwnedFd; 2]);
    fn several(&self, a: Vec<&OwnedFd>, b: &mut Vec<OwnedFd>, c: &mut [OwnedFd], d: Option<BorrowedFd<'static>>);
    fn target(&self, a: &mut OwnedFd, #[out] b: &mut OwnedFd, #[out] c: OwnedFd);
    fn back(&self) -> (OwnedFd, OwnedFd);
    fn back_several(&self) -> Option<Vec<OwnedFd>>;
    fn later(&self, token: nearcall::ReplyToken<Vec<OwnedFd>>);
    fn lent(&self, a: BorrowedFd<'static>) -> BorrowedFd<'static>;
    fn error(&self) -> Result<u32, OwnedFd>;
    fn marks(&self, #[max(10)] a: OwnedFd, #[in_place] b: OwnedFd, #[max(10)] c: Vec<OwnedFd>);
    #[call(oneway)]
    fn sent(&self, a: Option<OwnedFd>);
    fn places(&self, #[out(len = return)] a: &mut [&mut [u8]], b: &mut [&mut [u8]]) -> u32;
    fn serve(&self);
}

fn main() {}
