//! A call that came early, and the schema that its pause begins with.
//!
//! The call's data lies in the store, where no transition looks. So it is looked at before the
//! run's end is recorded, and what was found goes with it.

use waystation_core::{
    BoundedJson, EarlyCall, EarlyFit, Event, Execution, ExecutionId, Flow, LinkAction, PauseId,
    Rejected, ResumeSchema,
};
use waystation_store::{ApplyError, Attachments, StoreError};

use crate::dispatch::Held;
use crate::engine::Engine;

impl Engine {
    /// Applies the end of a run. `None` when it no longer matters.
    pub(crate) async fn conclude(
        &self,
        held: &Held,
        mut event: Event,
        attachments: Attachments,
    ) -> Result<Option<Execution>, StoreError> {
        let Some((pause, schema)) = asked_with(&event) else {
            return self.apply(held, event, attachments).await;
        };
        loop {
            let found = self.early_fit(held.id, pause, &schema).await?;
            if let Event::Finish { early_fit, .. } = &mut event {
                *early_fit = found;
            }
            match self.try_apply(held, event.clone(), attachments.clone()).await {
                // A call came in between. The first one stands, so the next look is the last.
                Err(ApplyError::Rejected(Rejected::EarlyCallUnchecked)) => {}
                applied => return no_longer_matters(held.id, applied),
            }
        }
    }

    /// Does the call that came before `pause` fit? `None`: there is none that would have to.
    async fn early_fit(
        &self,
        id: ExecutionId,
        pause: PauseId,
        schema: &BoundedJson,
    ) -> Result<Option<EarlyFit>, StoreError> {
        let Some(call) = self.early_call(id, pause).await? else { return Ok(None) };
        let request = match call.data {
            None => BoundedJson::null(),
            Some(data) => match self.0.store.payloads(id, &[data.id]).await {
                Ok(mut request) => request.pop().unwrap_or_else(BoundedJson::null),
                // Gone as somebody ended the execution a moment ago.
                Err(_) if self.early_call(id, pause).await?.is_none() => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        let body = request.member("body");
        let fits = ResumeSchema::new(&schema.to_value()).and_then(|schema| schema.check(&body));
        Ok(Some(fits.map_or_else(EarlyFit::Misfit, |()| EarlyFit::Fits)))
    }

    async fn early_call(
        &self,
        id: ExecutionId,
        pause: PauseId,
    ) -> Result<Option<EarlyCall>, StoreError> {
        let call = self.0.store.load(id).await?.and_then(|execution| execution.early_call);
        Ok(call.filter(|call| call.pause == pause && call.action != LinkAction::Cancel))
    }
}

/// The pause that the run asks for, and the schema that it asks with.
fn asked_with(event: &Event) -> Option<(PauseId, BoundedJson)> {
    match event {
        Event::Finish { run, flow: Flow::Suspend { resume_schema: Some(schema), .. }, .. } => {
            Some((*run, schema.json()?.clone()))
        }
        _ => None,
    }
}

/// An outcome that is rejected no longer matters, because somebody else ended the execution
/// first.
pub(crate) fn no_longer_matters(
    id: ExecutionId,
    applied: Result<Execution, ApplyError>,
) -> Result<Option<Execution>, StoreError> {
    match applied {
        Ok(execution) => Ok(Some(execution)),
        Err(ApplyError::Rejected(rejected)) => {
            tracing::debug!(%id, %rejected, "an outcome no longer matters");
            Ok(None)
        }
        Err(ApplyError::NotFound) => Ok(None),
        Err(ApplyError::Store(error)) => Err(error),
    }
}
