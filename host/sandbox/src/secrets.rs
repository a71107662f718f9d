//! What an attempt has of its secrets: placeholders for the guest, values for the host.

use std::sync::Arc;

use waystation_core::{RunSecret, UrlPattern};

use crate::masks::Masks;

/// What every placeholder begins with. Of characters that headers, URLs, JSON and forms all
/// take as they are.
pub(crate) const PLACEHOLDER: &str = "ws-secret-";

/// Random hex digits of a placeholder.
pub(crate) const PLACEHOLDER_DIGITS: usize = 32;

/// The secrets of one attempt. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Option<Arc<Inner>>);

struct Inner {
    secrets: Vec<Secret>,
    masks: Masks,
}

/// One of them.
pub(crate) struct Secret {
    given: RunSecret,
    /// What the guest has in place of the value: another one in every attempt, so that it is
    /// worth nothing anywhere else.
    placeholder: String,
}

/// The system gives no randomness.
#[derive(Debug)]
pub(crate) struct NoRandomness;

impl Secrets {
    /// With fresh placeholders.
    pub(crate) fn new(given: Vec<RunSecret>) -> Result<Secrets, NoRandomness> {
        let Some(masks) = Masks::new(&given) else { return Ok(Secrets::default()) };
        let secret = |given| Ok(Secret { given, placeholder: placeholder()? });
        let secrets = given.into_iter().map(secret).collect::<Result<_, _>>()?;
        Ok(Secrets(Some(Arc::new(Inner { secrets, masks }))))
    }

    /// The variables that the guest finds.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        self.all().iter().map(|secret| (secret.name(), secret.seen())).collect()
    }

    /// Does any request have to be looked through?
    pub(crate) fn has_placeholders(&self) -> bool {
        self.all().iter().any(|secret| !secret.given.reveal)
    }

    /// The one that has this placeholder.
    pub(crate) fn behind(&self, placeholder: &str) -> Option<&Secret> {
        let hidden = self.all().iter().filter(|secret| !secret.given.reveal);
        hidden.into_iter().find(|secret| secret.placeholder == placeholder)
    }

    /// The numbers, as masks have them, of those that a guest has a placeholder for and that may
    /// be sent to where `goes` says of their destinations.
    pub(crate) fn sent_to(&self, goes: impl Fn(&[UrlPattern]) -> bool) -> Vec<usize> {
        let sent = |secret: &Secret| !secret.given.reveal && goes(secret.destinations());
        let all = self.all().iter().enumerate();
        all.filter(|(_, secret)| sent(secret)).map(|(number, _)| number).collect()
    }

    /// Hides them; `None` when there are none.
    pub(crate) fn masks(&self) -> Option<&Masks> {
        self.0.as_deref().map(|inner| &inner.masks)
    }

    /// The text without them.
    pub(crate) fn hide(&self, text: String) -> String {
        self.masks().and_then(|masks| masks.text(&text)).unwrap_or(text)
    }

    fn all(&self) -> &[Secret] {
        self.0.as_deref().map_or(&[], |inner| &inner.secrets)
    }
}

impl Secret {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.given.name.as_str()
    }

    /// Its value, to be sent where [`Secret::destinations`] allows.
    pub(crate) fn value(&self) -> &str {
        self.given.value.reveal()
    }

    /// Where it may be sent.
    pub(crate) fn destinations(&self) -> &[UrlPattern] {
        &self.given.destinations
    }

    fn seen(&self) -> &str {
        if self.given.reveal { self.value() } else { &self.placeholder }
    }
}

fn placeholder() -> Result<String, NoRandomness> {
    let mut bytes = [0; PLACEHOLDER_DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{PLACEHOLDER}{digits}"))
}
