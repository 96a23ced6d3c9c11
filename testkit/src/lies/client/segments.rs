//! Lies about memory out of band and about A-stacks that are added: sizes that no segment has, segments that nobody paid
//! for, answers that are written while they are read, numbers that there are not, and more of it than anybody gives.

use nearcall_layout::pair::{ASTACK_COUNT, SEGMENT_SIZE_MAX, SEGMENT_SIZE_MIN, reply, request, status};
use rustix::fs::{FallocateFlags, SealFlags};

use super::{Attack, count};
use crate::client::{Client, Line, Outcome};
use crate::lies::{Lie, SOON, Seen, expect, hostile_value};
use crate::message::{self, Message};
use crate::raw::Raw;

pub(super) const ALL: &[Lie<Attack>] = &[
    Lie {
        row: "A4 A6",
        name: "segment sizes",
        what: "asks for segments of sizes that none has, and for A-stacks that there cannot be",
        right: "hangs up",
        tell: sizes,
    },
    Lie {
        row: "A23 A34",
        name: "segments",
        what: "asks for the largest segments again and again, and maps none of them",
        right: "offers one after the other, and keeps none",
        tell: again,
    },
    Lie {
        row: "A3",
        name: "unpaid segment",
        what: "says that its segment is mapped, and has paid for none of it or for a part",
        // Not a hang-up: so does a good client that has given the call up meanwhile, and the memory back.
        right: "gives it no segment",
        tell: unpaid,
    },
    Lie {
        row: "A1 A2",
        name: "segment shape",
        what: "tries to resize, punch, reseal and map for writing its segment once the server has it",
        right: "is not asked: the kernel refuses all of it",
        tell: shape,
    },
    Lie {
        row: "A54",
        name: "segment order",
        what: "says that a segment is mapped which it did not ask for, under another number, or twice; gives back what it was \
               not given",
        right: "hangs up",
        tell: order,
    },
    Lie {
        row: "A7 A8",
        name: "segment bytes",
        what: "writes its segment at full speed while its arguments are read, with lengths up to its end and beyond",
        right: "answers with what one reading of each byte makes of it",
        tell: bytes,
    },
    Lie {
        row: "A6 A7 A40",
        name: "out of band",
        what: "calls with a segment that it has not got, or has given back, with hostile lengths",
        right: "answers each: with a result, or that an argument is none",
        tell: without,
    },
    Lie {
        row: "A1 A48",
        name: "segment swaps",
        what: "replaces and gives back the segment of a call that is under way",
        right: "hangs up, or had answered already",
        tell: swaps,
    },
    Lie {
        row: "A6 A54",
        name: "shows",
        what: "asks to be shown segments that there are not, and says of such that it has unmapped them",
        right: "has no memory for them, and does not listen",
        tell: shows,
    },
    Lie {
        row: "A34 A40",
        name: "areas",
        what: "asks for results as large as can be on every A-stack, and reads none of them",
        right: "answers within its bounds, or has no memory",
        tell: areas,
    },
    Lie {
        row: "A6 A20",
        name: "grows",
        what: "asks for A-stacks without end, for classes that there are not, and calls on one as of another class",
        right: "adds up to its bound, and ends the pair of a call on another class's",
        tell: grows,
    },
];

/// How long a segment is unused before the server asks for it.
const KEPT: std::time::Duration = std::time::Duration::from_secs(2);

fn small(size: usize) -> u32 {
    u32::try_from(size).expect("small")
}

/// Says `wrong`, and has the server hang up, without an answer that goes further.
fn ends(client: &Client, what: &str, wrong: &[u8]) -> Result<Seen, String> {
    let _ = client.connection.say(wrong);
    expect(client.connection.closes(SOON), || format!("{what} did not end the pair"))?;
    Ok(Seen { ended: 1, ..Seen::default() })
}

fn sizes(attack: &mut Attack) -> Result<Seen, String> {
    let any = small(usize::try_from(attack.random.below(1 << 20)).expect("small")) | 1;
    let (least, most) = (small(SEGMENT_SIZE_MIN), small(SEGMENT_SIZE_MAX));
    let sizes = [0, 1, 4096, least - 1, least + 4096, 3 * least, most - 1, most + 1, 1 << 27, 1 << 31, u32::MAX, any];
    let astack = u16::try_from(ASTACK_COUNT).expect("small");
    let mut seen = Seen::default();
    for (astack, size) in
        [(0, attack.random.one_of(&sizes)), (0, attack.random.one_of(&sizes)), (astack, least), (u16::MAX, least)]
    {
        let wrong = message::segment(1, astack, size);
        seen.add(ends(&attack.client(), &format!("a segment of {size} bytes for A-stack {astack}"), &wrong)?);
    }
    Ok(seen)
}

