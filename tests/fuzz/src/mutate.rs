//! Changes inputs at random: for passes without a fuzzer, and to help one that knows no words.

use fastrand::Rng;

use crate::TARGETS;

/// No input gets longer, in bytes.
pub const INPUT_BYTES_MAX: usize = 4096;

/// `input` with one to eight changes; `words` are pieces that mean something to its reader.
pub fn bytes(rng: &mut Rng, input: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut changed = input.to_vec();
    for _ in 0..rng.usize(1..=8) {
        change(rng, &mut changed, words);
    }
    changed.truncate(INPUT_BYTES_MAX);
    changed
}

/// One of four times changes the first `size` bytes of `data` in the way of a target, within
/// `max_size`, and gives their new number.
pub fn in_place(
    target: &str,
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
) -> Option<usize> {
    let mut rng = Rng::with_seed(seed.into());
    if rng.u8(..4) > 0 {
        return None;
    }
    let target = TARGETS.iter().find(|known| known.name == target)?;
    let changed = (target.mutate)(&mut rng, data.get(..size)?);
    let length = changed.len().min(max_size).min(data.len());
    data[..length].copy_from_slice(&changed[..length]);
    Some(length)
}

fn change(rng: &mut Rng, input: &mut Vec<u8>, words: &[&[u8]]) {
    let at = rng.usize(..=input.len());
    let piece = at..(at + rng.usize(..32)).min(input.len());
    match rng.u8(..8) {
        0 => flip_bit(rng, input),
        1 => input.insert(at, interesting(rng)),
        2 => drop(input.drain(piece)),
        // Again somewhere else: nesting and repetition come from this.
        3 => {
            let piece = input[piece].to_vec();
            let to = rng.usize(..=input.len());
            input.splice(to..to, piece);
        }
        4 => {
            let piece = input[piece].to_vec();
            let times = rng.usize(1..64);
            input.splice(at..at, piece.repeat(times));
        }
        5 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = interesting(rng);
            }
        }
        _ => {
            let word = rng.choice(words).copied().unwrap_or(b"\0");
            input.splice(at..at, word.iter().copied());
        }
    }
}

fn flip_bit(rng: &mut Rng, input: &mut [u8]) {
    if let Some(byte) = rng.choice(input) {
        *byte ^= 1 << rng.u8(..8);
    }
}

/// A byte that readers often treat in a way of its own, or any.
fn interesting(rng: &mut Rng) -> u8 {
    const BYTES: &[u8] = b"\0\x01\x7f\x80\xff\n\r\t \"'\\/%{}[]()<>&?#@:;,.-+*|~=!0129aA";
    if rng.bool() { rng.choice(BYTES).copied().unwrap_or_default() } else { rng.u8(..) }
}
