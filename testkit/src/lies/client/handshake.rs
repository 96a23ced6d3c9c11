//! Lies before and between calls: messages in every wrong state, cut, changed and too long; descriptors nobody asked
//! for; memory that is not what it should be; connections that go nowhere.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nearcall_layout::pair::VERSION;

use super::Attack;
use crate::client::Greeted;
use crate::lies::{Lie, SOON, Seen, expect};
use crate::message::{self, Message, Refused};
use crate::packet::{Connection, Heard};
use crate::raw::Raw;

pub(super) const ALL: &[Lie<Attack>] = &[
    Lie {
        row: "A54",
        name: "order",
        what: "says each message in each state in which it is none, a server's messages too",
        right: "hangs up at once",
        tell: order,
    },
    Lie { row: "A54", name: "cut", what: "cuts messages short, or adds a byte", right: "hangs up at once", tell: cut },
    Lie {
        row: "A54",
        name: "flipped",
        what: "changes bits of each message",
        right: "hangs up, refuses, or goes on as with an honest one",
        tell: flipped,
    },
    Lie {
        row: "A40",
        name: "oversized",
        what: "messages of any length up to 96 KiB and beyond, and lists that are longer than their message",
        right: "hangs up at once, without memory for what was only announced",
        tell: oversized,
    },
    Lie {
        row: "A54",
        name: "version",
        what: "speaks another version",
        right: "names its own and hangs up",
        tell: version,
    },
    Lie {
        row: "A24 A54",
        name: "tokens",
        what: "binds with tokens that it made up, or were given to another connection that is closed",
        right: "refuses",
        tell: tokens,
    },
    Lie {
        row: "A6 A24",
        name: "cards",
        what: "asks for cards for bindings that it made up, has given back, or are of another connection",
        right: "gives none",
        tell: cards,
    },
    Lie {
        row: "A4 A23",
        name: "knocks",
        what: "knocks without a socket, with what is none, with several, with somebody else's, and twice",
        right: "hangs up",
        tell: knocks,
    },
    Lie {
        row: "A4 A23",
        name: "descriptors",
        what: "adds descriptors of all kinds to its messages",
        right: "has the kernel refuse them, or closes them",
        tell: descriptors,
    },
    Lie {
        row: "A3",
        name: "unpaid",
        what: "says that its region is mapped, and has paid for none of it or for a part",
        right: "hangs up",
        tell: unpaid,
    },
    Lie {
        row: "A1 A2",
        name: "reshape",
        what: "tries to resize, punch, reseal, chmod and map for writing what the server gave it",
        right: "is not asked: the kernel refuses all of it",
        tell: reshape,
    },
    Lie {
        row: "A21",
        name: "half-open",
        what: "opens connections and goes no further than a random step, while others bind",
        right: "serves others, and hangs up after a second",
        tell: half_open,
    },
    Lie {
        row: "A22",
        name: "reconnect",
        what: "connects, binds, gives back and goes away, as fast as it can",
        right: "serves others",
        tell: reconnect,
    },
];

/// The state that a connection is in before the wrong word: how many honest steps were done.
fn advanced(attack: &Attack, steps: u64) -> Connection {
    match steps {
        0 => Connection::connect(&attack.dir, &attack.name).expect("somebody listens"),
        1 => Greeted::new(&attack.dir, &attack.name).connection,
        2 => {
            let greeted = Greeted::new(&attack.dir, &attack.name);
            drop(greeted.offered());
            greeted.connection
        }
        _ => attack.client().connection,
    }
}

