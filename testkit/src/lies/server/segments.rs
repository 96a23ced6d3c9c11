//! Lies about memory out of band and about A-stacks that are added, to a client that makes large calls.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use nearcall_layout::pair::{SEGMENT_SIZE_MAX, reply, status};
use rustix::fs::SealFlags;

use super::Encounter;
use crate::lies::{Lie, Seen, hostile_value};
use crate::message::{self, Message};
use crate::random::Random;
use crate::server::{Memory, READ_SEALS, Request, Server, WRITE_SEALS};

pub(super) const ALL: &[Lie<Encounter>] = &[
    Lie {
        row: "A1 A4 A23",
        name: "segment files",
        what: "offers as the client's segment nothing, two, a pipe, a device, or memory of another size, without seals, or \
               sealed against writing",
        right: "maps nothing, keeps none, sends nothing: PeerMisbehaved, or NoMemory",
        tell: files,
    },
    Lie {
        row: "A9 A16 A54",
        name: "segment words",
        what: "answers the wish for a segment, and that it is mapped, with other words, for other questions, or not at all",
        right: "sends nothing: NoMemory, PeerMisbehaved, or Timeout",
        tell: words,
    },
    Lie {
        row: "A1 A3 A4 A23",
        name: "shown files",
        what: "says that results are in a segment, and shows nothing, two, a pipe, a device, or memory without a seal, without \
               pages, of another size, or of one that cannot be",
        right: "maps nothing: PeerMisbehaved with targets untouched",
        tell: shown,
    },
    Lie {
        row: "A6 A7 A40",
        name: "places",
        what: "results in a good segment that it writes meanwhile, with lengths up to every end and beyond, and in ones that \
               there are not",
        right: "a value, or PeerMisbehaved with targets untouched, and nothing allocated for what was only announced",
        tell: places,
    },
    Lie {
        row: "A6 A20",
        name: "unmaps",
        what: "asks to unmap ten thousand segments, that there are and are not, also those of calls under way",
        right: "says so of those that it has not, keeps what is being read, or ends the pair: PeerDied",
        tell: unmaps,
    },
    Lie {
        row: "A6 A54",
        name: "adds",
        what: "adds A-stacks that nobody asked for, twice, out of order, of other classes",
        right: "uses none but the next, or ends the pair: PeerDied",
        tell: adds,
    },
    Lie {
        row: "A23",
        name: "strays",
        what: "adds descriptors to words that come without, asked for or not",
        right: "has the kernel refuse them, or closes them",
        tell: strays,
    },
];

fn size_of(random: &mut Random, wanted: u32) -> usize {
    let wanted = usize::try_from(wanted).expect("a size");
    random.one_of(&[4096, wanted / 2, wanted + 4096, wanted * 2])
}

/// What is no memory file.
fn no_memory_file(random: &mut Random) -> OwnedFd {
    match random.below(4) {
        0 => rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe").0,
        1 => File::options().read(true).write(true).open("/dev/zero").expect("a device").into(),
        2 => File::open("/").expect("a directory").into(),
        _ => File::open("/proc/self/exe").expect("a file").into(),
    }
}

fn make(memory: Memory) -> OwnedFd {
    memory.make().0
}

/// Says something with descriptors; a client that has hung up does not hear it.
fn say_with(server: &Server, bytes: &[u8], fds: &[OwnedFd]) {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    let _ = server.connection.say_with(bytes, &fds);
}

fn files(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.converse(answer_fine, |server, question, random| {
        let Message::Segment(id, _, wanted) = *question else { return server.deny(question) };
        let good = Memory::offered(usize::try_from(wanted).expect("a size"));
        let fds = match random.below(8) {
            0 => Vec::new(),
            1 => vec![make(good), make(good)],
            2 | 3 => vec![no_memory_file(random)],
            4 => vec![make(Memory { size: size_of(random, wanted), ..good })],
            5 => vec![make(Memory { seals: SealFlags::empty(), ..good })],
            6 => vec![make(Memory { seals: random.one_of(&[SealFlags::SHRINK, SealFlags::GROW]), ..good })],
            // Nobody can write it any more.
            _ => vec![make(Memory { seals: WRITE_SEALS | SealFlags::FUTURE_WRITE, ..good })],
        };
        say_with(server, &message::segment_offered(id), &fds);
    }))
}

