//! One seed's story. While the world is disturbed, the dice say what happens next: somebody
//! whose turn it is, somebody outside, the clock, or death. Then all that waits is let go, the
//! clock moves past one deadline after the other, and everything comes to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use waystation_core::{Clock as _, ExecutionId, LinkAction, ManualClock, PauseId, Timestamp};
use waystation_engine::{Engine, EngineError};
use waystation_store::{Fate, FaultyStore, MemoryStore, Store as _, StoreError};

use crate::actors::Outside;
use crate::invariants;
use crate::kinds;
use crate::records::Records;
use crate::schedule::{Schedule, Turnstile};
use crate::steps::{LONG_MS, RandomSteps, SHORT_MS};
use crate::world::{LIVES_MAX, Prepared, START, move_clock, now, runtime, set_clock, settled};

/// What a story was like, to see that the stories are worth telling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) stories: u64,
    pub(crate) turns: u64,
    pub(crate) deaths: u64,
    pub(crate) executions: u64,
    pub(crate) passes: u64,
    pub(crate) entries: u64,
    pub(crate) answers: u64,
    /// Depends on all that happened, in its order.
    pub(crate) print: u64,
    /// How often things happened that one wants to see.
    pub(crate) kinds: BTreeMap<&'static str, u64>,
}

/// A story that went wrong, and how it came to that.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) problem: String,
    pub(crate) trace: Vec<String>,
}

/// What a seed makes of its world.
struct Manners {
    /// Executions at the most.
    triggers: u32,
    steps: u16,
    runs_max: usize,
    runs_per_workflow_max: usize,
    /// In a thousand decisions.
    deaths: u16,
    /// Passes that kill their host, in a hundred.
    kills: u8,
    /// Calls of the store that fail, in a hundred.
    failures: u8,
    clock_jumps: bool,
}

struct Life<'a> {
    prepared: &'a Prepared,
    manners: &'a Manners,
    schedule: Arc<Schedule>,
    records: Arc<Records>,
    store: Arc<FaultyStore<MemoryStore, Turnstile<Records>>>,
    /// How many there were before it.
    number: u64,
    engine: Option<Engine>,
    callers: Vec<AbortHandle>,
    turns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// To its death.
    Dead,
    /// To the end of its decisions.
    Through,
}

/// Rounds of letting everything go, each past a deadline, until nothing may be left.
const ROUNDS_MAX: usize = 200;

/// Turns until all wait for time to pass. Three executions of three steps take some hundred.
const TURNS_MAX: usize = 5_000;

pub(crate) fn tell(prepared: &Prepared, seed: u64, traced: bool) -> Result<Told, Broken> {
    let schedule = Arc::new(Schedule::new(seed, traced));
    let clock = Arc::new(ManualClock::new(START));
    let records = Arc::new(Records::new(Arc::new(prepared.store.fork()), clock));
    let manners = schedule.roll(|dice| Manners {
        triggers: dice.u32(1..=3),
        steps: dice.u16(1..=3),
        runs_max: dice.usize(1..=3),
        runs_per_workflow_max: dice.usize(1..=3),
        deaths: [0, 8, 25, 80][dice.usize(..4)],
        kills: [0, 0, 0, 4, 85][dice.usize(..5)],
        failures: [0, 0, 0, 4][dice.usize(..4)],
        clock_jumps: dice.bool(),
    });
    let mut decisions = schedule.roll(|dice| dice.u32(20..70));
    let (mut number, mut turns) = (0, 0);
    loop {
        let runtime = runtime();
        set_clock(&records.clock, number, records.clock.now());
        records.look();
        let mut life = Life::begin(prepared, &manners, &schedule, &records, number);
        let came = runtime.block_on(life.live(&mut decisions));
        turns += life.turns;
        drop(life);
        // All tasks go with it, as they would with their process.
        drop(runtime);
        schedule.forget_all();
        number += 1;
        match came {
            Ok(Came::Dead) => {
                schedule.say(|| "the engine dies");
                records.with(|ledger| ledger.deaths += 1);
            }
            Ok(Came::Through) => break,
            Err(problem) => return Err(Broken { problem, trace: schedule.trace() }),
        }
    }
    let end = invariants::in_the_end(&records);
    end.map_err(|problem| Broken { problem, trace: schedule.trace() })?;
    Ok(records.with(|ledger| {
        let entries: u64 = ledger.stories.values().map(|story| story.execution.version).sum();
        Told {
            stories: 1,
            turns,
            deaths: ledger.deaths.into(),
            executions: ledger.stories.len() as u64,
            passes: ledger.passes.len() as u64,
            entries,
            answers: ledger.promises.len() as u64,
            print: schedule.roll(|dice| dice.u64(..)),
            kinds: kinds::of(ledger),
        }
    }))
}

