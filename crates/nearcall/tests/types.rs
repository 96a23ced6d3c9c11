//! Every form of parameter and every kind of type, between two processes, and what becomes of bytes that are no value.
#![allow(clippy::ptr_arg, clippy::too_many_arguments, reason = "forms of parameters")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use nearcall::rt::{Class, Malformed, Reader, Shape, Tail, Writer};
use nearcall::{CallError, Ran, SharedBytes, Wire};
use support::Server;

/// 12 bytes, aligned to 4.
#[nearcall::plain]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Particle {
    mass: f32,
    at: [i16; 2],
    id: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Wire)]
#[repr(u8)]
enum Figure {
    #[default]
    Empty,
    Circle {
        radius: f32,
    } = 9,
    Line(u32, u32),
}

#[derive(Debug, Clone, PartialEq, Wire)]
enum Tree {
    Leaf(String),
    Node { figure: Option<Figure>, children: Vec<Self> },
}

impl Tree {
    fn mirrored(self) -> Self {
        match self {
            Self::Leaf(text) => Self::Leaf(text.chars().rev().collect()),
            Self::Node { figure, children } => {
                Self::Node { figure, children: children.into_iter().rev().map(Self::mirrored).collect() }
            }
        }
    }

    fn deep(levels: u32) -> Self {
        (0..levels).fold(Self::Leaf(String::new()), |tree, _| Self::Node { figure: None, children: vec![tree] })
    }
}

#[derive(Debug, Clone, PartialEq, Wire)]
struct List {
    head: u32,
    rest: Option<Box<Self>>,
}

