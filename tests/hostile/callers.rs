//! Callers without a token, and holders of links, who do their worst.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Client, http, toolbox, wait};

use crate::arena::Arena;
use crate::attack::{Attack, Got};

/// Suspends an execution; its resume link.
fn suspended(client: &Client) -> (String, String) {
    let id = toolbox::trigger(client, &json!([{"suspend": {}}]));
    let url = client.paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    (id, url)
}

#[test]
fn a_storm_on_one_link() {
    let mut arena = Arena::tight("callers");
    let (id, url) = suspended(arena.client());
    let attack = Attack::new(
        "2 000 resumes",
        "calls one link 2 000 times, 40 at once",
        &["1 first, 1999 again"],
    );
    arena.attack(&attack.within_s(40).keeps_mib(64), |_| {
        let call = || {
            let answer = http::post(&url, &json!({"by": "anybody"})).expect(200).json();
            assert_eq!(answer["outcome"], "resumed", "{answer}");
            answer["already"] == true
        };
        let again: usize = std::thread::scope(|scope| {
            let callers: Vec<_> =
                (0..40).map(|_| scope.spawn(|| (0..50).filter(|_| call()).count())).collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).sum()
        });
        Got::new(format!("{} first, {again} again", 2000 - again), "")
    });
    arena.client().completed(&id);
    let resumes = arena.client().events(&id).iter().filter(|event| *event == "resume").count();
    arena.hold(resumes == 1, format!("2 000 resumes: {resumes} in the history"));
    arena.end();
}

#[test]
fn bodies_that_do_harm() {
    let mut arena = Arena::tight("callers");
    let (id, url) = suspended(arena.client());
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let multipart = "multipart/form-data; boundary=b";
    for (name, tries, kind, body, endings) in [
        (
            "10 000 levels",
            "sends JSON that is nested too deep",
            json,
            deep.into_bytes(),
            &["json_too_deep"][..],
        ),
        (
            "a byte too many",
            "sends 512 KiB and a byte",
            json,
            vec![b' '; 512 * 1024 + 1],
            &["body_too_large"],
        ),
        (
            "20 MiB",
            "sends 20 MiB",
            "text/plain",
            vec![b'x'; 20 << 20],
            &["body_too_large", "cut off"],
        ),
        (
            "not UTF-8",
            "sends JSON that is no text",
            json,
            b"\"\xff\"".to_vec(),
            &["malformed_json"],
        ),
        ("1e999", "sends a number that is none", json, b"1e999".to_vec(), &["malformed_json"]),
        (
            "half a surrogate pair",
            "sends half a character",
            json,
            b"\"\\ud800\"".to_vec(),
            &["malformed_json"],
        ),
        (
            "half a form",
            "sends a form that breaks off",
            multipart,
            b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx".to_vec(),
            &["malformed_body"],
        ),
    ] {
        arena.attack(&Attack::new(name, tries, endings), |_| send(&url, kind, body));
        let status = arena.client().execution(&id)["status"].clone();
        arena.hold(status == "suspended", format!("{name}: the execution is {status}"));
    }
    let fields = |pair: &dyn Fn(usize) -> String, count: usize| {
        (0..count).map(pair).collect::<String>().into_bytes()
    };
    let part = |n| format!("--b\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n\r\n");
    let mut parts = fields(&part, 9000);
    parts.extend(b"--b--\r\n");
    for (name, tries, kind, body) in [
        (
            "a form of 70 000 fields",
            "sends 70 000 fields that differ",
            form,
            fields(&|n| format!("{n}&"), 70_000),
        ),
        (
            "one field 170 000 times",
            "sends a field again and again",
            form,
            fields(&|_| "a=&".into(), 170_000),
        ),
        ("a form of 9 000 parts", "sends 9 000 parts", multipart, parts),
        (
            "170 000 lists",
            "sends half a MiB of empty lists",
            json,
            format!("[{}[]]", "[],".repeat(170_000)).into_bytes(),
        ),
        (
            "half a MiB of bytes",
            "sends bytes that grow on their way",
            "application/octet-stream",
            vec![0xff; 512 * 1024],
        ),
    ] {
        let (id, url) = suspended(arena.client());
        // What it becomes may be more than an execution may hold as one payload.
        arena.attack(&Attack::new(name, tries, &["200", "data_limit", "body_too_large"]), |_| {
            send(&url, kind, body)
        });
        let status = arena.client().execution(&id)["status"].clone();
        arena.hold(status != "failed", format!("{name}: the execution is {status}"));
    }
    arena.end();
}

