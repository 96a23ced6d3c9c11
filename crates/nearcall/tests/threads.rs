//! Threads and what they wait for, as programs use them.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nearcall::sync::{Condvar, LockError, Mutex, Semaphore};
use nearcall::thread::{self, Builder, Cancelled, JoinError, Local, SpawnError, WaitError};

/// Longer than a test takes.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(20)
}

#[test]
fn anybody_spawns_and_joins() {
    assert_eq!(thread::spawn(|| 1).join().unwrap(), 1);
    let sum = thread::spawn(|| (0..1000).map(|n| thread::spawn(move || n).join().unwrap()).sum::<u32>());
    assert_eq!(sum.join().unwrap(), 499_500);
    let all: Vec<_> = (0..1000).map(|n| thread::spawn(move || n)).collect();
    assert_eq!(all.into_iter().map(|handle| handle.join().unwrap()).sum::<u32>(), 499_500);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|n| assert_eq!(thread::spawn(move || n).join().unwrap(), n)));
        }
    });
}

#[test]
fn a_started_thread_never_changes_its_kernel_thread() {
    let many = || {
        let all: Vec<_> = (0..200)
            .map(|_| {
                thread::spawn(|| {
                    let before = std::thread::current().id();
                    for _ in 0..20 {
                        thread::yield_now();
                        assert_eq!(std::thread::current().id(), before);
                    }
                    before
                })
            })
            .collect();
        all.into_iter().for_each(|handle| assert!(handle.join().is_ok()));
    };
    (0..20).for_each(|_| thread::spawn(many).join().unwrap());
}

#[test]
fn what_waits_behind_one_that_computes_is_stolen() {
    if std::thread::available_parallelism().unwrap().get() == 1 {
        return;
    }
    // One that is spawned alone, too.
    for count in [1, 8] {
        let computes = thread::spawn(move || {
            let started = Arc::new(AtomicUsize::new(0));
            let all: Vec<_> = (0..count)
                .map(|_| {
                    let started = Arc::clone(&started);
                    thread::spawn(move || started.fetch_add(1, Ordering::SeqCst))
                })
                .collect();
            let end = late();
            while started.load(Ordering::SeqCst) < count {
                assert!(Instant::now() < end, "nobody came for them");
                std::hint::spin_loop();
            }
            all.into_iter().for_each(|handle| assert!(handle.join().is_ok()));
        });
        computes.join().unwrap();
    }
}

#[test]
fn a_panic_goes_to_join() {
    let handle = thread::spawn(|| -> u32 { resume_unwind(Box::new(7_u8)) });
    match handle.join() {
        Err(JoinError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&7_u8)),
        other => panic!("{other:?}"),
    }
    let why = |payload: Box<dyn std::any::Any + Send>| {
        thread::spawn(move || -> u32 { resume_unwind(payload) }).join().unwrap_err().to_string()
    };
    assert_eq!(why(Box::new("on purpose")), "the thread panicked: on purpose");
    assert_eq!(why(Box::new(String::from("too"))), "the thread panicked: too");
    assert_eq!(why(Box::new(7_u8)), "the thread panicked");
}

#[test]
fn a_thread_that_waits_for_itself_panics() {
    let (send, receive) = std::sync::mpsc::channel::<thread::JoinHandle<()>>();
    let (say, hear) = std::sync::mpsc::channel();
    let itself = thread::spawn(move || {
        let own = receive.recv().unwrap();
        let joined = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| own.join()));
        say.send(joined.is_err()).unwrap();
    });
    send.send(itself).unwrap();
    assert!(hear.recv().unwrap());
}