fn again(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let mut seen = Seen::default();
    for id in 0..200 {
        let astack = u16::try_from(attack.random.below(ASTACK_COUNT as u64)).expect("small");
        match client.offered(id, astack, small(SEGMENT_SIZE_MAX)) {
            Some(_) => seen.took += 1,
            None => seen.refused += 1,
        }
    }
    attack.is_served()?;
    Ok(seen)
}

fn unpaid(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let size = small(SEGMENT_SIZE_MIN) << attack.random.below(11);
    let fd = client.offered(1, 0, size).ok_or("no memory for a segment")?;
    let part = attack.random.below(u64::from(size)) & !4095;
    if part > 0 && attack.random.below(2) == 0 {
        rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, part).map_err(|error| error.to_string())?;
    }
    let mapped = client.ask(&message::segment_mapped(1));
    let is_refused = matches!(mapped, Ok((Message::NoMemory(1), _)));
    expect(is_refused, || format!("a segment of which {part} bytes of {size} are paid for: {mapped:?}"))?;
    // Nor is one kept for it that could be said to be mapped once more.
    let mut seen = ends(&client, "a segment that was refused", &message::segment_mapped(1))?;
    seen.refused += 1;
    Ok(seen)
}

fn shape(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let size = small(SEGMENT_SIZE_MIN) << attack.random.below(4);
    let bytes = usize::try_from(size).expect("a size");
    let fd = client.offered(1, 0, size).ok_or("no memory for a segment")?;
    rustix::fs::fallocate(&fd, FallocateFlags::empty(), 0, size.into()).map_err(|error| error.to_string())?;
    // The mapping that it keeps is the one that it may have.
    let _map = Raw::map(&fd, bytes, true).map_err(|error| error.to_string())?;
    let ready = client.ask(&message::segment_mapped(1));
    expect(matches!(ready, Ok((Message::SegmentReady(1), _))), || format!("not ready: {ready:?}"))?;
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let tried = [
        ("shrunk", rustix::fs::ftruncate(&fd, 0).is_ok()),
        ("grown", rustix::fs::ftruncate(&fd, 2 * u64::from(size)).is_ok()),
        ("punched", rustix::fs::fallocate(&fd, punch, 0, 4096).is_ok()),
        ("sealed once more", rustix::fs::fcntl_add_seals(&fd, SealFlags::WRITE).is_ok()),
        ("written", rustix::io::pwrite(&fd, &[1; 8], 0).is_ok()),
        ("mapped for writing", Raw::map(&fd, bytes, true).is_ok()),
    ];
    for (what, succeeded) in tried {
        expect(!succeeded, || format!("a segment could be {what}"))?;
    }
    Ok(Seen { refused: tried.len() as u64, ..Seen::default() })
}

fn order(attack: &mut Attack) -> Result<Seen, String> {
    let size = small(SEGMENT_SIZE_MIN);
    let mut seen = ends(&attack.client(), "a segment that was not asked for", &message::segment_mapped(1))?;
    let client = attack.client();
    let paid = |fd| rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, u64::from(size)).expect("memory");
    paid(client.offered(1, 0, size).ok_or("no memory for a segment")?);
    seen.add(ends(&client, "another number", &message::segment_mapped(attack.random.one_of(&[0, 2, u32::MAX])))?);
    let client = attack.client();
    let _segment = client.segment(1, 0, size);
    seen.add(ends(&client, "a segment that is mapped twice", &message::segment_mapped(1))?);
    // The one before is forgotten when another is asked for.
    let client = attack.client();
    paid(client.offered(1, 0, size).ok_or("no memory for a segment")?);
    drop(client.offered(2, 1, size));
    seen.add(ends(&client, "a segment in whose place another was offered", &message::segment_mapped(1))?);
    for (id, astack) in [(1, 1), (2, 0), (attack.random.below(1 << 30) as u32 + 2, 0)] {
        let client = attack.client();
        let _segment = client.segment(1, 0, size);
        seen.add(ends(&client, "back what it was not given", &message::segment_dropped(id, astack))?);
    }
    Ok(seen)
}

