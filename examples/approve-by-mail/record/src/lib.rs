//! Records how the decision about an order was made.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use waystation_step::context::{self, Request};
use waystation_step::{Error, exports};

/// What the step `ask` exported.
#[derive(Deserialize)]
struct Steps {
    ask: Ask,
}

#[derive(Deserialize)]
struct Ask {
    /// How the pause ended.
    #[serde(rename = "$resume")]
    resume: Resume,
    /// The request that ended it; absent when nobody answered in time.
    #[serde(rename = "$resume_data")]
    resume_data: Option<Request>,
}

#[derive(Deserialize)]
struct Resume {
    reason: String,
    at: String,
}

/// The step's settings, from the workflow file.
#[derive(Deserialize)]
struct Props {
    order: Value,
}

/// What is on record in the end.
#[derive(Serialize)]
struct Decision {
    order: Value,
    approved: bool,
    /// `request`, `timeout` or `operator`.
    reason: String,
    at: String,
    comment: Option<String>,
    from: Option<String>,
}

#[waystation_step::handler]
fn handler(props: Props) -> Result<Decision, Error> {
    let Ask { resume, resume_data } = context::steps::<Steps>()?.ask;
    let decision = Decision {
        order: props.order,
        // A workflow goes on by itself after 24 hours; silence is no approval.
        approved: resume.reason != "timeout",
        reason: resume.reason,
        at: resume.at,
        comment: resume_data.as_ref().and_then(comment),
        from: resume_data.and_then(|request| request.client_ip),
    };
    let verdict = if decision.approved { "approved" } else { "not approved" };
    exports::set("$summary", &format!("order {} {verdict}", decision.order["id"]))?;
    println!("order {} was {verdict} ({})", decision.order["id"], decision.reason);
    Ok(decision)
}

/// A comment in the request's body, or in its query: `…?comment=fine`.
fn comment(request: &Request) -> Option<String> {
    let body = request.body["comment"].as_str();
    let query = request.query.get("comment").and_then(Value::as_str);
    body.or(query).map(str::to_owned)
}
