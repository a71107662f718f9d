//! The API as the tests speak it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::{guests, http, wait};

/// The API's token in every test.
pub const TOKEN: &str = "token-of-the-tests";

/// An upload whose answer is still to come. Its uploader leaves when this is dropped.
#[derive(Debug)]
pub struct Upload(TcpStream);

impl Upload {
    /// The answer's status.
    ///
    /// # Panics
    ///
    /// There is no answer.
    pub fn status(mut self) -> u16 {
        let mut head = [0; 12];
        self.0.read_exact(&mut head).expect("an answer");
        let head = String::from_utf8_lossy(&head);
        head.rsplit(' ').next().and_then(|status| status.parse().ok()).expect("a status")
    }
}

/// How long an upload may take: compilers give way to everything else on the machine.
const COMPILED_WITHIN: Duration = Duration::from_secs(400);

/// Speaks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it is: `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Client {
    /// A request to the API or any other path, with the token.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let request = http::request(method, &format!("{}{path}", self.url));
        request.header("authorization", &format!("Bearer {TOKEN}"))
    }

    /// `GET path`, with the token.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// `POST path` with JSON, with the token.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Uploads bytes as a component.
    pub fn put_component(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Answer {
        let path = format!("/api/v1/components/{name}");
        let request = self.request("PUT", &path).body("application/wasm", bytes);
        request.patience(COMPILED_WITHIN).send()
    }

    /// Sends a component, all of it, and does not wait for the answer.
    ///
    /// # Panics
    ///
    /// The server does not take it.
    pub fn start_upload(&self, name: &str, bytes: Vec<u8>) -> Upload {
        let address = self.url.trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).expect("the server is there");
        let head = format!(
            "PUT /api/v1/components/{name} HTTP/1.1\r\nhost: {address}\r\nauthorization: \
             Bearer {TOKEN}\r\ncontent-type: application/wasm\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        stream.write_all(head.as_bytes()).expect("the head is taken");
        stream.write_all(&bytes).expect("the component is taken");
        Upload(stream)
    }

    /// Uploads a guest under its own name.
    #[track_caller]
    pub fn push(&self, guest: &str) {
        let _alone = guests::one_at_a_time(guest);
        let answer = self.put_component(&guests::component_name(guest), guests::bytes(guest));
        assert!(matches!(answer.status, 200 | 201), "{guest}: {}", answer.text());
    }

    /// Sends a workflow.
    pub fn put_workflow(&self, workflow: &Value) -> Answer {
        self.send_workflow(workflow, "")
    }

    fn send_workflow(&self, workflow: &Value, query: &str) -> Answer {
        let name = workflow["name"].as_str().unwrap_or("nameless");
        self.request("PUT", &format!("/api/v1/workflows/{name}{query}")).json(workflow).send()
    }

    /// Deploys a workflow that is right, whatever it asks for.
    #[track_caller]
    pub fn deploy(&self, workflow: &Value) {
        let answer = self.send_workflow(workflow, "?accept=true");
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    }

    /// Deploys the workflow file of an example, and uploads its components.
    #[track_caller]
    pub fn deploy_example(&self, example: &str, file: &str, steps: &[&str]) {
        for step in steps {
            self.push(&format!("{example}/{step}"));
        }
        let file = guests::example(example).join(file);
        let text = fs::read_to_string(&file).expect("an example has its workflow file");
        let name = text.lines().find_map(|line| line.strip_prefix("name: "));
        let name = name.expect("a workflow file begins with the name").trim();
        let path = format!("/api/v1/workflows/{name}");
        let answer = self.request("PUT", &path).body("application/yaml", text).send();
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    }

    /// Deploys a workflow of one step, a guest that is uploaded already, with these props. The
    /// step `step` may call loopback and send mails.
    #[track_caller]
    pub fn deploy_step(&self, name: &str, guest: &str, props: &Value) {
        self.deploy(
            &json!({"name": name, "trigger": {"http": {}}, "steps": [step("step", guest, props)]}),
        );
    }

    /// The same, with a second step `next` that says that it ran.
    #[track_caller]
    pub fn deploy_step_and_next(&self, name: &str, guest: &str, props: &Value) {
        self.push("tests/toolbox");
        let next = json!({"do": [{"return": "the next step ran"}]});
        self.deploy(&json!({
            "name": name,
            "trigger": {"http": {}},
            "steps": [step("step", guest, props), step("next", "toolbox", &next)],
        }));
    }

    /// Starts an execution; its id.
    #[track_caller]
    pub fn trigger(&self, workflow: &str, event: &Value) -> String {
        let answer = self.post(&format!("/api/v1/workflows/{workflow}/executions"), event);
        run_id(&answer.expect(201).json())
    }

    /// An execution as it is now.
    pub fn execution(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/executions/{id}")).json()
    }

    /// An execution when `is_so`.
    pub fn when(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        wait::until(&format!("{what}: {id}"), || {
            let execution = self.execution(id);
            if is_so(&execution) {
                return Some(execution);
            }
            let ended = !execution["finished_at"].is_null();
            assert!(!ended, "{what} is what it should be, and it is {execution:#}");
            None
        })
    }

    /// An execution when it waits.
    pub fn paused(&self, id: &str) -> Value {
        self.when(id, "suspended", |execution| execution["status"] == "suspended")
    }

    /// An execution when it has ended, whichever way.
    pub fn ended(&self, id: &str) -> Value {
        self.when(id, "ended", |execution| !execution["finished_at"].is_null())
    }

    /// An execution when it has ended well.
    pub fn completed(&self, id: &str) -> Value {
        let execution = self.ended(id);
        assert_eq!(execution["status"], "completed", "{execution:#}");
        execution
    }

    /// The error of an execution that has failed.
    pub fn failed(&self, id: &str) -> Value {
        let execution = self.ended(id);
        assert_eq!(execution["status"], "failed", "{execution:#}");
        execution["error"].clone()
    }

    /// What happened to an execution: the types of its events.
    pub fn events(&self, id: &str) -> Vec<String> {
        let history = self.history(id);
        let types = history.iter().map(|entry| entry["type"].as_str().unwrap_or("trigger"));
        types.map(str::to_owned).collect()
    }

    /// The history of an execution.
    pub fn history(&self, id: &str) -> Vec<Value> {
        self.all(&format!("/api/v1/executions/{id}/history"))
    }

    /// All items of a list that comes a page at a time.
    pub fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), "0".to_owned());
        loop {
            let path = format!("{path}?limit=1000&cursor={cursor}");
            let page = self.get(&path).expect(200).json();
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return items,
            }
        }
    }

    /// A figure of `/metrics` as it is now. The state of an execution is told before the figures
    /// that follow from it are: who expects one waits for it with [`wait::until`].
    pub fn figure(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").expect(200).text();
        let value = metrics.lines().find_map(|line| {
            line.strip_prefix("waystation_")?.strip_prefix(name)?.strip_prefix(' ')
        });
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {metrics}"))
    }

    /// Everything that an execution logged, a line each.
    pub fn log(&self, id: &str) -> String {
        let runs = self.all(&format!("/api/v1/executions/{id}/logs"));
        let lines = runs.iter().filter_map(|run| run["lines"].as_array()).flatten();
        lines.filter_map(|line| line["text"].as_str()).collect::<Vec<_>>().join("\n")
    }
}

/// The id in an execution, or in the answer to a trigger.
///
/// # Panics
///
/// There is none.
#[track_caller]
pub fn run_id(answer: &Value) -> String {
    let id = answer["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

/// A step that may call loopback and send mails.
fn step(name: &str, guest: &str, props: &Value) -> Value {
    json!({
        "name": name,
        "component": guests::component_name(guest),
        "props": props,
        "allow": {"http": ["http://127.0.0.1:*"], "email": true},
    })
}
