//! Builds what a path holds: `cargo run -p waystation-build --example build -- PATH OUT.wasm`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use waystation_build::{Options, build};

#[expect(clippy::print_stderr, reason = "a program for a terminal")]
fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [source, out] = arguments.as_slice() else {
        eprintln!("usage: build PATH OUT.wasm");
        return ExitCode::from(2);
    };
    let options = Options {
        toolchains: Some("target/toolchains".into()),
        cache: PathBuf::from("target/build-cache"),
    };
    let built = build(Path::new(source), &options, &mut |line| eprintln!("{line}"))
        .map_err(|error| error.to_string())
        .and_then(|built| {
            std::fs::write(out, &built.component).map_err(|error| error.to_string())?;
            Ok(built)
        });
    match built {
        Ok(built) => {
            eprintln!("{} ({}): {} bytes", built.name, built.language, built.component.len());
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
