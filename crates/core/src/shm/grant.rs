//! Grants: whole memory files that one process makes and others map, in place of copies (Liedtke's map messages).
//!
//! * [`Sealed`]: nobody can write it any more, so that a receiver may look at it as a slice.
//! * [`OwnWindow`] and [`PeerWindow`]: its creator goes on writing, and receivers copy, as from any memory of a peer. One for
//!   clients is its creator's to free, too, as whatever a server writes for them (docs/decisions/0007).
//! * [`Warrant`] and [`PeerWarrant`]: a page in which the creator says whether the grant still holds.
//!
//! The mappings stay in forked children, where there is no word to look at before each access.

use core::sync::atomic::{AtomicBool, Ordering, fence};
use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::SealFlags;
use rustix::io::Errno;

use super::{OwnWord, PeerBytes, PeerWord, copy, lend, word};
use crate::sys::memory::{self, Mapping, NotARegion};

/// Bytes of the file of a warrant.
pub const WARRANT_SIZE: usize = 4096;

const SEAL_TRIES: u32 = 100;
const SEAL_NAP: Duration = Duration::from_millis(1);

const HOLDS: u64 = 0x6772_616e_7465_6401;

/// Memory that nobody can write: holding one proves that its bytes never change.
#[derive(Debug)]
pub struct Sealed {
    map: Mapping,
}

impl Sealed {
    /// Makes `size` bytes, has them written once, and seals them.
    ///
    /// # Errors
    /// What the kernel says: `NOSPC` or `NOMEM` when memory is short; `INVAL` for no bytes at all.
    pub fn make(size: usize, fill: impl FnOnce(&mut [u8])) -> Result<(OwnedFd, Self), Errno> {
        let file = memory::create(size)?;
        memory::allocate(file.as_fd(), size)?;
        let writable = Mapping::shared(file.as_fd(), size, true)?;
        // SAFETY: nobody else has the mapping, and no other process the file.
        fill(unsafe { lend(&writable, 0, size) }.unwrap_or_default());
        drop(writable);
        seal_soon(file.as_fd())?;
        let map = Mapping::inherited(file.as_fd(), size, false)?;
        Ok((file, Self { map }))
    }

    /// Checks that `fd` is sealed memory, all of which is there, and maps it.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map(fd: BorrowedFd<'_>) -> Result<Self, NotARegion> {
        let size = memory::check_granted(fd, memory::GRANTED_SEALS)?;
        Ok(Self { map: Mapping::inherited(fd, size, false)? })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let (start, size) = (self.map.start(), self.map.size());
        // SAFETY: mapped as long as `self` is borrowed. Nothing writes it: F_SEAL_WRITE can be set only while no writable mapping
        // exists and lets none come about, and excludes write, truncation and punching holes; the seals were set or checked
        // before mapping, and cannot be taken away. All pages are allocated.
        unsafe { core::slice::from_raw_parts(start.as_ptr(), size) }
    }
}

/// Seals what nobody writes any more. A child that another thread forked between two system calls may have the mapping until
/// it executes its program.
fn seal_soon(file: BorrowedFd<'_>) -> Result<(), Errno> {
    for _ in 0..SEAL_TRIES {
        match memory::seal_granted(file) {
            Err(Errno::BUSY) => {}
            other => return other,
        }
        #[expect(clippy::disallowed_methods, reason = "this is on no call's path")]
        std::thread::sleep(SEAL_NAP);
    }
    Err(Errno::BUSY)
}

/// Who can be passed memory that its creator writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Anybody: the memory is there as long as somebody has it.
    All,
    /// Clients of its creator: it is there as long as its creator has it. A server would not take it, whose memory others must
    /// not take away from under it.
    Clients,
}

impl For {
    /// The seals that a receiver asks for.
    fn seals(self) -> SealFlags {
        match self {
            Self::All => memory::ALL_SEALS,
            Self::Clients => memory::SHOWN_SEALS,
        }
    }
}

/// Memory that its creator alone writes. Dropped, one for clients is freed, whoever has it mapped.
#[derive(Debug)]
pub struct OwnWindow {
    map: Mapping,
}

impl Drop for OwnWindow {
    fn drop(&mut self) {
        // The kernel refuses it where others may rely on the memory.
        self.map.free_pages();
    }
}

