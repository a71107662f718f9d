//! `waystation test`.

use crate::client::Server;
use crate::failure::{Done, Failure};
use crate::verbs::{event, segment, show};
use crate::{output, progress};

pub(super) fn run(server: &Server, workflow: &str, data: Option<&str>, json: bool) -> Done {
    let event = event::read(data)?;
    let path = format!("/api/v1/workflows/{}/test", segment(workflow)?);
    let spinner = progress::spinner("the test is under way");
    let answer = server.post(&path, &[], &event);
    spinner.finish_and_clear();
    let report = answer?.body;
    if json {
        output::json(&report);
    } else {
        output::line(show::word(&report, "status"));
        for text in [report["message"].as_str().map(str::to_owned), show::error(&report["error"])] {
            output::line(text.unwrap_or_default());
        }
        output::line(show::steps(&report["steps"]));
        let logs = show::logs(report["logs"].as_array().map_or(&[], Vec::as_slice));
        if !logs.is_empty() {
            output::line(format!("\n{logs}"));
        }
    }
    if report["status"] == "failed" {
        return Err(Failure::new("the test failed"));
    }
    Ok(())
}
