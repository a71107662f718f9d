//! Links that carry all they mean: which pause of which execution, what to do, and a MAC.
//!
//! A token is `base64url(version, key id, execution, step, run, action, MAC)`. Nothing has to
//! be stored for it, so a run that is repeated after a crash hands out the same links, and
//! nothing is looked up before the MAC holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{ExecutionId, PauseId};

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Go on.
    Resume,
    /// End the execution.
    Cancel,
    /// Show the page that asks.
    Approve,
}

impl LinkAction {
    /// The word, which is also the first part of the link's path.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkAction::Resume => "resume",
            LinkAction::Cancel => "cancel",
            LinkAction::Approve => "approve",
        }
    }

    fn code(self) -> u8 {
        match self {
            LinkAction::Resume => 1,
            LinkAction::Cancel => 2,
            LinkAction::Approve => 3,
        }
    }

    fn from_code(code: u8) -> Option<LinkAction> {
        [LinkAction::Resume, LinkAction::Cancel, LinkAction::Approve]
            .into_iter()
            .find(|action| action.code() == code)
    }
}

/// What a genuine token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// The execution.
    pub execution: ExecutionId,
    /// Its pause.
    pub pause: PauseId,
    /// What to do with it.
    pub action: LinkAction,
}

/// The three links of one pause, as `flow.suspend` hands them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// Any request resumes.
    pub resume_url: String,
    /// Any request cancels.
    pub cancel_url: String,
    /// The page for people.
    pub approval_url: String,
}

/// The keys that sign links: one signs, all verify.
///
/// A key is never removed while a link under it may be open, so rotation adds a key and
/// leaves the others.
#[derive(Clone)]
pub struct LinkKeys {
    /// By id, oldest first; the last one signs.
    keys: Vec<(u8, [u8; 32])>,
}

const FORMAT: u8 = 1;
const MAC_BYTES: usize = 16;
const CLAIM_BYTES: usize = 1 + 1 + 16 + 2 + 4 + 1;

impl LinkKeys {
    /// The length of a token, in ASCII characters.
    pub const TOKEN_CHARS: usize = ((CLAIM_BYTES + MAC_BYTES) * 4).div_ceil(3);

    /// Keys by id, oldest first. `None` when there is none, or an id stands twice.
    pub fn new(keys: Vec<(u8, [u8; 32])>) -> Option<LinkKeys> {
        let mut ids: Vec<u8> = keys.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        (!keys.is_empty() && ids.len() == keys.len()).then_some(LinkKeys { keys })
    }

    /// The token for `link`, under the newest key.
    pub fn sign(&self, link: Link) -> String {
        let (id, key) = self.newest();
        let mut token = claim(id, link);
        let tag = mac(&key, &token).finalize().into_bytes();
        token.extend(tag.iter().take(MAC_BYTES));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// What `token` says; `None` unless one of the keys signed exactly this.
    pub fn verify(&self, token: &str) -> Option<Link> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (claim, tag) = bytes.split_at_checked(CLAIM_BYTES)?;
        let [format, key_id, rest @ ..] = claim else { return None };
        let (_, key) = self.keys.iter().find(|(id, _)| id == key_id)?;
        if tag.len() != MAC_BYTES || *format != FORMAT {
            return None;
        }
        mac(key, claim).verify_truncated_left(tag).ok()?;
        let (execution, rest) = rest.split_first_chunk::<16>()?;
        let (step, rest) = rest.split_first_chunk::<2>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let [action] = rest else { return None };
        Some(Link {
            execution: ExecutionId::from_bytes(*execution),
            pause: PauseId { step: u16::from_be_bytes(*step), run: u32::from_be_bytes(*run) },
            action: LinkAction::from_code(*action)?,
        })
    }

    /// The links of a pause, below `public_url` (without a slash at its end).
    pub fn links(&self, public_url: &str, execution: ExecutionId, pause: PauseId) -> Links {
        let url = |action: LinkAction| {
            let token = self.sign(Link { execution, pause, action });
            format!("{public_url}/{}/{token}", action.as_str())
        };
        Links {
            resume_url: url(LinkAction::Resume),
            cancel_url: url(LinkAction::Cancel),
            approval_url: url(LinkAction::Approve),
        }
    }

