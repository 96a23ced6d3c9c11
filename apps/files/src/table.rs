//! What is open, and whose it is.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::inodes::{Inode, Shown};
use crate::interface::{Entry, FileError, Handle, Ticket};

/// What one client may have open.
pub(crate) const OPEN_COUNT_MAX: usize = 1024;

/// Files that wait to be claimed, of all clients.
const TICKET_COUNT_MAX: usize = 256;

/// How long a ticket is good.
const TICKET_TIME: Duration = Duration::from_secs(10);

/// Something open.
#[derive(Debug)]
pub(crate) enum Open {
    File {
        file: File,
        inode: Arc<Inode>,
        how: u32,
        /// Where the last read ended.
        read_to: AtomicU64,
        /// The window that its opener was passed.
        shown: OnceLock<Arc<Shown>>,
    },
    Directory {
        file: File,
        /// The names as they were at the opening: pages of one listing always fit together.
        entries: Vec<Entry>,
    },
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    /// The client's number, and what it has open.
    open: Option<(u64, Arc<Open>)>,
}

#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By client.
    counts: HashMap<u64, usize>,
}

/// All that is open.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: RwLock<Slots>,
    tickets: Mutex<HashMap<Ticket, (Arc<Open>, Instant)>>,
}

impl Table {
    fn read(&self) -> RwLockReadGuard<'_, Slots> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tickets(&self) -> MutexGuard<'_, HashMap<Ticket, (Arc<Open>, Instant)>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps something for a client.
    pub(crate) fn keep(&self, client: u64, open: Arc<Open>) -> Result<Handle, FileError> {
        let mut table = self.write();
        let count = table.counts.entry(client).or_default();
        if *count >= OPEN_COUNT_MAX {
            return Err(FileError::TooManyOpen);
        }
        *count += 1;
        let at = match table.free.pop() {
            Some(at) => at,
            None => {
                table.slots.push(Slot::default());
                table.slots.len() as u32 - 1
            }
        };
        let slot = table.slots.get_mut(at as usize).ok_or(FileError::TooManyOpen)?;
        slot.open = Some((client, open));
        Ok(Handle { slot: at, generation: slot.generation })
    }

    /// What a client has.
    pub(crate) fn get(&self, client: u64, handle: Handle) -> Result<Arc<Open>, FileError> {
        self.look(client, handle, Arc::clone)
    }

    /// Has `look` see it, which must not wait: nothing is opened or closed meanwhile.
    pub(crate) fn look<R>(
        &self,
        client: u64,
        handle: Handle,
        look: impl FnOnce(&Arc<Open>) -> R,
    ) -> Result<R, FileError> {
        let table = self.read();
        let slot = table.slots.get(handle.slot as usize).filter(|slot| slot.generation == handle.generation);
        match slot.and_then(|slot| slot.open.as_ref()) {
            Some((owner, open)) if *owner == client => Ok(look(open)),
            _ => Err(FileError::BadHandle),
        }
    }

    /// Takes it away from the client, and the handle is good for nothing for ever.
    pub(crate) fn take(&self, client: u64, handle: Handle) -> Result<Arc<Open>, FileError> {
        let mut table = self.write();
        let slot = table.slots.get_mut(handle.slot as usize).filter(|slot| slot.generation == handle.generation);
        let slot = slot.ok_or(FileError::BadHandle)?;
        if slot.open.as_ref().map(|(owner, _)| *owner) != Some(client) {
            return Err(FileError::BadHandle);
        }
        let (_, open) = slot.open.take().ok_or(FileError::BadHandle)?;
        slot.generation = slot.generation.wrapping_add(1);
        // One whose generations are used up is not used again.
        if slot.generation != u32::MAX {
            table.free.push(handle.slot);
        }
        if let Some(count) = table.counts.get_mut(&client) {
            *count -= 1;
        }
        Ok(open)
    }

    /// Puts what a client had open aside for whoever shows the ticket.
    pub(crate) fn hand_on(&self, client: u64, handle: Handle) -> Result<Ticket, FileError> {
        let now = Instant::now();
        let mut tickets = self.tickets();
        tickets.retain(|_, (_, until)| *until > now);
        if tickets.len() >= TICKET_COUNT_MAX {
            return Err(FileError::TooManyOpen);
        }
        let mut bytes = [0; 16];
        // For so few bytes it is all or nothing.
        match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(16) => {}
            _ => return Err(FileError::Io),
        }
        let open = self.take(client, handle)?;
        tickets.insert(Ticket { bytes }, (open, now + TICKET_TIME));
        Ok(Ticket { bytes })
    }

    /// What was put aside.
    pub(crate) fn claim(&self, client: u64, ticket: Ticket) -> Result<Handle, FileError> {
        let (open, until) = self.tickets().remove(&ticket).ok_or(FileError::BadHandle)?;
        if until <= Instant::now() {
            return Err(FileError::BadHandle);
        }
        self.keep(client, open)
    }

    /// A client has gone: what it had open is returned, to be closed where nobody waits.
    pub(crate) fn forget(&self, client: u64) -> Vec<Arc<Open>> {
        let mut guard = self.write();
        let table = &mut *guard;
        table.counts.remove(&client);
        let mut gone = Vec::new();
        for (at, slot) in (0..).zip(&mut table.slots) {
            if let Some((_, open)) = slot.open.take_if(|(owner, _)| *owner == client) {
                slot.generation = slot.generation.wrapping_add(1);
                table.free.push(at);
                gone.push(open);
            }
        }
        gone
    }

    /// What is open, for all clients.
    pub(crate) fn count(&self) -> usize {
        self.read().counts.values().sum()
    }
}

/// A place to note where a read ended.
pub(crate) fn ended_at(read_to: &AtomicU64, pos: u64, end: u64) -> bool {
    let in_sequence = read_to.load(Ordering::Relaxed) == pos;
    read_to.store(end, Ordering::Relaxed);
    in_sequence
}
