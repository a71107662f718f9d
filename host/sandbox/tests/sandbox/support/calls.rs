//! Guests that call out, and the world that they call.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use waystation_core::RunRequest;
use waystation_sandbox::{Resolve, SystemResolver};

use super::{guest, guest_with, json, request};

/// Puts `$number` into 8300: three digits, or four from 1000 on, and returns them.
const RETURN_NUMBER: &str = "
    (i32.store8 (i32.const 8300) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 1000)) (i32.const 10))))
    (i32.store8 (i32.const 8301) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 100)) (i32.const 10))))
    (i32.store8 (i32.const 8302) (i32.add (i32.const 48) (i32.rem_u (i32.div_u (local.get $number) (i32.const 10)) (i32.const 10))))
    (i32.store8 (i32.const 8303) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
    (if (i32.and (i32.lt_u (local.get $number) (i32.const 1000)) (i32.ge_u (local.get $number) (i32.const 100)))
        (then (return (call $return (i32.const 8301) (i32.const 3)))))
    (if (i32.lt_u (local.get $number) (i32.const 1000))
        (then (unreachable)))
    (call $return (i32.const 8300) (i32.const 4))";

/// Waits for the answer to `$future`: `$number` is its status, or 1000 and the error's number in
/// `error-code`.
const AWAIT: &str = "
    (call $block (call $subscribe (local.get $future)))
    (call $get (local.get $future) (i32.const 8256))
    (local.set $number (if (result i32) (i32.load8_u (i32.const 8272))
        (then (i32.add (i32.const 1000) (i32.load8_u (i32.const 8280))))
        (else (call $status (i32.load (i32.const 8280))))))";

/// Calls `http://PROPS/path?secret=1`, or `https` for scheme 1; returns the status, or 1000 and
/// the error's number in `error-code`.
pub(crate) fn caller(scheme: u8) -> Vec<u8> {
    guest(&format!(
        "(local $request i32) (local $future i32) (local $options i32) (local $number i32)
        (local.set $request (call $request (call $fields)))
        (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const {scheme}) (i32.const 0) (i32.const 0)))
        (drop (call $set_authority (local.get $request) (i32.const 1)
            (i32.add (local.get $props) (i32.const 1)) (i32.sub (local.get $props_len) (i32.const 2))))
        (drop (call $set_path (local.get $request) (i32.const 1) {{/path?secret=1}}))
        (local.set $options (call $options))
        (drop (call $set_first_byte (local.get $options) (i32.const 1) (i64.const 300_000_000)))
        (call $handle (local.get $request) (i32.const 1) (local.get $options) (i32.const 8256))
        (if (i32.load8_u (i32.const 8256)) (then unreachable))
        (local.set $future (i32.load (i32.const 8264)))
        {AWAIT} {RETURN_NUMBER}"
    ))
}

/// Calls `http://PROPS/` so often, all at once or one after the other; returns 1000 and the number
/// of answers with the status 200.
pub(crate) fn burst(calls: usize, at_once: bool) -> Vec<u8> {
    burst_with(calls, at_once, 0)
}

/// The same, each call with so many header fields, at most 100.
pub(crate) fn burst_with(calls: usize, at_once: bool, fields: usize) -> Vec<u8> {
    let items = format!(
        "(func $filled (result i32) (local $fields i32) (local $n i32)
            (local.set $fields (call $fields))
            (i32.store16 (i32.const 8400) (i32.const 0x2d78))
            (block $full (loop $more
                (br_if $full (i32.ge_u (local.get $n) (i32.const {fields})))
                (i32.store8 (i32.const 8402) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
                (i32.store8 (i32.const 8403) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
                (call $append (local.get $fields) (i32.const 8400) (i32.const 4)
                    {{a value that is as long as many of them are}} (i32.const 8420))
                (if (i32.load8_u (i32.const 8420)) (then unreachable))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br $more)))
            (local.get $fields))
        (func $call (param $props i32) (param $props_len i32) (result i32) (local $request i32)
            (local.set $request (call $request (call $filled)))
            (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
            (drop (call $set_authority (local.get $request) (i32.const 1)
                (i32.add (local.get $props) (i32.const 1)) (i32.sub (local.get $props_len) (i32.const 2))))
            (drop (call $set_path (local.get $request) (i32.const 1) {{/}}))
            (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))
            (if (i32.load8_u (i32.const 8256)) (then unreachable))
            (i32.load (i32.const 8264)))
        (func $ok (param $future i32) (result i32) (local $number i32)
            {AWAIT}
            (if (i32.ne (local.get $number) (i32.const 200)) (then (return (i32.const 0))))
            (call $drop_response (i32.load (i32.const 8280)))
            (i32.const 1))"
    );
    let store = "(i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 4))) (call $call (local.get $props) (local.get $props_len)))";
    let load = "(local.set $number (i32.add (local.get $number) (call $ok (i32.load (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 4)))))))";
    let again = |body: &str| {
        format!(
            "(local.set $n (i32.const 0))
            (loop {body}
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.const {calls}))))"
        )
    };
    let loops = if at_once {
        format!("{} {}", again(store), again(load))
    } else {
        again(&format!("{store} {load}"))
    };
    guest_with(
        &items,
        &format!(
            "(local $n i32) (local $number i32) (local.set $number (i32.const 1000)) {loops} {RETURN_NUMBER}"
        ),
    )
}

