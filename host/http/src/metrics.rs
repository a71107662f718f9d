//! `/metrics`, in the text format of Prometheus.

use std::fmt;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use waystation_engine::{EngineMetrics, StoreFigures};

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
        (
            "executions_removed",
            "Executions removed because they ended long ago",
            engine.executions_removed,
        ),
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
            "ready_waiting",
            "Executions that could run and do not (up to 1000, every 10 s)",
            engine.ready_waiting,
        ),
        (
            "ready_waiting_milliseconds",
            "How long the first of them has waited",
            engine.ready_waiting_ms,
        ),
        (
            "timers_overdue",
            "Pauses whose deadline is over and that have not ended (up to 1000, every 10 s)",
            engine.timers_overdue,
        ),
        (
            "timers_overdue_milliseconds",
            "How long the first of them is overdue",
            engine.timers_overdue_ms,
        ),
        ("store_queued", "Requests that wait to be written", engine.store.queued),
        ("store_disk_bytes", "What the database takes on disk", engine.store.disk_bytes),
        ("store_disk_free_bytes", "What its disk has left", engine.disk_free_bytes),
    ];
    for (name, help, value) in gauges {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        registry.register(name, help, ConstGauge::new(value));
    }
    registry.register_collector(Box::new(Commits(engine.store.clone())));
    registry.register("http_requests", "HTTP requests answered", http.requests.clone());
    let help = "Time until an HTTP request was answered";
    registry.register_with_unit("http_request_duration", help, Unit::Seconds, http.seconds.clone());
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// How long commits took, as the store counted them.
#[derive(Debug)]
struct Commits(StoreFigures);

impl Collector for Commits {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let StoreFigures { commits, commit_time, commit_times, .. } = &self.0;
        let help = "Time until a commit of the store was durable";
        let kind = MetricType::Histogram;
        let seconds = Some(&Unit::Seconds);
        let mut metric = encoder.encode_descriptor("store_commit_duration", help, seconds, kind)?;
        let fitted: u64 = commit_times.iter().map(|(_, count)| count).sum();
        let rest = (f64::INFINITY, commits.saturating_sub(fitted));
        let classes = commit_times.iter().map(|(most, count)| (most.as_secs_f64(), *count));
        let classes: Vec<(f64, u64)> = classes.chain([rest]).collect();
        metric.encode_histogram::<NoLabelSet>(commit_time.as_secs_f64(), *commits, &classes, None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn figures_are_written_out() {
        let http = HttpMetrics::new();
        http.count("/resume/{token}", "GET", 200, 0.02);
        let commit_times = vec![(Duration::from_millis(1), 3), (Duration::from_millis(5), 1)];
        let store = StoreFigures {
            queued: 4,
            commits: 5,
            commit_time: Duration::from_millis(1500),
            commit_times,
            ..Default::default()
        };
        let engine =
            EngineMetrics { executions_triggered: 7, runs_active: 2, store, ..Default::default() };
        let text = text(&http, &engine).unwrap();
        for line in [
            "waystation_executions_triggered_total 7",
            "waystation_runs_active 2",
            "waystation_store_queued 4",
            "waystation_store_commit_duration_seconds_sum 1.5",
            "waystation_store_commit_duration_seconds_count 5",
            "waystation_store_commit_duration_seconds_bucket{le=\"0.001\"} 3",
            "waystation_store_commit_duration_seconds_bucket{le=\"0.005\"} 4",
            "waystation_store_commit_duration_seconds_bucket{le=\"+Inf\"} 5",
            "waystation_http_requests_total{route=\"/resume/{token}\",method=\"GET\",status=\"200\"} 1",
            "waystation_http_request_duration_seconds_count{route=\"/resume/{token}\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
    }
}
