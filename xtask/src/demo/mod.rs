//! One workflow from its upload to its end, on a server of its own: `cargo xtask demo`.
//!
//! Everything goes through the front doors, the binary's verbs and HTTP, and what comes back is
//! checked: the demo fails when the workflow does not get what its link was sent.

mod http;
mod mail;
mod server;
mod verbs;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::guests::{self, Guest};
use crate::program;
use crate::terminal::{Took, line, note};
use server::Server;
use verbs::{Verbs, told};

const EXAMPLE: &str = "approve-by-mail";

/// What may take this long is broken: each step of the demo takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Builds what is missing, then tells the story.
pub(crate) fn run(root: &Path) -> Result<()> {
    let started = Instant::now();
    let guests = guests::of_example(root, EXAMPLE)?;
    ensure!(!guests.is_empty(), "there is no step in examples/{EXAMPLE}");
    // The whole workspace, as the tests do: the same features, so nothing is compiled twice.
    program::run(program::cargo(root).args(["build", "--workspace"]))?;
    if !guests::build(root, &guests)? {
        note("nothing was left to set up");
    }
    note(&format!("ready after {}", Took::since(started)));

    let story = Instant::now();
    let home = root.join("target/demo");
    fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&home)?;
    let binary = binary()?;
    let mut server = Server::start(root, &binary, folder.path())?;
    let told = tell(root, &guests, &Verbs::new(&binary, &server), &mut server);
    if let Err(error) = told {
        let kept = folder.keep();
        return Err(error.context(format!(
            "the demo failed; its data and the server's log are in {}",
            kept.display()
        )));
    }
    line(&format!("\nAll as promised, in {}.", Took::since(story)));
    Ok(())
}

/// The binary that was built beside this program.
fn binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("waystation");
    ensure!(binary.is_file(), "{} is missing", binary.display());
    Ok(binary)
}

fn tell(root: &Path, guests: &[Guest], verbs: &Verbs, server: &mut Server) -> Result<()> {
    heading("1. Upload the component, deploy the workflow.");
    for guest in guests {
        let wasm = guest.wasm.strip_prefix(root).unwrap_or(&guest.wasm);
        verbs.tell_head(&["component", "push", &wasm.to_string_lossy()])?;
    }
    let file = format!("examples/{EXAMPLE}/workflow.yaml");
    verbs.tell(&["workflow", "deploy", &file])?;

    heading("2. Trigger it. It runs until it asks a person, and pauses.");
    let workflow = verbs.json(&["workflow", "deploy", &file])?;
    let name = workflow["name"].as_str().context("the deployed workflow has no name")?;
    let order = json!({"id": 1042, "total": 99.5});
    let triggered = post(&format!("{}/hooks/{name}", server.url()), &order, 202)?;
    let triggered: Value = serde_json::from_str(&triggered)?;
    let id = triggered["id"].as_str().context("the trigger's answer has no id")?;
    let paused = until(verbs, id, "suspended")?;
    verbs.tell(&["execution", "show", id])?;

    heading("3. The mail that the step sent. Without a mail server it is a file:");
    let waiting = &paused["waiting"];
    let resume_url = link(waiting, "resume_url")?;
    let (path, mail) = mail_in(&server.outbox(), id)?;
    line(&format!("   {}\n", path.strip_prefix(root).unwrap_or(&path).display()));
    told(&mail.text);
    let page = link(waiting, "approval_url")?;
    ensure!(mail.text.contains(page), "the mail does not hold the approval_url {page}");
    line(
        "\n   The link is a page for people, with two buttons. Programs have links that act at once:",
    );
    for name in ["resume_url", "cancel_url"] {
        line(&format!("   {}", link(waiting, name)?));
    }

    heading("4. Call the resume link, with data.");
    let sent = json!({"approved": true, "by": "Ada"});
    post(resume_url, &sent, 200)?;

    heading("5. The workflow goes on with what the link was sent.");
    let done = until(verbs, id, "completed")?;
    verbs.tell(&["execution", "show", id])?;
    let step = waiting["step"].as_str().context("the pause names no step")?;
    let got = &done["steps"][step]["exports"]["$resume_data"]["body"];
    ensure!(*got == sent, "steps.{step}.$resume_data.body is {got}; sent was {sent}");
    line(&format!("\n   steps.{step}.$resume_data.body is what was sent: {got}"));

    heading("6. Stop the server.");
    line(&format!("$ kill -TERM {}", server.pid()));
    let status = server.stop(PATIENCE)?;
    ensure!(status.success(), "the server ended with {status}");
    told("exit code 0");
    Ok(())
}

/// Sends a body, shows that, and gives the answer's body.
fn post(url: &str, body: &Value, wanted: u16) -> Result<String> {
    line(&format!("$ curl {url} \\\n    -H 'Content-Type: application/json' -d '{body}'"));
    let answer = http::post_json(url, body)?;
    told(&format!("HTTP {}\n{}", answer.status, answer.body));
    ensure!(answer.status == wanted, "{url} answered {}, not {wanted}", answer.status);
    Ok(answer.body)
}

fn heading(text: &str) {
    line(&format!("\n{text}\n"));
}

fn link<'a>(waiting: &'a Value, name: &str) -> Result<&'a str> {
    waiting[name].as_str().with_context(|| format!("the pause has no {name}: {waiting}"))
}

/// The execution, as soon as its status is `wanted`.
fn until(verbs: &Verbs, id: &str, wanted: &str) -> Result<Value> {
    eventually(&format!("the execution to be {wanted}"), || {
        let execution = verbs.json(&["execution", "show", id])?;
        let status = execution["status"].as_str().unwrap_or_default();
        match status {
            _ if status == wanted => Ok(Some(execution)),
            "queued" | "running" | "suspended" => Ok(None),
            _ => bail!("the execution is {status}, not {wanted}:\n{execution:#}"),
        }
    })
}

/// The mail of the execution.
fn mail_in(outbox: &Path, id: &str) -> Result<(PathBuf, mail::Message)> {
    eventually("the mail", || {
        for entry in fs::read_dir(outbox).with_context(|| outbox.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(id) && name.ends_with(".eml") {
                let message = mail::read(&fs::read(&path)?)?;
                return Ok(Some((path, message)));
            }
        }
        Ok(None)
    })
}

/// Looks until there is something to see.
fn eventually<T>(what: &str, look: impl Fn() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        thread::park_timeout(Duration::from_millis(50));
    }
    bail!("waited {} for {what}", Took(PATIENCE))
}
