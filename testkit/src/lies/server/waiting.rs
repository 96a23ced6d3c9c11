//! Lies of a server with the words about waiting, and with its client's sleepers.

use std::time::{Duration, Instant};

use nearcall_layout::pair::{BELL_COUNT, armed, poll, reply, server, status};

use super::Encounter;
use crate::lies::{Lie, Seen};
use crate::packet::Connection;
use crate::random::Random;
use crate::server::Server;
use crate::tasks::cpus;

macro_rules! lie {
    ($row:literal, $name:literal, $what:literal) => {
        Lie {
            row: $row,
            name: $name,
            what: $what,
            right: "answers come no later than a step, and calls without one end by their deadline",
            tell: |encounter| {
                let (answers, patience) = (encounter.random.below(4) > 0, encounter.patience);
                Ok(deceive($name, answers, patience, encounter.connection()))
            },
        }
    };
}

pub(super) const ALL: &[Lie<Encounter>] = &[
    lie!("A37", "polled", "says that it polls, and does not look"),
    lie!("A37", "polled here", "says that it polls on the CPU that its client is on"),
    lie!("A36", "asleep", "says that everybody sleeps: each bell is rung for nobody"),
    lie!("A37", "looking", "says that everybody looks"),
    lie!("A36 A37", "toggles", "changes what it says all the time"),
    lie!("A10", "takes away", "moves its client's sleepers to a word that nobody knows"),
    lie!("A37", "stirs", "changes the words that its client sleeps on, and does not answer"),
    lie!("A11", "wakes", "wakes its client's sleepers for nothing, without end"),
];

/// The names of these lies.
pub const WAITING: [&str; 8] =
    ["polled", "polled here", "asleep", "looking", "toggles", "takes away", "stirs", "wakes"];

/// Lies as `how` says, until the client hangs up or `patience` is over; answers requests if `answers` says so.
pub fn deceive(how: &str, answers: bool, patience: Duration, connection: Connection) -> Seen {
    let mut me = Server::honest(connection);
    let mut seen = Seen::default();
    let start = Instant::now();
    let arm = |me: &Server, what: u64| (0..BELL_COUNT).for_each(|n| me.own.store(server::armed(n), what));
    let unpolled = poll::word(poll::UNPOLLED, 0);
    match how {
        "polled" => {}
        "polled here" => {
            let cpu = u16::try_from(cpus()[0]).expect("a CPU");
            me.own.store(server::STATUS, poll::word(poll::POLLED, cpu));
        }
        "looking" => {
            me.own.store(server::STATUS, unpolled);
            arm(&me, armed::LOOKING);
        }
        _ => {
            me.own.store(server::STATUS, unpolled);
            arm(&me, armed::ASLEEP);
        }
    }
    let mut random = Random::new(8);
    while !me.connection.is_closed() {
        if start.elapsed() > patience {
            return seen;
        }
        let astacks = (0..5).map(server::reply);
        match how {
            "toggles" => {
                let n = usize::try_from(random.below(2)).expect("few");
                me.own.store(server::armed(n), random.below(4));
                let few = |random: &mut Random| u16::try_from(random.below(3)).expect("few");
                let (state, cpu) = (few(&mut random), few(&mut random));
                me.own.store(server::STATUS, poll::word(state, cpu));
            }
            "takes away" => astacks.for_each(|at| {
                me.own.requeue(at, server::REPLY_BELL);
            }),
            // Sequence numbers that no call will have here, and no wake: a sleep on the old value fails.
            "stirs" if !answers => {
                let wrong = u32::try_from(random.below(1 << 31)).expect("31 bits") | 1 << 31;
                astacks.for_each(|at| me.own.store(at, reply::first(wrong, 0)));
            }
            "wakes" => astacks.for_each(|at| me.own.wake(at)),
            _ => {}
        }
        if let Some(request) = me.request(Duration::ZERO) {
            if answers {
                me.answer(&request, status::OK, 0, &5u64.to_le_bytes());
                seen.took += 1;
            } else {
                seen.ignored += 1;
            }
        }
    }
    seen.ended = 1;
    seen
}
