//! Calls between two hosts on a cable, with a clock of their own: BLAST, BID, CHAN, VCHAN and SELECT together.

mod common;

use core::net::Ipv4Addr;
use std::collections::{BTreeMap, BTreeSet};

use common::calls::{MS, PROCEDURE, SECOND, count, enable, go, linked, number_of, request, serve, session, stack, two};
use common::{Cable, build, host, kinds, rounds, run, settle};
use nearcall_graph::protocol::{Answer, CallError, Control, PushError, Session, Ticket};
use nearcall_graph::protocols::fault::Draw;
use nearcall_graph::{Address, Graph, Message, Participants, Time};

#[test]
fn a_call_takes_two_frames_in_the_steady_state() {
    let (a, b) = two("");
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let call = |number: u64, log: &mut Vec<u64>| {
        let now = Time(number * MS);
        let ticket = a.call(session, request(number, 100, None), now).unwrap();
        settle(&[&a, &b], now);
        serve(&b, now, log);
        settle(&[&a, &b], now);
        a.answer(ticket)
    };
    // The first finds out who is there.
    let ticket = a.call(session, request(0, 100, None), Time(1)).unwrap();
    go(&a, &b, Time(1), Time(100), &mut log);
    assert_eq!(number_of(&a.answer(ticket).unwrap().unwrap()), 0);
    let before = count(&a, "cable", "sent") + count(&b, "cable", "sent");
    for number in 1..=1000 {
        assert_eq!(number_of(&call(number, &mut log).unwrap().unwrap()), number);
    }
    assert_eq!(count(&a, "cable", "sent") + count(&b, "cable", "sent") - before, 2000);
    assert_eq!(log, (0..=1000).collect::<Vec<_>>());
    assert_eq!(count(&a, "blast", "fragments"), 0, "short messages pass by");
}

#[test]
fn sixteen_fragments_go_and_seventeen_are_refused() {
    let (a, b) = two("");
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let Ok(Answer::Size(max)) = a.control(session, Control::LargestMessage, Time(1)) else { panic!() };
    assert!(max > 16 * 1400, "{max}");
    let ticket = a.call(session, request(1, max, None), Time(1)).unwrap();
    let now = go(&a, &b, Time(1), Time(SECOND), &mut log);
    assert_eq!(a.answer(ticket).unwrap().unwrap().size(), max);
    assert_eq!((count(&b, "blast", "fragments"), count(&b, "blast", "whole")), (15, 1));
    // The reply acknowledged the request, whose copy is gone before its time.
    assert_eq!((count(&a, "blast", "released"), count(&a, "blast", "expired")), (1, 0));
    let ticket = a.call(session, request(2, max + 1, None), now).unwrap();
    let answer = a.answer(ticket).unwrap();
    assert!(matches!(answer, Err(CallError::Refused(PushError::TooLarge { .. }))), "{answer:?}");
    let ticket = a.call(session, request(3, 8, None), now).unwrap();
    go(&a, &b, now, Time(now.0 + SECOND), &mut log);
    assert_eq!(number_of(&a.answer(ticket).unwrap().unwrap()), 3, "the channel goes on");
}

#[test]
fn only_missing_fragments_are_sent_again() {
    // Each fifth frame to the server is lost; every request has ten fragments.
    let (a, b) = two("name=drop every=5 way=down");
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let mut now = Time(1);
    for number in 0..100 {
        let ticket = a.call(session, request(number, 14_000, None), now).unwrap();
        now = go(&a, &b, now, Time(now.0 + SECOND), &mut log);
        assert_eq!(a.answer(ticket).unwrap().unwrap().size(), 14_000);
        now = Time(now.0 + 1);
    }
    assert_eq!(log, (0..100).collect::<Vec<_>>());
    let (resent, dropped) = (count(&a, "blast", "resent"), count(&a, "drop", "dropped"));
    // What was lost of fragments was sent again, and nothing else; what was lost beside are replies, questions and whole messages.
    assert!(resent > 100 && resent <= dropped, "{resent} of {dropped}");
    assert_eq!(count(&b, "blast", "duplicates"), 0, "{:?}", b.counts(b.node("blast").unwrap()));
}

