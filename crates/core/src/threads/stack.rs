//! Stacks for threads and procedures: guarded, in size classes, kept for use again.
//!
//! ```text
//!   slab (one mmap)     | guard | stack 0 ........ base | guard | stack 1 ........ base | ...
//!                        ^ limit, lowest address
//! ```
//!
//! Stacks of a class are cut from slabs and never unmapped. A stack that nobody uses is *warm*, with the pages that were
//! touched, or *cold*, without them: above a high-water mark of warm ones their pages are given back to the kernel, down
//! to a low one. Fibers that a processor keeps for itself (`fiber`) are in front of this pool.
//!
//! The guard page is a marker in the page table (`MADV_GUARD_INSTALL`, Linux 6.13), so that 100,000 stacks are a handful
//! of mappings; where the kernel does not have it, the page is protected, which costs two mappings a
//! stack, and `vm.max_map_count` bounds how many there can be: stacks take no more than three quarters of it, because an
//! allocator that gets no mapping ends the process.
//!
//! Sources: LRPC 1990 (E-stacks from a pool, reclaimed when they run low), x-kernel IPP 1994 (detachable stacks);
//! madvise(2).

use core::cell::Cell;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use corosensei::stack::{Stack as CoroutineStack, StackPointer};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};

/// `MADV_GUARD_INSTALL`.
const GUARD_INSTALL: libc::c_int = 102;

const SMALLEST: u32 = 16;
const LARGEST: u32 = 26;

/// Size classes.
pub const CLASS_COUNT: usize = 11;

/// A size of stacks: a power of two from 64 KiB to 64 MiB, without the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class(u8);

impl Class {
    /// What threads have unless they ask: 256 KiB.
    pub const THREAD: Self = Self(2);
    /// What procedures run on: 2 MiB, as on a kernel thread of std's.
    pub const E_STACK: Self = Self(5);

    /// The smallest class with at least `size` bytes; `None` above 64 MiB.
    #[must_use]
    pub fn of(size: usize) -> Option<Self> {
        let exponent = size.max(1).checked_next_power_of_two()?.trailing_zeros().max(SMALLEST);
        if exponent > LARGEST { None } else { u8::try_from(exponent - SMALLEST).ok().map(Self) }
    }

    /// Bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        1 << (SMALLEST + self.0 as u32)
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How guard pages are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Guards {
    /// Not tried yet.
    Unknown,
    /// By a marker in the page table.
    Marker,
    /// By protecting the page.
    Protection,
}

static GUARDS: AtomicU8 = AtomicU8::new(Guards::Unknown as u8);

/// How guard pages are made here, as far as it has been tried.
#[must_use]
pub fn guards() -> Guards {
    match GUARDS.load(Ordering::Relaxed) {
        1 => Guards::Marker,
        2 => Guards::Protection,
        _ => Guards::Unknown,
    }
}

/// From now on guards are made as on kernels without markers: for tests of that.
#[doc(hidden)]
pub fn protect_guards() {
    GUARDS.store(Guards::Protection as u8, Ordering::Relaxed);
}

/// What the pool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StackCounts {
    /// Stacks that were ever made.
    pub made: usize,
    /// Those in the pool, not counting what processors keep for themselves.
    pub idle: usize,
    /// Of the idle ones, those whose pages were given back.
    pub cold: usize,
    /// Address space of all that were made, in bytes, guards included. What of it is memory, only the kernel knows.
    pub bytes: usize,
}

/// Warm stacks of a class above which pages are given back, and down to which.
const HIGH: usize = 256;
const LOW: usize = 128;

/// Stacks in a slab, and its size at most, whichever is less.
const SLAB_COUNT: usize = 64;
const SLAB_SIZE: usize = 256 << 20;

/// Stacks begin at that many different places in a page, so that their first lines are not all in one set of the cache.
const COLOUR_COUNT: usize = 8;
const COLOUR_SIZE: usize = 256;

/// A stack. Holding one proves that nothing runs on it but what its holder runs, and that the page below it faults.
#[derive(Debug)]
pub struct Stack {
    /// Where it begins, the highest address.
    base: NonZeroUsize,
    /// The lowest address of its guard.
    limit: NonZeroUsize,
    class: Class,
}

