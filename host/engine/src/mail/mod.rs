//! Deliveries. A mail is a row in the commit of its run; here it is carried out, at least once,
//! and taken off the queue when it was.

mod message;
mod transport;

use std::sync::atomic::Ordering;

use tokio::sync::Notify;
use waystation_core::Timestamp;
use waystation_store::{QueuedMail, StoreError};

use crate::clock;
use crate::engine::Engine;
use crate::settings::{EngineError, MailSettings};
use message::Letterhead;
use transport::Transport;

/// Mails that are tried before the queue is looked at again.
const BATCH: usize = 16;

/// The wait after the first failure, in milliseconds; it doubles with each further one …
const BACKOFF_MS: u64 = 5_000;

/// … up to this.
const BACKOFF_MS_MAX: u64 = 3_600_000;

/// Failures after which a mail is given up: with these waits, after about three days.
const FAILURES_MAX: u32 = 80;

pub(crate) struct Mailer {
    letterhead: Letterhead,
    transport: Transport,
    wake: Notify,
}

impl Mailer {
    pub(crate) fn new(settings: &MailSettings) -> Result<Mailer, EngineError> {
        Ok(Mailer {
            letterhead: Letterhead::new(settings)?,
            transport: Transport::new(settings)?,
            wake: Notify::new(),
        })
    }

    /// There is a new mail.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    async fn send(&self, mail: &QueuedMail, now: Timestamp) -> Result<(), String> {
        let message = self.letterhead.message(mail, now)?;
        self.transport.send(mail.id, &message).await
    }
}

/// Delivers what is queued, until the engine is shut down.
pub(crate) async fn deliver(engine: Engine) {
    while engine.is_ready() {
        let next = match deliver_due(&engine).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the mails that are queued could not be read");
                Some(engine.0.clock.now().plus_millis(BACKOFF_MS))
            }
        };
        tokio::select! {
            // No dice: what one wakes up for is the same in every replay.
            biased;
            () = engine.0.mail.wake.notified() => {}
            () = engine.0.closed.notified() => {}
            () = clock::reached(engine.0.clock.as_ref(), next) => {}
        }
    }
}

/// Tries all mails that are due. Returns when the next one is.
async fn deliver_due(engine: &Engine) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let mails = engine.0.store.mails(BATCH).await?;
        let due = mails.partition_point(|mail| mail.at <= engine.0.clock.now());
        if due == 0 || !engine.is_ready() {
            return Ok(mails.first().map(|mail| mail.at));
        }
        // A failed one comes back with a later time: the queue is read again after each round.
        for mail in mails.iter().take(due) {
            deliver_one(engine, mail).await?;
        }
    }
}

async fn deliver_one(engine: &Engine, mail: &QueuedMail) -> Result<(), StoreError> {
    let (execution, now) = (mail.id.execution, engine.0.clock.now());
    let Err(problem) = engine.0.mail.send(mail, now).await else {
        engine.0.store.mail_sent(mail.id).await?;
        // Counted when it can't be sent again.
        engine.0.counters.mails_sent.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    };
    engine.0.counters.mails_failed.fetch_add(1, Ordering::Relaxed);
    let again = (mail.failures < FAILURES_MAX).then(|| {
        let wait = BACKOFF_MS.saturating_mul(1 << mail.failures.min(20)).min(BACKOFF_MS_MAX);
        now.plus_millis(wait)
    });
    match again {
        Some(at) => {
            tracing::warn!(%execution, problem, %at, "a mail was not delivered; tried again");
        }
        None => tracing::error!(%execution, problem, "a mail was not delivered; given up"),
    }
    engine.0.store.mail_failed(mail.id, again).await
}
