//! Who gets in, how many, how long and how often; and who does not.

use std::time::Duration;

use serde_json::json;
use waystation_tests::{Cli, Client, Raw, Server, ServerOptions, http, toolbox, wait};

/// A server with room for few.
fn narrow() -> ServerOptions<'static> {
    ServerOptions::new()
        .env("WAYSTATION_LIMITS_CONNECTIONS_MAX", "20")
        .env("WAYSTATION_LIMITS_CONNECTIONS_PER_ADDRESS_MAX", "10")
}

/// Somebody with an honest request is served, and soon.
#[track_caller]
fn is_served(client: &Client) {
    let request = http::request("GET", &format!("{}/api/v1/workflows", client.url));
    let request = request.header("authorization", "Bearer token-of-the-tests");
    request.patience(Duration::from_secs(10)).send().expect(200);
}

#[test]
fn requests_that_are_never_finished_keep_nobody_out() {
    let server = narrow().start();
    let client = server.client();
    toolbox::deploy(client, "w", &json!([{"return": 1}]));
    let half = |start: &str| {
        let mut connection = Raw::to(client);
        connection.send(start);
        connection
    };
    let mut held = Vec::new();
    for start in [
        "",
        "GET /healthz HT",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /hooks/w HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx",
    ] {
        held.extend((0..40).map(|_| half(start)));
        is_served(client);
    }
    drop(held);
    is_served(client);
}

#[test]
fn whoever_takes_no_answers_keeps_nobody_out() {
    let server = narrow().start();
    let client = server.client();
    let mut readers: Vec<Raw> = Vec::new();
    for _ in 0..12 {
        let mut reader = Raw::to(client);
        reader.send(&"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000));
        readers.push(reader);
    }
    is_served(client);
}

#[test]
fn one_who_is_waited_for_too_long_is_hung_up_on() {
    let server = ServerOptions::new()
        .env("WAYSTATION_LIMITS_HEADER_TIMEOUT_S", "1")
        .env("WAYSTATION_LIMITS_BODY_TIMEOUT_S", "1")
        .env("WAYSTATION_LIMITS_WRITE_TIMEOUT_S", "1")
        .env("WAYSTATION_LIMITS_IDLE_TIMEOUT_S", "2")
        .start();
    let client = server.client();
    toolbox::deploy(client, "w", &json!([{"return": 1}]));

    let mut silent = Raw::to(client);
    assert_eq!(silent.rest(), "");

    // A byte now and then is no way to keep a connection.
    let mut slow = Raw::to(client);
    slow.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
    wait::until("the slow headers are given up", || (!slow.send("x")).then_some(()));

    let mut body = Raw::to(client);
    body.send("POST /hooks/w HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx");
    assert!(body.some().starts_with("HTTP/1.1 408"));

    let mut idle = Raw::to(client);
    idle.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(idle.rest().starts_with("HTTP/1.1 200"));

    // Asks and asks, and takes no answer.
    let mut deaf = Raw::to(client);
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100).into_bytes();
    let mut at = 0;
    wait::until("the deaf client is hung up on", || match deaf.send_some(&request[at..]) {
        Some(sent) => {
            at = (at + sent) % request.len();
            None
        }
        None => Some(()),
    });
}

#[test]
fn requests_have_a_size() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_HEADERS_MAX", "20").start();
    let ask = |request: &str| {
        let mut connection = Raw::to(server.client());
        // The server may have hung up before it has heard all.
        connection.send(request);
        let answer = connection.rest();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    let with = |line: &str, headers: &str| {
        format!("GET {line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")
    };
    let ok = "HTTP/1.1 200 OK";
    assert_eq!(ask(&with("/healthz", &"X: 1\r\n".repeat(18))), ok);
    let many = ask(&with("/healthz", &"X: 1\r\n".repeat(19)));
    assert_eq!(many, "HTTP/1.1 431 Request Header Fields Too Large");
    // With `Host: localhost` and `Connection: close` there are 65,536 bytes.
    let exact = 65_536 - "Host: localhost\r\nConnection: close\r\nX: \r\n".len();
    let large = |bytes: usize| ask(&with("/healthz", &format!("X: {}\r\n", "x".repeat(bytes))));
    assert_eq!(large(exact - 100), ok);
    for bytes in [exact + 1, 200_000, 10_000_000] {
        assert_eq!(large(bytes), "HTTP/1.1 431 Request Header Fields Too Large", "{bytes}");
    }
    let url = |bytes: usize| format!("/healthz?{}", "x".repeat(bytes - "/healthz?".len()));
    assert_eq!(ask(&with(&url(16_384), "")), ok);
    assert_eq!(ask(&with(&url(16_385), "")), "HTTP/1.1 414 URI Too Long");
}

