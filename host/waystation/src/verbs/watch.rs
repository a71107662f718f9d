//! `waystation execution watch`: tells what happens as it happens.

use std::time::Duration;

use crate::client::{Server, pages};
use crate::failure::{Done, Failure};
use crate::verbs::show;
use crate::{output, progress, table};

/// Between two looks at an execution that is paused.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn run(server: &Server, id: &str, json: bool) -> Done {
    let spinner = progress::spinner("watching");
    let mut seen = 0_u64;
    let execution = loop {
        let path = format!("/api/v1/executions/{id}/history");
        let history = pages::all(server, &path, Some(&seen.to_string()))?;
        for entry in show::items(&history) {
            seen = entry["seq"].as_u64().unwrap_or(seen);
            let line = if json {
                output::compact(entry)
            } else {
                table::table(
                    &show::history_line(entry).iter().map(String::as_str).collect::<Vec<_>>(),
                    &[],
                )
            };
            spinner.suspend(|| output::line(line));
        }
        let execution = server.get(&format!("/api/v1/executions/{id}"))?.body;
        let status = show::text(&execution, "status");
        match status.as_str() {
            "completed" | "failed" | "canceled" => break execution,
            "suspended" => {
                let until = show::text(&execution["waiting"], "deadline");
                progress::say(&spinner, &format!("paused until {until}"));
            }
            _ => progress::say(&spinner, &status),
        }
        // A pause may last for days: no request is held for it.
        std::thread::park_timeout(PAUSE);
    };
    spinner.finish_and_clear();
    if json {
        output::json_line(&execution);
    } else {
        output::line(format!("\n{}", show::execution(&execution)));
    }
    if execution["status"] == "failed" {
        return Err(Failure::new("the execution failed"));
    }
    Ok(())
}
