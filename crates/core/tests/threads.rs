//! Threads on one processor: order, results, waits, procedures.

#![expect(clippy::disallowed_methods, reason = "tests have deadlines, and know when to look again")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nearcall_core::sys::futex::{self, Sleep};
use nearcall_core::threads::park::Parker;
use nearcall_core::threads::processor::POLLED_WORD_COUNT;
use nearcall_core::threads::stack::Class;
use nearcall_core::threads::{
    Ended, Handle, Processor, Turn, Waited, Words, Work, current, park_current, spawn_local, wait_until, with_local,
    yield_now,
};

/// Makes the test's kernel thread a processor, until the end of the test.
struct Here(&'static Processor);

fn enter() -> Here {
    Here(Processor::enter())
}

impl Drop for Here {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.0.live(), 0);
        }
        self.0.leave();
    }
}

fn local<T: 'static>(f: impl FnOnce() -> T + 'static) -> Handle<T> {
    spawn_local(None, Class::THREAD, f).unwrap()
}

fn join<T>(handle: Handle<T>) -> T {
    handle.join(None).unwrap_or_else(|_| unreachable!()).unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(20)
}

/// Longer than a test takes.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[test]
fn threads_take_turns_where_they_yield() {
    let _here = enter();
    let log = Rc::new(RefCell::new(Vec::new()));
    let both: Vec<_> = (0..2)
        .map(|who| {
            let log = Rc::clone(&log);
            local(move || {
                for turn in 0..3 {
                    log.borrow_mut().push((who, turn));
                    yield_now();
                }
                who
            })
        })
        .collect();
    assert_eq!(both.into_iter().map(join).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(*log.borrow(), [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]);
}

#[test]
fn a_thread_joins_another() {
    let _here = enter();
    let sum = local(|| (0..100).map(|n| join(local(move || n))).sum::<u32>());
    assert_eq!(join(sum), 4950);
}

#[test]
fn a_panic_goes_to_join_and_nowhere_else() {
    let _here = enter();
    let bad = local(|| -> u32 { std::panic::resume_unwind(Box::new("gone")) });
    let good = local(|| 1);
    let payload = bad.join(None).unwrap().unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"gone"));
    assert_eq!(join(good), 1);
}

#[test]
fn what_nobody_joins_is_dropped_once() {
    let _here = enter();
    let value = Rc::new(());
    for early in [true, false] {
        let kept = Rc::clone(&value);
        let handle = local(move || kept);
        if early {
            drop(handle);
            while Processor::enter().run_ready(1) {}
        } else {
            while Processor::enter().run_ready(1) {}
            assert!(handle.is_finished());
            drop(handle);
        }
        assert_eq!(Rc::strong_count(&value), 1);
    }
}

#[test]
fn a_token_is_kept_and_taken_once() {
    let _here = enter();
    join(local(|| {
        current().unpark();
        current().unpark();
        assert_eq!(park_current(Some(soon())), Ok(()));
        assert_eq!(park_current(Some(soon())), Err(Ended::TimedOut));
    }));
}

#[test]
fn a_parked_thread_is_woken_from_elsewhere() {
    let _here = enter();
    for _ in 0..200 {
        let waiting = local(|| park_current(Some(late())));
        let thread = waiting.thread();
        let other = std::thread::spawn(move || thread.unpark());
        assert_eq!(join(waiting), Ok(()));
        other.join().unwrap();
    }
}

#[test]
fn a_parker_works_between_all_kinds() {
    let here = enter();
    // Both on the processor.
    let mut parker = Parker::new();
    let unparker = parker.unparker();
    let waits = local(move || parker.park(Some(late())));
    let wakes = local(move || unparker.unpark());
    assert_eq!((join(waits), join(wakes)), (Ok(()), ()));
    // A kernel thread waits for a thread.
    let mut parker = Parker::new();
    let unparker = parker.unparker();
    let foreign = std::thread::spawn(move || parker.park(Some(late())));
    join(local(move || unparker.unpark()));
    assert_eq!(foreign.join().unwrap(), Ok(()));
    // The processor's own context waits for its thread.
    let mut parker = Parker::new();
    let unparker = parker.unparker();
    let wakes = local(move || unparker.unpark());
    assert_eq!(parker.park(Some(late())), Ok(()));
    join(wakes);
    assert_eq!(parker.park(Some(soon())), Err(Ended::TimedOut));
    assert_eq!(here.0.live(), 0);
}