impl<'a> Life<'a> {
    fn begin(
        prepared: &'a Prepared,
        manners: &'a Manners,
        schedule: &Arc<Schedule>,
        records: &Arc<Records>,
        number: u64,
    ) -> Life<'a> {
        let gate = Turnstile { schedule: schedule.clone(), watch: records.clone() };
        let store = Arc::new(FaultyStore::new(records.store.clone(), Arc::new(gate)));
        Life {
            prepared,
            manners,
            schedule: schedule.clone(),
            records: records.clone(),
            store,
            number,
            engine: None,
            callers: vec![],
            turns: 0,
        }
    }

    async fn live(&mut self, decisions: &mut u32) -> Result<Came, String> {
        if self.start(decisions).await? == Came::Dead {
            return Ok(Came::Dead);
        }
        while *decisions > 0 {
            *decisions -= 1;
            if self.decide().await? == Came::Dead {
                return Ok(Came::Dead);
            }
        }
        self.end().await
    }

    /// The engine's start waits for its turns, too.
    async fn start(&mut self, decisions: &mut u32) -> Result<Came, String> {
        let runner = RandomSteps {
            records: self.records.clone(),
            schedule: self.schedule.clone(),
            kills: if self.has_lives() { self.manners.kills } else { 0 },
        };
        let clock = self.records.clock.clone();
        let store = self.store.clone();
        let Manners { runs_max, runs_per_workflow_max, .. } = *self.manners;
        let runner = Arc::new(runner);
        let starting = self.prepared.engine(store, runner, clock, runs_max, runs_per_workflow_max);
        tokio::pin!(starting);
        loop {
            let started = futures_util::FutureExt::now_or_never(&mut starting);
            match started {
                Some(Ok(engine)) => {
                    self.engine = Some(engine);
                    settled().await;
                    return Ok(Came::Through);
                }
                // A process whose start fails is started again.
                Some(Err(EngineError::Store(_))) => return Ok(Came::Dead),
                Some(Err(error)) => return Err(error.to_string()),
                None => {}
            }
            if self.dies(*decisions) {
                return Ok(Came::Dead);
            }
            *decisions = decisions.saturating_sub(1);
            self.next_turn(*decisions > 0).await?;
        }
    }

    fn dies(&self, decisions: u32) -> bool {
        let deaths = self.manners.deaths;
        decisions > 0
            && self.has_lives()
            && deaths > 0
            && self.schedule.roll(|dice| dice.u16(..1000)) < deaths
    }

    fn has_lives(&self) -> bool {
        self.number + 2 < LIVES_MAX
    }

    /// Lets one go and waits until all have done what they can do.
    async fn next_turn(&mut self, may_fail: bool) -> Result<bool, String> {
        let fails =
            may_fail && self.manners.failures > 0 && self.schedule.chance(self.manners.failures);
        let gone = self.schedule.let_one_go(fails);
        if let Some((turn, fate)) = gone {
            self.turns += 1;
            if fate == Fate::Fails {
                self.records.with(|ledger| ledger.failures += 1);
            }
            self.schedule.say(|| format!("{turn}: {fate:?}"));
        }
        settled().await;
        match self.records.broken() {
            Some(problem) => Err(problem),
            None => Ok(gone.is_some()),
        }
    }

    async fn decide(&mut self) -> Result<Came, String> {
        if self.schedule.is_killed() || self.dies(u32::MAX) {
            return Ok(Came::Dead);
        }
        let waiting = self.schedule.waiting() > 0;
        if waiting && self.schedule.chance(72) {
            self.next_turn(true).await?;
            return Ok(Came::Through);
        }
        self.disturb().await;
        settled().await;
        Ok(Came::Through)
    }

    /// Something comes from outside.
    async fn disturb(&mut self) {
        let Some(engine) = self.engine.clone() else { return };
        let outside = Outside { engine, records: self.records.clone() };
        let triggered = self.records.with(|ledger| ledger.triggers());
        // Nothing else is worth while before there is an execution.
        let dice = if triggered == 0 { 0 } else { self.schedule.roll(|dice| dice.u8(..100)) };
        match dice {
            0..20 if triggered < self.manners.triggers => self.somebody_triggers(&outside),
            0..50 => self.somebody_calls(&outside),
            50..59 => self.the_operator_acts(&outside, dice < 57),
            59..70 => {
                let by = [SHORT_MS, SHORT_MS * 10, LONG_MS + SHORT_MS];
                let by = self.schedule.roll(|dice| by[dice.usize(..3)]);
                self.turn_clock(i64::try_from(by).unwrap());
            }
            70..74 if self.manners.clock_jumps => {
                self.turn_clock(-self.schedule.roll(|dice| dice.i64(100..4_000_000)));
            }
            70..76 => {
                self.schedule.say(|| "the store writes the marks that it kept");
                self.store.write_marks();
                self.records.look();
            }
            76..80 => {
                if let Some(caller) = self.callers.pop() {
                    self.schedule.say(|| "a caller leaves");
                    caller.abort();
                }
            }
            _ => {
                let millis = self.schedule.roll(|dice| [20, 300, 1100, 5100][dice.usize(..4)]);
                self.schedule.say(|| format!("{millis} ms pass"));
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
        }
    }

    fn somebody_triggers(&mut self, outside: &Outside) {
        let key = self.schedule.roll(|dice| dice.bool().then(|| dice.u8(..2)));
        self.schedule.say(|| format!("somebody triggers, with key {key:?}"));
        self.asks(outside.clone().triggers(self.manners.steps, key));
    }

    /// One, or several at the same time.
    fn somebody_calls(&mut self, outside: &Outside) {
        let Some((id, pause)) = self.some_pause() else { return };
        let callers = self.schedule.roll(|dice| if dice.u8(..4) == 0 { 3 } else { 1 });
        for _ in 0..callers {
            let action = self.some_action();
            self.schedule.say(|| format!("somebody calls {action:?} of {pause:?} of {id}"));
            self.asks(outside.clone().calls(id, pause, action));
        }
    }

    fn the_operator_acts(&mut self, outside: &Outside, resumes: bool) {
        let Some(id) = self.some_execution() else { return };
        if resumes {
            self.schedule.say(|| format!("the operator resumes {id}"));
            self.asks(outside.clone().operator_resumes(id));
        } else {
            self.schedule.say(|| format!("the operator cancels {id}"));
            self.asks(outside.clone().operator_cancels(id));
        }
    }

    /// A task of the engine's own runtime: it dies with the engine.
    fn asks(&mut self, wish: impl Future<Output = Result<(), StoreError>> + Send + 'static) {
        self.callers.push(tokio::spawn(wish).abort_handle());
    }

    fn turn_clock(&self, by_millis: i64) {
        move_clock(&self.records.clock, self.number, by_millis);
        self.records.with(|ledger| ledger.latest = ledger.latest.max(self.records.clock.now()));
        self.schedule.say(|| format!("the clock shows {}", self.records.clock.now()));
    }

    /// One that a step had links of: the one that is open, or any of the old ones.
    fn some_pause(&self) -> Option<(ExecutionId, PauseId)> {
        let passes = self.records.with(|ledger| ledger.passes.len());
        let chosen = (passes > 0).then(|| {
            self.schedule.roll(|dice| if dice.bool() { passes - 1 } else { dice.usize(..passes) })
        })?;
        self.records.with(|ledger| {
            let pass = &ledger.passes[chosen];
            Some((pass.execution, pass.run))
        })
    }

    fn some_action(&self) -> LinkAction {
        match self.schedule.roll(|dice| dice.u8(..10)) {
            0..7 => LinkAction::Resume,
            7 => LinkAction::Approve,
            _ => LinkAction::Cancel,
        }
    }

    fn some_execution(&self) -> Option<ExecutionId> {
        let executions = self.records.with(|ledger| ledger.stories.len());
        let chosen =
            (executions > 0).then(|| self.schedule.roll(|dice| dice.usize(..executions)))?;
        self.records.with(|ledger| ledger.stories.keys().nth(chosen).copied())
    }

    /// Nobody disturbs any more: everything comes to its end.
    async fn end(&mut self) -> Result<Came, String> {
        for _ in 0..ROUNDS_MAX {
            if self.let_all_go().await? == Came::Dead {
                return Ok(Came::Dead);
            }
            self.nothing_is_left_lying()?;
            let next = now(self.records.store.deadlines(1)).unwrap();
            let ready = now(self.records.store.ready(1, &[])).unwrap();
            if next.is_empty() && ready.is_empty() {
                return Ok(Came::Through);
            }
            if let Some(next) = next.first() {
                self.pass_deadline(next.at);
            }
            // Some look at the clock now and then, and some try again after a second.
            let millis = if self.manners.failures > 0 { 1_100 } else { 300 };
            tokio::time::sleep(Duration::from_millis(millis)).await;
            if self.let_all_go().await? == Came::Dead {
                return Ok(Came::Dead);
            }
            self.nothing_is_overdue()?;
        }
        let left = now(self.records.store.ready(usize::MAX, &[])).unwrap();
        Err(format!("it does not come to an end: {left:?}"))
    }

    async fn let_all_go(&mut self) -> Result<Came, String> {
        for _ in 0..TURNS_MAX {
            let gone = self.next_turn(false).await?;
            if self.schedule.is_killed() {
                return Ok(Came::Dead);
            }
            if !gone {
                return Ok(Came::Through);
            }
        }
        Err("it does not come to rest although no time passes".to_owned())
    }

    fn pass_deadline(&self, deadline: Timestamp) {
        let behind = deadline.millis_since(self.records.clock.now());
        self.turn_clock(i64::try_from(behind + LIVES_MAX).unwrap());
    }

    /// Without a failing store nothing that is ready waits while there is a slot and the one
    /// workflow has not its share, although no time has passed in which somebody could have come
    /// to look.
    fn nothing_is_left_lying(&self) -> Result<(), String> {
        let Some(engine) = &self.engine else { return Ok(()) };
        let (metrics, ready) = (engine.metrics(), now(self.records.store.ready(99, &[])).unwrap());
        let waits = ready.len() as u64 > metrics.runs_active;
        let room = metrics.runs_max.min(self.manners.runs_per_workflow_max as u64);
        if waits && metrics.runs_active < room && self.manners.failures == 0 {
            return Err(format!("ready, and nobody takes it up: {ready:?}"));
        }
        Ok(())
    }

    /// A pause whose time is over ends when somebody looks at the clock.
    fn nothing_is_overdue(&self) -> Result<(), String> {
        let shown = self.records.clock.now();
        let open = now(self.records.store.deadlines(1)).unwrap();
        match open.first().filter(|open| open.at <= shown && self.manners.failures == 0) {
            Some(open) => Err(format!("overdue, and nobody ends it: {open:?}")),
            None => Ok(()),
        }
    }
}
