//! Made-up procedures: how they are declared, what they do, and how they are called.

use std::fmt::Write as _;

use super::grouped;
use super::types::{Maker, Path};

impl Maker {
    pub(super) fn procedure(&mut self, name: String, count: usize) -> Procedure {
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

pub(super) struct Param {
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

    pub(super) fn strategy(&self) -> String {
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

pub(super) struct Procedure {
    name: String,
    pub(super) params: Vec<Param>,
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

    pub(super) fn declaration(&self) -> String {
        let serde = match (self.value_by_serde, self.error_by_serde) {
            (true, true) => "    #[serde(return, error)]\n",
            (true, false) => "    #[serde(return)]\n",
            (false, true) => "    #[serde(error)]\n",
            (false, false) => "",
        };
        // One at once: the frames of all procedures of an interface are of one class, and fit a pair of any size.
        format!("    #[call(astack = 65536, concurrency = 1)]\n{serde}{};\n", self.signature(false))
    }

    pub(super) fn implementation(&self) -> String {
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
    pub(super) fn caller(&self, interface: usize) -> String {
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