fn words(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.converse(answer_fine, |server, question, random| {
        let other = |random: &mut Random, id: u32| match random.below(8) {
            0 => message::no_memory(id),
            1 => message::segment_ready(id.wrapping_add(1)),
            2 => message::shown(id, 1 << 16),
            3 => message::grown(id, 0, 5),
            4 => message::denied(id),
            5 => message::bound(&Server::grant(id, 1)),
            6 => message::segment_ready(id),
            _ => Vec::new(),
        };
        match *question {
            Message::Segment(id, _, wanted) if random.below(2) == 0 => {
                let good = Memory::offered(usize::try_from(wanted).expect("a size"));
                say_with(server, &message::segment_offered(id), &[make(good)]);
            }
            Message::Segment(id, ..) | Message::SegmentMapped(id) => {
                let answer = match other(random, id) {
                    offered if offered.is_empty() && random.below(2) == 0 => message::segment_offered(id),
                    answer => answer,
                };
                if !answer.is_empty() {
                    let _ = server.connection.try_say(&answer);
                }
            }
            _ => server.deny(question),
        }
    }))
}

/// Zeros for results, whatever is asked.
fn answer_fine(server: &Server, request: &Request, _: &mut Random) {
    server.answer(request, status::OK, 0, &[]);
}

/// A head that any procedure with a length has somewhere.
fn head(len: u64) -> Vec<u8> {
    [len | len << 32, len, len << 32, len, len].iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Results of `len` bytes in segments, as far as the reply line says.
fn answer_in(server: &Server, request: &Request, random: &mut Random, serials: &[u16], len: u64) {
    let (frame, behind) = (random.one_of(serials), random.one_of(serials));
    let tail = u32::try_from(len & 0xffff_ffff).expect("32 bits");
    let places = random.one_of(&[
        reply::places(tail, frame, 0),
        reply::places(tail, 0, behind),
        reply::places(tail, frame, behind),
    ]);
    let status = random.one_of(&[status::OK, status::OK, status::APP]);
    let bytes = if random.below(2) == 0 { head(len) } else { [&len.to_le_bytes()[..], &head(len)[..32]].concat() };
    server.answer(request, status, places, &bytes);
}

fn shown(encounter: &mut Encounter) -> Result<Seen, String> {
    let results = |server: &Server, request: &Request, random: &mut Random| {
        let len = random.one_of(&[1, 100, 1 << 16]);
        answer_in(server, request, random, &[1, 2, 3], len);
    };
    Ok(encounter.converse(results, |server, question, random| {
        let Message::Show(id, _) = *question else { return server.deny(question) };
        let said: u32 = 1 << 16;
        let good = Memory::shown(1 << 16);
        let seals = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::SEAL];
        let (said, fds) = match random.below(9) {
            0 => (said, Vec::new()),
            1 => (said, vec![make(good), make(good)]),
            2 | 3 => (said, vec![no_memory_file(random)]),
            4 => (said, vec![make(Memory { size: size_of(random, said), ..good })]),
            5 => (said, vec![make(Memory { seals: READ_SEALS.difference(random.one_of(&seals)), ..good })]),
            6 => (said, vec![make(Memory { allocated: false, ..good })]),
            7 => (random.one_of(&[0, 1, u32::MAX, 1 << 31, 1 << 27]), vec![make(good)]),
            _ => return say_with(server, &message::segment_ready(id), &[make(good)]),
        };
        say_with(server, &message::shown(id, said), &fds);
    }))
}

