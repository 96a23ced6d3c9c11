//! What threads say when there is no more of something: each test is a process of its own, since it takes that away.

use std::process::Command;

use nearcall::thread::{self, JoinError, SpawnError};

const ROLE: &str = "NEARCALL_TEST_ROLE";

/// Whether this process is to play the role of `test`; if not, one is started that does, and must succeed.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ROLE).is_some() {
        return true;
    }
    let exe = std::env::current_exe().unwrap();
    let output =
        Command::new(exe).args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, test).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    false
}

/// Address space that this process may have beyond what it has.
fn leave_only(size: u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().next().unwrap().parse().unwrap();
    let limit = Some(pages * 4096 + size);
    let limit = rustix::process::Rlimit { current: limit, maximum: limit };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
}

#[test]
fn without_a_stack_a_thread_ends_with_an_error_and_others_go_on() {
    if !is_alone("without_a_stack_a_thread_ends_with_an_error_and_others_go_on") {
        return;
    }
    // The worker is there, with a stack or two.
    thread::spawn(|| ()).join().unwrap();
    leave_only(512 << 20);
    let all: Vec<_> = (0..8_000).map(|_| thread::spawn(thread::park)).collect();
    let mut refused = 0;
    for handle in all {
        handle.thread().unpark();
        match handle.join() {
            Ok(parked) => assert_eq!(parked, Ok(())),
            Err(JoinError::NoStack(why)) => {
                assert!(why.to_string().contains("there is no stack"), "{why}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0, "8,000 threads with 256 KiB each in 512 MiB");
    assert_eq!(thread::spawn(|| 1).join().unwrap(), 1);
}

#[test]
fn without_a_kernel_thread_nothing_is_spawned() {
    if !is_alone("without_a_kernel_thread_nothing_is_spawned") {
        return;
    }
    // Less than the stack of a kernel thread.
    leave_only(1 << 20);
    let spawned = thread::Builder::new().spawn(|| ());
    assert!(matches!(spawned, Err(SpawnError::NoKernelThread(_))), "{spawned:?}");
}

#[test]
fn guards_that_are_mappings_leave_some_for_others() {
    if !is_alone("guards_that_are_mappings_leave_some_for_others") {
        return;
    }
    nearcall_core::threads::stack::protect_guards();
    let most: usize = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    if most > 200_000 {
        return;
    }
    let all: Vec<_> = (0..most / 2).map(|_| thread::spawn(thread::park)).collect();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while thread::live() < most / 8 * 3 && std::time::Instant::now() < end {
        thread::sleep(std::time::Duration::from_millis(5)).unwrap();
    }
    let mut refused = 0;
    for handle in all {
        handle.thread().unpark();
        match handle.join() {
            Ok(parked) => assert_eq!(parked, Ok(())),
            Err(JoinError::NoStack(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0 && refused < most / 4, "{refused} of {}", most / 2);
    // There is room for a kernel thread and what it allocates.
    std::thread::spawn(|| vec![1_u8; 1 << 20].len()).join().unwrap();
}
