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
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &LIMIT.to_string());
        query.extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
        let mut page = server.get(&format!("{path}?{}", query.finish()))?.body;
        if let Some(page) = page["items"].as_array_mut() {
            items.append(page);
        }
        let next = page["next_cursor"].as_str().map(str::to_owned);
        // A page that leads to itself is the last one.
        let is_last = next.is_none() || next == cursor;
        cursor = next;
        if is_last {
            return Ok(json!({"items": items, "next_cursor": null}));
        }
    }
}
