//! The load: threads that do whatever a caller may do, in any order.

use std::thread;

use fastrand::Rng;
use serde_json::json;

use crate::http;
use crate::torture::facts::Call;
use crate::torture::ledger::Links;
use crate::torture::plan::{Plan, WORKFLOW};
use crate::torture::report::Kind;
use crate::torture::world::World;
use crate::{Answer, run_id, wait};

/// Executions that may be under way; more of them only make each one slower.
const OPEN_MAX: usize = 120;

/// Calls that compete for one pause.
const RIVALS_MAX: usize = 3;

/// Runs `meanwhile` while `threads` threads work; they have stopped when this returns.
pub(super) fn under_load<T>(
    world: &World,
    threads: usize,
    rng: &mut Rng,
    meanwhile: impl FnOnce() -> T,
) -> T {
    /// Also when `meanwhile` panics: else its scope would wait for the workers for ever.
    struct Stop<'a>(&'a World);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.stop(true);
        }
    }
    world.stop(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            let rng = rng.fork();
            scope.spawn(move || Worker { world, rng }.work());
        }
        let _stop = Stop(world);
        meanwhile()
    })
}

/// Does one thing after another.
pub(super) struct Worker<'a> {
    pub(super) world: &'a World,
    pub(super) rng: Rng,
}

impl Worker<'_> {
    fn work(&mut self) {
        while !self.world.is_over() {
            if self.world.is_up() {
                self.act();
            } else {
                wait::pause(std::time::Duration::from_millis(5));
            }
        }
    }

    fn act(&mut self) {
        let early = self.world.ledger().early.pop_front();
        if let Some(links) = early {
            return self.call_early(&links);
        }
        match self.rng.u8(0..100) {
            0..40 => self.trigger(),
            40..75 => self.answer(),
            75..85 => self.read_history(),
            85..92 => self.read_execution(),
            _ => self.call_again(),
        }
    }

    /// Any execution; more often than not one that has not ended.
    fn any(&mut self) -> Option<String> {
        let ledger = self.world.ledger();
        if ledger.open.is_empty() || self.rng.u8(0..4) == 0 {
            return self.rng.choice(ledger.ids());
        }
        self.rng.choice(ledger.open.iter()).cloned()
    }

    fn read_history(&mut self) {
        if let Some(id) = self.any() {
            self.world.history(&id);
        }
    }

    fn read_execution(&mut self) {
        if let Some(id) = self.any() {
            self.world.execution(&id);
        }
    }

    fn trigger(&mut self) {
        let repeat = self.world.ledger().unanswered.pop();
        if let Some(plan) = repeat {
            return self.send(&plan);
        }
        if self.world.ledger().open.len() < OPEN_MAX {
            let plan = Plan::random(&mut self.rng, &self.world.pace, self.world.witness());
            self.send(&plan);
        }
    }

    /// Triggers a plan; now and then twice at the same time, when it has a key.
    pub(super) fn send(&mut self, plan: &Plan) {
        let twice = plan.key.is_some() && self.rng.u8(0..8) == 0;
        thread::scope(|scope| {
            if twice {
                scope.spawn(|| trigger(self.world, plan));
            }
            trigger(self.world, plan);
        });
    }

    /// Looks at an execution and, when it waits, calls its links, or lets an operator act.
    fn answer(&mut self) {
        let Some(id) = self.any() else { return };
        let Some(view) = self.world.execution(&id) else { return };
        let waiting = &view["waiting"];
        let Some(step) = waiting["step"].as_str() else { return };
        let runs = view["steps"][step]["runs"].as_u64().and_then(|runs| u32::try_from(runs).ok());
        let run = (step.to_owned(), runs.unwrap_or(0));
        match Links::of(&id, run, waiting) {
            Some(links) => {
                self.world.ledger().links(links.clone());
                let rivals = self.rng.usize(1..=RIVALS_MAX);
                self.contest(&links, rivals);
            }
            None if self.rng.bool() => self.operate(&id),
            None => {}
        }
    }

    fn call_early(&mut self, links: &Links) {
        let rivals = self.rng.usize(0..=RIVALS_MAX - 1);
        self.contest(links, rivals);
    }

    /// Calls links of a pause that was seen before, whatever has become of it.
    fn call_again(&mut self) {
        let Some(id) = self.any() else { return };
        let links: Vec<Links> = {
            let ledger = self.world.ledger();
            ledger.get(&id).into_iter().flat_map(|known| known.links.values().cloned()).collect()
        };
        if let Some(links) = self.rng.choice(links) {
            self.contest(&links, 1);
        }
    }

    /// Calls of different kinds and with different bodies at the same time.
    pub(super) fn contest(&mut self, links: &Links, rivals: usize) {
        let (world, rng) = (self.world, &mut self.rng);
        thread::scope(|scope| {
            for rival in 0..rivals {
                let mut rng = rng.fork();
                let mut call = move || call(world, &mut rng, links);
                // The last one needs no thread of its own.
                if rival + 1 == rivals { call() } else { drop(scope.spawn(call)) }
            }
        });
    }

    fn operate(&mut self, id: &str) {
        let action = if self.rng.u8(0..4) == 0 { "cancel" } else { "resume" };
        operate(self.world, &mut self.rng, id, action);
    }
}

