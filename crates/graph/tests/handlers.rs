//! Handlers in graphs with a clock of their own.

mod common;

use core::sync::atomic::{AtomicU64, Ordering};

use common::{Cable, build, host, kinds, run, settle};
use nearcall_graph::{Address, Handler, Message, Participants, Time};

const SECOND: u64 = 1_000_000_000;

const BLAST: &str = "name=blast protocols=ip;\nname=anchor protocols=blast;\n@;\nblast anchor 9;\n";

/// What time it is for the host with the handler.
static NOW: AtomicU64 = AtomicU64::new(1);

/// A reply in fragments is kept from when it was sent, and not from when its request came, however long the handler took.
#[test]
fn a_reply_is_sent_when_its_handler_has_returned() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let a = build(&host(0, "", BLAST), &kinds);
    let mut b = build(&host(1, "", BLAST), &kinds);
    b.set_clock(|| Time(NOW.load(Ordering::Relaxed)));
    let served = b.anchor("anchor").unwrap();
    let handler = Handler::new(|_, _, message, _| {
        if message.size() < 4000 {
            // The hosts get to know each other's interfaces.
            return Some(message);
        }
        // More than BLAST keeps anything.
        NOW.fetch_add(3 * SECOND, Ordering::Relaxed);
        Some(message)
    });
    served.serve(handler).unwrap();
    served.enable(Participants::new(), Time(1)).unwrap();
    let anchor = a.anchor("anchor").unwrap();
    let session = anchor.open(Participants::new().to(Address::Host([10, 0, 0, 2].into())), Time(1)).unwrap();
    anchor.push(session, Message::from_slice(b"hello"), Time(1)).unwrap();
    settle(&[&a, &b], Time(1));
    assert!(anchor.receive().is_some());
    anchor.push(session, Message::from(vec![0x5a; 4000]), Time(1)).unwrap();
    while NOW.load(Ordering::Relaxed) == 1 {
        settle(&[&a], Time(1));
        b.poll(Time(1));
    }
    let mut fragments = cable.take(0);
    assert_eq!(fragments.len(), 3);
    fragments.pop();
    fragments.into_iter().for_each(|fragment| cable.put(0, fragment));
    let now = NOW.load(Ordering::Relaxed);
    run(&[&b, &a], Time(now), Time(now + SECOND));
    let counts = b.counts(b.node("blast").unwrap());
    let count = |name| counts.get(name).copied().unwrap_or(0);
    assert_eq!((count("resent"), count("asked_in_vain")), (1, 0), "{counts:?}");
    assert_eq!(anchor.receive().unwrap().1.size(), 4000);
}
