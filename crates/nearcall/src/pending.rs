//! A call that was started and goes on by itself.
//!
//! ```text
//! start_read() --> started --- wait, try_take, poll ---> the value, or why there is none: once
//!                     |
//!                     +--- dropped: given up
//! ```
//!
//! Nothing of it runs in this process while nobody looks: the request is published, the server answers into its own memory,
//! and whoever looks for the answer reads it there. A future is woken by the pair's *signal*, a message on the pair's control
//! socket, which the watcher hears ([`Wakers`]).
//!
//! Sources: URPC, section 3 (a call is data transfer, thread switch and processor; here the caller switches as it likes).

mod fetch;
#[cfg(feature = "tokio")]
mod reactor;
mod wakers;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::mem;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use nearcall_core::astack::Astacks;
use nearcall_core::channel::Wake;
use nearcall_core::sys::socket;
use nearcall_core::transfer::any;
use nearcall_core::transfer::call::{Answered, Failed};
use nearcall_core::transfer::pending::{Outstanding, Taken};

use crate::binding::Binding;
use crate::client_pair::ClientPair;
use crate::domain::domain;
use crate::error::CallError;
use crate::rt::{self, Answer};
use fetch::Fetch;
pub(crate) use wakers::Wakers;

/// What becomes of the reply: reads it, and writes in-out and out targets.
type Read<'a, T, E> = Box<dyn FnOnce(Answer<'_>) -> Result<T, CallError<E>> + Send + 'a>;

/// A call under way that nobody waits for yet: what the `start_` method of a client returns.
///
/// It is a future for any executor, and can as well be waited for ([`wait`](Self::wait)) or asked now and then
/// ([`try_take`](Self::try_take)). It ends once, in a value or in a [`CallError`], by the time-out of its procedure, which runs
/// from the start. In-out and out targets are borrowed until then, and written only when a value is taken; all other
/// arguments were copied when it was started. No kernel thread waits for it meanwhile but the process's watcher, and that only
/// while a future is to be woken. A future that was waited for is woken only after it has been polled again.
///
/// Dropped before its end, the call is given up: the procedure may run nevertheless, and the A-stack is in quarantine until
/// its answer comes. What was passed with it is taken back, unless the procedure has it already; then it is that procedure's.
/// What is passed back is closed, ten seconds after it came at the latest. As many calls can be under way to one procedure as its class has A-stacks (`concurrency`); one more is
/// [`NoAStack`](CallError::NoAStack) at once. With `exhausted = "grow(..)"` the class gets more meanwhile.
///
/// To pass a client is to ask its server for leave, for which the `start_` method waits, up to the time-out; to be passed one is to
/// bind to its server, for which whoever takes the value waits, up to a second. Nothing else that is passed waits.
///
/// If nobody polls, waits or asks, nobody rings the server a second time either, should the first ring have been in vain
/// because its processor was starved; and a call whose time is over has not ended before somebody asks.
///
/// # Errors
/// Those of the call. After the end has been taken, [`Aborted`](CallError::Aborted). A forked child gets
/// [`Forked`](CallError::Forked).
#[must_use = "dropping it gives the call up"]
pub struct Pending<'a, T, E = Infallible> {
    state: State<'a, T, E>,
}

enum State<'a, T, E> {
    Started { call: Underway<'a>, size: usize, read: Read<'a, T, E> },
    Over(Result<T, CallError<E>>),
    Taken,
}

/// Nothing in it is pinned: what is borrowed lies elsewhere.
impl<T, E> Unpin for Pending<'_, T, E> {}

impl<T, E> fmt::Debug for Pending<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Started { .. } => "started",
            State::Over(_) => "over",
            State::Taken => "taken",
        };
        f.debug_tuple("Pending").field(&state).finish()
    }
}

