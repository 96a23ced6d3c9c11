//! Which segments a pair has, on either side: memory out of band, made when it is first needed, kept for the next large
//! call and given back.
//!
//! A segment belongs to an A-stack, so whoever holds the A-stack holds its segment, and a call that was given up keeps
//! both. Each of the four lists is private memory of its process under a lock of its own; only calls that do not fit
//! their frames take it. The sizes asked for are the peer's word; what they may come to is bounded here.
//!
//! Three of them lend bytes beyond their locks, so they are reached from outside of this crate by the halves' methods only
//! ([`crate::channel`]), none of which removes what is lent, whoever calls it when.
//!
//! ```text
//!                 written by the client (arguments)     written by the server (results)
//! in the client   Arguments: one an A-stack             Shown: by serial number, when a reply first names one
//! in the server   Offered: one an A-stack               Results: frame and tail of an A-stack, by serial number
//! ```

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{SEGMENT_SIZE_MAX, segment_size};
use rustix::io::Errno;

use crate::budget::{Descriptor, NoRoom, Spent};
use crate::shm::PeerBytes;
use crate::shm::segment::{OwnSegment, PeerSegment};
use crate::sys::{memory, milliseconds};

/// Bytes of segments that one side of a pair writes, in all.
pub const PAIR_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a segment is kept after its last call, in milliseconds.
pub const KEPT_MS: u32 = 2000;

/// What a sweep has left to be looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// What would go, but for calls that have been under way for longer than [`KEPT_MS`], or were given up.
    Stuck,
    /// What was used a moment ago.
    Young,
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `then`, in wrapping milliseconds, is long enough ago.
const fn is_old(then: u32, now: u32) -> bool {
    now.wrapping_sub(then) >= KEPT_MS
}

/// The segments that a client writes its arguments into.
#[derive(Debug, Default)]
pub(crate) struct Arguments(Mutex<Vec<Argument>>);

#[derive(Debug)]
struct Argument {
    astack: u16,
    /// What it was asked for by.
    id: u32,
    segment: OwnSegment,
    used: u32,
    /// The holder of the A-stack has a borrow of it.
    held: bool,
}

impl Arguments {
    /// Takes hold of the A-stack's segment, if it has one of `size` bytes or more. The caller holds the A-stack, and lets
    /// the segment go before it gives that back. Nobody removes it meanwhile.
    #[must_use]
    pub(crate) fn hold(&self, astack: u16, size: usize) -> bool {
        let mut all = lock(&self.0);
        let own = all.iter_mut().find(|own| own.astack == astack && own.segment.size() >= size);
        own.map(|own| (own.used, own.held) = (milliseconds(), true)).is_some()
    }

    /// The call has been published, or was given up before.
    pub(crate) fn let_go(&self, astack: u16) {
        let mut all = lock(&self.0);
        all.iter_mut().filter(|own| own.astack == astack).for_each(|own| own.held = false);
    }

    /// Lends the segment that the caller has taken hold of; nothing, if there is none.
    ///
    /// # Safety
    /// 1. The caller holds the A-stack and its segment ([`hold`](Self::hold)), and neither lets it go nor replaces or
    ///    borrows it again while the result lives.
    #[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
    pub(crate) unsafe fn frame(&self, astack: u16) -> &mut [u8] {
        let all = lock(&self.0);
        let Some(own) = all.iter().find(|own| own.astack == astack && own.held) else { return &mut [] };
        // SAFETY: the caller holds the A-stack and borrows the segment once.
        let Some(lent) = (unsafe { own.segment.lend(0, own.segment.size()) }) else { return &mut [] };
        let lent = core::ptr::from_mut(lent);
        // SAFETY: the bytes are mapped until the entry is dropped: by `sweep`, `remove` or `set`, all of which leave entries
        // that are held, as this one is (precondition 1). That the list moves its entries does not move what is mapped.
        unsafe { &mut *lent }
    }

    /// Whether the A-stack may have a segment of `size` bytes instead of what it has.
    #[must_use]
    pub(crate) fn may_have(&self, astack: u16, size: usize) -> bool {
        let others = lock(&self.0).iter().filter(|own| own.astack != astack).map(|own| own.segment.size()).sum();
        size.checked_add(others).is_some_and(|sum| sum <= PAIR_BYTES_MAX)
    }

    /// Gives the A-stack the segment that was asked for by `id` instead of what it had. `false`: that is held, and stays.
    #[must_use]
    pub(crate) fn set(&self, astack: u16, id: u32, segment: OwnSegment) -> bool {
        let mut all = lock(&self.0);
        let is_free = take_out(&mut all, astack);
        if is_free {
            all.push(Argument { astack, id, segment, used: milliseconds(), held: false });
        }
        is_free
    }

