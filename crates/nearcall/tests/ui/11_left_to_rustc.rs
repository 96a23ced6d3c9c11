//! What only rustc can know is an error at the author's type.

struct NotWire;

#[derive(nearcall::Wire)]
struct Outer {
    inner: NotWire,
}

#[nearcall::interface]
pub trait Unknown {
    fn take(&self, x: NotWire);
}

fn main() {}
