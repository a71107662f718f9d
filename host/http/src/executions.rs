//! `/api/v1/executions`, and what starts them through the API.

use std::str::FromStr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use waystation_core::{ExecutionId, Scope, Status, WorkflowName};
use waystation_engine::{
    Engine, ExecutionPage, ExecutionView, HistoryView, LinkAnswer, LinkCall, Listing, LogView,
    TestReport, TriggerRequest, Waiting,
};
use waystation_store::ExecutionFilter;

use crate::app::Ctx;
use crate::client::ClientIp;
use crate::paging::Wanted;
use crate::params::{Query, Segment, missing_named};
use crate::problem::{Code, Problem};
use crate::request_data::{RequestData, Sender};
use crate::tokens::Caller;
use crate::{body, idempotency, json_body, wait, workflows};

/// Executions of a page that names no number, and the most that it may name.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 200;

/// Starts one: 201, 200 with the first one for a key that was seen before, or 200 when it ended
/// or paused while the caller waited.
pub(crate) async fn create(
    State(shared): Ctx,
    segment: Segment,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let engine = shared.engine();
    let workflow: WorkflowName = segment.existing(Code::UnknownWorkflow)?;
    let patience = wait::patience(&headers, &query)?;
    let idempotency_key = idempotency::of_api(&headers)?;
    let body = body::read(engine.limits(), &headers, body, engine.limits().body_bytes_max).await?;
    let event = json_body::parse(&headers, body, engine.limits().payload_bytes_max)?;
    let request = TriggerRequest { workflow, event, idempotency_key, caller_waits: false };
    let triggered = engine.trigger(request).await?;
    let (execution, settled) = look(engine, triggered.id, patience).await?;
    let status = if triggered.created && !settled { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(LOCATION, url(engine, triggered.id))];
    Ok((status, location, applied(patience), Json(execution)).into_response())
}

/// The execution now, or after the caller's patience; has it ended or paused in that time?
pub(crate) async fn look(
    engine: &Engine,
    id: ExecutionId,
    patience: Option<Duration>,
) -> Result<(ExecutionView, bool), Problem> {
    let view = match patience {
        Some(patience) => engine.wait(id, patience).await?,
        None => engine.execution(id).await?,
    };
    let view = view.ok_or_else(|| missing(id))?;
    let at_rest = view.status.is_terminal() || view.status == Status::Suspended;
    let settled = patience.is_some() && at_rest;
    Ok((view, settled))
}

/// Tells the caller that its wish to wait was heard.
pub(crate) fn applied(patience: Option<Duration>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(patience) = patience
        && let Ok(value) = format!("wait={}", patience.as_secs()).parse()
    {
        headers.insert("preference-applied", value);
    }
    headers
}

/// Where the API shows an execution.
pub(crate) fn url(engine: &Engine, id: ExecutionId) -> String {
    format!("{}/api/v1/executions/{id}", engine.public_url())
}

/// Runs a workflow in the foreground and leaves nothing behind.
pub(crate) async fn test(
    State(shared): Ctx,
    segment: Segment,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TestReport>, Problem> {
    let engine = shared.engine();
    let name: WorkflowName = segment.existing(Code::UnknownWorkflow)?;
    let body = body::read(engine.limits(), &headers, body, engine.limits().body_bytes_max).await?;
    let event = json_body::parse(&headers, body, engine.limits().payload_bytes_max)?;
    let report = engine.test_run(&name, event).await?;
    report.map(Json).ok_or_else(|| workflows::missing(&name))
}

/// Newest first, `{items, next_cursor}`.
pub(crate) async fn list(
    State(shared): Ctx,
    Extension(caller): Extension<Caller>,
    query: Query,
) -> Result<Json<ExecutionPage>, Problem> {
    let (filter, limit) = filter(&query)?;
    let mut page = shared.engine().executions(filter, limit).await?;
    if !caller.allows(Scope::Operate) {
        page.items.iter_mut().for_each(|item| without_links(&mut item.waiting));
    }
    Ok(Json(page))
}

/// Links act for whoever has them: who may not act does not get them.
pub(crate) fn without_links(waiting: &mut Option<Waiting>) {
    if let Some(waiting) = waiting {
        waiting.resume_url = None;
        waiting.cancel_url = None;
        waiting.approval_url = None;
    }
}

fn filter(query: &Query) -> Result<(ExecutionFilter, usize), Problem> {
    fn read<T: FromStr>(query: &Query, name: &str, allowed: &str) -> Result<Option<T>, Problem> {
        let read = |text: &str| text.parse().map_err(|_| Query::invalid(name, text, allowed));
        query.one(name)?.map(read).transpose()
    }
    let words = Status::ALL.map(Status::as_str);
    let status = query.one("status")?.map(|text| {
        let found = Status::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| {
            Query::invalid("status", text, &format!("one of {} is allowed", words.join(", ")))
        })
    });
    let workflow = read(query, "workflow", "a workflow's name, 1 to 64 of a-z, 0-9 and -")?;
    let before = read(query, "cursor", "the next_cursor of the page before is allowed")?;
    let number = format!("a whole number from 1 to {LIMIT_MAX} is allowed");
    let limit = read(query, "limit", &number)?.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Query::invalid("limit", &limit.to_string(), &number));
    }
    Ok((ExecutionFilter { workflow, status: status.transpose()?, before }, limit))
}

