//! Types that mean something else, or nothing, in another address space.

#[nearcall::interface]
pub trait Types {
    fn word(&self, a: usize, b: Vec<isize>, c: &[usize; 2]);
    fn tuple(&self, nine: (u8, u8, u8, u8, u8, u8, u8, u8, u8), word: (u32, usize)) -> (u8, &u8);
    fn slices(&self, a: &[bool], b: &mut [String], c: [u8], d: &[(u8, u8)], e: &[usize], f: &[Vec<u8>]);
    fn growing(&self, a: &mut str);
    fn code(&self, a: impl Copy, b: &dyn Send, c: Box<dyn Fn()>, d: fn());
    fn nested(&self, a: Option<&u32>, b: &&u32, c: *const u8);
    fn lifetime(&self, a: &'static str, b: std::borrow::Cow<'static, str>);
    fn unknown(&self, a: _, b: Self);
}

fn main() {}
