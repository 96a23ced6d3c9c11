//! Two hosts that receive, over memory between them: the same graphs in either mode, and calls through them.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::rounds;
use common::tap::{PATIENCE, until};
use nearcall_core::threads::sync::Semaphore;
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::protocol::{CallError, Session};
use nearcall_graph::reception::{Mode, Options, Reception};
use nearcall_graph::{Address, Clock, Graph, Handler, Message, Participants, Time};

const PORT: u16 = 7;

/// What is above `ip`, who is called, and as whom.
struct Stack {
    file: &'static str,
    to: fn() -> Participants,
    at: fn() -> Participants,
}

fn host() -> Participants {
    Participants::new().to(Address::Host([10, 0, 0, 2].into()))
}

const STACKS: [Stack; 3] = [
    Stack {
        file: "name=udp protocols=ip;\nname=anchor protocols=udp;\n",
        to: || host().to(Address::Port(PORT)),
        at: || Participants::new().at(Address::Port(PORT)),
    },
    Stack {
        file: "name=blast protocols=ip;\nname=anchor protocols=blast;\n@;\nblast anchor 9;\n",
        to: host,
        at: Participants::new,
    },
    Stack {
        file: "name=blast protocols=ip;\nname=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\n\
               name=chan protocols=bid;\nname=vchan protocols=chan;\nname=select protocols=vchan;\n\
               name=anchor protocols=select;\n",
        to: || host().to(Address::Port(PORT)),
        at: || Participants::new().at(Address::Port(PORT)),
    },
];

fn start(
    side: usize,
    place: &Path,
    relay: &str,
    above: &str,
    options: Options,
    handler: Option<(Handler, Participants)>,
) -> Reception {
    let wire = format!("name=wire_memory path={} side={};\n@;\n", place.display(), ["connect", "listen"][side]);
    let under = if relay.is_empty() { "wire_memory" } else { "drop" };
    let text = format!(
        "{wire}{relay}name=eth protocols={under};\nname=arp protocols=eth lifetime=1000s;\n\
         name=ip protocols=eth,arp address=10.0.0.{}/24;\n{above}",
        side + 1
    );
    let plan = Plan::read("pair.graph", &text, &Kinds::standard()).unwrap_or_else(|problems| panic!("{problems}"));
    let attach = |graph: &Graph, now: Time| {
        if let Some((handler, at)) = handler {
            let anchor = graph.anchor("anchor").unwrap();
            anchor.serve(handler).unwrap();
            anchor.enable(at, now).unwrap();
        }
    };
    Reception::start(&plan, options, attach).unwrap_or_else(|error| panic!("{error}"))
}

/// Without whatever depends on time.
fn exact(mode: Mode, threads: usize) -> Options {
    Options::new(mode, threads).budget(None).alarm(Duration::from_secs(3600))
}

/// A client's host and a server's, whose handler is `handler`.
fn two(stack: &Stack, relay: &str, modes: [Mode; 2], handler: Handler) -> (Reception, Reception) {
    two_with(stack, relay, modes.map(|mode| exact(mode, 2)), handler)
}

fn two_with(stack: &Stack, relay: &str, options: [Options; 2], handler: Handler) -> (Reception, Reception) {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("wire");
    let [client, server] = options;
    std::thread::scope(|scope| {
        let served = Some((handler, (stack.at)()));
        let server = scope.spawn(|| start(1, &place, "", stack.file, server.handoff_at_reassembly(false), served));
        let client = start(0, &place, relay, stack.file, client.handoff_at_reassembly(false), None);
        (client, server.join().unwrap())
    })
}

