//! CHAN's two machines, and every order in which a network can treat their messages.
//!
//! A state is both machines, what each has done, and the messages under way, each of which may be delivered, delivered and
//! kept (duplicated), or lost, at any time and in any order. Client and server may begin another life; the layer below lets a
//! message through only if both lives that it names are those that its receiver knows, and tells who begins to hear from
//! another life, as BID does. All states are visited that up to six messages can lead to.

use std::collections::HashSet;

use nearcall_graph::protocols::chan::client::{self, Client, Retry};
use nearcall_graph::protocols::chan::header::Flags;
use nearcall_graph::protocols::chan::server::{self, Kept, Server};

/// Messages that are sent in one history at most.
const MESSAGES: u8 = 6;
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
    sent: u8,
    calls: u8,
    /// The call that is under way at the client; what the server runs, and the reply it keeps.
    waiting: u8,
    running: u8,
    reply: u8,
    executed: [u8; CALLS as usize + 1],
    answered: [u8; CALLS as usize + 1],
    under_way: Vec<Packet>,
}

#[derive(Debug, Clone, Copy)]
struct Restarts {
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
            sent: 0,
            calls: 0,
            waiting: 0,
            running: 0,
            reply: 0,
            executed: [0; CALLS as usize + 1],
            answered: [0; CALLS as usize + 1],
            under_way: Vec::new(),
        }
    }

    fn send(&mut self, from_client: bool, flags: Flags, sequence: u32, body: u8) {
        let me = usize::from(!from_client);
        let (source, destination) = (self.lives[me], self.believes[me]);
        self.sent += 1;
        self.under_way.push(Packet { from_client, source, destination, flags: flags.0, sequence, body });
        self.under_way.sort_unstable();
    }

    /// A message arrives; what is below has looked at the lives first.
    fn arrive(&mut self, packet: Packet) {
        let me = usize::from(packet.from_client);
        if packet.destination != self.lives[me] {
            return;
        }
        if packet.source != self.believes[me] {
            // The other side is asked, and says which life it is in now.
            self.learn(me);
            if packet.source != self.believes[me] {
                return;
            }
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
                server::Heard::Release => self.reply = 0,
                server::Heard::Busy | server::Heard::Stale => {}
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
                client::Heard::Executing | client::Heard::Stale => {}
            }
        }
    }

    /// Side `me` learns in which life the other one is.
    fn learn(&mut self, me: usize) {
        if std::mem::replace(&mut self.believes[me], self.lives[1 - me]) == self.lives[1 - me] {
            return;
        }
        if me == 0 {
            // Calls under way fail.
            self.client.give_up();
            self.waiting = 0;
        } else {
            self.server = Server::default();
            (self.running, self.reply) = (0, 0);
        }
    }

    fn next(&self, restarts: Restarts, into: &mut Vec<Self>) {
        let mut push = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            into.push(next);
        };
        let may_send = self.sent < MESSAGES;
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
        if may_send && self.reply != 0 {
            push(&|next| match next.server.look() {
                Kept::Ask(flags) => next.send(false, flags, next.server.last(), 0),
                Kept::Release => next.reply = 0,
                Kept::Nothing => {}
            });
        }
        if restarts.server && self.lives[1] == 1 {
            push(&|next| {
                next.server = Server::default();
                (next.running, next.reply) = (0, 0);
                next.lives[1] = 2;
                // It knows nobody; whoever comes first is asked.
                next.believes[1] = 0;
            });
        }
        if restarts.client && self.lives[0] == 1 {
            push(&|next| {
                next.client = Client::default();
                next.waiting = 0;
                next.lives[0] = 2;
            });
        }
        if self.believes[0] != self.lives[1] {
            push(&|next| next.learn(0));
        }
        for at in 0..self.under_way.len() {
            push(&|next| {
                next.under_way.remove(at);
            });
            push(&|next| {
                let packet = next.under_way.remove(at);
                next.arrive(packet);
            });
            push(&|next| next.arrive(next.under_way[at]));
        }
    }

    fn check(&self) {
        for call in 1..=usize::from(CALLS) {
            assert!(self.executed[call] <= 1, "executed twice: {self:?}");
            assert!(self.answered[call] <= 1, "answered twice: {self:?}");
            assert!(self.answered[call] <= self.executed[call], "answered and not executed: {self:?}");
        }
    }
}

fn explore(restarts: Restarts) -> usize {
    let mut seen = HashSet::from([World::new()]);
    let mut left = vec![World::new()];
    let mut next = Vec::new();
    let mut answered = 0;
    while let Some(world) = left.pop() {
        world.check();
        answered = answered.max(world.answered.iter().sum());
        world.next(restarts, &mut next);
        for world in next.drain(..) {
            if world.sent <= MESSAGES && seen.insert(world.clone()) {
                left.push(world);
            }
        }
    }
    assert_eq!(answered, CALLS, "the model does nothing");
    seen.len()
}

#[test]
fn every_interleaving_executes_at_most_once() {
    let states = explore(Restarts { client: false, server: false });
    println!("{states} states");
    assert!(states > 10_000, "{states}");
}

#[test]
fn every_interleaving_with_restarts_executes_at_most_once() {
    for restarts in [Restarts { client: false, server: true }, Restarts { client: true, server: false }] {
        let states = explore(restarts);
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
    world.next(Restarts { client: false, server: false }, &mut next);
    world = next.pop().unwrap();
    let packet = world.under_way[0];
    world.arrive(packet);
    world.server = Server::default();
    world.arrive(packet);
    world.check();
}
