//! `waystation workflow …`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::args::WorkflowVerb;
use crate::client::{Server, ServerArgs};
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::{fields, table};
use crate::verbs::{segment, show};

const PATH: &str = "/api/v1/workflows";

pub(super) fn run(args: &ServerArgs, verb: WorkflowVerb) -> Done {
    let server = &Server::new(args)?;
    match verb {
        WorkflowVerb::Deploy { file, accept } => deploy(server, &file, accept, args.json),
        WorkflowVerb::Ls => list(server, args.json),
        WorkflowVerb::Show { name } => show_one(server, &name, args.json),
        WorkflowVerb::Rm { name } => remove(server, &name, args.json),
    }
}

fn deploy(server: &Server, file: &Path, accept: bool, json: bool) -> Done {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let name = name_in(&text).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let name = name.ok_or_else(|| {
        Failure::new(format!("{shown}: there is no name in it"))
            .hint("a workflow file begins with `name: …` and is YAML or JSON")
    })?;
    let kind = match file.extension().and_then(|ending| ending.to_str()) {
        Some("json") => "application/json",
        _ => "application/yaml",
    };
    let length = text.len() as u64;
    let query = if accept { "?accept=true" } else { "" };
    let path = format!("{PATH}/{}{query}", segment(&name)?);
    let answer = server.put(&path, kind, length, &mut text.as_bytes()).map_err(|failure| {
        let told = Failure::new(format!("{shown}: {failure}"));
        if failure.code == "needs_acceptance" {
            told.hint("--accept, if that is meant")
        } else {
            told
        }
    })?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let what = if answer.status == 201 { "deployed" } else { "unchanged:" };
    output::line(format!("{what} {name}, version {}", show::word(&answer.body, "version")));
    output::line(may(&answer.body));
    Ok(())
}

/// What a workflow and its steps may do, a line for each thing.
fn may(workflow: &Value) -> String {
    let steps = workflow["steps"].as_array().into_iter().flatten();
    let whole = ("it may".to_owned(), &workflow["may"]);
    let steps = steps.map(|step| (format!("{} may", show::word(step, "name")), &step["may"]));
    let mut lines = Vec::new();
    for (who, may) in std::iter::once(whole).chain(steps) {
        for sentence in may.as_array().into_iter().flatten() {
            lines.push(format!(
                "  {who} {}",
                output::one_line(sentence.as_str().unwrap_or_default())
            ));
        }
    }
    lines.join("\n")
}

/// The name that a workflow file gives itself. The server reads the rest. An error is in the
/// file's syntax.
fn name_in(text: &str) -> Result<Option<String>, String> {
    #[derive(Deserialize)]
    struct Named {
        name: Option<String>,
    }
    let named = serde_saphyr::from_str::<Named>(text);
    // The first line says it; the others draw the place.
    named
        .map(|named| named.name)
        .map_err(|error| error.to_string().lines().next().unwrap_or("not YAML").to_owned())
}

fn list(server: &Server, json: bool) -> Done {
    let answer = server.get(PATH)?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = show::items(&answer.body)
        .iter()
        .map(|workflow| {
            let steps = workflow["steps"].as_array().into_iter().flatten();
            let steps: Vec<String> = steps.map(|step| show::text(step, "name")).collect();
            vec![
                show::text(workflow, "name"),
                show::text(workflow, "version"),
                show::text(workflow, "deployed_at"),
                steps.join(", "),
            ]
        })
        .collect();
    output::line(table(&["NAME", "VERSION", "DEPLOYED", "STEPS"], &rows));
    Ok(())
}

fn show_one(server: &Server, name: &str, json: bool) -> Done {
    let workflow = server.get(&format!("{PATH}/{}", segment(name)?))?.body;
    if json {
        output::json(&workflow);
        return Ok(());
    }
    output::line(fields(&[
        ("name", show::text(&workflow, "name")),
        ("version", show::text(&workflow, "version")),
        ("deployed", show::text(&workflow, "deployed_at")),
        ("description", show::text(&workflow["definition"], "description")),
    ]));
    let steps = workflow["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let columns = [("STEP", "name"), ("COMPONENT", "component"), ("DIGEST", "digest")];
    output::line(format!("\n{}", show::rows(steps, &columns)));
    output::line(format!("\n{}", may(&workflow)));
    output::line(format!("\n{}", output::pretty(&workflow["definition"])));
    Ok(())
}

fn remove(server: &Server, name: &str, json: bool) -> Done {
    let answer = server.delete(&format!("{PATH}/{}", segment(name)?))?;
    if json {
        output::json(&answer.body);
    } else {
        output::line(format!("removed {name}; executions under way go on"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_done_is_told_step_by_step() {
        let workflow = serde_json::json!({"may": ["be started"], "steps": [
            {"name": "a", "may": ["send mail", "call https://h"]}, {"name": "b", "may": []},
        ]});
        let told = "  it may be started\n  a may send mail\n  a may call https://h";
        assert_eq!(may(&workflow), told);
    }

    #[test]
    fn a_file_says_its_name() {
        assert_eq!(name_in("name: w\nsteps: []\n"), Ok(Some("w".into())));
        assert_eq!(name_in("{\"steps\": [], \"name\": \"w\"}"), Ok(Some("w".into())));
        assert_eq!(name_in("steps: []"), Ok(None));
        assert!(name_in("name: w\n  steps: [\n").unwrap_err().contains("line"));
        assert!(name_in("]").is_err());
    }
}
