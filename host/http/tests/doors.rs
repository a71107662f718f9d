//! The routes over a real engine, with a store in memory and steps that are told what to do.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use waystation_core::{
    Clock, Digest, Failure, FailureKind, Flow, HttpResponse, Limits, LinkKeys, ManualClock,
    OnTimeout, RunOutcome, RunReport, RunRequest, StepRunner, Timestamp,
};
use waystation_engine::{
    Admitted, ComponentGate, Engine, EngineParts, EngineSettings, GateError, MailSettings,
    RefusedComponent, SecretKeys,
};
use waystation_http::{
    App, BackupStream, Bytes, GetLink, HttpSettings, Maintenance, RootToken, StoreCheck, Tokens,
    api_routes, router,
};
use waystation_store::{MemoryStore, StoreError};

/// Does what the step's props say.
#[derive(Default)]
struct Obedient {
    /// Its check of the store panics.
    breaks_down: bool,
}

#[async_trait]
impl StepRunner for Obedient {
    async fn run(&self, request: RunRequest) -> RunReport {
        let props = request.props.to_value();
        let mut flow = Flow::Continue;
        match props["do"].as_str() {
            Some("suspend") => {
                let message = props["message"].as_str().map(str::to_owned);
                let (timeout_ms, on_timeout) = (60_000, OnTimeout::Resume);
                flow = Flow::Suspend { timeout_ms, on_timeout, message, resume_schema: None };
            }
            Some("fail") => {
                let failure = Failure::new(FailureKind::GuestError, "Error", "as told");
                return report(RunOutcome::Failed(failure));
            }
            Some("respond") => {
                if let Some(responder) = &request.responder {
                    let headers = [("x-step", "1"), ("content-type", "text/html")];
                    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
                    responder.respond(HttpResponse { status: 201, headers, body: b"hi".to_vec() });
                }
            }
            _ => {}
        }
        report(RunOutcome::Returned { result: Some(request.event), exports: vec![], flow })
    }
}

fn report(outcome: RunOutcome) -> RunReport {
    RunReport { outcome, logs: vec![], mails: vec![], compute_ms: 1 }
}

#[async_trait]
impl ComponentGate for Obedient {
    async fn admit(&self, bytes: Bytes) -> Result<Admitted, GateError> {
        if bytes.starts_with(b"good") {
            return Ok(Admitted {
                digest: Digest::of(&bytes),
                imports: vec![],
                exports: vec!["handler".into()],
                abilities: vec![],
            });
        }
        let (code, message) = ("core_module".into(), "this is a core module".into());
        Err(RefusedComponent { code, message, too_large: false }.into())
    }
}

#[async_trait]
impl Maintenance for Obedient {
    async fn check(&self) -> Result<StoreCheck, StoreError> {
        assert!(!self.breaks_down, "an inside that is nobody's business");
        Ok(StoreCheck { executions: 2, entries: 30, problems: vec!["an orphan".into()] })
    }

    async fn backup(&self, keys: bool) -> Result<BackupStream, StoreError> {
        if keys {
            return Err(StoreError::Busy);
        }
        let pieces = [Bytes::from_static(b"a back"), Bytes::from_static(b"up")];
        Ok(futures_util::stream::iter(pieces.map(Ok)).boxed())
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert_eq!(body["status"], status);
        body
    }
}

struct Door {
    router: Router,
    clock: Arc<ManualClock>,
}

/// Limits under which a few requests show what many would do.
fn limits() -> Limits {
    Limits {
        body_bytes_max: 2_000,
        component_bytes_max: 1_000,
        url_bytes_max: 1_000,
        hooks_per_minute: 3,
        links_per_minute: 2,
        wrong_tokens_per_minute: 2,
        ..Limits::default()
    }
}

impl Door {
    async fn open(get_link: GetLink) -> Door {
        Door::open_with(HttpSettings { get_link, ..HttpSettings::default() }).await
    }

    async fn open_with(settings: HttpSettings) -> Door {
        Door::open_over(Obedient::default(), settings).await
    }

