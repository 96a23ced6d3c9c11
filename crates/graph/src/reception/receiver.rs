//! Interrupt protocol processing: the thread that receives also runs what it has received.
//!
//! ```text
//!                 a message on a wire
//!   LEAD ──────────────────────────────▶ a detachable stack ──▶ over: the stack is free again
//!    ▲                                      │         │
//!    │ given by the team                    │ waits   │ handed off at an edge, or taken by the alarm
//!    │                                      ▼         ▼
//!   WAITS ◀── nothing left ── goes on   suspended:   the lead is another thread's; this one finishes
//!                with its stacks        the lead     the message, and waits
//!                                       goes on
//! ```
//!
//! Each thread is a processor of user-level threads, so what waits in a handler (a mutex, a call, a sleep of nearcall's)
//! suspends its stack, and the lead goes on with a fresh one. A kernel thread with a suspended stack starts no handler: what is
//! suspended may hold a lock of std's. It passes the lead on when it has something to go on with, or would sleep, and takes it
//! from one without such a stack when messages wait that only that may start.

use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use nearcall_core::sys::futex::Sleep;
use nearcall_core::sys::process;
use nearcall_core::threads::Processor;
use nearcall_core::threads::stack::Class;
use nearcall_core::transfer::clock;

use super::Why;
use super::counts::{add, add_own};
use super::hook::{Standing, is_confined, settle, stand, with_turn};
use super::policy::Account;
use super::shared::{Shared, Shown};
use super::team::{Given, Next, Whom};
use crate::drive::Clock;
use crate::event::Time;
use crate::graph::{Graph, Work};
use crate::handler::Handler;

/// What a lead that has suspended stacks, and nobody to pass the lead to, sleeps at most.
const STEP: Duration = Duration::from_millis(1);

/// Suspended stacks that go on before something else is looked at.
const RESUMED_COUNT: usize = 16;

/// What is to run on a stack.
enum Parcel {
    Message(Work, Time),
    Events(Time),
}

impl Parcel {
    fn carry_out(self, graph: &Graph) {
        match self {
            Self::Message(work, now) => graph.carry_out(work, now),
            Self::Events(now) => {
                graph.run_events(now);
            }
        }
    }
}

/// A thread of a host.
pub(super) struct Receiver {
    me: usize,
    shared: Arc<Shared>,
    graph: Arc<Graph>,
    clock: Clock,
    processor: &'static Processor,
    /// To one CPU.
    is_confined: bool,
    /// What the next stack begins with.
    parcel: RefCell<Option<Parcel>>,
    number: Cell<u64>,
    account: Cell<Account>,
    /// Suspended stacks here, as the others know.
    suspended: Cell<usize>,
}

/// Gives a stack back in the books, however what ran on it ends.
struct Returned(Rc<Receiver>);

impl Drop for Returned {
    fn drop(&mut self) {
        self.0.shown(|shown| add_own(&shown.returned));
    }
}

/// The calling kernel thread is the member `me` of a host, until that is over.
pub(super) fn run(me: usize, shared: Arc<Shared>, graph: Arc<Graph>) {
    shared.team.join(me);
    settle(&shared, me);
    let receiver = Rc::new(Receiver {
        me,
        shared,
        graph,
        clock: Clock::new(),
        processor: Processor::enter(),
        is_confined: is_confined(),
        parcel: RefCell::new(None),
        number: Cell::new(0),
        account: Cell::default(),
        suspended: Cell::new(0),
    });
    while !receiver.shared.is_over() {
        if receiver.shared.leads(me) {
            receiver.lead();
        } else {
            receiver.follow();
        }
    }
    // What is suspended is leaked, as wherever a started stack has nobody to end it.
    receiver.processor.leave();
}

/// Between two looks. On a CPU of its own it keeps that; on one that it shares with whoever it has woken, these come first.
pub(super) fn pause(is_confined: bool) {
    if is_confined {
        process::yield_cpu();
    } else {
        core::hint::spin_loop();
    }
}

impl Receiver {
    fn shown(&self, look: impl FnOnce(&Shown)) {
        self.shared.shown.get(self.me).inspect(|shown| look(shown));
    }

    /// Whether nothing is to go on here: no stack is suspended, and no thread that a handler has spawned is yet to start.
    fn is_free(&self) -> bool {
        self.processor.live() == 0 && !self.processor.has_ready()
    }

    /// Receives, for as long as the lead is here.
    fn lead(self: &Rc<Self>) {
        let mut idle = 0_u32;
        while self.shared.leads(self.me) && !self.shared.is_over() {
            let now = self.clock.now();
            let mut any = false;
            for wire in 0..self.graph.wire_count() {
                if let Some(work) = self.graph.take_off(wire, now) {
                    any = true;
                    self.begin(Parcel::Message(work, now));
                    self.shown(|shown| add_own(&shown.messages));
                }
                if !self.shared.leads(self.me) {
                    return;
                }
            }
            if self.graph.is_due(now) {
                any = true;
                self.begin(Parcel::Events(now));
            }
            any |= self.go_on();
            if self.relieve() {
                return;
            }
            idle = if any { 0 } else { idle.saturating_add(1) };
            if idle > self.shared.options.spin {
                self.sleep(now);
                idle = self.shared.options.spin;
            } else if idle > 0 {
                pause(self.is_confined);
            }
        }
    }

