//! Hosts that receive: who carries out a message, how often it changes hands, and what is done about those that take long.

mod common;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use common::rounds;
use common::tap::{Rig, UDP, text, until};
use nearcall_core::sys::process::thread_id;
use nearcall_core::threads::sync::Semaphore;
use nearcall_core::threads::{spawn_local, stack};
use nearcall_graph::compose::{Kinds, Plan};
use nearcall_graph::reception::{Counts, Mode, Options, Reception, ReceptionError, Standing, Why};
use nearcall_graph::{Handler, Message};

/// Without whatever depends on time, as counts that must be exact need it.
fn exact(mode: Mode, threads: usize) -> Options {
    Options::new(mode, threads).budget(None).alarm(Duration::from_secs(3600))
}

/// Counts messages.
fn counting(count: &Arc<AtomicUsize>) -> Handler {
    let count = Arc::clone(count);
    Handler::nonblocking(move |_, _, _, _| {
        count.fetch_add(1, Ordering::Relaxed);
        None
    })
}

/// What `count` messages of `size` bytes cost, whose frames come together, or one by one.
fn cost(options: Options, file: &str, size: usize, count: u64, together: bool) -> Counts {
    let handled = Arc::new(AtomicUsize::new(0));
    let mut rig = Rig::new(file, options, counting(&handled));
    let before = rig.reception.counts();
    for _ in 0..count {
        let frames = rig.frames(size);
        if together {
            rig.put(frames);
            rig.settle();
        } else {
            for frame in frames {
                rig.put(vec![frame]);
                rig.settle();
            }
        }
    }
    assert_eq!(u64::try_from(handled.load(Ordering::Relaxed)).unwrap(), count);
    let mut after = rig.reception.counts();
    after.switches -= before.switches;
    after.messages -= before.messages;
    after.alarms -= before.alarms;
    after
}

#[test]
fn regular_mode_switches_once_a_message_or_once_a_fragment() {
    let file = text("", UDP);
    let count = rounds(200);
    for (threads, size, together, switches) in [
        (1, 1, true, 1),
        (1, 2000, true, 1),
        (1, 4000, true, 1),
        (2, 1, true, 1),
        (2, 2000, true, 2),
        (3, 4000, true, 3),
        (8, 4000, true, 3),
        // One by one each finds a thread that waits, as on a network that is slower than the protocols.
        (1, 4000, false, 3),
        (2, 4000, false, 3),
        (4, 2000, false, 2),
    ] {
        let counts = cost(exact(Mode::Regular, threads), &file, size, count, together);
        let case = format!("{threads} threads, {size} bytes, together: {together}: {counts:?}");
        assert_eq!(counts.switches, switches * count, "{case}");
        assert_eq!((counts.dropped, counts.stacks_taken), (0, 0), "{case}");
    }
}

#[test]
fn interrupt_protocol_processing_switches_never_or_once_a_message() {
    let file = text("", UDP);
    let explicit = text("", &UDP.replace("protocols=udp", "protocols=udp{handoff=explicit}"));
    let count = rounds(200);
    for threads in [1, 3] {
        for (file, whole, size, switches) in [
            (&file, false, 1, 0),
            (&file, false, 4000, 0),
            (&file, true, 1, 0),
            (&file, true, 2000, 1),
            (&file, true, 4000, 1),
            (&explicit, false, 1, 1),
            (&explicit, true, 4000, 1),
        ] {
            for together in [true, false] {
                let options = exact(Mode::Interrupt, threads).handoff_at_reassembly(whole);
                let counts = cost(options, file, size, count, together);
                let case = format!("{threads} threads, {size} bytes, at reassembly: {whole}, {together}: {counts:?}");
                assert_eq!(counts.switches, switches * count, "{case}");
                assert_eq!((counts.queued, counts.exhausted, counts.implicit), (0, 0, 0), "{case}");
                assert_eq!(counts.stacks_taken, counts.stacks_returned, "{case}");
            }
        }
    }
}

/// Many at once: each message is handed off, or given to a thread that waits, which is a switch; or it is queued to one that runs.
#[test]
fn a_message_that_waits_for_a_thread_is_no_switch() {
    let explicit = text("", &UDP.replace("protocols=udp", "protocols=udp{handoff=explicit}"));
    let count = rounds(200);
    for (mode, threads) in [(Mode::Interrupt, 1), (Mode::Interrupt, 3), (Mode::Regular, 1), (Mode::Regular, 3)] {
        let mut rig = Rig::new(&explicit, exact(mode, threads), counting(&Arc::default()));
        let before = rig.reception.counts();
        let frames = (0..count).flat_map(|_| rig.frames(8)).collect();
        rig.put(frames);
        rig.settle();
        let counts = rig.reception.counts();
        let moved = (counts.switches - before.switches, counts.queued - before.queued);
        assert_eq!(moved.0 + moved.1, count, "{mode:?}, {threads} threads: {counts:?}");
        assert_eq!((counts.implicit, counts.dropped), (0, 0), "{counts:?}");
    }
}

