//! Grants: memory that is passed and not copied (Liedtke's map messages).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nearcall_core::channel::serving::Shared;
use nearcall_core::shm::grant::{For, OwnWindow, PeerWarrant, PeerWindow, Sealed, WARRANT_SIZE, Warrant};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::kept::Kept;
use nearcall_core::sys::memory::NotARegion;
use nearcall_layout::Shape;
use thiserror::Error;

use crate::error::Failure;
use crate::passing::{Arrived, NotTaken, Parcel, Pass};
use crate::quota::{Charge, QUOTA};
use crate::shared::SharedBytes;

/// Why the memory of a grant cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Its creator has taken it back. Ask for another.
    #[error("the grant was taken back by its creator; ask it for another")]
    Revoked,
    /// It was made by another process, and only its creator writes it. Make one of your own.
    #[error("only its creator writes a grant; make one of your own")]
    NotOurs,
    /// The bytes do not fit.
    #[error("the grant has {size} bytes; write inside of it")]
    Outside {
        /// Bytes that it has.
        size: usize,
    },
}

/// Whether the creator of a grant still grants it.
#[derive(Debug)]
enum Holds {
    Own(Warrant),
    Peer(PeerWarrant),
}

/// What every grant has: two files, of memory and warrant, so that it can be passed on.
#[derive(Debug)]
struct Deed {
    file: Kept,
    warrant_file: Kept,
    warrant: Holds,
    /// On the account of whoever passed it to this server.
    _charge: Option<Charge>,
}

impl Deed {
    fn own(file: OwnedFd, whom: For) -> io::Result<Self> {
        let (warrant_file, warrant) = Warrant::make(whom)?;
        let (file, warrant_file) = (Kept::new(file), Kept::new(warrant_file));
        Ok(Self { file, warrant_file, warrant: Holds::Own(warrant), _charge: None })
    }

    fn give<'a>(&'a self, to: &mut Parcel<'a>) {
        to.lend(self.file.as_fd());
        to.lend(self.warrant_file.as_fd());
    }

    /// Takes memory and its warrant; `size` says how many bytes `map` has mapped. What is found not to be memory is not touched
    /// again, and a server pays for nothing on its client's behalf that is not on that one's account.
    fn take<M>(
        from: &mut Arrived,
        whom: For,
        map: impl FnOnce(&Foreign) -> Option<M>,
        size: impl FnOnce(&M) -> usize,
    ) -> Result<(M, Self), NotTaken> {
        let (file, warrant_file) = (from.next()?, from.next()?);
        let memory = map(&file).ok_or(NotTaken::WRONG)?;
        let warrant = PeerWarrant::map(warrant_file.as_fd(), whom).map_err(|_| NotTaken::WRONG)?;
        let bytes = u64::try_from(size(&memory).saturating_add(WARRANT_SIZE)).unwrap_or(u64::MAX);
        let charge = from.payer().map(|uid| QUOTA.charge(uid, bytes)).transpose().map_err(|_| NotTaken::NO_ROOM)?;
        // Both were checked to be memory, whose closing cannot block.
        let (Some(file), Some(warrant_file)) = (file.checked(), warrant_file.checked()) else {
            return Err(NotTaken::WRONG);
        };
        let (file, warrant_file) = (Kept::new(file), Kept::new(warrant_file));
        Ok((memory, Self { file, warrant_file, warrant: Holds::Peer(warrant), _charge: charge }))
    }

    fn holds(&self) -> Result<(), GrantError> {
        let holds = match &self.warrant {
            Holds::Own(warrant) => warrant.holds(),
            Holds::Peer(warrant) => warrant.holds(),
        };
        if holds { Ok(()) } else { Err(GrantError::Revoked) }
    }

    fn revoke(&self) -> Result<(), GrantError> {
        match &self.warrant {
            Holds::Own(warrant) => {
                warrant.revoke();
                Ok(())
            }
            Holds::Peer(_) => Err(GrantError::NotOurs),
        }
    }
}

