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

/// Names of an open directory that count as one more thing that is open: they are memory.
const NAMES_A_COUNT: usize = 4096;

/// Files that wait to be claimed, of one client that has handed them on.
const TICKET_COUNT_MAX: usize = 256;

/// Of these, for one whom the client hands on to.
const SHARE_COUNT_MAX: usize = 32;

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
        entries: Arc<[Entry]>,
    },
}

impl Open {
    fn weight(&self) -> usize {
        match self {
            Self::File { .. } => 1,
            Self::Directory { entries, .. } => 1 + entries.len() / NAMES_A_COUNT,
        }
    }
}

/// Who has something open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) uid: u32,
}

/// What was handed on.
#[derive(Debug)]
struct Waiting {
    open: Arc<Open>,
    until: Instant,
    /// Who has handed it on, and for whom.
    from: (u64, u64),
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
    /// By client, with its user.
    counts: HashMap<u64, (u32, usize)>,
}

/// All that is open.
#[derive(Debug)]
pub(crate) struct Table {
    slots: RwLock<Slots>,
    tickets: Mutex<HashMap<Ticket, Waiting>>,
    /// What all clients may have open.
    max: usize,
}

impl Table {
    /// For `max` things in all, of which a user gets at most half of what others leave.
    pub(crate) fn new(max: usize) -> Self {
        Self { slots: RwLock::default(), tickets: Mutex::default(), max }
    }

    fn read(&self) -> RwLockReadGuard<'_, Slots> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tickets(&self) -> MutexGuard<'_, HashMap<Ticket, Waiting>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps something for a client.
    pub(crate) fn keep(&self, client: Client, open: Arc<Open>) -> Result<Handle, FileError> {
        let waiting = self.fresh().len();
        let (weight, mut table) = (open.weight(), self.write());
        let of_user =
            table.counts.values().filter(|(uid, _)| *uid == client.uid).map(|(_, count)| count).sum::<usize>();
        let all = waiting + table.counts.values().map(|(_, count)| count).sum::<usize>();
        let share = self.max.saturating_sub(all - of_user) / 2;
        let (_, count) = table.counts.entry(client.id).or_insert((client.uid, 0));
        if *count + weight > OPEN_COUNT_MAX || of_user + weight > share {
            return Err(FileError::TooManyOpen);
        }
        *count += weight;
        let client = client.id;
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
        if let Some((_, count)) = table.counts.get_mut(&client) {
            *count -= open.weight();
        }
        Ok(open)
    }

    /// The tickets that are good; what was put aside with others is closed. Whoever opens something comes here before.
    pub(crate) fn expire(&self) {
        drop(self.fresh());
    }

    fn fresh(&self) -> MutexGuard<'_, HashMap<Ticket, Waiting>> {
        let mut tickets = self.tickets();
        let now = Instant::now();
        tickets.retain(|_, waiting| waiting.until > now);
        tickets
    }

    /// Puts what a client had open aside for whoever shows the ticket.
    pub(crate) fn hand_on(&self, client: u64, handle: Handle, whom: u64) -> Result<Ticket, FileError> {
        let mut tickets = self.fresh();
        let of = |like: &dyn Fn((u64, u64)) -> bool| tickets.values().filter(|waiting| like(waiting.from)).count();
        if of(&|from| from == (client, whom)) >= SHARE_COUNT_MAX || of(&|(from, _)| from == client) >= TICKET_COUNT_MAX
        {
            return Err(FileError::TooManyOpen);
        }
        let mut bytes = [0; 16];
        // For so few bytes it is all or nothing.
        match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(16) => {}
            _ => return Err(FileError::Io),
        }
        let open = self.take(client, handle)?;
        let waiting = Waiting { open, until: Instant::now() + TICKET_TIME, from: (client, whom) };
        tickets.insert(Ticket { bytes }, waiting);
        Ok(Ticket { bytes })
    }

    /// What was put aside.
    pub(crate) fn claim(&self, client: Client, ticket: Ticket) -> Result<Handle, FileError> {
        let waiting = self.fresh().remove(&ticket).ok_or(FileError::BadHandle)?;
        self.keep(client, waiting.open)
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
        self.read().slots.iter().filter(|slot| slot.open.is_some()).count()
    }
}

/// A place to note where a read ended.
pub(crate) fn ended_at(read_to: &AtomicU64, pos: u64, end: u64) -> bool {
    let in_sequence = read_to.load(Ordering::Relaxed) == pos;
    read_to.store(end, Ordering::Relaxed);
    in_sequence
}
