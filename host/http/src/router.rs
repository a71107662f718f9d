//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};

use crate::app::{App, Shared};
use crate::metrics::HttpMetrics;
use crate::problem::{Code, Problem};
use crate::{
    approval, auth, components, executions, health, hooks, limits, link_headers, links,
    maintenance, metrics, observe, workflows,
};

/// All routes.
pub fn router(app: App) -> Router {
    let shared = Arc::new(Shared { app, metrics: HttpMetrics::new() });
    Router::new()
        .nest("/api/v1", api().layer(from_fn_with_state(Arc::clone(&shared), auth::require_token)))
        .merge(link_routes())
        .route("/hooks/{name}", any(hooks::call))
        .route("/hooks/{name}/", any(hooks::call))
        .route("/hooks/{name}/{*rest}", any(hooks::call))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::get))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(method_not_allowed)
        // Each route reads its body by `body::read`, which has limits of its own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&shared), observe::observe))
        .with_state(shared)
}

fn api() -> Router<Arc<Shared>> {
    Router::new()
        .route("/components", get(components::list))
        .route(
            "/components/{name}",
            get(components::get).put(components::put).delete(components::delete),
        )
        .route("/workflows", get(workflows::list))
        .route(
            "/workflows/{name}",
            get(workflows::get).put(workflows::put).delete(workflows::delete),
        )
        .route("/workflows/{name}/versions", get(workflows::versions))
        .route("/workflows/{name}/executions", post(executions::create))
        .route("/workflows/{name}/test", post(executions::test))
        .route("/executions", get(executions::list))
        .route("/executions/{id}", get(executions::get))
        .route("/executions/{id}/history", get(executions::history))
        .route("/executions/{id}/logs", get(executions::logs))
        .route("/executions/{id}/resume", post(executions::resume))
        .route("/executions/{id}/cancel", post(executions::cancel))
        .route("/limits", get(limits::get))
        .route("/check", get(maintenance::check))
        .route("/backup", get(maintenance::backup))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(method_not_allowed)
}

fn link_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/resume/{token}", any(links::resume))
        .route("/cancel/{token}", any(links::cancel))
        .route(
            "/approve/{token}",
            get(approval::get).post(approval::post).options(approval::options),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(link_headers::add))
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this address takes other methods; Allow names them")
}
