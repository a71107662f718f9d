//! A backup of a server under load is one moment of it, and lives on elsewhere.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use waystation_tests::{Cli, Client, Said, Server, ServerOptions, http, run_id, toolbox, wait};

fn waystation(server: &Server<'_>, arguments: &[&str]) -> Said {
    Cli::of(server).run(arguments)
}

/// The same link, at another server.
fn at(server: &Server<'_>, link: &str) -> String {
    let path = link.find("/resume/").map(|start| &link[start..]);
    format!("{}{}", server.client().url, path.unwrap())
}

/// Triggers, resumes and reads until it is told to stop; the ids of all triggers that were
/// answered.
fn load(client: &Client, stop: &AtomicBool, triggered: &Mutex<Vec<String>>) {
    while !stop.load(Ordering::Relaxed) {
        let answer = http::post(&format!("{}/hooks/ask", client.url), &json!({})).expect(202);
        let id = run_id(&answer.json());
        triggered.lock().unwrap().push(id.clone());
        let paused = client.paused(&id);
        http::post(paused["waiting"]["resume_url"].as_str().unwrap(), &json!(1)).expect(200);
    }
}

fn restored(file: &Path, data: &Path) -> Server<'static> {
    let cli = Cli::bare();
    let words = ["restore", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let said = cli.run(&words).expect(0);
    assert!(said.stdout.starts_with("restored to "), "{}", said.stdout);
    ServerOptions::new().data(data).start()
}

#[test]
fn a_backup_under_load_restored_elsewhere_goes_on_with_its_links() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.tar");
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "ask", &json!([{"suspend": {}}]));
    let before = client.trigger("ask", &json!({"n": 1}));
    let link = client.paused(&before)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    let history = client.history(&before);

    let (stop, triggered) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| load(client, &stop, &triggered));
        }
        let seen = || triggered.lock().unwrap().len();
        wait::until("there is a load", || (seen() > 60).then_some(()));
        let words = ["backup", file.to_str().unwrap(), "--with-keys"];
        waystation(&server, &words).expect(0);
        let then = seen();
        wait::until("the load goes on", || (seen() > then + 30).then_some(()));
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(client.get("/api/v1/check").expect(200).json()["problems"], json!([]));
    let all = triggered.into_inner().unwrap();
    // What happens here after the backup is not known there.
    http::post(&link, &json!("here")).expect(200);
    client.completed(&before);

    let there = restored(&file, &folder.path().join("elsewhere"));
    let client = there.client();
    assert_eq!(client.get("/api/v1/check").expect(200).json()["problems"], json!([]));
    assert_eq!(client.execution(&before)["status"], "suspended");
    assert_eq!(client.history(&before), history);
    let answer = http::post(&at(&there, &link), &json!("there")).expect(200).json();
    assert_eq!((&answer["outcome"], &answer["already"]), (&json!("resumed"), &json!(false)));
    let execution = client.completed(&before);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], "there");
    assert_eq!(execution["event"], json!({"n": 1}));

    // One moment: what came first is there, what came last is not, and all of it goes on.
    let is_there = |id: &String| client.get(&format!("/api/v1/executions/{id}")).status == 200;
    assert!(is_there(&all[0]));
    assert!(!is_there(all.last().unwrap()));
    for id in all.iter().filter(|id| is_there(id)) {
        let execution = client.when(id, "moved as far as it goes", |execution| {
            execution["status"] == "suspended" || execution["status"] == "completed"
        });
        if execution["status"] == "suspended" {
            let link = execution["waiting"]["resume_url"].as_str().unwrap();
            http::post(link, &json!(2)).expect(200);
            client.completed(id);
        }
    }
}