/// One of them, now or, with `?wait=N`, when it has ended or paused.
pub(crate) async fn get(
    State(shared): Ctx,
    Extension(caller): Extension<Caller>,
    segment: Segment,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let patience = wait::patience(&headers, &query)?;
    let (mut view, _) = look(shared.engine(), id(&segment)?, patience).await?;
    if !caller.allows(Scope::Operate) {
        without_links(&mut view.waiting);
    }
    Ok((applied(patience), Json(view)).into_response())
}

/// What happened to it, oldest first, `{items, next_cursor}`.
pub(crate) async fn history(
    State(shared): Ctx,
    segment: Segment,
    query: Query,
) -> Result<Json<Listing<HistoryView>>, Problem> {
    let id = id(&segment)?;
    let Wanted { after, limit } = Wanted::read(&query)?;
    let page = shared.engine().history(id, after, limit).await?;
    page.map(Json).ok_or_else(|| missing(id))
}

/// What its runs logged, oldest first, `{items, next_cursor}`.
pub(crate) async fn logs(
    State(shared): Ctx,
    segment: Segment,
    query: Query,
) -> Result<Json<Listing<LogView>>, Problem> {
    let id = id(&segment)?;
    let Wanted { after, limit } = Wanted::read(&query)?;
    let page = shared.engine().logs(id, after, limit).await?;
    page.map(Json).ok_or_else(|| missing(id))
}

/// Resumes it, by the operator; the body is what the step gets.
pub(crate) async fn resume(
    State(shared): Ctx,
    client: ClientIp,
    segment: Segment,
    request: Request,
) -> Result<Json<LinkAnswer>, Problem> {
    let engine = shared.engine();
    let id = id(&segment)?;
    let (parts, body) = request.into_parts();
    let body =
        body::read(engine.limits(), &parts.headers, body, engine.limits().body_bytes_max).await?;
    let url = engine.public_url();
    let data = RequestData::new(&parts, body, Sender::Person, url, client).await?;
    Ok(Json(engine.resume(id, link_call(&data)?).await?))
}

/// Cancels it, by the operator.
pub(crate) async fn cancel(
    State(shared): Ctx,
    segment: Segment,
) -> Result<Json<LinkAnswer>, Problem> {
    Ok(Json(shared.engine().cancel(id(&segment)?).await?))
}

/// What the engine needs to know of a call.
pub(crate) fn link_call(data: &RequestData) -> Result<LinkCall, Problem> {
    Ok(LinkCall { request: data.to_json()?, body: data.body.clone(), client_ip: data.client_ip() })
}

fn id(segment: &Segment) -> Result<ExecutionId, Problem> {
    segment.existing(Code::UnknownExecution)
}

fn missing(id: ExecutionId) -> Problem {
    missing_named(Code::UnknownExecution, &id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let (all, limit) = filter(&Query::parse(None)).unwrap();
        assert_eq!((all, limit), (ExecutionFilter::default(), 50));
        let query = "workflow=w&status=suspended&limit=200";
        let (some, limit) = filter(&Query::parse(Some(query))).unwrap();
        assert_eq!(some.workflow.unwrap().as_str(), "w");
        assert_eq!((some.status, limit), (Some(Status::Suspended), 200));
    }

    #[test]
    fn bad_values_name_their_parameter() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=x", "limit"),
            ("status=paused", "status"),
            ("workflow=A%20b", "workflow"),
            ("cursor=1", "cursor"),
        ] {
            let problem = filter(&Query::parse(Some(query))).unwrap_err();
            assert_eq!(problem.body("")["parameter"], name);
            assert!(problem.detail.starts_with(name), "{}", problem.detail);
        }
    }
}
