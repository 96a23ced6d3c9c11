//! What the threads of one host share, and what each of them shows the others.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use nearcall_core::transfer::clock;

use super::counts::{Counters, Counts, add};
use super::team::{Placed, Team, Whom, number};
use super::{Options, Overrun, Why};
use crate::graph::Work;
use crate::protocol::Node;

/// No node: an event runs.
const NO_NODE: u32 = u32::MAX;

/// Messages that are handed off before a handler that was demoted. A CPU that the machine's host takes away, or a page that has to be
/// read, looks as if the handler ran or waited: once is not for ever.
const FORGIVEN_AFTER: u32 = 10_000;

/// A protocol that was named: before it nothing is handed off, because every frame would be.
const NAMED: u32 = u32::MAX;

/// A period of the alarm within which reception may rest: a thread that uses up its turn keeps a CPU about as long.
const LOOKS_OFTEN: Duration = Duration::from_millis(4);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    /// The budget in ticks; the greatest number without one.
    pub(super) budget: u64,
    pub(super) team: Team,
    /// Who has the lead, as `team::number`; 0 in Regular mode.
    pub(super) holder: AtomicU32,
    pub(super) shown: Box<[Shown]>,
    names: Box<[String]>,
    /// How many messages are yet to be handed off before each handler, because it has kept the lead; [`NAMED`] of a protocol that has.
    demoted: Box<[AtomicU32]>,
    pub(super) counters: Counters,
    /// Suspended stacks, on all threads together.
    pub(super) suspended: AtomicUsize,
    pub(super) is_over: AtomicBool,
    /// The alarm sleeps until a message begins.
    pub(super) alarm_sleeps: AtomicBool,
    pub(super) alarm: std::sync::OnceLock<std::thread::Thread>,
}

/// What a thread shows. Only it writes here, but for the counts of what ends on it, and for `uncalled`, which the alarm clears.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shown {
    /// The kernel's number for it.
    pub(super) thread: AtomicU32,
    /// The only CPU that it may use, and 1 more; 0: there are several.
    pub(super) cpu: AtomicU32,
    /// To whom it has left the lead without waking that yet, as `team::number`; 0: nobody.
    pub(super) uncalled: AtomicU32,
    /// Which message runs on its lead's stack; 0: none.
    pub(super) message: AtomicU64,
    /// Which protocol, or handler, that has reached.
    node: AtomicU32,
    pub(super) messages: AtomicU64,
    pub(super) taken: AtomicU64,
    pub(super) returned: AtomicU64,
    pub(super) sleeps: AtomicU64,
    pub(super) parks: AtomicU64,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            thread: AtomicU32::new(0),
            cpu: AtomicU32::new(0),
            uncalled: AtomicU32::new(0),
            message: AtomicU64::new(0),
            node: AtomicU32::new(NO_NODE),
            messages: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            parks: AtomicU64::new(0),
        }
    }
}

impl Shown {
    pub(super) fn enter(&self, node: Node) {
        // Release: pairs with the Acquire in `node_of`.
        self.node.store(u32::from(node.0), Ordering::Release);
    }

    pub(super) fn enter_nothing(&self) {
        self.node.store(NO_NODE, Ordering::Relaxed);
    }

    pub(super) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    /// What `message` has reached, unless it is over: for another thread.
    pub(super) fn node_of(&self, message: u64) -> Option<u32> {
        // Acquire: pairs with the Release in `enter`. If it is of a later message, that is seen here next.
        let node = self.node.load(Ordering::Acquire);
        (self.message.load(Ordering::Relaxed) == message).then_some(node)
    }
}