#[test]
fn a_backup_has_keys_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    toolbox::deploy_and_next(server.client(), "ask", &json!([{"suspend": {}}]));
    let id = server.client().trigger("ask", &Value::Null);
    let link = server.client().paused(&id)["waiting"]["resume_url"].as_str().unwrap().to_owned();
    let key = fs::read_to_string(server.data().join("link-keys")).unwrap();
    let secret = key.lines().last().unwrap().split_once(' ').unwrap().1.to_owned();
    let holds_the_key = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
    };
    let (with, without) = (folder.path().join("with.tar"), folder.path().join("without.tar"));
    waystation(&server, &["backup", with.to_str().unwrap(), "--with-keys"]).expect(0);
    let said = waystation(&server, &["backup", without.to_str().unwrap()]).expect(0);
    assert!(said.stdout.contains("It holds no keys"), "{}", said.stdout);
    assert!(holds_the_key(&with));
    assert!(!holds_the_key(&without));

    let there = restored(&without, &folder.path().join("elsewhere"));
    assert_eq!(there.client().paused(&id)["status"], "suspended");
    http::post(&at(&there, &link), &json!(1)).expect(404);
    // With the operator's copy of the keys it works.
    let stopped = there.kill();
    fs::write(stopped.data().join("link-keys"), key).unwrap();
    let there = stopped.restart();
    http::post(&at(&there, &link), &json!(1)).expect(200);
}

#[test]
fn what_is_no_backup_restores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    toolbox::deploy(server.client(), "ask", &json!([{"suspend": {}}]));
    let file = folder.path().join("backup.tar");
    waystation(&server, &["backup", file.to_str().unwrap()]).expect(0);
    let again = waystation(&server, &["backup", file.to_str().unwrap()]).expect(1);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    // Somebody else's, perhaps with a mode of their own: it is not written to, nor removed.
    let (second, part) = (folder.path().join("second.tar"), folder.path().join("second.tar.part"));
    fs::write(&part, "mine").unwrap();
    let refused = waystation(&server, &["backup", second.to_str().unwrap()]).expect(1);
    assert!(refused.stderr.contains("another backup is under way"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&part).unwrap(), "mine");

    let data = folder.path().join("data");
    let restore = |file: &Path| {
        let words = ["restore", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
        Cli::bare().run(&words)
    };
    let whole = fs::read(&file).unwrap();
    for (name, bytes) in [
        ("cut.tar", &whole[..whole.len() / 2]),
        ("text.tar", &b"this is a text"[..]),
        ("long.tar", "a long text\n\x1b[31m".repeat(100).as_bytes()),
        ("empty.tar", &b""[..]),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let said = restore(&file).expect(1);
        assert!(said.stderr.contains("this is no backup, or a damaged one"), "{}", said.stderr);
        assert_eq!(said.stderr.trim().lines().count(), 1, "{}", said.stderr);
        assert!(!data.join("store").exists() && !data.join(".restoring").exists());
    }
    // One that is cut off leaves no server that knows half of it.
    fs::create_dir_all(data.join(".restoring/store")).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let said = Cli::bare().run(&serve).expect(1);
    assert!(said.stderr.contains("a restore into the data directory"), "{}", said.stderr);
    restore(&file).expect(0);
    assert!(!data.join(".restoring").exists());
    let said = restore(&file).expect(1);
    assert!(said.stderr.contains("is not empty"), "{}", said.stderr);
}

#[test]
fn the_doctor_looks_into_the_store() {
    let server = Server::start();
    toolbox::deploy(server.client(), "ask", &json!([{"suspend": {}}]));
    for _ in 0..3 {
        server.client().trigger("ask", &Value::Null);
    }
    let said = waystation(&server, &["doctor"]).expect(0);
    assert!(said.stdout.contains("all of its 3 executions are whole"), "{}", said.stdout);
    assert!(said.stdout.contains("no pause is overdue"), "{}", said.stdout);
    let stopped = server.kill();
    let data = stopped.data();
    let look = || Cli::bare().run(&["doctor", "--data-dir", data.to_str().unwrap()]).expect(1);
    let said = look();
    assert!(said.stdout.contains("all of its 3 executions are whole"), "{}", said.stdout);
    fs::write(data.join("store/db"), b"").unwrap();
    let said = look();
    assert!(said.stdout.contains("the database is damaged"), "{}", said.stdout);
    assert!(said.stdout.contains("restore the data directory from a backup"), "{}", said.stdout);
}