/// Memory that nobody can write any more, its creator included: whoever is passed it reads it in place, as a slice.
///
/// The receiver checks, before it looks at a byte, that the kernel keeps everybody from writing, shrinking and freeing it (the
/// seals of a memory file), and that all of it is there, so that it pays for nothing; a server has it on the account of the
/// client that passed it. It may be kept, and passed on, and outlives the process that made it.
///
/// **Taking it back** ([`revoke`](Self::revoke)) is an agreement: from then on [`bytes`](Self::bytes) says `Revoked` in every
/// process. It does not take the memory out of anybody's mappings: who borrowed the slice before goes on reading it, and who
/// does not use this library, or copied it, does not ask. What must be out of reach tomorrow must not be granted today.
///
/// ```
/// let grant = nearcall::Grant::new(1 << 20, |bytes| bytes.fill(7))?;
/// assert_eq!(grant.bytes()?.len(), 1 << 20);
/// grant.revoke()?;
/// assert_eq!(grant.bytes(), Err(nearcall::GrantError::Revoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Grant {
    memory: Sealed,
    deed: Deed,
}

impl Grant {
    /// `size` bytes, which `fill` writes; at first they are zeros.
    ///
    /// # Errors
    /// What the kernel says: there is no memory, or no descriptor; `InvalidInput` for no bytes at all.
    pub fn new(size: usize, fill: impl FnOnce(&mut [u8])) -> io::Result<Self> {
        let (file, memory) = Sealed::make(size, fill)?;
        Ok(Self { memory, deed: Deed::own(file, For::All)? })
    }

    /// The bytes.
    ///
    /// # Errors
    /// `Revoked`.
    pub fn bytes(&self) -> Result<&[u8], GrantError> {
        self.deed.holds().map(|()| self.memory.bytes())
    }

    /// Takes it back, as far as that goes.
    ///
    /// # Errors
    /// `NotOurs` if this process was passed it.
    pub fn revoke(&self) -> Result<(), GrantError> {
        self.deed.revoke()
    }
}

impl Pass for Grant {
    const SHAPE: &'static Shape = &Shape::Foreign { codec: "passed", spelling: "memory, sealed" };
    const COUNT: usize = 2;

    fn give<'a>(&'a self, to: &mut Parcel<'a>) -> Result<(), Failure> {
        self.deed.give(to);
        Ok(())
    }

    fn take(from: &mut Arrived) -> Result<Self, NotTaken> {
        let (memory, deed) =
            Deed::take(from, For::All, |fd| Sealed::map(fd.as_fd()).ok(), |memory| memory.bytes().len())?;
        Ok(Self { memory, deed })
    }
}

/// Memory that its creator goes on writing, and nobody else can: whoever is passed it copies what it needs.
///
/// Each write is seen by all who have it, without a call. There is no order between writes and no lock: a receiver may see a
/// mixture of old and new bytes ([`SharedBytes`]), so say by a call what may be read. For the rest it is as a [`Grant`],
/// revocation included.
#[derive(Debug)]
pub struct SharedGrant {
    memory: Window,
    deed: Deed,
}

#[derive(Debug)]
enum Window {
    Own(OwnWindow),
    Peer(PeerWindow),
}

impl SharedGrant {
    /// `size` bytes of zeros.
    ///
    /// # Errors
    /// What the kernel says: there is no memory, or no descriptor; `InvalidInput` for no bytes at all.
    pub fn new(size: usize) -> io::Result<Self> {
        Self::make(size, For::All)
    }

    /// `size` bytes of zeros that are passed to clients, as results, and that their server can free: once this is dropped, they are
    /// gone, and `Revoked`, for everybody, whoever kept them mapped. So a server that makes and ends such grants as its clients ask
    /// for them has as many as it knows of. A server is not passed one: it must not pay for what others make and free.
    ///
    /// # Errors
    /// As [`new`](Self::new), and `NotFound` without /proc.
    pub fn for_clients(size: usize) -> io::Result<Self> {
        Self::make(size, For::Clients)
    }

