//! The parent: starts a child, feeds it, waits for it, kills it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use waystation_core::Limits;
use waystation_http::Bytes;
use waystation_sandbox::compile::OUT_OF_MEMORY;
use waystation_sandbox::{AdmitError, Compiler, InvalidComponent, Manifest};

use super::{Answer, VERB};

/// This very program, whatever has become of its file meanwhile: a child of another version
/// would make machine code that nobody can use.
const MYSELF: &str = "/proc/self/exe";

/// An answer holds the names of imports and exports, which are bounded.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// What a child says when it crashes is read up to this.
const LAST_WORDS_BYTES_MAX: u64 = 16 << 10;

/// Compiles each component in a child of its own. Dropping the future kills the child.
pub(crate) struct ChildCompiler {
    program: PathBuf,
    compile_s: u32,
    memory_mib: u32,
    machine_code_mib: u32,
}

/// What a child left.
struct Left {
    status: ExitStatus,
    answer: Vec<u8>,
    last_words: String,
}

impl ChildCompiler {
    /// Children that keep within `limits`.
    ///
    /// # Errors
    ///
    /// The system does not say which program this is.
    pub(crate) fn new(limits: &Limits) -> io::Result<ChildCompiler> {
        let program =
            if Path::new(MYSELF).exists() { MYSELF.into() } else { std::env::current_exe()? };
        Ok(ChildCompiler {
            program,
            compile_s: limits.compile_s,
            memory_mib: limits.compile_memory_mib,
            machine_code_mib: limits.machine_code_mib_max,
        })
    }

    fn command(&self, into: Option<&Path>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg0("waystation").arg(VERB);
        for (name, value) in [
            ("--memory-mib", self.memory_mib),
            ("--seconds", self.compile_s),
            ("--machine-code-mib", self.machine_code_mib),
        ] {
            command.arg(name).arg(value.to_string());
        }
        if let Some(into) = into {
            command.arg("--into").arg(into);
        }
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

#[async_trait]
impl Compiler for ChildCompiler {
    async fn prepare(&self, component: Bytes, into: Option<&Path>) -> Result<Manifest, AdmitError> {
        let failed =
            |error: io::Error| AdmitError::Host(format!("the compiler's process: {error}"));
        let mut child = self.command(into).spawn().map_err(failed)?;
        let time = Duration::from_secs(self.compile_s.into());
        match tokio::time::timeout(time, serve(&mut child, &component)).await {
            Ok(left) => outcome(&left.map_err(failed)?, self.compile_s),
            Err(_) => {
                child.kill().await.map_err(failed)?;
                Err(InvalidComponent::CompileTimeout { seconds: self.compile_s }.into())
            }
        }
    }
}

/// Gives the child its component, and waits until it has ended.
async fn serve(child: &mut Child, component: &[u8]) -> io::Result<Left> {
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("a pipe is missing"));
    };
    let feed = async {
        input.write_all(&(component.len() as u64).to_le_bytes()).await?;
        input.write_all(component).await
    };
    let (fed, answer, last_words) =
        tokio::join!(feed, read(output, ANSWER_BYTES_MAX), read(errors, LAST_WORDS_BYTES_MAX));
    let status = child.wait().await?;
    // Open until here: the child ends when its parent seems to be gone.
    drop(input);
    // A child that crashed did not take all, and its end says more.
    if status.success() {
        fed?;
    }
    let last_words = String::from_utf8_lossy(&last_words?).into_owned();
    Ok(Left { status, answer: answer?, last_words })
}

/// The first bytes; the rest is read and forgotten, so that nobody waits for us.
async fn read(mut from: impl AsyncRead + Unpin, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    (&mut from).take(bytes_max).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// What the end of a child means for its component.
fn outcome(left: &Left, compile_s: u32) -> Answer {
    if left.status.success() {
        return serde_json::from_slice(&left.answer).unwrap_or_else(|error| {
            Err(AdmitError::Host(format!("the compiler's answer is not readable: {error}")))
        });
    }
    tracing::warn!(status = %left.status, said = left.last_words, "a compiler crashed");
    let said = |text: &str| left.last_words.contains(text);
    let by = |signal: Signal| left.status.signal() == Some(signal.as_raw());
    let uncompilable =
        |message: &str| InvalidComponent::Uncompilable { message: message.to_owned() };
    let invalid = if by(Signal::XCPU) {
        InvalidComponent::CompileTimeout { seconds: compile_s }
    } else if said("memory allocation of") || said(OUT_OF_MEMORY) {
        InvalidComponent::CompileMemory
    } else if by(Signal::XFSZ) {
        let message = "its machine code is larger than limits.machine_code_mib_max allows".into();
        InvalidComponent::TooDemanding { message }
    } else if said("overflowed its stack") {
        uncompilable("it is nested too deep for the compiler, whose stack overflowed")
    } else if by(Signal::KILL) {
        // Nobody here did: past its own bounds, a child ends otherwise. The component may be fit.
        let message = "the system killed the compiler, most likely for want of memory";
        return Err(AdmitError::Host(message.into()));
    } else {
        uncompilable("the compiler crashed on it")
    };
    Err(invalid.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(raw_status: i32, last_words: &str) -> String {
        let status = ExitStatus::from_raw(raw_status);
        let left = Left { status, answer: b"?".to_vec(), last_words: last_words.into() };
        match outcome(&left, 7) {
            Err(AdmitError::Invalid(invalid)) => invalid.code().to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_end_of_a_child_has_a_meaning() {
        let exit = |code: i32| code << 8;
        assert_eq!(meaning(Signal::XCPU.as_raw(), ""), "compile_timeout");
        assert_eq!(
            meaning(Signal::ABORT.as_raw(), "memory allocation of 4096 bytes failed"),
            "compile_memory"
        );
        assert_eq!(meaning(exit(101), "Cannot allocate memory (os error 12)"), "compile_memory");
        assert_eq!(meaning(Signal::ABORT.as_raw(), "has overflowed its stack"), "uncompilable");
        assert_eq!(meaning(Signal::XFSZ.as_raw(), ""), "too_demanding");
        assert_eq!(meaning(exit(101), "assertion failed"), "uncompilable");
        assert!(meaning(exit(0), "").contains("not readable"));
    }

    #[test]
    fn a_child_that_the_system_killed_says_nothing_of_its_component() {
        let killed = meaning(Signal::KILL.as_raw(), "");
        assert!(killed.starts_with("Err(Host("), "{killed}");
    }
}
