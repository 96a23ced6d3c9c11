//! A user-level thread's wait: its processor runs others meanwhile, and is given away when none of them can go on (URPC 1991,
//! section 3.3).

use core::sync::atomic::{Ordering, fence};

use nearcall_layout::pair::{self, poll};

use super::{
    Long, Published, SPURIOUS_MAX, STEP_MAX, STEP_MIN, STEP_MIN_US, STEP_OWN, Unanswered, not_final, now, sleep_on,
};
use crate::channel::client::ClientHalf;
use crate::channel::{Ran, Wake};
use crate::sys::futex::Sleep;
use crate::sys::process;
use crate::threads::{self, Answer, On, Processor, Turn, Waited};
use crate::transfer::clock::{self, ticks};
use crate::transfer::policy::ring::Ring;

/// Times in a step that a processor may be about to sleep for a reply on a word that many replies share; likewise.
const BELLS_MAX: u32 = 4096;

/// Lets other threads of this processor run until the answer is there, or none has anything to do, or for as long as the
/// first step. The CPU is not given away meanwhile (URPC 1991, section 3.3: processors are reallocated as late as
/// possible), and no timer is set. If nobody was rung because the status said `polled`, until that changes.
///
/// # Errors
/// When others had run for the first time and there was no answer, in ticks; 0: others have not run. A call's time is counted from
/// there: to look at the clock before costs a tenth of a call that is answered by then, as 24 of 25 are with 32 under way.
#[inline(always)]
pub(super) fn others_run(
    half: &ClientHalf,
    call: &Published<'_>,
    processor: &Processor,
    polled: Option<u64>,
) -> Result<u64, u64> {
    let &Published { reply, sequence, .. } = call;
    half.expect_request(sequence);
    let status = half.status_word();
    let mut begin = 0;
    let mut over = |turn| {
        if pair::sequence(reply.poll()) == sequence
            || half.has_ended()
            || turn == Turn::BeforeSleep
            || polled.is_some_and(|polled| status.load() != polled)
        {
            return true;
        }
        if begin == 0 {
            begin = ticks();
        }
        // Ahead of it once the processor has looked at the clock again.
        processor.looked().saturating_sub(begin) > clock::calibration().us(STEP_MIN_US)
    };
    let on = On { answer: Some(Answer { word: reply.word(), low: sequence }), ..On::default() };
    let _ = processor.wait_among_others(&mut over, &on);
    call.answered().ok_or(begin)
}

