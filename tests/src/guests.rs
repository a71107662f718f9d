//! Components for the tests, built from source by `cargo xtask test`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// The folder of one of `examples/`.
pub fn example(name: &str) -> PathBuf {
    repository().join("examples").join(name)
}

/// The file of a guest: `tests/toolbox` is `target/guests/tests/toolbox.wasm`.
///
/// # Panics
///
/// It is not built.
pub fn file(guest: &str) -> PathBuf {
    let file = repository().join("target/guests").join(format!("{guest}.wasm"));
    assert!(file.exists(), "{} is not built: run `cargo xtask test`", file.display());
    file
}

/// The bytes of a guest.
///
/// # Panics
///
/// It is not built.
pub fn bytes(guest: &str) -> Vec<u8> {
    fs::read(file(guest)).expect("a guest is read")
}

/// The name that a guest gets in the server: `tests/seed_poll` is `seed-poll`.
pub fn component_name(guest: &str) -> String {
    guest.rsplit('/').next().unwrap_or(guest).replace('_', "-")
}

/// The binary under test.
///
/// # Panics
///
/// It is not built.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let folder = test.parent().expect("a program is in a folder");
    // target/PROFILE/deps/TEST, or target/PROFILE/PROGRAM
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let binary = folder.join("waystation");
    assert!(
        binary.exists(),
        "{} is not built: run `cargo xtask test`, or `cargo build -p waystation`",
        binary.display()
    );
    binary
}

/// Where `cargo xtask toolchain` put the tools, unless the environment says otherwise.
pub(crate) fn toolchains() -> PathBuf {
    let given = std::env::var_os("WAYSTATION_TOOLCHAINS").map(PathBuf::from);
    given.unwrap_or_else(|| repository().join("target/toolchains"))
}

/// The cache folder of the user that the tests are: what xtask's builds fetched is there.
pub fn user_cache() -> PathBuf {
    repository().join("target/cache")
}

/// Compiled code of the guests, shared by all servers of all tests: to compile a Python
/// component takes many seconds.
pub(crate) fn compiled() -> PathBuf {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let folder = repository().join("target/guests/compiled");
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.expect("the folder of compiled guests is made");
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&folder, private).expect("the folder of compiled guests is private");
    folder
}

/// Held while a guest is uploaded: the first upload compiles it, and the others are to find it
/// compiled and not to compile it at the same time.
pub(crate) fn one_at_a_time(guest: &str) -> File {
    let file = compiled().join(format!("{}.uploading", guest.replace('/', "-")));
    let file = File::create(file).expect("a lock file is made");
    file.lock().expect("a lock is waited for");
    file
}
