//! Whose request a seat takes next, where it attends pairs of several owners.
//!
//! Pairs of one owner take turns. Between owners it is time that is shared, not requests: each request is charged with the
//! time its procedure took, and of the owners that have one waiting, the one that has had the least comes next. So an owner
//! with thirty processes has no more of a seat than one with a single one, and calls that take long do not crowd out short
//! ones. Whoever was away does not come back with all the time it did not use: its credit is bounded.
//!
//! A seat whose pairs have one owner needs nothing of this, and takes no clock for it ([`Shares::needs_care`]).

/// One owner at one seat. Its pairs lie beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    owner: u32,
    /// It holds as many processors as it may: it is answered, not served.
    is_over: bool,
    /// Ticks it has had, and what it was lifted to.
    used: u64,
    first: usize,
    count: usize,
    /// Where in `first..` its next turn begins.
    next: usize,
}

/// The owners at one seat.
#[derive(Debug, Default)]
pub struct Shares {
    all: Vec<Share>,
    /// What whoever was picked last had used by then: never less than before.
    floor: u64,
    care: bool,
}

/// A request to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// The pair.
    pub at: usize,
    /// Its owner.
    pub owner: u32,
    /// It is to be answered that it is overloaded.
    pub is_over: bool,
    share: usize,
}

impl Shares {
    /// Starts from the owners of the pairs, in the pairs' order; those of one owner beside each other. What the owners had
    /// is kept; new ones have had as much as whoever was served last.
    pub fn regroup(&mut self, owners: impl Iterator<Item = u32>, is_over: impl Fn(u32) -> bool) {
        let before = core::mem::take(&mut self.all);
        for (at, owner) in owners.enumerate() {
            if let Some(last) = self.all.last_mut().filter(|last| last.owner == owner) {
                last.count += 1;
                continue;
            }
            let known = before.iter().find(|share| share.owner == owner);
            let (used, next) = known.map_or((self.floor, 0), |share| (share.used, share.next));
            self.all.push(Share { owner, is_over: is_over(owner), used, first: at, count: 1, next });
        }
        self.care = self.all.len() > 1 || self.all.iter().any(|share| share.is_over);
    }

    /// Whether it matters which request comes next.
    #[inline(always)]
    #[must_use]
    pub fn needs_care(&self) -> bool {
        self.care
    }

    /// The only owner, where there is one.
    #[must_use]
    pub fn sole(&self) -> Option<u32> {
        match self.all.as_slice() {
            [one] => Some(one.owner),
            _ => None,
        }
    }

    /// The request to take next. `credit` is the time, in ticks, that an owner which was away may catch up on.
    pub fn pick(&mut self, has_request: impl Fn(usize) -> bool, credit: u64) -> Option<Pick> {
        let turn = |share: &Share| {
            let places = (0..share.count).map(|i| share.first + (share.next + i) % share.count);
            places.into_iter().find(|&at| has_request(at))
        };
        let waiting = self.all.iter().enumerate().filter_map(|(i, share)| Some((share.used, i, turn(share)?)));
        let (_, chosen, at) = waiting.min_by_key(|&(used, ..)| used)?;
        let share = self.all.get_mut(chosen)?;
        share.next = at + 1 - share.first;
        share.used = share.used.max(self.floor.saturating_sub(credit));
        self.floor = self.floor.max(share.used);
        Some(Pick { at, owner: share.owner, is_over: share.is_over, share: chosen })
    }

    /// What was picked took this long.
    pub fn charge(&mut self, pick: &Pick, ticks: u64) {
        if let Some(share) = self.all.get_mut(pick.share).filter(|share| share.owner == pick.owner) {
            share.used = share.used.saturating_add(ticks.max(1));
        }
    }
}

