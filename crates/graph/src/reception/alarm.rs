//! The alarm: who looks whether the lead is stuck in a message.
//!
//! A message may take long between two edges, or block the kernel thread in code that is not nearcall's. Then no wrapper is asked;
//! so a thread that does nothing else looks now and then. A message that it finds a second time loses the lead. One that it finds
//! a third time, though its kernel thread had a CPU or wanted none, is named, and what it has reached is demoted: from then on
//! messages are handed off before it. It sleeps when no message has come for a while.
//!
//! It also calls a thread that has the lead and was not woken for it yet (`Shared::hand_off_in_passing`).

use core::sync::atomic::Ordering;
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
    /// How long its kernel thread had waited for a CPU by the last look, in nanoseconds.
    waited: u64,
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
        suspect = suspect.and_then(|suspect| look_again(shared, suspect));
        let holder = shared.holder.load(Ordering::Relaxed);
        let member = usize::try_from(holder).unwrap_or(0).wrapping_sub(1);
        let Some(shown) = shared.shown.get(member) else { continue };
        let message = shown.message.load(Ordering::Relaxed);
        if message != 0 && last == (holder, message) {
            take_away(shared, graph, member);
            suspect = suspect.or_else(|| Some(Suspect { member, message, waited: waited(shown) }));
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

/// Demotes what the message has reached, if it is the message that took the time, and not others who had its CPU.
fn look_again(shared: &Shared, suspect: Suspect) -> Option<Suspect> {
    let Suspect { member, message, waited: before } = suspect;
    let shown = shared.shown.get(member).filter(|shown| shown.message.load(Ordering::Relaxed) == message)?;
    let now = waited(shown);
    if u128::from(now.saturating_sub(before)) * 2 < shared.options.alarm.as_nanos() {
        shared.demote(shown.node(), Why::Ran);
        return None;
    }
    Some(Suspect { waited: now, ..suspect })
}

/// How long its kernel thread has waited for a CPU, ever, in nanoseconds; 0 where the kernel does not say.
fn waited(shown: &Shown) -> u64 {
    let path = format!("/proc/self/task/{}/schedstat", shown.thread.load(Ordering::Relaxed));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|waited| waited.parse().ok()).unwrap_or(0)
}
