//! Components are checked and compiled by a child process, which can be bounded and killed.
//!
//! The child is this very program under a hidden verb. It is given the component, a folder for
//! machine code, and nothing else: no environment, no open files. Its answer is one line of JSON,
//! and is not believed about which component it was given.
//!
//! It is bounded in what it takes, and confined in what it reaches.

mod child;
mod confinement;
mod parent;

use std::path::PathBuf;

use waystation_sandbox::{AdmitError, Manifest};

pub(crate) use child::run;
pub(crate) use confinement::{Confinement, possible as possible_confinement};
pub(crate) use parent::ChildCompiler;

/// The hidden verb.
const VERB: &str = "compile-component";

/// What the child says.
type Answer = Result<Manifest, AdmitError>;

/// What the child may take.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ChildArgs {
    /// Address space, in MiB
    #[arg(long)]
    memory_mib: u32,
    /// Time on a processor, in seconds
    #[arg(long)]
    seconds: u32,
    /// Machine code, in MiB
    #[arg(long)]
    machine_code_mib: u32,
    /// An empty folder for it; without one, the component is only checked
    #[arg(long)]
    into: Option<PathBuf>,
}
