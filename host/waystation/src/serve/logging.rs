//! The log, on stderr.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::LogFormat;

/// Starts it. Libraries speak up from `warn` on: their chatter is not about workflows.
pub(super) fn start(level: LevelFilter, format: LogFormat) {
    let targets = Targets::new().with_default(level.min(LevelFilter::WARN)).with_targets(
        [
            "waystation",
            "waystation_backup",
            "waystation_engine",
            "waystation_http",
            "waystation_sandbox",
            "waystation_store_sled",
        ]
        .map(|target| (target, level)),
    );
    let registry = tracing_subscriber::registry().with(targets);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_ansi(false).with_target(false)).init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).init(),
    }
}
