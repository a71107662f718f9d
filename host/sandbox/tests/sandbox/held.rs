//! What the host holds of a run's HTTP messages, exports and mails.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use waystation_core::{FailureKind, RunLimits, RunRequest};

use crate::support::calls::{Arrivals, burst_with, calling};
use crate::support::{failure, guest, guest_with, request, returned, run};

/// Room for text of 60 000 bytes from 65536 on.
const ROOM: &str = "(memory (export \"memory\") 3)";

fn limited(change: impl FnOnce(&mut RunLimits)) -> RunRequest {
    let mut request = request();
    change(&mut request.limits);
    request
}

/// Does `each` so often, and returns nothing.
fn times(count: usize, each: &str) -> Vec<u8> {
    let body = format!(
        "(local $n i32) (local $fields i32) (local $request i32)
        (memory.fill (i32.const 65536) (i32.const 120) (i32.const 60000))
        (loop $on
            {each}
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const {count}))))
        (call $return_nothing)"
    );
    guest_with(ROOM, &body)
}

/// Set of fields with one field of 1000 bytes, as the host counts them.
const FIELDS: &str = "(local.set $fields (call $fields))
    (call $append (local.get $fields) {x} (i32.const 65536) (i32.const 743) (i32.const 8256))
    (if (i32.load8_u (i32.const 8256)) (then unreachable))";

#[tokio::test]
async fn fields_are_held_up_to_a_sum() {
    let ten = || limited(|limits| limits.http_held_bytes_max = 10_000);
    returned(&run(times(10, FIELDS), ten()).await);
    let report = run(times(11, FIELDS), ten()).await;
    assert_eq!(failure(&report).kind, FailureKind::ResourceLimit);
    assert_eq!(
        failure(&report).message,
        "the step has the host hold too much: HTTP messages of more than 10000 bytes \
         (http_held_bytes_max under [limits])"
    );
    assert!(!failure(&report).retryable);
    // What is dropped makes room.
    let dropped = format!("{FIELDS} (call $drop_fields (local.get $fields))");
    returned(&run(times(50, &dropped), ten()).await);
    // Moved into requests they are held still, and then not.
    let requests = format!("{FIELDS} (local.set $request (call $request (local.get $fields)))");
    let report = run(times(11, &requests), ten()).await;
    assert_eq!(failure(&report).kind, FailureKind::ResourceLimit);
    let dropped = format!("{requests} (call $drop_request (local.get $request))");
    returned(&run(times(50, &dropped), ten()).await);
}

#[tokio::test]
async fn fields_that_are_set_and_deleted_are_as_they_should_be() {
    // Two values, one of them set anew, one deleted: what is left goes out.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let count = stream.read(&mut request).await.unwrap();
        request.truncate(count);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let call = "(local.set $fields (call $fields))
        (call $append (local.get $fields) {x-kept} {one} (i32.const 8256))
        (call $append (local.get $fields) {x-kept} {two} (i32.const 8256))
        (call $append (local.get $fields) {x-gone} {three} (i32.const 8256))
        (call $append (local.get $fields) {x-set} {four} (i32.const 8256))
        (call $delete_field (local.get $fields) {x-gone} (i32.const 8256))
        (if (i32.load8_u (i32.const 8256)) (then unreachable))
        (i32.store (i32.const 8400) (i32.const 65536)) (i32.store (i32.const 8404) (i32.const 3))
        (call $set_field (local.get $fields) {x-set} (i32.const 8400) (i32.const 1) (i32.const 8256))
        (if (i32.load8_u (i32.const 8256)) (then unreachable))
        (local.set $request (call $request (local.get $fields)))
        (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set_authority (local.get $request) (i32.const 1)
            (i32.add (local.get $props) (i32.const 1)) (i32.sub (local.get $props_len) (i32.const 2))))
        (drop (call $set_path (local.get $request) (i32.const 1) {/}))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))
        (call $block (call $subscribe (i32.load (i32.const 8264))))";
    returned(&run(times(1, call), calling(&authority, &["http://*:*"])).await);
    let sent = served.await.unwrap();
    for line in ["x-kept: one\r\n", "x-kept: two\r\n", "x-set: xxx\r\n"] {
        assert!(sent.contains(line), "{sent}");
    }
    assert!(!sent.contains("x-gone") && !sent.contains("four"), "{sent}");
}

