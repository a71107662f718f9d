//! What the routes work with.

use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use waystation_core::Clock;
use waystation_engine::Engine;

use crate::metrics::HttpMetrics;
use crate::rates::Rates;
use crate::wait::Waits;
use crate::{Maintenance, Tokens};

/// Everything that the routes need.
#[derive(Clone)]
pub struct App {
    /// Does the work.
    pub engine: Engine,
    /// What callers of `/api` have to show.
    pub tokens: Tokens,
    /// For "in 3 hours" on pages.
    pub clock: Arc<dyn Clock>,
    /// Looks after the store.
    pub maintenance: Arc<dyn Maintenance>,
    /// What the operator decides.
    pub settings: HttpSettings,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What the operator decides about HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// What a GET on a resume or cancel link does.
    pub get_link: GetLink,
    /// Proxies that are believed about where a request came from.
    pub trusted_proxies: Vec<IpNet>,
    /// The only names, beside those of loopback itself, under which the server is called; none
    /// is any name. For servers that serve their own machine alone.
    pub host_names: Option<Vec<String>>,
}

/// What a GET on a resume or cancel link does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GetLink {
    /// What the link says: a click in a mail is enough.
    #[default]
    Act,
    /// It shows a page with a button, so that no mail scanner can act by looking.
    Confirm,
}

/// The state behind the router.
pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) metrics: HttpMetrics,
    pub(crate) rates: Rates,
    pub(crate) waits: Waits,
}

impl Shared {
    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }
}

/// How handlers get at it.
pub(crate) type Ctx = axum::extract::State<Arc<Shared>>;
