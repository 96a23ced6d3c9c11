//! Composition: from a text file to a graph (docs/graph.md).
//!
//! The format is that of the x-kernel's `graph.comp`: three sections, separated by `@;`. In the first are the wires, in the
//! second the protocols, from the bottom up, in the third the numbers that lower protocols know upper ones by. All that is wrong with
//! the file is found before anything is opened; what only opening shows comes later. Each problem has its place in the file.

mod check;
mod diagnostic;
mod draw;
mod kinds;
mod scan;
mod standard;

use std::collections::{BTreeMap, HashMap};

pub use diagnostic::{Diagnostic, Problems, Span};
pub use kinds::{Below, Default, Kind, Kinds, Make, MakeError, Realm, Set, Setting, Sort};

use crate::crossings::{Annotations, Crossings};
use crate::event::Time;
use crate::graph::{Graph, Part, StartError};
use crate::protocol::Node;

/// A graph file that was read and found right. Holding one proves that every protocol has below it what it needs; it says
/// nothing about whether wires can be opened.
#[derive(Debug, Clone)]
pub struct Plan {
    file: String,
    text: String,
    nodes: Vec<Planned>,
    numbers: HashMap<(Node, Node), u32>,
}

#[derive(Debug, Clone)]
struct Planned {
    name: String,
    span: Span,
    kind: Kind,
    set: BTreeMap<&'static str, Set>,
    /// Where options were set.
    set_at: BTreeMap<&'static str, Span>,
    below: Vec<(Node, Annotations)>,
}

/// Why a graph was not built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A protocol cannot be made of its options: an interface that is not there, a port that is taken.
    #[error(transparent)]
    Make(#[from] Problems),
    /// A protocol could not open what it needs below.
    #[error("{at}")]
    Start {
        /// Where in the file, and what.
        at: Box<Problems>,
        /// Which protocol, and why.
        error: StartError,
    },
}

impl Plan {
    /// Reads `text`, the contents of `file`, which is only named in problems.
    ///
    /// # Errors
    /// [`Problems`]: all that is wrong, not only the first.
    pub fn read(file: &str, text: &str, kinds: &Kinds) -> Result<Self, Problems> {
        let (sections, mut problems) = scan::read(text);
        let mut plan =
            Self { file: file.to_owned(), text: text.to_owned(), nodes: Vec::new(), numbers: HashMap::new() };
        check::fill(&mut plan, &sections, kinds, &mut problems);
        if problems.is_empty() { Ok(plan) } else { Err(Problems::new(file, text, problems)) }
    }

    /// Opens the wires, makes the protocols and starts them. `crossings` is asked at every edge that a message goes up.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(&self, crossings: Option<Box<dyn Crossings>>, now: Time) -> Result<Graph, BuildError> {
        let mut parts = Vec::new();
        for (at, planned) in self.nodes.iter().enumerate() {
            let node = check::node(at);
            let core = planned.kind.make(&Make { node, set: &planned.set }).map_err(|error| {
                let what = error.at(&planned.name, planned.span, &planned.set_at);
                Problems::new(&self.file, &self.text, vec![what])
            })?;
            let (name, below) = (planned.name.clone(), planned.below.clone());
            parts.push(Part { name, kind: planned.kind.name, core, below });
        }
        Graph::new(parts, self.numbers.clone(), crossings, now).map_err(|error| {
            let span = self.nodes.iter().find(|planned| planned.name == error.node).map(|planned| planned.span);
            let what = Diagnostic::new(span.unwrap_or(Span { line: 1, column: 1, width: 1 }), error.to_string());
            BuildError::Start { at: Box::new(Problems::new(&self.file, &self.text, vec![what])), error }
        })
    }

    /// Names of its protocols, from the bottom up, each with those of what is below it.
    pub fn names(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.nodes.iter().map(|planned| {
            let below = planned.below.iter().filter_map(|(node, _)| self.nodes.get(node.index()));
            (planned.name.as_str(), below.map(|below| below.name.as_str()).collect())
        })
    }

    /// A drawing of it, as an SVG document.
    #[must_use]
    pub fn draw(&self) -> String {
        draw::svg(self)
    }
}

#[cfg(test)]
mod tests;
