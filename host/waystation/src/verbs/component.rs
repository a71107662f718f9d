//! `waystation component …`.

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use crate::args::ComponentVerb;
use crate::client::{Server, ServerArgs};
use crate::failure::{Done, Failure};
use crate::table::{fields, size};
use crate::verbs::{inspect, segment, show};
use crate::{output, progress, table};

const PATH: &str = "/api/v1/components";

pub(super) fn run(args: &ServerArgs, verb: ComponentVerb) -> Done {
    let json = args.json;
    match verb {
        ComponentVerb::Push { file, name } => {
            push(&Server::new(args)?, &file, name.as_deref(), json)
        }
        ComponentVerb::Ls => list(&Server::new(args)?, json),
        ComponentVerb::Show { name } => show_one(&Server::new(args)?, &name, json),
        ComponentVerb::Rm { name } => remove(&Server::new(args)?, &name, json),
        ComponentVerb::Inspect { file } => inspect::run(&file, json),
    }
}

fn push(server: &Server, file: &Path, name: Option<&str>, json: bool) -> Done {
    let name = match name {
        Some(name) => name.to_owned(),
        None => name_of(file)?,
    };
    let failed = |error| Failure::new(format!("{}: {error}", file.display()));
    let bytes = File::open(file).map_err(failed)?;
    let metadata = bytes.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::new(format!("{}: a folder, and no component", file.display())));
    }
    let length = metadata.len();
    let bar = progress::bytes("uploading", length);
    let mut reader = bar.wrap_read(bytes);
    let path = format!("{PATH}/{}", segment(&name)?);
    let before = server.get(&path).map(|answer| answer.body).unwrap_or_default();
    let answer = server.put(&path, "application/wasm", length, &mut reader);
    bar.finish_and_clear();
    let answer = answer?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let what = if answer.status == 201 { "uploaded" } else { "unchanged:" };
    let digest = show::word(&answer.body, "digest");
    output::line(format!("{what} {name} {digest} ({})", size(length)));
    for line in abilities(&answer.body, &before) {
        output::line(line);
    }
    Ok(())
}

/// What the component can do, with a mark at what it could not before.
fn abilities(now: &Value, before: &Value) -> Vec<String> {
    let known = before["abilities"].as_array();
    let is_new = |ability: &Value| known.is_some_and(|known| !known.contains(ability));
    let line = |ability: &Value| {
        let mark = if is_new(ability) { "new: " } else { "" };
        format!("  {mark}{}", output::one_line(ability.as_str().unwrap_or_default()))
    };
    now["abilities"].as_array().into_iter().flatten().map(line).collect()
}

/// A component's name after its file: `Approve_Order.wasm` becomes `approve-order`.
fn name_of(file: &Path) -> Done<String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = stem.to_ascii_lowercase().replace(['_', '.', ' '], "-");
    let fits = !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits {
        Ok(name)
    } else {
        Err(Failure::usage("the file's name is no component name").hint("--name NAME"))
    }
}

fn list(server: &Server, json: bool) -> Done {
    let answer = server.get(PATH)?;
    if json {
        output::json(&answer.body);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = show::items(&answer.body)
        .iter()
        .map(|component| {
            vec![
                show::text(component, "name"),
                show::text(component, "digest").chars().take(19).collect(),
                size(component["size"].as_u64().unwrap_or(0)),
                show::text(component, "uploaded_at"),
            ]
        })
        .collect();
    output::line(table::table(&["NAME", "DIGEST", "SIZE", "UPLOADED"], &rows));
    Ok(())
}

fn show_one(server: &Server, name: &str, json: bool) -> Done {
    let answer = server.get(&format!("{PATH}/{}", segment(name)?))?;
    if json {
        output::json(&answer.body);
    } else {
        output::line(describe(&answer.body));
    }
    Ok(())
}

/// A component for people.
fn describe(component: &Value) -> String {
    let lines = |name: &str| {
        let texts = component[name].as_array().into_iter().flatten();
        texts.filter_map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
    };
    let mut rows = Vec::new();
    if !component["name"].is_null() {
        rows.push(("name", show::text(component, "name")));
    }
    rows.push(("digest", show::text(component, "digest")));
    rows.push(("size", size(component["size"].as_u64().unwrap_or(0))));
    if !component["uploaded_at"].is_null() {
        rows.push(("uploaded", show::text(component, "uploaded_at")));
    }
    rows.push(("can", lines("abilities")));
    rows.push(("exports", lines("exports")));
    rows.push(("imports", lines("imports")));
    fields(&rows)
}

fn remove(server: &Server, name: &str, json: bool) -> Done {
    let answer = server.delete(&format!("{PATH}/{}", segment(name)?))?;
    if json {
        output::json(&answer.body);
    } else {
        output::line(format!("removed {name}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_component_could_not_do_before_is_marked() {
        let (now, before) = (json!({"abilities": ["a", "b"]}), json!({"abilities": ["b", "c"]}));
        assert_eq!(abilities(&now, &before), ["  new: a", "  b"]);
        assert_eq!(abilities(&now, &Value::Null), ["  a", "  b"], "there was none before");
    }

    #[test]
    fn names_come_from_files() {
        assert_eq!(name_of(Path::new("a/Approve_Order.wasm")).unwrap(), "approve-order");
        assert_eq!(name_of(Path::new("é.wasm")).unwrap_err().exit, 2);
    }
}
