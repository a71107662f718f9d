//! The command line: every verb of the client, `--json`, exit codes, and what is said about
//! settings that are wrong.
#![expect(clippy::unwrap_used, reason = "a helper that finds nothing there has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use waystation_tests::{Cli, Recorder, Server, ServerOptions, guests, http};

const WORKFLOW: &str = "\
name: pause
trigger: { http: {} }
steps:
  - name: step
    component: toolbox
    props: { do: [{ log: hello }, { suspend: {} }, { return: \"{{ event }}\" }] }
";

/// A server with the workflow `pause`, deployed by the command line.
fn deployed() -> (Server<'static>, Cli) {
    let server = Server::start();
    let cli = Cli::of(&server);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workflow.yaml");
    fs::write(&file, WORKFLOW).unwrap();
    let component = guests::file("tests/toolbox");
    let pushed = cli.run(&["component", "push", component.to_str().unwrap()]).expect(0);
    assert!(pushed.stdout.starts_with("uploaded toolbox sha256:"), "{}", pushed.stdout);
    let deployed = cli.run(&["workflow", "deploy", file.to_str().unwrap()]).expect(0);
    assert!(deployed.stdout.contains("pause"), "{}", deployed.stdout);
    (server, cli)
}

#[test]
fn an_execution_is_started_watched_and_resumed() {
    let (server, cli) = deployed();
    let id =
        cli.json(&["trigger", "pause", "--data", "{\"n\": 1}"])["id"].as_str().unwrap().to_owned();
    server.client().paused(&id);
    let shown = cli.run(&["execution", "show", &id]).expect(0).stdout;
    for part in
        [id.as_str(), "suspended", "suspend of step step", "/resume/", "/cancel/", "/approve/"]
    {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    let listed = cli.json(&["execution", "ls", "--status", "suspended", "--workflow", "pause"]);
    assert_eq!(listed["items"][0]["id"], json!(id));
    assert_eq!(cli.json(&["execution", "ls", "--status", "failed"])["items"], json!([]));
    assert!(cli.run(&["execution", "logs", &id]).expect(0).stdout.contains("hello"));
    let resumed = cli.run(&["execution", "resume", &id, "--data", "{\"ok\": true}"]).expect(0);
    assert!(resumed.stdout.starts_with("resumed"), "{}", resumed.stdout);
    let watched = cli.run(&["execution", "watch", &id]).expect(0).stdout;
    for part in ["trigger", "finish", "resume", "completed"] {
        assert!(watched.contains(part), "no {part:?} in\n{watched}");
    }
    let execution = cli.json(&["execution", "show", &id]);
    assert_eq!(execution["event"], json!({"n": 1}));
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], json!({"ok": true}));
    assert_eq!(cli.json(&["execution", "history", &id])["items"].as_array().unwrap().len(), 4);
    assert_eq!(cli.json(&["execution", "logs", &id])["items"][0]["lines"][0]["text"], "hello");
}

#[test]
fn an_execution_is_waited_for_and_canceled() {
    let (server, cli) = deployed();
    let event = tempfile::NamedTempFile::new().unwrap();
    fs::write(event.path(), "[1, 2]").unwrap();
    let data = format!("@{}", event.path().display());
    let paused = cli.json(&["trigger", "pause", "--wait", "--data", &data]);
    assert_eq!((&paused["status"], &paused["event"]), (&json!("suspended"), &json!([1, 2])));
    let id = paused["id"].as_str().unwrap();
    let canceled = cli.run(&["execution", "cancel", id]).expect(0);
    assert!(canceled.stdout.starts_with("canceled"), "{}", canceled.stdout);
    cli.run(&["execution", "resume", id]).expect(1);
    let first = cli.json(&["trigger", "pause", "--idempotency-key", "k"]);
    assert_eq!(cli.json(&["trigger", "pause", "--idempotency-key", "k"])["id"], first["id"]);
    drop(server);
}

#[test]
fn components_and_workflows_are_listed_shown_and_removed() {
    let (_server, cli) = deployed();
    assert_eq!(cli.json(&["component", "ls"])["items"][0]["name"], "toolbox");
    assert_eq!(cli.json(&["component", "show", "toolbox"])["name"], "toolbox");
    assert_eq!(cli.json(&["workflow", "ls"])["items"][0]["name"], "pause");
    let shown = cli.json(&["workflow", "show", "pause"]);
    assert_eq!(shown["definition"]["steps"][0]["component"], "toolbox");
    for verb in [["component", "ls"], ["workflow", "ls"], ["execution", "ls"]] {
        cli.run(&verb).expect(0);
    }
    let needed = cli.run(&["component", "rm", "toolbox"]).expect(1);
    assert!(needed.stderr.contains("pause"), "{}", needed.stderr);
    cli.run(&["workflow", "rm", "pause"]).expect(0);
    cli.run(&["component", "rm", "toolbox"]).expect(0);
    let gone = cli.run(&["component", "show", "toolbox"]).expect(1);
    assert!(gone.stderr.starts_with("error: "), "{}", gone.stderr);
}

#[test]
fn a_test_run_shows_what_happened() {
    let (_server, cli) = deployed();
    let report = cli.json(&["test", "pause", "--data", "7"]);
    assert_eq!(report["status"], "canceled");
    assert!(report["message"].as_str().unwrap().contains("not supported in test"));
    let said = cli.run(&["test", "pause"]).expect(0).stdout;
    assert!(said.contains("flow.suspend()") && said.contains("hello"), "{said}");
}

#[test]
fn a_component_is_looked_at_without_a_server() {
    let file = guests::file("tests/toolbox");
    let about = Cli::bare().json(&["component", "inspect", file.to_str().unwrap()]);
    assert!(about["digest"].as_str().unwrap().starts_with("sha256:"), "{about}");
    assert!(about["imports"].to_string().contains("waystation:step/flow"), "{about}");
    let bad = tempfile::NamedTempFile::new().unwrap();
    fs::write(bad.path(), "text").unwrap();
    let said = Cli::bare().run(&["component", "inspect", bad.path().to_str().unwrap()]).expect(1);
    assert!(said.stderr.contains("not a WebAssembly component"), "{}", said.stderr);
}

#[test]
fn the_doctor_finds_a_healthy_server_and_says_what_an_ill_one_lacks() {
    let (server, cli) = deployed();
    let data = server.data();
    let checks = cli.json(&["doctor", "--data-dir", data.to_str().unwrap()]);
    let checks = checks["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["verdict"] != "bad"), "{checks:#?}");
    let stranger = cli.env("WAYSTATION_TOKEN", "not-the-right-token");
    stranger.run(&["doctor"]).expect(1);
    let nobody =
        Cli::bare().env("WAYSTATION_URL", "http://127.0.0.1:9").env("WAYSTATION_TOKEN", "x");
    nobody.run(&["doctor"]).expect(1);
}

#[test]
fn whoever_asks_in_a_wrong_way_gets_exit_code_2_and_whoever_fails_gets_1() {
    let (_server, cli) = deployed();
    for wrong in [
        &["frobnicate"][..],
        &["trigger"],
        &["trigger", "pause", "--data", "{"],
        &["trigger", "pause", "--data", "@/nowhere/at/all"],
        &["execution", "show", "../../token"],
        &["execution", "ls", "--limit", "many"],
    ] {
        let said = cli.run(wrong);
        assert_eq!(said.code, 2, "{wrong:?}: {}", said.stderr);
    }
    for failing in [
        &["trigger", "nobody"][..],
        &["execution", "show", "0198c9a2-0000-7000-8000-000000000000"],
        &["component", "push", "/nowhere/at/all.wasm"],
        &["workflow", "deploy", "/nowhere/at/all.yaml"],
    ] {
        let said = cli.run(failing);
        assert_eq!(said.code, 1, "{failing:?}: {}", said.stderr);
        assert!(said.stderr.starts_with("error: "), "{failing:?}: {}", said.stderr);
    }
    let said = Cli::bare()
        .env("WAYSTATION_URL", "http://127.0.0.1:9")
        .env("WAYSTATION_TOKEN", "x")
        .run(&["execution", "ls"]);
    assert_eq!(said.code, 1);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
}

#[test]
fn a_setting_that_is_wrong_ends_the_server_with_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waystation.toml");
    let data = folder.path().join("data");
    let serve = |text: &str, cli: &Cli| {
        fs::write(&file, text).unwrap();
        let arguments =
            ["serve", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
        cli.run(&arguments).expect(2).stderr
    };
    for (text, parts) in [
        ("listen = \"nowhere\"\n", ["waystation.toml:1", "listen", "\"nowhere\""]),
        (
            "\n[limits]\nmemory_mib = \"much\"\n",
            ["waystation.toml:3", "limits.memory_mib", "whole number"],
        ),
        ("[links]\nget = \"ask\"\n", ["waystation.toml:2", "links.get", "act, confirm"]),
        ("colour = \"red\"\n", ["waystation.toml:1", "colour", "unknown key"]),
        (
            "[outbound]\nprivate = [\"10.0.0.0/99\"]\n",
            ["waystation.toml:2", "outbound.private", "10.0.0.0/99"],
        ),
    ] {
        let said = serve(text, &Cli::bare());
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in parts {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
    }
    let said = serve("", &Cli::bare().env("WAYSTATION_LIMITS_RUNS_MAX", "many"));
    assert!(said.contains("WAYSTATION_LIMITS_RUNS_MAX"), "{said}");
    assert!(!data.exists(), "a server with a wrong setting made its data directory");
}

#[test]
fn the_token_beside_the_data_directory_is_found() {
    let server = Server::start();
    fs::write(server.data().join("token"), format!("{}\n", waystation_tests::TOKEN)).unwrap();
    let cli = Cli::bare().env("WAYSTATION_URL", &server.client().url);
    let data = server.data();
    cli.run(&["execution", "ls", "--data-dir", data.to_str().unwrap()]).expect(0);
    assert_eq!(
        http::get(&format!("{}/healthz", server.client().url)).json(),
        json!({"status": "ok"})
    );
    let _: Value = cli.json(&["execution", "ls", "--data-dir", data.to_str().unwrap()]);
}

#[test]
fn the_token_of_a_data_directory_stays_on_this_machine_unless_the_directory_was_named() {
    let recorder = Recorder::start();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("waystation-data")).unwrap();
    fs::write(folder.path().join("waystation-data/token"), "of-the-file\n").unwrap();
    let cli = Cli::bare().within(folder.path());
    // Leads to this machine, and is none of the names that are known to.
    let elsewhere = recorder.url.replace("127.0.0.1", "0.0.0.0");
    let ls = |cli: &Cli, url: &str, more: &[&str]| {
        cli.run(&[&["execution", "ls", "--url", url], more].concat())
    };
    let shown =
        |count: usize| recorder.nth(count).header("authorization").unwrap_or_default().to_owned();

    let said = ls(&cli, &elsewhere, &[]).expect(2);
    assert!(said.stderr.contains("set WAYSTATION_TOKEN"), "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    assert!(recorder.requests().is_empty(), "{:?}", recorder.requests());

    let said = ls(&cli, &recorder.url, &[]).expect(0);
    assert_eq!((said.stderr.as_str(), shown(1).as_str()), ("", "Bearer of-the-file"));

    let warned = |said: &str| said.starts_with("warning: the token goes to 0.0.0.0 unencrypted");
    let said = ls(&cli, &elsewhere, &["--data-dir", "waystation-data"]).expect(0);
    assert!(warned(&said.stderr) && shown(2) == "Bearer of-the-file", "{}", said.stderr);
    let named = cli.clone().env("WAYSTATION_DATA", "./waystation-data");
    let said = ls(&named, &elsewhere, &[]).expect(0);
    assert!(warned(&said.stderr) && shown(3) == "Bearer of-the-file", "{}", said.stderr);
    let given = cli.env("WAYSTATION_TOKEN", "given");
    let said = ls(&given, &elsewhere, &[]).expect(0);
    assert!(warned(&said.stderr) && shown(4) == "Bearer given", "{}", said.stderr);
    let said = ls(&given, &recorder.url, &[]).expect(0);
    assert_eq!((said.stderr.as_str(), shown(5).as_str()), ("", "Bearer given"));
}

#[test]
fn a_directory_of_others_is_no_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().to_str().unwrap();
    let said = Cli::bare().run(&["serve", "--listen", "127.0.0.1:0", "--data", data]).expect(1);
    assert!(said.stderr.contains(data) && said.stderr.contains("--data with"), "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    let mode = fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o755, "it was closed to others");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left there");
}

#[test]
fn a_crash_leaves_no_keys_in_a_file_unless_a_debugger_is_welcome() {
    assert_eq!(Server::start().core_bytes_max(), Some(0));
    let allowed = ServerOptions::new().env("WAYSTATION_DEBUG_ATTACH", "allow").start();
    // The system's limit, which these tests run under.
    let system = fs::read_to_string("/proc/self/limits").unwrap();
    let ours = system.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let ours = ours.split_whitespace().nth(5).unwrap().parse().ok();
    assert_eq!(allowed.core_bytes_max(), ours);
}
