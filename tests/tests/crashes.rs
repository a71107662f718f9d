//! A host that dies again and again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use waystation_tests::{Client, Recorder, Server, http, run_id, toolbox, wait};

/// Triggers as fast as it can until it is told to stop; keeps the id of every trigger that was
/// answered. While the server is down there is no answer, and so no promise.
fn trigger_until(stop: &AtomicBool, client: &Client, answered: &Mutex<Vec<String>>) {
    let url = format!("{}/hooks/many", client.url);
    while !stop.load(Ordering::Relaxed) {
        if let Ok(answer) = http::request("POST", &url).try_send()
            && answer.status == 202
        {
            let id = run_id(&answer.json());
            answered.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(id);
        }
    }
}

#[test]
fn of_many_triggers_none_that_was_answered_is_lost() {
    let mut server = Server::start();
    let client = server.client().clone();
    toolbox::deploy_and_next(&client, "many", &json!([{"delay": 1}, {"return": "done"}]));
    let (stop, answered) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let seen = || answered.lock().map_or(0, |answered| answered.len());
    server = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| trigger_until(&stop, &client, &answered));
        }
        for kill in 1..=4 {
            wait::until("more triggers are answered", || (seen() >= kill * 30).then_some(()));
            server = server.kill_and_restart();
        }
        stop.store(true, Ordering::Relaxed);
        server
    });
    let answered = answered.into_inner().unwrap();
    assert!(answered.len() >= 120, "{}", answered.len());
    for id in &answered {
        let execution = server.client().completed(id);
        assert_eq!(execution["steps"]["step"]["exports"]["$return_value"], "done");
        assert_eq!(execution["steps"]["next"]["runs"], 1);
        let events = server.client().events(id);
        let count = |kind: &str| events.iter().filter(|&event| event == kind).count();
        assert_eq!((count("finish"), count("time_out")), (2, 1), "{events:?}");
    }
}

/// The mark that a first attempt has begun is written behind it: a host that dies in the moment
/// between the two has not counted that attempt, so there may be one more.
#[test]
fn a_run_whose_host_dies_under_it_five_times_is_given_up() {
    let recorder = Recorder::start();
    let mut server = Server::start();
    let deadly = json!([{"post_links": recorder.url}, {"sleep": 25_000}]);
    let id = toolbox::trigger(server.client(), &deadly);
    let given_up = |server: &Server<'_>, attempts: usize| {
        wait::until("the run is given up or begins again", || {
            let failed = server.client().execution(&id)["status"] == "failed";
            (failed || recorder.requests().len() > attempts).then_some(failed)
        })
    };
    let mut deaths = 0;
    while !given_up(&server, deaths) {
        deaths += 1;
        assert!(deaths <= 6, "the run is repeated for ever");
        server = server.kill_and_restart();
    }
    let error = server.client().failed(&id);
    assert_eq!(error["kind"], "host_fault", "{error}");
    assert!((5..=6).contains(&deaths), "{deaths} deaths");
}

#[test]
fn links_go_on_working_when_a_new_signing_key_is_added() {
    let server = Server::start();
    toolbox::deploy(server.client(), "pause", &json!([{"suspend": {}}]));
    let pause = |client: &Client| {
        let id = client.trigger("pause", &Value::Null);
        client.paused(&id)["waiting"]["resume_url"].as_str().unwrap_or_default().to_owned()
    };
    let old = pause(server.client());
    let stopped = server.kill();
    let file = stopped.data().join("link-keys");
    let keys = std::fs::read_to_string(&file).unwrap();
    let (_, secret) = keys.lines().last().unwrap().split_once(' ').unwrap();
    let other: String = secret.chars().rev().collect();
    std::fs::write(&file, format!("{keys}2 {other}\n")).unwrap();
    let server = stopped.restart();
    let new = pause(server.client());
    for link in [old, new] {
        assert_eq!(http::get(&link).expect(200).json()["outcome"], "resumed");
    }
}