/// Calls, and wants an answer, or the end of the pair.
fn answered(client: &mut Client, line: &Line, seen: &mut Seen) -> Result<Outcome, String> {
    let outcome = client.call(line);
    count(outcome, seen);
    expect(outcome != Outcome::Silence, || format!("no answer to {line:?}"))?;
    Ok(outcome)
}

/// Lengths in a head: at, beside and beyond the end of a segment.
fn spoil(line: &mut Line, attack: &mut Attack, size: u32) {
    for word in &mut line.words {
        let len = attack.random.one_of(&[u64::from(size), u64::from(size) / 3, 1 << 20, 9000]);
        let low = hostile_value(&mut attack.random, len, len) & 0xffff_ffff;
        let high = hostile_value(&mut attack.random, len, len) & 0xffff_ffff;
        *word = attack.random.one_of(&[low | high << 32, len | len << 32, low]);
    }
}

fn bytes(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, mut line) = attack.bound();
    let mut seen = Seen::default();
    let size = small(SEGMENT_SIZE_MIN);
    let segment = client.segment(1, line.astack, size);
    line.flags |= request::OUT_OF_BAND;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let seed = attack.random.word();
    std::thread::scope(|scope| {
        let _stop = crate::busy::StopOnDrop(&stop);
        scope.spawn(|| scribble(&segment, seed, &stop));
        for _ in 0..50 {
            spoil(&mut line, attack, size);
            if answered(&mut client, &line, &mut seen)? == Outcome::Closed {
                return Err("bytes that change ended the pair".to_owned());
            }
        }
        Ok(seen)
    })
}

/// Words that text, lengths and counts get wrong, everywhere, until told to stop.
fn scribble(segment: &Raw, seed: u64, stop: &std::sync::atomic::AtomicBool) {
    let mut random = crate::random::Random::new(seed);
    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
        for _ in 0..256 {
            let at = usize::try_from(random.below(segment.size() as u64 / 8)).expect("inside");
            segment.store(at * 8, random.one_of(&[0, u64::MAX, 0x6161_6161_6161_6161, 0x8080_8080_8080_8080, 1]));
        }
        std::thread::yield_now();
    }
}

fn without(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, mut line) = attack.bound();
    let mut seen = Seen::default();
    let size = small(SEGMENT_SIZE_MIN);
    line.flags |= request::OUT_OF_BAND;
    for given_back in [false, true] {
        if given_back {
            drop(client.segment(1, line.astack, size));
            let dropped = message::segment_dropped(1, line.astack);
            client.connection.say(&dropped).map_err(|error| error.to_string())?;
        }
        for _ in 0..8 {
            spoil(&mut line, attack, size);
            answered(&mut client, &line, &mut seen)?;
        }
    }
    // Every flag that there is, and those that there are not.
    line.flags = u16::MAX ^ request::OUT_OF_BAND;
    answered(&mut client, &line, &mut seen)?;
    Ok(seen)
}

fn swaps(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for _ in 0..8 {
        let (mut client, _, mut line) = attack.bound();
        let size = small(SEGMENT_SIZE_MIN);
        let _segment = client.segment(1, line.astack, size);
        line.flags |= request::OUT_OF_BAND;
        line.words = [u64::from(size) | u64::from(size) << 32; 5];
        let sequence = client.publish(&line);
        client.ring();
        let next = match attack.random.below(2) {
            0 => None,
            _ => client.ask(&message::segment(2, line.astack, size)).ok(),
        };
        match next {
            Some((Message::SegmentOffered(2), fds)) => {
                let fd = fds.first().ok_or("an offer without a descriptor")?;
                let _ = rustix::fs::fallocate(fd, FallocateFlags::empty(), 0, size.into());
                let _ = client.connection.say(&message::segment_mapped(2));
            }
            _ => drop(client.connection.say(&message::segment_dropped(1, line.astack))),
        }
        let outcome = client.answer(line.astack, sequence, SOON, None);
        count(outcome, &mut seen);
        expect(outcome != Outcome::Silence, || "neither an answer nor the end of the pair".to_owned())?;
    }
    Ok(seen)
}

