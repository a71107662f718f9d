//! Landlock: which files can be reached.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, make_bitflags,
};

/// The newest rights that the library knows: a system that knows fewer closes those.
const RIGHTS: ABI = ABI::V10;

/// What wasmtime does in the folder of a cache. No links, which the server would follow, and
/// nothing that is no file.
const IN_THE_FOLDER: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | RemoveFile | RemoveDir | Refer
});

/// Closes all files but those in `folder`, and, as far as the system can, what else Landlock
/// knows. False if the system can't.
pub(super) fn close(folder: Option<&Path>) -> io::Result<bool> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(RIGHTS)))
        .and_then(|rules| rules.scope(Scope::from_all(RIGHTS)))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    let rules = match folder {
        Some(folder) => {
            let folder = PathFd::new(folder).map_err(io::Error::other)?;
            let rule = PathBeneath::new(folder, IN_THE_FOLDER);
            rules.add_rule(rule).map_err(io::Error::other)?
        }
        None => rules,
    };
    let status = rules.restrict_self().map_err(io::Error::other)?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
