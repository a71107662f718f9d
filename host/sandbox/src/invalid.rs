//! Why bytes are not taken as a component.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What is wrong with an uploaded component. The message says it to people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidComponent {
    /// Not WebAssembly at all.
    #[error("this is {found}, not a WebAssembly component")]
    NotWebAssembly {
        /// What it looks like.
        found: Cow<'static, str>,
    },
    /// A core module.
    #[error(
        "this is a core WebAssembly module, not a component: build it for wasm32-wasip2, or turn \
         it into a component with its language's tool"
    )]
    CoreModule,
    /// Machine code that a runtime compiled.
    #[error("this is precompiled machine code: upload the component it was made from")]
    Precompiled,
    /// Cut off or damaged.
    #[error("the component is damaged or cut off at byte {offset}: {message}")]
    Malformed {
        /// Where, in bytes from the start.
        offset: u64,
        /// What is wrong there.
        message: String,
    },
    /// It uses a part of WebAssembly that is off in this host.
    #[error(
        "the component uses a feature of WebAssembly that is off here (byte {offset}: {message})"
    )]
    FeatureOff {
        /// Where, in bytes from the start.
        offset: u64,
        /// Which feature.
        message: String,
    },
    /// It has nothing to call.
    #[error(
        "the component does not export `handler`, the function of the world waystation:step/step; \
         it exports {}",
        list(exports)
    )]
    NoHandler {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// `handler` takes or returns something else.
    #[error("the export `handler` is not {expected}: {found}", expected = crate::handler_type::EXPECTED)]
    HandlerType {
        /// What it is.
        found: String,
    },
    /// It needs something the host has not.
    #[error(
        "the component imports {}, which this host does not offer; it offers {offered}",
        short(import)
    )]
    UnknownImport {
        /// What it imports.
        import: String,
        /// The packages that can be imported.
        offered: String,
    },
    /// It imports something of the host's by name that looks different there.
    #[error("the component's imports do not fit this host: {message}")]
    ImportMismatch {
        /// Which, and how.
        message: String,
    },
    /// It needs more instances, memories or tables than a run gets, is nested too deep, or has
    /// names that are too long.
    #[error("the component needs more than a run gets: {message}")]
    TooDemanding {
        /// What of.
        message: String,
    },
    /// More bytes than allowed.
    #[error("the component has {bytes} bytes; at most {bytes_max} are allowed")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many are allowed.
        bytes_max: usize,
    },
    /// The compiler gave up on it.
    #[error("the component can't be compiled: {message}")]
    Uncompilable {
        /// What the compiler says.
        message: String,
    },
    /// The compiler was not done in time.
    #[error(
        "checking and compiling the component took more than {seconds} s, which is what limits.compile_s \
         allows"
    )]
    CompileTimeout {
        /// How long it had.
        seconds: u32,
    },
    /// The compiler wanted more memory than it may have.
    #[error(
        "checking and compiling the component takes more memory than limits.compile_memory_mib \
         allows"
    )]
    CompileMemory,
}

impl InvalidComponent {
    /// A stable name of the fault, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            InvalidComponent::NotWebAssembly { .. } => "not_webassembly",
            InvalidComponent::CoreModule => "core_module",
            InvalidComponent::Precompiled => "precompiled",
            InvalidComponent::Malformed { .. } => "malformed",
            InvalidComponent::FeatureOff { .. } => "feature_off",
            InvalidComponent::NoHandler { .. } => "no_handler",
            InvalidComponent::HandlerType { .. } => "handler_type",
            InvalidComponent::UnknownImport { .. } => "unknown_import",
            InvalidComponent::ImportMismatch { .. } => "import_mismatch",
            InvalidComponent::TooDemanding { .. } => "too_demanding",
            InvalidComponent::TooLarge { .. } => "too_large",
            InvalidComponent::Uncompilable { .. } => "uncompilable",
            InvalidComponent::CompileTimeout { .. } => "compile_timeout",
            InvalidComponent::CompileMemory => "compile_memory",
        }
    }
}

/// Names that a message tells.
const NAMES_SHOWN_MAX: usize = 20;

/// Longest name or message of others that a message quotes, in characters.
const SHOWN_MAX: usize = 100;

/// The names that come first.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    let shown: Vec<String> = names.iter().take(NAMES_SHOWN_MAX).map(|name| short(name)).collect();
    match names.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A piece of a component in a message.
pub(crate) fn short(text: &str) -> String {
    cut(text, SHOWN_MAX)
}

/// `text`, cut where it gets too long for people: a component may have put anything into it.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    let mut start: String = text.chars().take(characters).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_names_is_short() {
        let exports = vec!["x".repeat(90_000); 1_000];
        let text = InvalidComponent::NoHandler { exports }.to_string();
        assert!(text.len() < 3_000 && text.ends_with("and 980 more"), "{text}");
        let import = "x".repeat(90_000);
        let text = InvalidComponent::UnknownImport { import, offered: "wasi".into() }.to_string();
        assert!(text.len() < 500, "{text}");
        assert_eq!(list(&["a".into(), "b".into()]), "a, b");
        assert_eq!(list(&[]), "nothing");
    }
}