#[test]
fn the_sixth_call_waits_for_a_channel() {
    let (a, b) = two("");
    let session = session(&a, Time(1));
    let calls: Vec<Ticket> = (0..7).map(|number| a.call(session, request(number, 8, None), Time(1)).unwrap()).collect();
    settle(&[&a, &b], Time(1));
    run(&[&a, &b], Time(1), Time(50));
    let anchor = b.anchor("anchor").unwrap();
    let mut here: Vec<_> = std::iter::from_fn(|| anchor.receive()).collect();
    assert_eq!(here.len(), 5);
    assert_eq!(count(&a, "vchan", "waits"), 2);
    // More of them, and the others go.
    a.control(session, Control::Concurrency(7), Time(60)).unwrap();
    settle(&[&a, &b], Time(60));
    here.extend(std::iter::from_fn(|| anchor.receive()));
    assert_eq!(here.len(), 7);
    for (from, message) in here {
        anchor.push(from, message, Time(70)).unwrap();
    }
    settle(&[&a, &b], Time(70));
    assert!(calls.into_iter().all(|call| a.answer(call).unwrap().is_ok()));
    a.control(session, Control::Concurrency(1), Time(80)).unwrap();
    let calls: Vec<Ticket> =
        (0..2).map(|number| a.call(session, request(number, 8, Some(Time(SECOND))), Time(80)).unwrap()).collect();
    settle(&[&a, &b], Time(80));
    assert_eq!(std::iter::from_fn(|| anchor.receive()).count(), 1);
    run(&[&a, &b], Time(80), Time(2 * SECOND));
    let ends: Vec<_> = calls.into_iter().map(|call| a.answer(call).unwrap().unwrap_err()).collect();
    assert_eq!(ends, [CallError::Timeout { sent: true }, CallError::Timeout { sent: false }]);
}

#[test]
fn nobody_and_nothing_is_said_in_time() {
    let (a, b) = two("");
    let to = Participants::new()
        .to(Address::Host(Ipv4Addr::new(10, 0, 0, 2)))
        .to(Address::Port(500))
        .to(Address::Port(PROCEDURE + 1));
    let other = a.anchor("anchor").unwrap().open(to, Time(1)).unwrap();
    let ticket = a.call(other, request(1, 8, None), Time(1)).unwrap();
    run(&[&a, &b], Time(1), Time(SECOND));
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Declined { is_busy: false }, "no such procedure");
    drop(b);
    let ticket = a.call(other, request(2, 8, Some(Time(2 * SECOND))), Time(SECOND)).unwrap();
    run(&[&a], Time(SECOND), Time(10 * SECOND));
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::Timeout { sent: true });
}

#[test]
fn a_restart_is_told_and_nothing_of_the_past_counts() {
    let cable = Cable::default();
    let kinds = kinds(std::slice::from_ref(&cable));
    let a = build(&host(0, "", &stack(1, "")), &kinds);
    let first = build(&host(1, "", &stack(100, "")), &kinds);
    enable(&first, Time(1));
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    let ticket = a.call(session, request(1, 8, None), Time(1)).unwrap();
    let now = go(&a, &first, Time(1), Time(100), &mut log);
    assert!(a.answer(ticket).unwrap().is_ok());
    // This one arrives, and its server dies while it runs.
    let ticket = a.call(session, request(2, 8, None), now).unwrap();
    settle(&[&a, &first], now);
    assert_eq!(number_of(&first.anchor("anchor").unwrap().receive().unwrap().1), 2);
    drop(first);
    let second = build(&host(1, "", &stack(200, "")), &kinds);
    enable(&second, now);
    let mut log = Vec::new();
    let now = go(&a, &second, now, Time(now.0 + SECOND), &mut log);
    assert_eq!(a.answer(ticket).unwrap().unwrap_err(), CallError::PeerRestarted { sent: true });
    assert_eq!(log, [0; 0], "it did not run twice");
    assert!(count(&second, "bid", "for_another_life") > 0);
    let ticket = a.call(session, request(3, 8, None), now).unwrap();
    // Whatever was kept of the past and comes now is of another life.
    go(&a, &second, now, Time(now.0 + SECOND), &mut log);
    assert!(a.answer(ticket).unwrap().is_ok());
    assert_eq!(log, [3]);
}

