//! User-level threads: mail for a processor that goes to sleep, waits that end in two ways, work that is stolen.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use loom::thread;

use crate::futex::Futex;
use crate::{ALL, LOST, Slip, explore};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// A processor's post: what was left, and the word on which it sleeps.
#[derive(Default)]
struct Post {
    left: AtomicU32,
    sleep: AtomicU32,
    led: AtomicBool,
    futex: Futex,
}

impl Post {
    fn kick(&self, slip: Slip) {
        if slip != Slip::NoFenceInKick {
            fence(Ordering::SeqCst);
        }
        if self.sleep.load(Ordering::Relaxed) == ASLEEP && self.sleep.swap(AWAKE, Ordering::Relaxed) == ASLEEP {
            self.futex.wake();
        }
    }
}

/// `Post::deliver` and `leave` against `fall_asleep`.
fn mail(slip: Slip) {
    explore(ALL, move || {
        let post = Arc::new(Post::default());
        let leaver = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                post.left.store(1, Ordering::Release);
                post.kick(slip);
            })
        };
        post.sleep.store(ASLEEP, Ordering::Relaxed);
        if slip != Slip::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let sleeps = post.left.load(Ordering::Relaxed) == 0 && post.futex.sleeps(&[(&post.sleep, ASLEEP)]);
        leaver.join().unwrap();
        assert!(!sleeps || post.futex.was_woken(), "{LOST}");
    });
}

