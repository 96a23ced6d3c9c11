use nearcall_graph::protocols::fault::Draw;

use super::*;

fn asked() -> Asked {
    Asked {
        name: "write".to_owned(),
        signature: "write(x: u32) -> u32".to_owned(),
        fingerprint: 77,
        request_size: 8,
        reply_size: 16,
        frame_size: 1500,
        concurrency: 5,
        exhausted: Exhausted::Grow(9),
        timeout: Some(Duration::MAX),
    }
}

#[test]
fn what_was_said_is_heard() {
    let call = Request {
        procedure: 3,
        has_places: true,
        is_oneway: false,
        reply_size: 8,
        areas: 4096,
        head: vec![1; 24],
        tail: vec![2; 100],
    };
    assert_eq!(Request::from_bytes(&call.to_bytes(9, call.procedure)), Ok((9, call.clone())));
    let reply = Reply { status: 1, word: 2, head: vec![3; 8], areas: vec![4; 10], tail: vec![5; 6] };
    assert_eq!(Reply::from_bytes(&reply.to_bytes()), Ok(reply));
    let bind = Bind { name: "files".to_owned(), interface: "Files".to_owned(), procedures: vec![asked(), asked()] };
    assert_eq!(Bind::from_bytes(&bind.to_bytes()), Ok(bind));
    for bound in [Bound::Yes(7), Bound::NotFound, Bound::Incompatible("x".to_owned()), Bound::Failed(String::new())] {
        assert_eq!(Bound::from_bytes(&bound.to_bytes()), Ok(bound));
    }
}

/// Every decoder, on every beginning of a message and on each byte changed: no panic, and what is cut off is missed.
#[test]
fn what_was_not_said_is_not_heard() {
    let call = Request {
        procedure: 3,
        has_places: false,
        is_oneway: false,
        reply_size: 8,
        areas: 0,
        head: vec![1; 8],
        tail: Vec::new(),
    };
    let bind = Bind { name: "files".to_owned(), interface: "Files".to_owned(), procedures: vec![asked()] };
    let all = [
        call.to_bytes(1, call.procedure),
        Reply { head: vec![1; 8], areas: vec![2; 8], ..Reply::default() }.to_bytes(),
        bind.to_bytes(),
        Bound::Yes(1).to_bytes(),
    ];
    let decode = |bytes: &[u8]| {
        let heard = (Request::from_bytes(bytes).is_ok(), Reply::from_bytes(bytes).is_ok());
        (heard, Bind::from_bytes(bytes).is_ok(), Bound::from_bytes(bytes).is_ok())
    };
    for (at, bytes) in all.iter().enumerate() {
        for end in 0..bytes.len() {
            let ((call, reply), bind, bound) = decode(&bytes[..end]);
            let own = [call, reply, bind, bound][at];
            assert!(!own, "message {at} cut to {end}");
        }
        for byte in 0..bytes.len() {
            let mut changed = bytes.clone();
            for value in [0, 1, 0x7f, 0xff] {
                changed[byte] = value;
                decode(&changed);
            }
        }
    }
}

/// Something near a message: bytes changed, cut out, put in, or numbers in it as large as can be.
fn spoilt(draw: &mut Draw, from: &[u8]) -> Vec<u8> {
    let mut bytes = from.to_vec();
    let at = |draw: &mut Draw, bytes: &[u8]| usize::try_from(draw.below(bytes.len() as u64 + 1)).unwrap();
    for _ in 0..draw.below(4) {
        let (from, to) = (at(draw, &bytes), at(draw, &bytes));
        match draw.below(5) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from.min(to)..from.max(to))),
            2 => drop(bytes.splice(from..from, draw.number().to_le_bytes())),
            3 => bytes.iter_mut().skip(from).take(4).for_each(|byte| *byte = 0xff),
            _ => bytes.iter_mut().skip(from).take(1).for_each(|byte| *byte = draw.number().to_le_bytes()[0]),
        }
    }
    bytes
}

/// NEARCALL_TEST_ROUNDS messages that are almost right, at every decoder: none panics, nothing is allocated that has not arrived,
/// and what is understood says the same when it is said again.
#[test]
fn messages_that_are_almost_right_harm_nobody() {
    let rounds = std::env::var("NEARCALL_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100_000);
    let call = Request {
        procedure: 3,
        has_places: true,
        is_oneway: false,
        reply_size: 8,
        areas: 64,
        head: vec![1; 24],
        tail: vec![2; 30],
    };
    let reply = Reply { status: 0, word: 2, head: vec![3; 8], areas: vec![4; 10], tail: vec![5; 6] };
    let bind = Bind { name: "files".to_owned(), interface: "Files".to_owned(), procedures: vec![asked(), asked()] };
    let names = [("files".to_owned(), "Files".to_owned()), ("größe".to_owned(), String::new())];
    let all = [
        call.to_bytes(9, call.procedure),
        reply.to_bytes(),
        bind.to_bytes(),
        Bound::Yes(7).to_bytes(),
        Bound::Denied("not you".to_owned()).to_bytes(),
        names_to_bytes(&names, 1000),
    ];
    let (mut draw, mut heard) = (Draw::new(1), [0_u64; 5]);
    for n in 0..rounds {
        let bytes = spoilt(&mut draw, &all[usize::try_from(n % 6).unwrap()]);
        if let Ok((binding, request)) = Request::from_bytes(&bytes) {
            heard[0] += 1;
            assert!(request.head.len() + request.tail.len() <= bytes.len());
            assert_eq!(Request::from_bytes(&request.to_bytes(binding, request.procedure)), Ok((binding, request)));
        }
        if let Ok(reply) = Reply::from_bytes(&bytes) {
            heard[1] += 1;
            assert!(reply.head.len() + reply.areas.len() + reply.tail.len() <= bytes.len());
            assert_eq!(reply.to_bytes(), bytes);
        }
        if let Ok(bind) = Bind::from_bytes(&bytes) {
            heard[2] += 1;
            assert!(bind.procedures.len() <= bytes.len() / 30);
            assert_eq!(Bind::from_bytes(&bind.to_bytes()), Ok(bind));
        }
        if let Ok(bound) = Bound::from_bytes(&bytes) {
            heard[3] += 1;
            assert_eq!(Bound::from_bytes(&bound.to_bytes()), Ok(bound));
        }
        if let Ok(names) = names_from_bytes(&bytes) {
            heard[4] += 1;
            assert_eq!(names_to_bytes(&names, bytes.len()), bytes);
        }
    }
    println!("{rounds} messages, understood: {heard:?}");
    assert!(heard.iter().all(|count| *count > 0 && *count < rounds), "{heard:?}");
}
