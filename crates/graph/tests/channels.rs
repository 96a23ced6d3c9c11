//! What becomes of calls when tables are full, nobody runs them, the other side is silent for long, or somebody makes up messages.

mod common;

use core::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use common::calls::{
    MS, PROCEDURE, SECOND, count, enable, go, linked, number_of, request, serve, session, stack, stack_at, two,
};
use common::{Cable, build, host, kinds, run, settle};
use nearcall_graph::compose::Plan;
use nearcall_graph::crossings::{Crossing, Crossings, Passage};
use nearcall_graph::graph::Work;
use nearcall_graph::protocol::{CallError, Session, Ticket};
use nearcall_graph::protocols::chan::SILENCE;
use nearcall_graph::protocols::chan::client::{Client, Heard};
use nearcall_graph::protocols::chan::header::{Flags, next};
use nearcall_graph::protocols::chan::server::{self, Server};
use nearcall_graph::{Address, Graph, Message, Participants, Time};

/// Takes the next request.
fn receive(graph: &Graph) -> (Session, Message) {
    graph.anchor("anchor").unwrap().receive().expect("a request")
}

/// One call, answered with its own bytes.
fn call(a: &Graph, b: &Graph, session: Session, number: u64, now: Time, log: &mut Vec<u64>) -> Time {
    let ticket = a.call(session, request(number, 8, None), now).unwrap();
    let now = go(a, b, now, Time(now.0 + SECOND / 2), log);
    assert_eq!(a.answer(ticket).map(|answer| answer.map(|answer| number_of(&answer))), Some(Ok(number)));
    Time(now.0 + MS)
}

/// A host with room for few peers, at all layers, answers any number of them, one after the other, and executes nothing twice for those
/// whose channels had to go meanwhile.
#[test]
fn a_full_host_goes_on_with_new_clients() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let b = build(&host(1, "", &stack_at(500, 1000, "sessions=8", "peers=2")), &kinds);
    enable(&b, Time(1));
    let (mut now, mut log) = (Time(1), Vec::new());
    let mut clients = Vec::new();
    for n in 0..10_u16 {
        let a = build(&host(0, "", &stack_at(600 + n, 1 + u64::from(n), "", "")), &kinds);
        let session = session(&a, now);
        now = call(&a, &b, session, n.into(), now, &mut log);
        let ticket = a.call(session, request(100 + u64::from(n), 8, None), now).unwrap();
        let kept = cable.take(1);
        assert_eq!(kept.len(), 1);
        cable.put(1, kept[0].clone());
        now = Time(go(&a, &b, now, Time(now.0 + SECOND / 2), &mut log).0 + MS);
        assert!(a.answer(ticket).unwrap().is_ok());
        clients.push((a, session, kept));
    }
    assert!(count(&b, "chan", "forgotten") >= 7, "{:?}", b.counts(b.node("chan").unwrap()));
    assert_eq!(log.len(), 20);
    // What was under way all the time.
    for (a, _, kept) in &clients {
        cable.put(1, kept[0].clone());
        now = Time(go(a, &b, now, Time(now.0 + SECOND / 2), &mut log).0 + MS);
    }
    assert_eq!(log.len(), 20, "executed twice");
    // They are known, and go on.
    for (a, session, _) in &clients {
        now = call(a, &b, *session, 200, now, &mut log);
    }
    assert_eq!(log.len(), 30);
    // Much later nothing of them need be known, nor is it.
    now = Time(now.0 + 1000 * SECOND);
    for (a, session, _) in &clients {
        now = call(a, &b, *session, 300, now, &mut log);
    }
    assert_eq!(log.len(), 40);
}

/// The request makes room by the channel that has the last reference to what it came on.
#[test]
fn a_channel_gives_way_to_another_one_of_its_client() {
    let (a, b, _) = linked(&stack(1, ""), &stack(100, "sessions=1"));
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let calls = [1, 2].map(|number| a.call(session, request(number, 8, None), Time(1)).unwrap());
    let now = go(&a, &b, Time(1), Time(SECOND), &mut log);
    assert_eq!(calls.map(|call| a.answer(call).unwrap().map(|answer| number_of(&answer))), [Ok(1), Ok(2)]);
    log.sort_unstable();
    assert_eq!(log, [1, 2]);
    // A retransmission of the first is one: it has gone, and its number has not.
    call(&a, &b, session, 3, now, &mut log);
}

