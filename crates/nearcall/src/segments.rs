//! Out of band: how a pair comes by memory for what does not fit a frame, and gives it back.
//!
//! Only the first large call on an A-stack gets here; the next ones find the segment where it was. A segment is made by
//! the server and sealed in the same steps as a region (see the crate's documentation on trust), over the pair's control
//! socket. Each side looks once a second, as long as it has any, for segments that were not used for
//! [`KEPT_MS`](nearcall_core::segments::KEPT_MS).

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nearcall_core::astack::Astacks;
use nearcall_core::segments::{Charge, KEPT_MS};
use nearcall_core::shm::segment::{OwnSegment, PeerSegment};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::memory;
use nearcall_core::sys::milliseconds;
use nearcall_core::transfer::call::Frame;
use nearcall_core::transfer::deadline::Deadline;
use nearcall_layout::pair::{ASTACK_COUNT, SEGMENT_SIZE_MAX, segment_size};

use crate::binding::ClientPair;
use crate::clerk::ServerPair;
use crate::domain::domain;
use crate::error::{CallError, Failure, Ran};
use crate::message::{FromClient, FromServer};
use crate::quota::QUOTA;

/// Between two looks for segments that nobody uses.
pub(crate) const SWEEP: Duration = Duration::from_secs(1);

/// When the last call with large arguments was served, in milliseconds, and whether processors still have memory from it.
static LARGE_AT: AtomicU32 = AtomicU32::new(0);
static LARGE: AtomicBool = AtomicBool::new(false);

/// A call with arguments beyond a frame is being served.
#[cold]
pub(crate) fn large_call() {
    LARGE_AT.store(milliseconds(), Ordering::Relaxed);
    if !LARGE.swap(true, Ordering::Relaxed) {
        want_sweep();
    }
}

/// There is something to be given back some time.
pub(crate) fn want_sweep() {
    if let Ok(domain) = domain() {
        domain.watcher.want_sweep();
    }
}

/// Whether the memory of processors should go now, and whether to ask again.
pub(crate) fn large_is_over(now: u32) -> (bool, bool) {
    if !LARGE.load(Ordering::Relaxed) {
        return (false, false);
    }
    let over = now.wrapping_sub(LARGE_AT.load(Ordering::Relaxed)) >= KEPT_MS;
    if over {
        LARGE.store(false, Ordering::Relaxed);
    }
    (over, !over)
}

fn failed(why: CallError) -> Failure {
    Failure(why)
}

/// The client: it writes arguments into segments of its own, and reads results from the server's.
impl ClientPair {
    /// Sees to it that a call that is being assembled has `size` bytes out of band, which begin with the `used` bytes that
    /// it has so far.
    pub(crate) fn move_out_of_band(
        &self,
        mut frame: Frame<'_>,
        size: usize,
        used: usize,
        until: Option<Instant>,
    ) -> Result<(), Failure> {
        if frame.is_out_of_band() && frame.fits(size) {
            return Ok(());
        }
        let begin = frame.copy(used);
        frame.leave_segment();
        if frame.move_to_segment(size, &begin) {
            return Ok(());
        }
        self.new_argument_segment(frame.astack(), size, until)?;
        if frame.move_to_segment(size, &begin) { Ok(()) } else { Err(failed(CallError::NoMemory)) }
    }

    /// A segment of `size` bytes or more for an A-stack that the caller holds.
    fn new_argument_segment(&self, astack: u16, size: usize, until: Option<Instant>) -> Result<(), Failure> {
        let Some(whole) = segment_size(size) else {
            return Err(failed(CallError::TooLarge { size, limit: SEGMENT_SIZE_MAX }));
        };
        if !self.half.arguments.may_have(astack, whole) {
            return Err(failed(CallError::NoMemory));
        }
        // From here on the server may have another segment for the A-stack than we think.
        self.half.arguments.remove(astack);
        let asking = self.asking(until).ok_or_else(|| self.unanswered())?;
        let id = self.next_id();
        let wanted = FromClient::Segment { id, astack, size: u32::try_from(whole).unwrap_or(u32::MAX) };
        let (answer, fds) = self.ask_for_descriptors(&asking, &wanted, id, until).ok_or_else(|| self.unanswered())?;
        let fd = match (answer, <[Foreign; 1]>::try_from(fds)) {
            (FromServer::Segment { .. }, Ok([fd])) => fd,
            (FromServer::NoMemory { .. }, _) => return Err(failed(CallError::NoMemory)),
            _ => return Err(failed(CallError::PeerMisbehaved)),
        };
        memory::check_offer(fd.as_fd(), whole).map_err(|_| failed(CallError::PeerMisbehaved))?;
        // Ours to pay for: if there is not as much memory, it is found out here and not by a fault.
        let segment = OwnSegment::map(fd.as_fd(), whole).map_err(|_| failed(CallError::NoMemory))?;
        drop(fd.checked());
        match self.ask_under(&asking, &FromClient::SegmentMapped { id }, id, until) {
            Some(FromServer::SegmentReady { .. }) => {}
            Some(FromServer::NoMemory { .. }) => return Err(failed(CallError::NoMemory)),
            Some(_) => return Err(failed(CallError::PeerMisbehaved)),
            None => return Err(self.unanswered()),
        }
        self.half.arguments.set(astack, segment);
        want_sweep();
        Ok(())
    }

