//! What a line carries, and when it and its A-stack may be used again.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use loom::thread;

use crate::{ALL, Slip, explore};

/// One request line and one A-stack. Data words follow a line's first word.
#[derive(Default)]
struct Channel {
    request: AtomicU32,
    arguments: AtomicU32,
    reply: AtomicU32,
    results: AtomicU32,
    /// The server's, private: the last sequence number claimed.
    claimed: AtomicU32,
    /// The server's, private: a procedure runs on the A-stack.
    busy: AtomicBool,
}

impl Channel {
    fn publish(&self, sequence: u32, slip: Slip) {
        self.arguments.store(sequence, Ordering::Relaxed);
        store(&self.request, sequence, slip);
    }

    /// Reads a request, then claims it: what was read is thrown away if another processor was faster.
    fn claim(&self, slip: Slip) -> Option<u32> {
        let last = self.claimed.load(Ordering::Relaxed);
        let sequence = load(&self.request, slip);
        if sequence != last + 1 {
            return None;
        }
        let arguments = self.arguments.load(Ordering::Relaxed);
        self.claimed.compare_exchange(last, sequence, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        assert_eq!(arguments, sequence, "arguments of another call");
        Some(sequence)
    }

    fn answer(&self, sequence: u32, slip: Slip) {
        // Acquire and Release as `ServerHalf::start` and `Started::publish`.
        assert!(!self.busy.swap(true, Ordering::Acquire), "an honest client is blamed");
        self.results.store(sequence, Ordering::Relaxed);
        if slip == Slip::FreeAfterReply {
            store(&self.reply, sequence, slip);
            self.busy.store(false, Ordering::Release);
        } else {
            self.busy.store(false, Ordering::Release);
            store(&self.reply, sequence, slip);
        }
    }

    /// The results, if the reply is there.
    fn results(&self, sequence: u32, slip: Slip) -> Option<u32> {
        (load(&self.reply, slip) == sequence).then(|| self.results.load(Ordering::Relaxed))
    }
}

fn store(first: &AtomicU32, value: u32, slip: Slip) {
    first.store(value, if slip == Slip::PublishedRelaxed { Ordering::Relaxed } else { Ordering::Release });
}

fn load(first: &AtomicU32, slip: Slip) -> u32 {
    let value = first.load(Ordering::Relaxed);
    if slip != Slip::NotAcquired {
        fence(Ordering::Acquire);
    }
    value
}

/// A request with its arguments, and a reply with its results.
fn call(request: Slip, reply: Slip) {
    explore(ALL, move || {
        let channel = Arc::new(Channel::default());
        let server = {
            let channel = Arc::clone(&channel);
            thread::spawn(move || {
                if let Some(sequence) = channel.claim(request) {
                    channel.answer(sequence, reply);
                }
            })
        };
        channel.publish(1, request);
        if let Some(results) = channel.results(1, reply) {
            assert_eq!(results, 1, "results of another call");
        }
        server.join().unwrap();
    });
}

#[test]
fn a_line_carries_what_was_written_before() {
    call(Slip::None, Slip::None);
}

#[test]
#[should_panic(expected = "arguments of another call")]
fn a_request_that_is_published_relaxed_carries_nothing() {
    call(Slip::PublishedRelaxed, Slip::None);
}

#[test]
#[should_panic(expected = "arguments of another call")]
fn a_request_that_is_not_acquired_carries_nothing() {
    call(Slip::NotAcquired, Slip::None);
}

#[test]
#[should_panic(expected = "results of another call")]
fn a_reply_that_is_published_relaxed_carries_nothing() {
    call(Slip::None, Slip::PublishedRelaxed);
}

#[test]
#[should_panic(expected = "results of another call")]
fn a_reply_that_is_not_acquired_carries_nothing() {
    call(Slip::None, Slip::NotAcquired);
}

/// Two processors and a client that uses line and A-stack again as soon as it has the first reply, or even the line
/// alone too soon.
fn again(slip: Slip) {
    let serve = move |channel: &Channel| match channel.claim(slip) {
        Some(sequence) if slip != Slip::LineReused => channel.answer(sequence, slip),
        _ => {}
    };
    explore(ALL, move || {
        let channel = Arc::new(Channel::default());
        channel.publish(1, slip);
        let [client, processor] = [0, 1].map(|part| {
            let channel = Arc::clone(&channel);
            thread::spawn(move || {
                if part == 1 {
                    serve(&channel);
                } else if slip == Slip::LineReused || channel.results(1, slip).is_some() {
                    channel.publish(2, slip);
                }
            })
        });
        serve(&channel);
        client.join().unwrap();
        processor.join().unwrap();
    });
}

#[test]
fn line_and_astack_may_be_used_again_after_the_reply() {
    again(Slip::None);
}

#[test]
#[should_panic(expected = "arguments of another call")]
fn a_line_that_is_used_again_too_soon_is_misread() {
    again(Slip::LineReused);
}

#[test]
#[should_panic(expected = "an honest client is blamed")]
fn an_astack_that_is_free_after_the_reply_is_free_too_late() {
    again(Slip::FreeAfterReply);
}
