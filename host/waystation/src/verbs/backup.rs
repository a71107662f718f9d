//! `waystation backup` and `waystation restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use waystation_store_sled::{ComponentFiles, Import};

use crate::backup::{self, Item};
use crate::client::Server;
use crate::failure::{Done, Failure};
use crate::serve::{DataDir, private_file};
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
    let fetched = fetch(server, &aside, keys).and_then(|bytes| {
        // Looked through before it may be called a backup.
        let reader = BufReader::new(File::open(&aside).map_err(failed)?);
        let (manifest, end) = backup::read(reader, |_| Ok(()))?;
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
            "It holds no keys: keep a copy of DATA/link-keys elsewhere, or links from before will \
             not work after a restore (--with-keys puts them in)",
        );
    }
    Ok(())
}

fn fetch(server: &Server, aside: &Path, keys: bool) -> Done<u64> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", aside.display()));
    let mut body = server.download(&format!("/api/v1/backup?keys={keys}"))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(private_file::MODE)
        .open(aside)
        .map_err(failed)?;
    let bar = progress::unknown_bytes("backing up");
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        let cut_off = |error| Failure::new(format!("the backup was cut off: {error}"));
        let length = body.read(&mut piece).map_err(cut_off)?;
        if length == 0 {
            break;
        }
        file.write_all(&piece[..length]).map_err(failed)?;
        bytes += length as u64;
        bar.set_position(bytes);
    }
    bar.finish_and_clear();
    file.sync_all().map_err(failed)?;
    Ok(bytes)
}

/// Makes a data directory out of a backup. It is there when it is whole, and not before.
pub(super) fn restore(file: &Path, data: &Path, json: bool) -> Done {
    let shown = file.display();
    let opened = File::open(file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let length = opened.metadata().map(|about| about.len()).unwrap_or_default();
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", data.display()));
    match fs::read_dir(data).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            return Err(Failure::new(format!(
                "the data directory {} is not empty",
                data.display()
            ))
            .hint("choose another one with --data"));
        }
        Ok(false) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let aside = beside(data, ".restoring");
    // What an earlier try left.
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let bar = progress::bytes("restoring", length);
    let restored = unpack(bar.wrap_read(BufReader::new(opened)), &aside);
    bar.finish_and_clear();
    let (manifest, end) = restored.inspect_err(|_| {
        let _ = fs::remove_dir_all(&aside);
    })?;
    fs::rename(&aside, data).and_then(|()| sync_folder_of(data)).map_err(failed)?;
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
            "The backup holds no keys: put your copy of link-keys into {} before you start, or \
             links from before will not work",
            data.display()
        ));
    }
    Ok(())
}

fn unpack(from: impl Read, to: &Path) -> Done<(backup::Manifest, backup::End)> {
    let data = DataDir::open(to)?;
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", to.display()));
    let files = ComponentFiles::open(&data.join("components")).map_err(failed)?;
    let mut import = Import::create(&data.join("store")).map_err(Failure::new)?;
    let read = backup::read(from, |item| match item {
        Item::Entry(key, value) => import.put(key, value).map_err(Failure::new),
        Item::Component(digest, bytes) => files.put(digest, &bytes).map_err(failed),
        Item::Key(name, text) => private_file::write(&data.join(name), &text).map_err(failed),
    })?;
    import.finish().map_err(Failure::new)?;
    File::open(to).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(read)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    // `data/` and `data` are the same place.
    let plain: PathBuf = path.components().collect();
    let mut name = plain.into_os_string();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}