impl<'a, T, E> Pending<'a, T, E> {
    pub(crate) fn started(
        binding: &'a Binding,
        call: Outstanding<'a>,
        size: usize,
        has_places: bool,
        read: Read<'a, T, E>,
    ) -> Self {
        let fetch = OnceLock::new();
        let call = Underway { binding, call: Some(call), is_registered: false, has_places, has_parcel: false, fetch };
        Self { state: State::Started { call, size, read } }
    }

    /// The same call, whose result is passed: its descriptors may be under way when the answer is there.
    #[doc(hidden)]
    pub fn passed_back(mut self) -> Self {
        if let Some(call) = self.underway() {
            call.has_parcel = true;
        }
        self
    }

    /// A call that is over already: without a boundary there is nothing to wait for.
    #[doc(hidden)]
    pub fn over(result: Result<T, CallError<E>>) -> Self {
        Self { state: State::Over(result) }
    }

    /// Waits for the end, as a call does.
    ///
    /// # Errors
    /// Those of the call.
    pub fn wait(mut self) -> Result<T, CallError<E>> {
        loop {
            if let Some(result) = self.turn(|call| call.wait(None)) {
                return result;
            }
        }
    }

    /// Waits for the end, for up to `timeout`; `None`: it goes on.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<Result<T, CallError<E>>> {
        // Further away than instants go: the call's own time-out ends the wait.
        self.turn(|call| call.wait(Instant::now().checked_add(timeout)))
    }

    /// Waits for the end until `at`; `None`: it goes on.
    pub fn wait_until(&mut self, at: Instant) -> Option<Result<T, CallError<E>>> {
        self.turn(|call| call.wait(Some(at)))
    }

    /// Takes the end if it has come; `None`: it goes on. Makes no system call but for a ring that is due.
    pub fn try_take(&mut self) -> Option<Result<T, CallError<E>>> {
        self.turn(Underway::look)
    }

    /// Whether there is an end to be taken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Started { call, .. } => call.is_done(),
            State::Over(_) | State::Taken => true,
        }
    }

    fn underway(&mut self) -> Option<&mut Underway<'a>> {
        match &mut self.state {
            State::Started { call, .. } => Some(call),
            _ => None,
        }
    }

    fn turn(&mut self, look: impl FnOnce(&mut Underway<'a>) -> Option<End<'a>>) -> Option<Result<T, CallError<E>>> {
        let State::Started { call, .. } = &mut self.state else {
            return Some(match mem::replace(&mut self.state, State::Taken) {
                State::Over(result) => result,
                _ => Err(CallError::Aborted),
            });
        };
        if !call.binding.is_here() {
            self.state = State::Taken;
            return Some(Err(CallError::Forked));
        }
        let end = look(call)?;
        let State::Started { call, size, read } = mem::replace(&mut self.state, State::Taken) else { return None };
        Some(match (end, call.fetch.get()) {
            (Err(failed), _) => Err(rt::failure(failed).into()),
            (Ok(_), Some(Fetch { end: Some(end), .. })) if let Some(Err(failure)) = end.get() => Err((*failure).into()),
            (Ok(answered), fetch) => {
                let places = fetch.map(|fetch| fetch.places);
                read(Answer::new(call.binding.pair(), answered, size, places))
            }
        })
    }
}

impl<T, E> Future for Pending<'_, T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut().turn(|call| call.poll(context)) {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }
}

/// The part of a pending call that knows nothing of its results.
struct Underway<'a> {
    binding: &'a Binding,
    /// `None` when it has ended.
    call: Option<Outstanding<'a>>,
    /// Whether a waker may be kept for it, and its wait word asks for the signal.
    is_registered: bool,
    /// Whether its results can lie beyond the reply line.
    has_places: bool,
    /// Whether its result is passed.
    has_parcel: bool,
    /// Once it was looked at, without waiting, where they are.
    fetch: OnceLock<Fetch>,
}

/// How a call has ended.
type End<'a> = Result<Answered<'a>, Failed>;

