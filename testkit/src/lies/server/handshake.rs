//! Lies while a client binds.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nearcall_layout::pair::{FRAMES, REGION_SIZE, VERSION};
use rustix::fs::SealFlags;

use super::Encounter;
use crate::lies::{Lie, Seen};
use crate::message::{self, Grant};
use crate::packet::Connection;
use crate::random::Random;
use crate::server::{self, Memory, READ_SEALS, Server, WRITE_SEALS};

pub(super) const MISBEHAVIOUR: &[Lie<Encounter>] = &[
    Lie {
        row: "A54",
        name: "order",
        what: "answers hello with another word, or with half of one, or with one and a byte",
        right: "ends the bind: PeerMisbehaved",
        tell: order,
    },
    Lie {
        row: "A54 A40",
        name: "nonsense",
        what: "answers the wish for regions with other words, nonsense of any length, or nothing but descriptors",
        right: "ends the bind: PeerMisbehaved",
        tell: nonsense,
    },
    Lie {
        row: "A1 A2 A3 A4",
        name: "its region",
        what: "offers as its own region a pipe, a device, a file, a directory, or memory without a seal, without pages, or of \
               another size",
        right: "maps nothing, and ends the bind: PeerMisbehaved",
        tell: own_region,
    },
    Lie {
        row: "A1 A4",
        name: "your region",
        what: "offers as the client's region a file that it can shorten, or memory that it can",
        right: "maps nothing, and ends the bind: PeerMisbehaved",
        tell: client_region,
    },
    Lie {
        row: "A23",
        name: "descriptors",
        what: "offers regions with too few descriptors, or too many",
        right: "keeps none, and ends the bind: PeerMisbehaved",
        tell: descriptors,
    },
    Lie {
        row: "A1 A40",
        name: "sizes",
        what: "announces regions of sizes that differ, that are too small, or beyond everything",
        right: "maps nothing, and ends the bind: PeerMisbehaved",
        tell: sizes,
    },
    Lie {
        row: "A6 A40",
        name: "grants",
        what: "grants A-stacks over each other, over the lines, beyond the region; other procedures than were asked for",
        right: "ends the bind: PeerMisbehaved",
        tell: grants,
    },
];

pub(super) const REFUSALS: &[Lie<Encounter>] = &[
    Lie {
        row: "A9 A21",
        name: "mute",
        what: "says nothing from a random step of the handshake on",
        right: "ends the bind by its deadline: Timeout",
        tell: mute,
    },
    Lie {
        row: "A13",
        name: "gone",
        what: "hangs up at a random step of the handshake",
        right: "ends the bind: Closed",
        tell: gone,
    },
    Lie { row: "A54", name: "version", what: "speaks another version", right: "ends the bind: Version", tell: version },
    Lie {
        row: "A40 A54",
        name: "refuses",
        what: "refuses for any reason, with differences in procedures that there are not, of any length",
        right: "ends the bind with the reason given",
        tell: refuses,
    },
    Lie {
        row: "A54",
        name: "flipped",
        what: "changes bits of welcome, regions and grant",
        right: "ends the bind by some name, or is bound as if nothing was changed",
        tell: flipped,
    },
];

/// Makes a descriptor that is no region.
type Wrong = fn() -> OwnedFd;

const NO_REGIONS: [Wrong; 4] = [
    || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe").0,
    || File::options().read(true).write(true).open("/dev/zero").expect("a device").into(),
    || File::open("/").expect("a directory").into(),
    file,
];

/// A file on disk, or in a tmpfs, that has its pages and no seals.
fn file() -> OwnedFd {
    use rustix::fs::{FallocateFlags, Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(std::env::temp_dir(), flags, Mode::RUSR | Mode::WUSR).expect("a file");
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, REGION_SIZE as u64).expect("room");
    file
}

fn memory(memory: Memory) -> OwnedFd {
    memory.make().0
}

/// One of some, and which.
fn choose<T: Copy>(random: &mut Random, of: &[T]) -> T {
    random.one_of(of)
}