impl Stack {
    /// A stack of the class, from the pool or new.
    ///
    /// # Errors
    /// What the kernel says: `NOMEM` when there is no address space, or (where guards are mappings) if stacks have three
    /// quarters of `vm.max_map_count`.
    pub fn take(class: Class) -> Result<Self, Errno> {
        pool(class).take(class)
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// The lowest address of its guard, and the first above.
    #[must_use]
    pub fn guard(&self) -> (usize, usize) {
        (self.limit.get(), self.limit.get() + page_size())
    }
}

/// Runs `f` on a stack of the class, there and then and to its end: nothing that it does suspends it.
///
/// # Errors
/// There is no stack; `f` is given back, with what the kernel said.
pub fn run<R, F: FnOnce() -> R>(class: Class, f: F) -> Result<R, (F, Errno)> {
    match Stack::take(class) {
        Ok(stack) => {
            let _before = Below(GUARD.replace(stack.guard()));
            Ok(corosensei::on_stack(stack, f))
        }
        Err(errno) => Err((f, errno)),
    }
}

thread_local! {
    /// The guard of what [`run`] runs on here.
    static GUARD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The guard of the stack that is run on again afterwards.
struct Below((usize, usize));

impl Drop for Below {
    fn drop(&mut self) {
        GUARD.set(self.0);
    }
}

/// Whether the address is in the guard of what [`run`] runs on, on this kernel thread. For the overflow handler.
pub(super) fn guards_run(address: usize) -> bool {
    let (from, to) = GUARD.get();
    (from..to).contains(&address)
}

impl Drop for Stack {
    fn drop(&mut self) {
        pool(self.class).give(Place { base: self.base, limit: self.limit });
    }
}

// SAFETY: `Pool::take` hands a stack out once its lowest page is a guard; every class is larger than the least size; and
// the memory is never unmapped.
unsafe impl CoroutineStack for Stack {
    fn base(&self) -> StackPointer {
        self.base
    }

    fn limit(&self) -> StackPointer {
        self.limit
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    base: NonZeroUsize,
    limit: NonZeroUsize,
}

#[derive(Debug, Default)]
struct Idle {
    warm: Vec<Place>,
    cold: Vec<Place>,
    /// What is left of the last slab: its stacks have no guards yet.
    fresh: usize,
    fresh_end: usize,
    colour: usize,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Mutex<Idle>,
    made: AtomicUsize,
}

fn pool(class: Class) -> &'static Pool {
    static POOLS: OnceLock<[Pool; CLASS_COUNT]> = OnceLock::new();
    let pools = POOLS.get_or_init(Default::default);
    pools.get(class.index()).unwrap_or(&pools[0])
}

/// The locks of all pools, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new((0..).map(Class).take(CLASS_COUNT).map(|class| pool(class).idle()).collect::<Vec<_>>())
}

fn page_size() -> usize {
    rustix::param::page_size()
}

impl Pool {
    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, class: Class) -> Result<Stack, Errno> {
        let mut idle = self.idle();
        if let Some(Place { base, limit }) = idle.warm.pop().or_else(|| idle.cold.pop()) {
            return Ok(Stack { base, limit, class });
        }
        let stride = class.size() + page_size();
        if idle.fresh == idle.fresh_end {
            let count = (SLAB_SIZE / stride).clamp(1, SLAB_COUNT);
            idle.fresh = slab(count * stride)?;
            idle.fresh_end = idle.fresh + count * stride;
        }
        let start = idle.fresh;
        let limit = NonZeroUsize::new(start).ok_or(Errno::INVAL)?;
        guard(limit)?;
        idle.fresh += stride;
        idle.colour = (idle.colour + 1) % COLOUR_COUNT;
        let base = NonZeroUsize::new(start + stride - idle.colour * COLOUR_SIZE).ok_or(Errno::INVAL)?;
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Stack { base, limit, class })
    }

    fn give(&self, place: Place) {
        let mut idle = self.idle();
        idle.warm.push(place);
        if idle.warm.len() <= HIGH {
            return;
        }
        // The longest unused are the first. The kernel works meanwhile without the lock.
        let mut cooling: Vec<Place> = idle.warm.drain(..HIGH - LOW).collect();
        drop(idle);
        cooling.iter().copied().for_each(cool);
        self.idle().cold.append(&mut cooling);
    }
}

/// What all classes have together.
#[must_use]
pub fn counts() -> StackCounts {
    let mut counts = StackCounts::default();
    for class in (0..).map(Class).take(CLASS_COUNT) {
        let pool = pool(class);
        let made = pool.made.load(Ordering::Relaxed);
        let idle = pool.idle();
        counts.made += made;
        counts.idle += idle.warm.len() + idle.cold.len();
        counts.cold += idle.cold.len();
        counts.bytes += made * (class.size() + page_size());
    }
    counts
}

fn slab(size: usize) -> Result<usize, Errno> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::STACK;
    // SAFETY: the null address lets the kernel choose pages that nothing uses; nothing of Rust's lies there.
    let start = unsafe { rustix::mm::mmap_anonymous(core::ptr::null_mut(), size, access, flags) }?;
    // One touched byte of a stack must not become a huge page. Without huge pages the kernel refuses, and all is well.
    // SAFETY: the pages are ours, and the advice does not change what is in them.
    let _ = unsafe { rustix::mm::madvise(start, size, Advice::LinuxNoHugepage) };
    Ok(start.expose_provenance())
}

