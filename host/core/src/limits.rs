//! Every limit has a name, a default and a reason.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What an operator may set, under `[limits]`. Sizes in bytes unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Memory of one run, over all its memories and tables: the default of a step, in MiB.
    pub memory_mib: u32,
    /// What a step may ask for at the most, in MiB.
    pub memory_mib_max: u32,
    /// Wall time of one run: the default of a step, in seconds.
    pub timeout_s: u32,
    /// What a step may ask for at the most, in seconds.
    pub timeout_s_max: u32,
    /// Time on a processor in one run, in milliseconds. A run that only waits uses none.
    pub cpu_ms: u32,
    /// One output, export, rerun context or event.
    pub payload_bytes_max: usize,
    /// All payloads of one execution together: its event, exports, contexts, callbacks.
    pub execution_bytes_max: usize,
    /// Named exports of one step, the host's own not counted.
    pub exports_max: usize,
    /// Kept log of one run; what is over is cut, with a mark, and the guest goes on.
    pub log_bytes_max: usize,
    /// One line of a log; a longer one is broken.
    pub log_line_bytes_max: usize,
    /// A request's body on a link, a trigger or the API.
    pub body_bytes_max: usize,
    /// An uploaded component.
    pub component_bytes_max: usize,
    /// Steps of a workflow.
    pub steps_max: usize,
    /// Mails that one run may send.
    pub mails_max: usize,
    /// Runs at the same time.
    pub runs_max: usize,
    /// Executions that are ready and not yet started, beyond which triggers get 503.
    pub queued_max: usize,
    /// Components compiled at the same time. Compiling takes a whole core for seconds.
    pub compiles_max: usize,
    /// Time that runs under way are given at shutdown, in seconds.
    pub drain_s: u32,
    /// How long executions that have ended are kept, in days; 0 keeps them for ever.
    pub kept_days: u32,
    /// Size of the database above which the store looks, at start, whether most of it is
    /// space that nothing lives in, in MiB; then it is compacted.
    pub database_mib: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_mib: 256,
            memory_mib_max: 1024,
            timeout_s: 30,
            timeout_s_max: 3600,
            cpu_ms: 30_000,
            payload_bytes_max: 512 * KIB,
            execution_bytes_max: 6 * MIB,
            exports_max: 64,
            log_bytes_max: 64 * KIB,
            log_line_bytes_max: 8 * KIB,
            body_bytes_max: 512 * KIB,
            component_bytes_max: 128 * MIB,
            steps_max: 100,
            mails_max: 20,
            runs_max: 32,
            queued_max: 100_000,
            compiles_max: 1,
            drain_s: 30,
            kept_days: 90,
            database_mib: 256,
        }
    }
}

impl Limits {
    /// Tries at one run that may die with their host before the run is given up. A step that
    /// kills its host would otherwise kill every host that ever claims it.
    pub const CRASHES_MAX: u32 = 5;

    /// `suspend`, `rerun` and `delay` take at most 365 days, in milliseconds.
    pub const WAIT_MS_MAX: u64 = 31_536_000_000;

    /// `suspend` without a timeout waits for 24 hours, in milliseconds.
    pub const SUSPEND_MS_DEFAULT: u64 = 86_400_000;

    /// Reruns that `rerun` allows when it names no number.
    pub const MAX_RETRIES_DEFAULT: u32 = 10;

    /// The one line that `suspend` shows to people, and the reason of `exit`, in bytes.
    pub const MESSAGE_BYTES_MAX: usize = 1024;

    /// The JSON Schema of a `suspend`, in bytes: each call of its link reads it.
    pub const SCHEMA_BYTES_MAX: usize = 64 * KIB;

    /// An export's name, in bytes.
    pub const EXPORT_NAME_BYTES_MAX: usize = 128;

    /// A failure's message and stack are cut to this, in bytes: a failure is always recorded.
    pub const FAILURE_TEXT_BYTES_MAX: usize = 16 * KIB;
}

/// The limits of one run: the step's wishes within the operator's bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// Over all memories and tables, in bytes.
    pub memory_bytes_max: usize,
    /// From the start of the run to its end.
    pub wall_time: Duration,
    /// Time on a processor.
    pub cpu_time: Duration,
    /// The return value, each export, the rerun context.
    pub payload_bytes_max: usize,
    /// Named exports.
    pub exports_max: usize,
    /// Kept log.
    pub log_bytes_max: usize,
    /// One line of it.
    pub log_line_bytes_max: usize,
    /// Mails.
    pub mails_max: usize,
}
