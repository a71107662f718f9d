//! A secret's value reaches the destinations that it is for, and nothing that is kept.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use waystation_tests::{
    Cli, Client, Recorded, Recorder, Reply, Server, ServerOptions, http, toolbox, wait,
};

/// Of characters that headers, URLs, JSON and forms all write in ways of their own.
const VALUE: &str = "k3y \"quo\\te\" +&=%~<ÄÖ>-9f8e7d6c5b";

/// The same length and kind, and no secret.
const MARKER: &str = "m4rk \"quo\\te\" +&=%~<ÄÖ>-1a2b3c4d5e";

fn set(server: &Server<'_>, value: &str, words: &[&str]) {
    let said = Cli::of(server).input(value).run(&[&["secret", "set"], words].concat()).expect(0);
    assert!(!said.stdout.contains(value) && !said.stderr.contains(value), "{said:?}");
}

/// Answers with what it was asked, as a JSON text in JSON.
fn echo() -> Recorder {
    Recorder::answering(|_, request: &Recorded| Reply {
        status: 200,
        body: json!({"path": request.path, "headers": request.headers, "body": request.body}),
    })
}

/// Requests that came. A connection without one is made before the request is looked through.
fn arrived(recorder: &Recorder) -> usize {
    recorder.requests().iter().filter(|request| !request.method.is_empty()).count()
}

fn allow(secrets: &Value) -> Value {
    json!({"http": ["http://127.0.0.1:*"], "email": true, "secrets": secrets})
}

/// Runs a step that may use `secrets`; the execution's id.
fn trigger(client: &Client, secrets: &Value, actions: &Value) -> String {
    toolbox::trigger_step(client, json!({"allow": allow(secrets), "props": {"do": actions}}))
}

fn send(url: &str, headers: &Value, body: &str) -> Value {
    json!({"send": {"method": "POST", "url": url, "headers": headers, "body": body}})
}

/// `text` as a part of a URL.
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let part = |byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
    text.bytes().map(part).collect()
}

/// The forms in which a text may lie somewhere.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let json = serde_json::to_string(text).unwrap();
    let json = json.trim_matches('"');
    let twice = serde_json::to_string(json).unwrap();
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = percent(text);
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut forms = vec![
        text.into(),
        html.replace('"', "&quot;").into(),
        json.into(),
        twice.trim_matches('"').into(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        percent.to_lowercase().into_bytes(),
        percent.into_bytes(),
    ];
    for shift in 0..3 {
        // The borders hold bits of what is beside it.
        let encoded = STANDARD.encode([&vec![b'a'; shift][..], text.as_bytes()].concat());
        forms.push(encoded.as_bytes()[4..encoded.len() - 4].to_vec());
    }
    forms
}

fn found(bytes: &[u8], text: &str) -> bool {
    forms(text).iter().any(|form| bytes.windows(form.len()).any(|at| at == form))
}

/// A mail, its quoted-printable parts as what they say.
fn decoded(mail: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(mail).replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.extend(byte);
        bytes.extend_from_slice(&part.as_bytes()[if byte.is_some() { 2 } else { 0 }..]);
    }
    bytes
}

/// All files below `folder` but the keys of secrets and compiled code.
fn files(folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "secret-key" || name == "compiled" {
            continue;
        }
        if path.is_dir() {
            files(&path, all);
        } else {
            let bytes = fs::read(&path).unwrap();
            if name.ends_with(".eml") {
                all.push((format!("{} decoded", path.display()), decoded(&bytes)));
            }
            all.push((path.display().to_string(), bytes));
        }
    }
}

/// Everything that anybody can get of a server afterwards, place by place.
fn places(server: &Server<'_>, ids: &[String]) -> Vec<(String, Vec<u8>)> {
    let client = server.client();
    let mut routes: Vec<String> = [
        "/api/v1/secrets",
        "/api/v1/components",
        "/api/v1/components/toolbox",
        "/api/v1/workflows",
        "/api/v1/workflows/toolbox",
        "/api/v1/workflows/toolbox/versions",
        "/api/v1/executions",
        "/api/v1/check",
        "/api/v1/backup?keys=false",
        "/api/v1/backup?keys=true",
        "/metrics",
        "/healthz",
        "/readyz",
    ]
    .map(str::to_owned)
    .into();
    for id in ids {
        routes.extend(["", "/history", "/logs"].map(|of| format!("/api/v1/executions/{id}{of}")));
        let approval = client.execution(id)["waiting"]["approval_url"].clone();
        let approval =
            approval.as_str().map(|url| url.strip_prefix(&client.url).unwrap().to_owned());
        routes.extend(approval);
    }
    // There is one backup at a time, and the one before may be about to end.
    let get = |path: String| {
        let answer = wait::until(&path, || Some(client.get(&path)).filter(|one| one.status == 200));
        (path, answer.body)
    };
    let mut places: Vec<(String, Vec<u8>)> = routes.into_iter().map(get).collect();
    files(&server.data(), &mut places);
    places.push(("the server's log".into(), server.log().into_bytes()));
    places
}