    async fn open_over(maintenance: Obedient, settings: HttpSettings) -> Door {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_769_860_800_000)));
        let limits = limits();
        let store = Arc::new(MemoryStore::new());
        let root = RootToken::new("secret");
        let tokens = Tokens::load(root, Arc::<MemoryStore>::clone(&store)).await.unwrap();
        let engine = Engine::start(EngineParts {
            store,
            runner: Arc::new(Obedient::default()),
            gate: Arc::new(Obedient::default()),
            clock: Arc::<ManualClock>::clone(&clock),
            keys: LinkKeys::new(vec![(1, [7; 32])]).unwrap(),
            secret_keys: SecretKeys::new(vec![[7; 32].into()]).unwrap(),
            settings: EngineSettings {
                public_url: "http://w.example".into(),
                on_timeout: OnTimeout::Resume,
                limits,
                mail: MailSettings {
                    smtp_url: None,
                    from: "w@localhost".into(),
                    owner: None,
                    outbox: PathBuf::from("/nowhere"),
                },
            },
        });
        let engine = engine.await.unwrap();
        let now: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let maintenance = Arc::new(maintenance);
        Door { router: router(App { engine, tokens, clock: now, maintenance, settings }), clock }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "w.example");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn api(&self, method: &str, path: &str, body: &str) -> Answer {
        let path = format!("/api/v1{path}");
        self.call(method, &path, &[("authorization", "Bearer secret")], body).await
    }

    /// The same from this address.
    async fn call_from(
        &self,
        address: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let peer = std::net::SocketAddr::new(address.parse().unwrap(), 1);
        let mut request = Request::builder().method(method).uri(path).header("host", "w.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap()).await
    }

    /// A token of the API with this scope: its id and its text.
    async fn token(&self, scopes: &[&str]) -> (String, String) {
        let wish = json!({"name": "of-the-test", "scopes": scopes}).to_string();
        let made = self.api("POST", "/tokens", &wish).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |member: &str| made.json()[member].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// Deploys a workflow `w` of one step.
    async fn deploy(&self, props: Value, trigger: Value) {
        assert!(self.api("PUT", "/components/c", "good").await.status.is_success());
        let spec = json!({"name": "w", "trigger": trigger,
                          "steps": [{"name": "a", "component": "c", "props": props}]});
        let answer = self.api("PUT", "/workflows/w?accept=true", &spec.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// An execution that is paused, and its links.
    async fn paused(&self) -> Value {
        self.deploy(json!({"do": "suspend", "message": "<b>Now?</b>"}), json!({})).await;
        let answer = self.api("POST", "/workflows/w/executions?wait=10", "{\"n\": 1}").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let execution = answer.json();
        assert_eq!(execution["status"], "suspended");
        execution
    }

    async fn status(&self, execution: &Value) -> String {
        let path = format!("/executions/{}", execution["id"].as_str().unwrap());
        self.api("GET", &path, "").await.json()["status"].as_str().unwrap().to_owned()
    }

    async fn done(&self, execution: &Value) -> Value {
        let path = format!("/executions/{}?wait=10", execution["id"].as_str().unwrap());
        self.api("GET", &path, "").await.json()
    }
}

/// The path of one of an execution's links.
fn link(execution: &Value, name: &str) -> String {
    let url = execution["waiting"][name].as_str().unwrap();
    url.strip_prefix("http://w.example").unwrap().to_owned()
}

const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

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
async fn what_is_not_there_is_told_apart() {
    let door = Door::open(GetLink::Act).await;
    door.call("GET", "/nothing", &[], "").await.problem(404, "not_found");
    door.api("GET", "/nothing", "").await.problem(404, "not_found");
    door.api("GET", "/workflows/x", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/workflows/X%20y", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/workflows/x/versions", "").await.problem(404, "unknown_workflow");
    door.api("DELETE", "/workflows/x", "").await.problem(404, "unknown_workflow");
    door.api("POST", "/workflows/x/test", "").await.problem(404, "unknown_workflow");
    door.api("POST", "/workflows/x/executions", "").await.problem(404, "unknown_workflow");
    door.api("GET", "/components/x", "").await.problem(404, "unknown_component");
    door.api("DELETE", "/components/x", "").await.problem(404, "unknown_component");
    for path in ["/executions/x", "/executions/0198c9a2-0000-7000-8000-000000000000"] {
        door.api("GET", path, "").await.problem(404, "unknown_execution");
        door.api("GET", &format!("{path}/history"), "").await.problem(404, "unknown_execution");
        door.api("GET", &format!("{path}/logs"), "").await.problem(404, "unknown_execution");
        door.api("POST", &format!("{path}/resume"), "").await.problem(404, "unknown_execution");
        door.api("POST", &format!("{path}/cancel"), "").await.problem(404, "unknown_execution");
    }
    let answer = door.api("PATCH", "/workflows", "").await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    let answer = door.call("POST", "/healthz", &[], "").await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"));
}

#[tokio::test]
async fn components_come_and_go() {
    let door = Door::open(GetLink::Act).await;
    let first = door.api("PUT", "/components/c", "good one").await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["size"], 8);
    assert!(first.json()["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(door.api("PUT", "/components/c", "good one").await.status, 200);
    assert_eq!(door.api("GET", "/components", "").await.json()["items"][0], first.json());
    door.api("PUT", "/components/c", "bad").await.problem(422, "core_module");
    door.api("PUT", "/components/C", "good").await.problem(400, "invalid_name");
    let large = "good".repeat(300);
    door.api("PUT", "/components/c", &large).await.problem(413, "component_too_large");
    door.deploy(json!({}), json!({})).await;
    door.api("DELETE", "/components/c", "").await.problem(409, "in_use");
    assert_eq!(door.api("DELETE", "/workflows/w", "").await.status, 204);
    assert_eq!(door.api("DELETE", "/components/c", "").await.status, 204);
}

#[tokio::test]
async fn a_deploy_says_what_is_wrong_and_where() {
    let door = Door::open(GetLink::Act).await;
    door.api("PUT", "/components/c", "good").await;
    let yaml = "name: w\nsteps:\n  - name: a\n    component: c\n";
    let first = door.api("PUT", "/workflows/w", yaml).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["version"], 1);
    assert_eq!(first.json()["steps"][0]["component"], "c");
    assert_eq!(door.api("PUT", "/workflows/w", yaml).await.status, 200);
    for (file, place) in [
        (yaml.replace("name: w", "name: v"), "name"),
        (yaml.replace("component: c", "component: d"), "steps[0].component"),
        (format!("{yaml}    limits: {{ memory_mib: 0 }}\n"), "steps[0].limits.memory_mib"),
    ] {
        let problem = door.api("PUT", "/workflows/w", &file).await.problem(422, "invalid_workflow");
        assert_eq!(problem["place"], place, "{problem}");
    }
    let shown = door.api("GET", "/workflows/w", "").await.json();
    assert_eq!(shown["definition"]["steps"][0]["name"], "a");
    assert_eq!(door.api("GET", "/workflows/w/versions", "").await.json()["items"][0], shown);
}

#[tokio::test]
async fn a_trigger_is_answered_at_once_or_when_it_is_over() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({})).await;
    let key = [("authorization", "Bearer secret"), ("idempotency-key", "k")];
    let path = "/api/v1/workflows/w/executions";
    let first = door.call("POST", path, &key, "{\"n\": 1}").await;
    assert_eq!(first.status, 201);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("http://w.example/api/v1/executions/{id}"));
    let second = door.call("POST", path, &key, "{\"n\": 2}").await;
    assert_eq!((second.status.as_u16(), second.json()["id"].as_str()), (200, Some(&*id)));

    // Ids sort by their milliseconds.
    door.clock.advance_millis(1);
    let waits = [("authorization", "Bearer secret"), ("prefer", "wait=10")];
    let third = door.call("POST", path, &waits, "").await;
    assert_eq!((third.status.as_u16(), third.header("preference-applied")), (200, "wait=10"));
    assert_eq!(third.json()["status"], "completed");
    assert_eq!(third.json()["event"], Value::Null);

    door.api("POST", "/workflows/w/executions", "{").await.problem(400, "malformed_json");
    door.api("POST", "/workflows/w/executions?wait=x", "").await.problem(400, "invalid_parameter");
    let large = format!("\"{}\"", "x".repeat(2_000));
    door.api("POST", "/workflows/w/executions", &large).await.problem(413, "body_too_large");
    let page = door.api("GET", "/executions?status=completed&limit=1", "").await.json();
    assert_eq!(page["items"][0]["id"], third.json()["id"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = door.api("GET", &format!("/executions?workflow=w&cursor={cursor}"), "").await.json();
    assert_eq!(next["items"][0]["id"], json!(id));
    let history = door.api("GET", &format!("/executions/{id}/history"), "").await.json();
    assert_eq!(history["items"][0]["seq"], 1);
}

#[tokio::test]
async fn hooks_take_any_request_and_may_let_a_step_answer() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({})).await;
    door.call("POST", "/hooks/w", &[], "").await.problem(404, "no_http_trigger");
    door.call("POST", "/hooks/x", &[], "").await.problem(404, "unknown_workflow");

    door.deploy(json!({}), json!({"http": {}})).await;
    let answer = door.call("PUT", "/hooks/w/a/b?x=1", &[("content-type", "text/plain")], "é").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("location"), answer.json()["url"]);
    let event = door.done(&answer.json()).await["event"].clone();
    assert_eq!(event["method"], "PUT");
    assert_eq!(event["url"], "http://w.example/hooks/w/a/b?x=1");
    assert_eq!((&event["body"], &event["query"]["x"]), (&json!("é"), &json!("1")));
    let json = [("content-type", "application/json")];
    door.call("POST", "/hooks/w", &json, "{").await.problem(400, "malformed_json");
    let waited = door.call("GET", "/hooks/w?wait=10", &[], "").await;
    assert_eq!((waited.status.as_u16(), &waited.json()["status"]), (200, &json!("completed")));

    door.deploy(json!({"do": "respond"}), json!({"http": {"respond": "step"}})).await;
    let answer = door.call("GET", "/hooks/w", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("x-step"), &*answer.text), (201, "1", "hi"));
    door.deploy(json!({"do": "suspend"}), json!({"http": {"respond": "step"}})).await;
    assert_eq!(door.call("GET", "/hooks/w", &[], "").await.status, 202);
}

