//! What `#[nearcall::plain]` is not for.

#[nearcall::plain(packed)]
struct Arguments(u32);

#[nearcall::plain]
enum Kind {
    One,
}

#[nearcall::plain]
#[repr(u8)]
struct Truth {
    on: bool,
    letter: char,
}

#[nearcall::plain]
struct Nothing;

#[nearcall::plain]
struct Owns {
    text: String,
    word: usize,
}

fn main() {}
