//! What a workflow's steps may do beyond computing, and whether a new version asks for more.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Limits, SecretUse, StepName, StepSpec, UrlPattern, WorkflowSpec};

/// One thing that a workflow, or one of its steps, may do.
///
/// It is what the author allows *and* the component can make use of: a step that allows HTTP to
/// a component without HTTP is granted none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The step; none for what concerns the workflow as a whole.
    pub step: Option<StepName>,
    /// What it may do.
    pub permission: Permission,
}

/// What may be done. As text it completes the sentence "It may …".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// The workflow: be started by a request to its hook.
    Hook,
    /// Pause, repeat or end the workflow.
    Flow,
    /// Answer the HTTP caller that triggered the workflow.
    Respond,
    /// Call out over HTTP, where the operator lets it, too.
    Http(UrlPattern),
    /// Send mail.
    Email,
    /// Use this secret, or see its value.
    Secret(SecretUse),
    /// Take so much memory, in MiB.
    MemoryMib(u32),
    /// Run for so long, in seconds.
    TimeoutS(u32),
    /// Be on a processor for so long, in milliseconds.
    CpuMs(u32),
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Permission::Hook => f.write_str("be started by whoever calls its hook"),
            Permission::Flow => f.write_str("pause, repeat or end the workflow"),
            Permission::Respond => f.write_str("answer the HTTP caller of the workflow"),
            Permission::Http(pattern) => write!(f, "call {pattern}"),
            Permission::Email => f.write_str("send mail"),
            Permission::Secret(SecretUse { name, reveal: true }) => {
                write!(f, "see the value of the secret {name}")
            }
            Permission::Secret(SecretUse { name, reveal: false }) => {
                write!(f, "use the secret {name} without seeing its value")
            }
            Permission::MemoryMib(mib) => write!(f, "take up to {mib} MiB of memory"),
            Permission::TimeoutS(seconds) => write!(f, "run for up to {seconds} s at a time"),
            Permission::CpuMs(ms) => write!(f, "use up to {ms} ms of processor time in a run"),
        }
    }
}

impl Permission {
    /// Whoever has this one: may they do `other`, too?
    fn covers(&self, other: &Permission) -> bool {
        match (self, other) {
            (Permission::MemoryMib(has), Permission::MemoryMib(asked))
            | (Permission::TimeoutS(has), Permission::TimeoutS(asked))
            | (Permission::CpuMs(has), Permission::CpuMs(asked)) => has >= asked,
            (Permission::Http(has), Permission::Http(asked)) => has.covers(asked),
            (Permission::Secret(has), Permission::Secret(asked)) => {
                has.name == asked.name && (has.reveal || !asked.reveal)
            }
            (has, asked) => has == asked,
        }
    }
}

impl Grant {
    /// What a workflow is granted. `imports` are those of each step's component, in the order
    /// of the steps; `limits` the operator's, for what a step leaves open.
    pub fn all(spec: &WorkflowSpec, imports: &[Vec<String>], limits: &Limits) -> Vec<Grant> {
        let hook = spec.trigger.http.as_ref();
        let hook = hook.map(|_| Grant { step: None, permission: Permission::Hook });
        let steps = spec.steps.iter().zip(imports).flat_map(|(step, imports)| {
            let granted = of_step(step, imports, limits).into_iter();
            granted.map(|permission| Grant { step: Some(step.name.clone()), permission })
        });
        hook.into_iter().chain(steps).collect()
    }

    /// Those of `asked` that go beyond `before`.
    pub fn beyond(asked: &[Grant], before: &[Grant]) -> Vec<Grant> {
        let covered = |grant: &&Grant| {
            before
                .iter()
                .any(|had| had.step == grant.step && had.permission.covers(&grant.permission))
        };
        asked.iter().filter(|grant| !covered(grant)).cloned().collect()
    }
}

