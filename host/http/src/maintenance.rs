//! `/api/v1/check` and `/api/v1/backup`: looking after the store of a running server.

use std::io;

use async_trait::async_trait;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::Serialize;
use waystation_store::StoreError;

use crate::app::Ctx;
use crate::params::Query;
use crate::problem::{Code, Problem};

/// What can be done to a store while it serves.
#[async_trait]
pub trait Maintenance: Send + Sync + 'static {
    /// Reads everything that is stored at this moment, and says what does not fit together.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while another check or backup is under way.
    async fn check(&self) -> Result<StoreCheck, StoreError>;

    /// Everything that is stored at this moment as the bytes of a backup, with the keys and
    /// tokens if `keys`. An error in the stream means that the backup is worth nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while another check or backup is under way.
    async fn backup(&self, keys: bool) -> Result<BackupStream, StoreError>;
}

/// A backup on its way.
pub type BackupStream = BoxStream<'static, io::Result<Bytes>>;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreCheck {
    /// Executions that are stored.
    pub executions: u64,
    /// Entries of the database.
    pub entries: u64,
    /// What does not fit together, in words.
    pub problems: Vec<String>,
}

fn under_way(error: StoreError) -> Problem {
    match error {
        StoreError::Busy => Problem::new(Code::Busy, "another backup or check is under way"),
        error => error.into(),
    }
}

/// 200 with the report, also when there are problems.
pub(crate) async fn check(State(shared): Ctx) -> Result<Response, Problem> {
    let report = shared.app.maintenance.check().await.map_err(under_way)?;
    Ok(Json(report).into_response())
}

/// 200 with a backup; `?keys=true` puts the keys and tokens in.
pub(crate) async fn backup(State(shared): Ctx, query: Query) -> Result<Response, Problem> {
    let keys = match query.one("keys")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(Query::invalid("keys", other, "true or false")),
    };
    let stream = shared.app.maintenance.backup(keys).await.map_err(under_way)?;
    let headers = [
        (CONTENT_TYPE, "application/x-tar"),
        (CONTENT_DISPOSITION, "attachment; filename=\"waystation-backup.tar\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}
