//! Frames between two processes: a ring each way, each in a region that only its sender writes.
//!
//! ```text
//! region:  [ fixed part, unused ] [ sent ] [ taken ] [ asleep ] [ slot 0 ] [ slot 1 ] ...
//! ```
//! *sent* counts frames put into this region's slots, *taken* those taken out of the other region's; both only grow. *asleep*
//! is 1 while this side sleeps on something the other has to ring. A slot is a size and the bytes.
//!
//! The peer may write anything at any time: a size is read once and bounded, and after the first number that cannot be the ring is
//! [faulty](Frames::is_faulty) for good, with nothing in it and room for nothing. Otherwise a count that stays wrong would be a frame
//! that is always there, for which a receiver never sleeps. What the ring does not do is to wake anybody: [`Frames::send`] says when that is needed.
//! The order of announcing and looking is in `docs/orderings.md`, "Frames".

use core::sync::atomic::{Ordering, fence};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nearcall_layout::pair::{FRAMES, LINE_STRIDE};
use rustix::io::Errno;

use super::{OwnRegion, PeerRegion};
use crate::sys::memory::{self, NotARegion};

/// Slots of a ring.
pub const SLOT_COUNT: u64 = 64;
/// Bytes from one slot to the next.
const SLOT_SIZE: usize = 2048;
/// Bytes of the largest frame.
pub const FRAME_SIZE_MAX: usize = SLOT_SIZE - 8;

const SENT: usize = FRAMES;
const TAKEN: usize = SENT + LINE_STRIDE;
const ASLEEP: usize = TAKEN + LINE_STRIDE;
const SLOTS: usize = ASLEEP + LINE_STRIDE;

/// Bytes of a region.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a small constant")]
pub const REGION_SIZE: usize = SLOTS + SLOT_COUNT as usize * SLOT_SIZE;

/// Why a frame was not sent or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The other side has taken too few: all slots hold frames.
    Full,
    /// The frame is larger than a slot.
    TooLarge,
    /// The other side wrote what no correct one writes.
    PeerMisbehaved,
}

/// Our region, made and mapped, before the peer's is there.
#[derive(Debug)]
pub struct Half {
    region: OwnRegion,
    fd: OwnedFd,
}

impl Half {
    /// Makes a region.
    ///
    /// # Errors
    /// What the kernel says: `NOSPC` or `NOMEM` when memory is short.
    pub fn new() -> Result<Self, Errno> {
        let fd = memory::create(REGION_SIZE)?;
        let region = OwnRegion::map(fd.as_fd(), REGION_SIZE)?;
        memory::seal(fd.as_fd())?;
        Ok(Self { region, fd })
    }

    /// The descriptor to give to the peer.
    #[must_use]
    pub fn descriptor(&self) -> &OwnedFd {
        &self.fd
    }

    /// Both directions, once the peer has given its region.
    ///
    /// # Errors
    /// [`NotARegion`], by what the descriptor lacks.
    pub fn join(self, peer: BorrowedFd<'_>) -> Result<Frames, NotARegion> {
        let peer = PeerRegion::map(peer, REGION_SIZE)?;
        Ok(Frames { own: self.region, peer, sent: 0, taken: 0, is_faulty: false })
    }
}

/// Both directions.
#[derive(Debug)]
pub struct Frames {
    own: OwnRegion,
    peer: PeerRegion,
    /// What is published, kept here: nobody reads back what it wrote.
    sent: u64,
    taken: u64,
    /// The peer wrote what cannot be.
    is_faulty: bool,
}

impl Frames {
    /// Sends the frame that `slices` are together. `true`: the peer sleeps, or may be about to, and has to be rung.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn send<'a>(&mut self, slices: impl Iterator<Item = &'a [u8]> + Clone) -> Result<bool, FrameError> {
        let size: usize = slices.clone().map(<[u8]>::len).sum();
        if size > FRAME_SIZE_MAX {
            return Err(FrameError::TooLarge);
        }
        if self.is_faulty {
            return Err(FrameError::PeerMisbehaved);
        }
        let taken = self.peer.word(TAKEN).map_or(0, |word| word.load());
        // Acquire: pairs with the Release store of `taken` by the peer, whose reads of the slot came before.
        fence(Ordering::Acquire);
        let under_way = self.sent.checked_sub(taken).filter(|count| *count <= SLOT_COUNT);
        match under_way {
            None => return Err(self.fault()),
            Some(SLOT_COUNT) => return Err(FrameError::Full),
            Some(_) => {}
        }
        let slot = slot(self.sent);
        // SAFETY: `&mut self` is the only way to the region's slots, and the borrow ends before it does.
        if let Some(mut to) = unsafe { self.own.lend(slot + 8, size) } {
            for slice in slices {
                let Some((head, tail)) = to.split_at_mut_checked(slice.len()) else { break };
                head.copy_from_slice(slice);
                to = tail;
            }
        }
        if let Some(word) = self.own.word(slot) {
            word.store(u64::try_from(size).unwrap_or(0));
        }
        self.sent += 1;
        if let Some(line) = self.own.line(SENT) {
            line.publish(self.sent);
        }
        // "Frames" in docs/orderings.md: publish; fence; look whether anybody sleeps.
        fence(Ordering::SeqCst);
        Ok(self.peer.word(ASLEEP).is_some_and(|word| word.load() != 0))
    }

    fn fault(&mut self) -> FrameError {
        self.is_faulty = true;
        FrameError::PeerMisbehaved
    }

    /// Whether the peer wrote what no correct one writes: nothing will come any more, and nothing goes.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.is_faulty
    }

    /// Whether there is a frame. It does not make its bytes visible.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_faulty && self.peer.line(SENT).is_some_and(|line| line.poll() != self.taken)
    }

    /// Takes a frame, if there is one, into `buffer`, and says how many bytes it has.
    ///
    /// # Errors
    /// [`FrameError::PeerMisbehaved`], once; and [`FrameError::TooLarge`] for `buffer`; the frame is gone then.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, FrameError> {
        let sent = self.peer.line(SENT).map_or(0, |line| line.load_acquire());
        if sent == self.taken || self.is_faulty {
            return Ok(None);
        }
        if sent.checked_sub(self.taken).is_none_or(|count| count > SLOT_COUNT) {
            return Err(self.fault());
        }
        let slot = slot(self.taken);
        // Once, into a register: the peer may change it.
        let size = self.peer.word(slot).and_then(|word| usize::try_from(word.load()).ok());
        let size = size.filter(|size| *size <= FRAME_SIZE_MAX);
        let copied = size.map(|size| match buffer.get_mut(..size) {
            Some(buffer) => self.peer.copy_in(slot + 8, buffer).map(|()| size).ok_or(FrameError::PeerMisbehaved),
            None => Err(FrameError::TooLarge),
        });
        self.taken += 1;
        if let Some(word) = self.own.word(TAKEN) {
            // Release: pairs with the fence in `send` of the peer.
            word.store(self.taken);
        }
        copied.unwrap_or_else(|| Err(self.fault())).map(Some)
    }

    /// Announces that this side sleeps from now on. `false`: there is a frame, and it must not.
    #[must_use]
    pub fn before_sleep(&mut self) -> bool {
        if let Some(word) = self.own.word(ASLEEP) {
            word.store(1);
        }
        // "Frames" in docs/orderings.md: announce; fence; look for the last time.
        fence(Ordering::SeqCst);
        !self.is_ready()
    }

    /// It is awake.
    pub fn after_sleep(&mut self) {
        if let Some(word) = self.own.word(ASLEEP) {
            word.store(0);
        }
    }
}

