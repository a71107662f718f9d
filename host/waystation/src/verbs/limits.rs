//! `waystation limits`: how much there may be of everything, as the server has it.

use serde_json::Value;

use crate::client::Server;
use crate::failure::Done;
use crate::{output, table};

pub(super) fn run(server: &Server, json: bool) -> Done {
    let answer = server.get("/api/v1/limits")?.body;
    if json {
        output::json(&answer);
        return Ok(());
    }
    let mut rows = Vec::new();
    for (part, set_by) in [("limits", "[limits]"), ("fixed", "fixed")] {
        for (name, value) in answer[part].as_object().into_iter().flatten() {
            rows.push(vec![name.clone(), shown(value), meaning(name, value), set_by.to_owned()]);
        }
    }
    output::line(table::table(&["LIMIT", "VALUE", "", "SET BY"], &rows));
    Ok(())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Bytes in a unit that people read.
fn meaning(name: &str, value: &Value) -> String {
    match value.as_u64() {
        Some(bytes) if name.ends_with("_bytes_max") => table::size(bytes),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(meaning("payload_bytes_max", &524_288.into()), "512.0 KiB");
        assert_eq!(meaning("steps_max", &100.into()), "");
    }
}
