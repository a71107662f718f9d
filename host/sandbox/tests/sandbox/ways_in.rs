//! Ways to what no step may reach, each tried by a guest that may call any URL: none arrives.

use std::sync::Arc;

use waystation_sandbox::{OutboundPolicy, OwnServer, Sandbox};

use crate::support::calls::{Arrivals, Call, Names, calling, in_words};
use crate::support::{returned, run_in, sandbox};

const ANY: [&str; 2] = ["http://*:*", "https://*:*"];

/// What it is, and how it is called.
type Way = (&'static str, Call);

/// Spellings of the authority.
fn spellings(port: u16) -> Vec<Way> {
    let hosts = [
        ("loopback", "127.0.0.1"),
        ("another loopback address", "127.0.0.2"),
        ("the last loopback address", "127.255.255.254"),
        ("decimal", "2130706433"),
        ("octal", "0177.0.0.1"),
        ("octal, one number", "017700000001"),
        ("hexadecimal", "0x7f.0x0.0x0.0x1"),
        ("hexadecimal, one number", "0x7f000001"),
        ("hexadecimal, capitals", "0X7F000001"),
        ("mixed bases", "0x7f.0.0.01"),
        ("short", "127.1"),
        ("short, three numbers", "127.0.1"),
        ("leading zeros", "127.0.0.0001"),
        ("a dot at its end", "127.0.0.1."),
        ("two dots at its end", "127.0.0.1.."),
        ("this host", "0.0.0.0"),
        ("this host, short", "0"),
        ("IPv6 loopback", "[::1]"),
        ("IPv6 loopback, long", "[0000:0000:0000:0000:0000:0000:0000:0001]"),
        ("IPv6 this host", "[::]"),
        ("IPv4-mapped", "[::ffff:127.0.0.1]"),
        ("IPv4-mapped, hexadecimal", "[::ffff:7f00:1]"),
        ("IPv4-compatible", "[::127.0.0.1]"),
        ("IPv4-translated", "[::ffff:0:127.0.0.1]"),
        ("NAT64", "[64:ff9b::127.0.0.1]"),
        ("NAT64, local", "[64:ff9b:1::127.0.0.1]"),
        ("6to4", "[2002:7f00:1::]"),
        ("ISATAP", "[2a00:1450::5efe:127.0.0.1]"),
        ("Teredo", "[2001:0:7f00:1::1]"),
        ("link-local", "[fe80::1]"),
        ("a zone id", "[::1%lo]"),
        ("a zone id, encoded", "[::1%25lo]"),
        ("a name for loopback", "localhost"),
        ("the same in capitals", "LOCALHOST"),
        ("the same with a dot", "localhost."),
        ("fullwidth digits", "１２７.0.0.1"),
        ("ideographic dots", "127。0。0。1"),
        ("circled digits", "①②⑦.0.0.①"),
        ("a soft hyphen", "127.0.0\u{ad}.1"),
        ("percent-encoded", "%31%32%37.0.0.1"),
        ("percent-encoded dots", "127%2e0%2e0%2e1"),
        ("a NUL at its end", "127.0.0.1\0"),
        ("a space before it", " 127.0.0.1"),
        ("a tab in it", "127.0.\t0.1"),
    ];
    let to = |(way, host)| (way, Call::to(&format!("{host}:{port}")));
    hosts.into_iter().map(to).collect()
}

/// Addresses that nobody of ours listens at.
fn elsewhere() -> Vec<Way> {
    [
        ("metadata", "169.254.169.254"),
        ("metadata, decimal", "2852039166"),
        ("metadata, mapped", "[::ffff:169.254.169.254]"),
        ("metadata of AWS, IPv6", "[fd00:ec2::254]"),
        ("metadata of Alibaba", "100.100.100.200"),
        ("platform of Azure", "168.63.129.16"),
        ("private, 10/8", "10.0.0.1"),
        ("private, 172.16/12", "172.31.255.254"),
        ("private, 192.168/16", "192.168.1.1"),
        ("unique local", "[fd12:3456::1]"),
        ("multicast", "224.0.0.1"),
        ("broadcast", "255.255.255.255"),
    ]
    .map(|(way, host)| (way, Call::to(host)))
    .into()
}

/// Tricks with the rest of the request.
fn tricks(port: u16) -> Vec<Way> {
    let ours = format!("127.0.0.1:{port}");
    let to = |authority: String| Call::to(&authority);
    let path = |path: String| Call { path, ..Call::to("allowed.test") };
    let header = |name: &str, value: &str| Call {
        header: Some((name.into(), value.into())),
        ..Call::to("allowed.test")
    };
    let method = |method: &str| Call { method: method.into(), ..Call::to(&ours) };
    vec![
        ("a user's name", to(format!("allowed.test@{ours}"))),
        ("a user's name and password", to(format!("allowed.test:80@{ours}"))),
        ("two at signs", to(format!("a@allowed.test@{ours}"))),
        ("a backslash", to(format!("{ours}\\@allowed.test"))),
        ("a slash in the authority", to(format!("{ours}/@allowed.test"))),
        ("a fragment in the authority", to(format!("{ours}#@allowed.test"))),
        ("a query in the authority", to(format!("{ours}?@allowed.test"))),
        ("a new line in the authority", to(format!("allowed.test\r\nHost: {ours}"))),
        ("no host", to(format!(":{port}"))),
        ("two ports", to(format!("127.0.0.1:80:{port}"))),
        ("a port with a sign", to(format!("127.0.0.1:+{port}"))),
        ("an absolute path", path(format!("http://{ours}/"))),
        ("an authority as path", path(format!("@{ours}/"))),
        ("a new line in the path", path(format!("/ HTTP/1.1\r\nHost: {ours}\r\n\r\n"))),
        ("a Host header", header("host", &ours)),
        ("a new line in a header", header("x-a", &format!("b\r\nhost: {ours}"))),
        ("a Connection header", header("connection", "host")),
        ("an Upgrade header", header("upgrade", "h2c")),
        ("CONNECT", method("CONNECT")),
        ("a new line in the method", method("GET / HTTP/1.1\r\n\r\nGET")),
        ("TLS", Call { tls: true, ..Call::to(&ours) }),
    ]
}

/// Names that lead there.
fn names(port: u16) -> (Vec<Way>, Names) {
    let public = "8.8.8.8";
    let mut many = vec![public; 100];
    many.push("127.0.0.1");
    let mut ways = Vec::new();
    let mut names = Names::default();
    for (way, name, answer) in [
        ("a name that leads to loopback", "loopback.test", vec!["127.0.0.1"]),
        ("… to IPv6 loopback", "six.test", vec!["::1"]),
        ("… to a mapped address", "mapped.test", vec!["::ffff:127.0.0.1"]),
        ("… to NAT64", "nat64.test", vec!["64:ff9b::7f00:1"]),
        ("… to this host", "unspecified.test", vec!["0.0.0.0"]),
        ("… to metadata", "metadata.test", vec!["169.254.169.254"]),
        ("… to a link of this machine", "scoped.test", vec!["[fe80::1%1]:80"]),
        ("… to loopback, at another port", "port.test", vec!["127.0.0.1:1"]),
        ("good, then bad", "mixed.test", vec![public, "127.0.0.1"]),
        ("bad, then good", "mixed-too.test", vec!["127.0.0.1", public]),
        ("one bad among many", "many.test", many),
    ] {
        ways.push((way, Call::to(&format!("{name}:{port}"))));
        names = names.with(name, &[&answer]);
    }
    // What the tricks pretend to call must not be reachable, either.
    (ways, names.with("allowed.test", &[&["127.0.0.1"]]))
}

/// Tries `ways`, and prints what came of each.
#[expect(clippy::print_stdout, reason = "the table is for people, with --nocapture")]
async fn attempt(sandbox: &Sandbox, arrivals: &Arrivals, ways: &[Way]) -> Vec<String> {
    println!("{:<32} {:<34} {:<28} arrived", "way", "authority", "the guest got");
    let mut through = Vec::new();
    for (way, call) in ways {
        let before = arrivals.count();
        let report = run_in(sandbox, call.guest(), calling("", &ANY)).await;
        let got = in_words(returned(&report).0.unwrap());
        let arrived = arrivals.count() - before;
        let authority = call.authority.escape_debug().to_string();
        println!("{way:<32} {authority:<34.34} {got:<28} {arrived}");
        let refused = got.parse::<u16>().is_err() && got != "DNS-error";
        if !refused || arrived > 0 {
            through.push(format!("{way}: {got}, {arrived} arrived, {:?}", report.logs));
        }
    }
    through
}

#[tokio::test]
async fn no_way_leads_to_what_is_closed() {
    let arrivals = Arrivals::listen().await;
    let (named, names) = names(arrivals.port);
    let ways = [spellings(arrivals.port), elsewhere(), tricks(arrivals.port), named].concat();
    assert!(ways.len() >= 80, "{} ways", ways.len());
    let resolver = Arc::new(names);
    let closed = sandbox(OutboundPolicy { resolver, ..OutboundPolicy::default() });
    let through = attempt(&closed, &arrivals, &ways).await;
    assert!(through.is_empty(), "{through:#?}");

    // The counter counts: who was there before these would have been counted before them.
    let private = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()).into();
    let open = sandbox(OutboundPolicy { private, ..OutboundPolicy::default() });
    let mut controls = vec![format!("127.0.0.1:{}", arrivals.port)];
    if tokio::net::TcpListener::bind("[::1]:0").await.is_ok() {
        controls.push(format!("[::1]:{}", arrivals.port));
    }
    for authority in &controls {
        let report = run_in(&open, Call::to(authority).guest(), calling("", &ANY)).await;
        println!("{:<32} {authority:<34} {:?}", "control", returned(&report).0);
        assert_eq!(returned(&report).0, Some("200"), "{authority} {:?}", report.logs);
    }
    assert_eq!(arrivals.count(), controls.len());
}

