//! A processor's desk: its memory for arguments, and what it is running.
//!
//! A procedure may ask for its own call ([`current`]). On its path a call only stores where it is, in memory that the
//! processor has at hand anyway: some five instructions. Everything else is worked out when it is asked for.
//!
//! A word that goes with whoever runs says which desk it has: a kernel thread that serves one for good, a procedure on a
//! stack of its own one while it runs. A desk runs one call at a
//! time: `Desk::run` borrows it uniquely, so whoever runs a second procedure on a kernel thread in the middle of the
//! first needs a second desk. Desks of one kernel thread are a chain: when the last one that was made goes, the one before it
//! has its place again, with the call that it runs.

use core::any::TypeId;
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::time::Duration;
use std::sync::Arc;

use nearcall_layout::pair::{middle, request, sequence};

use super::clock;
use super::handoff::Handoff;
use crate::channel::memory::Memory;
use crate::channel::server::Claimed;
use crate::threads::context;

/// In this order, so that one pointer is that of the memory as well.
#[repr(C)]
struct Papers {
    memory: UnsafeCell<Memory>,
    /// Where the `Arc<P>` of the pair lies whose call runs; null between calls.
    pair: Cell<*const ()>,
    /// The first two words of its request.
    first: Cell<u64>,
    what: Cell<u64>,
    /// The last look at the clock, in ticks; 0 if there was none.
    looked: Cell<u64>,
    /// How many reasons its procedure has to sleep, in each other.
    opened: Cell<u32>,
    /// What `P` is.
    of: TypeId,
    /// It is nobody's word between calls.
    is_aside: bool,
    /// The desk that this kernel thread had before, if that is still there.
    outer: Cell<*const Self>,
}

thread_local! {
    /// What can be done about the seat that this kernel thread has, while a procedure sleeps here.
    static SEAT: Cell<Option<NonNull<dyn Handoff>>> = const { Cell::new(None) };
}

/// The desk of whoever runs here: the word that goes with it (`threads::context`), of which only desks know what it is.
#[inline(always)]
fn here() -> *const Papers {
    context::get().cast()
}

fn set_here(papers: *const Papers) {
    context::set(papers.cast());
}

/// What a processor has of its own while it serves pairs of type `P`. It stays on its kernel thread.
pub struct Desk<P> {
    papers: NonNull<Papers>,
    _of: PhantomData<*const P>,
}

impl<P: 'static> Desk<P> {
    /// A desk for this kernel thread; [`current`] knows the last one that was made here, until that goes.
    #[must_use]
    pub fn new() -> Self {
        let desk = Self::with(false);
        // SAFETY: just made; but for the memory all of it is cells.
        unsafe { desk.papers.as_ref() }.outer.set(here());
        set_here(desk.papers.as_ptr());
        desk
    }

    /// A desk for procedures that are suspended while others run here: theirs only while one runs ([`Self::run_aside`]).
    pub(super) fn aside() -> Self {
        Self::with(true)
    }

    fn with(is_aside: bool) -> Self {
        let papers = NonNull::from(Box::leak(Box::new(Papers {
            memory: UnsafeCell::new(Memory::default()),
            pair: Cell::new(ptr::null()),
            first: Cell::new(0),
            what: Cell::new(0),
            looked: Cell::new(0),
            opened: Cell::new(0),
            of: TypeId::of::<P>(),
            is_aside,
            outer: Cell::new(ptr::null()),
        })));
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

    /// What the clock said last.
    pub(super) fn looked(&self) -> u64 {
        self.papers().looked.get()
    }

    /// As [`run`](Self::run), by a thread that has no desk, with its word.
    pub(super) fn run_aside<R>(&mut self, pair: &Arc<P>, claimed: &Claimed, f: impl FnOnce(&mut Memory) -> R) -> R {
        set_here(self.papers.as_ptr());
        let _away = Away;
        self.run(pair, claimed, f)
    }

    /// Runs `f`, which serves this call, with the memory for arguments; meanwhile the call is the [`current`] one.
    #[inline(always)]
    pub(super) fn run<R>(&mut self, pair: &Arc<P>, claimed: &Claimed, f: impl FnOnce(&mut Memory) -> R) -> R {
        let papers = self.papers();
        papers.first.set(claimed.first);
        papers.what.set(claimed.what);
        papers.pair.set(ptr::from_ref(pair).cast());
        let _over = Over(papers);
        // SAFETY: `self` is borrowed uniquely, and nothing else makes a reference to the memory.
        f(unsafe { &mut *papers.memory.get() })
    }
}

