//! Every limit has a name, a default and a reason.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{BoundedJson, Execution, RetryPolicy, StepLimits};

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
    /// Time on a processor in one run, in milliseconds: the default of a step. A run that only
    /// waits uses none.
    pub cpu_ms: u32,
    /// What a step may ask for at the most, in milliseconds.
    pub cpu_ms_max: u32,
    /// Stack of a guest, in KiB; one for all steps, because the engine is built for it.
    pub stack_kib: u32,
    /// Runs of one step in one execution, whatever `rerun` says: a step that repeats itself for
    /// ever ends.
    pub step_runs_max: u32,
    /// Resources of the host's that a run may hold at once: streams, requests, timers.
    pub resources_max: usize,
    /// Handles, of any resource, that a run's instances may hold at once.
    pub handles_max: usize,
    /// What one call of the host's may copy out of a guest, beside two payloads.
    pub host_call_bytes_max: usize,
    /// Random bytes in one call.
    pub random_bytes_max: usize,
    /// All header fields of one HTTP message, as the host's memory holds them.
    pub headers_bytes_max: usize,
    /// All HTTP messages of a run that the host holds at once: header fields, addresses, pieces
    /// of bodies.
    pub http_held_bytes_max: usize,
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
    /// Log that all runs of one execution may leave together, as it is stored: each line takes
    /// some 70 bytes beside its text.
    pub execution_log_bytes_max: usize,
    /// A request's body on a link, a trigger or the API.
    pub body_bytes_max: usize,
    /// An uploaded component.
    pub component_bytes_max: usize,
    /// Steps of a workflow.
    pub steps_max: usize,
    /// Mails that one run may send.
    pub mails_max: usize,
    /// Mails that all runs of one execution may send together.
    pub execution_mails_max: usize,
    /// Runs at the same time.
    pub runs_max: usize,
    /// Test runs at the same time, each of which takes or waits for a slot.
    pub test_runs_max: usize,
    /// Executions that are ready and not yet started, beyond which triggers get 503.
    pub queued_max: usize,
    /// Components compiled at the same time. Compiling takes a whole core for seconds.
    pub compiles_max: usize,
    /// Uploads that are received or wait to be compiled beside those; further ones get 503.
    pub compiles_waiting_max: usize,
    /// Time in which a component has to be checked and compiled, in seconds.
    pub compile_s: u32,
    /// Memory of the process that compiles a component, in MiB: all of its address space.
    pub compile_memory_mib: u32,
    /// Machine code that a component may become, in MiB.
    pub machine_code_mib_max: u32,
    /// Machine code of all components that is kept in memory although no run needs it, in MiB.
    pub machine_code_kept_mib: u32,
    /// Time that runs under way are given at shutdown, in seconds.
    pub drain_s: u32,
    /// How long executions that have ended are kept, in days; 0 keeps them for ever.
    pub kept_days: u32,
    /// Size of the database above which the store looks, at start, whether most of it is
    /// space that nothing lives in, in MiB; then it is compacted.
    pub database_mib: u32,
    /// What the disk has to have left, in MiB, for new work to be accepted: what was accepted needs
    /// room to go on, and a disk that is full ends the process. 0: it is not looked at.
    pub disk_free_mib_min: u32,
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
    /// Executions of one workflow that run at the same time. The rest of `runs_max` is for the
    /// others, the last half of it for workflows of which none runs; as many as `runs_max`, or
    /// more, keep nothing for them.
    pub runs_per_workflow_max: usize,
    /// Executions of one workflow that are ready and not yet started, beyond which its triggers
    /// get 503. As many as `queued_max`, or more, are no limit of its own.
    pub queued_per_workflow_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_mib: 256,
            memory_mib_max: 1024,
            timeout_s: 30,
            timeout_s_max: 3600,
            cpu_ms: 30_000,
            cpu_ms_max: 300_000,
            stack_kib: 512,
            step_runs_max: 10_000,
            resources_max: 1_000,
            handles_max: 10_000,
            host_call_bytes_max: 4 * MIB,
            random_bytes_max: 64 * KIB,
            headers_bytes_max: 64 * KIB,
            http_held_bytes_max: 8 * MIB,
            payload_bytes_max: 512 * KIB,
            execution_bytes_max: 6 * MIB,
            exports_max: 64,
            log_bytes_max: 64 * KIB,
            log_line_bytes_max: 8 * KIB,
            // The whole logs of more than 100 runs, in lines of the usual length.
            execution_log_bytes_max: 16 * MIB,
            body_bytes_max: 512 * KIB,
            component_bytes_max: 128 * MIB,
            steps_max: 100,
            mails_max: 20,
            execution_mails_max: 100,
            runs_max: 32,
            test_runs_max: 4,
            queued_max: 100_000,
            compiles_max: 1,
            compiles_waiting_max: 8,
            compile_s: 300,
            compile_memory_mib: 2048,
            machine_code_mib_max: 512,
            machine_code_kept_mib: 2048,
            drain_s: 30,
            kept_days: 90,
            database_mib: 256,
            disk_free_mib_min: 256,
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
            runs_per_workflow_max: 24,
            // It takes five floods at once to fill the queue. One is an hour of work where a run takes
            // four seconds.
            queued_per_workflow_max: 20_000,
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

    /// The least that `http_headers_bytes_max` may be.
    pub const HTTP_HEADERS_BYTES_LEAST: usize = 8 * KIB;

    /// A failure's message and stack are cut to this, in bytes: a failure is always recorded.
    pub const FAILURE_TEXT_BYTES_MAX: usize = 16 * KIB;

    /// Core instances of one component. Language runtimes are linked from dozens of modules.
    pub const INSTANCES_PER_COMPONENT_MAX: u32 = 64;

    /// Memories of one component.
    pub const MEMORIES_PER_COMPONENT_MAX: u32 = 8;

    /// Tables of one component.
    pub const TABLES_PER_COMPONENT_MAX: u32 = 64;

    /// Elements of one table: language runtimes have one for each function.
    pub const TABLE_ELEMENTS_MAX: usize = 100_000;

    /// What is the same everywhere, by name: an operator can read it, and not set it.
    pub fn fixed() -> [(&'static str, u64); 11] {
        [
            ("crashes_max", Limits::CRASHES_MAX.into()),
            ("export_name_bytes_max", Limits::EXPORT_NAME_BYTES_MAX as u64),
            ("failure_text_bytes_max", Limits::FAILURE_TEXT_BYTES_MAX as u64),
            ("instances_per_component_max", Limits::INSTANCES_PER_COMPONENT_MAX.into()),
            ("json_depth_max", BoundedJson::DEPTH_MAX as u64),
            ("memories_per_component_max", Limits::MEMORIES_PER_COMPONENT_MAX.into()),
            ("message_bytes_max", Limits::MESSAGE_BYTES_MAX as u64),
            ("retry_attempts_max", RetryPolicy::ATTEMPTS_MAX.into()),
            ("table_elements_max", Limits::TABLE_ELEMENTS_MAX as u64),
            ("tables_per_component_max", Limits::TABLES_PER_COMPONENT_MAX.into()),
            ("wait_ms_max", Limits::WAIT_MS_MAX),
        ]
    }

    /// Of `runs_max`, those that are given only to workflows of which none runs: half of what one
    /// workflow leaves to the others, and at least one if it leaves any.
    pub fn runs_for_newcomers(&self) -> usize {
        self.runs_max.saturating_sub(self.runs_per_workflow_max).div_ceil(2)
    }

    /// What a run gets of a step that wishes for `wishes`.
    pub fn of_run(&self, wishes: &StepLimits) -> RunLimits {
        let memory_mib = wishes.memory_mib.unwrap_or(self.memory_mib) as usize;
        let timeout_s = wishes.timeout_s.unwrap_or(self.timeout_s);
        let cpu_ms = wishes.cpu_ms.unwrap_or(self.cpu_ms);
        RunLimits {
            memory_bytes_max: memory_mib * MIB,
            wall_time: Duration::from_secs(timeout_s.into()),
            cpu_time: Duration::from_millis(cpu_ms.into()),
            payload_bytes_max: self.payload_bytes_max,
            exports_max: self.exports_max,
            log_bytes_max: self.log_bytes_max,
            log_line_bytes_max: self.log_line_bytes_max,
            execution_log_bytes: Allowance::whole(self.execution_log_bytes_max),
            mails_max: self.mails_max,
            execution_mails: Allowance::whole(self.execution_mails_max),
            resources_max: self.resources_max,
            handles_max: self.handles_max,
            host_call_bytes_max: self.host_call_bytes_max,
            random_bytes_max: self.random_bytes_max,
            headers_bytes_max: self.headers_bytes_max,
            http_held_bytes_max: self.http_held_bytes_max,
            asked_bytes_max: self.execution_bytes_max,
        }
    }
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
    /// Log of all runs of the execution, as it is stored.
    pub execution_log_bytes: Allowance,
    /// Mails.
    pub mails_max: usize,
    /// Mails of all runs of the execution.
    pub execution_mails: Allowance,
    /// Resources of the host's, held at once.
    pub resources_max: usize,
    /// Handles of all resources, held at once.
    pub handles_max: usize,
    /// What one call of the host's may copy out of the guest, beside two payloads.
    pub host_call_bytes_max: usize,
    /// Random bytes in one call.
    pub random_bytes_max: usize,
    /// All header fields of one HTTP message.
    pub headers_bytes_max: usize,
    /// All HTTP messages that the host holds at once.
    pub http_held_bytes_max: usize,
    /// Exports and mails together: what is asked for before the handler has returned.
    pub asked_bytes_max: usize,
}