#[test]
fn a_request_says_clearly_whom_it_is_for() {
    let server = Server::start();
    let ask = |lines: &str| {
        let mut connection = Raw::to(server.client());
        connection.send(&format!("{lines}\r\nConnection: close\r\n\r\n"));
        connection.rest().split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let api = "Authorization: Bearer token-of-the-tests";
    assert_eq!(ask("GET /healthz HTTP/1.1"), "400");
    assert_eq!(ask("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a"), "400");
    assert_eq!(ask("GET /healthz HTTP/1.1\r\nHost: a b"), "400");
    assert_eq!(ask("GET /healthz HTTP/1.0"), "200");
    assert_eq!(ask("GET /healthz HTTP/1.1\r\nHost: elsewhere.example"), "200");
    // A web page elsewhere, whose name leads to this machine.
    let rebound = format!("GET /api/v1/workflows HTTP/1.1\r\nHost: rebound.example\r\n{api}");
    assert_eq!(ask(&rebound), "421");
    let absolute =
        format!("GET http://rebound.example/api/v1/workflows HTTP/1.1\r\nHost: localhost\r\n{api}");
    assert_eq!(ask(&absolute), "421");
    for path in ["/hooks/w", "/resume/x", "/cancel/x", "/approve/x", "/metrics", "/"] {
        assert_eq!(ask(&format!("POST {path} HTTP/1.1\r\nHost: rebound.example")), "421", "{path}");
    }
    assert_eq!(ask("GET /readyz HTTP/1.1\r\nHost: elsewhere.example"), "200");
    let local = format!("GET /api/v1/workflows HTTP/1.1\r\nHost: localhost:1\r\n{api}");
    assert_eq!(ask(&local), "200");
    assert_eq!(ask("POST /hooks/w HTTP/1.1\r\nHost: localhost:1"), "404");
}

#[test]
fn links_lead_to_the_public_url_whatever_host_a_request_names() {
    let public = "https://flows.example/base";
    let server = ServerOptions::new().env("WAYSTATION_PUBLIC_URL", public).start();
    let client = server.client();
    toolbox::deploy(client, "w", &json!([{"suspend": {}}]));
    let request = http::request("POST", &format!("{}/hooks/w?a=b", client.url))
        .header("host", "localhost:1")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    let triggered = request.send().expect(202);
    assert!(triggered.header("location").starts_with(public));
    let execution = client.paused(triggered.json()["id"].as_str().unwrap());
    assert_eq!(execution["event"]["url"], format!("{public}/hooks/w?a=b"));
    for link in ["resume_url", "cancel_url", "approval_url"] {
        assert!(execution["waiting"][link].as_str().unwrap().starts_with(public), "{execution}");
    }
    // And the public URL's host is a name of this server, as a proxy passes it on.
    let api = client.request("GET", "/api/v1/workflows").header("host", "flows.example");
    api.send().expect(200);
    let called = |host: &str, path: &str| {
        let request = http::request("POST", &format!("{}{path}", client.url));
        request.header("host", host).header("x-forwarded-for", "192.0.2.1").send()
    };
    called("flows.example", "/hooks/w").expect(202);
    let resume = execution["waiting"]["resume_url"].as_str().unwrap();
    let resume = resume.strip_prefix(public).unwrap();
    assert_eq!(called("evil.example", resume).expect(421).json()["code"], "misdirected_request");
    assert_eq!(client.execution(execution["id"].as_str().unwrap())["status"], "suspended");
    called("flows.example", resume).expect(200);
}

#[test]
fn an_address_that_calls_too_often_has_to_wait() {
    let server = ServerOptions::new()
        .env("WAYSTATION_LIMITS_HOOKS_PER_MINUTE", "3")
        .env("WAYSTATION_LIMITS_WRONG_TOKENS_PER_MINUTE", "2")
        .env("WAYSTATION_TRUSTED_PROXIES", "127.0.0.0/8")
        .start();
    let client = server.client();
    toolbox::deploy(client, "w", &json!([{"return": 1}]));
    let hook = |from: &str| {
        let request = http::request("POST", &format!("{}/hooks/w", client.url));
        request.header("x-forwarded-for", from).send()
    };
    for _ in 0..3 {
        hook("192.0.2.1").expect(202);
    }
    let refused = hook("192.0.2.1").expect(429);
    assert_eq!(refused.json()["code"], "rate_limited");
    assert!((1..=20).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    hook("192.0.2.2").expect(202);

    let guess = |token: &str| {
        let request = http::request("GET", &format!("{}/api/v1/workflows", client.url));
        let request = request.header("x-forwarded-for", "192.0.2.3");
        request.header("authorization", &format!("Bearer {token}")).send().status
    };
    assert_eq!([guess("a"), guess("b"), guess("token-of-the-tests")], [401, 401, 429]);
    is_served(client);
}

#[test]
fn tokens_are_made_used_and_revoked_on_the_command_line() {
    let server = Server::start();
    let root = Cli::of(&server);
    let made = root.run(&["token", "create", "--name", "ci", "--scope", "deploy"]).expect(0);
    let token = made.stdout.trim().to_owned();
    assert!(token.starts_with("ws_") && !made.stderr.contains(&token), "{made:?}");
    assert!(made.stderr.contains("not shown again"), "{made:?}");
    let ci = root.clone().env("WAYSTATION_TOKEN", &token);
    ci.run(&["workflow", "ls"]).expect(0);
    let refused = ci.run(&["trigger", "w"]).expect(1);
    assert!(refused.stderr.contains("lacks the scope operate"), "{}", refused.stderr);
    let refused = ci.run(&["token", "ls"]).expect(1);
    assert!(refused.stderr.contains("lacks the scope admin"), "{}", refused.stderr);
    root.run(&["token", "create", "--name", "x", "--scope", "write"]).expect(2);
    root.run(&["token", "create", "--name", "x"]).expect(2);
    let bad = root.run(&["token", "create", "--name", "a b", "--scope", "read"]).expect(1);
    assert!(bad.stderr.contains("name: "), "{}", bad.stderr);

    let arguments = ["token", "create", "--name", "b", "--scope", "read", "--scope", "operate"];
    let second = root.json(&[&arguments[..], &["--expires-days", "7"]].concat());
    assert!(second["expires_at"].is_string() && second["token"].is_string());

    // They are there after a crash.
    let server = server.kill_and_restart();
    let root = Cli::of(&server);
    let ci = root.clone().env("WAYSTATION_TOKEN", &token);
    ci.run(&["workflow", "ls"]).expect(0);
    let listed = root.json(&["token", "ls"]);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(&token));
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(root.run(&["token", "ls"]).expect(0).stdout.contains("operate"));
    root.run(&["token", "revoke", &id]).expect(0);
    ci.run(&["workflow", "ls"]).expect(1);
    root.run(&["token", "revoke", &id]).expect(1);
    // And not after that.
    let server = server.kill_and_restart();
    Cli::of(&server).env("WAYSTATION_TOKEN", &token).run(&["workflow", "ls"]).expect(1);
    assert_eq!(server.client().get("/api/v1/check").expect(200).json()["problems"], json!([]));
}

#[test]
fn the_log_says_who_did_it_and_never_with_what() {
    let server = ServerOptions::new().env("WAYSTATION_LOG_LEVEL", "trace").start();
    let client = server.client();
    let root = Cli::of(&server);
    let arguments = ["token", "create", "--name", "on-call", "--scope", "operate"];
    let made = root.json(&arguments);
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let execution = client.paused(&toolbox::trigger(client, &json!([{"suspend": {}}])));
    let waiting = &execution["waiting"];
    let mut secrets = vec![token[20..].to_owned(), waystation_tests::TOKEN.to_owned()];
    let call = |method: &str, url: &str, bearer: &str| {
        let request =
            http::request(method, url).header("authorization", &format!("Bearer {bearer}"));
        request.header("content-type", "application/json").send()
    };
    let wrong = format!("{}x", &token[..token.len() - 1]);
    secrets.push(wrong[20..].to_owned());
    let path = execution["id"].as_str().unwrap();
    for bearer in [token, &wrong] {
        for (method, path) in [
            ("GET", format!("/api/v1/executions/{path}")),
            ("POST", format!("/api/v1/executions/{path}/resume?token={bearer}")),
            ("PUT", format!("/api/v1/workflows/{bearer}")),
            ("GET", format!("/api/v1/{bearer}")),
            ("DELETE", format!("/api/v1/tokens/{bearer}")),
            ("GET", format!("/healthz?token={bearer}")),
            ("GET", format!("/{bearer}")),
            ("PATCH", format!("/api/v1/workflows?{bearer}")),
            ("POST", format!("/hooks/{bearer}?token={bearer}")),
        ] {
            call(method, &format!("{}{path}", client.url), bearer);
        }
    }
    for link in ["resume_url", "cancel_url", "approval_url"] {
        let link = waiting[link].as_str().unwrap();
        let secret = link.rsplit('/').next().unwrap().to_owned();
        for method in ["HEAD", "OPTIONS", "GET", "POST", "BREW"] {
            call(method, link, "none");
            call(method, &format!("{link}x?again={secret}"), "none");
            call(method, &format!("{}/hooks/toolbox/{secret}?link={link}", client.url), "none");
        }
        let mut broken = Raw::to(client);
        broken
            .send(&format!("GET /resume/{secret} HTTP/1.1\r\nHost: localhost\r\n broken\r\n\r\n"));
        broken.rest();
        let mut cut = Raw::to(client);
        cut.send(&format!(
            "POST /resume/{secret} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        ));
        drop(cut);
        secrets.push(secret);
    }
    client.ended(path);
    drop(call("GET", &format!("{}/api/v1/backup?keys=true", client.url), waystation_tests::TOKEN));

    let log = server.log();
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
    let resumed = log.lines().find(|line| line.contains("/resume") && line.contains("on-call"));
    let resumed = resumed.unwrap_or_else(|| panic!("who resumed is not in the log:\n{log}"));
    assert!(resumed.contains(id) && resumed.contains("127.0.0.1"), "{resumed}");
}

#[test]
fn nothing_says_that_other_sites_may_read_answers() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy(client, "w", &json!([{"suspend": {}}]));
    let id = client.trigger("w", &json!({}));
    let approval = client.paused(&id)["waiting"]["approval_url"].as_str().unwrap().to_owned();
    for url in ["/api/v1/workflows", "/healthz", "/metrics", "/readyz", "/hooks/w", "/nothing"]
        .map(|path| format!("{}{path}", client.url))
        .into_iter()
        .chain([approval])
    {
        for method in ["GET", "OPTIONS"] {
            let request = http::request(method, &url)
                .header("origin", "https://evil.example")
                .header("access-control-request-method", "POST");
            let answer = request.send();
            let names = answer.headers.keys().map(|name| name.as_str().to_owned());
            let cors: Vec<String> =
                names.filter(|name| name.starts_with("access-control")).collect();
            assert_eq!(cors, Vec::<String>::new(), "{method} {url}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {url}");
        }
    }
}
