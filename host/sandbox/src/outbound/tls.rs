//! TLS to servers outside.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use super::error::CallError;

/// The client's side of TLS, made when it is first needed.
#[derive(Default)]
pub(super) struct Tls(OnceCell<TlsConnector>);

impl Tls {
    /// Connects with the root certificates of this machine.
    pub(super) async fn connector(&self) -> Result<&TlsConnector, CallError> {
        self.0
            .get_or_try_init(|| async {
                let load = tokio::task::spawn_blocking(load);
                load.await.unwrap_or_else(|error| Err(error.to_string()))
            })
            .await
            .map_err(CallError::NoRoots)
    }
}

fn load() -> Result<TlsConnector, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems carry old certificates that no one can read any more: the others will do.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(if errors.is_empty() { "there are none".into() } else { errors.join(", ") });
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
