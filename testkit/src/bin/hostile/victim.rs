//! `hostile victim NAME`: a client as anybody would write it, which checks what the library promises it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use nearcall::{BindError, Binder, CallError, Exporter, SharedBytes, Wire};

use crate::Options;

/// A value without a fixed shape.
#[derive(Debug, Clone, PartialEq, Wire)]
pub(crate) enum Tree {
    Leaf(String),
    Node(Vec<Self>),
}

/// An interface with each kind of result.
#[nearcall::interface]
pub(crate) trait Prey {
    #[call(timeout = "200ms")]
    fn add(&self, a: u64, b: u64) -> u64;
    #[call(timeout = "200ms")]
    fn flag(&self, on: bool) -> Result<bool, u8>;
    #[call(timeout = "200ms")]
    fn text(&self, text: &str) -> String;
    #[call(timeout = "200ms")]
    fn fill(&self, position: &mut u64, #[out(len = return)] bytes: &mut [u8]) -> u32;
    #[call(timeout = "200ms")]
    fn tree(&self, tree: &Tree) -> Tree;
    #[call(timeout = "200ms")]
    #[serde(return)]
    fn map(&self, #[serde] map: &BTreeMap<String, u32>) -> BTreeMap<String, Vec<u32>>;
    #[call(timeout = "200ms")]
    fn sum(&self, #[in_place] bytes: &[u8], numbers: &[u32]) -> u64;
}

struct Honest;

impl Prey for Honest {
    fn add(&self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    fn flag(&self, on: bool) -> Result<bool, u8> {
        if on { Ok(false) } else { Err(1) }
    }
    fn text(&self, text: &str) -> String {
        text.to_owned()
    }
    fn fill(&self, position: &mut u64, bytes: &mut [u8]) -> u32 {
        bytes.fill(position.to_le_bytes()[0]);
        *position = position.wrapping_add(1);
        u32::try_from(bytes.len()).unwrap_or(u32::MAX)
    }
    fn tree(&self, tree: &Tree) -> Tree {
        tree.clone()
    }
    fn map(&self, map: &BTreeMap<String, u32>) -> BTreeMap<String, Vec<u32>> {
        map.iter().map(|(key, value)| (key.clone(), vec![*value])).collect()
    }
    fn sum(&self, bytes: SharedBytes<'_>, numbers: &[u32]) -> u64 {
        let bytes = bytes.to_vec().into_iter().map(u64::from);
        bytes.chain(numbers.iter().copied().map(u64::from)).fold(0, u64::wrapping_add)
    }
}

/// Serves until it is killed.
pub(crate) fn serve(options: &Options) -> Result<bool, String> {
    let exporter = Exporter::new(&options.name).dir(options.dir());
    let _export = exporter.export(PreyServer::new(Honest)).map_err(|error| error.to_string())?;
    println!("ready");
    loop {
        std::thread::park();
    }
}

/// The longest that a call of 200 ms may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// What happened, by name.
#[derive(Debug, Default)]
struct Counted {
    by_name: BTreeMap<String, u64>,
    wrong: Vec<String>,
}

impl Counted {
    fn count(&mut self, what: &str, how: &dyn Debug) {
        // The name alone, without what is in it.
        let how = format!("{how:?}");
        let name = how.split(['(', ' ', '{']).next().unwrap_or_default();
        *self.by_name.entry(format!("{what} {name}")).or_default() += 1;
    }

    fn call<T: Debug, E: Debug>(&mut self, call: impl FnOnce() -> Result<T, CallError<E>>) -> bool {
        let start = Instant::now();
        let result = call();
        if start.elapsed() > PATIENCE {
            self.wrong.push(format!("a call of 200 ms took {:?}", start.elapsed()));
        }
        match &result {
            Ok(_) => self.count("call", &"value"),
            Err(error) => self.count("call", error),
        }
        result.is_ok()
    }
}

/// Binds `rounds` times, and calls until an error, or for a moment.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    println!("ready");
    let mut counted = Counted::default();
    for _ in 0..options.rounds {
        let binder = Binder::new(&options.name).dir(options.dir()).wait(Duration::from_secs(3));
        match binder.bind::<PreyClient>() {
            Ok(client) => {
                counted.count("bind", &"granted");
                use_it(&client, &mut counted);
            }
            Err(error @ (BindError::NotFound { .. } | BindError::Dir(_))) => {
                // Nobody is there any more.
                println!("{error}");
                break;
            }
            Err(error) => counted.count("bind", &error),
        }
    }
    for (name, count) in &counted.by_name {
        println!("{count:8}  {name}");
    }
    for wrong in &counted.wrong {
        println!("WRONG: {wrong}");
    }
    Ok(counted.wrong.is_empty())
}

fn use_it(client: &PreyClient, counted: &mut Counted) {
    let start = Instant::now();
    let tree = Tree::Node(vec![Tree::Leaf("leaf".to_owned()), Tree::Node(Vec::new())]);
    let map = BTreeMap::from([("key".to_owned(), 7)]);
    let large = "large".repeat(1000);
    let mut failed = 0;
    while start.elapsed() < Duration::from_millis(300) && failed < 3 {
        let (mut position, mut bytes) = (5, [7; 100]);
        let mut fine = counted.call(|| client.fill(&mut position, &mut bytes));
        if !fine && (position, bytes) != (5, [7; 100]) {
            counted.wrong.push("a call failed and changed its targets".to_owned());
        }
        fine &= counted.call(|| client.add(1, 2));
        fine &= counted.call(|| client.flag(true));
        fine &= counted.call(|| client.text("text"));
        fine &= counted.call(|| client.tree(&tree));
        fine &= counted.call(|| client.map(&map));
        fine &= counted.call(|| client.sum(&[1, 2], &[3]));
        // What does not fit a frame.
        fine &= counted.call(|| client.text(&large));
        fine &= counted.call(|| client.sum(&[1; 70_000], &[3; 7000]));
        let (mut position, mut bytes) = (5, vec![7; 9000]);
        let filled = counted.call(|| client.fill(&mut position, &mut bytes));
        if !filled && (position != 5 || bytes.iter().any(|&byte| byte != 7)) {
            counted.wrong.push("a large call failed and changed its targets".to_owned());
        }
        failed += u32::from(!(fine && filled));
    }
}
