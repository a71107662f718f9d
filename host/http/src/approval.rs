//! `/approve/{token}`: the page that asks a person. Looking at it never acts; its buttons do.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use waystation_core::{BoundedJson, Link, LinkAction};

use crate::app::{Ctx, Shared};
use crate::client::ClientIp;
use crate::links::{self, wants_html};
use crate::params::{Query, Segment};
use crate::problem::{Code, Problem};
use crate::request_data::{RequestData, Sender, json_problem};
use crate::{body, page};

/// Which buttons a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buttons {
    /// Resume and Cancel.
    Both,
    /// The one that belongs to the link.
    Only(LinkAction),
}

/// Shows the page.
pub(crate) async fn get(State(shared): Ctx, token: Segment, request: Request) -> Response {
    let without_acting = links::without_acting(&request, ALLOW);
    let shown = async {
        let link = links::verify(&shared, &token, LinkAction::Approve)?;
        match without_acting {
            Some(response) => Ok(response),
            None => show(&shared, link, Buttons::Both).await,
        }
    };
    shown.await.unwrap_or_else(|problem| links::refused(problem, true))
}

/// What the link allows.
pub(crate) async fn options(State(shared): Ctx, token: Segment, request: Request) -> Response {
    get(State(shared), token, request).await
}

const ALLOW: &str = "GET, HEAD, POST";

/// The page of a pause.
pub(crate) async fn show(
    shared: &Arc<Shared>,
    link: Link,
    buttons: Buttons,
) -> Result<Response, Problem> {
    let approval = shared.engine().approval(link).await.map_err(links::call_problem)?;
    Ok(page::approval(&approval, buttons, shared.app.clock.now()).into_response())
}

/// One of the buttons: the form's field `action` says which, and its other fields are the body
/// that the step gets.
pub(crate) async fn post(
    State(shared): Ctx,
    client: ClientIp,
    token: Segment,
    request: Request,
) -> Response {
    let html = wants_html(request.headers());
    let done = async {
        let link = links::verify(&shared, &token, LinkAction::Approve)?;
        if let Some(response) = links::without_acting(&request, ALLOW) {
            return Ok(response);
        }
        let (parts, body) = request.into_parts();
        let engine = shared.engine();
        let body =
            body::read(engine.limits(), &parts.headers, body, engine.limits().body_bytes_max)
                .await?;
        let url = engine.public_url();
        let mut data = RequestData::new(&parts, body, Sender::Person, url, client).await?;
        let (action, rest) = take_action(data.body.to_value())?;
        data.body = BoundedJson::from_value(&rest, usize::MAX).map_err(json_problem)?;
        let answer = links::act(&shared, link, action, &data).await?;
        Ok(links::answered(&shared, &answer, html))
    };
    done.await.unwrap_or_else(|problem| links::refused(problem, html))
}

/// Which button, and the other fields.
fn take_action(body: Value) -> Result<(LinkAction, Value), Problem> {
    let allowed = || {
        Problem::new(Code::InvalidParameter, "the form field `action` has to be resume or cancel")
            .with("parameter", "action".into())
    };
    let Value::Object(mut fields) = body else { return Err(allowed()) };
    let action = match fields.remove("action").as_ref().and_then(Value::as_str) {
        Some("resume") => LinkAction::Resume,
        Some("cancel") => LinkAction::Cancel,
        Some(other) => {
            return Err(Query::invalid("action", other, "resume and cancel are allowed"));
        }
        None => return Err(allowed()),
    };
    Ok((action, Value::Object(fields)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_button_is_taken_out_of_the_form() {
        let (action, rest) = take_action(json!({"action": "resume", "comment": "ok"})).unwrap();
        assert_eq!((action, rest), (LinkAction::Resume, json!({"comment": "ok"})));
        let (action, rest) = take_action(json!({"action": "cancel"})).unwrap();
        assert_eq!((action, rest), (LinkAction::Cancel, json!({})));
        for bad in [json!(null), json!({}), json!({"action": "approve"}), json!({"action": 1})] {
            assert!(take_action(bad).is_err());
        }
    }
}