/// Makes a guard of the page at `limit`, which belongs to a slab of ours and to no stack in use.
fn guard(limit: NonZeroUsize) -> Result<(), Errno> {
    let page = core::ptr::with_exposed_provenance_mut::<core::ffi::c_void>(limit.get());
    if guards() != Guards::Protection {
        // SAFETY: the page is ours, and nothing is on it.
        let failed = unsafe { libc::madvise(page, page_size(), GUARD_INSTALL) } != 0;
        if !failed {
            GUARDS.store(Guards::Marker as u8, Ordering::Relaxed);
            return Ok(());
        }
        if guards() == Guards::Unknown {
            GUARDS.store(Guards::Protection as u8, Ordering::Relaxed);
        }
        // Once there were markers, this one page cannot have one (locked memory): it gets the other kind.
    }
    if PROTECTED.fetch_add(1, Ordering::Relaxed) >= protected_max() {
        PROTECTED.fetch_sub(1, Ordering::Relaxed);
        return Err(Errno::NOMEM);
    }
    // SAFETY: the page is ours, and nothing is on it.
    unsafe { rustix::mm::mprotect(page, page_size(), MprotectFlags::empty()) }
}

/// Stacks whose guards are protected pages.
static PROTECTED: AtomicUsize = AtomicUsize::new(0);

/// How many there may be: each splits its slab once more, into a guard and a stack.
fn protected_max() -> usize {
    static MAX: OnceLock<usize> = OnceLock::new();
    // What kernels have unless somebody changes it.
    const USUAL: usize = 65_530;
    let read = || std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok();
    *MAX.get_or_init(|| read().unwrap_or(USUAL) / 8 * 3)
}

/// Gives the pages of a stack that nobody uses back to the kernel. Its guard stays: neither kind is a page.
fn cool(place: Place) {
    let lowest = place.limit.get() + page_size();
    let page = core::ptr::with_exposed_provenance_mut(lowest);
    let size = place.base.get().next_multiple_of(page_size()) - lowest;
    // SAFETY: the pages are those of a stack on which nothing is, and which nobody can take meanwhile.
    let _ = unsafe { rustix::mm::madvise(page, size, Advice::LinuxDontNeed) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(stack: &Stack, below_base: usize) {
        let at = core::ptr::with_exposed_provenance_mut::<u8>(stack.base.get() - below_base);
        // SAFETY: within the stack, which is ours.
        unsafe { at.write_volatile(1) };
    }

    #[test]
    fn classes_are_powers_of_two() {
        assert_eq!(Class::of(0).unwrap().size(), 64 << 10);
        assert_eq!(Class::of(64 << 10).unwrap().size(), 64 << 10);
        assert_eq!(Class::of((64 << 10) + 1).unwrap().size(), 128 << 10);
        assert_eq!(Class::of(64 << 20).unwrap().index(), CLASS_COUNT - 1);
        assert!(Class::of((64 << 20) + 1).is_none());
        assert!(Class::of(usize::MAX).is_none());
        assert_eq!((Class::THREAD.size(), Class::E_STACK.size()), (256 << 10, 2 << 20));
    }

    #[test]
    fn a_stack_is_used_again_and_cools_above_the_mark() {
        // A class that no other test uses.
        let class = Class::of(512 << 10).unwrap();
        let first = Stack::take(class).unwrap();
        let base = first.base;
        assert_eq!(base.get() % 16, 0);
        touch(&first, 8);
        touch(&first, class.size() - COLOUR_COUNT * COLOUR_SIZE);
        drop(first);
        let again = Stack::take(class).unwrap();
        assert_eq!(again.base, base);
        let mut all = vec![again];
        all.resize_with(HIGH + 1, || Stack::take(class).unwrap());
        all.iter().for_each(|stack| touch(stack, 8));
        let pool = pool(class);
        assert_eq!(pool.made.load(Ordering::Relaxed), HIGH + 1);
        drop(all);
        let idle = pool.idle();
        assert_eq!((idle.warm.len(), idle.cold.len()), (LOW + 1, HIGH - LOW));
    }

    #[test]
    fn stacks_do_not_overlap() {
        let class = Class::of(64 << 10).unwrap();
        let mut all: Vec<Stack> = (0..3 * SLAB_COUNT).map(|_| Stack::take(class).unwrap()).collect();
        all.sort_by_key(|stack| stack.limit);
        for pair in all.windows(2) {
            assert!(pair[0].base <= pair[1].limit);
        }
    }
}
