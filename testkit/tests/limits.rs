//! Limits by user, and policies: each is met by a second process of the same user, named, and given back; and other users do
//! not notice.
//!
//! Other users need root. Without it everybody is this user, and what is about others is skipped.

#[path = "limits/parts.rs"]
mod parts;
mod support;
#[path = "support/work.rs"]
mod work;

use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nearcall_testkit::client::Client;
use nearcall_testkit::message::{self, Message, Refused};
use nearcall_testkit::packet::{Connection, Heard};
use nearcall_testkit::process::{self, Peer};
use parts::{GuardedClient, Place, Usage, is_root};
use work::{skip, times_count};

/// Uids that nobody has.
const ALICE: u32 = 61_001;
const BOB: u32 = 61_002;

const SOON: Duration = Duration::from_secs(10);

/// A process of `uid`, or of this user where there is no choice.
fn start(uid: u32, part: &str, dir: &Path) -> Peer {
    if is_root() { Peer::start_as(uid, part, dir) } else { Peer::start(part, dir) }
}

/// Does its errand to the end.
fn run(uid: u32, part: &str, dir: &Path) {
    assert_eq!(start(uid, part, dir).ends(SOON), Some(true), "{part}");
}

/// The same for a user who is not Alice, if there can be one.
fn run_as_bob(part: &str, dir: &Path) {
    if is_root() {
        run(BOB, part, dir);
    } else {
        skip(&format!("{part:?} as another user"), "only root can be one");
    }
}

