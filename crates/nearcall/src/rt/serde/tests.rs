use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::Duration;

use super::*;

/// Bytes that a value may have.
const MAX: usize = 1 << 20;

fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0xa5; 4096];
    let size = encode(value, &mut bytes).unwrap();
    bytes.truncate(size);
    assert_eq!(decode::<T>(&bytes, MAX).as_ref(), Ok(value));
    if size > 0 {
        assert_eq!(encode(value, &mut vec![0; size - 1]), Err(Unfit::Size { size }));
        assert!(decode::<T>(&bytes[..size - 1], MAX).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(decode::<T>(&longer, MAX), Err(Malformed), "a byte too many");
    bytes
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Tree {
    Leaf,
    Number(i64),
    Pair(Box<Self>, Box<Self>),
    Named { name: String, tree: Option<Box<Self>> },
}

#[test]
fn every_kind_of_value_comes_back() {
    round(&HashMap::from([("a".to_owned(), vec![1_u32, 2]), ("b".to_owned(), vec![])]));
    round(&BTreeMap::from([(1_u8, 'x'), (2, 'y')]));
    round(&(1_u8, -2_i128, 1.5_f32, "text".to_owned(), Some(()), None::<u8>));
    round(&Ok::<IpAddr, Duration>([127, 0, 0, 1].into()));
    round(&Err::<IpAddr, Duration>(Duration::from_millis(3)));
    let leaf = || Box::new(Tree::Leaf);
    round(&Tree::Pair(
        Box::new(Tree::Named { name: "n".to_owned(), tree: Some(leaf()) }),
        Box::new(Tree::Pair(Box::new(Tree::Number(-1)), leaf())),
    ));
    assert_eq!(round(&vec![(); 1000]).len(), 2);
}

#[test]
fn a_peer_decides_neither_depth_nor_time_nor_memory() {
    // As deep as the bytes allow: `Named` is 3, its name is empty, its tree is there.
    let bomb = [3, 0, 1].repeat(1 << 20);
    assert_eq!(decode::<Tree>(&bomb, MAX), Err(Malformed));
    let many = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(decode::<Vec<()>>(&many, MAX), Err(Malformed));
    assert_eq!(decode::<HashMap<(), ()>>(&many, MAX), Err(Malformed));
    assert_eq!(decode::<Vec<[u64; 32]>>(&many, MAX), Err(Malformed));
    assert_eq!(decode::<String>(&many, MAX), Err(Malformed));
    // Two bytes and then one an item, each with room for 32 strings.
    type Wide = Option<[String; 32]>;
    let absent = [&[0x80, 1][..], &[0; 128]].concat();
    assert!(decode::<Vec<Wide>>(&absent, MAX).is_ok());
    assert_eq!(decode::<Vec<Wide>>(&absent, 64), Err(Malformed));
    let map = [&[0x80, 1][..], &(0..128).flat_map(|key| [key, 0]).collect::<Vec<u8>>()].concat();
    assert!(decode::<HashMap<u8, Wide>>(&map, MAX).is_ok());
    assert_eq!(decode::<HashMap<u8, Wide>>(&map, 64), Err(Malformed));
}

#[test]
fn what_has_no_form_is_said_to_have_none() {
    struct Unwritable;
    impl Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(std::iter::from_fn(|| None::<u8>))
        }
    }
    assert_eq!(encode(&Unwritable, &mut [0; 64]), Err(Unfit::Never));
}