/// A server that runs a request for longer than anything lives, and answers, does not run it again because its channel is older than all
/// others.
#[test]
fn a_long_call_is_not_executed_again() {
    let (a, b, _) = linked(&stack(1, ""), &stack(100, "sessions=2"));
    let session = session(&a, Time(1));
    let long = a.call(session, request(1, 8, None), Time(1)).unwrap();
    run(&[&a, &b], Time(1), Time(400 * SECOND));
    let (from, _) = receive(&b);
    assert!(a.answer(long).is_none(), "it is known to be executed");
    let now = Time(400 * SECOND);
    b.push(from, request(1, 8, None), now).unwrap();
    let mut log = Vec::new();
    // Others come before the reply does.
    let others: Vec<Ticket> = (2..5).map(|number| a.call(session, request(number, 8, None), now).unwrap()).collect();
    go(&a, &b, now, Time(now.0 + SECOND), &mut log);
    assert!(a.answer(long).unwrap().is_ok());
    assert!(others.into_iter().all(|call| a.answer(call).unwrap().is_ok()));
    log.sort_unstable();
    assert_eq!(log, [2, 3, 4]);
}

/// What nobody takes is declined, and the channel is there for the next call.
#[test]
fn calls_that_are_dropped_above_are_declined() {
    let (a, b, _) = linked(&stack(1, ""), &stack(100, "sessions=3").replace("inbox=1000", "inbox=1"));
    let session = session(&a, Time(1));
    let (mut now, mut log) = (Time(1), Vec::new());
    for round in 0..20 {
        let calls = [1, 2, 3].map(|n| a.call(session, request(10 * round + n, 8, None), now).unwrap());
        settle(&[&a, &b], now);
        run(&[&a, &b], now, Time(now.0 + 10 * MS));
        now = Time(now.0 + 10 * MS);
        let ends = calls.map(|call| a.answer(call));
        assert_eq!(ends.iter().filter(|end| end.is_none()).count(), 1, "{ends:?}");
        let is_declined = |end: &&Option<_>| matches!(end, Some(Err(CallError::Declined { is_busy: true })));
        assert_eq!(ends.iter().filter(is_declined).count(), 2, "{ends:?}");
        let before = log.len();
        now = Time(go(&a, &b, now, Time(now.0 + SECOND), &mut log).0 + MS);
        assert_eq!(log.len(), before + 1);
    }
    // Nobody is there any more for the number.
    b.anchor("anchor").unwrap().disable(Participants::new().at(Address::Port(PROCEDURE)), now).unwrap();
    let ticket = a.call(session, request(1000, 8, None), now).unwrap();
    now = go(&a, &b, now, Time(now.0 + SECOND), &mut log);
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Declined { is_busy: false });
    // A program that has taken a request says so itself.
    enable(&b, now);
    let ticket = a.call(session, request(1001, 8, None), now).unwrap();
    settle(&[&a, &b], now);
    let (from, _) = receive(&b);
    b.anchor("anchor").unwrap().decline(from, true, now).unwrap();
    assert!(b.anchor("anchor").unwrap().decline(from, true, now).is_err(), "once");
    settle(&[&a, &b], now);
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Declined { is_busy: true });
    assert_eq!(count(&b, "chan", "no_session"), 0);
}

/// A request that SELECT cannot read.
#[test]
fn a_malformed_request_is_declined() {
    let text =
        stack(1, "").replace("name=select protocols=vchan;\n", "").replace("protocols=select", "protocols=vchan");
    let (a, b, _) = linked(&text, &stack(100, "sessions=2"));
    let to = Participants::new().to(Address::Host(Ipv4Addr::new(10, 0, 0, 2))).to(Address::Port(500));
    let session = a.anchor("anchor").unwrap().open(to, Time(1)).unwrap();
    let mut now = Time(1);
    for _ in 0..10 {
        let ticket = a.call(session, Message::from_slice(b"abc"), now).unwrap();
        run(&[&a, &b], now, Time(now.0 + 100 * MS));
        now = Time(now.0 + 100 * MS);
        assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Declined { is_busy: false });
    }
    assert_eq!(count(&b, "select", "malformed"), 10);
}

