//! What callers may do only so often: trigger, call links, show wrong tokens.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use waystation_core::Limits;

use crate::app::Shared;
use crate::client::ClientIp;
use crate::links::{self, wants_html};
use crate::problem::{Code, Problem};
use crate::rate::{Rate, TooOften};

/// One limit for each.
pub(crate) struct Rates {
    hooks: Rate,
    links: Rate,
    wrong_tokens: Rate,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Rates {
        Rates {
            hooks: Rate::new(limits.hooks_per_minute),
            links: Rate::new(limits.links_per_minute),
            wrong_tokens: Rate::new(limits.wrong_tokens_per_minute),
        }
    }
}

/// Lets triggers pass, so many a minute for each caller.
pub(crate) async fn hooks(
    State(shared): State<Arc<Shared>>,
    client: ClientIp,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    take(&shared, &shared.rates.hooks, client)?;
    Ok(next.run(request).await)
}

/// The same for links. People are told on a page.
pub(crate) async fn links(
    State(shared): State<Arc<Shared>>,
    client: ClientIp,
    request: Request,
    next: Next,
) -> Response {
    match take(&shared, &shared.rates.links, client) {
        Ok(()) => next.run(request).await,
        Err(problem) => links::refused(problem, wants_html(request.headers())),
    }
}

/// May this caller show one more token, having shown so many wrong ones?
pub(crate) fn may_show_a_token(shared: &Shared, client: ClientIp) -> Result<(), Problem> {
    let Some(source) = client.source() else { return Ok(()) };
    shared.rates.wrong_tokens.look(source, shared.app.clock.now()).map_err(Problem::from)
}

/// It was a wrong one.
pub(crate) fn showed_a_wrong_token(shared: &Shared, client: ClientIp) {
    let Some(source) = client.source() else { return };
    // Requests at the same time may all have been let through: the last of them costs nothing.
    let _ = shared.rates.wrong_tokens.take(source, shared.app.clock.now());
}

fn take(shared: &Shared, rate: &Rate, client: ClientIp) -> Result<(), Problem> {
    let Some(source) = client.source() else { return Ok(()) };
    rate.take(source, shared.app.clock.now()).map_err(Problem::from)
}

impl From<TooOften> for Problem {
    fn from(TooOften { retry_after_s }: TooOften) -> Problem {
        let detail = format!("too many requests from this address; again in {retry_after_s} s");
        Problem::new(Code::RateLimited, detail).with("retry_after_s", retry_after_s.into())
    }
}
