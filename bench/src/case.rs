//! What can be measured, and what it is compared with.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::far::Far;
use crate::files::Files;
use crate::floor::Floor;
use crate::ipp::Ipp;
use crate::mach3::{By, Line};
use crate::many::{Many, Size};
use crate::measure::Pace;
use crate::near::calls::Procedure;
use crate::near::session::How;
use crate::peer::Placement;
use crate::threads::Threads;
use crate::urpc::bare::Bare;
use crate::urpc::pipelining::Pipelining;
use crate::urpc::receiver::Receiver;

/// What is measured: all that the processes of a case have to know of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// What a call is.
    pub(crate) work: Work,
    /// Where the processes run.
    pub(crate) placement: Placement,
    /// What happens between calls.
    pub(crate) pace: Pace,
}

/// What a round trip is made of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Work {
    /// A floor.
    Floor(Floor),
    /// A call through nearcall.
    Near(How),
    /// Null calls of many kernel threads at once.
    Outstanding,
    /// Null calls that one kernel thread starts, so many at a time.
    Pipeline(u32),
    /// `write4096`, the caller's buffer at one offset after the other.
    Offsets,
    /// Null calls among which some block.
    Blocking,
    /// A call through a Unix socket, as conventional as can be.
    Conventional(Procedure),
    /// Null calls to a server that another client may keep busy.
    Receiver(Receiver),
    /// A piece of a call.
    Bare(Bare),
    /// Null calls under way at once from one processor.
    Pipelining(Pipelining),
    /// Nothing, after many calls.
    Idle,
    /// Something in a crowd of clients.
    Many(Many, Size),
    /// Threads of one process.
    Threads(Threads),
    /// A call over some sizes of a parameter.
    Slope(Line, By),
    /// Copies at each offset in a page, by the library or by memcpy.
    Copies {
        /// Bytes.
        size: usize,
        /// By the library.
        is_ours: bool,
    },
    /// A record of a file.
    Files(Files),
    /// What pairs take, in such a crowd.
    Memory(Size),
    /// A round trip to another host.
    Far(Far),
    /// A message through hosts that receive.
    Ipp(Ipp),
    /// A call through something else.
    #[cfg(feature = "peers")]
    Peer(crate::peers::Kind, crate::peers::What),
}

/// Which of the ways of a case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pick {
    /// The one with the least median: the ways are attempts at the same.
    Fastest,
    /// The one with the greatest: the ways are circumstances that nobody chooses.
    Slowest,
}

impl Work {
    pub(crate) fn pick(self) -> Pick {
        match self {
            Self::Offsets => Pick::Slowest,
            _ => Pick::Fastest,
        }
    }
}

/// A case by its name.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// As on the command line and in results.
    pub(crate) name: String,
    /// What is measured.
    pub(crate) spec: Spec,
    /// Whether a busy process runs on each processor meanwhile.
    pub(crate) loaded: bool,
    /// Whether the median of a round's calls counts, its own and the limit's, and not the mean: where a wait for a
    /// processor is rare and a thousand times as long as the rest.
    pub(crate) by_median: bool,
    /// What it is divided by.
    pub(crate) limit: Limit,
    /// Cases of the same rounds that are shown beside it, with their ratios.
    pub(crate) beside: Vec<String>,
    /// For a peer, the case of nearcall that does the same.
    pub(crate) rival: Option<String>,
}

/// What a case is compared with, by names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nothing.
    None,
    /// A floor, or another case.
    Of(String),
    /// The fastest of some cases, among those whose processor time for a call, beyond the caller's own work, is not
    /// above the mean of the case `bound`.
    Within {
        /// The cases.
        of: Vec<String>,
        /// The bound: a round trip with two wake-ups.
        bound: String,
    },
}

impl Case {
    /// A case without a limit, back to back.
    pub(crate) fn new(name: impl Into<String>, placement: Placement, work: Work) -> Self {
        Self {
            name: name.into(),
            spec: Spec { work, placement, pace: Pace::BackToBack },
            loaded: false,
            by_median: false,
            limit: Limit::None,
            beside: Vec::new(),
            rival: None,
        }
    }

    pub(crate) fn limit(mut self, limit: impl Into<String>) -> Self {
        self.limit = Limit::Of(limit.into());
        self
    }

    pub(crate) fn pace(mut self, pace: Pace) -> Self {
        self.spec.pace = pace;
        self
    }

    pub(crate) fn beside(mut self, name: impl Into<String>) -> Self {
        self.beside.push(name.into());
        self
    }

    pub(crate) fn by_median(mut self) -> Self {
        self.by_median = true;
        self
    }

    #[cfg(feature = "peers")]
    pub(crate) fn rival(mut self, name: impl Into<String>) -> Self {
        self.rival = Some(name.into());
        self
    }

    pub(crate) fn loaded(mut self) -> Self {
        self.loaded = true;
        self
    }

    /// The case it should be measured right after.
    pub(crate) fn leader(&self) -> Option<&str> {
        match &self.limit {
            Limit::None => self.rival.as_deref(),
            Limit::Of(limit) => Some(limit),
            Limit::Within { of, .. } => of.first().map(String::as_str),
        }
    }