#[test]
fn time_runs_out_in_the_order_of_deadlines() {
    let _here = enter();
    let start = Instant::now();
    let log = Rc::new(RefCell::new(Vec::new()));
    let all: Vec<_> = [30, 10, 20]
        .into_iter()
        .map(|ms| {
            let log = Rc::clone(&log);
            local(move || {
                let deadline = start + Duration::from_millis(ms);
                assert_eq!(park_current(Some(deadline)), Err(Ended::TimedOut));
                assert!(Instant::now() >= deadline);
                log.borrow_mut().push(ms);
            })
        })
        .collect();
    all.into_iter().for_each(join);
    assert_eq!(*log.borrow(), [10, 20, 30]);
}

#[test]
fn a_join_that_times_out_gives_the_handle_back() {
    let _here = enter();
    let waits = local(|| park_current(Some(late())));
    let (waits, ended) = waits.join(Some(soon())).unwrap_err();
    assert_eq!(ended, Ended::TimedOut);
    waits.thread().unpark();
    assert_eq!(join(waits), Ok(()));
}

#[test]
fn cancelling_ends_this_wait_and_each_later_one() {
    let _here = enter();
    let waits = local(|| [park_current(Some(late())), park_current(Some(late()))]);
    let thread = waits.thread();
    while Processor::enter().run_ready(1) {}
    let other = std::thread::spawn(move || thread.cancel());
    assert_eq!(join(waits), [Err(Ended::Cancelled); 2]);
    other.join().unwrap();
    // One that has not started yet.
    let waits = local(|| park_current(Some(late())));
    waits.thread().cancel();
    assert_eq!(join(waits), Err(Ended::Cancelled));
}

#[test]
fn a_kernel_thread_is_not_cancelled() {
    let (send, receive) = std::sync::mpsc::channel();
    let waits = std::thread::spawn(move || {
        send.send(current()).unwrap();
        let first = park_current(Some(soon()));
        let mut never = |_| false;
        [first, park_current(Some(soon()))].map(|ended| (ended, wait_until(&mut never, Some(soon()), &[])))
    });
    let thread = receive.recv().unwrap();
    thread.cancel();
    assert!(!thread.is_cancelled());
    let first = (Err(Ended::TimedOut), Waited::TimedOut);
    assert_eq!(waits.join().unwrap(), [first; 2]);
}

#[test]
fn a_lone_wait_polls_in_its_own_context() {
    let here = enter();
    let before = here.0.counts();
    let mut left = 10;
    let waited = local(move || {
        wait_until(
            &mut |_| {
                left -= 1;
                left == 0
            },
            None,
            &[],
        )
    });
    assert_eq!(join(waited), Waited::Ready);
    let after = here.0.counts();
    assert_eq!((after.polls - before.polls, after.switches - before.switches), (1, 1));
}

#[test]
fn others_run_while_one_is_polled() {
    let _here = enter();
    let done = Rc::new(Cell::new(false));
    let seen = Rc::clone(&done);
    let waits = local(move || wait_until(&mut |_| seen.get(), Some(late()), &[]));
    let sets = local(move || {
        (0..5).for_each(|_| yield_now());
        done.set(true);
    });
    assert_eq!((join(waits), join(sets)), (Waited::Ready, ()));
}

/// Busy for a millisecond, in which many looks are due.
fn compute() {
    let end = Instant::now() + Duration::from_millis(1);
    while Instant::now() < end {}
}

