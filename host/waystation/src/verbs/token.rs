//! `waystation token …`.

use serde_json::json;

use crate::args::TokenVerb;
use crate::client::Server;
use crate::failure::Done;
use crate::output;
use crate::table::table;
use crate::verbs::{segment, show};

const PATH: &str = "/api/v1/tokens";

pub(super) fn run(server: &Server, verb: TokenVerb, json: bool) -> Done {
    match verb {
        TokenVerb::Create { name, scopes, expires_days } => {
            let scopes: Vec<&str> = scopes.into_iter().map(|scope| scope.as_str()).collect();
            let wish = json!({"name": name, "scopes": scopes, "expires_days": expires_days});
            create(server, &wish.to_string(), json)
        }
        TokenVerb::Ls => list(server, json),
        TokenVerb::Revoke { id } => revoke(server, &id, json),
    }
}

fn create(server: &Server, wish: &str, json: bool) -> Done {
    let made = server.post(PATH, &[], wish)?.body;
    if json {
        output::json(&made);
        return Ok(());
    }
    // The token alone on stdout, so that a script can take it from there.
    output::line(show::word(&made, "token"));
    let until = match made["expires_at"].as_str() {
        Some(at) => format!("until {at}"),
        None => "until it is revoked".to_owned(),
    };
    let id = show::word(&made, "id");
    output::note(format!("token {id}, good {until}; it is not shown again"));
    Ok(())
}

fn list(server: &Server, json: bool) -> Done {
    let tokens = server.get(PATH)?.body;
    if json {
        output::json(&tokens);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = show::items(&tokens)
        .iter()
        .map(|token| {
            let scopes = token["scopes"].as_array().into_iter().flatten();
            let scopes: Vec<&str> = scopes.filter_map(|scope| scope.as_str()).collect();
            let text = |name| show::text(token, name);
            let (created, expires) = (text("created_at"), text("expires_at"));
            vec![text("id"), text("name"), scopes.join(","), created, expires, text("last_used_at")]
        })
        .collect();
    output::line(table(&["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"], &rows));
    Ok(())
}

fn revoke(server: &Server, id: &str, json: bool) -> Done {
    let answer = server.delete(&format!("{PATH}/{}", segment(id)?))?;
    if json {
        output::json(&answer.body);
    } else {
        output::line(format!("revoked {id}"));
    }
    Ok(())
}
