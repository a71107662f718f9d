//! The one thread that writes.
//!
//! ```text
//!  callers ──requests──▶ queue ──▶ stage all that wait ──▶ one batch ──▶ flush, sync ──▶ answers
//! ```
//!
//! It takes every request that is waiting, stages them one after the other, writes them in one
//! atomic batch, syncs the file once, and only then answers. What queues up during one sync is
//! the next group, so that grouping costs nobody any time.
//!
//! sled's own `flush` does not make data durable: it hands it to the system without a barrier.
//! The `sync_data` on a handle of our own does. When any of it fails, the process ends: after a
//! failed sync the system may have dropped what it could not write, and a later sync that
//! succeeds would prove nothing.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use waystation_store::{ReadyCounts, StoreError};

use crate::figures::CommitFigures;
use crate::keys::{self, Key};
use crate::snapshot::{Snapshot, StoreEntry};
use crate::view::Stage;
use crate::write::last_commit;

/// Requests in one commit. More in one batch buys nothing: it holds sled's lock for longer.
const GROUP_MAX: usize = 64;

/// Bytes in one commit, about.
const GROUP_BYTES_MAX: usize = 256 * 1024;

/// Requests that may wait before new executions are refused.
pub(crate) const QUEUE_MAX: usize = 4096;

/// Reads of a value that looks damaged before it is believed to be.
const READS_MAX: u32 = 8;

/// How long a request that nobody waits for waits for one that somebody does. A fast run's end
/// comes within it, and both go to disk in one sync.
const LINGER: Duration = Duration::from_millis(5);

/// A commit that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// A request: stages its changes, and knows how to answer once they are durable.
type Request = Box<dyn FnOnce(&mut Stage<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce() + Send>;

enum Message {
    /// Somebody waits for it.
    Urgent(Request),
    /// Nobody does.
    Behind(Request),
    Snapshot(SnapshotCall),
    Close,
}

/// What the reader of a snapshot asks for. Snapshots have numbers: a reader whose snapshot was
/// given up must not read in the next one.
enum SnapshotCall {
    Begin(oneshot::Sender<Result<u64, StoreError>>),
    Next(u64, oneshot::Sender<Result<Option<Vec<StoreEntry>>, StoreError>>),
    End(u64),
}

pub(crate) struct Committer {
    queue: Sender<Message>,
    depth: Arc<AtomicUsize>,
    figures: Arc<CommitFigures>,
    /// The number of the last commit that was begun …
    begun: Arc<AtomicU64>,
    /// … and of the last one that is on disk.
    synced: watch::Receiver<u64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Committer {
    /// Starts the thread for `db`, whose file is in `folder` and in which so many are `ready`.
    pub(crate) fn start(
        db: sled::Db,
        folder: &Path,
        ready: Arc<parking_lot::Mutex<ReadyCounts>>,
    ) -> std::io::Result<Committer> {
        let file = File::options().read(true).write(true).open(folder.join("db"))?;
        let commit = last_commit(&db).map_err(std::io::Error::other)?;
        let (queue, requests) = mpsc::channel();
        let (publish, synced) = watch::channel(commit);
        let begun = Arc::new(AtomicU64::new(commit));
        let depth = Arc::new(AtomicUsize::new(0));
        let figures = Arc::new(CommitFigures::default());
        let mut thread = Thread {
            db,
            file,
            requests,
            depth: depth.clone(),
            figures: figures.clone(),
            begun: begun.clone(),
            publish,
            ready,
            snapshot: None,
            snapshots: 0,
        };
        let handle = std::thread::Builder::new().name("committer".into()).spawn(move || {
            // A panic here would leave callers waiting for ever, and the state unknown.
            if catch_unwind(AssertUnwindSafe(|| thread.run())).is_err() {
                die("the committer panicked");
            }
        })?;
        let thread = Mutex::new(Some(handle));
        Ok(Committer { queue, depth, figures, begun, synced, thread })
    }

    /// How long commits took.
    pub(crate) fn figures(&self) -> &CommitFigures {
        &self.figures
    }

    /// The number of the last commit that is on disk.
    pub(crate) fn synced(&self) -> u64 {
        *self.synced.borrow()
    }

    /// Requests that wait.
    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Runs `request` and returns what it returned once it is durable.
    pub(crate) async fn commit<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Stage<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let request: Request = Box::new(move |stage| {
            let result = request(stage);
            Box::new(move || {
                // The caller may have left; what it asked for has happened all the same.
                let _ = answer.send(result);
            })
        });
        self.send(Message::Urgent(request))?;
        answered.await.map_err(|_| StoreError::Closed)
    }

    /// Runs `request` some time soon.
    pub(crate) fn commit_behind(&self, request: impl FnOnce(&mut Stage<'_>) + Send + 'static) {
        let request: Request = Box::new(move |stage| {
            request(stage);
            Box::new(|| ())
        });
        // A closed store loses it, as a crash would: it was promised to nobody.
        let _ = self.send(Message::Behind(request));
    }

    /// Begins a snapshot of what is stored now.
    pub(crate) async fn begin_snapshot(&self) -> Result<SnapshotReader, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Snapshot(SnapshotCall::Begin(answer)))?;
        let number = answered.await.map_err(|_| StoreError::Closed)??;
        Ok(SnapshotReader { number, queue: self.queue.clone(), depth: self.depth.clone() })
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        self.depth.fetch_add(1, Ordering::Relaxed);
        self.queue.send(message).map_err(|_| StoreError::Closed)
    }

    /// Reads by `read`, and returns when all that it may have seen is durable.
    ///
    /// A value in several parts may change between two of them; then it looks damaged. Damage
    /// is believed when it is still there after the commit that was under way.
    pub(crate) async fn durable<T>(
        &self,
        read: impl Fn() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = READS_MAX;
        loop {
            let value = guarded(&read);
            self.all_seen_is_synced().await?;
            tries -= 1;
            match value {
                Err(StoreError::Damaged(_)) if tries > 0 => {}
                settled => return settled,
            }
        }
    }

    /// The same for what takes long to read, on a thread that nobody else waits for.
    pub(crate) async fn durable_apart<T: Send + 'static>(
        &self,
        read: impl Fn() -> Result<T, StoreError> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let read = Arc::new(read);
        let mut tries = READS_MAX;
        loop {
            let reading = read.clone();
            let value = tokio::task::spawn_blocking(move || guarded(&*reading)).await;
            // A runtime that ends takes its threads along.
            let value = value.map_err(|_| StoreError::Closed)?;
            self.all_seen_is_synced().await?;
            tries -= 1;
            match value {
                Err(StoreError::Damaged(_)) if tries > 0 => {}
                settled => return settled,
            }
        }
    }

    /// Waits until all that was written so far is on disk.
    async fn all_seen_is_synced(&self) -> Result<(), StoreError> {
        let seen = self.begun.load(Ordering::SeqCst);
        let mut synced = self.synced.clone();
        let synced = synced.wait_for(|commit| *commit >= seen).await;
        synced.map(drop).map_err(|_| StoreError::Closed)
    }

    /// Writes what is waiting and ends the thread. Later requests fail. `false`: it was closed
    /// before.
    pub(crate) fn close(&self) -> bool {
        let _ = self.send(Message::Close);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let open = thread.is_some();
        if let Some(thread) = thread {
            // The thread ends the process before it would end in a panic.
            let _ = thread.join();
        }
        open
    }
}

