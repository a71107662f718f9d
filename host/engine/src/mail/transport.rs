//! Where messages go: to a mail server, or into a folder.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use waystation_store::MailId;

use crate::settings::{EngineError, MailSettings};

/// A mail server that has not answered after this time has not taken the message.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Transport {
    pub(super) fn new(settings: &MailSettings) -> Result<Transport, EngineError> {
        match &settings.smtp_url {
            Some(url) => AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map(|builder| Transport::Smtp(builder.timeout(Some(SMTP_TIMEOUT)).build()))
                .map_err(|error| EngineError::Mail { key: "smtp_url", problem: error.to_string() }),
            None => {
                let folder = settings.outbox.clone();
                let problem = |error: io::Error| format!("{}: {error}", folder.display());
                fs::create_dir_all(&folder).map_err(|error| EngineError::Mail {
                    key: "outbox",
                    problem: problem(error),
                })?;
                Ok(Transport::Folder(folder))
            }
        }
    }

    pub(super) async fn send(&self, id: MailId, message: &Message) -> Result<(), String> {
        match self {
            Transport::Smtp(server) => {
                let sent = server.send(message.clone()).await;
                sent.map(drop).map_err(|error| error.to_string())
            }
            Transport::Folder(folder) => {
                let name = format!("{}-{}-{}.eml", id.execution, id.seq, id.index);
                let (path, bytes) = (folder.join(name), message.formatted());
                let written = tokio::task::spawn_blocking(move || write(&path, &bytes)).await;
                let written = written.map_err(|error| error.to_string())?;
                written.map_err(|error| format!("{}: {error}", folder.display()))
            }
        }
    }
}

/// Writes the whole file or none of it, to disk.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("part");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
