//! Steps in Python: their dependencies, and what a sandbox has not.

use serde_json::{Value, json};
use waystation_tests::{Recorder, Server};

fn returned(server: &Server<'_>, guest: &str, props: &Value) -> Value {
    let client = server.client();
    client.push(&format!("tests/{guest}"));
    client.deploy_step("python", &guest.replace('_', "-"), props);
    let execution = client.completed(&client.trigger("python", &Value::Null));
    execution["steps"]["step"]["exports"]["$return_value"].clone()
}

#[test]
fn requirements_come_along_and_every_http_library_goes_through_the_host() {
    let service = Recorder::start();
    let server = Server::start();
    let props = json!({"url": format!("{}/things", service.url)});
    let returned = returned(&server, "py_requirements", &props);
    assert_eq!(returned["due"], "2027-02-25T10:00:00+00:00");
    assert_eq!(returned["statuses"], json!([200, 200, 200, 200]));
    assert_eq!(returned["bodies"], json!([{}, {}, "{}"]));
    let requests = service.requests();
    let asked: Vec<_> =
        requests.iter().map(|one| (one.method.as_str(), one.path.as_str())).collect();
    let expected =
        [("GET", "/things?page=2"), ("POST", "/things"), ("GET", "/things"), ("PUT", "/things")];
    assert_eq!(asked, expected);
    assert_eq!(requests[0].header("x-session"), Some("yes"));
    assert_eq!(requests[1].body, json!({"by": "httpx"}));
    assert_eq!(requests[3].body, json!({"by": "http.client"}));
}

#[test]
fn what_a_sandbox_lacks_is_said_in_a_sentence() {
    let server = Server::start();
    let returned = returned(&server, "py_sandbox", &json!({}));
    assert_eq!((&returned["gathered"], &returned["offset"]), (&json!([1, 2]), &json!(7200.0)));
    // Libraries ask so whether they can do without.
    assert_eq!(returned["forks"], false);
    for (what, words) in [
        ("bare_socket", "OSError: a step has no sockets"),
        ("socket", "OSError: a step has no sockets"),
        ("thread", "RuntimeError: a step has no threads"),
        ("process", "OSError: a step has no processes"),
        ("file", "a step has no files"),
        ("executor", "RuntimeError: a step has no threads"),
        ("tunnel", "a step uses no proxy"),
    ] {
        let said = returned[what].as_str().unwrap_or_default();
        assert!(said.contains(words), "{what}: {said}");
    }
}
