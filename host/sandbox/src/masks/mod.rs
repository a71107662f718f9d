//! Finds secrets in what a run leaves behind, and hides them.
//!
//! A value is looked for as it is and in the forms in which programs usually pass it on: in
//! JSON, in a URL, in base64, in hexadecimal. A guest that was given a value can always change
//! it into something that is not found here.

mod forms;
mod stream;
mod watch;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use aho_corasick::automaton::Automaton as _;
use aho_corasick::automaton::StateID;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use waystation_core::RunSecret;

pub(crate) use self::forms::{URL_COMPONENT, json_escaped};
pub(crate) use self::stream::MaskStream;
pub(crate) use self::watch::Watch;

/// All forms of all secrets of a run.
///
/// Only a secret that the guest can have is hidden: it was given the value, or a server has sent
/// it back ([`Watch`]). What it writes otherwise and looks like a value is a guess, and hiding
/// it would tell the guest that the guess was right.
pub(crate) struct Masks {
    automaton: NFA,
    start: StateID,
    /// By their numbers in the automaton.
    forms: Vec<Form>,
    /// How much of a form has been seen in each state.
    depths: Vec<u32>,
    /// In the order in which they were given.
    secrets: Vec<Masked>,
}

struct Form {
    length: usize,
    /// Which secret's.
    secret: usize,
}

struct Masked {
    /// What stands in for it.
    label: String,
    /// Can the guest have it?
    known: AtomicBool,
}

impl Masks {
    /// The masks for `secrets`; `None` when there are none.
    pub(crate) fn new(secrets: &[RunSecret]) -> Option<Masks> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut forms = Vec::new();
        for (secret, given) in secrets.iter().enumerate() {
            for form in forms::forms_of(given.value.reveal()) {
                forms.push(Form { length: form.len(), secret });
                texts.push(form);
            }
        }
        if texts.is_empty() {
            return None;
        }
        // Both fail only for patterns of gigabytes.
        let automaton = NFA::builder().match_kind(MatchKind::Standard).build(&texts).ok()?;
        let start = automaton.start_state(Anchored::No).ok()?;
        let mut depths = Vec::new();
        for text in &texts {
            let mut state = start;
            for (depth, byte) in (1..).zip(text) {
                state = automaton.next_state(Anchored::No, state, *byte);
                let at = state.as_usize();
                if depths.len() <= at {
                    depths.resize(at + 1, 0);
                }
                if let Some(known) = depths.get_mut(at) {
                    *known = depth;
                }
            }
        }
        let masked = |secret: &RunSecret| Masked {
            label: format!("[secret {}]", secret.name),
            known: AtomicBool::new(secret.reveal),
        };
        let secrets = secrets.iter().map(masked).collect();
        Some(Masks { automaton, start, forms, depths, secrets })
    }

    /// From now on the guest can have this one.
    fn is_known_now(&self, secret: usize) {
        if let Some(secret) = self.secrets.get(secret) {
            secret.known.store(true, Ordering::Relaxed);
        }
    }

    /// The forms that end in `state`.
    fn ending_in(&self, state: StateID) -> impl Iterator<Item = &Form> {
        let count =
            if self.automaton.is_match(state) { self.automaton.match_len(state) } else { 0 };
        let pattern = move |at| self.automaton.match_pattern(state, at).as_usize();
        (0..count).filter_map(move |at| self.forms.get(pattern(at)))
    }

    /// `bytes` without secrets.
    pub(crate) fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut stream = MaskStream::new(self);
        let mut masked = stream.push(self, bytes);
        if !stream.hid() && !stream.holds_a_secret() {
            return Cow::Borrowed(bytes);
        }
        masked.extend(stream.finish(self));
        if stream.hid() { Cow::Owned(masked) } else { Cow::Borrowed(bytes) }
    }

    /// `text` without secrets; `None` when there are none in it.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => None,
            // Forms are whole characters, and so is what is left between them.
            Cow::Owned(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

#[cfg(test)]
mod testing {
    use waystation_core::SecretValue;

    use super::*;

    pub(super) fn masks(secrets: &[(&str, &str)]) -> Masks {
        let secret = |(name, value): &(&str, &str)| RunSecret {
            name: name.parse().unwrap(),
            value: SecretValue::new((*value).to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: true,
        };
        Masks::new(&secrets.iter().map(secret).collect::<Vec<_>>()).unwrap()
    }

    pub(super) fn masked(masks: &Masks, text: &str) -> String {
        masks.text(text).unwrap_or_else(|| text.to_owned())
    }
}