    /// The server's segment of this number, in which results are that have arrived.
    ///
    /// # Errors
    /// `Timeout`, `PeerDied`: the results are there, and cannot be fetched. `ResultTooLarge`: one of the two processes has no
    /// memory or descriptor for them.
    pub(crate) fn result_segment(&self, serial: u16, call: Deadline<'_>) -> Result<Arc<PeerSegment>, Failure> {
        match self.half.shown.get(serial) {
            Some(segment) => Ok(segment),
            None => self.new_result_segment(serial, call.until()),
        }
    }

    /// The same of one that is not mapped yet.
    pub(crate) fn new_result_segment(&self, serial: u16, until: Option<Instant>) -> Result<Arc<PeerSegment>, Failure> {
        let late = || {
            failed(if self.half.has_ended() {
                CallError::PeerDied { ran: Ran::Yes }
            } else {
                CallError::Timeout { ran: Ran::Yes }
            })
        };
        let asking = self.asking(until).ok_or_else(late)?;
        // Another caller may have asked meanwhile.
        if let Some(segment) = self.half.shown.get(serial) {
            return Ok(segment);
        }
        let id = self.next_id();
        let show = FromClient::Show { id, serial };
        let (answer, fds) = self.ask_for_descriptors(&asking, &show, id, until).ok_or_else(late)?;
        let misbehaved = || failed(CallError::PeerMisbehaved);
        let (size, fd) = match (answer, <[Foreign; 1]>::try_from(fds)) {
            (FromServer::Shown { size, .. }, Ok([fd])) => (size, fd),
            (FromServer::NoMemory { .. }, _) => return Err(failed(CallError::ResultTooLarge)),
            _ => return Err(misbehaved()),
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= SEGMENT_SIZE_MAX).ok_or_else(misbehaved)?;
        // Before mapping, which may fail for want of memory of our own.
        memory::check_shown(fd.as_fd(), size).map_err(|_| misbehaved())?;
        let segment = PeerSegment::map_shown(fd.as_fd(), size).map_err(|_| failed(CallError::ResultTooLarge))?;
        drop(fd.checked());
        let segment = Arc::new(segment);
        if self.half.shown.add(serial, Arc::clone(&segment)) { Ok(segment) } else { Err(misbehaved()) }
    }

    fn unanswered(&self) -> Failure {
        failed(if self.half.has_ended() {
            CallError::PeerDied { ran: Ran::No }
        } else {
            CallError::Timeout { ran: Ran::No }
        })
    }

    /// One more A-stack for a class, if it has fewer than `most`. `false` if there is none to be had before `until`.
    pub(crate) fn grow(&self, astacks: &Astacks, most: u16, until: Option<Instant>) -> bool {
        let Some(asking) = self.asking(until) else { return false };
        let count = astacks.count();
        if count >= usize::from(most) {
            return false;
        }
        let first = astacks.class().first;
        let id = self.next_id();
        // The A-stack is taken in where the answer is heard, because an answer that comes late counts, too.
        let _ = self.ask_under(&asking, &FromClient::Grow { id, first }, id, until);
        // Not what the server says: it may name an A-stack that there is not, again and again.
        astacks.count() > count
    }

    /// Gives back what was not used for long. `true`: there is more to look after. Called by the watcher.
    pub(crate) fn sweep(&self, now: u32) -> bool {
        for astack in self.half.arguments.sweep(now, |astack| self.half.is_idle(astack)) {
            let _ = self.tell(&FromClient::SegmentDropped { astack });
        }
        let wished = self.unmap_wished();
        !self.half.arguments.is_empty() || wished
    }
}

