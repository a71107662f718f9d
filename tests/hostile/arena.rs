//! Where attacks are made: one server, and an innocent neighbour beside each attack.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use waystation_tests::{Client, Memory, Server, ServerOptions, http, toolbox, wait};

use crate::attack::{Attack, Got};
use crate::guest;
use crate::table::{self, Row};

/// The neighbour is served in this time, whatever happens beside it.
const NEIGHBOUR_MAX: Duration = Duration::from_secs(2);

/// And mostly it takes no more than so many times what it takes alone.
const SLOWER_MAX: u32 = 10;

/// Alone it takes some milliseconds; of less than this a multiple says nothing.
const ALONE_MIN: Duration = Duration::from_millis(25);

/// Runs of the neighbour that are measured before all attacks.
const RUNS_ALONE: usize = 15;

/// Between two runs of the neighbour beside an attack.
const BETWEEN: Duration = Duration::from_millis(30);

/// One attack is made at a time, over all tests of this process.
static TURN: Mutex<()> = Mutex::new(());

/// A server under attack.
pub(crate) struct Arena<'a> {
    subject: &'static str,
    server: Server<'a>,
    alone: Duration,
    faults: Vec<String>,
    _turn: MutexGuard<'static, ()>,
}

impl<'a> Arena<'a> {
    /// Waits for its turn, starts a server and measures the neighbour alone.
    pub(crate) fn new(subject: &'static str, options: ServerOptions<'a>) -> Arena<'a> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let server = options.start();
        toolbox::deploy(server.client(), "innocent", &json!([{"return": "fine"}]));
        // The first ones fill caches.
        (0..5).for_each(|_| drop(visit(server.client())));
        let mut runs: Vec<_> =
            (0..RUNS_ALONE).filter_map(|_| visit(server.client()).ok()).collect();
        assert_eq!(runs.len(), RUNS_ALONE, "the neighbour runs while nobody does it harm");
        let alone = median(&mut runs);
        Arena { subject, server, alone, faults: Vec::new(), _turn: turn }
    }

    /// Limits that a hostile guest meets soon.
    pub(crate) fn tight(subject: &'static str) -> Arena<'a> {
        Arena::new(subject, tight())
    }

    pub(crate) fn client(&self) -> &Client {
        self.server.client()
    }

    pub(crate) fn server(&self) -> &Server<'a> {
        &self.server
    }

    /// Uploads a guest of `guests/`, and runs it in a step with these fields.
    pub(crate) fn guest(&mut self, attack: &Attack, fields: &Value) {
        self.component(attack, guest::component(&attack.name), fields);
    }

    /// Uploads a component, and runs it in a step with these fields.
    pub(crate) fn component(&mut self, attack: &Attack, component: Vec<u8>, fields: &Value) {
        guest::deploy(self.client(), &attack.name, component, fields);
        self.attack(attack, |client| {
            Got::end_of(client, &guest::trigger(client, &attack.name, &Value::Null))
        });
    }

    /// Makes an attack while the neighbour runs, and looks at everything that has to hold. What
    /// does not is told at the [end](Arena::end), when all attacks have been made.
    pub(crate) fn attack(&mut self, attack: &Attack, act: impl FnOnce(&Client) -> Got + Send) {
        let client = self.client().clone();
        let before = self.server.memory();
        self.server.forget_peak();
        let over = AtomicBool::new(false);
        let (got, took, mut beside) = std::thread::scope(|scope| {
            let attacker = scope.spawn(|| {
                let started = Instant::now();
                let got = catch_unwind(AssertUnwindSafe(|| act(&client)));
                over.store(true, Ordering::SeqCst);
                (got.unwrap_or_else(|panic| Got::new("panic", said(&*panic))), started.elapsed())
            });
            let beside = neighbour(&client, &over);
            let (got, took) = attacker.join().expect("an attack's panic is caught");
            (got, took, beside)
        });
        let kept_kib = before.now_kib + attack.keeps_mib * 1024;
        let settled = || (self.server.memory().now_kib <= kept_kib).then_some(());
        // Judged below.
        let _ = wait::within(Duration::from_secs(3), settled);
        let after = self.server.memory();
        let worst = beside
            .as_ref()
            .map_or(Duration::MAX, |runs| runs.iter().copied().max().unwrap_or_default());
        let row = Row {
            subject: self.subject,
            attack: attack.name.clone(),
            tries: attack.tries.clone(),
            got: got.clone(),
            took,
            memory_kib: [before.now_kib, after.peak_kib, after.now_kib],
            neighbour: [self.alone, worst],
        };
        let mut faults = judge(attack, &got, took, before, after);
        faults.extend(self.judge_neighbour(&mut beside));
        table::add(row);
        self.faults.extend(faults.iter().map(|fault| format!("{}: {fault}", attack.name)));
    }

    fn judge_neighbour(&self, beside: &mut Result<Vec<Duration>, String>) -> Vec<String> {
        let runs = match beside {
            Ok(runs) => runs,
            Err(why) => return vec![format!("the neighbour beside it: {why}")],
        };
        let (most, middle) = (self.alone.max(ALONE_MIN) * SLOWER_MAX, median(runs));
        let worst = runs.iter().copied().max().unwrap_or_default();
        let mut faults = Vec::new();
        if middle > most || worst > NEIGHBOUR_MAX {
            faults.push(format!(
                "the neighbour took {middle:?} and up to {worst:?} beside it, and {:?} alone",
                self.alone
            ));
        }
        if let Err(why) = visit(self.client()) {
            faults.push(format!("the server runs no step afterwards: {why}"));
        }
        faults
    }

    /// Notes something else that does not hold.
    pub(crate) fn hold(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.faults.push(what.into());
        }
    }

    /// All attacks of the subject are made.
    ///
    /// # Panics
    ///
    /// Something did not hold.
    #[track_caller]
    pub(crate) fn end(self) {
        assert!(self.faults.is_empty(), "{}:\n{}", self.subject, self.faults.join("\n"));
    }
}

