//! Lies in the words that only a client writes: bells, wait words, flags, CPUs, and everything at once; and what can be
//! done to a server's sleepers through memory that can only be read.

use std::time::{Duration, Instant};

use nearcall_layout::pair::{ASTACK_COUNT, BELL_COUNT, FRAMES, RING_COUNT, client, request};

use super::{Attack, count};
use crate::client::Outcome;
use crate::lies::{Lie, Seen, expect, hostile_value};
use crate::message;

pub(super) const ALL: &[Lie<Attack>] = &[
    Lie {
        row: "A6 A7",
        name: "words",
        what: "0, 1, -1, the ends of ranges, lengths and one beside them into every control word, among calls",
        right: "answers, or ends the pair",
        tell: words,
    },
    Lie {
        row: "A6 A7 A8",
        name: "scribble",
        what: "random words anywhere in its region, at full speed, during calls",
        right: "answers, or ends the pair",
        tell: scribble,
    },
    Lie {
        row: "A11 A36",
        name: "bells",
        what: "rings bells with nothing behind them, and wakes every word of either region",
        right: "counts, and attends the pair no more",
        tell: bells,
    },
    Lie {
        row: "A37",
        name: "bumps",
        what: "changes its bells faster than anybody can go to sleep on them",
        right: "gives up soon, and serves others",
        tell: bumps,
    },
    Lie {
        row: "A10",
        name: "requeue",
        what: "moves the server's sleepers to words that nobody knows, through either map",
        right: "loses this client's rings only",
        tell: requeue,
    },
    Lie {
        row: "A36 A37",
        name: "waits",
        what: "announces waits of other calls, and says in its lines what it will not do and where it is not",
        right: "answers, and wakes nobody more than once a call",
        tell: waits,
    },
    Lie {
        row: "A20 A22",
        name: "messages",
        what: "rings by message, and asks for bindings, without end",
        right: "reads its share of them, and serves others",
        tell: messages,
    },
];

/// Words before the frames: bells, ring, wait words, and what is between them.
fn control_words() -> impl Iterator<Item = usize> {
    let lines = |from: usize, count: usize| (0..count).flat_map(move |n| (0..8).map(move |i| from + n * 128 + i * 8));
    let header = (0..client::RING).step_by(8);
    header.chain(lines(client::RING, RING_COUNT)).chain(lines(client::WAITS, ASTACK_COUNT))
}

fn words(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, _, mut line) = attack.bound();
    for (n, at) in control_words().enumerate() {
        let old = client.own.load(at);
        client.own.store(at, hostile_value(&mut attack.random, old, 40));
        if n % 64 > 0 {
            continue;
        }
        let sequence = client.publish(&line);
        let outcome = client.answer(line.astack, sequence, Duration::from_millis(20), None);
        count(outcome, &mut seen);
        if outcome.status().is_none() {
            // Ended; or the line was overwritten before it was read, and this client has lost count.
            (client, _, line) = attack.bound();
        }
    }
    Ok(seen)
}

fn scribble(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, _, mut line) = attack.bound();
    for _ in 0..200 {
        let sequence = client.publish(&line);
        let patience = Duration::from_millis(20);
        let outcome = client.answer(line.astack, sequence, patience, Some((&mut attack.random, 8)));
        count(outcome, &mut seen);
        if outcome.status().is_none() {
            (client, _, line) = attack.bound();
        }
    }
    Ok(seen)
}

/// Does something again and again for a moment, then sees to it that others are served during it, too.
fn for_a_moment(attack: &Attack, lie: impl Fn() + Sync) -> Result<(), String> {
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = crate::busy::StopOnDrop(&stop);
        scope.spawn(|| {
            let start = Instant::now();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) && start.elapsed() < Duration::from_secs(10) {
                lie();
            }
        });
        std::thread::sleep(Duration::from_millis(20));
        attack.is_served()
    })
}

fn bells(attack: &mut Attack) -> Result<Seen, String> {
    let (client, ..) = attack.bound();
    for_a_moment(attack, || {
        for n in 0..BELL_COUNT {
            client.ring_bell(n);
        }
        for at in (0..FRAMES).step_by(512) {
            client.own.wake(at);
            client.peer.wake(at);
        }
    })?;
    Ok(Seen { ignored: 1, ..Seen::default() })
}

fn bumps(attack: &mut Attack) -> Result<Seen, String> {
    let (client, ..) = attack.bound();
    for_a_moment(attack, || (0..BELL_COUNT).for_each(|n| client.own.bump(client::bell(n))))?;
    Ok(Seen { ignored: 1, ..Seen::default() })
}

fn requeue(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, line) = attack.bound();
    for _ in 0..20 {
        // So that somebody attends it, and goes to sleep on its bells.
        let _ = client.call(&line);
    }
    let taken = std::sync::atomic::AtomicU64::new(0);
    for_a_moment(attack, || {
        for n in 0..BELL_COUNT {
            let count = client.own.requeue(client::bell(n), client::RING - 8)
                + client.peer.requeue(nearcall_layout::pair::server::armed(n), 8);
            taken.fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        }
    })?;
    Ok(Seen { took: taken.into_inner(), ignored: 1, ..Seen::default() })
}

fn waits(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, _, line) = attack.bound();
    for _ in 0..200 {
        for _ in 0..4 {
            let astack = usize::try_from(attack.random.below(ASTACK_COUNT as u64)).expect("few");
            let sequence = u64::from(client.next.wrapping_add(u32::try_from(attack.random.below(5)).expect("small")));
            let value = hostile_value(&mut attack.random, sequence, sequence);
            client.own.store(client::wait(astack), attack.random.one_of(&[sequence, value]));
        }
        let sequence = client.publish(&line);
        let flags = u16::try_from(attack.random.below(1 << 16)).expect("16 bits");
        let cpu = attack.random.one_of(&[0, 1, 63, 64, 1023, u16::MAX, flags]);
        // Once more, with other hints: it is the same request.
        client.own.store(client::line(sequence), request::first(sequence, flags, cpu));
        let outcome = client.answer(line.astack, sequence, Duration::from_secs(5), None);
        count(outcome, &mut seen);
        expect(outcome != Outcome::Silence, || "a call with wrong hints is not answered".to_owned())?;
    }
    Ok(seen)
}

fn messages(attack: &mut Attack) -> Result<Seen, String> {
    let (client, ..) = attack.bound();
    let bind = message::bind(3, client.token, &[]);
    for_a_moment(attack, || {
        for _ in 0..16 {
            let _ = client.connection.try_say(message::RING);
        }
        let _ = client.connection.try_say(&bind);
        // What it would hear is never read.
    })?;
    Ok(Seen { ignored: 1, ..Seen::default() })
}