/// Every message there is, with made-up contents, and the state in which a client may say it.
fn words(attack: &mut Attack) -> Vec<(&'static str, Vec<u8>, Option<u64>)> {
    let any = &mut attack.random;
    let number = |any: &mut crate::random::Random| u32::try_from(any.word() & 0xffff_ffff).expect("32 bits");
    let names = vec![("add".to_owned(), any.word())];
    vec![
        ("hello", message::hello(VERSION, [7; 16]), Some(0)),
        ("pair", message::PAIR.to_vec(), Some(1)),
        ("mapped", message::MAPPED.to_vec(), Some(2)),
        ("bind", message::bind(number(any), any.word(), &names), Some(3)),
        ("unbind", message::unbind(0, number(any)), Some(3)),
        ("ring", message::RING.to_vec(), Some(3)),
        ("segment", message::segment(number(any), 0, 1 << 16), Some(3)),
        ("segment mapped", message::segment_mapped(number(any)), None),
        ("segment dropped", message::segment_dropped(number(any), 0), None),
        ("show", message::show(number(any), 1), Some(3)),
        ("unmapped", message::unmapped(1), Some(3)),
        ("grow", message::grow(number(any), 0), Some(3)),
        ("describe", message::describe(0), Some(1)),
        ("welcome", message::welcome(VERSION, [7; 16], any.word()), None),
        ("regions", message::regions(number(any), number(any), 1), None),
        ("ready", message::READY.to_vec(), None),
        ("denied", message::denied(number(any)), None),
        ("revoked", message::revoked(0, number(any)), None),
        ("segment offered", message::segment_offered(number(any)), None),
        ("segment ready", message::segment_ready(number(any)), None),
        ("shown", message::shown(number(any), 1 << 16), None),
        ("unmap", message::unmap(1, 0), None),
        ("grown", message::grown(number(any), 0, 5), None),
        ("no memory", message::no_memory(number(any)), None),
    ]
}

/// Says `wrong`, and has the server hang up.
fn ends(connection: &Connection, what: impl Fn() -> String, wrong: &[u8]) -> Result<Seen, String> {
    if connection.say(wrong).is_ok() {
        let start = Instant::now();
        expect(connection.closes(SOON), || format!("{} did not end the connection", what()))?;
        expect(start.elapsed() < SOON / 2, || format!("{} ended by a deadline only", what()))?;
    }
    Ok(Seen { ended: 1, ..Seen::default() })
}

fn order(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for (name, bytes, right) in words(attack) {
        for state in 0..4 {
            if right == Some(state) {
                continue;
            }
            let connection = advanced(attack, state);
            seen.add(ends(&connection, || format!("{name} in state {state}"), &bytes)?);
        }
    }
    Ok(seen)
}

fn cut(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for (name, bytes, right) in words(attack) {
        let Some(state) = right else { continue };
        let size = usize::try_from(attack.random.below(bytes.len() as u64)).expect("a size");
        // An empty packet is a hang-up; the whole message is none.
        for cut in [size.max(1), bytes.len() - 1].into_iter().filter(|&size| size > 0 && size < bytes.len()) {
            let connection = advanced(attack, state);
            seen.add(ends(&connection, || format!("{cut} bytes of {name}"), &bytes[..cut])?);
        }
        let connection = advanced(attack, state);
        seen.add(ends(&connection, || format!("{name} and a byte"), &[&bytes[..], &[0]].concat())?);
    }
    Ok(seen)
}

fn flipped(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for (_, mut bytes, right) in words(attack) {
        let Some(state) = right else { continue };
        for _ in 0..1 + attack.random.below(3) {
            let bit = attack.random.below(bytes.len() as u64 * 8);
            bytes[usize::try_from(bit / 8).expect("a place")] ^= 1 << (bit % 8);
        }
        let connection = advanced(attack, state);
        if connection.say(&bytes).is_err() {
            seen.ended += 1;
            continue;
        }
        match connection.hear(Duration::from_millis(20)) {
            Heard::Closed => seen.ended += 1,
            Heard::Message(Message::Refused(..), _) => seen.refused += 1,
            Heard::Message(..) => seen.took += 1,
            Heard::Silence => seen.ignored += 1,
            Heard::Nonsense(bytes) => return Err(format!("the server says nonsense: {bytes:x?}")),
        }
    }
    Ok(seen)
}

fn oversized(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let bind = message::bind(1, 1, &[("add".to_owned(), 1)]);
    let size = usize::try_from(attack.random.below(96 * 1024)).expect("a size");
    let mut greedy = bind.clone();
    greedy[13..15].copy_from_slice(&u16::MAX.to_le_bytes());
    let mut long_name = bind.clone();
    long_name[15..17].copy_from_slice(&u16::MAX.to_le_bytes());
    let filler = [greedy.clone(), vec![attack.random.one_of(&[0, 1, 0xff]); size + 1]].concat();
    for (what, bytes) in [
        ("a packet beyond the largest message", vec![4; 96 * 1024 + 1]),
        ("65,535 procedures, said and not sent", greedy),
        ("65,535 procedures of filler", filler),
        ("a name longer than its message", long_name),
        ("the largest message of zeros", vec![0; 96 * 1024]),
    ] {
        let state = attack.random.below(4);
        // Where a bind is none it ends the connection as well.
        seen.add(ends(&advanced(attack, state), || what.to_owned(), &bytes)?);
    }
    Ok(seen)
}

