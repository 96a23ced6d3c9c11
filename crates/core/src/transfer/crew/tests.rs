use core::sync::atomic::AtomicBool;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nearcall_layout::pair::{AstackClass, Plan, REGION_SIZE, status};

use super::*;
use crate::channel::client::{ClientHalf, Hints, Target, Which};
use crate::shm::{OwnRegion, PeerRegion};
use crate::sys::memory;
use crate::transfer::handoff;

const TARGET: Target = Target::new(1, 3, 4);
const WHICH: Which = Which::new(2);

/// A pair whose procedure does nothing, or sleeps, and its client.
struct Null {
    /// How long it sleeps: until this is false.
    sleeps: AtomicBool,
    /// Procedures that sleep now.
    asleep: AtomicU32,
    half: ServerHalf,
    client: ClientHalf,
    class: AstackClass,
    owner: u32,
}

impl Null {
    fn of(owner: u32) -> Arc<Self> {
        let region = || {
            let fd = memory::create(REGION_SIZE).unwrap();
            let own = OwnRegion::map(fd.as_fd(), REGION_SIZE).unwrap();
            memory::seal(fd.as_fd()).unwrap();
            (own, PeerRegion::map(fd.as_fd(), REGION_SIZE).unwrap())
        };
        let ((client, of_client), (server, of_server)) = (region(), region());
        let class = Plan::new(REGION_SIZE).place(256, 5).unwrap();
        let (client, half) = (ClientHalf::new(client, of_server, 1), ServerHalf::new(server, of_client, 1));
        Arc::new(Self { sleeps: AtomicBool::new(false), asleep: AtomicU32::new(0), half, client, class, owner })
    }
}

impl Pair for Null {
    fn half(&self) -> &ServerHalf {
        &self.half
    }
    fn owner(&self) -> u32 {
        self.owner
    }
    fn run(&self, claimed: &Claimed, _: &mut Memory) -> Result<(), Misbehaved> {
        let started = self.half.start(claimed, &self.class)?;
        if self.sleeps.load(Ordering::Acquire) {
            // Twice: the first opens the seat, and the last takes it back.
            let _open = (handoff::open(), handoff::open());
            self.asleep.fetch_add(1, Ordering::AcqRel);
            until(|| !self.sleeps.load(Ordering::Acquire));
            self.asleep.fetch_sub(1, Ordering::AcqRel);
        }
        started.answer(status::OK);
        Ok(())
    }
    fn signal(&self) {}
    fn misbehaved(&self, how: Misbehaved) {
        panic!("{how:?}");
    }
}

fn crew(most: u32) -> &'static Crew<Null> {
    let crew: &'static Crew<Null> = Box::leak(Box::new(Crew::new(|| {})));
    crew.roster().most = most;
    crew
}

/// Publishes a request and rings until it is answered, as a caller does whose steps end; this is the watcher as well. Returns
/// how many processors were started.
#[expect(clippy::disallowed_methods, reason = "a test that must not hang")]
fn call(crew: &'static Crew<Null>, pair: &Arc<Null>) -> usize {
    let sequence = pair.client.publish(&TARGET, WHICH, 0, [], |_| Ok(Hints::new(0, 0))).unwrap();
    let (start, mut started) = (Instant::now(), 0);
    while !pair.client.answered(0, sequence) {
        assert!(start.elapsed() < Duration::from_secs(20));
        let mut wanted = crew.rung(pair);
        wanted.extend(crew.attend());
        for wanted in wanted {
            started += 1;
            std::thread::spawn(move || crew.work(wanted));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    pair.client.finish(0);
    started
}

#[expect(clippy::disallowed_methods, reason = "a test that must not hang")]
fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn owners_share_processors_but_no_seat() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let (first, second, third) = (Null::of(1), Null::of(2), Null::of(3));
    assert!(call(crew, &first) > 0);
    assert!(call(crew, &second) > 0, "a seat of its own");
    let attended = |pair: &Arc<Null>, owner: u32| {
        let seats = crew.owners().get(&owner).map(Arc::clone).unwrap();
        seats.taken().any(|seat| seat.books().attended.iter().any(|other| Arc::ptr_eq(other, pair)))
    };
    assert!(attended(&first, 1) && attended(&second, 2) && !attended(&first, 2) && !attended(&second, 1));
    first.half.end();
    crew.forget(&first);
    assert!(!crew.owners().contains_key(&1));
    until(|| !crew.roster().spares.is_empty());
    let spares: Vec<u32> = crew.roster().spares.iter().map(|post| post.id).collect();
    let started = call(crew, &third);
    // On a busy machine the call rings twice, and a second processor comes.
    let seats = crew.owners().get(&3).map(Arc::clone).unwrap();
    let is_spare = |seat: &Seat<Null>| spares.contains(&(seat.occupant.load(Ordering::Relaxed) & !INSIDE));
    assert!(started == 0 || seats.taken().any(is_spare), "the first one's processor");
    // It may come back, and go again.
    for _ in 0..50 {
        let again = Null::of(1);
        call(crew, &again);
        again.half.end();
        crew.forget(&again);
    }
    let processors = crew.roster().processors;
    assert!(processors < 20, "{processors}");
}

#[test]
fn a_seat_is_given_up_for_an_owner_that_has_none() {
    let crew = crew(1);
    let pairs = [1, 2, 3].map(Null::of);
    let started: usize = (0..30).map(|n| call(crew, &pairs[n % 3])).sum();
    assert_eq!(started, 1);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "long enough for what must not happen")]