#[test]
fn one_error_becomes_another() {
    fn takes(semaphore: &Semaphore) -> Result<(), WaitError> {
        semaphore.acquire()?.forget();
        thread::sleep(Duration::from_millis(1))?;
        semaphore.acquire_until(soon())?.forget();
        Ok(())
    }
    assert_eq!(takes(&Semaphore::new(1)), Err(WaitError::TimedOut));
    let none = Semaphore::new(0);
    assert!(none.try_acquire().is_none() && none.available() == 0);
    let none = Arc::new(Semaphore::new(0));
    let theirs = Arc::clone(&none);
    let waits = thread::spawn(move || takes(&theirs));
    waits.cancel();
    assert_eq!(waits.join().unwrap(), Err(WaitError::Cancelled));
    let waits = thread::spawn(move || -> Result<(), Cancelled> {
        none.acquire()?.forget();
        thread::park()
    });
    waits.cancel();
    assert_eq!(waits.join().unwrap(), Err(Cancelled));
}

#[test]
fn a_builder_says_what_it_cannot() {
    let named = Builder::new().name("one").stack_size(1 << 20);
    let handle = named.spawn(|| thread::current().name().map(String::from)).unwrap();
    assert_eq!(handle.thread().name(), Some("one"));
    assert_eq!(handle.join().unwrap().as_deref(), Some("one"));
    let large = Builder::new().stack_size((64 << 20) + 1).spawn(|| ());
    assert!(matches!(large, Err(SpawnError::StackTooLarge(_))));
    assert!(matches!(Builder::new().spawn_local(|| ()), Err(SpawnError::NotHere)));
}

#[test]
fn a_deep_stack_is_as_large_as_it_was_asked_for() {
    fn deep(left: usize) -> usize {
        let page = std::hint::black_box([1_u8; 4096]);
        if left == 0 { 0 } else { deep(left - 1) + usize::from(page[left % 4096]) }
    }
    let handle = Builder::new().stack_size(16 << 20).spawn(|| deep(1000)).unwrap();
    assert_eq!(handle.join().unwrap(), 1000);
}

#[test]
fn what_is_local_need_not_be_send() {
    let sum = thread::spawn(|| {
        let shared = std::rc::Rc::new(std::cell::Cell::new(0));
        let all: Vec<_> = (1..=10)
            .map(|n| {
                let shared = std::rc::Rc::clone(&shared);
                thread::spawn_local(move || {
                    thread::yield_now();
                    shared.set(shared.get() + n);
                })
            })
            .collect();
        all.into_iter().for_each(|handle| handle.join().unwrap());
        shared.get()
    });
    assert_eq!(sum.join().unwrap(), 55);
}

#[test]
fn a_scope_waits_for_what_borrows() {
    let mut values = vec![0; 100];
    let total = AtomicUsize::new(0);
    for _ in 0..20 {
        thread::scope(|scope| {
            for (n, value) in values.iter_mut().enumerate() {
                let total = &total;
                scope.spawn(move || {
                    thread::yield_now();
                    *value += n;
                    total.fetch_add(n, Ordering::Relaxed);
                });
            }
        });
    }
    assert_eq!(total.into_inner(), 20 * 4950);
    assert_eq!(values.iter().sum::<usize>(), 20 * 4950);
    // Threads of a scope spawn others in it.
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                scope.spawn(|| {
                    thread::yield_now();
                    count.fetch_add(1, Ordering::Relaxed)
                });
            });
        }
        let named = Builder::new().name("named").spawn_scoped(scope, || thread::current().name().map(String::from));
        assert_eq!(named.unwrap().join().unwrap().as_deref(), Some("named"));
    });
    assert_eq!(count.into_inner(), 10);
    let joined = thread::scope(|scope| scope.spawn(|| values.len()).join().unwrap());
    assert_eq!(joined, 100);
}

#[test]
fn a_scope_passes_on_what_nobody_joined() {
    let caught = std::panic::catch_unwind(|| {
        thread::scope(|scope| {
            scope.spawn(|| resume_unwind(Box::new(())));
        });
    });
    assert!(caught.is_err());
    // One that was joined is known already.
    thread::scope(|scope| {
        let handle = scope.spawn(|| resume_unwind(Box::new(())));
        assert!(matches!(handle.join(), Err(JoinError::Panicked(_))));
    });
}

