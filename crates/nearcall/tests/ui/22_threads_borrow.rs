//! What a thread borrows lives as long as it.

fn main() {
    let local = 1;
    nearcall::thread::spawn(|| println!("{}", local));
    let kept = nearcall::thread::scope(|scope| {
        let inside = 1;
        scope.spawn(|| println!("{}", inside))
    });
    drop(kept);
}