    /// Lets suspended stacks go on that are ready, on a thread that does not receive, if there is another one for that.
    fn go_on(&self) -> bool {
        if self.is_free() {
            return false;
        }
        self.processor.poll();
        // Messages that have to be queued, because this kernel thread starts no handler, are better received by one that does.
        let has_kept = with_turn(|turn| turn.has_kept.replace(false));
        let is_ready = self.processor.has_ready();
        if !has_kept && !is_ready {
            return false;
        }
        if self.pass_on(if is_ready { Whom::Any } else { Whom::Unoccupied }) {
            return true;
        }
        if is_ready {
            // Nobody else is free. What goes on here keeps this thread from receiving as a message does: the alarm sees it.
            self.show();
            self.resume();
            self.hide();
        }
        true
    }

    /// Leaves the lead to another thread, because there are suspended stacks here.
    fn pass_on(&self, whom: Whom) -> bool {
        let has_moved = self.shared.hand_off(self.me, whom);
        if has_moved {
            add(&self.shared.counters.resumed);
        }
        has_moved
    }

    /// Changes places with a thread that waits and has suspended stacks, if there are messages that only a thread without any may
    /// start: one of these stacks may wait for one of these messages.
    fn relieve(&self) -> bool {
        if !self.shared.team.has_backlog() || !self.is_free() {
            return false;
        }
        let has_moved = self.shared.hand_off(self.me, Whom::Occupied);
        if has_moved {
            add(&self.shared.counters.relieved);
        }
        has_moved
    }

    /// Lets suspended stacks go on.
    fn resume(&self) {
        stand(Standing::Thread);
        self.processor.run_ready(RESUMED_COUNT);
        self.note_suspended();
    }

    fn sleep(&self, now: Time) {
        let deadline = if self.is_free() {
            Time(u64::MAX)
        } else if self.pass_on(Whom::Unoccupied) {
            // What is suspended here is woken by what the wires' descriptors do not tell. To a thread with suspended stacks of its own
            // it would be the same: the lead would go round among those.
            return;
        } else {
            now.after(STEP)
        };
        self.shown(|shown| add_own(&shown.sleeps));
        let is_stuck = || self.is_free() && self.shared.team.is_stuck();
        let has_ended = || self.shared.is_over() || !self.shared.leads(self.me) || is_stuck();
        self.graph.sleep_on_wires(&self.clock, deadline, has_ended);
    }

    /// Runs what has arrived, or is due, on a detachable stack. Without one a message is queued.
    fn begin(self: &Rc<Self>, parcel: Parcel) {
        self.open_turn();
        let begun = match self.on_a_stack(parcel) {
            Ok(is_over) => Some(is_over),
            Err(Parcel::Message(work, _)) => {
                add(&self.shared.counters.exhausted);
                // What is dropped here has reached no protocol, and was lost on the wire as far as they know.
                let _ = self.shared.queue(work);
                None
            }
            // Nobody but whoever drives the graph runs events. What they bring to a handler is handed off there, as on a stack.
            Err(events) => {
                self.in_own_context(events);
                None
            }
        };
        if let Some(spent) = self.close_turn() {
            self.account.set(self.account.get().spend(spent, self.shared.budget));
        }
        if let Some(is_over) = begun {
            self.left(is_over);
        }
    }

    /// Runs a message that was queued: on a stack, too, because what waits in its own context keeps the kernel thread from what that
    /// may wait for. So it is only where there is no stack.
    fn begin_queued(self: &Rc<Self>, work: Work) {
        match self.on_a_stack(Parcel::Message(work, self.clock.now())) {
            Ok(is_over) => self.left(is_over),
            Err(parcel) => self.in_own_context(parcel),
        }
    }

    /// Runs `parcel` on a detachable stack, until it is over (`true`) or waits; gives it back if there is none.
    fn on_a_stack(self: &Rc<Self>, parcel: Parcel) -> Result<bool, Parcel> {
        let Shared { options, suspended, .. } = &*self.shared;
        if suspended.load(Ordering::Relaxed) >= options.stacks {
            return Err(parcel);
        }
        self.parcel.replace(Some(parcel));
        let own = Rc::clone(self);
        let carry_out = move || {
            let (graph, parcel) = (Arc::clone(&own.graph), own.parcel.take());
            let _returned = Returned(own);
            parcel.into_iter().for_each(|parcel| parcel.carry_out(&graph));
        };
        self.processor.run_procedure(Class::E_STACK, carry_out).or_else(|(unrun, _)| {
            drop(unrun);
            self.parcel.take().map_or(Ok(true), Err)
        })
    }

