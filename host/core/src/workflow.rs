//! A workflow: what its author writes, and what a deploy makes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Digest, Grant, Limits, SecretName, SecretUse, StepName, Timestamp, UrlPattern, WorkflowName,
};

/// A deployed workflow: one version, every component pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// From 1; each deploy of a changed definition makes the next.
    pub version: u32,
    /// When it was deployed.
    pub deployed_at: Timestamp,
    /// The digest of each step's component, in order.
    pub digests: Vec<Digest>,
    /// What the author wrote.
    pub spec: WorkflowSpec,
    /// What it was granted when it was deployed.
    #[serde(default)]
    pub grants: Vec<Grant>,
}

/// The workflow file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowSpec {
    /// Its name.
    pub name: WorkflowName,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How it is triggered.
    #[serde(default)]
    pub trigger: Trigger,
    /// At least one.
    pub steps: Vec<StepSpec>,
}

/// How a workflow is triggered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// By a request to `/hooks/{name}`; none when it is triggered by the API alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpTrigger>,
}

/// An HTTP trigger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    /// Who answers the caller.
    #[serde(default)]
    pub respond: Respond,
}

/// Who answers a trigger's caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Respond {
    /// The host, at once, with 202.
    #[default]
    Immediately,
    /// A step, with `http-response.respond`.
    Step,
}

/// One step of a workflow file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Its name, unique in the workflow.
    pub name: StepName,
    /// A component's name, or `sha256:…`.
    pub component: String,
    /// The step's configuration; strings may hold templates.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub props: Map<String, Value>,
    /// What it is allowed; nothing unless it is said.
    #[serde(default)]
    pub allow: Allow,
    /// Its limits.
    #[serde(default)]
    pub limits: StepLimits,
    /// What happens when a run fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
}

/// What a step is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Where it may call out to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<UrlPattern>,
    /// May it send mail?
    pub email: bool,
    /// Secrets it may use, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretUse>,
    /// Settings it gets, as environment variables; it has no others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
}

/// What a step asks for, within the operator's bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepLimits {
    /// Memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Wall time of a run, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// Time on a processor in a run, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u32>,
}

/// When a failed run is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// Tries at a run in all, the first one counted.
    pub attempts: u32,
    /// The wait before the second try, in milliseconds.
    #[serde(default = "RetryPolicy::default_backoff_ms")]
    pub backoff_ms: u64,
    /// Each further wait is this many times the one before.
    #[serde(default = "RetryPolicy::default_factor")]
    pub factor: f64,
    /// No wait is longer, in milliseconds.
    #[serde(default = "RetryPolicy::default_max_backoff_ms")]
    pub max_backoff_ms: u64,
}

impl Eq for RetryPolicy {}

impl RetryPolicy {
    /// Tries of one run.
    pub const ATTEMPTS_MAX: u32 = 100;

    fn default_backoff_ms() -> u64 {
        1_000
    }

    fn default_factor() -> f64 {
        2.0
    }

    fn default_max_backoff_ms() -> u64 {
        3_600_000
    }

    /// For a run that failed through no fault of its own: what is wrong with the host may pass.
    /// Five tries in some 85 seconds, whatever the step asks for.
    pub const AFTER_HOST_FAULT: RetryPolicy =
        RetryPolicy { attempts: 5, backoff_ms: 1_000, factor: 4.0, max_backoff_ms: 60_000 };

    /// The wait after the `failures`-th failure (from 1), in milliseconds.
    pub fn backoff_after(&self, failures: u32) -> u64 {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a wait is at most 365 days, which a f64 holds exactly; the cast saturates"
        )]
        let wait = (self.backoff_ms as f64 * self.factor.powi(exponent)) as u64;
        wait.min(self.max_backoff_ms)
    }
}

