//! `/hooks/{name}`: HTTP triggers.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use waystation_core::{HttpResponse, Respond, WorkflowName};
use waystation_engine::TriggerRequest;

use crate::app::Ctx;
use crate::client::ClientIp;
use crate::params::{Query, Segment};
use crate::problem::{Code, Problem};
use crate::request_data::{RequestData, Sender};
use crate::{answer_headers, body, executions, hidden_links, idempotency, wait, workflows};

/// Any request triggers: the request is the event.
pub(crate) async fn call(
    State(shared): Ctx,
    client: ClientIp,
    segment: Segment,
    query: Query,
    request: Request,
) -> Result<Response, Problem> {
    let engine = shared.engine();
    let name: WorkflowName = segment.existing(Code::UnknownWorkflow)?;
    let workflow = engine.workflow(&name).await?.ok_or_else(|| workflows::missing(&name))?;
    let trigger = workflow.spec.trigger.http.ok_or_else(|| {
        let detail = format!(
            "the workflow {:?} has no HTTP trigger; its file needs `trigger: {{ http: {{}} }}`",
            name.as_str()
        );
        Problem::new(Code::NoHttpTrigger, detail)
    })?;
    let (parts, body) = request.into_parts();
    let patience = wait::patience(&parts.headers, &query)?;
    let idempotency_key = idempotency::of_hook(&parts.headers)?;
    let body =
        body::read(engine.limits(), &parts.headers, body, engine.limits().body_bytes_max).await?;
    let url = engine.public_url();
    let data = RequestData::new(&parts, body, Sender::Webhook, url, client).await?;
    let caller_waits = trigger.respond == Respond::Step;
    let event = data.to_json()?;
    let request = TriggerRequest { workflow: name, event, idempotency_key, caller_waits };
    let waiting = shared.waits.place(patience);
    let triggered = engine.trigger(request).await?;

    if let Some(response) = triggered.response
        && let Ok(response) = response.await
    {
        return Ok(from_step(response));
    }
    let location = executions::url(engine, triggered.id);
    // A key that was seen before may be a guess: it shows nothing of the execution behind it.
    if let Some((patience, _place)) = waiting
        && triggered.created
    {
        let patience = Some(patience);
        let (mut execution, settled) = executions::look(engine, triggered.id, patience).await?;
        if settled {
            // Who triggers is not who approves: the links go where the step sends them.
            executions::without_links(&mut execution.waiting);
            let headers = ([(LOCATION, location)], executions::applied(patience));
            let answer = (headers.0, headers.1, Json(execution)).into_response();
            return Ok(hidden_links::hide(&shared, answer).await);
        }
    }
    let answer = Json(json!({"id": triggered.id, "url": location}));
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], answer).into_response())
}

/// What the step said. How the bytes travel is the server's own business.
fn from_step(answer: HttpResponse) -> Response {
    let hop_by_hop = [
        CONNECTION,
        CONTENT_LENGTH,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
    ];
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        let header = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = header
            && !hop_by_hop.contains(&name)
        {
            response.headers_mut().append(name, value);
        }
    }
    answer_headers::on_guest(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steps_answer_goes_out_without_what_belongs_to_the_connection() {
        let headers = [("Vary", "a"), ("vary", "b"), ("Transfer-Encoding", "chunked")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let response = from_step(HttpResponse { status: 418, headers, body: b"x".to_vec() });
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
        assert_eq!(response.headers().get_all("vary").iter().count(), 2);
        assert!(!response.headers().contains_key("transfer-encoding"));
    }

    #[test]
    fn a_steps_page_has_an_origin_of_its_own_and_speaks_for_no_other() {
        let headers = [
            ("Content-Type", "text/html"),
            ("Content-Security-Policy", "default-src 'self'"),
            ("Strict-Transport-Security", "max-age=99999999; includeSubDomains"),
            ("Set-Cookie", "session=fixed; Path=/"),
            ("set-cookie", "bomb=x"),
            ("Clear-Site-Data", "\"*\""),
            ("Service-Worker-Allowed", "/"),
            ("NEL", "{}"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let response = from_step(HttpResponse { status: 200, headers, body: b"x".to_vec() });
        let policies: Vec<_> =
            response.headers().get_all("content-security-policy").iter().collect();
        assert_eq!(policies[0], "default-src 'self'");
        let sandbox = policies[1].to_str().unwrap();
        assert!(sandbox.starts_with("sandbox") && !sandbox.contains("allow-same-origin"));
        let mut names: Vec<&str> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-security-policy", "content-type"]);
    }
}