/// Some of it varies.
#[derive(Debug, Clone, PartialEq, Wire)]
struct Entry {
    id: u32,
    name: String,
    numbers: Vec<u16>,
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
enum Value {
    Nothing,
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

#[nearcall::interface]
trait Kinds {
    fn sum(&self, tag: &str, numbers: &[u32], weights: &[f64]) -> f64;
    fn double(&self, bytes: &mut [u8], numbers: &mut [u64]);
    fn squares(&self, first: u32, #[out] bytes: &mut [u8], #[out(len = return)] squares: &mut [u64]) -> u32;
    fn particles(
        &self,
        give: &[Particle],
        change: &mut [Particle],
        #[out(len = return)] made: &mut [Particle],
    ) -> Result<u8, Figure>;
    fn wide(&self, odd: u8, wide: &[u128], arrays: &[[u16; 3]]) -> u128;
    fn figure(&self, figure: &mut Figure, by: Option<u32>, #[out] old: &mut Figure) -> (Figure, bool);
    fn tree(&self, tree: &Tree) -> Tree;
    fn list(&self, list: List, n: u8) -> Result<List, Vec<String>>;
    fn words(&self, words: Vec<String>, tail: &[u8], pairs: [(String, u8); 2]) -> Vec<(String, u8)>;
    fn entry(&self, entry: Entry, after: &str) -> Entry;
    fn deep(&self, levels: u32) -> Tree;
    #[serde(return, error)]
    fn by_serde(
        &self,
        before: &str,
        #[serde] map: HashMap<String, u32>,
        #[serde] pause: &Option<Duration>,
    ) -> Result<BTreeMap<String, Value>, String>;
    fn in_place(&self, before: &str, #[in_place] data: &[u8], after: &[u16]) -> Vec<u8>;
}

struct Kind;

impl Kinds for Kind {
    fn sum(&self, tag: &str, numbers: &[u32], weights: &[f64]) -> f64 {
        assert_eq!(tag, "odd");
        numbers.iter().zip(weights).map(|(number, weight)| f64::from(*number) * weight).sum()
    }
    fn double(&self, bytes: &mut [u8], numbers: &mut [u64]) {
        bytes.iter_mut().for_each(|byte| *byte *= 2);
        numbers.iter_mut().for_each(|number| *number *= 2);
    }
    fn squares(&self, first: u32, bytes: &mut [u8], squares: &mut [u64]) -> u32 {
        bytes.fill(7);
        for (square, number) in squares.iter_mut().zip(u64::from(first)..).take(3) {
            *square = number * number;
        }
        if first == 1000 { 1000 } else { 3.min(squares.len() as u32) }
    }
    fn particles(&self, give: &[Particle], change: &mut [Particle], made: &mut [Particle]) -> Result<u8, Figure> {
        change.iter_mut().zip(give).for_each(|(particle, by)| particle.id += by.id);
        let Some(made) = made.get_mut(..give.len()) else { return Err(Figure::Line(give.len() as u32, 0)) };
        made.copy_from_slice(give);
        Ok(give.len() as u8)
    }
    fn wide(&self, odd: u8, wide: &[u128], arrays: &[[u16; 3]]) -> u128 {
        u128::from(odd) + wide.iter().sum::<u128>() + arrays.iter().flatten().copied().map(u128::from).sum::<u128>()
    }
    fn figure(&self, figure: &mut Figure, by: Option<u32>, old: &mut Figure) -> (Figure, bool) {
        *old = *figure;
        *figure = by.map_or(Figure::Circle { radius: 0.5 }, |by| Figure::Line(by, by + 1));
        (*old, by.is_some())
    }
    fn tree(&self, tree: &Tree) -> Tree {
        tree.clone().mirrored()
    }
    fn list(&self, list: List, n: u8) -> Result<List, Vec<String>> {
        if n == 0 {
            return Err(vec!["n".to_owned(), list.head.to_string()]);
        }
        Ok(List { head: u32::from(n), rest: Some(Box::new(list)) })
    }
    fn words(&self, words: Vec<String>, tail: &[u8], pairs: [(String, u8); 2]) -> Vec<(String, u8)> {
        words.into_iter().zip(tail.iter().copied()).chain(pairs).collect()
    }
    fn entry(&self, entry: Entry, after: &str) -> Entry {
        Entry { id: entry.id + 1, name: entry.name + after, numbers: entry.numbers.into_iter().rev().collect() }
    }
    fn deep(&self, levels: u32) -> Tree {
        Tree::deep(levels)
    }
    fn by_serde(
        &self,
        before: &str,
        map: HashMap<String, u32>,
        pause: &Option<Duration>,
    ) -> Result<BTreeMap<String, Value>, String> {
        let Some(pause) = pause else { return Err(format!("{before}: no pause")) };
        let number = |number: u32| Value::List(vec![Value::Nothing; number as usize]);
        let pause = Value::Text(format!("{pause:?}"));
        Ok(map.into_iter().map(|(key, value)| (key, number(value))).chain([("pause".to_owned(), pause)]).collect())
    }
    fn in_place(&self, before: &str, data: SharedBytes<'_>, after: &[u16]) -> Vec<u8> {
        let mut seen = vec![before.len() as u8, data.len() as u8, after.len() as u8];
        seen.extend(data.read(0));
        data.chunks(&mut [0; 64], |chunk| seen.push(chunk.len() as u8));
        seen.extend(data.to_vec().iter().rev().take(2));
        seen
    }
}

#[test]
fn slices_of_numbers_and_structs_cross() {
    let server = Server::start("slices");
    let kinds: KindsClient = server.bind_to("kinds");
    assert_eq!(kinds.sum("odd", &[1, 2, 3], &[0.5, 1.0, 2.0]), Ok(8.5));
    assert_eq!(kinds.sum("odd", &[], &[]), Ok(0.0));
    // Areas of wider items after an odd number of bytes.
    for odd in 0..9 {
        let mut bytes = vec![3; odd];
        let mut numbers = [1, 1 << 40];
        kinds.double(&mut bytes, &mut numbers).unwrap();
        assert_eq!((bytes, numbers), (vec![6; odd], [2, 1 << 41]));
    }
    let (mut bytes, mut squares) = ([0; 5], [1; 10]);
    assert_eq!(kinds.squares(9, &mut bytes, &mut squares), Ok(3));
    assert_eq!((bytes, &squares[..3], squares[3]), ([7; 5], &[81, 100, 121][..], 1), "items, not bytes");
    assert_eq!(kinds.squares(1000, &mut bytes, &mut squares), Err(CallError::PeerMisbehaved));
    assert_eq!(&squares[..3], [81, 100, 121]);
    let give = [Particle { mass: 0.5, at: [-1, 1], id: 3 }, Particle { mass: 2.0, at: [0, 9], id: 4 }];
    let (mut change, mut made) = (give, [Particle::default(); 3]);
    assert_eq!(kinds.particles(&give, &mut change, &mut made), Ok(2));
    assert_eq!((change.map(|particle| particle.id), &made[..2], made[2]), ([6, 8], &give[..], Particle::default()));
    assert_eq!(kinds.particles(&give, &mut change, &mut made[..1]), Err(CallError::App(Figure::Line(2, 0))));
    assert_eq!(change.map(|particle| particle.id), [6, 8]);
    assert_eq!(kinds.wide(1, &[1 << 100, 2], &[[1, 2, 3], [4, 5, 6]]), Ok((1 << 100) + 24));
    // The last byte of the frame: alignment in the server's memory takes nothing from it.
    assert_eq!(kinds.sum("odd", &[1; 372], &[1.0]), Ok(1.0));
    assert_eq!(kinds.sum("odd", &[1; 10_000], &[1.0]), Ok(1.0));
}

#[test]
fn sums_and_tuples_ride_in_lines() {
    let server = Server::start("sums");
    let kinds: KindsClient = server.bind_to("kinds");
    let (mut figure, mut old) = (Figure::Line(1, 2), Figure::Empty);
    assert_eq!(kinds.figure(&mut figure, None, &mut old), Ok((Figure::Line(1, 2), false)));
    assert_eq!((figure, old), (Figure::Circle { radius: 0.5 }, Figure::Line(1, 2)));
    assert_eq!(kinds.figure(&mut figure, Some(7), &mut old), Ok((Figure::Circle { radius: 0.5 }, true)));
    assert_eq!((figure, old), (Figure::Line(7, 8), Figure::Circle { radius: 0.5 }));
    let figure = KindsClient::describe().procedures().find(|procedure| procedure.name() == "figure").unwrap();
    assert_eq!(figure.layout(), nearcall::Layout::Line);
}

#[test]
fn what_has_no_fixed_shape_crosses_too() {
    let server = Server::start("conventional");
    let kinds: KindsClient = server.bind_to("kinds");
    let leaf = |text: &str| Tree::Leaf(text.to_owned());
    let tree = Tree::Node {
        figure: Some(Figure::Circle { radius: 1.0 }),
        children: vec![leaf("ab"), Tree::Node { figure: None, children: vec![leaf("naïve"), leaf("")] }],
    };
    assert_eq!(kinds.tree(&tree), Ok(tree.clone().mirrored()));
    let list = List { head: 1, rest: Some(Box::new(List { head: 2, rest: None })) };
    assert_eq!(kinds.list(list.clone(), 5), Ok(List { head: 5, rest: Some(Box::new(list.clone())) }));
    assert_eq!(kinds.list(list, 0), Err(CallError::App(vec!["n".to_owned(), "1".to_owned()])));
    let pair = |text: &str, number| (text.to_owned(), number);
    assert_eq!(
        kinds.words(vec!["a".to_owned(), "bc".to_owned()], &[1, 2], [pair("x", 3), pair("y", 4)]),
        Ok(vec![pair("a", 1), pair("bc", 2), pair("x", 3), pair("y", 4)])
    );
    let entry = Entry { id: 1, name: "na".to_owned(), numbers: vec![1, 2, 3] };
    assert_eq!(kinds.entry(entry, "me"), Ok(Entry { id: 2, name: "name".to_owned(), numbers: vec![3, 2, 1] }));
    let long = leaf(&"x".repeat(20_000));
    assert_eq!(kinds.tree(&long), Ok(long.clone().mirrored()));
    let error = kinds.tree(&leaf(&"x".repeat(1 << 20))).unwrap_err();
    assert!(matches!(error, CallError::TooLarge { size: 1_048_584, limit: 1_048_576 }), "{error:?}");
    let long = (0..200).fold(List { head: 0, rest: None }, |list, head| List { head, rest: Some(Box::new(list)) });
    assert_eq!(kinds.list(long, 1), Err(CallError::Unsendable));
    assert_eq!(kinds.deep(60), Ok(Tree::deep(60)));
    let error = kinds.deep(100).unwrap_err();
    assert_eq!((error, error.ran()), (CallError::Unreturnable, Some(Ran::Yes)));
}

#[test]
fn what_only_serde_knows_crosses() {
    let server = Server::start("serde");
    let kinds: KindsClient = server.bind_to("kinds");
    let map = HashMap::from([("a".to_owned(), 2), ("b".to_owned(), 0)]);
    let expected = BTreeMap::from([
        ("a".to_owned(), Value::List(vec![Value::Nothing; 2])),
        ("b".to_owned(), Value::List(vec![])),
        ("pause".to_owned(), Value::Text("3ms".to_owned())),
    ]);
    assert_eq!(kinds.by_serde("x", map.clone(), &Some(Duration::from_millis(3))), Ok(expected));
    assert_eq!(kinds.by_serde("x", map, &None), Err(CallError::App("x: no pause".to_owned())));
    let large = HashMap::from([("x".repeat(2000), 1)]);
    assert_eq!(kinds.by_serde("", large, &None), Err(CallError::App(": no pause".to_owned())));
    let many = |count| kinds.by_serde("", HashMap::from([("x".to_owned(), count)]), &Some(Duration::ZERO));
    assert_eq!(many(5000).map(|map| map["x"] == Value::List(vec![Value::Nothing; 5000])), Ok(true));
    assert_eq!(many(2_000_000), Err(CallError::ResultTooLarge));
}

#[test]
fn bytes_can_be_read_where_they_are() {
    let server = Server::start("in_place");
    let kinds: KindsClient = server.bind_to("kinds");
    let data: Vec<u8> = (10..140).collect();
    assert_eq!(kinds.in_place("ab", &data, &[1, 2, 3]), Ok(vec![2, 130, 3, 10, 64, 64, 2, 139, 138]));
    assert_eq!(kinds.in_place("", &[], &[]), Ok(vec![0, 0, 0]));
    assert_eq!(KindsLocal(Kind).in_place("ab", &data, &[1]), Ok(vec![2, 130, 1, 10, 64, 64, 2, 139, 138]));
}

macro_rules! many {
    ($($name:ident)*) => {
        /// As many parameters as there can be: 60 numbers and 4 slices.
        #[nearcall::interface]
        trait Many {
            fn many(&self, $($name: u16,)* h4: &[u8], h5: &[u16], h6: &[u32], h7: &[u128]) -> Vec<u64>;
        }

        struct Numbers;

        impl Many for Numbers {
            fn many(&self, $($name: u16,)* h4: &[u8], h5: &[u16], h6: &[u32], h7: &[u128]) -> Vec<u64> {
                let all = [$(u64::from($name)),*];
                let last = [h4.len() as u64, u64::from(h5[0]), u64::from(h6[0]), h7[0] as u64];
                all.into_iter().chain(last).collect()
            }
        }

        fn many(client: &ManyClient) -> Result<Vec<u64>, CallError> {
            let mut next = 0;
            $(
                next += 1;
                let $name = next;
            )*
            client.many($($name,)* &[0; 61], &[62], &[63], &[64])
        }
    };
}

many! {
    a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7 c0 c1 c2 c3
    c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7 e0 e1 e2 e3 e4 e5 e6 e7
    f0 f1 f2 f3 f4 f5 f6 f7 g0 g1 g2 g3 g4 g5 g6 g7 h0 h1 h2 h3
}

#[test]
fn sixty_four_parameters_cross() {
    let server = Server::start("many");
    assert_eq!(many(&server.bind_to("many")), Ok((1..=64).collect()));
}

/// Says it is a `T`, and sends whatever bytes it holds.
struct Liar<T>(Vec<u8>, std::marker::PhantomData<T>);

impl<T: Wire> Wire for Liar<T> {
    const FIXED: bool = false;
    const SIZE: usize = 4;
    const CLASS: Class = Class::Conventional;
    const SHAPE: &'static Shape = T::SHAPE;

    fn put(&self, _: &mut [u8], _: usize) {}

    fn get(_: &[u8], _: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Err(Malformed)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.take(self.0.len()).copy_from_slice(&self.0);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.take(from.left()).map(|bytes| Self::new(bytes))
    }
}

impl<T> Liar<T> {
    fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec(), std::marker::PhantomData)
    }
}

/// What the honest side of a lie believes. The answer to `tree` is what the bytes of the text are.
#[nearcall::interface]
trait Believer {
    fn tree(&self, tree: Tree, answer: &[u8]) -> Tree;
    #[serde(return)]
    fn value(&self, #[serde] value: Value, answer: &[u8]) -> Value;
}

/// The same, with nothing checked by the other side.
mod lies {
    use super::{Liar, Tree};