fn version(attack: &mut Attack) -> Result<Seen, String> {
    let other = attack.random.one_of(&[0, VERSION + 1, 1 << 31, u32::MAX]);
    let connection = advanced(attack, 0);
    connection.say(&message::hello(other, [7; 16])).map_err(|error| error.to_string())?;
    match connection.hear(SOON) {
        Heard::Message(Message::Welcome(VERSION, ..), _) => {}
        heard => return Err(format!("not told which version the server speaks: {heard:?}")),
    }
    expect(connection.closes(SOON), || format!("goes on with version {other}"))?;
    Ok(Seen { ended: 1, ..Seen::default() })
}

fn tokens(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let gone = Greeted::new(&attack.dir, &attack.name).token;
    std::thread::sleep(Duration::from_millis(20));
    let mut seen = Seen::default();
    for token in [0, 1, u64::MAX, client.token ^ 1, gone, attack.random.word()] {
        client.connection.say(&message::bind(9, token, &[])).map_err(|error| error.to_string())?;
        match client.connection.hear(SOON) {
            Heard::Message(Message::Refused(9, Refused::Denied), _) => seen.refused += 1,
            other => return Err(format!("token {token:#x}: {other:?}")),
        }
    }
    Ok(seen)
}

fn cards(attack: &mut Attack) -> Result<Seen, String> {
    let (client, other) = (attack.client(), attack.client());
    let (own, others, stale) = (client.bind_to_nothing(), other.bind_to_nothing(), client.bind_to_nothing());
    client.connection.say(&message::unbind(stale.binding, stale.generation)).map_err(|error| error.to_string())?;
    let any = u32::try_from(attack.random.word() >> 32).unwrap_or(0).max(8);
    let mut seen = Seen::default();
    for (binding, generation) in [
        (stale.binding, stale.generation),
        (own.binding, own.generation.wrapping_add(any)),
        (own.binding, 0),
        (own.binding.wrapping_add(1000), own.generation),
        (u16::MAX, any),
        (others.binding, others.generation.wrapping_add(any)),
    ] {
        match client.ask(&message::introduce(8, binding, generation)) {
            Ok((Message::Card(8), fds)) if fds.is_empty() => seen.refused += 1,
            other => return Err(format!("a card for binding {binding} of generation {generation}: {other:?}")),
        }
    }
    Ok(seen)
}