#[test]
fn replayed_spoofed_and_mangled_packets_are_dropped_and_counted() {
    let (a, b, cable) = linked(&stack(1, ""), &stack(100, ""));
    let (session, mut log) = (session(&a, Time(1)), Vec::new());
    for number in 1..=3 {
        let ticket = a.call(session, request(number, 8, None), Time(number)).unwrap();
        go(&a, &b, Time(number), Time(number), &mut log);
        assert!(a.answer(ticket).unwrap().is_ok());
    }
    // One more, whose packet is kept.
    let ticket = a.call(session, request(4, 8, None), Time(10)).unwrap();
    let kept = cable.take(1);
    let [packet] = kept.as_slice() else { panic!("{kept:?}") };
    cable.put(1, packet.clone());
    go(&a, &b, Time(10), Time(10), &mut log);
    assert!(a.answer(ticket).unwrap().is_ok());
    assert_eq!(log, [1, 2, 3, 4]);
    // Replayed: the reply comes again, which nobody waits for.
    cable.put(1, packet.clone());
    go(&a, &b, Time(20), Time(20), &mut log);
    assert_eq!((log.len(), count(&b, "chan", "repeated"), count(&a, "chan", "stale")), (4, 1, 1));
    // Every byte from BLAST's header on is mangled, one at a time; UDP's checksum is not there to see it.
    let bytes = packet.to_vec();
    let from = 14 + 20 + 8;
    let mut now = Time(30);
    for at in from..bytes.len() - 8 {
        for bit in [1, 0x80] {
            let mut mangled = bytes.clone();
            mangled[at] ^= bit;
            mangled[40..42].copy_from_slice(&[0, 0]);
            cable.put(1, Message::from(mangled));
            now = go(&a, &b, now, Time(now.0 + 5 * MS), &mut log);
        }
    }
    // A request of a later number is one; a spoofer who knows both boot ids and the channel is beyond what CHAN is for.
    let unknown = log.iter().skip(4).filter(|number| **number != 4).count();
    assert_eq!(unknown, 0, "{log:?}");
    let lives = count(&b, "bid", "for_another_life") + count(&b, "bid", "other_life");
    assert!(lives >= 32, "{lives}");
    assert_eq!(
        count(&b, "bidctl", "restarts") + count(&a, "bidctl", "restarts"),
        0,
        "one mangled id tears nothing down"
    );
}

/// A server that takes its time, or answers at once, or never, or declines.
struct Slow {
    draw: Draw,
    answers_all: bool,
    held: Vec<(Time, Session, Message)>,
    log: Vec<u64>,
    declined: BTreeSet<u64>,
}

impl Slow {
    fn turn(&mut self, graph: &Graph, now: Time) -> bool {
        let anchor = graph.anchor("anchor").unwrap();
        let mut any = false;
        while let Some((from, message)) = anchor.receive() {
            any = true;
            let (number, size) = (number_of(&message), message.size());
            let what = self.draw.below(10);
            if what == 0 {
                self.declined.insert(number);
                let _ = anchor.decline(from, true, now);
                continue;
            }
            self.log.push(number);
            let reply = request(number, size, None);
            match what {
                1 if !self.answers_all => {}
                1..=4 => self.held.push((Time(now.0 + self.draw.below(2 * SECOND)), from, reply)),
                _ => {
                    let _ = anchor.push(from, reply, now);
                }
            }
        }
        while let Some(at) = self.held.iter().position(|(due, ..)| *due <= now) {
            any = true;
            let (_, from, reply) = self.held.swap_remove(at);
            let _ = anchor.push(from, reply, now);
        }
        any
    }

    fn go(&mut self, a: &Graph, b: &Graph, from: Time, until: Time) -> Time {
        let mut now = from;
        loop {
            settle(&[a, b], now);
            if self.turn(b, now) {
                continue;
            }
            let events = [a, b].into_iter().filter_map(Graph::next_event);
            match events.chain(self.held.iter().map(|(due, ..)| *due)).min() {
                Some(next) if next <= until => now = next.max(Time(now.0 + 1)),
                _ => return now,
            }
        }
    }
}

