//! Guests that have the host hold what they do not pay for with memory of their own.

use serde_json::json;

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::bombs;
use crate::guest;
use crate::services::Service;

/// What the host holds of a run's messages at the most, and what its allocator makes of it.
const HELD_MIB: u64 = 8 + 16;

/// Of two bounds either may be met first: the one on things, or the one on their bytes.
const RESOURCES: &[&str] = &["resource_limit"];

/// 5 MiB.
const TEXT: &str = "(memory (export \"memory\") 80)";

/// Runs `body` for ever, with 4 MiB of the letter from 65536 on.
fn for_ever(letter: u8, body: &str) -> Vec<u8> {
    let handler = format!(
        "(local $fields i32) (local $request i32) (local $body i32) (local $stream i32)
        (memory.fill (i32.const 65536) (i32.const {letter}) (i32.const 4194304))
        (loop $on {body} (br $on)) unreachable"
    );
    waystation_wat::guest_with(TEXT, &handler)
}

/// Full fields in `$fields`.
const FULL: &str = "(local.set $fields (call $fields))
    (call $append (local.get $fields) {x-full} (i32.const 65536) (i32.const 60000) (i32.const 8256))";

/// A request in `$request`, with a body in `$body` that as much is written to as it takes.
const FULL_BODY: &str = "(local.set $request (call $request (call $fields)))
    (call $request_body (local.get $request) (i32.const 8256))
    (local.set $body (i32.load (i32.const 8260)))
    (call $body_stream (local.get $body) (i32.const 8256))
    (local.set $stream (i32.load (i32.const 8260)))
    (block $full (loop $more
        (call $check_write (local.get $stream) (i32.const 8256))
        (br_if $full (i64.eqz (i64.load (i32.const 8264))))
        (call $write_some (local.get $stream) (i32.const 65536) (i32.load (i32.const 8264)) (i32.const 8256))
        (br $more)))
    (call $drop_stream (local.get $stream))";

/// A name, what it tries, and the guest.
type Hoard = (&'static str, &'static str, Vec<u8>);

fn hoards_of_fields() -> Vec<Hoard> {
    vec![
        (
            "full fields",
            "makes sets of headers, each as full as it may be",
            for_ever(b'x', FULL),
        ),
        (
            "a list of fields",
            "makes full sets of headers, each from a list",
            for_ever(
                b'x',
                "(i32.store (i32.const 8400) (i32.const 65536)) (i32.store (i32.const 8404) (i32.const 1))
                (i32.store (i32.const 8408) (i32.const 65536)) (i32.store (i32.const 8412) (i32.const 60000))
                (call $fields_from_list (i32.const 8400) (i32.const 1) (i32.const 8256))",
            ),
        ),
        (
            "a field set",
            "sets the one field of each set of headers",
            for_ever(
                b'x',
                "(i32.store (i32.const 8400) (i32.const 65536)) (i32.store (i32.const 8404) (i32.const 60000))
                (call $set_field (call $fields) {x-full} (i32.const 8400) (i32.const 1) (i32.const 8256))",
            ),
        ),
        (
            "many small fields",
            "fills sets of headers with fields of a byte each",
            for_ever(
                b'x',
                "(local.set $fields (call $fields))
                (local.set $body (i32.const 0))
                (loop $more
                    (i32.store8 (i32.const 8400) (i32.add (i32.const 97) (i32.and (local.get $body) (i32.const 15))))
                    (i32.store8 (i32.const 8401) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $body) (i32.const 4)) (i32.const 15))))
                    (i32.store8 (i32.const 8402) (i32.add (i32.const 97) (i32.shr_u (local.get $body) (i32.const 8))))
                    (call $append (local.get $fields) (i32.const 8400) (i32.const 3) (i32.const 65536) (i32.const 1) (i32.const 8256))
                    (local.set $body (i32.add (local.get $body) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $body) (i32.const 800))))",
            ),
        ),
        (
            "emptied fields",
            "puts 1 500 values into each set of headers, and takes them out again",
            for_ever(
                b'x',
                "(local.set $fields (call $fields))
                (local.set $body (i32.const 0))
                (loop $more
                    (call $append (local.get $fields) {x} (i32.const 65536) (i32.const 1) (i32.const 8256))
                    (local.set $body (i32.add (local.get $body) (i32.const 1)))
                    (br_if $more (i32.lt_u (local.get $body) (i32.const 1500))))
                (call $delete_field (local.get $fields) {x} (i32.const 8256))",
            ),
        ),
        (
            "copies of fields",
            "copies a full set of headers, and changes each copy",
            for_ever(
                b'x',
                &format!(
                    "(if (i32.eqz (local.get $fields)) (then {FULL}))
                    (local.set $body (call $clone_fields (local.get $fields)))
                    (call $append (local.get $body) {{y}} (i32.const 65536) (i32.const 1) (i32.const 8256))"
                ),
            ),
        ),
    ]
}