/// Lets `text` out by every way that there is, found by `actions`; the executions.
fn leak(client: &Client, secrets: &Value, actions: &[Value]) -> Vec<String> {
    let run = |way: &str| {
        let actions = [actions, &[json!("leak"), json!({"end": way})]].concat();
        trigger(client, secrets, &json!(actions))
    };
    let mut ids = Vec::new();
    for way in ["fail", "panic"] {
        let id = run(way);
        client.failed(&id);
        ids.push(id);
    }
    for way in ["suspend", "rerun"] {
        let id = run(way);
        client.paused(&id);
        ids.push(id);
    }
    let id = run("exit");
    client.completed(&id);
    ids.push(id);
    let returned = json!([actions, &[json!("leak")]].concat());
    let id = trigger(client, secrets, &returned);
    client.completed(&id);
    ids.push(id);
    ids
}

fn hook(client: &Client, secrets: &Value, actions: &[Value]) -> Vec<u8> {
    let actions = [actions, &[json!({"end": "respond"})]].concat();
    client.deploy(&json!({
        "name": "answering",
        "trigger": {"http": {"respond": "step"}},
        "steps": [{"name": "step", "component": "toolbox", "allow": allow(secrets), "props": {"do": actions}}],
    }));
    http::get(&format!("{}/hooks/answering", client.url)).expect(200).body
}