fn order(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let welcome = message::welcome(VERSION, [0; 16], 1);
    let size = usize::try_from(1 + encounter.random.below(welcome.len() as u64 - 1)).expect("a size");
    let first = match encounter.random.below(7) {
        0 => message::READY.to_vec(),
        1 => message::regions(1, 1, 1),
        2 => message::hello(VERSION, [0; 16]),
        3 => vec![200; size],
        4 => welcome[..size].to_vec(),
        5 => [&welcome[..], &[0]].concat(),
        _ => vec![65; 97 * 1024],
    };
    let _ = connection.hear(Duration::from_secs(1));
    let _ = connection.say(&first);
    encounter.ends(&connection)
}

fn nonsense(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    server::welcome(&connection);
    let _ = connection.hear(Duration::from_secs(1));
    let size = usize::try_from(1 + encounter.random.below(96 * 1024)).expect("a size");
    let bytes = match encounter.random.below(5) {
        0 => message::READY.to_vec(),
        1 => message::segment_ready(1),
        2 => message::revoked(0, 1),
        3 => vec![66; size],
        _ => (0..size).map(|_| encounter.random.word().to_le_bytes()[0] | 0x80).collect(),
    };
    let _ = connection.say(&bytes);
    encounter.ends(&connection)
}

fn offered(encounter: &Encounter, connection: &Connection, own: &OwnedFd, peer: &OwnedFd) -> Result<Seen, String> {
    server::welcome(connection);
    let _ = connection.hear(Duration::from_secs(1));
    let size = u32::try_from(REGION_SIZE).expect("small");
    let _ = connection.say_with(&message::regions(size, size, 1), &[own.as_fd(), peer.as_fd()]);
    encounter.ends(connection)
}

fn own_region(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let seals = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::SEAL];
    let wrong = match encounter.random.below(6) {
        0 | 1 => choose(&mut encounter.random, &NO_REGIONS)(),
        2 => memory(Memory { allocated: false, ..Memory::SERVER }),
        3 => {
            let sizes = [4096, REGION_SIZE / 2, REGION_SIZE - 4096, REGION_SIZE + 4096, REGION_SIZE * 2];
            memory(Memory { size: choose(&mut encounter.random, &sizes), ..Memory::SERVER })
        }
        4 => memory(Memory { seals: SealFlags::empty(), ..Memory::SERVER }),
        _ => {
            let without = choose(&mut encounter.random, &seals);
            memory(Memory { seals: READ_SEALS.difference(without), ..Memory::SERVER })
        }
    };
    offered(encounter, &connection, &memory(Memory::CLIENT), &wrong)
}

fn client_region(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let wrong = match encounter.random.below(5) {
        0 => file(),
        1 => memory(Memory { seals: SealFlags::empty(), ..Memory::CLIENT }),
        2 => memory(Memory { seals: WRITE_SEALS.difference(SealFlags::SHRINK), ..Memory::CLIENT }),
        3 => memory(Memory { size: REGION_SIZE / 2, ..Memory::CLIENT }),
        _ => memory(Memory { size: REGION_SIZE * 2, ..Memory::CLIENT }),
    };
    offered(encounter, &connection, &wrong, &memory(Memory::SERVER))
}

fn descriptors(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let count = choose(&mut encounter.random, &[0, 1, 3, 30]);
    let fds: Vec<_> = (0..count).map(|_| memory(Memory::SERVER)).collect();
    server::welcome(&connection);
    server::offer(&connection, &fds);
    encounter.ends(&connection)
}

fn sizes(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let size = u32::try_from(REGION_SIZE).expect("small");
    let small = u32::try_from(FRAMES).expect("small") - 1;
    let of = [
        (0, 0, 1),
        (100, 100, 1),
        (small, small, 1),
        (size, size * 2, 1),
        (u32::MAX, u32::MAX, 1),
        (1 << 31, 1 << 31, 1),
        (size, size, 0),
    ];
    let (client, server, first) = choose(&mut encounter.random, &of);
    server::welcome(&connection);
    let _ = connection.hear(Duration::from_secs(1));
    let (own, peer) = (memory(Memory::CLIENT), memory(Memory::SERVER));
    let _ = connection.say_with(&message::regions(client, server, first), &[own.as_fd(), peer.as_fd()]);
    encounter.ends(&connection)
}

