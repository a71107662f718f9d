//! What a step gets, what it does not get, and how a step that takes too much ends.

use std::time::Duration;

use serde_json::{Value, json};
use waystation_tests::{Cli, Clock, Recorder, Server, ServerOptions, guests, http, toolbox, wait};

const HOUR: Duration = Duration::from_secs(3600);

/// Each of these ends by itself, and takes nobody with it: afterwards the server runs a step.
#[test]
fn every_way_to_take_too_much_ends_with_a_failure_that_names_it() {
    let server = ServerOptions::new()
        .env("WAYSTATION_LIMITS_CPU_MS", "400")
        .env("WAYSTATION_LIMITS_TIMEOUT_S", "2")
        .env("WAYSTATION_LIMITS_MEMORY_MIB", "32")
        .start();
    let client = server.client();
    for (action, kind, message) in [
        (json!("spin"), "cpu_limit", "400 ms of processor time"),
        (json!({"sleep": 60_000}), "time_limit", "still running after 2 s"),
        (json!("grow_memory"), "memory_limit", "32 MiB of memory"),
        (json!("recurse"), "stack_overflow", "nested too deep"),
        (json!({"panic": "no more"}), "guest_trap", "no more"),
        (json!({"process_exit": 3}), "guest_exit", "called exit("),
        (json!({"output": 513 * 1024}), "output_limit", "the return value"),
        (json!({"exports": 65}), "guest_error", "64"),
        (json!({"fail": {"message": "not today"}}), "guest_error", "not today"),
        (json!({"export": ["$return_value", 1]}), "guest_error", "$return_value"),
    ] {
        let id = toolbox::trigger(client, &json!([action]));
        let error = client.failed(&id);
        assert_eq!(error["kind"], kind, "{action}: {error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{action}: {error}");
        assert_eq!(error["step"], "step");
    }
    assert_eq!(toolbox::result(client, &json!([{"return": "fine"}])), "fine");
}

#[test]
fn a_step_may_ask_for_other_limits_than_the_default() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_MEMORY_MIB_MAX", "512").start();
    let client = server.client();
    let fields = |limits: Value| json!({"props": {"do": [{"sleep": 5000}]}, "limits": limits});
    let id = toolbox::trigger_step(client, fields(json!({"timeout_s": 1})));
    assert_eq!(client.failed(&id)["kind"], "time_limit");
    let too_much = json!({"name": "greedy", "steps": [
        {"name": "step", "component": "toolbox", "limits": {"memory_mib": 513}},
    ]});
    let problem = client.put_workflow(&too_much).expect(422).json();
    assert!(problem["detail"].as_str().unwrap().contains("memory_mib"), "{problem}");

    let spin = |limits: Value| json!({"props": {"do": ["spin"]}, "limits": limits});
    let error = client.failed(&toolbox::trigger_step(client, spin(json!({"cpu_ms": 150}))));
    assert_eq!(error["kind"], "cpu_limit");
    assert!(error["message"].as_str().unwrap().contains("more than 150 ms"), "{error}");
    let too_much = json!({"name": "greedy", "steps": [
        {"name": "step", "component": "toolbox", "limits": {"cpu_ms": 300_001}},
    ]});
    let problem = client.put_workflow(&too_much).expect(422).json();
    let place = "steps[0].limits.cpu_ms: 300001 is not between 1 and 300000";
    assert!(problem["detail"].as_str().unwrap().contains(place), "{problem}");
}

#[test]
fn a_step_that_runs_again_for_ever_ends() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_STEP_RUNS_MAX", "4").start();
    let client = server.client();
    let again = json!([{"rerun": {"delay_ms": 1, "max_retries": u32::MAX}}]);
    let id = toolbox::trigger_step(client, json!({"props": {"do": again, "later": again}}));
    let error = client.failed(&id);
    assert_eq!(error["kind"], "run_limit");
    assert!(error["message"].as_str().unwrap().contains("the 4 runs"), "{error}");
    assert_eq!(client.execution(&id)["steps"]["step"]["runs"], 4);
}

#[test]
fn all_limits_can_be_read() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_STACK_KIB", "777").start();
    let client = server.client();
    let limits = client.get("/api/v1/limits").expect(200).json();
    assert_eq!(limits["limits"]["stack_kib"], 777);
    assert_eq!(limits["limits"]["memory_mib"], 256);
    assert_eq!(limits["fixed"]["json_depth_max"], 128);
    assert_eq!(limits["fixed"]["wait_ms_max"], 31_536_000_000_u64);
    assert_eq!(limits["fixed"]["crashes_max"], 5);
    assert_eq!(limits["limits"]["header_bytes_max"], 65_536);
    http::get(&format!("{}/api/v1/limits", client.url)).expect(401);

    // What can be read and what is documented is the same.
    let document = guests::repository().join("docs/configuration.md");
    let document = std::fs::read_to_string(document).unwrap();
    let section = document.split("## Limits").nth(1).unwrap().split("###").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut documented: Vec<&str> = rows.collect();
    let mut read: Vec<&str> = limits["limits"].as_object().unwrap().keys().map(|k| &**k).collect();
    documented.sort_unstable();
    read.sort_unstable();
    assert_eq!(documented, read);

    let cli = Cli::of(&server);
    assert_eq!(cli.json(&["limits"]), limits);
    let said = cli.run(&["limits"]).expect(0).stdout;
    for line in ["stack_kib", "777", "524288", "512.0 KiB", "json_depth_max", "fixed"] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
}