/// Reads. sled asserts its way through damaged pages.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(StoreError::Damaged("sled could not read a page of the database".into()))
    })
}

/// Reads a snapshot, part by part. There is one at a time.
pub struct SnapshotReader {
    number: u64,
    queue: Sender<Message>,
    depth: Arc<AtomicUsize>,
}

impl SnapshotReader {
    /// The next entries, which may be none; `None` at the end.
    ///
    /// # Errors
    ///
    /// It was read too slowly and had to be given up; the database is damaged; or the store has
    /// closed.
    pub async fn next(&mut self) -> Result<Option<Vec<StoreEntry>>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(SnapshotCall::Next(self.number, answer))?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    fn send(&self, call: SnapshotCall) -> Result<(), StoreError> {
        self.depth.fetch_add(1, Ordering::Relaxed);
        self.queue.send(Message::Snapshot(call)).map_err(|_| StoreError::Closed)
    }
}

impl Drop for SnapshotReader {
    fn drop(&mut self) {
        // A closed store has forgotten it already.
        let _ = self.send(SnapshotCall::End(self.number));
    }
}

struct Thread {
    db: sled::Db,
    file: File,
    requests: Receiver<Message>,
    depth: Arc<AtomicUsize>,
    figures: Arc<CommitFigures>,
    begun: Arc<AtomicU64>,
    publish: watch::Sender<u64>,
    ready: Arc<parking_lot::Mutex<ReadyCounts>>,
    snapshot: Option<(u64, Snapshot)>,
    /// Snapshots so far.
    snapshots: u64,
}

impl Thread {
    fn run(&mut self) {
        let mut open = true;
        while open {
            let Ok(first) = self.requests.recv() else { return };
            let tree: sled::Tree = (*self.db).clone();
            let number = self.begun.load(Ordering::SeqCst) + 1;
            let ready = self.ready.clone();
            let mut stage = Stage::new(&tree, number, &ready);
            let mut answers = Vec::new();
            open = self.gather(first, &mut stage, &mut answers);
            if !stage.is_empty() {
                self.write(stage);
            }
            answers.into_iter().for_each(|answer: Answer| answer());
        }
    }

