//! A forked child has no workers, and says so. On its own, because a fork copies whatever other tests have under way.

use nearcall_core::threads::stack::Class;
use nearcall_core::threads::{NoWorker, spawn};

#[test]
fn a_forked_child_is_told_that_it_has_no_workers() {
    let joined = spawn(None, Class::THREAD, || 1).unwrap().join(None).unwrap().unwrap();
    assert_eq!(joined, 1);
    // SAFETY: the child makes no use of what other kernel threads may have had locked: it asks, and exits.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let refused = matches!(spawn(None, Class::THREAD, || ()), Err(NoWorker::Forked));
        // SAFETY: it ends the process, with nothing run.
        unsafe { libc::_exit(i32::from(!refused)) };
    }
    let mut status = 0;
    // SAFETY: the status is ours to be written.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
}
