//! What one attempt's store holds: all a guest can see and everything it asked for.

use std::collections::BTreeMap;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use waystation_core::{
    BoundedJson, ExecutionContext, Flow, Links, Mail, OnTimeout, Responder, RunContext, RunLimits,
    RunRequest,
};

use crate::held::{Held, HeldTooMuch};
use crate::logs::RunLog;
use crate::memory::MemoryLimiter;
use crate::outbound::Outbound;
use crate::secrets::Secrets;
use crate::stdio::LogPipe;

/// One attempt, as the host's functions see it.
pub(crate) struct Guest {
    /// What the run may see.
    pub(crate) seen: Seen,
    /// What it asked for.
    pub(crate) asked: Asked,
    /// What it may do.
    pub(crate) may: May,
    /// What it may hold.
    pub(crate) memory: MemoryLimiter,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
    held: Held,
}

/// The part of a request that the guest can read.
pub(crate) struct Seen {
    /// Which run.
    pub(crate) run: RunContext,
    /// The execution.
    pub(crate) execution: ExecutionContext,
    /// What triggered it.
    pub(crate) event: BoundedJson,
    /// What the steps so far exported.
    pub(crate) steps: BoundedJson,
    /// The links of this run's pause.
    pub(crate) links: Links,
}

/// The part of a request that decides.
pub(crate) struct May {
    /// Send mail?
    pub(crate) email: bool,
    /// Is there an owner to send it to?
    pub(crate) mail_owner: bool,
    /// What `suspend` does at its deadline by default.
    pub(crate) on_timeout: OnTimeout,
    /// How much.
    pub(crate) limits: RunLimits,
    /// What must not be told.
    pub(crate) secrets: Secrets,
    /// Who waits for an answer.
    pub(crate) responder: Option<Box<dyn Responder>>,
}

/// What the guest asked for, to happen when its handler returns.
#[derive(Default)]
pub(crate) struct Asked {
    /// The last of `suspend`, `rerun` and `delay`.
    pub(crate) pause: Option<Flow>,
    /// An `exit`, with its reason. It beats a pause.
    pub(crate) exit: Option<Option<String>>,
    /// Exports by name.
    pub(crate) exports: BTreeMap<String, BoundedJson>,
    /// Mails, in order.
    pub(crate) mails: Vec<Mail>,
}

impl Asked {
    /// What all exports but `replaced`, and all mails, have together, in bytes.
    pub(crate) fn bytes_without(&self, replaced: Option<&str>) -> usize {
        let exports = self.exports.iter().filter(|(name, _)| Some(name.as_str()) != replaced);
        let exports: usize = exports.map(|(name, value)| name.len() + value.len()).sum();
        exports + self.mails.iter().map(Mail::bytes).sum::<usize>()
    }

    /// What stands of all the flow calls.
    pub(crate) fn flow(&mut self) -> Flow {
        match self.exit.take() {
            Some(reason) => Flow::Exit { reason },
            None => self.pause.take().unwrap_or_default(),
        }
    }
}

impl Guest {
    /// The store's data for `request`. `props` stay with the caller.
    pub(crate) fn new(
        request: RunRequest,
        secrets: &Secrets,
        log: &RunLog,
        outbound: Outbound,
        held: Held,
    ) -> Guest {
        use waystation_core::LogStream;

        let mut table = ResourceTable::new();
        table.set_max_capacity(request.limits.resources_max);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(request.limits.headers_bytes_max);
        // The step's own settings and secrets are all the environment it has.
        let settings: Vec<_> = request.allow.config.iter().collect();
        let wasi = WasiCtxBuilder::new()
            .envs(&settings)
            .envs(&secrets.variables())
            .stdout(LogPipe::new(log.clone(), LogStream::Stdout))
            .stderr(LogPipe::new(log.clone(), LogStream::Stderr))
            .max_random_size(request.limits.random_bytes_max as u64)
            .build();
        Guest {
            memory: MemoryLimiter::new(request.limits.memory_bytes_max),
            seen: Seen {
                run: request.run,
                execution: request.execution,
                event: request.event,
                steps: request.steps,
                links: request.links,
            },
            asked: Asked::default(),
            may: May {
                email: request.allow.email,
                mail_owner: request.mail_owner,
                on_timeout: request.on_timeout,
                limits: request.limits,
                secrets: secrets.clone(),
                responder: request.responder,
            },
            table,
            wasi,
            http,
            outbound,
            held,
        }
    }

    /// The host is about to hold so many bytes more of the guest's HTTP messages.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), HeldTooMuch> {
        self.held.note(bytes, &mut self.table)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}
