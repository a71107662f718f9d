//! An answer goes out when what it promises is on disk, and not before: seen from outside, in
//! the system calls of the server.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use waystation_tests::{Gate, Recorder, Server, ServerOptions, http, run_id, toolbox, wait};

/// What the server did, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Bytes went to a file of the store.
    Wrote,
    /// What was written to such a file is on disk.
    Synced,
    /// An HTTP answer went out.
    Answered(Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// To a trigger.
    Triggered,
    /// To a link that was called before its pause.
    Accepted,
    /// To a link that resumed.
    Resumed,
    /// To a link that canceled.
    Canceled,
    /// To anything else.
    Other,
}

/// A server under strace, and the file with its system calls.
fn traced(folder: &std::path::Path) -> (Server<'static>, std::path::PathBuf) {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    assert!(
        strace.is_ok_and(|status| status.success()),
        "strace is missing: run `cargo xtask toolchain`, or `apt-get install strace`"
    );
    let file = folder.join("calls");
    let calls = "trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fsync,fdatasync";
    // -D: the server is the child of this process, and not strace.
    let file_name = file.to_str().unwrap();
    let program = ["strace", "-D", "-f", "-y", "-s", "2000", "-e", calls, "-o", file_name];
    (ServerOptions::new().under(&program).start(), file)
}

/// The calls in the order in which they ended; but an answer counts from its beginning, and a
/// sync only for what was written before it began.
fn calls(file: &std::path::Path) -> Vec<Call> {
    let text = wait::until("strace has seen the server's end", || {
        Some(fs::read_to_string(file).unwrap()).filter(|text| text.contains("+++ killed by"))
    });
    let mut begun = HashMap::<&str, (&str, usize)>::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        let resumed = rest.starts_with("<... ");
        let (whole, since) = match begun.remove(thread) {
            Some(begin) if resumed => begin,
            _ => (rest, calls.len()),
        };
        let Some(call) = call(whole) else { continue };
        let over = resumed || !rest.ends_with("<unfinished ...>");
        match call {
            Call::Answered(_) if resumed => {}
            Call::Synced if calls[since..].contains(&Call::Wrote) => {}
            Call::Wrote | Call::Synced if !over => drop(begun.insert(thread, (rest, calls.len()))),
            call => calls.push(call),
        }
    }
    calls
}

/// What one line of the trace says.
fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let in_store = rest.split(['>', ',']).next()?.contains("/data/store/");
    match name {
        "fsync" | "fdatasync" if in_store => Some(Call::Synced),
        "write" | "pwrite64" | "pwritev" | "writev" if in_store => Some(Call::Wrote),
        "write" | "writev" | "sendto" | "sendmsg" if rest.contains("\"HTTP/1.1 ") => {
            let answers = [
                ("\\r\\nlocation: ", Answer::Triggered),
                ("\\\"outcome\\\":\\\"accepted\\\"", Answer::Accepted),
                ("\\\"outcome\\\":\\\"resumed\\\"", Answer::Resumed),
                ("\\\"outcome\\\":\\\"canceled\\\"", Answer::Canceled),
            ];
            let found = answers.iter().find(|(text, _)| rest.contains(text));
            Some(Call::Answered(found.map_or(Answer::Other, |(_, answer)| *answer)))
        }
        _ => None,
    }
}

/// Something was written between the answer before and this one, and it was synced, too.
fn assert_synced_before(calls: &[Call], answer: Answer) {
    let at = calls.iter().position(|call| *call == Call::Answered(answer));
    let at = at.unwrap_or_else(|| panic!("{answer:?} was not answered: {calls:?}"));
    let before = &calls[..at];
    let answered = before.iter().rposition(|call| matches!(call, Call::Answered(_)));
    let wrote = before.iter().rposition(|call| *call == Call::Wrote);
    let synced = before.iter().rposition(|call| *call == Call::Synced);
    assert!(wrote > answered, "{answer:?}: nothing was written for it: {before:?}");
    assert!(synced > wrote, "{answer:?}: it went out before the data was synced: {before:?}");
}

#[test]
fn what_is_answered_was_synced_before() {
    let folder = tempfile::tempdir().unwrap();
    let (server, file) = traced(folder.path());
    let client = server.client();
    let (recorder, gate) = (Recorder::start(), Gate::closed());
    let links = |actions: Value, count: usize| {
        toolbox::deploy(client, "barrier", &actions);
        let answer = http::get(&format!("{}/hooks/barrier", client.url)).expect(202).json();
        (run_id(&answer), recorder.links(count))
    };
    let early = json!([{"suspend": {}}, {"post_links": recorder.url}, gate.action()]);
    let (id, called) = links(early, 1);
    http::get(called["resume_url"].as_str().unwrap()).expect(202);
    gate.open();
    client.completed(&id);

    let pause = json!([{"suspend": {}}, {"post_links": recorder.url}]);
    let (id, called) = links(pause.clone(), 2);
    client.paused(&id);
    http::get(called["resume_url"].as_str().unwrap()).expect(200);
    client.completed(&id);

    let (id, called) = links(pause, 3);
    client.paused(&id);
    http::get(called["cancel_url"].as_str().unwrap()).expect(200);
    client.ended(&id);
    drop(server);
    let calls = calls(&file);
    for answer in [Answer::Triggered, Answer::Accepted, Answer::Resumed, Answer::Canceled] {
        assert_synced_before(&calls, answer);
    }
}
