//! Who has how much: counters by uid, and what was promised to whom.
//!
//! [`Ledger`] is arithmetic: amounts, uids and `now` in, yes or no out. [`QUOTA`] is the process's one ledger behind a lock that
//! is held for a look at a map. A [`Charge`] is what somebody has; dropping it gives that back, wherever it is dropped, so
//! nothing has to be remembered on any way out.
//!
//! A map, not an array by uid: there are 2³² of them. An account goes when it is empty; those of uids that came, were refused
//! and never came back are swept when their number has doubled.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{Exceeded, Limit, Limits, Most, Usage};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connections,
    Handshakes,
    Bindings,
    Bytes,
    Descriptors,
}

const KIND_COUNT: usize = 5;

type Amounts = [u64; KIND_COUNT];

impl Kind {
    const fn index(self) -> usize {
        match self {
            Self::Connections => 0,
            Self::Handshakes => 1,
            Self::Bindings => 2,
            Self::Bytes => 3,
            Self::Descriptors => 4,
        }
    }

    const fn limit(self) -> Limit {
        match self {
            Self::Connections => Limit::Connections,
            Self::Handshakes => Limit::Handshakes,
            Self::Bindings => Limit::Bindings,
            Self::Bytes => Limit::Bytes,
            Self::Descriptors => Limit::Descriptors,
        }
    }

    const fn of(self, limits: &Limits) -> Most {
        match self {
            Self::Connections => limits.connections,
            Self::Handshakes => limits.handshakes,
            Self::Bindings => limits.bindings,
            Self::Bytes => limits.bytes,
            Self::Descriptors => limits.descriptors,
        }
    }
}

/// A token bucket as one instant: when it is full again. It has room while that is less than a burst away.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    fn is_full(self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }

    /// Takes one token, of which `rate` come a second, and `burst` lie in a full bucket.
    fn take(&mut self, rate: u32, burst: u32, now: Instant) -> bool {
        let each = Duration::from_secs(1) / rate.max(1);
        let after = self.full_at.map_or(now, |at| at.max(now)) + each;
        let has_one = after.saturating_duration_since(now) <= each.saturating_mul(burst.max(1));
        if has_one {
            self.full_at = Some(after);
        }
        has_one
    }
}

#[derive(Debug, Default)]
struct Account {
    used: Amounts,
    connects: Bucket,
}

impl Account {
    fn is_idle(&self, now: Instant) -> bool {
        self.used == [0; KIND_COUNT] && self.connects.is_full(now)
    }
}

/// Accounts beyond which idle ones are looked for, at first.
const SWEEP_AT: usize = 64;

/// All accounts.
#[derive(Debug)]
pub(crate) struct Ledger {
    limits: Limits,
    all: Amounts,
    accounts: BTreeMap<u32, Account>,
    sweep_at: usize,
}

impl Ledger {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self { limits, all: [0; KIND_COUNT], accounts: BTreeMap::new(), sweep_at: SWEEP_AT }
    }

    pub(crate) fn take(&mut self, kind: Kind, uid: u32, amount: u64) -> Result<(), Exceeded> {
        let most = kind.of(&self.limits);
        let own = self.used(kind, uid);
        let fits = |used: u64, most: u64| used.checked_add(amount).is_some_and(|sum| sum <= most);
        let no = |per_uid, most| Err(Exceeded { limit: kind.limit(), per_uid, most });
        if !fits(own, most.per_uid) {
            return no(true, most.per_uid);
        }
        if !fits(self.in_all(kind), most.in_all) {
            return no(false, most.in_all);
        }
        self.change(kind, uid, |used| used + amount);
        Ok(())
    }

    pub(crate) fn give_back(&mut self, kind: Kind, uid: u32, amount: u64) {
        self.change(kind, uid, |used| used.saturating_sub(amount));
        if self
            .accounts
            .get(&uid)
            .is_some_and(|account| account.used == [0; KIND_COUNT] && account.connects.full_at.is_none())
        {
            self.accounts.remove(&uid);
        }
    }

    fn change(&mut self, kind: Kind, uid: u32, how: impl Fn(u64) -> u64) {
        let account = self.accounts.entry(uid).or_default();
        for used in [account.used.get_mut(kind.index()), self.all.get_mut(kind.index())].into_iter().flatten() {
            *used = how(*used);
        }
    }

    /// One more connect of this uid.
    pub(crate) fn connect(&mut self, uid: u32, now: Instant) -> Result<(), Exceeded> {
        if self.accounts.len() >= self.sweep_at {
            self.accounts.retain(|_, account| !account.is_idle(now));
            self.sweep_at = (self.accounts.len() * 2).max(SWEEP_AT);
        }
        let (rate, burst) = (self.limits.connect_rate, self.limits.connect_burst);
        if self.accounts.entry(uid).or_default().connects.take(rate, burst, now) {
            return Ok(());
        }
        Err(Exceeded { limit: Limit::Connects, per_uid: true, most: rate.max(1).into() })
    }

    pub(crate) fn used(&self, kind: Kind, uid: u32) -> u64 {
        self.accounts.get(&uid).and_then(|account| account.used.get(kind.index())).copied().unwrap_or(0)
    }

    pub(crate) fn in_all(&self, kind: Kind) -> u64 {
        self.all.get(kind.index()).copied().unwrap_or(0)
    }

    /// Whether nobody, whoever it is, can have one more.
    pub(crate) fn is_full(&self, kind: Kind) -> bool {
        self.in_all(kind) >= kind.of(&self.limits).in_all
    }
}

