//! Far bindings: the same clients and errors, over two hosts' graphs in one process, with the kernel's UDP between them.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nearcall::far::{FarServer, Host, HostError, PORT, serve};
use nearcall::{BindError, Binder, CallError, Export, Exporter, Path, Ran, ReplyToken, SharedBytes, Wire};

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Place {
    /// Where.
    pub at: u64,
    /// Which.
    pub which: u32,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Why {
    /// In words.
    pub text: String,
}

/// Every way in which something travels.
#[nearcall::interface]
pub trait Ways {
    /// Nothing.
    fn null(&self);
    /// What lies in place does not go far.
    #[call(near)]
    fn beside(&self, #[in_place] bytes: &[u8]) -> u32;
    /// Nor what is passed.
    #[call(near)]
    fn lend(&self, near: &NearClient) -> u32;
    /// It could.
    #[call(near)]
    fn twice(&self, a: u32) -> u32;
    /// In the line.
    fn add(&self, a: u32, b: u32) -> u32;
    /// A struct, and more than a line.
    fn place(&self, a: Place, b: Place, c: Place, d: u64) -> Place;
    /// Text in, text out, and an error with text.
    fn shout(&self, text: &str) -> Result<String, Why>;
    /// Areas of several sizes, one of them both ways.
    fn areas(
        &self,
        pos: &mut u64,
        values: &mut [u32],
        #[out] out: &mut [u64],
        #[out(len = return)] bytes: &mut [u8],
    ) -> Result<u32, u8>;
    /// Something nested.
    fn tree(&self, items: Vec<Option<String>>) -> Vec<Vec<u8>>;
    /// Large.
    fn large(&self, bytes: &[u8]) -> Vec<u8>;
    /// A large result.
    fn many(&self, size: u32) -> Vec<u8>;
    /// Several strings at once.
    fn strings(&self, from: &[&[u8]], #[out] to: &mut [&mut [u8]]) -> u32;
    /// Values that vary in size in every place, and a length that has a name.
    fn varying(
        &self,
        text: &mut String,
        #[out] words: &mut Vec<String>,
        #[out] count: &mut u32,
        #[out(len = count)] bytes: &mut [u8],
    ) -> Result<String, Why>;
    /// Nobody waits.
    #[call(oneway)]
    fn note(&self, by: u32, text: &str);
    /// What was noted.
    fn noted(&self) -> u32;
    /// Slow.
    #[call(timeout = "60s")]
    fn sleep(&self, milliseconds: u32) -> u32;
    /// Does not return in time.
    #[call(timeout = "300ms")]
    fn hang(&self);
    /// Has those return that hang.
    fn release(&self);
    /// Panics.
    fn panic(&self);
    /// Is answered by another thread, after it has returned; not at all without a size.
    #[call(timeout = "60s")]
    fn later(&self, size: Option<u32>, reply: ReplyToken<Result<Vec<u8>, Why>>);
    /// Is answered before it returns.
    fn at_once(&self, a: u64, reply: ReplyToken<u64>);
}

struct Hand(AtomicU32, Mutex<bool>, Condvar);

impl Hand {
    fn new() -> Self {
        Self(AtomicU32::new(0), Mutex::new(false), Condvar::new())
    }
}

impl Ways for Hand {
    fn null(&self) {}
    fn beside(&self, bytes: SharedBytes<'_>) -> u32 {
        bytes.len() as u32
    }
    fn lend(&self, near: &NearClient) -> u32 {
        near.size(&[0; 3]).unwrap_or(0)
    }
    fn twice(&self, a: u32) -> u32 {
        a * 2
    }
    fn add(&self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    fn place(&self, a: Place, b: Place, c: Place, d: u64) -> Place {
        Place { at: a.at + b.at + c.at + d, which: a.which ^ b.which ^ c.which }
    }
    fn shout(&self, text: &str) -> Result<String, Why> {
        if text.is_empty() { Err(Why { text: "nothing to shout".to_owned() }) } else { Ok(text.to_uppercase()) }
    }
    fn areas(&self, pos: &mut u64, values: &mut [u32], out: &mut [u64], bytes: &mut [u8]) -> Result<u32, u8> {
        if *pos == 99 {
            return Err(9);
        }
        *pos += 1;
        values.iter_mut().for_each(|value| *value *= 2);
        (0..).zip(out.iter_mut()).for_each(|(n, to)| *to = n);
        bytes.fill(7);
        Ok(u32::try_from(bytes.len()).unwrap() / 2)
    }
    fn tree(&self, items: Vec<Option<String>>) -> Vec<Vec<u8>> {
        items.into_iter().map(|item| item.unwrap_or_default().into_bytes()).collect()
    }
    fn large(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().rev().copied().collect()
    }
    fn many(&self, size: u32) -> Vec<u8> {
        self.0.fetch_add(1, Ordering::Relaxed);
        (0..size).map(|n| n.to_le_bytes()[0]).collect()
    }
    fn strings(&self, from: &[&[u8]], to: &mut [&mut [u8]]) -> u32 {
        for (to, from) in to.iter_mut().zip(from) {
            to.fill(0);
            to[..from.len()].copy_from_slice(from);
        }
        u32::try_from(from.len()).unwrap()
    }
    fn varying(
        &self,
        text: &mut String,
        words: &mut Vec<String>,
        count: &mut u32,
        bytes: &mut [u8],
    ) -> Result<String, Why> {
        if text.is_empty() {
            return Err(Why { text: "nothing to split".to_owned() });
        }
        *words = text.split(' ').map(str::to_owned).collect();
        *count = u32::try_from(words.len()).unwrap();
        bytes.fill(u8::try_from(*count).unwrap());
        let before = std::mem::replace(text, words.join("+"));
        Ok(before.to_uppercase())
    }
    fn note(&self, by: u32, text: &str) {
        // One that is held goes on when another one has been noted.
        while text == "held" && self.0.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.0.fetch_add(by, Ordering::Relaxed);
    }
    fn noted(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
    fn sleep(&self, milliseconds: u32) -> u32 {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        self.0.fetch_add(1, Ordering::Relaxed)
    }
    fn hang(&self) {
        let released = self.1.lock().unwrap();
        drop(self.2.wait_timeout_while(released, Duration::from_secs(60), |released| !*released).unwrap());
    }
    fn release(&self) {
        *self.1.lock().unwrap() = true;
        self.2.notify_all();
    }
    fn panic(&self) {
        std::panic::resume_unwind(Box::new("on purpose"));
    }
    fn later(&self, size: Option<u32>, reply: ReplyToken<Result<Vec<u8>, Why>>) {
        std::thread::spawn(move || match size {
            None => drop(reply),
            Some(0) => reply.send(Err(Why { text: "nothing to send".to_owned() })),
            Some(size) => reply.send(Ok((0..size).map(|n| n.to_le_bytes()[0]).collect())),
        });
    }
    fn at_once(&self, a: u64, reply: ReplyToken<u64>) {
        reply.send(a + 1);
    }
}

/// In place, which is near only.
#[nearcall::interface]
pub trait Near {
    /// Reads there.
    fn size(&self, #[in_place] bytes: &[u8]) -> u32;
}

struct Size;

impl Near for Size {
    fn size(&self, bytes: SharedBytes<'_>) -> u32 {
        bytes.len() as u32
    }
}

/// Clients as parameters, which are near only.
#[nearcall::interface]
pub trait Passing {
    /// Takes one.
    fn take(&self, near: NearClient);
}

/// The same name for something else.
pub mod other {
    /// Other procedures.
    #[nearcall::interface]
    pub trait Ways {
        /// It adds other things.
        fn add(&self, a: u64, b: u64) -> u64;
    }
}

struct Site {
    name: String,
    server: Option<FarServer>,
    export: Option<Export>,
    client: Arc<Host>,
    dir: tempfile::TempDir,
}

/// A host with the service, at an address of its own, and another one for clients.
fn site(n: u8) -> Site {
    site_by(n, |address, port| Arc::new(Host::bound_to(address, port).unwrap()))
}

fn site_by(n: u8, host: impl Fn(Ipv4Addr, u16) -> Arc<Host>) -> Site {
    let [.., c, d] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 100 + n, c, d);
    let dir = tempfile::tempdir().unwrap();
    let export = Exporter::new("ways").dir(dir.path()).export(WaysServer::new(Hand::new())).unwrap();
    let server = serve(host(address, PORT), Some(dir.path().to_owned()), &[]).unwrap();
    let client = host(Ipv4Addr::LOCALHOST, 0);
    Site { name: format!("chan://{address}/ways"), server: Some(server), export: Some(export), client, dir }
}

impl Site {
    fn bind<C: nearcall::Client>(&self) -> Result<C, BindError> {
        Binder::new(&self.name).through(Arc::clone(&self.client)).bind()
    }
}

#[test]
fn all_that_travels_near_travels_far() {
    let site = site(0);
    let ways: WaysClient = site.bind().unwrap();
    let binding = nearcall::Client::binding(&ways);
    assert_eq!((binding.path(), binding.is_live(), binding.server_pid()), (Path::Far, true, None));
    ways.null().unwrap();
    assert_eq!(ways.add(2, 3), Ok(5));
    let place = |at, which| Place { at, which };
    assert_eq!(ways.place(place(1, 2), place(3, 4), place(5, 6), 7), Ok(place(16, 0)));
    assert_eq!(ways.shout("abc"), Ok("ABC".to_owned()));
    assert_eq!(ways.shout(""), Err(CallError::App(Why { text: "nothing to shout".to_owned() })));
    let (mut pos, mut values, mut out, mut bytes) = (5, [1, 2, 3], [9; 5], [0; 11]);
    assert_eq!(ways.areas(&mut pos, &mut values, &mut out, &mut bytes), Ok(5));
    assert_eq!((pos, values, out), (6, [2, 4, 6], [0, 1, 2, 3, 4]));
    assert_eq!(bytes, [7, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0], "as many as were said");
    let before = (99, [1, 2, 3], [9; 5], [1; 11]);
    let (mut pos, mut values, mut out, mut bytes) = before;
    assert_eq!(ways.areas(&mut pos, &mut values, &mut out, &mut bytes), Err(CallError::App(9)));
    assert_eq!((pos, values, out, bytes), before, "untouched on an error");
    let items = vec![Some("a".to_owned()), None, Some("bc".to_owned())];
    assert_eq!(ways.tree(items), Ok(vec![b"a".to_vec(), Vec::new(), b"bc".to_vec()]));
    for size in [0, 1, 100, 1400, 1500, 4096, 20_000] {
        let sent: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
        let back: Vec<u8> = sent.iter().rev().copied().collect();
        assert_eq!(ways.large(&sent), Ok(back), "{size}");
    }
    let (mut first, mut second) = ([9; 4], [9; 3]);
    assert_eq!(ways.strings(&[b"abc", b"", b"xy"], &mut [&mut first, &mut [], &mut second]), Ok(3));
    assert_eq!((&first, &second), (b"abc\0", b"xy\0"));
    let (mut text, mut words, mut count, mut bytes) = ("a bc def".to_owned(), vec!["old".to_owned()], 7, [0; 5]);
    assert_eq!(ways.varying(&mut text, &mut words, &mut count, &mut bytes), Ok("A BC DEF".to_owned()));
    assert_eq!((text.as_str(), count, bytes), ("a+bc+def", 3, [3, 3, 3, 0, 0]));
    assert_eq!(words, ["a", "bc", "def"]);
    text.clear();
    let refused = ways.varying(&mut text, &mut words, &mut count, &mut bytes);
    assert_eq!(refused, Err(CallError::App(Why { text: "nothing to split".to_owned() })));
    assert_eq!((words.len(), count, bytes), (3, 3, [3, 3, 3, 0, 0]), "untouched on an error");
    for n in 0..1000 {
        assert_eq!(ways.add(n, 1), Ok(n + 1));
    }
}

/// Far clients notice nothing of a reply that is made after its procedure has returned.
#[test]
fn replies_that_come_later_come_from_far() {
    let site = site(8);
    let ways: WaysClient = site.bind().unwrap();
    assert_eq!(ways.at_once(7), Ok(8));
    for size in [1, 100, 1400, 4096, 20_000] {
        assert_eq!(ways.later(Some(size)), Ok((0..size).map(|n| n.to_le_bytes()[0]).collect()), "{size}");
    }
    assert_eq!(ways.later(Some(0)), Err(CallError::App(Why { text: "nothing to send".to_owned() })));
    assert_eq!(ways.later(None), Err(CallError::Aborted));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let ways: WaysClient = site.bind().unwrap();
                for n in 1..50 {
                    assert_eq!(ways.later(Some(n)).map(|bytes| bytes.len()), Ok(usize::try_from(n).unwrap()));
                }
            });
        }
    });
}