fn of_step(step: &StepSpec, imports: &[String], limits: &Limits) -> Vec<Permission> {
    let can =
        |interface: &str| imports.iter().any(|import| import.split('@').next() == Some(interface));
    let mut may = Vec::new();
    if can("waystation:step/flow") {
        may.push(Permission::Flow);
    }
    if can("waystation:step/http-response") {
        may.push(Permission::Respond);
    }
    if can("wasi:http/outgoing-handler") {
        may.extend(step.allow.http.iter().cloned().map(Permission::Http));
    }
    if can("waystation:step/send") && step.allow.email {
        may.push(Permission::Email);
    }
    // Secrets come as environment variables.
    if can("wasi:cli/environment") {
        may.extend(step.allow.secrets.iter().cloned().map(Permission::Secret));
    }
    may.push(Permission::MemoryMib(step.limits.memory_mib.unwrap_or(limits.memory_mib)));
    may.push(Permission::TimeoutS(step.limits.timeout_s.unwrap_or(limits.timeout_s)));
    may.push(Permission::CpuMs(step.limits.cpu_ms.unwrap_or(limits.cpu_ms)));
    may
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVERYTHING: [&str; 5] = [
        "waystation:step/flow@0.1.0",
        "waystation:step/http-response@0.1.0",
        "waystation:step/send@0.1.0",
        "wasi:http/outgoing-handler@0.2.4",
        "wasi:cli/environment@0.2.0",
    ];

    /// The grants of a workflow of one step `s`, which imports these.
    fn grants(imports: &[&str], trigger: Value, step: Value) -> Vec<Grant> {
        let mut step = step;
        step["name"] = "s".into();
        step["component"] = "c".into();
        let spec = json!({"name": "w", "trigger": trigger, "steps": [step]});
        let imports = imports.iter().map(|&import| import.to_owned()).collect();
        Grant::all(&serde_json::from_value(spec).unwrap(), &[imports], &Limits::default())
    }

    fn sentences(grants: &[Grant]) -> Vec<String> {
        grants.iter().map(|grant| grant.permission.to_string()).collect()
    }

    fn allow() -> Value {
        json!({"allow": {"http": ["https://a.example", "http://b.example:*"], "email": true}})
    }

    #[test]
    fn a_step_is_granted_what_it_is_allowed_and_can_use() {
        let all = grants(&EVERYTHING, json!({"http": {}}), allow());
        assert_eq!(
            sentences(&all),
            [
                "be started by whoever calls its hook",
                "pause, repeat or end the workflow",
                "answer the HTTP caller of the workflow",
                "call https://a.example",
                "call http://b.example:*",
                "send mail",
                "take up to 256 MiB of memory",
                "run for up to 30 s at a time",
                "use up to 30000 ms of processor time in a run",
            ]
        );
        assert_eq!(
            (all[0].step.as_ref(), all[1].step.as_ref().map(StepName::as_str)),
            (None, Some("s"))
        );
        let bounds = [
            "take up to 256 MiB of memory",
            "run for up to 30 s at a time",
            "use up to 30000 ms of processor time in a run",
        ];
        assert_eq!(sentences(&grants(&[], json!({}), allow())), bounds, "it can use nothing");
        assert_eq!(sentences(&grants(&EVERYTHING[3..], json!({}), json!({}))), bounds);
    }

    #[test]
    fn what_goes_beyond_is_what_was_not_granted_before() {
        let before = grants(&EVERYTHING[2..], json!({}), allow());
        assert_eq!(Grant::beyond(&before, &before), []);
        let narrower = json!({"allow": {"http": ["GET https://a.example/v1"]}});
        assert_eq!(Grant::beyond(&grants(&EVERYTHING[2..], json!({}), narrower), &before), []);
        let less =
            grants(&EVERYTHING[2..], json!({}), json!({"limits": {"timeout_s": 1, "cpu_ms": 1}}));
        assert_eq!(Grant::beyond(&less, &before), []);
        let more = sentences(&Grant::beyond(&before, &less));
        assert_eq!(more[..3], ["call https://a.example", "call http://b.example:*", "send mail"]);
        let time =
            ["run for up to 30 s at a time", "use up to 30000 ms of processor time in a run"];
        assert_eq!(more[3..], time);
        let hook = grants(&EVERYTHING[2..], json!({"http": {}}), allow());
        assert_eq!(sentences(&Grant::beyond(&hook, &before)), [hook[0].permission.to_string()]);
    }

    #[test]
    fn a_component_that_can_do_more_is_more_under_the_same_allowance() {
        let before = grants(&[], json!({}), allow());
        let more = Grant::beyond(&grants(&EVERYTHING[3..], json!({}), allow()), &before);
        assert_eq!(sentences(&more), ["call https://a.example", "call http://b.example:*"]);
    }

    #[test]
    fn to_see_a_secret_is_more_than_to_use_it() {
        let asks = |secrets: Value| {
            grants(&EVERYTHING[4..], json!({}), json!({"allow": {"secrets": secrets}}))
        };
        let (uses, sees) = (asks(json!(["K"])), asks(json!([{"name": "K", "reveal": true}])));
        assert_eq!(sentences(&uses)[0], "use the secret K without seeing its value");
        assert_eq!(Grant::beyond(&uses, &sees), []);
        let more = Grant::beyond(&sees, &uses);
        assert_eq!(sentences(&more), ["see the value of the secret K"]);
        assert_eq!(Grant::beyond(&asks(json!(["K", "L"])), &uses).len(), 1);
    }

    #[test]
    fn what_one_step_may_is_not_for_another() {
        let before = grants(&EVERYTHING, json!({}), allow());
        let mut moved = before.clone();
        moved.iter_mut().for_each(|grant| grant.step = Some("other".parse().unwrap()));
        assert_eq!(Grant::beyond(&moved, &before), moved);
    }
}
