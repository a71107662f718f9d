//! Reads a request's body within its limits of size and time.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};
use waystation_core::Limits;

use crate::problem::{Code, Problem};

/// The longest silence in a body.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// A body that comes more slowly than this for longer than `SILENCE` is too slow, in bytes a
/// second.
pub(crate) const SLOWEST: u64 = 8192;

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
        let mut patience = Patience::new(Instant::now());
        loop {
            let frame = timeout_at(patience.ends, body.frame()).await.map_err(|_| too_slow())?;
            let Some(frame) = frame else { return Ok(bytes) };
            let frame = frame.map_err(|_| {
                Problem::new(Code::MalformedBody, "the body broke off before its end")
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            bytes.extend_from_slice(&data);
            patience.heard(data.len(), Instant::now());
        }
    };
    let whole = Duration::from_secs(limits.body_timeout_s.into());
    let result = timeout(whole, read).await.map_err(|_| too_slow())?;
    if matches!(&result, Err(problem) if problem.code == Code::BodyTooLarge) {
        drain(body).await;
    }
    result
}

/// How long a body is waited for. What comes wins back the time in which it should have come,
/// and no more than `SILENCE` is ever kept: neither a byte now and then nor much at the start
/// lets anybody hold a place.
struct Patience {
    ends: Instant,
}

impl Patience {
    fn new(now: Instant) -> Patience {
        Patience { ends: now + SILENCE }
    }

    fn heard(&mut self, bytes: usize, now: Instant) {
        let won = Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / SLOWEST);
        self.ends = (self.ends + won).min(now + SILENCE);
    }
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
    let _ = timeout(DRAIN, read).await;
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
    fn what_comes_wins_back_its_time_and_no_more() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut patience = Patience::new(start);
        assert_eq!(patience.ends, at(30));
        patience.heard(2 * 8192, at(10));
        assert_eq!(patience.ends, at(32));
        patience.heard(1, at(31));
        assert!(patience.ends > at(32) && patience.ends < at(33));
        patience.heard(100 << 20, at(32));
        assert_eq!(patience.ends, at(62), "much at once saves nothing up");
    }

    /// How long it takes until a body is given up that comes like this: so many bytes at first,
    /// then so many each second.
    async fn held(limits: &Limits, first: usize, each_second: usize) -> (Option<Code>, u64) {
        let trickle = futures_util::stream::unfold(true, move |is_first| async move {
            let bytes = if is_first { first } else { each_second };
            tokio::time::sleep(Duration::from_secs(u64::from(!is_first))).await;
            Some((Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; bytes])), false))
        });
        let started = Instant::now();
        let body = Body::from_stream(trickle);
        let read = super::read(limits, &HeaderMap::new(), body, limits.component_bytes_max).await;
        (read.err().map(|problem| problem.code), started.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_given_up_soon_and_a_slow_line_is_not() {
        let limits = Limits::default();
        assert_eq!(held(&limits, 1, 1).await, (Some(Code::BodyTimeout), 30));
        assert_eq!(held(&limits, 50 << 20, 1).await, (Some(Code::BodyTimeout), 30));
        assert_eq!(held(&limits, 1, 4096).await, (Some(Code::BodyTimeout), 59));
        assert_eq!(held(&limits, 1, 8192).await, (Some(Code::BodyTimeout), 600));
        let short = Limits { body_timeout_s: 1, ..limits };
        assert_eq!(held(&short, 1, 1 << 20).await, (Some(Code::BodyTimeout), 1));
    }

    async fn read_plain(bytes: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, Problem> {
        super::read(&Limits::default(), &HeaderMap::new(), Body::from(bytes), bytes_max).await
    }
}
