//! `/api/v1/workflows`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use waystation_core::{Digest, StepName, Timestamp, Workflow, WorkflowName, WorkflowSpec};
use waystation_engine::{Acceptance, Listing};
use waystation_store::DeleteError;

use crate::app::Ctx;
use crate::paging::Wanted;
use crate::params::{Query, Segment, missing_named};
use crate::problem::{Code, Problem};
use crate::{body, grant, workflow_file};

/// A version of a workflow.
#[derive(Serialize)]
pub(crate) struct WorkflowView {
    name: WorkflowName,
    version: u32,
    deployed_at: Timestamp,
    /// What it may do as a whole.
    may: Vec<String>,
    steps: Vec<StepView>,
    /// What its author wrote; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<WorkflowSpec>,
}

#[derive(Serialize)]
struct StepView {
    name: StepName,
    component: String,
    digest: Option<Digest>,
    /// What it may do.
    may: Vec<String>,
}

impl WorkflowView {
    fn short(workflow: &Workflow) -> WorkflowView {
        let digests = workflow.digests.iter().copied().map(Some).chain(std::iter::repeat(None));
        let steps = workflow.spec.steps.iter().zip(digests);
        WorkflowView {
            name: workflow.spec.name.clone(),
            version: workflow.version,
            deployed_at: workflow.deployed_at,
            may: grant::sentences(&workflow.grants, None),
            steps: steps
                .map(|(step, digest)| StepView {
                    name: step.name.clone(),
                    component: step.component.clone(),
                    digest,
                    may: grant::sentences(&workflow.grants, Some(&step.name)),
                })
                .collect(),
            definition: None,
        }
    }

    fn whole(workflow: Workflow) -> WorkflowView {
        let short = WorkflowView::short(&workflow);
        WorkflowView { definition: Some(workflow.spec), ..short }
    }
}

/// Deploys. 201 with the new version, or 200 when this is the live one already. One that asks
/// for more than the version before needs `?accept=true`.
pub(crate) async fn put(
    State(shared): Ctx,
    name: Segment,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<WorkflowView>), Problem> {
    let name: WorkflowName = name.name()?;
    let limits = shared.engine().limits();
    let body = body::read(limits, &headers, body, limits.body_bytes_max).await?;
    let spec = workflow_file::parse(&headers, &body, &name)?;
    let deployed = shared.engine().deploy(spec, acceptance(&query)?).await?;
    let status = if deployed.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(WorkflowView::short(&deployed.workflow))))
}

fn acceptance(query: &Query) -> Result<Acceptance, Problem> {
    match query.one("accept")? {
        Some("true") => Ok(Acceptance::Given),
        None | Some("false") => Ok(Acceptance::Unsaid),
        Some(other) => Err(Query::invalid("accept", other, "true or false is allowed")),
    }
}

/// All live versions, by name.
pub(crate) async fn list(State(shared): Ctx) -> Result<Json<Value>, Problem> {
    let workflows = shared.engine().workflows().await?;
    let items: Vec<WorkflowView> = workflows.iter().map(WorkflowView::short).collect();
    Ok(Json(json!({"items": items})))
}

/// The live version, with the definition.
pub(crate) async fn get(
    State(shared): Ctx,
    segment: Segment,
) -> Result<Json<WorkflowView>, Problem> {
    let name = segment.existing(Code::UnknownWorkflow)?;
    let workflow = shared.engine().workflow(&name).await?;
    let workflow = workflow.ok_or_else(|| missing(&name))?;
    Ok(Json(WorkflowView::whole(workflow)))
}

/// Versions with their definitions, oldest first, `{items, next_cursor}`.
pub(crate) async fn versions(
    State(shared): Ctx,
    segment: Segment,
    query: Query,
) -> Result<Json<Listing<WorkflowView>>, Problem> {
    let name = segment.existing(Code::UnknownWorkflow)?;
    let Wanted { after, limit } = Wanted::read(&query)?;
    let Listing { items, next_cursor } =
        shared.engine().workflow_versions(&name, after, limit).await?;
    // Every workflow that ever was has a first version.
    if items.is_empty() && after == 0 {
        return Err(missing(&name));
    }
    let items = items.into_iter().map(WorkflowView::whole).collect();
    Ok(Json(Listing { items, next_cursor }))
}

/// Takes it away; executions under way go on.
pub(crate) async fn delete(State(shared): Ctx, segment: Segment) -> Result<StatusCode, Problem> {
    let name: WorkflowName = segment.existing(Code::UnknownWorkflow)?;
    match shared.engine().delete_workflow(&name).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DeleteError::NotFound) => Err(missing(&name)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn missing(name: &WorkflowName) -> Problem {
    missing_named(Code::UnknownWorkflow, name.as_str())
}
