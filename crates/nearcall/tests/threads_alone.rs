//! What is for a whole process: memory, the watchdog, overflows. Each test is a process of its own.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

use nearcall::thread::{self, Builder, watchdog};
use nearcall_core::threads::stack;

const ROLE: &str = "NEARCALL_TEST_ROLE";

/// Runs a test of this file again, in a process where it plays its role.
fn again(test: &str) -> Output {
    let exe = std::env::current_exe().unwrap();
    Command::new(exe).args([test, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, test).output().unwrap()
}

/// Whether this process is to play the role of `test`; if not, one is started that does, and must succeed.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ROLE).is_some() {
        return true;
    }
    let output = again(test);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    false
}

/// A line of `/proc/self/status`, in KiB or as a count.
fn status(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn map_count() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<u64> = after.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap()).collect();
    Duration::from_millis(10 * fields.iter().sum::<u64>())
}

#[test]
fn a_million_forks_and_joins_leave_nothing() {
    if !is_alone("a_million_forks_and_joins_leave_nothing") {
        return;
    }
    let run = |count: u32| {
        let forks = move || (0..count).for_each(|n| assert_eq!(thread::spawn(move || n).join().unwrap(), n));
        thread::spawn(forks).join().unwrap();
    };
    // A second one would be started when this one does not get the CPU for a while.
    thread::set_workers(1);
    run(10_000);
    assert_eq!(thread::live(), 0);
    let (memory, maps, threads) = (status("VmRSS"), map_count(), status("Threads"));
    run(1_000_000);
    assert!(status("VmRSS") <= memory + 256, "{} KiB, after {memory} before", status("VmRSS"));
    assert!(map_count() <= maps + 1, "{} mappings, after {maps} before", map_count());
    assert_eq!(status("Threads"), threads);
}

#[test]
fn one_that_is_spawned_alone_is_taken_while_its_spawner_goes_on() {
    // With one worker, or with others' threads that spin, nobody could.
    if std::thread::available_parallelism().unwrap().get() == 1
        || !is_alone("one_that_is_spawned_alone_is_taken_while_its_spawner_goes_on")
    {
        return;
    }
    let goes_on = || {
        for _ in 0..20 {
            let started = Arc::new(AtomicBool::new(false));
            let theirs = Arc::clone(&started);
            let child = thread::spawn(move || theirs.store(true, Ordering::SeqCst));
            let start = Instant::now();
            let end = start + Duration::from_secs(30);
            while !started.load(Ordering::SeqCst) {
                assert!(Instant::now() < end, "nobody came for it");
                std::hint::spin_loop();
            }
            println!("started after {:?}", start.elapsed());
            child.join().unwrap();
        }
        // And after many that were waited for.
        (0..100_000).for_each(|n| assert_eq!(thread::spawn(move || n).join().unwrap(), n));
    };
    (0..2).for_each(|_| thread::spawn(goes_on).join().unwrap());
}

#[test]
fn a_hundred_thousand_wait_at_once() {
    if !is_alone("a_hundred_thousand_wait_at_once") {
        return;
    }
    const COUNT: usize = 100_000;
    let (memory, maps) = (status("VmRSS"), map_count());
    let all: Vec<_> = (0..COUNT).map(|_| thread::spawn(thread::park)).collect();
    // All of them have started when each has been seen: so wait for the last one of each processor.
    let end = Instant::now() + Duration::from_secs(60);
    while thread::live() < COUNT {
        assert!(Instant::now() < end, "{} of {COUNT} have started", thread::live());
        thread::sleep(Duration::from_millis(5)).unwrap();
    }
    let (memory, maps) = (status("VmRSS") - memory, map_count() - maps);
    println!("{COUNT} threads: {memory} KiB of memory, {maps} mappings");
    assert!(maps < 40_000, "{maps} mappings");
    all.iter().for_each(|handle| handle.thread().unpark());
    all.into_iter().for_each(|handle| handle.join().unwrap().unwrap());
}

/// How often other kernel threads of this process went to sleep.
fn switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let own = std::fs::read_link("/proc/thread-self").unwrap();
    let others = tasks.filter_map(Result::ok).filter(|task| task.file_name() != own.file_name().unwrap());
    let of = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    others.map(of).sum::<u64>()
}

#[test]
fn idle_processes_do_not_wake() {
    if !is_alone("idle_processes_do_not_wake") {
        return;
    }
    let parked: Vec<_> = (0..10).map(|_| thread::spawn(thread::park)).collect();
    thread::sleep(Duration::from_millis(300)).unwrap();
    let (before, cpu) = (switches(), cpu_time());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(switches(), before);
    assert!(cpu_time() - cpu <= Duration::from_millis(10));
    parked.into_iter().for_each(|handle| {
        handle.thread().unpark();
        handle.join().unwrap().unwrap();
    });
}

