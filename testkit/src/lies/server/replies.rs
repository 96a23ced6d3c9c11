//! Lies to a client that is bound: in reply lines, reply halves, stamps and messages.

use std::cell::RefCell;

use nearcall_layout::pair::{reply, server, stamp, status};

use super::Encounter;
use crate::lies::{Lie, Seen, hostile_value};
use crate::message;
use crate::random::Random;
use crate::server::{FRAME_SIZE, Request, Server};

pub(super) const ALL: &[Lie<Encounter>] = &[
    Lie {
        row: "A6 A7",
        name: "values",
        what: "hostile values in every word of the reply line, over a reply half of anything",
        right: "a value, or PeerMisbehaved with targets untouched",
        tell: values,
    },
    Lie {
        row: "A7 A40",
        name: "lengths",
        what: "tails and counts at, beside and beyond every end",
        right: "a value, or PeerMisbehaved with targets untouched, and nothing allocated for what was only announced",
        tell: lengths,
    },
    Lie {
        row: "A40",
        name: "nests",
        what: "results of values within values, of items without bytes, and of counts beyond every end",
        right: "PeerMisbehaved, and is neither led deep nor to allocate",
        tell: nests,
    },
    Lie {
        row: "A54",
        name: "statuses",
        what: "every status, and ones that there are not",
        right: "the error of that name, or PeerMisbehaved",
        tell: statuses,
    },
    Lie {
        row: "A47 A48",
        name: "sequences",
        what: "answers under old, early and impossible sequence numbers, twice, and on other A-stacks",
        right: "takes none of them for its answer",
        tell: sequences,
    },
    Lie {
        row: "A48",
        name: "late",
        what: "answers the call before, when the next one has come, and then this one",
        right: "takes an answer for the call that it answers, or for none",
        tell: late,
    },
    Lie {
        row: "A13",
        name: "stamps",
        what: "says of calls that they were started, finished or not begun, as it likes; then hangs up, or not",
        right: "is told `ran` as the server has it, and no more",
        tell: stamps,
    },
    Lie {
        row: "A6 A7 A8",
        name: "scribble",
        what: "random words anywhere in its region, at full speed, around answers",
        right: "a value, or a named error with targets untouched",
        tell: scribble,
    },
    Lie {
        row: "A9",
        name: "captures",
        what: "never answers",
        right: "ends each call by its deadline: Timeout, and NoAStack when all are taken",
        tell: captures,
    },
    Lie {
        row: "A22",
        name: "revokes",
        what: "takes bindings back, that one and others, again and again, and answers all the same",
        right: "Revoked, and binds again if it likes",
        tell: revokes,
    },
    Lie {
        row: "A54",
        name: "speaks",
        what: "says things in the middle of calls that only a handshake has, and grants that nobody asked for",
        right: "ends the pair: PeerDied",
        tell: speaks,
    },
    Lie {
        row: "A13",
        name: "vanishes",
        what: "hangs up at a random point of a call",
        right: "PeerDied",
        tell: vanishes,
    },
];

/// Stores hostile words in some of a reply half.
fn spoil(server: &Server, request: &Request, random: &mut Random) {
    for _ in 0..random.below(8) {
        let at = usize::try_from(random.below(u64::from(FRAME_SIZE) / 8)).expect("in a frame");
        let value = hostile_value(random, 1, u64::from(FRAME_SIZE));
        server.own.store(Server::half(request) + at * 8, value);
    }
}

fn head(random: &mut Random, len: u64) -> Vec<u8> {
    (0..5).flat_map(|_| hostile_value(random, 7, len).to_le_bytes()).collect()
}

fn values(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        spoil(server, request, random);
        let head = head(random, 100);
        let tail = hostile_value(random, 0, 100);
        server.answer(request, random.one_of(&[status::OK, status::OK, status::APP]), tail, &head);
    }))
}

fn lengths(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        let frame = u64::from(FRAME_SIZE);
        let (tail, len) = (hostile_value(random, frame, frame), hostile_value(random, 1, frame) & 0xffff_ffff);
        let words = [len | len << 32, len, len << 32, len, tail];
        let head: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        server.answer(request, status::OK, random.one_of(&[tail, len]), &head);
    }))
}

fn nests(encounter: &mut Encounter) -> Result<Seen, String> {
    const BOMBS: [&[u8]; 6] =
        [&[1, 0, 0, 0], &[1, 0, 0, 0, 0], &[0xff; 4], &[2], &[1], &[0xff, 0xff, 0xff, 0xff, 0x0f]];
    Ok(encounter.answer(|server, request, random| {
        let size = random.one_of(&[FRAME_SIZE, FRAME_SIZE / 2, 64, 9]);
        let bomb = random.one_of(&BOMBS);
        let bytes: Vec<u8> = bomb.iter().copied().cycle().take(usize::try_from(FRAME_SIZE).expect("small")).collect();
        server.own.write(Server::half(request), &bytes);
        let size_word = u64::from(size) | u64::from(size) << 32;
        let head: Vec<u8> = [size_word; 5].iter().flat_map(|word| word.to_le_bytes()).collect();
        server.answer(request, status::OK, size.into(), &head);
    }))
}

fn statuses(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        let any = u16::try_from(random.below(1 << 16)).expect("16 bits");
        let status = random.one_of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99, 255, 256, any, u16::MAX]);
        server.answer(request, status, hostile_value(random, 0, 40), &[0xff; 40]);
    }))
}