impl RunLimits {
    /// The same for a run of `execution`, whose runs before it have left something.
    #[must_use]
    pub fn after(mut self, execution: &Execution) -> RunLimits {
        self.execution_log_bytes.used = usize::try_from(execution.log_bytes).unwrap_or(usize::MAX);
        self.execution_mails.used = usize::try_from(execution.mails).unwrap_or(usize::MAX);
        self
    }
}

/// What all runs of one execution may leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// At the most.
    pub max: usize,
    /// So much the runs before have left.
    pub used: usize,
}

impl Allowance {
    fn whole(max: usize) -> Allowance {
        Allowance { max, used: 0 }
    }

    /// What is left; `None` when the runs before have left more than they might.
    pub fn left(self) -> Option<usize> {
        self.max.checked_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_gets_what_it_wishes_for_and_the_default_for_the_rest() {
        let limits = Limits::default();
        let wishes = StepLimits { memory_mib: Some(64), timeout_s: None, cpu_ms: Some(7) };
        let run = limits.of_run(&wishes);
        assert_eq!(run.memory_bytes_max, 64 * MIB);
        assert_eq!(run.wall_time, Duration::from_secs(30));
        assert_eq!(run.cpu_time, Duration::from_millis(7));
    }

    #[test]
    fn newcomers_have_half_of_what_one_workflow_leaves() {
        let newcomers = |runs_max, runs_per_workflow_max| {
            Limits { runs_max, runs_per_workflow_max, ..Limits::default() }.runs_for_newcomers()
        };
        assert_eq!(Limits::default().runs_for_newcomers(), 4);
        assert_eq!(newcomers(5, 2), 2);
        assert_eq!(newcomers(3, 2), 1);
        assert_eq!(newcomers(24, 24), 0);
        assert_eq!(newcomers(2, 24), 0);
    }

    #[test]
    fn what_is_fixed_has_names_of_its_own() {
        let settable = serde_json::to_value(Limits::default()).unwrap();
        for (name, _) in Limits::fixed() {
            assert!(settable.get(name).is_none(), "{name}");
        }
    }
}
