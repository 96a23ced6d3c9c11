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
    let is_spare = |seat: &Seat<Null>| spares.contains(&seat.occupant.load(Ordering::Relaxed));
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
    let post = Arc::new(Post { id: 1, owner: AtomicU32::new(7), ..Post::default() });
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
    until(|| seats.each[n].occupant.load(Ordering::Relaxed) & OPEN == 0 && !crew.is_inside(&seats.each[n]));
    assert!(seats.each[n].is_taken());
    assert_eq!(crew.counts().relieved, 0);
}

/// A wire that has as many messages as it is given, and what was done with it.
#[derive(Default)]
struct Counted {
    messages: AtomicU32,
    taken: AtomicU32,
    begun: AtomicU32,
    rested: AtomicU32,
    watched: AtomicU32,
    /// Whoever takes one stays until this is false.
    holds: AtomicBool,
    inside: AtomicU32,
}

impl crate::transfer::wires::Wire for Counted {
    fn poll(&self) -> bool {
        let any = self.messages.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
        if any {
            self.inside.fetch_add(1, Ordering::AcqRel);
            until(|| !self.holds.load(Ordering::Acquire));
            self.inside.fetch_sub(1, Ordering::AcqRel);
            self.taken.fetch_add(1, Ordering::AcqRel);
        }
        any
    }
    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }
    fn rest(&self) {
        self.rested.fetch_add(1, Ordering::AcqRel);
    }
    fn watch(&self) {
        self.watched.fetch_add(1, Ordering::AcqRel);
    }
}

/// What the watcher does until it has nothing to do any more.
fn watch(crew: &'static Crew<Null>, wanted: Vec<Wanted>, is_done: impl Fn() -> bool) {
    let start = |wanted: Wanted| drop(std::thread::spawn(move || crew.work(wanted)));
    wanted.into_iter().for_each(start);
    until(|| {
        crew.attend().into_iter().for_each(start);
        is_done()
    });
}

#[test]
fn a_wire_that_is_heard_is_polled_and_rests_again() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let wire = Arc::new(Counted::default());
    crew.add_wire(7, Arc::<Counted>::clone(&wire));
    assert_eq!(wire.rested.load(Ordering::Acquire), 1, "it is watched from the beginning");
    for round in 1..20 {
        let rested = wire.rested.load(Ordering::Acquire);
        wire.messages.store(5, Ordering::Release);
        watch(crew, crew.wires_heard(), || wire.taken.load(Ordering::Acquire) == 5 * round);
        // A lead that found nothing leaves, and has it watched again.
        watch(crew, Vec::new(), || wire.rested.load(Ordering::Acquire) > rested && !crew.looks_again());
    }
    assert!(wire.begun.load(Ordering::Acquire) > 0);
    let as_wire: Arc<dyn crate::transfer::wires::Wire> = Arc::<Counted>::clone(&wire);
    crew.remove_wire(&as_wire);
    let begun = wire.begun.load(Ordering::Acquire);
    crew.wires_heard();
    assert_eq!(wire.begun.load(Ordering::Acquire), begun, "nobody polls what is not there");
}

#[test]
fn a_wire_that_is_removed_after_it_was_heard_wakes_nobody() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let wire = Arc::new(Counted::default());
    crew.add_wire(7, Arc::<Counted>::clone(&wire));
    assert!(!crew.wires_heard().is_empty());
    // Nobody came.
    assert!(crew.wires.is_wanted());
    let as_wire: Arc<dyn crate::transfer::wires::Wire> = wire;
    crew.remove_wire(&as_wire);
    assert!(!crew.wires.is_wanted());
    assert!(crew.want_wires().is_empty());
}

#[test]
fn a_lead_that_is_stuck_loses_the_wires() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let wire = Arc::new(Counted::default());
    crew.add_wire(7, Arc::<Counted>::clone(&wire));
    wire.holds.store(true, Ordering::Release);
    wire.messages.store(2, Ordering::Release);
    watch(crew, crew.wires_heard(), || wire.inside.load(Ordering::Acquire) == 1);
    let rested = wire.rested.load(Ordering::Acquire);
    // Somebody sends once more, and it is heard although it is polled.
    watch(crew, crew.wires_heard(), || wire.rested.load(Ordering::Acquire) > rested);
    assert!(crew.counts().relieved > 0);
    watch(crew, crew.wires_heard(), || wire.inside.load(Ordering::Acquire) == 2);
    wire.holds.store(false, Ordering::Release);
    watch(crew, Vec::new(), || wire.taken.load(Ordering::Acquire) == 2);
}

#[test]
fn calls_and_wires_share_a_lead() {
    let crew = crew(PROCESSOR_COUNT_MAX);
    let wire = Arc::new(Counted::default());
    let pair = Null::of(7);
    crew.add_wire(7, Arc::<Counted>::clone(&wire));
    let hear = || {
        let wanted = crew.wires_heard();
        wanted.into_iter().for_each(|wanted| drop(std::thread::spawn(move || crew.work(wanted))));
    };
    for round in 1..=50 {
        let rested = wire.rested.load(Ordering::Acquire);
        wire.messages.store(1, Ordering::Release);
        hear();
        call(crew, &pair);
        watch(crew, Vec::new(), || {
            let is_taken = wire.taken.load(Ordering::Acquire) == round;
            // The lead that polled had looked for the last time: it rests, and a wire that rests is heard again.
            if !is_taken && wire.rested.load(Ordering::Acquire) != rested {
                hear();
            }
            is_taken
        });
    }
}