#[test]
fn nobody_waits_for_a_oneway_call_and_it_runs_once() {
    let site = site(4);
    let ways: WaysClient = site.bind().unwrap();
    // Were it waited for, it would end with its time.
    assert_eq!(ways.note(1000, "held"), Ok(()));
    assert_eq!(ways.noted(), Ok(0));
    for _ in 0..5 {
        assert_eq!(ways.note(1, "at once"), Ok(()));
    }
    let begun = std::time::Instant::now();
    while ways.noted().unwrap() < 1005 {
        assert!(begun.elapsed() < Duration::from_secs(60), "a oneway call was lost");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(ways.noted(), Ok(1005));
    let large = "x".repeat(40_000);
    assert!(matches!(ways.note(1, &large), Err(CallError::TooLarge { .. })));
    assert_eq!(ways.noted(), Ok(1005));
}

/// Near and far: whoever has nothing else to ask drops its client at once.
#[test]
fn a_oneway_call_outlives_its_client() {
    let site = site(5);
    let ways: WaysClient = site.bind().unwrap();
    let begun = std::time::Instant::now();
    for n in 1..=50 {
        let far: WaysClient = site.bind().unwrap();
        let near: WaysClient = Binder::new("ways").dir(site.dir.path()).bind().unwrap();
        assert_eq!((far.note(1, "far"), near.note(100, "near")), (Ok(()), Ok(())));
        drop((far, near));
        while ways.noted() != Ok(101 * n) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?} of {}", ways.noted(), 101 * n);
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Procedures that are near only keep no interface from going far: it goes without them.
#[test]
fn what_is_near_only_is_refused_when_it_is_called() {
    let site = site(16);
    let far: WaysClient = site.bind().unwrap();
    let near: WaysClient = Binder::new("ways").dir(site.dir.path()).bind().unwrap();
    let size = NearClient::serve(Size).unwrap();
    assert_eq!((near.beside(&[0; 9]), near.twice(4)), (Ok(9), Ok(8)));
    assert_eq!(near.lend(&size), Ok(3));
    assert_eq!(far.beside(&[0; 9]), Err(CallError::Unsupported));
    assert_eq!(far.twice(4), Err(CallError::Unsupported));
    assert_eq!(far.lend(&size), Err(CallError::Unsupported));
    assert!(matches!(far.start_twice(4).err(), Some(CallError::Unsupported)));
    assert_eq!((far.add(1, 2), far.null()), (Ok(3), Ok(())), "those behind it are what they are");
}

#[test]
fn errors_are_those_of_near_calls() {
    let mut site = site(1);
    let ways: WaysClient = site.bind().unwrap();
    assert_eq!(ways.panic(), Err(CallError::Panicked));
    assert!(matches!(ways.large(&[0; 40_000]), Err(CallError::TooLarge { .. })));
    // A processor that polls goes on saying so while it sleeps in a procedure: whoever waits for it finds that out by a step.
    if cfg!(not(feature = "no-steps")) {
        // Over after 300 ms, and what it did is not known.
        assert_eq!(ways.hang(), Err(CallError::Timeout { ran: Ran::Maybe }));
        assert_eq!(ways.sleep(1), Ok(0), "others go on meanwhile");
        assert_eq!(ways.release(), Ok(()));
    }
    assert!(matches!(ways.start_add(1, 2).err(), Some(CallError::Unsupported)), "calls are not started far");
    let Err(BindError::NotFound { name, .. }) =
        Binder::new(&site.name.replace("/ways", "/nobody")).through(Arc::clone(&site.client)).bind::<WaysClient>()
    else {
        panic!("nobody is there");
    };
    assert_eq!(name, "nobody");
    let Err(BindError::Incompatible { difference }) = site.bind::<other::WaysClient>() else { panic!("it fits") };
    assert!(difference.contains("client: add(a: u64") && difference.contains("server: add(a: u32"), "{difference}");
    let Err(BindError::Unsupported(why)) = site.bind::<NearClient>() else { panic!("in place cannot go far") };
    assert!(why.contains("`bytes` of `size`"), "{why}");
    let Err(BindError::Unsupported(why)) = site.bind::<PassingClient>() else { panic!("clients cannot go far") };
    assert!(why.contains("`near` of `take`"), "{why}");
    drop(site.export.take());
    assert_eq!(ways.add(1, 2), Err(CallError::Revoked));
    // Nobody serves there any more, and then nobody is there.
    drop(site.server.take());
    assert!(matches!(site.bind::<WaysClient>(), Err(BindError::NotFound { .. } | BindError::Timeout(_))));
}

/// 16 fragments are the most that BLAST cuts a message into, so how large one is depends on packets alone. What is larger is refused
/// before anything has run, but for a result that nobody knew of.
#[test]
fn what_is_larger_than_a_message_is_refused_by_name() {
    let site = site(6);
    let ways: WaysClient = site.bind().unwrap();
    let Err(CallError::TooLarge { size, limit }) = ways.large(&[0; 24_000]) else { panic!("it goes") };
    assert!(size > 24_000 && (22_000..24_000).contains(&limit), "{size} of {limit}");
    assert_eq!(ways.large(&[7; 22_000]), Ok(vec![7; 22_000]));
    let (mut pos, mut bytes) = (5, [1; 24_000]);
    let Err(CallError::TooLarge { size, limit }) = ways.areas(&mut pos, &mut [], &mut [], &mut bytes) else {
        panic!("there is no room for that much")
    };
    assert!(size >= 24_000 && (22_000..24_000).contains(&limit), "{size} of {limit}");
    assert_eq!((pos, bytes), (5, [1; 24_000]));
    assert_eq!(ways.many(22_000).map(|bytes| bytes.len()), Ok(22_000));
    assert_eq!(ways.many(24_000), Err(CallError::ResultTooLarge));
    assert_eq!(ways.sleep(0), Ok(2), "both have run");
}

/// Larger packets carry larger messages.
#[test]
fn with_larger_packets_more_goes() {
    let site = site_by(5, |address, port| {
        let text = format!(
            "name=wire_sockets local={address}:{port} mtu=60000;\n@;\nname=blast protocols=wire_sockets;\n\
             name=bidctl protocols=blast;\nname=bid protocols=blast,bidctl;\nname=chan protocols=bid;\n\
             name=vchan protocols=chan;\nname=select protocols=vchan;\nname=anchor protocols=select;\n"
        );
        Arc::new(Host::compose("large.graph", &text).unwrap())
    });
    let ways: WaysClient = site.bind().unwrap();
    let sent: Vec<u8> = (0..900_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let back: Vec<u8> = sent.iter().rev().copied().collect();
    // The kernel may lose a part of so much at once; what is missing goes again, and some time later all of it.
    assert!(ways.large(&sent) == Ok(back));
}

#[test]
fn many_clients_at_once_and_slow_procedures_delay_nobody() {
    let site = site(2);
    site.client.set_concurrency(site.name.split('/').nth(2).unwrap(), 12).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let ways: WaysClient = site.bind().unwrap();
            scope.spawn(move || {
                for _ in 0..5 {
                    ways.sleep(20).unwrap();
                }
            });
        }
        for _ in 0..4 {
            let ways: WaysClient = site.bind().unwrap();
            scope.spawn(move || {
                for n in 0..300 {
                    assert_eq!(ways.add(n, 1), Ok(n + 1));
                }
            });
        }
    });
}