/// The channel of a call that was given up, which the server still runs, gets no other call.
#[test]
fn a_call_that_was_given_up_holds_up_no_other() {
    let (a, b) = two("");
    let session = session(&a, Time(1));
    let given_up = a.call(session, request(1, 8, Some(Time(SECOND))), Time(1)).unwrap();
    run(&[&a, &b], Time(1), Time(2 * SECOND));
    assert_eq!(a.answer(given_up).unwrap().unwrap_err(), CallError::Timeout { sent: true });
    let (held, _) = receive(&b);
    let (mut now, mut log) = (Time(2 * SECOND), Vec::new());
    for number in 2..10 {
        now = call(&a, &b, session, number, now, &mut log);
    }
    assert_eq!(log, (2..10).collect::<Vec<_>>());
    assert_eq!(count(&a, "vchan", "spent"), 1);
    // Its answer is nobody's.
    b.push(held, request(1, 8, None), now).unwrap();
    run(&[&a, &b], now, Time(now.0 + 60 * SECOND));
    assert_eq!(a.next_event().filter(|next| next.0 < now.0 + 1000 * SECOND), None, "an event is left");
}

/// A call has an end, even if it has no deadline: when the answer is not kept any more, and when nobody is there.
#[test]
fn a_call_without_a_deadline_ends() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let now = call(&a, &b, session, 1, Time(1), &mut log);
    let ticket = a.call(session, request(2, 8, None), now).unwrap();
    settle(&[&a, &b], now);
    serve(&b, now, &mut log);
    // Nothing arrives at the client for as long as the server keeps the reply.
    let mut at = now;
    while at.0 < now.0 + 25 * SECOND {
        at = Time(at.0 + 100 * MS);
        settle(&[&b], at);
        cable.take(0);
        settle(&[&a], at);
        cable.take(1);
    }
    assert!(a.answer(ticket).is_none());
    let now = go(&a, &b, at, Time(at.0 + 30 * SECOND), &mut log);
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Timeout { sent: true });
    assert_eq!((log.as_slice(), count(&b, "chan", "lost")), ([1, 2].as_slice(), 1));
    drop(b);
    let ticket = a.call(session, request(3, 8, None), now).unwrap();
    let silence = u64::try_from(SILENCE.as_nanos()).unwrap();
    run(&[&a], now, Time(now.0 + silence - SECOND));
    assert!(a.answer(ticket).is_none(), "it may come back");
    run(&[&a], now, Time(now.0 + silence + SECOND));
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Timeout { sent: true });
}

/// Time that went by before the request arrived is not there for the procedure.
#[test]
fn the_time_that_is_left_is_that_of_the_arrival() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let now = call(&a, &b, session, 1, Time(1), &mut log);
    let deadline = Time(now.0 + 20 * SECOND);
    a.call(session, request(2, 8, Some(deadline)), now).unwrap();
    let mut at = now;
    while at.0 < now.0 + 10 * SECOND {
        settle(&[&a], at);
        cable.take(1);
        at = Time(at.0 + 10 * MS);
    }
    run(&[&a, &b], at, Time(at.0 + 9 * SECOND));
    let (_, message) = receive(&b);
    let left = message.attributes().deadline.expect("it has one");
    assert!(left >= deadline && left.0 <= deadline.0 + MS, "{left:?} for {deadline:?}");
    a.call(session, request(3, 8, None), at).unwrap();
    run(&[&a, &b], at, Time(at.0 + SECOND));
    assert_eq!(receive(&b).1.attributes().deadline, None);
}

/// Keeps what goes up to CHAN while it is told to.
#[derive(Debug, Default, Clone)]
struct Hand(Arc<Mutex<(bool, Vec<Work>)>>);

impl Crossings for Hand {
    fn up(&self, crossing: &Crossing<'_>) -> Passage {
        let is_kept = self.0.lock().unwrap().0 && crossing.annotations.get("handoff").is_some();
        if is_kept { Passage::Keep } else { Passage::GoOn }
    }

    fn keep(&self, work: Work) -> Result<(), Work> {
        self.0.lock().unwrap().1.push(work);
        Ok(())
    }
}