#[test]
fn cancelling_ends_waits_with_errors() {
    let sleeps = thread::spawn(|| (thread::sleep(Duration::from_secs(60)), thread::park()));
    thread::sleep(Duration::from_millis(5)).unwrap();
    sleeps.cancel();
    assert_eq!(sleeps.join().unwrap(), (Err(Cancelled), Err(Cancelled)));
    let mutex = Arc::new(Mutex::new(()));
    let held = mutex.lock().unwrap();
    let theirs = Arc::clone(&mutex);
    let locks = thread::spawn(move || theirs.lock().map(drop));
    thread::sleep(Duration::from_millis(5)).unwrap();
    locks.cancel();
    assert_eq!(locks.join().unwrap(), Err(LockError::Cancelled));
    drop(held);
    // A join as well; the other thread goes on.
    let (send, receive) = std::sync::mpsc::channel();
    let joins = thread::spawn(move || {
        let ended = send.clone();
        let inner = thread::spawn(move || {
            assert_eq!(thread::park_until(late()), Ok(()));
            ended.send(None).unwrap();
        });
        send.send(Some(inner.thread())).unwrap();
        inner.join()
    });
    let inner = receive.recv().unwrap().unwrap();
    joins.cancel();
    assert!(matches!(joins.join().unwrap(), Err(JoinError::Cancelled)));
    inner.unpark();
    assert_eq!(receive.recv().unwrap(), None);
}

#[test]
fn a_wait_for_the_end_has_a_deadline() {
    let mut handle = thread::spawn(|| thread::park_until(late()));
    assert_eq!(handle.wait_until(soon()), Err(WaitError::TimedOut));
    assert!(!handle.is_finished());
    handle.thread().unpark();
    handle.wait_until(late()).unwrap();
    assert!(handle.is_finished());
    assert_eq!(handle.join().unwrap(), Ok(()));
}

#[test]
fn a_mutex_excludes_threads_and_kernel_threads() {
    const EACH: usize = 20_000;
    let mutex = Mutex::new(0);
    let add = || {
        for n in 0..EACH {
            let mut value = mutex.lock().unwrap();
            let before = *value;
            if n % 512 == 0 {
                thread::yield_now();
            }
            *value = before + 1;
        }
    };
    std::thread::scope(|kernel| {
        kernel.spawn(add);
        kernel.spawn(add);
        thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(add))));
    });
    assert_eq!(mutex.into_inner(), 8 * EACH);
}

#[test]
fn a_mutex_times_out_and_loses_nobody() {
    let mutex = Mutex::new(0);
    assert!(matches!(mutex.lock().and_then(|_held| mutex.lock_until(soon()).map(drop)), Err(LockError::TimedOut)));
    assert!(matches!(mutex.try_lock().and_then(|_held| mutex.try_lock().map(drop)), Err(LockError::WouldBlock)));
    // Some give up while others wait: whoever stays gets it.
    let end = Instant::now() + Duration::from_millis(300);
    thread::scope(|scope| {
        for n in 0..8 {
            let mutex = &mutex;
            scope.spawn(move || {
                while Instant::now() < end {
                    let deadline = Instant::now() + Duration::from_micros(20 * n);
                    match if n % 2 == 0 { mutex.lock() } else { mutex.lock_until(deadline) } {
                        Ok(mut value) => {
                            *value += 1;
                            thread::yield_now();
                        }
                        Err(error) => assert_eq!(error, LockError::TimedOut),
                    }
                }
            });
        }
    });
    assert!(*mutex.lock_until(late()).unwrap() > 0);
}

#[test]
fn a_panic_poisons_and_can_be_forgiven() {
    let mutex = Arc::new(Mutex::new(1));
    let theirs = Arc::clone(&mutex);
    let bad = thread::spawn(move || {
        let _held = theirs.lock().unwrap();
        resume_unwind(Box::new(()));
    });
    assert!(bad.join().is_err());
    assert_eq!(mutex.lock().map(drop), Err(LockError::Poisoned));
    assert!(mutex.is_poisoned());
    mutex.clear_poison();
    assert_eq!(*mutex.lock().unwrap(), 1);
}

