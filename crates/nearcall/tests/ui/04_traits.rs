//! An interface is a plain trait; only `Send`, `Sync` and `'static` can stand above it.

#[nearcall::interface]
pub trait Derived: Send + Sync + 'static + std::fmt::Debug + Clone {
    fn ping(&self);
}

#[nearcall::interface]
pub unsafe trait Dangerous {
    fn ping(&self);
}

#[nearcall::interface]
pub trait Lifetime<'a> {
    fn ping(&self);
}

#[nearcall::interface]
pub trait Empty {}

#[nearcall::interface(name = "other")]
pub trait Named {
    fn ping(&self);
}

#[nearcall::interface]
pub trait Members {
    const SIZE: u32;
    type Item;
    fn ping(&self);
    fn Ping(&self);
}

fn main() {}
