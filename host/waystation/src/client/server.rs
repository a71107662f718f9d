//! One request, one answer.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::{Agent, Body, SendBody};
use url::{Host, Url};

use super::{ServerArgs, token};
use crate::failure::{Done, Failure};
use crate::output;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Answers are read up to this many bytes: an execution with all its data is a part of it.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A server, and the right to use it.
pub(crate) struct Server {
    agent: Agent,
    url: String,
    token: Option<String>,
}

/// What the server said to a request that it did.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Which kind of success.
    pub(crate) status: StatusCode,
    /// The body; null when there was none.
    pub(crate) body: Value,
    /// The server's own time, as its `Date` header has it.
    pub(crate) date: Option<String>,
}

impl Server {
    /// The server that `args` mean. Says so when its token can be read on the way there.
    ///
    /// # Errors
    ///
    /// The URL is none, or there is no token that may go there.
    pub(crate) fn new(args: &ServerArgs) -> Done<Server> {
        let url = parse(args)?;
        let local = is_local(&url);
        let token = token::token(args, local)?;
        if token.is_some() && !local && url.scheme() == "http" {
            output::note(format!(
                "warning: the token goes to {} unencrypted; use https://",
                url.host_str().unwrap_or_default()
            ));
        }
        Ok(Server { token, ..Server::without_token(args)? })
    }

    /// The same for a stranger: the token is for the server that it was given for.
    ///
    /// # Errors
    ///
    /// The URL is none.
    pub(crate) fn without_token(args: &ServerArgs) -> Done<Server> {
        let url = parse(args)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("waystation/", env!("CARGO_PKG_VERSION")));
        if is_local(&url) {
            // No proxy knows the way to this machine's own ports.
            config = config.proxy(None);
        }
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Server { agent: config.build().into(), url, token: None })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `GET`.
    pub(crate) fn get(&self, path: &str) -> Done<Answer> {
        self.call(Method::GET, path, &[], SendBody::none())
    }

    /// `GET` of a text.
    pub(crate) fn text(&self, path: &str) -> Done<String> {
        let mut response = self.run(Method::GET, path, &[], SendBody::none())?;
        self.read_text(&mut response)
    }

    /// `GET` of something long; its bytes as they come.
    pub(crate) fn download(&self, path: &str) -> Done<impl Read + use<>> {
        let response = self.run(Method::GET, path, &[], SendBody::none())?;
        Ok(response.into_body().into_reader())
    }

    /// `DELETE`.
    pub(crate) fn delete(&self, path: &str) -> Done<Answer> {
        self.call(Method::DELETE, path, &[], SendBody::none())
    }

    /// `POST` with JSON.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], json: &str) -> Done<Answer> {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let mut body = json.as_bytes();
        let length = json.len().to_string();
        let headers = [&headers[..], &[("content-length", length.as_str())]].concat();
        self.call(Method::POST, path, &headers, SendBody::from_reader(&mut body))
    }

    /// `PUT` of so many bytes.
    pub(crate) fn put(
        &self,
        path: &str,
        content_type: &str,
        length: u64,
        body: &mut dyn Read,
    ) -> Done<Answer> {
        let length = length.to_string();
        let headers = [("content-type", content_type), ("content-length", length.as_str())];
        self.call(Method::PUT, path, &headers, SendBody::from_reader(body))
    }

    fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Done<Answer> {
        let mut response = self.run(method, path, headers, body)?;
        let status = response.status();
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        let date = date.map(str::to_owned);
        Ok(Answer { status, body: self.read(&mut response)?, date })
    }

    /// The answer to a request that the server did, its body still to be read.
    fn run(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Done<Response<Body>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::usage(format!("this makes no request: {error}")))?;
        let mut response = self.agent.run(request).map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.read(&mut response)?;
        Err(self.refused(status, &body))
    }

    fn read(&self, response: &mut Response<Body>) -> Done<Value> {
        Ok(serde_json::from_str(&self.read_text(response)?).unwrap_or(Value::Null))
    }

    fn read_text(&self, response: &mut Response<Body>) -> Done<String> {
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).lossy_utf8(true);
        body.read_to_string().map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::new(format!("no answer from {}: {error}", self.url))
            .hint("is it running? waystation serve; another one: --url")
    }

    fn refused(&self, status: StatusCode, body: &Value) -> Failure {
        let Some(detail) = body.get("detail").and_then(Value::as_str) else {
            return Failure::new(format!("{} answered {status}", self.url))
                .hint("is this a Waystation server?");
        };
        let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
        let detail = match body.get("request_id").and_then(Value::as_str) {
            Some(id) if status.is_server_error() => format!("{detail}; request {id}"),
            _ => detail.to_owned(),
        };
        let mut failure = Failure::new(output::one_line(&detail));
        failure.code = code.to_owned();
        match code {
            "unauthorized" if self.token.is_none() => Failure::new("the server wants a token")
                .hint("--token, WAYSTATION_TOKEN, or --data-dir DIR of a server on this machine"),
            "unauthorized" => failure.hint("see --token, WAYSTATION_TOKEN and --data-dir"),
            "forbidden" => failure.hint("waystation token create makes one that may"),
            "unknown_token" => failure.hint("waystation token ls"),
            "unknown_workflow" => failure.hint("waystation workflow ls"),
            "unknown_component" => failure.hint("waystation component ls"),
            "unknown_secret" => failure.hint("waystation secret ls"),
            "unknown_execution" => failure.hint("waystation execution ls"),
            "not_paused" => failure.hint("waystation execution show ID"),
            _ => failure,
        }
    }
}

/// The URL that `args` name.
fn parse(args: &ServerArgs) -> Done<Url> {
    let url = Url::parse(&args.url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.query().is_none()
    });
    url.ok_or_else(|| {
        Failure::usage(format!("--url: {:?}: http://HOST[:PORT] or https://… is allowed", args.url))
    })
}

/// Does nothing that is sent there leave this machine?
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Done<Server> {
        Server::new(&ServerArgs {
            url: url.into(),
            token: Some("t".into()),
            data_dir: None,
            json: false,
        })
    }

    #[test]
    fn a_url_is_checked_before_it_is_used() {
        assert_eq!(server("http://127.0.0.1:1/x/").unwrap().url(), "http://127.0.0.1:1/x");
        for bad in ["", "localhost:8787", "ftp://h", "http://h?x"] {
            assert_eq!(server(bad).err().map(|failure| failure.exit), Some(2), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_recognised_and_nothing_that_looks_like_it() {
        for (url, local) in [
            ("http://localhost:8787", true),
            ("https://LOCALHOST", true),
            ("http://127.8.0.1", true),
            ("http://0x7f.1", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://localhost@example.com", false),
            ("http://127.0.0.1@example.com", false),
            ("http://127.0.0.1.example", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
            ("http://[2001:db8::1]", false),
        ] {
            assert_eq!(is_local(&Url::parse(url).unwrap()), local, "{url}");
        }
    }

    #[test]
    fn refusals_say_what_the_server_said() {
        let body =
            serde_json::json!({"detail": "there is no workflow \"w\"", "code": "unknown_workflow"});
        let failure = server("http://h").unwrap().refused(StatusCode::NOT_FOUND, &body);
        assert_eq!(failure.to_string(), "there is no workflow \"w\" (waystation workflow ls)");
    }
}
