//! Lies of a client, to any export: nothing but its name has to be known.
//!
//! ```text
//! Attack::new --bind to no procedure, call 0, 1, 2 ..--> targets --each lie--> Seen
//! ```

mod handshake;
mod processes;
mod requests;
mod segments;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use nearcall_layout::pair::status;

use super::{Lie, Seen};
use crate::client::{Client, Greeted, Line, Outcome};
use crate::message::Grant;
use crate::random::Random;

/// Every lie of a client.
pub const ALL: &[&[Lie<Attack>]] = &[handshake::ALL, requests::ALL, segments::ALL, words::ALL, processes::ALL];

/// Every lie of a client, in order.
pub fn all() -> impl Iterator<Item = &'static Lie<Attack>> {
    ALL.iter().copied().flatten()
}

/// Procedures that are tried where the server does not describe them.
const PROCEDURE_COUNT: u16 = 64;

/// How long an answer to a probe may take.
const PROBE: Duration = Duration::from_millis(200);

/// An export, and what a liar knows of it.
#[derive(Debug)]
pub struct Attack {
    /// Directory of names.
    pub dir: PathBuf,
    /// The export.
    pub name: String,
    /// What can be called.
    pub targets: Vec<Target>,
    /// Where variations come from.
    pub random: Random,
}

/// A procedure of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The server's index of it.
    pub procedure: u16,
    /// The size class of its A-stacks.
    pub class: usize,
    /// Whether it has answered requests of zeros and of ones at once: what sleeps for as long as it is told to would hold
    /// a processor of the server, which every client may do, and is no lie.
    pub is_quick: bool,
    /// Whether it has a result for zeros.
    pub is_fine: bool,
}

