//! Calls over TLS, from steps in every language: the host checks certificates, always.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use waystation_tests::{Client, Script, Server, ServerOptions, guests};

const LANGUAGES: [&str; 6] = ["c", "go", "javascript", "python", "rust", "typescript"];

/// A certificate for 127.0.0.1 that stands for itself, as `cert.pem`, and its key.
fn certify(folder: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-days", "2", "-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success(), "openssl makes a certificate");
}

fn service(folder: &Path) -> Script {
    certify(folder);
    let script = guests::repository().join("tests/services/https_service.py");
    Script::start(&script, &[folder.to_str().unwrap()])
}

/// The conformance program `get` in this language, at its end.
fn got(client: &Client, language: &str, url: &str) -> Value {
    client.push(&format!("conformance/{language}"));
    client.deploy(&json!({"name": "tls", "steps": [{
        "name": "step",
        "component": language,
        "props": {"program": "get", "url": url},
        "allow": {"http": ["https://127.0.0.1:*"]},
    }]}));
    client.ended(&client.trigger("tls", &Value::Null))
}

#[test]
fn a_certificate_that_the_host_trusts_is_good_in_every_language() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let trusted = folder.path().join("cert.pem");
    let server = ServerOptions::new().env("SSL_CERT_FILE", trusted.to_str().unwrap()).start();
    for language in LANGUAGES {
        let ended = got(server.client(), language, &format!("{}/secret", service.url));
        let returned = &ended["steps"]["step"]["exports"]["$return_value"];
        let expected = json!({"path": "/secret"});
        assert_eq!((&returned["status"], &returned["body"]), (&json!(200), &expected), "{ended:#}");
    }
}

#[test]
fn a_certificate_that_the_host_does_not_know_is_refused_in_every_language() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let server = Server::start();
    let client = server.client();
    for language in LANGUAGES {
        let ended = got(client, language, &service.url);
        assert_eq!(ended["error"]["kind"], "guest_error", "{language}: {ended:#}");
        let log = client.log(ended["id"].as_str().unwrap());
        assert!(log.contains("certificate"), "{language}: the log does not say why: {log}");
    }
}
