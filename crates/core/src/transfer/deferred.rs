//! A call that is answered after its procedure has returned, by whoever has it, on any kernel thread.
//!
//! ```text
//! Started --procedure returns DEFERRED--> Deferral --with its pair--> Deferred --answer--> the caller is woken
//!                                                                        |
//!                                                                        +-- dropped: ABORTED
//! ```
//!
//! The processor goes on to other calls at once. What it does for callers that sleep after each reply is done here by whoever
//! answers: reply, fence, look at the wait word, wake (`wake.rs`; docs/orderings.md, "Deferred replies").
//!
//! It keeps the pair's memory mapped, and its A-stack busy; so an export is drained, and a client's departure reported, only when
//! it has gone. Who sees to that is not decided here.

use std::sync::Arc;

use nearcall_layout::pair::status;

use super::crew::Pair;
use super::wake::wake_of;
use crate::channel::server::Deferral;
use crate::channel::serving::Serving;

/// The right, and the duty, to answer one call. Dropped, it answers that nobody will.
pub struct Deferred<P: Pair> {
    pair: Arc<P>,
    /// `None` once it is answered.
    call: Option<Deferral>,
}

impl<P: Pair> Deferred<P> {
    /// A call of `pair`.
    ///
    /// # Panics
    /// In debug builds, if it is of another one: then it is never answered.
    #[must_use]
    pub fn new(pair: Arc<P>, mut call: Deferral) -> Self {
        debug_assert!(call.serve(pair.half()).is_some(), "a call is answered by its own pair");
        Self { pair, call: Some(call) }
    }

    /// The pair.
    #[must_use]
    pub fn pair(&self) -> &Arc<P> {
        &self.pair
    }

    /// Has `write` write the results, and answers with the status that it returns. If it panics, nobody answers any more.
    pub fn answer(mut self, write: impl FnOnce(Serving<'_>) -> u16) {
        let half = self.pair.half();
        let Some(status) = self.call.as_mut().and_then(|call| call.serve(half)).map(write) else { return };
        self.end(status);
    }

    fn end(&mut self, status: u16) {
        let Some(call) = self.call.take() else { return };
        let (astack, sequence) = (call.astack(), call.sequence());
        if call.answer(self.pair.half(), status).is_ok() {
            wake_of(&*self.pair, astack, sequence);
        }
    }
}

impl<P: Pair> Drop for Deferred<P> {
    fn drop(&mut self) {
        self.end(status::ABORTED);
    }
}

impl<P: Pair> core::fmt::Debug for Deferred<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Deferred").field("call", &self.call).finish_non_exhaustive()
    }
}
