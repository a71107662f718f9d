//! What a run gets to see.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use waystation_core::{
    BoundedJson, Execution, ExecutionContext, Failure, FailureKind, PayloadRef, Run, RunContext,
    RunRequest, RunSecret, StepSpec, Workflow,
};
use waystation_store::StoreError;

use crate::engine::Engine;
use crate::template;
use crate::waiters::CallerOf;

/// The stored values that a run needs.
#[derive(Clone)]
pub(crate) struct Inputs {
    pub(crate) event: BoundedJson,
    /// Exports of the steps before this one: step, export, value.
    pub(crate) exports: Vec<(String, Vec<(String, BoundedJson)>)>,
    pub(crate) context: Option<BoundedJson>,
    pub(crate) callback_request: Option<BoundedJson>,
    /// The secrets that it names, or why it can't have them.
    pub(crate) secrets: Result<Vec<RunSecret>, Failure>,
    /// A test run, which cannot pause?
    pub(crate) test: bool,
}

impl Inputs {
    /// Where the values lie that `run` needs, in the order in which [`Inputs::fill`] takes them.
    pub(crate) fn payloads(execution: &Execution, run: &Run) -> Vec<PayloadRef> {
        let before = execution.steps.iter().take(usize::from(run.id.step));
        let exports = before.flat_map(|step| step.exports.values().copied());
        let given = [&run.context, &run.callback_request].into_iter().flatten().copied();
        [execution.event].into_iter().chain(exports).chain(given).collect()
    }

    pub(crate) fn fill(
        execution: &Execution,
        run: &Run,
        values: Vec<BoundedJson>,
    ) -> Result<Inputs, StoreError> {
        let mut values = values.into_iter();
        let mut next =
            || values.next().ok_or_else(|| StoreError::Damaged("too few payloads".into()));
        let event = next()?;
        let mut exports = Vec::new();
        for step in execution.steps.iter().take(usize::from(run.id.step)) {
            let mut values = Vec::new();
            for name in step.exports.keys() {
                values.push((name.clone(), next()?));
            }
            exports.push((step.name.to_string(), values));
        }
        let context = run.context.as_ref().map(|_| next()).transpose()?;
        let callback_request = run.callback_request.as_ref().map(|_| next()).transpose()?;
        let secrets = Ok(Vec::new());
        Ok(Inputs { event, exports, context, callback_request, secrets, test: false })
    }

    fn steps_json(&self) -> Map<String, Value> {
        let export = |(name, value): &(String, BoundedJson)| (name.clone(), value.to_value());
        let step = |(name, exports): &(String, Vec<(String, BoundedJson)>)| {
            (name.clone(), Value::Object(exports.iter().map(export).collect()))
        };
        self.exports.iter().map(step).collect()
    }

    /// The exports as one JSON text, without re-reading them.
    fn steps_text(&self) -> String {
        let mut text = String::from("{");
        for (at, (step, exports)) in self.exports.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            text.push_str(&format!("{comma}{}:{{", Value::from(step.as_str())));
            for (at, (name, value)) in exports.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                text.push_str(&format!("{comma}{}:{value}", Value::from(name.as_str())));
            }
            text.push('}');
        }
        text.push('}');
        text
    }
}

impl Engine {
    /// Reads what `run` needs.
    pub(crate) async fn inputs(
        &self,
        execution: &Execution,
        run: &Run,
    ) -> Result<Inputs, StoreError> {
        let ids: Vec<_> =
            Inputs::payloads(execution, run).iter().map(|payload| payload.id).collect();
        let values = self.0.store.payloads(execution.id, &ids).await?;
        Inputs::fill(execution, run, values)
    }

    /// # Errors
    ///
    /// A template can't be filled in, or a secret is not there.
    pub(crate) fn request(
        &self,
        workflow: &Workflow,
        execution: &Execution,
        run: &Run,
        inputs: Inputs,
    ) -> Result<RunRequest, Failure> {
        let index = usize::from(run.id.step);
        let (Some(step), Some(component)) =
            (workflow.spec.steps.get(index), workflow.digests.get(index))
        else {
            let message = format!("the workflow has no step {index}");
            return Err(Failure::new(FailureKind::Component, "NoSuchStep", message));
        };
        let props = self.props(execution, step, &inputs)?;
        let limits = self.limits().of_run(&step.limits).after(execution);
        let steps = BoundedJson::assembled(inputs.steps_text());
        let secrets = inputs.secrets?;
        let deadline_ms = u64::try_from(limits.wall_time.as_millis()).unwrap_or(u64::MAX);
        let (id, settings) = (execution.id, &self.0.settings);
        Ok(RunRequest {
            component: *component,
            props,
            run: RunContext {
                runs: run.id.run,
                context: inputs.context,
                callback_request: inputs.callback_request,
            },
            execution: ExecutionContext {
                id,
                workflow: execution.workflow.clone(),
                workflow_version: execution.workflow_version,
                step: step.name.clone(),
                triggered_at: execution.triggered_at,
                deadline: self.0.clock.now().plus_millis(deadline_ms),
                attempt: run.attempt,
                idempotency_key: self.0.keys.idempotency_key(id, run.id),
                test: inputs.test,
            },
            event: inputs.event,
            steps,
            links: self.0.keys.links(&settings.public_url, id, run.id),
            allow: step.allow.clone(),
            secrets,
            on_timeout: settings.on_timeout,
            mail_owner: settings.mail.owner.is_some(),
            limits,
            responder: Some(Box::new(CallerOf { engine: Arc::downgrade(&self.0), id })),
        })
    }

    fn props(
        &self,
        execution: &Execution,
        step: &StepSpec,
        inputs: &Inputs,
    ) -> Result<BoundedJson, Failure> {
        let mut steps = inputs.steps_json();
        let event = inputs.event.to_value();
        steps.insert("trigger".into(), json!({ "event": event }));
        let scope = json!({
            "event": event,
            "steps": steps,
            "execution": {
                "id": execution.id,
                "workflow": execution.workflow,
                "workflow_version": execution.workflow_version,
                "step": step.name,
                "triggered_at": execution.triggered_at,
            },
        });
        let failure =
            |message: String| Failure::new(FailureKind::Template, "TemplateError", message);
        let bytes_max = self.limits().payload_bytes_max;
        let props = template::fill(&step.props, &scope, bytes_max)
            .map_err(|error| failure(error.to_string()))?;
        BoundedJson::from_value(&props, bytes_max)
            .map_err(|error| failure(format!("props: {error}")))
    }
}
