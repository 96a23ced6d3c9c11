//! Out of band: how a pair comes by memory for what does not fit a frame, and gives it back.
//!
//! Only the first large call on an A-stack gets here; the next ones find the segment where it was. A segment is made by
//! the server and sealed in the same steps as a region (see the crate's documentation on trust), over the pair's control
//! socket. Each side looks once a second, as long as it has any, for segments that were not used for
//! [`KEPT_MS`](nearcall_core::segments::KEPT_MS); less and less often while the only ones left belong to calls that do not end.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_core::astack::Astacks;
use nearcall_core::segments::{Charge, Left};
use nearcall_core::shm::segment::{OwnSegment, PeerSegment};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::memory::{self, NotARegion};
use nearcall_core::sys::socket;
use nearcall_core::transfer::call::Frame;
use nearcall_core::transfer::deadline::Deadline;
use nearcall_layout::pair::{ASTACK_COUNT, SEGMENT_SIZE_MAX, segment_size};

use crate::clerk::ServerPair;
use crate::client_pair::ClientPair;
use crate::domain::domain;
use crate::error::{CallError, Failure, Ran};
use crate::message::{FromClient, FromServer};
use crate::quota::QUOTA;

/// Between two looks for segments that nobody uses.
pub(crate) const SWEEP: Duration = Duration::from_secs(1);

/// The same at most, where only calls that do not end keep them: each time it is twice as long.
pub(crate) const SWEEP_MAX: Duration = Duration::from_secs(64);

/// There is something to be given back some time.
pub(crate) fn want_sweep() {
    if let Ok(domain) = domain() {
        domain.watcher.want_sweep();
    }
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
        // From here on the server may have another segment for the A-stack than we think.
        if !self.half.may_have_arguments(astack, whole) || !self.half.remove_arguments(astack) {
            return Err(failed(CallError::NoMemory));
        }
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
        let is_set = self.half.set_arguments(astack, id, segment);
        want_sweep();
        if is_set { Ok(()) } else { Err(failed(CallError::NoMemory)) }
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
        memory::check_shown(fd.as_fd(), size).map_err(|_| {
            // One that has ended the pair frees what it wrote.
            if socket::is_hung_up(self.control().as_fd()) {
                failed(CallError::PeerDied { ran: Ran::Yes })
            } else {
                misbehaved()
            }
        })?;
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

    /// Gives back what was not used for long; what is left. Called by the watcher.
    pub(crate) fn sweep(&self, now: u32) -> Left {
        // Calls that were given up keep their segments until they are answered.
        self.end_quarantines();
        for (astack, id) in self.half.sweep_arguments(now) {
            let _ = self.tell(&FromClient::SegmentDropped { id, astack });
        }
        let wished = if self.unmap_wished() { Left::Stuck } else { Left::Nothing };
        let kept = if self.parcels.sweep(now) { Left::Young } else { Left::Nothing };
        self.half.arguments_left(now).max(wished).max(kept)
    }
}

/// What the server answers, and the descriptor that goes with it.
pub(crate) type Answer = (FromServer, Option<OwnedFd>);

/// The client broke the protocol.
pub(crate) struct Broken;

/// The server's part of one connection: a segment that the client is about to map, and those that it was given.
#[derive(Debug, Default)]
pub(crate) struct Offer {
    pending: Option<Pending>,
    given: Given,
}

/// For each A-stack, by what number its last segment was asked for.
#[derive(Debug, Default)]
struct Given(BTreeMap<u16, u32>);

impl Given {
    /// Whether what the client gives back is what the A-stack has. Otherwise it was replaced while the message was under way.
    fn is_last(&self, astack: u16, id: u32) -> Result<bool, Broken> {
        let last = *self.0.get(&astack).ok_or(Broken)?;
        // A client counts its questions, round and round.
        if last.wrapping_sub(id) < 1 << 31 { Ok(last == id) } else { Err(Broken) }
    }
}

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
    fn owner(&self) -> u32 {
        self.0
    }

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
            FromClient::SegmentDropped { id, astack } => {
                if self.given.is_last(astack, id)? && !pair.server_half().give_back_offered(astack) {
                    want_sweep();
                }
                None
            }
            FromClient::Show { id, serial } => Some(match pair.server_half().show_results(serial) {
                Some((file, size)) => (FromServer::Shown { id, size: u32::try_from(size).unwrap_or(0) }, Some(file)),
                None => (FromServer::NoMemory { id }, None),
            }),
            FromClient::Unmapped { serial } => {
                pair.server_half().results_unmapped(serial);
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
        self.pending = None;
        let refused = (FromServer::NoMemory { id }, None);
        let half = pair.server_half();
        if !half.may_have_offered(astack, size) {
            return Ok(refused);
        }
        // The client pays for the memory; what is counted is that this process maps it.
        let Some(charge) = half.charge(size) else { return Ok(refused) };
        // Nothing is allocated here: the client is to pay.
        let Ok(file) = memory::create(size) else { return Ok(refused) };
        let Ok(given) = file.try_clone() else { return Ok(refused) };
        self.pending = Some(Pending { id, astack, size, file, charge });
        Ok((FromServer::Segment { id }, Some(given)))
    }

    fn accept(&mut self, pair: &ServerPair, id: u32) -> Result<FromServer, Broken> {
        let Pending { astack, size, file, charge, .. } =
            self.pending.take().filter(|pending| pending.id == id).ok_or(Broken)?;
        memory::seal(file.as_fd()).map_err(|_| Broken)?;
        let segment = match PeerSegment::map(file.as_fd(), size) {
            Ok(segment) => segment,
            // Before it was sealed its pages were given back: by a client whose call was given up before this was heard, as
            // happens after this process has stood still. It hears no answer; whoever did not pay gets no segment.
            Err(NotARegion::Sparse(_)) => return Ok(FromServer::NoMemory { id }),
            // Not sealed: no client of ours.
            Err(_) => return Err(Broken),
        };
        // A client replaces a segment only while no call is under way on its A-stack.
        if !pair.server_half().set_offered(astack, (segment, charge)) {
            return Err(Broken);
        }
        self.given.0.insert(astack, id);
        Ok(FromServer::SegmentReady { id })
    }
}

/// The server: asks for its segments back, and frees what its client has given back; what is left.
pub(crate) fn sweep_results(pair: &ServerPair, now: u32) -> Left {
    let half = pair.server_half();
    for (serial, astack) in half.sweep_results(now) {
        pair.tell(&FromServer::Unmap { serial, astack });
    }
    half.results_left(now).max(half.sweep_offered())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_the_last_one_or_late_or_was_never_given() {
        let mut given = Given::default();
        assert!(given.is_last(3, 7).is_err());
        for (last, late, never) in [(7, 6, 8), (1, u32::MAX, 2), (u32::MAX, 5 << 29, 0)] {
            given.0.insert(3, last);
            assert!(matches!(given.is_last(3, last), Ok(true)), "{last}");
            assert!(matches!(given.is_last(3, late), Ok(false)), "{last} {late}");
            assert!(given.is_last(3, never).is_err() && given.is_last(4, last).is_err(), "{last} {never}");
        }
    }
}
