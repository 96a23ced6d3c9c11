//! What a procedure can ask about the call it serves.

use std::sync::Arc;
use std::time::Duration;

use nearcall_core::transfer::crew::Pair;
use nearcall_core::transfer::desk::{self, Running};

use crate::clerk::ServerPair;
use crate::peer::Peer;
use crate::rt::{Interface, Procedure};

/// The call that this kernel thread is serving; `None` outside of procedures, and on threads that a procedure has
/// started. A call that does not ask pays some five instructions for the possibility.
#[must_use]
pub fn current() -> Option<Current> {
    let running = desk::current::<ServerPair>()?;
    let interface = running.pair.interface(running.binding)?;
    let procedure = interface.procedures.get(usize::from(running.procedure))?;
    Some(Current { running, interface, procedure })
}

/// The client's [`Peer::id`], and no more of [`current`]: a few loads, where that takes and gives back a reference.
#[must_use]
pub fn caller() -> Option<u64> {
    desk::with_pair(|pair: &ServerPair| pair.peer().id())
}

/// A call that is being served. It may be kept, and given to other threads that work for the call; it keeps the memory
/// shared with the client mapped.
#[derive(Debug)]
pub struct Current {
    running: Running<ServerPair>,
    interface: &'static Interface,
    procedure: &'static Procedure,
}

impl Current {
    /// The client.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.running.pair.peer()
    }

    /// The interface's name.
    #[must_use]
    pub fn interface(&self) -> &'static str {
        self.interface.name
    }

    /// The procedure's name.
    #[must_use]
    pub fn procedure(&self) -> &'static str {
        self.procedure.name
    }

    /// Index of the binding by which the client calls, among those of this client.
    #[must_use]
    pub fn binding(&self) -> u16 {
        self.running.binding
    }

    /// How deep the call is: 1 if it was made outside of procedures, one more than that of the call in whose procedure it was
    /// made otherwise. At most 16 ([`CallError::TooDeep`](crate::CallError::TooDeep)), and as honest as the client.
    ///
    /// What counts is the kernel thread that makes the call: those of threads that a procedure starts lie in nobody's
    /// procedure.
    #[must_use]
    pub fn depth(&self) -> u16 {
        self.running.depth()
    }

    /// What is left of the time after which the caller gives up; zero if it is over, `None` if the caller waits for ever.
    ///
    /// No clock is looked at on a call's path, so the time is counted from the last look that the processor took before
    /// the call: it is never too long, if the client states its time-out truly, and too short by the calls that the
    /// processor has served since. It looks before it waits, when it has had nothing to do for some 2 us, and after 32 calls
    /// at the latest. Calls that the procedure makes have no more time than this, whatever their own time-out is. The time-out
    /// itself is rounded down by up to 0.1 %.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.running.time_left()
    }

    /// Whether nobody waits for the answer any more: the caller's time-out has struck, or the client has ended or let go
    /// of this process. It may become true at any time, and never becomes false while the call runs. It is what the client
    /// says: one that lies harms its own call. Looking costs a cache miss at most.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let Running { pair, astack, sequence, .. } = &self.running;
        pair.half().has_ended() || pair.half().is_given_up(*astack, *sequence)
    }

    pub(crate) fn astack(&self) -> u16 {
        self.running.astack
    }

    pub(crate) fn pair(&self) -> &Arc<ServerPair> {
        &self.running.pair
    }
}
