//! Finds secrets in what a run leaves behind, and hides them.
//!
//! A value is looked for as it is and in the forms in which programs usually pass it on: in
//! JSON, in a URL, in base64, in hexadecimal. A guest that was given a value can always change
//! it into something that is not found here.

mod forms;
mod stream;

use std::borrow::Cow;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::automaton::StateID;
use aho_corasick::nfa::noncontiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use waystation_core::RunSecret;

pub(crate) use self::forms::{URL_COMPONENT, json_escaped};
pub(crate) use self::stream::MaskStream;

/// All forms of all secrets of a run.
pub(crate) struct Masks {
    automaton: NFA,
    start: StateID,
    /// Of each form, by its number: how long it is, and what stands in for it.
    forms: Vec<(usize, String)>,
    /// How much of a form has been seen in each state.
    depths: Vec<u32>,
}

impl Masks {
    /// The masks for `secrets`; `None` when there are none.
    pub(crate) fn new(secrets: &[RunSecret]) -> Option<Masks> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut forms = Vec::new();
        for secret in secrets {
            let label = format!("[secret {}]", secret.name);
            for form in forms::forms_of(secret.value.reveal()) {
                forms.push((form.len(), label.clone()));
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
        Some(Masks { automaton, start, forms, depths })
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
            reveal: false,
        };
        Masks::new(&secrets.iter().map(secret).collect::<Vec<_>>()).unwrap()
    }

    pub(super) fn masked(masks: &Masks, text: &str) -> String {
        masks.text(text).unwrap_or_else(|| text.to_owned())
    }
}
