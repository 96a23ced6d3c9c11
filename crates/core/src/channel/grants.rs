//! What a pair's client may call: a table of rights, and the values that procedures are called on.
//!
//! ```text
//! Grants (a pair) -- place: right, room --> Room (an export in this pair: its A-stacks) --> Served: the value
//! ```
//!
//! A value is used without a lock and without a count, and can be taken out all the same while pairs live that had it:
//! a call marks its A-stack as busy and then reads its right; whoever takes the value out takes all rights back and then
//! looks at the busy A-stacks ([`Served::take`]; `docs/orderings.md`, "Revocation"). So rights are given here only, and a
//! value is reached by a call only that has read one.
//!
//! What it does not do: decide who gets a right, or place A-stacks.

use core::cell::UnsafeCell;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use nearcall_layout::pair::{AstackClass, request, status};

use super::server::{Busy, Claimed, DEFERRED, Deferral, Misbehaved, ServerHalf, Started, running_in};
use super::serving::Serving;

/// Bindings of a pair whose places are there from the beginning; few pairs have more.
const FIRST_COUNT: usize = 64;

/// The others, in blocks: as many as the 16 bits of an index have, over the pair's whole life and all exports.
const BLOCK_COUNT: usize = 256;
const BLOCK_SIZE: usize = 256;

/// A value that procedures are called on, and what is known of it, which outlives it.
pub struct Served<T, I> {
    value: UnsafeCell<ManuallyDrop<T>>,
    info: I,
    users: Mutex<Users<T, I>>,
}

struct Users<T, I> {
    stage: Stage,
    /// Pairs in which a right to it was ever given.
    tables: Vec<Weak<Table<T, I>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Closed,
    Taken,
}

// SAFETY: calls on many kernel threads share the value (`T: Sync`), and one of them may take it out (`T: Send`), and
// with it drop what another pair has of it (`I: Send`).
unsafe impl<T: Send + Sync, I: Send + Sync> Sync for Served<T, I> {}

impl<T, I> core::fmt::Debug for Served<T, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Served").field("stage", &self.users().stage).finish_non_exhaustive()
    }
}

impl<T, I> Served<T, I> {
    /// A value nobody has a right to yet.
    pub fn new(value: T, info: I) -> Self {
        let users = Mutex::new(Users { stage: Stage::Open, tables: Vec::new() });
        Self { value: UnsafeCell::new(ManuallyDrop::new(value)), info, users }
    }

    fn users(&self) -> MutexGuard<'_, Users<T, I>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the value was taken out, so that nothing uses its A-stacks any more.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.users().stage == Stage::Taken
    }

    /// Takes the value out, for good, if no procedure runs on it. All rights to it are taken back in any case, and no more
    /// are given.
    ///
    /// # Errors
    /// How many procedures run. It may be tried again. 0: it was taken out already.
    pub fn take(&self) -> Result<T, usize> {
        let mut users = self.users();
        if users.stage == Stage::Taken {
            return Err(0);
        }
        users.stage = Stage::Closed;
        users.tables.retain(|table| table.strong_count() > 0);
        let running = users.tables.iter().filter_map(Weak::upgrade).map(|table| table.close(self)).sum();
        if running != 0 {
            return Err(running);
        }
        users.stage = Stage::Taken;
        // SAFETY: nothing refers to the value. A reference is made only by `Grants::run`, whose A-stack is busy from before
        // its right was read until after the last use. No place has held a right since `close` took them back, and none
        // gets one: `grant` looks at the stage under the lock. So a call that read its right before that was busy when
        // `close` looked, unless it had ended.
        let value = unsafe { &mut *self.value.get() };
        // SAFETY: this happens once, because of the stage, under the lock.
        Ok(unsafe { ManuallyDrop::take(value) })
    }
}

impl<T, I> core::ops::Deref for Served<T, I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.info
    }
}

