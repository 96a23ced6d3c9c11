//! From statements to a plan, with everything that can be wrong about them.

use std::collections::{BTreeMap, HashMap};

use super::diagnostic::{Diagnostic, Span, nearest};
use super::kinds::{Default, Kind, Kinds, Realm, Set, number};
use super::scan::{Item, Statement, Value, Word};
use super::{Plan, Planned};
use crate::crossings::Annotations;
use crate::protocol::Node;

/// What may be said of an edge, and with which words.
const ANNOTATIONS: &[(&str, &[&str])] = &[("handoff", &["explicit", "none"])];

const SECTIONS: [&str; 3] = ["wires", "protocols", "numbers"];

/// A statement that defines a node.
struct Definition<'a> {
    name: &'a Word,
    kind: Option<Kind>,
    items: &'a [Item],
    protocols: &'a [Value],
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
    for (at, definition) in definitions.iter().enumerate() {
        let below = references(definition, at, &definitions, &places, problems);
        let (set, set_at) = options(definition, problems);
        let Some(kind) = definition.kind.clone() else {
            // Its place is kept, so that numbers of others stay right; the plan is not used anyway.
            continue;
        };
        let (name, span) = (definition.name.text.clone(), definition.name.span);
        plan.nodes.push(Planned { name, span, kind, set, set_at, below });
    }
    // What follows needs every node in its place.
    if !problems.is_empty() {
        let _ = sections.get(2).map(|statements| numbers(plan, statements, kinds, None, problems));
        return;
    }
    check_realms(plan, &definitions, problems);
    if let Some(statements) = sections.get(2) {
        numbers(plan, statements, kinds, Some(&places), problems);
    }
    give_numbers(plan, kinds, &definitions, problems);
}

fn define<'a>(
    statement: &'a Statement,
    wires: bool,
    kinds: &Kinds,
    problems: &mut Vec<Diagnostic>,
) -> Option<Definition<'a>> {
    let (first, items) = statement.split_first()?;
    let [Value { word: name, .. }] = first.values.as_slice() else {
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
    Some(Definition { name, kind, items, protocols: protocols.map_or(&[], |item| item.values.as_slice()) })
}

