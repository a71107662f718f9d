//! What an execution is to do, chosen at random: the event that triggers it says all of it.

use std::ops::Range;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::Client;
use crate::torture::rules::{NEXT, STEP};

/// The one workflow. Its first step does what the event says, its second only that it ran.
pub(super) const WORKFLOW: &str = "torture";

/// How long things take in a mode, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Waits that are meant to run out.
    pub(super) short: Range<u64>,
    /// Waits that somebody ends.
    pub(super) long: Range<u64>,
}

impl Pace {
    /// For a clock that runs like ours.
    pub(super) fn real() -> Pace {
        Pace { short: 50..1500, long: 3_600_000..7_200_000 }
    }
}

/// One execution.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Its name, which no other has.
    pub(super) nonce: String,
    /// What is sent.
    pub(super) event: Value,
    /// Over `/hooks`, not over the API.
    pub(super) by_hook: bool,
    /// The trigger's `Idempotency-Key`.
    pub(super) key: Option<String>,
}

/// Uploads the guest and deploys the workflow.
pub(super) fn deploy(client: &Client) {
    client.push("tests/toolbox");
    let allow = json!({"http": ["http://127.0.0.1:*"], "email": true});
    let next = json!({"do": [{"post_run": "{{ event.body.witness }}"}, {"return": "next"}]});
    client.deploy(&json!({
        "name": WORKFLOW,
        "trigger": {"http": {}},
        "steps": [
            {
                "name": STEP,
                "component": "toolbox",
                "props": {"do": "{{ event.body.actions }}", "later": "{{ event.body.later }}"},
                "allow": allow,
                "retry": {"attempts": 3, "backoff_ms": 100, "factor": 2},
            },
            {"name": NEXT, "component": "toolbox", "props": next, "allow": allow},
        ],
    }));
}

impl Plan {
    /// Any kind of execution, told to the witness at `witness`.
    pub(super) fn random(rng: &mut Rng, pace: &Pace, witness: &str) -> Plan {
        let nonce = format!("{:016x}", rng.u64(..));
        let url = format!("{witness}/{nonce}");
        let (actions, later) = actions(rng, pace, &nonce, &url);
        Plan::of(rng, nonce, &url, &actions, &later)
    }

    /// A pause that many will call: it begins `sleep` after its links were told, and its time
    /// is over `timeout` later, in milliseconds.
    pub(super) fn contested(rng: &mut Rng, sleep: u64, timeout: u64, witness: &str) -> Plan {
        let nonce = format!("{:016x}", rng.u64(..));
        let url = format!("{witness}/{nonce}");
        let flow = match rng.u8(0..3) {
            0 => rerun(rng, timeout, &nonce),
            _ => suspend(rng, timeout),
        };
        let mut actions = vec![flow, json!({"post_run": url}), json!({"sleep": sleep})];
        if rng.u8(0..5) == 0 {
            // Its pause begins only after the host's own wait.
            actions.push(json!({"fail": {"message": "as planned", "attempts": 1}}));
        }
        Plan::of(rng, nonce, &url, &Value::Array(actions), &Value::Null)
    }

    /// A `suspend` that waits for a year.
    pub(super) fn patient(rng: &mut Rng, witness: &str) -> Plan {
        let nonce = format!("{:016x}", rng.u64(..));
        let url = format!("{witness}/{nonce}");
        let actions = json!([{"post_run": url}, suspend(rng, 31_536_000_000)]);
        Plan::of(rng, nonce, &url, &actions, &Value::Null)
    }

    fn of(rng: &mut Rng, nonce: String, url: &str, actions: &Value, later: &Value) -> Plan {
        let body = json!({"nonce": nonce, "witness": url, "actions": actions, "later": later});
        let key = rng.bool().then(|| format!("key-{nonce}"));
        Plan { event: json!({ "body": body }), by_hook: rng.bool(), key, nonce }
    }
}

/// What the first run does, and the later ones.
fn actions(rng: &mut Rng, pace: &Pace, nonce: &str, url: &str) -> (Value, Value) {
    let begin = json!({"post_run": url});
    let done = json!({"return": nonce});
    let log = json!({"log": format!("log of {nonce}")});
    let short = rng.u64(pace.short.clone());
    let long = rng.u64(pace.long.clone());
    let actions = match rng.u8(0..13) {
        0 => json!([begin, log, done]),
        1 | 2 => json!([begin, suspend(rng, long)]),
        3 => json!([begin, suspend(rng, short)]),
        4 => json!([begin, rerun(rng, short, nonce)]),
        5 => {
            let first = json!([begin, rerun(rng, long, nonce)]);
            return (first, json!([begin, suspend(rng, long)]));
        }
        6 => json!([begin, rerun(rng, long, nonce)]),
        7 => json!([begin, log, {"delay": short}]),
        8 => {
            let fail = json!({"message": "as planned", "attempts": rng.u32(1..=3)});
            json!([begin, log, {"fail": fail}, done])
        }
        9 => match rng.bool() {
            true => json!([begin, {"exit": "as planned"}]),
            false => json!([begin, {"fail": {"message": "as planned", "permanent": true}}]),
        },
        10 => {
            let mail = json!({"to": [], "subject": nonce, "text": "torture"});
            json!([begin, {"email": mail}, suspend(rng, short)])
        }
        // Their links are told before the pause begins.
        11 => {
            let sleep = json!({"sleep": rng.u64(20..400)});
            let last = if rng.u8(0..4) == 0 { json!("withdraw") } else { log };
            json!([suspend(rng, long), begin, sleep, last])
        }
        _ => {
            let fail = json!({"message": "as planned", "attempts": 1});
            json!([rerun(rng, long, nonce), begin, {"fail": fail}])
        }
    };
    (actions, Value::Null)
}

fn suspend(rng: &mut Rng, timeout_ms: u64) -> Value {
    let on_timeout = rng.choice(["resume", "cancel", "fail"]);
    json!({"suspend": {"timeout_ms": timeout_ms, "on_timeout": on_timeout}})
}

fn rerun(rng: &mut Rng, delay_ms: u64, nonce: &str) -> Value {
    json!({"rerun": {"delay_ms": delay_ms, "context": nonce, "max_retries": rng.u32(0..3)}})
}