fn knocks(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let grant = client.bind_to_nothing();
    let zero: OwnedFd = File::open("/dev/zero").map_err(|error| error.to_string())?.into();
    let (stream, _far) = std::os::unix::net::UnixStream::pair().map_err(|error| error.to_string())?;
    let (one, two) = Connection::pair().map_err(|error| error.to_string())?;
    let wrong: [(&[u8], Vec<BorrowedFd<'_>>); 6] = [
        (message::KNOCK, vec![]),
        (message::KNOCK, vec![zero.as_fd()]),
        (message::KNOCK, vec![stream.as_fd()]),
        (message::KNOCK, vec![one.as_fd(), two.as_fd()]),
        (message::PAIR, vec![one.as_fd()]),
        (&[24, 0], vec![one.as_fd()]),
    ];
    let mut seen = Seen::default();
    for (i, (words, fds)) in wrong.iter().enumerate() {
        let card = match client.ask(&message::introduce(8, grant.binding, grant.generation)) {
            Ok((Message::Card(8), fds)) => <[OwnedFd; 1]>::try_from(fds).map_err(|_| "no card".to_owned())?,
            other => return Err(format!("no card: {other:?}")),
        };
        let [card] = card.map(Connection::of);
        card.say_with(words, fds).map_err(|error| error.to_string())?;
        let _ = card.say_with(message::KNOCK, &[two.as_fd()]);
        if !card.closes(SOON) {
            return Err(format!("knock {i} did not end the card"));
        }
        seen.ended += 1;
    }
    Ok(seen)
}

fn descriptors(attack: &mut Attack) -> Result<Seen, String> {
    let zero: OwnedFd = File::open("/dev/zero").expect("a device").into();
    let directory: OwnedFd = File::open("/").expect("a directory").into();
    let (pipe, _other) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
    let memory = rustix::fs::memfd_create("hostile", rustix::fs::MemfdFlags::CLOEXEC).expect("a memfd");
    let mut seen = Seen::default();
    for (name, bytes, right) in words(attack) {
        let Some(state) = right else { continue };
        let connection = advanced(attack, state);
        let count = usize::try_from(1 + attack.random.below(40)).expect("few");
        let of = attack.random.one_of(&[&zero, &directory, &pipe, &memory]).as_fd();
        match connection.say_with(&bytes, &vec![of; count]) {
            // Where the kernel knows how to, it refuses them for the server.
            Err(_) => seen.refused += 1,
            Ok(()) => match connection.hear(Duration::from_millis(50)) {
                Heard::Nonsense(bytes) => return Err(format!("{name} with descriptors: {bytes:x?}")),
                Heard::Closed => seen.ended += 1,
                Heard::Message(..) | Heard::Silence => seen.ignored += 1,
            },
        }
    }
    Ok(seen)
}

fn unpaid(attack: &mut Attack) -> Result<Seen, String> {
    let greeted = Greeted::new(&attack.dir, &attack.name);
    let offer = greeted.offered();
    let part = attack.random.below(offer.size as u64 - 4096) & !4095;
    if part > 0 && attack.random.below(2) == 0 {
        let flags = rustix::fs::FallocateFlags::empty();
        rustix::fs::fallocate(&offer.own, flags, 0, part)
            .map_err(|error| format!("the region cannot be paid for: {error}"))?;
    }
    ends(&greeted.connection, || format!("a region of which {part} bytes are paid for"), message::MAPPED)
}

fn reshape(attack: &mut Attack) -> Result<Seen, String> {
    use rustix::fs::{FallocateFlags, Mode, SealFlags};
    let greeted = Greeted::new(&attack.dir, &attack.name);
    let offer = greeted.offered();
    let size = attack.random.below(1 << 20);
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let mut seen = Seen::default();
    for (whose, fd) in [("the server's", &offer.peer), ("its own", &offer.own)] {
        let theirs = whose == "the server's";
        let reopened = || {
            use std::os::fd::AsRawFd;
            rustix::fs::open(format!("/proc/self/fd/{}", fd.as_raw_fd()), rustix::fs::OFlags::RDWR, Mode::empty())
        };
        let is_root = rustix::process::geteuid().is_root();
        let tried = [
            ("shrunk", rustix::fs::ftruncate(fd, size % offer.size as u64).is_ok()),
            ("grown", rustix::fs::ftruncate(fd, offer.size as u64 + 4096 + size).is_ok()),
            // Its own it may punch until it is sealed; it is then found unpaid.
            ("punched", theirs && rustix::fs::fallocate(fd, punch, 0, 4096).is_ok()),
            ("mapped for writing", theirs && Raw::map(fd, offer.size, true).is_ok()),
            ("sealed once more", theirs && rustix::fs::fcntl_add_seals(fd, SealFlags::WRITE).is_ok()),
            ("written", theirs && rustix::io::pwrite(fd, &[1; 8], 0).is_ok()),
            // Root opens anything; the seals hold against root as well.
            ("opened again for writing", theirs && !is_root && reopened().is_ok()),
        ];
        for (what, succeeded) in tried {
            expect(!succeeded, || format!("{whose} region could be {what}"))?;
            seen.refused += 1;
        }
    }
    Ok(seen)
}

fn half_open(attack: &mut Attack) -> Result<Seen, String> {
    let open: Vec<_> = (0..8 + attack.random.below(24))
        .map(|_| {
            let connection = Connection::connect(&attack.dir, &attack.name).expect("somebody listens");
            match attack.random.below(3) {
                0 => {}
                1 => drop(connection.say(&message::hello(VERSION, [1; 16]))),
                _ => {
                    let _ = connection.say(&message::hello(VERSION, [1; 16]));
                    let _ = connection.say(message::PAIR);
                }
            }
            connection
        })
        .collect();
    attack.is_served()?;
    // Some are waited for; the others go away in the middle.
    let mut seen = Seen { ignored: open.len() as u64, ..Seen::default() };
    if attack.random.below(4) == 0 {
        for connection in &open {
            expect(connection.closes(SOON * 2), || "a connection that says nothing is still open".to_owned())?;
            seen.ended += 1;
        }
    }
    Ok(seen)
}

fn reconnect(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for _ in 0..10 {
        let client = attack.client();
        for _ in 0..attack.random.below(20) {
            let grant = client.bind_to_nothing();
            let generation = grant.generation.wrapping_add(u32::from(attack.random.below(4) == 0));
            let _ = client.connection.say(&message::unbind(grant.binding, generation));
            seen.took += 1;
        }
    }
    Ok(seen)
}
