use proptest::prelude::*;
use zerocopy::big_endian::{U16, U32};

use super::{Blocks, HEADROOM, Message, copied};

#[test]
fn what_is_pushed_last_is_popped_first() {
    let mut message = Message::from_slice(b"payload");
    message.push_header(&U16::new(7));
    message.push_header(&U32::new(9));
    assert_eq!(message.size(), 13);
    assert_eq!(message.peek_header::<U32>().map(U32::get), Some(9));
    assert_eq!(message.pop_header::<U32>().map(U32::get), Some(9));
    assert_eq!(message.pop_header::<U16>().map(U16::get), Some(7));
    assert_eq!(message.to_vec(), b"payload");
    assert!(Message::from_slice(b"abc").pop_header::<U32>().is_none());
}

#[test]
fn headers_beyond_the_room_are_kept() {
    let mut message = Message::from_slice(b"end");
    for n in 0..100_u8 {
        message.push(&[n; 5]);
    }
    message.push(&[255; HEADROOM + 1]);
    message.discard(HEADROOM + 1);
    for n in (0..100_u8).rev() {
        assert_eq!(message.pop_header::<[u8; 5]>(), Some([n; 5]));
    }
    assert_eq!(message.to_vec(), b"end");
}

#[test]
fn a_clone_shares_the_payload() {
    let message = Message::from(vec![1; 1000]);
    let before = copied();
    let (mut a, mut b) = (message.clone(), message.clone());
    a.push(&[2; 8]);
    let tail = b.split(500);
    assert_eq!(a.slices().last().map(<[u8]>::as_ptr), message.slices().next().map(<[u8]>::as_ptr));
    assert_eq!(
        tail.slices().next().map(|bytes| bytes.as_ptr()),
        message.slices().next().map(|bytes| bytes[500..].as_ptr())
    );
    assert_eq!(copied().headers - before.headers, 8);
    assert_eq!(copied().borders, before.borders);
}

#[test]
fn a_block_is_used_again_once_nobody_refers_to_it() {
    let mut blocks = Blocks::new(1, 16);
    let mut receive = || blocks.receive::<()>(|bytes| Ok(Some(bytes.len()))).unwrap().unwrap();
    let at = |message: &Message| message.slices().next().unwrap().as_ptr();
    let first = receive();
    let (address, second) = (at(&first), receive());
    assert_ne!(at(&second), address);
    drop((first, second));
    assert_eq!(at(&receive()), address);
    assert_eq!(blocks.receive::<()>(|_| Ok(None)).unwrap().map(|message| message.size()), None);
    assert_eq!(blocks.receive(|_| Err("down")).unwrap_err(), "down");
}

#[derive(Debug, Clone)]
enum Operation {
    Push(Vec<u8>),
    Discard(usize),
    Truncate(usize),
    /// Cut, and put together again in the other order.
    Turn(usize),
    Join(Vec<u8>, Vec<u8>),
}

fn operation() -> impl Strategy<Value = Operation> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..150);
    prop_oneof![
        bytes().prop_map(Operation::Push),
        (0_usize..300).prop_map(Operation::Discard),
        (0_usize..600).prop_map(Operation::Truncate),
        (0_usize..600).prop_map(Operation::Turn),
        (bytes(), bytes()).prop_map(|(head, tail)| Operation::Join(head, tail)),
    ]
}

proptest! {
    /// Against a plain vector of bytes.
    #[test]
    fn a_message_is_a_sequence_of_bytes(operations in proptest::collection::vec(operation(), 0..20)) {
        let (mut message, mut model) = (Message::from_slice(b"some payload"), b"some payload".to_vec());
        for operation in operations {
            match operation {
                Operation::Push(bytes) => {
                    message.push(&bytes);
                    model.splice(0..0, bytes);
                }
                Operation::Discard(size) => {
                    message.discard(size);
                    model.drain(..size.min(model.len()));
                }
                Operation::Truncate(size) => {
                    message.truncate(size);
                    model.truncate(size);
                }
                Operation::Turn(at) => {
                    let mut tail = message.split(at);
                    tail.join(message);
                    message = tail;
                    let at = at.min(model.len());
                    model.rotate_left(at);
                }
                Operation::Join(head, tail) => {
                    let mut other = Message::from_slice(&tail);
                    other.push(&head);
                    message.join(other);
                    model.extend(head);
                    model.extend(tail);
                }
            }
            prop_assert_eq!(message.size(), model.len());
            prop_assert_eq!(message.to_vec(), model.clone());
            prop_assert!(message.slices().all(|slice| !slice.is_empty()));
        }
    }
}
