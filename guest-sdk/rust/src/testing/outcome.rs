//! What the step said to the host.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Sent;
use crate::Failure;
use crate::flow::SuspendOptions;
use crate::http_response::Response;
use crate::send::Mail;

/// What became of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The handler's value, null when there is none; or why it failed.
    ///
    /// A real host drops what a failed step asked for, except its mails.
    pub result: Result<Value, Failure>,
    /// The flow call that stands; none after `withdraw` or a rerun past its limit.
    pub asked: Option<Asked>,
    /// What it exported, beside its return value.
    pub exports: BTreeMap<String, Value>,
    /// The mails it sent.
    pub mails: Vec<Mail>,
    /// Its answer to the trigger's HTTP caller.
    pub response: Option<Response>,
    /// The HTTP requests it made, those after redirects too.
    pub requests: Vec<Sent>,
}

impl Outcome {
    /// The handler's value; null when there is none.
    ///
    /// # Panics
    ///
    /// The handler failed.
    #[track_caller]
    pub fn returned(&self) -> Value {
        match &self.result {
            Ok(value) => value.clone(),
            Err(failure) => {
                let stack = failure.stack().unwrap_or_default();
                panic!("the handler failed with {}: {failure}\n{stack}", failure.name())
            }
        }
    }
}

/// What a step asked of the flow.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// By [`flow::suspend`](crate::flow::suspend) or [`flow::suspend_with`](crate::flow::suspend_with).
    Suspend(SuspendOptions),
    /// By [`flow::rerun`](crate::flow::rerun).
    Rerun {
        /// The delay.
        delay_ms: u64,
        /// For the next run; null when there is none.
        context: Value,
        /// The limit, if one was given.
        max_retries: Option<u32>,
    },
    /// By [`flow::delay`](crate::flow::delay).
    Delay {
        /// The delay.
        delay_ms: u64,
    },
    /// By [`flow::exit`](crate::flow::exit).
    Exit {
        /// Why.
        reason: Option<String>,
    },
}