fn shows(attack: &mut Attack) -> Result<Seen, String> {
    let client = attack.client();
    let mut seen = Seen::default();
    for id in 0..64 {
        let any = u16::try_from(attack.random.below(1 << 16)).expect("16 bits");
        let serial = attack.random.one_of(&[0, 1, 2, 127, 128, u16::MAX, any]);
        let _ = client.connection.say(&message::unmapped(serial));
        expect(client.shown(id, serial).is_none(), || format!("segment {serial}, which cannot be, is shown"))?;
        seen.refused += 1;
    }
    Ok(seen)
}

fn areas(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, grant, _) = attack.bound();
    let begin = std::time::Instant::now();
    let mut seen = Seen::default();
    let mut named = None;
    for target in attack.targets.clone() {
        if !target.is_quick {
            continue;
        }
        let class = grant.classes[target.class];
        for n in 0..class.count {
            let mut line = Line { astack: class.first + n, ..Line::to(&grant, target.procedure, target.class) };
            for shift in [16, 17, 20, 26] {
                let len = 1 << shift;
                line.words = attack.random.one_of(&[[len; 5], [len | len << 32; 5], [1, len, len, len, len]]);
                if let Outcome::Answer { tail, status: status::OK, .. } = answered(&mut client, &line, &mut seen)? {
                    let (_, frame, behind) = reply::placed(tail);
                    named = [frame, behind].into_iter().find(|&serial| serial != 0).or(named);
                }
            }
        }
    }
    if let Some((fd, size)) = named.and_then(|serial| client.shown(1, serial)) {
        let size = usize::try_from(size).expect("a size");
        expect(Raw::map(&fd, size, true).is_err(), || "the server's segment can be mapped for writing".to_owned())?;
        expect(rustix::fs::ftruncate(&fd, 0).is_err(), || "the server's segment can be shortened".to_owned())?;
        expect(Raw::map(&fd, size, false).is_ok(), || "the server's segment cannot be mapped".to_owned())?;
        // Not asked for: it stays. A client that was busy for so long that it was asked cannot see that.
        let serial = named.unwrap_or_default();
        client.connection.say(&message::unmapped(serial)).map_err(|error| error.to_string())?;
        let is_there = client.shown(2, serial).is_some();
        let is_old = begin.elapsed() >= KEPT;
        expect(is_there || is_old, || "a segment is gone that nobody asked back".to_owned())?;
    }
    Ok(seen)
}

fn grows(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, grant, honest) = attack.bound();
    let mut seen = Seen::default();
    let any = u16::try_from(attack.random.below(1 << 16)).expect("16 bits");
    let firsts: Vec<u16> = grant.classes.iter().map(|class| class.first).collect();
    let mut added = Vec::new();
    for turn in 0..2 * ASTACK_COUNT {
        let wrong = [u16::MAX, 127, any];
        let first = if turn % 8 == 7 { attack.random.one_of(&wrong) } else { attack.random.one_of(&firsts) };
        match client.ask(&message::grow(small(turn), first)) {
            Ok((Message::Grown(id, of, astack), _)) if (usize::try_from(id), of) == (Ok(turn), first) => {
                expect(firsts.contains(&first), || format!("an A-stack for class {first}, which there is not"))?;
                added.push((first, astack));
                seen.took += 1;
            }
            Ok((Message::NoMemory(_), _)) => seen.refused += 1,
            other => return Err(format!("asked for A-stacks: {other:?}")),
        }
    }
    let mut astacks: Vec<u16> = added.iter().map(|&(_, astack)| astack).collect();
    astacks.sort_unstable();
    astacks.dedup();
    expect(astacks.len() == added.len() && added.len() < ASTACK_COUNT, || format!("A-stacks {added:?}"))?;
    expect(astacks.iter().all(|&astack| usize::from(astack) < ASTACK_COUNT), || format!("A-stacks {added:?}"))?;
    let own = attack.targets.iter().find(|target| target.procedure == honest.procedure).expect("a target");
    let own = grant.classes[own.class].first;
    if let Some(&(_, astack)) = added.iter().find(|(first, _)| *first == own) {
        let outcome = answered(&mut client, &Line { astack, ..honest }, &mut seen)?;
        expect(outcome != Outcome::Closed, || format!("a call on A-stack {astack}, which was added, ended the pair"))?;
    }
    if let Some(&(_, astack)) = added.iter().find(|(first, _)| *first != own) {
        let outcome = client.call(&Line { astack, ..honest });
        expect(outcome == Outcome::Closed, || format!("a call on another class's A-stack {astack}: {outcome:?}"))?;
        seen.ended += 1;
    }
    Ok(seen)
}