/// Many runs of two hosts with faults between them, restarts of both, and little room, each other by its seed.
#[test]
fn simulated_calls() {
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..rounds(300) {
        let mut draw = Draw::new(seed);
        let kinds = kinds(&[Cable::default()]);
        let rates: [u64; 4] = core::array::from_fn(|_| draw.below(25));
        let faults = |life: u64| {
            let [drop, duplicate, disorder, delay] = rates.map(|rate| format!("rate=0.{rate:02}"));
            format!(
                "name=cable side=0;\n@;\nname=drop protocols=cable {drop} seed={seed};\n\
                 name=duplicate protocols=drop {duplicate} seed={seed};\n\
                 name=disorder protocols=duplicate {disorder} seed={seed};\n\
                 name=delay protocols=disorder {delay} seed={seed} time=3ms;\nname=eth protocols=delay;\n\
                 name=arp protocols=eth lifetime=100000s;\nname=ip protocols=eth,arp address=10.0.0.1/24;\n{}",
                stack(life, "")
            )
        };
        let (mut client_life, mut life) = (1, 100);
        let is_small = draw.below(2) == 0;
        let chan = if is_small { "sessions=4" } else { "" };
        let mut a = build(&faults(client_life), &kinds);
        let mut b = build(&host(1, "", &stack(life, chan)), &kinds);
        enable(&b, Time(1));
        let mut server = Slow {
            draw: Draw::new(seed + 1),
            answers_all: is_small,
            held: Vec::new(),
            log: Vec::new(),
            declined: BTreeSet::new(),
        };
        let mut on_a = session(&a, Time(1));
        let (mut now, mut calls) = (Time(1), Vec::new());
        let restarts = draw.below(3) == 0;
        let mut note = |graph: &Graph| {
            for name in ["executing", "acknowledged", "refused", "lost", "forgotten", "repeated"] {
                *seen.entry(name).or_default() += count(graph, "chan", name);
            }
        };
        for number in 0..12 {
            let size = if draw.below(3) == 0 { usize::try_from(draw.below(20_000)).unwrap() } else { 8 };
            let time = if draw.below(4) == 0 { 40 * SECOND } else { SECOND / 2 };
            let deadline = Some(Time(now.0 + 1 + draw.below(time)));
            calls.push((number, a.call(on_a, request(number, size, deadline), now).unwrap()));
            let next = Time(now.0 + 1 + draw.below(SECOND / 20));
            server.go(&a, &b, now, next);
            now = next;
            if restarts && draw.below(8) == 0 {
                life += 1;
                note(&b);
                b = build(&host(1, "", &stack(life, chan)), &kinds);
                enable(&b, now);
                server.held.clear();
            }
            if restarts && draw.below(12) == 0 {
                // Nobody waits for its calls any more; what it has sent is under way all the same.
                client_life += 1;
                note(&a);
                a = build(&faults(client_life), &kinds);
                on_a = session(&a, now);
                calls.clear();
            }
        }
        now = server.go(&a, &b, now, Time(now.0 + 300 * SECOND));
        let mut unique = BTreeSet::new();
        let log = &server.log;
        assert!(log.iter().all(|number| unique.insert(*number)), "seed {seed}: executed twice: {log:?}");
        assert!(unique.is_disjoint(&server.declined), "seed {seed}: {log:?} and {:?}", server.declined);
        for (number, ticket) in calls {
            let end = a.answer(ticket).unwrap_or_else(|| panic!("seed {seed}: call {number} has no end at {now:?}"));
            *ends
                .entry(match &end {
                    Ok(_) => "answered",
                    Err(CallError::Timeout { .. }) => "late",
                    Err(CallError::PeerRestarted { .. }) => "restarted",
                    Err(CallError::Declined { .. }) => "declined",
                    Err(_) => "refused",
                })
                .or_default() += 1;
            match end {
                Ok(answer) => {
                    assert_eq!(number_of(&answer), number, "seed {seed}: a stale answer");
                    assert!(unique.contains(&number), "seed {seed}: answered and not executed");
                }
                Err(CallError::Timeout { sent: true } | CallError::PeerRestarted { .. }) => {}
                Err(CallError::Timeout { sent: false } | CallError::Declined { .. }) => {
                    assert!(!unique.contains(&number), "seed {seed}: {number} was not to be executed");
                }
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
        // Hosts are remembered for longer than that. Copies and calls have an event each: none is left.
        let left = [&a, &b].map(|graph| graph.next_event().filter(|next| next.0 < now.0 + 50_000 * SECOND));
        assert_eq!(left, [None, None], "seed {seed}: an event is left");
        // No channel is held for ever: who has room for four hears five.
        server.draw = Draw::new(seed);
        let deadline = Some(Time(now.0 + 50 * SECOND));
        let last = [0, 1, 2, 3, 4].map(|n| a.call(on_a, request(1000 + n, 8, deadline), now).unwrap());
        now = server.go(&a, &b, now, Time(now.0 + 60 * SECOND));
        let ends = last.map(|call| a.answer(call));
        let is_heard =
            |end: &Option<Result<Message, CallError>>| !matches!(end, None | Some(Err(CallError::Timeout { .. })));
        assert!(ends.iter().any(is_heard) || !is_small, "seed {seed}: {ends:?} at {now:?}");
        note(&a);
        note(&b);
    }
    println!("{ends:?} {seen:?}");
    assert!(ends["answered"] > ends["late"], "{ends:?}");
    let happens = ["executing", "acknowledged", "refused", "forgotten", "repeated"].iter().all(|name| seen[name] > 0);
    assert!(happens && ends.contains_key("restarted"), "{seen:?}");
}
