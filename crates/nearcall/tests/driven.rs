//! A graph that the runtime drives: answered by nobody's thread, beside calls, and silent when nothing comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall::far::Driven;
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::{Address, Clock, Graph, Message, Participants};

const PATIENCE: Duration = Duration::from_secs(20);

/// Sums.
#[nearcall::interface]
pub trait Adder {
    /// One.
    fn add(&self, a: u32, b: u32) -> u32;
}

struct Plain;
impl Adder for Plain {
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
}

/// Two hosts with the kernel's UDP between them; the second has an echo.
fn hosts(directory: Option<&std::path::Path>) -> [Arc<Graph>; 2] {
    let [.., c, d] = std::process::id().to_be_bytes();
    let build = |side: usize| {
        let wire = match directory {
            None => {
                let address = |side| format!("127.8.{c}.{d}:{}", 7001 + side);
                format!("wire_udp local={} peers={}", address(side), address(1 - side))
            }
            Some(directory) => {
                let path = directory.join("wire");
                format!("wire_memory path={} side={}", path.display(), ["connect", "listen"][side])
            }
        };
        let kind = wire.split(' ').next().unwrap();
        let top = ["name=anchor protocols=udp;", "name=echo protocols=udp port=7;"][side];
        let text = format!(
            "name={wire};\n@;\nname=eth protocols={kind};\nname=arp protocols=eth lifetime=1000s;\n\
             name=ip protocols=eth,arp address=10.0.0.{}/24;\nname=udp protocols=ip;\n{top}",
            side + 1
        );
        let plan = Plan::read("test.graph", &text, &Kinds::standard()).unwrap();
        Arc::new(plan.build(None, Clock::new().now()).unwrap())
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(|| build(1));
        [build(0), second.join().unwrap()]
    })
}

/// Sends a datagram and waits for it to come back, driving only the host that asks.
fn echo(graph: &Graph, size: usize) {
    let (clock, anchor) = (Clock::new(), graph.anchor("anchor").unwrap());
    let to = Participants::new().to(Address::Host([10, 0, 0, 2].into())).to(Address::Port(7));
    let session = anchor.open(to, clock.now()).unwrap();
    anchor.push(session, Message::from(vec![7; size]), clock.now()).unwrap();
    let back = graph.until(&clock, PATIENCE, || anchor.receive()).map(|(_, message)| message.to_vec());
    assert_eq!(back, Some(vec![7; size]));
    anchor.close(session, clock.now());
}

/// Times that the library's own kernel threads went to sleep.
fn switches() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let of = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let status = std::fs::read_to_string(task.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        name.starts_with("nearcall-").then(|| line.trim().parse::<u64>().unwrap_or(0))
    };
    tasks.filter_map(of).sum()
}

/// Looks until the library's threads were silent for a while.
fn fall_silent() {
    let started = Instant::now();
    let mut before = switches();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = switches();
        if now == before {
            return;
        }
        before = now;
        assert!(started.elapsed() < PATIENCE, "something wakes for nothing");
    }
}

/// Tests of one process share its kernel threads.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn answers_and_sleeps(directory: Option<&std::path::Path>) {
    let _alone = alone();
    let [asking, answering] = hosts(directory);
    let driven = Driven::new(answering).unwrap();
    for round in 0..100 {
        echo(&asking, 1 + round * 40);
        if round % 25 == 0 {
            fall_silent();
        }
    }
    // Both: a host that is driven may be asked by threads that drive it, too.
    let both = Driven::new(asking).unwrap();
    for round in 0..100 {
        echo(both.graph(), 1 + round * 40);
    }
    fall_silent();
    // What nobody waits for is answered all the same, once whoever waited has gone.
    echo(both.graph(), 1);
    drop((driven, both));
    fall_silent();
}

#[test]
fn kernel_udp_is_polled_by_a_lead_and_silent_when_idle() {
    answers_and_sleeps(None);
}

#[test]
fn shared_memory_is_polled_by_a_lead_and_silent_when_idle() {
    let directory = tempfile::tempdir().unwrap();
    answers_and_sleeps(Some(directory.path()));
}

/// The other process of a wire is gone, which its socket says for ever.
#[test]
fn a_wire_that_is_over_keeps_nobody_busy() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let [asking, answering] = hosts(Some(directory.path()));
    let _driven = Driven::new(answering).unwrap();
    echo(&asking, 1);
    drop(asking);
    fall_silent();
}

#[test]
fn calls_and_datagrams_are_answered_beside_each_other() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let [asking, answering] = hosts(Some(directory.path()));
    let _driven = Driven::new(answering).unwrap();
    let _export = nearcall::Exporter::new("adder").dir(directory.path()).export(AdderServer::new(Plain)).unwrap();
    let adder: AdderClient = nearcall::Binder::new("adder").dir(directory.path()).bind().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..300).for_each(|round| echo(&asking, 1 + round)));
        for a in 0..30_000 {
            assert_eq!(adder.add(a, 1).unwrap(), a + 1);
        }
    });
}
