//! A processor's desk: its memory for arguments, and what it is running.
//!
//! A procedure may ask for its own call ([`current`]). On its path a call only stores where it is, in memory that the
//! processor has at hand anyway: some five instructions. Everything else is worked out when it is asked for.
//!
//! The thread-local word says which desk this kernel thread has, and is written once for each. A desk runs one call at a
//! time: `Desk::run` borrows it uniquely, so whoever runs a second procedure on a kernel thread in the middle of the
//! first needs a second desk, and gives the first one back its place afterwards.

use core::any::TypeId;
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::time::Duration;
use std::sync::Arc;

use nearcall_layout::pair::request;

use super::clock;
use crate::channel::memory::Memory;
use crate::channel::server::Claimed;

/// In this order, so that one pointer is that of the memory as well.
#[derive(Debug)]
#[repr(C)]
struct Papers {
    memory: UnsafeCell<Memory>,
    /// Where the `Arc<P>` of the pair lies whose call runs; null between calls.
    pair: Cell<*const ()>,
    what: Cell<u64>,
    sequence: Cell<u32>,
    /// The last look at the clock, in ticks; 0 if there was none.
    looked: Cell<u64>,
    /// What `P` is.
    of: TypeId,
}

thread_local! {
    /// Without a destructor, so that reading it needs no registration.
    static HERE: Cell<*const Papers> = const { Cell::new(ptr::null()) };
}

/// What a processor has of its own while it serves pairs of type `P`. It stays on its kernel thread.
#[derive(Debug)]
pub struct Desk<P> {
    papers: NonNull<Papers>,
    _of: PhantomData<*const P>,
}

impl<P: 'static> Desk<P> {
    /// A desk for this kernel thread; [`current`] knows the last one that was made here.
    #[must_use]
    pub fn new() -> Self {
        let papers = NonNull::from(Box::leak(Box::new(Papers {
            memory: UnsafeCell::new(Memory::default()),
            pair: Cell::new(ptr::null()),
            what: Cell::new(0),
            sequence: Cell::new(0),
            looked: Cell::new(0),
            of: TypeId::of::<P>(),
        })));
        HERE.set(papers.as_ptr());
        Self { papers, _of: PhantomData }
    }

    #[inline(always)]
    fn papers(&self) -> &Papers {
        // SAFETY: made from a box in `new` and freed in `drop` only; but for the memory all of it is cells.
        unsafe { self.papers.as_ref() }
    }

    /// Notes what the clock said: before the next call, so that its caller has waited less than since then.
    #[inline(always)]
    pub(super) fn look(&self, now: u64) {
        self.papers().looked.set(now);
    }

    /// Gives back what large arguments took, between calls.
    pub(super) fn trim(&mut self) {
        // SAFETY: as in `run`.
        unsafe { &mut *self.papers().memory.get() }.trim();
    }

    /// Runs `f`, which serves this call, with the memory for arguments; meanwhile the call is the [`current`] one.
    #[inline(always)]
    pub(super) fn run<R>(&mut self, pair: &Arc<P>, claimed: &Claimed, f: impl FnOnce(&mut Memory) -> R) -> R {
        let papers = self.papers();
        papers.what.set(claimed.what);
        papers.sequence.set(claimed.sequence);
        papers.pair.set(ptr::from_ref(pair).cast());
        let _over = Over(papers);
        // SAFETY: `self` is borrowed uniquely, and nothing else makes a reference to the memory.
        f(unsafe { &mut *papers.memory.get() })
    }
}

impl<P: 'static> Default for Desk<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Drop for Desk<P> {
    fn drop(&mut self) {
        if ptr::eq(HERE.get(), self.papers.as_ptr()) {
            HERE.set(ptr::null());
        }
        // SAFETY: it came from a box; the thread-local word was the only other way to it, and this is its kernel thread,
        // because a desk does not move to another.
        drop(unsafe { Box::from_raw(self.papers.as_ptr()) });
    }
}

/// Clears the desk, also when unwinding: the pair is borrowed no longer than the call runs.
struct Over<'a>(&'a Papers);

impl Drop for Over<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.pair.set(ptr::null());
    }
}