/// Sends a message of `size` bytes and waits for what comes back, on whichever thread this runs; CHAN calls.
fn exchange(client: &Reception, stack: &Stack, size: usize) -> usize {
    let (graph, clock) = (client.graph(), Clock::new());
    let anchor = graph.anchor("anchor").unwrap();
    let session = anchor.open((stack.to)(), clock.now()).unwrap();
    let message = Message::from(vec![0x5a; size]);
    let back = if stack.file.contains("chan") {
        let mut message = message;
        message.attributes_mut().deadline = Some(clock.now().after(PATIENCE));
        let ticket = graph.call(session, message, clock.now()).unwrap();
        graph.wait(PATIENCE, || graph.answer(ticket)).expect("an answer comes").unwrap().size()
    } else {
        anchor.push(session, message, clock.now()).unwrap();
        graph.wait(PATIENCE, || anchor.receive()).expect("an answer comes").1.size()
    };
    anchor.close(session, clock.now());
    back
}

#[test]
fn three_graphs_in_either_mode() {
    for stack in &STACKS {
        for modes in [
            [Mode::Interrupt, Mode::Interrupt],
            [Mode::Regular, Mode::Interrupt],
            [Mode::Interrupt, Mode::Regular],
            [Mode::Regular, Mode::Regular],
        ] {
            let handled = Arc::new(AtomicU64::new(0));
            let count = Arc::clone(&handled);
            let (client, server) = two(
                stack,
                "",
                modes,
                Handler::nonblocking(move |_, _, message, _| {
                    count.fetch_add(1, Ordering::Relaxed);
                    Some(message)
                }),
            );
            let times = rounds(30);
            for size in [1, 1000, 2000, 4000].into_iter().cycle().take(usize::try_from(times).unwrap()) {
                assert_eq!(exchange(&client, stack, size), size);
            }
            assert_eq!(handled.load(Ordering::Relaxed), times, "each is carried out once");
            let (client, server) = (client.counts(), server.counts());
            for (mode, counts) in modes.into_iter().zip([client, server]) {
                // Replies, requests, acknowledgements, answers of ARP and BIDCTL: all of it on the lead.
                assert_eq!(mode == Mode::Interrupt, counts.switches == 0, "{}: {counts:?}", stack.file);
                assert_eq!(counts.dropped + counts.implicit, 0, "{counts:?}");
            }
        }
    }
}

/// What is lost is asked for, and sent again, by timers and by what arrives: neither needs another thread.
#[test]
fn what_is_lost_is_repeated_from_the_lead() {
    let handled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&handled);
    let handler = Handler::nonblocking(move |_, _, message, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Some(message)
    });
    let relay = "name=drop protocols=wire_memory every=7;\n";
    let (client, server) = two(&STACKS[2], relay, [Mode::Interrupt; 2], handler);
    for _ in 0..rounds(40) {
        assert_eq!(exchange(&client, &STACKS[2], 6000), 6000);
    }
    assert_eq!(handled.load(Ordering::Relaxed), rounds(40), "each is executed once, whatever is lost");
    for host in [&client, &server] {
        let counts = host.counts();
        assert_eq!((counts.switches, counts.implicit, counts.queued), (0, 0, 0), "{counts:?}");
    }
    let graph = client.graph();
    assert!(graph.count(graph.node("drop").unwrap(), "dropped") > 0);
}

/// A handler that calls another host waits there, and its stack with it: the lead goes on, and brings it the answer.
#[test]
fn a_handler_that_calls_is_suspended_meanwhile() {
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let (far, behind) = two(
        &STACKS[2],
        "",
        [Mode::Interrupt; 2],
        Handler::new(move |_, _, message, _| {
            waits.acquire().unwrap().forget();
            Some(message)
        }),
    );
    let far = Arc::new(far);
    let middle = Arc::clone(&far);
    let (client, server) = two(
        &STACKS[2],
        "",
        [Mode::Interrupt; 2],
        Handler::new(move |_, _, message, _| {
            assert_eq!(exchange(&middle, &STACKS[2], 100), 100);
            Some(message)
        }),
    );
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| exchange(&client, &STACKS[2], 10))).collect();
        until("all to wait", || {
            behind.counts().implicit + behind.counts().queued >= 1 && server.counts().implicit >= 1
        });
        gate.release(4);
        callers.into_iter().for_each(|caller| assert_eq!(caller.join().unwrap(), 10));
    });
    until("rest", || server.is_idle() && behind.is_idle());
    for counts in [server.counts(), behind.counts()] {
        assert!(counts.implicit >= 1, "{counts:?}");
        assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
    }
}

