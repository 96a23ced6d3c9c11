//! LRPC's Table III, counted: which bytes are copied how often, on both sides of a call between two processes.
//!
//! `A` copies arguments into the client's region, `E` from there into the server's private memory, `F` results out of
//! the server's region into the caller's buffer. The log is one of the kernel thread that copies; the server's procedures
//! take theirs and hand it over in a later call.

mod support;

use std::path::Path;
use std::sync::Mutex;
use std::thread::ThreadId;
use std::time::Duration;

use nearcall::{SharedBytes, Wire};
use nearcall_core::shm::copy::{self, Copied};
use nearcall_testkit::process::{self, Peer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
struct Entry {
    kind: u8,
    number: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
struct Logs {
    /// Copied before the procedure was entered.
    before: Vec<Entry>,
    /// Copied by and after it, up to the entry of the call that asks.
    after: Vec<Entry>,
    /// 1 if one processor ran both, and the call before them, which emptied its log.
    whole: u8,
}

#[nearcall::interface]
trait Copies {
    #[call(astack = 8192)]
    fn write(&self, data: &[u8]) -> u32;
    #[call(astack = 8192)]
    fn text(&self, text: &str) -> u32;
    #[call(astack = 8192)]
    fn read(&self, #[out(len = return)] out: &mut [u8], len: u32) -> u32;
    #[call(astack = 8192)]
    fn reverse(&self, data: &mut [u8]);
    #[call(astack = 8192)]
    fn numbers(&self, data: &[u64]) -> u32;
    #[call(astack = 8192)]
    fn place(&self, #[in_place] data: &[u8]) -> u64;
    #[call(astack = 8192)]
    fn gather(&self, strings: &[&[u8]]) -> u32;
    #[call(astack = 8192)]
    fn scatter(&self, #[out] places: &mut [&mut [u8]]) -> u32;
    fn add(&self, a: u64, b: u64) -> u64;
    #[call(astack = 8192)]
    fn logs(&self) -> Logs;
}

/// What the interface compiler makes of the three procedures of the paper on IDL4.
#[allow(unreachable_pub, reason = "as the interface compiler writes it")]
mod pfs {
    include!("../../crates/idl/tests/lang/pfs.rs.expected");
}

impl pfs::Pfs for Copier {
    fn pfs_open(&self, client: i32, fobj: i32, flags: i32, mode: i32, handle: &mut i32) -> i32 {
        enter();
        *handle = client + fobj + flags + mode;
        0
    }
    fn pfs_write(&self, _: i32, pos: &mut i32, len: i32, _: &[i32]) -> i32 {
        enter();
        *pos += len;
        len
    }
    fn pfs_get_direntries(&self, _: i32, _: &mut i32, count: i32, data: &mut Vec<i32>) -> i32 {
        enter();
        data.resize(usize::try_from(count).unwrap(), 5);
        0
    }
}

struct Copier;

static LAST: Mutex<Option<(ThreadId, Vec<Copied>)>> = Mutex::new(None);

/// Whose log was emptied last.
static EMPTIED: Mutex<Option<ThreadId>> = Mutex::new(None);

fn enter() {
    let (log, own) = (copy::take_log(), std::thread::current().id());
    // Another processor's log may have what it did long ago.
    let is_whole = *EMPTIED.lock().unwrap() == Some(own);
    *LAST.lock().unwrap() = is_whole.then_some((own, log));
}

fn entries(log: &[Copied]) -> Vec<Entry> {
    let entry = |copied: &Copied| {
        let (kind, number) = match *copied {
            Copied::ToOwn(size) => (0, size),
            Copied::FromPeer(size) => (1, size),
            Copied::Word(index) => (2, index),
        };
        Entry { kind, number: number.try_into().unwrap() }
    };
    log.iter().map(entry).collect()
}

impl Copies for Copier {
    fn write(&self, data: &[u8]) -> u32 {
        enter();
        u32::try_from(data.len()).unwrap()
    }
    fn text(&self, text: &str) -> u32 {
        enter();
        u32::try_from(text.len()).unwrap()
    }
    fn read(&self, out: &mut [u8], len: u32) -> u32 {
        enter();
        out[..usize::try_from(len).unwrap()].fill(5);
        len
    }
    fn reverse(&self, data: &mut [u8]) {
        enter();
        data.reverse();
    }
    fn numbers(&self, data: &[u64]) -> u32 {
        enter();
        u32::try_from(data.len()).unwrap()
    }
    fn place(&self, data: SharedBytes<'_>) -> u64 {
        enter();
        let mut first = [0; 3];
        let count = data.copy_to(&mut first, 0);
        u64::try_from(data.len() + count).unwrap()
    }
    fn gather(&self, strings: &[&[u8]]) -> u32 {
        enter();
        u32::try_from(strings.concat().len()).unwrap()
    }
    fn scatter(&self, places: &mut [&mut [u8]]) -> u32 {
        enter();
        places.iter_mut().for_each(|place| place.fill(5));
        u32::try_from(places.len()).unwrap()
    }
    fn add(&self, a: u64, b: u64) -> u64 {
        enter();
        a + b
    }
    fn logs(&self) -> Logs {
        let (after, own) = (copy::take_log(), std::thread::current().id());
        *EMPTIED.lock().unwrap() = Some(own);
        let Some((thread, before)) = LAST.lock().unwrap().take() else { return Logs::default() };
        let whole = u8::from(thread == own);
        Logs { before: entries(&before), after: entries(&after), whole }
    }
}

/// What one side copied in one call.
#[derive(Debug, PartialEq, Eq)]
struct Side {
    to_own: Vec<u64>,
    from_peer: Vec<u64>,
}

impl Side {
    fn of(entries: &[Entry]) -> Self {
        let of = |kind| entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.number).collect();
        Self { to_own: of(0), from_peer: of(1) }
    }

    fn words_at_most_once(entries: &[Entry], what: &str) {
        let mut words: Vec<_> = entries.iter().filter(|entry| entry.kind == 2).map(|entry| entry.number).collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count, "{what}: a word of a line was loaded twice: {entries:?}");
    }
}

/// Client's and server's copies of one call, and how many words of lines each loaded.
fn copies(client: &CopiesClient, what: &str, call: impl Fn(&CopiesClient)) -> (Side, Side) {
    // A call that another processor takes over has its log in two places; such a one is repeated.
    for _ in 0..20 {
        client.logs().unwrap();
        drop(copy::take_log());
        call(client);
        let ours = entries(&copy::take_log());
        let logs = client.logs().unwrap();
        if logs.whole == 0 {
            continue;
        }
        Side::words_at_most_once(&ours, what);
        Side::words_at_most_once(&logs.before, what);
        // After the procedure nothing of this call is read; what is there is the line of the call that asked.
        Side::words_at_most_once(&logs.after, what);
        let mut theirs = Side::of(&logs.before);
        let after = Side::of(&logs.after);
        theirs.to_own.extend(after.to_own);
        theirs.from_peer.extend(after.from_peer);
        return (Side::of(&ours), theirs);
    }
    panic!("{what}: never on one processor");
}

#[test]
fn each_byte_is_copied_as_often_as_table_iii_says() {
    let (_outer, dir) = support::names();
    let _server = Peer::start("copies", &dir);
    let client: CopiesClient = nearcall::Binder::new("copies").dir(&dir).wait(Duration::from_secs(10)).bind().unwrap();
    let side = |to_own: &[u64], from_peer: &[u64]| Side { to_own: to_own.to_vec(), from_peer: from_peer.to_vec() };
    let none = || side(&[], &[]);
    println!("bytes  &[u8]  &str  #[out]  &mut [u8]  &[u64]  #[in_place]");
    for len in [1usize, 7, 63, 64, 65, 1000, 1500, 4096, 8000] {
        let n = u64::try_from(len).unwrap();
        let data = vec![b'x'; len];
        let text = str::from_utf8(&data).unwrap();

        let write = copies(&client, "write", |client| assert_eq!(client.write(&data), Ok(u32::try_from(len).unwrap())));
        assert_eq!(write, (side(&[n], &[]), side(&[], &[n])), "&[u8] of {len}: A, E");

        let said = copies(&client, "text", |client| assert_eq!(client.text(text), Ok(u32::try_from(len).unwrap())));
        assert_eq!(said, (side(&[n], &[]), side(&[], &[n])), "&str of {len}: A, E");

        let read = copies(&client, "read", |client| {
            let mut out = vec![0; len];
            assert_eq!(client.read(&mut out, u32::try_from(len).unwrap()), Ok(u32::try_from(len).unwrap()));
            assert_eq!(out, vec![5; len]);
        });
        assert_eq!(read, (side(&[], &[n]), none()), "#[out] of {len}: F, and the server writes in place");

        let part = copies(&client, "read a part", |client| {
            let mut out = vec![0; len];
            assert_eq!(client.read(&mut out, 1), Ok(1));
        });
        assert_eq!(part, (side(&[], &[1]), none()), "only what was returned is copied");

        let both = copies(&client, "reverse", |client| client.reverse(&mut data.clone()).unwrap());
        assert_eq!(both, (side(&[n], &[n]), side(&[], &[n])), "&mut [u8] of {len}: A, E, F");
        let wide = vec![7_u64; len / 8];
        let items = copies(&client, "numbers", |client| {
            assert_eq!(client.numbers(&wide), Ok(u32::try_from(wide.len()).unwrap()));
        });
        let n8 = u64::try_from(wide.len() * 8).unwrap();
        assert_eq!(items, (side(&[n8], &[]), side(&[], &[n8])), "&[u64] of {n8}: A, E, in one piece each");

        let looked = len.min(3);
        let place = copies(&client, "place", |client| {
            assert_eq!(client.place(&data), Ok(u64::try_from(len + looked).unwrap()));
        });
        let looked = u64::try_from(looked).unwrap();
        assert_eq!(place, (side(&[n], &[]), side(&[], &[looked])), "#[in_place] of {len}: A, and what is looked at");
        println!("{len:5}  A E    A E   F       A E F      A E     A");
    }
    // Several strings: the lengths beside them, and no byte more often than of one.
    let words: [&[u8]; 5] = [b"five", b"", b"strings", b"as", &[7; 700]];
    let sizes = [4, 0, 7, 2, 700];
    let gather = copies(&client, "gather", |client| assert_eq!(client.gather(&words), Ok(713)));
    assert_eq!(gather, (side(&[&[20][..], &sizes].concat(), &[]), side(&[], &[20, 713])), "5 to 1: A, E");
    let scatter = copies(&client, "scatter", |client| {
        let mut places = words.map(<[u8]>::to_vec);
        let mut lent = places.each_mut().map(Vec::as_mut_slice);
        assert_eq!(client.scatter(&mut lent), Ok(5));
        assert_eq!(places.concat(), [5; 713]);
    });
    assert_eq!(scatter, (side(&[20], &sizes), side(&[], &[20])), "1 to 5: F, and the server writes in place");
    let add = copies(&client, "add", |client| assert_eq!(client.add(2, 3), Ok(5)));
    assert_eq!(add, (none(), none()), "values ride in the lines");
    // The same of an `.idl`'s stubs: words are moved by nobody, and what varies once by each side.
    let pfs: pfs::PfsClient = nearcall::Binder::new("pfs").dir(&dir).wait(Duration::from_secs(10)).bind().unwrap();
    let open = copies(&client, "pfs_open", |_| {
        let mut handle = 0;
        assert_eq!((pfs.pfs_open(1, 2, 3, 4, &mut handle), handle), (Ok(0), 10));
    });
    assert_eq!(open, (none(), none()), "five words");
    let write = copies(&client, "pfs_write", |_| {
        let mut pos = 7;
        assert_eq!((pfs.pfs_write(1, &mut pos, 3, &[1, 2, 3]), pos), (Ok(3), 10));
    });
    assert_eq!(write, (side(&[12], &[]), side(&[], &[12])), "data: A, E; the words beside it not at all");
    let read = copies(&client, "pfs_get_direntries", |_| {
        let mut data = Vec::new();
        assert_eq!((pfs.pfs_get_direntries(1, &mut 0, 4, &mut data), data), (Ok(0), vec![5; 4]));
    });
    assert_eq!(read, (side(&[], &[16]), none()), "data: F; the words beside it not at all");
    // Beyond the frame they lie in a segment, and are copied from there to where they stay.
    let read = copies(&client, "pfs_get_direntries beyond the frame", |_| {
        let mut data = Vec::new();
        assert_eq!((pfs.pfs_get_direntries(1, &mut 0, 1000, &mut data), data), (Ok(0), vec![5; 1000]));
    });
    assert_eq!(read, (side(&[], &[4000]), none()), "data: F");
}

fn serve(dir: &Path) -> ! {
    let export = nearcall::Exporter::new("copies").dir(dir).export(CopiesServer::new(Copier)).unwrap();
    process::ready();
    let pfs = nearcall::Exporter::new("pfs").dir(dir).export(pfs::PfsServer::new(Copier)).unwrap();
    std::mem::forget((export, pfs));
    process::until_released();
}

/// Not a test: the server.
#[test]
fn play() {
    if let Some((part, dir)) = Peer::part() {
        assert_eq!(part, "copies");
        serve(&dir);
    }
}
