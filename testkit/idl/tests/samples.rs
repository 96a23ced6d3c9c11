//! Sizes and fingerprints of random interfaces, as the interface compiler shows them and as rustc computes them.

#[test]
fn layouts_are_those_that_rustc_computes() {
    let mut procedures = 0;
    for sample in nearcall_testkit_idl::samples() {
        let lines: Vec<&str> = sample.layout.lines().collect();
        for procedure in sample.compiled.iter().flat_map(|description| description.procedures()) {
            let text = procedure.to_string();
            let expected: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|line| *line == expected[0]);
            let at = at.unwrap_or_else(|| panic!("{}\n{}\n{}", expected[0], sample.text, sample.layout));
            let path = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
            assert_eq!(path(lines[at + 1]), path(expected[1]), "{}\n{}", expected[0], sample.text);
            assert_eq!(lines[at + 2], expected[2], "{}\n{}", expected[0], sample.text);
            procedures += 1;
        }
    }
    assert!(procedures > 10, "{procedures}");
}
