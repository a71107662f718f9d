//! Machine code on disk: wasmtime's cache, filled from outside.
//!
//! wasmtime loads machine code without `unsafe` from its own cache alone, and names an entry by
//! a hash of the engine's settings and the component. The engine that runs steps has no compiler,
//! so it can't make entries; it loads what others put there under the name that it looks for. A
//! name that fits nothing is an error at the next load, and never a compilation.

use std::fs::DirBuilder;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::capacity::Capacity;
use crate::engine::COMPILED_BYTES_MAX;
use crate::tidy::tidy;

/// What wasmtime says when an engine without a compiler finds no entry.
const NOT_THERE: &str = "not configured with a compiler";

/// What the folders are called in which machine code is made: this, the process that has it made,
/// and something random.
const MAKING: &str = "making-";

/// Components whose machine code stays on disk. Small ones are many before they are large, and
/// all are listed when one comes.
const COMPILED_ENTRIES_MAX: usize = 1 << 14;

/// The folder of machine code.
pub(crate) struct MachineCode {
    folder: PathBuf,
    capacity: Capacity,
}

/// Why nothing was loaded.
#[derive(Debug)]
pub(crate) enum NotLoaded {
    /// There is no entry, or none that this engine can use.
    NotThere,
    /// wasmtime does not take it.
    Refused(wasmtime::Error),
}

impl MachineCode {
    /// The folder is there already. What others left behind in it is removed, and what is too
    /// much.
    pub(crate) fn open(folder: PathBuf) -> MachineCode {
        if let Err(error) = remove_left_behind(&folder) {
            tracing::warn!(%error, "what was left behind of compiling is not removed");
        }
        let capacity =
            Capacity { entries_max: COMPILED_ENTRIES_MAX, bytes_max: COMPILED_BYTES_MAX };
        let code = MachineCode { folder, capacity };
        code.tidy(None);
        code
    }

    /// An empty folder to make machine code in, which goes with the answer. Somebody may have
    /// removed everything meanwhile: it is a cache.
    pub(crate) fn make_room(&self) -> io::Result<TempDir> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let prefix = format!("{MAKING}{}-", std::process::id());
        tempfile::Builder::new().prefix(&prefix).tempdir_in(&self.folder)
    }

    /// Takes over the one entry that was made in `room`, for `component` in `engine`. Others may
    /// have to go for it.
    pub(crate) fn take(&self, room: &Path, engine: &Engine, component: &[u8]) -> io::Result<()> {
        let entry = only_entry(&room.join("modules"))?;
        let version = entry.parent().and_then(Path::file_name).ok_or_else(nothing_made)?;
        let shelf = self.modules().join(version);
        std::fs::create_dir_all(&shelf)?;
        let new = shelf.join(name(engine, component));
        std::fs::rename(entry, &new)?;
        self.tidy(Some(&new));
        Ok(())
    }

    /// Where wasmtime looks.
    fn modules(&self) -> PathBuf {
        self.folder.join("modules")
    }

    fn tidy(&self, new: Option<&Path>) {
        if let Err(error) = tidy(&self.modules(), new, self.capacity) {
            tracing::warn!(%error, "old machine code is not removed");
        }
    }

    /// Loads what is there for `component`. Never compiles: `engine` has no compiler.
    pub(crate) fn load(engine: &Engine, component: &[u8]) -> Result<Component, NotLoaded> {
        Component::from_binary(engine, component).map_err(|error| {
            if error.root_cause().to_string().contains(NOT_THERE) {
                NotLoaded::NotThere
            } else {
                NotLoaded::Refused(error)
            }
        })
    }
}

/// The entry that wasmtime's cache left; it may have noted down other things beside it.
fn only_entry(modules: &Path) -> io::Result<PathBuf> {
    let version = std::fs::read_dir(modules)?.next().ok_or_else(nothing_made)??;
    for entry in std::fs::read_dir(version.path())? {
        let path = entry?.path();
        if path.extension().is_none() {
            return Ok(path);
        }
    }
    Err(nothing_made())
}

fn nothing_made() -> io::Error {
    io::Error::other("the compiler left no machine code")
}

/// The name under which wasmtime's cache has a component: what it hashes, in its order. A test
/// below fails when wasmtime does it otherwise.
fn name(engine: &Engine, component: &[u8]) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    component.hash(&mut hasher);
    // No debug information from elsewhere, no intrinsics.
    None::<&[u8]>.hash(&mut hasher);
    None::<&str>.hash(&mut hasher);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hasher.0.finalize())
}

struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks: the whole hash is the name.
    fn finish(&self) -> u64 {
        0
    }
}

