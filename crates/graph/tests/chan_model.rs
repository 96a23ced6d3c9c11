//! CHAN's two machines, and every order in which a network, and the threads of a host, can treat their messages.
//!
//! A state is both machines, what each has done, and the messages under way, each of which may be delivered, delivered and
//! kept (duplicated), or lost, at any time and in any order. The server may refuse a request, lose its reply, and give the channel
//! up for others, of which it knows the number then. Client and server may begin another life; the layer below lets a message
//! through only if both lives that it names are those that its receiver knows, as BID does. It asks, and so learns of
//! another life, at any time; those above are told by a notice, at any time after that, and a message that has passed below may be
//! in some thread's hand for as long. All states are visited that up to six messages can
//! lead to; four where there is more that can happen.

use std::collections::HashSet;

use nearcall_graph::protocols::chan::client::{self, Client, Retry};
use nearcall_graph::protocols::chan::header::Flags;
use nearcall_graph::protocols::chan::server::{self, Kept, Server, forgotten, refused};

/// Calls that are begun at most.
const CALLS: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Packet {
    from_client: bool,
    source: u8,
    destination: u8,
    flags: u16,
    sequence: u32,
    /// Which call of the history the body belongs to; 0: there is none.
    body: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    client: Client,
    server: Server,
    /// Lives, and what each side believes of the other's.
    lives: [u8; 2],
    believes: [u8; 2],
    /// The how-manieth life of the other one that is: below, and as far as the machine was told.
    epoch: [u8; 2],
    told: [u8; 2],
    /// Of each side: a message that has passed below, of this life.
    in_hand: [Option<(Packet, u8)>; 2],
    sent: u8,
    calls: u8,
    /// The call that is under way at the client; what the server runs, and the reply it keeps.
    waiting: u8,
    running: u8,
    reply: u8,
    executed: [u8; CALLS as usize + 1],
    answered: [u8; CALLS as usize + 1],
    /// The client was told that these were not run.
    refused: [bool; CALLS as usize + 1],
    under_way: Vec<Packet>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Messages that are sent in one history at most.
    messages: u8,
    /// The server refuses, loses and forgets.
    forgets: bool,
    /// Begins another life.
    client: bool,
    server: bool,
}

impl World {
    fn new() -> Self {
        Self {
            client: Client::default(),
            server: Server::default(),
            lives: [1, 1],
            believes: [1, 1],
            epoch: [1, 1],
            told: [1, 1],
            in_hand: [None, None],
            sent: 0,
            calls: 0,
            waiting: 0,
            running: 0,
            reply: 0,
            executed: [0; CALLS as usize + 1],
            answered: [0; CALLS as usize + 1],
            refused: [false; CALLS as usize + 1],
            under_way: Vec::new(),
        }
    }

    fn send(&mut self, from_client: bool, flags: Flags, sequence: u32, body: u8) {
        let me = usize::from(!from_client);
        let (source, destination) = (self.lives[me], self.believes[me]);
        self.sent += 1;
        if self.told[me] != self.epoch[me] {
            // It does not go down.
            return;
        }
        self.under_way.push(Packet { from_client, source, destination, flags: flags.0, sequence, body });
        self.under_way.sort_unstable();
    }

    /// A message arrives. `true`: what is below lets it through.
    fn arrive(&mut self, packet: Packet) -> bool {
        let me = usize::from(packet.from_client);
        if packet.destination != self.lives[me] {
            return false;
        }
        if self.believes[me] == 0 {
            // It waits until the other side has said who it is.
            self.learn(me);
        }
        packet.source == self.believes[me]
    }

    /// It arrives, and reaches the machine at once.
    fn pass(&mut self, packet: Packet) {
        if self.arrive(packet) {
            self.take(packet, self.epoch[usize::from(packet.from_client)]);
        }
    }

