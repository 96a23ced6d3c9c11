//! Replies that come after their procedures have returned, between a program and itself as its own server, and without a boundary.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nearcall::{Binder, CallError, Export, Exporter, Ran, ReplyToken, Wire};

const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Missing {
    /// Which.
    pub key: String,
}

/// A store in which somebody may look for what is put there later.
#[nearcall::interface]
pub trait Store {
    /// The value under `key`, once there is one.
    #[call(timeout = "60s", concurrency = 8)]
    fn wait(&self, key: &str, reply: ReplyToken<Result<String, Missing>>);
    /// The same with a time-out that strikes.
    #[call(timeout = "100ms")]
    fn wait_briefly(&self, key: &str, reply: ReplyToken<Result<String, Missing>>);
    /// A number, larger than a line, and nothing of its own that fails; answered before the procedure returns.
    fn wide(&self, number: u64, reply: ReplyToken<[u64; 16]>);
    /// No result at all.
    fn done(&self, key: &str, reply: ReplyToken<()>);
    /// Panics with the token, or after it was given away.
    fn panics(&self, keeps: bool, reply: ReplyToken<u32>);
    /// Panics when its result is written.
    fn unwritable(&self, reply: ReplyToken<Fragile>);
    /// Answers those who wait for `key`; how many.
    fn put(&self, key: &str, value: &str) -> u32;
    /// Drops their tokens.
    fn forget(&self, key: &str) -> u32;
    /// How many wait, and how many of them have given up.
    fn waiting(&self) -> (u32, u32);
}

/// A value whose copy cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragile(pub u32);

impl Wire for Fragile {
    const FIXED: bool = true;
    const SIZE: usize = 4;
    const SHAPE: &'static nearcall::rt::Shape = <u32 as Wire>::SHAPE;

    fn put(&self, _: &mut [u8], _: usize) {
        panic!("as asked");
    }
    fn get(head: &[u8], at: usize, tail: &mut nearcall::rt::Tail<'_>) -> Result<Self, nearcall::rt::Malformed> {
        u32::get(head, at, tail).map(Self)
    }
}

type Waiting = (String, ReplyToken<Result<String, Missing>>);

#[derive(Default)]
struct Shelf {
    waiting: Mutex<Vec<Waiting>>,
    kept: Mutex<Vec<ReplyToken<u32>>>,
    saw_client: AtomicBool,
}

impl Shelf {
    fn take(&self, key: &str) -> Vec<Waiting> {
        self.waiting.lock().unwrap().extract_if(.., |(of, _)| of == key).collect()
    }
}

impl Store for Shelf {
    fn wait(&self, key: &str, reply: ReplyToken<Result<String, Missing>>) {
        if let Some(call) = reply.call() {
            // The environment is that of the call, also later, on another thread.
            let is_right = call.procedure() == "wait"
                && call.peer().pid().is_some_and(|pid| pid.unsigned_abs() == std::process::id())
                && call.remaining().is_some_and(|left| left <= Duration::from_secs(60));
            self.saw_client.store(is_right, Ordering::Relaxed);
        }
        if key.is_empty() {
            return reply.send(Err(Missing { key: "none".to_owned() }));
        }
        self.waiting.lock().unwrap().push((key.to_owned(), reply));
    }
    fn wait_briefly(&self, key: &str, reply: ReplyToken<Result<String, Missing>>) {
        self.wait(key, reply);
    }
    fn wide(&self, number: u64, reply: ReplyToken<[u64; 16]>) {
        reply.send([number; 16]);
    }
    fn done(&self, _: &str, reply: ReplyToken<()>) {
        thread::spawn(move || reply.send(()));
    }
    fn panics(&self, keeps: bool, reply: ReplyToken<u32>) {
        if keeps {
            self.kept.lock().unwrap().push(reply);
        }
        panic!("as asked");
    }
    fn unwritable(&self, reply: ReplyToken<Fragile>) {
        thread::spawn(move || reply.send(Fragile(1)));
    }
    fn put(&self, key: &str, value: &str) -> u32 {
        let taken = self.take(key);
        let count = u32::try_from(taken.len()).unwrap();
        taken.into_iter().for_each(|(_, reply)| reply.send(Ok(value.to_owned())));
        count
    }
    fn forget(&self, key: &str) -> u32 {
        u32::try_from(self.take(key).len()).unwrap()
    }
    fn waiting(&self) -> (u32, u32) {
        let waiting = self.waiting.lock().unwrap();
        let count = |of: usize| u32::try_from(of).unwrap();
        (count(waiting.len()), count(waiting.iter().filter(|(_, reply)| reply.is_cancelled()).count()))
    }
}

struct Site {
    dir: tempfile::TempDir,
    shelf: Arc<Shelf>,
    export: Option<Export>,
}

impl Site {
    fn new() -> Self {
        let (dir, shelf) = (tempfile::tempdir().unwrap(), Arc::new(Shelf::default()));
        let export = Exporter::new("store").dir(dir.path()).export(StoreServer::new(Arc::clone(&shelf))).unwrap();
        Self { dir, shelf, export: Some(export) }
    }

    fn bind(&self) -> StoreClient {
        Binder::new("store").dir(self.dir.path()).bind().unwrap()
    }
}

