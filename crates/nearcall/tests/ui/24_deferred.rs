//! What a reply that comes later cannot have.

use nearcall::ReplyToken;

#[nearcall::interface]
pub trait Later {
    fn twice(&self, reply: ReplyToken<u32>) -> u32;
    fn target(&self, a: &mut u32, reply: ReplyToken<u32>);
    fn passed(&self, reply: ReplyToken<std::os::fd::OwnedFd>);
    #[call(oneway)]
    fn nobody(&self, reply: ReplyToken<()>);
}

fn main() {}