/// What the server answers, and the descriptor that goes with it.
pub(crate) type Answer = (FromServer, Option<OwnedFd>);

/// The client broke the protocol.
pub(crate) struct Broken;

/// The server's part of one connection: a segment that the client is about to map.
#[derive(Debug, Default)]
pub(crate) struct Offer(Option<Pending>);

struct Pending {
    id: u32,
    astack: u16,
    size: usize,
    file: OwnedFd,
    charge: Charge,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("astack", &self.astack).finish_non_exhaustive()
    }
}

/// The uid that a pair's memory is charged to.
#[derive(Debug)]
pub(crate) struct Payer(u32);

impl Payer {
    pub(crate) const fn of(uid: u32) -> Self {
        Self(uid)
    }
}

impl nearcall_core::segments::Payer for Payer {
    fn charge(&self, bytes: usize) -> Option<Charge> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        QUOTA.charge(self.0, bytes).ok().map(|charge| Box::new(charge) as Charge)
    }

    fn watch(&self) {
        want_sweep();
    }
}

impl Offer {
    /// Answers a message about segments or A-stacks; `None`: there is nothing to say.
    pub(crate) fn answer(&mut self, pair: &ServerPair, message: &FromClient) -> Result<Option<Answer>, Broken> {
        Ok(match *message {
            FromClient::Segment { id, astack, size } => Some(self.offer(pair, id, astack, size)?),
            FromClient::SegmentMapped { id } => Some((self.accept(pair, id)?, None)),
            FromClient::SegmentDropped { astack } => {
                offered(pair, astack, None)?;
                None
            }
            FromClient::Show { id, serial } => Some(match pair.server_half().results.show(serial) {
                Some((file, size)) => (FromServer::Shown { id, size: u32::try_from(size).unwrap_or(0) }, Some(file)),
                None => (FromServer::NoMemory { id }, None),
            }),
            FromClient::Unmapped { serial } => {
                pair.server_half().results.unmapped(serial);
                None
            }
            FromClient::Grow { id, first } => Some((pair.grow(id, first), None)),
            _ => return Err(Broken),
        })
    }

    fn offer(&mut self, pair: &ServerPair, id: u32, astack: u16, size: u32) -> Result<Answer, Broken> {
        let size = usize::try_from(size).map_err(|_| Broken)?;
        if usize::from(astack) >= ASTACK_COUNT || segment_size(size) != Some(size) {
            return Err(Broken);
        }
        self.0 = None;
        let refused = (FromServer::NoMemory { id }, None);
        let half = pair.server_half();
        if !half.offered.may_have(astack, size) {
            return Ok(refused);
        }
        // The client pays for the memory; what is counted is that this process maps it.
        let Some(charge) = half.results.charge(size) else { return Ok(refused) };
        // Nothing is allocated here: the client is to pay.
        let Ok(file) = memory::create(size) else { return Ok(refused) };
        let Ok(given) = file.try_clone() else { return Ok(refused) };
        self.0 = Some(Pending { id, astack, size, file, charge });
        Ok((FromServer::Segment { id }, Some(given)))
    }

    fn accept(&mut self, pair: &ServerPair, id: u32) -> Result<FromServer, Broken> {
        let Pending { astack, size, file, charge, .. } =
            self.0.take().filter(|pending| pending.id == id).ok_or(Broken)?;
        memory::seal(file.as_fd()).map_err(|_| Broken)?;
        // Not sealed, not paid for: no client of ours.
        let segment = PeerSegment::map(file.as_fd(), size).map_err(|_| Broken)?;
        offered(pair, astack, Some((segment, charge)))?;
        Ok(FromServer::SegmentReady { id })
    }
}

/// A client replaces a segment only while no call is under way on its A-stack.
fn offered(pair: &ServerPair, astack: u16, segment: Option<(PeerSegment, Charge)>) -> Result<(), Broken> {
    if pair.server_half().set_offered(astack, segment) { Ok(()) } else { Err(Broken) }
}

/// The server: asks for its segments back. `true`: there is more to look after.
pub(crate) fn sweep_results(pair: &ServerPair, now: u32) -> bool {
    let half = pair.server_half();
    for (serial, astack) in half.sweep_results(now) {
        pair.tell(&FromServer::Unmap { serial, astack });
    }
    half.results.is_restless()
}
