//! What each side remembers of how calls travelled. Private memory, written where a system call is made anyway: a call
//! that only spins is counted by its sequence number and costs nothing here.

use core::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($(#[$outer:meta])* $counters:ident => $(#[$snapshot_doc:meta])* $snapshot:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Default)]
        pub(crate) struct $counters {
            $(pub(crate) $name: Counter,)*
        }

        $(#[$snapshot_doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $snapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl $counters {
            pub(crate) fn snapshot(&self) -> $snapshot {
                $snapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

/// A count that several kernel threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        if count != 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters! {
    #[doc = "Of one pair, on the client's side."]
    ClientCounters =>
    #[doc = "How the calls of one client to one server travelled. Every call is one of `spun`, `donated`, `slept` and"]
    #[doc = "`unanswered`; calls in flight count as `spun`, and so do those that were started and whose answer nobody waited for."]
    ClientCounts {
        /// Calls published.
        calls,
        /// Calls answered while the caller looked, without a system call of its own.
        spun,
        /// Calls for which the caller gave its own CPU to a standby of the server there, by a yield or by sleeping.
        donated,
        /// Calls whose caller slept for a processor elsewhere, or rang for one.
        slept,
        /// Calls that ended without an answer: the time was over, or the pair was.
        unanswered,
        /// Calls whose arguments did not fit the frame and went out of band.
        out_of_band,
        /// Times a caller went to sleep on its reply.
        sleeps,
        /// Yields after which the reply was there.
        yields_paid,
        /// Yields after which it was not.
        yields_wasted,
        /// Bells rung: a standby said that it was asleep.
        bells,
        /// Rings over the control socket: nobody looked and nobody was asleep on a bell.
        messages,
        /// Times that a caller found the lock of the request ring taken by another one of this process, each look of a wait as
        /// one. A call takes it once, for the time of some stores; no other pair has a part in it (URPC 1991, section 4.3).
        ring_tries,
    }
}

counters! {
    #[doc = "Of one domain as a server."]
    ServerCounters =>
    #[doc = "How the calls to this process were taken."]
    ServerCounts {
        /// Calls taken.
        calls,
        /// Of these, by a lead that polled.
        polled,
        /// Of these, by a standby on the CPU from which they were made.
        donations,
        /// Times a processor went to sleep on its bells.
        sleeps,
        /// Yields of a standby after which a request was there.
        yields_paid,
        /// Yields after which there was none.
        yields_wasted,
        /// Wake-ups by a bell with no request behind it.
        empty_bells,
        /// Times a standby became the lead.
        tenures,
        /// Times a processor was replaced on its CPU because it was inside a procedure while callers starved.
        relieved,
        /// Times a cooperative procedure was suspended before its end, and its processor went on.
        suspended,
        /// Calls that a processor took and passed on, because something was suspended on its kernel thread.
        passed_on,
        /// Times a processor took a seat without an E-stack: there was no memory for one.
        without_estack,
    }
}
