//! Random interfaces, by a grammar: texts that compile, and the same with a mistake.
//!
//! Deterministic: a seed makes the same text everywhere.

use std::fmt::Write;

/// Numbers that look random (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % u64::try_from(end).unwrap_or(1).max(1)).unwrap_or(0)
    }

    /// Once in `of` times.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// One of `choices`.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

const SCALARS: &[&str] = &[
    "boolean",
    "char",
    "octet",
    "small",
    "short",
    "unsigned short",
    "int",
    "long",
    "unsigned long",
    "hyper",
    "unsigned hyper",
    "long long",
    "unsigned long long",
    "float",
    "double",
    "wchar",
    "uint8_t",
    "int64_t",
    "uint128",
    "unsigned",
];
const NUMBERS: &[&str] = &["octet", "short", "int", "unsigned long", "hyper", "float", "double", "uint16_t"];
const COUNTS: &[&str] = &["int", "unsigned long", "short", "unsigned hyper", "octet"];

/// What a generated type is good for.
#[derive(Debug, Clone)]
struct Known {
    name: String,
    is_exception: bool,
    /// How many values it has, if it is an enum.
    values: usize,
    is_plain: bool,
    /// Fields of varying size are in it.
    varies: bool,
    /// Bytes at most, if it is fixed.
    size: usize,
}

/// One text while it grows.
struct Text<'r> {
    random: &'r mut Random,
    out: String,
    types: Vec<Known>,
    consts: Vec<String>,
    next: usize,
}

/// A text that compiles.
#[must_use]
pub fn good(random: &mut Random) -> String {
    let mut text = Text { random, out: String::new(), types: Vec::new(), consts: Vec::new(), next: 0 };
    for _ in 0..text.random.below(4) {
        text.constant();
    }
    for _ in 0..text.random.below(6) {
        text.definition();
    }
    let interfaces = 1 + text.random.below(3);
    for i in 0..interfaces {
        text.interface(i);
    }
    text.out
}

/// A text with a mistake in it, or several; rarely, what was changed makes no difference.
#[must_use]
pub fn broken(random: &mut Random) -> String {
    const WRONG: &[&str] = &[
        "[frobnicate]",
        "unsigned float",
        "sequence<",
        "size_is(nobody)",
        "struct {",
        "}",
        ";;)",
        "\"open",
        "/*",
        "'ab'",
        "[in, in]",
        "void *p",
        "1/0",
        "enum e {}",
        "union u { long a; };",
        "interface {}",
        "case 5:",
        "uuid(1)",
        "0x",
        "\u{e9}",
        "#include <x>",
        "typedef a a;",
        "oneway",
        "raises",
        "timeout(5)",
        "string<0>",
        "long long long",
        "[size_is(n*4)]",
        "**",
        "99999999999999999999999999999999999999999999",
    ];
    let mut text = good(random);
    for _ in 0..1 + random.below(3) {
        let spaces: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
        if spaces.is_empty() {
            return text;
        }
        let at = spaces[random.below(spaces.len())];
        let end = spaces.iter().copied().find(|end| *end > at).unwrap_or(text.len());
        match random.below(4) {
            0 => text.insert_str(at, &format!(" {}", random.pick(WRONG))),
            1 => text.replace_range(at..end, &format!(" {}", random.pick(WRONG))),
            2 => text.replace_range(at..end, ""),
            _ => {
                let again = text[at..end].to_owned();
                text.insert_str(at, &again);
            }
        }
    }
    text
}