    /// Takes away the segment of an A-stack. `false`: it is held, and stays.
    #[must_use]
    pub(crate) fn remove(&self, astack: u16) -> bool {
        take_out(&mut lock(&self.0), astack)
    }

    /// Removes what was not used for long; A-stacks and numbers. `is_idle`: no call is published on that A-stack.
    pub(crate) fn sweep(&self, now: u32, is_idle: impl Fn(u16) -> bool) -> Vec<(u16, u32)> {
        let mut all = lock(&self.0);
        // Whoever is about to publish with a segment holds it, and lets it go under this lock after its linkage record was
        // written: the record is up to date then.
        let gone = all.extract_if(.., |own| is_old(own.used, now) && !own.held && is_idle(own.astack));
        gone.map(|own| (own.astack, own.id)).collect()
    }

    /// What a [`sweep`](Self::sweep) has left.
    #[must_use]
    pub(crate) fn left(&self, now: u32) -> Left {
        lock(&self.0).iter().map(|own| left(own.used, now)).max().unwrap_or(Left::Nothing)
    }
}

/// A segment that was left, used then.
const fn left(used: u32, now: u32) -> Left {
    if is_old(used, now) { Left::Stuck } else { Left::Young }
}

/// Removes the segment of an A-stack, unless somebody holds it, and may have borrowed it: `false` then.
fn take_out(all: &mut Vec<Argument>, astack: u16) -> bool {
    all.retain(|own| own.astack != astack || own.held);
    all.iter().all(|own| own.astack != astack)
}

/// The segments in which a client finds results, mapped when a reply first named them.
#[derive(Debug, Default)]
pub struct Shown(Mutex<Vec<(u16, Arc<PeerSegment>)>>);

impl Shown {
    /// The segment of this number.
    #[must_use]
    pub fn get(&self, serial: u16) -> Option<Arc<PeerSegment>> {
        lock(&self.0).iter().find(|(number, _)| *number == serial).map(|(_, segment)| Arc::clone(segment))
    }

    /// Adds one; `false` if that is more than a server may show.
    #[must_use]
    pub fn add(&self, serial: u16, segment: Arc<PeerSegment>) -> bool {
        let mut all = lock(&self.0);
        all.retain(|(number, _)| *number != serial);
        let sum: usize = all.iter().map(|(_, segment)| segment.size()).sum();
        let fits = sum.checked_add(segment.size()).is_some_and(|sum| sum <= PAIR_BYTES_MAX);
        if fits {
            all.push((serial, segment));
        }
        fits
    }

    /// Unmaps a segment, unless somebody reads it. `true`: it is not mapped any more, or never was.
    #[must_use]
    pub fn remove(&self, serial: u16) -> bool {
        let mut all = lock(&self.0);
        all.retain_mut(|(number, segment)| *number != serial || Arc::get_mut(segment).is_none());
        all.iter().all(|(number, _)| *number != serial)
    }
}

/// The segments in which a server finds arguments.
#[derive(Debug, Default)]
pub(crate) struct Offered(Mutex<Vec<Offer>>);

struct Offer {
    astack: u16,
    segment: PeerSegment,
    _charge: Charge,
    /// During a call, which may read it: it goes after that.
    given_back: bool,
}

impl core::fmt::Debug for Offer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Offer").field("astack", &self.astack).finish_non_exhaustive()
    }
}

impl Offered {
    /// The segment of an A-stack.
    ///
    /// # Safety
    /// 1. A call runs on the A-stack, in the sense of [`set`](Self::set)'s `is_idle`, from before this is called until
    ///    the result is used no more.
    #[must_use]
    pub(crate) unsafe fn get(&self, astack: u16) -> Option<(PeerBytes<'_>, usize)> {
        let all = lock(&self.0);
        let Offer { segment, .. } = all.iter().find(|offer| offer.astack == astack && !offer.given_back)?;
        // SAFETY: entries are dropped by `set`, `give_back` and `sweep`, which leave those of A-stacks on which a call runs
        // (precondition 1), and with the pair, which whoever serves a call of it keeps. That the list moves its entries
        // does not move what is mapped.
        Some((unsafe { segment.bytes().extend() }, segment.size()))
    }

    /// Whether the A-stack may have a segment of `size` bytes instead of what it has.
    #[must_use]
    pub(crate) fn may_have(&self, astack: u16, size: usize) -> bool {
        let all = lock(&self.0);
        let others = all.iter().filter(|offer| offer.astack != astack).map(|offer| offer.segment.size()).sum();
        size.checked_add(others).is_some_and(|sum| sum <= PAIR_BYTES_MAX)
    }

