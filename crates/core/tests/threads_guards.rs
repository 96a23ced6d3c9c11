//! Guards as on a kernel without markers in the page table: on its own, because it is for the whole process.

use nearcall_core::threads::stack::{Class, Guards, Stack, guards, protect_guards};
use nearcall_core::threads::{Processor, spawn_local, yield_now};

#[test]
fn guards_are_protected_pages_where_there_are_no_markers() {
    protect_guards();
    let processor = Processor::enter();
    let all: Vec<_> = (0..100)
        .map(|number| {
            spawn_local(None, Class::THREAD, move || {
                yield_now();
                number
            })
            .unwrap()
        })
        .collect();
    for (number, handle) in all.into_iter().enumerate() {
        assert_eq!(handle.join(None).unwrap().unwrap(), number);
    }
    processor.leave();
    assert_eq!(guards(), Guards::Protection);
    let stack = Stack::take(Class::THREAD).unwrap();
    let (lowest, end) = stack.guard();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let guard = format!("{lowest:x}-{end:x} ---p");
    assert!(maps.lines().any(|line| line.starts_with(&guard)), "{guard}\n{maps}");
}
