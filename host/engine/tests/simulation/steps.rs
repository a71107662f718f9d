//! What steps do: they wait for their turn and then do as the dice, or a script, say.

use std::sync::Arc;

use async_trait::async_trait;
use waystation_core::{
    BoundedJson, Failure, FailureKind, Flow, Mail, OnTimeout, RunOutcome, RunReport, RunRequest,
    StepRunner,
};
use waystation_store::Fate;

use crate::records::{Pass, Records, numbered};
use crate::schedule::{Schedule, Turn};

/// What a pass comes to.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    Asks(Flow),
    Fails {
        retryable: bool,
    },
    /// The host has no room for it: it does not count.
    FindsNoRoom,
    /// The host dies of it.
    Kills,
}

/// Short waits are over soon after they begin, long ones never by themselves while the world
/// is disturbed by small steps.
pub(crate) const SHORT_MS: u64 = 160;
pub(crate) const LONG_MS: u64 = 24 * 3_600_000;

/// Steps that a seed decides about.
pub(crate) struct RandomSteps {
    pub(crate) records: Arc<Records>,
    pub(crate) schedule: Arc<Schedule>,
    /// Passes that their host dies of, in a hundred.
    pub(crate) kills: u8,
}

#[async_trait]
impl StepRunner for RandomSteps {
    async fn run(&self, request: RunRequest) -> RunReport {
        let pass = self.records.begins(&request);
        if self.schedule.park(Turn::Run(pass)).await == Fate::Hangs {
            std::future::pending::<()>().await;
        }
        let kills = self.schedule.chance(self.kills);
        let does = if kills { Does::Kills } else { self.schedule.roll(|dice| random(dice, pass)) };
        self.schedule.say(|| format!("pass {pass}: {does:?}"));
        self.records.returns(pass, does.clone());
        if kills {
            self.schedule.kill();
            std::future::pending::<()>().await;
        }
        report(pass, does)
    }
}

/// What a step does in a pass, and the mails that it sends.
pub(crate) type Script = fn(&Pass, u32) -> (Does, Vec<Mail>);

/// Steps that follow a script.
pub(crate) struct ScriptedSteps {
    pub(crate) records: Arc<Records>,
    pub(crate) script: Script,
}

#[async_trait]
impl StepRunner for ScriptedSteps {
    async fn run(&self, request: RunRequest) -> RunReport {
        let number = self.records.begins(&request);
        let (does, mails) = (self.script)(&self.records.pass(number), number);
        // Long enough for others to come in between.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        self.records.returns(number, does.clone());
        RunReport { mails, ..report(number, does) }
    }
}

fn random(dice: &mut fastrand::Rng, pass: u32) -> Does {
    let wait = if dice.bool() { SHORT_MS } else { LONG_MS };
    match dice.u8(..100) {
        // Also what a step comes to that took back what it had asked for.
        0..30 => Does::Asks(Flow::Continue),
        30..56 => {
            let on_timeout = [OnTimeout::Resume, OnTimeout::Cancel, OnTimeout::Fail];
            Does::Asks(suspend(wait, on_timeout[dice.usize(..3)]))
        }
        56..75 => Does::Asks(rerun(wait, pass, dice.u32(..3))),
        75..82 => Does::Asks(Flow::Delay { delay_ms: wait }),
        82..85 => Does::Asks(Flow::Exit { reason: Some("enough".into()) }),
        85..95 => Does::Fails { retryable: true },
        95..97 => Does::Fails { retryable: false },
        _ => Does::FindsNoRoom,
    }
}

pub(crate) fn suspend(timeout_ms: u64, on_timeout: OnTimeout) -> Flow {
    Flow::Suspend { timeout_ms, on_timeout, message: None, resume_schema: None }
}

/// Asks for another run, whose context says which pass asked.
pub(crate) fn rerun(delay_ms: u64, pass: u32, max_retries: u32) -> Flow {
    Flow::Rerun { delay_ms, context: Some(numbered(pass).into()), max_retries }
}

/// The pass signs its report: nothing is done with the time it took but to add it up.
fn report(pass: u32, does: Does) -> RunReport {
    let outcome = match does {
        Does::Asks(flow) => {
            let result = Some(BoundedJson::null());
            RunOutcome::Returned { result, exports: vec![], flow }
        }
        Does::Fails { retryable } => {
            let failure = Failure::new(FailureKind::GuestError, "Oops", "it broke");
            RunOutcome::Failed(Failure { retryable, ..failure })
        }
        Does::FindsNoRoom | Does::Kills => RunOutcome::HostBusy,
    };
    RunReport { outcome, logs: vec![], mails: vec![], compute_ms: pass.into() }
}