/// The same message through the same protocols: where the annotation stands, there the lead is left, and nowhere else.
#[test]
fn the_crossing_is_where_the_annotation_is() {
    let stack = |at: &str| {
        let file = "name=probe/2 protocols=ip as=ip;\nname=udp protocols=probe/2;\nname=probe/3 protocols=udp as=udp;\n\
                    name=anchor protocols=probe/3;\n";
        let file = text("name=probe/1 protocols=tap as=wire;\n", file);
        file.replacen(&format!("protocols={at}"), &format!("protocols={at}{{handoff=explicit}}"), 1)
    };
    for (at, kept) in [("probe/1", 1), ("ip", 1), ("probe/2", 2), ("udp", 2), ("probe/3", 3), ("nothing", 4)] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler = {
            let seen = Arc::clone(&seen);
            Handler::nonblocking(move |_, _, _, _| {
                seen.lock().unwrap().push(nearcall_graph::reception::standing());
                None
            })
        };
        let mut rig = Rig::new(&stack(at), exact(Mode::Interrupt, 2).handoff_at_reassembly(false), handler);
        for _ in 0..20 {
            let frames = rig.frames(100);
            rig.put(frames);
            rig.settle();
            let trail = std::mem::take(&mut *rig.trail.lock().unwrap());
            let mut standings: Vec<Standing> = trail.iter().map(|(_, standing, _)| *standing).collect();
            standings.append(&mut seen.lock().unwrap());
            let expected: Vec<Standing> =
                (0..4).map(|layer| if layer < kept { Standing::Lead } else { Standing::Thread }).collect();
            assert_eq!(standings, expected, "an annotation above `{at}`");
            assert!(trail.iter().all(|(_, _, thread)| *thread == trail[0].2), "a stack never moves");
        }
    }
}

/// What a handler saw of itself.
#[derive(Debug, PartialEq, Eq)]
struct Sight {
    thread: u32,
    local: usize,
}

fn sight(local: &u64) -> Sight {
    Sight { thread: thread_id(), local: std::ptr::from_ref(local).addr() }
}

/// One message takes long above the handoff, in the way of `wait`; the others are received meanwhile. `Handler::new` or
/// `Handler::nonblocking` is `make`.
fn one_takes_long(
    options: Options,
    make: fn(Box<dyn Fn() + Send + Sync>) -> Handler,
    wait: Arc<dyn Fn() + Send + Sync>,
    release: impl FnOnce(),
) -> (Rig, u64) {
    let (began, begins) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let (number, handled) = (AtomicU64::new(0), Arc::new(Mutex::new(Vec::new())));
    let handler = {
        let handled = Arc::clone(&handled);
        let (began, ended) = (Mutex::new(began), Mutex::new(ended));
        make(Box::new(move || {
            let local = number.fetch_add(1, Ordering::Relaxed);
            if local == 0 {
                began.lock().unwrap().send(sight(&local)).unwrap();
                wait();
                ended.lock().unwrap().send(sight(&local)).unwrap();
            } else {
                handled.lock().unwrap().push(thread_id());
            }
        }))
    };
    let probed = text("name=probe/1 protocols=tap as=wire;\n", UDP);
    let mut rig = Rig::new(&probed, options, handler);
    let before = rig.reception.counts().messages;
    let frames = rig.frames(4000);
    rig.put(frames);
    let first = begins.recv_timeout(common::tap::PATIENCE).unwrap();
    let count = rounds(30);
    for _ in 0..count {
        let frames = rig.frames(2000);
        rig.put(frames);
    }
    until("the others", || u64::try_from(handled.lock().unwrap().len()).unwrap() == count);
    release();
    assert_eq!(ends.recv_timeout(common::tap::PATIENCE).unwrap(), first, "the stack is where it was");
    rig.settle();
    let trail = std::mem::take(&mut *rig.trail.lock().unwrap());
    let received = u64::try_from(trail.len()).unwrap();
    assert_eq!(received, 3 + 2 * count, "each frame went through the protocols below once");
    assert_eq!(rig.reception.counts().messages - before, received);
    let elsewhere = trail.iter().filter(|(_, _, thread)| *thread != first.thread).count();
    (rig, u64::try_from(elsewhere).unwrap())
}

fn waits(run: Box<dyn Fn() + Send + Sync>) -> Handler {
    Handler::new(move |_, _, _, _| {
        run();
        None
    })
}

fn answers_at_once(run: Box<dyn Fn() + Send + Sync>) -> Handler {
    Handler::nonblocking(move |_, _, _, _| {
        run();
        None
    })
}

/// A wait that blocks the kernel thread, and what ends it.
fn blocking() -> (Arc<dyn Fn() + Send + Sync>, impl FnOnce()) {
    let (send, receive) = mpsc::channel();
    let receive = Mutex::new(receive);
    (Arc::new(move || receive.lock().unwrap().recv().unwrap()), move || send.send(()).unwrap())
}

/// A wait of nearcall's, and what ends it.
fn suspending() -> (Arc<dyn Fn() + Send + Sync>, impl FnOnce()) {
    let semaphore = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&semaphore);
    (Arc::new(move || waits.acquire().unwrap().forget()), move || semaphore.release(1))
}

#[test]
fn others_are_received_while_a_handler_blocks() {
    let (wait, release) = blocking();
    let options = exact(Mode::Interrupt, 2).handoff_at_reassembly(false);
    let (rig, elsewhere) = one_takes_long(options, waits, wait, release);
    assert_eq!(elsewhere, 2 * rounds(30), "the next frames are received by other kernel threads");
    let counts = rig.reception.counts();
    assert_eq!((counts.implicit, counts.alarms, counts.dropped), (0, 0, 0), "{counts:?}");
    // With all threads in handlers messages are queued; here one of them always comes back.
    // One of them may come back between the look for a thread to hand off to and the queue: then it is given the message.
    assert_eq!(counts.switches + counts.queued, 1 + rounds(30), "{counts:?}");
    assert!(counts.program <= counts.switches, "{counts:?}");
    assert!(rig.reception.demoted().is_empty());
}

