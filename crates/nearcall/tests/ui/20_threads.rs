//! What may go to a thread: a value that another kernel thread may have, and what lives long enough.

use std::cell::Cell;
use std::rc::Rc;

fn main() {
    let shared = Rc::new(Cell::new(1));
    let theirs = Rc::clone(&shared);
    nearcall::thread::spawn(move || theirs.set(2));
    nearcall::thread::spawn(|| Rc::new(1));
    let local = 1;
    nearcall::thread::spawn(|| println!("{}", local));
    nearcall::thread::scope(|scope| scope.spawn(|| shared.set(2)).join());
    let kept = nearcall::thread::scope(|scope| {
        let inside = 1;
        scope.spawn(|| println!("{}", inside))
    });
    drop(kept);
}
