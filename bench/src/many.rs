//! One server, many clients: what the idle ones cost the others, and what each of them takes.
//!
//! A *crowd* is one server process and many client processes, the *members*, each with many bindings to it. Every binding
//! has made a call before anything is measured, so none is unused, only idle. Members wait for orders at a pipe, asleep.

pub(crate) mod bind;
pub(crate) mod cold;
pub(crate) mod crowd;
pub(crate) mod hot;
pub(crate) mod member;
pub(crate) mod memory;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::count::{Counted, Named};
use crate::floor;
use crate::measure::Plan;
use crate::peer::Placement;
use crate::sample::Sample;

/// How many clients there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    /// Client processes.
    pub(crate) processes: u32,
    /// Bindings of each.
    pub(crate) bindings: u32,
}

impl Size {
    /// That of the cases' names, 64 times 64; or a few, to see that everything runs.
    pub(crate) fn of(quick: bool) -> Self {
        if quick { Self { processes: 6, bindings: 8 } } else { Self { processes: 64, bindings: 64 } }
    }

    const ONE: Self = Self { processes: 1, bindings: 1 };
}

/// What is measured in a crowd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Many {
    /// Null calls of one client, while the others are idle.
    Hot,
    /// A single call on any binding of any other, while one client calls without pause.
    Cold,
    /// A turn of a bare futex between any two processes that do nothing else, under the same load.
    ColdFloor,
    /// A bind of a process that is bound already.
    BindSamePair,
    /// A bind that makes two processes a pair.
    BindNewPair,
    /// The first bind of a process, which makes it take part.
    BindFirst,
}

/// The cases, in a crowd of `size`. bench/README.md says what each is for.
pub(crate) fn cases(size: Size) -> Vec<Case> {
    let case = |name: &str, placement, many, size| Case::new(name, placement, Work::Many(many, size));
    let bind = |name: &str, many| case(name, Placement::Free, many, size).by_median();
    vec![
        case("bindings1", Placement::Apart, Many::Hot, Size::ONE),
        case("bindings4096", Placement::Apart, Many::Hot, size).limit("bindings1"),
        case("futex_free_hot", Placement::Free, Many::ColdFloor, size).by_median(),
        case("cold4096", Placement::Free, Many::Cold, size).limit("futex_free_hot").beside("futex_free").by_median(),
        bind("bind.same_pair", Many::BindSamePair),
        bind("bind.new_pair", Many::BindNewPair),
        bind("bind.first", Many::BindFirst),
    ]
}

/// The counts, by their names.
pub(crate) fn counts(size: Size) -> Vec<Named> {
    vec![("memory_per_pair".to_owned(), Counted::Memory(size)), ("descriptors".to_owned(), Counted::Descriptors(size))]
}

/// All there is to measure: what cases are compared with is found here.
pub(crate) fn universe(size: Size) -> Vec<Case> {
    let mut all = floor::cases();
    all.extend(cases(size));
    all
}

/// Measures once.
///
/// # Errors
/// When a process or a binding cannot be had, and for the first call that fails.
pub(crate) fn measure(many: Many, size: Size, plan: &Plan, task: &Task) -> Result<Sample> {
    match many {
        Many::Hot => hot::measure(size, task),
        Many::Cold => cold::measure(size, plan, task, cold::Party::Bound),
        Many::ColdFloor => cold::measure(size, plan, task, cold::Party::Floor),
        Many::BindSamePair | Many::BindNewPair | Many::BindFirst => bind::measure(many, size, plan, task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_finds_its_limits() {
        for quick in [true, false] {
            let size = Size::of(quick);
            let cases = cases(size);
            let ordered = crate::case::order(&cases, &universe(size)).unwrap();
            let at = |name: &str| ordered.iter().position(|case| case.name == name);
            assert_eq!(at("bindings1").map(|at| at + 1), at("bindings4096"));
            assert_eq!(at("futex_free_hot").map(|at| at + 1), at("cold4096"));
        }
    }
}