/// A call whose procedure asked for it.
#[derive(Debug)]
pub struct Running<P> {
    /// The pair it came on.
    pub pair: Arc<P>,
    /// Index of the binding.
    pub binding: u16,
    /// The server's index of the procedure.
    pub procedure: u16,
    /// Its A-stack.
    pub astack: u16,
    /// Its sequence number.
    pub sequence: u32,
    timeout_us: Option<u64>,
    looked: u64,
}

impl<P> Running<P> {
    /// What is left of the caller's time-out, as the caller states it; `None` if it waits for ever.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let since = if self.looked == 0 { 0 } else { clock::ticks().saturating_sub(self.looked) };
        // Rounded up, so that what is left is rounded down.
        let spent = since.div_ceil(clock::calibration().ticks_per_us);
        self.timeout_us.map(|us| Duration::from_micros(us.saturating_sub(spent)))
    }
}

/// The call that this kernel thread is running, if it is a processor inside a procedure of a pair of type `P`.
#[must_use]
pub fn current<P: 'static>() -> Option<Running<P>> {
    // SAFETY: a desk takes its address out of this word when it goes, and both are of this kernel thread.
    let papers = unsafe { HERE.get().as_ref() }?;
    if papers.of != TypeId::of::<P>() {
        return None;
    }
    // SAFETY: only `run` stores there, an `Arc<P>` of the type that was just compared, which it borrows until it has
    // stored null; and this thread, whose cell it is, is inside it.
    let pair = unsafe { papers.pair.get().cast::<Arc<P>>().as_ref() }?;
    let what = papers.what.get();
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "fields of a word")]
    let (binding, procedure, astack) = (what as u16, (what >> 16) as u16, (what >> 32) as u16);
    Some(Running {
        pair: Arc::clone(pair),
        binding,
        procedure,
        astack,
        sequence: papers.sequence.get(),
        timeout_us: request::timeout_us(request::timeout_of(what)),
        looked: papers.looked.get(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::client::Request;

    fn claimed(what: u64) -> Claimed {
        let request = Request { binding: 0, procedure: 0, astack: 0, generation: 0, nonce: 0 };
        Claimed { sequence: 7, cpu: 0, flags: 0, request, what }
    }

    #[test]
    fn a_call_is_current_inside_only_and_of_its_own_type_only() {
        let (mut desk, pair) = (Desk::<String>::new(), Arc::new("pair".to_owned()));
        let what = request::what(1, 2, 3) | u64::from(request::timeout(5)) << 48;
        assert!(current::<String>().is_none());
        desk.run(&pair, &claimed(what), |memory| {
            memory.trim();
            let running = current::<String>().unwrap();
            assert!(Arc::ptr_eq(&running.pair, &pair));
            let Running { binding, procedure, astack, sequence, .. } = running;
            assert_eq!((binding, procedure, astack, sequence), (1, 2, 3, 7));
            assert_eq!(running.time_left(), Some(Duration::from_micros(5)), "nobody looked at a clock");
            assert!(current::<u32>().is_none());
            assert!(std::thread::spawn(|| current::<String>().is_none()).join().unwrap());
        });
        assert!(current::<String>().is_none());
        assert_eq!(Arc::strong_count(&pair), 1);
    }

    #[test]
    fn time_runs_from_the_last_look_and_stops_at_nothing() {
        let (mut desk, pair) = (Desk::<u8>::new(), Arc::new(0));
        desk.look(clock::ticks().wrapping_sub(1 << 40).max(1));
        let within = |bits: u16| claimed(u64::from(bits) << 48);
        let left = |desk: &mut Desk<u8>, bits| desk.run(&pair, &within(bits), |_| current::<u8>().unwrap().time_left());
        assert_eq!(left(&mut desk, request::timeout(1000)), Some(Duration::ZERO));
        assert_eq!(left(&mut desk, request::FOREVER), None);
    }

    #[test]
    fn a_panic_ends_the_call_and_a_desk_that_goes_leaves_nothing() {
        let (mut desk, pair) = (Desk::<u8>::new(), Arc::new(0));
        let run = std::panic::AssertUnwindSafe(|| desk.run(&pair, &claimed(0), |_| panic!("as asked")));
        assert!(std::panic::catch_unwind(run).is_err());
        assert!(current::<u8>().is_none());
        let second = Desk::<u8>::new();
        drop(desk);
        drop(second);
        assert!(current::<u8>().is_none());
    }
}