impl Hand {
    fn hold(&self, holds: bool) -> Vec<Work> {
        let mut hand = self.0.lock().unwrap();
        hand.0 = holds;
        std::mem::take(&mut hand.1)
    }
}

/// A thread that has a message of a former life in its hand goes on only after another one has brought the next life.
#[test]
fn a_thread_that_is_late_brings_nothing_of_a_former_life() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let hand = Hand::default();
    let text =
        host(1, "", &stack(100, "")).replace("name=chan protocols=bid", "name=chan protocols=bid{handoff=explicit}");
    let plan = Plan::read("b.graph", &text, &kinds).unwrap();
    let b = plan.build(Some(Box::new(hand.clone())), Time(1)).unwrap();
    enable(&b, Time(1));
    let first = build(&host(0, "", &stack(1, "")), &kinds);
    let (on_first, mut log) = (session(&first, Time(1)), Vec::new());
    let now = call(&first, &b, on_first, 1, Time(1), &mut log);
    first.call(on_first, request(2, 8, None), now).unwrap();
    let packet = cable.take(1);
    cable.put(1, packet[0].clone());
    go(&first, &b, now, now, &mut log);
    assert_eq!(log, [1, 2]);
    // It comes again, and a thread has it in its hand when the client begins another life.
    hand.hold(true);
    cable.put(1, packet[0].clone());
    settle(&[&b], now);
    let late = hand.hold(false);
    assert_eq!(late.len(), 1);
    drop(first);
    let second = build(&host(0, "", &stack(2, "")), &kinds);
    let on_second = session(&second, now);
    let mut now = call(&second, &b, on_second, 3, now, &mut log);
    assert_eq!(count(&b, "bid", "restarts"), 1);
    for work in late {
        b.carry_out(work, now);
    }
    now = go(&second, &b, now, Time(now.0 + SECOND), &mut log);
    assert_eq!((log.as_slice(), count(&b, "chan", "other_life")), ([1, 2, 3].as_slice(), 1));
    call(&second, &b, on_second, 4, now, &mut log);
}

/// 0 is no call's number.
#[test]
fn numbers_of_calls_wrap_around() {
    let mut client = Client::after(u32::MAX - 1);
    let mut server = Server::after(u32::MAX - 1);
    for number in [u32::MAX, 1, 2] {
        let flags = client.call().unwrap();
        assert_eq!(client.sequence(), number);
        assert_eq!(server.hear(flags, number), server::Heard::Execute);
        assert_eq!(server.hear(flags.and(Flags::ASKS), number), server::Heard::Acknowledge);
        let flags = server.answer().unwrap();
        assert_eq!(client.hear(flags, number), Heard::Answer);
    }
    assert_eq!(server.hear(Flags::FROM_CLIENT.and(Flags::USER_MESSAGE), u32::MAX), server::Heard::Stale);
    assert_eq!(next(u32::MAX), 1);
}

/// Bytes of BLAST's message in a frame.
const BLAST_AT: usize = 14 + 20 + 8;

/// Frames whose BLAST message is of this number.
fn of_number(frames: &[Message], number: u8) -> Vec<Vec<u8>> {
    let bytes =
        frames.iter().map(Message::to_vec).filter(|bytes| bytes.len() > BLAST_AT + 16 && bytes[12..14] == [8, 0]);
    bytes.filter(|bytes| bytes[BLAST_AT + 1] == number).collect()
}

/// The frame without UDP's checksum, which is not sent then.
fn unchecked(mut frame: Vec<u8>) -> Message {
    frame[40..42].copy_from_slice(&[0, 0]);
    Message::from(frame)
}

