//! A processor's loop: what else it looks at, and how it sleeps.

use core::ptr;
use core::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::waits::{POLL_STEP, POLL_STEP_MAX, Turn};
use super::{Processor, TURN_COUNT, now};
use crate::sys::futex::{self, MANY_WORD_COUNT_MAX, Sleep, WORD_COUNT_MAX};
use crate::transfer::clock;

/// Words of polled waits that one sleep can have beside others.
pub const POLLED_WORD_COUNT: usize = 48;

/// What else a processor's loop looks at.
pub trait Work {
    /// Does what there is to do, without waiting. Says whether there was anything.
    fn look(&mut self) -> bool;

    /// About to sleep: announces it, and adds the words that end the sleep, at most 6, after a last look. `false`: there is
    /// something to do after all.
    fn prepare_sleep<'a>(&'a mut self, words: &mut Words<'a>) -> bool;

    /// The sleep is over, or did not begin.
    fn woke(&mut self) {}

    /// Whether the loop is to end.
    fn is_over(&self) -> bool {
        false
    }
}

/// Nothing but threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWork;

impl Work for NoWork {
    fn look(&mut self) -> bool {
        false
    }

    fn prepare_sleep<'a>(&'a mut self, _: &mut Words<'a>) -> bool {
        true
    }
}

/// Words to sleep on, as many as a sleep can have.
#[derive(Debug)]
pub struct Words<'a> {
    few: [Sleep<'a>; WORD_COUNT_MAX],
    /// All of them, once they are more than that.
    many: Vec<Sleep<'a>>,
    count: usize,
    complete: bool,
}

impl<'a> Words<'a> {
    pub(super) fn new(own: Sleep<'a>) -> Self {
        Self { few: [own; WORD_COUNT_MAX], many: Vec::new(), count: 1, complete: true }
    }

    /// Adds a word, unless it is there already. One too many makes the sleep a short one.
    pub fn push(&mut self, word: Sleep<'a>) {
        self.push_below(MANY_WORD_COUNT_MAX, word);
    }

    /// As [`Self::push`], unless there would be more than `most`.
    fn push_below(&mut self, most: usize, word: Sleep<'a>) {
        let same = |other: &Sleep<'_>| ptr::eq(other.word, word.word) && other.value == word.value;
        if self.as_slice().iter().any(same) {
            return;
        }
        if self.count >= most {
            self.complete = false;
            return;
        }
        match self.few.get_mut(self.count) {
            Some(place) => *place = word,
            None => self.push_many(word),
        }
        self.count += 1;
    }

    #[cold]
    fn push_many(&mut self, word: Sleep<'a>) {
        if self.many.is_empty() {
            self.many.reserve_exact(MANY_WORD_COUNT_MAX);
            self.many.extend_from_slice(&self.few);
        }
        self.many.push(word);
    }

    /// All of them; the first is the processor's own.
    #[must_use]
    pub fn as_slice(&self) -> &[Sleep<'a>] {
        if self.many.is_empty() { self.few.get(..self.count).unwrap_or_default() } else { &self.many }
    }
}

impl Processor {
    /// Sleeps until something is left for it, one of `words` changes, a polled wait's word does, the next timer is due or
    /// `deadline` comes; not at all if something is ready. It returns for no reason, too.
    pub fn sleep(&self, words: &[Sleep<'_>], deadline: Option<Instant>) {
        if let Some(mut all) = self.prepare_sleep() {
            words.iter().for_each(|&word| all.push(word));
            let _ = self.sleep_on(&all, deadline);
        }
        self.woke();
    }

    /// Says that the processor sleeps next; `None`: there is something to do. Otherwise the words that end its sleep, to
    /// which others may be added. [`Self::woke`] follows in either case.
    #[must_use]
    pub fn prepare_sleep(&self) -> Option<Words<'_>> {
        if !self.ready.is_empty() {
            return None;
        }
        let mut words = Words::new(self.post().fall_asleep()?);
        for entry in self.polled.borrow().iter() {
            let polled = entry.polled();
            // Beside the processor's own.
            polled.on().read().for_each(|word| words.push_below(1 + POLLED_WORD_COUNT, word));
            words.complete &= !polled.on().words.is_empty();
            if !words.complete {
                break;
            }
        }
        // After the words were read: what changes one of them later ends the sleep, what did before is seen.
        if self.look_at_polled(Turn::BeforeSleep) {
            return None;
        }
        Some(words)
    }

    /// Sleeps on `words`, which [`Self::prepare_sleep`] gave, until one of them changes, the next timer is due, or
    /// `deadline` comes. Returns what [`futex::sleep`] does.
    pub fn sleep_on(&self, words: &Words<'_>, deadline: Option<Instant>) -> Option<usize> {
        let due = [deadline, self.next_timer()].into_iter().flatten().min();
        let left = due.map(|due| due.saturating_duration_since(now()));
        let step = (!words.complete).then(|| self.next_step());
        let timeout = [left, step].into_iter().flatten().min();
        if timeout == Some(Duration::ZERO) {
            return None;
        }
        let sleeps = &self.watched().sleeps;
        sleeps.store(sleeps.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        futex::sleep(words.as_slice(), timeout)
    }

    /// How long a sleep may last that not everything ends: the longer, the more of them found nothing.
    fn next_step(&self) -> Duration {
        let switches = self.watched().switches.load(Ordering::Relaxed);
        let (seen, last) = self.step.get();
        let step = if seen == switches { (last * 2).clamp(POLL_STEP, POLL_STEP_MAX) } else { POLL_STEP };
        self.step.set((switches, step));
        step
    }

    /// The sleep is over.
    pub fn woke(&self) {
        self.post().awake();
    }

    /// The processor's loop, until `work` says that it is over: ready threads, `work`, timers and polled waits; beyond the
    /// budget, which is what a wake-up costs, it sleeps.
    pub fn run_loop(&self, work: &mut dyn Work) {
        let mut idle = 0;
        while !work.is_over() {
            let mut busy = self.run_ready(TURN_COUNT);
            busy |= work.look();
            busy |= self.poll();
            if busy {
                idle = 0;
                continue;
            }
            idle += 1;
            if idle <= clock::wake_turns() && self.given.get() == 0 {
                core::hint::spin_loop();
                continue;
            }
            idle = 0;
            if let Some(mut words) = self.prepare_sleep()
                && work.prepare_sleep(&mut words)
            {
                let _ = self.sleep_on(&words, None);
                if !words.complete {
                    // One look, and the next step: what a wake-up costs has been spent before the first.
                    idle = clock::wake_turns();
                }
            }
            self.woke();
            work.woke();
        }
    }
}
