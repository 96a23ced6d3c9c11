//! A seat, and the standby on it.

use core::array::from_fn;

use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::sync::{Arc, Mutex};

use crate::Slip;
use crate::futex::Futex;
use crate::pair::{ASLEEP, AWAY, LOOKING, Pair, UNPOLLED};

/// What a CPU's standby shares with the rest of its process.
#[derive(Default)]
pub(crate) struct Seat {
    /// Who sits here, with [`DOUBTED`], or [`OPEN`].
    pub(crate) occupant: AtomicU32,
    /// Of who sat here first: odd while it is in a procedure. Its own, whoever sits here later.
    pub(crate) inside: AtomicU32,
    /// The books, for their lock.
    pub(crate) books: Mutex<()>,
    /// Bumped for each command.
    pub(crate) kick: AtomicU32,
    /// Commands that came and were not taken.
    pub(crate) inbox: Mutex<u32>,
    /// Where it sleeps: on the kick word and one bell of each pair it attends.
    pub(crate) bed: Futex,
}

/// Set while the watcher decides whether the occupant is relieved.
pub(crate) const DOUBTED: u32 = 1 << 31;

/// Set while the occupant's procedure sleeps.
pub(crate) const OPEN: u32 = 1 << 30;

/// Who sits here first, and who does next.
pub(crate) const OLD: u32 = 1;
pub(crate) const NEW: u32 = 2;

impl Seat {
    /// The first occupant enters a procedure, or comes out of it.
    pub(crate) fn step(&self, slip: Slip) {
        let order = if slip == Slip::WordRelaxed { Ordering::Relaxed } else { Ordering::Release };
        self.inside.store(self.inside.load(Ordering::Relaxed) + 1, order);
    }

    /// It comes out of a procedure: says so; light barrier; has it the seat? If there is a doubt, it waits until that is over.
    pub(crate) fn exit(&self, slip: Slip) -> bool {
        self.step(slip);
        if slip == Slip::BackUnasked {
            return true;
        }
        if slip != Slip::NoLightBarrier {
            fence(Ordering::SeqCst);
        }
        let occupant = self.occupant.load(Ordering::Relaxed);
        if occupant == OLD || slip == Slip::DoubtTakenForRelief || slip == Slip::DoubtOverlooked {
            return occupant == OLD || slip == Slip::DoubtOverlooked && occupant == OLD | DOUBTED;
        }
        let _books = self.books.lock().unwrap();
        self.occupant.load(Ordering::Relaxed) == OLD
    }

    /// The watcher gives the seat to the next one if the first is inside: doubt; heavy barrier; is it inside?
    pub(crate) fn relieve(&self, slip: Slip) -> bool {
        let _books = self.books.lock().unwrap();
        if self.occupant.compare_exchange(OLD, OLD | DOUBTED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        if slip != Slip::NoHeavyBarrier {
            fence(Ordering::SeqCst);
        }
        let order = if slip == Slip::WordRelaxed { Ordering::Relaxed } else { Ordering::Acquire };
        let is_inside = self.inside.load(order) % 2 == 1;
        self.occupant.store(if is_inside { NEW } else { OLD }, Ordering::Release);
        is_inside
    }
}

/// How a processor's part in a model ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It has claimed a request.
    Claimed,
    /// It has taken a command.
    Commanded,
    /// It sleeps.
    Asleep,
    /// The seat is another's.
    Left,
}

/// The pairs and seats of one model; each seat attends each pair.
pub(crate) struct World<const PAIRS: usize, const SEATS: usize> {
    pub(crate) pairs: [Pair; PAIRS],
    pub(crate) seats: [Seat; SEATS],
}

impl<const PAIRS: usize, const SEATS: usize> World<PAIRS, SEATS> {
    /// Every standby is awake and shows it.
    pub(crate) fn looking() -> Arc<Self> {
        Self::of(|| Pair::looked_at(SEATS))
    }

