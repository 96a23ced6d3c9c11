//! Memory for threads' closures, kept by the processor on which the last one ended: a spawn would otherwise cost as much
//! again for the allocator.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

use super::processor::here;

/// Bytes of the blocks that are kept; others are the allocator's business.
const CLASS_COUNT: usize = 2;
const SMALL: usize = 256;
const LARGE: usize = 512;
const ALIGN: usize = 16;

/// Blocks of each size that a processor keeps.
const COUNT_MAX: usize = 256;

/// What a kernel thread keeps.
#[derive(Debug)]
pub(super) struct Blocks([Kept; CLASS_COUNT]);

/// Linked through their first words.
#[derive(Debug)]
struct Kept {
    first: Cell<*mut Free>,
    count: Cell<usize>,
}

struct Free {
    next: *mut Self,
}

#[inline(always)]
const fn class(layout: Layout) -> Option<usize> {
    if layout.align() > ALIGN || layout.size() > LARGE {
        return None;
    }
    Some(if layout.size() <= SMALL { 0 } else { 1 })
}

const fn layout_of(class: usize) -> Layout {
    match Layout::from_size_align(if class == 0 { SMALL } else { LARGE }, ALIGN) {
        Ok(layout) => layout,
        Err(_) => panic!("sizes are multiples of the alignment"),
    }
}

impl Blocks {
    pub(super) const fn new() -> Self {
        Self([const { Kept { first: Cell::new(ptr::null_mut()), count: Cell::new(0) } }; CLASS_COUNT])
    }

    /// Gives all of them back.
    pub(super) fn clear(&self) {
        for (class, kept) in self.0.iter().enumerate() {
            while let Some(block) = kept.pop() {
                // SAFETY: it was allocated with the layout of its class.
                unsafe { std::alloc::dealloc(block.as_ptr().cast(), layout_of(class)) };
            }
        }
    }
}

impl Kept {
    #[inline(always)]
    fn pop(&self) -> Option<NonNull<Free>> {
        let first = NonNull::new(self.first.get())?;
        // SAFETY: what is kept is a block, with the next one's address in it.
        let next = unsafe { first.as_ref() }.next;
        self.first.set(next);
        self.count.set(self.count.get() - 1);
        Some(first)
    }
}

/// Memory for a `T`, with nothing in it: so that it is made where it stays.
#[inline(always)]
pub(super) fn alloc<T>() -> NonNull<T> {
    let layout = Layout::new::<T>();
    let Some(class) = class(layout) else { return alloc_new(layout).cast() };
    match here().and_then(|processor| processor.blocks().0.get(class)).and_then(Kept::pop) {
        Some(block) => block.cast(),
        None => alloc_new(layout_of(class)).cast(),
    }
}

#[cold]
fn alloc_new(layout: Layout) -> NonNull<u8> {
    // SAFETY: the size is not 0: it is a class's, or larger than all of them, or that of something with an alignment.
    let block = unsafe { std::alloc::alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| std::alloc::handle_alloc_error(layout))
}

/// Drops what is in a block, and keeps or frees that.
///
/// # Safety
/// It is from [`alloc`] of the same type, there is a value in it, and nobody uses it afterwards.
#[inline(always)]
pub(super) unsafe fn free<T>(block: NonNull<T>) {
    // SAFETY: the value is there, and is dropped once.
    unsafe { block.drop_in_place() };
    let layout = Layout::new::<T>();
    let Some(class) = class(layout) else {
        // SAFETY: it was allocated with its own layout.
        return unsafe { std::alloc::dealloc(block.as_ptr().cast(), layout) };
    };
    if let Some(kept) = here().and_then(|processor| processor.blocks().0.get(class))
        && kept.count.get() < COUNT_MAX
    {
        let free: NonNull<Free> = block.cast();
        // SAFETY: the block is free, and every class is large enough for the address.
        unsafe { free.write(Free { next: kept.first.get() }) };
        kept.first.set(free.as_ptr());
        kept.count.set(kept.count.get() + 1);
        return;
    }
    // SAFETY: it was allocated with the layout of its class.
    unsafe { std::alloc::dealloc(block.as_ptr().cast(), layout_of(class)) };
}
