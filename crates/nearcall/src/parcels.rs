//! Descriptors that have arrived, and wait for the call they came for.
//!
//! They travel beside the call, over the pair's control socket, in a message that is sent before the call is published and
//! carries a number, the *token*, which the call carries, too. So whoever takes the call apart finds its parcel here, or in
//! the socket, where the watcher is about to read it, or there is none. Which of these is certain without waiting: the watcher
//! receives while it holds the lock under which others look ([`Parcels::hearing`]), so what is neither here nor in the socket
//! was not sent.
//!
//! What it does not do: look at a descriptor. It may be of anything ([`Foreign`]).

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::{milliseconds, socket};
use nearcall_core::transfer::handoff;

use crate::quota::Charge;

/// Descriptors that wait in a pair for calls to its server: four calls with as many as a call can have.
const COUNT_MAX: usize = 64;

/// Parcels that were refused and are remembered, so that their calls hear why.
const REFUSED_COUNT_MAX: usize = 64;

/// After that long a client's parcel of results goes: its reply was published right after it was sent, so nobody waits for it
/// any more. Milliseconds.
const KEPT_MS: u32 = 10_000;

/// Why a parcel is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It was not sent, or was called back.
    Never,
    /// There was no room for it: nothing is said against sending it again.
    Refused,
    /// It did not arrive in time.
    Late,
}

/// The token of a parcel of results: it names the A-stack of the call that is answered, so that its client can tell what has room
/// without a number that servers could exceed. `number` tells it from others of that A-stack.
pub(crate) fn result_token(astack: u16, number: u16) -> u32 {
    u32::from(number) << 16 | u32::from(astack)
}

/// The A-stack that the token of a parcel of results names.
pub(crate) fn astack_of(token: u32) -> u16 {
    u16::try_from(token & u32::from(u16::MAX)).unwrap_or(u16::MAX)
}

/// More parcels for which there is no room than a client makes that waits for its calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flood;

#[derive(Debug)]
struct Waiting {
    token: u32,
    fds: Option<Vec<Foreign>>,
    since: u32,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    /// Who sleeps until another one arrives.
    sleepers: usize,
}

impl State {
    fn count(&self) -> usize {
        self.waiting.iter().filter_map(|waiting| waiting.fds.as_ref()).map(Vec::len).sum()
    }

    fn remove(&mut self, token: u32) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.token == token)?;
        self.waiting.remove(at)
    }
}

/// The parcels of one direction of a pair.
#[derive(Debug, Default)]
pub(crate) struct Parcels {
    state: Mutex<State>,
    arrived: Condvar,
}

/// While this is there, nobody else looks what has arrived. Held over receiving a message.
pub(crate) struct Hearing<'a> {
    state: MutexGuard<'a, State>,
    arrived: &'a Condvar,
}

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        // Also when it was another message: what they look for may not be there.
        if self.state.sleepers > 0 {
            self.arrived.notify_all();
        }
    }
}

impl Hearing<'_> {
    /// A parcel for a server, on its client's account. What there is no room for is closed, and its call is told.
    ///
    /// # Errors
    /// [`Flood`].
    pub(crate) fn put(
        &mut self,
        token: u32,
        fds: Vec<Foreign>,
        charge: impl FnOnce(usize) -> Option<Charge>,
    ) -> Result<(), Flood> {
        let fits = self.state.count() + fds.len() <= COUNT_MAX;
        let charge = if fits { charge(fds.len()) } else { None };
        let refused = self.state.waiting.iter().filter(|waiting| waiting.fds.is_none()).count();
        if charge.is_none() && refused >= REFUSED_COUNT_MAX {
            return Err(Flood);
        }
        let fds = charge.map(|charge| {
            // On the account of whoever sent them until the last is closed, which may be never.
            let charge = Arc::new(charge);
            fds.into_iter().map(|fd| fd.keeping(Arc::clone(&charge) as _)).collect()
        });
        self.state.waiting.push_back(Waiting { token, fds, since: milliseconds() });
        Ok(())
    }

    /// A parcel for a client, if there is a call on the A-stack that it names. There is one for each: an A-stack has a
    /// new call only when the answer to the one before was read, with its parcel, or was given up.
    pub(crate) fn put_result(&mut self, token: u32, fds: Vec<Foreign>, is_call: impl FnOnce(u16) -> bool) {
        let astack = astack_of(token);
        self.forget(astack);
        if is_call(astack) {
            self.state.waiting.push_back(Waiting { token, fds: Some(fds), since: milliseconds() });
        }
    }

    /// Closes what came for the call on an A-stack, which nobody waits for any more.
    pub(crate) fn forget(&mut self, astack: u16) {
        self.state.waiting.retain(|waiting| astack_of(waiting.token) != astack);
    }

    /// Closes a parcel whose call was not made after all.
    pub(crate) fn call_back(&mut self, token: u32) {
        self.state.remove(token);
    }
}

