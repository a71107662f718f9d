//! Which path leads where, and what a token has to allow on the way.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, any, get, on};
use waystation_core::Scope;

use crate::app::{App, Shared};
use crate::metrics::HttpMetrics;
use crate::problem::{Code, Problem};
use crate::rates::{self, Rates};
use crate::wait::Waits;
use crate::{
    answer_headers, approval, auth, client, components, executions, head, health, hidden_links,
    hooks, host, limits, links, maintenance, metrics, observe, secrets, token_routes, workflows,
};

/// All routes.
pub fn router(app: App) -> Router {
    let limits = app.engine.limits();
    let (rates, waits) = (Rates::new(limits), Waits::new(limits.connections_max));
    let shared = Arc::new(Shared { app, metrics: HttpMetrics::new(), rates, waits });
    Router::new()
        .merge(doors(&shared))
        // Whoever watches asks by whatever name it has, and learns little.
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(method_not_allowed)
        // Each route reads its body by `body::read`, which has limits of its own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(host::clear))
        .layer(from_fn_with_state(Arc::clone(&shared), head::measure))
        .layer(from_fn_with_state(Arc::clone(&shared), observe::observe))
        .layer(from_fn(answer_headers::on_all))
        .layer(from_fn_with_state(Arc::clone(&shared), client::identify))
        .with_state(shared)
}

/// All that is called by a name of ours alone.
fn doors(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .nest("/api/v1", api(shared))
        .merge(link_routes(shared))
        .merge(hook_routes(shared))
        .route("/metrics", get(metrics::get))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(shared), host::ours))
}

/// A route of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRoute {
    /// How it is called.
    pub method: Method,
    /// Where, after `/api/v1`.
    pub path: &'static str,
    /// What a token has to allow.
    pub scope: Scope,
}

/// All routes of the API. There is no other way to it: the router is made from this table.
pub fn api_routes() -> Vec<ApiRoute> {
    table().into_iter().map(|(route, _)| route).collect()
}

type Entry = (ApiRoute, MethodRouter<Arc<Shared>>);

fn table() -> Vec<Entry> {
    use Scope::{Admin, Deploy, Operate, Read};
    const GET: Method = Method::GET;
    const PUT: Method = Method::PUT;
    const POST: Method = Method::POST;
    const DELETE: Method = Method::DELETE;
    vec![
        entry(GET, "/components", Read, components::list),
        entry(GET, "/components/{name}", Read, components::get),
        entry(PUT, "/components/{name}", Deploy, components::put),
        entry(DELETE, "/components/{name}", Deploy, components::delete),
        entry(GET, "/workflows", Read, workflows::list),
        entry(GET, "/workflows/{name}", Read, workflows::get),
        entry(PUT, "/workflows/{name}", Deploy, workflows::put),
        entry(DELETE, "/workflows/{name}", Deploy, workflows::delete),
        entry(GET, "/workflows/{name}/versions", Read, workflows::versions),
        entry(POST, "/workflows/{name}/executions", Operate, executions::create),
        entry(POST, "/workflows/{name}/test", Operate, executions::test),
        entry(GET, "/executions", Read, executions::list),
        entry(GET, "/executions/{id}", Read, executions::get),
        entry(GET, "/executions/{id}/history", Read, executions::history),
        entry(GET, "/executions/{id}/logs", Read, executions::logs),
        entry(POST, "/executions/{id}/resume", Operate, executions::resume),
        entry(POST, "/executions/{id}/cancel", Operate, executions::cancel),
        entry(GET, "/limits", Read, limits::get),
        entry(GET, "/secrets", Admin, secrets::list),
        entry(PUT, "/secrets/{name}", Admin, secrets::put),
        entry(DELETE, "/secrets/{name}", Admin, secrets::delete),
        entry(POST, "/tokens", Admin, token_routes::create),
        entry(GET, "/tokens", Admin, token_routes::list),
        entry(DELETE, "/tokens/{id}", Admin, token_routes::revoke),
        entry(GET, "/check", Admin, maintenance::check),
        entry(GET, "/backup", Admin, maintenance::backup),
    ]
}

fn entry<H, T>(method: Method, path: &'static str, scope: Scope, handler: H) -> Entry
where
    H: Handler<T, Arc<Shared>>,
    T: 'static,
{
    // A method that is no method of the table's would have no route, and the tests would see it.
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
    let allowed = from_fn(move |request: Request, next: Next| auth::require(scope, request, next));
    (ApiRoute { method, path, scope }, on(filter, handler).route_layer(allowed))
}

fn api(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let routes = table().into_iter();
    routes
        .fold(Router::new(), |router, (ApiRoute { path, .. }, serve)| router.route(path, serve))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(shared), hidden_links::from_who_may_not_act))
        .layer(from_fn_with_state(Arc::clone(shared), auth::authenticate))
        .layer(from_fn(answer_headers::on_api))
}

fn hook_routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/hooks/{name}", any(hooks::call))
        .route("/hooks/{name}/", any(hooks::call))
        .route("/hooks/{name}/{*rest}", any(hooks::call))
        .layer(from_fn_with_state(Arc::clone(shared), rates::hooks))
}

fn link_routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/resume/{token}", any(links::resume))
        .route("/cancel/{token}", any(links::cancel))
        .route(
            "/approve/{token}",
            get(approval::get).post(approval::post).options(approval::options),
        )
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(shared), rates::links))
        .layer(from_fn(answer_headers::on_links))
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this address takes other methods; Allow names them")
}
