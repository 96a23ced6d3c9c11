//! Interfaces that nobody thought of, as Rust source text: made up from a seed, with every form of parameter.
//!
//! [`make`] writes types, traits that use them, implementations whose results depend on every byte of every argument, and
//! for each procedure a function that calls it. The text names what `tests/interfaces.rs` provides: `Value` (strategies
//! for made-up values), `value!` and `plain!` (declarations), `Seen` (a digest of arguments, and values made from it),
//! `pass` (a value, or the same through its conventional encoding) and `Trial` (runs the cases).
//!
//! Pure: the same seed gives the same text. The build script includes this file and [`random`](crate::random) and calls it.

use std::fmt::Write as _;

use crate::random::Random;

/// What was made up.
#[derive(Debug)]
pub struct Made {
    /// Declarations of types.
    pub types: String,
    /// The traits, each with its attribute.
    pub traits: Vec<String>,
    /// Implementations, callers, and the functions `export`, `layouts` and `try_all`.
    pub rest: String,
}

/// Makes up `count` interfaces; the first has a procedure of 64 parameters.
#[must_use]
pub fn make(seed: u64, count: usize) -> Made {
    let mut maker = Maker {
        random: Random::new(seed),
        plains: Vec::new(),
        fixed: Vec::new(),
        with_default: Vec::new(),
        wires: 0,
        serdes: 0,
        up_to: Path::Serde,
    };
    let types = maker.types();
    let mut made = Made { types, traits: Vec::new(), rest: String::new() };
    let (mut exports, mut trials, mut layouts) = (String::new(), String::new(), String::new());
    for n in 0..count {
        let procedures = 1 + maker.below(3);
        let (mut methods, mut impls, mut callers) = (String::new(), String::new(), String::new());
        for p in 0..procedures {
            maker.up_to = [Path::Line, Path::Frame, Path::Conventional, Path::Serde][maker.below(4)];
            let params = match (n, p) {
                (0, 0) => 64,
                _ if maker.up_to == Path::Line => 1 + maker.below(4),
                _ if maker.below(8) == 0 => 9 + maker.below(20),
                _ => 1 + maker.below(8),
            };
            let procedure = maker.procedure(format!("p{p}"), params);
            methods += &procedure.declaration();
            impls += &procedure.implementation();
            callers += &procedure.caller(n);
            let strategies = grouped(params, |i| procedure.params[i].strategy());
            let _ = writeln!(
                trials,
                "    trial.run(\"i{n}.p{p}\", {params}, {strategies}, &bind::<I{n}Client>(trial, \"i{n}\"), \
                &I{n}Local(Hand), i{n}::p{p}, i{n}::p{p});"
            );
        }
        made.traits.push(format!("#[nearcall::interface]\npub trait I{n} {{\n{methods}}}\n"));
        let _ =
            write!(made.rest, "impl I{n} for Hand {{\n{impls}}}\n\nmod i{n} {{\n    use super::*;\n{callers}}}\n\n");
        let _ = writeln!(
            layouts,
            "    all.extend(I{n}Client::describe().procedures().map(|procedure| procedure.layout()));"
        );
        let _ = writeln!(exports, "        exporter(\"i{n}\").export(I{n}Server::new(Hand)).unwrap(),");
    }
    let _ = write!(
        made.rest,
        "pub(crate) fn export(exporter: impl Fn(&str) -> nearcall::Exporter) -> Vec<nearcall::Export> {{\n    vec![\n{exports}    ]\n}}\n\n\
         pub(crate) fn layouts() -> Vec<Layout> {{\n    let mut all = Vec::new();\n{layouts}    all\n}}\n\n\
         pub(crate) fn try_all(trial: &mut Trial) {{\n{trials}}}\n"
    );
    made
}

/// In tuples of eight, in a tuple: there are strategies for tuples of twelve at most.
fn grouped(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<_> = (0..count).map(item).collect();
    let groups: Vec<_> = items.chunks(8).map(|group| format!("({},)", group.join(", "))).collect();
    format!("({},)", groups.join(", "))
}

struct Maker {
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
    up_to: Path,
}

