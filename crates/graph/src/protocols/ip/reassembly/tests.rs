use core::time::Duration;

use proptest::prelude::*;

use super::{Bounds, Key, Outcome, Place, Reassembly};
use crate::event::Time;
use crate::message::Message;

const KEY: Key = Key {
    source: core::net::Ipv4Addr::new(10, 0, 0, 1),
    destination: core::net::Ipv4Addr::new(10, 0, 0, 2),
    number: 17,
    identification: 7,
};

fn reassembly() -> Reassembly {
    Reassembly::new(Bounds { memory: 100_000, count: 64, time: Duration::from_secs(30) })
}

fn add(reassembly: &mut Reassembly, offset: usize, bytes: &[u8], more: bool) -> Outcome {
    reassembly.add(KEY, Place { offset, more }, Message::from_slice(bytes), Time(0))
}

#[test]
fn in_any_order_and_twice() {
    let mut it = reassembly();
    assert!(matches!(add(&mut it, 16, b"end", false), Outcome::Kept));
    assert!(matches!(add(&mut it, 0, b"abcdefgh", true), Outcome::Kept));
    assert!(matches!(add(&mut it, 0, b"ABCDEFGH", true), Outcome::Duplicate), "what came first stays");
    let Outcome::Complete(whole) = add(&mut it, 8, b"ijklmnop", true) else { panic!("it is complete") };
    assert_eq!(whole.to_vec(), b"abcdefghijklmnopend");
    assert!(whole.attributes().reassembled);
    assert_eq!((it.memory(), it.count(), it.next_deadline()), (0, 0, None));
}

#[test]
fn overlaps_give_what_is_missing() {
    let mut it = reassembly();
    add(&mut it, 8, b"........", true);
    add(&mut it, 24, b",,,,,,,,", true);
    let Outcome::Complete(whole) = add(&mut it, 0, &[b'-'; 37], false) else { panic!("it is complete") };
    assert_eq!(whole.to_vec(), b"--------........--------,,,,,,,,-----");
}

#[test]
fn contradictions_end_a_datagram() {
    for (offset, size, more) in [(16, 8, true), (8, 8, false), (16, 1, false), (0, 7, true), (65_512, 8, true)] {
        let mut it = reassembly();
        add(&mut it, 8, b"12345", false);
        assert!(matches!(add(&mut it, offset, &vec![0; size], more), Outcome::Malformed), "{offset} {size} {more}");
        assert_eq!((it.count(), it.memory()), (0, 0));
    }
}

#[test]
fn what_takes_too_long_is_dropped() {
    let mut it = reassembly();
    add(&mut it, 0, b"abcdefgh", true);
    let deadline = it.next_deadline().unwrap();
    assert_eq!(deadline, Time(0).after(Duration::from_secs(30)));
    it.expire(Time(deadline.0 - 1));
    assert_eq!(it.count(), 1);
    it.expire(deadline);
    assert_eq!((it.count(), it.memory(), it.timed_out, it.next_deadline()), (0, 0, 1, None));
}

#[test]
fn a_flood_of_first_fragments_costs_the_bound_and_hinders_nobody() {
    let mut it = reassembly();
    let mut completed = 0;
    for n in 0..100_000_u32 {
        let key = Key { source: core::net::Ipv4Addr::from_bits(n), ..KEY };
        // Eight bytes of a frame's block: it is the block that is held.
        let mut fragment = Message::from(vec![0; 1500]);
        fragment.truncate(8);
        it.add(key, Place { offset: 0, more: true }, fragment, Time(u64::from(n)));
        assert!(it.memory() <= 100_000 && it.count() <= 64 && it.begun.len() <= 1024);
        if n % 1000 == 500 {
            add(&mut it, 0, b"abcdefgh", true);
            completed += u32::from(matches!(add(&mut it, 8, b"ijk", false), Outcome::Complete(_)));
        }
    }
    assert_eq!(completed, 100);
    assert!(it.crowded_out > 90_000);
}

#[test]
fn one_that_is_too_large_for_the_bound_goes_alone() {
    let mut it = Reassembly::new(Bounds { memory: 4000, count: 8, time: Duration::from_secs(1) });
    for n in 0..8 {
        add(&mut it, n * 1000, &[0; 1000], true);
    }
    assert!(it.memory() <= 4000 && it.crowded_out > 0);
}

proptest! {
    /// Against an array of bytes, each of which keeps what was written first.
    #[test]
    fn as_if_written_into_an_array(fragments in proptest::collection::vec((0_usize..20, 1_usize..10, any::<bool>(), any::<u8>()), 1..40)) {
        let mut it = reassembly();
        let (mut model, mut size) = (vec![None; 400], None);
        for (place, units, last, byte) in fragments {
            let offset = place * 8;
            let bytes = vec![byte; if last { units * 8 - 3 } else { units * 8 }];
            let end = offset + bytes.len();
            let reaches = model.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
            let contradicts = match size {
                Some(size) => end > size || last && end != size,
                None => last && reaches > end,
            };
            let outcome = add(&mut it, offset, &bytes, !last);
            if contradicts {
                prop_assert!(matches!(outcome, Outcome::Malformed));
                return Ok(());
            }
            if last {
                size = Some(end);
            }
            let mut new = false;
            for to in &mut model[offset..end] {
                new |= to.is_none();
                to.get_or_insert(byte);
            }
            let whole: Option<Vec<u8>> = size.and_then(|size| model[..size].iter().copied().collect());
            match outcome {
                Outcome::Complete(message) => {
                    prop_assert_eq!(Some(message.to_vec()), whole);
                    prop_assert_eq!(it.memory(), 0);
                    return Ok(());
                }
                Outcome::Kept => prop_assert!(new && whole.is_none()),
                Outcome::Duplicate => prop_assert!(!new && whole.is_none()),
                Outcome::Malformed => prop_assert!(false, "nothing contradicts"),
            }
        }
    }
}
