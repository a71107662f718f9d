//! One attempt: a store, an instance, a call, and the store is gone.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::{Store, UpdateDeadline};
use waystation_core::{Clock, Mail, RunOutcome, RunReport, RunRequest};

use crate::bindings::StepPre;
use crate::cpu::{CpuMeter, Metered};
use crate::guest::Guest;
use crate::held::Held;
use crate::logs::RunLog;
use crate::masks::Masks;
use crate::outbound::{Guard, Outbound};
use crate::secrets::{NoRandomness, Secrets};
use crate::{masked, outcome};

/// Runs the step once.
pub(crate) async fn run(
    step: StepPre<Guest>,
    mut request: RunRequest,
    guard: Arc<Guard>,
    clock: Arc<dyn Clock>,
) -> RunReport {
    let limits = request.limits.clone();
    let secrets = match Secrets::new(std::mem::take(&mut request.secrets)) {
        Ok(secrets) => secrets,
        Err(NoRandomness) => return nothing(outcome::host_fault("no randomness from the system")),
    };
    let log = RunLog::new(clock, &limits, secrets.clone());
    let held = Held::new(limits.http_held_bytes_max);
    let allow = request.allow.http.clone();
    let outbound = Outbound::new(guard, allow, secrets.clone(), log.clone(), held.under_way());
    let props = request.props.as_str().to_owned();
    let meter = CpuMeter::default();
    let guest = Guest::new(request, &secrets, &log, outbound, held);
    let mut store = store(&step, guest, &meter);

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
    let (outcome, mails) = match secrets.masks() {
        Some(masks) => hidden(masks, outcome, mails, limits.payload_bytes_max, &log),
        None => (outcome, mails),
    };
    let outcome = outcome::cut(outcome);
    RunReport { outcome, logs: log.finish(), mails, compute_ms }
}

/// An attempt that was not made.
pub(crate) fn nothing(outcome: RunOutcome) -> RunReport {
    RunReport { outcome, logs: Vec::new(), mails: Vec::new(), compute_ms: 0 }
}

/// What leaves the sandbox, without secrets. The log has none to begin with.
fn hidden(
    masks: &Masks,
    outcome: RunOutcome,
    mails: Vec<Mail>,
    bytes_max: usize,
    log: &RunLog,
) -> (RunOutcome, Vec<Mail>) {
    let written = mails.len();
    let mails: Vec<Mail> = mails.into_iter().filter_map(|mail| masked::mail(masks, mail)).collect();
    if mails.len() < written {
        log.note("a mail is not sent: one of its addresses holds a secret");
    }
    (masked::outcome(masks, outcome, bytes_max), mails)
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
