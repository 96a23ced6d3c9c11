//! What goes to a thread may be another kernel thread's.

use std::cell::Cell;
use std::rc::Rc;

fn main() {
    let shared = Rc::new(Cell::new(1));
    let theirs = Rc::clone(&shared);
    nearcall::thread::spawn(move || theirs.set(2));
    nearcall::thread::scope(|scope| scope.spawn(|| shared.set(2)).join()).unwrap();
}