impl Text<'_> {
    fn name(&mut self, of: &str) -> String {
        self.next += 1;
        match self.random.below(4) {
            0 => format!("{of}_{}", self.next),
            1 => format!("{}{}", of.to_uppercase(), self.next),
            2 => format!("{of}{}_x", self.next),
            _ => format!("{of}{}", self.next),
        }
    }

    fn comment(&mut self) {
        match self.random.below(8) {
            0 => self.out.push_str("/// Documented, with `code`.\n"),
            1 => self.out.push_str("/** In a\n * block. */\n"),
            2 => self.out.push_str("// Not kept.\n"),
            3 => self.out.push_str("/* Nor\n this. */\n"),
            _ => {}
        }
    }

    fn constant(&mut self) {
        self.comment();
        let name = self.name("c");
        let number = self.random.below(9) + 1;
        match self.random.below(7) {
            0 => writeln!(self.out, "const string {name} = \"text \\\"{number}\\\"\";"),
            1 => writeln!(self.out, "const double {name} = -{number}.5e-{number};"),
            2 => writeln!(self.out, "const boolean {name} = TRUE;"),
            3 => writeln!(self.out, "const octet {name} = '{number}';"),
            4 => writeln!(self.out, "const hyper {name} = -(0x{number} << {number});"),
            _ => {
                let from = self.consts.last().cloned().unwrap_or_else(|| "1".to_owned());
                let result =
                    writeln!(self.out, "const unsigned long {name} = ({from} * {number} | {number}) % 60 + 1;");
                self.consts.push(name);
                result
            }
        }
        .unwrap_or_default();
    }

    fn small(&mut self) -> String {
        match self.consts.last() {
            Some(name) if self.random.one_in(3) => name.clone(),
            _ => (self.random.below(9) + 1).to_string(),
        }
    }

    fn definition(&mut self) {
        self.comment();
        match self.random.below(6) {
            0 => self.enumeration(),
            1 => self.union(),
            2 => self.alias(),
            3 => self.structure("exception"),
            _ => self.structure("struct"),
        }
    }

    fn enumeration(&mut self) {
        let name = self.name("kind");
        let _ = write!(self.out, "enum {name} {{");
        let values = 1 + self.random.below(5);
        for i in 0..values {
            let value = match self.random.below(4) {
                0 => format!(" = {}", i * 7 + 3),
                _ if i == 0 && self.random.one_in(3) => " = -5".to_owned(),
                _ => String::new(),
            };
            let _ = write!(self.out, "{} V{i}{value}", if i == 0 { "" } else { "," });
        }
        let _ = writeln!(self.out, " }};");
        self.know(name, false, values, false, false, 4);
    }

    fn know(&mut self, name: String, is_exception: bool, values: usize, is_plain: bool, varies: bool, size: usize) {
        self.types.push(Known { name, is_exception, values, is_plain, varies, size });
    }

    /// A type for a member: its text before and behind the name; whether it varies, and its size.
    fn member(&mut self, inside: Option<&str>) -> (String, String, bool, usize) {
        match self.random.below(12) {
            0 => ("string".to_owned(), String::new(), true, 4),
            1 => (format!("string<{}>", self.small()), String::new(), true, 4),
            2 => {
                let inner = inside.filter(|_| self.random.one_in(2)).map_or_else(|| self.item(), str::to_owned);
                (format!("sequence<{inner}>"), String::new(), true, 4)
            }
            3 => (format!("sequence<sequence<{}>, {}>", self.item(), self.small()), String::new(), true, 4),
            4 => (self.random.pick(SCALARS).to_owned(), format!("[{}]", self.random.below(40) + 1), false, 640),
            5 => ("octet".to_owned(), format!("[2][{}]", self.small()), false, 200),
            6 => (format!("optional<{}>", self.random.pick(SCALARS)), String::new(), false, 17),
            7 => ("[string] char".to_owned(), "*".to_owned(), true, 4),
            8 | 9 => match self.fixed() {
                Some(known) => (known.name, String::new(), known.varies, known.size),
                None => ("long".to_owned(), String::new(), false, 4),
            },
            _ => (self.random.pick(SCALARS).to_owned(), String::new(), false, 16),
        }
    }

    fn item(&mut self) -> String {
        if self.types.is_empty() || self.random.one_in(2) {
            return self.random.pick(SCALARS).to_owned();
        }
        self.types[self.random.below(self.types.len())].name.clone()
    }

    /// A type that is not large.
    fn fixed(&mut self) -> Option<Known> {
        let small: Vec<Known> = self.types.iter().filter(|known| known.size < 100).cloned().collect();
        (!small.is_empty()).then(|| small[self.random.below(small.len())].clone())
    }

    fn structure(&mut self, word: &str) {
        let name = self.name("record");
        if self.random.one_in(5) && word == "struct" {
            // Plain: one kind of number, so that nothing is padding.
            let ty = self.random.pick(NUMBERS);
            let by_typedef = self.random.one_in(2);
            let (before, behind) = if by_typedef {
                ("typedef struct".to_owned(), format!(" {name}"))
            } else {
                (format!("struct {name}"), String::new())
            };
            let _ = writeln!(self.out, "{before} {{ {ty} a, b[3]; {ty} c; }}{behind};");
            return self.know(name, false, 0, true, false, 40);
        }
        let _ = write!(self.out, "{word} {name} {{");
        let count = self.random.below(5) + usize::from(word == "struct");
        let (mut varies, mut size) = (false, 0);
        for i in 0..count {
            let inside = (word == "struct").then_some(name.as_str());
            let (before, behind, member_varies, member_size) = self.member(inside);
            varies |= member_varies;
            size += member_size;
            let field = self.random.pick(&["type", "field_", "x", "match", "Value"]);
            let field = format!("{field}{}", if i == 0 { String::new() } else { i.to_string() });
            let _ = match behind.as_str() {
                "*" => write!(self.out, " {before} *{field};"),
                behind => write!(self.out, " {before} {field}{behind};"),
            };
        }
        let _ = writeln!(self.out, " }};");
        self.know(name, word == "exception", 0, false, varies, size);
    }

    fn union(&mut self) {
        let name = self.name("choice");
        let by_enum = self.types.iter().find(|known| known.values > 0).cloned().filter(|_| self.random.one_in(2));
        let switch = match &by_enum {
            Some(known) => known.name.clone(),
            None => self.random.pick(&["long", "octet", "unsigned short", "hyper"]).to_owned(),
        };
        // With a label for each value of an enum there is nothing left for `default`.
        let is_complete = by_enum.as_ref().is_some_and(|known| known.values == 1);
        let by_enum = by_enum.is_some();
        let _ = write!(self.out, "union {name} switch ({switch}) {{");
        let count = if by_enum { 1 } else { 1 + self.random.below(4) };
        let (mut varies, mut size) = (false, 0);
        for i in 0..count {
            let label = if by_enum { "V0".to_owned() } else { (i * 3).to_string() };
            let (before, behind, member_varies, member_size) = self.member(None);
            varies |= member_varies;
            size = size.max(member_size + 8);
            let more = if by_enum || !self.random.one_in(4) { String::new() } else { format!(" case {}:", i * 3 + 1) };
            let _ = match (self.random.one_in(6), behind.as_str()) {
                (true, _) => write!(self.out, " case {label}:{more} ;"),
                (_, "*") => write!(self.out, " case {label}:{more} {before} *arm{i};"),
                (_, behind) => write!(self.out, " case {label}:{more} {before} arm{i}{behind};"),
            };
        }
        if !is_complete && self.random.one_in(3) {
            self.out.push_str(" default: long other;");
        }
        let _ = writeln!(self.out, " }};");
        self.know(name, false, 0, false, varies, size);
    }

    fn alias(&mut self) {
        let name = self.name("alias");
        let (before, behind, varies, size) = self.member(None);
        let _ = match behind.as_str() {
            "*" => writeln!(self.out, "typedef [string] char *{name};"),
            behind => writeln!(self.out, "typedef {before} {name}{behind};"),
        };
        self.know(name, false, 0, false, varies, size);
    }

    fn interface(&mut self, index: usize) {
        self.comment();
        let mut attrs = Vec::new();
        if self.random.one_in(3) {
            attrs.push("uuid(6ba7b810-9dad-11d1-80b4-00c04fd430c8)".to_owned());
            attrs.push(format!("version({}.{})", self.random.below(9), self.random.below(9)));
        }
        if self.random.one_in(4) {
            attrs.push("timeout(2s)".to_owned());
        }
        if !attrs.is_empty() {
            let _ = write!(self.out, "[{}] ", attrs.join(", "));
        }
        let base = if index > 0 && self.random.one_in(2) { format!(" : face_{}", index - 1) } else { String::new() };
        let _ = writeln!(self.out, "interface face_{index}{base} {{");
        for _ in 0..1 + self.random.below(5) {
            self.procedure();
        }
        self.out.push_str("};\n");
    }

    fn procedure(&mut self) {
        self.comment();
        let name = self.name("call");
        let mut attrs = vec!["astack(60000)".to_owned()];
        match self.random.below(8) {
            0 => attrs.push("idempotent".to_owned()),
            1 => attrs.push(format!("concurrency({})", self.small())),
            2 => attrs.push("exhausted(grow(8)), concurrency(2)".to_owned()),
            3 => attrs.push("max(64 KiB), timeout(\"250us\")".to_owned()),
            _ => {}
        }
        let is_later = self.random.one_in(8);
        attrs.extend(is_later.then(|| "deferred".to_owned()));
        let _ = write!(self.out, "  [{}] ", attrs.join(", "));
        if is_later {
            let output = self.fixed().map_or_else(|| "sequence<string>".to_owned(), |known| known.name);
            let _ = writeln!(self.out, "{output} {name}([in] long reply, [in, string] char *b);");
            return;
        }
        if self.random.one_in(8) {
            let _ = writeln!(self.out, "oneway void {name}([in] long a, [in, string] char *b);");
            return;
        }
        let output = match self.random.below(6) {
            0 => "void".to_owned(),
            1 => "int".to_owned(),
            2 => "string".to_owned(),
            3 => format!("sequence<{}>", self.item()),
            _ => self.fixed().map_or_else(|| "boolean".to_owned(), |known| known.name),
        };
        let mut params = Vec::new();
        for i in 0..self.random.below(6) {
            self.param(i, &mut params);
        }
        // What a parameter does not say it has from the one before it.
        if self.random.one_in(3) {
            params.push("[in] int first, second, third".to_owned());
        }
        let mut raises: Vec<String> = Vec::new();
        for known in self.types.clone() {
            if (known.is_exception || known.values > 0) && raises.len() < 3 && self.random.one_in(3) {
                raises.push(known.name);
            }
        }
        let raises = if raises.is_empty() { String::new() } else { format!(" raises ({})", raises.join(", ")) };
        let _ = writeln!(self.out, "{output} {name}({}){raises};", params.join(", "));
    }

    fn param(&mut self, i: usize, params: &mut Vec<String>) {
        let plain: Vec<Known> = self.types.iter().filter(|known| known.is_plain).cloned().collect();
        let number = match plain.first() {
            Some(known) if self.random.one_in(2) => known.name.clone(),
            _ => self.random.pick(NUMBERS).to_owned(),
        };
        let (any, count) = (self.item(), self.random.pick(COUNTS).to_owned());
        let param = match self.random.below(17) {
            0 => format!("[in] {} p{i}", self.random.pick(SCALARS)),
            1 => format!("[in] {any} p{i}"),
            // One byte is not pointed to.
            2 => {
                let is_composed = ["record", "choice", "kind"].iter().any(|of| any.to_lowercase().starts_with(of));
                format!("[in] {any} {}p{i}", if is_composed { "*" } else { "" })
            }
            3 => format!("[in,out] {any} *p{i}"),
            4 => format!("[out] {any} *p{i}"),
            5 => format!("[in] {count} n{i}, [in, size_is(n{i})] {number} *p{i}"),
            6 => format!("[in, size_is(n{i})] {any} p{i}[], [in] {count} n{i}"),
            7 => format!("[in] {count} n{i}, [in,out, size_is(n{i})] {number} *p{i}"),
            8 => {
                format!("[in] {count} n{i}, [out] {count} *l{i}, [out, size_is(n{i}), length_is(l{i})] {number} *p{i}")
            }
            9 => format!("[out] {count} *n{i}, [out, size_is(*n{i})] {any} **p{i}"),
            10 => format!("[in, string] char *p{i}, [out, string] char **q{i}, [in] string<{}> r{i}", self.small()),
            11 => format!("in {any} p{i}, out {any} q{i}, inout {any} r{i}"),
            12 => format!("[in] sequence<{any}> p{i}, [out] sequence<{any}, {}> *q{i}", self.small()),
            13 => format!(
                "[in, in_place] sequence<octet> p{i}, [in, max(4 KiB)] sequence<{number}, {}> q{i}",
                self.small()
            ),
            14 => format!("[in] octet p{i}[{}], [out] short q{i}[2][3]", self.small()),
            15 => format!("[in] {count} n{i}, [in] long l{i}, [in, size_is(n{i}), length_is(l{i})] {number} *p{i}"),
            _ => format!("[in] optional<{}> p{i}, [out] optional<string> *q{i}", self.random.pick(SCALARS)),
        };
        params.push(param);
    }
}
