//! A few stories, in which every call of the store goes wrong once: it fails, or the process
//! dies before it or after it. Whoever outside was not answered asks again, as one does; and in
//! the end everything has to be as if nothing had been.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use waystation_core::{
    Clock as _, FailureKind, Flow, LinkAction, Mail, ManualClock, OnTimeout, PauseId, Status,
};
use waystation_engine::EngineError;
use waystation_store::{AtCall, Fault, FaultyStore, Store as _, StoreError};

use crate::actors::Outside;
use crate::invariants;
use crate::records::{Ledger, Records};
use crate::steps::{Does, LONG_MS, SHORT_MS, Script, ScriptedSteps, rerun, suspend};
use crate::world::{LIVES_MAX, Prepared, START, move_clock, now, runtime, set_clock};

/// What those outside do.
type Play = for<'a> fn(&'a Stage) -> BoxFuture<'a, Result<(), StoreError>>;

struct Scenario {
    steps: u16,
    script: Script,
    play: Play,
    /// As what the execution ends.
    ends: Status,
}

struct Stage {
    outside: Outside,
    steps: u16,
}

const FIRST: PauseId = PauseId { step: 0, run: 1 };

/// How long something is waited for, in steps of 10 ms of a time that does not pass by itself.
const PATIENCE: usize = 2_000;

