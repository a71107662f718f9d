//! The harmless actions.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use waystation_step::flow::{self, Links, OnTimeout, SuspendOptions};
use waystation_step::{Error, context, exports, http, http_response, send};

use crate::harm;
use crate::secret::{self, Send};

/// One thing to do.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Finds this value.
    Return(Value),
    /// Finds everything that the host says about the run.
    Context,
    Sleep(u64),
    Suspend(Suspend),
    Rerun(Rerun),
    Delay(u64),
    Withdraw,
    Exit(String),
    /// Sends the links of the last call, with the run and the attempt, to this address.
    PostLinks(String),
    /// Tells this address which run of which execution this is, what caused it, and the links of
    /// the last call, if there was one: a witness of each run outside of the host.
    PostRun(String),
    /// Finds the answer's body.
    Get(String),
    /// Calls the resume link of the last call itself; finds the status.
    CallBack,
    /// Makes all these calls, and finds what came of each: its status and the size of its
    /// answer, or its error.
    Calls(Vec<Call>),
    Log(String),
    /// Logs so many bytes, in lines of 100.
    LogBytes(usize),
    Export(String, Value),
    /// Exports so many names.
    Exports(usize),
    Fail(Fail),
    Respond {
        status: u16,
        body: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    Email { to: Vec<String>, subject: String, text: String },
    /// Finds a text of so many bytes.
    Output(usize),
    /// Finds the names of the environment's variables and the entries of `/`.
    Surroundings,
    Spin,
    GrowMemory,
    Recurse,
    Panic(String),
    ProcessExit(i32),
    /// Finds the value of this variable.
    Variable(String),
    /// Finds the answer's body.
    Send(Send),
    /// Logs, exports and mails what was found last, and finds it again.
    Leak,
    /// Ends with what was found last: `fail`, `panic`, `exit`, `suspend`, `rerun` or `respond`.
    End(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    url: String,
    /// GET when it is absent.
    #[serde(default)]
    method: Option<String>,
    /// The size of the request's body.
    #[serde(default)]
    bytes: usize,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suspend {
    timeout_ms: Option<u64>,
    on_timeout: Option<String>,
    message: Option<String>,
    resume_schema: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    delay_ms: u64,
    #[serde(default)]
    context: Value,
    #[serde(default)]
    max_retries: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    message: String,
    /// Only so many attempts fail; all of them when it is absent.
    #[serde(default)]
    attempts: Option<u32>,
    #[serde(default)]
    permanent: bool,
}

impl Action {
    /// Does it.
    pub fn act(self, links: &mut Option<Links>, found: &Value) -> Result<Value, Error> {
        match self {
            Action::Return(value) => return Ok(value),
            Action::Context => return described(),
            Action::Sleep(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Action::Suspend(suspend) => *links = Some(suspend.call()?),
            Action::Rerun(rerun) => {
                *links =
                    Some(flow::rerun(rerun.delay_ms, &rerun.context, rerun.max_retries)?);
            }
            Action::Delay(ms) => *links = Some(flow::delay(ms)?),
            Action::Withdraw => flow::withdraw(),
            Action::Exit(reason) => flow::exit(Some(&reason)),
            Action::PostLinks(url) => post_links(&url, links.as_ref())?,
            Action::PostRun(url) => post_run(&url, links.as_ref())?,
            Action::Get(url) => {
                return Ok(http::get(&url).send()?.error_for_status()?.text().into());
            }
            Action::CallBack => return call_back(links.as_ref()),
            Action::Calls(calls) => return Ok(calls.into_iter().map(Call::outcome).collect()),
            Action::Log(text) => println!("{text}"),
            Action::LogBytes(bytes) => {
                (0..bytes / 100).for_each(|_| println!("{}", "x".repeat(99)));
            }
            Action::Export(name, value) => exports::set(&name, &value)?,
            Action::Exports(count) => {
                for n in 0..count {
                    exports::set(&format!("export_{n}"), &n)?;
                }
            }
            Action::Fail(fail) => fail.fail()?,
            Action::Respond { status, body, headers } => respond(status, body, headers)?,
            Action::Email { to, subject, text } => email(to, subject, text)?,
            Action::Output(bytes) => return Ok("x".repeat(bytes).into()),
            Action::Surroundings => return Ok(harm::surroundings()),
            Action::Spin => harm::spin(),
            Action::GrowMemory => harm::grow_memory(),
            Action::Recurse => return Ok(harm::recurse(1).into()),
            Action::Panic(message) => panic!("{message}"),
            Action::ProcessExit(code) => std::process::exit(code),
            Action::Variable(name) => return Ok(secret::variable(&name).into()),
            Action::Send(send) => return send.send(),
            Action::Leak => {
                secret::leak(found)?;
                return Ok(found.clone());
            }
            Action::End(way) => {
                secret::end(&way, found)?;
                return Ok(found.clone());
            }
        }
        Ok(Value::Null)
    }
}

impl Suspend {
    fn call(self) -> Result<Links, Error> {
        let on_timeout = self.on_timeout.as_deref().map(|word| match word {
            "cancel" => OnTimeout::Cancel,
            "fail" => OnTimeout::Fail,
            _ => OnTimeout::Resume,
        });
        let Suspend { timeout_ms, message, resume_schema, .. } = self;
        Ok(flow::suspend_with(SuspendOptions { timeout_ms, on_timeout, message, resume_schema })?)
    }
}

impl Call {
    fn outcome(self) -> Value {
        let method = self.method.as_deref().unwrap_or("GET");
        let request = http::request(method, &self.url).body(vec![b'x'; self.bytes]);
        match request.send() {
            Ok(answer) => json!({"status": answer.status(), "bytes": answer.bytes().len()}),
            Err(error) => json!({"error": error.to_string()}),
        }
    }
}

impl Fail {
    fn fail(self) -> Result<(), Error> {
        if self.attempts.is_some_and(|attempts| context::execution().attempt > attempts) {
            return Ok(());
        }
        let error = Error::new(self.message).named("ToolboxError");
        Err(if self.permanent { error.permanent() } else { error })
    }
}

fn described() -> Result<Value, Error> {
    let run = context::run::<Value>()?;
    let execution = context::execution();
    Ok(json!({
        "runs": run.runs,
        "context": run.context,
        "callback_request": run.callback_request,
        "attempt": execution.attempt,
        "idempotency_key": execution.idempotency_key,
        "workflow": execution.workflow,
        "workflow_version": execution.workflow_version,
        "step": execution.step,
        "test": execution.test,
    }))
}

fn call_back(links: Option<&Links>) -> Result<Value, Error> {
    let links = links.ok_or_else(|| Error::new("no flow call before this"))?;
    Ok(http::post(&links.resume_url).send()?.status().into())
}

fn post_links(url: &str, links: Option<&Links>) -> Result<(), Error> {
    let runs = context::run::<Value>()?.runs;
    let attempt = context::execution().attempt;
    let body = json!({"links": links, "runs": runs, "attempt": attempt});
    // A run that is repeated, much later, may find nobody there any more.
    if let Ok(answer) = http::post(url).json(&body)?.send() {
        answer.error_for_status()?;
    }
    Ok(())
}

fn post_run(url: &str, links: Option<&Links>) -> Result<(), Error> {
    let run = context::run::<Value>()?;
    let execution = context::execution();
    let body = json!({
        "execution": execution.id,
        "step": execution.step,
        "run": run.runs,
        "attempt": execution.attempt,
        "context": run.context,
        "callback_request": run.callback_request,
        "links": links,
    });
    http::post(url).json(&body)?.send()?.error_for_status()?;
    Ok(())
}

pub fn respond(status: u16, body: String, more: Vec<(String, String)>) -> Result<(), Error> {
    let mut headers = vec![("x-toolbox".into(), "yes".into())];
    headers.extend(more);
    http_response::respond(http_response::Response { status, headers, body: body.into() })?;
    Ok(())
}

pub fn email(to: Vec<String>, subject: String, text: String) -> Result<(), Error> {
    send::email(send::Mail { to, subject, text: Some(text), html: None })?;
    Ok(())
}
