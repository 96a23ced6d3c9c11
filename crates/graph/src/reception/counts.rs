//! What a host that receives has counted.

use core::sync::atomic::{AtomicU64, Ordering};

use super::policy::Reason;

/// What has happened since the host began. Each count is exact; together they are of about one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Messages that came off the wires (frames, or whatever these carry), and are over, suspended, or given to another thread.
    pub messages: u64,
    /// How often another kernel thread went on with something: it waited, and was given a message, or the lead. A message that a thread
    /// takes when it has finished one before is no switch, as in the report's tables: that thread runs anyway (`queued`).
    pub switches: u64,
    /// Handoffs that the graph file demands.
    pub explicit: u64,
    /// Handoffs before a handler that may wait.
    pub program: u64,
    /// Handoffs before what was demoted.
    pub demoted: u64,
    /// Handoffs of messages that had been put together.
    pub reassembled: u64,
    /// Handoffs of messages that took longer than messages may on average.
    pub budget: u64,
    /// Stacks that were suspended because what ran on them waits.
    pub implicit: u64,
    /// The lead was taken from a thread in a message that would not end.
    pub alarms: u64,
    /// The lead was passed on by a thread that has suspended stacks to go on with.
    pub resumed: u64,
    /// The lead was passed to a thread that has suspended stacks, so that another one starts messages that waited.
    pub relieved: u64,
    /// Messages that were queued as in Regular mode because there was no stack for them.
    pub exhausted: u64,
    /// Messages that were to be handed off, or queued, when no thread waited: the first that was ready took them, without a switch.
    pub queued: u64,
    /// Messages that were dropped because too many were queued.
    pub dropped: u64,
    /// Handlers that were trusted to answer at once, and waited.
    pub violations: u64,
    /// Stacks that messages and events were begun on.
    pub stacks_taken: u64,
    /// Those that were given back.
    pub stacks_returned: u64,
    /// How often the thread that receives slept on the wires.
    pub sleeps: u64,
    /// How often other threads slept.
    pub parks: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Debug, Default)]
        pub(super) struct Counters { $(pub(super) $name: AtomicU64),* }

        impl Counters {
            pub(super) fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed)),*, ..Counts::default() }
            }
        }
    };
}

counters!(
    switches,
    explicit,
    program,
    demoted,
    reassembled,
    budget,
    implicit,
    alarms,
    resumed,
    relieved,
    exhausted,
    queued,
    dropped,
    violations
);

impl Counters {
    pub(super) fn handed_off(&self, reason: Reason) {
        let count = match reason {
            Reason::Explicit => &self.explicit,
            Reason::Program => &self.program,
            Reason::Demoted => &self.demoted,
            Reason::Reassembled => &self.reassembled,
            Reason::Budget => &self.budget,
        };
        add(count);
    }
}

/// One more.
pub(super) fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// One more of what only the calling thread counts.
pub(super) fn add_own(count: &AtomicU64) {
    // Release: pairs with the Acquire in `Shared::counts`. Whoever sees a message counted sees what became of it.
    count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
}