/// Calls without a deadline: what is wrong shows as an answer that does not come.
fn call(client: &Reception, session: Session, size: usize) -> Result<usize, CallError> {
    let (graph, clock) = (client.graph(), Clock::new());
    let ticket = graph.call(session, Message::from(vec![0x5a; size]), clock.now()).unwrap();
    graph.wait(PATIENCE, || graph.answer(ticket)).expect("an answer comes").map(|answer| answer.size())
}

fn session(client: &Reception) -> Session {
    client.graph().anchor("anchor").unwrap().open((STACKS[2].to)(), Clock::new().now()).unwrap()
}

/// A handler that panics, has nothing to say, or too much: whoever called hears at once that there is no answer, and calls again.
#[test]
fn a_call_that_is_not_answered_ends_and_the_next_one_goes_on() {
    for mode in [Mode::Interrupt, Mode::Regular] {
        let handler = Handler::new(|_, _, message, _| {
            assert!(message.size() != 1, "on purpose");
            match message.size() {
                2 => None,
                3 => Some(Message::from(vec![0; 1 << 20])),
                _ => Some(message),
            }
        });
        let (client, server) = two(&STACKS[2], "", [mode; 2], handler);
        let session = session(&client);
        for round in 0..rounds(10) {
            for size in 1..=3 {
                let answer = call(&client, session, size);
                assert_eq!(answer, Err(CallError::Timeout { sent: true }), "{mode:?}, {size} in round {round}");
            }
            assert_eq!(call(&client, session, 4), Ok(4), "{mode:?}");
        }
        let graph = server.graph();
        assert_eq!(graph.count(graph.node("chan").unwrap(), "unanswered"), 2 * rounds(10));
        until("rest", || server.is_idle());
    }
}

/// A call that has got through CHAN, and is dropped above it because all threads are in handlers and no more may be queued.
#[test]
fn a_call_that_is_dropped_is_declined_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let (waits, entered) = (Arc::clone(&gate), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&entered);
    let handler = Handler::new(move |_, _, message, _| {
        count.fetch_add(1, Ordering::Relaxed);
        waits.acquire().unwrap().forget();
        Some(message)
    });
    let options = [exact(Mode::Interrupt, 2), exact(Mode::Interrupt, 1).backlog(0)];
    let (client, server) = two_with(&STACKS[2], "", options.map(|o| o.handoff_at_reassembly(false)), handler);
    let session = session(&client);
    std::thread::scope(|scope| {
        let stuck = [(); 2].map(|()| {
            scope.spawn(|| {
                // While the first one begins there is no thread for the second.
                let calls = std::iter::repeat_with(|| call(&client, session, 10));
                calls.into_iter().find(|answer| answer != &Err(CallError::Declined { is_busy: true })).unwrap()
            })
        });
        // The lead has a suspended stack, and so has the other one, or will before long.
        until("both threads to have one", || entered.load(Ordering::Relaxed) == 2);
        for _ in 0..rounds(10) {
            assert_eq!(call(&client, session, 10), Err(CallError::Declined { is_busy: true }));
        }
        gate.release(2);
        stuck.into_iter().for_each(|call| assert_eq!(call.join().unwrap(), Ok(10)));
    });
    gate.release(1);
    until("rest", || server.is_idle());
    assert_eq!(call(&client, session, 10), Ok(10));
    assert!(server.counts().dropped >= rounds(10), "{:?}", server.counts());
}
