//! A client process that does what a test tells it, and what it saw.
//!
//! It writes down each call on the board, so that a test sees one that does not end. Words of the board have one writer at
//! a time: the test between two jobs, the worker's threads during one; but for [`STOP`], which is the test's.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall::{Client as _, ClientCounts, Transfer};
use nearcall_core::shm::copy;
use nearcall_testkit::autopsy::autopsy;
use nearcall_testkit::board::Board;
use nearcall_testkit::busy;
use nearcall_testkit::process::{self, Peer};
use nearcall_testkit::random::Random;
use nearcall_testkit::tasks::{self, Task};

use super::{WorkClient, bind};

/// What a worker is to do.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Calls of each thread; [`UNTIL_STOPPED`].
    pub calls: u64,
    pub threads: usize,
    /// How to wait; `None`: threads begin with different modes and change them now and then.
    pub transfer: Option<Transfer>,
    /// Between two bursts of calls the caller is busy for less than this, at random; now and then it sleeps.
    pub pause_us: u64,
    /// Calls without a pause between them, about.
    pub burst: u64,
    /// Every other procedure is busy for less than this, at random.
    pub spin_us: u64,
    /// Each procedure sleeps for just this.
    pub sleep_us: u64,
}

pub const UNTIL_STOPPED: u64 = u64::MAX;

/// All the ways to wait.
pub const MODES: [Transfer; 4] = [Transfer::Auto, Transfer::Donate, Transfer::Block, Transfer::Spin];
/// Of these, the ones that leave a CPU to others.
pub const MIXED: usize = 3;

impl Job {
    /// Null calls, back to back, on one thread.
    pub const fn new(calls: u64) -> Self {
        Self { calls, threads: 1, transfer: Some(Transfer::Auto), pause_us: 0, burst: 1, spin_us: 0, sleep_us: 0 }
    }

    fn line(&self) -> String {
        let mode = self.transfer.and_then(|mode| MODES.iter().position(|&other| other == mode)).unwrap_or(MODES.len());
        let Self { calls, threads, pause_us, burst, spin_us, sleep_us, .. } = self;
        format!("{calls} {threads} {mode} {pause_us} {burst} {spin_us} {sleep_us}")
    }

    fn parse(line: &str) -> Self {
        let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let [calls, threads, mode, pause_us, burst, spin_us, sleep_us] = numbers[..] else { panic!("{line}") };
        let index = |number: u64| usize::try_from(number).unwrap();
        let transfer = MODES.get(index(mode)).copied();
        Self { calls, threads: index(threads), transfer, pause_us, burst, spin_us, sleep_us }
    }
}

/// Words of each worker on the board; after them those of its threads.
const JOBS_DONE: usize = 0;
const STOP: usize = 1;
const COUNTS: usize = 2;
const THREADS: usize = 16;
/// Words of a thread.
const CALLS: usize = 0;
const WORST: usize = 1;
const MEDIAN: usize = 2;
const VOLUNTARY: usize = 3;
const ENDED: usize = 4;
const THREAD_SIZE: usize = 8;
pub const THREAD_COUNT_MAX: usize = 16;
const WORKER_SIZE: usize = THREADS + THREAD_COUNT_MAX * THREAD_SIZE;
pub const WORKER_COUNT_MAX: usize = 32;

pub fn board(dir: &Path) -> Board {
    Board::open(&dir.with_extension("board"), WORKER_COUNT_MAX * WORKER_SIZE)
}

/// What one thread of a job saw.
#[derive(Debug, Clone, Copy)]
pub struct ThreadReport {
    pub calls: u64,
    pub worst: Duration,
    pub median: Duration,
    /// Times the kernel says it had to wait, but for its pauses.
    pub voluntary: u64,
}

/// What a job came to. Every answer in it was right.
#[derive(Debug, Clone)]
pub struct Report {
    pub threads: Vec<ThreadReport>,
    /// The difference that the job made.
    pub counts: ClientCounts,
}

