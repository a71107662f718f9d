//! The real host, by its WIT.

use super::{Answer, Host, Run, wire};
use crate::Failure;
use crate::context::Execution;
use crate::flow::{Links, OnTimeout, SuspendOptions};
use crate::handler::Handler;
use crate::http::Sent;
use crate::http_response::Response;
use crate::send::Mail;
use bindings::waystation::step::{context, exports, flow, http_response, send};

/// Generated; `wit/step.wit` has the words.
#[allow(missing_docs, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "step",
        pub_export_macro: true,
        default_bindings_module: "waystation_step::__private::bindings",
    });
}

/// The host that this component runs in.
pub(crate) fn current() -> Component {
    Component
}

pub(crate) struct Component;

/// What the component's export does.
pub fn __export<S>(
    handler: impl Handler<S>,
    props: &str,
) -> Result<Option<String>, bindings::Failure> {
    handler.call_with(props).map_err(|failure| bindings::Failure {
        name: failure.name().into(),
        message: failure.message().into(),
        stack: failure.stack(),
        retryable: failure.is_retryable(),
    })
}

impl Host for Component {
    fn run(&self) -> Run {
        let context::Run { runs, context, callback_request } = context::get_run();
        Run { runs, context, callback_request }
    }

    fn execution(&self) -> Execution {
        let execution = context::get_execution();
        Execution {
            id: execution.id,
            workflow: execution.workflow,
            workflow_version: execution.workflow_version,
            step: execution.step,
            triggered_at: execution.triggered_at,
            deadline_ms: execution.deadline_ms,
            attempt: execution.attempt,
            idempotency_key: execution.idempotency_key,
            test: execution.test,
        }
    }

    fn event(&self) -> String {
        context::get_event()
    }

    fn steps(&self) -> String {
        context::get_steps()
    }

    fn suspend(&self, options: SuspendOptions) -> Result<Links, Failure> {
        links(flow::suspend_with(&flow::SuspendOptions {
            timeout_ms: options.timeout_ms,
            on_timeout: options.on_timeout.map(|choice| match choice {
                OnTimeout::Resume => flow::OnTimeout::Resume,
                OnTimeout::Cancel => flow::OnTimeout::Cancel,
                OnTimeout::Fail => flow::OnTimeout::Fail,
            }),
            message: options.message,
            resume_schema: options.resume_schema.map(|schema| schema.to_string()),
        }))
    }

    fn rerun(
        &self,
        delay_ms: u64,
        context: Option<String>,
        max_retries: Option<u32>,
    ) -> Result<Links, Failure> {
        links(flow::rerun(delay_ms, context.as_deref(), max_retries))
    }

    fn delay(&self, delay_ms: u64) -> Result<Links, Failure> {
        links(flow::delay(delay_ms))
    }

    fn withdraw(&self) {
        flow::withdraw();
    }

    fn exit(&self, reason: Option<&str>) {
        flow::exit(reason);
    }

    fn export(&self, name: &str, value: &str) -> Result<(), Failure> {
        exports::set(name, value).map_err(|refusal| match refusal {
            exports::Error::InvalidName(words) => Failure::permanent("InvalidName", words),
            exports::Error::InvalidJson(words) => Failure::permanent("InvalidJson", words),
            exports::Error::TooLarge(words) => Failure::permanent("TooLarge", words),
        })
    }

    fn respond(&self, response: Response) -> Result<(), Failure> {
        use http_response::Error::{InvalidResponse, NobodyWaits};
        let Response { status, headers, body } = response;
        let response = http_response::Response { status, headers, body };
        http_response::respond(&response).map_err(|refusal| match refusal {
            NobodyWaits(words) => Failure::permanent("NobodyWaits", words),
            InvalidResponse(words) => Failure::permanent("InvalidResponse", words),
        })
    }

    fn email(&self, mail: Mail) -> Result<(), Failure> {
        let Mail { to, subject, text, html } = mail;
        send::email(&send::Mail { to, subject, text, html }).map_err(|refusal| match refusal {
            send::Error::NotAllowed(words) => Failure::permanent("NotAllowed", words),
            send::Error::InvalidArgument(words) => Failure::permanent("InvalidArgument", words),
            send::Error::Unavailable(words) => Failure::new("Unavailable", words),
        })
    }

    fn http(&self, request: &Sent) -> Result<Answer, String> {
        wire::exchange(request)
    }
}

fn links(answer: Result<flow::Links, flow::Error>) -> Result<Links, Failure> {
    let links = answer
        .map_err(|flow::Error::InvalidArgument(words)| Failure::new("InvalidArgument", words))?;
    Ok(Links {
        resume_url: links.resume_url,
        cancel_url: links.cancel_url,
        approval_url: links.approval_url,
        scheduled: links.scheduled,
    })
}
