//! Generated code, as far as it can be judged without a second process: tables, wire forms, and the stand-in.
//!
//! The modules come from the goldens of the interface compiler, once as written (so the macros and lints see what an
//! author's would) and once as expected (so what was reviewed is what compiles).

#[allow(unreachable_pub, reason = "a module as a library would have it")]
#[path = "../../idl/tests/goldens/files.rs"]
mod files;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is most of the test")]
#[path = "../../idl/tests/goldens/files.expected.rs"]
mod files_expected;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it")]
#[path = "../../idl/tests/goldens/forms.rs"]
mod forms;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is most of the test")]
#[path = "../../idl/tests/goldens/forms.expected.rs"]
mod forms_expected;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is the test")]
#[path = "../../idl/tests/goldens/passing.rs"]
mod passing;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is the test")]
#[allow(clippy::use_self, reason = "an interface that returns clients of itself; in a macro's output nobody is told")]
#[path = "../../idl/tests/goldens/passing.expected.rs"]
mod passing_expected;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use files::{FileError, Files, FilesCall, FilesClient, FilesLocal, FilesServer, Handle};
use forms::{Block, Colour, Entry, Figure, Forest, FormsClient, Nothing, Point, Tree, Turn};
use nearcall::rt::{Class, Direction, Procedure, Tail};
use nearcall::{CallError, Client, Layout, Wire};
use nearcall_layout::conventional::{decode, encode};

/// One file, `text`, with 11 bytes.
#[derive(Default)]
struct Memory(AtomicU32);

impl Memory {
    const TEXT: &[u8; 11] = b"hello world";
}

impl Files for Memory {
    fn open(&self, path: &str, flags: u32) -> Result<Handle, FileError> {
        if path == "text" { Ok(Handle { index: flags, generation: 1 }) } else { Err(FileError::NotFound) }
    }

    fn read(&self, handle: Handle, pos: &mut u64, buf: &mut [u8]) -> Result<u32, FileError> {
        if handle.generation != 1 {
            return Err(FileError::Stale);
        }
        let from = usize::try_from(*pos).unwrap().min(Self::TEXT.len());
        let count = buf.len().min(Self::TEXT.len() - from);
        buf[..count].copy_from_slice(&Self::TEXT[from..][..count]);
        *pos += count as u64;
        Ok(u32::try_from(count).unwrap())
    }

    fn write(&self, _: Handle, _: &mut u64, data: &[u8]) -> Result<u32, FileError> {
        Ok(u32::try_from(data.len()).unwrap())
    }

    fn ping(&self) -> u32 {
        self.0.fetch_add(1, Relaxed) + 1
    }
}

fn first_word(files: &dyn FilesCall) -> Result<Vec<u8>, CallError<FileError>> {
    let handle = files.open("text", 0)?;
    let mut buffer = [0; 5];
    let mut pos = 0;
    let count = files.read(handle, &mut pos, &mut buffer)?;
    assert_eq!((pos, count), (5, 5));
    Ok(buffer.to_vec())
}

#[test]
fn the_stand_in_has_the_signatures_of_a_client() {
    let local = FilesLocal(Memory::default());
    assert_eq!(first_word(&local).unwrap(), b"hello");
    assert!(matches!(local.open("other", 0), Err(CallError::App(FileError::NotFound))));
    assert!(matches!(local.ping(), Ok(1)));
    assert_eq!(local.0.ping(), 2);
    assert_eq!(format!("{local:?}"), "FilesLocal(..)");
}

#[test]
fn a_shared_object_is_an_implementation_too() {
    let shared: Arc<dyn Files + Send + Sync> = Arc::new(Memory::default());
    let local = FilesLocal(Arc::clone(&shared));
    assert_eq!(first_word(&local).unwrap(), b"hello");
    assert!(matches!(local.ping(), Ok(1)));
    assert_eq!(shared.ping(), 2);
    fn is_service(_: &impl nearcall::rt::Service) {}
    let server = FilesServer::new(shared);
    is_service(&server);
    is_service(&FilesServer::new(Memory::default()));
    assert_eq!(format!("{server:?}"), "FilesServer(..)");
    fn is_client<C: Client + FilesCall + Debug + Send + Sync>() {}
    is_client::<FilesClient>();
}

