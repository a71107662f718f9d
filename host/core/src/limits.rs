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
    /// Calls out over HTTP that one run may make, refused ones counted.
    pub http_calls_max: usize,
    /// Calls out of one run at the same time; more wait for a place as they wait to connect.
    pub http_parallel_max: usize,
    /// Calls out of all runs at the same time.
    pub http_connections_max: usize,
    /// Of these, to one host and port.
    pub http_connections_per_host_max: usize,
    /// Look-ups of names at the same time. One that nobody waits for any more still counts.
    pub http_lookups_max: usize,
    /// A request's body.
    pub http_request_bytes_max: usize,
    /// An answer's body.
    pub http_response_bytes_max: usize,
    /// All headers of an answer.
    pub http_headers_bytes_max: usize,
    /// Headers of an answer, in number.
    pub http_headers_max: usize,
    /// A name's look-up, the connection and TLS together, in seconds.
    pub http_connect_s: u32,
    /// From the connection to an answer's headers, in seconds.
    pub http_first_byte_s: u32,
    /// Between two pieces of an answer, in seconds.
    pub http_between_bytes_s: u32,
    /// Connections at the same time. Past it, the one that has waited longest for its client
    /// makes room.
    pub connections_max: usize,
    /// Connections of one address, or of one IPv6 network of 64 bits, at the same time.
    pub connections_per_address_max: usize,
    /// The headers of a request, in bytes.
    pub header_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// A request's path and query, in bytes.
    pub url_bytes_max: usize,
    /// Time from the first byte of a request to the end of its headers, in seconds.
    pub header_timeout_s: u32,
    /// Time that a body may take in all, in seconds.
    pub body_timeout_s: u32,
    /// Time that a client may take nothing of its answer, in seconds.
    pub write_timeout_s: u32,
    /// Time that a connection may be silent between two requests, in seconds.
    pub idle_timeout_s: u32,
    /// Triggers over HTTP by one address in a minute; 0 is any number.
    pub hooks_per_minute: u32,
    /// Calls of links by one address in a minute; 0 is any number.
    pub links_per_minute: u32,
    /// Wrong tokens of one address in a minute; 0 is any number.
    pub wrong_tokens_per_minute: u32,
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
            http_calls_max: 1000,
            // 16 times `runs_max`: no run keeps another from its share.
            http_parallel_max: 16,
            http_connections_max: 512,
            http_connections_per_host_max: 256,
            http_lookups_max: 64,
            http_request_bytes_max: 64 * MIB,
            http_response_bytes_max: 64 * MIB,
            http_headers_bytes_max: 64 * KIB,
            http_headers_max: 100,
            http_connect_s: 10,
            http_first_byte_s: 60,
            http_between_bytes_s: 30,
            connections_max: 1024,
            connections_per_address_max: 256,
            header_bytes_max: 64 * KIB,
            headers_max: 100,
            url_bytes_max: 16 * KIB,
            header_timeout_s: 10,
            body_timeout_s: 600,
            write_timeout_s: 30,
            idle_timeout_s: 60,
            hooks_per_minute: 6000,
            links_per_minute: 600,
            wrong_tokens_per_minute: 60,
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

    /// An export's name, in bytes.
    pub const EXPORT_NAME_BYTES_MAX: usize = 128;

    /// The least that `http_headers_bytes_max` may be.
    pub const HTTP_HEADERS_BYTES_LEAST: usize = 8 * KIB;

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
