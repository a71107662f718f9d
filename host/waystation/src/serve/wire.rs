//! Puts the parts together: store, sandbox, engine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use waystation_core::{Clock, Digest, LinkKeys};
use waystation_engine::{
    Admitted, ComponentGate, Engine, EngineParts, EngineSettings, GateError, MailSettings,
    RefusedComponent, SecretKeys,
};
use waystation_http::Bytes;
use waystation_sandbox::{
    AdmitError, ComponentSource, InvalidComponent, Manifest, OutboundPolicy, OwnServer, Sandbox,
    SandboxConfig,
};
use waystation_store_sled::{ComponentFiles, SledStore};

use super::data_dir::DataDir;
use crate::compiling::ChildCompiler;
use crate::failure::{Done, Failure};
use crate::settings::Settings;

/// The running parts.
pub(super) struct Wired {
    /// Moves executions.
    pub(super) engine: Engine,
    store: Arc<SledStore>,
}

impl Wired {
    /// The store, to be looked after.
    pub(super) fn store(&self) -> Arc<SledStore> {
        Arc::clone(&self.store)
    }

    /// Writes out what is left. To be called when the engine has shut down and no request is
    /// under way.
    pub(super) async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || self.store.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the store did not close");
        }
    }
}

/// What the server keeps for its own eyes.
pub(super) struct Keys {
    pub(super) links: LinkKeys,
    pub(super) secrets: SecretKeys,
}

/// Opens the store, sets up the sandbox, starts the engine. The server listens at `listen`, and
/// links name it by `public_url`.
pub(super) async fn start(
    settings: &Settings,
    data: &DataDir,
    keys: Keys,
    clock: Arc<dyn Clock>,
    listen: SocketAddr,
    public_url: &str,
) -> Done<Wired> {
    let compact_over = u64::from(settings.limits.database_mib) << 20;
    let (folder, components) = (data.join("store"), data.join("components"));
    let store = SledStore::open_compact(&folder, &components, compact_over)
        .map_err(|error| Failure::new(format!("the store can't be opened: {error}")))?;
    let store = Arc::new(store);
    let files = ComponentFiles::open(&components)
        .map_err(|error| Failure::new(format!("the components can't be read: {error}")))?;
    let config = SandboxConfig {
        compiled: data.join("compiled"),
        outbound: OutboundPolicy {
            allow: settings.outbound_allow.clone(),
            private: settings.outbound_private.clone(),
            own: Some(OwnServer::new(listen, public_url)),
            ..OutboundPolicy::default()
        },
        limits: settings.limits.clone(),
    };
    let source = Arc::new(StoredComponents(files));
    let compiler = ChildCompiler::new(&settings.limits)
        .map_err(|error| Failure::new(format!("components can't be compiled: {error}")))?;
    let sandbox = Sandbox::new(config, source, Arc::new(compiler), Arc::clone(&clock))
        .map_err(|error| Failure::new(format!("the sandbox can't be set up: {error}")))?;
    let sandbox = Arc::new(sandbox);
    let parts = EngineParts {
        store: Arc::<SledStore>::clone(&store),
        runner: Arc::<Sandbox>::clone(&sandbox),
        gate: Arc::new(Gate(sandbox)),
        clock,
        keys: keys.links,
        secret_keys: keys.secrets,
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
    warn_of_unreadable(&engine).await?;
    Ok(Wired { engine, store })
}

/// A data directory that was restored without its keys has secrets that nobody can read.
async fn warn_of_unreadable(engine: &Engine) -> Done {
    let secrets = engine
        .secrets()
        .await
        .map_err(|error| Failure::new(format!("the secrets can't be read: {error}")))?;
    for secret in secrets {
        if let Some(why) = secret.unreadable {
            let name = secret.name.as_str();
            tracing::warn!(name, why, "a secret can't be read; runs that name it will fail");
        }
    }
    Ok(())
}

/// The store's files, as the sandbox asks for them.
struct StoredComponents(ComponentFiles);

impl ComponentSource for StoredComponents {
    fn load(&self, digest: Digest) -> io::Result<Vec<u8>> {
        self.0.get(digest)
    }
}

/// The sandbox's check, as the engine asks for it.
struct Gate(Arc<Sandbox>);

#[async_trait]
impl ComponentGate for Gate {
    async fn admit(&self, bytes: Bytes) -> Result<Admitted, GateError> {
        match self.0.admit(bytes).await {
            Ok(Manifest { digest, imports, exports, abilities, .. }) => {
                Ok(Admitted { digest, imports, exports, abilities })
            }
            Err(AdmitError::Invalid(invalid)) => Err(GateError::Refused(RefusedComponent {
                code: invalid.code().to_owned(),
                message: invalid.to_string(),
                too_large: matches!(invalid, InvalidComponent::TooLarge { .. }),
            })),
            Err(AdmitError::Host(error)) => Err(GateError::Host(error)),
        }
    }
}