    /// Gives the A-stack a segment, with what was charged for it. `false`: a call runs on it (`is_idle` says no), and it keeps
    /// what it has.
    #[must_use]
    pub(crate) fn set(
        &self,
        astack: u16,
        (segment, charge): (PeerSegment, Charge),
        is_idle: impl FnOnce() -> bool,
    ) -> bool {
        let mut all = lock(&self.0);
        // Under the lock: a call that begins now finds what is put there, one that has begun is seen.
        if !is_idle() {
            return false;
        }
        all.retain(|offer| offer.astack != astack);
        all.push(Offer { astack, segment, _charge: charge, given_back: false });
        true
    }

    /// The client uses the A-stack's segment no more. `false`: a call runs on it, and a [`sweep`](Self::sweep) has to free it.
    #[must_use]
    pub(crate) fn give_back(&self, astack: u16, is_idle: impl Fn(u16) -> bool) -> bool {
        let mut all = lock(&self.0);
        // No misbehaviour: the message may be overtaken by the next call on the A-stack, which does without.
        all.iter_mut().filter(|offer| offer.astack == astack).for_each(|offer| offer.given_back = true);
        free_given_back(&mut all, is_idle)
    }

    /// Frees what was given back during calls that are over. `false`: there is more of it.
    #[must_use]
    pub(crate) fn sweep(&self, is_idle: impl Fn(u16) -> bool) -> bool {
        free_given_back(&mut lock(&self.0), is_idle)
    }
}

/// Under the lock, as in `set`.
fn free_given_back(all: &mut Vec<Offer>, is_idle: impl Fn(u16) -> bool) -> bool {
    all.retain(|offer| !(offer.given_back && is_idle(offer.astack)));
    !all.iter().any(|offer| offer.given_back)
}

/// What of a reply a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Head and areas: it stands in for the frame.
    Frame,
    /// The tail of the results, which did not fit behind them.
    Tail,
}

/// A segment of ours, sealed, and a descriptor to show it by.
fn make(size: usize) -> Result<(OwnSegment, OwnedFd), Errno> {
    let fd = memory::create(size)?;
    let segment = OwnSegment::map(fd.as_fd(), size)?;
    memory::seal_shown(fd.as_fd())?;
    Ok((segment, memory::reader(fd.as_fd())?))
}

/// Something held for as long as its bytes are: a quota's note of them.
pub type Charge = Box<dyn Send + Sync>;

/// Whoever answers for what a pair's client has this process pay.
pub trait Payer: Send + Sync {
    /// The user whose share of this process's budget it is.
    fn owner(&self) -> u32;

    /// Whether so many more bytes are all right; they are until the result is dropped.
    fn charge(&self, bytes: usize) -> Option<Charge>;

    /// There are segments with results, which somebody has to look after
    /// ([`ServerHalf::sweep_results`](crate::channel::server::ServerHalf::sweep_results)).
    fn watch(&self);
}

/// The segments that a server writes its results into.
#[derive(Default)]
pub(crate) struct Results {
    list: Mutex<List>,
    payer: Option<Box<dyn Payer>>,
}

impl core::fmt::Debug for Results {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Results").field("list", &self.list).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct List {
    living: Vec<Outcome>,
    /// Bytes of those that are being made.
    coming: usize,
    last: u16,
}

struct Outcome {
    serial: u16,
    astack: u16,
    part: Part,
    segment: OwnSegment,
    /// Open for reading: what is shown to the client.
    file: OwnedFd,
    used: u32,
    asked_back: bool,
    /// A larger one has taken its place.
    replaced: bool,
    _paid: (Descriptor, Spent, Option<Charge>),
}

impl core::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Outcome").field("serial", &self.serial).finish_non_exhaustive()
    }
}

impl List {
    fn bytes(&self) -> usize {
        self.living.iter().map(|one| one.segment.size()).sum::<usize>().saturating_add(self.coming)
    }
}

impl Results {
    /// No segments; `payer` is asked for what they take.
    #[must_use]
    pub(crate) fn new(payer: Box<dyn Payer>) -> Self {
        Self { list: Mutex::default(), payer: Some(payer) }
    }