#[tokio::test]
async fn a_name_is_asked_once_and_what_was_checked_is_connected() {
    let arrivals = Arrivals::listen().await;
    // Only 127.0.0.2 is open; the name leads there once, and then to 127.0.0.1.
    let names = Names::default().with("rebind.test", &[&["127.0.0.2"], &["127.0.0.1"]]);
    let names = Arc::new(names);
    let sandbox = sandbox(OutboundPolicy {
        private: vec!["127.0.0.2/32".parse().unwrap()],
        resolver: names.clone(),
        ..OutboundPolicy::default()
    });
    let call = Call::to(&format!("rebind.test:{}", arrivals.port)).guest();
    let report = run_in(&sandbox, call.clone(), calling("", &ANY)).await;
    assert_eq!(returned(&report).0, Some("200"), "{:?}", report.logs);
    assert_eq!(names.asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(arrivals.count(), 1);
    let report = run_in(&sandbox, call, calling("", &ANY)).await;
    assert_eq!(returned(&report).0.map(in_words), Some("destination-IP-prohibited"));
    assert_eq!(arrivals.count(), 1);
}

#[tokio::test]
async fn our_own_server_is_closed_but_for_links_and_hooks() {
    let arrivals = Arrivals::listen().await;
    let port = arrivals.port;
    let names = Names::default().with("us.test", &[&["127.0.0.1"]]);
    let own = OwnServer::new(format!("0.0.0.0:{port}").parse().unwrap(), "https://w.example");
    let sandbox = sandbox(OutboundPolicy {
        private: ["0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap()).into(),
        own: Some(own),
        resolver: Arc::new(names),
        ..OutboundPolicy::default()
    });
    let at = |authority: &str, path: &str| Call { path: path.into(), ..Call::to(authority) };
    let ways: Vec<Way> =
        ["127.0.0.1", "127.9.9.9", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "us.test"]
            .iter()
            .flat_map(|host| {
                let authority = format!("{host}:{port}");
                ["/api/v1/executions", "/metrics", "/", "/resume/../metrics", "//resume/x"]
                    .map(|path| ("ourselves", at(&authority, path)))
            })
            .chain([("our public name", at("w.example", "/api/v1/executions"))])
            .collect();
    let through = attempt(&sandbox, &arrivals, &ways).await;
    assert!(through.is_empty(), "{through:#?}");
    let open = at(&format!("us.test:{port}"), "/resume/token");
    let report = run_in(&sandbox, open.guest(), calling("", &ANY)).await;
    assert_eq!(returned(&report).0, Some("200"), "{:?}", report.logs);
    assert_eq!(arrivals.count(), 1);
}
