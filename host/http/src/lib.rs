//! host/http
