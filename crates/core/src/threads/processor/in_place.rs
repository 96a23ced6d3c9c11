//! A thread that is joined before it has started runs in the place of the one that joins it.
//!
//! Otherwise that one is suspended, the loop finds the other, runs it, and resumes the first: four switches, two of which
//! return to where the machine does not expect it (its predictor has the calls of the other stack). Here the one that joins
//! resumes the other's fiber itself, as the loop would. If that suspends, the loop resumes it from then on, and the one that
//! joins is suspended like any other. A fork and join takes half the time.

use core::sync::atomic::Ordering;

use super::{Processor, TURN_COUNT};
use crate::threads::record::Record;
use crate::threads::watchdog;

impl Processor {
    /// Whether the loop has something to resume.
    #[inline(always)]
    fn has_loop_work(&self) -> bool {
        !self.ready.is_empty() || self.post().has_mail()
    }

    /// Runs `record` on the calling thread's time, if it is the next that would start here. `true`: it is over. `false`: it
    /// has not started, or it has and is suspended.
    ///
    /// # Safety
    /// A thread of this processor calls, by way of the only handle of `record`.
    #[inline(always)]
    pub(in crate::threads) unsafe fn run_in_place(&self, record: &Record) -> bool {
        // Those that are ready come first, and the loop looks at all that it has as often as without this.
        if self.has_loop_work() || self.in_place.get() >= TURN_COUNT {
            return false;
        }
        let current = self.current.get();
        // SAFETY: what runs is alive. A processor is reached on its kernel thread only.
        if unsafe { &*current }.is_cancelled() || !unsafe { self.post().take_first(record) } {
            return false;
        }
        self.in_place.set(self.in_place.get() + 1);
        record.over.begin_in_place();
        let is_over = self.run(record);
        self.current.set(current);
        if !is_over {
            record.over.end_in_place();
        } else if self.has_loop_work() {
            // What the other has made ready was so before its end let the caller go on.
            // SAFETY: it runs, so it is in no list, and it is about to be suspended.
            unsafe { self.push_ready(current) };
            self.suspend();
            return true;
        }
        // For the watchdog it is another turn, of another thread.
        let switches = &self.watched().switches;
        switches.store(switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if watchdog::has_names() {
            self.show_names(current);
        }
        debug_assert!(self.watched().runs.load(Ordering::Relaxed));
        is_over
    }
}
