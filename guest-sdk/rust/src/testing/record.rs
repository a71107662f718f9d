//! The fake host while a handler runs.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::{Asked, FakeHost, Outcome, Sent, rules};
use crate::Failure;
use crate::context::Execution;
use crate::flow::{Links, SuspendOptions};
use crate::host::{Answer, Host, Run};
use crate::http_response::Response;
use crate::send::Mail;

/// The default of `rerun`'s `max_retries`.
const MAX_RETRIES_DEFAULT: u32 = 10;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Record>>> = const { RefCell::new(None) };
}

/// The host of the handler that runs in this thread.
///
/// # Panics
///
/// None runs.
pub(crate) fn current() -> Rc<Record> {
    let current = CURRENT.with_borrow(Clone::clone);
    current.unwrap_or_else(|| {
        panic!(
            "this step has no host: in a test, call its handler by \
             `waystation_step::testing::FakeHost::new().call(handler)`"
        )
    })
}

/// Calls `handler` with `host` as its host.
pub(super) fn during(
    host: FakeHost,
    handler: impl FnOnce() -> Result<Option<String>, Failure>,
) -> Outcome {
    let record = Rc::new(Record { host, said: RefCell::default() });
    let outer = Outer(CURRENT.replace(Some(Rc::clone(&record))));
    let result = handler();
    drop(outer);
    let said = record.said.take();
    Outcome {
        result: result.map(|value| value.as_deref().map_or(Value::Null, read)),
        asked: said.exit.or(said.pause),
        exports: said.exports.into_iter().collect(),
        mails: said.mails,
        response: said.response,
        requests: said.requests,
    }
}

/// Puts the host of an outer call back, also after a panic.
struct Outer(Option<Rc<Record>>);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A host, and what it was told.
pub(crate) struct Record {
    host: FakeHost,
    said: RefCell<Said>,
}

#[derive(Default)]
struct Said {
    pause: Option<Asked>,
    exit: Option<Asked>,
    exports: Vec<(String, Value)>,
    mails: Vec<Mail>,
    response: Option<Response>,
    requests: Vec<Sent>,
}

impl Host for Rc<Record> {
    fn run(&self) -> Run {
        Run {
            runs: self.host.runs,
            context: self.host.context.as_ref().map(Value::to_string),
            callback_request: self.host.callback_request.as_ref().map(Value::to_string),
        }
    }

    fn execution(&self) -> Execution {
        self.host.execution.clone()
    }

    fn event(&self) -> String {
        self.host.event.to_string()
    }

    fn steps(&self) -> String {
        self.host.steps.to_string()
    }

    fn suspend(&self, options: SuspendOptions) -> Result<Links, Failure> {
        options.timeout_ms.map_or(Ok(()), |ms| rules::wait("timeout-ms", ms))?;
        self.said.borrow_mut().pause = Some(Asked::Suspend(options));
        Ok(links(true))
    }

    fn rerun(
        &self,
        delay_ms: u64,
        context: Option<String>,
        max_retries: Option<u32>,
    ) -> Result<Links, Failure> {
        rules::wait("delay-ms", delay_ms)?;
        // The first run is no rerun: run n has n - 1 behind it, and would make the nth.
        let scheduled = self.host.runs <= max_retries.unwrap_or(MAX_RETRIES_DEFAULT);
        let context = context.as_deref().map_or(Value::Null, read);
        let asked = Asked::Rerun { delay_ms, context, max_retries };
        self.said.borrow_mut().pause = scheduled.then_some(asked);
        Ok(links(scheduled))
    }

    fn delay(&self, delay_ms: u64) -> Result<Links, Failure> {
        rules::wait("delay-ms", delay_ms)?;
        self.said.borrow_mut().pause = Some(Asked::Delay { delay_ms });
        Ok(links(true))
    }

    fn withdraw(&self) {
        let mut said = self.said.borrow_mut();
        said.pause = None;
        said.exit = None;
    }

    fn exit(&self, reason: Option<&str>) {
        let reason = reason.map(str::to_owned);
        self.said.borrow_mut().exit = Some(Asked::Exit { reason });
    }

    fn export(&self, name: &str, value: &str) -> Result<(), Failure> {
        let value = read(value);
        rules::export(name, &value)?;
        self.said.borrow_mut().exports.push((name.into(), value));
        Ok(())
    }

    fn respond(&self, response: Response) -> Result<(), Failure> {
        rules::response(&response)?;
        let mut said = self.said.borrow_mut();
        if said.response.is_some() {
            let words = "the HTTP caller was answered already, or has left";
            return Err(Failure::permanent("NobodyWaits", words));
        }
        said.response = Some(response);
        Ok(())
    }

    fn email(&self, mail: Mail) -> Result<(), Failure> {
        self.said.borrow_mut().mails.push(mail);
        Ok(())
    }

    fn http(&self, request: &Sent) -> Result<Answer, String> {
        self.said.borrow_mut().requests.push(request.clone());
        let Some(server) = &self.host.server else {
            return Err("the fake host answers no request: give it one that does by \
                        `FakeHost::http`"
                .into());
        };
        server(request).into_answer()
    }
}

/// JSON that the library has written itself.
fn read(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn links(scheduled: bool) -> Links {
    let link = |verb: &str| format!("http://localhost/{verb}/token");
    Links {
        resume_url: link("resume"),
        cancel_url: link("cancel"),
        approval_url: link("approve"),
        scheduled,
    }
}