fn hoards_of_messages() -> Vec<Hoard> {
    vec![
        (
            "methods",
            "makes requests whose methods are words of 4 MiB",
            for_ever(
                b'A',
                "(drop (call $set_method (call $request (call $fields)) (i32.const 9) (i32.const 65536) (i32.const 4194304)))",
            ),
        ),
        (
            "authorities",
            "makes requests to hosts with names of 4 MiB",
            for_ever(
                b'a',
                "(drop (call $set_authority (call $request (call $fields)) (i32.const 1) (i32.const 65536) (i32.const 4194304)))",
            ),
        ),
        (
            "paths",
            "makes requests for paths of 60 000 bytes",
            for_ever(
                b'/',
                "(drop (call $set_path (call $request (call $fields)) (i32.const 1) (i32.const 65536) (i32.const 60000)))",
            ),
        ),
        (
            "bodies",
            "writes bodies of requests that it does not send",
            for_ever(
                b'x',
                &format!(
                    "{FULL_BODY} (call $finish_body (local.get $body) (i32.const 0) (i32.const 0) (i32.const 8256))"
                ),
            ),
        ),
        (
            "trailers",
            "ends bodies with full trailers, and sends none",
            for_ever(
                b'x',
                &format!(
                    "{FULL} {FULL_BODY} (call $finish_body (local.get $body) (i32.const 1) (local.get $fields) (i32.const 8256))"
                ),
            ),
        ),
        (
            "answers of its own",
            "makes answers that nobody waits for, with bodies",
            for_ever(
                b'x',
                &format!(
                    "{FULL} (call $response_body (call $response (local.get $fields)) (i32.const 8256))"
                ),
            ),
        ),
    ]
}

#[test]
fn messages_that_are_never_sent() {
    let mut arena = Arena::tight("held by the host");
    let fields = json!({"limits": {"cpu_ms": 10_000, "timeout_s": 20}});
    for (name, tries, component) in [hoards_of_fields(), hoards_of_messages()].concat() {
        let attack = Attack::new(name, tries, RESOURCES).grows_mib(HELD_MIB);
        arena.component(&attack.within_s(20), component, &fields);
    }
    arena.end();
}

