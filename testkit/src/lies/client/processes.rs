//! Lies of whole processes: they die at any point, or stop, with calls under way.

use std::time::Duration;

use rustix::process::Signal;

use super::Attack;
use crate::client::{Client, Greeted};
use crate::lies::{Lie, Seen};
use crate::packet::Connection;
use crate::process::Forked;
use crate::random::Random;

pub(super) const ALL: &[Lie<Attack>] = &[
    Lie {
        row: "A13 A14 A34",
        name: "dies",
        what: "a process is killed at a random point of handshake and calls",
        right: "frees what it had",
        tell: dies,
    },
    Lie {
        row: "A16",
        name: "stops",
        what: "a process is stopped (SIGSTOP) at a random point, and killed later",
        right: "waits for nobody",
        tell: stops,
    },
];

/// Goes as far as `steps` says, then calls until it is ended.
fn go(attack: &mut Attack, steps: u64) {
    match steps {
        0 => {
            let _connection = Connection::connect(&attack.dir, &attack.name);
            std::thread::sleep(Duration::from_secs(10));
        }
        1 => {
            let _greeted = Greeted::new(&attack.dir, &attack.name);
            std::thread::sleep(Duration::from_secs(10));
        }
        2 => {
            let greeted = Greeted::new(&attack.dir, &attack.name);
            let _offer = greeted.offered();
            std::thread::sleep(Duration::from_secs(10));
        }
        _ => {
            let (mut client, _, line): (Client, _, _) = attack.bound();
            for _ in 0..1_000_000 {
                let sequence = client.publish(&line);
                // Not always waited for: then the next request uses an A-stack that may be in use, which ends the pair.
                if attack.random.below(256) > 0 {
                    let _ = client.answer(line.astack, sequence, Duration::from_secs(5), None);
                }
                if client.connection.is_closed() {
                    (client, _, _) = attack.bound();
                }
            }
        }
    }
}

fn begun(attack: &mut Attack) -> Forked {
    let (steps, seed) = (attack.random.below(6), attack.random.word());
    let mut own = Attack { random: Random::new(seed), name: attack.name.clone(), ..Attack::copy(attack) };
    let child = Forked::start(move || go(&mut own, steps));
    std::thread::sleep(Duration::from_micros(attack.random.below(5000)));
    child
}

fn dies(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for _ in 0..5 {
        drop(begun(attack));
        seen.ignored += 1;
    }
    Ok(seen)
}

fn stops(attack: &mut Attack) -> Result<Seen, String> {
    let child = begun(attack);
    child.signal(Signal::STOP);
    attack.is_served()?;
    child.signal(Signal::CONT);
    attack.is_served()?;
    child.signal(Signal::STOP);
    drop(child);
    Ok(Seen { ignored: 1, ..Seen::default() })
}
