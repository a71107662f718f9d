//! Waystation's embedded store: sled 0.34 behind one committer thread.
//!
//! # Layout
//!
//! - `keys.rs`: where everything lies; `value.rs`: how a value is cut into small parts
//! - `view.rs`: the tree as it will be, while a group of requests is staged
//! - `write.rs`: what each request makes of it; `committer.rs`: the one thread that writes
//! - `store.rs`: the [`Store`](waystation_store::Store) itself, and all reading
//! - `open.rs`: opening, `files.rs`: components' bytes

mod committer;
mod files;
mod keys;
mod open;
mod store;
mod value;
mod view;
mod write;

pub use files::ComponentFiles;
pub use open::OpenError;
pub use store::SledStore;
