//! Errors as RFC 9457 asks for them.
//!
//! A handler answers with a [`Problem`]; `observe` adds the request's id and writes the body.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use waystation_core::InvalidWorkflow;
use waystation_engine::{
    CallError, DeployError, DiskLow, PutComponentError, PutSecretError, TriggerError,
};
use waystation_store::{DeleteError, StoreError};

use crate::grant;
use crate::params::missing_named;
use crate::workflow_file::shown;

/// Every kind of error that this crate answers with. A refused component besides carries the
/// code that the check of components gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// 404: nothing is at this path. Also every link that is not genuine.
    NotFound,
    /// 404: there is no component of this name.
    UnknownComponent,
    /// 404: there is no workflow of this name.
    UnknownWorkflow,
    /// 404: there is no such execution.
    UnknownExecution,
    /// 404: the workflow is there, and not to be triggered over HTTP.
    NoHttpTrigger,
    /// 405: `Allow` says what goes.
    MethodNotAllowed,
    /// 401: no token, or not the right one.
    Unauthorized,
    /// 403: the token may not do that; `scope` says what it lacks.
    Forbidden,
    /// 429: too often; `retry_after_s` says when to try again.
    RateLimited,
    /// 421: meant for another host.
    MisdirectedRequest,
    /// 414: the path and query are longer than allowed.
    UrlTooLong,
    /// 431: the headers are larger than allowed.
    HeadersTooLarge,
    /// 404: there is no such token of the API.
    UnknownToken,
    /// 409: there are as many tokens as there may be.
    TooManyTokens,
    /// 400: a name breaks the rules for names.
    InvalidName,
    /// 400: a parameter of the query or a form field has a value that it can't have.
    InvalidParameter,
    /// 400: a header has a value that it can't have.
    InvalidHeader,
    /// 400: the body says it is JSON and is not.
    MalformedJson,
    /// 400: the body is not what its content type says, or ended too early.
    MalformedBody,
    /// 408: the body did not come in time.
    BodyTimeout,
    /// 413: the body is larger than allowed. Nothing has changed.
    BodyTooLarge,
    /// 415: the body's content type is not one that this route reads.
    UnsupportedMediaType,
    /// 422: JSON nested too deep.
    JsonTooDeep,
    /// 413: the component is larger than allowed.
    ComponentTooLarge,
    /// 422: the component is not one that the host can run. The answer's `code` is the more
    /// exact word of the check, and this one only where the check has none.
    RefusedComponent,
    /// 409: a workflow or an execution needs it.
    InUse,
    /// 422: the workflow file is wrong; `place` says where.
    InvalidWorkflow,
    /// 409: the workflow asks for more than the version before; `beyond` says what.
    NeedsAcceptance,
    /// 404: there is no secret of this name.
    UnknownSecret,
    /// 422: it can't be kept as a secret; `place` says what is wrong.
    InvalidSecret,
    /// 409: the pause is over, and ended otherwise; `ending` and `at` say how and when.
    PauseOver,
    /// 409: the step went on without a pause.
    NeverPaused,
    /// 409: the other link was called first.
    OtherLinkCalled,
    /// 409: the operator resumes what is not paused.
    NotPaused,
    /// 410: the execution has ended; `status` and `at` say how and when.
    ExecutionEnded,
    /// 422: the body is not what the step asks for. The execution stays paused.
    SchemaMismatch,
    /// 413: the execution may not hold that much. It stays paused.
    DataLimit,
    /// 503: too much waits already. Try again.
    Busy,
    /// 503: too much of this `workflow` waits already, as much as `limit` allows. Try again.
    WorkflowBusy,
    /// 507: the disk has too little left for new work. Try again when there is more.
    DiskLow,
    /// 503: the server is going down. Try again.
    ShuttingDown,
    /// 500: it is not the caller's fault; the log knows more, under the request's id.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 42] = [
        Code::NotFound,
        Code::UnknownComponent,
        Code::UnknownWorkflow,
        Code::UnknownExecution,
        Code::NoHttpTrigger,
        Code::MethodNotAllowed,
        Code::Unauthorized,
        Code::Forbidden,
        Code::RateLimited,
        Code::MisdirectedRequest,
        Code::UrlTooLong,
        Code::HeadersTooLarge,
        Code::UnknownToken,
        Code::TooManyTokens,
        Code::InvalidName,
        Code::InvalidParameter,
        Code::InvalidHeader,
        Code::MalformedJson,
        Code::MalformedBody,
        Code::BodyTimeout,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::JsonTooDeep,
        Code::ComponentTooLarge,
        Code::RefusedComponent,
        Code::InUse,
        Code::InvalidWorkflow,
        Code::NeedsAcceptance,
        Code::UnknownSecret,
        Code::InvalidSecret,
        Code::PauseOver,
        Code::NeverPaused,
        Code::OtherLinkCalled,
        Code::NotPaused,
        Code::ExecutionEnded,
        Code::SchemaMismatch,
        Code::DataLimit,
        Code::Busy,
        Code::WorkflowBusy,
        Code::DiskLow,
        Code::ShuttingDown,
        Code::Internal,
    ];

    /// The code as it stands in answers; its status; its title.
    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Code::NotFound => ("not_found", S::NOT_FOUND, "Nothing here"),
            Code::UnknownComponent => ("unknown_component", S::NOT_FOUND, "No such component"),
            Code::UnknownWorkflow => ("unknown_workflow", S::NOT_FOUND, "No such workflow"),
            Code::UnknownExecution => ("unknown_execution", S::NOT_FOUND, "No such execution"),
            Code::NoHttpTrigger => ("no_http_trigger", S::NOT_FOUND, "No HTTP trigger"),
            Code::MethodNotAllowed => {
                ("method_not_allowed", S::METHOD_NOT_ALLOWED, "Method not allowed")
            }
            Code::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "Token needed"),
            Code::Forbidden => ("forbidden", S::FORBIDDEN, "Not allowed"),
            Code::RateLimited => ("rate_limited", S::TOO_MANY_REQUESTS, "Too many requests"),
            Code::MisdirectedRequest => {
                ("misdirected_request", S::MISDIRECTED_REQUEST, "Meant for another host")
            }
            Code::UrlTooLong => ("url_too_long", S::URI_TOO_LONG, "URL too long"),
            Code::HeadersTooLarge => {
                ("headers_too_large", S::REQUEST_HEADER_FIELDS_TOO_LARGE, "Headers too large")
            }
            Code::UnknownToken => ("unknown_token", S::NOT_FOUND, "No such token"),
            Code::TooManyTokens => ("too_many_tokens", S::CONFLICT, "Too many tokens"),
            Code::InvalidName => ("invalid_name", S::BAD_REQUEST, "Invalid name"),
            Code::InvalidParameter => ("invalid_parameter", S::BAD_REQUEST, "Invalid parameter"),
            Code::InvalidHeader => ("invalid_header", S::BAD_REQUEST, "Invalid header"),
            Code::MalformedJson => ("malformed_json", S::BAD_REQUEST, "Malformed JSON"),
            Code::MalformedBody => ("malformed_body", S::BAD_REQUEST, "Malformed body"),
            Code::BodyTimeout => ("body_timeout", S::REQUEST_TIMEOUT, "Body too slow"),
            Code::BodyTooLarge => ("body_too_large", S::PAYLOAD_TOO_LARGE, "Body too large"),
            Code::UnsupportedMediaType => {
                ("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "Unsupported content type")
            }
            Code::JsonTooDeep => ("json_too_deep", S::UNPROCESSABLE_ENTITY, "JSON too deep"),
            Code::ComponentTooLarge => {
                ("component_too_large", S::PAYLOAD_TOO_LARGE, "Component too large")
            }
            Code::RefusedComponent => {
                ("refused_component", S::UNPROCESSABLE_ENTITY, "Unfit component")
            }
            Code::InUse => ("in_use", S::CONFLICT, "Still needed"),
            Code::InvalidWorkflow => {
                ("invalid_workflow", S::UNPROCESSABLE_ENTITY, "Invalid workflow")
            }
            Code::NeedsAcceptance => ("needs_acceptance", S::CONFLICT, "Asks for more"),
            Code::UnknownSecret => ("unknown_secret", S::NOT_FOUND, "No such secret"),
            Code::InvalidSecret => ("invalid_secret", S::UNPROCESSABLE_ENTITY, "Invalid secret"),
            Code::PauseOver => ("pause_over", S::CONFLICT, "Already decided"),
            Code::NeverPaused => ("never_paused", S::CONFLICT, "There was no pause"),
            Code::OtherLinkCalled => ("other_link_called", S::CONFLICT, "Already decided"),
            Code::NotPaused => ("not_paused", S::CONFLICT, "Not paused"),
            Code::ExecutionEnded => ("execution_ended", S::GONE, "The execution has ended"),
            Code::SchemaMismatch => {
                ("schema_mismatch", S::UNPROCESSABLE_ENTITY, "Not the data that was asked for")
            }
            Code::DataLimit => ("data_limit", S::PAYLOAD_TOO_LARGE, "Too much data"),
            Code::Busy => ("busy", S::SERVICE_UNAVAILABLE, "Busy"),
            Code::WorkflowBusy => ("workflow_busy", S::SERVICE_UNAVAILABLE, "Workflow busy"),
            Code::DiskLow => ("disk_low", S::INSUFFICIENT_STORAGE, "The disk is nearly full"),
            Code::ShuttingDown => ("shutting_down", S::SERVICE_UNAVAILABLE, "Shutting down"),
            Code::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
        }
    }

    /// The stable word that stands in answers.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that it comes with.
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// A few words for people.
    pub fn title(self) -> &'static str {
        self.row().2
    }
}