/// One call on a pause: a link's, the page's, or an operator's.
pub(super) fn call(world: &World, rng: &mut Rng, links: &Links) {
    let action = if rng.u8(0..4) == 0 { "cancel" } else { "resume" };
    if rng.u8(0..6) == 0 {
        return operate(world, rng, &links.execution, action);
    }
    let nonce = nonce(rng, links);
    let request = if rng.u8(0..5) == 0 {
        let form = format!("action={action}&nonce={nonce}");
        http::request("POST", &links.approval).body("application/x-www-form-urlencoded", form)
    } else {
        let link = if action == "cancel" { &links.cancel } else { &links.resume };
        match rng.u8(0..4) {
            0 => http::request("GET", &format!("{link}?nonce={nonce}")),
            1 => http::request("PUT", link).json(&json!({ "nonce": nonce })),
            _ => http::request("POST", link).json(&json!({ "nonce": nonce })),
        }
    };
    let Some(answer) = world.ask(request) else { return };
    let call = Call { run: Some(links.run.clone()), action, nonce };
    answered(world, &links.execution, call, &answer);
}

/// What is sent along says which pause was meant.
fn nonce(rng: &mut Rng, links: &Links) -> String {
    let (step, run) = &links.run;
    format!("{}.{step}.{run}.{:016x}", links.execution, rng.u64(..))
}

/// An operator resumes or cancels.
pub(super) fn operate(world: &World, rng: &mut Rng, id: &str, action: &'static str) {
    let nonce = format!("{id}.operator.{:016x}", rng.u64(..));
    let path = format!("/api/v1/executions/{id}/{action}");
    let request = world.client.request("POST", &path).json(&json!({ "nonce": nonce }));
    let Some(answer) = world.ask(request) else { return };
    answered(world, id, Call { run: None, action, nonce }, &answer);
}

fn answered(world: &World, id: &str, call: Call, answer: &Answer) {
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    world.ledger().answered(id, call, answer.status, body);
}

/// Triggers a plan. What was not answered and has a key is kept, to be repeated.
fn trigger(world: &World, plan: &Plan) {
    let client = &world.client;
    let request = if plan.by_hook {
        let url = format!("{}/hooks/{WORKFLOW}", client.url);
        http::request("POST", &url).json(&plan.event["body"])
    } else {
        client
            .request("POST", &format!("/api/v1/workflows/{WORKFLOW}/executions"))
            .json(&plan.event)
    };
    let request = match &plan.key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    match world.ask(request) {
        Some(answer) if matches!(answer.status, 200..=202) => {
            world.ledger().triggered(plan, &run_id(&answer.json()));
        }
        Some(answer) => {
            let what = format!("a trigger was refused: {}", answer.text());
            world.ledger().violation(Kind::Other, what);
        }
        None if plan.key.is_some() => {
            let mut ledger = world.ledger();
            // Its twin may have been answered, or be waiting already.
            if !ledger.unanswered.iter().any(|other| other.nonce == plan.nonce) {
                ledger.unanswered.push(plan.clone());
            }
        }
        None => {}
    }
}
