//! User-level threads, the stacks they run on, and the processors that run them.
//!
//! ```text
//!             spawn                start (on the kernel thread that takes it)           ends
//!   unstarted ─────▶ left at a post ─────▶ running ⇄ ready ─────▶ waiting ─▶ ready ... ─────▶ over
//!                    (stealable)            └── a Waiter on its stack says for what
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`stack`] | guarded stacks in size classes |
//! | `context` | what goes with whoever runs, and is set from above |
//! | `fiber` | a coroutine on a stack, used again for one job after another |
//! | `biased`, `blocks` | what makes a fork cheap: a lock for its owner, memory that is there |
//! | `record`, `task` | what is known of a thread; its closure and result |
//! | `waiter` | one wait: who waits, and how it ends |
//! | [`park`] | waits that carry a token |
//! | `wait_list` | who waits for a mutex, a condition or a permit |
//! | `post` | what other kernel threads may touch of a processor |
//! | [`processor`] | the scheduler of one kernel thread |
//! | [`sync`], [`scope`] | what programs use: mutex, condition, semaphore; threads that borrow |
//! | [`workers`] | the processors of threads that anybody spawned; stealing |
//! | [`watchdog`], [`overflow`] | who keeps others waiting; whose stack is full |
//! | [`wheel`] | timers, without a clock |
//!
//! **A started thread never changes its kernel thread**: moving a running stack is unsound in Rust, which keeps addresses of
//! thread-locals in registers. What is stolen has not started. That is also what makes the primitives small: a thread that
//! has announced its wait will be suspended before its processor looks at anything else, so a wake that comes too early waits
//! in the inbox.
//!
//! **A started stack is never unwound from outside and never dropped.** Cancelling is an error at the thread's next wait; what
//! is still suspended when the process ends is leaked.
//!
//! Nothing here knows what a call is. Sources: Bershad et al., User-Level Interprocess Communication for Shared Memory
//! Multiprocessors (1991), sections 3.1 and 3.2; LRPC (1990), E-stacks.

mod biased;
mod blocks;
pub(crate) mod context;
mod fiber;
mod list;
mod names;
pub mod overflow;
pub mod park;
mod post;
pub mod processor;
mod record;
pub mod scope;
pub mod stack;
pub mod sync;
mod task;
mod wait_list;
mod waiter;
pub mod watchdog;
pub mod wheel;
pub mod workers;

pub use post::Post;
pub use processor::{
    Answer, Counts, NoWork, On, Processor, Turn, Waited, Words, Work, here, on_thread, wait_until, wait_until_on,
    yield_now,
};
pub use record::{Thread, current, park as park_current, with_local};
pub use task::{Handle, JoinError, NoStack, Payload, spawn_local};
pub use waiter::{Ended, sleep_until};
pub use workers::{NoWorker, spawn};
