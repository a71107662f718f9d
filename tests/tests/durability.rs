//! Nothing acknowledged is lost, whenever the host dies.

use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{
    Clock, Gate, Recorder, Server, ServerOptions, Stopped, http, toolbox, wait,
};

const HOUR: Duration = Duration::from_secs(3600);

fn returned(execution: &Value) -> Value {
    execution["steps"]["step"]["exports"]["$return_value"].clone()
}

fn post_links_and_wait(recorder: &Recorder, gate: &Gate) -> Value {
    json!([
        {"suspend": {}},
        {"post_links": recorder.url},
        gate.action(),
        "withdraw",
        "context",
    ])
}

#[test]
fn after_kill_9_every_execution_goes_on_from_where_it_was() {
    let (recorder, gate) = (Recorder::start(), Gate::closed());
    let server = Server::start();
    let client = server.client();
    let two_runs =
        json!({"do": [{"rerun": {"delay_ms": 2000, "context": {"n": 1}}}], "later": ["context"]});
    client.push("tests/toolbox");
    client.deploy_step_and_next("rerun", "toolbox", &two_runs);
    toolbox::deploy_and_next(client, "suspend", &json!([{"suspend": {}}]));
    toolbox::deploy_and_next(client, "slow", &post_links_and_wait(&recorder, &gate));
    toolbox::deploy_and_next(client, "quick", &json!(["context"]));

    let suspended = client.trigger("suspend", &Value::Null);
    let links = client.paused(&suspended)["waiting"].clone();
    let rerun = client.trigger("rerun", &Value::Null);
    client.paused(&rerun);
    let slow = client.trigger("slow", &Value::Null);
    recorder.nth(1);
    let accepted = client.trigger("quick", &Value::Null);
    let server = server.kill_and_restart();
    let client = server.client();
    gate.open();

    assert_eq!(client.paused(&suspended)["waiting"], links);
    let resume = links["resume_url"].as_str().unwrap();
    assert_eq!(http::post(resume, &json!("hello")).expect(200).json()["outcome"], "resumed");
    let execution = client.completed(&suspended);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume_data"]["body"], "hello");

    let execution = client.completed(&rerun);
    assert_eq!(returned(&execution)["runs"], 2);
    assert_eq!(returned(&execution)["context"], json!({"n": 1}));

    let execution = client.completed(&slow);
    assert_eq!(returned(&execution)["attempt"], 2, "{execution:#}");
    assert_eq!(returned(&execution)["runs"], 1);
    assert_eq!(recorder.links(1), recorder.links(2), "a repeated run hands out the same links");
    assert_eq!(recorder.requests().len(), 2);

    client.completed(&accepted);
    for id in [&suspended, &rerun, &slow, &accepted] {
        let execution = client.execution(id);
        assert_eq!(execution["steps"]["next"]["runs"], 1, "{execution:#}");
    }
}

#[test]
fn a_run_that_was_recorded_is_never_repeated() {
    let recorder = Recorder::start();
    let server = Server::start();
    let actions = json!([{"post_links": recorder.url}, {"suspend": {}}]);
    toolbox::deploy_and_next(server.client(), "once", &actions);
    let id = server.client().trigger("once", &Value::Null);
    server.client().paused(&id);
    let server = server.kill_and_restart().kill_and_restart();
    let waiting = server.client().paused(&id)["waiting"].clone();
    http::get(waiting["resume_url"].as_str().unwrap()).expect(200);
    let server = server.kill_and_restart();
    server.client().completed(&id);
    assert_eq!(recorder.requests().len(), 1);
}

#[test]
fn a_link_that_was_called_before_the_step_had_ended_is_remembered_over_a_crash() {
    let (recorder, gate) = (Recorder::start(), Gate::closed());
    let server = Server::start();
    let actions = json!([{"suspend": {}}, {"post_links": recorder.url}, gate.action()]);
    toolbox::deploy_and_next(server.client(), "early", &actions);
    let id = server.client().trigger("early", &Value::Null);
    let resume = recorder.links(1)["resume_url"].as_str().unwrap().to_owned();
    assert_eq!(
        http::post(&resume, &json!({"early": true})).expect(202).json()["outcome"],
        "accepted"
    );
    let server = server.kill_and_restart();
    gate.open();
    let execution = server.client().completed(&id);
    let step = &execution["steps"]["step"];
    assert_eq!(
        (&step["attempt"], &step["exports"]["$resume_data"]["body"]),
        (&json!(2), &json!({"early": true}))
    );
}

#[test]
fn sigterm_lets_the_run_under_way_finish_and_exits_with_0() {
    let (recorder, gate) = (Recorder::start(), Gate::closed());
    let server = Server::start();
    let actions = post_links_and_wait(&recorder, &gate);
    toolbox::deploy_and_next(server.client(), "slow", &actions);
    toolbox::deploy(server.client(), "other", &json!([]));
    let id = server.client().trigger("slow", &Value::Null);
    recorder.nth(1);
    server.ask_to_stop();
    let url = server.client().url.clone();
    // The signal takes a moment to arrive.
    let refused = wait::until("new work is refused", || {
        http::request("POST", &format!("{url}/hooks/other"))
            .try_send()
            .ok()
            .filter(|a| a.status != 202)
    });
    assert_eq!(refused.expect(503).json()["code"], "shutting_down");
    gate.open();
    let stopped = server.stopped();
    assert_eq!(stopped.status.code(), Some(0));
    let server = stopped.restart();
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["step"]["attempt"], 1);
    assert_eq!(recorder.requests().len(), 1, "the run was repeated");
}

#[test]
fn one_process_has_a_data_directory() {
    let server = Server::start();
    let data = server.data();
    let cli = waystation_tests::Cli::bare();
    let said =
        cli.run(&["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]).expect(1);
    assert!(said.stderr.contains("another waystation (process "), "{}", said.stderr);
    assert!(said.stderr.contains(data.to_str().unwrap()), "{}", said.stderr);
    assert_eq!(said.stderr.trim().lines().count(), 1, "{}", said.stderr);
    server.client().get("/healthz").expect(200);
}

#[test]
fn a_deadline_that_passed_while_the_host_was_down_fires_once_at_start() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    toolbox::deploy_and_next(server.client(), "pause", &json!([{"suspend": {}}]));
    let id = server.client().trigger("pause", &Value::Null);
    server.client().paused(&id);
    let stopped: Stopped<'_> = server.kill();
    clock.advance(100 * HOUR);
    let server = stopped.restart();
    let execution = server.client().completed(&id);
    assert_eq!(execution["steps"]["step"]["exports"]["$resume"]["reason"], "timeout");
    assert_eq!(execution["steps"]["next"]["runs"], 1);
    let server = server.kill_and_restart();
    let events = server.client().events(&id);
    assert_eq!(events.iter().filter(|&event| event == "time_out").count(), 1, "{events:?}");
}
