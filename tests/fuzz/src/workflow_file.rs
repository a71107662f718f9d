//! Workflow files.

use std::sync::LazyLock;

use waystation_core::{Digest, Grant, Limits, Timestamp, Workflow, WorkflowName, WorkflowSpec};
use waystation_http::fuzzing::{self, Refusal};

/// What the reader knows.
pub(crate) const WORDS: &[&[u8]] = &[
    b"name: w\n",
    b"steps:\n",
    b"  - name: a\n",
    b"    component: c\n",
    b"    props: {",
    b"    allow: {http: [\"https://*.x.org:*/a\"]}\n",
    b"    limits: {memory_mib: 1}\n",
    b"    retry: {attempts: 3, factor: 1.5}\n",
    b"trigger: {http: {respond: step}}\n",
    b"description: ",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!binary ",
    b"!!float ",
    b"!!str ",
    b"? ",
    b"- ",
    b"---\n",
    b"...\n",
    b"%YAML 1.2\n",
    b"|+9\n",
    b">-\n",
    b".nan",
    b"-.inf",
    b"0x1f",
    b"0o7",
    b"1e999",
    b"~",
    b"null",
    b"[[[[",
    b"{a: {a: ",
    b"{{ event.x }}",
    b"\xef\xbb\xbf",
    b"\\u0000",
    b"\\ud800",
];

const CONTENT_TYPES: [Option<&str>; 4] =
    [None, Some("application/yaml"), Some("application/json"), Some("text/plain")];

static NAME: LazyLock<WorkflowName> = LazyLock::new(|| "w".parse().expect("a name"));

/// The first byte chooses a content type, the rest is the file: what is taken comes back the same
/// from where it is stored, and what is refused is refused in one line.
pub fn workflow_file(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else { return };
    let content_type = CONTENT_TYPES[usize::from(*choice) % CONTENT_TYPES.len()];
    match fuzzing::workflow_file(content_type, file, &NAME) {
        Ok(spec) => comes_back(spec),
        Err(refusal) => is_told(&refusal),
    }
}

/// Nothing else is stored than what passes the other checks of a deploy.
fn comes_back(spec: WorkflowSpec) {
    let props_are_sound =
        spec.steps.iter().all(|step| waystation_engine::fuzzing::check(&step.props).is_ok());
    if spec.check(&Limits::default()).is_err() || !props_are_sound {
        return;
    }
    let json = serde_json::to_string(&spec).expect("a workflow is JSON");
    let again = fuzzing::workflow_file(Some("application/json"), json.as_bytes(), &NAME);
    assert_eq!(again.as_ref(), Ok(&spec), "{json}");
    let workflow = Workflow {
        version: 1,
        deployed_at: Timestamp::from_millis(1),
        digests: vec![Digest::of(b""); spec.steps.len()],
        grants: Grant::all(&spec, &vec![vec![]; spec.steps.len()], &Limits::default()),
        spec,
    };
    let stored = serde_json::to_vec(&workflow).expect("a workflow is JSON");
    let again: Workflow = serde_json::from_slice(&stored).expect("what is stored can be read");
    assert_eq!(again, workflow);
}

/// Longest explanation, in bytes.
const DETAIL_BYTES_MAX: usize = 2048;

fn is_told(refusal: &Refusal) {
    assert_eq!((refusal.status, refusal.code), (422, "invalid_workflow"), "{refusal:?}");
    let detail = &refusal.detail;
    assert!(!detail.is_empty() && !detail.contains(char::is_control), "{detail:?}");
    assert!(detail.len() <= DETAIL_BYTES_MAX, "{} bytes: {detail:?}", detail.len());
}
