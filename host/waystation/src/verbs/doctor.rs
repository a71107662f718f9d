//! `waystation doctor`: what is wrong between here and a working server, and in its store.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use waystation_core::Clock;
use waystation_store_sled::SledStore;

use crate::client::{Server, ServerArgs};
use crate::failure::{Done, Failure};
use crate::serve::{self, DataDir, SystemClock};
use crate::{output, progress, table};

/// More difference between two clocks is worth a word: deadlines are shown in the server's time.
const CLOCKS_APART_S: u64 = 30;

/// What is late by more is worth a word, in milliseconds.
const LATE_MS: u64 = 60_000;

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Odd,
    Bad,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Fine => "ok",
            Verdict::Odd => "warning",
            Verdict::Bad => "FAILED",
        }
    }
}

struct Check {
    name: &'static str,
    verdict: Verdict,
    text: String,
}

pub(super) fn run(args: &ServerArgs) -> Done {
    let server = Server::new(args)?;
    let mut checks = vec![];
    reachable(&server, &mut checks);
    if checks.iter().all(|check: &Check| check.verdict != Verdict::Bad) {
        token(&server, &mut checks);
        if let Some(url) = ready(&server, &mut checks) {
            checks.push(public_url(args, &url));
        }
        timers(&server, &mut checks);
        checks.push(store_of(&server));
        secrets(&server, &mut checks);
        data_dir(args.data_dir(), &mut checks);
    } else {
        // Looked at before it is opened, which mends its mode.
        data_dir(args.data_dir(), &mut checks);
        if args.data_dir().join("store").is_dir() {
            checks.push(store_in(args.data_dir()));
        }
    }

    if args.json {
        let checks: Vec<_> = checks
            .iter()
            .map(|check| json!({"check": check.name, "verdict": check.verdict.word(), "text": check.text}))
            .collect();
        output::json(&json!({"checks": checks}));
    } else {
        let row = |check: &Check| {
            vec![check.verdict.word().to_owned(), check.name.to_owned(), check.text.clone()]
        };
        let rows: Vec<_> = checks.iter().map(row).collect();
        output::line(table::table(&["", "CHECK", ""], &rows));
    }
    let bad = checks.iter().filter(|check| check.verdict == Verdict::Bad).count();
    if bad > 0 {
        Err(Failure::new(format!("{bad} of {} checks failed", checks.len())))
    } else {
        Ok(())
    }
}

fn reachable(server: &Server, checks: &mut Vec<Check>) {
    let (verdict, text) = match server.get("/healthz") {
        Ok(answer) => {
            if let Some(date) = answer.date {
                checks.push(clocks(&date));
            }
            (Verdict::Fine, format!("{} answers", server.url()))
        }
        Err(failure) => (Verdict::Bad, failure.to_string()),
    };
    checks.push(Check { name: "server", verdict, text });
}

fn clocks(date: &str) -> Check {
    let (verdict, text) = match (seconds(date), SystemClock.now().as_millis() / 1000) {
        (Some(theirs), ours) if theirs.abs_diff(ours) > CLOCKS_APART_S => {
            let apart = theirs.abs_diff(ours);
            (Verdict::Odd, format!("the server's clock and this one are {apart} s apart"))
        }
        (Some(_), _) => (Verdict::Fine, "the server's clock agrees with this one".to_owned()),
        (None, _) => (Verdict::Odd, format!("the server's date is unreadable: {date:?}")),
    };
    Check { name: "clock", verdict, text }
}

/// Seconds since the Unix epoch, of a date as HTTP writes it.
fn seconds(date: &str) -> Option<u64> {
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    u64::try_from(date.timestamp().as_second()).ok()
}

fn token(server: &Server, checks: &mut Vec<Check>) {
    let (verdict, text) = match server.get("/api/v1/executions?limit=1") {
        Ok(_) => (Verdict::Fine, "the server takes it".to_owned()),
        Err(failure) => (Verdict::Bad, failure.to_string()),
    };
    checks.push(Check { name: "token", verdict, text });
}

