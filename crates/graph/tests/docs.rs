//! docs/graph.md names every kind and every option, with what is so without it.

use nearcall_graph::compose::{Default, Kinds};

#[test]
fn the_documentation_has_every_option() {
    let text = include_str!("../../../docs/graph.md");
    let (mut kind, mut at) = (String::new(), Vec::new());
    // Rows of the tables: kinds in the first column that has a code word, options with their defaults after it.
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let Some(first) = cells.first().filter(|cell| cell.starts_with('`')) {
            kind = (*first).to_owned();
        }
        let option = cells.iter().skip(1).find(|cell| cell.starts_with('`')).map(|cell| cell.trim_matches('`'));
        let names = kind.split(':').next().unwrap().split(',').map(|name| name.trim().trim_matches('`').to_owned());
        for name in names {
            at.push((name, option.unwrap_or_default().to_owned(), (*cells.last().unwrap()).to_owned()));
        }
    }
    for kind in Kinds::standard().iter() {
        for setting in &kind.settings {
            let row = at.iter().find(|(name, option, _)| name == kind.name && option == setting.name);
            let (_, _, without) = row.unwrap_or_else(|| panic!("`{}` of `{}` is not there", setting.name, kind.name));
            match setting.default {
                Default::Is(value) => assert_eq!(without, value, "`{}` of `{}`", setting.name, kind.name),
                Default::Required => assert_eq!(without, "needed", "`{}` of `{}`", setting.name, kind.name),
                Default::Absent => assert_ne!(without, "needed", "`{}` of `{}`", setting.name, kind.name),
            }
        }
        assert!(at.iter().any(|(name, ..)| name == kind.name), "`{}` is not there", kind.name);
    }
}

/// Protocols import the interface and the tools: nothing of each other, and no system calls.
#[test]
fn protocols_know_no_neighbours() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocols");
    let mut files = vec![directory.clone(), directory.join("ip"), directory.join("blast"), directory.join("chan")];
    let mut count = 0;
    while let Some(path) = files.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            count += 1;
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| line.trim_start().starts_with("use ")) {
                let relay = ["fault", "trace"].contains(&name.as_str()) && line.contains("super::relay");
                let io = name == "trace" && line.contains("std::io");
                let own = ["ip", "blast", "chan"].iter().any(|name| path.parent().unwrap().ends_with(name));
                let inside = own && (line.contains("self::") || line.contains("super::"));
                let tools = [
                    "core::",
                    "std::collections",
                    "zerocopy",
                    "crate::checksum",
                    "crate::event",
                    "crate::graph",
                    "crate::map",
                    "crate::message",
                    "crate::participants",
                    "crate::protocol::",
                    "crate::rtt",
                    "crate::sessions",
                ];
                assert!(relay || io || inside || tools.iter().any(|tool| line.contains(tool)), "{name}: {line}");
            }
            for word in ["rustix", "Instant", "SystemTime", "crate::protocols"] {
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
    assert!(count >= 24, "{count}");
}
