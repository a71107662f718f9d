//! A door to knock at: the routes over a real engine, with a store in memory and steps that are told
//! what to do.

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
    router,
};
use waystation_store::{MemoryStore, StoreError};

/// Does what the step's props say.
#[derive(Default)]
pub(crate) struct Obedient {
    /// Its check of the store panics.
    pub(crate) breaks_down: bool,
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
                    let headers =
                        [("x-step", "1"), ("content-type", "text/html"), ("set-cookie", "a=b")];
                    let headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
                    responder.respond(HttpResponse { status: 201, headers, body: b"hi".to_vec() });
                }
            }
            _ => {}
        }
        report(RunOutcome::Returned { result: Some(request.event), exports: vec![], flow })
    }
}

pub(crate) fn report(outcome: RunOutcome) -> RunReport {
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

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert_eq!(body["status"], status);
        body
    }
}

pub(crate) struct Door {
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
}

/// Limits under which a few requests show what many would do.
pub(crate) fn limits() -> Limits {
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
    pub(crate) async fn open(get_link: GetLink) -> Door {
        Door::open_with(HttpSettings { get_link, ..HttpSettings::default() }).await
    }

    pub(crate) async fn open_with(settings: HttpSettings) -> Door {
        Door::open_over(Obedient::default(), settings).await
    }

    pub(crate) async fn open_over(maintenance: Obedient, settings: HttpSettings) -> Door {
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

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "w.example");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn api(&self, method: &str, path: &str, body: &str) -> Answer {
        let path = format!("/api/v1{path}");
        self.call(method, &path, &[("authorization", "Bearer secret")], body).await
    }

    /// The same from this address.
    pub(crate) async fn call_from(
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
    pub(crate) async fn token(&self, scopes: &[&str]) -> (String, String) {
        let wish = json!({"name": "of-the-test", "scopes": scopes}).to_string();
        let made = self.api("POST", "/tokens", &wish).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |member: &str| made.json()[member].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// Deploys a workflow `w` of one step.
    pub(crate) async fn deploy(&self, props: Value, trigger: Value) {
        assert!(self.api("PUT", "/components/c", "good").await.status.is_success());
        let spec = json!({"name": "w", "trigger": trigger,
                          "steps": [{"name": "a", "component": "c", "props": props}]});
        let answer = self.api("PUT", "/workflows/w?accept=true", &spec.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }

    /// An execution that is paused, and its links.
    pub(crate) async fn paused(&self) -> Value {
        self.deploy(json!({"do": "suspend", "message": "<b>Now?</b>"}), json!({})).await;
        let answer = self.api("POST", "/workflows/w/executions?wait=10", "{\"n\": 1}").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let execution = answer.json();
        assert_eq!(execution["status"], "suspended");
        execution
    }

    pub(crate) async fn status(&self, execution: &Value) -> String {
        let path = format!("/executions/{}", execution["id"].as_str().unwrap());
        self.api("GET", &path, "").await.json()["status"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn done(&self, execution: &Value) -> Value {
        let path = format!("/executions/{}?wait=10", execution["id"].as_str().unwrap());
        self.api("GET", &path, "").await.json()
    }
}

/// The path of one of an execution's links.
pub(crate) fn link(execution: &Value, name: &str) -> String {
    let url = execution["waiting"][name].as_str().unwrap();
    url.strip_prefix("http://w.example").unwrap().to_owned()
}

pub(crate) const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");