    pub(crate) fn of(pair: impl Fn() -> Pair) -> Arc<Self> {
        let seat = || Seat { occupant: AtomicU32::new(OLD), ..Seat::default() };
        Arc::new(Self { pairs: from_fn(|_| pair()), seats: from_fn(|_| seat()) })
    }

    pub(crate) fn standby(&self, n: usize) -> Standby<'_> {
        Standby { n, seat: &self.seats[n], pairs: &self.pairs }
    }
}

/// The occupant of seat `n` and the pairs it attends.
pub(crate) struct Standby<'a> {
    pub(crate) n: usize,
    pub(crate) seat: &'a Seat,
    pub(crate) pairs: &'a [Pair],
}

impl Standby<'_> {
    /// Writes its word in every pair it attends.
    pub(crate) fn arm(&self, word: u32) {
        self.pairs.iter().for_each(|pair| pair.armed[self.n].store(word, Ordering::Release));
    }

    /// From LOOKING until it has something to do, or sleeps: take commands; scan; write ASLEEP; read the bells; fence;
    /// scan; sleep on what was read.
    pub(crate) fn attend(&self, slip: Slip) -> End {
        loop {
            let mut kick = self.seat.kick.load(Ordering::Acquire);
            if self.obey() {
                return End::Commanded;
            }
            if slip == Slip::KickAfterInbox {
                kick = self.seat.kick.load(Ordering::Acquire);
            }
            if self.scan(slip) {
                return End::Claimed;
            }
            if slip != Slip::SleepsWhileLooking {
                self.arm(ASLEEP);
            }
            if matches!(slip, Slip::FenceBeforeBells | Slip::BellNotFenced) {
                fence(Ordering::SeqCst);
            }
            let mut words = self.bells();
            match slip {
                Slip::BellNotFenced => {}
                Slip::FenceBeforeBells | Slip::NoFenceBeforeSleep => fence(Ordering::Acquire),
                _ => fence(Ordering::SeqCst),
            }
            if slip != Slip::NoLastScan && self.scan(slip) {
                return End::Claimed;
            }
            if slip == Slip::BellAfterScan {
                words = self.bells();
            }
            words.push((&self.seat.kick, kick));
            if self.seat.bed.sleeps(&words) {
                return End::Asleep;
            }
            self.arm(LOOKING);
        }
    }

    /// The lead becomes a standby: out of POLLED; LOOKING; fence; scan; then as any standby.
    pub(crate) fn leave_polled(&self, slip: Slip) -> End {
        if slip != Slip::StaysPolled {
            self.pairs.iter().for_each(|pair| pair.status.store(UNPOLLED, Ordering::Release));
        }
        self.arm(LOOKING);
        if slip != Slip::NoFirstFence {
            fence(Ordering::SeqCst);
            if self.scan(slip) {
                return End::Claimed;
            }
        }
        self.attend(slip)
    }

    /// The pairs leave this seat: AWAY; fence; scan once. Says whether there was a request.
    pub(crate) fn displace(&self, slip: Slip) -> bool {
        self.arm(AWAY);
        if slip != Slip::NoFenceAfterAway {
            fence(Ordering::SeqCst);
        }
        slip != Slip::NoScanAfterAway && self.scan(slip)
    }

    fn bells(&self) -> Vec<(&AtomicU32, u32)> {
        let bells = self.pairs.iter().map(|pair| &pair.bells[self.n]);
        bells.map(|bell| (bell, bell.load(Ordering::Relaxed))).collect()
    }

    /// Takes a command, if there is one.
    fn obey(&self) -> bool {
        let mut inbox = self.seat.inbox.lock().unwrap();
        let any = *inbox > 0;
        *inbox = 0;
        any
    }

    /// Claims one request, if there is one.
    pub(crate) fn scan(&self, slip: Slip) -> bool {
        self.pairs.iter().any(|pair| pair.claim(slip))
    }
}