/// What a thread waits for is looked for after each turn of those that compute beside it, and not only when they have had all turns
/// of a round, of which there are 64.
#[test]
fn a_wait_ends_beside_threads_that_compute() {
    let _here = enter();
    for others in [1, 3] {
        let (flag, over) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let waits = local({
            let (flag, over) = (Rc::clone(&flag), Rc::clone(&over));
            move || {
                let waited = wait_until(&mut |_| flag.get(), Some(late()), &[]);
                over.set(true);
                waited
            }
        });
        let turns = Rc::new(Cell::new(0));
        let threads: Vec<_> = (0..others)
            .map(|n| {
                let (flag, over, turns) = (Rc::clone(&flag), Rc::clone(&over), Rc::clone(&turns));
                local(move || {
                    for turn in 0..500 {
                        if over.get() {
                            return;
                        }
                        if turn == 20 && n == 0 {
                            flag.set(true);
                        }
                        turns.set(turns.get() + i32::from(flag.get()));
                        compute();
                        yield_now();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(join);
        assert_eq!(join(waits), Waited::Ready);
        // A turn of each of the others, and what was under way.
        assert!(turns.get() <= 2 * others + 1, "{} turns of {others} threads", turns.get());
    }
}

/// So is the time.
#[test]
fn time_runs_out_beside_a_thread_that_computes() {
    let _here = enter();
    let over = Rc::new(Cell::new(false));
    let begin = Instant::now();
    let deadline = begin + Duration::from_millis(5);
    let waits = local({
        let over = Rc::clone(&over);
        move || {
            let waited = wait_until(&mut |_| false, Some(deadline), &[]);
            over.set(true);
            waited
        }
    });
    let computes = local(move || {
        let mut late = 0;
        while !over.get() && late < 500 {
            late += i32::from(Instant::now() >= deadline);
            compute();
            yield_now();
        }
        late
    });
    assert!(join(computes) <= 2);
    assert_eq!(join(waits), Waited::TimedOut);
}

#[test]
fn a_polled_wait_sleeps_on_its_word() {
    let _here = enter();
    let word = Arc::new(AtomicU32::new(0));
    let told = Arc::new(AtomicBool::new(false));
    let (theirs, hears) = (Arc::clone(&word), Arc::clone(&told));
    let other = std::thread::spawn(move || {
        // Only when it sleeps, or is about to.
        while !hears.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        theirs.store(1, Ordering::SeqCst);
        futex::wake_private(&theirs);
    });
    let waits = local(move || {
        let other = AtomicU32::new(0);
        let [also, sleep] = [&other, &*word].map(|word| Sleep { word, value: 0, shared: false });
        let mut look = |turn| {
            if turn == Turn::BeforeSleep {
                told.store(true, Ordering::SeqCst);
            }
            word.load(Ordering::SeqCst) == 1
        };
        wait_until(&mut look, Some(late()), &[also, sleep])
    });
    assert_eq!(join(waits), Waited::Ready);
    other.join().unwrap();
    let never = AtomicU32::new(0);
    let sleep = Sleep { word: &never, value: 0, shared: false };
    assert_eq!(wait_until(&mut |_| false, Some(soon()), &[sleep]), Waited::TimedOut);
    let waits = local(|| wait_until(&mut |_| false, Some(soon()), &[]));
    assert_eq!(join(waits), Waited::TimedOut);
}

/// Sleeps of a processor on which `count` threads wait for a word each, for nine times `soon`.
fn sleeps_beside(here: &'static Processor, words: &'static [AtomicU32]) -> (u64, Duration) {
    let end = Instant::now() + 9 * (soon() - Instant::now());
    let waits = |word| {
        local(move || {
            let sleep = Sleep { word, value: 0, shared: false };
            wait_until(&mut |_| word.load(Ordering::SeqCst) == 1, Some(late()), &[sleep])
        })
    };
    // The same word again counts once.
    let all: Vec<_> = words.iter().chain(words.first()).map(waits).collect();
    struct Until(Instant);
    impl Work for Until {
        fn look(&mut self) -> bool {
            false
        }
        fn prepare_sleep<'a>(&'a mut self, _: &mut Words<'a>) -> bool {
            true
        }
        fn is_over(&self) -> bool {
            Instant::now() >= self.0
        }
    }
    let alarm = local(move || park_current(Some(end)));
    let (start, before) = (Instant::now(), here.counts().sleeps);
    here.run_loop(&mut Until(end));
    let slept = (here.counts().sleeps - before, start.elapsed());
    assert_eq!(join(alarm), Err(Ended::TimedOut));
    words.iter().for_each(|word| word.store(1, Ordering::SeqCst));
    all.into_iter().for_each(|waits| assert_eq!(join(waits), Waited::Ready));
    slept
}

#[test]
fn a_processor_with_many_polled_waits_seldom_wakes() {
    let here = enter();
    let words = |count| Vec::leak((0..count).map(|_| AtomicU32::new(0)).collect::<Vec<_>>());
    // As many as one sleep can have.
    let (sleeps, _) = sleeps_beside(here.0, words(POLLED_WORD_COUNT));
    assert!(sleeps <= 8, "{sleeps} sleeps");
    // More: in steps of 1, 2, 4, 8, and then 16 ms.
    let (sleeps, length) = sleeps_beside(here.0, words(POLLED_WORD_COUNT + 1));
    let most = 8 + length.as_millis().div_ceil(16);
    assert!(u128::from(sleeps) <= most, "{sleeps} sleeps in {length:?}");
}

#[test]
fn a_procedure_runs_there_and_then_and_may_go_on_later() {
    let here = enter();
    let log = Rc::new(RefCell::new(Vec::new()));
    let entry = |what: &'static str| {
        let log = Rc::clone(&log);
        move || log.borrow_mut().push(what)
    };
    let run = |f: Box<dyn FnOnce()>| here.0.run_procedure(Class::E_STACK, f).unwrap_or_else(|_| unreachable!());
    assert!(run(Box::new(entry("at once"))));
    let thread = Rc::new(RefCell::new(None));
    let (mine, first, second) = (Rc::clone(&thread), entry("first"), entry("second"));
    let suspends = move || {
        first();
        *mine.borrow_mut() = Some(current());
        assert_eq!(park_current(Some(late())), Ok(()));
        second();
    };
    assert!(!run(Box::new(suspends)));
    assert_eq!(here.0.live(), 1);
    assert!(run(Box::new(entry("between"))));
    let kept = thread.borrow_mut().take().unwrap();
    kept.unpark();
    assert!(here.0.run_ready(1));
    assert_eq!(*log.borrow(), ["at once", "first", "between", "second"]);
    // What is kept of a procedure that is over is no other procedure.
    let mine = Rc::clone(&thread);
    assert!(run(Box::new(move || *mine.borrow_mut() = Some(current()))));
    let other = thread.borrow_mut().take().unwrap();
    assert_ne!(kept, other);
    // A panic ends a procedure and nothing else.
    assert!(run(Box::new(|| std::panic::resume_unwind(Box::new(())))));
    assert!(run(Box::new(entry("after"))));
    assert_eq!(log.borrow().last(), Some(&"after"));
}

#[test]
fn values_are_a_threads_own() {
    let _here = enter();
    struct Counted(Rc<Cell<u32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    let all: Vec<_> = (0..3)
        .map(|number| {
            let dropped = Rc::clone(&dropped);
            local(move || {
                let make = || (number, Counted(dropped));
                with_local(1, make, |value| assert_eq!(value.0, number));
                yield_now();
                with_local::<(u32, Counted), _>(1, || unreachable!(), |value| assert_eq!(value.0, number));
            })
        })
        .collect();
    all.into_iter().for_each(join);
    assert_eq!(dropped.get(), 3);
}

/// Counts when it is dropped, and knows where that is to be.
struct Homely(std::thread::ThreadId, Arc<AtomicUsize>);

impl Drop for Homely {
    fn drop(&mut self) {
        assert_eq!(std::thread::current().id(), self.0);
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// What uses a value when it is dropped.
struct Asks(Arc<AtomicUsize>);

impl Drop for Asks {
    fn drop(&mut self) {
        let make = || Homely(std::thread::current().id(), Arc::clone(&self.0));
        with_local(2, make, |_| ());
    }
}

#[test]
fn what_a_result_makes_as_it_is_dropped_is_dropped_where_it_was_made() {
    let here = enter();
    let dropped = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&dropped);
    let detached = local(move || {
        yield_now();
        Asks(theirs)
    });
    let kept = detached.thread();
    drop(detached);
    while here.0.run_ready(1) {}
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    std::thread::spawn(move || drop(kept)).join().unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

/// Makes another of its kind when it is dropped.
struct Endless(std::thread::ThreadId, Rc<Cell<usize>>);

impl Endless {
    fn ask(dropped: &Rc<Cell<usize>>) {
        with_local(3, || Self(std::thread::current().id(), Rc::clone(dropped)), |_| ());
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        assert_eq!(std::thread::current().id(), self.0);
        self.1.set(self.1.get() + 1);
        Self::ask(&self.1);
    }
}

#[test]
fn values_that_make_themselves_anew_are_leaked_in_the_end() {
    let here = enter();
    let dropped = Rc::new(Cell::new(0));
    let (theirs, last) = (Rc::clone(&dropped), Rc::clone(&dropped));
    struct Late(Rc<Cell<usize>>);
    impl Drop for Late {
        fn drop(&mut self) {
            Endless::ask(&self.0);
        }
    }
    let detached = local(move || {
        Endless::ask(&theirs);
        Late(last)
    });
    let kept = detached.thread();
    drop(detached);
    while here.0.run_ready(1) {}
    assert_eq!(dropped.get(), 4);
    // Else this would drop them, elsewhere.
    std::thread::spawn(move || drop(kept)).join().unwrap();
    // A procedure's are not the next one's.
    let mine = Rc::clone(&dropped);
    let asks = move || Endless::ask(&mine);
    assert!(here.0.run_procedure(Class::E_STACK, asks).unwrap_or_else(|_| unreachable!()));
    assert_eq!(dropped.get(), 8);
    let finds = || with_local(3, || (), |()| ());
    assert!(here.0.run_procedure(Class::E_STACK, finds).unwrap_or_else(|_| unreachable!()));
}

#[test]
fn a_kernel_threads_values_are_leaked_when_it_ends_rather_than_made_without_end() {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        struct Told(Rc<Cell<usize>>, std::sync::mpsc::Sender<usize>);
        impl Drop for Told {
            fn drop(&mut self) {
                Endless::ask(&self.0);
                self.1.send(self.0.get()).unwrap();
            }
        }
        let dropped = Rc::new(Cell::new(0));
        with_local(4, || Told(Rc::clone(&dropped), send), |_| ());
    })
    .join()
    .unwrap();
    assert_eq!(receive.recv().unwrap(), 0);
}

/// A loop that has something else to look at, and is woken by it.
struct Bell {
    word: AtomicU32,
    rung: AtomicUsize,
}

struct Rings<'a>(&'a Bell, u32);

impl Work for Rings<'_> {
    fn look(&mut self) -> bool {
        let now = self.0.word.load(Ordering::Acquire);
        if now == self.1 {
            return false;
        }
        self.1 = now;
        self.0.rung.fetch_add(1, Ordering::Release);
        true
    }

    fn prepare_sleep<'a>(&'a mut self, words: &mut Words<'a>) -> bool {
        words.push(Sleep { word: &self.0.word, value: self.1, shared: false });
        true
    }

    fn is_over(&self) -> bool {
        self.1 == 3
    }
}

#[test]
fn the_loop_sleeps_and_is_woken_by_threads_and_by_its_work() {
    let bell = Bell { word: AtomicU32::new(0), rung: AtomicUsize::new(0) };
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let bell = &bell;
        scope.spawn(move || {
            let here = enter();
            let waits = local(|| park_current(Some(late())));
            send.send(waits.thread()).unwrap();
            here.0.run_loop(&mut Rings(bell, 0));
            assert_eq!(join(waits), Ok(()));
        });
        let thread = receive.recv().unwrap();
        for number in 1..=3 {
            std::thread::sleep(Duration::from_millis(2));
            if number == 2 {
                thread.unpark();
            }
            bell.word.store(number, Ordering::SeqCst);
            futex::wake_private(&bell.word);
            while number < 3 && bell.rung.load(Ordering::Acquire) < usize::try_from(number).unwrap() {
                std::thread::yield_now();
            }
        }
    });
}