impl Parcels {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before a message is received that may be a parcel.
    pub(crate) fn hearing(&self) -> Hearing<'_> {
        Hearing { state: self.state(), arrived: &self.arrived }
    }

    /// The parcel with this token, which was sent before its call was published, over this socket. `is_over`: nothing more
    /// will be received.
    ///
    /// # Errors
    /// [`Missing`].
    pub(crate) fn take(
        &self,
        token: u32,
        socket: BorrowedFd<'_>,
        until: Option<Instant>,
        is_over: impl Fn() -> bool,
    ) -> Result<Vec<Foreign>, Missing> {
        let mut state = self.state();
        loop {
            if let Some(found) = state.remove(token) {
                return found.fds.ok_or(Missing::Refused);
            }
            if !socket::is_readable(socket) || is_over() {
                return Err(Missing::Never);
            }
            let left = crate::client_pair::left(until);
            if left.is_zero() {
                return Err(Missing::Late);
            }
            // Only what has not arrived yet is worth giving the seat away for.
            let _open = handoff::open();
            state.sleepers += 1;
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.sleepers -= 1;
        }
    }

    /// Closes what nobody will fetch; `true`: there is more.
    pub(crate) fn sweep(&self, now: u32) -> bool {
        let mut state = self.state();
        state.waiting.retain(|waiting| now.wrapping_sub(waiting.since) < KEPT_MS);
        !state.waiting.is_empty()
    }

    /// The pair has ended.
    pub(crate) fn close(&self) {
        self.state().waiting.clear();
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};
    use std::time::Duration;

    use super::*;
    use crate::quota::{Kind, QUOTA};

    const UID: u32 = 4_000_000_000;

    /// As they arrive.
    fn some(count: usize) -> Vec<Foreign> {
        let (one, other) = socket::pair().unwrap();
        let files: Vec<OwnedFd> = (0..count).map(|_| std::fs::File::open("/dev/null").unwrap().into()).collect();
        let fds: Vec<_> = files.iter().map(OwnedFd::as_fd).collect();
        socket::send(one.as_fd(), b"x", &fds).unwrap();
        socket::receive(other.as_fd(), &mut [0; 8]).unwrap().unwrap().fds
    }

    fn charge(count: usize) -> Option<Charge> {
        QUOTA.take(Kind::Descriptors, UID, count as u64).ok()
    }

    #[test]
    fn a_parcel_is_found_by_its_token_once() {
        let (parcels, (one, _other)) = (Parcels::default(), socket::pair().unwrap());
        let take = |token| parcels.take(token, one.as_fd(), None, || false).map(|fds| fds.len());
        parcels.hearing().put(5, some(2), charge).unwrap();
        parcels.hearing().put(6, some(1), charge).unwrap();
        assert_eq!(take(7), Err(Missing::Never));
        assert_eq!((take(5), take(5), take(6)), (Ok(2), Err(Missing::Never), Ok(1)));
        parcels.hearing().put(8, some(1), charge).unwrap();
        parcels.hearing().call_back(8);
        assert_eq!(take(8), Err(Missing::Never));
    }

    #[test]
    fn what_finds_no_room_is_refused_and_a_flood_of_it_is_noticed() {
        let (parcels, (one, _other)) = (Parcels::default(), socket::pair().unwrap());
        let take = |token| parcels.take(token, one.as_fd(), None, || false).map(|fds| fds.len());
        for token in 0..4 {
            parcels.hearing().put(token, some(16), charge).unwrap();
        }
        for token in 4..68 {
            parcels.hearing().put(token, some(1), charge).unwrap();
        }
        assert_eq!(parcels.hearing().put(68, some(1), charge), Err(Flood));
        assert_eq!((take(4), take(0)), (Err(Missing::Refused), Ok(16)));
        parcels.hearing().put(69, some(1), charge).unwrap();
        assert_eq!(take(69), Ok(1));
    }

    /// What a parcel costs its sender goes back when its descriptors are closed or a procedure's, and not before.
    #[test]
    fn a_charge_lasts_as_long_as_its_descriptors() {
        let uid = UID + 1;
        let charge = |count: usize| QUOTA.take(Kind::Descriptors, uid, count as u64).ok();
        let has = |count| QUOTA.used(Kind::Descriptors, uid) == count;
        let (parcels, (one, _other)) = (Parcels::default(), socket::pair().unwrap());
        parcels.hearing().put(1, some(2), charge).unwrap();
        let mut fds = parcels.take(1, one.as_fd(), None, || false).unwrap();
        assert!(has(2));
        let theirs = fds.pop().and_then(Foreign::checked).unwrap();
        assert!(has(2), "one of them is still its sender's");
        drop(fds);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !has(0) {
            assert!(Instant::now() < deadline, "it is closed by somebody else");
            std::thread::yield_now();
        }
        drop(theirs);
    }

    #[test]
    fn each_call_has_room_for_its_results_and_no_others_have() {
        let (parcels, (one, _other)) = (Parcels::default(), socket::pair().unwrap());
        let take = |token| parcels.take(token, one.as_fd(), None, || false).map(|fds| fds.len());
        let all = || (0..40).map(|astack| result_token(astack, 7));
        for token in all() {
            parcels.hearing().put_result(token, some(16), |_| true);
        }
        assert!(all().all(|token| take(token) == Ok(16)), "however many calls are under way");
        // One that was given up makes room for the next on its A-stack, and what nobody waits for is not kept.
        for number in 0..1_000 {
            parcels.hearing().put_result(result_token(3, number), some(2), |_| true);
            parcels.hearing().put_result(result_token(number, 0), some(2), |astack| astack < 3);
        }
        assert_eq!(parcels.state().waiting.len(), 4);
        assert_eq!((take(result_token(3, 998)), take(result_token(3, 999))), (Err(Missing::Never), Ok(2)));
        parcels.hearing().forget(2);
        assert_eq!(take(result_token(2, 0)), Err(Missing::Never));
        assert!(parcels.sweep(milliseconds()));
        assert!(!parcels.sweep(milliseconds().wrapping_add(KEPT_MS)));
    }

    #[test]
    fn what_is_still_in_the_socket_is_waited_for() {
        let (parcels, (one, other)) = (Parcels::default(), socket::pair().unwrap());
        socket::send(other.as_fd(), b"x", &[]).unwrap();
        let until = Instant::now() + Duration::from_millis(5);
        assert_eq!(parcels.take(1, one.as_fd(), Some(until), || false).err(), Some(Missing::Late));
        assert_eq!(parcels.take(1, one.as_fd(), None, || true).err(), Some(Missing::Never));
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| parcels.take(1, one.as_fd(), None, || false).map(|fds| fds.len()));
            std::thread::sleep(Duration::from_millis(20));
            let mut hearing = parcels.hearing();
            socket::receive(one.as_fd(), &mut [0; 8]).unwrap().unwrap();
            hearing.put_result(1, some(3), |_| true);
            drop(hearing);
            assert_eq!(taker.join().unwrap(), Ok(3));
        });
    }
}
