//! Parameters in paths and queries.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;

use crate::problem::{Code, Problem};

/// A request's query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Query {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Query(pairs.into_owned().collect())
    }

    /// The value of a parameter that may stand at most once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let first = values.next();
        if let Some(second) = values.next() {
            return Err(Query::invalid(name, second, "it is allowed once"));
        }
        Ok(first.map(String::as_str))
    }

    pub(crate) fn invalid(name: &str, value: &str, allowed: &str) -> Problem {
        let value: String = value.chars().take(80).collect();
        Problem::new(Code::InvalidParameter, format!("{name}: {value:?}; {allowed}"))
            .with("parameter", name.into())
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Infallible> {
        Ok(Query::parse(parts.uri.query()))
    }
}

/// Names and values as an object; a name that stands more than once has an array.
pub(crate) fn object(
    pairs: impl IntoIterator<Item = (String, Value)>,
) -> serde_json::Map<String, Value> {
    let mut object = serde_json::Map::<String, Value>::new();
    // Which values are lists of ours, and not an array that was given as such.
    let mut lists = std::collections::HashSet::new();
    for (name, value) in pairs {
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
            }
            Some(Value::Array(values)) if lists.contains(&name) => values.push(value),
            Some(first) => {
                *first = Value::Array(vec![first.take(), value]);
                lists.insert(name);
            }
        }
    }
    object
}

/// The one parameter of a path, percent-decoded.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segment, Problem> {
        let segments =
            axum::extract::Path::<Vec<(String, String)>>::from_request_parts(parts, state);
        let segments = segments.await.map_err(|_| Problem::not_found())?.0;
        let first = segments.into_iter().next().ok_or_else(Problem::not_found)?;
        Ok(Segment(first.1))
    }
}

impl Segment {
    /// As a name for something that is made here.
    pub(crate) fn name<T>(&self) -> Result<T, Problem>
    where
        T: std::str::FromStr<Err = waystation_core::InvalidName>,
    {
        self.0.parse().map_err(|error: T::Err| Problem::new(Code::InvalidName, error.to_string()))
    }

    /// As the name of something that is here. What is no name names nothing.
    pub(crate) fn existing<T: std::str::FromStr>(&self, missing: Code) -> Result<T, Problem> {
        self.0.parse().map_err(|_| missing_named(missing, &self.0))
    }
}

/// `404`: there is no such thing.
pub(crate) fn missing_named(code: Code, name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    let what = match code {
        Code::UnknownComponent => "component",
        Code::UnknownWorkflow => "workflow",
        Code::UnknownToken => "token",
        _ => "execution",
    };
    Problem::new(code, format!("there is no {what} {name:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_names_become_arrays() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")];
        let object = object(pairs.map(|(name, value)| (name.to_owned(), value.into())));
        assert_eq!(Value::Object(object), json!({"a": ["1", "3", "4"], "b": "2"}));
    }

    #[test]
    fn a_parameter_stands_once() {
        let query = Query::parse(Some("limit=1&limit=2&x=%C3%A9"));
        assert!(query.one("limit").is_err());
        assert_eq!(query.one("x").unwrap(), Some("é"));
        assert_eq!(query.one("y").unwrap(), None);
    }
}