/// The order in which pairs keep their place where not all can: the first of each owner, then the second of each, and so on.
/// `owners` are those of the pairs, the one that is to stay first in front. Returns each one's rank.
#[must_use]
pub fn ranks(owners: &[u32]) -> Vec<usize> {
    let earlier = |(i, owner): (usize, &u32)| owners.iter().take(i).filter(|&other| other == owner).count();
    owners.iter().enumerate().map(earlier).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(owners: &[u32]) -> Shares {
        let mut shares = Shares::default();
        shares.regroup(owners.iter().copied(), |_| false);
        shares
    }

    const CREDIT: u64 = 100;

    /// Serves `turns` requests, of which owner 1's take `long` and others 1; returns how often each owner had its turn.
    fn serve(shares: &mut Shares, turns: usize, long: u64, has_request: impl Fn(usize) -> bool) -> [u64; 3] {
        let mut served = [0; 3];
        for _ in 0..turns {
            let pick = shares.pick(&has_request, CREDIT).unwrap();
            assert!(has_request(pick.at));
            served[usize::try_from(pick.owner).unwrap()] += 1;
            shares.charge(&pick, if pick.owner == 1 { long } else { 1 });
        }
        served
    }

    #[test]
    fn thirty_pairs_have_no_more_than_one() {
        let mut owners = vec![1; 30];
        owners.push(2);
        let mut shares = shares(&owners);
        assert!(shares.needs_care());
        assert_eq!(serve(&mut shares, 1000, 1, |_| true), [0, 500, 500]);
    }

    #[test]
    fn time_is_shared_not_requests() {
        let mut shares = shares(&[1, 2]);
        let [_, one, two] = serve(&mut shares, 1010, 100, |_| true);
        assert!((9..=11).contains(&one) && two >= 999, "{one} {two}");
    }

    #[test]
    fn pairs_of_one_owner_take_turns() {
        let mut shares = shares(&[1, 1, 1]);
        assert!(!shares.needs_care());
        assert_eq!(shares.sole(), Some(1));
        let order: Vec<_> = (0..6).map(|_| shares.pick(|at| at != 1, CREDIT).unwrap().at).collect();
        assert_eq!(order, [0, 2, 0, 2, 0, 2]);
        assert_eq!(shares.pick(|_| false, CREDIT), None);
    }

    #[test]
    fn time_that_was_not_used_is_not_saved_up() {
        let mut shares = shares(&[1, 2]);
        serve(&mut shares, 1000, 1000, |at| at == 0);
        // 2 was away while 1 had a million ticks.
        let first: Vec<_> = (0..300)
            .map(|_| {
                let pick = shares.pick(|_| true, CREDIT).unwrap();
                shares.charge(&pick, 10);
                pick.owner
            })
            .collect();
        let alone = first.iter().take_while(|&&owner| owner == 2).count();
        assert!((1..=120).contains(&alone), "{alone}");
        assert!(first.iter().filter(|&&owner| owner == 1).count() > 80);
    }

    #[test]
    fn a_caller_that_waits_between_calls_is_always_next() {
        let mut shares = shares(&[1, 1, 1, 1, 2]);
        serve(&mut shares, 100, 5, |at| at < 4);
        for _ in 0..100 {
            let pick = shares.pick(|_| true, CREDIT).unwrap();
            assert_eq!(pick.owner, 2);
            shares.charge(&pick, 1);
            // Away for as long as four of the others' take.
            serve(&mut shares, 4, 5, |at| at < 4);
        }
    }

    #[test]
    fn regrouping_keeps_what_owners_had() {
        let mut shares = shares(&[1, 2]);
        serve(&mut shares, 50, 10, |at| at == 0);
        shares.regroup([1, 1, 2].into_iter(), |owner| owner == 2);
        let pick = shares.pick(|_| true, CREDIT).unwrap();
        assert_eq!((pick.owner, pick.at, pick.is_over), (2, 2, true));
        shares.regroup([1].into_iter(), |_| true);
        assert!(shares.needs_care(), "who is over is answered, even alone");
        // Served before, of a share that is gone: nobody else is charged.
        shares.charge(&pick, 1 << 40);
        shares.regroup([1, 2].into_iter(), |_| false);
        let [_, one, two] = serve(&mut shares, 1000, 1, |_| true);
        assert!(one.abs_diff(two) <= 20, "{one} {two}");
    }

    #[test]
    fn ranks_go_round_the_owners() {
        assert_eq!(ranks(&[1, 1, 2, 1, 3, 2]), [0, 1, 0, 2, 0, 1]);
        assert!(ranks(&[]).is_empty());
    }
}
