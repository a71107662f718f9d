//! `waystation build`.

use std::path::Path;

use crate::failure::{Done, Failure};

pub(super) fn run(path: &Path, _output: Option<&Path>, _json: bool) -> Done {
    Err(Failure::new(format!("this build can't make a component of {}", path.display())))
}