impl<P> core::fmt::Debug for Desk<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl<P: 'static> Default for Desk<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P> Drop for Desk<P> {
    fn drop(&mut self) {
        // SAFETY: freed below only.
        let own = unsafe { self.papers.as_ref() };
        let outer = own.outer.get();
        let mut is_found = own.is_aside;
        if ptr::eq(here(), self.papers.as_ptr()) {
            set_here(outer);
            is_found = true;
        }
        let mut inner = here();
        // SAFETY: the chain has desks of this kernel thread that are there: each that goes takes itself out.
        while let Some(papers) = unsafe { inner.as_ref() } {
            if ptr::eq(papers.outer.get(), self.papers.as_ptr()) {
                papers.outer.set(outer);
                is_found = true;
            }
            inner = papers.outer.get();
        }
        if !is_found {
            // Another thread of this kernel thread has it as its word, and may look there: it is leaked.
            return;
        }
        // SAFETY: it came from a box. The words of whoever runs here were the only other way to it: none has it any more, or,
        // aside, none has it but while `run_aside` borrows the desk.
        drop(unsafe { Box::from_raw(self.papers.as_ptr()) });
    }
}

/// This kernel thread has a seat.
pub(super) struct Sitting<'a> {
    _of: PhantomData<(&'a (), *const ())>,
}

/// This kernel thread has a seat, until what is returned is dropped.
pub(super) fn sit<'a>(handoff: &'a (dyn Handoff + 'a)) -> Sitting<'a> {
    // SAFETY: only the lifetime changes, and the pointer is taken out before that ends: by the drop of what is returned.
    let erased = unsafe { core::mem::transmute::<NonNull<dyn Handoff + 'a>, NonNull<dyn Handoff>>(handoff.into()) };
    SEAT.set(Some(erased));
    Sitting { _of: PhantomData }
}

impl Drop for Sitting<'_> {
    fn drop(&mut self) {
        SEAT.set(None);
    }
}

/// Takes whoever runs away from its desk.
struct Away;

impl Drop for Away {
    fn drop(&mut self) {
        set_here(ptr::null());
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
    around: Around,
}

impl<P> Running<P> {
    /// What is left of the caller's time-out, as the caller states it; `None` if it waits for ever.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.around.left_us().map(Duration::from_micros)
    }

    /// How deep the call is: 1 if it was made in no procedure.
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.around.depth
    }
}

/// The call that this kernel thread is running, if it is a processor inside a procedure of a pair of type `P`.
#[must_use]
pub fn current<P: 'static>() -> Option<Running<P>> {
    with_papers(running)
}

/// The same pair, lent to `look`, which must not wait: a count that is not taken is two exchanges that are not made.
#[must_use]
pub fn with_pair<P: 'static, R>(look: impl FnOnce(&P) -> R) -> Option<R> {
    with_papers(|_, pair: &Arc<P>| Some(look(pair)))
}

fn with_papers<P: 'static, R>(look: impl FnOnce(&Papers, &Arc<P>) -> Option<R>) -> Option<R> {
    // SAFETY: a desk takes its address out of this word when it goes, and both are of this kernel thread.
    let papers = unsafe { here().as_ref() }?;
    if papers.of != TypeId::of::<P>() {
        return None;
    }
    // SAFETY: only `run` stores there, an `Arc<P>` of the type that was just compared, which it borrows until it has
    // stored null; and this thread, whose cell it is, is inside it.
    let pair = unsafe { papers.pair.get().cast::<Arc<P>>().as_ref() }?;
    look(papers, pair)
}

#[expect(clippy::unnecessary_wraps, reason = "as `with_papers` has it")]
fn running<P>(papers: &Papers, pair: &Arc<P>) -> Option<Running<P>> {
    let what = papers.what.get();
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "fields of a word")]
    let (binding, procedure, astack) = (what as u16, (what >> 16) as u16, (what >> 32) as u16);
    Some(Running {
        pair: Arc::clone(pair),
        binding,
        procedure,
        astack,
        sequence: sequence(papers.first.get()),
        around: Around::of(papers),
    })
}

/// Whether this kernel thread is inside a procedure. One load for those that never are.
#[inline(always)]
pub(super) fn is_inside() -> bool {
    // SAFETY: as in `around`.
    unsafe { here().as_ref() }.is_some_and(|papers| !papers.pair.get().is_null())
}

/// The call that this kernel thread is running, as calls that its procedure makes see it.
pub(super) fn around() -> Option<Around> {
    // SAFETY: a desk takes its address out of this word when it goes, and both are of this kernel thread.
    let papers = unsafe { here().as_ref() }?;
    (!papers.pair.get().is_null()).then(|| Around::of(papers))
}

/// Which desk: never looked at, but compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key(*const ());

/// The procedure that runs here has one more reason to sleep; the first opens the seat.
#[cold]
pub(super) fn open() -> Option<Key> {
    // SAFETY: as in `around`.
    let papers = unsafe { here().as_ref() }.filter(|papers| !papers.pair.get().is_null())?;
    let handoff = SEAT.get()?;
    papers.opened.set(papers.opened.get() + 1);
    if papers.opened.get() == 1 {
        // SAFETY: `Sitting` takes it out before it goes, and only this kernel thread does either.
        unsafe { handoff.as_ref() }.open();
    }
    Some(Key(ptr::from_ref(papers).cast()))
}

