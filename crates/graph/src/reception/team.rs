//! The kernel threads of a host that wait for something to do, and what waits for one of them.
//!
//! One of them at a time has the lead, or in Regular mode never. What is given to a thread is its own from that moment: no other one
//! that happens to be awake takes it away, so what is counted as a switch is one.
//!
//! Invariant: there is nothing in the backlog while a thread waits that may take it.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use nearcall_core::sys::futex;

use crate::graph::Work;

/// What a thread is given.
#[derive(Debug)]
pub(super) enum Given {
    /// It receives from here on.
    Lead,
    /// A message that was queued.
    Work(Work),
}

/// What there is for a thread.
#[derive(Debug)]
pub(super) enum Next {
    /// This.
    Given(Given),
    /// Nothing; it sleeps, on its bell while that has this value if it said that it would.
    Sleep(u32),
    /// The end.
    Over,
}

/// What became of work.
#[derive(Debug)]
pub(super) enum Placed {
    /// A thread has it, which is to be woken.
    With(usize),
    /// Whoever is ready next takes it.
    Queued,
    /// There is too much already; this is dropped.
    Dropped(Work),
}

/// Who may have the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    /// Any thread that waits.
    Any,
    /// One without suspended stacks.
    Unoccupied,
    /// One that has some, if all that wait have.
    Occupied,
}

#[derive(Debug)]
pub(super) struct Team {
    state: Mutex<State>,
    /// Messages in the backlog. Written under the lock; read without it as a hint.
    backlog: AtomicUsize,
    members: Box<[Member]>,
}

#[derive(Debug, Default)]
struct Member {
    thread: OnceLock<Thread>,
    bell: AtomicU32,
}

#[derive(Debug)]
struct State {
    /// Who waits; the last of them is warmest. Those with suspended stacks are first.
    waiting: Vec<Waiting>,
    given: Vec<Option<Given>>,
    backlog: VecDeque<Work>,
    bound: usize,
    is_over: bool,
}

/// A thread that waits, or waited until it was given something, and is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) member: usize,
    /// It has suspended stacks: it starts no message of others, and sleeps as a processor does.
    pub(super) is_occupied: bool,
}

impl Team {
    /// Of `count` threads, with at most `bound` messages that wait.
    pub(super) fn new(count: usize, bound: usize) -> Self {
        let given = (0..count).map(|_| None).collect();
        let state = State { waiting: Vec::new(), given, backlog: VecDeque::new(), bound, is_over: false };
        Self {
            state: Mutex::new(state),
            backlog: AtomicUsize::new(0),
            members: (0..count).map(|_| Member::default()).collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calling kernel thread is `me`.
    pub(super) fn join(&self, me: usize) {
        if let Some(member) = self.members.get(me) {
            let _ = member.thread.set(std::thread::current());
        }
    }

    pub(super) fn bell(&self, me: usize) -> Option<&AtomicU32> {
        self.members.get(me).map(|member| &member.bell)
    }

    /// Wakes a thread that was given something.
    pub(super) fn wake(&self, member: usize) {
        let Some(Member { thread, bell }) = self.members.get(member) else { return };
        // Whoever sleeps on the bell has read it under the lock, before it was given anything.
        bell.fetch_add(1, Ordering::Relaxed);
        thread.get().inspect(|thread| thread.unpark());
    }

    pub(super) fn wake_waiting(&self, Waiting { member, is_occupied }: Waiting) {
        self.wake(member);
        if is_occupied {
            self.members.get(member).inspect(|member| futex::wake_private(&member.bell));
        }
    }

    /// Gives the lead, which `from` has, to a thread that waits; the caller wakes it. `None`: none of those does, or `from` has it
    /// no more.
    pub(super) fn give_lead(&self, holder: &AtomicU32, from: usize, whom: Whom) -> Option<Waiting> {
        let mut state = self.state();
        // Relaxed: it is written under this lock, or by whoever has the lead when it begins.
        if holder.load(Ordering::Relaxed) != number(from) {
            return None;
        }
        let may = |waiting: &mut Waiting| match whom {
            Whom::Any => true,
            Whom::Unoccupied => !waiting.is_occupied,
            Whom::Occupied => waiting.is_occupied,
        };
        let waiting = state.waiting.pop_if(may)?;
        if let Some(given) = state.given.get_mut(waiting.member) {
            *given = Some(Given::Lead);
        }
        holder.store(number(waiting.member), Ordering::Relaxed);
        Some(waiting)
    }

    /// Gives work to a thread that waits and may start it; the caller wakes it. Otherwise to whoever is ready next.
    pub(super) fn place(&self, work: Work) -> Placed {
        let mut state = self.state();
        let free = state.waiting.last().filter(|waiting| !waiting.is_occupied).map(|waiting| waiting.member);
        if let Some(member) = free {
            state.waiting.pop();
            if let Some(given) = state.given.get_mut(member) {
                *given = Some(Given::Work(work));
            }
            return Placed::With(member);
        }
        if state.backlog.len() >= state.bound {
            return Placed::Dropped(work);
        }
        state.backlog.push_back(work);
        self.backlog.store(state.backlog.len(), Ordering::Relaxed);
        Placed::Queued
    }

    /// What `me` is to do next. It waits from here on, if there is nothing.
    pub(super) fn next(&self, me: usize, is_occupied: bool) -> Next {
        let mut state = self.state();
        if let Some(given) = state.given.get_mut(me).and_then(Option::take) {
            return Next::Given(given);
        }
        if state.is_over {
            return Next::Over;
        }
        if !is_occupied && let Some(work) = state.backlog.pop_front() {
            self.backlog.store(state.backlog.len(), Ordering::Relaxed);
            return Next::Given(Given::Work(work));
        }
        if state.waiting.iter().all(|waiting| waiting.member != me) {
            let at = if is_occupied { 0 } else { state.waiting.len() };
            state.waiting.insert(at, Waiting { member: me, is_occupied });
        }
        Next::Sleep(self.bell(me).map_or(0, |bell| bell.load(Ordering::Relaxed)))
    }

    /// `me` waits no more. What it was given by then is its.
    pub(super) fn leave(&self, me: usize) -> Option<Given> {
        let mut state = self.state();
        state.waiting.retain(|waiting| waiting.member != me);
        state.given.get_mut(me).and_then(Option::take)
    }

    /// Threads that wait.
    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Messages that wait.
    pub(super) fn backlog(&self) -> usize {
        self.state().backlog.len()
    }

    /// Whether messages wait, by a look that costs nothing and may be late.
    pub(super) fn has_backlog(&self) -> bool {
        self.backlog.load(Ordering::Relaxed) > 0
    }

    /// Whether messages wait, and so does a thread, which therefore has suspended stacks: whoever has the lead and none is to change
    /// places with it.
    pub(super) fn is_stuck(&self) -> bool {
        let state = self.state();
        !state.backlog.is_empty() && !state.waiting.is_empty()
    }

    /// All are to end.
    pub(super) fn end(&self) {
        let waiting = {
            let mut state = self.state();
            state.is_over = true;
            core::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(|waiting| self.wake_waiting(waiting));
    }
}

/// A member as the holder of the lead is known; 0 is nobody.
pub(super) fn number(member: usize) -> u32 {
    u32::try_from(member + 1).unwrap_or(u32::MAX)
}