#[test]
fn a_processor_that_goes_to_sleep_gets_what_is_left_for_it() {
    mail(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_processor_that_does_not_fence_misses_what_is_left() {
    mail(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn who_does_not_fence_after_leaving_something_misses_the_sleeper() {
    mail(Slip::NoFenceInKick);
}

/// `call_thief` against `let_go`: the last worker that is awake gives up the lead and sleeps.
fn lead(slip: Slip) {
    explore(ALL, move || {
        let post = Arc::new(Post::default());
        post.led.store(true, Ordering::Relaxed);
        let spawner = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                post.left.store(2, Ordering::Relaxed);
                if slip != Slip::NoFenceInKick {
                    fence(Ordering::SeqCst);
                }
                if !post.led.load(Ordering::Acquire) && post.sleep.load(Ordering::Relaxed) == ASLEEP {
                    post.kick(Slip::None);
                }
            })
        };
        post.sleep.store(ASLEEP, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        post.led.store(false, Ordering::Release);
        if slip != Slip::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let sleeps = post.left.load(Ordering::Relaxed) == 0 && post.futex.sleeps(&[(&post.sleep, ASLEEP)]);
        spawner.join().unwrap();
        assert!(!sleeps || post.futex.was_woken(), "{LOST}");
    });
}

#[test]
fn a_leader_that_goes_to_sleep_sees_what_can_be_stolen_or_is_woken() {
    lead(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_leader_that_does_not_fence_misses_what_can_be_stolen() {
    lead(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_spawner_that_does_not_fence_believes_in_a_leader_that_is_none() {
    lead(Slip::NoFenceInKick);
}

/// `stop_leading` against `fall_asleep` of a worker that does not lead: the leader has found something to do, and something is
/// left for others.
fn follow(slip: Slip) {
    explore(ALL, move || {
        let post = Arc::new(Post::default());
        post.led.store(true, Ordering::Relaxed);
        post.left.store(2, Ordering::Relaxed);
        let leader = {
            let post = Arc::clone(&post);
            thread::spawn(move || {
                post.led.store(false, Ordering::Release);
                if slip != Slip::NoFenceInKick {
                    fence(Ordering::SeqCst);
                }
                if post.sleep.load(Ordering::Relaxed) == ASLEEP {
                    post.kick(Slip::None);
                }
            })
        };
        post.sleep.store(ASLEEP, Ordering::Relaxed);
        if slip != Slip::NoFenceBeforeSleep {
            fence(Ordering::SeqCst);
        }
        let looks = slip != Slip::FollowsBlindly;
        let stays = looks && !post.led.load(Ordering::Acquire) && post.left.load(Ordering::Relaxed) != 0;
        let sleeps = !stays && post.futex.sleeps(&[(&post.sleep, ASLEEP)]);
        leader.join().unwrap();
        assert!(!sleeps || post.futex.was_woken(), "{LOST}");
    });
}

#[test]
fn a_follower_that_goes_to_sleep_sees_that_nobody_leads_or_is_woken() {
    follow(Slip::None);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_follower_that_does_not_look_misses_that_the_leader_let_go() {
    follow(Slip::FollowsBlindly);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_follower_that_does_not_fence_believes_in_a_leader_that_is_none() {
    follow(Slip::NoFenceBeforeSleep);
}

#[test]
#[should_panic(expected = "nobody will wake it")]
fn a_leader_that_does_not_fence_misses_the_follower() {
    follow(Slip::NoFenceInKick);
}

const NOTHING: u32 = 0;
const TOKEN: u32 = 1;
const WAITER: u32 = 2;

const PARKED: u32 = 0;
const WOKEN: u32 = 1;
const TIMED_OUT: u32 = 2;

/// A slot, and the waiter on the stack of who waits: memory that is gone once it goes on.
struct Wait {
    slot: AtomicU32,
    state: AtomicU32,
    stack: UnsafeCell<u32>,
    delivered: AtomicU32,
}

impl Wait {
    /// `Slot::set`, and `Waiter::wake` from another kernel thread.
    fn set(&self) {
        let mut now = self.slot.load(Ordering::Relaxed);
        loop {
            let next = if now == WAITER { NOTHING } else { TOKEN };
            match self.slot.compare_exchange(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(WAITER) => {
                    // SAFETY: loom fails the model if the waiter's end is not ordered with this.
                    self.stack.with(|stack| unsafe { *stack });
                    if self.state.swap(WOKEN, Ordering::AcqRel) == PARKED {
                        self.delivered.fetch_add(1, Ordering::Release);
                    }
                    return;
                }
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// `Slot::wait` with a deadline that comes; `true`: it had the token.
    fn wait(&self, slip: Slip) -> bool {
        if self.slot.compare_exchange(NOTHING, WAITER, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.slot.swap(NOTHING, Ordering::Acquire);
            return true;
        }
        // The timer comes at any time.
        if self.state.compare_exchange(PARKED, TIMED_OUT, Ordering::Relaxed, Ordering::Acquire).is_err() {
            return true;
        }
        if self.slot.compare_exchange(WAITER, NOTHING, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return false;
        }
        if slip == Slip::LeavesEarly {
            return true;
        }
        // `wait_surely`: suspended again, unless it is woken by now.
        if self.state.compare_exchange(TIMED_OUT, PARKED, Ordering::Relaxed, Ordering::Acquire).is_ok() {
            while self.delivered.load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
        }
        true
    }
}

fn park(slip: Slip) {
    explore(ALL, move || {
        let wait = Arc::new(Wait {
            slot: AtomicU32::new(NOTHING),
            state: AtomicU32::new(PARKED),
            stack: UnsafeCell::new(0),
            delivered: AtomicU32::new(0),
        });
        let waker = {
            let wait = Arc::clone(&wait);
            thread::spawn(move || wait.set())
        };
        let woken = wait.wait(slip);
        // SAFETY: the frame is gone, and others' use of it comes before; else loom fails the model.
        wait.stack.with_mut(|stack| unsafe { *stack = 1 });
        waker.join().unwrap();
        let left = wait.slot.load(Ordering::Relaxed);
        assert_eq!(left, if woken { NOTHING } else { TOKEN }, "a token is lost, or there are two");
        assert!(wait.delivered.load(Ordering::Relaxed) <= 1, "made ready twice");
    });
}

#[test]
fn an_unpark_and_a_deadline_end_a_wait_once() {
    park(Slip::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn who_gives_up_must_wait_for_whoever_has_its_waiter() {
    park(Slip::LeavesEarly);
}

/// `Biased`: the owner's half by a light barrier, the others' by a heavy one; both stand here as fences.
fn biased(slip: Slip) {
    explore(ALL, move || {
        let lock = Arc::new((AtomicBool::new(false), AtomicBool::new(false), UnsafeCell::new(0_u32)));
        let release = if slip == Slip::UnlockedRelaxed { Ordering::Relaxed } else { Ordering::Release };
        let thief = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                let (inside, wanted, value) = &*lock;
                wanted.store(true, Ordering::Relaxed);
                if slip != Slip::NoHeavyBarrier {
                    fence(Ordering::SeqCst);
                }
                while inside.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                // SAFETY: the lock is held; loom fails the model if it is not.
                value.with_mut(|value| unsafe { *value += 1 });
                wanted.store(false, release);
            })
        };
        {
            let (inside, wanted, value) = &*lock;
            loop {
                inside.store(true, Ordering::Relaxed);
                if slip != Slip::NoLightBarrier {
                    fence(Ordering::SeqCst);
                }
                if !wanted.load(Ordering::Acquire) {
                    break;
                }
                inside.store(false, Ordering::Release);
                while wanted.load(Ordering::Acquire) {
                    thread::yield_now();
                }
            }
            // SAFETY: the lock is held; loom fails the model if it is not.
            value.with_mut(|value| unsafe { *value += 1 });
            inside.store(false, release);
        }
        thief.join().unwrap();
        // SAFETY: the other thread is over.
        assert_eq!(lock.2.with(|value| unsafe { *value }), 2);
    });
}

#[test]
fn what_has_not_started_is_taken_by_its_processor_or_by_a_thief() {
    biased(Slip::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_owner_without_a_light_barrier_meets_the_thief() {
    biased(Slip::NoLightBarrier);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_thief_without_a_heavy_barrier_meets_the_owner() {
    biased(Slip::NoHeavyBarrier);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn a_biased_lock_that_is_released_relaxed_hands_on_nothing() {
    biased(Slip::UnlockedRelaxed);
}

/// `Thread::cancel` against `Record::settle`; the watchdog's arming is the same with other words.
fn cancel(slip: Slip) {
    explore(ALL, move || {
        let words = Arc::new((AtomicBool::new(false), AtomicBool::new(false)));
        let canceller = {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                words.0.store(true, Ordering::Relaxed);
                if slip != Slip::NoHeavyBarrier {
                    fence(Ordering::SeqCst);
                }
                words.1.load(Ordering::Relaxed)
            })
        };
        words.1.store(true, Ordering::Relaxed);
        if slip != Slip::NoLightBarrier {
            fence(Ordering::SeqCst);
        }
        let seen = words.0.load(Ordering::Relaxed);
        let told = canceller.join().unwrap();
        assert!(seen || told, "cancelled, and nobody knows");
    });
}

#[test]
fn a_thread_that_starts_is_told_or_sees_that_it_is_cancelled() {
    cancel(Slip::None);
}

#[test]
#[should_panic(expected = "nobody knows")]
fn a_thread_that_starts_without_a_light_barrier_misses_it() {
    cancel(Slip::NoLightBarrier);
}

#[test]
#[should_panic(expected = "nobody knows")]
fn who_cancels_without_a_heavy_barrier_misses_that_it_starts() {
    cancel(Slip::NoHeavyBarrier);
}

/// `Slot::wait_for_end` against `Slot::finish`: a handle that comes from processor 1 waits on processor 2. Whoever takes the
/// plain way must be on the processor of the waiter that it saw.
fn home(slip: Slip) {
    explore(ALL, move || {
        let words = Arc::new((AtomicU32::new(NOTHING), AtomicU32::new(1)));
        let waiter = {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                words.1.store(2, Ordering::Relaxed);
                let _ = words.0.compare_exchange(NOTHING, WAITER, Ordering::AcqRel, Ordering::Acquire);
            })
        };
        let order = if slip == Slip::NotAcquired { Ordering::Relaxed } else { Ordering::Acquire };
        if words.0.load(order) == WAITER {
            assert_eq!(words.1.load(Ordering::Relaxed), 2, "another one's processor");
        }
        waiter.join().unwrap();
    });
}

#[test]
fn who_waits_for_the_end_shows_its_processor_with_its_waiter() {
    home(Slip::None);
}

#[test]
#[should_panic(expected = "another one's processor")]
fn a_waiter_that_is_not_acquired_has_another_ones_processor() {
    home(Slip::NotAcquired);
}