impl<T, I> Drop for Served<T, I> {
    fn drop(&mut self) {
        if self.users.get_mut().unwrap_or_else(PoisonError::into_inner).stage != Stage::Taken {
            // SAFETY: it was not taken out, and nobody else has `self`.
            unsafe { ManuallyDrop::drop(self.value.get_mut()) };
        }
    }
}

/// An export as one pair sees it; when that is over, the next one with the same procedures.
pub struct Room<T, I> {
    /// What is called there.
    served: Mutex<Arc<Served<T, I>>>,
    /// The same, for calls that have read a right to it.
    current: AtomicPtr<Served<T, I>>,
    classes: Vec<AstackClass>,
    /// The class of each procedure.
    of: Vec<AstackClass>,
}

impl<T, I> Room<T, I> {
    /// With A-stacks of these classes; `class_of` has the class of each procedure.
    #[must_use]
    pub fn new(served: Arc<Served<T, I>>, classes: Vec<AstackClass>, class_of: &[u8]) -> Self {
        let of = class_of.iter().filter_map(|&class| classes.get(usize::from(class)).copied()).collect();
        let current = AtomicPtr::new(Arc::as_ptr(&served).cast_mut());
        Self { served: Mutex::new(served), current, classes, of }
    }

    /// What is called there.
    #[must_use]
    pub fn served(&self) -> Arc<Served<T, I>> {
        Arc::clone(&self.served.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether this is what is called there; without a lock.
    fn is_of(&self, served: &Served<T, I>) -> bool {
        // Relaxed: it is only compared. Whoever has `served`, and a right that was given to it, has seen it put here.
        ptr::eq(self.current.load(Ordering::Relaxed), served)
    }

    /// Has `served`, whose procedures have the same classes, called there instead of what was. `false`: that was not
    /// taken out yet.
    #[must_use]
    pub fn pass_on(&self, served: &Arc<Served<T, I>>) -> bool {
        // Before the lock, which `Served::take` must not wait for: what is taken out stays so.
        let before = self.served();
        if !before.is_taken() {
            return false;
        }
        let mut own = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = Arc::ptr_eq(&own, &before);
        if is_first {
            // Relaxed: a call gets there by a right, which is given after this, with Release.
            self.current.store(Arc::as_ptr(served).cast_mut(), Ordering::Relaxed);
            *own = Arc::clone(served);
        }
        is_first
    }

    /// Its A-stacks.
    #[must_use]
    pub fn classes(&self) -> &[AstackClass] {
        &self.classes
    }
}

/// A place in the table. `right` is generation and nonce in one word, 0 when nothing is granted; `room` is set once, so
/// that the call path reads it without a lock. A place is granted again only for the same export.
#[repr(align(32))]
struct Place<T, I> {
    right: AtomicU64,
    room: OnceLock<Arc<Room<T, I>>>,
}

impl<T, I> Default for Place<T, I> {
    fn default() -> Self {
        Self { right: AtomicU64::new(0), room: OnceLock::new() }
    }
}

type Block<T, I> = Box<[Place<T, I>]>;
type Blocks<T, I> = Box<[OnceLock<Block<T, I>>]>;

/// The rights of a client, and which of its A-stacks are busy: what a call reads and [`Served::take`] looks at.
struct Table<T, I> {
    /// Places of low index, where almost all are.
    first: [Place<T, I>; FIRST_COUNT],
    others: OnceLock<Blocks<T, I>>,
    /// Those of the half.
    busy: Arc<Busy>,
}

/// A pair's channel and the rights of its client.
pub struct Grants<T, I> {
    half: ServerHalf,
    /// The export by whose name the client came; what names no binding is counted there.
    home: Arc<Served<T, I>>,
    table: Arc<Table<T, I>>,
}

/// Somebody who counts requests that no correct client makes.
pub trait Refusals {
    /// One more.
    fn count_refused(&self);
}

impl<T, I> Table<T, I> {
    #[inline(always)]
    fn place(&self, index: u16) -> Option<&Place<T, I>> {
        let index = usize::from(index);
        if let Some(place) = self.first.get(index) {
            return Some(place);
        }
        self.far_place(index)
    }

    #[cold]
    #[inline(never)]
    fn far_place(&self, index: usize) -> Option<&Place<T, I>> {
        let index = index.checked_sub(FIRST_COUNT)?;
        self.others.get()?.get(index / BLOCK_SIZE)?.get()?.get(index % BLOCK_SIZE)
    }

    /// Sees to it that there is a place of this index.
    fn make_place(&self, index: usize) {
        let Some(index) = index.checked_sub(FIRST_COUNT) else { return };
        let blocks = self.others.get_or_init(|| (0..BLOCK_COUNT).map(|_| OnceLock::new()).collect());
        if let Some(block) = blocks.get(index / BLOCK_SIZE) {
            block.get_or_init(|| (0..BLOCK_SIZE).map(|_| Place::default()).collect());
        }
    }

    fn places(&self) -> impl Iterator<Item = &Place<T, I>> {
        let others = self.others.get().into_iter().flatten().filter_map(OnceLock::get).flatten();
        self.first.iter().chain(others)
    }

    /// Takes back all rights to `served`; returns how many procedures run on it in this pair.
    fn close(&self, served: &Served<T, I>) -> usize {
        let mut rooms: Vec<&Arc<Room<T, I>>> = Vec::new();
        for place in self.places() {
            let Some(room) = place.room.get().filter(|room| room.is_of(served)) else { continue };
            place.right.swap(0, Ordering::SeqCst);
            if !rooms.iter().any(|known| Arc::ptr_eq(known, room)) {
                rooms.push(room);
            }
        }
        rooms.into_iter().map(|room| self.running(room)).sum()
    }

    /// How many procedures run on the A-stacks of a room.
    fn running(&self, room: &Room<T, I>) -> usize {
        room.classes.iter().map(|class| running_in(&self.busy, class)).sum()
    }
}

impl<T, I> Grants<T, I> {
    /// A table without rights.
    #[must_use]
    pub fn new(half: ServerHalf, home: Arc<Served<T, I>>) -> Self {
        let first = core::array::from_fn(|_| Place::default());
        let table = Arc::new(Table { first, others: OnceLock::new(), busy: Arc::clone(half.busy_flags()) });
        Self { half, home, table }
    }

    /// The export by whose name the client came.
    #[must_use]
    pub fn home(&self) -> &Served<T, I> {
        &self.home
    }

    /// The channel.
    #[inline(always)]
    #[must_use]
    pub fn half(&self) -> &ServerHalf {
        &self.half
    }

    /// What the place with this index is for; `None` while nothing was granted there.
    #[must_use]
    pub fn room(&self, index: u16) -> Option<&Arc<Room<T, I>>> {
        self.table.place(index)?.room.get()
    }

    /// The right that a place holds, 0 for none.
    #[must_use]
    pub fn right(&self, index: u16) -> u64 {
        self.table.place(index).map_or(0, |place| place.right.load(Ordering::Relaxed))
    }

    /// Gives a right, not 0, to what is in `room`, at a place that is new or was for the same room. `false`: that is
    /// withdrawn, or the place is another's.
    #[must_use]
    pub fn grant(&self, index: u16, room: &Arc<Room<T, I>>, right: u64) -> bool {
        self.table.make_place(usize::from(index));
        let Some(place) = self.table.place(index) else { return false };
        let served = room.served();
        let mut users = served.users();
        if users.stage != Stage::Open || !Arc::ptr_eq(place.room.get_or_init(|| Arc::clone(room)), room) {
            return false;
        }
        if !users.tables.iter().any(|table| ptr::eq(table.as_ptr(), Arc::as_ptr(&self.table))) {
            users.tables.retain(|table| table.strong_count() > 0);
            users.tables.push(Arc::downgrade(&self.table));
        }
        // Release: pairs with the load in `run`. Under the lock, so that `Served::take` finds it, and `pass_on` comes before
        // it or after that.
        place.right.store(right, Ordering::Release);
        true
    }

    /// Takes a right back; returns what it was.
    pub fn take_back(&self, index: u16) -> u64 {
        self.table.place(index).map_or(0, |place| place.right.swap(0, Ordering::SeqCst))
    }

    /// How many procedures run on the A-stacks of a room.
    #[must_use]
    pub fn running(&self, room: &Room<T, I>) -> usize {
        self.table.running(room)
    }
}

impl<T, I: Refusals> Grants<T, I> {
    /// LRPC's call sequence: the binding and the procedure, the A-stack, both unused, the right; then `serve`, which has
    /// the value, what is known of it, and the call, and whose status is the answer; or [`DEFERRED`], and `later` has what
    /// can be answered. Whatever does not get there is answered and counted.
    ///
    /// # Errors
    /// [`Misbehaved`]: there is nowhere to answer to.
    #[inline(always)]
    pub fn run(
        &self,
        claimed: &Claimed,
        serve: impl FnOnce(&T, &Served<T, I>, Serving<'_>) -> u16,
        later: impl FnOnce(Deferral),
    ) -> Result<(), Misbehaved> {
        let wanted = &claimed.request;
        if claimed.flags & request::TOO_DEEP != 0 {
            self.refuse_depth(wanted.astack, claimed.sequence);
            return Ok(());
        }
        let Some((place, room)) = self.table.place(wanted.binding).and_then(|place| Some((place, place.room.get()?)))
        else {
            self.refuse_binding(wanted.astack, claimed.sequence);
            return Ok(());
        };
        let Some(class) = room.of.get(usize::from(wanted.procedure)) else {
            self.refuse_procedure(wanted.astack, claimed.sequence);
            return Ok(());
        };
        let mut started = self.half.start(claimed, class)?;
        // Looked at after the A-stack is marked as busy: whoever revokes looks for busy A-stacks afterwards, so the call
        // is either refused or waited for (docs/orderings.md, "Revocation").
        if place.right.load(Ordering::SeqCst) != request::right(wanted.generation, wanted.nonce) {
            revoked(started, room);
            return Ok(());
        }
        // Relaxed: the right was read, and what it is to was put there before that was given; see below for afterwards.
        let served = room.current.load(Ordering::Relaxed);
        // SAFETY: the room has an `Arc` of it until `pass_on` puts another there. That is after `Served::take`, and that is
        // after this call, as it says: the call's A-stack is busy, because `started` is there, and its right was read after
        // it had become so. The reference ends with `serve`, before the answer, or before what answers later is handed out.
        let served = unsafe { &*served };
        // SAFETY: the same.
        let value: &T = unsafe { &*served.value.get() };
        let status = serve(value, served, started.serve());
        if status == DEFERRED {
            later(started.defer());
            return Ok(());
        }
        started.answer(status);
        Ok(())
    }

    /// Functions of their own and not one with a status: the compiler loads that on every call, before it knows whether it is
    /// needed.
    #[cold]
    #[inline(never)]
    fn refuse_binding(&self, astack: u16, sequence: u32) {
        self.home.count_refused();
        self.half.refuse(astack, sequence, status::REVOKED);
    }

    #[cold]
    #[inline(never)]
    fn refuse_depth(&self, astack: u16, sequence: u32) {
        self.home.count_refused();
        self.half.refuse(astack, sequence, status::TOO_DEEP);
    }

    #[cold]
    #[inline(never)]
    fn refuse_procedure(&self, astack: u16, sequence: u32) {
        self.home.count_refused();
        self.half.refuse(astack, sequence, status::NO_PROCEDURE);
    }
}

#[cold]
#[inline(never)]
fn revoked<T, I: Refusals>(started: Started<'_>, room: &Room<T, I>) {
    room.served().count_refused();
    started.refuse(status::REVOKED);
}

impl<T, I> core::fmt::Debug for Room<T, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Room").field("classes", &self.classes).finish_non_exhaustive()
    }
}

impl<T, I> core::fmt::Debug for Grants<T, I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Grants").field("half", &self.half).finish_non_exhaustive()
    }
}
