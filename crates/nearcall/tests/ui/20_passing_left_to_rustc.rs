//! What only rustc knows of what is passed.

use std::os::fd::OwnedFd;

pub struct HttpClient;

#[nearcall::interface]
pub trait Passing {
    fn client(&self, client: HttpClient);
    fn made(&self) -> HttpClient;
    fn several(&self, clients: &[HttpClient]) -> Option<HttpClient>;
}

#[nearcall::interface]
pub trait Many {
    fn many(&self, a: &nearcall::Grant, b: &nearcall::Grant, c: &nearcall::Grant, d: &nearcall::Grant,
            e: &nearcall::Grant, f: &nearcall::Grant, g: &nearcall::Grant, h: &nearcall::Grant, i: OwnedFd);
    fn perhaps(&self, a: &nearcall::Grant, b: &nearcall::Grant, c: &nearcall::Grant, d: &nearcall::Grant,
            e: &nearcall::Grant, f: &nearcall::Grant, g: &nearcall::Grant, h: Option<nearcall::Grant>, i: Vec<OwnedFd>);
}

fn main() {}