/// Tags are no more to be guessed by whoever has seen some of them than by anybody, and an answer without one changes nothing.
#[test]
fn forged_answers_change_nothing() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    // All that goes to the client, seen by somebody.
    let mut seen = Vec::new();
    let ticket = a.call(on_a, request(1, 8, None), Time(1)).unwrap();
    let mut now = Time(1);
    while a.answer(ticket).is_none() {
        settle(&[&a], now);
        settle(&[&b], now);
        serve(&b, now, &mut log);
        let frames = cable.take(0);
        frames.iter().for_each(|frame| cable.put(0, frame.clone()));
        seen.extend(frames);
        now = Time(now.0 + MS);
        assert!(now.0 < SECOND);
    }
    let of_bidctl = of_number(&seen, 2);
    let at = BLAST_AT + 16;
    let kind = |frame: &[u8]| frame[at + 3];
    let tag = |frame: &[u8]| u64::from_be_bytes(frame[at + 4..at + 12].try_into().unwrap());
    let question = of_bidctl.iter().find(|frame| kind(frame) == 1).expect("the server asks, too");
    let answer = of_bidctl.iter().find(|frame| kind(frame) == 2).expect("the server has answered").clone();
    // The server asks again, because of a message that claims another life; its tags are what they are.
    for guess in [tag(question), tag(question) + 1, following(tag(question))] {
        let mut forged = answer.clone();
        forged[at + 4..at + 12].copy_from_slice(&guess.to_be_bytes());
        forged[at + 12..at + 20].copy_from_slice(&4711_u64.to_be_bytes());
        // From the server to the client, which has no question open; and, while it has one.
        cable.put(0, unchecked(forged.clone()));
        let request = of_number(&seen, 1).pop().expect("a reply");
        let mut doubtful = request.clone();
        doubtful[BLAST_AT + 16 + 4] ^= 1;
        cable.put(0, unchecked(doubtful));
        cable.put(0, unchecked(forged));
        settle(&[&a], now);
        now = Time(go(&a, &b, now, Time(now.0 + 100 * MS), &mut log).0 + MS);
    }
    assert_eq!((count(&a, "bidctl", "unasked"), count(&a, "bidctl", "restarts")), (6, 0));
    assert!(count(&a, "bid", "other_life") >= 3);
    call(&a, &b, on_a, 2, now, &mut log);
}

/// What follows `tag` in splitmix64, of which each number tells the next one.
fn following(tag: u64) -> u64 {
    let unshift = |value: u64, by: u32| (0..64 / by).fold(value, |known, _| value ^ (known >> by));
    let inverse = |odd: u64| {
        (0..6).fold(odd, |inverse: u64, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
    };
    let state = unshift(tag, 31).wrapping_mul(inverse(0x94d0_49bb_1331_11eb));
    let state = unshift(state, 27).wrapping_mul(inverse(0xbf58_476d_1ce4_e5b9));
    let state = unshift(state, 30).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Whoever makes up the addresses of others has them asked no more often than he sends, and does not take every session for that.
#[test]
fn made_up_senders_are_asked_once_each() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    let mut now = call(&a, &b, on_a, 1, Time(1), &mut log);
    a.call(on_a, request(2, 8, None), now).unwrap();
    let packet = cable.take(1).remove(0).to_vec();
    let before = count(&b, "bidctl", "questions");
    for port in 0..600_u16 {
        let mut made_up = packet.clone();
        made_up[34..36].copy_from_slice(&(2000 + port).to_be_bytes());
        cable.put(1, unchecked(made_up));
        settle(&[&b], now);
        cable.take(0);
    }
    run(&[&b], now, Time(now.0 + 10 * SECOND));
    cable.take(0);
    assert_eq!(count(&b, "bidctl", "questions") - before, 600);
    assert_eq!(count(&b, "bidctl", "crowded_out"), 600 - 256);
    now = Time(now.0 + 10 * SECOND);
    go(&a, &b, now, Time(now.0 + 20 * SECOND), &mut log);
    assert_eq!(log, [1, 2]);
}

/// Messages in fragments have numbers that are drawn, and a fragment of another number is none of theirs.
#[test]
fn forged_fragments_get_into_no_message() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let a = build(&host(0, "", &stack(1, "")), &kinds);
    let b = build(&host(1, "", &stack(100, "")), &kinds);
    let twin = build(&host(0, "", &stack(1, "")), &kinds);
    enable(&b, Time(1));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    let now = call(&a, &b, on_a, 1, Time(1), &mut log);
    let ticket = a.call(on_a, request(2, 6000, None), now).unwrap();
    let frames = cable.take(1);
    let sequence = |frame: &[u8]| u32::from_be_bytes(frame[BLAST_AT + 4..BLAST_AT + 8].try_into().unwrap());
    let genuine = of_number(&frames, 1);
    assert_eq!(genuine.len(), 5);
    // What somebody guesses who knows everything but the number, and has a twin of the sender.
    let on_twin = session(&twin, Time(1));
    twin.call(on_twin, request(2, 6000, None), now).unwrap();
    settle(&[&twin, &b], now);
    assert_ne!(sequence(&genuine[0]), u32::try_from(now.0 >> 12).unwrap() + 1);
    for guess in [1, sequence(&genuine[0]).wrapping_add(1), sequence(&genuine[0]).wrapping_sub(1)] {
        let mut forged = genuine[2].clone();
        forged[BLAST_AT + 4..BLAST_AT + 8].copy_from_slice(&guess.to_be_bytes());
        forged[BLAST_AT + 100..].fill(0xee);
        cable.put(1, unchecked(forged));
    }
    frames.iter().for_each(|frame| cable.put(1, frame.clone()));
    go(&a, &b, now, Time(now.0 + SECOND), &mut log);
    let answer = a.answer(ticket).unwrap().unwrap().to_vec();
    assert!(answer.len() == 6000 && answer[8..].iter().all(|byte| *byte == 0x5a));
    assert_eq!(log, [1, 2]);
}

