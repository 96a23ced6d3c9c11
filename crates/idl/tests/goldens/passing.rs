//! What is passed and not copied, and several strings at once.

use std::os::fd::{BorrowedFd, OwnedFd};

#[nearcall::interface]
pub trait Watch {
    fn seen(&self, what: u32);
}

#[nearcall::interface]
pub trait Passing {
    fn file(&self, number: u32, file: OwnedFd, log: BorrowedFd<'_>) -> u32;
    fn watch(&self, by: WatchClient, also: &WatchClient);
    fn made(&self, number: u32) -> Result<WatchClient, u32>;
    fn plain(&self) -> OwnedFd;
    fn again(&self) -> PassingClient;
    fn memory(&self, sealed: &nearcall::Grant, shared: nearcall::SharedGrant) -> Result<nearcall::Grant, u32>;
    fn several(
        &self,
        files: Vec<OwnedFd>,
        lent: &[BorrowedFd<'_>],
        log: Option<BorrowedFd<'_>>,
        by: Option<&WatchClient>,
    );
    fn several_back(&self, count: u32) -> Result<Vec<OwnedFd>, u32>;
    fn perhaps(&self, by: &Option<WatchClient>) -> Option<nearcall::Grant>;
    fn gather(&self, before: &str, #[max(100)] strings: &[&[u8]]) -> u32;
    fn scatter(&self, #[out] places: &mut [&mut [u8]], #[out] after: &mut [u16]) -> u32;
}
