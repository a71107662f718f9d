//! Templates in props.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use waystation_engine::fuzzing;

/// What the language knows.
pub(crate) const WORDS: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{%",
    b"%}",
    b"{#",
    b"#}",
    b"{{ event.body.items }}",
    b"steps.ask.$return_value",
    b" for x in range(99999) ",
    b"{% endfor %}",
    b"{% if ",
    b"{% endif %}",
    b"{% set x = x ~ x %}",
    b"{% set ns = namespace(x=[]) %}",
    b"{% set ns.x = [ns.x, ns.x] %}",
    b"{% macro m(a) %}",
    b"{% endmacro %}",
    b"{% call m() %}",
    b"{% filter upper %}",
    b"{% with %}",
    b"loop.index",
    b"{% raw %}",
    b" * 10 ** 9",
    b"'ab' * 99999",
    b"[0] * 99999",
    b"~",
    b"|replace('a', 'aaaaaaaa')",
    b"|tojson(indent=4)",
    b"|list",
    b"|sort",
    b"|join(',')",
    b"|indent(99999)",
    b"|format(1)",
    b"'%99999d'",
    b"|batch(2)",
    b"|slice(99999)",
    b"|groupby('a')",
    b"|map('upper')",
    b"|select('odd')",
    b"|unique",
    b"|items",
    b"|tojson",
    b"|pprint",
    b"|urlencode",
    b"|truncate",
    b"|wordwrap(1)",
    b"|round(400)",
    b"|int",
    b"|float",
    b"|sum",
    b"|reverse",
    b"|length",
    b"[::-1]",
    b"[1:2:3]",
    b" is defined",
    b" in ",
    b" not ",
    b" if x else y",
    b"{'a': 1}",
    b"(1, 2)",
    b"1e308",
    b"9223372036854775807",
    b"-1",
    b"//",
    b"%",
    b"none",
    b"self",
    b"debug()",
    b"cycler(1)",
    b"dict(a=1)",
    b"lipsum()",
    b"\0",
];

/// How long the longest of all templates may take: far more than it does.
const TIME_MAX: Duration = Duration::from_secs(20);

/// What may come out, in bytes of JSON. The host has no larger payloads by default.
const FILLED_BYTES_MAX: usize = 512 * 1024;

/// The input is a template; after a zero byte may follow a scope, as JSON. Filling it in ends
/// soon, with a value that is not too large or with an explanation.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (template, scope) = match text.split_once('\0') {
        Some((template, scope)) => (template, serde_json::from_str(scope).unwrap_or_default()),
        None => (text, scope()),
    };
    let props = Map::from_iter([("p".to_owned(), template.into())]);
    let started = Instant::now();
    let checked = fuzzing::check(&props);
    let filled = fuzzing::fill(&props, &scope, FILLED_BYTES_MAX);
    let took = started.elapsed();
    assert!(took < TIME_MAX, "it took {took:?}");
    match filled {
        Ok(filled) => {
            assert_eq!(checked, Ok(()), "it can be filled in, and is refused at the deploy");
            assert!(filled["p"].to_string().len() <= FILLED_BYTES_MAX, "more than there may be");
        }
        Err(problem) => assert!(problem.starts_with("props.p: "), "{problem}"),
    }
}

fn scope() -> Value {
    json!({
        "event": {"method": "POST", "query": {"x": ["1", "2"]},
                  "body": {"total": 12.5, "items": [3, 1, 2], "name": "Ann", "n": null}},
        "steps": {"ask": {"$return_value": {"ok": true, "text": "a\u{e9}\n<b>"}, "note": "x"}},
        "execution": {"id": "0198", "workflow": "w", "workflow_version": 3},
    })
}
