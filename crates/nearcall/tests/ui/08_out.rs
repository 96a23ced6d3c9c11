//! What `#[out]` can be on, and what it can say.

#[nearcall::interface]
pub trait Outs {
    fn not_exclusive(&self, #[out] a: u32, #[out] b: &u32, #[out] c: &[u8]);
    fn length(&self, #[out(len = 5)] a: &mut [u8], #[out(len = return)] b: &mut u32, #[out(size = 4)] c: &mut [u8]) -> u32;
    fn nothing(&self, #[out(len = return)] a: &mut [u8]);
    fn text(&self, #[out(len = return)] a: &mut [u8]) -> String;
    fn signed(&self, #[out(len = return)] a: &mut [u8]) -> Result<i128, u8>;
    fn twice(&self, #[out] #[out] a: &mut u32);
    fn other(&self, #[size = 5] a: u32, #[cfg(unix)] b: u32);
    fn large(&self, #[max = 5] a: &str, #[max(65 MiB)] b: &str, #[max(1 GiB)] c: &str, #[max(0)] d: &str);
    #[out]
    #[in_place]
    fn misplaced(&self);
}

fn main() {}