#[tokio::test]
async fn copies_bodies_and_paths_count() {
    // Each takes a little more than 5000 bytes, so one fits and two do not.
    let held = || limited(|limits| limits.http_held_bytes_max = 10_000);
    let copied =
        format!("{FIELDS} (loop $copy (drop (call $clone_fields (local.get $fields))) (br $copy))");
    let path = "(i32.store8 (i32.const 65536) (i32.const 47))
        (drop (call $set_path (call $request (call $fields)) (i32.const 1) (i32.const 65536) (i32.const 5001)))";
    let list =
        "(i32.store (i32.const 8400) (i32.const 65536)) (i32.store (i32.const 8404) (i32.const 1))
        (i32.store (i32.const 8408) (i32.const 65536)) (i32.store (i32.const 8412) (i32.const 5001))
        (call $fields_from_list (i32.const 8400) (i32.const 1) (i32.const 8256))";
    let set = "(i32.store (i32.const 8400) (i32.const 65536)) (i32.store (i32.const 8404) (i32.const 5001))
        (call $set_field (call $fields) {x} (i32.const 8400) (i32.const 1) (i32.const 8256))";
    for (each, fits) in [(copied.as_str(), None), (path, Some(1)), (list, Some(1)), (set, Some(1))]
    {
        if let Some(count) = fits {
            returned(&run(times(count, each), held()).await);
        }
        let report = run(times(2, each), held()).await;
        assert_eq!(failure(&report).kind, FailureKind::ResourceLimit, "{each}");
    }
    // A body counts for two writes of 16 KiB and 8 KiB of trailers, written or not.
    let body = "(call $request_body (call $request (call $fields)) (i32.const 8256))";
    let two = || limited(|limits| limits.http_held_bytes_max = 2 * (40 << 10));
    returned(&run(times(2, body), two()).await);
    let report = run(times(3, body), two()).await;
    assert_eq!(failure(&report).kind, FailureKind::ResourceLimit);
}

#[tokio::test]
async fn methods_and_authorities_are_words() {
    for (set, at_least) in [
        (
            "(call $set_method (call $request (call $fields)) (i32.const 9) (i32.const 65536) (i32.const {}))",
            1024,
        ),
        (
            "(call $set_authority (call $request (call $fields)) (i32.const 1) (i32.const 65536) (i32.const {}))",
            1024,
        ),
    ] {
        let taken = |bytes: usize, refused: bool| {
            let call = set.replace("{}", &bytes.to_string());
            times(
                1,
                &format!(
                    "(if (i32.ne {call} (i32.const {})) (then unreachable))",
                    u8::from(refused)
                ),
            )
        };
        returned(&run(taken(at_least, false), request()).await);
        returned(&run(taken(at_least + 1, true), request()).await);
    }
}

#[tokio::test]
async fn trailers_have_a_size() {
    // One field: 256 bytes, a name of one, and the value.
    let finish = |bytes: usize, code: &str| {
        times(
            1,
            &format!(
                "(local.set $fields (call $fields))
                (call $append (local.get $fields) {{x}} (i32.const 65536) (i32.const {bytes}) (i32.const 8256))
                (call $request_body (call $request (call $fields)) (i32.const 8256))
                (call $finish_body (i32.load (i32.const 8260)) (i32.const 1) (local.get $fields) (i32.const 8256))
                {code}"
            ),
        )
    };
    let fits = "(if (i32.load8_u (i32.const 8256)) (then unreachable))";
    returned(&run(finish((8 << 10) - 257, fits), request()).await);
    // HTTP-request-trailer-section-size
    let refused = "(if (i32.ne (i32.load8_u (i32.const 8264)) (i32.const 23)) (then unreachable))";
    returned(&run(finish((8 << 10) - 256, refused), request()).await);
}