impl<'a> Underway<'a> {
    fn pair(&self) -> &'a ClientPair {
        self.binding.pair()
    }

    fn end(&mut self, look: impl FnOnce(Outstanding<'a>, &ClientPair) -> Taken<'a>) -> Option<End<'a>> {
        let call = self.call.take()?;
        let (astack, sequence) = (call.astack(), call.sequence());
        match look(call, self.pair()) {
            ControlFlow::Break(end) => {
                if end.is_err() {
                    self.pair().parcels.hearing().forget(astack);
                }
                if mem::take(&mut self.is_registered) {
                    self.pair().wakers.remove(astack, sequence);
                }
                Some(end)
            }
            ControlFlow::Continue(call) => {
                self.call = Some(call);
                None
            }
        }
    }

    fn look(&mut self) -> Option<End<'a>> {
        if self.is_fetching() {
            return None;
        }
        self.end(|call, pair| call.try_take(Instant::now(), &pair.control))
    }

    fn wait(&mut self, at: Option<Instant>) -> Option<End<'a>> {
        let end = self.end(|call, pair| call.wait(Instant::now, at, &pair.control));
        if end.is_none() {
            self.withdraw();
        }
        end
    }

    /// A wait has written another wish into the wait word: no waker is kept any more.
    fn withdraw(&mut self) {
        let Some(call) = &self.call else { return };
        if !self.binding.is_here() {
            return;
        }
        call.withdraw();
        if mem::take(&mut self.is_registered) {
            self.pair().wakers.remove(call.astack(), call.sequence());
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Option<End<'a>> {
        if let Some(end) = self.look() {
            return Some(end);
        }
        let (pair, call) = (self.pair(), self.call.as_ref()?);
        #[cfg(feature = "tokio")]
        reactor::attend(self.binding.pair());
        let look_by = pair.wakers.register(call, context.waker(), self.fetch.get().is_some());
        let is_announced = mem::replace(&mut self.is_registered, true);
        // The waker first: from the announcement on it may be taken.
        let goes_on = if is_announced { !call.is_answered() } else { call.announce(Wake::Signal) };
        // The pair may have ended just before the waker was there; then nobody takes it any more.
        if !goes_on || pair.half.has_ended() {
            let was_fetching = self.fetch.get().is_some();
            let end = self.look();
            if end.is_some() || was_fetching {
                return end;
            }
            // A part of the answer is fetched from now on, and what is kept has to say so.
            let call = self.call.as_ref()?;
            let look_by = pair.wakers.register(call, context.waker(), true);
            if self.is_fetching() {
                return self.look_later(look_by);
            }
            return self.look();
        }
        self.look_later(look_by)
    }

    fn look_later<N>(&self, look_by: Option<Instant>) -> Option<N> {
        if let (Some(at), Ok(domain)) = (look_by, domain()) {
            domain.watcher.look_by(at);
        }
        None
    }

    /// Whether the answer is there, but for a part that has not come yet.
    fn is_fetching(&self) -> bool {
        self.awaits_parcel() || self.awaits_segment()
    }

    /// Whether the answer is there, and what was sent ahead of it may not have been read yet. The watcher is about to, and wakes: after
    /// the waker was left, this is asked once more.
    fn awaits_parcel(&self) -> bool {
        let Some(call) = self.call.as_ref().filter(|call| self.has_parcel && call.is_answered()) else { return false };
        let is_late = || call.until().is_some_and(|until| Instant::now() >= until);
        socket::is_readable(self.pair().control().as_fd()) && !is_late() && !self.pair().half.has_ended()
    }

    /// Whether a part has to be asked for that has not come. Asks for it.
    fn awaits_segment(&self) -> bool {
        let Some(call) = self.call.as_ref().filter(|_| self.has_places) else { return false };
        let fetch = match self.fetch.get() {
            Some(fetch) => fetch,
            None => match call.places() {
                Some(places) => self.fetch.get_or_init(|| Fetch::begin(self.binding.pair(), call, places)),
                None => return false,
            },
        };
        let is_late = || call.until().is_some_and(|until| Instant::now() >= until);
        !fetch.is_over() && !is_late() && !self.pair().half.has_ended()
    }

    fn is_done(&self) -> bool {
        let Some(call) = &self.call else { return true };
        !self.binding.is_here()
            || call.is_answered() && !self.is_fetching()
            || self.pair().half.has_ended()
            || call.until().is_some_and(|until| Instant::now() >= until)
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        if !self.binding.is_here() {
            // The regions are not mapped here, and locks may be held for ever.
            mem::forget(call);
            return;
        }
        let astack = call.astack();
        if self.is_registered {
            self.pair().wakers.remove(astack, call.sequence());
        }
        drop(call);
        self.pair().parcels.hearing().forget(astack);
    }
}