/// Removes the rooms of processes that are gone. This one has just begun: what bears its number
/// is of an earlier one, which in a container has the same.
fn remove_left_behind(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(maker) = name.to_str().and_then(|name| name.strip_prefix(MAKING)) else {
            continue;
        };
        let maker = maker.split_once('-').and_then(|(process, _)| process.parse().ok());
        if !maker.and_then(Pid::from_raw).is_some_and(is_another) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Is it another process that is there?
fn is_another(process: Pid) -> bool {
    process != getpid() && test_kill_process(process) != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use waystation_core::Limits;

    use super::*;
    use crate::engine;

    /// The smallest component with code in it.
    fn component() -> Vec<u8> {
        wat::parse_str("(component (core module (func (export \"f\"))))").unwrap()
    }

    fn folder() -> (TempDir, MachineCode) {
        let folder = tempfile::tempdir().unwrap();
        let code = MachineCode::open(folder.path().to_owned());
        (folder, code)
    }

    #[test]
    fn what_was_compiled_elsewhere_is_found() {
        let (folder, code) = folder();
        let runs = engine::for_runs(folder.path(), &Limits::default()).unwrap();
        let component = component();
        let loaded = MachineCode::load(&runs, &component);
        assert!(matches!(loaded, Err(NotLoaded::NotThere)), "{:?}", loaded.err());
        let room = code.make_room().unwrap();
        let compiles = engine::for_compiling(room.path()).unwrap();
        Component::from_binary(&compiles, &component).unwrap();
        code.take(room.path(), &runs, &component).unwrap();
        MachineCode::load(&runs, &component).unwrap();
    }

    /// Another one for each name.
    fn named(name: &str) -> Vec<u8> {
        wat::parse_str(format!("(component (core module (func (export \"{name}\"))))")).unwrap()
    }

    #[test]
    fn a_new_entry_takes_the_place_of_the_one_that_was_not_used_for_longest() {
        let (folder, mut code) = folder();
        code.capacity.entries_max = 2;
        let runs = engine::for_runs(folder.path(), &Limits::default()).unwrap();
        let put = |code: &MachineCode, component: &[u8]| {
            let room = code.make_room().unwrap();
            let compiles = engine::for_compiling(room.path()).unwrap();
            Component::from_binary(&compiles, component).unwrap();
            code.take(room.path(), &runs, component).unwrap();
        };
        let is_there = |component: &[u8]| MachineCode::load(&runs, component).is_ok();
        let all = ["a", "b", "c"].map(named);
        // Long ago: as far as clocks of files are concerned, the others could come at once.
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        put(&code, &all[0]);
        let first = only_entry(&code.modules()).unwrap();
        let file = std::fs::File::options().write(true).open(&first).unwrap();
        file.set_modified(long_ago).unwrap();
        put(&code, &all[1]);
        assert!(first.exists());
        put(&code, &all[2]);
        assert!(!first.exists());
        assert_eq!([0, 1, 2].map(|at| is_there(&all[at])), [false, true, true]);

        code.capacity = Capacity { entries_max: 10, bytes_max: 0 };
        put(&code, &all[0]);
        assert_eq!([0, 1, 2].map(|at| is_there(&all[at])), [true, false, false]);
    }

    #[test]
    fn an_entry_that_is_damaged_or_of_another_engine_is_as_good_as_none() {
        let (folder, code) = folder();
        let runs = engine::for_runs(folder.path(), &Limits::default()).unwrap();
        let component = component();
        let mut other = wasmtime::Config::new();
        let mut cache = wasmtime::CacheConfig::new();
        let room = code.make_room().unwrap();
        cache.with_directory(room.path());
        other.cache(Some(wasmtime::Cache::new(cache).unwrap()));
        let other = Engine::new(&other).unwrap();
        Component::from_binary(&other, &component).unwrap();
        code.take(room.path(), &runs, &component).unwrap();
        assert!(matches!(MachineCode::load(&runs, &component), Err(NotLoaded::NotThere)));
        let entry = only_entry(&folder.path().join("modules")).unwrap();
        std::fs::write(entry, b"not machine code").unwrap();
        assert!(matches!(MachineCode::load(&runs, &component), Err(NotLoaded::NotThere)));
    }

    #[test]
    fn a_folder_without_an_entry_is_an_error() {
        let (folder, code) = folder();
        let runs = engine::for_runs(folder.path(), &Limits::default()).unwrap();
        let room = code.make_room().unwrap();
        assert!(code.take(room.path(), &runs, &component()).is_err());
    }

    #[test]
    fn what_processes_left_behind_that_are_gone_is_removed() {
        let (folder, _code) = folder();
        let room = |maker: &str| {
            let room = folder.path().join(format!("{MAKING}{maker}"));
            std::fs::create_dir(&room).unwrap();
            room
        };
        let init = room("1-AbCdEf");
        // The largest number that a process can have is 2^22.
        let gone = room(&format!("{}-AbCdEf", i32::MAX));
        let (mine, old) = (room(&format!("{}-AbCdEf", std::process::id())), room("AbCdEf"));
        MachineCode::open(folder.path().to_owned());
        assert_eq!([init, gone, mine, old].map(|room| room.exists()), [true, false, false, false]);
    }
}