fn places(encounter: &mut Encounter) -> Result<Seen, String> {
    const SIZE: usize = 1 << 17;
    let (fd, map) = Memory::shown(SIZE).make();
    let results = |server: &Server, request: &Request, random: &mut Random| {
        map.scribble(random, 64);
        let len = hostile_value(random, 100, SIZE as u64);
        let len = random.one_of(&[len, 100, 100_000, SIZE as u64 + 1]);
        answer_in(server, request, random, &[1, 1, 1, 0, 2, u16::MAX], len);
        map.scribble(random, 64);
    };
    Ok(encounter.converse(results, |server, question, _| match *question {
        Message::Show(id, 1) => {
            let _ = server.connection.say_with(&message::shown(id, 1 << 17), &[fd.as_fd()]);
        }
        _ => server.deny(question),
    }))
}

fn unmaps(encounter: &mut Encounter) -> Result<Seen, String> {
    const SIZE: usize = 1 << 16;
    let (fd, _map) = Memory::shown(SIZE).make();
    let results = |server: &Server, request: &Request, random: &mut Random| {
        // All of them at once are more than anybody reads; a few are what a server may ask.
        for n in 0..random.one_of(&[1, 20, 10_000_u16]) {
            let serial = random.one_of(&[1, 1, n, u16::MAX]);
            let astack = random.one_of(&[request.astack, n % 128, u16::MAX]);
            if server.connection.say(&message::unmap(serial, astack)).is_err() {
                return;
            }
        }
        let places = reply::places(100, random.one_of(&[0, 1]), random.one_of(&[0, 1]));
        server.answer(request, status::OK, places, &head(100));
    };
    Ok(encounter.converse(results, |server, question, _| match *question {
        Message::Show(id, _) => {
            let _ = server.connection.say_with(&message::shown(id, 1 << 16), &[fd.as_fd()]);
        }
        _ => server.deny(question),
    }))
}

fn adds(encounter: &mut Encounter) -> Result<Seen, String> {
    let results = |server: &Server, request: &Request, random: &mut Random| {
        for _ in 0..random.one_of(&[0, 1, 2, 100]) {
            let id = u32::try_from(random.below(8)).expect("small");
            let first = random.one_of(&[0, 1, 5, u16::MAX]);
            let astack = random.one_of(&[0, 4, 5, 6, 127, 128, u16::MAX]);
            let _ = server.connection.try_say(&message::grown(id, first, astack));
        }
        server.answer(request, status::OK, 0, &[]);
    };
    Ok(encounter.converse(results, |server, question, random| match *question {
        Message::Grow(id, first) => {
            let astack = random.one_of(&[0, 4, 5, 5, 6, 127, 128, u16::MAX]);
            let first = random.one_of(&[first, first, first.wrapping_add(1)]);
            for _ in 0..random.one_of(&[1, 2]) {
                let _ = server.connection.try_say(&message::grown(id, first, astack));
            }
        }
        _ => server.deny(question),
    }))
}

fn strays(encounter: &mut Encounter) -> Result<Seen, String> {
    let largest = u32::try_from(SEGMENT_SIZE_MAX).expect("small");
    let results = |server: &Server, request: &Request, random: &mut Random| {
        for _ in 0..20 {
            let words = [message::revoked(900, 1), message::unmap(7, 1), message::grown(u32::MAX, 9, 9)];
            let fds: Vec<_> = (0..random.one_of(&[1, 2, 16])).map(|_| make(Memory::shown(4096))).collect();
            say_with(server, &words[usize::try_from(random.below(3)).expect("few")], &fds);
        }
        server.answer(request, status::OK, 0, &[]);
    };
    Ok(encounter.converse(results, |server, question, random| match *question {
        Message::Segment(id, ..) | Message::Show(id, _) | Message::SegmentMapped(id) | Message::Grow(id, _) => {
            let fds: Vec<_> = (0..random.one_of(&[1, 2, 16])).map(|_| make(Memory::shown(4096))).collect();
            let stray = random.one_of(&[0, 1, 2]);
            if stray == 0 {
                say_with(server, &message::shown(id.wrapping_sub(1), largest), &fds);
            }
            say_with(server, &message::no_memory(id), &fds);
        }
        _ => {}
    }))
}