/// A workflow file that is well-formed and still wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InvalidWorkflow {
    /// Where, such as `steps[2].name`.
    pub place: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl WorkflowSpec {
    /// Checks what a type can't say.
    ///
    /// # Errors
    ///
    /// The first fault, with its place.
    pub fn check(&self, limits: &Limits) -> Result<(), InvalidWorkflow> {
        let wrong = |place: String, problem: String| Err(InvalidWorkflow { place, problem });
        if self.steps.is_empty() || self.steps.len() > limits.steps_max {
            let problem =
                format!("{} steps; 1 to {} are allowed", self.steps.len(), limits.steps_max);
            return wrong("steps".into(), problem);
        }
        for (index, step) in self.steps.iter().enumerate() {
            if self.steps.iter().take(index).any(|earlier| earlier.name == step.name) {
                return wrong(
                    format!("steps[{index}].name"),
                    format!("a second step {:?}", step.name.as_str()),
                );
            }
            step.check(limits).map_err(|InvalidWorkflow { place, problem }| InvalidWorkflow {
                place: format!("steps[{index}].{place}"),
                problem,
            })?;
        }
        Ok(())
    }
}

impl WorkflowSpec {
    /// Does a step of it name this secret?
    pub fn names_secret(&self, name: &SecretName) -> bool {
        self.steps.iter().flat_map(|step| &step.allow.secrets).any(|secret| secret.name == *name)
    }
}

impl StepSpec {
    /// Levels of arrays and objects in `props`. With what stands around it when it is stored it
    /// stays within what every reader of JSON takes.
    pub const PROPS_DEPTH_MAX: usize = 100;

    fn check(&self, limits: &Limits) -> Result<(), InvalidWorkflow> {
        let within = |place: &str, value: u64, max: u64| {
            let problem = format!("{value} is not between 1 and {max}");
            if (1..=max).contains(&value) {
                Ok(())
            } else {
                Err(InvalidWorkflow { place: place.into(), problem })
            }
        };
        if 1 + self.props.values().map(depth).max().unwrap_or(0) > StepSpec::PROPS_DEPTH_MAX {
            let max = StepSpec::PROPS_DEPTH_MAX;
            let problem = format!("nested deeper than {max} levels");
            return Err(InvalidWorkflow { place: "props".into(), problem });
        }
        if let Some(memory) = self.limits.memory_mib {
            within("limits.memory_mib", memory.into(), limits.memory_mib_max.into())?;
        }
        if let Some(timeout) = self.limits.timeout_s {
            within("limits.timeout_s", timeout.into(), limits.timeout_s_max.into())?;
        }
        if let Some(cpu) = self.limits.cpu_ms {
            within("limits.cpu_ms", cpu.into(), limits.cpu_ms_max.into())?;
        }
        self.check_secrets()?;
        if let Some(name) = self.allow.config.keys().find(|name| !is_variable(name)) {
            let problem = format!(
                "{name:?} is not a variable's name: A-Z, a-z, 0-9 and _, not starting with a digit"
            );
            return Err(InvalidWorkflow { place: "allow.config".into(), problem });
        }
        if let Some(retry) = &self.retry {
            within("retry.attempts", retry.attempts.into(), RetryPolicy::ATTEMPTS_MAX.into())?;
            within("retry.backoff_ms", retry.backoff_ms, Limits::WAIT_MS_MAX)?;
            within("retry.max_backoff_ms", retry.max_backoff_ms, Limits::WAIT_MS_MAX)?;
            if !(1.0..=100.0).contains(&retry.factor) {
                let problem = format!("{} is not between 1 and 100", retry.factor);
                return Err(InvalidWorkflow { place: "retry.factor".into(), problem });
            }
        }
        Ok(())
    }
}

/// Levels of arrays and objects.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

impl StepSpec {
    /// What can be said without knowing which secrets there are.
    fn check_secrets(&self) -> Result<(), InvalidWorkflow> {
        let secrets = &self.allow.secrets;
        let (count, max) = (secrets.len(), SecretUse::COUNT_MAX);
        if count > max {
            let problem = format!("{count} secrets; at most {max} are allowed");
            return Err(InvalidWorkflow { place: "allow.secrets".into(), problem });
        }
        for (index, SecretUse { name, .. }) in secrets.iter().enumerate() {
            let name = name.as_str();
            let problem = if secrets.iter().take(index).any(|one| one.name.as_str() == name) {
                format!("a second {name}")
            } else if self.allow.config.contains_key(name) {
                format!("{name} is also a setting in allow.config: both are the same variable")
            } else {
                continue;
            };
            return Err(InvalidWorkflow { place: format!("allow.secrets[{index}]"), problem });
        }
        Ok(())
    }
}