/// What is written by a macro of the author's has types in invisible groups.
macro_rules! in_groups {
    ($name:ident, $value:ty, $reference:ty, $result:ty) => {
        #[nearcall::interface]
        pub(crate) trait $name {
            fn call(&self, a: $value, b: $reference, #[out] c: &mut $value) -> $result;
        }
    };
}

in_groups!(Grouped, u64, &str, Result<(), Colour>);

#[test]
fn an_interface_can_be_written_by_a_macro() {
    let call = procedure::<GroupedClient>("call");
    let shapes: Vec<_> = call.params.iter().map(|param| param.shape.to_string()).collect();
    assert_eq!(shapes, ["u64", "str", "u64", "()", "enum Colour: u32 { Red = 0, Green = 1 }"]);
    struct Fails;
    impl Grouped for Fails {
        fn call(&self, _: u64, _: &str, c: &mut u64) -> Result<(), Colour> {
            *c = 1;
            Err(Colour::Red)
        }
    }
    let mut c = 0;
    assert!(matches!(GroupedLocal(Fails).call(1, "", &mut c), Err(CallError::App(Colour::Red))));
    assert_eq!(c, 1);
}

fn procedure<C: Client>(name: &str) -> &'static Procedure {
    C::INTERFACE.procedures.iter().find(|procedure| procedure.name == name).unwrap()
}

#[test]
fn frames_are_as_big_as_the_parameters_need() {
    let frame = |name| procedure::<FormsClient>(name).frame_size;
    for line_only in ["nothing", "value", "line", "in_out", "out", "nothing_or", "old", "sums"] {
        assert_eq!(frame(line_only), 0, "{line_only}");
    }
    // 64 bytes in; 48 bytes of error; 65 bytes in, whole words.
    assert_eq!(frame("by_ref"), 64);
    assert_eq!(frame("small_or"), 48);
    assert_eq!(frame("block"), 72);
    for varying in ["varying", "bytes", "reverse", "fill", "all", "numbers", "conventional", "in_place", "by_serde"] {
        assert_eq!(frame(varying), 1500, "{varying}");
    }
    assert_eq!(procedure::<FilesClient>("write").frame_size, 4200);
    assert_eq!(procedure::<FilesClient>("ping").frame_size, 0);
}

#[test]
fn options_are_in_the_table() {
    let write = procedure::<FilesClient>("write");
    assert_eq!((write.concurrency, write.timeout, write.idempotent), (8, Some(Duration::from_secs(2)), true));
    let read = procedure::<FilesClient>("read");
    assert_eq!((read.concurrency, read.timeout, read.idempotent), (5, None, false));
    assert_eq!(procedure::<FormsClient>("all").timeout, Some(Duration::MAX));
    let nothing_or = procedure::<FormsClient>("nothing_or");
    assert_eq!((nothing_or.concurrency, nothing_or.timeout), (64, Some(Duration::from_micros(250))));
    assert!(nothing_or.handoff && !read.handoff);
}

#[test]
fn parameters_are_described_in_order_of_declaration() {
    let described: Vec<_> = procedure::<FormsClient>("all")
        .params
        .iter()
        .map(|param| (param.name, param.direction, param.shape.to_string()))
        .collect();
    let described: Vec<_> = described.iter().map(|(name, way, shape)| (*name, *way, shape.as_str())).collect();
    use Direction::{Error, In, InOut, Out, Return};
    assert_eq!(
        described,
        [
            ("a", In, "u8"),
            ("text", In, "str"),
            ("first", Out, "[u8]"),
            ("colour", In, "enum Colour: u32 { Red = 0, Green = 1 }"),
            ("count", InOut, "u32"),
            ("scratch", InOut, "[u8]"),
            ("second", Out, "[u8]"),
            ("turn", Out, "enum Turn: u8 { Left = -1, Straight = 0, Right = 1 }"),
            ("return", Return, "u64"),
            ("error", Error, "str"),
        ]
    );
    // A keyword is a name like any other.
    assert_eq!(procedure::<FormsClient>("varying").params[0].name, "type");
    assert_eq!(forms::InnerClient::INTERFACE.procedures[0].name, "do");
}

