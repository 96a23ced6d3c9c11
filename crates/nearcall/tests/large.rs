//! What does not fit a frame, and what happens when there are more calls than A-stacks.
#![allow(missing_docs, unreachable_pub, reason = "an interface for these tests")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall::{CallError, Client, SharedBytes};
use support::Server;

const MIB: usize = 1 << 20;

/// A server's memory in pages that another process may map, and in private ones, in bytes; and its mappings of memory
/// files.
type Held = (u64, u64, u32);

// An unoptimised server is busy with 64 MiB for a second, and for as many as there are others on its CPU.
#[nearcall::interface]
pub trait Bulk {
    /// A check of the bytes.
    fn put(&self, data: &[u8]) -> u64;
    #[call(max = 64 MiB, timeout = "300s")]
    fn put_much(&self, data: &[u8]) -> u64;
    /// Takes so many milliseconds.
    #[call(timeout = "100ms")]
    fn put_slowly(&self, milliseconds: u32, data: &[u8]) -> u64;
    #[call(max = 64 MiB, timeout = "300s")]
    fn look(&self, #[in_place] data: &[u8], at: u64) -> Option<u8>;
    #[call(max = 64 MiB, timeout = "300s")]
    fn get(&self, seed: u8, #[out(len = return)] data: &mut [u8]) -> u32;
    #[call(max = 64 MiB, timeout = "300s")]
    fn made(&self, seed: u8, len: u32) -> Vec<u8>;
    fn swap(&self, head: [u64; 6], first: &mut [u8], text: &str, #[out] second: &mut [u16]) -> String;
    fn small(&self, #[max(10)] text: &str) -> u32;
    fn held(&self) -> Held;
    #[call(concurrency = 5, timeout = "5s")]
    fn wait(&self, milliseconds: u32) -> u32;
    #[call(concurrency = 5, exhausted = "fail", astack = 2000)]
    fn wait_or_fail(&self, milliseconds: u32) -> u32;
    #[call(concurrency = 5, exhausted = "grow(7)", astack = 3000, timeout = "5s")]
    fn wait_or_grow(&self, milliseconds: u32, data: &[u8], #[out] back: &mut [u8]) -> u32;
}

struct Holder(AtomicU32);

fn check(data: &[u8]) -> u64 {
    data.iter().fold(data.len() as u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn made(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(3) ^ (i >> 8) as u8 ^ seed).collect()
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    };
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let files = maps.lines().filter(|line| line.contains("memfd:nearcall")).count();
    (of("RssShmem"), of("RssAnon"), files as u32)
}

impl Holder {
    fn wait(&self, milliseconds: u32) -> u32 {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        self.0.fetch_sub(1, Ordering::SeqCst);
        now
    }
}

impl Bulk for Holder {
    fn put(&self, data: &[u8]) -> u64 {
        check(data)
    }
    fn put_much(&self, data: &[u8]) -> u64 {
        check(data)
    }
    fn put_slowly(&self, milliseconds: u32, data: &[u8]) -> u64 {
        std::thread::sleep(Duration::from_millis(milliseconds.into()));
        check(data)
    }
    fn look(&self, data: SharedBytes<'_>, at: u64) -> Option<u8> {
        data.read(usize::try_from(at).ok()?)
    }
    fn get(&self, seed: u8, data: &mut [u8]) -> u32 {
        data.copy_from_slice(&made(seed, data.len()));
        data.len() as u32
    }
    fn made(&self, seed: u8, len: u32) -> Vec<u8> {
        made(seed, len as usize)
    }
    fn swap(&self, head: [u64; 6], first: &mut [u8], text: &str, second: &mut [u16]) -> String {
        first.reverse();
        second.iter_mut().zip(0..).for_each(|(to, i)| *to = head[5] as u16 + i);
        text.chars().rev().collect()
    }
    fn small(&self, text: &str) -> u32 {
        text.len() as u32
    }
    fn held(&self) -> Held {
        held()
    }
    fn wait(&self, milliseconds: u32) -> u32 {
        Self::wait(self, milliseconds)
    }
    fn wait_or_fail(&self, milliseconds: u32) -> u32 {
        Self::wait(self, milliseconds)
    }
    fn wait_or_grow(&self, milliseconds: u32, data: &[u8], back: &mut [u8]) -> u32 {
        back.copy_from_slice(data);
        Self::wait(self, milliseconds)
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        nearcall::Exporter::new("bulk").dir(dir).export(BulkServer::new(Holder(AtomicU32::new(0)))).unwrap()
    });
}

/// One test at a time: they look at what this process has mapped.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn out_of_band(bulk: &BulkClient) -> u64 {
    bulk.binding().counts().out_of_band
}

#[test]
fn what_fits_the_frame_stays_in_it_and_one_byte_more_does_not() {
    let _alone = alone();
    let server = Server::start("frame");
    let bulk: BulkClient = server.bind_to("bulk");
    let data = made(1, 1501);
    assert_eq!(bulk.put(&data[..1500]), Ok(check(&data[..1500])));
    assert_eq!(out_of_band(&bulk), 0);
    let before = held().2;
    assert_eq!(bulk.put(&data), Ok(check(&data)));
    assert_eq!((out_of_band(&bulk), held().2 - before), (1, 1));
    for len in [2000, 60_000, 65_536] {
        let data = made(len as u8, len);
        assert_eq!(bulk.put(&data), Ok(check(&data)));
    }
    assert_eq!((out_of_band(&bulk), held().2 - before), (4, 1), "one segment serves all that fit it");
    let data = made(2, 65_537);
    assert_eq!(bulk.put(&data), Ok(check(&data)));
    assert_eq!(held().2 - before, 1, "a larger one takes its place");
    assert_eq!(bulk.put(&data[..7]), Ok(check(&data[..7])));
    assert_eq!(out_of_band(&bulk), 5);
}

#[test]
fn sizes_are_bounded_by_the_interface() {
    let _alone = alone();
    let server = Server::start("bounds");
    let bulk: BulkClient = server.bind_to("bulk");
    let data = vec![7; 64 * MIB + 1];
    assert_eq!(bulk.put(&data[..MIB]), Ok(check(&data[..MIB])));
    assert_eq!(bulk.put(&data[..=MIB]), Err(CallError::TooLarge { size: MIB + 1, limit: MIB }));
    assert_eq!(bulk.put_much(&data[..64 * MIB]), Ok(check(&data[..64 * MIB])));
    let before = bulk.binding().counts();
    let too_large = CallError::TooLarge { size: 64 * MIB + 1, limit: 64 * MIB };
    assert_eq!((bulk.put_much(&data), too_large.ran()), (Err(too_large), Some(nearcall::Ran::No)));
    assert_eq!(bulk.look(&data, 0), Err(too_large));
    assert_eq!(bulk.binding().counts().calls, before.calls, "nothing was sent");
    assert_eq!(bulk.look(&data[..64 * MIB], 64 * MIB as u64 - 1), Ok(Some(7)));
    assert_eq!(bulk.small("0123456789"), Ok(10));
    assert_eq!(bulk.small("0123456789a"), Err(CallError::TooLarge { size: 11, limit: 10 }));
}

#[test]
fn results_go_out_of_band_as_well() {
    let _alone = alone();
    let server = Server::start("results");
    let bulk: BulkClient = server.bind_to("bulk");
    let mut data = vec![0; 64 * MIB];
    for len in [1500, 1501, 70_000, 64 * MIB, 1501, 10] {
        data[..len].fill(0);
        assert_eq!(bulk.get(5, &mut data[..len]), Ok(len as u32));
        assert!(data[..len] == made(5, len), "{len}");
        assert!(bulk.made(6, len as u32).unwrap() == made(6, len), "{len}");
    }
    assert_eq!(bulk.made(6, 64 * MIB as u32 + 1), Err(CallError::ResultTooLarge));
    // Head, two areas and a tail, of which some lie in the frame and others do not.
    for (first, second, text) in
        [(10, 10, 10), (2000, 10, 10), (10, 2000, 10), (10, 10, 2000), (3000, 3000, 3000), (0, 700, 1400)]
    {
        let text: String = made(9, text).iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let (mut one, mut two) = (made(1, first), vec![0; second]);
        let back = bulk.swap([1, 2, 3, 4, 5, 600], &mut one, &text, &mut two).unwrap();
        one.reverse();
        assert!(one == made(1, first) && two.iter().zip(600..).all(|(is, should)| *is == should));
        assert_eq!(back, text.chars().rev().collect::<String>());
    }
}

#[test]
fn memory_out_of_band_goes_back_after_use() {
    let _alone = alone();
    let server = Server::start("given-back");
    let bulk: BulkClient = server.bind_to("bulk");
    let mut data = vec![1; 32 * MIB];
    bulk.put(&data[..10]).unwrap();
    let (server_before, own_before) = (bulk.held().unwrap(), held());
    bulk.put_much(&data).unwrap();
    bulk.get(1, &mut data).unwrap();
    let during = bulk.held().unwrap();
    assert!(during.0 >= server_before.0 + 60 * MIB as u64, "{server_before:?} {during:?}");
    assert_eq!(held().2, own_before.2 + 2);
    let start = Instant::now();
    loop {
        let now = (bulk.held().unwrap(), held());
        let near = |now: u64, before: u64| now < before + 2 * MIB as u64;
        if now.0.2 == server_before.2
            && now.1.2 == own_before.2
            && near(now.0.0, server_before.0)
            && near(now.0.1, server_before.1)
        {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{server_before:?} {own_before:?} {now:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(bulk.put_much(&data[..MIB]), Ok(check(&data[..MIB])), "and comes again");
}

/// How often the hidden kernel threads of a process went to sleep.
fn sleeps(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().path());
    let hidden =
        |task: &std::path::PathBuf| std::fs::read_to_string(task.join("comm")).unwrap().starts_with("nearcall-");
    let times = |task: std::path::PathBuf| {
        let status = std::fs::read_to_string(task.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    tasks.filter(hidden).map(times).sum()
}

/// Waits until neither process was woken for three seconds.
fn quiet(pids: [u32; 2]) {
    let start = Instant::now();
    loop {
        let before = pids.map(sleeps);
        std::thread::sleep(Duration::from_secs(3));
        let after = pids.map(sleeps);
        if before == after {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(25), "woken all the time: {before:?}, {after:?}");
    }
}

#[test]
fn nothing_wakes_when_large_calls_are_over_answered_or_not() {
    let _alone = alone();
    let mut server = Server::start("quiet");
    let bulk: BulkClient = server.bind_to("bulk");
    let pids = [server.pid(), std::process::id()];
    let mut data = vec![1; MIB];
    let before = held().2;
    bulk.put(&data).unwrap();
    bulk.get(1, &mut data).unwrap();
    // Given up, and answered late, with nobody calling after that.
    assert!(matches!(bulk.put_slowly(500, &data), Err(CallError::Timeout { .. })));
    quiet(pids);
    assert_eq!(held().2, before, "and the segments are gone");
    // Given up, and not answered.
    assert!(matches!(bulk.put_slowly(3_600_000, &data), Err(CallError::Timeout { .. })));
    std::thread::sleep(Duration::from_secs(4));
    let looked = sleeps(pids[1]);
    std::thread::sleep(Duration::from_secs(7));
    let looks = sleeps(pids[1]) - looked;
    assert!(looks <= 2, "less and less often: {looks}");
    server.kill();
    assert!(matches!(bulk.put(&data), Err(CallError::PeerDied { .. })));
    quiet([pids[1]; 2]);
}

/// Calls from six threads at once; what each got.
fn six(call: impl Fn() -> Result<u32, CallError> + Sync) -> Vec<Result<u32, CallError>> {
    let begin = Barrier::new(6);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    begin.wait();
                    call()
                })
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn five_calls_run_and_the_sixth_does_as_it_is_told() {
    let _alone = alone();
    let server = Server::start("six");
    let bulk: Arc<BulkClient> = Arc::new(server.bind_to("bulk"));
    let waited = six(|| bulk.wait(300));
    assert_eq!(waited.iter().flatten().max(), Some(&5), "{waited:?}");
    assert!(waited.iter().all(Result::is_ok), "the sixth waits: {waited:?}");
    let failed = six(|| bulk.wait_or_fail(300));
    let refused = failed.iter().filter(|one| **one == Err(CallError::NoAStack)).count();
    assert_eq!((refused, failed.iter().flatten().count()), (1, 5), "{failed:?}");
    let data = made(3, 100);
    let grow = || {
        let mut back = vec![0; 100];
        let waited = bulk.wait_or_grow(300, &data, &mut back);
        assert_eq!(back, data);
        waited
    };
    let grown = six(grow);
    assert_eq!(grown.iter().flatten().max(), Some(&6), "{grown:?}");
    // A grown A-stack has no frame in the regions, so this call went out of band.
    assert_eq!(out_of_band(&bulk), 1);
    let more = std::thread::scope(|scope| {
        let two = [scope.spawn(|| six(grow)), scope.spawn(|| six(grow))];
        two.map(|six| six.join().unwrap()).concat()
    });
    assert_eq!(more.iter().flatten().max(), Some(&7), "no more than it may: {more:?}");
    assert!(more.iter().all(Result::is_ok), "the others wait: {more:?}");
}

#[test]
fn many_threads_with_calls_of_all_sizes() {
    let _alone = alone();
    let server = Server::start("mixed");
    let bulk: BulkClient = server.bind_to("bulk");
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let bulk = &bulk;
            scope.spawn(move || {
                for i in 0..60 {
                    let len = [0, 3, 1500, 1501, 9000, 70_000, 300_000][(i * 5 + thread) % 7];
                    let data = made(thread as u8, len);
                    assert_eq!(bulk.put(&data), Ok(check(&data)));
                    assert!(bulk.made(i as u8, len as u32).unwrap() == made(i as u8, len));
                }
            });
        }
    });
}
