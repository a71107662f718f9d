//! Who may use which route.

use serde_json::json;
use waystation_http::{GetLink, api_routes};

use crate::support::Door;

#[tokio::test]
async fn the_api_wants_the_token() {
    let door = Door::open(GetLink::Act).await;
    let answer = door.call("GET", "/api/v1/workflows", &[], "").await;
    answer.problem(401, "unauthorized");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    let wrong = [("authorization", "Bearer secrets")];
    door.call("GET", "/api/v1/nothing", &wrong, "").await.problem(401, "unauthorized");
    assert_eq!(door.api("GET", "/workflows", "").await.json(), json!({"items": []}));
}

#[tokio::test]
async fn each_route_asks_for_its_scope_and_for_no_other() {
    // What each route of the API asks for. A new one has to be written down here, too.
    let expected = [
        "GET /components read",
        "GET /components/{name} read",
        "PUT /components/{name} deploy",
        "DELETE /components/{name} deploy",
        "GET /workflows read",
        "GET /workflows/{name} read",
        "PUT /workflows/{name} deploy",
        "DELETE /workflows/{name} deploy",
        "GET /workflows/{name}/versions read",
        "POST /workflows/{name}/executions operate",
        "POST /workflows/{name}/test operate",
        "GET /executions read",
        "GET /executions/{id} read",
        "GET /executions/{id}/history read",
        "GET /executions/{id}/logs read",
        "POST /executions/{id}/resume operate",
        "POST /executions/{id}/cancel operate",
        "GET /limits read",
        "GET /secrets admin",
        "PUT /secrets/{name} admin",
        "DELETE /secrets/{name} admin",
        "POST /tokens admin",
        "GET /tokens admin",
        "DELETE /tokens/{id} admin",
        "GET /check admin",
        "GET /backup admin",
    ];
    let routes = api_routes();
    let listed: Vec<String> = routes
        .iter()
        .map(|route| format!("{} {} {}", route.method, route.path, route.scope))
        .collect();
    assert_eq!(listed, expected);

    let door = Door::open(GetLink::Act).await;
    for scope in ["read", "operate", "deploy", "admin"] {
        let (_, token) = door.token(&[scope]).await;
        let bearer = format!("Bearer {token}");
        for (route, line) in routes.iter().zip(expected) {
            let asked = line.rsplit(' ').next().unwrap();
            let path = route.path.replace("{name}", "x").replace("{id}", "x");
            let path = format!("/api/v1{path}");
            let headers = [("authorization", bearer.as_str())];
            let answer = door.call(route.method.as_str(), &path, &headers, "").await;
            let allowed = scope == "admin" || asked == "read" || asked == scope;
            assert_eq!(answer.status != 403, allowed, "{scope} at {line}: {}", answer.text);
            if allowed {
                assert!(answer.status != 401 && answer.status != 405, "{scope} at {line}");
            } else {
                let problem = answer.problem(403, "forbidden");
                assert_eq!(problem["scope"], asked, "{scope} at {line}");
            }
            let nobody = door.call(route.method.as_str(), &path, &[], "").await;
            nobody.problem(401, "unauthorized");
        }
    }
}

#[tokio::test]
async fn a_token_has_all_its_scopes_until_it_is_revoked_or_its_time_is_over() {
    let door = Door::open(GetLink::Act).await;
    let (id, token) = door.token(&["operate", "deploy"]).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let call = async |method: &str, path: &str| {
        door.call(method, &format!("/api/v1{path}"), &headers, "").await.status.as_u16()
    };
    assert_eq!(call("DELETE", "/components/x").await, 404);
    assert_eq!(call("POST", "/executions/x/cancel").await, 404);
    assert_eq!(call("GET", "/tokens").await, 403);
    let listed = door.api("GET", "/tokens", "").await;
    assert!(!listed.text.contains(&token[20..]), "{}", listed.text);
    assert_eq!(listed.header("cache-control"), "no-store");
    let listed = listed.json()["items"][0].clone();
    assert_eq!((&listed["id"], &listed["name"]), (&json!(id), &json!("of-the-test")));
    assert_eq!(listed["scopes"], json!(["operate", "deploy"]));
    assert_eq!(listed["last_used_at"], "2026-01-31T12:00:00.000Z");
    assert_eq!(door.api("DELETE", &format!("/tokens/{id}"), "").await.status, 204);
    assert_eq!(call("GET", "/workflows").await, 401);
    door.api("DELETE", &format!("/tokens/{id}"), "").await.problem(404, "unknown_token");
    door.api("DELETE", "/tokens/x", "").await.problem(404, "unknown_token");

    let wish = json!({"name": "short", "scopes": ["read"], "expires_days": 1}).to_string();
    let made = door.api("POST", "/tokens", &wish).await.json();
    assert_eq!(made["expires_at"], "2026-02-01T12:00:00.000Z");
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(door.call("GET", "/api/v1/workflows", &headers, "").await.status, 200);
    door.clock.advance_millis(86_400_000);
    let late = door.call("GET", "/api/v1/workflows", &headers, "").await;
    late.problem(401, "unauthorized");
    let wrong = door.api("POST", "/tokens", "{\"name\": \"a\", \"scopes\": []}").await;
    assert_eq!(wrong.problem(400, "invalid_parameter")["parameter"], "scopes");
}

#[tokio::test]
async fn one_who_guesses_tokens_is_not_heard_for_a_while() {
    let door = Door::open(GetLink::Act).await;
    let (here, there) = ("2001:db8::1", "2001:db8:0:1::1");
    let right = [("authorization", "Bearer secret")];
    let wrong = [("authorization", "Bearer guess")];
    let path = "/api/v1/workflows";
    for _ in 0..5 {
        door.call_from(here, "GET", path, &[]).await.problem(401, "unauthorized");
        assert_eq!(door.call_from(here, "GET", path, &right).await.status, 200);
    }
    for _ in 0..2 {
        door.call_from(here, "GET", path, &wrong).await.problem(401, "unauthorized");
    }
    // Neither a wrong one nor the right one, from all of the network; and others are not concerned.
    for headers in [wrong, right] {
        let neighbour = "2001:db8::ffff";
        let refused = door.call_from(neighbour, "GET", path, &headers).await;
        assert_eq!(refused.problem(429, "rate_limited")["retry_after_s"], 30);
    }
    assert_eq!(door.call_from(there, "GET", path, &right).await.status, 200);
    door.clock.advance_millis(30_000);
    assert_eq!(door.call_from(here, "GET", path, &right).await.status, 200);
}

#[tokio::test]
async fn who_may_only_look_does_not_get_the_links_that_act() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let path = format!("/api/v1/executions/{}", execution["id"].as_str().unwrap());
    for (scope, acts) in [("read", false), ("deploy", false), ("operate", true), ("admin", true)] {
        let (_, token) = door.token(&[scope]).await;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let one = door.call("GET", &path, &headers, "").await.json();
        let all = door.call("GET", "/api/v1/executions", &headers, "").await.json();
        for waiting in [&one["waiting"], &all["items"][0]["waiting"]] {
            assert_eq!(waiting["kind"], "suspend", "{scope}");
            for link in ["resume_url", "cancel_url", "approval_url"] {
                assert_eq!(waiting[link].is_string(), acts, "{scope}: {link}");
            }
        }
    }
}
