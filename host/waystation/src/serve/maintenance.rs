//! Checks and backups of the running server's store.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use waystation_backup::Source;
use waystation_core::Clock;
use waystation_http::{BackupStream, Bytes, Maintenance, StoreCheck};
use waystation_store::StoreError;
use waystation_store_sled::{CheckReport, SledStore, SnapshotReader};

use super::data_dir::DataDir;
use super::{link_keys, private_file, secret_key, token};

/// What is handed on at once, in bytes.
const PIECE_BYTES: usize = 128 * 1024;

/// Pieces that wait for a slow reader.
const PIECES_MAX: usize = 8;

/// A reader that takes nothing for so long is given up: others want to make backups, too.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct StoreMaintenance {
    pub(super) store: Arc<SledStore>,
    pub(super) data: Arc<DataDir>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Maintenance for StoreMaintenance {
    async fn check(&self) -> Result<StoreCheck, StoreError> {
        let store = Arc::clone(&self.store);
        // It reads the components' files, too.
        let checked =
            tokio::task::spawn_blocking(move || Handle::current().block_on(store.check()));
        let CheckReport { executions, entries, problems } =
            checked.await.map_err(|_| StoreError::Closed)??;
        if !problems.is_empty() {
            tracing::error!(
                problems = problems.len(),
                first = problems.first(),
                "the store is not whole"
            );
        }
        Ok(StoreCheck { executions, entries, problems })
    }

    async fn backup(&self, keys: bool) -> Result<BackupStream, StoreError> {
        let snapshot = self.store.snapshot().await?;
        if keys {
            tracing::warn!(
                "a backup is made with the keys of links and secrets and the API's token in it"
            );
        }
        let keys = keys.then(|| self.keys()).transpose();
        let source = Source {
            created_at: self.clock.now(),
            keys: keys.map_err(|error| StoreError::Io(error.to_string()))?,
            components: self.data.join("components"),
        };
        let (pieces, mut given) = mpsc::channel(PIECES_MAX);
        tokio::task::spawn_blocking(move || write(&source, snapshot, &pieces));
        Ok(stream::poll_fn(move |context| given.poll_recv(context)).boxed())
    }
}

impl StoreMaintenance {
    fn keys(&self) -> io::Result<BTreeMap<&'static str, String>> {
        let mut keys = BTreeMap::new();
        for name in [link_keys::NAME, secret_key::NAME, token::NAME] {
            keys.extend(private_file::read(&self.data.join(name))?.map(|text| (name, text)));
        }
        Ok(keys)
    }
}

fn write(source: &Source, mut snapshot: SnapshotReader, pieces: &mpsc::Sender<io::Result<Bytes>>) {
    let next = || Handle::current().block_on(snapshot.next()).map_err(io::Error::other);
    let to = BufWriter::with_capacity(PIECE_BYTES, Pieces { pieces, patience: PATIENCE });
    match waystation_backup::write(to, source, next) {
        Ok(()) => tracing::info!("a backup was made"),
        Err(error) => {
            tracing::warn!(%error, "a backup was not made");
            // Who reads it must not take what came so far for all of it. One who has left, or
            // takes nothing, does not; the stream ends without the end of a backup.
            let _ = pieces.try_send(Err(error));
        }
    }
}

struct Pieces<'a> {
    pieces: &'a mpsc::Sender<io::Result<Bytes>>,
    patience: Duration,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = self.pieces.send(Ok(Bytes::copy_from_slice(bytes)));
        // Timers belong to the runtime: the future is made where it runs.
        let sent = async { tokio::time::timeout(self.patience, piece).await };
        let sent = Handle::current().block_on(sent);
        match sent {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "its reader has left")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "its reader takes nothing")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_that_takes_nothing_or_has_left_ends_the_backup() {
        let (pieces, given) = mpsc::channel(1);
        let written = tokio::task::spawn_blocking(move || {
            let patience = Duration::from_millis(50);
            let mut to = Pieces { pieces: &pieces, patience };
            let first = to.write(b"one").map_err(|error| error.kind());
            let slow = to.write(b"two").map_err(|error| error.kind());
            drop(given);
            (first, slow, to.write(b"three").map_err(|error| error.kind()))
        });
        let (first, slow, left) = written.await.unwrap();
        assert_eq!((first, slow), (Ok(3), Err(io::ErrorKind::TimedOut)));
        assert_eq!(left, Err(io::ErrorKind::BrokenPipe));
    }
}
