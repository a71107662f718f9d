//! Reads a request's body within its limits of size and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use waystation_core::Limits;

use crate::problem::{Code, Problem};

/// The longest silence in a body.
const SILENCE: Duration = Duration::from_secs(30);

/// A body that comes more slowly than this all the time is too slow, in bytes a second.
const SLOWEST: usize = 8192;

/// Room that is made for a body before any of it is there, in bytes at most.
const RESERVED_MAX: usize = 64 * 1024;

/// A body that is too large is read on for this long and this far, so that the caller, who is
/// still sending, gets to see the answer rather than a broken connection.
const DRAIN: Duration = Duration::from_secs(2);
const DRAIN_BYTES: usize = 16 * 1024 * 1024;

/// The whole body, at most `bytes_max` of it.
///
/// # Errors
///
/// 413 when it is larger, 408 when it comes too slowly, 400 when it breaks off.
pub(crate) async fn read(
    limits: &Limits,
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: usize,
) -> Result<Vec<u8>, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > bytes_max) {
        // Somebody who asks first has not begun to send.
        if !headers.contains_key(EXPECT) {
            drain(body).await;
        }
        return Err(too_large(bytes_max));
    }
    let read = async {
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(RESERVED_MAX));
        loop {
            let frame =
                tokio::time::timeout(SILENCE, body.frame()).await.map_err(|_| too_slow())?;
            let Some(frame) = frame else { return Ok(bytes) };
            let frame = frame.map_err(|_| {
                Problem::new(Code::MalformedBody, "the body broke off before its end")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            bytes.extend_from_slice(&data);
        }
    };
    let result =
        tokio::time::timeout(whole(limits, bytes_max), read).await.map_err(|_| too_slow())?;
    if matches!(&result, Err(problem) if problem.code == Code::BodyTooLarge) {
        drain(body).await;
    }
    result
}

/// The longest that a body of so many bytes may take in all.
fn whole(limits: &Limits, bytes_max: usize) -> Duration {
    let enough = SILENCE + Duration::from_secs((bytes_max / SLOWEST) as u64);
    enough.min(Duration::from_secs(limits.body_timeout_s.into()))
}

async fn drain(mut body: Body) {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, bytes::Bytes::len);
            if bytes > DRAIN_BYTES {
                return;
            }
        }
    };
    // How far it got makes no difference: the answer is 413 either way.
    let _ = tokio::time::timeout(DRAIN, read).await;
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("the body has more than {bytes_max} bytes"))
        .with("bytes_max", bytes_max.into())
}

fn too_slow() -> Problem {
    Problem::new(Code::BodyTimeout, "the body did not come in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_limit_is_exact() {
        let read = |bytes: usize| read_plain(vec![b'x'; bytes], 10);
        assert_eq!(read(10).await.map(|body| body.len()).ok(), Some(10));
        assert_eq!(read(11).await.err().map(|problem| problem.code), Some(Code::BodyTooLarge));
    }

    #[test]
    fn small_bodies_get_less_time_than_large_ones_and_none_more_than_is_set() {
        let limits = Limits::default();
        assert_eq!(whole(&limits, limits.body_bytes_max).as_secs(), 30 + 64);
        assert_eq!(whole(&limits, limits.component_bytes_max).as_secs(), 600);
        let short = Limits { body_timeout_s: 1, ..limits };
        assert_eq!(whole(&short, short.body_bytes_max).as_secs(), 1);
    }

    async fn read_plain(bytes: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        super::read(&Limits::default(), &HeaderMap::new(), Body::from(bytes), bytes_max).await
    }
}
