//! The conformance programs: what each does is in `../../README.md`.

mod approval;
mod callback;
mod delay;
mod denied;
mod echo;
mod error;
mod exit;
mod export;
mod get;
mod invalid_argument;
mod log;
mod mail;
mod max_retries;
mod post;
mod rerun;
mod respond;
mod suspend;
mod timeout;
mod view;
mod withdraw;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use waystation_step::Error;

#[waystation_step::handler]
fn handler(props: Value) -> Result<Value, Error> {
    let program = props["program"].as_str().unwrap_or_default();
    match program {
        "suspend" => suspend::run(),
        "timeout" => timeout::run(read(&props)?),
        "approval" => approval::run(read(&props)?),
        "rerun" => rerun::run(read(&props)?),
        "callback" => callback::run(),
        "max_retries" => max_retries::run(),
        "withdraw" => withdraw::run(),
        "exit" => exit::run(read(&props)?),
        "delay" => delay::run(read(&props)?),
        "export" => export::run(),
        "invalid_argument" => invalid_argument::run(),
        "respond" => respond::run(),
        "mail" => mail::run(read(&props)?),
        "error" => error::run(read(&props)?),
        "echo" => echo::run(read(&props)?),
        "log" => log::run(read(&props)?),
        "get" => get::run(read(&props)?),
        "post" => post::run(read(&props)?),
        "denied" => denied::run(read(&props)?),
        "view" => view::run(props),
        _ => Err(Error::new(format!("there is no program {program:?}")).permanent()),
    }
}

/// The props of one program.
fn read<T: DeserializeOwned>(props: &Value) -> Result<T, Error> {
    Ok(T::deserialize(props)?)
}

/// Props of the programs that wait.
#[derive(Deserialize)]
struct Milliseconds {
    ms: u64,
}

/// Props of the programs that call out.
#[derive(Deserialize)]
struct Url {
    url: String,
}

/// What a program returns that has caught `failure`.
fn refused(failure: &impl ToString) -> Value {
    json!({"refused": failure.to_string()})
}

/// The failure of a call that ought to be refused.
fn not_refused(call: &str) -> Error {
    Error::new(format!("{call} was not refused"))
}
