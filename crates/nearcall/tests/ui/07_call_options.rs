//! Keys and values of `#[call(..)]`.

#[nearcall::interface]
pub trait Calls {
    #[call(concurrency = 65, timeout = "2h", astack = 0)]
    fn range(&self);
    #[call(concurrency = "8", timeout = 2, astack = -1, idempotent = true)]
    fn kinds(&self);
    #[call(timout = "2s", retries(3), idempotent)]
    fn unknown(&self);
    #[call(concurrency = 1, concurrency = 2)]
    #[call(idempotent)]
    fn twice(&self);
    #[call(handoff = "always")]
    fn a_value(&self);
    #[call(handoff, handoff)]
    fn again(&self);
    #[call]
    fn nothing(&self);
    #[call(timeout)]
    fn no_value(&self);
}

fn main() {}
