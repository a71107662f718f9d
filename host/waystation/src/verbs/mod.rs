//! One file a verb.

mod backup;
mod build;
mod component;
mod doctor;
mod event;
mod execution;
mod inspect;
mod limits;
mod new;
mod secret;
mod show;
mod test;
mod token;
mod trigger;
mod watch;
mod workflow;

use crate::args::Verb;
use crate::client::Server;
use crate::failure::{Done, Failure};
use crate::{compiling, serve};

/// Does what was asked.
pub(crate) fn run(verb: Verb) -> Done {
    match verb {
        Verb::Serve(args) => serve::run(&args),
        Verb::Component { server, verb } => component::run(&server, verb),
        Verb::Workflow { server, verb } => workflow::run(&server, verb),
        Verb::Token { server, verb } => token::run(&Server::new(&server)?, verb, server.json),
        Verb::Secret { server, verb } => secret::run(&server, verb),
        Verb::Trigger { server, workflow, data, wait, idempotency_key } => {
            let request = trigger::Request { workflow, data, wait, idempotency_key };
            trigger::run(&Server::new(&server)?, &request, server.json)
        }
        Verb::Execution { server, verb } => {
            execution::run(&Server::new(&server)?, verb, server.json)
        }
        Verb::Test { server, workflow, data } => {
            test::run(&Server::new(&server)?, &workflow, data.as_deref(), server.json)
        }
        Verb::New { lang, name, json } => new::run(lang, &name, json),
        Verb::Build { path, output, json } => build::run(&path, output.as_deref(), json),
        Verb::Doctor { server } => doctor::run(&server),
        Verb::Limits { server } => limits::run(&Server::new(&server)?, server.json),
        Verb::CompileComponent(args) => compiling::run(&args),
        Verb::Backup { server, file, with_keys } => {
            backup::backup(&Server::new(&server)?, &file, with_keys, server.json)
        }
        Verb::Restore { file, data, json } => backup::restore(&file, &data, json),
    }
}

/// `text` as a part of a path.
fn segment(text: &str) -> Done<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text);
    }
    Err(Failure::usage(format!("{text:?} is no name and no id")))
}