/// What is below a definition, as far as it can be found.
fn references(
    definition: &Definition<'_>,
    at: usize,
    definitions: &[Definition<'_>],
    places: &HashMap<&str, usize>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(Node, Annotations)> {
    let mut below = Vec::new();
    for Value { word, annotations } in definition.protocols {
        let annotations = annotate(annotations, problems);
        match places.get(word.text.as_str()) {
            None => {
                let mut problem = Diagnostic::new(word.span, format!("nothing is called `{}`", word.text));
                problem.hint = nearest(&word.text, places.keys().copied()).map(|near| format!("there is `{near}`"));
                problems.push(problem);
            }
            Some(place) if *place >= at => problems.push(above(definition, word, *place, definitions, places)),
            Some(place) => below.push((Node(u16::try_from(*place).unwrap_or(u16::MAX)), annotations)),
        }
    }
    if let Some(kind) = &definition.kind
        && definition.protocols.len() != kind.below.len()
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
            Diagnostic::new(span, format!("`{}` has {} below", definition.name.text, definition.protocols.len()))
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
    let mut path = vec![place];
    if leads(place, &definition.name.text, definitions, places, &mut path) {
        let names = path.iter().filter_map(|at| definitions.get(*at)).map(|one| one.name.text.as_str());
        let names: Vec<&str> = [definition.name.text.as_str()].into_iter().chain(names).collect();
        return Diagnostic::new(word.span, format!("`{}` would be below itself", definition.name.text))
            .hint(format!("the cycle is {}", names.join(" over ")));
    }
    let line = definitions.get(place).map_or(0, |other| other.name.span.line);
    Diagnostic::new(word.span, format!("`{}` is defined only in line {line}", word.text))
        .hint("what is below comes first in the file")
}

/// Whether `name` is below `place`. `path` then says how.
fn leads(
    place: usize,
    name: &str,
    definitions: &[Definition<'_>],
    places: &HashMap<&str, usize>,
    path: &mut Vec<usize>,
) -> bool {
    let Some(definition) = definitions.get(place) else { return false };
    if definition.name.text == name {
        return true;
    }
    for below in definition.protocols.iter().filter_map(|value| places.get(value.word.text.as_str())) {
        if path.contains(below) {
            continue;
        }
        path.push(*below);
        if leads(*below, name, definitions, places, path) {
            return true;
        }
        path.pop();
    }
    false
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

/// Whether what is below each protocol does what it needs, and wires have one user each.
fn check_realms(plan: &Plan, definitions: &[Definition<'_>], problems: &mut Vec<Diagnostic>) {
    let mut users: HashMap<Node, &str> = HashMap::new();
    for (planned, definition) in plan.nodes.iter().zip(definitions) {
        let places = planned.kind.below.iter().zip(&planned.below).zip(definition.protocols);
        for ((need, (node, _)), value) in places {
            let realm = plan.realm(*node);
            let span = value.word.span;
            if !need.realms.contains(&realm) {
                let needs: Vec<&str> = need.realms.iter().map(|realm| realm.words()).collect();
                problems.push(
                    Diagnostic::new(span, format!("`{}` cannot be here: it {}", value.word.text, realm.words())).hint(
                        format!("`{}` needs as {} something that {}", planned.name, need.name, needs.join(" or ")),
                    ),
                );
            } else if realm == Realm::Frames
                && let Some(other) = users.insert(*node, &planned.name)
            {
                problems.push(
                    Diagnostic::new(span, format!("`{}` has `{other}` above it already", value.word.text))
                        .hint("the frames of a wire go to one protocol"),
                );
            }
        }
    }
}

/// The third section: `LOWER UPPER NUMBER;`, by name or by kind.
fn numbers(
    plan: &mut Plan,
    statements: &[Statement],
    kinds: &Kinds,
    places: Option<&HashMap<&str, usize>>,
    problems: &mut Vec<Diagnostic>,
) {
    for statement in statements {
        let [lower, upper, number_item] = statement.as_slice() else {
            if let Some(first) = statement.first() {
                problems.push(
                    Diagnostic::new(first.key.span, "a number is given in three words")
                        .hint("LOWER UPPER NUMBER, as `eth ip 0x0800;`"),
                );
            }
            continue;
        };
        let given = number(&number_item.key.text).and_then(|value| u32::try_from(value).ok());
        let Some(given) = given else {
            problems.push(Diagnostic::new(number_item.key.span, "this is no number"));
            continue;
        };
        let Some(places) = places else { continue };
        let mut nodes = |item: &Item| -> Vec<Node> {
            let text = item.key.text.as_str();
            let named = places.get(text).map(|at| vec![*at]);
            let found = named.unwrap_or_else(|| {
                plan.nodes.iter().enumerate().filter(|(_, one)| one.kind.name == text).map(|(at, _)| at).collect()
            });
            if found.is_empty() && kinds.get(text).is_none() {
                problems.push(Diagnostic::new(item.key.span, format!("nothing is called `{text}`")));
            }
            found.into_iter().map(|at| Node(u16::try_from(at).unwrap_or(u16::MAX))).collect()
        };
        let (lower, upper) = (nodes(lower), nodes(upper));
        for lower in &lower {
            plan.numbers.extend(upper.iter().map(|upper| ((*lower, *upper), given)));
        }
    }
}

/// Gives the usual numbers where the file gives none, and looks for those that are missing or given twice.
fn give_numbers(plan: &mut Plan, kinds: &Kinds, definitions: &[Definition<'_>], problems: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(Node, u32), Node> = HashMap::new();
    for at in 0..plan.nodes.len() {
        let upper = Node(u16::try_from(at).unwrap_or(u16::MAX));
        let (Some(planned), Some(definition)) = (plan.nodes.get(at), definitions.get(at)) else { continue };
        if passes_on(planned) {
            continue;
        }
        let mut given = Vec::new();
        for ((below, _), value) in planned.below.iter().zip(definition.protocols) {
            let mut lowers = Vec::new();
            real_lowers(plan, *below, &mut lowers);
            for lower in lowers {
                let Some(one) = plan.nodes.get(lower.index()).filter(|one| one.kind.numbers) else { continue };
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
}

/// Whether it opens below in the name of those above.
fn passes_on(planned: &Planned) -> bool {
    planned.kind.realm == Realm::Same || planned.kind.name == "vsize"
}

/// What is below `node` once relays are looked through.
fn real_lowers(plan: &Plan, node: Node, into: &mut Vec<Node>) {
    match plan.nodes.get(node.index()) {
        Some(planned) if passes_on(planned) => {
            planned.below.iter().for_each(|(below, _)| real_lowers(plan, *below, into));
        }
        _ => into.push(node),
    }
}