#[test]
fn what_flow_calls_asked_for_is_dropped_when_the_handler_fails() {
    let server = Server::start();
    let client = server.client();
    let id =
        toolbox::trigger(client, &json!([{"suspend": {}}, {"fail": {"message": "after all"}}]));
    assert_eq!(client.failed(&id)["message"], "after all");
    assert_eq!(client.events(&id), ["trigger", "start", "fail"]);
}

#[test]
fn a_log_that_is_too_long_is_cut_with_a_mark_and_the_step_goes_on() {
    let server = Server::start();
    let client = server.client();
    let id = toolbox::trigger(
        client,
        &json!([{"log_bytes": 200_000}, {"log": "the end"}, {"return": 1}]),
    );
    client.completed(&id);
    let log = client.log(&id);
    assert!(log.len() <= 66 * 1024, "{} bytes", log.len());
    assert!(
        log.ends_with("the log is cut here: at most 65536 bytes are kept"),
        "{}",
        &log[log.len() - 200..]
    );
}

#[test]
fn an_output_as_large_as_allowed_is_kept_and_all_together_are_bounded() {
    let server =
        ServerOptions::new().env("WAYSTATION_LIMITS_EXECUTION_BYTES_MAX", "600000").start();
    let client = server.client();
    client.push("tests/toolbox");
    let step = |name: &str, bytes: usize| json!({"name": name, "component": "toolbox", "props": {"do": [{"output": bytes}]}});
    client.deploy(&json!({"name": "big", "steps": [step("one", 500_000)]}));
    let execution = client.completed(&client.trigger("big", &Value::Null));
    let output = &execution["steps"]["one"]["exports"]["$return_value"];
    assert_eq!(output.as_str().unwrap().len(), 500_000);
    client.deploy(&json!({"name": "big", "steps": [step("one", 500_000), step("two", 200_000)]}));
    let error = client.failed(&client.trigger("big", &Value::Null));
    assert_eq!((&error["kind"], &error["step"]), (&json!("data_limit"), &json!("two")));
}

#[test]
fn a_failure_that_may_pass_is_retried_and_the_wait_outlives_the_host() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let client = server.client();
    let retry = json!({"attempts": 4, "backoff_ms": 3_600_000, "factor": 1});
    let fail = json!({"fail": {"message": "not yet", "attempts": 2}});
    let fields = json!({"props": {"do": [fail, "context"]}, "retry": retry});
    let id = toolbox::trigger_step(client, fields);
    let waiting = client.paused(&id)["waiting"].clone();
    assert_eq!((&waiting["kind"], &waiting["message"]), (&json!("retry"), &json!("not yet")));
    for url in ["resume_url", "cancel_url", "approval_url"] {
        assert_eq!(waiting[url], Value::Null);
    }
    let server = server.kill_and_restart();
    let client = server.client();
    assert_eq!(client.paused(&id)["waiting"], waiting);
    clock.advance(2 * HOUR);
    client.when(&id, "waiting again", |execution| {
        execution["status"] == "suspended" && execution["waiting"] != waiting
    });
    clock.advance(2 * HOUR);
    let execution = client.completed(&id);
    let returned = &execution["steps"]["step"]["exports"]["$return_value"];
    assert_eq!((&returned["attempt"], &returned["runs"]), (&json!(3), &json!(1)));
}

#[test]
fn the_operator_ends_a_retrys_wait_at_once() {
    let server = Server::start();
    let client = server.client();
    let retry = json!({"attempts": 2, "backoff_ms": 3_600_000});
    let fail = json!({"fail": {"message": "not yet", "attempts": 1}});
    let id =
        toolbox::trigger_step(client, json!({"props": {"do": [fail, "context"]}, "retry": retry}));
    client.paused(&id);
    client.post(&format!("/api/v1/executions/{id}/resume"), &Value::Null).expect(200);
    let execution = client.completed(&id);
    assert_eq!(execution["steps"]["step"]["attempt"], 2);
}

#[test]
fn a_failure_for_good_is_not_retried_and_retries_end() {
    let server = Server::start();
    let client = server.client();
    let retry = json!({"attempts": 3, "backoff_ms": 1});
    let run = |fail: Value| {
        let fields = json!({"props": {"do": [{"fail": fail}]}, "retry": retry});
        let id = toolbox::trigger_step(client, fields);
        client.failed(&id);
        client.execution(&id)["steps"]["step"]["attempt"].clone()
    };
    assert_eq!(run(json!({"message": "never", "permanent": true})), 1);
    assert_eq!(run(json!({"message": "again and again"})), 3);
}

