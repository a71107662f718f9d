//! Results that are none.

use serde_json::{Value, json};

use crate::arena::Arena;
use crate::attack::{Attack, Got};
use crate::guest;

/// A guest whose handler returns these bytes.
fn returning(bytes: &[u8]) -> Vec<u8> {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let pages = bytes.len() / 65536 + 4;
    let items =
        format!("(memory (export \"memory\") {pages}) (data (i32.const 65536) \"{escaped}\")");
    let body = format!("(call $return (i32.const 65536) (i32.const {}))", bytes.len());
    waystation_wat::guest_with(&items, &body)
}

#[test]
fn results_that_are_too_large() {
    let mut arena = Arena::tight("output");
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for (name, bytes, endings) in [
        ("a byte too many", 512 * 1024 + 1, &["output_limit", "invalid_output"][..]),
        ("4 MiB", 4 << 20, &["output_limit", "invalid_output"]),
        ("40 MiB", 40 << 20, &["output_limit", "host_call_limit"]),
    ] {
        let attack = Attack::new(name, "returns more than it may", endings).grows_mib(128);
        arena.component(&attack, returning(text(bytes).as_bytes()), &json!({}));
    }
    let exports = "(memory (export \"memory\") 10)";
    let body = "(local $n i32)
        (memory.fill (i32.const 65536) (i32.const 49) (i32.const 300))
        (memory.fill (i32.const 65536) (i32.const 32) (i32.const 500000))
        (i32.store8 (i32.const 65536) (i32.const 49))
        (loop $on
            (i32.store8 (i32.const 32768) (i32.add (i32.const 97) (local.get $n)))
            (call $export (i32.const 32768) (i32.const 1) (i32.const 65536) (i32.const 500000) (i32.const 8256))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const 20))))
        (call $return (i32.const 65536) (i32.const 500000))";
    let many = Attack::new(
        "20 large exports",
        "exports as much as it may in pieces that are allowed, and returns one more",
        &["data_limit"],
    );
    arena.component(&many, waystation_wat::guest_with(exports, body), &json!({}));
    arena.end();
}

#[test]
fn results_that_are_no_json() {
    let mut arena = Arena::tight("output");
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    let digits = vec![b'9'; 400];
    for (name, bytes) in [
        ("10 000 levels", deep.as_slice()),
        ("1e999", b"1e999"),
        ("a number of 400 digits", digits.as_slice()),
        ("half a surrogate pair", b"\"\\ud800\""),
        ("not a number", b"NaN"),
        ("infinity", b"-Infinity"),
        ("a raw control character", b"\"\x01\""),
        ("nothing at all", b""),
        ("a byte order mark", b"\xef\xbb\xbf1"),
        ("two values", b"1 2"),
        ("an open string", b"\"abc"),
    ] {
        let attack = Attack::new(
            name,
            "returns what is no JSON, or none that can be held",
            &["invalid_output"],
        );
        arena.component(&attack, returning(bytes), &json!({}));
    }
    arena.end();
}

#[test]
fn results_that_are_json_and_odd() {
    let mut arena = Arena::tight("output");
    let lists = format!("[{}[]]", "[],".repeat(170_000));
    let keys: Vec<String> = (0..40_000).map(|n| format!("\"k{n}\":0")).collect();
    for (name, tries, text) in [
        (
            "the same key twice",
            "returns an object with a key twice",
            "{\"a\":1,\"a\":{\"a\":2}}".to_owned(),
        ),
        ("170 000 lists", "returns half a MiB of empty lists", lists),
        ("40 000 keys", "returns half a MiB of keys", format!("{{{}}}", keys.join(","))),
        ("a null character", "returns a text with a null character in it", "\"a\\u0000b\"".into()),
    ] {
        let attack = Attack::new(name, tries, &["completed"]);
        arena.component(&attack, returning(text.as_bytes()), &json!({}));
    }
    arena.end();
}

#[test]
fn failures_that_say_too_much() {
    let mut arena = Arena::tight("output");
    let body = "(memory.fill (i32.const 65536) (i32.const 120) (i32.const 1000000)) (call $fail (i32.const 65536) (i32.const 1000000))";
    let component = waystation_wat::guest_with("(memory (export \"memory\") 20)", body);
    long_texts(
        &mut arena,
        "a failure of 3 MB",
        "fails with a name, a message and a stack of a MB each",
        "guest_error",
        component,
    );

    let name = "n".repeat(60_000);
    let items = format!(
        "(func ${name} (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then unreachable))
            (call ${name} (i32.sub (local.get 0) (i32.const 1))))"
    );
    let component = waystation_wat::guest_with(&items, &format!("(call ${name} (i32.const 30))"));
    long_texts(
        &mut arena,
        "a name of 60 kB",
        "traps 30 calls deep in a function with a name of 60 kB",
        "guest_trap",
        component,
    );
    arena.end();
}

/// Fails; what is kept of it is short.
fn long_texts(
    arena: &mut Arena<'_>,
    name: &'static str,
    tries: &str,
    kind: &'static str,
    component: Vec<u8>,
) {
    guest::deploy(arena.client(), name, component, &json!({}));
    let mut error = Value::Null;
    let endings: &'static [&'static str] =
        if kind == "guest_trap" { &["guest_trap"] } else { &["guest_error"] };
    arena.attack(&Attack::new(name, tries, endings), |client| {
        let id = guest::trigger(client, name, &Value::Null);
        let got = Got::end_of(client, &id);
        error = client.failed(&id);
        got
    });
    for (field, bytes_max) in [("name", 256), ("message", 16 << 10), ("stack", 16 << 10)] {
        let bytes = error[field].as_str().map_or(0, str::len);
        arena.hold(bytes <= bytes_max, format!("{name}: {field} has {bytes} bytes"));
    }
}
