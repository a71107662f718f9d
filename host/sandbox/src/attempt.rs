//! One attempt: a store, an instance, a call, and the store is gone.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::{Store, UpdateDeadline};
use waystation_core::{Clock, RunOutcome, RunReport, RunRequest};

use crate::bindings::StepPre;
use crate::cpu::{CpuMeter, Metered};
use crate::guest::Guest;
use crate::logs::RunLog;
use crate::outbound::{Guard, Outbound};
use crate::outcome;

/// Runs the step once.
pub(crate) async fn run(
    step: StepPre<Guest>,
    request: RunRequest,
    guard: Arc<Guard>,
    clock: Arc<dyn Clock>,
) -> RunReport {
    let limits = request.limits.clone();
    let log = RunLog::new(clock, &limits);
    let outbound = Outbound::new(guard, request.allow.http.clone(), log.clone());
    let props = request.props.as_str().to_owned();
    let meter = CpuMeter::default();
    let mut store = store(&step, Guest::new(request, &log, outbound), &meter);

    let started = Instant::now();
    let call = async {
        let instance = step.instantiate_async(&mut store).await?;
        instance.call_handler(&mut store, &props).await
    };
    let called = tokio::time::timeout(limits.wall_time, Metered::new(meter, call)).await;
    let outcome = match called {
        Ok(Ok(Ok(answer))) => outcome::of_answer(answer, store.data_mut()),
        Ok(Ok(Err(error))) => {
            let denied = store.data().memory.denied();
            outcome::of_error(&error, denied, &limits, &log)
        }
        Ok(Err(panic)) => outcome::host_fault(&panic),
        Err(_) => outcome::time_limit(&limits),
    };
    let mails = std::mem::take(&mut store.data_mut().asked.mails);
    // Calls out that are still under way end with the store, and with them their lines.
    drop(store);
    let compute_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mails = if matches!(outcome, RunOutcome::HostBusy) { Vec::new() } else { mails };
    RunReport { outcome, logs: log.finish(), mails, compute_ms }
}

fn store(step: &StepPre<Guest>, guest: Guest, meter: &CpuMeter) -> Store<Guest> {
    let limits = guest.may.limits.clone();
    let mut store = Store::new(step.engine(), guest);
    store.limiter(|guest| &mut guest.memory);
    let payloads = limits.payload_bytes_max.saturating_mul(2);
    store.set_hostcall_fuel(payloads.saturating_add(limits.host_call_bytes_max));
    store.set_max_component_handles(limits.handles_max);
    store.set_epoch_deadline(1);
    let meter = meter.clone();
    store.epoch_deadline_callback(move |_| {
        if meter.used() > limits.cpu_time {
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}