    /// The number of a segment of `size` bytes or more for that part of the reply of a call that runs on the A-stack.
    ///
    /// # Errors
    /// [`NoRoom`] if that is more than the pair, the client's quota or this process may have, or than the kernel gives.
    pub(crate) fn take(&self, astack: u16, part: Part, size: usize) -> Result<u16, NoRoom> {
        let now = milliseconds();
        let fits = |one: &&mut Outcome| {
            (one.astack, one.part, one.replaced) == (astack, part, false) && one.segment.size() >= size
        };
        let mut list = lock(&self.list);
        if let Some(one) = list.living.iter_mut().find(fits) {
            one.used = now;
            let was_asked_back = core::mem::take(&mut one.asked_back);
            let serial = one.serial;
            drop(list);
            if was_asked_back {
                self.watch();
            }
            return Ok(serial);
        }
        let size = segment_size(size).ok_or(NoRoom::Never(SEGMENT_SIZE_MAX))?;
        if list.bytes().saturating_add(size) > PAIR_BYTES_MAX {
            return Err(NoRoom::Now);
        }
        // Made without the lock, which the watcher takes: allocating 64 MiB takes long. The A-stack is this call's alone,
        // so nobody else makes one for it meanwhile.
        list.coming += size;
        drop(list);
        let made = self.make(size);
        let mut list = lock(&self.list);
        list.coming -= size;
        let (segment, file, paid) = made?;
        list.living.iter_mut().filter(|one| (one.astack, one.part) == (astack, part)).for_each(|one| {
            one.replaced = true;
        });
        let serial = list.next_serial();
        let (asked_back, replaced) = (false, false);
        list.living.push(Outcome { serial, astack, part, segment, file, used: now, asked_back, replaced, _paid: paid });
        drop(list);
        self.watch();
        Ok(serial)
    }

    /// Pays first, then makes.
    #[expect(clippy::type_complexity, reason = "it is taken apart by the one caller")]
    fn make(&self, size: usize) -> Result<(OwnSegment, OwnedFd, (Descriptor, Spent, Option<Charge>)), NoRoom> {
        let owner = self.payer.as_ref().map_or(0, |payer| payer.owner());
        let descriptor = Descriptor::take(owner)?;
        let spent = Spent::new(owner, size)?;
        let charge = match &self.payer {
            Some(payer) => Some(payer.charge(size).ok_or(NoRoom::Now)?),
            None => None,
        };
        let (segment, file) = make(size).map_err(|_| NoRoom::Now)?;
        Ok((segment, file, (descriptor, spent, charge)))
    }

    fn watch(&self) {
        if let Some(payer) = &self.payer {
            payer.watch();
        }
    }

    /// What else may be charged to whoever pays for results.
    ///
    /// # Errors
    /// `None`: not so much.
    #[must_use]
    pub(crate) fn charge(&self, bytes: usize) -> Option<Charge> {
        match &self.payer {
            Some(payer) => payer.charge(bytes),
            None => Some(Box::new(())),
        }
    }

    /// Bytes of a segment; 0 if there is none of the number.
    #[must_use]
    pub(crate) fn size(&self, serial: u16) -> usize {
        lock(&self.list).living.iter().find(|one| one.serial == serial).map_or(0, |one| one.segment.size())
    }

    /// Lends bytes of a segment; `None` outside it.
    ///
    /// # Safety
    /// 1. The caller serves a call, took the segment ([`take`](Self::take)) for it, and serves it until the result is
    ///    used no more.
    /// 2. No other borrow of these bytes from this call lives.
    #[expect(clippy::mut_from_ref, reason = "which borrows exist is what the caller vouches for")]
    pub(crate) unsafe fn lend(&self, serial: u16, at: usize, size: usize) -> Option<&mut [u8]> {
        let list = lock(&self.list);
        let one = list.living.iter().find(|one| one.serial == serial)?;
        // SAFETY: the A-stack is busy with this one call, so nobody else borrows of its segments; precondition 2.
        let lent = core::ptr::from_mut(unsafe { one.segment.lend(at, size) }?);
        // SAFETY: the bytes are mapped until the entry is dropped: by `unmapped`, which leaves those that were taken since
        // they were asked back (precondition 1; `sweep` asks back none of an A-stack on which a call runs), and with the
        // pair, which whoever serves a call of it keeps. That the list moves its entries does not move what is mapped.
        Some(unsafe { &mut *lent })
    }

    /// What a client that asks for the segment of this number gets: a descriptor for reading, and the size.
    #[must_use]
    pub(crate) fn show(&self, serial: u16) -> Option<(OwnedFd, usize)> {
        let list = lock(&self.list);
        let one = list.living.iter().find(|one| one.serial == serial)?;
        Some((memory::reader(one.file.as_fd()).ok()?, one.segment.size()))
    }