#[test]
fn others_are_received_while_a_stack_is_suspended() {
    let (wait, release) = suspending();
    let options = exact(Mode::Interrupt, 2).handoff_at_reassembly(false);
    let (rig, _) = one_takes_long(options, waits, wait, release);
    let counts = rig.reception.counts();
    assert_eq!((counts.implicit, counts.violations), (1, 0), "{counts:?}");
    assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
    // One that was handed off at reassembly is the same.
    let (wait, release) = suspending();
    let (rig, _) = one_takes_long(exact(Mode::Interrupt, 3), waits, wait, release);
    let counts = rig.reception.counts();
    assert_eq!(counts.implicit, 1, "{counts:?}");
    assert!(counts.reassembled > 0 && counts.program == 0, "{counts:?}");
}

#[test]
fn a_handler_that_is_trusted_and_waits_is_found_out() {
    let (wait, release) = suspending();
    let told = Arc::new(Mutex::new(Vec::new()));
    let options = exact(Mode::Interrupt, 2).handoff_at_reassembly(false).on_overrun({
        let told = Arc::clone(&told);
        move |overrun| told.lock().unwrap().push(overrun.clone())
    });
    let (mut rig, _) = one_takes_long(options, answers_at_once, wait, release);
    let counts = rig.reception.counts();
    assert_eq!((counts.implicit, counts.violations, counts.alarms), (1, 1, 0), "{counts:?}");
    // From then on messages are handed off before it.
    let frames = rig.frames(8);
    rig.put(frames);
    rig.settle();
    assert_eq!(rig.reception.counts().demoted, counts.demoted + 1, "{counts:?}");
    assert_eq!(rig.reception.demoted(), ["anchor"]);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].node.as_str(), told[0].why), ("anchor", Why::Waited));
    assert!(told[0].to_string().contains("`anchor` is said not to wait"), "{}", told[0]);
    assert!(told[0].is_demoted);
}

#[test]
fn a_handler_that_is_trusted_and_blocks_loses_the_lead_and_its_trust() {
    let (wait, release) = blocking();
    let told = Arc::new(Mutex::new(Vec::new()));
    let options = exact(Mode::Interrupt, 2).handoff_at_reassembly(false).alarm(Duration::from_millis(1)).on_overrun({
        let told = Arc::clone(&told);
        move |overrun| told.lock().unwrap().push(overrun.clone())
    });
    let wait = {
        let told = Arc::clone(&told);
        // On a machine that others use it takes longer to be sure whose fault it is.
        let named = move || !told.lock().unwrap().is_empty();
        Arc::new(move || {
            until("the name", &named);
            wait();
        })
    };
    let (rig, elsewhere) = one_takes_long(options, answers_at_once, wait, release);
    assert!(elsewhere > 0);
    let counts = rig.reception.counts();
    assert!(counts.alarms >= 1 && counts.violations == 0, "{counts:?}");
    assert!(rig.reception.demoted().contains(&"anchor".to_owned()));
    let told = told.lock().unwrap();
    assert!(told.iter().any(|told| (told.node.as_str(), told.why) == ("anchor", Why::Ran)), "{told:?}");
}

/// A protocol that takes long, by its message or its event, and a wire that does after a handler has answered: each loses the lead and
/// is named, and no frame is handed off for it afterwards.
#[test]
fn a_protocol_that_blocks_is_named_and_not_demoted() {
    let probe = UDP.replace("protocols=udp", "protocols=probe/1");
    let probe = probe.replace("name=anchor", "name=probe/1 protocols=udp as=slow;\nname=anchor");
    let delay = "name=delay protocols=tap time=1ms way=down;\n";
    for (link, above, name) in [("", probe.as_str(), "probe/1"), ("", UDP, "udp"), (delay, UDP, "delay")] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let options = exact(Mode::Interrupt, 1).alarm(Duration::from_millis(1)).handoff_at_reassembly(false);
        let options = options.on_overrun({
            let told = Arc::clone(&told);
            move |overrun| told.lock().unwrap().push(overrun.clone())
        });
        let mut rig = Rig::new(&text(link, above), options, Handler::nonblocking(|_, _, message, _| Some(message)));
        // So that answers go at once.
        let frames = rig.frames(8);
        rig.put(frames);
        rig.settle();
        until("an answer", || rig.answers() > 0);
        let frames = rig.frames(8);
        let trail = Arc::clone(&rig.trail);
        let (passing, sending) = (trail.lock().unwrap(), rig.tap.clone());
        let sending = sending.hold();
        rig.put(frames);
        let is_told = || told.lock().unwrap().iter().any(|told| told.node == name);
        until(name, is_told);
        drop((passing, sending));
        rig.settle();
        let told = told.lock().unwrap();
        assert!(told.iter().all(|told| told.why == Why::Ran && !told.is_demoted), "{told:?}");
        assert_eq!(rig.reception.demoted(), [""; 0]);
        assert_eq!(told.iter().filter(|told| told.node == name).count(), 1, "{told:?}");
    }
}

