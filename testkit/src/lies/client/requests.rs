//! Lies in request lines and frames: rights, procedures, A-stacks and numbers that are not the client's; lengths and
//! nestings that no value has; bytes that change while they are read; more of it than anybody reads.

use std::time::Duration;

use nearcall_layout::pair::{DEPTH_MAX, RING_COUNT, request, status};

use super::{Attack, count};
use crate::client::{Client, Line, Outcome};
use crate::lies::{Lie, SOON, Seen, expect, hostile_value};
use crate::message::Grant;

pub(super) const ALL: &[Lie<Attack>] = &[
    Lie {
        row: "A6 A54",
        name: "rights",
        what: "calls with bindings, generations and nonces that are not its own, or were given back",
        right: "answers that the binding is revoked",
        tell: rights,
    },
    Lie {
        row: "A54",
        name: "procedures",
        what: "calls procedures that there are not",
        right: "answers so",
        tell: procedures,
    },
    Lie {
        row: "A39",
        name: "depths",
        what: "says that its calls are nested deeper than calls can be",
        right: "answers so, and serves those that are not",
        tell: depths,
    },
    Lie {
        row: "A6",
        name: "astacks",
        what: "calls on A-stacks of other classes, on ones that there are not, and on one that is in use",
        right: "ends the pair",
        tell: astacks,
    },
    Lie {
        row: "A47 A48",
        name: "sequences",
        what: "publishes lines under old, early and impossible sequence numbers, and old lines again",
        right: "runs none of them",
        tell: sequences,
    },
    Lie {
        row: "A7 A40",
        name: "lengths",
        what: "hostile lengths and values in every word of a request, over a frame of anything",
        right: "answers each: with a result, or that an argument is none",
        tell: lengths,
    },
    Lie {
        row: "A40",
        name: "nests",
        what: "frames of values within values, of items without bytes, and of counts beyond every end",
        right: "answers each, and is neither led deep nor to allocate",
        tell: nests,
    },
    Lie {
        row: "A7 A8",
        name: "changes",
        what: "changes the frame at full speed while the procedure's arguments are read",
        right: "answers with what one reading of each byte makes of it",
        tell: changes,
    },
    Lie {
        row: "A20",
        name: "flood",
        what: "publishes a request on every A-stack of every class, again and again, and reads no reply",
        right: "serves others",
        tell: flood,
    },
];

fn rights(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, grant, honest) = attack.bound();
    let (_other, theirs, _) = attack.bound();
    let any = &mut attack.random;
    let number = |any: &mut crate::random::Random| u32::try_from(any.word() & 0xffff_ffff).expect("32 bits");
    let wrong = [
        Line { binding: grant.binding.wrapping_add(1), ..honest },
        Line { binding: any.one_of(&[255, 256, 0x7fff, u16::MAX]), ..honest },
        Line { generation: grant.generation.wrapping_add(1), ..honest },
        Line { generation: any.one_of(&[0, u32::MAX]), ..honest },
        Line { nonce: grant.nonce ^ (1 << any.below(32)), ..honest },
        Line { generation: 0, nonce: 0, ..honest },
        Line { generation: number(any), nonce: number(any), ..honest },
        Line { binding: theirs.binding, generation: theirs.generation, nonce: theirs.nonce, ..honest },
    ];
    let mut seen = Seen::default();
    for line in wrong {
        if (line.binding, line.generation, line.nonce) == (honest.binding, honest.generation, honest.nonce) {
            continue;
        }
        let outcome = client.call(&line);
        expect(outcome.status() == Some(status::REVOKED), || format!("{line:?}: {outcome:?}"))?;
        seen.refused += 1;
    }
    client
        .connection
        .say(&crate::message::unbind(grant.binding, grant.generation))
        .map_err(|error| error.to_string())?;
    let start = std::time::Instant::now();
    while client.call(&honest).status() != Some(status::REVOKED) {
        expect(start.elapsed() < SOON, || "a binding that was given back is still good".to_owned())?;
    }
    seen.refused += 1;
    Ok(seen)
}