    /// A name for one run that outsiders can't guess, the same for all its attempts.
    pub fn idempotency_key(&self, execution: ExecutionId, run: PauseId) -> String {
        // The oldest key: a rotation must not change the name between two attempts.
        let key = self.keys.first().map(|(_, key)| *key).unwrap_or_default();
        let mut input = b"idempotency".to_vec();
        input.extend(execution.as_bytes());
        input.extend(run.step.to_be_bytes());
        input.extend(run.run.to_be_bytes());
        let tag = mac(&key, &input).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(tag.get(..MAC_BYTES).unwrap_or_default())
    }

    fn newest(&self) -> (u8, [u8; 32]) {
        self.keys.last().copied().unwrap_or_default()
    }
}

impl std::fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LinkKeys({})", self.keys.len())
    }
}

fn claim(key_id: u8, link: Link) -> Vec<u8> {
    let mut claim = Vec::with_capacity(CLAIM_BYTES + MAC_BYTES);
    claim.extend([FORMAT, key_id]);
    claim.extend(link.execution.as_bytes());
    claim.extend(link.pause.step.to_be_bytes());
    claim.extend(link.pause.run.to_be_bytes());
    claim.push(link.action.code());
    claim
}

fn mac(key: &[u8; 32], message: &[u8]) -> Hmac<Sha256> {
    // HMAC pads a key to the hash's block with zeros (RFC 2104).
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(action: LinkAction) -> Link {
        let execution = ExecutionId::from_parts(1_700_000_000_000, [7; 10]);
        Link { execution, pause: PauseId { step: 2, run: 3 }, action }
    }

    fn keys(ids: &[u8]) -> LinkKeys {
        LinkKeys::new(ids.iter().map(|id| (*id, [*id; 32])).collect()).unwrap()
    }

    #[test]
    fn a_token_says_what_was_signed() {
        for action in [LinkAction::Resume, LinkAction::Cancel, LinkAction::Approve] {
            let token = keys(&[1]).sign(link(action));
            assert_eq!(keys(&[1]).verify(&token), Some(link(action)));
            assert_eq!(token.len(), LinkKeys::TOKEN_CHARS);
        }
    }

    #[test]
    fn the_same_pause_always_has_the_same_token() {
        assert_eq!(
            keys(&[1]).sign(link(LinkAction::Resume)),
            keys(&[1]).sign(link(LinkAction::Resume))
        );
    }

    #[test]
    fn rotation_keeps_old_tokens_and_signs_new_ones() {
        let old = keys(&[1]).sign(link(LinkAction::Resume));
        let rotated = keys(&[1, 2]);
        assert_eq!(rotated.verify(&old), Some(link(LinkAction::Resume)));
        assert_ne!(rotated.sign(link(LinkAction::Resume)), old);
        assert_eq!(keys(&[2]).verify(&old), None);
    }

    #[test]
    fn a_changed_token_is_nothing() {
        let token = keys(&[1]).sign(link(LinkAction::Resume));
        for at in 0..token.len() {
            for with in ["A", "B", "_", ""] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, with);
                if changed != token {
                    assert_eq!(keys(&[1]).verify(&changed), None, "{changed}");
                }
            }
        }
        assert_eq!(keys(&[1]).verify(&format!("{token}A")), None);
        assert_eq!(keys(&[1]).verify(&format!("{token}=")), None);
    }

    #[test]
    fn keys_need_their_own_ids() {
        assert!(LinkKeys::new(vec![]).is_none());
        assert!(LinkKeys::new(vec![(1, [0; 32]), (1, [1; 32])]).is_none());
    }

    proptest! {
        #[test]
        fn no_foreign_text_is_a_token(token in "\\PC{0,80}") {
            prop_assert_eq!(keys(&[1]).verify(&token), None);
        }
    }
}
