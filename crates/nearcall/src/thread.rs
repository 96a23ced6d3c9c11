//! User-level threads: some tens of nanoseconds to start and join, cooperative, on guarded stacks.
//!
//! **Threads are cooperative.** One that computes, or that blocks in code which is not nearcall's, keeps its kernel thread from
//! everything else that is ready there. It lets others run where it waits: for a join, a [mutex](crate::sync::Mutex), a sleep,
//! a reply; and where it calls [`yield_now`]. The [watchdog] names one that does so for more than 100 ms.
//!
//! **A started thread never changes its kernel thread**, so what is not `Send` may live across a wait, and the kernel thread's
//! own thread-locals are shared by all threads that run there: [`Local`] is for each of them. One that has not started may
//! start anywhere.
//!
//! Threads run on workers: kernel threads that are started when they are needed, at most one for each CPU that the process may
//! use ([`set_workers`]). Without work they sleep. Everything here may be called from any kernel thread, too; it blocks there.
//!
//! **What a spawn costs** depends on where it is done. In a thread, spawn and join take some tens of nanoseconds, without a
//! system call. On a kernel thread that runs no threads a worker has to be woken, and has to wake whoever joins: some 5 us a
//! thread where many are spawned and then joined, some 170 us where each is joined before the next one. So spawn one thread, and
//! the others from there. A thread begins when its spawner waits or yields, or some 50 us after the spawn where the spawner goes
//! on and another worker is idle; after many spawns that were joined at once it may be 100 ms until that is tried again.
//!
//! **Cancelling is for good**: from then on each wait of the thread that can fail does. [`sleep`] and [`park`] hear of
//! that, and of nothing else: not of the caller of a procedure that has given its call up, which `current().is_cancelled()`
//! tells. Kernel threads are not cancelled.
//!
//! **Nothing is suspended while it panics**: a destructor that joins, locks or sleeps while its thread unwinds blocks the kernel
//! thread with all its threads, so one that waits there for a thread of the same kernel thread waits for ever.
//!
//! When the process ends, threads that are suspended are not unwound: their destructors do not run, as with std's.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nearcall_core::threads::{self, Ended, NoWorker, stack};

pub use nearcall_core::threads::scope::{Scope, ScopedJoinHandle, scope};
pub use nearcall_core::threads::{JoinError, NoStack, Thread, current, yield_now};

/// Who keeps ready threads waiting: a report for each thread that has run for more than 100 ms while another was ready on the
/// same processor. By default it is a line on standard error.
pub mod watchdog {
    pub use nearcall_core::threads::watchdog::{Report, on_report};
}

/// Why a thread was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// No kernel thread can be had for the first worker. The limit of the user or the control group is reached.
    #[error("no kernel thread can be started for threads to run on: {0}")]
    NoKernelThread(#[source] io::Error),
    /// This process was forked from one that had workers; they are not here. Exec a program in the child first.
    #[error("this process was forked from one that runs threads; exec a program in the child first")]
    Forked,
    /// The stack that was asked for is larger than 64 MiB.
    #[error("a stack of {0} bytes is larger than 64 MiB")]
    StackTooLarge(usize),
    /// [`spawn_local`] was called on a kernel thread that runs no threads.
    #[error("this kernel thread runs no threads, so none can be started on it")]
    NotHere,
}

impl From<NoWorker> for SpawnError {
    fn from(why: NoWorker) -> Self {
        match why {
            NoWorker::KernelThread(error) => Self::NoKernelThread(error),
            _ => Self::Forked,
        }
    }
}

/// The thread was cancelled: by [`JoinHandle::cancel`]. Each of its waits that can fail says so from then on. It becomes a
/// [`WaitError`] by `?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the thread was cancelled")]
pub struct Cancelled;

/// How a wait with a deadline ended without what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The deadline came first.
    #[error("the deadline came first")]
    TimedOut,
    /// The thread was cancelled.
    #[error("the thread was cancelled")]
    Cancelled,
}

impl From<Ended> for WaitError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::TimedOut => Self::TimedOut,
            Ended::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Cancelled> for WaitError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What a thread is started with.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder starts nothing before `spawn`"]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// No name, and 256 KiB of stack.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the watchdog, the overflow handler and [`Thread::name`] call it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Bytes of stack; rounded up to a power of two from 64 KiB to 64 MiB. Memory is used as far as it is touched.
    pub fn stack_size(mut self, size: usize) -> Self {
        self.stack_size = Some(size);
        self
    }

    fn class(&self) -> Result<stack::Class, SpawnError> {
        let Some(size) = self.stack_size else { return Ok(stack::Class::THREAD) };
        stack::Class::of(size).ok_or(SpawnError::StackTooLarge(size))
    }

    /// As [`spawn`].
    ///
    /// # Errors
    /// [`SpawnError::NoKernelThread`], [`SpawnError::Forked`], [`SpawnError::StackTooLarge`].
    #[inline]
    pub fn spawn<F, T>(self, f: F) -> Result<JoinHandle<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let class = self.class()?;
        threads::spawn(self.name, class, f).map(JoinHandle).map_err(SpawnError::from)
    }

    /// As [`spawn_local`].
    ///
    /// # Errors
    /// [`SpawnError::NotHere`], [`SpawnError::StackTooLarge`].
    #[inline]
    pub fn spawn_local<F, T>(self, f: F) -> Result<JoinHandle<T>, SpawnError>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let class = self.class()?;
        threads::spawn_local(self.name, class, f).map(JoinHandle).ok_or(SpawnError::NotHere)
    }

    /// As [`Scope::spawn`].
    ///
    /// # Errors
    /// [`SpawnError::NoKernelThread`], [`SpawnError::Forked`], [`SpawnError::StackTooLarge`].
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> Result<ScopedJoinHandle<'scope, T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let class = self.class()?;
        threads::scope::spawn_in(scope, self.name, class, f).map_err(SpawnError::from)
    }
}

