//! Guests that call out too much, and services that do not let them go.

use serde_json::{Value, json};
use waystation_tests::toolbox;

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;
use crate::services::Service;

/// Has the toolbox call `url`.
fn call(arena: &mut Arena<'_>, attack: &Attack, url: &str) {
    let fields = json!({"props": {"do": [{"get": url}]}, "allow": {"http": ["http://127.0.0.1:*", "https://127.0.0.1:*"]}});
    arena.attack(attack, |client| Got::end_of(client, &toolbox::trigger_step(client, fields)));
}

#[test]
fn services_that_do_not_let_go() {
    let mut arena = Arena::tight("outbound");
    let time = &["time_limit"];
    let full = &["memory_limit", "guest_error", "cpu_limit", "time_limit"];
    for (name, tries, endings, service, scheme) in [
        (
            "a byte a second",
            "calls a service that sends a byte a second",
            &time[..],
            Service::dripping(),
            "http",
        ),
        (
            "silence",
            "calls a service that takes the call and says nothing",
            time,
            Service::silent(),
            "http",
        ),
        (
            "silence under TLS",
            "calls a service that never answers the first TLS message",
            time,
            Service::silent(),
            "https",
        ),
        (
            "an endless body",
            "reads an answer without an end",
            full,
            Service::endless_body(),
            "http",
        ),
        (
            "endless chunks",
            "reads an answer of small chunks without an end",
            full,
            Service::endless_chunks(),
            "http",
        ),
        (
            "endless headers",
            "gets headers without an end",
            &["guest_error"],
            Service::endless_headers(),
            "http",
        ),
        (
            "an endless header",
            "gets one header without an end",
            &["guest_error"],
            Service::endless_header(),
            "http",
        ),
        (
            "endless promises",
            "is told again and again that the answer will come",
            &["time_limit", "guest_error"],
            Service::endless_promises(),
            "http",
        ),
        (
            "no HTTP",
            "calls what does not speak HTTP",
            &["guest_error"],
            Service::saying("SSH-2.0-OpenSSH_9.2\r\n"),
            "http",
        ),
        (
            "two lengths",
            "gets an answer with two lengths",
            &["guest_error", "completed"],
            Service::saying("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 9\r\n\r\nx"),
            "http",
        ),
        (
            "a length that is a lie",
            "gets less than it was told",
            &["guest_error"],
            Service::saying("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\nx"),
            "http",
        ),
    ] {
        let attack = Attack::new(name, tries, endings).grows_mib(128);
        call(&mut arena, &attack, &format!("{scheme}://{}/", service.address));
        arena
            .hold(service.is_left_alone(), format!("{name}: the run is over, and its call is not"));
    }
    // Nobody unpacks what is packed: a bomb would go off in the guest's own memory.
    let packed = Service::saying(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 15\r\n\r\nnot really gzip",
    );
    let attack = Attack::new("a gzip bomb", "gets an answer that is packed", &["completed"]);
    call(&mut arena, &attack.says("not really gzip"), &format!("http://{}/", packed.address));
    arena.end();
}

#[test]
fn a_thousand_calls_at_once() {
    let mut arena = Arena::tight("outbound");
    let service = Service::silent();
    let open = arena.server().open_files();
    let fields =
        json!({"props": {"to": service.address}, "allow": {"http": ["http://127.0.0.1:*"]}});
    let name = "parallel_requests";
    guest::deploy(arena.client(), name, guest::component(name), &fields);
    let attack = Attack::new(
        name,
        &guest::tries(name),
        &["time_limit", "host_call_limit", "resource_limit"],
    );
    arena.attack(&attack.grows_mib(96), |client| {
        Got::end_of(client, &guest::trigger(client, name, &Value::Null))
    });
    // When the run is cut off, its calls end one by one, and one that waited may come to have the
    // place of one that has ended.
    let most = service.most();
    arena.hold(most <= 64 + 32, format!("parallel_requests: {most} connections"));
    arena
        .hold(service.is_left_alone(), "parallel_requests: the run is over, and its calls are not");
    let left = arena.server().open_files().saturating_sub(open);
    arena.hold(left < 20, format!("parallel_requests: {left} more files are open"));
    arena.end();
}