fn procedures(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, honest) = attack.bound();
    let mut seen = Seen::default();
    let any = u16::try_from(1024 + attack.random.below(60_000)).expect("16 bits");
    for procedure in [1024, any, 1 << 15, u16::MAX - 1, u16::MAX] {
        let outcome = client.call(&Line { procedure, ..honest });
        expect(outcome.status() == Some(status::NO_PROCEDURE), || format!("procedure {procedure}: {outcome:?}"))?;
        seen.refused += 1;
    }
    Ok(seen)
}

fn depths(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, honest) = attack.bound();
    let mut seen = Seen::default();
    for nested in 0..32 {
        let flags = request::nested(nested) | honest.flags;
        let outcome = client.call(&Line { flags, ..honest });
        if nested < DEPTH_MAX {
            expect(!matches!(outcome.status(), None | Some(status::TOO_DEEP)), || {
                format!("{nested} deep: {outcome:?}")
            })?;
        } else {
            expect(outcome.status() == Some(status::TOO_DEEP), || format!("{nested} deep: {outcome:?}"))?;
            seen.refused += 1;
        }
    }
    Ok(seen)
}

fn astacks(attack: &mut Attack) -> Result<Seen, String> {
    let (_, grant, honest) = attack.bound();
    let own = attack.targets.iter().find(|target| target.procedure == honest.procedure).expect("a target");
    let own = grant.classes[own.class];
    let others = grant.classes.iter().filter(|class| **class != own).map(|class| class.first);
    let any = u16::try_from(attack.random.below(1 << 16)).expect("16 bits");
    let wrong: Vec<u16> = others.chain([127, 128, any, u16::MAX]).collect();
    let mut seen = Seen::default();
    for astack in wrong {
        if (own.first..own.first + own.count).contains(&astack) {
            continue;
        }
        let mut client = attack.client();
        let grant = client.bind_to_nothing();
        let line = Line { binding: grant.binding, generation: grant.generation, nonce: grant.nonce, astack, ..honest };
        let outcome = client.call(&line);
        expect(outcome == Outcome::Closed, || format!("A-stack {astack}: {outcome:?}"))?;
        seen.ended += 1;
    }
    Ok(seen)
}

fn sequences(attack: &mut Attack) -> Result<Seen, String> {
    let (mut client, _, line) = attack.bound();
    let honest = client.call(&line);
    let Outcome::Answer { .. } = honest else { return Ok(Seen { ended: 1, ..Seen::default() }) };
    let ring = u32::try_from(RING_COUNT).expect("small");
    let mut seen = Seen::default();
    for _ in 0..64 {
        let back = 1 + u32::try_from(attack.random.below(2 * u64::from(ring))).expect("small");
        let any = u32::try_from(attack.random.word() & 0xffff_ffff).expect("32 bits");
        for wrong in [client.next.wrapping_sub(back), client.next.wrapping_add(back), any, 0] {
            // A line that is written ahead is called when its turn comes: that is publishing, and not what is meant here.
            if wrong != client.next && wrong.wrapping_sub(client.next) >= 4 * ring {
                client.publish_as(&line, wrong);
                client.ring();
                let outcome = client.answer(line.astack, wrong, Duration::from_micros(200), None);
                let is_old = wrong == client.next.wrapping_sub(1);
                expect(outcome == Outcome::Silence || is_old, || format!("sequence {wrong}: {outcome:?}"))?;
                seen.ignored += 1;
            }
        }
    }
    let after = client.call(&line);
    expect(matches!(after, Outcome::Answer { .. }), || format!("the right number, after wrong ones: {after:?}"))?;
    Ok(seen)
}

/// Every A-stack's frame that a procedure of this class may use.
fn frame_of(grant: &Grant, line: &Line) -> (usize, usize) {
    let class = grant.classes.iter().find(|class| (class.first..class.first + class.count).contains(&line.astack));
    class.map_or((0, 0), |class| (class.frame(line.astack), usize::try_from(class.frame_size).expect("a size")))
}