/// Starts `f` on a thread of its own. Threads are cooperative: see the [module](self).
///
/// It begins on the same kernel thread when the present thread waits or yields, or is stolen by a worker that has nothing to
/// do. Dropping the handle lets it go on.
///
/// # Panics
/// If no kernel thread can be had for the first worker, or the process was forked from one with workers; [`Builder::spawn`]
/// says so instead.
#[inline]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    threads::spawn(None, stack::Class::THREAD, f).map(JoinHandle).expect("a worker for threads")
}

/// Starts `f` on a thread of its own that stays on this kernel thread, so that `f` need not be `Send`.
///
/// # Panics
/// If this kernel thread runs no threads; [`Builder::spawn_local`] says so instead.
#[inline]
pub fn spawn_local<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    Builder::new().spawn_local(f).expect("a thread, on which others can be started")
}

/// A thread's result, and the way to cancel it. Dropped, the thread goes on.
#[derive(Debug)]
pub struct JoinHandle<T>(threads::Handle<T>);

impl<T> JoinHandle<T> {
    /// Waits until the thread is over.
    ///
    /// # Errors
    /// [`JoinError`].
    ///
    /// # Panics
    /// In the thread itself, which would wait for ever.
    #[inline]
    pub fn join(self) -> Result<T, JoinError> {
        self.0.result()
    }

    /// Waits until the thread is over, or `deadline`. [`Self::join`] then gives the result at once.
    ///
    /// # Errors
    /// [`WaitError`].
    ///
    /// # Panics
    /// As [`Self::join`].
    pub fn wait_until(&mut self, deadline: Instant) -> Result<(), WaitError> {
        self.0.wait(Some(deadline)).map_err(WaitError::from)
    }

    /// Whether the thread is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Has each wait of the thread that can fail do so, the present one first, and all later ones: it stays cancelled. It is not
    /// interrupted otherwise, and one that asks for no errors ends by itself.
    pub fn cancel(&self) {
        self.0.thread().cancel();
    }

    /// The thread.
    #[must_use]
    pub fn thread(&self) -> Thread {
        self.0.thread()
    }
}

/// Waits for at least `duration`.
///
/// # Errors
/// [`Cancelled`], possibly earlier.
pub fn sleep(duration: Duration) -> Result<(), Cancelled> {
    sleep_until(after(duration))
}

/// Waits until `deadline`, or a little longer.
///
/// # Errors
/// [`Cancelled`], possibly earlier.
pub fn sleep_until(deadline: Instant) -> Result<(), Cancelled> {
    threads::sleep_until(deadline).map_err(|_| Cancelled)
}

/// Waits until somebody calls [`Thread::unpark`], or had since the last time. It may return for no reason.
///
/// # Errors
/// [`Cancelled`].
pub fn park() -> Result<(), Cancelled> {
    threads::park_current(None).map_err(|_| Cancelled)
}

/// As [`park`], until `deadline`.
///
/// # Errors
/// [`WaitError`].
pub fn park_until(deadline: Instant) -> Result<(), WaitError> {
    threads::park_current(Some(deadline)).map_err(WaitError::from)
}

fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    // A century is as good as for ever.
    now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(3_155_760_000))
}

/// At most `count` workers; 0, which is the default, is one for each CPU that the process may use. Workers that run already
/// stay, so it is for the beginning of a program.
pub fn set_workers(count: usize) {
    threads::workers::set_worker_count(count);
}

/// Threads that were started and are not over, procedures of this process that are suspended included. One that was joined is
/// over.
#[must_use]
pub fn live() -> usize {
    threads::processor::live()
}

/// Has an overflow of a thread's stack say the thread's name before the process aborts. It installs a handler of SIGSEGV and
/// SIGBUS, which passes on what is no overflow. Without it the process is killed by SIGSEGV, with nothing said: each stack
/// ends in a page that faults.
///
/// # Errors
/// What the kernel says; there is no reason why it should.
pub fn report_overflows() -> io::Result<()> {
    threads::overflow::report_overflows().map_err(io::Error::from)
}

/// A value of each thread's own, made when it first asks for it, dropped when the thread ends. On a kernel thread that runs no
/// threads it is that one's. Destructors may ask for values, too; what is made anew like that for the fourth time is leaked.
///
/// ```
/// use std::cell::Cell;
/// use nearcall::thread::{self, Local};
///
/// static COUNT: Local<Cell<u32>> = Local::new(|| Cell::new(0));
/// thread::spawn(|| COUNT.with(|count| count.set(7))).join().unwrap();
/// assert_eq!(COUNT.with(Cell::get), 0);
/// ```
#[derive(Debug)]
pub struct Local<T: 'static> {
    make: fn() -> T,
    /// 0 until it is first used.
    key: AtomicUsize,
}

static LAST_KEY: AtomicUsize = AtomicUsize::new(0);

impl<T: 'static> Local<T> {
    /// Made by `make`, for each thread.
    pub const fn new(make: fn() -> T) -> Self {
        Self { make, key: AtomicUsize::new(0) }
    }

    /// Runs `f` with the thread's value.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        threads::with_local(self.key(), self.make, f)
    }

    fn key(&self) -> usize {
        let key = self.key.load(Ordering::Relaxed);
        if key != 0 {
            return key;
        }
        let new = LAST_KEY.fetch_add(1, Ordering::Relaxed) + 1;
        // Who comes second takes the first one's; its own is lost, which is no harm.
        self.key.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|first| first, |_| new)
    }
}
