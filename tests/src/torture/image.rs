//! A disk of its own for a server: a file with an ext4 file system, mounted by loop.
//!
//! The server mounts it itself, in a mount namespace of its own. Whatever ends the server, also
//! the sudden end of the harness, unmounts it and detaches the loop device with it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::{Server, ServerOptions, guests};

/// Mounts `$1` at `$2`, makes room, shares the compiled code in `$3`, and becomes the rest.
const SCRIPT: &str = r#"set -e
mount -o loop "$1" "$2"
rm -f "$2/ballast"
mkdir -p -m 700 "$2/data"
ln -sfn "$3" "$2/data/compiled"
shift 3
exec "$@""#;

/// What a full disk is filled with, in pieces of so many bytes.
const PIECE: usize = 64 * 1024;

/// A disk.
#[derive(Debug)]
pub(super) struct Image {
    folder: TempDir,
}

impl Image {
    /// Can there be one here? What is missing, otherwise.
    pub(super) fn is_possible() -> Result<(), String> {
        if !geteuid().is_root() {
            return Err("it takes root to mount a disk of its own".into());
        }
        if Command::new("mkfs.ext4").arg("-V").output().is_err() {
            return Err(
                "mkfs.ext4 is missing: install e2fsprogs, or run `cargo xtask toolchain`".into()
            );
        }
        let image = Image::make(8);
        let mounted = image.mounting(&["true"]).stdout(Stdio::null()).output();
        let problem = match mounted {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(format!("it takes loop devices to mount a disk of its own: {problem}"))
    }

    /// An empty one of so many MiB.
    pub(super) fn make(mib: u64) -> Image {
        let folder = tempfile::tempdir().expect("a folder for the disk");
        let image = Image { folder };
        let file = File::create(image.file()).expect("the disk's file is made");
        file.set_len(mib << 20).expect("the disk's file has its size");
        fs::create_dir(image.mount()).expect("a folder to mount the disk at");
        // As root, all of the disk is ours anyway.
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(image.file()));
        image
    }

    /// What has reached the disk by now, as another one.
    pub(super) fn copy(&self) -> Image {
        let copy = Image { folder: tempfile::tempdir().expect("a folder for the disk") };
        fs::create_dir(copy.mount()).expect("a folder to mount the disk at");
        run(Command::new("cp").arg("--sparse=always").arg(self.file()).arg(copy.file()));
        copy
    }

    /// For a server that has its data on it.
    pub(super) fn options(&self) -> ServerOptions<'static> {
        let words = self.program();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // The disk is small, and to be filled to its end.
        let options = ServerOptions::new().env("WAYSTATION_LIMITS_DISK_FREE_MIB_MIN", "0");
        options.under(&words).data(&self.mount().join("data"))
    }

    /// The server's data directory, as it can be seen from outside.
    pub(super) fn data(&self, server: &Server<'_>) -> PathBuf {
        self.inside(server).join("data")
    }

    /// Fills it up but for so many bytes.
    pub(super) fn fill(&self, server: &Server<'_>, left: u64) -> io::Result<()> {
        let mut ballast = File::create(self.inside(server).join("ballast"))?;
        let piece = vec![0xaa; PIECE];
        let mut length = 0;
        while ballast.write_all(&piece).is_ok() {
            length += PIECE as u64;
        }
        ballast.set_len(length.saturating_sub(left))
    }

    fn inside(&self, server: &Server<'_>) -> PathBuf {
        let mount = self.mount();
        let mount = mount.strip_prefix("/").unwrap_or(&mount);
        let root = format!("/proc/{}/root", server.pid().as_raw_nonzero());
        Path::new(&root).join(mount)
    }

    fn mounting(&self, program: &[&str]) -> Command {
        let words = self.program();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(program);
        command
    }

    fn program(&self) -> Vec<String> {
        let path = |path: &Path| path.display().to_string();
        // It dies with the harness, however that ends: else the disk would stay mounted.
        let words = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--"];
        let words = words.into_iter().chain(["sh", "-c", SCRIPT, "sh"]);
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        words.extend([path(&self.file()), path(&self.mount()), path(&guests::compiled())]);
        words
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn mount(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}