/// Calls, and wants an answer, or the end of the pair.
fn answered(client: &mut Client, line: &Line, seen: &mut Seen, what: &str) -> Result<(), String> {
    let outcome = client.call(line);
    count(outcome, seen);
    expect(outcome != Outcome::Silence, || format!("{what}: no answer to {line:?}"))
}

fn lengths(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, grant, mut line) = attack.bound();
    let (frame, frame_size) = frame_of(&grant, &line);
    for _ in 0..32 {
        for word in &mut line.words {
            // Two lengths of 32 bits, or one of 64.
            let (old, len) = (*word, attack.random.one_of(&[frame_size as u64, 8, 1536, 1 << 18]));
            let low = hostile_value(&mut attack.random, old, len);
            let high = hostile_value(&mut attack.random, old, len);
            *word = attack.random.one_of(&[low, low & 0xffff_ffff | high << 32]);
        }
        for _ in 0..attack.random.below(4) {
            let at = usize::try_from(attack.random.below((frame_size / 8).max(1) as u64)).expect("in a frame");
            if frame_size > 0 {
                client.own.store(frame + at * 8, hostile_value(&mut attack.random, 1, frame_size as u64));
            }
        }
        answered(&mut client, &line, &mut seen, "hostile lengths")?;
    }
    Ok(seen)
}

/// What a decoder reads as one more level, or one more item, for ever.
const BOMBS: [&[u8]; 8] = [
    &[1, 0, 0, 0],
    &[1, 0, 0, 0, 0],
    &[1, 0, 0, 0, 1, 0, 0, 0, 0],
    &[2, 0, 0, 0, 1, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[1],
    &[2],
];

fn nests(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, grant, mut line) = attack.bound();
    let (frame, frame_size) = frame_of(&grant, &line);
    for bomb in BOMBS {
        let bytes: Vec<u8> = bomb.iter().copied().cycle().take(frame_size).collect();
        client.own.write(frame, &bytes);
        let size = attack.random.one_of(&[frame_size, frame_size / 2, frame_size.saturating_sub(40), 64, 9]) as u64;
        // A size, or a count, wherever one may be.
        line.words = [size | size << 32; 5];
        answered(&mut client, &line, &mut seen, "a nest of values")?;
        let word = u64::from_le_bytes(std::array::from_fn(|i| bomb[i % bomb.len()]));
        line.words = [word; 5];
        answered(&mut client, &line, &mut seen, "a nest of values")?;
    }
    Ok(seen)
}

fn changes(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, grant, mut line) = attack.bound();
    let (frame, frame_size) = frame_of(&grant, &line);
    let len = attack.random.below(frame_size.max(1) as u64);
    line.words = [len | len << 32; 5];
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (own, seed) = (std::sync::Arc::clone(&client.own), attack.random.word());
    std::thread::scope(|scope| {
        let _stop = crate::busy::StopOnDrop(&stop);
        scope.spawn(|| {
            let mut random = crate::random::Random::new(seed);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for _ in 0..(frame_size / 8).min(256) {
                    let at = usize::try_from(random.below((frame_size / 8) as u64)).expect("in a frame");
                    let word = random.one_of(&[0, u64::MAX, 0x6161_6161_6161_6161, 0x8080_8080_8080_8080, 1]);
                    own.store(frame + at * 8, word);
                }
                std::thread::yield_now();
            }
        });
        for _ in 0..100 {
            answered(&mut client, &line, &mut seen, "bytes that change")?;
        }
        Ok(seen)
    })
}

fn flood(attack: &mut Attack) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let (mut client, grant, _) = attack.bound();
    for _ in 0..8 {
        for target in &attack.targets.clone() {
            if !target.is_quick {
                continue;
            }
            let class = grant.classes[target.class];
            for n in 0..class.count {
                let line = Line { astack: class.first + n, ..Line::to(&grant, target.procedure, target.class) };
                let _ = client.publish(&line);
                client.ring();
                seen.took += 1;
            }
        }
        attack.is_served()?;
    }
    Ok(seen)
}