impl Shared {
    /// For a graph with nodes of these names, and a team of `count` threads.
    pub(super) fn new(options: Options, names: Box<[String]>, count: usize) -> Arc<Self> {
        let ticks = |time: Duration| {
            let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            clock::calibration().ticks_per_us.saturating_mul(ns) / 1000
        };
        Arc::new(Self {
            budget: options.budget.map_or(u64::MAX, ticks),
            team: Team::new(count, options.backlog),
            holder: AtomicU32::new(0),
            shown: (0..count).map(|_| Shown::default()).collect(),
            demoted: names.iter().map(|_| AtomicU32::new(0)).collect(),
            names,
            counters: Counters::default(),
            suspended: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            alarm_sleeps: AtomicBool::new(false),
            alarm: std::sync::OnceLock::new(),
            options,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether `member` receives. It may be taken away at any moment; then two threads look at the wires for a while, each of which is
    /// locked while it is looked at.
    pub(super) fn leads(&self, member: usize) -> bool {
        self.holder.load(Ordering::Relaxed) == number(member)
    }

    /// Passes the lead, which `member` has, to a thread that waits, and is one of `whom`.
    pub(super) fn hand_off(&self, member: usize, whom: Whom) -> bool {
        let Some(waiting) = self.team.give_lead(&self.holder, member, whom) else { return false };
        add(&self.counters.switches);
        self.team.wake_waiting(waiting);
        true
    }

    /// The same at an edge: the calling thread, which is `member`, goes on with its message. On a CPU that both are confined to the
    /// other one could only run in its place: it would look at the wires, and let it go on. So there it is called when the
    /// message is over or waits ([`call`](Self::call)), or by the alarm, if that looks often; unless what follows is said to wait, and
    /// may do so in the kernel, `at_once`.
    pub(super) fn hand_off_in_passing(&self, member: usize, at_once: bool) -> bool {
        let Some(waiting) = self.team.give_lead(&self.holder, member, Whom::Any) else { return false };
        add(&self.counters.switches);
        let cpu = |member: usize| self.shown.get(member).map_or(0, |shown| shown.cpu.load(Ordering::Relaxed));
        let shares = cpu(member) != 0 && cpu(member) == cpu(waiting.member);
        match self.shown.get(member) {
            Some(shown) if shares && !at_once && !waiting.is_occupied && self.options.alarm <= LOOKS_OFTEN => {
                shown.uncalled.store(number(waiting.member), Ordering::Relaxed);
            }
            _ => self.team.wake_waiting(waiting),
        }
        true
    }

    /// Wakes the thread that `member` has left the lead to, if that was not done yet.
    pub(super) fn call(&self, member: usize) {
        let Some(Shown { uncalled, .. }) = self.shown.get(member) else { return };
        // Relaxed: what it was given is under the team's lock. The alarm may call it, too; one of the two does.
        if uncalled.load(Ordering::Relaxed) != 0
            && let Some(waiting) =
                usize::try_from(uncalled.swap(0, Ordering::Relaxed)).ok().and_then(|n| n.checked_sub(1))
        {
            self.team.wake(waiting);
        }
    }

    /// Gives work to another thread, as in Regular mode.
    ///
    /// # Errors
    /// It is given back: there is too much already.
    pub(super) fn queue(&self, work: Work) -> Result<(), Work> {
        match self.team.place(work) {
            Placed::With(member) => {
                add(&self.counters.switches);
                self.team.wake(member);
            }
            Placed::Queued => add(&self.counters.queued),
            Placed::Dropped(work) => {
                add(&self.counters.dropped);
                return Err(work);
            }
        }
        Ok(())
    }

    /// Whether messages are handed off before this handler.
    pub(super) fn is_demoted(&self, handler: Node) -> bool {
        self.demoted.get(handler.index()).is_some_and(|left| left.load(Ordering::Relaxed) != 0)
    }

    /// One of them was.
    pub(super) fn forgive(&self, handler: Node) {
        let one_less = |left: &AtomicU32| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        self.demoted.get(handler.index()).map(one_less);
    }

    /// Trusts the handler at `node` no more for a while, and says so.
    pub(super) fn demote(&self, node: u32, why: Why) {
        self.blame(node, why, FORGIVEN_AFTER);
    }

    /// Says of the protocol at `node`, once, that it has run for long.
    pub(super) fn name(&self, node: u32) {
        self.blame(node, Why::Ran, NAMED);
    }

    fn blame(&self, node: u32, why: Why, how: u32) {
        let at = usize::try_from(node).unwrap_or(usize::MAX);
        let Some((demoted, name)) = self.demoted.get(at).zip(self.names.get(at)) else { return };
        if demoted.swap(how, Ordering::Relaxed) == 0 {
            let overrun = Overrun { node: name.clone(), why, is_demoted: how != NAMED };
            self.options.on_overrun.report(&overrun);
        }
    }

    /// Names of what was demoted.
    pub(super) fn demoted(&self) -> Vec<String> {
        let is_set = |(left, _): &(&AtomicU32, &String)| !matches!(left.load(Ordering::Relaxed), 0 | NAMED);
        self.demoted.iter().zip(&self.names).filter(is_set).map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        // Acquire: pairs with the Release in `add_own`.
        let sum = |of: fn(&Shown) -> &AtomicU64| self.shown.iter().map(|shown| of(shown).load(Ordering::Acquire)).sum();
        Counts {
            messages: sum(|shown| &shown.messages),
            stacks_taken: sum(|shown| &shown.taken),
            stacks_returned: sum(|shown| &shown.returned),
            sleeps: sum(|shown| &shown.sleeps),
            parks: sum(|shown| &shown.parks),
            ..self.counters.read()
        }
    }
}
