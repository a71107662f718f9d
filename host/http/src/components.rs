//! `/api/v1/components`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use waystation_core::ComponentName;
use waystation_store::{ComponentRecord, DeleteError};

use crate::app::Ctx;
use crate::body;
use crate::params::{Segment, missing_named};
use crate::problem::{Code, Problem};

/// Checks, compiles and stores a component. 201, or 200 when the name had these bytes already.
pub(crate) async fn put(
    State(shared): Ctx,
    name: Segment,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ComponentRecord>), Problem> {
    let name: ComponentName = name.name()?;
    // Before the body is read: what waits is held in memory.
    let place = shared.engine().upload_place()?;
    let limits = shared.engine().limits();
    let bytes_max = limits.component_bytes_max;
    let bytes = body::read(limits, &headers, body, bytes_max).await.map_err(|problem| {
        if problem.code != Code::BodyTooLarge {
            return problem;
        }
        let detail = format!("the component has more than {bytes_max} bytes");
        Problem::new(Code::ComponentTooLarge, detail).with("bytes_max", bytes_max.into())
    })?;
    let (component, new) = shared.engine().put_component(place, name, bytes.into()).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, Json(component)))
}

/// All of them, by name.
pub(crate) async fn list(State(shared): Ctx) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"items": shared.engine().components().await?})))
}

/// One of them.
pub(crate) async fn get(
    State(shared): Ctx,
    segment: Segment,
) -> Result<Json<ComponentRecord>, Problem> {
    let name = segment.existing(Code::UnknownComponent)?;
    let component = shared.engine().component(&name).await?;
    component.map(Json).ok_or_else(|| missing_named(Code::UnknownComponent, name.as_str()))
}

/// Takes a name away; 409 while something needs it.
pub(crate) async fn delete(State(shared): Ctx, segment: Segment) -> Result<StatusCode, Problem> {
    let name: ComponentName = segment.existing(Code::UnknownComponent)?;
    match shared.engine().delete_component(&name).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(DeleteError::NotFound) => Err(missing_named(Code::UnknownComponent, name.as_str())),
        Err(error) => Err(error.into()),
    }
}