/// A message of a former life of the server, kept by the network, reaches no call of its client.
#[test]
fn a_reply_of_a_former_life_answers_nothing() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let a = build(&host(0, "", &stack(1, "")), &kinds);
    let first = build(&host(1, "", &stack(100, "")), &kinds);
    enable(&first, Time(1));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    let mut now = call(&a, &first, on_a, 1, Time(1), &mut log);
    let ticket = a.call(on_a, request(2, 8, None), now).unwrap();
    settle(&[&a, &first], now);
    serve(&first, now, &mut log);
    let old = cable.take(0);
    drop(first);
    let second = build(&host(1, "", &stack(200, "")), &kinds);
    enable(&second, now);
    now = go(&a, &second, now, Time(now.0 + SECOND), &mut log);
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::PeerRestarted { sent: true });
    // The same channel waits for its next call, and for the one after it.
    for number in 3..5 {
        let ticket = a.call(on_a, request(number, 8, None), now).unwrap();
        settle(&[&a], now);
        old.iter().for_each(|frame| cable.put(0, frame.clone()));
        settle(&[&a], now);
        assert!(a.answer(ticket).is_none());
        now = Time(go(&a, &second, now, Time(now.0 + SECOND), &mut log).0 + MS);
        assert_eq!(a.answer(ticket).map(|answer| answer.map(|answer| number_of(&answer))), Some(Ok(number)));
    }
    assert_eq!(log, [1, 2, 3, 4]);
    assert!(count(&a, "bid", "other_life") >= 2);
}

/// Each copy of a long message goes when it is known to have arrived, also those that were made when it was sent once more.
#[test]
fn no_copy_of_a_long_message_outlives_its_call() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    let now = call(&a, &b, on_a, 1, Time(1), &mut log);
    let ticket = a.call(on_a, request(2, 10_000, None), now).unwrap();
    assert!(cable.take(1).len() >= 7, "all of it is lost");
    go(&a, &b, now, Time(now.0 + SECOND / 2), &mut log);
    assert!(a.answer(ticket).unwrap().is_ok());
    assert_eq!((count(&a, "blast", "released"), count(&a, "blast", "expired")), (2, 0));
}

/// More long messages at once than copies are kept of.
#[test]
fn many_long_messages_at_once_are_sent_without_being_asked_for() {
    let text = stack(1, "").replace("name=vchan protocols=chan", "name=vchan protocols=chan channels=80");
    let (a, b, _) = linked(&text, &stack(100, ""));
    let (on_a, mut log) = (session(&a, Time(1)), Vec::new());
    let now = call(&a, &b, on_a, 1, Time(1), &mut log);
    let calls: Vec<Ticket> = (0..80).map(|n| a.call(on_a, request(100 + n, 3000, None), now).unwrap()).collect();
    settle(&[&a, &b], now);
    let arrived = std::iter::from_fn(|| b.anchor("anchor").unwrap().receive()).count();
    assert_eq!((arrived, count(&a, "blast", "push_full")), (80, 0));
    drop(calls);
}
