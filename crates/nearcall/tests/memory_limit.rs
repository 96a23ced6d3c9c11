//! A server in a control group with little memory, and clients that want much of it.
#![allow(missing_docs, unreachable_pub, reason = "an interface for these tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use nearcall::{CallError, SharedBytes};
use support::Server;

const MIB: usize = 1 << 20;
const LIMIT: usize = 4 * MIB;

#[nearcall::interface]
pub trait Narrow {
    /// Puts the process into a control group.
    fn enter(&self, procs: &str) -> bool;
    #[call(max = 64 MiB)]
    fn put(&self, data: &[u8]) -> u64;
    #[call(max = 64 MiB)]
    fn look(&self, #[in_place] data: &[u8]) -> u64;
    #[call(max = 64 MiB)]
    fn get(&self, #[out] data: &mut [u8]);
    #[call(max = 64 MiB)]
    fn made(&self, len: u32) -> Vec<u8>;
}

struct Small;

impl Narrow for Small {
    fn enter(&self, procs: &str) -> bool {
        fs::write(procs, std::process::id().to_string()).is_ok()
    }
    fn put(&self, data: &[u8]) -> u64 {
        data.iter().map(|&byte| u64::from(byte)).sum()
    }
    fn look(&self, data: SharedBytes<'_>) -> u64 {
        let mut sum = 0;
        data.chunks(&mut [0; 4096], |chunk| sum += chunk.iter().map(|&byte| u64::from(byte)).sum::<u64>());
        sum
    }
    fn get(&self, data: &mut [u8]) {
        data.fill(1);
    }
    fn made(&self, len: u32) -> Vec<u8> {
        vec![1; len as usize]
    }
}

#[test]
fn serve() {
    support::serve_if_asked_by(|dir| {
        nearcall::Exporter::new("narrow").dir(dir).export(NarrowServer::new(Small)).unwrap()
    });
}

/// A control group of its own for this test.
struct Group(PathBuf);

impl Group {
    /// `None`: this process may not make one, or has no memory controller.
    fn new() -> Option<Self> {
        let name = format!("nearcall-test-{}", std::process::id());
        for (root, file) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let group = Self(Path::new(root).join(&name));
            if fs::create_dir(&group.0).is_ok() && fs::write(group.0.join(file), LIMIT.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }

    fn read(&self, files: [&str; 2]) -> Option<String> {
        files.iter().find_map(|file| fs::read_to_string(self.0.join(file)).ok())
    }

    fn kills(&self) -> u64 {
        let events = self.read(["memory.oom_control", "memory.events"]).unwrap();
        let line = events.lines().find(|line| line.starts_with("oom_kill ")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Fails while the server, which the test drops first, has not gone altogether.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn large_calls_do_not_kill_a_server_that_has_little_memory() {
    let Some(group) = Group::new() else {
        println!("SKIPPED: this process may not make a control group with a memory limit");
        return;
    };
    let server = Server::start("narrow");
    let narrow: NarrowClient = server.bind_to("narrow");
    if !narrow.enter(group.0.join("cgroup.procs").to_str().unwrap()).unwrap() {
        println!("SKIPPED: the server may not enter the control group");
        return;
    }
    let data = vec![1; 16 * MIB];
    for _ in 0..3 {
        // As `&[u8]` the server would pay for a copy; as results, for a segment. In place, the client pays.
        let error = narrow.put(&data).unwrap_err();
        assert_eq!(error, CallError::TooLarge { size: 16 * MIB, limit: LIMIT / 8 });
        assert_eq!(narrow.look(&data), Ok(16 * MIB as u64));
        let mut into = vec![0; 16 * MIB];
        let error = narrow.get(&mut into).unwrap_err();
        assert!(matches!(error, CallError::TooLarge { limit, .. } if limit == LIMIT / 8), "{error}");
        assert!(into.iter().all(|&byte| byte == 0));
    }
    assert_eq!(narrow.put(&data[..LIMIT / 16]), Ok(LIMIT as u64 / 16), "what fits goes on");
    assert_eq!(narrow.made(1000).map(|made| made.len()), Ok(1000));
    assert_eq!(group.kills(), 0);
    let usage = group.read(["memory.max_usage_in_bytes", "memory.peak"]);
    println!("the server used up to {} of {LIMIT} bytes", usage.unwrap_or_default().trim());
    drop(server);
}
