//! Parameters: which way each travels, and as what.
//!
//! ```text
//! [in] T x           value                    [in, string] char *s, [in] string s       text
//! [in] T *x          one T, by reference      [in, size_is(n)] T *a                     n items; n is their count
//! [in,out] T *x      one T, both ways         [in,out, size_is(n)] T *a                 the same, both ways
//! [out] T *x         one T, back              [out, size_is(n)] T *a, [in] n            a buffer of the client's
//! [out] sequence<T>  as many as there are     [out, size_is(n)] T **a, [out] n          as many as the server has
//! ```
//!
//! The parameter that `size_is` or `length_is` names is not sent beside the items: it is their count, which is sent with
//! them anyway. So it is a parameter in C and none in Rust, where a slice knows its length.

use std::collections::BTreeMap;

use super::Checker;
use super::attributes;
use crate::lang::ast::{self, Attr, Expr, ExprKind};
use crate::lang::model::{self, Form, OutLength, Param, Place, Type};
use crate::lang::names::{is_variant, unfit};
use crate::lang::source::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    InOut,
    Out,
}

/// One parameter as it is written, with its attributes in order.
struct Written<'a> {
    declared: &'a ast::Param,
    way: Way,
    /// By `in` before the type, as CORBA has it: then results need no pointer.
    is_corba: bool,
    ty: Type,
    pointers: u8,
    dims: Vec<u32>,
    is_open: bool,
    size_is: Option<Reference>,
    length_is: Option<Reference>,
    is_text: bool,
    in_place: Option<Span>,
    max: Option<u32>,
}

/// The parameter that an attribute names.
struct Reference {
    name: String,
    pointers: u8,
    span: Span,
}

impl Written<'_> {
    fn span(&self) -> Span {
        self.declared.declarator.span
    }

    fn name(&self) -> &str {
        &self.declared.declarator.name.text
    }

    /// Whether the brackets or the pointer say that there may be several items.
    const fn is_several(&self) -> bool {
        self.size_is.is_some() || self.is_open
    }
}

