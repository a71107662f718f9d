//! Secrets: set, listed and taken away by the operator, and given to the runs that name them.

use serde::Serialize;
use waystation_core::{
    Failure, FailureKind, InvalidSecret, InvalidWorkflow, Run, RunSecret, SecretName, SecretTerms,
    SecretUse, SecretValue, Timestamp, Workflow, WorkflowSpec,
};
use waystation_store::{DeleteError, SecretRecord, StoreError};

use crate::engine::Engine;
use crate::prepare::Inputs;
use crate::vault::NoRandomness;

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretView {
    /// Its name.
    pub name: SecretName,
    /// What may be done with it.
    #[serde(flatten)]
    pub terms: SecretTerms,
    /// When it was set.
    pub set_at: Timestamp,
    /// Why its value can't be read with the keys that this server has; `None` when it can.
    pub unreadable: Option<String>,
}

/// Why a secret was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutSecretError {
    /// It can't be used like this.
    #[error(transparent)]
    Invalid(#[from] InvalidSecret),
    /// It can't be sealed.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Seals a secret and stores it, in place of what had its name before. `true` when nothing
    /// had. Runs that begin from now on get this one. Durable when it returns.
    ///
    /// # Errors
    ///
    /// Nobody could use it, or it can't be sealed or stored; nothing has changed.
    pub async fn put_secret(
        &self,
        name: SecretName,
        terms: SecretTerms,
        value: &SecretValue,
    ) -> Result<(SecretView, bool), PutSecretError> {
        terms.check()?;
        let record = self.0.secret_keys.seal(name, terms, value, self.0.clock.now())?;
        let view = self.secret_view(record.clone());
        let created = self.0.store.put_secret(record).await?;
        Ok((view, created))
    }

    /// All secrets, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn secrets(&self) -> Result<Vec<SecretView>, StoreError> {
        let records = self.0.store.secrets().await?;
        Ok(records.into_iter().map(|record| self.secret_view(record)).collect())
    }

    /// Takes a secret away.
    ///
    /// # Errors
    ///
    /// There is none, or a workflow needs it.
    pub async fn delete_secret(&self, name: &SecretName) -> Result<(), DeleteError> {
        self.0.store.delete_secret(name).await
    }

    fn secret_view(&self, record: SecretRecord) -> SecretView {
        let unreadable = self.0.secret_keys.open(&record).err().map(|error| error.to_string());
        let SecretRecord { name, terms, set_at, .. } = record;
        SecretView { name, terms, set_at, unreadable }
    }

    /// Are the secrets there that the steps of `spec` name, and are they for steps like them?
    pub(crate) async fn check_secrets(
        &self,
        spec: &WorkflowSpec,
    ) -> Result<Result<(), InvalidWorkflow>, StoreError> {
        for (index, step) in spec.steps.iter().enumerate() {
            for (at, wanted) in step.allow.secrets.iter().enumerate() {
                let record = self.0.store.secret(&wanted.name).await?;
                if let Err(problem) = terms_for(wanted, record.map(|record| record.terms)) {
                    let place = format!("steps[{index}].allow.secrets[{at}]");
                    return Ok(Err(InvalidWorkflow { place, problem }));
                }
            }
        }
        Ok(Ok(()))
    }

    /// `inputs` with the secrets that the run's step names.
    pub(crate) async fn with_secrets(
        &self,
        workflow: &Workflow,
        run: &Run,
        inputs: Inputs,
    ) -> Result<Inputs, StoreError> {
        let step = workflow.spec.steps.get(usize::from(run.id.step));
        let wanted = step.map_or(&[][..], |step| &step.allow.secrets);
        Ok(Inputs { secrets: self.run_secrets(wanted).await?, ..inputs })
    }

    /// These secrets, opened.
    ///
    /// # Errors
    ///
    /// The inner one: a secret is not there, is not for this step, or can't be opened.
    async fn run_secrets(
        &self,
        wanted: &[SecretUse],
    ) -> Result<Result<Vec<RunSecret>, Failure>, StoreError> {
        let mut secrets = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let record = self.0.store.secret(&wanted.name).await?;
            match self.run_secret(wanted, record) {
                Ok(secret) => secrets.push(secret),
                Err(problem) => return Ok(Err(failure(problem))),
            }
        }
        let bytes = secrets.iter().map(|secret| secret.value.reveal().len()).sum();
        Ok(check_size(bytes).map(|()| secrets).map_err(failure))
    }

    fn run_secret(
        &self,
        wanted: &SecretUse,
        record: Option<SecretRecord>,
    ) -> Result<RunSecret, String> {
        let SecretUse { name, reveal } = wanted.clone();
        let terms = terms_for(wanted, record.as_ref().map(|record| record.terms.clone()))?;
        let record = record.ok_or_else(|| unknown(&name))?;
        let value = self.0.secret_keys.open(&record).map_err(|error| {
            format!("the secret {name} can't be opened: {error}; set it again: waystation secret set {name}")
        })?;
        Ok(RunSecret { name, value, destinations: terms.destinations, reveal })
    }
}

fn failure(problem: String) -> Failure {
    Failure::new(FailureKind::Secret, "SecretError", problem)
}

/// Are the values of a step together small enough?
fn check_size(bytes: usize) -> Result<(), String> {
    let max = SecretUse::BYTES_MAX;
    if bytes <= max {
        return Ok(());
    }
    Err(format!("the secrets of the step have {bytes} bytes together; at most {max} are allowed"))
}

fn unknown(name: &SecretName) -> String {
    format!("there is no secret {name}: waystation secret set {name}")
}

/// What may be done with a secret, if it is there and `wanted` is among that.
fn terms_for(wanted: &SecretUse, terms: Option<SecretTerms>) -> Result<SecretTerms, String> {
    let SecretUse { name, reveal } = wanted;
    let terms = terms.ok_or_else(|| unknown(name))?;
    if *reveal && !terms.reveal {
        return Err(format!(
            "the secret {name} may not be revealed to steps: its operator may set it with --reveal"
        ));
    }
    if !*reveal && terms.destinations.is_empty() {
        return Err(format!(
            "the secret {name} may be sent nowhere: its operator may set it with --for, or the \
             step may ask for its value: {{ name: {name}, reveal: true }}"
        ));
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_for_all_values_of_a_step_is_exact() {
        assert_eq!(check_size(32 << 10), Ok(()));
        assert!(check_size((32 << 10) + 1).unwrap_err().contains("at most 32768 are allowed"));
    }

    #[test]
    fn both_must_say_that_a_value_is_revealed() {
        let wanted = |reveal| SecretUse { name: "A".parse().unwrap(), reveal };
        let to = || vec!["https://h".parse().unwrap()];
        let terms = |destinations, reveal| Some(SecretTerms { destinations, reveal });
        assert!(terms_for(&wanted(false), terms(to(), false)).is_ok());
        assert!(terms_for(&wanted(false), terms(to(), true)).is_ok());
        assert!(terms_for(&wanted(true), terms(vec![], true)).is_ok());
        let fault = |wanted, terms| terms_for(&wanted, terms).unwrap_err();
        assert!(fault(wanted(true), terms(to(), false)).contains("--reveal"));
        assert!(fault(wanted(false), terms(vec![], true)).contains("--for"));
        assert!(fault(wanted(false), None).contains("there is no secret A"));
    }
}
