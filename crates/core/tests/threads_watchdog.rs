//! A processor that is stepped out of: the watchdog reports for its threads. On its own, because reports are a process's.

#![expect(clippy::disallowed_methods, reason = "a test has an end")]

use std::sync::Mutex;
use std::time::{Duration, Instant};

use nearcall_core::threads::stack::Class;
use nearcall_core::threads::{Processor, current, park_current, watchdog};

static REPORTS: Mutex<Vec<watchdog::Report>> = Mutex::new(Vec::new());

#[test]
fn threads_of_a_processor_that_is_stepped_out_of_are_waited_for() {
    watchdog::on_report(|report| REPORTS.lock().unwrap().push(report.clone()));
    let processor = Processor::enter();
    let (send, receive) = std::sync::mpsc::channel();
    let waits = move || {
        send.send(current()).unwrap();
        park_current(None).unwrap();
    };
    assert!(!processor.run_procedure(Class::E_STACK, waits).unwrap_or_else(|_| unreachable!()));
    let thread = receive.recv().unwrap();
    let out = processor.step_out();
    // It is suspended, and nothing keeps it from going on yet.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(*REPORTS.lock().unwrap(), []);
    thread.unpark();
    let end = Instant::now() + Duration::from_secs(20);
    while REPORTS.lock().unwrap().is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(out);
    assert!(processor.run_ready(1));
    assert_eq!(processor.live(), 0);
    processor.leave();
    let reports = REPORTS.lock().unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!((reports[0].ready, &reports[0].running), (1, &None));
    assert!(reports[0].waited >= Duration::from_millis(100));
}
