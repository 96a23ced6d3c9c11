use super::{Kinds, Plan};

const HOST: &str = "\
# One host on a wire.
name=wire_udp local=127.0.0.1:0 peers=127.0.0.1:9;
@;
name=eth protocols=wire_udp;
name=arp protocols=eth;
name=ip protocols=eth,arp address=10.0.0.1/24;
name=icmp protocols=ip;
name=drop/udp protocols=ip rate=0.1;
name=udp protocols=drop/udp{handoff=explicit};
name=echo protocols=udp port=7;
name=anchor protocols=icmp;
name=anchor/raw protocols=ip;
@;
ip anchor/raw 253;
";

fn read(text: &str) -> Result<Plan, super::Problems> {
    Plan::read("a.graph", text, &Kinds::standard())
}

#[test]
fn a_whole_host() {
    let plan = read(HOST).unwrap_or_else(|problems| panic!("{problems}"));
    let names: Vec<_> = plan.names().collect();
    assert_eq!(names.len(), 10);
    assert_eq!(names[3], ("ip", vec!["eth", "arp"]));
    let svg = plan.draw();
    assert_eq!(svg.matches("<rect").count(), 10);
    assert!(svg.contains("handoff=explicit") && svg.contains("drop/udp"));
    let graph = plan.build(None, crate::Time(0)).unwrap();
    assert!(graph.anchor("anchor").is_some() && graph.anchor("ip").is_none());
}