    /// A stack was taken; what was begun on it is over, or waits.
    fn left(&self, is_over: bool) {
        self.shown(|shown| add_own(&shown.taken));
        if !is_over {
            self.suspended();
        }
    }

    /// A message begins, as the hook and the alarm see it.
    fn open_turn(&self) {
        with_turn(|turn| {
            turn.is_fresh.set(true);
            turn.is_occupied.set(self.processor.live() > 0);
            if self.shared.options.budget.is_some() {
                turn.began.set(clock::ticks());
                turn.spent.set(None);
                turn.allowance.set(self.account.get().allowance(self.shared.budget));
            }
        });
        stand(Standing::Lead);
        self.show();
    }

    /// What runs from here on keeps the lead from receiving.
    fn show(&self) {
        let number = self.number.get() + 1;
        self.number.set(number);
        self.shown(|shown| {
            shown.enter_nothing();
            // SeqCst, with the load after it: the alarm, which writes and reads the other way round, sees the message, or we see
            // that it sleeps (docs/orderings.md, "The alarm").
            shown.message.store(number, Ordering::SeqCst);
        });
        if self.shared.alarm_sleeps.load(Ordering::SeqCst) {
            self.wake_alarm();
        }
    }

    fn hide(&self) {
        self.shown(|shown| shown.message.store(0, Ordering::Relaxed));
    }

    #[cold]
    fn wake_alarm(&self) {
        if self.shared.alarm_sleeps.swap(false, Ordering::Relaxed) {
            self.shared.alarm.get().inspect(|thread| thread.unpark());
        }
    }

    /// It is over, or suspended. Returns the ticks that it took of the lead's time, if somebody asks for them. If the lead was taken from
    /// it since it was last at an edge, nobody knows.
    fn close_turn(&self) -> Option<u64> {
        self.hide();
        with_turn(|turn| {
            turn.is_fresh.set(false);
            self.shared.options.budget?;
            turn.spent.get().or_else(|| self.shared.leads(self.me).then(|| turn.taken()))
        })
    }

    /// What ran waits: its stack is a thread's from here on.
    fn suspended(&self) {
        add(&self.shared.counters.implicit);
        self.note_suspended();
        let node = self.shared.shown.get(self.me).map_or(u32::MAX, Shown::node);
        if self.shared.leads(self.me) && self.graph.handler(node).is_some_and(Handler::is_nonblocking) {
            // It was trusted not to.
            add(&self.shared.counters.violations);
            self.shared.demote(node, Why::Waited);
        }
    }

    fn note_suspended(&self) {
        let now = self.processor.live();
        let was = self.suspended.replace(now);
        if now > was {
            self.shared.suspended.fetch_add(now - was, Ordering::Relaxed);
        } else {
            self.shared.suspended.fetch_sub(was - now, Ordering::Relaxed);
        }
    }

    /// Runs something without a stack of its own. A panic of a handler ends what it was in, as on one.
    fn in_own_context(&self, parcel: Parcel) {
        let _ = catch_unwind(AssertUnwindSafe(|| parcel.carry_out(&self.graph)));
    }

    /// Finishes what was begun here, and waits for something to do. Returns with the lead, or at the end.
    fn follow(self: &Rc<Self>) {
        stand(Standing::Thread);
        loop {
            if !self.is_free() {
                self.shared.call(self.me);
                self.resume();
                self.processor.poll();
                if self.processor.has_ready() {
                    // Others are not kept waiting for what would be queued: it is not ours while we are occupied.
                    continue;
                }
            }
            let is_occupied = self.processor.live() > 0;
            let next = self.shared.team.next(self.me, is_occupied);
            // Not before: whoever is woken may have the CPU at once, and leave the lead to us.
            self.shared.call(self.me);
            let mut given = match next {
                Next::Given(given) => Some(given),
                Next::Over => return,
                Next::Sleep(bell) => {
                    if is_occupied && self.shared.team.has_backlog() {
                        // Nobody takes it but who has the lead, if that is not occupied.
                        self.graph.rouse_receiver();
                    }
                    self.shown(|shown| add_own(&shown.parks));
                    self.park(is_occupied, bell);
                    self.shared.team.leave(self.me)
                }
            };
            match given.take() {
                Some(Given::Lead) => return,
                Some(Given::Work(work)) => self.begin_queued(work),
                None => {}
            }
        }
    }

    fn park(&self, is_occupied: bool, value: u32) {
        match self.shared.team.bell(self.me).filter(|_| is_occupied) {
            Some(word) => self.processor.sleep(&[Sleep { word, value, shared: false }], None),
            None => std::thread::park(),
        }
    }
}
