//! Paths as text: whether one lies below the prefix.

/// A path without `.`, `..` and empty names; relative ones are seen from `base`, which is absolute.
pub(crate) fn normal(base: &str, path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { base };
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let mut normal = String::with_capacity(base.len() + path.len() + 1);
    for name in names {
        normal.push('/');
        normal.push_str(name);
    }
    if normal.is_empty() { "/".to_owned() } else { normal }
}

/// What is left of a normal path below a normal prefix: `.` for the prefix itself. `None`: it is elsewhere.
pub(crate) fn below<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    match path.strip_prefix(prefix)? {
        "" => Some("."),
        rest => rest.strip_prefix('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_below_the_prefix_and_nowhere_else() {
        for (path, expected) in [
            ("/n", Some(".")),
            ("/n/", Some(".")),
            ("/n/one/f", Some("one/f")),
            ("//n//one/./f/", Some("one/f")),
            ("/n/one/../two", Some("two")),
            ("/tmp/../n/one", Some("one")),
            ("/n/../etc/passwd", None),
            ("/na", None),
            ("/", None),
            ("/etc/n/one", None),
        ] {
            assert_eq!(below("/n", &normal("/", path)), expected, "{path}");
        }
        assert_eq!(normal("/n/one", "../two/./f"), "/n/two/f");
        assert_eq!(normal("/n/one", "/two"), "/two");
        assert_eq!(normal("/", "../.."), "/");
    }
}
