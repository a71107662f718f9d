//! Components and workflows.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use waystation_core::{
    ComponentName, Digest, Grant, InvalidWorkflow, Workflow, WorkflowName, WorkflowSpec,
};
use waystation_store::{ComponentRecord, DeleteError, Deployed, NewWorkflow, StoreError};

use crate::engine::Engine;
use crate::read::{cursor, page};
use crate::{Acceptance, Admitted, DeployError, Listing, PutComponentError, template};

/// The right to send one component. It bounds how many bytes of components are held in memory,
/// so it is asked for before they are read.
#[derive(Debug)]
pub struct UploadPlace(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

impl Engine {
    /// A place for an upload: `limits.compiles_max` and `limits.compiles_waiting_max` of them
    /// may be under way.
    ///
    /// # Errors
    ///
    /// [`PutComponentError::Busy`]: all places are taken.
    pub fn upload_place(&self) -> Result<UploadPlace, PutComponentError> {
        let place = self.0.uploads.clone().try_acquire_owned();
        place.map(UploadPlace).map_err(|_| PutComponentError::Busy)
    }

    /// Checks a component, stores it, and points `name` at it. `true` when the name did not
    /// point there before. Durable when it returns. Dropping the future ends the check.
    ///
    /// # Errors
    ///
    /// The component is not fit, and why; nothing has changed.
    pub async fn put_component(
        &self,
        _place: UploadPlace,
        name: ComponentName,
        bytes: Bytes,
    ) -> Result<(ComponentRecord, bool), PutComponentError> {
        self.disk_has_room()?;
        let size = bytes.len() as u64;
        let Admitted { digest, imports, exports, abilities } =
            self.0.gate.admit(bytes.clone()).await?;
        self.0.store.put_component_bytes(digest, bytes.into()).await?;
        let uploaded_at = self.0.clock.now();
        let record =
            ComponentRecord { name, digest, size, imports, exports, abilities, uploaded_at };
        let created = self.0.store.put_component(record.clone()).await?;
        if !created && let Some(first) = self.0.store.component(&record.name).await? {
            return Ok((first, false));
        }
        Ok((record, created))
    }

    /// All components, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn components(&self) -> Result<Vec<ComponentRecord>, StoreError> {
        self.0.store.components().await
    }

    /// What a name points at.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn component(
        &self,
        name: &ComponentName,
    ) -> Result<Option<ComponentRecord>, StoreError> {
        self.0.store.component(name).await
    }

    /// Takes a name away.
    ///
    /// # Errors
    ///
    /// There is none, or something needs it.
    pub async fn delete_component(&self, name: &ComponentName) -> Result<(), DeleteError> {
        self.0.store.delete_component(name).await
    }

    /// Makes `spec` the live version of its workflow. Executions under way go on with theirs.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where, or what it asks for beyond the version before; nothing
    /// has changed.
    pub async fn deploy(
        &self,
        spec: WorkflowSpec,
        acceptance: Acceptance,
    ) -> Result<Deployed, DeployError> {
        self.disk_has_room()?;
        spec.check(self.limits())?;
        let (mut digests, mut imports) = (Vec::new(), Vec::new());
        for (index, step) in spec.steps.iter().enumerate() {
            template::check(&step.props).map_err(|error| InvalidWorkflow {
                place: format!("steps[{index}].{}", error.path),
                problem: error.problem,
            })?;
            let place = format!("steps[{index}].component");
            let component = self.pin(&step.component).await?;
            let component = component.map_err(|problem| InvalidWorkflow { place, problem })?;
            digests.push(component.digest);
            imports.push(component.imports);
        }
        self.check_secrets(&spec).await??;
        let grants = Grant::all(&spec, &imports, self.limits());
        let new = NewWorkflow { spec, digests, grants };
        let _alone = self.0.deploys.lock().await;
        if acceptance == Acceptance::Unsaid {
            self.asks_for_no_more(&new).await?;
        }
        Ok(self.0.store.put_workflow(new, self.0.clock.now()).await?)
    }

    /// Is the new version granted no more than the one before? The first one has none before
    /// it; one that was taken away counts.
    async fn asks_for_no_more(&self, new: &NewWorkflow) -> Result<(), DeployError> {
        let Some(last) = self.last_version(&new.spec.name).await? else { return Ok(()) };
        if new.is(&last) {
            // The operator's defaults may have changed meanwhile: that is nobody's wish for more.
            return Ok(());
        }
        let beyond = Grant::beyond(&new.grants, &last.grants);
        if beyond.is_empty() {
            return Ok(());
        }
        Err(DeployError::AsksForMore { version: last.version, beyond })
    }

    /// The component that `name`, a name or a digest, means now.
    async fn pin(&self, name: &str) -> Result<Result<ComponentRecord, String>, StoreError> {
        let known = if name.starts_with("sha256:") {
            let digest = match name.parse::<Digest>() {
                Ok(digest) => digest,
                Err(error) => return Ok(Err(error.to_string())),
            };
            self.0.store.components().await?.into_iter().find(|one| one.digest == digest)
        } else {
            let name = match name.parse::<ComponentName>() {
                Ok(name) => name,
                Err(error) => return Ok(Err(error.to_string())),
            };
            self.0.store.component(&name).await?
        };
        Ok(known.ok_or_else(|| format!("there is no component {name:?}")))
    }

    /// The live version of a workflow.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> {
        self.0.store.workflow(name).await
    }

    /// All live versions, by name.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn workflows(&self) -> Result<Vec<Workflow>, StoreError> {
        self.0.store.workflows().await
    }

    /// Versions of a workflow after `after` (0: from the first), oldest first: at most `limit`,
    /// and fewer where they are large.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn workflow_versions(
        &self,
        name: &WorkflowName,
        after: u32,
        limit: usize,
    ) -> Result<Listing<Workflow>, StoreError> {
        let part = self.0.store.workflow_versions(name, after, page(limit)).await?;
        let next_cursor = cursor(&part, |workflow| workflow.version.into());
        Ok(Listing { items: part.items, next_cursor })
    }

    /// The newest version, live or not.
    async fn last_version(&self, name: &WorkflowName) -> Result<Option<Workflow>, StoreError> {
        let (mut last, mut after) = (None, 0);
        loop {
            let part = self.0.store.workflow_versions(name, after, page(usize::MAX)).await?;
            last = part.items.into_iter().next_back().or(last);
            match &last {
                Some(version) if part.more => after = version.version,
                _ => return Ok(last),
            }
        }
    }

    /// Takes a workflow away. Executions under way go on.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn delete_workflow(&self, name: &WorkflowName) -> Result<(), DeleteError> {
        self.0.store.delete_workflow(name).await
    }
}
