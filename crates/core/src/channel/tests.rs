use std::os::fd::AsFd;

use nearcall_layout::pair::{AstackClass, FRAMES, Plan, REGION_SIZE, RING_COUNT, reply, sequence, status};

use super::client::{ClientHalf, Hints, Request, RingFull, Target, Which};
use super::server::{Misbehaved, ServerHalf};
use super::*;
use crate::shm::{OwnRegion, PeerRegion};
use crate::sys::memory;

fn halves(first: u32) -> (ClientHalf, ServerHalf, AstackClass) {
    let region = || {
        let fd = memory::create(REGION_SIZE).unwrap();
        let own = OwnRegion::map(fd.as_fd(), REGION_SIZE).unwrap();
        memory::seal(fd.as_fd()).unwrap();
        (own, PeerRegion::map(fd.as_fd(), REGION_SIZE).unwrap())
    };
    let ((client, of_client), (server, of_server)) = (region(), region());
    let class = Plan::new(REGION_SIZE).place(256, 5).unwrap();
    assert_eq!(class.frame(0), FRAMES);
    (ClientHalf::new(client, of_server, first), ServerHalf::new(server, of_client, first), class)
}

const NO_HINTS: Hints = Hints::new(0, 0);
const TARGET: Target = Target::new(1, 3, 4);
const WHICH: Which = Which::new(2);

fn request(astack: u16) -> Request {
    Request { binding: 1, procedure: 2, astack, generation: 3, nonce: 4 }
}

#[test]
fn calls_cross_and_sequence_numbers_wrap() {
    let (client, server, class) = halves(u32::MAX - 2);
    for i in 0..3 * RING_COUNT as u64 {
        let astack = (i % 5) as u16;
        assert!(!server.has_request() && server.claim().is_none());
        let called = client.publish(&TARGET, WHICH, astack, [i, !i], || NO_HINTS).unwrap();
        let claimed = server.claim().unwrap();
        assert_eq!((claimed.sequence, claimed.request), (called, request(astack)));
        let mut started = server.start(&claimed, &class).unwrap();
        let mut serving = started.serve();
        assert_eq!([serving.word(0), serving.word(1)], [i, !i]);
        assert_eq!(client.ran(astack, called), Ran::No);
        serving.started();
        assert_eq!(client.ran(astack, called), Ran::Maybe);
        let (first, second) = (serving.space(7).unwrap(), serving.space(249).unwrap());
        assert!(serving.space(1).is_none());
        second[0] = 0x5a;
        first[0] = 0;
        serving.finished();
        assert_eq!((client.ran(astack, called), client.answered(astack, called)), (Ran::Yes, false));
        serving.result(0, i + 1);
        started.answer(status::OK);
        assert!(client.answered(astack, called));
        let line = client.reply_line(astack);
        assert_eq!(client.results::<1>(line), [i + 1]);
        let mut byte = [0];
        client.copy_out(&class, astack, 7, &mut byte).unwrap();
        assert_eq!(byte, [0x5a]);
        assert!(client.copy_out(&class, astack, 256, &mut byte).is_none());
        client.finish(astack);
    }
}

#[test]
fn an_unread_line_is_never_written_again() {
    let (client, server, class) = halves(1);
    // Given up: published, never forgotten, never read.
    let given_up = client.publish(&TARGET, WHICH, 4, [], || NO_HINTS).unwrap();
    let mut published = 1;
    // The other A-stacks' owners claim to go on as if they had been answered.
    while client.publish(&TARGET, WHICH, 0, [], || NO_HINTS).is_ok() {
        client.finish(0);
        published += 1;
    }
    assert_eq!(published, RING_COUNT);
    assert_eq!(client.publish(&TARGET, WHICH, 0, [], || NO_HINTS), Err(RingFull));
    let claimed = server.claim().unwrap();
    assert_eq!(claimed.sequence, given_up);
    server.start(&claimed, &class).unwrap().answer(status::OK);
    assert!(client.publish(&TARGET, WHICH, 0, [], || NO_HINTS).is_ok());
}

#[test]
fn a_wrong_or_busy_astack_is_the_clients_fault() {
    let (client, server, class) = halves(1);
    for astack in [5, 127, 128, u16::MAX] {
        client.publish(&TARGET, WHICH, astack, [], || NO_HINTS).unwrap();
        let claimed = server.claim().unwrap();
        assert_eq!(server.start(&claimed, &class).unwrap_err(), Misbehaved::Astack(astack));
    }
    client.publish(&TARGET, WHICH, 0, [], || NO_HINTS).unwrap();
    let first = server.claim().unwrap();
    let running = server.start(&first, &class).unwrap();
    client.publish(&TARGET, WHICH, 0, [], || NO_HINTS).unwrap();
    let second = server.claim().unwrap();
    assert_eq!(server.start(&second, &class).unwrap_err(), Misbehaved::AstackInUse(0));
    drop(running);
    assert_eq!(server.misbehaved_count(), 5);
    let line = client.reply_line(0);
    assert_eq!(line.poll(), reply::first(first.sequence, status::PANICKED));
    assert_eq!(sequence(line.poll()), first.sequence);
}

#[test]
fn a_request_is_claimed_once_however_many_look() {
    let (client, server, class) = halves(1);
    let claimed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while claimed.load(std::sync::atomic::Ordering::Relaxed) < 20_000 {
                    if let Some(one) = server.claim() {
                        claimed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let mut started = server.start(&one, &class).unwrap();
                        let serving = started.serve();
                        serving.result(0, u64::from(one.sequence));
                        started.answer(status::OK);
                    }
                    std::thread::yield_now();
                }
            });
        }
        for _ in 0..20_000 {
            let called = client.publish(&TARGET, WHICH, 0, [], || NO_HINTS).unwrap();
            while !client.answered(0, called) {
                std::thread::yield_now();
            }
            assert_eq!(client.results::<1>(client.reply_line(0)), [u64::from(called)]);
            client.finish(0);
        }
    });
    assert_eq!(claimed.into_inner(), 20_000);
}
