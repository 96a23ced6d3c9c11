//! From statements to a plan, with everything that can be wrong about them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::diagnostic::{Diagnostic, Span, nearest};
use super::kinds::{Default, Kind, Kinds, Make, Realm, Set, number};
use super::scan::{Item, Statement, Value, Word};
use super::{Plan, Planned};
use crate::crossings::Annotations;
use crate::protocol::Node;

/// What may be said of an edge, and with which words.
const ANNOTATIONS: &[(&str, &[&str])] = &[("handoff", &["explicit", "none"])];

const SECTIONS: [&str; 3] = ["wires", "protocols", "numbers"];

/// Protocols at most: so that whatever is looked for among them, and above and below them, is soon found.
const NODE_COUNT: usize = 1024;

/// A statement that defines a node.
struct Definition<'a> {
    name: &'a Word,
    kind: Option<Kind>,
    items: &'a [Item],
    /// What is below, with at most one more than there may be.
    protocols: &'a [Value],
    /// As many as there are.
    protocol_count: usize,
}

/// What is below each node, in the places of its kind, as far as it was found.
type Edges = Vec<Vec<Option<Node>>>;

pub(super) fn node(at: usize) -> Node {
    Node(u16::try_from(at).unwrap_or(u16::MAX))
}

pub(super) fn fill(plan: &mut Plan, sections: &[Vec<Statement>], kinds: &Kinds, problems: &mut Vec<Diagnostic>) {
    for extra in sections.iter().skip(SECTIONS.len()).flatten().filter_map(|statement| statement.first()) {
        problems.push(
            Diagnostic::new(extra.key.span, "there is no fourth section")
                .hint("the sections are wires, protocols and numbers"),
        );
    }
    let mut definitions = Vec::new();
    for (section, statements) in sections.iter().enumerate().take(2) {
        for statement in statements {
            definitions.extend(define(statement, section == 0, kinds, problems));
        }
    }
    if let Some(one) = definitions.get(NODE_COUNT) {
        problems.push(Diagnostic::new(one.name.span, format!("a graph has at most {NODE_COUNT} protocols")));
        return;
    }
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, definition) in definitions.iter().enumerate() {
        let name = definition.name;
        if let Some(first) = places.get(name.text.as_str()).and_then(|at| definitions.get(*at)) {
            let line = first.name.span.line;
            problems.push(
                Diagnostic::new(name.span, format!("`{}` is defined twice; first in line {line}", name.text))
                    .hint(format!("another instance has another name: `{}/2`", name.text)),
            );
        } else {
            places.insert(&name.text, at);
        }
    }
    let mut edges = Edges::new();
    for (at, definition) in definitions.iter().enumerate() {
        let below = references(definition, at, &definitions, &places, problems);
        edges.push(below.iter().map(|edge| edge.as_ref().map(|(node, _)| *node)).collect());
        let said = problems.len();
        let (set, set_at) = options(definition, problems);
        // Who has no kind keeps its place, and nothing is said of what it is above or below.
        let kind = definition.kind.clone().unwrap_or_else(Kind::unknown);
        let (name, span) = (definition.name.text.clone(), definition.name.span);
        if problems.len() == said
            && let Err(error) = kind.look_at(&Make { node: node(at), set: &set })
        {
            problems.push(error.at(&name, span, &set_at));
        }
        plan.nodes.push(Planned { name, span, kind, set, set_at, below: below.into_iter().flatten().collect() });
    }
    check_realms(plan, &definitions, &edges, problems);
    let given = sections.get(2).map(|statements| numbers(plan, statements, &places, problems)).unwrap_or_default();
    let used = give_numbers(plan, kinds, &definitions, &edges, problems);
    // What is missing may be what a number is for.
    if problems.is_empty() {
        for (span, edges) in given {
            if edges.iter().all(|edge| !used.contains(edge)) {
                problems.push(Diagnostic::new(span, "no protocol of the first name has one of the second above it"));
            }
        }
    }
    check_ports(plan, &edges, problems);
}

