//! `waystation backup` and `waystation restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use waystation_backup::Hands;

use crate::client::Server;
use crate::failure::{Done, Failure};
use crate::serve::{DataDir, RESTORING, private_file};
use crate::table::size;
use crate::{output, progress};

/// What is read at once, in bytes.
const PIECE_BYTES: usize = 128 * 1024;

/// Fetches a backup from a running server into `file`.
pub(super) fn backup(server: &Server, file: &Path, keys: bool, json: bool) -> Done {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    if file.exists() {
        return Err(Failure::new(format!("{} is there already", file.display())));
    }
    let aside = beside(file, ".part");
    // Made before the server is asked, by us and nobody else: what is in it may be secret.
    let part =
        OpenOptions::new().write(true).create_new(true).mode(private_file::MODE).open(&aside);
    let part = part.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(format!("{} is there", aside.display()))
            .hint("another backup is under way, or one was cut off: then remove it"),
        _ => Failure::new(format!("{}: {error}", aside.display())),
    })?;
    let fetched = fetch(server, part, keys).and_then(|bytes| {
        // Looked through before it may be called a backup.
        let reader = BufReader::new(File::open(&aside).map_err(failed)?);
        let (manifest, end) = waystation_backup::read(reader, |_| Ok(())).map_err(Failure::new)?;
        fs::rename(&aside, file).and_then(|()| sync_folder_of(file)).map_err(failed)?;
        Ok((bytes, manifest, end))
    });
    let (bytes, manifest, end) = fetched.inspect_err(|_| {
        // What is left of it is worth nothing; that it could not be removed, less.
        let _ = fs::remove_file(&aside);
    })?;
    if json {
        output::json(&json!({
            "file": file, "bytes": bytes, "created_at": manifest.created_at,
            "entries": end.entries, "components": end.components, "keys": manifest.keys,
        }));
        return Ok(());
    }
    let (entries, components) = (end.entries, end.components);
    output::line(format!(
        "{}: {}, {entries} entries, {components} components, as of {}",
        file.display(),
        size(bytes),
        manifest.created_at
    ));
    if !manifest.keys {
        output::line(
            "It holds no keys: keep copies of DATA/link-keys and DATA/secret-key elsewhere, or links \
             from before will not work after a restore, and secrets can't be read (--with-keys puts \
             them in)",
        );
    }
    Ok(())
}

fn fetch(server: &Server, mut part: File, keys: bool) -> Done<u64> {
    let failed = |error: io::Error| Failure::new(format!("the backup can't be written: {error}"));
    let mut body = server.download(&format!("/api/v1/backup?keys={keys}"))?;
    let bar = progress::unknown_bytes("backing up");
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        let cut_off = |error| Failure::new(format!("the backup was cut off: {error}"));
        let length = body.read(&mut piece).map_err(cut_off)?;
        if length == 0 {
            break;
        }
        part.write_all(&piece[..length]).map_err(failed)?;
        bytes += length as u64;
        bar.set_position(bytes);
    }
    bar.finish_and_clear();
    part.sync_all().map_err(failed)?;
    Ok(bytes)
}

/// Fills a data directory from a backup. Until all of it is there, no server starts on it.
pub(super) fn restore(file: &Path, data: &Path, json: bool) -> Done {
    let shown = file.display();
    let opened = File::open(file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let length = opened.metadata().map(|about| about.len()).unwrap_or_default();
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", data.display()));
    if !is_empty(data).map_err(failed)? {
        return Err(Failure::new(format!("the data directory {} is not empty", data.display()))
            .hint("choose another one with --data"));
    }
    let directory = DataDir::open(data)?;
    let aside = directory.join(RESTORING);
    let bar = progress::bytes("restoring", length);
    let from = bar.wrap_read(BufReader::new(opened));
    let hands = Hands { write_key: private_file::write, give_up };
    let restored = waystation_backup::unpack(from, &aside, hands).map_err(Failure::new);
    bar.finish_and_clear();
    let (manifest, end) = restored.inspect_err(|_| {
        // A server does not start beside it.
        let _ = fs::remove_dir_all(&aside);
    })?;
    move_up(&aside, data).map_err(failed)?;
    if json {
        output::json(&json!({
            "data": data, "created_at": manifest.created_at, "entries": end.entries,
            "components": end.components, "keys": manifest.keys,
        }));
        return Ok(());
    }
    output::line(format!("restored to {}, as of {}", data.display(), manifest.created_at));
    if !manifest.keys {
        output::line(format!(
            "The backup holds no keys: put your copies of link-keys and secret-key into {} before \
             you start, or links from before will not work, and secrets have to be set again",
            data.display()
        ));
    }
    Ok(())
}

/// Is there nothing in it but what a restore that was cut off has left?
fn is_empty(data: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        if name != RESTORING && name != "lock" && name != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The disk has failed, and others may wait for it for ever.
fn give_up(why: &str) -> ! {
    output::error(&Failure::new(format!("nothing was restored: {why}")));
    std::process::exit(1)
}

/// Puts everything where it belongs. What says that it is not all there goes last.
fn move_up(aside: &Path, data: &Path) -> io::Result<()> {
    for entry in fs::read_dir(aside)? {
        let entry = entry?;
        fs::rename(entry.path(), data.join(entry.file_name()))?;
    }
    File::open(data)?.sync_all()?;
    fs::remove_dir(aside)?;
    File::open(data)?.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}