/// An error on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    /// Stands in for the code's own word.
    word: Option<String>,
    pub(crate) detail: Cow<'static, str>,
    /// Further members of the body.
    more: Box<Map<String, Value>>,
    /// For the log alone.
    inside: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { code, word: None, detail: detail.into(), more: Box::default(), inside: None }
    }

    /// Nothing here; the same for every link that is not genuine.
    pub(crate) fn not_found() -> Problem {
        Problem::new(Code::NotFound, "there is nothing at this address")
    }

    /// `error` is for the log; the caller learns nothing of it.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Problem {
        let detail =
            "something went wrong on the server; its log knows more, under this request_id";
        Problem { inside: Some(error.to_string()), ..Problem::new(Code::Internal, detail) }
    }

    #[must_use]
    pub(crate) fn with(mut self, member: &str, value: Value) -> Problem {
        self.more.insert(member.to_owned(), value);
        self
    }

    /// What the log should say and the caller should not know.
    pub(crate) fn inside(&self) -> Option<&str> {
        self.inside.as_deref()
    }

    /// The body for the request with this id.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let code = self.word.as_deref().unwrap_or(self.code.as_str());
        let mut body = json!({
            "type": format!("urn:waystation:problem:{code}"),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request_id}"),
            "code": code,
            "request_id": request_id,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend((*self.more).clone());
        }
        body
    }
}