#[tokio::test]
async fn a_resume_link_acts_once() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let resume = link(&execution, "resume_url");

    for (method, headers, status) in [
        ("HEAD", &[][..], 200),
        ("OPTIONS", &[], 204),
        ("GET", &[("sec-purpose", "prefetch")], 204),
        ("POST", &[("purpose", "preview")], 204),
    ] {
        let answer = door.call(method, &resume, headers, "").await;
        assert_eq!(answer.status, status, "{method}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let json = [("content-type", "application/json")];
    door.call("POST", &resume, &json, "{").await.problem(400, "malformed_json");
    let large = "x".repeat(3_000);
    door.call("POST", &resume, &[], &large).await.problem(413, "body_too_large");
    assert_eq!(door.status(&execution).await, "suspended");

    let answer = door.call("PUT", &resume, &json, "{\"ok\": true}").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["outcome"], &body["already"]), (&json!("resumed"), &json!(false)));
    assert_eq!(body["execution"], execution["id"]);
    let again = door.call("GET", &resume, &[], "").await;
    assert_eq!((again.status.as_u16(), &again.json()["already"]), (200, &json!(true)));
    let cancel = link(&execution, "cancel_url");
    let problem = door.call("GET", &cancel, &[], "").await.problem(409, "pause_over");
    assert_eq!(problem["ending"], "resumed");
    let done = door.done(&execution).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["steps"]["a"]["exports"]["$resume_data"]["body"], json!({"ok": true}));
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(again.header(name), value);
    }
}