#[test]
fn what_was_reviewed_is_what_is_generated() {
    let tables = |interface: &nearcall::rt::Interface| format!("{interface:?}");
    assert_eq!(tables(FilesClient::INTERFACE), tables(files_expected::FilesClient::INTERFACE));
    assert_eq!(tables(FormsClient::INTERFACE), tables(forms_expected::FormsClient::INTERFACE));
}

/// `is_sum`: a short variant leaves some of the fixed part unused.
fn round_trip_of<T: Wire + PartialEq + Debug>(value: &T, is_sum: bool) {
    // Not at the beginning, so that an offset that is forgotten shows.
    let mut head = vec![0xAA; 3 + T::SIZE + 2];
    let mut tail = vec![0; value.tail_size()];
    value.put(&mut head, 3);
    value.put_tail(&mut tail);
    assert_eq!((&head[..3], &head[3 + T::SIZE..]), (&[0xAA; 3][..], &[0xAA; 2][..]));
    let mut rest = Tail::new(&tail);
    assert_eq!(T::get(&head, 3, &mut rest).as_ref(), Ok(value));
    assert_eq!(rest.left(), 0);
    assert_eq!(T::tail_size_at(&head, 3), Ok(tail.len()));
    assert!(T::SIZE == 0 || is_sum || T::get(&head[..2 + T::SIZE], 3, &mut Tail::new(&tail)).is_err());
    if let Some(short) = tail.get(1..) {
        assert!(T::get(&head, 3, &mut Tail::new(short)).is_err());
    }
}

fn round_trip<T: Wire + PartialEq + Debug>(value: &T) {
    round_trip_of(value, false);
}

#[test]
fn derived_types_travel() {
    round_trip(&Handle { index: 1, generation: u32::MAX });
    round_trip(&Point(1.5, -0.0));
    round_trip(&Block { bytes: [7; 64] });
    round_trip(&Entry { r#type: 9, name: "näme".to_owned(), numbers: vec![1, 2, 65535] });
    round_trip(&Entry::default());
    round_trip(&Nothing);
    for turn in [Turn::Left, Turn::Straight, Turn::Right] {
        round_trip(&turn);
    }
    round_trip(&Colour::Green);
    assert_eq!((Handle::SIZE, Handle::CLASS), (8, Class::Fixed));
    assert_eq!((Entry::SIZE, Entry::CLASS), (9, Class::Varying));
    assert_eq!((Nothing::SIZE, Turn::SIZE, Colour::SIZE), (0, 1, 4));
    assert_eq!(Entry::SHAPE.to_string(), "struct Entry { type: u8, name: str, numbers: [u16] }");
    // A sum of fixed parts is fixed: the tag, and the largest variant. What a smaller one leaves is overwritten.
    for figure in [
        Figure::Empty,
        Figure::Circle { centre: Point(1.0, 2.0), radius: 3.0 },
        Figure::Line(Point(0.0, 1.0), Point::default()),
    ] {
        round_trip_of(&figure, true);
        let (mut one, mut other) = ([0xAA; 17], [0x55; 17]);
        figure.put(&mut one, 0);
        figure.put(&mut other, 0);
        assert_eq!(one, other);
    }
    assert_eq!((Figure::SIZE, Figure::CLASS), (17, Class::Fixed));
}

fn in_sequence<T: Wire + PartialEq + Debug>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0xAA; 1000];
    let size = encode(value, &mut bytes).unwrap();
    bytes.truncate(size);
    assert_eq!(decode::<T>(&bytes, bytes.len()).as_ref(), Ok(value));
    assert!(decode::<T>(bytes.split_last().unwrap().1, bytes.len()).is_err());
    bytes
}