#[test]
fn a_step_sees_no_files_no_environment_and_no_sockets() {
    let server = ServerOptions::new().env("A_SECRET", "of the host").start();
    let seen = toolbox::result(server.client(), &json!(["surroundings"]));
    assert_eq!((&seen["variables"], &seen["files"]), (&json!([]), &json!([])));
    assert!(seen["socket"].is_string(), "{seen}");
}

#[test]
fn a_step_calls_only_what_both_the_operator_and_its_workflow_allow() {
    let service = Recorder::start();
    let get = json!([{"get": format!("{}/private", service.url)}]);
    let step = |allow: Value| json!({"props": {"do": get}, "allow": allow});
    let server = Server::start();
    let none = toolbox::trigger_step(server.client(), step(json!({"http": []})));
    assert_eq!(server.client().failed(&none)["kind"], "guest_error");
    let elsewhere = toolbox::trigger_step(
        server.client(),
        step(json!({"http": ["http://127.0.0.1:*/public"]})),
    );
    assert_eq!(server.client().failed(&elsewhere)["kind"], "guest_error");

    let no_loopback = ServerOptions::new().env("WAYSTATION_OUTBOUND_PRIVATE", "").start();
    let id = toolbox::trigger_step(no_loopback.client(), step(Value::Null));
    assert_eq!(no_loopback.client().failed(&id)["kind"], "guest_error");

    let other_hosts =
        ServerOptions::new().env("WAYSTATION_OUTBOUND_ALLOW", "https://example.com").start();
    let id = toolbox::trigger_step(other_hosts.client(), step(Value::Null));
    assert_eq!(other_hosts.client().failed(&id)["kind"], "guest_error");
    assert_eq!(service.requests().len(), 0, "a request got through");

    let id = toolbox::trigger_step(server.client(), step(Value::Null));
    server.client().completed(&id);
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn every_start_resume_and_rerun_costs_and_waiting_does_not() {
    let clock = Clock::new();
    let server = ServerOptions::new().clock(&clock).start();
    let client = server.client();
    client.push("tests/toolbox");
    let props = json!({"do": [{"rerun": {"delay_ms": 3_600_000}}], "later": [{"return": 1}]});
    client.deploy_step_and_next("cost", "toolbox", &props);
    let id = client.trigger("cost", &Value::Null);
    client.paused(&id);
    clock.advance(2 * HOUR);
    let execution = client.completed(&id);
    assert_eq!(execution["credits"], 2, "{execution:#}");
    assert_eq!(execution["segments"].as_array().unwrap().len(), 2);
    assert!(execution["compute_ms"].as_u64().unwrap() < 3_600_000, "{execution:#}");
}

#[test]
fn exit_ends_the_workflow_well_and_beats_a_pause() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "exit", &json!([{"exit": "nothing to do"}, {"suspend": {}}]));
    let execution = client.completed(&client.trigger("exit", &Value::Null));
    assert_eq!(execution["exit_reason"], "nothing to do");
    assert_eq!(execution["steps"]["next"]["runs"], 0);
}

#[test]
fn of_several_flow_calls_the_last_stands_and_its_links_are_the_same() {
    let (server, recorder) = (Server::start(), Recorder::start());
    let client = server.client();
    let actions = json!([
        {"rerun": {"delay_ms": 60_000}}, {"post_links": recorder.url},
        {"suspend": {"timeout_ms": 60_000}}, {"post_links": recorder.url},
    ]);
    let id = toolbox::trigger(client, &actions);
    let waiting = client.paused(&id)["waiting"].clone();
    assert_eq!(waiting["kind"], "suspend");
    assert_eq!(recorder.links(1), recorder.links(2));
    assert_eq!(recorder.links(2)["resume_url"], waiting["resume_url"]);
}

#[test]
fn a_delay_goes_on_by_itself() {
    let server = Server::start();
    let client = server.client();
    toolbox::deploy_and_next(client, "delay", &json!([{"delay": 200}, {"return": 1}]));
    let execution = client.completed(&client.trigger("delay", &Value::Null));
    let exports = &execution["steps"]["step"]["exports"];
    assert_eq!(
        (&exports["$return_value"], &exports["$resume"]["reason"]),
        (&json!(1), &json!("timeout"))
    );
}

#[test]
fn what_is_paused_takes_no_place_from_what_runs() {
    let server = ServerOptions::new().env("WAYSTATION_LIMITS_RUNS_MAX", "1").start();
    let client = server.client();
    toolbox::deploy(client, "pause", &json!([{"suspend": {}}]));
    let paused: Vec<String> = (0..20).map(|_| client.trigger("pause", &Value::Null)).collect();
    paused.iter().for_each(|id| drop(client.paused(id)));
    assert_eq!(toolbox::result(client, &json!([{"return": "ran"}])), "ran");
    wait::until("nothing runs", || (client.figure("runs_active") == 0).then_some(()));
}