/// A guest that calls the service of its props again and again, with full fields if it is
/// `loaded`; `then` has `$future`.
fn caller(loaded: bool, then: &str) -> Vec<u8> {
    let full = if loaded { FULL } else { "(local.set $fields (call $fields))" };
    let body = format!(
        "(local $fields i32) (local $request i32) (local $future i32) (local $answer i32)
        (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
        (loop $on
            {full}
            (local.set $request (call $request (local.get $fields)))
            (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
            (drop (call $set_authority (local.get $request) (i32.const 1)
                (i32.add (local.get $props) (i32.const 7))
                (i32.sub (local.get $props_len) (i32.const 9))))
            (drop (call $set_path (local.get $request) (i32.const 1) {{/}}))
            (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))
            (local.set $future (i32.load (i32.const 8264)))
            {then}
            (br $on))
        unreachable"
    );
    waystation_wat::guest_with("(memory (export \"memory\") 4)", &body)
}

#[test]
fn calls_that_are_never_over() {
    let mut arena = Arena::tight("held by the host");
    let keep = "(call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 8256))
        (local.set $answer (i32.load (i32.const 8280)))
        (call $consume (local.get $answer) (i32.const 8256))
        (call $drop_body (i32.load (i32.const 8260)))";
    let few = "(local.set $answer (i32.add (local.get $answer) (i32.const 1)))
        (if (i32.eq (local.get $answer) (i32.const 16))
            (then (call $block (call $subscribe_duration (i64.const 3600000000000)))))";
    let attack = Attack::new;
    for (attack, component, service) in [
        (
            attack(
                "calls that wait",
                "sends requests with full headers to where none is answered",
                RESOURCES,
            ),
            caller(true, ""),
            Service::silent(),
        ),
        (
            attack("answers that are kept", "keeps the headers of all its answers", RESOURCES),
            caller(false, keep),
            Service::large_headers(),
        ),
        (
            attack(
                "answers that are not read",
                "makes 16 calls with full headers whose answers have no end, and reads none",
                &["time_limit"],
            ),
            caller(true, few),
            Service::endless_body(),
        ),
    ] {
        let fields = json!({
            "props": {"to": service.address},
            "allow": {"http": ["http://127.0.0.1:*"]},
            "limits": {"cpu_ms": 10_000, "timeout_s": 5},
        });
        let attack = attack.grows_mib(HELD_MIB).within_s(20);
        arena.component(&attack, component, &fields);
        arena.hold(service.is_left_alone(), format!("{}: calls are not over", attack.name));
    }
    arena.end();
}

#[test]
fn deliveries_that_pile_up() {
    let mut arena = Arena::tight("held by the host");
    let memory = "(memory (export \"memory\") 12)";
    let end = "(local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 64)))) (call $return_nothing)";
    let exports = format!(
        "(local $n i32)
        (memory.fill (i32.const 65536) (i32.const 32) (i32.const 500000))
        (i32.store8 (i32.const 65536) (i32.const 49))
        (loop $on
            (i32.store8 (i32.const 32768) (i32.add (i32.const 65) (i32.and (local.get $n) (i32.const 15))))
            (i32.store8 (i32.const 32769) (i32.add (i32.const 65) (i32.shr_u (local.get $n) (i32.const 4))))
            (call $export (i32.const 32768) (i32.const 2) (i32.const 65536) (i32.const 500000) (i32.const 8256))
            {end}"
    );
    let mails = format!(
        "(local $n i32)
        (memory.fill (i32.const 65536) (i32.const 120) (i32.const 500000))
        (i32.store (i32.const 32768) (i32.const 32776)) (i32.store (i32.const 32772) (i32.const 3))
        (i32.store (i32.const 32776) (i32.const 0x624061))
        (loop $on
            (call $email (i32.const 32768) (i32.const 1) {{s}} (i32.const 1) (i32.const 65536) (i32.const 500000) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256))
            {end}"
    );
    let allow = json!({"allow": {"email": true}});
    for (name, tries, body) in [
        ("64 large exports", "exports 32 MB in pieces that are allowed", exports),
        ("64 large mails", "sends 32 MB of mail in one run", mails),
    ] {
        // What is too much is refused, and the guest does not look.
        let attack = Attack::new(name, tries, &["completed"]).grows_mib(48);
        arena.component(&attack, waystation_wat::guest_with(memory, &body), &allow);
    }
    arena.end();
}

#[test]
fn instances_that_are_large_for_the_host_alone() {
    let mut arena = Arena::tight("held by the host");
    let name = "many globals";
    let tries = "has a module of 500 000 globals 62 times";
    let component = bombs::with_globals(500_000, 62);
    let attack = Attack::new(name, tries, &["too_demanding"]);
    arena.attack(&attack, |client| Got::answer(&client.put_component("globals", component)));
    arena.end();
}

/// What a run's own things take of the host at the most, in MiB, beside its memory: what an
/// operator has to plan for each slot.
const BESIDE_MIB: u64 = 24;

#[test]
fn runs_that_have_all_they_may() {
    let mut arena = Arena::tight("held by the host");
    // 139 sets of fields are just less than 8 MiB, 12 exports just less than 6 MiB.
    let items = "(memory (export \"memory\") 80)
        (func $hoard (local $n i32)
            (loop $on
                (call $append (call $fields) {x-full} (i32.const 65536) (i32.const 60000) (i32.const 8256))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $on (i32.lt_u (local.get $n) (i32.const 139)))))
        (func $export_all (local $n i32)
            (memory.fill (i32.const 65537) (i32.const 32) (i32.const 499999))
            (i32.store8 (i32.const 65536) (i32.const 49))
            (loop $on
                (i32.store8 (i32.const 32768) (i32.add (i32.const 97) (local.get $n)))
                (call $export (i32.const 32768) (i32.const 1) (i32.const 65536) (i32.const 500000) (i32.const 8256))
                (if (i32.load8_u (i32.const 8256)) (then unreachable))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $on (i32.lt_u (local.get $n) (i32.const 12)))))";
    let body = "(if (i32.lt_s (memory.grow (i32.const 940)) (i32.const 0)) (then unreachable))
        (memory.fill (i32.const 65536) (i32.const 120) (i32.const 66781184))
        (call $hoard)
        (call $export_all)
        (call $block (call $subscribe_duration (i64.const 3600000000000)))
        (call $return_nothing)";
    let name = "all it may have, 12 at once";
    let fields = json!({"limits": {"cpu_ms": 10_000, "timeout_s": 10}});
    guest::deploy(arena.client(), name, waystation_wat::guest_with(items, body), &fields);
    let tries = "fills its memory, and has the host hold as much beside it as it may";
    let attack = Attack::new(name, tries, &["time_limit"]).within_s(40);
    let attack = attack.grows_mib(12 * (64 + BESIDE_MIB)).keeps_mib(12 * BESIDE_MIB);
    arena.attack(&attack, |client| {
        let ids: Vec<String> =
            (0..12).map(|_| guest::trigger(client, name, &json!(null))).collect();
        let mut ends = ids.iter().map(|id| Got::end_of(client, id));
        let last = ends.next_back().unwrap_or_else(|| Got::new("none", ""));
        ends.find(|got| got.ending != "time_limit").unwrap_or(last)
    });
    arena.end();
}
