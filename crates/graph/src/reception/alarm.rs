//! The alarm: who looks whether the lead is stuck in a message.
//!
//! A message may take long between two edges, or block the kernel thread in code that is not nearcall's. Then no wrapper is asked;
//! so a thread that does nothing else looks now and then. A message that it finds a second time loses the lead. One that it finds
//! a third time or later, once its kernel thread has had a CPU for as long as that or wanted none, what it has reached is named; a
//! handler is demoted: for a while messages are handed off before it. It sleeps when no message has come for a while.
//!
//! It also calls a thread that has the lead and was not woken for it yet (`Shared::hand_off_in_passing`).

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::sync::Arc;

use super::Why;
use super::counts::add;
use super::shared::{Shared, Shown};
use super::team::Whom;
use crate::graph::Graph;

/// Looks without a new message after which the alarm sleeps until there is one.
const QUIET_COUNT: u32 = 50;

/// A message that has lost the lead and is not over.
struct Suspect {
    member: usize,
    message: u64,
    /// What its kernel thread did by the last look; how long it had run by the first.
    then: Doing,
}

/// The calling kernel thread is the alarm, until the host is over.
pub(super) fn run(shared: &Arc<Shared>, graph: &Graph) {
    let _ = shared.alarm.set(std::thread::current());
    let mut last = (0, 0);
    let mut quiet = 0;
    let mut messages = 0;
    let mut suspect: Option<Suspect> = None;
    while !shared.is_over() {
        std::thread::park_timeout(shared.options.alarm);
        // What has left the lead to another thread may have blocked since, or run long.
        (0..shared.shown.len()).for_each(|member| shared.call(member));
        suspect = suspect.and_then(|suspect| look_again(shared, graph, suspect));
        let holder = shared.holder.load(Ordering::Relaxed);
        let member = usize::try_from(holder).unwrap_or(0).wrapping_sub(1);
        let Some(shown) = shared.shown.get(member) else { continue };
        let message = shown.message.load(Ordering::Relaxed);
        if message != 0 && last == (holder, message) {
            take_away(shared, graph, member);
            suspect = suspect.or_else(|| Some(Suspect { member, message, then: Doing::of(shown) }));
        }
        last = (holder, message);
        let now = total(shared);
        quiet = if now == messages && message == 0 && suspect.is_none() { quiet + 1 } else { 0 };
        messages = now;
        if quiet >= QUIET_COUNT {
            sleep(shared, messages);
            quiet = 0;
        }
    }
}

/// Messages and events that were ever begun.
fn total(shared: &Shared) -> u64 {
    shared.shown.iter().map(|shown| shown.taken.load(Ordering::Relaxed)).sum()
}

fn sleep(shared: &Shared, messages: u64) {
    // SeqCst, with the loads after it: as in `Receiver::open_turn`.
    shared.alarm_sleeps.store(true, Ordering::SeqCst);
    let is_inside = |shown: &Shown| shown.message.load(Ordering::SeqCst) != 0;
    if total(shared) != messages || shared.shown.iter().any(is_inside) {
        shared.alarm_sleeps.store(false, Ordering::Relaxed);
        return;
    }
    while shared.alarm_sleeps.load(Ordering::Relaxed) && !shared.is_over() {
        std::thread::park();
    }
}

fn take_away(shared: &Shared, graph: &Graph, member: usize) {
    // The message may have ended meanwhile; then the lead moves for nothing, once.
    if shared.hand_off(member, Whom::Any) {
        add(&shared.counters.alarms);
        // If it ended, and sleeps, it looks again who receives.
        graph.rouse_receiver();
    }
}

/// Names what the message has reached, and demotes that if it is a handler, if it is the message that took the time, and not others who had its CPU: its kernel thread
/// has run for a period of the alarm since it lost the lead, or has been found asleep twice. How long it has waited for a CPU
/// would not do: the kernel counts a wait when it is over.
fn look_again(shared: &Shared, graph: &Graph, suspect: Suspect) -> Option<Suspect> {
    let Suspect { member, message, then } = suspect;
    let shown = shared.shown.get(member).filter(|shown| shown.message.load(Ordering::Relaxed) == message)?;
    let now = Doing::of(shown);
    if now.asks_for_it(then, shared.options.alarm) {
        // Its thread may end it at this moment and be in another one, which is not to be named in its place.
        let node = shown.node_of(message)?;
        match graph.handler(node) {
            Some(handler) if handler.is_nonblocking() => shared.demote(node, Why::Ran),
            // It may take its time, and began without the lead.
            Some(_) => {}
            None => shared.name(node),
        }
        return None;
    }
    Some(Suspect { then: Doing { ran: then.ran, ..now }, ..suspect })
}

/// What a kernel thread does. Where the kernel does not say, it neither runs nor sleeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Doing {
    /// How long it has run, ever, in nanoseconds; up to a tick of the kernel's late.
    ran: u64,
    /// It waits for something that is no CPU.
    is_asleep: bool,
}

impl Doing {
    fn of(shown: &Shown) -> Self {
        let thread = shown.thread.load(Ordering::Relaxed);
        let read = |name| std::fs::read_to_string(format!("/proc/self/task/{thread}/{name}")).unwrap_or_default();
        // The name of the thread, in parentheses, comes before.
        let state = read("stat").rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
        let ran = read("schedstat").split_whitespace().next().and_then(|ran| ran.parse().ok()).unwrap_or(0);
        Self { ran, is_asleep: matches!(state, Some('S' | 'D')) }
    }

    /// Whether it is its own doing that a message has not ended, since it did `then`.
    fn asks_for_it(self, then: Self, period: Duration) -> bool {
        let has_run = u128::from(self.ran.saturating_sub(then.ran)) >= period.as_nanos();
        has_run || (self.is_asleep && then.is_asleep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_cpu_is_not_to_blame() {
        let period = Duration::from_millis(2);
        let doing = |ran, is_asleep| Doing { ran, is_asleep };
        let then = doing(5_000_000, false);
        for (now, is_to_blame) in [
            (then, false),
            (doing(6_999_999, false), false),
            (doing(7_000_000, false), true),
            (doing(5_000_000, true), false),
        ] {
            assert_eq!(now.asks_for_it(then, period), is_to_blame, "{now:?}");
        }
        assert!(doing(5_000_000, true).asks_for_it(doing(5_000_000, true), period));
    }

    #[test]
    fn the_kernel_says_what_a_thread_does() {
        let shown = Shown::default();
        shown.thread.store(nearcall_core::sys::process::thread_id(), Ordering::Relaxed);
        assert!(!Doing::of(&shown).is_asleep, "it asks");
        let before = Doing::of(&shown).ran;
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while Doing::of(&shown).ran == before {
            assert!(std::time::Instant::now() < deadline, "it runs");
        }
        let asleep = Arc::new(Shown::default());
        let theirs = Arc::clone(&asleep);
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            theirs.thread.store(nearcall_core::sys::process::thread_id(), Ordering::Relaxed);
            let _ = receive.recv();
        });
        while asleep.thread.load(Ordering::Relaxed) == 0 || !Doing::of(&asleep).is_asleep {
            assert!(std::time::Instant::now() < deadline, "it sleeps");
        }
        drop(send);
        other.join().unwrap();
    }
}
