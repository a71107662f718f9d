//! Lists that come a page at a time.

use serde_json::{Value, json};

use super::Server;
use crate::failure::Done;

/// Items of a page: as many as a server gives.
const LIMIT: u32 = 1000;

/// All items of the list at `path` that come after `cursor`, as the server's one page would have
/// them.
pub(crate) fn all(server: &Server, path: &str, cursor: Option<&str>) -> Done<Value> {
    let mut items = Vec::new();
    let mut cursor = cursor.map(str::to_owned);
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let mut page = server.get(&format!("{path}?limit={LIMIT}{after}"))?.body;
        if let Some(page) = page["items"].as_array_mut() {
            items.append(page);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(json!({"items": items, "next_cursor": null}));
        }
    }
}