/// As `nearcall::Layout` has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
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
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(u64::try_from(bound).expect("small"))).expect("below a usize")
    }

    fn one_of<'a>(&mut self, names: &[&'a str]) -> &'a str {
        names[self.below(names.len())]
    }

    /// The declarations, each type made of those before it.
    fn types(&mut self) -> String {
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

    fn plain(&mut self) -> String {
        self.plain_sized(1).0
    }

    /// A type of fixed size.
    fn fixed(&mut self, depth: usize) -> String {
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
    fn fixed_with_default(&mut self) -> String {
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
    fn small(&mut self) -> String {
        match self.below(4) {
            0 => format!("Option<{}>", self.one_of(&["bool", "char", "u16"])),
            1 => format!("({}, {})", self.one_of(&["bool", "i8", "()"]), self.one_of(&["u8", "u16", "u32"])),
            2 => self.one_of(&["bool", "char", "()", "f32"]).to_owned(),
            _ => self.one_of(&["u8", "i16", "u32", "i64"]).to_owned(),
        }
    }

    /// Any type that travels.
    fn any(&mut self, depth: usize) -> String {
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
    fn by_serde(&mut self, depth: usize) -> String {
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

    fn procedure(&mut self, name: String, count: usize) -> Procedure {
        let mut params: Vec<Param> = (0..count).map(|_| self.param()).collect();
        let by_return = self.up_to > Path::Line && self.below(4) == 0;
        if by_return {
            let at = self.below(count);
            params[at] = Param { form: Form::OutSlice { by_return: true }, ty: self.plain() };
        }
        let echo = params.iter().position(|param| matches!(param.form, Form::Value | Form::Ref));
        let (mut value_by_serde, mut error_by_serde) = (false, false);
        let result = match self.below(6) {
            _ if by_return => Value::Count(self.one_of(&["u8", "u16", "u32", "u64"]).to_owned()),
            0 => Value::Nothing,
            1 | 2 if echo.is_some() => {
                let at = echo.expect("just asked");
                Value::Echo { ty: format!("(u64, {})", params[at].ty), at }
            }
            3 if self.up_to == Path::Serde => {
                value_by_serde = true;
                Value::Made(self.by_serde(1))
            }
            _ => match self.any(1) {
                // That is what a procedure with an error is written as.
                ty if ty.starts_with("Result<") => Value::Made(format!("({ty},)")),
                ty if ty == "()" => Value::Nothing,
                ty => Value::Made(ty),
            },
        };
        let error = match self.below(4) {
            0 => Some(self.any(1)),
            1 if self.up_to == Path::Serde => {
                error_by_serde = true;
                Some(self.by_serde(1))
            }
            _ => None,
        };
        Procedure { name, params, value: result, error, value_by_serde, error_by_serde }
    }

    fn param(&mut self) -> Param {
        let (form, ty) = match self.below(15) {
            n if self.up_to == Path::Line => (
                [Form::Value, Form::Ref, Form::InOut, Form::Out].into_iter().nth(n % 4).expect("of four"),
                self.small(),
            ),
            0..=2 => (Form::Value, self.any(1)),
            3 | 4 => (Form::Ref, self.any(1)),
            5 => (Form::Str, "String".to_owned()),
            6 | 7 => (Form::Slice, self.plain()),
            8 => (Form::InPlace, "u8".to_owned()),
            9 if self.up_to == Path::Serde => (Form::Serde { is_ref: self.below(2) == 0 }, self.by_serde(1)),
            10 => (Form::InOut, self.fixed(1)),
            11 => (Form::InOutSlice, self.plain()),
            12 => (Form::Out, self.fixed_with_default()),
            13 => (Form::OutSlice { by_return: false }, self.plain()),
            _ => (Form::Value, self.fixed(1)),
        };
        Param { form, ty }
    }
}

enum Form {
    Value,
    Ref,
    Str,
    Slice,
    InPlace,
    Serde { is_ref: bool },
    InOut,
    InOutSlice,
    Out,
    OutSlice { by_return: bool },
}

struct Param {
    form: Form,
    /// Of the value, or of the items.
    ty: String,
}

impl Param {
    /// What the tests own of it.
    fn owned(&self) -> String {
        match self.form {
            Form::Slice | Form::InPlace | Form::InOutSlice | Form::OutSlice { .. } => format!("Vec<{}>", self.ty),
            _ => self.ty.clone(),
        }
    }

    fn strategy(&self) -> String {
        format!("<{} as Value>::any(4)", self.owned())
    }

    fn declared(&self, served: bool) -> String {
        let ty = &self.ty;
        match self.form {
            Form::Value | Form::Serde { is_ref: false } => ty.clone(),
            Form::Ref | Form::Serde { is_ref: true } => format!("&{ty}"),
            Form::Str => "&str".to_owned(),
            Form::InPlace if served => "nearcall::SharedBytes<'_>".to_owned(),
            Form::Slice | Form::InPlace => format!("&[{ty}]"),
            Form::InOut | Form::Out => format!("&mut {ty}"),
            Form::InOutSlice | Form::OutSlice { .. } => format!("&mut [{ty}]"),
        }
    }

    fn mark(&self) -> &'static str {
        match self.form {
            Form::InPlace => "#[in_place] ",
            Form::Serde { .. } => "#[serde] ",
            Form::Out | Form::OutSlice { by_return: false } => "#[out] ",
            Form::OutSlice { by_return: true } => "#[out(len = return)] ",
            _ => "",
        }
    }

    fn is_target(&self) -> bool {
        matches!(self.form, Form::InOut | Form::InOutSlice | Form::Out | Form::OutSlice { .. })
    }
}

/// What a procedure returns when it succeeds.
enum Value {
    Nothing,
    Made(String),
    /// A digest of all arguments, and one of them.
    Echo {
        ty: String,
        at: usize,
    },
    /// How many items of the out slice there are.
    Count(String),
}

struct Procedure {
    name: String,
    params: Vec<Param>,
    value: Value,
    error: Option<String>,
    value_by_serde: bool,
    error_by_serde: bool,
}

impl Procedure {
    fn value_type(&self) -> &str {
        match &self.value {
            Value::Nothing => "()",
            Value::Made(ty) | Value::Echo { ty, .. } | Value::Count(ty) => ty,
        }
    }

    fn output(&self) -> String {
        match (&self.error, &self.value) {
            (Some(error), _) => format!(" -> Result<{}, {error}>", self.value_type()),
            (None, Value::Nothing) => String::new(),
            (None, _) => format!(" -> {}", self.value_type()),
        }
    }

    fn signature(&self, served: bool) -> String {
        let mut text = format!("    fn {}(&self", self.name);
        for (i, param) in self.params.iter().enumerate() {
            let mark = if served { "" } else { param.mark() };
            let _ = write!(text, ", {mark}a{i}: {}", param.declared(served));
        }
        text + ")" + &self.output()
    }

    fn declaration(&self) -> String {
        let serde = match (self.value_by_serde, self.error_by_serde) {
            (true, true) => "    #[serde(return, error)]\n",
            (true, false) => "    #[serde(return)]\n",
            (false, true) => "    #[serde(error)]\n",
            (false, false) => "",
        };
        // One at once: the frames of all procedures of an interface are of one class, and fit a pair of any size.
        format!("    #[call(astack = 65536, concurrency = 1)]\n{serde}{};\n", self.signature(false))
    }

    fn implementation(&self) -> String {
        let mut text = format!("{} {{\n        let mut seen = Seen::new(\"{}\");\n", self.signature(true), self.name);
        for (i, param) in self.params.iter().enumerate() {
            let see = match param.form {
                Form::InPlace => format!("a{i}.to_vec()"),
                // What lies there is not the caller's.
                Form::Out => continue,
                Form::OutSlice { .. } => format!("a{i}.len()"),
                _ => format!("a{i}"),
            };
            let _ = writeln!(text, "        seen.see(&{see});");
        }
        if self.error.is_some() {
            text += "        if seen.fails() {\n            return Err(seen.make());\n        }\n";
        }
        let mut count = String::from("()");
        for (i, param) in self.params.iter().enumerate() {
            let put = match param.form {
                Form::InOut | Form::Out => format!("*a{i} = seen.make();"),
                Form::InOutSlice => format!("seen.turn(a{i});"),
                Form::OutSlice { by_return: false } => format!("seen.fill(a{i});"),
                Form::OutSlice { by_return: true } => {
                    count = "count".to_owned();
                    format!("let count = seen.fill_some(a{i});")
                }
                _ => continue,
            };
            let _ = writeln!(text, "        {put}");
        }
        let value = match &self.value {
            Value::Nothing => "()".to_owned(),
            Value::Made(_) => "seen.make()".to_owned(),
            Value::Count(ty) => format!("{count} as {ty}"),
            Value::Echo { at, .. } => format!("(seen.digest(), a{at}.clone())"),
        };
        let value = if self.error.is_some() { format!("Ok({value})") } else { value };
        text + "        " + &value + "\n    }\n"
    }

    /// A function that calls it with values of its own, through the conventional encoding or not, and says what came back.
    fn caller(&self, interface: usize) -> String {
        let count = self.params.len();
        let pattern = grouped(count, |i| format!("{}a{i}", if self.params[i].is_target() { "mut " } else { "" }));
        let types = grouped(count, |i| self.params[i].owned());
        let name = &self.name;
        let mut text = format!(
            "    pub(super) fn {name}<C: I{interface}Call>(client: &C, way: Way, {pattern}: {types}) -> Answer {{\n"
        );
        let mut arguments = Vec::new();
        let mut targets = Vec::new();
        for (i, param) in self.params.iter().enumerate() {
            let (again, passed) = match param.form {
                Form::Value => ("pass", format!("a{i}")),
                Form::Serde { is_ref: false } => ("pass_serde", format!("a{i}")),
                Form::Serde { is_ref: true } => ("pass_serde", format!("&a{i}")),
                Form::InOut | Form::InOutSlice | Form::Out | Form::OutSlice { .. } => {
                    targets.push(format!("&a{i}"));
                    ("pass", format!("&mut a{i}"))
                }
                _ => ("pass", format!("&a{i}")),
            };
            let mutable = if param.is_target() { "mut " } else { "" };
            let _ = writeln!(text, "        let {mutable}a{i} = {again}(way, a{i});");
            arguments.push(passed);
        }
        let _ = writeln!(text, "        let result = client.{name}({});", arguments.join(", "));
        let by = |by_serde| if by_serde { "pass_serde" } else { "pass" };
        let _ = writeln!(text, "        let result = result.map(|value| {}(way, value));", by(self.value_by_serde));
        if self.error.is_some() {
            let by = by(self.error_by_serde);
            let _ =
                writeln!(text, "        let result = result.map_err(|error| in_app(error, |error| {by}(way, error)));");
        }
        let targets: String = targets.iter().map(|target| format!(".with({target})")).collect();
        text + &format!("        Answer::of(&result){targets}\n    }}\n")
    }
}