/// What is wrong, and the place that is named: each is the host above with one line changed.
#[test]
fn what_is_wrong_is_said_and_where() {
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "name=udp protocols=drop/udp{handoff=explicit}",
            "name=tcp protocols=drop/udp",
            "9:6",
            "there is no protocol `tcp`",
        ),
        ("protocols=eth,arp", "protocols=eht,arp", "6:19", "nothing is called `eht`"),
        ("name=icmp protocols=ip", "name=icmp protocols=udp", "7:21", "is defined only in line 9"),
        ("name=arp protocols=eth", "name=arp protocols=ip", "5:20", "`arp` would be below itself"),
        ("name=eth protocols=wire_udp", "name=eth protocols=eth", "4:20", "`eth` would be below itself"),
        ("address=10.0.0.1/24", "adress=10.0.0.1/24", "6:27", "`ip` has no option `adress`"),
        ("address=10.0.0.1/24", "address=10.0.0.1", "6:35", "`address` is an IPv4 address and the bits"),
        (" address=10.0.0.1/24", "", "6:6", "`ip` needs the option `address`"),
        ("protocols=eth,arp", "protocols=arp,eth", "6:19", "`arp` cannot be here: it resolves addresses"),
        ("protocols=eth,arp", "protocols=eth", "6:6", "`ip` has 1 below"),
        ("protocols=icmp", "protocols=icmp,ip", "11:28", "`anchor` has 2 below"),
        ("name=icmp", "name=arp", "7:6", "`arp` is defined twice; first in line 5"),
        ("{handoff=explicit}", "{handoff=maybe}", "9:37", "`handoff` is one of explicit, none, not `maybe`"),
        ("{handoff=explicit}", "{colour=red}", "9:29", "an edge has no annotation `colour`"),
        ("{handoff=explicit}", "{handoff=explicit", "9:45", "`,` or `}` is missing here"),
        ("rate=0.1", "rate=2", "8:33", "`rate` is a probability"),
        ("port=7", "port=7 port=8", "10:32", "`port` is said twice"),
        ("ip anchor/raw 253", "", "12:27", "`anchor/raw` has no number above `ip`"),
        ("ip anchor/raw 253", "ip anchor/raw 17", "12:27", "`anchor/raw` and `udp` have the same number above `ip`"),
        ("ip anchor/raw 253", "ip nobody 253", "14:4", "nothing is called `nobody`"),
        ("ip anchor/raw 253", "ip anchor/raw", "14:1", "a number is given in three words"),
        ("253;", "253; @; what;", "14:23", "there is no fourth section"),
        ("name=echo protocols=udp port=7", "name=echo protocols=udp port=7 @ ", "10:32", "`@` stands only in `@;`"),
        ("name=wire_udp", "name=udp/wire", "2:6", "`udp` is no wire"),
        (
            "name=icmp protocols=ip",
            "name=wire_udp/2 local=127.0.0.1:0 peers=127.0.0.1:9",
            "7:6",
            "`wire_udp` is a wire",
        ),
        ("name=arp protocols=eth", "protocols=eth name=arp", "5:1", "a statement begins with the name"),
        ("253;", "253", "14:15", "the statement does not end"),
        ("rate=0.1", "rate=\"0.1", "8:33", "the quotation does not end"),
        (
            "name=eth protocols=wire_udp",
            "name=eth protocols=wire_udp; name=eth/2 protocols=wire_udp",
            "4:51",
            "`wire_udp` has `eth` above it already",
        ),
    ];
    let mut failed = Vec::new();
    for (right, wrong, place, what) in cases {
        // The comment in the first line is line 1, the wire line 2.
        let text = HOST.replacen(right, wrong, 1);
        assert_ne!(&text, HOST, "{right}");
        let problems = read(&text).err().unwrap_or_else(|| panic!("{wrong} is found right"));
        let said = problems.to_string();
        let line_of = |diagnostic: &super::Diagnostic| format!("{}:{}", diagnostic.span.line, diagnostic.span.column);
        let places: Vec<String> = problems.list.iter().map(line_of).collect();
        if !problems.list.iter().any(|one| line_of(one) == *place && one.what.contains(what)) {
            failed.push(format!("{wrong}: {place} {what}, but {places:?}\n{said}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_problem_is_shown_in_its_line() {
    let problems = read(&HOST.replace("10.0.0.1/24", "10.0.0.1")).unwrap_err();
    let expected = "\
error: `address` is an IPv4 address and the bits of its network, as 10.0.0.1/24
 --> a.graph:6:35
  |
6 | name=ip protocols=eth,arp address=10.0.0.1;
  |                                   ^^^^^^^^";
    assert!(problems.to_string().starts_with(expected), "{problems}");
}

#[test]
fn all_problems_are_said_at_once() {
    let text = HOST.replace("name=icmp", "name=icmpp").replace("port=7", "prot=7").replace("eth,arp", "eth,rap");
    let problems = read(&text).unwrap_err();
    let lines: Vec<usize> = problems.list.iter().map(|one| one.span.line).collect();
    assert!(lines.contains(&6) && lines.contains(&7) && lines.contains(&10), "{problems}");
    assert!(problems.to_string().contains("help: there is `icmp`"), "{problems}");
}

#[test]
fn what_cannot_be_made_is_said_at_its_option() {
    let text = HOST.replace("wire_udp local=127.0.0.1:0 peers=127.0.0.1:9", "wire_packet/a interface=no-such-thing");
    let plan = read(&text.replace("protocols=wire_udp", "protocols=wire_packet/a")).unwrap();
    let error = plan.build(None, crate::Time(0)).unwrap_err().to_string();
    assert!(error.contains("a.graph:2:30") && error.contains("interface cannot be opened"), "{error}");
}

/// The reader never fails, whatever the text.
#[test]
fn any_text_is_read() {
    use proptest::prelude::*;
    let words = proptest::sample::select(vec![
        "name",
        "=",
        "eth",
        "ip",
        "wire_udp",
        ",",
        ";",
        "@;",
        "{",
        "}",
        "\"",
        "#",
        "\n",
        "protocols",
        "handoff",
        "explicit",
        "/",
        "@",
        "é",
        "253",
        " ",
    ]);
    proptest!(|(parts in proptest::collection::vec(words, 0..60))| {
        let _ = read(&parts.concat()).map_err(|problems| problems.to_string());
    });
}