/// The process's ledger.
#[derive(Debug)]
pub(crate) struct Quota(Mutex<Ledger>);

pub(crate) static QUOTA: Quota = Quota(Mutex::new(Ledger::new(Limits::DEFAULT)));

/// The ledger's lock, for whoever forks.
pub(crate) fn hold() -> impl core::any::Any {
    QUOTA.ledger()
}

impl Quota {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts limits into effect, bounded by the descriptors that this process may open now.
    pub(crate) fn set(&self, limits: Limits) {
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.ledger().limits = limits.within(most.unwrap_or(u64::MAX));
    }

    pub(crate) fn limits(&self) -> Limits {
        self.ledger().limits
    }

    pub(crate) fn usage(&self) -> Usage {
        let ledger = self.ledger();
        Usage {
            connections: ledger.in_all(Kind::Connections),
            handshakes: ledger.in_all(Kind::Handshakes),
            bindings: ledger.in_all(Kind::Bindings),
            bytes: ledger.in_all(Kind::Bytes),
            descriptors: ledger.in_all(Kind::Descriptors),
        }
    }

    /// What a uid has.
    #[cfg(test)]
    pub(crate) fn used(&self, kind: Kind, uid: u32) -> u64 {
        self.ledger().used(kind, uid)
    }

    /// Whether as many handshakes are under way as there may be.
    pub(crate) fn has_no_handshake_left(&self) -> bool {
        self.ledger().is_full(Kind::Handshakes)
    }

    /// A connection and its handshake, for a uid that connects now.
    pub(crate) fn admit(&'static self, uid: u32, now: Instant) -> Result<(Charge, Charge), Exceeded> {
        self.ledger().connect(uid, now)?;
        Ok((self.take(Kind::Connections, uid, 1)?, self.take(Kind::Handshakes, uid, 1)?))
    }

    /// Some of what there is. An amount of 0 always can be had, and grows later.
    pub(crate) fn take(&'static self, kind: Kind, uid: u32, amount: u64) -> Result<Charge, Exceeded> {
        if amount > 0 {
            self.ledger().take(kind, uid, amount)?;
        }
        Ok(Charge { quota: self, kind, uid, amount })
    }

    /// Bytes of shared memory, to be asked for before they are allocated or mapped.
    pub(crate) fn charge(&'static self, uid: u32, bytes: u64) -> Result<Charge, Exceeded> {
        self.take(Kind::Bytes, uid, bytes)
    }
}

/// An amount that a uid has, until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Charge {
    quota: &'static Quota,
    kind: Kind,
    uid: u32,
    amount: u64,
}

impl Charge {
    /// Takes more on the same account.
    pub(crate) fn grow(&mut self, amount: u64) -> Result<(), Exceeded> {
        self.quota.ledger().take(self.kind, self.uid, amount)?;
        self.amount += amount;
        Ok(())
    }