#[tokio::test]
async fn links_that_are_not_genuine_are_all_alike() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let resume = link(&execution, "resume_url");
    let token = resume.strip_prefix("/resume/").unwrap();
    let mut texts = Vec::new();
    for path in [
        "/resume/x".to_owned(),
        format!("/resume/{}", &token[1..]),
        format!("/cancel/{token}"),
        format!("/approve/{token}"),
        "/resume/%ff".to_owned(),
    ] {
        let method = if path.starts_with("/approve") { "POST" } else { "GET" };
        let mut body = door.call(method, &path, &[], "").await.problem(404, "not_found");
        body["request_id"].take();
        body["instance"].take();
        texts.push(body.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(door.status(&execution).await, "suspended");
    let page = door.call("GET", "/approve/x", &[HTML], "").await;
    assert_eq!(page.status, 404);
    assert!(
        page.text.contains("leads nowhere") && page.header("content-type").starts_with("text/html")
    );
}

#[tokio::test]
async fn the_approval_page_asks_and_its_buttons_act() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let approve = link(&execution, "approval_url");
    let page = door.call("GET", &approve, &[HTML], "").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("&lt;b&gt;Now?&lt;/b&gt;"), "{}", page.text);
    assert!(!page.text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"));
    assert_eq!(door.status(&execution).await, "suspended");

    let form = [("content-type", "application/x-www-form-urlencoded"), HTML];
    assert_eq!(door.call("POST", &approve, &form, "action=maybe").await.status, 400);
    door.call("DELETE", &approve, &[], "").await.problem(405, "method_not_allowed");
    let done = door.call("POST", &approve, &form, "action=resume&comment=fine").await;
    assert_eq!(done.status, 200);
    assert!(done.text.contains("Resumed"));
    let execution = door.done(&execution).await;
    assert_eq!(
        execution["steps"]["a"]["exports"]["$resume_data"]["body"],
        json!({"comment": "fine"})
    );
    let page = door.call("GET", &approve, &[HTML], "").await;
    assert!(page.status == 200 && !page.text.contains("<button"), "{}", page.text);
    let refused = door.call("POST", &approve, &form, "action=cancel").await;
    assert_eq!(refused.status, 409);
    assert!(refused.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn a_get_may_have_to_be_confirmed() {
    let door = Door::open(GetLink::Confirm).await;
    let execution = door.paused().await;
    let cancel = link(&execution, "cancel_url");
    let page = door.call("GET", &cancel, &[HTML], "").await;
    assert!(page.text.contains("value=\"cancel\"") && !page.text.contains("value=\"resume\""));
    assert_eq!(door.status(&execution).await, "suspended");
    let answer = door.call("POST", &cancel, &[], "").await;
    assert_eq!(answer.json()["outcome"], "canceled");
    assert_eq!(door.status(&execution).await, "canceled");
    let resume = link(&execution, "resume_url");
    assert!(matches!(door.call("POST", &resume, &[], "").await.status.as_u16(), 409 | 410));
}

#[tokio::test]
async fn an_operator_resumes_cancels_and_tests() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let path = format!("/executions/{}", execution["id"].as_str().unwrap());
    let answer = door.api("POST", &format!("{path}/resume"), "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["outcome"]), (200, &json!("resumed")));
    let done = door.done(&execution).await;
    assert_eq!(done["steps"]["a"]["exports"]["$resume"]["reason"], "operator");
    assert!(!done.to_string().contains("Bearer"));
    let problem = door.api("POST", &format!("{path}/cancel"), "").await;
    problem.problem(410, "execution_ended");

    let report = door.api("POST", "/workflows/w/test", "").await.json();
    assert_eq!(report["status"], "canceled");
    assert!(report["message"].as_str().unwrap().contains("flow.suspend()"));
    door.deploy(json!({"do": "fail"}), json!({})).await;
    let report = door.api("POST", "/workflows/w/test", "").await.json();
    assert_eq!(report["error"]["message"], "as told");
}

#[tokio::test]
async fn health_and_figures_need_no_token() {
    let door = Door::open(GetLink::Act).await;
    assert_eq!(door.call("GET", "/healthz", &[], "").await.json()["status"], "ok");
    assert_eq!(door.call("GET", "/readyz", &[], "").await.status, 200);
    let execution = door.paused().await;
    door.call("GET", &link(&execution, "resume_url"), &[], "").await;
    let figures = door.call("GET", "/metrics", &[], "").await;
    assert!(figures.text.contains("route=\"/resume/{token}\""), "{}", figures.text);
    assert!(figures.text.contains("waystation_executions_triggered_total 1"));
}

#[tokio::test]
async fn the_store_is_looked_after_through_the_api() {
    let door = Door::open(GetLink::Act).await;
    let checked = door.api("GET", "/check", "").await;
    assert_eq!(checked.json()["problems"][0], "an orphan");
    assert_eq!(checked.json()["executions"], 2);
    let backup = door.api("GET", "/backup", "").await;
    assert_eq!((backup.status, backup.text.as_str()), (StatusCode::OK, "a backup"));
    assert_eq!(backup.header("content-type"), "application/x-tar");
    assert_eq!(backup.header("cache-control"), "no-store");
    door.api("GET", "/backup?keys=true", "").await.problem(503, "busy");
    door.api("GET", "/backup?keys=maybe", "").await.problem(400, "invalid_parameter");
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
async fn one_address_may_call_only_so_often() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let (here, there) = ("192.0.2.1", "192.0.2.2");
    for _ in 0..3 {
        assert_eq!(door.call_from(here, "POST", "/hooks/w", &[]).await.status, 202);
    }
    let refused = door.call_from(here, "POST", "/hooks/w/below", &[]).await;
    assert_eq!(refused.problem(429, "rate_limited")["retry_after_s"], 20);
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(door.call_from(there, "POST", "/hooks/w", &[]).await.status, 202);

    // Links are counted apart, all kinds of them together, and people are told on a page.
    door.call_from(here, "GET", "/resume/x", &[]).await.problem(404, "not_found");
    door.call_from(here, "GET", "/cancel/x", &[]).await.problem(404, "not_found");
    let page = door.call_from(here, "GET", "/approve/x", &[HTML]).await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (429, "30"));
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("style-src"));
    door.clock.advance_millis(30_000);
    door.call_from(here, "GET", "/resume/x", &[]).await.problem(404, "not_found");
    assert_eq!(door.call_from(here, "POST", "/hooks/w", &[]).await.status, 202);
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
async fn a_trusted_proxy_says_who_it_was_and_nobody_else_does() {
    let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let settings = HttpSettings { trusted_proxies, ..HttpSettings::default() };
    let door = Door::open_with(settings).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let forwarded = [("x-forwarded-for", "1.1.1.1, 198.51.100.9")];
    for (peer, client) in [("10.0.0.1", "198.51.100.9"), ("192.0.2.1", "192.0.2.1")] {
        let answer = door.call_from(peer, "POST", "/hooks/w", &forwarded).await;
        assert_eq!(door.done(&answer.json()).await["event"]["client_ip"], client);
    }
    // And it is that address whose triggers are counted.
    for _ in 0..2 {
        assert_eq!(door.call_from("10.0.0.1", "POST", "/hooks/w", &forwarded).await.status, 202);
    }
    let refused = door.call_from("10.0.0.2", "POST", "/hooks/w", &forwarded).await;
    refused.problem(429, "rate_limited");
    assert_eq!(door.call_from("10.0.0.2", "POST", "/hooks/w", &[]).await.status, 202);
}

#[tokio::test]
async fn a_request_names_one_host_and_nothing_is_made_from_it() {
    let door = Door::open(GetLink::Act).await;
    door.deploy(json!({}), json!({"http": {}})).await;
    let evil = [("host", "evil.example"), ("x-forwarded-host", "evil.example")];
    let answer = door.call("POST", "/hooks/w", &evil, "").await;
    assert!(answer.header("location").starts_with("http://w.example/"));
    let event = door.done(&answer.json()).await["event"].clone();
    assert_eq!(event["url"], "http://w.example/hooks/w");
    let twice = [("host", "w.example"), ("host", "w.example")];
    let problem = door.call("GET", "/healthz", &twice, "").await.problem(400, "invalid_header");
    assert_eq!(problem["header"], "Host");
    let none = Request::get("/healthz").body(Body::empty()).unwrap();
    door.send(none).await.problem(400, "invalid_header");
    let exact = format!("/healthz?{}", "x".repeat(1_000 - "/healthz?".len()));
    assert_eq!(door.call("GET", &exact, &[], "").await.status, 200);
    let long = door.call("GET", &format!("{exact}x"), &[], "").await;
    assert_eq!(long.problem(414, "url_too_long")["bytes_max"], 1_000);
}

#[tokio::test]
async fn a_local_servers_api_is_not_called_under_a_foreign_name() {
    let host_names = Some(vec!["w.example".to_owned()]);
    let door = Door::open_with(HttpSettings { host_names, ..HttpSettings::default() }).await;
    let call = async |host: &str, path: &str| {
        let headers = [("host", host), ("authorization", "Bearer secret")];
        door.call("GET", path, &headers, "").await
    };
    for host in ["w.example", "localhost:8787", "127.0.0.1:8787", "[::1]:8787"] {
        assert_eq!(call(host, "/api/v1/workflows").await.status, 200, "{host}");
    }
    for host in ["rebound.example", "rebound.example:8787", "192.0.2.1"] {
        let refused = call(host, "/api/v1/workflows").await;
        refused.problem(421, "misdirected_request");
        assert_eq!(call(host, "/healthz").await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn answers_say_what_browsers_may_do_with_them() {
    let door = Door::open(GetLink::Act).await;
    let execution = door.paused().await;
    let approve = link(&execution, "approval_url");
    let nothing = "default-src 'none'; frame-ancestors 'none'";
    for path in ["/healthz", "/metrics", "/nothing", "/api/v1/workflows", "/hooks/x"] {
        let answer = door.call("GET", path, &[], "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("content-security-policy"), nothing, "{path}");
    }
    for (path, accept) in [(approve.as_str(), HTML), ("/approve/x", HTML), ("/resume/x", HTML)] {
        let page = door.call("GET", path, &[accept], "").await;
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'sha256-",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        assert!(page.header("permissions-policy").contains("camera=()"));
        let foreign = page.headers.keys().find(|name| name.as_str().starts_with("access-control"));
        assert_eq!(foreign, None);
    }
    // What a step answers is no page of ours.
    door.deploy(json!({"do": "respond"}), json!({"http": {"respond": "step"}})).await;
    let answer = door.call("GET", "/hooks/w", &[], "").await;
    assert_eq!(answer.header("content-type"), "text/html");
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("sandbox ") && !policy.contains("same-origin"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_handler_that_panics_tells_the_caller_nothing() {
    let door = Door::open_over(Obedient { breaks_down: true }, HttpSettings::default()).await;
    let answer = door.api("GET", "/check", "").await;
    answer.problem(500, "internal");
    assert!(!answer.text.contains("nobody's business"), "{}", answer.text);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(door.api("GET", "/workflows", "").await.status, 200);
}

#[tokio::test]
async fn secrets_are_set_and_never_answered() {
    let door = Door::open(GetLink::Act).await;
    let value = "correct horse";
    let put = |fields: &str| format!("{{\"value\": \"{value}\", {fields}}}");
    let body = put("\"for\": [\"https://h/v1\"]");
    let answer = door.api("PUT", "/secrets/KEY", &body).await;
    assert_eq!(answer.status.as_u16(), 201);
    let secret = json!({"name": "KEY", "for": ["https://h/v1"], "reveal": false,
                        "set_at": "2026-01-31T12:00:00.000Z", "unreadable": null});
    assert_eq!(answer.json(), secret);
    assert_eq!(door.api("PUT", "/secrets/KEY", &body).await.status.as_u16(), 200);
    assert_eq!(door.api("GET", "/secrets", "").await.json(), json!({"items": [secret]}));
    door.api("GET", "/secrets/KEY", "").await.problem(405, "method_not_allowed");
    for (body, place) in [
        (put("\"reveal\": false"), "for"),
        (put("\"for\": [\"h\"]"), "for[0]"),
        (put("\"reveal\": true, \"more\": 1"), "the body"),
        ("{\"value\": \"short\", \"reveal\": true}".to_owned(), "value"),
        (String::new(), "the body"),
    ] {
        let problem = door.api("PUT", "/secrets/OTHER", &body).await.problem(422, "invalid_secret");
        assert_eq!(problem["place"], place);
        assert!(!problem.to_string().contains(value), "{problem}");
    }
    door.api("PUT", "/secrets/key", &body).await.problem(400, "invalid_name");
    door.api("DELETE", "/secrets/OTHER", "").await.problem(404, "unknown_secret");
    door.api("DELETE", "/secrets/key", "").await.problem(404, "unknown_secret");
    assert_eq!(door.api("DELETE", "/secrets/KEY", "").await.status.as_u16(), 204);
    assert_eq!(door.api("GET", "/secrets", "").await.json(), json!({"items": []}));
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