fn define<'a>(
    statement: &'a Statement,
    wires: bool,
    kinds: &Kinds,
    problems: &mut Vec<Diagnostic>,
) -> Option<Definition<'a>> {
    let (first, items) = statement.split_first()?;
    let [Value { word: name, annotations }] = first.values.as_slice() else {
        problems.push(
            Diagnostic::new(first.key.span, "a statement begins with the name of a protocol")
                .hint("name=KIND or name=KIND/INSTANCE"),
        );
        return None;
    };
    if first.key.text != "name" {
        problems.push(
            Diagnostic::new(first.key.span, "a statement begins with the name of a protocol")
                .hint("name=KIND or name=KIND/INSTANCE"),
        );
    }
    if let Some((key, _)) = annotations.first() {
        problems.push(Diagnostic::new(key.span, "only edges have annotations"));
    }
    let word = name.text.split('/').next().unwrap_or(&name.text);
    let kind = kinds.get(word).cloned();
    let protocols = items.iter().find(|item| item.key.text == "protocols");
    match &kind {
        None => {
            let mut problem = Diagnostic::new(name.span, format!("there is no protocol `{word}`"));
            problem.hint = Some(match nearest(word, kinds.iter().map(|kind| kind.name)) {
                Some(near) => format!("there is `{near}`"),
                None => format!("there are {}", kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")),
            });
            problems.push(problem);
        }
        Some(kind) if kind.is_wire() != wires => {
            let (is, belongs) = if wires { ("no wire", SECTIONS[1]) } else { ("a wire", SECTIONS[0]) };
            problems.push(
                Diagnostic::new(name.span, format!("`{word}` is {is}"))
                    .hint(format!("it belongs into the section of {belongs}; `@;` stands between sections")),
            );
        }
        Some(_) => {}
    }
    let all = protocols.map_or(&[][..], |item| item.values.as_slice());
    let most = kind.as_ref().map_or(2, |kind| kind.below.len()) + 1;
    Some(Definition { name, kind, items, protocols: all.get(..most).unwrap_or(all), protocol_count: all.len() })
}