impl Report {
    pub fn worst(&self) -> Duration {
        self.threads.iter().map(|thread| thread.worst).max().unwrap()
    }

    pub fn calls(&self) -> u64 {
        self.threads.iter().map(|thread| thread.calls).sum()
    }
}

/// How long a call may make no progress before that is a mistake, where nothing else is said.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A client process.
pub struct Worker {
    pub peer: Peer,
    server: u32,
    board: Arc<Board>,
    first: usize,
    told: u64,
    threads: usize,
}

impl Worker {
    /// Starts a process that is bound to the server in `dir`, and has called it.
    pub fn start(dir: &Path, server: u32, board: Arc<Board>, slot: usize) -> Self {
        assert!(slot < WORKER_COUNT_MAX);
        let peer = Peer::start(&format!("worker {slot}"), dir);
        Self { peer, server, board, first: slot * WORKER_SIZE, told: 0, threads: 0 }
    }

    pub fn pid(&self) -> u32 {
        self.peer.pid()
    }

    /// Begins a job; the one before has to be finished.
    pub fn begin(&mut self, job: Job) {
        assert!(job.threads <= THREAD_COUNT_MAX && self.done() == self.told);
        (STOP..WORKER_SIZE).for_each(|word| self.board.set(self.first + word, 0));
        self.threads = job.threads;
        self.told += 1;
        self.peer.tell(&job.line());
    }

    /// Does a job to its end.
    pub fn run(&mut self, job: Job) -> Report {
        self.begin(job);
        self.finish(PATIENCE)
    }

    /// Ends a job, whatever is left of it.
    pub fn stop(&mut self) -> Report {
        self.board.set(self.first + STOP, 1);
        self.finish(PATIENCE)
    }

    /// Waits for the end of a job. Each thread must go on: one that made no progress for `stall` while neither side is
    /// running has lost a wake, and the test fails.
    pub fn finish(&mut self, stall: Duration) -> Report {
        let mut seen = self.progress();
        let mut since = vec![Instant::now(); seen.len()];
        while self.done() < self.told {
            std::thread::sleep(Duration::from_millis(2));
            let now = self.progress();
            for (i, since) in since.iter_mut().enumerate() {
                if now[i] != seen[i] || self.thread(i, ENDED) == 1 {
                    *since = Instant::now();
                }
                // On a busy machine both may be ready to run for long.
                let late = since.elapsed();
                if late > stall && (self.is_asleep() || late > stall + PATIENCE) {
                    panic!("thread {i} stands at {} for {late:?}\n{}", now[i], autopsy(self.pid(), self.server));
                }
            }
            seen = now;
        }
        self.report()
    }

