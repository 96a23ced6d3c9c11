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
        ("rate=0.1", "", "8:6", "`drop/udp`: every and `rate`: one of them says which messages are meant"),
        ("rate=0.1", "rate=0.1 every=2", "8:43", "`drop/udp`: every and `rate`: one of them"),
        ("127.0.0.1:0 peers", "127.0.0.1:0,127.0.0.1:1 peers", "2:21", "`local` is an address with its port"),
        (
            "name=echo protocols=udp port=7",
            "name=echo protocols=udp",
            "10:6",
            "`echo` needs the option `port` above `udp`",
        ),
        (
            "name=echo protocols=udp port=7",
            "name=delay protocols=udp time=1s; name=echo/2 protocols=delay port=7; name=echo protocols=udp port=7",
            "10:100",
            "`echo` and `echo/2` have the same port above `udp`",
        ),
        ("ip anchor/raw 253", "ip anchor/raw 256", "14:15", "above `ip` there are numbers from 0 to 255"),
        (
            "ip anchor/raw 253",
            "ip anchor/raw 253; eth ip 5",
            "14:27",
            "above `eth` there are numbers from 1536 to 65535",
        ),
        ("ip anchor/raw 253", "ip anchor/raw 253; udp echo 9", "14:20", "`udp` tells nobody above it apart by numbers"),
        (
            "ip anchor/raw 253",
            "ip anchor/raw 253; eth echo 7000",
            "14:20",
            "no protocol of the first name has one of the second",
        ),
        (
            "ip anchor/raw 253",
            "ip anchor/raw 253; ip anchor/raw 254",
            "14:34",
            "`anchor/raw` has a number above `ip` already",
        ),
        ("ip anchor/raw 253", "ip=a anchor/raw 253", "14:1", "a number is given in three words"),
        ("name=eth protocols", "name=eth{handoff=none} protocols", "4:10", "only edges have annotations"),
        ("10.0.0.1/24", "224.0.0.1/24", "6:35", "`ip`: address is no host's"),
        ("10.0.0.1/24", "10.0.0.255/24", "6:35", "`ip`: address is no host's"),
        ("10.0.0.1/24", "10.0.0.0/24", "6:35", "`ip`: address is no host's"),
        ("10.0.0.1/24", "10.0.0.1/24 gateway=10.0.1.1", "6:55", "`ip`: gateway is no other host of the network"),
        ("10.0.0.1/24", "10.0.0.1/24 gateway=10.0.0.1", "6:55", "`ip`: gateway is no other host of the network"),
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

/// Of any sort, beside any other: nothing waits until the rest is mended.
#[test]
fn no_problem_hides_another() {
    let text = HOST
        .replace("protocols=eth,arp", "protocols=arp,eth adress=1")
        .replace("ip anchor/raw 253", "ip nobody 300")
        .replace("name=icmp protocols=ip", "name=tcp protocols=nothing")
        .replace("port=7", "")
        .replace("rate=0.1", "");
    let problems = read(&text).unwrap_err();
    let said = problems.to_string();
    for what in [
        "`arp` cannot be here",
        "has no option `adress`",
        "there is no protocol `tcp`",
        "nothing is called `nothing`",
        "one of them says which",
        "needs the option `port`",
        "nothing is called `icmp`",
        "`anchor/raw` has no number above `ip`",
        "nothing is called `nobody`",
        "above `ip` there are numbers from 0 to 255",
    ] {
        assert!(said.contains(what), "{what} is not in\n{said}");
    }
}

/// 2^300 ways lead through each of these, and each is soon read.
#[test]
fn ladders_are_read_step_by_step() {
    let wire = "name=wire_udp local=127.0.0.1:0 peers=127.0.0.1:9;\n@;\nname=eth protocols=wire_udp;\n";
    let step = |n: usize, below: usize| match below {
        0 => format!("name=vsize/{n} protocols=eth,eth;\n"),
        below => format!("name=vsize/{n} protocols=vsize/{below},vsize/{below};\n"),
    };
    let up: String = (1..=300).map(|n| step(n, n - 1)).collect();
    let plan = read(&format!("{wire}{up}name=echo protocols=vsize/300;\n@;\neth echo 0x9000;\n"));
    assert_eq!(plan.unwrap_or_else(|problems| panic!("{problems}")).names().count(), 303);
    // The same, upside down, and round.
    let down: String = (1..300).map(|n| step(n, n + 1)).collect();
    let problems = read(&format!("{wire}{down}{}", step(300, 0))).unwrap_err();
    assert_eq!(problems.list.iter().filter(|one| one.what.contains("is defined only in line")).count(), 2 * 299);
    let problems = read(&format!("{wire}{down}{}", step(300, 1))).unwrap_err();
    assert!(problems.list.iter().filter(|one| one.what.contains("would be below itself")).count() >= 2 * 299);
    // Relays upon relays, and more of them than may be.
    let relays = |count: usize| -> String {
        let name = |n: usize| if n == 0 { "eth".to_owned() } else { format!("delay/{n}") };
        (1..=count).map(|n| format!("name={} protocols={} time=1s;\n", name(n), name(n - 1))).collect()
    };
    assert!(read(&format!("{wire}{}", relays(1000))).is_ok());
    let problems = read(&format!("{wire}{}", relays(20_000))).unwrap_err().to_string();
    assert!(problems.contains("a graph has at most 1024 protocols"), "{problems}");
}

/// Any address of a machine is not its own; those of IPv6 are told apart.
#[test]
fn addresses_that_are_made_up_differ() {
    let hardware = |local: &str| {
        let text = format!("name=wire_udp local={local} peers=127.0.0.1:9;\n@;\nname=eth protocols=wire_udp;\n");
        let graph = read(&text).unwrap().build(None, crate::Time(0)).ok()?;
        graph.with(graph.node("eth")?, crate::Time(0), |core, cx| {
            core.control(cx, None, crate::protocol::Control::Hardware)
        })
    };
    assert_ne!(hardware("0.0.0.0:0").unwrap(), hardware("0.0.0.0:0").unwrap());
    assert_eq!(hardware("127.0.0.1:0").unwrap(), hardware("127.0.0.1:0").unwrap());
    // Where there is IPv6.
    if let (Some(one), Some(other)) = (hardware("[::1]:0"), hardware("[::]:0")) {
        assert_ne!(one, other);
    }
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