/// Does it take up work? Answers with the URL that its links begin with.
fn ready(server: &Server, checks: &mut Vec<Check>) -> Option<String> {
    let (verdict, text, url) = match server.get("/readyz") {
        Ok(answer) => {
            let url = answer.body["public_url"].as_str().map(str::to_owned);
            (Verdict::Fine, "the server takes up work".to_owned(), url)
        }
        Err(failure) => (Verdict::Bad, failure.to_string(), None),
    };
    checks.push(Check { name: "ready", verdict, text });
    url
}

/// Links carry the public URL: whoever clicks must reach this very server by it.
fn public_url(args: &ServerArgs, url: &str) -> Check {
    let there = ServerArgs { url: url.to_owned(), ..args.clone() };
    let answer = Server::without_token(&there).and_then(|server| server.get("/healthz"));
    let (verdict, text) = match answer {
        Ok(answer) if answer.body["status"] == "ok" => (Verdict::Fine, format!("{url} answers")),
        Ok(_) => (Verdict::Bad, format!("{url} answers, and is no Waystation")),
        Err(failure) => (Verdict::Bad, failure.to_string()),
    };
    Check { name: "public URL", verdict, text }
}

/// What should have happened by now, as the server's figures have it.
fn timers(server: &Server, checks: &mut Vec<Check>) {
    let text = match server.text("/metrics") {
        Ok(text) => text,
        Err(failure) => {
            let text = failure.to_string();
            return checks.push(Check { name: "timers", verdict: Verdict::Odd, text });
        }
    };
    for (name, figure, late, fine) in [
        (
            "timers",
            "timers_overdue_milliseconds",
            "the first pause to end is overdue by",
            "no pause is overdue",
        ),
        (
            "slots",
            "ready_waiting_milliseconds",
            "the first execution that could run waits for",
            "nothing waits for a slot",
        ),
    ] {
        let (verdict, text) = match figure_of(&text, figure) {
            Some(ms) if ms > LATE_MS => (Verdict::Odd, format!("{late} {} s", ms / 1000)),
            Some(_) => (Verdict::Fine, fine.to_owned()),
            None => (Verdict::Odd, format!("the server does not tell waystation_{figure}")),
        };
        checks.push(Check { name, verdict, text });
    }
}

/// A figure among the server's metrics.
fn figure_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("waystation_{name} ")))?;
    line.trim().parse().ok()
}

/// Can the server read its secrets? Without its keys it can't.
fn secrets(server: &Server, checks: &mut Vec<Check>) {
    let name = "secrets";
    let (verdict, text) = match server.get("/api/v1/secrets") {
        Ok(answer) => {
            let all = answer.body["items"].as_array().cloned().unwrap_or_default();
            let lost = all.iter().filter(|secret| !secret["unreadable"].is_null());
            let lost: Vec<&str> = lost.filter_map(|secret| secret["name"].as_str()).collect();
            match lost.as_slice() {
                [] => (Verdict::Fine, format!("all of its {} secrets can be read", all.len())),
                lost => {
                    let lost = lost.join(", ");
                    let text = format!(
                        "can't be read: {lost}: put the secret-key of their time back, or set them again"
                    );
                    (Verdict::Bad, text)
                }
            }
        }
        Err(failure) => (Verdict::Bad, failure.to_string()),
    };
    checks.push(Check { name, verdict, text });
}

/// The store of a running server, which checks it itself.
fn store_of(server: &Server) -> Check {
    let waiting = progress::spinner("checking the store");
    let answer = server.get("/api/v1/check");
    waiting.finish_and_clear();
    match answer {
        Ok(answer) => {
            let problems = answer.body["problems"].as_array().cloned().unwrap_or_default();
            let problems = problems.iter().filter_map(|text| text.as_str().map(str::to_owned));
            store(answer.body["executions"].as_u64().unwrap_or(0), problems.collect())
        }
        Err(failure) => {
            let verdict = if failure.code == "busy" { Verdict::Odd } else { Verdict::Bad };
            Check { name: "store", verdict, text: failure.to_string() }
        }
    }
}