fn sequences(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        let any = u32::try_from(random.word() & 0xffff_ffff).expect("32 bits");
        for wrong in [request.sequence.wrapping_add(1), request.sequence.wrapping_sub(1), 0, u32::MAX, any] {
            if wrong != request.sequence {
                server.answer_as(request, wrong, status::OK, 0, &[1; 40]);
            }
        }
        let other = Request { astack: (request.astack + 1) % 5, ..*request };
        server.answer(&other, status::OK, 0, &[1; 40]);
        if random.below(4) > 0 {
            server.answer(request, status::OK, 0, &[]);
            // And once more, with something else.
            server.answer(request, status::APP, u64::MAX, &[0xff; 40]);
        }
    }))
}

fn late(encounter: &mut Encounter) -> Result<Seen, String> {
    let before: RefCell<Option<Request>> = RefCell::new(None);
    Ok(encounter.answer(|server, request, random| {
        if let Some(before) = before.borrow_mut().replace(*request) {
            server.answer(&before, status::OK, 0, &[1; 40]);
        }
        if random.below(2) == 0 {
            server.answer(request, status::OK, 0, &[]);
        }
    }))
}

fn stamps(encounter: &mut Encounter) -> Result<Seen, String> {
    let start = std::time::Instant::now();
    let patience = encounter.patience.min(std::time::Duration::from_secs(1));
    let mut server = Server::honest(encounter.connection());
    let mut seen = Seen::default();
    while let Some(request) = server.request(patience.saturating_sub(start.elapsed())) {
        seen.took += 1;
        let random = &mut encounter.random;
        let how_far = random.one_of(&[0, stamp::STARTED, stamp::FINISHED, 1 << 63, u64::MAX << 32]);
        server.stamp(&request, how_far);
        server.own.store(server::stamp(usize::from((request.astack + 1) % 5)), random.word());
        if random.below(4) == 0 {
            return Ok(seen);
        }
        if random.below(2) == 0 {
            server.answer_as(&request, request.sequence, status::OK, 0, &[]);
        }
    }
    Ok(seen)
}

fn scribble(encounter: &mut Encounter) -> Result<Seen, String> {
    let patience = encounter.patience;
    let mut server = Server::honest(encounter.connection());
    let (start, random) = (std::time::Instant::now(), &mut encounter.random);
    let mut seen = Seen::default();
    let mut last: Option<Request> = None;
    let mut turn = 0u32;
    while start.elapsed() < patience {
        let at = nearcall_layout::pair::client::line(server.next);
        if nearcall_layout::pair::sequence(server.peer.load(at)) != server.next {
            server.own.scribble(random, 4);
            turn += 1;
            if turn.is_multiple_of(256) {
                // The answer may have been scribbled over before it was read.
                if let Some(request) = &last {
                    server.answer(request, status::OK, 0, &[1]);
                }
                if !server.deny_all() {
                    seen.ended = 1;
                    return Ok(seen);
                }
            }
            continue;
        }
        let Some(request) = server.request(std::time::Duration::ZERO) else { continue };
        server.own.scribble(random, 16);
        let status = random.one_of(&[status::OK, status::OK, status::OK, status::APP, 7, 200]);
        let len = random.one_of(&[0u64, 1, 100, 101, 1536, u64::from(u32::MAX), 1 << 40]);
        let head: Vec<u8> = match random.below(3) {
            0 => (0..5).flat_map(|_| random.word().to_le_bytes()).collect(),
            1 => [&random.word().to_le_bytes()[..], &len.to_le_bytes()[..4]].concat(),
            _ => vec![1],
        };
        server.answer(&request, status, len, &head);
        server.own.scribble(random, 4);
        last = Some(request);
        seen.took += 1;
    }
    Ok(seen)
}

fn captures(encounter: &mut Encounter) -> Result<Seen, String> {
    let mut seen = encounter.answer(|_, _, _| {});
    (seen.ignored, seen.took) = (seen.took, 0);
    Ok(seen)
}

fn revokes(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        let binding = random.one_of(&[0, 1, u16::MAX]);
        for _ in 0..random.below(4) {
            let _ = server.connection.try_say(&message::revoked(binding, random.one_of(&[0, 1, 2, u32::MAX])));
        }
        server.answer(request, status::OK, 0, &[]);
    }))
}

fn speaks(encounter: &mut Encounter) -> Result<Seen, String> {
    Ok(encounter.answer(|server, request, random| {
        let bytes = match random.below(6) {
            0 => message::welcome(1, [1; 16], 1),
            1 => message::regions(1, 1, 1),
            2 => message::READY.to_vec(),
            3 => vec![0xee; 1 + usize::try_from(random.below(1000)).expect("few")],
            // One of these is an answer that came late; thousands are none.
            4 => message::bound(&Server::grant(u32::MAX, 3)),
            _ => message::denied(u32::MAX),
        };
        for _ in 0..20 {
            let _ = server.connection.try_say(&bytes);
        }
        server.answer(request, status::OK, 0, &[]);
    }))
}

fn vanishes(encounter: &mut Encounter) -> Result<Seen, String> {
    let patience = encounter.patience;
    let mut server = Server::honest(encounter.connection());
    let calls = encounter.random.below(20);
    let mut seen = Seen::default();
    for _ in 0..calls {
        let Some(request) = server.request(patience) else { return Ok(seen) };
        server.answer(&request, status::OK, 0, &[]);
        seen.took += 1;
    }
    if let Some(request) = server.request(patience) {
        match encounter.random.below(3) {
            0 => {}
            1 => server.stamp(&request, stamp::STARTED),
            _ => {
                // Half an answer: the results, and not the word that says so.
                let at = server::reply(usize::from(request.astack));
                server.own.store(at + reply::RESULTS * 8, encounter.random.word());
            }
        }
    }
    Ok(seen)
}
