//! `/metrics`, in the text format of Prometheus.

use std::fmt;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use waystation_engine::EngineMetrics;

use crate::app::Ctx;
use crate::problem::Problem;

/// Requests by route, method and status. Routes are templates: a path would hold tokens, and
/// be without number.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// From what takes a read of memory to what takes a wait.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

impl HttpMetrics {
    pub(crate) fn new() -> HttpMetrics {
        let seconds =
            Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        HttpMetrics { requests: Family::default(), seconds }
    }

    /// Counts a request.
    pub(crate) fn count(&self, route: &str, method: &'static str, status: u16, seconds: f64) {
        let route = route.to_owned();
        self.seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(seconds);
        let labels = RequestLabels { route, method: method.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
    }
}

/// All figures.
pub(crate) async fn get(State(shared): Ctx) -> Result<Response, Problem> {
    let text = text(&shared.metrics, &shared.engine().metrics()).map_err(Problem::internal)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

fn text(http: &HttpMetrics, engine: &EngineMetrics) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("waystation");
    let counters = [
        ("executions_triggered", "Executions triggered", engine.executions_triggered),
        ("executions_completed", "Executions that completed", engine.executions_completed),
        ("executions_failed", "Executions that failed", engine.executions_failed),
        ("executions_canceled", "Executions that were canceled", engine.executions_canceled),
        ("runs_started", "Runs started", engine.runs_started),
        ("mails_sent", "Mails delivered", engine.mails_sent),
        ("mails_failed", "Deliveries of mail that failed", engine.mails_failed),
    ];
    for (name, help, value) in counters {
        registry.register(name, help, ConstCounter::new(value));
    }
    let gauges = [
        ("runs_active", "Runs under way", engine.runs_active),
        ("runs_max", "Runs that may be under way", engine.runs_max),
        (
            "overdue_milliseconds",
            "How long the execution that waits the longest for attention has been due",
            engine.overdue_ms,
        ),
    ];
    for (name, help, value) in gauges {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        registry.register(name, help, ConstGauge::new(value));
    }
    registry.register("http_requests", "HTTP requests answered", http.requests.clone());
    let help = "Time until an HTTP request was answered";
    registry.register_with_unit("http_request_duration", help, Unit::Seconds, http.seconds.clone());
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_out() {
        let http = HttpMetrics::new();
        http.count("/resume/{token}", "GET", 200, 0.02);
        let engine =
            EngineMetrics { executions_triggered: 7, runs_active: 2, ..Default::default() };
        let text = text(&http, &engine).unwrap();
        for line in [
            "waystation_executions_triggered_total 7",
            "waystation_runs_active 2",
            "waystation_http_requests_total{route=\"/resume/{token}\",method=\"GET\",status=\"200\"} 1",
            "waystation_http_request_duration_seconds_count{route=\"/resume/{token}\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }
}