#[test]
fn a_value_reaches_its_destination_and_nothing_that_is_kept() {
    let recorder = echo();
    let server = ServerOptions::new().env("WAYSTATION_LOG_LEVEL", "trace").start();
    let client = server.client();
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    set(&server, &format!("{VALUE}\n"), &["SHOWN", "--reveal"]);
    let url = format!("{}/p?key=${{API_KEY}}", recorder.url);
    let headers = json!({
        "content-type": "application/json",
        "x-key": "Bearer ${API_KEY}",
        "authorization": "Basic ${basic:user:API_KEY}",
    });
    let call = [send(&url, &headers, "{\"key\":\"${API_KEY}\"}")];
    let mut ids = leak(client, &json!(["API_KEY"]), &call);

    // The other side got the value, in every place.
    let request = recorder.nth(1);
    assert_eq!(request.header("x-key"), Some(format!("Bearer {VALUE}").as_str()));
    let basic = request.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    assert_eq!(STANDARD.decode(basic).unwrap(), format!("user:{VALUE}").as_bytes());
    assert_eq!(request.body, json!({"key": VALUE}));
    assert_eq!(request.path, format!("/p?key={}", percent(VALUE)));

    // A step that was given the value itself.
    let revealed = json!([{"name": "SHOWN", "reveal": true}]);
    let variable = [json!({"variable": "SHOWN"})];
    ids.extend(leak(client, &revealed, &variable));
    let answers = [hook(client, &json!(["API_KEY"]), &call), hook(client, &revealed, &variable)];
    for answer in answers {
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.contains("[secret ") && !found(&answer, VALUE), "{text}");
    }
    let tested = client.post("/api/v1/workflows/toolbox/test", &Value::Null).expect(200);
    assert!(tested.text().contains("[secret SHOWN]"), "{}", tested.text());
    assert!(!found(&tested.body, VALUE), "{}", tested.text());

    // The control: what is no secret lies in all these places.
    let control = leak(client, &json!([]), &[json!({"return": MARKER})]);
    let all = [ids.clone(), control.clone()].concat();
    // Mails are delivered after their run.
    wait::until("all mails are files", || {
        let outbox = fs::read_dir(server.data().join("outbox")).ok()?;
        (outbox.count() >= all.len()).then_some(())
    });
    let places = places(&server, &all);
    for (place, bytes) in &places {
        assert!(!found(bytes, VALUE), "the value is in {place}");
    }
    let marked = |part: &str| {
        places.iter().any(|(place, bytes)| place.contains(part) && found(bytes, MARKER))
    };
    for part in ["store/", "outbox/", "backup?keys=false", "backup?keys=true", "/logs", "/approve/"]
    {
        assert!(marked(part), "the marker is not found in {part}: the search finds nothing");
    }
    for id in &control {
        assert!(marked(&format!("/executions/{id}")), "no marker in {id}");
    }
    // And where the value was, its name is.
    for id in &ids {
        let log = client.log(id);
        assert!(log.contains("[secret "), "{log}");
    }
    let failed = client.execution(&ids[0])["error"]["message"].clone();
    assert!(failed.as_str().unwrap().contains("[secret API_KEY]"), "{failed}");
    let mode = fs::metadata(server.data().join("secret-key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_value_goes_nowhere_else() {
    let (ours, other) = (echo(), echo());
    let server = Server::start();
    let client = server.client();
    set(&server, VALUE, &["API_KEY", "--for", &format!("{}/v1", ours.url)]);
    let secrets = json!(["API_KEY"]);
    let refused = |url: &str, headers: Value, body: &str, why: &str| {
        let id = trigger(client, &secrets, &json!([send(url, &headers, body)]));
        client.failed(&id);
        let log = client.log(&id);
        assert!(log.contains(why), "{log}");
    };
    let key = json!({"x-key": "${API_KEY}"});
    refused(&other.url, key.clone(), "", "the secret API_KEY is not for this address");
    refused(&format!("{}/v2", ours.url), key, "", "the secret API_KEY is not for this address");
    let basic = json!({"authorization": "Basic ${basic:user:API_KEY}"});
    refused(&other.url, basic, "", "the secret API_KEY is not for this address");
    let path = format!("{}/${{API_KEY}}", other.url);
    refused(&path, json!({}), "", "the secret API_KEY is not for this address");
    let query = format!("{}/?a=${{API_KEY}}", other.url);
    refused(&query, json!({}), "", "the secret API_KEY is not for this address");
    refused(&other.url, json!({}), "a=${API_KEY}", "the secret API_KEY is not for this address");
    assert_eq!((arrived(&ours), arrived(&other)), (0, 0));
    // Without the secret it arrives.
    let id = trigger(client, &secrets, &json!([send(&other.url, &json!({}), "a=b")]));
    client.completed(&id);
    assert_eq!(arrived(&other), 1);
}

/// A step that guesses must not learn whether it was right: it could try a million in one result.
#[test]
fn a_guess_is_not_answered_and_an_echo_is_hidden() {
    const PIN: &str = "73019264";
    let echo = echo();
    let silent = Recorder::answering(|_, _| Reply { status: 200, body: json!("thanks") });
    let server = Server::start();
    let client = server.client();
    set(&server, PIN, &["PIN", "--for", &echo.url, "--for", &silent.url]);
    set(&server, "84120375", &["OTHER", "--for", &echo.url]);
    let secrets = json!(["PIN", "OTHER"]);
    let guesses = json!(["73019263", PIN, "84120375", {"73019264": 73_019_264}]);
    let guess = [json!({"return": guesses}), json!("leak")];
    let seen = |actions: &[Value]| {
        let id = trigger(client, &secrets, &json!([actions, &guess].concat()));
        let execution = client.completed(&id);
        (execution["steps"]["step"]["exports"].to_string(), client.log(&id))
    };
    let key = json!({"x-pin": "${PIN}"});
    for calls in [&[][..], &[send(&silent.url, &key, "")], &[send(&echo.url, &json!({}), "")]] {
        let (exports, log) = seen(calls);
        assert!(!exports.contains("[secret") && exports.contains(PIN), "{exports}");
        assert!(!log.contains("[secret") && log.contains(PIN), "{log}");
    }
    // What came back is hidden, and what did not is not.
    let (exports, log) = seen(&[send(&echo.url, &key, "")]);
    for text in [exports, log] {
        assert!(text.contains("[secret PIN]") && !text.contains(PIN), "{text}");
        assert!(text.contains("84120375") && text.contains("73019263"), "{text}");
    }
    let asked = |recorder: &Recorder| recorder.nth(1).header("accept-encoding").map(str::to_owned);
    assert_eq!([asked(&echo), asked(&silent)], [Some("identity".into()), Some("identity".into())]);
}

#[test]
fn a_placeholder_is_worth_nothing_in_another_attempt() {
    let recorder = echo();
    let server = Server::start();
    let client = server.client();
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    let secrets = json!(["API_KEY"]);
    let placeholder = || {
        let id = trigger(client, &secrets, &json!([{"variable": "API_KEY"}]));
        let execution = client.completed(&id);
        execution["steps"]["step"]["exports"]["$return_value"].as_str().unwrap().to_owned()
    };
    let (first, second) = (placeholder(), placeholder());
    assert!(first.starts_with("ws-secret-") && first.len() == 42, "{first}");
    assert_ne!(first, second);
    let id = trigger(client, &secrets, &json!([send(&recorder.url, &json!({"x-key": first}), "")]));
    client.failed(&id);
    let log = client.log(&id);
    assert!(log.contains("a placeholder of another attempt"), "{log}");
    assert_eq!(arrived(&recorder), 0);
}

#[test]
fn bodies_are_written_in_their_own_ways_and_large_ones_pass_untouched() {
    let recorder = echo();
    let server = Server::start();
    let client = server.client();
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    let secrets = json!(["API_KEY"]);
    let with = |content_type: &str, body: &str, more: usize| {
        let headers = json!({"content-type": content_type});
        let send = json!({"send": {"method": "POST", "url": recorder.url, "headers": headers,
                                   "body": body, "more": more}});
        trigger(client, &secrets, &json!([send]))
    };
    client.completed(&with("application/vnd.api+json; charset=utf-8", "[\"${API_KEY}\"]", 0));
    assert_eq!(recorder.nth(1).body, json!([VALUE]));
    client.completed(&with("text/plain", "{\"n\":1}", 0));
    assert_eq!(recorder.nth(2).body, json!({"n": 1}));
    client.completed(&with("text/plain", "", 1 << 20));
    assert_eq!(arrived(&recorder), 3);
    let failed = with("text/plain", "${API_KEY}", 300 << 10);
    client.failed(&failed);
    assert!(client.log(&failed).contains("a body with placeholders has at most 262144 bytes"));
    assert_eq!(arrived(&recorder), 3);
}

#[test]
fn a_deploy_knows_which_secrets_there_are_and_a_run_which_there_were() {
    let server = Server::start();
    let client = server.client();
    let cli = Cli::of(&server);
    client.push("tests/toolbox");
    let workflow = |secrets: Value| {
        let step = json!({"name": "step", "component": "toolbox", "allow": {"secrets": secrets},
                          "props": {"do": [{"suspend": {}}]}});
        let next = json!({"name": "next", "component": "toolbox", "allow": {"secrets": secrets},
                          "props": {"do": []}});
        json!({"name": "w", "steps": [step, next]})
    };
    let refused = |secrets: Value, why: &str| {
        let problem = client.put_workflow(&workflow(secrets)).expect(422).json();
        assert_eq!(problem["place"], "steps[0].allow.secrets[0]");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    };
    refused(json!(["API_KEY"]), "there is no secret API_KEY");
    set(&server, VALUE, &["API_KEY", "--for", "https://api.example.com"]);
    refused(json!([{"name": "API_KEY", "reveal": true}]), "may not be revealed");
    set(&server, VALUE, &["SHOWN", "--reveal"]);
    refused(json!(["SHOWN"]), "may be sent nowhere");
    client.deploy(&workflow(json!(["API_KEY"])));

    // It is needed, and what is set is told without the value.
    let said = cli.run(&["secret", "rm", "API_KEY"]).expect(1);
    assert!(said.stderr.contains("needed by workflow w, version 1"), "{}", said.stderr);
    assert_eq!(client.request("DELETE", "/api/v1/secrets/API_KEY").send().status, 409);
    assert_eq!(client.request("DELETE", "/api/v1/secrets/OTHER").send().status, 404);
    let listed = cli.json(&["secret", "ls"]);
    assert_eq!(listed["items"][0]["name"], "API_KEY");
    assert_eq!(listed["items"][0]["for"], json!(["https://api.example.com"]));
    assert!(listed["items"][0]["value"].is_null());
    let shown = cli.run(&["secret", "ls"]).expect(0).stdout;
    assert!(shown.contains("API_KEY") && shown.contains("may be revealed"), "{shown}");

    // The next run finds other terms.
    let id = client.trigger("w", &Value::Null);
    client.paused(&id);
    set(&server, VALUE, &["API_KEY", "--reveal"]);
    client.post(&format!("/api/v1/executions/{id}/resume"), &Value::Null).expect(200);
    let error = client.failed(&id);
    assert_eq!((&error["kind"], &error["step"]), (&json!("secret"), &json!("next")));

    client.request("DELETE", "/api/v1/workflows/w").send().expect(204);
    cli.run(&["secret", "rm", "API_KEY"]).expect(0);
    assert_eq!(cli.json(&["secret", "ls"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_secret_is_refused_and_not_quoted() {
    let server = Server::start();
    let cli = Cli::of(&server);
    let refused = |value: &str, words: &[&str], why: &str| {
        let said = cli.clone().input(value).run(&[&["secret", "set"], words].concat());
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains(why) && !said.stderr.contains(value), "{}", said.stderr);
    };
    refused("1234567\n", &["A", "--reveal"], "8 to 16384 are allowed");
    refused(&"x".repeat(16_385), &["A", "--reveal"], "8 to 16384 are allowed");
    refused("12345678", &["A"], "nobody could use this secret");
    refused("12345678", &["A", "--for", "example.com"], "for[0]");
    refused("12345678", &["a", "--reveal"], "is not a secret's name");
    set(&server, &"x".repeat(16_384), &["A", "--reveal"]);
    // The value is no argument.
    cli.run(&["secret", "set", "A", "12345678", "--reveal"]).expect(2);
    let put = |body: &str| {
        let request = server.client().request("PUT", "/api/v1/secrets/B");
        request.body("application/json", body).send()
    };
    for body in ["{\"value\": 1234567890123}", "{\"value\": \"1234567890123\", \"x\": 1", "[]"] {
        let answer = put(body);
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text());
        assert!(!answer.text().contains("1234567890123"), "{}", answer.text());
    }
    assert!(!server.log().contains("1234567890123"));
}

#[test]
fn a_server_without_the_key_says_which_secrets_it_can_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = echo();
    let server = Server::start();
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    let actions = json!([{"suspend": {}}]);
    let secrets = json!(["API_KEY"]);
    trigger(server.client(), &secrets, &actions);
    let restored = |name: &str, words: &[&str]| {
        let file = folder.path().join(format!("{name}.tar"));
        let data = folder.path().join(name);
        let file = file.to_str().unwrap();
        Cli::of(&server).run(&[&["backup", file], words].concat()).expect(0);
        Cli::bare().run(&["restore", file, "--data", data.to_str().unwrap()]).expect(0);
        ServerOptions::new().data(&data).start()
    };
    let call = json!([send(&recorder.url, &json!({"x-key": "${API_KEY}"}), "")]);

    let with = restored("with", &["--with-keys"]);
    with.client().completed(&trigger(with.client(), &secrets, &call));
    assert_eq!(recorder.nth(1).header("x-key"), Some(VALUE));

    let without = restored("without", &[]);
    assert!(without.log().contains("a secret can't be read"), "{}", without.log());
    assert!(without.log().contains("API_KEY"), "{}", without.log());
    let error = without.client().failed(&trigger(without.client(), &secrets, &call));
    assert_eq!(error["kind"], "secret");
    assert!(error["message"].as_str().unwrap().contains("can't be opened"), "{error}");
    let data = without.data();
    let doctor = ["doctor", "--data-dir", data.to_str().unwrap()];
    let said = Cli::of(&without).run(&doctor).expect(1);
    assert!(said.stdout.contains("can't be read: API_KEY"), "{}", said.stdout);
    assert_eq!(recorder.requests().len(), 1);
    // Set again it works, under the new key.
    set(&without, VALUE, &["API_KEY", "--for", &recorder.url]);
    without.client().completed(&trigger(without.client(), &secrets, &call));
    Cli::of(&without).run(&doctor).expect(0);
}

#[test]
fn keys_are_rotated_by_a_line_more() {
    let recorder = echo();
    let server = Server::start();
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    let file = server.data().join("secret-key");
    let old = fs::read_to_string(&file).unwrap();
    let stopped = server.kill();
    fs::write(&file, format!("{old}{}\n", "5e".repeat(32))).unwrap();
    let server = stopped.restart();
    let call = json!([send(&recorder.url, &json!({"x-key": "${API_KEY}"}), "")]);
    let runs = |server: &Server<'_>| {
        let client = server.client();
        client.completed(&trigger(client, &json!(["API_KEY"]), &call));
    };
    runs(&server);
    set(&server, VALUE, &["API_KEY", "--for", &recorder.url]);
    let stopped = server.kill();
    // Nothing is sealed under the old one any more.
    fs::write(&file, format!("{}\n", "5e".repeat(32))).unwrap();
    let server = stopped.restart();
    runs(&server);
    assert_eq!(recorder.nth(2).header("x-key"), Some(VALUE));
}
