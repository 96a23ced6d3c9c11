//! Calls between two hosts on a cable.

use core::net::Ipv4Addr;

use nearcall_graph::protocol::Session;
use nearcall_graph::{Address, Graph, Message, Participants, Time};

use super::{Cable, build, host, kinds, settle};

pub const SECOND: u64 = 1_000_000_000;
pub const MS: u64 = 1_000_000;
pub const PROCEDURE: u16 = 7;

/// A host in this life, with these options of CHAN.
pub fn stack(life: u64, chan: &str) -> String {
    stack_at(500, life, "", chan)
}

/// The same at another port, with these options of what is below CHAN.
pub fn stack_at(port: u16, life: u64, below: &str, chan: &str) -> String {
    format!(
        "name=udp protocols=ip {below};\nname=blast protocols=udp port={port} {below};\nname=bidctl protocols=blast id={life};\n\
         name=bid protocols=blast,bidctl {below};\nname=chan protocols=bid {chan};\nname=vchan protocols=chan;\n\
         name=select protocols=vchan;\nname=anchor protocols=select inbox=1000;\n"
    )
}

/// The client's host and the server's, which has enabled the procedure.
pub fn two(relay: &str) -> (Graph, Graph) {
    let (a, b, _) = on_cable(relay, &stack(1, ""), &stack(100, ""));
    (a, b)
}

/// The same with these stacks, and the cable between them.
pub fn linked(client: &str, server: &str) -> (Graph, Graph, Cable) {
    on_cable("", client, server)
}

fn on_cable(relay: &str, client: &str, server: &str) -> (Graph, Graph, Cable) {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let a = build(&host(0, relay, client), &kinds);
    let b = build(&host(1, "", server), &kinds);
    enable(&b, Time(1));
    (a, b, cable)
}

pub fn enable(graph: &Graph, now: Time) {
    graph.anchor("anchor").unwrap().enable(Participants::new().at(Address::Port(PROCEDURE)), now).unwrap();
}

pub fn session(graph: &Graph, now: Time) -> Session {
    let to = Participants::new()
        .to(Address::Host(Ipv4Addr::new(10, 0, 0, 2)))
        .to(Address::Port(500))
        .to(Address::Port(PROCEDURE));
    graph.anchor("anchor").unwrap().open(to, now).unwrap()
}

/// A request of `size` bytes that begins with its number.
pub fn request(number: u64, size: usize, deadline: Option<Time>) -> Message {
    let mut bytes = vec![0x5a; size.max(8)];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    let mut message = Message::from(bytes);
    message.attributes_mut().deadline = deadline;
    message
}

pub fn number_of(message: &Message) -> u64 {
    let mut bytes = [0; 8];
    message.copy_to(&mut bytes);
    u64::from_be_bytes(bytes)
}

/// Answers what has arrived, by the request itself, and notes it.
pub fn serve(graph: &Graph, now: Time, log: &mut Vec<u64>) -> bool {
    let anchor = graph.anchor("anchor").unwrap();
    let mut any = false;
    while let Some((from, message)) = anchor.receive() {
        any = true;
        log.push(number_of(&message));
        let reply = request(number_of(&message), message.size(), None);
        let _ = anchor.push(from, reply, now);
    }
    any
}

/// Lets both run, and the server serve, until `until` or nothing happens any more. Returns when that was.
pub fn go(a: &Graph, b: &Graph, from: Time, until: Time, log: &mut Vec<u64>) -> Time {
    let mut now = from;
    loop {
        settle(&[a, b], now);
        if serve(b, now, log) {
            continue;
        }
        match [a, b].iter().filter_map(|graph| graph.next_event()).min() {
            Some(next) if next <= until => now = next.max(Time(now.0 + 1)),
            _ => return now,
        }
    }
}

pub fn count(graph: &Graph, node: &str, name: &str) -> u64 {
    graph.count(graph.node(node).unwrap(), name)
}
