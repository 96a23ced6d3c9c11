//! What stays behind: both processes' heaps, and their stacks as far as they can be reached, are full of one byte that no
//! argument and no result has. After each call the client looks at every byte of arguments and results in both regions,
//! and at every byte of the segments of either side: the byte is not there. So no padding, no unused variant, no rest of a frame ever shows what was in either memory.
#![allow(clippy::cast_possible_truncation, clippy::as_conversions, reason = "small numbers")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nearcall::{CallError, SharedBytes, Wire};
use nearcall_core::shm::copy;
use nearcall_layout::pair::{self, ASTACK_COUNT, LINE_STRIDE, RING_COUNT, client, reply, request, server};
use nearcall_testkit::process::{self, Peer};

const POISON: u8 = 0xc7;

/// Padding after every other field, for whoever would copy it as it lies in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Wire)]
struct Holes {
    a: u8,
    b: u64,
    c: u16,
    d: u32,
    e: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Wire)]
#[repr(u16)]
enum Sum {
    #[default]
    Nothing,
    Small(u8) = 5,
    Large {
        holes: Holes,
        words: [u64; 3],
    },
}

#[derive(Debug, Clone, PartialEq, Wire)]
enum Tree {
    Leaf(String),
    Node(Vec<Self>, Option<Holes>),
}

#[nearcall::plain]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Pixel {
    x: u32,
    y: u16,
    z: u16,
}