    /// Whose it is.
    pub(crate) fn uid(&self) -> u32 {
        self.uid
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.amount > 0 {
            self.quota.ledger().give_back(self.kind, self.uid, self.amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits::DEFAULT.connections(3, 5).handshakes(2, 3).bytes(100, 150).connects(10, 4);

    #[test]
    fn a_uid_has_its_share_and_no_more_whoever_asks() {
        let mut ledger = Ledger::new(LIMITS);
        for _ in 0..3 {
            ledger.take(Kind::Connections, 7, 1).unwrap();
        }
        let per_uid = Exceeded { limit: Limit::Connections, per_uid: true, most: 3 };
        assert_eq!(ledger.take(Kind::Connections, 7, 1), Err(per_uid));
        assert_eq!(ledger.take(Kind::Connections, 0, 4), Err(per_uid), "root, too");
        ledger.take(Kind::Connections, 0, 2).unwrap();
        let in_all = Exceeded { limit: Limit::Connections, per_uid: false, most: 5 };
        assert_eq!(ledger.take(Kind::Connections, 0, 1), Err(in_all));
        assert!(ledger.is_full(Kind::Connections));
        ledger.give_back(Kind::Connections, 7, 1);
        ledger.take(Kind::Connections, 0, 1).unwrap();
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut ledger = Ledger::new(LIMITS);
        ledger.take(Kind::Bytes, 1, 60).unwrap();
        for amount in [41, 100, u64::MAX] {
            assert!(ledger.take(Kind::Bytes, 1, amount).is_err());
        }
        assert_eq!((ledger.used(Kind::Bytes, 1), ledger.in_all(Kind::Bytes)), (60, 60));
        ledger.take(Kind::Bytes, 2, 90).unwrap();
        assert!(!ledger.take(Kind::Bytes, 1, 1).unwrap_err().per_uid);
    }

    #[test]
    fn connects_come_back_with_time() {
        let mut ledger = Ledger::new(LIMITS);
        let start = Instant::now();
        for _ in 0..4 {
            ledger.connect(1, start).unwrap();
        }
        assert_eq!(ledger.connect(1, start), Err(Exceeded { limit: Limit::Connects, per_uid: true, most: 10 }));
        ledger.connect(2, start).unwrap();
        assert!(ledger.connect(1, start + Duration::from_millis(99)).is_err(), "a refusal costs nothing");
        ledger.connect(1, start + Duration::from_millis(100)).unwrap();
        assert!(ledger.connect(1, start + Duration::from_millis(101)).is_err());
        let later = start + Duration::from_secs(60);
        assert_eq!((0..10).filter(|_| ledger.connect(1, later).is_ok()).count(), 4, "no more than a burst is saved up");
    }

    #[test]
    fn uids_that_only_knocked_are_forgotten() {
        let mut ledger = Ledger::new(LIMITS);
        let start = Instant::now();
        ledger.take(Kind::Connections, 9, 1).unwrap();
        for uid in 0..10_000 {
            ledger.connect(uid, start + Duration::from_secs(uid.into())).unwrap();
            assert!(ledger.accounts.len() <= SWEEP_AT + 1, "{}", ledger.accounts.len());
        }
        assert_eq!(ledger.used(Kind::Connections, 9), 1);
    }

    #[test]
    fn everything_comes_back() {
        static OWN: Quota = Quota(Mutex::new(Ledger::new(LIMITS)));
        let now = Instant::now();
        let mut held = Vec::new();
        for uid in [1, 1, 2, 1, 3] {
            held.extend(OWN.admit(uid, now).ok());
        }
        assert_eq!(held.len(), 3, "2 handshakes of 1, and 3 in all");
        assert!(OWN.has_no_handshake_left());
        assert_eq!(OWN.ledger().in_all(Kind::Connections), 3, "a refused admission keeps no part of what it asked for");
        let mut bindings = OWN.take(Kind::Bindings, 1, 0).unwrap();
        bindings.grow(2).unwrap();
        bindings.grow(u64::MAX).unwrap_err();
        let bytes = OWN.charge(1, 100).unwrap();
        assert_eq!(bytes.uid(), 1);
        drop((held, bindings, bytes));
        let mut ledger = OWN.ledger();
        assert_eq!(ledger.all, [0; KIND_COUNT]);
        let later = now + Duration::from_secs(9);
        ledger.sweep_at = 0;
        ledger.connect(8, later).unwrap();
        assert_eq!(ledger.accounts.keys().copied().collect::<Vec<_>>(), [8]);
    }
}
