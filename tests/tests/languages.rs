//! Steps in different languages in one workflow.

use serde_json::json;
use waystation_tests::Server;

#[test]
fn a_python_step_reads_what_a_rust_step_exported_and_templates_keep_types() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    client.push("tests/read_exports");
    let first = json!({"do": [{"export": ["answer", {"n": 42, "list": [1, "zwei", null, 3.5]}]}, "context"]});
    client.deploy(&json!({"name": "mixed", "steps": [
        {"name": "first", "component": "toolbox", "props": first},
        {"name": "second", "component": "read-exports", "props": {
            "number": "{{ steps.first.answer.n }}",
            "list": "{{ steps.first.answer.list }}",
            "truth": "{{ event.total > 10 }}",
            "object": "{{ event }}",
            "text": "order {{ event.id }} of {{ steps.trigger.event.who }}: {{ steps.first.$return_value.runs }}",
            "plain": {"nested": ["{{ event.total }}", 7, true, null]},
            "where": "{{ execution.workflow }}",
        }},
        {"name": "third", "component": "toolbox", "props": {"do": [
            {"return": "{{ steps.second['$return_value'].named }}"},
        ]}},
    ]}));
    let event = json!({"id": "A-7", "total": 12.5, "who": "Ada"});
    let execution = client.completed(&client.trigger("mixed", &event));
    let second = &execution["steps"]["second"]["exports"]["$return_value"];
    assert_eq!(
        second["props"],
        json!({
            "number": 42,
            "list": [1, "zwei", null, 3.5],
            "truth": true,
            "object": event,
            "text": "order A-7 of Ada: 1",
            "plain": {"nested": [12.5, 7, true, null]},
            "where": "mixed",
        })
    );
    assert_eq!(second["named"]["n"], 42);
    assert_eq!(second["returned"]["step"], "first");
    assert_eq!(second["event"], event);
    let third = &execution["steps"]["third"]["exports"]["$return_value"];
    assert_eq!(third["list"], json!([1, "zwei", null, 3.5]));
}

#[test]
fn a_template_with_an_unknown_name_fails_the_step_and_names_the_place() {
    let server = Server::start();
    let client = server.client();
    client.push("tests/toolbox");
    for (template, name) in
        [("{{ event.nobody.home }}", "nobody"), ("{{ steps.nowhere.x }}", "nowhere")]
    {
        client.deploy(&json!({"name": "lost", "steps": [
            {"name": "step", "component": "toolbox", "props": {"do": [{"return": template}]}},
        ]}));
        let error = client.failed(&client.trigger("lost", &json!({"id": 1})));
        assert_eq!((&error["kind"], &error["step"]), (&json!("template"), &json!("step")));
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("props.do[0].return"), "{message}");
        assert!(message.contains(name), "{message}");
    }
}