#[nearcall::interface]
trait Leaky {
    fn nothing(&self);
    fn holes(&self, holes: Holes) -> Holes;
    fn sum(&self, sum: Sum, option: Option<Holes>) -> (Sum, Option<Holes>, Result<u8, u64>);
    fn wide(&self, sums: [Sum; 3]) -> [Option<u64>; 9];
    fn text(&self, text: &str) -> String;
    fn list(&self, list: Vec<Holes>) -> Vec<Sum>;
    fn tree(&self, tree: &Tree) -> Result<Tree, Vec<String>>;
    fn slices(&self, odd: &[u8], pixels: &[Pixel], turn: &mut [u32], #[out(len = return)] out: &mut [Pixel]) -> u32;
    fn out(&self, #[out] sum: &mut Sum, #[out] holes: &mut Holes, #[out] bytes: &mut [u8], #[out] words: &mut [u128]);
    fn fails(&self, holes: &mut Holes, #[out] bytes: &mut [u8]) -> Result<Holes, Sum>;
    fn panics(&self, #[out] bytes: &mut [u8]) -> String;
    fn too_large(&self, tree: Tree) -> Vec<Tree>;
    fn too_deep(&self) -> Tree;
    #[serde(return)]
    fn by_serde(&self, #[serde] map: BTreeMap<String, Option<u64>>) -> BTreeMap<String, Vec<u8>>;
    fn in_place(&self, #[in_place] bytes: &[u8]) -> Vec<u8>;
}

/// Fills the stack below the caller's frame.
#[inline(never)]
fn poison_stack() {
    let poison = std::hint::black_box([POISON; 64 * 1024]);
    std::hint::black_box(&poison);
}

struct Hand;

impl Leaky for Hand {
    fn nothing(&self) {
        poison_stack();
    }
    fn holes(&self, holes: Holes) -> Holes {
        poison_stack();
        holes
    }
    fn sum(&self, sum: Sum, option: Option<Holes>) -> (Sum, Option<Holes>, Result<u8, u64>) {
        poison_stack();
        (sum, option, if sum == Sum::Nothing { Ok(1) } else { Err(2) })
    }
    fn wide(&self, _: [Sum; 3]) -> [Option<u64>; 9] {
        poison_stack();
        [None, Some(1), None, None, Some(2), None, None, None, Some(3)]
    }
    fn text(&self, text: &str) -> String {
        poison_stack();
        let mut long = String::with_capacity(1000);
        long.push_str(text);
        long
    }
    fn list(&self, list: Vec<Holes>) -> Vec<Sum> {
        poison_stack();
        list.iter().map(|holes| if holes.e { Sum::Small(holes.a) } else { Sum::Nothing }).collect()
    }
    fn tree(&self, tree: &Tree) -> Result<Tree, Vec<String>> {
        poison_stack();
        match tree {
            Tree::Leaf(text) => Err(vec![text.clone(); 3]),
            node => Ok(node.clone()),
        }
    }
    fn slices(&self, odd: &[u8], pixels: &[Pixel], turn: &mut [u32], out: &mut [Pixel]) -> u32 {
        poison_stack();
        turn.reverse();
        let count = pixels.len().min(out.len());
        out[..count].copy_from_slice(&pixels[..count]);
        (count - odd.len().min(count)) as u32
    }
    fn out(&self, sum: &mut Sum, holes: &mut Holes, bytes: &mut [u8], words: &mut [u128]) {
        poison_stack();
        *sum = Sum::Small(3);
        holes.a = 9;
        // The rest is left as it is.
        if let (Some(byte), Some(word)) = (bytes.first_mut(), words.last_mut()) {
            (*byte, *word) = (1, 2);
        }
    }
    fn fails(&self, holes: &mut Holes, bytes: &mut [u8]) -> Result<Holes, Sum> {
        poison_stack();
        bytes.fill(1);
        holes.b += 1;
        if holes.b.is_multiple_of(2) { Err(Sum::Nothing) } else { Ok(*holes) }
    }
    fn panics(&self, _: &mut [u8]) -> String {
        poison_stack();
        panic!("asked to");
    }
    fn too_large(&self, tree: Tree) -> Vec<Tree> {
        poison_stack();
        vec![tree; 30_000]
    }
    fn too_deep(&self) -> Tree {
        poison_stack();
        (0..100).fold(Tree::Leaf("x".to_owned()), |tree, _| Tree::Node(vec![tree], None))
    }
    fn by_serde(&self, map: BTreeMap<String, Option<u64>>) -> BTreeMap<String, Vec<u8>> {
        poison_stack();
        map.into_iter().map(|(key, value)| (key, vec![1; value.unwrap_or(0) as usize])).collect()
    }
    fn in_place(&self, bytes: SharedBytes<'_>) -> Vec<u8> {
        poison_stack();
        bytes.to_vec()
    }
}

/// Looks at what either side has written as arguments and results; how many bytes that were.
fn look(after: &str) -> usize {
    drop(copy::take_log());
    let all = process::region_bytes();
    // The two regions, and segments of whichever calls went out of band: all of a segment is somebody's arguments or results.
    let (regions, segments): (Vec<_>, Vec<_>) = all.iter().partition(|(_, bytes)| is_region(bytes));
    assert_eq!(regions.len(), 2, "two regions");
    let mut seen = 0;
    for (access, bytes) in segments {
        seen += bytes.len();
        clean(after, access.starts_with("rw"), bytes);
    }
    for (access, bytes) in regions {
        let is_own = access.starts_with("rw");
        // Words beside these are numbers that may have any byte: sequences, rights, sizes, states.
        let (from, count, lines) = if is_own {
            (request::ARGS * 8, RING_COUNT, client::RING)
        } else {
            (reply::RESULTS * 8, ASTACK_COUNT, server::REPLIES)
        };
        let heads = (0..count).map(|n| lines + n * LINE_STRIDE).map(|at| &bytes[at + from..at + from + 40]);
        for part in heads.chain([&bytes[pair::FRAMES..]]) {
            seen += part.len();
            clean(after, is_own, part);
        }
    }
    seen
}

/// Regions begin with this; segments with arguments or results.
fn is_region(bytes: &[u8]) -> bool {
    bytes.starts_with(&pair::MAGIC.to_le_bytes())
}

fn clean(after: &str, is_own: bool, part: &[u8]) {
    if let Some(at) = part.iter().position(|&byte| byte == POISON) {
        let around = &part[at.saturating_sub(16)..(at + 32).min(part.len())];
        let whose = if is_own { "the client's" } else { "the server's" };
        panic!("{after}: {whose} memory shows in what is shared: {around:x?}");
    }
}

fn each_kind_of_call(leaky: &LeakyClient, round: u32) -> usize {
    let n = round as usize % 7;
    let holes = Holes { a: 1, b: 2, c: 3, d: 4, e: n.is_multiple_of(2) };
    let large = Sum::Large { holes, words: [1, 2, 3] };
    let leaf = Tree::Leaf("leaf".repeat(n));
    let tree = Tree::Node(vec![leaf.clone(), Tree::Node(Vec::new(), Some(holes))], None);
    let pixels = [Pixel { x: 1, y: 2, z: 3 }; 6];
    let mut seen = 0;
    let mut call = |what: &str, call: &mut dyn FnMut()| {
        poison_stack();
        call();
        seen += look(what);
    };
    call("nothing", &mut || leaky.nothing().unwrap());
    call("holes", &mut || assert_eq!(leaky.holes(holes), Ok(holes)));
    for sum in [Sum::Nothing, Sum::Small(7), large] {
        call("sum", &mut || assert!(leaky.sum(sum, Some(holes).filter(|_| n > 3)).is_ok()));
        call("wide", &mut || assert!(leaky.wide([sum, Sum::Nothing, sum]).is_ok()));
    }
    call("text", &mut || drop(leaky.text(&"text".repeat(n)).unwrap()));
    call("list", &mut || drop(leaky.list(vec![holes; n]).unwrap()));
    call("tree", &mut || assert_eq!(leaky.tree(&tree), Ok(tree.clone())));
    call("leaf", &mut || assert!(matches!(leaky.tree(&leaf), Err(CallError::App(_)))));
    call("slices", &mut || {
        let (mut turn, mut out) = ([1; 3], [Pixel::default(); 5]);
        leaky.slices(&[1; 5][..n.min(5)], &pixels[..n.min(6)], &mut turn, &mut out).unwrap();
    });
    call("out", &mut || {
        let (mut sum, mut holes, mut bytes, mut words) = (large, holes, vec![1; n], [1; 3]);
        leaky.out(&mut sum, &mut holes, &mut bytes, &mut words).unwrap();
    });
    call("fails", &mut || assert!(leaky.fails(&mut holes.clone(), &mut [1; 9]).is_ok()));
    call("fails", &mut || assert!(leaky.fails(&mut Holes { b: 1, ..holes }, &mut [1; 9]).is_err()));
    call("panics", &mut || assert_eq!(leaky.panics(&mut [1; 30]), Err(CallError::Panicked)));
    call("too large a result", &mut || drop(leaky.too_large(tree.clone())));
    call("too large an argument", &mut || drop(leaky.text(&"x".repeat(100_000))));
    call("too deep", &mut || assert_eq!(leaky.too_deep(), Err(CallError::Unreturnable)));
    call("by serde", &mut || {
        let map = BTreeMap::from([("key".to_owned(), Some(n as u64)), ("none".to_owned(), None)]);
        assert_eq!(leaky.by_serde(map).unwrap()["key"].len(), n);
    });
    call("in place", &mut || assert_eq!(leaky.in_place(&[1; 200][..n * 20]), Ok(vec![1; n * 20])));
    seen
}

/// Calls whose arguments, areas and tails are out of band, each alone, and all at once.
fn each_kind_of_large_call(leaky: &LeakyClient, round: usize) -> usize {
    let mut seen = 0;
    let mut call = |what: &str, call: &mut dyn FnMut()| {
        poison_stack();
        call();
        seen += look(what);
    };
    let size = [5000, 70_001, 300_003][round % 3];
    let holes = Holes { a: 1, b: 2, c: 3, d: 4, e: round.is_multiple_of(2) };
    call("a large text", &mut || assert_eq!(leaky.text(&"t".repeat(size)).unwrap().len(), size));
    call("a large list", &mut || assert_eq!(leaky.list(vec![holes; size / 18]).unwrap().len(), size / 18));
    call("a large tree", &mut || {
        let tree = Tree::Node(vec![Tree::Leaf("leaf".to_owned()); size / 16], Some(holes));
        assert!(leaky.tree(&tree).is_ok());
    });
    call("large slices", &mut || {
        let pixels = vec![Pixel { x: 1, y: 2, z: 3 }; size / 8];
        let (mut turn, mut out) = (vec![1; size / 4], vec![Pixel::default(); size / 8]);
        leaky.slices(&vec![1; size % 7], &pixels, &mut turn, &mut out).unwrap();
    });
    call("large areas", &mut || {
        let (mut bytes, mut words) = (vec![1; size], vec![1; size / 16]);
        leaky.out(&mut Sum::Nothing, &mut holes.clone(), &mut bytes, &mut words).unwrap();
    });
    call("large areas of a call that fails", &mut || {
        assert!(leaky.fails(&mut Holes { b: 1, ..holes }, &mut vec![1; size]).is_err());
    });
    call("large areas of a call that panics", &mut || {
        assert_eq!(leaky.panics(&mut vec![1; size]), Err(CallError::Panicked));
    });
    call("large, by serde", &mut || {
        let map = BTreeMap::from([("key".to_owned(), Some(size as u64))]);
        assert_eq!(leaky.by_serde(map).unwrap()["key"].len(), size);
    });
    call("large, in place", &mut || assert_eq!(leaky.in_place(&vec![1; size]).unwrap().len(), size));
    seen
}

#[test]
fn nothing_of_either_memory_shows_in_what_is_shared() {
    let (_outer, dir) = support::names();
    let _server = Peer::start("serve", &dir);
    let _alone = alone();
    let leaky: LeakyClient = nearcall::Binder::new("leaky").dir(&dir).bind().unwrap();
    let rounds = support::count("NEARCALL_TEST_CALLS", 1000) / 20;
    let seen: usize = (0..rounds).map(|round| each_kind_of_call(&leaky, round)).sum();
    println!("{rounds} rounds of each kind of call; {seen} bytes looked at");
    let rounds = (rounds as usize / 8).max(3);
    let seen: usize = (0..rounds).map(|round| each_kind_of_large_call(&leaky, round)).sum();
    let segments = process::regions(std::process::id());
    let (own, theirs): (Vec<_>, Vec<_>) = segments
        .iter()
        .filter(|one| one.size != pair::REGION_SIZE as u64)
        .partition(|one| one.access.starts_with("rw"));
    println!(
        "{rounds} rounds of each kind of large call; {seen} bytes looked at, {} and {} segments",
        own.len(),
        theirs.len()
    );
    assert!(!own.is_empty() && !theirs.is_empty(), "nothing went out of band: {segments:?}");
}

#[test]
fn what_shows_is_seen() {
    let (_outer, dir) = support::names();
    let _server = Peer::start("serve", &dir);
    let _alone = alone();
    let leaky: LeakyClient = nearcall::Binder::new("leaky").dir(&dir).bind().unwrap();
    // The first byte of this letter is the one.
    assert_eq!(leaky.text("Ǉ"), Ok("Ǉ".to_owned()));
    assert!(std::panic::catch_unwind(|| look("a letter")).is_err());
    // Out of band, where only the last byte is one.
    let leaky: LeakyClient = nearcall::Binder::new("leaky").dir(&dir).bind().unwrap();
    assert_eq!(leaky.holes(Holes::default()), Ok(Holes::default()));
    let mut large = vec![1; 70_000];
    large[69_999] = POISON;
    assert_eq!(leaky.in_place(&large).unwrap(), large);
    assert!(std::panic::catch_unwind(|| look("a byte out of band")).is_err());
}

/// Regions of one pair at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_heap_is_poisoned() {
    let fresh = std::hint::black_box(Vec::<u64>::with_capacity(100));
    // SAFETY: the memory is the vector's, and the allocator has written all of it.
    let first = unsafe { fresh.as_ptr().cast::<u8>().read_volatile() };
    assert_eq!(first, POISON);
}

/// Not a test: the server.
#[test]
fn play() {
    if let Some((_, dir)) = Peer::part() {
        std::panic::set_hook(Box::new(|_| {}));
        let _export = nearcall::Exporter::new("leaky").dir(&dir).export(LeakyServer::new(Hand)).unwrap();
        process::ready();
        process::until_released();
    }
}

struct Poisoned;

#[global_allocator]
static POISONED: Poisoned = Poisoned;

// SAFETY: everything is left to `System`, which keeps the promises of an allocator; only memory that nobody uses yet, or
// any more, is written.
unsafe impl GlobalAlloc for Poisoned {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise: the layout is not of size 0.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block has this size, and nobody uses it yet.
            unsafe { block.write_bytes(POISON, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise: the block has this layout, and nobody uses it any more.
        unsafe { block.write_bytes(POISON, layout.size()) };
        // SAFETY: as above, and it came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}
