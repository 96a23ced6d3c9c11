//! Where `#[serde]` and `#[in_place]` can stand.

#[nearcall::interface]
pub trait Marks {
    fn exclusive(&self, #[serde] a: &mut u32, #[serde] #[out] b: &mut u32, #[serde] #[in_place] c: &[u8]);
    fn borrowed(&self, #[serde] a: &str, #[serde] b: &[u32], #[serde(x)] c: u32, #[serde] #[serde] d: u32);
    fn place(&self, #[in_place] a: &str, #[in_place] b: &[u32], #[in_place] c: &mut [u8], #[in_place(x)] d: &[u8]);
    fn place_out(&self, #[in_place] #[out] a: &mut [u8], #[in_place] b: Vec<u8>, #[in_place] c: &'static [u8]);
    #[serde]
    fn nothing_said(&self) -> u32;
    #[serde(value, return, return)]
    fn unknown(&self) -> u32;
    #[serde(return)]
    fn no_value(&self);
    #[serde(error)]
    fn no_error(&self) -> u32;
    #[serde(return)]
    fn length(&self, #[out(len = return)] a: &mut [u8]) -> u32;
}

fn main() {}