    pub(super) type Value = (u8, u8, u8, u8, u8);

    #[nearcall::interface]
    pub(super) trait Believer {
        fn tree(&self, tree: Liar<Tree>, answer: &[u8]) -> Liar<Tree>;
        #[serde(return)]
        fn value(&self, #[serde] value: Value, answer: &[u8]) -> Value;
    }
}

struct Believes;

impl Believer for Believes {
    fn tree(&self, tree: Tree, _: &[u8]) -> Tree {
        tree
    }
    fn value(&self, value: Value, _: &[u8]) -> Value {
        value
    }
}

struct Lies;

impl lies::Believer for Lies {
    fn tree(&self, _: Liar<Tree>, answer: &[u8]) -> Liar<Tree> {
        Liar::new(answer)
    }
    fn value(&self, _: lies::Value, answer: &[u8]) -> lies::Value {
        let mut bytes = answer.iter().copied();
        let mut next = || bytes.next().unwrap_or(0);
        (next(), next(), next(), next(), next())
    }
}

/// A leaf "x", and everything that is wrong with it or like it.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let leaf = [0, 0, 0, 0, 1, 0, 0, 0, b'x'];
    vec![
        ("nothing", vec![]),
        ("half a tag", leaf[..2].to_vec()),
        ("no text", leaf[..8].to_vec()),
        ("a byte too many", [&leaf[..], &[0]].concat()),
        ("no variant", vec![2, 0, 0, 0]),
        ("not UTF-8", vec![0, 0, 0, 0, 1, 0, 0, 0, 0xff]),
        ("a count beyond the end", vec![1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("no option", vec![1, 0, 0, 0, 2, 0, 0, 0, 0]),
        ("no figure", vec![1, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("too deep", [1, 0, 0, 0, 0, 1, 0, 0, 0].repeat(100)),
    ]
}

#[test]
fn bytes_that_are_no_value_are_bad_arguments() {
    let server = Server::start("liar");
    let liar: lies::BelieverClient = server.bind_to("believes");
    for (what, bytes) in malformed() {
        assert!(matches!(liar.tree(Liar::new(&bytes), &[]), Err(CallError::BadArgument)), "{what}");
    }
    assert!(liar.tree(Liar::new(&[0, 0, 0, 0, 1, 0, 0, 0, b'x']), &[]).is_ok());
    // No variant; text beyond the end; not UTF-8; a list of four times nothing, and its first item too deep for its bytes.
    for value in [(4, 0, 0, 0, 0), (1, 9, 0, 0, 0), (1, 3, 0xff, 0, 0), (2, 0xff, 0xff, 0xff, 0x0f), (2, 2, 2, 2, 2)] {
        assert_eq!(liar.value(value, &[]), Err(CallError::BadArgument), "{value:?}");
    }
    assert_eq!(liar.value((2, 3, 0, 0, 0), &[]), Ok((2, 3, 0, 0, 0)));
}

#[test]
fn a_server_that_answers_with_no_value_misbehaves() {
    let server = Server::start("lies");
    let believer: BelieverClient = server.bind_to("lies");
    let tree = || Tree::Leaf(String::new());
    for (what, bytes) in malformed() {
        assert_eq!(believer.tree(tree(), &bytes), Err(CallError::PeerMisbehaved), "{what}");
    }
    assert_eq!(believer.tree(tree(), &[0, 0, 0, 0, 1, 0, 0, 0, b'x']), Ok(Tree::Leaf("x".to_owned())));
}

#[test]
fn a_value_of_a_type_with_another_field_does_not_bind() {
    mod other {
        #[derive(nearcall::Wire)]
        #[expect(clippy::vec_box, reason = "another type than the server's")]
        pub(super) enum Tree {
            Leaf(#[allow(dead_code, reason = "only its shape matters")] String),
            Node {
                #[allow(dead_code, reason = "only its shape matters")]
                figure: Option<super::Figure>,
                #[allow(dead_code, reason = "only its shape matters")]
                children: Vec<Box<Self>>,
            },
        }
        #[nearcall::interface]
        pub(super) trait Believer {
            fn tree(&self, tree: Tree, answer: &[u8]) -> Tree;
        }
    }
    let server = Server::start("another");
    let error = nearcall::Binder::new("believes")
        .dir(server.dir())
        .wait(Duration::from_secs(10))
        .bind::<other::BelieverClient>()
        .unwrap_err();
    let nearcall::BindError::Incompatible { difference } = error else { panic!("{error}") };
    assert!(difference.contains("children: [Box<Tree>] }"), "{difference}");
    assert!(difference.contains("children: [Tree] }"), "{difference}");
    let _ = [other::Tree::Leaf(String::new()), other::Tree::Node { figure: None, children: vec![] }];
}

/// Not a test: the server, when this binary is started as one.
#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        let exporter = |name: &str| nearcall::Exporter::new(name).dir(dir);
        [
            exporter("kinds").export(KindsServer::new(Kind)).unwrap(),
            exporter("many").export(ManyServer::new(Numbers)).unwrap(),
            exporter("believes").export(BelieverServer::new(Believes)).unwrap(),
            exporter("lies").export(lies::BelieverServer::new(Lies)).unwrap(),
        ]
    });
}
