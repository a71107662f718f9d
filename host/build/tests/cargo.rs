//! Cargo packages into components, by the compiler that `cargo xtask toolchain` sets up.

#![expect(clippy::unwrap_used, reason = "a test's helpers")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use waystation_build::{Options, build};

/// A package that leaves its place wherever one can: in panics of its own, of a dependency in a
/// folder of it, and of a source that its build script makes; with flags of the user's.
const PACKAGE: [(&str, &str); 8] = [
    (
        "Cargo.toml",
        "[package]\nname = 'placed'\nversion = '0.1.0'\nedition = '2024'\n\
         [lib]\ncrate-type = ['cdylib']\n[dependencies]\npart = { path = 'part' }\n\
         [profile.release]\nopt-level = 's'\nlto = true\npanic = 'abort'\n[workspace]\n",
    ),
    (
        "build.rs",
        "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap();\n\
         std::fs::write(out + \"/made.rs\", \"pub fn made(n: u32) { assert!(n > 9) }\").unwrap(); }",
    ),
    (
        "src/lib.rs",
        "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n\
         #[cfg(not(all(by_user, for_all)))] compile_error!(\"a flag is lost\");\n\
         #[unsafe(no_mangle)] pub extern \"C\" fn where_am_i(n: u32) -> u32 {\n\
         assert!(n > 7); made(n); part::part(n) }",
    ),
    ("part/Cargo.toml", "[package]\nname = 'part'\nversion = '0.1.0'\nedition = '2024'\n"),
    ("part/src/lib.rs", "pub fn part(n: u32) -> u32 { assert!(n > 8, \"{n}\"); n }"),
    (".cargo/config.toml", "[build]\nrustflags = ['--cfg', 'by_user', '--cfg', 'for_all']\n"),
    ("Cargo.lock", LOCK),
    ("README.md", "It says where it is.\n"),
];

const LOCK: &str = "version = 4\n[[package]]\nname = \"part\"\nversion = \"0.1.0\"\n\
                    [[package]]\nname = \"placed\"\nversion = \"0.1.0\"\ndependencies = [\n \"part\",\n]\n";

fn options(cache: &Path) -> Options {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let toolchains = env::var_os("WAYSTATION_TOOLCHAINS").map(PathBuf::from);
    let toolchains = toolchains.unwrap_or_else(|| repository.join("target/toolchains"));
    Options { toolchains: Some(toolchains), cache: cache.to_path_buf() }
}

fn built_in(folder: &Path) -> Vec<u8> {
    for (file, text) in PACKAGE {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let built = build(folder, &options(folder), &mut |_| {});
    built.unwrap_or_else(|error| panic!("{error}")).component
}

#[test]
fn the_same_source_makes_the_same_bytes_in_another_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = built_in(&dir.path().join("one"));
    let second = built_in(&dir.path().join("an other/and deeper"));
    assert!(first == second, "{} bytes and {} bytes", first.len(), second.len());
    let place = dir.path().to_string_lossy().into_owned();
    let tells = first.windows(place.len()).any(|window| window == place.as_bytes());
    assert!(!tells, "the component holds {place}");
}

#[test]
fn flags_for_the_target_are_joined_with_the_builds_own() {
    let dir = tempfile::tempdir().unwrap();
    let cargo = dir.path().join(".cargo");
    fs::create_dir(&cargo).unwrap();
    let flags = "[target.wasm32-wasip2]\nrustflags = ['--cfg', 'by_user', '--cfg', 'for_all']\n";
    fs::write(cargo.join("config.toml"), flags).unwrap();
    let folder = dir.path().join("step");
    let flagged = built_in(&folder);
    fs::remove_dir_all(folder.join(".cargo")).unwrap();
    let again = build(&folder, &options(&folder), &mut |_| {}).unwrap().component;
    assert!(flagged == again);
}
