//! Tokens of links.

use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use waystation_core::{ExecutionId, Link, LinkAction, LinkKeys, PauseId};

/// Two keys that verify, each also as one that signs.
static KEYS: LazyLock<[LinkKeys; 2]> = LazyLock::new(|| {
    let (one, two) = ((1, [0x11; 32]), (2, [0x22; 32]));
    [vec![one, two], vec![two, one]].map(|keys| LinkKeys::new(keys).expect("two keys"))
});

/// The input is a token as it stands, and says how to change a genuine one: nothing is taken for
/// a link that is not spelled exactly as it was signed.
pub fn link_token(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        is_genuine_or_nothing(text);
    }
    // Too few bytes say no change.
    let _ = changed(&mut Unstructured::new(data));
}

fn is_genuine_or_nothing(token: &str) {
    let Some(link) = KEYS[0].verify(token) else { return };
    let spelled = KEYS.iter().any(|keys| keys.sign(link) == token);
    assert!(spelled, "{token:?} was taken for {link:?}, and is not how it is written");
}

fn changed(bytes: &mut Unstructured<'_>) -> Result<()> {
    let link = Link {
        execution: ExecutionId::from_bytes(bytes.arbitrary()?),
        pause: PauseId { step: bytes.arbitrary()?, run: bytes.arbitrary()? },
        action: *bytes.choose(&[LinkAction::Resume, LinkAction::Cancel, LinkAction::Approve])?,
    };
    let genuine = bytes.choose(&*KEYS)?.sign(link);
    assert_eq!(KEYS[0].verify(&genuine), Some(link));
    for other in respelled(&genuine) {
        assert_eq!(KEYS[0].verify(&other), None, "{other:?}, for {genuine:?}");
    }
    let mut token: Vec<char> = genuine.chars().collect();
    while !bytes.is_empty() {
        change(bytes, &mut token)?;
        let text: String = token.iter().collect();
        let expected = (text == genuine).then_some(link);
        assert_eq!(KEYS[0].verify(&text), expected, "{text:?}, made of {genuine:?}");
    }
    Ok(())
}

/// What lenient readers take for the same bytes.
fn respelled(token: &str) -> Vec<String> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = token.split_at(token.len() - 1);
    // Of the last character not all bits are used.
    let mut others: Vec<String> = ALPHABET.chars().map(|c| format!("{start}{c}")).collect();
    others.retain(|other| !other.ends_with(last));
    others.extend(["=", "==", "%3D", "\n", " ", "\0", "A", "/"].map(|end| format!("{token}{end}")));
    others.extend([format!(" {token}"), format!("{start}\n{last}"), format!("{start}={last}")]);
    for (ours, theirs) in [('-', '+'), ('_', '/')] {
        if token.contains(ours) {
            others.push(token.replace(ours, &theirs.to_string()));
        }
    }
    others
}

fn change(bytes: &mut Unstructured<'_>, token: &mut Vec<char>) -> Result<()> {
    let character = match bytes.int_in_range(0..=3)? {
        0 => *bytes.choose(&['=', '+', '/', '-', '_', '.', ' ', '\n', '\0', 'A', '\u{ff21}'])?,
        _ => char::from(bytes.int_in_range(0x21..=0x7e)?),
    };
    let at = bytes.int_in_range(0..=token.len())?;
    match bytes.int_in_range(0..=3)? {
        0 => token.insert(at, character),
        1 => token.truncate(at),
        2 if at < token.len() => drop(token.remove(at)),
        _ if at < token.len() => token[at] = character,
        _ => token.push(character),
    }
    Ok(())
}
