//! `flow`: what is asked for here is recorded, and happens when the handler returns.

use waystation_core::{BoundedJson, Flow, Limits, OnTimeout, Payload, ResumeSchema};

use super::argument;
use crate::bindings::waystation::step::flow::{
    Error, Host, Links, OnTimeout as WitOnTimeout, SuspendOptions,
};
use crate::guest::Guest;

impl Host for Guest {
    fn suspend(&mut self, timeout_ms: Option<u64>) -> Result<Links, Error> {
        let options =
            SuspendOptions { timeout_ms, on_timeout: None, message: None, resume_schema: None };
        self.suspend_with(options)
    }

    fn suspend_with(&mut self, options: SuspendOptions) -> Result<Links, Error> {
        let pause = self.checked_suspend(options).map_err(Error::InvalidArgument)?;
        self.asked.pause = Some(pause);
        Ok(self.links(true))
    }

    fn rerun(
        &mut self,
        delay_ms: u64,
        context: Option<String>,
        max_retries: Option<u32>,
    ) -> Result<Links, Error> {
        let pause = self.checked_rerun(delay_ms, context, max_retries);
        let (pause, scheduled) = pause.map_err(Error::InvalidArgument)?;
        self.asked.pause = Some(pause);
        Ok(self.links(scheduled))
    }

    fn delay(&mut self, delay_ms: u64) -> Result<Links, Error> {
        let delay_ms = argument::wait_ms("delay-ms", delay_ms).map_err(Error::InvalidArgument)?;
        self.asked.pause = Some(Flow::Delay { delay_ms });
        Ok(self.links(true))
    }

    fn withdraw(&mut self) {
        self.asked.pause = None;
        self.asked.exit = None;
    }

    fn exit(&mut self, reason: Option<String>) {
        self.asked.exit = Some(reason.map(|reason| argument::one_line(reason, &self.may.secrets)));
    }
}

impl Guest {
    fn checked_suspend(&self, options: SuspendOptions) -> Result<Flow, String> {
        let timeout_ms = options.timeout_ms.unwrap_or(Limits::SUSPEND_MS_DEFAULT);
        let timeout_ms = argument::wait_ms("timeout-ms", timeout_ms)?;
        if let Some(message) = &options.message {
            argument::line("message", message)?;
        }
        let schema = options.resume_schema.map(|text| self.checked_schema(text)).transpose()?;
        Ok(Flow::Suspend {
            timeout_ms,
            on_timeout: options.on_timeout.map_or(self.may.on_timeout, on_timeout),
            message: options.message,
            resume_schema: schema.map(Payload::from),
        })
    }

    fn checked_schema(&self, text: String) -> Result<BoundedJson, String> {
        let bytes_max = self.may.limits.payload_bytes_max.min(Limits::SCHEMA_BYTES_MAX);
        let schema = argument::json("resume-schema", text, bytes_max)?;
        // One that can't be used later would leave the pause without a way to resume it.
        match ResumeSchema::new(&schema.to_value()) {
            Ok(_) => Ok(schema),
            Err(why) => Err(format!("resume-schema: {why}")),
        }
    }

    fn checked_rerun(
        &self,
        delay_ms: u64,
        context: Option<String>,
        max_retries: Option<u32>,
    ) -> Result<(Flow, bool), String> {
        let delay_ms = argument::wait_ms("delay-ms", delay_ms)?;
        let bytes_max = self.may.limits.payload_bytes_max;
        let context = context.map(|text| argument::json("context", text, bytes_max)).transpose()?;
        let max_retries = max_retries.unwrap_or(Limits::MAX_RETRIES_DEFAULT);
        // The first run is no rerun: run n has n - 1 behind it, and would make the nth.
        let scheduled = self.seen.run.runs <= max_retries;
        Ok((Flow::Rerun { delay_ms, context: context.map(Payload::from), max_retries }, scheduled))
    }

    fn links(&self, scheduled: bool) -> Links {
        let links = self.seen.links.clone();
        Links {
            resume_url: links.resume_url,
            cancel_url: links.cancel_url,
            approval_url: links.approval_url,
            scheduled,
        }
    }
}

fn on_timeout(choice: WitOnTimeout) -> OnTimeout {
    match choice {
        WitOnTimeout::Resume => OnTimeout::Resume,
        WitOnTimeout::Cancel => OnTimeout::Cancel,
        WitOnTimeout::Fail => OnTimeout::Fail,
    }
}
