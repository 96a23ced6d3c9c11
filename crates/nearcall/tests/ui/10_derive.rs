//! What `derive(Wire)` is not for.

#[derive(nearcall::Wire)]
struct Generic<T>(T);

#[derive(nearcall::Wire)]
struct Borrowing<'a> {
    text: &'a str,
}

#[derive(nearcall::Wire)]
union Either {
    a: u32,
    b: f32,
}

#[derive(nearcall::Wire)]
enum Never {}

#[derive(nearcall::Wire)]
#[repr(usize)]
enum Word {
    One,
}

#[derive(nearcall::Wire)]
#[repr(usize)]
enum Fields {
    Plain,
    Tuple(u32),
}

fn main() {}