/// A handler that has waited once is trusted again after many messages.
#[test]
fn a_handler_that_was_demoted_is_forgiven() {
    let (wait, release) = suspending();
    let options = exact(Mode::Interrupt, 3).handoff_at_reassembly(false).on_overrun(|_| ());
    let (mut rig, _) = one_takes_long(options, answers_at_once, wait, release);
    assert_eq!(rig.reception.demoted(), ["anchor"]);
    let end = std::time::Instant::now() + common::tap::PATIENCE;
    while !rig.reception.demoted().is_empty() {
        assert!(std::time::Instant::now() < end, "{:?}", rig.reception.counts());
        let frames = (0..200).flat_map(|_| rig.frames(8)).collect();
        rig.put(frames);
        rig.settle();
    }
    let counts = rig.reception.counts();
    assert!(counts.demoted >= 10_000, "{counts:?}");
    let frames = rig.frames(8);
    rig.put(frames);
    rig.settle();
    assert_eq!(rig.reception.counts().switches, counts.switches);
}

/// A stack is suspended until a message has been handled that came when every thread was in a handler: it waits in the backlog, and
/// of the two threads one has that stack, and may start nothing, and the other one receives, and sleeps.
#[test]
fn a_message_that_waits_is_started_by_whoever_receives() {
    for count in 0..rounds(20) {
        let semaphore = Arc::new(Semaphore::new(0));
        let (wait, release) = blocking();
        let (number, handled) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
        let handler = {
            let (semaphore, handled) = (Arc::clone(&semaphore), Arc::clone(&handled));
            Handler::new(move |_, _, _, _| {
                if number.fetch_add(1, Ordering::Relaxed) == 0 {
                    wait();
                    semaphore.acquire().unwrap().forget();
                } else {
                    semaphore.release(1);
                }
                handled.fetch_add(1, Ordering::Relaxed);
                None
            })
        };
        let mut rig = Rig::new(&text("", UDP), exact(Mode::Interrupt, 1).handoff_at_reassembly(false), handler);
        let frames = rig.frames(8);
        rig.put(frames);
        until("the first", || rig.reception.counts().program == 1);
        let frames = rig.frames(8);
        rig.put(frames);
        until("the second", || rig.reception.counts().queued == 1);
        if count % 2 == 0 {
            // Mostly asleep by then; it must not matter.
            std::thread::sleep(Duration::from_millis(2));
        }
        release();
        until("both", || handled.load(Ordering::Relaxed) == 2);
        rig.settle();
        let counts = rig.reception.counts();
        assert_eq!((counts.implicit, counts.relieved, counts.dropped), (1, 1, 0), "{counts:?}");
        assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
    }
}

/// Whatever waits when a test fails goes on, so that its host ends.
struct Releases(Arc<Semaphore>);

impl Drop for Releases {
    fn drop(&mut self) {
        self.0.release(1);
    }
}

/// What was queued waits as what was not: its stack is suspended, and its thread takes the lead for what it waits for.
#[test]
fn a_message_that_was_queued_may_wait_for_the_next_one() {
    let semaphore = Arc::new(Semaphore::new(0));
    let (wait, release) = blocking();
    let (number, handled) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let handler = {
        let (semaphore, number, handled) = (Arc::clone(&semaphore), Arc::clone(&number), Arc::clone(&handled));
        Handler::new(move |_, _, _, _| {
            match number.fetch_add(1, Ordering::Relaxed) {
                0 => wait(),
                1 => semaphore.acquire().unwrap().forget(),
                _ => semaphore.release(1),
            }
            handled.fetch_add(1, Ordering::Relaxed);
            None
        })
    };
    let mut rig = Rig::new(&text("", UDP), exact(Mode::Interrupt, 1).handoff_at_reassembly(false), handler);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the first", || rig.reception.counts().program == 1);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the second", || rig.reception.counts().queued == 1);
    release();
    let _releases = Releases(Arc::clone(&semaphore));
    until("the second to begin", || number.load(Ordering::Relaxed) == 2);
    let frames = rig.frames(8);
    rig.put(frames);
    until("all three", || handled.load(Ordering::Relaxed) == 3);
    rig.settle();
    let counts = rig.reception.counts();
    assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
}

/// A stack that goes on while nobody else can receive loses the lead as a message does.
#[test]
fn a_stack_that_goes_on_and_blocks_loses_the_lead() {
    // Before what ends the waits, so that it goes after that, however this ends.
    let mut rig: Rig;
    let semaphore = Arc::new(Semaphore::new(0));
    let ((first, end_first), (second, end_second)) = (blocking(), blocking());
    let number = Arc::new(AtomicU64::new(0));
    let handler = {
        let (semaphore, number) = (Arc::clone(&semaphore), Arc::clone(&number));
        Handler::new(move |_, _, _, _| {
            match number.fetch_add(1, Ordering::Relaxed) {
                0 => {
                    semaphore.acquire().unwrap().forget();
                    number.fetch_add(100, Ordering::Relaxed);
                    first();
                }
                1 => second(),
                _ => {}
            }
            None
        })
    };
    let options = exact(Mode::Interrupt, 1).handoff_at_reassembly(false).alarm(Duration::from_millis(1));
    rig = Rig::new(&text("", UDP), options.on_overrun(|_| ()), handler);
    let before = rig.reception.counts().messages;
    let frames = rig.frames(8);
    rig.put(frames);
    until("the first to wait", || rig.reception.counts().implicit == 1);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the second", || number.load(Ordering::Relaxed) == 2);
    // The first one's thread receives now, for want of another.
    semaphore.release(1);
    until("the first to go on", || number.load(Ordering::Relaxed) == 102);
    end_second();
    let frames = rig.frames(8);
    rig.put(frames);
    until("the third to be received", || rig.reception.counts().messages == before + 3);
    end_first();
    rig.settle();
    assert_eq!(number.load(Ordering::Relaxed), 103);
}