    /// Segments that the client is asked to unmap now, with their A-stacks: those not used for long, or replaced.
    /// `is_idle`: no procedure runs on that A-stack.
    pub(crate) fn sweep(&self, now: u32, is_idle: impl Fn(u16) -> bool) -> Vec<(u16, u16)> {
        let mut list = lock(&self.list);
        let old =
            |one: &&mut Outcome| !one.asked_back && (one.replaced || is_old(one.used, now)) && is_idle(one.astack);
        let ask = |one: &mut Outcome| {
            one.asked_back = true;
            (one.serial, one.astack)
        };
        list.living.iter_mut().filter(old).map(ask).collect()
    }

    /// The client says that it needs a segment no more: it is freed, whoever has it mapped. Until it says so the reply that
    /// lies there may not have been read; what it says of another is no harm but to itself.
    pub(crate) fn unmapped(&self, serial: u16) {
        let mut list = lock(&self.list);
        // One that was used again meanwhile was not given up.
        if let Some(at) = list.living.iter().position(|one| one.serial == serial && one.asked_back) {
            let gone = list.living.swap_remove(at);
            drop(list);
            drop(gone);
        }
    }

    /// What a [`sweep`](Self::sweep) has left. What was asked back is the client's affair.
    #[must_use]
    pub(crate) fn left(&self, now: u32) -> Left {
        let list = lock(&self.list);
        let left = list.living.iter().filter(|one| !one.asked_back).map(|one| left(one.used, now));
        left.max().unwrap_or(Left::Nothing)
    }
}

impl List {
    /// A number that no living segment has; never 0.
    fn next_serial(&mut self) -> u16 {
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            let last = self.last;
            // There are two for each A-stack, and few replaced ones.
            if self.living.iter().all(|one| one.serial != last) {
                return last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(byte: u8) -> OwnSegment {
        let fd = memory::create(SIZE).unwrap();
        let segment = OwnSegment::map(fd.as_fd(), SIZE).unwrap();
        // SAFETY: nobody else has it.
        unsafe { segment.lend(0, SIZE) }.unwrap().fill(byte);
        segment
    }

    const SIZE: usize = nearcall_layout::pair::SEGMENT_SIZE_MIN;

    #[test]
    fn a_segment_that_is_held_stays_whoever_takes_it_away() {
        let all = Arguments::default();
        assert!(all.set(3, 1, segment(1)) && all.hold(3, SIZE));
        // SAFETY: this test holds the A-stack and its segment, and borrows it once.
        let bytes = unsafe { all.frame(3) };
        assert!(!all.set(3, 2, segment(2)) && !all.remove(3));
        assert!(all.set(4, 3, segment(3)) && all.remove(4), "another one is another's affair");
        let later = milliseconds().wrapping_add(2 * KEPT_MS);
        assert!(all.sweep(later, |_| true).is_empty());
        assert_eq!((all.left(milliseconds()), all.left(later)), (Left::Young, Left::Stuck));
        assert!(bytes.iter().all(|&byte| byte == 1));
        all.let_go(3);
        assert!(all.set(3, 2, segment(2)));
        assert_eq!(all.sweep(later, |_| true), [(3, 2)]);
        assert_eq!(all.left(later), Left::Nothing);
    }

    #[test]
    fn what_is_given_back_during_a_call_is_freed_after_it() {
        let all = Offered::default();
        let offer = || {
            let fd = memory::create(SIZE).unwrap();
            rustix::fs::fallocate(&fd, rustix::fs::FallocateFlags::empty(), 0, SIZE as u64).unwrap();
            memory::seal(fd.as_fd()).unwrap();
            let charge: Charge = Box::new(());
            (PeerSegment::map(fd.as_fd(), SIZE).unwrap(), charge)
        };
        let count = || lock(&all.0).len();
        assert!(all.set(3, offer(), || true) && !all.set(3, offer(), || false));
        assert!(!all.give_back(3, |_| false) && !all.sweep(|astack| astack != 3) && count() == 1);
        // SAFETY: no `set`, `give_back` or `sweep` follows while the result lives.
        assert!(unsafe { all.get(3) }.is_none(), "no call begins to read it");
        assert!(all.give_back(4, |_| true), "none is there");
        assert!(all.sweep(|_| true) && count() == 0);
        assert!(all.set(3, offer(), || true) && all.give_back(3, |_| true) && count() == 0);
        // Replaced once the call is over.
        assert!(all.set(3, offer(), || true) && !all.give_back(3, |_| false));
        assert!(all.set(3, offer(), || true) && all.sweep(|_| false) && count() == 1);
    }
}
