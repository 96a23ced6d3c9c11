//! Reads what callgrind writes: how many instructions ran, and how many of them in calls of a function.
//!
//! The format is line-based: `fn=(3) name` opens a function's own costs, of which each line is `position cost`;
//! `calls=count position` is followed by one line with the inclusive cost of those calls, whose target is the last
//! `cfn=(4) name`. A name is spelled out once and then stands for its number. See "Callgrind Format Specification" in
//! valgrind's manual.

use std::collections::HashMap;

/// What a profile says, in instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// All that ran.
    pub(crate) total: u64,
    /// For each function that is called, all that ran in its calls, its callees' as well. A function that calls itself
    /// counts more than once.
    inclusive: HashMap<String, u64>,
}

impl Profile {
    /// Reads a profile. `None`: it is none, or has no total.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut profile = Self::default();
        let mut names: HashMap<&str, &str> = HashMap::new();
        let mut callee = None;
        let mut is_call = false;
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("fn=") {
                resolve(function, &mut names);
            } else if let Some(function) = line.strip_prefix("cfn=") {
                callee = resolve(function, &mut names);
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some(total) = line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")) {
                profile.total = profile.total.max(total.split_whitespace().next()?.parse().ok()?);
            } else if is_call {
                is_call = false;
                let cost: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
                *profile.inclusive.entry(callee?.to_owned()).or_default() += cost;
            }
        }
        (profile.total > 0).then_some(profile)
    }

    /// What ran in calls of the functions whose names `is_meant` accepts; `None` if none was called.
    pub(crate) fn inclusive(&self, is_meant: impl Fn(&str) -> bool) -> Option<u64> {
        let meant = self.inclusive.iter().filter(|(name, _)| is_meant(name));
        meant.map(|(_, cost)| *cost).reduce(|sum, cost| sum + cost)
    }
}

/// `(3) name` defines number 3, `(3)` uses it, and a name without a number is itself.
fn resolve<'a>(function: &'a str, names: &mut HashMap<&'a str, &'a str>) -> Option<&'a str> {
    match function.split_once(')') {
        Some((number, "")) if number.starts_with('(') => names.get(number).copied(),
        Some((number, name)) if number.starts_with('(') => {
            names.insert(number, name.trim_start());
            Some(name.trim_start())
        }
        _ => Some(function),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
# callgrind format
events: Ir
fl=(1) bench.rs
fn=(1) main
16 400
cfi=(2) testing.rs
cfn=(2) nearcall::testing::Served::serve
calls=10 50
16 900
+2 3
fn=(2)
50 200
cfn=(3) claim
calls=10 1
+4 700
fn=(4) other
1 7
cfn=(2)
calls=1 50
* 90
totals: 1310
";

    #[test]
    fn calls_of_a_function_add_up() {
        let profile = Profile::parse(PROFILE).unwrap();
        assert_eq!(profile.total, 1310);
        assert_eq!(profile.inclusive(|name| name.ends_with("Served::serve")), Some(990));
        assert_eq!(profile.inclusive(|name| name == "claim"), Some(700));
        assert_eq!(profile.inclusive(|name| name == "main"), None);
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(Profile::parse(""), None);
        assert_eq!(Profile::parse("totals: many"), None);
        assert_eq!(Profile::parse("calls=1 2\n3"), None);
    }
}