/// Until so many wait, and so many of those have given up.
fn until(client: &StoreClient, waiting: (u32, u32)) {
    let begun = Instant::now();
    while client.waiting() != Ok(waiting) {
        assert!(begun.elapsed() < PATIENCE, "{:?} instead of {waiting:?}", client.waiting());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_reply_comes_when_it_is_made_and_meanwhile_others_are_served() {
    let site = Site::new();
    let client = site.bind();
    for round in 0..50 {
        thread::scope(|scope| {
            let waiting: Vec<_> = (0..4)
                .map(|n| {
                    let client = site.bind();
                    scope.spawn(move || client.wait(if n % 2 == 0 { "even" } else { "odd" }))
                })
                .collect();
            until(&client, (4, 0));
            // Out of band, every other time.
            let value = "x".repeat(if round % 2 == 0 { 5 } else { 20_000 });
            assert_eq!(
                (client.put("odd", &value), client.put("even", "2"), client.put("even", "3")),
                (Ok(2), Ok(2), Ok(0))
            );
            let got: Vec<_> = waiting.into_iter().map(|waiting| waiting.join().unwrap()).collect();
            let even = Ok("2".to_owned());
            assert_eq!(got, [even.clone(), Ok(value.clone()), even, Ok(value)]);
        });
    }
    assert!(site.shelf.saw_client.load(Ordering::Relaxed));
    assert_eq!(client.wide(7), Ok([7; 16]));
    for _ in 0..1000 {
        assert_eq!(client.done("x"), Ok(()));
        assert_eq!(client.wait(""), Err(CallError::App(Missing { key: "none".to_owned() })));
    }
}

#[test]
fn started_calls_wait_for_it_too() {
    let site = Site::new();
    let client = site.bind();
    let mut started: Vec<_> = (0..4).map(|_| client.start_wait("later").unwrap()).collect();
    until(&client, (4, 0));
    assert_eq!(client.put("later", "now"), Ok(4));
    started.iter_mut().for_each(|started| assert_eq!(started.wait_timeout(PATIENCE), Some(Ok("now".to_owned()))));
}

#[test]
fn a_token_that_is_dropped_answers_aborted() {
    let site = Site::new();
    let client = site.bind();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| site.bind().wait("x"));
        until(&client, (1, 0));
        assert_eq!(client.forget("x"), Ok(1));
        let ended = waiting.join().unwrap();
        assert_eq!(ended, Err(CallError::Aborted));
        assert_eq!(ended.unwrap_err().ran(), Some(Ran::Maybe));
    });
}

#[test]
fn a_panic_is_the_answer_and_its_token_leads_nowhere() {
    let site = Site::new();
    let client = site.bind();
    for keeps in [false, true] {
        assert_eq!(client.panics(keeps), Err(CallError::Panicked));
    }
    let kept = site.shelf.kept.lock().unwrap().pop().unwrap();
    assert!(kept.is_cancelled());
    let number = client.start_wide(3).unwrap();
    kept.send(9);
    let mut number = number;
    assert_eq!(number.wait_timeout(PATIENCE), Some(Ok([3; 16])));
    assert_eq!(client.unwritable(), Err(CallError::Panicked));
    assert_eq!(client.wide(4), Ok([4; 16]));
}

#[test]
fn a_caller_that_gives_up_is_seen_and_its_reply_goes_nowhere() {
    let site = Site::new();
    let client = site.bind();
    assert_eq!(client.wait_briefly("late"), Err(CallError::Timeout { ran: Ran::Maybe }));
    until(&client, (1, 1));
    assert_eq!(client.put("late", "too late"), Ok(1));
    // A-stacks come back.
    for _ in 0..20 {
        assert_eq!(client.wide(5), Ok([5; 16]));
        assert_eq!(client.wait(""), Err(CallError::App(Missing { key: "none".to_owned() })));
    }
}

#[test]
fn an_export_that_is_drained_answers_what_nobody_has() {
    let mut site = Site::new();
    let (client, second, export) = (site.bind(), site.bind(), site.export.take().unwrap());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| second.wait("never"));
        until(&client, (1, 0));
        let begun = Instant::now();
        // The service has the token, and would keep itself.
        assert!(export.drain(Duration::from_millis(100)).is_ok());
        assert!(begun.elapsed() < PATIENCE);
        assert_eq!(waiting.join().unwrap(), Err(CallError::Aborted));
        assert_eq!(Arc::strong_count(&site.shelf), 1, "the service has gone");
        let (_, reply) = site.shelf.waiting.lock().unwrap().pop().unwrap();
        assert!(reply.is_cancelled());
        reply.send(Ok("nobody hears".to_owned()));
    });
    assert_eq!(client.wide(1), Err(CallError::Revoked));
}

#[test]
fn a_draining_export_lets_a_reply_come() {
    let mut site = Site::new();
    let (client, second, export) = (site.bind(), site.bind(), site.export.take().unwrap());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| second.wait("soon"));
        until(&client, (1, 0));
        let shelf = Arc::clone(&site.shelf);
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            shelf.put("soon", "in time");
        });
        assert!(export.drain(PATIENCE).is_ok());
        assert_eq!(waiting.join().unwrap(), Ok("in time".to_owned()));
    });
}

#[test]
fn a_reply_without_a_boundary_comes_later_too() {
    let local = StoreLocal(Arc::new(Shelf::default()));
    thread::scope(|scope| {
        for (key, expected) in [("a", Ok("1".to_owned())), ("b", Err(CallError::Aborted))] {
            let local = &local;
            scope.spawn(move || assert_eq!(StoreCall::wait(local, key), expected));
        }
        let begun = Instant::now();
        while StoreCall::waiting(&local) != Ok((2, 0)) {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!((StoreCall::put(&local, "a", "1"), StoreCall::forget(&local, "b")), (Ok(1), Ok(1)));
    });
}
