//! Everything waits its turn: calls of the store, their answers, and runs park here until the
//! one who plays the world lets them go.

use std::fmt::{self, Display};

use fastrand::Rng;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use waystation_store::{Call, Fate, Gate};

/// What waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// A call, before it is carried out.
    Call(Call),
    /// A call's answer.
    Answer(Call),
    /// A run, before it returns. Passes are numbered through.
    Run(u32),
}

/// Who waits, the dice, and the trace.
pub(crate) struct Schedule(Mutex<Inner>);

struct Inner {
    dice: Rng,
    parked: Vec<(Turn, oneshot::Sender<Fate>)>,
    killed: bool,
    trace: Option<Vec<String>>,
}

impl Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, call) = match self {
            Turn::Call(call) => ("call", call),
            Turn::Answer(call) => ("answer to", call),
            Turn::Run(pass) => return write!(f, "the step in pass {pass}"),
        };
        write!(f, "{what} {} {}", call.number, call.method)?;
        call.execution.map_or(Ok(()), |id| write!(f, " of {id}"))
    }
}

impl Schedule {
    pub(crate) fn new(seed: u64, traced: bool) -> Schedule {
        let trace = traced.then(Vec::new);
        Schedule(Mutex::new(Inner {
            dice: Rng::with_seed(seed),
            parked: vec![],
            killed: false,
            trace,
        }))
    }

    /// All that is left to chance comes from these dice, so that the seed decides all.
    pub(crate) fn roll<T>(&self, throw: impl FnOnce(&mut Rng) -> T) -> T {
        throw(&mut self.0.lock().dice)
    }

    /// True about `percent` times in a hundred.
    pub(crate) fn chance(&self, percent: u8) -> bool {
        self.roll(|dice| dice.u8(..100) < percent)
    }

    pub(crate) async fn park(&self, turn: Turn) -> Fate {
        let (go, gone) = oneshot::channel();
        self.0.lock().parked.push((turn, go));
        // Nobody lets it go any more: its world has ended.
        gone.await.unwrap_or(Fate::Hangs)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        let mut inner = self.0.lock();
        // A run that was interrupted no longer waits.
        inner.parked.retain(|(_, go)| !go.is_closed());
        inner.parked.len()
    }

    /// Lets one go, whose turn the dice say it is. A call fails if `fails` says so.
    pub(crate) fn let_one_go(&self, fails: bool) -> Option<(Turn, Fate)> {
        let waiting = self.waiting();
        let mut inner = self.0.lock();
        let chosen = (waiting > 0).then(|| inner.dice.usize(..waiting))?;
        let (turn, go) = inner.parked.swap_remove(chosen);
        let fate =
            if fails && matches!(turn, Turn::Call(_)) { Fate::Fails } else { Fate::Proceeds };
        // It can't have left since `waiting`: nothing else runs meanwhile.
        let _ = go.send(fate);
        Some((turn, fate))
    }

    /// The engine dies of what just happened.
    pub(crate) fn kill(&self) {
        self.0.lock().killed = true;
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.0.lock().killed
    }

    /// The engine has died, and with it all who waited.
    pub(crate) fn forget_all(&self) {
        let mut inner = self.0.lock();
        inner.parked.clear();
        inner.killed = false;
    }

    /// A line for the trace.
    pub(crate) fn say<T: Display>(&self, line: impl FnOnce() -> T) {
        if let Some(trace) = &mut self.0.lock().trace {
            trace.push(line().to_string());
        }
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.0.lock().trace.clone().unwrap_or_default()
    }
}

/// What the store within shows after a write.
pub(crate) trait Watch: Send + Sync + 'static {
    fn after_write(&self, call: Call);
}

/// The gate of a simulated store.
pub(crate) struct Turnstile<W> {
    pub(crate) schedule: std::sync::Arc<Schedule>,
    pub(crate) watch: std::sync::Arc<W>,
}

impl<W: Watch> Gate for Turnstile<W> {
    async fn before(&self, call: Call) -> Fate {
        self.schedule.park(Turn::Call(call)).await
    }

    async fn after(&self, call: Call) -> Fate {
        if call.writes {
            self.watch.after_write(call);
        }
        // Most answers come at once; late ones are what a caller may act upon although the
        // world has moved on.
        if self.schedule.chance(60) {
            return Fate::Proceeds;
        }
        self.schedule.park(Turn::Answer(call)).await
    }
}