impl Attack {
    /// Finds out what the export has: the server describes it to whoever asks. One that does not is tried. A binding to no
    /// procedures is granted to anybody, and shows every size class; a request with a procedure's index and its class's
    /// A-stack is answered, with another class's ends the pair, and an index beyond the last is refused.
    ///
    /// `only`: names of procedures. All that it has if empty.
    ///
    /// # Panics
    /// If nobody exports the name, or nothing honest can be done with it.
    #[must_use]
    pub fn new(dir: PathBuf, name: &str, only: &[String], random: Random) -> Self {
        let mut attack = Self { dir, name: name.to_owned(), targets: Vec::new(), random };
        let mut client = attack.client();
        let mut grant = client.bind_to_nothing();
        let described = Greeted::new(&attack.dir, name).described().unwrap_or_default();
        let wanted = |(name, _): &(String, u64)| only.is_empty() || only.contains(name);
        let named: Vec<_> = described.into_iter().filter(wanted).collect();
        if !named.is_empty() || !only.is_empty() {
            assert!(named.len() == only.len() || only.is_empty(), "the export has not all of {only:?}");
            let procedures = attack.client().bind_to(&named).procedures;
            let target_of = |&(procedure, class): &(u16, u8)| {
                let class = usize::from(class);
                attack.target_of(&Line::to(&grant, procedure, class), class)
            };
            attack.targets = procedures.iter().map(target_of).collect();
            return attack;
        }
        'procedures: for procedure in 0..PROCEDURE_COUNT {
            for class in 0..grant.classes.len() {
                let mut outcome = attack.probe(&mut client, &Line::to(&grant, procedure, class));
                if outcome.status() == Some(status::REVOKED) {
                    // It is one that takes bindings back, or the one before was.
                    grant = client.bind_to_nothing();
                    outcome = attack.probe(&mut client, &Line::to(&grant, procedure, class));
                }
                if outcome.status() == Some(status::NO_PROCEDURE) {
                    break 'procedures;
                }
                if outcome != Outcome::Closed {
                    let line = Line::to(&grant, procedure, class);
                    attack.targets.push(attack.target_of(&line, class));
                }
                if outcome.status().is_none() {
                    client = attack.client();
                    grant = client.bind_to_nothing();
                }
                if outcome != Outcome::Closed {
                    break;
                }
            }
        }
        assert!(!attack.targets.is_empty(), "the export answers to no procedure");
        attack
    }

    fn probe(&self, client: &mut Client, line: &Line) -> Outcome {
        let sequence = client.publish(line);
        client.answer(line.astack, sequence, PROBE, None)
    }

    fn target_of(&self, line: &Line, class: usize) -> Target {
        let mut outcomes = [0, u64::MAX].map(|word| {
            let mut client = self.client();
            let grant = client.bind_to_nothing();
            let Grant { binding, generation, nonce, .. } = grant;
            self.probe(&mut client, &Line { binding, generation, nonce, words: [word; 5], ..*line }).status()
        });
        if outcomes[0] == Some(status::REVOKED) {
            // It is what takes bindings back: nobody's honest call.
            outcomes[0] = None;
        }
        Target {
            procedure: line.procedure,
            class,
            is_quick: outcomes.iter().all(Option::is_some),
            is_fine: outcomes[0] == Some(status::OK),
        }
    }

    /// The same victim.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            dir: self.dir.clone(),
            name: self.name.clone(),
            targets: self.targets.clone(),
            random: self.random.clone(),
        }
    }

    /// A pair of its own.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.dir, &self.name)
    }

    /// A pair with a binding, and a request that is fine as far as the liar can tell.
    #[must_use]
    pub fn bound(&mut self) -> (Client, Grant, Line) {
        let client = self.client();
        let grant = client.bind_to_nothing();
        let target = self.target();
        let line = Line::to(&grant, target.procedure, target.class);
        (client, grant, line)
    }

    /// One of the procedures that answer at once, if there are any.
    pub fn target(&mut self) -> Target {
        let quick: Vec<_> = self.targets.iter().copied().filter(|target| target.is_quick).collect();
        let among = if quick.is_empty() { self.targets.clone() } else { quick };
        self.random.one_of(&among)
    }

    /// What any client can ask for and a server that serves must answer: a binding, and a call.
    ///
    /// # Errors
    /// What the server did instead.
    pub fn is_served(&self) -> Result<(), String> {
        let mut outcome = Outcome::Silence;
        // Of an export with a procedure that takes bindings back, another liar may have called it.
        for _ in 0..10 {
            let mut client = self.client();
            let grant = client.bind_to_nothing();
            let (line, expected) = match self.targets.iter().find(|target| target.is_quick && target.is_fine) {
                Some(target) => (Line::to(&grant, target.procedure, target.class), status::OK),
                None => (Line::to(&grant, u16::MAX, 0), status::NO_PROCEDURE),
            };
            outcome = client.call(&line);
            match outcome.status() {
                Some(status) if status == expected => return Ok(()),
                Some(status::REVOKED) => {}
                _ => break,
            }
        }
        Err(format!("an honest call ended in {outcome:?}"))
    }
}

/// Tells several lies at once, from several processes' worth of connections.
///
/// # Errors
/// The first that any of them should not have seen.
pub fn soak(attack: &Attack, random: &mut Random, liars: u32, lies: u32) -> Result<Seen, String> {
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let liars: Vec<_> = (0..liars)
            .map(|_| {
                let mut own = Attack { random: Random::new(random.word()), ..attack.copy() };
                scope.spawn(move || {
                    let mut seen = Seen::default();
                    let all: Vec<_> = all().collect();
                    for _ in 0..lies {
                        let lie = own.random.one_of(&all);
                        let (now, verdict) = super::tell(lie, &mut own, 1, || Ok(()));
                        if let super::Verdict::Failed(why) = verdict {
                            return Err(format!("{}: {why}", lie.name));
                        }
                        seen.add(now);
                    }
                    Ok(seen)
                })
            })
            .collect();
        for liar in liars {
            seen.add(liar.join().expect("lies do not panic")?);
        }
        Ok(seen)
    })
}

/// What to count an outcome as.
fn count(outcome: Outcome, seen: &mut Seen) {
    match outcome {
        Outcome::Answer { status: status::OK | status::APP | status::PANICKED, .. } => seen.took += 1,
        Outcome::Answer { .. } => seen.refused += 1,
        Outcome::Closed => seen.ended += 1,
        Outcome::Silence => seen.ignored += 1,
    }
}