fn a_processor_that_comes_back_while_it_is_relieved_holds_nothing() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    crew.limit(1);
    let post = Arc::new(Post { id: 1, seat: AtomicU32::new(0), owner: AtomicU32::new(7), tid: AtomicU32::new(0) });
    // As `staff` has it after the seat is another's and before the procedure is counted.
    let mut roster = crew.roster();
    roster.processors += 1;
    std::thread::scope(|scope| {
        let back = scope.spawn(|| crew.is_back(&post, 7));
        // Long enough to come back too early; where it is not, the test sees nothing.
        std::thread::sleep(Duration::from_millis(50));
        assert!(crew.held().begin(1, 7));
        drop(roster);
        back.join().unwrap();
    });
    assert!(!crew.is_over(7));
    assert_eq!(crew.roster().spares.len(), 1);
}

/// Publishes a request and has a processor enter its procedure, which sleeps; returns its number.
fn fall_asleep(crew: &'static Crew<Null>, pair: &Arc<Null>) -> u32 {
    pair.sleeps.store(true, Ordering::Release);
    let sequence = pair.client.publish(&TARGET, WHICH, 0, [], |_| Ok(Hints::new(0, 0))).unwrap();
    until(|| {
        let mut wanted = crew.rung(pair);
        wanted.extend(crew.attend());
        wanted.into_iter().for_each(|wanted| drop(std::thread::spawn(move || crew.work(wanted))));
        pair.asleep.load(Ordering::Acquire) == 1
    });
    sequence
}

/// The seat whose occupant's procedure sleeps.
fn open_seat(crew: &'static Crew<Null>, owner: u32) -> Option<usize> {
    let seats = crew.owners().get(&owner).map(Arc::clone).unwrap();
    seats.each.iter().position(|seat| seat.occupant.load(Ordering::Relaxed) & OPEN != 0)
}

#[test]
fn a_seat_whose_procedure_sleeps_goes_to_the_first_who_rings() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let (sleeper, other) = (Null::of(1), Null::of(1));
    let sequence = fall_asleep(crew, &sleeper);
    let n = open_seat(crew, 1).unwrap();
    let cpu = u16::try_from(n).unwrap();
    other.client.publish(&TARGET, WHICH, 0, [], |_| Ok(Hints::new(0, cpu))).unwrap();
    let mut wanted = crew.attach(&other, n, false);
    assert_eq!((crew.counts().relieved, open_seat(crew, 1)), (1, None), "without a second look");
    wanted.take().into_iter().for_each(|wanted| drop(std::thread::spawn(move || crew.work(wanted))));
    until(|| other.client.answered(0, 1));
    assert!(!sleeper.client.answered(0, sequence));
    sleeper.sleeps.store(false, Ordering::Release);
    until(|| sleeper.client.answered(0, sequence));
    until(|| !crew.roster().spares.is_empty());
}

#[test]
fn a_seat_that_nobody_wants_is_its_occupants_again() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let sleeper = Null::of(1);
    let sequence = fall_asleep(crew, &sleeper);
    let n = open_seat(crew, 1).unwrap();
    sleeper.sleeps.store(false, Ordering::Release);
    until(|| sleeper.client.answered(0, sequence));
    let seats = crew.owners().get(&1).map(Arc::clone).unwrap();
    until(|| seats.each[n].occupant.load(Ordering::Relaxed) & (INSIDE | OPEN) == 0);
    assert!(seats.each[n].is_taken());
    assert_eq!(crew.counts().relieved, 0);
}