    /// Waits until each thread has made `count` more calls.
    pub fn goes_on(&mut self, count: u64, what: &str) {
        let (before, start) = (self.progress(), Instant::now());
        while self.progress().iter().zip(&before).any(|(now, before)| now - before < count) {
            let text = || format!("{what}: {before:?} {:?}\n{}", self.progress(), autopsy(self.pid(), self.server));
            assert!(start.elapsed() < PATIENCE, "{}", text());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn done(&self) -> u64 {
        self.board.get(self.first + JOBS_DONE)
    }

    fn thread(&self, thread: usize, word: usize) -> u64 {
        self.board.get(self.first + THREADS + thread * THREAD_SIZE + word)
    }

    /// Calls of each thread so far.
    pub fn progress(&self) -> Vec<u64> {
        (0..self.threads).map(|thread| self.thread(thread, CALLS)).collect()
    }

    fn is_asleep(&self) -> bool {
        (0..20).all(|_| {
            std::thread::sleep(Duration::from_millis(5));
            let all = [self.pid(), self.server].map(tasks::tasks);
            !all.iter().flatten().any(|task| task.state == 'R')
        })
    }

    fn report(&self) -> Report {
        let threads = (0..self.threads).map(|thread| {
            let word = |word| self.thread(thread, word);
            let (worst, median) = (Duration::from_nanos(word(WORST)), Duration::from_nanos(word(MEDIAN)));
            ThreadReport { calls: word(CALLS), worst, median, voluntary: word(VOLUNTARY) }
        });
        let mut counts = ClientCounts::default();
        for (i, count) in fields(&mut counts).into_iter().enumerate() {
            *count = self.board.get(self.first + COUNTS + i);
        }
        Report { threads: threads.collect(), counts }
    }
}

fn fields(counts: &mut ClientCounts) -> [&mut u64; 9] {
    let ClientCounts { calls, spun, donated, slept, sleeps, yields_paid, yields_wasted, bells, messages, .. } = counts;
    [calls, spun, donated, slept, sleeps, yields_paid, yields_wasted, bells, messages]
}

/// Plays worker `slot`.
pub fn play(dir: &Path, slot: usize) -> ! {
    let (board, first) = (board(dir), slot * WORKER_SIZE);
    let mut clients = vec![bind(dir)];
    assert_eq!(clients[0].add(2, 3), Ok(5));
    process::ready();
    while let Some(line) = process::told() {
        let job = Job::parse(&line);
        clients.extend((clients.len()..job.threads).map(|_| bind(dir)));
        let mut before = clients[0].binding().counts();
        std::thread::scope(|scope| {
            for (i, client) in clients.iter().take(job.threads).enumerate() {
                let cells = first + THREADS + i * THREAD_SIZE;
                let board = &board;
                scope.spawn(move || job.work(client, i, board, first + STOP, cells));
            }
        });
        let mut after = clients[0].binding().counts();
        for (i, (after, before)) in fields(&mut after).into_iter().zip(fields(&mut before)).enumerate() {
            board.set(first + COUNTS + i, *after - *before);
        }
        board.bump(first + JOBS_DONE);
    }
    std::process::exit(0);
}

impl Job {
    fn work(&self, client: &WorkClient, number: usize, board: &Board, stop: usize, cells: usize) {
        let mut random = Random::new(u64::try_from(cells).unwrap());
        client.binding().set_transfer(self.transfer.unwrap_or(MODES[number % MIXED]));
        let mut times = Vec::new();
        let mut worst = Duration::ZERO;
        let mut own_sleeps = 0;
        let before = Task::own().voluntary;
        for n in 0..self.calls {
            if board.get(stop) == 1 {
                break;
            }
            if self.transfer.is_none() && random.below(64) == 0 {
                client.binding().set_transfer(random.one_of(&MODES[..MIXED]));
            }
            let start = Instant::now();
            if self.sleep_us > 0 {
                assert_eq!(client.sleep(self.sleep_us), Ok(self.sleep_us));
            } else if self.spin_us > 0 && random.below(2) == 0 {
                let time = random.below(self.spin_us);
                assert_eq!(client.spin(time), Ok(time));
            } else {
                assert_eq!(client.add(n, 1), Ok(n + 1));
            }
            let time = start.elapsed();
            drop(copy::take_log());
            worst = worst.max(time);
            if times.len() < 1 << 20 {
                times.push(u64::try_from(time.as_nanos()).unwrap());
            }
            board.bump(cells + CALLS);
            if self.pause_us > 0 && random.below(self.burst) == 0 {
                let pause = Duration::from_micros(random.below(self.pause_us));
                if random.below(16) == 0 && !pause.is_zero() {
                    std::thread::sleep(pause);
                    own_sleeps += 1;
                } else {
                    busy::spin(pause);
                }
            }
        }
        board.set(cells + VOLUNTARY, (Task::own().voluntary - before).saturating_sub(own_sleeps));
        board.set(cells + WORST, u64::try_from(worst.as_nanos()).unwrap());
        times.sort_unstable();
        board.set(cells + MEDIAN, times.get(times.len() / 2).copied().unwrap_or(0));
        board.set(cells + ENDED, 1);
    }
}
