//! A procedure has `&self`.

#[nearcall::interface]
pub trait Receivers {
    fn exclusive(&mut self);
    fn consumed(self);
    fn boxed(self: Box<Self>);
    fn none(x: u32);
    fn lifetime<'a>(&'a self);
}

fn main() {}
