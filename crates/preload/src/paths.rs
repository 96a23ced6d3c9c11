//! Paths as bytes: whether one lies below the prefix.

/// A path without `.`, `..` and empty names but for a `/` at its end, which says that a directory is meant; relative ones are seen
/// from `base`, which is absolute.
pub(crate) fn normal(base: &[u8], path: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    let base = if path.starts_with(b"/") { b"" } else { base };
    let is_slash = |byte: &u8| *byte == b'/';
    for name in base.split(is_slash).chain(path.split(is_slash)) {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let mut normal = Vec::with_capacity(base.len() + path.len() + 1);
    for name in names {
        normal.push(b'/');
        normal.extend_from_slice(name);
    }
    if normal.is_empty() || path.ends_with(b"/") {
        normal.push(b'/');
    }
    normal
}

/// What is left of a normal path below a normal prefix: `.` for the prefix itself. `None`: it is elsewhere.
pub(crate) fn below<'p>(prefix: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    match path.strip_prefix(prefix)? {
        b"" | b"/" => Some(b"."),
        rest => rest.strip_prefix(b"/"),
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
            ("//n//one/./f/", Some("one/f/")),
            ("/n/one/../two", Some("two")),
            ("/tmp/../n/one", Some("one")),
            ("/n/../etc/passwd", None),
            ("/na", None),
            ("/", None),
            ("/etc/n/one", None),
        ] {
            let normal = normal(b"/", path.as_bytes());
            assert_eq!(below(b"/n", &normal), expected.map(str::as_bytes), "{path}");
        }
        assert_eq!(normal(b"/n/one", b"../two/./f"), b"/n/two/f");
        assert_eq!(normal(b"/n/one/", b"f\xff"), b"/n/one/f\xff");
        assert_eq!(normal(b"/n/one", b"/two"), b"/two");
        assert_eq!(normal(b"/", b"../.."), b"/");
    }
}