/// One reason less; the last takes the seat back.
#[cold]
pub(super) fn close(desk: &Key) {
    // SAFETY: as in `around`.
    let here = unsafe { here().as_ref() }.filter(|papers| ptr::eq(ptr::from_ref(*papers).cast(), desk.0));
    let Some(papers) = here.filter(|papers| papers.opened.get() > 0) else { return };
    papers.opened.set(papers.opened.get() - 1);
    if papers.opened.get() == 0
        && let Some(handoff) = SEAT.get()
    {
        // SAFETY: as in `open`.
        unsafe { handoff.as_ref() }.take_back();
    }
}

/// The depth of the call that this kernel thread is running, 1 to [`DEPTH_MAX`](nearcall_layout::pair::DEPTH_MAX); 0 if it
/// runs none.
#[must_use]
pub fn depth() -> u16 {
    around().map_or(0, |around| around.depth)
}

/// The least of what the caller gives a wait, and of what is left to the call in whose procedure it waits; `None` for ever.
#[must_use]
pub fn at_most(timeout: Option<Duration>) -> Option<Duration> {
    let left = around().and_then(|around| around.left_us()).map(Duration::from_micros);
    match (timeout, left) {
        (Some(timeout), Some(left)) => Some(timeout.min(left)),
        (timeout, left) => timeout.or(left),
    }
}

/// What a call leaves to those that its procedure makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) depth: u16,
    timeout_us: Option<u64>,
    looked: u64,
}

impl Around {
    fn of(papers: &Papers) -> Self {
        Self {
            depth: request::depth(middle(papers.first.get())),
            timeout_us: request::timeout_us(request::timeout_of(papers.what.get())),
            looked: papers.looked.get(),
        }
    }

    /// What is left of the caller's time-out in microseconds, as the caller states it; `None` if it waits for ever.
    pub(super) fn left_us(&self) -> Option<u64> {
        let timeout = self.timeout_us?;
        let since = if self.looked == 0 { 0 } else { clock::ticks().saturating_sub(self.looked) };
        // Rounded up, so that what is left is rounded down.
        Some(timeout.saturating_sub(since.div_ceil(clock::calibration().ticks_per_us)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::client::Request;

    fn claimed(what: u64) -> Claimed {
        let first = request::first(7, request::nested(4), 0);
        let request = Request { binding: 0, procedure: 0, astack: 0, generation: 0, nonce: 0 };
        Claimed { first, sequence: 7, cpu: 0, flags: middle(first), request, what }
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
            assert_eq!((running.depth(), depth()), (5, 5));
            assert_eq!(running.time_left(), Some(Duration::from_micros(5)), "nobody looked at a clock");
            assert!(current::<u32>().is_none());
            assert!(std::thread::spawn(|| current::<String>().is_none()).join().unwrap());
        });
        assert!(current::<String>().is_none() && depth() == 0);
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
        assert!(current::<u8>().is_none() && here().is_null());
    }

    #[test]
    fn a_procedure_inside_another_has_its_own_call_and_gives_the_other_back() {
        let (mut outer, pair) = (Desk::<u8>::new(), Arc::new(0));
        let seen = || current::<u8>().map(|running| (running.procedure, running.depth()));
        let of = |procedure, nested| {
            let first = request::first(7, request::nested(nested), 0);
            Claimed { first, ..claimed(request::what(0, procedure, 0)) }
        };
        outer.run(&pair, &of(1, 0), |_| {
            assert_eq!(seen(), Some((1, 1)));
            let mut inner = Desk::<u8>::new();
            assert_eq!(seen(), None, "it runs nothing yet");
            let run = std::panic::AssertUnwindSafe(|| {
                inner.run(&pair, &of(2, 1), |_| {
                    assert_eq!(seen(), Some((2, 2)));
                    panic!("as asked");
                });
            });
            assert!(std::panic::catch_unwind(run).is_err());
            drop(inner);
            assert_eq!((seen(), depth()), (Some((1, 1)), 1));
        });
        assert_eq!(seen(), None);
    }

    #[test]
    fn a_call_in_a_procedure_has_no_more_time_than_is_left() {
        let (mut desk, pair) = (Desk::<u8>::new(), Arc::new(0));
        assert_eq!(at_most(None), None);
        let minute = Some(Duration::from_secs(60));
        let within = |bits: u16| claimed(u64::from(bits) << 48);
        desk.run(&pair, &within(request::timeout(1000)), |_| {
            assert_eq!(at_most(minute), Some(Duration::from_millis(1)));
            assert_eq!(at_most(None), Some(Duration::from_millis(1)));
            assert_eq!(at_most(Some(Duration::ZERO)), Some(Duration::ZERO));
        });
        desk.run(&pair, &within(request::FOREVER), |_| assert_eq!((at_most(minute), at_most(None)), (minute, None)));
        assert_eq!(at_most(minute), minute);
    }
}
