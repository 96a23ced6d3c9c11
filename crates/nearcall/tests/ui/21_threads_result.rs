//! What comes back from a thread may be another kernel thread's.

fn main() {
    nearcall::thread::spawn(|| std::rc::Rc::new(1));
}