    /// One that has passed below reaches the machine.
    fn take(&mut self, packet: Packet, epoch: u8) {
        let me = usize::from(packet.from_client);
        if epoch > self.told[me] {
            self.restarted(me, epoch);
        }
        if epoch < self.told[me] {
            return;
        }
        let (flags, sequence) = (Flags(packet.flags), packet.sequence);
        if packet.from_client {
            match self.server.hear(flags, sequence) {
                server::Heard::Execute => {
                    assert_ne!(packet.body, 0, "a request has a body");
                    (self.running, self.reply) = (packet.body, 0);
                    self.executed[usize::from(packet.body)] += 1;
                }
                server::Heard::Repeat => {
                    assert_ne!(self.reply, 0, "a reply that is sent again is kept");
                    self.send(false, Flags::USER_MESSAGE, sequence, self.reply);
                }
                server::Heard::Acknowledge => self.send(false, Flags::default(), sequence, 0),
                server::Heard::Deny => self.send(false, Flags::MISSING, sequence, 0),
                server::Heard::Refuse { is_busy } => self.send(false, refused(is_busy), sequence, 0),
                server::Heard::Forgotten => self.send(false, forgotten(), sequence, 0),
                server::Heard::Release => self.reply = 0,
                server::Heard::Stale => {}
            }
        } else {
            match self.client.hear(flags, sequence) {
                client::Heard::Answer => {
                    assert_eq!(packet.body, self.waiting, "the answer to another call");
                    self.answered[usize::from(self.waiting)] += 1;
                    self.waiting = 0;
                }
                client::Heard::Resend => {
                    let flags = Flags::FROM_CLIENT.and(Flags::USER_MESSAGE).and(Flags::ASKS);
                    self.send(true, flags, sequence, self.waiting);
                }
                client::Heard::Acknowledge => self.send(true, Flags::FROM_CLIENT, sequence, 0),
                client::Heard::Deny => self.send(true, Flags::FROM_CLIENT.and(Flags::MISSING), sequence, 0),
                client::Heard::Refused { .. } => {
                    self.refused[usize::from(self.waiting)] = true;
                    self.waiting = 0;
                }
                client::Heard::Forgotten => self.waiting = 0,
                client::Heard::Executing | client::Heard::Stale => {}
            }
        }
    }

    /// What is below side `me` learns in which life the other one is.
    fn learn(&mut self, me: usize) {
        let before = std::mem::replace(&mut self.believes[me], self.lives[1 - me]);
        if before != 0 && before != self.believes[me] {
            self.epoch[me] += 1;
        }
    }

    /// The machine of side `me` learns that it is another one.
    fn restarted(&mut self, me: usize, epoch: u8) {
        self.told[me] = epoch;
        if me == 0 {
            // Calls under way fail.
            self.client.give_up();
            self.waiting = 0;
        } else {
            self.server = Server::default();
            (self.running, self.reply) = (0, 0);
        }
    }

