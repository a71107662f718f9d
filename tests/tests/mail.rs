//! Mails are delivered at least once, whatever dies.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Clock, MailServer, Server, ServerOptions, http, toolbox, wait};

/// A message as a mail program shows it: long lines joined, escapes resolved.
fn readable(message: &str) -> String {
    message.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
}

/// The mails in the outbox.
fn outbox(server: &Server<'_>) -> Vec<String> {
    let files = fs::read_dir(server.data().join("outbox")).unwrap().flatten();
    let done = files.filter(|file| file.path().extension().is_some_and(|end| end == "eml"));
    done.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

fn link(text: &str, kind: &str) -> String {
    let found = text.split_whitespace().find(|word| word.contains(&format!("/{kind}/")));
    found.unwrap_or_else(|| panic!("no {kind} link in {text}")).trim_end_matches(',').to_owned()
}

fn email() -> Value {
    json!({"email": {"to": ["ada@example.org"], "subject": "Good news", "text": "It works."}})
}

#[test]
fn without_a_mail_server_a_mail_is_a_file_with_both_links() {
    let server = ServerOptions::new().env("WAYSTATION_EMAIL_FROM", "host@example.org").start();
    let client = server.client();
    client.push("tests/seed_approval");
    client.deploy_step_and_next("seed", "seed_approval", &json!({}));
    let id = client.trigger("seed", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    let mail = wait::until("a mail in the outbox", || outbox(&server).pop());
    for header in [
        "From: host@example.org\r\n",
        "To: owner@example.org\r\n",
        "Subject: Please approve this important workflow\r\n",
        "Message-ID: <",
        "Date: ",
    ] {
        assert!(mail.contains(header), "no {header:?} in {mail}");
    }
    let text = readable(&mail);
    assert_eq!(link(&text, "resume"), waiting["resume_url"].as_str().unwrap());
    assert_eq!(link(&text, "cancel"), waiting["cancel_url"].as_str().unwrap());
    http::get(&link(&text, "cancel")).expect(200);
    assert_eq!(client.ended(&id)["status"], "canceled");
}

#[test]
fn a_mail_goes_to_the_mail_server() {
    let mail = MailServer::start();
    let server = ServerOptions::new().env("WAYSTATION_EMAIL_SMTP_URL", &mail.url()).start();
    toolbox::trigger(server.client(), &json!([email()]));
    let message = mail.message();
    for part in ["To: ada@example.org", "Subject: Good news", "It works."] {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
    assert!(outbox_is_unused(&server));
}

fn outbox_is_unused(server: &Server<'_>) -> bool {
    fs::read_dir(server.data().join("outbox")).map_or(true, |files| files.count() == 0)
}

#[test]
fn a_mail_waits_for_a_mail_server_that_is_down_also_over_a_crash() {
    let (clock, mut mail) = (Clock::new(), MailServer::down());
    let options = ServerOptions::new().clock(&clock);
    let server = options.env("WAYSTATION_EMAIL_SMTP_URL", &mail.url()).start();
    let id = toolbox::trigger(server.client(), &json!([email(), {"suspend": {}}]));
    server.client().paused(&id);
    wait::until("a failed delivery in the log", || {
        server.log().contains("a mail was not delivered; tried again").then_some(())
    });
    let server = server.kill_and_restart();
    mail.up();
    clock.advance(Duration::from_secs(3600));
    assert!(mail.message().contains("Subject: Good news"));
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    let sent = || server.client().figure("mails_sent_total");
    wait::until("the mail is off the queue", || (sent() == 1).then_some(()));
    let server = server.kill_and_restart();
    clock.advance(Duration::from_secs(100 * 3600));
    server.client().completed(&id);
    assert_eq!(mail.messages().len(), 1, "delivered again");
}

#[test]
fn a_mail_of_a_finished_run_survives_a_kill_before_its_delivery() {
    let mail = MailServer::start();
    // Nobody takes it as long as this server lives: its port belongs to nobody.
    let nobody = MailServer::down();
    let server = ServerOptions::new().env("WAYSTATION_EMAIL_SMTP_URL", &nobody.url()).start();
    let ids: Vec<String> =
        (0..5).map(|_| toolbox::trigger(server.client(), &json!([email()]))).collect();
    ids.iter().for_each(|id| drop(server.client().completed(id)));
    let clock = Clock::new();
    clock.advance(Duration::from_secs(24 * 3600));
    let options = ServerOptions::new().clock(&clock);
    let _server = server.kill().restart_with(options.env("WAYSTATION_EMAIL_SMTP_URL", &mail.url()));
    let all = wait::until("five mails", || Some(mail.messages()).filter(|all| all.len() >= 5));
    for id in ids {
        assert!(all.iter().any(|message| message.contains(&id)), "no mail of {id}");
    }
}

#[test]
fn the_mail_of_a_run_that_fails_is_sent_all_the_same() {
    let server = Server::start();
    let id = toolbox::trigger(server.client(), &json!([email(), {"fail": {"message": "later"}}]));
    server.client().failed(&id);
    wait::until("a mail in the outbox", || outbox(&server).pop());
}

#[test]
fn a_step_that_may_not_send_mail_can_not() {
    let server = Server::start();
    let fields = json!({"props": {"do": [email()]}, "allow": {"email": false}});
    let id = toolbox::trigger_step(server.client(), fields);
    assert_eq!(server.client().failed(&id)["name"], "NotAllowed");
    let to_nobody = json!([{"email": {"to": ["no address"], "subject": "x", "text": "y"}}]);
    let id = toolbox::trigger(server.client(), &to_nobody);
    assert_eq!(server.client().failed(&id)["name"], "InvalidArgument");
    let injected = json!([{"email": {"to": ["a@example.org"], "subject": "x\r\nBcc: b@example.org", "text": "y"}}]);
    let id = toolbox::trigger(server.client(), &injected);
    assert_eq!(server.client().failed(&id)["name"], "InvalidArgument");
    assert_eq!(outbox(&server).len(), 0);
}