/// A name that every language's environment takes (POSIX).
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(steps: Value) -> Result<WorkflowSpec, String> {
        serde_json::from_value(json!({"name": "w", "steps": steps})).map_err(|e| e.to_string())
    }

    fn fault(steps: Value) -> String {
        spec(steps).unwrap().check(&Limits::default()).unwrap_err().to_string()
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(
            spec(json!([{"name": "a", "component": "c", "retries": 3}]))
                .unwrap_err()
                .contains("retries")
        );
        assert!(
            spec(json!([{"name": "a", "component": "c", "allow": {"htp": []}}]))
                .unwrap_err()
                .contains("htp")
        );
    }

    #[test]
    fn faults_have_their_place() {
        assert_eq!(fault(json!([])), "steps: 0 steps; 1 to 100 are allowed");
        let step = |name: &str| json!({"name": name, "component": "c"});
        assert_eq!(fault(json!([step("a"), step("a")])), "steps[1].name: a second step \"a\"");
        assert_eq!(
            fault(json!([{"name": "a", "component": "c", "limits": {"memory_mib": 1025}}])),
            "steps[0].limits.memory_mib: 1025 is not between 1 and 1024"
        );
        let cpu = |ms: u32| json!([{"name": "a", "component": "c", "limits": {"cpu_ms": ms}}]);
        assert_eq!(
            fault(cpu(300_001)),
            "steps[0].limits.cpu_ms: 300001 is not between 1 and 300000"
        );
        assert_eq!(fault(cpu(0)), "steps[0].limits.cpu_ms: 0 is not between 1 and 300000");
        spec(cpu(300_000)).unwrap().check(&Limits::default()).unwrap();
        assert_eq!(
            fault(json!([{"name": "a", "component": "c", "retry": {"attempts": 0}}])),
            "steps[0].retry.attempts: 0 is not between 1 and 100"
        );
        let fault =
            fault(json!([{"name": "a", "component": "c", "allow": {"config": {"A=B": "x"}}}]));
        assert!(fault.starts_with("steps[0].allow.config: \"A=B\" is not"), "{fault}");
    }

    #[test]
    fn a_variable_has_one_source() {
        let allow = |allow: Value| fault(json!([{"name": "a", "component": "c", "allow": allow}]));
        assert_eq!(
            allow(json!({"secrets": ["A", {"name": "A", "reveal": true}]})),
            "steps[0].allow.secrets[1]: a second A"
        );
        assert_eq!(
            allow(json!({"secrets": ["A"], "config": {"A": "x"}})),
            "steps[0].allow.secrets[0]: A is also a setting in allow.config: both are the same \
             variable"
        );
        let names = |count| (0..count).map(|n| format!("S{n}")).collect::<Vec<_>>();
        assert_eq!(
            allow(json!({"secrets": names(33)})),
            "steps[0].allow.secrets: 33 secrets; at most 32 are allowed"
        );
        let most = json!([{"name": "a", "component": "c", "allow": {"secrets": names(32)}}]);
        assert_eq!(spec(most).unwrap().check(&Limits::default()), Ok(()));
    }

    #[test]
    fn props_nest_up_to_an_exact_depth() {
        let nested = |levels: usize| {
            let lists = "[".repeat(levels - 1) + &"]".repeat(levels - 1);
            let value: Value = serde_json::from_str(&lists).unwrap();
            spec(json!([{"name": "a", "component": "c", "props": {"x": value}}])).unwrap()
        };
        assert_eq!(nested(StepSpec::PROPS_DEPTH_MAX).check(&Limits::default()), Ok(()));
        let deep = nested(StepSpec::PROPS_DEPTH_MAX + 1).check(&Limits::default());
        assert_eq!(deep.unwrap_err().to_string(), "steps[0].props: nested deeper than 100 levels");
    }

    #[test]
    fn backoff_grows_to_its_bound() {
        let retry =
            RetryPolicy { attempts: 9, backoff_ms: 1000, factor: 2.0, max_backoff_ms: 5000 };
        let waits: Vec<u64> = (1..=5).map(|failures| retry.backoff_after(failures)).collect();
        assert_eq!(waits, [1000, 2000, 4000, 5000, 5000]);
        assert_eq!(retry.backoff_after(u32::MAX), 5000);
    }
}