#[test]
fn derived_types_without_a_fixed_shape_travel_in_sequence() {
    let leaf = || Tree::Leaf("x".to_owned());
    let tree = || Tree::Node {
        figure: Some(Figure::Empty),
        children: vec![leaf(), Tree::Node { figure: None, children: vec![] }],
    };
    assert_eq!((Tree::SIZE, Tree::CLASS), (4, Class::Conventional));
    assert_eq!((Forest::SIZE, Forest::CLASS), (4, Class::Conventional));
    in_sequence(&tree());
    in_sequence(&Forest { id: 7, trees: vec![tree(), leaf()], last: Box::new(tree()) });
    // The others too, inside of one that has none.
    in_sequence(&vec![Entry { r#type: 9, name: "näme".to_owned(), numbers: vec![1, 2, 65535] }, Entry::default()]);
    assert_eq!(in_sequence(&Figure::Line(Point::default(), Point::default())).len(), 17);
    assert_eq!(in_sequence(&leaf()), [0, 0, 0, 0, 1, 0, 0, 0, b'x']);
    assert_eq!(
        Forest::SHAPE.to_string(),
        "struct Forest { id: u32, trees: [enum Tree: u32 { Leaf = 0 { 0: str }, Node = 1 { figure: Option<enum Figure: u8 \
         { Empty = 0, Circle = 4 { centre: struct Point { 0: f32, 1: f32 }, radius: f32 }, Line = 5 { 0: Point, 1: Point } \
         }>, children: [Tree] } }], last: Box<Tree> }"
    );
}

#[test]
fn a_description_says_how_each_procedure_travels_and_why() {
    let of = |name: &str| FormsClient::describe().procedures().find(|procedure| procedure.name() == name).unwrap();
    for (name, layout, why) in [
        ("line", Layout::Line, "heads of 40 bytes or less, and no tails"),
        ("sums", Layout::Line, "heads of 40 bytes or less, and no tails"),
        ("block", Layout::Frame, "the request head has 72 bytes, a line 40; the reply head has 64 bytes, a line 40"),
        ("in_place", Layout::Frame, "`data` varies in size; `after` varies in size"),
        (
            "conventional",
            Layout::Conventional,
            "`forest` has no fixed shape; `tree` has no fixed shape; `return` has no fixed shape; `error` has no fixed shape",
        ),
        (
            "by_serde",
            Layout::Serde,
            "`a` has `#[serde]`; `b` has `#[serde]`; `return` has `#[serde]`; `error` has `#[serde]`",
        ),
    ] {
        assert_eq!((of(name).layout(), of(name).why().join("; ").as_str()), (layout, why), "{name}");
    }
    assert_eq!(
        of("by_serde").signature(),
        "by_serde(a: serde(std::collections::BTreeMap<Text, u32>), b: serde(Option<std::time::Duration>), n: u32) -> \
         serde(std::time::Duration) or serde(Vec<Text>)"
    );
    let numbers = of("numbers").to_string();
    let expected = "\
numbers(a: [u32], b: &mut [f64], c: #[out] &mut [u64], d: #[out] &mut [i16]) -> u32
    frame: `a` varies in size; `b` varies in size; `c` varies in size; `d` varies in size
    request head 16 bytes, reply head 8, frame 1500; 5 at once, then wait; fingerprint ";
    assert!(numbers.starts_with(expected), "{numbers}");
    assert!(
        numbers.ends_with(
            "in     a: 4 bytes of count, and the items in the frame, up to 1048576 bytes
    in-out b: 4 bytes of count, and the items in the frame, up to 1048576 bytes
    out    c: 4 bytes of count, and the items in the frame, up to 1048576 bytes
    out    d: 4 bytes of count, and the items in the frame, up to 1048576 bytes
    result return: 4 bytes"
        ),
        "{numbers}"
    );
    assert!(
        nearcall::describe::<FilesClient>()
            .to_string()
            .starts_with("interface Files\n\nopen(path: str, flags: u32) -> ")
    );
}

#[test]
fn types_of_one_name_are_told_apart() {
    mod other {
        #[derive(nearcall::Wire)]
        pub(crate) struct Point(#[allow(dead_code, reason = "compiling is the test")] pub(crate) u8);
    }
    assert_eq!(
        <(Point, other::Point, Point, other::Point)>::SHAPE.to_string(),
        "(struct Point { 0: f32, 1: f32 }, struct Point#2 { 0: u8 }, Point, Point#2)"
    );
}

#[test]
fn bytes_that_are_no_variant_are_malformed() {
    assert!(Turn::get(&[2], 0, &mut Tail::empty()).is_err());
    assert!(Colour::get(&[2, 0, 0, 0], 0, &mut Tail::empty()).is_err());
    assert!(FileError::get(&[0; 4], 0, &mut Tail::empty()).is_err());
    assert_eq!(FileError::get(&[2, 0, 0, 0], 0, &mut Tail::empty()), Ok(FileError::Stale));
}
