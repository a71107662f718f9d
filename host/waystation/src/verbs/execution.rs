//! `waystation execution …`.

use crate::args::ExecutionVerb;
use crate::client::{Server, pages};
use crate::failure::Done;
use crate::verbs::{event, segment, show, watch};
use crate::{output, table};

const PATH: &str = "/api/v1/executions";

pub(super) fn run(server: &Server, verb: ExecutionVerb, json: bool) -> Done {
    let path = |id: &str, rest: &str| Ok(format!("{PATH}/{}{rest}", segment(id)?));
    match verb {
        ExecutionVerb::Ls { workflow, status, limit, cursor } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("limit", &limit.to_string());
            for (name, value) in [("workflow", workflow), ("status", status), ("cursor", cursor)] {
                if let Some(value) = value {
                    query.append_pair(name, &value);
                }
            }
            list(server, &query.finish(), json)
        }
        ExecutionVerb::Show { id } => {
            let execution = server.get(&path(&id, "")?)?.body;
            print(&execution, json, show::execution);
            Ok(())
        }
        ExecutionVerb::Logs { id } => {
            let logs = pages::all(server, &path(&id, "/logs")?, None)?;
            print(&logs, json, |logs| show::logs(show::items(logs)));
            Ok(())
        }
        ExecutionVerb::History { id } => {
            let history = pages::all(server, &path(&id, "/history")?, None)?;
            print(&history, json, |history| {
                let rows = show::items(history).iter().map(show::history_line);
                table::table(&show::HISTORY, &rows.collect::<Vec<_>>())
            });
            Ok(())
        }
        ExecutionVerb::Watch { id } => watch::run(server, segment(&id)?, json),
        ExecutionVerb::Resume { id, data } => {
            let data = event::read(data.as_deref())?;
            answered(server, &path(&id, "/resume")?, &data, json)
        }
        ExecutionVerb::Cancel { id } => answered(server, &path(&id, "/cancel")?, "null", json),
    }
}

fn print(value: &serde_json::Value, json: bool, show: impl Fn(&serde_json::Value) -> String) {
    if json {
        output::json(value);
    } else {
        output::line(show(value));
    }
}

fn list(server: &Server, query: &str, json: bool) -> Done {
    let page = server.get(&format!("{PATH}?{query}"))?.body;
    let columns = [
        ("ID", "id"),
        ("WORKFLOW", "workflow"),
        ("VERSION", "workflow_version"),
        ("STATUS", "status"),
        ("TRIGGERED", "triggered_at"),
        ("FINISHED", "finished_at"),
    ];
    print(&page, json, |page| show::rows(show::items(page), &columns));
    if let (false, Some(cursor)) = (json, page["next_cursor"].as_str()) {
        output::note(format!("there are more: --cursor {cursor}"));
    }
    Ok(())
}

fn answered(server: &Server, path: &str, data: &str, json: bool) -> Done {
    let answer = server.post(path, &[], data)?.body;
    print(&answer, json, |answer| {
        let already = if answer["already"] == true { " before" } else { "" };
        format!("{}{already} at {}", show::word(answer, "outcome"), show::word(answer, "at"))
    });
    Ok(())
}
