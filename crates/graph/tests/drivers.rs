//! Several threads drive one graph and sleep: none of them misses what another brought.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::{Address, Clock, Graph, Message, Participants};

/// Longer than a test may take: whoever misses something sleeps on.
const PATIENCE: Duration = Duration::from_secs(60);

fn host(side: usize, address: &str) -> Graph {
    let wire = format!("name=wire_udp local={address}:{} peers={address}:{};", 9001 + side, 9002 - side);
    let file = include_str!("../graphs/host.graph");
    let (_, protocols) = file.split_once("@;").unwrap();
    let text = format!("{wire}@;{}", protocols.replace("10.0.0.1/24", &format!("10.0.0.{}/24", side + 1)));
    let plan = Plan::read("driven.graph", &text, &Kinds::standard()).unwrap();
    plan.build(None, Clock::new().now()).unwrap()
}

#[test]
fn threads_that_share_a_graph_wake_each_other() {
    let [.., c, d] = std::process::id().to_be_bytes();
    let address = format!("127.10.{c}.{d}");
    let (a, b) = (host(0, &address), host(1, &address));
    let (over, clock) = (AtomicBool::new(false), Clock::new());
    let drive =
        |graph: &Graph| while graph.until(&clock, PATIENCE, || over.load(Ordering::Relaxed).then_some(())).is_none() {};
    std::thread::scope(|scope| {
        for graph in [&a, &a, &b, &b] {
            scope.spawn(move || drive(graph));
        }
        let other = Participants::new().to(Address::Host([10, 0, 0, 2].into()));
        let (udp, ping) = (a.anchor("anchor").unwrap(), a.anchor("anchor/ping").unwrap());
        let echo = udp.open(other.clone().to(Address::Port(7)), clock.now()).unwrap();
        let asked = ping.open(other, clock.now()).unwrap();
        let mut draw = Draw::new(1);
        let mut outcome = Ok(());
        for n in 0..500_u32 {
            udp.push(echo, Message::from_slice(&n.to_le_bytes()), clock.now()).unwrap();
            let back = a.until(&clock, PATIENCE / 2, || udp.receive());
            let ticket = ping.call(asked, Message::from_slice(&n.to_le_bytes()), clock.now()).unwrap();
            let answer = a.until(&clock, PATIENCE / 2, || a.answer(ticket));
            if back.is_none_or(|(_, back)| back.to_vec() != n.to_le_bytes()) || !matches!(answer, Some(Ok(_))) {
                outcome = Err(n);
                break;
            }
            // So that all are asleep sometimes, and sometimes only just.
            std::thread::sleep(Duration::from_micros(draw.below(300)));
        }
        over.store(true, Ordering::Relaxed);
        a.wake();
        b.wake();
        assert_eq!(outcome, Ok(()));
    });
}