/// The store of a server that is down.
fn store_in(data: &Path) -> Check {
    let waiting = progress::spinner("checking the store");
    let checked = DataDir::open(data).and_then(|data| {
        data.is_whole()?;
        let store = SledStore::open(&data.join("store"), &data.join("components"));
        let store = store.map_err(Failure::new)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let report = runtime.map_err(Failure::new)?.block_on(store.check());
        report.map_err(Failure::new)
    });
    waiting.finish_and_clear();
    match checked {
        Ok(report) => store(report.executions, report.problems),
        Err(failure) => Check { name: "store", verdict: Verdict::Bad, text: failure.to_string() },
    }
}

fn store(executions: u64, problems: Vec<String>) -> Check {
    let name = "store";
    match problems.split_first() {
        None => {
            let text = format!("all of its {executions} executions are whole");
            Check { name, verdict: Verdict::Fine, text }
        }
        Some((first, rest)) => {
            let more =
                if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            let text = format!("{first}{more}: restore a backup, and report this");
            Check { name, verdict: Verdict::Bad, text }
        }
    }
}

fn data_dir(path: &Path, checks: &mut Vec<Check>) {
    let name = "data directory";
    let shown = path.display();
    let Ok(about) = std::fs::metadata(path) else {
        let text = format!("{shown} is not on this machine; nothing to check");
        checks.push(Check { name, verdict: Verdict::Fine, text });
        return;
    };
    let (verdict, text) = match tempfile::tempfile_in(path) {
        Ok(_) => (Verdict::Fine, format!("{shown} can be written to")),
        Err(error) => (Verdict::Bad, format!("{shown} can't be written to: {error}")),
    };
    checks.push(Check { name, verdict, text });
    checks.push(mode(name, path, about.permissions().mode()));
    for file in ["token", "link-keys", "secret-key"] {
        let path = path.join(file);
        if let Ok(about) = std::fs::metadata(&path) {
            checks.push(mode("key file", &path, about.permissions().mode()));
        }
    }
    let links = |text: &str| serve::read_link_keys(text).map(drop);
    checks.extend(keys(&path.join("link-keys"), "signs links", links));
    let secrets = |text: &str| serve::read_secret_keys(text).map(drop);
    checks.extend(keys(&path.join("secret-key"), "seals secrets", secrets));
}

/// Can the keys be used? Without them links from before do not work, and secrets do not open.
fn keys(path: &Path, does: &str, read: fn(&str) -> Result<(), String>) -> Option<Check> {
    let name = "key file";
    let shown = path.display();
    let (verdict, text) = match std::fs::read_to_string(path).map(|text| read(&text)) {
        Ok(Ok(())) => (Verdict::Fine, format!("{shown} {does}")),
        Ok(Err(why)) => (Verdict::Bad, format!("{shown}: {why}")),
        // Before the first start there is none.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => (Verdict::Bad, format!("{shown}: {error}")),
    };
    Some(Check { name, verdict, text })
}

fn mode(name: &'static str, path: &Path, mode: u32) -> Check {
    let (shown, mode) = (path.display(), mode & 0o777);
    if mode & 0o077 == 0 {
        return Check {
            name,
            verdict: Verdict::Fine,
            text: format!("{shown} is private ({mode:o})"),
        };
    }
    let text = format!("others can get at {shown} ({mode:o}): chmod go= {shown}");
    Check { name, verdict: Verdict::Bad, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found() {
        let text = "# HELP waystation_a Of it.\nwaystation_a 17\nwaystation_ab 18\n";
        assert_eq!(figure_of(text, "a"), Some(17));
        assert_eq!(figure_of(text, "b"), None);
    }

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }
}