/// What `asker` has, once the server has seen that it is the only one.
fn alone(asker: &GuardedClient) -> Usage {
    let start = Instant::now();
    loop {
        let now = asker.usage().unwrap();
        if now.connections == 1 && now.handshakes == 0 {
            return now;
        }
        assert!(start.elapsed() < SOON, "{now:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Everything that clients had is given back but what `asker` has.
fn is_given_back(asker: &GuardedClient, base: Usage) {
    let start = Instant::now();
    loop {
        let now = asker.usage().unwrap();
        if now == base {
            return;
        }
        assert!(start.elapsed() < SOON, "{now:?} instead of {base:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn connections_are_limited_by_user() {
    // The test's own process has one of them, and it is another user's.
    let place = Place::new("serve connections=3,8");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    let dir = &place.dir;
    let own = u64::from(!is_root());
    let first = start(ALICE, &format!("hold {}", 2 - own), dir);
    let second = start(ALICE, "hold 1", dir);
    run(ALICE, "quota connections 3", dir);
    run_as_bob("call", dir);
    // Bob's may be seen to be over a little later.
    let (expected, start) = (base.connections + 3 - own, Instant::now());
    while asker.usage().unwrap().connections != expected {
        assert!(start.elapsed() < SOON, "{:?}", asker.usage());
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(first);
    drop(second);
    is_given_back(&asker, base);
    run(ALICE, "call", dir);
}

#[test]
fn root_is_a_user_like_others_and_all_together_have_a_limit() {
    let place = Place::new("serve connections=3,4");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    let holder = Peer::start("hold 2", &place.dir);
    let mut third = Peer::start("quota connections 3", &place.dir);
    assert_eq!(third.ends(SOON), Some(true));
    if is_root() {
        let alice = Peer::start_as(ALICE, "hold 1", &place.dir);
        run(BOB, "quota connections 4 all", &place.dir);
        drop(alice);
    }
    drop(holder);
    is_given_back(&asker, base);
}

#[test]
fn bindings_are_limited_by_user_and_places_are_used_again() {
    let place = Place::new("serve bindings=4,9");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    let own = u32::from(!is_root());
    let first = start(ALICE, &format!("bind {}", 3 - own), &place.dir);
    run(ALICE, "bind 1 4", &place.dir);
    // One place that is given back and taken again takes no more.
    run(ALICE, "rebind 100", &place.dir);
    run_as_bob("bind 4 4", &place.dir);
    drop(first);
    is_given_back(&asker, base);
}

#[test]
fn bytes_are_limited_by_user() {
    // Two pairs of regions of 256 KiB, and a bit.
    let place = Place::new("serve bytes=1100000,8000000");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    assert_eq!(base.bytes, 512 * 1024);
    let own = u32::from(!is_root());
    let first = start(ALICE, &format!("hold {}", 2 - own), &place.dir);
    run(ALICE, "quota bytes 1100000", &place.dir);
    run_as_bob("call", &place.dir);
    drop(first);
    is_given_back(&asker, base);
}

#[test]
fn handshakes_are_limited_by_user_and_whoever_is_refused_tries_again() {
    let place = Place::new("serve handshakes=2,9");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    let half_open = start(ALICE, "half-open 2", &place.dir);
    run(ALICE, "refused handshakes 2", &place.dir);
    let start_of_bind = Instant::now();
    run_as_bob("call", &place.dir);
    // Alice's own bind goes on as soon as those two are late: the library asks again.
    run(ALICE, "call", &place.dir);
    assert!(start_of_bind.elapsed() < SOON);
    drop(half_open);
    is_given_back(&asker, base);
}

#[test]
fn when_nobody_can_begin_a_handshake_all_wait_and_none_is_lost() {
    let place = Place::new("serve handshakes=2,2");
    let asker = place.bind();
    let base = asker.usage().unwrap();
    let half_open = start(ALICE, "half-open 2", &place.dir);
    // Not refused: it waits in the backlog until the two are late.
    let waiting = Connection::connect(&place.dir, "guarded").unwrap();
    waiting.say(&message::hello(nearcall_layout::pair::VERSION, [1; 16])).unwrap();
    // Others go on meanwhile: what has no room is not looked at again and again.
    let cpu = process_time(place.server.pid());
    assert_eq!(asker.add(1, 2), Ok(3));
    let heard = waiting.hear(Duration::from_secs(5));
    assert!(matches!(heard, Heard::Message(Message::Welcome(..), _)), "{heard:?}");
    let cpu = process_time(place.server.pid()) - cpu;
    println!("the server used {cpu:?} while a client waited for up to a second");
    drop((half_open, waiting));
    is_given_back(&asker, base);
}

/// User and system time of a process.
fn process_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

#[test]
fn a_storm_of_connects_is_limited_by_user() {
    let place = Place::new("serve connects=1,4");
    run(ALICE, "knock 4", &place.dir);
    run(ALICE, "refused connects 1", &place.dir);
    run_as_bob("knock 3", &place.dir);
}

#[test]
fn work_is_limited_by_user_and_the_rest_is_overloaded() {
    let place = Place::new("serve work=2");
    let asker = place.bind();
    let first = start(ALICE, "work", &place.dir);
    // A second process of the same user comes up against what the first has.
    run(ALICE, "overloaded", &place.dir);
    if is_root() {
        for _ in 0..20 {
            assert_eq!(asker.add(1, 2), Ok(3), "another user is served");
        }
        run(BOB, "call", &place.dir);
    }
    drop(first);
    let start = Instant::now();
    // Those that run go on to their end, and then it is the user's turn again.
    while self::start(ALICE, "try", &place.dir).ends(SOON) != Some(true) {
        assert!(start.elapsed() < SOON);
    }
}

#[test]
fn memory_for_large_calls_is_shared_by_user() {
    let place = Place::new("serve memory 8388608");
    let first = start(ALICE, "keep", &place.dir);
    run(ALICE, "too-large-now", &place.dir);
    if is_root() {
        for _ in 0..5 {
            assert_eq!(place.bind().keep(0, &[0; 1 << 20]), Ok(1 << 20), "another user is served");
        }
        run(BOB, "large", &place.dir);
        run(ALICE, "too-large-now", &place.dir);
    } else {
        skip("large calls of another user", "only root can be one");
    }
    drop(first);
    let begun = Instant::now();
    // Those that run go on to their end.
    while start(ALICE, "try-large", &place.dir).ends(SOON) != Some(true) {
        assert!(begun.elapsed() < SOON);
    }
}

/// Binds and calls as another user until `attack` ends; returns the longest bind.
fn victim_beside(place: &Place, attack: &mut Peer, what: &str) {
    let mut worst = Duration::ZERO;
    let mut binds = 0;
    let begun = Instant::now();
    while attack.ends(Duration::from_millis(1)).is_none() && begun.elapsed() < Duration::from_secs(60) {
        let start = Instant::now();
        let client: GuardedClient =
            nearcall::Binder::new("guarded").dir(&place.dir).wait(Duration::from_secs(5)).bind().unwrap();
        worst = worst.max(start.elapsed());
        assert_eq!(client.add(1, 2), Ok(3));
        binds += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(attack.ends(SOON), Some(true), "{what}");
    println!("{what}: {binds} binds of another user beside it, the longest {worst:.1?}");
    assert!(binds > 0);
    let bound = if times_count() { Duration::from_millis(100) } else { Duration::from_secs(2) };
    assert!(worst < bound, "{what}: {worst:?}");
}

#[test]
fn a_thousand_half_open_handshakes_keep_nobody_else_out() {
    if !is_root() {
        return skip("half-open handshakes beside another user", "only root can be one");
    }
    let place = Place::new("serve");
    let asker = place.bind();
    // The victim is this process, too, and its second binding has a place until the pair ends.
    drop(place.bind());
    let base = alone(&asker);
    std::thread::sleep(Duration::from_millis(50));
    let descriptors = process::descriptors(place.server.pid()).len();
    let mut attack = Peer::start_as(ALICE, "flood half-open 1000", &place.dir);
    victim_beside(&place, &mut attack, "1,000 half-open handshakes");
    is_given_back(&asker, base);
    assert_eq!(process::descriptors(place.server.pid()).len(), descriptors);
}

#[test]
fn ten_thousand_connects_keep_nobody_else_out() {
    if !is_root() {
        return skip("a flood of connects beside another user", "only root can be one");
    }
    let place = Place::new("serve");
    let asker = place.bind();
    // The victim is this process, too, and its second binding has a place until the pair ends.
    drop(place.bind());
    let base = alone(&asker);
    let mut attack = Peer::start_as(ALICE, "flood connects 10000", &place.dir);
    victim_beside(&place, &mut attack, "10,000 connects");
    is_given_back(&asker, base);
}

#[test]
fn a_flood_of_messages_keeps_nobody_else_out() {
    if !is_root() {
        return skip("a flood of messages beside another user", "only root can be one");
    }
    let place = Place::new("serve");
    let mut attack = Peer::start_as(ALICE, "flood messages 20000", &place.dir);
    victim_beside(&place, &mut attack, "20,000 rings and 2,000 binds on 20 connections");
}

#[test]
fn descriptors_that_are_sent_do_not_stay() {
    let place = Place::new("serve");
    let asker = place.bind();
    // The last of the handshake's own descriptors are closed after its last word.
    std::thread::sleep(Duration::from_millis(50));
    let base = process::descriptors(place.server.pid()).len();
    let file = tempfile::tempfile().unwrap();
    let fds = vec![file.as_fd(); 60];
    let mut refused = 0;
    for n in 0..200 {
        let client = Client::new(&place.dir, "guarded");
        for _ in 0..5 {
            // After the handshake: 16 at a time, or as many as one message takes.
            let count = if n % 2 == 0 { 16 } else { 60 };
            refused += u32::from(client.connection.say_with(message::RING, &fds[..count]).is_err());
        }
    }
    println!("200 connections sent descriptors 1,000 times; the kernel refused {refused}");
    let start = Instant::now();
    while process::descriptors(place.server.pid()).len() != base {
        assert!(start.elapsed() < SOON, "{base} {:?}", process::descriptors(place.server.pid()));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(asker.add(1, 2), Ok(3));
}

#[test]
fn a_server_without_descriptors_says_so() {
    let mut place = Place::new("serve");
    let asker = place.bind();
    // The last of the handshake's own descriptors are closed after its last word.
    std::thread::sleep(Duration::from_millis(50));
    place.server.tell("fill");
    let start = Instant::now();
    while process::descriptors(place.server.pid()).iter().filter(|(number, ..)| *number < 128).count() < 128 {
        assert!(start.elapsed() < SOON);
        std::thread::sleep(Duration::from_millis(5));
    }
    let heard = Connection::connect(&place.dir, "guarded").unwrap().hear(SOON);
    let kernel = Message::Refused(0, Refused::Quota(5, false, 0));
    assert!(matches!(&heard, Heard::Message(message, _) if *message == kernel), "{heard:?}");
    assert_eq!(asker.add(1, 2), Ok(3), "who is there is served");
    let error = nearcall::Binder::new("guarded").dir(&place.dir).bind::<GuardedClient>();
    // This process is paired, and needs a connection nevertheless.
    let error = error.unwrap_err();
    assert!(matches!(error, nearcall::BindError::Quota { limit: nearcall::Limit::Kernel, .. }), "{error}");
    place.server.tell("empty");
    let client: GuardedClient = nearcall::Binder::new("guarded").dir(&place.dir).wait(SOON).bind().unwrap();
    assert_eq!(client.add(1, 2), Ok(3));
}

#[test]
fn policies_let_in_whom_they_name() {
    let place = Place::new("policies");
    let own = rustix::process::geteuid().as_raw();
    let here = |name: &str, what: &str| {
        let mut peer = Peer::start(&format!("expect {name} {what}"), &place.dir);
        assert_eq!(peer.ends(SOON), Some(true), "{name} {what}");
    };
    here("open", "ok");
    here("nobody", "no rule");
    here("only-uid", if own == ALICE { "ok" } else { "no rule" });
    here("only-this-program", "ok");
    here("only-true", "no rule");
    here("not-this-program", "executables");
    here("first-match", "ok");
    if !is_root() {
        return skip("rules about other users", "only root can be one");
    }
    let table = [
        (ALICE, "open", "ok"),
        (ALICE, "nobody", "no rule"),
        (ALICE, "only-uid", "ok"),
        (BOB, "only-uid", "no rule"),
        (ALICE, "not-uid", "uids"),
        (BOB, "not-uid", "ok"),
        (ALICE, "only-gid", "no rule"),
        (BOB, "only-gid", "ok"),
        (BOB, "not-gid", "groups"),
        (ALICE, "not-gid", "ok"),
        // Root may look at what others execute.
        (ALICE, "only-this-program", "ok"),
        (ALICE, "not-this-program", "executables"),
    ];
    for (uid, name, what) in table {
        run(uid, &format!("expect {name} {what}"), &place.dir);
    }
    // A supplementary group is a group.
    let program = std::env::current_exe().unwrap();
    let in_bobs_group = |program: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "61001", "--regid", "61001", "--groups", "61002,61003", "--"]).arg(program);
        command
    };
    if !in_bobs_group(Path::new("true")).status().is_ok_and(|status| status.success()) {
        return skip("rules about supplementary groups", "setpriv does not work here");
    }
    let listed = in_bobs_group(&program).arg("--list").output();
    if !listed.is_ok_and(|output| output.status.success()) {
        return skip("rules about supplementary groups", "the program is out of another user's reach");
    }
    for (name, what) in [("only-gid", "ok"), ("not-gid", "groups")] {
        let mut peer = Peer::start_by(in_bobs_group(&program), &format!("expect {name} {what}"), &place.dir);
        assert_eq!(peer.ends(SOON), Some(true), "{name} {what} by a supplementary group");
    }
}

#[test]
fn the_group_of_the_unified_hierarchy_is_a_rule() {
    let place = Place::new("policies");
    for (name, what) in [("only-no-cgroup", "no rule"), ("not-own-cgroup", "control groups")] {
        let mut peer = Peer::start(&format!("expect {name} {what}"), &place.dir);
        assert_eq!(peer.ends(SOON), Some(true), "{name} {what}");
    }
}

#[test]
fn users_that_do_not_exist_here_match_no_rule() {
    let works = Command::new("unshare").args(["-U", "true"]).status().is_ok_and(|status| status.success());
    if !works || !is_root() {
        return skip("overflow ids", "needs root and user namespaces");
    }
    // In its namespace no id has a name: everybody is 65534.
    let mut command = Command::new("unshare");
    command.arg("-U").arg(std::env::current_exe().unwrap());
    let place = Place::by(command, "policies overflow");
    for (uid, name, what) in [
        (ALICE, "open", "ok"),
        (ALICE, "only-overflow", "uids"),
        (0, "only-overflow", "uids"),
        (ALICE, "not-uid", "uids"),
        (BOB, "not-gid", "groups"),
        (ALICE, "passing", "ok"),
    ] {
        run(uid, &format!("expect {name} {what}"), &place.dir);
    }
}

#[test]
fn whoever_connects_has_to_be_the_one_that_speaks() {
    let place = Place::new("serve");
    let connection = Connection::connect(&place.dir, "guarded").unwrap();
    // SAFETY: 1. the child sends one message and exits.
    let status = unsafe {
        process::in_forked_child(|| {
            let said = connection.say(&message::hello(nearcall_layout::pair::VERSION, [1; 16]));
            i32::from(said.is_err())
        })
    };
    assert_eq!(status, Some(0));
    assert_eq!(connection.must_hear().0, Message::Refused(0, Refused::Policy(5)));
    assert!(connection.closes(SOON));
}

#[test]
fn a_client_can_demand_who_its_server_is() {
    let place = Place::new("serve");
    let own = rustix::process::geteuid().as_raw();
    let binder = || nearcall::Binder::new("guarded").dir(&place.dir);
    let client: GuardedClient = binder().expect_uid(own).bind().unwrap();
    assert_eq!(client.add(1, 2), Ok(3));
    let error = binder().expect_uid(own + 1).bind::<GuardedClient>().unwrap_err();
    assert!(
        matches!(error, nearcall::BindError::Uid { uid, expected } if (uid, expected) == (own, own + 1)),
        "{error}"
    );
}

#[test]
fn a_process_that_cannot_be_dumped_takes_part() {
    let place = Place::new("serve");
    let peer = start(ALICE, "undumpable", &place.dir);
    assert!(peer.pid() > 0);
    if is_root() {
        // The same user, who may kill it, may not look into it.
        run(ALICE, &format!("read {}", peer.pid()), &place.dir);
    } else {
        assert!(std::fs::File::open(format!("/proc/{}/mem", peer.pid())).is_err());
    }
}

#[test]
fn a_name_that_is_no_socket_is_called_what_it_is() {
    let place = Place::new("serve");
    std::fs::write(place.dir.join("notes"), "precious").unwrap();
    let error = nearcall::Binder::new("notes").dir(&place.dir).bind::<GuardedClient>().unwrap_err();
    let dir = |error: &nearcall::BindError| match error {
        nearcall::BindError::Dir(nearcall::DirError::NotAnExport { what, .. }) => Some(*what),
        _ => None,
    };
    assert_eq!(dir(&error), Some("a file"), "{error}");
}

/// Twelve processes of another user flood the victim's server, or one of their own: the same CPU time, and nobody of them is
/// the victim's business.
#[test]
fn a_flood_of_calls_takes_no_more_from_another_user_than_work_elsewhere_does() {
    if !is_root() {
        return skip("shares of users", "only root can be two");
    }
    let (place, elsewhere) = (Place::new("serve"), Place::new("serve"));
    let victim = place.bind();
    let calls = |microseconds: u32| {
        let (start, mut calls) = (Instant::now(), 0u64);
        while start.elapsed() < Duration::from_millis(500) {
            assert_eq!(victim.spin(microseconds), Ok(()));
            drop(nearcall_core::shm::copy::take_log());
            calls += 1;
        }
        calls
    };
    let median = |mut all: Vec<u64>| {
        all.sort_unstable();
        all[all.len() / 2]
    };
    for (mine, theirs) in [(100, 100), (5, 100), (0, 0)] {
        let (mut neutral, mut attacked) = (Vec::new(), Vec::new());
        let alone = calls(mine);
        for _ in 0..3 {
            for (dir, into) in [(&elsewhere.dir, &mut neutral), (&place.dir, &mut attacked)] {
                let part = format!("flood calls {theirs}");
                let flood: Vec<Peer> = (0..12).map(|_| Peer::start_as(ALICE, &part, dir)).collect();
                std::thread::sleep(Duration::from_millis(200));
                into.push(calls(mine));
                drop(flood);
            }
        }
        let (neutral, attacked) = (median(neutral), median(attacked));
        println!(
            "calls of {mine} us beside calls of {theirs} us by twelve processes, in 0.5 s: {alone} alone, {neutral} if those \
             go elsewhere, {attacked} if they go to the same server"
        );
        assert!(attacked > 0);
        if times_count() {
            assert!(attacked * 10 > neutral * 8, "{attacked} of {neutral}");
        }
    }
}

/// Not a test: the parts of other processes.
#[test]
fn play() {
    if let Some((part, dir)) = Peer::part() {
        parts::play(&part, &dir);
    }
}
