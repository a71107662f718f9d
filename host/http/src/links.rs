//! `/resume/{token}` and `/cancel/{token}`: any request acts, unless it only looks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use waystation_core::{Link, LinkAction};
use waystation_engine::{CallError, LinkAnswer, LinkOutcome};

use crate::app::{Ctx, Shared};
use crate::client::ClientIp;
use crate::params::Segment;
use crate::problem::{Code, Problem};
use crate::request_data::{RequestData, Sender};
use crate::{GetLink, approval, body, executions, page, prefetch};

/// The methods of a link by name. All others act, too, where a GET does.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What acts where a GET asks first: what nobody sends who only looks.
const CONFIRMING: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The resume link.
pub(crate) async fn resume(
    State(shared): Ctx,
    client: ClientIp,
    token: Segment,
    request: Request,
) -> Response {
    call(&shared, client, &token, request, LinkAction::Resume).await
}

/// The cancel link.
pub(crate) async fn cancel(
    State(shared): Ctx,
    client: ClientIp,
    token: Segment,
    request: Request,
) -> Response {
    call(&shared, client, &token, request, LinkAction::Cancel).await
}

async fn call(
    shared: &Arc<Shared>,
    client: ClientIp,
    token: &Segment,
    request: Request,
    action: LinkAction,
) -> Response {
    let html = wants_html(request.headers());
    let confirms = shared.app.settings.get_link == GetLink::Confirm;
    let result = async {
        let link = verify(shared, token, action)?;
        if let Some(response) = without_acting(&request, METHODS) {
            return Ok(response);
        }
        if confirms && request.method() == Method::GET {
            return approval::show(shared, link, approval::Buttons::Only(action)).await;
        }
        if confirms && !CONFIRMING.contains(request.method()) {
            let allow = [(ALLOW, METHODS)];
            return Ok((allow, refused(method_not_allowed(), html)).into_response());
        }
        let (parts, body) = request.into_parts();
        let limits = shared.engine().limits();
        let body = body::read(limits, &parts.headers, body, limits.body_bytes_max).await?;
        let url = shared.engine().public_url();
        let data = RequestData::new(&parts, body, Sender::Person, url, client).await?;
        let answer = act(shared, link, action, &data).await?;
        Ok(answered(shared, &answer, html))
    };
    result.await.unwrap_or_else(|problem| refused(problem, html))
}

/// What a genuine token for `action` says.
///
/// # Errors
///
/// 404, the same for every other token. Nothing has been looked up.
pub(crate) fn verify(
    shared: &Shared,
    token: &Segment,
    action: LinkAction,
) -> Result<Link, Problem> {
    let link = shared.engine().verify(&token.0).filter(|link| link.action == action);
    link.ok_or_else(Problem::not_found)
}

/// The answer to a request that only looks: what the link could do, a headers-only request, or
/// a browser that fetches ahead. The last one gets 204, which no browser shows in place of the
/// page when the person then does click.
pub(crate) fn without_acting(request: &Request, allow: &'static str) -> Option<Response> {
    match *request.method() {
        Method::OPTIONS => Some((StatusCode::NO_CONTENT, [(ALLOW, allow)]).into_response()),
        Method::HEAD => Some(StatusCode::OK.into_response()),
        _ if prefetch::is_declared(request.headers()) => {
            let note = [("x-waystation-note", "a prefetch does not act")];
            Some((StatusCode::NO_CONTENT, note).into_response())
        }
        _ => None,
    }
}

fn method_not_allowed() -> Problem {
    let detail = "this link takes other methods, since a GET on it asks first; Allow names them";
    Problem::new(Code::MethodNotAllowed, detail)
}

/// Does what the link says.
pub(crate) async fn act(
    shared: &Shared,
    link: Link,
    action: LinkAction,
    data: &RequestData,
) -> Result<LinkAnswer, Problem> {
    let call = executions::link_call(data)?;
    shared.engine().call_link(link, action, call).await.map_err(call_problem)
}

/// An execution that is gone is told like a link that never was.
pub(crate) fn call_problem(error: CallError) -> Problem {
    match error {
        CallError::NotFound => Problem::not_found(),
        other => other.into(),
    }
}

/// Does a person look at the answer?
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok());
    accept.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let html = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"));
        html && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// The answer to a call that was accepted, now or before: 202 while it waits for its pause.
pub(crate) fn answered(shared: &Shared, answer: &LinkAnswer, html: bool) -> Response {
    let status = match answer.outcome {
        LinkOutcome::Accepted if !answer.already => StatusCode::ACCEPTED,
        LinkOutcome::Accepted | LinkOutcome::Resumed | LinkOutcome::Canceled => StatusCode::OK,
    };
    if html {
        (status, page::answered(answer, shared.app.clock.now())).into_response()
    } else {
        (status, Json(answer)).into_response()
    }
}

/// The answer to a call that changed nothing.
pub(crate) fn refused(problem: Problem, html: bool) -> Response {
    if html {
        let page = page::refused(&problem).into_response();
        let mut response = problem.into_response();
        if let Some(kind) = page.headers().get("content-type") {
            response.headers_mut().insert("content-type", kind.clone());
        }
        *response.body_mut() = page.into_body();
        return response;
    }
    problem.into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn html(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(accept));
        wants_html(&headers)
    }

    #[test]
    fn people_get_pages_and_programs_get_json() {
        assert!(html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(html("application/json, Text/HTML; q=0.5"));
        assert!(!html("*/*"));
        assert!(!html("application/json"));
        assert!(!html("text/html;q=0, */*"));
        assert!(!wants_html(&HeaderMap::new()));
    }
}