    fn next(&self, limits: Limits, into: &mut Vec<Self>) {
        let mut push = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            into.push(next);
        };
        let may_send = self.sent < limits.messages;
        if may_send && self.calls < CALLS && !self.client.waits() {
            push(&|next| {
                let flags = next.client.call().unwrap();
                next.calls += 1;
                next.waiting = next.calls;
                next.send(true, flags, next.client.sequence(), next.waiting);
            });
        }
        if may_send && self.client.waits() {
            for is_long in [false, true] {
                push(&|next| {
                    let (what, flags) = next.client.retry(is_long).unwrap();
                    let body = if what == Retry::Whole { next.waiting } else { 0 };
                    next.send(true, flags, next.client.sequence(), body);
                });
            }
        }
        if self.client.waits() {
            push(&|next| {
                next.client.give_up();
                next.waiting = 0;
            });
        }
        if may_send && self.running != 0 {
            push(&|next| {
                let flags = next.server.answer().unwrap();
                (next.reply, next.running) = (next.running, 0);
                next.send(false, flags, next.server.last(), next.reply);
            });
        }
        if limits.forgets && may_send && self.running != 0 && self.executed[usize::from(self.running)] == 1 {
            push(&|next| {
                // It was dropped above before it ran.
                let flags = next.server.refuse(true).unwrap();
                next.executed[usize::from(next.running)] = 0;
                next.running = 0;
                next.send(false, flags, next.server.last(), 0);
            });
            push(&|next| {
                let flags = next.server.lose().unwrap();
                next.running = 0;
                next.send(false, flags, next.server.last(), 0);
            });
        }
        if limits.forgets && self.running == 0 && self.server.last() != 0 {
            push(&|next| {
                next.server = Server::after(next.server.heard());
                next.reply = 0;
            });
        }
        if may_send && self.reply != 0 {
            push(&|next| match next.server.look() {
                Kept::Ask(flags) => next.send(false, flags, next.server.last(), 0),
                Kept::Release => next.reply = 0,
                Kept::Nothing => {}
            });
        }
        if limits.server && self.lives[1] == 1 {
            push(&|next| {
                next.server = Server::default();
                (next.running, next.reply) = (0, 0);
                next.begin_anew(1);
            });
        }
        if limits.client && self.lives[0] == 1 {
            push(&|next| {
                next.client = Client::default();
                next.waiting = 0;
                next.begin_anew(0);
            });
        }
        for me in [0, 1] {
            if self.believes[me] != 0 && self.believes[me] != self.lives[1 - me] {
                push(&|next| next.learn(me));
            }
            if self.told[me] != self.epoch[me] {
                push(&|next| next.restarted(me, next.epoch[me]));
            }
            if self.in_hand[me].is_some() {
                push(&|next| {
                    let (packet, epoch) = next.in_hand[me].take().unwrap();
                    next.take(packet, epoch);
                });
            }
        }
        for at in 0..self.under_way.len() {
            push(&|next| {
                next.under_way.remove(at);
            });
            push(&|next| {
                let packet = next.under_way.remove(at);
                next.pass(packet);
            });
            push(&|next| next.pass(next.under_way[at]));
            let me = usize::from(self.under_way[at].from_client);
            // Without restarts a thread that is slow does what a slow network does.
            if (limits.client || limits.server) && self.in_hand[me].is_none() {
                push(&|next| {
                    let packet = next.under_way[at];
                    next.in_hand[me] = next.arrive(packet).then(|| (packet, next.epoch[me]));
                });
            }
        }
    }

    /// Side `me` begins another life, and knows nobody: whoever comes first is asked. A client that sends asks, too.
    fn begin_anew(&mut self, me: usize) {
        self.lives[me] += 1;
        self.believes[me] = if me == 0 { self.lives[1] } else { 0 };
        (self.epoch[me], self.told[me], self.in_hand[me]) = (1, 1, None);
    }

    fn check(&self) {
        for call in 1..=usize::from(CALLS) {
            assert!(self.executed[call] <= 1, "executed twice: {self:?}");
            assert!(self.answered[call] <= 1, "answered twice: {self:?}");
            assert!(self.answered[call] <= self.executed[call], "answered and not executed: {self:?}");
            assert!(!self.refused[call] || self.executed[call] == 0, "refused and executed: {self:?}");
        }
    }
}

fn explore(limits: Limits) -> usize {
    let mut seen = HashSet::from([World::new()]);
    let mut left = vec![World::new()];
    let mut next = Vec::new();
    let (mut answered, mut refused) = (0, false);
    while let Some(world) = left.pop() {
        world.check();
        answered = answered.max(world.answered.iter().sum());
        refused |= world.refused.contains(&true);
        world.next(limits, &mut next);
        for world in next.drain(..) {
            if world.sent <= limits.messages && seen.insert(world.clone()) {
                left.push(world);
            }
        }
    }
    assert!(answered >= limits.messages / 2 && (refused || !limits.forgets), "the model does nothing: {answered}");
    seen.len()
}

#[test]
fn every_interleaving_executes_at_most_once() {
    for (messages, forgets) in [(6, false), (5, true)] {
        let states = explore(Limits { messages, forgets, client: false, server: false });
        println!("{states} states");
        assert!(states > 10_000, "{states}");
    }
}

#[test]
fn every_interleaving_with_restarts_executes_at_most_once() {
    for (client, server) in [(false, true), (true, false), (true, true)] {
        let states = explore(Limits { messages: 4, forgets: false, client, server });
        println!("{states} states");
        assert!(states > 10_000, "{states}");
    }
}

/// The model sees what it is for: a server that forgets numbers executes twice.
#[test]
#[should_panic(expected = "executed twice")]
fn a_server_that_forgets_what_it_ran_is_found() {
    let mut world = World::new();
    let mut next = Vec::new();
    world.next(Limits { messages: 6, forgets: false, client: false, server: false }, &mut next);
    world = next.pop().unwrap();
    let packet = world.under_way[0];
    world.pass(packet);
    world.server = Server::default();
    world.pass(packet);
    world.check();
}