/// When nothing comes, nothing moves: also with a suspended stack on each thread.
#[test]
fn the_lead_does_not_go_round_among_threads_with_suspended_stacks() {
    let semaphore = Arc::new(Semaphore::new(0));
    let handler = {
        let semaphore = Arc::clone(&semaphore);
        Handler::nonblocking(move |_, _, _, _| {
            semaphore.acquire().unwrap().forget();
            None
        })
    };
    let options = exact(Mode::Interrupt, 1).handoff_at_reassembly(false).on_overrun(|_| ());
    let mut rig = Rig::new(&text("", UDP), options, handler);
    let frames = rig.frames(8);
    rig.put(frames);
    // Whoever has it suspended has left the lead to the other one, which may start the second.
    until("the lead to be passed on", || rig.reception.counts().resumed == 1);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the second to be suspended", || rig.reception.counts().implicit == 2);
    let before = rig.reception.counts();
    std::thread::sleep(Duration::from_millis(30));
    let after = rig.reception.counts();
    assert_eq!((after.switches, after.resumed), (before.switches, before.resumed), "{after:?}");
    semaphore.release(2);
    rig.settle();
    let counts = rig.reception.counts();
    assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
}

/// The CPU that the test runs on at this moment.
fn one_cpu() -> usize {
    usize::from(nearcall_core::sys::process::cpu())
}

/// On one CPU a thread that gets the lead at an edge is not woken before the message is over, or waits; or before the alarm looks, if it
/// does neither.
#[test]
fn on_one_cpu_others_are_received_while_what_was_handed_off_blocks_or_waits() {
    let options = || Options::new(Mode::Interrupt, 2).budget(None).cpus(&[one_cpu()]).on_overrun(|_| ());
    // Where others have the CPU the alarm may take the lead before a message is at its edge.
    let (wait, release) = blocking();
    let (rig, elsewhere) = one_takes_long(options().alarm(Duration::from_millis(1)), answers_at_once, wait, release);
    assert!(elsewhere >= 2 * rounds(30), "the next frames are received by other kernel threads: {elsewhere}");
    let counts = rig.reception.counts();
    assert!(counts.reassembled + counts.alarms > 0 && counts.implicit == 0, "{counts:?}");
    let (wait, release) = suspending();
    let (rig, _) = one_takes_long(options(), answers_at_once, wait, release);
    let counts = rig.reception.counts();
    assert!(counts.reassembled + counts.alarms > 0 && counts.implicit == 1, "{counts:?}");
    // One that is said to wait, above an edge at which the lead was left already.
    let (wait, release) = blocking();
    let (rig, _) = one_takes_long(options(), waits, wait, release);
    let counts = rig.reception.counts();
    assert!(counts.reassembled + counts.alarms > 0 && counts.implicit == 0, "{counts:?}");
    // What is short is one switch, as ever.
    let count = rounds(200);
    let explicit = text("", &UDP.replace("protocols=udp", "protocols=udp{handoff=explicit}"));
    let counts = cost(options().alarm(Duration::from_millis(4)), &explicit, 100, count, true);
    // The alarm may have come first to one that did not get a CPU.
    assert_eq!(counts.explicit + counts.alarms, counts.switches, "{counts:?}");
    assert!(counts.alarms > 0 || counts.switches == count, "{counts:?}");
}

/// Without stacks each message is queued, and an input thread carries it out in its own context.
#[test]
fn without_stacks_it_is_regular_mode() {
    let count = rounds(200);
    for (stacks, threads) in [(0, 1), (0, 3)] {
        let options = exact(Mode::Interrupt, threads).stacks(stacks);
        let counts = cost(options, &text("", UDP), 100, count, false);
        assert_eq!((counts.switches, counts.messages), (count, count), "{counts:?}");
        assert!(counts.exhausted >= count && counts.stacks_taken == 0, "{counts:?}");
    }
    // As many as are suspended: the first message has the only one.
    let (wait, release) = suspending();
    let options = exact(Mode::Interrupt, 2).stacks(1).handoff_at_reassembly(false);
    let (rig, _) = one_takes_long(options, waits, wait, release);
    let counts = rig.reception.counts();
    assert_eq!(counts.implicit, 1, "{counts:?}");
    // It is suspended a little after it began; those that come before that have stacks.
    assert!(counts.exhausted + counts.stacks_taken >= counts.messages, "{counts:?}");
}

