//! What a test says to the step.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{Outcome, Reply, Sent, record};
use crate::context::Execution;
use crate::handler::Handler;

/// Answers the step's requests.
pub(super) type Server = Rc<dyn Fn(&Sent) -> Reply>;

/// A host that remembers what the step asked for.
///
/// Made anew it is in the first run and attempt of a step `step` in a workflow `test`, with `{}`
/// as its props, null as its event, and no steps before it. Mail is allowed, and an HTTP caller
/// waits for an answer. See the [module](super) for an example.
#[derive(Clone)]
#[must_use = "nothing runs before `call`"]
pub struct FakeHost {
    props: Value,
    pub(super) runs: u32,
    pub(super) context: Option<Value>,
    pub(super) callback_request: Option<Value>,
    pub(super) event: Value,
    pub(super) steps: Value,
    pub(super) execution: Execution,
    pub(super) server: Option<Server>,
}

impl FakeHost {
    /// A first run.
    pub fn new() -> Self {
        Self {
            props: json!({}),
            runs: 1,
            context: None,
            callback_request: None,
            event: Value::Null,
            steps: json!({}),
            execution: Execution {
                id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
                workflow: "test".into(),
                workflow_version: 1,
                step: "step".into(),
                triggered_at: "2026-01-01T00:00:00Z".into(),
                deadline_ms: 1_767_225_630_000,
                attempt: 1,
                idempotency_key: "test/step/1".into(),
                test: false,
            },
            server: None,
        }
    }

    /// The step's props.
    pub fn props(mut self, props: Value) -> Self {
        self.props = props;
        self
    }

    /// Which run it is, from 1.
    pub fn runs(mut self, runs: u32) -> Self {
        self.runs = runs;
        self.execution.idempotency_key = format!("test/step/{runs}");
        self
    }

    /// What the run before handed to `rerun`.
    pub fn context(mut self, context: Value) -> Self {
        self.context = Some(context).filter(|context| !context.is_null());
        self
    }

    /// The request that called the resume link and so caused this run. What is left out of
    /// `method`, `path`, `url`, `query`, `headers`, `body` and `client_ip` is filled in.
    pub fn callback_request(mut self, request: Value) -> Self {
        let mut whole = json!({
            "method": "POST",
            "path": "/resume/token",
            "url": "http://localhost/resume/token",
            "query": {},
            "headers": {},
            "body": null,
            "client_ip": "127.0.0.1",
        });
        for (field, value) in request.as_object().into_iter().flatten() {
            whole[field] = value.clone();
        }
        self.callback_request = Some(whole);
        self
    }

    /// The event that triggered the workflow.
    pub fn event(mut self, event: Value) -> Self {
        self.event = event;
        self
    }

    /// What the steps so far exported: an object of step name to an object of exports.
    pub fn steps(mut self, steps: Value) -> Self {
        self.steps = steps;
        self
    }

    /// Is it a test run?
    pub fn test(mut self, test: bool) -> Self {
        self.execution.test = test;
        self
    }

    /// Which attempt of the run it is, from 1.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.execution.attempt = attempt;
        self
    }

    /// Changes what [`context::execution`](crate::context::execution) tells.
    pub fn execution(mut self, change: impl FnOnce(&mut Execution)) -> Self {
        change(&mut self.execution);
        self
    }

    /// Answers the step's HTTP requests, those after redirects too. Without it each of them
    /// fails.
    pub fn http(mut self, server: impl Fn(&Sent) -> Reply + 'static) -> Self {
        self.server = Some(Rc::new(server));
        self
    }

    /// Calls the handler as a component would, and tells what became of it.
    ///
    /// A panic of the handler goes through; in a component it would end the run as a trap.
    pub fn call<Signature>(self, handler: impl Handler<Signature>) -> Outcome {
        let props = self.props.to_string();
        record::during(self, || handler.call_with(&props))
    }
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}
