//! Notices secrets in what comes piece by piece, and lets it be.

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};

use super::Masks;

/// Looks for some of a run's secrets in one text.
pub(crate) struct Watch {
    /// Which ones.
    secrets: Vec<usize>,
    state: StateID,
}

impl Watch {
    /// For the secrets with these numbers, in the order in which they were given.
    pub(crate) fn new(masks: &Masks, secrets: Vec<usize>) -> Watch {
        Watch { secrets, state: masks.start }
    }

    /// Takes the next piece. A secret that is whole by then can be had by whoever gets it.
    pub(crate) fn push(&mut self, masks: &Masks, bytes: &[u8]) {
        for &byte in bytes {
            self.state = masks.automaton.next_state(Anchored::No, self.state, byte);
            for form in masks.ending_in(self.state) {
                if self.secrets.contains(&form.secret) {
                    masks.is_known_now(form.secret);
                }
            }
        }
    }

    /// A text by itself.
    pub(crate) fn text(&self, masks: &Masks, text: &[u8]) {
        Watch::new(masks, self.secrets.clone()).push(masks, text);
    }

    /// What comes can't be looked into: any of them may be in it.
    pub(crate) fn give_up(&self, masks: &Masks) {
        self.secrets.iter().for_each(|secret| masks.is_known_now(*secret));
    }
}

#[cfg(test)]
mod tests {
    use waystation_core::{RunSecret, SecretValue};

    use super::*;

    fn masks() -> Masks {
        let secret = |name: &str, value: &str| RunSecret {
            name: name.parse().unwrap(),
            value: SecretValue::new(value.to_owned().into()).unwrap(),
            destinations: vec![],
            reveal: false,
        };
        Masks::new(&[secret("PIN", "73019264"), secret("KEY", "k3y of \"h")]).unwrap()
    }

    #[test]
    fn a_guess_is_not_answered() {
        let masks = masks();
        assert_eq!(masks.text("73019264 or 73019265?"), None);
        Watch::new(&masks, vec![1]).push(&masks, b"73019264");
        assert_eq!(masks.text("73019264"), None, "it was not looked for");
    }

    #[test]
    fn what_came_back_is_hidden_from_then_on_and_nothing_else() {
        let masks = masks();
        let mut watch = Watch::new(&masks, vec![0, 1]);
        watch.push(&masks, b"you sent k3y of");
        assert_eq!(masks.text("k3y of \"h"), None, "half of it");
        watch.push(&masks, b" \\\"h: thanks");
        assert_eq!(masks.text("k3y of \"h").as_deref(), Some("[secret KEY]"));
        assert_eq!(masks.text("73019264"), None);
        // Pieces of two texts are none of one.
        watch.text(&masks, b"7301");
        watch.text(&masks, b"9264");
        assert_eq!(masks.text("73019264"), None);
        watch.text(&masks, b"a=73019264");
        assert_eq!(masks.text("73019264").as_deref(), Some("[secret PIN]"));
    }

    #[test]
    fn what_can_not_be_looked_into_may_hold_them_all() {
        let masks = masks();
        Watch::new(&masks, vec![0]).give_up(&masks);
        assert_eq!(masks.text("73019264").as_deref(), Some("[secret PIN]"));
        assert_eq!(masks.text("k3y of \"h"), None);
    }
}
