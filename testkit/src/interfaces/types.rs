//! Made-up types, by what can be done with them: items of slices, fixed ones, any, and those that serde knows.

use std::fmt::Write as _;

use crate::random::Random;

pub(super) struct Maker {
    random: Random,
    /// Size and alignment of each plain struct.
    plains: Vec<(usize, usize)>,
    /// Names of fixed types.
    fixed: Vec<String>,
    /// Names of those that can be out parameters.
    with_default: Vec<String>,
    wires: usize,
    serdes: usize,
    /// The slowest way that the next types may travel.
    pub(super) up_to: Path,
}

/// As `nearcall::Layout` has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Path {
    Line,
    Frame,
    Conventional,
    Serde,
}

const INTEGERS: [(&str, usize); 10] = [
    ("u8", 1),
    ("u16", 2),
    ("u32", 4),
    ("u64", 8),
    ("u128", 16),
    ("i8", 1),
    ("i16", 2),
    ("i32", 4),
    ("i64", 8),
    ("i128", 16),
];

impl Maker {
    pub(super) const fn new(random: Random) -> Self {
        Self {
            random,
            plains: Vec::new(),
            fixed: Vec::new(),
            with_default: Vec::new(),
            wires: 0,
            serdes: 0,
            up_to: Path::Serde,
        }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(u64::try_from(bound).expect("small"))).expect("below a usize")
    }

    pub(super) fn one_of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[self.below(names.len())]
    }

    /// The declarations, each type made of those before it.
    pub(super) fn types(&mut self) -> String {
        let mut text = String::new();
        for n in 0..6 {
            text += &self.plain_struct(n);
        }
        for n in 0..8 {
            let fields = |maker: &mut Self| maker.fixed(1);
            let declaration = self.declare(&format!("F{n}"), "#[derive(nearcall::Wire)] ", fields);
            text += &declaration;
            self.fixed.push(format!("F{n}"));
            if declaration.contains("enum") {
                let _ = writeln!(text, "impl Default for F{n} {{ fn default() -> Self {{ Self::V0 {{}} }} }}");
                self.with_default.push(format!("F{n}"));
            }
        }
        for n in 0..16 {
            let name = format!("W{n}");
            let own = name.clone();
            let fields = move |maker: &mut Self| maker.field(&own);
            text += &self.declare(&name, "#[derive(nearcall::Wire)] ", fields);
            self.wires = n + 1;
        }
        for n in 0..5 {
            let name = format!("T{n}");
            let own = name.clone();
            let fields = move |maker: &mut Self| match maker.below(6) {
                0 => format!("Vec<{own}>"),
                1 => format!("Option<Box<{own}>>"),
                _ => maker.by_serde(1),
            };
            text += &self.declare(&name, "#[derive(serde::Serialize, serde::Deserialize)] ", fields);
            self.serdes = n + 1;
        }
        text
    }

    /// A field of the type `own`, which may contain itself.
    fn field(&mut self, own: &str) -> String {
        match self.below(8) {
            0 => format!("Vec<{own}>"),
            1 => format!("Option<Box<{own}>>"),
            2 => format!("Vec<(u8, {own})>"),
            3 => format!("Option<{}>", self.any(2)),
            _ => self.any(2),
        }
    }

    /// Structs without padding: by falling alignment, and bytes to fill the last word.
    fn plain_struct(&mut self, n: usize) -> String {
        let mut fields: Vec<(String, usize, usize)> = (0..=self.below(4)).map(|_| self.plain_sized(1)).collect();
        fields.sort_by_key(|&(_, _, align)| std::cmp::Reverse(align));
        let align = fields[0].2;
        let size: usize = fields.iter().map(|&(_, size, _)| size).sum();
        let rest = size.next_multiple_of(align) - size;
        let mut text = String::new();
        for (i, (name, ..)) in fields.iter().enumerate() {
            let _ = write!(text, "f{i}: {name}, ");
        }
        if rest > 0 {
            let _ = write!(text, "rest: [u8; {rest}], ");
        }
        self.plains.push((size + rest, align));
        format!("plain! {{ struct P{n} {{ {text}}} }}\n")
    }

    /// A struct or an enum. The first variant of an enum is where a value can end.
    fn declare(&mut self, name: &str, attr: &str, mut field: impl FnMut(&mut Self) -> String) -> String {
        let mut fields = |maker: &mut Self, least: usize, text: &mut String| {
            for i in 0..least + maker.below(4) {
                let _ = write!(text, "f{i}: {}, ", field(maker));
            }
        };
        let mut text = String::new();
        if self.below(2) == 0 {
            fields(self, 1, &mut text);
            return format!("value! {{ {attr}struct {name} {{ {text}}} }}\n");
        }
        let reprs = ["", "#[repr(u8)] ", "#[repr(i16)] ", "#[repr(u64)] "];
        let repr = if attr.contains("Wire") { self.one_of(&reprs) } else { "" };
        text += "V0 {}, ";
        let mut next = 1;
        for v in 1..2 + self.below(4) {
            let _ = write!(text, "V{v} {{ ");
            fields(self, 0, &mut text);
            text += "} ";
            if !repr.is_empty() && self.below(2) == 0 {
                next += self.below(20);
                let _ = write!(text, "= {next} ");
            }
            next += 1;
            text += ", ";
        }
        format!("value! {{ {attr}{repr}enum {name} {{ {text}}} }}\n")
    }

    /// What slices are made of: the name, bytes, alignment.
    fn plain_sized(&mut self, depth: usize) -> (String, usize, usize) {
        let scalar = |maker: &mut Self| match maker.below(12) {
            10 => ("f32".to_owned(), 4, 4),
            11 => ("f64".to_owned(), 8, 8),
            n => (INTEGERS[n].0.to_owned(), INTEGERS[n].1, INTEGERS[n].1),
        };
        match self.below(5) {
            0 if depth > 0 => {
                let (name, size, align) = self.plain_sized(depth - 1);
                let count = 1 + self.below(4);
                (format!("[{name}; {count}]"), size * count, align)
            }
            1 if !self.plains.is_empty() => {
                let n = self.below(self.plains.len());
                (format!("P{n}"), self.plains[n].0, self.plains[n].1)
            }
            _ => scalar(self),
        }
    }

    pub(super) fn plain(&mut self) -> String {
        self.plain_sized(1).0
    }

    /// A type of fixed size.
    pub(super) fn fixed(&mut self, depth: usize) -> String {
        let inner = depth.saturating_sub(1);
        match self.below(if depth == 0 { 3 } else { 9 }) {
            0 => self.one_of(&["bool", "char", "()"]).to_owned(),
            1 => self.plain_sized(0).0,
            2 if !self.fixed.is_empty() => {
                let n = self.below(self.fixed.len());
                self.fixed[n].clone()
            }
            3 => format!("Option<{}>", self.fixed(inner)),
            4 => format!("Result<{}, {}>", self.fixed(inner), self.fixed(inner)),
            5 => format!("[{}; {}]", self.fixed(inner), self.below(4)),
            6 => self.tuple(|maker| maker.fixed(inner)),
            _ => INTEGERS[self.below(INTEGERS.len())].0.to_owned(),
        }
    }

    /// A type that an out parameter can have: the server begins with its default.
    pub(super) fn fixed_with_default(&mut self) -> String {
        match self.below(6) {
            0 if !self.with_default.is_empty() => {
                let n = self.below(self.with_default.len());
                self.with_default[n].clone()
            }
            1 => format!("Option<{}>", self.fixed(1)),
            2 => format!("[{}; {}]", self.one_of(&["bool", "u8", "u32", "i64", "f64"]), self.below(4)),
            3 => self.tuple(|maker| maker.one_of(&["bool", "char", "u8", "i64", "f32"]).to_owned()),
            _ => self.one_of(&["()", "bool", "char", "u16", "i32", "u128", "f64"]).to_owned(),
        }
    }

    fn tuple(&mut self, mut item: impl FnMut(&mut Self) -> String) -> String {
        let items: Vec<_> = (0..1 + self.below(4)).map(|_| item(self)).collect();
        format!("({},)", items.join(", "))
    }

    /// A type of which a few fit a line.
    pub(super) fn small(&mut self) -> String {
        match self.below(4) {
            0 => format!("Option<{}>", self.one_of(&["bool", "char", "u16"])),
            1 => format!("({}, {})", self.one_of(&["bool", "i8", "()"]), self.one_of(&["u8", "u16", "u32"])),
            2 => self.one_of(&["bool", "char", "()", "f32"]).to_owned(),
            _ => self.one_of(&["u8", "i16", "u32", "i64"]).to_owned(),
        }
    }

    /// Any type that travels.
    pub(super) fn any(&mut self, depth: usize) -> String {
        let inner = depth.saturating_sub(1);
        match self.up_to {
            Path::Line => return self.small(),
            Path::Frame => {
                return match self.below(3) {
                    0 => "String".to_owned(),
                    1 => format!("Vec<{}>", self.fixed(0)),
                    _ => self.fixed(1),
                };
            }
            Path::Conventional | Path::Serde => {}
        }
        match self.below(if depth == 0 { 4 } else { 10 }) {
            0 => "String".to_owned(),
            1 if self.wires > 0 => format!("W{}", self.below(self.wires)),
            4 => format!("Vec<{}>", self.any(inner)),
            5 => format!("Option<{}>", self.any(inner)),
            6 => format!("Box<{}>", self.any(inner)),
            7 => self.tuple(|maker| maker.any(inner)),
            8 => format!("[{}; {}]", self.any(inner), self.below(3)),
            _ => self.fixed(1),
        }
    }

    /// Any type with serde's traits.
    pub(super) fn by_serde(&mut self, depth: usize) -> String {
        let inner = depth.saturating_sub(1);
        match self.below(if depth == 0 { 4 } else { 7 }) {
            0 => self.one_of(&["bool", "char", "String", "f64", "std::time::Duration"]).to_owned(),
            1 if self.serdes > 0 => format!("T{}", self.below(self.serdes)),
            4 => format!("std::collections::BTreeMap<String, {}>", self.by_serde(inner)),
            5 => format!("Vec<{}>", self.by_serde(inner)),
            6 => format!("Option<{}>", self.by_serde(inner)),
            _ => INTEGERS[self.below(INTEGERS.len())].0.to_owned(),
        }
    }
}
