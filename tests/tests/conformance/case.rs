//! One language's component on one server.

use serde_json::{Value, json};
use waystation_tests::{Client, Server};

pub(crate) struct Case<'a> {
    pub(crate) server: &'a Server<'a>,
    pub(crate) client: &'a Client,
    pub(crate) language: &'a str,
}

impl<'a> Case<'a> {
    /// Uploads the component.
    pub(crate) fn new(server: &'a Server<'a>, language: &'a str) -> Case<'a> {
        let client = server.client();
        client.push(&format!("conformance/{language}"));
        Case { server, client, language }
    }

    /// The step `step` that runs a program with these props beside its name.
    pub(crate) fn step(&self, program: &str, props: Value) -> Value {
        let mut props = props;
        props["program"] = json!(program);
        json!({
            "name": "step",
            "component": self.language,
            "props": props,
            "allow": {"http": ["http://127.0.0.1:*"], "email": true},
        })
    }

    /// Starts a program in a workflow whose next step says that it ran; the execution's id.
    pub(crate) fn start(&self, program: &str, props: Value) -> String {
        let name = self.workflow(program);
        self.client.deploy_step_and_next(&name, self.language, &self.step(program, props)["props"]);
        self.client.trigger(&name, &Value::Null)
    }

    /// Starts a program and waits for its end: what it returned.
    pub(crate) fn result(&self, program: &str, props: Value) -> Value {
        let execution = self.client.completed(&self.start(program, props));
        assert!(next_step_ran(&execution), "{execution:#}");
        returned(&execution)
    }

    /// Starts a program and waits for its pause: the execution's id, and what it waits for.
    pub(crate) fn paused(&self, program: &str, props: Value) -> (String, Value) {
        let id = self.start(program, props);
        let waiting = self.client.paused(&id)["waiting"].clone();
        (id, waiting)
    }

    /// The name of the workflow for a program.
    pub(crate) fn workflow(&self, program: &str) -> String {
        program.replace('_', "-")
    }
}

/// What the program returned.
pub(crate) fn returned(execution: &Value) -> Value {
    export(execution, "$return_value")
}

/// One of the program's exports.
pub(crate) fn export(execution: &Value, name: &str) -> Value {
    execution["steps"]["step"]["exports"][name].clone()
}

/// Did the workflow go on after the program?
pub(crate) fn next_step_ran(execution: &Value) -> bool {
    execution["steps"]["next"]["exports"]["$return_value"] == "the next step ran"
}