    fn make(size: usize, whom: For) -> io::Result<Self> {
        let (file, memory) = OwnWindow::make(size, whom)?;
        Ok(Self { memory: Window::Own(memory), deed: Deed::own(file, whom)? })
    }

    /// The same grant as somebody has it to whom it was passed, to be passed while this one goes on being written.
    ///
    /// # Errors
    /// What the kernel says: there is no descriptor, or no room for a mapping.
    pub fn reader(&self) -> io::Result<Self> {
        let (file, warrant_file) = (self.deed.file.try_clone()?, self.deed.warrant_file.try_clone()?);
        let map = || {
            // Whatever this process made or has checked.
            let memory = PeerWindow::map(file.as_fd(), For::Clients)?;
            Ok((memory, PeerWarrant::map(warrant_file.as_fd(), For::Clients)?))
        };
        let (memory, warrant) = map().map_err(io::Error::other::<NotARegion>)?;
        let deed = Deed { file, warrant_file, warrant: Holds::Peer(warrant), _charge: None };
        Ok(Self { memory: Window::Peer(memory), deed })
    }

    /// How many bytes it has: that does not change.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.memory {
            Window::Own(memory) => memory.size(),
            Window::Peer(memory) => memory.size(),
        }
    }

    /// Copies bytes to byte `at` on.
    ///
    /// # Errors
    /// `NotOurs` if this process was passed it; `Outside`, and nothing is written.
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), GrantError> {
        let size = self.size();
        match &mut self.memory {
            Window::Own(memory) => memory.write(at, bytes).ok_or(GrantError::Outside { size }),
            Window::Peer(_) => Err(GrantError::NotOurs),
        }
    }

    /// Writes the word at byte `at`, so that it is found by whoever copies anything that is written after it and looks at the word
    /// then ([`SharedBytes::word_after`]). A number that grows before each change is how receivers tell that what they have copied
    /// is of one piece.
    ///
    /// # Errors
    /// `NotOurs` if this process was passed it; `Outside` if it does not fit, or does not begin at a multiple of 8.
    pub fn write_word(&mut self, at: usize, value: u64) -> Result<(), GrantError> {
        let size = self.size();
        match &mut self.memory {
            Window::Own(memory) => memory.write_word(at, value).ok_or(GrantError::Outside { size }),
            Window::Peer(_) => Err(GrantError::NotOurs),
        }
    }

    /// The bytes, to be copied.
    ///
    /// # Errors
    /// `Revoked`.
    pub fn bytes(&self) -> Result<SharedBytes<'_>, GrantError> {
        self.deed.holds()?;
        let bytes = match &self.memory {
            Window::Own(memory) => memory.bytes(),
            Window::Peer(memory) => memory.bytes(),
        };
        Ok(SharedBytes::of_peer(Shared::of(bytes, self.size())))
    }

    /// Takes it back, as far as that goes.
    ///
    /// # Errors
    /// `NotOurs` if this process was passed it.
    pub fn revoke(&self) -> Result<(), GrantError> {
        self.deed.revoke()
    }
}

impl Pass for SharedGrant {
    const SHAPE: &'static Shape = &Shape::Foreign { codec: "passed", spelling: "memory, written by its creator" };
    const COUNT: usize = 2;

    fn give<'a>(&'a self, to: &mut Parcel<'a>) -> Result<(), Failure> {
        self.deed.give(to);
        Ok(())
    }

    fn take(from: &mut Arrived) -> Result<Self, NotTaken> {
        // A client is shown whatever its server writes; a server has others' memory on their account, and must not find it gone.
        let whom = if from.payer().is_some() { For::All } else { For::Clients };
        let (memory, deed) = Deed::take(from, whom, |fd| PeerWindow::map(fd.as_fd(), whom).ok(), PeerWindow::size)?;
        Ok(Self { memory: Window::Peer(memory), deed })
    }
}
