//! A procedure is a plain function without a body.

#[nearcall::interface]
pub trait Kinds {
    async fn later(&self);
    unsafe fn dangerous(&self);
    extern "C" fn foreign(&self);
    fn body(&self) -> u32 {
        0
    }
    fn generic<T>(&self, x: u32);
    fn sized(&self) where Self: Sized;
    #[cfg(unix)]
    fn sometimes(&self);
    fn __ours(&self);
    fn bind(&self);
}

fn main() {}
