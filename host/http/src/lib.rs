//! Waystation's HTTP doors: the API, triggers, links, and the pages that people see.
//!
//! This crate translates. A request becomes a call of the [`Engine`](waystation_engine::Engine),
//! and what the engine says becomes an answer: a status, JSON, or a small page. It decides
//! nothing about workflows and keeps nothing but tokens.
//!
//! # Layout
//!
//! - [`App`], [`router`], [`serve`]: what the binary puts together
//! - one file per group of routes: `components`, `workflows`, `executions`, `hooks`, `links`,
//!   `approval`, `health`, `metrics`, `maintenance`, `secrets`, `token_routes`
//! - who gets in: `connections`, `stream`, `incoming` (how long and how many), `client`, `source`
//!   (who), `rate`, `rates` (how often), `head`, `host`, [`Tokens`], `auth` (with what right)
//! - `request_data`: an HTTP request as the JSON that a step sees
//! - [`Code`]: every kind of error that an answer may carry
//! - `body`, `wait`, `idempotency`, `prefetch`, `client`: one rule of HTTP each
//! - `fuzzing`: what the fuzz targets call
//!
//! Invariants: a link's token and the API's token are in no log, since logs name routes and not
//! paths; a 5xx tells nothing of the inside; nothing is looked up for a link before its
//! signature holds.

mod answer_headers;
mod app;
mod approval;
mod auth;
mod body;
mod client;
mod components;
mod connections;
mod executions;
#[doc(hidden)]
pub mod fuzzing;
mod grant;
mod head;
mod health;
mod hidden_links;
mod hooks;
mod host;
mod idempotency;
mod incoming;
mod json_body;
mod limits;
mod links;
mod maintenance;
mod metrics;
mod observe;
mod page;
mod paging;
mod params;
mod prefetch;
mod problem;
mod rate;
mod rates;
mod relative;
mod request_data;
mod router;
mod secrets;
mod serve;
mod source;
mod stream;
mod token_routes;
mod tokens;
mod visible;
mod wait;
mod workflow_file;
mod workflows;

pub use app::{App, GetLink, HttpSettings};
pub use bytes::Bytes;
pub use maintenance::{BackupStream, Maintenance, StoreCheck};
pub use problem::Code;
pub use router::{ApiRoute, api_routes, router};
pub use serve::serve;
pub use tokens::{RootToken, Tokens};