/// An event that brings a message up to a handler that blocks: in Regular mode, with stacks, and without any.
#[test]
fn what_an_event_brings_to_a_handler_keeps_nobody_from_receiving() {
    for options in [exact(Mode::Regular, 2), exact(Mode::Interrupt, 2), exact(Mode::Interrupt, 2).stacks(0)] {
        let mode = format!("{options:?}");
        let mut rig: Rig;
        let (wait, release) = blocking();
        let number = Arc::new(AtomicU64::new(0));
        let handler = {
            let number = Arc::clone(&number);
            Handler::new(move |_, _, _, _| {
                if number.fetch_add(1, Ordering::Relaxed) == 0 {
                    wait();
                }
                None
            })
        };
        let above = UDP.replace("protocols=udp", "protocols=delay");
        let above = above.replace("name=anchor", "name=delay protocols=udp time=1ms way=up;\nname=anchor");
        rig = Rig::new(&text("", &above), options, handler);
        let frames = rig.frames(8);
        rig.put(frames);
        until("the first", || number.load(Ordering::Relaxed) == 1);
        let frames = rig.frames(8);
        rig.put(frames);
        until(&format!("the second with {mode}"), || number.load(Ordering::Relaxed) == 2);
        release();
        rig.settle();
    }
}

#[test]
fn what_is_too_much_is_dropped_and_counted() {
    let (wait, release) = blocking();
    let handled = Arc::new(AtomicUsize::new(0));
    let handler = {
        let handled = Arc::clone(&handled);
        Handler::new(move |_, _, _, _| {
            if handled.fetch_add(1, Ordering::Relaxed) == 0 {
                wait();
            }
            None
        })
    };
    let mut rig = Rig::new(&text("", UDP), exact(Mode::Regular, 1).backlog(10), handler);
    for _ in 0..31 {
        let frames = rig.frames(8);
        rig.put(frames);
    }
    until("the queue to be full", || rig.reception.counts().dropped == 20);
    release();
    rig.settle();
    assert_eq!(handled.load(Ordering::Relaxed), 11);
}

#[test]
fn a_budget_that_is_used_up_hands_off_at_the_next_edge() {
    let handled = Arc::new(AtomicUsize::new(0));
    // No message is as short as that, and eight are forgiven none of it.
    let options = exact(Mode::Interrupt, 2).budget(Some(Duration::ZERO)).handoff_at_reassembly(false);
    let mut rig = Rig::new(&text("", UDP), options, counting(&handled));
    for _ in 0..50 {
        let frames = rig.frames(100);
        rig.put(frames);
        rig.settle();
    }
    let counts = rig.reception.counts();
    assert!(counts.budget >= 50, "{counts:?}");
    assert_eq!(handled.load(Ordering::Relaxed), 50);
    // Where the file says that there is time, there is: on every edge that messages go up here.
    let file = "name=udp protocols=ip{handoff=none};\nname=anchor protocols=udp{handoff=none};\n";
    let file = text("", file).replace("eth,arp", "eth{handoff=none},arp");
    let file = file
        .replace("protocols=tap", "protocols=tap{handoff=none}")
        .replace("arp protocols=eth", "arp protocols=eth{handoff=none}");
    let options = exact(Mode::Interrupt, 2).budget(Some(Duration::ZERO));
    let counts = cost(options, &file, 4000, 50, true);
    assert_eq!((counts.budget, counts.reassembled, counts.switches), (0, 0, 0), "{counts:?}");
}

/// What a handler takes is charged to nobody once another thread has the lead: not to the thread that runs it, which is the lead some
/// time later.
#[test]
fn a_handler_that_takes_its_time_uses_up_no_budget() {
    let budget = Duration::from_millis(200);
    let number = AtomicU64::new(0);
    let handler = Handler::new(move |_, _, _, _| {
        if number.fetch_add(1, Ordering::Relaxed) == 0 {
            // More than single messages may take, and have been forgiven for those before.
            std::thread::sleep(12 * budget);
        }
        None
    });
    let options = exact(Mode::Interrupt, 1).handoff_at_reassembly(false).budget(Some(budget));
    let mut rig = Rig::new(&text("", UDP), options, handler);
    // The third is the first one's thread's again.
    for _ in 0..3 {
        let before = rig.reception.counts();
        let frames = rig.frames(4000);
        rig.put(frames);
        rig.settle();
        let counts = rig.reception.counts();
        assert_eq!((counts.switches - before.switches, counts.budget), (1, 0), "{counts:?}");
    }
}

/// A wire that tells nobody that it has something is looked at all the same.
#[test]
fn a_wire_without_a_descriptor_is_looked_at() {
    for mode in [Mode::Interrupt, Mode::Regular] {
        let handled = Arc::new(AtomicUsize::new(0));
        let file = text("", UDP).replace("name=tap;", "name=tap/mute;").replace("protocols=tap", "protocols=tap/mute");
        let mut rig = Rig::new(&file, exact(mode, 1).spin(0), counting(&handled));
        for count in 1..=3 {
            // Mostly asleep by then.
            std::thread::sleep(Duration::from_millis(3));
            let frames = rig.frames(8);
            rig.put(frames);
            rig.settle();
            assert_eq!(handled.load(Ordering::Relaxed), count);
        }
    }
}

/// A server that answers from the lead: request and reply on one stack, without another thread.
#[test]
fn a_handler_that_answers_at_once_answers_from_the_lead() {
    let number = Arc::new(AtomicU64::new(0));
    let handler = {
        let number = Arc::clone(&number);
        Handler::nonblocking(move |_, _, _, _| {
            Some(Message::from(number.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec()))
        })
    };
    let mut rig = Rig::new(&text("", UDP), exact(Mode::Interrupt, 2), handler);
    let before = rig.reception.counts();
    for _ in 0..100 {
        let frames = rig.frames(8);
        rig.put(frames);
        rig.settle();
        assert_eq!(rig.answers(), 1);
    }
    let counts = rig.reception.counts();
    assert_eq!((counts.switches, counts.implicit), (before.switches, 0), "{counts:?}");
    assert_eq!(number.load(Ordering::Relaxed), 100);
}

