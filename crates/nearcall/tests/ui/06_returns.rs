//! A result is owned, and its error type is visible.

type Short<T> = Result<T, u32>;

#[nearcall::interface]
pub trait Returns {
    fn borrowed(&self) -> &str;
    fn nested(&self) -> Result<Option<&'static u8>, &'static str>;
    fn hidden(&self) -> std::io::Result<u32>;
    fn word(&self) -> Result<usize, isize>;
    fn never(&self) -> !;
    fn code(&self) -> impl Copy;
}

fn main() {
    let _: Short<u32>;
}
