//! What a step must not get away with.

use std::hint::black_box;

use serde_json::{Value, json};

pub fn spin() {
    let mut n = 0_u64;
    while black_box(n) != u64::MAX {
        n = n.wrapping_add(2);
    }
}

pub fn grow_memory() {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(black_box(vec![1; 1 << 20]));
    }
}

#[inline(never)]
pub fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        return 0;
    }
    black_box(recurse(black_box(depth + 1))) + 1
}

/// What can be seen of the host: nothing.
pub fn surroundings() -> Value {
    let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let files: Vec<String> = std::fs::read_dir("/")
        .map(|entries| {
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        })
        .unwrap_or_default();
    let socket = std::net::TcpStream::connect("127.0.0.1:22").map(|_| ());
    json!({
        "variables": variables,
        "files": files,
        "socket": socket.err().map(|error| error.to_string()),
    })
}