impl Stage {
    async fn until(&self, wish: impl Fn(&Ledger) -> bool) -> Result<(), StoreError> {
        for _ in 0..PATIENCE {
            self.outside.records.look();
            if self.outside.records.with(|ledger| wish(ledger) || ledger.broken.is_some()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came to that");
    }

    /// Triggers it; the key makes that one execution, however often one asks.
    async fn trigger(&self) -> Result<(), StoreError> {
        self.outside.clone().triggers(self.steps, Some(0)).await
    }

    /// Triggers it, and resumes its first pause.
    async fn resumed(&self) -> Result<(), StoreError> {
        self.trigger().await?;
        self.paused(FIRST).await?;
        self.call(FIRST, LinkAction::Resume).await
    }

    /// The pause has begun, or is over already.
    async fn paused(&self, pause: PauseId) -> Result<(), StoreError> {
        self.until(|ledger| {
            ledger.stories.values().all(|story| {
                let open = story.execution.pause().is_some_and(|open| open.id == pause);
                open || story.ends.contains_key(&pause) || story.execution.status().is_terminal()
            })
        })
        .await
    }

    async fn call(&self, pause: PauseId, action: LinkAction) -> Result<(), StoreError> {
        let id = self.outside.records.with(|ledger| *ledger.stories.keys().next().unwrap());
        self.outside.clone().calls(id, pause, action).await
    }

    /// The clock goes on until all has ended.
    async fn end(&self) -> Result<(), StoreError> {
        let records = &self.outside.records;
        for _ in 0..PATIENCE {
            records.look();
            let stories = records.with(|ledger| {
                let over = ledger.stories.values().filter(|s| s.execution.status().is_terminal());
                (over.count(), ledger.stories.len())
            });
            let mails = now(records.store.mails(9)).unwrap();
            if stories.0 == stories.1 && mails.is_empty() {
                return Ok(());
            }
            let next = now(records.store.deadlines(1)).unwrap();
            if let Some(next) = next.first().filter(|next| next.at > records.clock.now()) {
                let millis = next.at.millis_since(records.clock.now()) + LIVES_MAX;
                move_clock(&records.clock, 0, i64::try_from(millis).unwrap());
            }
            if !mails.is_empty() {
                move_clock(&records.clock, 0, 5_000);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("it does not come to an end");
    }
}

/// One life of the world: plays the scenario until it is over or the store is dead. What those
/// outside were not granted they ask for again.
fn live(
    prepared: &Prepared,
    scenario: &Scenario,
    records: &Arc<Records>,
    life: u64,
    gate: &Arc<AtCall>,
) {
    let runtime = runtime();
    set_clock(&records.clock, life, records.clock.now());
    records.look();
    let store = Arc::new(FaultyStore::new(records.store.clone(), gate.clone()));
    let steps = ScriptedSteps { records: records.clone(), script: scenario.script };
    let steps = Arc::new(steps);
    let played = async {
        let engine = loop {
            let clock = records.clock.clone();
            match prepared.engine(store.clone(), steps.clone(), clock, 2, 2).await {
                Ok(engine) => break engine,
                Err(EngineError::Store(_)) => records.with(|ledger| ledger.failures += 1),
                Err(error) => panic!("{error}"),
            }
        };
        let outside = Outside { engine, records: records.clone() };
        let stage = Stage { outside, steps: scenario.steps };
        while (scenario.play)(&stage).await.is_err() {}
        stage.end().await.unwrap();
    };
    let dead = async {
        while !gate.is_dead() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = dead => {}
            () = played => {}
        }
    });
}

/// `false`: it makes fewer calls.
fn goes_wrong_at(prepared: &Prepared, scenario: &Scenario, number: u64, fault: Fault) -> bool {
    let clock = Arc::new(ManualClock::new(START));
    let records = Arc::new(Records::new(Arc::new(prepared.store.fork()), clock));
    let gate = Arc::new(AtCall::new(number, fault));
    // Those who are told of a failure are told the truth.
    records.with(|ledger| ledger.failures = u32::from(fault == Fault::Fails));
    live(prepared, scenario, &records, 0, &gate);
    if gate.is_dead() {
        records.with(|ledger| ledger.deaths = 1);
        live(prepared, scenario, &records, 1, &Arc::new(AtCall::new(u64::MAX, fault)));
    }
    let place = format!("{fault:?} at call {number}");
    if let Some(problem) = records.broken() {
        panic!("{place}: {problem}");
    }
    invariants::in_the_end(&records).unwrap_or_else(|problem| panic!("{place}: {problem}"));
    records.with(|ledger| {
        assert_eq!(ledger.stories.len(), 1, "{place}");
        for story in ledger.stories.values() {
            assert_eq!(story.execution.status(), scenario.ends, "{place}: {:?}", story.execution);
        }
    });
    gate.has_struck()
}

/// Each fault at each call.
fn goes_wrong(scenario: &Scenario) {
    let folder = tempfile::tempdir().unwrap();
    let prepared = Prepared::new(folder.path().to_owned());
    let sent = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut calls = 0;
    for fault in Fault::ALL {
        let mut number = 1;
        while goes_wrong_at(&prepared, scenario, number, fault) {
            number += 1;
            assert!(number < 1_000, "it never ends");
        }
        calls = number - 1;
    }
    assert!(calls > 5, "only {calls} calls");
    println!("{calls} calls, each went wrong in three ways; mails: {}", sent());
}

fn asks(flow: Flow) -> (Does, Vec<Mail>) {
    (Does::Asks(flow), vec![])
}

fn waits(timeout_ms: u64) -> (Does, Vec<Mail>) {
    asks(suspend(timeout_ms, OnTimeout::Resume))
}

#[test]
fn a_pause_is_resumed_and_the_next_step_follows() {
    goes_wrong(&Scenario {
        steps: 2,
        script: |pass, _| if pass.run.step == 0 { waits(LONG_MS) } else { asks(Flow::Continue) },
        play: |stage| stage.resumed().boxed(),
        ends: Status::Completed,
    });
}

#[test]
fn a_rerun_is_called_back_and_runs_out_of_time() {
    goes_wrong(&Scenario {
        steps: 1,
        script: |pass, number| match pass.run.run {
            1 => asks(rerun(LONG_MS, number, 2)),
            2 => asks(rerun(SHORT_MS, number, 2)),
            _ => asks(Flow::Continue),
        },
        play: |stage| stage.resumed().boxed(),
        ends: Status::Completed,
    });
}

#[test]
fn a_link_cancels_before_its_pause() {
    goes_wrong(&Scenario {
        steps: 2,
        script: |_, _| waits(LONG_MS),
        play: |stage| {
            async {
                stage.trigger().await?;
                stage.until(|ledger| !ledger.passes.is_empty()).await?;
                stage.call(FIRST, LinkAction::Cancel).await
            }
            .boxed()
        },
        ends: Status::Canceled,
    });
}

#[test]
fn a_failed_run_is_tried_again() {
    goes_wrong(&Scenario {
        steps: 2,
        script: |pass, _| match pass.run.step {
            0 if pass.attempt == 1 => (Does::Fails { retryable: true }, vec![]),
            _ => asks(Flow::Continue),
        },
        play: |stage| stage.trigger().boxed(),
        ends: Status::Completed,
    });
}

#[test]
fn a_pause_runs_out_of_time() {
    goes_wrong(&Scenario {
        steps: 3,
        script: |pass, _| match pass.run.step {
            0 => waits(SHORT_MS),
            1 => asks(Flow::Delay { delay_ms: LONG_MS }),
            _ => asks(suspend(SHORT_MS, OnTimeout::Fail)),
        },
        play: |stage| stage.trigger().boxed(),
        ends: Status::Failed,
    });
}

#[test]
fn two_triggers_with_one_key_are_one_execution() {
    goes_wrong(&Scenario {
        steps: 1,
        script: |_, _| asks(Flow::Continue),
        play: |stage| {
            async {
                let (first, second) = tokio::join!(stage.trigger(), stage.trigger());
                first.and(second)
            }
            .boxed()
        },
        ends: Status::Completed,
    });
}

#[test]
fn a_mail_is_sent_with_its_run() {
    goes_wrong(&Scenario {
        steps: 1,
        script: |_, _| {
            let text = Some("approve!".to_owned());
            let mail = Mail { to: vec![], subject: "Please".into(), text, html: None };
            (Does::Asks(suspend(SHORT_MS, OnTimeout::Resume)), vec![mail])
        },
        play: |stage| stage.trigger().boxed(),
        ends: Status::Completed,
    });
}

#[test]
fn the_operator_cancels_a_run() {
    goes_wrong(&Scenario {
        steps: 1,
        script: |_, _| waits(LONG_MS),
        play: |stage| {
            async {
                stage.trigger().await?;
                stage.until(|ledger| !ledger.passes.is_empty()).await?;
                let id =
                    stage.outside.records.with(|ledger| *ledger.stories.keys().next().unwrap());
                stage.outside.clone().operator_cancels(id).await
            }
            .boxed()
        },
        ends: Status::Canceled,
    });
}

/// Its host's clock is set back, too, so that no time tells how often it was tried.
#[test]
fn a_run_that_kills_its_host_before_its_mark_is_on_disk_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = Prepared::new(folder.path().to_owned());
    let clock = Arc::new(ManualClock::new(START));
    let records = Arc::new(Records::new(Arc::new(prepared.store.fork()), clock));
    let given_up = |ledger: &Ledger| {
        let errors = ledger.stories.values().filter_map(|story| story.execution.error.as_ref());
        errors.map(|error| error.kind).next() == Some(FailureKind::HostFault)
    };
    for life in 0..8 {
        let gate = Arc::new(AtCall::new(u64::MAX, Fault::Fails));
        let store = Arc::new(FaultyStore::new(records.store.clone(), gate));
        let script: Script = |_, _| waits(LONG_MS);
        let steps = Arc::new(ScriptedSteps { records: records.clone(), script });
        runtime().block_on(async {
            let clock = records.clock.clone();
            let engine = prepared.engine(store, steps, clock, 1, 1).await.unwrap();
            let stage = Stage { outside: Outside { engine, records: records.clone() }, steps: 1 };
            let begun = records.with(|ledger| ledger.passes.len());
            if life == 0 {
                stage.trigger().await.unwrap();
            }
            // The host dies as soon as the run has begun.
            let died = |ledger: &Ledger| ledger.passes.len() > begun || given_up(ledger);
            stage.until(died).await.unwrap();
        });
        records.with(|ledger| ledger.deaths += 1);
        move_clock(&records.clock, life + 1, -3_600_000);
    }
    records.look();
    assert_eq!(records.broken(), None);
    assert!(records.with(|ledger| given_up(ledger)), "it would kill its hosts for ever");
    // Once without a mark, then five times with one.
    assert_eq!(records.with(|ledger| ledger.passes.len()), 6);
}