#[test]
fn a_binding_is_its_host_s_alone() {
    let site = site(3);
    let ways: WaysClient = site.bind().unwrap();
    ways.null().unwrap();
    let stranger = Arc::new(Host::bound_to(Ipv4Addr::LOCALHOST, 0).unwrap());
    let theirs: WaysClient = Binder::new(&site.name).through(stranger).bind().unwrap();
    drop(ways);
    theirs.null().unwrap();
}

#[test]
fn hosts_that_cannot_be_say_why() {
    let error = Host::compose("a.graph", "name=wire_sockets;").unwrap_err();
    assert!(matches!(&error, HostError::File { problem } if problem.contains("a.graph")), "{error}");
    let error = Host::compose("b.graph", "name=wire_sockets local=127.0.0.1:0;").unwrap_err();
    assert!(matches!(&error, HostError::File { problem } if problem.contains("anchor")), "{error}");
    // A port of another's.
    let [.., c, d] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 120, c, d);
    let _first = Host::bound_to(address, PORT).unwrap();
    let error = Host::bound_to(address, PORT).unwrap_err();
    assert!(matches!(&error, HostError::File { problem } if problem.contains("local")), "{error}");
    // An anchor that is not over calls.
    let text = "name=wire_sockets local=127.0.0.1:0;\n@;\nname=anchor protocols=wire_sockets;\n";
    let host = Arc::new(Host::compose("c.graph", text).unwrap());
    let error = Binder::new("chan://127.0.0.1:9/x").through(Arc::clone(&host)).bind::<WaysClient>().unwrap_err();
    assert!(matches!(error, BindError::Io { .. }), "{error}");
}

/// In a process of its own, which names a file that is not there.
#[test]
fn a_graph_file_that_is_not_there() {
    const ASKED: &str = "NEARCALL_TEST_ASKED";
    if std::env::var_os(ASKED).is_some() {
        let error = Host::of_process().unwrap_err();
        assert!(matches!(error, HostError::Io { .. }), "{error}");
        return;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["a_graph_file_that_is_not_there", "--exact"]);
    let status = command.env(ASKED, "1").env("NEARCALL_GRAPH", "/nowhere/at/all.graph").output().unwrap().status;
    assert!(status.success());
}
