//! The approval page, in a real browser.

use serde_json::{Value, json};
use waystation_tests::{Browser, Client, Server, ServerOptions, toolbox, wait};

fn paused(client: &Client) -> (String, Value) {
    let ask = json!([{"suspend": {"message": "Ship order 7 to Ada?"}}]);
    toolbox::deploy_and_next(client, "ship-order", &ask);
    let id = client.trigger("ship-order", &Value::Null);
    let waiting = client.paused(&id)["waiting"].clone();
    (id, waiting)
}

#[test]
fn a_person_reads_the_page_and_resumes_without_javascript() {
    let server = Server::start();
    let (id, waiting) = paused(server.client());
    let browser = Browser::start(false);
    browser.open(waiting["approval_url"].as_str().unwrap());
    let text = browser.text();
    assert!(text.contains("Ship order 7 to Ada?") && text.contains("ship-order"), "{text}");
    browser.screenshot("approval-asks");
    // The policy lets the page's own stylesheet through, and had nothing to refuse.
    assert_eq!(browser.style("main", "border-top-width"), "4px");
    assert_eq!(browser.style("form", "display"), "flex");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    browser.click("button[value=resume]");
    let execution = server.client().completed(&id);
    browser.until_it_reads("resumed");
    browser.screenshot("approval-resumed");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let data = &execution["steps"]["step"]["exports"]["$resume_data"];
    assert_eq!(data["method"], "POST");
    browser.open(waiting["approval_url"].as_str().unwrap());
    assert!(browser.text().contains("It was resumed."), "{}", browser.text());
    browser.screenshot("approval-over");
}

#[test]
fn a_person_cancels_with_javascript_on() {
    let server = Server::start();
    let (id, waiting) = paused(server.client());
    let browser = Browser::start(true);
    browser.open(waiting["approval_url"].as_str().unwrap());
    browser.click("button[value=cancel]");
    assert_eq!(server.client().ended(&id)["status"], "canceled");
    browser.until_it_reads("canceled");
    browser.screenshot("approval-canceled");
}

#[test]
fn a_person_who_opens_the_resume_link_sees_that_it_worked() {
    let server = Server::start();
    let (id, waiting) = paused(server.client());
    let browser = Browser::start(true);
    browser.open(waiting["resume_url"].as_str().unwrap());
    assert!(browser.text().to_lowercase().contains("resumed"), "{}", browser.text());
    browser.screenshot("link-resumed");
    server.client().completed(&id);
}

#[test]
fn with_get_confirm_the_resume_link_asks_first() {
    let server = ServerOptions::new().env("WAYSTATION_LINKS_GET", "confirm").start();
    let (id, waiting) = paused(server.client());
    let browser = Browser::start(false);
    browser.open(waiting["resume_url"].as_str().unwrap());
    assert_eq!(server.client().execution(&id)["status"], "suspended");
    browser.screenshot("link-confirms");
    browser.click("button");
    server.client().completed(&id);
    browser.until_it_reads("resumed");
}

#[test]
fn a_steps_page_runs_in_an_origin_of_its_own() {
    let server = Server::start();
    let (id, waiting) = paused(server.client());
    // It tries to read the approval page, and says what came of it.
    let script = "
        <title>at work</title><body><p>a step's page</p><script>
        const tell = text => { document.title = self.origin + ' ' + text; };
        fetch(new URLSearchParams(location.search).get('page'))
            .then(answer => answer.text()).then(text => tell('read ' + text))
            .catch(error => tell('refused'));
        </script>";
    let page = json!([{"respond": {
        "status": 200, "body": script, "headers": [["content-type", "text/html"]],
    }}]);
    server.client().push("tests/toolbox");
    server.client().deploy(&json!({
        "name": "page", "trigger": {"http": {"respond": "step"}},
        "steps": [{"name": "step", "component": "toolbox", "props": {"do": page}}],
    }));
    let browser = Browser::start(true);
    let approval = waiting["approval_url"].as_str().unwrap();
    browser.open(&format!("{}/hooks/page?page={approval}", server.client().url));
    let title = wait::until("the page's script has tried", || {
        Some(browser.title()).filter(|title| title != "at work")
    });
    assert_eq!(title, "null refused");
    assert_eq!(server.client().execution(&id)["status"], "suspended");
}