/// Limits that a hostile guest meets soon.
pub(crate) fn tight<'a>() -> ServerOptions<'a> {
    ServerOptions::new()
        // Its memory is measured, also by who is not root.
        .env("WAYSTATION_DEBUG_ATTACH", "allow")
        .env("WAYSTATION_LIMITS_CPU_MS", "500")
        .env("WAYSTATION_LIMITS_TIMEOUT_S", "3")
        .env("WAYSTATION_LIMITS_MEMORY_MIB", "64")
}

fn judge(attack: &Attack, got: &Got, took: Duration, before: Memory, after: Memory) -> Vec<String> {
    let mut faults = Vec::new();
    if !attack.endings.contains(&got.ending.as_str()) || !got.message.contains(attack.says) {
        let message: String = got.message.chars().take(400).collect();
        faults.push(format!(
            "it ended as {} ({message}), and not as {:?} ({})",
            got.ending, attack.endings, attack.says
        ));
    }
    if took > attack.within {
        faults.push(format!("it took {took:?}, and not {:?}", attack.within));
    }
    for (what, kib, mib_max) in
        [("grew by", after.peak_kib, attack.grows_mib), ("kept", after.now_kib, attack.keeps_mib)]
    {
        let mib = kib.saturating_sub(before.now_kib) / 1024;
        if mib > mib_max {
            faults.push(format!("the server {what} {mib} MiB, and not {mib_max}"));
        }
    }
    faults
}

/// Runs the neighbour until the attack is over, at least twice; how long each took.
fn neighbour(client: &Client, over: &AtomicBool) -> Result<Vec<Duration>, String> {
    let is_over = || over.load(Ordering::SeqCst);
    let mut runs = Vec::new();
    let mut failed = None;
    while runs.len() < 2 || !is_over() {
        match visit(client) {
            Ok(took) => runs.push(took),
            // The attack goes on; one reason is enough.
            Err(why) => {
                failed.get_or_insert(why);
                if is_over() {
                    break;
                }
            }
        }
        let _ = wait::within(BETWEEN, || is_over().then_some(()));
    }
    failed.map_or(Ok(runs), Err)
}

/// One innocent execution, from its trigger to its end.
fn visit(client: &Client) -> Result<Duration, String> {
    let started = Instant::now();
    let request = client.request("POST", "/api/v1/workflows/innocent/executions").json(&json!(1));
    let patience = Duration::from_secs(20);
    let answer: Result<http::Answer, _> =
        request.header("prefer", "wait=15").patience(patience).try_send();
    let answer = answer.map_err(|error| format!("no answer: {error}"))?;
    let took = started.elapsed();
    let text = answer.text();
    let execution: Value = serde_json::from_str(&text).unwrap_or_default();
    if execution["status"] == "completed" {
        Ok(took)
    } else {
        Err(format!("{}: {text}", answer.status))
    }
}

fn median(runs: &mut [Duration]) -> Duration {
    runs.sort_unstable();
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