impl Long<'_> {
    /// Lets others run ([`others_run`]) once whoever has to be rung was rung. `None` as well where it is time to give the CPU
    /// away: nobody else here has anything to do, and the server has no other processor.
    #[inline(never)]
    pub(super) fn let_others_run(&mut self, processor: &Processor) -> Option<u64> {
        let polled = self.half.status_word().load();
        if poll::state(polled) == poll::POLLED && poll::cpu(polled) != self.cpu {
            return others_run(self.half, self.call, processor, Some(polled)).ok();
        }
        self.cpu = process::cpu();
        // Pairs with the server's fence after it wrote that it no longer looks: it sees our request, or we see that.
        fence(Ordering::SeqCst);
        match self.choose(false) {
            // Elsewhere it can begin at once.
            Ring::Bell { own: false, .. } | Ring::Message => {
                self.ring(false);
            }
            Ring::Own | Ring::Bell { own: true, .. } if !processor.has_ready() && !processor.poll() => return None,
            _ => {}
        }
        others_run(self.half, self.call, processor, None).ok()
    }

    /// Gives the CPU to the standby on it although other threads here could run, because the caller asked for it (URPC 1991,
    /// section 3.3). For as long as a first step; what takes longer does not use the CPU all the time, or has the kernel
    /// share it.
    pub(super) fn give_cpu(&self, soon: bool) -> Option<u64> {
        if soon && let Some(first) = self.yield_cpu() {
            return Some(first);
        }
        let &Published { astack, sequence, reply, .. } = self.call;
        self.half.announce_wait(astack, sequence);
        // Pairs with the server's fence between its reply and its look at the wait word: it sees that we sleep, or we see the
        // reply.
        fence(Ordering::SeqCst);
        let seen = reply.load_acquire();
        if pair::sequence(seen) != sequence && !self.half.has_ended() {
            let step = self.left().map_or(STEP_OWN, |left| left.min(STEP_OWN));
            if sleep_on(self.half, reply, pair::sequence(seen), step, 0) {
                self.half.counters.sleeps.add(1);
            }
        }
        self.half.announce_wait(astack, 0);
        self.answered()
    }

    /// As [`sleep`](Self::sleep), by a thread: others of its processor run meanwhile, and the processor sleeps when none can.
    #[inline(never)]
    pub(super) fn suspend(&mut self) -> Result<u64, Unanswered> {
        let &Published { astack, sequence, reply, .. } = self.call;
        let half = self.half;
        let begin = now();
        let until = self.until(begin);
        let mut step = STEP_MIN;
        let mut step_end = begin + step;
        let mut spurious = 0;
        loop {
            let seen = reply.load_acquire();
            let is_over = |first| pair::sequence(first) == sequence || half.has_ended();
            let wake = until.map_or(step_end, |until| until.min(step_end));
            // A processor that sleeps for several replies has one word for all of them.
            let is_one_of_many = threads::on_thread().is_some_and(has_others);
            let (mut is_announced, mut sleeps) = (false, 0);
            let mut over = |turn| {
                let sleeps_next = turn == Turn::BeforeSleep;
                if sleeps_next && !is_announced {
                    is_announced = true;
                    half.announce(astack, sequence, if is_one_of_many { Wake::Processor } else { Wake::Reply });
                    // Pairs with the server's fence between its reply and its look at the wait word: it sees that we sleep,
                    // or we see the reply.
                    fence(Ordering::SeqCst);
                }
                sleeps += u32::from(sleeps_next);
                let first = reply.poll();
                // A word that is not what we would sleep on: look at it anew.
                is_over(first)
                    || sleeps_next && !is_one_of_many && pair::sequence(first) != pair::sequence(seen)
                    || sleeps > BELLS_MAX
            };
            // A peer that changes or wakes the word all the time must not keep the processor busy.
            let (word, value) =
                if is_one_of_many { (half.reply_bell().futex(), 0) } else { (reply.futex(), pair::sequence(seen)) };
            let words =
                [Sleep { word, value, shared: true }, Sleep { word: half.ended_word(), value: 0, shared: false }];
            let words = if spurious < SPURIOUS_MAX { &words[..] } else { &[] };
            let shared = is_one_of_many.then(|| half.reply_bell().word());
            let answer = Some(Answer { word: reply.word(), low: sequence });
            let on = On { words, shared, answer, is_given: self.donated || self.shares };
            let waited = threads::wait_until_on(&mut over, Some(wake), &on);
            if sleeps > BELLS_MAX {
                spurious = SPURIOUS_MAX;
            }
            if is_announced {
                half.counters.sleeps.add(1);
                half.announce_wait(astack, 0);
            }
            if let Some(first) = self.answered() {
                return Ok(first);
            }
            if half.has_ended() {
                return self.answered().ok_or_else(|| self.ended());
            }
            match waited {
                Waited::Ready => spurious += 1,
                Waited::Cancelled => return self.answered().ok_or_else(|| self.cancelled()),
                Waited::TimedOut if until.is_some_and(|until| now() >= until) => {
                    return self.answered().ok_or_else(|| self.timed_out());
                }
                Waited::TimedOut => {
                    step = (step * 2).min(STEP_MAX);
                    step_end = now() + step;
                    spurious = 0;
                    if cfg!(not(feature = "no-steps")) && half.ran(astack, sequence) == Ran::No {
                        self.ring(true);
                    }
                }
            }
        }
    }

    fn cancelled(&self) -> Unanswered {
        Unanswered::Cancelled(not_final(self.half.ran(self.call.astack, self.call.sequence)))
    }
}

/// Whether this processor has other threads that run or wait for a reply.
#[inline(always)]
pub(super) fn has_others(processor: &Processor) -> bool {
    processor.has_ready() || processor.has_polled()
}

/// Whether another thread of this processor could run.
pub(super) fn is_crowded() -> bool {
    threads::on_thread().is_some_and(Processor::has_ready)
}