#[tokio::test]
async fn ordinary_calls_are_far_from_the_bound() {
    let arrivals = Arrivals::listen().await;
    let authority = format!("127.0.0.1:{}", arrivals.port);
    for (calls, at_once) in [(100, false), (48, true)] {
        let guest = burst_with(calls, at_once, 50);
        let report = run(guest, calling(&authority, &["http://*:*"])).await;
        assert_eq!(returned(&report).0, Some(format!("{}", 1000 + calls).as_str()));
    }
    assert_eq!(arrivals.count(), 148);
}

#[tokio::test]
async fn requests_that_wait_for_an_answer_are_held() {
    // Takes connections, and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let send = "(local.set $fields (call $fields))
        (call $append (local.get $fields) {x} (i32.const 65536) (i32.const 50000) (i32.const 8256))
        (local.set $request (call $request (local.get $fields)))
        (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set_authority (local.get $request) (i32.const 1)
            (i32.add (local.get $props) (i32.const 1)) (i32.sub (local.get $props_len) (i32.const 2))))
        (drop (call $set_path (local.get $request) (i32.const 1) {/}))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))";
    let held = || {
        let mut request = calling(&authority, &["http://*:*"]);
        request.limits.http_held_bytes_max = 600_000;
        request
    };
    // Each takes its fields and 8 KiB: ten fit.
    returned(&run(times(10, send), held()).await);
    let report = run(times(11, send), held()).await;
    assert_eq!(failure(&report).kind, FailureKind::ResourceLimit);
}

/// Exports 500 bytes under each of these names, and unless it is `taken`, traps.
fn exports(names: &str, taken: &str) -> Vec<u8> {
    let mut body = "(memory.fill (i32.const 65536) (i32.const 32) (i32.const 500))
        (i32.store8 (i32.const 65536) (i32.const 49))"
        .to_owned();
    for name in names.chars() {
        body += &format!(
            "(call $export {{{name}}} (i32.const 65536) (i32.const 500) (i32.const 8256))
            (if (i32.ne (i32.load8_u (i32.const 8256)) (i32.const {taken})) (then unreachable))"
        );
    }
    guest_with(ROOM, &format!("{body} (call $return_nothing)"))
}

#[tokio::test]
async fn exports_are_held_up_to_a_sum() {
    let limits =
        |bytes: usize| limited(|limits| (limits.asked_bytes_max, limits.exports_max) = (bytes, 10));
    assert_eq!(returned(&run(exports("abc", "0"), limits(1503)).await).1.len(), 3);
    // The last value stands: it is not counted twice.
    assert_eq!(returned(&run(exports("aaaaa", "0"), limits(501)).await).1.len(), 1);
    assert!(returned(&run(exports("abc", "1"), limits(500)).await).1.is_empty());
}

#[tokio::test]
async fn mails_are_held_up_to_the_same_sum() {
    // A subject of one byte, an address of three, a text of 96.
    let mail = |taken: u8| {
        format!(
            "(i32.store (i32.const 8400) (i32.const 8408)) (i32.store (i32.const 8404) (i32.const 3))
            (i32.store (i32.const 8408) (i32.const 0x624061))
            (call $email (i32.const 8400) (i32.const 1) {{s}} (i32.const 1) (i32.const 65536) (i32.const 96)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8256))
            (if (i32.ne (i32.load8_u (i32.const 8256)) (i32.const {taken})) (then unreachable))"
        )
    };
    let limits = |bytes: usize| {
        let mut request = limited(|limits| limits.asked_bytes_max = bytes);
        request.allow.email = true;
        request
    };
    let report = run(times(2, &mail(0)), limits(200)).await;
    returned(&report);
    assert_eq!(report.mails.len(), 2);
    let report = run(times(1, &format!("{} {}", mail(0), mail(1))), limits(199)).await;
    returned(&report);
    assert_eq!(report.mails.len(), 1);
}

#[tokio::test]
async fn nothing_is_held_at_first() {
    let nothing = limited(|limits| limits.http_held_bytes_max = 1);
    returned(
        &run(guest("(drop (call $request (call $fields))) (call $return_nothing)"), nothing).await,
    );
}
