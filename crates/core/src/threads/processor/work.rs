//! A processor's loop: what else it looks at, and how it sleeps.

use core::ptr;
use std::time::{Duration, Instant};

use super::waits::{POLL_STEP, Turn};
use super::{Processor, TURN_COUNT, now};
use crate::sys::futex::{self, Sleep, WORD_COUNT_MAX};
use crate::transfer::clock;

/// Words of polled waits that one sleep can have beside others.
pub const POLLED_WORD_COUNT: usize = 8;

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
    words: [Sleep<'a>; WORD_COUNT_MAX],
    count: usize,
    complete: bool,
}

impl<'a> Words<'a> {
    fn new(own: Sleep<'a>) -> Self {
        Self { words: [own; WORD_COUNT_MAX], count: 1, complete: true }
    }

    /// Adds a word, unless it is there already. One too many makes the sleep a short one.
    pub fn push(&mut self, word: Sleep<'a>) {
        let same = |other: &Sleep<'_>| ptr::eq(other.word, word.word) && other.value == word.value;
        if self.words.get(..self.count).unwrap_or_default().iter().any(same) {
            return;
        }
        match self.words.get_mut(self.count) {
            Some(place) => {
                *place = word;
                self.count += 1;
            }
            None => self.complete = false,
        }
    }

    /// All of them; the first is the processor's own.
    #[must_use]
    pub fn as_slice(&self) -> &[Sleep<'a>] {
        self.words.get(..self.count).unwrap_or_default()
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
        if self.look_at_polled(Turn::BeforeSleep) {
            return None;
        }
        for (index, &polled) in self.polled.borrow().iter().enumerate() {
            // SAFETY: what is in the list waits, and takes itself out before it goes.
            let polled = unsafe { &*polled };
            match polled.word {
                Some(word) if index < POLLED_WORD_COUNT => words.push(word),
                _ => words.complete = false,
            }
        }
        Some(words)
    }

    /// Sleeps on `words`, which [`Self::prepare_sleep`] gave, until one of them changes, the next timer is due, or
    /// `deadline` comes. Returns what [`futex::sleep`] does.
    pub fn sleep_on(&self, words: &Words<'_>, deadline: Option<Instant>) -> Option<usize> {
        let due = [deadline, self.next_timer()].into_iter().flatten().min();
        let left = due.map(|due| due.saturating_duration_since(now()));
        let step = (!words.complete).then_some(POLL_STEP);
        let timeout = [left, step].into_iter().flatten().min();
        if timeout == Some(Duration::ZERO) { None } else { futex::sleep(words.as_slice(), timeout) }
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
            if idle <= clock::wake_turns() {
                core::hint::spin_loop();
                continue;
            }
            idle = 0;
            if let Some(mut words) = self.prepare_sleep()
                && work.prepare_sleep(&mut words)
            {
                let _ = self.sleep_on(&words, None);
            }
            self.woke();
            work.woke();
        }
    }
}