impl OwnWindow {
    /// Makes `size` bytes of zeros.
    ///
    /// # Errors
    /// What the kernel says: `NOSPC` or `NOMEM` when memory is short; `INVAL` for no bytes at all.
    pub fn make(size: usize, whom: For) -> Result<(OwnedFd, Self), Errno> {
        let file = memory::create(size)?;
        memory::allocate(file.as_fd(), size)?;
        let map = Mapping::inherited(file.as_fd(), size, true)?;
        let file = match whom {
            For::All => {
                memory::seal(file.as_fd())?;
                file
            }
            For::Clients => {
                memory::seal_shown(file.as_fd())?;
                memory::reader(file.as_fd())?
            }
        };
        Ok((file, Self { map }))
    }

    /// Writes the word at byte `at`, a multiple of 8, so that whoever copies any byte that is written after it, and looks at the
    /// word then ([`PeerBytes::word_after`]), finds this one or a later one. `None` if it does not fit.
    #[must_use]
    pub fn write_word(&mut self, at: usize, value: u64) -> Option<()> {
        word(&self.map, at)?.store(value, Ordering::Relaxed);
        // Release: pairs with the fence of `PeerBytes::word_after`; the bytes that follow lie between (docs/orderings.md,
        // "What is copied where it is").
        fence(Ordering::Release);
        Some(())
    }

    /// Copies bytes to byte `at` on. `None` if they do not fit; nothing was written then.
    #[must_use]
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        // SAFETY: `self` is borrowed uniquely, and only this type, and copies of bytes, reach the mapping.
        let space = unsafe { lend(&self.map, at, bytes.len()) }?;
        copy::private_to_own(bytes, space);
        Some(())
    }

    /// Its bytes, to be copied.
    #[must_use]
    pub fn bytes(&self) -> PeerBytes<'_> {
        PeerBytes::of(&self.map)
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.map.size()
    }
}

/// Memory that another process writes, and may write at any time.
#[derive(Debug)]
pub struct PeerWindow {
    map: Mapping,
}

impl PeerWindow {
    /// Checks that `fd` is memory as [`OwnWindow`] makes it for this process, and maps it read-only.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map(fd: BorrowedFd<'_>, whom: For) -> Result<Self, NotARegion> {
        let size = memory::check_granted(fd, whom.seals())?;
        Ok(Self { map: Mapping::inherited(fd, size, false)? })
    }

    /// Its bytes, to be copied.
    #[must_use]
    pub fn bytes(&self) -> PeerBytes<'_> {
        PeerBytes::of(&self.map)
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.map.size()
    }
}

/// What the creator of a grant says of it.
#[derive(Debug)]
pub struct Warrant {
    page: OwnWindow,
    holds: AtomicBool,
}

impl Warrant {
    /// One that holds.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn make(whom: For) -> Result<(OwnedFd, Self), Errno> {
        let (file, page) = OwnWindow::make(WARRANT_SIZE, whom)?;
        let warrant = Self { page, holds: AtomicBool::new(true) };
        warrant.say(HOLDS);
        Ok((file, warrant))
    }

    fn say(&self, value: u64) {
        if let Some(word) = word(&self.page.map, 0) {
            // Release, though nothing else is said by it: `PeerWarrant::holds` reads it alone.
            OwnWord(word).store(value);
        }
    }

    /// Ends it.
    pub fn revoke(&self) {
        self.holds.store(false, Ordering::Relaxed);
        self.say(0);
    }

    /// Whether it was not ended.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::Relaxed)
    }
}

/// The same for a receiver.
#[derive(Debug)]
pub struct PeerWarrant {
    map: Mapping,
}

impl PeerWarrant {
    /// Checks that `fd` is memory as [`Warrant`] makes it for this process, and maps it read-only.
    ///
    /// # Errors
    /// [`NotARegion`].
    pub fn map(fd: BorrowedFd<'_>, whom: For) -> Result<Self, NotARegion> {
        match memory::check_granted(fd, whom.seals())? {
            WARRANT_SIZE => Ok(Self { map: Mapping::inherited(fd, WARRANT_SIZE, false)? }),
            other => Err(NotARegion::WrongSize(other as u64)),
        }
    }