#[test]
fn who_keeps_others_waiting_is_named() {
    if !is_alone("who_keeps_others_waiting_is_named") {
        return;
    }
    watchdog::on_report(|report| REPORTS.lock().unwrap().push(report.clone()));
    let hogs = || {
        let patient = Builder::new().name("patient").spawn_local(|| ()).unwrap();
        // As foreign code does: the kernel thread is blocked, and what is ready there waits.
        let end = Instant::now() + Duration::from_secs(20);
        while REPORTS.lock().unwrap().is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        patient.join().unwrap();
    };
    Builder::new().name("hog").spawn(hogs).unwrap().join().unwrap();
    let reports = REPORTS.lock().unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].running.as_deref(), Some("hog"));
    assert_eq!(reports[0].waiting.as_deref(), Some("patient"));
    assert_eq!(reports[0].ready, 1);
    assert!(reports[0].waited >= Duration::from_millis(100));
    assert!(reports[0].to_string().contains("`hog` has run"), "{}", reports[0]);
}

static REPORTS: StdMutex<Vec<watchdog::Report>> = StdMutex::new(Vec::new());

/// Waits for the first report, without suspending: as foreign code does.
fn first_report() -> watchdog::Report {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Some(report) = REPORTS.lock().unwrap().first() {
            return report.clone();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("nobody was named");
}

#[test]
fn what_has_not_started_and_nobody_can_steal_is_reported() {
    if !is_alone("what_has_not_started_and_nobody_can_steal_is_reported") {
        return;
    }
    watchdog::on_report(|report| REPORTS.lock().unwrap().push(report.clone()));
    thread::set_workers(1);
    let started = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&started);
    let hogs = Builder::new().name("hog").spawn(move || {
        theirs.store(true, Ordering::SeqCst);
        first_report()
    });
    while !started.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    // From a kernel thread, long after whoever is in the way was seen to run with nobody waiting.
    std::thread::sleep(Duration::from_millis(400));
    assert!(REPORTS.lock().unwrap().is_empty());
    let waits = thread::spawn(|| ());
    let report = hogs.unwrap().join().unwrap();
    assert_eq!((report.running.as_deref(), report.unstarted, report.ready), (Some("hog"), 1, 0));
    assert!(report.to_string().contains("had not started"), "{report}");
    waits.join().unwrap();
}

#[test]
fn a_deadline_that_nobody_looks_at_is_reported() {
    if !is_alone("a_deadline_that_nobody_looks_at_is_reported") {
        return;
    }
    watchdog::on_report(|report| REPORTS.lock().unwrap().push(report.clone()));
    // std's mutex, held over a sleep: the other thread blocks the kernel thread on which the first one would wake.
    let both = || {
        let mutex = std::rc::Rc::new(StdMutex::new(()));
        let held = std::rc::Rc::clone(&mutex);
        let sleeps = thread::spawn_local(move || {
            let _held = held.lock().unwrap();
            thread::sleep(Duration::from_millis(300)).unwrap();
        });
        thread::yield_now();
        let locks = Builder::new().name("locks").spawn_local(move || {
            assert!(mutex.try_lock().is_err());
            first_report()
        });
        let report = locks.unwrap().join().unwrap();
        sleeps.join().unwrap();
        report
    };
    let report = thread::spawn(both).join().unwrap();
    assert_eq!((report.running.as_deref(), report.overdue), (Some("locks"), true));
    assert_eq!((report.ready, report.unstarted, report.unlooked), (0, 0, 0));
    assert!(report.to_string().contains("the deadline of another had come"), "{report}");
}

#[test]
fn one_that_blocks_with_nobody_waiting_wakes_nobody() {
    if !is_alone("one_that_blocks_with_nobody_waiting_wakes_nobody") {
        return;
    }
    let over = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&over);
    let blocks = thread::spawn(move || {
        while !theirs.load(Ordering::SeqCst) {
            std::hint::spin_loop();
        }
    });
    std::thread::sleep(Duration::from_millis(500));
    let before = switches();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(switches(), before);
    over.store(true, Ordering::SeqCst);
    blocks.join().unwrap();
}

#[expect(unconditional_recursion, reason = "it is to overflow")]
fn overflow(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 64]);
    overflow(depth + 1) + page[7]
}

#[test]
fn an_overflow_ends_its_process_with_the_threads_name() {
    const TEST: &str = "an_overflow_ends_its_process_with_the_threads_name";
    if std::env::var_os(ROLE).is_some() {
        thread::report_overflows().unwrap();
        Builder::new().name("bottomless").spawn(|| overflow(0)).unwrap().join().unwrap();
        unreachable!();
    }
    let output = again(TEST);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(6), "{output:?}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("thread 'bottomless' has overflowed its stack"), "{err}");
}

#[test]
fn an_overflow_without_the_handler_is_a_fault() {
    const TEST: &str = "an_overflow_without_the_handler_is_a_fault";
    if std::env::var_os(ROLE).is_some() {
        Builder::new().name("bottomless").spawn(|| overflow(0)).unwrap().join().unwrap();
        unreachable!();
    }
    let output = again(TEST);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(11), "{output:?}");
}

#[test]
fn an_overflow_of_a_procedures_stack_is_reported_too() {
    const TEST: &str = "an_overflow_of_a_procedures_stack_is_reported_too";
    if std::env::var_os(ROLE).is_some() {
        thread::report_overflows().unwrap();
        let server = std::thread::Builder::new().name("nearcall-7".into());
        let run = || stack::run(stack::Class::E_STACK, || overflow(0)).unwrap_or_default();
        server.spawn(run).unwrap().join().unwrap();
        unreachable!();
    }
    let output = again(TEST);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(6), "{output:?}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.contains("a procedure on kernel thread 'nearcall-7' has overflowed its stack"), "{err}");
}