/// A thread that a handler leaves on its kernel thread runs there: after one on the lead, on another thread, and of a message that
/// was queued.
#[test]
fn what_a_handler_spawns_runs_after_it() {
    for (is_nonblocking, stacks) in [(true, 64), (false, 64), (true, 0)] {
        let ran = Arc::new(AtomicUsize::new(0));
        let run = {
            let ran = Arc::clone(&ran);
            move || {
                let ran = Arc::clone(&ran);
                let spawned = spawn_local(None, stack::Class::THREAD, move || ran.fetch_add(1, Ordering::Relaxed));
                assert!(spawned.is_some(), "a processor runs the handler");
            }
        };
        let handler = if is_nonblocking { answers_at_once(Box::new(run)) } else { waits(Box::new(run)) };
        let mut rig = Rig::new(&text("", UDP), exact(Mode::Interrupt, 1).stacks(stacks), handler);
        for count in 1..=10 {
            let frames = rig.frames(8);
            rig.put(frames);
            until("what was spawned", || ran.load(Ordering::Relaxed) == count);
        }
        rig.settle();
    }
}

#[test]
fn a_handler_that_panics_takes_nothing_with_it() {
    for mode in [Mode::Interrupt, Mode::Regular] {
        let handled = Arc::new(AtomicUsize::new(0));
        let handler = {
            let handled = Arc::clone(&handled);
            Handler::nonblocking(move |_, _, _, _| {
                assert!(handled.fetch_add(1, Ordering::Relaxed) % 2 == 1, "on purpose");
                None
            })
        };
        let mut rig = Rig::new(&text("", UDP), exact(mode, 1), handler);
        for _ in 0..10 {
            let frames = rig.frames(100);
            rig.put(frames);
            rig.settle();
        }
        assert_eq!(handled.load(Ordering::Relaxed), 10);
        let counts = rig.reception.counts();
        assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
    }
}

/// A host to which nothing comes: once its threads and its alarm sleep they stay asleep, also with a suspended stack if there is a thread
/// without; and the alarm wakes for a message.
#[test]
fn a_host_to_which_nothing_comes_sleeps() {
    let mut rig: Rig;
    let semaphore = Arc::new(Semaphore::new(0));
    let (wait, release) = blocking();
    let number = AtomicU64::new(0);
    let handler = {
        let semaphore = Arc::clone(&semaphore);
        Handler::nonblocking(move |_, _, message, _| {
            match number.fetch_add(1, Ordering::Relaxed) {
                0 => wait(),
                1 => semaphore.acquire().unwrap().forget(),
                _ => {}
            }
            Some(message)
        })
    };
    let options = exact(Mode::Interrupt, 2).handoff_at_reassembly(false).alarm(Duration::from_micros(100));
    rig = Rig::new(&text("", UDP), options.on_overrun(|_| ()), handler);
    let asleep = |rig: &Rig| {
        until("the alarm to sleep", || format!("{:?}", rig.reception).contains("alarm_sleeps: true"));
        let slept = |rig: &Rig| {
            let counts = rig.reception.counts();
            (counts.sleeps, counts.parks)
        };
        // What is on its way to sleep gets there.
        let mut last = slept(rig);
        until("the others to sleep", || {
            std::thread::sleep(Duration::from_millis(20));
            let before = std::mem::replace(&mut last, slept(rig));
            last == before
        });
        last
    };
    asleep(&rig);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the alarm to take the lead from the first", || rig.reception.counts().alarms > 0);
    release();
    rig.settle();
    let frames = rig.frames(8);
    rig.put(frames);
    until("the second to wait", || rig.reception.counts().implicit == 1);
    asleep(&rig);
    semaphore.release(1);
    rig.settle();
}

/// Many frames, in every way that a message can end: as many stacks as were taken came back, and no more were made than can be in
/// use.
#[test]
fn stacks_balance() {
    let count = rounds(3000);
    let semaphore = Arc::new(Semaphore::new(0));
    let handled = Arc::new(AtomicU64::new(0));
    let handler = {
        let (semaphore, handled) = (Arc::clone(&semaphore), Arc::clone(&handled));
        Handler::new(move |_, _, _, _| {
            if handled.fetch_add(1, Ordering::Relaxed) % 7 == 0 {
                // Sometimes this waits, and sometimes it is let go at once.
                semaphore.acquire().unwrap().forget();
            }
            None
        })
    };
    let options = exact(Mode::Interrupt, 3).stacks(8).backlog(1 << 20).alarm(Duration::from_millis(1));
    let mut rig = Rig::new(&text("", UDP), options, handler);
    let made = stack::counts().made;
    let mut released = 0;
    for n in 0..count {
        let frames = rig.frames(if n % 3 == 0 { 4000 } else { 100 });
        rig.put(frames);
        if n % 5 == 0 {
            semaphore.release(1);
            released += 1;
        }
        while rig.tap.left() > 500 {
            std::thread::yield_now();
        }
    }
    // As many as are waited for at most.
    semaphore.release(usize::try_from(count).unwrap());
    released += count;
    rig.settle();
    assert_eq!(handled.load(Ordering::Relaxed), count);
    let counts = rig.reception.counts();
    assert_eq!(counts.stacks_taken, counts.stacks_returned, "{counts:?}");
    assert_eq!(counts.dropped, 0, "{counts:?}");
    let waited = count.div_ceil(7);
    assert_eq!(u64::try_from(semaphore.available()).unwrap(), released - waited);
    // Those of four threads in messages, and eight that are suspended; other tests of this process have theirs.
    drop(rig);
    assert!(stack::counts().made - made < 200, "{} stacks for {count} messages", stack::counts().made - made);
}

