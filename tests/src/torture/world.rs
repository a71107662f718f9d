//! A server's life under torture: where it is, what is known of it, and who watches it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Request;
use crate::torture::ledger::Ledger;
use crate::torture::plan::{self, Pace};
use crate::torture::report::{Kind, Report};
use crate::{Answer, Client, Recorder, Reply, wait};

/// Longer than any answer takes. A server that died answers at once: its connections break.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a server that is down.
const DOWN: Duration = Duration::from_millis(5);

/// One data directory from its first server to the last.
#[derive(Debug)]
pub(super) struct World {
    pub(super) client: Client,
    pub(super) pace: Pace,
    witness: Recorder,
    ledger: Arc<Mutex<Ledger>>,
    up: AtomicBool,
    stop: AtomicBool,
    /// The disk fails: the server may say so with a 5xx, and may be silent.
    forgiving: AtomicBool,
}

impl World {
    /// With the workflow deployed on a server that runs.
    pub(super) fn new(client: &Client, pace: Pace) -> World {
        plan::deploy(client);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let hears = Arc::clone(&ledger);
        let witness = Recorder::answering(move |_, request| {
            lock(&hears).began(request.path.trim_start_matches('/'), &request.body);
            Reply { status: 200, body: json!({}) }
        });
        World {
            client: client.clone(),
            pace,
            witness,
            ledger,
            up: AtomicBool::new(true),
            stop: AtomicBool::new(false),
            forgiving: AtomicBool::new(false),
        }
    }

    /// Where steps tell that they run.
    pub(super) fn witness(&self) -> &str {
        &self.witness.url
    }

    /// What is known.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Sends a request; nothing when it was not answered, so that it may have happened or not.
    pub(super) fn ask(&self, request: Request) -> Option<Answer> {
        let forgiving = self.forgiving.load(Ordering::Relaxed);
        match request.patience(PATIENCE).try_send() {
            Ok(answer) if answer.status == 503 => None,
            Ok(answer) if answer.status >= 500 => {
                if !forgiving {
                    self.ledger().violation(Kind::Other, format!("answered {}", answer.text()));
                }
                None
            }
            Ok(answer) => Some(answer),
            Err(ureq::Error::Timeout(_)) => {
                if !forgiving {
                    let what = format!("no answer in {PATIENCE:?}");
                    self.ledger().violation(Kind::Other, what);
                }
                None
            }
            Err(_) => {
                wait::pause(DOWN);
                None
            }
        }
    }

    /// Reads a history into the ledger. `None` when there was no answer.
    pub(super) fn history(&self, id: &str) -> Option<()> {
        let mark = self.ledger().mark(id);
        let (body, parsed) = self.read(id, "/history?limit=1000")?;
        assert!(parsed["next_cursor"].is_null(), "a history of many pages: {body}");
        let items = parsed["items"].as_array().map_or(&[][..], Vec::as_slice);
        self.ledger().read_history(id, &mark, &parsed["items"].to_string(), items);
        Some(())
    }

    /// Reads an execution into the ledger. `None` when there was no answer.
    pub(super) fn execution(&self, id: &str) -> Option<Value> {
        let mark = self.ledger().mark(id);
        let (body, view) = self.read(id, "")?;
        self.ledger().read_execution(id, &mark, &body, &view);
        Some(view)
    }

    /// What the server says of an execution, as text and as JSON. `None` when there was no
    /// answer, or the execution is not there, which is noted.
    fn read(&self, id: &str, what: &str) -> Option<(String, Value)> {
        let path = format!("/api/v1/executions/{id}{what}");
        let answer = self.ask(self.client.request("GET", &path))?;
        let body = answer.text();
        if answer.status != 200 {
            self.ledger().lost(id, &format!("{path} answers {body}"));
            return None;
        }
        let parsed = serde_json::from_str(&body).unwrap_or_default();
        Some((body, parsed))
    }

    /// The server is dead: whatever it had begun is heard of before another one begins.
    pub(super) fn died(&self) {
        self.up.store(false, Ordering::SeqCst);
        self.witness.settle();
        self.ledger().incarnation += 1;
    }

    /// There is a server again.
    pub(super) fn is_up_again(&self) {
        self.up.store(true, Ordering::SeqCst);
    }

    /// Is there a server, as far as is known?
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::SeqCst)
    }

    /// Are failures of the disk to be expected?
    pub(super) fn forgive(&self, forgiving: bool) {
        self.forgiving.store(forgiving, Ordering::Relaxed);
    }

    /// Is the load to end?
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Ends the load, or lets the next one begin.
    pub(super) fn stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::SeqCst);
    }

    /// Adds what this world knows to a report.
    pub(super) fn tell(&self, report: &mut Report) {
        let mut ledger = self.ledger();
        report.executions += ledger.ids().len() as u64;
        report.transitions += ledger.transitions();
        report.acknowledged += ledger.acknowledged;
        report.begins += ledger.begins_heard;
        for (answer, count) in ledger.answers() {
            *report.answers.entry(answer).or_default() += count;
        }
        report.violations.append(&mut ledger.violations);
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
