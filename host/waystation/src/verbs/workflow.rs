//! `waystation workflow …`.

use std::path::Path;

use serde::Deserialize;

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
        WorkflowVerb::Deploy { file } => deploy(server, &file, args.json),
        WorkflowVerb::Ls => list(server, args.json),
        WorkflowVerb::Show { name } => show_one(server, &name, args.json),
        WorkflowVerb::Rm { name } => remove(server, &name, args.json),
    }
}

fn deploy(server: &Server, file: &Path, json: bool) -> Done {
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
    let path = format!("{PATH}/{}", segment(&name)?);
    let answer = server
        .put(&path, kind, length, &mut text.as_bytes())
        .map_err(|failure| Failure::new(format!("{shown}: {failure}")))?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let what = if answer.status == 201 { "deployed" } else { "unchanged:" };
    output::line(format!("{what} {name}, version {}", show::text(&answer.body, "version")));
    Ok(())
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
    fn a_file_says_its_name() {
        assert_eq!(name_in("name: w\nsteps: []\n"), Ok(Some("w".into())));
        assert_eq!(name_in("{\"steps\": [], \"name\": \"w\"}"), Ok(Some("w".into())));
        assert_eq!(name_in("steps: []"), Ok(None));
        assert!(name_in("name: w\n  steps: [\n").unwrap_err().contains("line"));
        assert!(name_in("]").is_err());
    }
}