fn send(url: &str, content_type: &str, body: Vec<u8>) -> Got {
    match http::request("POST", url).body(content_type, body).try_send() {
        Ok(answer) => Got { message: String::new(), ..Got::answer(&answer) },
        Err(error) => Got::new("cut off", error.to_string()),
    }
}

#[test]
fn a_schema_that_costs_the_most() {
    let mut arena = Arena::tight("callers");
    // As much as a schema may cost, and all of it is looked at before the last part fails.
    let mut parts = vec![json!({"items": {"type": "array"}}); 490];
    parts.push(json!({"maxItems": 1}));
    let actions = json!([{"suspend": {"resume_schema": {"allOf": parts}}}]);
    let id = toolbox::trigger(arena.client(), &actions);
    let url = arena.client().paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    for (name, lists) in [("a schema and lists", 3_300), ("a schema and more lists", 170_000)] {
        let lists = format!("[{}[]]", "[],".repeat(lists)).into_bytes();
        let tries = "calls a link 24 times, 3 at once, with what takes its schema long";
        let attack = Attack::new(name, tries, &["schema_mismatch"]).within_s(30);
        arena.attack(&attack.grows_mib(192).keeps_mib(128), |_| {
            let call = || send(&url, "application/json", lists.clone());
            std::thread::scope(|scope| {
                let caller = || (0..8).map(|_| call()).collect::<Vec<_>>();
                let callers: Vec<_> = (0..3).map(|_| scope.spawn(caller)).collect();
                let mut answers = callers.into_iter().flat_map(|caller| caller.join().unwrap());
                let last = answers.next_back().unwrap();
                answers.find(|got| got.ending != "schema_mismatch").unwrap_or(last)
            })
        });
    }
    let status = arena.client().execution(&id)["status"].clone();
    arena.hold(status == "suspended", format!("a schema and lists: the execution is {status}"));
    arena.end();
}

