use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nearcall_layout::pair::{
    self, AstackClass, FRAMES, Plan, REGION_SIZE, RING_COUNT, middle, reply, sequence, status,
};

use super::client::{ClientHalf, Draft, Hints, Request, Target, Unpublished, Which};
use super::grants::{Grants, Refusals, Room, Served};
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
        let called = client.publish(&TARGET, WHICH, astack, [i, !i], |_| Ok(NO_HINTS)).unwrap();
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
    let given_up = client.publish(&TARGET, WHICH, 4, [], |_| Ok(NO_HINTS)).unwrap();
    let mut published = 1;
    // The other A-stacks' owners claim to go on as if they had been answered.
    while client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)).is_ok() {
        client.finish(0);
        published += 1;
    }
    assert_eq!(published, RING_COUNT);
    assert_eq!(client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)), Err(Unpublished::RingFull));
    let claimed = server.claim().unwrap();
    assert_eq!(claimed.sequence, given_up);
    server.start(&claimed, &class).unwrap().answer(status::OK);
    assert!(client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)).is_ok());
}

#[test]
fn a_wrong_or_busy_astack_is_the_clients_fault() {
    let (client, server, class) = halves(1);
    for astack in [5, 127, 128, u16::MAX] {
        client.publish(&TARGET, WHICH, astack, [], |_| Ok(NO_HINTS)).unwrap();
        let claimed = server.claim().unwrap();
        assert_eq!(server.start(&claimed, &class).unwrap_err(), Misbehaved::Astack(astack));
    }
    client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)).unwrap();
    let first = server.claim().unwrap();
    let running = server.start(&first, &class).unwrap();
    client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)).unwrap();
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
                while claimed.load(Ordering::Relaxed) < 20_000 {
                    if let Some(one) = server.claim() {
                        claimed.fetch_add(1, Ordering::Relaxed);
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
            let called = client.publish(&TARGET, WHICH, 0, [], |_| Ok(NO_HINTS)).unwrap();
            while !client.answered(0, called) {
                std::thread::yield_now();
            }
            assert_eq!(client.results::<1>(client.reply_line(0)), [u64::from(called)]);
            client.finish(0);
        }
    });
    assert_eq!(claimed.into_inner(), 20_000);
}

struct Known(AtomicU32);

impl Refusals for Known {
    fn count_refused(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_astack_that_was_added_to_a_class_stays_there() {
    let (_, server, _) = halves(1);
    let class = |first| AstackClass { frame_size: 0, count: 1, first, offset: 0 };
    server.grow(&class(3), 20);
    server.grow(&class(5), 20);
    server.grow(&class(u16::MAX), 21);
    assert_eq!((server.grown_count(&class(3)), server.grown_count(&class(5))), (1, 0));
}

#[test]
fn a_value_is_taken_when_nothing_runs_on_it_and_never_used_again() {
    let (client, server, class) = halves(1);
    let value = Arc::new(7u16);
    let served = Arc::new(Served::new(Arc::clone(&value), Known(AtomicU32::new(0))));
    let room = Arc::new(Room::new(Arc::clone(&served), vec![class], &[0; 3]));
    let grants = Grants::new(server, Arc::clone(&served));
    let right = pair::request::right(3, 4);
    // A place of the first block, and one beyond it.
    for binding in [1, 300] {
        assert!(grants.grant(binding, &room, right));
    }
    let other = Arc::new(Room::new(Arc::clone(&served), vec![class], &[0; 3]));
    assert!(!grants.grant(1, &other, right), "a place is for one room");
    let call = |binding: u16, procedure: u16, serve: &dyn Fn(&Arc<u16>) -> u16| {
        let target = Target::new(binding, 3, 4);
        client.publish(&target, Which::new(procedure), 0, [0], |_| Ok(NO_HINTS)).unwrap();
        let claimed = grants.half().claim().unwrap();
        grants.run(&claimed, |value, _, _| serve(value), |_| unreachable!("it answers")).unwrap();
        middle(client.reply_line(0).load_acquire())
    };
    let never = |_: &Arc<u16>| panic!("nothing to call");
    assert_eq!(call(2, 2, &never), status::REVOKED);
    assert_eq!(call(301, 2, &never), status::REVOKED);
    assert_eq!(call(1, 3, &never), status::NO_PROCEDURE);
    for binding in [1, 300] {
        assert_eq!(call(binding, 2, &|value| **value), 7);
    }
    assert_eq!(served.0.load(Ordering::Relaxed), 3);
    // In the middle of a call; from then on there are no rights.
    assert_eq!(
        call(1, 2, &|value| served.take().map_or_else(|running| u16::try_from(running).unwrap() + **value, |_| 0)),
        8
    );
    assert_eq!(call(300, 2, &never), status::REVOKED);
    assert!(!grants.grant(5, &room, right), "no right to what is withdrawn");
    assert!(!served.is_taken());
    drop(served.take().unwrap());
    assert!(served.is_taken());
    assert_eq!((served.take(), Arc::strong_count(&value)), (Err(0), 1));
    // The room is for the next one then, and not before.
    let next = Arc::new(Served::new(Arc::new(9u16), Known(AtomicU32::new(0))));
    let open = Arc::new(Served::new(Arc::new(8u16), Known(AtomicU32::new(0))));
    assert!(room.pass_on(&next) && !room.pass_on(&open));
    assert_eq!(call(300, 2, &never), status::REVOKED, "the old right is none to it");
    assert_eq!((served.0.load(Ordering::Relaxed), next.0.load(Ordering::Relaxed)), (4, 1));
    for binding in [1, 300] {
        assert!(grants.grant(binding, &room, right));
        assert_eq!(call(binding, 2, &|value| **value), 9);
    }
    assert_eq!(next.take().map(|value| *value), Ok(9));
    assert_eq!(call(1, 2, &never), status::REVOKED);
    drop((room, other, grants, served));
    assert_eq!(Arc::strong_count(&value), 1, "not dropped twice");
    drop(Served::new(Arc::clone(&value), ()));
    assert_eq!(Arc::strong_count(&value), 1, "what nobody took is dropped with the rest");
}

#[test]
fn what_was_not_published_leaves_nothing_and_the_last_word_about_the_time_counts() {
    let (client, server, _) = halves(1);
    let refused = client.publish(&TARGET, WHICH, 3, [7], |_| Err(Unpublished::TooDeep));
    assert_eq!(refused, Err(Unpublished::TooDeep));
    assert!(client.is_idle(3) && !server.has_request());
    let state = |draft: Draft<'_>| {
        draft.restate(WHICH.at_most(2000).at_most(3000));
        Ok(Hints::new(pair::request::nested(4), 9))
    };
    assert_eq!(client.publish(&TARGET, WHICH, 3, [], state), Ok(1), "its number was not used up");
    let claimed = server.claim().unwrap();
    assert_eq!((claimed.request, claimed.cpu), (request(3), 9));
    assert_eq!(pair::request::depth(claimed.flags), 5);
    assert_eq!(pair::request::timeout_us(pair::request::timeout_of(claimed.what)), Some(2000));
}