    /// Stages `first` and what waits behind it. `false` when the store is to be closed.
    fn gather(&mut self, first: Message, stage: &mut Stage<'_>, answers: &mut Vec<Answer>) -> bool {
        let mut next = Some(first);
        let mut urgent = false;
        while let Some(message) = next {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            let request = match message {
                Message::Urgent(request) => {
                    urgent = true;
                    request
                }
                Message::Behind(request) => request,
                Message::Snapshot(call) => {
                    self.read_snapshot(call);
                    // What is staged already does not wait for another one.
                    next = self.requests.try_recv().ok();
                    continue;
                }
                Message::Close => return false,
            };
            answers.push(request(stage));
            if answers.len() >= GROUP_MAX || stage.bytes() >= GROUP_BYTES_MAX {
                return true;
            }
            let wait = if urgent { Duration::ZERO } else { LINGER };
            next = self.requests.recv_timeout(wait).ok();
        }
        true
    }

    /// Answers the reader of a snapshot. What is staged by now is not stored, and not in it.
    fn read_snapshot(&mut self, call: SnapshotCall) {
        // A reader that has left needs no answer.
        match call {
            SnapshotCall::Begin(answer) if self.snapshot.is_some() => {
                let _ = answer.send(Err(StoreError::Busy));
            }
            SnapshotCall::Begin(answer) => {
                self.snapshots += 1;
                let number = self.snapshots;
                let begun = answer.send(Ok(number)).is_ok();
                self.snapshot = begun.then(|| (number, Snapshot::new()));
            }
            SnapshotCall::Next(number, answer) => {
                let snapshot = self.snapshot.as_mut().filter(|(current, _)| *current == number);
                let read = snapshot.map(|(_, snapshot)| guarded(|| snapshot.next(&self.db)));
                let given_up = || StoreError::Io("the snapshot was given up".into());
                let _ = answer.send(read.unwrap_or_else(|| Err(given_up())));
            }
            SnapshotCall::End(number) => {
                self.snapshot.take_if(|(current, _)| *current == number);
            }
        }
    }

    /// Puts aside for the snapshot what is about to change.
    fn spare_snapshot(&mut self, stage: &Stage<'_>, commit_key: &Key) {
        let Some((_, snapshot)) = &mut self.snapshot else { return };
        let changes = stage.changes().chain([commit_key]);
        match guarded(|| snapshot.before_change(&self.db, changes)) {
            Ok(()) if !snapshot.is_too_slow() => return,
            Ok(()) => tracing::warn!("a backup or check is read too slowly and is given up"),
            Err(error) => tracing::error!(%error, "a backup or check is given up"),
        }
        self.snapshot = None;
    }

    fn write(&mut self, stage: Stage<'_>) {
        let begun = Instant::now();
        let commit = stage.number();
        let commit_key = keys::meta("commit");
        self.spare_snapshot(&stage, &commit_key);
        // Before the batch: who sees any of it must wait for this number.
        self.begun.store(commit, Ordering::SeqCst);
        let mut batch = stage.into_batch();
        batch.insert(commit_key, commit.to_string().into_bytes());
        if let Err(error) = self.db.apply_batch(batch) {
            die(&format!("writing failed: {error}"));
        }
        if let Err(error) = self.db.flush() {
            die(&format!("flushing failed: {error}"));
        }
        if let Err(error) = self.file.sync_data() {
            die(&format!("syncing failed: {error}"));
        }
        self.publish.send_replace(commit);
        let took = begun.elapsed();
        self.figures.count(took);
        if took > SLOW {
            tracing::warn!(
                ms = took.as_millis(),
                "a commit was slow: everybody waits for the disk"
            );
        }
    }
}

/// Ends the process. Nothing that was not acknowledged is claimed to be stored, and what was
/// is found again at the next start.
pub(crate) fn die(what: &str) -> ! {
    tracing::error!(
        "the database can't be trusted any more: {what}. The process ends; everything that was \
         acknowledged is on disk. Check the disk, then start again."
    );
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut reader: SnapshotReader) -> Result<usize, StoreError> {
        let mut entries = 0;
        while let Some(part) = reader.next().await? {
            entries += part.len();
        }
        Ok(entries)
    }

    #[tokio::test]
    async fn a_reader_whose_snapshot_was_given_up_leaves_the_next_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = sled::Config::new().path(folder.path()).open().unwrap();
        for n in 0..1000_u32 {
            db.insert(n.to_be_bytes(), vec![7; 1000]).unwrap();
        }
        let committer = Committer::start(db, folder.path(), Arc::default()).unwrap();
        let mut first = committer.begin_snapshot().await.unwrap();
        first.next().await.unwrap();
        assert_eq!(committer.begin_snapshot().await.err(), Some(StoreError::Busy));
        // Given up, as for a reader that is too slow.
        committer.send(Message::Snapshot(SnapshotCall::End(first.number))).unwrap();
        let second = committer.begin_snapshot().await.unwrap();
        assert!(matches!(first.next().await, Err(StoreError::Io(_))));
        drop(first);
        assert_eq!(read(second).await, Ok(1000));
        committer.close();
    }
}