fn slot(count: u64) -> usize {
    SLOTS + usize::try_from(count % SLOT_COUNT).unwrap_or(0) * SLOT_SIZE
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::{ASLEEP, FRAME_SIZE_MAX, FrameError, Frames, Half, SENT, SLOT_COUNT, TAKEN, slot};

    fn pair() -> (Frames, Frames) {
        let (a, b) = (Half::new().unwrap(), Half::new().unwrap());
        let (to_a, to_b) = (b.descriptor().try_clone().unwrap(), a.descriptor().try_clone().unwrap());
        (a.join(to_a.as_fd()).unwrap(), b.join(to_b.as_fd()).unwrap())
    }

    fn send(frames: &mut Frames, bytes: &[u8]) -> Result<bool, FrameError> {
        frames.send([bytes].into_iter())
    }

    #[test]
    fn frames_come_whole_and_in_order() {
        let (mut a, mut b) = pair();
        let mut buffer = [0; 2048];
        for n in 0..1000_u32 {
            let head = n.to_le_bytes();
            assert_eq!(a.send([&head[..], b"+tail"].into_iter()), Ok(false));
            assert!(b.is_ready());
            assert_eq!(b.receive(&mut buffer), Ok(Some(9)));
            assert_eq!((&buffer[..4], &buffer[4..9]), (&head[..], &b"+tail"[..]));
        }
        assert_eq!(b.receive(&mut buffer), Ok(None));
        assert_eq!(send(&mut a, &[0; FRAME_SIZE_MAX + 1]), Err(FrameError::TooLarge));
        for _ in 0..SLOT_COUNT {
            send(&mut a, &[1; FRAME_SIZE_MAX]).unwrap();
        }
        assert_eq!(send(&mut a, b"one more"), Err(FrameError::Full));
        assert_eq!(b.receive(&mut [0; 8]), Err(FrameError::TooLarge));
        assert_eq!(send(&mut a, b"one more"), Ok(false));
    }

    #[test]
    fn who_sleeps_is_rung() {
        let (mut a, mut b) = pair();
        assert!(b.before_sleep());
        assert_eq!(send(&mut a, b"x"), Ok(true));
        assert!(!b.before_sleep(), "there is a frame");
        b.after_sleep();
        assert_eq!(send(&mut a, b"y"), Ok(false));
    }

    /// Each lie ends the ring, though the peer takes it back, and nobody stays awake for it.
    #[test]
    fn a_lying_peer_is_found_out() {
        let lies: [(usize, u64); 5] =
            [(SENT, SLOT_COUNT + 1), (SENT, u64::MAX), (TAKEN, SLOT_COUNT + 1), (TAKEN, u64::MAX), (slot(0), u64::MAX)];
        for (word, lie) in lies {
            let (mut a, b) = pair();
            let mut buffer = [0; 2048];
            b.own.word(ASLEEP).unwrap().store(7);
            b.own.word(word).unwrap().store(lie);
            if word == slot(0) {
                b.own.word(SENT).unwrap().store(1);
            }
            if word == TAKEN {
                assert_eq!(send(&mut a, b"x"), Err(FrameError::PeerMisbehaved));
            } else {
                assert!(!a.before_sleep());
                assert_eq!(a.receive(&mut buffer), Err(FrameError::PeerMisbehaved));
            }
            assert!(a.is_faulty() && !a.is_ready() && a.before_sleep());
            b.own.word(TAKEN).unwrap().store(0);
            b.own.word(SENT).unwrap().store(1);
            assert_eq!(a.receive(&mut buffer), Ok(None));
            assert_eq!(send(&mut a, b"x"), Err(FrameError::PeerMisbehaved));
        }
    }
}