    /// Whether the creator says that the grant holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        word(&self.map, 0).is_some_and(|word| PeerWord(word).load() == HOLDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_memory_is_what_it_was_and_takes_nothing_else() {
        let (file, own) = Sealed::make(5000, |bytes| bytes.fill(7)).unwrap();
        let peer = Sealed::map(file.as_fd()).unwrap();
        assert!(own.bytes() == [7; 5000] && peer.bytes() == own.bytes());
        assert!(rustix::io::write(&file, b"x").is_err());
        assert!(Mapping::inherited(file.as_fd(), 5000, true).is_err());
        assert!(rustix::fs::ftruncate(&file, 0).is_err());
        drop(own);
        assert_eq!(peer.bytes().first(), Some(&7));
    }

    #[test]
    fn what_somebody_could_still_write_is_no_sealed_memory() {
        let (file, _own) = OwnWindow::make(4096, For::All).unwrap();
        assert!(matches!(Sealed::map(file.as_fd()), Err(NotARegion::Unsealed(_))));
        let open = memory::create(4096).unwrap();
        assert!(matches!(Sealed::map(open.as_fd()), Err(NotARegion::Unsealed(_))));
        assert!(matches!(PeerWindow::map(open.as_fd(), For::All), Err(NotARegion::Unsealed(_))));
        assert!(matches!(PeerWarrant::map(open.as_fd(), For::All), Err(NotARegion::Unsealed(_))));
        memory::seal_granted(open.as_fd()).unwrap();
        assert!(matches!(Sealed::map(open.as_fd()), Err(NotARegion::Sparse(_))));
        let null = std::fs::File::open("/dev/null").unwrap();
        assert!(matches!(Sealed::map(null.as_fd()), Err(NotARegion::NotMemory)));
        assert!(Sealed::make(0, |_| {}).is_err());
    }

    #[test]
    fn a_window_shows_what_is_written_and_a_lease_ends() {
        let (file, mut own) = OwnWindow::make(4096, For::All).unwrap();
        let peer = PeerWindow::map(file.as_fd(), For::All).unwrap();
        own.write(10, b"hello").unwrap();
        assert_eq!((own.write(4092, b"hello"), own.write(usize::MAX, b"x")), (None, None));
        let mut seen = [0; 5];
        peer.bytes().copy_in(10, &mut seen).unwrap();
        assert_eq!(&seen, b"hello");
        assert!(Mapping::inherited(file.as_fd(), 4096, true).is_err(), "nobody else can write it");
        let (file, warrant) = Warrant::make(For::All).unwrap();
        let peer = PeerWarrant::map(file.as_fd(), For::All).unwrap();
        assert!(warrant.holds() && peer.holds());
        warrant.revoke();
        assert!(!warrant.holds() && !peer.holds());
    }

    #[test]
    fn memory_for_clients_is_its_creators_to_free() {
        let (file, mut own) = OwnWindow::make(8192, For::Clients).unwrap();
        assert!(matches!(PeerWindow::map(file.as_fd(), For::All), Err(NotARegion::Unsealed(_))));
        let peer = PeerWindow::map(file.as_fd(), For::Clients).unwrap();
        own.write_word(0, 7).unwrap();
        own.write(4096, b"hello").unwrap();
        assert_eq!(
            (own.write_word(4, 1), own.write_word(8192, 1), own.write_word(usize::MAX - 7, 1)),
            (None, None, None)
        );
        let mut seen = [0; 5];
        peer.bytes().copy_in(4096, &mut seen).unwrap();
        assert_eq!((&seen, peer.bytes().word_after(0)), (b"hello", Some(7)));
        assert_eq!((peer.bytes().word_after(1), peer.bytes().word_after(8192)), (None, None));
        for is_writable in
            [rustix::io::write(&file, b"x").is_ok(), Mapping::inherited(file.as_fd(), 8192, true).is_ok()]
        {
            assert!(!is_writable, "nobody else can write it");
        }
        assert!(rustix::fs::ftruncate(&file, 0).is_err());
        drop(own);
        peer.bytes().copy_in(4096, &mut seen).unwrap();
        assert_eq!((seen, peer.bytes().word_after(0)), ([0; 5], Some(0)));
        let (file, warrant) = Warrant::make(For::Clients).unwrap();
        assert!(matches!(PeerWarrant::map(file.as_fd(), For::All), Err(NotARegion::Unsealed(_))));
        let peer = PeerWarrant::map(file.as_fd(), For::Clients).unwrap();
        assert!(peer.holds());
        drop(warrant);
        assert!(!peer.holds(), "what is freed is granted no more");
        let (two, _own) = OwnWindow::make(8192, For::All).unwrap();
        assert!(matches!(PeerWarrant::map(two.as_fd(), For::All), Err(NotARegion::WrongSize(8192))));
    }
}