/// Wakes for nothing, in one wait, after which it naps instead of sleeping on words that servers can wake.
const SPURIOUS_MAX: u32 = 64;
const NAP: Duration = Duration::from_millis(1);

/// Waits until one of the calls has ended, whoever they are to, and says which; `None` if there are none. Nothing is taken: ask
/// that one ([`Pending::try_take`]). One that has been taken counts as ended: take it out.
pub fn wait_any<T, E>(calls: &mut [Pending<'_, T, E>]) -> Option<usize> {
    let mut wakes = 0;
    let mut slept = false;
    let found = loop {
        if calls.is_empty() {
            break None;
        }
        if let Some(at) = calls.iter().position(Pending::is_done) {
            break Some(at);
        }
        let now = Instant::now();
        let mut due = None;
        for call in calls.iter_mut().filter_map(Pending::underway) {
            let (pair, Some(outstanding)) = (call.pair(), call.call.as_mut()) else { continue };
            outstanding.doubt(now, &pair.control);
            let doubts = outstanding.doubts().map(|doubts| doubts.at());
            // Whoever fetches a part of an answer rings no bell.
            let fetched = call.is_fetching().then(|| now + NAP);
            due = due.into_iter().chain(fetched).min();
            let Some(outstanding) = &call.call else { continue };
            due = due.into_iter().chain(outstanding.until()).chain(doubts).min();
        }
        let left = due.map_or(Duration::from_secs(1), |due: Instant| due.saturating_duration_since(now));
        if wakes < SPURIOUS_MAX {
            let outstanding = calls.iter().filter_map(|call| match &call.state {
                State::Started { call, .. } if !call.is_fetching() => call.call.as_ref(),
                _ => None,
            });
            slept = true;
            any::sleep(outstanding, left);
            wakes += 1;
        } else {
            // Servers that wake for nothing must not keep this thread busy.
            let _ = crate::thread::sleep(left.min(NAP));
        }
        if left > NAP && Instant::now() >= now + left {
            wakes = 0;
        }
    };
    if slept {
        for call in calls.iter_mut().filter_map(Pending::underway) {
            call.withdraw();
        }
    }
    found
}

/// Has a kernel thread ask for one more A-stack, unless one does so already: whoever could not start a call does not wait.
#[cold]
pub(crate) fn grow_meanwhile(pair: &Arc<ClientPair>, astacks: &Arc<Astacks>, most: u16, patience: Option<Duration>) {
    if astacks.count() >= usize::from(most) || pair.growing.swap(true, Ordering::Relaxed) {
        return;
    }
    let (here, wanted) = (Arc::clone(pair), Arc::clone(astacks));
    let ask = move || {
        nearcall_core::sys::process::block_all_signals();
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        here.grow(&wanted, most, until);
        here.growing.store(false, Ordering::Relaxed);
    };
    if std::thread::Builder::new().name("nearcall-grow".into()).spawn(ask).is_err() {
        pair.growing.store(false, Ordering::Relaxed);
    }
}