impl Checker<'_> {
    /// The parameters of one procedure; `None` if any was refused.
    pub(super) fn params(
        &mut self,
        declared: &[ast::Param],
        output: Option<&Type>,
    ) -> Option<(Vec<Param>, Vec<Place>)> {
        let mut names: BTreeMap<&str, Span> = BTreeMap::new();
        for param in declared {
            let name = &param.declarator.name;
            if let Some(why) = unfit(&name.text) {
                self.error(name.span, why, "use another name");
            }
            // In Rust a parameter is a pattern, which means a constant or a variant where there is one of that name.
            if is_variant(&name.text) {
                self.error(name.span, "in Rust this is a variant of `Option` or `Result`", "use another name");
            }
            if self.known.contains_key(&name.text) {
                self.error(name.span, format!("`{}` is a constant", name.text), "use another name for one of them");
            }
            if names.insert(&name.text, name.span).is_some() {
                self.error(name.span, format!("there are two parameters `{}`", name.text), "use another name");
            }
        }
        let written: Vec<Option<Written<'_>>> = declared.iter().map(|param| self.written(param)).collect();
        let is_whole = written.iter().all(Option::is_some);
        let written: Vec<Written<'_>> = written.into_iter().flatten().collect();
        let mut counts: BTreeMap<String, String> = BTreeMap::new();
        let mut params = Vec::new();
        let mut is_fine = is_whole;
        for one in &written {
            match self.param(one, &written, output, &mut counts) {
                Some(param) => params.push(param),
                None => is_fine = false,
            }
        }
        for (one, param) in written.iter().zip(&params) {
            if let Form::OutSlice(OutLength::Param(length)) = &param.form
                && counts.contains_key(length)
            {
                let what = format!("`{length}` counts the items of two parameters");
                self.error(one.span(), what, "give each a count of its own");
                is_fine = false;
            }
        }
        params.retain(|param: &Param| !counts.contains_key(&param.name));
        let at = |name: &str| params.iter().position(|param| param.name == name);
        let places = written.iter().filter_map(|one| match counts.get(one.name()) {
            Some(of) => Some(Place::Count { name: one.name().to_owned(), ty: one.ty.clone(), of: at(of)? }),
            None => at(one.name()).map(Place::Param),
        });
        let places = places.collect();
        is_fine.then_some((params, places))
    }

    fn written<'b>(&mut self, declared: &'b ast::Param) -> Option<Written<'b>> {
        let attrs = self.known(&declared.attrs, attributes::Place::Param);
        let find = |name: &str| attrs.iter().copied().find(|attr| attr.name.text == name);
        let by_keyword = declared.keyword.as_ref().map(|keyword| keyword.text.as_str());
        let (is_in, is_out) = match by_keyword {
            Some("in") => (true, false),
            Some("out") => (false, true),
            Some(_) => (true, true),
            None => (find("in").is_some(), find("out").is_some()),
        };
        let way = match (is_in, is_out) {
            (true, false) => Way::In,
            (true, true) => Way::InOut,
            (false, true) => Way::Out,
            (false, false) => {
                let hint = "write `[in]`, `[out]` or `[in,out]` before its type";
                self.error(declared.declarator.span, "nothing says which way this parameter travels", hint);
                return None;
            }
        };
        if let (Some(keyword), Some(attr)) = (&declared.keyword, find("in").or_else(|| find("out"))) {
            self.error(attr.span, format!("`{}` says the same once more", keyword.text), "keep one of them");
        }
        let size_is = self.reference(find("size_is"))?;
        let length_is = self.reference(find("length_is"))?;
        let max = match find("max") {
            Some(attr) => Some(self.max(attr)?),
            None => None,
        };
        let (ty, _) = self.ty(&declared.ty)?;
        let mut dims = Vec::new();
        let mut is_open = false;
        for (i, dim) in declared.declarator.dims.iter().enumerate() {
            match dim {
                Some(dim) => dims.push(self.count(dim)?),
                None if i == 0 => is_open = true,
                None => {
                    let hint = "only the first dimension can be open: `[size_is(n)] long a[][4]`";
                    self.error(declared.declarator.span, "an array has a size", hint);
                    return None;
                }
            }
        }
        Some(Written {
            declared,
            way,
            is_corba: by_keyword.is_some(),
            ty,
            pointers: declared.declarator.pointers,
            dims,
            is_open,
            size_is,
            length_is,
            is_text: find("string").is_some(),
            in_place: find("in_place").map(|attr| attr.span),
            max,
        })
    }

    /// The name in `size_is(n)` or `length_is(*n)`.
    fn reference(&mut self, attr: Option<&Attr>) -> Option<Option<Reference>> {
        let Some(attr) = attr else { return Some(None) };
        let mut expr: &Expr = &attr.args.first()?.expr;
        let mut pointers = 0_u8;
        while let ExprKind::Unary(b'*', inner) = &expr.kind {
            pointers = pointers.saturating_add(1);
            expr = inner;
        }
        match &expr.kind {
            ExprKind::Name(name) => Some(Some(Reference { name: name.clone(), pointers, span: attr.span })),
            ExprKind::Number => {
                let hint = "write the number into the brackets of an array: `long a[16]`";
                self.error(attr.span, "this is always the same", hint);
                None
            }
            _ => {
                let hint = format!("write `{}(n)`: it counts items, not bytes", attr.name.text);
                self.error(attr.span, format!("`{}` names a parameter", attr.name.text), hint);
                None
            }
        }
    }

    fn param(
        &mut self,
        one: &Written<'_>,
        all: &[Written<'_>],
        output: Option<&Type>,
        counts: &mut BTreeMap<String, String>,
    ) -> Option<Param> {
        let param = if one.is_text {
            self.text(one)?
        } else if one.is_several() {
            self.several(one, all, output, counts)?
        } else {
            self.single(one)?
        };
        if let Some(span) = one.in_place
            && param.form != Form::InPlace
        {
            let hint = "write `[in, in_place, size_is(n)] octet *data`, or remove `in_place`";
            let what =
                "only bytes that the client sends can be read in place: of anything else a copy must be checked first";
            self.error(span, what, hint);
            return None;
        }
        if let Some(length_is) = &one.length_is
            && !one.is_several()
        {
            self.error(length_is.span, "`length_is` is about several items", "use it together with `size_is`");
            return None;
        }
        let is_fixed = model::layout(&param.ty, &self.model.defs).is_fixed();
        let is_one = matches!(param.form, Form::Value | Form::Ref | Form::InOut | Form::Out);
        if one.max.is_some() && is_one && is_fixed {
            self.error(
                one.span(),
                "`max` is about a parameter of varying size",
                "remove it: this one has a fixed size",
            );
            return None;
        }
        Some(param)
    }

    fn named(&self, one: &Written<'_>, form: Form, ty: Type, max: Option<u32>) -> Param {
        let max = match (one.max, max) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Param { name: one.name().to_owned(), form, ty, max }
    }

    /// `[string] char *s`
    fn text(&mut self, one: &Written<'_>) -> Option<Param> {
        let pointers = if one.way == Way::In { 1 } else { 2 };
        let is_char = matches!(one.ty, Type::Int { size: 1, .. });
        if !is_char || one.is_several() || !one.dims.is_empty() || one.pointers != pointers {
            let hint = "write `[in, string] char *s`, `[out, string] char **s`, or `string s`";
            self.error(one.span(), "this is no text", hint);
            return None;
        }
        let form = match one.way {
            Way::In => Form::Text,
            Way::InOut => Form::InOut,
            Way::Out => Form::Out,
        };
        Some(self.named(one, form, Type::Text(None), None))
    }

    /// One value, an array, a text or a sequence.
    fn single(&mut self, one: &Written<'_>) -> Option<Param> {
        let ty = one.dims.iter().rev().fold(one.ty.clone(), |item, count| Type::Array(Box::new(item), *count));
        if model::layout(&ty, &self.model.defs).size > super::MAX_BYTES {
            self.error(one.span(), "a value of fixed size has 64 MiB at most", "use `size_is` or a sequence");
            return None;
        }
        let owns = matches!(ty, Type::Text(_) | Type::Seq(..));
        let is_array = !one.dims.is_empty();
        if one.pointers > 1 || one.pointers == 1 && (is_array || one.is_corba) {
            let hint = match one.way {
                Way::In => "write `[in] T x` for one, `[in, size_is(n)] T *x` for several",
                _ => "write `[out] T *x` for one, `[out, size_is(n)] T **x` or `[out] sequence<T> *x` for several",
            };
            self.error(one.span(), "nothing says how many this points to", hint);
            return None;
        }
        if one.way != Way::In && one.pointers == 0 && !one.is_corba && !is_array && !owns && !is_alias_of_array(&ty) {
            let hint = format!("write `*{}`", one.name());
            self.error(one.span(), "a result needs a place: a parameter that comes back is a pointer", hint);
            return None;
        }
        // Where an attribute is not known, it may have said more.
        let is_bare =
            one.declared.attrs.iter().all(|attr| matches!(attr.name.text.as_str(), "in" | "max" | "in_place"));
        if one.way == Way::In && one.pointers == 1 && is_bare && matches!(ty, Type::Int { size: 1, .. }) {
            let hint = format!(
                "write `[in, string] char *{0}` for text, `[in, size_is(n)] octet *{0}` for bytes, or leave out the `*` for one",
                one.name()
            );
            self.error(one.span(), "this says one byte, which is seldom what is meant", hint);
            return None;
        }
        let items = |ty: &Type| match ty {
            Type::Seq(item, bound) => Some(((**item).clone(), *bound)),
            _ => None,
        };
        let param = match (one.way, &ty) {
            (Way::In, Type::Text(bound)) => self.named(one, Form::Text, Type::Text(None), *bound),
            (Way::In, Type::Seq(..)) => {
                let (item, bound) = items(&ty)?;
                let layout = model::layout(&item, &self.model.defs);
                if layout.is_plain {
                    let max = self.bytes(one, bound, layout.size)?;
                    let is_byte = item == Type::Int { size: 1, signed: false };
                    let form = if one.in_place.is_some() && is_byte { Form::InPlace } else { Form::Slice };
                    self.named(one, form, item, max)
                } else {
                    self.named(one, Form::Ref, ty, None)
                }
            }
            (Way::In, Type::Bool | Type::Wide | Type::Int { .. } | Type::Float { .. }) if one.pointers == 0 => {
                self.named(one, Form::Value, ty, None)
            }
            (Way::In, Type::Def(at)) if one.pointers == 0 && self.is_enum(*at) => {
                self.named(one, Form::Value, ty, None)
            }
            (Way::In, _) => self.named(one, Form::Ref, ty, None),
            (Way::InOut, _) => self.named(one, Form::InOut, ty, None),
            (Way::Out, _) => self.named(one, Form::Out, ty, None),
        };
        Some(param)
    }

    fn is_enum(&self, at: usize) -> bool {
        matches!(self.model.defs.get(at).map(|def| &def.kind), Some(model::DefKind::Enum { .. }))
    }

    /// A bound in items as one in bytes.
    fn bytes(&mut self, one: &Written<'_>, bound: Option<u32>, size: u64) -> Option<Option<u32>> {
        let Some(bound) = bound else { return Some(None) };
        let bytes = u64::from(bound).saturating_mul(size);
        match u32::try_from(bytes).ok().filter(|_| bytes <= super::MAX_BYTES) {
            Some(bytes) => Some(Some(bytes)),
            None => {
                self.error(one.span(), "so many items have more than 64 MiB", "give a smaller bound");
                None
            }
        }
    }

    /// Items whose count is another parameter.
    fn several(
        &mut self,
        one: &Written<'_>,
        all: &[Written<'_>],
        output: Option<&Type>,
        counts: &mut BTreeMap<String, String>,
    ) -> Option<Param> {
        let Some(size_is) = &one.size_is else {
            self.error(
                one.span(),
                "nothing says how many items there are",
                "write `size_is(n)`, where `n` is a parameter",
            );
            return None;
        };
        let item = one.dims.iter().rev().fold(one.ty.clone(), |item, count| Type::Array(Box::new(item), *count));
        let levels = one.pointers + u8::from(one.is_open);
        // An open array is a pointer already; `long *a[4]` would be four of them.
        let is_array_of_pointers = one.pointers > 0 && (one.is_open || !one.dims.is_empty());
        let is_servers = one.way == Way::Out && levels == 2 && !is_array_of_pointers;
        if (levels != 1 && !is_servers) || is_array_of_pointers {
            let hint = "write `[in, size_is(n)] T *a`, `[out, size_is(n)] T *a` for a buffer of the client's, or \
                        `[out, size_is(n)] T **a` for what the server has";
            self.error(one.span(), "this is not a pointer to items", hint);
            return None;
        }
        let layout = model::layout(&item, &self.model.defs);
        if layout.size > super::MAX_BYTES {
            self.error(one.span(), "an item has 64 MiB at most", "use smaller items");
            return None;
        }
        let wanted = if is_servers { Way::Out } else { Way::In };
        let count = self.count_param(size_is, all, wanted)?;
        let length = self.length_of(one, is_servers, all, output, counts)?;
        // With `length_is`, what `size_is` says is not the count of what a client sends, and is a parameter of its own.
        let is_capacity = one.way == Way::In && one.length_is.is_some();
        if !is_capacity {
            self.take_count(&count, size_is.span, one.name(), counts)?;
        }
        if !(layout.is_plain || one.way == Way::In || is_servers) {
            let hint = "use `sequence<T>`; or only integers, floats, arrays and structs of them without padding";
            self.error(
                one.span(),
                "the client's buffer is filled as memory, and not every memory is a value of this type",
                hint,
            );
            return None;
        }
        let form = match one.way {
            Way::In if one.in_place.is_some() && item == (Type::Int { size: 1, signed: false }) => Form::InPlace,
            Way::In if layout.is_plain => Form::Slice,
            Way::In => return Some(self.named(one, Form::Ref, Type::Seq(Box::new(item), None), None)),
            Way::InOut => Form::InOutSlice,
            Way::Out if is_servers => return Some(self.named(one, Form::Out, Type::Seq(Box::new(item), None), None)),
            Way::Out => Form::OutSlice(length),
        };
        Some(self.named(one, form, item, None))
    }

    /// What `length_is` means here.
    fn length_of(
        &mut self,
        one: &Written<'_>,
        is_servers: bool,
        all: &[Written<'_>],
        output: Option<&Type>,
        counts: &mut BTreeMap<String, String>,
    ) -> Option<OutLength> {
        let Some(length_is) = &one.length_is else { return Some(OutLength::All) };
        match one.way {
            Way::In => {
                let count = self.count_param(length_is, all, Way::In)?;
                self.take_count(&count, length_is.span, one.name(), counts)?;
                Some(OutLength::All)
            }
            Way::Out if !is_servers => {
                if length_is.name == "return" {
                    let counts_items = matches!(output, Some(Type::Int { size: 1 | 2 | 4 | 8, .. }));
                    if !counts_items {
                        let hint = "return an integer, or name an `[out]` parameter";
                        self.error(length_is.span, "the procedure does not return a count of items", hint);
                        return None;
                    }
                    return Some(OutLength::Return);
                }
                Some(OutLength::Param(self.count_param(length_is, all, Way::Out)?))
            }
            Way::Out => {
                self.error(length_is.span, "`size_is` says that already", "what the server has is all sent: remove it");
                None
            }
            Way::InOut => {
                let hint = "use one parameter that is `in` and one that is `out`, or `[in,out] sequence<T> *x`";
                self.error(length_is.span, "items that travel both ways are as many both ways", hint);
                None
            }
        }
    }

    /// The parameter that counts items: an integer that travels `way`.
    fn count_param(&mut self, reference: &Reference, all: &[Written<'_>], way: Way) -> Option<String> {
        let Some(count) = all.iter().find(|one| one.name() == reference.name) else {
            let hint = match crate::lang::names::similar(&reference.name, all.iter().map(Written::name)) {
                Some(other) => format!("did you mean `{other}`?"),
                None => "declare it, before or after this one".to_owned(),
            };
            self.found.unknown(reference.span, format!("there is no parameter `{}`", reference.name), hint);
            return None;
        };
        if count.way != way {
            let (what, hint) = match way {
                Way::In => {
                    ("is not known when the items are sent", "it is `[in]`; for what the server has, use `T **`")
                }
                _ => ("does not come back with the items", "it is `[out]`"),
            };
            self.error(reference.span, format!("`{}` {what}", reference.name), hint);
            return None;
        }
        let is_integer = matches!(count.ty, Type::Int { size: 1 | 2 | 4 | 8, .. });
        let is_one = !count.is_several() && count.dims.is_empty() && !count.is_text;
        let pointers = if way == Way::In || count.is_corba { 0 } else { 1 };
        if !is_integer || !is_one || count.pointers != pointers {
            let what = format!("`{}` does not count items", reference.name);
            let hint =
                if way == Way::In { "it is an `[in]` integer" } else { "it is an `[out]` pointer to an integer" };
            self.error(reference.span, what, hint);
            return None;
        }
        if reference.pointers > pointers {
            self.error(reference.span, format!("`{}` is no pointer to that", reference.name), "remove the `*`");
            return None;
        }
        Some(reference.name.clone())
    }

    /// A count is sent with its items, so it belongs to one parameter only.
    fn take_count(&mut self, name: &str, span: Span, of: &str, counts: &mut BTreeMap<String, String>) -> Option<()> {
        if counts.insert(name.to_owned(), of.to_owned()).is_some() {
            let hint = "give each a count of its own, or send one array of structs";
            self.error(span, format!("`{name}` counts the items of two parameters"), hint);
            return None;
        }
        Some(())
    }
}

/// A typedef of an array is one, without brackets at the parameter.
const fn is_alias_of_array(ty: &Type) -> bool {
    matches!(ty, Type::Array(..))
}
