//! Bodies that have to be JSON.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use waystation_core::BoundedJson;

use crate::problem::{Code, Problem};
use crate::request_data::{Kind, json_problem};

/// A body as JSON; an empty one is null. A missing content type is taken for JSON.
///
/// # Errors
///
/// 415 for another content type, 400 for what is not JSON, 413 above `bytes_max`, 422 when it
/// is nested too deep.
pub(crate) fn parse(
    headers: &HeaderMap,
    body: Vec<u8>,
    bytes_max: usize,
) -> Result<BoundedJson, Problem> {
    if body.is_empty() {
        return Ok(BoundedJson::null());
    }
    if headers.contains_key(CONTENT_TYPE) && Kind::of(headers) != Kind::Json {
        let detail = "the body has to be JSON: send Content-Type: application/json";
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let text = String::from_utf8(body)
        .map_err(|_| Problem::new(Code::MalformedJson, "the body is not JSON: it is not UTF-8"))?;
    BoundedJson::parse(text, bytes_max).map_err(json_problem)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn code(content_type: &'static str, body: &str) -> Option<Code> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        parse(&headers, body.into(), 20).err().map(|problem| problem.code)
    }

    #[test]
    fn only_json_will_do() {
        assert_eq!(code("application/json", "{\"a\": 1}"), None);
        assert_eq!(code("", "[]"), None);
        assert_eq!(code("", ""), None);
        assert_eq!(code("text/plain", "[]"), Some(Code::UnsupportedMediaType));
        assert_eq!(code("", "[}"), Some(Code::MalformedJson));
        assert_eq!(code("", "\"123456789012345678901\""), Some(Code::BodyTooLarge));
    }
}