/// What is below a definition, in its places, as far as it can be found.
fn references(
    definition: &Definition<'_>,
    at: usize,
    definitions: &[Definition<'_>],
    places: &HashMap<&str, usize>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Option<(Node, Annotations)>> {
    let mut below = Vec::new();
    for Value { word, annotations } in definition.protocols {
        let annotations = annotate(annotations, problems);
        below.push(match places.get(word.text.as_str()) {
            None => {
                let mut problem = Diagnostic::new(word.span, format!("nothing is called `{}`", word.text));
                problem.hint = nearest(&word.text, places.keys().copied()).map(|near| format!("there is `{near}`"));
                problems.push(problem);
                None
            }
            Some(place) if *place >= at => {
                problems.push(above(definition, word, *place, definitions, places));
                None
            }
            Some(place) => Some((node(*place), annotations)),
        });
    }
    if let Some(kind) = &definition.kind
        && definition.protocol_count != kind.below.len()
    {
        let needs: Vec<&str> = kind.below.iter().map(|below| below.name).collect();
        let what = match needs.as_slice() {
            [] => "it is a wire, which has nothing below it".to_owned(),
            needs => format!("it needs {} below: {}", needs.len(), needs.join(", ")),
        };
        let span = match definition.protocols.get(kind.below.len()) {
            Some(extra) => extra.word.span,
            None => definition.name.span,
        };
        problems.push(
            Diagnostic::new(span, format!("`{}` has {} below", definition.name.text, definition.protocol_count))
                .hint(what),
        );
    }
    below
}

/// What is wrong with having below what is defined further down: a cycle, or only the order.
fn above(
    definition: &Definition<'_>,
    word: &Word,
    place: usize,
    definitions: &[Definition<'_>],
    places: &HashMap<&str, usize>,
) -> Diagnostic {
    let own = places.get(definition.name.text.as_str()).copied().unwrap_or(usize::MAX);
    if let Some(path) = path(place, own, definitions, places) {
        let names = path.iter().filter_map(|at| definitions.get(*at)).map(|one| one.name.text.as_str());
        let names: Vec<&str> = [definition.name.text.as_str()].into_iter().chain(names).collect();
        return Diagnostic::new(word.span, format!("`{}` would be below itself", definition.name.text))
            .hint(format!("the cycle is {}", names.join(" over ")));
    }
    let line = definitions.get(place).map_or(0, |other| other.name.span.line);
    Diagnostic::new(word.span, format!("`{}` is defined only in line {line}", word.text))
        .hint("what is below comes first in the file")
}

/// How one gets from `from` down to `to`, with both. Nobody is asked twice, however many ways there are.
fn path(from: usize, to: usize, definitions: &[Definition<'_>], places: &HashMap<&str, usize>) -> Option<Vec<usize>> {
    let (mut above, mut next) = (HashMap::from([(from, from)]), vec![from]);
    while let Some(at) = next.pop() {
        if at == to {
            let up = |at: &usize| above.get(at).copied().filter(|_| *at != from);
            let mut path: Vec<usize> = core::iter::successors(Some(to), up).collect();
            path.reverse();
            return Some(path);
        }
        let protocols = definitions.get(at).map_or(&[][..], |definition| definition.protocols);
        for below in protocols.iter().filter_map(|value| places.get(value.word.text.as_str())) {
            if let Entry::Vacant(entry) = above.entry(*below) {
                entry.insert(at);
                next.push(*below);
            }
        }
    }
    None
}

fn annotate(annotations: &[(Word, Word)], problems: &mut Vec<Diagnostic>) -> Annotations {
    let mut known = BTreeMap::new();
    for (key, value) in annotations {
        match ANNOTATIONS.iter().find(|(name, _)| *name == key.text) {
            None => {
                let names: Vec<&str> = ANNOTATIONS.iter().map(|(name, _)| *name).collect();
                problems.push(
                    Diagnostic::new(key.span, format!("an edge has no annotation `{}`", key.text))
                        .hint(format!("it may have {}", names.join(", "))),
                );
            }
            Some((name, words)) if !words.contains(&value.text.as_str()) => problems.push(Diagnostic::new(
                value.span,
                format!("`{name}` is one of {}, not `{}`", words.join(", "), value.text),
            )),
            Some(_) if known.contains_key(&key.text) => {
                problems.push(Diagnostic::new(key.span, format!("`{}` is said twice", key.text)));
            }
            Some(_) => {
                known.insert(key.text.clone(), value.text.clone());
            }
        }
    }
    known
}

fn options(
    definition: &Definition<'_>,
    problems: &mut Vec<Diagnostic>,
) -> (BTreeMap<&'static str, Set>, BTreeMap<&'static str, Span>) {
    let (mut set, mut set_at) = (BTreeMap::new(), BTreeMap::new());
    let Some(kind) = &definition.kind else { return (set, set_at) };
    let mut protocols = false;
    for item in definition.items {
        if item.key.text == "protocols" {
            if core::mem::replace(&mut protocols, true) {
                problems.push(Diagnostic::new(item.key.span, "`protocols` is said twice"));
            }
            continue;
        }
        let Some(setting) = kind.settings.iter().find(|setting| setting.name == item.key.text) else {
            let mut problem =
                Diagnostic::new(item.key.span, format!("`{}` has no option `{}`", kind.name, item.key.text));
            let names = || kind.settings.iter().map(|setting| setting.name);
            problem.hint = Some(match nearest(&item.key.text, names()) {
                Some(near) => format!("there is `{near}`"),
                None if kind.settings.is_empty() => "it has none".to_owned(),
                None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
            });
            problems.push(problem);
            continue;
        };
        let texts: Vec<&str> = item.values.iter().map(|value| value.word.text.as_str()).collect();
        let span = item.values.first().map_or(item.key.span, |value| value.word.span);
        if let Some((key, _)) = item.values.iter().find_map(|value| value.annotations.first()) {
            problems.push(Diagnostic::new(key.span, "only edges have annotations"));
        }
        match setting.sort.parse(&texts).filter(|_| !texts.is_empty()) {
            None => problems.push(Diagnostic::new(span, format!("`{}` is {}", setting.name, setting.sort.words()))),
            Some(_) if set.contains_key(setting.name) => {
                problems.push(Diagnostic::new(item.key.span, format!("`{}` is said twice", setting.name)));
            }
            Some(value) => {
                set.insert(setting.name, value);
                set_at.insert(setting.name, span);
            }
        }
    }
    for setting in kind.settings.iter().filter(|setting| !set_at.contains_key(setting.name)) {
        match setting.default {
            Default::Absent => {}
            Default::Is(text) => set.extend(setting.sort.parse(&[text]).map(|value| (setting.name, value))),
            // It may be there and wrong, which was said.
            Default::Required if definition.items.iter().any(|item| item.key.text == setting.name) => {}
            Default::Required => problems.push(
                Diagnostic::new(definition.name.span, format!("`{}` needs the option `{}`", kind.name, setting.name))
                    .hint(format!("it is {}", setting.sort.words())),
            ),
        }
    }
    (set, set_at)
}

/// What each node does for those above it, with relays looked through.
fn realms(definitions: &[Definition<'_>], edges: &Edges) -> Vec<Option<Realm>> {
    // What is below has its realm already.
    let mut realms: Vec<Option<Realm>> = Vec::new();
    for (definition, below) in definitions.iter().zip(edges) {
        realms.push(match definition.kind.as_ref().map(|kind| kind.realm) {
            Some(Realm::Same) => {
                let first = below.first().copied().flatten();
                first.and_then(|first| realms.get(first.index()).copied().flatten())
            }
            realm => realm,
        });
    }
    realms
}

/// Whether what is below each protocol does what it needs, and wires have one user each.
fn check_realms(plan: &Plan, definitions: &[Definition<'_>], edges: &Edges, problems: &mut Vec<Diagnostic>) {
    let realms = realms(definitions, edges);
    let mut users: HashMap<Node, &str> = HashMap::new();
    for ((planned, definition), below) in plan.nodes.iter().zip(definitions).zip(edges) {
        let places = planned.kind.below.iter().zip(below).zip(definition.protocols);
        for ((need, node), value) in places {
            let Some(node) = *node else { continue };
            let Some(realm) = realms.get(node.index()).copied().flatten() else { continue };
            let span = value.word.span;
            if !need.realms.contains(&realm) {
                let needs: Vec<&str> = need.realms.iter().map(|realm| realm.words()).collect();
                problems.push(
                    Diagnostic::new(span, format!("`{}` cannot be here: it {}", value.word.text, realm.words())).hint(
                        format!("`{}` needs as {} something that {}", planned.name, need.name, needs.join(" or ")),
                    ),
                );
            } else if realm == Realm::Frames
                && let Some(other) = users.insert(node, &planned.name)
            {
                problems.push(
                    Diagnostic::new(span, format!("`{}` has `{other}` above it already", value.word.text))
                        .hint("the frames of a wire go to one protocol"),
                );
            }
        }
    }
}

/// The third section: `LOWER UPPER NUMBER;`, by name or by kind. Returns of each statement for which edges it is.
fn numbers(
    plan: &mut Plan,
    statements: &[Statement],
    places: &HashMap<&str, usize>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(Span, Vec<(Node, Node)>)> {
    let mut all = Vec::new();
    for statement in statements {
        let [lower, upper, number_item] = statement.as_slice() else {
            problems.extend(statement.first().map(|first| three_words(first.key.span)));
            continue;
        };
        if let Some(valued) = statement.iter().find(|item| !item.values.is_empty()) {
            problems.push(three_words(valued.key.span));
            continue;
        }
        let given = number(&number_item.key.text).and_then(|value| u32::try_from(value).ok());
        let Some(given) = given else {
            problems.push(Diagnostic::new(number_item.key.span, "this is no number"));
            continue;
        };
        let nodes = |item: &Item| -> Vec<Node> {
            let text = item.key.text.as_str();
            let is_meant = |(at, one): (usize, &Planned)| (one.kind.name == text).then_some(node(at));
            match places.get(text) {
                Some(at) => vec![node(*at)],
                None => plan.nodes.iter().enumerate().filter_map(is_meant).collect(),
            }
        };
        let (lowers, uppers) = (nodes(lower), nodes(upper));
        for (item, found) in [(lower, &lowers), (upper, &uppers)] {
            if found.is_empty() {
                problems.push(Diagnostic::new(item.key.span, format!("nothing is called `{}`", item.key.text)));
            }
        }
        let kind = lowers.first().and_then(|lower| plan.nodes.get(lower.index())).map(|planned| &planned.kind);
        match kind.filter(|kind| !kind.name.is_empty()).map(|kind| kind.numbers) {
            Some(None) => {
                let what = format!("`{}` tells nobody above it apart by numbers", lower.key.text);
                problems.push(Diagnostic::new(lower.key.span, what));
            }
            Some(Some((min, max))) if !(min..=max).contains(&given) => {
                let what = format!("above `{}` there are numbers from {min} to {max}", lower.key.text);
                problems.push(Diagnostic::new(number_item.key.span, what));
            }
            _ => {}
        }
        let pairs = lowers.iter().flat_map(|lower| uppers.iter().map(|upper| (*lower, *upper)));
        let pairs: Vec<(Node, Node)> = pairs.collect();
        let mut is_new = true;
        for pair in &pairs {
            is_new &= plan.numbers.insert(*pair, given).is_none();
        }
        if !is_new {
            let what = format!("`{}` has a number above `{}` already", upper.key.text, lower.key.text);
            problems.push(Diagnostic::new(number_item.key.span, what));
        }
        all.push((lower.key.span, pairs));
    }
    all
}

fn three_words(span: Span) -> Diagnostic {
    Diagnostic::new(span, "a number is given in three words").hint("LOWER UPPER NUMBER, as `eth ip 0x0800;`")
}

/// Gives the usual numbers where the file gives none, and looks for those that are missing or given twice. Returns the edges that
/// have one.
fn give_numbers(
    plan: &mut Plan,
    kinds: &Kinds,
    definitions: &[Definition<'_>],
    edges: &Edges,
    problems: &mut Vec<Diagnostic>,
) -> HashSet<(Node, Node)> {
    let mut taken: HashMap<(Node, u32), Node> = HashMap::new();
    let mut used = HashSet::new();
    for (at, (definition, below)) in definitions.iter().zip(edges).enumerate() {
        let upper = node(at);
        let Some(planned) = plan.nodes.get(at).filter(|planned| !passes_on(planned)) else { continue };
        if definition.kind.is_none() {
            continue;
        }
        let mut given = Vec::new();
        for (below, value) in below.iter().zip(definition.protocols) {
            for lower in below.map(|below| real_lowers(plan, below)).unwrap_or_default() {
                let Some(one) = plan.nodes.get(lower.index()).filter(|one| one.kind.numbers.is_some()) else {
                    continue;
                };
                used.insert((lower, upper));
                let usual = kinds.number(one.kind.name, planned.kind.name);
                let Some(number) = plan.numbers.get(&(lower, upper)).copied().or(usual) else {
                    problems.push(
                        Diagnostic::new(
                            value.word.span,
                            format!("`{}` has no number above `{}`", planned.name, one.name),
                        )
                        .hint(format!("give it one in the third section: `{} {} NUMBER;`", one.name, planned.name)),
                    );
                    continue;
                };
                match taken.insert((lower, number), upper) {
                    Some(other) if other != upper => {
                        let other = plan.nodes.get(other.index()).map_or("", |other| &other.name);
                        problems.push(
                            Diagnostic::new(
                                value.word.span,
                                format!("`{}` and `{other}` have the same number above `{}`", planned.name, one.name),
                            )
                            .hint(format!(
                                "give it another in the third section: `{} {} NUMBER;`",
                                one.name, planned.name
                            )),
                        );
                    }
                    _ => given.push(((lower, upper), number)),
                }
            }
        }
        plan.numbers.extend(given);
    }
    used
}

/// Whether those that listen where there are ports say at which, each at its own.
fn check_ports(plan: &Plan, edges: &Edges, problems: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(Node, u64), &str> = HashMap::new();
    for (planned, below) in plan.nodes.iter().zip(edges) {
        if !planned.kind.settings.iter().any(|setting| setting.name == "port") {
            continue;
        }
        let lowers = below.iter().flatten().flat_map(|below| real_lowers(plan, *below));
        for lower in lowers {
            let Some(one) = plan.nodes.get(lower.index()).filter(|one| one.kind.ports) else { continue };
            let span = planned.set_at.get("port").copied().unwrap_or(planned.span);
            match planned.set.get("port") {
                Some(Set::Count(port)) => {
                    if let Some(other) = taken.insert((lower, *port), &planned.name) {
                        let what = format!("`{}` and `{other}` have the same port above `{}`", planned.name, one.name);
                        problems.push(Diagnostic::new(span, what));
                    }
                }
                _ => problems.push(
                    Diagnostic::new(
                        span,
                        format!("`{}` needs the option `port` above `{}`", planned.kind.name, one.name),
                    )
                    .hint("there it listens at one"),
                ),
            }
        }
    }
}

/// Whether it opens below in the name of those above.
fn passes_on(planned: &Planned) -> bool {
    planned.kind.realm == Realm::Same || planned.kind.name == "vsize"
}

/// What is below `node` once relays are looked through. Nobody is looked at twice, however many ways there are.
fn real_lowers(plan: &Plan, node: Node) -> Vec<Node> {
    let (mut seen, mut next, mut real) = (HashSet::from([node]), vec![node], Vec::new());
    while let Some(node) = next.pop() {
        match plan.nodes.get(node.index()).filter(|planned| passes_on(planned)) {
            Some(planned) => {
                next.extend(planned.below.iter().map(|(below, _)| *below).filter(|below| seen.insert(*below)))
            }
            None => real.push(node),
        }
    }
    real
}