/// Changes to a grant after which it fits nothing.
const GRANTS: [fn(&mut Grant); 9] = [
    |grant| grant.classes[0].offset = 0,
    |grant| grant.classes[0].offset += 128,
    |grant| grant.classes[0].first = 5,
    |grant| grant.classes[0].count = 129,
    |grant| grant.classes[0].frame_size = 1 << 20,
    |grant| grant.classes[0].frame_size = u32::MAX,
    |grant| grant.classes.push(grant.classes[0]),
    |grant| {
        let _ = grant.procedures.pop();
    },
    |grant| grant.procedures.iter_mut().for_each(|procedure| procedure.1 = 9),
];

fn grants(encounter: &mut Encounter) -> Result<Seen, String> {
    let (server, id, procedures) = Server::pair(encounter.connection());
    let mut grant = Server::grant(id, procedures);
    choose(&mut encounter.random, &GRANTS)(&mut grant);
    let _ = server.connection.say(&message::bound(&grant));
    encounter.ends(&server.connection)
}

/// Goes through the handshake as far as `steps` says.
fn advance(connection: &Connection, steps: u64) {
    if steps > 0 {
        server::welcome(connection);
        let _ = connection.hear(Duration::from_secs(1));
    }
}

fn mute(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    match encounter.random.below(3) {
        2 => {
            let (server, ..) = Server::pair(connection);
            Ok(Seen { ended: u64::from(server.connection.closes(Duration::from_secs(10))), ..Seen::default() })
        }
        steps => {
            advance(&connection, steps);
            Ok(Seen { ended: u64::from(connection.closes(Duration::from_secs(10))), ..Seen::default() })
        }
    }
}

fn gone(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    match encounter.random.below(3) {
        2 => drop(Server::pair(connection)),
        steps => advance(&connection, steps),
    }
    Ok(Seen { took: 1, ..Seen::default() })
}

fn version(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    let _ = connection.hear(Duration::from_secs(1));
    let other = choose(&mut encounter.random, &[0, VERSION + 1, 1 << 31, u32::MAX]);
    let _ = connection.say(&message::welcome(other, [0; 16], 1));
    encounter.ends(&connection)
}

fn refuses(encounter: &mut Encounter) -> Result<Seen, String> {
    if encounter.random.below(4) == 0 {
        // Before there is anything to bind to, as a server does that is full.
        let connection = encounter.connection();
        server::welcome(&connection);
        let _ = connection.hear(Duration::from_secs(1));
        let _ = connection.say(&message::denied(0));
        return encounter.ends(&connection);
    }
    let (server, id, _) = Server::pair(encounter.connection());
    let text = "x\u{202e}\u{1b}[2J\n".repeat(usize::try_from(encounter.random.below(7000)).expect("few"));
    let index = u16::try_from(encounter.random.below(1 << 16)).expect("16 bits");
    let bytes = match encounter.random.below(3) {
        0 => message::denied(id),
        1 => message::no_room(id, index, u32::MAX),
        _ => message::incompatible(id, &[(index, text), (0, String::new())]),
    };
    let _ = server.connection.say(&bytes);
    // One that has other bindings to this server keeps the pair.
    let ended = server.connection.closes(Duration::from_millis(100));
    Ok(Seen { ended: ended.into(), took: (!ended).into(), ..Seen::default() })
}

fn flip(random: &mut Random, bytes: &mut [u8]) {
    let bit = random.below(bytes.len() as u64 * 8);
    bytes[usize::try_from(bit / 8).expect("a place")] ^= 1 << (bit % 8);
}

fn flipped(encounter: &mut Encounter) -> Result<Seen, String> {
    let connection = encounter.connection();
    if encounter.random.below(2) == 0 {
        let mut welcome = message::welcome(VERSION, [3; 16], 77);
        flip(&mut encounter.random, &mut welcome);
        let _ = connection.hear(Duration::from_secs(1));
        let _ = connection.say(&welcome);
        return Ok(Seen { ended: u64::from(connection.closes(Duration::from_millis(100))), ..Seen::default() });
    }
    let (server, id, procedures) = Server::pair(connection);
    let mut grant = message::bound(&Server::grant(id, procedures));
    flip(&mut encounter.random, &mut grant);
    let _ = server.connection.say(&grant);
    Ok(Seen { ended: u64::from(server.connection.closes(Duration::from_millis(100))), ..Seen::default() })
}