/// A connection that is spoken on by hand.
fn connect(client: &Client) -> TcpStream {
    let stream = TcpStream::connect(client.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// The first line of the answer to these bytes; nothing when the server hangs up.
fn first_line(client: &Client, bytes: &[u8]) -> String {
    let mut stream = connect(client);
    // The server may have hung up before it got everything.
    let _ = stream.write_all(bytes);
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..length]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn requests_that_are_none() {
    let mut arena = Arena::tight("callers");
    let header = |n| format!("x-{n}: y\r\n");
    let many: String = (0..100_000).map(header).collect();
    let refused = &["HTTP/1.1 431 Request Header Fields Too Large", "HTTP/1.1 400 Bad Request", ""];
    for (name, tries, bytes, endings) in [
        ("100 000 headers", "sends 100 000 headers", format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").into_bytes(), &refused[..]),
        ("a header of a MiB", "sends one long header", format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes(), refused),
        ("a path of a MiB", "asks for a long path", format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "y".repeat(1 << 20)).into_bytes(), &["HTTP/1.1 414 URI Too Long", "HTTP/1.1 431 Request Header Fields Too Large", ""]),
        ("no HTTP", "sends what is no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), refused),
        ("two lengths", "says two lengths of a body", b"POST /hooks/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_vec(), refused),
        ("a length and chunks", "says two ways in which its body ends", b"POST /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(), &["HTTP/1.1 400 Bad Request", "HTTP/1.1 405 Method Not Allowed", ""]),
        ("an impossible chunk", "says a size of a chunk that no number holds", b"POST /hooks/innocent HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n".to_vec(), &["HTTP/1.1 400 Bad Request", ""]),
    ] {
        arena.attack(&Attack::new(name, tries, endings), |client| Got::new(first_line(client, &bytes), ""));
    }
    arena.end();
}

#[test]
fn connections_that_are_held() {
    let mut arena = Arena::tight("callers");
    let open = arena.server().open_files();
    for (name, tries, begin) in [
        (
            "300 half requests",
            "opens 300 connections and sends half a request on each",
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-",
        ),
        (
            "300 slow bodies",
            "opens 300 connections and sends bodies a byte at a time",
            "POST /hooks/innocent HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000\r\n\r\n",
        ),
        (
            "300 large announcements",
            "announces 300 components of 100 MiB, without the token",
            "PUT /api/v1/components/x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\n\r\n",
        ),
    ] {
        arena.attack(&Attack::new(name, tries, &["held"]).within_s(20), |client| {
            let mut streams: Vec<TcpStream> = (0..300).map(|_| connect(client)).collect();
            for stream in &mut streams {
                // One that the server has closed is what the server wants.
                let _ = stream.write_all(begin.as_bytes());
            }
            for _ in 0..10 {
                wait::pause(Duration::from_millis(100));
                streams.iter_mut().for_each(|stream| drop(stream.write_all(b"y")));
            }
            Got::new("held", "")
        });
        let is_closed = || (arena.server().open_files() < open + 20).then_some(());
        let closed = wait::within(Duration::from_secs(5), is_closed).is_some();
        arena.hold(closed, format!("{name}: the connections are gone, and their files are open"));
    }
    arena.end();
}

#[test]
fn a_storm_of_triggers() {
    let mut arena = Arena::tight("callers");
    toolbox::deploy(arena.client(), "stormy", &json!([{"return": 1}]));
    let attack =
        Attack::new("800 triggers", "triggers a workflow 800 times, 40 at once", &["done"]);
    arena.attack(&attack.within_s(60).keeps_mib(64), |client| {
        let call = |_| http::post(&format!("{}/hooks/stormy", client.url), &Value::Null).status;
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let callers: Vec<_> =
                (0..40).map(|_| scope.spawn(|| (0..20).map(call).collect::<Vec<_>>())).collect();
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
        });
        let mut counts = BTreeMap::<u16, u32>::new();
        statuses.iter().for_each(|status| *counts.entry(*status).or_default() += 1);
        let fits = counts.keys().all(|status| [202, 503].contains(status));
        Got::new(if fits { "done" } else { "other answers" }, format!("{counts:?}"))
    });
    arena.end();
}

#[test]
fn links_that_are_guessed() {
    let mut arena = Arena::tight("callers");
    let (id, url) = suspended(arena.client());
    let (base, token) = url.rsplit_once('/').unwrap();
    let attack = Attack::new("400 guesses", "changes a link, a character at a time", &["404"]);
    arena.attack(&attack.within_s(30), |_| {
        for at in 0..400 {
            let mut guess = token.as_bytes().to_vec();
            let place = at % guess.len();
            guess[place] = if guess[place] == b'A' { b'B' } else { b'A' };
            guess.truncate(if at % 7 == 0 { place } else { guess.len() });
            let answer =
                http::post(&format!("{base}/{}", String::from_utf8(guess).unwrap()), &Value::Null);
            if answer.status != 404 {
                return Got::new(answer.status.to_string(), answer.text());
            }
        }
        Got::new("404", "each time")
    });
    let status = arena.client().execution(&id)["status"].clone();
    arena.hold(status == "suspended", format!("400 guesses: the execution is {status}"));
    arena.end();
}
