//! Descriptors, clients and grants from peers that lie: what is none is refused and counted, and nothing is left open.

#![allow(missing_docs, unreachable_pub, reason = "interfaces for these tests")]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{CallError, Client as _, Export, Exporter, Grant, Ran, SharedGrant};
use nearcall_layout::pair::status;
use nearcall_testkit::client::{Client, Line, Outcome};
use nearcall_testkit::message::{self, Message, Refused};
use nearcall_testkit::packet::{Connection, Heard};
use nearcall_testkit::random::Random;
use nearcall_testkit::server::{self, Liar, Memory};
use rustix::fs::SealFlags;

#[nearcall::interface]
pub trait Counter {
    fn add(&self, amount: u32) -> u32;
}

#[nearcall::interface]
pub trait Taker {
    fn file(&self, file: OwnedFd) -> u32;
    fn two(&self, one: BorrowedFd<'_>, other: OwnedFd) -> u32;
    fn client(&self, counter: CounterClient) -> u32;
    fn sealed(&self, grant: &Grant) -> u32;
    fn shared(&self, grant: &SharedGrant) -> u32;
    fn made(&self) -> OwnedFd;
    fn counter(&self) -> CounterClient;
    fn plain(&self) -> u32;
    fn join(&self, strings: &[&[u8]]) -> u32;
    fn fan(&self, #[out] places: &mut [&mut [u8]]) -> u32;
    fn several(&self, maybe: Option<OwnedFd>, all: &[BorrowedFd<'_>]) -> u32;
    fn all(&self) -> Vec<OwnedFd>;
    fn perhaps(&self) -> Option<Grant>;
}

const FILE: usize = 0;
const TWO: usize = 1;
const CLIENT: usize = 2;
const SEALED: usize = 3;
const SHARED: usize = 4;
const JOIN: usize = 8;
const FAN: usize = 9;
const SEVERAL: usize = 10;
const PROCEDURES: [&str; 11] =
    ["file", "two", "client", "sealed", "shared", "made", "counter", "plain", "join", "fan", "several"];

/// Counts what it is entered with.
#[derive(Default)]
struct Tester(AtomicU32);

impl Tester {
    fn enter(&self) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl Counter for Tester {
    fn add(&self, _: u32) -> u32 {
        self.enter()
    }
}

impl Taker for Tester {
    fn file(&self, _: OwnedFd) -> u32 {
        self.enter()
    }
    fn two(&self, _: BorrowedFd<'_>, _: OwnedFd) -> u32 {
        self.enter()
    }
    fn client(&self, counter: CounterClient) -> u32 {
        let _ = counter.add(1);
        self.enter()
    }
    fn sealed(&self, grant: &Grant) -> u32 {
        assert!(grant.bytes().is_ok());
        self.enter()
    }
    fn shared(&self, grant: &SharedGrant) -> u32 {
        assert!(grant.bytes().is_ok());
        self.enter()
    }
    fn made(&self) -> OwnedFd {
        null()
    }
    fn counter(&self) -> CounterClient {
        CounterClient::serve(Self::default()).unwrap().leave()
    }
    fn plain(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
    fn join(&self, _: &[&[u8]]) -> u32 {
        self.enter()
    }
    fn fan(&self, _: &mut [&mut [u8]]) -> u32 {
        self.enter()
    }
    fn several(&self, maybe: Option<OwnedFd>, all: &[BorrowedFd<'_>]) -> u32 {
        self.enter();
        u32::try_from(maybe.iter().count() + all.len()).unwrap()
    }
    fn all(&self) -> Vec<OwnedFd> {
        vec![null(), null()]
    }
    fn perhaps(&self) -> Option<Grant> {
        None
    }
}

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

/// One test at a time: they count what this process has open.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_count() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

struct Place {
    dir: tempfile::TempDir,
    export: Export,
    honest: TakerClient,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let export = Exporter::new("taker").dir(dir.path()).export(TakerServer::new(Tester::default())).unwrap();
        let honest = nearcall::Binder::new("taker").dir(dir.path()).bind().unwrap();
        Self { dir, export, honest }
    }

    fn hostile(&self) -> Client {
        Client::new(self.dir.path(), "taker")
    }
}

/// Waits until this process has no more open than that.
fn settles(before: usize) {
    let start = Instant::now();
    while open_count() > before || nearcall::usage().descriptors != 0 {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{} open, {before} before: {:?}",
            open_count(),
            nearcall::usage()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn token(token: u32) -> [u8; 4] {
    token.to_le_bytes()
}

#[test]
fn guesses_are_refused_and_counted() {
    let _alone = alone();
    let place = Place::new();
    let mut hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    let (tries, seed) = (support::count("NEARCALL_TEST_ROUNDS", 500), support::count("NEARCALL_TEST_SEED", 7));
    let mut random = Random::new(seed.into());
    let before = place.export.refused_count();
    let mut count = 0;
    for _ in 0..tries {
        let mut small = || u32::try_from(random.below(1 << 16)).unwrap();
        let (number, other) = (small(), small());
        // A token of no parcel.
        let stranger = Line::of(&grant, FILE).with(&token(number));
        assert_eq!(hostile.call(&stranger).status(), Some(status::NOT_TAKEN));
        // A right that was not given: each part of it wrong, then all.
        let right = Line::of(&grant, FILE);
        let wrong = [
            Line { nonce: right.nonce ^ (number + 1), ..right },
            Line { generation: right.generation.wrapping_add(number + 1), ..right },
            Line { binding: right.binding + 1 + u16::try_from(other % 60_000).unwrap(), ..right },
            Line { binding: 1, generation: number, nonce: other, ..right },
        ];
        for wrong in wrong {
            assert_eq!(hostile.call(&wrong).status(), Some(status::REVOKED));
        }
        // A binding that the client does not have cannot be passed on, either.
        for (binding, generation) in
            [(grant.binding + 1, grant.generation), (grant.binding, grant.generation + 1 + number)]
        {
            let answer = hostile.ask(&message::introduce(number, binding, generation)).unwrap();
            assert!(matches!(answer, (Message::Card(of), fds) if of == number && fds.is_empty()));
        }
        // A token to bind by.
        let answer = hostile.ask(&message::bind(3, random.word(), &[])).unwrap().0;
        assert_eq!(answer, Message::Refused(3, Refused::Denied));
        count += 7;
    }
    assert_eq!(place.export.refused_count() - before, count, "every one but binds, which are told so");
    assert_eq!(place.honest.plain(), Ok(0), "nothing was entered");
    // Stale: what was right, and was given back.
    hostile.connection.say(&message::unbind(grant.binding, grant.generation)).unwrap();
    let answer = hostile.ask(&message::introduce(1, grant.binding, grant.generation)).unwrap();
    assert!(answer.1.is_empty());
    assert_eq!(hostile.call(&Line::of(&grant, FILE)).status(), Some(status::REVOKED));
}

/// Sends a parcel and makes the call it is for.
fn pass(hostile: &mut Client, line: &Line, number: u32, fds: &[BorrowedFd<'_>]) -> Outcome {
    hostile.connection.say_with(&message::parcel(number), fds).unwrap();
    hostile.call(&line.with(&token(number)))
}

#[test]
fn parcels_with_the_wrong_things_are_refused_and_closed() {
    let _alone = alone();
    let place = Place::new();
    let mut hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    place.honest.file(null()).unwrap();
    let wrong_memory: Vec<OwnedFd> = [
        SealFlags::empty(),
        SealFlags::SHRINK,
        SealFlags::SHRINK | SealFlags::GROW,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE,
        SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
    ]
    .into_iter()
    .flat_map(|seals| [true, false].map(|allocated| Memory { size: 4096, allocated, seals }.make().0))
    .chain([null()])
    .collect();
    let (pipe, _write) = rustix::pipe::pipe().unwrap();
    let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let (card, silent) = Connection::pair().unwrap();
    drop(silent);
    let warrant = Memory::SERVER.make().0;
    let before = (place.export.refused_count(), place.honest.plain().unwrap());
    let null = null();
    let null = null.as_fd();
    let (open, mut count) = (open_count(), 0);
    let mut refused = |hostile: &mut Client, procedure: usize, fds: &[BorrowedFd<'_>]| {
        count += 1;
        let line = Line::of(&grant, procedure);
        let outcome = pass(hostile, &line, u32::try_from(count).unwrap(), fds);
        assert_eq!(
            outcome.status(),
            Some(status::NOT_TAKEN),
            "{} with {} descriptors",
            PROCEDURES[procedure],
            fds.len()
        );
    };
    for _ in 0..3 {
        // Too many, and too few.
        refused(&mut hostile, FILE, &[null; 2]);
        refused(&mut hostile, FILE, &[null; 16]);
        refused(&mut hostile, SEALED, &[null; 1]);
        refused(&mut hostile, CLIENT, &[null; 2]);
        // No card.
        for fd in [null, pipe.as_fd(), stream.as_fd(), tcp.as_fd(), card.as_fd(), warrant.as_fd()] {
            refused(&mut hostile, CLIENT, &[fd]);
        }
        for memory in &wrong_memory {
            refused(&mut hostile, SEALED, &[memory.as_fd(), warrant.as_fd()]);
            refused(&mut hostile, SHARED, &[memory.as_fd(), warrant.as_fd()]);
        }
    }
    let wrong_places = Line::of(&grant, TWO).with(&[token(1), token(2)].concat());
    assert_eq!(hostile.call(&wrong_places).status(), Some(status::BAD_ARGUMENT), "two tokens in one call");
    count += 1;
    assert_eq!(place.export.refused_count() - before.0, count);
    assert_eq!(place.honest.plain(), Ok(before.1), "nothing was entered");
    settles(open);
    // What is right still is.
    let right = pass(&mut hostile, &Line::of(&grant, FILE), 9_999, &[null]);
    assert_eq!(right.status(), Some(status::OK));
}

#[test]
fn counts_that_do_not_add_up_are_refused() {
    let _alone = alone();
    let place = Place::new();
    let mut hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    place.honest.several(Some(null()), &[null().as_fd()]).unwrap();
    let (before, null) = (place.export.refused_count(), null());
    let open = open_count();
    let (mut number, mut count) = (0, 0);
    // Of `fds` descriptors in a parcel of one token, so many for either parameter, and the token beside each count.
    let mut call = |hostile: &mut Client, fds: usize, first: (u32, u32), second: (u32, u32)| {
        number += 2;
        if fds > 0 {
            hostile.connection.say_with(&message::parcel(number), &vec![null.as_fd(); fds]).unwrap();
        }
        let words = [number + first.0, first.1, number + second.0, second.1];
        let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        hostile.call(&Line::of(&grant, SEVERAL).with(&head)).status()
    };
    for (fds, first, second) in [(0, 0, 0), (1, 1, 0), (1, 0, 1), (3, 1, 2), (16, 0, 16), (16, 1, 15)] {
        assert_eq!(call(&mut hostile, fds, (0, first), (0, second)), Some(status::OK));
    }
    let entered = place.honest.plain().unwrap();
    let mut refused = |hostile: &mut Client, fds, first, second, by: u16| {
        count += 1;
        assert_eq!(call(hostile, fds, first, second), Some(by), "{fds}: {first:?} and {second:?}");
    };
    for _ in 0..20 {
        // More than a call can pass, whatever has come; nothing is allocated for it.
        for (first, second) in
            [(0, 17), (1, 16), (17, 0), (0, u32::MAX), (u32::MAX, u32::MAX), (1, u32::MAX), (u32::MAX, 1)]
        {
            refused(&mut hostile, 0, (0, first), (0, second), status::BAD_ARGUMENT);
        }
        // Two tokens.
        refused(&mut hostile, 0, (0, 1), (1, 1), status::BAD_ARGUMENT);
        refused(&mut hostile, 0, (0, 0), (1, 0), status::BAD_ARGUMENT);
        // Two where there is one at most; more than came; fewer; none came.
        refused(&mut hostile, 2, (0, 2), (0, 0), status::NOT_TAKEN);
        refused(&mut hostile, 2, (0, 1), (0, 2), status::NOT_TAKEN);
        refused(&mut hostile, 4, (0, 1), (0, 2), status::NOT_TAKEN);
        refused(&mut hostile, 0, (0, 1), (0, 0), status::NOT_TAKEN);
        refused(&mut hostile, 0, (0, 0), (0, 16), status::NOT_TAKEN);
    }
    assert_eq!(place.export.refused_count() - before, count);
    assert_eq!(place.honest.plain(), Ok(entered), "nothing was entered");
    settles(open);
}

#[test]
fn parcels_that_no_call_fetches_are_bounded_and_closed_with_the_pair() {
    let _alone = alone();
    let place = Place::new();
    place.honest.file(null()).unwrap();
    let open = open_count();
    let null = null();
    for fds in [1, 16, 0, 20] {
        let hostile = place.hostile();
        let _grant = hostile.bind(&PROCEDURES);
        let mut sent = 0;
        let closed = (0..10_000).any(|number| {
            sent += fds;
            hostile.connection.say_with(&message::parcel(number), &vec![null.as_fd(); fds]).is_err()
        });
        assert!(closed || hostile.connection.closes(Duration::from_secs(5)), "parcels of {fds} without end");
        let held = nearcall::usage().descriptors;
        assert!(held <= 64, "{held} descriptors wait for one client after {sent} were sent");
        assert_eq!(place.honest.plain(), Ok(1), "and nobody else is held up");
    }
    let hostile = place.hostile();
    let _grant = hostile.bind(&PROCEDURES);
    for number in 0..1000 {
        hostile.connection.say_with(&message::parcel(number), &[null.as_fd(); 16]).unwrap();
        hostile.connection.say(&message::call_back(number)).unwrap();
    }
    assert!(!hostile.connection.is_closed(), "called back in time");
    drop(hostile);
    drop(null);
    settles(open);
}

#[test]
fn descriptors_for_whoever_declares_none_end_the_pair() {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let _export = Exporter::new("counter").dir(dir.path()).export(CounterServer::new(Tester::default())).unwrap();
    let hostile = Client::new(dir.path(), "counter");
    let _grant = hostile.bind(&["add"]);
    let null = null();
    let open = open_count();
    match hostile.connection.say_with(&message::parcel(1), &[null.as_fd()]) {
        // The kernel refuses them.
        Err(_) => assert!(!hostile.connection.is_closed()),
        Ok(()) => assert!(hostile.connection.closes(Duration::from_secs(5))),
    }
    hostile.connection.say(&message::parcel(1)).unwrap_or_default();
    assert!(hostile.connection.closes(Duration::from_secs(5)), "a parcel where there are none");
    assert!(open_count() <= open);
}

/// Two ends of a socket, of which the second is to be brought by a knock: it tells its server who speaks.
fn own_socket() -> (Connection, Connection) {
    let (mine, theirs) = Connection::pair().unwrap();
    nearcall_core::sys::socket::want_identity(theirs.as_fd()).unwrap();
    (mine, theirs)
}

/// A card for the first binding of a hostile client.
fn card(hostile: &Client, binding: u16, generation: u32) -> Connection {
    match hostile.ask(&message::introduce(1, binding, generation)).unwrap() {
        (Message::Card(1), fds) => {
            let [card] = <[OwnedFd; 1]>::try_from(fds).unwrap();
            Connection::of(card)
        }
        other => panic!("no card: {other:?}"),
    }
}

#[test]
fn a_card_is_good_for_one_bearer_and_a_copy_of_it_for_nothing() {
    let _alone = alone();
    let place = Place::new();
    let hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    let (binding, generation) = (grant.binding, grant.generation);
    let open = open_count();

    // The bearer knocks with a socket of its own, and says hello there. Whoever kept a copy of the card hears nothing.
    let own = card(&hostile, binding, generation);
    let copy = Connection::of(own.as_fd().try_clone_to_owned().unwrap());
    let (mine, theirs) = own_socket();
    own.say_with(message::KNOCK, &[theirs.as_fd()]).unwrap();
    drop(theirs);
    assert!(copy.closes(Duration::from_secs(5)), "a card that was used is no more");
    assert!(copy.say(message::KNOCK).is_err());
    mine.say(&message::hello(nearcall_layout::pair::VERSION, [8; 16])).unwrap();
    let (Message::Welcome(_, _, token), _) = mine.must_hear() else { panic!("no welcome") };
    // Its token binds once, over the pair of the process that it was given to.
    assert!(matches!(hostile.ask(&message::bind(2, token, &[])).unwrap().0, Message::Bound(_)));
    assert_eq!(hostile.ask(&message::bind(2, token, &[])).unwrap().0, Message::Refused(2, Refused::Denied));
    drop((own, copy, mine));

    // A knock that is none ends the card, and is counted.
    let before = place.export.refused_count();
    let (null, (one, other)) = (null(), Connection::pair().unwrap());
    let (stream, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let wrong: [(&[u8], Vec<BorrowedFd<'_>>); 6] = [
        (message::KNOCK, vec![]),
        (message::KNOCK, vec![null.as_fd()]),
        (message::KNOCK, vec![stream.as_fd()]),
        (message::KNOCK, vec![one.as_fd(), other.as_fd()]),
        (message::PAIR, vec![one.as_fd()]),
        (&[24; 100], vec![one.as_fd()]),
    ];
    for (words, fds) in &wrong {
        let card = card(&hostile, binding, generation);
        card.say_with(words, fds).unwrap();
        assert!(card.closes(Duration::from_secs(5)));
    }
    assert_eq!(place.export.refused_count() - before, wrong.len() as u64);
    drop(wrong);
    drop((null, one, other, stream, _peer));

    // What was taken back leads nowhere, however long ago the card was given.
    let late = card(&hostile, binding, generation);
    place.export.revoke_all();
    let (mine, theirs) = own_socket();
    late.say_with(message::KNOCK, &[theirs.as_fd()]).unwrap();
    drop(theirs);
    mine.say(&message::hello(nearcall_layout::pair::VERSION, [8; 16])).unwrap();
    let (Message::Welcome(_, _, token), _) = mine.must_hear() else { panic!("no welcome") };
    assert_eq!(hostile.ask(&message::bind(4, token, &[])).unwrap().0, Message::Refused(4, Refused::Denied));
    drop((late, mine));

    // As many as a user may have under way, and no more.
    let again = hostile.bind_to_nothing();
    let mut cards = Vec::new();
    while let Ok((Message::Card(_), fds)) = hostile.ask(&message::introduce(5, again.binding, again.generation)) {
        cards.extend(fds);
        assert!(cards.len() <= 256);
    }
    assert!(cards.len() > 10, "{}", cards.len());
    drop(cards);
    settles(open);
}

#[test]
fn strings_that_do_not_add_up_are_refused() {
    let _alone = alone();
    let place = Place::new();
    let mut hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    let frame = Client::frame(&grant, JOIN).frame(Client::frame(&grant, JOIN).first);
    let mut call = |procedure: usize, head: &[u32], lengths: &[u32]| {
        let bytes: Vec<u8> = lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
        hostile.own.write(frame, &bytes);
        let head: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        hostile.call(&Line::of(&grant, procedure).with(&head)).status()
    };
    assert_eq!(call(JOIN, &[2], &[3, 4]), Some(status::OK));
    assert_eq!(call(JOIN, &[31], &[1; 31]), Some(status::OK));
    for count in [32, 33, 1 << 16, u32::MAX] {
        assert_eq!(call(JOIN, &[count], &[1; 40]), Some(status::BAD_ARGUMENT), "{count} strings");
        assert_eq!(call(FAN, &[count, 40], &[1; 40]), Some(status::BAD_ARGUMENT), "{count} places");
    }
    assert_eq!(call(JOIN, &[2], &[u32::MAX, u32::MAX]), Some(status::BAD_ARGUMENT), "more than there is");
    assert_eq!(call(FAN, &[2, 7], &[3, 4]), Some(status::OK));
    for (total, lengths) in [(8, [3, 4]), (6, [3, 4]), (0, [0, 1]), (u32::MAX, [0, 0]), (1, [u32::MAX, 2])] {
        assert!(matches!(call(FAN, &[2, total], &lengths), Some(status::BAD_ARGUMENT | status::ARGUMENT_TOO_LARGE)));
    }
}

/// Calls a liar for one descriptor; says how that ends.
fn call_liar(send: impl Fn(&server::Server, u32) + Send + Sync + 'static) -> Result<OwnedFd, CallError> {
    call_liar_for(TakerClient::made, |number| token(number).to_vec(), send)
}

/// Calls a liar, which answers with that head after it has sent what it wants to.
fn call_liar_for<T>(
    call: impl Fn(&TakerClient) -> Result<T, CallError>,
    head: impl Fn(u32) -> Vec<u8> + Send + Sync + 'static,
    send: impl Fn(&server::Server, u32) + Send + Sync + 'static,
) -> Result<T, CallError> {
    let dir = tempfile::tempdir().unwrap();
    let liar = Liar::start(dir.path(), "taker", move |connection| {
        let mut server = server::Server::honest(connection);
        while let Some(request) = server.request(Duration::from_secs(10)) {
            // The token names the A-stack.
            let number = 77 << 16 | u32::from(request.astack);
            send(&server, number);
            server.answer(&request, status::OK, 0, &head(number));
        }
    });
    let client: TakerClient = nearcall::Binder::new("taker").dir(dir.path()).bind().unwrap();
    let end = call(&client);
    let _ = client.binding().is_live();
    drop(client);
    drop(liar);
    end
}

#[test]
fn a_server_whose_results_do_not_come_is_no_trouble() {
    let _alone = alone();
    let lost = CallError::NotPassed { ran: Ran::Yes };
    call_liar(|server, token| server.connection.say_with(&message::result_parcel(token), &[null().as_fd()]).unwrap())
        .unwrap();
    let open = open_count();
    // None at all, the wrong number, too few, too many.
    assert_eq!(call_liar(|_, _| {}).unwrap_err(), lost);
    let wrong = |server: &server::Server, token: u32| {
        server.connection.say_with(&message::result_parcel(token + 1), &[null().as_fd()]).unwrap();
    };
    assert_eq!(call_liar(wrong).unwrap_err(), lost);
    let none = |server: &server::Server, token| server.connection.say(&message::result_parcel(token)).unwrap();
    assert_eq!(call_liar(none).unwrap_err(), lost);
    for count in [2, 16, 17, 40] {
        let many = move |server: &server::Server, token| {
            server.connection.say_with(&message::result_parcel(token), &vec![null().as_fd(); count]).unwrap();
        };
        assert_eq!(call_liar(many).unwrap_err(), lost, "{count}");
    }
    // More than anybody waits for.
    let flood = |server: &server::Server, token| {
        for other in 1000..1200 {
            let _ = server.connection.say_with(&message::result_parcel(other), &[null().as_fd(); 16]);
        }
        let _ = server.connection.say_with(&message::result_parcel(token), &[null().as_fd()]);
    };
    call_liar(flood).unwrap();
    settles(open);
}

#[test]
fn a_server_that_counts_wrong_is_no_trouble() {
    let _alone = alone();
    let head = |count: u32| move |number| [token(number), token(count)].concat();
    let give = |fds: usize| {
        move |server: &server::Server, token: u32| {
            server.connection.say_with(&message::result_parcel(token), &vec![null().as_fd(); fds]).unwrap();
        }
    };
    assert_eq!(call_liar_for(TakerClient::all, head(3), give(3)).unwrap().len(), 3);
    assert!(call_liar_for(TakerClient::all, head(0), |_, _| {}).unwrap().is_empty());
    assert!(call_liar_for(TakerClient::perhaps, head(0), |_, _| {}).unwrap().is_none());
    let open = open_count();
    for count in [17, 1 << 16, u32::MAX] {
        assert_eq!(call_liar_for(TakerClient::all, head(count), give(16)).unwrap_err(), CallError::PeerMisbehaved);
    }
    for count in [2, 9, u32::MAX] {
        let end = call_liar_for(TakerClient::perhaps, head(count), give(2));
        assert_eq!(end.unwrap_err(), CallError::PeerMisbehaved);
    }
    let lost = CallError::NotPassed { ran: Ran::Yes };
    for (count, fds) in [(2, 1), (1, 2), (16, 15)] {
        assert_eq!(call_liar_for(TakerClient::all, head(count), give(fds)).unwrap_err(), lost);
    }
    assert_eq!(call_liar_for(TakerClient::all, head(2), |_, _| {}).unwrap_err(), lost);
    // What was not said to be there is closed, too.
    assert!(call_liar_for(TakerClient::all, head(0), give(4)).unwrap().is_empty());
    settles(open);
}

#[test]
fn a_server_that_gives_no_cards_is_told_apart_from_one_that_took_a_binding_back() {
    let _alone = alone();
    let place = Place::new();
    let ask = |answer: fn(&Connection, u32)| {
        let dir = tempfile::tempdir().unwrap();
        let _liar = Liar::start(dir.path(), "counter", move |connection| {
            let server = server::Server::honest(connection);
            while let Heard::Message(question, _) = server.connection.hear(Duration::from_secs(10)) {
                if let Message::Introduce(id, ..) = question {
                    answer(&server.connection, id);
                }
            }
        });
        let counter: CounterClient = nearcall::Binder::new("counter").dir(dir.path()).bind().unwrap();
        place.honest.client(counter)
    };
    let none = ask(|connection, id| connection.say(&message::no_memory(id)).unwrap());
    assert_eq!(none, Err(CallError::NotPassed { ran: Ran::No }));
    let taken_back = ask(|connection, id| connection.say(&message::card(id)).unwrap());
    assert_eq!(taken_back, Err(CallError::Revoked));
    // What is no card is passed on, and found out by who gets it.
    let wrong = ask(|connection, id| connection.say_with(&message::card(id), &[null().as_fd()]).unwrap());
    assert_eq!(wrong, Err(CallError::NotPassed { ran: Ran::No }));
    assert_eq!(place.honest.plain(), Ok(0));
}

/// A socket that lingers over unsent data, and the other end, which never reads.
fn lingering() -> (OwnedFd, TcpStream, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    while socket.write(&[0; 65536]).is_ok() {}
    rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::from_secs(20))).unwrap();
    (socket.into(), other, listener)
}

#[test]
fn descriptors_that_close_slowly_hold_up_nobody() {
    let _alone = alone();
    let place = Place::new();
    let mut hostile = place.hostile();
    let grant = hostile.bind(&PROCEDURES);
    let start = Instant::now();
    let mut ends = Vec::new();
    let mut slow = || {
        let (socket, other, listener) = lingering();
        ends.push((other, listener));
        socket
    };
    // Refused, left over, lent: our own copies are closed before the call, so that the last ones are the server's.
    for (procedure, which, status) in [
        (SEALED, 0b11, status::NOT_TAKEN),
        (CLIENT, 0b01, status::NOT_TAKEN),
        (SHARED, 0b11, status::NOT_TAKEN),
        (FILE, 0b10, status::NOT_TAKEN),
        (TWO, 0b01, status::OK),
    ] {
        let fds = [1, 2].map(|bit| if which & bit == 0 { null() } else { slow() });
        let number = u32::try_from(procedure).unwrap();
        hostile.connection.say_with(&message::parcel(number), &[fds[0].as_fd(), fds[1].as_fd()]).unwrap();
        drop(fds);
        let head = [token(number), token(number)].concat();
        assert_eq!(hostile.call(&Line::of(&grant, procedure).with(&head)).status(), Some(status), "{procedure}");
    }
    // Never fetched.
    hostile.connection.say_with(&message::parcel(40), &[slow().as_fd()]).unwrap();
    // On a card instead of a knock, before the knock on the socket that it brings, and behind it. Whose copy is the last is
    // open; ours are closed by somebody who may wait.
    let give = |connection: &Connection, words: &[u8], fd: OwnedFd| {
        let _ = connection.say_with(words, &[fd.as_fd()]);
        std::thread::spawn(move || drop(fd));
    };
    let card_of = |hostile: &Client| card(hostile, grant.binding, grant.generation);
    give(&card_of(&hostile), message::KNOCK, slow());
    let behind = card_of(&hostile);
    let (mine, theirs) = own_socket();
    give(&mine, &message::hello(nearcall_layout::pair::VERSION, [8; 16]), slow());
    behind.say_with(message::KNOCK, &[theirs.as_fd()]).unwrap();
    give(&behind, message::KNOCK, slow());
    drop((theirs, behind, mine, hostile));
    let other: TakerClient = nearcall::Binder::new("taker").dir(place.dir.path()).bind().unwrap();
    assert!(other.plain().is_ok() && place.honest.file(null()).is_ok());
    drop(other);
    assert!(start.elapsed() < Duration::from_secs(10), "somebody waited: {:?}", start.elapsed());
    // Whoever never reads does now, so that the closers end.
    for (other, _) in &mut ends {
        other.set_nonblocking(true).unwrap();
        while matches!(other.read(&mut [0; 65536]), Ok(1..)) {}
    }
}