impl IntoResponse for Problem {
    /// Status and headers; the body follows when the request's id is known.
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.code {
            Code::Unauthorized => {
                let value = HeaderValue::from_static("Bearer realm=\"waystation\"");
                headers.insert(WWW_AUTHENTICATE, value);
            }
            Code::RateLimited => {
                let seconds = self.more.get("retry_after_s").and_then(Value::as_u64);
                headers.insert(RETRY_AFTER, seconds.unwrap_or(1).into());
            }
            Code::Busy | Code::WorkflowBusy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Code::ShuttingDown => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Busy => Problem::new(Code::Busy, "the server is busy; try again"),
            StoreError::Closed => {
                Problem::new(Code::ShuttingDown, "the server is shutting down; try again")
            }
            StoreError::Io(_) | StoreError::Damaged(_) => Problem::internal(error),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Problem {
        match error {
            DeleteError::NotFound => Problem::not_found(),
            DeleteError::InUse(by) => {
                Problem::new(Code::InUse, format!("needed by {by}")).with("needed_by", by.into())
            }
            DeleteError::Store(error) => error.into(),
        }
    }
}

impl From<PutComponentError> for Problem {
    fn from(error: PutComponentError) -> Problem {
        match error {
            PutComponentError::Refused(refused) if refused.too_large => {
                Problem::new(Code::ComponentTooLarge, refused.message)
            }
            PutComponentError::Refused(refused) => Problem {
                word: Some(refused.code),
                ..Problem::new(Code::RefusedComponent, refused.message)
            },
            PutComponentError::DiskLow(low) => low.into(),
            PutComponentError::Busy => Problem::new(Code::Busy, error.to_string()),
            PutComponentError::Host(error) => Problem::internal(error),
            PutComponentError::Store(error) => error.into(),
        }
    }
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Problem {
        match error {
            DeployError::Invalid(InvalidWorkflow { place, problem }) => {
                // Both may quote the file.
                let (place, problem) = (shown(&place), shown(&problem));
                Problem::new(Code::InvalidWorkflow, format!("{place}: {problem}"))
                    .with("place", place.into())
            }
            DeployError::AsksForMore { version, ref beyond } => {
                Problem::new(Code::NeedsAcceptance, error.to_string())
                    .with("version", version.into())
                    .with("accept_with", "?accept=true".into())
                    .with("beyond", beyond.iter().map(grant::view).collect())
            }
            DeployError::DiskLow(low) => low.into(),
            DeployError::Store(error) => error.into(),
        }
    }
}

impl From<PutSecretError> for Problem {
    fn from(error: PutSecretError) -> Problem {
        match error {
            PutSecretError::Invalid(invalid) => {
                Problem::new(Code::InvalidSecret, invalid.to_string())
                    .with("place", invalid.place.into())
            }
            PutSecretError::NoRandomness(error) => Problem::internal(error),
            PutSecretError::Store(error) => error.into(),
        }
    }
}

impl From<DiskLow> for Problem {
    fn from(low: DiskLow) -> Problem {
        Problem::new(Code::DiskLow, low.to_string())
    }
}

impl From<TriggerError> for Problem {
    fn from(error: TriggerError) -> Problem {
        let detail = error.to_string();
        match error {
            TriggerError::UnknownWorkflow(name) => {
                missing_named(Code::UnknownWorkflow, name.as_str())
            }
            TriggerError::Busy => Problem::new(Code::Busy, detail),
            TriggerError::WorkflowBusy { workflow, .. } => Problem::new(Code::WorkflowBusy, detail)
                .with("workflow", workflow.as_str().into())
                .with("limit", "limits.queued_per_workflow_max".into()),
            TriggerError::DiskLow(low) => low.into(),
            TriggerError::ShuttingDown => Problem::new(Code::ShuttingDown, detail),
            TriggerError::Store(error) => error.into(),
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Problem {
        let detail = error.to_string();
        match error {
            CallError::NotFound => Problem::new(Code::UnknownExecution, detail),
            CallError::PauseOver { ending, at } => Problem::new(Code::PauseOver, detail)
                .with("ending", json!(ending))
                .with("at", json!(at)),
            CallError::NeverPaused => Problem::new(Code::NeverPaused, detail),
            CallError::OtherCalled { action, at } => Problem::new(Code::OtherLinkCalled, detail)
                .with("action", json!(action))
                .with("at", json!(at)),
            CallError::Ended { status, at } => Problem::new(Code::ExecutionEnded, detail)
                .with("execution_status", json!(status))
                .with("at", json!(at)),
            CallError::NotPaused => Problem::new(Code::NotPaused, detail),
            CallError::Schema(_) => Problem::new(Code::SchemaMismatch, detail),
            CallError::TooLarge { .. } => Problem::new(Code::DataLimit, detail),
            CallError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_words_and_differ() {
        let words: HashSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        for word in words {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{word}");
        }
    }

    #[test]
    fn a_body_has_what_rfc_9457_asks_for() {
        let problem = Problem::new(Code::InUse, "needed by w").with("needed_by", "w".into());
        let body = problem.body("0190");
        assert_eq!(body["status"], 409);
        assert_eq!(body["code"], "in_use");
        assert_eq!(body["needed_by"], "w");
        assert_eq!(body["request_id"], "0190");
        assert_eq!(body["detail"], "needed by w");
    }

    #[test]
    fn an_internal_error_keeps_the_inside_to_itself() {
        let problem = Problem::from(StoreError::Damaged("key 0xdead".into()));
        assert!(!problem.body("id").to_string().contains("dead"));
        assert_eq!(problem.inside(), Some("damaged data: key 0xdead"));
    }
}