#[test]
fn a_condition_is_waited_for() {
    let queue = Mutex::new(Vec::new());
    let (filled, taken) = (Condvar::new(), Condvar::new());
    let total = thread::scope(|scope| {
        let takes = scope.spawn(|| {
            let mut sum = 0;
            for _ in 0..10_000 {
                let mut queue = filled.wait_while(queue.lock().unwrap(), |queue| queue.is_empty()).unwrap();
                sum += queue.pop().unwrap();
                taken.notify_one();
            }
            sum
        });
        for n in 0..10_000 {
            let mut queue = taken.wait_while(queue.lock().unwrap(), |queue: &mut Vec<u64>| queue.len() > 3).unwrap();
            queue.push(n);
            filled.notify_all();
        }
        takes.join().unwrap()
    });
    assert_eq!(total, 49_995_000);
    let (guard, late) = filled.wait_until(queue.lock().unwrap(), soon()).unwrap();
    assert!(late && guard.is_empty());
}

#[test]
fn no_more_than_the_permits_at_once() {
    let semaphore = Semaphore::new(3);
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for n in 0..20 {
            let (semaphore, now, most) = (&semaphore, &now, &most);
            scope.spawn(move || {
                for _ in 0..200 {
                    let permit = match n % 3 {
                        0 => semaphore.acquire_until(Instant::now() + Duration::from_micros(50)).ok(),
                        _ => Some(semaphore.acquire().unwrap()),
                    };
                    if permit.is_none() {
                        continue;
                    }
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert!(most.into_inner() <= 3);
    assert_eq!(semaphore.available(), 3);
    let permit = semaphore.try_acquire().unwrap();
    assert_eq!(semaphore.available(), 2);
    permit.forget();
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn values_are_each_threads_own() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Counted(std::cell::Cell<usize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    static OWN: Local<Counted> = Local::new(|| Counted(std::cell::Cell::new(0)));
    thread::scope(|scope| {
        for n in 1..=50 {
            scope.spawn(move || {
                OWN.with(|own| own.0.set(n));
                thread::yield_now();
                OWN.with(|own| assert_eq!(own.0.get(), n));
            });
        }
    });
    assert_eq!(DROPPED.load(Ordering::SeqCst), 50);
}

#[test]
fn nothing_suspends_while_it_panics() {
    struct Waits(Arc<AtomicBool>);
    impl Drop for Waits {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            // Others on this kernel thread do not run meanwhile: one that panics, too, would abort.
            self.0.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(10)).unwrap();
            self.0.store(false, Ordering::SeqCst);
        }
    }
    let together = thread::spawn(|| {
        let inside = Arc::new(AtomicBool::new(false));
        let (theirs, seen) = (Arc::clone(&inside), Arc::clone(&inside));
        let panics = thread::spawn_local(move || {
            let _waits = Waits(theirs);
            resume_unwind(Box::new(()));
        });
        let looks = thread::spawn_local(move || assert!(!seen.load(Ordering::SeqCst)));
        assert!(panics.join().is_err());
        looks.join().unwrap();
    });
    together.join().unwrap();
}

#[test]
fn sleepers_wake_in_time_and_in_order() {
    let order = Mutex::new(Vec::new());
    let start = Instant::now();
    thread::scope(|scope| {
        for ms in [40, 10, 30, 20] {
            let order = &order;
            scope.spawn(move || {
                let deadline = start + Duration::from_millis(ms);
                thread::sleep_until(deadline).unwrap();
                assert!(Instant::now() >= deadline);
                order.lock().unwrap().push(ms);
            });
        }
    });
    assert_eq!(order.into_inner().len(), 4);
}