/// A call with parts that are taken as they are.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) tls: bool,
    /// `GET` when it is empty.
    pub(crate) method: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    /// A header besides.
    pub(crate) header: Option<(String, String)>,
}

impl Call {
    pub(crate) fn to(authority: &str) -> Call {
        Call {
            tls: false,
            method: String::new(),
            authority: authority.into(),
            path: "/".into(),
            header: None,
        }
    }

    /// Makes it; returns as [`caller`] does, or 2001 when the method, 2002 when the authority,
    /// 2003 when the path, 2004 when the header is not taken.
    pub(crate) fn guest(&self) -> Vec<u8> {
        let or_return = |call: String, number: u16| {
            format!("(if {call} (then (return (call $return {{{number}}}))))")
        };
        let method = match self.method.as_str() {
            "" => String::new(),
            "CONNECT" => or_return(
                "(call $set_method (local.get $request) (i32.const 5) (i32.const 0) (i32.const 0))"
                    .into(),
                2001,
            ),
            other => or_return(
                format!("(call $set_method (local.get $request) (i32.const 9) {{{other}}})"),
                2001,
            ),
        };
        let header = match &self.header {
            None => String::new(),
            Some((name, value)) => format!(
                "(call $append (local.get $fields) {{{name}}} {{{value}}} (i32.const 8256)) {}",
                or_return("(i32.load8_u (i32.const 8256))".into(), 2004)
            ),
        };
        let authority = or_return(
            format!(
                "(call $set_authority (local.get $request) (i32.const 1) {{{}}})",
                self.authority
            ),
            2002,
        );
        let path = or_return(
            format!("(call $set_path (local.get $request) (i32.const 1) {{{}}})", self.path),
            2003,
        );
        guest(&format!(
            "(local $fields i32) (local $request i32) (local $future i32) (local $number i32)
            (local.set $fields (call $fields))
            {header}
            (local.set $request (call $request (local.get $fields)))
            (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const {}) (i32.const 0) (i32.const 0)))
            {method} {authority} {path}
            (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 8256))
            (if (i32.load8_u (i32.const 8256))
                (then (local.set $number (i32.add (i32.const 1000) (i32.load8_u (i32.const 8264)))))
                (else (local.set $future (i32.load (i32.const 8264))) {AWAIT}))
            {RETURN_NUMBER}",
            u8::from(self.tls)
        ))
    }
}

/// A run of a guest that may call where `allow` says, with this authority for its props.
pub(crate) fn calling(authority: &str, allow: &[&str]) -> RunRequest {
    let mut request = request();
    request.props = json(&format!("\"{authority}\""));
    request.allow.http = allow.iter().map(|pattern| pattern.parse().unwrap()).collect();
    request
}

/// What a guest of this module returned, in words.
pub(crate) fn in_words(number: &str) -> &str {
    match number {
        "1001" => "DNS-error",
        "1004" => "destination-IP-prohibited",
        "1015" => "HTTP-request-denied",
        "1019" => "HTTP-request-URI-invalid",
        "2001" => "the method is not taken",
        "2002" => "the authority is not taken",
        "2003" => "the path is not taken",
        "2004" => "the header is not taken",
        other => other,
    }
}

/// A server on every address of this machine that counts who comes, and answers 200.
pub(crate) struct Arrivals {
    pub(crate) port: u16,
    count: Arc<AtomicUsize>,
    /// Now, and the most there were.
    open: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Arrivals {
    pub(crate) async fn listen() -> Arrivals {
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        let (count, open) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let arrivals = Arrivals { port, count: Arc::clone(&count), open: Arc::clone(&open) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, Arc::clone(&open)));
            }
        });
        arrivals
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The most connections at the same time.
    pub(crate) fn most(&self) -> usize {
        self.open.1.load(Ordering::SeqCst)
    }
}

async fn answer(mut stream: tokio::net::TcpStream, open: Arc<(AtomicUsize, AtomicUsize)>) {
    let now = open.0.fetch_add(1, Ordering::SeqCst) + 1;
    open.1.fetch_max(now, Ordering::SeqCst);
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&piece[..count]),
        }
    }
    // Long enough for calls to meet here when nothing keeps them apart.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    // Before the answer: who gets it may call again at once.
    open.0.fetch_sub(1, Ordering::SeqCst);
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let _ = stream.write_all(answer).await;
}

/// Answers by name: the first look-up with the first answer and so on, the last one for ever.
#[derive(Debug, Default)]
pub(crate) struct Names {
    answers: BTreeMap<String, Vec<Vec<SocketAddr>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    /// With this name, too.
    pub(crate) fn with(mut self, name: &str, answers: &[&[&str]]) -> Names {
        let parse = |address: &&str| match address.parse() {
            Ok(address) => address,
            Err(_) => SocketAddr::new(address.parse().unwrap(), 0),
        };
        let answers = answers.iter().map(|answer| answer.iter().map(parse).collect()).collect();
        self.answers.insert(name.into(), answers);
        self
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        match self.answers.get(name) {
            Some(answers) => Ok(answers[asked.min(answers.len() - 1)].clone()),
            None if name == "localhost" => SystemResolver.resolve(name, port).await,
            None => Err(io::Error::other(format!("no such name: {name}"))),
        }
    }
}
