//! Puts the parts together: store, sandbox, engine.

use std::sync::Arc;

use async_trait::async_trait;
use waystation_core::{
    Clock, Failure as StepFailure, FailureKind, LinkKeys, RunOutcome, RunReport, RunRequest,
    StepRunner,
};
use waystation_engine::{
    Admitted, ComponentGate, Engine, EngineParts, EngineSettings, MailSettings, RefusedComponent,
};
use waystation_store_sled::SledStore;

use super::data_dir::DataDir;
use crate::failure::{Done, Failure};
use crate::settings::Settings;

/// The running parts.
pub(super) struct Wired {
    /// Moves executions.
    pub(super) engine: Engine,
    store: Arc<SledStore>,
}

impl Wired {
    /// Writes out what is left. To be called when the engine has shut down and no request is
    /// under way.
    pub(super) async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || self.store.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the store did not close");
        }
    }
}

/// Opens the store, sets up the sandbox, starts the engine.
pub(super) async fn start(
    settings: &Settings,
    data: &DataDir,
    keys: LinkKeys,
    clock: Arc<dyn Clock>,
    public_url: &str,
) -> Done<Wired> {
    let store = SledStore::open(&data.join("store"), &data.join("components"))
        .map_err(|error| Failure::new(format!("the store can't be opened: {error}")))?;
    let store = Arc::new(store);
    let sandbox = Arc::new(NoSandbox);
    let parts = EngineParts {
        store: Arc::<SledStore>::clone(&store),
        runner: Arc::<NoSandbox>::clone(&sandbox),
        gate: sandbox,
        clock,
        keys,
        settings: EngineSettings {
            public_url: public_url.to_owned(),
            on_timeout: settings.on_timeout,
            limits: settings.limits.clone(),
            mail: MailSettings {
                smtp_url: settings.smtp_url.clone(),
                from: settings.mail_from.clone(),
                owner: settings.mail_owner.clone(),
                outbox: data.join("outbox"),
            },
        },
    };
    let engine = Engine::start(parts)
        .await
        .map_err(|error| Failure::new(format!("the engine does not start: {error}")))?;
    Ok(Wired { engine, store })
}

/// Stands where the sandbox belongs and runs nothing.
struct NoSandbox;

#[async_trait]
impl StepRunner for NoSandbox {
    async fn run(&self, _: RunRequest) -> RunReport {
        let failure =
            StepFailure::new(FailureKind::Component, "NoSandbox", "this build runs no components");
        RunReport {
            outcome: RunOutcome::Failed(failure),
            logs: Vec::new(),
            mails: Vec::new(),
            compute_ms: 0,
        }
    }
}

#[async_trait]
impl ComponentGate for NoSandbox {
    async fn admit(&self, _: Vec<u8>) -> Result<Admitted, RefusedComponent> {
        Err(RefusedComponent {
            code: "no_sandbox".into(),
            message: "this build runs no components".into(),
            too_large: false,
        })
    }
}
