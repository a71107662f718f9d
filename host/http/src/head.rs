//! How large a request may be before its body.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;
use waystation_core::Limits;

use crate::app::Shared;
use crate::problem::{Code, Problem};

/// What stands between and after a header's name and value, in bytes.
const BETWEEN: usize = ": \r\n".len();

/// Lets requests pass whose URL and headers are not too long. Far longer ones have been refused
/// while they were read.
pub(crate) async fn measure(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    fits(shared.engine().limits(), request.uri(), request.headers())?;
    Ok(next.run(request).await)
}

fn fits(limits: &Limits, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let too_long = |code, what: &str, bytes_max: usize| {
        Problem::new(code, format!("{what} more than {bytes_max} bytes"))
            .with("bytes_max", bytes_max.into())
    };
    let url = uri.path_and_query().map_or(0, |url| url.as_str().len());
    if url > limits.url_bytes_max {
        return Err(too_long(Code::UrlTooLong, "the path and query have", limits.url_bytes_max));
    }
    let headers = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + BETWEEN);
    if headers.sum::<usize>() > limits.header_bytes_max {
        return Err(too_long(Code::HeadersTooLarge, "the headers have", limits.header_bytes_max));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_limits_are_exact() {
        let limits = Limits { url_bytes_max: 10, header_bytes_max: 20, ..Limits::default() };
        let verdict = |url: &str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.append("abcd", HeaderValue::from_str(value).unwrap());
            fits(&limits, &url.parse().unwrap(), &headers).map_err(|problem| problem.code)
        };
        assert_eq!(verdict("/1234?6789", &"x".repeat(12)), Ok(()));
        assert_eq!(verdict("/1234?67890", "x"), Err(Code::UrlTooLong));
        assert_eq!(verdict("http://a.example/1234?6789", "x"), Ok(()));
        assert_eq!(verdict("/", &"x".repeat(13)), Err(Code::HeadersTooLarge));
    }
}