    /// All that has to be measured with it.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        let limits: &[String] = match &self.limit {
            Limit::Within { of, .. } => of,
            _ => &[],
        };
        let bound = match &self.limit {
            Limit::Within { bound, .. } => Some(bound.as_str()),
            _ => None,
        };
        let others = limits.iter().chain(&self.beside).map(String::as_str);
        self.leader().into_iter().chain(others).chain(bound).chain(self.rival.as_deref())
    }
}

/// Finds what `names` name in `table`, or takes all of it if there are none: a case by its whole name, or all cases
/// whose names begin with it and go on after a dot.
///
/// # Errors
/// For a name that is not there; `elsewhere` says where it might be.
pub(crate) fn select(table: &[Case], names: &[String], elsewhere: &str) -> Result<Vec<Case>> {
    if names.is_empty() {
        return Ok(table.to_vec());
    }
    let mut selected: Vec<Case> = Vec::new();
    for name in names {
        let before = selected.len();
        for case in table.iter().filter(|case| is_named(&case.name, name)) {
            if !selected.iter().any(|other| other.name == case.name) {
                selected.push(case.clone());
            }
        }
        if selected.len() == before && !selected.iter().any(|case| is_named(&case.name, name)) {
            let known: Vec<&str> = table.iter().map(|case| case.name.as_str()).collect();
            bail!("there is no case {name}; there are {}{elsewhere}", known.join(", "));
        }
    }
    Ok(selected)
}

/// Whether `name` names the case `case`, or a group that it belongs to.
pub(crate) fn is_named(case: &str, name: &str) -> bool {
    case.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Brings `selected` and all they are compared with into the order of a round: each case comes right after its limit and
/// the other cases with the same one, so that what drifts, drifts for both.
///
/// # Errors
/// When a case is compared with one that `universe` does not have.
pub(crate) fn order(selected: &[Case], universe: &[Case]) -> Result<Vec<Case>> {
    let mut placed: Vec<Case> = Vec::new();
    for case in selected {
        place(case, universe, &mut placed)?;
    }
    Ok(placed)
}

fn place(case: &Case, universe: &[Case], placed: &mut Vec<Case>) -> Result<()> {
    if placed.iter().any(|other| other.name == case.name) {
        return Ok(());
    }
    for need in case.needs() {
        let Some(other) = universe.iter().find(|other| other.name == need) else {
            bail!("{} is compared with {need}, which is no case", case.name);
        };
        place(other, universe, placed)?;
    }
    let last = case.leader().and_then(|leader| placed.iter().rposition(|other| is_led(other, leader, placed)));
    placed.insert(last.map_or(placed.len(), |last| last + 1), case.clone());
    Ok(())
}

/// Whether `case` is `leader`, or comes after it through any number of limits.
fn is_led(case: &Case, leader: &str, placed: &[Case]) -> bool {
    let mut name = Some(case.name.as_str());
    while let Some(at) = name {
        if at == leader {
            return true;
        }
        name = placed.iter().find(|other| other.name == at).and_then(Case::leader);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str) -> Case {
        Case::new(name, Placement::Free, Work::Offsets)
    }

    fn names(cases: &[Case]) -> Vec<&str> {
        cases.iter().map(|case| case.name.as_str()).collect()
    }

    #[test]
    fn every_case_of_the_tables_finds_its_limits() {
        let universe = crate::near::universe();
        let ordered = order(&universe, &universe).unwrap();
        assert_eq!(ordered.len(), universe.len());
        let mut unique = names(&universe);
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), universe.len(), "a name is there twice");
    }

    #[test]
    fn limits_come_right_before() {
        let universe = [
            case("floor"),
            case("other"),
            case("null.spin").limit("floor"),
            case("add.spin").limit("null.spin").beside("other"),
            case("echo.spin").limit("floor"),
        ];
        let ordered = order(&[universe[4].clone(), universe[3].clone()], &universe).unwrap();
        assert_eq!(names(&ordered), ["floor", "echo.spin", "null.spin", "add.spin", "other"]);
    }

    #[test]
    fn the_bound_and_all_limits_are_needed() {
        let mut paced = case("paced");
        paced.limit = Limit::Within { of: vec!["a".to_owned(), "b".to_owned()], bound: "wake".to_owned() };
        let universe = [case("a"), case("b"), case("wake"), paced];
        let ordered = order(&universe[3..], &universe).unwrap();
        assert_eq!(names(&ordered), ["a", "paced", "b", "wake"]);
        assert!(order(&universe[3..], &universe[..2]).is_err());
    }

    #[test]
    fn groups_are_selected_by_prefix() {
        let table = [case("null.spin"), case("null.paced.20us"), case("nullity")];
        let select = |name: &str| select(&table, &[name.to_owned()], "");
        assert_eq!(names(&select("null").unwrap()), ["null.spin", "null.paced.20us"]);
        assert_eq!(names(&select("null.paced.20us").unwrap()), ["null.paced.20us"]);
        assert!(select("nul").is_err());
        assert!(select("null.").is_err());
    }
}
