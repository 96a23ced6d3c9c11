//! Everything that is wrong with an interface is said at once.

#[nearcall::interface]
pub trait Broken<T> {
    const VERSION: u32;
    type Item;
    fn generic<U: Copy>(&self, value: U);
    async fn later(&self);
    fn exclusive(&mut self);
    fn count(&self) -> usize;
    fn name(&self) -> &str;
    #[call(concurrency = 0, timeout = "soon", colour = "red")]
    fn options(&self);
    fn pair(&self, (a, b): (u32, u32));
    fn body(&self) {}
}

fn main() {}