/// Another process that plays the role of `test`; `None`: this one is to.
fn another(test: &str) -> Option<std::process::Command> {
    const ROLE: &str = "NEARCALL_TEST_ROLE";
    if std::env::var_os(ROLE).is_some() {
        return None;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(ROLE, test);
    Some(command)
}

/// Whether this process is to play the role of `test`; if not, one is started that does, and must succeed.
fn is_alone(test: &str) -> bool {
    let Some(mut other) = another(test) else { return true };
    let output = other.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    false
}

/// A handler is found out, and `options` say who hears of it. Then the host receives as before.
fn is_found_out_and_received_after(options: Options) {
    let (wait, release) = suspending();
    let options = options.handoff_at_reassembly(false);
    let (mut rig, _) = one_takes_long(options, answers_at_once, wait, release);
    assert_eq!(rig.reception.demoted(), ["anchor"]);
    for _ in 0..10 {
        let frames = rig.frames(8);
        rig.put(frames);
        rig.settle();
    }
}

#[test]
fn who_is_told_of_an_overrun_may_panic() {
    is_found_out_and_received_after(exact(Mode::Interrupt, 1).on_overrun(|_| panic!("on purpose")));
}

#[test]
fn nobody_need_read_of_an_overrun() {
    let Some(mut other) = another("nobody_need_read_of_an_overrun") else {
        return is_found_out_and_received_after(exact(Mode::Interrupt, 1));
    };
    let mut other = other.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(other.stderr.take());
    assert!(other.wait().unwrap().success());
}

/// This process gets no more address space than it has, and `more`.
fn limit_address_space(more: u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split_whitespace().next().unwrap().parse().unwrap();
    let limit = Some(pages * 4096 + more);
    let limit = rustix::process::Rlimit { current: limit, maximum: limit };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
}

#[test]
fn what_cannot_receive_says_why() {
    if !is_alone("what_cannot_receive_says_why") {
        return;
    }
    let start_with = |text: &str, threads| {
        let plan = Plan::read("a.graph", text, &Kinds::standard()).unwrap();
        Reception::start(&plan, Options::new(Mode::Interrupt, threads), |_, _| {}).map(drop)
    };
    let start = |text: &str| start_with(text, 1);
    let error = start("name=wire_packet interface=nosuch;\n@;\nname=eth protocols=wire_packet;\n").unwrap_err();
    assert!(matches!(error, ReceptionError::Build(_)), "{error}");
    assert!(error.to_string().contains("nosuch"), "{error}");
    let udp = "name=wire_udp local=127.0.0.1:0 peers=127.0.0.1:9;\n@;\nname=eth protocols=wire_udp;\n";
    start(udp).unwrap();
    // Less than the stack of a kernel thread; a few of those that have ended are kept.
    limit_address_space(1 << 20);
    let error = start_with(udp, 64).unwrap_err();
    assert!(matches!(error, ReceptionError::NoKernelThread(_)), "{error}");
}

/// The address space is used up, and each thread but one has no stack yet.
#[test]
fn without_memory_for_a_stack_it_is_regular_mode() {
    if !is_alone("without_memory_for_a_stack_it_is_regular_mode") {
        return;
    }
    let (wait, release) = suspending();
    let (number, handled) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let handler = {
        let handled = Arc::clone(&handled);
        Handler::new(move |_, _, _, _| {
            if number.fetch_add(1, Ordering::Relaxed) == 0 {
                wait();
            }
            handled.fetch_add(1, Ordering::Relaxed);
            None
        })
    };
    let mut rig = Rig::new(&text("", UDP), exact(Mode::Interrupt, 2).handoff_at_reassembly(false), handler);
    // Less than a slab of stacks, and enough for everything else.
    limit_address_space(16 << 20);
    let held: Vec<_> = std::iter::from_fn(|| stack::Stack::take(stack::Class::E_STACK).ok()).collect();
    assert!(held.len() < 1000);
    let frames = rig.frames(8);
    rig.put(frames);
    until("the first to wait", || rig.reception.counts().implicit == 1);
    for count in 1..=10 {
        let frames = rig.frames(8);
        rig.put(frames);
        until("another", || handled.load(Ordering::Relaxed) == count);
    }
    let counts = rig.reception.counts();
    assert!(counts.exhausted > 0, "{counts:?}");
    release();
    rig.settle();
    let counts = rig.reception.counts();
    assert_eq!((counts.stacks_taken, counts.dropped), (counts.stacks_returned, 0), "{counts:?}");
}

/// Handoff is no word of any protocol's: both modes run the same sources, with nothing in them for either.
#[test]
fn protocols_know_nothing_of_who_receives() {
    let mut directories = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocols")];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            count += 1;
            let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
            for word in ["handoff", "hand off", "reception", "crossing", "threads::", "thread::", "interrupt"] {
                assert!(!text.contains(word), "{} has `{word}`", path.display());
            }
        }
    }
    assert!(count >= 24, "{count}");
}
